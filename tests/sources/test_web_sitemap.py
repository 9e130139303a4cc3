"""Sitemaps in every form sites have them."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from kbgen.errors import SourceError
from kbgen.sources.web_sitemap import Listed, clean_url, list_pages, unpacked
from kbgen.testing.server import Canned, FakeServer, testing_client


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A running site."""
    with FakeServer() as running:
        yield running


def urlset(*pages: str) -> bytes:
    """A sitemap of pages."""
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">{"".join(pages)}</urlset>'.encode()


def index(*files: str) -> bytes:
    """A sitemap of sitemaps."""
    inner = "".join(f"<sitemap><loc>{file}</loc></sitemap>" for file in files)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</sitemapindex>'.encode()


def pages(server: FakeServer, *sitemaps: str, language: str | None = None) -> list[Listed]:
    """What a site lists."""
    with testing_client(server) as client:
        return list(list_pages(client, server.url, sitemaps, language))


def xml(body: bytes) -> Canned:
    """An answer of XML."""
    return Canned(200, {"Content-Type": "text/xml"}, body)


def test_robots_txt_names_sitemaps_and_an_index_names_files(server: FakeServer) -> None:
    """Files are unpacked by what they are, not by their names; addresses are trimmed, decoded and cleaned."""
    server.route("/robots.txt", Canned(200, {"Content-Type": "text/plain"}, f"SITEMAP: {server.url}/i.xml".encode()))
    server.route(
        "/i.xml", xml(index(f"{server.url}/1.xml", f" {server.url}/2.xml ", f"{server.url}/gone.xml", "https://o/3"))
    )
    server.route(
        "/1.xml", Canned(200, {}, gzip.compress(urlset(f"<url><loc> {server.url}/q/1?a=1&amp;utm_x=2 </loc></url>")))
    )
    server.route("/2.xml", xml(urlset(f"<url><loc>{server.url}/q/2#x</loc><lastmod>2026-02-20</lastmod></url>")))
    assert pages(server) == [Listed(f"{server.url}/q/1?a=1"), Listed(f"{server.url}/q/2", "2026-02-20")]


def test_without_robots_txt_the_usual_places_are_asked(server: FakeServer) -> None:
    """A missing robots.txt that answers with a page names nothing."""
    server.route("/robots.txt", Canned(200, {"Content-Type": "text/html"}, b"<html>Sitemap: /x</html>"))
    server.route("/sitemap_index.xml", xml(urlset(f"<url><loc>{server.url}/q/1</loc></url>")))
    assert pages(server) == [Listed(f"{server.url}/q/1")]


def test_a_site_without_sitemap_is_told_what_to_do(server: FakeServer) -> None:
    """The message names what was tried and the key."""
    with pytest.raises(SourceError, match=r"there is none at .*sitemap\.xml or .*; name it as `sitemaps:"):
        pages(server)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"{url}/q/1\n{url}/q/2\nhttps://other.example.com/q/3\n", ["/q/1", "/q/2"]),
        (b"<rss><channel><item><link>{url}/q/1</link></item></channel></rss>", ["/q/1"]),
        (b"<urlset><url><loc>{url}/q/1</loc></url><url></url></urlset>", ["/q/1"]),
    ],
)
def test_text_and_feeds_are_sitemaps_too(server: FakeServer, body: bytes, found: list[str]) -> None:
    """The protocol allows them; pages of other hosts are left out."""
    server.route("/s", xml(body.replace(b"{url}", server.url.encode())))
    assert [page.url for page in pages(server, f"{server.url}/s")] == [server.url + path for path in found]


def test_one_language_is_kept(server: FakeServer) -> None:
    """Translations of a page are other pages; a page without a list of them is kept."""
    link = '<xhtml:link rel="alternate" hreflang="{}" href="{}"/>'
    both = link.format("en", f"{server.url}/en/1") + link.format("de", f"{server.url}/de/1")
    german = link.format("de", f"{server.url}/de/2")
    server.route(
        "/s",
        xml(
            urlset(
                f"<url><loc>{server.url}/en/1</loc>{both}</url>",
                f"<url><loc>{server.url}/de/1</loc>{both}</url>",
                f"<url><loc>{server.url}/de/2</loc>{german}</url>",
                f"<url><loc>{server.url}/3</loc></url>",
            )
        ),
    )
    found = [page.url.removeprefix(server.url) for page in pages(server, f"{server.url}/s", language="en")]
    assert found == ["/en/1", "/3"]


@pytest.mark.parametrize(
    ("body", "message"), [(b"<html><body>x</body></html>", "begins with <html>"), (b"\x1f\x8bnothing", "is damaged")]
)
def test_what_is_no_sitemap_is_named(server: FakeServer, body: bytes, message: str) -> None:
    """An error names the address and what was found there."""
    server.route("/s", Canned(200, {"Content-Type": "application/octet-stream"}, body))
    with pytest.raises(SourceError, match=message):
        pages(server, f"{server.url}/s")


def test_sitemaps_in_a_circle_end(server: FakeServer) -> None:
    """Nesting has a limit."""
    server.route("/s", xml(index(f"{server.url}/s")))
    with pytest.raises(SourceError, match="nested deeper than 3"):
        pages(server, f"{server.url}/s")


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is unpacked beyond the limit."""
    monkeypatch.setattr("kbgen.sources.web_sitemap._UNPACKED", 1000)
    with pytest.raises(SourceError, match="unpacks to more than"):
        unpacked(gzip.compress(b"x" * 100_000), "https://x/s.gz")


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://Forum.example.com/q/1?utm_source=x&id=2#top", "https://forum.example.com/q/1?id=2"),
        ("https://forum.example.com?gclid=1", "https://forum.example.com/"),
    ],
)
def test_addresses_are_cleaned_of_what_counts_visitors(url: str, clean: Any) -> None:
    """Two addresses of one page are one."""
    assert clean_url(url) == clean
