"""Related pages by the words of their titles and their tags: deterministic, linear in the number of pages.

Near-duplicate detection is not here; this only fills the foot of a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kbgen.model import Card, Ref, Summary
from kbgen.search.analysis import analyser

# A word that more pages than this share says nothing about any two of them; the cap keeps the work linear.
_COMMON = 400
_FEATURES = 10
_LEAST = 4.0
_SAME_TOPIC = 1.0


def related(summaries: Iterable[Summary], cards: Mapping[Ref, Card], count: int) -> dict[Ref, tuple[Card, ...]]:
    """The cards most alike to each page, best first.

    Args:
        summaries: every entry and article.
        cards: their cards.
        count: how many a page shows at most; 0 for none.
    """
    if count == 0:
        return {}
    features = {summary.ref: _features(summary) for summary in summaries}
    postings: dict[tuple[str, str], list[Ref]] = defaultdict(list)
    for ref in sorted(features):
        for feature in features[ref]:
            postings[cards[ref].lang, feature].append(ref)
    # Rounded to whole bits: one new page must not move the weights, and with them the links, of all others.
    weights = {key: float((len(features) // len(refs)).bit_length()) for key, refs in postings.items()}
    return {ref: _nearest(ref, features[ref], postings, weights, cards)[:count] for ref in features}


def _features(summary: Summary) -> tuple[str, ...]:
    words = [word.terms[-1] for word in analyser(summary.lang).words(summary.title) if not word.stop]
    return tuple(dict.fromkeys([*words, *(f"#{tag}" for tag in summary.tags)]))


def _nearest(
    ref: Ref,
    features: tuple[str, ...],
    postings: Mapping[tuple[str, str], list[Ref]],
    weights: Mapping[tuple[str, str], float],
    cards: Mapping[Ref, Card],
) -> tuple[Card, ...]:
    lang = cards[ref].lang
    keys = sorted(((lang, feature) for feature in features), key=lambda key: (len(postings[key]), key))
    scores: dict[Ref, float] = defaultdict(float)
    for key in keys[:_FEATURES]:
        if len(postings[key]) <= _COMMON:
            for other in postings[key]:
                scores[other] += weights[key]
    scores.pop(ref, None)
    here = set(cards[ref].topics)
    ranked = [(score + _SAME_TOPIC * bool(here & set(cards[other].topics)), other) for other, score in scores.items()]
    ranked.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(cards[other] for score, other in ranked if score >= _LEAST)
