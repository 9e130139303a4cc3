"""Paragraphs that are written in the other direction than their page.

A sentence in Latin letters on a Hebrew page, as translations and quotes have them, ends with its full stop at the wrong
side, unless its direction is stated. Only what has no letter of the page's direction is: a Hebrew sentence may well
begin with a product's name, which is all that ``dir="auto"`` looks at.
"""

from __future__ import annotations

import re
from html import unescape

# Hebrew, Arabic, Syriac, Thaana, NKo and their presentation forms (Unicode, Bidi_Class R and AL).
_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LEFT = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u052f\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7af]")
_BLOCK = "p|h[2-6]|li|dt|dd|td|th|caption|summary"
_NO_LEAF = rf"<(?:{_BLOCK}|ul|ol|dl|div|pre|table|blockquote)\b"
_LEAF = re.compile(rf"<({_BLOCK})((?: [^>]*)?)>((?:(?!{_NO_LEAF}|</\1>).)*)</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def with_directions(html: str, page: str) -> str:
    """State the direction of each paragraph, heading, item or cell whose letters all run against the page's.

    Args:
        html: a sanitised text.
        page: direction of the page, ``ltr`` or ``rtl``.
    """
    own, other, against = (_RIGHT, _LEFT, "ltr") if page == "rtl" else (_LEFT, _RIGHT, "rtl")
    if (page == "ltr" and html.isascii()) or not other.search(html):
        return html

    def stated(block: re.Match[str]) -> str:
        tag, attributes, inner = block.groups()
        text = unescape(_TAG.sub("", inner))
        if own.search(text) or not other.search(text):
            return block[0]
        return f'<{tag}{attributes} dir="{against}">{inner}</{tag}>'

    return _LEAF.sub(stated, html)
