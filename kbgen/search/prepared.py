"""A page's own words, analysed once when its content is made and kept until that changes.

Analysing text is most of what an index costs. Tags and topics are not in here: they change without the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct

from kbgen.search.analysis import Analyser, Word, analyser
from kbgen.search.pieces import PieceTerms


class Terms(Struct, frozen=True, array_like=True):
    """Distinct terms of one field, and how often each occurs."""

    terms: list[str]
    counts: list[int]


class Prepared(Struct, frozen=True, array_like=True):
    """Terms of each field; common words count in titles only."""

    title: Terms
    also: Terms
    text: Terms


class _Terms:
    """Counts the terms of texts in one language."""

    def __init__(self, language: Analyser) -> None:
        self._all = PieceTerms(language, _of_all)
        self._telling = PieceTerms(language, _of_telling)

    def count(self, text: str, *, keep_stop: bool) -> Terms:
        counts = Counter((self._all if keep_stop else self._telling).of(text))
        return Terms(list(counts), list(counts.values()))


def _of_all(words: Iterable[Word]) -> Iterator[str]:
    return (term for word in words for term in word.terms)


def _of_telling(words: Iterable[Word]) -> Iterator[str]:
    return (term for word in words if not word.stop for term in word.terms)


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
