"""Harvested HTML cut into pieces whose words can be exchanged, so that one real text gives many different ones.

Markup and code stay as they are. Not here: which words come in, and what threads are made of them (corpus).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from random import Random

# Words that carry meaning; shorter ones hold a sentence together and stay.
_WORD = re.compile(r"[^\W\d_]{4,}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_SENTENCE_LENGTH = range(40, 240)
_VERBATIM = {"pre", "code", "script", "style"}


@dataclass(frozen=True)
class Text:
    """A text in pieces.

    Attributes:
        pieces: joined they are the text again.
        slots: which pieces are words that may be exchanged.
        plain: without markup.
    """

    pieces: tuple[str, ...]
    slots: tuple[int, ...]
    plain: str

    @property
    def words(self) -> tuple[str, ...]:
        """The exchangeable words."""
        return tuple(self.pieces[slot] for slot in self.slots)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Whole sentences of ordinary length."""
        found = (" ".join(sentence.split()) for sentence in _SENTENCE.split(self.plain))
        return tuple(sentence for sentence in found if len(sentence) in _SENTENCE_LENGTH and sentence[-1] in ".!?")

    def varied(self, words: Sequence[str], share: float, rng: Random) -> str:
        """The text with a share of its words exchanged.

        Args:
            words: to draw from.
            share: how likely each word is to go, 0 to 1.
            rng: where chance comes from.
        """
        pieces = list(self.pieces)
        for slot in self.slots:
            if words and rng.random() < share:
                word = words[int(rng.random() * len(words))]
                pieces[slot] = word.capitalize() if pieces[slot][:1].isupper() else word
        return "".join(pieces)


class _Cutter(HTMLParser):
    """Collects pieces; the result is one line, so that a Markdown engine takes it for one block of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.slots: list[int] = []
        self.plain: list[str] = []
        self._verbatim: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.pieces.append(_one_line(self.get_starttag_text() or ""))
        if tag in _VERBATIM:
            self._verbatim.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs
        self.pieces.append(_one_line(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append(f"</{tag}>")
        if self._verbatim and self._verbatim[-1] == tag:
            self._verbatim.pop()

    def handle_data(self, data: str) -> None:
        self.plain.append(data)
        if self._verbatim:
            self.pieces.append(_escaped(data).replace("\n", "&#10;"))
            return
        self.plain_text(_one_line(data))

    def plain_text(self, data: str) -> None:
        """Add text whose words may be exchanged."""
        end = 0
        for match in _WORD.finditer(data):
            self.pieces.append(_escaped(data[end : match.start()]))
            self.slots.append(len(self.pieces))
            self.pieces.append(match.group())
            end = match.end()
        self.pieces.append(_escaped(data[end:]))


def cut_html(source: str) -> Text:
    """Cut HTML into pieces."""
    cutter = _Cutter()
    cutter.feed(source)
    cutter.close()
    return Text(tuple(cutter.pieces), tuple(cutter.slots), "".join(cutter.plain).strip())


def cut_title(source: str) -> Text:
    """Cut a plain title into pieces; nothing is escaped in it."""
    title = " ".join(source.split())
    pieces: list[str] = []
    slots: list[int] = []
    end = 0
    for match in _WORD.finditer(title):
        pieces.append(title[end : match.start()])
        slots.append(len(pieces))
        pieces.append(match.group())
        end = match.end()
    return Text((*pieces, title[end:]), tuple(slots), title)


def paragraph(sentence: str) -> str:
    """A sentence as a paragraph of HTML."""
    return f"<p>{_escaped(sentence)}</p>"


def _escaped(data: str) -> str:
    # Two braces would start a shortcode in Hugo.
    return html.escape(data, quote=False).replace("{{", "&#123;&#123;")


def _one_line(data: str) -> str:
    return re.sub(r"\s*[\r\n]\s*", " ", data)
