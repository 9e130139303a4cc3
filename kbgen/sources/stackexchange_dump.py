"""Stack Exchange's data dump: its files, and a temporary index that brings a thread's rows together.

Memory does not grow with the dump: rows are read some at a time, kept as JSON in temporary files, and joined there.
What is NOT here: reading XML (``stackexchange_rows``), and what the rows mean (``stackexchange``).
"""

from __future__ import annotations

import itertools
import operator
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from glob import escape
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.archives import is_seven_zip, unpacked_seven_zip
from kbgen.sources.fields import read_time
from kbgen.sources.stackexchange_rows import Row, XmlRows

POSTS, USERS, VOTES, LINKS, HISTORY = "Posts.xml", "Users.xml", "Votes.xml", "PostLinks.xml", "PostHistory.xml"
FILES = (POSTS, USERS, VOTES, LINKS, HISTORY)
_POSTS_PART = "-Posts"
_USER_FIELDS = ("Id", "DisplayName", "Reputation", "UserType")
_QUESTION, _ANSWER = "1", "2"
_QUESTION_KIND, _ANSWER_KIND = int(_QUESTION), int(_ANSWER)
_ACCEPTED_VOTE, _DUPLICATE_LINK, _CLOSED = "1", "3", "10"
# Of these files few rows are needed; every other line is left out before it is parsed. A dump has one row a line.
_NEEDED = {VOTES: b' VoteTypeId="1"', LINKS: b' LinkTypeId="3"', HISTORY: b' PostHistoryTypeId="10"'}
_BUFFER = 2**20
_BATCH = 2_000

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE posts (
  thread INTEGER, kind INTEGER, id INTEGER, owner INTEGER, line INTEGER, start INTEGER, size INTEGER, title TEXT
);
CREATE TABLE users (id INTEGER PRIMARY KEY, row BLOB);
CREATE TABLE votes (post INTEGER PRIMARY KEY, row BLOB);
CREATE TABLE links (post INTEGER, id INTEGER, row BLOB);
CREATE TABLE closings (post INTEGER PRIMARY KEY, row BLOB);
"""
_THREADS = """
SELECT posts.thread, posts.kind, posts.line, posts.start, posts.size, posts.owner, users.row, votes.row, closings.row,
  posts.title
FROM posts
LEFT JOIN users ON users.id = posts.owner
LEFT JOIN votes ON votes.post = posts.id
LEFT JOIN closings ON closings.post = posts.id
ORDER BY posts.thread, posts.kind, posts.id
"""


Values = tuple[int | bytes | str | None, ...]
Encode = Callable[[object], bytes]


class DumpThread(Struct, omit_defaults=True):
    """A question and all rows that belong to it; the payload of its record.

    Attributes:
        closing: why the question was closed last, as the dump numbers reasons.
        missing: files of the dump that were not there.
    """

    question: msgspec.Raw
    answers: list[msgspec.Raw] = []
    users: list[msgspec.Raw] = []
    accept_votes: list[msgspec.Raw] = []
    duplicates: list[msgspec.Raw] = []
    closing: msgspec.Raw = msgspec.Raw(b'""')
    missing: list[str] = []


class IndexedThread(NamedTuple):
    """What an index knows of a question: its id, the line and title of its row, and the rows that belong to it."""

    number: int
    line: int
    title: str
    thread: DumpThread


@contextmanager
def opened_dump(path: Path) -> Iterator[Path]:
    """The folder of a dump's XML files; a 7z, or a set of one 7z a file, is unpacked to a temporary one.

    Raises:
        SourceError: there is no dump, or it holds no Posts.xml.
    """
    parts = _parts(path)
    if path.is_dir() and not parts:
        _check_posts(path, path)
        yield path
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kbgen-")))
        for part in parts or [path]:
            unpacked = stack.enter_context(unpacked_seven_zip(part, lambda name: name in FILES))
            for file in unpacked.iterdir():
                (folder / file.name).symlink_to(file)
        _check_posts(folder, path)
        yield folder


def dump_files(path: Path) -> list[Path]:
    """The files a dump is read from, for its signature.

    Raises:
        SourceError: there is no dump.
    """
    parts = _parts(path)
    if parts:
        return parts
    if path.is_dir():
        _check_posts(path, path)
        return [path / name for name in FILES if (path / name).is_file()]
    if not path.is_file():
        raise SourceError(f"{path}: no such file or folder; check `dump:`, which is relative to the project folder")
    if not is_seven_zip(path):
        raise SourceError(f"{path}: is not a 7z archive; download it again, or name a folder of XML files")
    return [path]


def _parts(path: Path) -> list[Path]:
    """The archives of a dump that comes as one 7z a file, as the largest site's does (``NAME-Posts.7z`` ...).

    Args:
        path: their folder, or the one with the posts.
    """
    if path.is_dir():
        found = [] if (path / POSTS).is_file() else sorted(path.glob("*.7z"))
    else:
        site = path.stem.removesuffix(_POSTS_PART)
        found = sorted(path.parent.glob(f"{escape(site)}-*.7z")) if path.stem.endswith(_POSTS_PART) else []
    parts = [file for file in found if f"{file.stem.rpartition('-')[2]}.xml" in FILES]
    return parts if any(file.stem.endswith(_POSTS_PART) for file in parts) else []


def _check_posts(folder: Path, path: Path) -> None:
    if not (folder / POSTS).is_file():
        raise SourceError(f"{path}: holds no {POSTS}; name the folder of the dump's XML files, or its .7z")


class DumpIndex:
    """A dump's rows in a temporary database, to be read thread by thread.

    Posts themselves stand one after the other in a file of their own, for writing and reading them there costs less
    than half of what it costs in the database, which says where each is.

    Args:
        folder: of the XML files.
        shown: the folder or archive as messages name it.
        database: an empty database.
        bodies: an empty file, open for writing and reading.

    Attributes:
        missing: files that are not there.
        truncated: what was wrong with a file that ended in the middle.
    """

    def __init__(self, folder: Path, shown: str, database: sqlite3.Connection, bodies: IO[bytes]) -> None:
        self.missing: list[str] = []
        self.truncated: SourceTruncated | None = None
        self._folder = folder
        self._shown = shown
        self._database = database
        self._bodies = bodies
        self._end = 0
        self._closed = False
        database.executescript(_SCHEMA)

    def fill(self) -> Iterator[RecordError]:
        """Read every file; yield the rows that cannot be read."""
        encode = msgspec.json.Encoder(order="deterministic").encode
        yield from self._insert(POSTS, "posts", lambda row: self._post(row, encode))
        yield from self._insert(USERS, "users", lambda row: _user(row, encode))
        yield from self._insert(VOTES, "votes", lambda row: _vote(row, encode))
        yield from self._insert(LINKS, "links", lambda row: _link(row, encode))
        if self._closed:
            yield from self._insert(HISTORY, "closings", lambda row: _closing(row, encode))
        self._database.execute("CREATE INDEX posts_by_thread ON posts (thread, kind, id)")
        self._database.execute("CREATE INDEX links_by_post ON links (post, id)")

    def _insert(self, name: str, table: str, read: Callable[[Row], Values | None]) -> Iterator[RecordError]:
        path, shown = self._folder / name, f"{self._shown}/{name}"
        if not path.is_file():
            self.missing.append(name)
            return
        batch: list[Values] = []
        self._database.execute("BEGIN")
        try:
            for row in XmlRows(path, shown, _NEEDED.get(name, b"")):
                if isinstance(row, RecordError):
                    yield row
                    continue
                try:
                    values = read(row)
                except (KeyError, ValueError) as error:
                    yield RecordError(f"{shown}:{row.line}", _row_problem(error))
                    continue
                if values is not None:
                    batch.append(values)
                if len(batch) >= _BATCH:
                    self._write(table, batch)
        except SourceTruncated as error:
            self.truncated = self.truncated or error
        self._write(table, batch)
        self._database.execute("COMMIT")

    def _write(self, table: str, batch: list[Values]) -> None:
        if batch:
            marks = ", ".join("?" * len(batch[0]))
            self._database.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", batch)  # noqa: S608
            batch.clear()

    def _post(self, row: Row, encode: Encode) -> Values | None:
        fields = row.fields
        kind = fields["PostTypeId"]
        if kind not in (_QUESTION, _ANSWER):
            return None
        number = int(fields["Id"])
        read_time(fields["CreationDate"])
        self._closed = self._closed or "ClosedDate" in fields
        owner = int(fields["OwnerUserId"]) if "OwnerUserId" in fields else None
        thread = number if kind == _QUESTION else int(fields["ParentId"])
        body = encode(fields)
        start, self._end = self._end, self._end + self._bodies.write(body)
        return (thread, int(kind), number, owner, row.line, start, len(body), fields.get("Title"))

    def _body(self, start: int, size: int) -> msgspec.Raw:
        return msgspec.Raw(os.pread(self._bodies.fileno(), size, start))

    def threads(self) -> Iterator[IndexedThread]:
        """Yield every question with its rows, in the order of ids; answers without question are left out."""
        self._bodies.flush()
        links = _Ordered(self._database.execute("SELECT post, row FROM links ORDER BY post, id"))
        rows = self._database.execute(_THREADS)
        for number, group in itertools.groupby(rows, key=operator.itemgetter(0)):
            duplicates = links.take(number)
            first, *others = group
            if first[1] == _QUESTION_KIND:
                thread = self._thread(first, [row for row in others if row[1] == _ANSWER_KIND])
                thread.duplicates = [msgspec.Raw(row) for row in duplicates]
                yield IndexedThread(number, first[2], first[9] or "", thread)

    def _thread(self, question: tuple[Any, ...], answers: list[tuple[Any, ...]]) -> DumpThread:
        users = {row[5]: row[6] for row in (question, *answers) if row[6] is not None}
        thread = DumpThread(
            question=self._body(question[3], question[4]),
            answers=[self._body(row[3], row[4]) for row in answers],
            users=[msgspec.Raw(users[number]) for number in sorted(users)],
            accept_votes=[msgspec.Raw(row[7]) for row in answers if row[7] is not None],
            missing=self.missing,
        )
        if question[8] is not None:
            thread.closing = msgspec.Raw(question[8])
        return thread


class _Ordered:
    """Rows of (key, value) in the order of keys, taken key by key beside another ordered reading."""

    def __init__(self, rows: Iterator[tuple[int, bytes]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def take(self, key: int) -> list[bytes]:
        """The values of one key; those of lower keys are passed over."""
        found: list[bytes] = []
        while self._next is not None and self._next[0] <= key:
            if self._next[0] == key:
                found.append(self._next[1])
            self._next = next(self._rows, None)
        return found


def _row_problem(error: KeyError | ValueError) -> str:
    if isinstance(error, KeyError):
        return f"the row has no {error.args[0]}; mend or remove the line"
    return f"the row has a value that cannot be read ({error}); mend or remove the line"


def _user(row: Row, encode: Encode) -> Values:
    public = {name: row.fields[name] for name in _USER_FIELDS if name in row.fields}
    return (int(row.fields["Id"]), encode(public))


def _vote(row: Row, encode: Encode) -> Values | None:
    fields = row.fields
    return (int(fields["PostId"]), encode(fields)) if fields["VoteTypeId"] == _ACCEPTED_VOTE else None


def _link(row: Row, encode: Encode) -> Values | None:
    fields = row.fields
    if fields["LinkTypeId"] != _DUPLICATE_LINK:
        return None
    int(fields["RelatedPostId"])
    return (int(fields["PostId"]), int(fields["Id"]), encode(fields))


def _closing(row: Row, encode: Encode) -> Values | None:
    fields = row.fields
    if fields["PostHistoryTypeId"] != _CLOSED:
        return None
    # Who voted stands in Text; the reason is all that is kept.
    return (int(fields["PostId"]), encode(fields.get("Comment", "")))


@contextmanager
def indexed_dump(path: Path) -> Iterator[DumpIndex]:
    """An empty index of a dump, with its database in a temporary folder that is removed afterwards.

    Raises:
        SourceError: there is no dump at ``path``.
    """
    with (
        opened_dump(path) as folder,
        tempfile.TemporaryDirectory(prefix="kbgen-") as name,
        closing(sqlite3.connect(Path(name) / "dump.sqlite", isolation_level=None)) as database,
        (Path(name) / "bodies").open("w+b", buffering=_BUFFER) as bodies,
    ):
        yield DumpIndex(folder, str(path), database, bodies)
