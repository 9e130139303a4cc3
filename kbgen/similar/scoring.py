"""What two texts are to one another: an exact score for each pair that is worth one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kbgen.similar.frame import Frame, Ints, Longs, parts, weighted
from kbgen.similar.vectors import Floats, Stack, wide

_BLOCK = 4096
_PAIRS = 1 << 14
# Vectors of so many texts are widened at once; of more when they are multiplied, which is slower and takes less room.
_FEW = 1 << 15
_LEFT = np.uint64(32)
_SIGN = np.uint32(1 << 31)
Ranks = npt.NDArray[np.uint64]
NO_RANK = np.uint64((1 << 64) - 1)
Take = Callable[[Longs], Stack]
"""Gives the vectors of texts by their rising positions."""


class Pairs(NamedTuple):
    """Pairs of texts by their positions, and how alike they are."""

    left: Longs
    right: Longs
    scores: Floats


def distinct(numbers: Longs) -> Longs:
    """As ``np.unique``, which hashes first and is three times slower on numbers that are mostly distinct."""
    numbers = np.sort(numbers)
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers


def true_in(mask: npt.NDArray[np.bool_]) -> tuple[Longs, Longs]:
    """As ``np.nonzero`` of a table, in half the time where little is true."""
    flat = np.flatnonzero(mask)
    row = flat // max(mask.shape[1], 1)
    return row, flat - row * mask.shape[1]


def pair_keys(one: npt.NDArray[np.integer], other: npt.NDArray[np.integer], count: int) -> Longs:
    """One number for each pair of positions: the smaller times ``count`` of all texts, and the larger."""
    keys: Longs = np.minimum(one, other).astype(np.int64) * count + np.maximum(one, other)
    return keys


def exact(keys: Longs, count: int, frame: Frame, take: Take) -> Floats:
    """Scores of pairs, at most 1; a pair's is the same in whatever company it comes.

    Args:
        keys: of the pairs, as ``pair_keys`` makes them.
        count: of all texts.
        frame: what to measure by.
        take: gives vectors.
    """
    place = np.zeros(count, np.int32)
    place[keys // count] = 1
    place[keys % count] = 1
    used = np.flatnonzero(place)
    if not len(used):
        return np.zeros(0, np.float32)
    place[used] = np.arange(len(used))
    vectors = take(used)
    dense: npt.NDArray[Any] = wide(vectors.dense) if vectors.size <= _FEW else vectors.dense
    words = weighted(vectors, frame)
    words_part, dense_part = parts(vectors, frame)
    common, length = _apart(dense, frame)
    middle = np.float32(np.einsum("i,i->", frame.mean, frame.mean))
    scores = np.zeros(len(keys), np.float32)
    for start in range(0, len(keys), _PAIRS):
        some = keys[start : start + _PAIRS]
        left, right = place[some // count], place[some % count]
        shared = np.asarray(words[left].multiply(words[right]).sum(axis=1)).ravel()
        said = words_part[left] * words_part[right] * shared
        meant = np.einsum("ij,ij->i", _wide(dense[left]), _wide(dense[right]))
        # The product of what is left of both when the mean is taken off, without taking it off each time.
        meant = (meant - common[left] - common[right] + middle) / (length[left] * length[right])
        scores[start : start + _PAIRS] = said + dense_part[left] * dense_part[right] * meant
    return scores


def _apart(vectors: npt.NDArray[Any], frame: Frame) -> tuple[Floats, Floats]:
    """Each dense vector's product with the mean, and how long it is without that."""
    common, length = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        whole = _wide(vectors[start : start + _BLOCK])
        common[start : start + _BLOCK] = np.einsum("ij,j->i", whole, frame.mean)
        dense = whole - frame.mean
        length[start : start + _BLOCK] = np.sqrt(np.einsum("ij,ij->i", dense, dense))
    return common, np.maximum(length, np.float32(1e-9))


def _wide(rows: npt.NDArray[Any]) -> Floats:
    return wide(rows) if rows.dtype == np.float16 else rows


def ordered(row: Longs, other: Longs, score: Floats) -> Longs:
    """As ``np.lexsort((other, -score, row))``, by one number where no score stands twice in a row: thrice as quick."""
    keys = np.bitwise_or(row.astype(np.uint64) << _LEFT, _falling(score).astype(np.uint64))
    order = np.argsort(keys)
    keys = keys[order]
    if (keys[1:] != keys[:-1]).all():
        return order
    same = np.flatnonzero(np.isin(keys, keys[1:][keys[1:] == keys[:-1]]))
    # Equal keys lie together: putting their places in order by the neighbour leaves all others where they are.
    order[same] = order[same][np.lexsort((other[order[same]], keys[same]))]
    return order


def ranks(other: npt.NDArray[np.integer], score: Floats) -> Ranks:
    """Neighbours and their scores as numbers that rise from the best, the older text first among equals.

    Args:
        other: their positions; -1 for nobody, who comes last.
        score: how alike they are.
    """
    numbers: Ranks = _falling(score).astype(np.uint64) << _LEFT | other.astype(np.uint32)
    numbers[other < 0] = NO_RANK
    return numbers


def ranked(numbers: Ranks) -> tuple[Ints, Floats]:
    """Positions and scores of what ``ranks`` gives; of nobody -1 and -1."""
    falling = (numbers >> _LEFT).astype(np.uint32)
    scores: Floats = -np.where(falling & _SIGN, falling & ~_SIGN, ~falling).view(np.float32)
    scores[numbers == NO_RANK] = -1
    return numbers.astype(np.uint32).view(np.int32), scores


def _falling(score: Floats) -> npt.NDArray[np.uint32]:
    """Bits of scores as numbers that rise as scores fall."""
    bits = np.ascontiguousarray(-score, np.float32).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)
