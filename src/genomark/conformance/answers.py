"""Reading what a Predictor answered, and telling whether two answers are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.conformance.exchanges import Reply

Floats = NDArray[np.float64]
#: By sequence id; a point has shape (1,), a track (bins,), an interaction matrix (bins * bins,).
Values = dict[str, Floats]

#: Answers differ if they differ by more than this share of the range of all predictions: reduced
#: precision on an accelerator stays below it, and nothing below it changes a score.
SHARE_OF_RANGE = 0.01
#: ... or of the largest value, where the range itself is next to nothing.
_SHARE_OF_SIZE = 1e-6


def tasks_of(reply: Reply) -> list[dict[str, Any]]:
    """Give the tasks of an answer; none where it has no such array."""
    tasks = reply.object.get("prediction_tasks")
    return [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []


def predictions_of(reply: Reply, task: int = 0) -> dict[str, Any]:
    """Give the raw predictions of one task; none where there is no such task."""
    tasks = tasks_of(reply)
    found = tasks[task].get("predictions") if task < len(tasks) else None
    return found if isinstance(found, dict) else {}


def task_error(reply: Reply, task: int = 0) -> str | None:
    """Give the message of a task that failed inside a 200, if it did (section 3.5)."""
    error = predictions_of(reply, task).get("error")
    return error if isinstance(error, str) else None


def numbers(value: Any) -> Floats | None:
    """Read a value as numbers of any regular shape, or say with None that it is not."""
    if isinstance(value, bool):
        return None
    try:
        array = np.asarray(value)
    # Rows of unlike length.
    except ValueError:
        return None
    return array.astype(np.float64) if array.dtype.kind in "iuf" else None


def values_of(reply: Reply, task: int = 0) -> Values:
    """Read the predictions of one task; those that are no numbers are left out."""
    read = {name: numbers(value) for name, value in predictions_of(reply, task).items()}
    return {name: values.ravel() for name, values in read.items() if values is not None}


def extent(values: Values) -> tuple[float, float]:
    """Give the range of all finite values, and the largest without its sign."""
    together = np.concatenate([np.zeros(0), *values.values()])
    finite = together[np.isfinite(together)]
    if not finite.size:
        return 0.0, 0.0
    return float(finite.max() - finite.min()), float(np.abs(finite).max())


def largest_difference(first: Values, second: Values) -> tuple[str, float]:
    """Find the sequence for which two answers differ most, and by how much.

    Only ids of both are compared. NaN is equal to NaN; values of different number differ without
    limit.
    """
    worst, most = "", 0.0
    for name in first.keys() & second.keys():
        here, there = first[name], second[name]
        if here.shape != there.shape:
            return name, np.inf
        same = (here == there) | (np.isnan(here) & np.isnan(there))
        with np.errstate(invalid="ignore"):
            by = float(np.max(np.where(same, 0.0, np.abs(here - there)), initial=0.0))
        by = np.inf if np.isnan(by) else by
        if by > most:
            worst, most = name, by
    return worst, most


def tolerance(values: Values) -> float:
    """Give the difference below which two answers are the same."""
    spread, size = extent(values)
    return max(SHARE_OF_RANGE * spread, _SHARE_OF_SIZE * size)


def share(difference: float, values: Values) -> str:
    """Word a difference as a share of the range of all predictions."""
    spread, _ = extent(values)
    if not np.isfinite(difference):
        return "values of another shape, or missing"
    return f"{difference:.3g}" + (f" ({difference / spread:.2%} of the range)" if spread else "")
