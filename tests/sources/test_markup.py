"""A post's HTML is freed of what only its platform's own pages can show."""

import pytest

from kbgen.sources.markup import having, plain_post, read_html, words_of

PAGE = "https://forum.example.com/t/1/"


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("<p>a &lt; b &amp; c</p>", "<p>a &lt; b &amp; c</p>"),
        ("just words", "just words"),
        ('<a href="/x?a=1&amp;b=2">x</a>', '<a href="https://forum.example.com/x?a=1&amp;b=2">x</a>'),
        ('<a href="#there">x</a>', '<a href="#there">x</a>'),
        ('<img src="../p.png" alt="p"/>', '<img src="https://forum.example.com/t/p.png" alt="p"/>'),
        ('<img src="data:,x" data-src="/p.png"/>', '<img src="https://forum.example.com/p.png" data-src="/p.png"/>'),
        ('<p>so <img class="emoji" alt="🙂" src="/e.png"> it is</p>', "<p>so 🙂 it is</p>"),
        (
            '<iframe src="//video.example.com/v/1"></iframe> after',
            '<a href="https://video.example.com/v/1">video.example.com/v/1</a> after',
        ),
        ('<iframe src="javascript:x"></iframe>after', "after"),
        ("<p>a</p><script>x()</script><form><button>go</button></form>", "<p>a</p>"),
        ('<a href="http://[bad">x</a>', '<a href="">x</a>'),
    ],
)
def test_a_post_is_made_plain(html: str, plain: str) -> None:
    """Addresses are absolute, emoji are characters, players are links, and controls are gone."""
    assert plain == plain_post(html, PAGE)


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ('<pre><code class="language-python hljs">x = 1</code></pre>', "python"),
        ('<pre><code class="lang-js">x = 1</code></pre>', "js"),
        ('<pre class="brush: php">x = 1</pre>', "php"),
        ('<pre class="highlight ruby"><code>x = 1</code></pre>', "ruby"),
        ('<div class="highlight"><pre class="highlight shell"><code>x = 1</code></pre></div>', "shell"),
        ('<div class="language-go"><pre>x = 1</pre></div>', "go"),
        ("<pre>x = 1</pre>", ""),
        ('<pre class="wysiwyg">x = 1</pre>', ""),
        ('<pre><code class="highlight plaintext">x = 1</code></pre>', ""),
    ],
)
def test_code_keeps_its_language(html: str, language: str) -> None:
    """Every way platforms name a language becomes one."""
    code = f'<code class="language-{language}">' if language else "<code>"
    assert f"<pre>{code}x = 1</code></pre>" in plain_post(html, PAGE)


def test_highlighting_becomes_text() -> None:
    """Spans of a highlighter and line breaks of an editor leave their words and lines."""
    html = '<pre><code><span class="k">if</span> a &lt; b:<br>    <b>go</b></code></pre>'
    assert plain_post(html, PAGE) == "<pre><code>if a &lt; b:\n    go</code></pre>"


def test_named_classes_are_dropped_with_what_is_in_them() -> None:
    """The words after a dropped element stay."""
    assert plain_post('<p>a<span class="x more">b<i>c</i></span>d</p>', PAGE, drop=("more",)) == "<p>ad</p>"


def test_control_characters_do_not_stop_it() -> None:
    """Characters that no tree may hold are left out."""
    assert plain_post("<p>a\x00b\x1fc</p>", PAGE) == "<p>abc</p>"


def test_what_is_nested_too_deep_stays_as_it_is() -> None:
    """A tree that cannot be held is given on for the sanitiser to judge."""
    deep = "<b>" * 400 + "x"
    assert read_html(deep) is None
    assert plain_post(deep, PAGE) == deep


def test_elements_are_found_by_class() -> None:
    """Any of the names, in document order."""
    body = read_html('<i class="b">1</i><p class="a c"><i class="bb">2</i> 3\n 4</p>')
    assert body is not None
    assert [words_of(element) for element in having(body, "a", "b")] == ["1", "2 3 4"]
