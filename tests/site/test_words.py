"""kbgen's own words, dates and counts in the languages of its readers."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kbgen.site import words
from kbgen.site.words import direction, language_name, locale_of, og_locale, words_for

FILES = sorted((Path(words.__file__).parent.parent / "theme" / "words").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_language_has_every_word_and_blank(file: Path) -> None:
    """A translation has the keys of English, and in each text the blanks the English text has."""
    english = json.loads(FILES[[one.stem for one in FILES].index("en")].read_text(encoding="utf-8"))
    table = json.loads(file.read_text(encoding="utf-8"))
    assert table.keys() == english.keys()
    for key, text in english.items():
        for blank in ("{name}", "{date}", "{community}", "{total}"):
            assert (blank in str(table[key])) == (blank in str(text)), key
        assert isinstance(table[key], dict) == isinstance(text, dict), key
        if isinstance(text, dict):
            assert table[key].keys() == set(locale_of(file.stem).plural_form.tags) & table[key].keys() | {"other"}, key


def test_counts_follow_the_languages_plural_rules() -> None:
    """Polish has three forms, Hebrew a dual, Chinese one."""
    assert [words_for("pl").count("answers", n) for n in (1, 2, 5)] == ["1 odpowiedź", "2 odpowiedzi", "5 odpowiedzi"]
    assert words_for("he").count("answers", 2) == "שתי תשובות"
    assert words_for("zh").count("answers", 1) == "1 个回答"
    assert words_for("en").count("answers", 1234) == "1,234 answers"


def test_dates_are_written_out() -> None:
    """A day stands as the language writes it, without the clock."""
    when = datetime(2025, 3, 1, 23, 59, tzinfo=UTC)
    assert words_for("en").date(when) == "March 1, 2025"
    assert words_for("it").date(when) == "1 marzo 2025"
    assert words_for("zh").date(when) == "2025年3月1日"


def test_a_language_in_two_scripts_has_the_words_of_its_own() -> None:
    """Traditional Chinese, whatever its tag says, is not shown the simplified words."""
    assert {words_for(lang)["search"] for lang in ("zh-Hant", "zh-hant", "zh-TW", "zh-HK")} == {"搜尋"}
    assert {words_for(lang)["search"] for lang in ("zh", "zh-CN", "zh-Hans")} == {"搜索"}
    assert [words_for("ru").count("answers", n) for n in (1, 2, 5, 21)] == [
        "1 ответ",
        "2 ответа",
        "5 ответов",
        "21 ответ",
    ]


def test_the_search_box_has_words_for_every_language() -> None:
    """The same languages as pages, each with every word."""
    folder = FILES[0].parents[1] / "search" / "assets" / "words"
    boxes = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")}
    assert boxes.keys() == {file.stem for file in FILES}
    assert {name: table["lang"] for name, table in boxes.items()} == {name: name for name in boxes}
    for table in boxes.values():
        assert (table.keys(), table["badges"].keys()) == (boxes["en"].keys(), boxes["en"]["badges"].keys())


def test_an_unknown_language_speaks_english() -> None:
    """Nothing breaks for a language without words; a regional code uses its base language."""
    assert words_for("xx")["home"] == "Home"
    assert words_for("xx").date(datetime(2025, 3, 1, tzinfo=UTC)) == "March 1, 2025"
    assert words_for("it-CH")["home"] == words_for("it")["home"]
    assert words_for("../secret")["home"] == "Home"


def test_only_kbgens_own_phrases_are_translated() -> None:
    """What an operator wrote in their own words stays."""
    assert words_for("it").translate("Topics") == "Argomenti"
    assert words_for("it").translate("Spare parts") == "Spare parts"


def test_names_and_codes_of_languages() -> None:
    """Names are in the language itself, Open Graph codes have a territory, direction follows the script."""
    assert [language_name(code) for code in ("it", "he", "qq")] == ["Italiano", "עברית", "qq"]
    assert [og_locale(code) for code in ("en", "he", "pt-br", "zh")] == ["en_US", "he_IL", "pt_BR", "zh_CN"]
    assert [direction(code) for code in ("he", "ar-EG", "zh")] == ["rtl", "rtl", "ltr"]
