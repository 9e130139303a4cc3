"""Runs passes of a live source against a fake server, keeping what they give as the store would."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from kbgen.errors import RecordError
from kbgen.model import Article, RawRecord, Thread, split_ref
from kbgen.sources.http import Client, Params, Reply, address
from kbgen.sources.live import LiveSource, Step, Walk
from kbgen.testing.server import FakeServer, testing_client

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Counted:
    """A client that notes what it is asked for."""

    def __init__(self, client: Client, asked: list[str]) -> None:
        self._client = client
        self._asked = asked

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """See ``Client.get``."""
        self._asked.append(address(url, params))
        return self._client.get(url, params=params, headers=headers, accept=accept, handled=handled)

    def post(
        self, url: str, *, json: object, headers: Mapping[str, str] | None = None, handled: Collection[int] = ()
    ) -> Reply:
        """See ``Client.post``."""
        self._asked.append(url)
        return self._client.post(url, json=json, headers=headers, handled=handled)


@dataclass
class Shelf:
    """What is known of a source, and where its next pass begins.

    Attributes:
        connect: gives a client.
        records: native id to record, in the order they first came.
        errors: what the last pass could not read.
        fetched: ids the last pass gave as items.
        asked: addresses the last pass asked for.
    """

    source: LiveSource
    connect: Callable[[], AbstractContextManager[Client]]
    records: dict[str, RawRecord] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    cursor: str | None = None
    mark: str | None = None
    full: bool = True
    met: set[str] = field(default_factory=set)

    def signature(self, native_id: str) -> str | None:
        """See ``Known``."""
        record = self.records.get(native_id)
        return None if record is None else record.signature

    def ids(self) -> Sequence[str]:
        """See ``Known``."""
        return list(self.records)

    def run(self, *, full: bool = False) -> Shelf:
        """Do a whole pass, going on where one broke off."""
        if self.cursor is None:
            self.full, self.met = full or self.mark is None, set()
        self.errors, self.fetched, self.asked = [], [], []
        walk = Walk(self.full, NOW, self.cursor, None if self.full else self.mark)
        mark = self.mark
        with self.connect() as client:
            for step in self.source.steps(Counted(client, self.asked), self, walk):
                self._keep(step)
                mark = step.mark or mark
        if self.full:
            self.records = {key: record for key, record in self.records.items() if key in self.met}
        self.cursor, self.mark = None, mark
        return self

    def _keep(self, step: Step) -> None:
        for item in step.items:
            if isinstance(item, RecordError):
                self.errors.append(str(item))
                continue
            number = split_ref(item.ref)[1]
            assert number not in self.fetched, f"{number} came twice"
            assert msgspec.json.encode(msgspec.json.decode(item.payload), order="deterministic") == item.payload
            self.fetched.append(number)
            self.records[number] = item
            self.met.add(number)
        self.met.update(step.seen)
        for number in step.gone:
            self.records.pop(number, None)
        self.cursor = step.cursor

    def threads(self) -> dict[str, Thread]:
        """Every thread that is kept, parsed."""
        parsed = {number: self.source.parse(record) for number, record in self.records.items()}
        return {number: thread for number, thread in parsed.items() if isinstance(thread, Thread)}

    def articles(self) -> dict[str, Article]:
        """Every article that is kept, parsed."""
        parsed = {number: self.source.parse(record) for number, record in self.records.items()}
        return {number: article for number, article in parsed.items() if isinstance(article, Article)}


def shelf_for(source: LiveSource, server: FakeServer) -> Shelf:
    """An empty shelf over a fake server."""
    return Shelf(source, lambda: testing_client(server))


def paths(shelf: Shelf) -> list[str]:
    """Paths the last pass asked for."""
    return [urlsplit(url).path for url in shelf.asked]


def accepted(thread: Thread) -> list[str]:
    """Ids of the accepted answers."""
    return [solution.post_id for solution in thread.solved]
