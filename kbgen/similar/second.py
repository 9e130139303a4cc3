"""The second look: which texts a sentence model sees, whom of these it finds near, and what becomes of scores.

The model sees as many texts as its share of the processor allows: all of a community whose questions are short, of
others those that words put nearest to another one. All it saw are compared with each other, so it also finds pairs that
words do not. Both views are scaled by how crowded a place is, each by its own neighbours (``judge``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from kbgen.similar import sight
from kbgen.similar.frame import Ints, Longs
from kbgen.similar.judge import Bands, Scores, local_scores
from kbgen.similar.nearest import Nearest
from kbgen.similar.scoring import pair_keys
from kbgen.similar.sight import Sight, Take
from kbgen.similar.texts import Text
from kbgen.similar.vectors import Floats

Words = Callable[[Longs, Longs], Floats]
"""Gives the similarity of pairs as words and static vectors see it."""
# Some 4 to 5 ms of CPU for each text there is: a share of the texts if all are long, and at least so many. Short ones
# count for less, as they cost less. A long one has so many words that are read; the marks at both ends cost as two.
_SHARE, _LONG = {"en": 6}, {"en": 70}
_SHARE_ELSEWHERE, _LONG_ELSEWHERE = 24, 27
_FEWEST = 100
_MARKS = 2
_SCALING = 10
# More than a pair can gain by sentences whose texts are not each other's nearest by these.
_ELSEWHERE = 0.1
_JUST_BELOW = 0.001


class View(NamedTuple):
    """Some texts as a sentence model sees them.

    Attributes:
        places: of the texts, ascending.
        sight: who of them is near whom.
        take: gives vectors, by positions in ``places``.
        scale: turns products of vectors into similarities.
        share: of the sentences in a similarity, words the rest.
    """

    places: Longs
    sight: Sight
    take: Take
    scale: Callable[[Floats], Floats]
    share: float


def worth_seeing(index: Nearest, texts: Sequence[Text]) -> Longs:
    """The texts a sentence model is shown, ascending: those most alike another first, until its time is spent."""
    best = _best(index)
    order = np.argsort(-best, kind="stable")
    lang = texts[0].lang
    longest = _LONG.get(lang, _LONG_ELSEWHERE)
    lengths = np.fromiter((min(text.words, longest) + _MARKS for text in texts), np.int64, len(texts))
    # Half of what a long text costs grows with its length, half with the square: every word is seen beside every other.
    costs = lengths * (longest + _MARKS) + lengths**2
    room = max(_FEWEST, len(texts) // _SHARE.get(lang, _SHARE_ELSEWHERE)) * 2 * (longest + _MARKS) ** 2
    return np.sort(order[np.cumsum(costs[order]) <= room])


def rescored(found: Scores, index: Nearest, view: View, words: Words, bands: Bands) -> Scores:
    """What a sentence model makes of pairs: a share of what it says and of what words say, in both scores.

    Args:
        found: pairs as words see them.
        index: the words' neighbours.
        view: what the model saw.
        words: is asked for pairs that are nobody's neighbours.
        bands: where they begin; a sentence model alone brings no pair to that of merges, as sequels and series show.

    Returns:
        Every pair of ``found`` whose texts it saw, and others that reach the band of suggestions.
    """
    one, other, meant, apart = _pairs(found, index, view, bands)
    left, right = view.places[one], view.places[other]
    said = _said(index, left, right)
    # Who is nobody's neighbour by words is less alike than the neighbours are: that local score is below zero.
    near = ~np.isnan(said) | (view.share * apart >= bands.suggest)
    left, right, said, meant, apart = left[near], right[near], said[near], meant[near], apart[near]
    unknown = np.isnan(said)
    if unknown.any():
        said[unknown] = words(left[unknown], right[unknown])
    similarity = view.share * meant + (1 - view.share) * said
    by_words = local_scores(index, left, right, said)
    local = view.share * apart + (1 - view.share) * by_words
    local = np.where(np.minimum(said, by_words) < bands.merge, np.minimum(local, bands.merge - _JUST_BELOW), local)
    pairs = zip(zip(left.tolist(), right.tolist(), strict=True), similarity.tolist(), local.tolist(), strict=True)
    return {pair: (s, c) for pair, s, c in pairs if pair in found or min(s, c) >= bands.suggest}


def _best(index: Nearest) -> Floats:
    """The best local score of each text, as words see it."""
    best: Floats = np.full(len(index.keys), -np.inf, np.float32)
    row, other, local = _local(index)
    np.maximum.at(best, row, local)
    np.maximum.at(best, other, local)
    return best


def _local(index: Nearest) -> tuple[Longs, Ints, Floats]:
    """All neighbours, and the local scores."""
    row, column = np.nonzero(index.near >= 0)
    other = index.near[row, column]
    return row, other, local_scores(index, row, other, index.scores[row, column])


def _pairs(found: Scores, index: Nearest, view: View, bands: Bands) -> tuple[Longs, Longs, Floats, Floats]:
    """Pairs of texts of the view that may reach the band of suggestions, and those of ``found``.

    Returns:
        Positions in the view, the smaller first; similarity by sentences, and how far that exceeds the crowding.
    """
    count = len(view.places)
    near, products = view.sight.near()
    scored = view.scale(products)
    crowding = np.where(near >= 0, scored, np.float32(0))[:, :_SCALING].sum(axis=1) / np.float32(_SCALING)
    row, column = np.nonzero(near >= 0)
    keys, meant = pair_keys(row, near[row, column], count), scored[row, column]
    by_words = np.maximum(_best(index)[view.places], 0)
    apart = 2 * meant - crowding[keys // count] - crowding[keys % count]
    most = view.share * apart + (1 - view.share) * np.minimum(by_words[keys // count], by_words[keys % count])
    good = most >= bands.suggest - _JUST_BELOW
    others = _by_words(found, index, view, bands)
    every, first = np.unique(np.concatenate([keys[good], others]), return_index=True)
    meant = np.concatenate([meant[good], np.full(len(others), np.nan, np.float32)])[first]
    one, other = every // count, every % count
    asked = np.flatnonzero(np.isnan(meant))
    meant[asked] = view.scale(sight.products((one[asked], other[asked]), view.take))
    return one, other, meant, 2 * meant - crowding[one] - crowding[other]


def _by_words(found: Scores, index: Nearest, view: View, bands: Bands) -> Longs:
    """Keys of pairs that words speak for so much that little from sentences is enough, and of those of ``found``."""
    where = np.full(len(index.keys), -1, np.int64)
    where[view.places] = np.arange(len(view.places))
    row, other, local = _local(index)
    # Who is not among the nearest by sentences is no more alike than these are, as crowded as it is there.
    good = np.flatnonzero((1 - view.share) * local + view.share * _ELSEWHERE >= bands.suggest)
    left, right = np.array([*found, (0, 0)], np.int64)[:-1].T
    one, two = where[np.concatenate([row[good], left])], where[np.concatenate([other[good], right])]
    both = (one >= 0) & (two >= 0)
    return pair_keys(one[both], two[both], len(view.places))


def _said(index: Nearest, left: Longs, right: Longs) -> Floats:
    """Similarities by words, not a number where neither is the other's neighbour."""
    said: Floats = np.full(len(left), np.nan, np.float32)
    for one, other in ((right, left), (left, right)):
        place, column = np.nonzero(index.near[one] == other[:, None])
        said[place] = index.scores[one[place], column]
    return said
