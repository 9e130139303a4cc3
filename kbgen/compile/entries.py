"""Pages of entries and articles, and the cards other pages show of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from kbgen.compile.inputs import Inputs, Shelf
from kbgen.compile.seo import canonical
from kbgen.model import Card, Crumb, Page, PlainText, Ref, Slug, Summary, Topic

HOME = "/"
ARTICLES = "/articles/"
TOPICS = "/topics/"
TAGS = "/tags/"
QUESTIONS = "/questions/"
PEOPLE = "/people/"
_DOCUMENT = "content:/"
_HOME = Crumb("Home", HOME)
_IN_ARTICLES = (_HOME, Crumb("Articles", ARTICLES))
_IN_QUESTIONS = (_HOME, Crumb("Questions", QUESTIONS))


def topic_path(slug: Slug) -> str:
    """Where a topic's landing page is."""
    return f"{TOPICS}{slug}/"


def tag_path(slug: Slug) -> str:
    """Where a tag's page is."""
    return f"{TAGS}{slug}/"


def make_card(summary: Summary, path: str, description: str, known_topics: frozenset[Slug]) -> Card:
    """What listings show of an entry or article; topics the taxonomy does not know are left out."""
    return Card(
        ref=summary.ref,
        kind=summary.kind,
        path=path,
        title=summary.title,
        summary=PlainText(description),
        lang=summary.lang,
        topics=summary.topics
        if known_topics.issuperset(summary.topics)
        else tuple(topic for topic in summary.topics if topic in known_topics),
        tags=summary.tags,
        updated=summary.updated,
        created=summary.created,
        score=summary.score,
        answers=summary.answers,
        why=summary.why,
        pinned=summary.pinned,
    )


def entry_page(summary: Summary, title: str, related: tuple[Card, ...], inputs: Inputs, *, shelf: Shelf) -> Page:
    """The page of an entry or article.

    Args:
        summary: the entry without its bodies.
        title: unique on the site.
        related: for the foot of the page.
        inputs: the compile's inputs.
        shelf: cards and topics.
    """
    card = shelf.cards[summary.ref]
    own = inputs.url(card.path)
    choice = canonical(summary, own, inputs)
    versions = shelf.versions.get(summary.family, ())
    return Page(
        path=card.path,
        kind=summary.kind,
        title=title,
        description=card.summary,
        canonical=choice.url,
        shell="engine" if card.path in inputs.engine_pages else summary.kind,
        lang=summary.lang,
        in_sitemap=choice.url == own,
        refs=summary.refs,
        topics=card.topics,
        tags=shelf.tagged(summary.tags),
        created=summary.created,
        updated=summary.updated,
        crumbs=_crumbs(card, title, shelf),
        body=summary.digest,
        related=related,
        links=links_of(summary.links, shelf, inputs) if summary.links else (),
        canonical_rule=choice.rule,
        images=tuple(inputs.images[address] for address in summary.images if address in inputs.images)
        if summary.images
        else (),
        alternates=versions if any(url == own for _, url in versions) else (),
    )


def _crumbs(card: Card, title: str, shelf: Shelf) -> tuple[Crumb, ...]:
    here = Crumb(title, card.path)
    if card.topics:
        return (*shelf.trails[card.topics[0]], here)
    return (*_IN_ARTICLES, here) if card.kind == "article" else (*_IN_QUESTIONS, here)


def topic_crumbs(slug: Slug, topics: Mapping[Slug, Topic]) -> tuple[Crumb, ...]:
    """Home and the topic with the topics above it."""
    trail: list[Crumb] = []
    current: Slug | None = slug
    while current is not None:
        topic = topics[current]
        trail.append(Crumb(topic.title, topic_path(topic.slug)))
        current = topic.parent
    return (_HOME, Crumb("Topics", TOPICS), *reversed(trail))


def links_of(refs: Iterable[Ref], shelf: Shelf, inputs: Inputs) -> tuple[tuple[Ref, str], ...]:
    """Where the references of a text lead, those that lead nowhere left out.

    Args:
        refs: of threads and articles (``community:1234``), or of documents by their address (``content:/imprint/``), a
            place on the page behind a ``#`` or not; one that an article is known not to have is left out.
        shelf: has the pages of threads, articles and topics.
        inputs: has the pages the site engine renders.
    """
    found = ((ref, _place(ref, shelf, inputs)) for ref in refs)
    return tuple((ref, path) for ref, path in found if path)


def _place(ref: Ref, shelf: Shelf, inputs: Inputs) -> str:
    named, mark, fragment = ref.partition("#")
    path = shelf.places.get(ref)
    if path is None and named.startswith(_DOCUMENT):
        address = unquote(named.partition(":")[2])
        known = address in inputs.engine_pages or address in map(topic_path, shelf.topics)
        return address + mark + fragment if known or address in (HOME, TOPICS) else ""
    if path is None and Ref(named) in shelf.places:
        path = shelf.places[Ref(named)]
        section = unquote(fragment)
        own = shelf.sections[path].get(section) if path in shelf.sections else section
        if own:
            path += mark + (fragment if own == section else own)
    return path or ""
