"""Where formulas stand in a text, and what stands there instead: MathML in sanitised HTML, words in plain text.

Works on what ``sanitise`` wrote and writes nothing into it but what ``mathml`` makes, so a post's own markup, ``math``
too, has come and gone before. How a community marks its formulas is said by its source (``sources.base.MathMarks``).
Code is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

from kbgen.curate.mathml import LONGEST, Macros, defines, to_mathml
from kbgen.curate.mathml_words import in_words
from kbgen.curate.text import plain_text
from kbgen.model import PlainText, SafeHtml
from kbgen.sources.base import MathMarks

_TAG = re.compile(r"(<[^<>]*>)")
_CODE = frozenset(("pre", "code", "kbd", "samp"))
# As Discourse Math writes them: the community's own renderer has found the formula.
_DECLARES = 'class="math"'
_DECLARED = re.compile(r'<(span|div) class="math">([^<]{1,4000})</\1>')
_ANY = re.compile(r"\\[(\[$]|\$\$?|\\begin\{[A-Za-z]{2,20}\*?\}")
_BRACKETS = re.compile(r"\\[(\[]")
_CLOSINGS = {"\\(": "\\)", "\\[": "\\]", "$": "$", "$$": "$$", "\\$": "\\$"}
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2}")
_DISPLAYED = ("\\[", "$$", "\\begin")
# What one item may cost: the richest page of a site for physicists is a tenth of it; an attack ends within seconds.
_BUDGET = 1_000_000
_FAILED = 5_000
_FAILED_EXPANDED = 100_000  # what macros may swell to
_LEAST = 100

Maker = Callable[[str], str]
"""Turns a ``math`` element (or what it stands in) into what is written."""


class Formulas:
    """The formulas of one item: what one of its texts defines the others may use, as on the community's page.

    Args:
        marks: how the community marks them.
    """

    def __init__(self, marks: MathMarks) -> None:
        self._marks = marks
        self._macros: Macros = {}
        self._budget = _BUDGET
        self._declared = False

    def declared(self, html: str) -> str:
        r"""Write formulas that the community's markup declares as ``\(...\)`` and ``\[...\]``, which sanitising keeps.

        Args:
            html: a post as harvested, or as redacted; as hostile afterwards.
        """
        if self._marks == "none" or _DECLARES not in html:
            return html
        self._declared = True
        return _DECLARED.sub(lambda found: rf"\[{found[2]}\]" if found[1] == "div" else rf"\({found[2]}\)", html)

    def html(self, html: SafeHtml) -> SafeHtml:
        """Put MathML where formulas stand; what cannot be read stays TeX."""
        pattern = self._pattern(html)
        if pattern is None:
            return html
        pieces = _TAG.split(html)
        code = 0
        for index, piece in enumerate(pieces):
            if index % 2:
                name = piece.strip("</>").partition(" ")[0]
                code += (name in _CODE) * (-1 if piece.startswith("</") else 1)
            elif not code and pattern.search(piece):
                pieces[index] = self._replaced(unescape(piece), pattern, str, lambda text: escape(text, quote=False))
        return SafeHtml("".join(pieces))

    def text(self, text: str) -> PlainText:
        """Write the formulas of a plain text, such as a title, as words."""
        pattern = self._pattern(text) if self._marks != "marked" else None
        if pattern is None:
            return plain_text(text)
        return plain_text(self._replaced(text, pattern, lambda html: unescape(in_words(html)), str))

    def _pattern(self, text: str) -> re.Pattern[str] | None:
        """What a formula may begin with in a text; None when there is none."""
        if self._marks == "none" or (self._marks == "marked" and not self._declared):
            return None
        if "\\" not in text and "$" not in text:
            return None
        return _BRACKETS if self._marks == "marked" else _ANY

    def _replaced(self, text: str, pattern: re.Pattern[str], made: Maker, kept: Maker) -> str:
        pieces: list[str] = []
        position = 0
        while self._budget > 0 and (opening := pattern.search(text, position)):
            end = self._end(text, opening)
            html = self._formula(text, opening, end)
            before = text[position : opening.start()]
            if html is not None:
                pieces += [kept(before), made(html)]
            elif opening[0] == "\\$":
                pieces.append(kept(f"{before}$"))
                end = opening.end()
            else:
                end = end or opening.end()
                pieces.append(kept(text[position:end]))
            position = end
        return "".join((*pieces, kept(text[position:])))

    def _end(self, text: str, opening: re.Match[str]) -> int:
        """Where the formula that begins there ends, its delimiter included; 0 when it does not."""
        mark, start = opening[0], opening.end()
        if (mark == "$" and self._marks == "escaped-dollar") or (mark == "\\$" and self._marks == "dollar"):
            return 0
        closing = mark.replace("begin", "end") if mark.startswith("\\begin") else _CLOSINGS[mark]
        depth = 0
        for token in _tokens(closing).finditer(text, start, start + LONGEST):
            if token[0] == closing and depth <= 0:
                return token.end() if mark != "$" or _is_formula(text, start, token.start()) else 0
            depth += (token[0] == "{") - (token[0] == "}")
        self._budget -= min(LONGEST, len(text) - start) // 4
        return 0

    def _formula(self, text: str, opening: re.Match[str], end: int) -> str | None:
        self._budget -= _LEAST
        if not end:
            return None
        whole = opening[0].startswith("\\begin")
        tex = text[opening.start() : end] if whole else text[opening.end() : end - len(_CLOSINGS[opening[0]])]
        html = to_mathml(tex, display=opening[0].startswith(_DISPLAYED), macros=self._macros) if tex.strip() else None
        failed = _FAILED_EXPANDED if self._macros or defines(tex) else _FAILED
        self._budget -= failed if html is None else len(html)
        return html


def _tokens(closing: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(closing)}|\\.|[{{}}]", re.DOTALL)


def _is_formula(text: str, start: int, end: int) -> bool:
    """Whether what stands between two dollar signs may be one, and not what lies between two prices."""
    if text[start].isspace() != text[end - 1].isspace() and (text[start].isdigit() or _PROSE.search(text, start, end)):
        return False
    return not text[end + 1 : end + 2].isdigit()
