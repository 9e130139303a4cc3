"""Opening, migrating and committing the store.

WAL with ``synchronous=NORMAL``: a killed process loses nothing that was committed. Not here: any table's rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kbgen.errors import StoreError
from kbgen.store import links, media, vectors
from kbgen.store.items import CuratedItems, Entries
from kbgen.store.packing import DamagedRow, Packing
from kbgen.store.passes import Passes
from kbgen.store.published import Pages, Permalinks
from kbgen.store.records import Records, WholePass
from kbgen.store.suggestions import Suggestions

# The last is what a table or column that is not there gives: another program's file, or half of one.
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}

_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE dictionaries (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE records (
        ref TEXT NOT NULL UNIQUE, source TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL,
        digest TEXT NOT NULL, place TEXT NOT NULL, payload BLOB NOT NULL, seen INTEGER NOT NULL,
        gone INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX records_by_source ON records (source, seen);
    CREATE TABLE cursors (source TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, run INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE failures (
        source TEXT NOT NULL, place TEXT NOT NULL, problem TEXT NOT NULL, run INTEGER NOT NULL,
        PRIMARY KEY (source, place)) WITHOUT ROWID;
    CREATE TABLE curated (
        ref TEXT NOT NULL UNIQUE, source TEXT NOT NULL, kind TEXT NOT NULL, input TEXT NOT NULL,
        digest TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, unmapped TEXT NOT NULL,
        note TEXT NOT NULL, head BLOB, payload BLOB NOT NULL);
    CREATE INDEX curated_by_outcome ON curated (outcome, kind);
    CREATE TABLE entries (
        ref TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, input TEXT NOT NULL, digest TEXT NOT NULL,
        summary BLOB NOT NULL, terms BLOB NOT NULL, payload BLOB NOT NULL);
    CREATE TABLE clusters (ref TEXT PRIMARY KEY, lead TEXT NOT NULL, evidence TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE permalinks (ref TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE) WITHOUT ROWID;
    CREATE TABLE redirects (path TEXT PRIMARY KEY, target TEXT) WITHOUT ROWID;
    CREATE TABLE pages (
        path TEXT PRIMARY KEY, key TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    CREATE TABLE suggestions (
        kind TEXT NOT NULL, ref TEXT NOT NULL, other TEXT NOT NULL, origin TEXT NOT NULL, score REAL NOT NULL,
        why TEXT NOT NULL, PRIMARY KEY (kind, ref, other, origin)) WITHOUT ROWID;
    CREATE TABLE learnt_tags (ref TEXT PRIMARY KEY, input TEXT NOT NULL, marks TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE records ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    CREATE TABLE passes (source TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
    """,
    vectors.MIGRATION,
    media.MIGRATION,
    links.MIGRATION,
    # Which harvest saw a record last: a row of ``records`` is long, and would be written whole for it every night.
    """
    CREATE TABLE sightings (ref TEXT PRIMARY KEY, run INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO sightings SELECT ref, seen FROM records;
    DROP INDEX records_by_source;
    CREATE INDEX records_by_source ON records (source, gone);
    """,
    # What is said of few items is asked every night: without these, of rows as long as the items.
    """
    CREATE INDEX curated_by_verdict ON curated (source, outcome, reason);
    CREATE INDEX curated_unmapped ON curated (outcome, unmapped) WHERE unmapped != '';
    CREATE INDEX curated_noted ON curated (reason, ref, note) WHERE note != '';
    """,
    # What every night asks of every row, which would otherwise read a page of the file for each.
    """
    CREATE INDEX records_known ON records (ref, source, digest, gone, signature);
    CREATE INDEX curated_made ON curated (ref, input, digest);
    CREATE INDEX entries_made ON entries (ref, input, digest);
    """,
    # What every night reads of every row lies close together: among payloads each row would be a page of the file.
    """
    CREATE TABLE heads (ref TEXT PRIMARY KEY, head BLOB NOT NULL) WITHOUT ROWID;
    INSERT INTO heads SELECT ref, head FROM curated WHERE outcome = 'publish' AND head IS NOT NULL ORDER BY ref;
    CREATE TABLE summaries (ref TEXT NOT NULL UNIQUE, summary BLOB NOT NULL);
    INSERT INTO summaries SELECT ref, summary FROM entries ORDER BY ref;
    ALTER TABLE curated RENAME TO curated_before;
    CREATE TABLE curated (
        ref TEXT NOT NULL UNIQUE, source TEXT NOT NULL, kind TEXT NOT NULL, input TEXT NOT NULL,
        digest TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, unmapped TEXT NOT NULL,
        note TEXT NOT NULL, payload BLOB NOT NULL);
    INSERT INTO curated SELECT ref, source, kind, input, digest, outcome, reason, unmapped, note, payload
        FROM curated_before;
    DROP TABLE curated_before;
    CREATE INDEX curated_by_outcome ON curated (outcome, kind);
    CREATE INDEX curated_by_verdict ON curated (source, outcome, reason);
    CREATE INDEX curated_unmapped ON curated (outcome, unmapped) WHERE unmapped != '';
    CREATE INDEX curated_noted ON curated (reason, ref, note) WHERE note != '';
    CREATE INDEX curated_made ON curated (ref, input, digest);
    ALTER TABLE entries RENAME TO entries_before;
    CREATE TABLE entries (
        ref TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, input TEXT NOT NULL, digest TEXT NOT NULL,
        terms BLOB NOT NULL, payload BLOB NOT NULL);
    INSERT INTO entries SELECT ref, kind, input, digest, terms, payload FROM entries_before;
    DROP TABLE entries_before;
    CREATE INDEX entries_made ON entries (ref, input, digest);
    """,
)
SCHEMA_VERSION = len(_MIGRATIONS)
_PAGE = 8192


class Store:
    """An open store. Make one with ``open_store``.

    Attributes:
        records: harvested records, cursors and failures.
        passes: where the passes over live sources are.
        curated: one row an item: its verdict and curated content.
        entries: entries, articles and clusters.
        permalinks: ref to path, and every redirect there ever was.
        pages: what the published site was made from.
        suggestions: what people should decide, and the tags a model gave.
        vectors: what duplicate detection keeps: vectors, neighbours, pairs.
        media: which images were mirrored.
        links: which links to other sites were asked, and what became of them.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._file = _identity(path)
        self._packing = Packing(connection)
        self.records = Records(connection, self._packing)
        self.passes = Passes(connection)
        self.curated = CuratedItems(connection)
        self.entries = Entries(connection)
        self.permalinks = Permalinks(connection)
        self.pages = Pages(connection)
        self.suggestions = Suggestions(connection)
        self.vectors = vectors.Vectors(connection)
        self.media = media.Media(connection)
        self.links = links.Links(connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that happens inside at once, or nothing of it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._packing.reset()
            self.permalinks.reset()
            raise
        self._connection.execute("COMMIT")

    def whole_pass(self, source: str, run: int) -> WholePass:
        """Begin a pass over everything a source has.

        Args:
            source: its name.
            run: the harvest's number.
        """
        return WholePass(self._connection, self._packing, source, run)

    def get(self, key: str) -> str | None:
        """A value kept under a name, None when there is none."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, value: str) -> None:
        """Keep a value under a name."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def compact(self) -> None:
        """Write the file anew, so that nothing deleted or replaced can be found in it or in its log."""
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def replaced(self) -> bool:
        """The file at ``path`` is another one by now, or none: this store is a ghost that nobody else sees."""
        return self._file != _identity(self.path)

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._connection.close()


def open_store(path: Path, *, read_only: bool = False) -> Store:
    """Open the store, creating and migrating it when needed.

    Args:
        path: the SQLite file.
        read_only: for worker processes; the file has to exist.

    Raises:
        StoreError: the file is damaged, is no store, or was written by a newer kbgen.
    """
    with readable(path):
        return Store(_connect(path, read_only=read_only), path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say what to do about a store that turns out damaged, full or locked, at whatever moment it does.

    Args:
        path: the SQLite file.

    Raises:
        StoreError: in place of what SQLite raised.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        # Its other children, such as IntegrityError, are faults of this program, not of the file.
        if type(error) not in {sqlite3.DatabaseError, sqlite3.OperationalError, DamagedRow}:
            raise
        raise _unreadable(path, error) from error


def copy_store(source: Path, target: Path) -> None:
    """Make a copy of a store as it was last committed, unless the copy is newer than the store.

    Args:
        source: the store; when it does not exist nothing is done.
        target: the copy.

    Raises:
        StoreError: the store is damaged, or was written by a newer kbgen.
    """
    changed = max((file.stat().st_mtime_ns for file in _files(source)[:2] if file.exists()), default=None)
    if changed is None or (target.exists() and target.stat().st_mtime_ns >= changed):
        return
    for file in _files(target):
        file.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with readable(source), closing(_connect(source, read_only=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _files(path: Path) -> tuple[Path, Path, Path]:
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _unreadable(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
        return StoreError(
            f"{path}: the store cannot be used ({error}); mend that and run again: what was committed is kept"
        )
    return StoreError(
        f"{path}: the store cannot be read ({error}); move it away and run again: everything in it can be "
        "harvested anew, and permalinks are read back from the published site's kb-manifest.jsonl"
    )


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        _prepare(connection, path, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    # In KiB. Workers read every row once, and there is one reader in each of them.
    connection.execute(f"PRAGMA cache_size = {-8192 if read_only else -32768}")
    if not read_only:
        # Rows are some kilobytes long, several of them a page; of a store that is there it changes nothing.
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # What is withdrawn is to be gone from the file as well, not only from its tables.
        connection.execute("PRAGMA secure_delete = ON")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        msg = f"{path}: written by a newer kbgen (schema {version}, this one knows {SCHEMA_VERSION}); update kbgen"
        raise StoreError(msg)
    if read_only:
        return
    for number in range(version, SCHEMA_VERSION):
        connection.executescript(f"BEGIN; {_MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;")
