"""Each text's nearest others, kept up to date: new texts are compared with all, old pairs never again.

Candidates are texts that share a cell of the frame (all of them in a small corpus); each pair of candidates is scored
exactly, as a share of the words they have in common and of what they mean. Neither depends on the order of the texts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from kbgen.similar.frame import (
    EXACT,
    Coarse,
    Frame,
    Ints,
    Longs,
    cells,
    centred,
    frame_size,
    make_frame,
    placed,
    weighted,
    with_cells,
)
from kbgen.similar.texts import Text
from kbgen.similar.vectors import Floats, Stack

NEAR = 20
"""How many neighbours are kept of each text."""
LISTED = 12
"""How many of them are shown to readers."""
_CANDIDATES = 24
# Less alike than this, a page is no help to the reader of the other.
_RELATED = 0.2
_STEP = 0.05
_SCALING = 10
_BLOCK = 4096
_PAIRS = 1 << 14
_ROWS = 1 << 14
# More than any product of two rows.
_MOST = np.float32(1 << 24)
_SHIFT, _PLACE = np.uint64(32), np.uint64((1 << 32) - 1)
_NOBODY = np.uint64((1 << 64) - 1)

Packed = npt.NDArray[np.uint64]
Number = TypeVar("Number", np.int64, np.uint64)
Fetch = Callable[[Sequence[Text]], Stack]
"""Gives the vectors of texts."""
Take = Callable[[Longs], Stack]
"""Gives them by their rising positions."""
Triples = tuple[Longs, Longs, Floats]
"""Rows, their neighbours, and the scores."""


class Nearest(NamedTuple):
    """Neighbours of the texts of one language.

    Attributes:
        keys: ref and key of each text, parted by a space, by which it is known again.
        rows: placed vectors, n x 512: coarse enough to be small, fine enough for candidates.
        cells: n x 3, n x 1 in a small corpus.
        touched: texts whose listed neighbours are not those of the last run.
        near: positions of the neighbours, n x 20, best first, -1 where there are fewer.
        scores: of ``near``; at most 1.
        reach: product of placed vectors from which on another text is worth an exact score to this one.
    """

    keys: tuple[str, ...]
    frame: Frame
    rows: Coarse
    cells: Ints
    near: Ints
    scores: Floats
    reach: Floats
    touched: npt.NDArray[np.bool_]

    def crowding(self) -> Floats:
        """How alike each text is to its ten nearest: what a score has to exceed to mean anything."""
        top = self.scores[:, :_SCALING]
        mean: Floats = np.where(self.near[:, :_SCALING] >= 0, top, np.float32(0)).sum(axis=1) / np.float32(_SCALING)
        return mean


def update(old: Nearest | None, texts: Sequence[Text], fetch: Fetch) -> tuple[Nearest, list[int]]:
    """Bring the neighbours of a language up to date.

    Args:
        old: as of the last run, None to start afresh.
        texts: all there are, oldest first.
        fetch: gives vectors.

    Returns:
        The neighbours, and the positions of the texts that ``old`` did not know.
    """
    keys = tuple(f"{text.ref} {text.key}" for text in texts)
    places = {key: place for place, key in enumerate(old.keys)} if old else {}
    before = np.array([places.get(key, -1) for key in keys], np.int64)
    fresh: list[int] = np.flatnonzero(before < 0).tolist()
    if old is None or len(texts) < EXACT or old.frame.size != frame_size(len(texts)):
        return _afresh(keys, texts, fetch), fresh
    kept = before[before >= 0], np.flatnonzero(before >= 0)
    moved = _moved(old, keys, kept)
    if fresh:
        rows = placed(fetch([texts[place] for place in fresh]), old.frame)
        moved.rows[fresh] = rows
        moved.cells[fresh] = cells(rows, old.frame)
    asked = np.union1d(np.array(fresh, np.int64), _depleted(old, moved, kept))
    return _compared(moved, asked, lambda some: fetch([texts[place] for place in some.tolist()])), fresh


def _afresh(keys: tuple[str, ...], texts: Sequence[Text], fetch: Fetch) -> Nearest:
    vectors = fetch(texts)
    size = frame_size(len(texts))
    frame = make_frame(vectors.part(0, size), texts[0].lang)
    rows = placed(vectors, frame)
    frame = with_cells(frame, rows[:size])
    near, scores = _empty(len(keys))
    reach = np.full(len(keys), -_MOST)
    blank = Nearest(keys, frame, rows, cells(rows, frame), near, scores, reach, np.ones(len(keys), bool))
    return _compared(blank, np.arange(len(keys)), vectors.pick)


def _empty(count: int) -> tuple[Ints, Floats]:
    return np.full((count, NEAR), -1, np.int32), np.full((count, NEAR), -1, np.float32)


def _moved(old: Nearest, keys: tuple[str, ...], kept: tuple[Longs, Longs]) -> Nearest:
    """The old neighbours at their new places; what is gone is nobody's neighbour."""
    before, after = kept
    target = np.full(len(old.keys) + 1, -1, np.int32)
    target[before] = after
    near, scores = _empty(len(keys))
    renamed = target[old.near[before]]
    near[after], scores[after] = renamed, np.where(renamed < 0, np.float32(-1), old.scores[before])
    torn = after[((renamed < 0) & (old.near[before] >= 0)).any(axis=1)]
    order = np.argsort(near[torn] < 0, axis=1, kind="stable")
    near[torn] = np.take_along_axis(near[torn], order, axis=1)
    scores[torn] = np.take_along_axis(scores[torn], order, axis=1)
    rows = np.zeros((len(keys), old.rows.shape[1]), np.int8)
    rows[after] = old.rows[before]
    where = np.zeros((len(keys), old.cells.shape[1]), np.int32)
    where[after] = old.cells[before]
    touched = np.ones(len(keys), bool)
    touched[after] = False
    touched[torn] = True
    reach = np.full(len(keys), -_MOST)
    reach[after] = old.reach[before]
    reach[torn] = -_MOST
    return Nearest(keys, old.frame, rows, where, near, scores, reach, touched)


def _depleted(old: Nearest, moved: Nearest, kept: tuple[Longs, Longs]) -> Longs:
    """Texts that lost so many neighbours that their ten nearest are no longer known."""
    before, after = kept
    lost = (old.near[before] >= 0).sum(axis=1) - (moved.near[after] >= 0).sum(axis=1)
    short: Longs = after[(lost > 0) & ((moved.near[after] >= 0).sum(axis=1) < _SCALING)]
    return short


def _compared(index: Nearest, asked: Longs, take: Take) -> Nearest:
    if not len(asked):
        return index
    left, right, reach = _candidates(index, asked)
    if not len(left):
        return index
    score = exact(left, right, index.frame, take)
    one, other, both = np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([score, score])
    # What is no better than the last that is kept changes nothing.
    good = both >= index.scores[one, -1]
    one, other, both = one[good], other[good], both[good]
    near, scores, touched = index.near.copy(), index.scores.copy(), index.touched.copy()
    rows = _distinct(one)
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        theirs = (one >= some[0]) & (one <= some[-1])
        near[some], scores[some] = _best(index, some, (one[theirs], other[theirs], both[theirs]))
    touched[rows] |= (listed(near[rows], scores[rows]) != listed(index.near[rows], index.scores[rows])).any(axis=1)
    return index._replace(near=near, scores=scores, reach=reach, touched=touched)


def listed(near: Ints, scores: Floats) -> Ints:
    """The neighbours shown to readers, n x 12, -1 where there are fewer.

    Scores are rounded, the older text first among equals: small shifts of a growing corpus reorder no list.
    """
    steps = np.rint(scores / np.float32(_STEP)).astype(np.int64)
    ranked = np.where((near >= 0) & (scores >= _RELATED), (np.int64(64) - steps) << 32 | near, np.int64(1) << 62)
    ranked = np.sort(ranked, axis=1)[:, :LISTED]
    found: Ints = np.where(ranked < np.int64(1) << 62, ranked & 0xFFFFFFFF, -1).astype(np.int32)
    return found


def _candidates(index: Nearest, asked: Longs) -> tuple[Longs, Longs, Floats]:
    """Pairs worth an exact score, the smaller position first, each once; and the reach of all texts after that."""
    count = len(index.keys)
    slot = np.full(count, -1, np.int64)
    slot[asked] = np.arange(len(asked))
    # Who asks looks for itself.
    least = index.reach.copy()
    least[asked] = np.inf
    best = np.full((len(asked), _CANDIDATES), _NOBODY)
    wanted: list[Longs] = []
    # Room that is used again: asking for it anew costs more than the products of a few texts with a cell.
    room = np.empty((min(_BLOCK, count), index.rows.shape[1]), np.float32)
    for block in _members(index.cells):
        mine = block[slot[block] >= 0]
        if not len(mine) or len(block) == 1:
            continue
        theirs = room[: len(block)]
        np.copyto(theirs, index.rows[block])
        for some in np.split(mine, range(1024, len(mine), 1024)):
            scores = _products(index.rows[some], theirs, some[:, None] == block)
            best[slot[some]] = _better(best[slot[some]], scores, block)
            if len(mine) < len(block):
                asking, others = np.nonzero(scores >= least[block])
                wanted.append(_keys(some[asking], block[others], count))
    row, rank = np.nonzero(best != _NOBODY)
    other = (best[row, rank] & _PLACE).astype(np.int64)
    pairs = _distinct(np.concatenate([_keys(asked[row], other, count), *wanted]))
    reach = index.reach.copy()
    last = (best[:, -1] >> _SHIFT).astype(np.float32)
    reach[asked] = np.where(best[:, -1] == _NOBODY, -_MOST, _MOST - last)
    return pairs // count, pairs % count, reach


def _members(where: Ints) -> Iterator[Longs]:
    """The texts of each cell, oldest first; of a very large one so many at a time."""
    flat = where.ravel()
    order = np.argsort(flat, kind="stable")
    for part in np.split(order // where.shape[1], np.flatnonzero(np.diff(flat[order])) + 1):
        yield from np.split(part, range(_BLOCK, len(part), _BLOCK))


def _products(some: Coarse, theirs: Floats, same: npt.NDArray[np.bool_]) -> Floats:
    """How alike texts are to those of a block, in whole numbers; a text is like nobody less than itself."""
    scores: Floats = some.astype(np.float32) @ theirs.T
    scores[same] = -_MOST
    return scores


def _better(best: Packed, scores: Floats, block: Longs) -> Packed:
    """The best of those known and those of a block, as numbers: falling score, then position."""
    top = min(_CANDIDATES, len(block) - 1)
    found = np.argpartition(scores, -top, axis=1)[:, -top:]
    falling = (_MOST - np.take_along_axis(scores, found, axis=1)).astype(np.uint64)
    packed = np.concatenate([best, np.bitwise_or(falling << _SHIFT, block[found].astype(np.uint64))], axis=1)
    packed.sort(axis=1)
    packed[:, 1:][packed[:, 1:] == packed[:, :-1]] = _NOBODY
    packed.sort(axis=1)
    return packed[:, :_CANDIDATES]


def _distinct(numbers: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """As ``np.unique``, which hashes first and is three times slower on numbers that are mostly distinct."""
    numbers = np.sort(numbers)
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers


def _keys(one: Longs, other: Longs, count: int) -> Longs:
    keys: Longs = np.minimum(one, other) * count + np.maximum(one, other)
    return keys


def exact(left: Longs, right: Longs, frame: Frame, take: Take) -> Floats:
    """How alike pairs are: a share of the words they have in common and of what they mean."""
    used = _distinct(np.concatenate([left, right]))
    vectors = take(used)
    words = weighted(vectors, frame)
    meant = np.empty(vectors.dense.shape, np.float16)
    for start in range(0, len(meant), _BLOCK):
        meant[start : start + _BLOCK] = centred(vectors.part(start, start + _BLOCK), frame)
    place = np.zeros(used[-1] + 1, np.int64)
    place[used] = np.arange(len(used))
    one, other = place[left], place[right]
    scores = np.zeros(len(left), np.float32)
    for start in range(0, len(left), _PAIRS):
        a, b = one[start : start + _PAIRS], other[start : start + _PAIRS]
        shared = np.asarray(words[a].multiply(words[b]).sum(axis=1)).ravel()
        dense = np.einsum("ij,ij->i", meant[a].astype(np.float32), meant[b].astype(np.float32))
        scores[start : start + _PAIRS] = frame.share * shared + (1 - frame.share) * dense
    return scores


def _best(index: Nearest, touched: Longs, triples: Triples) -> tuple[Ints, Floats]:
    """The best twenty of what was known and what was found, of some texts that something was found for."""
    row, other, score = triples
    known = index.near[touched]
    place = np.repeat(touched, NEAR)[known.ravel() >= 0]
    row = np.concatenate([row, place])
    other = np.concatenate([other, known[known >= 0].astype(np.int64)])
    score = np.concatenate([score, index.scores[touched][known >= 0]])
    order = _ordered(row, other, score)
    row, other, score = row[order], other[order], score[order]
    again = np.zeros(len(row), bool)
    again[1:] = (row[1:] == row[:-1]) & (other[1:] == other[:-1])
    row, other, score = row[~again], other[~again], score[~again]
    starts = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
    rank = np.arange(len(row)) - np.repeat(starts, np.diff(np.append(starts, len(row))))
    good = rank < NEAR
    near, scores = _empty(len(touched))
    place = np.searchsorted(touched, row[good])
    near[place, rank[good]] = other[good]
    scores[place, rank[good]] = score[good]
    return near, scores


def _ordered(row: Longs, other: Longs, score: Floats) -> Longs:
    """As ``np.lexsort((other, -score, row))``, by one number where no score stands twice in a row: thrice as quick."""
    bits = np.ascontiguousarray(-score, np.float32).view(np.uint32)
    rising = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(1 << 31))
    keys: Packed = np.bitwise_or(row.astype(np.uint64) << np.uint64(32), rising.astype(np.uint64))
    order = np.argsort(keys)
    keys = keys[order]
    if (keys[1:] != keys[:-1]).all():
        return order
    same = np.flatnonzero(np.isin(keys, keys[1:][keys[1:] == keys[:-1]]))
    # Equal keys lie together: putting their places in order by the neighbour leaves all others where they are.
    order[same] = order[same][np.lexsort((other[order[same]], keys[same]))]
    return order


def pack(index: Nearest) -> bytes:
    """As bytes for the store: one array after the other."""
    frame = index.frame
    keys = np.frombuffer("\n".join(index.keys).encode(), np.uint8)
    numbers = np.array([frame.size, frame.unseen, frame.share])
    file = io.BytesIO()
    for array in (numbers, frame.mean, frame.terms, frame.rarity, frame.centres, keys, *index[2:-1]):
        np.save(file, array, allow_pickle=False)
    return file.getvalue()


def unpack(data: bytes) -> Nearest:
    """Neighbours as the store kept them."""
    file = io.BytesIO(data)
    numbers, mean, terms, rarity, centres, packed = (np.load(file, allow_pickle=False) for _ in range(6))
    rows, where, near, scores, reach = (np.load(file, allow_pickle=False) for _ in range(5))
    frame = Frame(int(numbers[0]), mean, terms, rarity, float(numbers[1]), centres, float(numbers[2]))
    keys = tuple(packed.tobytes().decode().split("\n"))
    return Nearest(keys, frame, rows, where, near, scores, reach, np.zeros(len(keys), bool))
