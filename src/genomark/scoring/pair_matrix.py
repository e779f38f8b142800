"""All pairs of many models on one benchmark: who is ahead, by how much, and who is tied.

The numbers are those of `ranks.compare_headlines`, for all pairs at once:
`docs/design/many-tasks.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from genomark.errors import UsageError
from genomark.scoring.directions import Better
from genomark.scoring.pair_kernels import compare_pairs, decide_ties

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
#: Quantiles that are the ends of a 95 % interval.
LEVELS = (0.025, 0.975)


class PairMatrix(NamedTuple):
    """Paired comparison of every model (row) with every other (column), each of shape (m, m).

    Attributes
    ----------
    difference : ndarray of float64
        Value of the row less that of the column; NaN where either is undefined.
    low, high : ndarray of float64
        Interval of the difference; NaN where there is none.
    superiority : ndarray of float64
        Share of replicates in which the row is the better one, equal ones counting half; NaN
        where there is no interval.
    standard_error : ndarray of float64
        Standard deviation of the difference over the replicates; NaN where there is no interval.
    tied : ndarray of bool
        Nothing shows that the two are apart: the interval holds 0, or there is none.
    """

    difference: Floats
    low: Floats
    high: Floats
    superiority: Floats
    standard_error: Floats
    tied: Flags


def pair_matrix(
    values: ArrayLike,
    drawn: ArrayLike,
    *,
    better: Better,
    clusters: int,
    levels: tuple[float, float] = LEVELS,
) -> PairMatrix:
    """Compare every pair of models by their paired replicates.

    Parameters
    ----------
    values : array_like of float64, shape (m,)
        The headline metric of each model on the same items; NaN where undefined.
    drawn : array_like of float64, shape (m, replicates)
        Replicates of it, paired; NaN where undefined.
    better : "higher" or "lower"
        Which way the metric is better.
    clusters : int
        How many were resampled; replicates of one say nothing.
    levels : tuple of float
        Quantiles of the difference that are the ends of its interval.
        `intervals.percentile_levels` gives those of `compare_headlines`, wider with few clusters.

    Raises
    ------
    UsageError
        If the shapes do not fit, or the levels do not lie evenly about one half.
    """
    values, known, drawn, ends = _checked(values, drawn, clusters, levels)
    m = values.size
    intervals = np.full((2, m, m), np.nan)
    ahead, errors = np.full((m, m), np.nan), np.full((m, m), np.nan)
    # Twice as many as are needed, were the differences normal; any guess gives the same bits.
    tails = np.full(2, scipy.special.ndtri(min(0.5, 2 * ends[0] + 0.01)))
    compare_pairs(drawn, known, ends, tails, intervals, ahead, errors)
    below = np.tril_indices(m, -1)
    low, high = intervals
    low[below], high[below] = -high.T[below], -low.T[below]
    ahead[below], errors[below] = 1 - ahead.T[below], errors.T[below]
    return PairMatrix(
        difference=values[:, np.newaxis] - values,
        low=low,
        high=high,
        superiority=ahead if better == "higher" else 1 - ahead,
        standard_error=errors,
        tied=_ties(values, known, drawn, ends),
    )


def tie_matrix(
    values: ArrayLike,
    drawn: ArrayLike,
    *,
    clusters: int,
    levels: tuple[float, float] = LEVELS,
) -> Flags:
    """Say which pairs of models are tied, without computing their intervals.

    Parameters and errors as in `pair_matrix`.

    Returns
    -------
    ndarray of bool, shape (m, m)
        As `PairMatrix.tied`, pair by pair.
    """
    return _ties(*_checked(values, drawn, clusters, levels))


def _ties(values: Floats, known: Flags, drawn: Floats, ends: Floats) -> Flags:
    tied = np.ones((values.size, values.size), dtype=np.bool_)
    decide_ties(values, known, drawn, ends, tied)
    return tied


def _checked(
    values: ArrayLike, drawn: ArrayLike, clusters: int, levels: tuple[float, float]
) -> tuple[Floats, Flags, Floats, Floats]:
    """Bring what came into arrays: values, which models have one, replicates, levels."""
    headlines = np.ascontiguousarray(values, dtype=np.float64)
    replicates = np.ascontiguousarray(drawn, dtype=np.float64)
    if headlines.ndim != 1 or replicates.ndim != 2 or len(replicates) != headlines.size:
        raise UsageError(
            f"values of shape {headlines.shape} and replicates of shape {replicates.shape} do "
            "not fit: expected (models,) and (models, replicates)"
        )
    low, high = levels
    if not 0 <= low <= 0.5 or abs(low + high - 1) > 1e-9:
        raise UsageError(
            f"levels {low} and {high} are not those of an interval: expected two that lie "
            "evenly about 0.5, such as 0.025 and 0.975"
        )
    known = np.isfinite(headlines)
    if clusters < 2:
        known[:] = False
    if not np.isfinite(replicates).all():
        replicates = np.where(np.isfinite(replicates), replicates, np.nan)
    return headlines, known, replicates, np.array([low, high])
