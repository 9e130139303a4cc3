"""What two texts are to one another: an exact score for each pair that is worth one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kbgen.similar.frame import Frame, Ints, Longs, centred, parts, weighted
from kbgen.similar.vectors import Floats, Stack, wide

_BLOCK = 4096
_PAIRS = 1 << 14
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
    words = weighted(vectors, frame)
    meant = np.empty(vectors.dense.shape, np.float16)
    for start in range(0, len(meant), _BLOCK):
        meant[start : start + _BLOCK] = centred(vectors.part(start, start + _BLOCK), frame)
    words_part, dense_part = parts(vectors, frame)
    scores = np.zeros(len(keys), np.float32)
    for start in range(0, len(keys), _PAIRS):
        some = keys[start : start + _PAIRS]
        left, right = place[some // count], place[some % count]
        shared = np.asarray(words[left].multiply(words[right]).sum(axis=1)).ravel()
        dense = np.einsum("ij,ij->i", wide(meant[left]), wide(meant[right]))
        said = words_part[left] * words_part[right] * shared
        scores[start : start + _PAIRS] = said + dense_part[left] * dense_part[right] * dense
    return scores


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
