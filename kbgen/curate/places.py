"""Places inside a staff text that a link may lead to: the ids of its headings and of its footnotes.

An id of another element (a named anchor, a section around a heading) is its heading's too, as long as nothing is
read between them. What cannot be reached by a heading is no place: a link to it leads to the page's beginning, or,
on the same page, nowhere, and becomes its text.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

from lxml import etree

# Of an element only, never of the frame: scripts of the site engine and ours look for ids that begin with "__" and
# "kb-", and what a text calls by such a name they would take for their own.
_PLACE = re.compile(r"(?!__|kb-)\w[\w.:-]{0,199}", re.IGNORECASE)
_NAMED = re.compile(r'<(h[2-6]|li|span|sup) id="([^"]*)">(</span>)?')
_WITHIN = re.compile(r'<a href="#([^"]*)">(.*?)</a>', re.DOTALL)


class Places:
    """Names that wait for a heading while a document is read."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def meet(self, element: etree._Element) -> None:
        """Remember how an element is called, for the heading it is or stands before."""
        name = element.get("id") or (element.get("name") if element.tag == "a" else None)
        if name and _PLACE.fullmatch(name):
            self._waiting.append(name)

    def read(self, text: str) -> None:
        """Something is read that is no heading: what waits is the place of this, and is none."""
        if self._waiting and text.strip():
            self._waiting.clear()

    def of(self, heading: etree._Element) -> str:
        """An empty element for each further name of a heading: for what waits for it, and for ids inside."""
        for inner in heading.iterdescendants():
            self.meet(inner)
        others = dict.fromkeys(name for name in self._waiting if name != heading.get("id"))
        return "".join(f'<span id="{name}"></span>' for name in others)


def own_id(element: etree._Element) -> str:
    """An element's id, serialised with a leading space; "" for none."""
    name = element.get("id", "")
    return f' id="{name}"' if _PLACE.fullmatch(name) else ""


def settle(html: str) -> str:
    """Give each name of a finished document to one element, and turn links to places it lacks into their text.

    Args:
        html: the whole document as it was written.
    """
    known: set[str] = set()

    def once(tag: re.Match[str]) -> str:
        if tag[2] not in known:
            known.add(tag[2])
            return tag[0]
        return "" if tag[3] else f"<{tag[1]}>"

    def held(link: re.Match[str]) -> str:
        return link[0] if unquote(unescape(link[1])) in known else link[2]

    if ' id="' in html:
        html = _NAMED.sub(once, html)
    return _WITHIN.sub(held, html) if 'href="#' in html else html


def places_in(html: str) -> tuple[str, ...]:
    """The places of a text that was sanitised before, in order."""
    return tuple(found[1] for found in _NAMED.findall(html)) if ' id="' in html else ()
