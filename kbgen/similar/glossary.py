"""What everyday words mean in English, so that the table of token vectors, which knows English, can be asked.

The glossary (``data/glossary.tsv``) has some 2,900 meanings of the words questions to support are made of. Hebrew words
are found without their particles and endings, Chinese ones by the longest match, as Chinese is written without spaces;
traditional characters are read as simplified ones. Not here: vectors, and any other word, which has no meaning here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kbgen.search.analysis import analyser

LANGUAGES = ("he", "zh")
"""Those with a glossary, in the order of its columns."""
VERSION = "glossary/4"
"""A vector made with another one is made anew."""
JOINT = ";"
"""Between the meanings of a word that has several."""

_DATA = Path(__file__).with_name("data")
# Chinese; Hebrew with the marks of acronyms and foreign sounds; other words.
_CHUNK = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff]+|[\u05d0-\u05ea]+(?:[\"'\u05f3\u05f4][\u05d0-\u05ea]+)*|[^\\W\u3400-\u4dbf\u4e00-\u9fff]+"
)
_LONGEST = 6
# Hebrew: letters with a form of their own at the end of a word, quotation marks of acronyms; particles that are written
# together with the next word (and, the, in, as, to, from, that); endings of number, gender and person, longest first.
_SAME_LETTER = str.maketrans("\u05da\u05dd\u05df\u05e3\u05e5", "\u05db\u05de\u05e0\u05e4\u05e6", "\"'\u05f3\u05f4")
_PARTICLES = "\u05d5\u05e9\u05d4\u05d1\u05db\u05dc\u05de"
_MOST_PARTICLES = 4
_ENDINGS = (
    *("\u05d9\u05d4\u05de", "\u05d9\u05d4\u05e0", "\u05d5\u05ea\u05d9"),
    *("\u05d9\u05de", "\u05d5\u05ea", "\u05d9\u05ea", "\u05d9\u05d5", "\u05d9\u05d4", "\u05db\u05de", "\u05e0\u05d5"),
    *("\u05ea\u05d9", "\u05d4", "\u05ea", "\u05d9", "\u05d5", "\u05db", "\u05e0"),
)
_ROOT = 3
# What verbs begin with in their forms, and the vowels among their root: what is left is much the same in all forms.
_FORMS = "\u05d0\u05d4\u05d9\u05dc\u05de\u05e0\u05ea"
_MOST_MEANINGS = 3
_TO = ("\u05dc", "\u05dc\u05d4", "\u05dc\u05d4\u05ea")
# Many particles and a root are found in any word.
_SURE = 2
_VOWELS = str.maketrans("", "", "\u05d5\u05d9")


class Glossary(NamedTuple):
    """One language's words and their meanings in English.

    Attributes:
        words: as written; in Hebrew without final forms of letters.
        stems: Hebrew words without their endings.
        roots: consonants of Hebrew verbs, without what their forms begin with.
        small: words that make sentences of others.
    """

    words: Mapping[str, str]
    stems: Mapping[str, str]
    roots: Mapping[str, str]
    small: Mapping[str, str]


def in_english(text: str, lang: str, *, small: bool = False) -> list[str]:
    """The words of a text that can be said in English: glossed ones, and those in Latin letters as they stand.

    Args:
        text: title or body.
        lang: one of ``LANGUAGES``.
        small: with words like "how", "not" and "before", for whoever reads sentences.

    Returns:
        In order; a word of several meanings gives them all, joined by ``JOINT``.
    """
    if lang == "zh":
        text = text.translate(_simplified())
    said = _glossary(lang).small if small else {}
    found = (meaning for chunk in _CHUNK.findall(text) for meaning in _meanings(chunk, lang, said))
    return [one for one in found if one]


def _meanings(chunk: str, lang: str, small: Mapping[str, str]) -> list[str]:
    if chunk.isascii():
        return [chunk]
    if lang == "he":
        return [small.get(chunk) or _hebrew(chunk)]
    return _longest(chunk, (_glossary(lang).words, small))


@functools.lru_cache(1 << 15)
def _hebrew(word: str) -> str:
    glossary = _glossary("he")
    if any(one.stop for one in analyser("he").words(word)):
        # "How" is no form of "quality".
        return glossary.words.get(word.translate(_SAME_LETTER), "")
    word = word.translate(_SAME_LETTER)
    most = len(word) - len(word.lstrip(_PARTICLES))
    forms = [word[cut:] for cut in range(min(most, _MOST_PARTICLES, len(word) - 2) + 1)] if len(word) > 1 else [word]
    whole = (glossary.words.get(form, "") for form in forms)
    stems = (glossary.stems.get(_stem(form), "") for form in forms if len(form) >= _ROOT)
    roots = (glossary.roots.get(root, "") for form in forms[:_SURE] for root in _roots(form))
    return next(filter(None, whole), "") or next(filter(None, stems), "") or next(filter(None, roots), "")


def _stem(word: str) -> str:
    ending = next((one for one in _ENDINGS if word.endswith(one) and len(word) - len(one) >= _ROOT), "")
    return word.removesuffix(ending)


def _roots(word: str) -> list[str]:
    """Three consonants and more of a word, and of what follows the first letter where it may be a form's."""
    found = [_stem(word).translate(_VOWELS)]
    if word[0] in _FORMS:
        found.append(_stem(word[1:]).translate(_VOWELS))
    return [root for root in found if len(root) >= _ROOT]


def _verbs(forms: Sequence[str]) -> set[str]:
    """Consonants of the infinitives among the words of one meaning, with and without what their stem begins with."""
    bare = {form.removeprefix(to) for form in forms for to in _TO if form.startswith(to)}
    return {root for form in bare if len(root := _stem(form).translate(_VOWELS)) >= _ROOT}


def _longest(run: str, several: Sequence[Mapping[str, str]]) -> list[str]:
    """Meanings of the longest words; words of the second mapping where none of the first begins."""
    found = []
    at = 0
    while at < len(run):
        sizes = ((words, size) for words in several for size in range(_LONGEST, 0, -1) if run[at : at + size] in words)
        words, size = next(sizes, ({}, 1))
        found.append(words.get(run[at : at + size], ""))
        at += size
    return found


@functools.cache
def _glossary(lang: str) -> Glossary:
    column = 1 + LANGUAGES.index(lang)
    words: dict[str, dict[str, None]] = {}
    stems: dict[str, dict[str, None]] = {}
    roots: dict[str, dict[str, None]] = {}
    for meaning, said in _lines("glossary.tsv", column):
        forms = [word.translate(_SAME_LETTER) for word in said]
        for form in forms:
            words.setdefault(form, {})[meaning] = None
            stems.setdefault(_stem(form), {})[meaning] = None
        for root in _verbs(forms):
            roots.setdefault(root, {})[meaning] = None
    # A root of many meanings tells nothing.
    few = {root: meanings for root, meanings in roots.items() if len(meanings) <= _MOST_MEANINGS}
    small = {word: meaning for meaning, said in _lines("small_words.tsv", column) for word in said}
    return Glossary(_joined(words), _joined(stems), _joined(few), small)


def _lines(name: str, column: int) -> Iterator[tuple[str, list[str]]]:
    for line in (_DATA / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            cells = line.split("\t")
            yield cells[0], cells[column].split()


def _joined(found: Mapping[str, Mapping[str, None]]) -> dict[str, str]:
    return {word: JOINT.join(meanings) for word, meanings in found.items()}


@functools.cache
def _simplified() -> dict[int, int]:
    simplified, traditional = (_DATA / "traditional.txt").read_text(encoding="utf-8").splitlines()
    return str.maketrans(traditional, simplified)
