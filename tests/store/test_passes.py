"""What the store keeps of passes over live sources."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kbgen.errors import RecordError
from kbgen.model import RawRecord, Ref
from kbgen.store import Store, open_store
from kbgen.store.database import _MIGRATIONS
from kbgen.store.passes import Pass, PassState

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with closing(open_store(tmp_path / "store.sqlite")) as opened:
        yield opened


def record(number: str, *, source: str = "talk", signature: str = "s1", partial: bool = False) -> RawRecord:
    """A record whose place is its number."""
    ref = Ref(f"{source}:{number}")
    return RawRecord(ref, "thread", "https://t.example.com", b"{}", f"d{number}", number, partial, signature)


def test_where_a_source_is_is_kept_whole(store: Store) -> None:
    """What is put is got; a source that was never asked has a fresh state, and so has a forgotten one."""
    state = PassState("o", Pass(full=True, run=3, begun=NOW, cursor="c", mark="m", known=9, gone=1), "old", NOW)
    assert PassState() == store.passes.state("talk")
    store.passes.put("talk", state)
    store.passes.put("other", PassState(mark="x"))
    assert state == store.passes.state("talk")
    store.passes.forget("talk")
    assert (PassState(), "x") == (store.passes.state("talk"), store.passes.state("other").mark)


def test_a_state_is_rolled_back_with_what_it_came_with(store: Store) -> None:
    """A cursor never runs ahead of the records."""

    def break_off() -> None:
        with store.transaction():
            store.records.upsert([record("1")], 1)
            store.passes.put("talk", PassState(mark="m"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert ([], PassState()) == (store.passes.ids("talk"), store.passes.state("talk"))


def test_signatures_follow_the_last_fetch(store: Store) -> None:
    """Also when the payload stayed as it was; a partial record says nothing; what is gone is not known."""
    store.records.upsert([record("1"), record("2")], 1)
    store.records.upsert([record("1", signature="s2")], 2)
    store.records.upsert([record("2", signature="s2", partial=True)], 2)
    assert ["s2", "s1", None] == [store.passes.signature("talk", number) for number in "123"]
    assert "s2" == next(store.records.get(["talk:1"])).signature
    store.passes.mark_gone("talk", ["1"], 3)
    assert "s2" == store.passes.signature("talk", "1")
    store.passes.withdraw_marked("talk", 3)
    assert store.passes.signature("talk", "1") is None


def test_sources_are_told_apart(store: Store) -> None:
    """The same id elsewhere is another item."""
    store.records.upsert([record("1"), record("1", source="other")], 1)
    assert 1 == store.passes.mark_gone("talk", ["1", "2"], 2)
    assert (0, 0) == (store.passes.mark_gone("other", ["2"], 2), store.passes.withdraw_marked("other", 2))
    assert 1 == store.passes.withdraw_marked("talk", 2)
    assert ([], ["1"], 0, 1) == (
        store.passes.ids("talk"),
        store.passes.ids("other"),
        store.passes.count("talk"),
        store.passes.count("other"),
    )


def test_what_was_not_seen_and_not_unreadable_is_counted(store: Store) -> None:
    """That is what a full pass would withdraw."""
    store.records.upsert([record(number) for number in "1234"], 1)
    store.passes.touch("talk", ["1"], 2)
    store.passes.set_failures("talk", [RecordError("2", "broken")], [], 2)
    assert 2 == store.passes.unseen("talk", 2)
    store.passes.mark_gone("talk", ["3"], 2)
    assert 1 == store.passes.unseen("talk", 2)
    assert 2 == store.records.withdraw("talk", 2, store.passes.unreadable("talk", 2))
    assert ["1", "2"] == store.passes.ids("talk")


def test_a_failure_is_kept_until_its_place_is_read(store: Store) -> None:
    """Or until a full pass looked at everything and did not meet it."""
    store.passes.set_failures("talk", [RecordError("1", "a"), RecordError("2", "b")], [], 1)
    store.passes.set_failures("talk", [RecordError("3", "c")], ["1"], 2)
    assert ["2", "3"] == [failure.place for failure in store.records.failures()]
    store.passes.forget_failures("talk", 2)
    assert ["3"] == [failure.place for failure in store.records.failures()]


def test_a_store_from_before_is_migrated(tmp_path: Path) -> None:
    """Its records have no signature, and its live sources begin with a full pass."""
    file = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.executescript(f"{_MIGRATIONS[0]} PRAGMA user_version = 1;")
        old.execute(
            "INSERT INTO records (ref, source, kind, url, digest, place, payload, seen) "
            "VALUES ('talk:1', 'talk', 'thread', 'u', 'd', 'p', x'28b52ffd2002110000' || x'7b7d', 1)"
        )
        old.commit()
    with closing(open_store(file)) as store:
        assert (["1"], "", PassState()) == (
            store.passes.ids("talk"),
            store.passes.signature("talk", "1"),
            store.passes.state("talk"),
        )
        assert (0, 1) == (store.passes.unseen("talk", 1), store.passes.unseen("talk", 2))
