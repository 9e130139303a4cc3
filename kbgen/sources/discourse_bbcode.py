"""BBCode that an import into Discourse left behind as text, turned into the HTML it stands for.

Forums moved from phpBB carry ``[quote="x"]``, ``[code]`` or ``[li]`` across paragraphs. Tags are taken in pairs; a
pair becomes HTML, a lone one is dropped when it cannot be anything else (``[/quote]``), and left alone when it may
be text (``table[i]``). What is NOT here: BBCode of a platform that still renders it.
"""

from __future__ import annotations

import html
import itertools
import re
from typing import NamedTuple

from lxml.html import HtmlElement

from kbgen.sources.html_tree import empty, inside, parse, text_of, texts

_TAG = re.compile(
    r"\[(?P<close>/?)(?P<name>quote|code|spoiler|list|ul|ol|li|url|img|color|size|font|center|video|flash|youtube|media"
    r"|pastebin|gist|email|[bius])(?:[=:](?P<value>[^\]\n]{0,300}))?\]",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"\[(?:/(?:quote|code|spoiler|list|ul|ol|li|url|img|color|size|font|center|video|flash|[bius])[\]:]"
    r"|(?:quote|url|color|size|font)=)",
    re.IGNORECASE,
)
_CLOSER_IN_LINK = re.compile(r"(?:%5B|\[)/(?:video|flash|youtube|media|url|img|color|size)(?:%5D|\])$", re.IGNORECASE)
# Private-use characters stand for the new tags while the tree is text.
_OPEN, _CLOSE = "\ue000", "\ue001"
_STAND_IN = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_DEEPEST = 100
_CODE = frozenset(("pre", "code"))
_PICTURES = ("img", "iframe", "video", "audio")
_PAIRS = {
    "quote": ("</p><blockquote><p>", "</p></blockquote><p>"),
    "code": ('</p><pre class="bbcode"><code>', "</code></pre><p>"),
    "spoiler": ("</p><details><summary>Spoiler</summary><p>", "</p></details><p>"),
    "list": ("</p><ul>", "</ul><p>"),
    "ul": ("</p><ul>", "</ul><p>"),
    "ol": ("</p><ol>", "</ol><p>"),
    "li": ("<li>", "</li>"),
    "b": ("<strong>", "</strong>"),
    "i": ("<em>", "</em>"),
    "u": ("<u>", "</u>"),
    "s": ("<s>", "</s>"),
}


class _Mark(NamedTuple):
    node: int
    start: int
    end: int
    name: str
    closing: bool
    value: str


def has_bbcode(text: str) -> bool:
    """A cheap test whether HTML may hold BBCode; a closing tag or one with a value tells."""
    return "[" in text and _HINT.search(text) is not None


def without_bbcode(body: HtmlElement, source: str) -> HtmlElement:
    """Replace BBCode in the text of a tree, outside of its code.

    Args:
        body: the tree; it is used up.
        source: what it was parsed from.

    Returns:
        The tree to go on with.
    """
    for link in body.iter("a"):
        if "href" in link.attrib:
            link.set("href", _CLOSER_IN_LINK.sub("", link.get("href", "")))
    nodes = [node for node in texts(body) if "[" in getattr(*node) and not _is_code(*node)]
    spans = _spans([mark for index, node in enumerate(nodes) for mark in _marks(index, getattr(*node))])
    # A text that holds the stand-ins itself is left as it is: they would be taken for ours.
    if not spans or ((_OPEN in source or "&#" in source) and _OPEN in inside(body)):
        return body
    tags: list[str] = []
    for index, group in itertools.groupby(sorted(spans), key=lambda mark: mark.node):
        element, part = nodes[index]
        setattr(element, part, _marked(getattr(element, part), [(mark, spans[mark]) for mark in group], tags))
    text = _STAND_IN.sub(lambda found: tags[int(found[1])], inside(body))
    return _tidied(parse(text))


def _is_code(element: HtmlElement, part: str) -> bool:
    outer = element if part == "text" else element.getparent()
    return outer is not None and (outer.tag in _CODE or any(one.tag in _CODE for one in outer.iterancestors()))


def _marks(index: int, text: str) -> list[_Mark]:
    return [
        _Mark(index, found.start(), found.end(), found["name"].lower(), bool(found["close"]), found["value"] or "")
        for found in _TAG.finditer(text)
    ]


def _spans(marks: list[_Mark]) -> dict[_Mark, str]:
    """Decide what stands in the place of each tag; tags that are not in the answer stay text."""
    result: dict[_Mark, str] = {}
    stack: list[_Mark] = []
    for mark in marks:
        if stack and stack[-1].name == "code" and not (mark.closing and mark.name == "code"):
            continue
        if not mark.closing:
            if len(stack) < _DEEPEST:
                stack.append(mark)
        elif any(open_.name == mark.name for open_ in stack):
            while (open_ := stack.pop()).name != mark.name:
                _drop_lone(open_, result)
            result[open_], result[mark] = _pair(open_)
        else:
            _drop_lone(mark, result)
    for open_ in stack:
        _drop_lone(open_, result)
    return result


def _drop_lone(mark: _Mark, result: dict[_Mark, str]) -> None:
    if len(mark.name) > 1 and (mark.closing or mark.value):
        result[mark] = ""


def _pair(mark: _Mark) -> tuple[str, str]:
    if mark.name == "url" and re.match(r"https?://", mark.value):
        return f'<a href="{html.escape(mark.value)}">', "</a>"
    if mark.name == "quote" and mark.value.strip("\"'“”„ "):
        who = html.escape(mark.value.split(",")[0].strip("\"'“”„ "))
        return f"</p><blockquote><p>{who}:</p><p>", _PAIRS["quote"][1]
    return _PAIRS.get(mark.name, ("", ""))


def _marked(text: str, spans: list[tuple[_Mark, str]], tags: list[str]) -> str:
    parts: list[str] = []
    last = 0
    for mark, tag in spans:
        parts += [text[last : mark.start], f"{_OPEN}{len(tags)}{_CLOSE}"]
        tags.append(tag)
        last = mark.end
    return "".join([*parts, text[last:]])


def _tidied(body: HtmlElement) -> HtmlElement:
    for pre in list(body.iter("pre")):
        if pre.get("class") == "bbcode":
            _flatten(pre)
    for paragraph in list(body.iter("p")):
        if not text_of(paragraph) and next(paragraph.iter(*_PICTURES), None) is None:
            paragraph.drop_tree()
    return body


def _flatten(pre: HtmlElement) -> None:
    """Code of several paragraphs and breaks becomes lines of text."""
    for broken in pre.iter("br"):
        # A break is followed by a line feed already when the forum wrote it.
        if not (broken.tail or "").startswith("\n"):
            broken.tail = "\n" + (broken.tail or "")
    text = "".join(pre.itertext()).strip("\n")
    empty(pre)
    code = pre.makeelement("code")
    code.text = text
    pre.append(code)
