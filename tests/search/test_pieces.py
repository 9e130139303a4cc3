"""Pieces of text and their terms: what is kept, and how much of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from kbgen.search.analysis import Word, analyser
from kbgen.search.pieces import PieceTerms


def every(words: Iterable[Word]) -> Iterator[str]:
    """All terms of some words."""
    return (term for word in words for term in word.terms)


def test_what_is_kept_says_the_same_as_what_is_analysed() -> None:
    """A second time, and within another text."""
    pieces = PieceTerms(analyser("en"), every)
    first = list(pieces.of("Dim the lamps, log-in"))
    assert (
        first == list(pieces.of("Dim the lamps, log-in")) == list(every(analyser("en").words("Dim the lamps, log-in")))
    )
    assert list(pieces.of("lamps")) == list(every(analyser("en").words("lamps")))


def test_memory_for_pieces_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different ones there are, and none is lost to the text that is being read."""
    monkeypatch.setattr("kbgen.search.pieces._KEPT", 3)
    pieces = PieceTerms(analyser("en"), every)
    assert [f"x{number}" for number in range(10)] == list(pieces.of(" ".join(f"x{number}" for number in range(10))))
    assert len(pieces) <= 3


def test_sentences_without_spaces_are_not_kept() -> None:
    """They would not come again, and are long."""
    pieces = PieceTerms(analyser("zh"), every)
    assert list(pieces.of("怎样调暗灯光 lamp"))
    assert ["lamp"] == list(pieces)
