"""Personal data and secrets out of harvested text: e-mail addresses, phone numbers, keys and passwords.

A post is read as one text, as people see it: markup inside a word or a number hides nothing. What is found is masked
character by character, so that every place stays where it was, and what stands instead is put in at the end. Whether
the HTML is safe is decided in ``sanitise``; what is looked for stands in ``contacts`` and ``credentials``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from lxml import etree
from lxml import html as lxml_html

from kbgen.config import PrivacyConfig
from kbgen.curate.contacts import IsCode, emails, phones
from kbgen.curate.credentials import Span, given, keys, known, named
from kbgen.curate.text import BLOCKS, CODE, Words, parse, scrub

REPLACEMENTS = {"email": "[e-mail removed]", "phone": "[phone number removed]", "token": "[secret removed]"}
"""What stands where something was taken out, by kind."""

# One control character a kind: no text has any of them, see ``scrub``.
_MASKS = {"token": "\0", "email": "\1", "phone": "\2"}
_MASKED = {mask: (kind, REPLACEMENTS[kind]) for kind, mask in _MASKS.items()}
_RUN = re.compile(r"\x00+|\x01+|\x02+")
_ANY_MASK = re.compile(r"[\x00-\x02]")

# Signs that are read as others: full-width ones, dashes, spaces.
_SIGNS = (
    "\uff20\uff0e\uff0b\uff0d\uff1a\uff0f\uff1d\uff08\uff09\u2010\u2011\u2012\u2013\u2212\u00a0\u2007\u2009\u202f\u3000",
    "@.+-:/=()-----     ",
)
_PLAIN = str.maketrans(*_SIGNS)
_NOT_PLAIN = re.compile(f"[{_SIGNS[0]}]")
# Nobody sees them, and a word goes on after them.
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u2060-\u2064\ufeff]+")
_BEFORE_MORE = re.compile(rf"(?<=(?P<mask>[\x00-\x02])){_INVISIBLE.pattern}(?=(?P=mask))")

_SHORTEST = len("a[at]b.cd")  # of what has no @ in it
_ADDRESSES = frozenset(("href", "src"))
_SHOWN = ("href", "src", "alt", "title")
_KEPT_EMPTY = frozenset(("td", "th", "li"))


def redact_text(text: str, config: PrivacyConfig, *, code: bool = False) -> tuple[str, tuple[str, ...]]:
    """Take personal data and secrets out of text.

    Args:
        text: without markup.
        config: which kinds are taken out, and domains whose addresses stay.
        code: the text is code: what only looks like an e-mail address or a phone number stays.

    Returns:
        The text, and the kinds taken out, sorted (``email``, ``phone``, ``token``).
    """
    masked = _mask(text, config, lambda _: code)
    return (text, ()) if masked is None else (_RUN.sub(_replaced, masked), _kinds(masked))


def _replaced(run: re.Match[str]) -> str:
    return _MASKED[run.group()[0]][1]


def _kinds(masked: str) -> tuple[str, ...]:
    return tuple(sorted(kind for mask, (kind, _) in _MASKED.items() if mask in masked))


def _mask(text: str, config: PrivacyConfig, is_code: IsCode) -> str | None:
    """Mask what is private, of the same length as the text; None for nothing found."""
    if len(text) < _SHORTEST and "@" not in text:
        return None
    if _ANY_MASK.search(text):
        text = scrub(text)
    if text.isascii():
        masked = _masked(text, config, is_code)
        return None if masked == text else masked
    plain = text.translate(_PLAIN) if _NOT_PLAIN.search(text) else text
    if not _INVISIBLE.search(plain):
        masked = _masked(plain, config, is_code)
        return None if masked == plain else _laid_over(text, masked)
    places = [place for place, char in enumerate(plain) if not _INVISIBLE.match(char)]
    seen = "".join(plain[place] for place in places)
    masked = _masked(seen, config, lambda place: is_code(places[place]))
    if masked == seen:
        return None
    shown = list(text)
    for place, char in zip(places, masked, strict=True):
        if char in _MASKED:
            shown[place] = char
    return _BEFORE_MORE.sub(_more, "".join(shown))


def _laid_over(text: str, masked: str) -> str:
    return "".join(mask if mask in _MASKED else char for char, mask in zip(text, masked, strict=True))


def _more(between: re.Match[str]) -> str:
    return between.string[between.start() - 1] * len(between.group())


def _masked(text: str, config: PrivacyConfig, is_code: IsCode) -> str:
    # Secrets first: a password in an address would otherwise be read as an e-mail address.
    if "token" in config.redact:
        for find in (keys, known, named, given):
            text = _over(text, find(text), _MASKS["token"])
    if "email" in config.redact:
        text = _over(text, emails(text, config.allow_domains, is_code), _MASKS["email"])
    if "phone" in config.redact:
        text = _over(text, phones(text, is_code), _MASKS["phone"])
    return text


def _over(text: str, spans: Iterable[Span], mask: str) -> str:
    pieces: list[str] = []
    past = 0
    for start, end in sorted(spans):
        first = max(start, past)
        if end > first:
            pieces += (text[past:first], mask * (end - first))
            past = end
    return "".join((*pieces, text[past:])) if pieces else text


def holds_private(words: Words, config: PrivacyConfig) -> bool:
    """Tell whether ``redact_html`` could find something; where it cannot, there is no need to parse.

    Args:
        words: of sanitised HTML.
        config: which kinds are taken out, and domains whose addresses stay.
    """
    if not config.redact:
        return False
    runs = words.runs()
    return bool(redact_text(runs, config)[1] or ("%40" in runs and redact_text(unquote(runs), config)[1]))


def redact_html(html: str, config: PrivacyConfig) -> tuple[str, tuple[str, ...]]:
    """Take personal data and secrets out of the text and the addresses of HTML.

    Args:
        html: any HTML.
        config: which kinds are taken out, and domains whose addresses stay.

    Returns:
        The HTML, the very same string when nothing was found, and the kinds taken out, sorted.
    """
    if not config.redact:
        return html, ()
    body = parse(html)
    if body is None:
        return html, ()
    found = {*_redact_texts(body, config), *_redact_attributes(body, config)}
    if not found:
        return html, ()
    pieces = [lxml_html.tostring(child, encoding="unicode") for child in body]
    return _escaped(body.text) + "".join(pieces), tuple(sorted(found))


class _Piece(NamedTuple):
    """A text of the tree, and where it begins in the text of the whole."""

    element: etree._Element
    is_tail: bool
    start: int


class _Flat:
    """The text of a tree as one, a line of its own for each block, and which of it is code."""

    def __init__(self, body: etree._Element) -> None:
        self.pieces: list[_Piece] = []
        self._texts: list[str] = []
        self._length = 0
        # Where code begins, ends, begins ...
        self._bounds: list[int] = []
        depth = 0
        for event, element in etree.iterwalk(body, events=("start", "end")):
            starts = event == "start"
            if element.tag in BLOCKS:
                self._add("\n")
            if element.tag in CODE:
                depth += 1 if starts else -1
                if depth == int(starts):
                    self._bounds.append(self._length)
            piece = element.text if starts else element.tail
            if piece and (starts or element is not body):
                self.pieces.append(_Piece(element, not starts, self._length))
                self._add(piece)
        self.text = "".join(self._texts)

    def _add(self, text: str) -> None:
        self._texts.append(text)
        self._length += len(text)

    def is_code(self, place: int) -> bool:
        return bisect_right(self._bounds, place) % 2 == 1


def _redact_texts(body: etree._Element, config: PrivacyConfig) -> tuple[str, ...]:
    flat = _Flat(body)
    masked = _mask(flat.text, config, flat.is_code)
    if masked is None:
        return ()
    ends = (*(piece.start for piece in flat.pieces[1:]), len(masked))
    emptied: list[etree._Element] = []
    for (element, is_tail, start), end in zip(flat.pieces, ends, strict=True):
        old = (element.tail if is_tail else element.text) or ""
        text = masked[start : min(end, start + len(old))]
        if not _ANY_MASK.search(text):
            continue
        # A secret that goes on from the text before stands there already.
        going_on = _RUN.match(text) if start and text[0] in _MASKED and masked[start - 1] == text[0] else None
        text = _RUN.sub(_replaced, text[going_on.end() if going_on else 0 :])
        if is_tail:
            element.tail = text
        else:
            element.text = text
            emptied.append(element)
    for element in reversed(emptied):
        _drop_empty(element, body)
    return _kinds(masked)


def _drop_empty(element: etree._Element, body: etree._Element) -> None:
    parent = element.getparent()
    if element is body or parent is None or len(element) or element.text or element.tag in _KEPT_EMPTY:
        return
    before = element.getprevious()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _redact_attributes(body: etree._Element, config: PrivacyConfig) -> set[str]:
    found: set[str] = set()
    for element in body.iter(etree.Element):
        for name in _SHOWN:
            value = element.get(name, "")
            if not value or value.startswith("kb:"):
                continue
            cleaned, kinds = redact_text(unquote(value) if name in _ADDRESSES and "%40" in value else value, config)
            if not kinds:
                continue
            found.update(kinds)
            if name in _ADDRESSES:
                del element.attrib[name]  # an address without its secret leads nowhere
            else:
                element.set(name, cleaned)
    return found


def _escaped(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
