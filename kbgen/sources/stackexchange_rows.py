"""The rows of one XML file of a Stack Exchange dump, as a stream that goes on after a bad one.

A dump has one row a line, which allows a quick way: some whole lines at a time, each lot a document of its own. Where a
line is anything else, from a bad row to a row over two lines, a slow way reads on that knows of each row where it
stands. What is NOT here: which rows count and what belongs together (``stackexchange_dump``).
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from lxml import etree

from kbgen.errors import RecordError, SourceError, SourceTruncated

_CHUNK = 2**18
_LONGEST = 2**20
_ROW_ENDS = (b"/>\n", b"/>\r\n")
_HEAD = 1024
# A file with more bad rows than this is damaged as a whole.
_MOST_BAD_ROWS = 1_000
# libxml2 keeps line numbers in 16 bits where it was not told otherwise.
_LAST_LINE = 65_534
# How every published dump begins; the encoding named decides how the rest is read.
_PROLOGUE = rb'(?:\xef\xbb\xbf)?(?:<\?xml version="1\.0" encoding="utf-8"\?>\r?\n)?<%s>\r?\n'


class Row(NamedTuple):
    """The attributes of one row and the line it stands on."""

    line: int
    fields: dict[str, str]


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
        self._root = path.stem.lower().encode()
        self._row_line = 0

    def __iter__(self) -> Iterator[Row | RecordError]:
        """Yield rows in file order.

        Raises:
            SourceTruncated: the file ends before its last tag.
            SourceError: it is not a dump's XML, or holds more bad rows than a few.
        """
        line, prefix = 1, b""
        root = self._root
        with self.path.open("rb") as file:
            if b"<" + root not in file.read(_HEAD).lower():
                raise SourceError(
                    f"{self.shown}:1: is not a dump's XML, which begins with <{root.decode()}>; download it again"
                )
            file.seek(0)
            for _ in range(_MOST_BAD_ROWS):
                line, prefix = yield from self._quick(file, line, prefix)
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

    def _quick(self, file: IO[bytes], line: int, prefix: bytes) -> Generator[Row, None, tuple[int, bytes]]:
        """Read on for as long as every line is a whole row.

        Returns:
            The line that the slow way has to begin with, where the file now stands, and what to set before it.
        """
        opening = b"<" + self._root + b">"
        if not prefix:
            prologue = re.match(_PROLOGUE % re.escape(self._root), file.read(_HEAD), re.IGNORECASE)
            file.seek(prologue.end() if prologue else 0)
            if prologue is None:
                return line, prefix
            line, prefix = 1 + prologue[0].count(b"\n"), opening
        # Entities need no mention: without a document type there are none but XML's own.
        parser = etree.XMLParser(target=cast("Any", _Attributes()), no_network=True)
        while lot := self._lot(file, line):
            rows: list[dict[str, str]] = []
            with suppress(etree.XMLSyntaxError):
                rows = etree.XML(opening + lot.text + b"</" + self._root + b">", parser)  # type: ignore[assignment]
            if lot.lines is None or len(rows) != len(lot.lines):
                file.seek(-lot.size, io.SEEK_CUR)
                break
            yield from map(Row, lot.lines, rows)
            line += lot.height
            self._row_line = line - 1
        return line, prefix

    def _lot(self, file: IO[bytes], first: int) -> _Lot | None:
        """The next lines, up to the last that ends a row; None when none does."""
        text = file.read(_CHUNK)
        if not (whole := _whole(text)):
            # A single row may be longer than a lot.
            text += file.read(_LONGEST)
            whole = _whole(text)
        file.seek(whole - len(text), io.SEEK_CUR)
        if not whole:
            return None
        text = text[:whole]
        count = text.count(b"\n")
        if count not in itertools.accumulate(map(text.count, _ROW_ENDS)):
            return _Lot(text, None, count, whole)
        if not self._needed:
            return _Lot(text, range(first, first + count), count, whole)
        found = dict(_lines_with(self._needed, text))
        return _Lot(b"".join(found.values()), [first + number for number in found], count, whole)

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


class _Lot(NamedTuple):
    """Some lines of a file.

    Attributes:
        text: those of them that count.
        lines: the number of each of these; None when some line does not end a row.
        height: how many lines there are in all.
        size: of all lines, in bytes.
    """

    text: bytes
    lines: Sequence[int] | None
    height: int
    size: int


def _lines_with(needed: bytes, text: bytes) -> Iterator[tuple[int, bytes]]:
    """The number, from 0, of each line that holds some bytes, and the line."""
    number = counted = 0
    at = text.find(needed)
    while at >= 0:
        start, end = text.rfind(b"\n", 0, at) + 1, text.index(b"\n", at) + 1
        number, counted = number + text.count(b"\n", counted, start), start
        yield number, text[start:end]
        at = text.find(needed, end)


def _whole(text: bytes) -> int:
    """How many bytes go up to the last end of a row."""
    return next((at + len(end) for end in _ROW_ENDS if (at := text.rfind(end)) >= 0), 0)


class _Attributes:
    """A target of lxml's parser that keeps nothing of a document but its rows' attributes."""

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "row":
            self._rows.append(attributes)

    def close(self) -> list[dict[str, str]]:
        rows, self._rows = self._rows, []
        return rows


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
