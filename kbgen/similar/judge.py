"""From neighbours to pairs in bands: merged, suggested to a person, or only related.

A similarity says little by itself: two meeting notices are alike to the letter and are two meetings. So it is scaled by
how crowded the place is (cross-domain similarity local scaling, CSLS: Conneau et al. 2018, arXiv:1710.04087):
twice the similarity, less the mean similarity of each text's ten nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from kbgen.model import Ref
from kbgen.similar.linkage import Pair, average_linkage
from kbgen.similar.nearest import Nearest
from kbgen.similar.texts import Text, apart, doubtful, same_title
from kbgen.similar.titles import PERHAPS
from kbgen.similar.vectors import Floats

Band = Literal["merge", "suggest"]
Scores = dict[Pair, tuple[float, float]]
"""Similarity and local score of pairs, the smaller position first."""
Below = Callable[[Sequence[Pair]], Sequence[float]]
"""Gives what pairs have in common below their titles (``bodies``)."""
Rule = Callable[[Pair], str]
"""Gives what decides about a pair."""
# The same words in the same order as title: less has to be alike besides.
_SAME_TITLE = 0.25
_JUST_BELOW = 0.001
# A doubt that nearly always is right: such a pair has to be as alike as one to merge before a person is asked.
_SOFT = ("article", "few words", "one figure", "counting words", "borrowed words", "other bodies")
# Bodies of which less is the same are about other things, whatever their titles say; a title that is the same says
# nothing that the score does not know. Chosen on invented pairs and on Ask Ubuntu's labelled ones.
_SAME_BODY = {"alike": 0.5, "same-title": 0.75}


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


class Judged(Struct, frozen=True, gc=False):
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


def judge(alike: Scores, texts: Sequence[Text], bands: Bands, below: Below, rule: Rule | None = None) -> list[Judged]:
    """Put pairs into their bands.

    Args:
        alike: similarity and local score of the pairs that may reach the lowest band.
        texts: of one language.
        bands: where they begin.
        below: is asked about the pairs that would be merged.
        rule: ``rule_of`` for pairs, where somebody knows it already.

    Returns:
        Pairs that are merged or suggested, ordered by their refs.
    """
    near = {pair: both for pair, both in alike.items() if min(both) >= bands.suggest}
    rules = {pair: rule(pair) if rule else rule_of(texts[pair[0]], texts[pair[1]]) for pair in near}
    rules |= _contested(near, rules, bands, below)
    scores = {pair: _linked(near[pair], rule, bands) for pair, rule in rules.items() if not rule.startswith("apart:")}
    scores |= {pair: float("-inf") for pair, rule in rules.items() if rule.startswith("apart:")}
    groups = average_linkage(scores, bands.merge, largest=bands.largest, unknown=bands.suggest - 0.1)
    cluster = {member: number for number, group in enumerate(groups) for member in group}
    found: list[Judged] = []
    for pair, (similarity, local) in near.items():
        said, together = rules[pair], cluster.get(pair[0], -1) == cluster.get(pair[1], -2)
        if said.startswith("apart:") or _contradicted(said, near[pair], bands):
            continue
        band: Band = "merge" if together and scores[pair] >= bands.merge else "suggest"
        left, right = sorted((texts[pair[0]].ref, texts[pair[1]].ref))
        found.append(Judged(left, right, round(similarity, 3), round(local, 3), band, said))
    return sorted(found, key=lambda one: (one.left, one.right))


def alike(index: Nearest, least: float) -> Scores:
    """Similarity and local score of the neighbours whose scores both reach ``least``."""
    place = np.flatnonzero(index.scores >= least)
    row, other, similarity = place // index.near.shape[1], index.near.ravel()[place], index.scores.ravel()[place]
    local = local_scores(index, row, other, similarity)
    good = (local >= least) & (other >= 0)
    row, other = row[good], other[good]
    pairs = zip(np.minimum(row, other).tolist(), np.maximum(row, other).tolist(), strict=True)
    return dict(zip(pairs, zip(similarity[good].tolist(), local[good].tolist(), strict=True), strict=True))


def local_scores(
    index: Nearest, one: npt.NDArray[np.integer], other: npt.NDArray[np.integer], similarity: Floats
) -> Floats:
    """Similarities of pairs, scaled by how crowded both places are."""
    crowding = index.crowding()
    local: Floats = 2 * similarity - crowding[one] - crowding[other]
    return local


def _contradicted(rule: str, scores: tuple[float, float], bands: Bands) -> bool:
    """Whether titles ask for different things by a figure or a contrary, and little else speaks for the pair."""
    _, but, doubt = rule.partition(", but ")
    return bool(but) and doubt not in _SOFT and not doubt.startswith(PERHAPS) and min(scores) < bands.merge


def _contested(near: Scores, rules: Mapping[Pair, str], bands: Bands, below: Below) -> dict[Pair, str]:
    """The pairs whose titles would merge them and whose bodies say other things, and why they wait."""
    plain = [pair for pair, rule in rules.items() if "," not in rule and not rule.startswith("apart:")]
    merged = [pair for pair in plain if _linked(near[pair], rules[pair], bands) >= bands.merge]
    shares = zip(merged, below(merged), strict=True)
    return {pair: f"{rules[pair]}, but other bodies" for pair, share in shares if share < _SAME_BODY[rules[pair]]}


def rule_of(left: Text, right: Text) -> str:
    """What is to be said of two alike texts: ``alike`` or ``same-title``, what speaks against it, or ``apart:why``."""
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
