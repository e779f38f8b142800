"""Points beside the truth where the same sequences were measured in several cell types.

Groups (cell types) are all there are, and not drawn from any; what is drawn are clusters of
sequences, the same for all groups, so that the interval of a mean over groups, and of a contrast
between two, knows that they share their sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.predictor_scores import PredictorScores, groups_of
from genomark.benchmarks.scored import GroupsOfPart
from genomark.scoring import REPLICATES, Headline, Metric, MetricRow, ScoringRule, kernels, metric
from genomark.scoring.intervals import interval, method
from genomark.scoring.score import cluster_numbers, groups_with_value

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Facet:
    """Some of the answers, or what is computed of them, that have rows of their own.

    Attributes
    ----------
    group : str
        What a row calls it.
    items : polars.DataFrame
        Columns `cluster`, `truth` and `value`, none of them null.
    prefix : str
        What the names of its metrics begin with.
    asked : int or None
        How many items were asked about, where that is known.
    """

    group: str
    items: pl.DataFrame
    prefix: str = ""
    asked: int | None = None

    def value(self, measure: Metric) -> tuple[float | None, str | None]:
        """Compute a metric, or say why it is undefined."""
        if self.items.is_empty():
            of = "no item" if self.asked is None else f"none of {self.asked:,} items"
            return None, f"{of} has an answer"
        return measure.value(self.items["value"].to_numpy(), self.items["truth"].to_numpy())


@dataclass(frozen=True)
class Drawing:
    """Clusters that are drawn, by name, and the seed.

    Everything drawn by one is paired, whichever of its clusters it has items of.
    """

    numbers: dict[str, int]
    seed: int

    @classmethod
    def of(cls, items: pl.DataFrame, seed: int) -> Drawing:
        """Draw the clusters that some items lie in."""
        names = items["cluster"].unique().sort()
        return cls(dict(zip(names, cluster_numbers(names).tolist(), strict=True)), seed)

    def metric(self, measure: Metric, items: pl.DataFrame) -> _Floats:
        """Compute the replicates of a metric, float64[REPLICATES]."""
        value, truth = items["value"].to_numpy(), items["truth"].to_numpy()
        clusters = self._clusters(items)
        return measure.replicates(value, truth, clusters, REPLICATES, self.seed, len(self.numbers))

    def mean(self, values: _Floats, items: pl.DataFrame) -> _Floats:
        """Compute the replicates of a mean of one value an item, float64[REPLICATES]."""
        out = np.empty(REPLICATES)
        counts = np.empty(len(self.numbers), dtype=np.int32)
        arrays = (self._clusters(items), values)
        kernels.replicate_weighted_mean(out, np.uint64(self.seed), counts, arrays)
        return out

    def _clusters(self, items: pl.DataFrame) -> NDArray[np.int64]:
        names = items["cluster"]
        return np.fromiter((self.numbers[name] for name in names), np.int64, len(names))


class JointScores(PredictorScores):
    """One model's answers, a point an item, in groups that share their clusters.

    Parameters
    ----------
    frame : polars.DataFrame
        As for `PredictorScores`, with the column `group`.
    rule : ScoringRule
        Grouped; its means are over `group`.
    published : callable
        As for `PredictorScores`.
    further : callable
        Makes more rows of the items with an answer and the drawing of their clusters.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        rule: ScoringRule,
        published: Callable[[], list[MetricRow]] = list,
        further: Callable[[pl.DataFrame, Drawing], Iterable[MetricRow]] = lambda *_: (),
    ) -> None:
        super().__init__(frame, rule, published)
        self._further = further
        self._groups = frame["group"].unique(maintain_order=True).to_list()

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute means, groups, what else there is, and what a peer publishes, in this order."""
        answered = self._answered(self.frame)
        drawing = Drawing.of(answered, asking.seed)
        facets = self._facets(answered)
        means: list[MetricRow] = []
        groups: list[MetricRow] = []
        for name in self._rule.metrics:
            found = [facet_row(name, facet, drawing, self._rule.cluster) for facet in facets]
            groups += found
            means.append(self._mean_row(name, found, answered, drawing))
        return [*means, *groups, *self._further(answered, drawing), *self._published()]

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Compute the mean of the first metric on some of the items; those of a model are kept."""
        key = asking.seed, np.packbits(shared.to_numpy()).tobytes()
        if key not in self._headlines:
            items = self._answered(self.frame.filter(shared))
            drawing = Drawing.of(items, asking.seed)
            self._headlines[key] = self._mean(self._rule.metrics[0], self._facets(items), drawing)
        return self._headlines[key]

    def part(self, asking: Asking, chosen: pl.Series) -> tuple[Headline, int]:
        """Compute the mean of the first metric on a part; the clusters of all are drawn.

        It is over the groups that the part has.
        """
        answered = self._answered(self.frame)
        items = self._answered(self.frame.filter(chosen))
        drawing = Drawing.of(answered, asking.seed)
        n_clusters = items["cluster"].n_unique()
        there = groups_with_value(items, metric(self._rule.metrics[0]), "group")
        facets = [facet for facet in self._facets(items) if facet.group in there]
        return self._mean(self._rule.metrics[0], facets, drawing), n_clusters

    def groups_of(self, chosen: pl.Series) -> GroupsOfPart:
        """Tell which groups a part of the items has."""
        return groups_of(self.frame, chosen, self._rule, "group")

    @staticmethod
    def _answered(items: pl.DataFrame) -> pl.DataFrame:
        return items.filter(pl.col("value").is_not_null())

    def _facets(self, items: pl.DataFrame) -> list[Facet]:
        asked = dict(self.frame["group"].value_counts().iter_rows())
        return [
            Facet(group, items.filter(pl.col("group") == group), asked=asked[group])
            for group in self._groups
        ]

    def _mean(self, name: str, facets: list[Facet], drawing: Drawing) -> Headline:
        measure = metric(name)
        clusters = len(drawing.numbers)
        values = [value for facet in facets if (value := facet.value(measure)[0]) is not None]
        if not values or len(values) < len(facets):
            return Headline.undefined(clusters=clusters)
        drawn = np.mean([drawing.metric(measure, facet.items) for facet in facets], axis=0)
        return Headline.of(float(np.mean(values)), drawn, clusters)

    def _mean_row(
        self, name: str, rows: list[MetricRow], answered: pl.DataFrame, drawing: Drawing
    ) -> MetricRow:
        mean = self._mean(name, self._facets(answered), drawing)
        reason = found = None
        if mean.value is None:
            undefined = [row for row in rows if row.value is None]
            told = f" ('{undefined[0].group}': {undefined[0].reason_if_null})" if undefined else ""
            reason = f"undefined in {len(undefined)} of {len(rows)} groups{told}"
        else:
            found = interval(name, mean.value, mean.drawn, mean.clusters, items=answered.height)
        return MetricRow(
            name=f"mean_{name}",
            group=None,
            value=mean.value,
            reason_if_null=reason,
            interval=found,
            method=method(name, REPLICATES, self._rule.cluster),
            n=answered.height,
            n_clusters=mean.clusters,
        )


def facet_row(name: str, facet: Facet, drawing: Drawing, over: str) -> MetricRow:
    """Make the row of a metric of some of the answers.

    Parameters
    ----------
    name : str
        Of a metric.
    facet : Facet
    drawing : Drawing
        Its clusters hold those of the facet.
    over : str
        What a cluster is, in the plural, for people.
    """
    measure = metric(name)
    clusters = facet.items["cluster"].n_unique()
    value, reason = facet.value(measure)
    found = None
    if value is not None:
        drawn = drawing.metric(measure, facet.items)
        found = interval(name, value, drawn, clusters, items=facet.items.height)
    return MetricRow(
        name=facet.prefix + name,
        group=facet.group,
        value=value,
        reason_if_null=reason,
        interval=found,
        method=method(name, REPLICATES, over),
        n=facet.items.height,
        n_clusters=clusters,
    )


def with_answers(items: pl.DataFrame, predictions: Path) -> pl.DataFrame:
    """Set predictions, as kept in a file, beside the items that were asked.

    Returns
    -------
    polars.DataFrame
        `items` with `value` (null where there is no answer) and `reason`.
    """
    return items.join(
        pl.read_parquet(predictions).select("item_id", "task", "value", "reason"),
        on=["item_id", "task"],
        how="left",
        maintain_order="left",
        validate="1:1",
    )
