"""A forum's tables out of an SQL dump in a temporary database, to be read thread by thread.

Only the columns a connector names are kept, so passwords, addresses and e-mail never leave the dump; memory does not
grow with it. What is NOT here: reading the dump (``sqldump``), and what the columns mean.
"""

from __future__ import annotations

import itertools
import operator
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.sqldump import SqlDump, SqlRow
from kbgen.sources.sqldump_text import Charset

_BATCH = 2_000
_LARGEST = 2**63 - 1  # SQLite takes no larger one, and no forum has it
_SETTINGS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
_THREADS = """
SELECT threads.key, threads.line, threads.row, posts.row FROM threads
LEFT JOIN posts ON posts.parent = threads.key ORDER BY threads.key, posts.key
"""

Fields = dict[str, str | None]


class Table(NamedTuple):
    """A table of a forum's software.

    Attributes:
        role: what it is to kbgen; ``threads`` and ``posts`` are joined.
        name: how it ends after the prefix, such as ``topics``.
        key: the column of its ids, which are integers.
        parent: the column that names the row it belongs to, "" for none.
        needed: columns that tell it from other tables whose names end so.
        kept: columns to keep where there are such.
    """

    role: str
    name: str
    key: str
    parent: str
    needed: tuple[str, ...]
    kept: tuple[str, ...]


class IndexedThread(Struct):
    """A thread's row and its posts' rows, as JSON."""

    key: int
    line: int
    row: msgspec.Raw
    posts: list[msgspec.Raw]


class SqlIndex:
    """The rows of a dump by role.

    Args:
        dump: makes the reader of the dump, given the choice of tables and columns.
        tables: of the forum's software; a dump may hold the tables of other programs too.
        prefix: of the tables' names; None when there is one forum in the dump.
        database: an empty database.

    Attributes:
        truncated: why the dump ended in the middle, None when it did not.
    """

    def __init__(
        self, path: Path, tables: Sequence[Table], *, prefix: str | None, charset: str, database: sqlite3.Connection
    ) -> None:
        self.truncated: SourceTruncated | None = None
        self._path = path
        self._tables = tables
        self._prefix = prefix
        self._database = database
        self._dump = SqlDump(path, self._wanted, Charset(charset))
        self._chosen: dict[str, Table] = {}
        database.executescript(_SETTINGS)
        for table in tables:
            columns = "(key INTEGER PRIMARY KEY, parent INTEGER, line INTEGER, row BLOB)"
            database.execute(f"CREATE TABLE {table.role} {columns}")

    def _wanted(self, name: str, columns: Sequence[str]) -> Collection[str]:
        for table in self._tables:
            wanted = name.endswith(table.name) if self._prefix is None else name == self._prefix + table.name
            if wanted and {table.key, *table.needed} <= set(columns):
                other = next((one for one, chosen in self._chosen.items() if chosen is table and one != name), None)
                if other is not None:
                    problem = f"holds the tables {other} and {name}; say with `prefix:` which forum's are meant"
                    raise SourceError(f"{self._path}: {problem}")
                self._chosen[name] = table
                return {table.key, *([table.parent] if table.parent else []), *table.kept} & set(columns)
        return ()

    def fill(self, keep: Callable[[str, Fields], bool]) -> Iterator[RecordError]:
        """Read the dump; yield the rows that cannot be read.

        Args:
            keep: given a role and a row, whether it is kept.

        Raises:
            SourceError: the dump cannot be read or is not this forum's.
        """
        encode = msgspec.json.Encoder(order="deterministic").encode
        batches: dict[str, list[tuple[Any, ...]]] = {table.role: [] for table in self._tables}
        self._database.execute("BEGIN")
        try:
            for row in self._dump:
                if isinstance(row, RecordError):
                    yield row
                    continue
                table = self._chosen[row.table]
                if not keep(table.role, row.fields):
                    continue
                try:
                    values = _keys(table, row)
                except ValueError as error:
                    yield RecordError(f"{self._path}:{row.line}", str(error))
                    continue
                batch = batches[table.role]
                batch.append((*values, row.line, encode(row.fields)))
                if len(batch) >= _BATCH:
                    self._write(table.role, batch)
        except SourceTruncated as error:
            self.truncated = error
        for role, batch in batches.items():
            self._write(role, batch)
        self._database.execute("CREATE INDEX posts_by_thread ON posts (parent, key)")
        self._database.execute("COMMIT")
        self._check()

    def _write(self, role: str, batch: list[tuple[Any, ...]]) -> None:
        self._database.executemany(f"INSERT OR REPLACE INTO {role} VALUES (?, ?, ?, ?)", batch)  # noqa: S608
        batch.clear()

    def _check(self) -> None:
        found = {table.role for table in self._chosen.values()}
        for table in self._tables[:2]:
            if table.role not in found and self.truncated is None:
                seen = ", ".join(self._dump.tables[:8]) or "none"
                name = f"{self._prefix or '...'}{table.name}"
                problem = f"no rows of a table {name} with the columns {', '.join((table.key, *table.needed))}"
                raise SourceError(f"{self._path}: {problem} (tables with rows: {seen}); dump that table too")

    def has(self, role: str) -> bool:
        """Whether the dump holds a table."""
        return any(table.role == role for table in self._chosen.values())

    def row(self, role: str, key: int) -> Fields | None:
        """One row by its key."""
        query = f"SELECT row FROM {role} WHERE key = ?"  # noqa: S608
        found = self._database.execute(query, (key,)).fetchone()
        return None if found is None else msgspec.json.decode(found[0], type=Fields)

    def rows(self, role: str) -> dict[int, Fields]:
        """A whole table, which must be a small one."""
        query = f"SELECT key, row FROM {role} ORDER BY key"  # noqa: S608
        return {key: msgspec.json.decode(row, type=Fields) for key, row in self._database.execute(query)}

    def threads(self) -> Iterator[IndexedThread]:
        """Yield every thread with its posts, in the order of their ids."""
        for key, group in itertools.groupby(self._database.execute(_THREADS), key=operator.itemgetter(0)):
            rows = list(group)
            posts = [msgspec.Raw(row[3]) for row in rows if row[3] is not None]
            yield IndexedThread(key, rows[0][1], msgspec.Raw(rows[0][2]), posts)


def _keys(table: Table, row: SqlRow) -> tuple[int, int | None]:
    key, parent = row.fields[table.key], row.fields.get(table.parent)
    try:
        found = int(key or ""), int(parent) if parent is not None else None
    except ValueError as error:
        raise ValueError(f"a row of {row.table} has the id {key or 'NULL'}, which is no number; mend it") from error
    if any(number is not None and abs(number) > _LARGEST for number in found):
        raise ValueError(f"a row of {row.table} has an id that is too large to be one; mend it")
    return found


@contextmanager
def indexed_sql(path: Path, tables: Sequence[Table], *, prefix: str | None, charset: str) -> Iterator[SqlIndex]:
    """An empty index of a dump, with its database in a temporary folder that is removed afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="kbgen-") as name,
        closing(sqlite3.connect(Path(name) / "dump.sqlite", isolation_level=None)) as database,
    ):
        yield SqlIndex(path, tables, prefix=prefix, charset=charset, database=database)
