"""Links to other sites: who is asked, how, how often, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from projects import Kbgen, SmallForum, build_here, forum_post, forum_topic

from kbgen.model import Ref
from kbgen.progress import Silent
from kbgen.site.external import DeadLink, ExternalJob, ExternalReport, check_external, words
from kbgen.site.external_ask import Answer, ask_all
from kbgen.sources.http import Manners
from kbgen.sources.http_client import Network
from kbgen.store import Store, open_store
from kbgen.store.links import LinkRow, LinkState, link_key
from kbgen.testing import Canned, FakeServer, InstantClock, testing_network

PAGE = Canned(200, {"Content-Type": "text/html"}, b"<p>here</p>")
LOCAL = frozenset({"127.0.0.1"})
TODAY = date(2026, 3, 1)


@pytest.fixture
def web() -> Iterator[FakeServer]:
    """Somebody's site: one page, and much that is no page."""
    with FakeServer() as server:
        server.route("/here", PAGE)
        server.route("/gone", Canned(410))
        server.route("/login", Canned(403))
        server.route("/ill", Canned(500))
        server.route("/moved", Canned(301, {"Location": "/here"}))
        server.route("/stubborn", lambda request: PAGE if request.method == "GET" else Canned(405))
        server.route("/round", Canned(302, {"Location": "/round"}))
        yield server


def network() -> Network:
    """A network on which no wait takes time."""
    return testing_network(Manners(user_agent="kbgen/test", timeout=5.0, patience=30.0), InstantClock())


def asked(web: FakeServer, *paths: str) -> dict[str, tuple[str, str] | None]:
    """State and reason of each path."""
    found = dict(ask_all([web.url + path for path in paths], network, LOCAL))
    return {address.removeprefix(web.url): (one.state, one.said) if one else None for address, one in found.items()}


def test_what_an_answer_means(web: FakeServer) -> None:
    """Gone is only what the host says is; who keeps programs out says nothing of the page."""
    expected = {
        "/here": ("ok", "200"),
        "/none": ("gone", "404"),
        "/gone": ("gone", "410"),
        "/login": ("refused", "403"),
        "/ill": ("unreachable", "500"),
        "/moved": ("ok", "200"),
        "/stubborn": ("ok", "200"),
        "/round": ("refused", "not readable"),
    }
    assert expected == asked(web, *expected)


def test_head_is_asked_first(web: FakeServer) -> None:
    """A page that is there is never read; what answers HEAD with an error is asked for by GET, for its first part."""
    asked(web, "/here", "/stubborn")
    sent = [(one.method, one.path, one.headers.get("range", "")) for one in web.requests if one.path != "/robots.txt"]
    assert [("HEAD", "/here", ""), ("HEAD", "/stubborn", ""), ("GET", "/stubborn", "bytes=0-1023")] == sent


def test_robots_are_heeded(web: FakeServer) -> None:
    """Of a page no program may read nothing is known, and it is not asked for."""
    web.route("/robots.txt", Canned(200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /here"))
    assert {"/here": ("refused", "robots.txt")} == asked(web, "/here")
    assert ["/robots.txt"] == web.paths()


@pytest.mark.parametrize(
    "address", ["http://10.0.0.7/a", "http://localhost/a", "http://u:p@example.com/", "http://[::1]/"]
)
def test_a_strangers_link_leads_into_no_private_network(address: str) -> None:
    """Whatever harvested texts name; without being told, not even this machine is asked."""
    assert [(address, Answer(address, "refused", "not a public address"))] == list(ask_all([address], network))


def test_a_redirect_elsewhere_is_asked_there(web: FakeServer) -> None:
    """By a client of that host, and the answer counts for the address in the text; a way into a private network ends."""
    with FakeServer() as other:
        web.route("/away", Canned(302, {"Location": f"{other.url}/page#part"}))
        web.route("/inside", Canned(302, {"Location": "http://10.1.1.1/"}))
        other.route("/page", PAGE)
        assert {"/away": ("ok", "200"), "/inside": ("refused", "not a public address")} == asked(
            web, "/away", "/inside"
        )
        assert ["/robots.txt", "/page"] == other.paths()
        other.route("/page", Canned(302, {"Location": f"{web.url}/away"}))
        assert {"/away": ("unreachable", "redirects in a circle")} == asked(web, "/away")


def test_a_host_that_is_down_is_left_alone() -> None:
    """After three addresses without an answer the others are not asked in this run."""
    with FakeServer() as server:
        down = server.url
    found = dict(ask_all([f"{down}/{number}" for number in range(5)], network, LOCAL))
    states = [one.state if one else None for one in found.values()]
    assert ["unreachable"] * 3 + [None] * 2 == states


# --- what is kept ------------------------------------------------------------------------------------------


@pytest.fixture
def store(forum: SmallForum, web: FakeServer) -> Iterator[Store]:
    """Two answers with links to that site, one of them dead."""
    for number, paths in ((1, ("here", "gone#top")), (2, ("here#part", "ill"))):
        topic = forum_topic(number, f"How do I do this {number}?")
        links = "".join(f' and <a href="{web.url}/{path}">see</a>' for path in paths)
        text = f"Open the settings, choose the room, and press apply there{links}; that settles it for good."
        topic["post_stream"]["posts"][1] = forum_post(number, 2, text, accepted_answer=True)
        forum.write(topic)
    build_here(forum.folder, ["harvest", "curate"])
    opened = open_store(forum.folder / ".kbgen" / "store.sqlite")
    yield opened
    opened.close()


def check(store: Store, day: date = TODAY, limit: int = 100) -> ExternalReport:
    """Check the links on a day."""
    job = ExternalJob(network, LOCAL, "https://help.example.com/", store.path.parent.parent / "site", day, limit)
    return check_external(job, store, Silent())


def test_dead_links_are_named_with_their_pages(store: Store, web: FakeServer) -> None:
    """Each address once, whatever part of the page is linked to; a fault of the host is not yet a dead link."""
    found = check(store)
    assert (3, 3, 0, {"gone": 1, "ok": 1, "unreachable": 1}) == (found.links, found.asked, found.waiting, found.states)
    (dead,) = found.dead
    assert (f"{web.url}/gone", "410", "2026-03-01", ("forum:1",)) == (dead.address, dead.said, dead.since, dead.pages)
    assert f"dead link: {web.url}/gone (410, since 2026-03-01) in forum:1" in words(found)


def test_answers_are_kept(store: Store, web: FakeServer) -> None:
    """The same day nobody is asked again; a week later what was gone is, and after a month all."""
    check(store)
    for days, expected in ((0, []), (1, ["/ill"]), (8, ["/gone", "/ill"]), (40, ["/gone", "/here", "/ill"])):
        web.requests.clear()
        check(store, TODAY + timedelta(days))
        assert expected == sorted({path for path in web.paths() if path != "/robots.txt"}), days


def test_three_days_without_an_answer_are_enough(store: Store, web: FakeServer) -> None:
    """A host that is ill on three different days is dead, since the first; once it is well, it is not."""
    dead = [len(check(store, TODAY + timedelta(days)).dead) for days in (0, 0, 1, 2)]
    assert [1, 1, 1, 2] == dead
    web.route("/ill", PAGE)
    assert 1 == len(check(store, TODAY + timedelta(3)).dead)


def test_a_limit_leaves_the_rest_for_the_next_run(store: Store) -> None:
    """And says how many are left."""
    first, second = check(store, limit=2), check(store, limit=2)
    assert [(2, 1, 1), (1, 0, 0)] == [(one.asked, one.waiting, one.states.get("unknown", 0)) for one in (first, second)]
    assert "1 are due as well; run again, or raise --limit" in words(first)


def test_no_address_of_a_text_is_kept(store: Store, forum: SmallForum, web: FakeServer) -> None:
    """The store keeps digests, and forgets those of links that are gone from the texts."""
    check(store)
    assert {link_key(f"{web.url}/{path}") for path in ("here", "gone", "ill")} == set(store.links.all())
    forum.write(forum_topic(1, "How do I do this 1?"))
    build_here(forum.folder, ["harvest", "curate"])
    check(store)
    assert {link_key(f"{web.url}/{path}") for path in ("here", "ill")} == set(store.links.all())


def test_many_dead_links_are_cut_short() -> None:
    """``-v`` shows all of them, and a page list ends somewhere."""
    pages = tuple(Ref(f"f:{number}") for number in range(1, 5))
    dead = tuple(DeadLink(f"https://a.example/{number}", "404", "2026-03-01", pages) for number in range(25))
    found = ExternalReport(30, 30, 0, {"ok": 5, "gone": 25}, dead)
    short, whole = words(found), words(found, verbose=True)
    assert ("and 5 more dead links; -v shows them" in short, "dead links;" in whole) == (True, False)
    assert "in f:1, f:2, f:3 and 1 more" in short


@pytest.mark.parametrize(
    ("state", "strikes", "dead"),
    [("gone", 0, True), ("unreachable", 2, False), ("unreachable", 3, True), ("refused", 9, False)],
)
def test_a_link_is_dead_when_its_host_says_so(state: LinkState, strikes: int, dead: bool) -> None:  # noqa: FBT001
    """Or when there was no answer on three days."""
    assert dead == LinkRow("k", state, "", "2026-03-01", "2026-03-01", strikes).is_dead


# --- the command, and the queue ----------------------------------------------------------------------------


def test_checked_as_it_is_typed(forum: SmallForum, web: FakeServer, inside: Kbgen) -> None:
    """Only when asked; dead links of answers and articles are suggested for a look, until the text has changed."""
    topic = forum_topic(1, "How do I do this 1?")
    answer = f'Open the settings, choose the room, and <a href="{web.url}/gone">press apply</a> there; done for good.'
    topic["post_stream"]["posts"][1] = forum_post(1, 2, answer, accepted_answer=True)
    forum.write(topic)
    article = forum.folder / "content" / "articles" / "lamps.md"
    article.write_text(
        f"---\ntitle: Lamps\n---\nAll about lamps stands in [the list]({web.url}/none).\n", encoding="utf-8"
    )
    forum.configure(http={"private_hosts": ["127.0.0.1"], "requests_per_second": 100})
    build_here(forum.folder)
    assert 0 == inside("-C", forum.folder, "check").code
    assert [] == web.paths()
    done = inside("-C", forum.folder, "--json", "check", "--external", "--limit", "50")
    assert (0, 2) == (done.code, len(done.data["external"]["dead"]))
    waiting = inside("-C", forum.folder, "--json", "review", "list", "--kind", "update").data["waiting"]
    assert [f"a link in it leads nowhere: {web.url}/{path}" for path in ("none", "gone")] == sorted(
        (one["why"] for one in waiting), reverse=True
    )
    forum.write(forum_topic(1, "How do I do this 1?"))
    article.write_text("---\ntitle: Lamps\n---\nAll about lamps stands in the list.\n", encoding="utf-8")
    build_here(forum.folder)
    assert [] == inside("-C", forum.folder, "--json", "review", "list", "--kind", "update").data["waiting"]
