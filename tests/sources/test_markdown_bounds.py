"""Rules of ``kbgen.sources.markdown_bounds``: what a text may take, and what becomes of one that takes more."""

import threading
from html import escape

import pytest

from kbgen.sources.markdown import _converter, render, rendered
from kbgen.sources.markdown_bounds import Meter, TooMuch

SIZE = 60_000

# What the library needs far more than a second for: see each line's part of the converter.
REPEATED = {
    "open brackets": "[",
    "links without end": "[a](",
    "references without end": "[a][",
    "pictures without end": "![](",
    "titles without end": '[a](b"c)',
    "escaped brackets": "[\\]",
    "marks of footnotes": "[^",
    "the same footnote": "[^1] ",
    "backticks": "`",
    "rules": "---\n",
    "headings by underline": "a\n=\n",
    "headings of one block": "# a\n",
    "tags without end": "<a ",
    "attributes without end": "<p a=b ",
    "escapes": "\\*",
    "tags": "<b>",
    "emphasis": "*a*",
    "blocks of code": "```\n",
    "inline code": "`:::py a` ",
}
NESTED = {
    "quotes": "> " * 20_000,
    "numbers": "1. " * 20_000,
    "lists": "".join(f"{'    ' * level}- a\n" for level in range(150)),
    "definitions": "a\n:   " * 10_000,
    "elements": '<div markdown="1">\n' * 3_000 + "\n</div>" * 3_000,
}


def given_back(text: str) -> bool:
    """Whether the converter gives up on a text."""
    return rendered(text) is None


@pytest.mark.parametrize("unit", REPEATED.values(), ids=REPEATED)
def test_one_sign_over_and_over_is_plain_text(unit: str) -> None:
    """A text that is one pattern repeated is given back before it has cost what it would, and comes as it stands."""
    text = (unit * (SIZE // len(unit))).strip()
    html = render(text + ("\n\n[^1]: note" if unit == "[^1] " else ""))

    assert html.startswith(f"<p>{escape(text, quote=False)}</p>")


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
def test_what_is_nested_without_end_is_plain_text(text: str) -> None:
    """Nesting ends the rendering at a depth of our own, whoever calls it, not at the interpreter's."""
    assert render(text).startswith(f"<p>{escape(text.splitlines()[0], quote=False)}")


def test_a_table_of_empty_cells_is_plain_text() -> None:
    """Rows are filled up to the columns of the head, so two short lines may stand for millions of cells."""
    wide = 2_000
    assert given_back(f"{'|'.join('a' * wide)}\n{'|'.join('-' * wide)}\n" + "a\n" * wide)


def test_marks_of_footnotes_are_counted_before_they_are_looked_for() -> None:
    """One regular expression runs from each mark to the end of its block, so it is not begun."""
    converter = _converter(threading.get_ident())
    text = "[^" * 30_000
    converter.meter.begin(text)
    with pytest.raises(TooMuch):
        converter.parser.parseDocument([text])


def test_backticks_in_runs_of_many_lengths_are_plain_text() -> None:
    """Runs of backticks, each of another length, are each looked for in all that follows."""
    runs = " ".join("`" * length for length in range(300, 0, -1))
    assert given_back(runs + " a" * SIZE)


def test_tags_without_end_in_paragraphs_of_their_own_are_plain_text() -> None:
    """Each is looked for in all that follows, over the ends of paragraphs."""
    assert given_back("<p a=b\n\n" * (SIZE // 8))


def test_spaces_are_looked_through_once() -> None:
    """Extensions look from each of many spaces for what follows them all."""
    assert given_back(f"# a{' ' * SIZE}b")


def test_plain_text_loses_nothing() -> None:
    """What is not rendered keeps its paragraphs and its signs; what would be markup is escaped."""
    assert render(f"one <b>\ntwo\n \n\n&amp;\n\n{'[' * SIZE}") == (
        f"<p>one &lt;b&gt;\ntwo</p>\n<p>&amp;amp;</p>\n<p>{'[' * SIZE}</p>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "A paragraph with [a link](https://example.com/ 'so') and `code`, and what follows.\n\n" * 2_000,
        "- an item of a list with *words* and [links](https://example.com/)\n" * 1_500,
        "| a | b | c |\n|---|---|---|\n" + "| one | `two` | [three](https://example.com/) |\n" * 2_000,
        "[ 12.345] kernel: something_happened (pid 1) <0x1f> `x`\n" * 1_500,
        "\n\n".join(f"A claim[^{number}].\n\n[^{number}]: Its source." for number in range(1_000)),
        "## Fixed\n\n- A fault.\n\n```python\nprint(1)\n```\n\n" * 700,
        "> " * 20 + "quoted",
    ],
    ids=["links", "list", "table", "log", "footnotes", "changelog", "quotes"],
)
def test_long_texts_that_people_write_are_rendered(text: str) -> None:
    """Length alone is no reason: what a text may take grows with it."""
    assert not given_back(text)


def test_what_is_counted_grows_as_the_text_does() -> None:
    """A text of twice the paragraphs takes twice the steps."""
    paragraph = "A paragraph with [a link](https://example.com/) and `code`.\n\n"
    converter = _converter(threading.get_ident())
    steps = []
    for times in (100, 200):
        converter.convert(paragraph * times)
        steps.append(converter.meter.steps)

    assert 1.9 < steps[1] / steps[0] < 2.1


def test_naming_one_footnote_often_counts_for_more() -> None:
    """The library tries each name that a mark of the same footnote was given before."""
    converter = _converter(threading.get_ident())
    steps = []
    for times in (200, 400):
        converter.convert("[^1] " * times + "\n\n[^1]: note")
        steps.append(converter.meter.steps)

    assert steps[1] > 3 * steps[0]


def test_a_text_that_was_given_back_leaves_nothing_for_the_next() -> None:
    """The text after one that was broken off is rendered as it is alone."""
    text = "A paragraph\n\n*note*[^1] **and** `code`\n\n[^1]: here"
    alone = render(text)
    for costly in ("*a*" * 40_000, NESTED["numbers"], NESTED["quotes"], "[^1]" * 40_000, "```\n" * 40_000):
        assert given_back(costly)
        assert alone == render(text)


def test_the_outcome_does_not_depend_on_the_caller() -> None:
    """A text at the bound of nesting comes out the same from deep inside of a program."""
    text = "> " * 55 + "quoted"

    def deeper(levels: int) -> str:
        return deeper(levels - 1) if levels else render(text)

    assert render(text) == deeper(200)
    assert "<blockquote>" in render(text)


def test_code_is_not_coloured_here() -> None:
    """Lexers may take seconds for hostile code, and colours are given where texts are curated."""
    assert '<pre><span></span><code>x = "a"\n</code></pre>' in render('```python\nx = "a"\n```').replace("&quot;", '"')


def test_a_meter_says_stop() -> None:
    """A meter raises at the step that is one too many, and begins anew with each text, of which a long one has more."""
    meter = Meter()
    meter.begin("")
    meter.add(4_000_000)
    with pytest.raises(TooMuch):
        meter.add(1)
    meter.begin("a" * 1_000_000)
    meter.add(40_000_000)

    assert 40_000_000 == meter.steps
