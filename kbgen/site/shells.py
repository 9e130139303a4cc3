"""A shell: one page the site engine built, cut at its slots ``@@name@@`` once and filled many times.

Cutting also repairs and shortens the engine's markup (``tidy``): comments and idle white space go, and the
faults every page of the theme carries are mended in one place. Which values go into the slots is the
renderer's business, how the page was built the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from html.parser import HTMLParser

from kbgen.errors import EngineError

FRAME_SLOTS = frozenset({"kb_lang", "kb_dir", "kb_head", "kb_before", "kb_after"})
"""The slots of every page, written by kbgen's ``main.html``."""
TEXT_SLOTS = frozenset({"title", "description", "content"})
"""Further slots a writer may use in ``content/_shells/*.md``."""

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

ImageSize = Callable[[str], tuple[int, int] | None]
"""From an image's ``src`` on a page to its width and height in pixels, None when it is not known."""


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
        cls, html: str, file: str, *, known: Iterable[str] = FRAME_SLOTS | TEXT_SLOTS, size_of: ImageSize | None = None
    ) -> Shell:
        """Tidy a built page and cut it at its slots.

        Args:
            html: the page as the engine wrote it.
            file: its name, for messages.
            known: the slots the page may have. A page of a writer knows ``FRAME_SLOTS`` only, so that
                ``@@anything@@`` else in it stays text.
            size_of: sizes of local images, written on images that have none.

        Raises:
            EngineError: a frame slot is missing (the theme of kbgen was not used), or a shell has a slot that
                nothing fills.
        """
        names = frozenset(known)
        pieces = _SLOT.split(_LONE_SLOT.sub(r"\1", tidy(html, size_of)))
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


def tidy(html: str, size_of: ImageSize | None = None) -> str:
    """Repair and shorten a page of the site engine; what a reader sees does not change.

    Args:
        html: the page.
        size_of: sizes of local images; without it images stay as they are.
    """
    parser = _Tidy(size_of)
    parser.feed(html)
    parser.close()
    return "".join(parser.out).strip() + "\n"


class _Tidy(HTMLParser):
    """Copies a page token by token; only start tags with a known fault are written anew."""

    def __init__(self, size_of: ImageSize | None) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self.size_of = size_of
        self.images = 0
        self.verbatim = 0

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._gap(tag)
        mended = self._mend(tag, dict(attrs))
        if mended is None:
            text = self.get_starttag_text() or ""
            self.out.append(_SPACE.sub(" ", text) if '"' not in text else text)
        else:
            self.out.append(_start_tag(tag, mended))
        if tag in _VERBATIM:
            self.verbatim += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_starttag(tag, attrs)
        else:
            self.out.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VERBATIM:
            self.verbatim = max(0, self.verbatim - 1)
        self._gap(tag)
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
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
            return _mend_toggle(attrs)
        if tag == "img" and self.size_of is not None:
            return self._mend_image(attrs)
        if tag == "link" and attrs.get("type") == "text/css":
            return {key: value for key, value in attrs.items() if key != "type"}
        return None

    def _mend_image(self, attrs: dict[str, str | None]) -> dict[str, str | None]:
        mended = {"alt": "", **attrs}
        if self.size_of and "width" not in attrs and "height" not in attrs:
            size = self.size_of(attrs.get("src") or "")
            if size:
                mended |= {"width": str(size[0]), "height": str(size[1])}
        # The first images (the logo, the first figure) are in view at once; a lazy one would come late.
        if self.images >= 2:
            mended.setdefault("loading", "lazy")
        self.images += 1
        return mended


def _mend_toggle(attrs: dict[str, str | None]) -> dict[str, str | None] | None:
    """``autocomplete`` is not for check boxes, and the theme's two hidden ones have no label.

    They are switches for its style sheet and script alone.
    """
    if attrs.get("data-md-toggle"):
        mended = {key: value for key, value in attrs.items() if key != "autocomplete"}
        return {**mended, "hidden": None, "aria-hidden": "true", "tabindex": "-1"}
    if "autocomplete" in attrs:
        return {key: value for key, value in attrs.items() if key != "autocomplete"}
    return None


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
