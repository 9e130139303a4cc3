"""Places inside a staff text that a link may lead to: the ids of its headings.

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
_NAMED = re.compile(r'<(?:h[2-6]|span) id="([^"]*)"')
_WITHIN = re.compile(r'<a href="#([^"]*)">(.*?)</a>', re.DOTALL)


class Places:
    """Ids of one document, while it is read.

    Attributes:
        known: those that were given to headings; each is given once.
    """

    def __init__(self) -> None:
        self.known: set[str] = set()
        self._waiting: list[str] = []

    def copy(self) -> Places:
        """What is known by now, for what may have to be read a second time."""
        other = Places()
        other.known, other._waiting = set(self.known), list(self._waiting)
        return other

    def meet(self, element: etree._Element) -> None:
        """Remember how an element is called, for the heading it is or stands before."""
        name = element.get("id") or (element.get("name") if element.tag == "a" else None)
        if name and _PLACE.fullmatch(name):
            self._waiting.append(name)

    def read(self, text: str) -> None:
        """Something is read that is no heading: what waits is the place of this, and is none."""
        if self._waiting and text.strip():
            self._waiting.clear()

    def of(self, heading: etree._Element) -> list[str]:
        """What a heading may be called: what waits for it, its own id and those inside."""
        for inner in heading.iterdescendants():
            self.meet(inner)
        return list(dict.fromkeys(name for name in self._waiting if name not in self.known))

    def open(self, level: int, names: list[str]) -> str:
        """A heading's opening tag, with an element for each further name.

        Args:
            level: of the heading, 2 to 6.
            names: as ``of`` gave them.
        """
        self.known.update(names)
        first, *more = names or [""]
        named = f' id="{first}"' if first else ""
        return f"<h{level}{named}>" + "".join(f'<span id="{name}"></span>' for name in more)

    def settle(self, html: str) -> str:
        """Turn links to places that the document does not have into their text.

        Args:
            html: the whole document as it was written.
        """
        return _WITHIN.sub(lambda link: link[0] if unquote(unescape(link[1])) in self.known else link[2], html)


def places_in(html: str) -> tuple[str, ...]:
    """The places of a text that was sanitised before, in order."""
    return tuple(_NAMED.findall(html)) if ' id="' in html else ()
