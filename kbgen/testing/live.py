"""Walking a live source in a test as a nightly run walks it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from kbgen.harvest import Errand
from kbgen.harvest import harvest_live as _harvest_live
from kbgen.model import RawRecord, StageReport
from kbgen.progress import Silent
from kbgen.sources.http import Client
from kbgen.sources.live import LiveSource
from kbgen.store import Store, open_store


def harvest_live(
    source: LiveSource,
    client: Client,
    store: Store | Path,
    *,
    full: bool = False,
    allow_vanish: bool = True,
    now: datetime | None = None,
) -> StageReport:
    """Do the pass over a source that is due.

    Args:
        source: an opened source.
        client: such as ``testing_client`` gives.
        store: an open store, or the file of one.
        full: look at everything.
        allow_vanish: withdraw however much is gone.
        now: when the run begins.
    """
    errand = Errand(now or datetime.now(UTC), full=full, allow_vanish=allow_vanish)
    with ExitStack() as stack:
        opened = stack.enter_context(closing(open_store(store))) if isinstance(store, Path) else store
        return _harvest_live(source, client, opened, Silent(), errand)


def stored(store: Store | Path, source: str) -> dict[str, RawRecord]:
    """What a store holds of a source and has not withdrawn, by native id.

    Args:
        store: an open store, or the file of one.
        source: its name.
    """
    with ExitStack() as stack:
        opened = stack.enter_context(closing(open_store(store))) if isinstance(store, Path) else store
        ids = opened.passes.ids(source)
        return dict(zip(ids, opened.records.get([f"{source}:{one}" for one in ids]), strict=True))
