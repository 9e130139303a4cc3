"""What a live source's walk leaves behind, for tests: a store in memory, and passes over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kbgen.errors import RecordError
from kbgen.model import RawRecord, Thread, split_ref
from kbgen.sources.http import Client
from kbgen.sources.live import LiveSource, Step, Walk

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Held:
    """The records of one source, kept as ``Step`` promises they are; a ``Known`` to its connector."""

    records: dict[str, RawRecord] = field(default_factory=dict)
    errors: list[RecordError] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cursor: str | None = None
    mark: str | None = None

    def signature(self, native_id: str) -> str | None:
        """The list's word when the item was fetched."""
        record = self.records.get(native_id)
        return None if record is None else record.signature

    def ids(self) -> Sequence[str]:
        """Everything that is held."""
        return tuple(self.records)

    def walk(self, source: LiveSource, client: Client, *, full: bool = False, steps: int | None = None) -> Held:
        """Do one pass, or only its first steps, and keep what it gives.

        Args:
            source: the connector.
            client: to the fake server.
            full: over everything; the first pass is, in any case.
            steps: the pass is interrupted after so many.
        """
        self.fetched, self.errors, self.notes = [], [], []
        full = full or self.mark is None
        walk = Walk(full=full, now=NOW, cursor=self.cursor, mark=self.mark)
        reached: set[str] = set()
        mark = self.mark
        for number, step in enumerate(source.steps(client, self, walk), 1):
            reached |= self._keep(step)
            mark = step.mark or mark
            if number == steps:
                return self
        if full and walk.cursor is None:
            self.records = {key: record for key, record in self.records.items() if key in reached}
        self.cursor, self.mark = None, mark
        return self

    def _keep(self, step: Step) -> set[str]:
        for item in step.items:
            if isinstance(item, RecordError):
                self.errors.append(item)
            else:
                native_id = split_ref(item.ref)[1]
                self.fetched.append(native_id)
                self.records[native_id] = item
        for native_id in step.gone:
            self.records.pop(native_id, None)
        assert set(step.seen) <= set(self.records), "seen means stored"
        self.cursor = step.cursor
        self.notes += step.notes
        return {*self.fetched, *step.seen}

    def threads(self, source: LiveSource) -> dict[str, Thread]:
        """Everything held, parsed."""
        parsed = {key: source.parse(record) for key, record in self.records.items()}
        return {key: thread for key, thread in parsed.items() if isinstance(thread, Thread)}
