"""What the search index knows of each page: titles, wordings, text. Bodies are streamed, never all held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kbgen.model import ArticleEntry, Entry, Library, Page, Slug, Topic
from kbgen.search.documents import SearchDoc
from kbgen.store import Store

_BATCH = 500


def search_documents(library: Library, store: Store, topics: Mapping[Slug, Topic]) -> Iterator[SearchDoc]:
    """Every entry and article as the search engines take it, in order of path."""
    pages = sorted((page for page in library.pages.values() if page.body), key=lambda page: page.path)
    for start in range(0, len(pages), _BATCH):
        batch = pages[start : start + _BATCH]
        bodies = {body.ref: body for body in store.entries.bodies([page.refs[0] for page in batch])}
        for page in batch:
            yield search_document(page, bodies[page.refs[0]], library, topics)


def search_document(
    page: Page, body: Entry | ArticleEntry, library: Library, topics: Mapping[Slug, Topic]
) -> SearchDoc:
    """One page as the search engines take it."""
    topic = topics.get(page.topics[0]) if page.topics else None
    card = library.cards[page.refs[0]]
    if isinstance(body, Entry):
        text = " ".join((body.question.text, body.best.text, *(other.text for other in body.others)))
    else:
        text = body.text
    return SearchDoc(
        path=page.path,
        title=body.title,
        also=tuple(body.also_asked),
        text=text,
        summary=card.summary,
        lang=page.lang,
        kind=card.kind,
        topic=topic.slug if topic else "",
        topic_title=topic.title if topic else "",
        tags=tuple(link.title for link in page.tags),
        score=card.score,
        updated=page.updated.date().isoformat() if page.updated else "",
        badge=card.why or "",
    )
