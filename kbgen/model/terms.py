"""Refs, the trust boundary's types, and the closed sets of words."""

from __future__ import annotations

import re
from typing import Literal, NewType

Ref = NewType("Ref", str)
"""Identity for ever: ``<source name>:<native id>``, such as ``community:1234``."""
PlainText = NewType("PlainText", str)
"""Text without markup or control characters. Made by ``curate.text.plain_text`` only; escape it on output."""
SafeHtml = NewType("SafeHtml", str)
"""Sanitised HTML, to be written as it is. Made by ``curate.sanitise.safe_html``; ``curate.formulas`` adds MathML."""
Slug = NewType("Slug", str)
"""Lower-case words and hyphens, in any script. Made by ``curate.text.slugify`` only."""

RecordKind = Literal["thread", "article"]
Visibility = Literal["public", "unlisted", "private", "hidden", "deleted", "spam"]
SolvedBy = Literal["accepted", "staff", "reaction", "tag", "schema"]
Outcome = Literal["publish", "hold", "drop"]
Why = Literal["accepted", "staff", "reaction", "tag", "schema", "helpful", "written"]
PageKind = Literal["entry", "article", "topic", "tag", "person", "listing", "home", "other"]


# C0 and C1, what turns the direction of text or ends its line, and what no text is made of. LRM, RLM and the joiners
# are no controls: words need them.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


def visible(text: str, *, keep: str = "") -> str:
    r"""Write the control characters of a text as what they are, ``\u001b``, which no terminal obeys.

    Args:
        text: any, such as an id as harvested.
        keep: those that are layout here.
    """
    if text.isascii() and text.isprintable():
        return text
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else f"\\u{ord(found[0]):04x}", text)


def make_ref(source: str, native_id: str | int) -> Ref:
    """Join a source's name and a native id to a ``Ref``."""
    return Ref(f"{source}:{native_id}")


def split_ref(ref: str) -> tuple[str, str]:
    """Split a ``Ref`` into source name and native id.

    Raises:
        ValueError: ``ref`` has no colon.
    """
    source, colon, native_id = ref.partition(":")
    if not (source and colon and native_id):
        msg = f"{ref!r} is not a reference; write SOURCE:ID, such as community:1234"
        raise ValueError(msg)
    return source, native_id
