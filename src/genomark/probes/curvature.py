"""Preconditioners: what the loss curves like, known well enough from a sample of rows.

At weights near 0 the Hessian of a logistic column is ``strength * E[x x'] + 1`` with
``strength = C * p (1 - p) * n``. One Gram matrix of a few thousand rows serves every task, label
and fold on the same vectors; strengths are rounded to powers of two, so that few inverses are made.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.probes.design import DenseDesign, Design

#: Rows of the sample: at least so many, and so many a dimension.
_ROWS = 8000
_ROWS_A_DIMENSION = 3


class Curvature:
    """Approximate inverse Hessians for the rows of a design, or of others on the same vectors.

    Parameters
    ----------
    design : Design
    """

    def __init__(self, design: Design) -> None:
        self._penalised = design.penalised
        self._diagonal = design.mean_squares()
        self._gram = design.products(max(_ROWS, _ROWS_A_DIMENSION * design.width))
        if self._gram is not None and isinstance(design, DenseDesign):
            # What few rows have, a sample may miss: the diagonal is that of all rows.
            lacking = self._diagonal - np.diag(self._gram)
            self._gram[np.diag_indices_from(self._gram)] += np.maximum(lacking, 0.0)
        self._inverses: dict[int, NDArray[np.float32]] = {}
        self._lock = threading.Lock()

    def apply(
        self, vectors: NDArray[np.float32], strengths: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Multiply by the approximate inverse Hessian.

        Parameters
        ----------
        vectors : ndarray of float32, shape (k, width)
        strengths : ndarray of float64, shape (k,)
            ``C * p (1 - p) * n`` of each column.
        """
        powers = np.rint(np.log2(np.maximum(strengths, 1e-3))).astype(np.int64)
        out = np.empty_like(vectors)
        for power in np.unique(powers):
            chosen = powers == power
            inverse = self._inverse(int(power))
            many = vectors[chosen]
            out[chosen] = many @ inverse if inverse.ndim == 2 else many * inverse
        return out

    def _inverse(self, power: int) -> NDArray[np.float32]:
        with self._lock:
            if power not in self._inverses:
                self._inverses[power] = self._make(2.0**power)
            return self._inverses[power]

    def _make(self, strength: float) -> NDArray[np.float32]:
        if self._gram is None:
            return (1.0 / (strength * self._diagonal + self._penalised + 1e-12)).astype(np.float32)
        hessian = strength * self._gram
        # Padding has neither curvature nor penalty; anything above 0 keeps it out of the way.
        empty = np.diag(hessian) == 0
        hessian[np.diag_indices_from(hessian)] += np.where(empty, 1.0, self._penalised)
        try:
            return _inverse(hessian)
        except np.linalg.LinAlgError:
            # Curvatures too far apart for float32.
            return _inverse(hessian.astype(np.float64)).astype(np.float32)


def _inverse(matrix: NDArray[Any]) -> NDArray[Any]:
    """Invert a symmetric positive definite matrix."""
    lower, _ = scipy.linalg.cho_factor(matrix, lower=True, check_finite=False)
    (invert,) = scipy.linalg.get_lapack_funcs(("potri",), (lower,))
    inverse, failed = invert(lower, lower=1, overwrite_c=True)
    if failed:
        raise np.linalg.LinAlgError("singular")
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    return np.ascontiguousarray(inverse)
