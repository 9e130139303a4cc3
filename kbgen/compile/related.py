"""Related pages: those whose texts are nearest, then by the words of titles and by tags; deterministic, linear.

What is nearest was worked out by curation (``curate.near``); this only fills the foot of a page.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kbgen.compile.inputs import as_linked
from kbgen.model import Card, Ref, Slug, Summary

# Pages looked at for one page, the rarest shared words first: the work stays linear however common words get.
_LOOKED_AT = 600
_LEAST = 4.0
_SAME_TOPIC = 1.0

Key = tuple[str, str]
"""Language and feature: pages of two languages are never related."""


def related(
    summaries: Sequence[Summary], cards: Mapping[Ref, Card], count: int, near: Mapping[Ref, Sequence[Ref]] | None = None
) -> dict[Ref, tuple[Card, ...]]:
    """The cards most alike to each page, best first.

    Args:
        summaries: every entry and article.
        cards: their cards.
        count: how many a page shows at most; 0 for none.
        near: each thread's and article's nearest others, best first; where it names too few, words and tags do.
    """
    if count == 0:
        return {}
    linked = {ref: as_linked(card) for ref, card in cards.items()}
    pages = {ref: summary.ref for summary in summaries for ref in summary.refs}
    best = _by_text(summaries, near or {}, pages, linked, count=count)
    # Where texts were compared, few pages want for more.
    short = [summary for summary in summaries if len(best[summary.ref]) < count]
    if short:
        for ref, by_words in _by_words(summaries, short, cards, count):
            best[ref] = list(dict.fromkeys([*best[ref], *by_words]))[:count]
    return {ref: tuple([linked[other] for other in others]) for ref, others in best.items()}


def _by_words(
    summaries: Sequence[Summary], short: Sequence[Summary], cards: Mapping[Ref, Card], count: int
) -> Iterator[tuple[Ref, list[Ref]]]:
    """What is most alike to some pages by words of titles and tags."""
    features = {summary.ref: _features(summary) for summary in summaries}
    postings: dict[Key, list[Ref]] = defaultdict(list)
    for ref in sorted(features):
        for key in features[ref]:
            postings[key].append(ref)
    # Rounded to whole bits: one new page must not move the weights, and with them the links, of all others.
    weights = {key: float((len(features) // len(refs)).bit_length()) for key, refs in postings.items()}
    topics = {ref: frozenset(card.topics) for ref, card in cards.items()}
    for summary in short:
        scores = _scores(summary.ref, features[summary.ref], postings, weights)
        yield summary.ref, _nearest(scores, topics[summary.ref], topics, count)


def _by_text(
    summaries: Iterable[Summary],
    near: Mapping[Ref, Sequence[Ref]],
    pages: Mapping[Ref, Ref],
    cards: Mapping[Ref, Card],
    *,
    count: int,
) -> dict[Ref, list[Ref]]:
    """For each page those of what lies nearest to its lead's text."""
    best: dict[Ref, list[Ref]] = {}
    page_of, card_of = pages.get, cards.get
    for summary in summaries:
        found: list[Ref] = []
        for other in near.get(summary.ref, ()):
            ref = page_of(other, other)
            card = card_of(ref)
            if card is None or card.lang != summary.lang or ref == summary.ref or ref in found:
                continue
            found.append(ref)
            if len(found) == count:
                break
        best[summary.ref] = found
    return best


def _features(summary: Summary) -> tuple[Key, ...]:
    lang = summary.lang
    return (*((lang, word) for word in summary.stems.split()), *((lang, f"#{tag}") for tag in summary.tags))


def _scores(
    ref: Ref, keys: tuple[Key, ...], postings: Mapping[Key, list[Ref]], weights: Mapping[Key, float]
) -> dict[Ref, float]:
    """Summed weights of the rarest shared features."""
    scores: dict[Ref, float] = {}
    left = _LOOKED_AT
    for size, key in sorted((len(postings[key]), key) for key in keys):
        weight = weights[key]
        for other in postings[key][-left:]:
            scores[other] = scores.get(other, 0.0) + weight
        left -= size
        if left <= 0:
            break
    scores.pop(ref, None)
    return scores


def _nearest(
    scores: Mapping[Ref, float], here: frozenset[Slug], topics: Mapping[Ref, frozenset[Slug]], count: int
) -> list[Ref]:
    ranked = [
        (-(score + _SAME_TOPIC * (not here.isdisjoint(topics[other]))), other)
        for other, score in scores.items()
        if score >= _LEAST - _SAME_TOPIC
    ]
    return [other for score, other in heapq.nsmallest(count, ranked) if -score >= _LEAST]
