"""How sure a rank is: the ranks of each model over paired replicates.

Of each replicate the models are ranked anew. Where two are tied in truth, their ranks over the
replicates do not settle however many the items (Hall and Miller 2009, doi 10.1214/09-AOS699): such
an interval says how much a rank is worth on these items, and the tie sets say who is apart.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genomark.compiled import kernel
from genomark.errors import UsageError
from genomark.scoring.directions import Better
from genomark.scoring.pair_matrix import LEVELS

Floats = NDArray[np.float64]


class RankIntervals(NamedTuple):
    """The ranks of models over replicates, each of shape (m,); NaN where they cannot be had.

    Attributes
    ----------
    low, high : ndarray of float64
        Interval of the rank: ranks that occurred, 1 being best, halves where models are equal.
    best : ndarray of float64
        Share of replicates in which the model is the best one; equal ones share it.
    replicates : int
        How many were used: those in which every ranked model has a value.
    """

    low: Floats
    high: Floats
    best: Floats
    replicates: int


def rank_intervals(
    drawn: ArrayLike, *, better: Better, levels: tuple[float, float] = LEVELS
) -> RankIntervals:
    """Rank the models in each replicate.

    Parameters
    ----------
    drawn : array_like of float64, shape (m, replicates)
        Paired replicates of one metric; NaN where undefined.
    better : "higher" or "lower"
        Which way the metric is better.
    levels : tuple of float
        Quantiles of the rank, each taken outwards to one that occurred.

    Returns
    -------
    RankIntervals
        A model without a value in more than half of the replicates is not ranked. If more than
        half of the replicates miss a value of those that are, there are no intervals.

    Raises
    ------
    UsageError
        If `drawn` is not a matrix.
    """
    replicates = np.array(drawn, dtype=np.float64, order="C")
    if replicates.ndim != 2:
        raise UsageError(
            f"replicates of shape {replicates.shape}: expected (models, replicates), one row a "
            "model"
        )
    m, asked = replicates.shape
    none = np.full(m, np.nan)
    defined = np.isfinite(replicates)
    ranked = 2 * defined.sum(axis=1) >= max(asked, 1)
    used = defined[ranked].all(axis=0) if ranked.any() else np.zeros(asked, dtype=np.bool_)
    n = int(used.sum())
    if not n or 2 * n < asked:
        return RankIntervals(none, none.copy(), none.copy(), n)
    # Row by row in memory, whatever the selection made of it: the kernel walks along the rows.
    kept = np.ascontiguousarray(replicates[np.ix_(ranked, used)])
    doubled = _doubled_ranks(kept, higher=better == "higher")
    best = doubled == doubled.min(axis=0)
    ordered = np.sort(doubled, axis=1) / 2
    found = RankIntervals(none, none.copy(), none.copy(), n)
    found.low[ranked] = ordered[:, math.floor((n - 1) * levels[0])]
    found.high[ranked] = ordered[:, math.ceil((n - 1) * levels[1])]
    found.best[ranked] = (best / best.sum(axis=0)).mean(axis=1)
    return found


def _doubled_ranks(values: Floats, *, higher: bool) -> NDArray[np.int32]:
    """Rank each column, equal values sharing the mean of their ranks: twice that."""
    ahead = np.zeros(values.shape, dtype=np.int32)
    _count_ahead(values, ahead)
    best = np.int32(len(values) + 1)
    return best - ahead if higher else best + ahead


@kernel
def _count_ahead(values: np.ndarray, ahead: np.ndarray) -> None:
    """Count, column by column, how many values are smaller than each, less those larger."""
    m, replicates = values.shape
    for a in range(m):
        for b in range(a):
            for item in range(replicates):
                sign = np.int32(values[a, item] > values[b, item]) - np.int32(
                    values[a, item] < values[b, item]
                )
                ahead[a, item] += sign
                ahead[b, item] -= sign
