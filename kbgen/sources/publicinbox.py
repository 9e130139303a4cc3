"""Mailing lists served by public-inbox: its search lists all messages, each thread comes as one compressed mbox.

A pass over changes reads the feed of new messages; when that does not reach back to the last pass, and in full passes,
all messages are listed, two hundred a request. What is NOT here: what the messages of a thread mean (``mail_thread``).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast
from urllib.parse import quote, unquote, urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from kbgen.errors import RecordError, SourceError
from kbgen.model import RawRecord, Thread
from kbgen.sources.base import Harvested, SourceOptions
from kbgen.sources.feeds import ACCEPT, FeedEntry, changes_since, read_feed
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.mail import Head, message_hash, read_head, read_mail
from kbgen.sources.mail_thread import Letters, MailOptions, parse_letters, permalink, slim_message

_BATCH = 20
_GONE = (403, 404, 410)
_BEGINNING = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)
_UNPACKED = 64 * 2**20


class PublicInboxOptions(MailOptions):
    """Keys of a ``kind: publicinbox`` source; those of ``mbox`` without the archive.

    Attributes:
        url: the list's address on the server, such as ``https://lists.example.org/help``.
    """

    permalink: str | None = Field(
        default="public-inbox", pattern=r"^(hyperkitty|public-inbox|https?://.*\{(id|hash)\}.*)$"
    )


class _Cursor(Struct):
    """Where a pass was interrupted: its mark, and the last thread that is done."""

    mark: str
    after: str


class PublicInboxSource(LiveSource):
    """A list of a public-inbox server."""

    kind = "publicinbox"
    Options = PublicInboxOptions

    def __init__(self, options: SourceOptions, project: Path) -> None:
        super().__init__(options, project)
        self._options = cast("PublicInboxOptions", options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Fetch threads with new messages, or all of them.

        Raises:
            SourceError: the server has no search, or does not answer as public-inbox does.
        """
        cursor = None if walk.cursor is None else msgspec.json.decode(walk.cursor, type=_Cursor)
        changes = changes_since(client, f"{self._options.url}/new.atom", None if walk.full else walk.mark)
        mark = cursor.mark if cursor else changes.mark
        if walk.full or changes.gap:
            listed = _threads(self._messages(client))
            wanted = [
                message
                for message, said in sorted(listed.items())
                if walk.full or known.signature(message_hash(message)) != said
            ]
        else:
            wanted = sorted(_threads(changes.entries))
        if cursor is not None:
            wanted = [message for message in wanted if message > cursor.after]
        yield from self._fetch_all(client, known, wanted, mark)

    def _messages(self, client: Client) -> Iterator[FeedEntry]:
        """All messages, newest first: one that arrives meanwhile shifts the others back, and none is missed."""
        seen: set[str] = set()
        offset = 0
        while True:
            query: dict[str, str | int] = {"q": "d:19700101..", "x": "A", "o": offset}
            reply = client.get(f"{self._options.url}/", params=query, accept=ACCEPT, handled=_GONE)
            try:
                # Past the last page there is the end of a feed alone; a search without results answers 404.
                is_end = reply.status != 200 or reply.body.strip() == b"</feed>"
                entries = () if is_end else read_feed(reply.body, reply.url).entries
            except ValueError as error:
                problem = "does not search; export its mail and read that with `kind: mbox`"
                raise SourceError(f"{self._options.url} {problem} ({error})") from error
            if reply.status != 200 and not offset:
                raise SourceError(
                    f"{self._options.url} lists no messages (status {reply.status}); is the address right?"
                )
            new = [entry for entry in entries if entry.url not in seen]
            if not new:
                return
            seen.update(entry.url for entry in new)
            yield from new
            offset += len(entries)

    def _fetch_all(self, client: Client, known: Known, wanted: Sequence[str], mark: str) -> Iterator[Step]:
        met: set[str] = set()
        for first in range(0, len(wanted), _BATCH):
            part = wanted[first : first + _BATCH]
            items: list[Harvested] = []
            gone: list[str] = []
            for message in part:
                if message in met:
                    continue
                found, members = self._fetch(client, message)
                met |= members
                if found is not None:
                    items.append(found)
                elif known.signature(message_hash(message)) is not None:
                    gone.append(message_hash(message))
            cursor = msgspec.json.encode(_Cursor(mark, part[-1])).decode()
            yield Step(items=items, gone=gone, cursor=cursor, mark=mark, total=len(wanted))
        yield Step(mark=mark)

    def _fetch(self, client: Client, message: str) -> tuple[Harvested | None, set[str]]:
        """The thread a message is in, and the Message-IDs of all its messages."""
        address = f"{self._options.url}/{quote(message, safe='@+=$.~_-')}/t.mbox.gz"
        reply = client.get(address, accept="application/gzip, */*;q=0.1", handled=_GONE)
        if reply.status in _GONE:
            return None, set()
        try:
            raw = [slim_message(data) for data in split_mboxrd(_unpacked(reply.body))]
            heads = [read_head(data) for data in raw]
            root = _root(heads)
            lead = next((data for data, head in zip(raw, heads, strict=True) if head.message_id == root), raw[0])
            url = permalink(read_mail(lead), self._options)
        except (ValueError, IndexError, zlib.error) as error:
            return RecordError(address, f"is not a thread as public-inbox gives it: {error}; run again"), set()
        if message not in {head.message_id for head in heads}:
            return RecordError(address, "the thread does not hold the message that was asked for; run again"), set()
        record = self.record(message_hash(root), "thread", url, Letters.of(raw), address)
        times = [head.sent for head in heads if head.sent]
        return replace(record, signature=_signature(len(raw), times)), {head.message_id for head in heads}

    def parse(self, record: RawRecord) -> Thread:
        """What a thread's messages mean."""
        return parse_letters(record, self._options, "name the message in `removed:`, or harvest the thread again")


def split_mboxrd(data: bytes) -> list[bytes]:
    """The messages of an mbox as public-inbox writes it: one ``>`` is taken off every stuffed ``From`` line."""
    parts = re.split(rb"(?:^|\n)" + re.escape(_BEGINNING), data)
    return [_STUFFED.sub(rb"\1", part) for part in parts if part.strip()]


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(wbits=31)
    plain = unpacker.decompress(data, _UNPACKED)
    if unpacker.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {_UNPACKED // 2**20} MB")
    return plain


def _threads(entries: Iterator[FeedEntry] | Sequence[FeedEntry]) -> Mapping[str, str]:
    """First messages of threads, as far as the entries tell, to how many messages there are and when the last came."""
    parents: dict[str, str] = {}
    times: dict[str, list[datetime]] = {}
    for entry in entries:
        message = _message_id(entry.url)
        if message:
            parents[message] = _message_id(entry.reply_to)
            times[message] = [entry.at] if entry.at else []
    found: dict[str, tuple[int, list[datetime]]] = {}
    for message, own in times.items():
        root, passed = message, {message}
        while parents.get(root) and parents[root] in parents and parents[root] not in passed:
            root = parents[root]
            passed.add(root)
        count, all_times = found.get(root, (0, []))
        found[root] = (count + 1, all_times + own)
    return {root: _signature(count, all_times) for root, (count, all_times) in found.items()}


def _message_id(url: str) -> str:
    """The Message-ID at the end of a message's address."""
    return unquote(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]) if url else ""


def _signature(count: int, times: Sequence[datetime]) -> str:
    return f"{count} {max(times).isoformat() if times else ''}"


def _root(heads: Sequence[Head]) -> str:
    """The message a thread begins with; replies may stand before it, and it may be missing."""
    there = {head.message_id for head in heads}
    first = [head for head in heads if not there.intersection(head.references)]
    stamps = [(head.sent.timestamp() if head.sent else float("inf"), head.message_id) for head in first or heads]
    return min(stamps)[1]
