"""From neighbours to pairs in bands: merged, suggested to a person, or only related.

A similarity says little by itself: two meeting notices are alike to the letter and are two meetings. So it is scaled by
how crowded the place is (cross-domain similarity local scaling, CSLS: Conneau et al. 2018, arXiv:1710.04087):
twice the similarity, less the mean similarity of each text's ten nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from kbgen.model import Ref
from kbgen.similar.frame import Longs
from kbgen.similar.linkage import Pair, average_linkage
from kbgen.similar.nearest import Nearest
from kbgen.similar.texts import Text, apart, doubtful, same_title
from kbgen.similar.vectors import Floats

Band = Literal["merge", "suggest"]
Meaning = tuple[npt.NDArray[np.float16], Callable[[Floats], Floats]]
# The same words in the same order as title: less has to be alike besides.
_SAME_TITLE = 0.25
_JUST_BELOW = 0.001
# Worth a second look by a sentence model: below this, hardly a pair asks the same (docs/duplicates.md).
_LOOK = 0.1
_LOOKED_AT = 10
# Share of the sentence model in the score. Chosen on Meta Stack Exchange pairs.
_MEANING = 0.85


class Bands(Struct, frozen=True):
    """Where the bands begin.

    Attributes:
        merge: least similarity and least local score of two texts that become one page.
        suggest: least of both for a suggestion to a person.
        largest: most texts in a cluster made here.
    """

    merge: float
    suggest: float
    largest: int


class Judged(Struct, frozen=True):
    """Two texts that ask the same, or seem to.

    Attributes:
        similarity: 0 to 1, as the texts alone have it.
        local: similarity scaled by how crowded their neighbourhoods are; above 1 in an empty one.
        rule: ``alike`` or ``same-title``; for a suggestion also why it was not merged.
    """

    left: Ref
    right: Ref
    similarity: float
    local: float
    band: Band
    rule: str


def judge(index: Nearest, texts: Sequence[Text], bands: Bands) -> list[Judged]:
    """Put every pair of neighbours into its band.

    Args:
        index: neighbours of ``texts``, in their order.
        texts: of one language.
        bands: where they begin.

    Returns:
        Pairs that are merged or suggested, ordered by their refs.
    """
    alike = _alike(index, bands.suggest)
    rules = {pair: _rule(texts[pair[0]], texts[pair[1]]) for pair in alike}
    scores = {pair: _linked(alike[pair], rule, bands) for pair, rule in rules.items() if not rule.startswith("apart:")}
    scores |= {pair: float("-inf") for pair, rule in rules.items() if rule.startswith("apart:")}
    groups = average_linkage(scores, bands.merge, largest=bands.largest, unknown=bands.suggest - 0.1)
    cluster = {member: number for number, group in enumerate(groups) for member in group}
    found: list[Judged] = []
    for pair, (similarity, local) in alike.items():
        rule, together = rules[pair], cluster.get(pair[0], -1) == cluster.get(pair[1], -2)
        if rule.startswith("apart:"):
            continue
        band: Band = "merge" if together and scores[pair] >= bands.merge else "suggest"
        left, right = sorted((texts[pair[0]].ref, texts[pair[1]].ref))
        found.append(Judged(left, right, round(similarity, 3), round(local, 3), band, rule))
    return sorted(found, key=lambda one: (one.left, one.right))


def _alike(index: Nearest, least: float) -> dict[Pair, tuple[float, float]]:
    """Similarity and local score of the pairs that reach the lowest band."""
    crowding = index.crowding()
    row, column = np.nonzero((index.near >= 0) & (index.scores >= least))
    other, similarity = index.near[row, column], index.scores[row, column]
    local = 2 * similarity - crowding[row] - crowding[other]
    good = local >= least
    found = zip(row[good], other[good], similarity[good], local[good], strict=True)
    return {(int(min(a, b)), int(max(a, b))): (float(s), float(c)) for a, b, s, c in found}


def second_look(index: Nearest) -> tuple[Longs, Longs]:
    """The texts a sentence model has to see, and those of them that are in a pair it may decide."""
    pairs = _alike(index, _LOOK)
    rows = np.unique(np.array([place for pair in pairs for place in pair], np.int64))
    near = index.near[rows, :_LOOKED_AT].astype(np.int64)
    return np.union1d(rows, near[near >= 0]), rows


def rescored(index: Nearest, rows: Longs, seen: Longs, meaning: Meaning) -> Nearest:
    """Neighbours in the order of a score that is mostly the sentence model's.

    Args:
        index: neighbours as words and static vectors see them.
        rows: the texts to score anew; all others lose their neighbours.
        seen: the texts that have a sentence vector, ascending.
        meaning: their vectors, of unit length, and how alike two are by their cosine.
    """
    vectors, scale = meaning
    near = np.full_like(index.near, -1)
    scores = np.full_like(index.scores, -1)
    some = index.near[rows, :_LOOKED_AT].astype(np.int64)
    theirs = vectors[np.minimum(np.searchsorted(seen, some), len(seen) - 1)].astype(np.float32)
    mine = vectors[np.searchsorted(seen, rows)].astype(np.float32)
    alike = scale(np.einsum("ik,ijk->ij", mine, theirs))
    mixed = _MEANING * alike + (1 - _MEANING) * index.scores[rows, :_LOOKED_AT]
    mixed = np.where(some >= 0, mixed, np.float32(-1))
    order = np.argsort(-mixed, axis=1, kind="stable")
    near[rows, :_LOOKED_AT] = np.take_along_axis(some, order, axis=1)
    scores[rows, :_LOOKED_AT] = np.take_along_axis(mixed, order, axis=1)
    return index._replace(near=near, scores=scores)


def _rule(left: Text, right: Text) -> str:
    never = apart(left, right)
    if never:
        return f"apart:{never}"
    doubt = doubtful(left, right)
    kind = "same-title" if same_title(left, right) else "alike"
    return f"{kind}, but {doubt}" if doubt else kind


def _linked(scores: tuple[float, float], rule: str, bands: Bands) -> float:
    """The score linkage sees: the smaller of both; a doubtful pair stays below the band of merges."""
    least = min(scores)
    if rule == "same-title":
        return least + _SAME_TITLE
    return min(least, bands.merge - _JUST_BELOW) if ", but " in rule else least
