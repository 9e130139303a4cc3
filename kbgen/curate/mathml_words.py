"""MathML to the words it is read by: one line of text, for search, descriptions, titles and structured data.

Only the MathML that ``mathml`` writes is read here.
"""

# ruff: noqa: RUF001  # signs that look like letters are what this is about

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from html import escape

from lxml import etree

FORMULA = re.compile(r"<math[ >].*?</math>", re.DOTALL)
"""A formula in HTML that curation wrote."""
_ACCENTS = {
    **dict.fromkeys("^ˆ", "\u0302"),
    **dict.fromkeys("~˜", "\u0303"),
    **dict.fromkeys("¯—―‾_", "\u0304"),
    "→": "\u20d7",
    "˙": "\u0307",
    "¨": "\u0308",
}
_BRACES = frozenset("⏞⏟⎴⎵")
_SPACED = frozenset("=<>≤≥≠≈≡≅∼∝→←↦⇒⇐⇔↔∈∉⊂⊆≪≫:+−±∣")


_SIGNS = {"msub": ("_",), "munder": ("_",), "msup": ("^",), "mover": ("^",)}
_MARKS = frozenset("′″‴†*")


@lru_cache(maxsize=8_192)
def words_of(mathml: str) -> str:
    """Give a formula as a line of text: ``|ψ⟩ = (a + b)/√2``.

    Args:
        mathml: a ``math`` element.
    """
    root = etree.fromstring(mathml)
    return " ".join(_row(root).split())


def in_words(html: str) -> str:
    """Give HTML with its formulas as words, escaped."""
    return FORMULA.sub(lambda found: escape(words_of(found[0]), quote=False), html) if "<math" in html else html


def _row(element: etree._Element) -> str:
    words = "".join(map(_words, element))
    return words.lstrip()[0] + words[3:] if words.startswith((" + ", " − ", " ± ")) else words


def _words(element: etree._Element) -> str:
    writer = _WRITERS.get(str(element.tag))
    if writer is not None:
        return writer(element)
    return _row(element)


def _token(element: etree._Element) -> str:
    text = element.text or ""
    if text == "∣" and element.get("lspace") == "0":
        return "|"
    if element.tag == "mo" and (text in _SPACED or len(text) > 1) and text:
        return f" {text} "
    if element.tag == "mi" and len(text) > 1 and text.isalpha():
        return f" {text}"
    # Letters for styles outside the basic plane are rarely in fonts, and never in what people type.
    return "".join(unicodedata.normalize("NFKC", char) if ord(char) > 0xFFFF else char for char in text)


def _grouped(element: etree._Element) -> str:
    words = " ".join(_words(element).split())
    return words if len(words) <= 1 or words.lstrip("√").isalnum() else f"({words})"


def _fraction(element: etree._Element) -> str:
    return "/".join(map(_grouped, element)) if element.get("linethickness") != "0" else " ".join(map(_words, element))


def _scripted(element: etree._Element) -> str:
    base, *scripts = element
    signs = _SIGNS.get(str(element.tag), ("_", "^"))
    words = _words(base).rstrip()
    words += "".join(_script(sign, script) for sign, script in zip(signs, scripts, strict=True))
    return f"{words} " if base.tag == "mo" or len(base.text or "") > 1 else words


def _script(sign: str, element: etree._Element) -> str:
    words = _grouped(element)
    if words in _BRACES:
        return ""
    return words if words in _MARKS else f"{sign}{words}"


def _over(element: etree._Element) -> str:
    base, above = element
    accent = _ACCENTS.get((above.text or "") if above.tag == "mo" else "")
    words = _words(base)
    if accent is None or not words.isalnum():
        return _scripted(element)
    return unicodedata.normalize("NFC", f"{words}{accent}")


def _rows(element: etree._Element) -> str:
    return "; ".join(", ".join(filter(None, (_row(cell).strip() for cell in row))) for row in element)


def _root(element: etree._Element) -> str:
    words = " ".join(_row(element).split())
    return f"√{words}" if words.isalnum() else f"√({words})"


_WRITERS: dict[str, Callable[[etree._Element], str]] = {
    **dict.fromkeys(("mi", "mn", "mo", "mtext"), _token),
    **dict.fromkeys(("msub", "msup", "msubsup", "munder", "munderover"), _scripted),
    "mfrac": _fraction,
    "mover": _over,
    "msqrt": _root,
    "mspace": lambda _: " ",
    "mtable": _rows,
}
