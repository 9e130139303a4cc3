"""Slack's texts as HTML: its own markup, and the blocks of its editor, which are the faithful form where there are any.

Pure; the result is as hostile as the message. Spec: docs.slack.dev, "Formatting message text" and "Rich text block".
What is NOT here: what a message is (``slack_thread``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape

from msgspec import Struct

Mention = Callable[[str], str]
"""What a page calls the person of an id."""

_TOKEN = re.compile(r"<([^<>|\n]{1,3000})(?:\|([^<>\n]{0,3000}))?>")
_FENCE = re.compile(r"```\n?(.*?)```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_STYLES = (
    ("strong", re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,2000}?)(?<=\S)\*(?![\w*])")),
    ("em", re.compile(r"(?<![\w_])_(?=\S)([^_\n]{1,2000}?)(?<=\S)_(?![\w_])")),
    ("s", re.compile(r"(?<![\w~])~(?=\S)([^~\n]{1,2000}?)(?<=\S)~(?![\w~])")),
)
_EMOJI = re.compile(r":([a-z0-9_+'-]{1,60})(?:::skin-tone-[2-6])?:")
_HELD = re.compile("\ue000(\\d+)\ue001")
_ITEM = re.compile(r"^\s*(?:[\u2022\u25e6\u25aa*-]|\d{1,2}[.)])\s+")
_SCHEMES = ("https://", "http://", "mailto:")


class Style(Struct):
    """How a piece of text is set."""

    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False


class TextObject(Struct):
    """A text of blocks other than rich text; not read."""


class Element(Struct):
    """Any node of a rich text block; which fields it has depends on its type."""

    type: str = ""
    elements: list[Element] = []
    text: str | TextObject | None = None
    style: str | Style | None = None
    url: str | None = None
    user_id: str | None = None
    channel_id: str | None = None
    usergroup_id: str | None = None
    name: str | None = None
    unicode: str | None = None
    range: str | None = None
    fallback: str | None = None
    indent: int = 0


def message_html(text: str, blocks: Sequence[Element], mention: Mention) -> str:
    """The HTML of a message.

    Args:
        text: in Slack's own markup.
        blocks: of the message; used when all of them are rich text.
        mention: names the people mentioned.
    """
    rich = [block for block in blocks if block.type == "rich_text"]
    if rich and len(rich) == len(blocks):
        return "\n".join(part for block in rich for part in _parts(block.elements, mention) if part)
    return _markup(text, mention)


def plain_words(text: str, mention: Mention) -> str:
    """A message in Slack's own markup as plain text."""
    return _unescaped(_TOKEN.sub(lambda found: _shown(found[1], found[2], mention)[0], text))


def _unescaped(text: str) -> str:
    # Slack escapes these three and no others.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(target: str, label: str | None, mention: Mention) -> tuple[str, str]:
    """What stands for a token in angle brackets: its words, and the address when it is a link."""
    if target.startswith("@"):
        return f"@{mention(target[1:])}", ""
    if target.startswith("#"):
        return f"#{label or target[1:]}", ""
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}", ""
    address = _unescaped(target)
    return _unescaped(label) if label else address.removeprefix("mailto:"), address


# --- Slack's own markup --------------------------------------------------------------------------------------


def _markup(text: str, mention: Mention) -> str:
    result: list[str] = []
    end = 0
    for fence in _FENCE.finditer(text):
        result += _paragraphs(text[end : fence.start()], mention)
        result.append(f"<pre><code>{escape(plain_words(fence[1], mention).rstrip(), quote=False)}</code></pre>")
        end = fence.end()
    result += _paragraphs(text[end:], mention)
    return "\n".join(result)


def _paragraphs(text: str, mention: Mention) -> list[str]:
    result: list[str] = []
    for block in re.split(r"\n{2,}", text.strip("\n")):
        lines = block.split("\n")
        if not block.strip():
            continue
        if all(line.startswith("&gt;") for line in lines):
            inner = [line.removeprefix("&gt;").removeprefix("&gt;&gt;").lstrip() for line in lines]
            result.append(f"<blockquote><p>{_broken(inner, mention)}</p></blockquote>")
        elif all(_ITEM.match(line) for line in lines):
            name = "ol" if lines[0].lstrip()[0].isdigit() else "ul"
            items = "".join(f"<li>{_inline(_ITEM.sub('', line), mention)}</li>" for line in lines)
            result.append(f"<{name}>{items}</{name}>")
        else:
            result.append(f"<p>{_broken(lines, mention)}</p>")
    return result


def _broken(lines: Iterable[str], mention: Mention) -> str:
    return "<br>\n".join(_inline(line, mention) for line in lines)


def _inline(text: str, mention: Mention) -> str:
    """One line: code and tokens are put aside, so that no sign of emphasis is looked for in them."""
    held: list[str] = []

    def hold(html: str) -> str:
        held.append(html)
        return f"\ue000{len(held) - 1}\ue001"

    def token(found: re.Match[str]) -> str:
        words, address = _shown(found[1], found[2], mention)
        return hold(_link(address, words) if address else escape(words, quote=False))

    text = text.replace("\ue000", "").replace("\ue001", "")
    text = _CODE.sub(lambda found: hold(f"<code>{escape(plain_words(found[1], mention), quote=False)}</code>"), text)
    text = _TOKEN.sub(token, text)
    text = escape(_unescaped(text), quote=False)
    for name, style in _STYLES:
        text = style.sub(rf"<{name}>\1</{name}>", text)
    text = _EMOJI.sub(lambda found: _character(found[1]) or found[0], text)
    return _HELD.sub(lambda found: held[int(found[1])], text)


def _link(address: str, words: str) -> str:
    if not address.lower().startswith(_SCHEMES):
        return escape(words, quote=False)
    return f'<a href="{escape(address)}">{escape(words, quote=False)}</a>'


@functools.cache
def _characters() -> dict[str, str]:
    # Loaded when the first emoji is met: the table is large. Slack's names are those of this set, mostly.
    from pymdownx import gemoji_db  # noqa: PLC0415

    table = {
        name.strip(":"): "".join(chr(int(point, 16)) for point in entry["unicode"].split("-"))
        for name, entry in gemoji_db.emoji.items()
        if entry.get("unicode")
    }
    for alias, name in gemoji_db.aliases.items():
        if name.strip(":") in table:
            table.setdefault(alias.strip(":"), table[name.strip(":")])
    return table


def _character(name: str) -> str:
    return _characters().get(name, "")


# --- blocks of rich text -------------------------------------------------------------------------------------


def _parts(elements: Sequence[Element], mention: Mention) -> Iterable[str]:
    lists: list[Element] = []
    for element in elements:
        if element.type == "rich_text_list":
            lists.append(element)
            continue
        yield _lists(lists, mention)
        lists = []
        if element.type == "rich_text_preformatted":
            words = "".join(_words(inner, mention) for inner in element.elements)
            yield f"<pre><code>{escape(words, quote=False)}</code></pre>"
        elif element.type == "rich_text_quote":
            yield f"<blockquote>{_section(element, mention)}</blockquote>"
        else:
            yield _section(element, mention)
    yield _lists(lists, mention)


def _section(element: Element, mention: Mention) -> str:
    inner = "".join(_styled(piece, mention) for piece in element.elements)
    paragraphs = [part.strip("\n") for part in re.split(r"\n{2,}", inner)]
    return "".join(f"<p>{part.replace(chr(10), '<br>' + chr(10))}</p>" for part in paragraphs if part.strip())


def _lists(lists: Sequence[Element], mention: Mention) -> str:
    """Lists in a row; one that is set in further lies in the last item before it."""
    if not lists:
        return ""
    depth = min(one.indent for one in lists)
    html = ""
    open_name = ""
    number = 0
    while number < len(lists):
        one = lists[number]
        if one.indent > depth:
            deeper = number
            while deeper < len(lists) and lists[deeper].indent > depth:
                deeper += 1
            nested = _lists(lists[number:deeper], mention)
            html = f"{html.removesuffix('</li>')}{nested}</li>" if html.endswith("</li>") else html + nested
            number = deeper
            continue
        name = "ol" if one.style == "ordered" else "ul"
        if name != open_name:
            html += (f"</{open_name}>" if open_name else "") + f"<{name}>"
            open_name = name
        html += "".join(f"<li>{_item(item, mention)}</li>" for item in one.elements)
        number += 1
    return html + (f"</{open_name}>" if open_name else "")


def _item(item: Element, mention: Mention) -> str:
    return "".join(_styled(piece, mention) for piece in item.elements).replace("\n", "<br>\n")


def _words(piece: Element, mention: Mention) -> str:
    """A piece of rich text as plain text."""
    text = piece.text if isinstance(piece.text, str) else ""
    match piece.type:
        case "user":
            text = f"@{mention(piece.user_id or '')}"
        case "channel" | "usergroup" | "broadcast":
            sign = "#" if piece.type == "channel" else "@"
            text = sign + (piece.channel_id or piece.usergroup_id or piece.range or "")
        case "emoji":
            text = _drawn(piece) or f":{piece.name or ''}:"
        case "date":
            text = piece.fallback or ""
        case "link":
            text = text or piece.url or ""
    return text


def _drawn(piece: Element) -> str:
    try:
        return "".join(chr(int(point, 16)) for point in (piece.unicode or "").split("-") if point)
    except (ValueError, OverflowError):
        return ""


def _styled(piece: Element, mention: Mention) -> str:
    words = _words(piece, mention)
    html = _link(piece.url, words) if piece.type == "link" and piece.url else escape(words, quote=False)
    style = piece.style if isinstance(piece.style, Style) else Style()
    names = (("code", style.code), ("strong", style.bold), ("em", style.italic), ("s", style.strike))
    for name, wanted in names:
        if wanted:
            html = f"<{name}>{html}</{name}>"
    return html
