"""The inline half of the sanitiser's second pass: text, marks, links, and what becomes a link.

Blocks are written in ``blocks``; which elements come through at all is decided in ``sanitise``.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, ClassVar

from lxml import etree

from kbgen.curate.flow import Flow, Mark
from kbgen.curate.links import INTERNAL, WITHIN, clean_href, clean_place, host_of
from kbgen.curate.places import Places, own_id
from kbgen.curate.text import plain_text
from kbgen.sources.pictures import UNNAMED, is_image_address, unsigned

_SAME = "b strong i em u s del ins code kbd samp var sub sup small mark q cite dfn bdi"
MARKS = {
    **{tag: tag for tag in _SAME.split()},
    "strike": "s",
    "tt": "code",
    "abbr": "abbr",
    "acronym": "abbr",
}
"""Inline elements without attributes of their own, and what they are written as."""
EMBEDS = ("iframe", "embed", "video", "audio", "source")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
CONTAINERS = frozenset((*HEADINGS, "blockquote", "pre", "ul", "ol", "dl", "details", "table"))
"""Blocks that nothing inline may hold."""
_DEEPEST = 150  # of the input; the output is never deeper than 120, so a second pass comes to the same verdict
MOST_CONTAINERS = 40
_LONGEST_LABEL = 80
_USER_LINK = ' rel="ugc nofollow"'
_OWN_USER_LINK = ' rel="ugc"'

Handler = Callable[[Any, Any, Flow, int], None]
"""A method of a writer: takes the writer, an element, the flow to write into and the depth."""


class TooDeep(Exception):
    """The tree is nested deeper than any person writes; a signal that never leaves the sanitiser."""


class InlineWriter:
    """Reads one cleaned tree in document order and writes it into flows.

    Args:
        own_hosts: hosts whose links carry no ``rel``.
        trusted: no link carries ``rel``, and headings keep their ids.

    Attributes:
        places: of a trusted text; None for others, on whose pages nothing may be called as their writers like.
    """

    def __init__(self, own_hosts: frozenset[str], *, trusted: bool) -> None:
        self.trusted = trusted
        self._own_hosts = own_hosts
        self._containers = 0
        self.places = Places() if trusted else None

    def children(self, parent: etree._Element, flow: Flow, depth: int) -> None:
        """Write an element's text and children into a flow.

        Raises:
            TooDeep: the tree goes deeper than 150 levels.
        """
        if depth > _DEEPEST:
            raise TooDeep
        if text := parent.text:
            self._text(text, flow)
        for child in parent:
            self._element(child, flow, depth + 1)
            if text := child.tail:
                self._text(text, flow)

    def _text(self, text: str, flow: Flow) -> None:
        if self.places is not None:
            self.places.read(text)
        flow.text(text)

    def _element(self, element: etree._Element, flow: Flow, depth: int) -> None:
        tag = element.tag
        if self.places is not None:
            self.places.meet(element)
        if tag in MARKS:
            self._mark(element, flow, depth)
        elif (handler := self.handlers.get(tag)) is not None:
            if tag in CONTAINERS and (flow.inline or self._containers >= MOST_CONTAINERS):
                self._transparent(element, flow, depth)
            else:
                handler(self, element, flow, depth)
        else:
            self.children(element, flow, depth)

    def _transparent(self, element: etree._Element, flow: Flow, depth: int) -> None:
        flow.end()
        self.children(element, flow, depth)
        flow.end()

    def _inside(self, element: etree._Element, flow: Flow, depth: int) -> None:
        """Read a container's content into its own flow, counting how many are open."""
        self._containers += 1
        self.children(element, flow, depth)
        self._containers -= 1

    def _mark(self, element: etree._Element, flow: Flow, depth: int) -> None:
        tag = MARKS[element.tag]
        title = plain_text(element.get("title", "")) if tag == "abbr" else ""
        named = own_id(element) if self.trusted and tag == "sup" else ""
        self._in_mark(Mark(tag, f' title="{escape(title)}"' if title else named), element, flow, depth)

    def _in_mark(self, mark: Mark, element: etree._Element, flow: Flow, depth: int) -> None:
        outer = flow.marks
        if not outer or all(mark.tag != other.tag for other in outer):
            flow.marks = (*outer, mark)
        self.children(element, flow, depth)
        flow.marks = outer

    def _link_mark(self, href: str, *, image: bool = False) -> Mark | None:
        if self.places is not None and href.lstrip().startswith(WITHIN):
            place = clean_place(href)
            return Mark("a", f' href="{escape(place)}"') if place else None
        url = clean_href(href)
        if not url:
            return None
        # A signature opens the file to whoever reads the page, and runs out.
        url = unsigned(url) if image else url
        if url.startswith(INTERNAL) and not self.trusted:
            # A place that is missing on a page of ours keeps a site from being published.
            url = url.partition("#")[0]
        rel = "" if self.trusted or url.startswith(INTERNAL) else _USER_LINK
        if rel and host_of(url) in self._own_hosts:
            # Search engines may follow it; that a user wrote it, who may name a page there is not, is for the checks.
            rel = _OWN_USER_LINK
        classes = ' class="kb-image"' if image else ""
        return Mark("a", f'{classes} href="{escape(url)}"{rel}')

    def _link(self, element: etree._Element, flow: Flow, depth: int) -> None:
        image = "kb-image" in classes_of(element) or _is_its_own_image(element)
        mark = self._link_mark(element.get("href", ""), image=image)
        if mark is None or flow.plain:
            self.children(element, flow, depth)
        else:
            self._in_mark(mark, element, flow, depth)

    def _labelled(self, label: str, href: str, flow: Flow, *, image: bool = False) -> None:
        outer = flow.marks
        mark = None if flow.plain or any(other.tag == "a" for other in outer) else self._link_mark(href, image=image)
        if mark is not None:
            flow.marks = (*outer, mark)
        self._text(label, flow)
        flow.marks = outer

    def _image(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del depth
        alt = plain_text(element.get("alt", ""))
        if "emoji" in classes_of(element):
            self._text(alt, flow)
        elif clean_href(element.get("src", "")):
            self._labelled(alt or UNNAMED, element.get("src", ""), flow, image=True)
        else:
            self._text(alt, flow)

    def _embed(self, element: etree._Element, flow: Flow, depth: int) -> None:
        sources = [element.get("src", ""), *(child.get("src", "") for child in element.iter("source"))]
        url = next((href for href in map(clean_href, sources) if href), "")
        if not url:
            if element.tag in ("video", "audio"):
                self._transparent(element, flow, depth)
            return
        label = plain_text(element.get("title", "")) or url.partition("://")[2][:_LONGEST_LABEL]
        flow.end()
        self._labelled(label, url, flow)
        flow.end()

    def _checkbox(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del depth
        if element.get("type", "").lower() == "checkbox":
            self._text("☐ " if element.get("checked") is None else "☑ ", flow)

    def _line_break(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del element, depth
        flow.line_break()

    handlers: ClassVar[dict[str, Handler]] = {
        **dict.fromkeys(EMBEDS, _embed),
        "a": _link,
        "img": _image,
        "input": _checkbox,
        "br": _line_break,
    }


def _is_its_own_image(link: etree._Element) -> bool:
    """Whether a link holds one image and nothing else, and leads to that image, perhaps in a larger size."""
    images = list(link.iter("img"))
    if len(images) != 1 or "emoji" in classes_of(images[0]) or "".join(map(str, link.itertext())).strip():
        return False
    href, source = link.get("href", ""), images[0].get("src", "")
    return is_image_address(href) or bool(source and href.partition("?")[0] == source.partition("?")[0])


def classes_of(element: etree._Element) -> list[str]:
    """Give an element's classes."""
    return (element.get("class") or "").split()
