"""What a sentence model saw of a community: each text's nearest others, kept from run to run as those by words are.

Candidates are found by vectors in whole numbers, whose products no order of adding changes, and scored exactly; so what
is kept over many runs is what one run from nothing finds. Up to 32,768 texts all are compared with all, beyond that
those that share a cell. Not here: which texts are shown to the model, and what its scores mean (``second``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kbgen.similar import candidates
from kbgen.similar.candidates import Bools, Lists, groups, moved, renew, taken, targets, unscored
from kbgen.similar.frame import STEPS, Coarse, Ints, Longs, nearest_centres, spread
from kbgen.similar.names import Names
from kbgen.similar.scoring import NO_RANK, ranked, ranks
from kbgen.similar.vectors import Floats, wide

NEAR = 20
# Up to here all are compared with all. Beyond it a text is compared with those in its three nearest cells.
_EXACT = 1 << 15
_CELL, _CELLS = 2048, 3
_PAIRS = 1 << 14
# Two models' vectors side by side are longer than one.
_ONE_MODEL = 384
Halves = npt.NDArray[np.float16]
Take = Callable[[Longs], Halves]
"""Gives vectors of the texts at rising positions."""


class Sight(NamedTuple):
    """The texts a sentence model saw.

    Attributes:
        model: its name and version.
        keys: of the texts.
        centres: of the cells; none where all are compared with all.
        size: how many texts there were when the cells were made; 0 where there are none.
        rows: vectors, coarse.
        cells: n x 3, n x 1 where all are in one.
        lists: candidates and the products of their vectors.
    """

    model: str
    keys: Names
    centres: Coarse
    size: int
    rows: Coarse
    cells: Ints
    lists: Lists

    def where(self) -> Ints:
        """Which texts are compared with each other."""
        return groups(self.cells, self.keys) if self.size else self.cells

    def near(self) -> tuple[Ints, Floats]:
        """The nearest twenty of each, best first, -1 where there are fewer, and the products of their vectors."""
        places = self.lists.places()
        numbers = ranks(places, np.where(places < 0, np.float32(-1), self.lists.scores))
        numbers.sort(axis=1)
        wanted = np.full((len(numbers), NEAR), NO_RANK)
        wanted[:, : numbers.shape[1]] = numbers[:, :NEAR]
        return ranked(wanted)


def look(old: Sight | None, model: str, keys: Names, take: Take, *, afresh: bool = False) -> Sight:
    """Bring what a model saw up to date.

    Args:
        old: as of the last run; of another model it counts for nothing.
        model: name and version.
        keys: of the texts it sees now, oldest first.
        take: gives vectors.
        afresh: take over the cells, and nothing else.
    """
    if old is not None and (old.model != model or not _stands(old.size, len(keys))):
        old = None
    size = old.size if old else _size(len(keys))
    kept = None if afresh else old
    before = keys.before(kept.keys) if kept else np.full(len(keys), -1)
    fresh = np.flatnonzero(before < 0)
    new = _coarse(take(fresh))
    centres = old.centres if old else spread(new[:size], size // _CELL) if size else new[:0]
    near = nearest_centres(new, centres, min(_CELLS, len(centres))) if size else np.zeros((len(new), 1), np.int32)
    if kept is None:
        sight = Sight(model, keys, centres, size, new, near, candidates.empty(len(keys)))
        regrouped = np.ones(len(keys), bool)
    else:
        sight, regrouped = _grown(kept, keys, before, (new, near))
    changed, *_ = renew(sight.lists, sight.rows, sight.where(), regrouped, before < 0)
    asked = changed if kept and len(kept.keys) == (before >= 0).sum() else np.arange(len(keys))
    every, row, rank, place = unscored(sight.lists, asked)
    sight.lists.scores[row, rank] = products((every // len(keys), every % len(keys)), take)[place]
    return sight


def _grown(old: Sight, keys: Names, before: Longs, new: tuple[Coarse, Ints]) -> tuple[Sight, Bools]:
    """With new texts at their places, and what is gone in no list; which texts are in other groups than before."""
    rows, cells = taken(old.rows, before), taken(old.cells, before)
    rows[before < 0], cells[before < 0] = new
    sight = Sight(
        old.model, keys, old.centres, old.size, rows, cells, moved(old.lists, targets(len(old.keys), before), before)
    )
    return sight, (sight.where() != taken(old.where(), before)).any(axis=1) | (before < 0)


def products(pairs: tuple[Longs, Longs], take: Take) -> Floats:
    """Products of the vectors of pairs; one's is the same in whatever company it comes."""
    count = len(pairs[0])
    used, place = np.unique(np.concatenate(pairs), return_inverse=True)
    found: Floats = np.empty(count, np.float32)
    if not count:
        return found
    vectors = take(used)
    left, right = place[:count], place[count:]
    for at in range(0, count, _PAIRS):
        a, b = wide(vectors[left[at : at + _PAIRS]]), wide(vectors[right[at : at + _PAIRS]])
        found[at : at + _PAIRS] = np.einsum("ij,ij->i", a, b)
    return found


def _size(count: int) -> int:
    return 0 if count <= _EXACT else 1 << (count.bit_length() - 1)


def _stands(size: int, count: int) -> bool:
    """Whether cells, or that there are none, still suit a community."""
    return count > _EXACT and size // 2 <= count < 2 * size if size else count <= _EXACT


def _coarse(vectors: Halves) -> Coarse:
    steps = STEPS if vectors.shape[1] <= _ONE_MODEL else STEPS // 2
    found: Coarse = np.clip(np.rint(wide(vectors) * np.float32(steps)), -127, 127).astype(np.int8)
    return found
