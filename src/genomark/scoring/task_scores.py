"""From the answers to a task on labelled sequences to metric rows with intervals.

A model that is fitted answers once for each seed of the fit. Every metric is computed for each of
these fits and averaged; its interval is over sequences and fits: both are drawn with replacement,
the same sequences for all fits and all models. `docs/design/sequence-scoring.md` gives the forms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.scoring.intervals import REPLICATES, interval, method, resting_on
from genomark.scoring.label_kernels import CLASS_METRICS, RANKED_METRICS, weighted_sums
from genomark.scoring.label_replicates import (
    VALUE_METRICS,
    Draws,
    class_replicates,
    label_means,
    ranked_replicates,
    value_replicates,
)
from genomark.scoring.pairing import top_length_precision
from genomark.scoring.records import MetricRow
from genomark.scoring.score import Headline
from genomark.scoring.structure_scores import (
    CROSSING_METRICS,
    STRUCTURE_METRICS,
    Structures,
    structure_values,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Fits are drawn from ``seed xor FIT_STREAM``, so that they do not follow the sequences.
FIT_STREAM = int.from_bytes(b"fits", "big")
#: What is told of classes in rows of their own, and of their ranking.
_RANKED = ("auroc", "average_precision")
_OF_TWO = (*_RANKED, "balanced_accuracy")
#: What is told of groups of sequences in rows of their own.
_OF_GROUPS = ("base_pair_f1",)

#: All metrics of a kind of task, the usual headline first.
TASK_METRICS: dict[str, tuple[str, ...]] = {
    "binary": (*CLASS_METRICS, *_OF_TWO),
    "multi-class": (*CLASS_METRICS, "mean_auroc", "mean_average_precision"),
    "multi-label": ("mean_auroc", "mean_average_precision", "f1_macro", "mean_mcc"),
    "regression": (*VALUE_METRICS, "mse"),
    "token-classes": CLASS_METRICS,
    "token-regression": ("mcrmse", "rmse", "mean_spearman", "mean_pearson", "mean_r2"),
    "pair-classes": (*CLASS_METRICS, "top_length_precision"),
    "pair-regression": (*VALUE_METRICS, "mse"),
}


@dataclass(frozen=True)
class TaskAnswers:
    """What a model answered, and the truth.

    Attributes
    ----------
    kind : str
        One of `TASK_METRICS`.
    labels : tuple of str
    answers : tuple
        One entry a fit: float[n, n_labels], or of positions (pairs of positions) a sequence of
        arrays float[length, n_labels] (float[length, length, n_labels]). Decision values (above 0
        says yes), probabilities of classes, or values; all finite.
    truth : ndarray of float64, shape (n, n_labels), or sequence of ndarray
        As of a `LabelledSequences`: NaN and negative classes are untold.
    clusters : ndarray of int64, shape (n,)
        Which sequences are drawn together, numbered from 0.
    said : tuple of Structures
        Of structures of RNA, what each fit says pairs.
    known : Structures or None
        What pairs; None where the task is not about structures.
    groups : mapping of str to ndarray of bool, shape (n,)
        Sequences of which the first of the `STRUCTURE_METRICS` is told in a row of its own.
    n_clusters : int or None
        How many are drawn, where some of them have no sequence; None where each has one.
    """

    kind: str
    labels: tuple[str, ...]
    answers: tuple[Any, ...]
    truth: Any
    clusters: Integers
    said: tuple[Structures, ...] = ()
    known: Structures | None = None
    groups: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    n_clusters: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could only be scored wrongly."""
        if self.kind not in TASK_METRICS:
            raise UsageError(f"No task is of kind '{self.kind}'")
        if not self.answers:
            raise UsageError("There are no answers")
        for given in self.answers:
            if len(given) != len(self.truth):
                raise UsageError(f"{len(given)} answers for {len(self.truth)} sequences")
        if self.known is not None and len(self.said) != len(self.answers):
            raise UsageError(f"{len(self.said)} fits say structures, {len(self.answers)} answer")

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Metrics of this task: of structures and of two classes there are more."""
        metrics = TASK_METRICS[self.kind]
        if self.kind in ("token-classes", "pair-classes") and len(self.labels) == 2:
            metrics = (*metrics, *_OF_TWO)
        if self.known is not None:
            metrics = (*STRUCTURE_METRICS, *metrics)
            if self.known.crossing.any():
                metrics = (*metrics, *CROSSING_METRICS)
        if self.kind == "regression" and len(self.labels) > 1:
            metrics = ("mcrmse", *(f"mean_{name}" for name in metrics))
        return metrics


def judge_task(
    answers: TaskAnswers,
    headlines: Sequence[str],
    *,
    seed: int,
    replicates: int = REPLICATES,
    cluster: str = "sequences",
    threads: int = 1,
) -> tuple[list[MetricRow], Headline]:
    """Compute every metric of a task.

    Parameters
    ----------
    answers : TaskAnswers
    headlines : sequence of str
        Metrics that come first, in this order.
    seed : int
        Of the bootstrap.
    replicates : int
    cluster : str
        What a cluster is, in the plural, for people.
    threads : int
        No number depends on it.

    Returns
    -------
    rows : list of MetricRow
        Of the whole task; then of each fit, where there are several (the headlines alone); then of
        each label, where there are several.
    headline : Headline
        The first metric, for paired comparison.
    """
    unknown = [name for name in headlines if name not in answers.metrics]
    if unknown:
        raise UsageError(
            f"A {answers.kind} task has no '{unknown[0]}': it has {', '.join(answers.metrics)}"
        )
    draws = Draws.of(answers.clusters, seed, replicates)
    if answers.n_clusters is not None:
        draws = replace(draws, n_genes=answers.n_clusters)
    fits = [_Fit(answers, number, draws, threads) for number in range(len(answers.answers))]
    order = list(dict.fromkeys([*headlines, *answers.metrics]))
    table = _Table(fits, answers, draws, cluster, seed)
    rows = [table.row(name) for name in order]
    if len(fits) > 1:
        rows += [table.row(name, fit=number) for name in headlines for number in range(len(fits))]
    rows += [
        table.row(name, label=label)
        for name in fits[0].by_label
        for label in fits[0].by_label[name]
    ]
    return rows, table.headline(order[0])


class _Fit:
    """Metrics of one fit: columns, shape (replicates + 1,), by name, and by name and label."""

    def __init__(self, answers: TaskAnswers, number: int, draws: Draws, threads: int) -> None:
        self.whole: dict[str, Floats] = {}
        self.by_label: dict[str, dict[str, Floats]] = {}
        self.reasons: dict[str, str] = {}
        #: Sequences and clusters that a metric, or a metric of a label, rests on if not on all.
        self.sizes: dict[tuple[str, str | None], tuple[int, int]] = {}
        #: Clusters that metrics of two classes are known from.
        self.rests_on: dict[tuple[str, str | None], float] = {}
        self._draws = draws
        self._threads = threads
        given = answers.answers[number]
        if not len(answers.truth):
            for name in answers.metrics:
                self._undefined(name, "no sequences")
        elif answers.kind in ("binary", "multi-label"):
            self._of_yes_and_no(answers, np.asarray(given, dtype=np.float64))
        elif answers.kind == "multi-class":
            scores = np.asarray(given, dtype=np.float64)
            self._of_classes(answers.truth.argmax(axis=1), scores, answers.clusters)
            self._of_ranking(answers.labels, scores, answers.truth, draws)
        elif answers.kind in ("token-classes", "pair-classes"):
            self._of_positions(answers, given)
            if answers.known is not None:
                self._of_structures(answers, answers.said[number], answers.known)
        else:
            self._of_values(answers, given)

    def _of_yes_and_no(self, answers: TaskAnswers, scores: Floats) -> None:
        found = self._of_ranking(answers.labels, scores, answers.truth, self._draws)
        reasons = [_one_sided(each) for each in answers.truth.T]
        if answers.kind == "binary":
            scores = np.hstack([-scores, scores])
            self._of_classes(answers.truth[:, 0].astype(np.int64), scores, answers.clusters)
            return
        # scikit-learn's macro F1 of several labels: the mean of the F1 of each one's positives.
        self._mean("f1_macro", found["f1"], reasons, answers.labels)
        self._mean("mean_mcc", found["mcc"], reasons, answers.labels)

    def _of_classes(self, truth: Integers, scores: Floats, clusters: Integers) -> None:
        """Metrics of hard classes: the one with the highest score."""
        draws = replace(self._draws, members=clusters.astype(np.uint32)[:, np.newaxis])
        if np.unique(truth).size < 2:
            for name in CLASS_METRICS:
                self._undefined(name, "only one class")
            return
        found = class_replicates(
            draws,
            truth,
            scores.argmax(axis=1),
            np.zeros(truth.size, dtype=np.int64),
            scores.shape[1],
            self._threads,
        )
        self.whole.update(zip(CLASS_METRICS, found, strict=True))

    def _of_ranking(
        self, labels: tuple[str, ...], scores: Floats, truth: Floats, draws: Draws
    ) -> dict[str, Floats]:
        """Metrics of one label after the other, and their means; give all of them by label."""
        folds = np.zeros(len(scores), dtype=np.int64)
        by_label, _ = ranked_replicates(draws, scores, truth, folds, self._threads)
        found = dict(zip(RANKED_METRICS, by_label, strict=True))
        reasons = [_one_sided(each) for each in truth.T]
        constant = [
            reason or ("constant prediction" if np.ptp(each) == 0 else None)
            for reason, each in zip(reasons, scores.T, strict=True)
        ]
        members = draws.members[:, 0].astype(np.int64)
        rests_on = [resting_on(each > 0.5, members) for each in truth.T]
        if len(labels) == 1:
            for name in _OF_TWO:
                self.rests_on[name, None] = rests_on[0]
                self.whole[name] = found[name][0]
                why_not = constant[0] if name in _RANKED else reasons[0]
                if why_not:
                    self._undefined(name, why_not)
            return found
        for name in _RANKED:
            self._mean(f"mean_{name}", found[name], constant, labels)
            self.by_label[name] = dict(zip(labels, found[name], strict=True))
            for label, each in zip(labels, rests_on, strict=True):
                self.rests_on[name, label] = each
        return found

    def _mean(
        self, name: str, columns: Floats, reasons: list[str | None], labels: tuple[str, ...]
    ) -> None:
        """Average over the labels that both say yes and no to something."""
        kept = [number for number, reason in enumerate(reasons) if reason != _ONE_CLASS]
        undefined = [number for number in kept if reasons[number]]
        if undefined or not kept:
            first = (undefined or [0])[0]
            self._undefined(name, f"label '{labels[first]}': {reasons[first]}")
            return
        self.whole[name] = columns[kept].mean(axis=0)

    def _of_positions(self, answers: TaskAnswers, given: Sequence[Any]) -> None:
        """Metrics over all positions, or pairs, of which something is told; sequences are drawn."""
        pairs = answers.kind == "pair-classes"
        told = [np.triu(truth >= 0) if pairs else truth >= 0 for truth in answers.truth]
        truth = np.concatenate([each[t] for each, t in zip(answers.truth, told, strict=True)])
        scores = np.concatenate([each[t] for each, t in zip(given, told, strict=True)])
        clusters = np.repeat(answers.clusters, [int(each.sum()) for each in told])
        self._of_classes(truth.astype(np.int64), scores.astype(np.float64), clusters)
        if len(answers.labels) == 2:
            draws = replace(self._draws, members=clusters.astype(np.uint32)[:, np.newaxis])
            margin = (scores[:, 1:] - scores[:, :1]).astype(np.float64)
            self._of_ranking(answers.labels[1:], margin, truth[:, np.newaxis].astype(float), draws)
        if pairs:
            values = top_length_precision(given, answers.truth)
            self._of_sequences({("top_length_precision", None): values})

    def _of_structures(self, answers: TaskAnswers, said: Structures, known: Structures) -> None:
        found = structure_values(said, known)
        values: dict[tuple[str, str | None], Floats] = {
            (name, None): found[name] for name in found if name in answers.metrics
        }
        for name in _OF_GROUPS:
            for group, chosen in answers.groups.items():
                values[name, group] = np.where(chosen, found[name], np.nan)
        self._of_sequences(values)

    def _of_sequences(self, values: Mapping[tuple[str, str | None], Floats]) -> None:
        """Average numbers that each sequence has; those without one (NaN) are left out."""
        matrix = np.column_stack(list(values.values()))
        defined = ~np.isnan(matrix)
        # A sum over few clusters, once, makes sums over replicates short.
        terms = np.zeros((self._draws.n_genes, 2 * len(values)))
        members = self._draws.members[:, 0]
        np.add.at(terms, members, np.hstack([np.where(defined, matrix, 0.0), defined]))
        sums = np.empty((terms.shape[1], self._draws.columns))
        each = np.arange(len(terms), dtype=np.uint32)[:, np.newaxis]

        def walk(first: int, last: int) -> None:
            here = np.empty((len(sums), last - first))
            weighted_sums(self._draws.block(first, last), each, terms, here)
            sums[:, first:last] = here

        self._draws.each_block(walk, self._threads)
        with np.errstate(invalid="ignore"):
            means = sums[: len(values)] / sums[len(values) :]
        for (name, group), columns, told in zip(values, means, defined.T, strict=True):
            self.sizes[name, group] = int(told.sum()), np.unique(members[told]).size
            if group is not None:
                self.by_label.setdefault(name, {})[group] = columns
            elif told.any():
                self.whole[name] = columns
            else:
                self._undefined(name, "undefined for every sequence")

    def _of_values(self, answers: TaskAnswers, given: Any) -> None:
        """Metrics of measured values, label by label; what was not measured is left out."""
        if isinstance(answers.truth, np.ndarray):
            truth, scores, members = answers.truth, np.asarray(given), self._draws.members
        else:
            sizes = [each[..., 0].size for each in answers.truth]
            width = len(answers.labels)
            truth = np.concatenate([each.reshape(-1, width) for each in answers.truth])
            scores = np.concatenate([np.asarray(each).reshape(-1, width) for each in given])
            members = np.repeat(self._draws.members, sizes, axis=0)
        found: dict[str, dict[str, Floats]] = {name: {} for name in (*VALUE_METRICS, "mse")}
        for label, name in enumerate(answers.labels):
            told = ~np.isnan(truth[:, label])
            draws = replace(self._draws, members=members[told])
            columns = _value_columns(draws, scores[told, label], truth[told, label], self._threads)
            for metric, (values, reason) in columns.items():
                found[metric][name] = values
                if reason:
                    self._undefined(f"mean_{metric}", f"label '{name}': {reason}")
                    self._undefined(metric, reason)
        if len(answers.labels) == 1:
            self._one_label(found)
            return
        self.by_label = {name: found[name] for name in ("spearman", "rmse")}
        for metric, columns_by_label in found.items():
            columns_of = np.stack(list(columns_by_label.values()))
            self.whole[f"mean_{metric}"] = columns_of.mean(axis=0)
        self.whole["mcrmse"] = self.whole["mean_rmse"]
        self._pooled(scores, truth, members)

    def _pooled(self, scores: NDArray[Any], truth: NDArray[Any], members: NDArray[Any]) -> None:
        """Root mean squared error over all values of all labels."""
        told = ~np.isnan(truth)
        draws = replace(self._draws, members=np.repeat(members, told.sum(axis=1), axis=0))
        columns = _value_columns(draws, scores[told], truth[told], self._threads)
        self.whole["rmse"], reason = columns["rmse"]
        if reason:
            self._undefined("rmse", reason)

    def _one_label(self, found: dict[str, dict[str, Floats]]) -> None:
        for metric, by_label in found.items():
            (columns,) = by_label.values()
            self.whole[metric] = self.whole[f"mean_{metric}"] = columns
        self.whole["mcrmse"] = self.whole["rmse"]

    def _undefined(self, name: str, reason: str) -> None:
        self.reasons[name] = reason


_ONE_CLASS = "only one class"


def _one_sided(truth: Floats) -> str | None:
    return _ONE_CLASS if np.unique(truth).size < 2 else None


def _value_columns(
    draws: Draws, scores: NDArray[Any], truth: NDArray[Any], threads: int
) -> dict[str, tuple[Floats, str | None]]:
    """Metrics of one measured value, and why one may be undefined."""
    n = truth.size
    names = (*VALUE_METRICS, "mse")
    if n < 3:
        return {
            name: (np.full(draws.columns, np.nan), f"fewer than 3 items ({n})") for name in names
        }
    prediction, measured = scores.astype(np.float64), truth.astype(np.float64)
    columns = value_replicates(draws, prediction, measured, np.zeros(n, dtype=np.int64), threads)
    found = dict(zip(VALUE_METRICS, columns, strict=True))
    found["mse"] = found["rmse"] ** 2
    reasons: dict[str, str | None] = dict.fromkeys(names)
    if np.ptp(measured) == 0:
        reasons.update(dict.fromkeys(("spearman", "pearson", "r2"), "constant truth"))
    elif np.ptp(prediction) == 0:
        reasons.update(dict.fromkeys(("spearman", "pearson"), "constant prediction"))
    return {name: (found[name], reasons[name]) for name in names}


class _Table:
    """Rows of all fits together, and of each."""

    def __init__(
        self, fits: list[_Fit], answers: TaskAnswers, draws: Draws, cluster: str, seed: int
    ) -> None:
        self._fits = fits
        self._answers = answers
        self._draws = draws
        self._cluster = cluster
        self._seed = seed

    def row(self, name: str, fit: int | None = None, label: str | None = None) -> MetricRow:
        """Make the row of a metric: over all fits, of one of them, or of one label."""
        fits = self._fits if fit is None else [self._fits[fit]]
        reason = None if label is not None else self._reason(name, fits)
        columns = None if reason else self._columns(name, fits, label)
        if columns is not None and not np.isfinite(columns[0]):
            columns, reason = None, "undefined"
        group = label if label is not None else None if fit is None else f"seed {fit}"
        everything = len(self._answers.truth), self._draws.n_genes
        n, clusters = fits[0].sizes.get((name, label), everything)
        found = None
        if columns is not None:
            rests_on = fits[0].rests_on.get((name, label), clusters)
            found = interval(name, float(columns[0]), columns[1:], rests_on, items=n)
        over = self._cluster + (f" and {len(fits)} fits" if len(fits) > 1 else "")
        return MetricRow(
            name=name,
            group=group,
            value=None if columns is None else float(columns[0]),
            reason_if_null=reason,
            interval=found,
            method=method(name, self._draws.replicates, over),
            n=n,
            n_clusters=clusters,
        )

    def headline(self, name: str) -> Headline:
        """Give a metric and its replicates."""
        n_clusters = self._draws.n_genes
        if self._reason(name, self._fits):
            return Headline.undefined(self._draws.replicates, n_clusters)
        columns = self._columns(name, self._fits, None)
        return Headline.of(columns[0], columns[1:], n_clusters)

    def _reason(self, name: str, fits: list[_Fit]) -> str | None:
        return next((fit.reasons[name] for fit in fits if name in fit.reasons), None)

    def _columns(self, name: str, fits: list[_Fit], label: str | None) -> Floats:
        found = np.stack(
            [fit.whole[name] if label is None else fit.by_label[name][label] for fit in fits]
        )
        return label_means(found, self._seed ^ FIT_STREAM)
