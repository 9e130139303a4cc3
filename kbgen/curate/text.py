"""Plain text, slugs, descriptions and titles: the only makers of ``PlainText`` and ``Slug``.

Markup is cleaned in ``sanitise``; which words are private is known in ``privacy``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from lxml import etree

from kbgen.model import PlainText, Slug

# C0 and C1 controls but tab, newline, return and form feed; lone surrogates and non-characters, which no UTF-8
# writer accepts; bidirectional embeddings, overrides and isolates, which spill over into the text around them
# (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing). LRM, RLM and the joiners stay: words need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_UNWANTED_ASCII = dict.fromkeys((*range(0x09), 0x0B, *range(0x0E, 0x20), 0x7F))
_SPACE = re.compile(r"\s+")
_HTML = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_BLOCK_NAMES = (
    "address article aside blockquote br caption center dd details div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr legend li main nav ol option p pre section summary table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_SILENT = frozenset(("script", "style", "template", "noscript", "title", "head", "svg"))
_CODE = frozenset(("pre", "code", "kbd", "samp"))
_NO_PROSE = frozenset(("pre", "blockquote", "table", "h1", "h2", "h3", "h4", "h5", "h6", "summary", "script", "style"))

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")  # Windows opens these names as devices
_SLUG_WORDS = (
    (re.compile(r"(?<=\w)\+\+"), "-plus-plus"),
    (re.compile(r"(?<!\w)(\w)#(?!\w)"), r"\1-sharp"),
    (re.compile(r"(?<!\w)\.net\b"), "dot-net"),
    (re.compile(r"(?<=\w)['’](?=\w)"), ""),  # noqa: RUF001
)

_SOLVED = (
    "solved|resolved|answered|closed|fixed|done|unsolved|help|help please|urgent|question|resuelto|solucionado|résolu|"
    "resolu|gelöst|geloest|risolto|rozwiązane|rozwiązany|решено|解決済み|解決|已解决|已解決|해결|해결됨|נפתר|פתור|محلول"
)
_STATUS = re.compile(rf"[\[({{【]\s*({_SOLVED})\s*[!.]*\s*[\])}}】]\s*[:\-–—|]*", re.IGNORECASE)  # noqa: RUF001
_LEAD = re.compile(rf"^({_SOLVED})\s*(:|!+|\s[-–—|]\s)\s*", re.IGNORECASE)  # noqa: RUF001
_TAIL = re.compile(
    r"[\s,.!?:\-–—]+((please|pls|plz)\s+help(\s+me)?|help(\s+me)?(\s+please)?|urgent)\s*!+$",  # noqa: RUF001
    re.IGNORECASE,
)
_TITLE_STEPS = (
    (_STATUS, " "),
    (_LEAD, ""),
    (_TAIL, ""),
    (re.compile(r"[!?]*\?[!?]*"), "?"),
    (re.compile(r"!{2,}$"), ""),
    (re.compile(r"([!,;:])\1+"), r"\1"),
)
_GREETING = re.compile(
    r"^(hi|hello|hey|dear|welcome|thanks|thank you|good (morning|evening|day)|yes|no|ok|okay)\b[^.!?:;]{0,30}[,.!:]*$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<![.( ][A-Za-z])[.!?…]['\")\]]?(?=\s|$)|[。！？]")  # noqa: RUF001
_DESCRIPTION = (70, 160)
_LONGEST_TITLE = 300  # no platform allows more; the patterns above are not for megabytes


Html = str | etree._Element | None  # noqa: SLF001
"""HTML as written, or already parsed by ``parse``."""


def scrub(text: str) -> str:
    """Remove characters that are no text: controls, lone surrogates, bidirectional overrides."""
    return text.translate(_UNWANTED_ASCII) if text.isascii() else _UNWANTED.sub("", text)


def plain_text(text: str) -> PlainText:
    """Make ``PlainText`` of text: NFC, no control characters, whitespace collapsed. Markup is not interpreted.

    Args:
        text: text, entities already decoded; ``<b>`` in it stays the three characters it is.
    """
    return PlainText(" ".join(unicodedata.normalize("NFC", scrub(text)).split()))


def html_text(html: Html, *, code: bool = True) -> PlainText:
    """Give the visible words of HTML; block boundaries become spaces.

    Args:
        html: any HTML, or what ``parse`` made of it.
        code: whether the words of code count.
    """
    pieces: list[str] = []
    root = parse(html) if isinstance(html, str) else html
    if root is not None:
        _collect(root, pieces, _SILENT if code else _SILENT | _CODE)
    return plain_text("".join(pieces))


def parse(html: str) -> etree._Element | None:
    """Parse HTML to the element that holds it (``body``), or None when there is nothing in it."""
    if not html or html.isspace():
        return None
    root = etree.fromstring(f"<html><body>{scrub(html)}</body></html>".encode(), _HTML)
    return None if root is None else root.find("body")


def _collect(root: etree._Element, pieces: list[str], skipped: frozenset[str]) -> None:
    # An explicit walk: a hostile tree is deeper than Python's stack.
    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            silent += element.tag in skipped
            if element.tag in _BLOCKS:
                pieces.append(" ")
            if not silent and element.text:
                pieces.append(element.text)
            continue
        silent -= element.tag in skipped
        if element.tag in _BLOCKS:
            pieces.append(" ")
        if not silent and element.tail and element is not root:
            pieces.append(element.tail)


@lru_cache(maxsize=50_000)
def slugify(text: str, max_bytes: int = 80) -> Slug:
    """Make a slug: lower-case letters and digits of any script, joined by hyphens; never empty.

    Args:
        text: words, such as a title or a tag.
        max_bytes: longest result in UTF-8 bytes; file names and percent-encoded addresses are limited in bytes.
    """
    words = unicodedata.normalize("NFKC", scrub(text)).lower()
    for pattern, replacement in _SLUG_WORDS:
        words = pattern.sub(replacement, words)
    kept = "".join(char if _in_slug(char) else "-" for char in words)
    slug = "-".join(part for part in kept.split("-") if part)
    slug = _cut(unicodedata.normalize("NFC", slug), max_bytes) or "x"
    return Slug(f"{slug}-x" if _RESERVED.fullmatch(slug) else slug)


def _in_slug(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char).startswith("M")


def _cut(slug: str, max_bytes: int) -> str:
    data = slug.encode()
    if len(data) <= max_bytes:
        return slug
    short = data[:max_bytes].decode(errors="ignore")
    head, hyphen, _ = short.rpartition("-")
    at_boundary = slug[len(short)] == "-"
    # A script without spaces is one long word: cutting half of it away would leave too little.
    return head if hyphen and not at_boundary and len(head) * 2 > len(short) else short.rstrip("-")


def clean_title(title: str) -> PlainText:
    """Take status words and shouting punctuation out of a title; never empty when ``title`` is not.

    What is beyond 300 characters is cut off.
    """
    plain = plain_text(title)
    if len(plain) > _LONGEST_TITLE:
        head, space, _ = plain[:_LONGEST_TITLE].rpartition(" ")
        plain = PlainText(f"{head if space else plain[:_LONGEST_TITLE]}…")
    text = plain
    for pattern, replacement in _TITLE_STEPS:
        shorter = plain_text(pattern.sub(replacement, text)).strip(" -–—|:")  # noqa: RUF001
        if any(char.isalnum() for char in shorter):
            text = PlainText(shorter)
    return text


def describe(html_or_text: Html, fallback: str) -> PlainText:
    """Make a meta description: the first real sentences, 70 to 160 characters, ending with a sentence or an ellipsis.

    Code blocks, quotes, tables, headings and greetings are passed over (reference for the length: the width of a
    search result). A text too short to describe anything is led by ``fallback``.

    Args:
        html_or_text: the answer: HTML, what ``parse`` made of it, or text without a ``<``.
        fallback: the question's title.
    """
    shortest, longest = _DESCRIPTION
    is_text = isinstance(html_or_text, str) and "<" not in html_or_text
    text = plain_text(str(html_or_text)) if is_text else _prose(html_or_text)
    if len(text) < shortest and fallback:
        lead = plain_text(fallback)
        mark = "" if lead[-1:] in ".?!。？！…:" else ":"  # noqa: RUF001
        text = plain_text(f"{lead}{mark if text else ''} {text}")
    if len(text) <= longest:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, longest) if match.end() >= shortest]
    if ends:
        return PlainText(text[: ends[-1]])
    head, space, _ = text[:longest].rpartition(" ")
    short = head if space and len(head) >= shortest else text[: longest - 1]
    return PlainText(short.rstrip(" ,;:-–—(") + "…")  # noqa: RUF001


def _prose(html: Html) -> PlainText:
    body = parse(html) if isinstance(html, str) else html
    if body is None:
        return PlainText("")
    found: list[str] = []
    for block in _paragraphs(body):
        if block and not (_GREETING.match(block) and len(block) < 40):
            found.append(block)
        if sum(map(len, found)) > _DESCRIPTION[1]:
            break
    return PlainText(" ".join(found))


def _paragraphs(body: etree._Element) -> list[str]:
    pieces: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        skipped = element.tag in _NO_PROSE
        if element.tag in _BLOCKS:
            pieces.append("\n")
        if event == "start":
            silent += skipped
            text = element.text
        else:
            silent -= skipped
            text = element.tail if element is not body else None
        if text and not silent:
            pieces.append(_SPACE.sub(" ", text))
    return [plain_text(line) for line in "".join(pieces).split("\n")]
