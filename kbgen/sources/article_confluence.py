"""A page of a Confluence space exported as HTML: its title, the pages above it, and its macros as plain HTML. Pure.

Read from the parsed page: the export writes breadcrumbs, a title with the space's name before it, a line of
metadata, and the text in ``#main-content``; attachments and comments follow outside of it and are left out. What is
NOT here: finding the files, and sanitising.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lxml import etree
from lxml.html import HtmlElement
from msgspec import Struct

_PAGE_ID = re.compile(r"(?:^|_)(\d{3,})\.html?$", re.IGNORECASE)
_DATE = re.compile(r"\b([A-Z][a-z]{2}) (\d{1,2}), (\d{4})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BRUSH = re.compile(r"brush:\s*([A-Za-z0-9+#_-]+)")
_PLAIN_BRUSHES = frozenset(("none", "text", "plain"))
# The information macros, and the admonitions they are here.
_NOTES = {"information": "info", "note": "warning", "tip": "tip", "warning": "danger"}
_MACRO = "confluence-information-macro"
_DROPPED = (
    "toc-macro",
    "page-metadata",
    "aui-icon",
    "expand-control-icon",
    "hidden-clone",
    "plugin_pagetree",
    "recently-updated",
    "expand-hidden-title",
)


class ConfluencePage(Struct, frozen=True):
    """A page of an export.

    Attributes:
        category: names of the space and of the pages above, outermost first.
        content: the element that holds the text, made plain.
    """

    title: str
    category: tuple[str, ...]
    updated: datetime | None
    labels: tuple[str, ...]
    content: HtmlElement


def page_id(name: str) -> str | None:
    """The page's number, which its file's name ends with; it stays when the title changes."""
    found = _PAGE_ID.search(name.rpartition("/")[2])
    return found[1] if found else None


def is_export(text: str) -> bool:
    """A cheap test whether HTML may be of an export."""
    return 'id="title-text"' in text and "wiki-content" in text


def is_index(name: str, text: str) -> bool:
    """Whether a file is the list of pages that an export begins with."""
    return name.rpartition("/")[2].lower() == "index.html" and "pageSection" in text and "wiki-content" not in text


def is_confluence(root: HtmlElement) -> bool:
    """Whether a parsed page is one of an export."""
    content = root.xpath("//*[@id='main-content']")
    return bool(content) and "wiki-content" in _classes(content[0]) and bool(root.xpath("//*[@id='title-text']"))


def read_confluence(root: HtmlElement) -> ConfluencePage:
    """Read a page; its tree is used up.

    Args:
        root: a page for which ``is_confluence`` holds.
    """
    crumbs = [_words(item) for item in root.xpath("//*[@id='breadcrumbs']/li")]
    title = _words(root.xpath("//*[@id='title-text']")[0])
    if crumbs:
        title = title.removeprefix(f"{crumbs[0]} : ").removeprefix(": ")
    above = [name for place, name in enumerate(crumbs) if name and name != (crumbs[place - 1] if place else "")]
    content = root.xpath("//*[@id='main-content']")[0]
    labels = tuple(dict.fromkeys(filter(None, map(_words, root.xpath("//*[contains(@class,'label-list')]//li")))))
    page = ConfluencePage(
        title or _words(next(root.iter("title"), None)), tuple(above), _updated(root), labels, content
    )
    _make_plain(content)
    return page


def _updated(root: HtmlElement) -> datetime | None:
    """The last day in the line of metadata; exports in English write it as ``May 01, 2024``."""
    dates = [_DATE.findall(_words(line)) for line in root.xpath("//*[contains(@class,'page-metadata')]")]
    for month, day, year in (dates[0] if dates else [])[-1:]:
        if month in _MONTHS and 1 <= int(day) <= 31:
            try:
                return datetime(int(year), _MONTHS.index(month) + 1, int(day), tzinfo=UTC)
            except ValueError:
                return None
    return None


def _make_plain(content: HtmlElement) -> None:
    for element in list(content.iter()):
        if element is content or element.getparent() is None or not isinstance(element.tag, str):
            continue
        classes = _classes(element)
        if any(name in classes for name in _DROPPED) or element.tag in {"script", "style", "form"}:
            element.drop_tree()
        elif _MACRO in classes:
            _admonish(element, classes)
        elif "expand-container" in classes:
            _fold(element)
        elif element.tag == "pre":
            _code(element)
        elif "codeHeader" in classes:
            element.tag = "p"
        elif element.tag == "img":
            _picture(element, classes)
        elif element.tag == "a" and {"user-mention", "confluence-userlink"} & classes:
            element.drop_tag()


def _admonish(element: HtmlElement, classes: set[str]) -> None:
    kind = next((_NOTES[name] for name in _NOTES if f"{_MACRO}-{name}" in classes), "note")
    element.attrib.clear()
    element.set("class", f"admonition {kind}")
    title = next((child for child in element if "title" in _classes(child)), None)
    if title is None:
        title = etree.SubElement(element, "p")
        title.text = kind.capitalize()
        _put_first(element, title)
    title.set("class", "admonition-title")


def _fold(element: HtmlElement) -> None:
    control = element.xpath(".//*[contains(@class,'expand-control-text')]")
    label = _words(control[0]) if control else "More"
    for head in element.xpath("./*[contains(concat(' ', @class, ' '), ' expand-control ')]"):
        head.drop_tree()
    element.tag = "details"
    element.attrib.clear()
    summary = etree.SubElement(element, "summary")
    summary.text = label
    _put_first(element, summary)


def _put_first(element: HtmlElement, child: HtmlElement) -> None:
    """Make a child the first thing in an element, before its words, too."""
    child.tail, element.text = element.text, None
    element.insert(0, child)


def _code(element: HtmlElement) -> None:
    found = _BRUSH.search(element.get("data-syntaxhighlighter-params", ""))
    text = "".join(map(str, element.itertext()))
    tail = element.tail
    element.clear()
    element.tail = tail
    code = etree.SubElement(element, "code")
    code.text = text
    if found and found[1].lower() not in _PLAIN_BRUSHES:
        code.set("class", f"language-{found[1].lower()}")


def _picture(element: HtmlElement, classes: set[str]) -> None:
    if "emoticon" in classes:
        # Its file is the export's; newer ones name the sign itself.
        sign = element.get("data-emoji-fallback") or element.get("alt", "")
        element.tail = sign + (element.tail or "")
        element.drop_tree()


def _classes(element: HtmlElement) -> set[str]:
    return set(element.get("class", "").split())


def _words(element: HtmlElement | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())
