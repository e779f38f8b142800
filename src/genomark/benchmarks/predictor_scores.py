"""Points that a model predicted beside the truth, and the numbers that come of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.scored import ITEM_COLUMNS, GroupsOfPart, Scored
from genomark.scoring import (
    Headline,
    MetricRow,
    ScoringRule,
    groups_with_value,
    headline_replicates,
    metric,
    part_replicates,
    score,
)


class PredictorScores(Scored):
    """One model's answers, a point an item.

    Parameters
    ----------
    frame : polars.DataFrame
        What `genomark.scoring.score` takes, with `item_id` and `reason`.
    rule : ScoringRule
    published : callable, optional
        Gives the rows that stand beside those of the rule, as the peer's own evaluator makes them.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        rule: ScoringRule,
        published: Callable[[], list[MetricRow]] = list,
    ) -> None:
        self.frame = frame
        self._rule = rule
        self._published = published
        self._headlines: dict[tuple[int, bytes], Headline] = {}

    @property
    def reasons(self) -> pl.Series:
        """Why an item has no answer."""
        return self.frame["reason"]

    @cached_property
    def answered(self) -> pl.Series:
        """Whether an item has an answer."""
        return self.frame["value"].is_not_null()

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every row of the rule, then those a peer publishes."""
        rows = score(self.frame, self._rule, seed=asking.seed, threads=asking.threads)
        return [*rows, *self._published()]

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Compute the first metric of the rule on some of the items; those of a model are kept."""
        key = asking.seed, np.packbits(shared.to_numpy()).tobytes()
        if key not in self._headlines:
            frame = self.frame.filter(shared)
            self._headlines[key] = headline_replicates(
                frame, self._rule, seed=asking.seed, threads=asking.threads
            )
        return self._headlines[key]

    def part(self, asking: Asking, chosen: pl.Series) -> tuple[Headline, int]:
        """Compute the first metric of the rule on a part; the clusters of all are drawn."""
        return part_replicates(
            self.frame, chosen, self._rule, seed=asking.seed, threads=asking.threads
        )

    def groups_of(self, chosen: pl.Series) -> GroupsOfPart | None:
        """Tell which groups a part of the items has; None where nothing is grouped."""
        if not self._rule.grouped:
            return None
        return groups_of(self.frame, chosen, self._rule, "task")

    def items(self) -> pl.DataFrame:
        """Give truth and prediction of each item."""
        return self.frame.select(
            "item_id",
            pl.col("task").alias("group"),
            pl.col("truth").cast(pl.Float64),
            pl.col("value").cast(pl.Float64),
            pl.lit(None, dtype=pl.String).alias("said"),
        ).select(list(ITEM_COLUMNS))


def groups_of(
    frame: pl.DataFrame, chosen: pl.Series, rule: ScoringRule, group: str
) -> GroupsOfPart:
    """Tell which groups of a column a part of the answered items has."""
    part = frame.filter(chosen & frame["value"].is_not_null())
    there = groups_with_value(part, metric(rule.metrics[0]), group)
    return GroupsOfPart(frame[group].is_in(there), len(there), part[group].n_unique())
