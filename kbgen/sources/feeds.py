"""RSS, Atom and JSON feeds as a sign of change: what is new or edited since the last pass.

A feed holds the newest few entries only: when what was seen last time is no longer in it, it cannot tell what happened
in between, and the caller goes over its list instead. What is NOT here: content; a feed's texts are excerpts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from urllib.parse import urljoin

import msgspec
from lxml import etree
from msgspec import Struct

from kbgen.errors import SourceError
from kbgen.sources.fields import read_time
from kbgen.sources.http import Client

ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.1"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_KEPT = 200
_Element = etree._Element  # noqa: SLF001 - the only name lxml gives the type


class FeedEntry(Struct, frozen=True):
    """One entry.

    Attributes:
        id: what the feed calls it; not always an address.
        url: absolute; "" when it has none.
        title: plain text.
        at: when it was last written, None when the feed does not say.
        reply_to: the address of what it answers (RFC 4685), "" for none.
    """

    id: str
    url: str
    title: str = ""
    at: datetime | None = None
    tags: tuple[str, ...] = ()
    reply_to: str = ""

    @property
    def key(self) -> str:
        """Changes when the entry is written again."""
        return hashlib.blake2b(f"{self.id}\0{self.at}".encode(), digest_size=8).hexdigest()


class Feed(Struct, frozen=True):
    """A page of a feed, newest entries first as feeds have them.

    Attributes:
        next_url: of the page with older entries, "" when there is none.
    """

    entries: tuple[FeedEntry, ...]
    next_url: str = ""


class Changes(Struct, frozen=True):
    """What happened since a mark.

    Attributes:
        entries: new or edited.
        mark: for the next time.
        gap: there may have been more: go over the whole list.
    """

    entries: tuple[FeedEntry, ...]
    mark: str
    gap: bool


class _Mark(Struct):
    keys: list[str] = []
    newest: datetime | None = None


class _JsonItem(Struct):
    id: str | int = ""
    url: str | None = None
    external_url: str | None = None
    title: str | None = None
    date_published: str | None = None
    date_modified: str | None = None
    tags: list[str] | None = None


class _JsonFeed(Struct):
    version: str
    items: list[_JsonItem] = []
    next_url: str | None = None


def changes_since(client: Client, url: str, mark: str | None, *, pages: int = 5) -> Changes:
    """Read a feed as far back as a mark.

    Args:
        client: the way to the network.
        url: the feed's.
        mark: from the last time; None reads the first page, and is a gap.
        pages: how many pages are read at most.

    Raises:
        SourceError: the feed cannot be read.
    """
    old = _Mark() if mark is None else msgspec.json.decode(mark, type=_Mark)
    known, found = frozenset(old.keys), dict[str, FeedEntry]()
    reached, asked = False, set[str]()
    while url and url not in asked and len(asked) < pages:
        asked.add(url)
        reply = client.get(url, accept=ACCEPT)
        try:
            feed = read_feed(reply.body, reply.url)
        except ValueError as error:
            raise SourceError(f"{url} is not a feed: {error}; mend or remove it from `feed:`") from error
        found.update((entry.key, entry) for entry in feed.entries)
        # The last one, for pinned entries stand first for ever.
        reached = bool(feed.entries) and _is_old(feed.entries[-1], known, old.newest)
        if reached or mark is None:
            break
        url = feed.next_url
    times = [entry.at for entry in found.values() if entry.at] + ([old.newest] if old.newest else [])
    keys = list(dict.fromkeys([*found, *old.keys]))[:_KEPT]
    new = tuple(entry for key, entry in found.items() if key not in known)
    return Changes(new, msgspec.json.encode(_Mark(keys, max(times, default=None))).decode(), gap=not reached)


def _is_old(entry: FeedEntry, known: frozenset[str], newest: datetime | None) -> bool:
    return entry.key in known or bool(entry.at and newest and entry.at < newest)


def read_feed(data: bytes, url: str) -> Feed:
    """Read RSS 2.0, RSS 1.0, Atom or JSON Feed.

    Args:
        data: the feed.
        url: where it was found, for relative addresses.

    Raises:
        ValueError: it is none of them.
    """
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _read_json(data, url)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    root = etree.fromstring(data, parser=parser) if data.strip() else None
    kind = "" if root is None else _name(root)
    if root is None or kind not in {"feed", "rss", "RDF"}:
        raise ValueError(f"it begins with <{kind}>, not with <feed> or <rss>" if kind else "it is not XML")
    base = _base(root, url)
    top = root if kind == "feed" else next((one for one in root if _name(one) == "channel"), root)
    older = [_link(link, base) for link in _all(top, "link") if link.get("rel") == "next"]
    nodes = (
        _all(root, "entry") if kind == "feed" else [*_all(top, "item"), *(_all(root, "item") if kind == "RDF" else ())]
    )
    read = _atom_entry if kind == "feed" else _rss_entry
    return Feed(tuple(read(node, base) for node in nodes), next(iter(older), ""))


def _read_json(data: bytes, url: str) -> Feed:
    try:
        feed = msgspec.json.decode(data.lstrip(b"\xef\xbb\xbf"), type=_JsonFeed, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is not a JSON feed: {error}") from error
    entries = []
    for item in feed.items:
        address = item.url or item.external_url or ""
        at = read_date(item.date_modified) or read_date(item.date_published)
        tags = tuple(item.tags or ())
        entries.append(FeedEntry(str(item.id), urljoin(url, address) if address else "", item.title or "", at, tags))
    return Feed(tuple(entries), urljoin(url, feed.next_url) if feed.next_url else "")


def _atom_entry(node: _Element, base: str) -> FeedEntry:
    base = _base(node, base)
    links = [link for link in _all(node, "link") if link.get("rel", "alternate") == "alternate"]
    title = next(iter(_all(node, "title")), None)
    words = _text(node, "title")
    reply = next(iter(_all(node, "in-reply-to")), None)
    return FeedEntry(
        id=_text(node, "id"),
        url=_link(links[0], base) if links else "",
        # HTML in a title is escaped once more than plain text is.
        title=unescape(words) if title is not None and title.get("type") == "html" else words,
        at=read_date(_text(node, "updated")) or read_date(_text(node, "published")),
        tags=tuple(one.get("term", "") for one in _all(node, "category")),
        reply_to="" if reply is None or not reply.get("href") else urljoin(base, reply.get("href", "")),
    )


def _rss_entry(node: _Element, base: str) -> FeedEntry:
    base = _base(node, base)
    guid = next(iter(_all(node, "guid")), None)
    address = _text(node, "link")
    if not address and guid is not None and guid.get("isPermaLink", "true") == "true":
        address = (guid.text or "").strip()
    return FeedEntry(
        id=_text(node, "guid") or address,
        url=urljoin(base, address) if address else "",
        title=_text(node, "title"),
        at=read_date(_text(node, "updated")) or read_date(_text(node, "pubDate")) or read_date(_text(node, "date")),
        tags=tuple((one.text or "").strip() for one in _all(node, "category")),
    )


def read_date(value: str | None) -> datetime | None:
    """Read a date as feeds and pages write it: ISO 8601, or RFC 822 with any zone; None when it is neither."""
    value = (value or "").strip()
    try:
        return read_time(value)
    except ValueError:
        pass
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _name(node: _Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _all(node: _Element, name: str) -> Sequence[_Element]:
    return [child for child in node if _name(child) == name]


def _text(node: _Element, name: str) -> str:
    return next((words for words in _texts(node, name) if words), "")


def _texts(node: _Element, name: str) -> Iterator[str]:
    for child in _all(node, name):
        yield " ".join("".join(str(text) for text in child.itertext()).split())


def _base(node: _Element, base: str) -> str:
    return urljoin(base, node.get(_BASE, ""))


def _link(link: _Element, base: str) -> str:
    return urljoin(_base(link, base), (link.get("href") or link.text or "").strip())
