"""``kb-manifest.jsonl``: what is published, one line a page and one a redirect.

It travels with the site, so a machine that lost its store still knows every permalink. The keys are a
contract with programs outside this repository. Not here: digests of assets and of anything that is no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

from kbgen.addresses import absolute, encode, path_of_url
from kbgen.config import Config
from kbgen.errors import NotPublished
from kbgen.model import Library, Page, PageKind, Ref
from kbgen.site.sitemap import is_indexable

MANIFEST = "kb-manifest.jsonl"


class ManifestPage(Struct, frozen=True):
    """One published page.

    Attributes:
        digest: of the file's bytes, "" when unknown.
    """

    url: str
    path: str
    kind: PageKind
    refs: tuple[Ref, ...] = ()
    canonical: str = ""
    in_sitemap: bool = False
    topics: tuple[str, ...] = ()
    lang: str = ""
    updated: datetime | None = None
    digest: str = ""


class ManifestRedirect(Struct, frozen=True):
    """One published redirect; ``to`` None means gone."""

    url: str
    kind: Literal["redirect"]
    to: str | None = None


class Manifest(Struct, frozen=True):
    """A published site, by path.

    Attributes:
        redirects: old path to new path, to a URL elsewhere, or to None when gone.
    """

    pages: dict[str, ManifestPage] = {}
    redirects: dict[str, str | None] = {}


class _Kind(Struct, gc=False):
    kind: PageKind | Literal["redirect"]
    path: str = ""


def target_url(site_url: str, target: str) -> str:
    """The absolute URL of a redirect's target, which is a site path or a URL elsewhere."""
    return absolute(site_url, target) if target.startswith("/") else target


def make_manifest(
    library: Library, config: Config, digests: Mapping[str, str], standing: Mapping[str, bytes] | None = None
) -> ManifestLines:
    """The manifest of a library: pages by path, then redirects by path.

    Args:
        library: what is on the site.
        config: for ``site.url``.
        digests: path to the digest of the page's file.
        standing: lines of the last manifest that are as they were, by path.
    """
    site_url = config.site.url
    encode, known = msgspec.json.Encoder().encode, standing or {}
    pages = {
        path: known.get(path) or encode(_manifest_page(library.pages[path], site_url, digests))
        for path in sorted(library.pages)
    }
    redirects = [
        encode(ManifestRedirect(absolute(site_url, path), "redirect", to and target_url(site_url, to)))
        for path, to in sorted(library.redirects.items())
    ]
    return ManifestLines([*pages.values(), *redirects], {path: library.pages[path].kind for path in pages}, pages)


def _manifest_page(page: Page, site_url: str, digests: Mapping[str, str]) -> ManifestPage:
    return ManifestPage(
        absolute(site_url, page.path),
        page.path,
        page.kind,
        page.refs,
        page.canonical,
        is_indexable(page, site_url),
        page.topics,
        page.lang,
        # As sitemap and feeds write it: in UTC and to the second.
        page.updated.astimezone(UTC).replace(microsecond=0) if page.updated else None,
        digests.get(page.path, ""),
    )


def read_manifest(text: str | bytes) -> Manifest:
    """Read a manifest; keys it does not know are ignored, missing ones have their defaults.

    Raises:
        NotPublished: a line is no page and no redirect. Permalinks would be lost, so it is not passed over.
    """
    data = text.encode() if isinstance(text, str) else text
    return _read(enumerate(data.split(b"\n"), start=1))


def _read(lines: Iterable[tuple[int, bytes]], base: str | None = None) -> Manifest:
    """What some numbered lines say; the site's address is that of its pages, or ``base``."""
    pages: dict[str, ManifestPage] = {}
    redirects: list[ManifestRedirect] = []
    page_of = msgspec.json.Decoder(ManifestPage)
    for number, line in lines:
        if not line.strip():
            continue
        try:
            page = page_of.decode(line)
            pages[page.path] = page
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            redirects.append(_redirect(line, number, error))
    base = base or _base(pages.values())
    return Manifest(pages, {_path(base, row.url): row.to and _path(base, row.to) for row in redirects})


def _redirect(line: bytes, number: int, error: Exception) -> ManifestRedirect:
    """A line that is no page, for the reason ``error``."""
    try:
        return msgspec.json.decode(line, type=ManifestRedirect)
    except (msgspec.DecodeError, UnicodeDecodeError) as other:
        is_redirect = b'"redirect"' in line
        raise _unreadable(number, other if is_redirect else error) from other


def digest_of(line: bytes) -> str:
    """The digest that a page's line of a manifest gives of its file."""
    return msgspec.json.decode(line, type=ManifestPage).digest


class ManifestLines:
    """A manifest by its lines: of a hundred thousand, few are looked into on a usual night.

    Args:
        lines: all of them; none for a site that is not there.
        kinds: path to kind of its pages.
        pages: path to line.
    """

    def __init__(
        self,
        lines: Sequence[bytes] = (),
        kinds: Mapping[str, PageKind] = MappingProxyType({}),
        pages: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self._lines = lines
        self.kinds = kinds
        self.pages = pages

    def data(self) -> bytes:
        """The file."""
        return b"\n".join([*self._lines, b""])

    def whole(self) -> Manifest:
        """All that the lines say."""
        return _read(enumerate(self._lines, start=1))

    def apart(self, other: ManifestLines) -> Manifest:
        """What the lines say that the other does not have."""
        theirs = frozenset(other._lines)
        # Redirects are told by their URLs, and the site's own by any page.
        base = _base([msgspec.json.decode(page, type=ManifestPage) for page in [*self.pages.values()][:1]])
        return _read(((at, line) for at, line in enumerate(self._lines, start=1) if line not in theirs), base)

    def unlike(self, other: ManifestLines) -> dict[str, bytes]:
        """Path to line of the pages whose lines the other does not have."""
        return {path: line for path, line in self.pages.items() if line != other.pages.get(path)}


def manifest_lines(data: bytes) -> ManifestLines:
    """The lines of a file.

    Raises:
        NotPublished: one of them is no page and no redirect.
    """
    lines = data.removesuffix(b"\n").split(b"\n")
    rows = _kinds(data)
    told = zip(rows, filter(bytes.strip, lines), strict=True)
    kinds = {row.path: row.kind for row in rows if row.kind != "redirect"}
    return ManifestLines(lines, kinds, {row.path: line for row, line in told if row.kind != "redirect"})


def _kinds(data: bytes) -> list[_Kind]:
    decoder = msgspec.json.Decoder(_Kind)
    try:
        return decoder.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # One by one takes three times as long, and tells which it was.
        lines = enumerate(data.split(b"\n"), start=1)
        return [_kind(decoder, number, line) for number, line in lines if line.strip()]


def _kind(decoder: msgspec.json.Decoder[_Kind], number: int, line: bytes) -> _Kind:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(number, error) from error


def _unreadable(number: int, error: Exception) -> NotPublished:
    return NotPublished(
        f"{MANIFEST}:{number}: not a page and not a redirect: {error}; "
        "put back the file of the last published site, because it keeps every address alive"
    )


def _base(pages: Iterable[ManifestPage]) -> str | None:
    # Redirects have no path of their own: the site's URL is what is left of a page's URL without its path.
    for page in pages:
        encoded = encode(page.path)
        if page.url.endswith(encoded):
            return page.url[: len(page.url) - len(encoded)] + "/"
    return None


def _path(base: str | None, url: str) -> str:
    if base is None:
        origin = "/".join(url.split("/", 3)[:3]) + "/"
        return path_of_url(origin, url) or url
    return path_of_url(base, url) or url


def permalinks(manifest: Manifest) -> dict[Ref, str]:
    """The path of every lead thread and article, for a machine without a store.

    Only a page's first ref counts: a thread merged into it has no page of its own, and would claim the
    page's path if a later run split it off.
    """
    found: dict[Ref, str] = {}
    for path in sorted(manifest.pages):
        page = manifest.pages[path]
        if page.kind in {"entry", "article"} and page.refs:
            found.setdefault(page.refs[0], path)
    return found
