"""Passes over a live source: which is due, what is stored when, and what is withdrawn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from board import LOGIN, PER_PAGE, Board, BoardSource, board_source

from kbgen.errors import SourceError
from kbgen.harvest import Errand
from kbgen.harvest import harvest_live as harvest_board
from kbgen.harvest.live import options_digest
from kbgen.model import StageReport
from kbgen.progress import Advance
from kbgen.sources.http import Client
from kbgen.sources.live import Known, Step, Walk
from kbgen.store import Store, open_store
from kbgen.testing import Canned, FakeServer, harvest_live, stored, testing_client
from kbgen.testing.live_checks import Killed, Mortal

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 1, tzinfo=UTC)


class Town:
    """A board, its store, and a run a night."""

    def __init__(self, server: FakeServer, store: Store) -> None:
        self.board = Board(server)
        self.server = server
        self.store = store
        self.now = START
        self.options: dict[str, Any] = {}

    def run(self, *, full: bool = False, allow_vanish: bool = False, die_at: int = 0) -> StageReport:
        """The next night's run."""
        self.now += DAY
        self.server.requests.clear()
        with testing_client(self.server) as client:
            asked: Client = Mortal(client, die_at, self._die) if die_at else client
            source = board_source(self.server.url, **self.options)
            return harvest_live(source, asked, self.store, full=full, allow_vanish=allow_vanish, now=self.now)

    def _die(self) -> None:
        raise Killed

    def held(self) -> list[str]:
        """Ids that are there."""
        return sorted(stored(self.store, "board"))

    def since(self) -> list[str]:
        """What the lists of the last run were asked for."""
        return [request.query["since"] for request in self.server.requests if request.path == "/list.json"]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A board of five notes, never asked yet."""
    with FakeServer() as server, closing(open_store(tmp_path / "store.sqlite")) as store:
        yield Town(server, store)


def numbers(report: StageReport) -> tuple[int, int, int, int]:
    """What a stage counted: read, written, unchanged, removed."""
    return report.read, report.written, report.unchanged, report.removed


def test_the_first_pass_is_full_and_the_next_one_looks_at_changes(town: Town) -> None:
    """The second begins where the first one's mark is, and asks for the list alone."""
    assert (5, 5, 0, 0) == numbers(town.run())
    assert {"0"} == set(town.since())
    report = town.run()
    assert (0, 0, 0, 0) == numbers(report)
    assert (["5"], 1) == (town.since(), len(town.server.requests))
    assert ("what changed was looked at",) == report.notes


def test_a_pass_over_changes_reads_what_is_new_and_withdraws_only_what_is_called_gone(town: Town) -> None:
    """What the list no longer has may only be further down; what it says is gone is withdrawn at once."""
    town.run()
    town.board.write("6")
    town.board.remove("1")
    town.board.remove("2", told=False)
    assert (1, 1, 0, 1) == numbers(town.run())
    assert ["2", "3", "4", "5", "6"] == town.held()


def test_a_complete_full_pass_withdraws_what_it_did_not_see(town: Town) -> None:
    """And what comes back later is there again."""
    town.run()
    town.board.remove("2", told=False)
    assert (4, 0, 4, 1) == numbers(town.run(full=True))
    assert ["1", "3", "4", "5"] == town.held()
    town.board.write("2")
    town.run()
    assert ["1", "2", "3", "4", "5"] == town.held()


def test_a_full_pass_is_due_after_some_days(town: Town) -> None:
    """Every seventh night by default; ``full_every`` says otherwise, and a quarter of an hour does not matter."""
    nights = []
    for night in range(16):
        town.now += timedelta(minutes=-15 if night % 2 else 15)
        town.run()
        if town.since()[0] == "0":
            nights.append(night)
    assert [0, 7, 14] == nights
    town.options = {"full_every": 0}
    town.run()
    assert "0" == town.since()[0]


def test_other_options_make_a_full_pass(town: Town) -> None:
    """With a new address or filter, others may be there; a new key, title or licence changes nothing."""
    town.run()
    one = board_source("https://a.example.com").options
    told = one.model_copy(update={"title": "A", "licence": "MIT", "api_key": "k" * 9, "full_every": 3})
    assert options_digest(one) == options_digest(told)
    assert options_digest(one) != options_digest(board_source("https://b.example.com").options)
    state = town.store.passes.state("board")
    town.store.passes.put("board", type(state)("other", None, state.mark, state.full_at))
    town.run()
    assert "0" == town.since()[0]


@pytest.mark.parametrize("die_at", range(1, 9))
def test_a_pass_goes_on_where_it_was_killed(town: Town, die_at: int) -> None:
    """Whatever was committed is not asked for again, and in the end everything is there once."""
    with pytest.raises(Killed):
        town.run(die_at=die_at)
    before = town.held()
    report = town.run()
    assert ["1", "2", "3", "4", "5"] == town.held()
    assert 5 - len(before) == report.written
    assert str(len(before) // PER_PAGE) == town.server.requests[0].query["page"]
    assert "went on where the last run was interrupted" in report.notes
    assert ["5"] == [town.run() and town.since()[0]]


def test_what_happens_between_a_kill_and_its_resumption_is_not_missed(town: Town) -> None:
    """The mark of a pass is its own, and its time that of its beginning."""
    seen = []

    class Timed(type(board_source(""))):  # type: ignore[misc]
        def steps(self, client: Client, known: Any, walk: Any) -> Iterator[Step]:
            seen.append(walk.now)
            yield from super().steps(client, known, walk)

    source = Timed(board_source(town.server.url).options, Path())
    with testing_client(town.server) as client:
        with pytest.raises(Killed):
            harvest_live(source, Mortal(client, 5, town._die), town.store, now=START)
        harvest_live(source, client, town.store, now=START + DAY)
    assert [START, START] == seen


def test_a_real_kill_loses_nothing(tmp_path: Path) -> None:
    """A process that is killed with SIGKILL between two requests leaves a store the next one goes on with."""
    code = (
        "import os, signal, sys; from pathlib import Path; from board import board_source\n"
        "from kbgen.sources.http_client import HttpClient; from kbgen.testing import harvest_live, testing_network\n"
        "from kbgen.testing.live_checks import Mortal\n"
        "url, store, die_at = sys.argv[1:]\n"
        "client = HttpClient((url.removeprefix('http://'),), testing_network())\n"
        "mortal = Mortal(client, int(die_at), lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
        "harvest_live(board_source(url), mortal, Path(store))\n"
    )
    file = tmp_path / "store.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with FakeServer() as server:
        Board(server)
        for die_at, expected in ((5, 2), (4, 4)):
            done = subprocess.run(
                [sys.executable, "-c", code, server.url, str(file), str(die_at)], env=environment, check=False
            )
            assert (-signal.SIGKILL, expected) == (done.returncode, len(stored(file, "board")))
        with testing_client(server) as client:
            report = harvest_live(board_source(server.url), client, file)
        assert (1, 5) == (report.written, len(stored(file, "board")))


def test_a_source_that_fails_keeps_everything_and_goes_on(town: Town) -> None:
    """It is named with the reason; nothing is withdrawn; the next run takes up its pass."""
    town.run()
    town.board.remove("2", told=False)
    town.board.write("6")
    town.server.route("/notes/6.json", LOGIN)
    report = town.run(full=True)
    assert 1 == len(report.failed)
    assert report.failed[0].startswith("board: http://127.0.0.1:")
    assert report.failed[0].endswith("to let kbgen pass; what was published from it stays")
    assert ["1", "2", "3", "4", "5"] == town.held()
    town.board.write("6")
    report = town.run()
    assert ((), ["1", "3", "4", "5", "6"]) == (report.failed, town.held())


def test_a_full_pass_that_brings_back_too_little_withdraws_nothing(town: Town) -> None:
    """It fails with a sentence that says how to mean it, and the next one looks at everything again."""
    for number in range(6, 31):
        town.board.write(str(number))
    town.run()
    for number in range(1, 21):
        town.board.remove(str(number), told=False)
    report = town.run(full=True)
    assert (30, 0) == (len(town.held()), report.removed)
    assert "20 of 30 items are not there any more, more than guard.max_withdrawn (50%) allows" in report.failed[0]
    assert "kbgen harvest board --full --allow-vanish" in report.failed[0]
    report = town.run(full=True, allow_vanish=True)
    assert ((), 20, 10) == (report.failed, report.removed, len(town.held()))


def test_too_much_that_is_called_gone_is_not_believed_either(town: Town) -> None:
    """A community that shuts its doors answers 403 to everything: its pages stay until somebody says so."""
    for number in range(6, 31):
        town.board.write(str(number))
    town.run()
    town.board.gone = [str(number) for number in range(1, 21)]
    report = town.run()
    assert (30, 1) == (len(town.held()), len(report.failed))
    town.run(allow_vanish=True)
    assert 10 == len(town.held())


def _shut(town: Town, numbers: Sequence[int]) -> None:
    """Lists are as they should be, and each note that they call changed answers 404."""
    for number in numbers:
        town.board.write(str(number))
        town.server.drop(f"/notes/{number}.json")


def test_what_a_pass_was_told_before_the_guard_stops_it_is_not_withdrawn_either(town: Town) -> None:
    """Night after night the same is said, the count is that of all, and in the end everything is there."""
    for number in range(6, 31):
        town.board.write(str(number))
    town.run()
    _shut(town, range(1, 31))
    for full in (False, False, True, True):
        report = town.run(full=full)
        assert (30, 0) == (len(town.held()), report.removed)
        assert "16 of 30 items are not there any more" in report.failed[0]
        assert "so none of them is withdrawn" in report.failed[0]
    for number in range(1, 31):
        town.board.write(str(number))
    report = town.run()
    assert ((), 30, 0) == (report.failed, len(town.held()), report.removed)


def test_what_is_called_gone_is_withdrawn_also_by_a_pass_that_breaks_off(town: Town) -> None:
    """Who made a note private does not wait until the community answers all of a pass; what comes back is there."""
    for number in range(6, 31):
        town.board.write(str(number))
    town.run()
    _shut(town, (3, 4))
    town.board.write("9")
    town.server.route("/notes/9.json", LOGIN)
    report = town.run()
    everything = {str(one) for one in range(1, 31)}
    assert ({"3", "4"}, 2) == (everything - set(town.held()), report.removed)
    town.board.write("4")
    town.board.write("9")
    assert () == town.run().failed
    assert (town.run(full=True).failed, {"3"}) == ((), everything - set(town.held()))


def test_what_a_pass_sees_after_all_stays(town: Town) -> None:
    """An item that one list calls gone and a later one has is there."""
    town.run()
    source = board_source(town.server.url)

    def steps(*_: object) -> Iterator[Step]:
        yield Step(gone=["1", "2"])
        yield Step([source.record("2", "thread", "https://e.example.com/2", {}, "2")])

    source.steps = steps  # type: ignore[method-assign,assignment]
    with testing_client(town.server) as client:
        report = harvest_live(source, client, town.store, now=town.now + DAY)
    assert ((), 1, ["2", "3", "4", "5"]) == (report.failed, report.removed, town.held())


def test_a_small_source_is_not_guarded(town: Town) -> None:
    """Of five notes, four may go in a night."""
    town.run()
    for number in "1234":
        town.board.remove(number)
    assert ((), ["5"]) == (town.run(full=True).failed, town.held())


def test_a_bad_record_is_named_until_it_can_be_read(town: Town) -> None:
    """It is counted every night, what was read of it before stays, and a full pass tries again."""
    town.run()
    town.board.write("2", title="Lamp?")
    del town.board.notes["2"]["title"]
    report = town.run()
    named = (f"{town.server.url}/notes/2: has no title",)
    assert (named, {"unreadable": 1}) == (report.failed, report.rejected)
    assert named == town.run().failed
    report = town.run(full=True)
    assert (named, 0) == (report.failed, report.removed)
    assert "2" in town.held()
    town.board.write("2", title="Lamp!")
    assert () == town.run().failed


def test_an_id_that_a_terminal_obeys_is_a_bad_record(town: Town) -> None:
    """A platform's id with control characters is named with them written out, and no record."""
    town.board.write("2\u202e")
    town.server.route("/notes/2%E2%80%AE.json", town.board.notes["2\u202e"])
    report = town.run()

    assert ["the id board:2\\u202e holds control characters; give it another"] == [
        failed.rpartition(": ")[2] for failed in report.failed
    ]
    assert "2" in town.held()


def test_only_the_list_is_asked_for_what_is_as_it_was(town: Town) -> None:
    """A full pass over what has not changed fetches no note."""
    town.run()
    town.run(full=True)
    assert ["/list.json"] * 3 == town.server.paths()


class Bars:
    """Progress that remembers tasks and their steps."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, int | None]] = []
        self.steps: list[int] = []

    def start(self, what: str, total: int | None) -> Advance:
        """Note a task."""
        self.tasks.append((what, total))
        return self.steps.append


def test_progress_has_a_total_once_the_platform_says_one(town: Town) -> None:
    """First that it is asked, then how many there are, then each step's share."""
    bars = Bars()
    with testing_client(town.server) as client:
        harvest_board(board_source(town.server.url), client, town.store, bars, Errand(START))
    assert ([("Asking board", None), ("Harvesting board", 5)], [2, 2, 1]) == (bars.tasks, bars.steps)


def test_progress_of_a_platform_that_says_no_total(town: Town) -> None:
    """Nothing is known the first time; a full pass over what is known has about as much as there was."""

    class Silent(BoardSource):
        def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
            steps = super().steps(client, known, walk)
            return (replace(step, total=None) for step in steps)

    source = Silent(board_source(town.server.url).options, Path())
    bars = Bars()
    with testing_client(town.server) as client:
        for full in (False, False, True):
            harvest_board(source, client, town.store, bars, Errand(START, full=full))
    assert [None, None, 5] == [total for task, total in bars.tasks if task == "Harvesting board"]


def test_a_step_is_stored_whole_or_not_at_all(town: Town) -> None:
    """What breaks while it is stored takes the cursor with it."""
    source = board_source(town.server.url)

    def broken(*_: object) -> Iterator[Step]:
        yield Step([source.record("1", "thread", "https://e.example.com/1", {}, "1")], cursor="1")
        yield Step([source.record("2", "thread", "https://e.example.com/2", {}, "2")], seen=[None], cursor="2")  # type: ignore[list-item]

    source.steps = broken  # type: ignore[method-assign,assignment]
    town.store.passes.touch = _fail_on_none(town.store.passes.touch)  # type: ignore[method-assign]
    with testing_client(town.server) as client:
        report = harvest_live(source, client, town.store)
    state = town.store.passes.state("board").current
    assert (["1"], "1", 1) == (town.held(), state.cursor if state else None, len(report.failed))


def _fail_on_none(touch: Any) -> Any:
    def checked(source: str, ids: Any, run: int) -> None:
        if None in ids:
            raise SourceError("no such id")
        touch(source, ids, run)

    return checked


def test_what_is_not_there_is_not_revived_by_being_seen(town: Town) -> None:
    """Only fetching a withdrawn item brings it back."""
    town.run()
    assert 1 == town.store.passes.mark_gone("board", ["1", "1", "99"], 98)
    assert (0, 1) == (
        town.store.passes.mark_gone("board", ["1"], 98),
        town.store.passes.withdraw_marked("board", 98),
    )
    town.store.passes.touch("board", ["1"], 99)
    assert ["2", "3", "4", "5"] == town.held()


def test_an_answer_of_another_kind_is_a_failure(town: Town) -> None:
    """A status nobody handles ends the pass, named."""
    town.server.route("/list.json", Canned(401))
    report = town.run()
    assert "answers 401 (a key is needed, or the one given is wrong)" in report.failed[0]


def test_an_answer_nobody_foresaw_ends_its_source_alone(town: Town) -> None:
    """What the connector does wrong with it is named, and what was there stays."""
    town.run()
    town.server.route("/list.json", {"notes": [7], "gone": [], "newest": 1, "more": False, "total": 1})
    (failure,) = town.run().failed
    assert failure.startswith("board: its connector failed (board.py:")
    assert "TypeError" in failure
    assert failure.endswith("what was published from it stays")
    assert town.held() == ["1", "2", "3", "4", "5"]


def test_what_a_connector_fails_with_quotes_no_key(town: Town) -> None:
    """Nobody knows what an error that nobody foresaw holds."""
    source = board_source(town.server.url, api_key="hunter2-hunter2")

    def steps(*_: object) -> Iterator[Step]:
        raise ValueError("not for hunter2-hunter2")
        yield

    source.steps = steps  # type: ignore[method-assign,assignment]
    with testing_client(town.server) as client:
        (failure,) = harvest_live(source, client, town.store).failed
    assert "ValueError: not for ***" in failure
