"""Discord's messages as HTML: its own dialect of Markdown, in which line breaks count and underscores underline.

Pure; the result is as hostile as the message. Spec: support.discord.com, "Markdown Text 101". What is NOT here: what a
message is (``discord_thread``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import escape
from itertools import groupby

Mention = Callable[[str], str]
"""What a page calls the person of an id."""

_FENCE = re.compile(r"```(?:([\w+#.-]{1,20})\n)?\n?(.*?)```", re.DOTALL)
_HEADING = re.compile(r"^(#{1,3}) +(\S.*)$")
_ITEM = re.compile(r"^( *)(?:[-*]|(\d{1,4})\.) +(?=\S)")
_QUOTE = re.compile(r"^> ?")
_DEEPEST = 10  # Discord nests no quotes
_SUBTEXT = re.compile(r"^-# +")
_HELD = re.compile("\ue000(\\d+)\ue001")
_SPECIAL = re.compile(
    r"(?P<code>``.+?``|`[^`\n]+`)"
    r"|<@[!&]?(?P<user>\d{1,20})>"
    r"|<#(?P<channel>\d{1,20})>"
    r"|<a?:(?P<emoji>\w{1,40}):\d{1,20}>"
    r"|<t:(?P<time>-?\d{1,13})(?::[a-zA-Z])?>"
    r"|\[(?P<label>[^\[\]\n]{1,500})\]\(<?(?P<target>https?://[^\s<>()]{1,2000}(?:\([^\s<>()]{0,200}\))?)>?\)"
    r"|<?(?P<url>https?://[^\s<>]{1,2000}[^\s<>\".,;:!?'\])}*_~|])>?"
    r"|\\(?P<escaped>[*_~|`\\>#\[\]()-])"
)
_BOTH = re.compile(r"\*\*\*(?=[^\s*])([^*\n]{1,2000}?)(?<=[^\s*])\*\*\*")
_STYLES = (
    ("strong", re.compile(r"\*\*(?=\S)([^\n]{1,2000}?)(?<=\S)\*\*")),
    ("u", re.compile(r"__(?=\S)([^\n]{1,2000}?)(?<=\S)__")),
    ("s", re.compile(r"~~(?=\S)([^\n]{1,2000}?)(?<=\S)~~")),
    ("em", re.compile(r"(?<!\*)\*(?=[^\s*])([^*\n]{1,2000}?)(?<=[^\s*])\*(?!\*)")),
    ("em", re.compile(r"(?<![\w_])_(?=[^\s_])([^_\n]{1,2000}?)(?<=[^\s_])_(?![\w_])")),
)
# What is hidden until it is clicked is plain on a page that answers a question.
_SPOILER = re.compile(r"\|\|(.+?)\|\|", re.DOTALL)


def content_html(content: str, mention: Mention) -> str:
    """The HTML of a message.

    Args:
        content: as exported, with Discord's markup.
        mention: names the people mentioned by id.
    """
    result: list[str] = []
    content = _SPOILER.sub(r"\1", content.replace("\ue000", "").replace("\ue001", ""))
    end = 0
    for fence in _FENCE.finditer(content):
        result += _blocks(content[end : fence.start()], mention)
        named = f' class="language-{escape(fence[1].lower())}"' if fence[1] else ""
        result.append(f"<pre><code{named}>{escape(fence[2].rstrip(), quote=False)}</code></pre>")
        end = fence.end()
    result += _blocks(content[end:], mention)
    return "\n".join(result)


def _kind(line: str) -> str:
    if not line.strip():
        return ""
    if _QUOTE.match(line):
        return "quote"
    if _ITEM.match(line):
        return "list"
    return "heading" if _HEADING.match(line) else "text"


def _blocks(text: str, mention: Mention, depth: int = 0) -> Iterator[str]:
    head, mark, rest = text.partition("\n>>> ") if not text.startswith(">>> ") else ("", ">>> ", text[4:])
    if depth == _DEEPEST:
        head, mark = text, ""
    for kind, group in groupby(head.split("\n"), _kind):
        lines = list(group)
        if kind == "quote":
            yield f"<blockquote><p>{_broken([_QUOTE.sub('', line) for line in lines], mention)}</p></blockquote>"
        elif kind == "list":
            yield _list(lines, mention)
        elif kind == "heading":
            for line in lines:
                found = _HEADING.match(line)
                yield f"<p><strong>{_inline(found[2] if found else line, mention)}</strong></p>"
        elif kind:
            yield f"<p>{_broken([_SUBTEXT.sub('', line) for line in lines], mention)}</p>"
    if mark and rest.strip():
        # Everything after it is quoted.
        yield f"<blockquote>{''.join(_blocks(rest, mention, depth + 1))}</blockquote>"


def _list(lines: list[str], mention: Mention) -> str:
    """Items at one depth; Discord's second depth is joined to it."""
    found = _ITEM.match(lines[0])
    name = "ol" if found and found[2] else "ul"
    items = "".join(f"<li>{_inline(_ITEM.sub('', line), mention)}</li>" for line in lines)
    return f"<{name}>{items}</{name}>"


def _broken(lines: list[str], mention: Mention) -> str:
    return "<br>\n".join(_inline(line, mention) for line in lines)


def _inline(text: str, mention: Mention) -> str:
    """One line: code, links and mentions are put aside, so that no sign of emphasis is looked for in them."""
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(_special(found, mention))
        return f"\ue000{len(held) - 1}\ue001"

    text = _BOTH.sub(r"<strong><em>\1</em></strong>", escape(_SPECIAL.sub(hold, text), quote=False))
    for name, style in _STYLES:
        text = style.sub(rf"<{name}>\1</{name}>", text)
    return _HELD.sub(lambda found: held[int(found[1])], text)


def _special(found: re.Match[str], mention: Mention) -> str:
    kind = found.lastgroup or ""
    value = found[kind]
    if kind == "code":
        return f"<code>{escape(value.strip('`'), quote=False)}</code>"
    if kind in {"target", "url"}:
        label = found["label"] or value
        return f'<a href="{escape(value)}">{escape(label, quote=False)}</a>'
    return escape(
        {"user": f"@{mention(value)}", "channel": "#channel", "emoji": f":{value}:"}.get(kind) or _other(kind, value)
    )


def _other(kind: str, value: str) -> str:
    if kind != "time":
        return value
    try:
        return f"{datetime.fromtimestamp(int(value), tz=UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return value
