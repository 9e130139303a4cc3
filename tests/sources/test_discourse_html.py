"""Rules of ``kbgen.sources.discourse_html`` and ``discourse_bbcode``."""

import pytest

from kbgen.sources.discourse_html import absolute, plain_cooked

BASE = "https://forum.example.com"


@pytest.mark.parametrize(
    "cooked",
    [
        "<p>Plain <strong>words</strong> and table[i].</p>",
        '<p><a href="https://x.example.com/a">a</a></p>',
        '<pre><code class="lang-python">print("[b]")</code></pre>',
        '<p>See <a href="#later">below</a> or <a href="mailto:help@example.com">write</a>.</p>',
    ],
)
def test_what_needs_nothing_is_given_back_as_it_is(cooked: str) -> None:
    """HTML that any page can show is not even parsed: the very same text comes back."""
    assert plain_cooked(cooked, BASE) is cooked


@pytest.mark.parametrize(
    ("cooked", "plain"),
    [
        (
            (
                '<aside class="quote no-group" data-username="ada" data-post="3" data-topic="7"><div class="title">'
                '<div class="quote-controls"></div><img class="avatar" src="/a.png"> ada:</div>'
                "<blockquote><p>Old words</p></blockquote></aside><p>New</p>"
            ),
            f'<blockquote><p><a href="{BASE}/t/-/7/3">ada:</a></p><p>Old words</p></blockquote><p>New</p>',
        ),
        (
            '<aside class="quote"><div class="title">ben:</div><blockquote><p>Old</p></blockquote></aside>',
            "<blockquote><p>ben:</p><p>Old</p></blockquote>",
        ),
        (
            (
                '<aside class="quote" data-username="a"><blockquote><aside class="quote" data-username="b"><blockquote>'
                "<p>x</p></blockquote></aside></blockquote></aside>"
            ),
            "<blockquote><p>a:</p><blockquote><p>b:</p><p>x</p></blockquote></blockquote>",
        ),
        (
            (
                '<aside class="onebox generic" data-onebox-src="https://x.example.com/a"><header class="source">'
                '<img class="site-icon" src="/i.ico"><a href="https://x.example.com/a">x</a></header>'
                '<article class="onebox-body"><h3><a href="https://x.example.com/a">The manual</a></h3><p>Read it.</p>'
                "</article></aside>"
            ),
            '<p><a href="https://x.example.com/a">The manual</a></p>',
        ),
        ('<p><a class="mention" href="/u/ada">@ada</a></p>', f'<p><a href="{BASE}/u/ada">@ada</a></p>'),
        ('<p><a class="mention-group" href="/g/ops">@ops</a></p>', f'<p><a href="{BASE}/g/ops">@ops</a></p>'),
        ('<p><span class="mention">@gone</span></p>', "<p>@gone</p>"),
        (
            '<p>Yes <img class="emoji" title=":smile:" alt=":smile:" src="/e/smile.png"></p>',
            "<p>Yes \N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}</p>",
        ),
        ('<p><img class="emoji" title=":wave:t3:" alt=":wave:t3:"></p>', "<p>\N{WAVING HAND SIGN}</p>"),
        ('<p><img class="emoji emoji-custom" title=":our_hub:" alt=":our_hub:"></p>', "<p>:our_hub:</p>"),
        ('<div class="spoiler"><p>x</p></div>', "<details><summary>Spoiler</summary><p>x</p></details>"),
        ('<p><span class="spoiler">x</span></p>', "<p>x</p>"),
        (
            (
                '<div class="lightbox-wrapper"><a class="lightbox" href="/uploads/big.png"><img src="/uploads/small.png" '
                'alt="hub" srcset="/uploads/small.png 2x"><div class="meta"><svg></svg><span>9 kB</span></div></a></div>'
            ),
            f'<img alt="hub" src="{BASE}/uploads/big.png"/>',
        ),
        (
            '<p><a class="attachment" href="/uploads/short-url/a.log">a.log</a> (1 kB)</p>',
            f'<p><a href="{BASE}/uploads/short-url/a.log">a.log</a> (1 kB)</p>',
        ),
        ('<p><span class="hashtag">#26</span> <span class="hashtag-raw">#hub</span></p>', "<p>#26 #hub</p>"),
        (
            '<p><a class="hashtag-cooked" href="/tag/hub" data-type="tag"><svg><use></use></svg><span>hub</span></a></p>',
            f'<p><a data-type="tag" href="{BASE}/tag/hub">hub</a></p>',
        ),
        (
            (
                '<div class="poll" data-poll-name="p"><div><div class="poll-title">Which?</div><ul>'
                '<li data-poll-option-id="1">Red</li><li data-poll-option-id="2">Blue</li></ul></div>'
                '<div class="poll-info"><span>0</span> voters</div></div>'
            ),
            "<p>Which?</p><ul><li>Red</li><li>Blue</li></ul>",
        ),
        (
            '<p><iframe src="https://v.example.com/1" title="How to"></iframe></p>',
            '<p><a href="https://v.example.com/1">How to</a></p>',
        ),
        (
            '<video controls><source src="/clip.mp4"><a href="/clip.mp4">clip</a></video>',
            f'<p><a href="{BASE}/clip.mp4">/clip.mp4</a></p>',
        ),
        (
            '<div class="lazyYT" data-youtube-id="abc" data-youtube-title="Setup"></div>',
            '<p><a href="https://www.youtube.com/watch?v=abc">Setup</a></p>',
        ),
        (
            '<div class="video-placeholder-container" data-video-src="/clip.mp4"></div>',
            f'<p><a href="{BASE}/clip.mp4">/clip.mp4</a></p>',
        ),
        ('<div class="md-table"><table><tr><td>1</td></tr></table></div>', "<table><tr><td>1</td></tr></table>"),
        ('<h2><a name="p-1-x" class="anchor" href="#p-1-x"></a>Steps</h2>', "<h2>Steps</h2>"),
        ('<p><img src="upload://abc.png" alt="the hub"></p>', "<p>the hub</p>"),
        ('<p><a href="upload://abc.pdf">manual</a></p>', "<p>manual</p>"),
        (
            '<p><span class="bbcode-b">b</span><span class="bbcode-i">i</span></p>',
            "<p><strong>b</strong><em>i</em></p>",
        ),
        ('<p><img src="//cdn.example.com/a.png"></p>', '<p><img src="https://cdn.example.com/a.png"/></p>'),
    ],
)
def test_what_only_discourse_shows_becomes_plain(cooked: str, plain: str) -> None:
    """Each of Discourse's own constructs becomes HTML that any page can show."""
    assert plain == plain_cooked(cooked, BASE)


@pytest.mark.parametrize(
    ("address", "base", "result"),
    [
        ("/u/ada", BASE, f"{BASE}/u/ada"),
        ("/u/ada", f"{BASE}/talk", f"{BASE}/talk/u/ada"),
        ("/talk/u/ada", f"{BASE}/talk", f"{BASE}/talk/u/ada"),
        ("/talkative", f"{BASE}/talk", f"{BASE}/talk/talkative"),
        ("t/x/1", f"{BASE}/talk", f"{BASE}/talk/t/x/1"),
        ("//cdn.example.com/a", BASE, "https://cdn.example.com/a"),
        ("#p1", BASE, "#p1"),
        ("mailto:a@example.com", BASE, "mailto:a@example.com"),
        (" https://x.example.com/ ", BASE, "https://x.example.com/"),
    ],
)
def test_addresses_become_absolute(address: str, base: str, result: str) -> None:
    """A relative address is seen from the forum's own folder, which is not given twice."""
    assert result == absolute(address, base)


@pytest.mark.parametrize(
    ("cooked", "plain"),
    [
        (
            "<p>[quote=“ada”]Old<br>words</p><p>more[/quote]</p><p>New</p>",
            "<blockquote><p>ada:</p><p>Old<br/>words</p><p>more</p></blockquote><p>New</p>",
        ),
        (
            "<p>Try [code]a[i] = 1;<br>\nb = [b]2;[/b]</p>\n<p>}[/code] now</p>",
            "<p>Try </p><pre><code>a[i] = 1;\nb = [b]2;[/b]\n}</code></pre><p> now</p>",
        ),
        ("<p>[ul][li]one[/li][li]two[/li][/ul]</p>", "<ul><li>one</li><li>two</li></ul>"),
        ("<p>[b]now[/b] [i]or[/i] [u]never[/u] [s]no[/s]</p>", None),
        ("<p>[color=#ff0000]red[/color] [size=85]small[/size]</p>", "<p>red small</p>"),
        (
            "<p>[url=https://x.example.com/a?b=1&amp;c=2]there[/url]</p>",
            '<p><a href="https://x.example.com/a?b=1&amp;c=2">there</a></p>',
        ),
        ("<p>[url=javascript:alert(1)]there[/url]</p>", "<p>there</p>"),
        (
            '<p>[video]<a href="https://v.example.com/1%5B/video%5D">https://v.example.com/1[/video]</a></p>',
            '<p><a href="https://v.example.com/1">https://v.example.com/1</a></p>',
        ),
        ("<p>[spoiler]x[/spoiler]</p>", "<details><summary>Spoiler</summary><p>x</p></details>"),
        ("<p>end of it[/quote] and [/b] table[i]</p>", "<p>end of it and [/b] table[i]</p>"),
        ("<p>[quote=“ada”]never closed</p>", "<p>never closed</p>"),
        ("<pre><code>[quote]x[/quote]</code></pre>", "<pre><code>[quote]x[/quote]</code></pre>"),
    ],
)
def test_bbcode_left_by_an_import_becomes_html(cooked: str, plain: str | None) -> None:
    """BBCode in pairs becomes HTML, a lone closing tag vanishes, and what may be text or code stays."""
    inline = "<p><strong>now</strong> <em>or</em> <u>never</u> <s>no</s></p>"
    assert (plain or inline) == plain_cooked(cooked, BASE).replace("</p>\n<p>", "</p><p>")


def test_bbcode_cannot_smuggle_our_stand_ins() -> None:
    """A text that holds the characters used while rewriting is left as it is instead of being mixed up."""
    cooked = "<p>\ue0000\ue001 [quote]x[/quote]</p>"
    assert cooked == plain_cooked(cooked, BASE)


@pytest.mark.parametrize(
    "cooked",
    [
        "<div class='spoiler'>" * 3_000 + "x",
        "<p>" + "[quote]" * 5_000 + "x" + "[/quote]" * 5_000 + "</p>",
        "<p>" + "[b][/i]" * 5_000 + "</p>",
        '<aside class="quote">' * 2_000,
        "",
    ],
)
def test_hostile_nesting_ends(cooked: str) -> None:
    """Nesting made to overrun a reader gives some text and no error."""
    assert isinstance(plain_cooked(cooked, BASE), str)
