"""What everyday words mean in English, so that the table of token vectors, which knows English, can be asked.

The glossary (``data/glossary.tsv``) has some 770 meanings of the words questions to support are made of. Hebrew words
are found without their particles and endings, Chinese ones by the longest match, as Chinese is written without spaces;
traditional characters are read as simplified ones. Not here: vectors, and any other word, which has no meaning here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LANGUAGES = ("he", "zh")
"""Those with a glossary, in the order of its columns."""
JOINT = ";"
"""Between the meanings of a word that has several."""

_DATA = Path(__file__).with_name("data")
_CHUNK = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+|[^\\W\u3400-\u4dbf\u4e00-\u9fff]+")
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


class Glossary(NamedTuple):
    """One language's words and their meanings in English.

    Attributes:
        words: as written; in Hebrew without final forms of letters.
        stems: Hebrew words without their endings.
    """

    words: Mapping[str, str]
    stems: Mapping[str, str]


def in_english(text: str, lang: str) -> list[str]:
    """The words of a text that can be said in English: glossed ones, and those in Latin letters as they stand.

    Args:
        text: title or body.
        lang: one of ``LANGUAGES``.

    Returns:
        In order; a word of several meanings gives them all, joined by ``JOINT``.
    """
    glossary = _glossary(lang)
    if lang == "zh":
        text = text.translate(_simplified())
    chunks = _CHUNK.findall(text)
    found = (meaning for chunk in chunks for meaning in _meanings(chunk, glossary))
    return [one for one in found if one]


def _meanings(chunk: str, glossary: Glossary) -> list[str]:
    if chunk.isascii():
        return [chunk]
    return [_hebrew(chunk, glossary)] if glossary.stems else _longest(chunk, glossary.words)


def _hebrew(word: str, glossary: Glossary) -> str:
    word = word.translate(_SAME_LETTER)
    most = len(word) - len(word.lstrip(_PARTICLES))
    forms = [word[cut:] for cut in range(min(most, _MOST_PARTICLES, len(word) - 2) + 1)] if len(word) > 1 else [word]
    whole = (glossary.words.get(form, "") for form in forms)
    stems = (glossary.stems.get(_stem(form), "") for form in forms if len(form) >= _ROOT)
    return next(filter(None, whole), "") or next(filter(None, stems), "")


def _stem(word: str) -> str:
    ending = next((one for one in _ENDINGS if word.endswith(one) and len(word) - len(one) >= _ROOT), "")
    return word.removesuffix(ending)


def _longest(run: str, words: Mapping[str, str]) -> list[str]:
    found = []
    at = 0
    while at < len(run):
        size = next((size for size in range(_LONGEST, 0, -1) if run[at : at + size] in words), 1)
        found.append(words.get(run[at : at + size], ""))
        at += size
    return found


@functools.cache
def _glossary(lang: str) -> Glossary:
    column = 1 + LANGUAGES.index(lang)
    words: dict[str, dict[str, None]] = {}
    stems: dict[str, dict[str, None]] = {}
    for line in (_DATA / "glossary.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        for word in cells[column].split():
            form = word.translate(_SAME_LETTER)
            words.setdefault(form, {})[cells[0]] = None
            if lang == "he":
                stems.setdefault(_stem(form), {})[cells[0]] = None
    return Glossary(_joined(words), _joined(stems))


def _joined(found: Mapping[str, Mapping[str, None]]) -> dict[str, str]:
    return {word: JOINT.join(meanings) for word, meanings in found.items()}


@functools.cache
def _simplified() -> dict[int, int]:
    simplified, traditional = (_DATA / "traditional.txt").read_text(encoding="utf-8").splitlines()
    return str.maketrans(traditional, simplified)
