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
from kbgen.similar.candidates import (
    CANDIDATES,
    GONE,
    NOBODY,
    PLACE,
    Bools,
    Lists,
    ask,
    groups,
    renew,
    stayed,
    taken,
    targets,
    unscored,
)
from kbgen.similar.frame import Coarse, Frame, Ints, Longs, cells, frame_size, make_frame, placed, stands, with_cells
from kbgen.similar.names import Names
from kbgen.similar.scoring import NO_RANK, Pairs, Ranks, Take, distinct, exact, ordered, ranked, ranks, true_in
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

Fetch = Callable[[Sequence[Text]], Stack]
"""Gives the vectors of texts."""


class Nearest(NamedTuple):
    """Neighbours of the texts of one language.

    Attributes:
        keys: of the texts.
        rows: placed vectors, n x 512: coarse enough to be small, fine enough for candidates.
        cells: n x 3, n x 1 in a small community.
        lists: candidates and their scores.
        near: positions of the neighbours, n x 20, best first, -1 where there are fewer.
        scores: of ``near``; at most 1, -1 where there is none.
        touched: texts whose listed neighbours are not those of the last run.
        stood: where each text stood then, -1 for what is new.
    """

    keys: Names
    frame: Frame
    rows: Coarse
    cells: Ints
    lists: Lists
    near: Ints
    scores: Floats
    touched: Bools
    stood: Longs

    def crowding(self) -> Floats:
        """How alike each text is to its ten nearest: what a score has to exceed to mean anything."""
        top = self.scores[:, :_SCALING]
        known: Floats = np.where(self.near[:, :_SCALING] >= 0, top, np.float32(0))
        mean: Floats = known.sum(axis=1, dtype=np.float32) / np.float32(_SCALING)
        return mean


class _Moved(NamedTuple):
    """The last run's neighbours at the places their texts have now.

    Attributes:
        now: without what is gone (-2 in ``near``), and without new texts but for their keys.
        groups: that the texts were compared in; -1 for new ones.
        torn: whether somebody is gone.
        old: as of the last run.
        before: where each text stood, -1 for new ones.
        target: where each old text stands, -2 where it is gone; -1 for nobody.
    """

    now: Nearest
    groups: Ints
    torn: bool
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
    keys = Names.of(texts)
    before = keys.before(old.keys) if old else np.full(len(keys), -1)
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


def _afresh(keys: Names, texts: Sequence[Text], fetch: Fetch, frame: Frame | None) -> Nearest:
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
    lists = Lists(best, np.full((len(keys), CANDIDATES), np.nan, np.float32), best[:, -1] == NOBODY)
    _scored(lists, every, frame, vectors.pick)
    return Nearest(
        keys, frame, rows, where, lists, *_neighbours(lists, every), np.ones(len(keys), bool), np.full(len(keys), -1)
    )


def _empty(count: int) -> tuple[Ints, Floats]:
    return np.full((count, NEAR), -1, np.int32), np.full((count, NEAR), _NONE, np.float32)


def _moved(old: Nearest, keys: Names, before: Longs) -> _Moved:
    fresh, target = before < 0, targets(len(old.keys), before)
    rows, where, scores = taken(old.rows, before), taken(old.cells, before), taken(old.scores, before)
    compared = taken(groups(old.cells, old.keys), before)
    near = taken(old.near, before)
    if not stayed(target):
        near = target[near].astype(np.int32)
    near[fresh], scores[fresh], compared[fresh] = -1, _NONE, -1
    lists = candidates.moved(old.lists, target, before)
    now = Nearest(keys, old.frame, rows, where, lists, near, scores, fresh, before)
    torn = bool((target == GONE).any())
    return _Moved(now, compared, torn, old, before, target)


def _resumed(moved: _Moved, take: Take) -> Nearest:
    index = moved.now
    parted, changed = _asked(moved)
    # Of lists that somebody is gone from, scores are missing too.
    asked = np.arange(len(index.keys)) if moved.torn else changed
    joined = _scored(index.lists, asked, index.frame, take)
    lost, rows = _affected(index, parted, joined, torn=moved.torn)
    index.near[lost], index.scores[lost] = _neighbours(index.lists, lost)
    rows = rows[moved.before[rows] >= 0]
    place = moved.before[rows]
    shown = moved.target[listed(moved.old.near[place], moved.old.scores[place])]
    index.touched[rows] = (listed(index.near[rows], index.scores[rows]) != shown).any(axis=1)
    return index


def _asked(moved: _Moved) -> tuple[Pairs, Longs]:
    """Bring the lists up to date.

    Returns:
        Pairs that are in no list any more, or are asked for anew, and whose lists are others now.
    """
    index, lists = moved.now, moved.now.lists
    where = groups(index.cells, index.keys)
    regrouped = (where != moved.groups).any(axis=1)
    changed, was, scores = renew(lists, index.rows, where, regrouped, moved.before < 0)
    # A list is all there is up to its last: whoever came before that and is still there is still in it.
    left = (was > lists.others[changed, CANDIDATES - 1, None]) | regrouped[changed, None]
    row, rank = true_in(left & (was < NOBODY))
    one, other = changed[row], was[row, rank] & PLACE
    gone = (lists.others[other, :CANDIDATES] & PLACE != one[:, None]).all(axis=1)
    return Pairs(one[gone], other[gone], scores[row, rank][gone]), changed


def _scored(lists: Lists, rows: Longs, frame: Frame, take: Take) -> Pairs:
    """Score candidates of some texts that were not scored yet, and give these pairs."""
    count = len(lists.others)
    # Each pair once; what is only needed on the way there has given its room back when the vectors come.
    every, row, rank, place = unscored(lists, rows)
    scores = exact(every, count, frame, take)
    lists.scores[row, rank] = scores[place]
    return Pairs(every // count, every % count, scores)


def _affected(index: Nearest, parted: Pairs, joined: Pairs, *, torn: bool) -> tuple[Longs, Longs]:
    """Take out of the nearest who is no candidate any more, and put in who is better than the last of them.

    Returns:
        Texts that may miss one of their nearest, and all whose nearest may be others now.
    """
    # Whoever comes behind the last is not known any more: before that, nobody is missing.
    last = ranks(index.near[:, -1], index.scores[:, -1])
    one, other, number = _both_ways(parted)
    some = np.flatnonzero(number <= last[one])
    place, column = true_in(index.near[one[some]] == other[some, None])
    shrunk = one[some[place]]
    index.near[shrunk, column] = -1
    if torn:
        row, column = true_in(index.near == GONE)
        # The last was as alike as this; whether older or younger than others as alike is not known any more.
        ends = row[column == NEAR - 1]
        last[ends] = ranks(np.zeros(len(ends), np.int32), index.scores[ends, -1])
        index.near[row, column] = -1
        shrunk = np.concatenate([shrunk, row])
    one, other, number = _both_ways(joined)
    won = np.flatnonzero(number <= last[one])
    # A list that was made anew has pairs in it that are known.
    won = won[(index.near[one[won]] != other[won, None]).all(axis=1)]
    rows = distinct(np.concatenate([shrunk, one[won]]))
    worst = _better(index, rows, one[won], number[won])
    return rows[worst > last[rows]], rows


def _both_ways(pairs: Pairs) -> tuple[Longs, Longs, Ranks]:
    """Pairs seen from either side: who, whom, and the rank of this one among the nearest."""
    other = np.concatenate([pairs.right, pairs.left])
    numbers = ranks(other, np.concatenate([pairs.scores, pairs.scores]))
    return np.concatenate([pairs.left, pairs.right]), other, numbers


def _better(index: Nearest, rows: Longs, row: Longs, numbers: Ranks) -> Ranks:
    """Put others among the nearest of some texts.

    Args:
        index: whose nearest change.
        rows: the texts, rising.
        row: of these, which gets another one.
        numbers: who and how near that is (``ranks``).

    Returns:
        Who is the last of the nearest of each, and how near.
    """
    order = np.lexsort((numbers, row))
    place, numbers = np.searchsorted(rows, row[order]), numbers[order]
    counts = np.bincount(place, minlength=len(rows))
    rank = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    good = rank < NEAR
    worst = np.full(len(rows), NO_RANK)
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        new = np.flatnonzero(good & (place >= start) & (place < start + _ROWS))
        wide = np.full((len(some), int(rank[new].max(initial=-1)) + 1), NO_RANK)
        wide[place[new] - start, rank[new]] = numbers[new]
        both = np.concatenate([ranks(index.near[some], index.scores[some]), wide], axis=1)
        both = np.sort(both, axis=1)[:, :NEAR]
        index.near[some], index.scores[some] = ranked(both)
        worst[start : start + _ROWS] = both[:, -1]
    return worst


def _neighbours(lists: Lists, rows: Longs) -> tuple[Ints, Floats]:
    """The nearest of some texts: of their candidates, and of those whose candidates they are."""
    near, scores = _empty(len(rows))
    numbers, places, known = lists.others[:, :CANDIDATES], lists.places(), lists.scores
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        wanted = np.zeros(len(places) + 1, bool)
        wanted[some] = True
        own, column = true_in(places[some] >= 0)
        own = some[own]
        row, rank = true_in(wanted[places])
        one = places[row, rank]
        # Whoever has it among its own candidates, too, is there already.
        new = (numbers[row, rank] & ~PLACE | row) > numbers[one, -1]
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
