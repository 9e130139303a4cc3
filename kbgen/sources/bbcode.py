"""BBCode of a forum that renders it, as the HTML its readers saw.

Tags are taken in pairs, as forum software does: what has no partner stays text, pairs that cross are cut short, and
nothing is parsed inside code. Time is linear in the text and depth is bounded. The result is built from closed
tables, with every text and address escaped. What is NOT here: BBCode that an import left inside HTML
(``discourse_bbcode``), and sanitising.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import NamedTuple
from urllib.parse import urljoin

from msgspec import Struct

_TAG = re.compile(
    r"\[(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9_]{0,19}|\*)"
    r"(?P<value>(?:=|\s)(?:\"[^\"\n]{0,500}+\"|'[^'\n]{0,500}+'|[^\]\n]){0,500}+)?+\]"
)
SIGN = "\ue000"
"""Ends the tags that count where ``Dialect.signed``; texts are to be freed of it before it is put in."""
_SIGNED = re.compile(
    rf"\[(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9_]{{0,19}}|\*)(?P<value>=[^\]\n{SIGN}]{{0,500}}+)?+{SIGN}\]"
)
_DEEPEST = 50
_ADDRESS = re.compile(r"""https?://[^\s<>"'\[\]]+""", re.IGNORECASE)
_WEB = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_QUOTES = "\"'“”„ "
_LANGUAGE = re.compile(r"[A-Za-z0-9+#_-]{1,30}")
_NUMBER = re.compile(r"\d{1,18}")
_POST_ID = re.compile(r"""(?:\bpid=['"]?|\bpost_id=|;)(\d{1,18})""")
_BOUNDS = re.compile(r"\s(?:pid|dateline|post_id|time|user_id)=", re.IGNORECASE)
# A tag of one name is another's in the next software.
_NAMES = {
    "strong": "b",
    "em": "i",
    "strike": "s",
    "del": "s",
    "image": "img",
    "attach": "attachment",
    "user": "mention",
    "sfs": "code",
    "tt": "icode",
    "c": "icode",
    "nobbc": "noparse",
    "plain": "noparse",
    "ispoiler": "spoiler",
    "youtube": "video",
    "media": "video",
    "media_embed": "video",
}
_INLINE = {"b": "strong", "i": "em", "u": "u", "s": "s", "sub": "sub", "sup": "sup", "icode": "code"}
_TABLES = frozenset(("table", "tr", "td", "th"))
_ALIGNED = ("color", "size", "font", "center", "left", "right", "justify", "align", "indent", "highlight", "email")
_PLAIN = frozenset((*_ALIGNED, "heading", *(f"h{level}" for level in range(1, 7))))
_CODES = {"code": "", "php": "php", "html": "html", "sql": "sql", "xml": "xml", "css": "css", "python": "python"}
_VERBATIM = frozenset((*_CODES, "icode", "noparse"))
_LISTS = frozenset(("list", "ul", "ol"))
_LONE = frozenset(("hr", "*"))
_SPECIAL = ("url", "img", "quote", "spoiler", "li", "video", "attachment", "mention", "hide")
_KNOWN = frozenset((*_INLINE, *_TABLES, *_PLAIN, *_VERBATIM, *_LISTS, *_LONE, *_SPECIAL))
# Line feeds beside these are theirs already.
_BLOCKS = frozenset((*_CODES, *_LISTS, *_TABLES, "quote", "spoiler", "li", "hr", "*"))
_HEADINGS = re.compile(r"h[1-6]|heading")


class Dialect(NamedTuple):
    """What BBCode means on one forum.

    Attributes:
        base: the forum's address, for relative links.
        post: address of a quoted post, with ``{0}`` for its id; "" for no link.
        attachment: address of an attachment, with ``{0}`` for its id; "" for none.
        signed: whether only tags that end with ``SIGN`` count, as the software signed those it had checked.
        autolink: whether addresses in the text are links.
        names: members by id, for mentions of an id alone.
    """

    base: str
    post: str = ""
    attachment: str = ""
    signed: bool = False
    autolink: bool = True
    names: Mapping[str, str] = {}


class _Mark(Struct):
    """A tag of the text; ``partner`` is the index of the tag that opens or closes it, -1 for none."""

    start: int
    end: int
    name: str
    closing: bool
    value: str
    partner: int = -1


class _Frame(NamedTuple):
    mark: _Mark
    begin: int
    item: bool = False


def bbcode_html(text: str, dialect: Dialect) -> str:
    """Turn BBCode into HTML.

    Args:
        text: plain text with tags; nothing in it is HTML.
        dialect: what the tags mean on this forum.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _Writer(text, dialect).html(_paired(_marks(text, _SIGNED if dialect.signed else _TAG)))


def _marks(text: str, tag: re.Pattern[str]) -> list[_Mark]:
    marks: list[_Mark] = []
    endless: set[str] = set()
    position = 0
    while found := tag.search(text, position):
        position = found.end()
        written = found["name"].lower()
        name, closing = _NAMES.get(written, written), bool(found["close"])
        if name not in _KNOWN or (written in endless and not closing):
            continue
        if name in _VERBATIM and not closing:
            sign = SIGN if tag is _SIGNED else ""
            end = re.compile(re.escape(f"[/{written}{sign}]"), re.IGNORECASE).search(text, position)
            if end is None:
                # Nor has a later one an end, so the rest is searched once a name.
                endless.add(written)
                continue
            position = end.start()
        marks.append(_Mark(found.start(), found.end(), name, closing, found["value"] or ""))
    return marks


def _paired(marks: list[_Mark]) -> list[_Mark]:
    """Find each tag's partner; tags that stay without one are text."""
    stack: list[int] = []
    open_names: dict[str, int] = {}
    for index, mark in enumerate(marks):
        if mark.name in _LONE:
            continue
        if not mark.closing:
            if len(stack) < _DEEPEST:
                stack.append(index)
                open_names[mark.name] = open_names.get(mark.name, 0) + 1
        elif open_names.get(mark.name):
            while True:
                opener = stack.pop()
                open_names[marks[opener].name] -= 1
                if marks[opener].name == mark.name:
                    break
            marks[opener].partner, mark.partner = index, opener
    return [mark for mark in marks if mark.partner >= 0 or mark.name in _LONE or _is_lone(mark)]


def _is_lone(mark: _Mark) -> bool:
    """Whether a tag without partner means something by itself, or is a rest of one that is gone."""
    if mark.closing:
        return len(mark.name) > 1
    return mark.name in {"attachment", "mention"} and bool(_NUMBER.search(mark.value))


class _Writer:
    """Writes HTML from a text and its tags."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self._out: list[str] = []
        self._frames: list[_Frame] = []

    def html(self, marks: list[_Mark]) -> str:
        """The whole text."""
        position, block = 0, True
        for mark in marks:
            self._words(position, mark.start, after=block, before=mark.name in _BLOCKS)
            position, block = mark.end, mark.name in _BLOCKS
            if mark.name in _LONE or mark.partner < 0:
                self._lone(mark)
            elif mark.closing:
                self._close(mark)
            else:
                self._frames.append(_Frame(mark, len(self._out)))
        self._words(position, len(self._text), after=block, before=True)
        return "".join(self._out).strip()

    def _words(self, start: int, end: int, *, after: bool, before: bool) -> None:
        text = self._text[start:end]
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.mark.name in _VERBATIM:
            self._out.append(escape(text.strip("\n")) if frame.mark.name in _CODES else _broken(text))
            return
        text = text.removeprefix("\n") if after else text
        text = text.removesuffix("\n") if before else text
        names = {one.mark.name for one in self._frames}
        if self._dialect.autolink and names.isdisjoint({"url", "img", "video"}):
            self._out.append(_linked(text))
        else:
            self._out.append(_broken(text))

    def _lone(self, mark: _Mark) -> None:
        if mark.closing:
            return
        if mark.name == "*":
            self._item()
        elif mark.name == "hr":
            self._out.append("<hr>")
        elif mark.name == "attachment":
            self._out.append(self._attachment(mark.value, ""))
        elif mark.name == "mention":
            number = _first_number(mark.value)
            self._out.append(escape("@" + self._dialect.names.get(number, f"user{number}")))

    def _item(self) -> None:
        while self._frames and self._frames[-1].item:
            self._end_item()
        if self._frames and self._frames[-1].mark.name in _LISTS:
            self._frames.append(_Frame(self._frames[-1].mark, len(self._out), item=True))
        else:
            self._out.append("•")

    def _end_item(self) -> None:
        frame = self._frames.pop()
        self._out[frame.begin :] = [f"<li>{self._inner(frame).strip()}</li>"]

    def _inner(self, frame: _Frame) -> str:
        return "".join(self._out[frame.begin :])

    def _close(self, mark: _Mark) -> None:
        while self._frames and self._frames[-1].item and mark.name in _LISTS:
            self._end_item()
        # Pairs that cross were cut short before; an item ends with whatever holds its list.
        frame = self._frames.pop()
        raw = self._text[frame.mark.end : mark.start]
        if mark.name in _LISTS:
            self._out[frame.begin :] = [_listed(mark.name, frame.mark.value, self._out[frame.begin :])]
        else:
            self._out[frame.begin :] = [self._element(frame.mark, self._inner(frame), raw)]

    def _element(self, mark: _Mark, inner: str, raw: str) -> str:
        name, value = mark.name, mark.value
        if name in _INLINE:
            return f"<{_INLINE[name]}>{inner}</{_INLINE[name]}>" if inner else ""
        if name in _CODES:
            found = _LANGUAGE.fullmatch(value[1:].strip(_QUOTES)) if value else None
            language = found[0].lower() if found else _CODES[name]
            attribute = f' class="language-{language}"' if language else ""
            return f"<pre><code{attribute}>{inner}</code></pre>"
        if name in _TABLES:
            return f"<{name}>{inner}</{name}>"
        if _HEADINGS.fullmatch(name):
            return f"<h3>{inner}</h3>"
        special: dict[str, Callable[[str, str, str], str]] = {
            "url": self._link,
            "img": self._image,
            "quote": self._quote,
            "spoiler": _spoiler,
            "li": lambda _value, inner, _raw: f"<li>{inner}</li>",
            "video": self._video,
            "attachment": lambda value, _inner, raw: self._attachment(value, raw),
            "mention": lambda _value, inner, _raw: f"@{inner.removeprefix('@')}",
            # Shown to some readers only, so it is not for everybody.
            "hide": lambda _value, _inner, _raw: "",
        }
        return special[name](value, inner, raw) if name in special else inner

    def _address(self, text: str) -> str:
        text = text.strip(_QUOTES + "\n\t")
        if _WEB.match(text):
            return f"https:{text}" if text.startswith("//") else text
        if _SCHEME.match(text) or not text:
            return ""
        return f"http://{text}" if text.lower().startswith("www.") else urljoin(f"{self._dialect.base}/", text)

    def _link(self, value: str, inner: str, raw: str) -> str:
        address = self._address(_option(value) or raw)
        return f'<a href="{escape(address)}">{inner or escape(address)}</a>' if address else inner

    def _image(self, _value: str, inner: str, raw: str) -> str:
        address = self._address(raw)
        return f'<img src="{escape(address)}" alt="">' if address and "\n" not in raw.strip() else inner

    def _quote(self, value: str, inner: str, _raw: str) -> str:
        value = value.lstrip("= ")
        number = _POST_ID.search(value)
        who = _BOUNDS.split(f" {value}", maxsplit=1)[0].strip()
        who = who.split(";")[0].strip(_QUOTES)
        head = ""
        if who:
            named = escape(f"{who}:")
            known = number is not None and self._dialect.post
            address = escape(self._dialect.post.replace("{0}", number[1])) if number is not None and known else ""
            head = f'<p><a href="{address}">{named}</a></p>' if address else f"<p>{named}</p>"
        return f"<blockquote>{head}{inner.strip()}</blockquote>"

    def _video(self, _value: str, inner: str, raw: str) -> str:
        raw = raw.strip()
        clip = re.fullmatch(r"[A-Za-z0-9_-]{11}", raw)
        if clip:
            raw = f"https://www.youtube.com/watch?v={clip[0]}"
        return self._link("=" + raw, "", raw) if _WEB.match(raw) else inner

    def _attachment(self, value: str, raw: str) -> str:
        raw = raw.strip()
        number = raw if _NUMBER.fullmatch(raw) else _first_number(value)
        name = escape(f"attachment {number}" if not raw or raw == number else raw)
        if not self._dialect.attachment:
            return name
        return f'<a href="{escape(self._dialect.attachment.replace("{0}", number))}">{name}</a>'


def _first_number(text: str) -> str:
    found = _NUMBER.search(text)
    return found[0] if found else ""


def _option(value: str) -> str:
    return value[1:].strip(_QUOTES) if value.startswith("=") else ""


def _listed(name: str, value: str, pieces: list[str]) -> str:
    kind = _option(value)
    ordered = name == "ol" or (kind != "" and kind[:1] in "1aAiI" and kind.lower() not in {"circle", "square", "disc"})
    element = "ol" if ordered else "ul"
    # An item is one piece; those of lists within it, or in a quotation before it, lie inside of others.
    first = next((place for place, piece in enumerate(pieces) if piece.startswith("<li>")), len(pieces))
    before, items = "".join(pieces[:first]).strip(), "".join(pieces[first:]).strip()
    # Words before the first item are no part of a list in HTML.
    return f"{before}<{element}>{items}</{element}>" if items else before


def _spoiler(value: str, inner: str, _raw: str) -> str:
    return f"<details><summary>{escape(_option(value)) or 'Spoiler'}</summary>{inner}</details>"


def _broken(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


def _linked(text: str) -> str:
    parts: list[str] = []
    last = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(".,;:!?)*_")
        parts += [_broken(text[last : found.start()]), f'<a href="{escape(address)}">{escape(address)}</a>']
        last = found.start() + len(address)
    return "".join([*parts, _broken(text[last:])])
