"""The numbers that GAME's published evaluators print, computed as they compute them.

They stand beside the corrected rows so that a result can be held against published ones. What the
evaluators do that a score should not (0 where nothing varies, no interval) is kept here on purpose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genomark.scoring import MetricRow

_METHOD = "as GAME's published evaluator computes it; no interval"


def published_pearson(
    prediction: NDArray[np.float64],
    truth: NDArray[np.float64],
    group: str,
    *,
    name: str = "game_pearson_r",
    n_clusters: int = 0,
) -> MetricRow:
    """Compute Pearson's r with 0 where nothing varies (GAME 1.0, section 7.3).

    Parameters
    ----------
    prediction, truth : ndarray of float64, shape (n,)
        NaN in `prediction` where there is no answer: the evaluators then print no number.
    group : str
        The published name of the row.
    name : str
        Of the row.
    n_clusters : int
        What the items rest on, as in the rows beside it.
    """
    value: float | None = None
    reason: str | None = None
    missing = int(np.isnan(prediction).sum())
    if missing:
        reason = f"{missing:,} of {prediction.size:,} items have no answer"
    elif prediction.size < 2:
        reason = f"fewer than 2 items ({prediction.size})"
    elif _constant(prediction) or _constant(truth):
        value = 0.0
    else:
        with np.errstate(all="ignore"):
            found = float(np.corrcoef(prediction, truth)[0, 1])
        value = 0.0 if np.isnan(found) else found
    return published_row(name, group, value, reason, prediction.size, n_clusters)


def _constant(values: NDArray[np.float64]) -> bool:
    """Whether nothing varies; a standard deviation of equal numbers need not be 0."""
    return bool((values == values[0]).all())


def published_mean(
    rows: list[MetricRow], group: str, *, name: str = "game_pearson_r", n_clusters: int = 0
) -> MetricRow:
    """Average those of some published rows that have a value, as the evaluators do."""
    values = [row.value for row in rows if row.value is not None]
    value = float(np.mean(values)) if values else None
    reason = None if values else "none of the rows has a value"
    n = sum(row.n for row in rows if row.value is not None)
    return published_row(name, group, value, reason, n, n_clusters)


def published_row(
    name: str, group: str, value: float | None, reason: str | None, n: int, n_clusters: int
) -> MetricRow:
    """Write a row that a published evaluator has."""
    return MetricRow(
        name=name,
        group=group,
        value=value,
        reason_if_null=reason,
        interval=None,
        method=_METHOD,
        n=n,
        n_clusters=n_clusters,
    )
