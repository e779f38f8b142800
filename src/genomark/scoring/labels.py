"""From the out-of-fold answers of a probe to metric rows with intervals.

A probe tells many things of the same genes: its labels are crossed with them, not nested in them.
Genes are drawn with replacement across the whole task, and a metric that is a mean over labels
draws these too. Each metric is computed fold by fold, as folds have a fit of their own, and
averaged. `docs/design/label-scoring.md` gives forms and coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UnknownNameError, UsageError
from genomark.scoring.intervals import REPLICATES, Interval, interval, method, resting_on
from genomark.scoring.label_kernels import CLASS_METRICS, RANKED_METRICS
from genomark.scoring.label_replicates import (
    VALUE_METRICS,
    Draws,
    class_replicates,
    fold_by_fold,
    label_means,
    ranked_replicates,
    value_replicates,
)
from genomark.scoring.records import MetricRow
from genomark.scoring.score import Headline

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Kind = Literal["binary", "multi-class", "multi-label", "regression"]

#: The rows a table shows, by kind of answers; models are ranked by the first.
LABEL_HEADLINES: dict[Kind, tuple[str, ...]] = {
    "binary": RANKED_METRICS,
    "multi-class": (
        "mean_auroc",
        "mean_average_precision",
        "weighted_auroc",
        *CLASS_METRICS,
    ),
    "multi-label": (
        "mean_auroc",
        "mean_average_precision",
        "mean_balanced_accuracy",
        "weighted_balanced_accuracy",
    ),
    "regression": VALUE_METRICS,
}
#: Beyond it squares of values no longer fit a float.
_LARGEST = 1e150


@dataclass(frozen=True)
class LabelAnswers:
    """Out-of-fold answers of a probe, and the truth.

    Attributes
    ----------
    kind : {"binary", "multi-class", "multi-label", "regression"}
    labels : tuple of str
        One for ``binary`` and ``regression``.
    scores : ndarray of float32 or float64, shape (n, n_labels)
        Finite decision values, class probabilities or predicted values. The hard label is 1 above
        0; of classes it is the one with the highest score, the first among equals.
    truth : ndarray of float64, shape (n, n_labels)
        0 or 1 (one 1 a row for ``multi-class``), or finite values.
    folds : ndarray of int64, shape (n,)
        The test fold of each row, numbered from 0. In repeated cross-validation rows come again,
        with folds numbered on.
    clusters : ndarray of int64, shape (n,) or (n, 2)
        The gene of each row, or the two genes of a pair, numbered from 0 without gaps.

    Raises
    ------
    UsageError
        If arrays do not fit each other or hold anything else.
    """

    kind: Kind
    labels: tuple[str, ...]
    scores: NDArray[Any]
    truth: Floats
    folds: Integers
    clusters: Integers

    def __post_init__(self) -> None:
        """Refuse what could only be scored wrongly."""
        if self.kind not in LABEL_HEADLINES:
            raise UnknownNameError("kind of answers", self.kind, LABEL_HEADLINES)
        n, n_labels = len(self.folds), len(self.labels)
        if not n_labels or (n_labels > 1 and self.kind in ("binary", "regression")):
            expected = "one" if self.kind in ("binary", "regression") else "one or more"
            raise UsageError(f"{n_labels} labels for {self.kind} answers; expected {expected}.")
        for name, array, shapes in (
            ("scores", self.scores, [(n, n_labels)]),
            ("truth", self.truth, [(n, n_labels)]),
            ("folds", self.folds, [(n,)]),
            ("clusters", self.clusters, [(n,), (n, 2)]),
        ):
            if array.shape not in shapes:
                expected = " or ".join(str(shape) for shape in shapes)
                raise UsageError(f"The {name} have shape {array.shape}; expected {expected}.")
        self._check_values()
        self._check_numbers()

    def _check_values(self) -> None:
        for name, array in (("scores", self.scores), ("truth", self.truth)):
            if not np.isfinite(array).all():
                row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
                raise UsageError(f"The {name} must be finite numbers; those of row {row} are not.")
        if self.kind == "regression":
            return
        if not np.isin(self.truth, (0.0, 1.0)).all():
            raise UsageError(f"The truth of {self.kind} answers must be 0 or 1.")
        several = np.flatnonzero(self.truth.sum(axis=1) != 1.0)
        if self.kind == "multi-class" and several.size:
            raise UsageError(f"The truth of row {several[0]} is not one class but none or several.")

    def _check_numbers(self) -> None:
        for name, array in (("folds", self.folds), ("clusters", self.clusters)):
            if array.dtype.kind != "i" or (array.size and array.min() < 0):
                raise UsageError(f"The {name} must be whole numbers (int64) from 0.")
        n = self.clusters.size
        # The largest first: what it allows to be counted is no larger than the array itself.
        if n and (self.clusters.max() >= n or not np.bincount(self.clusters.ravel()).all()):
            raise UsageError("The clusters must be numbered from 0 without gaps.")


def score_labels(
    answers: LabelAnswers,
    *,
    seed: int,
    replicates: int = REPLICATES,
    cluster: str = "genes",
    threads: int = 1,
) -> list[MetricRow]:
    """Compute every row of a task, with intervals.

    Parameters
    ----------
    answers : LabelAnswers
    seed : int
        Of the bootstrap; the same seed draws the same genes for every model.
    replicates : int
        Of the bootstrap.
    cluster : str
        What a cluster is, in the plural, for people.
    threads : int
        How many blocks of replicates run side by side; no number depends on it.

    Returns
    -------
    list of MetricRow
        Those of `LABEL_HEADLINES` first, in that order; then one for each metric that has a mean
        over labels and each label, in the order of the labels.
    """
    rows, _ = judge_labels(
        answers, seed=seed, replicates=replicates, cluster=cluster, threads=threads
    )
    return rows


def judge_labels(
    answers: LabelAnswers,
    *,
    seed: int,
    replicates: int = REPLICATES,
    cluster: str = "genes",
    threads: int = 1,
) -> tuple[list[MetricRow], Headline]:
    """Give the rows of `score_labels` and the headline of `label_headline_replicates` at once."""
    found = _compute(answers, seed, replicates, threads)
    rows = [_row(each, answers, replicates, cluster) for each in found]
    return rows, _headline(found[0], answers, replicates)


def label_headline_replicates(
    answers: LabelAnswers, *, seed: int, replicates: int = REPLICATES, threads: int = 1
) -> Headline:
    """Compute the first of `LABEL_HEADLINES` and its replicates, for paired comparison.

    Two models give paired replicates if their answers have the same rows in the same order.
    """
    headline = _compute(answers, seed, replicates, threads)[0]
    return _headline(headline, answers, replicates)


def _headline(found: _Found, answers: LabelAnswers, replicates: int) -> Headline:
    n_clusters = int(answers.clusters.max(initial=-1)) + 1
    if found.reason is not None:
        return Headline.undefined(replicates, n_clusters)
    return Headline.of(found.columns[0], found.columns[1:], n_clusters)


@dataclass(frozen=True)
class _Found:
    """A metric: its value and replicates, shape (replicates + 1,), or the reason for none.

    `over_labels` says that labels were drawn too, `left_out` how many were left out of a mean,
    `label` of which one it is.
    """

    name: str
    columns: Floats
    reason: str | None
    group: str | None = None
    over_labels: bool = False
    left_out: int = 0
    label: int | None = None


def _row(found: _Found, answers: LabelAnswers, replicates: int, cluster: str) -> MetricRow:
    n_clusters = int(answers.clusters.max()) + 1 if answers.clusters.size else 0
    defined = found.reason is None
    over = cluster if answers.clusters.ndim == 1 else f"{cluster} (both of a pair)"
    if found.over_labels:
        over += " and labels"
    if found.left_out:
        over += f"; {found.left_out} of {len(answers.labels)} labels of one class left out"
    return MetricRow(
        name=found.name,
        group=found.group,
        value=float(found.columns[0]) if defined else None,
        reason_if_null=found.reason,
        interval=_interval(found, answers, n_clusters) if defined and n_clusters > 1 else None,
        method=method(found.name, replicates, over),
        n=len(answers.folds),
        n_clusters=n_clusters,
    )


def _interval(found: _Found, answers: LabelAnswers, n_clusters: int) -> Interval | None:
    rests_on: float = n_clusters
    if found.label is not None:
        rests_on = resting_on(answers.truth[:, found.label] > 0.5, answers.clusters)
    value, drawn = float(found.columns[0]), found.columns[1:]
    return interval(found.name, value, drawn, rests_on, items=len(answers.folds))


def _compute(answers: LabelAnswers, seed: int, replicates: int, threads: int) -> list[_Found]:
    """Compute all metrics of a task, the headline first."""
    draws = Draws.of(answers.clusters, seed, replicates)
    if answers.kind == "regression":
        return _of_values(answers, draws, threads)
    by_label, weighted = ranked_replicates(
        draws, answers.scores, answers.truth, answers.folds, threads
    )
    table = _Table(answers, dict(zip(RANKED_METRICS, by_label, strict=True)))
    if answers.kind == "binary":
        return [each for name in RANKED_METRICS for each in table.rows(name)]
    names = ["auroc", "average_precision"]
    if answers.kind == "multi-label":
        names.append("balanced_accuracy")
    rows = [table.mean(name, seed) for name in names]
    if answers.kind == "multi-label":
        rows.append(table.whole("weighted_balanced_accuracy", weighted[1], "balanced_accuracy"))
    else:
        rows.append(table.whole("weighted_auroc", weighted[0], "auroc"))
        of_classes = class_replicates(
            draws,
            answers.truth.argmax(axis=1),
            answers.scores.argmax(axis=1),
            answers.folds,
            len(answers.labels),
            threads,
        )
        for name, columns in zip(CLASS_METRICS, of_classes, strict=True):
            rows.append(replace(table.whole(name, columns, "balanced_accuracy"), left_out=0))
    return rows + [each for name in names for each in table.rows(name)]


class _Table:
    """Metrics by label, shape (n_labels, replicates + 1) each, and why they may be undefined."""

    def __init__(self, answers: LabelAnswers, metrics: dict[str, Floats]) -> None:
        self.answers = answers
        self.metrics = metrics
        one_class = _one_class(answers)
        #: A label of one class says nothing of a model, so that means do without it.
        self.kept = [label for label, reason in enumerate(one_class) if reason is None]
        constant = [
            reason or ("constant prediction" if _constant(scores) else None)
            for reason, scores in zip(one_class, answers.scores.T, strict=True)
        ]
        #: Hard labels can be judged though all are the same.
        self.reasons = {
            name: constant if name in ("auroc", "average_precision") else one_class
            for name in metrics
        }

    def rows(self, name: str) -> list[_Found]:
        """Give the metric of each label; of a binary task it has no group."""
        binary = self.answers.kind == "binary"
        groups: Sequence[str | None] = [None] if binary else self.answers.labels
        return [
            _Found(name, columns, reason, group, label=label)
            for label, (group, columns, reason) in enumerate(
                zip(groups, self.metrics[name], self.reasons[name], strict=True)
            )
        ]

    def mean(self, name: str, seed: int) -> _Found:
        """Average over labels, which are drawn too."""
        columns = label_means(self.metrics[name][self.kept], seed)
        found = self.whole(f"mean_{name}", columns, name)
        return replace(found, over_labels=len(self.kept) > 1)

    def whole(self, name: str, columns: Floats, single: str) -> _Found:
        """Give a metric of all labels, undefined where `single` is so for a label that is kept."""
        labels, reasons = self.answers.labels, self.reasons[single]
        undefined = [label for label in self.kept or range(len(labels)) if reasons[label]]
        reason = None
        if undefined:
            first = undefined[0]
            reason = (
                f"undefined in {len(undefined)} of {len(labels)} labels "
                f"('{labels[first]}': {reasons[first]})"
            )
        left_out = len(labels) - len(self.kept) if self.kept else 0
        return _Found(name, columns, reason, left_out=left_out)


def _one_class(answers: LabelAnswers) -> list[str | None]:
    """Say of each label why its truth leaves nothing to rank, or None."""
    n = len(answers.folds)
    if n < 3:
        return [f"fewer than 3 items ({n})"] * len(answers.labels)
    sizes = np.bincount(answers.folds)
    reasons: list[str | None] = []
    for truth in answers.truth.T:
        positives = np.bincount(answers.folds, truth)
        total = int(positives.sum())
        if total in (0, n):
            reasons.append(f"only one class ({total} positives of {n})")
        elif not ((positives > 0) & (positives < sizes)).any():
            reasons.append("only one class in every fold")
        else:
            reasons.append(None)
    return reasons


def _of_values(answers: LabelAnswers, draws: Draws, threads: int) -> list[_Found]:
    prediction, truth = answers.scores[:, 0].astype(np.float64), answers.truth[:, 0]
    reasons = [_undefined_value(name, prediction, truth, answers.folds) for name in VALUE_METRICS]
    columns = np.full((len(VALUE_METRICS), draws.columns), np.nan)
    if not all(reasons):
        columns = value_replicates(draws, prediction, truth, answers.folds, threads)
        too_large = "values too large to compute with"
        reasons = [
            reason or (None if np.isfinite(value) else too_large)
            for reason, value in zip(reasons, columns[:, 0], strict=True)
        ]
    return [
        _Found(name, drawn, reason)
        for name, drawn, reason in zip(VALUE_METRICS, columns, reasons, strict=True)
    ]


def _undefined_value(name: str, prediction: Floats, truth: Floats, folds: Integers) -> str | None:
    """Say why a metric of values is undefined, or None.

    A fold whose truth is constant asks nothing and is left out. One that was asked and got the
    same answer throughout has no correlation, and leaves the mean without a value.
    """
    n = truth.size
    if not n:
        return "no items" if name == "rmse" else "fewer than 3 items (0)"
    if max(np.abs(prediction).max(), np.abs(truth).max()) > _LARGEST:
        return "values too large to compute with"
    if name == "rmse":
        return None
    if n < 3:
        return f"fewer than 3 items ({n})"
    correlation = name != "r2"
    if correlation and _constant(prediction):
        return "constant prediction"
    if _constant(truth):
        return "constant truth"
    order, starts = fold_by_fold(folds)
    parts = [part for part in np.split(order, starts[1:-1]) if part.size]
    asked = [part for part in parts if part.size > 2 and not _constant(truth[part])]
    if not asked:
        return "fewer than 3 items or constant truth in every fold"
    silent = sum(_constant(prediction[part]) for part in asked)
    if correlation and silent:
        return f"constant prediction in {silent} of {len(parts)} folds"
    return None


def _constant(values: NDArray[Any]) -> bool:
    return bool(values.min() == values.max())
