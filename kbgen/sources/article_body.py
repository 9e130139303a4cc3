"""The body of an article: rendered, without its repeated title, and with links that hold on this site. Pure.

What is NOT here: sanitising, and the front matter (``article_fields``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote, urljoin

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement
from msgspec import Struct

from kbgen.sources.emoji import with_emoji
from kbgen.sources.html_tree import written
from kbgen.sources.markdown import rendered

_KINDS = r"\.(?:md|markdown|html?|docx)"
_LINKED = re.compile(
    rf"""(?:\]\(\s*|\]:\s*|href=["'])(?:<([^<>\n#?]+{_KINDS})|([^\s<>"')#?]+{_KINDS}))(?![^\s<>"')#?])""", re.IGNORECASE
)
_SCHEME = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|//)")
# Icons of Material's emoji extension, which are pictures only where that extension runs.
_ICON = re.compile(r":(?:material|fontawesome|octicons|simple)-([\w-]+):(?:\{[^{}\n]*\})?")
_SHORTCODE = re.compile(r":[a-z0-9_+-]+:")
# Those that say yes, no or beware in a table, under the names of the four sets; all others decorate words.
_STYLE = re.compile(r"(?:^|-)(?:solid|regular|outline|bold|thick|box|circle|fill|\d+)(?=-|$)")
_MEANT = {"check": "✓", "close": "✗", "xmark": "✗", "x": "✗", "alert": "⚠"}
_PARSER = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what no tree may hold
_SILENT = frozenset(("script", "style", "template"))

# What documentation generators put beside a heading: a link to the heading itself.
_PERMALINKS = frozenset(("", "¶", "#", "§", "🔗"))

# GitHub's alert blocks, and the admonitions they are here.
_ALERT = re.compile(r"\s*\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*", re.IGNORECASE)
_ALERTS = {"note": "note", "tip": "tip", "important": "info", "warning": "warning", "caution": "danger"}


class Body(Struct, frozen=True):
    """A rendered body.

    Attributes:
        html: without the heading that repeats the title; hostile.
        text: its visible words.
        heading: the first heading of level 1, "" when there is none.
        warnings: what could not be kept, each a complete sentence.
    """

    html: str
    text: str
    heading: str
    warnings: tuple[str, ...] = ()


def linked_files(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Find relative links of Markdown to files that may be articles.

    Args:
        text: Markdown.
        name: path of the file it stands in, relative to the folder.

    Yields:
        The link as written, percent-decoded, and the path it leads to, relative to the folder.
    """
    for found in _LINKED.finditer(text):
        link = unquote(found[1] or found[2])
        if not _SCHEME.match(link) and not link.startswith("/"):
            yield link, posixpath.normpath(posixpath.join(posixpath.dirname(name), link))


def read_body(text: str, title: str, links: Mapping[str, str], url: str | None) -> Body:
    """Render an article's Markdown.

    Args:
        text: Markdown without front matter.
        title: from the front matter, "" when there is none.
        links: relative links to other articles, as ``linked_files`` gives them, to their refs.
        url: where the article lives, for its other relative links; None when nowhere else.

    Raises:
        RecursionError: the text is nested too deeply, or repeats too much.
    """
    html = rendered(text)
    if html is None:
        raise RecursionError
    return html_body(html, title, links, url, shortcodes=True)


def html_body(html: str, title: str, links: Mapping[str, str], url: str | None, *, shortcodes: bool = False) -> Body:
    """Read an article's body that is HTML already.

    Args:
        html: what is inside of the body.
        title: the article's, "" when there is none.
        links: relative links to other articles, to their refs.
        url: where the article lives, for its other relative links; None when nowhere else.
        shortcodes: names between colons are emoji, as in Markdown.

    Raises:
        RecursionError: the text is nested deeper than 250 levels.
    """
    rendered = _NO_TEXT.sub("", html)
    body = _parse(rendered)
    heading = _take_heading(body, title)
    if _ICON.search(rendered):
        _in_prose(body, lambda said: _ICON.sub(_meaning, said))
    if shortcodes and _SHORTCODE.search(rendered):
        _in_prose(body, with_emoji)
    for quote in list(body.iter("blockquote")):
        _mend_alert(quote)
    for link in list(body.iter("a")):
        if _is_permalink(link):
            link.drop_tree()
    unreachable = sum(not _mend_link(link, links, url) for link in list(body.iter("a")))
    pictures = sum(not _keep_image(image) for image in list(body.iter("img")))
    warnings = []
    if unreachable:
        warnings.append(f"{_count(unreachable, 'link')} to files that are not articles here became plain text.")
    if pictures:
        warnings.append(f"{_count(pictures, 'picture')} of the folder became the description, as no files are copied.")
    return Body(written(body).strip(), " ".join(_words(body).split()), heading, tuple(warnings))


def _parse(html: str) -> HtmlElement:
    # The end is left open: an unclosed ``textarea`` would take closing tags for text.
    root = lxml_html.document_fromstring(f"<html><body>{html}".encode(), parser=_PARSER)
    # The parser leaves out what is nested deeper than it goes.
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in _PARSER.error_log):
        raise RecursionError
    return next(root.iter("body"), root)


def _words(inside: HtmlElement) -> str:
    texts = _texts(inside)
    return "".join(getattr(*found) for found in texts if found[1] == "tail" or found[0].tag not in _SILENT)


def _texts(root: HtmlElement) -> Iterator[tuple[HtmlElement, str]]:
    """Find the texts inside an element, each as an element and which of its attributes holds it."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        part = "text" if event == "start" else "tail"
        if getattr(element, part) and (part == "text" or element is not root):
            yield element, part


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _take_heading(body: HtmlElement, title: str) -> str:
    """Remove the first heading when it is the title and nothing that is shown stands before it."""
    first = next(body.iter("h1"), None)
    if first is None:
        return ""
    heading = " ".join(_ICON.sub("", _words(first)).split())
    leading = first.getparent() is body and all(one.tag in _SILENT for one in first.itersiblings(preceding=True))
    if leading and (not title or heading.casefold() == " ".join(title.split()).casefold()):
        first.drop_tree()
    return heading


def _in_prose(body: HtmlElement, change: Callable[[str], str]) -> None:
    """Change every text that is not code."""
    for element, part in list(_texts(body)):
        inner = element if part == "text" else element.getparent()
        if inner is not None and not any(one.tag in {"pre", "code"} for one in (inner, *inner.iterancestors())):
            setattr(element, part, change(getattr(element, part)))


def _meaning(icon: re.Match[str]) -> str:
    return _MEANT.get(_STYLE.sub("", icon[1]).strip("-"), "")


def _mend_alert(quote: HtmlElement) -> None:
    element, part = next((found for found in _texts(quote) if getattr(*found).strip()), (quote, "text"))
    text = getattr(element, part) or ""
    found = _ALERT.match(text)
    if found is None:
        return
    setattr(element, part, text[found.end() :])
    kind = found[1].lower()
    quote.tag = "div"
    quote.attrib.clear()
    quote.set("class", f"admonition {_ALERTS[kind]}")
    title = etree.SubElement(quote, "p", {"class": "admonition-title"})
    title.text, title.tail, quote.text = kind.capitalize(), quote.text, None
    quote.insert(0, title)


def _is_permalink(link: HtmlElement) -> bool:
    named = link.get("id") or link.get("name")
    return link.get("href", "").startswith("#") and not named and _words(link).strip("\u200b ") in _PERMALINKS


def _mend_link(link: HtmlElement, links: Mapping[str, str], url: str | None) -> bool:
    href = link.get("href", "#").strip()
    if _SCHEME.match(href) or href.startswith("#"):
        return True
    path, mark, fragment = href.partition("#")
    ref = links.get(unquote(path.partition("?")[0]))
    if ref is not None:
        link.set("href", f"kb:{ref}{mark}{fragment}")
    elif url is not None and not path.lower().endswith(".md"):
        link.set("href", urljoin(url, href))
    else:
        link.drop_tag()
        return False
    return True


def _keep_image(image: HtmlElement) -> bool:
    if _SCHEME.match(image.get("src", "").strip()):
        return True
    image.tail = image.get("alt", "") + (image.tail or "")
    image.drop_tree()
    return False
