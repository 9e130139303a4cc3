"""One exchange: a request goes out when the host's pace allows it, an answer comes back or an error says why not.

Sizes and times are limited here. Not here: asking again, following redirects, robots.txt and kept answers
(``http_client``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpcore2
import httpx2

from kbgen.errors import SourceError
from kbgen.sources.http import Manners, Reply, TooLarge, host_of
from kbgen.sources.http_guard import GuardedBackend
from kbgen.sources.http_masks import Masks
from kbgen.sources.http_pace import Pace, asked_backoff, asked_wait, quota_pause, retry_after

# Too much at once, or a machine in between that is not well: worth another try.
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_REST_OF_ANSWER = 10

# They tell every address with its query, keys included, to whoever listens.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.ERROR)


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


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        accept: the media type it asks for.
        body: what it sends.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    accept: str
    body: bytes = b""

    @property
    def host(self) -> str:
        """Name and port, the latter when it is not the usual one."""
        return host_of(self.url)

    def when(self, conditions: Mapping[str, str]) -> Asked:
        """The same, answered in full only if it has changed."""
        return Asked(self.method, self.url, {**self.headers, **conditions}, self.accept, self.body)


class Wire:
    """Connections to the hosts of one source.

    Args:
        backend: opens them.
        manners: limits, and what is said of us.
        pace: shared by all sources.
        masks: for messages.
    """

    def __init__(self, backend: GuardedBackend, manners: Manners, pace: Pace, masks: Masks) -> None:
        self._manners = manners
        self._pace = pace
        self._masks = masks
        self._http = httpx2.Client(
            transport=_Transport(httpcore2.ConnectionPool(network_backend=backend, max_connections=4)),
            headers={"user-agent": manners.user_agent, "accept-encoding": "gzip, deflate"},
            timeout=manners.timeout,
            trust_env=False,
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def send(self, asked: Asked, url: str, patience: float, rate: float | None) -> Reply:
        """Exchange a request for its answer, when the host's pace allows it.

        Args:
            asked: what to ask.
            url: where; a redirect may have led elsewhere than ``asked.url``.
            patience: seconds to wait at most.
            rate: requests a second, when the host asks for fewer than the usual.

        Raises:
            Busy: the host says "later", or cannot be reached; another attempt may help.
            SourceError: no other attempt helps.
        """
        _check_headers(asked.headers)
        host = host_of(url)
        too_long = self._pace.wait(host, patience, rate=rate)
        if too_long is not None:
            raise SourceError(
                f"{host} asks to wait {too_long:,.0f} seconds, longer than http.patience; run again then: "
                "the harvest goes on where it stopped"
            )
        with (
            _Explained(self._masks.text(url)),
            self._http.stream(asked.method, url, headers=asked.headers, content=asked.body or None) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers.items()}
            reply = Reply(response.status_code, url, headers, self._body(response, url))
        self._heed(host, reply)
        return reply

    def _body(self, response: httpx2.Response, url: str) -> bytes:
        manners = self._manners
        end = time.monotonic() + _REST_OF_ANSWER * manners.timeout
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > manners.max_bytes:
                limit = manners.max_bytes // 1_000_000
                raise TooLarge(f"{self._masks.text(url)} answers with more than {limit} MB (http.max_megabytes)")
            if time.monotonic() > end:
                raise Busy(f"{self._masks.text(url)} did not finish its answer in time (http.timeout)", reached=False)
            chunks.append(chunk)
        return b"".join(chunks)

    def _heed(self, host: str, reply: Reply) -> None:
        """Wait as the host asks to; an answer that says "later" is none.

        Raises:
            Busy: the answer says "later".
        """
        pause = quota_pause(reply.headers)
        asked = asked_backoff(reply.body) or 0.0
        if asked:
            self._pace.hold(host, asked)
        if _is_busy(reply):
            seconds = retry_after(reply.headers)
            waits = [value for value in (seconds, pause, asked, asked_wait(reply.body)) if value]
            shown = self._masks.text(reply.url)
            raise Busy(f"{shown} answers {said(reply.status)}, again and again", max(waits, default=None))
        if pause:
            self._pace.hold(host, pause)


def _check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what no header can hold; the library's own words for it quote the value."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise SourceError(f"the header {name} cannot be sent: what it is made of holds a line break or an accent")


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
        if isinstance(error, httpcore2.LocalProtocolError):
            # It quotes what it cannot send, which may be a key.
            raise SourceError(f"{self._shown}: the request cannot be sent; check the address and the keys") from None
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


def said(status: int) -> str:
    """A status as a person understands it."""
    return _WORDS.get(status, str(status))
