"""Refs in what writers wrote that no source has: misspelt, or of a thread that is no more.

Nothing fails for them, for a thread may go any night; but an overlay that says nothing to anybody should be told.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from kbgen.curate.overlays import FOLDER as OVERLAYS
from kbgen.curate.taxonomy import FOLDER as INTRODUCTIONS
from kbgen.model import Curated, Overlay, Ref, Topic

_SHOWN = 10


def unknown_refs(
    overlays: Iterable[Overlay], topics: Iterable[Topic], articles: Iterable[Curated], known: Container[str]
) -> list[str]:
    """Say which refs lead nowhere, and where they stand; empty when all are known.

    Args:
        overlays: of writers and reviewers; what only reviewers decided was there when they did.
        topics: of the vocabulary.
        articles: those that are published.
        known: refs of all items, published or not.
    """
    named = (*_of_overlays(overlays), *_of_topics(topics), *_of_articles(articles))
    missing = [f"{where}: {ref}" for where, ref in named if ref not in known]
    if not missing:
        return []
    more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    return [f"refs that no source has ({len(missing):,}): {', '.join(missing[:_SHOWN])}{more}"]


def _of_overlays(overlays: Iterable[Overlay]) -> Iterator[tuple[str, Ref]]:
    for overlay in overlays:
        if overlay.file.startswith(f"{OVERLAYS}/"):
            yield from ((overlay.file, ref) for ref in (overlay.ref, *overlay.merge, *overlay.split))


def _of_topics(topics: Iterable[Topic]) -> Iterator[tuple[str, Ref]]:
    for topic in topics:
        yield from ((f"{INTRODUCTIONS}/{topic.slug}.md", ref) for ref in topic.featured)


def _of_articles(articles: Iterable[Curated]) -> Iterator[tuple[str, Ref]]:
    for item in articles:
        if item.article:
            yield from ((f"article {item.ref}", ref) for ref in item.article.answers)
