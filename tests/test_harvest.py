"""Harvest: what a source yields is kept, whatever happens to the rest of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.harvest import harvest
from kbgen.model import Article, RawRecord, StageReport, Thread
from kbgen.progress import Advance, Silent
from kbgen.sources.base import Harvested, Signatures, Source, SourceOptions, Unchanged
from kbgen.store import Store, open_store

Item = tuple[int, str] | RecordError | Exception


class Notes(Source):
    """A source whose input the test writes: (id, text) for a record, an error in place of one, or a break."""

    kind = "notes"

    def __init__(self, name: str = "notes") -> None:
        super().__init__(SourceOptions(name=name, kind="notes"), Path())
        self.items: list[Item] = []
        self.whole: list[RawRecord] = []
        self.signature: str | None = None
        self.missing = False
        self.read = 0

    def fingerprint(self) -> str | None:
        """What the test says."""
        if self.missing:
            raise SourceError("notes/: no such folder; check `path:`")
        return self.signature

    def records(self) -> Iterator[Harvested]:
        """Yield, or break off."""
        self.read += 1
        yield from self.whole
        for item in self.items:
            if isinstance(item, tuple):
                number, text = item
                yield self.record(number, "thread", f"https://notes.example.com/{number}", text, f"{number}.txt")
            elif isinstance(item, RecordError):
                yield item
            else:
                raise item

    def parse(self, record: RawRecord) -> Thread | Article:
        """Never called here: harvest does not look at what a record means."""
        raise NotImplementedError


class Signed(Notes):
    """Notes of which one can tell without reading them that they are as they were."""

    asked = 0

    def changes(self, signatures: Signatures) -> Iterator[Harvested | Unchanged]:
        """The records, or that they are the same."""
        self.asked += 1
        for item in self.records():
            if isinstance(item, RawRecord):
                signed = replace(item, signature=f"signed {item.digest}")
                yield Unchanged(item.ref) if signatures.get(item.ref) == signed.signature else signed
            else:
                yield item


class Counting:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def start(self, what: str, total: int | None) -> Advance:
        """Note the steps."""
        del what, total
        return self.steps.append


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with closing(open_store(tmp_path / "store.sqlite")) as opened:
        yield opened


@pytest.fixture
def notes() -> Notes:
    """An empty source."""
    return Notes()


Run = Callable[..., StageReport]


@pytest.fixture
def run(store: Store, notes: Notes) -> Run:
    """Harvest the notes as they are now."""

    def harvested(*items: Item, signature: str | None = None, full: bool = False) -> StageReport:
        notes.items, notes.signature = list(items), signature
        return harvest(notes, store, Silent(), full=full)

    return harvested


def held(store: Store) -> dict[str, tuple[str, bool]]:
    """Id to text and whether it was withdrawn."""
    return {
        state.ref.partition(":")[2]: (next(store.records.get([state.ref])).payload.decode().strip('"'), state.gone)
        for state in store.records.states()
    }


def numbers(report: StageReport) -> tuple[int, int, int, int]:
    """What a stage counted: read, written, unchanged, removed."""
    return report.read, report.written, report.unchanged, report.removed


def test_a_harvest_is_idempotent(run: Run, store: Store) -> None:
    """The second one writes nothing, and says so."""
    assert (2, 2, 0, 0) == numbers(run((1, "one"), (2, "two")))
    assert (2, 0, 2, 0) == numbers(run((1, "one"), (2, "two")))
    assert {"1": ("one", False), "2": ("two", False)} == held(store)


def note_steps(seen: Counting, told: list[int]) -> None:
    """How many portions had been read."""
    told.append(len(seen.steps))


def test_the_first_change_is_told_while_the_rest_is_read(store: Store, notes: Notes) -> None:
    """What is begun then has the time that reading takes; nothing is told of what is as it was."""
    told: list[int] = []
    for first in ("one", "one", "two"):
        notes.items = [(number, first if number == 1 else "same") for number in range(1, 1201)]
        seen = Counting()
        harvest(notes, store, seen, changing=partial(note_steps, seen, told))
        told.append(-1)
    # Of all three portions of the first harvest, of none of the second, of the first portion of the third.
    assert [0, 1, 2, -1, -1, 0, -1] == told


def test_what_a_complete_pass_no_longer_finds_is_withdrawn(run: Run, store: Store) -> None:
    """And returns when it is found again."""
    run((1, "one"), (2, "two"))
    assert (1, 0, 1, 1) == numbers(run((1, "one")))
    assert {"1": ("one", False), "2": ("two", True)} == held(store)
    run((1, "one"), (2, "two"))
    assert {"1": ("one", False), "2": ("two", False)} == held(store)


def test_an_unchanged_input_is_not_read(run: Run, notes: Notes) -> None:
    """Its signature is enough; ``--full`` reads all the same; a source without one is always read."""
    run((1, "one"), signature="a")
    report = run((1, "one"), signature="a")
    assert (("the input has not changed",), 1) == (report.notes, notes.read)
    assert (1, 0, 1, 0) == numbers(run((1, "one"), signature="a", full=True))
    run((1, "one"), signature="b")
    run((1, "one"))
    run((1, "one"))
    assert 5 == notes.read


def test_what_is_told_to_be_unchanged_counts_as_seen(store: Store) -> None:
    """It is not written, not withdrawn and told of as progress; what was withdrawn is not known and comes back whole."""
    source = Signed()
    source.items = [(number, f"text {number}") for number in range(1, 1201)]
    harvest(source, store, Silent())
    source.items[1] = (2, "another text")
    progress = Counting()
    assert (1200, 1, 1199, 0) == numbers(harvest(source, store, progress))
    assert [500, 500] == progress.steps
    source.items = source.items[1:]
    assert (1199, 0, 1199, 1) == numbers(harvest(source, store, Silent()))
    source.items = [(1, "text 1"), *source.items]
    assert (1200, 1, 1199, 0) == numbers(harvest(source, store, Silent()))
    assert {("text 1", False), ("another text", False)} < set(held(store).values())


def test_everything_is_read_when_asked_for(store: Store) -> None:
    """``--full`` does not ask a source what is unchanged."""
    source = Signed()
    source.items = [(1, "one")]
    harvest(source, store, Silent(), full=True)
    assert 0 == source.asked
    harvest(source, store, Silent())
    assert 1 == source.asked


def test_a_bad_record_is_named_and_the_rest_is_kept(run: Run, store: Store) -> None:
    """It counts as failed, and what was read from its place before stays."""
    run((1, "one"), (2, "two"))
    report = run((1, "uno"), RecordError("2.txt", "is a picture"), (3, "three"))
    assert (("2.txt: is a picture",), {"unreadable": 1}, 0) == (report.failed, report.rejected, report.removed)
    assert {"1": ("uno", False), "2": ("two", False), "3": ("three", False)} == held(store)


@pytest.mark.parametrize("sign", ["\n", "\x00", "\x1b[2J", "\x9b", "\u2028", "\u202e"])
def test_an_id_that_a_terminal_obeys_is_a_bad_record(store: Store, notes: Notes, sign: str) -> None:
    """It is named with its signs written out and counted, what was read from there before stays, and the rest is read."""
    named = notes.record("1", "thread", "", "one", "all.jsonl:1")
    notes.whole = [named]
    harvest(notes, store, Silent())
    notes.whole = [
        notes.record(f"1{sign}", "thread", "", "one", "all.jsonl:1"),
        notes.record("2", "thread", "", "two", ""),
    ]
    report = harvest(notes, store, Silent())

    shown = "".join(f"\\u{ord(one):04x}" if not one.isprintable() else one for one in sign)
    assert (f"all.jsonl:1: the id notes:1{shown} holds control characters; give it another",) == report.failed
    assert {"unreadable": 1} == report.rejected
    assert {"1": ("one", False), "2": ("two", False)} == held(store)


def test_ids_in_any_script_are_good(store: Store, notes: Notes) -> None:
    """Joiners and marks of direction are letters' own, and no controls."""
    notes.whole = [notes.record(one, "thread", "", "x", one) for one in ("می\u200cخواهم", "ab\u200f", "日本", "é")]
    assert () == harvest(notes, store, Silent()).failed


def test_a_bad_record_is_named_again_while_nothing_changes(run: Run) -> None:
    """A night without change must not call broken input sound; a mended one is no longer named."""
    run((1, "one"), RecordError("2.txt", "is a picture"), signature="a")
    again = run((1, "one"), signature="a")
    assert (("2.txt: is a picture",), {"unreadable": 1}) == (again.failed, again.rejected)
    assert () == run((1, "one"), (2, "two"), signature="b").failed
    assert () == run((1, "one"), (2, "two"), signature="b").failed


def test_a_bad_record_is_remembered_over_a_night_without_its_source(run: Run, notes: Notes) -> None:
    """The folder is away for a night and back unchanged: what is broken in it is named as before."""
    run((1, "one"), RecordError("2.txt", "is a picture"), signature="a")
    notes.missing = True
    run(signature="a")
    notes.missing = False
    assert ("2.txt: is a picture",) == run((1, "one"), signature="a").failed


@pytest.mark.parametrize("kind", [SourceError, SourceTruncated])
def test_a_source_that_fails_half_way_keeps_everything(run: Run, store: Store, kind: type[SourceError]) -> None:
    """What was read before the break counts, what was not reached is not withdrawn, and the next pass reads again."""
    run((1, "one"), (2, "two"), (3, "three"), signature="a")
    report = run((1, "uno"), (4, "four"), kind("notes.tar: ends at byte 512"), signature="b")
    assert ("notes: notes.tar: ends at byte 512; what was published from it stays",) == report.failed
    assert (2, 2, 0, 0) == numbers(report)
    expected = {"1": ("uno", False), "2": ("two", False), "3": ("three", False), "4": ("four", False)}
    assert expected == held(store)
    assert (1, 0, 1, 3) == numbers(run((1, "uno"), signature="b"))


def test_bad_records_before_a_break_are_named_as_well(run: Run) -> None:
    """The break first, then the records."""
    report = run(RecordError("1.txt", "is empty"), SourceTruncated("ends"))
    assert ("notes: ends; what was published from it stays", "1.txt: is empty") == report.failed


def test_a_source_that_is_missing_keeps_everything(run: Run, notes: Notes, store: Store) -> None:
    """A folder that is not mounted tonight empties nothing."""
    run((1, "one"))
    notes.missing = True
    report = run()
    assert (("notes: notes/: no such folder; check `path:`; what was published from it stays",), 0) == (
        report.failed,
        report.removed,
    )
    assert {"1": ("one", False)} == held(store)


def test_another_error_stops_the_run_and_keeps_what_was_read(run: Run, store: Store) -> None:
    """A fault of the connector's code is not taken for a broken input; what it yielded is stored."""
    with pytest.raises(ZeroDivisionError):
        run((1, "one"), ZeroDivisionError())
    assert {"1": ("one", False)} == held(store)


def test_many_records_are_stored_in_batches(store: Store, notes: Notes) -> None:
    """Each in its own transaction, with progress told after each."""
    notes.items = [(number, f"text {number}") for number in range(1, 1201)]
    progress = Counting()
    report = harvest(notes, store, progress)
    assert ((1200, 1200, 0, 0), [500, 500]) == (numbers(report), progress.steps)
    assert 1200 == len(held(store))


def test_sources_do_not_withdraw_each_others_records(run: Run, store: Store) -> None:
    """A pass over one says nothing about another."""
    run((1, "one"))
    other = Notes("other")
    other.items = [(1, "eins")]
    harvest(other, store, Silent())
    run((2, "two"))
    assert [("notes:1", True), ("notes:2", False), ("other:1", False)] == [
        (state.ref, state.gone) for state in store.records.states()
    ]
