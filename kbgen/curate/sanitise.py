"""Hostile HTML to ``SafeHtml``: the only maker, and the trust boundary of everything that is shown.

Two passes. nh3 parses as browsers do and keeps only known elements, attributes and link schemes. A walk over
what is left then writes new HTML, piece by piece, from closed tables: nothing of the input is ever copied but
text (escaped) and addresses (checked), so a parser difference cannot revive markup, and the result is valid flow
content whatever the input was. Sanitising twice changes nothing.

What is private is taken out in ``privacy``; ``dir`` and headings above h3 are the page templates'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

import nh3
from lxml import etree

from kbgen.curate.flow import Flow, Mark
from kbgen.curate.highlight import highlight, known_language
from kbgen.curate.links import INTERNAL, clean_href, host_of
from kbgen.curate.tables import Cell, Rows, is_layout, render_table, span
from kbgen.curate.text import parse, plain_text, scrub
from kbgen.model import SafeHtml

_MARKS = {
    **{tag: tag for tag in "b strong i em u s del ins code kbd samp var sub sup small mark q cite dfn bdi".split()},
    "strike": "s",
    "tt": "code",
    "abbr": "abbr",
    "acronym": "abbr",
}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BREAKS = frozenset(
    "div p section article aside header footer main nav address center figure figcaption dt dd li tr td th caption "
    "summary fieldset legend form dir menu".split()
)
_EMBEDS = frozenset(("iframe", "embed", "video", "audio", "source"))
_REST = frozenset(
    "a img br hr pre blockquote ul ol dl details table thead tbody tfoot input span".split(),
)
_TAGS = {*_MARKS, *_HEADINGS, *_BREAKS, *_EMBEDS, *_REST}
_ATTRIBUTES = {
    "*": {"class"},
    "a": {"href"},
    "abbr": {"title"},
    "acronym": {"title"},
    "img": {"src", "alt"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "pre": {"data-code-wrap"},
    "input": {"type", "checked"},
    **{tag: {"src", "title"} for tag in _EMBEDS},
}
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    clean_content_tags={"script", "style", "svg", "noscript", "template", "title", "select", "noembed", "noframes"},
    url_schemes={"http", "https", "kb"},
    url_relative="deny",
    link_rel=None,
    strip_comments=True,
)
_ADMONITIONS = frozenset(
    "abstract attention bug caution danger error example failure hint important info note question quote success tip "
    "warning".split()
)
# A browser's parser takes quadratic time on deep nesting. Posts with more tags than this are looked at first.
_MANY_TAGS = 5_000
_DEEPEST = 150  # of the input; the output is never deeper than 120, so a second pass comes to the same verdict
_MOST_CONTAINERS = 40
_LONGEST_LABEL = 80


class _TooDeep(Exception):  # noqa: N818 - a signal, not an error: it never leaves this module
    """The tree is nested deeper than any person writes."""


def safe_html(html: str, *, own_hosts: frozenset[str] = frozenset(), trusted: bool = False) -> SafeHtml:
    """Make ``SafeHtml`` of any HTML: valid flow content with headings from h3 down.

    Args:
        html: a post's body, links absolute; may be broken, huge or an attack.
        own_hosts: hosts whose links carry no ``rel``.
        trusted: written by staff: links carry no ``rel``, admonitions keep their classes. As safe as otherwise.

    Returns:
        HTML without scripts, styles, images and foreign classes. A post nested deeper than 150 levels is
        reduced to its words.
    """
    source = scrub(html)
    if source.count("<") > _MANY_TAGS and _is_deep(source):
        return _only_words(source)
    body = parse(_CLEANER.clean(source))
    if body is None:
        return SafeHtml("")
    flow = Flow()
    try:
        _Writer(own_hosts, trusted=trusted).children(body, flow, 0)
    except _TooDeep:
        return _only_words(source)
    return SafeHtml(flow.render())


def _is_deep(html: str) -> bool:
    parser = etree.HTMLParser(encoding="utf-8")  # gives up at 256 levels
    etree.fromstring(f"<html><body>{html}</body></html>".encode(), parser)
    return any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log)


def _only_words(html: str) -> SafeHtml:
    pieces: list[str] = []
    position = 0
    while (start := html.find("<", position)) >= 0 and (end := html.find(">", start)) >= 0:
        pieces.append(html[position:start])
        position = end + 1
    pieces.append(html[position:])
    words = plain_text(" ".join(pieces).replace("<", " "))
    body = parse(words)
    text = "" if body is None else plain_text("".join(body.itertext()))
    return SafeHtml(f"<p>{escape(text, quote=False)}</p>" if text else "")


class _Writer:
    """Reads one cleaned tree in document order and writes it into flows."""

    def __init__(self, own_hosts: frozenset[str], *, trusted: bool) -> None:
        self._own_hosts = own_hosts
        self._trusted = trusted
        self._headings: list[int] = []
        self._containers = 0

    def children(self, parent: etree._Element, flow: Flow, depth: int) -> None:
        if depth > _DEEPEST:
            raise _TooDeep
        if parent.text:
            flow.text(parent.text)
        for child in parent:
            self._element(child, flow, depth + 1)
            if child.tail:
                flow.text(child.tail)

    def _element(self, element: etree._Element, flow: Flow, depth: int) -> None:
        tag = element.tag
        if tag in _MARKS:
            self._mark(element, flow, depth)
        elif (handler := _HANDLERS.get(tag)) is not None:
            if tag in _CONTAINERS and (flow.inline or self._containers >= _MOST_CONTAINERS):
                handler = _Writer._transparent
            handler(self, element, flow, depth)
        else:
            self.children(element, flow, depth)

    def _transparent(self, element: etree._Element, flow: Flow, depth: int) -> None:
        flow.end()
        self.children(element, flow, depth)
        flow.end()

    def _inside(self, element: etree._Element, flow: Flow, depth: int) -> None:
        """Read a container's content into its own flow, counting how many are open."""
        self._containers += 1
        self.children(element, flow, depth)
        self._containers -= 1

    # --- inline ------------------------------------------------------------------------------------------

    def _mark(self, element: etree._Element, flow: Flow, depth: int) -> None:
        tag = _MARKS[element.tag]
        title = plain_text(element.get("title", "")) if tag == "abbr" else ""
        self._in_mark(Mark(tag, f' title="{escape(title)}"' if title else ""), element, flow, depth)

    def _in_mark(self, mark: Mark, element: etree._Element, flow: Flow, depth: int) -> None:
        outer = flow.marks
        if all(mark.tag != other.tag for other in outer):
            flow.marks = (*outer, mark)
        self.children(element, flow, depth)
        flow.marks = outer

    def _link_mark(self, href: str, *, image: bool = False) -> Mark | None:
        url = clean_href(href)
        if not url:
            return None
        own = self._trusted or url.startswith(INTERNAL) or host_of(url) in self._own_hosts
        classes = ' class="kb-image"' if image else ""
        return Mark("a", f'{classes} href="{escape(url)}"{"" if own else _USER_LINK}')

    def _link(self, element: etree._Element, flow: Flow, depth: int) -> None:
        mark = self._link_mark(element.get("href", ""), image="kb-image" in _classes(element))
        if mark is None or flow.plain:
            self.children(element, flow, depth)
        else:
            self._in_mark(mark, element, flow, depth)

    def _labelled(self, label: str, href: str, flow: Flow, *, image: bool = False) -> None:
        outer = flow.marks
        mark = None if flow.plain or any(other.tag == "a" for other in outer) else self._link_mark(href, image=image)
        if mark is not None:
            flow.marks = (*outer, mark)
        flow.text(label)
        flow.marks = outer

    def _image(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del depth
        alt = plain_text(element.get("alt", ""))
        if "emoji" in _classes(element):
            flow.text(alt)
        elif clean_href(element.get("src", "")):
            self._labelled(alt or "Image", element.get("src", ""), flow, image=True)
        else:
            flow.text(alt)

    def _embed(self, element: etree._Element, flow: Flow, depth: int) -> None:
        sources = [element.get("src", ""), *(child.get("src", "") for child in element.iter("source"))]
        url = next((href for href in map(clean_href, sources) if href), "")
        if not url:
            if element.tag in ("video", "audio"):
                self._transparent(element, flow, depth)
            return
        label = plain_text(element.get("title", "")) or url.partition("://")[2][:_LONGEST_LABEL]
        flow.end()
        self._labelled(label, url, flow)
        flow.end()

    def _checkbox(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del depth
        if element.get("type", "").lower() == "checkbox":
            flow.text("☐ " if element.get("checked") is None else "☑ ")

    # --- blocks ------------------------------------------------------------------------------------------

    def _paragraph(self, element: etree._Element, flow: Flow, depth: int) -> None:
        title = self._trusted and "admonition-title" in _classes(element)
        attributes = ' class="admonition-title"' if title else ""
        flow.end()
        self.children(element, flow, depth)
        flow.end(attributes=attributes)

    def _division(self, element: etree._Element, flow: Flow, depth: int) -> None:
        classes = _classes(element)
        if not (self._trusted and "admonition" in classes) or flow.inline or self._containers >= _MOST_CONTAINERS:
            self._transparent(element, flow, depth)
            return
        kind = next((word for word in classes if word in _ADMONITIONS), "note")
        inner = Flow(flow.marks)
        self._inside(element, inner, depth)
        content = inner.render()
        flow.block(f'<div class="admonition {kind}">{content}</div>' if content else "")

    def _heading(self, element: etree._Element, flow: Flow, depth: int) -> None:
        inner = Flow(flow.marks, inline=True, plain=flow.plain)
        self.children(element, inner, depth)
        content = inner.render()
        if not content:
            return
        level = int(element.tag[1])
        while self._headings and self._headings[-1] >= level:
            self._headings.pop()
        self._headings.append(level)
        shown = min(2 + len(self._headings), 6)
        flow.block(f"<h{shown}>{content}</h{shown}>")

    def _quote(self, element: etree._Element, flow: Flow, depth: int) -> None:
        inner = Flow(flow.marks)
        self._inside(element, inner, depth)
        content = inner.render()
        flow.block(f"<blockquote>{content}</blockquote>" if content else "")

    def _rule(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del element, depth
        flow.end()
        if not flow.inline:
            flow.block("<hr>")

    def _line_break(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del element, depth
        flow.line_break()

    def _code(self, element: etree._Element, flow: Flow, depth: int) -> None:
        del depth
        code = _code_text(element)
        if not code.strip():
            return
        declared = [element, *element.iter("code"), element.getparent()]
        classes = " ".join(item.get("class", "") for item in declared if item is not None)
        language = known_language(f"{classes} lang-{element.get('data-code-wrap', 'none')}")
        named = f' class="language-{escape(language)}"' if language else ""
        body = highlight(code, language)
        flow.block(f'<div class="highlight"><pre tabindex="0"><code{named}>{body}</code></pre></div>')

    def _list(self, element: etree._Element, flow: Flow, depth: int) -> None:
        items: list[Flow] = []
        loose = Flow(flow.marks, tight=True)
        for child, tail in [(None, element.text), *((child, child.tail) for child in element)]:
            if child is not None and child.tag == "li":
                items.append(Flow(flow.marks, tight=True))
                self._inside(child, items[-1], depth + 1)
            elif child is not None:
                # Lists straight inside a list, and whatever else people put there, belong to the item before.
                target = items[-1] if items else loose
                self._containers += 1
                self._element(child, target, depth + 1)
                self._containers -= 1
            if tail and tail.strip():
                (items[-1] if items else loose).text(tail)
        contents = [content for content in (item.render() for item in (loose, *items)) if content]
        tag = "ol" if element.tag == "ol" else "ul"
        inside = "".join(f"<li>{content}</li>" for content in contents)
        flow.block(f"<{tag}{_numbering(element)}>{inside}</{tag}>" if inside else "")

    def _definitions(self, element: etree._Element, flow: Flow, depth: int) -> None:
        parts: list[tuple[str, Flow]] = []
        for child in element.iterdescendants("dt", "dd"):
            if _nearest(child, "dl") is not element:
                continue
            inner = Flow(flow.marks, tight=True, inline=child.tag == "dt")
            self._inside(child, inner, depth + 2)
            if inner.render():
                parts.append((child.tag, inner))
        if re.fullmatch(r"(t+d+)+", "".join(tag[1] for tag, _ in parts)):
            inside = "".join(f"<{tag}>{inner.render()}</{tag}>" for tag, inner in parts)
            flow.block(f"<dl>{inside}</dl>")
            return
        for tag, inner in parts:
            inner.tight = False
            flow.block(f"<p>{inner.render()}</p>" if tag == "dt" else inner.render())

    def _details(self, element: etree._Element, flow: Flow, depth: int) -> None:
        summary = Flow(inline=True, plain=True)
        inner = Flow(flow.marks)
        first = element.find("summary")
        self._containers += 1
        inner.text(element.text or "")
        for child in element:
            if child is first:
                self.children(child, summary, depth + 1)
            else:
                self._element(child, inner, depth + 1)
            inner.text(child.tail or "")
        self._containers -= 1
        content = inner.render()
        kind = next((word for word in _classes(element) if word in _ADMONITIONS), "") if self._trusted else ""
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
            in_head = row.getparent().tag == "thead"
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
        html = inner.render()
        return Cell(html, head=is_head and bool(html), colspan=columns, rowspan=rows)


_USER_LINK = ' rel="ugc nofollow"'
_Handler = Callable[[_Writer, etree._Element, Flow, int], None]
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(_BREAKS, _Writer._transparent),
    **dict.fromkeys(_HEADINGS, _Writer._heading),
    **dict.fromkeys(_EMBEDS, _Writer._embed),
    "a": _Writer._link,
    "img": _Writer._image,
    "input": _Writer._checkbox,
    "br": _Writer._line_break,
    "hr": _Writer._rule,
    "p": _Writer._paragraph,
    "div": _Writer._division,
    "blockquote": _Writer._quote,
    "pre": _Writer._code,
    "ul": _Writer._list,
    "ol": _Writer._list,
    "dl": _Writer._definitions,
    "details": _Writer._details,
    "table": _Writer._table,
}
_CONTAINERS = frozenset((*_HEADINGS, "blockquote", "pre", "ul", "ol", "dl", "details", "table"))


def _classes(element: etree._Element) -> list[str]:
    return (element.get("class") or "").split()


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
