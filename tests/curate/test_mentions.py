"""Where a text names somebody."""

import pytest

from kbgen.curate.mentions import unnamed

KNOWN = {"dana", "dana fox", "ana maria de sousa", "ana maria", "jean-luc picard"}


def cleaned(text: str) -> str:
    """A text without those who are known."""
    return unnamed(text, lambda name: " ".join(name.split()).casefold() in KNOWN, "nobody", "Somebody")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<p>Dana Fox's way, DANA FOX.</p>", "<p>Somebody's way, Somebody.</p>"),
        ("as dana  fox\nsaid", "as Somebody\nsaid"),
        ("as Dana&nbsp;Fox and Dana\u00a0Fox\u2019s dog said", "as Somebody and Somebody\u2019s dog said"),
        ("<p><b>Dana</b> <i>Fox</i> knows</p>", "<p><b>Somebody</b><i></i> knows</p>"),
        ("Ask Jean-Luc Picard.", "Ask Somebody."),
        ("ana maria fox", "Somebody fox"),
        ("<p>@dana.Thanks! @dana-fox @dana, @danae</p>", "<p>@nobody.Thanks! @nobody-fox @nobody, @danae</p>"),
        ('<a href="https://f.example.net/u/dana">x</a>', '<a href="https://f.example.net/u/nobody">x</a>'),
        (
            '<aside data-username="dana">[quote="dana, post:3"]',
            '<aside data-username="nobody">[quote="nobody, post:3"]',
        ),
        ('<div class="title">\n dana:</div>', '<div class="title">\n Somebody:</div>'),
        ("<cite>Dana wrote:</cite>", "<cite>Somebody wrote:</cite>"),
        ("Dana wrote on Monday at noon:\n> x", "Somebody wrote on Monday at noon:\n> x"),
        ("Thanks Dana, hi dana! Thank you, Dana.", "Thanks Somebody, hi Somebody! Thank you, Somebody."),
    ],
)
def test_every_way_to_name_somebody_is_seen(text: str, left: str) -> None:
    """Case, blanks, markup between the words, a genitive, and who is spoken to or quoted."""
    assert cleaned(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "<p>A dana is a unit; the dana of the fox. Dana: no</p>"[:38],
        "Dana, Fox and others",
        "<p>Thanks Danae</p>",
        "foxdana fox",
        "mail@dan",
    ],
)
def test_other_words_stay(text: str) -> None:
    """A name of one word may be a word, and two words with a sign between them are two."""
    assert cleaned(text) == text


def test_hostile_repetition_is_read_once() -> None:
    """Beginnings of names, mentions and quotations without an end cost what their length does."""
    for text in ("@a." * 30_000, "Dana " * 50_000, "<b>" * 50_000, "[quote=" * 20_000, "hi " * 50_000, ">" * 100_000):
        assert cleaned(text)
