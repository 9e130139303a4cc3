"""Which pages a site says it has: its sitemaps, found by robots.txt or at their usual places.

Rule: sitemaps.org/protocol.html. What is NOT here: which of the pages are threads.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from lxml import etree
from msgspec import Struct

from kbgen.errors import SourceError
from kbgen.sources.feeds import read_feed
from kbgen.sources.http import Client

_GZIP = b"\x1f\x8b"
# The protocol's own limit is 50 MB; a small file that unpacks to more than this is an attack or a mistake.
_UNPACKED = 200 * 2**20
_DEPTH, _FILES = 3, 5_000
_USUAL = ("/sitemap.xml", "/sitemap_index.xml")
_MISSING = (401, 403, 404, 410)
_ACCEPT = "application/xml, text/xml, application/gzip, text/plain;q=0.5, */*;q=0.1"
_NOISE = re.compile(r"^(?:utm_.*|gclid|fbclid|mc_[ce]id|ref_src|phpsessid|jsessionid|sid)$", re.IGNORECASE)


class Listed(Struct, frozen=True):
    """A page.

    Attributes:
        url: without fragment and without what only counts visitors.
        changed: when the site says it changed, as written; often only when the sitemap was made.
    """

    url: str
    changed: str = ""


class _Site(Struct):
    client: Client
    url: str
    language: str | None
    files: int = 0


def clean_url(url: str) -> str:
    """An address without its fragment and without parameters that only count visitors; "" for what is none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    query = parts.query
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [pair for pair in pairs if not _NOISE.match(pair[0])]
    if len(kept) != len(pairs):
        query = urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", query, ""))


def joined(url: str, link: str) -> str:
    """The address a link on a page leads to, "" where it is written wrongly."""
    try:
        return urljoin(url, link.strip())
    except ValueError:
        return ""


def same_site(url: str, site: str) -> bool:
    """Whether an address is on a site's host, whatever its scheme."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == urlsplit(site).netloc.lower()


def list_pages(client: Client, url: str, sitemaps: Sequence[str], language: str | None) -> Iterator[Listed]:
    """Read all sitemaps of a site.

    Args:
        client: the way to the network.
        url: of the site.
        sitemaps: their addresses; none: those robots.txt names, else the usual places.
        language: only pages in it, where the sitemap says which language a page is in.

    Raises:
        SourceError: no sitemap was found, or one of them cannot be read.
    """
    site = _Site(client, url, language)
    named = sitemaps or _named(client, url)
    found = False
    for address in named or [url + path for path in _USUAL]:
        reply = client.get(address, accept=_ACCEPT, handled=() if named else _MISSING)
        if reply.status not in _MISSING:
            found = True
            site.files += 1
            yield from _read(site, unpacked(reply.body, address), reply.url, 0)
            if not named:
                return
    if not found:
        problem = "robots.txt names no sitemap, and there is none at " + " or ".join(url + path for path in _USUAL)
        raise SourceError(f"{problem}; name it as `sitemaps: [ADDRESS]`")


def _named(client: Client, url: str) -> list[str]:
    parts = urlsplit(url)
    reply = client.get(f"{parts.scheme}://{parts.netloc}/robots.txt", accept="text/plain, */*;q=0.1", handled=_MISSING)
    text = "" if reply.status in _MISSING else reply.text()
    lines = re.findall(r"(?im)^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", "" if text.lstrip().startswith("<") else text)
    return [line for line in dict.fromkeys(lines) if same_site(line, url)]


def unpacked(data: bytes, address: str) -> bytes:
    """The content of a sitemap, which may be gzip whatever its name is.

    Raises:
        SourceError: it unpacks to too much, or is damaged.
    """
    if not data.startswith(_GZIP):
        return data
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(data, _UNPACKED)
    except zlib.error as error:
        raise SourceError(f"{address} is damaged: {error}; ask the site's owner") from error
    if unpacker.unconsumed_tail:
        raise SourceError(f"{address} unpacks to more than {_UNPACKED // 2**20} MB; leave it out of `sitemaps:`")
    return plain


def _read(site: _Site, data: bytes, address: str, depth: int) -> Iterator[Listed]:
    """Pages of one file, and of the files an index names."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(b"<"):
        lines = text.decode("utf-8", "replace").split()
        if not any(line.startswith(("http://", "https://")) for line in lines):
            raise SourceError(f"{address} is not a sitemap (it names no address); name the right one in `sitemaps:`")
        yield from (Listed(clean_url(line)) for line in lines if same_site(line, site.url))
        return
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=True)
    root = etree.fromstring(text, parser=parser)
    kind = "" if root is None else etree.QName(root).localname
    if kind in {"rss", "feed", "RDF"}:
        entries = read_feed(text, address).entries
        yield from (
            Listed(clean_url(one.url), one.at.isoformat() if one.at else "")
            for one in entries
            if same_site(one.url, site.url)
        )
    elif kind == "urlset":
        for node in root.iterchildren("{*}url"):
            page = _page(node, site.language)
            if page is not None and same_site(page.url, site.url):
                yield page
    elif kind == "sitemapindex":
        yield from _indexed(site, root, depth)
    else:
        raise SourceError(f"{address} is not a sitemap (it begins with <{kind}>); name the right one in `sitemaps:`")


def _indexed(site: _Site, root: etree._Element, depth: int) -> Iterator[Listed]:
    for node in root.iterchildren("{*}sitemap"):
        inner = _child(node, "loc")
        if not same_site(inner, site.url):
            continue
        if depth >= _DEPTH or site.files >= _FILES:
            problem = f"the sitemaps are nested deeper than {_DEPTH} or more than {_FILES} files"
            raise SourceError(f"{problem}; name those with the threads in `sitemaps:`")
        site.files += 1
        reply = site.client.get(inner, accept=_ACCEPT, handled=(404, 410))
        # An index often still names a part that has become empty.
        if reply.status not in {404, 410}:
            yield from _read(site, unpacked(reply.body, inner), reply.url, depth + 1)


def _page(node: etree._Element, language: str | None) -> Listed | None:
    address = _child(node, "loc")
    others = {
        (link.get("hreflang") or "").lower(): (link.get("href") or "").strip() for link in node.iterchildren("{*}link")
    }
    wanted = others.get((language or "").lower())
    if language and wanted and wanted != address:
        return None
    if not address or (language and not wanted and address in others.values()):
        return None
    return Listed(clean_url(address), _child(node, "lastmod"))


def _child(node: etree._Element, name: str) -> str:
    found = next(node.iterchildren(f"{{*}}{name}"), None)
    return "" if found is None else " ".join("".join(str(text) for text in found.itertext()).split())
