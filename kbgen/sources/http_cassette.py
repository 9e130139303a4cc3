"""A recording of exchanges: JSON lines, zstd-compressed, without keys and without e-mail addresses.

For tests and for reports of faults; ``kbgen.testing.Replay`` answers from one. Not here: the exchanges themselves.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import zstandard

from kbgen.errors import UsageError
from kbgen.sources.http import Reply
from kbgen.sources.http_masks import Masks

# What changes how a connector or the client acts on an answer.
_HEADERS = (
    "content-type",
    "date",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-robots-tag",
)


class Exchange(msgspec.Struct, frozen=True):
    """A request and what came back.

    Attributes:
        url: with its query; secrets are masked.
        sent: the body that was sent, "" for none.
        body: as text; base64 when ``binary``.
    """

    method: str
    url: str
    accept: str
    sent: str
    status: int
    final: str
    headers: dict[str, str]
    body: str
    binary: bool = False

    def reply(self) -> Reply:
        """The answer as the client gave it."""
        body = base64.b64decode(self.body) if self.binary else self.body.encode()
        return Reply(self.status, self.final, self.headers, body)


class Recorder:
    """Writes exchanges as they happen; each is complete in the file when it returns.

    Args:
        file: written anew.

    Raises:
        UsageError: it cannot be written.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._file = file.open("wb")
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}; name a file that can be written") from error
        self._writer = zstandard.ZstdCompressor(level=9).stream_writer(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]

    def note(self, request: tuple[str, str, str, bytes], reply: Reply, masks: Masks) -> None:
        """Write one exchange.

        Args:
            request: method, address with query, accepted media type, body.
            reply: what came back.
            masks: of the source that asked.
        """
        method, url, accept, sent = request
        body, binary = _text(reply.body, masks)
        exchange = Exchange(
            method=method,
            url=masks.recorded(url),
            accept=accept,
            sent=masks.recorded(sent.decode()),
            status=reply.status,
            final=masks.recorded(reply.url),
            headers=masks.headers(reply.headers, _HEADERS),
            body=body,
            binary=binary,
        )
        self._writer.write(msgspec.json.encode(exchange) + b"\n")
        self._writer.flush(zstandard.FLUSH_BLOCK)


def read_cassette(file: Path) -> Iterator[Exchange]:
    """The exchanges of a recording, up to where a killed run left it.

    Raises:
        UsageError: the file cannot be read, or is none.
    """
    try:
        with file.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as reader:
            pending = b""
            while chunk := reader.read(1 << 16):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    yield msgspec.json.decode(line, type=Exchange)
    except (OSError, zstandard.ZstdError, msgspec.DecodeError) as error:
        raise UsageError(f"{file} is no recording of kbgen: {error}; record it with kbgen harvest --record") from error


def _text(body: bytes, masks: Masks) -> tuple[str, bool]:
    try:
        return masks.recorded(body.decode()), False
    except UnicodeDecodeError:
        # Of pages in other charsets the bytes matter; addresses and keys are ASCII in all of them.
        return base64.b64encode(masks.recorded(body.decode("latin-1")).encode("latin-1")).decode(), True
