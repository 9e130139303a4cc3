"""The duplicates' benchmark measures what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.dedupe import best_f1, curve, main, retrieval
from bench.dedupe_data import Pairs, Question, dump, dumps, languages, plain
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
    known = Pairs([Question("a"), Question("b"), Question("c")], [0], [1], [True])

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
    asked = ("Oven door squeaks", "My oven's door is squeaking", "Kettle lid is loose")
    scores = default([Question(one) for one in asked])

    assert scores[0, 1] > scores[0, 2]


def test_the_label_does_not_leak() -> None:
    """A quoted mark of a closed duplicate is taken out with its quotation; other quotations stay."""
    said = "<blockquote><p><strong>Possible Duplicate:</strong> <a>x</a></p></blockquote><blockquote>kept</blockquote>"

    assert plain(said) == "kept"


@pytest.mark.parametrize(
    ("name", "lang", "floor"),
    [
        ("free", "pl", 0.65),
        ("free", "it", 0.75),
        ("free", "zh", 0.7),
        ("free", "he", 0.55),
        ("usual", "zh", 0.75),
        ("usual", "he", 0.75),
    ],
)
def test_other_languages_are_found(name: str, lang: str, floor: float) -> None:
    """By parts of words, and by what they mean where there is a glossary: the other wording is the nearest of all."""
    scores = local(default([Question(said) for pair in languages(name)[lang] for said in pair], lang))
    np.fill_diagonal(scores, -9)

    assert np.mean(scores.argmax(axis=1) == (np.arange(len(scores)) ^ 1)) >= floor


def test_a_dump_is_read_with_tags_and_declared_duplicates(tmp_path: Path) -> None:
    """Questions, tags in both spellings, and links of the kind that says duplicate between questions that are there."""
    folder = tmp_path / "stackexchange" / "kettles"
    folder.mkdir(parents=True)
    (folder / "Posts.xml").write_text(
        """<posts><row Id="1" PostTypeId="1" Title="Lid" Body="&lt;p&gt;It is loose&lt;/p&gt;" Tags="|lid|spare-part|"/>
        <row Id="2" PostTypeId="1" Title="Loose lid" Body="" Tags="&lt;lid&gt;"/><row Id="3" PostTypeId="2"/></posts>"""
    )
    (folder / "PostLinks.xml").write_text(
        """<postlinks><row PostId="2" RelatedPostId="1" LinkTypeId="3"/><row PostId="1" RelatedPostId="2" LinkTypeId="1"/>
        <row PostId="2" RelatedPostId="9" LinkTypeId="3"/></postlinks>"""
    )

    assert dumps(tmp_path) == ["kettles"]
    assert dump(tmp_path, "kettles") == (
        {"1": Question("Lid", "It is loose", ("lid", "spare-part")), "2": Question("Loose lid", "", ("lid",))},
        [("2", "1")],
    )


def test_sets_of_other_languages_have_no_question_in_common() -> None:
    """Forty pairs in four languages, thirty and twenty in two; what shares were chosen on is nowhere measured."""
    sets = {name: languages(name) for name in ("free", "usual", "last", "chosen")}
    every = [said for found in sets.values() for pairs in found.values() for pair in pairs for said in pair]

    assert {lang: len(pairs) for lang, pairs in sets["free"].items()} == {"he": 40, "zh": 40, "pl": 40, "it": 40}
    assert [{lang: len(pairs) for lang, pairs in sets[name].items()} for name in ("usual", "last", "chosen")] == [
        {"he": count, "zh": count} for count in (30, 20, 30)
    ]
    assert len(every) == len(set(every))


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
