"""Trees of the HTML that forums give: read as libxml2 does, changed in place, and written again.

lxml keeps the text after an element with it (``tail``); these few moves keep it where it was. What is NOT here: what is
changed (``discourse_html`` and its like), and sanitising.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement, defs

_PARSER = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")  # what no tree may hold, or writes as it was not read
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.-]*")


def parse(html: str) -> HtmlElement:
    """Read a piece of HTML; what is nested deeper than 250 levels is left out.

    Returns:
        The ``body`` around it.
    """
    data = _NO_TEXT.sub("", html).encode()
    try:
        root = lxml_html.document_fromstring(data, parser=_PARSER)
    except etree.ParserError:  # nothing but white space and comments
        return lxml_html.Element("body")
    return next(root.iter("body"), root)


def inside(body: HtmlElement) -> str:
    """The HTML inside an element, attributes in the order of their names."""
    for element in body.iter():
        if len(element.attrib) > 1:
            _sort(element)
    return written(body)


def written(body: HtmlElement) -> str:
    """The HTML inside an element as it is."""
    for element in body.iter():
        # As XML, for HTML's way escapes addresses; then an element without content needs a closing tag of its own.
        if element.text is None and not len(element) and element.tag not in defs.empty_tags:
            element.text = ""
    children = (etree.tostring(child, encoding="unicode", method="xml") for child in body)
    return escape(body.text or "", quote=False) + "".join(children)


def _sort(element: HtmlElement) -> None:
    names = element.keys()
    if names != sorted(names) and all(_PLAIN_NAME.fullmatch(name) for name in names):
        held = sorted(element.items())
        element.attrib.clear()
        element.attrib.update(held)


def texts(root: HtmlElement) -> Iterator[tuple[HtmlElement, str]]:
    """Find the texts inside an element in order, each as an element and which of its attributes holds it."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        part = "text" if event == "start" else "tail"
        if getattr(element, part) and (part == "text" or element is not root):
            yield element, part


def text_of(element: HtmlElement) -> str:
    """The words inside an element, its texts separated by spaces."""
    return " ".join(text for part in element.itertext() if (text := part.strip()))


def classes(element: HtmlElement) -> frozenset[str]:
    """The element's classes."""
    value = element.get("class")
    return frozenset(value.split()) if value else frozenset()


def empty(element: HtmlElement) -> None:
    """Remove an element's inside and attributes; what follows it stays."""
    tail = element.tail
    element.clear()
    element.tail = tail


def prepend(element: HtmlElement, first: HtmlElement) -> None:
    """Put an element before everything inside another."""
    first.tail, element.text = element.text, None
    element.insert(0, first)


def replace(old: HtmlElement, new: HtmlElement) -> None:
    """Put an element in the place of another; it may come from the inside of that."""
    parent = old.getparent()
    if parent is not None:
        new.tail, old.tail = old.tail, None
        parent.replace(old, new)


def replace_with_text(old: HtmlElement, text: str) -> None:
    """Put text in the place of an element."""
    if old.getparent() is not None:
        old.tail = text + (old.tail or "")
        old.drop_tree()
