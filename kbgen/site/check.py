"""Judge a built site before it goes live: its pages one by one, then what must hold between them.

Pages are checked in chunks by a plain function, so that the caller can spread them over processes; the rules
are ``check_report.CHECKS``. Not here: anything that needs a browser or another host.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from lxml import etree

from kbgen.addresses import absolute, file_of, path_of_url
from kbgen.config import Config
from kbgen.errors import NotPublished
from kbgen.model import Library
from kbgen.progress import Progress, Silent
from kbgen.site.check_report import CHECKS, WARNINGS, CheckReport, Finding, make_report
from kbgen.site.check_rules import judge
from kbgen.site.check_view import Chunk, Limits, PageFacts, Resolver, View, frame_scripts
from kbgen.site.live import manifest_digest
from kbgen.site.manifest import MANIFEST, manifest_lines
from kbgen.site.redirects import stub_path
from kbgen.site.sitemap import SITEMAP, is_indexable

__all__ = ["CHECKS", "WARNINGS", "CheckReport", "Chunk", "Finding", "check_pages", "check_site"]

_CHUNK = 200
_SITEMAP_NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_ATOM = "{http://www.w3.org/2005/Atom}"

Mapper = Callable[[Callable[[Chunk], tuple[Finding, ...]], Sequence[Chunk]], Iterable[tuple[Finding, ...]]]


def check_site(
    folder: Path,
    library: Library,
    config: Config,
    *,
    changed: Collection[str] | None = None,
    mapper: Mapper | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check a built site against its library.

    Args:
        folder: the site's files.
        library: what should be in them.
        config: for ``site.url`` and ``site.noindex``.
        changed: paths of the pages whose HTML is read; None for all. Files, sitemap, feeds, redirects and the
            manifest are always checked as a whole.
        mapper: applies a picklable function to every chunk, in order, as ``Executor.map`` does.
        progress: where to report.
    """
    paths = library.pages.keys() if changed is None else changed
    findings = check_page_files(folder, library, config, paths, mapper=mapper, progress=progress)
    return make_report([*findings, *check_whole(folder, library, config)], len(library.pages.keys() & set(paths)))


def check_page_files(
    folder: Path,
    library: Library,
    config: Config,
    paths: Iterable[str],
    *,
    mapper: Mapper | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Check the HTML of some pages; see ``check_site`` for the arguments."""
    wanted = sorted(set(paths) & library.pages.keys())
    limits = Limits(config.site.url, frame_scripts(folder, ("/", "/404.html")), config.site.noindex)
    chunks = [
        Chunk(
            folder=str(folder),
            pages=tuple(PageFacts.of(library.pages[path]) for path in wanted[start : start + _CHUNK]),
            limits=limits,
        )
        for start in range(0, len(wanted), _CHUNK)
    ]
    advance = (progress or Silent()).start("Checking pages", len(wanted))
    findings: list[Finding] = []
    for chunk, found in zip(chunks, (mapper or map)(check_pages, chunks), strict=True):
        findings += found
        advance(len(chunk.pages))
    return findings


def check_whole(
    folder: Path, library: Library, config: Config, files: Callable[[], list[Finding]] | None = None
) -> list[Finding]:
    """Check what must hold between pages, and the files that are about all of them.

    Args:
        folder: the site's files.
        library: what should be in them.
        config: for ``site.url`` and ``site.noindex``.
        files: waits for what ``check_files`` found, where another process was told to look; None looks here.
    """
    checks = (_shared, _sitemap, _feeds, _robots, _redirects)
    found = [finding for check in checks for finding in check(folder, library, config)]
    return [*(files() if files else check_files(folder, tuple(library.pages))), *found]


def check_files(folder: Path, paths: Sequence[str], manifest: str | None = None) -> list[Finding]:
    """Check that every page has its file, and that the manifest lists it; a plain function for other processes.

    Args:
        folder: the site's files.
        paths: of the pages.
        manifest: digest of the one that was just made of these pages: the file has to be that one, and is not looked
            into. None where nobody knows.
    """
    root = os.fspath(folder)
    findings: list[Finding] = []
    for path in paths:
        try:
            if not os.path.isfile(f"{root}/{file_of(path)}"):  # noqa: PTH113 - a hundred thousand times
                findings.append(Finding("file", path, f"the file {file_of(path)} is missing"))
        except NotPublished as error:
            findings.append(Finding("file", path, str(error)))
    found = _manifest(folder, set(paths)) if manifest is None else _same_manifest(folder, manifest)
    return [*findings, *found]


def check_pages(chunk: Chunk) -> tuple[Finding, ...]:
    """Check the HTML of some pages; a plain function for other processes. A missing file is no finding here."""
    folder = Path(chunk.folder)
    resolver = Resolver(folder, chunk.limits.site_url)
    findings: list[Finding] = []
    for facts in chunk.pages:
        try:
            view = View((folder / file_of(facts.path)).read_bytes())
        except OSError:
            continue
        except ValueError as error:
            findings.append(Finding("html", facts.path, f"the file {error}"))
            continue
        findings += judge(view, facts, resolver, chunk.limits)
    return tuple(findings)


def _shared(folder: Path, library: Library, config: Config) -> Iterator[Finding]:
    del folder
    titles: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    for path in sorted(library.pages):
        page = library.pages[path]
        if not is_indexable(page, config.site.url):
            continue
        first = titles.setdefault(page.title.casefold(), path)
        if first != path:
            yield Finding("title-shared", path, f"has the title of {first}: {page.title!r}; give one another")
        first = descriptions.setdefault(page.description.casefold(), path)
        if first != path:
            yield Finding("description-shared", path, f"has the description of {first}; give one another")


def _sitemap(folder: Path, library: Library, config: Config) -> Iterator[Finding]:
    wanted: set[str] = set()
    if not config.site.noindex:
        wanted = {page.canonical for page in library.pages.values() if is_indexable(page, config.site.url)}
    if not wanted and not (folder / SITEMAP).exists():
        return
    listed: list[str] = []
    try:
        locations = _locations(folder / SITEMAP, "sitemap")
        children = [path_of_url(config.site.url, url) or "" for url in locations]
        for file in [file_of(path) for path in children] or [SITEMAP]:
            listed += _locations(folder / file, "url")
    except (OSError, ValueError, NotPublished) as error:
        yield Finding("sitemap", SITEMAP, f"cannot be read: {error}")
        return
    for url in sorted(wanted ^ set(listed)):
        fault = "does not list" if url in wanted else "lists, though it is not to be indexed here,"
        yield Finding("sitemap", SITEMAP, f"{fault} {url}")
    if len(listed) != len(set(listed)):
        yield Finding("sitemap", SITEMAP, "lists a page twice")


def _locations(file: Path, parent: str) -> list[str]:
    root = _xml(file)
    return [loc.text or "" for loc in root.iterfind(f"{_SITEMAP_NAMESPACE}{parent}/{_SITEMAP_NAMESPACE}loc")]


def _xml(file: Path) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        return etree.fromstring(file.read_bytes(), parser)
    except etree.XMLSyntaxError as error:
        msg = f"{file.name} is not well-formed: {error}"
        raise ValueError(msg) from error


def _feeds(folder: Path, library: Library, config: Config) -> Iterator[Finding]:
    named: dict[str, str] = {link.path: page.path for page in library.pages.values() for link in page.feeds}
    named.setdefault("/feed.xml", "/")
    for path in sorted(named):
        try:
            root = _xml(folder / file_of(path))
        except (OSError, ValueError, NotPublished) as error:
            yield Finding("feed", path, f"{named[path]} names this feed, which cannot be read: {error}")
            continue
        if root.tag != f"{_ATOM}feed" or not all(
            root.findtext(f"{_ATOM}{name}") for name in ("id", "title", "updated")
        ):
            yield Finding("feed", path, "is no Atom feed with an id, a title and a date")
        for link in root.iterfind(f"{_ATOM}entry/{_ATOM}link"):
            if path_of_url(config.site.url, link.get("href", "")) not in library.pages:
                yield Finding("feed", path, f"leads to {link.get('href')}, which is not a page of the site")


def _robots(folder: Path, library: Library, config: Config) -> Iterator[Finding]:
    del library
    try:
        text = (folder / "robots.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield Finding("robots", "robots.txt", f"cannot be read: {error}")
        return
    line = f"Sitemap: {absolute(config.site.url, '/' + SITEMAP)}"
    if not config.site.noindex and line not in text.splitlines():
        yield Finding("robots", "robots.txt", f"lacks the line {line!r}")


def _redirects(folder: Path, library: Library, config: Config) -> Iterator[Finding]:
    del config
    for old, target in library.redirects.items():
        if target is not None and target.startswith("/") and target not in library.pages:
            yield Finding("redirect", old, f"leads to {target}, which is not a page")
        try:
            if not (folder / file_of(stub_path(old))).is_file():
                yield Finding("redirect", old, "has no page at the old address")
        except NotPublished as error:
            yield Finding("redirect", old, str(error))


def _same_manifest(folder: Path, digest: str) -> Iterator[Finding]:
    if manifest_digest(folder) != digest:
        yield Finding("manifest", MANIFEST, "is not as it was written; run again, and look for what else writes there")


def _manifest(folder: Path, paths: AbstractSet[str]) -> Iterator[Finding]:
    try:
        listed = manifest_lines((folder / MANIFEST).read_bytes()).kinds
    except (OSError, NotPublished) as error:
        yield Finding("manifest", MANIFEST, f"cannot be read: {error}")
        return
    for path in sorted(listed.keys() ^ paths):
        yield Finding(
            "manifest", path, "is on the site and not in the manifest, or in the manifest and not on the site"
        )
