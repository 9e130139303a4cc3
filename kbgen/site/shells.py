"""A shell: one page the site engine built, cut at its slots ``@@name@@`` once and filled many times.

Cutting also repairs and shortens the engine's markup (``tidy``): comments and idle white space go, and the
faults every page of the theme carries are mended in one place. Which values go into the slots is the
renderer's business, how the page was built the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from kbgen.errors import EngineError

FRAME_SLOTS = frozenset({"kb_lang", "kb_dir", "kb_head", "kb_before", "kb_after"})
"""The slots of every page, written by kbgen's ``main.html``."""
TEXT_SLOTS = frozenset({"title", "description", "content"})
"""Further slots a writer may use in ``content/_shells/*.md``."""

_DIRECTION = "@@kb_dir@@"
_SLOT = re.compile(r"@@([a-z_]+)@@")
_LONE_SLOT = re.compile(r"<p>\s*(@@[a-z_]+@@)\s*</p>")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_VERBATIM = frozenset({"pre", "textarea", "script", "style"})
# White space beside these is never visible, so it can go altogether.
_BLOCKS = frozenset(
    [
        "html",
        "head",
        "body",
        "title",
        "meta",
        "link",
        "script",
        "style",
        "main",
        "header",
        "footer",
        "nav",
        "article",
        "section",
        "aside",
        "div",
        "form",
        "ul",
        "ol",
        "li",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "table",
        "thead",
        "tbody",
        "tr",
        "td",
        "th",
        "dl",
        "dt",
        "dd",
        "template",
        "noscript",
    ]
)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)

# Parts of Material that only its script uses; without it they are dead weight.
_SCRIPTED = frozenset({"skip", "announce", "dialog", "top"})


@dataclass(frozen=True)
class Mending:
    """What the repair of a writer's page has to know.

    Attributes:
        size_of: from an image's ``src`` on the page to its width and height in pixels, None when not known.
        task: the name of a check box in a task list, which has no label of its own.
    """

    size_of: Callable[[str], tuple[int, int] | None]
    task: str


class Shell:
    """A page with slots, ready to be filled.

    Args:
        file: the page's name, for messages.
        parts: the fixed bytes, one more than there are slots.
        slots: the slots' names in order.
    """

    def __init__(self, file: str, parts: tuple[bytes, ...], slots: tuple[str, ...]) -> None:
        self.file = file
        self.parts = parts
        self.slots = slots

    @classmethod
    def from_html(
        cls, html: str, file: str, *, known: Iterable[str] = FRAME_SLOTS | TEXT_SLOTS, mending: Mending | None = None
    ) -> Shell:
        """Tidy a built page and cut it at its slots.

        Args:
            html: the page as the engine wrote it.
            file: its name, for messages.
            known: the slots the page may have. A page of a writer knows ``FRAME_SLOTS`` only, so that
                ``@@anything@@`` else in it stays text.
            mending: what a writer's page needs besides.

        Raises:
            EngineError: a frame slot is missing (the theme of kbgen was not used), or a shell has a slot that
                nothing fills.
        """
        names = frozenset(known)
        pieces = _SLOT.split(_LONE_SLOT.sub(r"\1", tidy(html, mending)))
        parts, slots = [pieces[0]], []
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
            if name in names:
                slots.append(name)
                parts.append(text)
            elif "content" in names:
                allowed = ", ".join(f"@@{slot}@@" for slot in sorted(TEXT_SLOTS))
                raise EngineError(f"{file}: nothing fills the slot @@{name}@@; the slots of a shell are {allowed}")
            else:
                parts[-1] += f"@@{name}@@{text}"
        missing = FRAME_SLOTS - set(slots)
        if missing:
            gone = ", ".join(f"@@{slot}@@" for slot in sorted(missing))
            raise EngineError(
                f"{file}: the slot {gone} is missing; a main.html in site_config/overrides must extend kbgen's"
                " (call super() in the blocks it changes) and the site engine must use its templates"
            )
        return cls(file, tuple(part.encode() for part in parts), tuple(slots))

    def pour(self, values: Mapping[str, str]) -> bytes:
        """The finished page. Values are written as they are and never looked at again.

        Raises:
            EngineError: a slot has no value.
        """
        out = [self.parts[0]]
        try:
            for name, part in zip(self.slots, self.parts[1:], strict=True):
                out.append(values[name].encode())
                out.append(part)
        except KeyError as error:
            raise EngineError(f"{self.file}: the slot @@{error.args[0]}@@ was given no value") from error
        return b"".join(out)


HOLE = "\0"
"""Stands in a slot's value where a body goes; no HTML may hold this character (HTML, section 13.1.4)."""


@dataclass(frozen=True)
class Poured:
    """A page before its bytes are put together: what is the shell's, what the page's own, and what is harvested.

    Attributes:
        values: HTML by slot, with a ``HOLE`` for each body.
        bodies: sanitised HTML, in the order of the holes.
    """

    shell: Shell
    values: Mapping[str, str]
    bodies: tuple[str, ...] = ()

    def data(self) -> bytes:
        """The finished page.

        Raises:
            EngineError: a slot has no value, or the bodies are not as many as the holes.
        """
        shell = self.shell
        if not self.bodies:
            return shell.pour(self.values)
        bodies = iter(self.bodies)
        filled = {
            name: value if HOLE not in value else _interleaved(value.split(HOLE), bodies)
            for name, value in self.values.items()
        }
        if next(bodies, None) is not None:
            raise EngineError(f"{shell.file}: a text has no place on the page")
        return shell.pour(filled)


def _interleaved(parts: list[str], bodies: Iterator[str]) -> str:
    out = [parts[0]]
    for part in parts[1:]:
        out += (next(bodies), part)
    return "".join(out)


def tidy(html: str, mending: Mending | None = None) -> str:
    """Repair and shorten a page of the site engine; what a reader sees does not change.

    Args:
        html: the page.
        mending: set for pages of writers, whose images and task lists are repaired too.
    """
    parser = _Tidy(mending, scripted='id="__config"' in html)
    parser.feed(html)
    parser.close()
    return "".join(parser.out).strip() + "\n"


class _Tidy(HTMLParser):
    """Copies a page token by token; only start tags with a known fault are written anew."""

    def __init__(self, mending: Mending | None, *, scripted: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self.mending = mending
        self.scripted = scripted
        self.images = 0
        self.verbatim = 0
        self.dropping: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self.dropping or (not self.scripted and _needs_script(given)):
            if tag not in _VOID:
                self.dropping.append(tag)
            return
        self._gap(tag)
        mended = self._mend(tag, given)
        self.out.append(self._as_written() if mended is None else _start_tag(tag, mended))
        if tag in _VERBATIM:
            self.verbatim += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_starttag(tag, attrs)
        elif not self.dropping:
            self.out.append(self.get_starttag_text() or "")

    def _as_written(self) -> str:
        text = self.get_starttag_text() or ""
        # The slash of XHTML; after an unquoted value it would be part of it.
        return text[:-2].rstrip() + ">" if text.endswith(('"/>', " />")) else text

    def handle_endtag(self, tag: str) -> None:
        if self.dropping:
            if tag == self.dropping[-1]:
                self.dropping.pop()
            return
        if tag in _VERBATIM:
            self.verbatim = max(0, self.verbatim - 1)
        self._gap(tag)
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.dropping:
            return
        if self.verbatim:
            self.out.append(data)
            return
        text = _SPACE.sub(" ", data)
        if text.startswith(" ") and (not self.out or _ends_block(self.out[-1])):
            text = text[1:]
        if text:
            self.out.append(text)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def _gap(self, tag: str) -> None:
        """Drop the space before a block's tag."""
        last = self.out[-1] if self.out else ""
        if not self.verbatim and tag in _BLOCKS and last.endswith(" ") and not last.startswith("<"):
            self.out[-1] = last[:-1]

    def _mend(self, tag: str, attrs: dict[str, str | None]) -> dict[str, str | None] | None:
        """The attributes a tag should have, None when it is fine."""
        if tag == "input" and attrs.get("type") in ("checkbox", "radio"):
            return _mend_input(attrs, self.mending.task if self.mending else "")
        if tag in ("html", "body"):
            return _directed(tag, attrs)
        if attrs.get("class") == "md-skip":  # engines aim it at places of their own; this one is on every page
            return {**attrs, "href": "#kb-main"}
        # The one goes without saying inside HTML, the other is for the engine's script.
        idle = "xmlns" if tag == "svg" else "" if self.scripted else "data-md-component"
        if idle in attrs:
            return {key: value for key, value in attrs.items() if key != idle}
        if tag == "img" and self.mending is not None:
            return self._mend_image(attrs, self.mending)
        return None

    def _mend_image(self, attrs: dict[str, str | None], mending: Mending) -> dict[str, str | None]:
        mended = {"alt": "", **attrs}
        if "width" not in attrs and "height" not in attrs:
            size = mending.size_of(attrs.get("src") or "")
            if size:
                mended |= {"width": str(size[0]), "height": str(size[1])}
        # The first images (the logo, the first figure) are in view at once; a lazy one would come late.
        if self.images >= 2:
            mended.setdefault("loading", "lazy")
        self.images += 1
        return mended


def _directed(tag: str, attrs: dict[str, str | None]) -> dict[str, str | None] | None:
    """The direction stands on the whole document, its title included (HTML, section 3.2.6.4), not on the body."""
    if tag == "html":
        return {"dir": _DIRECTION, **attrs}
    return {key: value for key, value in attrs.items() if key != "dir"} if attrs.get("dir") == _DIRECTION else None


def _needs_script(attrs: dict[str, str | None]) -> bool:
    return (
        "data-md-toggle" in attrs or attrs.get("class") == "md-overlay" or attrs.get("data-md-component") in _SCRIPTED
    )


def _mend_input(attrs: dict[str, str | None], task: str) -> dict[str, str | None] | None:
    """Name check boxes and take ``autocomplete`` off them, which is not for them.

    The theme's two toggles are switches for its style sheet and script alone, so they are hidden from readers.
    """
    mended = {key: value for key, value in attrs.items() if key != "autocomplete"}
    if "data-md-toggle" in attrs:
        return {**mended, "hidden": None, "tabindex": "-1"}
    if task and "disabled" in attrs and "aria-label" not in attrs:
        return {**mended, "aria-label": task}
    return mended if mended != attrs else None


def _start_tag(tag: str, attrs: Mapping[str, str | None]) -> str:
    written = "".join(f" {key}" if value is None else f' {key}="{escape(value)}"' for key, value in attrs.items())
    return f"<{tag}{written}>"


def _ends_block(token: str) -> bool:
    if token.endswith(" "):
        return True
    if not (token.startswith("<") and token.endswith(">")):
        return False
    name = re.match(r"</?([a-zA-Z0-9]+)", token)
    return bool(name and name.group(1).lower() in _BLOCKS) or token.startswith("<!")
