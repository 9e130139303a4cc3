"""The home page, the search page and the page for addresses that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import nsmallest

from kbgen.compile.entries import ARTICLES, HOME, PEOPLE, QUESTIONS, TOPICS, topic_path
from kbgen.compile.inputs import Inputs, Shelf, as_listed, rank
from kbgen.model import Block, Card, Crumb, Link, Listing, Page

_CARDS = 6
SEARCH = "/search/"
NOT_FOUND = "/404.html"


def home_page(shelf: Shelf, contributors: int, inputs: Inputs) -> Page:
    """Topics, what is asked most, what was answered last, staff picks, languages, and the community in numbers.

    Args:
        shelf: cards and topics.
        contributors: how many people's answers are shown.
        inputs: the compile's inputs.
    """
    site = inputs.config.site
    entries = [card for card in shelf.cards.values() if card.kind == "entry" and card.lang == inputs.lang]
    articles = sorted((card for card in shelf.cards.values() if card.kind == "article"), key=rank)
    featured = dict.fromkeys(ref for topic in shelf.topics.values() for ref in topic.featured)
    picks = [shelf.cards[ref] for ref in featured if ref in shelf.cards and shelf.cards[ref].kind == "article"]
    shown = picks or [card for card in articles if card.lang == inputs.lang] or articles
    newest = nsmallest(_CARDS, entries, lambda card: (-(card.updated.timestamp() if card.updated else 0.0), card.ref))
    blocks = (
        Block("topics", "Browse by topic", links=_topics(shelf), more=Link("All topics", TOPICS)),
        Block("popular", "Most asked", cards=tuple(nsmallest(_CARDS, entries, rank))),
        Block("newest", "Newly answered", cards=tuple(newest), more=Link("All questions", QUESTIONS)),
        Block(
            "articles",
            "Picked by our staff",
            cards=tuple(shown[:_CARDS]),
            more=_articles(articles),
        ),
        Block("languages", "Other languages", links=_languages(shelf.cards.values(), inputs)),
        Block("numbers", "The community", links=_numbers(shelf, articles, contributors, inputs)),
    )
    updated = [card.updated for card in shelf.cards.values() if card.updated is not None]
    return Page(
        path=HOME,
        kind="home",
        title=site.name,
        description=site.description or f"{site.name}: answered questions of our community and articles by our staff.",
        canonical=inputs.url(HOME),
        shell="engine" if HOME in inputs.engine_pages else "page",
        lang=inputs.lang,
        updated=max(updated, default=None),
        listing=as_listed(Listing(blocks=tuple(block for block in blocks if block.cards or block.links))),
        feeds=(Link(site.name, "/feed.xml"),),
        canonical_rule="listing",
    )


def _topics(shelf: Shelf) -> tuple[Link, ...]:
    return tuple(
        Link(
            topic.title,
            topic_path(topic.slug),
            note=topic.description,
            count=len(shelf.by_topic.get(topic.slug, ())),
            icon=topic.icon,
        )
        for topic in shelf.topics.values()
        if topic.parent is None
    )


def _articles(articles: list[Card]) -> Link | None:
    return Link("All articles", ARTICLES, count=len(articles)) if articles else None


def _languages(cards: Iterable[Card], inputs: Inputs) -> tuple[Link, ...]:
    counts: dict[str, int] = {}
    for card in cards:
        if card.lang != inputs.lang:
            counts[card.lang] = counts.get(card.lang, 0) + 1
    return tuple(Link(lang, f"/languages/{lang}/", count=counts[lang], lang=lang) for lang in sorted(counts))


def _numbers(shelf: Shelf, articles: list[Card], contributors: int, inputs: Inputs) -> tuple[Link, ...]:
    answers = sum(card.answers for card in shelf.cards.values())
    questions = len(shelf.cards) - len(articles)
    if not questions:
        return ()  # a site of articles has no community to speak of
    return (
        Link("questions", QUESTIONS, count=questions),
        Link("answers", QUESTIONS, count=answers),
        Link("contributors", PEOPLE if inputs.config.pages.people else QUESTIONS, count=contributors),
    )


def search_page(inputs: Inputs) -> Page:
    """The page of results; it has nothing of its own to index."""
    return _quiet_page(SEARCH, "Search", f"Search all answers and articles of {inputs.config.site.name}.", inputs)


def not_found_page(shelf: Shelf, inputs: Inputs) -> Page:
    """The page a server sends for an address that leads nowhere."""
    about = "There is no page at this address. Search, or browse the topics."
    listing = Listing(blocks=(Block("topics", "", links=_topics(shelf)),))
    return _quiet_page(NOT_FOUND, "Page not found", about, inputs, listing)


def _quiet_page(path: str, title: str, description: str, inputs: Inputs, listing: Listing | None = None) -> Page:
    return Page(
        path=path,
        kind="other",
        title=title,
        description=description,
        canonical=inputs.url(path),
        shell="engine" if path in inputs.engine_pages else "page",
        lang=inputs.lang,
        noindex=True,
        in_sitemap=False,
        crumbs=(Crumb("Home", HOME), Crumb(title, path)),
        listing=listing,
        canonical_rule="listing",
    )


def written_pages(known: Mapping[str, Page], inputs: Inputs) -> Iterator[Page]:
    """Pages a writer added to ``content/`` besides articles: an imprint, a contact page."""
    for path, (title, description) in inputs.written_pages.items():
        if path in known:
            continue
        yield Page(
            path=path,
            kind="other",
            title=title,
            description=description or f"{title}: {inputs.config.site.name}.",
            canonical=inputs.url(path),
            shell="engine",
            lang=inputs.lang,
            crumbs=(Crumb("Home", HOME), Crumb(title, path)),
            canonical_rule="written",
        )
