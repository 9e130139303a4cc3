"""GitHub's rendered Markdown, freed of what only GitHub's own pages can show.

What is NOT here: sanitising; the result is as hostile as the input.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lxml.html import Element, HtmlElement

from kbgen.sources.html_tree import classes, empty, inside, parse, replace_with_text, text_of

_WORK = re.compile(r"""class=|<(?:img|svg|g-emoji|clipboard|input|video|task-|markdown-)|(?:href|src)=["']/|[?&]jwt=""")
# An upload's own name in the address that shows it for some minutes: /<user>/<number>-<uuid>.png
_UPLOAD = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROLS = ("svg", "clipboard-copy", "input", "form", "button")
_LANGUAGE = "highlight-source-"


def plain_github(html: str, repository: str) -> str:
    """Normalise a post's HTML.

    Args:
        html: ``bodyHTML`` as GitHub gives it.
        repository: its address; relative links are seen from that host.
    """
    if not _WORK.search(html):
        return html
    body = parse(html)
    for control in list(body.iter(*_CONTROLS)):
        control.drop_tree()
    for emoji in list(body.iter("g-emoji")):
        replace_with_text(emoji, text_of(emoji))
    for block in [one for one in body.iter("div") if "highlight" in classes(one)]:
        _mend_code(block)
    parts = urlsplit(repository)
    for link in list(body.iter("a")):
        _mend_link(link, f"{parts.scheme}://{parts.netloc}")
    for image in list(body.iter("img", "video")):
        _mend_image(image)
    return inside(body)


def _mend_code(block: HtmlElement) -> None:
    pre = next(block.iter("pre"), None)
    # Code that a block inside of this one was part of is one text by now.
    if pre is None or block.getparent() is None:
        return
    language = next((name.removeprefix(_LANGUAGE) for name in classes(block) if name.startswith(_LANGUAGE)), "")
    code = Element("code", {"class": f"language-{language}"} if language else {})
    code.text = "".join(pre.itertext())
    empty(pre)
    pre.append(code)
    block.drop_tag()


def _mend_link(link: HtmlElement, host: str) -> None:
    address = link.get("href", "")
    if "anchor" in classes(link):
        link.drop_tag()
        return
    link.attrib.pop("class", None)
    if address.startswith("/") and not address.startswith("//"):
        link.set("href", host + address)
    elif address:
        link.set("href", _lasting(address))


def _mend_image(image: HtmlElement) -> None:
    address = image.get("data-canonical-src") or image.get("src", "")
    image.attrib.pop("data-canonical-src", None)
    if address:
        image.set("src", _lasting(address))


def _lasting(address: str) -> str:
    """An upload's own address instead of the signed one that expires; no token stays in any."""
    parts = urlsplit(address)
    if not parts.netloc.endswith("githubusercontent.com"):
        return address
    upload = _UPLOAD.search(parts.path)
    if parts.netloc.startswith("private-user-images") and upload:
        return f"https://github.com/user-attachments/assets/{upload[0]}"
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
