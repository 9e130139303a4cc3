"""What a corpus makes of its vectors: how rare each term is, what all texts have in common, where they lie.

A frame is made from the oldest texts, the largest power of two that fits, so that growth does not move it: scores of
old pairs stand until the corpus has doubled. A small corpus is measured whole each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kbgen.similar.vectors import DIMENSIONS, Floats, Vector, unit

Longs = npt.NDArray[np.int64]
Places = tuple[Longs, npt.NDArray[np.bool_]]
"""Of terms in a frame, and whether they are there."""
# Up to here all are compared with all: exact, and quicker than anything clever.
EXACT = 4096
# Texts a cell of the frame holds; a text lies in its three nearest cells.
_CELL = 256
_CELLS = 3
# A few texts say little about what all have in common.
_PRIOR = 8.0
# Share of the words beside the meaning in one score. Chosen on Meta Stack Exchange pairs; for Hebrew and Chinese, whose
# meaning comes from the glossary, on thirty pairs each. The table knows English: in Polish and Italian it only takes
# from what n-grams find; in Japanese and Thai both find a little.
_WORDS = {"en": 0.35, "he": 0.4, "zh": 0.4, "ja": 0.6, "th": 0.6}
_WORDS_ELSEWHERE = 1.0
_SKETCH = 256
_HASHES = 4


class Frame(NamedTuple):
    """A corpus' statistics.

    Attributes:
        size: how many texts it was made from.
        mean: of their dense vectors, 256.
        terms: hashes, ascending; ``rarity`` is each one's weight, ``unseen`` that of any other.
        centres: of the cells, n x 512; empty when all are compared with all.
        share: of the terms in a score.
    """

    size: int
    mean: Floats
    terms: npt.NDArray[np.uint32]
    rarity: Floats
    unseen: float
    centres: Floats
    share: float


def frame_size(count: int) -> int:
    """How many of the oldest texts make the frame."""
    return count if count < EXACT else 1 << (count.bit_length() - 1)


def make_frame(vectors: Sequence[Vector], lang: str) -> Frame:
    """Measure a corpus.

    Args:
        vectors: of its oldest texts, in a fixed order.
        lang: their language.
    """
    count = len(vectors)
    dense = np.stack([vector.dense for vector in vectors]).astype(np.float32)
    mean = dense.sum(axis=0) / np.float32(count + _PRIOR)
    terms, frequency = np.unique(np.concatenate([vector.terms for vector in vectors]), return_counts=True)
    rarity = (np.log((1 + count) / (1 + frequency)) + 1).astype(np.float32)
    share = _WORDS.get(lang, _WORDS_ELSEWHERE)
    none = np.zeros((0, DIMENSIONS + _SKETCH), np.float32)
    frame = Frame(count, mean, terms, rarity, float(np.log(1 + count)) + 1, none, share)
    if count < EXACT:
        return frame
    return Frame(count, mean, terms, rarity, frame.unseen, _centres(placed(vectors, frame)), share)


def weighted(vectors: Sequence[Vector], frame: Frame) -> sparse.csr_matrix:
    """Rows of unit length: terms by (1 + ln count) times rarity; columns are the frame's terms and this batch's own."""
    if not vectors:
        return sparse.csr_matrix((0, 1), dtype=np.float32)
    terms, weights, starts, (columns, known) = _weights(vectors, frame)
    unseen = np.unique(terms[~known])
    # Columns rise with the terms: scipy multiplies rows in another order several times slower.
    columns += (frame.terms[columns] < terms) + np.searchsorted(unseen, terms)
    shape = (len(vectors), len(frame.terms) + len(unseen) + 1)
    return sparse.csr_matrix((weights, columns, starts), shape=shape)


def _weights(vectors: Sequence[Vector], frame: Frame) -> tuple[npt.NDArray[np.uint32], Floats, Longs, Places]:
    terms = np.concatenate([vector.terms for vector in vectors])
    counts = np.concatenate([vector.counts for vector in vectors]).astype(np.float32)
    places = np.minimum(np.searchsorted(frame.terms, terms), len(frame.terms) - 1)
    known = frame.terms[places] == terms
    weights = (1 + np.log(counts)) * np.where(known, frame.rarity[places], np.float32(frame.unseen))
    sizes = np.array([len(vector.terms) for vector in vectors])
    starts: Longs = np.concatenate([[0], np.cumsum(sizes)])
    rows = np.repeat(np.arange(len(vectors)), sizes)
    length = np.sqrt(np.bincount(rows, weights * weights, len(vectors)))
    return terms, (weights / np.maximum(length, 1e-9)[rows]).astype(np.float32), starts, (places, known)


def centred(vectors: Sequence[Vector], frame: Frame) -> Floats:
    """Dense vectors without what all texts of the corpus share, of unit length."""
    return unit(np.stack([vector.dense for vector in vectors]).astype(np.float32) - frame.mean)


def placed(vectors: Sequence[Vector], frame: Frame) -> Floats:
    """One vector for both views, n x 512; its products are nearly the scores.

    Terms are sketched by signed hashing (Weinberger et al. 2009, arXiv:0902.2206).
    """
    terms, weights, starts, _ = _weights(vectors, frame)
    rows = np.repeat(np.arange(len(vectors)), np.diff(starts))
    sketch = np.zeros(len(vectors) * _SKETCH)
    for number in range(_HASHES):
        mixed = (terms.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15 + 2 * number)) >> np.uint64(20 + number)
        bucket = (mixed >> np.uint64(1)) % np.uint64(_SKETCH)
        sign = 1.0 - 2.0 * (mixed & np.uint64(1))
        sketch += np.bincount(rows * _SKETCH + bucket.astype(np.int64), weights * sign, len(sketch))
    words = unit(sketch.reshape(len(vectors), _SKETCH).astype(np.float32))
    parts = [centred(vectors, frame) * np.float32((1 - frame.share) ** 0.5), words * np.float32(frame.share**0.5)]
    return np.concatenate(parts, axis=1)


def _centres(rows: Floats) -> Floats:
    """Evenly picked texts, moved twice to the middle of what lies nearest to them (Lloyd)."""
    count = max(1, len(rows) // _CELL)
    centres = rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    for _ in range(2):
        nearest = _nearest(rows, centres, 1)[:, 0]
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, rows)
        hit = np.bincount(nearest, minlength=count) > 0
        centres = np.where(hit[:, None], unit(sums), centres)
    return centres


def cells(rows: Floats, frame: Frame) -> npt.NDArray[np.int32]:
    """The cells each text lies in, n x 3."""
    return _nearest(rows, frame.centres, min(_CELLS, len(frame.centres)))


def _nearest(rows: Floats, centres: Floats, count: int) -> npt.NDArray[np.int32]:
    found = np.zeros((len(rows), count), np.int32)
    for start in range(0, len(rows), 2048):
        scores = rows[start : start + 2048] @ centres.T
        best = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count < scores.shape[1] else None
        found[start : start + 2048] = np.arange(count) if best is None else best
    return found
