"""Each text's nearest others, kept up to date: new texts are compared with all, old pairs never again.

Candidates are texts that share a cell of the frame (all of them in a small community); the best of each text are scored
exactly, as a share of the words they have in common and of what they mean. Given the frame, all of it is a function of
the texts there are: what was there before, and in how many runs they came, leaves no trace. Not here: who the
candidates are (``candidates``), what a score is (``scoring``), and how the store keeps it (``kept``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from kbgen.similar import candidates
from kbgen.similar.candidates import CANDIDATES, GONE, NOBODY, PLACE, Bools, Lists, ask, groups, join
from kbgen.similar.frame import Coarse, Frame, Ints, Longs, cells, frame_size, make_frame, placed, stands, with_cells
from kbgen.similar.scoring import Pairs, Take, distinct, exact, ordered, pair_keys
from kbgen.similar.texts import Text
from kbgen.similar.vectors import Floats, Stack

NEAR = 20
"""How many neighbours are kept of each text."""
LISTED = 12
"""How many of them are shown to readers."""
# Less alike than this, a page is no help to the reader of the other.
_RELATED = 0.2
_STEP = 0.05
_SCALING = 10
_ROWS = 1 << 14
# Worse than any score.
_NONE = np.float32(-1)
_NOTHING = np.float32(-np.inf)

Fetch = Callable[[Sequence[Text]], Stack]
"""Gives the vectors of texts."""


class Nearest(NamedTuple):
    """Neighbours of the texts of one language.

    Attributes:
        keys: ref and key of each text, parted by a space, by which it is known again.
        rows: placed vectors, n x 512: coarse enough to be small, fine enough for candidates.
        cells: n x 3, n x 1 in a small community.
        lists: candidates and their scores.
        near: positions of the neighbours, n x 20, best first, -1 where there are fewer.
        scores: of ``near``; at most 1, -1 where there is none.
        touched: texts whose listed neighbours are not those of the last run.
    """

    keys: tuple[str, ...]
    frame: Frame
    rows: Coarse
    cells: Ints
    lists: Lists
    near: Ints
    scores: Floats
    touched: Bools

    def crowding(self) -> Floats:
        """How alike each text is to its ten nearest: what a score has to exceed to mean anything."""
        top = self.scores[:, :_SCALING]
        mean: Floats = np.where(self.near[:, :_SCALING] >= 0, top, np.float32(0)).sum(axis=1) / np.float32(_SCALING)
        return mean


class _Moved(NamedTuple):
    """The last run's neighbours at the places their texts have now.

    Attributes:
        now: without what is gone (-2 in ``near``), and without new texts but for their keys.
        groups: that the texts were compared in; -1 for new ones.
        old: as of the last run.
        before: where each text stood, -1 for new ones.
        target: where each old text stands, -2 where it is gone; -1 for nobody.
    """

    now: Nearest
    groups: Ints
    old: Nearest
    before: Longs
    target: Longs


def update(
    old: Nearest | None, texts: Sequence[Text], fetch: Fetch, *, frame: Frame | None = None
) -> tuple[Nearest, list[int]]:
    """Bring the neighbours of a language up to date.

    Args:
        old: as of the last run, None to start afresh.
        texts: all there are, oldest first.
        fetch: gives vectors.
        frame: what to measure by when starting afresh; None to measure it. One that does not stand is measured again.

    Returns:
        The neighbours, and the positions of the texts that ``old`` did not know.
    """
    keys = tuple(f"{text.ref} {text.key}" for text in texts)
    before = _known(old, keys)
    fresh: list[int] = np.flatnonzero(before < 0).tolist()
    if old is None or not stands(old.frame, len(texts)):
        standing = frame if frame is not None and stands(frame, len(texts)) else None
        return _afresh(keys, texts, fetch, standing), fresh
    moved = _moved(old, keys, before)
    if fresh:
        rows = placed(fetch([texts[place] for place in fresh]), old.frame)
        moved.now.rows[fresh] = rows
        moved.now.cells[fresh] = cells(rows, old.frame)
    return _resumed(moved, lambda some: fetch([texts[place] for place in some.tolist()])), fresh


def _known(old: Nearest | None, keys: tuple[str, ...]) -> Longs:
    """Where each text stood, -1 if it is new, or stands no more behind those it stood behind."""
    places = {key: place for place, key in enumerate(old.keys)} if old else {}
    before = np.array([places.get(key, -1) for key in keys], np.int64)
    before[before < np.maximum.accumulate(before)] = -1
    return before


def _afresh(keys: tuple[str, ...], texts: Sequence[Text], fetch: Fetch, frame: Frame | None) -> Nearest:
    vectors = fetch(texts)
    if frame is None:
        size = frame_size(len(texts))
        frame = make_frame(vectors.part(0, size), texts[0].lang)
        rows = placed(vectors, frame)
        frame = with_cells(frame, rows[:size])
    else:
        rows = placed(vectors, frame)
    where = cells(rows, frame)
    every = np.arange(len(keys))
    best, _ = ask(rows, groups(where, keys), every, np.zeros(len(keys), np.int64))
    lists = Lists(best, np.full(best.shape, np.nan, np.float32), best[:, -1] == NOBODY)
    _scored(lists, frame, vectors.pick)
    least = np.full(len(keys), _NOTHING)
    return Nearest(keys, frame, rows, where, lists, *_neighbours(lists, every, least), np.ones(len(keys), bool))


def _empty(count: int) -> tuple[Ints, Floats]:
    return np.full((count, NEAR), -1, np.int32), np.full((count, NEAR), _NONE, np.float32)


def _moved(old: Nearest, keys: tuple[str, ...], before: Longs) -> _Moved:
    count, after = len(keys), np.flatnonzero(before >= 0)
    kept = before[after]
    target = np.full(len(old.keys) + 1, GONE, np.int64)
    target[kept], target[-1] = after, -1
    rows, where = np.zeros((count, old.rows.shape[1]), np.int8), np.zeros((count, old.cells.shape[1]), np.int32)
    rows[after], where[after] = old.rows[kept], old.cells[kept]
    near, scores = _empty(count)
    near[after], scores[after] = target[old.near[kept]], old.scores[kept]
    lists = candidates.moved(old.lists, target, (kept, after), count)
    compared = np.full(where.shape, -1, np.int32)
    compared[after] = groups(old.cells, old.keys)[kept]
    index = Nearest(keys, old.frame, rows, where, lists, near, scores, before < 0)
    return _Moved(index, compared, old, before, target)


def _resumed(moved: _Moved, take: Take) -> Nearest:
    index = moved.now
    parted = _asked(moved)
    joined = _scored(index.lists, index.frame, take)
    rows, least = _affected(index, parted, joined)
    index.near[rows], index.scores[rows] = _neighbours(index.lists, rows, least)
    rows = rows[moved.before[rows] >= 0]
    place = moved.before[rows]
    shown = moved.target[listed(moved.old.near[place], moved.old.scores[place])]
    index.touched[rows] = (listed(index.near[rows], index.scores[rows]) != shown).any(axis=1)
    return index


def _asked(moved: _Moved) -> Pairs:
    """Make the lists of new texts, of those compared with others than before, and of those that ran short.

    Returns:
        Pairs that are in no list, or in one less than before.
    """
    index, lists = moved.now, moved.now.lists
    where = groups(index.cells, index.keys)
    regrouped = (where != moved.groups).any(axis=1)
    asked = np.flatnonzero(regrouped | lists.short())
    best, offers = ask(index.rows, where, asked, lists.limits())
    offers = offers.of(moved.before < 0)
    changed = distinct(np.concatenate([asked, offers.rows]))
    was, scores = lists.others[changed, :CANDIDATES], lists.scores[changed, :CANDIDATES]
    lists.others[asked], lists.scores[asked], lists.whole[asked] = best, np.nan, best[:, -1] == NOBODY
    join(lists, offers)
    # A list is all there is up to its last: whoever came before that and is still there is still in it.
    left = (was > lists.others[changed, CANDIDATES - 1, None]) | regrouped[changed, None]
    row, rank = np.nonzero(left & (was < NOBODY))
    return Pairs(changed[row], was[row, rank] & PLACE, scores[row, rank])


def _scored(lists: Lists, frame: Frame, take: Take) -> Pairs:
    """Score candidates that were not scored yet, and give these pairs."""
    count = len(lists.others)
    unknown = np.isnan(lists.scores[:, :CANDIDATES]) & (lists.others[:, :CANDIDATES] < NOBODY)
    # Each pair once; what is only needed on the way there has given its room back when the vectors come.
    every, place = _pairs(lists, unknown)
    scores = exact(every, count, frame, take)
    lists.scores[:, :CANDIDATES][unknown] = scores[place]
    # Who does not count any more is new when it counts again.
    lists.scores[:, CANDIDATES:] = np.nan
    return Pairs(every // count, every % count, scores)


def _pairs(lists: Lists, some: Bools) -> tuple[Longs, Ints]:
    """Keys of pairs, rising, and which of them some places of lists hold."""
    row, rank = np.nonzero(some)
    keys = pair_keys(row, lists.others[row, rank] & PLACE, len(some))
    every = distinct(keys)
    return every, np.searchsorted(every, keys).astype(np.int32)


def _affected(index: Nearest, parted: Pairs, joined: Pairs) -> tuple[Longs, Floats]:
    """Texts whose nearest may be others now: one is gone, or a pair came or went that is not below all of them.

    Returns:
        Their positions, and for each text the score below which nobody can be among its nearest.
    """
    least: Floats = np.where(index.near[:, -1] < 0, _NOTHING, index.scores[:, -1])
    lost = (index.near == GONE).any(axis=1)
    won = np.zeros(len(lost), bool)
    for affected, pairs in ((lost, parted), (won, joined)):
        for one in (pairs.left, pairs.right):
            affected[one[pairs.scores >= least[one]]] = True
    least[lost] = _NOTHING
    return np.flatnonzero(lost | won), least


def _neighbours(lists: Lists, rows: Longs, least: Floats) -> tuple[Ints, Floats]:
    """The nearest of some texts: of their candidates, and of those whose candidates they are."""
    near, scores = _empty(len(rows))
    numbers, places, known = lists.others[:, :CANDIDATES], lists.places(), lists.scores[:, :CANDIDATES]
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        wanted = np.zeros(len(places) + 1, bool)
        wanted[some] = True
        own, column = np.nonzero(known[some] >= least[some, None])
        own = some[own]
        row, rank = np.nonzero(wanted[places])
        one = places[row, rank]
        # Whoever has it among its own candidates, too, is there already.
        new = ((numbers[row, rank] & ~PLACE | row) > numbers[one, -1]) & (known[row, rank] >= least[one])
        row, rank, one = row[new], rank[new], one[new]
        left, right = np.concatenate([own, one]), np.concatenate([places[own, column], row])
        pairs = Pairs(left, right, np.concatenate([known[own, column], known[row, rank]]))
        near[start : start + _ROWS], scores[start : start + _ROWS] = _best(some, pairs)
    return near, scores


def _best(rows: Longs, pairs: Pairs) -> tuple[Ints, Floats]:
    """The best twenty of each row, which all pairs are of; no pair twice."""
    order = ordered(*pairs)
    row, other, score = pairs.left[order], pairs.right[order], pairs.scores[order]
    starts = np.searchsorted(row, rows)
    place = np.searchsorted(rows, row)
    rank = np.arange(len(row)) - starts[place]
    good = rank < NEAR
    near, scores = _empty(len(rows))
    near[place[good], rank[good]] = other[good]
    scores[place[good], rank[good]] = score[good]
    return near, scores


def listed(near: Ints, scores: Floats) -> Ints:
    """The neighbours shown to readers, n x 12, -1 where there are fewer.

    Scores are rounded, the older text first among equals: small shifts of a growing corpus reorder no list.
    """
    steps = np.rint(scores / np.float32(_STEP)).astype(np.int64)
    ranked = np.where((near >= 0) & (scores >= _RELATED), (np.int64(64) - steps) << 32 | near, np.int64(1) << 62)
    ranked = np.sort(ranked, axis=1)[:, :LISTED]
    found: Ints = np.where(ranked < np.int64(1) << 62, ranked & 0xFFFFFFFF, -1).astype(np.int32)
    return found
