"""Shells: cutting at slots, filling, and the repair of the engine's markup."""

import pytest

from kbgen.errors import EngineError
from kbgen.site.shells import FRAME_SLOTS, Mending, Shell, tidy

FRAME = (
    '<!doctype html>\n<html lang="@@kb_lang@@"><head>@@kb_head@@</head>\n<body dir="@@kb_dir@@">\n'
    "  @@kb_before@@{}@@kb_after@@\n</body></html>"
)
VALUES = {
    "kb_lang": "en",
    "kb_dir": "ltr",
    "kb_head": "<title>T</title>",
    "kb_before": "<p>b</p>",
    "kb_after": "<p>a</p>",
}


def test_a_shell_is_filled_at_its_slots() -> None:
    """Every slot is replaced by its value and nothing else of the page changes."""
    shell = Shell.from_html(FRAME.format("<p>@@content@@</p>"), "entry.md")
    html = shell.pour({**VALUES, "content": "<h1>Ü</h1>"}).decode()
    expected = '<!doctype html><html dir="ltr" lang="en"><head><title>T</title></head><body><p>b</p><h1>Ü</h1><p>a</p></body></html>\n'
    assert html == expected


def test_values_are_never_scanned_again() -> None:
    """Text that looks like a slot comes through as text, whatever the order of the slots."""
    shell = Shell.from_html(FRAME.format("<p>@@content@@</p><p>@@title@@</p>"), "entry.md")
    html = shell.pour({**VALUES, "content": "@@title@@ @@kb_head@@", "title": "@@content@@"}).decode()
    assert "@@title@@ @@kb_head@@" in html
    assert "<p>@@content@@</p>" in html or html.count("@@content@@") == 1


def test_an_unknown_slot_of_a_shell_is_an_error() -> None:
    """A typing mistake in a shell is named with the slots there are."""
    with pytest.raises(EngineError, match=r"entry\.md: nothing fills the slot @@contents@@.*@@content@@"):
        Shell.from_html(FRAME.format("@@contents@@"), "entry.md")


def test_a_writers_page_may_speak_of_slots() -> None:
    """In a page that is not a shell only the frame's slots are slots."""
    shell = Shell.from_html(FRAME.format("<p>write @@content@@ there</p>"), "a.md", known=FRAME_SLOTS)
    assert b"write @@content@@ there" in shell.pour(VALUES)


def test_a_missing_frame_slot_is_an_error() -> None:
    """A theme override that loses a slot is found before a page is poured."""
    with pytest.raises(EngineError, match=r"home: the slot @@kb_head@@ is missing"):
        Shell.from_html(FRAME.format("").replace("@@kb_head@@", ""), "home")


def test_a_slot_without_a_value_is_an_error() -> None:
    """Nothing is poured half filled."""
    shell = Shell.from_html(FRAME.format("@@content@@"), "entry.md")
    with pytest.raises(EngineError, match=r"entry\.md: the slot @@content@@ was given no value"):
        shell.pour(VALUES)


def test_tidy_drops_comments_and_idle_space_only() -> None:
    """Space between blocks and comments go; space in a line, in code and in scripts stays."""
    html = (
        "<div>\n  <!-- note -->\n  <p>a  <b>b</b> c &amp; d&#39;</p>\n</div>\n<pre>x\n  y</pre><script>a\n b</script>"
    )
    assert tidy(html) == "<div><p>a <b>b</b> c &amp; d&#39;</p></div><pre>x\n  y</pre><script>a\n b</script>\n"


def test_tidy_leaves_out_what_only_materials_script_uses() -> None:
    """Without the script its toggles, overlay and dialog are gone, whatever they hold; the rest stays."""
    html = (
        '<input class="md-toggle" data-md-toggle="drawer" type="checkbox"><label class="md-overlay" for="x"></label>'
        '<div data-md-component="dialog"><div><p>x</p><br></div></div><p>kept</p>'
    )
    assert tidy(html) == "<p>kept</p>\n"


def test_tidy_hides_the_toggles_where_the_script_runs() -> None:
    """Material's check boxes lose the wrong ``autocomplete`` and are no controls of the reader."""
    html = '<input data-md-toggle="search" type="checkbox" id="s" autocomplete="off"><script id="__config">{}</script>'
    assert tidy(html).startswith('<input data-md-toggle="search" type="checkbox" id="s" hidden tabindex="-1">')


def test_tidy_takes_the_slash_of_xhtml_off() -> None:
    """It means nothing in HTML; where it belongs to a value or to a drawing, it stays."""
    html = '<p><br /><input value="a"/><img src=a/><svg><path d="M0"/></svg></p>'
    assert tidy(html) == '<p><br><input value="a"><img src=a/><svg><path d="M0"/></svg></p>\n'


def test_tidy_aims_the_skip_link_at_the_page() -> None:
    """Whatever place the engine chose, the link skips to the text."""
    assert tidy('<a href="#__skip" class="md-skip">Skip</a>') == '<a href="#kb-main" class="md-skip">Skip</a>\n'


def test_tidy_names_task_boxes_and_sizes_images() -> None:
    """A writer's images get width, height and lazy loading after the second, and task boxes a name."""
    mending = Mending(lambda src: (4, 3) if src == "a.png" else None, "Step")
    html = '<input type="checkbox" disabled><img src="a.png"><img src="b.png" alt="B" width="1"><img src="c.png">'
    expected = (
        '<input type="checkbox" disabled aria-label="Step"><img alt="" src="a.png" width="4" height="3">'
        '<img alt="B" src="b.png" width="1"><img alt="" src="c.png" loading="lazy">\n'
    )
    assert tidy(html, mending) == expected


def test_tidy_escapes_what_it_writes_anew() -> None:
    """An attribute that is written again keeps its meaning."""
    mending = Mending(lambda _: None, "Step")
    assert (
        tidy('<img src="a.png" alt="&quot;5 &lt; 6&quot;">', mending)
        == '<img alt="&quot;5 &lt; 6&quot;" src="a.png">\n'
    )


def test_marks_for_a_script_stay_with_it() -> None:
    """The theme's script stops when it finds no header; a page without it has no use for the marks."""
    header = '<header class="h" data-md-component="header">x</header>'
    assert tidy(header) == '<header class="h">x</header>\n'
    script = '<script id="__config" type="application/json">{}</script>'
    assert header in tidy(header + script)
