"""``sitemap.xml``: the pages search engines should know, with the dates their content has.

Source: the sitemaps.org protocol 0.9 and Google's guide to it. ``changefreq`` and ``priority`` are left out
(search engines ignore them), and so is a ``lastmod`` nobody knows. Not here: which pages are indexable by
policy; compile decides that and ``Page`` says it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from kbgen.addresses import absolute
from kbgen.config import Config
from kbgen.model import Page

SITEMAP = "sitemap.xml"
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# The protocol's limits for one file.
_MOST_URLS = 50_000
_MOST_BYTES = 50 * 1024 * 1024

_Line = tuple[str, datetime | None, str]


def w3c(moment: datetime) -> str:
    """An aware time in the W3C profile of ISO 8601, in UTC and to the second (also valid RFC 3339)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[: -len("+00:00")] + "Z"


def is_indexable(page: Page, site_url: str) -> bool:
    """Whether search engines should index the page here: listed, not noindex, and its own canonical."""
    return page.in_sitemap and not page.noindex and page.canonical == absolute(site_url, page.path)


def sitemaps(pages: Iterable[Page], config: Config) -> dict[str, bytes]:
    """The sitemap of the indexable pages, above ``seo.sitemap_limit`` an index and its children.

    A page's child is chosen by a hash of its path among a power of two, so one changed page changes one child
    (and its line in the index) and a new page moves no other, until the number of children doubles.

    Args:
        pages: in any order.
        config: for ``site.url``, ``site.noindex`` and ``seo.sitemap_limit``.

    Returns:
        File name to content; empty when no page is indexable, because an empty sitemap is not valid.
    """
    site_url = config.site.url
    listed = [] if config.site.noindex else _lines(pages, site_url)
    if not listed:
        return {}
    limit = min(config.seo.sitemap_limit, _MOST_URLS)
    if len(listed) <= limit and _fits(listed):
        return {SITEMAP: _urlset(listed)}
    children = {_child_name(number): lines for number, lines in enumerate(_split(listed, limit)) if lines}
    files = {name: _urlset(lines) for name, lines in children.items()}
    return {SITEMAP: _index(children, site_url), **files}


def _lines(pages: Iterable[Page], site_url: str) -> list[_Line]:
    indexable = [page for page in pages if is_indexable(page, site_url)]
    return [_line(page) for page in sorted(indexable, key=lambda page: page.path)]


def _line(page: Page) -> _Line:
    lastmod = f"<lastmod>{w3c(page.updated)}</lastmod>" if page.updated else ""
    return page.path, page.updated, f"<url><loc>{_xml(page.canonical)}</loc>{lastmod}</url>\n"


def _xml(url: str) -> str:
    return escape(url, {"'": "&apos;", '"': "&quot;"})


def _fits(lines: Sequence[_Line]) -> bool:
    return sum(len(line) for _, _, line in lines) < _MOST_BYTES - 1024


def _split(lines: Sequence[_Line], limit: int) -> list[list[_Line]]:
    count = 2
    while True:
        children: list[list[_Line]] = [[] for _ in range(count)]
        for line in lines:
            children[zlib.crc32(line[0].encode()) % count].append(line)
        # An index takes 50,000 children.
        if all(len(child) <= limit and _fits(child) for child in children) or count >= _MOST_URLS // 2:
            return children
        count *= 2


def _child_name(number: int) -> str:
    return f"sitemap-{number:03d}.xml"


def _urlset(lines: Iterable[_Line]) -> bytes:
    body = "".join(line for _, _, line in lines)
    return f'{_HEAD}<urlset xmlns="{_NAMESPACE}">\n{body}</urlset>\n'.encode()


def _index(children: dict[str, list[_Line]], site_url: str) -> bytes:
    body: list[str] = []
    for name, lines in children.items():
        newest = max((updated for _, updated, _ in lines if updated), default=None)
        lastmod = f"<lastmod>{w3c(newest)}</lastmod>" if newest else ""
        body.append(f"<sitemap><loc>{_xml(absolute(site_url, '/' + name))}</loc>{lastmod}</sitemap>\n")
    return f'{_HEAD}<sitemapindex xmlns="{_NAMESPACE}">\n{"".join(body)}</sitemapindex>\n'.encode()
