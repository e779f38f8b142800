"""How far a model agrees with itself: two answers that ought to be one, pair by pair.

A correlation forgives any shift and any scale, and over sequences of different make-up it is near 1
whatever the model does. Concordance forgives nothing: it is 1 only where both answers are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.scored import Scored
from genomark.scoring import REPLICATES, Headline, MetricRow, kernels
from genomark.scoring.intervals import method, percentiles

Floats = NDArray[np.float64]

_UNIT = "standard deviations of the answers"
_UNITS = {"mean_absolute_difference": _UNIT, "p95_absolute_difference": _UNIT}
#: What is told of each group; the first ranks models.
MEASURES = ("concordance", "pearson", "mean_absolute_difference", "p95_absolute_difference")
_MIN_PAIRS = 3


class PairScores(Scored):
    """One model's answers, two to a pair.

    Parameters
    ----------
    items : polars.DataFrame
        One row an item: `item_id`, `value` (null where there is no answer) and `reason`.
    pairs : polars.DataFrame
        `group`, `cluster`, and `here` and `there`: rows of `items`.
    over : str
        What a cluster is, in the plural, for people.
    ranked : sequence of str
        Groups whose mean concordance ranks models; all others are told beside.
    published : callable
        Gives the rows that stand beside, as the peer's own evaluator makes them.
    """

    def __init__(
        self,
        items: pl.DataFrame,
        pairs: pl.DataFrame,
        over: str,
        ranked: Sequence[str],
        published: Callable[[], list[MetricRow]] = list,
    ) -> None:
        self.frame = items
        self._pairs = pairs
        self._over = over
        self._ranked = tuple(ranked)
        self._published = published

    @property
    def reasons(self) -> pl.Series:
        """Why an item has no answer."""
        return self.frame["reason"]

    @cached_property
    def answered(self) -> pl.Series:
        """Whether an item has an answer."""
        return self.frame["value"].is_not_null()

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute the mean concordance, and what is told of each group."""
        values = self.frame["value"].to_numpy()
        drawn = _drawn(len(self._clusters), asking.seed)
        rows = []
        for name in self._pairs["group"].unique(maintain_order=True):
            pairs = self._pairs.filter(pl.col("group") == name)
            agreement = self._agreement(pairs, values)
            rows += [self._row(measure, name, agreement, drawn) for measure in MEASURES]
        return [self._mean(rows, asking, self.answered), *rows, *self._published()]

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Compute the mean concordance of pairs of which both items are shared."""
        values = np.where(shared.to_numpy(), self.frame["value"].to_numpy(), np.nan)
        drawn = _drawn(len(self._clusters), asking.seed)
        found, replicates = [], []
        for name in self._ranked:
            pairs = self._pairs.filter(pl.col("group") == name)
            agreement = self._agreement(pairs, values)
            value, _ = agreement.value("concordance")
            if value is None:
                return Headline.undefined(clusters=len(self._clusters))
            found.append(value)
            replicates.append(agreement.replicates("concordance", drawn))
        mean = np.mean(replicates, axis=0)
        return Headline.of(float(np.mean(found)), mean, len(self._clusters))

    @cached_property
    def _clusters(self) -> pl.Series:
        return self._pairs["cluster"].unique().sort()

    def _agreement(self, pairs: pl.DataFrame, values: Floats) -> Agreement:
        # Clusters are numbered over all groups: a replicate draws the same ones in each.
        clusters = self._clusters.search_sorted(pairs["cluster"]).to_numpy().astype(np.int64)
        here, there = (values[pairs[side].to_numpy()] for side in ("here", "there"))
        known = np.isfinite(here) & np.isfinite(there)
        return Agreement(here[known], there[known], clusters[known])

    def _row(
        self, measure: str, group: str, agreement: Agreement, drawn: NDArray[np.int32]
    ) -> MetricRow:
        value, reason = agreement.value(measure)
        carried = len(np.unique(agreement.clusters))
        return MetricRow(
            name=measure,
            group=group,
            value=value,
            reason_if_null=reason,
            interval=None
            if value is None
            else percentiles(agreement.replicates(measure, drawn), carried),
            method=method(measure, REPLICATES, self._over),
            n=agreement.here.size,
            n_clusters=carried,
            unit=_UNITS.get(measure),
        )

    def _mean(self, rows: list[MetricRow], asking: Asking, shared: pl.Series) -> MetricRow:
        ranked = [row for row in rows if row.name == MEASURES[0] and row.group in self._ranked]
        undefined = [row for row in ranked if row.value is None]
        headline = self.headline(asking, shared)
        reason = None
        if undefined:
            first = undefined[0]
            reason = (
                f"undefined in {len(undefined)} of {len(ranked)} groups "
                f"('{first.group}': {first.reason_if_null})"
            )
        return MetricRow(
            name=f"mean_{MEASURES[0]}",
            group=None,
            value=headline.value,
            reason_if_null=reason,
            interval=None if reason else percentiles(headline.drawn, headline.clusters),
            method=method(MEASURES[0], REPLICATES, self._over),
            n=sum(row.n for row in ranked),
            n_clusters=len(self._clusters),
        )


class Agreement:
    """Two answers to each of many pairs.

    Parameters
    ----------
    here, there : ndarray of float64, shape (n,)
        Finite.
    clusters : ndarray of int64, shape (n,)
        Numbered from 0; not every number need occur.
    """

    def __init__(self, here: Floats, there: Floats, clusters: NDArray[np.int64]) -> None:
        self.here, self.there, self.clusters = here, there, clusters
        self._apart = here - there
        # Sums of squares of centred values do not cancel.
        centre = np.median(np.concatenate([here, there])) if here.size else 0.0
        x, y = here - centre, there - centre
        apart = np.abs(self._apart)
        self._columns = (np.ones_like(x), x, y, x * x, y * y, x * y, apart, apart**2)

    def value(self, measure: str) -> tuple[float | None, str | None]:
        """Compute a measure of all pairs; or say why there is none."""
        if self.here.size < _MIN_PAIRS:
            return None, f"fewer than {_MIN_PAIRS} pairs ({self.here.size})"
        value = float(self._computed(measure, np.ones((1, self.clusters.max() + 1), np.int32))[0])
        return (value, None) if math.isfinite(value) else (None, "constant prediction")

    def replicates(self, measure: str, drawn: NDArray[np.int32]) -> Floats:
        """Compute a measure of replicates.

        Parameters
        ----------
        measure : str
            Of `MEASURES`.
        drawn : ndarray of int32, shape (replicates, clusters)
            How often each cluster is in each.

        Returns
        -------
        ndarray of float64, shape (replicates,)
            NaN where undefined.
        """
        return self._computed(measure, drawn)

    def _computed(self, measure: str, drawn: NDArray[np.int32]) -> Floats:
        n_clusters = drawn.shape[1]
        sums = np.column_stack(
            [np.bincount(self.clusters, column, n_clusters) for column in self._columns]
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            moments = (drawn @ sums) / (drawn @ sums[:, :1])
            return self._measured(measure, moments.T, drawn)

    def _measured(self, measure: str, moments: Floats, drawn: NDArray[np.int32]) -> Floats:
        _, x, y, xx, yy, xy, apart, squared = moments
        # What is below this is rounding: the answers are all the same.
        own_x, own_y = (
            np.where(square - mean**2 > 1e-12 * square, square - mean**2, 0.0)
            for square, mean in ((xx, x), (yy, y))
        )
        both = own_x + own_y
        both = np.where(both > 0, both, np.nan)
        if measure == "concordance":
            return np.asarray(1.0 - squared / both)
        if measure == "pearson":
            r: Floats = np.clip((xy - x * y) / np.sqrt(own_x * own_y), -1.0, 1.0)
            return r
        deviation = np.sqrt(both / 2.0)
        if measure == "mean_absolute_difference":
            return np.asarray(apart / deviation)
        return self._p95(drawn) / deviation

    def _p95(self, drawn: NDArray[np.int32]) -> Floats:
        """Take the 95th percentile of absolute differences in each replicate."""
        order = np.argsort(np.abs(self._apart), kind="stable")
        apart = np.abs(self._apart)[order]
        # How many differences of a replicate are not larger than each.
        upto = np.cumsum(drawn[:, self.clusters[order]], axis=1)
        place = 0.95 * np.maximum(upto[:, -1] - 1, 0)
        below = np.floor(place)
        lower, upper = (
            apart[np.minimum((upto <= at[:, None]).sum(axis=1), apart.size - 1)]
            for at in (below, below + 1.0)
        )
        found: Floats = lower + (upper - lower) * (place - below)
        return np.where(upto[:, -1] > 0, found, np.nan)


def _drawn(n_clusters: int, seed: int) -> NDArray[np.int32]:
    """Draw clusters with replacement, int32[replicates, clusters]."""
    drawn = np.empty((REPLICATES, n_clusters), dtype=np.int32)
    for replicate, counts in enumerate(drawn):
        kernels.draw_counts(np.uint64(seed), replicate, counts)
    return drawn


def pairs_of(items: pl.DataFrame, columns: Sequence[Any]) -> pl.DataFrame:
    """Find the rows of forward sequences and of their reverse complements.

    Parameters
    ----------
    items : polars.DataFrame
        `pair` and `reverse`; a pair that is not whole is left out.
    columns : sequence of polars expression
        What else to keep of the forward sequence.

    Returns
    -------
    polars.DataFrame
        `here`, `there` and `columns`, one row a pair, by number.
    """
    numbered = items.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    forward = numbered.filter(~pl.col("reverse")).select("pair", *columns, here="row")
    reverse = numbered.filter(pl.col("reverse")).select("pair", there="row")
    return (
        forward.join(reverse, on="pair", how="inner", maintain_order="left")
        .sort("pair")
        .drop("pair")
    )
