"""An article that is an HTML page: what its head says, and the element that holds its words. Pure.

What is NOT here: the body's links and words (``article_body``), pages of Confluence (``article_confluence``), and
sanitising.
"""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Iterator
from datetime import datetime
from html import escape
from urllib.parse import unquote

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement
from msgspec import Struct

from kbgen.errors import RecordError
from kbgen.sources.article_confluence import ConfluencePage, is_confluence, read_confluence
from kbgen.sources.article_fields import ArticleFields
from kbgen.sources.fields import read_time

_PARSER = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SCHEME = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|//)")
# html.spec.whatwg.org, "prescan a byte stream to determine its encoding", for pages that keep to its usual forms.
_CHARSET = re.compile(rb"""<meta[^>]+?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_PRESCAN = 1024
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Where pages keep their words, most certain first.
_MAIN = (
    "//*[@id='main-content']",
    "//main",
    "//*[@role='main']",
    "//*[@itemprop='articleBody']",
    "//article",
    "//*[@id='content']",
)
_NOISE = frozenset(("script", "style", "noscript", "template", "nav", "form", "button", "svg"))
_OUTSIDE = frozenset(("header", "footer", "aside"))


class HtmlPage(Struct, frozen=True):
    """A page in its parts.

    Attributes:
        fields: what the page says of itself.
        body: the HTML of its main element, without the heading that is the title.
        url: its canonical address, None when it names none.
    """

    fields: ArticleFields
    body: str
    url: str | None = None


def decode_html(data: bytes) -> str:
    """Decode a page by its byte order mark, its ``meta``, as UTF-8, or else as Windows-1252."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    found = _CHARSET.search(data[:_PRESCAN])
    try:
        declared = codecs.lookup(found[1].decode("ascii")).name if found else "utf-8"
    except LookupError:
        declared = "utf-8"
    for name in (declared, "utf-8", "cp1252"):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def parse_page(text: str) -> HtmlElement:
    """Parse a whole page.

    Raises:
        RecursionError: it is nested deeper than libxml2 goes.
    """
    text = _NO_TEXT.sub("", text).strip() or "<html></html>"
    root = lxml_html.document_fromstring(text.encode(), parser=_PARSER)
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in _PARSER.error_log):
        raise RecursionError
    return root


def html_links(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Find relative links of a page.

    Args:
        text: the page.
        name: its path, relative to the folder.

    Yields:
        The link as written without query and fragment, percent-decoded, and the path it leads to.
    """
    for link in parse_page(text).iter("a"):
        path = unquote(link.get("href", "").strip().partition("#")[0].partition("?")[0])
        if path and not _SCHEME.match(path) and not path.startswith("/"):
            yield path, posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def read_html(text: str, file: str, main: str | None) -> HtmlPage:
    """Read a page.

    Args:
        text: the whole page.
        file: its name, for messages.
        main: CSS selector of the element that holds the article; None to find it.

    Raises:
        RecordError: the selector matches nothing.
        RecursionError: the page is nested too deeply.
    """
    root = parse_page(text)
    if main is None and is_confluence(root):
        return _of_confluence(read_confluence(root))
    element = _selected(text, main, file) if main else _main(root)
    _clean(element, whole=element.tag == "body")
    heading = _take_title(element)
    title = heading or _meta(root, "og:title") or _words(next(root.iter("title"), None))
    fields = ArticleFields(
        title=title,
        description=_meta(root, "description", "og:description"),
        tags=_listed(_meta(root, "keywords")),
        owner=_meta(root, "author"),
        created=_time(root, "article:published_time", "date", "dcterms.created"),
        updated=_time(root, "article:modified_time", "last-modified", "dcterms.modified"),
        lang=root.get("lang", "").strip() or None,
    )
    return HtmlPage(fields, inner_html(element), _canonical(root))


def _of_confluence(page: ConfluencePage) -> HtmlPage:
    fields = ArticleFields(title=page.title, category=page.category, updated=page.updated, tags=page.labels)
    return HtmlPage(fields, inner_html(page.content))


def inner_html(element: HtmlElement) -> str:
    """The HTML inside an element."""
    children = (etree.tostring(child, encoding="unicode", method="html") for child in element)
    return escape(element.text or "", quote=False) + "".join(children)


def _selected(text: str, selector: str, file: str) -> HtmlElement:
    # Here, because few name a selector, and only this parser knows them.
    from bs4 import BeautifulSoup  # noqa: PLC0415

    found = BeautifulSoup(_NO_TEXT.sub("", text), "lxml").select_one(selector)
    if found is None:
        raise RecordError(file, f"nothing in the page matches `main: {selector}`; mend it, or exclude the file")
    body = parse_page(f"<html><body>{found.decode_contents()}</body></html>").find("body")
    return body if body is not None else parse_page("")


def _main(root: HtmlElement) -> HtmlElement:
    for path in _MAIN:
        found = root.xpath(path)
        # Several articles are a list of previews.
        if len(found) == 1:
            return found[0]
    body = root.find("body")
    return body if body is not None else root


def _clean(element: HtmlElement, *, whole: bool) -> None:
    unwanted = _NOISE | _OUTSIDE if whole else _NOISE
    for child in list(element.iter()):
        hidden = child.get("hidden") is not None or child.get("aria-hidden") == "true"
        if child is not element and (child.tag in unwanted or hidden) and child.getparent() is not None:
            child.drop_tree()


def _take_title(element: HtmlElement) -> str:
    """Remove the heading that is the page's title: the one called so, or the only one of the first level."""
    headings = list(element.iter("h1"))
    named = [heading for heading in headings if "title" in heading.get("class", "").split()]
    headings = named or headings
    if len(headings) != 1:
        return ""
    title = _words(headings[0])
    if title:
        headings[0].drop_tree()
    return title


def _words(element: HtmlElement | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())


def _meta(root: HtmlElement, *names: str) -> str:
    for name in names:
        for element in root.iter("meta"):
            key = element.get("name") or element.get("property") or ""
            if key.lower() == name and element.get("content", "").strip():
                return " ".join(element.get("content", "").split())
    return ""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _time(root: HtmlElement, *names: str) -> datetime | None:
    for name in names:
        try:
            found = read_time(_meta(root, name))
        except ValueError:
            # Pages write dates for people too.
            continue
        if found is not None:
            return found
    return None


def _canonical(root: HtmlElement) -> str | None:
    for element in root.iter("link"):
        address = str(element.get("href", "")).strip()
        if element.get("rel", "").lower() == "canonical" and re.fullmatch(r"https?://[^/\s]+\S*", address):
            return address
    return None
