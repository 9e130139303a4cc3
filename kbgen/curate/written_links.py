"""Relative links of overlays and topic introductions to other documents of ``content/``: to the pages those become.

The site engine does this for the pages it renders itself; these two kinds it never sees. What is NOT here: which page
has which address (``compile``), and links that are no documents' (``sanitise`` takes them out).
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from urllib.parse import quote, unquote

from kbgen.curate.files import Fields, nearest
from kbgen.curate.links import INTERNAL
from kbgen.errors import RecordError
from kbgen.model import split_ref
from kbgen.sources.markdown import split_front_matter
from kbgen.sources.markup import read_html, write_html

_CONTENT = "content"
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|/|#)")
_INDEXES = ("index", "README")
# What is written in front of a link's address in Markdown and HTML, to find its line again.
_WRITTEN = r"""(?:\]\(\s*<?|\]:\s*<?|href\s*=\s*["']?)"""


def link_documents(html: str, fields: Fields, project: Path) -> tuple[str, list[RecordError]]:
    """Point relative links to ``.md`` files at pages.

    Args:
        html: the rendered body; hostile before and after.
        fields: the file it comes from.
        project: the project folder.

    Returns:
        The HTML, its links as ``kb:`` references, and an error for each link to no page, naming file and line; such a
        link becomes its text.
    """
    body = read_html(html) if ".md" in html.lower() else None
    if body is None:
        return html, []
    errors: list[RecordError] = []
    for link in list(body.iter("a")):
        href = link.get("href", "").strip()
        path, mark, fragment = href.partition("#")
        name = unquote(path.partition("?")[0])
        if _SCHEME.match(href) or not name.lower().endswith(".md"):
            continue
        try:
            link.set("href", f"{INTERNAL}{_reference(name, fields.file, project)}{mark}{fragment}")
        except ValueError as error:
            place = f"{fields.file}:{_line(fields, href)}"
            errors.append(RecordError(place, f"links to {href}, {error}; the link is left out"))
            link.drop_tag()
    return write_html(body), errors


def _reference(name: str, file: str, project: Path) -> str:
    """The reference to a document's page.

    Raises:
        ValueError: it has none; the message says why.
    """
    target = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
    folder, _, inside = target.partition("/")
    if folder != _CONTENT or not inside:
        msg = f"which is outside of {_CONTENT}/"
        raise ValueError(msg)
    path = project / target
    if not path.is_file():
        beside = [one.name for one in path.parent.glob("*.md")] if path.parent.is_dir() else []
        msg = f"which is no file; {nearest(path.name, beside)}"
        raise ValueError(msg)
    try:
        matter = split_front_matter(path.read_text(encoding="utf-8", errors="replace"), target).data
    except RecordError as error:
        msg = f"which cannot be read: {error}"
        raise ValueError(msg) from error
    if matter.get("draft") is True:
        msg = "which is a draft"
        raise ValueError(msg)
    if inside.startswith("_shells/"):
        msg = "which is a shell and no page"
        raise ValueError(msg)
    if inside.startswith("curated/"):
        return _thread(matter.get("thread"))
    return f"{_CONTENT}:{quote(_page(inside))}"


def _thread(value: object) -> str:
    """The thread an overlay is about."""
    try:
        split_ref(str(value))
    except ValueError as error:
        msg = "an overlay that names no thread"
        raise ValueError(msg) from error
    return str(value)


def _page(inside: str) -> str:
    """The path of the page a document becomes; topics have theirs from their slugs, which are their names."""
    stem = inside[: -len(".md")]
    folders, _, base = stem.rpartition("/")
    path = folders if base in _INDEXES else stem
    return f"/{path}/" if path else "/"


def _line(fields: Fields, href: str) -> int:
    """The line of the file a link stands in; that of the body when it is written in a way that is not found."""
    found = re.search(_WRITTEN + re.escape(href), fields.body)
    return fields.body_line + (fields.body[: found.start()].count("\n") if found else 0)
