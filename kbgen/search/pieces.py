"""Terms of pieces of text, kept: pieces come again in other texts, and to analyse them is most of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from kbgen.search.analysis import Analyser, Word

_KEPT = 100_000


class PieceTerms(dict[str, tuple[str, ...]]):
    """Pieces, as ``Analyser.pieces`` cuts them, to their terms; what is common is analysed once a process.

    Args:
        language: analyses.
        chosen: which terms of a piece's words count.
    """

    def __init__(self, language: Analyser, chosen: Callable[[Iterable[Word]], Iterable[str]]) -> None:
        super().__init__()
        self._language = language
        self._chosen = chosen

    def of(self, text: str) -> Iterator[str]:
        """The terms of a text, in order."""
        # Without a loop of our own: there are some hundred pieces in every text.
        return chain.from_iterable(map(self.__getitem__, self._language.pieces(text)))

    def __missing__(self, piece: str) -> tuple[str, ...]:
        terms = tuple(self._chosen(self._language.words(piece)))
        if not self._language.holds_runs(piece):
            if len(self) >= _KEPT:
                self.clear()
            self[piece] = terms
        return terms
