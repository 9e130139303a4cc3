"""Rules of ``kbgen.sources.bbcode`` and ``kbgen.sources.phpbb_text``."""

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from kbgen.sources.bbcode import SIGN, Dialect, bbcode_html
from kbgen.sources.phpbb_text import post_html

BASE = "https://board.example.com/forum"
HERE = Dialect(BASE, f"{BASE}/p={{0}}", f"{BASE}/a={{0}}", names={"7": "Ada"})
WEB = "https://x.example.com/a"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("a\r\nb\rc", "a<br>\nb<br>\nc"),
        ("[b]a [i]b[/i][/b] [U]c[/U] [s]d[/s] [sup]2[/sup]", "<strong>a <em>b</em></strong> <u>c</u> <s>d</s> <sup>2</sup>"),
        ("[color=red]a[/color] [size=5][font='x y']b[/font][/size] [center]c[/center]", "a b c"),
        ("table[i] and [j] and [/b]", "table[i] and [j] and [/b]"),
        ("[b]open", "[b]open"),
        ("a[/quote] b[/url]", "a b"),
        ("[b]a [i]b[/b] c[/i]", "<strong>a [i]b</strong> c[/i]"),
        ("[unknown=1]x[/unknown]", "[unknown=1]x[/unknown]"),
        (f"[url={WEB}]docs[/url]", f'<a href="{WEB}">docs</a>'),
        (f"[url]{WEB}[/url]", f'<a href="{WEB}">{WEB}</a>'),
        (f'[url="{WEB}?a=1&b=2"]x[/url]', f'<a href="{WEB}?a=1&amp;b=2">x</a>'),
        ("[url=www.example.com]x[/url]", '<a href="http://www.example.com">x</a>'),
        ("[url=faq.php]x[/url]", f'<a href="{BASE}/faq.php">x</a>'),
        ("[url=//x.example.com/a]x[/url]", f'<a href="{WEB}">x</a>'),
        ("[url=javascript:alert(1)]x[/url]", "x"),
        ('[url=https://a"onclick="b]x[/url]', '<a href="https://a&quot;onclick=&quot;b">x</a>'),
        (f"[url={WEB}][img]{WEB}.png[/img][/url]", f'<a href="{WEB}"><img src="{WEB}.png" alt=""></a>'),
        (f"[img=20x10]{WEB}.png[/img]", f'<img src="{WEB}.png" alt="">'),
        ("[img]data:image/png;base64,x[/img]", "data:image/png;base64,x"),
        (f"see {WEB}. Or ({WEB})", f'see <a href="{WEB}">{WEB}</a>. Or (<a href="{WEB}">{WEB}</a>)'),
        ("[code]if a < b:\n  [b]x[/b]\n[/code]", "<pre><code>if a &lt; b:\n  [b]x[/b]</code></pre>"),
        ("[code=Python]x[/code]", '<pre><code class="language-python">x</code></pre>'),
        ("[php]echo 1;[/php] [CODE]y[/code]", '<pre><code class="language-php">echo 1;</code></pre> <pre><code>y</code></pre>'),
        ("[code]never closed [b]a[/b]", "[code]never closed <strong>a</strong>"),
        ("[noparse][b]x[/b][/noparse] [icode][i][/icode]", "[b]x[/b] <code>[i]</code>"),
        ("a\n[quote]b[/quote]\nc", "a<blockquote>b</blockquote>c"),
        ("[quote=Ada]b[/quote]", "<blockquote><p>Ada:</p>b</blockquote>"),
        ("[quote=\"Ada L\" pid='12' dateline='3']b[/quote]", f'<blockquote><p><a href="{BASE}/p=12">Ada L:</a></p>b</blockquote>'),
        ("[QUOTE=Ada;12]b[/QUOTE]", f'<blockquote><p><a href="{BASE}/p=12">Ada:</a></p>b</blockquote>'),
        ("[quote=<b>]b[/quote]", "<blockquote><p>&lt;b&gt;:</p>b</blockquote>"),
        ("[list]\n[*]a\n[*]b [b]c[/b]\n[/list]", "<ul><li>a</li><li>b <strong>c</strong></li></ul>"),
        ("[list=1][*]a[list][*]b[/list][*]c[/list]", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("[list]first [*]a[/list]", "first<ul><li>a</li></ul>"),
        ("[ul][li]a[/li][li]b[/li][/ul]", "<ul><li>a</li><li>b</li></ul>"),
        ("[*] alone", "• alone"),
        ("[spoiler=The end]x[/spoiler]", "<details><summary>The end</summary>x</details>"),
        ("[hide]for members[/hide]x", "x"),
        ("[youtube]abcdefghi_1[/youtube]", '<a href="https://www.youtube.com/watch?v=abcdefghi_1">https://www.youtube.com/watch?v=abcdefghi_1</a>'),
        (f"[video=vimeo]{WEB}[/video]", f'<a href="{WEB}">{WEB}</a>'),
        ("[attachment=5] [attach]6[/attach]", f'<a href="{BASE}/a=5">attachment 5</a> <a href="{BASE}/a=6">attachment 6</a>'),
        ("[mention=7] [mention=8] [user=9]@Ben[/user]", "@Ada @user8 @Ben"),
        ("[table][tr][td]a[/td][/tr][/table]", "<table><tr><td>a</td></tr></table>"),
        ("a[hr]b [h2]c[/h2]", "a<hr>b <h3>c</h3>"),
        ("[email]ada@example.com[/email]", "ada@example.com"),
    ],
)  # fmt: skip
def test_bbcode_is_what_readers_saw(text: str, html: str) -> None:
    """Every known tag in a pair becomes its element; what is none stays text, escaped."""
    assert bbcode_html(text, HERE) == html


TAGS = [
    "[b]",
    "[/b]",
    "[list]",
    "[*]",
    "[/list]",
    "[quote=a]",
    "[/quote]",
    "[code]",
    "[/code]",
    "[url]",
    "[/url]",
    "x<",
    "\n",
]


def test_a_list_in_a_quotation_has_its_own_items() -> None:
    """What is quoted before the first item of a list is no item of it."""
    html = bbcode_html("[list][quote=a][list][*]x[/list][/quote][*]y[/list]", HERE)
    assert "<blockquote><p>a:</p><ul><li>x</li></ul></blockquote><ul><li>y</li></ul>" == html


@given(st.lists(st.sampled_from(TAGS), max_size=30))
def test_any_order_of_tags_gives_whole_html(tags: list[str]) -> None:
    """Elements are closed in the order they were opened, whatever was written."""
    html = bbcode_html("".join(tags), HERE)
    opened: list[str] = []
    for part in html.replace("<br>", "").split("<")[1:]:
        name = part.split(">")[0].split()[0]
        if name.startswith("/"):
            assert opened.pop() == name[1:]
        else:
            opened.append(name)
    assert opened == []


@pytest.mark.parametrize(
    "text", ["[quote]" * 9_000, "[code]" * 100_000, "[b]x[/b]" * 9_000, "[url=" * 9_000, '[a="' * 9_000]
)
def test_hostile_text_is_read_in_one_pass(text: str) -> None:
    """Tags by the ten thousand neither nest without bound nor are searched again and again."""
    assert len(bbcode_html(text, HERE)) < 20 * len(text)


def test_depth_is_bounded() -> None:
    """Quotes deeper than the bound stay flat."""
    html = bbcode_html("[quote]" * 200 + "x" + "[/quote]" * 200, HERE)
    assert html.count("<blockquote>") == 50


def test_only_signed_tags_count_where_the_software_signs() -> None:
    """A tag that the forum did not accept is text."""
    text = f"[b{SIGN}]a[/b{SIGN}] [b]c[/b] [list=1{SIGN}][*{SIGN}]x[/*{SIGN}][/list{SIGN}]"
    assert bbcode_html(text, HERE._replace(signed=True)) == "<strong>a</strong> [b]c[/b] <ol><li>x</li></ol>"


BREAKOUT = '"\'><script>x</script><b onclick="x'
SLOTS = (
    "{0}",
    "[b]{0}[/b]",
    "[code={0}]x[/code]",
    "[code]{0}[/code]",
    "[icode]{0}[/icode]",
    "[url=https://a.example/{0}]x[/url]",
    "[url]https://a.example/{0}[/url]",
    "[img]https://a.example/{0}[/img]",
    "[quote={0}]x[/quote]",
    "[quote='Ada' pid='7{0}']x[/quote]",
    "[spoiler={0}]x[/spoiler]",
    "[attachment]{0}[/attachment]",
    "[attachment=7{0}]",
    "[video]https://a.example/{0}[/video]",
    "[list={0}][*]x[/list]",
    "[size={0}]x[/size]",
    "[mention={0}]x[/mention]",
)


def assert_closed(html: str) -> None:
    """Fail when there is an element or an attribute that no table has."""
    for element in lxml_html.fragment_fromstring(html, create_parent="div").iterdescendants():
        assert element.tag not in {"script", "svg", "style"}
        assert set(element.attrib) <= {"href", "src", "alt", "class"}
        assert not element.get("href", "").lower().startswith("javascript")


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("signed", [False, True])
def test_nothing_breaks_out_of_its_place(slot: str, *, signed: bool) -> None:
    """Texts, names and addresses are escaped wherever they stand."""
    text = slot.replace("]", f"{SIGN}]") if signed else slot
    html = bbcode_html(text.replace("{0}", BREAKOUT), HERE._replace(signed=signed))

    assert_closed(html)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("https://a.example/?x=1&y=2", '<a href="https://a.example/?x=1&amp;y=2">https://a.example/?x=1&amp;y=2</a>'),
        ("[url=https://a.example/?a&b][/url]", '<a href="https://a.example/?a&amp;b">https://a.example/?a&amp;b</a>'),
        ("[img]https://a.example/a\nb[/img]", "https://a.example/a<br>\nb"),
        ("[mention=8]", "@A &lt;b&gt;"),
        ("[video]abc[/video]", "abc"),
        ("[code=a b]x[/code]", "<pre><code>x</code></pre>"),
        ("[img]https://a.example/?x=1&y[/img]", '<img src="https://a.example/?x=1&amp;y" alt="">'),
    ],
)
def test_addresses_are_written_as_html(text: str, html: str) -> None:
    """An ampersand is escaped, and what is no address, or no language, becomes none."""
    assert bbcode_html(text, HERE._replace(names={"8": "A <b>"})) == html


# --- phpBB's own formats ------------------------------------------------------------------------------------

XML = Dialect(BASE, f"{BASE}/p={{0}}", f"{BASE}/here")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<t>a &lt;b&gt;<br/>\nc &amp; d</t>", "a &lt;b&gt;<br>\nc &amp; d"),
        ('<r><B><s>[b]</s>a<e>[/b]</e></B> <COLOR color="red"><s>[color=red]</s>b<e>[/color]</e></COLOR></r>', "<strong>a</strong> b"),
        ('<r><URL url="https://x.example.com/a"><s>[url=x]</s>docs<e>[/url]</e></URL></r>', f'<a href="{WEB}">docs</a>'),
        ('<r><URL url="https://x.example.com/a"><LINK_TEXT text="x…">https://x.example.com/a</LINK_TEXT></URL></r>', f'<a href="{WEB}">{WEB}</a>'),
        ('<r><URL url="javascript:x"><s>[url]</s>a<e>[/url]</e></URL></r>', "a"),
        ('<r><CODE lang="php"><s>[code=php]</s><i>\n</i>a &lt; <B>b</B>\nc<e>[/code]</e></CODE></r>', '<pre><code class="language-php">a &lt; b\nc</code></pre>'),
        ('<r>x<br/>\n<QUOTE author="Ada" post_id="12"><s>[quote]</s>a<e>[/quote]</e></QUOTE>\n\nb</r>', f'x<blockquote><p><a href="{BASE}/p=12">Ada:</a></p>a</blockquote> b'),
        ("<r><QUOTE><s>[quote]</s>a<e>[/quote]</e></QUOTE></r>", "<blockquote>a</blockquote>"),
        ("<r><LIST><s>[list]</s>\n<LI><s>[*]</s>a</LI>\n<LI><s>[*]</s>b</LI>\n<e>[/list]</e></LIST></r>", "<ul><li>a</li><li>b</li></ul>"),
        ('<r><LIST type="decimal"><s>[list=1]</s><LI><s>[*]</s>a</LI><e>[/list]</e></LIST></r>', "<ol><li>a</li></ol>"),
        ('<r><IMG src="https://x.example.com/a"><s>[img]</s>https://x.example.com/a<e>[/img]</e></IMG></r>', f'<img src="{WEB}" alt="">'),
        ('<r>hi <E>:)</E> <EMOJI seq="1f600">\U0001f600</EMOJI> <EMAIL email="a@example.com">a@example.com</EMAIL></r>', "hi :) \U0001f600 a@example.com"),
        ('<r><ATTACHMENT filename="a&amp;b.png" index="0"><s>[attachment=0]</s>x<e>[/attachment]</e></ATTACHMENT></r>', f'<a href="{BASE}/here">a&amp;b.png</a>'),
        ('<r><YOUTUBE id="abcdefghi_1">https://youtu.be/abcdefghi_1</YOUTUBE></r>', '<a href="https://youtu.be/abcdefghi_1">https://youtu.be/abcdefghi_1</a>'),
        ('<r><YOUTUBE id="abcdefghi_1"><s>[yt]</s>abcdefghi_1<e>[/yt]</e></YOUTUBE></r>', '<a href="https://www.youtube.com/watch?v=abcdefghi_1">https://www.youtube.com/watch?v=abcdefghi_1</a>'),
        ("<r><SPOILER><s>[spoiler]</s>a<e>[/spoiler]</e></SPOILER><HIDE>b</HIDE></r>", "<details><summary>Spoiler</summary>a</details>"),
        ("<r>&unknown; x</r>", "&amp;unknown; x"),
        ("", ""),
        ("a &lt; b\nc", "a &lt; b<br>\nc"),
        ("[b:1a2b3c4d]x[/b:1a2b3c4d] [b]y[/b]", "<strong>x</strong> [b]y[/b]"),
        ("[list=1:1a2b3c4d][*:1a2b3c4d]a[/*:m:1a2b3c4d][/list:o:1a2b3c4d]", "<ol><li>a</li></ol>"),
        ("[quote=&quot;Ada&quot;:1a2b3c4d]a[/quote:1a2b3c4d]", "<blockquote><p>Ada:</p>a</blockquote>"),
        ("[code:1a2b3c4d]a &lt; &#91;b&#93;[/code:1a2b3c4d]", "<pre><code>a &lt; [b]</code></pre>"),
        ('a <!-- s:D --><img src="{SMILIES_PATH}/x.gif" alt=":D" /><!-- s:D -->', "a :D"),
        (f'<!-- m --><a class="postlink" href="{WEB}">{WEB}</a><!-- m -->', f'<a href="{WEB}">{WEB}</a>'),
        ('<!-- e --><a href="mailto:a@example.com">a@example.com</a><!-- e -->', "a@example.com"),
        ("[attachment=0:1a2b3c4d]<!-- ia0 -->a.png<!-- ia0 -->[/attachment:1a2b3c4d]", f'<a href="{BASE}/here">a.png</a>'),
    ],
)  # fmt: skip
def test_both_formats_of_phpbb_are_read(text: str, html: str) -> None:
    """XML since 3.2 loses its markers; before, only tags with the post's own uid count."""
    assert post_html(text, "1a2b3c4d", XML) == html


XML_SLOTS = (
    "<r>{0}</r>",
    '<r><URL url="https://a.example/{0}">x</URL></r>',
    '<r><URL url="https://a.example/{0}"/></r>',
    '<r><URL url="javascript:{0}">x</URL></r>',
    '<r><IMG src="https://a.example/{0}">x</IMG></r>',
    '<r><IMG src="javascript:{0}">x</IMG></r>',
    '<r><QUOTE author="{0}">x</QUOTE></r>',
    '<r><QUOTE author="Ada" post_id="7{0}">x</QUOTE></r>',
    '<r><CODE lang="{0}">x</CODE></r>',
    "<r><CODE>{0}</CODE></r>",
    '<r><SPOILER title="{0}">x</SPOILER></r>',
    '<r><ATTACHMENT filename="{0}">x</ATTACHMENT></r>',
    '<r><YOUTUBE id="{0}">x</YOUTUBE></r>',
    "<r><MEDIA>https://a.example/{0}</MEDIA></r>",
    "<r><MEDIA>javascript:{0}</MEDIA></r>",
    '<r><LIST type="{0}"><LI>x</LI></LIST></r>',
)


@pytest.mark.parametrize("slot", XML_SLOTS)
def test_nothing_breaks_out_of_the_xml(slot: str) -> None:
    """What an element of phpBB's XML says is text or an address, and is escaped as such."""
    html = post_html(slot.replace("{0}", escape(BREAKOUT)), "u", XML)

    assert_closed(html)
    assert "pid=" not in html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ('<r><QUOTE author="Ada" post_id="x7">a</QUOTE></r>', "<blockquote><p>Ada:</p>a</blockquote>"),
        ('<r><IMG src="data:image/png;base64,AA">a</IMG></r>', "a"),
        ('<r><URL url="/a">b</URL></r>', "b"),
        ('<r><YOUTUBE id="a b">c</YOUTUBE></r>', "c"),
        ('<r><MEDIA id="no id">ftp://a.example/x</MEDIA></r>', "ftp://a.example/x"),
        ('<r><CODE lang="a b">x</CODE></r>', "<pre><code>x</code></pre>"),
        ("<r>a\x0bb\ufffe c</r>", "ab c"),
        (f"[b{SIGN}]a[/b{SIGN}]", "[b]a[/b]"),
        ('<a href="https://a.example/]x">a</a>', "a"),
        ('<a href="javascript:x">a</a>', "a"),
    ],
)
def test_what_is_no_address_of_phpbb_is_text(text: str, html: str) -> None:
    """Other schemes, ids that are none, and signs that posts must not bring along come to nothing."""
    assert post_html(text, "u.", XML) == html


def test_the_uid_of_a_post_is_no_pattern() -> None:
    """Only the tags with the post's very uid are its own."""
    assert post_html("[b:ux]a[/b:ux] [b:u.]c[/b:u.]", "u.", XML) == "[b:ux]a[/b:ux] <strong>c</strong>"


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>',
        "<r>&x;</r>",
        "<r>" + "<B>" * 5000 + "x" + "</B>" * 5000 + "</r>",
        "[b:u]" * 5000,
        "<a>" * 5000,
    ],
)  # fmt: skip
def test_hostile_posts_stay_text(text: str) -> None:
    """Entities are not expanded and nothing nests without bound."""
    html = post_html(text, "u", XML)
    assert "aaaa" not in html.replace('"aaaa"', "").replace("&quot;aaaa&quot;", "")
    depth = max(
        (sum(1 for _ in node.iterancestors()) for node in lxml_html.fromstring(f"<p>{html}</p>").iter()), default=0
    )
    assert depth < 260
