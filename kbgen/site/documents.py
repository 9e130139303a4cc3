"""What the search index knows of each page: titles, wordings, text. Bodies are streamed, never all held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kbgen.model import ArticleEntry, Entry, Library, Page, Slug, Topic
from kbgen.search.documents import SearchDoc, own_words
from kbgen.store import Store

_BATCH = 500


def search_documents(library: Library, store: Store, topics: Mapping[Slug, Topic]) -> Iterator[SearchDoc]:
    """Every entry and article with its words, in order of path."""
    for batch in _batches(library):
        bodies = {body.ref: body for body in store.entries.bodies([page.refs[0] for page in batch])}
        for page in batch:
            yield search_document(page, bodies[page.refs[0]], library, topics)


def search_document(
    page: Page, body: Entry | ArticleEntry, library: Library, topics: Mapping[Slug, Topic]
) -> SearchDoc:
    """One page with its words."""
    own = own_words(body)
    return msgspec.structs.replace(_document(page, library, topics), title=own.title, also=own.also, text=own.text)


def documents(library: Library, topics: Mapping[Slug, Topic]) -> Iterator[list[SearchDoc]]:
    """The same without their words, which curation has analysed and the store has by ref; some at a time."""
    for batch in _batches(library):
        yield [_document(page, library, topics) for page in batch]


def _batches(library: Library) -> Iterator[list[Page]]:
    pages = sorted((page for page in library.pages.values() if page.body), key=lambda page: page.path)
    for start in range(0, len(pages), _BATCH):
        yield pages[start : start + _BATCH]


def _document(page: Page, library: Library, topics: Mapping[Slug, Topic]) -> SearchDoc:
    topic = topics.get(page.topics[0]) if page.topics else None
    titles = dict(topic.titles) if topic and topic.titles else {}
    card = library.cards[page.refs[0]]
    return SearchDoc(
        path=page.path,
        title=card.title,
        summary=card.summary,
        lang=page.lang,
        kind=card.kind,
        topic=topic.slug if topic else "",
        topic_title=titles.get(page.lang, topic.title) if topic else "",
        tags=tuple([link.title for link in page.tags]),
        score=card.score,
        updated=page.updated.date().isoformat() if page.updated else "",
        badge=card.why or "",
        ref=card.ref,
    )
