"""Neighbours kept over many runs are those of a comparison from nothing, to the bit, as long as both measure alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kbgen.model import Ref
from kbgen.similar import candidates, frame, kept, nearest
from kbgen.similar.candidates import NOBODY, PLACE, Offers, groups, join
from kbgen.similar.kept import pack, unpack
from kbgen.similar.nearest import Nearest, listed, update
from kbgen.similar.texts import Text, make_text
from kbgen.similar.vectors import Embedder, Stack, Vector, stack

WORDS = ("oven", "kettle", "timer", "filter", "door", "lamp", "reset", "update", "noise", "order", "invoice", "app")
SMALL = {"CANDIDATES": 4, "KEPT": 6, "NEAR": 9, "LISTED": 3}
Act = tuple[str, int]


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """A community of forty is a large one: short lists, small cells, divided from twenty on, tiles of eight."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            for module in (candidates, nearest, kept):
                patch.setattr(module, name, value, raising=False)
        for name, number in {"_TILE": 8, "_ASKING": 5, "_LARGEST": 20}.items():
            patch.setattr(candidates, name, number)
        patch.setattr(frame, "EXACT", 40)
        patch.setattr(frame, "_CELL", 8)
        yield


@cache
def vector(said: str) -> Vector:
    """Made once: many texts say the same here."""
    return Embedder().vectors([make_text(Ref("forum:0"), ("en", said, ""))])[0]


def fetch(some: Sequence[Text]) -> Stack:
    """Their vectors."""
    return stack([vector(text.title) for text in some])


class Community:
    """Threads that come, change and go; with few words, so that many are the same and all are near."""

    def __init__(self, count: int) -> None:
        self.chance = random.Random(count)  # noqa: S311
        self.made = 0
        self.texts: list[Text] = []
        self.come(count)

    def _said(self) -> str:
        return " ".join(self.chance.choices(WORDS, k=self.chance.choice((1, 2, 3))))

    def _put(self, ref: Ref, said: str) -> None:
        self.texts.append(make_text(ref, ("en", said, ""), created=f"{self.chance.randrange(10**6):06}"))

    def come(self, count: int, said: str = "") -> None:
        """New threads, of any age."""
        for _ in range(count):
            self._put(Ref(f"forum:{self.made}"), said or self._said())
            self.made += 1

    def flood(self, count: int) -> None:
        """The same thread again and again."""
        self.come(count, WORDS[count % len(WORDS)])

    def go(self, count: int) -> None:
        """Threads are deleted, but never all."""
        for _ in range(min(count, len(self.texts) - 1)):
            self.texts.pop(self.chance.randrange(len(self.texts)))

    def vanish(self, number: int) -> None:
        """All threads that say a word are deleted: cells are emptied."""
        self.texts = [one for one in self.texts if WORDS[number % len(WORDS)] not in one.title] or self.texts[:1]

    def change(self, count: int) -> None:
        """Threads are edited; what they are older than may change, too."""
        for _ in range(min(count, len(self.texts))):
            self._put(self.texts.pop(self.chance.randrange(len(self.texts))).ref, self._said())

    def age(self, count: int) -> None:
        """Threads turn out to be of another day."""
        for _ in range(min(count, len(self.texts))):
            text = self.texts.pop(self.chance.randrange(len(self.texts)))
            self._put(text.ref, text.title)

    def now(self) -> list[Text]:
        """All there are, oldest first."""
        return sorted(self.texts, key=lambda one: (one.created, one.ref))


def same(one: Nearest, other: Nearest) -> None:
    """All that is read of neighbours is the same."""
    some = slice(0, SMALL["CANDIDATES"])
    assert one.keys == other.keys
    assert (one.rows == other.rows).all()
    assert (one.cells == other.cells).all()
    assert (one.lists.others[:, some] == other.lists.others[:, some]).all()
    assert np.array_equal(one.lists.scores[:, some], other.lists.scores[:, some], equal_nan=True)
    assert (one.near == other.near).all()
    assert (one.scores == other.scores).all()


def shown(index: Nearest) -> dict[str, list[str]]:
    """What is listed of each text, by refs."""
    refs = [key.split()[0] for key in index.keys]
    rows = listed(index.near, index.scores).tolist()
    return {ref: [refs[place] for place in row if place >= 0] for ref, row in zip(refs, rows, strict=True)}


ACTS: dict[str, Callable[[Community, int], None]] = {
    "come": Community.come,
    "flood": Community.flood,
    "go": Community.go,
    "vanish": Community.vanish,
    "change": Community.change,
    "age": Community.age,
}
EVENTS = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(1, 12)), min_size=1, max_size=3)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@example(8, 60, [[("flood", 30)], [("go", 5)], [("flood", 12)], [("go", 30)]])
@example(3, 50, [[("go", 12)], [("come", 9)], [("come", 30)], [("go", 40)]])
@example(8, 70, [[("vanish", 1)], [("vanish", 2), ("come", 6)], [("age", 5)]])
@given(st.sampled_from((3, 8)), st.integers(30, 90), st.lists(EVENTS, min_size=1, max_size=6))
def test_any_runs_end_as_one_that_starts_from_nothing(cell: int, count: int, nights: list[list[Act]]) -> None:
    """Whatever comes, changes and goes: candidates, scores, neighbours and what is written anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "_CELL", cell)
        _run(count, nights)


def _run(count: int, nights: list[list[Act]]) -> None:
    community = Community(count)
    index, _ = update(None, community.now(), fetch)
    for number, night in enumerate(nights):
        for name, often in night:
            ACTS[name](community, often)
        before, old = shown(index), unpack(pack(index, "now"), "now") if number % 2 else index
        index, _ = update(old, community.now(), fetch)
        again, _ = update(None, community.now(), fetch, frame=index.frame)
        after = shown(index)
        moved = {key.split()[0] for key, touched in zip(index.keys, index.touched, strict=True) if touched}

        same(index, again)
        assert {ref for ref, near in after.items() if before.get(ref) != near} <= moved
        assert again.touched.all()


@pytest.mark.parametrize(("count", "flood"), [(80, 0), (81, 4), (82, 9)])
def test_candidates_are_the_best_that_share_a_group(count: int, flood: int) -> None:
    """Every list is the beginning of the list of all that share a group, by product and age; so it is after changes."""
    community = Community(count)
    index, _ = update(None, community.now(), fetch)
    for _ in range(8):
        community.go(9 + flood)
        community.come(9)
        community.flood(flood)
        index, _ = update(index, community.now(), fetch)
        where = groups(index.cells, index.keys)
        products = index.rows.astype(int) @ index.rows.astype(int).T
        for row, (others, whole) in enumerate(zip(index.lists.others, index.lists.whole, strict=True)):
            sharing = [one for one in range(len(where)) if one != row and set(where[one]) & set(where[row])]
            every = sorted(sharing, key=lambda one: (-products[row, one], one))
            found = (others[others < NOBODY] & PLACE).tolist()
            assert found == every[: len(found)]
            assert len(found) >= min(SMALL["CANDIDATES"], len(every))
            assert not whole or found == every


def test_the_nearest_are_candidates_either_way() -> None:
    """Of all whom a text has as candidate, and whose candidate it is: each once, the best score first, then by age."""
    community = Community(80)
    community.flood(8)
    index, _ = update(None, community.now(), fetch)
    pairs: dict[int, dict[int, float]] = {}
    for row, (others, scores) in enumerate(zip(index.lists.others, index.lists.scores.tolist(), strict=True)):
        for number, score in zip(others[: SMALL["CANDIDATES"]].tolist(), scores, strict=False):
            if number < NOBODY:
                pairs.setdefault(row, {})[number & int(PLACE)] = score
                pairs.setdefault(number & int(PLACE), {})[row] = score

    for row, (near, scores) in enumerate(zip(index.near.tolist(), index.scores.tolist(), strict=True)):
        best = sorted(pairs[row].items(), key=lambda pair: (-pair[1], pair[0]))[: SMALL["NEAR"]]
        assert [pair for pair in zip(near, scores, strict=True) if pair[0] >= 0] == best


def test_whoever_is_in_too_small_a_group_takes_anybody() -> None:
    """A list of all takes what is offered, until there is one too many: from then on somebody may be missing."""
    lists = candidates.empty(2)
    lists.whole[:] = True
    four, three = np.arange(10, 14), np.arange(20, 23)
    join(lists, Offers(np.zeros(4, np.int64), four))
    some = lists.limits().tolist(), lists.whole.tolist()
    join(lists, Offers(np.array([0, 0, 0, 1]), np.array([*three, 7])))
    many = candidates.empty(1)._replace(whole=np.ones(1, bool))
    join(many, Offers(np.zeros(7, np.int64), np.arange(7)))

    assert some == ([NOBODY, NOBODY], [True, True])
    assert lists.others[0].tolist() == [*four, 20, 21]
    assert (lists.whole.tolist(), lists.limits().tolist()) == ([False, True], [21, NOBODY])
    assert many.whole.tolist() == [False]


def test_a_list_that_stays_the_same_is_not_written_again() -> None:
    """Of the threads that were there, those whose listed neighbours are others now, and no more."""
    community = Community(90)
    index, _ = update(None, community.now(), fetch)
    before = shown(index)
    community.come(2)
    index, fresh = update(index, community.now(), fetch)
    after = shown(index)

    moved = {key.split()[0] for key, touched in zip(index.keys, index.touched, strict=True) if touched}
    assert moved == {ref for ref, near in after.items() if before.get(ref) != near} | {"forum:90", "forum:91"}
    assert len(fresh) == 2
    assert len(moved) < 92


def test_a_huge_cell_is_divided_by_what_is_in_it() -> None:
    """Two parts from twenty-one texts on, four from forty-one; texts that come elsewhere divide nothing."""
    keys = [f"forum:{number} k" for number in range(60)]
    parts = [
        len({tuple(row) for row in groups(np.zeros((count, 1), np.int32), keys[:count])}) for count in (20, 21, 41, 60)
    ]
    alone = groups(np.zeros((60, 1), np.int32), keys)
    beside = groups(np.array([[0]] * 60 + [[1]] * 5, np.int32), [*keys, *"abcde"])

    assert parts == [1, 2, 4, 4]
    assert (alone == beside[:60]).all()


def test_a_frame_stands_until_a_community_has_doubled_or_halved() -> None:
    """What is measured is kept like an address; texts that come and go in between change nothing of it."""
    community = Community(64)
    first, _ = update(None, community.now(), fetch)
    community.come(63)
    grown, _ = update(first, community.now(), fetch)
    community.go(63)
    shrunk, _ = update(grown, community.now(), fetch)
    community.come(64)
    doubled, _ = update(shrunk, community.now(), fetch)

    assert (first.frame.size, doubled.frame.size) == (64, 128)
    assert grown.frame is first.frame
    assert shrunk.frame is first.frame
    assert update(None, community.now()[:63], fetch, frame=doubled.frame)[0].frame.size == 32


def test_a_small_community_is_measured_whole() -> None:
    """Below the size from which cells are made no frame is taken over, whoever made it."""
    texts = Community(64).now()
    large, _ = update(None, texts, fetch)
    few, _ = update(large, texts[:39], fetch)
    anew, _ = update(None, texts[:39], fetch, frame=large.frame)

    assert (few.frame.size, anew.frame.size) == (39, 39)
    same(few, update(None, texts[:39], fetch)[0])


def test_what_other_code_kept_is_not_read() -> None:
    """Bytes of another stamp, of the format before this one, and none, lead to a comparison from nothing."""
    data = pack(update(None, Community(50).now(), fetch)[0], "this")

    assert unpack(data, "this") is not None
    assert unpack(data, "that") is None
    assert unpack((b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}",), "this") is None
    assert unpack((), "this") is None
