"""What a corpus makes of its vectors: how rare each term is, what all texts have in common, where they lie.

A frame is made from the oldest texts, the largest power of two that fits, and kept until the community has doubled or
halved, as an address is kept: whoever compares later, all or some, measures by it. A small community is measured whole
each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kbgen.similar.vectors import DIMENSIONS, Floats, Stack, unit

Longs = npt.NDArray[np.int64]
Coarse = npt.NDArray[np.int8]
"""Rows of unit length in 254ths: small, and their products are whole numbers that no order of adding changes."""
Ints = npt.NDArray[np.int32]
# Up to here all are compared with all: exact, and quicker than anything clever.
EXACT = 4096
# Texts a cell of the frame holds; a text lies in its three nearest cells.
_CELL = 256
_CELLS = 3
# A few texts say little about what all have in common.
_PRIOR = 8.0
# Share of the words beside the meaning in one score. Chosen on Meta Stack Exchange pairs; for Hebrew and Chinese, whose
# meaning comes from the glossary, on seventy pairs each. The table knows English: in Polish and Italian it only takes
# from what n-grams find; in Japanese and Thai both find a little. A long text has words enough to tell it by, of a
# title of five each may be another's synonym: the second share is that of texts with many terms.
_WORDS = {"en": (0.35, 0.5), "he": (0.2, 0.2), "zh": (0.2, 0.2), "ja": (0.6, 0.6), "th": (0.6, 0.6)}
_WORDS_ELSEWHERE = (1.0, 1.0)
_FEW, _MANY = 10, 40
_SKETCH = 256
_HASHES = 4
_BLOCK = 4096
_COLUMN = 12
STEPS = 254
# Columns of sparse rows are hashes cut to what an index of 32 bits holds.
_CUT = np.uint32(2)
# Places of a table for one that is taken, as a power of two, and the bits of a table at most.
_SPARSE, _MOST_BITS = 5, 22
# From so many on a table is worth while.
_MANY_TERMS = 1 << 13
_LOGS: Floats = (1 + np.log(np.maximum(np.arange(256), 1))).astype(np.float32)


class Frame(NamedTuple):
    """A corpus' statistics.

    Attributes:
        size: how many texts it was made from.
        mean: of their dense vectors, 256.
        terms: hashes of those that several texts have, ascending; ``rarity`` is each one's weight, ``unseen`` that of
            any other.
        centres: of the cells, n x 512; empty when all are compared with all.
        share: of the terms in a score: between texts that have few, and between those that have many.
    """

    size: int
    mean: Floats
    terms: npt.NDArray[np.uint32]
    rarity: Floats
    unseen: float
    centres: Coarse
    share: tuple[float, float]


def frame_size(count: int) -> int:
    """How many of the oldest texts make the frame."""
    return count if count < EXACT else 1 << (count.bit_length() - 1)


def stands(frame: Frame, count: int) -> bool:
    """Whether a frame still measures a community: it has neither doubled nor halved, and is not small."""
    return min(frame.size, count) >= EXACT and frame.size // 2 <= count < 2 * frame.size


def make_frame(vectors: Stack, lang: str) -> Frame:
    """Measure a corpus; it has no cells yet.

    Args:
        vectors: of its oldest texts, in a fixed order.
        lang: their language.
    """
    count = vectors.size
    total = np.zeros(vectors.dense.shape[1])
    for _, part in _blocks(vectors):
        total += part.dense.astype(np.float64).sum(axis=0)
    mean = (total / (count + _PRIOR)).astype(np.float32)
    terms, frequency = np.unique(vectors.terms, return_counts=True)
    # A word of one text is as rare as one of none: half of all words are not kept.
    terms, frequency = terms[frequency > 1], frequency[frequency > 1]
    rarity = (np.log((1 + count) / (1 + frequency)) + 1).astype(np.float32)
    share = _WORDS.get(lang, _WORDS_ELSEWHERE)
    none = np.zeros((0, DIMENSIONS + _SKETCH), np.int8)
    return Frame(count, mean, terms, rarity, float(np.log((1 + count) / 2)) + 1, none, share)


def _blocks(vectors: Stack) -> Iterator[tuple[int, Stack]]:
    for start in range(0, vectors.size, _BLOCK):
        yield start, vectors.part(start, start + _BLOCK)


def weighted(vectors: Stack, frame: Frame) -> sparse.csr_matrix:
    """Rows of unit length: terms by (1 + ln count) times rarity, each in the column of its hash."""
    weights = np.zeros(len(vectors.terms), np.float32)
    for start, part in _blocks(vectors):
        first = vectors.starts[start]
        weights[first : first + len(part.terms)] = _weights(part, frame)
    columns = (vectors.terms >> _CUT).astype(np.int32)
    found = sparse.csr_matrix((weights, columns, vectors.starts), shape=(vectors.size, 1 << 30))
    # Where two terms of a text share a column, products would be taken in another way, with room for all columns.
    found.sum_duplicates()
    return found


def _weights(vectors: Stack, frame: Frame) -> Floats:
    weights: Floats = _LOGS[vectors.counts] * rarity(vectors.terms, frame)
    sizes = np.diff(vectors.starts)
    rows = np.repeat(np.arange(vectors.size), sizes)
    length: Floats = np.sqrt(np.bincount(rows, np.square(weights), vectors.size)).astype(np.float32)
    weights /= np.maximum(length, np.float32(1e-9))[rows]
    return weights


def rarity(terms: npt.NDArray[np.uint32], frame: Frame) -> Floats:
    """How rare terms are."""
    if not len(frame.terms):
        return np.full(len(terms), frame.unseen, np.float32)
    place, hit = (_halved if len(terms) < _MANY_TERMS else _looked_up)(terms, frame)
    found: Floats = np.where(hit, frame.rarity.take(place, mode="clip"), np.float32(frame.unseen))
    return found


def _halved(terms: npt.NDArray[np.uint32], frame: Frame) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.bool_]]:
    """Places in ``Frame.terms``, and whether the term is there."""
    place = np.minimum(np.searchsorted(frame.terms, terms), len(frame.terms) - 1)
    return place, frame.terms.take(place) == terms


def _looked_up(terms: npt.NDArray[np.uint32], frame: Frame) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.bool_]]:
    """The same, by a table of where terms with the same last bits are: quicker than halving, ten times, once made."""
    count = len(frame.terms)
    mask = np.uint32((1 << min(count.bit_length() + _SPARSE, _MOST_BITS)) - 1)
    table = np.full(int(mask) + 1, -1, np.int32)
    table[frame.terms & mask] = np.arange(count, dtype=np.int32)
    place = table.take(terms & mask)
    hit = frame.terms.take(place, mode="clip") == terms
    # Of several with the same last bits one is in the table.
    other = np.flatnonzero(~hit & (place >= 0))
    place[other], hit[other] = _halved(terms[other], frame)
    return place, hit


def centred(vectors: Stack, frame: Frame) -> Floats:
    """Dense vectors without what all texts of the corpus share, of unit length."""
    return unit(vectors.dense.astype(np.float32) - frame.mean)


def parts(vectors: Stack, frame: Frame) -> tuple[Floats, Floats]:
    """What each text's terms and its dense vector are multiplied by: the squares of both add up to 1."""
    few, many = frame.share
    rising = np.clip((np.diff(vectors.starts) - _FEW) / (_MANY - _FEW), 0, 1)
    share = few + (many - few) * rising
    return np.sqrt(share).astype(np.float32), np.sqrt(1 - share).astype(np.float32)


def placed(vectors: Stack, frame: Frame) -> Coarse:
    """One vector for both views, n x 512; its products are nearly the scores.

    Terms are sketched by signed hashing (Weinberger et al. 2009, arXiv:0902.2206).
    """
    found = np.zeros((vectors.size, DIMENSIONS + _SKETCH), np.int8)
    for start, part in _blocks(vectors):
        words_part, dense_part = parts(part, frame)
        dense = centred(part, frame) * dense_part[:, None]
        words = _sketched(part, frame) * words_part[:, None]
        found[start : start + part.size] = _coarse(np.concatenate([dense, words], axis=1))
    return found


def _sketched(vectors: Stack, frame: Frame) -> Floats:
    weights = _weights(vectors, frame)
    rows = np.repeat(np.arange(vectors.size), np.diff(vectors.starts))
    sketch = np.zeros(vectors.size * _SKETCH)
    for number in range(_HASHES):
        mixed = (vectors.terms.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15 + 2 * number)) >> np.uint64(20 + number)
        bucket = (mixed >> np.uint64(1)) % np.uint64(_SKETCH)
        sign = 1.0 - 2.0 * (mixed & np.uint64(1))
        sketch += np.bincount(rows * _SKETCH + bucket.astype(np.int64), weights * sign, len(sketch))
    return unit(sketch.reshape(vectors.size, _SKETCH).astype(np.float32))


def _coarse(rows: Floats) -> Coarse:
    found: Coarse = np.clip(np.rint(rows * STEPS), -127, 127).astype(np.int8)
    return found


def with_cells(frame: Frame, rows: Coarse) -> Frame:
    """A frame with the cells of its texts.

    Args:
        frame: of a corpus too large to compare all with all; any other stays as it is.
        rows: its texts, placed.
    """
    if frame.size < EXACT:
        return frame
    return frame._replace(centres=spread(rows, max(1, len(rows) // _CELL)))


def spread(rows: Coarse, count: int) -> Coarse:
    """So many centres among rows: evenly picked ones, moved twice to the middle of what lies nearest (Lloyd)."""
    centres = rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    for _ in range(2):
        sums, sizes = np.zeros((count, rows.shape[1]), np.float32), np.zeros(count, np.int64)
        for start in range(0, len(rows), _BLOCK):
            part = rows[start : start + _BLOCK]
            nearest = nearest_centres(part, centres, 1)[:, 0]
            one_each = sparse.csr_matrix((np.ones(len(part), np.float32), (nearest, np.arange(len(part)))))
            sums[: one_each.shape[0]] += one_each @ part.astype(np.float32)
            sizes += np.bincount(nearest, minlength=count)
        centres = np.where(sizes[:, None] > 0, _coarse(unit(sums)), centres)
    return centres


def cells(rows: Coarse, frame: Frame) -> Ints:
    """The cells each text lies in, n x 3; all in one where there are none."""
    if not len(frame.centres):
        return np.zeros((len(rows), 1), np.int32)
    return nearest_centres(rows, frame.centres, min(_CELLS, len(frame.centres)))


def nearest_centres(rows: Coarse, centres: Coarse, count: int) -> Ints:
    """The nearest centres of each row, in no order."""
    found = np.zeros((len(rows), count), np.int32)
    middle = centres.astype(np.float32).T
    for start in range(0, len(rows), 2048):
        _, columns = best_of(rows[start : start + 2048].astype(np.float32) @ middle, count)
        found[start : start + 2048] = columns
    return found


def best_of(products: Floats, count: int) -> tuple[Longs, Longs]:
    """The largest of each row, in no order; of equal ones those that come first.

    Args:
        products: of coarse rows, whole numbers of less than 19 bits; the array is not changed.
        count: how many; all where there are fewer.

    Returns:
        The products, and their columns.
    """
    width = products.shape[1]
    # In one number of 32 bits, which are put in order three times as quickly as positions by what they stand for.
    small = width <= 1 << _COLUMN
    bits = _COLUMN if small else 32
    last = (1 << bits) - 1
    falling = np.arange(last, last - width, -1)
    keys: npt.NDArray[Any] = products.astype(np.int32 if small else np.int64, order="C")
    keys <<= bits
    keys |= falling.astype(keys.dtype)
    if count < width:
        keys.partition(width - count, axis=1)
        keys = keys[:, width - count :]
    return (keys >> bits).astype(np.int64), last - (keys & last).astype(np.int64)
