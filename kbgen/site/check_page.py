"""Rules about one page by itself: its head, its structured data, and who it credits.

The sources of the rules are the search engines' guides to canonical links, titles and structured data, and the
promises of kbgen: attribution in plain HTML, and no page that is noindex and hands its rank away at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from kbgen.site.check_report import Finding
from kbgen.site.check_view import Limits, PageFacts, View

_LARGEST = 60 * 1024
# How the templates mark the links to an entry's threads and the names of people.
_THREAD_CLASS = "kb-thread"
_PERSON_CLASS = "kb-person"
_ENDS_SCRIPT = ("</", "<!--", "<script")


def check_head(view: View, facts: PageFacts, limits: Limits) -> Iterator[Finding]:
    """Canonical, robots, title, description, heading, language and size."""
    yield from _canonical(view, facts, limits)
    titles = len(view.titles())
    if titles != 1:
        yield Finding("title", facts.path, f"has {titles} titles; it needs exactly one")
    descriptions = [text for text in view.meta("description") if text.strip()]
    if len(descriptions) != 1:
        yield Finding("description", facts.path, f"has {len(descriptions)} descriptions; it needs exactly one")
    headings = len(view.all("h1"))
    if headings != 1:
        yield Finding("h1", facts.path, f"has {headings} first-level headings; it needs exactly one")
    if not any(html.get("lang", "").strip() for html in view.all("html")):
        yield Finding("lang", facts.path, "does not say its language; <html> needs a lang attribute")
    if view.size > _LARGEST:
        yield Finding("size", facts.path, f"is {view.size // 1024} KiB of HTML; phones want {_LARGEST // 1024} at most")


def _canonical(view: View, facts: PageFacts, limits: Limits) -> Iterator[Finding]:
    found = [link.get("href", "") for link in view.rel("canonical")]
    if found != [facts.canonical] or not facts.canonical.startswith(("https://", "http://")):
        yield Finding("canonical", facts.path, f"has the canonical links {found}; it should be {facts.canonical} alone")
    said = any("noindex" in content.lower() for content in view.meta("robots"))
    if said != (facts.noindex or limits.noindex):
        yield Finding("robots-meta", facts.path, "says noindex and should not" if said else "should say noindex")
    foreign = [url for url in found if not url.startswith(limits.site_url)]
    # A whole site that is kept out of search engines is a preview: its canonical links are those it will have.
    if said and foreign and not limits.noindex:
        yield Finding(
            "noindex-canonical", facts.path, f"is noindex and names {foreign[0]} as canonical; keep one of both"
        )


class Graph(Struct, frozen=True):
    """The structured data of a page, read once.

    Attributes:
        blocks: how many scripts of it there are.
        faults: what is wrong with them.
    """

    blocks: int
    nodes: tuple[dict[str, Any], ...]
    faults: tuple[str, ...]


def read_graph(view: View) -> Graph:
    """Read the structured data of a page."""
    scripts = [script for script in view.own("script") if script.get("type") == "application/ld+json"]
    nodes: list[dict[str, Any]] = []
    faults: list[str] = []
    for script in scripts:
        text = script.text or ""
        if any(mark in text.lower() for mark in _ENDS_SCRIPT):
            faults.append("the structured data can end its script; write < as \\u003c in it")
        try:
            data = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            faults.append(f"the structured data is not JSON: {error}")
            continue
        if isinstance(data, dict) and "@context" in data and isinstance(data.get("@graph"), list):
            nodes += [node for node in data["@graph"] if isinstance(node, dict)]
        else:
            faults.append("the structured data lacks a @context or a @graph")
    return Graph(len(scripts), tuple(nodes), tuple(faults))


def check_json_ld(graph: Graph, facts: PageFacts) -> Iterator[Finding]:
    """Structured data parses, has its frame, and the trail of breadcrumbs."""
    for fault in graph.faults:
        yield Finding("json-ld", facts.path, fault)
    # Pages kept out of search engines, and the search and not-found pages, have nothing to say to them.
    if facts.noindex or facts.kind == "other":
        return
    if not graph.blocks:
        yield Finding("json-ld", facts.path, "has no structured data")
    elif facts.kind != "home" and not any(_is_trail(node) for node in graph.nodes):
        yield Finding("breadcrumbs", facts.path, "has no BreadcrumbList of two steps or more")


def _is_trail(node: Mapping[str, Any]) -> bool:
    items = node.get("itemListElement") if node.get("@type") == "BreadcrumbList" else None
    return isinstance(items, list) and len(items) > 1


def check_attribution(view: View, graph: Graph, facts: PageFacts) -> Iterator[Finding]:
    """A harvested page links back to its threads and names its authors and its licence where a reader sees it."""
    if facts.kind != "entry":
        return
    links = {link.get("href", "") for link in view.own("a")}
    back = [link for link in view.own("a") if _THREAD_CLASS in link.get("class", "").split()]
    linked, needed = len({link.get("href", "") for link in back}), max(facts.threads, 1)
    if linked < needed:
        yield Finding("attribution", facts.path, f"links to {linked} of the {needed} threads it came from")
    wanted = _credited_urls(graph) | ({facts.canonical} if facts.deferring else set())
    for url in sorted(wanted - links):
        yield Finding("attribution", facts.path, f"names {url} as its source or licence and has no link to it")
    for link in back:
        if {"nofollow", "ugc"} & set(link.get("rel", "").lower().split()):
            yield Finding("attribution-rel", facts.path, f"the link back to {link.get('href')} is not followed")
    yield from _people(view, facts, _credited_people(graph))


def _people(view: View, facts: PageFacts, authors: set[str]) -> Iterator[Finding]:
    shown = {" ".join("".join(map(str, name.itertext())).split()) for name in view.own("bdi")}
    missing = {" ".join(author.split()) for author in authors} - shown
    if missing:
        text = view.text()
        missing = {name for name in missing if name not in text}
    for name in sorted(missing):
        yield Finding("attribution", facts.path, f"names {name} as an author to search engines and not to readers")
    if not authors and not view.root.xpath(f"boolean(//*[contains(@class, '{_PERSON_CLASS}')])"):
        yield Finding("attribution", facts.path, "does not say who wrote it")


def _credited_urls(graph: Graph) -> set[str]:
    urls: set[str] = set()
    for node in graph.nodes:
        postings = _each(node.get("isBasedOn")) + _each(node.get("citation"))
        urls |= {item["url"] for item in postings if isinstance(item.get("url"), str)}
        if isinstance(node.get("license"), str):
            urls.add(node["license"])
    return urls


def _credited_people(graph: Graph) -> set[str]:
    people = [item for node in graph.nodes for item in _each(node.get("author"))]
    return {item["name"] for item in people if isinstance(item.get("name"), str)}


def _each(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
