"""Answers to a task on labelled sequences beside the truth, and the numbers that come of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.scored import Scored, item_table
from genomark.scoring import Headline, MetricRow, TaskAnswers, judge_task
from genomark.sequences import (
    KINDS_OF_PAIRS,
    KINDS_OF_POSITIONS,
    KINDS_OF_SEQUENCES,
    LabelledSequences,
)

#: Group of rows that leave out what the training part knows.
WITHOUT_DUPLICATES = "without duplicates of training sequences"


class SequenceScores(Scored):
    """One model's answers to the test sequences; read from their file when they are needed.

    Parameters
    ----------
    predictions : Path
    test : LabelledSequences
        What was asked.
    headlines : tuple of str
    known : ndarray of bool, shape (n,), or None
        Which test sequences have a duplicate among the training ones.
    """

    _columns: ClassVar[tuple[str, ...]] = ("fit", "value", "reason")

    def __init__(
        self,
        predictions: Path,
        test: LabelledSequences,
        headlines: tuple[str, ...],
        known: NDArray[np.bool_] | None,
    ) -> None:
        self._path = predictions
        self._test = test
        self._headlines = headlines
        self._known = known
        self._judged: dict[bytes, tuple[list[MetricRow], Headline]] = {}

    @cached_property
    def _frame(self) -> pl.DataFrame:
        return pl.read_parquet(self._path, columns=list(self._columns))

    @cached_property
    def reasons(self) -> pl.Series:
        """Why a sequence has no answer, one a sequence."""
        return self._frame["reason"].head(len(self._test))

    @cached_property
    def answered(self) -> pl.Series:
        """Whether each sequence has an answer in every fit."""
        n = len(self._test)
        values = self._frame["value"].is_not_null().to_numpy().reshape(-1, n)
        return pl.Series(values.all(axis=0))

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every metric; where there are duplicates, the headlines without them too."""
        everything = self.answered.to_numpy()
        rows, _ = self._judge(everything, asking)
        known = self._known
        if known is None or not (everything & known).any() or not (everything & ~known).any():
            return rows
        fewer, _ = self._judge(everything & ~known, asking)
        without = [row for row in fewer if row.group is None and row.name in self._headlines]
        return [
            *rows,
            *(_grouped(row, WITHOUT_DUPLICATES) for row in without),
        ]

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Give the headline metric and its replicates on some of the sequences."""
        return self._judge(shared.to_numpy(), asking)[1]

    def part(self, asking: Asking, chosen: pl.Series) -> tuple[Headline, int]:
        """Give the headline metric on a part of the sequences; the clusters of all are drawn."""
        compared = np.flatnonzero(self.compared.to_numpy())
        rows = np.flatnonzero(self.compared.to_numpy() & chosen.to_numpy())
        numbers = clusters_of(self._test.take(compared))
        clusters = numbers[np.searchsorted(compared, rows)]
        if not rows.size:
            return Headline.undefined(), 0
        answers = replace(
            self._beside_truth(rows), clusters=clusters, n_clusters=int(numbers.max()) + 1
        )
        _, headline = judge_task(
            answers,
            self._headlines,
            seed=asking.seed,
            cluster=self._cluster,
            threads=asking.threads,
        )
        return headline, np.unique(clusters).size

    def items(self) -> pl.DataFrame | None:
        """Give truth and mean answer of each sequence and label; None of tasks on positions."""
        if self._test.kind not in KINDS_OF_SEQUENCES:
            return None
        n, width = len(self._test), len(self._test.labels)
        values = np.full((self._fits, n, width), np.nan)
        rows = np.flatnonzero(self.answered.to_numpy())
        for number in range(self._fits):
            values[number, rows] = self._answers(number, rows)
        targets = np.asarray(self._test.targets)
        return item_table(self._test.ids, self._test.labels, targets, values.mean(axis=0))

    def _judge(self, chosen: NDArray[np.bool_], asking: Asking) -> tuple[list[MetricRow], Headline]:
        key = np.packbits(chosen).tobytes()
        if key not in self._judged:
            self._judged[key] = self._compute(chosen, asking)
        return self._judged[key]

    def _compute(
        self, chosen: NDArray[np.bool_], asking: Asking
    ) -> tuple[list[MetricRow], Headline]:
        return judge_task(
            self._beside_truth(np.flatnonzero(chosen)),
            self._headlines,
            seed=asking.seed,
            cluster=self._cluster,
            threads=asking.threads,
        )

    def _beside_truth(self, rows: NDArray[np.int64]) -> TaskAnswers:
        test = self._test.take(rows)
        return TaskAnswers(
            kind=test.kind,
            labels=test.labels,
            answers=tuple(self._answers(number, rows) for number in range(self._fits)),
            truth=test.targets,
            clusters=clusters_of(test),
        )

    @property
    def _cluster(self) -> str:
        """What is drawn together, in the plural."""
        return "sequences" if self._test.groups is None else "groups of sequences"

    @property
    def _fits(self) -> int:
        return self._frame.height // max(1, len(self._test))

    def _answers(self, fit: int, rows: NDArray[np.int64]) -> Any:
        n = len(self._test)
        values = self._frame["value"].slice(fit * n, n)[rows.tolist()]
        width = len(self._test.labels)
        if self._test.kind in KINDS_OF_SEQUENCES:
            return values.explode().to_numpy().reshape(-1, width)
        sequences = [self._test.sequences[row] for row in rows]
        return shaped(self._test.kind, sequences, values, width)


def shaped(
    kind: str, sequences: Sequence[str], values: pl.Series, width: int
) -> list[NDArray[np.float32]]:
    """Give flat answers the shape of their sequences."""
    found = []
    for sequence, value in zip(sequences, values, strict=True):
        sides = 2 if kind in KINDS_OF_PAIRS else 1
        assert kind in KINDS_OF_POSITIONS or sides == 2
        found.append(value.to_numpy().reshape((len(sequence),) * sides + (width,)))
    return found


def clusters_of(test: LabelledSequences) -> NDArray[np.int64]:
    """Number what is drawn together: groups, or sequences that are the same."""
    names = test.groups if test.groups is not None else test.sequences
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _grouped(row: MetricRow, group: str) -> MetricRow:
    return MetricRow(
        name=row.name,
        group=group,
        value=row.value,
        reason_if_null=row.reason_if_null,
        interval=row.interval,
        method=row.method,
        n=row.n,
        n_clusters=row.n_clusters,
    )
