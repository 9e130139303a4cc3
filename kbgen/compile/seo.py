"""Canonical policy, unique titles and descriptions.

JSON-LD is made where pages are poured (``site.jsonld``): it needs the bodies, and this stage must not hold them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import NamedTuple

from kbgen.compile.inputs import Inputs
from kbgen.model import Ref, Summary

# Search engines show about this much; a longer description is cut by them, not by us in mid-word.
_DESCRIPTION = 160
_SHORTEST = 50


class Canonical(NamedTuple):
    """The canonical URL of a page and the rule that chose it."""

    url: str
    rule: str


def canonical(summary: Summary, path: str, inputs: Inputs) -> Canonical:
    """Choose the canonical URL of an entry or article.

    The rules are tried in order: the writer's choice, the source's and the site's setting, then ``auto``: our own
    URL for articles written here, merged pages, replaced text and sources nobody can crawl; else the live thread.
    """
    own = inputs.url(path)
    if summary.choice and summary.choice.startswith(("http://", "https://")):
        return Canonical(summary.choice, "written")
    source = inputs.sources.get(summary.source)
    policy = summary.choice or (source.canonical if source else None) or inputs.config.seo.canonical
    if policy == "self" or summary.source_url is None:
        return Canonical(own, "self")
    thread = summary.source_url.split("#", 1)[0].split("?", 1)[0]
    if policy == "source":
        return Canonical(thread, "source")
    for rule, fits in (
        ("article", summary.kind == "article"),
        ("merged", summary.threads > 1),
        ("replaced", summary.replaced),
        ("not-crawlable", source is not None and not source.crawlable),
    ):
        if fits:
            return Canonical(own, rule)
    return Canonical(thread, "one-thread")


def unique_titles(summaries: Iterable[Summary], inputs: Inputs) -> dict[Ref, str]:
    """A page title for each, no two alike: the first by ref keeps its own, later ones name their community."""
    titles: dict[Ref, str] = {}
    taken: set[str] = set()
    for summary in sorted(summaries, key=lambda item: item.ref):
        source = inputs.sources.get(summary.source)
        community = source.title if source else summary.source
        words = str(summary.title)
        marks = (f"{words} ({mark})" for mark in chain([community], _marks(summary.ref)))
        titles[summary.ref] = _first_free(chain([words], marks), taken)
    return titles


def unique_descriptions(summaries: Iterable[Summary], titles: dict[Ref, str]) -> dict[Ref, str]:
    """A meta description for each, no two alike and none too short to be one."""
    found: dict[Ref, str] = {}
    taken: set[str] = set()
    for summary in sorted(summaries, key=lambda item: item.ref):
        text, title = str(summary.description), titles[summary.ref]
        led_in = f"{title}: {text}" if text else title
        # Two that differ only behind the cut.
        marks = (f"{shorten(led_in, _DESCRIPTION - len(mark) - 3)} ({mark})" for mark in _marks(summary.ref))
        own = [text] if len(text) >= _SHORTEST else []
        found[summary.ref] = _first_free(chain(own, [shorten(led_in, _DESCRIPTION)], marks), taken)
    return found


def _marks(ref: Ref) -> Iterator[str]:
    yield ref
    yield from (f"{ref}, {number}" for number in count(2))


def _first_free(wordings: Iterable[str], taken: set[str]) -> str:
    found = next(wording for wording in wordings if wording.casefold() not in taken)
    taken.add(found.casefold())
    return found


def shorten(text: str, limit: int) -> str:
    """Cut at a word, with an ellipsis, when longer than ``limit`` characters."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip(" ,;:.-") + "…"
