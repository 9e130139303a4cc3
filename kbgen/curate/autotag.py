"""Tags for threads nobody tagged, learnt from the community's own tagged ones: the step over the whole corpus.

What is learnt from is a function of the corpus, so that a clean build tags as an incremental one does; and it holds
still, so that a night's new threads are asked about and do not teach: see ``lessons``. A thread is asked about once
for each model; a model is trained once and kept in ``.kbgen/tags``. How tags are learnt is decided in
``autotag_model``, which is loaded only where there is something to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from kbgen.curate.autotag_text import Document, document, names_of
from kbgen.curate.keys import key_of
from kbgen.executor import Workers, chunks, uncollected
from kbgen.model import Curated, Head, Overlay, Ref, Slug, TagMark, Taxonomy, split_ref
from kbgen.progress import Progress
from kbgen.store import Store, open_store
from kbgen.store.suggestions import TagRow

if TYPE_CHECKING:
    from kbgen.curate.autotag_model import Model

AUTOTAG_VERSION = 5
"""Raise it when the same threads would be tagged differently."""
APPLIED_FROM = 0.87
"""The confidence from which a tag is applied; below it, it is a suggestion. Measured: four of five are right, for a
thread left out of the learning still has its say in which terms there are."""
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


class Class(Struct, frozen=True):
    """One model to be.

    Attributes:
        name: of the source that teaches it, "" for all together.
        teachers: threads, in an order that is always the same.
        marks: of each teacher, positions of its tags in ``tags``.
        tags: those it can give.
        names: words for each tag.
        key: digest of all that.
    """

    name: str
    teachers: tuple[Ref, ...]
    marks: tuple[tuple[int, ...], ...]
    tags: tuple[Slug, ...]
    names: tuple[tuple[str, ...], ...]
    key: str


class Question(Struct, frozen=True):
    """Which tags some threads should have, and who teaches them: what a process of its own is asked.

    Attributes:
        store: the store's file; models are kept in ``tags`` beside it.
        taught: the model.
        refs: of the threads that are asked about.
        clean: train, even if there is the model already.
    """

    store: Path
    taught: Class
    refs: tuple[Ref, ...]
    clean: bool


class TagPlan(NamedTuple):
    """What there is to do so that every untagged thread has its learnt tags.

    Attributes:
        questions: one a model.
        keys: thread to the key of its row, for those that are asked about.
        gone: threads whose rows are for nothing.
    """

    questions: tuple[Question, ...]
    keys: dict[Ref, str]
    gone: tuple[str, ...]

    @contextmanager
    def begun(self, workers: Workers) -> Iterator[Callable[[], list[tuple[Ref, str]]]]:
        """Have the questions answered in a process of its own; gives a function that waits for the answers."""
        if not self.questions:
            yield list
            return
        with workers.beside() as begin:
            yield begin(answer_questions, self.questions)

    @property
    def asked(self) -> frozenset[Ref]:
        """The threads that are asked about."""
        return frozenset(ref for question in self.questions for ref in question.refs)

    def known(self, store: Store) -> dict[Ref, tuple[Learnt, ...]]:
        """Forget the rows that are for nothing, and read the tags learnt in earlier runs; see ``keep``."""
        if self.gone:
            with store.transaction():
                store.suggestions.delete_tags(self.gone)
        return read_learnt(store)

    def keep(
        self, store: Store, answers: Sequence[tuple[Ref, str]], progress: Progress
    ) -> dict[Ref, tuple[Learnt, ...]]:
        """Store the answers, ``known`` before.

        Args:
            store: the open store.
            answers: as ``answer_questions`` gave them.
            progress: where to report.

        Returns:
            Learnt tags, applied and suggested, of the threads that have any.
        """
        if answers:
            advance = progress.start("Tagging", len(answers))
            with store.transaction():
                store.suggestions.put_tags(TagRow(ref, self.keys[ref], marks) for ref, marks in answers)
            advance(len(answers))
        return read_learnt(store)


def plan_tags(
    store: Store, taxonomy: Taxonomy, overlays: Mapping[Ref, Overlay], heads: Sequence[Head], *, clean: bool = False
) -> TagPlan:
    """Find the untagged threads whose learnt tags are not known.

    Args:
        store: the open store.
        taxonomy: the vocabulary.
        overlays: a thread a writer tagged is left alone.
        heads: of every published thread.
        clean: train and ask again.
    """
    asking = [head for head in heads if not head.tags and not _is_tagged(overlays.get(head.ref))]
    classes = _classes(heads, asking, taxonomy)
    keys = {
        head.ref: key_of(head.words, taught.key)
        for head in asking
        if (taught := classes.get(split_ref(head.ref)[0])) is not None
    }
    have = store.suggestions.tag_inputs()
    todo = [ref for ref, key in keys.items() if clean or have.get(ref) != key]
    questions = []
    for taught in {one.name: one for one in classes.values()}.values():
        refs = tuple(ref for ref in todo if classes[split_ref(ref)[0]] is taught)
        if refs:
            questions.append(Question(store.path, taught, refs, clean))
    return TagPlan(tuple(questions), keys, tuple(ref for ref in have if ref not in keys))


def answer_questions(questions: Sequence[Question]) -> list[tuple[Ref, str]]:
    """Give each thread that is asked about the lines of its row; a plain function for a process of its own."""
    answers: list[tuple[Ref, str]] = []
    with closing(open_store(questions[0].store, read_only=True)) as store, uncollected():
        for question in questions:
            answers += _answer(question, store)
    return answers


def read_learnt(store: Store) -> dict[Ref, tuple[Learnt, ...]]:
    """Read the learnt tags of the last run, the surest first."""
    return {ref: tuple(_lines(marks)) for ref, marks in store.suggestions.tags().items()}


def _lines(marks: str) -> Iterator[Learnt]:
    for line in marks.split("\n"):
        tag, confidence, state = line.rsplit(" ", 2)
        yield Learnt(Slug(tag), float(confidence), state == "applied")


def _is_tagged(overlay: Overlay | None) -> bool:
    return overlay is not None and overlay.tags is not None


def _classes(heads: Sequence[Head], asking: Sequence[Head], taxonomy: Taxonomy) -> dict[str, Class]:
    """The model each source's untagged threads are asked of; none where too few threads are tagged."""
    tagged: dict[str, list[Head]] = {}
    for head in heads:
        if head.tags:
            tagged.setdefault(split_ref(head.ref)[0], []).append(head)
    every = [head for own in tagged.values() for head in own]
    made: dict[str, Class | None] = {}
    chosen: dict[str, Class] = {}
    for source in sorted({split_ref(head.ref)[0] for head in asking}):
        own = tagged.get(source, [])
        name, teachers = (source, own) if len(own) >= LEAST_LESSONS else (_ALL, every)
        if name not in made:
            made[name] = _class(name, teachers, taxonomy) if len(teachers) >= LEAST_LESSONS else None
        found = made[name]
        if found is not None:
            chosen[source] = found
    return chosen


def _class(name: str, tagged: Sequence[Head], taxonomy: Taxonomy) -> Class:
    teachers = lessons(tagged)
    frequency = Counter(tag for head in teachers for tag in head.tags)
    common = sorted(
        (tag for tag, n in frequency.items() if n >= LEAST_LESSONS_OF_A_TAG), key=lambda t: (-frequency[t], t)
    )
    tags = tuple(sorted(common[:_MOST_TAGS]))
    place = {tag: number for number, tag in enumerate(tags)}
    marks = tuple(tuple(sorted(place[tag] for tag in head.tags if tag in place)) for head in teachers)
    names = names_of(tags, taxonomy)
    taught = (f"{head.ref} {head.words} {' '.join(head.tags)}" for head in teachers)
    key = key_of(str(AUTOTAG_VERSION), version("scipy"), repr(names), *taught)
    return Class(name, tuple(head.ref for head in teachers), marks, tags, names, key)


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
    ordered = sorted(settled, key=lambda head: (key_of(head.ref), head.ref))
    return tuple(ordered[:_MOST_LESSONS])


def _dated(head: Head | None) -> datetime:
    return head.created if head is not None and head.created else datetime.min.replace(tzinfo=UTC)


def _answer(question: Question, store: Store) -> Iterator[tuple[Ref, str]]:
    taught = question.taught
    model = _model(question, store)
    for part in chunks(question.refs, _BATCH):
        documents = list(_documents(store, part))
        scored = model.score(documents, SUGGESTED_FROM)
        for ref, read, found in zip(part, documents, scored, strict=True):
            sure = [one for one in found if one.confidence >= APPLIED_FROM]
            if taught.name == _ALL:
                # What words mean in one community they need not mean in another: here the tag has to be named, too.
                named = model.named(read)
                sure = [one for one in sure if one.tag in named]
            sure = sure[:_APPLIED_AT_MOST]
            lines = (
                f"{taught.tags[one.tag]} {one.confidence:.4f} {'applied' if one in sure else 'suggested'}"
                for one in found
            )
            yield ref, "\n".join(lines)


def _model(question: Question, store: Store) -> Model:
    """The model that is asked: read, or trained now and the one before it removed."""
    from kbgen.curate.autotag_model import Lesson, load, train  # noqa: PLC0415  # takes half a second to load

    taught = question.taught
    folder = question.store.parent / "tags"
    file = folder / f"{taught.name or 'all'}.{taught.key}.npz.zst"
    known = None if question.clean else load(file)
    if known is not None:
        return known
    model = train(list(map(Lesson, _documents(store, taught.teachers), taught.marks)), taught.names)
    for old in folder.glob(f"{taught.name or 'all'}.*"):
        old.unlink()
    model.save(file)
    # As the next run will read it: both ask the same model.
    return load(file) or model


def _documents(store: Store, refs: Sequence[Ref]) -> Iterator[Document]:
    for part in chunks(refs, _BATCH):
        yield from map(_document, store.curated.get(part))


def _document(item: Curated) -> Document:
    return document(item.title, item.question.text if item.question else "", item.lang)
