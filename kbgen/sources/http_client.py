"""The only HTTP client: polite, patient, and never led off the host it was sent to.

Not here: when a host may be asked again (``http_pace``), which addresses are private (``http_guard``), what to ask for
(each connector), and what to do when a pass breaks off (``harvest``).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2
import msgspec
import stamina

from kbgen.errors import SourceError
from kbgen.sources.http import Disallowed, Manners, Params, Refused, Reply, address
from kbgen.sources.http_cache import AnswerCache, Kept
from kbgen.sources.http_cassette import Recorder
from kbgen.sources.http_guard import GuardedBackend, is_private_name
from kbgen.sources.http_masks import Masks
from kbgen.sources.http_pace import Pace, asked_backoff, quota_pause, retry_after
from kbgen.sources.robots import MAX_BYTES, Robots, read_robots

# Too much at once, or a machine in between that is not well: worth another try.
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})
_REDIRECTS = 5
_ATTEMPTS = 8
# A host that cannot be reached is down, not busy.
_CONNECTS = 4
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 120.0
_PORTS = {"http": 80, "https": 443}
_REST_OF_ANSWER = 10

# It says on standard error what is retried; here the report does, when retrying did not help.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Busy(SourceError):
    """The host asks to come back later; raised when it was asked too often.

    Args:
        message: for people.
        seconds: how long it asks to wait, None when it does not say.
        reached: whether it answered at all.
    """

    def __init__(self, message: str, seconds: float | None = None, *, reached: bool = True) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.reached = reached


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
        pool = httpcore2.ConnectionPool(network_backend=GuardedBackend(private), max_connections=4)
        self._http = httpx2.Client(
            transport=_Transport(pool),
            headers={"user-agent": network.manners.user_agent, "accept-encoding": "gzip, deflate"},
            timeout=network.manners.timeout,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

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
        asked = _Asked("GET", address(url, params), {**(headers or {}), "accept": accept}, accept)
        return self._finished(asked, self._cached(asked), handled)

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
        asked = _Asked("POST", url, sent, accept, msgspec.json.encode(json))
        return self._finished(asked, self._patiently(asked), handled)

    def _finished(self, asked: _Asked, reply: Reply, handled: Collection[int]) -> Reply:
        shown = Reply(reply.status, self._masks.text(reply.url), reply.headers, reply.body)
        if self._network.recorder is not None:
            self._network.recorder.note((asked.method, asked.url, asked.accept, asked.body), shown, self._masks)
        if reply.status != 200 and reply.status not in handled:
            raise SourceError(f"{shown.url} answers {_said(reply.status)}")
        return shown

    def _cached(self, asked: _Asked) -> Reply:
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
            cache.put(key, Kept(reply.url, reply.headers, reply.body))
        elif reply.status in {401, 403, 404, 410}:
            cache.drop(key)
        return reply

    def _patiently(self, asked: _Asked) -> Reply:
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

    def _followed(self, asked: _Asked, patience: _Patience) -> Reply:
        """Ask once, and go where the host says the address has moved to, if that is on the same host."""
        url = asked.url
        for _ in range(_REDIRECTS):
            reply = self._once(asked, url, patience)
            if reply.status not in _MOVED:
                return reply
            url = self._moved(asked, reply)
        raise SourceError(f"{self._masks.text(asked.url)} redirects more than {_REDIRECTS} times; check the address")

    def _moved(self, asked: _Asked, reply: Reply) -> str:
        place = reply.headers.get("location", "").strip()
        shown = self._masks.text(reply.url)
        if not place:
            raise SourceError(f"{shown} answers {reply.status} and does not say where it moved to; check the address")
        target = urljoin(reply.url, place).partition("#")[0]
        old, new = urlsplit(reply.url), urlsplit(target)
        if _host(target) != _host(reply.url) and not (new.hostname == old.hostname and _upgraded(old.scheme, target)):
            where = self._masks.text(f"{new.scheme}://{new.netloc}")
            msg = (
                f"{shown} redirects to another host, {where}, which is not followed; "
                "if that is the community's address, write it as `url:`"
            )
            raise SourceError(msg)
        if asked.method != "GET" and reply.status not in {307, 308}:
            raise SourceError(f"{shown} answers a POST with a redirect ({reply.status}); check the address")
        return target

    def _once(self, asked: _Asked, url: str, patience: _Patience) -> Reply:
        self._permitted(url)
        rules = self._robots(url, patience) if "html" in asked.accept else None
        parts = urlsplit(url)
        if rules is not None and not rules.allows(f"{parts.path}?{parts.query}" if parts.query else parts.path):
            raise Disallowed(f"{self._masks.text(url)}: robots.txt of {parts.netloc} asks programs not to read it")
        rate = 1 / rules.crawl_delay if rules is not None and rules.crawl_delay else None
        return self._sent(asked, url, patience, rate)

    def _permitted(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or _host(url) not in self._hosts:
            known = ", ".join(sorted(self._hosts)) or "none"
            shown = self._masks.text(f"{parts.scheme}://{parts.hostname}")
            raise Refused(f"{shown} is no host of this source ({known}); nothing was asked there")

    def _sent(self, asked: _Asked, url: str, patience: _Patience, rate: float | None) -> Reply:
        host = _host(url)
        too_long = self._network.pace.wait(host, patience.left, rate=rate)
        if too_long is not None:
            raise SourceError(
                f"{host} asks to wait {too_long:,.0f} seconds, longer than http.patience; run again then: "
                "the harvest goes on where it stopped"
            )
        with (
            self._explained(url),
            self._http.stream(asked.method, url, headers=asked.headers, content=asked.body or None) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers.items()}
            reply = Reply(response.status_code, url, headers, self._body(response, url))
        self._heed(host, reply)
        return reply

    def _body(self, response: httpx2.Response, url: str) -> bytes:
        manners = self._network.manners
        end = time.monotonic() + _REST_OF_ANSWER * manners.timeout
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > manners.max_bytes:
                limit = manners.max_bytes // 1_000_000
                raise SourceError(f"{self._masks.text(url)} answers with more than {limit} MB (http.max_megabytes)")
            if time.monotonic() > end:
                raise Busy(f"{self._masks.text(url)} did not finish its answer in time (http.timeout)", reached=False)
            chunks.append(chunk)
        return b"".join(chunks)

    def _explained(self, url: str) -> _Explained:
        return _Explained(self._masks.text(url))

    def _heed(self, host: str, reply: Reply) -> None:
        """Wait as the host asks to; an answer that says "later" is none.

        Raises:
            Busy: the answer says "later".
        """
        pause = quota_pause(reply.headers)
        asked = asked_backoff(reply.body) or 0.0
        if asked:
            self._network.pace.hold(host, asked)
        if _is_busy(reply):
            seconds = retry_after(reply.headers)
            waits = [value for value in (seconds, pause, asked) if value]
            shown = self._masks.text(reply.url)
            raise Busy(f"{shown} answers {_said(reply.status)}, again and again", max(waits, default=None))
        if pause:
            self._network.pace.hold(host, pause)

    def _robots(self, url: str, patience: _Patience) -> Robots:
        origin = urljoin(url, "/")
        if origin not in self._network.robots:
            asked = _Asked("GET", urljoin(origin, "/robots.txt"), {"accept": "text/plain"}, "text/plain")
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
                raise Busy(f"{asked.url} answers {_said(reply.status)}, so no page may be read")
            agent = self._network.manners.user_agent.split("/", 1)[0]
            rules = reply.status == 200 and not reply.is_page
            text = reply.body[:MAX_BYTES].decode("utf-8", "replace") if rules else ""
            self._network.robots[origin] = read_robots(text, agent)
        return self._network.robots[origin]


@dataclass(frozen=True)
class _Asked:
    method: str
    url: str
    headers: Mapping[str, str]
    accept: str
    body: bytes = b""

    @property
    def host(self) -> str:
        return _host(self.url)

    def when(self, conditions: Mapping[str, str]) -> _Asked:
        return _Asked(self.method, self.url, {**self.headers, **conditions}, self.accept, self.body)


class _Patience:
    """How much waiting is left for one answer."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
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
        return wait


class _Explained:
    """Turns what the HTTP library raises into what a person can act on."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout):
            if "CERTIFICATE" in str(error).upper():
                raise SourceError(f"{self._shown}: the host's certificate is not valid ({error})") from error
            raise Busy(f"{self._shown}: the host cannot be reached ({error or 'no answer'})", reached=False) from error
        if isinstance(error, httpcore2.TimeoutException | httpcore2.NetworkError | httpcore2.ProtocolError):
            said = str(error) or "no answer in time"
            raise Busy(f"{self._shown}: the answer broke off ({said})", reached=False) from error
        if isinstance(error, httpx2.InvalidURL | httpx2.DecodingError | httpcore2.UnsupportedProtocol):
            raise SourceError(f"{self._shown} cannot be read: {error}") from error


class _Transport(httpx2.BaseTransport):
    """Hands requests to a pool whose connections are guarded; the library's own has no place for that."""

    def __init__(self, pool: httpcore2.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        url = request.url
        response = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(response.status, headers=response.headers, stream=_Stream(response))

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Stream(httpx2.SyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def _host(url: str) -> str:
    """Name and port, as ``hosts`` has them."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    name = (parts.hostname or "").lower()
    name = f"[{name}]" if ":" in name else name
    return name if port in {None, _PORTS.get(parts.scheme)} else f"{name}:{port}"


def _upgraded(scheme: str, target: str) -> bool:
    """From plain to encrypted on the usual ports is the same host; the other way tells keys to everybody."""
    return scheme == "http" and urlsplit(target).scheme == "https" and ":" not in _host(target)


def _is_busy(reply: Reply) -> bool:
    if reply.status in _BUSY:
        return True
    if reply.status == 403:
        # GitHub's secondary limits.
        return "retry-after" in reply.headers or reply.headers.get("x-ratelimit-remaining") == "0"
    # Stack Exchange answers 400 with error 502 to who asks too often.
    return reply.status == 400 and b"throttle_violation" in reply.body


_WORDS: Mapping[int, str] = {
    401: "401 (a key is needed, or the one given is wrong)",
    403: "403 (not allowed; the key may lack a permission, or the host keeps programs out)",
    404: "404 (there is nothing; check the address)",
    410: "410 (it is gone)",
    429: "429 (too many requests)",
    500: "500 (it has a fault of its own)",
    502: "502 (it is not well)",
    503: "503 (it is busy or closed for work)",
    504: "504 (it is not well)",
}


def _said(status: int) -> str:
    return _WORDS.get(status, str(status))
