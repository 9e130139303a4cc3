"""A post's HTML as its platform shows it, freed of what only that platform's own pages can show.

Addresses become absolute, emoji become characters, embedded players become links, and highlighted code becomes plain
code with its language. What is NOT here: sanitising; the result is as hostile as the input.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import urljoin

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from kbgen.sources.html_tree import written

_PARSER = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_WORDLESS = ("script", "style", "noscript", "template", "form", "button")
_PREFIXES = ("language-", "lang-", "brush:")
# Classes beside a language in ``<pre class="highlight python">``.
_NO_LANGUAGE = frozenset(
    (
        "highlight",
        "hljs",
        "code",
        "codehilite",
        "prettyprint",
        "linenums",
        "chroma",
        "plaintext",
        "wysiwyg",
        "notranslate",
    )
)


def read_html(html: str) -> HtmlElement | None:
    """Read a fragment, or a whole page, and give its ``body``; None when it is nested deeper than a tree may be."""
    root = lxml_html.document_fromstring(f"<html><body>{html.translate(_CONTROL)}".encode(), parser=_PARSER)
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in _PARSER.error_log):
        return None
    return next(root.iter("body"), root)


def write_html(element: HtmlElement) -> str:
    """Write what is inside an element."""
    return written(element).strip()


def having(root: HtmlElement, *names: str) -> Iterator[HtmlElement]:
    """The elements that have one of some classes, in document order; the root itself is one of them if it has."""
    wanted = frozenset(names)
    for element in root.iter(etree.Element):
        if not wanted.isdisjoint((element.get("class") or "").split()):
            yield element


def words_of(element: HtmlElement) -> str:
    """The visible words of an element, with single spaces."""
    return " ".join("".join(str(text) for text in element.itertext()).split())


def plain_post(html: str, page: str, *, drop: Collection[str] = ()) -> str:
    """Normalise one post.

    Args:
        html: as the platform gives it.
        page: address of the page it stands on; relative addresses are relative to it.
        drop: classes of elements that are the platform's controls, or repeat what is said elsewhere.
    """
    body = read_html(html)
    if body is None:
        return html
    for element in [*body.iter(*_WORDLESS), *(having(body, *drop) if drop else ())]:
        if element.getparent() is not None:
            element.drop_tree()
    for image in list(body.iter("img")):
        _mend_image(image)
    for frame in list(body.iter("iframe", "embed")):
        _link_to(frame)
    for pre in list(body.iter("pre")):
        _flatten(pre)
    for element in body.iter(etree.Element):
        for name in ("href", "src", "cite"):
            address = (element.get(name) or "").strip()
            if address and not address.startswith("#"):
                element.set(name, _absolute(address, page))
    return write_html(body)


def _absolute(address: str, page: str) -> str:
    try:
        return urljoin(page, address)
    except ValueError:
        return ""


def _mend_image(image: HtmlElement) -> None:
    """Pictures that load late get their address back; emoji become the character they stand for."""
    if "emoji" in (image.get("class") or "").split() and image.get("alt"):
        image.tail = f"{image.get('alt')}{image.tail or ''}"
        image.drop_tree()
        return
    for name in ("data-src", "data-original"):
        if image.get(name) and (image.get("src") or "data:").startswith("data:"):
            image.set("src", str(image.get(name)))


def _link_to(frame: HtmlElement) -> None:
    """What would be a player or another site's page becomes a link to it."""
    address = (frame.get("src") or frame.get("data-src") or frame.get("data-s9e-mediaembed-src") or "").strip()
    if not address.startswith(("http://", "https://", "//")):
        frame.drop_tree()
        return
    tail = frame.tail
    frame.clear()
    frame.tag, frame.tail, frame.text = "a", tail, address.removeprefix("//")
    frame.set("href", address)


def _flatten(pre: HtmlElement) -> None:
    """Replace highlighted code by its text in ``<pre><code class="language-x">``."""
    inner = next(pre.iter("code"), None)
    around = pre.getparent()
    classes = [one.get("class") or "" for one in (inner, pre, around) if one is not None]
    language = next(filter(None, map(_language, classes[:-1])), "") or _language(classes[-1], strict=True)
    for line in list(pre.iter("br")):
        line.tail = f"\n{line.tail or ''}"
    text = "".join(str(part) for part in pre.itertext())
    tail = pre.tail
    pre.clear()
    pre.tail = tail
    code = etree.SubElement(pre, "code", {"class": f"language-{language}"} if language else {})
    code.text = text


def _language(classes: str, *, strict: bool = False) -> str:
    names = classes.replace("brush: ", "brush:").replace(";", " ").split()
    for name in names:
        for prefix in _PREFIXES:
            if name.startswith(prefix) and name != prefix:
                return name.removeprefix(prefix)
    if strict or "highlight" not in names:
        return ""
    return next((name for name in names if name not in _NO_LANGUAGE and name.isascii()), "")
