"""A page's own words, analysed once when its content is made and kept until that changes.

Analysing text is most of what an index costs. Tags and topics are not in here: they change without the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

import msgspec
from msgspec import Struct

from kbgen.search.analysis import Analyser, analyser

_CACHED_PIECES = 100_000


class Terms(Struct, frozen=True, array_like=True):
    """Distinct terms of one field, and how often each occurs."""

    terms: list[str]
    counts: list[int]


class Prepared(Struct, frozen=True, array_like=True):
    """Terms of each field; common words count in titles only."""

    title: Terms
    also: Terms
    text: Terms


class _Known(dict[str, tuple[str, ...]]):
    """Pieces of text to terms for one language; a piece is analysed once a process."""

    def __init__(self, language: Analyser, *, keep_stop: bool) -> None:
        super().__init__()
        self._language = language
        self._keep_stop = keep_stop

    def __missing__(self, piece: str) -> tuple[str, ...]:
        words = self._language.words(piece)
        terms = tuple(term for word in words if self._keep_stop or not word.stop for term in word.terms)
        if not self._language.holds_runs(piece):
            if len(self) >= _CACHED_PIECES:
                self.clear()
            self[piece] = terms
        return terms


class _Terms:
    """Counts the terms of texts in one language."""

    def __init__(self, language: Analyser) -> None:
        self._language = language
        self._known = {keep_stop: _Known(language, keep_stop=keep_stop) for keep_stop in (False, True)}

    def count(self, text: str, *, keep_stop: bool) -> Terms:
        # Without a loop of our own: there are some hundred pieces in every text.
        terms = map(self._known[keep_stop].__getitem__, self._language.pieces(text))
        counts = Counter(chain.from_iterable(terms))
        return Terms(list(counts), list(counts.values()))


@lru_cache(maxsize=32)
def _terms(lang: str) -> _Terms:
    return _Terms(analyser(lang))


def prepare(title: str, also: Sequence[str], text: str, lang: str) -> bytes:
    """Analyse a page's own words.

    Args:
        title: of the page.
        also: other wordings of its question.
        text: of question and answers.
        lang: the language it is indexed in.

    Returns:
        An encoded ``Prepared``, the same for the same words.
    """
    terms = _terms(lang)
    made = Prepared(
        terms.count(title, keep_stop=True),
        terms.count("\n".join(also), keep_stop=True),
        terms.count(text, keep_stop=False),
    )
    return msgspec.msgpack.encode(made)


def count_terms(text: str, lang: str) -> Terms:
    """The terms of a text without its common words.

    Args:
        text: such as the names of tags.
        lang: the language it is indexed in.
    """
    return _terms(lang).count(text, keep_stop=False)


def stems(title: str, lang: str) -> str:
    """The last form of each word of a title, once, without common words and parted by spaces."""
    words = analyser(lang).words(title)
    return " ".join(dict.fromkeys(word.terms[-1] for word in words if not word.stop))


_DECODER = msgspec.msgpack.Decoder(Prepared)


def read_prepared(data: bytes) -> Prepared:
    """Decode what ``prepare`` made."""
    return _DECODER.decode(data)
