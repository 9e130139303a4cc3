"""Discourse's cooked HTML, freed of what only Discourse's own pages can show.

Quotes become block quotes with a link to the quoted post, previews of links become links, emoji become
characters, embedded players become links, and every address becomes absolute. What is NOT here: sanitising; the
result is as hostile as the input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import cast
from urllib.parse import urlsplit

from lxml import etree
from lxml.html import Element, HtmlElement

from kbgen.sources.discourse_bbcode import has_bbcode, without_bbcode
from kbgen.sources.emoji import emoji_by_name
from kbgen.sources.html_tree import classes, inside, parse, prepend, replace, replace_with_text, text_of

_WORK = re.compile(
    r"""<(?:aside|iframe|video|audio|svg|form|img)\b|(?:href|src)=["'](?:/|upload:|\.|(?!https?:|mailto:|\#)[^"':]*["'])"""
    r"""|class=["'][^"']*(?:mention|emoji|spoiler|lightbox|attachment|hashtag|poll|anchor|md-table|onebox|lazy|bbcode"""
    r"""|video|badge|local-date)|srcset=""",
)
_BBCODE_TAGS = {"bbcode-b": "strong", "bbcode-i": "em", "bbcode-u": "u", "bbcode-s": "s"}
_PLAYERS = etree.XPath("//*[@data-youtube-id or @data-video-id or @data-video-src]")
_CONTROLS = frozenset(("poll-info", "quote-controls"))
_WRAPPERS = {
    "div": ("md-table",),
    "span": (
        "spoiler",
        "spoiled",
        "hashtag",
        "hashtag-raw",
        "hashtag-icon-placeholder",
        "mention",
        "discourse-local-date",
    ),
}
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SKIN = re.compile(r":t[2-6]:?$")

_TAGGED = frozenset(("hashtag", "hashtag-cooked", "badge-wrapper"))
_LINE = frozenset(("p", "li", "h1", "h2", "h3", "h4", "span", "a"))

Step = Callable[[HtmlElement, str], None]


def plain_cooked(cooked: str, base: str) -> str:
    """Normalise one post's cooked HTML.

    Args:
        cooked: the HTML as the platform gives it.
        base: address of the forum without a last slash; forums under a path are fine.
    """
    bbcode = has_bbcode(cooked)
    if not bbcode and not _WORK.search(cooked):
        return cooked
    body = parse(cooked)
    if bbcode:
        body = without_bbcode(body, cooked)
    lower = cooked.lower()
    for step, signs in _STEPS:
        if any(sign in lower for sign in signs):
            step(body, base)
    return inside(body)


def absolute(address: str, base: str) -> str:
    """An address as seen from a forum's pages, made absolute.

    A path that already holds the forum's own folder is not given it twice.
    """
    address = address.strip()
    if address.startswith("//"):
        return f"{urlsplit(base).scheme}:{address}"
    if not address or address.startswith("#") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", address):
        return address
    site = urlsplit(base)
    if address.startswith("/"):
        inside = address == site.path or address.startswith(f"{site.path}/")
        return f"{site.scheme}://{site.netloc}{address}" if inside else base + address
    return f"{base}/{address.removeprefix('./')}"


def _link(address: str, label: str = "", *, block: bool = False) -> HtmlElement:
    link = Element("a", {"href": address})
    link.text = " ".join(label.split()) or address
    if not block:
        return link
    paragraph = Element("p")
    paragraph.append(link)
    return paragraph


def _first(element: HtmlElement, *names: str) -> HtmlElement | None:
    return next(element.iterdescendants(*names), None)


def _first_link(element: HtmlElement) -> HtmlElement | None:
    return next((link for link in element.iterdescendants("a") if "href" in link.attrib), None)


def _having(body: HtmlElement, names: str, wanted: str) -> list[HtmlElement]:
    any_of = wanted.split()
    return [element for element in body.iter(*names.split()) if not classes(element).isdisjoint(any_of)]


def _is_inside(element: HtmlElement, names: Container[str], any_of: frozenset[str] = frozenset()) -> bool:
    return any(
        outer.tag in names and (not any_of or not any_of.isdisjoint(classes(outer)))
        for outer in element.iterancestors()
    )


def _quotes(body: HtmlElement, base: str) -> None:
    # Innermost first, so that a quote inside a quote is plain before its parent is looked at.
    for aside in reversed(_having(body, "aside", "quote")):
        title = next((child for child in aside.iterchildren("div") if "title" in classes(child)), None)
        who = aside.get("data-username") or (text_of(title).rstrip(":") if title is not None else "")
        quote = next(aside.iterchildren("blockquote"), None)
        quote = Element("blockquote") if quote is None else quote
        topic, post = aside.get("data-topic", ""), aside.get("data-post", "")
        if who:
            head = Element("p")
            if topic.isdecimal() and post.isdecimal():
                head.append(_link(f"{base}/t/-/{topic}/{post}", f"{who}:"))
            else:
                head.text = f"{who}:"
            prepend(quote, head)
        replace(aside, quote)


def _oneboxes(body: HtmlElement, _base: str) -> None:
    for box in reversed(_having(body, "aside div", "onebox")):
        first = _first_link(box)
        address = box.get("data-onebox-src") or (first.get("href", "") if first is not None else "")
        heading = _first(box, "h3", "h4")
        label = box.get("data-youtube-title") or (text_of(heading) if heading is not None else "")
        if address:
            replace(box, _link(address, label, block=True))
        else:
            box.drop_tag()
    for link in _having(body, "a", "onebox"):
        if not text_of(link) and _first(link, "img") is None:
            for child in list(link):
                link.remove(child)
            link.text = link.get("href", "")


def _emojis(body: HtmlElement, _base: str) -> None:
    for image in _having(body, "img", "emoji"):
        shown = image.get("title") or image.get("alt", "")
        # Discourse's names are those of these two sets.
        name = _SKIN.sub("", shown).strip(":")
        replace_with_text(image, emoji_by_name().get(name) or image.get("alt") or shown)


def _lightboxes(body: HtmlElement, _base: str) -> None:
    for link in _having(body, "a", "lightbox"):
        image = _first(link, "img")
        if image is None:
            continue
        original = link.get("href")
        if original:
            image.set("src", original)
        wrapper = link.getparent()
        replace(wrapper if wrapper is not None and "lightbox-wrapper" in classes(wrapper) else link, image)


def _players(body: HtmlElement, _base: str) -> None:
    for player in cast("list[HtmlElement]", _PLAYERS(body)):
        inner = _first_link(player)
        address = inner.get("href", "") if inner is not None else player.get("data-video-src", "")
        clip = player.get("data-youtube-id") or player.get("data-video-id")
        if not address and clip and player.get("data-provider-name", "") in {"", "youtube"}:
            address = f"https://www.youtube.com/watch?v={clip}"
        _replace_player(player, address, player.get("data-youtube-title") or player.get("data-video-title", ""))


def _embeds(body: HtmlElement, _base: str) -> None:
    for player in list(body.iter("iframe", "video", "audio")):
        inner = _first(player, "source", "a")
        address = player.get("data-original-href") or player.get("src", "")
        if not address and inner is not None:
            address = inner.get("src") or inner.get("href", "")
        _replace_player(player, address, player.get("title", ""))


def _replace_player(player: HtmlElement, address: str, label: str) -> None:
    if address:
        replace(player, _link(address, label, block=not _is_inside(player, _LINE)))
    else:
        replace_with_text(player, label)


def _polls(body: HtmlElement, _base: str) -> None:
    for poll in _having(body, "div", "poll"):
        title = next((one for one in poll.iterdescendants() if "poll-title" in classes(one)), None)
        listing = Element("ul")
        for option in poll.iterdescendants("li"):
            if "data-poll-option-id" in option.attrib:
                item = Element("li")
                item.text = text_of(option)
                listing.append(item)
        if title is not None:
            head = Element("p")
            head.text = text_of(title)
            poll.addprevious(head)
        replace(poll, listing)


def _spoilers(body: HtmlElement, _base: str) -> None:
    for box in _having(body, "div", "spoiler spoiled"):
        box.tag = "details"
        box.attrib.clear()
        summary = Element("summary")
        summary.text = "Spoiler"
        prepend(box, summary)


def _bbcode_spans(body: HtmlElement, _base: str) -> None:
    for span in _having(body, "span", " ".join(_BBCODE_TAGS)):
        found = classes(span)
        span.tag = next(element for name, element in _BBCODE_TAGS.items() if name in found)
        span.attrib.clear()


def _controls(body: HtmlElement, _base: str) -> None:
    for element in list(body.iterdescendants()):
        if element.tag in {"svg", "form"} or not classes(element).isdisjoint(_CONTROLS):
            element.drop_tree()


def _wrappers(body: HtmlElement, _base: str) -> None:
    found = [
        element
        for element in body.iter("div", "span")
        if not classes(element).isdisjoint(_WRAPPERS[element.tag])
        or (element.tag == "span" and _is_inside(element, {"a"}, _TAGGED))
    ]
    for element in found:
        element.drop_tag()


def _anchors(body: HtmlElement, _base: str) -> None:
    for anchor in [link for link in _having(body, "a", "anchor") if _is_inside(link, _HEADINGS)]:
        anchor.drop_tag()


def _addresses(body: HtmlElement, base: str) -> None:
    for element in list(body.iter("a", "img")):
        if element.tag == "img":
            _make_absolute_image(element, base)
        elif "href" not in element.attrib:
            continue
        elif element.get("href", "").lower().startswith("upload:"):
            element.drop_tag()
        else:
            element.set("href", absolute(element.get("href", ""), base))
            element.attrib.pop("class", None)


def _make_absolute_image(image: HtmlElement, base: str) -> None:
    address = image.get("src", "")
    if not address or address.lower().startswith("upload:"):
        replace_with_text(image, image.get("alt", ""))
    else:
        image.set("src", absolute(address, base))
        image.attrib.pop("srcset", None)


_STEPS: tuple[tuple[Step, tuple[str, ...]], ...] = (
    (_quotes, ("quote",)),
    (_emojis, ("emoji",)),
    (_lightboxes, ("lightbox",)),
    (_players, ("data-youtube-id", "data-video-")),
    (_embeds, ("<iframe", "<video", "<audio")),
    (_oneboxes, ("onebox",)),
    (_polls, ("poll",)),
    (_spoilers, ("spoil",)),
    (_bbcode_spans, ("bbcode-",)),
    (_controls, ("<svg", "<form", *sorted(_CONTROLS))),
    (_wrappers, ("md-table", "spoil", "hashtag", "mention", "local-date", "badge-wrapper")),
    (_anchors, ("anchor",)),
    (_addresses, ("",)),
)
"""The steps in order, each with the words of which one is in the HTML when there is anything to do.

Previews hold players and images, so those are plain before the previews are looked at.
"""
