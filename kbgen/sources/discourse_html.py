"""Discourse's cooked HTML, freed of what only Discourse's own pages can show.

Quotes become block quotes with a link to the quoted post, previews of links become links, emoji become
characters, embedded players become links, and every address becomes absolute. What is NOT here: sanitising; the
result is as hostile as the input.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterable
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from kbgen.sources.discourse_bbcode import has_bbcode, parse, walk, without_bbcode

_WORK = re.compile(
    r"""<(?:aside|iframe|video|audio|svg|form|img)\b|(?:href|src)=["'](?:/|upload:|\.|(?!https?:|mailto:|\#)[^"':]*["'])"""
    r"""|class=["'][^"']*(?:mention|emoji|spoiler|lightbox|attachment|hashtag|poll|anchor|md-table|onebox|lazy|bbcode"""
    r"""|video|badge|local-date)|srcset=""",
)
_BBCODE_TAGS = {"bbcode-b": "strong", "bbcode-i": "em", "bbcode-u": "u", "bbcode-s": "s"}
_NONE: frozenset[str] = frozenset()
_PLAYER = frozenset(("data-youtube-id", "data-video-id", "data-video-src"))
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

Step = Callable[[BeautifulSoup, str], None]


def plain_cooked(cooked: str, base: str) -> str:
    """Normalise one post's cooked HTML.

    Args:
        cooked: the HTML as the platform gives it.
        base: address of the forum without a last slash; forums under a path are fine.
    """
    bbcode = has_bbcode(cooked)
    if not bbcode and not _WORK.search(cooked):
        return cooked
    soup = parse(cooked)
    if bbcode:
        soup = without_bbcode(soup, cooked)
    lower = cooked.lower()
    for step, signs in _STEPS:
        if any(sign in lower for sign in signs):
            step(soup, base)
    return soup.body.decode_contents() if soup.body else ""


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


def _text(tag: Tag, name: str) -> str:
    value: Any = tag.get(name)
    return " ".join(value) if isinstance(value, list) else str(value or "")


def _link(address: str, label: str = "", *, block: bool = False) -> Tag:
    link = Tag(name="a", attrs={"href": address})
    link.string = " ".join(label.split()) or address
    if not block:
        return link
    paragraph = Tag(name="p")
    paragraph.append(link)
    return paragraph


def _tags(soup: BeautifulSoup, *names: str) -> list[Tag]:
    """All elements of these names in document order; a walk that costs a tenth of a CSS selector."""
    return [node for node in walk(soup) if isinstance(node, Tag) and node.name in names]


def _first(tag: Tag, *names: str, href: bool = False) -> Tag | None:
    found = tag.find(names, href=True) if href else tag.find(names)
    return found if isinstance(found, Tag) else None


def _having(soup: BeautifulSoup, names: str, classes: str) -> list[Tag]:
    wanted = classes.split()
    return [tag for tag in _tags(soup, *names.split()) if not _classes(tag).isdisjoint(wanted)]


def _classes(tag: Tag) -> frozenset[str]:
    return frozenset(_text(tag, "class").split()) if "class" in tag.attrs else _NONE


def _is_inside(tag: Tag, names: Container[str], classes: Iterable[str] = ()) -> bool:
    wanted = frozenset(classes)
    return any(
        parent.name in names and (not wanted or not wanted.isdisjoint(_classes(parent))) for parent in tag.parents
    )


def _quotes(soup: BeautifulSoup, base: str) -> None:
    # Innermost first, so that a quote inside a quote is plain before its parent is looked at.
    for aside in reversed(_having(soup, "aside", "quote")):
        title = aside.find("div", class_="title", recursive=False)
        who = _text(aside, "data-username") or (title.get_text(" ", strip=True).rstrip(":") if title else "")
        quote = aside.find("blockquote", recursive=False) or Tag(name="blockquote")
        topic, post = _text(aside, "data-topic"), _text(aside, "data-post")
        if who:
            head = Tag(name="p")
            known = topic.isdecimal() and post.isdecimal()
            head.append(_link(f"{base}/t/-/{topic}/{post}", f"{who}:") if known else f"{who}:")
            quote.insert(0, head)
        aside.replace_with(quote)


def _oneboxes(soup: BeautifulSoup, _base: str) -> None:
    for box in reversed(_having(soup, "aside div", "onebox")):
        first = _first(box, "a", href=True)
        address = _text(box, "data-onebox-src") or (_text(first, "href") if first else "")
        heading = _first(box, "h3", "h4")
        label = _text(box, "data-youtube-title") or (heading.get_text(" ", strip=True) if heading else "")
        if address:
            box.replace_with(_link(address, label, block=True))
        else:
            box.unwrap()
    for link in _having(soup, "a", "onebox"):
        if not link.get_text(strip=True) and not link.find("img"):
            link.string = _text(link, "href")


@functools.cache
def _emoji() -> dict[str, str]:
    # Loaded when the first emoji is met: the tables are large. Discourse's names are those of these two sets.
    from pymdownx import emoji1_db, gemoji_db  # noqa: PLC0415

    table: dict[str, str] = {}
    for data in (gemoji_db, emoji1_db):
        for name, entry in data.emoji.items():
            code = entry.get("unicode_alt") or entry.get("unicode")
            if code:
                table[name.strip(":")] = "".join(chr(int(point, 16)) for point in code.split("-"))
        for alias, name in data.aliases.items():
            if name.strip(":") in table:
                table.setdefault(alias.strip(":"), table[name.strip(":")])
    return table


def _emojis(soup: BeautifulSoup, _base: str) -> None:
    for image in _having(soup, "img", "emoji"):
        shown = _text(image, "title") or _text(image, "alt")
        name = _SKIN.sub("", shown).strip(":")
        image.replace_with(_emoji().get(name) or _text(image, "alt") or shown)


def _lightboxes(soup: BeautifulSoup, _base: str) -> None:
    for link in _having(soup, "a", "lightbox"):
        image = _first(link, "img")
        if image is None:
            continue
        original = _text(link, "href")
        if original:
            image["src"] = original
        wrapper = link.parent
        outer = wrapper if wrapper is not None and "lightbox-wrapper" in wrapper.get_attribute_list("class") else link
        outer.replace_with(image.extract())


def _players(soup: BeautifulSoup, _base: str) -> None:
    for player in [node for node in walk(soup) if isinstance(node, Tag) and not _PLAYER.isdisjoint(node.attrs)]:
        inner = _first(player, "a", href=True)
        address = _text(inner, "href") if inner else _text(player, "data-video-src")
        clip = _text(player, "data-youtube-id") or _text(player, "data-video-id")
        if not address and clip and _text(player, "data-provider-name") in {"", "youtube"}:
            address = f"https://www.youtube.com/watch?v={clip}"
        label = _text(player, "data-youtube-title") or _text(player, "data-video-title")
        _replace_player(player, address, label)


def _embeds(soup: BeautifulSoup, _base: str) -> None:
    for player in _tags(soup, "iframe", "video", "audio"):
        inner = _first(player, "source", "a")
        address = _text(player, "data-original-href") or _text(player, "src")
        if not address and inner:
            address = _text(inner, "src") or _text(inner, "href")
        _replace_player(player, address, _text(player, "title"))


def _replace_player(player: Tag, address: str, label: str) -> None:
    if address:
        inside = player.find_parent(["p", "li", "h1", "h2", "h3", "h4", "span", "a"]) is not None
        player.replace_with(_link(address, label, block=not inside))
    else:
        player.replace_with(label)


def _polls(soup: BeautifulSoup, _base: str) -> None:
    for poll in _having(soup, "div", "poll"):
        title = poll.select_one(".poll-title")
        items = [option.get_text(" ", strip=True) for option in poll.select("li[data-poll-option-id]")]
        if title:
            head = Tag(name="p")
            head.string = title.get_text(" ", strip=True)
            poll.insert_before(head)
        listing = Tag(name="ul")
        for text in items:
            item = Tag(name="li")
            item.string = text
            listing.append(item)
        poll.replace_with(listing)


def _spoilers(soup: BeautifulSoup, _base: str) -> None:
    for box in _having(soup, "div", "spoiler spoiled"):
        box.name, box.attrs = "details", {}
        summary = Tag(name="summary")
        summary.string = "Spoiler"
        box.insert(0, summary)


def _bbcode_spans(soup: BeautifulSoup, _base: str) -> None:
    for span in _having(soup, "span", " ".join(_BBCODE_TAGS)):
        classes = _classes(span)
        span.name = next(element for name, element in _BBCODE_TAGS.items() if name in classes)
        span.attrs = {}


def _controls(soup: BeautifulSoup, _base: str) -> None:
    found = [node for node in walk(soup) if isinstance(node, Tag)]
    for tag in [tag for tag in found if tag.name in {"svg", "form"} or not _classes(tag).isdisjoint(_CONTROLS)]:
        tag.decompose()


def _wrappers(soup: BeautifulSoup, _base: str) -> None:
    found = [
        tag
        for tag in _tags(soup, "div", "span")
        if not _classes(tag).isdisjoint(_WRAPPERS[tag.name])
        or (tag.name == "span" and _is_inside(tag, {"a"}, ("hashtag", "hashtag-cooked", "badge-wrapper")))
    ]
    for tag in found:
        tag.unwrap()


def _anchors(soup: BeautifulSoup, _base: str) -> None:
    for anchor in [link for link in _having(soup, "a", "anchor") if _is_inside(link, _HEADINGS)]:
        anchor.unwrap()


def _addresses(soup: BeautifulSoup, base: str) -> None:
    for tag in _tags(soup, "a", "img"):
        if tag.name == "img":
            _make_absolute_image(tag, base)
        elif "href" not in tag.attrs:
            continue
        elif _text(tag, "href").lower().startswith("upload:"):
            tag.unwrap()
        else:
            tag["href"] = absolute(_text(tag, "href"), base)
            del tag["class"]


def _make_absolute_image(image: Tag, base: str) -> None:
    address = _text(image, "src")
    if not address or address.lower().startswith("upload:"):
        image.replace_with(_text(image, "alt"))
    else:
        image["src"] = absolute(address, base)
        del image["srcset"]


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
