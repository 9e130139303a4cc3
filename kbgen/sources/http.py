"""What a connector sees of the network: an answer, a client to ask with, and the manners it keeps.

Not here: the client itself (``http_client``), so that a build that asks nobody loads no HTTP library; what to ask for
(each connector); what to do when a pass breaks off (``harvest``).
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from kbgen.errors import SourceError

Params = Mapping[str, str | int]
PORTS = {"http": 80, "https": 443}


class Unanswered(SourceError):
    """One address could not be read; others of the host may be fine."""


class Disallowed(SourceError):
    """The host's robots.txt asks programs to keep away from this address; others of the host may be fine."""


class Refused(SourceError):
    """The address is none this source may be asked at: another host, or one in a private network."""


class TooLarge(Unanswered):
    """The answer is longer than the client reads."""


class Moved(Unanswered):
    """The address has moved to another host, which is not followed.

    Args:
        message: for people.
        target: where to; it may carry a signature, and stands in no message.
    """

    def __init__(self, message: str, target: str = "") -> None:
        super().__init__(message)
        self.target = target


@dataclass(frozen=True)
class Manners:
    """How a client behaves towards hosts; set by ``http:`` in ``site_config/kbgen.yml``.

    Attributes:
        user_agent: sent with every request; names the program and whom to write to.
        requests_per_second: to one host, by all sources together.
        timeout: seconds one step of an exchange may take; a whole answer may take ten times as long.
        max_bytes: of one answer, unpacked.
        patience: seconds spent waiting for one answer, over all its retries.
        private_hosts: names that may lead into a private network.
    """

    user_agent: str = "kbgen"
    requests_per_second: float = 3.0
    timeout: float = 30.0
    max_bytes: int = 32_000_000
    patience: float = 900.0
    private_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: 200, or one of the statuses the caller said it would handle.
        url: final address.
        headers: names in lower case.
        body: unpacked.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """Read the body as JSON, whatever media type it calls itself.

        Raises:
            Unanswered: it is something else, such as a login page; the message names the address and says so.
        """
        try:
            return msgspec.json.decode(self.body.removeprefix(codecs.BOM_UTF8))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if self.is_page:
                msg = (
                    f"{self.url} answered with a web page where JSON was asked for: a page to log in at, or one that "
                    "keeps programs out; check the address and the key, or ask who runs the host to let kbgen pass"
                )
                raise Unanswered(msg) from error
            raise Unanswered(f"{self.url} did not answer with JSON: {error}; run again, or report it") from error

    def document(self, **needed: type) -> dict[str, Any]:
        """Read the body as a JSON object.

        Args:
            needed: keys it must have, to what their values are: what an answer lacks is neither empty nor gone.

        Raises:
            Unanswered: it is something else.
        """
        found = self.json()
        if not isinstance(found, dict):
            raise Unanswered(f"{self.url} did not answer with a JSON object; run again, or report it")
        for key, kind in needed.items():
            if found.get(key) is None or not isinstance(found[key], kind):
                raise Unanswered(f"{self.url} answered without {key!r} as it should be; run again, or report it")
        return found

    def text(self) -> str:
        """Read the body as text in the charset it declares, UTF-8 where it declares none."""
        if self.body.startswith(codecs.BOM_UTF8):
            return self.body.decode("utf-8-sig", "replace")
        declared = Message()
        declared["content-type"] = self.headers.get("content-type", "")
        try:
            return self.body.decode(declared.get_content_charset() or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    @property
    def is_page(self) -> bool:
        """Whether this is HTML, whatever it was asked to be."""
        start = self.body[:1024].removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        kind = self.headers.get("content-type", "").lower()
        return start == b"<" and ("html" in kind or "xml" not in kind)


def address(url: str, params: Params | None) -> str:
    """An address with its query parameters."""
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"


def host_of(url: str) -> str:
    """Name of an address's host, with the port when it is not the usual one."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    name = (parts.hostname or "").lower()
    name = f"[{name}]" if ":" in name else name
    return name if port in {None, PORTS.get(parts.scheme)} else f"{name}:{port}"


def in_turns(addresses: Iterable[str]) -> list[str]:
    """Give one of each host after the other: none is asked for long as fast as it allows, and a limit cuts off none.

    Args:
        addresses: absolute.
    """
    by_host: Counter[str] = Counter()
    turns: list[tuple[int, str]] = []
    for address in sorted(addresses):
        host = host_of(address)
        turns.append((by_host[host], address))
        by_host[host] += 1
    return [address for _, address in sorted(turns)]


class Client(Protocol):
    """What a connector may do with the network."""

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """Ask for an address; waits, retries and revalidates by itself.

        Args:
            url: absolute, on a host of the source's configuration.
            params: query parameters.
            headers: such as an API key; never logged.
            accept: the media type asked for; "text/html" asks robots.txt first.
            handled: statuses given back as a ``Reply`` instead of raised, such as 403, 404 and 410.

        Raises:
            SourceError: the host cannot be reached, refuses, redirects elsewhere, or answers with another status.
            Disallowed: robots.txt asks programs to keep away from this address; the pass may go on with others.
        """
        ...

    def post(
        self,
        url: str,
        *,
        json: object,
        headers: Mapping[str, str] | None = None,
        handled: Collection[int] = (),
    ) -> Reply:
        """Send JSON, such as a GraphQL query; otherwise as ``get``."""
        ...
