"""Heads that scikit-learn fits, as options beside the solvers of this room.

`knn`, `forest` and `mlp` see what is not linear. `sklearn-logistic` and `sklearn-linear` are the
heads of gene-benchmark as it runs them, to compare with: the first stops short of the optimum.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from genomark.errors import UnknownNameError, UsageError
from genomark.genes import Kind

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class HeadScores:
    """What a head answered for rows that it was not fitted on.

    Attributes
    ----------
    scores : ndarray of float64, shape (n, n_labels)
        Finite. Distances from the decision boundary, shares, or predicted values.
    threshold : float or None
        Scores above it say "positive"; None for a regression.
    notes : tuple of str
        Fits that stopped early and folds that had nothing to fit on, each in one line.
    """

    scores: Floats
    threshold: float | None
    notes: tuple[str, ...] = ()


def cross_validated_head(
    head: str,
    settings: Mapping[str, Any],
    x: Vectors,
    targets: Floats,
    fold: NDArray[np.integer],
    kind: Kind,
    seed: int,
    threads: int = 1,
) -> HeadScores:
    """Score each row by a head fitted on the rows of all other folds.

    Parameters
    ----------
    head : str
        ``knn``, ``forest``, ``mlp``, ``sklearn-logistic`` or ``sklearn-linear``.
    settings : mapping of str to object
        ``knn``: `k` (15), `metric` (``cosine``, ``euclidean``). The rest by scikit-learn's names,
        with its defaults but for `max_iter` of the logistic head. ``forest``: `n_estimators`,
        `max_depth`, `min_samples_leaf`, `max_features`. ``mlp``: `hidden_layer_sizes`, `alpha`,
        `learning_rate_init`, `max_iter`, `early_stopping`. ``sklearn-logistic``: `C`, `tol`,
        `max_iter` (5000), `class_weight`.
    x : ndarray of float32, shape (n, d)
        Used as it is.
    targets : ndarray of float64, shape (n, n_labels)
        0 or 1, one-hot, or values.
    fold : ndarray of int, shape (n,)
        Number of the fold that tests each row.
    kind : str
        ``binary``, ``multi-class``, ``multi-label`` or ``regression``.
    seed : int
        `random_state` of every fit, modulo 2**32.
    threads : int
        Used by ``forest``; changes nothing but the time.

    Returns
    -------
    HeadScores
        From `decision_function` where there is one, else the share that `predict_proba` gives the
        positive class. Where the training rows of a fold are all of one class, its scores are
        constant; a class they lack scores lowest.

    Raises
    ------
    genomark.errors.UsageError
        If the head is unknown or not for this kind of task, a setting is unknown or refused by
        scikit-learn, or shapes do not fit.
    """
    chosen = _checked(head, settings, x, targets, fold, kind)
    watch = _Watch()
    options = {**chosen.defaults, **settings}
    scores = np.empty(targets.shape)
    # One thread for sums: more would change the last digits.
    with threadpool_limits(limits=1):
        for number in np.unique(fold):
            train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            watch.fold = int(number) + 1
            ask = _Ask(x[train], x[test], kind, options, seed % 2**32, threads, watch)
            try:
                scores[test] = _fold_scores(chosen, ask, targets[train])
            except ValueError as error:
                reason = " ".join(str(error).split())
                raise UsageError(f"{head} cannot be fitted: {reason}") from error
    threshold = None if kind == "regression" else 0.0 if chosen.by_distance else 0.5
    return HeadScores(scores, threshold, watch.notes())


@dataclass
class _Watch:
    """Keeps account of what went less than well."""

    fold: int = 0
    fits: int = 0
    stopped: list[str] = field(default_factory=list)
    constant: dict[int, int] = field(default_factory=dict)
    fewer_neighbours: int | None = None

    def fit(self, estimator: Any, x: NDArray[Any], y: NDArray[Any]) -> Any:
        """Fit; a warning that it did not converge is kept, any other goes its way."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            estimator.fit(x, y)
        others = [each for each in caught if not issubclass(each.category, ConvergenceWarning)]
        self.fits += 1
        if len(others) < len(caught):
            first = next(each for each in caught if each not in others)
            self.stopped.append(str(first.message).splitlines()[0].rstrip(".:"))
        for each in others:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        return estimator

    def notes(self) -> tuple[str, ...]:
        notes = [
            f"fold {fold}: {count} of the labels or classes never change among the training rows, "
            "and their scores are constant"
            for fold, count in self.constant.items()
        ]
        if self.fewer_neighbours is not None:
            notes.append(f"{self.fewer_neighbours} neighbours at most: a fold has no more rows")
        if self.stopped:
            notes.append(
                f"{len(self.stopped)} of {self.fits} fits stopped before they converged: "
                f"{self.stopped[0]}"
            )
        return tuple(notes)


@dataclass(frozen=True)
class _Ask:
    """One fold: what to fit on and what to score."""

    x: Vectors
    test: Vectors
    kind: Kind
    settings: Mapping[str, Any]
    random_state: int
    threads: int
    watch: _Watch


@dataclass(frozen=True)
class _Head:
    """A head: takes a fold and targets that all change, float64[n, k]; scores the fold's rows."""

    score: Callable[[_Ask, Floats], Floats]
    settings: tuple[str, ...]
    defaults: dict[str, Any] = field(default_factory=dict)
    for_classes: bool = True
    for_values: bool = True
    by_distance: bool = False


def _fold_scores(head: _Head, ask: _Ask, targets: Floats) -> Floats:
    """Score the rows of one fold; what never changes among its training rows is set apart."""
    if ask.kind == "regression":
        return head.score(ask, targets)
    changes = np.flatnonzero(targets.min(axis=0) < targets.max(axis=0))
    scores = np.empty((ask.test.shape[0], targets.shape[1]))
    # On both scales the value of a certain answer lies beyond the threshold.
    scores[:] = targets[0] * 2 - 1 if head.by_distance else targets[0]
    if changes.size < targets.shape[1]:
        ask.watch.constant[ask.watch.fold] = targets.shape[1] - changes.size
    if changes.size:
        found = head.score(ask, targets[:, changes])
        scores[:, changes] = found
        if head.by_distance and ask.kind == "multi-class" and changes.size < targets.shape[1]:
            scores[:, np.setdiff1d(np.arange(targets.shape[1]), changes)] = found.min() - 1.0
    return scores


def _knn(ask: _Ask, targets: Floats) -> Floats:
    """Mean target of the nearest rows, which for a class is its share."""
    from sklearn.neighbors import KNeighborsRegressor

    k = ask.settings["k"]
    if not isinstance(k, int):
        raise UsageError(f"knn: k must be a whole number, not {k!r}")
    if k > ask.x.shape[0]:
        k = ask.watch.fewer_neighbours = ask.x.shape[0]
    model = KNeighborsRegressor(k, metric=ask.settings["metric"], algorithm="brute")
    return np.asarray(ask.watch.fit(model, ask.x, targets).predict(ask.test))


def _forest(ask: _Ask, targets: Floats) -> Floats:
    """One forest for all labels."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    made = RandomForestRegressor if ask.kind == "regression" else RandomForestClassifier
    model = made(n_jobs=ask.threads, random_state=ask.random_state, **ask.settings)
    ask.watch.fit(model, ask.x, _answers(ask.kind, targets))
    # Trees are added up in the order in which threads are done.
    model.set_params(n_jobs=1)
    if ask.kind == "regression":
        return _as_columns(model.predict(ask.test))
    shares = model.predict_proba(ask.test)
    if ask.kind == "multi-class":
        return np.asarray(shares)
    each_label = shares if isinstance(shares, list) else [shares]
    return np.column_stack([share[:, 1] for share in each_label])


def _mlp(ask: _Ask, targets: Floats) -> Floats:
    """One network for all labels."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    made = MLPRegressor if ask.kind == "regression" else MLPClassifier
    model = made(random_state=ask.random_state, **ask.settings)
    ask.watch.fit(model, ask.x, _answers(ask.kind, targets))
    if ask.kind == "regression":
        return _as_columns(model.predict(ask.test))
    shares = model.predict_proba(ask.test)
    return np.asarray(shares if shares.shape[1] == targets.shape[1] else shares[:, 1:])


def _logistic(ask: _Ask, targets: Floats) -> Floats:
    """One fit for each label, or one over all classes; in float64, as gene-benchmark has it."""
    from sklearn.linear_model import LogisticRegression

    x, test = ask.x.astype(np.float64), ask.test.astype(np.float64)
    answers = _answers(ask.kind, targets)
    if ask.kind == "multi-class":
        model = ask.watch.fit(LogisticRegression(**ask.settings), x, answers)
        logits = np.asarray(model.decision_function(test))
        return logits if logits.ndim == 2 else np.column_stack([-logits / 2, logits / 2])
    return np.column_stack(
        [
            ask.watch.fit(LogisticRegression(**ask.settings), x, column).decision_function(test)
            for column in answers.reshape(x.shape[0], -1).T
        ]
    )


def _linear(ask: _Ask, targets: Floats) -> Floats:
    from sklearn.linear_model import LinearRegression

    model = ask.watch.fit(LinearRegression(), ask.x.astype(np.float64), targets)
    return np.asarray(model.predict(ask.test.astype(np.float64)))


def _answers(kind: Kind, targets: Floats) -> NDArray[Any]:
    """Targets as scikit-learn takes them: one column as a vector, classes by number."""
    if kind == "multi-class":
        return np.asarray(targets.argmax(axis=1))
    answers = targets if kind == "regression" else targets.astype(np.int64)
    return answers[:, 0] if answers.shape[1] == 1 else answers


def _as_columns(values: Floats) -> Floats:
    return values.reshape(values.shape[0], -1)


_HEADS = {
    "knn": _Head(_knn, ("k", "metric"), {"k": 15, "metric": "cosine"}),
    "forest": _Head(_forest, ("n_estimators", "max_depth", "min_samples_leaf", "max_features")),
    "mlp": _Head(
        _mlp,
        ("hidden_layer_sizes", "alpha", "learning_rate_init", "max_iter", "early_stopping"),
    ),
    "sklearn-logistic": _Head(
        _logistic,
        ("C", "tol", "max_iter", "class_weight"),
        {"max_iter": 5000},
        for_values=False,
        by_distance=True,
    ),
    "sklearn-linear": _Head(_linear, (), for_classes=False),
}
#: Names of the heads.
HEADS = tuple(_HEADS)


def _checked(
    head: str,
    settings: Mapping[str, Any],
    x: Vectors,
    targets: Floats,
    fold: NDArray[np.integer],
    kind: Kind,
) -> _Head:
    if head not in _HEADS:
        raise UnknownNameError("head", head, _HEADS)
    chosen = _HEADS[head]
    for name in settings:
        if not chosen.settings:
            raise UsageError(f"{head} has no settings, and {name!r} was given")
        if name not in chosen.settings:
            raise UnknownNameError(f"setting of {head}", name, chosen.settings)
    if not (chosen.for_values if kind == "regression" else chosen.for_classes):
        raise UsageError(f"{head} is not for a {kind} task")
    if x.ndim != 2 or targets.ndim != 2 or not (x.shape[0],) == targets.shape[:1] == fold.shape:
        raise UsageError(
            "vectors and targets must be matrices with a row for each fold number, not of shapes "
            f"{x.shape}, {targets.shape} and {fold.shape}"
        )
    if np.unique(fold).size < 2:
        raise UsageError("a head needs at least 2 folds: one to test, the rest to fit on")
    return chosen
