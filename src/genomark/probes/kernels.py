"""Compiled inner loops over rows: products with the matrix, pairs, and the L-BFGS recursion.

`float32` sums are reassociated so that they vectorise: the last digits depend on the processor, and
what is reported is summed in `float64`. Products go through these loops and not through BLAS,
which is slower for the few dozen columns of a probe; `docs/design/probes.md` has the figures.

Loops take slices in statements of their own (``a = x[0]; b = x[1]``): unpacked together, numba does
not know them to be contiguous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., object])

#: Columns and rows that products take at a time, all held in registers.
FOURS = 4
#: Values of a vector register: rows of matrices are a multiple of this long, and begin at one.
ALIGNED = 16
_LINE = 64
#: Rows whose sum is kept in the precision of the values before it is added up in float64.
_BLOCK = 128


def kernel(function: F) -> F:
    """Compile with numba; the machine code is kept on disk between processes."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=True)(function))


def aligned_zeros(shape: tuple[int, ...], precision: Any = np.float32) -> NDArray[Any]:
    """Zeros that begin at a line of the processor's cache; loads are a third faster."""
    size = int(np.prod(shape)) * np.dtype(precision).itemsize
    raw = np.zeros(size + _LINE, np.uint8)
    begin = -raw.ctypes.data % _LINE
    return raw[begin : begin + size].view(precision).reshape(shape)


@kernel
def forward(
    matrix: np.ndarray,
    weights: np.ndarray,
    columns: np.ndarray,
    start: int,
    stop: int,
    out: np.ndarray,
) -> None:
    """``out[k, i] = matrix[i] @ weights[k]`` for rows `start` to `stop` and some columns.

    Parameters
    ----------
    matrix : float32[n, d]
    weights : float[k, d]
        Its precision is that of the sums.
    columns : int64[multiple of FOURS]
        May name a column more than once.
    start, stop : int
    out : float[k, n]
    """
    zero = weights[0, 0] - weights[0, 0]
    fours = start + (stop - start) // FOURS * FOURS
    for i in range(start, fours, FOURS):
        x0 = matrix[i]
        x1 = matrix[i + 1]
        x2 = matrix[i + 2]
        x3 = matrix[i + 3]
        for place in range(0, columns.size, FOURS):
            k0 = columns[place]
            k1 = columns[place + 1]
            k2 = columns[place + 2]
            k3 = columns[place + 3]
            w0 = weights[k0]
            w1 = weights[k1]
            w2 = weights[k2]
            w3 = weights[k3]
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
            c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
            for j in range(x0.size):
                y0 = x0[j]
                y1 = x1[j]
                y2 = x2[j]
                y3 = x3[j]
                w = w0[j]
                a0 += y0 * w
                a1 += y1 * w
                a2 += y2 * w
                a3 += y3 * w
                w = w1[j]
                b0 += y0 * w
                b1 += y1 * w
                b2 += y2 * w
                b3 += y3 * w
                w = w2[j]
                c0 += y0 * w
                c1 += y1 * w
                c2 += y2 * w
                c3 += y3 * w
                w = w3[j]
                d0 += y0 * w
                d1 += y1 * w
                d2 += y2 * w
                d3 += y3 * w
            _put(out, k0, i, a0, a1, a2, a3)
            _put(out, k1, i, b0, b1, b2, b3)
            _put(out, k2, i, c0, c1, c2, c3)
            _put(out, k3, i, d0, d1, d2, d3)
    for i in range(fours, stop):
        for k in columns:
            total = zero
            for j in range(matrix.shape[1]):
                total += matrix[i, j] * weights[k, j]
            out[k, i] = total


@kernel
def _put(
    out: np.ndarray, k: int, i: int, first: float, second: float, third: float, fourth: float
) -> None:
    out[k, i] = first
    out[k, i + 1] = second
    out[k, i + 2] = third
    out[k, i + 3] = fourth


@kernel
def backward(
    matrix: np.ndarray,
    values: np.ndarray,
    columns: np.ndarray,
    start: int,
    stop: int,
    scratch: np.ndarray,
    total: np.ndarray,
) -> None:
    """Add ``values[k, start:stop] @ matrix[start:stop]`` to ``total[k]`` for some columns.

    Parameters
    ----------
    matrix : float32[n, d]
    values : float[k, n]
        Its precision is that of the sum over a block of rows.
    columns : int64[multiple of FOURS]
        A column named more than once is added more than once.
    start, stop : int
    scratch : float[FOURS, d]
    total : float64[k, d]
    """
    g0 = scratch[0]
    g1 = scratch[1]
    g2 = scratch[2]
    g3 = scratch[3]
    for first in range(start, stop, _BLOCK):
        last = min(stop, first + _BLOCK)
        for place in range(0, columns.size, FOURS):
            k0 = columns[place]
            k1 = columns[place + 1]
            k2 = columns[place + 2]
            k3 = columns[place + 3]
            scratch[:] = 0
            _pull(
                matrix[first:last],
                values[k0, first:last],
                values[k1, first:last],
                values[k2, first:last],
                values[k3, first:last],
                g0,
                g1,
                g2,
                g3,
            )
            _add(total[k0], g0)
            _add(total[k1], g1)
            _add(total[k2], g2)
            _add(total[k3], g3)


@kernel
def _pull(
    matrix: np.ndarray,
    v0: np.ndarray,
    v1: np.ndarray,
    v2: np.ndarray,
    v3: np.ndarray,
    g0: np.ndarray,
    g1: np.ndarray,
    g2: np.ndarray,
    g3: np.ndarray,
) -> None:
    rows = matrix.shape[0]
    fours = rows // FOURS * FOURS
    for i in range(0, fours, FOURS):
        x0 = matrix[i]
        x1 = matrix[i + 1]
        x2 = matrix[i + 2]
        x3 = matrix[i + 3]
        a0, a1, a2, a3 = v0[i], v0[i + 1], v0[i + 2], v0[i + 3]
        b0, b1, b2, b3 = v1[i], v1[i + 1], v1[i + 2], v1[i + 3]
        c0, c1, c2, c3 = v2[i], v2[i + 1], v2[i + 2], v2[i + 3]
        d0, d1, d2, d3 = v3[i], v3[i + 1], v3[i + 2], v3[i + 3]
        for j in range(g0.size):
            y0 = x0[j]
            y1 = x1[j]
            y2 = x2[j]
            y3 = x3[j]
            g0[j] += a0 * y0 + a1 * y1 + a2 * y2 + a3 * y3
            g1[j] += b0 * y0 + b1 * y1 + b2 * y2 + b3 * y3
            g2[j] += c0 * y0 + c1 * y1 + c2 * y2 + c3 * y3
            g3[j] += d0 * y0 + d1 * y1 + d2 * y2 + d3 * y3
    for i in range(fours, rows):
        x0 = matrix[i]
        a0, b0, c0, d0 = v0[i], v1[i], v2[i], v3[i]
        for j in range(g0.size):
            y0 = x0[j]
            g0[j] += a0 * y0
            g1[j] += b0 * y0
            g2[j] += c0 * y0
            g3[j] += d0 * y0


@kernel
def _add(total: np.ndarray, part: np.ndarray) -> None:
    for j in range(part.size):
        total[j] += part[j]


@kernel
def standardised_rows(
    vectors: np.ndarray,
    rows: np.ndarray,
    mean: np.ndarray,
    factor: np.ndarray,
    out: np.ndarray,
) -> None:
    """Set the first columns of `out` to ``(vectors[rows] - mean) * factor``."""
    for row in range(rows.size):
        source = vectors[rows[row]]
        for j in range(mean.size):
            out[row, j] = (source[j] - mean[j]) * factor[j]


@kernel
def newton_like(
    gradients: np.ndarray,
    directions: np.ndarray,
    steps: np.ndarray,
    changes: np.ndarray,
    curved: np.ndarray,
    rho: np.ndarray,
    length: np.ndarray,
    taken: np.ndarray,
    problems: np.ndarray,
) -> None:
    """Recursion of L-BFGS (Nocedal 1980): turn preconditioned gradients into Newton-like ones.

    The preconditioner `P` is linear, so that what it does to a changed gradient is kept with the
    change, and each iteration applies it once.

    Parameters
    ----------
    gradients : float32[k, d]
        Overwritten.
    directions : float32[k, d]
        ``P g`` in, an approximation of ``H^-1 g`` out.
    steps, changes, curved : float32[history, n_problems, d]
        `s`, `y` and ``P y``, in a ring.
    rho, length : float32[history, n_problems], float32[n_problems]
        ``1 / s'y`` and the scale of `P`.
    taken : int64[n_problems]
        Steps so far.
    problems : int64[k]
    """
    kept = steps.shape[0]
    alpha = np.empty(kept, np.float32)
    for place in range(problems.size):
        k = problems[place]
        held = min(kept, taken[k])
        q = gradients[place]
        r = directions[place]
        for back in range(held):
            h = (taken[k] - 1 - back) % kept
            alpha[back] = rho[h, k] * _dot(steps[h, k], q)
            _subtract(q, alpha[back], changes[h, k])
            _subtract(r, alpha[back], curved[h, k])
        for j in range(r.size):
            r[j] *= length[k]
        for back in range(held - 1, -1, -1):
            h = (taken[k] - 1 - back) % kept
            _subtract(r, rho[h, k] * _dot(changes[h, k], r) - alpha[back], steps[h, k])


@kernel
def _dot(a: np.ndarray, b: np.ndarray) -> np.float32:
    total = np.float32(0.0)
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@kernel
def _subtract(a: np.ndarray, share: np.float32, b: np.ndarray) -> None:
    for j in range(a.size):
        a[j] -= share * b[j]


@kernel
def pair_logits(
    per_entity: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    columns: np.ndarray,
    start: int,
    stop: int,
    out: np.ndarray,
) -> None:
    """``out[k, i] = per_entity[k, first[i]] + per_entity[k, second[i]]`` for some rows, columns."""
    for k in columns:
        values = per_entity[k]
        for i in range(start, stop):
            out[k, i] = values[first[i]] + values[second[i]]


@kernel
def pair_sums(
    values: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    columns: np.ndarray,
    start: int,
    stop: int,
    total: np.ndarray,
) -> None:
    """Add each row's values to both its entities, float64[k, n_entities]."""
    for k in columns:
        sums = total[k]
        for i in range(start, stop):
            sums[first[i]] += values[k, i]
            sums[second[i]] += values[k, i]
