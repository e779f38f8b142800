"""What a designer gave, as numbers with intervals over puzzles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.rna.eterna100 import Puzzle
from genomark.benchmarks.scored import Scored, item_table
from genomark.scoring import Headline, MetricRow
from genomark.scoring.drawn_rows import DrawnRows

SOLVED = "solved"
SOLVED_WITHIN_60S = "solved_within_60s"
MEDIAN_SECONDS = "median_seconds"
MEAN_ENSEMBLE_DEFECT = "mean_ensemble_defect"
MEAN_DISTANCE = "mean_normalised_distance"

#: Seconds after which the share of solved puzzles is told, as far as there are so many.
CURVE = (1, 10, 60, 600)
_MINUTE = 60
#: Longest structure, in bases, of each group by length but the last.
LENGTHS = (50, 100, 200)
#: Distance of a puzzle for which nothing was given that counts.
_FARTHEST = 1.0

_NOT_MEASURED = "no time is known of designs that were made elsewhere"
_NONE_SOLVED = "no puzzle is solved"
_ALL_SOLVED = "every puzzle is solved"

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class DesignScores(Scored):
    """One designer's answers; read from their file when they are needed.

    Parameters
    ----------
    predictions : Path
    puzzles : sequence of Puzzle
        Those that were asked, in the order of the predictions.
    seconds : float
        For each puzzle.
    """

    def __init__(self, predictions: Path, puzzles: Sequence[Puzzle], seconds: float) -> None:
        self._path = predictions
        self._puzzles = puzzles
        self._seconds = seconds

    @cached_property
    def _frame(self) -> pl.DataFrame:
        columns = ["value", "reason", "seconds", "distance", "ensemble_defect"]
        return pl.read_parquet(self._path, columns=columns)

    @property
    def reasons(self) -> pl.Series:
        """Why nothing that was given for a puzzle counts, one a puzzle."""
        return self._frame["reason"]

    @property
    def answered(self) -> pl.Series:
        """Whether something that was given for a puzzle counts."""
        return self._frame["value"].is_not_null()

    @cached_property
    def solved(self) -> Flags:
        """Which puzzles are solved."""
        return (self._frame["value"].fill_null(0.0) > 0).to_numpy()

    @cached_property
    def _spent(self) -> Floats:
        """Seconds a puzzle, NaN where they were not measured."""
        return self._frame["seconds"].cast(pl.Float64).fill_null(np.nan).to_numpy()

    @property
    def _measured(self) -> bool:
        return bool(np.isfinite(self._spent).all())

    @cached_property
    def _distances(self) -> Floats:
        """Share of symbols that are wrong, the largest where nothing counts."""
        lengths = np.array([len(each.structure) for each in self._puzzles], dtype=np.float64)
        distances = self._frame["distance"].cast(pl.Float64).fill_null(np.nan).to_numpy() / lengths
        return np.where(self.answered.to_numpy(), distances, _FARTHEST)

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every metric; rows of groups come last."""
        table = _drawn(self._puzzles, asking.seed)
        everything = np.ones(len(self._puzzles), dtype=np.bool_)
        rows = [table.mean(SOLVED, self.solved, everything)]
        if self._seconds > _MINUTE:
            rows.append(self._solved_within(table, SOLVED_WITHIN_60S, _MINUTE))
        defects = self._frame["ensemble_defect"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        rows += [
            self._median_seconds(table),
            table.mean(MEAN_ENSEMBLE_DEFECT, defects, self.solved, reason=_NONE_SOLVED),
            table.mean(MEAN_DISTANCE, self._distances, ~self.solved, reason=_ALL_SOLVED),
        ]
        if self._measured:
            # What took longer than allowed is not solved: the last row is that of all.
            rows += [
                self._solved_within(table, SOLVED, limit, f"within {limit} s")
                for limit in CURVE
                if limit <= self._seconds
            ]
        for name, chosen in length_groups(self._puzzles).items():
            rows.append(table.mean(SOLVED, self.solved, chosen, group=name))
        return rows

    @property
    def compared(self) -> pl.Series:
        """Every puzzle: one for which nothing counts is not solved."""
        return pl.repeat(True, len(self._puzzles), eager=True)

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Give the share of solved puzzles, which are all of them, and its replicates."""
        table = _drawn(self._puzzles, asking.seed)
        return table.headline(self.solved)

    def items(self) -> pl.DataFrame:
        """Tell of each puzzle whether it is solved, and by what."""
        said = pl.read_parquet(self._path, columns=["sequence"])["sequence"]
        ids = [each.id for each in self._puzzles]
        return item_table(ids, [SOLVED], np.ones(len(ids)), self.solved, said.to_list())

    def _solved_within(
        self, table: DrawnRows, name: str, limit: float, group: str | None = None
    ) -> MetricRow:
        everything = np.ones(len(self._puzzles), dtype=np.bool_)
        if not self._measured:
            return table.row(name, None, everything, reason=_NOT_MEASURED)
        soon = self.solved if limit >= self._seconds else self.solved & (self._spent <= limit)
        return table.mean(name, soon, everything, group=group)

    def _median_seconds(self, table: DrawnRows) -> MetricRow:
        if not self.solved.any():
            return table.row(MEDIAN_SECONDS, None, self.solved, reason=_NONE_SOLVED)
        if not self._measured:
            return table.row(MEDIAN_SECONDS, None, self.solved, reason=_NOT_MEASURED)
        return table.median(MEDIAN_SECONDS, self._spent, self.solved, unit="s")


def length_groups(puzzles: Sequence[Puzzle]) -> dict[str, Flags]:
    """Tell puzzles apart by length; groups that have any."""
    lengths = np.array([len(each.structure) for each in puzzles])
    groups: dict[str, Flags] = {}
    shortest = 1
    for longest in LENGTHS:
        groups[f"length {shortest} to {longest}"] = (lengths >= shortest) & (lengths <= longest)
        shortest = longest + 1
    groups[f"length {shortest} and more"] = lengths >= shortest
    return {name: chosen for name, chosen in groups.items() if chosen.any()}


def _drawn(puzzles: Sequence[Puzzle], seed: int) -> DrawnRows:
    """Make rows: two puzzles with the same structure are one."""
    return DrawnRows([each.structure for each in puzzles], "puzzles", seed)
