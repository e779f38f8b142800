"""Who beats whom on how many tasks, and the Borda count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.scoring.across.table import ScoreTable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class WinRates(NamedTuple):
    """Rows against columns, each of shape (m, m).

    Attributes
    ----------
    rate : ndarray of float64
        Share of the shared tasks on which the row is better, equal ones counting half; NaN where
        there is no shared task, and on the diagonal.
    wins, losses, tasks : ndarray of int64
        Shared tasks on which the row is better and worse, and all of them.
    """

    rate: Floats
    wins: Integers
    losses: Integers
    tasks: Integers


class Borda(NamedTuple):
    """Borda counts, each of shape (m,).

    Attributes
    ----------
    points : ndarray of float64
        Sum over tasks.
    place : ndarray of int64
        By points, 1 being best, as in sport: equal ones share the better place.
    tasks : ndarray of int64
        On how many tasks each model has a value.
    """

    points: Floats
    place: Integers
    tasks: Integers


def win_rates(table: ScoreTable) -> WinRates:
    """Count, for every pair of models, the shared tasks on which each is better."""
    first, second = table.oriented[:, np.newaxis], table.oriented[np.newaxis]
    # A missing value is neither more nor less than anything.
    wins = (first > second).sum(axis=2)
    known = table.known.astype(np.int64)
    tasks = known @ known.T
    np.fill_diagonal(tasks, 0)
    rate = np.full(tasks.shape, np.nan)
    equal = tasks - wins - wins.T
    np.divide(wins + equal / 2, tasks, out=rate, where=tasks > 0)
    return WinRates(rate, wins, wins.T.copy(), tasks)


def borda(table: ScoreTable) -> Borda:
    """Count points by rank: of `m` models, the one of rank `r` on a task gets ``m - r``.

    Borda 1781, as the leaderboard of MTEB counts (Enevoldsen et al. 2025, arXiv 2502.13595):
    equal scores share the mean of their ranks, and who has no value on a task gets nothing for it.
    Where nothing is missing, points are the number of tasks times ``m`` less the mean rank.
    """
    ranks = scipy.stats.rankdata(-table.oriented, axis=0, nan_policy="omit")
    points = np.where(table.known, table.models - ranks, 0.0).sum(axis=1)
    place = scipy.stats.rankdata(-points, method="min").astype(np.int64)
    return Borda(points, place, table.known.sum(axis=1))
