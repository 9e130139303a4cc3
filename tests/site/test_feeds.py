"""Atom feeds."""

from datetime import UTC, datetime, timedelta

from lxml import etree
from msgspec.structs import replace

from kbgen.addresses import absolute
from kbgen.config import Config, SeoConfig, SiteConfig
from kbgen.model import Library, Page, PageKind, PlainText, Slug, Topic
from kbgen.site.feeds import feeds

URL = "https://help.example.com/kb/"
CONFIG = Config(site=SiteConfig(name="Help & more", url=URL, publisher="Example Ltd"), seo=SeoConfig(feed_items=3))
ATOM = {"a": "http://www.w3.org/2005/Atom"}
START = datetime(2026, 1, 1, tzinfo=UTC)
HUBS = Topic(Slug("hubs"), PlainText("Hubs"))
RESET = Topic(Slug("reset"), PlainText("Reset"), parent=Slug("hubs"))


def make_page(path: str, day: int | None = None, topics: tuple[str, ...] = (), kind: PageKind = "entry") -> Page:
    """A page updated on a day of January."""
    return Page(
        path=path,
        kind=kind,
        title=f"Title of {path}",
        description=f"About {path}",
        canonical=absolute(URL, path),
        shell="entry",
        lang="en",
        topics=tuple(Slug(topic) for topic in topics),
        updated=None if day is None else START + timedelta(days=day - 1),
    )


def make_library(*pages: Page) -> Library:
    """A library of these pages."""
    return Library({page.path: page for page in pages}, {}, {})


def by_slug(*topics: Topic) -> dict[Slug, Topic]:
    """Topics as the taxonomy hands them over."""
    return {topic.slug: topic for topic in topics}


def texts(feed: bytes, path: str) -> list[str]:
    """Texts or attributes in a feed."""
    found = etree.fromstring(feed).xpath(path, namespaces=ATOM)
    assert isinstance(found, list)
    return [str(item) for item in found]


def test_a_feed_has_all_that_atom_requires() -> None:
    """RFC 4287: id, title, updated, author, self link; and each entry its own."""
    page = replace(make_page("/q/ü-1/", 5, ("hubs",)), created=START, lang="de")
    (feed,) = feeds(make_library(page), CONFIG, {}).values()
    assert feed.decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">\n'
        "<id>https://help.example.com/kb/feed.xml</id>\n<title>Help &amp; more</title>\n"
        "<updated>2026-01-05T00:00:00Z</updated>\n"
        '<link rel="self" type="application/atom+xml" href="https://help.example.com/kb/feed.xml"/>\n'
        '<link rel="alternate" type="text/html" href="https://help.example.com/kb/"/>\n'
        "<author><name>Example Ltd</name><uri>https://help.example.com/kb/</uri></author>\n<generator>kbgen</generator>\n"
        '<entry xml:lang="de">\n<id>https://help.example.com/kb/q/%C3%BC-1/</id>\n<title>Title of /q/ü-1/</title>\n'
        '<link rel="alternate" type="text/html" href="https://help.example.com/kb/q/%C3%BC-1/"/>\n'
        "<published>2026-01-01T00:00:00Z</published>\n<updated>2026-01-05T00:00:00Z</updated>\n"
        '<category term="hubs"/>\n<summary>About /q/ü-1/</summary>\n</entry>\n</feed>\n'
    )


def test_the_newest_entries_and_articles_come_first() -> None:
    """Up to ``seo.feed_items``; listings are no news; without a date there is no place in the order."""
    library = make_library(
        make_page("/q/a/", 1),
        make_page("/q/b/", 4),
        make_page("/articles/c/", 3, kind="article"),
        make_page("/q/d/", 2),
        make_page("/q/e/"),
        make_page("/topics/x/", 9, kind="topic"),
    )
    (feed,) = feeds(library, CONFIG, {}).values()
    assert texts(feed, "//a:entry/a:id/text()") == [f"{URL}q/b/", f"{URL}articles/c/", f"{URL}q/d/"]
    assert texts(feed, "/a:feed/a:updated/text()") == ["2026-01-04T00:00:00Z"]


def test_pages_that_defer_to_their_thread_are_no_news() -> None:
    """They are left out while the library has a page of its own, and never when noindex."""
    own, deferring = make_page("/q/a/", 1), replace(make_page("/q/b/", 2), canonical="https://forum.example.com/t/2")
    hidden = replace(make_page("/q/c/", 3), noindex=True)
    (feed,) = feeds(make_library(own, deferring, hidden), CONFIG, {}).values()
    assert texts(feed, "//a:entry/a:id/text()") == [f"{URL}q/a/"]


def test_a_library_of_deferring_pages_still_has_a_feed() -> None:
    """With ``seo.canonical: source`` the feed lists them, because there is nothing else."""
    deferring = replace(make_page("/q/b/", 2), canonical="https://forum.example.com/t/2", in_sitemap=False)
    hidden = replace(make_page("/q/c/", 3), noindex=True)
    (feed,) = feeds(make_library(deferring, hidden), CONFIG, {}).values()
    assert texts(feed, "//a:entry/a:id/text()") == [f"{URL}q/b/"]


def test_each_topic_with_a_landing_page_has_a_feed() -> None:
    """With the entries of the topics below it; an unpublished topic has none."""
    library = make_library(
        make_page("/topics/hubs/", kind="topic"),
        make_page("/q/a/", 1, ("reset",)),
        make_page("/q/b/", 2, ("hubs", "reset")),
        make_page("/q/c/", 3),
    )
    files = feeds(library, CONFIG, by_slug(HUBS, RESET))
    assert sorted(files) == ["feed.xml", "topics/hubs/feed.xml"]
    topic = files["topics/hubs/feed.xml"]
    assert texts(topic, "//a:entry/a:id/text()") == [f"{URL}q/b/", f"{URL}q/a/"]
    assert texts(topic, "/a:feed/a:title/text()") == ["Hubs - Help & more"]
    assert texts(topic, "/a:feed/a:link/@href") == [f"{URL}topics/hubs/feed.xml", f"{URL}topics/hubs/"]


def test_a_topic_without_entries_has_an_empty_feed() -> None:
    """Its landing page links to the feed, so the feed is there; the date is a fixed one."""
    files = feeds(make_library(make_page("/topics/hubs/", kind="topic")), CONFIG, by_slug(HUBS))
    assert texts(files["topics/hubs/feed.xml"], "//a:updated/text()") == ["1970-01-01T00:00:00Z"]


def test_hostile_text_is_escaped_and_cleaned() -> None:
    """Markup is text, and characters XML cannot hold are gone."""
    page = replace(make_page("/q/a/", 1), title="<b>\x00\x0b&\ud800\ufffe]]>", description="</summary>\x1b")
    (feed,) = feeds(make_library(page), CONFIG, {}).values()
    assert texts(feed, "//a:entry/a:title/text()") == ["<b>&]]>"]
    assert texts(feed, "//a:entry/a:summary/text()") == ["</summary>"]


def test_topics_that_contain_each_other_do_not_hang() -> None:
    """A circle of parents is walked once."""
    topics = by_slug(
        Topic(Slug("a"), PlainText("A"), parent=Slug("b")), Topic(Slug("b"), PlainText("B"), parent=Slug("a"))
    )
    library = make_library(make_page("/topics/a/", kind="topic"), make_page("/q/x/", 1, ("b",)))
    assert texts(feeds(library, CONFIG, topics)["topics/a/feed.xml"], "//a:entry/a:id/text()") == [f"{URL}q/x/"]


def test_the_order_of_the_library_does_not_matter() -> None:
    """Entries of the same moment are ordered by path."""
    pages = [make_page(f"/q/{name}/", 1) for name in "bca"]
    assert feeds(make_library(*pages), CONFIG, {}) == feeds(make_library(*reversed(pages)), CONFIG, {})
