"""Pairs of tracks that ought to be one, each pair judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.track_scores import mean_replicates, mean_row
from genomark.benchmarks.scored import Scored
from genomark.scoring import Headline, MetricRow
from genomark.scoring.score import cluster_numbers


class TrackPairScores(Scored):
    """One model's tracks, two to a pair.

    Parameters
    ----------
    items : polars.DataFrame
        One row an item: `item_id`, `reason`, `answered`.
    pairs : polars.DataFrame
        `group`, `cluster`, `here` and `there` (rows of `items`), a Float64 column each of
        `measures` (null where undefined), `reason` and `undefined` (why).
    measures : sequence of str
        The mean of the first over all pairs ranks models.
    over : str
        What a cluster is, in the plural, for people.
    published : callable
        Gives the rows that stand beside, as the peer's own evaluator makes them.
    """

    def __init__(
        self,
        items: pl.DataFrame,
        pairs: pl.DataFrame,
        measures: Sequence[str],
        over: str,
        published: Callable[[], list[MetricRow]] = list,
    ) -> None:
        self.frame = items
        self.pairs = pairs
        self._measures = tuple(measures)
        self._over = over
        self._published = published

    @property
    def reasons(self) -> pl.Series:
        """Why an item has no answer."""
        return self.frame["reason"]

    @property
    def answered(self) -> pl.Series:
        """Whether an item has an answer."""
        return self.frame["answered"]

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute means over all pairs, then over those of each group."""
        groups = self.pairs.group_by("group", maintain_order=True)
        parts = [(None, self.pairs), *((str(name), part) for (name,), part in groups)]
        rows = [
            mean_row(f"mean_{name}", part, name, self._over, asking.seed, group=group)
            for group, part in parts
            for name in self._measures
        ]
        return [*rows, *self._published()]

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Compute the first mean on pairs of which both items are shared."""
        name = self._measures[0]
        whole = shared.gather(self.pairs["here"]) & shared.gather(self.pairs["there"])
        known = self.pairs.filter(whole).drop_nulls(name)
        if known.is_empty():
            return Headline.undefined()
        clusters = cluster_numbers(known["cluster"])
        values = known[name].to_numpy()
        drawn = mean_replicates(values, clusters, asking.seed)
        return Headline.of(float(values.mean()), drawn, int(clusters.max()) + 1)
