"""Rules of ``kbgen.sources.html_tree``."""

import pytest
from lxml.html import Element

from kbgen.sources.html_tree import classes, empty, inside, parse, prepend, replace, replace_with_text, text_of, texts


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<p>a &amp; b &lt; c</p>", "<p>a &amp; b &lt; c</p>"),
        ('<p title="x" class="a b">x<br>y</p>', '<p class="a b" title="x">x<br/>y</p>'),
        (
            '<p><a href="https://x.example.com/?a=1&amp;b=é">é</a></p>',
            '<p><a href="https://x.example.com/?a=1&amp;b=é">é</a></p>',
        ),
        ("<p></p><video></video>", "<p></p><video></video>"),
        ("<p>a</p><!-- secret --><p>b</p>", "<p>a</p><p>b</p>"),
        ("words", "words"),
        ("<p>a\x00\x01\rb</p>", "<p>ab</p>"),
        ("", ""),
        ("<!-- nothing -->", ""),
    ],
)
def test_what_is_read_is_written(html: str, written: str) -> None:
    """HTML is written as any browser reads it, its attributes by name, without comments and control characters."""
    assert inside(parse(html)) == written


def test_names_that_xml_forbids_are_kept() -> None:
    """An attribute whose name no XML may hold does not stop the writing."""
    assert "x:y" in inside(parse('<p x:y="1" a="2">t</p>'))


def test_texts_come_in_order() -> None:
    """Texts inside and after elements come as a reader meets them."""
    body = parse("<p>a<b>b</b>c</p>")
    assert [getattr(*found) for found in texts(body)] == ["a", "b", "c"]
    assert text_of(body) == "a b c"


def test_what_follows_an_element_stays() -> None:
    """Whatever is done to an element, the text after it is kept where it was."""
    body = parse("<p>1<i>x</i>2<b>y</b>3<u>z</u>4</p>")
    (paragraph,) = body
    italic, bold, under = paragraph
    replace_with_text(italic, "X")
    replace(bold, Element("hr"))
    empty(under)
    prepend(paragraph, Element("img"))
    assert inside(body) == "<p><img/>1X2<hr/>3<u></u>4</p>"


def test_an_element_may_take_the_place_of_its_parent() -> None:
    """An inner element takes the outer one's place and text, and loses what followed it inside."""
    body = parse("<p>1<i>x<b>y</b>z</i>2</p>")
    replace(next(body.iter("i")), next(body.iter("b")))
    assert inside(body) == "<p>1<b>y</b>2</p>"


def test_classes_are_a_set() -> None:
    """An element without classes has none."""
    assert sorted(classes(Element("p", {"class": " a  b "}))) == ["a", "b"]
    assert not classes(Element("p"))
