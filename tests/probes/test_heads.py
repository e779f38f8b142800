"""Heads against scikit-learn's estimators fitted by hand, fold by fold."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

from genomark.errors import UnknownNameError, UsageError
from genomark.probes import heads
from genomark.probes.heads import HEADS, cross_validated_head

N = 120
FOLD = np.arange(N) % 3
QUICK: dict[str, dict[str, Any]] = {
    "knn": {},
    "forest": {"n_estimators": 10},
    "mlp": {"hidden_layer_sizes": (8,), "max_iter": 400, "learning_rate_init": 0.02},
    "sklearn-logistic": {},
    "sklearn-linear": {},
}


def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)


def targets_of(kind: str) -> np.ndarray:
    x = vectors().astype(np.float64)
    random = np.random.default_rng(1)
    if kind == "regression":
        return np.column_stack([x[:, 0] - x[:, 1], x[:, 2]]) + random.normal(size=(N, 2)) * 0.1
    if kind == "multi-class":
        return np.eye(3)[(x[:, :3] + random.normal(size=(N, 3)) * 0.3).argmax(axis=1)]
    positive = x[:, : 1 if kind == "binary" else 3] + x[:, 3:4] > 0.2
    return positive.astype(np.float64)


def fold_by_fold(kind: str, make: Any, answer: Any, dtype: Any = np.float32) -> np.ndarray:
    """Fit `make()` on each training part and `answer(model, rows)` for the rest."""
    x, targets = vectors().astype(dtype), targets_of(kind)
    scores = np.empty(targets.shape)
    for number in range(3):
        train, test = number != FOLD, number == FOLD
        y = targets[train].astype(float if kind == "regression" else int)
        y = y.argmax(axis=1) if kind == "multi-class" else y
        model = make().fit(x[train], y.ravel() if y.ndim == 1 or y.shape[1] == 1 else y)
        scores[test] = answer(model, x[test])
    return scores


def ask(head: str, kind: str, **changes: Any) -> heads.HeadScores:
    arguments: dict[str, Any] = {
        "settings": QUICK.get(head),
        "x": vectors(),
        "targets": targets_of(kind),
        "fold": FOLD,
        "kind": kind,
        "seed": 5,
        **changes,
    }
    return cross_validated_head(head, **arguments)


def positive_share(model: Any, rows: np.ndarray) -> np.ndarray:
    shares = model.predict_proba(rows)
    if isinstance(shares, list):
        return np.column_stack([share[:, 1] for share in shares])
    return shares[:, 1:] if shares.shape[1] == 2 else shares


def assert_scores(found: heads.HeadScores, expected: np.ndarray, threshold: float | None) -> None:
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=1e-12)
    assert found.scores.dtype == np.float64
    assert found.threshold == threshold


@pytest.mark.parametrize("kind", ["binary", "multi-class", "multi-label"])
@pytest.mark.parametrize(("k", "metric"), [(15, "cosine"), (4, "euclidean")])
def test_neighbours_give_the_share_of_the_class_among_them(kind: str, k: int, metric: str) -> None:
    settings = {} if metric == "cosine" else {"k": k, "metric": metric}
    expected = fold_by_fold(kind, lambda: KNeighborsClassifier(k, metric=metric), positive_share)
    assert_scores(ask("knn", kind, settings=settings), expected, 0.5)


def test_neighbours_give_the_mean_value_among_them() -> None:
    expected = fold_by_fold(
        "regression",
        lambda: KNeighborsRegressor(15, metric="cosine"),
        lambda model, rows: model.predict(rows),
    )
    assert_scores(ask("knn", "regression"), expected, None)


@pytest.mark.parametrize("kind", ["binary", "multi-class", "multi-label"])
def test_a_forest_gives_shares(kind: str) -> None:
    expected = fold_by_fold(
        kind, lambda: RandomForestClassifier(10, random_state=5), positive_share
    )
    assert_scores(ask("forest", kind), expected, 0.5)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_forest_gives_values(n_targets: int) -> None:
    targets = targets_of("regression")[:, :n_targets]
    found = ask("forest", "regression", targets=targets)
    expected = np.empty((N, n_targets))
    for number in range(3):
        model = RandomForestRegressor(10, random_state=5)
        y = targets[number != FOLD]
        model.fit(vectors()[number != FOLD], y.ravel() if n_targets == 1 else y)
        expected[number == FOLD] = model.predict(vectors()[number == FOLD]).reshape(-1, n_targets)
    assert_scores(found, expected, None)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("kind", ["binary", "multi-class", "multi-label"])
def test_a_network_gives_shares(kind: str) -> None:
    expected = fold_by_fold(
        kind,
        lambda: MLPClassifier(**QUICK["mlp"], random_state=5),
        positive_share,
    )
    assert_scores(ask("mlp", kind), expected, 0.5)


def test_a_network_gives_values() -> None:
    expected = fold_by_fold(
        "regression",
        lambda: MLPRegressor(**QUICK["mlp"], random_state=5),
        lambda model, rows: model.predict(rows),
    )
    assert_scores(ask("mlp", "regression"), expected, None)


def test_the_logistic_head_is_gene_benchmarks_for_two_classes() -> None:
    expected = fold_by_fold(
        "binary",
        lambda: LogisticRegression(max_iter=5000),
        lambda model, rows: model.decision_function(rows)[:, None],
        np.float64,
    )
    assert_scores(ask("sklearn-logistic", "binary"), expected, 0.0)


def test_the_logistic_head_is_gene_benchmarks_for_more_classes() -> None:
    expected = fold_by_fold(
        "multi-class",
        lambda: LogisticRegression(max_iter=5000),
        lambda model, rows: model.decision_function(rows),
        np.float64,
    )
    assert_scores(ask("sklearn-logistic", "multi-class"), expected, 0.0)


def test_the_logistic_head_is_fitted_label_by_label() -> None:
    settings = {"C": 0.1, "tol": 1e-6, "class_weight": "balanced"}
    together = ask("sklearn-logistic", "multi-label", settings=settings).scores
    for label in range(3):
        targets = targets_of("multi-label")[:, label : label + 1]
        alone = ask("sklearn-logistic", "binary", settings=settings, targets=targets).scores
        np.testing.assert_array_equal(together[:, label], alone[:, 0])


def test_the_linear_head_is_scikit_learns() -> None:
    expected = fold_by_fold(
        "regression", LinearRegression, lambda model, rows: model.predict(rows), np.float64
    )
    assert_scores(ask("sklearn-linear", "regression"), expected, None)


# What it may depend on


@pytest.mark.parametrize("head", ["forest", "mlp"])
def test_a_seed_gives_the_same_bits_and_another_gives_others(head: str) -> None:
    first, again, other = (ask(head, "binary", seed=seed).scores for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("kind", ["multi-label", "regression"])
def test_threads_do_not_change_a_bit_of_a_forest(kind: str) -> None:
    # Leaves of 5 rows hold fractions, whose sum depends on their order.
    settings = {"n_estimators": 40, "min_samples_leaf": 5}
    one = ask("forest", kind, settings=settings, threads=1).scores
    for _ in range(3):
        np.testing.assert_array_equal(ask("forest", kind, settings=settings, threads=4).scores, one)


def test_any_whole_number_is_a_seed() -> None:
    settings = {"n_estimators": 3}
    large = ask("forest", "binary", settings=settings, seed=2**32 + 5).scores
    np.testing.assert_array_equal(large, ask("forest", "binary", settings=settings).scores)


# Warnings become notes


def test_fits_that_did_not_converge_are_noted_and_not_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    filters = list(warnings.filters)
    found = ask("sklearn-logistic", "multi-label", settings={"max_iter": 2})
    assert list(warnings.filters) == filters
    assert len(found.notes) == 1
    assert found.notes[0].startswith("9 of 9 fits stopped before they converged: lbfgs failed")
    assert "\n" not in found.notes[0]
    assert capfd.readouterr() == ("", "")


def test_a_network_that_runs_out_of_rounds_is_noted() -> None:
    found = ask("mlp", "regression", settings={"hidden_layer_sizes": 4, "max_iter": 3})
    assert found.notes[0].startswith("3 of 3 fits stopped before they converged: Stochastic")


def test_fits_that_converge_have_no_note() -> None:
    assert ask("sklearn-logistic", "binary").notes == ()


def test_other_warnings_go_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Worried(LinearRegression):
        def fit(self, x: Any, y: Any) -> Any:
            warnings.warn("something else", RuntimeWarning, stacklevel=1)
            warnings.warn("no end in sight", ConvergenceWarning, stacklevel=1)
            return super().fit(x, y)

    monkeypatch.setattr("sklearn.linear_model.LinearRegression", Worried)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = ask("sklearn-linear", "regression")
    assert [str(each.message) for each in caught] == ["something else"] * 3
    assert found.notes == ("3 of 3 fits stopped before they converged: no end in sight",)


# Nothing to fit on


@pytest.mark.parametrize("head", [head for head in HEADS if head != "sklearn-linear"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_in_training_gives_constant_scores_and_a_note(head: str, value: float) -> None:
    targets = np.full((N, 1), value)
    targets[::9] = 1 - value  # all of them in the first fold
    found = ask(head, "binary", targets=targets)
    held_out = found.scores[FOLD == 0]
    assert np.isfinite(found.scores).all()
    assert np.unique(held_out).size == 1
    assert ((held_out > found.threshold) == bool(value)).all()
    assert np.unique(found.scores[FOLD == 1]).size > 1
    assert found.notes[0] == (
        "fold 1: 1 of the labels or classes never change among the training rows, and their "
        "scores are constant"
    )


@pytest.mark.parametrize("head", [head for head in HEADS if head != "sklearn-linear"])
def test_a_label_that_cannot_be_fitted_leaves_the_others_as_they_are(head: str) -> None:
    targets = targets_of("multi-label")[:, :2]
    rare = np.zeros((N, 1))
    rare[::30] = 1.0
    found = ask(head, "multi-label", targets=np.hstack([targets, rare]))
    assert np.isfinite(found.scores).all()
    assert np.unique(found.scores[FOLD == 0, 2]).size == 1
    assert (found.scores[FOLD == 0, 2] <= found.threshold).all()
    alone = ask(head, "multi-label", targets=targets)
    np.testing.assert_array_equal(found.scores[FOLD == 0, :2], alone.scores[FOLD == 0])


@pytest.mark.parametrize("head", [head for head in HEADS if head != "sklearn-linear"])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_a_class_missing_in_training_scores_lowest(head: str, n_classes: int) -> None:
    classes = np.arange(N) // 3 % n_classes
    classes[::12] = 3
    targets = np.eye(4)[classes]
    found = ask(head, "multi-class", targets=targets)
    assert np.isfinite(found.scores).all()
    of_fold = found.scores[FOLD == 0]
    assert (of_fold[:, 3] <= of_fold[:, :n_classes].min(axis=1)).all()
    assert np.unique(of_fold[:, 3]).size == 1
    assert (of_fold.argmax(axis=1) < n_classes).all()
    assert found.notes[0].startswith(f"fold 1: {4 - n_classes if n_classes > 1 else 4} of the")


def test_two_classes_of_three_score_as_a_softmax_would() -> None:
    targets = np.hstack([targets_of("binary"), 1 - targets_of("binary"), np.zeros((N, 1))])
    found = ask("sklearn-logistic", "multi-class", targets=targets).scores
    distance = ask("sklearn-logistic", "binary").scores[:, 0]
    np.testing.assert_allclose(found[:, 0] - found[:, 1], distance, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found[:, 0] + found[:, 1], 0, atol=1e-12)


def test_more_neighbours_than_rows_are_as_many_as_there_are() -> None:
    found = ask("knn", "binary", settings={"k": 100})
    assert found.notes == ("80 neighbours at most: a fold has no more rows",)
    for number in range(3):
        share = targets_of("binary")[number != FOLD].mean()
        np.testing.assert_allclose(found.scores[number == FOLD], share)


# Refusals


def test_an_unknown_head_and_an_unknown_setting_are_named() -> None:
    with pytest.raises(UnknownNameError, match="No head named 'forrest'"):
        ask("forrest", "binary", settings={})
    with pytest.raises(UnknownNameError, match="No setting of mlp named 'max_iters'"):
        ask("mlp", "binary", settings={"max_iters": 3})
    with pytest.raises(UsageError, match="sklearn-linear has no settings, and 'C' was given"):
        ask("sklearn-linear", "regression", settings={"C": 3})


@pytest.mark.parametrize(
    ("head", "settings", "message"),
    [
        ("sklearn-logistic", {"C": -1}, "sklearn-logistic cannot be fitted: The 'C' parameter"),
        ("forest", {"n_estimators": "many"}, "forest cannot be fitted: The 'n_estimators'"),
        ("knn", {"metric": "taxi"}, "knn cannot be fitted: The 'metric' parameter"),
        ("knn", {"k": "5"}, "knn: k must be a whole number, not '5'"),
        ("knn", {"k": 0}, "knn cannot be fitted"),
    ],
)
def test_a_setting_that_scikit_learn_refuses_is_said_in_a_line(
    head: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        ask(head, "binary", settings=settings)
    assert "\n" not in str(refused.value)


def test_vectors_that_are_not_numbers_are_refused() -> None:
    x = vectors()
    x[3, 1] = np.nan
    with pytest.raises(UsageError, match="knn cannot be fitted: Input X contains NaN"):
        ask("knn", "binary", x=x)


def test_a_head_is_for_some_kinds_only() -> None:
    with pytest.raises(UsageError, match="sklearn-logistic is not for a regression task"):
        ask("sklearn-logistic", "regression")
    with pytest.raises(UsageError, match="sklearn-linear is not for a multi-class task"):
        ask("sklearn-linear", "multi-class")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fold": FOLD[:-1]}, "a row for each fold number"),
        ({"targets": np.zeros(N)}, "a row for each fold number"),
        ({"fold": np.zeros(N, int)}, "needs at least 2 folds"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask("knn", "binary", **changes)
