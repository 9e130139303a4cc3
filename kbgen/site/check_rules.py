"""Every rule about one page, in one place: for pages on disk and for pages that were just poured."""

from __future__ import annotations

from collections.abc import Iterator

from kbgen.site.check_links import check_links, check_requests, check_scripts
from kbgen.site.check_page import check_attribution, check_head, check_json_ld, read_graph
from kbgen.site.check_report import Finding
from kbgen.site.check_view import Limits, PageFacts, Resolver, View


def judge(view: View, facts: PageFacts, resolver: Resolver, limits: Limits) -> Iterator[Finding]:
    """What is wrong with a page.

    Args:
        view: the parsed page.
        facts: what it should be.
        resolver: tells where its links lead.
        limits: what holds for the whole site.
    """
    yield from check_head(view, facts, limits)
    graph = read_graph(view)
    yield from check_json_ld(graph, facts)
    yield from check_attribution(view, graph, facts)
    yield from judge_frame(view, facts, resolver, limits)


def judge_frame(view: View, facts: PageFacts, resolver: Resolver, limits: Limits) -> Iterator[Finding]:
    """What is wrong with what a page leads to, loads and runs: all there is to say about a frame without its page."""
    yield from check_links(view, facts, resolver)
    yield from check_requests(view, facts, resolver)
    yield from check_scripts(view, facts, limits)
