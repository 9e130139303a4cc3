"""Which messages a mail archive holds, where each one lies, and which belong to one thread.

Only headers are kept: a body is read when its thread is. What is NOT here: what a message says (``mail``), and what a
thread means (``mail_thread``).
"""

from __future__ import annotations

import gzip
import re
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import IO

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.archives import folder_files
from kbgen.sources.mail import Head, read_head
from kbgen.sources.mail_thread import MailOptions, base_subject, is_reply

SUFFIXES = (".mbox", ".mbx", ".txt", ".gz", ".eml")
"""How the files of a folder that are read end; a file named itself may end anyhow."""
_ENVELOPE = re.compile(rb"From .*\b\d{1,2}:\d\d(?::\d\d)?\b.*\b\d{4}\b")
_HEADER = re.compile(rb">?From |[!-9;-~]+[ \t]*:")
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEAD_CAP = 65_536
_PIECE = 2**16
_GZIP = b"\x1f\x8b"
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies: bytes ``start`` to ``end`` of a file, from a line of it."""

    file: Path
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """A message of the archive: its headers, where it lies, and what people call that place."""

    head: Head
    place: Place
    label: str


@dataclass
class Archive:
    """The messages of an archive by thread.

    Attributes:
        threads: each thread's first Message-ID, to its messages in the order of the archive.
        faults: messages that could not be taken in.
        truncated: a compressed file ended in the middle.
    """

    threads: dict[str, list[Found]] = field(default_factory=dict)
    faults: list[RecordError] = field(default_factory=list)
    truncated: SourceTruncated | None = None


def archive_files(path: Path) -> list[Path]:
    """The files of an archive, in path order.

    Raises:
        SourceError: there are none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(f"{path}: no such file or folder; check `archive:`, which is relative to the project folder")
    found = [file for name, file in folder_files(path) if name.lower().endswith(SUFFIXES)]
    if not found:
        raise SourceError(f"{path}: holds no mail archive; name files {', '.join(SUFFIXES)}")
    return found


@contextmanager
def opened_archive(path: Path, options: MailOptions, *, cap: int, window: timedelta) -> Iterator[Archive]:
    """Find every message and thread; compressed files are unpacked to a temporary folder meanwhile.

    Args:
        path: a file, or a folder of files.
        options: the source's block.
        cap: messages of more bytes are faults.
        window: how long after its last message a thread may be answered by subject alone.

    Raises:
        SourceError: there is no archive, or a file is none.
    """
    with ExitStack() as stack:
        archive = Archive()
        found: dict[str, Found] = {}
        for file in archive_files(path):
            plain, whole = file, True
            if _is_gzip(file):
                plain = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kbgen-"))) / "plain"
                whole = _unpack(file, plain, archive)
            items = list(_messages(plain, file, cap))
            # The last message of a file that broke off is none.
            _take_in(items if whole else items[:-1], archive, found)
        archive.threads = gathered(list(found.values()), options, window)
        yield archive


def _is_gzip(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def _unpack(file: Path, plain: Path, archive: Archive) -> bool:
    """Unpack a file as far as it goes, and tell whether it was whole."""
    with plain.open("wb") as target, gzip.open(file) as stream:
        try:
            # Not ``read``: it gives nothing of the last stretch when the file breaks off in it.
            while piece := stream.read1(_PIECE):
                target.write(piece)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            archive.truncated = SourceTruncated(f"{file}: ends in the middle ({error}); copy or fetch it again")
            return False
    return True


def _take_in(items: Iterable[Found | RecordError], archive: Archive, found: dict[str, Found]) -> None:
    for item in items:
        if isinstance(item, RecordError):
            archive.faults.append(item)
        else:
            # Cross-posts, and archives of overlapping months: the first copy counts.
            found.setdefault(item.head.message_id, item)


def _messages(plain: Path, file: Path, cap: int) -> Iterator[Found | RecordError]:
    with plain.open("rb") as stream:
        for place in _places(stream, plain):
            label = f"{file}:{place.line}"
            if place.end - place.start > cap:
                problem = f"is {place.end - place.start:,} bytes, over the limit of {cap:,}"
                yield RecordError(label, f"the message {problem}; raise `message_megabytes` or remove it")
                continue
            stream.seek(place.start)
            head = read_head(stream.read(min(place.end - place.start, _HEAD_CAP)).partition(b"\n\n")[0] + b"\n\n")
            yield Found(head, place, label)


def _places(stream: IO[bytes], file: Path) -> Iterator[Place]:
    """Split a file where an envelope line follows an empty one and is followed by a header (RFC 4155, appendix A).

    The line has to have a time and a year: not every program that wrote archives masked "From " in bodies.
    """
    starts = _starts(stream)
    start, line = next(starts, (0, 1))
    if start:
        # What stands before the first envelope is no message.
        stream.seek(0)
    for later, later_line in starts:
        yield Place(file, start, later, line)
        start, line = later, later_line
    size = file.stat().st_size
    if size > start:
        yield Place(file, start, size, line)


def _starts(stream: IO[bytes]) -> Iterator[tuple[int, int]]:
    stream.seek(0)
    offset, empty, held = 0, True, None
    position = stream.tell()
    for number, line in enumerate(iter(stream.readline, b""), 1):
        if held and _HEADER.match(line):
            after = position + len(line)
            yield held
            # The caller reads messages in between.
            stream.seek(after)
        held = (offset, number) if empty and line.startswith(b"From ") and _ENVELOPE.match(line) else None
        empty = line in {b"\n", b"\r\n"}
        offset += len(line)
        position = offset


def read_message(place: Place) -> bytes:
    """The bytes of a message, its line ends as LF and the masks of its "From " lines taken off (mboxrd)."""
    with place.file.open("rb") as stream:
        stream.seek(place.start)
        data = stream.read(place.end - place.start)
    return _STUFFED.sub(rb"\1", data.replace(b"\r\n", b"\n"))


def gathered(messages: list[Found], options: MailOptions, window: timedelta) -> dict[str, list[Found]]:
    """Put messages into threads: by ``References`` and ``In-Reply-To``, and what has neither by subject and time.

    A message that answers one but has a subject of its own, without "Re:", begins another thread: whoever wants to ask
    something else often just takes any message of the list to answer.
    """
    parent: dict[str, str] = {}
    subjects = {one.head.message_id: base_subject(one.head.subject, options).casefold() for one in messages}
    for one in messages:
        for earlier, later in pairwise([*_chain(one.head, subjects), one.head.message_id]):
            _join(parent, later, earlier)
    _join_by_subject(messages, subjects, parent, window)
    threads: defaultdict[str, list[Found]] = defaultdict(list)
    for one in messages:
        threads[_first(parent, one.head.message_id)].append(one)
    return dict(threads)


def _chain(head: Head, subjects: dict[str, str]) -> list[str]:
    references = [name for name in head.references if name != head.message_id]
    answered = next((name for name in reversed(references) if name in subjects), None)
    own = subjects[head.message_id]
    if answered and own != subjects[answered] and not is_reply(head.subject) and "was:" not in head.subject.lower():
        return []
    return references


def _first(parent: dict[str, str], name: str) -> str:
    trail = []
    while name in parent:
        trail.append(name)
        name = parent[name]
    for passed in trail[:-1]:
        parent[passed] = name
    return name


def _join(parent: dict[str, str], later: str, earlier: str) -> None:
    """Put a message below an earlier one; the first of a thread stays its name whoever is found in between."""
    below, above = _first(parent, later), _first(parent, earlier)
    if below != above:
        parent[below] = above


def _join_by_subject(
    messages: list[Found], subjects: dict[str, str], parent: dict[str, str], window: timedelta
) -> None:
    """Answers without references to anything known follow the last thread with their subject, while it is recent."""
    last: dict[str, tuple[datetime, str]] = {}
    here = subjects.keys()
    for one in sorted(messages, key=lambda found: (found.head.sent or _NEVER, found.head.message_id)):
        head, subject = one.head, subjects[one.head.message_id]
        when = head.sent or _NEVER
        known = last.get(subject)
        # Also one that answers what is not in the archive.
        answers = bool(head.references) or is_reply(head.subject)
        alone = answers and not any(name in here for name in head.references)
        if alone and known and subject and when - known[0] <= window:
            _join(parent, head.message_id, known[1])
        last[subject] = (when, head.message_id)
