"""A built page as the checks see it, and where its links lead on disk. No rules here.

The parser is lxml's, which is not a browser's: good enough to judge pages kbgen itself wrote, and fast.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from lxml import etree
from msgspec import Struct

from kbgen.addresses import absolute, file_of, path_of_url
from kbgen.errors import NotPublished
from kbgen.model import Page, PageKind
from kbgen.site.check_report import Finding

_ELEMENTS = (
    *("html", "title", "meta", "base", "link", "style", "h1", "a", "area", "script", "img", "source", "video"),
    *("audio", "track", "iframe", "frame", "embed", "object", "input", "form", "bdi"),
)
_PARSER = etree.HTMLParser(encoding="utf-8", huge_tree=True, collect_ids=False)
_IDS = etree.XPath("//@id | //a/@name", smart_strings=False)
_ON = etree.XPath("//@*[starts-with(name(), 'on')]/..", smart_strings=False)
_STYLED = etree.XPath("//@style", smart_strings=False)
# The frame's own scripts differ from page to page in the way to the site's root only.
_ROOT_OF_SITE = re.compile(r'new URL\("[^"]*",\s*location\)')
# Nearly all links are one of these two; the rest go the whole way of the URL standard.
_PLAIN_RELATIVE = re.compile(r"((?:\.\./)*)([\w%~-][\w%~./-]*|)", re.ASCII)
_PLAIN_WEB = re.compile(r"(https?)://([a-z0-9.-]+)(?:[/?#][!-~]*)?", re.ASCII)
_ON_SIGN = re.compile(rb"on[a-z]+\s*=")
_BEFORE_NAME = frozenset(b" \t\n\r\f\"'/")
_RUNS = frozenset({"", "text/javascript", "application/javascript", "module", "importmap", "speculationrules"})


class PageFacts(Struct, frozen=True):
    """What a page's HTML is measured against; small, because it goes to other processes."""

    path: str
    kind: PageKind
    canonical: str
    noindex: bool
    written: bool
    threads: int
    deferring: bool

    @classmethod
    def of(cls, page: Page) -> PageFacts:
        """The facts of a page."""
        deferring = page.canonical_rule in {"source", "one-thread"}
        written = page.shell == "engine"
        return cls(page.path, page.kind, page.canonical, page.noindex, written, len(page.refs), deferring)


class Limits(Struct, frozen=True):
    """What holds for every page of a site.

    Attributes:
        frame_scripts: digests of the inline scripts every page of the frame has.
        noindex: the whole site is kept out of search engines.
    """

    site_url: str
    frame_scripts: frozenset[str] = frozenset()
    noindex: bool = False


class Chunk(Struct, frozen=True):
    """Some pages on disk to check, with all a worker needs."""

    folder: str
    pages: tuple[PageFacts, ...]
    limits: Limits


class View:
    """One parsed page.

    Args:
        data: the file's bytes, or a document of the page's own part.
        frame: the rest of the page, which it shares with others and which is judged by itself.
        size: bytes of the whole page; None for those of ``data``.
        places: what a fragment can lead to besides, in harvested texts that are not in ``data``.

    Raises:
        ValueError: there is no element in it.
    """

    def __init__(
        self,
        data: bytes,
        frame: View | None = None,
        size: int | None = None,
        places: frozenset[str] = frozenset(),
    ) -> None:
        self.size = len(data) if size is None else size
        self._places = places
        self._frame = frame
        # What is not in the bytes need not be looked for in the tree.
        lower = data.lower()
        self._may_handle = any(lower[sign.start() - 1] in _BEFORE_NAME for sign in _ON_SIGN.finditer(lower))
        self._may_style = b"style" in lower
        root = etree.fromstring(data, _PARSER) if data.strip() else None
        if root is None:
            raise ValueError("holds no HTML")
        self.root = root
        by_tag: defaultdict[str, list[etree._Element]] = defaultdict(list)
        for element in root.iter(*_ELEMENTS):
            by_tag[element.tag].append(element)
        self._by_tag: Mapping[str, list[etree._Element]] = by_tag

    def all(self, tag: str) -> list[etree._Element]:
        """The elements of a name in the whole page, the frame's first; of ``_ELEMENTS`` only."""
        own = self.own(tag)
        return own if self._frame is None else self._frame.all(tag) + own

    def own(self, tag: str) -> list[etree._Element]:
        """The elements of a name that are the page's own, in document order; of ``_ELEMENTS`` only."""
        return self._by_tag.get(tag) or []

    def titles(self) -> list[str]:
        """The titles of the page; those of pictures (``svg``) are none."""
        own = [text for title in self.root.iterfind("head/title") if (text := (title.text or "").strip())]
        return own if self._frame is None else self._frame.titles() + own

    def meta(self, name: str) -> list[str]:
        """Contents of the meta tags of a name."""
        own = self._metas.get(name, [])
        return own if self._frame is None else self._frame.meta(name) + own

    @cached_property
    def _metas(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for meta in self.own("meta"):
            found.setdefault(meta.get("name", "").lower(), []).append(meta.get("content", ""))
        return found

    def rel(self, rel: str) -> list[etree._Element]:
        """The link elements of a relation."""
        return [link for link in self.all("link") if rel in link.get("rel", "").lower().split()]

    @cached_property
    def ids(self) -> frozenset[str]:
        """All places a fragment can lead to."""
        own = self._places.union(_strings(_IDS(self.root)))
        return own if self._frame is None else own | self._frame.ids

    def handlers(self) -> list[str]:
        """Event handler attributes, as ``img onerror``."""
        elements: Any = _ON(self.root) if self._may_handle else ()
        return [f"{element.tag} {name}" for element in elements for name in element.attrib if name.startswith("on")]

    def styles(self) -> list[str]:
        """Style sheets and style attributes written into the page."""
        if not self._may_style:
            return []
        return [element.text or "" for element in self.own("style")] + _strings(_STYLED(self.root))

    def text(self) -> str:
        """The visible text, white space collapsed."""
        body = self.root.find("body")
        skipped = {"script", "style", "template"}
        parts = [] if body is None else [element for element in body.iter() if element.tag not in skipped]
        words = [text for element in parts for text in (element.text, element.tail) if text]
        return " ".join(" ".join(words).split())


def _strings(found: Any) -> list[str]:
    return [str(item) for item in found]


def inline_scripts(view: View) -> dict[str, str]:
    """Scripts that are written into the page and run: digest to their beginning, for messages."""
    found: dict[str, str] = {}
    for script in view.own("script"):
        if script.get("src") is None and script.get("type", "").strip().lower() in _RUNS:
            text = _ROOT_OF_SITE.sub("new URL(.,location)", script.text or "").strip()
            found[hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()] = text[:60]
    return found


class Target(Struct, frozen=True):
    """Where a link leads.

    Attributes:
        scheme: lower case, "" inside the site.
        host: of another site, "" inside this one or without a host.
        path: decoded site path, "" outside the site.
    """

    scheme: str = ""
    host: str = ""
    path: str = ""
    fragment: str = ""


class Resolver:
    """Resolves links and looks for their targets on disk; remembers both, for the pages of one chunk.

    Args:
        folder: the site's files.
        site_url: ``site.url`` of the configuration.
    """

    def __init__(self, folder: Path, site_url: str) -> None:
        self._folder = folder
        self._root = os.fspath(folder)
        self._site_url = site_url
        self._host = urlsplit(site_url).netloc.lower()
        self._targets: dict[tuple[str, str], Target] = {}
        self._files: dict[str, bool] = {}
        self._ids: dict[str, frozenset[str]] = {}

    def elsewhere(self, href: str) -> bool:
        """Whether a link plainly leads to a page of another site, of which nothing can be said here."""
        web = _PLAIN_WEB.fullmatch(href)
        return web is not None and web[2] != self._host

    def target(self, page: str, href: str) -> Target:
        """Where a link on a page leads.

        Args:
            page: site path of the page.
            href: as it stands in the page.
        """
        if href.startswith("#"):
            return Target(path=page, fragment=unquote(href[1:]))
        # Pages of one folder share most links: those to the folder above, and those that need no page.
        place = page.rpartition("/")[0]
        if href.startswith("../"):
            place = place.rpartition("/")[0] + "/.."
        elif href[:1] == "/" or "://" in href[:10]:
            place = "/"
        key = (place, href)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = self._resolve(page, href)
        return found

    def _resolve(self, page: str, href: str) -> Target:
        web = _PLAIN_WEB.fullmatch(href)
        if web is not None and web[2] != self._host:
            return Target(scheme=web[1], host=web[2])
        plain = _PLAIN_RELATIVE.fullmatch(href)
        if plain is not None and "/." not in plain[2] and "//" not in plain[2]:
            folders = page.split("/")[:-1]
            up = len(plain[1]) // 3
            # Above the site's root a link leads to the rest of the host, or to its root again.
            if up < len(folders):
                return Target(path=unquote("/".join([*folders[: len(folders) - up], plain[2]])))
        return self._resolve_any(page, href)

    def _resolve_any(self, page: str, href: str) -> Target:
        # Browsers drop these characters before they read the scheme (WHATWG URL, section 4.4).
        clean = re.sub(r"[\t\n\r]+", "", href).strip("".join(map(chr, range(33))))
        try:
            parts = urlsplit(urljoin(absolute(self._site_url, page), clean))
        except ValueError:
            return Target(scheme=clean.partition(":")[0].lower() if ":" in clean else "")
        path = path_of_url(self._site_url, parts.geturl())
        if path is not None:
            return Target(path=path, fragment=unquote(parts.fragment))
        host = "" if parts.netloc.lower() == self._host else parts.netloc.lower()
        return Target(scheme=parts.scheme.lower(), host=host)

    def asked(self, target: Target, *, by_user: bool = False) -> bool:
        """Whether the same question was put already and a second answer would say nothing new."""
        del by_user
        return not target.fragment and self._files.get(target.path, False)

    def lacks(self, target: Target, finding: Finding) -> bool:
        """Whether the site is known to lack a page, or the place on it that the target's fragment names.

        Args:
            target: a path of the site.
            finding: what is to be said when it does.
        """
        del finding
        if not target.fragment:
            return not self.exists(target.path)
        places = self.ids(target.path)
        return places is not None and target.fragment not in places

    def exists(self, path: str) -> bool:
        """Whether a host would serve something at the path."""
        found = self._files.get(path)
        if found is None:
            found = self._files[path] = self._look(path)
        return found

    def _look(self, path: str) -> bool:
        try:
            name = file_of(path)
        except NotPublished:
            return False
        file = f"{self._root}/{name}"
        isfile = os.path.isfile
        return isfile(file) or (not path.endswith("/") and isfile(f"{file}/index.html"))

    def ids(self, path: str) -> frozenset[str] | None:
        """The places of a page of the site; None when it is no HTML page."""
        if path not in self._ids:
            view = self._read(path)
            if view is None:
                return None
            self._ids[path] = view.ids
        return self._ids[path]

    def _read(self, path: str) -> View | None:
        name = file_of(path if path.endswith(("/", ".html")) else f"{path}/")
        try:
            return View((self._folder / name).read_bytes())
        except (OSError, ValueError):
            return None


def frame_scripts(folder: Path, paths: Iterable[str]) -> frozenset[str]:
    """Digests of the inline scripts that all of these pages have; pages that are missing do not count."""
    shared: frozenset[str] | None = None
    for path in paths:
        try:
            view = View((folder / file_of(path)).read_bytes())
        except (OSError, ValueError):
            continue
        scripts = frozenset(inline_scripts(view))
        shared = scripts if shared is None else shared & scripts
    return shared or frozenset()
