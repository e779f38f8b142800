"""Answers to a task of GUANinE beside the truth, and the numbers that come of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.guanine.options import SHARES, GuanineOptions
from genomark.benchmarks.guanine.split_rows import SplitRows
from genomark.benchmarks.scored import Scored, item_table
from genomark.benchmarks.sequences.sequence_scores import WITHOUT_DUPLICATES, clusters_of
from genomark.scoring import (
    REPLICATES,
    Headline,
    MetricRow,
    TaskAnswers,
    judge_task,
)
from genomark.scoring.intervals import interval, method
from genomark.scoring.label_replicates import label_means
from genomark.scoring.ordinal import (
    OrdinalReplicates,
    jittered_spearman,
    ordinal_replicates,
    tie_fraction,
)
from genomark.scoring.task_scores import FIT_STREAM

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: The metric of the published tables, and the mean of it over several labels.
SCORE, MEAN_SCORE = "spearman_x100", "mean_spearman_x100"
#: What a binary task is judged by too.
_BINARY = ("auroc", "average_precision", "mcc")
#: Chromosomes, or steps of GC content, with fewer sequences are no group.
_SMALLEST_GROUP = 100
_GC_STEPS = 10
#: Of which ranks can be correlated.
_FEWEST = 3
_IMPUTED = "no finite number; the mean prediction stands in"
_HIDDEN = "labels are hidden: submit the predictions"


@dataclass(frozen=True)
class _Label:
    """What one label is judged on: some rows, the same for all fits."""

    name: str
    rows: NDArray[np.int64]
    truth: Floats
    gc: Floats
    clusters: NDArray[np.int64]


class GuanineScores(Scored):
    """One model's answers; read from their file when they are needed.

    Parameters
    ----------
    predictions : Path
    asked : SplitRows
    options : GuanineOptions
    stages : tuple of str
        What each fit is fitted on, by its number.
    headlines : tuple of str
    known : ndarray of bool, shape (n,), or None
        Which sequences have a near copy in the train split.
    """

    def __init__(
        self,
        predictions: Path,
        asked: SplitRows,
        options: GuanineOptions,
        stages: tuple[str, ...],
        headlines: tuple[str, ...],
        known: Flags | None = None,
    ) -> None:
        self._path = predictions
        self._asked = asked
        self._options = options
        self._named = stages
        self._headlines = headlines
        self._known = known
        self._several = len(asked.labelled.labels) > 1

    @cached_property
    def _frame(self) -> pl.DataFrame:
        return pl.read_parquet(self._path, columns=["fit", "value", "missing"])

    @cached_property
    def _stages(self) -> dict[str, list[int]]:
        """Numbers of the fits that answered, by what they were fitted on."""
        numbers = self._frame["fit"].unique().sort().to_list()
        stages: dict[str, list[int]] = {}
        for number in numbers:
            stages.setdefault(self._named[number], []).append(number)
        return stages

    @property
    def _last(self) -> list[int]:
        """The fits that were fitted on most."""
        return list(self._stages.values())[-1]

    @cached_property
    def answered(self) -> pl.Series:
        """Whether each sequence has an answer to all that was asked of it, in every fit."""
        every = [(self._of_fit(number)["missing"] == 0).to_numpy() for number in self._last]
        return pl.Series(np.logical_and.reduce(every))

    @property
    def reasons(self) -> pl.Series:
        """Why a sequence has no answer, one a sequence."""
        told = pl.when(self.answered).then(None).otherwise(pl.lit(_IMPUTED))
        return pl.select(told.alias("reason"))["reason"]

    def _of_fit(self, number: int) -> pl.DataFrame:
        return self._frame.filter(pl.col("fit") == number)

    def _answers(self, number: int) -> Floats:
        """Answers of a fit, float64[n, n_labels]."""
        width = len(self._asked.labelled.labels)
        return self._of_fit(number)["value"].explode().to_numpy().astype(float).reshape(-1, width)

    @cached_property
    def _labels(self) -> list[_Label]:
        labelled = self._asked.labelled
        truth = np.asarray(labelled.targets)
        found = []
        for number, name in enumerate(labelled.labels):
            rows = np.flatnonzero(~np.isnan(truth[:, number]))
            gc = self._asked.gc[rows]
            found.append(_Label(name, rows, truth[rows, number], gc, self._clusters[rows]))
        return found

    @cached_property
    def _clusters(self) -> NDArray[np.int64]:
        return clusters_of(self._asked.labelled)

    @cached_property
    def _n_clusters(self) -> int:
        return int(self._clusters.max()) + 1

    @property
    def compared(self) -> pl.Series:
        """Every sequence: what has no answer is imputed."""
        return pl.repeat(True, len(self._asked.labelled), eager=True)

    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Give the headline metric on all sequences and its replicates."""
        if self._asked.hidden:
            return Headline.undefined()
        columns = self._score(self._last, asking)
        return Headline.of(columns[0], columns[1:], self._n_clusters)

    def part(self, asking: Asking, chosen: pl.Series) -> tuple[Headline, int]:
        """Give the headline metric on a part of the sequences; the clusters of all are drawn."""
        flags = chosen.to_numpy()
        if self._asked.hidden or not flags.any():
            return Headline.undefined(), 0
        columns = self._score_of(flags, asking)
        there = np.unique(self._clusters[flags]).size
        return Headline.of(columns[0], columns[1:], self._n_clusters), there

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every metric."""
        if self._asked.hidden:
            return [self._row(name, None, reason=_HIDDEN) for name in self._headlines]
        rows = [*self._whole(asking), *self._binary(asking), *self._descriptive()]
        if self._several:
            rows += [
                self._row(SCORE, columns, label.name, label.rows)
                for label, columns in zip(
                    self._labels, self._by_label(self._last, asking, "score"), strict=True
                )
            ]
        rows += [*self._without_known(asking), *self._curve(asking)]
        if not self._several:
            rows += [*self._by_class(asking), *self._by_group(asking)]
        first = {name: number for number, name in enumerate(self._headlines)}
        return sorted(
            rows, key=lambda row: first.get(row.name, len(first)) if row.group is None else 99
        )

    def items(self) -> pl.DataFrame | None:
        """Give truth and mean answer of each sequence and label; None of hidden labels."""
        if self._asked.hidden:
            return None
        labelled = self._asked.labelled
        values = np.mean([self._answers(number) for number in self._last], axis=0)
        return item_table(labelled.ids, labelled.labels, np.asarray(labelled.targets), values)

    def _whole(self, asking: Asking) -> Iterator[MetricRow]:
        mean = "mean_" if self._several else ""
        columns = self._score(self._last, asking)
        yield self._row(mean + SCORE, columns)
        for name in ("spearman_of_ceiling", "gc_partial_spearman"):
            found = np.mean(self._by_label(self._last, asking, name), axis=0)
            yield self._row(mean + name, found)
        if self._options.jitter:
            yield self._row(f"{mean}{SCORE}_jittered", self._jittered(asking))

    def _score(self, fits: list[int], asking: Asking) -> Floats:
        """Columns of the mean over labels."""
        mean: Floats = np.stack(self._by_label(fits, asking, "score")).mean(axis=0)
        return mean

    def _by_label(self, fits: list[int], asking: Asking, name: str) -> list[Floats]:
        """Columns of one statistic for each label, averaged over fits, which are drawn too."""
        return [
            label_means(
                np.stack(
                    [_statistic(self._replicates(number, place, asking), name) for number in fits]
                ),
                asking.seed ^ FIT_STREAM,
            )
            for place in range(len(self._labels))
        ]

    def _replicates(self, number: int, place: int, asking: Asking) -> OrdinalReplicates:
        key = number, place
        if key not in self._found:
            label = self._labels[place]
            self._found[key] = ordinal_replicates(
                self._answers(number)[label.rows, place],
                label.truth,
                label.clusters,
                seed=asking.seed,
                gc=label.gc if number in self._last else None,
                n_clusters=self._n_clusters,
                threads=asking.threads,
            )
        return self._found[key]

    @cached_property
    def _found(self) -> dict[tuple[int, int], OrdinalReplicates]:
        return {}

    def _jittered(self, asking: Asking) -> Floats:
        found = [
            jittered_spearman(
                self._answers(self._last[0])[label.rows, place],
                label.truth,
                label.clusters,
                runs=self._options.jitter,
                seed=asking.seed,
                n_clusters=self._n_clusters,
                threads=asking.threads,
            )
            for place, label in enumerate(self._labels)
        ]
        mean: Floats = 100.0 * np.stack(found).mean(axis=0)
        return mean

    def _binary(self, asking: Asking) -> Iterator[MetricRow]:
        """AUROC, average precision, and MCC where as many are called positive as there are."""
        if self._asked.labelled.kind != "binary":
            return
        (label,) = self._labels
        positive = round(float(label.truth.sum()))
        answers = []
        for number in self._last:
            values = self._answers(number)[label.rows]
            # Above 0 says yes: the threshold between the last called positive and the next.
            ordered = np.sort(values[:, 0])[::-1]
            between = (ordered[max(positive - 1, 0)] + ordered[min(positive, len(ordered) - 1)]) / 2
            answers.append(values - between)
        rows, _ = judge_task(
            TaskAnswers(
                "binary",
                self._asked.labelled.labels,
                tuple(answers),
                label.truth[:, np.newaxis],
                np.unique(label.clusters, return_inverse=True)[1],
            ),
            _BINARY,
            seed=asking.seed,
            cluster=self._drawn,
            threads=asking.threads,
        )
        yield from (row for row in rows if row.name in _BINARY and row.group is None)

    def _descriptive(self) -> Iterator[MetricRow]:
        """What is told without an interval: ties, and what was imputed."""
        answers = self._answers(self._last[0])
        ties = [
            tie_fraction(answers[label.rows, place]) for place, label in enumerate(self._labels)
        ]
        yield self._row("tie_fraction", np.array([float(np.mean(ties))]))
        missing = int(self._of_fit(self._last[0])["missing"].sum())
        if missing:
            share = missing / int(self._asked.asked.sum())
            yield self._row("imputed_fraction", np.array([share]))

    def _without_known(self, asking: Asking) -> Iterator[MetricRow]:
        """The headline without what has a near copy in the train split."""
        if self._known is None or not self._known.any() or self._known.all():
            return
        columns = self._score_of(~self._known, asking)
        rows = np.flatnonzero(~self._known)
        yield self._row(self._headlines[0], columns, WITHOUT_DUPLICATES, rows)

    def _score_of(self, part: Flags, asking: Asking) -> Floats:
        """Columns of the mean over labels of a part of the sequences."""
        by_label = []
        for place, label in enumerate(self._labels):
            chosen = part[label.rows]
            if chosen.sum() < _FEWEST:
                by_label.append(np.full(REPLICATES + 1, np.nan))
                continue
            by_fit = [
                ordinal_replicates(
                    self._answers(number)[label.rows[chosen], place],
                    label.truth[chosen],
                    label.clusters[chosen],
                    seed=asking.seed,
                    n_clusters=self._n_clusters,
                    threads=asking.threads,
                ).spearman
                for number in self._last
            ]
            by_label.append(label_means(np.stack(by_fit), asking.seed ^ FIT_STREAM))
        mean: Floats = 100.0 * np.stack(by_label).mean(axis=0)
        return mean

    def _curve(self, asking: Asking) -> Iterator[MetricRow]:
        """The headline for each part of the train split, where a model was fitted to several."""
        for stage, fits in self._stages.items():
            if len(self._stages) > 1:
                yield self._row(
                    self._headlines[0],
                    self._score(fits, asking),
                    f"fitted on {100 * SHARES[stage]:g} % of train",
                )

    def _by_class(self, asking: Asking) -> Iterator[MetricRow]:
        """How each class is placed among all predictions, and told from those below it."""
        found = self._replicates(self._last[0], 0, asking)
        if found.values.size <= 2:
            return
        (label,) = self._labels
        for number, value in enumerate(found.values):
            rows = label.rows[label.truth == value]
            yield self._row("mean_percentile", found.percentiles[:, number], f"y = {value:g}", rows)
        for number, value in enumerate(found.values[1:]):
            yield self._row("auroc", found.auroc_from[:, number], f"y >= {value:g}")

    def _by_group(self, asking: Asking) -> Iterator[MetricRow]:
        """The headline on each chromosome, and on each step of GC content."""
        (label,) = self._labels
        answers = self._answers(self._last[0])[label.rows, 0]
        for group, chosen in self._groups(label).items():
            found = ordinal_replicates(
                answers[chosen],
                label.truth[chosen],
                label.clusters[chosen],
                seed=asking.seed,
                n_clusters=self._n_clusters,
                threads=asking.threads,
            )
            yield self._row(SCORE, 100.0 * found.spearman, group, label.rows[chosen])

    def _groups(self, label: _Label) -> Mapping[str, Flags]:
        groups: dict[str, Flags] = {}
        if self._asked.chromosomes is not None:
            names = np.array(self._asked.chromosomes)[label.rows]
            groups = {f"chromosome {name}": names == name for name in sorted(set(names.tolist()))}
        if len(groups) == 1:
            groups = {}
        edges = np.quantile(label.gc, np.linspace(0, 1, _GC_STEPS + 1)[1:-1])
        steps = np.searchsorted(edges, label.gc, side="right")
        for step in range(_GC_STEPS):
            chosen = steps == step
            if chosen.any():
                low, high = 100 * label.gc[chosen].min(), 100 * label.gc[chosen].max()
                groups[f"GC decile {step + 1} ({low:.1f} to {high:.1f} %)"] = chosen
        return {name: each for name, each in groups.items() if each.sum() >= _SMALLEST_GROUP}

    @property
    def _drawn(self) -> str:
        return "stretches of 100 kb" if self._asked.labelled.groups is not None else "sequences"

    def _row(
        self,
        name: str,
        columns: Floats | None,
        group: str | None = None,
        rows: NDArray[np.int64] | None = None,
        reason: str | None = None,
    ) -> MetricRow:
        """Make a row; a single column has no interval."""
        if rows is None:
            told = ~np.isnan(np.asarray(self._asked.labelled.targets)).all(axis=1)
            rows = np.arange(len(told)) if self._asked.hidden else np.flatnonzero(told)
        clusters = np.unique(self._clusters[rows]).size
        value = None if columns is None or not np.isfinite(columns[0]) else float(columns[0])
        described = columns is None or columns.size == 1
        over = self._drawn + (f" and {len(self._last)} fits" if len(self._last) > 1 else "")
        found = None
        if columns is not None and value is not None and not described:
            found = interval(name, value, columns[1:], clusters, items=len(rows))
        return MetricRow(
            name=name,
            group=group,
            value=value,
            reason_if_null=None if value is not None else reason or "undefined",
            interval=found,
            method="counted" if described else method(name, REPLICATES, over),
            n=len(rows),
            n_clusters=clusters,
        )


def _statistic(found: OrdinalReplicates, name: str) -> Floats:
    """Columns of one statistic."""
    if name == "score":
        return 100.0 * found.spearman
    if name == "spearman_of_ceiling":
        return found.of_ceiling
    assert found.gc_partial is not None
    return found.gc_partial
