"""The theme's style sheets, scripts and templates as files."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, meta

from kbgen.site import words
from kbgen.site.images import image_size
from kbgen.site.words import words_for

THEME = Path(words.__file__).parent.parent / "theme"
ROOT = THEME.parent.parent
TEMPLATES = sorted((THEME / "templates").glob("*.html"))
SHEETS = [*(THEME / "assets").glob("*.css"), *(ROOT / "site_config" / "assets").glob("*.css")]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_templates_have_no_words_of_their_own(file: Path) -> None:
    """Every word a reader sees comes from the tables of words: between tags there is only punctuation."""
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    # A macro's conditional attribute leaves a bare attribute behind, not text between tags.
    visible = " ".join(re.findall(r">([^<>]*)<", re.sub(r'"[^"]*"', '""', text)))
    assert re.findall(r"[A-Za-z]{2,}", visible) == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_templates_use_words_that_exist(file: Path) -> None:
    """A key with a typing mistake is found here, not on a page in the night."""
    source = file.read_text(encoding="utf-8")
    Environment(loader=FileSystemLoader(THEME / "templates"), autoescape=True).parse(source)
    keys = set(re.findall(r"\bw\.([a-z_]+)\b(?!\()", source)) | set(
        re.findall(r'(?:fill|w\.count)\("([a-z_]+)"', source)
    )
    known = words_for("en")
    assert [key for key in sorted(keys) if not known[key]] == []


def test_templates_let_nothing_through_unescaped() -> None:
    """No template switches escaping off; trusted HTML is marked in render.py alone."""
    for file in TEMPLATES:
        assert not re.search(r"\|\s*safe\b|autoescape", file.read_text(encoding="utf-8")), file.name
    assert meta.find_undeclared_variables(Environment(autoescape=True).parse("{{ w }}")) == {"w"}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda file: file.name)
def test_style_sheets_know_no_left_and_right(sheet: Path) -> None:
    """Physical directions would be wrong in right-to-left pages; nothing is loaded from another host."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    physical = re.findall(
        r"(?:margin|padding|border)-(?:left|right)|(?<![-\w])(?:left|right)\s*:|text-align:\s*(?:left|right)", text
    )
    assert physical == []
    assert "http" not in re.sub(r'\[href\^="http"\]', "", text)
    assert "@import" not in text


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(char * 2 for char in digits) if len(digits) == 3 else digits
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _colours(scheme: str) -> dict[str, str]:
    """The --kb-* and code colours of a scheme with the brand's over them."""
    found: dict[str, str] = {}
    for sheet in (THEME / "assets" / "kb.css", ROOT / "site_config" / "assets" / "brand.css"):
        text = sheet.read_text(encoding="utf-8")
        for selector, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
            if ":root" in selector or f'"{scheme}"' in selector:
                found |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\s*;", rules))
    found.setdefault("kb-link", found["kb-brand"])
    return found


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_text_is_readable_in_both_schemes(scheme: str) -> None:
    """Every text colour has a contrast of 4.5 on every ground it stands on (WCAG 2.2, 1.4.3)."""
    colours = _colours(scheme)
    pairs = [
        (text, ground) for text in ("kb-text", "kb-soft", "kb-link") for ground in ("kb-bg", "kb-raised", "kb-sunken")
    ]
    pairs += [("kb-link", "kb-tint"), ("kb-on-brand", "kb-brand")]
    pairs += [
        ("kb-accept-text", "kb-accept-tint"),
        ("kb-helpful-text", "kb-helpful-tint"),
        ("kb-accept-text", "kb-raised"),
    ]
    pairs += [(name, "kb-sunken") for name in colours if name.startswith("md-code-hl")]
    for text, ground in pairs:
        light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground} in {scheme}"


def test_the_brand_has_every_picture_pages_name() -> None:
    """Logo, icons and share image exist in the sizes search engines and networks ask for."""
    folder = ROOT / "site_config" / "assets"
    assert image_size(folder / "social.png") == (1200, 630)
    assert image_size(folder / "favicon-96.png") == (96, 96)
    assert image_size(folder / "touch-icon.png") == (180, 180)
    assert image_size(folder / "logo.svg") == (64, 64)
    assert (folder / "social.png").stat().st_size < 5_000_000
