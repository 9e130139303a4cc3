"""Pour pages through their shells in worker processes and write those that changed.

A page is made again only when its key moved: the digest of the ``Page``, which holds all it shows but the body,
the digest of that body, and the renderer's own digest (shells, templates, words, code).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from kbgen.addresses import file_of
from kbgen.config import Config
from kbgen.executor import Workers, chunks
from kbgen.model import Page, Slug, SourceInfo, Topic
from kbgen.progress import Advance, Progress
from kbgen.site.engine import Frames
from kbgen.site.publish import write_file
from kbgen.site.render import Renderer
from kbgen.store import Store, open_store

_CHUNK = 100


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


def page_keys(pages: Iterable[Page], renderer_digest: str) -> dict[str, str]:
    """Path to the key of every page: equal keys, equal bytes."""
    encode = msgspec.json.Encoder(order="deterministic").encode
    seed = renderer_digest.encode()
    return {page.path: hashlib.blake2b(seed + encode(page), digest_size=16).hexdigest() for page in pages}


def pour(job: PourJob, pages: Sequence[Page], workers: Workers, progress: Progress) -> Iterator[dict[str, str]]:
    """Render pages into the staging folder; the work begins at once, the results are taken later.

    Yields:
        Path to the digest of the written bytes, for some pages at a time.

    Raises:
        NotPublished: a file could not be written.
        EngineError: a shell lacks a slot.
    """
    advance = progress.start("Pouring pages", len(pages))
    started = workers.start(partial(pour_chunk, job), chunks(pages, _CHUNK))
    return (_counted(done, advance) for done in started)


def _counted(done: list[tuple[str, str]], advance: Advance) -> dict[str, str]:
    advance(len(done))
    return dict(done)


_worker: tuple[PourJob, Renderer, Store] | None = None
"""The last job of this process: templates are compiled and the store opened once, not for every hundred pages."""


def pour_chunk(job: PourJob, pages: Sequence[Page]) -> list[tuple[str, str]]:
    """Render and write some pages; returns (path, digest of the bytes) of each."""
    global _worker  # noqa: PLW0603
    if _worker is None or _worker[0] != job or _worker[2].replaced:
        if _worker is not None:
            _worker[2].close()
        _worker = (job, job.renderer(), open_store(job.store, read_only=True))
    _, renderer, store = _worker
    bodies = {body.ref: body for body in store.entries.bodies([page.refs[0] for page in pages if page.body])}
    done: list[tuple[str, str]] = []
    for page in pages:
        html = renderer.render(page, bodies[page.refs[0]] if page.body else None)
        write_file(job.staging, file_of(page.path), html)
        done.append((page.path, hashlib.blake2b(html, digest_size=16).hexdigest()))
    return done
