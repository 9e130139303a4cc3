"""Discourse's cooked HTML, freed of what only Discourse's own pages can show.

Quotes become block quotes with a link to the quoted post, previews of links become links, emoji become
characters, embedded players become links, and every address becomes absolute. What is NOT here: sanitising; the
result is as hostile as the input.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from kbgen.sources.discourse_bbcode import has_bbcode, without_bbcode

_WORK = re.compile(
    r"""<(?:aside|iframe|video|audio|svg|form|img)\b|(?:href|src)=["'](?:/|upload:|\.|(?!https?:|mailto:|\#)[^"':]*["'])"""
    r"""|class=["'][^"']*(?:mention|emoji|spoiler|lightbox|attachment|hashtag|poll|anchor|md-table|onebox|lazy|bbcode"""
    r"""|video|badge|local-date)|srcset=""",
)
_BBCODE_TAGS = {"bbcode-b": "strong", "bbcode-i": "em", "bbcode-u": "u", "bbcode-s": "s"}
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
    soup = BeautifulSoup(cooked, "lxml")
    if bbcode:
        soup = without_bbcode(soup)
    for step in _STEPS:
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


def _quotes(soup: BeautifulSoup, base: str) -> None:
    # Innermost first, so that a quote inside a quote is plain before its parent is looked at.
    for aside in reversed(soup.select("aside.quote")):
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
    for box in reversed(soup.select("aside.onebox, div.onebox")):
        first = box.select_one("a[href]")
        address = _text(box, "data-onebox-src") or (_text(first, "href") if first else "")
        heading = box.select_one("h3, h4")
        label = _text(box, "data-youtube-title") or (heading.get_text(" ", strip=True) if heading else "")
        if address:
            box.replace_with(_link(address, label, block=True))
        else:
            box.unwrap()
    for link in soup.select("a.onebox"):
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
    for image in soup.select("img.emoji"):
        shown = _text(image, "title") or _text(image, "alt")
        name = _SKIN.sub("", shown).strip(":")
        image.replace_with(_emoji().get(name) or _text(image, "alt") or shown)


def _lightboxes(soup: BeautifulSoup, _base: str) -> None:
    for link in soup.select("a.lightbox"):
        image = link.select_one("img")
        if image is None:
            continue
        original = _text(link, "href")
        if original:
            image["src"] = original
        wrapper = link.parent
        outer = wrapper if wrapper is not None and "lightbox-wrapper" in wrapper.get_attribute_list("class") else link
        outer.replace_with(image.extract())


def _players(soup: BeautifulSoup, _base: str) -> None:
    for player in soup.select("[data-youtube-id], [data-video-id], [data-video-src]"):
        inner = player.select_one("a[href]")
        address = _text(inner, "href") if inner else _text(player, "data-video-src")
        clip = _text(player, "data-youtube-id") or _text(player, "data-video-id")
        if not address and clip and _text(player, "data-provider-name") in {"", "youtube"}:
            address = f"https://www.youtube.com/watch?v={clip}"
        label = _text(player, "data-youtube-title") or _text(player, "data-video-title")
        _replace_player(player, address, label)
    for player in soup.find_all(["iframe", "video", "audio"]):
        inner = player.select_one("source, a")
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
    for poll in soup.select("div.poll"):
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


def _wrappers(soup: BeautifulSoup, _base: str) -> None:
    for box in soup.select("div.spoiler, div.spoiled"):
        box.name, box.attrs = "details", {}
        summary = Tag(name="summary")
        summary.string = "Spoiler"
        box.insert(0, summary)
    for name, element in _BBCODE_TAGS.items():
        for span in soup.select(f"span.{name}"):
            span.name, span.attrs = element, {}
    for tag in soup.select("svg, form, .meta svg, .poll-info, .quote-controls"):
        tag.decompose()
    for tag in soup.select(
        "div.md-table, span.spoiler, span.spoiled, span.hashtag, span.hashtag-raw, span.hashtag-icon-placeholder, "
        "span.mention, span.discourse-local-date, a.hashtag span, a.hashtag-cooked span, a.badge-wrapper span"
    ):
        tag.unwrap()
    for anchor in soup.select("h1 a.anchor, h2 a.anchor, h3 a.anchor, h4 a.anchor, h5 a.anchor, h6 a.anchor"):
        anchor.unwrap()


def _addresses(soup: BeautifulSoup, base: str) -> None:
    for link in soup.find_all("a", href=True):
        address = _text(link, "href")
        if address.lower().startswith("upload:"):
            link.unwrap()
        else:
            link["href"] = absolute(address, base)
            del link["class"]
    for image in soup.find_all("img"):
        address = _text(image, "src")
        if not address or address.lower().startswith("upload:"):
            image.replace_with(_text(image, "alt"))
        else:
            image["src"] = absolute(address, base)
            del image["srcset"]


_STEPS: tuple[Step, ...] = (_quotes, _emojis, _lightboxes, _players, _oneboxes, _polls, _wrappers, _addresses)
"""In order: previews hold players and images, so those are plain before the previews are looked at."""
