"""Harvested texts, judged as the strings they are when they are poured.

What the sanitiser writes, and formulas in MathML, is a small regular language: known elements, known attributes in
double quotes, everything else escaped. A text in that language can neither run nor load anything, whatever a browser
makes of the page around it; so a text is matched against the language as a whole, and not parsed a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape

from kbgen.site.check_links import check_link, harvests_article
from kbgen.site.check_report import Finding
from kbgen.site.check_view import PageFacts, Resolver, View

_TAGS = (
    "a|abbr|b|bdi|blockquote|br|caption|cite|code|dd|del|details|dfn|div|dl|dt|em|h[2-6]|hr|i|ins|kbd|li|mark|ol|p|pre|q"
    "|s|samp|small|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul|var"
)
_ATTRIBUTES = "aria-label|class|colspan|dir|href|rel|role|rowspan|scope|start|tabindex|title"
# A picture of this site and nobody else's: its address begins with no scheme, no host and no root.
_IMAGE = (
    r'<img class="kb-image" src="(?:\.\./)*assets/media/[0-9a-f]{32}\.webp" width="\d{1,5}" height="\d{1,5}"'
    r' alt="[^"<>\0]*" loading="lazy" decoding="async">'
)
# Presentation only: nothing of MathML that is pressed, followed or loaded.
_MATH = (
    r"</?m(?:ath|i|n|o|text|space|row|sub|sup|subsup|over|under|underover|frac|sqrt|root|table|tr|td|style|padded"
    r"|phantom)"
    r"(?: (?:accent|alttext|class|depth|display|displaystyle|form|height|largeop|linethickness|lspace|mathvariant"
    r'|maxsize|minsize|movablelimits|rspace|scriptlevel|stretchy|width)="[^"<>\0]*")*>'
)
# A heading's; never one of those that scripts of the frame look for.
_ID = r' id="(?!__|kb-)[\w.:-]+"'
_TAG = rf'</?(?:{_TAGS})(?: (?:{_ATTRIBUTES})="[^"<>\0]*"| reversed|{_ID})*>|{_IMAGE}|{_MATH}'
# Text and tags by turns, told apart by their first character: a hostile text costs no more than its length. Possessive
# groups would say the same, and are broken in Python 3.11.2.
_PLAIN = re.compile(rf"[^<>\0]*(?:(?:{_TAG})[^<>\0]*)*")
_SRC = re.compile(r' src="([^"]*)"')
_PLACE = re.compile(r' id="([^"]*)"')
_HREF = re.compile(r' href="([^"]*)"([^>]*)')
_ELSEWHERE = ("https://", "http://")


def check_bodies(
    bodies: Iterable[str], view: View, facts: PageFacts, resolver: Resolver, own: str
) -> Iterator[Finding]:
    """Harvested texts are plain markup, and their links lead somewhere.

    Args:
        bodies: HTML as it stands on the page.
        view: the rest of the page.
        facts: what the page should be.
        resolver: tells where its links lead.
        own: the beginning of this site's own addresses.
    """
    article = harvests_article(facts)
    links: dict[str, bool] = {}
    for body in bodies:
        if _PLAIN.fullmatch(body) is None:
            yield Finding("body", facts.path, f"a harvested text is not plain markup: {_strange(body)!r}")
        for href, rest in _HREF.findall(body):
            # Nearly all lead to other sites, of which nothing can be said here.
            if not href.startswith(_ELSEWHERE) or href.startswith(own):
                url = unescape(href)
                links[url] = links.get(url, True) and (article or "ugc" in rest)
        for src in _SRC.findall(body) if " src=" in body else ():
            links.setdefault(src, False)
    for url, by_user in links.items():
        yield from check_link(url, view, facts, resolver, by_user=by_user)


def places_of(bodies: Iterable[str]) -> frozenset[str]:
    """What a fragment can lead to inside of harvested texts."""
    return frozenset(name for body in bodies if ' id="' in body for name in _PLACE.findall(body))


def _strange(body: str) -> str:
    """The place where a text leaves the language."""
    known = _PLAIN.match(body)
    end = known.end() if known else 0
    return body[end : end + 80]
