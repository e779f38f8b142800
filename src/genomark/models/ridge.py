"""Ridge regression with the penalty chosen by grouped five-fold cross-validation.

One eigendecomposition a fold serves all penalties. A fit is an identity, so nothing incidental may
change it: features are standardised on the training split, folds never part a group, one BLAS
thread does the sums (more would change the last digits), and the file a fit is kept in is named by
all it depends on.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
from filelock import FileLock
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from genomark.atomic import write_whole
from genomark.datasets import cache_folder
from genomark.datasets.location import writing
from genomark.errors import UsageError

Floats = NDArray[np.float64]

#: Tried in this order; far apart, since the curve around the best is flat.
PENALTIES = tuple(float(penalty) for penalty in np.logspace(0, 6, 13))
FOLDS = 5


@dataclass(frozen=True)
class LinearFit:
    """``intercept + features @ weights``.

    Attributes
    ----------
    weights : ndarray of float64, shape (n_features,)
        For features as they are, not standardised.
    intercept : float
    penalty : float
        The one chosen.
    """

    weights: Floats
    intercept: float
    penalty: float


def fit_ridge(features: Floats, values: Floats, groups: list[str]) -> LinearFit:
    """Fit ridge regression on standardised features, the penalty by grouped cross-validation.

    Parameters
    ----------
    features : ndarray, shape (n, n_features)
    values : ndarray of float64, shape (n,)
    groups : list of str
        Group of each row; a group is never in two folds.

    Returns
    -------
    LinearFit

    Raises
    ------
    UsageError
        If there is only one group: nothing can then be held out.
    """
    from sklearn.model_selection import PredefinedSplit

    if len(set(groups)) < 2:
        raise UsageError("a fit needs at least 2 groups of training sequences to hold some out")
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale == 0] = 1.0
    standardised = (features - mean) / scale
    errors = np.zeros(len(PENALTIES))
    # By name: a fold is the same on every machine, which a sort by size does not promise.
    folds = np.unique(groups, return_inverse=True)[1] % FOLDS
    with threadpool_limits(limits=1):
        for train, test in PredefinedSplit(folds).split():
            weights, intercepts = ridge_path(standardised[train], values[train], PENALTIES)
            residuals = standardised[test] @ weights + intercepts - values[test, None]
            errors += (residuals**2).sum(axis=0)
        penalty = PENALTIES[int(errors.argmin())]
        weights, intercepts = ridge_path(standardised, values, (penalty,))
    unscaled = weights[:, 0] / scale
    return LinearFit(unscaled, float(intercepts[0] - mean @ unscaled), penalty)


def ridge_path(
    features: Floats, values: Floats, penalties: tuple[float, ...]
) -> tuple[Floats, Floats]:
    """Solve ridge regression for many penalties with one eigendecomposition.

    Minimises ``|values - intercept - features @ w|**2 + penalty * |w|**2``, in the dual form where
    there are fewer rows than features.

    Parameters
    ----------
    features : ndarray of float64, shape (n, d)
    values : ndarray of float64, shape (n,)
    penalties : tuple of float
        All above 0.

    Returns
    -------
    weights : ndarray of float64, shape (d, n_penalties)
    intercepts : ndarray of float64, shape (n_penalties,)
    """
    mean = features.mean(axis=0)
    centred, target = features - mean, values - values.mean()
    dual = centred.shape[0] < centred.shape[1]
    gram = centred @ centred.T if dual else centred.T @ centred
    eigenvalues, vectors = scipy.linalg.eigh(gram, check_finite=False, driver="evd")
    projected = vectors.T @ (target if dual else centred.T @ target)
    shrunk = projected[:, None] / (eigenvalues[:, None] + np.array(penalties))
    solution = vectors @ shrunk
    weights = centred.T @ solution if dual else solution
    return weights, values.mean() - mean @ weights


def fit_once(digest: str, make: Callable[[], LinearFit]) -> LinearFit:
    """Load the fit of a digest, or make and keep it.

    Processes that want the same fit at the same time wait for the one that makes it.
    """
    path = cache_folder("fits") / f"{digest}.npz"
    # Read without the lock first: a cache that cannot be written still serves.
    fit = _load(path)
    if fit is not None:
        return fit
    lock = FileLock(path.with_suffix(".lock"))
    with writing(path):
        lock.acquire()
    try:
        fit = _load(path)
        if fit is None:
            fit = make()
            _save(path, fit)
    finally:
        lock.release()
    return fit


def _load(path: Path) -> LinearFit | None:
    try:
        with np.load(path, allow_pickle=False) as saved:
            return LinearFit(saved["weights"], float(saved["intercept"]), float(saved["penalty"]))
    # None was made yet, or it is damaged, which can show in any way: it is made, in its place.
    except Exception:  # noqa: BLE001
        return None


def _save(path: Path, fit: LinearFit) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, weights=fit.weights, intercept=fit.intercept, penalty=fit.penalty)
    write_whole(path, buffer.getvalue())
