"""Rules about what a page links to, runs and requests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from kbgen.site.check_report import Finding
from kbgen.site.check_view import Chunk, PageFacts, Resolver, Target, View, inline_scripts

_NEVER = frozenset({"javascript", "data", "vbscript", "file", "blob", "kb"})
_MISSING = {"link": "which is not on the site", "fragment": "which has no such place"}
# The relations of a link element that make a browser load something; the others only name an address.
_LOADED = frozenset(
    {
        *("stylesheet", "icon", "apple-touch-icon", "mask-icon", "manifest"),
        *("preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch"),
    }
)
_MEDIA = ("img", "source", "video", "audio", "track", "input")
_ACTIVE = (("script", "src"), ("iframe", "src"), ("frame", "src"), ("embed", "src"), ("object", "data"))
_STYLE_URL = re.compile(r"(?:url\(|@import)\s*[\"']?\s*([^\"')\s;]+)", re.IGNORECASE)


def check_links(view: View, facts: PageFacts, resolver: Resolver) -> Iterator[Finding]:
    """Links lead somewhere, and nowhere they must not."""
    for href, by_user in sorted(_hrefs(view).items()):
        target = resolver.target(facts.path, href)
        if target.scheme in _NEVER:
            yield Finding("link-scheme", facts.path, f"the link {href[:120]!r} must not be followed by a browser")
        elif target.path:
            for fault in _inside(target, view, facts, resolver):
                check = "user-link" if by_user else fault
                yield Finding(check, facts.path, f"the link {href!r} leads to {target.path}, {_MISSING[fault]}")


def _hrefs(view: View) -> dict[str, bool]:
    """Links to whether each stands in harvested text only; the sanitiser marks those with ``rel=ugc``."""
    found: dict[str, bool] = {}
    for tag, attribute in (("a", "href"), ("area", "href"), ("form", "action")):
        for element in view.all(tag):
            href = element.get(attribute)
            if href is not None:
                found[href] = found.get(href, True) and "ugc" in element.get("rel", "")
    return found


def _inside(target: Target, view: View, facts: PageFacts, resolver: Resolver) -> Iterator[str]:
    own = target.path == facts.path
    if not own and not resolver.exists(target.path):
        yield "link"
    # Without a name, and for "top", the fragment is the page's beginning (HTML, section 7.4.6.3).
    elif target.fragment.lower() not in {"", "top"} and not target.fragment.startswith(":~:"):
        places = resolver.ids(target.path, view if own else None)
        if places is not None and target.fragment not in places:
            yield "fragment"


def check_requests(view: View, facts: PageFacts, resolver: Resolver) -> Iterator[Finding]:
    """What the browser loads with the page lies on the site, and is there."""
    for url, check in dict(_requests(view)).items():
        target = resolver.target(facts.path, url)
        if target.host:
            yield Finding(check, facts.path, f"asks {target.host} for {url[:120]!r}; keep a copy on the site")
        elif target.scheme in _NEVER - {"data"} or (target.scheme == "data" and check == "foreign-request"):
            yield Finding("link-scheme", facts.path, f"loads {url[:120]!r}")
        elif target.path and not resolver.exists(target.path):
            yield Finding("link", facts.path, f"loads {url!r}, which is not on the site")


def _requests(view: View) -> Iterator[tuple[str, str]]:
    for element in view.all("link"):
        if _LOADED & set(element.get("rel", "").lower().split()) and element.get("href"):
            yield element.get("href", ""), "foreign-request"
    for tag in _MEDIA:
        for element in view.all(tag):
            yield from ((url, "foreign-image") for url in _media(element))
    for text in view.styles():
        # Fonts and pictures in a style sheet may be written out in it.
        yield from ((url, "foreign-image") for url in _STYLE_URL.findall(text) if not url.startswith("#"))
    for tag, attribute in _ACTIVE:
        for element in view.all(tag):
            if url := element.get(attribute):
                yield url, "foreign-request"


def _media(element: etree._Element) -> Iterator[str]:
    for attribute in ("src", "poster"):
        if url := element.get(attribute):
            yield url
    for candidate in element.get("srcset", "").split(", "):
        if url := candidate.strip().split(" ", 1)[0]:
            yield url


def check_scripts(view: View, facts: PageFacts, chunk: Chunk) -> Iterator[Finding]:
    """Nothing harvested runs."""
    check = "written-script" if facts.written else "script"
    for digest, start in inline_scripts(view).items():
        if digest not in chunk.frame_scripts:
            yield Finding(check, facts.path, f"the script that starts with {start!r} is written into the page")
    for handler in view.handlers():
        yield Finding(
            "written-script" if facts.written else "handler", facts.path, f"{handler} runs a script of the page"
        )
