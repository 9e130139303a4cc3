"""The curate stage: what changed in the store goes through the steps, in worker processes, and back.

Two halves. ``curate_items``: one record, one curated item, nothing else looked at. ``make_entries``: items are
clustered, and each cluster becomes one entry. Every row is keyed by the digest of its inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from kbgen.codebase import code_digest
from kbgen.config import Config
from kbgen.curate.autotag import Learnt, plan_tags
from kbgen.curate.clusters import find_clusters, head
from kbgen.curate.erasure import Erasure, scrub
from kbgen.curate.item import CURATE_VERSION, Context, curate_record
from kbgen.curate.keys import key_of, value_key
from kbgen.curate.merge import MERGE_VERSION, build_article, build_entry
from kbgen.curate.near import near_duplicates
from kbgen.curate.overlays import with_formulas
from kbgen.curate.staleness import DRIFT, LINKS, ORIGIN, dead_links, drifted, suggestions
from kbgen.curate.summary import summarise
from kbgen.curate.tagging import place, vocabulary_key, with_learnt
from kbgen.curate.unknown_refs import unknown_refs
from kbgen.executor import Workers, chunks, give_back, uncollected
from kbgen.model import (
    ArticleEntry,
    Cluster,
    Curated,
    Entry,
    Overlay,
    PlainText,
    RawRecord,
    Ref,
    StageReport,
    Taxonomy,
    Verdict,
    split_ref,
)
from kbgen.progress import Progress
from kbgen.search.documents import own_words
from kbgen.search.prepared import prepare
from kbgen.sources import open_source
from kbgen.sources.base import Source, SourceOptions
from kbgen.store import Store, open_store
from kbgen.store.items import CuratedRow, EntryRow, pack

_CHUNK = 100
_PLACED = " in "  # before the vocabulary's part of an item's key
_PLACED_AT_ONCE = 500
_MANY = 5000
_MANY_WORDS = 100  # tags a vocabulary lacks that nobody writes down by hand


@dataclass(frozen=True)
class CurateJob:
    """All a worker needs besides the refs; picklable.

    Attributes:
        store: the store's file, opened read-only by each worker.
        options: the options of every source, the project's own articles included.
        overlays: writers' decisions by thread, merges and splits of reviewers among them.
        decisions: reviewers' verdicts by thread.
        erasure: what is not to be kept.
    """

    config: Config
    project: Path
    store: Path
    taxonomy: Taxonomy
    options: tuple[SourceOptions, ...]
    overlays: Mapping[Ref, Overlay] = field(default_factory=dict)
    decisions: Mapping[Ref, Verdict] = field(default_factory=dict)
    erasure: Erasure = field(default_factory=Erasure)

    def sources(self) -> dict[str, Source]:
        """The sources by name, for parsing."""
        opened = (open_source(options, self.project) for options in self.options)
        return {source.name: source for source in opened}

    def context(self, options: SourceOptions) -> Context:
        """What every step of one source's items is told besides the item."""
        host = urlsplit(self.config.site.url).hostname
        return Context(
            rules=self.config.rules,
            privacy=self.config.privacy,
            taxonomy=self.taxonomy,
            options=options,
            languages=self.config.site.languages,
            own_hosts=frozenset({host} if host else ()),
            erasure=self.erasure,
        )


def curate(
    job: CurateJob,
    store: Store,
    workers: Workers,
    progress: Progress,
    *,
    clean: bool = False,
    changing: Callable[[], object] | None = None,
) -> StageReport:
    """Bring every curated item and every entry up to date.

    Args:
        job: what to curate with.
        store: the open store.
        workers: where the steps run.
        progress: where to report.
        clean: make everything again.
        changing: called once the items are curated, when any of them has changed.
    """
    started = time.monotonic()
    read, written, removed = _curate_items(job, store, workers, progress, clean=clean)
    if changing and (written or removed):
        changing()
    with uncollected():
        made, dropped, unknown = _make_entries(job, store, workers, progress, clean=clean)
    verdicts = store.curated.verdicts()
    rejected: dict[str, int] = {}
    for row in verdicts:
        if row.outcome != "publish":
            rejected[row.reason] = rejected.get(row.reason, 0) + row.items
    published = sum(row.items for row in verdicts if row.outcome == "publish")
    changed = [f"{made} pages changed, {dropped} withdrawn"] if made or dropped else []
    return StageReport(
        stage="curate",
        read=read,
        written=written,
        unchanged=read - written,
        removed=removed,
        rejected=dict(sorted(rejected.items())),
        failed=store.curated.notes("malformed"),
        notes=(*changed, *unknown, *_unmapped_tags(store), *_unmarked(rejected, published)),
        seconds=time.monotonic() - started,
    )


def _unmapped_tags(store: Store) -> list[str]:
    unmapped = list(store.curated.unmapped().items())
    if not unmapped:
        return []
    top = ", ".join(f"{tag} ({count})" for tag, count in unmapped[:10])
    more = "; `kbgen taxonomy suggest` proposes a vocabulary" if len(unmapped) > _MANY_WORDS else ""
    return [f"tags the taxonomy does not have ({len(unmapped)}): {top}{more}"]


def _unmarked(rejected: Mapping[str, int], published: int) -> list[str]:
    """What to do about a community that marks no solutions: most of what it knows is left out by default."""
    left = rejected.get("answered", 0)
    if left <= published:
        return []
    rule = "`rules.answered: publish` shows them with their most helpful answer"
    return [f"{left:,} threads have answers of which none is marked as the solution; {rule}"]


# --- items -----------------------------------------------------------------------------------------------


def _curate_items(
    job: CurateJob, store: Store, workers: Workers, progress: Progress, *, clean: bool
) -> tuple[int, int, int]:
    seeds = {name: _seed(job, source) for name, source in job.sources().items()}
    vocabulary = vocabulary_key(job.taxonomy)
    wanted: dict[str, str] = {}
    for state in store.records.states():
        if not state.gone and state.source in seeds:
            made_from = key_of(state.digest, seeds[state.source], _decided(job, state.ref))
            wanted[state.ref] = f"{made_from}{_PLACED}{vocabulary}"
    have = store.curated.inputs()
    moved = [ref for ref, key in wanted.items() if clean or have.get(ref) != key]
    placed = set() if clean else {ref for ref in moved if _bare(have.get(ref, "")) == _bare(wanted[ref])}
    todo = [ref for ref in moved if ref not in placed]
    gone = [ref for ref in have if ref not in wanted]
    _scrub(job.erasure, store, todo)
    advance = progress.start("Curating", len(todo))
    for rows in workers.map(partial(_curate_chunk, job), chunks(todo, _CHUNK)):
        with store.transaction():
            store.curated.put(row._replace(input=wanted[row.ref]) for row in rows)
        advance(len(rows))
    replaced = _place_again(job, store, workers, progress, {ref: wanted[ref] for ref in moved if ref in placed})
    with store.transaction():
        store.curated.delete(gone)
    return len(wanted), len(todo) + replaced, len(gone)


def _bare(key: str) -> str:
    """The part of an item's key that has nothing to do with the vocabulary."""
    return key.partition(_PLACED)[0]


def _place_again(job: CurateJob, store: Store, workers: Workers, progress: Progress, wanted: Mapping[str, str]) -> int:
    """After an edit of the vocabulary: items keep their texts, and find their place in it anew."""
    if not wanted:
        return 0
    changed = 0
    advance = progress.start("Placing", len(wanted))
    parts = list(chunks(list(wanted), _PLACED_AT_ONCE))
    for refs, rows in zip(parts, workers.map(partial(_place_chunk, job), parts), strict=True):
        other = {row.ref for row in rows}
        with store.transaction():
            store.curated.put(row._replace(input=wanted[row.ref]) for row in rows)
            store.curated.set_inputs((ref, wanted[ref]) for ref in refs if ref not in other)
        changed += len(rows)
        advance(len(refs))
    return changed


def _place_chunk(job: CurateJob, refs: Sequence[str]) -> list[CuratedRow]:
    """Rows of the items whose place is another now."""
    _, store, _ = _open(job)
    items = store.curated.get(refs)
    return [_row(placed) for item in items if (placed := place(item, job.taxonomy)) != item]


def _seed(job: CurateJob, source: Source) -> str:
    """Digest of all an item depends on besides its record and the vocabulary."""
    config = job.config
    settings = [part.model_dump_json() for part in (config.rules, config.privacy, source.options)]
    languages = ",".join(config.site.languages)
    erased = job.erasure.digest(source.name)
    return key_of(str(CURATE_VERSION), str(source.version), languages, *settings, erased)


def _scrub(erasure: Erasure, store: Store, refs: Sequence[str]) -> None:
    """What a harvest brought back of those who are to be forgotten is taken out before anything else is done."""
    concerned = [ref for ref in refs if erasure.concerns(split_ref(ref)[0])]
    for part in chunks(concerned, _CHUNK):
        cleaned = [(one, scrub(one, erasure)) for one in store.records.get(part)]
        with store.transaction():
            store.records.rewrite((one.ref, payload) for one, payload in cleaned if payload != one.payload)


def _hidden_by(job: CurateJob, ref: str) -> str:
    overlay = job.overlays.get(Ref(ref))
    return overlay.file if overlay is not None and overlay.hide else ""


def _decided(job: CurateJob, ref: str) -> str:
    """What people decided about the thread as a whole, for its digest."""
    verdict = job.decisions.get(Ref(ref))
    return f"{_hidden_by(job, ref)}\0{verdict.outcome}" if verdict else _hidden_by(job, ref)


class _Open(NamedTuple):
    """What a worker keeps of its last job, so that a chunk costs no start-up."""

    sources: dict[str, Source]
    store: Store
    contexts: dict[str, Context]


_opened: tuple[CurateJob, _Open] | None = None


def _open(job: CurateJob) -> _Open:
    global _opened  # noqa: PLW0603
    if _opened is None or _opened[0] != job or _opened[1].store.replaced:
        sources = job.sources()
        contexts = {name: job.context(source.options) for name, source in sources.items()}
        if _opened is not None:
            _opened[1].store.close()
        _opened = (job, _Open(sources, open_store(job.store, read_only=True), contexts))
    return _opened[1]


def _curate_chunk(job: CurateJob, refs: Sequence[str]) -> list[CuratedRow]:
    sources, store, contexts = _open(job)
    rows: list[CuratedRow] = []
    for record in store.records.get(refs):
        source = sources[split_ref(record.ref)[0]]
        item = _curate_one(record, source, contexts[source.name], job.decisions.get(record.ref))
        rows.append(_row(_withhold(item, _hidden_by(job, record.ref))))
    return rows


def _curate_one(record: RawRecord, source: Source, context: Context, review: Verdict | None) -> Curated:
    """Curate a record; a fault of our own in it is that record's alone, named and held like unreadable input."""
    try:
        return curate_record(record, source, context, review=review)
    except Exception as error:  # noqa: BLE001  # one record in a hundred thousand must not end the night
        note = f"{record.ref} ({record.place}): curating failed with {type(error).__name__}: {error}; please report it"
        held = Verdict("hold", ("malformed",))
        return Curated(record.ref, record.kind, held, PlainText(record.ref), record.url, warnings=(note,))


def _withhold(item: Curated, file: str) -> Curated:
    """A writer's ``hide`` wins over every rule, and the text does not stay in the store's derived rows."""
    if not file:
        return item
    verdict = Verdict("drop", ("hidden-by-writer", *item.verdict.reasons), file)
    return Curated(item.ref, item.kind, verdict, item.title, item.url, warnings=item.warnings)


def _row(item: Curated) -> CuratedRow:
    publish = item.verdict.outcome == "publish"
    return CuratedRow(
        ref=item.ref,
        kind=item.kind,
        input="",
        digest=value_key(item),
        outcome=item.verdict.outcome,
        reason=item.verdict.reasons[0],
        unmapped="\n".join(item.unmapped),
        note="; ".join(item.warnings),
        head=msgspec.msgpack.encode(head(item)) if publish and item.kind == "thread" else None,
        payload=pack(item),
    )


# --- entries ---------------------------------------------------------------------------------------------


class _Plan(msgspec.Struct, frozen=True):
    """One page's content to be made: a cluster of threads, or an article with the threads it settles."""

    ref: Ref
    members: tuple[Ref, ...]
    input: str
    cluster: Cluster | None = None
    learnt: tuple[tuple[Learnt, ...], ...] = ()


class _Around(NamedTuple):
    """Digests of what merging looks at besides the items."""

    options: str
    vocabulary: str


def _make_entries(
    job: CurateJob, store: Store, workers: Workers, progress: Progress, *, clean: bool
) -> tuple[int, int, list[str]]:
    digests = store.curated.digests()
    articles = store.curated.get(store.curated.refs("article", "publish"))
    unknown = unknown_refs(job.overlays.values(), job.taxonomy.topics, articles, digests)
    settled = {ref for item in articles if item.article for ref in item.article.answers}
    every = list(store.curated.heads())
    heads = [one for one in every if one.ref not in settled]
    tagging = plan_tags(store, job.taxonomy, job.overlays, every, clean=clean)
    # Comparing and learning take most of the memory of a night, and are the work of one process each.
    workers.rest()
    around = _Around(_options_digest(job), vocabulary_key(job.taxonomy))
    with tagging.begun(workers) as answers:
        near = near_duplicates(store, job.config.duplicates, heads, articles, clean=clean)
        clusters = find_clusters(heads, job.overlays, frozenset(store.permalinks.all()), near=near)
        with store.transaction():
            store.suggestions.replace(ORIGIN, suggestions(heads, clusters))
            store.suggestions.replace(DRIFT, drifted(store.curated.get(sorted(job.overlays)), job.overlays))
        del near, heads, every
        give_back()
        have = store.entries.inputs()
        making = _Making(job, store, workers, {} if clean else have)
        known, asked = tagging.known(store), tagging.asked
        late = [cluster for cluster in clusters if not asked.isdisjoint(cluster.members)] if asked else []
        waiting = {cluster.lead for cluster in late}
        ready = [one for one in clusters if one.lead not in waiting]
        plans = [_cluster_build(cluster, job, digests, around, known) for cluster in ready]
        plans += [_article_build(item, digests, around.options) for item in articles]
        # Meanwhile models may still be learning from these very threads.
        made = making.make(plans, progress, "Merging")
        learnt = tagging.keep(store, answers(), progress) if asked else known
    made += making.make([_cluster_build(one, job, digests, around, learnt) for one in late], progress, "Merging tagged")
    if made > _MANY:
        # What the workers know of so many words by now is of no use to those that pour pages.
        workers.rest()
    gone = have.keys() - {one.lead for one in clusters} - {item.ref for item in articles}
    with store.transaction():
        store.entries.delete(gone)
        store.entries.set_clusters(clusters)
        store.suggestions.replace(LINKS, dead_links(store))
    return made, len(gone), unknown


class _Making(NamedTuple):
    """Makes what is not there as it should be; ``have`` are the entries that are, to the digests of their inputs."""

    job: CurateJob
    store: Store
    workers: Workers
    have: Mapping[str, str]

    def make(self, plans: Sequence[_Plan], progress: Progress, doing: str) -> int:
        """Make what differs, store it, and tell how many that were."""
        todo = [plan for plan in plans if self.have.get(plan.ref) != plan.input]
        if not todo:
            return 0
        advance = progress.start(doing, len(todo))
        for rows in self.workers.map(partial(_build_chunk, self.job), chunks(todo, _CHUNK)):
            with self.store.transaction():
                self.store.entries.put(rows)
            advance(len(rows))
        return len(todo)


def _cluster_build(
    cluster: Cluster,
    job: CurateJob,
    digests: Mapping[str, str],
    around: _Around,
    learnt: Mapping[Ref, tuple[Learnt, ...]],
) -> _Plan:
    overlay = job.overlays.get(cluster.lead)
    written = value_key(overlay) if overlay else ""
    by_writer = overlay is not None and (overlay.tags is not None or overlay.topics is not None)
    evidence = value_key(cluster)
    applied = tuple(tuple(one for one in learnt.get(ref, ()) if one.applied) for ref in cluster.members)
    tagged = value_key(applied) if any(applied) else ""
    # The members have found their place; what is added here finds its own.
    vocabulary = around.vocabulary if tagged or by_writer else ""
    made_from = (evidence, written, around.options, tagged, vocabulary)
    key = key_of(str(MERGE_VERSION), *made_from, *(digests[ref] for ref in cluster.members))
    return _Plan(cluster.lead, cluster.members, key, cluster, applied)


def _article_build(item: Curated, digests: Mapping[str, str], around: str) -> _Plan:
    answers = item.article.answers if item.article else ()
    settled = tuple(ref for ref in answers if ref in digests)
    key = key_of(str(MERGE_VERSION), digests[item.ref], around, *(digests[ref] for ref in settled))
    return _Plan(item.ref, (item.ref, *settled), key)


def _options_digest(job: CurateJob) -> str:
    """Of what merging looks at besides items and vocabulary: titles and licences of sources, the rules."""
    shown = [(one.name, one.title, one.url, one.licence, one.licence_url, one.math_marks) for one in job.options]
    return key_of(repr(shown), code_digest("search"), job.config.rules.model_dump_json())


def _build_chunk(job: CurateJob, builds: Sequence[_Plan]) -> list[EntryRow]:
    _, store, _ = _open(job)
    items = {item.ref: item for item in store.curated.get([ref for build in builds for ref in build.members])}
    rows: list[EntryRow] = []
    for build in builds:
        kind: Literal["entry", "article"] = "entry" if build.cluster else "article"
        learnt = build.learnt or ((),) * len(build.members)
        members = zip((items[ref] for ref in build.members), learnt, strict=True)
        tagged = [with_learnt(item, [one.mark for one in marks], job.taxonomy) for item, marks in members]
        made = _build(build, tagged, job)
        summary = msgspec.msgpack.encode(summarise(made))
        own = own_words(made)
        terms = prepare(own.title, own.also, own.text, made.lang)
        rows.append(EntryRow(build.ref, kind, build.input, made.digest, summary, terms, pack(made)))
    return rows


def _build(build: _Plan, members: Sequence[Curated], job: CurateJob) -> Entry | ArticleEntry:
    options = {one.name: one for one in job.options}
    if build.cluster is not None:
        overlay = job.overlays.get(build.ref)
        if overlay is not None:
            overlay = with_formulas(overlay, options[split_ref(build.ref)[0]])
        rules, taxonomy = job.config.rules, job.taxonomy
        return build_entry(build.cluster, members, overlay, options, rules=rules, taxonomy=taxonomy)
    settled = [item for item in members[1:] if item.verdict.outcome == "publish"]
    return build_article(members[0], settled, options)
