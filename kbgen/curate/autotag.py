"""Tags for threads nobody tagged, learnt from the community's own tagged ones: the step over the whole corpus.

What is learnt from is a function of the corpus, so that a clean build tags as an incremental one does; and it holds
still, so that a night's new threads are asked about and do not teach: see ``lessons``. A thread is asked about once
for each model; a model is trained once and kept in ``.kbgen/tags``. How tags are learnt is decided in
``autotag_model``, which is loaded only where there is something to do.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from kbgen.curate.autotag_text import Document, document, names_of
from kbgen.executor import Workers, chunks
from kbgen.model import Curated, Head, Overlay, Ref, Slug, TagMark, Taxonomy, split_ref
from kbgen.progress import Advance, Progress
from kbgen.store import Store
from kbgen.store.suggestions import TagRow

if TYPE_CHECKING:
    from kbgen.curate.autotag_model import Model

AUTOTAG_VERSION = 2
"""Raise it when the same threads would be tagged differently."""
APPLIED_FROM = 0.85
"""The confidence from which a tag is applied; below it, it is a suggestion. Measured: four of five are right."""
SUGGESTED_FROM = 0.5
LEAST_LESSONS = 200
"""Tagged threads a source needs to be learnt from; with fewer it learns from all sources together."""
LEAST_LESSONS_OF_A_TAG = 5
_MOST_LESSONS = 4000  # more teach little: micro-F1 of 4,000 is within a point of that of 19,000
_MOST_TAGS = 200
_APPLIED_AT_MOST = 5
_BATCH = 500
_ALL = ""  # the name of the model of all sources together


class Learnt(Struct, frozen=True):
    """A tag a model gave.

    Attributes:
        confidence: the probability that a person would give it, 0 to 1.
        applied: it is on the page; otherwise it is a suggestion.
    """

    tag: Slug
    confidence: float
    applied: bool

    @property
    def mark(self) -> TagMark:
        """As it stands on a thread."""
        return TagMark(self.tag, f"learnt:{self.confidence:.2f}")


class _Class(NamedTuple):
    """One model to be: who teaches it, and who asks it."""

    name: str
    teachers: tuple[Head, ...]
    tags: tuple[Slug, ...]
    key: str


class _Step(NamedTuple):
    """What asking needs besides the class."""

    store: Store
    taxonomy: Taxonomy
    wanted: Mapping[Ref, str]
    advance: Advance
    workers: Workers | None
    clean: bool


def learn_tags(
    store: Store,
    taxonomy: Taxonomy,
    overlays: Mapping[Ref, Overlay],
    progress: Progress,
    *,
    workers: Workers | None = None,
    clean: bool = False,
) -> dict[Ref, tuple[Learnt, ...]]:
    """Bring the learnt tags of every untagged thread up to date.

    Args:
        store: the open store, its items curated.
        taxonomy: the vocabulary.
        overlays: a thread a writer tagged is left alone.
        progress: where to report.
        workers: starts the process models are trained in; None for this one.
        clean: train and ask again.

    Returns:
        Learnt tags, applied and suggested, of the threads that have any.
    """
    heads = list(store.curated.heads())
    asking = [head for head in heads if not head.tags and not _is_tagged(overlays.get(head.ref))]
    classes = _classes(heads, asking, taxonomy)
    wanted = {
        head.ref: _digest(head.words, taught.key)
        for head in asking
        if (taught := classes.get(split_ref(head.ref)[0])) is not None
    }
    have = store.suggestions.tag_inputs()
    todo = [ref for ref, key in wanted.items() if clean or have.get(ref) != key]
    gone = [ref for ref in have if ref not in wanted]
    if gone:
        with store.transaction():
            store.suggestions.delete_tags(gone)
    if todo:
        step = _Step(store, taxonomy, wanted, progress.start("Tagging", len(todo)), workers, clean)
        for taught in {one.name: one for one in classes.values()}.values():
            _ask(taught, [ref for ref in todo if classes[split_ref(ref)[0]] is taught], step)
    return read_learnt(store)


def read_learnt(store: Store) -> dict[Ref, tuple[Learnt, ...]]:
    """Read the learnt tags of the last run, the surest first."""
    return {ref: tuple(_lines(marks)) for ref, marks in store.suggestions.tags().items()}


def _lines(marks: str) -> Iterator[Learnt]:
    for line in marks.split("\n"):
        tag, confidence, state = line.rsplit(" ", 2)
        yield Learnt(Slug(tag), float(confidence), state == "applied")


def _is_tagged(overlay: Overlay | None) -> bool:
    return overlay is not None and overlay.tags is not None


def _classes(heads: Sequence[Head], asking: Sequence[Head], taxonomy: Taxonomy) -> dict[str, _Class]:
    """The model each source's untagged threads are asked of; none where too few threads are tagged."""
    tagged: dict[str, list[Head]] = {}
    for head in heads:
        if head.tags:
            tagged.setdefault(split_ref(head.ref)[0], []).append(head)
    every = [head for own in tagged.values() for head in own]
    made: dict[str, _Class | None] = {}
    chosen: dict[str, _Class] = {}
    for source in sorted({split_ref(head.ref)[0] for head in asking}):
        own = tagged.get(source, [])
        name, teachers = (source, own) if len(own) >= LEAST_LESSONS else (_ALL, every)
        if name not in made:
            made[name] = _class(name, teachers, taxonomy) if len(teachers) >= LEAST_LESSONS else None
        found = made[name]
        if found is not None:
            chosen[source] = found
    return chosen


def _class(name: str, tagged: Sequence[Head], taxonomy: Taxonomy) -> _Class:
    teachers = lessons(tagged)
    frequency = Counter(tag for head in teachers for tag in head.tags)
    common = sorted(
        (tag for tag, n in frequency.items() if n >= LEAST_LESSONS_OF_A_TAG), key=lambda t: (-frequency[t], t)
    )
    tags = tuple(sorted(common[:_MOST_TAGS]))
    said = repr(names_of(tags, taxonomy))
    taught = (f"{head.ref} {head.words} {' '.join(head.tags)}" for head in teachers)
    return _Class(name, teachers, tags, _digest(str(AUTOTAG_VERSION), version("scikit-learn"), said, *taught))


def lessons(tagged: Iterable[Head]) -> tuple[Head, ...]:
    """Choose the threads that teach.

    Those of before the month of the newest one, so that a model holds for about a month; and of these the 4,000
    whose refs have the lowest digests: a sample no new thread but a few can enter. A young community, most of whose
    threads are of this month, learns from all.

    Args:
        tagged: the tagged threads.

    Returns:
        The sample, in the order of the digests.
    """
    known = list(tagged)
    newest = max((_dated(head) for head in known), default=_dated(None))
    month = newest.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    settled = [head for head in known if _dated(head) < month]
    if 2 * len(settled) < len(known):
        settled = known
    ordered = sorted(settled, key=lambda head: (_digest(head.ref), head.ref))
    return tuple(ordered[:_MOST_LESSONS])


def _dated(head: Head | None) -> datetime:
    return head.created if head is not None and head.created else datetime.min.replace(tzinfo=UTC)


def _model(taught: _Class, step: _Step) -> Model:
    """The model of the class: read, or trained now and the one before it removed."""
    from kbgen.curate.autotag_model import Lesson, load, train, train_into  # noqa: PLC0415  # takes a second to load

    folder = step.store.path.parent / "tags"
    file = folder / f"{taught.name or 'all'}.{taught.key}.npz"
    known = None if step.clean else load(file)
    if known is not None:
        return known
    place = {tag: number for number, tag in enumerate(taught.tags)}
    taught_by: list[Lesson] = []
    for part in chunks(taught.teachers, _BATCH):
        documents = _documents(step.store, [head.ref for head in part])
        marks = (tuple(sorted(place[tag] for tag in head.tags if tag in place)) for head in part)
        taught_by += map(Lesson, documents, marks)
    names = names_of(taught.tags, step.taxonomy)
    for old in folder.glob(f"{taught.name or 'all'}.*.npz"):
        old.unlink()
    # Learning takes more memory than anything else a night does: in a process of its own it is given back.
    if step.workers:
        step.workers.apart(train_into, file, taught_by, names)
    else:
        train_into(file, taught_by, names)
    return load(file) or train(taught_by, names)


def _documents(store: Store, refs: Sequence[Ref]) -> list[Document]:
    return [_document(item) for item in store.curated.get(refs)]


def _document(item: Curated) -> Document:
    return document(item.title, item.question.text if item.question else "", item.lang)


def _ask(taught: _Class, refs: Sequence[Ref], step: _Step) -> None:
    if not refs:
        return
    model = _model(taught, step)
    for part in chunks(refs, _BATCH):
        scored = model.score(_documents(step.store, part), SUGGESTED_FROM)
        rows = []
        for ref, found in zip(part, scored, strict=True):
            sure = [one for one in found if one.confidence >= APPLIED_FROM][:_APPLIED_AT_MOST]
            lines = [
                f"{taught.tags[one.tag]} {one.confidence:.4f} {'applied' if one in sure else 'suggested'}"
                for one in found
            ]
            rows.append(TagRow(ref, step.wanted[ref], "\n".join(lines)))
        with step.store.transaction():
            step.store.suggestions.put_tags(rows)
        step.advance(len(part))


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
