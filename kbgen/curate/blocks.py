"""The block half of the sanitiser's second pass: paragraphs, headings, lists, code, tables, whole again and valid.

Text and links are written in ``inline``; which elements come through at all is decided in ``sanitise``.
"""

from __future__ import annotations

import re
from html import escape
from typing import ClassVar

from lxml import etree

from kbgen.curate.flow import RULE, Flow
from kbgen.curate.highlight import MOST_COLOURED, highlight, known_language, share_of
from kbgen.curate.inline import HEADINGS, MOST_CONTAINERS, Handler, InlineWriter, classes_of
from kbgen.curate.places import own_id
from kbgen.curate.tables import Cell, Rows, is_layout, render_table, span

_BREAKS = (
    "div p section article aside header footer main nav address center figure figcaption dt dd li tr td th caption "
    "summary fieldset legend form dir menu"
)
BREAKS = frozenset(_BREAKS.split())
"""Elements of which only the boundary remains."""
_KINDS = (
    "abstract attention bug caution danger error example failure hint important info note question quote success tip "
    "warning"
)
_ADMONITIONS = frozenset(_KINDS.split())


class BlockWriter(InlineWriter):
    """Writes blocks; see ``InlineWriter``."""

    def __init__(self, own_hosts: frozenset[str], *, trusted: bool) -> None:
        super().__init__(own_hosts, trusted=trusted)
        self._headings: list[int] = []
        self._coloured = 0

    def _paragraph(self, element: etree._Element, flow: Flow, depth: int) -> None:
        title = self.trusted and "admonition-title" in classes_of(element)
        attributes = ' class="admonition-title"' if title else ""
        flow.end()
        self.children(element, flow, depth)
        flow.end(attributes=attributes)

    def _division(self, element: etree._Element, flow: Flow, depth: int) -> None:
        classes = classes_of(element)
        if not (self.trusted and "admonition" in classes) or flow.inline or self._containers >= MOST_CONTAINERS:
            self._transparent(element, flow, depth)
            return
        kind = next((word for word in classes if word in _ADMONITIONS), "note")
        inner = Flow(flow.marks)
        self._inside(element, inner, depth)
        content = inner.content()
        flow.block(f'<div class="admonition {kind}">{content}</div>' if content else "")

    def _heading(self, element: etree._Element, flow: Flow, depth: int) -> None:
        inner = Flow(flow.marks, inline=True, plain=flow.plain)
        named = own_id(element) if self.trusted else ""
        others = self.places.of(element) if self.places is not None else ""
        self.children(element, inner, depth)
        content = inner.content()
        if not content:
            return
        level = int(element.tag[1])
        while self._headings and self._headings[-1] >= level:
            self._headings.pop()
        self._headings.append(level)
        shown = min(2 + len(self._headings), 6)
        flow.block(f"<h{shown}{named}>{others}{content}</h{shown}>")

    def _quote(self, element: etree._Element, flow: Flow, depth: int) -> None:
        inner = Flow(flow.marks)
        self._inside(element, inner, depth)
        content = inner.content()
        flow.block(f"<blockquote>{content}</blockquote>" if content else "")

    def _rule(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del element, depth
        flow.end()
        if not flow.inline:
            flow.block(RULE)

    def _code(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del depth
        code = _code_text(element)
        if not code.strip():
            return
        if self.places is not None:
            self.places.read(code)
        declared = [element, *element.iter("code"), element.getparent()]
        classes = " ".join(item.get("class", "") for item in declared if item is not None)
        language = known_language(f"{classes} lang-{element.get('data-code-wrap', 'none')}")
        named = f' class="language-{escape(language)}"' if language else ""
        body = highlight(code, language if self._may_colour(code, language) else "")
        flow.block(f'<div class="highlight"><pre tabindex="0"><code{named}>{body}</code></pre></div>')

    def _may_colour(self, code: str, language: str) -> bool:
        """Whether a block is within the share of its text; staff's reference pages have more code than any post."""
        share = share_of(code, language)
        if not self.trusted and self._coloured + share > MOST_COLOURED:
            return False
        self._coloured += share
        return True

    def _list(self, element: etree._Element, flow: Flow, depth: int) -> None:
        items: list[Flow] = []
        named: list[str] = []
        loose = Flow(flow.marks, tight=True)
        for child, tail in [(None, element.text), *((child, child.tail) for child in element)]:
            if child is not None and child.tag == "li":
                items.append(Flow(flow.marks, tight=True))
                named.append(own_id(child) if self.trusted else "")
                self._inside(child, items[-1], depth + 1)
            elif child is not None:
                # Lists straight inside a list, and whatever else people put there, belong to the item before.
                target = items[-1] if items else loose
                self._containers += 1
                self._element(child, target, depth + 1)
                self._containers -= 1
            if tail and tail.strip():
                self._text(tail, items[-1] if items else loose)
        contents = [(name, item.content()) for name, item in zip(["", *named], [loose, *items], strict=True)]
        tag = "ol" if element.tag == "ol" else "ul"
        inside = "".join(f"<li{name}>{content}</li>" for name, content in contents if content)
        flow.block(f"<{tag}{_numbering(element)}>{inside}</{tag}>" if inside else "")

    def _definitions(self, element: etree._Element, flow: Flow, depth: int) -> None:
        parts: list[tuple[str, Flow]] = []
        for child in element.iterdescendants("dt", "dd"):
            if _nearest(child, "dl") is not element:
                continue
            inner = Flow(flow.marks, tight=True, inline=child.tag == "dt")
            self._inside(child, inner, depth + 2)
            if inner.content():
                parts.append((child.tag, inner))
        if re.fullmatch(r"(t+d+)+", "".join(tag[1] for tag, _ in parts)):
            inside = "".join(f"<{tag}>{inner.content()}</{tag}>" for tag, inner in parts)
            flow.block(f"<dl>{inside}</dl>")
            return
        for tag, inner in parts:
            inner.tight = False
            flow.block(f"<p>{inner.content()}</p>" if tag == "dt" else inner.content())

    def _details(self, element: etree._Element, flow: Flow, depth: int) -> None:
        summary = Flow(inline=True, plain=True)
        inner = Flow(flow.marks)
        first = element.find("summary")
        self._containers += 1
        self._text(element.text or "", inner)
        for child in element:
            if child is first:
                self.children(child, summary, depth + 1)
            else:
                self._element(child, inner, depth + 1)
            self._text(child.tail or "", inner)
        self._containers -= 1
        content = inner.content()
        kind = next((word for word in classes_of(element) if word in _ADMONITIONS), "") if self.trusted else ""
        opening = f'<details class="{kind}">' if kind else "<details>"
        label = summary.render()
        if content:
            flow.block(f"{opening}<summary>{label or 'Details'}</summary>{content}</details>")
        elif label:
            flow.block(f"<p>{label}</p>")

    def _table(self, element: etree._Element, flow: Flow, depth: int) -> None:
        if next(element.iterdescendants("table"), None) is not None:
            self._transparent(element, flow, depth)
            return
        headings = list(self._headings)
        head, body = self._rows(element, flow, depth)
        if is_layout(head, body):
            self._headings = headings
            self._transparent(element, flow, depth)
            return
        caption = Flow(flow.marks, inline=True)
        titled = element.find("caption")
        if titled is not None:
            self.children(titled, caption, depth + 1)
        flow.block(render_table(caption.render(), head, body))

    def _rows(self, table: etree._Element, flow: Flow, depth: int) -> tuple[Rows, Rows]:
        head: Rows = []
        body: Rows = []
        for row in table.iter("tr"):
            section = row.getparent()
            in_head = section is not None and section.tag == "thead"
            cells = [self._cell(cell, flow, depth + 3, head=in_head) for cell in row if cell.tag in ("td", "th")]
            if any(cell.html for cell in cells):
                (head if in_head else body).append(cells)
        if not head and len(body) > 1 and all(cell.head or not cell.html for cell in body[0]):
            head.append(body.pop(0))
        return head, body

    def _cell(self, element: etree._Element, flow: Flow, depth: int, *, head: bool) -> Cell:
        is_head = head or element.tag == "th"
        inner = Flow(flow.marks, tight=True, inline=is_head)
        self._inside(element, inner, depth)
        rows, columns = span(element.get("rowspan")), span(element.get("colspan"))
        html = inner.content()
        return Cell(html, head=is_head and bool(html), colspan=columns, rowspan=rows)

    handlers: ClassVar[dict[str, Handler]] = InlineWriter.handlers | {
        **dict.fromkeys(BREAKS, InlineWriter._transparent),  # noqa: SLF001
        **dict.fromkeys(HEADINGS, _heading),
        "hr": _rule,
        "p": _paragraph,
        "div": _division,
        "blockquote": _quote,
        "pre": _code,
        "ul": _list,
        "ol": _list,
        "dl": _definitions,
        "details": _details,
        "table": _table,
    }


def _nearest(element: etree._Element, tag: str) -> etree._Element | None:
    return next(element.iterancestors(tag), None)


def _numbering(element: etree._Element) -> str:
    if element.tag != "ol":
        return ""
    start = element.get("start", "")
    number = int(start) if re.fullmatch(r"-?[0-9]{1,6}", start) else 1
    reverse = " reversed" if element.get("reversed") is not None else ""
    return (f' start="{number}"' if number != 1 else "") + reverse


def _code_text(element: etree._Element) -> str:
    pieces: list[str] = []
    for event, item in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            pieces.append("\n" if item.tag == "br" else item.get("alt", "") if item.tag == "img" else item.text or "")
        elif item is not element:
            pieces.append(item.tail or "")
    code = "".join(pieces).replace("\r\n", "\n").replace("\r", "\n")
    return code.rstrip().strip("\n")
