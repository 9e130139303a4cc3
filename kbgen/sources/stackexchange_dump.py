"""Stack Exchange's data dump: XML rows as a stream, and a temporary index that brings a thread's rows together.

Memory does not grow with the dump: rows are read one at a time, kept as JSON in a temporary SQLite file, and joined
there. What is NOT here: what the rows mean (``stackexchange``).
"""

from __future__ import annotations

import io
import itertools
import operator
import os
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from glob import escape
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
from lxml import etree
from msgspec import Struct

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.archives import is_seven_zip, unpacked_seven_zip
from kbgen.sources.fields import read_time

POSTS, USERS, VOTES, LINKS, HISTORY = "Posts.xml", "Users.xml", "Votes.xml", "PostLinks.xml", "PostHistory.xml"
FILES = (POSTS, USERS, VOTES, LINKS, HISTORY)
_POSTS_PART = "-Posts"
_USER_FIELDS = ("Id", "DisplayName", "Reputation", "UserType")
_QUESTION, _ANSWER = "1", "2"
_QUESTION_KIND, _ANSWER_KIND = int(_QUESTION), int(_ANSWER)
_ACCEPTED_VOTE, _DUPLICATE_LINK, _CLOSED = "1", "3", "10"
# Of these files few rows are needed; every other line is left out before it is parsed. A dump has one row a line.
_NEEDED = {VOTES: b' VoteTypeId="1"', LINKS: b' LinkTypeId="3"', HISTORY: b' PostHistoryTypeId="10"'}
_CHUNK = 2**18
_BUFFER = 2**20
_ROW_ENDS = (b"/>\n", b"/>\r\n")
_HEAD = 1024
_BATCH = 2_000
# A file with more bad rows than this is damaged as a whole.
_MOST_BAD_ROWS = 1_000
# libxml2 keeps line numbers in 16 bits where it was not told otherwise.
_LAST_LINE = 65_534

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE posts (
  thread INTEGER, kind INTEGER, id INTEGER, owner INTEGER, line INTEGER, start INTEGER, size INTEGER
);
CREATE TABLE users (id INTEGER PRIMARY KEY, row BLOB);
CREATE TABLE votes (post INTEGER PRIMARY KEY, row BLOB);
CREATE TABLE links (post INTEGER, id INTEGER, row BLOB);
CREATE TABLE closings (post INTEGER PRIMARY KEY, row BLOB);
"""
_THREADS = """
SELECT posts.thread, posts.kind, posts.line, posts.start, posts.size, posts.owner, users.row, votes.row, closings.row
FROM posts
LEFT JOIN users ON users.id = posts.owner
LEFT JOIN votes ON votes.post = posts.id
LEFT JOIN closings ON closings.post = posts.id
ORDER BY posts.thread, posts.kind, posts.id
"""


Values = tuple[int | bytes | None, ...]
Encode = Callable[[object], bytes]


class Row(NamedTuple):
    """The attributes of one row and the line it stands on."""

    line: int
    fields: dict[str, str]


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


class XmlRows:
    """The ``row`` elements of one file of a dump; a bad row becomes an error and reading goes on after it.

    Args:
        path: the file.
        shown: its name in messages.
        needed: bytes that every row that counts holds; whole rows without them are passed over unread.
    """

    def __init__(self, path: Path, shown: str, needed: bytes = b"") -> None:
        self.path = path
        self.shown = shown
        self._needed = needed
        self._row_line = 0

    def __iter__(self) -> Iterator[Row | RecordError]:
        """Yield rows in file order.

        Raises:
            SourceTruncated: the file ends before its last tag.
            SourceError: it is not a dump's XML, or holds more bad rows than a few.
        """
        line, prefix = 1, b""
        root = self.path.stem.lower().encode()
        with self.path.open("rb") as file:
            if b"<" + root not in file.read(_HEAD).lower():
                raise SourceError(
                    f"{self.shown}:1: is not a dump's XML, which begins with <{root.decode()}>; download it again"
                )
            file.seek(0)
            for _ in range(_MOST_BAD_ROWS):
                start = file.tell()
                fault = yield from self._rows(file, line, prefix)
                if fault is None:
                    return
                if self._needed:
                    # Which line is at fault is only certain when none is left out: from the last good row, read all.
                    self._needed = b""
                    good = max(self._row_line, line - 1)
                    _seek_line(file, start, good + 1 - line)
                    line, prefix = good + 1, b"<" + root + b">" if good >= line else prefix
                    continue
                bad = self._bad_line(fault, line)
                yield RecordError(f"{self.shown}:{bad}", f"is not a whole row ({fault.msg}); mend or remove the line")
                _seek_line(file, start, bad + 1 - line)
                # What follows is read as a document of its own, its first line being the file's next one.
                line, prefix = bad + 1, b"<" + root + b">"
        raise SourceError(f"{self.shown}: more than {_MOST_BAD_ROWS:,} rows are not XML; download it again")

    def _bad_line(self, fault: etree.XMLSyntaxError, first: int) -> int:
        found = first + (fault.lineno or 1) - 1
        # A quote left open is noticed one row later, and some faults come without their line.
        after = self._row_line + 1
        return after if self._row_line and after >= first and found - after <= 1 else max(found, first)

    def _rows(self, file: IO[bytes], first: int, prefix: bytes) -> Generator[Row, None, etree.XMLSyntaxError | None]:
        # Without huge_tree libxml2 itself bounds the depth, the entities and the size of a value.
        parser = etree.XMLPullParser(events=("end",), tag="row", resolve_entities=False, no_network=True)
        parser.feed(prefix)
        fault, last = None, first
        while not fault and (chunk := self._chunk(file)):
            last += chunk.count(b"\n")
            fault = _fault_of(parser.feed, chunk)
            yield from self._finished(parser, first)
        if fault is None and (fault := _fault_of(parser.close)):
            yield from self._finished(parser, first)
            if self._bad_line(fault, first) >= last:
                where = f"{self.shown}:{self._row_line or first}"
                raise SourceTruncated(f"{where}: the file ends in the middle, after this line; download it again")
        return fault

    def _chunk(self, file: IO[bytes]) -> bytes:
        if not self._needed:
            return file.read(_CHUNK)
        # An empty line in the place of each row that does not count, so that lines are still counted right.
        return b"".join(
            line if self._needed in line or not line.endswith(_ROW_ENDS) else b"\n" for line in file.readlines(_CHUNK)
        )

    def _finished(self, parser: etree.XMLPullParser, first: int) -> Iterator[Row]:
        parent: etree._Element | None = None
        row: Any
        for _, row in parser.read_events():
            if parent is None:
                parent = row.getparent()
                if row.getroottree().docinfo.internalDTD is not None:
                    raise SourceError(f"{self.shown}:1: has a document type, which no dump has; download it again")
            line = row.sourceline
            self._row_line = first + line - 1 if line < _LAST_LINE else self._row_line + 1
            yield Row(self._row_line, dict(row.attrib))
        if parent is not None:
            del parent[: len(parent) - 1]


def _fault_of(step: Callable[..., object], *arguments: bytes) -> etree.XMLSyntaxError | None:
    try:
        step(*arguments)
    except etree.XMLSyntaxError as error:
        return error
    return None


def _seek_line(file: IO[bytes], start: int, lines: int) -> None:
    """Move to the beginning of the line that lies ``lines`` below the position ``start``."""
    file.seek(start)
    while lines > 0 and (chunk := file.read(_CHUNK)):
        count = chunk.count(b"\n")
        if count < lines:
            lines -= count
            continue
        at = -1
        for _ in range(lines):
            at = chunk.index(b"\n", at + 1)
        file.seek(at + 1 - len(chunk), io.SEEK_CUR)
        return


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
        return (thread, int(kind), number, owner, row.line, start, len(body))

    def _body(self, start: int, size: int) -> msgspec.Raw:
        return msgspec.Raw(os.pread(self._bodies.fileno(), size, start))

    def threads(self) -> Iterator[tuple[int, int, DumpThread]]:
        """Yield (question id, line of its row, its rows) in the order of ids; answers without question are left out."""
        self._bodies.flush()
        links = _Ordered(self._database.execute("SELECT post, row FROM links ORDER BY post, id"))
        rows = self._database.execute(_THREADS)
        for number, group in itertools.groupby(rows, key=operator.itemgetter(0)):
            line, thread = self._thread(list(group))
            duplicates = links.take(number)
            if thread is not None:
                thread.duplicates = [msgspec.Raw(row) for row in duplicates]
                yield number, line, thread

    def _thread(self, rows: list[tuple[Any, ...]]) -> tuple[int, DumpThread | None]:
        if rows[0][1] != _QUESTION_KIND:
            return 0, None
        _, _, line, start, size, *_, closing = rows[0]
        answers = [row for row in rows if row[1] == _ANSWER_KIND]
        users = {row[5]: row[6] for row in rows if row[6] is not None}
        thread = DumpThread(
            question=self._body(start, size),
            answers=[self._body(row[3], row[4]) for row in answers],
            users=[msgspec.Raw(users[number]) for number in sorted(users)],
            accept_votes=[msgspec.Raw(row[7]) for row in answers if row[7] is not None],
            missing=self.missing,
        )
        if closing is not None:
            thread.closing = msgspec.Raw(closing)
        return line, thread


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
