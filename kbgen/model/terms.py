"""Refs, the trust boundary's types, and the closed sets of words."""

from __future__ import annotations

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
