"""Structured data of a page, JSON-LD and microdata alike, as items with properties. Pure.

A broken block of JSON-LD never costs the others. What is NOT here: what the items mean (``web_thread``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from lxml import etree
from lxml.html import HtmlElement

from kbgen.sources.markup import write_html

_DEPTH, _WRAPPERS = 40, 8
# What content systems wrap a script in; a comment that holds a brace is a wrapper, not a remark.
_LEADING = re.compile(
    r"""\s*(?:\ufeff|<!--[^{\[]*?-->|<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[|//[^\n{\[]*\n)\s*"""
)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_LINKS = {"a": "href", "area": "href", "link": "href", "object": "data"}
_MARKUP = frozenset(("text", "articleBody"))


class Html(str):
    """A value that is markup already, because it was read from the page itself."""

    __slots__ = ()


@dataclass(eq=False)
class Item:
    """One thing the page describes.

    Attributes:
        types: schema.org names without their address, such as ``QAPage``.
        id: its ``@id`` or ``itemid``, "" when it has none.
        props: values by property, in the order of the page.
        element: where microdata describes it; None for JSON-LD.
    """

    types: tuple[str, ...] = ()
    id: str = ""
    props: dict[str, list[Item | str]] = field(default_factory=dict)
    element: HtmlElement | None = None


class Graph:
    """The items of a page, and the references between them.

    Args:
        items: those at the top, in the order of the page.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        self._by_id: dict[str, Item] = {}
        for item in self.walk(resolve=False):
            # The fullest description counts: elsewhere the same thing is often only named.
            known = self._by_id.get(item.id)
            if item.id and (known is None or len(item.props) > len(known.props)):
                self._by_id[item.id] = item

    def resolve(self, item: Item) -> Item:
        """The item a bare reference stands for."""
        return self._by_id.get(item.id, item) if item.id and not item.props else item

    def values(self, item: Item, *names: str) -> list[Item | str]:
        """The values of the first of several properties that has any; references are resolved."""
        for name in names:
            if item.props.get(name):
                return [self.resolve(value) if isinstance(value, Item) else value for value in item.props[name]]
        return []

    def text(self, item: Item, *names: str) -> str:
        """The first value of the first property that has one and is text, "" when none is."""
        return next((value for value in self.values(item, *names) if isinstance(value, str)), "")

    def inner(self, item: Item, *names: str) -> list[Item]:
        """The values that are items themselves."""
        return [value for value in self.values(item, *names) if isinstance(value, Item)]

    def walk(self, *, resolve: bool = True) -> Iterator[Item]:
        """Every item of the page once, nested ones after the one they are in."""
        seen: set[int] = set()
        pending = list(reversed(self.items))
        while pending:
            item = self.resolve(pending.pop()) if resolve else pending.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            yield item
            nested = [value for values in item.props.values() for value in values if isinstance(value, Item)]
            pending.extend(reversed(nested))


def read_jsonld(root: HtmlElement) -> tuple[list[Item], int]:
    """Read every block of JSON-LD on its own.

    Rule: json-ld.org/spec/latest/json-ld-api-best-practices and what content systems really write: comments, CDATA,
    raw line ends in strings, commas too many.

    Returns:
        The items at the top of all blocks, and how many blocks could not be read.
    """
    items: list[Item] = []
    broken = 0
    for script in root.iter("script"):
        if not (script.get("type") or "").strip().lower().startswith("application/ld+json"):
            continue
        try:
            items += _top(_load(script.text or ""), 0)
        except (ValueError, RecursionError):
            broken += 1
    return items, broken


def _load(text: str) -> Any:
    # A few wrappers are a content system's, thousands are somebody's joke.
    for _ in range(_WRAPPERS):
        found = _LEADING.match(text)
        text = text[found.end() :] if found is not None else text
    text = text.strip()
    if '"' not in text and "&quot;" in text:
        text = unescape(text)
    decoder = json.JSONDecoder(strict=False)
    try:
        return decoder.raw_decode(text)[0]
    except ValueError:
        return decoder.raw_decode(_TRAILING_COMMA.sub(lambda found: found[1] or "", text))[0]


def _top(data: Any, depth: int) -> list[Item]:
    if isinstance(data, list):
        return [item for entry in data for item in _top(entry, depth)]
    if not isinstance(data, dict) or depth > _DEPTH:
        return []
    graph = _top(data.get("@graph", []), depth + 1)
    own = _item(data, depth)
    return [own, *graph] if own.props or own.types else graph


def _item(data: Mapping[str, Any], depth: int) -> Item:
    types = data.get("@type", ())
    names = [types] if isinstance(types, str) else types if isinstance(types, list) else []
    item = Item(tuple(_short(name) for name in names if isinstance(name, str)), str(data.get("@id") or ""))
    for key, value in data.items():
        if not key.startswith("@"):
            values = _values(value, depth + 1)
            if values:
                item.props.setdefault(_short(key), []).extend(values)
    return item


def _values(value: Any, depth: int) -> list[Item | str]:
    if isinstance(value, list):
        return [entry for one in value for entry in _values(one, depth)]
    if isinstance(value, dict):
        for key in ("@value", "@list", "@set"):
            if key in value:
                return _values(value[key], depth)
        return [_item(value, depth)] if depth <= _DEPTH else []
    if value is None or value == "":
        return []
    return [value if isinstance(value, str) else json.dumps(value)]


def _short(name: str) -> str:
    """``QAPage`` of ``https://schema.org/QAPage`` and ``schema:QAPage``."""
    return re.split(r"[/#:]", name.strip().rstrip("/"))[-1]


def read_microdata(root: HtmlElement) -> list[Item]:
    """Read microdata: each scope owns the properties inside it, as far as the next scope.

    Rule: html.spec.whatwg.org/multipage/microdata.html.

    Returns:
        The items that are no property of another one.
    """
    reader = _Microdata(root)
    reader.collect(root, None)
    return reader.top


class _Microdata:
    def __init__(self, root: HtmlElement) -> None:
        self.top: list[Item] = []
        self._by_id = {element.get("id", ""): element for element in root.iter(etree.Element) if element.get("id")}
        # Items that refer to each other would be read for ever.
        self._references = 200

    def collect(self, element: HtmlElement, owner: Item | None) -> None:
        names = (element.get("itemprop") or "").split()
        inside = owner
        if element.get("itemscope") is not None:
            types = tuple(_short(name) for name in (element.get("itemtype") or "").split())
            inside = scope = Item(types, element.get("itemid") or "", element=element)
            if not (names and owner is not None):
                self.top.append(scope)
            self._refer(element, scope)
        if owner is not None:
            for name in names:
                value = inside if inside is not owner and inside is not None else _value(element, name)
                if value != "":
                    owner.props.setdefault(_short(name), []).append(value)
        for child in element.iterchildren(etree.Element):
            self.collect(child, inside)

    def _refer(self, element: HtmlElement, scope: Item) -> None:
        for referred in (element.get("itemref") or "").split():
            elsewhere = self._by_id.get(referred)
            # One that lies around this element would contain itself.
            around = elsewhere is element or elsewhere in element.iterancestors()
            if elsewhere is not None and not around and self._references:
                self._references -= 1
                self.collect(elsewhere, scope)


def _value(element: HtmlElement, name: str) -> str:
    tag = str(element.tag)
    given = element.get("content") or element.get("data-value")
    if tag in _LINKS:
        given = given or element.get(_LINKS[tag])
    elif tag == "time":
        given = given or element.get("datetime")
    elif tag in {"data", "meter"}:
        given = given or element.get("value")
    elif tag in {"img", "audio", "video", "iframe", "embed", "source", "track"}:
        given = given or element.get("src")
    if given is not None:
        return str(given).strip()
    return Html(write_html(element)) if name in _MARKUP else " ".join(element.text_content().split())
