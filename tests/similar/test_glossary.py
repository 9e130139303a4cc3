"""What the words of Hebrew and Chinese mean in English, and that texts are found by it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kbgen.model import Ref
from kbgen.similar import glossary
from kbgen.similar.glossary import in_english
from kbgen.similar.texts import make_text
from kbgen.similar.vectors import Embedder, _rows_of


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("וכשהסוללה", "he", ["battery"]),
        ("החבילות", "he", ["package parcel"]),
        ("סיסמתי", "he", ["password"]),
        ("חשבון", "he", ["account"]),
        ("קשקשרץ", "he", []),
        ("איך", "he", []),
        ("ידפיסו", "he", ["print"]),
        ("פנצ'ר", "he", ["wheel tire"]),
        ("打印机卡纸", "zh", ["printer", "jam paper"]),
        ("密碼忘記了", "zh", ["password", "forget"]),
        ("輪胎漏氣", "zh", ["wheel tire", "puncture flat tire"]),
        ("wifi密码", "zh", ["wifi", "password"]),
        ("鑫", "zh", []),
    ],
)
def test_words_are_said_in_english(text: str, lang: str, expected: list[str]) -> None:
    """Without particles and endings, by the longest match, in both kinds of characters; an unknown word says nothing."""
    assert in_english(text, lang) == expected


def test_a_word_of_several_meanings_weighs_as_one() -> None:
    """Its vector is the mean of its meanings', so that it counts no more than others."""
    one, other, both = _rows_of(["courier", "gift", "courier;gift"])

    assert both == pytest.approx((one + other) / 2, abs=1e-5)


def test_a_meaning_of_several_words_weighs_little_more_than_one_of_one() -> None:
    """What takes three words in English is one word in its language."""
    embedder = Embedder()
    whole, *parts = embedder._summed([["gas stove burner"], ["gas"], ["stove"], ["burner"]])

    assert whole == pytest.approx(sum(parts) / 3**0.75, abs=1e-5)


def test_a_root_is_that_of_a_verb() -> None:
    """A noun has no such forms: the consonants of "dot" are in "revenge", which has nothing to do with it."""
    assert in_english("נקודה", "he") == ["point"]
    assert in_english("נקמה", "he") == []
    assert in_english("תדפיס", "he") == ["print"]


@pytest.mark.parametrize(
    ("text", "lang", "without", "with_them"),
    [
        ("למה הסוללה לא מתחברת", "he", ["battery", "connect"], ["why", "battery", "not", "connect"]),
        ("电池不充电", "zh", ["battery", "charge charger"], ["battery", "not", "charge charger"]),
    ],
)
def test_small_words_are_for_sentences(text: str, lang: str, without: list[str], with_them: list[str]) -> None:
    """Who adds up words has no use for "not"; who reads the sentence gets them in their places."""
    assert in_english(text, lang) == without
    assert in_english(text, lang, small=True) == with_them


@pytest.mark.parametrize(
    ("lang", "one", "other", "far"),
    [
        ("he", "החבילה מתעכבת", "המשלוח לא הגיע בזמן", "המצלמה מטושטשת"),
        ("zh", "忘了密码", "想重设口令", "洗碗机漏水"),
    ],
)
def test_a_paraphrase_without_a_common_word_is_nearer(lang: str, one: str, other: str, far: str) -> None:
    """Words that mean the same bring two texts together that share none."""
    texts = [make_text(Ref(f"forum:{n}"), (lang, title, "")) for n, title in enumerate((one, other, far))]
    first, second, third = (vector.dense.astype(float) for vector in Embedder().vectors(texts))

    assert first @ second > first @ third


@pytest.mark.parametrize("name", ["glossary.tsv", "small_words.tsv"])
def test_the_glossary_is_in_order(name: str) -> None:
    """Three columns a line, no meaning twice, no word twice in a cell, none longer than is looked for."""
    data = Path(glossary.__file__).with_name("data")
    lines = [line.split("\t") for line in (data / name).read_text(encoding="utf-8").splitlines()]
    rows = [cells for cells in lines if not cells[0].startswith("#")]

    assert {len(cells) for cells in rows} == {1 + len(glossary.LANGUAGES)}
    assert [meaning for meaning, often in Counter(cells[0] for cells in rows).items() if often > 1] == []
    assert [cell for cells in rows for cell in cells[1:] if len(cell.split()) != len(set(cell.split()))] == []
    assert max(len(word) for cells in rows for word in cells[2].split()) <= glossary._LONGEST


def test_every_traditional_character_has_its_simplified_one() -> None:
    """As many characters of one kind as of the other, none twice."""
    data = Path(glossary.__file__).with_name("data")
    simplified, traditional = (data / "traditional.txt").read_text(encoding="utf-8").splitlines()

    assert len(simplified) == len(traditional) == len(set(traditional))
