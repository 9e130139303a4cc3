"""Addresses in user content: which may be linked to, written so that validators accept them.

What a link looks like and whether it carries ``rel`` is decided in ``sanitise``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

INTERNAL = "kb:"
"""Scheme of links between entries, ``kb:<ref>``; replaced by the page's address when a page is poured."""

WITHIN = "#"
"""What a link to a place on its own page begins with."""

# Most addresses: nothing in them to check or to escape.
_SIMPLE = re.compile(r"https?://((?:[a-z0-9-]+\.)+[a-z0-9-]+)(?:/[A-Za-z0-9/._~-]*)?")
_HOST = re.compile(r"(?:[\w-]+\.)*[\w-]+\.?|\[[0-9a-fA-F:.]+\]")
_REF = re.compile(r"kb:[a-z0-9][a-z0-9-]*:[^\s<>\"'`\\^{|}]+")
# Characters of https://url.spec.whatwg.org/#url-code-points that quote() would escape; anything else is escaped.
_PATH = "/:@!$&'()*+,;=-._~%"
_QUERY = _PATH + "?"
_LOOSE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ASCII_ONLY = re.compile(r"[\x00-\x7f]+")


@lru_cache(maxsize=8192)
def clean_href(href: str) -> str:
    """Give the address in valid form, or "" when it must not be linked to.

    Absolute http and https addresses and ``kb:`` references pass. Relative addresses (they would point into our
    own site), addresses with a user name in them (they show one host and open another) and every other scheme
    do not. The result passes unchanged (https://url.spec.whatwg.org/#valid-url-string).
    """
    href = href.strip()
    if _SIMPLE.fullmatch(href):
        return href
    if href.startswith(INTERNAL):
        return href if _REF.fullmatch(href) else ""
    try:
        parts = urlsplit(href)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _HOST.fullmatch(host):
        return ""
    netloc = host if port is None else f"{host}:{port}"
    if ":" in host:
        return ""
    url = f"{parts.scheme}://{netloc}{_escape(parts.path, _PATH)}"
    if parts.query:
        url += f"?{_escape(parts.query, _QUERY)}"
    if parts.fragment:
        url += f"#{_escape(parts.fragment, _QUERY)}"
    return url


def clean_place(href: str) -> str:
    """Give a link to a place on the same page in valid form, "" for one to the page's beginning."""
    place = href.strip().removeprefix(WITHIN)
    return f"{WITHIN}{_escape(place, _QUERY)}" if place else ""


def _escape(text: str, safe: str) -> str:
    text = _LOOSE_PERCENT.sub("%25", text)
    return _ASCII_ONLY.sub(lambda match: quote(match.group(), safe=safe), text)


def host_of(url: str) -> str:
    """Give the lower-case host of an address, "" when it has none.

    Links are hostile and any of them must have an answer; the port does not count, for a community is the same one
    on each. ``sources.http.host_of`` keeps it: whom to ask, and how often, is a matter of host and port.
    """
    simple = _SIMPLE.fullmatch(url)
    if simple:
        return simple[1]
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
