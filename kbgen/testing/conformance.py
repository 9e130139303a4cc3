"""The rules every source keeps, as functions for any test runner; each raises ``AssertionError`` with a sentence.

Point a source at a small fixture and call ``check_source``, or each of ``CHECKS`` as a test of its own; then
``check_fingerprint_moves`` with a change of the fixture, and ``check_restricted`` with the ids nobody may see. What is
NOT here: what a platform's payload means, which is for the connector's own tests.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kbgen.errors import RecordError
from kbgen.model import Article, Post, RawRecord, Thread, split_ref
from kbgen.sources.base import Source, Unchanged

Check = Callable[[Source], None]

_ABSOLUTE = re.compile(r"https?://[^/\s]+\S*")
_OUTSIDE = ("socket.", "subprocess.", "urllib.", "http.client.", "os.system", "sqlite3.connect", "ftplib.", "smtplib.")
# Loading a module late, or a library its plug-ins, is not reading input.
_MODULES = (".py", ".pyc", ".so", ".pyd", ".pth", ".zip", "entry_points.txt")


def check_source(source: Source) -> None:
    """Run every check that needs nothing but the source.

    Raises:
        AssertionError: a rule is broken; the message names it and the record.
    """
    for check in CHECKS:
        check(source)


def check_yields(source: Source) -> None:
    """A source yields records, and ``RecordError`` for those it cannot read, never an exception's place alone."""
    harvested = list(source.records())
    _require(any(isinstance(item, RawRecord) for item in harvested), f"{source.name} yields no record")
    for item in harvested:
        known = isinstance(item, RawRecord | RecordError)
        _require(known, f"{source.name} yields {type(item).__name__}; yield RawRecord or RecordError")


def check_refs(source: Source) -> None:
    """Refs begin with the source's name and no two records have the same."""
    seen: set[str] = set()
    for record in _records(source):
        named = record.ref.startswith(f"{source.name}:") and split_ref(record.ref)[1] != ""
        _require(named, f"{record.ref} is not {source.name}:ID; build records with Source.record()")
        _require(record.ref not in seen, f"{record.ref} is yielded twice; yield each item once")
        seen.add(record.ref)


def check_order(source: Source) -> None:
    """Two readings of the same input give the same records in the same order."""
    first, second = ([(record.ref, record.digest) for record in _records(source)] for _ in range(2))
    _require(first == second, f"{source.name} gives another order or other payloads when read again")


def check_payloads(source: Source) -> None:
    """A payload is JSON in UTF-8."""
    for record in _records(source):
        try:
            decoded = msgspec.json.decode(record.payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AssertionError(f"{record.ref}: the payload is not JSON: {error}") from error
        again = msgspec.json.decode(msgspec.json.encode(decoded))
        _require(again == decoded, f"{record.ref}: the payload changes when written and read again")


def check_digests(source: Source) -> None:
    """The digest is that of the payload, so that nothing else can change it."""
    for record in _records(source):
        digest = hashlib.blake2b(record.payload, digest_size=16).hexdigest()
        _require(digest == record.digest, f"{record.ref}: the digest is not that of the payload; use Source.record()")


def check_changes(source: Source) -> None:
    """Told of no signature, ``changes`` gives the records; told of all, it gives each, or calls it unchanged."""
    records = {record.ref: record for record in _records(source)}
    first = [item for item in source.changes({}) if not isinstance(item, RecordError)]
    _require(
        first == list(records.values()),
        f"{source.name}: `changes` gives other records than `records` when none is known",
    )
    known = {ref: record.signature for ref, record in records.items()}
    again = [item for item in source.changes(known) if not isinstance(item, RecordError)]
    _require(
        sorted(item.ref for item in again) == sorted(records),
        f"{source.name}: `changes` does not give each record once when all are known",
    )
    for item in again:
        _require(
            isinstance(item, Unchanged) or item == records[item.ref],
            f"{item.ref}: `changes` gives another record than `records`",
        )


def check_parse_is_pure(source: Source) -> None:
    """Parsing gives the same twice and touches neither file nor network."""
    for record in _records(source):
        with _watched() as touched:
            first, second = source.parse(record), source.parse(record)
        _require(first == second, f"{record.ref}: parse gives another result the second time")
        _require(not touched, f"{record.ref}: parse must not do I/O, but did: {', '.join(touched)}")


def check_threads(source: Source) -> None:
    """A thread has a title, an absolute address, a question and credited authors; its solutions are its answers."""
    for record, thread in _parsed(source):
        if not isinstance(thread, Thread):
            continue
        _require(thread.ref == record.ref, f"{record.ref}: the thread calls itself {thread.ref}")
        _require(thread.title.strip() != "", f"{record.ref}: the thread has no title; raise RecordError instead")
        _require_url(record.ref, thread.url)
        for post in (thread.question, *thread.answers):
            _check_post(record.ref, post)
        answers = [post.id for post in thread.answers]
        _require(len(answers) == len(set(answers)), f"{record.ref}: two answers have the same id")
        for mark in thread.solved:
            _require(
                mark.post_id in answers, f"{record.ref}: the accepted answer {mark.post_id} is not among the answers"
            )


def check_articles(source: Source) -> None:
    """An article has a title, keeps its ref, and lives at an absolute address, at a path of this site, or here."""
    for record, article in _parsed(source):
        if not isinstance(article, Article):
            continue
        _require(article.ref == record.ref, f"{record.ref}: the article calls itself {article.ref}")
        _require(article.title.strip() != "", f"{record.ref}: the article has no title")
        if article.url is not None:
            _require_url(record.ref, article.url)
        if article.path is not None:
            rooted = article.path.startswith("/") and article.path.endswith("/")
            _require(rooted, f"{record.ref}: the path {article.path} does not start and end with a slash")


def check_times(source: Source) -> None:
    """Every time is aware and in UTC."""
    for record, item in _parsed(source):
        for name, value in _times(item):
            utc = value.tzinfo is not None and value.utcoffset() == timedelta(0)
            _require(utc, f"{record.ref}: {name} {value} is not an aware time in UTC")


def check_nothing_hidden_is_public(source: Source) -> None:
    """A thread whose question is hidden or deleted is not public, and no hidden or deleted answer is a solution."""
    for record, thread in _parsed(source):
        if not isinstance(thread, Thread):
            continue
        if thread.question.hidden or thread.question.deleted:
            _require(thread.visibility != "public", f"{record.ref}: the question is hidden or deleted, yet public")
        gone = {post.id for post in thread.answers if post.hidden or post.deleted}
        for mark in thread.solved:
            _require(
                mark.post_id not in gone, f"{record.ref}: the hidden or deleted answer {mark.post_id} is a solution"
            )


def check_fingerprint(source: Source) -> None:
    """The fingerprint of an unchanged input stays the same, before and after reading it."""
    before = source.fingerprint()
    for _ in source.records():
        pass
    _require(before == source.fingerprint(), f"{source.name}: the fingerprint moved though nothing changed")


def check_fingerprint_moves(source: Source, change: Callable[[], object]) -> None:
    """The fingerprint moves when the input does.

    Args:
        source: over an input that may be changed.
        change: changes the input so that its records change.
    """
    before = source.fingerprint()
    records = [record.digest for record in _records(source)]
    change()
    _require(records != [record.digest for record in _records(source)], "the change changed no record; change more")
    moved = before is None or before != source.fingerprint()
    _require(moved, f"{source.name}: the fingerprint stayed though the input changed")


def check_restricted(source: Source, native_ids: Collection[str]) -> None:
    """What an anonymous visitor cannot read is either not yielded or not public.

    Args:
        source: the source.
        native_ids: of items in the input that are private, hidden, unlisted or deleted.
    """
    for record, item in _parsed(source):
        if split_ref(record.ref)[1] in native_ids and isinstance(item, Thread):
            _require(item.visibility != "public", f"{record.ref} is restricted, yet public")


CHECKS: tuple[Check, ...] = (
    check_yields,
    check_refs,
    check_order,
    check_payloads,
    check_digests,
    check_changes,
    check_parse_is_pure,
    check_threads,
    check_articles,
    check_times,
    check_nothing_hidden_is_public,
    check_fingerprint,
)
"""The checks that need nothing but the source."""


def _require(holds: bool, sentence: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise AssertionError(sentence)


def _require_url(ref: str, url: str) -> None:
    _require(_ABSOLUTE.fullmatch(url) is not None, f"{ref}: {url!r} is not an absolute address")


def _records(source: Source) -> Iterator[RawRecord]:
    return (item for item in source.records() if isinstance(item, RawRecord))


def _parsed(source: Source) -> Iterator[tuple[RawRecord, Thread | Article]]:
    return ((record, source.parse(record)) for record in _records(source))


def _check_post(ref: str, post: Post) -> None:
    _require_url(ref, post.url)
    _require(post.author.name.strip() != "", f"{ref}: post {post.id} credits nobody; name its author")
    if post.author.url is not None:
        _require_url(ref, post.author.url)


def _times(item: Thread | Article) -> Iterator[tuple[str, datetime]]:
    places: list[tuple[str, Any]] = [(item.ref, item)]
    if isinstance(item, Thread):
        places += [(f"post {post.id}", post) for post in (item.question, *item.answers)]
        places += [(f"solution {mark.post_id}", mark) for mark in item.solved]
    for place, holder in places:
        for field in ("created", "updated", "edited", "reviewed", "at"):
            value = getattr(holder, field, None)
            if isinstance(value, datetime):
                yield f"{field} of {place}", value


class _Watch:
    """An audit hook cannot be removed, so one is added once and listens only while it is asked to."""

    def __init__(self) -> None:
        self.heard: list[str] | None = None
        self._added = False

    def add(self) -> None:
        if not self._added:
            sys.addaudithook(self._hear)
            self._added = True

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.heard is None:
            return
        if event == "open" and not str(arguments[0]).endswith(_MODULES):
            self.heard.append(f"open {arguments[0]}")
        elif event.startswith(_OUTSIDE):
            self.heard.append(event)


_WATCH = _Watch()


@contextmanager
def _watched() -> Iterator[list[str]]:
    _WATCH.add()
    heard: list[str] = []
    _WATCH.heard = heard
    try:
        yield heard
    finally:
        _WATCH.heard = None
