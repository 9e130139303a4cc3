"""``robots.txt`` and ``llms.txt``: what the site says to programs that read it.

robots.txt follows RFC 9309; llms.txt follows llmstxt.org. Neither hides anything: what must not be read is not
on the site. Not here: the sitemap and the robots meta tags of single pages.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from urllib.parse import urlsplit

from kbgen.addresses import absolute
from kbgen.config import Config
from kbgen.model import Library, Page, Slug, Topic
from kbgen.site.feeds import offered_pages
from kbgen.site.sitemap import SITEMAP

TRAINING_CRAWLERS = ("GPTBot", "ClaudeBot", "Google-Extended")
"""Tokens whose readers train models; each vendor documents its own."""
ANSWER_CRAWLERS = ("OAI-SearchBot", "Claude-SearchBot", "PerplexityBot")
"""Tokens whose readers answer people's questions with a link to the page."""

_REFUSED = {
    "allow": (),
    "search-only": TRAINING_CRAWLERS,
    "none": (*TRAINING_CRAWLERS, *ANSWER_CRAWLERS),
}
# llms.txt is read whole into a model's context: some tens of kilobytes are of use, megabytes are not.
_LINKS_A_TOPIC = 20
_LINKS_IN_ALL = 400
_LONGEST_NOTE = 200


def robots_txt(config: Config) -> str:
    """Who may read what: everyone everything, but for the crawlers ``seo.ai`` turns away.

    A site below the root of its host cannot have a robots.txt that crawlers read: its owner finds the lines and
    where to put them in a comment. A site with ``site.noindex`` names no sitemap, and blocks nobody: who may not
    read a page never sees its noindex.
    """
    base = urlsplit(config.site.url).path or "/"
    lines: list[str] = []
    if base != "/":
        root = config.site.url.removesuffix(base)
        lines += [
            f"# Crawlers read {root}/robots.txt only, and this site lives below {base}:",
            "# the owner of the host adds the lines below to that file.",
            "",
        ]
    refused = _REFUSED[config.seo.ai]
    lines += ["User-agent: *", "Allow: /" if base == "/" else f"Allow: {base}", ""]
    if refused:
        lines += [*(f"User-agent: {token}" for token in refused), f"Disallow: {base}", ""]
    if not config.site.noindex:
        lines.append(f"Sitemap: {absolute(config.site.url, '/' + SITEMAP)}")
    return "\n".join(lines).rstrip("\n") + "\n"


def llms_txt(library: Library, config: Config, topics: Mapping[Slug, Topic]) -> str:
    """The site in one Markdown file for language models: a section of links for each topic.

    The pages are those the feeds offer (``feeds.offered_pages``), the best of each topic first; a page stands in
    its first topic's section, one without topic under "More".

    Args:
        library: what is on the site.
        config: for the site's name, URL and description.
        topics: by slug, in the order of the sections; those without a landing page are left out.
    """
    site = config.site
    by_topic: dict[str, list[Page]] = {}
    for page in offered_pages(library, config):
        by_topic.setdefault(page.topics[0] if page.topics else "", []).append(page)
    lines = [f"# {_words(site.name)}", "", f"> {_words(site.description or site.tagline)}"]
    left = _LINKS_IN_ALL
    for slug, title in (*((topic.slug, topic.title) for topic in topics.values()), ("", "More")):
        landing = library.pages.get(f"/topics/{slug}/")
        found, most = by_topic.get(slug, []), min(_LINKS_A_TOPIC, left)
        # Of a hundred thousand pages a few hundred are named.
        mine = heapq.nsmallest(most, found, key=lambda page: (-_score(page, library), page.path))
        if mine and (landing or not slug):
            links = (landing, *mine) if landing else mine
            lines += ["", f"## {_words(title)}", "", *(_link(page, config) for page in links)]
            left -= len(mine)
    return "\n".join(lines) + "\n"


def _score(page: Page, library: Library) -> float:
    card = library.cards.get(page.refs[0]) if page.refs else None
    return card.score if card else 0.0


def _link(page: Page, config: Config) -> str:
    # A closing parenthesis would end the Markdown link.
    url = absolute(config.site.url, page.path).replace("(", "%28").replace(")", "%29")
    note = _words(page.description)
    short = note if len(note) <= _LONGEST_NOTE else note[:_LONGEST_NOTE].rsplit(" ", 1)[0] + "…"
    return f"- [{_words(page.title)}]({url}){f': {short}' if short else ''}"


def _words(text: str) -> str:
    """One line of text that Markdown takes as text."""
    line = " ".join(text.split())
    return "".join(f"\\{character}" if character in "\\`*_[]<>" else character for character in line)
