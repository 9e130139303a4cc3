"""Plain text, slugs, descriptions and titles: the only makers of ``PlainText`` and ``Slug``.

Markup is cleaned in ``sanitise``; which words are private is known in ``privacy``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import unescape

from lxml import etree

from kbgen.curate.mathml_words import in_words
from kbgen.model import PlainText, Slug

# C0 and C1 controls but tab, newline, return and form feed; lone surrogates and non-characters, which no UTF-8
# writer accepts; bidirectional embeddings, overrides and isolates, which spill over into the text around them
# (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing). LRM, RLM and the joiners stay: words need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_UNWANTED_ASCII = dict.fromkeys((*range(0x09), 0x0B, *range(0x0E, 0x20), 0x7F))
_LETTERS = re.compile(r"[^\W_]+")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
_HTML = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_BLOCK_NAMES = (
    "address article aside blockquote br caption center dd details div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr legend li main nav ol option p pre section summary table tbody td tfoot th thead tr ul"
)
BLOCKS = frozenset(_BLOCK_NAMES.split())
"""Elements that stand on lines of their own."""
_BOUNDS = BLOCKS | {f"/{name}" for name in BLOCKS}
_SILENT = frozenset(("script", "style", "template", "noscript", "title", "head", "svg"))
CODE = frozenset(("pre", "code", "kbd", "samp"))
"""Elements of what a machine reads or writes."""
_NO_PROSE = frozenset(("pre", "blockquote", "table", "h1", "h2", "h3", "h4", "h5", "h6", "summary"))
_TAG = re.compile(r"<(/?[a-z0-9]+)([^>]*)>")
# HTML that means the same to every parser: whole tags of elements without rules of their own, and plain entities.
_REGULAR = re.compile(
    r"""(?: [^<&]++ | &(?:amp|lt|gt|quot|nbsp|\#39);
          | </?(?:p|br|a|em|strong|b|i|code|pre|ul|ol|li|blockquote|h[1-6]|hr|img|span|div|kbd|sup|sub)
            (?:[ ][a-z-]++="[^"<>]*+")*+[ ]?/?>
        )*+""",
    re.VERBOSE,
)

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
_POLITENESS = 4  # "Hi Ann! Welcome to the forum. Thanks for asking! @ann the hub ..."
_SMILE = r"(?:\s*(?:[\U0001f300-\U0001faff\u2600-\u27bf]\ufe0f?|[:;]-?[)DP]))*"
_POLITE = re.compile(
    rf"""^(?: (?:hi|hello|hey|dear|good\ (?:morning|evening|day|afternoon))\b(?!-)[^.!?:;,]{{0,30}}[,.!:]+
            | (?:many\ |and\ )?(?:thanks|thank\ you|thx|welcome)\b(?!-)[^.!?;]{{0,80}}[.!]+
            | @[\w.-]+[,:]?
          ){_SMILE}\s+""",
    re.IGNORECASE | re.VERBOSE,
)
_GREETING = re.compile(
    r"^(hi|hello|hey|dear|welcome|thanks|thank you|good (morning|evening|day)|yes|no|ok|okay)\b[^.!?:;]{0,30}[,.!:]*$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<![.( ][A-Za-z])[.!?…]['\")\]]?(?=\s|$)|[。！？]")  # noqa: RUF001
_DESCRIPTION = (70, 160)
_LONGEST_TITLE = 300  # no platform allows more; the patterns above are not for megabytes


class Words:
    """The words of HTML that ``sanitise`` and ``formulas`` wrote, read without a parser.

    Args:
        html: every ``<`` in it opens a tag, tags are balanced, and no attribute holds a ``>``.
    """

    def __init__(self, html: str) -> None:
        pieces = _TAG.split(in_words(html))
        self._texts, self._tags, self._attributes = pieces[::3], pieces[1::3], pieces[2::3]

    def text(self, *, code: bool = True) -> PlainText:
        """Give the visible words, with those of code or without; see ``html_text``."""
        return plain_text(unescape("".join(self._outside(frozenset() if code else CODE, " "))))

    def paragraphs(self) -> Iterator[PlainText]:
        """Yield the paragraphs and list items; code, quotes, tables and headings are left out."""
        for line in "".join(self._outside(_NO_PROSE, "\0")).split("\0"):
            yield plain_text(unescape(line))

    def runs(self) -> str:
        """Give the whole text, a line for each block, then every address and title, each on a line of its own.

        Tags inside a line part nothing: what they cut in two is one word for who reads it.
        """
        gaps = ("\n" if tag in _BOUNDS else "" for tag in (*self._tags, ""))
        text = "".join(f"{text}{gap}" for text, gap in zip(self._texts, gaps, strict=True))
        shown = [one for one in self._attributes if "href=" in one or "src=" in one or "title=" in one]
        return unescape("\n".join((text, *shown)))

    def _outside(self, elements: frozenset[str], gap: str) -> Iterator[str]:
        """Yield the texts outside some elements, and a gap at each boundary of a block."""
        silent = 0
        yield self._texts[0]
        for tag, text in zip(self._tags, self._texts[1:], strict=True):
            if tag in _BOUNDS:
                yield gap
            if tag in elements:
                silent += 1
            elif silent and tag[1:] in elements:
                silent -= 1
            if not silent:
                yield text


Html = str | Words
"""HTML as written, or its words already read."""


def scrub(text: str) -> str:
    """Remove characters that are no text: controls, lone surrogates, bidirectional overrides."""
    if text.isascii():
        return text.translate(_UNWANTED_ASCII)
    # Nothing that is unwanted can be printed: to ask that is many times quicker than to look for each.
    return text if text.replace("\n", " ").isprintable() else _UNWANTED.sub("", text)


def plain_text(text: str) -> PlainText:
    """Make ``PlainText`` of text: NFC, no control characters, whitespace collapsed. Markup is not interpreted.

    Args:
        text: text, entities already decoded; ``<b>`` in it stays the three characters it is.
    """
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", scrub(text))
    elif "  " not in text and text.strip(" ") == text:
        return PlainText(text)  # most are plain already: of what is printable only the space is white
    return PlainText(" ".join(text.split()))


def letters(text: str) -> str:
    """Give the letters and digits of a text alone, case folded: what two ways of typing it share."""
    if text.isascii():
        return text.lower().encode().translate(None, _NO_LETTERS).decode()
    return "".join(_LETTERS.findall(unicodedata.normalize("NFKC", text).casefold()))


def html_text(html: str, *, code: bool = True) -> PlainText:
    """Give the visible words of any HTML; block boundaries become spaces.

    Args:
        html: as harvested or as written.
        code: whether the words of code count.
    """
    if code and _REGULAR.fullmatch(html):
        return Words(html).text()
    pieces: list[str] = []
    root = parse(html)
    if root is not None:
        _collect(root, pieces, _SILENT if code else _SILENT | CODE)
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
            if element.tag in BLOCKS:
                pieces.append(" ")
            if not silent and element.text:
                pieces.append(element.text)
            continue
        silent -= element.tag in skipped
        if element.tag in BLOCKS:
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
    text = _shortened(plain, plain)
    for pattern, replacement in _TITLE_STEPS:
        changed = pattern.sub(replacement, text)
        if changed != text:
            text = _shortened(plain_text(changed), text)
    return text


def _shortened(title: str, before: PlainText) -> PlainText:
    """A title without what parts nothing at its ends; what it was before, where no word is left of it."""
    shorter = title.strip(" -–—|:")  # noqa: RUF001
    return PlainText(shorter) if any(char.isalnum() for char in shorter) else before


def describe(html_or_text: Html, fallback: str) -> PlainText:
    """Make a meta description: the first real sentences, 70 to 160 characters, ending with a sentence or an ellipsis.

    Code blocks, quotes, tables, headings and greetings are passed over (reference for the length: the width of a
    search result). A text too short to describe anything is led by ``fallback``.

    Args:
        html_or_text: the answer: HTML as ``sanitise`` writes it, its words, or text without a ``<``.
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
    words = Words(html) if isinstance(html, str) else html
    found: list[str] = []
    length = 0
    for block in words.paragraphs():
        if block and not (len(block) < 40 and _GREETING.match(block)):
            found.append(block)
            length += len(block)
        if length > _DESCRIPTION[1]:
            break
    return _without_greetings(" ".join(found))


def _without_greetings(text: str) -> PlainText:
    """A text without the sentences that greet or thank at its beginning, and whom it is said to."""
    for _ in range(_POLITENESS):
        shorter = _POLITE.sub("", text, count=1)
        if shorter == text or len(shorter) < _DESCRIPTION[0]:
            break
        text = shorter
    return PlainText(text[:1].upper() + text[1:])
