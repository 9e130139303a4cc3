"""What was said of pairs is taken over only where all it was said by is as it was."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from kbgen.model import Ref
from kbgen.similar.linkage import Pair
from kbgen.similar.texts import Text, make_text
from kbgen.similar.verdicts import Court, Verdicts

TITLES = ("Error 403 after login", "Error 404 after login", "Oven beeps all the time", "Oven beeps all the time")
BODY = "It happens since the last update of the firmware, I unplugged it twice."
PAIRS: tuple[Pair, ...] = ((0, 1), (2, 3))


def texts() -> list[Text]:
    """Two pairs."""
    return [make_text(Ref(f"forum:{n}"), ("en", title, BODY)) for n, title in enumerate(TITLES)]


class Bodies:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    def share(self, pairs: Sequence[Pair]) -> list[float]:
        """Every body is half another one."""
        self.asked += pairs
        return [0.5] * len(pairs)


def said(every: Sequence[Text]) -> Verdicts:
    """Of both pairs, one of which was asked about its bodies."""
    court = Court(every, Bodies().share)
    for pair in PAIRS:
        court.rule(pair)
    court.below([PAIRS[1]])
    return court.verdicts()


def again(old: Verdicts, every: Sequence[Text], *, measured: bool = True) -> tuple[list[str], list[Pair]]:
    """The rules of both pairs in a court that knows what was said, whose shares are asked for, and what it asked."""
    bodies = Bodies()
    court = Court(every, bodies.share)
    court.recall(old, np.array([0, 1, 2, 3, -1]), measured=measured)
    rules = [court.rule(pair) for pair in PAIRS]
    court.below([PAIRS[1]])
    return rules, bodies.asked


def marked(old: Verdicts) -> Verdicts:
    """The same, with other words for every rule, by which it is seen who says it."""
    return old._replace(rules=np.frombuffer(b"once\nonce", np.uint8))


def test_what_was_said_is_said_again() -> None:
    """Neither titles nor bodies are read again."""
    assert again(said(texts()), texts()) == (["alike, but figures", "same-title"], [])
    assert again(marked(said(texts())), texts()) == (["once", "once"], [])


def test_a_text_of_another_version_is_judged_anew() -> None:
    """Whatever a rule reads besides the words of a text: product versions, article, family, borrowed words."""
    old = marked(said(texts()))
    for change in ({"versions": frozenset({"2.1"})}, {"article": True}, {"family": "docs:1"}, {"borrowed": True}):
        every = texts()
        every[3] = msgspec.structs.replace(every[3], **change)
        rules, asked = again(old, every)

        assert rules[0] == "once"
        assert rules[1] != "once"
        assert asked == [PAIRS[1]]


def test_bodies_are_measured_anew_with_another_frame() -> None:
    """How rare words are is in what bodies share, and in no rule."""
    assert again(marked(said(texts())), texts(), measured=False) == (["once", "once"], [PAIRS[1]])


def test_verdicts_follow_their_texts() -> None:
    """What was said of a pair stays with it when others go, and goes with either of its texts."""
    every = texts()
    court = Court(every[2:], Bodies().share)
    court.recall(marked(said(every)), np.array([-2, -2, 0, 1, -1]), measured=True)
    other = Court(every[1:], Bodies().share)
    other.recall(marked(said(every)), np.array([-2, 0, 1, 2, -1]), measured=True)

    assert court.rule((0, 1)) == "once"
    assert other.rule((1, 2)) == "once"
    assert other.rule((0, 1)) != "once"


def test_only_what_was_asked_is_kept() -> None:
    """A pair that is alike no more is forgotten."""
    court = Court(texts(), Bodies().share)
    court.recall(said(texts()), np.array([0, 1, 2, 3, -1]), measured=True)
    court.rule(PAIRS[0])

    assert court.verdicts().pairs.tolist() == [[0, 1]]
    assert Court(texts(), Bodies().share).verdicts().pairs.tolist() == []
