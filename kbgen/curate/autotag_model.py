"""Tags learnt from tagged threads: a linear model, the tags' names, and the nearest threads, with one calibrated score.

The method and its figures: terms and pairs by TF-IDF, one linear SVM a tag, plus how much more likely a tag is where
its name stands, plus the share of the 30 nearest threads that have it. The three are judged twice, by what they were
for threads their makers had not seen: added with non-negative weights searched for the best F1, and by a logistic
regression that also sees how common a tag is and how far it lies behind the thread's best. The score is half the
one and the whole of the other, each by its spread; a logistic curve over it gives the confidence. Deterministic: rows
are computed one by one, without dense products, whatever else is in a batch.

Which threads teach and which are asked about is decided in ``autotag``. This module is imported only where a model is
made or used: what it needs takes a second to load.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kbgen.curate.autotag_text import Document, Names, grams

Matrix = NDArray[np.float32]
_FOLDS = 5
_NEIGHBOURS = 30
_COST = 0.5  # of the SVM; measured on seven communities, together with one and two-term features
_SMALLEST_WEIGHT = 0.005  # a linear model's smaller weights change no decision and are most of its size
_MOST_GRAMS = 60_000
_STATES = 3  # of a name: nowhere, in the text, in the title
_PRIOR = 4.0  # threads a pooled estimate counts for
_AXES = ((1, (0.1, 0.2, 0.3, 0.45)), (0, (0.1, 0.2, 0.3, 0.45, 0.6)), (1, (0.0, 0.1, 0.2, 0.3, 0.45)))
_GAIN = 0.001


class Lesson(NamedTuple):
    """A tagged thread; ``tags`` are positions in the vocabulary."""

    document: Document
    tags: tuple[int, ...]


class Scored(NamedTuple):
    """A tag for a thread, with the probability that a person would give it."""

    tag: int
    confidence: float


class Evidence(NamedTuple):
    """The three parts, each a row a thread and a column a tag."""

    margins: Matrix
    near: Matrix
    lift: Matrix


class _Space(NamedTuple):
    """TF-IDF of a corpus."""

    vocabulary: dict[str, int]
    idf: Matrix

    def rows(self, documents: Iterable[Document]) -> Any:
        """Unit rows, sub-linear in the counts."""
        return _unit(_logs(map(grams, documents), self.vocabulary), self.idf)


class _Counts(NamedTuple):
    """Terms of all lessons, counted once for every fold.

    Attributes:
        grams: the terms at least two threads have, in order: a column each.
        logs: one plus the logarithm of the counts, a row a thread.
    """

    grams: tuple[str, ...]
    logs: Any

    def part(self, rows: NDArray[np.int64]) -> _Counts:
        """The counts of some threads."""
        return _Counts(self.grams, self.logs[rows])

    def frequent(self) -> tuple[NDArray[np.int64], Matrix]:
        """The columns that are kept, in order, and their inverse document frequencies."""
        frequency = np.bincount(self.logs.indices, minlength=len(self.grams))
        # The columns stand in the order of their terms, so a stable sort settles equals by them.
        kept = np.argsort(-frequency, kind="stable")[: min(_MOST_GRAMS, int((frequency >= 2).sum()))]
        kept.sort()
        idf = np.log((1 + self.logs.shape[0]) / (1 + frequency[kept])) + 1
        return kept, idf.astype(np.float32)

    def rows(self, kept: NDArray[np.int64], idf: Matrix) -> Any:
        """Unit rows over the columns that are kept; see ``_Space.rows``."""
        return _unit(self.logs[:, kept], idf)


def _counts(documents: Sequence[Document]) -> _Counts:
    counted = [grams(one) for one in documents]
    frequency = Counter(gram for counts in counted for gram in counts)
    known = {gram: column for column, gram in enumerate(sorted(gram for gram, n in frequency.items() if n >= 2))}
    return _Counts(tuple(known), _logs(counted, known))


def _logs(counted: Iterable[Mapping[str, int]], columns: Mapping[str, int]) -> Any:
    """One plus the logarithm of each count, a row a thread; a term without a column is left out."""
    indices: list[int] = []
    counts: list[int] = []
    ends = [0]
    for one in counted:
        found = sorted((columns[gram], n) for gram, n in one.items() if gram in columns)
        indices += [column for column, _ in found]
        counts += [n for _, n in found]
        ends.append(len(indices))
    values = 1.0 + np.log(np.array(counts, dtype=np.float64))
    places = np.array(indices, dtype=np.int32), np.array(ends, dtype=np.int32)
    return sparse.csr_matrix((values, *places), shape=(len(ends) - 1, len(columns)))


def _unit(logs: Any, idf: Matrix) -> Any:
    """Rows weighted by rarity and made of length one; a row of nothing stays nothing."""
    data = logs.data * idf[logs.indices]
    sizes = np.diff(logs.indptr)
    lengths = np.sqrt(np.bincount(np.repeat(np.arange(len(sizes)), sizes), data * data, len(sizes)))
    data = data / np.repeat(np.where(lengths > 0, lengths, 1.0), sizes)
    return sparse.csr_matrix((data.astype(np.float32), logs.indices, logs.indptr), shape=logs.shape)


class Model:
    """A trained model. Make one with ``train`` or ``load``.

    Args:
        space: the terms.
        names: words for each tag.
        parts: arrays by name, as they are written to the file.
    """

    def __init__(self, space: _Space, names: Sequence[Sequence[str]], parts: dict[str, Any]) -> None:
        self._space = space
        self._words = [list(words) for words in names]
        self._names = Names(names)
        self._parts = parts
        shape = (len(space.vocabulary), len(names))
        self._weights = _read_sparse(parts, "weights", shape)
        self._lessons = _read_sparse(parts, "lessons", (len(parts["lessons_ends"]) - 1, shape[0]))
        self._marks = _read_sparse(parts, "marks", (self._lessons.shape[0], shape[1]))

    def score(self, documents: Sequence[Document], least: float) -> list[list[Scored]]:
        """Give each thread its tags, the surest first.

        Args:
            documents: the threads.
            least: the lowest confidence asked for.
        """
        if not documents:
            return []
        confidence = _sigmoid(self.scores(documents), self._parts["curve"])
        found = []
        for row in confidence:
            order = sorted(np.flatnonzero(row >= least), key=lambda tag: (-row[tag], tag))
            found.append([Scored(int(tag), round(float(row[tag]), 4)) for tag in order])
        return found

    def scores(self, documents: Sequence[Document]) -> Matrix:
        """The score of every tag, a row a thread and a column a tag."""
        rows = self._space.rows(documents)
        margins = np.asarray((rows @ self._weights).toarray() + self._parts["bias"], dtype=np.float32)
        near = _nearest(rows, self._lessons, self._marks)
        lift = _lift(_places(documents, self._names, margins.shape[1]), self._parts["odds"])
        return _judged(Evidence(margins, near, lift), self._parts)

    @property
    def cut(self) -> float:
        """The score from which micro-F1 is highest on threads the parts had not seen."""
        return float(self._parts["cut"][0])

    def save(self, file: Path) -> None:
        """Write it beside ``file`` first: a reader never sees half of one."""
        head = json.dumps({"grams": list(self._space.vocabulary), "names": self._words}).encode()
        beside = file.with_name(f"{file.name}.new")
        file.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as out:
            np.savez_compressed(out, head=np.frombuffer(head, np.uint8), idf=self._space.idf, **self._parts)
        beside.replace(file)


def load(file: Path) -> Model | None:
    """Read a model; None when there is none or it is damaged. Nothing in the file is run."""
    try:
        with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            parts = {name: stored[name] for name in stored.files}
        head = json.loads(parts.pop("head").tobytes())
        space = _Space({gram: column for column, gram in enumerate(head["grams"])}, parts.pop("idf"))
        return Model(space, head["names"], parts)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
        return None


def train(lessons: Sequence[Lesson], names: Sequence[Sequence[str]]) -> Model:
    """Learn from tagged threads.

    Args:
        lessons: at least a few dozen, in an order that is always the same.
        names: words for each tag of the vocabulary, by its position.
    """
    documents = [lesson.document for lesson in lessons]
    truth = _truth(lessons, len(names))
    places = _places(documents, Names(names), len(names))
    counts = _counts(documents)
    whole = _Whole(counts, truth, places)
    folds = map(partial(_judge_fold, whole), range(_FOLDS))
    kept, idf = counts.frequent()
    space = _Space({counts.grams[column]: place for place, column in enumerate(kept.tolist())}, idf)
    rows = counts.rows(kept, idf)
    weights, bias = _linear(rows, truth)
    parts = _weigh(_held_out(whole, folds), truth)
    weights[np.abs(weights) < _SMALLEST_WEIGHT] = 0
    parts |= {"bias": bias, "odds": _odds(places, truth)}
    parts |= _write_sparse("weights", sparse.csr_matrix(weights.T))
    parts |= _write_sparse("lessons", rows) | _write_sparse("marks", sparse.csr_matrix(truth.astype(np.float32)))
    return Model(space, names, parts)


def _truth(lessons: Sequence[Lesson], tags: int) -> NDArray[np.int8]:
    truth = np.zeros((len(lessons), tags), dtype=np.int8)
    for row, lesson in enumerate(lessons):
        truth[row, list(lesson.tags)] = 1
    return truth


def _places(documents: Sequence[Document], names: Names, tags: int) -> NDArray[np.int8]:
    places = np.zeros((len(documents), tags), dtype=np.int8)
    for row, one in enumerate(documents):
        for tag, place in names.places(one).items():
            places[row, tag] = place
    return places


def _linear(rows: Any, truth: NDArray[np.int8]) -> tuple[Matrix, Matrix]:
    """One SVM a tag; a tag of fewer than two threads is never given."""
    from sklearn.svm import LinearSVC  # noqa: PLC0415  # whoever only asks a model does without

    weights = np.zeros((truth.shape[1], rows.shape[1]), dtype=np.float32)
    bias = np.full(truth.shape[1], -1.5, dtype=np.float32)
    for tag in range(truth.shape[1]):
        column = truth[:, tag]
        if 2 <= column.sum() < len(column):
            fitted = LinearSVC(C=_COST, dual=True, random_state=0).fit(rows, column)
            weights[tag], bias[tag] = fitted.coef_[0], fitted.intercept_[0]
    return weights, bias


def _nearest(rows: Any, lessons: Any, marks: Any) -> Matrix:
    """The share of the nearest threads, weighted by similarity, that have each tag."""
    near = np.zeros((rows.shape[0], marks.shape[1]), dtype=np.float32)
    similar = (rows @ lessons.T).tocsr()
    similar.sort_indices()
    for row in range(rows.shape[0]):
        start, end = similar.indptr[row : row + 2]
        values, columns = similar.data[start:end], similar.indices[start:end]
        best = np.argsort(-values, kind="stable")[:_NEIGHBOURS]
        chosen = sparse.csr_matrix((values[best], ([0] * len(best), columns[best])), shape=(1, marks.shape[0]))
        near[row] = (chosen @ marks).toarray()[0] / (float(values[best].sum()) or 1.0)
    return near


def _odds(places: NDArray[np.int8], truth: NDArray[np.int8]) -> Matrix:
    """Log odds of each tag by where its name stands, each drawn to the odds all tags have there."""
    odds = np.zeros((_STATES, truth.shape[1]), dtype=np.float32)
    for state in range(_STATES):
        there = places == state
        seen, given = there.sum(0), (there * truth).sum(0)
        pooled = (given.sum() + 0.5) / (seen.sum() + 1) if state else truth.mean(0) * 0.7 + 1e-3
        share = (given + _PRIOR * pooled) / (seen + _PRIOR)
        odds[state] = np.log(share / (1 - share))
    return odds


def _lift(places: NDArray[np.int8], odds: Matrix) -> Matrix:
    """How much the name's standing there speaks for a tag; a name that means nothing speaks neither way."""
    lift = odds[places, np.arange(places.shape[1])] - odds[0]
    return np.asarray(np.clip(lift, 0, None), dtype=np.float32)


class _Whole(NamedTuple):
    """All lessons, as every fold needs them."""

    counts: _Counts
    truth: NDArray[np.int8]
    places: NDArray[np.int8]


def _held_out(whole: _Whole, folds: Iterable[Evidence]) -> Evidence:
    """The three parts for each thread, made by parts that have not seen it."""
    parts = Evidence(*(np.zeros(whole.truth.shape, dtype=np.float32) for _ in range(3)))
    for number, found in enumerate(folds):
        for part, rows in zip(parts, found, strict=True):
            part[_fold(whole) == number] = rows
    return parts


def _fold(whole: _Whole) -> NDArray[np.int64]:
    return np.arange(len(whole.truth)) % _FOLDS


def _judge_fold(whole: _Whole, number: int) -> Evidence:
    """The three parts for the threads of one fold."""
    counts, truth, places = whole
    rest, held = np.flatnonzero(_fold(whole) != number), np.flatnonzero(_fold(whole) == number)
    kept, idf = counts.part(rest).frequent()
    rows, asked = (counts.part(part).rows(kept, idf) for part in (rest, held))
    weights, bias = _linear(rows, truth[rest])
    margins = np.asarray((asked @ sparse.csr_matrix(weights.T)).toarray() + bias, dtype=np.float32)
    near = _nearest(asked, rows, sparse.csr_matrix(truth[rest].astype(np.float32)))
    return Evidence(margins, near, _lift(places[held], _odds(places[rest], truth[rest])))


def _weigh(evidence: Evidence, truth: NDArray[np.int8]) -> dict[str, Any]:
    """Find how the parts are judged, and the curve of the score."""
    given = truth.ravel()
    parts: dict[str, Any] = {
        "scales": np.array([evidence.margins.std() or 1, evidence.near.std() or 1], dtype=np.float32),
        "mix": np.zeros(2, dtype=np.float32),
        "prior": np.log(truth.mean(0) + 1e-3).astype(np.float32),
    }
    best = best_f1(_added(evidence, parts).ravel(), given)[0]
    for axis, steps in _AXES:
        for step in steps:
            tried = parts["mix"].copy()
            tried[axis] = step
            found = best_f1(_added(evidence, {**parts, "mix": tried}).ravel(), given)[0]
            if found > best + _GAIN:
                best, parts["mix"] = found, tried
    features = _features(evidence, parts["prior"])
    middle, spread = features.mean(0), features.std(0) + 1e-6
    parts |= {"middle": middle, "spread": spread, "stack": _fit(((features - middle) / spread), given, 1.0)}
    judged = _held_out_judgement((features - middle) / spread, given, truth.shape)
    added = _added(evidence, parts)
    parts["spreads"] = np.array([added.std() or 1, judged.std() or 1], dtype=np.float32)
    scores = _mixed(added, judged, parts).ravel()
    parts["curve"] = _fit(scores.reshape(-1, 1), given, 100.0)
    parts["cut"] = np.array([best_f1(scores, given)[1]], dtype=np.float32)
    return parts


def _held_out_judgement(features: Matrix, given: NDArray[np.int8], shape: tuple[int, ...]) -> Matrix:
    """What the logistic regression says of threads it was not fitted to."""
    fold = np.repeat(np.arange(shape[0]) % _FOLDS, shape[1])
    judged = np.zeros(len(given), dtype=np.float32)
    for number in range(_FOLDS):
        fitted = _fit(features[fold != number], given[fold != number], 1.0)
        judged[fold == number] = _line(features[fold == number], fitted)
    return judged.reshape(shape)


def _features(evidence: Evidence, prior: Matrix) -> Matrix:
    """What the logistic regression sees of each pair of thread and tag."""
    margins, near, lift = evidence
    behind = margins - margins.max(1, keepdims=True)
    place = np.argsort(np.argsort(-margins, axis=1, kind="stable"), axis=1, kind="stable")
    common = np.broadcast_to(prior, margins.shape)
    columns = (margins, near, np.log(near + 0.01), lift, behind, np.log1p(place), common, lift * common)
    return np.stack(columns, axis=-1).reshape(-1, len(columns)).astype(np.float32)


def _judged(evidence: Evidence, parts: dict[str, Any]) -> Matrix:
    features = (_features(evidence, parts["prior"]) - parts["middle"]) / parts["spread"]
    return _mixed(_added(evidence, parts), _line(features, parts["stack"]).reshape(evidence.margins.shape), parts)


def _mixed(added: Matrix, judged: Matrix, parts: dict[str, Any]) -> Matrix:
    spreads = parts["spreads"]
    return np.asarray(0.5 * added / spreads[0] + judged / spreads[1], dtype=np.float32)


def _line(features: Matrix, fitted: Matrix) -> Matrix:
    """A linear function, column by column: a dense product may round differently for another batch."""
    total = np.full(len(features), float(fitted[-1]), dtype=np.float64)
    for column, weight in enumerate(fitted[:-1].tolist()):
        total += features[:, column].astype(np.float64) * weight
    return total.astype(np.float32)


def _added(evidence: Evidence, parts: dict[str, Any]) -> Matrix:
    scales, mix = parts["scales"], parts["mix"]
    total = evidence.margins / scales[0] + mix[0] * evidence.lift + mix[1] * evidence.near / scales[1]
    return np.asarray(total, dtype=np.float32)


def _fit(features: Matrix, given: NDArray[np.int8], strength: float) -> Matrix:
    """A logistic regression: a weight a column, then the intercept."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    if not 0 < given.sum() < len(given):
        return np.array([*[0.0] * features.shape[1], -20.0], dtype=np.float32)
    # Few columns, many rows: Newton steps need a handful of passes where others need dozens.
    fitted = LogisticRegression(C=strength, solver="newton-cholesky").fit(features.astype(np.float64), given)
    # The last digits depend on how a machine adds up: rounded, its neighbours learn the same.
    return np.round(np.array([*fitted.coef_[0], fitted.intercept_[0]]), 2).astype(np.float32)


def _sigmoid(sums: Matrix, curve: Matrix) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-(sums.astype(np.float64) * float(curve[0]) + float(curve[1])))))


def best_f1(scores: Matrix, given: NDArray[np.int8]) -> tuple[float, float]:
    """Find the cut at which micro-F1 is highest.

    Args:
        scores: of pairs of thread and tag.
        given: 1 for the pairs a person gave.

    Returns:
        The F1 and the lowest score that counts.
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(given[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + given.sum())
    best = int(f1.argmax())
    return float(f1[best]), float(scores[order][best])


def _write_sparse(name: str, matrix: Any) -> dict[str, Any]:
    matrix = matrix.tocsr()
    return {f"{name}_data": matrix.data, f"{name}_columns": matrix.indices, f"{name}_ends": matrix.indptr}


def _read_sparse(parts: dict[str, Any], name: str, shape: tuple[int, int]) -> Any:
    arrays = (parts[f"{name}_data"], parts[f"{name}_columns"], parts[f"{name}_ends"])
    return sparse.csr_matrix(arrays, shape=shape)
