"""Emoji by the names that people type between colons."""

from __future__ import annotations

import functools
import re

_CODE = re.compile(r"(?<![\w:]):([a-z0-9_+-]+):(?![\w:])")


@functools.cache
def emoji_by_name() -> dict[str, str]:
    """The names of the two common sets, GitHub's and EmojiOne's, and the emoji they stand for."""
    # Loaded when the first emoji is met: the tables are large.
    from pymdownx import emoji1_db, gemoji_db  # noqa: PLC0415

    table: dict[str, str] = {}
    for data in (gemoji_db, emoji1_db):
        for name, entry in data.emoji.items():
            code = entry.get("unicode_alt") or entry.get("unicode")
            if code:
                table[name.strip(":")] = "".join(chr(int(point, 16)) for point in code.split("-"))
        for alias, name in data.aliases.items():
            if name.strip(":") in table:
                table.setdefault(alias.strip(":"), table[name.strip(":")])
    return table


def with_emoji(text: str) -> str:
    """Replace shortcodes, such as ``:gear:``; what is no emoji's name stays."""
    return _CODE.sub(lambda code: emoji_by_name().get(code[1], code[0]), text) if text.count(":") > 1 else text
