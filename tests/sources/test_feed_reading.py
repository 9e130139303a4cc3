"""Feeds as a sign of change."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from kbgen.errors import SourceError
from kbgen.sources.feeds import FeedEntry, changes_since, read_date, read_feed
from kbgen.testing.server import Canned, FakeServer, testing_client

AT = datetime(2026, 2, 20, 16, tzinfo=UTC)
HOME = "https://forum.example.com/feeds/all"
RICH = (
    '<guid isPermaLink="false">post-1</guid><link>https://x/1</link><title>A &amp;amp; B</title>'
    "<pubDate>Fri, 20 Feb 2026 08:00:00 PST</pubDate><category>c</category>"
)


def test_atom_is_read() -> None:
    """Addresses follow xml:base, HTML titles are escaped once more, and the time of the last edit counts."""
    feed = read_feed(
        b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"
        xml:base="/sub/"><link rel="self" href="x"/><link rel="next" href="?page=2"/>
        <entry><title type="html">Lamp &amp;amp; fuse</title><id>tag:1</id><link rel="replies" href="r"/>
        <link href="q/1"/><published>2026-01-01T00:00:00Z</published><updated>2026-02-20T17:00:00+01:00</updated>
        <thr:in-reply-to href="q/0"/><category term="solved"/></entry></feed>""",
        HOME,
    )
    base = "https://forum.example.com/sub/"
    assert feed.entries == (FeedEntry("tag:1", f"{base}q/1", "Lamp & fuse", AT, ("solved",), f"{base}q/0"),)
    assert feed.next_url == "https://forum.example.com/sub/?page=2"


@pytest.mark.parametrize(
    ("item", "entry"),
    [
        (
            RICH,
            FeedEntry("post-1", "https://x/1", "A &amp; B", AT, ("c",)),
        ),
        ("<guid>https://x/2</guid><pubDate>soon</pubDate>", FeedEntry("https://x/2", "https://x/2")),
        ('<guid isPermaLink="false">3</guid>', FeedEntry("3", "")),
        ("<link>/4</link>", FeedEntry("/4", "https://forum.example.com/4")),
    ],
)
def test_rss_is_read(item: str, entry: FeedEntry) -> None:
    """A guid is an address only when it says so; dates with named zones and without sense are met."""
    assert read_feed(f"<rss><channel><item>{item}</item></channel></rss>".encode(), HOME).entries == (entry,)


def test_rss_1_keeps_its_items_beside_the_channel() -> None:
    """RDF feeds are still made."""
    data = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel/><item><link>https://x/1</link>'
        b"<dc:date>2026-02-20T16:00:00Z</dc:date></item></rdf:RDF>"
    )
    assert read_feed(data, HOME).entries == (FeedEntry("https://x/1", "https://x/1", at=AT),)


def test_json_feed_is_read() -> None:
    """Identifiers may be numbers; the edit's time counts."""
    item = {
        "id": 5,
        "url": "/5",
        "title": "T",
        "date_published": "2026-01-01",
        "date_modified": "2026-02-20T08:00:00-08:00",
    }
    data = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item], "next_url": "?p=2"})
    feed = read_feed(data.encode(), HOME)
    assert feed.entries == (FeedEntry("5", "https://forum.example.com/5", "T", AT),)
    assert feed.next_url == f"{HOME}?p=2"


@pytest.mark.parametrize("data", [b"", b"<html/>", b"{}", b"words"])
def test_what_is_no_feed_is_refused(data: bytes) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match=r"^it (is|begins)"):
        read_feed(data, HOME)


def test_entities_of_a_feed_are_not_expanded() -> None:
    """A feed cannot read files or grow by itself."""
    data = b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]><rss><channel><item><title>&x;</title></item></channel></rss>'
    assert read_feed(data, HOME).entries[0].title == "&x;"


def test_dates_are_read_however_they_are_written() -> None:
    """ISO 8601 and RFC 822, any zone; nonsense is unknown."""
    assert read_date("Fri, 20 Feb 2026 16:00:00 GMT") == read_date("2026-02-20T16:00:00") == AT
    assert read_date("yesterday") is read_date("") is read_date(None) is None


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A running site."""
    with FakeServer() as running:
        yield running


def rss(*numbers: int, following: str = "") -> Canned:
    """A feed of entries, written at minutes of one day that are their numbers."""
    items = "".join(
        f"<item><guid>https://x/{n}</guid><pubDate>Fri, 20 Feb 2026 16:{n:02}:00 GMT</pubDate></item>" for n in numbers
    )
    link = f'<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="next" href="{following}"/>' if following else ""
    return Canned(200, {"Content-Type": "application/rss+xml"}, f"<rss><channel>{link}{items}</channel></rss>".encode())


def ask(server: FakeServer, mark: str | None) -> tuple[list[str], str, bool]:
    """Addresses that changed, the next mark, and whether there is a gap."""
    with testing_client(server) as client:
        changes = changes_since(client, f"{server.url}/feed", mark)
    return [entry.url.removeprefix("https://x/") for entry in changes.entries], changes.mark, changes.gap


def test_the_first_time_is_a_gap(server: FakeServer) -> None:
    """Nothing is known of what was before the feed's oldest entry."""
    server.route("/feed", rss(3, 2))
    found, mark, gap = ask(server, None)
    assert (found, gap) == (["3", "2"], True)
    assert ask(server, mark)[::2] == ([], False)


def test_new_and_edited_entries_are_told(server: FakeServer) -> None:
    """What was seen is not told again; an entry whose time moved is."""
    server.route("/feed", [rss(3, 2), rss(5, 3, 2)])
    mark = ask(server, None)[1]
    assert ask(server, mark)[::2] == (["5"], False)
    server.route("/feed", Canned(200, {}, rss(5, 3).body.replace(b"16:05", b"16:09")))
    assert ask(server, mark)[::2] == (["5"], False)


def test_a_feed_that_does_not_reach_back_is_a_gap(server: FakeServer) -> None:
    """More happened than the feed holds; a pinned entry at its head proves nothing."""
    server.route("/feed", [rss(3, 2), rss(2, 9, 8)])
    mark = ask(server, None)[1]
    assert ask(server, mark)[::2] == (["9", "8"], True)


def test_further_pages_are_read_until_the_known(server: FakeServer) -> None:
    """A feed with pages is followed; one that leads in a circle is not followed for ever."""
    server.route("/feed", rss(3, 2))
    mark = ask(server, None)[1]
    server.route("/feed", rss(9, 8, following="/older"))
    server.route("/older", rss(7, 3))
    assert ask(server, mark)[::2] == (["9", "8", "7"], False)
    server.route("/older", rss(7, following="/feed"))
    assert ask(server, mark)[::2] == (["9", "8", "7"], True)


def test_an_address_that_is_no_feed_is_named(server: FakeServer) -> None:
    """The message names the key to mend."""
    server.route("/feed", Canned(200, {"Content-Type": "text/html"}, b"<html></html>"))
    with pytest.raises(SourceError, match=r"is not a feed: it begins with <html>.*`feed:`"):
        ask(server, None)
