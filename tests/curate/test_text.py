"""Plain text, slugs, titles and descriptions."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbgen.curate.text import clean_title, describe, html_text, plain_text, slugify


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \n\t b ", "a b"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("\u2066x\u2069\ufeff", "x"),
        ("e\u0301", "é"),
        ("<b>&amp;", "<b>&amp;"),
        ("a\ud800b", "ab"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_plain_text_is_one_clean_line(text: str, expected: str) -> None:
    """Controls, overrides and spare whitespace go; markup is text like any other."""
    assert plain_text(text) == expected


@given(st.text())
def test_plain_text_is_idempotent_and_encodable(text: str) -> None:
    """Whatever comes in, the result can be written as UTF-8 and is made only once."""
    plain = plain_text(text)
    assert (plain_text(plain), plain.encode().decode()) == (plain, plain)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reset a Hub!", "reset-a-hub"),
        ("C++ or C#?", "c-plus-plus-or-c-sharp"),
        (".NET and ASP.NET", "dot-net-and-asp-net"),
        ("don't", "dont"),
        ("重置 集线器", "重置-集线器"),
        ("איפוס הרכזת", "איפוס-הרכזת"),
        ("हिन्दी", "हिन्दी"),
        ("../../etc/passwd", "etc-passwd"),
        ("???", "x"),
        ("", "x"),
        ("CON", "con-x"),
        ("a\x00\u202eb", "ab"),
    ],
)
def test_slugs_keep_words_of_every_script(text: str, expected: str) -> None:
    """Letters and digits stay, everything else is a hyphen, and a slug is never empty."""
    assert slugify(text) == expected


@given(st.text(max_size=300))
def test_slugs_are_safe_names(text: str) -> None:
    """A slug is a file name and an address segment, short enough, and a slug of itself."""
    slug = slugify(text)
    assert slug
    assert len(slug.encode()) <= 82
    assert all(char == "-" or char.isalnum() or unicodedata.category(char)[0] == "M" for char in slug)
    assert slugify(slug) == slug


def test_slugs_are_cut_at_a_word() -> None:
    """A long title loses whole words; a script without spaces loses characters."""
    assert slugify("reset the hub again", 12) == "reset-the"
    assert slugify("reset the hub again", 13) == "reset-the-hub"
    assert slugify("重" * 50, 80) == "重" * 26


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("[SOLVED] Hub is offline", "Hub is offline"),
        ("Hub is offline (solved)", "Hub is offline"),
        ("SOLVED: hub is offline", "hub is offline"),
        ("Hub is offline [gelöst]", "Hub is offline"),
        ("HELP!!! Hub is offline", "Hub is offline"),
        ("Hub is offline - please help!!!", "Hub is offline"),
        ("Hub is offline!!!", "Hub is offline"),
        ("Why???", "Why?"),
        ("Why?!?!", "Why?"),
        ("It works!", "It works!"),
        ("HUB OFFLINE", "HUB OFFLINE"),
        ("Closed loop: how?", "Closed loop: how?"),
        ("Help with the hub", "Help with the hub"),
        ("Solved", "Solved"),
        ("[solved]", "[solved]"),
        ("!!!", "!!!"),
        ("C++ [vector] fails", "C++ [vector] fails"),
    ],
)
def test_titles_lose_their_noise(title: str, expected: str) -> None:
    """Status words and shouting go; words that mean something stay, and a title is never emptied."""
    assert clean_title(title) == expected


def test_titles_are_cut_at_a_word() -> None:
    """A megabyte in the title's place is no title."""
    assert clean_title("hub " * 300_000) == ("hub " * 75).strip() + "…"
    assert len(clean_title("!" * 1_000_000)) == 301


@given(st.text(alphabet="solved[]()!?: hubHELP-"))
def test_a_title_with_a_letter_keeps_one(title: str) -> None:
    """Cleaning never leaves nothing of something."""
    assert bool(clean_title(title)) == bool(plain_text(title))


def test_words_of_html_are_those_a_reader_sees() -> None:
    """Blocks end words, inline elements do not; scripts are silent, code speaks unless asked not to."""
    html = "<p>re<b>set</b></p><ul><li>a</li></ul><script>x</script><pre>y\n z</pre><!-- c -->&lt;w&gt;"
    assert html_text(html) == "reset a y z <w>"
    assert html_text(html, code=False) == "reset a <w>"


def test_words_of_deep_html_are_read_without_recursion() -> None:
    """Nesting beyond Python's stack is no crash."""
    assert html_text("<p>start</p>" + "<i>" * 5000).startswith("start")


def test_a_description_is_the_first_sentences() -> None:
    """Greetings, code, quotes and headings are passed over, and it ends with a sentence where one fits."""
    html = (
        "<h3>Answer</h3><p>Hi Mira,</p><blockquote>What now?</blockquote><pre>hub --reset</pre>"
        "<p>Hold the button on the back for ten seconds. Then wait until the light turns green again. "
        "After that the app finds the hub by itself, and you can pair the sensors one by one as before.</p>"
    )
    assert describe(html, "Reset") == (
        "Hold the button on the back for ten seconds. Then wait until the light turns green again."
    )


def test_a_long_sentence_is_cut_at_a_word() -> None:
    """Without a sentence end in reach, it breaks off after a whole word, and says so."""
    text = "word " * 60
    description = describe(f"<p>{text}</p>", "x")
    assert (70 <= len(description) <= 160, description.endswith("word…")) == (True, True)


def test_a_short_answer_is_led_by_its_question() -> None:
    """A description that says nothing alone is completed by the title."""
    assert describe("<p>Press both buttons.</p>", "How do I reset it?") == "How do I reset it? Press both buttons."
    assert describe("<p>Press both.</p>", "Reset") == "Reset: Press both."
    assert describe("<pre>hub</pre>", "Reset the hub") == "Reset the hub"


@pytest.mark.parametrize(
    "polite",
    [
        "Thanks, Rku.",
        "Hi @ann-b. Thank you for asking about hubs!",
        "Welcome to the forums krokodilcapa! 🙂",
        "Hey there, @ann",
        "Hello Ann! Welcome to our forum. And thanks in advance for your patience. :-)",
    ],
)
def test_a_description_begins_with_what_helps(polite: str) -> None:
    """Greetings, thanks and names at the beginning are passed over, as long as enough is left."""
    told = "the hub keeps its rooms when it is reset, so press both buttons until the light blinks twice."
    assert describe(f"<p>{polite} {told}</p>", "Reset") == "T" + told[1:]
    for kept in (
        "Thanks to its battery the hub keeps its rooms, also when it is without power for a day or two.",
        "Hi-fi: " + told,
    ):
        assert describe(f"<p>{kept}</p>", "Reset") == kept


def test_abbreviations_end_no_sentence() -> None:
    """A description does not stop after "i.e."."""
    html = f"<p>{'Hold the button until the light on the front of it changes, i.e. '}{'goes on and on ' * 8}.</p>"
    assert not describe(html, "x").endswith("i.e.")


@given(st.text(max_size=400), st.text(max_size=100))
def test_descriptions_are_never_too_long(html: str, title: str) -> None:
    """160 characters is the most a result page shows."""
    assert len(describe(html, title)) <= 160
