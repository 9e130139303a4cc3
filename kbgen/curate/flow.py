"""Assemble valid flow content: paragraphs of marked text and blocks, whatever order they came in.

Text is collected as runs, each with the inline elements ("marks") it stands in; where a paragraph ends, the runs
become balanced HTML. So an inline element can never hold a block, hold itself, or be empty. Which element
means what is decided in ``sanitise``; this module does not read HTML.
"""

from __future__ import annotations

import re
from html import escape

_SPACE = re.compile(r"[ \t\n\r\f]+")
_INVISIBLE = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u2060-\u2064]*")
RULE = "<hr>"
"""Parts what is above from what is below; alone it is nothing to read."""
_BREAK = "\n"  # cannot be text: whitespace is collapsed


class Mark:
    """One inline element; two marks are the same only when they are one element.

    Args:
        tag: its name.
        attributes: serialised, with a leading space, "" for none.
    """

    __slots__ = ("attributes", "tag")

    def __init__(self, tag: str, attributes: str = "") -> None:
        self.tag = tag
        self.attributes = attributes


Marks = tuple[Mark, ...]


class Flow:
    """The content of one block container while it is read.

    Args:
        marks: inline elements open around the container.
        tight: a single paragraph needs no ``<p>`` (list items, table cells).
        inline: only phrasing content may stand here; every block boundary becomes a space.
        plain: without links (a ``summary`` must not hold anything that can be clicked).
    """

    def __init__(self, marks: Marks = (), *, tight: bool = False, inline: bool = False, plain: bool = False) -> None:
        self.marks = marks
        self.tight = tight
        self.inline = inline
        self.plain = plain
        self._runs: list[tuple[Marks, str]] = []
        self._parts: list[tuple[str, str]] = []  # ("text" | "p" | "block", HTML)

    def text(self, text: str) -> None:
        """Add text in the marks that are open."""
        if "  " in text or not text.isprintable():
            text = _SPACE.sub(" ", text)
        if self._runs or text != " ":  # space that begins a paragraph is nothing
            self._runs.append((self.marks, text))

    def line_break(self) -> None:
        """Add a ``<br>``; the second in a row ends the paragraph."""
        if self.inline:
            self.text(" ")
            return
        last = next((text for _, text in reversed(self._runs) if text != " "), "")
        if last == _BREAK:
            self.end()
        else:
            self._runs.append((self.marks, _BREAK))

    def end(self, *, attributes: str | None = None) -> None:
        """End the open paragraph.

        Args:
            attributes: of the ``<p>`` the source had; None when it had none.
        """
        if self.inline:
            self.text(" ")
            return
        if not self._runs:
            return
        html = self._paragraph()
        self._runs = []
        if html and attributes is None:
            self._parts.append(("text", html))
        elif html:
            self._parts.append(("p", f"<p{attributes}>{html}</p>"))

    def _paragraph(self) -> str:
        """The open paragraph's HTML; most are one run of plain text."""
        marks, text = self._runs[0]
        if len(self._runs) == 1 and not marks and text != _BREAK:
            return escape(text.strip(" "), quote=False) if not _INVISIBLE.fullmatch(text) else ""
        return _serialise(_tidy(self._runs))

    def block(self, html: str) -> None:
        """Add a finished block."""
        self.end()
        if html:
            self._parts.append(("block", html))

    def render(self) -> str:
        """Give the content's HTML, "" when there is nothing to see."""
        if self.inline:
            return _serialise(_tidy(self._runs))
        self.end()
        bare = self.tight and sum(kind == "text" for kind, _ in self._parts) == 1
        return "".join(f"<p>{html}</p>" if kind == "text" and not bare else html for kind, html in self._parts)

    def content(self) -> str:
        """Give what a container holds; rules alone are nothing."""
        html = self.render()
        return "" if all(part == RULE for _, part in self._parts) and not self.inline else html

    def __bool__(self) -> bool:
        return bool(self._parts or _tidy(self._runs))


def _common(left: Marks, right: Marks) -> Marks:
    shared = 0
    for one, other in zip(left, right, strict=False):
        if one is not other:
            break
        shared += 1
    return left[:shared]


def _tidy(runs: list[tuple[Marks, str]]) -> list[tuple[Marks, str]]:
    """Collapse whitespace over run boundaries, and drop what would be an empty line, element or link."""
    tidy: list[tuple[Marks, str]] = []
    after_space = True
    for marks, raw in runs:
        text = raw
        if text == _BREAK:
            _strip_end(tidy)
            if tidy and tidy[-1][1] != _BREAK:
                tidy.append(((), _BREAK))
            after_space = True
            continue
        if after_space:
            text = text.lstrip(" ")
        if not text:
            continue
        invisible = _INVISIBLE.fullmatch(text) is not None
        tidy.append((_common(tidy[-1][0], marks) if invisible and tidy else () if invisible else marks, text))
        after_space = text.endswith(" ")
    _strip_end(tidy)
    while tidy and tidy[-1][1] == _BREAK:
        tidy.pop()
        _strip_end(tidy)
    return tidy if any(not _INVISIBLE.fullmatch(text) for _, text in tidy) else []


def _strip_end(runs: list[tuple[Marks, str]]) -> None:
    while runs and runs[-1][1] != _BREAK:
        marks, text = runs.pop()
        short = text.rstrip(" ")
        if short:
            runs.append((marks, short))
            return


def _serialise(runs: list[tuple[Marks, str]]) -> str:
    pieces: list[str] = []
    opened: Marks = ()
    for marks, text in (*runs, ((), "")):
        if marks is not opened:
            shared = len(_common(opened, marks))
            pieces.extend([f"</{mark.tag}>" for mark in reversed(opened[shared:])])
            pieces.extend([f"<{mark.tag}{mark.attributes}>" for mark in marks[shared:]])
            opened = marks
        pieces.append("<br>" if text == _BREAK else escape(text, quote=False))
    return "".join(pieces)
