"""The parts of the HTTP client: waits, addresses, robots.txt, kept answers, and recordings."""

from __future__ import annotations

import ipaddress
import socket
import stat
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kbgen.errors import SourceError, UsageError
from kbgen.sources.base import SourceOptions
from kbgen.sources.http import Manners, Refused, Reply
from kbgen.sources.http_cache import AnswerCache, Kept
from kbgen.sources.http_cassette import Recorder, read_cassette
from kbgen.sources.http_guard import GuardedBackend, is_private_name, is_public
from kbgen.sources.http_masks import Masks, secrets_of
from kbgen.sources.http_pace import Pace, asked_backoff, quota_pause, retry_after
from kbgen.sources.robots import read_robots
from kbgen.testing import Canned, FakeServer, InstantClock, Replay, testing_client, testing_network

# --- waits ------------------------------------------------------------------------------------------------


def test_retry_after_has_two_forms() -> None:
    """A number, or a date by the host's own clock; nonsense is none, and the past is now."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 7.5 == retry_after({"retry-after": " 7.5 "})
    assert 80 <= (retry_after({"retry-after": soon}) or 0) <= 90
    host = {"retry-after": "Sun, 01 Mar 2020 00:01:00 GMT", "date": "Sun, 01 Mar 2020 00:00:00 GMT"}
    assert 60 == retry_after(host)
    assert 0 == retry_after({"retry-after": "Sun, 01 Mar 2020 00:01:00 GMT"})
    assert 0 == retry_after({"retry-after": "-5"})
    assert [None] * 4 == [retry_after({"retry-after": value}) for value in ("", "soon", "nan", "inf")]


def test_a_quota_is_read_in_every_form() -> None:
    """Seconds, or a moment since 1970; while some is left there is no wait."""
    date = "Sun, 01 Mar 2026 00:00:00 GMT"
    moment = str(datetime(2026, 3, 1, 0, 1, tzinfo=UTC).timestamp())
    assert 60 == quota_pause({"x-ratelimit-remaining": "0", "x-ratelimit-reset": moment, "date": date})
    assert 30 == quota_pause({"ratelimit-remaining": "0", "ratelimit-reset": "30"})
    assert quota_pause({"ratelimit-remaining": "1", "ratelimit-reset": "30"}) is None
    assert quota_pause({"ratelimit-remaining": "0"}) is None
    assert quota_pause({}) is None


def test_backoff_is_read_from_the_wrapper_alone() -> None:
    """Only a number at the top of the answer counts; a post that writes about it does not."""
    assert 10 == asked_backoff(b'{"items": [], "backoff": 10}')
    assert 0.5 == asked_backoff(b'{"backoff": 0.5}')
    bodies = (
        b"{}",
        b'{"items": [{"backoff": 10}]}',
        b'[{"backoff": 10}]',
        b'{"backoff": "x"}',
        b'"backoff"',
        b'{"backoff":-1}',
    )
    assert [None] * 6 == [asked_backoff(body) for body in bodies]


@given(st.lists(st.floats(0, 3), max_size=40))
def test_no_second_has_more_requests_than_it_may(pauses: list[float]) -> None:
    """Whatever the rhythm of a source, a host gets its rate and a small burst, no more."""
    clock = InstantClock()
    pace = Pace(3.0, clock)
    times = []
    for pause in pauses:
        clock.sleep(pause)
        assert pace.wait("a", 1e9) is None
        times.append(clock.now())
    for start in times:
        assert sum(start <= time < start + 10 for time in times) <= 3 * 10 + 3 + 1


def test_a_hold_is_not_shortened() -> None:
    """The longest wait that a host asked for counts."""
    clock = InstantClock()
    pace = Pace(3.0, clock)
    pace.hold("a", 50)
    pace.hold("a", 5)
    assert 50 == pace.wait("a", 10)
    assert pace.wait("a", 60) is None
    assert [50] == clock.waited


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "nonsense",
    ],
)
def test_private_addresses_are_known(address: str) -> None:
    """In every spelling, wrapped in IPv6 too."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses_are_public(address: str) -> None:
    """Those of the whole Internet."""
    assert is_public(address)


def test_a_public_name_that_leads_inside_is_refused() -> None:
    """Whatever DNS says of a community's host, nothing in the private network is asked; naming the host allows it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            Refused, match=r"localhost leads to .*, which is in a private network; .* http.private_hosts"
        ):
            GuardedBackend(()).connect_tcp("localhost", port)
        GuardedBackend(("localhost",)).connect_tcp("LocalHost", port, timeout=5).close()


def test_a_name_that_does_not_exist_cannot_be_reached() -> None:
    """It is a fault of the network, not of the address."""
    with pytest.raises(httpcore2.ConnectError, match=r"the name nowhere\.invalid is not known"):
        GuardedBackend(()).connect_tcp("nowhere.invalid", 80)


def test_some_names_are_private_by_themselves() -> None:
    """Somebody who configures an address of the private network means it."""
    private = ("localhost", "forum.localhost", "10.0.0.1", "::1")
    assert [True] * 4 == [is_private_name(name) for name in private]
    assert [False] * 2 == [is_private_name(name) for name in ("forum.example.com", "1.1.1.1")]


@given(st.integers(0, 2**32 - 1))
def test_an_address_is_as_public_inside_ipv6(number: int) -> None:
    """Wrapping changes nothing."""
    plain = ipaddress.IPv4Address(number)
    assert is_public(str(plain)) == is_public(f"::ffff:{plain}")


# --- robots.txt -------------------------------------------------------------------------------------------

RULES = """
# for all
User-agent: *
Disallow: /private/
Allow: /private/open
Disallow: /*.pdf$
Disallow: /search?
Disallow: /same
Allow: /same
Disallow:
Crawl-delay: 2.5

User-agent: Other
User-agent: KBGEN/2.0
Sitemap: https://e.example.com/sitemap.xml
Disallow: /a%20b
Disallow: /\u05d0

user-agent : kbgen
disallow : /second
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("", True),
        ("/private/x", False),
        ("/private/open/x", True),
        ("/private", True),
        ("/a.pdf", False),
        ("/a.pdf?x=1", True),
        ("/x/y.pdf", False),
        ("/search?q=1", False),
        ("/search", True),
        ("/same/x", True),
        ("/robots.txt", True),
    ],
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:  # noqa: FBT001
    """And of two equally long ones the one that allows; ``*`` is anything, ``$`` the end."""
    assert allowed == read_robots(RULES, "somebody").allows(path)


def test_a_programs_own_groups_count_instead_of_those_for_all() -> None:
    """All of them together, whatever the case; a sitemap line ends no group; both spellings of a path are one."""
    rules = read_robots(RULES, "kbgen")
    paths = ("/private/x", "/a b", "/a%20b", "/%D7%90", "/\u05d0x", "/second")
    assert [True, False, False, False, False, False] == [rules.allows(path) for path in paths]
    assert (None, 2.5) == (rules.crawl_delay, read_robots(RULES, "somebody").crawl_delay)


def test_rules_that_are_none_allow_everything() -> None:
    """An empty file, a page, rules before any group, a delay that is no number."""
    for text in ("", "<html><p>Disallow: /</html>", "Disallow: /", "User-agent: *\nCrawl-delay: soon\n"):
        rules = read_robots(text, "kbgen")
        assert (True, None) == (rules.allows("/x"), rules.crawl_delay)
    assert 60 == read_robots("User-agent: *\nCrawl-delay: 86400", "kbgen").crawl_delay


@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [
        ("/a*b*c$", "/aXbYc", False),
        ("/a*b*c$", "/aXbYcZ", True),
        ("/ab*b$", "/ab", True),
        ("*x", "/yx", False),
        ("/$", "/", False),
    ],
)
def test_patterns(pattern: str, path: str, allowed: bool) -> None:  # noqa: FBT001
    """Several stars, an end, and pieces that must not overlap."""
    assert allowed == read_robots(f"User-agent: *\nDisallow: {pattern}", "kbgen").allows(path)


def test_hostile_patterns_take_no_time() -> None:
    """A thousand stars are searched for one after the other."""
    rules = read_robots("User-agent: *\nDisallow: /" + "a*" * 5000 + "b$", "kbgen")
    assert rules.allows("/" + "a" * 8000)


# --- kept answers -----------------------------------------------------------------------------------------


def test_kept_answers_are_for_their_owner_alone(tmp_path: Path) -> None:
    """What only a key opens is read by nobody else on the machine."""
    AnswerCache(tmp_path / "http", today=20_000).close()
    assert 0o700 == stat.S_IMODE((tmp_path / "http").stat().st_mode)


def test_an_answer_is_kept_with_its_validator_or_not_at_all(tmp_path: Path) -> None:
    """Cookies are not; what can no longer be revalidated is dropped."""
    cache = AnswerCache(tmp_path, today=20_000)
    key = cache.key("GET", "https://e.example.com/a", {})
    cache.put(key, Kept("https://e.example.com/a", {"etag": '"1"', "set-cookie": "s=1"}, b"body"))
    kept = cache.get(key)
    assert kept == Kept("https://e.example.com/a", {"etag": '"1"'}, b"body")
    assert {"if-none-match": '"1"'} == kept.conditions()
    cache.put(key, Kept("https://e.example.com/a", {}, b"body"))
    assert cache.get(key) is None
    cache.close()


def test_old_answers_are_forgotten(tmp_path: Path) -> None:
    """What no full pass asked for in two months; what was asked for stays."""
    cache = AnswerCache(tmp_path, today=20_000)
    for name in ("a", "b"):
        cache.put(name.encode(), Kept(name, {"etag": "1"}, b""))
    cache.close()
    cache = AnswerCache(tmp_path, today=20_050)
    cache.used(b"b")
    cache.close()
    cache = AnswerCache(tmp_path, today=20_061)
    assert (None, "b") == (cache.get(b"a"), (cache.get(b"b") or Kept("", {}, b"")).url)
    cache.close()


def test_answers_of_a_host_that_withdrew_something_are_forgotten(tmp_path: Path) -> None:
    """Those of earlier runs may hold it; this one's are what the host says now, and other hosts withdrew nothing."""
    urls = (
        "https://e.example.com/t/1",
        "https://e.example.com/t/2",
        "https://e.example.com.au/t/1",
        "http://e.example.com/",
    )
    cache = AnswerCache(tmp_path, today=20_000)
    for url in urls:
        cache.put(url.encode(), Kept(url, {"etag": "1"}, b"words"))
    cache.close()
    cache = AnswerCache(tmp_path, today=20_000)
    cache.used(urls[1].encode())
    cache.forget(["e.example.com"])
    assert [False, True, True, False] == [cache.get(url.encode()) is not None for url in urls]
    cache.close()


def test_a_damaged_cache_is_begun_anew(tmp_path: Path) -> None:
    """Nothing in it is needed."""
    (tmp_path / "answers.sqlite").write_bytes(b"no database" * 1000)
    cache = AnswerCache(tmp_path, today=20_000)
    assert cache.get(b"a") is None
    cache.close()


# --- recordings -------------------------------------------------------------------------------------------


class KeyOptions(SourceOptions):
    """A block with secrets."""

    api_key: SecretStr = SecretStr("key-of-the-house")
    access_token: str | None = None
    keyboard: str = "qwertyuiop"


def test_a_recording_replays_what_was_said(tmp_path: Path) -> None:
    """In order, statuses and bytes included, without a network."""
    network = testing_network()
    with Recorder(tmp_path / "talk.zst") as recorder, FakeServer() as server:
        network.recorder = recorder
        server.route("/a", [Canned(404), {"x": 1}])
        server.route("/b", Canned(200, {"ETag": '"1"', "Set-Cookie": "s=1"}, b"\xff\x00"))
        server.route("/q", lambda request: {"sent": request.body.decode()})
        with testing_client(server, network) as client:
            said = [client.get(f"{server.url}/a", handled=(404,)) for _ in range(2)]
            said.append(client.get(f"{server.url}/b", params={"y": 1, "x": 2}))
            said.append(client.post(f"{server.url}/q", json={"q": 1}))
    replay = Replay(tmp_path / "talk.zst")
    again = [replay.get(f"{server.url}/a", handled=(404,)) for _ in range(2)]
    again.append(replay.get(f"{server.url}/b", params={"x": 2, "y": 1}))
    again.append(replay.post(f"{server.url}/q", json={"q": 1}))
    assert [(one.status, one.url, one.body) for one in said] == [(one.status, one.url, one.body) for one in again]
    assert ('"1"', None) == (again[2].headers["etag"], again[2].headers.get("set-cookie"))
    for asked in (f"{server.url}/a?x=1", f"{server.url}/c"):
        with pytest.raises(SourceError, match="the recording has no answer to GET"):
            replay.get(asked)
    with pytest.raises(SourceError, match="/q"):
        replay.post(f"{server.url}/q", json={"q": 2})


def test_a_recorded_refusal_is_one_again(tmp_path: Path) -> None:
    """A status nobody handles is raised in the replay, too."""
    network = testing_network()
    with Recorder(tmp_path / "talk.zst") as recorder, FakeServer() as server:
        network.recorder = recorder
        with testing_client(server, network) as client, pytest.raises(SourceError):
            client.get(f"{server.url}/a")
    with pytest.raises(SourceError, match="/a answers 404"):
        Replay(tmp_path / "talk.zst").get(f"{server.url}/a")


def test_a_recording_has_no_secret_and_nobodys_address(tmp_path: Path) -> None:
    """Keys in the query, the body and the answer; e-mail addresses in pages of any charset. Masked ones fit any value."""
    options = KeyOptions(name="a", kind="a")
    key = options.api_key.get_secret_value()
    network = testing_network(Manners())
    with Recorder(tmp_path / "talk.zst") as recorder, FakeServer() as server:
        network.recorder = recorder
        server.route("/a", {"key": key, "mail": "ada@house.example.org"})
        server.route("/b", Canned(200, {}, b"\xe9 ada@house.example.org"))
        with testing_client(server, network, secrets_of(options)) as client:
            client.get(f"{server.url}/a", params={"key": key}, headers={"Authorization": key})
            client.get(f"{server.url}/b")
            client.post(f"{server.url}/a", json={"key": key})
    told = "".join(repr(exchange) + repr(exchange.reply().body) for exchange in read_cassette(tmp_path / "talk.zst"))
    assert (False, False, 2) == (key in told, "ada@" in told, told.count("/a?key=***"))
    replay = Replay(tmp_path / "talk.zst")
    assert {"key": "***", "mail": "someone@example.com"} == replay.get(f"{server.url}/a", params={"key": "mine"}).json()


def test_a_killed_recording_is_read_up_to_where_it_is_whole(tmp_path: Path) -> None:
    """Each exchange is complete in the file when it was answered."""
    recorder = Recorder(tmp_path / "talk.zst")
    for number in range(3):
        reply = Reply(200, f"https://e.example.com/{number}", {}, b"{}")
        recorder.note(("GET", f"https://e.example.com/{number}", "text/plain", b""), reply, Masks(()))
    recorder._file.flush()
    copy = tmp_path / "copy.zst"
    copy.write_bytes((tmp_path / "talk.zst").read_bytes())
    assert 3 == len(list(read_cassette(copy)))
    recorder.__exit__(None, None, None)


def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path) -> None:
    """A missing file, another file, and a place that cannot be written to."""
    (tmp_path / "a.zst").write_bytes(b"words")
    for name in ("a.zst", "missing.zst"):
        with pytest.raises(UsageError, match=f"{name} is no recording of kbgen"):
            Replay(tmp_path / name)
    with pytest.raises(UsageError, match="name a file that can be written"):
        Recorder(tmp_path / "no" / "folder.zst")


def test_secrets_are_known_by_their_keys() -> None:
    """Keys and tokens, hidden by their type or not, not keyboards; short ones would tear holes into every message."""
    assert ("key-of-the-house",) == secrets_of(KeyOptions(name="a", kind="a"))
    assert ("key-of-the-house", "t0ken!") == secrets_of(KeyOptions(name="a", kind="a", access_token="t0ken!"))
    assert "a *** b ab" == Masks(("t0ken!", "ab")).text("a t0ken! b ab")
    assert "***" == Masks(("a b/c&d",)).text("a%20b%2Fc%26d")
