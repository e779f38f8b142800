"""The rows a probe is fitted on: vectors of genes, or of pairs of them, centred and scaled.

A design is what solvers see: a matrix of `n_rows` and `width`, of which the last columns are an
intercept and padding. It is never copied for a fold, and for pairs it is never built.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.probes import kernels

Scale = Literal["standard", "variance", "none"]
Floats = NDArray[np.floating[Any]]
#: Takes logits of the rows from `start` on and gives the derivative of the loss; may overwrite.
Residuals = Callable[[Any, int], Any]

#: Rows are a multiple of this many values long: whole vector registers.
_ALIGNED = 16
#: Rows of a block that is read for logits and, still in cache, for the gradient.
_BLOCK = 512
_PAIR_BLOCK = 16384
#: Of pairs, in bytes, for heads that cannot do without.
_LARGEST_MATRIX = 2_000_000_000
#: Rows from which means, scales and curvature are estimated at a time.
_STATISTICS_BLOCK = 2048


@dataclass(frozen=True)
class Scaling:
    """``(vector - mean) * factor`` for each dimension, float32[d] each.

    Centring changes no fit, since the intercept is not penalised; it keeps sums exact.
    """

    mean: NDArray[np.float32]
    factor: NDArray[np.float32]


def scaling_of(vectors: Any, scale: Scale) -> Scaling:
    """Work out mean and scale of each dimension over all rows of a table.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
    scale : str
        ``standard``: every dimension to the same standard deviation (a constant one to 0), such
        that the mean squared length of a vector is 1, whatever the number of dimensions.
        ``variance``: every dimension to standard deviation 1. ``none``: as they are.
    """
    n, width = vectors.shape
    total, squares = np.zeros(width), np.zeros(width)
    for start in range(0, n, _STATISTICS_BLOCK):
        total += vectors[start : start + _STATISTICS_BLOCK].sum(axis=0, dtype=np.float64)
    mean = (total / n).astype(np.float32)
    if scale == "none":
        return Scaling(mean, np.ones(width, np.float32))
    for start in range(0, n, _STATISTICS_BLOCK):
        block = vectors[start : start + _STATISTICS_BLOCK] - mean
        squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
    spread = np.sqrt(squares / n)
    # What differs in nothing but rounding is constant.
    constant = spread <= 1e-6 * np.abs(mean)
    factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
    varying = max(1, int(np.count_nonzero(factor)))
    length = math.sqrt(varying) if scale == "standard" else 1.0
    return Scaling(mean, (factor / length).astype(np.float32))


class Design(Protocol):
    """What solvers ask of the rows.

    Weights are of shape (k, width): one row a column of the problem. `penalised`, float32[width],
    is 1 where L2 shrinks and 0 for the intercept.
    """

    n_rows: int
    width: int
    intercept: int
    penalised: NDArray[np.float32]

    def gradient(self, weights: Floats, residuals: Residuals) -> NDArray[np.float64]:
        """Sum ``residual * row`` over rows, float64[k, width], in the precision of `weights`."""
        ...

    def logits(self, weights: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """``matrix[rows] @ weights.T``, float64[rows, k]."""
        ...

    @property
    def features(self) -> NDArray[np.float32]:
        """The rows without intercept and padding, float32[n_rows, d]."""
        ...

    def products(self, rows: int) -> NDArray[np.float32] | None:
        """Mean of ``x x'``, float32[width, width], from about so many rows where all are many.

        None where there are too many dimensions for that.
        """
        ...

    def mean_squares(self) -> NDArray[np.float64]:
        """Mean square of each dimension over all rows, float64[width]."""
        ...


class DenseDesign:
    """Rows that are held as one matrix.

    Parameters
    ----------
    features : ndarray of float32, shape (n, d)
        Used as it is.
    """

    def __init__(self, features: NDArray[np.float32]) -> None:
        self.n_rows, width = features.shape
        self._set_width(width)
        self.matrix = np.zeros((self.n_rows, self.width), np.float32)
        self.matrix[:, :width] = features
        self.matrix[:, width] = 1.0

    @classmethod
    def of(cls, vectors: Any, rows: NDArray[np.int64], scaling: Scaling) -> DenseDesign:
        """Gather, centre and scale rows of a table; reduce them where they span fewer dimensions.

        With fewer rows than dimensions every weight vector that matters is a combination of rows:
        ``X = R' Q'`` with orthonormal ``Q`` leaves the problem as it is, with `n` dimensions.
        """
        design = cls.__new__(cls)
        design.n_rows = rows.size
        design._set_width(scaling.mean.size)
        design.matrix = np.zeros((rows.size, design.width), np.float32)
        kernels.standardised_rows(
            np.asarray(vectors), rows, scaling.mean, scaling.factor, design.matrix
        )
        design.matrix[:, design.intercept] = 1.0
        if 0 < rows.size < scaling.mean.size:
            features = design.matrix[:, : scaling.mean.size]
            (triangle,) = scipy.linalg.qr(features.T, mode="r", check_finite=False)
            return cls(np.ascontiguousarray(triangle[: rows.size].T))
        return design

    def _set_width(self, features: int) -> None:
        self.intercept = features
        self.width = -(-(features + 1) // _ALIGNED) * _ALIGNED
        self.penalised = np.zeros(self.width, np.float32)
        self.penalised[:features] = 1.0

    @property
    def features(self) -> NDArray[np.float32]:
        """The rows without intercept and padding, float32[n, d]."""
        return self.matrix[:, : self.intercept]

    def gradient(self, weights: Floats, residuals: Residuals) -> NDArray[np.float64]:
        """Sum ``residual * row`` over rows."""
        total = np.zeros(weights.shape)
        for start in range(0, self.n_rows, _BLOCK):
            block = self.matrix[start : start + _BLOCK].astype(weights.dtype, copy=False)
            total += residuals(block @ weights.T, start).T @ block
        return total

    def logits(self, weights: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """``matrix[rows] @ weights.T``."""
        out = np.empty((rows.size, weights.shape[0]))
        for start in range(0, rows.size, _BLOCK):
            block = self.matrix[rows[start : start + _BLOCK]].astype(np.float64)
            out[start : start + _BLOCK] = block @ weights.T
        return out

    def products(self, rows: int) -> NDArray[np.float32]:
        """Mean of ``x x'`` over about so many rows, evenly spaced."""
        sample = self.matrix[:: max(1, self.n_rows // rows)]
        return (sample.T @ sample) / np.float32(sample.shape[0])

    def mean_squares(self) -> NDArray[np.float64]:
        """Mean square of each dimension."""
        squares = np.einsum("ij,ij->j", self.matrix, self.matrix, dtype=np.float64)
        return np.asarray(squares / self.n_rows)


class PairDesign:
    """Pairs of entities: the mean of their vectors, or one behind the other.

    Logits and gradients go through the entities, so that the matrix of pairs is never built:
    ``P (E W)`` and ``E' (P' R)`` with a sparse ``P``.

    Parameters
    ----------
    entities : DenseDesign or csr_array
        Vectors of the entities, scaled; a sparse matrix is taken as it is.
    first, second : ndarray of int64, shape (n,)
        Rows of `entities`.
    joined : bool
        Vectors one behind the other, not their mean.
    """

    def __init__(
        self,
        entities: DenseDesign | scipy.sparse.csr_array,
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        *,
        joined: bool = False,
    ) -> None:
        self.n_rows = first.size
        self._sparse = not isinstance(entities, DenseDesign)
        vectors = _with_intercept(entities)
        count, width = vectors.shape
        self._parts = [vectors, _without_last(vectors)] if joined else [vectors * np.float32(0.5)]
        self._first = first
        self._second = second + count if joined else second
        self._entity_width = width
        self.width = width * len(self._parts)
        self.intercept = width - 1
        self.penalised = np.ones(self.width, np.float32)
        self.penalised[self.intercept] = 0.0

    def gradient(self, weights: Floats, residuals: Residuals) -> NDArray[np.float64]:
        """Sum ``residual * row`` over pairs."""
        per_entity = self._per_entity(weights)
        sums = np.zeros(per_entity.shape)
        for start in range(0, self.n_rows, _PAIR_BLOCK):
            first = self._first[start : start + _PAIR_BLOCK]
            second = self._second[start : start + _PAIR_BLOCK]
            logits = np.empty((first.size, weights.shape[0]), weights.dtype)
            kernels.pair_logits(per_entity, first, second, logits)
            kernels.pair_sums(residuals(logits, start), first, second, sums)
        return self._pulled(sums.astype(weights.dtype, copy=False))

    def logits(self, weights: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """``matrix[rows] @ weights.T``."""
        out = np.empty((rows.size, weights.shape[0]))
        per_entity = self._per_entity(weights)
        kernels.pair_logits(per_entity, self._first[rows], self._second[rows], out)
        return out

    @property
    def features(self) -> NDArray[np.float32]:
        """The pairs as a matrix, float32[n, d], for heads that must have one.

        Raises
        ------
        UsageError
            If it would not fit in a reasonable memory.
        """
        needed = self.n_rows * self.width * 4
        if self._sparse or needed > _LARGEST_MATRIX:
            raise UsageError(
                f"this probe needs all {self.n_rows:,} pairs as one matrix ({needed / 1e9:.1f} GB);"
                " take --probe linear, or fewer pairs with --sub-sample"
            )
        first = self._parts[0][self._first]
        if len(self._parts) == 1:
            return np.ascontiguousarray((first + self._parts[0][self._second])[:, : self.intercept])
        second = self._parts[1][self._second - self._parts[0].shape[0]]
        return np.hstack([first[:, :-1], second[:, :-1]])

    def products(self, rows: int) -> NDArray[np.float32] | None:
        """Mean of ``x x'`` over all pairs, by way of the entities: ``E' (P'P) E``."""
        if self._sparse:
            return None
        count = self._parts[0].shape[0] * len(self._parts)
        both = [np.bincount(side, minlength=count) for side in (self._first, self._second)]
        ones = np.ones(self.n_rows, np.float32)
        met = scipy.sparse.csr_array((ones, (self._first, self._second)), shape=(count, count))
        linked = scipy.sparse.csr_array(met + met.T)
        alone = (both[0] + both[1]).astype(np.float32)
        blocks = np.split(np.arange(count), len(self._parts))
        rows_of = [
            np.hstack(
                [
                    _linked(linked, alone, mine, other, part)
                    for other, part in zip(blocks, self._parts, strict=True)
                ]
            )
            for mine in blocks
        ]
        gram = np.vstack([part.T @ each for part, each in zip(self._parts, rows_of, strict=True)])
        return np.asarray(gram / np.float32(self.n_rows))

    def mean_squares(self) -> NDArray[np.float64]:
        """Mean square of each dimension, as if the two entities of a pair shared none."""
        count = self._parts[0].shape[0]
        drawn = np.bincount(self._first, minlength=count * len(self._parts)).astype(np.float64)
        drawn += np.bincount(self._second, minlength=drawn.size)
        parts = np.split(drawn / self.n_rows, len(self._parts))
        squares = [
            each @ part.astype(np.float64) ** 2
            for each, part in zip(parts, self._parts, strict=True)
        ]
        return np.hstack(squares)

    def _per_entity(self, weights: Floats) -> Floats:
        width = self._entity_width
        return np.ascontiguousarray(
            np.vstack(
                [
                    _product(part, weights[:, place * width : (place + 1) * width].T)
                    for place, part in enumerate(self._parts)
                ]
            )
        )

    def _pulled(self, sums: Floats) -> NDArray[np.float64]:
        parts = np.split(sums, len(self._parts))
        pulled = [_product(part.T, each).T for part, each in zip(self._parts, parts, strict=True)]
        return np.hstack(pulled).astype(np.float64)


def _product(matrix: Any, other: Floats) -> Floats:
    """``matrix @ other`` in the precision of `other`, in blocks where that takes a copy."""
    if matrix.dtype == other.dtype or not isinstance(matrix, np.ndarray):
        return np.asarray(matrix @ other)
    if matrix.flags.c_contiguous:
        blocks = [
            matrix[start : start + _BLOCK].astype(other.dtype) @ other
            for start in range(0, matrix.shape[0], _BLOCK)
        ]
        return np.vstack(blocks)
    total = np.zeros((matrix.shape[0], other.shape[1]), other.dtype)
    for start in range(0, matrix.shape[1], _BLOCK):
        block = matrix[:, start : start + _BLOCK].astype(other.dtype)
        total += block @ other[start : start + _BLOCK]
    return total


def _linked(
    linked: scipy.sparse.csr_array,
    alone: NDArray[np.float32],
    mine: NDArray[np.int64],
    other: NDArray[np.int64],
    vectors: NDArray[np.float32],
) -> NDArray[np.float32]:
    """``(P'P)[mine, other] @ vectors``: pairs they are met in, and on the diagonal all of them."""
    summed = np.asarray(linked[mine][:, other] @ vectors)
    if mine[0] == other[0]:
        summed += alone[mine, None] * vectors
    return summed


def _with_intercept(entities: DenseDesign | scipy.sparse.csr_array) -> Any:
    if isinstance(entities, DenseDesign):
        return np.hstack([entities.features, np.ones((entities.n_rows, 1), np.float32)])
    from scipy.sparse import hstack

    ones = scipy.sparse.csr_array(np.ones((entities.shape[0], 1), np.float32))
    return scipy.sparse.csr_array(hstack([entities, ones]))


def _without_last(vectors: Any) -> Any:
    """Give the same vectors with an intercept of 0."""
    if isinstance(vectors, np.ndarray):
        changed = vectors.copy()
        changed[:, -1] = 0.0
        return changed
    keep = np.ones(vectors.shape[1], np.float32)
    keep[-1] = 0.0
    return scipy.sparse.csr_array(vectors * keep)
