"""Harvested records: upserts, withdrawals, cursors, failures, and the dictionary that packs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbgen.errors import RecordError
from kbgen.model import RawRecord, Ref
from kbgen.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with closing(open_store(tmp_path / "store.sqlite")) as opened:
        yield opened


def record(
    number: int, text: str = "words", *, source: str = "forum", place: str = "", partial: bool = False
) -> RawRecord:
    """A record of a topic."""
    url = f"https://{source}.example.com/t/{number}"
    return RawRecord(Ref(f"{source}:{number}"), "thread", url, text.encode(), f"digest of {text}", place, partial)


def topic(number: int) -> RawRecord:
    """A record as large and as varied as a real one, so that a dictionary can be learnt."""
    posts = [{"id": number * 100 + n, "cooked": f"<p>Post {n} of {number * 7919 % 1000}</p>"} for n in range(12)]
    return record(number, json.dumps({"id": number, "title": f"Topic {number * 104729 % 997}", "posts": posts}))


def upsert(store: Store, *batch: RawRecord, run: int = 1) -> tuple[int, int]:
    """Upsert in a transaction, as harvest does."""
    with store.transaction():
        return store.records.upsert(batch, run)


def payloads(store: Store, *refs: str) -> list[str]:
    """Texts by ref, in the order asked."""
    return [one.payload.decode() for one in store.records.get(refs)]


def test_new_changed_and_unchanged_are_told_apart(store: Store) -> None:
    """A record whose digest stands still is not written again."""
    assert (2, 0) == upsert(store, record(1), record(2))
    assert (1, 1) == upsert(store, record(1), record(2, "other words"), run=2)
    assert ["words", "other words"] == payloads(store, "forum:1", "forum:2")


def test_what_was_seen_again_costs_no_row_of_its_own(store: Store) -> None:
    """A row is as long as its record: it is not written for having been seen, and what was not seen is known by it."""
    upsert(store, record(1), record(2))
    store._connection.execute(
        "CREATE TEMP TRIGGER guard BEFORE UPDATE OF seen, signature, payload ON records "
        "BEGIN SELECT RAISE(ABORT, 'a row was written'); END"
    )
    assert (0, 1) == upsert(store, record(1), run=2)
    assert 1 == store.records.withdraw("forum", 2)
    assert [("forum:1", False), ("forum:2", True)] == [(state.ref, state.gone) for state in store.records.states()]


def test_a_record_comes_back_as_it_was_stored(store: Store) -> None:
    """Ref, kind, url, payload, digest and place survive; ``partial`` is only of the run that read it."""
    given_one = record(1, "Zürich, שלום, 你好 \0", place="forum/1.json")
    upsert(store, given_one)
    assert [given_one] == list(store.records.get(["forum:1"]))


def test_records_are_read_in_the_order_asked(store: Store) -> None:
    """Whatever the order in the file, and however many; unknown refs are left out."""
    upsert(store, *(record(number, str(number)) for number in range(1, 1203)))
    wanted = [f"forum:{number}" for number in range(1202, 0, -1)]
    assert [str(number) for number in range(1202, 0, -1)] == payloads(store, *wanted, "forum:9999")


def test_a_partial_record_never_replaces_a_stored_one(store: Store) -> None:
    """What broke off is worse than what is there, but better than nothing."""
    assert (1, 0) == upsert(store, record(1, "the whole of it"))
    assert (1, 1) == upsert(store, record(1, "the wh", partial=True), record(2, "a ha", partial=True), run=2)
    assert ["the whole of it", "a ha"] == payloads(store, "forum:1", "forum:2")
    assert (1, 0) == upsert(store, record(2, "a half and the other half"), run=3)
    assert ["a half and the other half"] == payloads(store, "forum:2")


def test_a_partial_record_never_replaces_one_of_its_own_batch(store: Store) -> None:
    """The whole record and the broken one in one batch: the whole one is kept."""
    upsert(store, record(1, "the whole of it"), record(1, "the wh", partial=True))
    assert ["the whole of it"] == payloads(store, "forum:1")


def test_the_last_of_two_records_of_a_ref_counts_every_time(store: Store) -> None:
    """A ref that stands twice in the input settles on one text: a second harvest changes nothing."""
    assert (1, 0) == upsert(store, record(1, "older"), record(1, "newer"))
    assert (0, 1) == upsert(store, record(1, "older"), record(1, "newer"), run=2)
    assert ["newer"] == payloads(store, "forum:1")


def test_a_complete_pass_withdraws_what_it_did_not_see(store: Store) -> None:
    """Withdrawn records are marked, once; their payload stays, and other sources are left alone."""
    upsert(store, record(1), record(2), record(1, source="stack"))
    upsert(store, record(1), run=2)
    with store.transaction():
        assert 1 == store.records.withdraw("forum", 2)
        assert 0 == store.records.withdraw("forum", 2)
    assert [("forum:1", False), ("forum:2", True), ("stack:1", False)] == [
        (state.ref, state.gone) for state in store.records.states()
    ]
    assert ["words"] == payloads(store, "forum:2")
    assert {"forum": (2, 1), "stack": (1, 0)} == store.records.counts()


def test_words_of_withdrawn_records_are_let_go(store: Store) -> None:
    """Once a site without them is published; the others keep theirs, and one that comes back has its own again."""
    upsert(store, record(1), record(2))
    upsert(store, record(1), run=2)
    with store.transaction():
        store.records.withdraw("forum", 2)
    store.records.release()
    assert ["words", "{}"] == payloads(store, "forum:1", "forum:2")
    upsert(store, record(2), run=3)
    store.records.release()
    assert ["words", "words"] == payloads(store, "forum:1", "forum:2")


@pytest.mark.parametrize("text", ["words", "new words"])
def test_a_withdrawn_record_comes_back(store: Store, text: str) -> None:
    """Seen again, changed or not, it is no longer gone."""
    upsert(store, record(1))
    with store.transaction():
        store.records.withdraw("forum", 2)
    upsert(store, record(1, text), run=3)
    state = store.records.state("forum:1")
    assert state is not None
    assert (False, [text]) == (state.gone, payloads(store, "forum:1"))


def test_a_whole_pass_keeps_what_it_could_not_read(store: Store) -> None:
    """What was last read from there stays; what is of another source is not looked at."""
    upsert(store, record(1, place="forum/1.json"), record(2, place="forum/2.json"), record(1, source="stack"))
    seen = store.whole_pass("forum", 2)
    with store.transaction():
        assert 1 == seen.withdraw(["forum/1.json"])
    assert [("forum:1", False), ("forum:2", True), ("stack:1", False)] == [
        (state.ref, state.gone) for state in store.records.states()
    ]


def test_a_whole_pass_meets_a_record_twice(store: Store) -> None:
    """It is written once for each of its words, and not again for the same."""
    seen = store.whole_pass("forum", 1)
    with store.transaction():
        assert [(1, 0), (0, 1), (1, 0)] == [seen.upsert([record(1, text)]) for text in ("one", "one", "two")]
    assert ["two"] == payloads(store, "forum:1")


def test_an_unreadable_record_is_not_withdrawn(store: Store) -> None:
    """A file that cannot be read today keeps what was last read from it; one that is missing does not."""
    upsert(store, record(1, place="forum/1.json"), record(2, place="forum/2.json"))
    with store.transaction():
        assert 1 == store.records.withdraw("forum", 2, ["forum/1.json"])
    assert [False, True] == [state.gone for state in store.records.states()]


def test_a_fault_in_a_line_of_a_file_is_one_of_its_record(store: Store) -> None:
    """A file that is one record is named with the line of its fault; in a file of many, a line speaks for itself."""
    upsert(store, record(1, place="a/1.md"), record(2, place="a/2.md:7"), record(3, place="a/2.md:8"))
    with store.transaction():
        assert 2 == store.records.withdraw("forum", 2, ["a/1.md:3", "a/2.md:9", "a/3.md:x"])
    assert [False, True, True] == [state.gone for state in store.records.states()]


def test_fingerprints_are_kept_by_source(store: Store) -> None:
    """Unknown is not empty; the newest counts."""
    store.records.set_fingerprint("forum", "abc", 1)
    store.records.set_fingerprint("forum", "def", 2)
    assert ("def", None) == (store.records.fingerprint("forum"), store.records.fingerprint("stack"))


def test_failures_are_those_of_the_last_run(store: Store) -> None:
    """A run replaces its own source's failures only."""
    store.records.set_failures("forum", [RecordError("1.json", "is empty"), RecordError("2.json", "is a picture")], 1)
    store.records.set_failures("stack", [RecordError("Posts.xml:7", "has no Id")], 1)
    store.records.set_failures("forum", [RecordError("2.json", "is a picture")], 2)
    assert [("forum", "2.json", "is a picture"), ("stack", "Posts.xml:7", "has no Id")] == [
        tuple(failure) for failure in store.records.failures()
    ]


def test_a_live_url_leads_to_its_record(store: Store) -> None:
    """``why`` finds a thread by the address people copy from the browser."""
    upsert(store, record(1), record(2))
    assert "forum:2" == store.records.find(url="https://forum.example.com/t/2")
    assert store.records.find(url="https://forum.example.com/t/3") is None
    assert store.records.state("forum:3") is None


def test_a_place_leads_to_what_was_last_read_there(store: Store) -> None:
    """Of one source, and only while it is not withdrawn."""
    upsert(store, record(1, place="forum/1.json"), record(2, place="forum/2.json"))
    with store.transaction():
        store.records.withdraw("forum", 2, ["forum/1.json"])
    places = [("forum", "forum/1.json"), ("forum", "forum/2.json"), ("stack", "forum/1.json")]
    assert ["forum:1", None, None] == [store.records.find(source=source, place=place) for source, place in places]


def test_a_large_batch_teaches_a_dictionary(store: Store, tmp_path: Path) -> None:
    """Records packed before, with and after it are readable, also by another process' connection."""
    upsert(store, record(0, "before"))
    upsert(store, *(topic(number) for number in range(1, 301)))
    upsert(store, topic(301))
    wanted = [topic(number).payload.decode() for number in (1, 300, 301)]
    with closing(open_store(tmp_path / "store.sqlite", read_only=True)) as reader:
        assert ["before", *wanted] == payloads(reader, "forum:0", "forum:1", "forum:300", "forum:301")
    size = sum(len(data) for (data,) in store._connection.execute("SELECT payload FROM records"))
    plain = sum(len(topic(number).payload) for number in range(1, 302))
    assert size < plain / 4
    assert (1,) == store._connection.execute("SELECT COUNT(*) FROM dictionaries").fetchone()


def test_a_rolled_back_dictionary_is_forgotten(store: Store, tmp_path: Path) -> None:
    """Taught in a transaction that failed, it is not in the file: what is stored next must not depend on it."""
    with pytest.raises(KeyError), store.transaction():  # noqa: PT012  # the block is what is tested
        store.records.upsert([topic(number) for number in range(1, 301)], 1)
        raise KeyError
    upsert(store, topic(400))
    with closing(open_store(tmp_path / "store.sqlite", read_only=True)) as reader:
        assert [topic(400).payload.decode()] == payloads(reader, "forum:400")
        assert [] == payloads(reader, "forum:1")


def test_samples_that_teach_nothing_are_packed_plainly(store: Store) -> None:
    """Hundreds of equal, tiny payloads make no dictionary and no error."""
    upsert(store, *(record(number, "x") for number in range(300)))
    assert ["x"] == payloads(store, "forum:299")


def step_by_step(store: Store, run: int, batch: list[RawRecord]) -> None:
    """A pass that asks of each record, and goes on where it was if need be."""
    upsert(store, *batch, run=run)
    with store.transaction():
        store.records.withdraw("forum", run)


def at_once(store: Store, run: int, batch: list[RawRecord]) -> None:
    """A pass that knows everything from its beginning, in two portions."""
    seen = store.whole_pass("forum", run)
    with store.transaction():
        seen.upsert(batch[:2])
        seen.upsert(batch[2:])
        seen.withdraw()


@pytest.mark.parametrize("ways", [(step_by_step,), (at_once,), (at_once, step_by_step), (step_by_step, at_once)])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(
        st.dictionaries(st.integers(1, 6), st.tuples(st.text("ab", max_size=2), st.booleans()), max_size=6), max_size=5
    )
)
def test_the_store_is_what_the_runs_said(
    tmp_path: Path, runs: list[dict[int, tuple[str, bool]]], ways: tuple[Callable[[Store, int, list[RawRecord]], None]]
) -> None:
    """However often records change, vanish, return or break off: the store holds the last whole word of each.

    Also when a source is asked over the network one night and read from its files in the next.
    """
    expected: dict[int, tuple[str, bool]] = {}
    with closing(open_store(tmp_path / "property.sqlite")) as store:
        store._connection.execute("DELETE FROM records")
        store._connection.execute("DELETE FROM sightings")
        for number, run in enumerate(runs, start=1):
            batch = [record(key, text, partial=partial) for key, (text, partial) in run.items()]
            ways[number % len(ways)](store, number, batch)
            for key, (text, partial) in run.items():
                known = expected.get(key)
                kept = known[0] if known and partial and not known[1] else text
                expected[key] = (kept, False)
            expected |= {key: (text, True) for key, (text, _) in expected.items() if key not in run}
        found = {int(state.ref[6:]): (payloads(store, state.ref)[0], state.gone) for state in store.records.states()}
    assert expected == found
