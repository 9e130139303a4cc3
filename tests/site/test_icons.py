"""Icons: which are drawn on the page, and which the style sheet has."""

from __future__ import annotations

import re
from pathlib import Path

from kbgen.site.icons import icon, icon_svg, masks


def test_what_every_page_has_is_named() -> None:
    """An element without words, which screen readers pass over; its drawing is in the style sheet."""
    assert '<i class="kb-i kb-i--reply"></i>' == icon("material/reply")
    assert ".kb-i--reply { --kb-i: url('data:image/svg+xml,<svg " in masks()


def test_what_a_page_chooses_is_drawn() -> None:
    """Topics choose among thousands of icons; one that does not exist is replaced, or nothing."""
    drawn = icon("material/lightbulb-outline")
    assert drawn.startswith('<svg aria-hidden="true" viewBox=')
    assert drawn == icon("material/no-such-icon", "material/lightbulb-outline")
    assert "" == icon("material/no-such-icon")


def test_every_named_icon_has_its_drawing() -> None:
    """A name without one would be a black square; a quotation mark in one would end it."""
    theme = Path(__file__).parents[2] / "kbgen" / "theme"
    named = {word for file in theme.rglob("*.html") for word in re.findall(r"kb-i--([\w-]+)", file.read_text("utf-8"))}
    drawn = dict(re.findall(r"\.kb-i--([\w-]+) \{ --kb-i: url\('([^']+)'\); \}", masks()))
    assert named <= drawn.keys()
    assert all(word in str(icon(f"material/{word}")) and icon_svg(f"material/{word}") for word in drawn)
    assert all(svg.endswith("</svg>") for svg in drawn.values())
