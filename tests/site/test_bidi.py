"""Paragraphs against the direction of their page."""

from __future__ import annotations

import pytest

from kbgen.site.bidi import with_directions


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Send is free.</p>", '<p dir="ltr">Send is free.</p>'),
        ("<p>Send הוא חינם.</p>", "<p>Send הוא חינם.</p>"),
        ("<p>Send <b>הוא</b>.</p>", "<p>Send <b>הוא</b>.</p>"),
        ("<p>1 - 2.</p><hr>", "<p>1 - 2.</p><hr>"),
        ('<h3 id="a">Send</h3>', '<h3 id="a" dir="ltr">Send</h3>'),
        ("<ul><li>One.</li><li>אחת</li></ul>", '<ul><li dir="ltr">One.</li><li>אחת</li></ul>'),
        ("<ul><li>One<ul><li>Two</li></ul></li></ul>", '<ul><li>One<ul><li dir="ltr">Two</li></ul></li></ul>'),
        (
            "<blockquote><p>One</p><p>שתיים</p></blockquote>",
            '<blockquote><p dir="ltr">One</p><p>שתיים</p></blockquote>',
        ),
        (
            '<table><tr><td colspan="2">A</td><th>ב</th></tr></table>',
            '<table><tr><td colspan="2" dir="ltr">A</td><th>ב</th></tr></table>',
        ),
        ("<p>a &lt;p&gt; b</p>", '<p dir="ltr">a &lt;p&gt; b</p>'),
        ('<p>ע <a href="https://a.example/">x</a></p>', '<p>ע <a href="https://a.example/">x</a></p>'),
        ("<p>你好。</p>", '<p dir="ltr">你好。</p>'),
    ],
)
def test_what_is_all_left_to_right_says_so_on_a_hebrew_page(html: str, expected: str) -> None:
    """One letter of the page's own direction is enough to leave a paragraph as it is; nesting blocks are not touched."""
    assert with_directions(html, "rtl") == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>שלום!</p><p>x</p>", '<p dir="rtl">שלום!</p><p>x</p>'),
        ("<p>مرحبا</p>", '<p dir="rtl">مرحبا</p>'),
        ("<p>The word שלום</p>", "<p>The word שלום</p>"),
        ("<p>Grüße 你好</p>", "<p>Grüße 你好</p>"),
    ],
)
def test_what_is_all_right_to_left_says_so_elsewhere(html: str, expected: str) -> None:
    """A Hebrew quote on an English page."""
    assert with_directions(html, "ltr") == expected


def test_a_long_text_takes_linear_time() -> None:
    """Many paragraphs, and one that holds many elements."""
    many = "<p>a</p>" * 50_000
    assert with_directions(many, "rtl").count('dir="ltr"') == 50_000
    one = f"<p>{'<b>a</b>' * 50_000}</p>"
    assert with_directions(one, "rtl") == one.replace("<p>", '<p dir="ltr">')
