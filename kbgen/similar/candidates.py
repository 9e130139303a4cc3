"""Who is worth an exact score to whom: the texts that share a group, the best of them by product of placed vectors.

A list is exact at any time: the same whether it was made at once or kept over a hundred runs. It holds a few texts more
than count; the surplus makes up for those that are deleted, and a list that has none left is made again. Not here: what
a product is of (``frame``), and the scores that decide (``nearest``).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kbgen.similar.frame import Coarse, Ints, Longs, best_of
from kbgen.similar.scoring import distinct, pair_keys, true_in
from kbgen.similar.vectors import Floats

CANDIDATES = 24
"""How many of a list count."""
KEPT = 32
"""How many it holds at most."""
PLACE = np.int64((1 << 32) - 1)
NOBODY = np.int64(1 << 62) | PLACE
"""An empty place in a list, after all that are taken; its position is -1."""
# More than any product of two rows.
_MOST = np.int64(1 << 18)
_SHIFT = np.int64(32)
GONE = -2
"""Stands for the position of a text that is deleted."""
_TILE = 4096
# Rows of so few texts are multiplied with as many at a time.
_FEW = 32
_ASKING = 1024
# Texts of a cell that are compared with one another; a larger one is divided, as long as it takes.
_LARGEST = 8192
_DIVIDED = 12

Bools = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)


class Lists(NamedTuple):
    """The best others of each text, out of those that share a group with it.

    Attributes:
        others: n x 32: the fall of the product from the most there can be, then the position, in one number; rising,
            so among equals the older text comes first. No text outside the list comes before its last.
        scores: exact ones of those of ``others`` that count, n x 24; not a number where it is not known or nobody.
        whole: n, whether all that share a group with it are in its list.
    """

    others: Longs
    scores: Floats
    whole: Bools

    def places(self) -> Ints:
        """Positions of the candidates, n x 24, -1 where there are fewer."""
        # The cast keeps the lower half.
        found: Ints = self.others[:, :CANDIDATES].astype(np.int32)
        return found

    def limits(self) -> Longs:
        """The number below which another belongs into each list."""
        limit: Longs = self.others[:, -1].copy()
        some = np.flatnonzero(limit == NOBODY)
        count = (self.others[some] < NOBODY).sum(axis=1)
        limit[some] = np.where(count, self.others[some, np.maximum(count - 1, 0)], 0)
        limit[self.whole] = NOBODY
        return limit

    def short(self) -> Bools:
        """Which lists are too short for what counts, although there are others."""
        short: Bools = (self.others[:, CANDIDATES - 1] == NOBODY) & ~self.whole
        return short


class Offers(NamedTuple):
    """New texts for the lists of old ones: positions of these, and numbers as in ``Lists.others``."""

    rows: Longs
    others: Longs

    def of(self, some: Bools) -> Offers:
        """Those of some texts only."""
        good = some[self.others & PLACE]
        return Offers(self.rows[good], self.others[good])


def empty(count: int) -> Lists:
    """Lists of texts that were never asked."""
    scores: Floats = np.full((count, CANDIDATES), np.nan, np.float32)
    return Lists(np.full((count, KEPT), NOBODY), scores, np.zeros(count, bool))


def groups(cells: Ints, keys: Sequence[str]) -> Ints:
    """Which texts are compared: those of a cell, of a very large one those whose keys have the same digest in part.

    Args:
        cells: n x 3.
        keys: of the texts; no two are the same.

    Returns:
        Numbers of groups, n x 3. They tell how far a cell is divided, so that they change when that does.
    """
    found: Ints = cells << np.int32(_DIVIDED) | np.int32(1)
    sizes = np.bincount(cells.ravel())
    if not len(sizes) or sizes.max() <= _LARGEST:
        return found
    depths = np.ceil(np.log2(np.maximum(sizes / _LARGEST, 1))).astype(np.int32)[cells]
    depths = np.minimum(depths, _DIVIDED - 1)
    rows = np.flatnonzero(depths.any(axis=1))
    digests = np.array([zlib.crc32(keys[row].encode()) & ((1 << _DIVIDED) - 1) for row in rows.tolist()], np.int32)
    parts = np.int32(1) << depths[rows]
    found[rows] = cells[rows] << np.int32(_DIVIDED) | parts | (digests[:, None] & (parts - 1))
    return found


def taken(rows: npt.NDArray[Scalar], before: Longs) -> npt.NDArray[Scalar]:
    """Rows at the new places of their texts, of which ``before`` says the old ones; anything where that is -1."""
    return rows.take(before, axis=0, mode="clip")


def moved(old: Lists, target: Longs, before: Longs) -> Lists:
    """Lists at the new places of their texts; what is gone is in none.

    Args:
        old: as of the last run.
        target: of ``targets``.
        before: old position of each text, -1 where it is new.
    """
    others, scores, whole = taken(old.others, before), taken(old.scores, before), taken(old.whole, before)
    fresh = np.flatnonzero(before < 0)
    others[fresh], scores[fresh], whole[fresh] = NOBODY, np.nan, False
    if not stayed(target):
        place = target[others.astype(np.int32)]
        gone = place == GONE
        others = np.where(place < 0, NOBODY, others & ~PLACE | place)
        torn = np.flatnonzero(gone.any(axis=1))
        scores[torn] = np.where(gone[torn, :CANDIDATES], np.float32(np.nan), scores[torn])
        others[torn], scores[torn] = _sorted(others[torn], scores[torn])
    return Lists(others, scores, whole)


def _sorted(others: Longs, scores: Floats) -> tuple[Longs, Floats]:
    """Lists in order, and the scores of those that count; nobody knows the scores of those that did not."""
    every = np.full(others.shape, np.nan, np.float32)
    every[:, : scores.shape[1]] = scores
    order = np.argsort(others, axis=1)
    return np.take_along_axis(others, order, axis=1), np.take_along_axis(every, order[:, : scores.shape[1]], axis=1)


def ask(rows: Coarse, where: Ints, asked: Longs, limits: Longs) -> tuple[Longs, Offers]:
    """Make lists anew.

    Args:
        rows: placed vectors of all texts.
        where: their groups.
        asked: whose lists are made, rising.
        limits: of all lists: what else belongs into one; 0 where nothing does.

    Returns:
        ``Lists.others`` of ``asked``, and what of these belongs into the lists of others.
    """
    slot = np.full(len(rows), -1, np.int64)
    slot[asked] = np.arange(len(asked))
    best = np.full((len(asked), KEPT), NOBODY)
    offers = [Offers(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    limits = np.where(slot < 0, limits, 0)
    # Room that is used again: asking for it anew costs more than the products of a few texts with a group.
    room = np.zeros((min(_TILE, len(rows)) + _FEW, rows.shape[1]), np.float32)
    coarse = np.empty(room.shape, np.int8)
    for group in _members(where, asked):
        mine = group[slot[group] >= 0]
        for tile in np.split(group, range(_TILE, len(group), _TILE)):
            np.copyto(room[: len(tile)], rows.take(tile, axis=0, out=coarse[: len(tile)], mode="clip"))
            for some in np.split(mine, range(_ASKING, len(mine), _ASKING)):
                products = _products(rows[some], room, some, tile)
                best[slot[some]] = _better(best[slot[some]], products, tile)
                if len(mine) < len(group):
                    offers.append(_offers(products, some, tile, limits[tile]))
    return best, Offers(*map(np.concatenate, zip(*offers, strict=True)))


def _members(where: Ints, asked: Longs) -> Iterator[Longs]:
    """The texts of each group that somebody of those asked is in with others, oldest first."""
    every = np.arange(0, where.size + 1, where.shape[1])
    ones = sparse.csr_matrix((np.ones(where.size, bool), where.ravel(), every))
    columns = ones.tocsc()
    for group in np.unique(where[asked]).tolist():
        start, stop = columns.indptr[group : group + 2]
        if stop - start > 1:
            yield columns.indices[start:stop].astype(np.int64)


def _products(rows: Coarse, room: Floats, some: Longs, tile: Longs) -> Floats:
    """How alike texts are to those of a tile, in whole numbers; a text is like nobody less than itself.

    Args:
        rows: of the texts.
        room: begins with rows of the tile, and is longer by a few.
        some: positions of the texts.
        tile: positions of the others.
    """
    mine = rows.astype(np.float32).T
    count = len(tile)
    if len(some) < _FEW:
        # In pieces that need not be put in another order first: half the time when few ask.
        pieces = room[: -(-count // _FEW) * _FEW].reshape(-1, _FEW, room.shape[1])
        products: Floats = (pieces @ mine).reshape(-1, len(some))[:count].T
    else:
        products = (room[:count] @ mine).T
    own = np.minimum(np.searchsorted(tile, some), len(tile) - 1)
    inside = np.flatnonzero(tile[own] == some)
    products[inside, own[inside]] = -np.float32(_MOST)
    return products


def _better(best: Longs, products: Floats, tile: Longs) -> Longs:
    """The best of those known and those of a tile."""
    found, columns = best_of(products, KEPT)
    numbers = np.where(found > -_MOST, (_MOST - found) << _SHIFT | tile[columns], NOBODY)
    both = np.concatenate([best, numbers], axis=1)
    both.sort(axis=1)
    # Two texts may share several groups.
    both[:, 1:][both[:, 1:] == both[:, :-1]] = NOBODY
    both.sort(axis=1)
    return both[:, :KEPT]


def _offers(products: Floats, some: Longs, tile: Longs, limits: Longs) -> Offers:
    least = (_MOST - (limits >> _SHIFT)).astype(np.float32)
    # The table lies the other way round (``_products``).
    others, asking = true_in(least[:, None] <= products.T)
    fall = _MOST - products[asking, others].astype(np.int64)
    numbers = fall << _SHIFT | some[asking]
    good = numbers < limits[others]
    return Offers(tile[others[good]], numbers[good])


def targets(old: int, before: Longs) -> Longs:
    """New position of each old text, rising, -2 where it is gone; last -1, for nobody.

    Args:
        old: how many texts there were.
        before: old position of each text, -1 where it is new.
    """
    target = np.full(old + 1, GONE, np.int64)
    kept = np.flatnonzero(before >= 0)
    target[before[kept]], target[-1] = kept, -1
    return target


def stayed(target: Longs) -> bool:
    """Whether every old text stands where it stood: what is new came at the end."""
    return bool((target[:-1] == np.arange(len(target) - 1)).all())


def renew(lists: Lists, rows: Coarse, where: Ints, regrouped: Bools, fresh: Bools) -> tuple[Longs, Longs, Floats]:
    """Make the lists of texts compared with others than before, and of those that ran short; new texts join others.

    Args:
        lists: which this changes; scores of whom is new in one are not a number.
        rows: placed vectors of all texts.
        where: their groups.
        regrouped: which texts are in other groups than before, or new.
        fresh: which are new.

    Returns:
        Whose lists are others now, and what counted in them before, with scores.
    """
    asked = np.flatnonzero(regrouped | lists.short())
    best, offers = ask(rows, where, asked, lists.limits())
    offers = offers.of(fresh)
    changed = distinct(np.concatenate([asked, offers.rows]))
    was, scores = lists.others[changed, :CANDIDATES], lists.scores[changed]
    lists.others[asked], lists.scores[asked], lists.whole[asked] = best, np.nan, best[:, -1] == NOBODY
    join(lists, offers)
    return changed, was, scores


def unscored(lists: Lists, rows: Longs) -> tuple[Longs, Longs, Longs, Ints]:
    """Pairs without a score in some lists.

    Returns:
        Their keys, rising; the rows and columns of lists that hold one; which pair each of these holds.
    """
    place, rank = true_in(np.isnan(lists.scores[rows]) & (lists.others[rows, :CANDIDATES] < NOBODY))
    row = rows[place]
    keys = pair_keys(row, lists.others[row, rank] & PLACE, len(lists.others))
    every = distinct(keys)
    return every, row, rank, np.searchsorted(every, keys).astype(np.int32)


def join(lists: Lists, offers: Offers) -> None:
    """Put what is offered into the lists; of too many the best stay.

    Args:
        lists: which this changes.
        offers: a text may be offered several times, not one that is in the list.
    """
    order = np.lexsort((offers.others, offers.rows))
    rows, others = offers.rows[order], offers.others[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]) | (others[1:] != others[:-1])
    rows, others = rows[new], others[new]
    some, starts, counts = np.unique(rows, return_index=True, return_counts=True)
    if not len(some):
        return
    rank = np.arange(len(rows)) - np.repeat(starts, counts)
    # One more than there is room for tells that a list is not whole any more.
    few = rank <= KEPT
    wide = np.full((len(some), int(rank[few].max()) + 1), NOBODY)
    wide[np.repeat(np.arange(len(some)), counts)[few], rank[few]] = others[few]
    wide, lists.scores[some] = _sorted(np.concatenate([lists.others[some], wide], axis=1), lists.scores[some])
    lists.others[some] = wide[:, :KEPT]
    lists.whole[some] &= wide[:, KEPT] == NOBODY
