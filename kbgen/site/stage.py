"""The two last stages: ``render`` makes a staging site beside the live one, ``publish`` judges it and switches.

Staging starts as a hard-linked copy of the live site when the store still knows what that was made from; only what
moved is written. Not here: what the pages are (compile) and how one looks (render, theme).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from kbgen.addresses import file_of
from kbgen.config import Config
from kbgen.errors import ChecksFailed, NotPublished
from kbgen.executor import Begin, Workers
from kbgen.model import Library, Page, Slug, SourceInfo, StageReport, Topic
from kbgen.progress import Progress
from kbgen.site.beside import Beside, Row, working_beside
from kbgen.site.check import check_files, check_whole
from kbgen.site.check_poured import answer
from kbgen.site.check_report import CheckReport, Finding, make_report
from kbgen.site.crawlers import llms_txt, robots_txt
from kbgen.site.engine import Frames
from kbgen.site.feeds import feeds
from kbgen.site.files import remove_files, saying_what_to_do
from kbgen.site.frame_input import DEPTHS
from kbgen.site.live import LIVE, identity_with, manifest_digest
from kbgen.site.manifest import (
    MANIFEST,
    Manifest,
    ManifestLines,
    make_manifest,
    manifest_lines,
    read_manifest,
    target_url,
)
from kbgen.site.pictures import files_of
from kbgen.site.pour import Pouring, PourJob, page_keys
from kbgen.site.publish import Moved, guard, recover, staging_of, switch, write_file
from kbgen.site.redirects import gone_html, redirect_files, stub_html, stub_path
from kbgen.site.render import Renderer
from kbgen.site.sitemap import sitemaps
from kbgen.site.written import worded
from kbgen.store import Store

_STAGED = "staged.msgpack"
# Pages that workers are given together, when so many are found that have changed.
_AT_ONCE = 500
# Warnings that are shown without being counted, and those that are noted in a report.
_FEW, _NOTED = 5, 20
MEDIA = "media"
"""Folder of mirrored images in the cache."""


@dataclass(frozen=True)
class SiteJob:
    """What render and publish work on.

    Attributes:
        project: the project folder.
        cache: kbgen's own folder (``.kbgen``).
        site_dir: where the site goes.
        before: the manifest of the live site.
        beside: what a process of its own does; None makes one when it is needed.
    """

    config: Config
    library: Library
    topics: Mapping[Slug, Topic]
    sources: Mapping[str, SourceInfo]
    frames: Frames
    store: Store
    project: Path
    cache: Path
    site_dir: Path
    before: ManifestLines
    beside: Beside | None = None


class Staged(msgspec.Struct, frozen=True):
    """What a staging site was made from, kept until it is published.

    Attributes:
        rows: file to (key, digest of its bytes).
        changed: paths of the pages that were poured; ``findings`` are what is wrong with them.
        moved: how it differs from the live site; None when it was not built upon that.
    """

    site_dir: str
    rows: dict[str, Row]
    changed: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    moved: Moved | None = None


class Rendered(NamedTuple):
    """A staging site as it was just made.

    Attributes:
        manifest: its own.
        files: waits for what ``check_files`` found in it.
    """

    report: StageReport
    staged: Staged
    manifest: ManifestLines
    files: Callable[[], list[Finding]]


class Published(NamedTuple):
    """What a publication came to.

    Attributes:
        was: what only the manifest of the replaced site says.
        now: path to line of the pages whose lines only that of the new site has.
    """

    report: StageReport
    was: Manifest
    now: dict[str, bytes]


def published(site_dir: Path) -> Manifest | None:
    """The manifest of the live site, None when there is none.

    Raises:
        NotPublished: there is one and it cannot be read.
    """
    data = _live_manifest(site_dir)
    return None if data is None else read_manifest(data)


def published_lines(site_dir: Path) -> ManifestLines:
    """The same by its lines; none when there is no live site.

    Raises:
        NotPublished: its manifest cannot be read.
    """
    return manifest_lines(_live_manifest(site_dir) or b"")


def _live_manifest(site_dir: Path) -> bytes | None:
    recover(site_dir)
    file = site_dir / MANIFEST
    return file.read_bytes() if file.is_file() else None


def render(job: SiteJob, workers: Workers, progress: Progress, *, clean: bool = False) -> Rendered:
    """Make the staging site.

    Args:
        job: what to render.
        workers: where pages are poured.
        progress: where to report.
        clean: ignore what the live site was made from and write every file anew.

    Raises:
        NotPublished: a file could not be written.
        EngineError: a shell lacks a slot.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        beside = job.beside
        if beside is None:
            beside = stack.enter_context(working_beside(workers, job.store.path, job.site_dir, clean=clean))
            beside.count()
        copied = beside.copied
        live = copied or {}
        if not beside.indexing:
            beside.index(job.frames.main, job.library.cards, job.library.tags, job.topics)
        made, manifest = _make(job, live, workers, beside, progress=progress)
    gone = live.keys() - made.rows.keys()
    staging = staging_of(job.site_dir)
    remove_files(staging, gone)
    files = _look(job, _key(made.rows, MANIFEST))
    fresh = [file for file, row in made.rows.items() if live.get(file) != row]
    # The manifest is written whether it moved or not.
    moved = Moved(tuple({*fresh, MANIFEST}), tuple(gone)) if copied else None
    content = msgspec.structs.replace(made, moved=moved)
    _remember(job, content)
    report = StageReport(
        stage="render",
        read=len(job.library.pages),
        written=len(fresh),
        unchanged=len(made.rows) - len(fresh),
        removed=len(gone),
        notes=(f"{len(made.changed)} of {len(job.library.pages)} pages poured",),
        seconds=time.monotonic() - started,
    )
    return Rendered(report, content, manifest, files)


def _look(job: SiteJob, manifest: str | None) -> Callable[[], list[Finding]]:
    """Begin to look whether the staging site has a file for every page, beside what this process does."""
    begin: Begin = job.beside.begin if job.beside else partial
    return begin(check_files, staging_of(job.site_dir), tuple(job.library.pages), manifest)


def _make(
    job: SiteJob, live: Mapping[str, Row], workers: Workers, beside: Beside, *, progress: Progress
) -> tuple[Staged, ManifestLines]:
    """Write into the staging folder whatever is not there as it should be."""
    staging = staging_of(job.site_dir)
    pour_job = PourJob(job.config, job.frames, job.topics, job.sources, job.store.path, staging)
    renderer = pour_job.renderer()
    advance = progress.start("Pouring pages", len(job.library.pages))
    pouring = Pouring(pour_job, workers, advance)
    pages, done = _pour(job, renderer, live, pouring)
    advance(len(done))
    others = _write_images(job, staging, live)
    others |= _write_others(job, renderer, live, {file for file, _ in pages.values()} | others.keys(), progress)
    parts = list(pouring.results())
    digests = {path: digest for part in parts for path, digest in part.digests.items()}
    findings = [finding for part in parts for finding in part.findings]
    questions = [question for part in parts for question in part.questions]
    findings += answer(questions, job.library.pages, staging, job.config)
    done |= {pages[path][0]: (pages[path][1], digest) for path, digest in digests.items()}
    done |= others
    standing = {path: line for path, line in job.before.pages.items() if path not in digests}
    fresh = {path: done[file][1] for path, (file, _) in pages.items() if path not in standing}
    manifest = make_manifest(job.library, job.config, fresh, standing)
    done |= _write_manifest(staging, manifest.data())
    done |= beside.indexed()
    return Staged(str(job.site_dir.resolve()), done, tuple(sorted(digests)), tuple(findings)), manifest


def _pour(
    job: SiteJob, renderer: Renderer, live: Mapping[str, Row], pouring: Pouring
) -> tuple[dict[str, Row], dict[str, Row]]:
    """Begin to pour whatever is not there as it should be, while the keys of further pages are still made.

    Returns:
        Path to file and key of all pages; the rows of the files that are there.
    """
    pages: dict[str, Row] = {}
    done: dict[str, Row] = {}
    changed: list[Page] = []
    # Lists take longest, so they come first: no worker should be left alone with them at the end.
    ordered = sorted(job.library.pages.values(), key=lambda page: page.body != "")
    for page, key in page_keys(ordered, renderer.digest, job.topics):
        file = file_of(page.path)
        pages[page.path] = file, key
        row = live.get(file)
        if row and row[0] == key:
            done[file] = row
        else:
            changed.append(page)
        if len(changed) == _AT_ONCE:
            pouring.pour(changed)
            changed = []
    pouring.pour(changed)
    return pages, done


def _key(rows: Mapping[str, Row], file: str) -> str | None:
    row = rows.get(file)
    return None if row is None else row[0]


def _remember(job: SiteJob, staged: Staged) -> None:
    with saying_what_to_do(job.cache / _STAGED, "writing"):
        job.cache.mkdir(parents=True, exist_ok=True)
        (job.cache / _STAGED).write_bytes(msgspec.msgpack.encode(staged))


def _write_others(
    job: SiteJob,
    renderer: Renderer,
    live: Mapping[str, Row],
    pages: Collection[str],
    progress: Progress,
) -> dict[str, Row]:
    """Everything that is neither a page nor about the whole site: assets, stubs, sitemap, feeds."""
    advance = progress.start("Writing feeds, sitemap and redirects", 1)
    staging = staging_of(job.site_dir)
    rows: dict[str, Row] = {}
    for file, data in _files(job, renderer, pages):
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        rows[file] = (digest, digest)
        if live.get(file) != rows[file]:
            write_file(staging, file, data)
    advance(1)
    return rows


def _write_images(job: SiteJob, staging: Path, live: Mapping[str, Row]) -> dict[str, Row]:
    """The mirrored images that pages show. They are named by their content, so one that is there is right."""
    rows: dict[str, Row] = {}
    for file, name in sorted(files_of(job.library.pages.values()).items()):
        digest = name.partition(".")[0]
        rows[file] = (digest, digest)
        if live.get(file) != rows[file]:
            write_file(staging, file, (job.cache / MEDIA / name).read_bytes())
    return rows


def _write_manifest(staging: Path, data: bytes) -> dict[str, Row]:
    """The last file: it names the digest of every page."""
    write_file(staging, MANIFEST, data)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return {MANIFEST: (digest, digest)}


def _files(job: SiteJob, renderer: Renderer, pages: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Small files in the order of who wins: a page is never overwritten by an asset or a stub."""
    seen = set(pages)
    for file, data in _candidates(job, renderer):
        if file not in seen:
            seen.add(file)
            yield file, data


def _candidates(job: SiteJob, renderer: Renderer) -> Iterator[tuple[str, bytes]]:
    config, library = job.config, job.library
    yield from sitemaps(library.pages.values(), config).items()
    yield from feeds(library, config, job.topics).items()
    yield "robots.txt", robots_txt(config).encode()
    if config.seo.llms_txt:
        yield "llms.txt", llms_txt(library, config, job.topics).encode()
    for lang in job.frames.folders:
        for file, source in job.frames.static_files(lang):
            yield file, source.read_bytes()
    yield from redirect_files(library.redirects, config).items()
    yield from _stubs(job, renderer)


def _stubs(job: SiteJob, renderer: Renderer) -> Iterator[tuple[str, bytes]]:
    """A page at every old address, for hosts that read no redirect map."""
    pages, site_url = job.library.pages, job.config.site.url
    for path, target in sorted(job.library.redirects.items()):
        stub = stub_path(path)
        page = pages.get(target) if target else None
        title, lang = (page.title, page.lang) if page else (target or "", job.frames.main)
        if target:
            yield file_of(stub), stub_html(target_url(site_url, target), title, lang)
        elif stub.endswith("/") and stub.count("/") - 1 in DEPTHS:
            yield file_of(stub), renderer.gone(stub)
        else:
            # An operator's old address may be deeper than any page of ours, or a file: no shell fits it.
            yield file_of(stub), gone_html(job.config, lang)


def staged(job: SiteJob) -> Staged:
    """What is in the staging folder.

    Raises:
        NotPublished: nothing is, or it was rendered for another site folder.
    """
    try:
        data = (job.cache / _STAGED).read_bytes()
    except OSError as error:
        raise NotPublished("there is no staging site; run `kbgen render` first") from error
    try:
        found = msgspec.msgpack.decode(data, type=Staged)
    except msgspec.MsgspecError as error:
        raise NotPublished(f"{job.cache / _STAGED}: damaged ({error}); run `kbgen render` first") from error
    # The manifest tells: right after a switch that was killed the old site lies where the staging one was.
    if found.site_dir != str(job.site_dir.resolve()) or manifest_digest(staging_of(job.site_dir)) != _key(
        found.rows, MANIFEST
    ):
        raise NotPublished(f"the staging site is not one for {job.site_dir}; run `kbgen render` first")
    return found


def publish(
    job: SiteJob,
    rendered: Rendered | None = None,
    *,
    allow_vanish: bool = False,
    switched: Callable[[Moved | None], object] | None = None,
) -> Published:
    """Judge the staging site and, when it is sound, exchange it with the live one, which stays beside until ``retire``.

    Args:
        job: as it was rendered.
        rendered: by this run; None for what an earlier one left in the staging folder.
        allow_vanish: skip the guard against vanishing pages.
        switched: told how the new site differs from the one it replaced (None where it is another) when it is live.

    Raises:
        ChecksFailed: with every fault; the live site stands.
        GuardTripped: too many pages would vanish; the live site stands.
    """
    started = time.monotonic()
    staging = staging_of(job.site_dir)
    files = rendered.files if rendered else _look(job, None)
    content = rendered.staged if rendered else staged(job)
    now = rendered.manifest if rendered else manifest_lines((staging / MANIFEST).read_bytes())
    was = job.before.apart(now)
    if not allow_vanish:
        guard(job.before, was, job.library, job.config)
    report = _judge(job, content, check_whole(staging, job.library, job.config, files))
    switch(staging, job.site_dir)
    if switched is not None:
        switched(content.moved)
    _record(job, content)
    (job.cache / _STAGED).unlink(missing_ok=True)
    told = StageReport(
        stage="publish",
        read=len(content.changed),
        written=len(job.library.pages),
        notes=_notes(report.warnings, job.project),
        seconds=time.monotonic() - started,
    )
    return Published(told, was, now.unlike(job.before))


def _notes(warnings: Sequence[Finding], project: Path) -> tuple[str, ...]:
    some = tuple(worded(finding, project) for finding in warnings[:_NOTED])
    if len(warnings) <= _FEW:
        return some
    return (f"{len(warnings):,} warnings on the pages just written; `kbgen check -v` names those of all pages", *some)


def _judge(job: SiteJob, content: Staged, found: Iterable[Finding]) -> CheckReport:
    report = make_report([*content.findings, *found], len(content.changed))
    if report.errors:
        shown = "\n".join(f"  {worded(finding, job.project)}" for finding in report.errors[:30])
        more = f"\n  and {len(report.errors) - 30} more" if len(report.errors) > 30 else ""
        raise ChecksFailed(f"the new site has {len(report.errors)} faults and was not published:\n{shown}{more}")
    return report


def _record(job: SiteJob, content: Staged) -> None:
    with job.store.transaction():
        # Only this run knows that the store holds what the site was built upon.
        if job.beside and content.moved:
            job.store.pages.amend(content.rows, content.moved.fresh, content.moved.gone)
        else:
            job.store.pages.replace(content.rows)
        job.store.permalinks.add(job.library.permalinks)
        job.store.permalinks.set_redirects(job.library.redirects, live=job.library.pages)
        job.store.put(LIVE, identity_with(job.site_dir, content.rows[MANIFEST][1]))
