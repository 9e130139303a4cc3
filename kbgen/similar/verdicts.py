"""What was said of pairs in the last run, kept: the rule of each, and what those to merge share below their titles.

Most pairs of a night are those of the night before. Not here: what is said (``judge``, ``bodies``).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kbgen.similar.frame import Ints, Longs
from kbgen.similar.judge import Below, rule_of
from kbgen.similar.linkage import Pair
from kbgen.similar.texts import Text


class Verdicts(NamedTuple):
    """What was said of pairs.

    Attributes:
        pairs: positions of the texts, n x 2.
        marks: of these, what a rule reads of a text besides its words, n x 2.
        rules: in one text, parted by newlines.
        shares: what the bodies have in common; not a number where nobody asked.
    """

    pairs: Ints
    marks: npt.NDArray[np.uint32]
    rules: npt.NDArray[np.uint8]
    shares: npt.NDArray[np.float64]


class Court:
    """Says of pairs what was said of them before, and asks about others.

    Args:
        texts: of one language.
        below: is asked what pairs share below their titles.
    """

    def __init__(self, texts: Sequence[Text], below: Below) -> None:
        self._texts = texts
        self._below = below
        self._rules: dict[Pair, str] = {}
        self._shares: dict[Pair, float] = {}
        self._asked: dict[Pair, str] = {}

    def recall(self, old: Verdicts, target: Longs, *, measured: bool) -> None:
        """Take over what was said.

        Args:
            old: in the last run.
            target: where each text of that run stands now, below zero where it is gone or says something else.
            measured: whether rarity is measured as it was.
        """
        places = target[old.pairs]
        some = np.flatnonzero((places >= 0).all(axis=1))
        rules, marks = old.rules.tobytes().decode().split("\n"), old.marks[some].tolist()
        pairs: list[Pair] = [(left, right) for left, right in places[some].tolist()]
        rows = zip(some.tolist(), pairs, marks, old.shares[some].tolist(), strict=True)
        for row, pair, mark, share in rows:
            if mark == [_mark(self._texts[place]) for place in pair]:
                self._rules[pair] = rules[row]
                if measured and share == share:  # noqa: PLR0124  # a number
                    self._shares[pair] = share

    def rule(self, pair: Pair) -> str:
        """What decides about a pair."""
        known = self._rules.get(pair)
        found = known if known is not None else rule_of(self._texts[pair[0]], self._texts[pair[1]])
        self._asked[pair] = found
        return found

    def below(self, pairs: Sequence[Pair]) -> list[float]:
        """What pairs share below their titles."""
        asked = [pair for pair in pairs if pair not in self._shares]
        if asked:
            self._shares.update(zip(asked, self._below(asked), strict=True))
        return [self._shares[pair] for pair in pairs]

    def verdicts(self) -> Verdicts:
        """What was said in this run."""
        pairs = np.array([*self._asked], np.int32).reshape(-1, 2)
        marks = np.array([_mark(self._texts[place]) for pair in self._asked for place in pair], np.uint32)
        shares = np.array([self._shares.get(pair, np.nan) for pair in self._asked], np.float64)
        rules = np.frombuffer("\n".join(self._asked.values()).encode(), np.uint8)
        return Verdicts(pairs, marks.reshape(-1, 2), rules, shares)


def _mark(text: Text) -> int:
    if not (text.versions or text.article or text.family or text.borrowed):
        return 0
    return zlib.crc32(repr((sorted(text.versions), text.article, text.family, text.borrowed)).encode())
