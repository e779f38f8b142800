"""Cross-validating a probe: every row is answered by a fit that has not seen its fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from genomark.genes import Kind
from genomark.probes.curvature import Curvature
from genomark.probes.design import Design
from genomark.probes.heads import cross_validated_head
from genomark.probes.lbfgs import Solution
from genomark.probes.logistic import EXACT, LogisticColumns, fit_logistic
from genomark.probes.options import Probe
from genomark.probes.regression import cross_validated_linear
from genomark.probes.softmax import fit_softmax

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
#: The folds that a fit does not see.
Without = tuple[int, ...]

#: Tried by ``C=nested``; the smaller wins a tie.
INVERSE_STRENGTHS = tuple(10.0**power for power in range(-4, 3))
#: A little above what the solvers aim at: rounding of the last sum.
_CONVERGED = 10 * EXACT


@dataclass(frozen=True)
class Fit:
    """Answers of one cross-validation, and how they were come by.

    Attributes
    ----------
    scores : ndarray of float64, shape (n, n_labels)
        Decision values (above 0 says positive), class probabilities, or values.
    notes : tuple of str
        What a reader of the scores should know, each in one line.
    passes : int
        Passes over the rows; 0 for what is not solved by passes.
    decrement : float
        Twice the loss left at the end, relative to ``C * n``, of the worst fit; 0 where closed.
    """

    scores: Floats
    notes: tuple[str, ...] = ()
    passes: int = 0
    decrement: float = 0.0


def cross_validate(
    design: Design,
    kind: Kind,
    targets: Floats,
    fold: NDArray[np.integer],
    probe: Probe,
    curvature: Curvature,
    *,
    seed: int,
    threads: int = 1,
) -> Fit:
    """Answer each row by a head fitted on the rows of all other folds.

    Parameters
    ----------
    design : Design
    kind : str
        ``binary``, ``multi-class``, ``multi-label`` or ``regression``.
    targets : ndarray of float64, shape (n_rows, n_labels)
    fold : ndarray of int, shape (n_rows,)
        Number of the fold that tests each row.
    probe : Probe
    curvature : Curvature
        Of `design`, or of others on the same vectors.
    seed : int
        Of heads that draw.
    threads : int
        Changes nothing but the time.
    """
    if probe.head != "linear":
        head: str = probe.head
        if head == "sklearn":
            head = "sklearn-linear" if kind == "regression" else "sklearn-logistic"
        found = cross_validated_head(
            head, probe.settings, design.features, targets, fold, kind, seed, threads
        )
        return Fit(found.scores - (found.threshold or 0.0), found.notes)
    if kind == "regression":
        linear = cross_validated_linear(design.features, targets, fold, probe.alpha, threads)
        return Fit(linear.values)
    columns = _Columns(design, targets, fold, probe, curvature, threads)
    return columns.softmax() if kind == "multi-class" else columns.logistic()


class _Columns:
    """The logistic problems of one cross-validation."""

    def __init__(
        self,
        design: Design,
        targets: Floats,
        fold: NDArray[np.integer],
        probe: Probe,
        curvature: Curvature,
        threads: int,
    ) -> None:
        self._design = design
        self._targets = targets
        self._numbers, self._fold = np.unique(fold, return_inverse=True)
        self._rows = [np.flatnonzero(self._fold == each) for each in range(self._numbers.size)]
        self._probe = probe
        self._curvature = curvature
        self._threads = threads
        self._notes: list[str] = []
        self._solutions: list[tuple[Solution, Floats]] = []

    def logistic(self) -> Fit:
        """Fit each label by itself, on all but each fold."""
        n, labels = self._targets.shape
        strengths = np.full((labels, self._numbers.size), self._probe.C)
        if self._probe.C == "nested":
            strengths = self._chosen(self._logistic_losses, labels)
        without: list[Without] = [(each,) for each in range(self._numbers.size)]
        scores = np.empty((n, labels))
        weights = self._fit_logistic(without, strengths.astype(float))
        for each, rows in enumerate(self._rows):
            scores[rows] = self._design.logits(weights[:, each], rows)
        return self._fit(scores)

    def softmax(self) -> Fit:
        """Fit all classes together, on all but each fold."""
        strengths = np.full((1, self._numbers.size), self._probe.C)
        if self._probe.C == "nested":
            strengths = self._chosen(self._softmax_losses, 1)
        without: list[Without] = [(each,) for each in range(self._numbers.size)]
        scores = np.empty(self._targets.shape)
        weights = self._fit_softmax(without, strengths[0].astype(float))
        for each, rows in enumerate(self._rows):
            scores[rows] = _shares(self._design.logits(weights[each], rows))
        return self._fit(scores)

    def _fit(self, scores: Floats) -> Fit:
        worst = max(
            (float((found.decrement / scale).max()) for found, scale in self._solutions),
            default=0.0,
        )
        if worst > _CONVERGED:
            unfinished = sum(
                int((found.decrement > _CONVERGED * scale).sum())
                for found, scale in self._solutions
            )
            self._notes.append(
                f"{unfinished:,} fits stopped before the optimum "
                f"(relative decrement {worst:.1e}, aimed at {EXACT:.0e})"
            )
        passes = max((found.passes for found, _ in self._solutions), default=0)
        return Fit(scores, tuple(self._notes), passes, worst)

    def _fit_logistic(self, without: list[Without], strengths: Floats) -> Floats:
        """Solve every label on all rows but those of some folds, float64[labels, problems, width].

        `strengths`, float64[labels, problems], is `C`.
        """
        answers = np.repeat(self._targets.astype(np.int8)[:, :, None], len(without), axis=2)
        for problem, folds in enumerate(without):
            answers[np.isin(self._fold, folds), :, problem] = -1
        positives = (answers == 1).sum(axis=0)
        negatives = (answers == 0).sum(axis=0)
        solvable = (positives > 0) & (negatives > 0)
        if not solvable.all():
            self._notes.append(
                f"{int((~solvable).sum()):,} fits had rows of one class only; their scores are all "
                "the same"
            )
        weigh = self._probe.weights == "balanced"
        total = positives + negatives
        pull = [
            strengths * (total / np.maximum(2.0 * counts, 1.0) if weigh else 1.0)
            for counts in (negatives, positives)
        ]
        weights = np.zeros((*solvable.shape, self._design.width))
        weights[..., self._design.intercept] = np.where(positives > 0, 1.0, -1.0)
        if not solvable.any():
            return weights
        columns = LogisticColumns(
            np.ascontiguousarray(answers[:, solvable]), pull[0][solvable], pull[1][solvable]
        )
        found = fit_logistic(self._design, columns, self._curvature, threads=self._threads)
        scale = (pull[0] * negatives + pull[1] * positives)[solvable]
        self._solutions.append((found, scale))
        weights[solvable] = found.weights
        return weights

    def _fit_softmax(self, without: list[Without], strengths: Floats) -> Floats:
        """Solve all classes on all rows but those of some folds, float64[problems, classes, width].

        Classes that a training part lacks are left out of its fit, and get no share.
        """
        classes = self._targets.argmax(axis=1)
        training = np.stack([~np.isin(self._fold, folds) for folds in without], axis=1)
        counts = np.stack(
            [np.bincount(classes[rows], minlength=self._targets.shape[1]) for rows in training.T]
        )
        weights = np.zeros((*counts.shape, self._design.width))
        weights[..., self._design.intercept] = np.where(counts > 0, 0.0, -1e3)
        for present in np.unique(counts > 0, axis=0):
            chosen = np.flatnonzero(((counts > 0) == present).all(axis=1))
            if present.sum() < 2:
                self._notes.append(f"{chosen.size:,} fits had rows of one class only")
                continue
            found = self._solve_softmax(classes, training, counts, strengths, chosen, present)
            weights[np.ix_(chosen, present)] = found
        return weights

    def _solve_softmax(
        self,
        classes: Whole,
        training: NDArray[np.bool_],
        counts: Whole,
        strengths: Floats,
        chosen: Whole,
        present: NDArray[np.bool_],
    ) -> Floats:
        held = counts[np.ix_(chosen, present)]
        total = held.sum(axis=1, keepdims=True)
        pull = np.repeat(strengths[chosen, None], held.shape[1], axis=1)
        if self._probe.weights == "balanced":
            pull = pull * total / (held.shape[1] * held)
        renumbered = np.maximum(np.cumsum(present) - 1, 0)[classes]
        found = fit_softmax(
            self._design,
            renumbered,
            np.ascontiguousarray(training[:, chosen]),
            pull,
            self._curvature,
            threads=self._threads,
        )
        self._solutions.append((found, (pull * held).sum(axis=1)))
        return found.weights.reshape(chosen.size, held.shape[1], -1)

    def _chosen(self, losses: Callable[[list[Without], float], Floats], labels: int) -> Floats:
        """Choose `C` for each label and outer fold by the log loss of the inner folds.

        The fit without folds `a` and `b` serves both as inner fold `b` of `a` and as `a` of `b`.
        """
        count = self._numbers.size
        pairs: list[Without] = list(combinations(range(count), 2))
        total = np.zeros((len(INVERSE_STRENGTHS), labels, count))
        for place, strength in enumerate(INVERSE_STRENGTHS):
            per_pair = losses(pairs, strength)
            for number, (a, b) in enumerate(pairs):
                total[place, :, a] += per_pair[number, :, 1]
                total[place, :, b] += per_pair[number, :, 0]
        # A few bits of rounding are no reason to prefer a weaker penalty.
        best = total.min(axis=0)
        within = total <= best + 1e-9 * np.abs(best)
        chosen: Floats = np.asarray(INVERSE_STRENGTHS)[within.argmax(axis=0)]
        return chosen

    def _logistic_losses(self, pairs: list[Without], strength: float) -> Floats:
        """Log loss on both folds that each fit was made without, float64[pairs, labels, 2]."""
        labels = self._targets.shape[1]
        weights = self._fit_logistic(pairs, np.full((labels, len(pairs)), strength))
        out = np.empty((len(pairs), labels, 2))
        for number, pair in enumerate(pairs):
            for side, fold in enumerate(pair):
                rows = self._rows[fold]
                logits = self._design.logits(weights[:, number], rows)
                signed = np.where(self._targets[rows] > 0.5, -logits, logits)
                out[number, :, side] = np.logaddexp(0.0, signed).sum(axis=0)
        return out

    def _softmax_losses(self, pairs: list[Without], strength: float) -> Floats:
        weights = self._fit_softmax(pairs, np.full(len(pairs), strength))
        out = np.empty((len(pairs), 1, 2))
        for number, pair in enumerate(pairs):
            for side, fold in enumerate(pair):
                rows = self._rows[fold]
                logits = self._design.logits(weights[number], rows)
                right = logits[np.arange(rows.size), self._targets[rows].argmax(axis=1)]
                out[number, 0, side] = (np.logaddexp.reduce(logits, axis=1) - right).sum()
        return out


def _shares(logits: Floats) -> Floats:
    shifted: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
