"""From predictions and truth to metric rows with intervals.

Clusters are resampled, not items: variants of one element share its sequence, and the strands of
one enhancer its activity. Where a metric is computed per group (an experiment, a cell type) and
then averaged, the mean is resampled over the clusters the groups belong to, and each group's own
interval over the sub-clusters inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.scoring import kernels
from genomark.scoring.intervals import REPLICATES, interval, method, resting_on
from genomark.scoring.metrics import Metric, metric
from genomark.scoring.records import MetricRow

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Metrics that are known from the rarer class.
_OF_TWO_CLASSES = ("auroc", "average_precision")


class Headline(NamedTuple):
    """The metric that models are ranked by, with what pairs it with that of another model.

    Attributes
    ----------
    value : float or None
        None where it is undefined.
    drawn : ndarray of float64, shape (replicates,)
        NaN where undefined, and throughout where there is only one cluster: nothing can then be
        resampled.
    clusters : int
        How many were resampled.
    """

    value: float | None
    drawn: Floats
    clusters: int

    @classmethod
    def undefined(cls, replicates: int = REPLICATES, clusters: int = 0) -> Headline:
        """Give one without a value."""
        return cls(None, np.full(replicates, np.nan), clusters)

    @classmethod
    def of(cls, value: float | None, drawn: Floats, clusters: int) -> Headline:
        """Take a value with its replicates; those of one cluster say nothing."""
        if value is None or not np.isfinite(value):
            return cls.undefined(drawn.size, clusters)
        return cls(float(value), drawn if clusters > 1 else np.full(drawn.size, np.nan), clusters)


@dataclass(frozen=True)
class ScoringRule:
    """How a benchmark turns predictions into numbers.

    Attributes
    ----------
    metrics : tuple of str
        Names; the first is the one models are ranked by.
    cluster : str
        What a cluster is, in the plural, for people ("elements").
    grouped : bool
        Compute each metric per task, then average; every task lies in one cluster.
    subcluster : str or None
        For grouped rules: what is resampled inside a task ("positions"), the column
        `subcluster` of the items.
    """

    metrics: tuple[str, ...]
    cluster: str
    grouped: bool = False
    subcluster: str | None = None

    @property
    def headline(self) -> str:
        """Name of the row models are ranked by."""
        return self.headlines[0]

    @property
    def headlines(self) -> tuple[str, ...]:
        """Names of the rows a table shows."""
        prefix = "mean_" if self.grouped else ""
        return tuple(prefix + name for name in self.metrics)


@dataclass(frozen=True)
class _Draws:
    """How replicates are drawn."""

    seed: int
    replicates: int
    threads: int = 1


def score(
    items: pl.DataFrame,
    rule: ScoringRule,
    *,
    seed: int,
    replicates: int = REPLICATES,
    threads: int = 1,
) -> list[MetricRow]:
    """Compute every row of a rule.

    Parameters
    ----------
    items : polars.DataFrame
        Columns `task`, `cluster` (and `subcluster`), `truth`, `value`; rows whose `value` is null
        are left out (they are told of in the coverage).
    rule : ScoringRule
    seed : int
        Of the bootstrap.
    replicates : int
        Of the bootstrap.
    threads : int
        At most; no number depends on it.

    Returns
    -------
    list of MetricRow
        Means first, then groups in the order of the items.
    """
    answered = _answered(items.select(_needed(items, rule)))
    draws = _Draws(seed, replicates, threads)
    if rule.grouped:
        return _grouped_rows(items, answered, rule, draws)
    arrays = _arrays(answered, "cluster")
    return [_row(arrays, metric(name), rule.cluster, None, draws) for name in rule.metrics]


def headline_replicates(
    items: pl.DataFrame,
    rule: ScoringRule,
    *,
    seed: int,
    replicates: int = REPLICATES,
    threads: int = 1,
) -> Headline:
    """Compute the headline metric and its replicates, for paired comparison.

    Two models give paired replicates when `items` hold the same rows in the same order.
    """
    answered = _answered(items.select(_needed(items, rule)))
    measure = metric(rule.metrics[0])
    if answered.is_empty():
        return Headline.undefined(replicates)
    if rule.grouped:
        values, clusters = _group_values(answered, measure)
        n_clusters = int(clusters.max()) + 1
        if not np.isfinite(values).all():
            return Headline.undefined(replicates, n_clusters)
        drawn = _mean_replicates(values, clusters, replicates, seed)
        return Headline.of(float(values.mean()), drawn, n_clusters)
    prediction, truth, clusters = _arrays(answered, "cluster")
    n_clusters = int(clusters.max()) + 1
    value, _ = measure.value(prediction, truth)
    if value is None:
        return Headline.undefined(replicates, n_clusters)
    drawn = measure.replicates(
        prediction, truth, clusters, replicates, seed, n_clusters, threads=threads
    )
    return Headline.of(value, drawn, n_clusters)


def part_replicates(
    items: pl.DataFrame,
    chosen: pl.Series,
    rule: ScoringRule,
    *,
    seed: int,
    replicates: int = REPLICATES,
    threads: int = 1,
) -> tuple[Headline, int]:
    """Compute the headline metric of a part of the items, drawn as all of them are.

    A mean over groups is over those that the part has, which are those of `groups_with_value`. The
    clusters of all items are drawn, whichever of them the part has items of: replicates of two
    parts of the same items are therefore paired, and with those of `headline_replicates` of all.

    Parameters
    ----------
    items : polars.DataFrame
        As of `score`.
    chosen : polars.Series of Boolean
        The part, one an item.
    rule, seed, replicates, threads
        As of `headline_replicates`.

    Returns
    -------
    headline : Headline
    clusters : int
        Those with an item in the part.
    """
    answered = _answered(items.with_columns(chosen=chosen))
    part = answered.filter("chosen")
    measure = metric(rule.metrics[0])
    everything = cluster_numbers(answered["cluster"])
    if part.is_empty():
        return Headline.undefined(replicates), 0
    there = np.unique(everything[answered["chosen"].to_numpy()]).size
    n_clusters = int(everything.max()) + 1
    if rule.grouped:
        part = part.filter(pl.col("task").is_in(groups_with_value(part, measure)))
        if part.is_empty():
            return Headline.undefined(replicates, n_clusters), there
        values, _ = _group_values(part, measure)
        numbers = answered.select("task", number=pl.Series(everything)).unique("task")
        tasks = part.select("task").unique(maintain_order=True)
        clusters = tasks.join(numbers, on="task", maintain_order="left")["number"].to_numpy()
        if not np.isfinite(values).all():
            return Headline.undefined(replicates, n_clusters), there
        drawn = _mean_replicates(values, clusters, replicates, seed, n_clusters)
        return Headline.of(float(values.mean()), drawn, n_clusters), there
    prediction, truth = part["value"].to_numpy(), part["truth"].to_numpy()
    value, _ = measure.value(prediction, truth)
    if value is None:
        return Headline.undefined(replicates, n_clusters), there
    clusters = everything[answered["chosen"].to_numpy()]
    drawn = measure.replicates(
        prediction, truth, clusters, replicates, seed, n_clusters, threads=threads
    )
    return Headline.of(value, drawn, n_clusters), there


def groups_with_value(items: pl.DataFrame, measure: Metric, group: str = "task") -> list[str]:
    """Name the groups of items of which a metric can be computed, as far as their truth goes.

    Which these are depends on the items alone: an answer that leaves a metric undefined leaves its
    group, and so a mean over groups, undefined.

    Parameters
    ----------
    items : polars.DataFrame
        Columns `truth` and `group`.
    measure : Metric
    group : str
        Name of the column.
    """
    found = []
    for (name,), part in items.group_by(group, maintain_order=True):
        truth = part["truth"].to_numpy()
        if measure.undefined(truth, truth) is None:
            found.append(str(name))
    return found


def cluster_numbers(names: pl.Series) -> Integers:
    """Number clusters from 0 in the order of their names."""
    return names.rank("dense").to_numpy().astype(np.int64) - 1 if len(names) else np.empty(0, int)


def _needed(items: pl.DataFrame, rule: ScoringRule) -> list[str]:
    """Name the columns that a rule looks at: of a million items no other need be copied."""
    of_groups = ("task", "subcluster") if rule.grouped else ()
    needed = ("cluster", "truth", "value", *of_groups)
    return [name for name in items.columns if name in needed]


def _answered(items: pl.DataFrame) -> pl.DataFrame:
    return items.filter(pl.col("value").is_not_null())


def _arrays(items: pl.DataFrame, cluster: str) -> tuple[Floats, Floats, Integers]:
    return (
        items["value"].to_numpy(),
        items["truth"].to_numpy(),
        cluster_numbers(items[cluster]),
    )


def _row(
    arrays: tuple[Floats, Floats, Integers],
    measure: Metric,
    unit_of_resampling: str,
    group: str | None,
    draws: _Draws,
) -> MetricRow:
    prediction, truth, clusters = arrays
    n_clusters = int(clusters.max()) + 1 if clusters.size else 0
    value, reason = measure.value(prediction, truth)
    found = None
    if value is not None and n_clusters > 1:
        drawn = measure.replicates(
            *arrays, draws.replicates, draws.seed, n_clusters, threads=draws.threads
        )
        two = measure.name in _OF_TWO_CLASSES
        rests_on = resting_on(truth > 0.5, clusters) if two else n_clusters
        found = interval(measure.name, value, drawn, rests_on, items=truth.size)
    return MetricRow(
        name=measure.name,
        group=group,
        value=value,
        reason_if_null=reason,
        interval=found,
        method=method(measure.name, draws.replicates, unit_of_resampling),
        n=truth.size,
        n_clusters=n_clusters,
    )


def _grouped_rows(
    items: pl.DataFrame, answered: pl.DataFrame, rule: ScoringRule, draws: _Draws
) -> list[MetricRow]:
    tasks = items["task"].unique(maintain_order=True).to_list()
    by_task = {
        key: _arrays(part, "subcluster")
        for (key,), part in answered.group_by("task", maintain_order=True)
    }
    empty = _arrays(answered.clear(), "subcluster")
    means: list[MetricRow] = []
    groups: list[MetricRow] = []
    for name in rule.metrics:
        rows = [
            _row(by_task.get(task, empty), metric(name), rule.subcluster or "items", task, draws)
            for task in tasks
        ]
        groups.extend(rows)
        means.append(_mean_row(rows, items, name, rule.cluster, draws))
    return means + groups


def _mean_row(
    rows: Sequence[MetricRow],
    items: pl.DataFrame,
    name: str,
    unit_of_resampling: str,
    draws: _Draws,
) -> MetricRow:
    values = np.array([np.nan if row.value is None else row.value for row in rows])
    clusters = _cluster_of_task(items)
    n_clusters = int(clusters.max()) + 1 if clusters.size else 0
    undefined = [row for row in rows if row.value is None]
    n = sum(row.n for row in rows)
    value = found = reason = None
    if not rows:
        reason = "no items"
    elif undefined:
        first = undefined[0]
        reason = (
            f"undefined in {len(undefined)} of {len(rows)} groups "
            f"('{first.group}': {first.reason_if_null})"
        )
    else:
        value = float(values.mean())
        drawn = _mean_replicates(values, clusters, draws.replicates, draws.seed)
        found = interval(name, value, drawn, n_clusters, items=n)
    return MetricRow(
        name=f"mean_{name}",
        group=None,
        value=value,
        reason_if_null=reason,
        interval=found,
        method=method(name, draws.replicates, unit_of_resampling),
        n=n,
        n_clusters=n_clusters,
    )


def _group_values(items: pl.DataFrame, measure: Metric) -> tuple[Floats, Integers]:
    values = []
    for _, part in items.group_by("task", maintain_order=True):
        value, _ = measure.value(part["value"].to_numpy(), part["truth"].to_numpy())
        values.append(np.nan if value is None else value)
    return np.array(values), _cluster_of_task(items)


def _cluster_of_task(items: pl.DataFrame) -> Integers:
    """Number the cluster each task lies in, tasks in the order they appear."""
    tasks = items.group_by("task", maintain_order=True).agg(pl.col("cluster").first())
    return cluster_numbers(tasks["cluster"])


def _mean_replicates(
    values: Floats,
    clusters: Integers,
    replicates: int,
    seed: int,
    n_clusters: int | None = None,
) -> Floats:
    out = np.empty(replicates)
    counts = np.empty(n_clusters or int(clusters.max()) + 1, dtype=np.int32)
    kernels.replicate_weighted_mean(out, np.uint64(seed), counts, (clusters, values))
    return out
