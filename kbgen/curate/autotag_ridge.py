"""Linear models of all tags at once, and what each would say of a thread had it not seen it.

Regularised least squares (R. Rifkin and A. Klautau, In Defense of One-Vs-All Classification, JMLR 5, 2004) is about as
good as a support vector machine on texts, and two things about it save most of the time: one factorisation of the
similarities serves every tag, and the answers for threads left out of the learning follow from it without learning
again (G. Wahba, Spline Models for Observational Data, 1990, section 4.2: the leave-one-out residual is the dual
weight over the diagonal of the inverse). Not here: what the models are used for (``autotag_model``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack
from scipy.special import expit
from threadpoolctl import threadpool_limits

Matrix = NDArray[np.float32]
_PENALTY = 1.0  # of the weights' squares beside the errors' squares; 0.3 and 3 are no better on three communities
_ROWS = 500
_NEWTON_STEPS = 50
_STEP_ENDS = 1e-8


class Fitted(NamedTuple):
    """The linear models.

    Attributes:
        weights: a row a term, a column a tag.
        bias: of each tag.
        left_out: a row a thread, a column a tag: the answer of a model that has learnt from all other threads.
    """

    weights: Matrix
    bias: Matrix
    left_out: Matrix


def similarities(rows: Any) -> NDArray[np.float64]:
    """How similar each thread is to each, a row and a column a thread.

    Args:
        rows: sparse, a row a thread, of length one.
    """
    similar = np.empty((rows.shape[0], rows.shape[0]))
    other = rows.T.tocsr()
    # In parts: the sparse product of all would be twice as large as the dense one.
    for start in range(0, rows.shape[0], _ROWS):
        similar[start : start + _ROWS] = (rows[start : start + _ROWS] @ other).toarray()
    return similar


def others_similar(similar: NDArray[np.float64]) -> Iterator[Matrix]:
    """How similar each thread is to every other, and not at all to itself; some rows at a time."""
    for start in range(0, len(similar), _ROWS):
        part = similar[start : start + _ROWS].astype(np.float32)
        places = np.arange(len(part))
        part[places, start + places] = 0.0
        yield part


def fit(rows: Any, similar: NDArray[np.float64], truth: NDArray[np.int8]) -> Fitted:
    """Learn every tag.

    Args:
        rows: sparse, a row a thread, of length one.
        similar: of the same rows; it is worked on where it stands, and of no use afterwards.
        truth: a row a thread, a column a tag, 1 where it has it.
    """
    wanted = 2.0 * truth - 1.0
    similar += 1.0  # a constant term makes the bias
    similar[np.diag_indices_from(similar)] += _PENALTY
    # Another process compares the same texts meanwhile; and sums must not depend on the number of cores.
    with threadpool_limits(limits=1, user_api="blas"):
        # The same both ways: seen the other way round it has the order in which it can be worked on in place.
        factor = linalg.cholesky(similar.T, lower=True, overwrite_a=True, check_finite=False)
        duals = linalg.cho_solve((factor, True), wanted, check_finite=False)
        inverse, _ = lapack.dtrtri(factor, lower=1, overwrite_c=1)
    own = np.einsum("ij,ij->j", inverse, inverse)
    left_out = wanted - duals / own[:, None]
    weights = rows.T @ duals
    return Fitted(weights.astype(np.float32), duals.sum(0).astype(np.float32), left_out.astype(np.float32))


def logistic(features: Matrix, given: NDArray[np.int8], strength: float) -> Matrix:
    """Fit a logistic regression by Newton's method; the bias is not held down.

    Args:
        features: a row a pair of thread and tag, few columns.
        given: 1 for the pairs a person gave.
        strength: the inverse of the penalty.

    Returns:
        A weight a column, then the bias, rounded to two places: the last digits depend on how a machine adds up, and
        rounded, its neighbours learn the same.
    """
    if not 0 < given.sum() < len(given):
        return np.array([*[0.0] * features.shape[1], -20.0], dtype=np.float32)
    rows = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    penalty = np.diag([*[1.0 / strength] * features.shape[1], 0.0])
    weights = np.zeros(rows.shape[1])
    with threadpool_limits(limits=1, user_api="blas"):
        loss = _loss(rows, given, weights, penalty)
        for _ in range(_NEWTON_STEPS):
            step = _newton(rows, given, weights, penalty)
            # A full step may overshoot where the curve is flat.
            while (after := _loss(rows, given, weights - step, penalty)) > loss:
                step /= 2
            weights -= step
            ends, loss = loss - after <= _STEP_ENDS * loss, after
            if ends:
                break
    return np.round(weights, 2).astype(np.float32)


def _loss(
    rows: NDArray[np.float64], given: NDArray[np.int8], weights: NDArray[np.float64], penalty: NDArray[np.float64]
) -> float:
    sums = rows @ weights
    return float(np.logaddexp(0, sums).sum() - sums[given == 1].sum() + weights @ penalty @ weights / 2)


def _newton(
    rows: NDArray[np.float64], given: NDArray[np.int8], weights: NDArray[np.float64], penalty: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The step that would end it if the loss were a parabola."""
    likely = expit(rows @ weights)
    slope = rows.T @ (likely - given) + penalty @ weights
    bend = (rows * (likely * (1 - likely))[:, None]).T @ rows + penalty
    return np.asarray(linalg.solve(bend, slope, assume_a="pos"))
