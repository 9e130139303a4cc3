"""What a poured article's sections are called, for the list at its beginning.

Articles that the site engine renders get theirs from the engine.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from markupsafe import Markup

from kbgen.model import SafeHtml
from kbgen.site.markup import trusted

# Fewer are seen at a glance.
_FEWEST = 3
_SECTION = re.compile(r'<h2(?: id="([^"]*)")?>(?:<span id="([^"]*)"></span>)?(.*?)</h2>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


class Section(NamedTuple):
    """One heading: a link to it, and its words."""

    href: str
    title: Markup


def sections(html: SafeHtml) -> tuple[Section, ...]:
    """The sections of an article, in order; none when there are fewer than three.

    Args:
        html: as it stands on the page, its top headings h2.
    """
    # A place is letters, digits and "-._:", in any script: as it is, it is valid, and what browsers show.
    found = [
        Section(f"#{own or other}", trusted(_TAG.sub("", inner)))
        for own, other, inner in _SECTION.findall(html)
        if own or other
    ]
    return tuple(found) if len(found) >= _FEWEST else ()
