"""Where in a page a post's text stands, and its markup as the reader saw it. Pure.

Structured data often holds an excerpt, or plain text; the page holds the text itself. What is NOT here: sanitising.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from html import escape, unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from kbgen.sources.markup import plain_post, read_html, write_html
from kbgen.sources.web_items import Html

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what no tree may hold
_PARSER = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_SILENT = frozenset(("script", "style", "template", "noscript"))
# Discourse's list of pages that link here stands at the end of a post.
_CHROME_CLASSES = ("crawler-linkback-list",)
_INLINE = "p|br|div|a|b|i|em|strong|code|pre|ul|ol|li|blockquote|h[1-6]|span|img"
_SMALL = frozenset(
    """p span a b i em strong code pre ul ol li blockquote h1 h2 h3 h4 h5 h6 br img kbd table tbody tr time small u s
    font""".split()  # noqa: SIM905 - a list of words reads better
)
_MARKUP = re.compile(rf"<(?:{_INLINE}|table|kbd)\b[^<>]*>", re.IGNORECASE)
_ESCAPED = re.compile(rf"&lt;/?(?:{_INLINE})\b", re.IGNORECASE)
_PLACES = 10
_PREFIXES = ("post_", "post-", "answer-", "answer_", "comment-", "message-", "M", "p")
_NUMBERS = ("data-message-uid", "data-answerid", "data-post-id", "data-postid", "data-comment-id", "data-id")
_CUT = re.compile(r"(?:\s*(?:…|\.\.\.|\[…\]|\[\.\.\.\]|Read more|Show more))+\s*$", re.IGNORECASE)
_SECRET = re.compile(
    r"^(?:x-amz-.*|x-goog-.*|x-ms-.*|signature|sig|token|access_token|auth|jwt|key|api_?key|expires|ex|is|hm|se|sp|sv|sr|"
    r"policy|key-pair-id|awsaccesskeyid|sid|session_?id|phpsessid)$",
    re.IGNORECASE,
)


def parse_page(text: str) -> HtmlElement | None:
    """Parse a page, or None when nothing is in it."""
    data = _NO_TEXT.sub("", text).encode("utf-8", "replace")
    if not data.strip():
        return None
    try:
        return lxml_html.document_fromstring(data, parser=_PARSER)
    except etree.ParserError:
        return None


def as_markup(text: str) -> str:
    """The markup a text of structured data stands for: it is markup, escaped markup, or plain.

    Plain text keeps its paragraphs and line ends.
    """
    if isinstance(text, Html) or _MARKUP.search(text):
        return str(text)
    if _ESCAPED.search(text):
        return unescape(text)
    plain = unescape(text).replace("\r\n", "\n").strip()
    paragraphs = [escape(part.strip(), quote=False) for part in re.split(r"\n\s*\n", plain) if part.strip()]
    return "".join(f"<p>{part}</p>".replace("\n", "<br>") for part in paragraphs)


def words(markup: str) -> str:
    """The visible text of some markup."""
    root = parse_page(markup) if "<" in markup or "&" in markup else None
    return markup if root is None else "".join(text for _, text in _texts(root))


def is_cut(markup: str) -> bool:
    """Whether a text ends as excerpts do."""
    return _CUT.search(words(markup)) is not None


def squeezed(markup: str) -> str:
    """The letters of a text without any white space, to compare texts by; an excerpt's ending is left out."""
    return "".join(_CUT.sub("", words(markup)).split())


def _texts(root: HtmlElement) -> Iterator[tuple[HtmlElement, str]]:
    """Every visible text with the element it stands in, in order."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start" and element.tag not in _SILENT and element.text:
            yield element, element.text
        elif event == "end" and element is not root and element.tail and element.getparent().tag not in _SILENT:
            yield element.getparent(), element.tail


class PageText:
    """A page's text without white space, and which part of it each element holds.

    Args:
        root: the parsed page.
    """

    def __init__(self, root: HtmlElement) -> None:
        # What stands in the head is no text of the page.
        self._root = root = next(root.iter("body"), root)
        self._spans: dict[HtmlElement, tuple[int, int]] = {}
        self._by_start: list[tuple[int, int, HtmlElement]] = []
        pieces: list[str] = []
        length, starts = 0, {}
        for event, element in etree.iterwalk(root, events=("start", "end")):
            text = ""
            if event == "start":
                starts[element] = length
                text = (element.text or "") if element.tag not in _SILENT else ""
            else:
                self._spans[element] = (starts[element], length)
                self._by_start.append((starts[element], length, element))
                parent = element.getparent()
                if element is not root and parent is not None and parent.tag not in _SILENT:
                    text = element.tail or ""
            piece = "".join(text.split())
            pieces.append(piece)
            length += len(piece)
        self._by_start.sort(key=lambda entry: (entry[0], -entry[1]))
        self._text = "".join(pieces)

    def length(self, element: HtmlElement) -> int:
        """Letters inside an element."""
        start, end = self._spans[element]
        return end - start

    def find(self, letters: str, within: HtmlElement | None = None) -> HtmlElement | None:
        """The element whose text starts with some letters: a post's body, without its frame.

        Where the letters stand several times, as in a preview of the solution, the longest text is taken.

        Args:
            letters: without white space, see ``squeezed``.
            within: look inside this element only.
        """
        first, last = self._spans[self._root if within is None else within]
        best: HtmlElement | None = None
        for _ in range(_PLACES if letters else 0):
            place = self._text.find(letters, first, last)
            if place < 0:
                break
            found = self._smallest(place, place + len(letters), within)
            block = None if found is None else self._block(found, place)
            if block is not None and (best is None or self.length(block) > self.length(best)):
                best = block
            first = place + 1
        return best

    def _smallest(self, place: int, end: int, within: HtmlElement | None) -> HtmlElement | None:
        index = bisect_left(self._by_start, place, key=lambda entry: entry[0])
        best: HtmlElement | None = None
        size = 0
        for number in range(index, len(self._by_start)):
            start, stop, element = self._by_start[number]
            if start != place:
                break
            inside = within is None or element is within or within in element.iterancestors()
            if stop >= end and inside and element.tag != "option" and (best is None or stop - start < size):
                best, size = element, stop - start
        return best

    def _block(self, element: HtmlElement, place: int) -> HtmlElement:
        """The block a paragraph is the first of: an excerpt may end within the first paragraph."""
        found = element
        while found.tag in _SMALL:
            parent = found.getparent()
            if parent is None or parent.tag in {"body", "html"} or self._spans[parent][0] != place:
                return found
            found = parent
        return found


class Anchors:
    """Where the addresses of a page's posts lead.

    Platforms write the number of a post as ``post_2``, ``answer-2``, ``M77``, or as an attribute of their own.

    Args:
        root: the parsed page.
    """

    def __init__(self, root: HtmlElement) -> None:
        self._named: dict[str, HtmlElement] = {}
        self._numbered: dict[str, HtmlElement] = {}
        for element in root.iter(etree.Element):
            for name in (element.get("id"), element.get("name")):
                if name and element.tag not in {"meta", "input"}:
                    self._named.setdefault(name, element)
            for name in _NUMBERS:
                if element.get(name):
                    self._numbered.setdefault(element.get(name, ""), element)

    def find(self, url: str) -> HtmlElement | None:
        """The element an address leads to: by its fragment, else by the last number in it."""
        parts = urlsplit(url)
        if parts.fragment in self._named:
            return _container(self._named[parts.fragment])
        numbers = re.findall(r"\d+", parts.fragment or parts.path)
        if not numbers:
            return None
        names = [f"{word}{numbers[-1]}" for word in _PREFIXES]
        named = next((self._named[name] for name in names if name in self._named), None)
        return _container(named) if named is not None else self._numbered.get(numbers[-1])


def _container(element: HtmlElement) -> HtmlElement:
    # An anchor that holds nothing only marks the place: what it marks is around it.
    parent = element.getparent()
    return parent if element.tag == "a" and not element.text_content().strip() and parent is not None else element


def nearest_id(element: HtmlElement | None) -> str:
    """The id an address can lead to, of the element or of one around it; "" when there is none."""
    while element is not None and element.tag not in {"body", "html", "main"}:
        if element.get("id"):
            return str(element.get("id"))
        element = element.getparent()
    return ""


def tidy(markup: str, url: str) -> str:
    """A post's markup without controls, with absolute addresses that hold no token.

    Args:
        markup: as the page has it.
        url: of the page.
    """
    plain = plain_post(markup, url, drop=_CHROME_CLASSES)
    body = read_html(plain) if "?" in plain else None
    if body is None:
        return plain
    for element in body.iter(etree.Element):
        element.attrib.pop("srcset", None)
        for name in ("href", "src"):
            if element.get(name):
                element.set(name, without_tokens(element.get(name, "")))
    return write_html(body)


def without_tokens(url: str) -> str:
    """An address without what signs it or logs somebody in: such links end, and are nobody else's."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.query:
        return url
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if not _SECRET.match(name)]
    return url if len(kept) == len(query) else urlunsplit(parts._replace(query=urlencode(kept)))
