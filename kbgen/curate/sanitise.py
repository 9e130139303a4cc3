"""Hostile HTML to ``SafeHtml``: the only maker, and the trust boundary of everything that is shown.

Two passes. nh3 parses as browsers do and keeps only known elements, attributes and link schemes. A walk over
what is left then writes new HTML, piece by piece, from closed tables: nothing of the input is ever copied but
text (escaped) and addresses (checked), so a parser difference cannot revive markup, and the result is valid flow
content whatever the input was. Sanitising twice changes nothing.

What is private is taken out in ``privacy``; ``dir`` and headings above h3 are the page templates'.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Literal

import nh3
from lxml import etree

from kbgen.curate.blocks import BREAKS, BlockWriter
from kbgen.curate.flow import Flow
from kbgen.curate.inline import EMBEDS, HEADINGS, MARKS, TooDeep
from kbgen.curate.places import settle
from kbgen.curate.text import parse, plain_text, scrub
from kbgen.model import SafeHtml

_REST = "a img br hr pre blockquote ul ol dl details table thead tbody tfoot input span"
_TAGS = {*MARKS, *HEADINGS, *BREAKS, *EMBEDS, *_REST.split()}
_ATTRIBUTES = {
    "*": {"class"},
    "a": {"href"},
    "abbr": {"title"},
    "acronym": {"title"},
    "img": {"src", "alt"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "pre": {"data-code-wrap"},
    "input": {"type", "checked"},
    **{tag: {"src", "title"} for tag in EMBEDS},
}
_NAMES = {"*": {"class", "id"}, "a": {"href", "name"}}


def _cleaner(attributes: Mapping[str, set[str]], relative: Literal["deny", "pass_through"]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        attributes={**_ATTRIBUTES, **attributes},
        clean_content_tags={"script", "style", "svg", "noscript", "template", "title", "select", "noembed", "noframes"},
        url_schemes={"http", "https", "kb"},
        url_relative=relative,
        link_rel=None,
        strip_comments=True,
    )


_CLEANER = _cleaner({}, "deny")
# Staff texts have places, and links to them; the second pass lets no other relative address through.
_STAFF_CLEANER = _cleaner(_NAMES, "pass_through")
# A browser's parser takes quadratic time on deep nesting. Posts with more tags than this are looked at first.
_MANY_TAGS = 5_000


def safe_html(html: str, *, own_hosts: frozenset[str] = frozenset(), trusted: bool = False) -> SafeHtml:
    """Make ``SafeHtml`` of any HTML: valid flow content with headings from h3 down.

    Args:
        html: a post's body, links absolute; may be broken, huge or an attack.
        own_hosts: hosts whose links carry no ``rel``.
        trusted: written by staff: links carry no ``rel``, admonitions keep their classes, headings their ids, and
            links to those hold. As safe as otherwise.

    Returns:
        HTML without scripts, styles, images and foreign classes. A post nested deeper than 150 levels is
        reduced to its words.
    """
    source = scrub(html)
    if source.count("<") > _MANY_TAGS and _is_deep(source):
        return _only_words(source)
    body = parse((_STAFF_CLEANER if trusted else _CLEANER).clean(source))
    if body is None:
        return SafeHtml("")
    flow = Flow()
    try:
        BlockWriter(own_hosts, trusted=trusted).children(body, flow, 0)
    except TooDeep:
        return _only_words(source)
    return SafeHtml(settle(flow.render()) if trusted else flow.render())


def _is_deep(html: str) -> bool:
    parser = etree.HTMLParser(encoding="utf-8")  # gives up at 256 levels
    etree.fromstring(f"<html><body>{html}</body></html>".encode(), parser)
    return any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log)


def _only_words(html: str) -> SafeHtml:
    pieces: list[str] = []
    position = 0
    while (start := html.find("<", position)) >= 0 and (end := html.find(">", start)) >= 0:
        pieces.append(html[position:start])
        position = end + 1
    pieces.append(html[position:])
    words = plain_text(" ".join(pieces).replace("<", " "))
    body = parse(words)
    text = "" if body is None else plain_text("".join(map(str, body.itertext())))
    return SafeHtml(f"<p>{escape(text, quote=False)}</p>" if text else "")
