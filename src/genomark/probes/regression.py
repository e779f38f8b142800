"""Linear and ridge regression, cross-validated in closed form: all folds and targets at once.

What least squares needs of a fold is its Gram matrix and its products with the targets. They are
worked out once, in one pass over the rows; a training part is the sum of those of its folds, and
one eigendecomposition of it serves every target and penalty. With fewer rows than columns the same
is done with the matrix of products between rows.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.probes.one_thread import one_thread

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Indices = NDArray[np.intp]
#: Takes the number of a fold, gives float64[its rows, n_penalties, n_targets].
_Predict = Callable[[int], Floats]
#: Tried by ``nested``, the larger winning a tie; far apart, since the curve around the best is
#: flat, and wide, since vectors come in any scale.
PENALTIES = tuple(10.0**power for power in range(-3, 7))

#: Rows in a block, and more where rows are so short that a block has fewer values than this.
_BLOCK_ROWS = 1024
_BLOCK_VALUES = 1 << 21
#: Eigenvalues up to this share of the largest are rounding: singular values up to a millionth.
_CUTOFF = 1e-12
#: Reciprocal condition numbers above this leave six digits of a solution by Cholesky.
_WELL_CONDITIONED = 1e-10
#: Errors whose ratio is nearer to 1 are a tie.
_TIE = 1e-10


@dataclass(frozen=True)
class LinearPredictions:
    """What every row was predicted to be by the fit that has not seen its fold.

    Attributes
    ----------
    values : ndarray of float64, shape (n, n_targets)
    penalties : ndarray of float64, shape (n_folds, n_targets)
        The one each fit was made with; folds in ascending order.
    """

    values: Floats
    penalties: Floats


def cross_validated_linear(
    x: Vectors,
    y: Floats,
    fold: NDArray[np.integer],
    penalty: float | Literal["nested"] = 0.0,
    threads: int = 1,
) -> LinearPredictions:
    """Predict each row by least squares fitted on the rows of all other folds.

    Minimises ``|y - intercept - x @ w|**2 + penalty * |w|**2``; the intercept is not penalised.
    Without a penalty it is what scikit-learn's `LinearRegression` gives since 1.7: directions whose
    singular value is below a millionth of the largest do not count, and of all best fits it is the
    one of smallest ``|w|``.

    Parameters
    ----------
    x : ndarray of float32, shape (n, d)
        May be memory-mapped; read in blocks. Beyond it this takes about ``8 * d**2`` bytes for
        each fold and four times that for each thread, or the same with `n` where that is smaller.
    y : ndarray of float64, shape (n, n_targets)
    fold : ndarray of int, shape (n,)
        Number of the fold that tests each row; from 2 folds.
    penalty : float or "nested"
        ``nested`` chooses one of `PENALTIES` for each fold and target, by least squared error over
        the other folds, each predicted from the rest of them. It needs from 3 folds.
    threads : int
        Changes nothing but the time.

    Returns
    -------
    LinearPredictions

    Raises
    ------
    genomark.errors.UsageError
        If shapes do not fit, something is not finite, there are too few folds or the penalty is
        negative.
    """
    _check(x, y, fold, penalty)
    numbers, place = np.unique(fold, return_inverse=True)
    n_folds = numbers.size
    rows = [np.flatnonzero(place == each) for each in range(n_folds)]
    most = x.shape[0] - min(each.size for each in rows)
    # One BLAS thread each: more would change the last digits.
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        problem = (_Dual if most < x.shape[1] else _Primal)(x, y, rows, pool)
        if penalty == "nested":
            penalties = _nested(problem, y, rows, pool)
        else:
            penalties = np.full((n_folds, y.shape[1]), float(penalty))

        def held_out(each: int) -> Floats:
            train = tuple(other for other in range(n_folds) if other != each)
            return problem.fit(train, penalties[None, each])(each)

        values = np.empty(y.shape)
        for each, predicted in enumerate(pool.map(held_out, range(n_folds))):
            values[rows[each]] = predicted[:, 0]
    return LinearPredictions(values, penalties)


def _check(
    x: Vectors, y: Floats, fold: NDArray[np.integer], penalty: float | Literal["nested"]
) -> None:
    matrices = x.ndim == y.ndim == 2 and x.shape[1] > 0
    if not (matrices and fold.shape == (x.shape[0],) == y.shape[:1]):
        raise UsageError(
            "vectors and targets must be matrices with a row for each fold number, not of shapes "
            f"{x.shape}, {y.shape} and {fold.shape}"
        )
    if not np.isfinite(y).all():
        raise UsageError("a target is not a finite number: leave its row out first")
    n_folds = np.unique(fold).size
    needed = 3 if penalty == "nested" else 2
    if n_folds < needed:
        raise UsageError(
            f"penalty={penalty} needs at least {needed} folds, and there are {n_folds}"
        )
    if penalty != "nested" and not 0 <= penalty < np.inf:
        raise UsageError(f"the penalty must be 'nested' or from 0, not {penalty}")


def _nested(problem: _Problem, y: Floats, rows: list[Indices], pool: ThreadPoolExecutor) -> Floats:
    """Choose a penalty for each fold and target, float64[n_folds, n_targets].

    The fit without folds `a` and `b` tells how `b` is predicted when `a` is held out, and how `a`
    is when `b` is: half the fits serve all folds, and groups that folds keep together stay so.
    """
    n_folds, n_targets = len(rows), y.shape[1]
    grid = np.repeat(np.array(PENALTIES)[:, None], n_targets, axis=1)
    pairs = list(combinations(range(n_folds), 2))

    def errors_of(pair: tuple[int, int]) -> list[Floats]:
        predict = problem.fit(tuple(each for each in range(n_folds) if each not in pair), grid)
        return [((predict(each) - y[rows[each], None]) ** 2).sum(axis=0) for each in pair]

    errors = np.zeros((n_folds, *grid.shape))
    for (a, b), (error_a, error_b) in zip(pairs, pool.map(errors_of, pairs), strict=True):
        errors[a] += error_b
        errors[b] += error_a
    # A target that never changes is predicted to its last digit by every penalty.
    rounding = len(y) * (np.finfo(np.float64).eps * np.abs(y).max(axis=0)) ** 2
    tied = errors <= errors.min(axis=1, keepdims=True) * (1 + _TIE) + rounding
    chosen: Floats = np.array(PENALTIES[::-1])[tied[:, ::-1].argmax(axis=1)]
    return chosen


class _Problem(Protocol):
    """Rows, targets and folds, ready for fits on any of the folds."""

    def fit(self, train: tuple[int, ...], penalties: Floats) -> _Predict:
        """Fit on the folds of `train`, float64[n_penalties, n_targets] penalties at once."""
        ...


class _Primal:
    """By columns: solves for weights."""

    def __init__(
        self, x: Vectors, y: Floats, rows: list[Indices], pool: ThreadPoolExecutor
    ) -> None:
        self._x, self._rows = x, rows
        self._moments = list(pool.map(lambda fold: _moments(x, y, fold), rows))

    def fit(self, train: tuple[int, ...], penalties: Floats) -> _Predict:
        """Fit, and give what predicts a fold."""
        moments = _merged([self._moments[fold] for fold in train])
        weights = _shrunk(moments.gram, moments.products, penalties)
        flat = weights.reshape(moments.mean.size, -1)

        def predict(fold: int) -> Floats:
            rows = self._rows[fold]
            out = np.empty((rows.size, flat.shape[1]))
            for part in _blocks(rows.size, moments.mean.size):
                out[part] = (self._x[rows[part]] - moments.mean) @ flat
            predicted: Floats = out.reshape(-1, *penalties.shape) + moments.y_mean
            return predicted

        return predict


class _Dual:
    """By rows: solves for how much each training row counts, where they are fewer than columns."""

    def __init__(
        self, x: Vectors, y: Floats, rows: list[Indices], pool: ThreadPoolExecutor
    ) -> None:
        mean = x.mean(axis=0, dtype=np.float64)
        _check_finite(mean)
        centred = x - mean
        self._products = centred @ centred.T
        self._y, self._rows = y, rows

    def fit(self, train: tuple[int, ...], penalties: Floats) -> _Predict:
        """Fit, and give what predicts a fold."""
        rows = np.concatenate([self._rows[fold] for fold in train])
        products = self._products[np.ix_(rows, rows)]
        mean, y_mean = products.mean(axis=0), self._y[rows].mean(axis=0)
        centred = products - mean - mean[:, None] + mean.mean()
        # What taking the mean off may leave of rows that are all the same.
        rounding = 10 * np.finfo(np.float64).eps * products.trace()
        shares = _shrunk(centred, self._y[rows] - y_mean, penalties, rounding)
        flat = shares.reshape(rows.size, -1)

        def predict(fold: int) -> Floats:
            between = self._products[np.ix_(self._rows[fold], rows)] - mean
            predicted: Floats = (between @ flat).reshape(-1, *penalties.shape) + y_mean
            return predicted

        return predict


def _check_finite(mean: Floats) -> None:
    if not np.isfinite(mean).all():
        column = int(np.flatnonzero(~np.isfinite(mean))[0]) + 1
        raise UsageError(f"the vectors hold a number that is not finite, in column {column}")


@dataclass(frozen=True)
class _Moments:
    """Means of vectors and targets, and sums of products of what deviates from them."""

    n: int
    mean: Floats
    y_mean: Floats
    gram: Floats
    products: Floats


def _moments(x: Vectors, y: Floats, rows: Indices) -> _Moments:
    width = x.shape[1]
    mean, y_mean = np.zeros(width), y[rows].mean(axis=0)
    gram, products = np.zeros((width, width)), np.zeros((width, y.shape[1]))
    for part in _blocks(rows.size, width):
        mean += x[rows[part]].sum(axis=0, dtype=np.float64)
    mean /= rows.size
    _check_finite(mean)
    for part in _blocks(rows.size, width):
        centred = x[rows[part]] - mean
        gram += centred.T @ centred
        products += centred.T @ (y[rows[part]] - y_mean)
    return _Moments(rows.size, mean, y_mean, gram, products)


def _merged(parts: list[_Moments]) -> _Moments:
    """Moments of all rows together (Chan, Golub and LeVeque 1983): sums alone, nothing cancels."""
    n = sum(part.n for part in parts)
    mean = np.sum([part.n * part.mean for part in parts], axis=0) / n
    y_mean = np.sum([part.n * part.y_mean for part in parts], axis=0) / n
    away = np.array([np.sqrt(part.n) * (part.mean - mean) for part in parts])
    y_away = np.array([np.sqrt(part.n) * (part.y_mean - y_mean) for part in parts])
    gram, products = away.T @ away, away.T @ y_away
    for part in parts:
        gram += part.gram
        products += part.products
    return _Moments(n, mean, y_mean, gram, products)


def _shrunk(gram: Floats, products: Floats, penalties: Floats, rounding: float = 0.0) -> Floats:
    """``(gram + penalty)^-1 products`` for each penalty, float64[size, n_penalties, n_targets].

    Directions in which the matrix is not larger than `rounding` do not count.
    """
    one = penalties.shape[0] == 1 and (penalties == penalties[0, 0]).all()
    if one and (penalties[0, 0] or not rounding):
        solution = _solved(gram, products, penalties[0, 0])
        if solution is not None:
            return solution[:, None]
    values, vectors = scipy.linalg.eigh(gram.T, check_finite=False, driver="evd", overwrite_a=True)
    divisors = values[:, None, None] + penalties
    projected = np.broadcast_to((vectors.T @ products)[:, None], divisors.shape)
    counts = divisors > max(_CUTOFF * values[-1], rounding)
    shrunk = np.divide(projected, divisors, out=np.zeros(divisors.shape), where=counts)
    return np.asarray(vectors @ shrunk.reshape(values.size, -1)).reshape(divisors.shape)


def _solved(gram: Floats, products: Floats, penalty: float) -> Floats | None:
    """``(gram + penalty)^-1 products`` by Cholesky; None where that may be rounding.

    Ten times faster than an eigendecomposition. With a penalty the matrix is first brought to a
    diagonal of 1; without, what is too small to count is so by the scale it has.
    """
    shifted = gram.copy()
    shifted.flat[:: gram.shape[0] + 1] += penalty
    scale = np.sqrt(shifted.diagonal()) if penalty else np.ones(gram.shape[0])
    shifted /= scale
    shifted /= scale[:, None]
    norm = np.abs(shifted).sum(axis=0).max()
    factor, not_positive = scipy.linalg.lapack.dpotrf(shifted, lower=1, clean=0)
    if not_positive or scipy.linalg.lapack.dpocon(factor, norm, uplo="L")[0] < _WELL_CONDITIONED:
        return None
    solved = scipy.linalg.cho_solve((factor, True), products / scale[:, None], check_finite=False)
    return np.asarray(solved / scale[:, None])


def _blocks(n: int, width: int) -> list[slice]:
    size = max(_BLOCK_ROWS, _BLOCK_VALUES // width)
    return [slice(start, start + size) for start in range(0, n, size)]
