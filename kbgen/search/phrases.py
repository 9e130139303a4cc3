"""Phrases of one to three words: cut out of texts, and found again in them whatever their inflection.

Not here: which phrases say something (``report.keyphrases``), and what is done where one is found (``curate.tagging``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kbgen.search.analysis import Analyser, analyser

Keys = tuple[str, ...]
"""The stems of a phrase's words."""
LONGEST = 3
# A phrase does not go over one of these.
_PARTING = re.compile(r"[,;:!?()\[\]{}\"“”„«»|/…]+|\s[-–—]+\s|\.(?=\s|$)|['’]s\b|\n")  # noqa: RUF001


class Token(NamedTuple):
    """A word where it stands.

    Attributes:
        key: its stem.
        text: as written.
        stop: too common to begin or end a phrase.
    """

    key: str
    text: str
    stop: bool


def segments(text: str, lang: str) -> Iterator[list[Token]]:
    """The words of a text, in runs that no punctuation parts.

    Args:
        text: plain.
        lang: its language; of scripts written without spaces nothing is given.
    """
    rules = analyser(lang)
    for part in _PARTING.split(text):
        found = [token for chunk in rules.chunks(part) for token in _tokens(chunk, rules)]
        if found:
            yield found


@functools.lru_cache(1 << 16)
def _tokens(chunk: str, rules: Analyser) -> tuple[Token, ...]:
    if rules.is_run(chunk):
        return ()
    words = rules.chunk_words(chunk)
    if len(words) == 1:
        return (Token(words[0].terms[0], chunk, words[0].stop),)
    return tuple(Token(word.terms[0], word.plain or word.terms[0], word.stop) for word in words)


def keys_of(phrase: str, lang: str) -> Keys:
    """The stems of all words of a phrase."""
    return tuple(token.key for run in segments(phrase, lang) for token in run)


class Found(NamedTuple):
    """A phrase that was found, and how often."""

    phrase: str
    times: int


class PhraseBook:
    """Finds known phrases in texts.

    Args:
        phrases: each with what it stands for.
    """

    def __init__(self, phrases: Mapping[str, str]) -> None:
        self._phrases = dict(phrases)
        self._books: dict[str, dict[Keys, tuple[str, str]]] = {}

    def find(self, text: str, lang: str) -> dict[str, Found]:
        """What the phrases in a text stand for, in the order of the text; where two overlap, the longer one counts.

        Args:
            text: plain.
            lang: its language; phrases and text are stemmed alike.
        """
        book = self._book(lang)
        found: dict[str, Found] = {}
        for run in segments(text, lang):
            keys = [token.key for token in run]
            at = 0
            while at < len(keys):
                size = next((n for n in range(LONGEST, 0, -1) if tuple(keys[at : at + n]) in book), 0)
                if size:
                    value, phrase = book[tuple(keys[at : at + size])]
                    first = found.get(value, Found(phrase, 0))
                    found[value] = Found(first.phrase, first.times + 1)
                at += max(size, 1)
        return found

    def _book(self, lang: str) -> dict[Keys, tuple[str, str]]:
        known = self._books.get(lang)
        if known is None:
            made = ((keys_of(phrase, lang), value, phrase) for phrase, value in self._phrases.items())
            known = self._books[lang] = {keys: (value, phrase) for keys, value, phrase in made if keys}
        return known


def candidates(run: list[Token]) -> Iterator[tuple[int, int]]:
    """Where phrases may stand in a run: start and end; none begins or ends with a common word, or is a number."""
    for start, first in enumerate(run):
        if first.stop:
            continue
        for end in range(start + 1, min(start + LONGEST, len(run)) + 1):
            last = run[end - 1]
            if last.stop:
                break
            if any(char.isalpha() for char in last.text) or end - start > 1:
                yield start, end
