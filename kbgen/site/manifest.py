"""``kb-manifest.jsonl``: what is published, one line a page and one a redirect.

It travels with the site, so a machine that lost its store still knows every permalink. The keys are a
contract with programs outside this repository. Not here: digests of assets and of anything that is no page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
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


class _Kind(Struct):
    kind: PageKind | Literal["redirect"]
    path: str = ""


def target_url(site_url: str, target: str) -> str:
    """The absolute URL of a redirect's target, which is a site path or a URL elsewhere."""
    return absolute(site_url, target) if target.startswith("/") else target


def write_manifest(library: Library, config: Config, digests: Mapping[str, str]) -> bytes:
    """The manifest of a library: pages by path, then redirects by path.

    Args:
        library: what is on the site.
        config: for ``site.url``.
        digests: path to the digest of the page's file.
    """
    site_url = config.site.url
    pages = [_manifest_page(library.pages[path], site_url, digests) for path in sorted(library.pages)]
    redirects = [
        ManifestRedirect(absolute(site_url, path), "redirect", to and target_url(site_url, to))
        for path, to in sorted(library.redirects.items())
    ]
    encoder = msgspec.json.Encoder()
    return encoder.encode_lines(pages) + encoder.encode_lines(redirects)


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
    pages: dict[str, ManifestPage] = {}
    redirects: list[ManifestRedirect] = []
    page_of = msgspec.json.Decoder(ManifestPage)
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            page = page_of.decode(line)
            pages[page.path] = page
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            redirects.append(_redirect(line, number, error))
    base = _base(pages)
    return Manifest(pages, {_path(base, row.url): row.to and _path(base, row.to) for row in redirects})


def _redirect(line: bytes, number: int, error: Exception) -> ManifestRedirect:
    """A line that is no page, for the reason ``error``."""
    try:
        return msgspec.json.decode(line, type=ManifestRedirect)
    except (msgspec.DecodeError, UnicodeDecodeError) as other:
        is_redirect = b'"redirect"' in line
        raise _unreadable(number, other if is_redirect else error) from other


def page_kinds(data: bytes) -> dict[str, str]:
    """Path to kind of the pages of a manifest, in a third of the time that all it says takes.

    Raises:
        NotPublished: a line cannot be read.
    """
    kinds: dict[str, str] = {}
    decode = msgspec.json.Decoder(_Kind).decode
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _unreadable(number, error) from error
        if row.kind != "redirect":
            kinds[row.path] = row.kind
    return kinds


def _unreadable(number: int, error: Exception) -> NotPublished:
    return NotPublished(
        f"{MANIFEST}:{number}: not a page and not a redirect: {error}; "
        "put back the file of the last published site, because it keeps every address alive"
    )


def _base(pages: Mapping[str, ManifestPage]) -> str | None:
    # Redirects have no path of their own: the site's URL is what is left of a page's URL without its path.
    for page in pages.values():
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
