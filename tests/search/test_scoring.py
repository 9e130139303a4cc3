"""Counts in arrays: postings are in the order of terms, however many at a time are put there."""

from __future__ import annotations

import random

import numpy as np
import pytest

from kbgen.search import scoring
from kbgen.search.scoring import FieldCounter


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_postings_stand_by_term_and_then_by_document(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every posting is there once, with its count, whatever the size of a range of terms."""
    monkeypatch.setattr(scoring, "_SLICE", at_once)
    dice = random.Random(3)  # noqa: S311 - test data
    counter, expected = FieldCounter(), []
    ranks = np.array(dice.sample(range(40), 40), dtype=np.uint32)
    for document in range(25):
        terms = dice.sample(range(40), dice.randint(0, 9))
        counts = [dice.randint(1, 4) for _ in terms]
        counter.add(terms, counts)
        expected += [(int(ranks[term]), document, count) for term, count in zip(terms, counts, strict=True)]
    field = counter.postings(ranks, np.arange(25, dtype=np.uint32))
    places = np.repeat(np.arange(40), np.diff(field.offsets))
    found = list(zip(places.tolist(), field.docs.tolist(), field.counts.tolist(), strict=True))
    assert sorted(expected) == found


def test_a_field_nobody_has_is_empty() -> None:
    """Such as other wordings, in a community where nothing was merged."""
    counter = FieldCounter()
    counter.add([], [])
    field = counter.postings(np.arange(3, dtype=np.uint32), np.zeros(1, dtype=np.uint32))
    assert ([0, 0, 0, 0], []) == (field.offsets.tolist(), field.docs.tolist())
