"""The rows of a MySQL or MariaDB dump as a stream: INSERT statements are read, and nothing of a dump is ever run.

Compiled expressions find whole rows at once and never step back (every repetition is possessive), so time is linear
in the size of the file; memory is that of the largest row. What is NOT here: what a row means, joining rows
(``sqldump_index``), and dumps of other databases.

Grammar: dev.mysql.com/doc/refman/8.4/en/insert.html and string-literals.html.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

import zstandard

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.sqldump_text import Charset, literal

LARGEST_ROW = 256 * 2**20
"""Bytes of one row or string; servers send no packet larger than this unless told to."""
_CHUNK = 2**20
# What the head of a statement, its column names included, fits into.
_HEAD = 2**16
_MOST_BAD_ROWS = 1_000
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)

# Python before 3.11.5 loses its place when a possessive group fails after its first sign (python/cpython#106052):
# groups that repeat so are written to fail at once, or where the place does not matter; others are bounded instead.
_STRING = rb"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_QUOTED = rb'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"'
_OPEN = rb"(?:'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+\\?+|\"[^\"\\]*+(?:(?:\\.|\"\")[^\"\\]*+)*+\\?+)"
_NAME = rb"(?:`[^`]++`|\"[^\"]++\"|[\w$\x80-\xff]++)"
_BARE = rb"[^\s,()'\"`;]++"
_TOKEN = (
    rb"(?:(?:_[A-Za-z0-9]++\s*+|[NnXxBb])?(?:" + _STRING + rb"|" + _QUOTED + rb")"
    rb"|" + _BARE + rb"(?!\s*+['\"]))"
)
_TOKENS = re.compile(_TOKEN, re.DOTALL)
# MySQL has at most 4,096 columns (https://dev.mysql.com/doc/refman/8.4/en/column-count-limit.html).
_VALUES = rb"(?:\s*+" + _TOKEN + rb"\s*+,?+){0,5000}"
_ROW = re.compile(rb"\s*+\(" + _VALUES + rb"\s*+\)", re.DOTALL)
# The beginning of a row that the next bytes of the file may complete.
_ROW_BEGUN = re.compile(
    rb"\s*+(?:\(" + _VALUES + rb"(?:\s*+(?:[\w]++\s*+)?+" + _OPEN + rb"|" + _BARE + rb")?\s*+)?\Z",
    re.DOTALL,
)
_AFTER_ROW = re.compile(rb"\s*+([^\s])")
_COMMENT = rb"--(?=[\s])[^\n]*+\n|\#[^\n]*+\n|/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/"
_BLANK = re.compile(rb"[\s;]++|\xef\xbb\xbf|" + _COMMENT)
_COMMENT_BEGUN = re.compile(rb"--?+\Z|--\s|\#|/\Z|/\*")
# What ends a statement, or begins something in which a semicolon does not.
_STOP = re.compile(rb"[;'\"`#]|--(?=\s)|/\*")
_ENCLOSED = re.compile(_STRING + rb"|" + _QUOTED + rb"|`[^`]*+`|" + _COMMENT, re.DOTALL)
# A stop that the end of what is held may have cut in two is no longer than this.
_STOP_LENGTH = 3
_INSERT = re.compile(
    rb"(?:INSERT|REPLACE)(?:\s+(?:IGNORE|LOW_PRIORITY|HIGH_PRIORITY|DELAYED)\b)*(?:\s+INTO\b)?\s*"
    rb"(?:" + _NAME + rb"\s*\.\s*)?(?P<table>" + _NAME + rb")\s*(?P<columns>\([^()]*+\))?\s*VALUES?(?=[\s(])",
    re.IGNORECASE,
)
_CREATE = re.compile(
    rb"CREATE\s+(?:TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:" + _NAME + rb"\s*\.\s*)?"
    rb"(?P<table>" + _NAME + rb")\s*(?=\()",
    re.IGNORECASE,
)
_PARTS = re.compile(_COMMENT + rb"|" + _STRING + rb"|" + _NAME + rb"|[(),]", re.DOTALL)
_NO_COLUMN = frozenset(b"PRIMARY KEY UNIQUE INDEX CONSTRAINT FULLTEXT SPATIAL FOREIGN CHECK PERIOD".split())
_SET_NAMES = re.compile(rb"\bSET\s++NAMES\s++'?(\w++)", re.IGNORECASE)
_DELIMITER = re.compile(rb"DELIMITER\s++(?!;\s*+\n)[^\n]*+\n", re.IGNORECASE)
_DELIMITER_BACK = re.compile(rb"^DELIMITER[ \t]++;[ \t\r]*+$", re.IGNORECASE | re.MULTILINE)
# In a dump the line feeds of texts are escaped, so a line that begins so begins a statement.
_NEXT_STATEMENT = re.compile(rb"\n(?=(?:INSERT|REPLACE|CREATE|LOCK|UNLOCK|DROP|ALTER) )")

Wanted = Callable[[str, Sequence[str]], Collection[str]]
"""Which of a table's columns are wanted, given its name and all of them; none when the table is not."""


class SqlRow(NamedTuple):
    """One row of a wanted table: the line its statement stands on, and its wanted columns; NULL is None."""

    table: str
    line: int
    fields: dict[str, str | None]


class SqlDump:
    """The rows of a dump, plain or as gzip, bzip2, xz or zstd; its first bytes decide, not its name.

    Args:
        path: the file.
        wanted: chooses tables and columns; everything else is passed over without being decoded.
        charset: what the texts are encoded in.
    """

    def __init__(self, path: Path, wanted: Wanted, charset: Charset) -> None:
        self.path = path
        self.tables: list[str] = []
        self._wanted = wanted
        self._charset = charset
        self._columns: dict[str, tuple[str, ...]] = {}
        self._bad = 0

    def __iter__(self) -> Iterator[SqlRow | RecordError]:
        """Yield rows in file order; a row that cannot be read is an error, and reading goes on after it.

        Raises:
            SourceError: the file is no MySQL dump, or mostly unreadable.
            SourceTruncated: it ends in the middle of a statement.
        """
        with _opened(self.path) as file:
            window = _Window(file, self.path)
            while self._at_statement(window):
                yield from self._statement(window)

    def _at_statement(self, window: _Window) -> bool:
        """Move past white space and comments; False at the end of the file."""
        while True:
            window.ensure(_HEAD)
            while found := _BLANK.match(window.data, window.position):
                for name in _SET_NAMES.findall(found[0]):
                    self._charset.declare(name.decode("ascii", "replace"))
                window.advance(found.end())
            if window.position < len(window.data):
                if not _COMMENT_BEGUN.match(window.data, window.position):
                    return True
                if window.data.startswith(b"/*", window.position):
                    window.need_more()
                elif not window.fill():
                    return False
            elif not window.fill():
                return False

    def _statement(self, window: _Window) -> Iterator[SqlRow | RecordError]:
        window.ensure(_HEAD)
        data, start = window.data, window.position
        if found := _INSERT.match(data, start):
            yield from self._insert(window, found)
        elif found := _CREATE.match(data, start):
            table = _plain(found["table"])
            self._columns[table] = tuple(_defined(_whole_statement(window)))
        elif _DELIMITER.match(data, start):
            window.skip_to(_DELIMITER_BACK)
        else:
            self._refuse(data[start : start + 400])
            if name := _SET_NAMES.match(data, start):
                self._charset.declare(name[1].decode("ascii", "replace"))
            _skip_statement(window)

    def _refuse(self, head: bytes) -> None:
        reason = ""
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            reason = "is UTF-16, as PowerShell writes what is sent to it; make the dump with --result-file"
        elif head.startswith(b"<"):
            reason = "is XML; make the dump without --xml"
        elif re.match(rb"COPY\s.+FROM stdin", head, re.IGNORECASE) or b"pg_catalog" in head:
            reason = "is a dump of PostgreSQL, of which only MySQL's and MariaDB's are read; convert it first"
        if reason:
            raise SourceError(f"{self.path}: {reason}")

    def _insert(self, window: _Window, found: re.Match[bytes]) -> Iterator[SqlRow | RecordError]:
        table = _plain(found["table"])
        listed = found["columns"]
        columns = tuple(_plain(name) for name in re.findall(_NAME, listed)) if listed else self._columns.get(table, ())
        wanted = frozenset(self._wanted(table, columns))
        if table not in self.tables:
            self.tables.append(table)
        window.advance(found.end())
        if not wanted:
            _skip_rows(window)
            return
        places = [(index, name) for index, name in enumerate(columns) if name in wanted]
        while True:
            row = _next_row(window)
            if row is None:
                yield self._bad_row(window.line, "is not a row of values; the rest of its statement was passed over")
                window.skip_to(_NEXT_STATEMENT)
                return
            line, tokens = row
            yield self._row(table, line, tokens, (len(columns), places))
            if window.after(_AFTER_ROW) != b",":
                break
        _skip_statement(window)

    def _row(
        self, table: str, line: int, tokens: list[bytes], columns: tuple[int, list[tuple[int, str]]]
    ) -> SqlRow | RecordError:
        count, places = columns
        if len(tokens) != count:
            problem = f"a row of {table} has {len(tokens)} values for {count} columns; make the dump again"
            return self._bad_row(line, problem)
        try:
            fields = {name: literal(tokens[index], self._charset) for index, name in places}
        except ValueError as error:
            return self._bad_row(line, f"a row of {table} has a value that cannot be read ({error})")
        return SqlRow(table, line, fields)

    def _bad_row(self, line: int, problem: str) -> RecordError:
        self._bad += 1
        if self._bad > _MOST_BAD_ROWS:
            raise SourceError(f"{self.path}: more than {_MOST_BAD_ROWS:,} rows cannot be read; make the dump again")
        return RecordError(f"{self.path}:{line}", problem)


class _Window:
    """A part of a file, moved along it; ``line`` is that of ``position``."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.data = b""
        self.position = 0
        self.line = 1
        self._file = file
        self._path = path
        self._ended = False

    def fill(self) -> bool:
        """Read on, at least as much again as is held already; False at the end of the file."""
        held = len(self.data) - self.position
        if held > LARGEST_ROW:
            problem = f"a value is over {LARGEST_ROW:,} bytes; no forum has such, leave that table out of the dump"
            raise SourceError(f"{self._path}:{self.line}: {problem}")
        try:
            more = b"" if self._ended else self._file.read(max(_CHUNK, held))
        except _DAMAGE as error:
            raise self.cut(str(error)) from error
        self._ended = not more
        self.data = self.data[self.position :] + more
        self.position = 0
        return bool(more)

    def ensure(self, size: int) -> None:
        """Hold at least so many bytes, or all that there are."""
        while len(self.data) - self.position < size and self.fill():
            pass

    def need_more(self) -> None:
        """Read on in the middle of something.

        Raises:
            SourceTruncated: there is nothing more.
        """
        if not self.fill():
            raise self.cut("the last statement is not whole")

    def cut(self, reason: str) -> SourceTruncated:
        """The error for a file that breaks off here."""
        return SourceTruncated(f"{self._path}:{self.line}: the dump ends in the middle ({reason}); copy it again")

    def advance(self, position: int) -> None:
        """Move on, counting lines."""
        self.line += self.data.count(b"\n", self.position, position)
        self.position = position

    def after(self, pattern: re.Pattern[bytes]) -> bytes:
        """The sign a pattern finds next, moving past it; b"" before the end of a statement that is left open."""
        while not (found := pattern.match(self.data, self.position)):
            if not self.fill():
                return b""
        if found[1] == b",":
            self.advance(found.end())
        return found[1]

    def skip_to(self, pattern: re.Pattern[bytes]) -> None:
        """Move past the next place a pattern matches, or to the end of the file."""
        while not (found := pattern.search(self.data, self.position)):
            # A match may have begun in the last bytes.
            self.advance(max(self.position, len(self.data) - 64))
            if not self.fill():
                self.advance(len(self.data))
                return
        self.advance(found.end())


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if not path.is_file():
        raise SourceError(f"{path}: no such file; check `dump:`, which is relative to the project folder")
    with path.open("rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic.startswith(b"\x28\xb5\x2f\xfd"):
            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                yield cast("IO[bytes]", stream)
            return
        for start, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open)):
            if magic.startswith(start):
                with opener(file) as stream:
                    yield cast("IO[bytes]", stream)
                return
        yield file


def _next_row(window: _Window) -> tuple[int, list[bytes]] | None:
    """The line and the values of the next row, or None when there is something else."""
    while not (found := _ROW.match(window.data, window.position)):
        if not _ROW_BEGUN.match(window.data, window.position):
            return None
        window.need_more()
    line = window.line
    tokens = _TOKENS.findall(window.data, found.start(), found.end())
    window.advance(found.end())
    # The opening bracket is no token, so the values are what is left.
    return line, tokens


def _skip_rows(window: _Window) -> None:
    """Pass over the rows of a table nobody wants, whole rows at a time."""
    while found := _ROW.match(window.data, window.position):
        window.advance(found.end())
        if window.after(_AFTER_ROW) != b",":
            break
        window.ensure(_HEAD)
    _skip_statement(window)


def _skip_statement(window: _Window) -> None:
    _whole_statement(window, keep=False)


def _whole_statement(window: _Window, *, keep: bool = True) -> bytes:
    """Move past the next semicolon that is in no string and no comment; give what stands before it."""
    offset = 0
    while True:
        data, start = window.data, window.position
        found = _STOP.search(data, start + offset)
        if found is not None and found[0] == b";":
            window.advance(found.end())
            return data[start : found.start()]
        inner = _ENCLOSED.match(data, found.start()) if found else None
        if inner is not None:
            offset = inner.end() - start
        else:
            offset = found.start() - start if found else max(offset, len(data) - start - _STOP_LENGTH)
        if not keep:
            window.advance(start + offset)
            offset = 0
        if inner is None:
            window.need_more()


def _defined(statement: bytes) -> Iterator[str]:
    """The columns of a CREATE TABLE statement, in order."""
    depth, begins = 0, False
    for part in _PARTS.findall(statement):
        if part == b"(":
            depth += 1
            begins = depth == 1
        elif part == b")":
            depth -= 1
            if depth == 0:
                return
        elif part == b",":
            begins = depth == 1
        elif begins and part[:1] not in b"-#/":
            begins = False
            if part.upper() not in _NO_COLUMN:
                yield _plain(part)


def _plain(name: bytes) -> str:
    if name[:1] == b"`":
        name = name[1:-1].replace(b"``", b"`")
    return name.strip(b'"').decode("utf-8", "replace")
