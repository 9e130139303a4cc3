"""Canonical policy, unique titles and descriptions.

JSON-LD is made where pages are poured (``site.jsonld``): it needs the bodies, and this stage must not hold them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from itertools import chain, count
from operator import attrgetter
from typing import NamedTuple

from babel import Locale, UnknownLocaleError

from kbgen.compile.inputs import Inputs
from kbgen.model import Ref, SourceInfo, Summary

# Search engines show about this much; a longer description is cut by them, not by us in mid-word.
_DESCRIPTION = 160
_SHORTEST = 50


class Canonical(NamedTuple):
    """The canonical URL of a page and the rule that chose it."""

    url: str
    rule: str


def canonical(summary: Summary, own: str, inputs: Inputs) -> Canonical:
    """Choose the canonical URL of an entry or article.

    The rules are tried in order: the writer's choice, the source's and the site's setting, then ``auto``: our own
    URL for articles written here, merged pages, replaced text and sources nobody can crawl; else the live thread.

    Args:
        summary: the entry or article.
        own: the URL of its page.
        inputs: the compile's inputs.
    """
    if summary.choice and summary.choice.startswith(("http://", "https://")):
        return Canonical(summary.choice, "written")
    source = inputs.sources.get(summary.source)
    policy = summary.choice or (source.canonical if source else None) or inputs.config.seo.canonical
    if policy == "self" or summary.source_url is None:
        return Canonical(own, "self")
    thread = summary.source_url.split("#", 1)[0].split("?", 1)[0]
    if policy == "source":
        return Canonical(thread, "source")
    rule = _self_for(summary, source)
    if rule:
        return Canonical(own, rule)
    return Canonical(thread, "one-thread")


def _self_for(summary: Summary, source: SourceInfo | None) -> str:
    if summary.kind == "article":
        return "article"
    if summary.threads > 1:
        return "merged"
    if summary.replaced:
        return "replaced"
    return "not-crawlable" if source is not None and not source.crawlable else ""


def unique_titles(summaries: Iterable[Summary], inputs: Inputs) -> dict[Ref, str]:
    """A page title for each, no two alike: the first by ref keeps its own, later ones name language or community."""
    titles: dict[Ref, str] = {}
    taken: set[str] = set()
    for summary in sorted(summaries, key=attrgetter("ref")):
        words = str(summary.title)
        if _take(words, taken):
            titles[summary.ref] = words
            continue
        source = inputs.sources.get(summary.source)
        named = [_language(summary.lang)] if summary.lang != inputs.lang else []
        named.append(source.title if source else summary.source)
        marks = (f"{words} ({mark})" for mark in chain(named, _marks(summary.ref)))
        titles[summary.ref] = next(wording for wording in marks if _take(wording, taken))
    return titles


@functools.cache
def _language(lang: str) -> str:
    """A language's name as its readers write it, the code when it is unknown."""
    try:
        name = Locale.parse(lang.replace("-", "_")).get_display_name() or lang
    except (UnknownLocaleError, ValueError):
        return lang
    return name[:1].upper() + name[1:]


def unique_descriptions(summaries: Iterable[Summary], titles: dict[Ref, str]) -> dict[Ref, str]:
    """A meta description for each, no two alike and none too short to be one."""
    found: dict[Ref, str] = {}
    taken: set[str] = set()
    for summary in sorted(summaries, key=attrgetter("ref")):
        text, title = str(summary.description), titles[summary.ref]
        if len(text) >= _SHORTEST and _take(text, taken):
            found[summary.ref] = text
            continue
        led_in = f"{title}: {text}" if text else title
        # Two that differ only behind the cut.
        marks = (f"{shorten(led_in, _DESCRIPTION - len(mark) - 3)} ({mark})" for mark in _marks(summary.ref))
        wordings = chain([shorten(led_in, _DESCRIPTION)], marks)
        found[summary.ref] = next(wording for wording in wordings if _take(wording, taken))
    return found


def _marks(ref: Ref) -> Iterator[str]:
    yield ref
    yield from (f"{ref}, {number}" for number in count(2))


def _take(wording: str, taken: set[str]) -> bool:
    """Take a wording that nothing else has."""
    folded = wording.casefold()
    free = folded not in taken
    taken.add(folded)
    return free


def shorten(text: str, limit: int) -> str:
    """Cut at a word, with an ellipsis, when longer than ``limit`` characters."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip(" ,;:.-") + "…"
