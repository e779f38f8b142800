"""The probes against scikit-learn at tight tolerance: same objective, same optimum."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from genomark.errors import UnknownNameError, UsageError
from genomark.probes import (
    Curvature,
    DenseDesign,
    PairDesign,
    Probe,
    cross_validate,
    parse_probe,
    scaling_of,
    settings_of,
)
from genomark.probes.probe import INVERSE_STRENGTHS

FOLDS = 5


def vectors(n: int, d: int, seed: int = 0, *, unit: bool = False) -> np.ndarray:
    """A power-law spectrum with a common offset, as embeddings have."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    x = rng.standard_normal((n, d)) * np.arange(1, d + 1) ** -0.6 @ turn
    x = x / x.std(axis=0) * rng.uniform(0.5, 1.5, d) + rng.standard_normal(d)
    if unit:
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float32)


def answers(x: np.ndarray, share: float = 0.3, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    told = (x - x.mean(axis=0)) @ rng.standard_normal(x.shape[1])
    told = told / told.std() * 1.5 + rng.logistic(size=len(x))
    return (told > np.quantile(told, 1 - share)).astype(np.float64)


def folds_of(n: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.arange(n) % FOLDS)


def dense(x: np.ndarray, scale: str = "none") -> DenseDesign:
    return DenseDesign.of(x, np.arange(len(x)), scaling_of(x, scale))


def exact(x: np.ndarray, y: np.ndarray, fold: np.ndarray, **settings: object) -> np.ndarray:
    """Out-of-fold decision values of scikit-learn at its optimum."""
    x = x.astype(np.float64)
    out = np.empty(len(y))
    for each in np.unique(fold):
        test = fold == each
        model = LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=500, **settings)
        out[test] = model.fit(x[~test], y[~test]).decision_function(x[test])
    return out


def check(found: np.ndarray, expected: np.ndarray, y: np.ndarray, fold: np.ndarray) -> None:
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    for each in np.unique(fold):
        test = fold == each
        positives, negatives = y[test].sum(), (1 - y[test]).sum()
        ours = roc_auc_score(y[test], found[test])
        theirs = roc_auc_score(y[test], expected[test])
        assert abs(ours - theirs) <= max(1e-6, 2 / (positives * negatives))


def solve(design, kind, y, fold, spec="linear:scale=none", threads=1):
    targets = y if y.ndim == 2 else y[:, None]
    return cross_validate(
        design,
        kind,
        targets,
        fold,
        parse_probe(spec),
        Curvature(design),
        seed=0,
        threads=threads,
    )


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize(("n", "d"), [(1200, 96), (300, 96), (60, 96), (1200, 5)])
def test_binary_agrees_with_scikit_learn_at_its_optimum(n, d, unit):
    x = vectors(n, d, unit=unit)
    y, fold = answers(x), folds_of(n)
    fit = solve(dense(x), "binary", y, fold)
    centred = x - scaling_of(x, "none").mean
    check(fit.scores[:, 0], exact(centred, y, fold), y, fold)
    assert fit.decrement < 1e-13
    assert fit.notes == ()


def test_balanced_weights_agree_with_scikit_learn():
    x = vectors(800, 40)
    y, fold = answers(x, share=0.1), folds_of(800)
    fit = solve(dense(x), "binary", y, fold, "linear:scale=none,weights=balanced,C=0.3")
    expected = exact(x - x.mean(axis=0), y, fold, C=0.3, class_weight="balanced")
    check(fit.scores[:, 0], expected, y, fold)


def test_labels_are_solved_together_as_if_each_were_alone():
    x = vectors(900, 60)
    y = np.stack([answers(x, share, seed) for seed, share in enumerate((0.05, 0.2, 0.4) * 8)], 1)
    fold = folds_of(900)
    design = dense(x)
    fit = solve(design, "multi-label", y, fold)
    for label in (0, 7, 23):
        expected = exact(x - x.mean(axis=0), y[:, label], fold)
        check(fit.scores[:, label], expected, y[:, label], fold)
    again = solve(design, "multi-label", y, fold, threads=2)
    np.testing.assert_array_equal(fit.scores, again.scores)


@pytest.mark.parametrize("balanced", [False, True])
def test_multinomial_agrees_with_scikit_learn(balanced):
    x = vectors(900, 30)
    rng = np.random.default_rng(3)
    told = (x - x.mean(axis=0)) @ rng.standard_normal((30, 4)) + rng.gumbel(size=(900, 4)) * 4
    classes, fold = told.argmax(axis=1), folds_of(900)
    spec = "linear:scale=none" + (",weights=balanced" if balanced else "")
    fit = solve(dense(x), "multi-class", np.eye(4)[classes], fold, spec)
    centred = (x - x.mean(axis=0)).astype(np.float64)
    weight = "balanced" if balanced else None
    for each in range(FOLDS):
        test = fold == each
        model = LogisticRegression(
            solver="newton-cholesky", tol=1e-12, max_iter=500, class_weight=weight
        )
        shares = model.fit(centred[~test], classes[~test]).predict_proba(centred[test])
        np.testing.assert_allclose(fit.scores[test], shares, atol=2e-6)


@pytest.mark.parametrize("joined", [False, True])
def test_pairs_agree_with_scikit_learn_on_the_matrix_that_is_never_built(joined):
    x = vectors(80, 20)
    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 80, 1000), rng.integers(0, 80, 1000)
    matrix = np.hstack([x[first], x[second]]) if joined else (x[first] + x[second]) / 2
    y, fold = answers(matrix), folds_of(1000)
    entities = DenseDesign(x)
    fit = solve(PairDesign(entities, first, second, joined=joined), "binary", y, fold)
    check(fit.scores[:, 0], exact(matrix, y, fold), y, fold)


def test_sparse_pairs_agree_with_scikit_learn():
    rng = np.random.default_rng(5)
    first, second = rng.integers(0, 40, 600), rng.integers(0, 40, 600)
    matrix = (np.eye(40)[first] + np.eye(40)[second]) / 2
    y, fold = answers(matrix), folds_of(600)
    identity = csr_array(np.eye(40, dtype=np.float32))
    fit = solve(PairDesign(identity, first, second), "binary", y, fold)
    check(fit.scores[:, 0], exact(matrix, y, fold), y, fold)


def test_nested_strength_is_that_of_a_plain_loop():
    x = vectors(250, 12)
    y, fold = answers(x), folds_of(250)
    centred = (x - x.mean(axis=0)).astype(np.float64)
    fit = solve(dense(x), "binary", y, fold, "linear:scale=none,C=nested")
    expected = np.empty(250)
    for outer in range(FOLDS):
        losses = np.zeros(len(INVERSE_STRENGTHS))
        for place, strength in enumerate(INVERSE_STRENGTHS):
            for inner in set(range(FOLDS)) - {outer}:
                train = (fold != outer) & (fold != inner)
                model = LogisticRegression(
                    C=strength, solver="newton-cholesky", tol=1e-12, max_iter=500
                ).fit(centred[train], y[train])
                f = model.decision_function(centred[fold == inner])
                losses[place] += np.logaddexp(0, np.where(y[fold == inner] > 0, -f, f)).sum()
        test = fold == outer
        best = INVERSE_STRENGTHS[int(losses.argmin())]
        model = LogisticRegression(C=best, solver="newton-cholesky", tol=1e-12, max_iter=500)
        expected[test] = model.fit(centred[~test], y[~test]).decision_function(centred[test])
    np.testing.assert_allclose(fit.scores[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_standard_scale_makes_the_scale_of_the_numbers_irrelevant():
    x = vectors(400, 24)
    y, fold = answers(x), folds_of(400)
    stretched = (x * np.float32(1e4) * np.linspace(0.01, 100, 24, dtype=np.float32)).astype("f4")
    one, other = (solve(dense(each, "standard"), "binary", y, fold) for each in (x, stretched))
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    raw, tiny = (solve(dense(each), "binary", y, fold) for each in (x, x * np.float32(1e-3)))
    assert np.abs(raw.scores - tiny.scores).max() > 0.1


def test_standard_vectors_have_a_mean_squared_length_of_one():
    x = np.hstack([vectors(500, 33), np.full((500, 3), 7, np.float32)])
    scaled = dense(x, "standard").features
    assert np.square(scaled, dtype=np.float64).sum(axis=1).mean() == pytest.approx(1, abs=1e-5)
    assert not scaled[:, 33:].any()
    np.testing.assert_allclose(dense(x, "variance").features[:, :33].std(axis=0), 1, atol=1e-4)


def test_perfectly_separable_labels_have_an_optimum():
    x = vectors(200, 30)
    y, fold = (x[:, 0] > x[:, 0].mean()).astype(float), folds_of(200)
    x[:, 0] += 40 * y
    fit = solve(dense(x), "binary", y, fold)
    expected = exact(x - x.mean(axis=0), y, fold)
    assert np.abs(fit.scores[:, 0] - expected).max() <= 1e-4 * np.abs(expected).max()
    assert fit.notes == ()


def test_a_training_part_of_one_class_gives_constant_scores_and_a_note():
    x = vectors(50, 6)
    fold = np.arange(50) % FOLDS
    y = (fold == 2).astype(float)
    fit = solve(dense(x), "binary", y, fold)
    assert np.unique(fit.scores[fold == 2]).size == 1
    assert np.isfinite(fit.scores).all()
    assert fit.notes == ("1 fits had rows of one class only; their scores are all the same",)


def test_fewer_than_ten_rows():
    x = vectors(8, 20)
    y, fold = np.array([0, 1] * 4, dtype=float), np.arange(8) // 4
    fit = solve(dense(x), "binary", y, fold, "linear:scale=none,folds=2")
    expected = exact(x - x.mean(axis=0), y, fold)
    np.testing.assert_allclose(fit.scores[:, 0], expected, rtol=1e-4)


def test_a_fit_that_stops_early_says_so(monkeypatch):
    import genomark.probes.logistic as logistic

    whole = logistic.minimise
    monkeypatch.setattr(logistic, "minimise", lambda *a, **k: whole(*a, **{**k, "limit": 1}))
    x = vectors(400, 50)
    fit = solve(dense(x), "binary", answers(x), folds_of(400))
    assert fit.decrement > 1e-12
    assert "stopped before the optimum" in fit.notes[0]


def test_regression_predicts_what_is_linear():
    x = vectors(300, 10)
    values = x.astype(np.float64) @ np.arange(10.0)
    fit = solve(dense(x), "regression", values, folds_of(300), "linear:scale=none,alpha=0")
    np.testing.assert_allclose(fit.scores[:, 0], values, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("spec", "written"),
    [
        ("linear", "linear"),
        ("linear:C=0.5,scale=none", "linear:C=0.5,scale=none"),
        ("linear:C=nested,repeats=3", "linear:C=nested,repeats=3"),
        ("linear:permuted=yes", "linear:permuted=yes"),
        ("knn:k=5", "knn:scale=variance,k=5"),
        ("sklearn:C=0.1", "sklearn:scale=none,C=0.1"),
    ],
)
def test_a_spec_reads_as_it_is_written(spec, written):
    assert str(parse_probe(spec)) == written
    assert str(parse_probe(written)) == written


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("linear:C=0", "C must be above 0"),
        ("linear:alpha=-1", "alpha must be 0 or more"),
        ("linear:folds=1", "folds are 2 to 100"),
        ("linear:C=nested,folds=2", "at least 3 folds"),
        ("linear:scale=unit", "Invalid enum value"),
        ("linear:depth=3", "unknown setting 'depth'"),
        ("linear:C", "expected key=value"),
    ],
)
def test_a_bad_spec_is_one_clear_line(spec, message):
    with pytest.raises(UsageError, match=message):
        parse_probe(spec)


def test_an_unknown_head_suggests_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'forest'"):
        parse_probe("florest")


def test_settings_are_all_there_is():
    assert settings_of(Probe())["C"] == 1.0
    assert set(settings_of(Probe())) == set(Probe.__struct_fields__)


def test_nothing_warns_on_the_way():
    x = vectors(100, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(dense(x), "binary", answers(x), folds_of(100))
