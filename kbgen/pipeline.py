"""The stages in order, and what a run of them came to.

Each stage can be run alone and is idempotent. Not here: what a stage does, and how a run is told to people (cli).
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from msgspec.structs import replace

from kbgen.codebase import package_digest
from kbgen.compile.inputs import Inputs, Shelf
from kbgen.compile.library import compile_library, faults, lost_sections
from kbgen.curate.erasure import is_forgotten
from kbgen.curate.review import answered, verdicts
from kbgen.curate.stage import CurateJob, curate
from kbgen.errors import KbgenError, NotPublished
from kbgen.executor import Workers, uncollected
from kbgen.harvest import harvest
from kbgen.lock import run_lock
from kbgen.model import Library, Picture, StageReport
from kbgen.progress import Progress, Silent
from kbgen.project import ARTICLES_FOLDER, CONTENT, Project
from kbgen.report.review import waiting_counts
from kbgen.runs import Changes, Options, RunReport
from kbgen.site.adopt import adopt
from kbgen.site.beside import Beside, working_beside
from kbgen.site.changes import changes
from kbgen.site.engine import Frames, build_frames
from kbgen.site.files import explained
from kbgen.site.live import LIVE, live_rows
from kbgen.site.manifest import ManifestLines
from kbgen.site.publish import Moved, claim, retire
from kbgen.site.redirects import flatten
from kbgen.site.stage import MEDIA, Rendered, SiteJob, publish, published_lines, render
from kbgen.site.written import written_pages
from kbgen.sources.articles import text_of
from kbgen.sources.base import Source
from kbgen.sources.http import host_of
from kbgen.sources.live import LiveSource
from kbgen.standing import remember, standing_key
from kbgen.store import Store, open_store, readable

if TYPE_CHECKING:
    from kbgen.harvest.asking import Asking

_INPUTS = "published-inputs"
_FORGOTTEN = "forgotten"
# Pages of a site that takes seconds to copy, most of them for making a folder for each page.
_LARGE = 20_000

__all__ = ["STAGES", "Options", "Run", "RunReport", "run_stages"]


@dataclass
class Run:
    """One run: holds the lock, the store and the workers, and remembers what stages hand on.

    Attributes:
        whole: all stages are run, so what a later one needs may be begun in an earlier one.
    """

    project: Project
    options: Options
    progress: Progress = field(default_factory=Silent)
    whole: bool = False
    done: bool = False
    images_wait: bool = False
    changes: Changes | None = None
    rendered: Rendered | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _frames: Future[Frames] | None = None
    _beside: Beside | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(run_lock(self.project.folder))
            stack.enter_context(readable(self.project.store_file))
            self.store: Store = open_store(self.project.store_file)
            stack.callback(self.store.close)
            # Tags are learnt and indexes are written with it, each in a process of its own.
            shared = (__name__, "scipy.sparse")
            self.workers = stack.enter_context(Workers(self.options.jobs, preload=shared))
            self.workers.warm()
            self._forget(adopted=adopt(self.store, self.options.site_dir))
            # Only now: a run that cannot begin frees the lock.
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # To let a hundred thousand pages go takes a while, in which the spare copy is finished.
        for name in ("library", "before"):
            self.__dict__.pop(name, None)
        self.rendered = None
        self._stack.__exit__(kind, error, trace)

    @cached_property
    def before(self) -> ManifestLines:
        """The manifest of the site that is live when it is first asked for."""
        return published_lines(self.options.site_dir)

    def _forget(self, *, adopted: bool) -> None:
        """Let go of addresses that name somebody forgotten: their pages get others, and nothing leads there."""
        forgotten = self.project.erasure
        if adopted or self.has_to_forget:
            with self.store.transaction():
                self.store.permalinks.forget(lambda path: is_forgotten(path, forgotten))

    @property
    def has_to_forget(self) -> bool:
        """Somebody is to be forgotten who stands on the site that was published last."""
        return (self.store.get(_FORGOTTEN) or "") != self.project.erasure.whole()

    def hold(self) -> None:
        """Look for no cycles from here on: what is made of the library lies in none, and the library is large."""
        self._stack.enter_context(uncollected())

    def begin_frames(self) -> None:
        """Start to build the frames beside the next stage: the site engine is a process of its own."""
        beside = self._stack.enter_context(ThreadPoolExecutor(1))
        self._frames = beside.submit(self._build_frames)

    def begin_staging(self) -> Beside:
        """Start beside the next stage what needs nothing of it; once a run."""
        if self._beside is None:
            options = self.options
            begun = working_beside(self.workers, self.project.store_file, options.site_dir, clean=options.clean)
            self._beside = self._stack.enter_context(begun)
        return self._beside

    def end_staging(self) -> None:
        """What changed is on no page: what was begun in case it were is undone."""
        if self._beside is not None:
            self._beside.put_back()

    def retire(self, moved: Moved | None) -> None:
        """Make the replaced site the copy that the next run starts from, beside what is left of this one.

        Of a first site one is made when it is large; a small one is copied in no time when it has to be.
        """
        begin = self._beside.begin if self._beside else self._stack.enter_context(self.workers.beside())
        # The new site is live: a copy that was not finished is the next run's work, not a fault of this one.
        self._stack.enter_context(suppress(NotPublished))
        first = len(self.library.pages) >= _LARGE
        self._stack.callback(begin(partial(retire, first=first), self.options.site_dir, moved))

    @cached_property
    def frames(self) -> Frames:
        """The shells and written pages, built by the site engine when something it sees has changed.

        Raises:
            EngineError: it failed.
        """
        return self._frames.result() if self._frames else self._build_frames()

    def begin_before(self) -> None:
        """Read the live manifest beside the next stage, which often waits for workers."""
        self._stack.enter_context(ThreadPoolExecutor(1)).submit(lambda: self.before)

    def _build_frames(self) -> Frames:
        advance = self.progress.start(f"Building the frame with {self.options.engine}", 1)
        project, last = self.project, partial(_last_article, self.project)
        built = build_frames(project.folder, project.config, project.cache / "engine", self.options.engine, last)
        advance(1)
        return built

    def inputs(self) -> Inputs:
        """All the site is compiled from; not kept, since it is as large as the library itself."""
        return Inputs(
            config=self.project.config,
            taxonomy=self.project.taxonomy,
            summaries=tuple(self.store.entries.summaries()),
            sources=self.project.infos,
            assigned=self.store.permalinks.all(),
            written=self.project.redirects,
            history=self.store.permalinks.redirects(),
            published=self.before.kinds,
            engine_pages=frozenset(self.frames.pages()),
            written_pages=written_pages(self.project.folder, self.frames.pages()),
            near=self.store.vectors.related(),
            images=_images(self),
        )

    @cached_property
    def library(self) -> Library:
        """The whole site as data.

        Raises:
            NotPublished: it has faults.
        """
        with uncollected():
            inputs = self.inputs()
            library = compile_library(inputs, self._begin_index)
        # The address of a forgotten person's page is their name: it alone leaves no trace.
        forgotten = self.project.erasure
        redirects = {path: to for path, to in library.redirects.items() if not is_forgotten(path, forgotten)}
        library = replace(library, redirects=flatten(redirects))
        found = faults(library, inputs)
        if found:
            shown = "\n".join(f"  {fault}" for fault in found[:30])
            raise NotPublished(f"the site would have {len(found)} faults and was not rendered:\n{shown}")
        return library

    def _begin_index(self, shelf: Shelf) -> None:
        """Write the search index beside what is left of compiling: where pages are and how they are called is known."""
        # With one job nothing is beside: rendering makes the index.
        if self._beside is not None and self.workers.jobs > 1:
            self._beside.index(self.frames.main, shelf.cards, shelf.tag_titles, shelf.topics)

    def job(self) -> SiteJob:
        """What render and publish work on."""
        return SiteJob(
            config=self.project.config,
            library=self.library,
            topics={topic.slug: topic for topic in self.project.taxonomy.topics},
            sources=self.project.infos,
            frames=self.frames,
            store=self.store,
            project=self.project.folder,
            cache=self.project.cache,
            site_dir=self.options.site_dir,
            before=self.before,
            beside=self._beside,
        )

    @cached_property
    def site_key(self) -> str:
        """Digest of all the site is made from, once that is settled: while it stands still, so does the site."""
        hasher = hashlib.blake2b(digest_size=16)
        code = package_digest()
        images = self.store.media.digest() if self.project.config.media.mirror else ""
        for part in (code, self.project.digest(), self.frames.digest, str(self.options.site_dir.resolve()), images):
            hasher.update(f"{part}\0".encode())
        hasher.update("".join([f"{ref}\0{digest}\n" for ref, digest in self.store.entries.digests()]).encode())
        return hasher.hexdigest()

    def is_current(self) -> bool:
        """Nothing the site is made from has changed since it was published, and its files are all there."""
        if self.options.clean or self.store.get(_INPUTS) != self.site_key:
            return False
        rows = live_rows(self.store, self.options.site_dir)
        return bool(rows) and len(rows) == len(self.store.pages.all())


def _images(run: Run) -> dict[str, Picture]:
    """The mirrored images whose files are there."""
    folder = run.project.cache / MEDIA
    if not run.project.config.media.mirror or not folder.is_dir():
        return {}
    there = {file.name for file in folder.iterdir()}
    return {
        address: picture
        for address, picture in run.store.media.pictures().items()
        if {picture.file, picture.full or picture.file} <= there
    }


def _harvest(run: Run) -> list[StageReport]:
    sources = run.project.sources(run.options.sources)
    live = [source for source in sources if isinstance(source, LiveSource) and source.live]
    with ExitStack() as stack:
        asked = stack.enter_context(_asking(run)) if live and not run.options.offline else None
        return [_harvest_one(source, run, asked) for source in sources]


def _harvest_one(source: Source, run: Run, asked: Asking | None) -> StageReport:
    if not (isinstance(source, LiveSource) and source.live):
        return harvest(source, run.store, run.progress, full=run.options.full, changing=_begin(run))
    if asked is None:
        return StageReport(f"harvest {source.name}", notes=("not asked (--offline)",))
    return asked.harvest(source)


def _last_article(project: Project, name: str) -> str | None:
    """The text of one of the project's own articles as it was last read, for one that cannot be read now."""
    with readable(project.store_file), closing(open_store(project.store_file, read_only=True)) as store:
        ref = store.records.find(source=CONTENT, place=str(project.folder / ARTICLES_FOLDER / name))
        return None if ref is None else text_of(next(store.records.get([ref])))


def _begin(run: Run) -> Callable[[], object] | None:
    """What to call when something has changed: there is going to be a site to write, and a core is often idle then."""
    return run.begin_staging if run.whole and run.store.get(LIVE) else None


def _asking(run: Run) -> Asking:
    # Only who asks over the network pays for an HTTP library.
    from kbgen.harvest.asking import Asking  # noqa: PLC0415

    # What is learnt now is unknown to the key of the last build, also when this run is killed.
    remember(run.store, None)
    return Asking(run.project.config, run.options, run.project.cache / "http", run.store, run.progress)


def _curate(run: Run) -> list[StageReport]:
    job = CurateJob(
        config=run.project.config,
        project=run.project.folder,
        store=run.project.store_file,
        taxonomy=run.project.taxonomy,
        options=run.project.options,
        overlays=run.project.overlays,
        decisions=verdicts(run.project.decisions),
        erasure=run.project.erasure,
    )
    report = curate(job, run.store, run.workers, run.progress, clean=run.options.clean, changing=_begin(run))
    if run.project.overlay_faults:
        faulty = StageReport("overlays", failed=run.project.overlay_faults)
        return [report, faulty]
    return [report]


def _media(run: Run) -> list[StageReport]:
    config, folder = run.project.config, run.project.cache / MEDIA
    if not config.media.mirror:
        if run.store.media.all():
            from kbgen.media.stage import forget_all  # noqa: PLC0415

            forget_all(run.store, folder)
        return []
    # Only who mirrors pays for an image library and for an HTTP library.
    from kbgen.harvest.asking import manners  # noqa: PLC0415
    from kbgen.media.stage import MediaJob, media_network, mirror  # noqa: PLC0415

    hosts = frozenset(host_of(source.url) for source in config.sources if source.url)
    network = None if run.options.offline else media_network(manners(config), config.media)
    report, run.images_wait = mirror(MediaJob(config.media, folder, hosts, network), run.store, run.progress)
    return [report]


def _compile(run: Run) -> list[StageReport]:
    started = time.monotonic()
    library = run.library
    seconds = time.monotonic() - started
    read, written, lost = len(library.cards), len(library.pages), lost_sections(library)
    notes = (f"links to sections that are not there: {len(lost):,}; they lead to the page", *lost) if lost else ()
    return [StageReport("compile", read=read, written=written, notes=notes, seconds=seconds)]


def _render(run: Run) -> list[StageReport]:
    run.rendered = render(run.job(), run.workers, run.progress, clean=run.options.clean)
    return [run.rendered.report]


def _publish(run: Run) -> list[StageReport]:
    key = run.site_key
    report, was, now = publish(run.job(), run.rendered, allow_vanish=run.options.allow_vanish, switched=run.retire)
    with run.store.transaction():
        run.store.put(_INPUTS, key)
        run.store.records.release()
    if run.has_to_forget:
        run.store.compact()
        run.store.put(_FORGOTTEN, run.project.erasure.whole())
    run.changes = changes(was, now, run.library)
    run.done = True
    return [report]


STAGES: tuple[tuple[str, Callable[[Run], list[StageReport]]], ...] = (
    ("harvest", _harvest),
    ("curate", _curate),
    ("media", _media),
    ("compile", _compile),
    ("render", _render),
    ("publish", _publish),
)


def run_stages(project: Project, options: Options, progress: Progress, names: Sequence[str] | None = None) -> RunReport:
    """Run stages in their order.

    Args:
        project: the opened project.
        options: what was asked for.
        progress: where to report.
        names: the stages to run; None for a build, which ends after curate when nothing changed.

    Raises:
        KbgenError: the run stopped; the live site stands.
    """
    reports: list[StageReport] = []
    try:
        return _run_stages(project, options, progress, names, reports)
    except Exception as error:
        stopped = _stopped(error, options)
        # It may be why: a page that could not be read is missed by those that link to it.
        stopped.failed = tuple(message for report in reports for message in report.failed)
        if stopped is error:
            raise
        raise stopped from error


def _stopped(error: Exception, options: Options) -> KbgenError:
    if isinstance(error, KbgenError):
        return error
    if isinstance(error, OSError):
        return explained(error, options.site_dir, "the run")
    # A fault of our own is no reason for an exit code that says "published".
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(at.filename).name}:{at.lineno}"
    return NotPublished(
        f"an internal fault stopped the run ({where}: {type(error).__name__}: {error}); -v shows where; report it"
    )


def _run_stages(
    project: Project, options: Options, progress: Progress, names: Sequence[str] | None, reports: list[StageReport]
) -> RunReport:
    """Run them, and note in ``reports`` what each came to as soon as it has."""
    started = time.monotonic()
    # Of the inputs as they are now: what changes while the run is at work belongs to the next one.
    key = standing_key(project.folder, project.config, options) if names is None else None
    if names is None or {"render", "publish"} & set(names):
        # Before an hour's work that could not be published there.
        claim(options.site_dir)
    with Run(project, options, progress, whole=names is None) as run:
        for name, stage in STAGES:
            if names is not None and name not in names:
                continue
            if names is None and name == "compile" and run.is_current():
                reports.append(StageReport("compile", notes=("nothing changed; the site stands as it is",)))
                run.end_staging()
                run.store.records.release()
                break
            if run.whole:
                _begin_beside(run, name)
            if name == "compile":
                run.hold()
            reports += stage(run)
        notes = _site_notes(run) if run.done else ()
        pages = len(run.library.pages) if run.done else len(run.before.kinds)
        seconds = time.monotonic() - started
        report = RunReport(
            tuple(reports), options.site_dir, pages, run.done, notes, seconds, run.changes, _waiting(run)
        )
        if names is None:
            remember(run.store, key if report.exit_code == 0 and not run.images_wait else None)
        return report


def _begin_beside(run: Run, name: str) -> None:
    """Begin beside a stage what later ones need and this one does not make."""
    if name == "harvest":
        run.begin_frames()
    elif name == "curate":
        run.begin_before()
    elif name == "compile":
        run.begin_staging().count()


def _waiting(run: Run) -> dict[str, int] | None:
    if run.options.summary is None:
        return None
    apart = [(ref, other) for ref, overlay in run.project.overlays.items() for other in overlay.split]
    return waiting_counts(run.store, answered(run.project.decisions), apart)


def _site_notes(run: Run) -> tuple[str, ...]:
    """The canonical split, once a build, so that nobody wonders why pages are not in the sitemap."""
    own = urlsplit(run.project.config.site.url).hostname
    deferring: dict[str, int] = {}
    indexable = 0
    hosts_of: dict[str, str] = {}
    for page in run.library.pages.values():
        # Of a hundred thousand addresses few differ before their path.
        start = "/".join(page.canonical.split("/", 3)[:3])
        host = hosts_of.get(start)
        if host is None:
            host = hosts_of[start] = urlsplit(page.canonical).hostname or ""
        if host != own:
            deferring[host] = deferring.get(host, 0) + 1
        elif page.in_sitemap:
            indexable += 1
    if not deferring:
        return (f"{indexable:,} pages are indexable",)
    hosts = ", ".join(f"{count:,} pages defer to {host}" for host, count in sorted(deferring.items()))
    return (f"{hosts}, {indexable:,} are indexable; seo.canonical: self to change",)
