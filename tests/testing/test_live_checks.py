# ruff: noqa: D101, D102 - the broken boards say by their names what they break
"""The checks of live sources: a sound one passes each of them, and each finds the source that breaks its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from board import Board, BoardSource, board_source
from msgspec.structs import replace

from kbgen.model import RawRecord
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.testing import LIVE_CHECKS, FakeServer, LiveChange, LiveSample
from kbgen.testing.live_checks import (
    LiveCheck,
    check_live_changes,
    check_live_failure,
    check_live_full_run,
    check_live_garbled,
    check_live_kill,
    check_live_records,
    check_live_restricted,
    check_live_second_run,
    check_live_yields,
)

BOARDS: dict[str, Board] = {}


def board(server: FakeServer) -> Board:
    """Lay a board out."""
    BOARDS[server.url] = Board(server)
    return BOARDS[server.url]


CHANGES = {
    "un-accept": LiveChange(lambda server: BOARDS[server.url].write("2", solved=False), "2", "changed", "changes"),
    "edit": LiveChange(lambda server: BOARDS[server.url].write("1", answer="In the attic now."), "1", "changed"),
    "delete": LiveChange(lambda server: BOARDS[server.url].remove("3", told=False), "3", "gone", "full"),
    "make private": LiveChange(lambda server: BOARDS[server.url].remove("4"), "4", "gone", "changes"),
}


def sample(source: Callable[[str], LiveSource] = board_source, **changes: Any) -> LiveSample:
    """The board as a sample."""
    fields: dict[str, Any] = {"ids": "12345", "changes": CHANGES, "restricted": ("9",), "second": 1, **changes}
    return LiveSample(source, board, **fields)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_a_sound_source_passes(check: LiveCheck) -> None:
    """The board keeps every rule."""
    check(sample())


class Broken(BoardSource):
    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        for step in super().steps(client, known, walk):
            yield self.broken(step)

    def broken(self, step: Step) -> Step:
        return step


class Lossy(Broken):
    """Says it has gone further than it has."""

    def broken(self, step: Step) -> Step:
        return Step(step.items, step.seen, step.gone, str(int(step.cursor or 0) + 1), step.mark)


class Doubling(BoardSource):
    """Stores a note before it is whole, and then again."""

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        for step in super().steps(client, known, walk):
            refs = [one.ref.partition(":")[2] for one in step.items if isinstance(one, RawRecord)]
            yield Step([self.record(one, "thread", "https://e.example.com", {}, "") for one in refs])
            yield step


class Restless(Broken):
    """Fetches everything in every full pass, and finds it different."""

    count = 0

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        type(self).count += 1
        for step in super().steps(client, known, walk):
            items = list(step.items)
            if walk.full:
                items += [
                    self.record(one, "thread", "https://e.example.com", {"n": self.count}, "") for one in step.seen
                ]
            yield Step(items, (), step.gone, step.cursor, step.mark)


class Half(Broken):
    """Leaves out a note."""

    def broken(self, step: Step) -> Step:
        return Step(step.items[1:], step.seen, step.gone, step.cursor, step.mark)


class Foreign(Broken):
    """Refs of somebody else's."""

    def broken(self, step: Step) -> Step:
        items = [replace(one, digest="0") for one in step.items if isinstance(one, RawRecord)]
        return Step(items, step.seen, step.gone, step.cursor, step.mark)


class Blind(Broken):
    """Sees nobody go."""

    def broken(self, step: Step) -> Step:
        return Step(step.items, [*step.seen, "3"], (), step.cursor, step.mark)


class Hasty(BoardSource):
    """Takes a list that cannot be read for an empty one."""

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        if client.get(f"{self.options.url}/list.json", params={"page": 0, "since": 0}, handled=(404,)).status == 200:
            yield from super().steps(client, known, walk)


class Trusting(BoardSource):
    """Takes an answer without a list for one with an empty list."""

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        data: Any = client.get(f"{self.options.url}/list.json", params={"page": 0, "since": 0}).json()
        if data:
            yield from super().steps(client, known, walk)


def of(kind: type[BoardSource]) -> LiveSample:
    """The board as a broken source reads it."""
    return sample(lambda url: kind(board_source(url).options, board_source(url).project))


@pytest.mark.parametrize(
    ("check", "broken", "sentence"),
    [
        (check_live_yields, of(Half), "a first run: 1, 3, 5 is missing"),
        (check_live_yields, of(Doubling), "stores an item more than once"),
        (check_live_yields, sample(ids="1234"), "a first run: 5 should not be there"),
        (check_live_records, of(Foreign), "the digest is not that of the payload"),
        (check_live_second_run, sample(second=0), "a second run asks 1 times; 0 are enough"),
        (check_live_full_run, of(Restless), "a full run over the same writes 5, drops 0"),
        (check_live_kill, of(Lossy), "is missing"),
        (check_live_changes, of(Blind), "delete: 3 is still there after a full pass"),
        (check_live_restricted, sample(restricted="45"), "4, 5 may not be read by anybody, yet is public"),
        (check_live_failure, of(Hasty), "a community that answers 404 to everything"),
        (check_live_garbled, of(Trusting), "in answer to request 1 of 4: 1, 2, 3, 4, 5 is missing"),
    ],
)
def test_a_broken_source_is_found(check: LiveCheck, broken: LiveSample, sentence: str) -> None:
    """Each check finds the source that breaks its rule, and says how."""
    with pytest.raises(AssertionError, match=sentence):
        check(broken)


def test_a_change_that_nobody_sees_is_found() -> None:
    """An edit that leaves the revision as it was is seen by no pass of this board."""
    unseen = LiveChange(lambda server: BOARDS[server.url].notes["1"].update(answer="No."), "1", "changed", "full")
    with pytest.raises(AssertionError, match="quiet edit: 1 is as before after a full pass"):
        check_live_changes(sample(changes={"quiet edit": unseen}))
