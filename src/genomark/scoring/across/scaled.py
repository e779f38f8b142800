"""Scores between two controls: 0 for what knows nothing, 1 for what reads the answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genomark.errors import UsageError
from genomark.scoring.across.drawn_tasks import Means, mean_over_tasks
from genomark.scoring.across.table import ScoreTable
from genomark.scoring.intervals import REPLICATES
from genomark.scoring.pair_matrix import LEVELS

Floats = NDArray[np.float64]

#: Relative; controls that differ by no more do so by rounding.
_ROUNDING = 1e-12


class ScaledScores(NamedTuple):
    """Scaled scores.

    Attributes
    ----------
    values : ndarray of float64, shape (m, t)
        0 is the negative control and 1 the positive one; below 0 and above 1 are not cut off. NaN
        where the score is missing or the task cannot be scaled.
    reasons : tuple of str or None, length t
        For each task why it cannot be scaled, or None if it can.
    """

    values: Floats
    reasons: tuple[str | None, ...]


def scaled_scores(table: ScoreTable, negative: ArrayLike, positive: ArrayLike) -> ScaledScores:
    """Scale the scores of each task by its controls: ``(s - negative) / (positive - negative)``.

    As Open Problems does (Luecken et al. 2025, Nature Biotechnology 43). It is the same whichever
    way the metric is better.

    Parameters
    ----------
    table : ScoreTable
    negative, positive : array_like of float64, shape (t,)
        What the controls score on each task; NaN where missing.

    Raises
    ------
    UsageError
        If there are not as many controls as tasks.
    """
    low, high = np.asarray(negative, dtype=np.float64), np.asarray(positive, dtype=np.float64)
    tasks = table.values.shape[1]
    if low.shape != (tasks,) or high.shape != (tasks,):
        raise UsageError(
            f"negative controls of shape {low.shape} and positive ones of shape {high.shape} for "
            f"{tasks} tasks: expected one of each a task"
        )
    reasons = tuple(_reason(*each) for each in zip(low, high, table.signs, strict=True))
    scales = np.array([reason is None for reason in reasons], dtype=np.bool_)
    values = np.full(table.values.shape, np.nan)
    values[:, scales] = (table.values[:, scales] - low[scales]) / (high[scales] - low[scales])
    return ScaledScores(values, reasons)


def mean_scaled(
    table: ScoreTable,
    scaled: ScaledScores,
    *,
    seed: int,
    replicates: int = REPLICATES,
    levels: tuple[float, float] = LEVELS,
) -> Means:
    """Average scaled scores over the tasks that can be scaled and on which all have a value.

    Parameters
    ----------
    table : ScoreTable
        What was scaled.
    scaled : ScaledScores
    seed, replicates : int
        Of the bootstrap over families of tasks.
    levels : tuple of float
        Quantiles that are the ends of an interval.
    """
    chosen = np.isfinite(scaled.values).all(axis=0) & table.shared
    return mean_over_tasks(
        scaled.values[:, chosen],
        table.family_numbers(chosen),
        seed=seed,
        replicates=replicates,
        levels=levels,
    )


def _reason(negative: float, positive: float, sign: float) -> str | None:
    """Say why two controls give no scale."""
    missing = [
        name
        for name, value in (("negative", negative), ("positive", positive))
        if not np.isfinite(value)
    ]
    if missing:
        return f"no value of the {' and the '.join(missing)} control"
    if abs(positive - negative) <= _ROUNDING * max(abs(positive), abs(negative)):
        return f"both controls score {positive:.4g}"
    if sign * (positive - negative) < 0:
        return f"the positive control ({positive:.4g}) is worse than the negative ({negative:.4g})"
    return None
