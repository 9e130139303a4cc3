"""What a night asks of every row is answered without reading the rows, which are as long as what they hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kbgen.store import open_store
from kbgen.store.items import CuratedItems, Entries
from kbgen.store.packing import Packing
from kbgen.store.records import Records, WholePass


@pytest.mark.parametrize(
    "ask",
    [
        lambda db: list(Records(db, Packing(db)).states()),
        lambda db: WholePass(db, Packing(db), "forum", 1),
        lambda db: CuratedItems(db).inputs(),
        lambda db: CuratedItems(db).digests(),
        lambda db: Entries(db).inputs(),
        lambda db: list(Entries(db).digests()),
    ],
)
def test_small_facts_of_all_rows_are_read_from_an_index(
    tmp_path: Path, ask: Callable[[sqlite3.Connection], object]
) -> None:
    """Each is one statement, and SQLite's plan for it is a covering index."""
    file = tmp_path / "store.sqlite"
    open_store(file).close()
    asked: list[str] = []
    with closing(sqlite3.connect(file)) as database:
        database.set_trace_callback(asked.append)
        ask(database)
        database.set_trace_callback(None)
        (statement,) = asked
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert ["COVERING INDEX" in step for step in plan] == [True], plan
