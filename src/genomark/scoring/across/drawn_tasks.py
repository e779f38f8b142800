"""Intervals of means over tasks: families of tasks are drawn, with the draws of all scoring."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.scoring.kernels import draw_counts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Means(NamedTuple):
    """Means over tasks, with intervals, each array of shape (m,).

    Attributes
    ----------
    mean : ndarray of float64
        NaN where there is no task.
    low, high : ndarray of float64
        NaN where there are fewer than two families.
    tasks, families : int
        How many tasks are averaged over, and how many families of them were drawn.
    """

    mean: Floats
    low: Floats
    high: Floats
    tasks: int
    families: int


def mean_over_tasks(
    values: Floats, families: Integers, *, seed: int, replicates: int, levels: tuple[float, float]
) -> Means:
    """Average each row, with an interval by drawing families of tasks with replacement.

    Parameters
    ----------
    values : ndarray of float64, shape (m, t)
        All defined.
    families : ndarray of int64, shape (t,)
        Numbers from 0, without gaps.
    seed, replicates : int
        Of the bootstrap. The draws are those of `kernels.draw_counts`.
    levels : tuple of float
        Quantiles that are the ends of an interval.
    """
    m, tasks = values.shape
    n = int(families.max()) + 1 if tasks else 0
    mean = values.mean(axis=1) if tasks else np.full(m, np.nan)
    if n < 2:
        return Means(mean, np.full(m, np.nan), np.full(m, np.nan), tasks, n)
    drawn = np.empty((m, replicates))
    counts = draws(n, seed=seed, replicates=replicates)[:, families]
    _drawn_means(np.ascontiguousarray(values), np.ascontiguousarray(counts), drawn)
    low, high = np.quantile(drawn, levels, axis=1)
    return Means(mean, low, high, tasks, n)


def draws(n: int, *, seed: int, replicates: int) -> NDArray[np.int32]:
    """Say how often each of `n` families is drawn, shape (replicates, n)."""
    counts = np.empty((replicates, n), dtype=np.int32)
    _draw_all(np.uint64(seed), counts)
    return counts


@kernel
def _draw_all(seed: np.uint64, counts: np.ndarray) -> None:
    for replicate in range(len(counts)):
        draw_counts(seed, replicate, counts[replicate])


@kernel
def _drawn_means(values: np.ndarray, counts: np.ndarray, drawn: np.ndarray) -> None:
    """Average the tasks of each replicate, each as often as it was drawn, in a fixed order."""
    for replicate in range(len(counts)):
        n = 0
        for task in range(counts.shape[1]):
            n += counts[replicate, task]
        for model in range(len(values)):
            total = 0.0
            for task in range(counts.shape[1]):
                total += counts[replicate, task] * values[model, task]
            drawn[model, replicate] = total / n
