"""Compiled inner loops of the solvers.

`float32` sums are reassociated so that they vectorise: the last digits depend on the processor, and
the solvers end in `float64`. `docs/design/probes.md` tells why there are two routes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., object])

#: Columns that the narrow route takes side by side: the folds of one label.
SIDE_BY_SIDE = 5
_BLOCK = 128


def kernel(function: F) -> F:
    """Compile with numba; the machine code is kept on disk between processes."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)(function))


@kernel
def exponential(x: np.float32) -> np.float32:
    """``exp(x)`` in float32 to 1 part in 10 million, in operations that vectorise.

    Range reduction by ``ln 2`` in two parts and the polynomial of degree 5 of Cephes (Moshier
    1989); arguments are clipped to +-87, where float32 ends.
    """
    x = min(max(x, np.float32(-87.0)), np.float32(87.0))
    power = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    f = x - power * np.float32(0.693359375) + power * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * f + np.float32(1.3981999507e-3)
    p = p * f + np.float32(8.3334519073e-3)
    p = p * f + np.float32(4.1665795894e-2)
    p = p * f + np.float32(1.6666665459e-1)
    p = p * f + np.float32(5.0000001201e-1)
    p = p * f * f + f + np.float32(1.0)
    bits = np.int32((np.int32(power) + np.int32(127)) << np.int32(23))
    return p * bits.view(np.float32)  # type: ignore[no-any-return]


@kernel
def logistic_residuals(
    logits: np.ndarray, answers: np.ndarray, negative: np.ndarray, positive: np.ndarray
) -> None:
    """Replace logits, float32[n, k], by the weighted derivative of the loss, in place.

    `answers`, int8[n, k], are 0 or 1, or -1 where a row is not of a column's training part;
    `negative` and `positive`, float32[k], weigh the two classes.
    """
    for row in range(logits.shape[0]):
        for column in range(logits.shape[1]):
            answer = answers[row, column]
            share = np.float32(1.0) / (np.float32(1.0) + exponential(-logits[row, column]))
            weight = positive[column] if answer > 0 else negative[column]
            weight = weight if answer >= 0 else np.float32(0.0)
            logits[row, column] = weight * (share - np.float32(answer))


@kernel
def logistic_residuals_exact(
    logits: np.ndarray, answers: np.ndarray, negative: np.ndarray, positive: np.ndarray
) -> None:
    """Do the same in float64."""
    for row in range(logits.shape[0]):
        for column in range(logits.shape[1]):
            answer = answers[row, column]
            if answer < 0:
                logits[row, column] = 0.0
                continue
            weight = positive[column] if answer > 0 else negative[column]
            share = 1.0 / (1.0 + math.exp(-logits[row, column]))
            logits[row, column] = weight * (share - answer)


@kernel
def logistic_curvature(
    logits: np.ndarray, answers: np.ndarray, negative: np.ndarray, positive: np.ndarray
) -> np.ndarray:
    """Second derivatives of the loss, float32[n, k], from logits in float64."""
    out = np.zeros(logits.shape, np.float32)
    for row in range(logits.shape[0]):
        for column in range(logits.shape[1]):
            answer = answers[row, column]
            if answer >= 0:
                weight = positive[column] if answer > 0 else negative[column]
                half = 1.0 / (1.0 + math.exp(-abs(logits[row, column])))
                out[row, column] = weight * half * (1.0 - half)
    return out


@kernel
def softmax_residuals(
    logits: np.ndarray, classes: np.ndarray, training: np.ndarray, weights: np.ndarray
) -> None:
    """Replace logits, float32[n, folds, n_classes], by the derivative of the loss, in place.

    `classes`, int64[n], is the right one; `training`, bool[n, folds], says which rows a fold is
    fitted on; `weights`, float32[folds, n_classes], weighs classes.
    """
    n, folds, size = logits.shape
    for row in range(n):
        for fold in range(folds):
            values = logits[row, fold]
            if not training[row, fold]:
                values[:] = np.float32(0.0)
                continue
            largest = values[0]
            for each in range(size):
                largest = max(largest, values[each])
            total = np.float32(0.0)
            for each in range(size):
                values[each] = exponential(values[each] - largest)
                total += values[each]
            weight = weights[fold, classes[row]]
            for each in range(size):
                values[each] *= weight / total
            values[classes[row]] -= weight


@kernel
def softmax_residuals_exact(
    logits: np.ndarray, classes: np.ndarray, training: np.ndarray, weights: np.ndarray
) -> None:
    """Do the same in float64."""
    n, folds, size = logits.shape
    for row in range(n):
        for fold in range(folds):
            values = logits[row, fold]
            if not training[row, fold]:
                values[:] = 0.0
                continue
            largest = values[0]
            for each in range(size):
                largest = max(largest, values[each])
            total = 0.0
            for each in range(size):
                values[each] = math.exp(values[each] - largest)
                total += values[each]
            weight = weights[fold, classes[row]]
            for each in range(size):
                values[each] *= weight / total
            values[classes[row]] -= weight


@kernel
def softmax_shares(logits: np.ndarray) -> np.ndarray:
    """Class probabilities, float32, from logits, float64[n, folds, n_classes]."""
    out = np.empty(logits.shape, np.float32)
    n, folds, size = logits.shape
    for row in range(n):
        for fold in range(folds):
            values = logits[row, fold]
            largest = values.max()
            total = 0.0
            for each in range(size):
                total += math.exp(values[each] - largest)
            for each in range(size):
                out[row, fold, each] = math.exp(values[each] - largest) / total
    return out


@kernel
def softmax_change(
    changes: np.ndarray, shares: np.ndarray, weights: np.ndarray, chosen: np.ndarray
) -> None:
    """Replace changes of logits by those of the residuals, to first order, in place.

    That is ``weight * p * (z - p'z)``.

    Parameters
    ----------
    changes : float32[n, k, n_classes]
    shares : float32[n, folds, n_classes]
        `p`.
    weights : float32[n, folds]
        0 where a row is not among those a fold is fitted on.
    chosen : int64[k]
        Which folds the columns of `changes` are.
    """
    n, folds, size = changes.shape
    for row in range(n):
        for place in range(folds):
            fold = chosen[place]
            z, p = changes[row, place], shares[row, fold]
            mean = np.float32(0.0)
            for each in range(size):
                mean += p[each] * z[each]
            for each in range(size):
                z[each] = weights[row, fold] * p[each] * (z[each] - mean)


@kernel
def narrow_gradient(
    matrix: np.ndarray,
    weights: np.ndarray,
    answers: np.ndarray,
    negative: np.ndarray,
    positive: np.ndarray,
    total: np.ndarray,
) -> None:
    """Sum the gradients of a few logistic columns in one pass over the rows.

    Each block of rows is read once for the logits and, still in the processor's cache, once for
    the gradient; the columns of one label (its folds) share every value that is loaded.

    Parameters
    ----------
    matrix : float32[n, d]
    weights : float32[k, d]
        `k` is a multiple of `SIDE_BY_SIDE`.
    answers : int8[n, k]
    negative, positive : float32[k]
    total : float64[k, d]
        Set, not added to.
    """
    n, width = matrix.shape
    columns = weights.shape[0]
    residuals = np.empty((_BLOCK, columns), np.float32)
    partial = np.empty((columns, width), np.float32)
    total[:] = 0.0
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        size = stop - start
        _narrow_logits(matrix[start:stop], weights, residuals)
        logistic_residuals(residuals[:size], answers[start:stop], negative, positive)
        partial[:] = 0.0
        _narrow_pull(matrix[start:stop], residuals, partial)
        for column in range(columns):
            for feature in range(width):
                total[column, feature] += partial[column, feature]


@kernel
def narrow_product(
    matrix: np.ndarray, weights: np.ndarray, curvature: np.ndarray, total: np.ndarray
) -> None:
    """Multiply a few columns by their Hessian in one pass: ``total = sum(x * v * x'w)``.

    `curvature`, float32[n, k], is `v`; the rest as for `narrow_gradient`.
    """
    n, width = matrix.shape
    columns = weights.shape[0]
    residuals = np.empty((_BLOCK, columns), np.float32)
    partial = np.empty((columns, width), np.float32)
    total[:] = 0.0
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        _narrow_logits(matrix[start:stop], weights, residuals)
        for row in range(stop - start):
            for column in range(columns):
                residuals[row, column] *= curvature[start + row, column]
        partial[:] = 0.0
        _narrow_pull(matrix[start:stop], residuals, partial)
        for column in range(columns):
            for feature in range(width):
                total[column, feature] += partial[column, feature]


@kernel
def _narrow_logits(matrix: np.ndarray, weights: np.ndarray, logits: np.ndarray) -> None:
    for k in range(0, weights.shape[0], SIDE_BY_SIDE):
        w0, w1, w2, w3, w4 = (
            weights[k],
            weights[k + 1],
            weights[k + 2],
            weights[k + 3],
            weights[k + 4],
        )
        for row in range(matrix.shape[0]):
            x = matrix[row]
            s0 = s1 = s2 = s3 = s4 = np.float32(0.0)
            for j in range(x.size):
                s0 += x[j] * w0[j]
                s1 += x[j] * w1[j]
                s2 += x[j] * w2[j]
                s3 += x[j] * w3[j]
                s4 += x[j] * w4[j]
            logits[row, k] = s0
            logits[row, k + 1] = s1
            logits[row, k + 2] = s2
            logits[row, k + 3] = s3
            logits[row, k + 4] = s4


@kernel
def _narrow_pull(matrix: np.ndarray, residuals: np.ndarray, partial: np.ndarray) -> None:
    rows = matrix.shape[0]
    fours = rows // 4 * 4
    for row in range(0, fours, 4):
        x0, x1, x2, x3 = matrix[row], matrix[row + 1], matrix[row + 2], matrix[row + 3]
        for k in range(partial.shape[0]):
            r0, r1 = residuals[row, k], residuals[row + 1, k]
            r2, r3 = residuals[row + 2, k], residuals[row + 3, k]
            g = partial[k]
            for j in range(g.size):
                g[j] += r0 * x0[j] + r1 * x1[j] + r2 * x2[j] + r3 * x3[j]
    for row in range(fours, rows):
        for k in range(partial.shape[0]):
            r0 = residuals[row, k]
            for j in range(partial.shape[1]):
                partial[k, j] += r0 * matrix[row, j]


@kernel
def standardised_rows(
    vectors: np.ndarray,
    rows: np.ndarray,
    mean: np.ndarray,
    scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """Set the first columns of `out` to ``(vectors[rows] - mean) / scale``."""
    for row in range(rows.size):
        source = vectors[rows[row]]
        for j in range(mean.size):
            out[row, j] = (source[j] - mean[j]) * scale[j]


@kernel
def newest_first(
    q: np.ndarray,
    steps: np.ndarray,
    changes: np.ndarray,
    rho: np.ndarray,
    alpha: np.ndarray,
    columns: np.ndarray,
    taken: np.ndarray,
) -> None:
    """First half of the two-loop recursion of L-BFGS (Nocedal 1980), in place on `q`."""
    kept = steps.shape[0]
    for place in range(columns.size):
        k = columns[place]
        for back in range(min(kept, taken[k])):
            h = (taken[k] - 1 - back) % kept
            a = np.float32(0.0)
            for j in range(q.shape[1]):
                a += steps[h, k, j] * q[place, j]
            a *= rho[h, k]
            alpha[h, k] = a
            for j in range(q.shape[1]):
                q[place, j] -= a * changes[h, k, j]


@kernel
def oldest_first(
    q: np.ndarray,
    steps: np.ndarray,
    changes: np.ndarray,
    rho: np.ndarray,
    alpha: np.ndarray,
    columns: np.ndarray,
    taken: np.ndarray,
) -> None:
    """Second half of the two-loop recursion."""
    kept = steps.shape[0]
    for place in range(columns.size):
        k = columns[place]
        held = min(kept, taken[k])
        for back in range(held - 1, -1, -1):
            h = (taken[k] - 1 - back) % kept
            b = np.float32(0.0)
            for j in range(q.shape[1]):
                b += changes[h, k, j] * q[place, j]
            c = alpha[h, k] - rho[h, k] * b
            for j in range(q.shape[1]):
                q[place, j] += c * steps[h, k, j]


@kernel
def pair_logits(
    per_entity: np.ndarray, first: np.ndarray, second: np.ndarray, out: np.ndarray
) -> None:
    """``out[i] = per_entity[first[i]] + per_entity[second[i]]``, any float type."""
    for row in range(first.size):
        a, b = per_entity[first[row]], per_entity[second[row]]
        for k in range(out.shape[1]):
            out[row, k] = a[k] + b[k]


@kernel
def pair_sums(
    residuals: np.ndarray, first: np.ndarray, second: np.ndarray, total: np.ndarray
) -> None:
    """Add each row's residuals to both its entities, float64[n_entities, k]."""
    for row in range(first.size):
        a, b = total[first[row]], total[second[row]]
        for k in range(residuals.shape[1]):
            a[k] += residuals[row, k]
            b[k] += residuals[row, k]
