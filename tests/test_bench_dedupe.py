"""The duplicates' benchmark measures what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.dedupe import best_f1, curve, main, retrieval
from bench.dedupe_data import Pairs, languages, plain
from bench.dedupe_methods import default, local
from bench.dedupe_picture import draw


def test_precision_and_recall_follow_the_threshold() -> None:
    """Best first: a hit, a miss, a hit."""
    precision, recall = curve(np.array([0.9, 0.1, 0.5], np.float32), np.array([True, True, False]), 2)

    assert precision.tolist() == [1.0, 0.5, 2 / 3]
    assert recall.tolist() == [0.5, 0.5, 1.0]
    assert best_f1(precision, recall) == pytest.approx(80)


def test_a_question_is_not_its_own_duplicate() -> None:
    """Average precision counts the other questions only: first for one, second for the other."""
    scores = np.array([[9, 2, 1], [2, 9, 3], [1, 3, 9]], np.float32)
    known = Pairs([("a", ""), ("b", ""), ("c", "")], [0], [1], [True])

    assert retrieval(scores, known) == pytest.approx(75)


def test_scaling_lowers_a_crowded_place() -> None:
    """Of two pairs as alike, the one in the emptier place scores higher."""
    scores = np.array(
        [[1, 0.9, 0, 0, 0], [0.9, 1, 0, 0, 0], [0, 0, 1, 0.9, 0.9], [0, 0, 0.9, 1, 0.9], [0, 0, 0.9, 0.9, 1]]
    )
    scaled = local(scores.astype(np.float32), nearest=2)

    assert scaled[0, 1] > scaled[2, 3]


def test_the_score_knows_a_paraphrase() -> None:
    """The other wording is nearer than another question."""
    scores = default([("Oven door squeaks", ""), ("My oven's door is squeaking", ""), ("Kettle lid is loose", "")])

    assert scores[0, 1] > scores[0, 2]


def test_the_label_does_not_leak() -> None:
    """A quoted mark of a closed duplicate is taken out with its quotation; other quotations stay."""
    said = "<blockquote><p><strong>Possible Duplicate:</strong> <a>x</a></p></blockquote><blockquote>kept</blockquote>"

    assert plain(said) == "kept"


@pytest.mark.parametrize(("lang", "floor"), [("pl", 0.65), ("it", 0.75), ("zh", 0.3)])
def test_other_languages_are_found_by_parts_of_words(lang: str, floor: float) -> None:
    """In languages that inflect, the other wording is the nearest of eighty more often than not."""
    scores = local(default([(said, "") for pair in languages()[lang] for said in pair], lang))
    np.fill_diagonal(scores, -9)

    assert np.mean(scores.argmax(axis=1) == (np.arange(len(scores)) ^ 1)) >= floor


def test_languages_have_forty_pairs() -> None:
    """Each question stands once, in two wordings."""
    found = languages()

    assert {lang: len(pairs) for lang, pairs in found.items()} == {"he": 40, "zh": 40, "pl": 40, "it": 40}
    assert all(len({text for pair in pairs for text in pair}) == 80 for pairs in found.values())


def test_the_picture_names_every_method(tmp_path: Path) -> None:
    """One line a method, and its name beside it."""
    draw({"one": (np.array([1.0, 0.5]), np.array([0.5, 1.0]))}, tmp_path / "images" / "curve.svg")
    text = (tmp_path / "images" / "curve.svg").read_text()

    assert text.count("<polyline") == 1
    assert ">one</text>" in text


def test_without_labelled_data_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No data, no figures."""
    monkeypatch.setenv("KBGEN_DATA", str(tmp_path))

    assert main([]) == 2
    assert "set KBGEN_DATA" in capsys.readouterr().err
