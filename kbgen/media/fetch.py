"""Asking hosts for images: any public host, no private network, no key of anybody's, no more than is needed.

Bodies name hosts nobody wrote into the configuration. So every host gets a client of its own that may talk to that
host alone, a private address is refused whatever it calls itself, and a redirect to another host is judged like a new
address. Not here: how often, and what becomes of the bytes.
"""

from __future__ import annotations

from collections.abc import Collection
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from kbgen.errors import SourceError
from kbgen.sources.http import Moved, Refused, Reply, TooLarge, host_of
from kbgen.sources.http_client import HttpClient, Network
from kbgen.sources.http_guard import is_private_name

_ACCEPT = "image/webp,image/png,image/jpeg,image/gif,image/*;q=0.8"
_HOPS = 4
_STATUSES = range(400, 600)
_GONE = frozenset({404, 410, 451})
# A host that is down is asked no more in this run: its other images would cost a timeout each.
_STRIKES = 3
_MOST_CLIENTS = 16


class Unfetched(Exception):
    """There is nothing to show.

    Args:
        reason: ``gone``, ``refused``, ``private``, ``large`` or ``unreachable``.
        asked: whether anybody was asked: a host that is down costs its images no attempt.
    """

    def __init__(self, reason: str, *, asked: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.asked = asked


class Fetcher:
    """Fetches images while its ``with`` block lasts.

    Args:
        network: pace and limits, shared by all hosts.
        own: hosts of the configured sources, with their port; they may be private ones.
    """

    def __init__(self, network: Network, own: Collection[str]) -> None:
        self._network = network
        self._own = frozenset(host.lower() for host in own)
        self._clients: dict[str, HttpClient] = {}
        self._strikes: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def fetch(self, url: str) -> bytes:
        """The bytes at an address.

        Args:
            url: absolute, with its signature if it needs one; it is in no message.

        Raises:
            Unfetched: there are none to be had.
        """
        for _ in range(_HOPS):
            host = self._permitted(url)
            if self._strikes.get(host, 0) >= _STRIKES:
                raise Unfetched("unreachable", asked=False)
            try:
                return self._bytes(self._client(host).get(url, accept=_ACCEPT, handled=_STATUSES))
            except Moved as moved:
                url = moved.target
            except Refused as error:
                raise Unfetched("private") from error
            except TooLarge as error:
                raise Unfetched("large") from error
            except SourceError as error:
                self._strikes[host] = self._strikes.get(host, 0) + 1
                raise Unfetched("unreachable") from error
        raise Unfetched("unreachable")

    def _bytes(self, reply: Reply) -> bytes:
        if reply.status in _GONE:
            raise Unfetched("gone")
        if reply.status != 200:
            raise Unfetched("refused" if reply.status < 500 else "unreachable")
        self._strikes.pop(host_of(reply.url), None)
        return reply.body

    def _permitted(self, url: str) -> str:
        host = host_of(url)
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise Unfetched("private") from error
        name = (parts.hostname or "").lower()
        known = host in self._own or name in self._network.manners.private_hosts
        if not name or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
            raise Unfetched("private")
        # A client lets an address through that it was made for; these were made for what a stranger wrote.
        if is_private_name(name) and not known:
            raise Unfetched("private")
        return host

    def _client(self, host: str) -> HttpClient:
        if host not in self._clients:
            if len(self._clients) >= _MOST_CLIENTS:
                self._clients.pop(next(iter(self._clients))).close()
            self._clients[host] = HttpClient((host,), self._network)
        return self._clients[host]
