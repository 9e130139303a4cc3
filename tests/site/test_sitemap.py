"""The sitemap and its index."""

from datetime import UTC, datetime, timedelta, timezone

from lxml import etree
from msgspec.structs import replace

from kbgen.addresses import absolute
from kbgen.config import Config, SeoConfig, SiteConfig
from kbgen.model import Page
from kbgen.site.sitemap import is_indexable, sitemaps, w3c

URL = "https://help.example.com/kb/"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def make_config(limit: int = 10_000, *, noindex: bool = False) -> Config:
    """A configuration with a sub-path."""
    return Config(site=SiteConfig(name="Help", url=URL, noindex=noindex), seo=SeoConfig(sitemap_limit=limit))


def make_page(path: str, updated: datetime | None = None) -> Page:
    """An entry page that is its own canonical."""
    return Page(
        path=path,
        kind="entry",
        title="T",
        description="D",
        canonical=absolute(URL, path),
        shell="entry",
        lang="en",
        updated=updated,
    )


def locations(file: bytes) -> list[str]:
    """The addresses of a sitemap or an index."""
    return [element.text or "" for element in etree.fromstring(file).iter(f"{SITEMAP}loc")]


def test_a_small_site_has_one_sitemap_with_true_dates() -> None:
    """Addresses are absolute and sorted; the date is the content's, in UTC; an unknown one is left out."""
    moment = datetime(2026, 5, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    files = sitemaps([make_page("/q/b-2/"), make_page("/q/a-1/", moment)], make_config())
    assert files == {
        "sitemap.xml": (
            b'<?xml version="1.0" encoding="UTF-8"?>\n'
            b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            b"<url><loc>https://help.example.com/kb/q/a-1/</loc><lastmod>2026-05-01T10:30:00Z</lastmod></url>\n"
            b"<url><loc>https://help.example.com/kb/q/b-2/</loc></url>\n"
            b"</urlset>\n"
        )
    }


def test_only_indexable_pages_are_listed() -> None:
    """A page that is unlisted, noindex, or defers to a thread does not belong in a sitemap."""
    page = make_page("/q/a-1/")
    others = (
        replace(page, in_sitemap=False),
        replace(page, noindex=True),
        replace(page, canonical="https://forum.example.com/t/1"),
    )
    assert is_indexable(page, URL)
    assert [is_indexable(other, URL) for other in others] == [False, False, False]
    assert sitemaps(others, make_config()) == {}


def test_a_staging_site_has_no_sitemap() -> None:
    """Under ``site.noindex`` nothing is offered to search engines."""
    assert sitemaps([make_page("/q/a-1/")], make_config(noindex=True)) == {}


def test_addresses_are_encoded_and_escaped() -> None:
    """Other scripts are percent-encoded, XML's own characters are entities (sitemaps.org, "Entity escaping")."""
    files = sitemaps([make_page("/q/ü&'-1/")], make_config())
    assert b"/q/%C3%BC&amp;&apos;-1/</loc>" in files["sitemap.xml"]
    assert locations(files["sitemap.xml"]) == [f"{URL}q/%C3%BC&'-1/"]


def test_a_large_site_has_an_index_whose_children_hold_every_page_once() -> None:
    """Above the limit no file is longer than the limit, and nothing is lost."""
    pages = [make_page(f"/q/page-{number}/") for number in range(500)]
    files = sitemaps(pages, make_config(100))
    children = {name: locations(body) for name, body in files.items() if name != "sitemap.xml"}
    assert locations(files["sitemap.xml"]) == [absolute(URL, f"/{name}") for name in children]
    assert max(len(urls) for urls in children.values()) <= 100
    assert sorted(url for urls in children.values() for url in urls) == sorted(page.canonical for page in pages)


def test_one_changed_page_changes_one_child() -> None:
    """A night's small change makes crawlers read one file again, and the index says which."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    pages = [make_page(f"/q/page-{number}/", start) for number in range(500)]
    before = sitemaps(pages, make_config(100))
    after = sitemaps(
        [replace(pages[0], updated=start + timedelta(days=9)), *pages[1:], make_page("/q/new/", start)],
        make_config(100),
    )
    changed = {name for name in before if before[name] != after[name]}
    assert set(before) == set(after)
    assert "sitemap.xml" in changed
    assert len(changed) <= 3
    assert b"<lastmod>2026-01-10T00:00:00Z</lastmod>" in after["sitemap.xml"]


def test_the_order_of_the_pages_does_not_matter() -> None:
    """The same library gives the same bytes."""
    pages = [make_page(f"/q/page-{number}/") for number in range(50)]
    assert sitemaps(pages, make_config(10)) == sitemaps(reversed(pages), make_config(10))


def test_dates_follow_the_w3c_profile() -> None:
    """Times are in UTC and to the second."""
    assert w3c(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)) == "2026-01-02T03:04:05Z"
