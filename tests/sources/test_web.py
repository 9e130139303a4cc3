"""A site read page by page: which pages are kept, what they mean, and how a pass goes."""

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from passes import Shelf, paths, shelf_for
from pydantic import ValidationError

from kbgen.errors import RecordError, SourceError
from kbgen.model import Thread
from kbgen.sources.http import Reply
from kbgen.sources.web import WebOptions, WebSource
from kbgen.sources.web_page import keep_page
from kbgen.sources.web_sitemap import clean_url, same_site
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample
from kbgen.testing.live_checks import LiveCheck

HTML = {"Content-Type": "text/html; charset=utf-8"}
SITE = "https://forum.example.com"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A running site without robots.txt."""
    with FakeServer() as running:
        yield running


def source(url: str, **more: Any) -> WebSource:
    """A source of a site."""
    return WebSource(WebOptions(name="site", kind="web", url=url, **more), Path())


def qa(title: str = "Lamp stays dark", answer: str = "Turn the knob to the left.", **more: Any) -> str:
    """A block of JSON-LD: a question with an accepted answer."""
    accepted = {"@type": "Answer", "text": answer, "author": {"@type": "Person", "name": "Jo", "url": "/u/jo"}}
    entity = {"@type": "Question", "name": title, "text": "It is dark.", "author": {"@type": "Person", "name": "Mina"}}
    data = {"@type": "QAPage", "mainEntity": {**entity, "acceptedAnswer": accepted, **more}}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def page(head: str = "", body: str = "") -> Canned:
    """A page."""
    return Canned(200, HTML, f"<html><head>{head}</head><body>{body}</body></html>".encode())


def listing(server: FakeServer, *pages: tuple[str, str]) -> None:
    """Let the site list pages with the days they changed."""
    urls = "".join(f"<url><loc>{server.url}{path}</loc><lastmod>{day}</lastmod></url>" for path, day in pages)
    server.route(
        "/sitemap.xml", Canned(200, {"Content-Type": "text/xml"}, gzip.compress(f"<urlset>{urls}</urlset>".encode()))
    )


def parsed(html: str, url: str = f"{SITE}/q/1", **more: Any) -> Thread:
    """What a page means."""
    kept = keep_page(Reply(200, url, {"content-type": "text/html"}, html.encode()))
    made = source(SITE, **more)
    return made.parse(made.record("1", "thread", kept.url, {"url": kept.url, "pages": [kept.html]}, kept.url))


# --- one page ---------------------------------------------------------------------------------------------


def test_the_full_text_of_the_page_replaces_an_excerpt() -> None:
    """Structured data says which answer is accepted; the page holds what it says."""
    body = '<div id="post_2"><p>Jo</p><div class="text"><p>Turn the knob <b>to</b> the left.</p><p>Then wait.</p></div></div>'
    thread = parsed(qa(answer="Turn the knob to …", url="/q/1") + body)
    (answer,) = thread.answers
    assert answer.html == "<p>Turn the knob <b>to</b> the left.</p><p>Then wait.</p>"
    assert (answer.url, answer.author.url) == (f"{SITE}/q/1#post_2", f"{SITE}/u/jo")
    assert [(mark.post_id, mark.how, mark.confidence) for mark in thread.solved] == [(answer.id, "schema", 1.0)]
    assert thread.warnings == ()


def test_an_excerpt_that_is_all_there_is_is_said_to_be_one() -> None:
    """Nobody takes half an answer for a whole one without being told."""
    (warning,) = parsed(qa(answer="Turn the knob to …")).warnings
    assert warning == "Of the post answer-1 there is an excerpt only; name its element in `selectors: body`."


def test_the_longer_text_is_kept() -> None:
    """Where the page shows less than the structured data, that is taken."""
    thread = parsed(qa(answer="Turn the knob to the left, then wait.") + "<div>Turn the knob</div>")
    assert thread.answers[0].html == "<p>Turn the knob to the left, then wait.</p>"


def test_a_configured_body_wins() -> None:
    """A selector for the text is the operator's word."""
    body = '<div id="a2"><p>Turn the knob to the left.</p><div class="t">Exactly this.</div></div>'
    answer = {"@type": "Answer", "text": "Turn the knob", "url": "/q/1#a2", "author": "Jo"}
    thread = parsed(qa(acceptedAnswer=answer) + body, selectors={"body": ".t"})
    assert thread.answers[0].html == "Exactly this."


def test_nobody_goes_uncredited() -> None:
    """A further answer without an author is left out and named; the accepted one is a fault of the record."""
    nameless = {"@type": "Answer", "text": "Try again and again."}
    thread = parsed(qa(suggestedAnswer=[nameless]))
    assert (len(thread.answers), len(thread.solved), len(thread.warnings)) == (1, 1, 1)
    with pytest.raises(RecordError, match="the accepted answer has no author to credit"):
        parsed(qa(acceptedAnswer=nameless))


def test_authors_are_one_person_throughout() -> None:
    """Who is named without a profile in one place, and with it in another, is the same; staff are known by job too."""
    asker = {"@type": "Person", "name": "Mina", "url": "/u/mina"}
    answers = [{"text": "Thanks", "author": "Mina"}, {"text": "So", "author": {"name": "Ann", "jobTitle": "Employee"}}]
    thread = parsed(qa(author=asker, suggestedAnswer=answers), staff=["employee"])
    assert [post.author.id for post in thread.answers] == ["u/jo", "u/mina", "Ann"]
    assert [post.author.is_staff for post in thread.answers] == [False, False, True]


POSTING = (
    '<script type="application/ld+json">{"@type": "DiscussionForumPosting", "headline": "Lamp", "text": "It is dark.",'
    '"author": {"name": "Mina"}, "comment": [{"text": "Is it plugged in?", "author": {"name": "Ann"}},'
    '{"text": "Turn the knob to the left.", "author": {"name": "Jo"}, "url": "/q/1#c2"},'
    '{"text": "Thanks, that was it!", "author": {"name": "Mina"}}]}</script>'
)


def test_a_discussion_is_settled_by_a_configured_mark() -> None:
    """The reply that holds the mark is accepted, with the confidence given for it."""
    html = POSTING + '<div id="c2"><i class="best">Best reply</i><p>Turn the knob to the left.</p></div>'
    (mark,) = parsed(html, selectors={"accepted": ".best"}, accepted_confidence=0.7).solved
    assert (mark.post_id, mark.how, mark.confidence) == ("c2", "accepted", 0.7)


@pytest.mark.parametrize(
    ("html", "options", "solved"),
    [
        ("<b class=badge>Solved</b>", {"selectors": {"solved": ".badge"}}, [("c2", "tag", 0.4)]),
        (
            "<b class=badge>Solved</b>",
            {"selectors": {"solved": ".badge"}, "solved_label": "SOLVED"},
            [("c2", "tag", 0.4)],
        ),
        ("<b class=badge>Open</b>", {"selectors": {"solved": ".badge"}, "solved_label": "Solved"}, []),
        ("", {"selectors": {"solved": ".badge"}}, []),
        ("", {"solved_urls": ["/q/*"], "solved_confidence": 0.5}, [("c2", "tag", 0.5)]),
        ("", {"solved_urls": ["/solved/*"]}, []),
    ],
)
def test_a_page_marked_solved_is_a_guess_at_its_answer(html: str, options: dict[str, Any], solved: list[Any]) -> None:
    """A badge, its label or the address say that, not by what: the last reply of somebody else, with low confidence."""
    thread = parsed(POSTING + html, **options)
    assert [(mark.post_id, mark.how, mark.confidence) for mark in thread.solved] == solved


def test_what_is_kept_of_a_page_has_no_scripts_and_no_tokens() -> None:
    """The stored page stays the same from visit to visit, and parses to the same thread."""
    noise = (
        '<meta name="csrf-token" content="s3cret"><script>var token = "s3cret"</script><style>p{}</style>'
        '<form><input type="hidden" value="s3cret"></form><div onclick="s3cret()" nonce="s3cret">words</div><!-- s3cret -->'
    )
    kept = keep_page(Reply(200, SITE, {}, (qa() + noise).encode()))
    assert "s3cret" not in kept.html
    assert "Turn the knob" in kept.html


@pytest.mark.parametrize(
    ("head", "headers", "closed"),
    [
        ("", {"x-robots-tag": "noarchive"}, True),
        ('<meta name="ROBOTS" content="NoIndex, follow">', {}, True),
        ('<meta name="kbgen" content="none">', {}, True),
        ('<meta name="robots" content="index,nofollow">', {}, False),
    ],
)
def test_a_page_may_ask_to_be_left_alone(head: str, headers: dict[str, str], closed: bool) -> None:  # noqa: FBT001
    """In its head or in the answer's."""
    assert keep_page(Reply(200, SITE, headers, f"<html><head>{head}</head></html>".encode())).closed is closed


@pytest.mark.parametrize(
    ("canonical", "url"),
    [
        ("/q/1-lamp?utm_source=x", f"{SITE}/q/1-lamp"),
        ("http://forum.example.com/q/1", "http://forum.example.com/q/1"),
        ("https://other.example.com/q/1", f"{SITE}/q/1?a=2"),
    ],
)
def test_a_page_says_its_own_address(canonical: str, url: str) -> None:
    """On the same site only; else it is where it was found, without what counts visitors."""
    html = f'<link rel="canonical" href="{canonical}"><p>x</p>'
    assert keep_page(Reply(200, f"{SITE}/q/1?utm_medium=y&a=2#top", {}, html.encode())).url == url


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        ("größer".encode(), {}),
        ("größer".encode("latin-1"), {"content-type": "text/html; charset=iso-8859-1"}),
        ('<meta charset="cp1252">größer'.encode("cp1252"), {}),
    ],
)
def test_pages_are_read_in_their_charset(data: bytes, headers: dict[str, str]) -> None:
    """The answer's, the page's own, or UTF-8."""
    assert "größer" in keep_page(Reply(200, SITE, headers, b"<p>" + data)).html


def test_a_stored_page_that_is_no_thread_any_more_is_named() -> None:
    """After a change of selectors, say; the message says what to do."""
    made = source(SITE)
    record = made.record("1", "thread", SITE, {"url": SITE, "pages": ["<p>x</p>"]}, f"{SITE}/q/1")
    with pytest.raises(RecordError, match=r"is one of the pages that hold no question; mend `selectors:`"):
        made.parse(record)
    with pytest.raises(RecordError, match="is not a stored page"):
        made.parse(msgspec.structs.replace(record, payload=b"{}"))


@pytest.mark.parametrize("pattern", [r"/q/\d+", "(", "(a)(b)"])
def test_an_id_pattern_has_one_group(pattern: str) -> None:
    """Anything else is a fault of the configuration."""
    with pytest.raises(ValidationError, match=r"one group|not a regular expression"):
        source(SITE, id_pattern=pattern)


# --- passes -----------------------------------------------------------------------------------------------


def site(server: FakeServer) -> None:
    """Two threads, a page that is none, a drawn one, an old one, and one nobody may read."""
    listing(
        server,
        *[("/q/1", "2026-02-01"), ("/q/2", "2026-02-02"), ("/about", "2020-01-01"), ("/app", "2020-01-01")],
        *[("/q/3", "2026-02-03"), ("/q/closed", "2026-02-03"), ("/search/x", "2026-02-03")],
    )
    server.route("/q/1", page(qa()))
    server.route("/q/2", page(qa("Radio"), '<a rel="next" href="/q/2?page=2">next</a>'))
    server.route("/q/2", lambda request: radio(request.query.get("page", "1")))
    server.route("/about", page(body="<p>" + "We make lamps. " * 30))
    server.route("/app", page(body="<div id=root></div><script src=/app.js></script>"))
    server.route("/q/closed", page('<meta name="robots" content="noindex">' + qa()))


def radio(number: str) -> Canned:
    """A thread on two pages."""
    if number == "1":
        return page(qa("Radio"), '<a rel="next" href="/q/2?page=2">next</a>')
    further = [{"@type": "Answer", "text": "Or the other way round.", "author": "Ann", "url": "/q/2?page=2#a9"}]
    return page(
        '<link rel="canonical" href="/q/2">' + qa("Radio", suggestedAnswer=further), '<a rel="next" href="/q/4">on</a>'
    )


def shelf(server: FakeServer, **more: Any) -> Shelf:
    """An empty store of the site."""
    return shelf_for(source(server.url, exclude=["/search/*"], **more), server)


def test_a_first_pass_keeps_threads_and_counts_the_rest(server: FakeServer) -> None:
    """Threads are stored, of several pages as one; excluded pages are not asked for; others are said in a note."""
    site(server)
    held = shelf(server).run()
    threads = held.threads()
    assert sorted(threads) == ["q/1", "q/2"]
    assert [post.id for post in threads["q/2"].answers] == ["answer-1", "a9"]
    assert "/search/x" not in paths(held)
    assert "/q/4" not in paths(held)


def test_a_second_pass_asks_for_what_changed(server: FakeServer) -> None:
    """Only the sitemap, pages it says changed, and new ones; a withdrawn one is seen when its page is asked for."""
    site(server)
    held = shelf(server).run().run()
    assert held.fetched == []
    assert {path for path in paths(held) if not path.endswith((".txt", ".xml"))} == set()
    listing(server, ("/q/1", "2026-02-28"), ("/q/2", "2026-02-28"), ("/q/5", "2026-02-28"), ("/about", "2020-01-01"))
    server.route("/q/1", page(qa(answer="Press the button for long.")))
    server.drop("/q/2")
    server.route("/q/5", page(qa("Fan")))
    held.run()
    assert (held.fetched, sorted(held.records)) == (["q/1", "q/5"], ["q/1", "q/5"])


def test_a_full_pass_sees_what_no_date_tells(server: FakeServer) -> None:
    """An un-accepted answer, a thread that is none any more, and one that left the sitemap."""
    site(server)
    held = shelf(server).run()
    unaccepted = qa(acceptedAnswer=None, suggestedAnswer=[{"@type": "Answer", "text": "Turn it.", "author": "Jo"}])
    server.route("/q/1", page(unaccepted))
    assert held.run().threads()["q/1"].solved != ()
    assert held.run(full=True).threads()["q/1"].solved == ()
    server.route("/q/1", page(body="<p>moved</p>"))
    assert sorted(held.run(full=True).records) == ["q/2"]


def test_a_page_that_becomes_private_is_withdrawn(server: FakeServer) -> None:
    """By a robots rule, by its own wish, or because it asks to log in."""
    site(server)
    for answer in (Canned(403, HTML, b""), page('<meta name="robots" content="noindex">' + qa())):
        server.route("/q/1", page(qa()))
        held = shelf(server).run()
        server.route("/q/1", answer)
        assert sorted(held.run(full=True).records) == ["q/2"]
    server.route("/q/1", page(qa()))
    server.route("/robots.txt", Canned(200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /q/1"))
    assert sorted(held.run(full=True).records) == ["q/2"]


@pytest.mark.parametrize("stop", [2, 3, 4, 6, 8])
def test_a_pass_that_breaks_off_loses_and_doubles_nothing(
    server: FakeServer, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the site stops answering, the passes after it store what one whole pass would have."""
    monkeypatch.setattr("kbgen.sources.web._BATCH", 2)
    site(server)
    whole = shelf(server).run()
    held, answer, left = shelf(server), server.answer, [stop]

    def limited(request: Any) -> Canned:
        left[0] -= 1
        return answer(request) if left[0] >= 0 else Canned(500, {}, b"")

    server.answer = limited  # type: ignore[method-assign]
    with suppress(SourceError):
        held.run()
    server.answer = answer  # type: ignore[method-assign]
    held.run()
    held.run()
    assert held.records == whole.records


def test_one_broken_page_stops_nothing_and_is_tried_again(server: FakeServer) -> None:
    """It is named, the others are read, and the next pass asks for it first of all."""
    site(server)
    server.route("/q/1", Canned(500, {}, b""))
    held = shelf(server).run()
    assert (sorted(held.records), len(held.errors)) == (["q/2"], 1)
    assert f"{server.url}/q/1: cannot be read" in held.errors[0]
    server.route("/q/1", page(qa()))
    assert sorted(held.run().records) == ["q/1", "q/2"]


def test_a_site_drawn_in_the_browser_is_said_to_be_one(server: FakeServer) -> None:
    """Nothing is guessed; the message says what to ask for."""
    listing(server, ("/app", "2026-01-01"))
    server.route("/app", page(body="<div id=root></div><script src=/app.js></script>"))
    with pytest.raises(SourceError, match="are drawn in the browser and hold nothing to read; ask for another way in"):
        shelf(server).run()


def test_a_known_thread_that_is_drawn_in_the_browser_now_stays(server: FakeServer) -> None:
    """It did not say that it is gone, so it is an error of the page."""
    site(server)
    held = shelf(server).run()
    listing(server, ("/q/1", "2026-03-01"))
    server.route("/q/1", page(body="<script src=/app.js></script>"))
    held.run()
    assert "q/1" in held.records
    assert "are drawn in the browser" in held.errors[0]


def test_an_id_outlives_its_title(server: FakeServer) -> None:
    """With a pattern for the id, a new slug is the same thread; a page found at two addresses is one."""
    listing(server, ("/q/7/lamp", "2026-01-01"), ("/q/7", "2026-01-01"))
    lamp = page('<link rel="canonical" href="/q/7/lamp">' + qa())
    server.route("/q/7/lamp", lamp)
    server.route("/q/7", lamp)
    held = shelf_for(source(server.url, id_pattern=r"/q/(\d+)"), server).run()
    assert (held.fetched, held.threads()["7"].url) == (["7"], f"{server.url}/q/7/lamp")


def test_discussions_need_a_sign_of_the_solved_ones(server: FakeServer) -> None:
    """Without one they are not stored, for nothing in them is an accepted answer."""
    listing(server, ("/q/1", "2026-01-01"))
    server.route("/q/1", page(POSTING))
    assert shelf_for(source(server.url), server).run().records == {}
    assert list(shelf_for(source(server.url, selectors={"solved": ".badge"}), server).run().records) == ["q/1"]


def test_patterns_choose_pages(server: FakeServer) -> None:
    """Of those that are included, the excluded are left out; a site under a path is not the whole host."""
    made = source(f"{server.url}/help", include=["/help/q/*"], exclude=["*/draft*"])
    urls = ["/help/q/1", "/help/q/draft-2", "/help/x", "/q/1"]
    assert [path for path in urls if made.wants(server.url + path)] == ["/help/q/1"]
    assert not made.wants("https://other.example.com/help/q/1")


def test_too_many_pages_are_an_error(server: FakeServer) -> None:
    """A sitemap of a million products is not read by mistake."""
    site(server)
    with pytest.raises(SourceError, match=r"has 6 pages, more than `limit: 3`; name those with threads in `include:`"):
        shelf(server, limit=3).run()


def test_a_sitemap_made_at_one_moment_tells_nothing(server: FakeServer) -> None:
    """Where every page has one date, that is the sitemap's: known pages are left to the full pass."""
    numbers = range(12)
    for number in numbers:
        server.route(f"/q/{number}", page(qa()))
    listing(server, *((f"/q/{number}", "2026-01-01") for number in numbers))
    held = shelf(server).run()
    listing(server, *((f"/q/{number}", "2026-02-01") for number in numbers))
    assert (held.run().fetched, len(held.records)) == ([], 12)


def serve(server: FakeServer) -> None:
    """The small site."""
    listing(server, ("/q/1", "2026-02-01"), ("/q/2", "2026-02-02"), ("/q/closed", "2026-02-03"))
    server.route("/q/1", page(qa()))
    server.route("/q/2", page(qa("Radio")))
    server.route("/q/closed", page('<meta name="robots" content="noindex">' + qa()))


UNACCEPTED = qa(acceptedAnswer=None, suggestedAnswer=[{"@type": "Answer", "text": "Turn it.", "author": "Jo"}])
SAMPLE = LiveSample(
    source,
    serve,
    ids=("q/1", "q/2"),
    changes={
        "un-accepted": LiveChange(lambda server: server.route("/q/1", page(UNACCEPTED)), "q/1", "changed"),
        "edited": LiveChange(lambda server: server.route("/q/1", page(qa(answer="Press it."))), "q/1", "changed"),
        "deleted": LiveChange(lambda server: server.drop("/q/1"), "q/1", "gone"),
        "private": LiveChange(lambda server: server.route("/q/1", Canned(403, HTML, b"")), "q/1", "gone"),
    },
    restricted=("q/closed",),
    second=5,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def feed(server: FakeServer, *entries: tuple[str, int]) -> None:
    """Let the site's feed hold pages written in some minutes."""
    items = "".join(
        f"<item><link>{server.url}{path}?utm_source=rss</link><pubDate>Fri, 20 Feb 2026 16:{minute:02}:00 GMT</pubDate></item>"
        for path, minute in entries
    )
    server.route("/feed", Canned(200, {"Content-Type": "text/xml"}, f"<rss><channel>{items}</channel></rss>".encode()))


def test_a_feed_tells_what_is_new_until_it_has_a_gap(server: FakeServer) -> None:
    """A pass over changes reads the feed alone; when that does not reach back, the sitemaps."""
    site(server)
    feed(server, ("/q/2", 2), ("/q/1", 1))
    held = shelf(server, feed=[f"{server.url}/feed"]).run()
    server.route("/q/5", page(qa("Fan")))
    feed(server, ("/q/5", 5), ("/q/2", 2))
    assert (held.run().fetched, "/sitemap.xml" in paths(held)) == (["q/5"], False)
    feed(server, ("/q/9", 9), ("/q/8", 8))
    held.run()
    assert "/sitemap.xml" in paths(held)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "title", "answers", "solved"),
    [
        ("01_jsonld_qapage", "Export stops", ["M77", "M75"], ["M77"]),
        ("02_jsonld_graph_refs", "Export stops", ["a2"], ["a2"]),
        ("03_jsonld_broken_then_good", "Export stops", ["M77", "M75"], ["M77"]),
        ("04_microdata_qapage", "Export stops", ["2"], ["2"]),
        ("05_jsonld_discussionforumposting", "Export stops", ["c2", "answer-2"], []),
    ],
)
def test_recorded_pages_are_read(
    data_folder: Path, file: str, title: str, answers: list[str], solved: list[str]
) -> None:
    """Pages with every kind of structured data, a broken block among good ones too."""
    html = (data_folder / f"fixtures/structured-data/{file}.html").read_text(encoding="utf-8")
    thread = parsed(html)
    assert (thread.title, [post.id for post in thread.answers]) == (title, answers)
    assert [mark.post_id for mark in thread.solved] == solved


@pytest.mark.parametrize("wrong", ["https://[forum]/q/1", "http://[x/", "//[url]"])
def test_links_that_are_no_addresses_are_none(wrong: str) -> None:
    """What a stranger wrote into a page stops neither it nor the pass."""
    head = f'<link rel="canonical" href="{wrong}"><link rel="next" href="{wrong}">'
    kept = keep_page(Reply(200, f"{SITE}/q/1", {}, f"<html><head>{head}</head><body>x</body></html>".encode()))
    assert (kept.url, kept.next_url) == (f"{SITE}/q/1", "")
    assert (clean_url(wrong) in {"", wrong}, same_site(wrong, SITE)) == (True, False)
