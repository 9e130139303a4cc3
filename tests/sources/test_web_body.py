"""A post's full text is found in the page, where structured data holds an excerpt or nothing but words."""

import pytest

from kbgen.sources.web_body import (
    Anchors,
    PageText,
    as_markup,
    is_cut,
    nearest_id,
    parse_page,
    squeezed,
    tidy,
    without_tokens,
)

PAGE = """<html><head><title>Turn the knob</title></head><body><nav>Home</nav>
<div class=preview><p>Turn the <b>knob</b> …</p></div>
<div id=post_7 class=post><span>Jo</span><div class=body><p>Turn the <b>knob</b> to the left.</p><pre>x = 1</pre></div></div>
<div class=post><a name=M77></a><div>Other</div></div><div data-message-uid=99>uid</div></body></html>"""


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("one\ntwo\n\nthree < 4 &amp; 5", "<p>one<br>two</p><p>three &lt; 4 &amp; 5</p>"),
        ("<p>Turn <code>it</code></p>", "<p>Turn <code>it</code></p>"),
        ("&lt;p&gt;Turn &amp;amp; go&lt;/p&gt;", "<p>Turn &amp; go</p>"),
        ("", ""),
    ],
)
def test_a_text_is_plain_or_markup_or_escaped_markup(text: str, markup: str) -> None:
    """Each becomes markup that shows the same words."""
    assert as_markup(text) == markup


def test_an_excerpt_knows_that_it_is_one() -> None:
    """Dots at the end mean that there is more; its letters are compared without them."""
    assert is_cut("<p>Turn the knob&hellip;</p>")
    assert not is_cut("Turn the knob.")
    assert squeezed("<p>Turn  the\n<b>knob</b>&nbsp;&hellip;</p>") == "Turntheknob"


def test_the_body_is_the_longest_text_that_starts_so() -> None:
    """The post is found, not the preview of it, and whole, not its first paragraph alone; without its frame."""
    root = parse_page(PAGE)
    assert root is not None
    text = PageText(root)
    found = text.find("Turntheknob")
    assert found is not None
    assert (found.get("class"), text.length(found)) == ("body", len("Turntheknobtotheleft.x=1"))
    assert text.find("Turnitoff") is None


def test_a_post_is_found_inside_its_own_element_only() -> None:
    """The same words elsewhere are another post's."""
    root = parse_page(PAGE)
    assert root is not None
    assert PageText(root).find("Other", Anchors(root).find("https://x/t#post_7")) is None


@pytest.mark.parametrize(
    ("url", "classes"),
    [
        ("/t/1#post_7", "post"),
        ("/t/slug/23/7", "post"),
        ("/t/m-p/4#M77", "post"),
        ("/t/x/99", None),
        ("/t/x/5", "none"),
    ],
)
def test_an_address_leads_to_an_element(url: str, classes: str | None) -> None:
    """By fragment, by an empty anchor, by the number in an id, by an attribute that holds it."""
    root = parse_page(PAGE)
    assert root is not None
    found = Anchors(root).find(f"https://x{url}")
    assert ("none" if found is None else found.get("class")) == classes


def test_a_post_without_address_is_named_by_what_is_around_it() -> None:
    """The nearest id is one an address can lead to."""
    root = parse_page(PAGE)
    assert root is not None
    assert nearest_id(next(root.iter("pre"))) == "post_7"
    assert nearest_id(next(root.iter("nav"))) == ""


def test_a_body_is_freed_of_controls_and_tokens() -> None:
    """No button, no list of links to here, no signature in an address; addresses are absolute."""
    html = (
        '<p>See <a href="../x?page=2">x</a></p><button>Like</button><div class="crawler-linkback-list">more</div>'
        '<img src="/f/1.png?jwt=abc&amp;w=5" onerror="x" srcset="/f/2.png 2x"><script>x</script>'
    )
    assert tidy(html, "https://forum.example.com/t/1") == (
        '<p>See <a href="https://forum.example.com/x?page=2">x</a></p>'
        '<img src="https://forum.example.com/f/1.png?w=5" onerror="x"/>'
    )


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x/f?ex=1&is=2&hm=3", "https://x/f"),
        ("https://x/f?X-Amz-Signature=1&id=4", "https://x/f?id=4"),
        ("https://x/f?id=4", "https://x/f?id=4"),
        ("mailto:x?token=1", "mailto:x?token=1"),
    ],
)
def test_what_signs_an_address_is_left_out(url: str, kept: str) -> None:
    """Such links end soon, and let others in until then."""
    assert without_tokens(url) == kept


@pytest.mark.parametrize("html", ["", "  ", "<!-- x -->", "\x00"])
def test_a_page_of_nothing_is_no_page(html: str) -> None:
    """Nothing is not an error of the reader."""
    root = parse_page(html)
    assert root is None or "".join(map(str, root.itertext())) == ""
