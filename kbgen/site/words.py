"""kbgen's own words in the page's language, and dates, counts and names of languages as its readers write them.

The words are JSON files in ``kbgen/theme/words``; a language (or a word) that is missing is English. Words with
a count are objects with the plural forms of CLDR. Material's own words are the site engine's business.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date
from babel.numbers import format_decimal

_FOLDER = Path(__file__).parent.parent / "theme" / "words"
_FALLBACK = "en"
_RTL = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


class Words:
    """The words of one language.

    Args:
        lang: the language asked for; dates follow it even when the words are missing.
        table: key to text, or to the plural forms of a text with ``{n}``.
        english: the table behind it.
    """

    def __init__(
        self, lang: str, table: dict[str, str | dict[str, str]], english: dict[str, str | dict[str, str]]
    ) -> None:
        self.lang = lang
        self._table = {**english, **table}
        self._locale = locale_of(lang if table or lang == _FALLBACK else _FALLBACK)
        self._by_english = {text: key for key, text in english.items() if isinstance(text, str)}

    def __getitem__(self, key: str) -> str:
        text = self._table[key]
        return text if isinstance(text, str) else text["other"]

    def starting_with(self, prefix: str) -> dict[str, str]:
        """The words whose key begins so."""
        return {key: self[key] for key in self._table if key.startswith(prefix)}

    def count(self, key: str, number: int) -> str:
        """A word with its number, in the right plural form (``3 answers``)."""
        forms = self._table[key]
        if isinstance(forms, str):
            return forms.replace("{n}", self.number(number))
        form = forms.get(str(self._locale.plural_form(number)), forms["other"])
        return form.replace("{n}", self.number(number))

    def number(self, number: int) -> str:
        """A number with the language's grouping."""
        return str(number) if abs(number) < 1000 else format_decimal(number, locale=self._locale)

    def date(self, when: datetime) -> str:
        """A day, written out; never the time of day, never "3 days ago", which a built page cannot know."""
        return _date(when.year, when.month, when.day, self._locale)

    def translate(self, text: str) -> str:
        """What an operator wrote in English, when it is one of kbgen's own phrases; else as it is."""
        key = self._by_english.get(text)
        return self[key] if key else text


@lru_cache(maxsize=64)
def words_for(lang: str) -> Words:
    """The words of a language: its own, its script's (``zh-Hant`` for ``zh-TW``), its base language's, or English."""
    english = _read(_FALLBACK) or {}
    table = _read(lang) or _read(_in_its_script(lang)) or _read(lang.partition("-")[0]) or {}
    return Words(lang, table, english)


def _in_its_script(lang: str) -> str:
    try:
        locale = Locale.parse(lang.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return lang
    return f"{locale.language}-{locale.script}" if locale.script else lang


def direction(lang: str) -> str:
    """``rtl`` or ``ltr``, as the ``dir`` attribute has it."""
    return "rtl" if lang.partition("-")[0].lower() in _RTL else "ltr"


@lru_cache(maxsize=64)
def locale_of(lang: str) -> Locale:
    """Babel's locale of a language code; English when Babel does not know it."""
    try:
        return Locale.parse(lang.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        base = lang.partition("-")[0]
        return locale_of(base) if base != lang else Locale.parse(_FALLBACK)


@lru_cache(maxsize=64)
def language_name(lang: str) -> str:
    """A language's name in itself (``Italiano``), the code when it is unknown."""
    try:
        locale = Locale.parse(lang.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return lang
    name = locale.get_display_name(locale) or lang
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=64)
def og_locale(lang: str) -> str:
    """Language and territory as ``og:locale`` wants them (``he_IL``), by CLDR's likely subtags."""
    code = lang.replace("-", "_")
    likely = (
        get_global("likely_subtags").get(code)
        or get_global("likely_subtags").get(code.partition("_")[0])
        or "en_Latn_US"
    )
    parts = code.split("_")
    territory = parts[-1].upper() if len(parts) > 1 and len(parts[-1]) == 2 else likely.split("_")[-1]
    return f"{parts[0]}_{territory}"


@lru_cache(maxsize=20_000)
def _date(year: int, month: int, day: int, locale: Locale) -> str:
    return format_date(datetime(year, month, day), format="long", locale=locale)  # noqa: DTZ001 - only the day counts


@lru_cache(maxsize=64)
def _read(lang: str) -> dict[str, str | dict[str, str]] | None:
    file = _FOLDER / f"{lang}.json"
    if not lang.replace("-", "").isalnum() or not file.is_file():
        return None
    table: dict[str, str | dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return table
