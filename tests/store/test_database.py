"""Opening, migrating, committing and copying the store; what a damaged or foreign file comes to."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from kbgen.errors import StoreError
from kbgen.model import RawRecord, Ref
from kbgen.store import SCHEMA_VERSION, copy_store, open_store, readable

# Commits batches of one record for ever, and says after each that it is committed.
HARVEST_FOR_EVER = """
import sys
from pathlib import Path
from kbgen.model import RawRecord, Ref
from kbgen.store import open_store
store = open_store(Path(sys.argv[1]))
number = 0
while True:
    with store.transaction():
        for _ in range(20):
            number += 1
            data = f"payload {number} ".encode() * 40
            store.records.upsert([RawRecord(Ref(f"forum:{number}"), "thread", "", data, str(number))], run=1)
    print(number, flush=True)
"""


def record(number: int, text: str = "words") -> RawRecord:
    """A record as a source yields it."""
    return RawRecord(
        Ref(f"forum:{number}"), "thread", f"https://forum.example.com/t/{number}", text.encode(), f"{text}{number}"
    )


def tables(file: Path) -> set[str]:
    """The tables of a SQLite file."""
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_store_is_made_with_its_folder(tmp_path: Path) -> None:
    """The first run of a project finds neither file nor folder and makes both, at the newest schema."""
    file = tmp_path / "new" / "store.sqlite"
    with closing(open_store(file)) as store:
        assert [] == list(store.records.states())
    with closing(sqlite3.connect(file)) as connection:
        assert (SCHEMA_VERSION,) == connection.execute("PRAGMA user_version").fetchone()
        assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()


def test_an_older_store_is_migrated(tmp_path: Path) -> None:
    """A file of schema 0 gets every table there is now."""
    file = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE keepsake (word TEXT)")
    open_store(file).close()

    assert {"keepsake", "records", "curated", "entries", "permalinks", "pages"} <= tables(file)


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    """A migration runs once: what was stored is there the second time."""
    file = tmp_path / "store.sqlite"
    with closing(open_store(file)) as store:
        store.put("run", "7")
    with closing(open_store(file)) as store:
        assert "7" == store.get("run")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A store written by a newer kbgen is named with both versions, and not touched."""
    file = tmp_path / "store.sqlite"
    open_store(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = file.read_bytes()

    with pytest.raises(StoreError, match=rf"store\.sqlite: written by a newer kbgen \(schema {SCHEMA_VERSION + 1}"):
        open_store(file)
    with pytest.raises(StoreError, match="update kbgen"):
        open_store(file, read_only=True)
    assert before == file.read_bytes()


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough " * 40, b"SQLite format 3\0" + b"\1" * 200]
)
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    """The message names the file, and that it may be moved away without losing an address."""
    file = tmp_path / "store.sqlite"
    file.write_bytes(content)

    with pytest.raises(StoreError, match=r"store\.sqlite: .*move it away and run again.*kb-manifest\.jsonl"):
        open_store(file)
    assert content == file.read_bytes()


def test_damage_found_later_says_what_to_do(tmp_path: Path) -> None:
    """A file whose first pages are sound and whose others are not opens; the damage is told when it is met."""
    file = tmp_path / "store.sqlite"
    with closing(open_store(file)) as store, store.transaction():
        store.records.upsert([record(number, "words " * 99) for number in range(200)], run=1)
    content = file.read_bytes()
    sound = len(content) // 2
    file.write_bytes(content[:sound] + b"\xff" * (len(content) - sound))

    with (
        closing(open_store(file)) as store,
        pytest.raises(StoreError, match=r"store\.sqlite: .*malformed.*move it away"),
        readable(file),
    ):
        list(store.records.states())


def test_faults_of_the_program_are_not_blamed_on_the_file(tmp_path: Path) -> None:
    """Moving the store away would not help against a broken constraint, so nobody is told to."""
    file = tmp_path / "store.sqlite"
    with closing(open_store(file)) as store, pytest.raises(sqlite3.IntegrityError), readable(file):
        store._connection.execute("INSERT INTO meta VALUES ('key', NULL)")


def test_readers_do_not_create_a_store(tmp_path: Path) -> None:
    """A worker that finds no store fails; it does not make an empty one."""
    with pytest.raises(StoreError, match=r"cannot be used.*what was committed is kept"):
        open_store(tmp_path / "store.sqlite", read_only=True)
    assert [] == list(tmp_path.iterdir())


def test_a_read_only_store_reads_what_is_committed_and_cannot_write(tmp_path: Path) -> None:
    """Workers see each commit of the run that started them, and change nothing."""
    file = tmp_path / "store.sqlite"
    with closing(open_store(file)) as store, closing(open_store(file, read_only=True)) as reader:
        with store.transaction():
            store.records.upsert([record(1)], run=1)
            assert [] == [state.ref for state in reader.records.states()]
        assert ["forum:1"] == [state.ref for state in reader.records.states()]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.put("run", "1")


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    """An error inside takes back everything since the beginning, and the store goes on."""
    with closing(open_store(tmp_path / "store.sqlite")) as store:
        with pytest.raises(KeyError), store.transaction():  # noqa: PT012  # the block is what is tested
            store.put("one", "1")
            store.records.upsert([record(1)], run=1)
            raise KeyError
        assert (None, []) == (store.get("one"), list(store.records.states()))
        with store.transaction():
            store.put("one", "2")
        assert "2" == store.get("one")


def test_closing_takes_back_what_was_not_committed(tmp_path: Path) -> None:
    """A store closed in mid-transaction is as it was last committed."""
    file = tmp_path / "store.sqlite"
    store = open_store(file)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"), store.transaction():  # noqa: PT012  # as above
        store.put("half", "done")
        store.close()
    with closing(open_store(file)) as again:
        assert again.get("half") is None


def test_kill_in_mid_harvest_loses_no_committed_batch(tmp_path: Path) -> None:
    """A process killed with -9 while it writes: every batch it called committed is there, and none is half there."""
    file = tmp_path / "store.sqlite"
    process = subprocess.Popen([sys.executable, "-c", HARVEST_FOR_EVER, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(15)]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split()
    process.stdout.close()
    process.wait(timeout=10)
    committed = int(rest[-1]) if rest else said[-1]

    with closing(open_store(file)) as store:
        refs = {state.ref for state in store.records.states()}
        assert {Ref(f"forum:{number}") for number in range(1, committed + 1)} <= refs
        assert 0 == len(refs) % 20
        payloads = [one.payload for one in store.records.get([f"forum:{committed}"])]
        assert [f"payload {committed} ".encode() * 40] == payloads


def test_a_store_notices_that_its_file_was_replaced(tmp_path: Path) -> None:
    """A worker that keeps its store open must not go on reading one that was deleted or copied over."""
    file = tmp_path / "store.sqlite"
    with closing(open_store(file)) as store:
        assert not store.replaced
        file.rename(tmp_path / "away.sqlite")
        assert store.replaced
        open_store(file).close()
        assert store.replaced


def test_a_copy_is_the_store_as_last_committed(tmp_path: Path) -> None:
    """The copy is taken while the store is open, with what is still in its write-ahead log."""
    source, target = tmp_path / "store.sqlite", tmp_path / "copy" / "store.sqlite"
    with closing(open_store(source)) as store:
        with store.transaction():
            store.records.upsert([record(1)], run=1)
        copy_store(source, target)
    with closing(open_store(target)) as copy:
        assert ["forum:1"] == [state.ref for state in copy.records.states()]


def test_a_copy_newer_than_the_store_stands(tmp_path: Path) -> None:
    """What was done in the copy since is not overwritten until the store itself moves."""
    source, target = tmp_path / "store.sqlite", tmp_path / "copy.sqlite"
    open_store(source).close()
    copy_store(source, target)
    with closing(open_store(target)) as copy:
        copy.put("own", "work")
    copy_store(source, target)
    with closing(open_store(target)) as copy:
        assert "work" == copy.get("own")
    with closing(open_store(source)) as store:
        store.put("moved", "on")
    newer = target.stat().st_mtime_ns + 1_000_000_000
    os.utime(source, ns=(newer, newer))
    copy_store(source, target)
    with closing(open_store(target)) as copy:
        assert (None, "on") == (copy.get("own"), copy.get("moved"))


def test_nothing_to_copy_is_no_error(tmp_path: Path) -> None:
    """A project that was never built has no store, and gets no copy."""
    copy_store(tmp_path / "store.sqlite", tmp_path / "copy.sqlite")
    assert [] == list(tmp_path.iterdir())


def test_a_damaged_store_is_not_copied_in_silence(tmp_path: Path) -> None:
    """The copy fails as opening does, with the name of the store."""
    (tmp_path / "store.sqlite").write_bytes(b"no store " * 200)
    with pytest.raises(StoreError, match=r"store\.sqlite: the store cannot be read"):
        copy_store(tmp_path / "store.sqlite", tmp_path / "copy.sqlite")
