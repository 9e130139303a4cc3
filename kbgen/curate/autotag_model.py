"""Tags learnt from tagged threads: a linear model, the tags' names, and the nearest threads, with one calibrated score.

The method and its figures: terms and pairs by TF-IDF, one linear model a tag, plus how much more likely a tag is where
its name stands, plus the share of the 30 nearest threads that have it. The three are judged twice, by what they are
for threads left out of the learning: added with non-negative weights searched for the best F1, and by a logistic
regression that also sees how common a tag is and how far it lies behind the thread's best. The score is half the
one and the whole of the other, each by its spread; a logistic curve over it gives the confidence. Deterministic: rows
are computed one by one, without dense products, whatever else is in a batch.

How the linear models of all tags are found at once is in ``autotag_ridge``, which threads teach and which are asked
about is decided in ``autotag``. This module is imported only where a model is made or used: what it needs takes half
a second to load.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import zstandard
from numpy.typing import NDArray
from scipy import sparse

from kbgen.curate.autotag_ridge import fit, logistic, others_similar, similarities
from kbgen.curate.autotag_text import Document, Names, grams

Matrix = NDArray[np.float32]
_NEIGHBOURS = 30
_SMALLEST_WEIGHT = 0.005  # a linear model's smaller weights change no decision and are most of its size
_MOST_GRAMS = 60_000
_LEAST_THREADS = 2  # a term of one thread tells nothing of others
_STATES = 3  # of a name: nowhere, in the text, in the title
_PRIOR = 4.0  # threads a pooled estimate counts for
_AXES = ((1, (0.1, 0.2, 0.3, 0.45)), (0, (0.1, 0.2, 0.3, 0.45, 0.6)), (1, (0.0, 0.1, 0.2, 0.3, 0.45)))
_GAIN = 0.001
_ENOUGH = 4  # times as many pairs as were given: far below the cut at which F1 is highest


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


def _learn_terms(documents: Sequence[Document]) -> tuple[_Space, Any]:
    """The terms that are kept, in order, and the documents as rows over them."""
    counted = [grams(one) for one in documents]
    frequency = Counter(chain.from_iterable(counted))
    # In the order of the terms, so that a stable sort settles equals by them.
    known = sorted(gram for gram, n in frequency.items() if n >= _LEAST_THREADS)
    kept = sorted(sorted(known, key=lambda gram: -frequency[gram])[:_MOST_GRAMS])
    vocabulary = {gram: column for column, gram in enumerate(kept)}
    seen = np.fromiter(map(frequency.__getitem__, kept), dtype=np.float64, count=len(kept))
    idf = (np.log((1 + len(documents)) / (1 + seen)) + 1).astype(np.float32)
    return _Space(vocabulary, idf), _unit(_logs(counted, vocabulary), idf)


def _logs(counted: Iterable[Mapping[str, int]], columns: Mapping[str, int]) -> Any:
    """One plus the logarithm of each count, a row a thread; a term without a column is left out."""
    indices: list[int] = []
    counts: list[int] = []
    ends = [0]
    for one in counted:
        found = one.keys() & columns.keys()
        indices.extend(map(columns.__getitem__, found))
        counts.extend(map(one.__getitem__, found))
        ends.append(len(indices))
    values = 1.0 + np.log(np.array(counts, dtype=np.float64))
    places = np.array(indices, dtype=np.int32), np.array(ends, dtype=np.int32)
    rows = sparse.csr_matrix((values, *places), shape=(len(ends) - 1, len(columns)))
    rows.sort_indices()
    return rows


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

    def named(self, one: Document) -> frozenset[int]:
        """The tags whose name, title or synonym stands in a thread."""
        return frozenset(self._names.places(one))

    def scores(self, documents: Sequence[Document]) -> Matrix:
        """The score of every tag, a row a thread and a column a tag."""
        rows = self._space.rows(documents)
        margins = np.asarray((rows @ self._weights).toarray() + self._parts["bias"], dtype=np.float32)
        near = _nearest((rows @ self._lessons.T).toarray(), self._marks)
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
        arrays = BytesIO()
        np.savez(arrays, head=np.frombuffer(head, np.uint8), idf=self._space.idf, **self._parts)
        beside.write_bytes(zstandard.compress(arrays.getbuffer(), 1))
        beside.replace(file)


def load(file: Path) -> Model | None:
    """Read a model; None when there is none or it is damaged. Nothing in the file is run."""
    try:
        with np.load(BytesIO(zstandard.decompress(file.read_bytes())), allow_pickle=False) as stored:
            parts = {name: stored[name] for name in stored.files}
        head = json.loads(parts.pop("head").tobytes())
        space = _Space({gram: column for column, gram in enumerate(head["grams"])}, parts.pop("idf"))
        return Model(space, head["names"], parts)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zstandard.ZstdError):
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
    space, rows = _learn_terms(documents)
    marks = sparse.csr_matrix(truth.astype(np.float32))
    similar = similarities(rows)
    near = np.concatenate([_nearest(part, marks) for part in others_similar(similar)])
    fitted = fit(rows, similar, truth)
    del similar  # an eighth of a gigabyte
    odds = _odds(places, truth)
    parts = _weigh(Evidence(fitted.left_out, near, _lift(places, odds)), truth)
    fitted.weights[np.abs(fitted.weights) < _SMALLEST_WEIGHT] = 0
    parts |= {"bias": fitted.bias, "odds": odds}
    parts |= _write_sparse("weights", sparse.csr_matrix(fitted.weights))
    parts |= _write_sparse("lessons", rows) | _write_sparse("marks", marks)
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


def _nearest(similar: Matrix, marks: Any) -> Matrix:
    """The share of the nearest threads, weighted by similarity, that have each tag.

    Args:
        similar: a row a thread that is asked about, a column a lesson.
        marks: the lessons' tags.
    """
    if similar.shape[1] > _NEIGHBOURS:
        least = np.partition(similar, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS]
        chosen = similar >= least[:, None]
        for row in np.flatnonzero(chosen.sum(1) > _NEIGHBOURS):
            # Of those that are equally far the first lessons count.
            last = np.flatnonzero(similar[row] == least[row])
            chosen[row, last[_NEIGHBOURS - int((similar[row] > least[row]).sum()) :]] = False
        similar = np.where(chosen, similar, np.float32(0))
    total = similar.sum(1, keepdims=True)
    weights = sparse.csr_matrix(similar / np.where(total > 0, total, np.float32(1)))
    return np.asarray((weights @ marks).toarray(), dtype=np.float32)


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
    features = (features - middle) / spread
    parts |= {"middle": middle, "spread": spread, "stack": logistic(features, given, 1.0)}
    # A dozen weights from so many pairs: they are judged by the same pairs.
    judged = _line(features, parts["stack"]).reshape(truth.shape)
    added = _added(evidence, parts)
    parts["spreads"] = np.array([added.std() or 1, judged.std() or 1], dtype=np.float32)
    scores = _mixed(added, judged, parts).ravel()
    parts["curve"] = logistic(scores.reshape(-1, 1), given, 100.0)
    parts["cut"] = np.array([best_f1(scores, given)[1]], dtype=np.float32)
    return parts


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
    total = int(given.sum())
    found = _best_cut(scores, given, _highest(scores, _ENOUGH * total))
    # Further down F1 is below 2 / (1 + _ENOUGH) even if every pair that was given is found there.
    return found if found[0] * (1 + _ENOUGH) >= 2 else _best_cut(scores, given, _highest(scores, len(scores)))


def _best_cut(scores: Matrix, given: NDArray[np.int8], order: NDArray[np.intp]) -> tuple[float, float]:
    hits = np.cumsum(given[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + given.sum())
    best = int(f1.argmax())
    return float(f1[best]), float(scores[order[best]])


def _highest(scores: Matrix, count: int) -> NDArray[np.intp]:
    """Places of the highest scores, the highest first, and all that are as high as the last; ties in their order."""
    places = np.arange(len(scores))
    if 0 < count < len(scores):
        places = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    return np.asarray(places[np.argsort(-scores[places], kind="stable")])


def _write_sparse(name: str, matrix: Any) -> dict[str, Any]:
    matrix = matrix.tocsr()
    return {f"{name}_data": matrix.data, f"{name}_columns": matrix.indices, f"{name}_ends": matrix.indptr}


def _read_sparse(parts: dict[str, Any], name: str, shape: tuple[int, int]) -> Any:
    arrays = (parts[f"{name}_data"], parts[f"{name}_columns"], parts[f"{name}_ends"])
    return sparse.csr_matrix(arrays, shape=shape)
