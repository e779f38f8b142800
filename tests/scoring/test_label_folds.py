"""Fold by fold the metrics are scikit-learn's on the same arrays."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from genomark.scoring import FOLD_METRICS, LabelAnswers, fold_values


def quietly(metric, *arrays, **options):
    """A metric without scikit-learn's warnings of what it sets to 0 or cannot define."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(metric(*arrays, **options))


def hard_metrics(truth, hard, **average):
    return [
        quietly(metric, truth, hard, **average)
        for metric in (metrics.precision_score, metrics.recall_score, metrics.f1_score)
    ]


def binary(truth, scores):
    truth, scores, hard = truth[:, 0], scores[:, 0], scores[:, 0] > 0
    return [
        quietly(metrics.roc_auc_score, truth, scores),
        quietly(metrics.accuracy_score, truth, hard),
        *hard_metrics(truth, hard),
    ]


def multi_class(truth, scores):
    auroc = math.nan
    if np.unique(truth.argmax(axis=1)).size > 1:
        auroc = quietly(metrics.roc_auc_score, truth, scores, average="weighted")
    truth, hard = truth.argmax(axis=1), scores.argmax(axis=1)
    accuracy = quietly(metrics.accuracy_score, truth, hard)
    return [auroc, accuracy, *hard_metrics(truth, hard, average="weighted")]


def multi_label(truth, scores):
    hard = (scores > 0).astype(float)
    return [
        quietly(metrics.roc_auc_score, truth, scores, average="macro"),
        # What gene-benchmark makes of `make_scorer(roc_auc_score, average="weighted")`.
        quietly(metrics.roc_auc_score, truth, hard, average="weighted"),
        quietly(metrics.hamming_loss, truth, hard),
        quietly(metrics.accuracy_score, truth, hard),
        *hard_metrics(truth, hard, average="weighted"),
    ]


def regression(truth, scores):
    return [
        quietly(metrics.r2_score, truth, scores),
        quietly(metrics.root_mean_squared_error, truth, scores),
        quietly(metrics.mean_absolute_error, truth, scores),
    ]


PLAIN = {
    "binary": binary,
    "multi-class": multi_class,
    "multi-label": multi_label,
    "regression": regression,
}
each_kind = pytest.mark.parametrize("kind", PLAIN)


def answers_of(kind, n, seed, *, folds=3, n_labels=4):
    random = np.random.default_rng(seed)
    n_labels = 1 if kind in ("binary", "regression") else n_labels
    if kind == "regression":
        truth = random.normal(size=(n, 1))
    elif kind == "multi-class":
        truth = np.eye(n_labels)[random.integers(0, n_labels, n)]
    else:
        truth = (random.random((n, n_labels)) < 0.3).astype(float)
    scores = (truth + random.normal(-0.5, 1, truth.shape)).astype(np.float32)
    labels = tuple("abcd"[:n_labels])
    return LabelAnswers(
        kind, labels, scores, truth, np.sort(random.integers(0, folds, n)), np.arange(n)
    )


def plain_values(answers):
    folds = range(answers.folds.max() + 1)
    rows = [answers.folds == fold for fold in folds]
    found = [PLAIN[answers.kind](answers.truth[each], answers.scores[each]) for each in rows]
    return dict(zip(FOLD_METRICS[answers.kind], np.array(found).T, strict=True))


def assert_same(found, expected):
    assert tuple(found) == tuple(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


@each_kind
@pytest.mark.parametrize("seed", [0, 1])
def test_they_are_those_of_scikit_learn(kind, seed):
    answers = answers_of(kind, 300, seed)
    assert_same(fold_values(answers), plain_values(answers))


def test_probabilities_of_classes_are_scored_one_against_the_rest():
    answers = answers_of("multi-class", 200, 3)
    odds = np.exp(answers.scores.astype(float))
    chances = odds / odds.sum(axis=1, keepdims=True)
    expected = [
        metrics.roc_auc_score(
            answers.truth[rows].argmax(axis=1), chances[rows], multi_class="ovr", average="weighted"
        )
        for rows in (answers.folds == fold for fold in range(3))
    ]
    found = fold_values(
        LabelAnswers(
            "multi-class", answers.labels, chances, answers.truth, answers.folds, answers.clusters
        )
    )
    np.testing.assert_allclose(found["roc_auc_ovr_weighted"], expected, rtol=1e-12)


@each_kind
def test_ties_are_treated_alike(kind):
    answers = answers_of(kind, 200, 2)
    tied = LabelAnswers(
        kind, answers.labels, answers.scores.round(), answers.truth, answers.folds, answers.clusters
    )
    assert_same(fold_values(tied), plain_values(tied))


@pytest.mark.parametrize("kind", ["binary", "multi-class", "regression"])
@settings(max_examples=40)
@given(data=st.data())
def test_any_few_rows_are_treated_alike(kind, data):
    """Empty ratios, one class, equal values: 0 or NaN where scikit-learn has it."""
    n = data.draw(st.integers(1, 6))
    n_labels = 3 if kind == "multi-class" else 1
    cells = st.lists(
        st.sampled_from([-1.0, 0.0, 1.0]), min_size=n * n_labels, max_size=n * n_labels
    )
    scores = np.array(data.draw(cells)).reshape(n, n_labels)
    truth = np.array(data.draw(cells)).reshape(n, n_labels)
    if kind == "binary":
        truth = (truth > 0).astype(float)
    elif kind == "multi-class":
        truth = np.eye(3)[truth.argmax(axis=1)]
    labels = tuple("abc"[:n_labels])
    answers = LabelAnswers(kind, labels, scores, truth, np.zeros(n, dtype=int), np.arange(n))
    assert_same(fold_values(answers), plain_values(answers))


def test_labels_without_a_positive_or_a_call_count_as_zero():
    truth = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0.0]])
    scores = np.array([[-1, 1, 1], [-1, -1, 1], [-1, -1, -1.0]])
    answers = LabelAnswers(
        "multi-label", ("a", "b", "c"), scores, truth, np.zeros(3, dtype=int), np.arange(3)
    )
    found = {name: values[0] for name, values in fold_values(answers).items()}
    expected = dict(zip(FOLD_METRICS["multi-label"], multi_label(truth, scores), strict=True))
    # scikit-learn has no macro AUROC where a label has one class; ours is that of the others.
    assert math.isnan(expected.pop("roc_auc_macro"))
    assert found.pop("roc_auc_macro") == pytest.approx((0.5 + 1) / 2)
    assert found == pytest.approx(expected, abs=1e-12)
    # By hand: of four positives two lie in label a (never called), two in c (both called).
    assert found["precision_weighted"] == pytest.approx(0.5)
    assert found["hamming_loss"] == pytest.approx(3 / 9)


def test_a_fold_of_one_class_has_no_auroc_but_the_rest():
    answers = answers_of("multi-label", 30, 0)
    truth = np.where((answers.folds == 1)[:, np.newaxis], 1.0, answers.truth)
    found = fold_values(
        LabelAnswers(
            "multi-label", answers.labels, answers.scores, truth, answers.folds, answers.clusters
        )
    )
    for name, values in found.items():
        undefined = name in ("roc_auc_macro", "balanced_accuracy_weighted")
        np.testing.assert_array_equal(np.isnan(values), [False, undefined, False])


@each_kind
def test_a_fold_without_rows_has_no_values(kind):
    answers = answers_of(kind, 60, 1)
    gap = LabelAnswers(
        kind, answers.labels, answers.scores, answers.truth, answers.folds * 2, answers.clusters
    )
    expected = fold_values(answers)
    for name, values in fold_values(gap).items():
        np.testing.assert_array_equal(values[::2], expected[name])
        assert np.isnan(values[1::2]).all()


@each_kind
def test_no_rows_give_no_folds(kind):
    answers = answers_of(kind, 0, 0)
    assert {name: values.shape for name, values in fold_values(answers).items()} == dict.fromkeys(
        FOLD_METRICS[kind], (0,)
    )
