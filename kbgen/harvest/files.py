"""Harvesting files: every record into the store, verbatim; a bad one is named and skipped, never fatal.

What a record means is not looked at here: curating never fetches again, and a mended parser re-reads the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kbgen.errors import RecordError, SourceError
from kbgen.harvest.identity import identified
from kbgen.model import RawRecord, Ref, StageReport
from kbgen.progress import Progress
from kbgen.sources.base import Harvested, Source, Unchanged
from kbgen.store import Store
from kbgen.store.records import Failure, WholePass

_BATCH = 500


@dataclass
class _Tally:
    read: int = 0
    written: int = 0
    unchanged: int = 0
    bad: list[RecordError] = field(default_factory=list)
    changing: Callable[[], object] | None = None

    def stored(self, written: int, unchanged: int) -> None:
        """Count what was stored."""
        self.written += written
        self.unchanged += unchanged
        if written and self.changing is not None:
            self.changing()


def harvest(
    source: Source,
    store: Store,
    progress: Progress,
    *,
    full: bool = False,
    changing: Callable[[], object] | None = None,
) -> StageReport:
    """Read one source into the store.

    A source that fails keeps what the store has of it. Nothing is withdrawn unless the whole source was read.

    Args:
        source: an opened source.
        store: the open store.
        progress: where to report.
        full: read everything, also when the input has not changed since the last complete harvest.
        changing: called as soon as something is known to have changed; it may be called several times.
    """
    started = time.monotonic()
    tally = _Tally(changing=changing)
    notes: list[str] = []
    failed: list[str] = []
    removed = 0
    run = int(store.get("run") or 0) + 1
    try:
        fingerprint = source.fingerprint()
        if not full and fingerprint is not None and fingerprint == store.records.fingerprint(source.name):
            return _unchanged(source, store, started)
        store.put("run", str(run))
        seen = store.whole_pass(source.name, run)
        items = source.records() if full else source.changes(seen.signatures())
        _read(source.name, items, store, seen, progress, tally=tally)
        with store.transaction():
            removed = seen.withdraw([error.place for error in tally.bad])
            _remember(source, store, run, fingerprint, bad=tally.bad)
    except SourceError as error:
        failed.append(f"{source.name}: {error}; what was published from it stays")
        # What was not reached this time still waits for a retry.
        waiting = [RecordError(failure.place, failure.problem) for failure in _waiting(source, store)]
        with store.transaction():
            store.records.set_failures(source.name, [*waiting, *tally.bad], run)
    return StageReport(
        stage=f"harvest {source.name}",
        read=tally.read,
        written=tally.written,
        unchanged=tally.unchanged,
        removed=removed,
        rejected={"unreadable": len(tally.bad)} if tally.bad else {},
        failed=tuple(failed) + tuple(str(error) for error in tally.bad),
        notes=tuple(notes),
        seconds=time.monotonic() - started,
    )


def _unchanged(source: Source, store: Store, started: float) -> StageReport:
    """Nothing to read; what could not be read last time still cannot, and stays named."""
    waiting = _waiting(source, store)
    return StageReport(
        stage=f"harvest {source.name}",
        rejected={"unreadable": len(waiting)} if waiting else {},
        failed=tuple(f"{failure.place}: {failure.problem}" for failure in waiting),
        notes=("the input has not changed",),
        seconds=time.monotonic() - started,
    )


def _waiting(source: Source, store: Store) -> list[Failure]:
    return [failure for failure in store.records.failures() if failure.source == source.name]


def _read(
    name: str,
    items: Iterable[Harvested | Unchanged],
    store: Store,
    seen: WholePass,
    progress: Progress,
    *,
    tally: _Tally,
) -> None:
    advance = progress.start(f"Harvesting {name}", None)
    batch: list[RawRecord] = []
    same: list[Ref] = []
    try:
        for item in items:
            tally.read += 1
            if isinstance(item, Unchanged):
                same.append(item.ref)
            elif isinstance(record := identified(item) if isinstance(item, RawRecord) else item, RecordError):
                tally.bad.append(record)
            else:
                batch.append(record)
            if len(batch) + len(same) == _BATCH:
                _store(batch, same, store, seen, tally)
                advance(_BATCH)
                batch, same = [], []
    finally:
        # Also when the source breaks off: what was read before is good.
        _store(batch, same, store, seen, tally)


def _store(batch: list[RawRecord], same: list[Ref], store: Store, seen: WholePass, tally: _Tally) -> None:
    seen.keep(same)
    tally.stored(0, len(same))
    if batch:
        with store.transaction():
            written, unchanged = seen.upsert(batch)
        tally.stored(written, unchanged)


def _remember(source: Source, store: Store, run: int, fingerprint: str | None, *, bad: list[RecordError]) -> None:
    """Remember a whole pass, in the transaction that withdraws what is no longer there."""
    store.records.set_failures(source.name, bad, run)
    if fingerprint is not None:
        store.records.set_fingerprint(source.name, fingerprint, run)
    # A source that was asked over the network before begins anew when it is asked again.
    store.passes.forget(source.name)
