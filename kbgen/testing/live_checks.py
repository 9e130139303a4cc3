"""The rules every live source keeps, as functions for any test runner; each raises ``AssertionError`` with a sentence.

Describe a small community once as a ``LiveSample``; then call each of ``LIVE_CHECKS`` with it. What is NOT here: what a
platform's payload means, which is for the connector's own tests.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from kbgen.model import Article, RawRecord, StageReport, Thread
from kbgen.sources.base import Harvested, Source
from kbgen.sources.http import Client, Params, Reply
from kbgen.sources.live import LiveSource
from kbgen.testing.conformance import CHECKS, check_fingerprint, check_order
from kbgen.testing.live import harvest_live, stored
from kbgen.testing.server import FakeServer, testing_client

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
# The last is the true answer with every value twisted.
_GARBLED = (b"[]", b"{}", b"null", b'"?"', b"\xff", b"")


@dataclass(frozen=True)
class LiveChange:
    """Something that happens in the community.

    Attributes:
        apply: changes what the server answers.
        native_id: of the item it happens to.
        seen_as: ``changed``: another payload; ``gone``: withdrawn, or stored as what the public may not see.
        seen_by: the kind of pass that has to see it.
    """

    apply: Callable[[FakeServer], object]
    native_id: str
    seen_as: Literal["changed", "gone"]
    seen_by: Literal["changes", "full"] = "full"


@dataclass(frozen=True)
class LiveSample:
    """A small community, and a source that is asked about it.

    Attributes:
        source: makes the source, given the server's address; called anew for every run.
        serve: lays out the community on a server.
        ids: native ids of all that anybody may read.
        changes: what may happen: un-accept, edit, delete, make private, each by its name.
        restricted: native ids that nobody may ever see.
        second: how many requests a second run may cost at most.
    """

    source: Callable[[str], LiveSource]
    serve: Callable[[FakeServer], object]
    ids: Collection[str]
    changes: Mapping[str, LiveChange] = field(default_factory=dict)
    restricted: Collection[str] = ()
    second: int = 3


LiveCheck = Callable[[LiveSample], None]


def check_live_yields(sample: LiveSample) -> None:
    """A first run stores exactly what anybody may read, each item once, and fails at nothing."""
    with _town(sample) as town:
        report = town.run()
        _require(not report.failed, f"a first run fails: {'; '.join(report.failed)}")
        _same(sample.ids, town.public(), "a first run")
        _require(report.written == len(town.records()), "a first run stores an item more than once; yield it once")


def check_live_records(sample: LiveSample) -> None:
    """What is stored keeps the rules of every source: refs, JSON payloads, pure parsing without I/O, and so on."""
    with _town(sample) as town:
        town.run()
        kept = _Stored(town.source(), list(town.records().values()))
        for check in CHECKS:
            if check not in {check_fingerprint, check_order}:
                check(kept)


def check_live_second_run(sample: LiveSample) -> None:
    """A run after nothing happened writes nothing and withdraws nothing, and costs few requests."""
    with _town(sample) as town:
        town.run()
        before = town.records()
        town.server.requests.clear()
        report = town.run()
        asked = len(town.server.requests)
        _require(report.written == report.removed == 0, f"a second run writes {report.written}, drops {report.removed}")
        _require(before == town.records(), "a second run changes what is stored")
        _require(asked <= sample.second, f"a second run asks {asked} times; {sample.second} are enough")


def check_live_full_run(sample: LiveSample) -> None:
    """A full run after nothing happened writes nothing and withdraws nothing."""
    with _town(sample) as town:
        town.run()
        report = town.run(full=True)
        numbers = report.written, report.removed
        _require(numbers == (0, 0), f"a full run over the same writes {report.written}, drops {report.removed}")
        _same(sample.ids, town.public(), "a full run")


def check_live_kill(sample: LiveSample) -> None:
    """A run that is killed at any request is finished by the next: nothing is lost, nothing is stored twice."""
    for full in (False, True):
        with _town(sample) as town:
            requests = _first_then(town, full=full)
        for number in range(1, requests + 1):
            with _town(sample) as town:
                if full:
                    town.run()
                done = town.killed_at(number, full=full)
                report = town.run(full=full)
                place = f"after a kill at request {number} of {requests}"
                _same(sample.ids, town.public(), place)
                _require(not report.failed, f"{place}, the next run fails: {'; '.join(report.failed)}")
                again = done + report.written if not full else report.written
                total = len(town.records()) if not full else 0
                _require(again == total, f"{place}, {again} records are written instead of {total}")


def check_live_changes(sample: LiveSample) -> None:
    """What happens in the community is seen by the kind of pass that is said to see it."""
    for name, change in sample.changes.items():
        with _town(sample) as town:
            town.run()
            before = town.records()[change.native_id]
            change.apply(town.server)
            report = town.run(full=change.seen_by == "full", later=timedelta(hours=1))
            _require(not report.failed, f"{name}: the run fails: {'; '.join(report.failed)}")
            after = town.records().get(change.native_id)
            if change.seen_as == "gone":
                shown = change.native_id in town.public()
                _require(not shown, f"{name}: {change.native_id} is still there after a {change.seen_by} pass")
            else:
                moved = after is not None and after.digest != before.digest
                _require(moved, f"{name}: {change.native_id} is as before after a {change.seen_by} pass")


def check_live_restricted(sample: LiveSample) -> None:
    """What an anonymous visitor cannot read is not stored, or stored as not public."""
    with _town(sample) as town:
        town.run()
        town.run(full=True)
        shown = sorted(set(sample.restricted) & set(town.public()))
        _require(not shown, f"{', '.join(shown)} may not be read by anybody, yet is public")


def check_live_failure(sample: LiveSample) -> None:
    """A community that answers nothing but errors loses nothing: the run fails, and says so."""
    with _town(sample) as town:
        town.run()
        before = town.records()
        for path in set(town.server.paths()):
            town.server.drop(path)
        report = town.run(full=True)
        _require(bool(report.failed) or not before, "a community that answers 404 to everything is no failure")
        _require(before == town.records(), "a community that answers 404 to everything empties the store")


def check_live_garbled(sample: LiveSample) -> None:
    """An answer built otherwise than documented, to any request, ends no run, takes nothing off and is got over."""
    with _town(sample) as town:
        requests = _first_then(town, full=True)
    for number in range(1, requests + 1):
        with _town(sample) as town:
            town.run()
            before = town.public()
            for body in _GARBLED:
                place = f"{body or 'other values'!r} in answer to request {number} of {requests}"
                town.garbled_at(number, body, place)
                # Other values may say that a post is for nobody any more; what is no value says nothing.
                if body:
                    _same(before, town.public(), place)
            report = town.run(full=True)
            _require(not report.failed, f"after {place}, the next run fails: {'; '.join(report.failed)}")
            _same(sample.ids, town.public(), f"after {place}")


LIVE_CHECKS: tuple[LiveCheck, ...] = (
    check_live_yields,
    check_live_records,
    check_live_second_run,
    check_live_full_run,
    check_live_kill,
    check_live_changes,
    check_live_restricted,
    check_live_failure,
    check_live_garbled,
)
"""Every check of a live source."""


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


class Mortal:
    """A client that dies at a request.

    Args:
        client: that does the asking.
        die_at: the request, from 1.
        die: what dying is.
    """

    def __init__(self, client: Client, die_at: int, die: Callable[[], None]) -> None:
        self._client = client
        self._left = die_at
        self._die = die

    def _live(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._die()

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """Ask; see ``Client.get``."""
        self._live()
        return self._client.get(url, params=params, headers=headers, accept=accept, handled=handled)

    def post(
        self, url: str, *, json: object, headers: Mapping[str, str] | None = None, handled: Collection[int] = ()
    ) -> Reply:
        """Send; see ``Client.post``."""
        self._live()
        return self._client.post(url, json=json, headers=headers, handled=handled)


class _Garbled(Mortal):
    """A client that is answered what nobody foresaw, once.

    Args:
        client: that does the asking.
        at: the request, from 1.
        body: what it is answered, where it would be answered at all.
    """

    def __init__(self, client: Client, at: int, body: bytes) -> None:
        super().__init__(client, at, self._garble)
        self._body = body
        self._due = False

    def _garble(self) -> None:
        self._due = True

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """Ask; see ``Client.get``."""
        return self._answer(super().get(url, params=params, headers=headers, accept=accept, handled=handled))

    def post(
        self, url: str, *, json: object, headers: Mapping[str, str] | None = None, handled: Collection[int] = ()
    ) -> Reply:
        """Send; see ``Client.post``."""
        return self._answer(super().post(url, json=json, headers=headers, handled=handled))

    def _answer(self, reply: Reply) -> Reply:
        due, self._due = self._due and reply.status == 200, False
        return replace(reply, body=self._body or _twisted(reply.body)) if due else reply


class _Town:
    """A sample being served, and the store of its source."""

    def __init__(self, sample: LiveSample, server: FakeServer, file: Path) -> None:
        self._sample = sample
        self.server = server
        self._file = file
        self._now = _NOW

    def source(self) -> LiveSource:
        return self._sample.source(self.server.url)

    def run(self, *, full: bool = False, later: timedelta = timedelta(days=1)) -> StageReport:
        self._now += later
        with testing_client(self.server) as client:
            return harvest_live(self.source(), client, self._file, full=full, now=self._now)

    def killed_at(self, number: int, *, full: bool) -> int:
        """Run until a request; how many records that stored."""
        before = len(self.records())
        self._now += timedelta(days=1)
        with testing_client(self.server) as client:
            try:
                mortal = Mortal(client, number, _kill)
                harvest_live(self.source(), mortal, self._file, full=full, now=self._now)
            except Killed:
                pass
        return len(self.records()) - before

    def garbled_at(self, number: int, body: bytes, place: str) -> None:
        """Run fully, with something else in answer to one request."""
        self._now += timedelta(days=1)
        with testing_client(self.server) as client:
            try:
                harvest_live(self.source(), _Garbled(client, number, body), self._file, full=True, now=self._now)
            except BaseException as error:
                error.add_note(f"{place} ends the run")
                raise

    def records(self) -> dict[str, RawRecord]:
        return stored(self._file, self.source().name)

    def public(self) -> list[str]:
        """Ids of what would be shown."""
        source = self.source()
        parsed = {number: source.parse(record) for number, record in self.records().items()}
        return [number for number, item in parsed.items() if not (isinstance(item, Thread) and _hidden(item))]


class _Stored(Source):
    """What a store holds of a source, for the checks of every source."""

    kind = "stored"

    def __init__(self, source: LiveSource, records: list[RawRecord]) -> None:
        super().__init__(source.options, source.project)
        self._source = source
        self._records = records

    def fingerprint(self) -> str | None:
        return None

    def records(self) -> Iterator[Harvested]:
        return iter(self._records)

    def parse(self, record: RawRecord) -> Thread | Article:
        return self._source.parse(record)


@contextmanager
def _town(sample: LiveSample) -> Iterator[_Town]:
    with tempfile.TemporaryDirectory(prefix="kbgen-") as folder, FakeServer() as server:
        sample.serve(server)
        yield _Town(sample, server, Path(folder) / "store.sqlite")


def _first_then(town: _Town, *, full: bool) -> int:
    """How many requests a pass takes: the first one, or a full one after it."""
    town.run()
    if full:
        town.server.requests.clear()
        town.run(full=True)
    return len(town.server.requests)


def _twisted(body: bytes) -> bytes:
    """JSON with an empty list in the place of every text and number, but for those beside a list, which lead on."""

    def twist(value: object) -> object:
        if isinstance(value, dict):
            lists = any(isinstance(inner, list) and inner for inner in value.values())
            return {key: inner if lists and _is_plain(inner) else twist(inner) for key, inner in value.items()}
        return [twist(inner) for inner in value] if isinstance(value, list) else []

    try:
        return json.dumps(twist(json.loads(body))).encode()
    except ValueError:
        return body


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)


def _kill() -> None:
    raise Killed


def _hidden(thread: Thread) -> bool:
    return thread.visibility != "public" or thread.question.hidden or thread.question.deleted


def _same(expected: Collection[str], actual: Collection[str], place: str) -> None:
    missing, extra = sorted(set(expected) - set(actual)), sorted(set(actual) - set(expected))
    _require(not missing, f"{place}: {', '.join(missing)} is missing")
    _require(not extra, f"{place}: {', '.join(extra)} should not be there")


def _require(holds: bool, sentence: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise AssertionError(sentence)
