"""Numbers of regions, and what comes of them: means over regions, correlations between them.

A region whose number is undefined (a constant prediction has no correlation) is left out, and
counted with its reason; it is never 0, and never hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.scored import Scored
from genomark.scoring import REPLICATES, Headline, MetricRow, ScoringRule, kernels, score
from genomark.scoring.intervals import interval, method
from genomark.scoring.score import cluster_numbers

Floats = NDArray[np.float64]


class TrackScores(Scored):
    """One model's answers, each region judged by itself.

    Parameters
    ----------
    frame : polars.DataFrame
        One row an item: `item_id`, `cluster`, `reason` (why there is no answer), one Float64
        column a name of `means`, null where undefined, and `undefined` (why); with `between`
        also `value` and `truth`.
    means : sequence of str
        Columns whose mean is told as ``mean_NAME``; the first ranks models.
    over : str
        What a cluster is, in the plural, for people.
    between : sequence of str
        Metrics of `genomark.scoring.metric` of `value` and `truth` over all regions, told as
        ``between_NAME``.
    published : callable
        Gives the rows that stand beside, as the peer's own evaluator makes them.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        means: Sequence[str],
        over: str,
        between: Sequence[str] = (),
        published: Callable[[], list[MetricRow]] = list,
    ) -> None:
        self.frame = frame
        self._means = tuple(means)
        self._over = over
        self._between = tuple(between)
        self._published = published

    @property
    def reasons(self) -> pl.Series:
        """Why an item has no answer, or none that can be judged."""
        return self.frame.select(pl.coalesce("reason", "undefined").alias("reason"))["reason"]

    @property
    def answered(self) -> pl.Series:
        """Whether an item has an answer that can be judged."""
        return self.frame[self._means[0]].is_not_null()

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute means over regions, what is between regions, and what a peer publishes."""
        found = [
            mean_row(f"mean_{name}", self.frame, name, self._over, asking.seed)
            for name in self._means
        ]
        if self._between:
            rule = ScoringRule(metrics=self._between, cluster=self._over)
            frame = self.frame.with_columns(task=pl.lit(""))
            found += [
                msgspec.structs.replace(row, name=f"between_{row.name}")
                for row in score(frame, rule, seed=asking.seed)
            ]
        return [*found, *self._published()]

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Compute the first mean and its replicates."""
        name = self._means[0]
        frame = self.frame.filter(shared).drop_nulls(name)
        if frame.is_empty():
            return Headline.undefined()
        clusters = cluster_numbers(frame["cluster"])
        values = frame[name].to_numpy()
        drawn = mean_replicates(values, clusters, asking.seed)
        return Headline.of(float(values.mean()), drawn, int(clusters.max()) + 1)


def mean_row(
    name: str,
    frame: pl.DataFrame,
    column: str,
    over: str,
    seed: int,
    *,
    group: str | None = None,
    unit: str | None = None,
) -> MetricRow:
    """Tell the mean of a column, every region weighted alike, with an interval over clusters.

    Parameters
    ----------
    name, group, unit
        As in a Result.
    frame : polars.DataFrame
        `column` (null where undefined), `cluster`, `reason`, `undefined`.
    column : str
    over : str
        What a cluster is, in the plural.
    seed : int
    """
    known = frame.drop_nulls(column)
    values = known[column].to_numpy()
    clusters = cluster_numbers(known["cluster"])
    n_clusters = int(clusters.max()) + 1 if clusters.size else 0
    value = found = reason = None
    if values.size:
        value = float(values.mean())
        drawn = mean_replicates(values, clusters, seed)
        found = interval(name, value, drawn, n_clusters, items=values.size)
    else:
        reason = _why_none(frame)
    return MetricRow(
        name=name,
        group=group,
        value=value,
        reason_if_null=reason,
        interval=found,
        method=method(name, REPLICATES, over),
        n=values.size,
        n_clusters=n_clusters,
        unit=unit,
    )


def mean_replicates(values: Floats, clusters: NDArray[np.int64], seed: int) -> Floats:
    """Draw clusters again and again: the mean of each replicate, float64[`REPLICATES`]."""
    out = np.empty(REPLICATES)
    counts = np.empty(int(clusters.max()) + 1, dtype=np.int32)
    kernels.replicate_weighted_mean(out, np.uint64(seed), counts, (clusters, values))
    return out


def correlation(here: Floats, there: Floats) -> float | None:
    """Pearson's r; None where there are fewer than 3 values, or one side does not vary."""
    if here.size < 3 or constant(here) or constant(there):
        return None
    x, y = here - here.mean(), there - there.mean()
    r = float(x @ y / np.sqrt((x @ x) * (y @ y)))
    return max(-1.0, min(1.0, r)) if np.isfinite(r) else None


def constant(values: Floats) -> bool:
    """Whether values are all the same.

    Sums of equal numbers may be off in their last bits: a range below 1e-12 of the largest value
    is none.
    """
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def published_correlation(here: Floats, there: Floats) -> float:
    """Pearson's r as the published evaluators write it: 0.0 where it is undefined.

    GAME 1.0, section 7.2.
    """
    if np.ptp(here) == 0 or np.ptp(there) == 0:
        return 0.0
    x, y = here - here.mean(), there - there.mean()
    r = float(x @ y / np.sqrt((x @ x) * (y @ y)))
    return max(-1.0, min(1.0, r)) if np.isfinite(r) else 0.0


def _why_none(frame: pl.DataFrame) -> str:
    """Say in one line why not one region has a number: the commonest reason."""
    told = frame.select(pl.coalesce("reason", "undefined").alias("reason"))["reason"].drop_nulls()
    if frame.is_empty():
        return "no regions"
    if told.is_empty():
        return f"none of {frame.height:,} has one: predictions or truth do not vary there"
    counts = told.value_counts().sort(["count", "reason"], descending=[True, False])
    first = counts.row(0, named=True)
    return f"none of {frame.height:,} has one: {first['reason']} ({first['count']:,})"
