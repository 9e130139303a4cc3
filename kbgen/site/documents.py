"""What the search index knows of each page: titles, wordings, text. Bodies are streamed, never all held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter

import msgspec

from kbgen.model import ArticleEntry, Card, Entry, Library, Ref, Slug, Topic
from kbgen.search.documents import SearchDoc, own_words
from kbgen.store import Store

_BATCH = 500


def search_documents(library: Library, store: Store, topics: Mapping[Slug, Topic]) -> Iterator[SearchDoc]:
    """Every entry and article with its words, in order of path."""
    for batch in _batches(library.cards):
        bodies = {body.ref: body for body in store.entries.bodies([card.ref for card in batch])}
        for card in batch:
            yield search_document(card, bodies[card.ref], library.tags, topics)


def search_document(
    card: Card, body: Entry | ArticleEntry, tags: Mapping[Slug, str], topics: Mapping[Slug, Topic]
) -> SearchDoc:
    """One page with its words; ``tags`` are the titles of tags."""
    own = own_words(body)
    return msgspec.structs.replace(outline(card, tags, topics), title=own.title, also=own.also, text=own.text)


def languages(main: str, cards: Mapping[Ref, Card]) -> tuple[str, ...]:
    """What an index is made for: the site's main language, and those its pages are written in."""
    return tuple(dict.fromkeys((main, *sorted({card.lang for card in cards.values()}))))


def _batches(cards: Mapping[Ref, Card]) -> Iterator[list[Card]]:
    ordered = sorted(cards.values(), key=attrgetter("path"))
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]


def outline(card: Card, tags: Mapping[Slug, str], topics: Mapping[Slug, Topic]) -> SearchDoc:
    """One page without its words, which curation has analysed and the store has by ref."""
    topic = topics.get(card.topics[0]) if card.topics else None
    titles = dict(topic.titles) if topic and topic.titles else {}
    return SearchDoc(
        path=card.path,
        title=card.title,
        summary=card.summary,
        lang=card.lang,
        kind=card.kind,
        topic=topic.slug if topic else "",
        topic_title=titles.get(card.lang, topic.title) if topic else "",
        tags=tuple([tags.get(tag, tag) for tag in card.tags]),
        score=card.score,
        updated=card.updated.date().isoformat() if card.updated else "",
        badge=card.why or "",
        ref=card.ref,
    )
