"""L2-regularised logistic regression: all folds and labels of a task solved together.

The objective of each column is scikit-learn's ``LogisticRegression``:
``w'w / 2 + C * sum(weight * log(1 + exp(-s (x'w + b))))`` with ``s = +-1`` and a free intercept.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.probes import kernels
from genomark.probes.curvature import Curvature
from genomark.probes.design import DenseDesign, Design
from genomark.probes.lbfgs import Gradient, Solution, minimise
from genomark.probes.one_thread import one_thread

#: Decrement per unit of ``C * n`` where float32 stops and at the end: the root mean square error
#: of logits is then about 3e-5 and 3e-7.
ROUGH = 1e-10
EXACT = 1e-14

#: Columns solved together; fixed, so that the number of threads changes nothing.
_COLUMNS_TOGETHER = 80
#: Up to so many columns, one fused pass beats two matrix products.
_NARROW = 10


@dataclass(frozen=True)
class LogisticColumns:
    """The problems to solve on one design.

    Attributes
    ----------
    answers : ndarray of int8, shape (n_rows, k)
        0 or 1; -1 where a row is not among those the column is fitted on.
    negative, positive : ndarray of float64, shape (k,)
        `C` times the weight of each class.
    """

    answers: NDArray[np.int8]
    negative: NDArray[np.float64]
    positive: NDArray[np.float64]


def fit_logistic(
    design: Design, columns: LogisticColumns, curvature: Curvature, *, threads: int = 1
) -> Solution:
    """Solve every column to the optimum.

    Parameters
    ----------
    design : Design
    columns : LogisticColumns
        Each must have both classes among the rows it is fitted on.
    curvature : Curvature
        Of `design`, or of another on the same vectors.
    threads : int
        Columns are solved in blocks of fixed size; results do not depend on it.

    Returns
    -------
    Solution
    """
    k = columns.answers.shape[1]
    blocks = [
        slice(start, min(k, start + _COLUMNS_TOGETHER)) for start in range(0, k, _COLUMNS_TOGETHER)
    ]

    def solve(block: slice) -> Solution:
        part = LogisticColumns(
            np.ascontiguousarray(columns.answers[:, block]),
            columns.negative[block],
            columns.positive[block],
        )
        return _solve(design, part, curvature)

    with one_thread():
        if threads == 1 or len(blocks) == 1:
            solved = [solve(block) for block in blocks]
        else:
            with ThreadPoolExecutor(threads) as pool:
                solved = list(pool.map(solve, blocks))
    return joined(solved)


def joined(parts: Sequence[Solution]) -> Solution:
    """Put the columns of several solutions side by side."""
    return Solution(
        weights=np.vstack([part.weights for part in parts]),
        decrement=np.concatenate([part.decrement for part in parts]),
        gradient=np.concatenate([part.gradient for part in parts]),
        passes=max(part.passes for part in parts),
    )


def _solve(design: Design, columns: LogisticColumns, curvature: Curvature) -> Solution:
    positives = (columns.answers == 1).sum(axis=0) * columns.positive
    negatives = (columns.answers == 0).sum(axis=0) * columns.negative
    total = positives + negatives
    share = positives / total
    strengths = total * share * (1 - share)
    start = np.zeros((share.size, design.width))
    start[:, design.intercept] = np.log(share / (1 - share))
    losses = _Losses(design, columns)

    def precondition(vectors: NDArray[np.float32], which: NDArray[np.int64]) -> Any:
        return curvature.apply(vectors, strengths[which])

    return minimise(
        start, losses.gradient, losses.exact, precondition, total, rough=ROUGH, tolerance=EXACT
    )


class _Losses:
    """Gradients of the columns of one block, by the route that suits their number."""

    def __init__(self, design: Design, columns: LogisticColumns) -> None:
        self._design = design
        self._matrix = design.matrix if isinstance(design, DenseDesign) else None
        self._columns = columns

    def gradient(
        self, weights: NDArray[np.float64], columns: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Sum in float32."""
        answers = _chosen(self._columns.answers, columns)
        negative = self._columns.negative[columns].astype(np.float32)
        positive = self._columns.positive[columns].astype(np.float32)
        single = weights.astype(np.float32)
        if self._matrix is not None and columns.size <= _NARROW:
            wide, padding = _filled(single)
            total = np.empty(wide.shape)
            kernels.narrow_gradient(
                self._matrix,
                wide,
                np.pad(answers, ((0, 0), (0, padding)), constant_values=-1) if padding else answers,
                np.pad(negative, (0, padding)),
                np.pad(positive, (0, padding)),
                total,
            )
            total = total[: columns.size]
        else:

            def residuals(logits: Any, start: int) -> Any:
                rows = slice(start, start + logits.shape[0])
                kernels.logistic_residuals(logits, answers[rows], negative, positive)
                return logits

            total = self._design.gradient(single, residuals)
        return total + self._design.penalised * weights

    def exact(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], Gradient]:
        """Sum in float64, and give the gradient of the quadratic that touches there."""
        answers = self._columns.answers
        classes = (self._columns.negative, self._columns.positive)
        curvature = np.empty(answers.shape, np.float32)

        def residuals(logits: Any, start: int) -> Any:
            rows = slice(start, start + logits.shape[0])
            curvature[rows] = kernels.logistic_curvature(logits, answers[rows], *classes)
            kernels.logistic_residuals_exact(logits, answers[rows], *classes)
            return logits

        total = self._design.gradient(weights, residuals)
        total += self._design.penalised * weights
        origin = weights.copy()

        def quadratic(at: NDArray[np.float64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
            moved = at - origin[columns]
            change = self._product(moved.astype(np.float32), _chosen(curvature, columns))
            return total[columns] + change + self._design.penalised * moved

        return total, quadratic

    def _product(
        self, vectors: NDArray[np.float32], curvature: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Multiply by the Hessian of the losses."""
        if self._matrix is not None and vectors.shape[0] <= _NARROW:
            wide, padding = _filled(vectors)
            total = np.empty(wide.shape)
            filled = np.pad(curvature, ((0, 0), (0, padding))) if padding else curvature
            kernels.narrow_product(self._matrix, wide, filled, total)
            return total[: vectors.shape[0]]

        def residuals(logits: Any, start: int) -> Any:
            logits *= curvature[start : start + logits.shape[0]]
            return logits

        return self._design.gradient(vectors, residuals)


def _chosen(table: NDArray[Any], columns: NDArray[np.int64]) -> NDArray[Any]:
    return table if columns.size == table.shape[1] else np.ascontiguousarray(table[:, columns])


def _filled(weights: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Fill up to a multiple of the columns that the fused pass takes side by side."""
    padding = -weights.shape[0] % kernels.SIDE_BY_SIDE
    return (np.pad(weights, ((0, padding), (0, 0))) if padding else weights), padding
