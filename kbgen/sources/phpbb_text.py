"""A post's text as phpBB keeps it, as the HTML its readers saw: XML since 3.2, signed BBCode until 3.1.

Since 3.2 (TextFormatter) a text is XML: ``<t>`` holds plain words, ``<r>`` elements in upper case whose ``<s>`` and
``<e>`` repeat the BBCode they were made of. Until 3.1 it is escaped HTML whose valid tags end with the post's
``bbcode_uid``. What is NOT here: the tables (``phpbb``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from kbgen.sources.bbcode import SIGN, Dialect, bbcode_html

Element = etree._Element  # noqa: SLF001 - the only name of its type

_XML = re.compile(r"\s*<[rt](?:>|\s|/>)")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ue000\ufffe\uffff]")
_MARKERS = frozenset(("s", "e", "i"))
_INLINE = {"B": "strong", "I": "em", "U": "u", "S": "s", "STRONG": "strong", "EM": "em", "DEL": "s", "C": "code"}
_INLINE |= {"SUB": "sub", "SUP": "sup", "LI": "li", "TABLE": "table", "TR": "tr", "TD": "td", "TH": "th", "HR": "hr"}
_BLOCKS = frozenset(("blockquote", "pre", "ul", "ol", "li", "details", "table", "tr", "td", "th", "hr", "p"))
# Our own tags, with the breaks beside them.
_BESIDE = re.compile(rf"(?:<br> ?)?+(</?(?:{'|'.join(sorted(_BLOCKS))})(?:>| [^<>]*+>))(?: ?<br>)?+ ?")
_LANGUAGE = re.compile(r"[A-Za-z0-9+#_-]{1,30}")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_PARSER = lxml_html.HTMLParser(encoding="utf-8", remove_pis=True)


def post_html(text: str, uid: str, dialect: Dialect) -> str:
    """Turn a post's text into HTML.

    Args:
        text: the column ``post_text``.
        uid: the column ``bbcode_uid``.
        dialect: addresses of the forum.
    """
    text = _UNFIT.sub("", text)
    root = _xml(text) if _XML.match(text) else None
    return _Xml(dialect).html(root) if root is not None else _legacy(text, uid, dialect)


def _xml(text: str) -> Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(text.strip().encode(), parser)
    except etree.XMLSyntaxError:
        # A text of an older version that happens to begin so.
        return None


class _Xml:
    """Writes HTML from a text's XML; libxml2 has bounded its depth."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._elements: dict[str, Callable[[Element, str], str]] = {
            "QUOTE": self._quote,
            "CODE": _code,
            "URL": self._link,
            "IMG": _image,
            "LIST": _list,
            "SPOILER": _spoiler,
            "ATTACHMENT": self._attachment,
            "YOUTUBE": _video,
            "MEDIA": _video,
            "HIDE": lambda _element, _inner: "",
        }

    def html(self, root: Element) -> str:
        """The whole text."""
        return self._inside(root, code=False).strip()

    def _inside(self, element: Element, *, code: bool) -> str:
        parts = [_words(element.text, code=code)]
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _MARKERS:
                parts.append(self._element(child, code=code))
            parts.append(_words(child.tail, code=code))
        return _tidy("".join(parts)) if not code else "".join(parts)

    def _element(self, element: Element, *, code: bool) -> str:
        tag = element.tag
        if tag == "br":
            return "" if code else "<br>"
        inner = self._inside(element, code=code or tag == "CODE")
        if code:
            return inner
        if tag in self._elements:
            return self._elements[tag](element, inner)
        name = _INLINE.get(tag)
        if name == "hr":
            return "<hr>"
        # Colours, sizes, smilies, mentions and what extensions added are their words.
        return f"<{name}>{inner}</{name}>" if name else inner

    def _quote(self, element: Element, inner: str) -> str:
        who, post = element.get("author", ""), element.get("post_id", "")
        head = ""
        if who:
            address = escape(self._dialect.post.replace("{0}", post)) if post.isdecimal() and self._dialect.post else ""
            named = escape(f"{who}:")
            head = f'<p><a href="{address}">{named}</a></p>' if address else f"<p>{named}</p>"
        return f"<blockquote>{head}{inner.strip()}</blockquote>"

    def _link(self, element: Element, inner: str) -> str:
        address = element.get("url", "").strip()
        return f'<a href="{escape(address)}">{inner or escape(address)}</a>' if _WEB.match(address) else inner

    def _attachment(self, element: Element, _inner: str) -> str:
        name = escape(element.get("filename", "") or "attachment")
        return f'<a href="{escape(self._dialect.attachment)}">{name}</a>' if self._dialect.attachment else name


def _words(text: str | None, *, code: bool) -> str:
    # A break is an element of its own; the line feed after it is layout, and in code it is the line's end.
    return escape(text or "", quote=False) if code else escape((text or "").replace("\n", " "), quote=False)


def _tidy(html: str) -> str:
    """Line feeds beside blocks are theirs: forums write each block on a line of its own."""
    return _BESIDE.sub(r"\1", html).replace("<br> ", "<br>\n")


def _code(element: Element, inner: str) -> str:
    language = _LANGUAGE.fullmatch(element.get("lang", ""))
    attribute = f' class="language-{language[0].lower()}"' if language else ""
    return f"<pre><code{attribute}>{inner.strip(chr(10))}</code></pre>"


def _image(element: Element, inner: str) -> str:
    address = element.get("src", "").strip()
    return f'<img src="{escape(address)}" alt="">' if _WEB.match(address) else inner


def _list(element: Element, inner: str) -> str:
    kind = element.get("type", "")
    name = "ol" if kind.startswith(("decimal", "lower", "upper")) or kind in set("1aAiI") - {""} else "ul"
    return f"<{name}>{inner.strip()}</{name}>"


def _spoiler(element: Element, inner: str) -> str:
    title = escape(element.get("title", "") or element.get("spoiler", "") or "Spoiler")
    return f"<details><summary>{title}</summary>{inner}</details>"


def _video(element: Element, inner: str) -> str:
    address = "".join(text for text in map(str, element.itertext()) if _WEB.match(text.strip()))
    if not address and re.fullmatch(r"[A-Za-z0-9_-]{6,20}", element.get("id", "")):
        address = f"https://www.youtube.com/watch?v={element.get('id')}"
    address = escape(address.strip())
    return f'<a href="{address}">{address}</a>' if address else inner


def _legacy(text: str, uid: str, dialect: Dialect) -> str:
    """A text of phpBB 3.1 and older: its few HTML pieces become signed BBCode, then all of it HTML again."""
    if uid:
        text = re.sub(rf"(?::[a-z])?:{re.escape(uid)}(?=\])", SIGN, text)
    body = lxml_html.document_fromstring(f"<html><body>{text}".encode(), parser=_PARSER).find("body")
    plain = "".join(_signed(body)) if body is not None else ""
    return bbcode_html(plain, dialect._replace(signed=True, autolink=False))


def _signed(element: HtmlElement) -> list[str]:
    parts = [element.text or ""]
    for child in element:
        if child.tag == "img":
            # A smiley; pictures of members are BBCode.
            parts.append(child.get("alt", ""))
        elif child.tag == "br":
            parts.append("\n")
        elif child.tag == "a":
            words, address = "".join(_signed(child)), child.get("href", "")
            fit = _WEB.match(address) and not set("[]") & set(address)
            parts.append(f"[url={address}{SIGN}]{words}[/url{SIGN}]" if fit else words)
        elif isinstance(child.tag, str):
            parts += _signed(child)
        parts.append(child.tail or "")
    return parts
