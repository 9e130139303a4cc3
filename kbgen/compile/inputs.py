"""All that compiling needs, gathered before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from kbgen.addresses import absolute
from kbgen.config import Config
from kbgen.model import Card, Crumb, Link, Listing, Picture, PlainText, Ref, Slug, SourceInfo, Summary, Taxonomy, Topic


@dataclass(frozen=True)
class Inputs:
    """What the site is compiled from.

    Attributes:
        summaries: every entry and article, by ref.
        sources: what readers have to know of each source, by name.
        assigned: permalinks given in earlier runs, or read back from the published site.
        written: redirects an operator wrote; they win over all others.
        history: redirects of earlier runs.
        published: path to kind of every page of the last published site.
        engine_pages: paths the site engine renders itself.
        near: each thread's and article's nearest others by text, best first.
        images: mirrored images by the address texts name them by.
        listed: cards as lists show them, made when they are first listed.
        written_pages: path to (title, description) of pages a writer added besides articles.
    """

    config: Config
    taxonomy: Taxonomy
    summaries: tuple[Summary, ...]
    sources: Mapping[str, SourceInfo] = field(default_factory=dict)
    assigned: Mapping[Ref, str] = field(default_factory=dict)
    written: Mapping[str, str | None] = field(default_factory=dict)
    history: Mapping[str, str | None] = field(default_factory=dict)
    published: Mapping[str, str] = field(default_factory=dict)
    engine_pages: frozenset[str] = frozenset()
    written_pages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    near: Mapping[Ref, tuple[Ref, ...]] = field(default_factory=dict)
    images: Mapping[str, Picture] = field(default_factory=dict)
    listed: dict[Ref, Card] = field(default_factory=dict, init=False, compare=False, repr=False)

    def url(self, path: str) -> str:
        """The absolute URL of a page."""
        return absolute(self.config.site.url, path)

    @property
    def lang(self) -> str:
        """The site's first language: that of its frame, topics and lists."""
        return self.config.site.languages[0]


@dataclass(frozen=True)
class Shelf:
    """The cards in the order listings want them, made once.

    Attributes:
        cards: by ref.
        by_topic: topic to its cards and those of its subtopics, best first.
        by_tag: tag to its cards, best first.
        topics: by slug.
        tag_titles: by slug; a tag outside the vocabulary is titled by its slug.
        places: every ref, merged and settled ones among them, to the path of its page.
        tag_links: each used tag as a page names it.
        trails: the breadcrumbs of each topic's pages.
        sections: of articles whose text is poured, by path: what a link to one of them may name, to what it is called.
        versions: family to the language and address of each article that is a version of the same text.
    """

    cards: Mapping[Ref, Card]
    by_topic: Mapping[Slug, tuple[Card, ...]]
    by_tag: Mapping[Slug, tuple[Card, ...]]
    topics: Mapping[Slug, Topic]
    tag_titles: Mapping[Slug, str]
    places: Mapping[Ref, str] = field(default_factory=dict)
    tag_links: Mapping[Slug, Link] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    trails: Mapping[Slug, tuple[Crumb, ...]] = field(default_factory=dict)
    _tagged: dict[tuple[Slug, ...], tuple[Link, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def tagged(self, tags: tuple[Slug, ...]) -> tuple[Link, ...]:
        """Tags as a page names them; many pages have the same ones, and share them."""
        known = self._tagged.get(tags)
        if known is None:
            known = self._tagged[tags] = tuple(self.tag_links[tag] for tag in tags if tag in self.tag_links)
        return known


def rank(card: Card) -> tuple[bool, float, str]:
    """Sort key of listings: pinned first, then by score, ties by ref so that order never depends on input order."""
    return (not card.pinned, -card.score, card.ref)


def as_linked(card: Card) -> Card:
    """A card with only what a plain link shows, so that nothing else about it moves the page that links."""
    return Card(card.ref, card.kind, card.path, card.title, PlainText(""), card.lang, (), ())


def as_listed(listing: Listing, known: dict[Ref, Card] | None = None) -> Listing:
    """A listing whose cards carry only what a list shows: a view count is not a reason to write a page again.

    Nor is a word mended in an answer: a list dates an answered question by when it was asked, which is also the order
    of all questions, and an article by its last change.

    Args:
        listing: with whole cards.
        known: of other lists, which show the same cards, and get these; None where everything is dated by its last
            change, as on the home page.
    """
    blocks = tuple(
        msgspec.structs.replace(block, cards=_listed(block.cards, known)) if block.cards else block
        for block in listing.blocks
    )
    return msgspec.structs.replace(listing, blocks=blocks, items=_listed(listing.items, known))


def listed_date(card: Card) -> datetime | None:
    """When a question was asked, when an article was last changed."""
    return card.created or card.updated if card.kind == "entry" else _last_changed(card)


def _last_changed(card: Card) -> datetime | None:
    return card.updated or card.created


def _listed(cards: Iterable[Card], known: dict[Ref, Card] | None) -> tuple[Card, ...]:
    if known is None:
        return tuple(_shown(card, _last_changed(card)) for card in cards)
    shown: list[Card] = []
    for card in cards:
        one = known.get(card.ref)
        if one is None:
            one = known[card.ref] = _shown(card, listed_date(card))
        shown.append(one)
    return tuple(shown)


def _shown(card: Card, date: datetime | None) -> Card:
    return msgspec.structs.replace(
        card, topics=(), tags=(), score=0.0, created=None, updated=None, pinned=False, date=date
    )
