"""Multinomial logistic regression: all folds of a task solved together.

The objective of each fold is scikit-learn's ``LogisticRegression`` for more than two classes:
``sum(W**2) / 2 + C * sum(weight * -log(softmax(W x + b)[right class]))``, intercepts free.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.probes import kernels
from genomark.probes.curvature import Curvature
from genomark.probes.design import Design, Residuals
from genomark.probes.lbfgs import Gradient, Solution, minimise
from genomark.probes.logistic import EXACT, ROUGH, joined
from genomark.probes.one_thread import one_thread

#: Folds are solved together up to so many columns: products are quicker the wider they are.
_COLUMNS_TOGETHER = 64


def fit_softmax(
    design: Design,
    classes: NDArray[np.int64],
    training: NDArray[np.bool_],
    weights: NDArray[np.float64],
    curvature: Curvature,
    *,
    threads: int = 1,
) -> Solution:
    """Solve every fold to the optimum.

    Parameters
    ----------
    design : Design
    classes : ndarray of int64, shape (n_rows,)
        Numbered from 0; each must be among the training rows of each fold.
    training : ndarray of bool, shape (n_rows, folds)
        Rows that a fold is fitted on.
    weights : ndarray of float64, shape (folds, n_classes)
        `C` times the weight of each class.
    curvature : Curvature
    threads : int
        Folds are solved in groups of fixed size; results do not depend on it.

    Returns
    -------
    Solution
        Weights of shape (folds, n_classes * width).
    """
    together = max(1, _COLUMNS_TOGETHER // weights.shape[1])
    groups = [slice(first, first + together) for first in range(0, training.shape[1], together)]

    def solve(group: slice) -> Solution:
        mask = np.ascontiguousarray(training[:, group])
        return _Softmax(design, classes, mask, weights[group]).solve(curvature)

    with one_thread():
        if threads == 1:
            solved = [solve(group) for group in groups]
        else:
            with ThreadPoolExecutor(threads) as pool:
                solved = list(pool.map(solve, groups))
    return joined(solved)


class _Softmax:
    """The folds of one group; their weights are of shape (folds, n_classes * width)."""

    def __init__(
        self,
        design: Design,
        classes: NDArray[np.int64],
        training: NDArray[np.bool_],
        weights: NDArray[np.float64],
    ) -> None:
        self._design = design
        self._classes = classes
        self._training = training
        self._weights = weights
        self._size = weights.shape[1]

    def solve(self, curvature: Curvature) -> Solution:
        counts = np.stack(
            [np.bincount(self._classes[rows], minlength=self._size) for rows in self._training.T]
        )
        weighed = counts * self._weights
        total = weighed.sum(axis=1)
        share = weighed / total[:, None]
        logs = np.log(share)
        start = np.zeros((*share.shape, self._design.width))
        start[:, :, self._design.intercept] = logs - logs.mean(axis=1, keepdims=True)
        strengths = total[:, None] * share * (1 - share)

        def precondition(vectors: NDArray[np.float32], folds: NDArray[np.int64]) -> Any:
            stacked = _centred(self._stacked(vectors))
            curved = curvature.apply(_flat(stacked), strengths[folds].ravel())
            return _centred(curved.reshape(stacked.shape)).reshape(vectors.shape)

        return minimise(
            start.reshape(share.shape[0], -1),
            self.gradient,
            self.exact,
            precondition,
            total,
            rough=ROUGH,
            tolerance=EXACT,
        )

    def gradient(
        self, weights: NDArray[np.float64], folds: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Sum in float32."""
        training = np.ascontiguousarray(self._training[:, folds])
        single = self._weights[folds].astype(np.float32)

        def residuals(logits: Any, first: int) -> Any:
            rows = slice(first, first + logits.shape[0])
            shaped = logits.reshape(-1, folds.size, self._size)
            kernels.softmax_residuals(shaped, self._classes[rows], training[rows], single)
            return logits

        return self._summed(weights, np.float32, residuals)

    def exact(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], Gradient]:
        """Sum in float64, and give the gradient of the quadratic that touches there."""
        folds = weights.shape[0]
        shares = np.empty((self._design.n_rows, folds, self._size), np.float32)
        weighed = np.where(self._training, self._weights[:, self._classes].T, 0.0)
        weighed = weighed.astype(np.float32)

        def residuals(logits: Any, first: int) -> Any:
            rows = slice(first, first + logits.shape[0])
            shaped = logits.reshape(-1, folds, self._size)
            shares[rows] = kernels.softmax_shares(shaped)
            kernels.softmax_residuals_exact(
                shaped, self._classes[rows], self._training[rows], self._weights
            )
            return logits

        total = self._summed(weights, np.float64, residuals)
        origin = weights.copy()

        def quadratic(at: NDArray[np.float64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
            def changes(logits: Any, first: int) -> Any:
                rows = slice(first, first + logits.shape[0])
                shaped = logits.reshape(-1, chosen.size, self._size)
                kernels.softmax_change(shaped, shares[rows], weighed[rows], chosen)
                return logits

            return total[chosen] + self._summed(at - origin[chosen], np.float32, changes)

        return total, quadratic

    def _summed(
        self, weights: NDArray[np.float64], precision: type, residuals: Residuals
    ) -> NDArray[np.float64]:
        stacked = self._stacked(weights)
        summed = self._design.gradient(_flat(stacked).astype(precision), residuals)
        whole = summed.reshape(stacked.shape) + self._design.penalised * stacked
        return _centred(whole).reshape(weights.shape)

    def _stacked(self, weights: NDArray[Any]) -> NDArray[Any]:
        return weights.reshape(weights.shape[0], self._size, -1)


def _flat(stacked: NDArray[Any]) -> NDArray[Any]:
    return stacked.reshape(-1, stacked.shape[-1])


def _centred(stacked: NDArray[Any]) -> NDArray[Any]:
    """Take the mean over classes away: along it the loss is flat, and the optimum has none."""
    centred: NDArray[Any] = stacked - stacked.mean(axis=1, keepdims=True)
    return centred
