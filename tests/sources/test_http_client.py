"""The HTTP client against a real server on loopback: patience, redirects, robots.txt, revalidation, and secrets."""

from __future__ import annotations

import gzip
import logging
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kbgen.errors import SourceError
from kbgen.sources.http import Disallowed, Manners, Refused, Reply, address
from kbgen.sources.http_cache import AnswerCache
from kbgen.sources.http_client import HttpClient
from kbgen.sources.http_pace import Pace
from kbgen.testing import Canned, FakeServer, InstantClock, Request, testing_client, testing_network

SECRET = "s3cr3t/key+1"
MANNERS = Manners(user_agent="kbgen/test (+https://help.example.com/)", timeout=5.0, max_bytes=100_000)


@dataclass
class Web:
    """A server, a client that may ask it, and the clock the client waits by."""

    server: FakeServer
    client: HttpClient
    clock: InstantClock

    def get(self, path: str, **options: Any) -> Reply:
        """Ask the server."""
        return self.client.get(self.server.url + path, **options)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A server without any page."""
    clock = InstantClock()
    network = testing_network(MANNERS, clock)
    network.cache = AnswerCache(tmp_path / "http", today=20_000)
    with FakeServer() as server, testing_client(server, network, (SECRET,)) as client:
        yield Web(server, client, clock)
    network.cache.close()


def waited(web: Web) -> list[int]:
    """Whole seconds of every wait, jitter rounded away."""
    return [int(seconds) for seconds in web.clock.waited]


def test_a_request_says_who_asks_and_for_what(web: Web) -> None:
    """One User-Agent with a contact, the media type, and what the connector adds."""
    web.server.route("/a", {"x": 1})
    reply = web.get("/a", params={"q": "a b", "n": 2}, headers={"Api-Key": SECRET})
    asked = web.server.requests[0]
    assert {"x": 1} == reply.json()
    assert {"q": "a b", "n": "2"} == asked.query
    assert ("kbgen/test (+https://help.example.com/)", "application/json") == (
        asked.headers["user-agent"],
        asked.headers["accept"],
    )
    assert SECRET == asked.headers["api-key"]


def test_json_is_posted(web: Web) -> None:
    """A query goes out as JSON and its answer comes back."""
    web.server.route("/graphql", lambda request: {"sent": request.body.decode(), "as": request.headers["content-type"]})
    reply = web.client.post(f"{web.server.url}/graphql", json={"query": "{x}"})
    assert {"sent": '{"query":"{x}"}', "as": "application/json"} == reply.json()


def test_an_answer_is_unpacked(web: Web) -> None:
    """Compressed on the wire, plain for the connector."""
    web.server.route("/a", Canned(200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"x": 1}')))
    assert {"x": 1} == web.get("/a").json()
    assert "gzip" in web.server.requests[0].headers["accept-encoding"]


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        (Canned(429, {"Retry-After": "40"}), 40),
        (Canned(429, {"Retry-After": "Sun, 01 Mar 2026 00:00:40 GMT", "Date": "Sun, 01 Mar 2026 00:00:00 GMT"}), 40),
        (Canned(503), 1),
        (Canned(502), 1),
        (Canned(400, {}, b'{"error_id":502,"error_name":"throttle_violation","backoff":40}'), 40),
        (Canned(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"}), 40),
        (Canned(429, {}, b'{"errors":["slow down"],"extras":{"wait_seconds":40}}'), 40),
        (Canned(429, {}, b'{"error":"rate_limited","retry_after":40}'), 40),
        (Canned(429, {"Content-Type": "text/html"}, b"<p>Slow down"), 1),
        (Canned(429, {}, b'{"extras":[],"retry_after":"soon"}'), 1),
    ],
    ids=["seconds", "date", "503", "502", "throttle", "quota", "extras", "field", "page", "nonsense"],
)
def test_a_busy_host_is_asked_again_when_it_says(web: Web, busy: Canned, expected: int) -> None:
    """Every way of saying "later" is waited for, and then the answer comes."""
    web.server.route("/a", [busy, {"x": 1}])
    assert {"x": 1} == web.get("/a").json()
    assert expected <= web.clock.waited[0] <= expected * 1.3


def test_waits_grow_while_the_host_stays_busy(web: Web) -> None:
    """Doubling, with jitter, up to the last attempt; then the message says what it answered."""
    web.server.route("/a", Canned(503))
    with pytest.raises(SourceError, match=r"/a answers 503 \(it is busy or closed for work\), again and again"):
        web.get("/a")
    assert 8 == len(web.server.requests)
    assert all(low <= wait <= low * 1.3 for low, wait in zip([1, 2, 4, 8, 16, 32, 64], web.clock.waited, strict=True))


def test_patience_ends(web: Web) -> None:
    """A host that asks for more than the patience there is ends the pass at once."""
    web.server.route("/a", Canned(429, {"Retry-After": "1000"}))
    with pytest.raises(SourceError, match="answers 429"):
        web.get("/a")
    assert (1, []) == (len(web.server.requests), web.clock.waited)


def test_all_of_the_patience_is_there_to_be_waited(web: Web) -> None:
    """A wait counts once, so that one of most of it is waited for, and two of nearly half."""
    web.server.route("/a", [Canned(429, {"Retry-After": "700"}), {"x": 1}])
    web.server.route("/b", [Canned(429, {"Retry-After": "350"}), Canned(429, {"Retry-After": "350"}), {"x": 2}])
    assert ({"x": 1}, {"x": 2}) == (web.get("/a").json(), web.get("/b").json())


@pytest.mark.parametrize("place", ["http://[x/", "//[::1", "http://a]b/"])
def test_a_redirect_to_no_address_is_explained(web: Web, place: str) -> None:
    """Whatever a host says there, it is no fault of ours."""
    web.server.route("/a", Canned(302, {"Location": place}))
    with pytest.raises(SourceError, match="redirects to"):
        web.get("/a")


def test_a_wait_is_the_hosts_not_the_requests(web: Web) -> None:
    """``backoff`` in a good answer, and a quota that is used up, hold the next request, whatever it asks."""
    web.server.route("/a", {"items": [], "backoff": 12})
    web.server.route("/b", Canned(200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}, b"{}"))
    web.server.route("/c", {})
    for path in ("/a", "/b", "/c"):
        web.get(path)
    assert [12, 30] == waited(web)


def test_a_quota_that_is_far_away_is_not_waited_for(web: Web) -> None:
    """The next request says so instead of sleeping until the morning."""
    web.server.route("/a", Canned(200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7200"}, b"{}"))
    web.get("/a")
    with pytest.raises(SourceError, match=r"asks to wait 7,200 seconds, longer than http\.patience; run again then"):
        web.get("/a")


def test_requests_keep_a_pace(web: Web) -> None:
    """Some at once, then so many a second, for all clients of a network together."""
    web.server.route("/a", {})
    other = HttpClient((web.server.host,), web.client._network)
    for _ in range(5):
        web.get("/a")
        other.get(f"{web.server.url}/a")
    other.close()
    assert 7 == pytest.approx(sum(web.clock.waited) * MANNERS.requests_per_second, abs=0.01)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418, 500])
def test_a_status_nobody_handles_is_an_error(web: Web, status: int) -> None:
    """With the address and what it means; the connector may handle it instead."""
    web.server.route("/a", Canned(status, {}, b"no"))
    with pytest.raises(SourceError, match=f"/a answers {status}"):
        web.get("/a")
    assert (status, b"no") == (web.get("/a", handled={status}).status, web.get("/a", handled={status}).body)
    assert 3 == len(web.server.requests)


def test_a_redirect_on_the_host_is_followed(web: Web) -> None:
    """Relative and absolute; the reply names the final address."""
    web.server.route("/a", Canned(301, {"Location": "/b?x=1"}))
    web.server.route("/b", Canned(308, {"Location": f"{web.server.url}/c#top"}))
    web.server.route("/c", {"x": 1})
    assert (f"{web.server.url}/c", {"x": 1}) == (web.get("/a").url, web.get("/a").json())


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ({"Location": "https://other.example.org/b"}, "redirects to another host, https://other.example.org, which is"),
        ({"Location": "//127.0.0.1:1/b"}, "redirects to another host, http://127.0.0.1:1, which is not followed"),
        ({}, "answers 308 and does not say where it moved to"),
        ({"Location": "/a"}, "redirects more than 5 times"),
        ({"Location": "file:///etc/passwd"}, "redirects to another host, file://, which is not followed"),
    ],
)
def test_a_redirect_elsewhere_is_a_stop(web: Web, location: dict[str, str], said: str) -> None:
    """Another host or port, nowhere, or round in a circle: nothing is asked there."""
    web.server.route("/a", Canned(308, location))
    with pytest.raises(SourceError, match=said):
        web.get("/a")
    assert {"/a"} == set(web.server.paths())


def test_only_the_sources_own_hosts_are_asked(web: Web) -> None:
    """Whatever address stands in an answer, the client goes nowhere else."""
    for url in ("https://example.org/", "http://127.0.0.1/", f"ftp://{web.server.host}/", "http://[::1]/", "nonsense"):
        with pytest.raises(Refused, match=f"is no host of this source .{web.server.host}.; nothing was asked there"):
            web.client.get(url)


def test_a_web_page_is_no_data(web: Web) -> None:
    """A login page where JSON was asked for is said to be one, and is not kept for the next time."""
    page = Canned(
        200, {"Content-Type": "text/html", "ETag": '"1"'}, b"\xef\xbb\xbf <!doctype html><title>Log in</title>"
    )
    web.server.route("/a", page)
    for _ in range(2):
        with pytest.raises(SourceError, match="/a answered with a web page where JSON was asked for: a page to log in"):
            web.get("/a").json()
    assert "if-none-match" not in web.server.requests[1].headers
    with pytest.raises(SourceError, match="did not answer with JSON"):
        Reply(200, "https://e.example.com/a", {}, b"{").json()


def test_json_may_call_itself_anything(web: Web) -> None:
    """Old forums send it as text/html."""
    web.server.route("/a", Canned(200, {"Content-Type": "text/html"}, b'\xef\xbb\xbf{"x": 1}'))
    assert {"x": 1} == web.get("/a").json()


def test_what_has_not_changed_is_not_sent_again(web: Web) -> None:
    """The second request carries the validators, and 304 gives the first answer."""

    def answer(request: Request) -> Canned:
        if request.headers.get("if-none-match") == '"1"':
            return Canned(304, {"ETag": '"1"'})
        return Canned(200, {"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 00:00:00 GMT"}, b'{"x": 1}')

    web.server.route("/a", answer)
    assert web.get("/a").json() == web.get("/a").json() == {"x": 1}
    assert "Sun, 01 Mar 2026 00:00:00 GMT" == web.server.requests[1].headers["if-modified-since"]
    # With another key, another answer may be due.
    web.get("/a", headers={"Api-Key": "another"})
    assert "if-none-match" not in web.server.requests[2].headers


def test_what_is_gone_is_forgotten(web: Web) -> None:
    """A topic that answers 404 is kept nowhere, and its old validator is not used again."""
    web.server.route("/a", [Canned(200, {"ETag": '"1"'}, b"{}"), Canned(404), Canned(200, {"ETag": '"1"'}, b"{}")])
    for _ in range(3):
        web.get("/a", handled=(404,))
    assert [False, True, False] == ["if-none-match" in request.headers for request in web.server.requests]


def test_an_answer_has_a_size(web: Web) -> None:
    """Unpacked: a small packet that unfolds without end is not read to its end."""
    web.server.route("/a", Canned(200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 5_000_000)))
    with pytest.raises(SourceError, match=r"/a answers with more than 0 MB .http.max_megabytes."):
        web.get("/a")


def test_broken_packing_is_an_error(web: Web) -> None:
    """What cannot be unpacked is said to be so."""
    web.server.route("/a", Canned(200, {"Content-Encoding": "gzip"}, b"not packed"))
    with pytest.raises(SourceError, match="/a cannot be read"):
        web.get("/a")


def test_an_answer_that_breaks_off_is_asked_for_again(web: Web) -> None:
    """A connection that closes in the middle of an answer gave none."""
    web.server.route("/a", [Canned(200, {"Content-Length": "100", "Connection": "close"}, b"{"), {"x": 1}])
    assert {"x": 1} == web.get("/a").json()
    assert 2 == len(web.server.requests)


def test_a_host_that_is_down_is_not_asked_all_night(web: Web) -> None:
    """A few attempts, then the source fails with a sentence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        client = HttpClient((host,), web.client._network)
        with client, pytest.raises(SourceError, match=f"http://{host}/a: the host cannot be reached"):
            client.get(f"http://{host}/a")
    assert [1, 2, 4] == waited(web)


ROBOTS = b"User-agent: *\nDisallow: /private\nCrawl-delay: 5\n"


def test_robots_txt_is_honoured_for_pages(web: Web) -> None:
    """It is asked for once; what it disallows is not asked for, data excepted; its delay is kept."""
    web.server.route("/robots.txt", Canned(200, {"Content-Type": "text/plain"}, ROBOTS))
    for path in ("/a", "/b", "/private"):
        web.server.route(path, Canned(200, {"Content-Type": "text/html"}, b"<p>"))
    web.get("/a", accept="text/html")
    web.get("/b", accept="text/html")
    with pytest.raises(Disallowed, match=r"/private: robots.txt of 127.0.0.1:\d+ asks programs not to read it"):
        web.get("/private", accept="text/html")
    assert ["/robots.txt", "/a", "/b"] == web.server.paths()
    assert 5 <= sum(web.clock.waited) <= 10
    assert 200 == web.get("/private").status


@pytest.mark.parametrize(
    "answer",
    [
        Canned(404, {"Content-Type": "text/html"}, b"<p>"),
        Canned(200, {"Content-Type": "text/html"}, b"<html>Disallow: /"),
    ],
)
def test_no_robots_txt_means_no_rules(web: Web, answer: Canned) -> None:
    """Also when a page stands in its place, or it has moved to another host."""
    web.server.route("/robots.txt", answer)
    web.server.route("/a", Canned(200, {}, b"<p>"))
    assert b"<p>" == web.get("/a", accept="text/html").body


def test_a_host_whose_robots_txt_fails_is_not_crawled(web: Web) -> None:
    """Whether pages may be read cannot be told."""
    web.server.route("/robots.txt", Canned(500))
    web.server.route("/a", Canned(200, {}, b"<p>"))
    with pytest.raises(SourceError, match=r"robots.txt answers 500 .*, so no page may be read"):
        web.get("/a", accept="text/html")
    assert "/a" not in web.server.paths()


def test_secrets_are_in_no_message_and_no_reply(web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not as they are, not as they are spelled in an address; neither in logs nor in the kept answers."""
    caplog.set_level(logging.DEBUG)
    web.server.route("/a", Canned(200, {"ETag": '"1"'}, b"{}"))
    web.server.route("/b", Canned(503))
    reply = web.get("/a", params={"key": SECRET}, headers={"Authorization": f"Bearer {SECRET}"})
    with pytest.raises(SourceError) as raised:
        web.get("/b", params={"key": SECRET})
    spelled = address("", {"key": SECRET}).removeprefix("?key=")
    told = f"{reply.url} {raised.value} {raised.value.__cause__} {caplog.text}"
    kept = b"".join(file.read_bytes() for file in (tmp_path / "http").iterdir())
    assert "/a?key=***" in told
    assert [] == [form for form in (SECRET, spelled) if form in told or form.encode() in kept]


@pytest.mark.parametrize("ending", ["\n", "\r\nX-Other: 1", "é"])
def test_a_header_that_cannot_be_sent_is_named_and_not_quoted(web: Web, ending: str) -> None:
    """Nothing is asked, and nothing is asked again; the library's own error holds the key."""
    with pytest.raises(SourceError, match="the header Api-Key cannot be sent") as raised:
        web.get("/a", headers={"Api-Key": SECRET + ending})
    assert ([], False) == (waited(web), SECRET in str(raised.value))


def test_text_is_decoded_as_declared() -> None:
    """By the charset of the header, UTF-8 without one or with one nobody knows."""
    latin = {"content-type": "text/html; charset=ISO-8859-1"}
    assert "é" == Reply(200, "", latin, b"\xe9").text()
    assert "é" == Reply(200, "", {}, "é".encode()).text()
    assert "é" == Reply(200, "", {"content-type": "text/html; charset=klingon"}, "é".encode()).text()
    assert "é" == Reply(200, "", latin, b"\xef\xbb\xbf" + "é".encode()).text()


def test_xml_is_no_web_page() -> None:
    """A feed begins with the same sign."""
    assert not Reply(200, "", {"content-type": "application/atom+xml"}, b"<feed>").is_page
    assert Reply(200, "", {"content-type": "application/xhtml+xml"}, b"<html>").is_page


def test_retries_say_nothing_on_standard_error(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    """What helped in the end is nobody's concern."""
    web.server.route("/a", [Canned(503), {}])
    web.get("/a")
    assert "" == capsys.readouterr().err
    assert "stamina" in sys.modules


def test_a_client_of_a_public_host_has_its_own_pace() -> None:
    """Hosts do not wait for each other."""
    clock = InstantClock()
    pace = Pace(1.0, clock)
    for host in ("a.example.com", "b.example.com"):
        assert pace.wait(host, 100) is None
    assert [] == clock.waited
