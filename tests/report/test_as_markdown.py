"""Sanitised HTML to Markdown, and back to the same."""

import pytest

from kbgen.curate.sanitise import safe_html
from kbgen.curate.text import html_text
from kbgen.report.as_markdown import markdown_of
from kbgen.sources.markdown import render


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>Hold <strong>ten</strong> <em>seconds</em>.</p>", "Hold **ten** *seconds*.\n"),
        ("<h2>Steps</h2><ul><li>one</li><li>two</li></ul>", "## Steps\n\n- one\n- two\n"),
        ("<ol><li><p>one</p><pre><code>ls\n</code></pre></li></ol>", "1. one\n\n    ```\n    ls\n    ```\n"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b\n"),
        ('<p><a href="https://example.com/a b">here</a><br>next</p>', "[here](https://example.com/a%20b)  \nnext\n"),
        ("<p>use <code>a`b</code></p>", "use ``a`b``\n"),
        ("<p>2 * 3 * 4 and _x_ &lt;b&gt;</p>", "2 \\* 3 \\* 4 and \\_x\\_ \\<b\\>\n"),
        ("<p># no heading</p><p>1. no list</p>", "\\# no heading\n\n1\\. no list\n"),
        ("<table><tr><td>1</td></tr></table>", "<table><tr><td>1</td></tr></table>\n"),
        ("", ""),
    ],
)
def test_each_element_has_its_words(html: str, markdown: str) -> None:
    """What Markdown has no words for stays HTML."""
    assert markdown == markdown_of(html)


@pytest.mark.parametrize(
    "html",
    [
        "<p>Press <em>and</em> hold; <code>x &lt; y</code>.</p><ol><li>one</li><li>two<ul><li>three</li></ul></li></ol>",
        "<pre><code>```\nfence\n```</code></pre><p>after *that* _all_ [is] well</p>",
        "<p># 1</p><p>- 2</p><p>3) three</p><p>&gt; four</p>",
    ],
)
def test_nothing_is_lost_on_the_way_back(html: str) -> None:
    """A promoted answer reads as the answer does."""
    again = safe_html(render(markdown_of(safe_html(html))), trusted=True)
    assert html_text(safe_html(html)).split() == html_text(again).split()
