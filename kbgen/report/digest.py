"""``kbgen report``: what the knowledge base is, what needs a person, and how healthy it is, as data and in words.

Read from the store and the live site's manifest; how it looks in HTML is ``digest_html``'s business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from kbgen.model import Library, Summary
from kbgen.model.measured import Calibration
from kbgen.report import calibration
from kbgen.report.review import KINDS, Waiting
from kbgen.store import Store

_OLD_YEARS = 3
_TOP = 15


class SourceHealth(Struct, frozen=True):
    """How a source stands: its records, and what became of them by outcome and reason."""

    name: str
    records: int
    withdrawn: int
    publish: int
    held: Mapping[str, int]
    dropped: Mapping[str, int]


class Digest(Struct, frozen=True):
    """The state of a knowledge base.

    Attributes:
        pages: of the compiled site, by kind.
        answers: entries by why their best answer is the best.
        years: entries by the year they were last changed, the oldest first.
        topics: entries by topic, the fullest first.
        tags: how threads came by their tags: ``source``, ``learnt`` ...
        unmapped: source tags the taxonomy does not know, the most used first.
        waiting: how many things wait for a person, by kind.
        old: share of the entries nobody touched for three years before the newest one.
        measured: how right duplicate detection was when it was measured last; None when it never was.
    """

    sources: tuple[SourceHealth, ...]
    pages: Mapping[str, int]
    answers: Mapping[str, int]
    years: Mapping[str, int]
    topics: Mapping[str, int]
    learnt: Mapping[str, int]
    unmapped: Mapping[str, int]
    waiting: Mapping[str, int]
    queue: tuple[Waiting, ...]
    failures: tuple[str, ...]
    merged: int = 0
    threads: int = 0
    old: float = 0.0
    measured: Calibration | None = None


def digest(store: Store, library: Library, waiting: Sequence[Waiting]) -> Digest:
    """Gather the state of a knowledge base.

    Args:
        store: the open store.
        library: the compiled site.
        waiting: the queue, as ``report.review`` gives it.
    """
    summaries = list(store.entries.summaries())
    entries = [one for one in summaries if one.kind == "entry"]
    kinds = Counter(one.kind for one in waiting)
    topics = Counter(topic for one in summaries for topic in one.topics)
    return Digest(
        sources=_sources(store),
        pages=dict(sorted(Counter(page.kind for page in library.pages.values()).items())),
        answers=dict(Counter(one.why or "none" for one in entries).most_common()),
        years=dict(sorted(Counter(_year(one.updated) for one in entries).items())),
        topics=dict(sorted(topics.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP]),
        learnt=_learnt(store),
        unmapped=dict(list(store.curated.unmapped().items())[:_TOP]),
        waiting={kind: kinds[kind] for kind in KINDS if kinds[kind]},
        queue=tuple(waiting),
        failures=tuple(f"{failure.place}: {failure.problem}" for failure in store.records.failures()),
        merged=sum(one.threads > 1 for one in entries),
        threads=sum(one.threads for one in entries),
        old=_old(entries),
        measured=calibration.kept(store),
    )


def _sources(store: Store) -> tuple[SourceHealth, ...]:
    outcomes: dict[str, dict[str, Counter[str]]] = {}
    for row in store.curated.verdicts():
        outcomes.setdefault(row.source, {}).setdefault(row.outcome, Counter())[row.reason] += row.items
    found = []
    for name, (records, withdrawn) in sorted(store.records.counts().items()):
        own = outcomes.get(name, {})
        published = sum(own.get("publish", Counter()).values())
        held, dropped = dict(own.get("hold", {})), dict(own.get("drop", {}))
        found.append(SourceHealth(name, records, withdrawn, published, held, dropped))
    return tuple(found)


def _year(moment: datetime | None) -> str:
    return str(moment.year) if moment else "unknown"


def _old(entries: Iterable[Summary]) -> float:
    # Counted from the newest entry, not from the clock: the same store gives the same report.
    dates = [one.updated for one in entries if one.updated is not None]
    if not dates:
        return 0.0
    newest = max(dates)
    return sum((newest - one).days > _OLD_YEARS * 365 for one in dates) / len(dates)


def _learnt(store: Store) -> dict[str, int]:
    states = Counter(
        line.rsplit(" ", 1)[1] for marks in store.suggestions.tags().values() for line in marks.split("\n")
    )
    return dict(sorted(states.items()))


def words(found: Digest) -> str:
    """The digest as a person reads it."""
    lines = ["Sources"]
    for source in found.sources:
        lines.append(f"  {source.name:<16} {source.records:,} records, {source.publish:,} published")
        for what, reasons in (("held", source.held), ("dropped", source.dropped)):
            if reasons:
                lines.append(f"  {'':<16} {what}: {_counts(reasons)}")
    lines += ["Pages", f"  {_counts(found.pages)}"]
    lines += [f"  {found.threads:,} threads on them; {found.merged:,} pages join several"]
    lines += ["Answers", f"  best answer by: {_counts(found.answers)}", f"  last changed: {_counts(found.years)}"]
    lines.append(f"  {found.old:.0%} untouched for {_OLD_YEARS} years before the newest")
    if found.topics:
        lines += ["Topics", f"  {_counts(found.topics)}"]
    if found.learnt:
        lines += ["Learnt tags", f"  {_counts(found.learnt)}"]
    if found.unmapped:
        lines += ["Tags the taxonomy does not know", f"  {_counts(found.unmapped)}"]
    if found.measured:
        lines += [f"Duplicates, measured {found.measured.day}"]
        lines += [f"  {line}" for line in calibration.bands(found.measured)]
    lines += ["Waits for a person", f"  {_counts(found.waiting) or 'nothing'}; `kbgen review list` shows each"]
    lines += [f"! {failure}" for failure in found.failures]
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{key} {count:,}" for key, count in counts.items())
