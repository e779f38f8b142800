"""Linear heads on a table of features: what embedders, k-mer counts and one-hot bases share.

The strength of the L2 penalty is chosen on the validation part, and the head is then fitted on
both parts together: two steps, and no test sequence in either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from genomark.probes import Curvature, DenseDesign, Scaling, one_thread, scaling_of
from genomark.probes.design import Scale
from genomark.probes.logistic import LogisticColumns, fit_logistic
from genomark.probes.softmax import fit_softmax
from genomark.sequences import Kind

if TYPE_CHECKING:
    from sklearn.linear_model import Ridge

Floats = NDArray[np.float64]

#: Tried where the strength is to be chosen; of equals the stronger penalty.
INVERSE_STRENGTHS = tuple(10.0**power for power in range(-5, 3))
ALPHAS = tuple(10.0**power for power in range(5, -4, -1))
#: The columns of a class that the training part lacks.
_NEVER = -1e3

Choice = float | Literal["valid"]


@dataclass(frozen=True)
class LinearHead:
    """Weights on features; the strength that was chosen, and how each did on `valid`.

    Attributes
    ----------
    kind : str
    weights : ndarray of float64, shape (n_labels, n_features + 1)
        The intercept last.
    scaling : Scaling
        Of the features, as worked out on the rows that were fitted on.
    strength : tuple of float
        `C`, or `alpha` for values; one a label where they were chosen apart.
    tried : tuple of (float, float)
        Strength and mean log loss (or mean squared error) on `valid`; empty where it was given.
    """

    kind: Kind
    weights: Floats
    scaling: Scaling
    strength: tuple[float, ...]
    tried: tuple[tuple[float, float], ...] = ()

    def answers(self, features: NDArray[Any]) -> Floats:
        """Decision values, probabilities of classes, or values, float64[n, n_labels]."""
        centred = (features - self.scaling.mean) * self.scaling.factor
        scores: Floats = centred @ self.weights[:, :-1].T + self.weights[:, -1]
        if self.kind in ("multi-class", "token-classes"):
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            scores /= scores.sum(axis=1, keepdims=True)
        return scores


def fit_linear(
    kind: Kind,
    features: NDArray[Any],
    targets: Floats,
    n_train: int,
    *,
    scale: Scale = "standard",
    strength: Choice = "valid",
    threads: int = 1,
) -> LinearHead:
    """Choose the penalty on the rows after `n_train`, then fit on all.

    Parameters
    ----------
    kind : str
        Of sequences, or of positions taken as rows.
    features : ndarray of float, shape (n, n_features)
        Those of the training part first, those of the validation part after them.
    targets : ndarray of float64, shape (n, n_labels)
        As of a `LabelledSequences`; of positions one-hot or values.
    n_train : int
    scale : str
        As for `genomark.probes.Probe`.
    strength : float or "valid"
        `C` of scikit-learn's ``LogisticRegression`` for classes, `alpha` of its ``Ridge`` for
        values.
    threads : int
        No weight depends on it.
    """
    scaling = scaling_of(np.asarray(features, np.float32), scale)
    if kind in ("regression", "token-regression"):
        return _fit_values(kind, features, targets, n_train, scaling, strength)
    rows = np.arange(len(features))
    design = _design(features, scaling)
    with one_thread():
        solver = _Classes(kind, design, targets, threads)
        tried: list[tuple[float, float]] = []
        if strength == "valid":
            weights = solver.solve(rows < n_train, INVERSE_STRENGTHS)
            losses = [solver.loss(each, rows[n_train:]) for each in weights]
            tried = list(zip(INVERSE_STRENGTHS, losses, strict=True))
            strength = INVERSE_STRENGTHS[int(np.argmin(losses))]
        (whole,) = solver.solve(rows >= 0, (strength,))
    kept = [*range(features.shape[1]), design.intercept]
    return LinearHead(kind, whole[:, kept], scaling, (strength,), tuple(tried))


def _design(features: NDArray[Any], scaling: Scaling) -> DenseDesign:
    scaled = (features - scaling.mean) * scaling.factor
    return DenseDesign(np.asarray(scaled, np.float32))


class _Classes:
    """The logistic problems of one table: every strength is solved at once."""

    def __init__(self, kind: Kind, design: DenseDesign, targets: Floats, threads: int) -> None:
        self._kind = kind
        self._design = design
        self._targets = targets
        self._curvature = Curvature(design)
        self._threads = threads
        self._exclusive = kind in ("multi-class", "token-classes")

    def solve(self, training: NDArray[np.bool_], strengths: tuple[float, ...]) -> list[Floats]:
        """Fit on some rows, float64[n_labels, width] for each strength."""
        solve = self._softmax if self._exclusive else self._logistic
        return solve(training, np.asarray(strengths))

    def loss(self, weights: Floats, rows: NDArray[np.int64]) -> float:
        """Mean log loss of some rows."""
        logits, truth = self._design.logits(weights, rows), self._targets[rows]
        if self._exclusive:
            right = (logits * truth).sum(axis=1)
            return float((np.logaddexp.reduce(logits, axis=1) - right).mean())
        return float(np.logaddexp(0.0, np.where(truth > 0.5, -logits, logits)).mean())

    def _logistic(self, training: NDArray[np.bool_], strengths: Floats) -> list[Floats]:
        labels = self._targets.shape[1]
        answers = np.where(training[:, None], self._targets, -1.0).astype(np.int8)
        varied = np.array([np.unique(each[training]).size > 1 for each in self._targets.T])
        weights = np.zeros((strengths.size, labels, self._design.width))
        mean = self._targets[training].mean(axis=0)
        weights[:, :, self._design.intercept] = np.where(mean > 0.5, 1.0, -1.0)
        if varied.any():
            pull = np.repeat(strengths, int(varied.sum()))
            columns = LogisticColumns(
                np.ascontiguousarray(np.tile(answers[:, varied], strengths.size)), pull, pull
            )
            found = fit_logistic(self._design, columns, self._curvature, threads=self._threads)
            weights[:, varied] = found.weights.reshape(strengths.size, -1, self._design.width)
        return list(weights)

    def _softmax(self, training: NDArray[np.bool_], strengths: Floats) -> list[Floats]:
        classes = self._targets.argmax(axis=1)
        present = np.bincount(classes[training], minlength=self._targets.shape[1]) > 0
        number = np.maximum(np.cumsum(present) - 1, 0)[classes]
        weights = np.zeros((strengths.size, present.size, self._design.width))
        weights[:, ~present, self._design.intercept] = _NEVER
        if present.sum() > 1:
            found = fit_softmax(
                self._design,
                number,
                np.repeat(training[:, None], strengths.size, axis=1),
                np.repeat(strengths[:, None], int(present.sum()), axis=1),
                self._curvature,
                threads=self._threads,
            )
            weights[:, present] = found.weights.reshape(
                strengths.size, int(present.sum()), self._design.width
            )
        return list(weights)


def _fit_values(
    kind: Kind,
    features: NDArray[Any],
    targets: Floats,
    n_train: int,
    scaling: Scaling,
    strength: Choice,
) -> LinearHead:
    """Fit each measured value by itself, on the rows where it was measured."""
    scaled = np.asarray((features - scaling.mean) * scaling.factor, np.float64)
    weights = np.zeros((targets.shape[1], features.shape[1] + 1))
    chosen: list[float] = []
    total = np.zeros(len(ALPHAS))
    for label, values in enumerate(targets.T):
        told = np.flatnonzero(~np.isnan(values))
        alpha = strength
        if alpha == "valid":
            train, valid = told[told < n_train], told[told >= n_train]
            errors = np.array(
                [
                    _error(_ridge(each, scaled, values, train), scaled, values, valid)
                    for each in ALPHAS
                ]
            )
            total += errors / targets.shape[1]
            alpha = ALPHAS[int(np.argmin(errors))]
        model = _ridge(alpha, scaled, values, told)
        weights[label] = [*model.coef_, model.intercept_]
        chosen.append(float(alpha))
    tried = tuple(zip(ALPHAS, total.tolist(), strict=True)) if strength == "valid" else ()
    return LinearHead(kind, weights, scaling, tuple(chosen), tried)


def _ridge(alpha: float, features: Floats, values: Floats, rows: NDArray[np.int64]) -> Ridge:
    from sklearn.linear_model import Ridge

    with one_thread():
        return Ridge(alpha=alpha, solver="cholesky").fit(features[rows], values[rows])


def _error(model: Ridge, features: Floats, values: Floats, rows: NDArray[np.int64]) -> float:
    """Mean squared error; 0 where nothing was measured, which prefers no strength."""
    return float(np.mean((model.predict(features[rows]) - values[rows]) ** 2)) if rows.size else 0.0
