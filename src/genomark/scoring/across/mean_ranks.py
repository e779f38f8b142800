"""Mean ranks over tasks, with intervals: of tasks that all share, and of those each pair shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.scoring.across.drawn_tasks import Means, draws, mean_over_tasks
from genomark.scoring.across.table import ScoreTable
from genomark.scoring.intervals import REPLICATES
from genomark.scoring.pair_matrix import LEVELS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class PairwiseRanks(NamedTuple):
    """Expected ranks from the tasks that pairs share, each array of shape (m,).

    Attributes
    ----------
    mean, low, high : ndarray of float64
        Expected rank and its interval; NaN as told in `pairwise_ranks`.
    opponents : ndarray of int64
        How many others share a task with the model.
    fewest : ndarray of int64
        The fewest tasks that it shares with one of them; 0 without any.
    families : int
        How many families were drawn.
    """

    mean: Floats
    low: Floats
    high: Floats
    opponents: Integers
    fewest: Integers
    families: int


def mean_ranks(
    table: ScoreTable,
    *,
    seed: int,
    replicates: int = REPLICATES,
    levels: tuple[float, float] = LEVELS,
) -> Means:
    """Average the rank of each model over the tasks on which all models have a value.

    Rank 1 is best, equal scores share the mean of their ranks (Friedman 1937; Demšar 2006). An
    interval draws families of tasks: it says how the mean rank would be on other tasks, not on
    other items of the same tasks.

    Parameters
    ----------
    table : ScoreTable
    seed, replicates : int
        Of the bootstrap.
    levels : tuple of float
        Quantiles that are the ends of an interval.

    Returns
    -------
    Means
        `tasks` says over how many.
    """
    shared = table.shared
    return mean_over_tasks(
        scipy.stats.rankdata(-table.oriented[:, shared], axis=0),
        table.family_numbers(shared),
        seed=seed,
        replicates=replicates,
        levels=levels,
    )


def pairwise_ranks(
    table: ScoreTable,
    *,
    seed: int,
    replicates: int = REPLICATES,
    levels: tuple[float, float] = LEVELS,
) -> PairwiseRanks:
    """Give the rank expected of each model from the tasks that it shares with each other one.

    With ``l`` the mean, over the other models that share a task with it, of the share of these
    tasks on which the other is better (ties half), it is ``1 + (m - 1) l``. Where nothing is
    missing, that is the mean rank, replicate by replicate.

    Parameters
    ----------
    table : ScoreTable
    seed, replicates : int
        Of the bootstrap over families of tasks.
    levels : tuple of float
        Quantiles that are the ends of an interval.

    Returns
    -------
    PairwiseRanks
        NaN of a model that shares no task with any other. Without an interval where fewer than
        two families have values, or a model shares no task in more than half of the replicates.
    """
    asked: Flags = np.any(table.known, axis=0)
    families = table.family_numbers(asked)
    n = int(families.max()) + 1 if families.size else 0
    values = np.ascontiguousarray(table.oriented[:, asked])
    once = np.ones((1, values.shape[1]), dtype=np.int32)
    mean = np.full((table.models, 1), np.nan)
    _expected_ranks(values, once, mean)
    known = table.known.astype(np.int64)
    shared = known @ known.T
    np.fill_diagonal(shared, 0)
    opponents = (shared > 0).sum(axis=1)
    some = np.where(shared > 0, shared, np.iinfo(np.int64).max)
    fewest = np.where(opponents > 0, some.min(axis=1, initial=np.iinfo(np.int64).max), 0)
    low, high = np.full(table.models, np.nan), np.full(table.models, np.nan)
    if n > 1:
        counts = draws(n, seed=seed, replicates=replicates)[:, families]
        drawn = np.full((table.models, replicates), np.nan)
        _expected_ranks(values, np.ascontiguousarray(counts), drawn)
        enough = 2 * np.isfinite(drawn).sum(axis=1) >= replicates
        if enough.any():
            low[enough], high[enough] = np.nanquantile(drawn[enough], levels, axis=1)
    return PairwiseRanks(mean[:, 0], low, high, opponents, fewest, n)


@kernel
def _expected_ranks(values: np.ndarray, counts: np.ndarray, ranks: np.ndarray) -> None:
    """Fill in the expected ranks of each replicate; `counts` says how often it drew each task."""
    m, tasks = values.shape
    replicates = len(counts)
    lost, met = np.zeros((m, replicates)), np.zeros((m, replicates))
    # Whole numbers, twice the wins: exact, and many to a register.
    ahead, shared = np.empty(replicates, dtype=np.int32), np.empty(replicates, dtype=np.int32)
    by_task = np.ascontiguousarray(counts.T)
    for a in range(m):
        for b in range(a):
            ahead[:] = 0
            shared[:] = 0
            for task in range(tasks):
                difference = values[a, task] - values[b, task]
                if difference == difference:
                    won = np.int32(difference > 0.0) + np.int32(difference >= 0.0)
                    for replicate in range(replicates):
                        ahead[replicate] += won * by_task[task, replicate]
                        shared[replicate] += by_task[task, replicate]
            for replicate in range(replicates):
                if shared[replicate] > 0:
                    share = ahead[replicate] / (2.0 * shared[replicate])
                    lost[a, replicate] += 1.0 - share
                    lost[b, replicate] += share
                    met[a, replicate] += 1.0
                    met[b, replicate] += 1.0
    for model in range(m):
        for replicate in range(replicates):
            if met[model, replicate] > 0.0:
                share = lost[model, replicate] / met[model, replicate]
                ranks[model, replicate] = 1.0 + (m - 1) * share
