"""Models over many columns: mean ranks, wins, scaled scores, and who is apart from whom."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genomark.leaderboard.column_scores import NEGATIVE, POSITIVE
from genomark.leaderboard.snapshot import BoardColumn, Model
from genomark.leaderboard.suites import family_of
from genomark.leaderboard.views import Interval
from genomark.scoring.across import (
    Means,
    PairwiseRanks,
    ScaledScores,
    ScoreTable,
    SignedRanks,
    WinRates,
    holm,
    mean_scaled,
    pairwise_ranks,
    scaled_scores,
    signed_ranks,
    win_rates,
)
from genomark.scoring.across.groups import runs
from genomark.scoring.intervals import percentile_levels
from genomark.scoring.pair_matrix import LEVELS

Floats = NDArray[np.float64]

#: Of the draws of families of tasks; the same for every board.
SEED = 0
ALPHA = 0.05


class Across:
    """Ranked models over columns; what is asked for is computed once.

    Parameters
    ----------
    columns : sequence of BoardColumn
    standing : str, optional
        Only results of this standing, ranked among themselves.
    models : sequence of (str, str), optional
        Only these.

    Attributes
    ----------
    columns : list of BoardColumn
        Those whose metric is known.
    models : list of (str, str)
        Owner and id of those with a ranked result in any of them.
    table : ScoreTable
        Of these models (rows) and columns.
    """

    def __init__(
        self,
        columns: Sequence[BoardColumn],
        standing: str | None = None,
        models: Sequence[Model] | None = None,
    ) -> None:
        self.columns = [each for each in columns if each.scores.better is not None]
        chosen = [each.scores.chosen(standing) for each in self.columns]
        self.models: list[Model] = list(
            dict.fromkeys(
                model
                for column, ranked in zip(self.columns, chosen, strict=True)
                for model, place in column.models.items()
                if ranked[place] and (models is None or model in models)
            )
        )
        self._rows = {model: row for row, model in enumerate(self.models)}
        values = np.full((len(self.models), len(self.columns)), np.nan)
        for number, (column, ranked) in enumerate(zip(self.columns, chosen, strict=True)):
            for model, place in column.models.items():
                if model in self._rows and ranked[place]:
                    values[self._rows[model], number] = column.scores.values[place]
        self.table = ScoreTable(
            values,
            [each.scores.better or "higher" for each in self.columns],
            [family_of(each.view.id) for each in self.columns],
        )

    def row(self, model: Model) -> int | None:
        """Row of a model in the arrays; None if nothing ranks it."""
        return self._rows.get(model)

    @property
    def complete(self) -> int:
        """Columns that all these models have."""
        return int(self.table.shared.sum())

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Columns of each model."""
        counts: NDArray[np.int64] = self.table.known.sum(axis=1)
        return counts

    @cached_property
    def ranks(self) -> PairwiseRanks:
        """Ranks expected from the columns that pairs share."""
        drawn: NDArray[np.bool_] = np.any(self.table.known, axis=0)
        return pairwise_ranks(self.table, seed=SEED, levels=self._levels(drawn))

    @cached_property
    def wins(self) -> WinRates:
        """Who beats whom on how many columns."""
        return win_rates(self.table)

    @cached_property
    def win_rate(self) -> Floats:
        """Share of pairs (another model, a column of both) that each wins, ties half."""
        tasks = self.wins.tasks.sum(axis=1)
        won = self.wins.wins.sum(axis=1)
        equal = tasks - won - self.wins.losses.sum(axis=1)
        rate = np.full(len(self.models), np.nan)
        np.divide(won + equal / 2, tasks, out=rate, where=tasks > 0)
        return rate

    @cached_property
    def tests(self) -> tuple[SignedRanks, Floats]:
        """Test of each pair over the columns both have, and p-values adjusted for all pairs."""
        tests = signed_ranks(self.table)
        return tests, holm(tests.p)

    @cached_property
    def cliques(self) -> list[list[int]]:
        """Rows of the longest runs, in the order of ranks, of which no two are told apart."""
        order = np.argsort(self.ranks.mean, kind="stable")
        alike = ~(self.tests[1] < ALPHA)[np.ix_(order, order)]
        return [order[first : last + 1].tolist() for first, last in runs(alike)]

    @cached_property
    def scaled(self) -> ScaledScores:
        """Scores between the controls that the board's keeper ran."""
        return scaled_scores(
            self.table,
            [each.scores.control(NEGATIVE) for each in self.columns],
            [each.scores.control(POSITIVE) for each in self.columns],
        )

    @cached_property
    def mean_scaled(self) -> Means:
        """Mean of scaled scores over the columns that all have and that can be scaled."""
        drawn = np.isfinite(self.scaled.values).all(axis=0) & self.table.shared
        return mean_scaled(self.table, self.scaled, seed=SEED, levels=self._levels(drawn))

    def _levels(self, drawn: NDArray[np.bool_]) -> tuple[float, float]:
        """Quantiles that are the ends of intervals where the families of some columns are drawn."""
        families = len(set(self.table.family_numbers(drawn).tolist()))
        return percentile_levels(families) if families > 1 else LEVELS

    def mean_rank(self, row: int) -> Interval | None:
        """Expected rank of a model; None if it shares no column with another."""
        found = self.ranks
        return interval(found.mean[row], found.low[row], found.high[row])

    def mean_scaled_of(self, row: int) -> Interval | None:
        """Mean of the scaled scores of a model."""
        found = self.mean_scaled
        return interval(found.mean[row], found.low[row], found.high[row])


def interval(value: float, low: float, high: float) -> Interval | None:
    """Write numbers as a view has them: what is undefined is null."""
    if not np.isfinite(value):
        return None
    return Interval(float(value), number(low), number(high))


def number(value: float) -> float | None:
    """Give a number, or None for what is undefined."""
    return float(value) if np.isfinite(value) else None
