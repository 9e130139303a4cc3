"""A thread's words as tagging reads them, and where a tag's own name stands in them.

What follows from the words is learnt in ``autotag_model``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice, pairwise

from msgspec import Struct

from kbgen.model import Slug, Taxonomy
from kbgen.search.analysis import Word, analyser, base_language
from kbgen.search.pieces import PieceTerms

_WORDS = 400  # of a question: what follows is logs and listings
_TITLE_WEIGHT = 2
_LONGEST_NAME = 4
NOWHERE, IN_TEXT, IN_TITLE = 0, 1, 2


class Document(Struct, frozen=True):
    """What is read of one thread.

    Attributes:
        title: its index terms, in order, without stop words.
        text: the same of the question.
    """

    title: tuple[str, ...]
    text: tuple[str, ...]
    lang: str = "en"


def document(title: str, text: str, lang: str) -> Document:
    """Analyse a thread; see ``search.analysis`` for what a term is in each language.

    Args:
        title: of the thread.
        text: visible text of its question.
        lang: its language.
    """
    return Document(_terms(title, lang), _terms(text, lang, _WORDS), base_language(lang))


def _terms(text: str, lang: str, most: int | None = None) -> tuple[str, ...]:
    return tuple(islice(_first_terms(base_language(lang)).of(text), most))


@lru_cache(maxsize=32)
def _first_terms(lang: str) -> PieceTerms:
    return PieceTerms(analyser(lang), _first)


def _first(words: Iterable[Word]) -> Iterator[str]:
    return (word.terms[0] for word in words if not word.stop)


def grams(one: Document) -> Counter[str]:
    """Count the terms and pairs of neighbours; those of the title twice."""
    read = [one.title] * _TITLE_WEIGHT + [one.text]
    return Counter(chain(*read, *(map(" ".join, pairwise(terms)) for terms in read)))


_Phrases = Mapping[str, Sequence[tuple[tuple[str, ...], int]]]


class Names:
    """Finds tags named outright.

    Args:
        names: the words for each tag, in any spelling.
    """

    def __init__(self, names: Sequence[Iterable[str]]) -> None:
        self._names = [tuple(dict.fromkeys(words)) for words in names]
        self._by_language: dict[str, _Phrases] = {}

    def places(self, one: Document) -> dict[int, int]:
        """Give the number of each tag whose name stands in the thread, with ``IN_TEXT`` or ``IN_TITLE``."""
        known = self._known(one.lang)
        found = dict.fromkeys(_found(one.text, known), IN_TEXT)
        found.update(dict.fromkeys(_found(one.title, known), IN_TITLE))
        return found

    def _known(self, lang: str) -> _Phrases:
        """Names in terms, by their first one."""
        if lang not in self._by_language:
            known: dict[str, list[tuple[tuple[str, ...], int]]] = {}
            for number, words in enumerate(self._names):
                for phrase in dict.fromkeys(_terms(word.replace("-", " "), lang) for word in words):
                    if 1 <= len(phrase) <= _LONGEST_NAME:
                        known.setdefault(phrase[0], []).append((phrase, number))
            self._by_language[lang] = known
        return self._by_language[lang]


def _found(terms: tuple[str, ...], known: _Phrases) -> Iterator[int]:
    for start, term in enumerate(terms):
        for phrase, number in known.get(term, ()):
            if terms[start : start + len(phrase)] == phrase:
                yield number


def names_of(tags: Sequence[Slug], taxonomy: Taxonomy) -> tuple[tuple[str, ...], ...]:
    """Give the words people use for each tag: its slug, its title and its synonyms.

    Args:
        tags: slugs.
        taxonomy: the vocabulary; a tag it does not know has its slug only.
    """
    words: dict[Slug, list[str]] = {tag: [tag] for tag in tags}
    for known in taxonomy.tags:
        if known.slug in words:
            words[known.slug].append(known.title)
    for word, slug in sorted(taxonomy.synonyms.items()):
        if slug in words:
            words[slug].append(word)
    return tuple(tuple(dict.fromkeys(words[tag])) for tag in tags)
