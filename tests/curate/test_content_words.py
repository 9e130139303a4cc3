"""Shortcuts past the parser: on everything they are for, they give what the parser gives."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kbgen.config import PrivacyConfig
from kbgen.curate.links import clean_href, host_of
from kbgen.curate.privacy import holds_private, redact_html
from kbgen.curate.sanitise import safe_html
from kbgen.curate.text import Words, describe, html_text, letters

CONFIG = PrivacyConfig()
COMMENT = "<!-- -->"
"""Makes any HTML irregular, so that it is parsed."""
SAID = st.sampled_from(
    ("hub", " ", "\n", "&amp;lt;", "&lt;b&gt;", "5 > 4", "&quot;é&#39;", "a&nbsp;b", "重置", "$x_1$", "")
)
PRIVATE = st.sampled_from(
    (
        "jo@hubworks.io",
        "+44 20 7946 0958",
        "call me at 555 010 99",
        "https://a:hunter22@h",
        "?token=abcdef123",
        "@",
        "jo",
    )
)
TAGS = ("p", "em", "strong", "a", "code", "ul", "li", "blockquote", "h3", "div", "span", "pre", "sup")


def _element(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    named = st.tuples(st.sampled_from(TAGS), inside).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>")
    linked = inside.map(lambda html: f'<a href="https://hub.works/?a=1&amp;b=2" title="a > b">{html}</a>')
    coloured = inside.map(lambda html: f'<pre><code class="lang-python">x = "{html}" # 1</code></pre>')
    alone = st.sampled_from(("<br>", "<hr>", "<br />", '<img src="https://hub.works/a.png" alt="x">'))
    return st.lists(st.one_of(named, linked, coloured, alone, inside), max_size=4).map("".join)


REGULAR = st.recursive(SAID, _element, max_leaves=12)
LEAKY = st.recursive(SAID | PRIVATE, _element, max_leaves=12)


@given(LEAKY)
@example('<table><tr><td>a<td>b<tr><td>c<td>d</table><pre><code class="lang-python">def f(): "<"</code></pre>')
def test_sanitised_html_is_read_as_a_parser_reads_it(html: str) -> None:
    """The words of sanitised HTML are the same with a parser and without, with code and without."""
    safe = safe_html(html)
    with_parser = (html_text(safe + COMMENT), html_text(safe, code=False))
    assert with_parser == (Words(safe).text(), Words(safe).text(code=False))


@given(REGULAR)
@example("<p>a</p>b<br/>c")
def test_regular_html_is_read_as_a_parser_reads_it(html: str) -> None:
    """Harvested HTML of whole, plain elements says the same with a parser and without."""
    assert html_text(html + COMMENT) == html_text(html)


@pytest.mark.parametrize(
    ("html", "words"),
    [("a<script>x</script>b", "ab"), ("a<!-- x -->b", "ab"), ("&eacute;&#233;", "éé"), ("a<p title='>'>b", "a b")],
)
def test_other_html_is_parsed(html: str, words: str) -> None:
    """Scripts, comments, entities and quotes of another kind are left to the parser."""
    assert html_text(html) == words


@given(LEAKY)
@example("<pre><code class='lang-python'>jo@hubworks.io</code></pre>")
@example('<a href="https://hub.works/?token=abcdef123">x</a>')
@example('<abbr title="jo@hubworks.io">x</abbr>')
@example("5<b>+44 20 7946 0958</b>5")
def test_what_would_be_taken_out_is_never_overlooked(html: str) -> None:
    """HTML in which the parser finds something private is never passed over."""
    safe = safe_html(html)
    found = bool(redact_html(safe, CONFIG)[1])
    assert not found or holds_private(Words(safe), CONFIG)


def test_what_is_public_is_not_parsed_for_secrets() -> None:
    """Mentions, dates, versions and allowed domains are no reason to parse."""
    html = "<p>@jo wrote on 2026-01-02 to you@example.com about 1.10.190.41</p>"
    assert not holds_private(Words(html), CONFIG)
    assert not holds_private(Words("<p>jo@hubworks.io</p>"), PrivacyConfig(redact=()))


def test_a_description_is_made_of_paragraphs_alone() -> None:
    """What stands in quotes, tables and headings is passed over, nested or not."""
    html = "<h3>No</h3><blockquote><p>No</p><blockquote>no</blockquote>no</blockquote><p>Hold &lt;b&gt;.</p>"
    assert describe(Words(html), "x") == "x: Hold <b>."


@given(st.from_regex(r"https?://([a-z0-9-]{1,5}\.){1,3}[a-z0-9-]{1,5}(/[A-Za-z0-9/._~-]{0,8})?", fullmatch=True))
def test_plain_addresses_are_what_they_were(address: str) -> None:
    """An address with nothing to check or to escape has the host a parser finds, and passes unchanged."""
    assert (clean_href(address), host_of(address)) == (address, urlsplit(address).hostname)


@given(st.text(st.characters(max_codepoint=127)))
def test_letters_are_the_same_in_any_company(text: str) -> None:
    """ASCII is folded as all other text is."""
    assert letters(text) + "é" == letters(f"{text} É")
