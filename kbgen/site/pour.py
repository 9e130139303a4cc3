"""Pour pages through their shells in worker processes, judge them, and write those that changed.

A page is made again only when its key moved: the digest of the ``Page``, which holds the digest of its body and nearly
all else it shows, of the topics it names, and of what all pages share (shells, templates, words, sources, code).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from kbgen.addresses import file_of
from kbgen.config import Config
from kbgen.executor import Workers, chunks
from kbgen.model import Card, Crumb, Link, Page, Slug, SourceInfo, Topic
from kbgen.progress import Advance
from kbgen.site.check_poured import PouredChecks, Question
from kbgen.site.check_report import Finding
from kbgen.site.engine import Frames
from kbgen.site.publish import write_file
from kbgen.site.render import Renderer
from kbgen.site.shells import Poured
from kbgen.store import Store, open_store

_CHUNK = 50


@dataclass(frozen=True)
class PourJob:
    """All a worker needs besides its pages; picklable.

    Attributes:
        store: the store's file, opened read-only by each worker.
        staging: the folder the pages are written to.
    """

    config: Config
    frames: Frames
    topics: Mapping[Slug, Topic]
    sources: Mapping[str, SourceInfo]
    store: Path
    staging: Path

    def renderer(self) -> Renderer:
        """A renderer of this job; making one compiles the templates."""
        return Renderer(self.config, self.frames, self.topics, self.sources)


def page_keys(pages: Iterable[Page], shared: str, topics: Mapping[Slug, Topic]) -> Iterator[tuple[Page, str]]:
    """Every page with its key: equal keys, equal bytes.

    Args:
        pages: of one site.
        shared: digest of what all pages depend on.
        topics: by slug; a change of one moves the keys of the pages that name it.
    """
    seed = shared.encode()
    named, cards = _Named(topics), _Cards()
    for page in pages:
        made_from = seed + named.on(page) + cards.within(page)
        yield page, hashlib.blake2b(made_from, digest_size=16).hexdigest()


class _Cards:
    """Pages as bytes with digests in the place of their cards, of which each stands on a dozen pages."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder(order="deterministic").encode
        # By identity: a card is there as long as its pages are.
        self._known: dict[int, bytes] = {}

    def within(self, page: Page) -> bytes:
        """Equal for equal pages, and for no others."""
        listing, shown = page.listing, self._digests(page.related)
        if listing is not None:
            blocks = tuple([replace(block, cards=()) for block in listing.blocks])
            shown += self._digests(listing.items) + b"".join(self._digests(block.cards) for block in listing.blocks)
            listing = replace(listing, items=(), blocks=blocks)
        return self._encode(replace(page, related=(), listing=listing)) + shown

    def _digests(self, cards: tuple[Card, ...]) -> bytes:
        known = self._known
        try:
            found = b"".join(map(known.__getitem__, map(id, cards)))
        except KeyError:
            for card in cards:
                if id(card) not in known:
                    known[id(card)] = hashlib.blake2b(self._encode(card), digest_size=16).digest()
            found = b"".join(map(known.__getitem__, map(id, cards)))
        return len(cards).to_bytes(4, "big") + found


def topics_named(page: Page) -> tuple[str, ...]:
    """Slugs of the topics whose titles stand on a page, among others: its own, those of its trail and its links."""
    links: list[Crumb | Link] = [*page.crumbs]
    for block in page.listing.blocks if page.listing else ():
        links += block.links
        if block.more:
            links.append(block.more)
    # Some links are named by the last part of their path, whatever is before it.
    paths = [_last(link.path) for link in links]
    return tuple(dict.fromkeys((*page.topics[:1], *paths)))


def _last(path: str) -> str:
    return path.strip("/").rpartition("/")[2]


class _Named(dict[tuple[str, ...], bytes]):
    """Topics to what a page that names them shows of them; an introduction stands in the topic's own ``Page``."""

    def __init__(self, topics: Mapping[Slug, Topic]) -> None:
        super().__init__()
        self._topics = topics

        self._trails: dict[tuple[str, ...], bytes] = {}

    def on(self, page: Page) -> bytes:
        """What a page shows of the topics it names."""
        if page.listing is not None or not page.crumbs or _last(page.crumbs[-1].path) in self._topics:
            return self[topics_named(page)]
        # Without its own name, which is no topic's, a page has the trail of many others.
        trail = (*page.topics[:1], "", *[crumb.path for crumb in page.crumbs[:-1]])
        known = self._trails.get(trail)
        if known is None:
            known = self._trails[trail] = self[topics_named(page)]
        return known

    def __missing__(self, slugs: tuple[str, ...]) -> bytes:
        known = [topic for slug in slugs if (topic := self._topics.get(Slug(slug)))]
        shown = msgspec.json.encode([(topic.slug, topic.title, topic.titles, topic.description) for topic in known])
        if known or not slugs:
            self[slugs] = shown
        return shown


class PouredChunk(msgspec.Struct, frozen=True):
    """What a worker did.

    Attributes:
        digests: path to the digest of the written bytes.
        findings: what is wrong with the pages.
        questions: what the whole site has to be asked about their links.
    """

    digests: dict[str, str]
    findings: tuple[Finding, ...] = ()
    questions: tuple[Question, ...] = ()


class Pouring:
    """Pages on their way into the staging folder: work begins at once, results are taken later.

    Args:
        job: how they are poured.
        workers: where.
        advance: told of the pages that are done.
    """

    def __init__(self, job: PourJob, workers: Workers, advance: Advance) -> None:
        self._job = job
        self._workers = workers
        self._advance = advance
        self._started: list[Iterator[PouredChunk]] = []

    def pour(self, pages: Sequence[Page]) -> None:
        """Begin to render pages into the staging folder and to judge them."""
        self._started.append(self._workers.start(partial(pour_chunk, self._job), portions(pages)))

    def results(self) -> Iterator[PouredChunk]:
        """Wait for all of them.

        Raises:
            NotPublished: a file could not be written.
            EngineError: a shell lacks a slot.
        """
        for started in self._started:
            for done in started:
                self._advance(len(done.digests))
                yield done


def portions(pages: Iterable[Page]) -> list[Sequence[Page]]:
    """Pages in the order and the portions in which workers take them.

    Lists take several times as long as answers: no worker should be left alone with them at the end.
    """
    return chunks(sorted(pages, key=lambda page: (page.body != "", page.path)), _CHUNK)


class _Worker(NamedTuple):
    """The last job of this process: templates are compiled and the store opened once, not for every hundred pages."""

    job: PourJob
    renderer: Renderer
    store: Store
    checks: PouredChecks


_worker: _Worker | None = None


def _open(job: PourJob) -> _Worker:
    global _worker  # noqa: PLW0603
    if _worker is None or _worker.job != job or _worker.store.replaced:
        if _worker is not None:
            _worker.store.close()
        store = open_store(job.store, read_only=True)
        _worker = _Worker(job, job.renderer(), store, PouredChecks(job.config, job.frames))
    return _worker


def pour_chunk(job: PourJob, pages: Sequence[Page]) -> PouredChunk:
    """Render, write and judge some pages."""
    written = write_pages(job, pages)
    checks = _open(job).checks
    findings = [finding for one in written for finding in checks.check(one.page, one.poured, one.data)]
    return PouredChunk({one.page.path: one.digest for one in written}, tuple(findings), checks.questions())


class Written(NamedTuple):
    """A page as it was written; ``digest`` is that of ``data``."""

    page: Page
    poured: Poured
    data: bytes
    digest: str


def write_pages(job: PourJob, pages: Sequence[Page]) -> list[Written]:
    """Render and write some pages, and judge nothing: what pouring is without its checks."""
    _, renderer, store, _ = _open(job)
    bodies = {body.ref: body for body in store.entries.bodies([page.refs[0] for page in pages if page.body])}
    # One kind of work after the other, which a processor's caches reward.
    poured = [renderer.fill(page, bodies[page.refs[0]] if page.body else None) for page in pages]
    rendered = [(page, one, one.data()) for page, one in zip(pages, poured, strict=True)]
    for page, _, data in rendered:
        write_file(job.staging, file_of(page.path), data)
    return [Written(*one, hashlib.blake2b(one[2], digest_size=16).hexdigest()) for one in rendered]
