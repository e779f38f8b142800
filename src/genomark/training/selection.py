"""The value by which the validation part decides when to stop.

Which way is better is declared in `genomark.scoring`, never guessed from a name: a rule that looks
for ``loss`` or ``error`` takes a correlation for something to be small, and keeps the worst epoch.
Values are those of `genomark.scoring` too, without intervals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UnknownNameError
from genomark.models import Answers
from genomark.scoring import METRICS
from genomark.scoring.directions import better
from genomark.scoring.pairing import base_pair_f1, top_length_precision
from genomark.sequences import KINDS_OF_SEQUENCES, UNTOLD, Kind, LabelledSequences

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_STRUCTURE = frozenset("().")


class Selection:
    """A metric of answers to the validation part.

    Parameters
    ----------
    name : str
        As in a Result; ``mean_`` before it changes nothing.
    kind : str
        Of the task.
    labels : tuple of str

    Raises
    ------
    UsageError
        If there is no such metric of such a task.
    """

    def __init__(self, name: str, kind: Kind, labels: tuple[str, ...]) -> None:
        self.name = name
        self._plain = name.removeprefix("mean_")
        suited = _metrics_of(kind, labels)
        if self._plain not in suited:
            raise UnknownNameError(f"metric to select by in a {kind} task", name, suited)
        self._better = better(self._plain)

    def value(self, answers: Answers, valid: LabelledSequences) -> float:
        """Compute it; NaN where it is undefined.

        Parameters
        ----------
        answers : ndarray or sequence of ndarray
            As a FittedTask gives them.
        valid : LabelledSequences
        """
        if self._plain in _OF_PAIRING:
            values = _OF_PAIRING[self._plain](valid, answers)
            return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
        scores, truth = _told(answers, valid)
        if self._plain in METRICS and self._plain != "mse":
            return _by_column(self._plain, valid.kind, scores, truth)
        if self._plain in _OF_VALUES:
            return _OF_VALUES[self._plain](scores, truth)
        return _by_class(self._plain, valid.kind, scores, truth)

    def surpasses(self, value: float, best: float) -> bool:
        """Whether `value` is better than `best`; undefined values are worse than all others."""
        if np.isnan(value) or np.isnan(best):
            return bool(np.isnan(best) and not np.isnan(value))
        return value > best if self._better == "higher" else value < best


def _metrics_of(kind: Kind, labels: tuple[str, ...]) -> tuple[str, ...]:
    if kind.endswith("regression"):
        return ("spearman", "pearson", *_OF_VALUES)
    metrics = (*_OF_CLASSES, "auroc", "average_precision")
    if kind == "pair-classes":
        metrics = ("top_length_precision", *metrics)
    if kind == "token-classes" and set(labels) == _STRUCTURE:
        metrics = ("base_pair_f1", *metrics)
    return metrics


def _told(answers: Answers, valid: LabelledSequences) -> tuple[Floats, Floats]:
    """Rows of answers and of what is told: n x n_labels each, of classes as one-hot rows."""
    n_labels = len(valid.labels)
    if valid.kind in KINDS_OF_SEQUENCES:
        return np.asarray(answers, dtype=np.float64), np.asarray(valid.targets)
    rows = np.concatenate([np.asarray(each).reshape(-1, n_labels) for each in answers])
    if valid.kind.endswith("regression"):
        told = np.concatenate([each.reshape(-1, n_labels) for each in valid.targets])
        return rows.astype(np.float64), told.astype(np.float64)
    classes = np.concatenate([each.ravel() for each in valid.targets]).astype(np.int64)
    known = classes != UNTOLD
    return rows[known].astype(np.float64), np.eye(n_labels)[classes[known]]


def _by_column(name: str, kind: Kind, scores: Floats, truth: Floats) -> float:
    """Mean over the labels, or classes against the rest, for which it is defined."""
    if kind.endswith("classes") and truth.shape[1] == 2:
        # Of two classes the second says it all.
        scores, truth = scores[:, 1:], truth[:, 1:]
    values = []
    for given, label in zip(scores.T, truth.T, strict=True):
        told = ~np.isnan(label)
        if (value := METRICS[name].value(given[told], label[told])[0]) is not None:
            values.append(value)
    return float(np.mean(values)) if values else float("nan")


def _by_class(name: str, kind: Kind, scores: Floats, truth: Floats) -> float:
    """Metric of hard answers; of several labels, the mean over those that say yes and no."""
    if kind not in ("binary", "multi-label"):
        n = truth.shape[1]
        if not len(truth):
            return float("nan")
        return _OF_CLASSES[name](_confusion(scores.argmax(axis=1), truth.argmax(axis=1), n))
    values = []
    for given, label in zip(scores.T, truth.T, strict=True):
        told = ~np.isnan(label)
        counts = _confusion((given[told] > 0).astype(np.int64), label[told].astype(np.int64), 2)
        if not counts.sum(axis=1).all():
            continue
        if kind == "multi-label" and name == "f1_macro":
            # Macro over labels: of each, the F1 of its positives.
            values.append(float(_f1(counts)[1]))
        else:
            values.append(_OF_CLASSES[name](counts))
    return float(np.mean(values)) if values else float("nan")


def _confusion(answers: Integers, truth: Integers, n: int) -> Floats:
    """Count; rows are the truth."""
    return np.bincount(truth * n + answers, minlength=n * n).reshape(n, n).astype(np.float64)


def _f1(counts: Floats) -> Floats:
    """F1 of each class."""
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return np.asarray(2 * np.diag(counts) / np.maximum(both, 1))


def _f1_macro(counts: Floats) -> float:
    """Mean over the classes that are there or are answered."""
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return float(_f1(counts)[both > 0].mean())


def _accuracy(counts: Floats) -> float:
    return float(np.trace(counts) / counts.sum())


def _balanced_accuracy(counts: Floats) -> float:
    there = counts.sum(axis=1) > 0
    return float((np.diag(counts)[there] / counts.sum(axis=1)[there]).mean())


def _mcc(counts: Floats) -> float:
    """Correlation of classes (Gorodkin 2004); 0 where either side is one class throughout."""
    answered, there, n = counts.sum(axis=0), counts.sum(axis=1), counts.sum()
    spread = (n * n - answered @ answered) * (n * n - there @ there)
    return float((np.trace(counts) * n - answered @ there) / np.sqrt(spread)) if spread else 0.0


def _squared(scores: Floats, truth: Floats) -> Floats:
    """Mean squared error of each target that is told of at all."""
    told = ~np.isnan(truth).all(axis=0)
    return np.asarray(np.nanmean((scores - truth)[:, told] ** 2, axis=0))


def _mse(scores: Floats, truth: Floats) -> float:
    return float(_squared(scores, truth).mean())


def _mcrmse(scores: Floats, truth: Floats) -> float:
    """Mean over targets of their root mean squared errors: roots first, then the mean."""
    return float(np.sqrt(_squared(scores, truth)).mean())


def _r2(scores: Floats, truth: Floats) -> float:
    truth, scores = truth[:, told := ~np.isnan(truth).all(axis=0)], scores[:, told]
    spread = np.nanvar(truth, axis=0)
    defined = spread > 0
    if not defined.any():
        return float("nan")
    return float(np.mean(1 - _squared(scores, truth)[defined] / spread[defined]))


def _base_pairs(valid: LabelledSequences, answers: Answers) -> Floats:
    return base_pair_f1(valid.labels, list(answers), list(valid.targets))


def _contacts(valid: LabelledSequences, answers: Answers) -> Floats:
    return top_length_precision(list(answers), list(valid.targets))


_OF_CLASSES: dict[str, Callable[[Floats], float]] = {
    "f1_macro": _f1_macro,
    "mcc": _mcc,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
}
_OF_VALUES: dict[str, Callable[[Floats, Floats], float]] = {
    "r2": _r2,
    "mse": _mse,
    "rmse": _mcrmse,
    "mcrmse": _mcrmse,
}
_OF_PAIRING: dict[str, Callable[[LabelledSequences, Answers], Floats]] = {
    "base_pair_f1": _base_pairs,
    "top_length_precision": _contacts,
}
