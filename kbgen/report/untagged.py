"""What threads that no topic covers are about: tags and topics proposed from their words.

A thread is covered where the taxonomy gives it a topic; without a taxonomy, where the topics proposed from tags would.
The proposal is for a person to cut and rename. Not here: finding phrases (``keyphrases``), grouping them (``themes``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from kbgen.model import Curated, Ref, SourceInfo, Taxonomy
from kbgen.report.keyphrases import TEXT, Phrase, Said, Theme, keyphrases
from kbgen.report.taxonomy import Proposal, published, tags_of
from kbgen.search.analysis import base_language
from kbgen.search.phrases import Keys, keys_of
from kbgen.store import Store

LEAST = 30
"""Threads without a topic it takes to propose something from their words."""
_LEAST_SHARE = 0.05  # of the threads, for a language to be looked at
_MOST_READ = 50_000  # some 50 MB; more threads say the same
_MOST_TOPICS, _MOST_OF_OTHER_LANGUAGES = 10, 4
_MOST_TAGS, _FEWEST_TAGS, _THREADS_A_TAG = 80, 20, 12


class Grown(Struct, frozen=True):
    """Tags and topics proposed from words.

    Attributes:
        threads: how many are without a topic; ``of`` so many published ones.
        tags: phrases, the best first.
        topics: groups of them.
    """

    threads: int
    of: int
    tags: tuple[Phrase, ...] = ()
    topics: tuple[Theme, ...] = ()


def grow(store: Store, proposal: Proposal, taxonomy: Taxonomy, names: Iterable[str] = ()) -> Grown:
    """Propose tags and topics for the threads without a topic.

    Args:
        store: the open store.
        proposal: from the tags in use.
        taxonomy: the present one.
        names: of site and sources; what a community is about divides nothing.
    """
    bare, count = _uncovered(store, proposal, taxonomy)
    languages = Counter(base_language(one.lang) for one in bare)
    if len(bare) < LEAST:
        return Grown(len(bare), count)
    # Numpy and scikit-learn take a second to load.
    from kbgen.report.themes import themes  # noqa: PLC0415

    tags: list[Phrase] = []
    topics: list[Theme] = []
    for lang, number in sorted(languages.items(), key=lambda one: (-one[1], one[0])):
        if number < max(LEAST, _LEAST_SHARE * len(bare)):
            continue
        own = [one for one in bare if base_language(one.lang) == lang]
        known = _keys((*taxonomy.synonyms, *taxonomy.said, *names), lang)
        taken = {one.text for one in tags}
        found = [one for one in keyphrases(own, known, most=_most_tags(len(own))) if one.text not in taken]
        # A tag of the community's is in a topic by what it stands with.
        used = _keys(proposal.counts, lang)
        most = _MOST_OF_OTHER_LANGUAGES if tags else _MOST_TOPICS
        topics += themes(own, [one for one in found if one.keys not in used], most=most)
        tags += found
    return Grown(len(bare), count, tuple(tags), tuple(topics))


def _most_tags(threads: int) -> int:
    return min(_MOST_TAGS, max(_FEWEST_TAGS, threads // _THREADS_A_TAG))


def names_of(site: str, sources: Iterable[SourceInfo]) -> set[str]:
    """What site and communities are called, their hosts' parts included: words of every other thread of theirs."""
    names = {site}
    for one in sources:
        names |= {one.name, one.title, *(urlsplit(one.url or "").hostname or "").split(".")}
    return names - {""}


def _uncovered(store: Store, proposal: Proposal, taxonomy: Taxonomy) -> tuple[list[Said], int]:
    """The threads without a topic, at most so many of them, and how many threads there are."""
    covered = _placed(store) if taxonomy.topics else None
    heads = {word: tag for tag, several in proposal.synonyms.items() for word in (tag, *several)}
    in_topic = {tag for several in proposal.topics.values() for tag in several}
    found: list[Said] = []
    count = 0
    for item in published(store):
        count += 1
        if covered is None:
            is_covered = any(heads.get(word, word) in in_topic for word in tags_of(item))
        else:
            is_covered = item.ref in covered
        if not is_covered:
            found.append(_said(item))
    found.sort(key=lambda one: (hashlib.blake2b(one.ref.encode(), digest_size=8).digest(), one.ref))
    return sorted(found[:_MOST_READ], key=lambda one: one.ref), count


def _placed(store: Store) -> set[Ref]:
    return {ref for summary in store.entries.summaries() if summary.topics for ref in summary.refs}


def _said(item: Curated) -> Said:
    return Said(item.ref, item.title, item.question.text[:TEXT] if item.question else "", item.lang)


def _keys(words: Iterable[str], lang: str) -> frozenset[Keys]:
    return frozenset(keys_of(word.replace("-", " "), lang) for word in words)
