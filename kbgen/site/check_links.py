"""Rules about what a page links to, runs and requests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from kbgen.site.check_report import Finding
from kbgen.site.check_view import Limits, PageFacts, Resolver, Target, View, inline_scripts

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
    for href, by_user in _hrefs(view, facts).items():
        if resolver.elsewhere(href):
            continue
        yield from check_link(href, view, facts, resolver, by_user=by_user)


def check_link(
    href: str, view: View, facts: PageFacts, resolver: Resolver, *, by_user: bool = False
) -> Iterator[Finding]:
    """A link leads somewhere, and nowhere it must not.

    Args:
        href: as a browser reads it.
        view: the page it stands on.
        facts: what the page should be.
        resolver: tells where links lead.
        by_user: it stands in harvested text only.
    """
    target = resolver.target(facts.path, href)
    if target.scheme in _NEVER:
        yield Finding("link-scheme", facts.path, f"the link {href[:120]!r} must not be followed by a browser", href)
    elif target.path == facts.path:
        if _names_a_place(target.fragment) and target.fragment not in view.ids:
            yield _leads_nowhere("fragment", facts, href, target, by_user=by_user)
    elif target.path and not resolver.asked(target, by_user=by_user):
        yield from _elsewhere(href, target, facts, resolver, by_user=by_user)


def _elsewhere(href: str, target: Target, facts: PageFacts, resolver: Resolver, *, by_user: bool) -> Iterator[Finding]:
    """A link to another page: what can be told now; the rest is asked later."""
    missing = _leads_nowhere("link", facts, href, target, by_user=by_user)
    if resolver.lacks(Target(path=target.path), missing):
        yield missing
    elif _names_a_place(target.fragment):
        unplaced = _leads_nowhere("fragment", facts, href, target, by_user=by_user)
        if resolver.lacks(target, unplaced):
            yield unplaced


def _leads_nowhere(fault: str, facts: PageFacts, href: str, target: Target, *, by_user: bool) -> Finding:
    message = f"the link {href!r} leads to {target.path}, {_MISSING[fault]}"
    return Finding("user-link" if by_user else fault, facts.path, message, href)


def _names_a_place(fragment: str) -> bool:
    """Without a name, and for "top", a fragment is the page's beginning (HTML, section 7.4.6.3)."""
    return fragment != "" and fragment.lower() != "top" and not fragment.startswith(":~:")


def harvests_article(facts: PageFacts) -> bool:
    """Whether all of a page's text is harvested, though staff wrote it: elsewhere, where nobody sees these checks."""
    return facts.kind == "article" and not facts.written


def _hrefs(view: View, facts: PageFacts) -> dict[str, bool]:
    """Links to whether each stands in harvested text only; the sanitiser marks those of users with ``rel=ugc``."""
    found: dict[str, bool] = {}
    article = harvests_article(facts)
    for tag, attribute in (("a", "href"), ("area", "href"), ("form", "action")):
        for element in view.own(tag):
            href = element.get(attribute)
            if href is not None:
                by_user = "ugc" in element.get("rel", "") or (article and _is_in_body(element))
                found[href] = found.get(href, True) and by_user
    return found


def _is_in_body(element: etree._Element) -> bool:
    return any("kb-body" in outer.get("class", "").split() for outer in element.iterancestors("div"))


def check_requests(view: View, facts: PageFacts, resolver: Resolver) -> Iterator[Finding]:
    """What the browser loads with the page lies on the site, and is there."""
    for url, check in dict(_requests(view)).items():
        target = resolver.target(facts.path, url)
        if target.host:
            yield Finding(
                check, facts.path, f"asks {target.host} for {url[:120]!r}; keep a copy on the site, or link to it", url
            )
        elif target.scheme in _NEVER - {"data"} or (target.scheme == "data" and check == "foreign-request"):
            yield Finding("link-scheme", facts.path, f"loads {url[:120]!r}", url)
        elif target.path and not resolver.asked(target):
            missing = Finding("link", facts.path, f"loads {url!r}, which is not on the site", url)
            if resolver.lacks(Target(path=target.path), missing):
                yield missing


def _requests(view: View) -> Iterator[tuple[str, str]]:
    for element in view.own("link"):
        if _LOADED & set(element.get("rel", "").lower().split()) and element.get("href"):
            yield element.get("href", ""), "foreign-request"
    for tag in _MEDIA:
        for element in view.own(tag):
            yield from ((url, "foreign-image") for url in _media(element))
    for text in view.styles():
        # Fonts and pictures in a style sheet may be written out in it.
        yield from ((url, "foreign-image") for url in _STYLE_URL.findall(text) if not url.startswith("#"))
    for tag, attribute in _ACTIVE:
        for element in view.own(tag):
            if url := element.get(attribute):
                yield url, "foreign-request"


def _media(element: etree._Element) -> Iterator[str]:
    for attribute in ("src", "poster"):
        if url := element.get(attribute):
            yield url
    for candidate in element.get("srcset", "").split(", "):
        if url := candidate.strip().split(" ", 1)[0]:
            yield url


def check_scripts(view: View, facts: PageFacts, limits: Limits) -> Iterator[Finding]:
    """Nothing harvested runs."""
    check = "written-script" if facts.written else "script"
    for digest, start in inline_scripts(view).items():
        if digest not in limits.frame_scripts:
            yield Finding(check, facts.path, f"the script that starts with {start!r} is written into the page")
    for handler in view.handlers():
        yield Finding(
            "written-script" if facts.written else "handler", facts.path, f"{handler} runs a script of the page"
        )
