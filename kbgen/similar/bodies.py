"""How much two texts have in common below their titles.

A title counts for as much as a body in a score, so two that are called "Login problem" are alike whatever follows.
The body's terms are what a text has more of than its title alone. Not here: what that means for a pair (``judge``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kbgen.similar.frame import Frame, rarity
from kbgen.similar.linkage import Pair
from kbgen.similar.vectors import Stack, Terms

# Of two or three words little follows.
_FEWEST = 4


def in_common(pairs: Sequence[Pair], whole: Stack, titles: Stack, frame: Frame) -> list[float]:
    """The share of a body's terms, each by its rarity, that the other body has; of the two that with fewer.

    Args:
        pairs: positions in ``whole``.
        whole: the texts.
        titles: the same texts, without their bodies.
        frame: how rare terms are.

    Returns:
        0 to 1; 1 where one of both has no body to speak of.
    """
    below = [_below(whole.part(place, place + 1), titles.part(place, place + 1)) for place in range(whole.size)]
    return [_share(below[left], below[right], frame) for left, right in pairs]


def _below(whole: Stack, title: Stack) -> Terms:
    left = whole.counts.astype(np.int64)
    left[np.searchsorted(whole.terms, title.terms)] -= title.counts
    terms: Terms = whole.terms[left > 0]
    return terms


def _share(left: Terms, right: Terms, frame: Frame) -> float:
    if min(len(left), len(right)) < _FEWEST:
        return 1.0
    both = rarity(np.intersect1d(left, right, assume_unique=True), frame).sum()
    return float(both / min(rarity(left, frame).sum(), rarity(right, frame).sum()))
