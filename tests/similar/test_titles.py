"""What parts two titles, and what does not."""

from __future__ import annotations

import pytest

from kbgen.similar.titles import parting


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Error 403 in the app", "Error 404 in the app", "figures"),
        ("Error 403 in the app", "Access denied in the app", "one figure"),
        ("Access denied in the app", "Error 403 in the app", "one figure"),
        ("Lesson two: kneading", "Lesson three: kneading", "counting words"),
        ("First lesson", "Second lesson", "counting words"),
        ("Lesson 2: kneading", "Lesson two: kneading", ""),
        ("Recipe book, part II", "Recipe book, part III", "counting words"),
        ("Recipe B does not rise", "Recipe C does not rise", "counting words"),
        ("Baking day in March", "Baking day in April", "counting words"),
        ("May I bake in April?", "Can I bake in April?", ""),
        ("Merge two accounts", "Merging accounts", ""),
        ("A lid is loose", "Lid B is loose", ""),
        ("Why do I burn soup?", "Why does recipe B burn?", ""),
    ],
)
def test_what_counts_must_count_the_same(left: str, right: str, expected: str) -> None:
    """Figures, and words, letters and dates that stand for them where both titles have one."""
    assert parting(left, right) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("How do I enable the child lock?", "How do I disable the child lock?", "enable/disable"),
        ("Turn the lamp on at night", "Turn the lamp off at night", "on/off"),
        ("Turn on the lamp on the hood", "Turn off the lamp on the hood", "on/off"),
        ("How do I turn the lamp on", "The lamp goes off when I cook", ""),
        ("Baking with butter", "Baking without butter", "with/without"),
        ("Get the senders of recipes I received", "Who sent me recipes?", "perhaps send/receive"),
        ("Log in with a code", "Log out with a code", "login/logout"),
        ("Make a private recipe public", "Make a public recipe private", "public/private"),
        ("Move public recipes to a private list", "Move private recipes to a public list", "public/private"),
    ],
)
def test_contraries_part_titles(left: str, right: str, expected: str) -> None:
    """A word and its contrary; small ones only where the titles are the same besides."""
    assert parting(left, right) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Why can guests see recipes?", "Why can't guests see recipes?", "negation"),
        ("The oven doesn't start", "Oven does not start", ""),
        ("I cannot bake", "I can\u2019t bake", ""),
        ("The oven does not heat", "The oven stays cold", ""),
    ],
)
def test_a_negation_parts_titles_that_are_the_same_besides(left: str, right: str, expected: str) -> None:
    """However it is written; where other words differ, too, it may be another way to say the same."""
    assert parting(left, right) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Convert grams to ounces", "How do I convert ounces to grams?", "direction"),
        ("Copy recipes from the phone to a tablet", "Copy recipes from a tablet to the phone", "direction"),
        ("Copy all recipes from the phone to a tablet", "Copy from a tablet to the phone", "perhaps direction"),
        ("Get text from all recipes", "Get recipes from text", "perhaps direction"),
        ("Save recipes as text", "Get text from recipes", ""),
        ("Save recipes as text", "Get recipes from text", "perhaps direction"),
        ("Oven and hob do not start", "Hob and oven do not start", ""),
        ("Convert grams to ounces", "How to convert grams to ounces", ""),
    ],
)
def test_a_direction_parts_titles(left: str, right: str, expected: str) -> None:
    """There and back are two questions; what "and" joins may stand in any order."""
    assert parting(left, right) == expected


@pytest.mark.parametrize(
    ("lang", "left", "right", "expected"),
    [
        ("pl", "Lekcja pierwsza: pieczenie", "Lekcja druga: pieczenie", "counting words"),
        (
            "pl",
            "Jak w\u0142\u0105czy\u0107 piekarnik?",
            "Jak wy\u0142\u0105cza si\u0119 piekarnik?",
            "w\u0142\u0105cz/wy\u0142\u0105cz",
        ),
        ("pl", "Go\u015bcie widz\u0105 przepisy", "Go\u015bcie nie widz\u0105 przepis\u00f3w", "negation"),
        ("pl", "T\u0142umaczenie z niemieckiego na polski", "T\u0142umaczenie z polskiego na niemiecki", "direction"),
        ("it", "Cuocere con olio", "Cuocere senza olio", "con/senza"),
        ("it", "Come attivo il forno?", "Come si disattiva?", "perhaps attiv/disattiv"),
        ("it", "Il forno si scalda", "Forno che scalda", ""),
        (
            "he",
            "\u05e9\u05d9\u05e2\u05d5\u05e8 \u05e8\u05d0\u05e9\u05d5\u05df",
            "\u05d4\u05e9\u05d9\u05e2\u05d5\u05e8 \u05d4\u05e9\u05e0\u05d9",
            "counting words",
        ),
        (
            "he",
            "\u05dc\u05de\u05d4 \u05d4\u05ea\u05e0\u05d5\u05e8 \u05de\u05d7\u05de\u05dd",
            "\u05dc\u05de\u05d4 \u05d4\u05ea\u05e0\u05d5\u05e8 \u05dc\u05d0 \u05de\u05d7\u05de\u05dd",
            "negation",
        ),
        (
            "zh",
            "\u70e4\u7bb1\u5982\u4f55\u6253\u5f00",
            "\u70e4\u7bb1\u600e\u4e48\u5173\u95ed",
            "\u6253\u5f00/\u5173\u95ed",
        ),
        ("zh", "\u514b\u6362\u7b97\u6210\u76ce\u53f8", "\u76ce\u53f8\u6362\u7b97\u6210\u514b", "direction"),
        ("zh", "USB\u70e4\u7bb1\u4e0d\u70ed", "\u4e3a\u4ec0\u4e48USB\u70e4\u7bb1\u4e0d\u70ed", ""),
        ("zh", "AB\u6362\u7b97\u6210\u514b", "BA\u6362\u7b97\u6210\u514b", ""),
        ("ja", "\u30aa\u30fc\u30d6\u30f3 403", "\u30aa\u30fc\u30d6\u30f3 404", "figures"),
    ],
)
def test_each_language_has_its_own_words(lang: str, left: str, right: str, expected: str) -> None:
    """Declined words by their beginnings, Hebrew ones without particles, Chinese ones by the longest that is known."""
    assert parting(left, right, lang) == expected


def test_both_in_both_is_no_contrary() -> None:
    """Who asks for both, in whatever form and order of the sentence, asks the same as who does so, too."""
    assert parting("Opening and closing the lid", "How do I open and close the lid?") == ""
    assert parting("Close and open the lid", "How do I open and close the lid?") == "open/close"
