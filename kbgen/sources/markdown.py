"""Markdown with front matter, as writers' files have it: split and rendered, purely.

Articles, overlays and topic introductions all come through here, with the extensions the site engine uses, so
a text looks the same whoever renders it. What is NOT here: sanitising (the HTML is as hostile as its source),
links between files, and what each key of a front matter means.
"""

from __future__ import annotations

import functools
import re
import threading
import tomllib
from html import escape
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from pymdownx.slugs import slugify

from kbgen.errors import RecordError
from kbgen.model import yaml_text

if TYPE_CHECKING:
    from kbgen.sources.markdown_bounds import BoundedMarkdown

_FENCES = {"---": ("---", "..."), "+++": ("+++",)}
_KEY = re.compile(r"""["']?[\w-]+["']?\s*[:=]""")
_TOML_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")

EXTENSIONS: dict[str, dict[str, Any]] = {
    "admonition": {},
    "attr_list": {},
    "def_list": {},
    "footnotes": {},
    "md_in_html": {},
    "tables": {},
    "toc": {"permalink": False, "slugify": slugify(case="lower")},
    "pymdownx.details": {},
    "pymdownx.highlight": {"pygments_lang_class": True, "linenums": None, "anchor_linenums": False},
    "pymdownx.inlinehilite": {},
    "pymdownx.superfences": {},
    "pymdownx.tabbed": {"alternate_style": True},
    "pymdownx.tasklist": {"custom_checkbox": True},
}
"""The Markdown extensions with their settings; ``mkdocs.yml`` lists the same ones."""


class FrontMatter(Struct, frozen=True):
    """A Markdown file in its two halves.

    Attributes:
        data: the front matter; empty when there is none.
        body: the Markdown after it.
        body_line: the line of the file the body starts at, from 1.
    """

    data: dict[str, Any]
    body: str
    body_line: int


def split_front_matter(text: str, file: str) -> FrontMatter:
    """Split a file's text into front matter and body.

    YAML between ``---`` lines (MkDocs, Zendesk exports, Hugo) and TOML between ``+++`` lines (Hugo) are read; a
    file without either is all body.

    Args:
        text: the whole file; a byte order mark and any line ending are fine.
        file: its name, for messages.

    Raises:
        RecordError: the front matter is not closed, not valid, or not made of keys; names file and line.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    closers = _FENCES.get(lines[0].rstrip())
    if closers is None:
        return FrontMatter({}, "\n".join(lines), 1)
    end = next((index for index, line in enumerate(lines[1:], 1) if line.rstrip() in closers), None)
    if end is None:
        if len(lines) > 1 and _KEY.match(lines[1]):
            raise RecordError(f"{file}:1", f"the front matter is not closed; end it with a line {closers[0]}")
        return FrontMatter({}, "\n".join(lines), 1)
    block = "\n".join(lines[1:end])
    data = _toml(block, file) if closers == ("+++",) else _yaml(block, file)
    return FrontMatter(data, "\n".join(lines[end + 1 :]), end + 2)


def _yaml(block: str, file: str) -> dict[str, Any]:
    try:
        data = yaml_text.load(block)
    except yaml_text.YamlFault as fault:
        hint = "quote the value, or indent with spaces"
        reason = f"the front matter is not valid YAML: {fault.reason}; {hint}"
        raise RecordError(f"{file}:{fault.line + 1}", reason) from fault
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise RecordError(f"{file}:2", "the front matter must be lines of `key: value`; mend it or remove it")
    return {str(key): value for key, value in data.items()}


def _toml(block: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(block)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place.group(1)) + 1 if place else 2
        reason = _TOML_PLACE.sub("", str(error))
        raise RecordError(
            f"{file}:{line}", f"the front matter is not valid TOML: {reason}; mend or quote it"
        ) from error


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_TIGHT_ID = re.compile(r"^(#{1,6}\s.*[^\s}])\{(#[\w-]+)\}\s*$")


@functools.lru_cache(maxsize=8)
def _converter(thread: int) -> BoundedMarkdown:
    # One converter a thread: it keeps state while it converts, and making one costs as much as a page.
    del thread
    # Here, because front matter is read by many who render nothing.
    from kbgen.sources.markdown_bounds import BoundedMarkdown  # noqa: PLC0415

    return BoundedMarkdown(tuple(EXTENSIONS), EXTENSIONS)


def render(text: str) -> str:
    """Render Markdown to HTML, which is as hostile as the text was.

    Args:
        text: Markdown without front matter.

    Returns:
        HTML; code has the class of its language and no colours yet. A text that nobody writes, nested without end or
        the same sign over and over, is not rendered: it comes as paragraphs of what it says.
    """
    html = rendered(text)
    return _plain(text) if html is None else html


def rendered(text: str) -> str | None:
    """Render Markdown as ``render`` does, for those who tell its writer that it cannot be: then it is None."""
    from kbgen.sources.markdown_bounds import TooMuch  # noqa: PLC0415

    try:
        return _converter(threading.get_ident()).convert(_spaced_ids(text) if "{#" in text else text)
    except (TooMuch, RecursionError):
        # Broken off in the middle, it may hold the rest of this text.
        _converter.cache_clear()
        return None


def _plain(text: str) -> str:
    paragraphs = (part.strip("\n") for part in _BLANK.split(text))
    return "\n".join(f"<p>{escape(part, quote=False)}</p>" for part in paragraphs if part.strip())


def _spaced_ids(text: str) -> str:
    """Write ``## Title{#id}`` as ``## Title {#id}``: other dialects need no space, ``attr_list`` does."""
    fence = ""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            lines[number] = _TIGHT_ID.sub(r"\1 {\2}", line)
    return "\n".join(lines)
