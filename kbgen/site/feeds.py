"""Atom feeds (RFC 4287) of the newest answers and articles: one for the site, one for each topic.

Which pages: entries and articles that search engines may index here. A page that defers to its live thread by
``rel=canonical`` is nothing new on this site, so it is left out of "what is new"; unless the library has no
other page, as a site with ``seo.canonical: source`` has: an empty feed would be no use to its readers. Ids are
permalinks, which never change. Not here: pages' ``<link rel="alternate">``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from kbgen.addresses import absolute, file_of
from kbgen.config import Config
from kbgen.model import Library, Page, Slug, Topic
from kbgen.site.sitemap import is_indexable, w3c

SITE_FEED = "/feed.xml"
# XML 1.0, section 2.2: the complement of Char.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def offered_pages(library: Library, config: Config) -> list[Page]:
    """The entries and articles to offer as this site's own, in the library's order (the rule is above)."""
    pages = [page for page in library.pages.values() if page.kind in {"entry", "article"} and not page.noindex]
    return [page for page in pages if is_indexable(page, config.site.url)] or pages


def _in_topic(pages: Iterable[Page], topics: Mapping[Slug, Topic]) -> dict[Slug, list[Page]]:
    """The pages of each topic and of the topics below it, in the given order."""
    found: dict[Slug, list[Page]] = {}
    for page in pages:
        here: dict[Slug, None] = {}
        for slug in page.topics:
            current: Slug | None = slug
            while current is not None and current not in here:
                here[current] = None
                topic = topics.get(current)
                current = topic.parent if topic else None
        for slug in here:
            found.setdefault(slug, []).append(page)
    return found


def feeds(library: Library, config: Config, topics: Mapping[Slug, Topic]) -> dict[str, bytes]:
    """All feeds of the site.

    Args:
        library: what is on the site.
        config: for the site's name and URL, and ``seo.feed_items``.
        topics: by slug; those without a landing page have no feed; one without entries has an empty feed, as
            its page links to it.

    Returns:
        File (below the site folder) to content.
    """
    offered = [page for page in offered_pages(library, config) if page.updated or page.created]
    pages = sorted(offered, key=lambda page: (-_moment(page).timestamp(), page.path))
    by_topic = _in_topic(pages, topics)
    files = {file_of(SITE_FEED): _feed(SITE_FEED, library.pages.get("/"), config.site.name, pages, config)}
    for topic in topics.values():
        home = library.pages.get(f"/topics/{topic.slug}/")
        if home is not None:
            path = f"{home.path}feed.xml"
            title = f"{topic.title} - {config.site.name}"
            made = files[file_of(path)] = _feed(path, home, title, by_topic.get(topic.slug, ()), config)
            # Programs that follow it under the topic's old name find it there, and where it is now (``self``).
            old = (f"/topics/{slug}/" for slug in topic.was)
            files |= {file_of(f"{one}feed.xml"): made for one in old if one not in library.pages}
    return files


def _moment(page: Page) -> datetime:
    return page.updated or page.created or _EPOCH


def _feed(path: str, home: Page | None, title: str, pages: Sequence[Page], config: Config) -> bytes:
    site = config.site
    shown = pages[: config.seo.feed_items]
    own, alternate = (absolute(site.url, where) for where in (path, home.path if home else "/"))
    updated = w3c(max(map(_moment, shown), default=_EPOCH))
    publisher = f"<name>{_text(site.publisher or site.name)}</name><uri>{_text(site.publisher_url or site.url)}</uri>"
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(home.lang if home else site.languages[0])}>\n'
        f"<id>{_text(own)}</id>\n<title>{_text(title)}</title>\n<updated>{updated}</updated>\n"
        f'<link rel="self" type="application/atom+xml" href={quoteattr(own)}/>\n'
        f'<link rel="alternate" type="text/html" href={quoteattr(alternate)}/>\n'
        f"<author>{publisher}</author>\n<generator>kbgen</generator>\n"
    )
    return (head + "".join(_entry(page, config) for page in shown) + "</feed>\n").encode()


def _entry(page: Page, config: Config) -> str:
    url = absolute(config.site.url, page.path)
    published = f"<published>{w3c(page.created)}</published>\n" if page.created else ""
    terms = "".join(f"<category term={quoteattr(slug)}/>\n" for slug in page.topics)
    return (
        f"<entry xml:lang={quoteattr(page.lang)}>\n<id>{_text(url)}</id>\n<title>{_text(page.title)}</title>\n"
        f'<link rel="alternate" type="text/html" href={quoteattr(url)}/>\n{published}'
        f"<updated>{w3c(_moment(page))}</updated>\n{terms}<summary>{_text(page.description)}</summary>\n</entry>\n"
    )


def _text(text: str) -> str:
    return escape(_NO_XML.sub("", text))
