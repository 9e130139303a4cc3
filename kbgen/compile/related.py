"""Related pages: those whose texts are nearest, then by the words of titles and by tags; deterministic, linear.

What is nearest was worked out by curation (``curate.near``); this only fills the foot of a page.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

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
    merged = {ref: linked[summary.ref] for summary in summaries if len(summary.refs) > 1 for ref in summary.refs}
    best = _by_text(summaries, near or {}, linked | merged, count)
    # Where texts were compared, few pages want for more.
    short = [summary for summary in summaries if len(best[summary.ref]) < count]
    if short:
        for ref, by_words in _by_words(summaries, short, cards, count):
            best[ref] = tuple(dict.fromkeys([*best[ref], *map(linked.__getitem__, by_words)]))[:count]
    return best


def _by_words(
    summaries: Sequence[Summary], short: Sequence[Summary], cards: Mapping[Ref, Card], count: int
) -> Iterator[tuple[Ref, list[Ref]]]:
    """What is most alike to some pages by words of titles and tags."""
    features = {summary.ref: tuple(_features(summary)) for summary in short}
    postings: dict[Key, list[Ref]] = {key: [] for keys in features.values() for key in keys}
    for summary in sorted(summaries, key=attrgetter("ref")):
        for key in _features(summary):
            if key in postings:
                postings[key].append(summary.ref)
    # Rounded to whole bits: one new page must not move the weights, and with them the links, of all others.
    weights = {key: float((len(summaries) // len(refs)).bit_length()) for key, refs in postings.items()}
    for summary in short:
        scores = _scores(summary.ref, features[summary.ref], postings, weights)
        yield summary.ref, _nearest(scores, frozenset(cards[summary.ref].topics), cards, count)


def _by_text(
    summaries: Iterable[Summary], near: Mapping[Ref, Sequence[Ref]], cards: Mapping[Ref, Card], count: int
) -> dict[Ref, tuple[Card, ...]]:
    """For each page those of what lies nearest to its lead's text; ``cards`` are by thread, merged ones among them."""
    best: dict[Ref, tuple[Card, ...]] = {}
    card_of = cards.get
    for summary in summaries:
        own, lang, found = summary.ref, summary.lang, dict[Ref, Card]()
        for card in map(card_of, near.get(own, ())):
            if card is not None and card.lang == lang and card.ref != own:
                found[card.ref] = card
                if len(found) == count:
                    break
        best[own] = tuple(found.values())
    return best


def _features(summary: Summary) -> Iterator[Key]:
    lang = summary.lang
    for word in summary.stems.split():
        yield lang, word
    for tag in summary.tags:
        yield lang, f"#{tag}"


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


def _nearest(scores: Mapping[Ref, float], here: frozenset[Slug], cards: Mapping[Ref, Card], count: int) -> list[Ref]:
    ranked = [
        (-(score + _SAME_TOPIC * (not here.isdisjoint(cards[other].topics))), other)
        for other, score in scores.items()
        if score >= _LEAST - _SAME_TOPIC
    ]
    return [other for score, other in heapq.nsmallest(count, ranked) if -score >= _LEAST]
