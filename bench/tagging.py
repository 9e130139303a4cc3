"""``python -m bench.tagging``: tags learnt from each community's own, beside the tag's name and a linear SVM alone.

Five folds a dump, drawn three times: a thread is never asked about by a model that was taught with it. Thresholds of
every method are
found on the training threads. Not here: the method (``kbgen.curate.autotag_model``).
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from bench.corpus import data_folder
from bench.errors import BenchError
from kbgen.curate.autotag import APPLIED_FROM, LEAST_LESSONS_OF_A_TAG
from kbgen.curate.autotag_model import Lesson, best_f1, train
from kbgen.curate.autotag_text import NOWHERE, Document, Names, document, grams
from kbgen.curate.text import html_text
from kbgen.errors import RecordError
from kbgen.model import Thread
from kbgen.sources.stackexchange import StackExchangeOptions, StackExchangeSource

FOLDS, DRAWS = 5, 3
PRECISION_GOAL = 80.0
NAME, SVM, OURS, AUTO = "tag name found", "LinearSVC alone", "kbgen", "kbgen, applied by itself"
_Bits = NDArray[np.bool_]


@dataclass
class Count:
    """Pairs of thread and tag: given by a method, given by people, and both."""

    given: int = 0
    right: int = 0
    true: int = 0

    def add(self, given: _Bits, truth: _Bits) -> None:
        """Count another fold."""
        self.given += int(given.sum())
        self.right += int((given & truth).sum())
        self.true += int(truth.sum())

    @property
    def precision(self) -> float:
        """In per cent."""
        return 100 * self.right / max(self.given, 1)

    @property
    def recall(self) -> float:
        """In per cent."""
        return 100 * self.right / max(self.true, 1)

    @property
    def f1(self) -> float:
        """Micro-F1 in per cent."""
        return 200 * self.right / max(self.given + self.true, 1)


@dataclass
class Result:
    """What the folds of one dump came to."""

    name: str
    threads: int
    tags: int = 0
    seconds: float = 0.0
    counts: dict[str, Count] = field(default_factory=lambda: {key: Count() for key in (NAME, SVM, OURS, AUTO)})

    @property
    def reached(self) -> bool:
        """Above both peers, and precise where nobody is asked."""
        ours = self.counts[OURS].f1
        above = ours > self.counts[NAME].f1 and ours > self.counts[SVM].f1
        return above and self.counts[AUTO].precision >= PRECISION_GOAL


def threads(folder: Path) -> Iterator[Thread]:
    """The threads of a dump."""
    url = f"https://{folder.name}.example.com"
    options = StackExchangeOptions(name="stack", kind="stackexchange", url=url, dump=str(folder))
    source = StackExchangeSource(options, folder)
    for record in source.records():
        thread = None if isinstance(record, RecordError) else source.parse(record)
        if isinstance(thread, Thread) and thread.tags:
            yield thread


def measure(name: str, found: Sequence[tuple[Document, tuple[str, ...]]]) -> Result:
    """Ask about every thread of a community with what the others teach."""
    result = Result(name, len(found))
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(found))
        for held in np.array_split(order, FOLDS):
            rest = np.setdiff1d(order, held)
            _fold(result, [found[int(row)] for row in rest], [found[int(row)] for row in held])
    return result


def _fold(
    result: Result,
    rest: Sequence[tuple[Document, tuple[str, ...]]],
    held: Sequence[tuple[Document, tuple[str, ...]]],
) -> None:
    frequency = Counter(tag for _, tags in rest for tag in tags)
    tags = sorted(tag for tag, count in frequency.items() if count >= LEAST_LESSONS_OF_A_TAG)
    place = {tag: number for number, tag in enumerate(tags)}
    lessons = [Lesson(one, tuple(place[tag] for tag in own if tag in place)) for one, own in rest]
    asked = [one for one, _ in held]
    truth = _bits([[place[tag] for tag in own if tag in place] for _, own in held], len(tags))
    names = [(tag,) for tag in tags]
    result.tags = len(tags)
    finder = Names(names)
    named = _bits([[tag for tag, where in finder.places(one).items() if where != NOWHERE] for one in asked], len(tags))
    result.counts[NAME].add(named, truth)
    result.counts[SVM].add(_svm(lessons, asked, len(tags)), truth)
    started = time.process_time()
    model = train(lessons, names)
    sure = model.score(asked, APPLIED_FROM)
    result.counts[OURS].add(model.scores(asked) >= model.cut, truth)
    result.seconds += time.process_time() - started
    result.counts[AUTO].add(_bits([[one.tag for one in row] for row in sure], len(tags)), truth)


def _bits(rows: Sequence[Sequence[int]], tags: int) -> _Bits:
    bits = np.zeros((len(rows), tags), dtype=np.bool_)
    for number, row in enumerate(rows):
        bits[number, list(row)] = True
    return bits


def _svm(lessons: Sequence[Lesson], asked: Sequence[Document], tags: int) -> _Bits:
    """The linear model of the same words by itself, with the cut that is best on threads it has not seen."""
    documents = [lesson.document for lesson in lessons]
    truth = _bits([lesson.tags for lesson in lessons], tags)
    fold = np.arange(len(documents)) % FOLDS
    margins = np.zeros(truth.shape, dtype=np.float32)
    for number in range(FOLDS):
        seen, new = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        margins[new] = _margins([documents[row] for row in seen], truth[seen], [documents[row] for row in new])
    cut = best_f1(margins.ravel(), truth.ravel().astype(np.int8))[1]
    return np.asarray(_margins(documents, truth, asked) >= cut)


def _margins(seen: Sequence[Document], truth: _Bits, asked: Sequence[Document]) -> NDArray[np.float32]:
    terms = TfidfVectorizer(analyzer=lambda one: list(grams(one).elements()), sublinear_tf=True, min_df=2)
    rows = terms.fit_transform(seen)
    new = terms.transform(asked)
    margins = np.full((len(asked), truth.shape[1]), -1.5, dtype=np.float32)
    for tag in range(truth.shape[1]):
        if 2 <= truth[:, tag].sum() < len(seen):
            margins[:, tag] = (
                LinearSVC(C=0.5, dual=True, random_state=0).fit(rows, truth[:, tag]).decision_function(new)
            )
    return margins


def report(results: Sequence[Result]) -> str:
    """The figures as Markdown, goals beside them."""
    lines = [
        "| Community | Method | Micro-F1 | Precision | Recall | Tags given | |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for one in results:
        for key, count in one.counts.items():
            goal = ""
            if key == OURS:
                above = max(one.counts[NAME].f1, one.counts[SVM].f1)
                goal = f"goal above {above:.1f}: {'reached' if count.f1 > above else 'MISSED'}"
            if key == AUTO:
                reached = "reached" if count.precision >= PRECISION_GOAL else "MISSED"
                goal = f"goal precision {PRECISION_GOAL:.0f}: {reached}"
            figures = f"{count.f1:.1f} | {count.precision:.1f} | {count.recall:.1f} | {count.given:,}"
            lines.append(f"| {one.name} | {key} | {figures} | {goal} |")
    taught = ", ".join(f"{one.name} {one.threads:,} threads, {one.tags} tags" for one in results)
    spent = ", ".join(f"{one.seconds / FOLDS / DRAWS:.1f} s" for one in results)
    return "\n".join([*lines, "", f"{taught}. CPU to train and ask, a fold: {spent}."])


def main() -> int:
    """Measure every dump; 1 when a goal is missed, 2 when there are no data."""
    try:
        data = data_folder()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    results = []
    for folder in sorted((data / "stackexchange").glob("*")):
        if (folder / "Posts.xml").is_file():
            rows = ((one.title, html_text(one.question.html), one.tags) for one in threads(folder))
            found = [(document(title, text, "en"), tags) for title, text, tags in rows]
            results.append(measure(folder.name, found))
    print(report(results))
    return 0 if all(one.reached for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
