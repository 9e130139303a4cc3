"""Each text's nearest others, kept up to date: new texts are compared with all, old pairs never again.

Candidates are texts that share a cell of the frame (all of them in a small corpus); each pair of candidates is scored
exactly, as a share of the words they have in common and of what they mean. Neither depends on the order of the texts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from kbgen.similar.frame import EXACT, Frame, Longs, cells, centred, frame_size, make_frame, placed, weighted
from kbgen.similar.texts import Text
from kbgen.similar.vectors import Floats, Vector

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
_PAIRS = 1 << 16
# A sketched score strays from the exact one by about this much.
_MARGIN = 0.03
_STEPS = 254

Ints = npt.NDArray[np.int32]
Packed = npt.NDArray[np.uint64]
Number = TypeVar("Number", np.int64, np.uint64)
Fetch = Callable[[Sequence[Text]], list[Vector]]
"""Gives the vectors of texts."""
Triples = tuple[Longs, Longs, Floats]
"""Rows, their neighbours, and the scores."""


class Nearest(NamedTuple):
    """Neighbours of the texts of one language.

    Attributes:
        keys: ref and key of each text, parted by a space, by which it is known again.
        rows: placed vectors, n x 512, in 254ths: coarse enough to be small, fine enough for candidates.
        cells: n x 3, n x 1 in a small corpus.
        touched: texts whose listed neighbours are not those of the last run.
        near: positions of the neighbours, n x 20, best first, -1 where there are fewer.
        scores: of ``near``; at most 1.
    """

    keys: tuple[str, ...]
    frame: Frame
    rows: npt.NDArray[np.int8]
    cells: Ints
    near: Ints
    scores: Floats
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
        moved.rows[fresh] = _coarse(rows)
        moved.cells[fresh] = cells(rows, old.frame)
    asked = np.union1d(np.array(fresh, np.int64), _depleted(old, moved, kept))
    return _compared(moved, asked, texts, fetch), fresh


def _afresh(keys: tuple[str, ...], texts: Sequence[Text], fetch: Fetch) -> Nearest:
    vectors = fetch(texts)
    frame = make_frame(vectors[: frame_size(len(texts))], texts[0].lang)
    rows = np.concatenate([placed(vectors[at : at + _BLOCK], frame) for at in range(0, len(vectors), _BLOCK)])
    where = cells(rows, frame) if len(frame.centres) else np.zeros((len(rows), 1), np.int32)
    near, scores = _empty(len(keys))
    blank = Nearest(keys, frame, _coarse(rows), where, near, scores, np.ones(len(keys), bool))
    place = {text.ref: number for number, text in enumerate(texts)}

    def known(some: Sequence[Text]) -> list[Vector]:
        return [vectors[place[text.ref]] for text in some]

    return _compared(blank, np.arange(len(keys)), texts, known)


def _coarse(rows: Floats) -> npt.NDArray[np.int8]:
    return np.clip(np.rint(rows * _STEPS), -127, 127).astype(np.int8)


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
    return Nearest(keys, old.frame, rows, where, near, scores, touched)


def _depleted(old: Nearest, moved: Nearest, kept: tuple[Longs, Longs]) -> Longs:
    """Texts that lost so many neighbours that their ten nearest are no longer known."""
    before, after = kept
    lost = (old.near[before] >= 0).sum(axis=1) - (moved.near[after] >= 0).sum(axis=1)
    short: Longs = after[(lost > 0) & ((moved.near[after] >= 0).sum(axis=1) < _SCALING)]
    return short


def _compared(index: Nearest, asked: Longs, texts: Sequence[Text], fetch: Fetch) -> Nearest:
    if not len(asked):
        return index
    left, right = _candidates(index, asked)
    if not len(left):
        return index
    score = _exact(left, right, index.frame, texts, fetch)
    one, other, both = np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([score, score])
    # What is no better than the last that is kept changes nothing.
    good = both >= index.scores[one, -1]
    rows = np.unique(one[good])
    near, scores = _best(index, rows, (one[good], other[good], both[good]))
    touched = index.touched.copy()
    touched[rows] |= (listed(near[rows], scores[rows]) != listed(index.near[rows], index.scores[rows])).any(axis=1)
    return index._replace(near=near, scores=scores, touched=touched)


def listed(near: Ints, scores: Floats) -> Ints:
    """The neighbours shown to readers, n x 12, -1 where there are fewer.

    Scores are rounded, the older text first among equals: small shifts of a growing corpus reorder no list.
    """
    steps = np.rint(scores / np.float32(_STEP)).astype(np.int64)
    ranked = np.where((near >= 0) & (scores >= _RELATED), (np.int64(64) - steps) << 32 | near, np.int64(1) << 62)
    ranked = np.sort(ranked, axis=1)[:, :LISTED]
    found: Ints = np.where(ranked < np.int64(1) << 62, ranked & 0xFFFFFFFF, -1).astype(np.int32)
    return found


def _candidates(index: Nearest, asked: Longs) -> tuple[Longs, Longs]:
    """Pairs worth an exact score, the smaller position first, each once."""
    count = len(index.keys)
    is_asked = np.zeros(count, bool)
    is_asked[asked] = True
    # Beyond the tenth a neighbour changes neither crowding nor a band.
    worst = index.scores[:, _SCALING - 1] - np.float32(_MARGIN)
    flat = index.cells.ravel()
    order = np.argsort(flat, kind="stable")
    members = order // index.cells.shape[1]
    ranked: list[Packed] = []
    wanted: list[Longs] = []
    for part in np.split(members, np.flatnonzero(np.diff(flat[order])) + 1):
        for start in range(0, len(part), _BLOCK):
            block = part[start : start + _BLOCK]
            mine = block[is_asked[block]]
            if len(mine) and len(block) > 1:
                _look(index, (mine, block), worst, ranked, wanted)
    if not ranked:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    one, other = _first_of_each(np.concatenate(ranked))
    pairs = _distinct(np.concatenate([_keys(one, other, count), *wanted]))
    return pairs // count, pairs % count


def _look(index: Nearest, part: tuple[Longs, Longs], worst: Floats, ranked: list[Packed], wanted: list[Longs]) -> None:
    """Compare the asked texts of a cell with all of it: which are best for them, and for whom they may be better."""
    mine, block = part
    theirs = index.rows[block].astype(np.float32)
    for start in range(0, len(mine), 1024):
        some = mine[start : start + 1024]
        scaled: Floats = (index.rows[some] / np.float32(_STEPS * _STEPS)).astype(np.float32)
        scores = scaled @ theirs.T
        scores[some[:, None] == block[None]] = -2
        top = min(_CANDIDATES, len(block) - 1)
        best = np.argpartition(scores, -top, axis=1)[:, -top:]
        values = np.take_along_axis(scores, best, axis=1).ravel()
        ranked.append(_packed(np.repeat(some, top), block[best].ravel(), values))
        if len(mine) < len(block):
            asking, asked = np.nonzero(scores > worst[block])
            wanted.append(_keys(some[asking], block[asked], len(index.keys)))


def _packed(row: Longs, other: Longs, score: Floats) -> Packed:
    """Row, falling score and neighbour in one number: much quicker to sort than three keys."""
    falling = ((1.0 - np.clip(score, -1, 1)) * 32767).astype(np.uint64)
    high, low = row.astype(np.uint64) << np.uint64(40), falling << np.uint64(24)
    packed: Packed = np.bitwise_or(np.bitwise_or(high, low), other.astype(np.uint64))
    return packed


def _first_of_each(packed: Packed) -> tuple[Longs, Longs]:
    packed = _distinct(packed)
    row, other = (packed >> np.uint64(40)).astype(np.int64), (packed & np.uint64(0xFFFFFF)).astype(np.int64)
    row, other = row[row != other], other[row != other]
    starts = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
    rank = np.arange(len(row)) - np.repeat(starts, np.diff(np.append(starts, len(row))))
    good = rank < _CANDIDATES
    return row[good], other[good]


def _distinct(numbers: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """As ``np.unique``, which hashes first and is three times slower on numbers that are mostly distinct."""
    numbers = np.sort(numbers)
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers


def _keys(one: Longs, other: Longs, count: int) -> Longs:
    keys: Longs = np.minimum(one, other) * count + np.maximum(one, other)
    return keys


def _exact(left: Longs, right: Longs, frame: Frame, texts: Sequence[Text], fetch: Fetch) -> Floats:
    used = np.union1d(left, right)
    vectors = fetch([texts[place] for place in used])
    words = weighted(vectors, frame)
    meant = np.concatenate(
        [centred(vectors[at : at + _BLOCK], frame).astype(np.float16) for at in range(0, len(vectors), _BLOCK)]
    )
    one, other = np.searchsorted(used, left), np.searchsorted(used, right)
    scores = np.zeros(len(left), np.float32)
    for start in range(0, len(left), _PAIRS):
        a, b = one[start : start + _PAIRS], other[start : start + _PAIRS]
        shared = np.asarray(words[a].multiply(words[b]).sum(axis=1)).ravel()
        dense = np.einsum("ij,ij->i", meant[a].astype(np.float32), meant[b].astype(np.float32))
        scores[start : start + _PAIRS] = frame.share * shared + (1 - frame.share) * dense
    return scores


def _best(index: Nearest, touched: Longs, triples: Triples) -> tuple[Ints, Floats]:
    """The best twenty of what was known and what was found, of each text that anything was found for."""
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
    near, scores = index.near.copy(), index.scores.copy()
    near[touched], scores[touched] = -1, -1
    near[row[good], rank[good]] = other[good]
    scores[row[good], rank[good]] = score[good]
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
    """As bytes for the store."""
    frame = index.frame
    file = io.BytesIO()
    np.savez(
        file,
        keys=np.frombuffer("\n".join(index.keys).encode(), np.uint8),
        rows=index.rows,
        cells=index.cells,
        near=index.near,
        scores=index.scores,
        mean=frame.mean,
        terms=frame.terms,
        rarity=frame.rarity,
        centres=frame.centres,
        numbers=np.array([frame.size, frame.unseen, frame.share]),
    )
    return file.getvalue()


def unpack(data: bytes) -> Nearest:
    """Neighbours as the store kept them."""
    with np.load(io.BytesIO(data)) as kept:
        size, unseen, share = kept["numbers"]
        frame = Frame(
            int(size), kept["mean"], kept["terms"], kept["rarity"], float(unseen), kept["centres"], float(share)
        )
        keys = tuple(kept["keys"].tobytes().decode().split("\n"))
        return Nearest(
            keys, frame, kept["rows"], kept["cells"], kept["near"], kept["scores"], np.zeros(len(keys), bool)
        )
