"""Where work runs: results in the order of the parts, however many workers, and what a killed one comes to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from kbgen.errors import NotPublished, RecordError
from kbgen.executor import Workers, chunks


def where(part: int) -> tuple[int, int]:
    """The part and the process it was done in; early parts take longest."""
    time.sleep(0.02 if part < 2 else 0)
    return part, os.getpid()


def die_at(part: int) -> int:
    """End this very process as the kernel does when memory is short."""
    if part == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def refuse(part: int) -> int:
    """Raise what a stage raises."""
    if part == 1:
        raise RecordError("a.md:3", "has no title")
    return part


def leave_a_mark(file: Path) -> None:
    """Show that the part was begun."""
    file.touch()


def leave_a_mark_late(file: Path) -> None:
    """Show that the part was finished."""
    time.sleep(5)
    file.touch()


def test_results_come_in_the_order_of_the_parts() -> None:
    """Two processes, more parts than are in flight at a time, the first ones slow."""
    with Workers(2) as workers:
        found = list(workers.map(where, range(40)))
    assert list(range(40)) == [part for part, _ in found]
    assert os.getpid() not in {process for _, process in found}


@pytest.mark.parametrize("jobs", [1, 2])
def test_work_handed_out_at_once_comes_back_in_order(jobs: int) -> None:
    """``start`` is ``map`` for a caller that has something else to do meanwhile."""
    with Workers(jobs) as workers:
        first, second = workers.start(where, range(10)), workers.start(where, [99])
        assert [99] == [part for part, _ in second]
        assert list(range(10)) == [part for part, _ in first]


def test_a_worker_killed_in_work_handed_out_at_once_stops_the_run() -> None:
    """Told when the results are taken, with the same advice."""
    with Workers(2) as workers, pytest.raises(NotPublished, match="--jobs"):
        list(workers.start(die_at, range(20)))


@pytest.mark.parametrize(("jobs", "parts"), [(1, [1, 2, 3]), (2, [1]), (2, [])])
def test_little_work_is_done_here(jobs: int, parts: list[int]) -> None:
    """One worker, or one part: no process is started for it."""
    with Workers(jobs) as workers:
        assert [(part, os.getpid()) for part in parts] == list(workers.map(where, parts))
        assert workers._pool is None


def test_a_pool_that_runs_is_given_a_single_part_too() -> None:
    """The caller has other things to do; without a pool one is not started for it."""
    with Workers(2) as workers:
        assert [(1, os.getpid())] == list(workers.start(where, [1]))
        busy, alone = workers.start(where, range(4)), workers.start(where, [9])
        assert ([0, 1, 2, 3], 9) == ([part for part, _ in busy], (found := next(alone))[0])
    assert found[1] != os.getpid()


def test_a_pool_is_used_again() -> None:
    """Starting processes costs more than most parts: one pool serves all stages of a run."""
    with Workers(2) as workers:
        list(workers.map(where, [1, 2]))
        pool = workers._pool
        list(workers.map(where, [1, 2]))
        assert pool is workers._pool


def test_by_default_there_is_a_worker_a_core() -> None:
    """``--jobs 0``."""
    assert (os.cpu_count(), 5) == (Workers().jobs, Workers(5).jobs)


def test_a_killed_worker_stops_the_run_with_advice_and_the_next_map_works() -> None:
    """Not a stack of the pool's own errors; the parts that came before are there."""
    done: list[int] = []
    with Workers(2) as workers:
        with pytest.raises(NotPublished, match=r"a worker process was killed .*--jobs"):
            done.extend(workers.map(die_at, range(40)))
        assert done == list(range(len(done)))
        assert [0, 1, 2] == list(workers.map(die_at, [0, 1, 2]))


def test_an_error_in_a_worker_arrives_as_it_was_raised() -> None:
    """Type and message, as if it had been raised here."""
    with Workers(2) as workers, pytest.raises(RecordError, match=r"^a\.md:3: has no title$"):
        list(workers.map(refuse, [0, 1, 2]))


def test_an_error_in_the_run_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    """Parts that were not begun are dropped when the run stops."""
    marks = [tmp_path / str(number) for number in range(500)]
    with pytest.raises(KeyError), Workers(2) as workers:  # noqa: PT012  # the block is what is tested
        next(workers.map(leave_a_mark, marks))
        raise KeyError
    assert len(list(tmp_path.iterdir())) < 50


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], []), ([1], [[1]]), ([1, 2, 3, 4], [[1, 2], [3, 4]]), ([1, 2, 3], [[1, 2], [3]])],
)
def test_a_sequence_is_cut_into_parts(items: list[int], expected: list[list[int]]) -> None:
    """In order, the last one shorter, none empty."""
    assert expected == chunks(items, 2)


def test_what_runs_beside_runs_in_a_process_of_its_own() -> None:
    """Calls run in it one after the other; with one job there is this process alone."""
    with Workers(2) as workers, workers.beside() as one, workers.beside() as other:
        pids = [begun() for begun in (one(os.getpid), one(os.getpid), other(os.getpid))]
    assert os.getpid() not in pids
    assert (pids[0] == pids[1], pids[0] == pids[2]) == (True, False)
    with Workers(1) as workers, workers.beside() as one:
        assert one(os.getpid)() == os.getpid()


def test_what_nobody_waits_for_is_over_after_the_block(tmp_path: Path) -> None:
    """Whoever comes next finds nobody at work."""
    mark = tmp_path / "mark"
    with Workers(2) as workers, workers.beside() as begin:
        begin(leave_a_mark_late, mark)
    assert mark.exists()


def test_what_runs_beside_may_fail_or_be_killed() -> None:
    """Its error arrives as it was raised; a killed process is an error that says what to do."""
    with Workers(2) as workers, workers.beside() as begin, pytest.raises(RecordError, match="has no title"):
        begin(refuse, 1)()
    with Workers(2) as workers, workers.beside() as begin, pytest.raises(NotPublished, match="--jobs"):
        begin(die_at, 3)()


def test_an_error_beside_what_runs_is_not_hidden(tmp_path: Path) -> None:
    """The caller's own error ends the block without waiting for the other process."""
    mark = tmp_path / "mark"
    with pytest.raises(RecordError), Workers(2) as workers, workers.beside() as begin:
        refuse(bool(begin(leave_a_mark_late, mark)))
    assert not mark.exists()


def test_processes_that_rest_are_gone_and_come_back() -> None:
    """Other processes do the next work."""
    with Workers(2) as workers:
        first = set(workers.map(_pid, range(8)))
        workers.rest()
        second = set(workers.map(_pid, range(8)))
    assert first.isdisjoint(second)
    assert os.getpid() not in first | second


def _pid(part: int) -> int:
    del part
    return os.getpid()
