"""Means over the tasks of a family, with intervals over tasks and genes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from genomark.benchmarks.genes import FAMILIES
from genomark.results.task_scores import task_scores
from genomark.scoring import CONFIDENCE, REPLICATES, Result
from genomark.scoring.intervals import percentiles

Floats = NDArray[np.float64]

#: The family of all tasks.
ALL = "all tasks"
#: From the width of a 95 % interval to the standard deviation of a normal distribution.
_WIDTH = float(2 * scipy.special.ndtri((1 + CONFIDENCE) / 2))
#: Tasks named in a reason before it says how many more there are.
_NAMED = 3

SCHEMA = {
    "family": pl.String,
    "measure": pl.String,
    "metric": pl.String,
    "model": pl.String,
    "reference": pl.Boolean,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n_tasks": pl.Int64,
    "method": pl.String,
    "reason": pl.String,
}


def family_table(
    results: Iterable[Result],
    published: Iterable[Result] = (),
    *,
    common_tasks: bool = False,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pl.DataFrame:
    """Average each model's headlines over the tasks of each family, and over all tasks.

    Parameters
    ----------
    results : iterable of Result
        Those about genes count; a model's mean is over the tasks that any model here was asked.
    published : iterable of Result
        For reference, as `read_published_scores` gives them: means over the tasks they have.
    common_tasks : bool
        Average, in each family, only over the tasks for which every model and every reference has
        a value that has any there.
    seed, replicates : int
        Of the interval. The same seed draws the same tasks for every model.

    Returns
    -------
    polars.DataFrame
        Families in the suite's order and `ALL` at the end, best model first, references after the
        models. Columns `family`, `measure`, `metric` (which rows were averaged), `model`,
        `reference`, `value`, `low`, `high`, `n_tasks`, `method`, `reason` (why there is no
        value: a model that lacks a task has no mean, as another's would be over easier tasks).
    """
    return average(
        task_scores(results, published),
        common_tasks=common_tasks,
        seed=seed,
        replicates=replicates,
    )


def average(
    scores: pl.DataFrame,
    *,
    common_tasks: bool = False,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pl.DataFrame:
    """Make the `family_table` of `task_scores`."""
    rows: list[dict[str, object]] = []
    for measure in scores["measure"].unique(maintain_order=True):
        measured = scores.filter(measure=measure)
        for family in (*ordered_families(measured), ALL):
            members = _members(scores, measured, family)
            means = _means(members, common_tasks, seed, replicates)
            rows.extend({"family": family, "measure": measure, **mean} for mean in means)
    return pl.DataFrame(rows, schema=SCHEMA)


def ordered_families(scores: pl.DataFrame) -> list[str]:
    """Families of some scores: those of the suite in its order, then others."""
    found = scores["family"].unique(maintain_order=True).to_list()
    known = [family for family in FAMILIES if family in found]
    return known + [family for family in found if family not in FAMILIES]


def interval_over_tasks(
    values: Floats, deviations: Floats, *, seed: int, replicates: int = REPLICATES
) -> tuple[float, float] | None:
    """Interval of a mean over tasks: tasks are drawn, and for each its genes.

    Parameters
    ----------
    values : ndarray of float64, shape (n_tasks,)
        The metric of each task.
    deviations : ndarray of float64, shape (n_tasks,)
        Standard deviation of each value over draws of its genes; 0 where it is not known.
    seed, replicates : int

    Returns
    -------
    tuple of float or None
        None for a single task of unknown deviation. A single task is drawn every time, so its
        interval is over genes alone.
    """
    n = values.size
    if not deviations.any() and n < 2:
        return None
    # The bare stream of the generator: NumPy keeps it the same for ever, unlike its methods.
    raw = np.random.PCG64(seed).random_raw((replicates, n, 2))
    uniform = (raw >> np.uint64(12)) * 2.0**-52 + 2.0**-53
    drawn = (uniform[..., 0] * n).astype(np.int64)
    means = (values[drawn] + deviations[drawn] * scipy.special.ndtri(uniform[..., 1])).mean(axis=1)
    # A single task is drawn every time: normal deviates are all the spread there is.
    return percentiles(means, n if n > 1 else math.inf)


@dataclass(frozen=True)
class _Member:
    """A model in a family: its rows by task."""

    model: str
    reference: bool
    rows: dict[str, dict[str, Any]]

    @property
    def known(self) -> set[str]:
        return {task for task, row in self.rows.items() if row["value"] is not None}


def _members(scores: pl.DataFrame, measured: pl.DataFrame, family: str) -> list[_Member]:
    """Every model, though it has no task of the family; references only where they have one."""
    inside = measured if family == ALL else measured.filter(family=family)
    found = []
    for model, reference in scores.select("model", "reference").unique(maintain_order=True).rows():
        own = inside.filter(model=model, reference=reference)
        if own.height or not reference:
            rows = {row["task"]: row for row in own.iter_rows(named=True)}
            found.append(_Member(model, reference, rows))
    return found


def _means(
    members: list[_Member], common_tasks: bool, seed: int, replicates: int
) -> list[dict[str, object]]:
    """Average every model over the tasks of its own kind, models or references, best first."""
    shared = set.intersection(*([each.known for each in members if each.known] or [set()]))
    found = []
    for each in members:
        alike = (other.known for other in members if other.reference == each.reference)
        asked = set[str]().union(*alike)
        if asked:
            wanted = shared if common_tasks else asked
            found.append(_mean(each, sorted(wanted), seed, replicates))
    return sorted(found, key=_best_first)


def _mean(member: _Member, tasks: list[str], seed: int, replicates: int) -> dict[str, object]:
    lacking = [task for task in tasks if task not in member.known]
    mean: dict[str, object] = {
        "model": member.model,
        "reference": member.reference,
        "n_tasks": len(tasks) - len(lacking),
    }
    if lacking or not tasks:
        return {**mean, "reason": _why_none(lacking, len(tasks))}
    rows = [member.rows[task] for task in tasks]
    values = np.array([row["value"] for row in rows], dtype=np.float64)
    # A null is not a number here, and stands for a deviation that is not known.
    width = np.array([(row["low"], row["high"]) for row in rows], dtype=np.float64)
    deviations = np.nan_to_num((width[:, 1] - width[:, 0]) / _WIDTH)
    low, high = interval_over_tasks(values, deviations, seed=seed, replicates=replicates) or (
        None,
        None,
    )
    unknown = int(np.isnan(width[:, 0]).sum())
    return {
        **mean,
        "metric": ", ".join(sorted({str(row["metric"]) for row in rows})),
        "value": float(values.mean()),
        "low": low,
        "high": high,
        "method": _method(len(tasks), unknown, replicates),
    }


def _why_none(lacking: list[str], n_tasks: int) -> str:
    if not n_tasks:
        return "no task for which all have a value"
    more = f" and {len(lacking) - _NAMED:,} more" if len(lacking) > _NAMED else ""
    return (
        f"no value for {len(lacking):,} of {n_tasks:,} tasks: {', '.join(lacking[:_NAMED])}{more}"
    )


def _method(n_tasks: int, unknown: int, replicates: int) -> str:
    if n_tasks == unknown == 1:
        return "one task, whose value has no interval over genes"
    over = "genes" if n_tasks == 1 else "tasks" if unknown == n_tasks else "tasks and genes"
    told = (
        f"{CONFIDENCE:.0%}".replace("%", " %") + f" interval, {replicates} replicates over {over}"
    )
    return f"{told}; {unknown:,} of {n_tasks:,} values have none over genes" if unknown else told


def _best_first(mean: dict[str, object]) -> tuple[object, ...]:
    value = mean.get("value")
    order = -value if isinstance(value, float) else 0.0
    return mean["reference"], value is None, order, mean["model"]
