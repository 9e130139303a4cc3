"""Code to coloured spans: Pygments' short classes, once per distinct block.

Colours are the theme's. Guessing a language is left out on purpose: a wrong guess looks like a fault in the code.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape

from pygments import highlight as pygmentise
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

MOST_COLOURED = 20_000
"""The share of one text, in characters. What a reader pastes whole is a log, and colours do not help there."""
# Most lexers are quadratic on hostile input, within two seconds for that much; of these, within two for a third of it.
_SLOW = """
    adl amdgpu androidbp antlr-csharp aspectj basemake c-objdump ceylon cfengine3 cpp-objdump cr csharp d-objdump
    desktop devicetree dylan-lid gnuplot gosu groovy java ldif livescript llvm make mcschema nemerle nixos objdump
    objdump-nasm objective-j postscript ragel ragel-java registry resourcebundle roboconf-instances sarl shexc smali
    sparql systemd tads3 terraform thrift trac-wiki tsx turtle typescript xorg.conf xquery xtend
"""
_WEIGHTS = {**dict.fromkeys(_SLOW.split(), 3), "fan": 20, "xpp": 20, "tnt": MOST_COLOURED}
# What such input has in common: the same few signs over and over. Code of 1,000 characters has some hundred threes.
_SHORT, _THREES = 1_000, 40
_PLAIN = frozenset(("", "text", "plain", "plaintext", "none", "auto", "txt", "nohighlight", "default"))
_FORMATTER = HtmlFormatter[str](nowrap=True)
_PREFIXES = ("language-", "lang-", "highlight-source-", "brush:")


@lru_cache(maxsize=512)
def _lexer(language: str) -> Lexer | None:
    name = language.lower()
    if name in _PLAIN or len(name) > 40:
        return None
    try:
        return get_lexer_by_name(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def known_language(classes: str) -> str:
    """Find the language that classes declare, as Pygments' first alias for it.

    Args:
        classes: a class attribute, such as ``lang-py prettyprint-override`` or ``language-c++``.

    Returns:
        The alias, "" when none is declared or Pygments does not know it.
    """
    for word in classes.split():
        for prefix in _PREFIXES:
            lexer = _lexer(word.removeprefix(prefix)) if word.startswith(prefix) else None
            if lexer is not None and lexer.aliases:
                return str(lexer.aliases[0])
    return ""


def share_of(code: str, language: str) -> int:
    """Give what colouring a block takes of its text's share, which is ``MOST_COLOURED``."""
    return len(code) * _WEIGHTS.get(language, 1) if language else 0


@lru_cache(maxsize=4096)
def highlight(code: str, language: str) -> str:
    """Give the HTML of a code block's inside.

    Args:
        code: the text of the block.
        language: an alias as from ``known_language``; "" for none.

    Returns:
        Escaped text, with ``span`` elements when the language is known and the block is no larger than the share of
        a whole text.
    """
    lexer = _lexer(language)
    if lexer is None or share_of(code, language) > MOST_COLOURED or _is_monotonous(code):
        return escape(code, quote=False)
    html = pygmentise(code, lexer, _FORMATTER)
    return html if code.endswith("\n") else html.removesuffix("\n")


def _is_monotonous(code: str) -> bool:
    return len(code) > _SHORT and len({code[at : at + 3] for at in range(len(code))}) * _THREES < len(code)
