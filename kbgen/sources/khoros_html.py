"""A Khoros post's HTML, freed of the elements only Khoros's own pages can show.

Mentions and links to posts become links, code keeps its language, spoilers can be opened, images get their addresses.
What is NOT here: sanitising; the result is as hostile as the input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from lxml import etree
from lxml.html import HtmlElement

from kbgen.sources.markup import plain_post, read_html, write_html

_SPACES = re.compile("[ \xa0]+")
_PREFORMATTED = frozenset(("pre", "code", "li-code"))


def plain_message(body: str, site: str, page: str) -> str:
    """Normalise one message.

    Args:
        body: as the API gives it.
        site: address of the community without a last slash.
        page: address of the message.
    """
    root = read_html(body)
    if root is None:
        return body
    _close_up(root)
    for element in [one for one in root.iter(etree.Element) if str(one.tag).startswith("li-")]:
        if element.getparent() is not None:
            _ELEMENTS.get(str(element.tag), _unwrap)(element, site)
    for empty in [one for one in root.iter("p") if not len(one) and not (one.text or "").strip()]:
        empty.drop_tree()
    return plain_post(write_html(root), page)


def _close_up(root: HtmlElement) -> None:
    """The editor writes runs of non-breaking spaces where people pressed the space bar, or nothing."""
    for element in root.iter(etree.Element):
        inside = {element.tag, *(one.tag for one in element.iterancestors())}
        if element.text and _PREFORMATTED.isdisjoint(inside):
            element.text = _SPACES.sub(_one_space, element.text)
        if element.tail and _PREFORMATTED.isdisjoint(inside - {element.tag}):
            element.tail = _SPACES.sub(_one_space, element.tail)


def _one_space(run: re.Match[str]) -> str:
    return " " if "\xa0" in run[0] else run[0]


def _become(element: HtmlElement, tag: str, attributes: Mapping[str, str]) -> None:
    element.tag = tag
    element.attrib.clear()
    element.attrib.update(attributes)


def _user(element: HtmlElement, site: str) -> None:
    uid, login = element.get("uid", ""), element.get("login", "")
    for child in list(element):
        child.drop_tag()
    element.text = f"@{login}" if login else element.text
    _become(element, "a", {"href": f"{site}/t5/user/viewprofilepage/user-id/{quote(uid, safe='')}"} if uid else {})


def _code(element: HtmlElement, _site: str) -> None:
    language = re.sub(r"[^\w+#.-]", "", element.get("lang", "")).lower()
    text = "".join(str(part) for part in element.itertext())
    tail = element.tail
    element.clear()
    element.tag, element.tail = "pre", tail
    code = etree.SubElement(element, "code", {"class": f"language-{language}"} if language else {})
    code.text = text


def _spoiler(element: HtmlElement, _site: str) -> None:
    label = element.get("label") or "Spoiler"
    _become(element, "details", {})
    summary = etree.Element("summary")
    summary.text, summary.tail, element.text = label, element.text, None
    element.insert(0, summary)


def _image(element: HtmlElement, site: str) -> None:
    number, alt = element.get("id", ""), element.get("alt") or element.get("title") or ""
    if not number:
        element.drop_tree()
        return
    source = f"{site}/t5/image/serverpage/image-id/{quote(number, safe='')}"
    # HTML knows no end of an image: what stands in it, a caption, would be lost.
    caption = "".join(str(part) for part in element.itertext()).strip()
    tail = element.tail or ""
    element.clear()
    element.tail = f"{caption}{tail}"
    _become(element, "img", {"src": source, "alt": alt})


def _message(element: HtmlElement, site: str) -> None:
    address = element.get("url") or f"{site}/t5/forums/replypage/message-id/{quote(element.get('uid', ''), safe='')}"
    if not "".join(str(part) for part in element.itertext()).strip():
        element.text = element.get("title") or address
    _become(element, "a", {"href": address})


def _named(element: HtmlElement, _site: str) -> None:
    element.text = element.get("title") or element.get("alt") or element.text
    element.drop_tag()


def _unwrap(element: HtmlElement, _site: str) -> None:
    element.drop_tag()


_ELEMENTS: Mapping[str, Callable[[HtmlElement, str], None]] = {
    "li-user": _user,
    "li-code": _code,
    "li-spoiler": _spoiler,
    "li-image": _image,
    "li-message": _message,
    "li-emoji": _named,
    "li-product": _named,
}
