"""Which language a text is in: by its script first, by a model only where a script is shared.

The answer is always one of the site's languages: a page can only be shown in a language the site has.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Languages by the script they are written in; every other one is taken to be written in Latin letters.
_SCRIPTS = {
    "HEBREW": ("he", "yi"),
    "ARABIC": ("ar", "fa", "ur", "ps", "ug"),
    "CYRILLIC": ("ru", "uk", "bg", "sr", "be", "mk", "kk", "mn", "ky"),
    "GREEK": ("el",),
    "KANA": ("ja",),
    "HANGUL": ("ko",),
    "HAN": ("zh", "ja"),
    "THAI": ("th",),
    "DEVANAGARI": ("hi", "mr", "ne"),
    "BENGALI": ("bn", "as"),
    "TAMIL": ("ta",),
    "TELUGU": ("te",),
    "ARMENIAN": ("hy",),
    "GEORGIAN": ("ka",),
}
_NAMES = {"HIRAGANA": "KANA", "KATAKANA": "KANA", "CJK": "HAN"}
_OTHER_SCRIPTS = frozenset(language for languages in _SCRIPTS.values() for language in languages)
_ASCII_WORD = re.compile(r"https?://\S+|[!-~]+")
_LETTER = re.compile(r"[A-Za-z]")
_NOISE = re.compile(r"[\d_/\\@{}<>=]|[a-z][A-Z]")
# Below this, measured on titles, the model is wrong more often than the source's own language.
_SHORT = 60
_ENOUGH = 600
_CONFIDENT = 0.8
# Names of products and commands are Latin in every language, so a quarter of another script decides.
_SHARE = 0.25


def detect(text: str, hint: str | None, allowed: Sequence[str]) -> str:
    """Tell the language of a text.

    Args:
        text: title and prose, best without code.
        hint: the source's own word for it, None when it has none.
        allowed: the site's languages (``en``, ``pt-BR``), the default first; not empty.

    Returns:
        One of ``allowed``.
    """
    fallback = next((code for code in allowed if hint and _base(code) == _base(hint)), allowed[0])
    if len(allowed) == 1:
        return fallback
    words = _words(text[: _ENOUGH * 4])
    script = _script(words)
    wanted = _SCRIPTS.get(script, ())
    candidates = tuple(
        code for code in allowed if (_base(code) in wanted if wanted else _base(code) not in _OTHER_SCRIPTS)
    )
    if not script or not candidates:
        return fallback
    if len(candidates) == 1:
        return candidates[0]
    if script == "HAN":
        return next(code for code in candidates if _base(code) == "zh")
    fallback = fallback if fallback in candidates else candidates[0]
    return fallback if len(words.strip()) < _SHORT else _by_model(words, candidates, fallback)


def _base(code: str) -> str:
    return code.partition("-")[0].lower()


def _words(text: str) -> str:
    """Blank out addresses, numbers and code, and keep the beginning."""
    kept: list[str] = []
    length = last = 0
    for word in _ASCII_WORD.finditer(text):
        if length >= _ENOUGH:
            break
        between = text[last : word.start()]
        said = " " if _NOISE.search(word.group()) else word.group()
        kept += (between, said)
        length += len(between) + len(said)
        last = word.end()
    else:
        kept.append(text[last:])
    return "".join(kept)[:_ENOUGH]


def _script(text: str) -> str:
    if text.isascii():
        return "LATIN" if _LETTER.search(text) else ""
    counts = Counter(filter(None, map(_script_of, text)))
    total = sum(counts.values())
    if not total:
        return ""
    if counts["KANA"] and counts["KANA"] + counts["HAN"] > total * _SHARE:
        return "KANA"
    others = [(count, name) for name, count in counts.items() if name in _SCRIPTS]
    count, name = max(others, default=(0, ""))
    return name if count > total * _SHARE else "LATIN"


@lru_cache(maxsize=4096)
def _script_of(char: str) -> str:
    if not char.isalpha():
        return ""
    # A letter without a name counts as one of no script here.
    name = "LATIN" if char.isascii() else unicodedata.name(char, "?").partition(" ")[0]
    return _NAMES.get(name, name)


def _by_model(text: str, candidates: tuple[str, ...], fallback: str) -> str:
    identifier = _identifier(tuple(sorted({_base(code) for code in candidates})))
    if identifier is None:
        return fallback
    language, confidence = identifier.classify(" ".join(text.split()))
    found = next((code for code in candidates if _base(code) == language), fallback)
    return found if confidence >= _CONFIDENT else fallback


@lru_cache(maxsize=8)
def _identifier(languages: tuple[str, ...]) -> LanguageIdentifier | None:
    # Loading takes a quarter of a second: once a process, and only where two languages share a script.
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = [language for language in languages if language in identifier.labels]
    if len(known) < 2:
        return None
    identifier.set_languages(known)
    return identifier
