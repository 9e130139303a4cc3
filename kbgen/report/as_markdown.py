"""Sanitised HTML back to Markdown a person can go on writing.

Only what ``curate.sanitise`` lets through is understood; a table, and whatever else Markdown has no words for, stays
HTML, which Markdown allows.
"""

from __future__ import annotations

import re

from lxml import etree
from lxml import html as lxml_html

_SPACE = re.compile(r"\s+")
_SPECIAL = re.compile(r"([\\`*_\[\]<>])")
_LINE_START = re.compile(r"^(\s*)(#{1,6} |[-+] |>|=+$|-+$)|^(\s*\d+)(?=[.)] )", re.MULTILINE)
_TICKS = re.compile(r"`+")
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_BLOCKS = frozenset(("p", "ul", "ol", "pre", "blockquote", "table", "div", "hr", "details", *_HEADINGS))


def markdown_of(html: str) -> str:
    """Give the Markdown of sanitised HTML.

    Args:
        html: as ``curate.sanitise.safe_html`` makes it.
    """
    if not html.strip():
        return ""
    return "\n\n".join(_blocks(lxml_html.fragment_fromstring(html, create_parent="div"))) + "\n"


def _blocks(parent: etree._Element) -> list[str]:
    found: list[str] = []
    run = _text(parent.text)
    for child in parent:
        if child.tag in _BLOCKS:
            found += [run.strip(), *_block(child)]
            run = ""
        else:
            run += _inline(child)
        run += _text(child.tail)
    return [block for block in (*found, run.strip()) if block]


def _block(element: etree._Element) -> list[str]:
    tag = str(element.tag)
    if tag == "pre":
        return [_code(element)]
    if tag in _HEADINGS:
        return [f"{_HEADINGS[tag]} {_line(element)}"]
    if tag in ("ul", "ol"):
        return [_list(element)]
    if tag == "blockquote":
        return ["\n".join(f"> {line}".rstrip() for line in "\n\n".join(_blocks(element)).split("\n"))]
    if tag in ("hr", "table", "details") or element.find(".//table") is not None:
        return [lxml_html.tostring(element, encoding="unicode", with_tail=False).strip()]
    return _blocks(element)


def _code(element: etree._Element) -> str:
    inner = element.find("code")
    said = str((inner if inner is not None else element).get("class") or element.get("data-lang") or "")
    language = next((word.removeprefix("language-") for word in said.split() if word.startswith("language-")), "")
    text = "".join(map(str, element.itertext())).strip("\n")
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _list(element: etree._Element) -> str:
    lines: list[str] = []
    for number, item in enumerate(element, 1):
        mark = f"{number}. " if element.tag == "ol" else "- "
        body = "\n\n".join(_blocks(item)).split("\n")
        # Python-Markdown wants four spaces below an item.
        lines += [mark + body[0], *(f"    {line}".rstrip() for line in body[1:])]
    return "\n".join(lines)


def _line(element: etree._Element) -> str:
    return (_text(element.text) + "".join(_inline(child) + _text(child.tail) for child in element)).strip()


def _inline(element: etree._Element) -> str:
    tag = str(element.tag)
    if tag == "br":
        return "  \n"
    if tag in ("code", "kbd", "samp", "tt"):
        text = "".join(map(str, element.itertext()))
        ticks = "`" * (max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
        pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
        return f"{ticks}{pad}{text}{pad}{ticks}" if text.strip() else text
    if tag == "math":
        dollars = "$$" if element.get("display") == "block" else "$"
        return _text(f"{dollars}{element.get('alttext')}{dollars}")
    inner = _text(element.text) + "".join(_inline(child) + _text(child.tail) for child in element)
    if tag == "a" and element.get("href"):
        address = str(element.get("href")).replace(" ", "%20").replace(")", "%29")
        return f"[{inner.strip() or address}]({address})"
    mark = _MARKS.get(tag)
    return f"{mark}{inner.strip()}{mark}" if mark and inner.strip() else inner


def _text(text: str | None) -> str:
    escaped = _SPECIAL.sub(r"\\\1", _SPACE.sub(" ", text or ""))
    return _LINE_START.sub(lambda found: f"{found[1] or found[3] or ''}\\{found[2] or ''}", escaped)
