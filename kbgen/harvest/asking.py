"""What a run needs to ask its live sources: one network for all of them, and a client for each.

Loads the HTTP library: imported only when something is asked.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from kbgen import __version__
from kbgen.config import Config
from kbgen.harvest.live import Errand, harvest_live
from kbgen.model import StageReport
from kbgen.progress import Progress
from kbgen.runs import Options
from kbgen.sources.http import Manners
from kbgen.sources.http_cache import AnswerCache
from kbgen.sources.http_cassette import Recorder
from kbgen.sources.http_client import HttpClient, Network
from kbgen.sources.http_masks import secrets_of
from kbgen.sources.live import LiveSource
from kbgen.store import Store

_DAY = 86_400


class Asking:
    """Live sources being asked, while its ``with`` block lasts.

    Args:
        config: of the project.
        options: of the run.
        cache: folder for answers that can be revalidated.
        store: the open store.
        progress: where to report.
    """

    def __init__(self, config: Config, options: Options, cache: Path, store: Store, progress: Progress) -> None:
        self._manners = manners(config)
        self._options = options
        self._cache = cache
        self._store = store
        self._progress = progress
        self._errand = Errand(
            now=datetime.now(UTC),
            full=options.full,
            allow_vanish=options.allow_vanish,
            max_withdrawn=config.guard.max_withdrawn,
            min_known=config.guard.min_pages,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            recorder = stack.enter_context(Recorder(self._options.record)) if self._options.record else None
            cache = AnswerCache(self._cache, today=int(time.time() // _DAY))
            stack.callback(cache.close)
            self._network = Network(self._manners, cache=cache, recorder=recorder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def harvest(self, source: LiveSource) -> StageReport:
        """Do the pass over one source that is due."""
        with HttpClient(source.hosts, self._network, secrets_of(source.options)) as client:
            report = harvest_live(source, client, self._store, self._progress, self._errand)
        if report.removed and self._network.cache:
            self._network.cache.forget(source.hosts)
        return report


def manners(config: Config) -> Manners:
    """How clients behave, from ``http:`` of the configuration; whom to write to is the site's address by default."""
    http = config.http
    return Manners(
        user_agent=f"kbgen/{__version__} (+{http.contact or config.site.url})",
        requests_per_second=http.requests_per_second,
        timeout=http.timeout,
        max_bytes=http.max_megabytes * 1_000_000,
        patience=http.patience,
        private_hosts=frozenset(host.lower() for host in http.private_hosts),
    )
