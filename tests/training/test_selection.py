"""Selection against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn import metrics
from training_tasks import labelled, of_kind

from genomark.errors import UnknownNameError
from genomark.training.selection import Selection

N = 60


@pytest.fixture
def draws() -> np.random.Generator:
    return np.random.default_rng(3)


def value(name, data, answers):
    return Selection(name, data.kind, data.labels).value(answers, data)


def binary(draws):
    truth = (draws.random((N, 1)) < 0.3).astype(float)
    return labelled("binary", ("yes",), ["ACGT"] * N, truth), draws.normal(size=(N, 1)) + truth


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("f1_macro", lambda t, a: metrics.f1_score(t, a > 0, average="macro")),
        ("mcc", lambda t, a: metrics.matthews_corrcoef(t, a > 0)),
        ("accuracy", lambda t, a: metrics.accuracy_score(t, a > 0)),
        ("balanced_accuracy", lambda t, a: metrics.balanced_accuracy_score(t, a > 0)),
        ("auroc", metrics.roc_auc_score),
        ("average_precision", metrics.average_precision_score),
    ],
)
def test_decisions(draws, name, reference):
    data, answers = binary(draws)
    expected = reference(data.targets[:, 0], answers[:, 0])
    assert value(name, data, answers) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("f1_macro", lambda t, a: metrics.f1_score(t, a.argmax(1), average="macro")),
        ("mcc", lambda t, a: metrics.matthews_corrcoef(t, a.argmax(1))),
        ("accuracy", lambda t, a: metrics.accuracy_score(t, a.argmax(1))),
        ("balanced_accuracy", lambda t, a: metrics.balanced_accuracy_score(t, a.argmax(1))),
        ("mean_auroc", lambda t, a: metrics.roc_auc_score(np.eye(3)[t], a, average="macro")),
    ],
)
def test_classes(draws, name, reference):
    truth = draws.integers(0, 3, N)
    answers = draws.dirichlet(np.ones(3), N) + 0.3 * np.eye(3)[truth]
    data = labelled("multi-class", ("a", "b", "c"), ["ACGT"] * N, np.eye(3)[truth])
    assert value(name, data, answers) == pytest.approx(reference(truth, answers), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("f1_macro", lambda t, a: metrics.f1_score(t, a > 0)),
        ("mcc", lambda t, a: metrics.matthews_corrcoef(t, a > 0)),
        ("auroc", metrics.roc_auc_score),
    ],
)
def test_labels_are_judged_one_by_one_where_they_are_told(draws, name, reference):
    truth = (draws.random((N, 2)) < 0.4).astype(float)
    answers = draws.normal(size=(N, 2)) + truth
    truth[:5, 1] = np.nan
    data = labelled("multi-label", ("a", "b"), ["ACGT"] * N, truth)
    parts = [(truth[:, 0], answers[:, 0]), (truth[5:, 1], answers[5:, 1])]
    expected = np.mean([reference(*part) for part in parts])
    assert value(name, data, answers) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("spearman", lambda t, a: spearmanr(t, a)[0]),
        ("pearson", lambda t, a: pearsonr(t, a)[0]),
        ("r2", metrics.r2_score),
        ("mse", metrics.mean_squared_error),
        ("rmse", metrics.root_mean_squared_error),
        ("mcrmse", metrics.root_mean_squared_error),
    ],
)
def test_values_are_judged_target_by_target_where_they_are_measured(draws, name, reference):
    truth = draws.normal(size=(N, 2)) * [1, 10]
    answers = truth + draws.normal(size=(N, 2))
    truth[:5, 1] = np.nan
    data = labelled("regression", ("a", "b"), ["ACGT"] * N, truth)
    parts = [(truth[:, 0], answers[:, 0]), (truth[5:, 1], answers[5:, 1])]
    expected = np.mean([reference(*part) for part in parts])
    assert value(name, data, answers) == pytest.approx(expected, rel=1e-12)


def test_roots_are_taken_before_the_mean_over_targets():
    # 3 and 4 off: the mean of the errors is 3.5; the root of the pooled square would be 3.54.
    data = labelled("regression", ("a", "b"), ["ACGT"] * 2, np.zeros((2, 2)))
    assert value("mcrmse", data, np.array([[3.0, 4.0], [3.0, 4.0]])) == 3.5


def test_positions_that_are_not_told_are_not_judged():
    data = of_kind("token-classes")
    wrong_only_there = [np.eye(4)[np.where(each < 0, 0, each)] for each in data.targets]
    assert value("f1_macro", data, wrong_only_there) == 1.0
    told = np.concatenate(data.targets)
    shifted = [np.eye(4)[(np.maximum(each, 0) + (each > 1)) % 4] for each in data.targets]
    hard = np.concatenate([each.argmax(1) for each in shifted])[told >= 0]
    expected = metrics.f1_score(told[told >= 0], hard, average="macro")
    assert value("f1_macro", data, shifted) == pytest.approx(expected, rel=1e-12)


def test_of_two_classes_of_positions_the_second_is_ranked(draws):
    truth = [draws.integers(0, 2, 30).astype(np.int16) for _ in range(4)]
    data = labelled("token-classes", ("same", "mutated"), ["A" * 30] * 4, truth)
    answers = [draws.dirichlet(np.ones(2), 30) for _ in range(4)]
    expected = metrics.roc_auc_score(np.concatenate(truth), np.concatenate(answers)[:, 1])
    assert value("auroc", data, answers) == pytest.approx(expected, rel=1e-12)


def test_what_nothing_is_told_of_has_no_value():
    truth = [np.full(4, -1, np.int16)]
    data = labelled("token-classes", ("a", "b"), ["ACGT"], truth)
    assert np.isnan(value("f1_macro", data, [np.ones((4, 2))]))
    flat = labelled("regression", ("a",), ["ACGT"] * 3, np.ones((3, 1)))
    assert np.isnan(value("r2", flat, np.zeros((3, 1))))
    assert np.isnan(value("spearman", flat, np.arange(3.0)[:, None]))
    one_class = labelled("binary", ("a",), ["ACGT"] * 3, np.ones((3, 1)))
    assert np.isnan(value("auroc", one_class, np.arange(3.0)[:, None]))
    assert np.isnan(value("mcc", one_class, np.arange(3.0)[:, None]))


def test_contacts_and_base_pairs_can_select():
    length = 10
    contacts = np.zeros((length, length), np.int16)
    contacts[0, 9] = contacts[9, 0] = 1
    data = labelled("pair-classes", ("apart", "touching"), ["A" * length], [contacts])
    answers = [np.stack([1 - contacts, contacts], axis=-1).astype(float)]
    assert value("top_length_precision", data, answers) == pytest.approx(1 / length)
    folded = labelled("token-classes", ("(", ")", "."), ["GAAC"], [np.array([0, 2, 2, 1])])
    assert value("base_pair_f1", folded, [np.eye(3)[[0, 2, 2, 1]]]) == 1.0
    assert value("base_pair_f1", folded, [np.eye(3)[[2, 2, 2, 1]]]) == 0.0


@pytest.mark.parametrize("name", ["mcc", "f1_macro", "auroc", "spearman", "pearson", "r2"])
def test_of_these_more_is_better(name):
    kind = "regression" if name in ("spearman", "pearson", "r2") else "binary"
    selection = Selection(name, kind, ("y",))
    assert selection.surpasses(0.6, 0.5)
    assert not selection.surpasses(0.5, 0.6)
    assert not selection.surpasses(0.5, 0.5)


@pytest.mark.parametrize("name", ["mse", "rmse", "mcrmse"])
def test_of_these_less_is_better(name):
    selection = Selection(name, "regression", ("y",))
    assert selection.surpasses(0.5, 0.6)
    assert not selection.surpasses(0.6, 0.5)


@pytest.mark.parametrize("name", ["mcc", "mse"])
def test_an_undefined_value_is_worse_than_any(name):
    selection = Selection(name, "binary" if name == "mcc" else "regression", ("y",))
    assert selection.surpasses(-1.0, np.nan)
    assert not selection.surpasses(np.nan, -1.0)
    assert not selection.surpasses(np.nan, np.nan)


def test_a_metric_that_does_not_suit_the_task_is_refused():
    with pytest.raises(UnknownNameError, match="to select by in a binary task named 'mse'"):
        Selection("mse", "binary", ("y",))
    with pytest.raises(UnknownNameError, match="regression task named 'f1_macro'"):
        Selection("f1_macro", "regression", ("y",))
