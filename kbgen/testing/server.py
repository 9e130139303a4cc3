# ruff: noqa: PT028 - what is called testing_... is no test
"""A fake platform: a web server on loopback that says what a test tells it to, and a client that may talk to it.

Standard library only, for any test runner. Not here: what a platform says, which is for the connector's own tests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from kbgen.sources.http import Manners
from kbgen.sources.http_client import HttpClient, Network
from kbgen.sources.http_pace import Pace


@dataclass(frozen=True)
class Request:
    """A request as it arrived.

    Attributes:
        query: the last value of each parameter.
        headers: names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Canned:
    """An answer, byte for byte."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class FakeServer:
    """Answers on a free port of 127.0.0.1 while its ``with`` block lasts.

    Attributes:
        requests: everything that was asked, in order.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._routes: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """Name and port, as a client's ``hosts`` have them."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Of its root, without a slash at the end."""
        return f"http://{self.host}"

    def route(self, path: str, answer: Any) -> None:
        """Say what a path answers from now on.

        Args:
            path: without query.
            answer: a ``Canned``; a function of the ``Request``; a list of answers, given one after the other, the last
                one staying (wrap a JSON list in a list); anything else is sent as JSON.
        """
        with self._lock:
            self._routes[path] = list(answer) if isinstance(answer, list) else answer

    def drop(self, path: str) -> None:
        """Answer 404 there from now on."""
        with self._lock:
            self._routes.pop(path, None)

    def paths(self) -> list[str]:
        """Paths that were asked for, in order."""
        return [request.path for request in self.requests]

    def answer(self, request: Request) -> Canned:
        """What a request is answered with; it is noted."""
        with self._lock:
            self.requests.append(request)
            found = self._routes.get(request.path, Canned(404, _JSON, b'{"error":"no such page"}'))
            if isinstance(found, list) and found:
                found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            found = found(request)
        return found if isinstance(found, Canned) else Canned(200, _JSON, json.dumps(found).encode())


class InstantClock:
    """A clock on which waiting takes no time.

    Attributes:
        waited: seconds that would have been spent waiting.
    """

    def __init__(self) -> None:
        self._now = 1000.0
        self.waited: list[float] = []

    def now(self) -> float:
        """Seconds since some moment."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let them pass at once."""
        self.waited.append(seconds)
        self._now += seconds


def testing_network(manners: Manners | None = None, clock: InstantClock | None = None) -> Network:
    """A network on which no wait takes time, and nothing is kept between requests."""
    network = Network(manners or Manners(user_agent="kbgen/test", timeout=5.0))
    network.pace = Pace(network.manners.requests_per_second, clock or InstantClock())
    return network


def testing_client(server: FakeServer, network: Network | None = None, secrets: tuple[str, ...] = ()) -> HttpClient:
    """A client that may talk to that server and nobody else, and does not wait.

    Args:
        server: running.
        network: shared with other clients of the test; its own by default.
        secrets: never said or recorded.
    """
    return HttpClient((server.host,), network or testing_network(), secrets)


# Test runners take functions of that name for tests.
testing_client.__test__ = testing_network.__test__ = False  # type: ignore[attr-defined]

_JSON = {"Content-Type": "application/json; charset=utf-8"}


def _sent(command: str, body: bytes) -> bytes:
    return b"" if command == "HEAD" else body


def _handler(server: FakeServer) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        do_HEAD = do_POST  # noqa: N815  # the library's name for it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            canned = server.answer(Request(self.command, parts.path, query, headers, body))
            try:
                self.send_response_only(canned.status)
                if "Date" not in canned.headers:
                    self.send_header("Date", self.date_time_string())
                for name, value in canned.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in canned.headers and canned.status != 304:
                    self.send_header("Content-Length", str(len(canned.body)))
                self.end_headers()
                self.wfile.write(_sent(self.command, canned.body))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    return Handler
