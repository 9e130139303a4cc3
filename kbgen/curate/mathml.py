"""One formula in TeX to MathML, and MathML to the words it is read by.

latex2mathml understands the TeX; what it makes is read as a tree and written anew from closed tables of elements,
attributes and values (MathML Core, https://www.w3.org/TR/mathml-core/), text escaped. So no TeX, however hostile,
becomes anything but presentation elements. What it does not understand is no formula: the reader then sees the TeX.
Where in a text formulas stand is found in ``formulas``.
"""

# ruff: noqa: RUF001  # signs that look like letters are what this is about

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import escape, unescape
from xml.etree.ElementTree import Element

from kbgen.curate.mathml_words import words_of
from kbgen.curate.text import scrub

Macros = dict[str, tuple[list[str], int]]
"""What ``\\newcommand`` and ``\\def`` defined: name to tokens and number of arguments."""

LONGEST = 4_000
"""Characters of TeX; the longest formula of 10,000 on a site of physicists has 1,150."""
_LARGEST = 60_000
_DEEPEST = 40
_DEFINING = ("\\newcommand", "\\renewcommand", "\\def", "\\DeclareMathOperator", "\\newenvironment")
_LONGEST_DEFINING = 800  # a hundred times as much when it is expanded
_MOST_DEFINED = 60
_MOST_EXPANDED = 5_000
_ARGUMENT = 100
_MOST_USED = 9
_LONGEST_MACRO = 200
_WIDE = 30  # characters that fit a phone

_ARITY = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}
_ROWS = frozenset(("math", "mrow", "msqrt", "mstyle", "mphantom", "mpadded", "mtd"))
_TABLE = {"mtable": "mtr", "mtr": "mtd"}
_WORDS = frozenset(("mi", "mn", "mo", "mtext"))
_LENGTH = re.compile(r"\+?-?(?:[0-3]?(?:\.\d{1,4})?)(?:em|ex)")
_TRUTH = re.compile(r"true|false")
# Attributes of MathML Core that come through, each with the values it may have.
_ATTRIBUTES: dict[str, dict[str, re.Pattern[str]]] = {
    "mo": {"minsize": _LENGTH, "maxsize": _LENGTH, "movablelimits": _TRUTH, "largeop": _TRUTH},
    "mspace": {"width": _LENGTH, "height": _LENGTH, "depth": _LENGTH},
    "mstyle": {"displaystyle": _TRUTH, "scriptlevel": re.compile("[012]")},
    "mtable": {"displaystyle": _TRUTH},
    "mfrac": {"linethickness": re.compile("0")},
    "mover": {"accent": _TRUTH},
    "mpadded": {"width": re.compile("0"), "height": re.compile("0"), "depth": re.compile("0")},
}
_FENCES = "()[]{}⟨⟩⌊⌋⌈⌉|‖∣"
_BARS = "|‖∣"
_ANGLES = {("<", "prefix"): "⟨", (">", "postfix"): "⟩"}
# Mathematical operators by their code, and nothing of the kind by meaning.
_LETTERS = frozenset("∀∁∂∃∄∅∆∇∞∟∠∡∢⊤⊥⋮⋯⋰⋱")
_LIMITS = frozenset(("lim", "max", "min", "sup", "inf", "det", "gcd", "Pr", "lim sup", "lim inf", "argmax", "argmin"))
_TO_LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
_STYLES = {
    "bold": "BOLD",
    "bold-italic": "BOLD ITALIC",
    "double-struck": "DOUBLE-STRUCK",
    "script": "SCRIPT",
    "bold-script": "BOLD SCRIPT",
    "fraktur": "FRAKTUR",
    "bold-fraktur": "BOLD FRAKTUR",
    "sans-serif": "SANS-SERIF",
    "monospace": "MONOSPACE",
}
_LETTER_NAME = re.compile(r"(?:(?:LATIN|GREEK) (CAPITAL|SMALL) LETTER (\w+)|(DIGIT) (\w+))(?: SYMBOL)?")

# TeX the converter does not know, written in TeX it knows.
_ENVIRONMENTS = {
    **dict.fromkeys(
        ("align", "aligned", "eqnarray", "eqnarray*", "alignedat", "flalign", "flalign*", "multline"), "align*"
    ),
    **dict.fromkeys(("gather", "gather*", "gathered", "multline*"), "matrix"),
    "dcases": "cases",
    "equation*": "equation",
}
_KNOWN = frozenset(
    [
        "align*",
        "array",
        "matrix",
        "pmatrix",
        "bmatrix",
        "Bmatrix",
        "vmatrix",
        "Vmatrix",
        "cases",
        "split",
        "equation",
        "smallmatrix",
    ]
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")
_SPELLINGS = (
    (re.compile(r"\\require\s*\{[A-Za-z]*\}|\\label\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])"), ""),
    (re.compile(r"(\\\\\*?)\s*\[\s*-?[\d.]+\s*(?:em|ex|pt|mm|cm|in)\s*\]"), r"\1"),
    (re.compile(r"\\tag(?=\s*\{)"), r"\\qquad\\tag"),
)
_SPACE = re.compile(r"\s+")
_ARRAY = re.compile(r"\\begin\{array\}(?!\s*\{[lcr| ]*\})")
# One with nothing behind it ends with the formula.
_LAST_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%\s*\Z")
_COMMENT = re.compile(r"(?<!\\)(?:\\\\)*%")


class _Expanded(dict[str, tuple[list[str], int]]):
    """Macros that count what they are expanded to: a few lines can define what never ends."""

    left = _MOST_EXPANDED

    def __getitem__(self, name: str) -> tuple[list[str], int]:
        body, arguments = super().__getitem__(name)
        used = body.count("#")
        self.left -= len(body) + used * _ARGUMENT
        if self.left < 0 or used > _MOST_USED:
            raise _NoFormula
        return body, arguments


class _NoFormula(Exception):
    """The converter left something it did not understand; a signal that never leaves this module."""


def to_mathml(tex: str, *, display: bool, macros: Macros) -> str | None:
    """Convert one formula.

    Args:
        tex: what stands between its delimiters; whitespace, line ends too, may be single spaces.
        display: it stands on a line of its own.
        macros: known so far in this text; what the formula defines is added.

    Returns:
        A ``math`` element, in an element that scrolls when it is wide; "" for one that shows nothing, None for what is
        no formula that can be shown.
    """
    tex = _LAST_COMMENT.sub(r"\1", tex)
    if not macros and not defines(tex):
        return _convert(tex, display)
    if defines(tex) and len(tex) > _LONGEST_DEFINING:
        return None
    known = _Expanded(macros)
    html = _written(tex, display, known)
    if html is not None:
        kept = [(name, one) for name, one in known.items() if len(one[0]) <= _LONGEST_MACRO]
        macros.update(kept[:_MOST_DEFINED])
    return html


def defines(tex: str) -> bool:
    """Whether a formula may define macros."""
    return any(word in tex for word in _DEFINING)


@lru_cache(maxsize=8_192)
def _convert(tex: str, display: bool) -> str | None:  # noqa: FBT001  # a key of the cache
    return _written(tex, display, {})


def _written(tex: str, display: bool, macros: Macros) -> str | None:  # noqa: FBT001
    if len(tex) > LONGEST or _COMMENT.search(tex):
        return None  # the end of a comment is not known any more
    try:
        inside = _Writer(macros, display=display).formula(_spelled(tex))
    except (_NoFormula, RecursionError):
        return None
    if not inside:
        return ""
    if len(inside) > _LARGEST:
        return None
    block = ' display="block"' if display else ""
    html = f'<math{block} alttext="{escape(" ".join(tex.split()))}">{inside}</math>'
    if len(words_of(html)) <= _WIDE:
        return html
    return f'<span class="kb-math{" kb-math--block" if display else ""}" tabindex="0">{html}</span>'


def _spelled(tex: str) -> str:
    tex = _SPACE.sub(" ", tex)
    for pattern, instead in _SPELLINGS:
        tex = pattern.sub(instead, tex)
    tex = _ENVIRONMENT.sub(lambda found: f"\\{found[1]}{{{_ENVIRONMENTS.get(found[2], found[2])}}}", tex)
    if _ARRAY.search(tex) or any(found[2] not in _KNOWN for found in _ENVIRONMENT.finditer(tex)):
        raise _NoFormula
    return tex


class _Writer:
    """Writes the tree of one formula; see the module.

    Args:
        macros: of the text so far; the formula may add to them.
        display: see ``to_mathml``.
    """

    def __init__(self, macros: Macros, *, display: bool) -> None:
        self._macros = macros
        self._display = display
        self._ampersand = False

    def formula(self, tex: str) -> str:
        """Write what stands in the ``math`` element."""
        self._ampersand = "\\&" in tex
        row = self._tree(tex)
        return self._row(row[0] if len(row) == 1 and row[0].tag == "mrow" else row, 0)

    def _tree(self, tex: str) -> Element:
        # Here, because most sites have no formulas and its tables take a tenth of a second.
        from latex2mathml.converter import Converter  # noqa: PLC0415

        converter = Converter(display="block" if self._display else "inline")
        converter.macros = self._macros
        try:
            return converter.convert_to_element(tex)
        except RecursionError:
            raise
        except _faults() as error:
            raise _NoFormula from error

    def _row(self, parent: Element, depth: int) -> str:
        """Write the children of an element that takes any number of them."""
        children = _flat(parent)
        pieces: list[str] = []
        for index, child in enumerate(children):
            edge = "prefix" if index == 0 else "postfix" if index == len(children) - 1 else ""
            pieces.append(self._element(child, depth + 1, edge))
            following = children[index + 1] if index + 1 < len(children) else None
            if following is not None and _is_function(child) and (following.text or "") not in _opened():
                pieces.append('<mspace width="0.167em"></mspace>')
        return "".join(pieces)

    def _element(self, element: Element, depth: int, edge: str = "") -> str:
        if depth > _DEEPEST:
            raise _NoFormula
        tag = element.tag
        if tag in _WORDS:
            return self._word(element, edge)
        if tag == "menclose":
            if element.get("notation") != "box":
                raise _NoFormula  # a formula without its strokes says something else
            return f'<mrow class="kb-box">{self._row(element, depth)}</mrow>'
        if tag == "mspace" and element.get("mathbackground"):
            raise _NoFormula
        if tag in _TABLE:
            return self._table(element, depth)
        if tag in _ARITY:
            return self._script(element, depth)
        if tag == "mspace":
            return f"<mspace{_attributes(element)}></mspace>"
        if tag not in _ROWS:
            raise _NoFormula
        return f"<{tag}{_attributes(element)}>{self._row(element, depth)}</{tag}>"

    def _script(self, element: Element, depth: int) -> str:
        children = list(element)
        if len(children) != _ARITY[element.tag]:
            raise _NoFormula
        tag = element.tag
        base = children[0]
        if self._display and base.tag == "mo" and _text(base) in _LIMITS:
            tag = _TO_LIMITS.get(tag, tag)
        inside = "".join(self._one(child, depth) for child in children)
        return f"<{tag}{_attributes(element)}>{inside}</{tag}>"

    def _one(self, element: Element, depth: int) -> str:
        """Write an element that has to stay one element."""
        inner = _flat(element) if element.tag == "mrow" else [element]
        return self._element(inner[0] if len(inner) == 1 else element, depth + 1)

    def _table(self, element: Element, depth: int) -> str:
        wanted = _TABLE[element.tag]
        if any(child.tag != wanted for child in element):
            raise _NoFormula
        if element.tag == "mtr":
            return f"<mtr>{''.join(self._cell(cell, depth + 1, ()) for cell in element)}</mtr>"
        columns = (element.get("columnlines") or "").split()
        lines = (element.get("rowlines") or "").split()
        rows: list[str] = []
        for number, row in enumerate(element):
            cells = "".join(self._cell(cell, depth + 2, columns[at : at + 1]) for at, cell in enumerate(row))
            ruled = ' class="kb-ruled"' if lines[number : number + 1] == ["solid"] else ""
            rows.append(f"<mtr{ruled}>{cells}</mtr>")
        return f"<mtable{_attributes(element)}>{''.join(rows)}</mtable>"

    def _cell(self, cell: Element, depth: int, line: object) -> str:
        if cell.tag != "mtd":
            raise _NoFormula
        names = {"left": "kb-left", "right": "kb-right"}
        classes = [names.get(cell.get("columnalign", ""), ""), "kb-lined" if line == ["solid"] else ""]
        named = " ".join(filter(None, classes))
        said = f' class="{named}"' if named else ""
        return f"<mtd{said}>{self._row(cell, depth)}</mtd>"

    def _word(self, element: Element, edge: str) -> str:
        text = _text(element)
        tag = element.tag
        if tag == "mtext":
            if "$" in text or "\\" in text:
                raise _NoFormula
            return f"<mtext>{escape(text, quote=False)}</mtext>"
        if "\\" in text or (text == "&" and not self._ampersand) or (text in ("{", "}") and tag == "mi"):
            raise _NoFormula
        if not text and tag == "mo":
            return ""
        text = _styled(text, element.get("mathvariant", ""))
        tag = _tag_of(tag, text)
        attributes = _operator(element, text, edge) if tag == "mo" else ""
        if tag == "mi" and len(text) == 1 and element.get("mathvariant") == "normal":
            attributes = ' mathvariant="normal"'
        text = _ANGLES.get((text, element.get("form", "")), text)
        return f"<{tag}{attributes}>{escape(text, quote=False)}</{tag}>"


@lru_cache(maxsize=1)
def _faults() -> tuple[type[Exception], ...]:
    """What the converter raises for TeX it cannot read: errors of its own, which share no base, and Python's."""
    from latex2mathml import exceptions  # noqa: PLC0415

    own = [one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, Exception)]
    return (*own, ArithmeticError, AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)


def _text(element: Element) -> str:
    """The characters of a token: the converter writes most as references."""
    return scrub(unescape(element.text or ""))


def _tag_of(tag: str, text: str) -> str:
    """What a token is: an operator, which has space around it, or an identifier, which has none."""
    if tag == "mo" and (text in _LETTERS or (len(text) > 1 and text not in _LIMITS and text != "mod")):
        return "mi"
    return "mo" if tag == "mi" and text in _FENCES and text else tag


def _operator(element: Element, text: str, edge: str) -> str:
    attributes = _attributes(element)
    form = element.get("form", "")
    if form in ("prefix", "postfix") and element.get("stretchy") == "true":
        shown = text in _FENCES and text not in _BARS
        return attributes + ("" if shown else f' form="{form}" stretchy="true"')
    if text in ("/", "."):
        return f'{attributes} lspace="0" rspace="0"'
    if text not in _FENCES or element.get("minsize"):
        return attributes
    if text not in _BARS:
        return attributes + (' stretchy="false"' if element.tag == "mi" or element.get("stretchy") == "false" else "")
    apart = text == "∣" and not edge
    return f'{attributes} stretchy="false"' + ("" if apart else ' lspace="0" rspace="0"')


def _attributes(element: Element) -> str:
    known = _ATTRIBUTES.get(element.tag, {})
    kept = ((name, value) for name, value in element.attrib.items() if name in known and known[name].fullmatch(value))
    return "".join(f' {name}="{value}"' for name, value in kept)


def _flat(parent: Element) -> list[Element]:
    """The children of a row, without rows of one; letters that make a word are one identifier."""
    found: list[Element] = []
    for child in parent:
        inner = child
        while inner.tag == "mrow" and len(inner) == 1:
            inner = inner[0]
        if inner.tag == "mrow" and len(inner) and all(_is_upright(one) for one in inner):
            word = Element("mi")
            word.text = "".join(map(_text, inner))
            inner = word
        if not (inner.tag == "mrow" and not len(inner)):
            found.append(inner)
    return found


def _is_upright(element: Element) -> bool:
    return element.tag == "mi" and element.get("mathvariant") == "normal" and "\\" not in _text(element)


def _opened() -> frozenset[str]:
    return frozenset(("(", "[", "&#x00028;", "&#x0005B;", "^", "_"))


def _is_function(element: Element) -> bool:
    """Whether an element is the name of a function, with or without an exponent."""
    base = element
    while base.tag in ("msub", "msup", "msubsup", "munder") and len(base):
        base = base[0]
    return base.tag in ("mi", "mo") and len(_text(base)) > 1 and _text(base).isalpha() and _text(base) != "mod"


@lru_cache(maxsize=1024)
def _styled(text: str, style: str) -> str:
    """Letters of a style as the characters Unicode has for them; browsers know no other way."""
    name = _STYLES.get(style)
    return text if name is None else "".join(_styled_letter(letter, name) for letter in text)


def _styled_letter(letter: str, style: str) -> str:
    found = _LETTER_NAME.fullmatch(unicodedata.name(letter, ""))
    if found is None:
        return letter
    rest = " ".join(filter(None, found.groups()))
    # Those Unicode had before the others keep their older names.
    for name in (
        f"MATHEMATICAL {style} {rest}",
        f"{style} {rest}",
        f"{style.replace('FRAKTUR', 'BLACK-LETTER')} {rest}",
    ):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return letter
