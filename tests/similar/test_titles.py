"""What parts two titles, and what does not."""

from __future__ import annotations

import pytest

from kbgen.similar.titles import parting


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Error 403 in the app", "Error 404 in the app", "figures"),
        ("Error 403 in the app", "Access denied in the app", "one figure"),
        ("Lesson two: kneading", "Lesson three: kneading", "counting words"),
        ("First lesson", "Second lesson", "counting words"),
        ("Lesson 2: kneading", "Lesson two: kneading", ""),
        ("Recipe book, part II", "Recipe book, part III", "counting words"),
        ("Recipe B does not rise", "Recipe C does not rise", "counting words"),
        ("Baking day in March", "Baking day in April", "counting words"),
        ("May I bake in April?", "Can I bake in April?", ""),
        ("Merge two accounts", "Merging accounts", ""),
        ("A lid is loose", "I have a loose lid", ""),
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
        ("Log in with a code", "Log out with a code", "login/logout"),
        ("Make a private recipe public", "Make a public recipe private", "public/private"),
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
        ("Oven and hob do not start", "Hob and oven do not start", ""),
        ("Convert grams to ounces", "How to convert grams to ounces", ""),
    ],
)
def test_a_direction_parts_titles(left: str, right: str, expected: str) -> None:
    """There and back are two questions; what "and" joins may stand in any order."""
    assert parting(left, right) == expected
