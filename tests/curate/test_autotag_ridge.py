"""The linear models of tags: all at once, and each thread left out, against the same done the long way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from kbgen.curate import autotag_ridge
from kbgen.curate.autotag_model import _nearest
from kbgen.curate.autotag_ridge import fit, logistic, others_similar, similarities


def lessons() -> tuple[Any, NDArray[np.int8]]:
    """Forty sparse rows of length one over twelve terms, and three tags that follow from them, not quite."""
    random = np.random.default_rng(7)
    rows = random.random((40, 12)) * (random.random((40, 12)) < 0.4)
    rows[:, 0] += 0.1
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    truth = (rows[:, :3] + 0.2 * random.random((40, 3)) > 0.35).astype(np.int8)
    return sparse.csr_matrix(rows.astype(np.float32)), truth


def ridge(rows: Any, truth: NDArray[np.int8]) -> Ridge:
    """The same model by a library; its bias is a term among others, as ours is."""
    wide = np.column_stack([rows.toarray(), np.ones(rows.shape[0])])
    return Ridge(alpha=1.0, fit_intercept=False).fit(wide.astype(np.float64), 2.0 * truth - 1.0)


def test_every_tag_is_learnt_as_by_itself() -> None:
    """Weights and bias are those of ridge regression, tag by tag."""
    rows, truth = lessons()
    fitted = fit(rows, similarities(rows), truth)
    for tag in range(truth.shape[1]):
        known = ridge(rows, truth[:, [tag]]).coef_.ravel()
        assert fitted.weights[:, tag] == pytest.approx(known[:-1], abs=1e-5)
        assert fitted.bias[tag] == pytest.approx(known[-1], abs=1e-5)


def test_a_thread_left_out_is_answered_as_if_it_had_not_been_there() -> None:
    """What follows from one factorisation is what learning without the thread gives."""
    rows, truth = lessons()
    left_out = fit(rows, similarities(rows), truth).left_out
    for row in range(rows.shape[0]):
        rest = np.delete(np.arange(rows.shape[0]), row)
        wide = np.append(rows[row].toarray()[0], 1.0)
        assert left_out[row] == pytest.approx(wide @ ridge(rows[rest], truth[rest]).coef_.T, abs=1e-4)


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Similarities made and read some rows at a time are those of all at once."""
    rows, _ = lessons()
    whole, others = similarities(rows), np.concatenate(list(others_similar(similarities(rows))))
    monkeypatch.setattr(autotag_ridge, "_ROWS", 7)
    assert (similarities(rows) == whole).all()
    assert (np.concatenate(list(others_similar(whole))) == others).all()
    assert (np.diagonal(others) == 0).all()


def test_a_logistic_regression_is_the_librarys() -> None:
    """Newton's method ends where scikit-learn's solver ends."""
    random = np.random.default_rng(3)
    features = random.normal(size=(500, 3)).astype(np.float32)
    given = (features @ np.array([2.0, -1.0, 0.0]) + random.normal(size=500) > 1.5).astype(np.int8)
    known = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(features.astype(np.float64), given)
    assert logistic(features, given, 1.0) == pytest.approx([*known.coef_[0], known.intercept_[0]], abs=0.006)


def test_a_full_step_that_overshoots_is_halved() -> None:
    """Pairs near and far, next to no penalty: where a full step would make the loss grow, less is taken."""
    rows = [
        (-6, -5.9, -1),
        (-49.4, 42.1, 51.6),
        (-0.5, 0.1, -0.1),
        (45.7, -108, -244.8),
        (-0.1, 0, -0.4),
        (149.2, 39, 173.1),
    ]
    features, given = np.array(rows, dtype=np.float32), np.array([1, 0, 0, 1, 1, 1], dtype=np.int8)
    known = LogisticRegression(C=100.0, tol=1e-12, solver="newton-cholesky").fit(features.astype(np.float64), given)
    assert logistic(features, given, 100.0) == pytest.approx([*known.coef_[0], known.intercept_[0]], abs=0.006)


def test_what_nobody_was_given_is_given_to_nobody() -> None:
    """Pairs of one kind teach nothing: the answer is no."""
    features = np.ones((4, 2), dtype=np.float32)
    assert logistic(features, np.zeros(4, dtype=np.int8), 1.0).tolist() == [0.0, 0.0, -20.0]


def test_of_equally_near_threads_the_first_lessons_count() -> None:
    """Thirty-two lessons are as near as each other: thirty vote, the last two do not."""
    similar = np.full((1, 33), 0.5, dtype=np.float32)
    similar[0, 7] = 0.0
    marks = np.zeros((33, 2), dtype=np.float32)
    marks[31:, 0], marks[30, 1] = 1.0, 1.0
    assert _nearest(similar, sparse.csr_matrix(marks)).tolist() == [[0.0, pytest.approx(1 / 30)]]


def test_a_batch_does_not_move_the_nearest() -> None:
    """A thread asked about by itself has the neighbours it has among others, bit for bit."""
    random = np.random.default_rng(5)
    similar = np.round(random.random((20, 90)), 2).astype(np.float32)
    marks = sparse.csr_matrix((random.random((90, 4)) < 0.3).astype(np.float32))
    alone = np.concatenate([_nearest(similar[row : row + 1], marks) for row in range(20)])
    assert (_nearest(similar, marks) == alone).all()
