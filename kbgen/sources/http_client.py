"""The only HTTP client: polite, patient, and never led off the host it was sent to.

Not here: when a host may be asked again (``http_pace``), which addresses are private (``http_guard``), one
exchange (``http_wire``), what to ask for (each connector), and what to do when a pass breaks off (``harvest``).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urljoin, urlsplit

import msgspec
import stamina

from kbgen.errors import SourceError
from kbgen.sources.http import PORTS, Disallowed, Manners, Moved, Params, Refused, Reply, Unanswered, address, host_of
from kbgen.sources.http_cache import AnswerCache, Kept
from kbgen.sources.http_cassette import Recorder
from kbgen.sources.http_guard import GuardedBackend, is_private_name
from kbgen.sources.http_masks import Masks
from kbgen.sources.http_pace import Pace
from kbgen.sources.http_wire import Asked, Busy, Wire, said
from kbgen.sources.robots import MAX_BYTES, Robots, read_robots

_MOVED = frozenset({301, 302, 303, 307, 308})
_REDIRECTS = 5
_ATTEMPTS = 8
# A host that cannot be reached is down, not busy.
_CONNECTS = 4
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 120.0

# It says on standard error what is retried; here the report does, when retrying did not help.
logging.getLogger("stamina").addHandler(logging.NullHandler())


@dataclass
class Network:
    """What the clients of all sources share: pace, kept answers, robots.txt, and a recording.

    Attributes:
        manners: how they behave.
        pace: one bucket a host.
        cache: answers that can be revalidated, None to keep none.
        recorder: writes every exchange down; then nothing is asked conditionally, so that the recording is whole.
    """

    manners: Manners = field(default_factory=Manners)
    pace: Pace = field(init=False)
    cache: AnswerCache | None = None
    recorder: Recorder | None = None
    robots: dict[str, Robots] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pace = Pace(self.manners.requests_per_second)


class HttpClient:
    """A client for one source. See ``Client`` for what it does.

    Args:
        hosts: of the source's configuration, with their port when it is not the usual one.
        network: shared by all sources of a run.
        secrets: never said or recorded.
    """

    def __init__(self, hosts: Collection[str], network: Network, secrets: Collection[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._network = network
        self._masks = Masks(secrets)
        names = {urlsplit(f"//{host}").hostname or "" for host in self._hosts}
        private = {name for name in names if is_private_name(name)} | network.manners.private_hosts
        self._wire = Wire(GuardedBackend(private), network.manners, network.pace, self._masks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """Ask for an address; see ``Client.get``."""
        asked = Asked("GET", address(url, params), {**(headers or {}), "accept": accept}, accept)
        return self._finished(asked, self._cached(asked), handled)

    def head(self, url: str, *, accept: str, handled: Collection[int] = ()) -> Reply:
        """Ask whether there is something at an address; as ``get``, without a body, and nothing is kept."""
        asked = Asked("HEAD", url, {"accept": accept}, accept)
        return self._finished(asked, self._patiently(asked), handled)

    def post(
        self,
        url: str,
        *,
        json: object,
        headers: Mapping[str, str] | None = None,
        handled: Collection[int] = (),
    ) -> Reply:
        """Send JSON; see ``Client.post``."""
        accept = "application/json"
        sent = {**(headers or {}), "accept": accept, "content-type": accept}
        asked = Asked("POST", url, sent, accept, msgspec.json.encode(json))
        return self._finished(asked, self._patiently(asked), handled)

    def _finished(self, asked: Asked, reply: Reply, handled: Collection[int]) -> Reply:
        shown = Reply(reply.status, self._masks.text(reply.url), reply.headers, reply.body)
        if self._network.recorder is not None:
            self._network.recorder.note((asked.method, asked.url, asked.accept, asked.body), shown, self._masks)
        if reply.status != 200 and reply.status not in handled:
            raise Unanswered(f"{shown.url} answers {said(reply.status)}")
        return shown

    def _cached(self, asked: Asked) -> Reply:
        cache = None if self._network.recorder else self._network.cache
        if cache is None:
            return self._patiently(asked)
        key = cache.key(asked.method, asked.url, asked.headers)
        kept = cache.get(key)
        reply = self._patiently(asked.when(kept.conditions() if kept else {}))
        if reply.status == 304 and kept is not None:
            cache.used(key)
            return Reply(200, kept.url, {**kept.headers, **reply.headers}, kept.body)
        # A page to log in at, where data was asked for, is never kept.
        if reply.status == 200 and ("html" in asked.accept or not reply.is_page):
            cache.put(key, Kept(self._masks.text(reply.url), reply.headers, reply.body))
        elif reply.status in {401, 403, 404, 410}:
            cache.drop(key)
        return reply

    def _patiently(self, asked: Asked) -> Reply:
        """Ask, and again while the host is busy and patience lasts."""
        patience = _Patience(self._network.manners.patience)

        def again(error: Exception) -> bool | float:
            wait = patience.next_wait(error)
            if wait is None:
                return False
            # The wait is the host's, not this request's: other sources on it wait as well.
            self._network.pace.hold(asked.host, wait)
            return 0.0

        for attempt in stamina.retry_context(on=again, attempts=_ATTEMPTS, timeout=None):
            with attempt:
                return self._followed(asked, patience)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _followed(self, asked: Asked, patience: _Patience) -> Reply:
        """Ask once, and go where the host says the address has moved to, if that is on the same host."""
        url = asked.url
        for _ in range(_REDIRECTS):
            reply = self._once(asked, url, patience)
            if reply.status not in _MOVED:
                return reply
            url = self._moved(asked, reply)
        raise Unanswered(f"{self._masks.text(asked.url)} redirects more than {_REDIRECTS} times; check the address")

    def _moved(self, asked: Asked, reply: Reply) -> str:
        place = reply.headers.get("location", "").strip()
        shown = self._masks.text(reply.url)
        if not place:
            raise Unanswered(f"{shown} answers {reply.status} and does not say where it moved to; check the address")
        try:
            target = urljoin(reply.url, place).partition("#")[0]
            old, new = urlsplit(reply.url), urlsplit(target)
        except ValueError as error:
            raise Unanswered(f"{shown} redirects to what is no address ({error}); check it in a browser") from error
        # From encrypted to plain, keys would be told to everybody on the way.
        if host_of(target) != host_of(reply.url) or (old.scheme, new.scheme) == ("https", "http"):
            where = self._masks.text(f"{new.scheme}://{new.netloc}")
            msg = (
                f"{shown} redirects to another host, {where}, which is not followed; "
                "if that is the community's address, write it as `url:`"
            )
            raise Moved(msg, target)
        if asked.method == "POST" and reply.status not in {307, 308}:
            raise SourceError(f"{shown} answers a POST with a redirect ({reply.status}); check the address")
        return target

    def _once(self, asked: Asked, url: str, patience: _Patience) -> Reply:
        self._permitted(url)
        rules = self._robots(url, patience) if "html" in asked.accept else None
        parts = urlsplit(url)
        if rules is not None and not rules.allows(f"{parts.path}?{parts.query}" if parts.query else parts.path):
            raise Disallowed(f"{self._masks.text(url)}: robots.txt of {parts.netloc} asks programs not to read it")
        rate = 1 / rules.crawl_delay if rules is not None and rules.crawl_delay else None
        try:
            return self._wire.send(asked, url, patience.budget, rate)
        finally:
            patience.waited()

    def _permitted(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or host_of(url) not in self._hosts:
            known = ", ".join(sorted(self._hosts)) or "none"
            shown = self._masks.text(f"{parts.scheme}://{parts.hostname}")
            raise Refused(f"{shown} is no host of this source ({known}); nothing was asked there")

    def _robots(self, url: str, patience: _Patience) -> Robots:
        origin = urljoin(url, "/")
        if origin not in self._network.robots:
            asked = Asked("GET", urljoin(origin, "/robots.txt"), {"accept": "text/plain"}, "text/plain")
            try:
                reply = self._followed(asked, patience)
            except Busy:
                raise
            except Refused:
                raise
            except SourceError:
                # It redirects elsewhere: there are no rules of this host.
                reply = Reply(404, asked.url, {}, b"")
            if reply.status >= 500:
                # RFC 9309 section 2.3.1.4: a host that cannot say is not crawled.
                raise Busy(f"{asked.url} answers {said(reply.status)}, so no page may be read")
            agent = self._network.manners.user_agent.split("/", 1)[0]
            rules = reply.status == 200 and not reply.is_page
            text = reply.body[:MAX_BYTES].decode("utf-8", "replace") if rules else ""
            self._network.robots[origin] = read_robots(text, agent)
        return self._network.robots[origin]


class _Patience:
    """How much waiting is left for one answer."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self._aside = 0.0
        self._tries = 0
        self._unreached = 0

    def next_wait(self, error: Exception) -> float | None:
        """Seconds before the next attempt; None when there is no sense in another one."""
        if not isinstance(error, Busy):
            return None
        self._tries += 1
        self._unreached += not error.reached
        wait = error.seconds
        if wait is None:
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (self._tries - 1))
        # Clients that were sent away together do not come back together.
        wait *= 1 + random.uniform(0, 0.25)  # noqa: S311
        if wait > self.left or self._unreached >= _CONNECTS:
            return None
        self.left -= wait
        self._aside = wait
        return wait

    @property
    def budget(self) -> float:
        """Seconds the next exchange may wait: what is left, and what was set aside for it."""
        return self.left + self._aside

    def waited(self) -> None:
        """What was set aside for an exchange is used up."""
        self._aside = 0.0
