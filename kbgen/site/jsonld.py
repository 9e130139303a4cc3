"""Structured data of a page as one schema.org ``@graph``: pure functions from what the page shows.

An answer page is a ``TechArticle`` (and the ``Article`` search engines name) based on a forum posting. It is never
a ``QAPage``: nobody can answer on it, and the thread itself has that markup
(https://developers.google.com/search/docs/appearance/structured-data/qapage). Writing the tags of the head is
the templates' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from kbgen.addresses import absolute
from kbgen.config import SiteConfig
from kbgen.model import (
    ArticleEntry,
    Card,
    Crumb,
    CuratedPost,
    Entry,
    Listing,
    Page,
    Person,
    SourceInfo,
    SourceThread,
    split_ref,
)
from kbgen.site.licences import licence_of

Node = dict[str, Any]


@dataclass(frozen=True)
class About:
    """What the structured data of all pages shares.

    Attributes:
        sources: by name, for licences.
        logo: site path of the logo.
        nobody: what the page calls an author whose account is gone.
    """

    site: SiteConfig
    sources: Mapping[str, SourceInfo]
    logo: str | None = None
    nobody: str = "Former member"


_encode = msgspec.json.Encoder().encode
# Inside a script element nothing may look like its end or like a comment, and old engines end lines at U+2028/9.
_ESCAPES = tuple((char, f"\\u{ord(char):04x}") for char in "<>&\u2028\u2029")


def script(nodes: Sequence[Node]) -> str:
    """The text of the ``application/ld+json`` script; "" when there is nothing to say."""
    if not nodes:
        return ""
    graph = {"@context": "https://schema.org", "@graph": list(nodes)}
    text = _encode(graph).decode()
    for char, escaped in _ESCAPES:
        text = text.replace(char, escaped)
    return text


def page_nodes(page: Page, body: Entry | ArticleEntry | None, crumbs: Sequence[Crumb], about: About) -> list[Node]:
    """All a page says to search engines.

    Args:
        page: with title and description as it shows them.
        body: what is behind it; None for listings.
        crumbs: the trail as it shows it.
        about: what all pages share.
    """
    nodes: list[Node] = []
    if isinstance(body, Entry):
        nodes.append(answer_page(page, body, about))
    elif isinstance(body, ArticleEntry):
        nodes.append(staff_article(page, body, about))
    elif page.kind == "home":
        nodes += website(page, about)
    elif page.kind == "person":
        nodes.append(profile(page, about.site))
    elif page.listing:
        nodes.append(collection(page, about.site, _listed(page.listing)))
    if len(crumbs) > 1:
        nodes.append(breadcrumbs(crumbs, about.site))
    return nodes


def _listed(listing: Listing) -> list[Card]:
    """The cards a listing shows, each once, in the order of the page."""
    cards = [card for block in listing.blocks for card in block.cards] + list(listing.items)
    return list({card.path: card for card in cards}.values())


def breadcrumbs(crumbs: Sequence[Crumb], site: SiteConfig) -> Node:
    """The trail as the page shows it; two steps or more.

    The last one is the page itself, whose address goes without saying (Google Search Central, "Breadcrumb").
    """
    items: list[Node] = [
        {"@type": "ListItem", "position": number, "name": crumb.title, "item": absolute(site.url, crumb.path)}
        for number, crumb in enumerate(crumbs, start=1)
    ]
    del items[-1]["item"]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def answer_page(page: Page, entry: Entry, about: About) -> Node:
    """One solved problem: who answered, and the discussions it is taken from."""
    node = _article(page, about, page.created or entry.created, page.updated or entry.updated)
    node["author"] = _authors((entry.best, *entry.others), about.nobody)
    node["isBasedOn"] = _one_or_all([_posting(thread, about.nobody) for thread in entry.threads])
    if len(entry.threads) > 1:
        node["citation"] = [thread.url for thread in entry.threads[1:]]
    shown = [(entry.best.licence, entry.ref), *((post.licence, entry.ref) for post in entry.others)]
    shown += [(thread.licence, thread.ref) for thread in entry.threads]
    known = [licence_of(licence, about.sources.get(split_ref(ref)[0])) for licence, ref in shown]
    licences = list(dict.fromkeys(licence[1] for licence in known if licence and licence[1]))
    if licences:
        node["license"] = licences[0] if len(licences) == 1 else licences
    return _filled(node)


def staff_article(page: Page, article: ArticleEntry, about: About) -> Node:
    """An article of the staff; the site's publisher is its author unless one is named."""
    node = _article(page, about, page.created or article.created, page.updated or article.updated)
    owner = {"@type": "Person", "name": article.owner} if article.owner else publisher(about)
    node["author"] = owner
    if article.threads:
        node["citation"] = [_posting(thread, about.nobody) for thread in article.threads]
    licence = licence_of(article.licence, about.sources.get(split_ref(article.ref)[0]))
    if licence and licence[1]:
        node["license"] = licence[1]
    return _filled(node)


def collection(page: Page, site: SiteConfig, cards: Iterable[Card]) -> Node:
    """A listing and the items it shows."""
    items = [
        {"@type": "ListItem", "position": number, "name": card.title, "url": absolute(site.url, card.path)}
        for number, card in enumerate(cards, start=1)
    ]
    url = absolute(site.url, page.path)
    node: Node = {
        "@type": "CollectionPage",
        "@id": f"{url}#page",
        "url": url,
        "name": page.title,
        "description": page.description,
        "inLanguage": page.lang,
        "isPartOf": {"@id": f"{site.url}#website"},
    }
    if items:
        node["mainEntity"] = {"@type": "ItemList", "numberOfItems": len(items), "itemListElement": items}
    return _filled(node)


def profile(page: Page, site: SiteConfig) -> Node:
    """A person's page; the person's own profile in the community is the same person."""
    url = absolute(site.url, page.path)
    person: Node = {"@type": "Person", "@id": f"{url}#person", "name": page.title, "url": url}
    if page.listing and page.listing.profile:
        person["sameAs"] = [page.listing.profile]
    return {"@type": "ProfilePage", "@id": f"{url}#page", "url": url, "inLanguage": page.lang, "mainEntity": person}


def website(page: Page, about: About) -> list[Node]:
    """The home page: the site's name and who is behind it."""
    site = about.site
    owner = publisher(about)
    node: Node = {
        "@type": "WebSite",
        "@id": f"{site.url}#website",
        "url": site.url,
        "name": site.name,
        "description": site.description,
        "inLanguage": page.lang,
        "publisher": {"@id": owner["@id"]},
    }
    return [_filled(node), owner]


def publisher(about: About) -> Node:
    """The organisation behind the site."""
    site = about.site
    node = {
        "@type": "Organization",
        "@id": f"{site.url}#publisher",
        "name": site.publisher or site.name,
        "url": site.publisher_url or site.url,
        "logo": absolute(site.url, f"/{about.logo}") if about.logo else None,
    }
    return _filled(node)


def _article(page: Page, about: About, created: datetime | None, updated: datetime | None) -> Node:
    url = absolute(about.site.url, page.path)
    return {
        "@type": ["TechArticle", "Article"],
        "headline": page.title,
        "description": page.description,
        "inLanguage": page.lang,
        "url": url,
        "mainEntityOfPage": url,
        "datePublished": iso(created or updated),
        "dateModified": iso(updated or created),
        "publisher": publisher(about),
    }


def _authors(posts: Iterable[CuratedPost], nobody: str) -> Node | list[Node]:
    """One object an author, each once, in the order their answers stand on the page."""
    found = {(post.author.name, post.author.url): _person(post.author, nobody) for post in posts}
    return _one_or_all(list(found.values()))


def _person(person: Person, nobody: str) -> Node:
    if not person.name:
        return {"@type": "Person", "name": nobody}
    return _filled({"@type": "Person", "name": person.name, "url": person.url})


def _posting(thread: SourceThread, nobody: str) -> Node:
    return _filled(
        {
            "@type": "DiscussionForumPosting",
            "url": thread.url,
            "headline": thread.title,
            "author": _person(thread.author, nobody),
            "datePublished": iso(thread.created),
        }
    )


def _one_or_all(nodes: list[Node]) -> Node | list[Node]:
    return nodes[0] if len(nodes) == 1 else nodes


def _filled(node: Node) -> Node:
    return {key: value for key, value in node.items() if value not in (None, "", [])}


@lru_cache(maxsize=20_000)
def iso(when: datetime | None) -> str | None:
    """ISO 8601 with a zone, to the second."""
    return when.isoformat(timespec="seconds").replace("+00:00", "Z") if when else None
