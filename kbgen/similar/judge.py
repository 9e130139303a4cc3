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
Scores = dict[Pair, tuple[float, float]]
"""Similarity and local score of pairs, the smaller position first."""
Meaning = tuple[npt.NDArray[np.float16], Callable[[Floats], Floats], float]
# The same words in the same order as title: less has to be alike besides.
_SAME_TITLE = 0.25
_JUST_BELOW = 0.001
# How far below the band of suggestions words may put a pair that a sentence model is asked about; elsewhere words say
# little. A share of the texts, and at least so many, is all it sees: some 4 ms for each text there is. Short ones count
# for less, as they cost less.
_LOOK = {"en": 0.15}
_LOOK_ELSEWHERE = 0.4
_SHARE = {"en": 12}
_SHARE_ELSEWHERE = 20
_FEWEST = 100
_LONG = 70
# A sentence model's cosine and the words' local score on the scale of the bands. Read on 250 pairs of six communities:
# half of those from 0.5 on ask the same, all from 0.85 on.
_MEANING, _WORDS, _SHIFT = 5 / 6, 1 / 3, -0.233
# A doubt that nearly always is right: such a pair has to be as alike as one to merge before a person is asked.
_SOFT = ("article", "few words")


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


def judge(alike: Scores, texts: Sequence[Text], bands: Bands) -> list[Judged]:
    """Put pairs into their bands.

    Args:
        alike: similarity and local score of the pairs that may reach the lowest band.
        texts: of one language.
        bands: where they begin.

    Returns:
        Pairs that are merged or suggested, ordered by their refs.
    """
    near = {pair: both for pair, both in alike.items() if min(both) >= bands.suggest}
    rules = {pair: _rule(texts[pair[0]], texts[pair[1]]) for pair in near}
    scores = {pair: _linked(near[pair], rule, bands) for pair, rule in rules.items() if not rule.startswith("apart:")}
    scores |= {pair: float("-inf") for pair, rule in rules.items() if rule.startswith("apart:")}
    groups = average_linkage(scores, bands.merge, largest=bands.largest, unknown=bands.suggest - 0.1)
    cluster = {member: number for number, group in enumerate(groups) for member in group}
    found: list[Judged] = []
    for pair, (similarity, local) in near.items():
        rule, together = rules[pair], cluster.get(pair[0], -1) == cluster.get(pair[1], -2)
        if rule.startswith("apart:") or _contradicted(rule, near[pair], bands):
            continue
        band: Band = "merge" if together and scores[pair] >= bands.merge else "suggest"
        left, right = sorted((texts[pair[0]].ref, texts[pair[1]].ref))
        found.append(Judged(left, right, round(similarity, 3), round(local, 3), band, rule))
    return sorted(found, key=lambda one: (one.left, one.right))


def alike(index: Nearest, least: float) -> Scores:
    """Similarity and local score of the neighbours whose scores both reach ``least``."""
    crowding = index.crowding()
    row, column = np.nonzero((index.near >= 0) & (index.scores >= least))
    other, similarity = index.near[row, column], index.scores[row, column]
    local = 2 * similarity - crowding[row] - crowding[other]
    good = local >= least
    found = zip(row[good], other[good], similarity[good], local[good], strict=True)
    return {(int(min(a, b)), int(max(a, b))): (float(s), float(c)) for a, b, s, c in found}


def second_look(index: Nearest, texts: Sequence[Text], least: float) -> Scores:
    """The pairs a sentence model is asked about: the most alike first, until it has seen its share of the texts."""
    lang = texts[0].lang
    pairs = alike(index, least - _LOOK.get(lang, _LOOK_ELSEWHERE))
    room = max(_FEWEST, len(texts) // _SHARE.get(lang, _SHARE_ELSEWHERE)) * _LONG
    seen: set[int] = set()
    chosen: Scores = {}
    for pair in sorted(pairs, key=lambda one: (-pairs[one][1], one)):
        new = set(pair) - seen
        room -= sum(min(texts[place].words, _LONG) for place in new)
        if room < 0:
            break
        seen |= new
        chosen[pair] = pairs[pair]
    return chosen


def rescored(pairs: Scores, seen: Longs, meaning: Meaning, *, merge: float) -> Scores:
    """What a sentence model makes of pairs, on the scale of the bands.

    Args:
        pairs: as words and static vectors see them.
        seen: the texts that have a sentence vector, ascending.
        meaning: their vectors, of unit length; how alike two are by their cosine; its share in the similarity.
        merge: where that band begins; a sentence model alone brings no pair there, as sequels and series show.
    """
    if not pairs:
        return {}
    vectors, scale, share = meaning
    left, right = np.searchsorted(seen, np.array(list(pairs), np.int64)).T
    meant = scale(np.einsum("ij,ij->i", vectors[left].astype(np.float32), vectors[right].astype(np.float32)))
    words = np.array(list(pairs.values()), np.float32)
    similarity = share * meant + (1 - share) * words[:, 0]
    local = _MEANING * meant + _WORDS * words[:, 1] + _SHIFT
    local = np.where(words[:, 0] < merge, np.minimum(local, merge - _JUST_BELOW), local)
    return dict(zip(pairs, zip(similarity.tolist(), local.tolist(), strict=True), strict=True))


def _contradicted(rule: str, scores: tuple[float, float], bands: Bands) -> bool:
    """Whether titles ask for different things by a figure or a contrary, and little else speaks for the pair."""
    _, but, doubt = rule.partition(", but ")
    return bool(but) and doubt not in _SOFT and min(scores) < bands.merge


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
