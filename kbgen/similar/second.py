"""The second look: which texts a sentence model sees, whom of these it finds near, and what becomes of scores.

The model sees as many texts as its share of the processor allows: all of a community whose questions are short, of
others those that words put nearest to another one. All it saw are compared with each other, so it also finds pairs that
words do not. Both views are scaled by how crowded a place is, each by its own neighbours (``judge``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kbgen.similar.frame import Ints, Longs
from kbgen.similar.judge import Bands, Scores, local_scores
from kbgen.similar.nearest import Nearest
from kbgen.similar.scoring import pair_keys
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
_NEAR, _SCALING = 20, 10
# Up to here all are compared with all. Beyond it a text is compared with its three nearest cells.
_EXACT = 1 << 15
_CELL, _CELLS = 2048, 3
_ROOM = 1 << 24
_PAIRS = 1 << 14
_JUST_BELOW = 0.001


class View(NamedTuple):
    """Some texts as a sentence model sees them.

    Attributes:
        places: of the texts, ascending.
        vectors: one a text.
        scale: turns products of vectors into similarities.
        share: of the sentences in a similarity, words the rest.
    """

    places: Longs
    vectors: npt.NDArray[np.float16]
    scale: Callable[[Floats], Floats]
    share: float


def worth_seeing(index: Nearest, texts: Sequence[Text]) -> Longs:
    """The texts a sentence model is shown, ascending: those most alike another first, until its time is spent."""
    best: Floats = np.full(len(texts), -np.inf, np.float32)
    row, column = np.nonzero(index.near >= 0)
    other = index.near[row, column]
    local = local_scores(index, row, other, index.scores[row, column])
    np.maximum.at(best, row, local)
    np.maximum.at(best, other, local)
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
    keys, said, meant, crowding = _pairs(index, view)
    left, right = keys // len(index.keys), keys % len(index.keys)
    one, other = np.searchsorted(view.places, left), np.searchsorted(view.places, right)
    apart = 2 * meant - crowding[one] - crowding[other]
    # Who is nobody's neighbour by words is less alike than the neighbours are: that local score is below zero.
    near = ~np.isnan(said)
    near[~near] = view.share * apart[~near] >= bands.suggest
    left, right, said, meant, apart = left[near], right[near], said[near], meant[near], apart[near]
    unknown = np.isnan(said)
    if unknown.any():
        said[unknown] = words(left[unknown], right[unknown])
    similarity = view.share * meant + (1 - view.share) * said
    local = view.share * apart + (1 - view.share) * local_scores(index, left, right, said)
    local = np.where(said < bands.merge, np.minimum(local, bands.merge - _JUST_BELOW), local)
    pairs = zip(zip(left.tolist(), right.tolist(), strict=True), similarity.tolist(), local.tolist(), strict=True)
    return {pair: (s, c) for pair, s, c in pairs if pair in found or min(s, c) >= bands.suggest}


def _pairs(index: Nearest, view: View) -> tuple[Longs, Floats, Floats, Floats]:
    """Pairs that either view has as neighbours: keys, similarities by words (NaN: unknown) and by sentences.

    Last, how crowded each text of the view is.
    """
    count = len(index.keys)
    near, products = _neighbours(view.vectors)
    scored = view.scale(products)
    crowding = np.where(near >= 0, scored, np.float32(0))[:, :_SCALING].sum(axis=1) / np.float32(_SCALING)
    row, column = np.nonzero(near >= 0)
    meant = pair_keys(view.places[row], view.places[near[row, column]], count)
    where = np.full(count, -1, np.int64)
    where[view.places] = np.arange(len(view.places))
    row, column = np.nonzero(index.near >= 0)
    other, score = index.near[row, column], index.scores[row, column]
    both = (where[row] >= 0) & (where[other] >= 0)
    known, first = np.unique(pair_keys(row[both], other[both], count), return_index=True)
    keys = np.union1d(known, meant)
    said: Floats = np.full(len(keys), np.nan, np.float32)
    said[np.searchsorted(keys, known)] = score[both][first]
    return keys, said, view.scale(_products(view.vectors, where[keys // count], where[keys % count])), crowding


def _products(vectors: npt.NDArray[np.float16], one: Longs, other: Longs) -> Floats:
    found: Floats = np.empty(len(one), np.float32)
    for at in range(0, len(one), _PAIRS):
        a, b = vectors[one[at : at + _PAIRS]], vectors[other[at : at + _PAIRS]]
        found[at : at + _PAIRS] = np.einsum("ij,ij->i", a.astype(np.float32), b.astype(np.float32))
    return found


def _neighbours(vectors: npt.NDArray[np.float16]) -> tuple[Ints, Floats]:
    """The nearest twenty of each, best first, -1 where there are fewer, and the products of their vectors."""
    rows = vectors.astype(np.float32)
    near = np.full((len(rows), _CELLS, _NEAR), -1, np.int32)
    products = np.full((len(rows), _CELLS, _NEAR), -np.inf, np.float32)
    for asking, slot, members in _cells(rows):
        step = max(1, _ROOM // len(members))
        for at in range(0, len(asking), step):
            some = asking[at : at + step], slot[at : at + step]
            scores = rows[some[0]] @ rows[members].T
            scores[some[0][:, None] == members] = -np.inf
            top = np.argpartition(-scores, min(_NEAR, len(members)) - 1, axis=1)[:, :_NEAR]
            near[some[0], some[1], : top.shape[1]] = members[top]
            products[some[0], some[1], : top.shape[1]] = np.take_along_axis(scores, top, axis=1)
    near[np.isneginf(products)] = -1
    flat, each = near.reshape(len(rows), -1), products.reshape(len(rows), -1)
    order = np.lexsort((flat, -each), axis=1)[:, :_NEAR]
    return np.take_along_axis(flat, order, axis=1), np.take_along_axis(each, order, axis=1)


def _cells(rows: Floats) -> Iterator[tuple[Longs, Longs, Longs]]:
    """Who asks, which of its cells that is, and who lies there; each text lies in one cell, its nearest."""
    count = len(rows)
    every = np.arange(count)
    if count <= _EXACT:
        yield every, np.zeros(count, np.int64), every
        return
    centres = rows[np.linspace(0, count - 1, count // _CELL).astype(np.int64)]
    mine = np.empty((count, _CELLS), np.int64)
    for at in range(0, count, _PAIRS):
        scores = rows[at : at + _PAIRS] @ centres.T
        mine[at : at + _PAIRS] = np.argsort(-scores, axis=1, kind="stable")[:, :_CELLS]
    for cell in range(len(centres)):
        members = np.flatnonzero(mine[:, 0] == cell)
        asking, slot = np.nonzero(mine == cell)
        if len(members):
            yield asking, slot, members
