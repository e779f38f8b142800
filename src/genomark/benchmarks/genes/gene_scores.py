"""Predictions of a probe beside the truth, and the numbers that come of them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.genes.question import cluster_numbers
from genomark.benchmarks.scored import Scored, item_table
from genomark.genes import GeneTask
from genomark.scoring import Headline, LabelAnswers, MetricRow, judge_labels


class GeneScores(Scored):
    """One model's answers on one task; read from their file when they are needed.

    Parameters
    ----------
    predictions : Path
    task : GeneTask
        The rows that were asked.
    """

    def __init__(self, predictions: Path, task: GeneTask) -> None:
        self._path = predictions
        self._task = task
        self._headlines: dict[bytes, Headline] = {}

    @cached_property
    def reasons(self) -> pl.Series:
        """Why a row has no answer, one a row of the task."""
        return self._frame["reason"].head(len(self._task))

    @cached_property
    def _frame(self) -> pl.DataFrame:
        """What is in the file; let go of once numbers have come of it."""
        return pl.read_parquet(self._path, columns=["repeat", "fold", "value", "reason"])

    @cached_property
    def answered(self) -> pl.Series:
        """Whether each row of the task has an answer."""
        return self.reasons.is_null()

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every metric; the headline is kept for comparisons."""
        rows, headline = self._judge(self.answered.to_numpy(), asking)
        self._headlines[self._key(self.answered)] = headline
        return rows

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Give the headline metric and its replicates on some of the rows that have an answer."""
        key = self._key(shared)
        if key not in self._headlines:
            _, self._headlines[key] = self._judge(shared.to_numpy(), asking)
        return self._headlines[key]

    def items(self) -> pl.DataFrame:
        """Give truth and mean answer of each row and label."""
        frame = pl.read_parquet(self._path, columns=["item_id", "value"])
        n, width = len(self._task), len(self._task.labels)
        ids = frame["item_id"].head(n).to_list()
        values = frame["value"].explode().to_numpy().reshape(-1, n * width)
        return item_table(ids, self._task.labels, self._task.targets, values.mean(axis=0))

    @staticmethod
    def _key(chosen: pl.Series) -> bytes:
        return np.packbits(chosen.to_numpy()).tobytes()

    def _judge(self, chosen: NDArray[np.bool_], asking: Asking) -> tuple[list[MetricRow], Headline]:
        answers = self._answers(chosen)
        del self._frame
        return judge_labels(answers, seed=asking.seed, threads=asking.threads)

    def _answers(self, chosen: NDArray[np.bool_]) -> LabelAnswers:
        """Put the answers of all repeats one below the other, folds numbered on."""
        frame = self._frame
        repeats = frame.height // len(self._task)
        kept = np.tile(chosen, repeats)
        frame = frame.filter(pl.Series(kept))
        task = self._task
        width = len(task.labels)
        folds = frame["fold"].to_numpy().astype(np.int64)
        folds += frame["repeat"].to_numpy().astype(np.int64) * (int(folds.max(initial=0)) + 1)
        clusters = cluster_numbers(task)[chosen]
        numbers = np.unique(clusters, return_inverse=True)[1].reshape(clusters.shape)
        return LabelAnswers(
            kind=task.kind,
            labels=task.labels,
            scores=frame["value"].explode().to_numpy().reshape(-1, width),
            truth=np.tile(task.targets[chosen], (repeats, 1)),
            folds=np.unique(folds, return_inverse=True)[1].astype(np.int64),
            clusters=np.tile(numbers, (repeats,) + (1,) * (clusters.ndim - 1)).astype(np.int64),
        )
