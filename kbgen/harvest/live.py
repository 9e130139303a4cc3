"""Harvesting a live source: which pass is due, each step stored with its cursor, and what is withdrawn at the end.

A pass that is killed at any moment goes on where its last step was committed. What is NOT here: asking (the source and
its client), and what a record means.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from kbgen.errors import RecordError, SourceError
from kbgen.harvest.identity import identified
from kbgen.harvest.isolated import isolated
from kbgen.model import RawRecord, StageReport, make_ref
from kbgen.progress import Advance, Progress
from kbgen.sources.base import SourceOptions
from kbgen.sources.http import Client
from kbgen.sources.http_masks import Masks, secrets_of
from kbgen.sources.live import LiveSource, Step, Walk
from kbgen.store import Store
from kbgen.store.passes import Pass, PassState

# A build at one o'clock and one at a quarter past are a day apart.
_SLACK = timedelta(hours=12)
# Keys that change how a source is shown, not what it is asked for.
_SHOWN = {"title", "licence", "licence_url", "staff", "lang", "canonical", "crawlable", "full_every"}
_SECRET = ("key", "token", "secret", "password", "cookie")


@dataclass(frozen=True)
class Errand:
    """What a run wants of its live sources.

    Attributes:
        now: when the run began, in UTC.
        full: look at everything, whether it is due or not.
        allow_vanish: withdraw however much is gone.
        max_withdrawn: share of a source's items that may be withdrawn by one pass.
        min_known: sources with fewer items are not guarded.
    """

    now: datetime
    full: bool = False
    allow_vanish: bool = False
    max_withdrawn: float = 0.5
    min_known: int = 20


class _Vanishing(SourceError):
    """More is gone than one pass may withdraw."""


@dataclass
class _Tally:
    read: int = 0
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class _Known:
    """What the store holds of one source."""

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._source = source

    def signature(self, native_id: str) -> str | None:
        return self._store.passes.signature(self._source, native_id)

    def ids(self) -> Sequence[str]:
        return self._store.passes.ids(self._source)


def harvest_live(source: LiveSource, client: Client, store: Store, progress: Progress, errand: Errand) -> StageReport:
    """Do the pass over a live source that is due, or go on with the one that was interrupted.

    A source that fails keeps what the store has of it, and goes on from its last step next time.

    Args:
        source: an opened source.
        client: that may ask the source's hosts.
        store: the open store.
        progress: where to report.
        errand: what the run wants.
    """
    started = time.monotonic()
    work = _Work(source, store, errand)
    tally = work.tally
    try:
        _walk(work, client, progress)
    except SourceError as error:
        tally.failed.append(f"{source.name}: {work.told(error)}; what was published from it stays")
        if isinstance(error, _Vanishing):
            work.abandon()
        else:
            work.interrupt()
    waiting = [failure for failure in store.records.failures() if failure.source == source.name]
    return StageReport(
        stage=f"harvest {source.name}",
        read=tally.read,
        written=tally.written,
        unchanged=tally.unchanged,
        removed=tally.removed,
        rejected={"unreadable": len(waiting)} if waiting else {},
        failed=(*tally.failed, *(f"{failure.place}: {failure.problem}" for failure in waiting)),
        notes=tuple(dict.fromkeys(tally.notes)),
        seconds=time.monotonic() - started,
    )


def _walk(work: _Work, client: Client, progress: Progress) -> None:
    source = work.source
    begun = work.current
    walk = Walk(full=begun.full, now=begun.begun, cursor=begun.cursor, mark=work.state.mark)
    advance: Advance = progress.start(f"Asking {source.name}", None)
    total: int | None = None
    for step in isolated(lambda: map(_sound, source.steps(client, _Known(work.store, source.name), walk))):
        if total is None:
            # A platform that does not say how much there is has about what it had.
            whole = begun.full and begun.cursor is None and begun.known
            total = step.total if step.total is not None else begun.known if whole else 0
            advance = progress.start(f"Harvesting {source.name}", total or None)
        work.take(step)
        advance(len(step.items) + len(step.seen) + len(step.gone) + len(step.broken))
    work.complete()


def _sound(step: Step) -> Step:
    for one in (*step.seen, *step.gone, *step.broken):
        if not isinstance(one, str):
            raise TypeError(f"{one!r} is no id")
    return step


class _Work:
    """One pass: its state and its tally."""

    def __init__(self, source: LiveSource, store: Store, errand: Errand) -> None:
        self.source = source
        self.store = store
        self.errand = errand
        self.tally = _Tally()
        self._masks = Masks(secrets_of(source.options))
        self.state, self.current = self._begin()

    def _begin(self) -> tuple[PassState, Pass]:
        """The pass that was interrupted, or a new one of the kind that is due."""
        options = options_digest(self.source.options)
        state = self.store.passes.state(self.source.name)
        if state.options != options:
            # Others may be asked for now than the mark knows of.
            state = PassState(options=options)
        full = self._is_due(state)
        current = state.current
        if current is not None and (current.full or not full):
            self.tally.notes.append("went on where the last run was interrupted")
        else:
            with self.store.transaction():
                run = int(self.store.get("run") or 0) + 1
                self.store.put("run", str(run))
                current = Pass(full, run, self.errand.now, known=self.store.passes.count(self.source.name))
                self._put(replace(state, current=current))
        mark = "everything was looked at" if current.full else "what changed was looked at"
        self.tally.notes.append(mark)
        return replace(state, current=current), current

    def _is_due(self, state: PassState) -> bool:
        if self.errand.full or state.mark is None or state.full_at is None:
            return True
        days = timedelta(days=self.source.options.full_every)
        return self.errand.now - state.full_at >= days - min(_SLACK, days / 2)

    def told(self, fault: object) -> str:
        """What is said of a fault: of a connector that failed nobody knows what its error quotes."""
        return self._masks.text(str(fault))

    def take(self, step: Step) -> None:
        """Store a step and where it leaves the pass, in one transaction."""
        items = [identified(item) if isinstance(item, RawRecord) else item for item in step.items]
        records = [item for item in items if isinstance(item, RawRecord)]
        errors = [item for item in items if isinstance(item, RecordError)]
        name, run = self.source.name, self.current.run
        # Read again, a record is no failure any more, whether that was named by its place or by its ref.
        read = [one for record in records for one in (record.place, record.ref)]
        errors += [
            RecordError(make_ref(name, number), f"cannot be fetched: {self.told(said)}; it is asked for again")
            for number, said in step.broken.items()
        ]
        with self.store.transaction():
            written, unchanged = self.store.records.upsert(records, run)
            self.store.passes.touch(name, [*step.seen, *step.broken], run)
            gone = self.store.passes.mark_gone(name, step.gone, run)
            self._guard(gone + self.current.gone)
            self.store.passes.set_failures(name, errors, read, run)
            self._put_current(step, gone)
        self.tally.read += len(step.items) + len(step.seen) + len(step.broken)
        self.tally.written += written
        self.tally.unchanged += unchanged + len(step.seen)
        self.tally.notes += step.notes

    def _put_current(self, step: Step, gone: int) -> None:
        current = self.current
        cursor = step.cursor if step.cursor is not None else current.cursor
        mark = step.mark if step.mark is not None else current.mark
        current = replace(current, cursor=cursor, mark=mark, gone=current.gone + gone)
        self._put(replace(self.state, current=current))
        self.current = current

    def complete(self) -> None:
        """Withdraw what is gone, and remember that the pass is complete, in one transaction."""
        name, current = self.source.name, self.current
        with self.store.transaction():
            if current.full:
                self._guard(current.gone + self.store.passes.unseen(name, current.run))
                places = self.store.passes.unreadable(name, current.run)
                self.tally.removed += self.store.records.withdraw(name, current.run, places)
                self.store.passes.forget_failures(name, current.run)
            else:
                self._withdraw_marked()
            mark = current.mark if current.full or current.mark is not None else self.state.mark
            full_at = current.begun if current.full else self.state.full_at
            self._put(PassState(self.state.options, None, mark, full_at))

    def interrupt(self) -> None:
        """Withdraw what was told to be gone as far as the pass came: who made a post private does not wait for its end.

        Not what it did not see, and not step by step: a pass that turns out to be misled withdraws nothing.
        """
        with self.store.transaction():
            self._withdraw_marked()

    def _withdraw_marked(self) -> None:
        if self.current.gone:
            self.tally.removed += self.store.passes.withdraw_marked(self.source.name, self.current.run)

    def abandon(self) -> None:
        """Begin the pass anew next time: what it saw is not to be trusted."""
        with self.store.transaction():
            self._put(replace(self.state, current=None))

    def _guard(self, vanished: int) -> None:
        known = self.current.known
        share = self.errand.max_withdrawn
        if self.errand.allow_vanish or known < self.errand.min_known or vanished <= known * share:
            return
        msg = (
            f"{vanished:,} of {known:,} items are not there any more, more than guard.max_withdrawn ({share:.0%}) "
            "allows, so none of them is withdrawn; look whether the community answers as it should, or, when they "
            f"are meant to go, run `kbgen harvest {self.source.name} --full --allow-vanish`"
        )
        raise _Vanishing(msg)

    def _put(self, state: PassState) -> None:
        self.store.passes.put(self.source.name, state)


def options_digest(options: SourceOptions) -> str:
    """Digest of what decides which items a source has; a new key, title or licence is no reason to ask all again."""
    kept = {
        name: value
        for name, value in options.model_dump(mode="json").items()
        if name not in _SHOWN and not name.endswith(_SECRET)
    }
    text = repr(sorted(kept.items()))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
