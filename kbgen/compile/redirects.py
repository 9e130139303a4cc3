"""Where every address that was ever published leads now: to a page, or to "gone"."""

from __future__ import annotations

from collections.abc import Mapping

from kbgen.compile.entries import TAGS, tag_path, topic_path
from kbgen.compile.inputs import Inputs
from kbgen.model import Page, Ref


def make_redirects(inputs: Inputs, pages: Mapping[str, Page], paths: Mapping[Ref, str]) -> dict[str, str | None]:
    """All redirects of the site; paths that are pages are never among them.

    Later rules win: vanished listings, history, withdrawn and merged threads, renamed topics and tags, and what an
    operator wrote.

    Args:
        inputs: the compile's inputs.
        pages: the pages there are now.
        paths: ref of every merged or settled thread, and of every entry, to the path that answers it now.
    """
    moved = {topic_path(old): topic_path(topic.slug) for topic in inputs.taxonomy.topics for old in topic.was}
    moved |= {tag_path(old): tag_path(tag.slug) for tag in inputs.taxonomy.tags for old in tag.was}
    vanished = (path for path in inputs.published if path not in pages)
    redirects: dict[str, str | None] = {path: _successor(path, pages, moved) for path in vanished}
    redirects.update(inputs.history)
    redirects.update({path: paths.get(ref) for ref, path in inputs.assigned.items()})
    for topic in inputs.taxonomy.topics:
        redirects.update({topic_path(old): topic_path(topic.slug) for old in topic.was})
    for tag in inputs.taxonomy.tags:
        redirects.update({tag_path(old): _tag_or_all(tag_path(tag.slug), pages) for old in tag.was})
    redirects.update(inputs.written)
    return {path: target for path, target in redirects.items() if path not in pages and path != target}


def _successor(path: str, pages: Mapping[str, Page], moved: Mapping[str, str]) -> str | None:
    """Where a listing's page leads that is no longer there: the same page of what it is called now, or the first."""
    parent, _, last = path.rstrip("/").rpartition("/")
    listing = moved.get(f"{parent}/", f"{parent}/")
    found = next((target for target in (f"{listing}{last}/", listing) if target in pages), None)
    if last.isdecimal() and found:
        return found
    return _tag_or_all(path, pages) if path.startswith(TAGS) else None


def _tag_or_all(path: str, pages: Mapping[str, Page]) -> str | None:
    """A tag's page; all tags while nobody uses it; gone where no tag is used at all."""
    return next((target for target in (path, TAGS) if target in pages), None)
