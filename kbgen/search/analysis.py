"""From text to index terms; the same rules run in the browser (``theme/search/assets/engine.js``).

The rules are data (``data/analysis.json``): character classes, folding, Hebrew prefixes, stop words and the name of
each language's Snowball algorithm. This file and ``engine.js`` are two readers of that data, and tests hold them to
the same terms for the same text. The steps:

1. NFKC; soft hyphens and direction marks out; Hebrew acronyms without their quotation mark.
2. Chunks: a run of a script written without spaces (Chinese, Japanese, Korean, Thai, ...), or a run of letters and
   digits that may be joined inside by ``.``, ``_`` or ``-`` and may end in ``++`` or ``#``.
3. A run without spaces gives its overlapping pairs of characters, or the one character it has.
4. A joined chunk (``foo_bar``, ``v1.2.3``, ``node.js``) gives itself and its parts; ``log-in`` gives ``login`` and its
   parts, ``HL-304`` and ``HL304`` both give ``hl304`` and its parts; ``fooBar`` gives itself and its humps; other
   hyphens only part words.
5. A word gives its stem, accents folded after stemming, and the stem of its folded form where that differs, so that
   accents may be left out when asking. Hebrew words also come without their one-letter prefixes.

Not here: weights, files. No state but caches.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from Stemmer import Stemmer

_DATA = Path(__file__).with_name("data") / "analysis.json"
_MAX_TERM = 48  # longer is base64 or a hash; in UTF-16 units, as JavaScript counts
_HUMPS = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
# A code of letters and digits, such as a model's or a standard's number, written in one.
_CODE = re.compile(r"([A-Za-z]{2,})([0-9]{2,})")
_ALPHABETS = tuple(
    "".join(map(chr, range(ord(a), ord(z) + 1))) for a, z in ("az", "\u0430\u044f", "\u05d0\u05ea", "\u03b1\u03c9")
)
_ENDING = 5  # letters at a word's end in which a slip keeps its stem from being found
_JOINTS = re.compile(r"[._-]")
_ACCENTS = re.compile("([a-z\u03b1-\u03c9])[\u0300-\u036f]+")
# Chunks of ASCII text, as the rules cut them; a class of few characters is matched several times faster.
_ASCII_CHUNK = re.compile(r"[0-9A-Za-z]+(?:[._-][0-9A-Za-z]+)*(?:\+\+|#(?![0-9A-Za-z]))?")
# What parts the words of ASCII text for certain; the others do so in some places.
_ASCII_GAPS = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) in "._-+#")}
_TYPOGRAPHIC = "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022"
"""Separators that stand in much English text: quotation marks, dashes, an ellipsis, a bullet."""
_ASCII_SEPARATORS = r"\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f"


class Word(Struct, frozen=True):
    """One word of a text: alternative terms, any of which finds it.

    Attributes:
        terms: the most exact first; never empty.
        stop: a word so common that only titles keep it.
        plain: the word as typed, lower case, accents folded: what prefix search starts from; "" for joined chunks.
        own: how many of the terms, from the first, are the word itself; the others are its parts. 0 for all.
    """

    terms: tuple[str, ...]
    stop: bool = False
    plain: str = ""
    own: int = 0


class Analyser:
    """The analysis of one language.

    Args:
        lang: a language tag; a region or script after ``-`` is ignored, an unknown language is not stemmed.
    """

    def __init__(self, lang: str) -> None:
        rules = _rules()
        own = rules["languages"].get(base_language(lang), {"stemmer": "", "stop": ""})
        self.algorithm: str = own["stemmer"]
        self.stop = frozenset((own["stop"] + " " + rules["always_stop"]).split())
        self._known = functools.lru_cache(1 << 15)(self._words_of)
        self._stem_one = Stemmer(self.algorithm, 0).stemWord if self.algorithm else str
        self._stem_all = Stemmer(self.algorithm, 0).stemWords if self.algorithm else list
        self._fold: dict[int, str] = {ord(k): v for k, v in rules["fold"].items()}
        self._prefixes = frozenset(rules["prefixes"])
        word = f"[^{_ASCII_SEPARATORS}{rules['separators']}{rules['ngrams']}]"
        self._chunk = re.compile(f"[{rules['ngrams']}]+|{word}+(?:[._-]{word}+)*(?:\\+\\+|#(?!{word}))?")
        self._ngram = re.compile(f"[{rules['ngrams']}]")
        self._drop = re.compile(f"[{rules['drop']}]")
        self._marks = re.compile(f"[{rules['marks']}]")
        self._acronym = re.compile("([\u05d0-\u05ea])[\"'\u05f3\u05f4](?=[\u05d0-\u05ea])")

    def clean(self, text: str) -> str:
        """Step 1."""
        if text.isascii():
            return text
        return self._acronym.sub(r"\1", self._drop.sub("", unicodedata.normalize("NFKC", text)))

    def chunks(self, text: str) -> list[str]:
        """Step 1 and 2: the runs of characters that carry terms, case kept."""
        text = self.clean(text)
        for sign in "" if text.isascii() else _TYPOGRAPHIC:
            text = text.replace(sign, " ")
        return (_ASCII_CHUNK if text.isascii() else self._chunk).findall(text)

    def pieces(self, text: str) -> list[str]:
        """Parts of a text that hold whole chunks, in order: found several times faster, and hardly more of them differ.

        No chunk holds white space, so what is analysed piece by piece is what is analysed at once.
        """
        text = self.clean(text)
        return (text.replace(". ", " ").translate(_ASCII_GAPS) if text.isascii() else text).split()

    def ends_open(self, text: str) -> bool:
        """Whether a text ends within a word, so that more letters of it may come."""
        chunks = self.chunks(text)
        return bool(chunks) and self.clean(text).endswith(chunks[-1])

    def is_run(self, chunk: str) -> bool:
        """Whether the chunk is of a script written without spaces."""
        return self._ngram.match(chunk) is not None

    def holds_runs(self, text: str) -> bool:
        """Whether something in a text of ``pieces`` is of such a script: it would not come again in another text."""
        return self._ngram.search(text) is not None

    def words(self, text: str) -> Iterator[Word]:
        """Every word of a text, in order."""
        for chunk in self.chunks(text):
            yield from self.chunk_words(chunk)

    def chunk_words(self, chunk: str) -> tuple[Word, ...]:
        """Step 3 to 5 for one chunk."""
        # Whole sentences of a script without spaces would not come again.
        return _run_words(chunk) if self.is_run(chunk) else self._known(chunk)

    def terms_of_letters(self, words: list[str]) -> list[str]:
        """The terms of words of small letters of ASCII, "" for a stop word: what ``chunk_words`` says, far quicker."""
        stems = self._stem_all(words)
        return [
            "" if word in self.stop or len(word) > _MAX_TERM else word if len(word) < 3 else stem or word
            for word, stem in zip(words, stems, strict=True)
        ]

    def late_slips(self, word: str) -> list[str]:
        """Stems of what an unknown word may be when there is a slip in its ending: of ``stakng``, that of ``staking``.

        Args:
            word: as typed, lower case, accents folded.
        """
        mended: list[str] = []
        for at in range(max(3, len(word) - _ENDING), len(word) + 1):
            head, tail = word[:at], word[at:]
            mended += [head + tail[1:2] + tail[:1] + tail[2:], head + tail[1:], *other_letters(word, at)]
        stems = {one: self.fold(self._stem(one)) for one in mended}
        return [stem for stem in dict.fromkeys(stem for one, stem in stems.items() if stem != one) if len(stem) >= 3]

    def _words_of(self, chunk: str) -> tuple[Word, ...]:
        parts = _JOINTS.split(chunk)
        if len(parts) == 1:
            return tuple(self._single(chunk))
        if "." not in chunk and "_" not in chunk:
            return tuple(self._hyphenated(parts))
        return tuple(_with_parts(_short(chunk.lower()), self._part_terms(parts)))

    def _single(self, chunk: str) -> list[Word]:
        word = chunk.lower()
        plain = self.fold(word)
        if plain in self.stop:
            return [Word((plain,), stop=True, plain=plain)]
        # Most words are written small, and have neither humps nor digits.
        parts = [] if chunk.isalpha() and chunk[1:].islower() else _humps(chunk)
        return _with_parts(self._variants(word), self._part_terms(parts), plain)

    def _hyphenated(self, parts: list[str]) -> list[Word]:
        """``log-in`` is also ``login``; in ``question-answer`` each part is a word of its own."""
        joined = "".join(parts)
        if len(parts) == 2 and min(map(len, parts)) <= 3 and (not _has_digit(joined) or _is_code(*parts)):
            return _with_parts(self._variants(joined.lower()), self._part_terms(parts))
        return [word for part in parts for word in self._single(part)]

    def _part_terms(self, parts: list[str]) -> list[str]:
        """Terms of the parts of a joined chunk: no stop words, no single characters."""
        lowered = [p.lower() for p in parts]
        return [t for p in lowered if len(p) > 1 and self.fold(p) not in self.stop for t in self._variants(p)]

    def _variants(self, word: str) -> list[str]:
        folded = self.fold(word)
        terms = [self.fold(self._stem(word))]
        if folded != word:
            terms.append(self.fold(self._stem(folded)))
        while len(folded) > 3 and folded[0] in self._prefixes:
            folded = folded[1:]
            terms.append(folded)
        return _short(*terms)

    def _stem(self, word: str) -> str:
        # Snowball counts UTF-16 units in JavaScript and code points in Python: words beyond the BMP stay whole.
        if not self.algorithm or len(word) < 3 or _has_digit(word) or not (word.isascii() or max(word) <= "\uffff"):
            return word
        return str(self._stem_one(word)) or word

    def fold(self, word: str) -> str:
        """Accents, points and letter variants taken off a lower-case word."""
        if word.isascii():
            return word
        apart = unicodedata.normalize("NFD", word.translate(self._fold))
        return unicodedata.normalize("NFC", self._marks.sub("", _ACCENTS.sub(r"\1", apart)))


def other_letters(word: str, at: int) -> list[str]:
    """A word with each letter of its alphabet in a place: one that was left out there, and one instead of another."""
    letters = next((letters for letters in _ALPHABETS if word[:1] in letters), "") if word else ""
    return [word[:at] + letter + word[at + gap :] for letter in letters for gap in (0, 1)]


def _with_parts(terms: list[str], parts: list[str], plain: str = "") -> list[Word]:
    own = tuple(dict.fromkeys(terms))
    kept = tuple(dict.fromkeys([*own, *parts]))
    return [Word(kept, plain=plain, own=len(own) if len(kept) > len(own) else 0)] if kept else []


def _humps(chunk: str) -> list[str]:
    """The parts of ``fooBar`` and of ``HL304``, none of a word without any."""
    code = _CODE.fullmatch(chunk)
    if code is not None:
        return [code[1], code[2]]
    humps = _HUMPS.findall(chunk)
    joined = "".join(humps) == chunk and (len(humps) > 2 or (len(humps) == 2 and chunk[0].islower()))
    return humps if joined else []


def _is_code(first: str, second: str) -> bool:
    """Whether one part is of letters and the other of digits, of two and more each: ``HL-304``, ``64-bit``."""
    if min(len(first), len(second)) < 2 or not (first.isascii() and second.isascii()):
        return False
    return (first.isalpha() and second.isdecimal()) or (first.isdecimal() and second.isalpha())


@functools.lru_cache(1 << 8)
def analyser(lang: str) -> Analyser:
    """The one analyser of a language in this process; see ``Analyser``."""
    return _analyser(base_language(lang))


@functools.cache
def _analyser(base: str) -> Analyser:
    return Analyser(base)


def base_language(lang: str) -> str:
    """``pt-BR`` is analysed as ``pt``."""
    return lang.replace("_", "-").partition("-")[0].lower()


def browser_rules(lang: str) -> dict[str, Any]:
    """What ``engine.js`` needs to analyse a language, for the index's ``meta.json``."""
    rules = _rules()
    shared = {key: rules[key] for key in ("drop", "separators", "ngrams", "marks", "fold", "prefixes")}
    return {**shared, "stop": " ".join(sorted(analyser(lang).stop))}


@functools.cache
def _rules() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return loaded


def _run_words(chunk: str) -> tuple[Word, ...]:
    """Pairs of neighbours, of a script written without spaces."""
    if len(chunk) == 1:
        return (Word((chunk,), plain=chunk),)
    return tuple(Word((chunk[i : i + 2],)) for i in range(len(chunk) - 1))


def _has_digit(word: str) -> bool:
    return not word.isalpha() and any("0" <= c <= "9" for c in word)


def _short(*terms: str) -> list[str]:
    return [t for t in terms if t and (2 * len(t) <= _MAX_TERM or len(t.encode("utf-16-le")) <= 2 * _MAX_TERM)]
