"""Rows of probe answers: which there are, what they rest on, and when there is none."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from plain_loops import plain_interval, plain_percentiles, plain_rate_interval
from sklearn import metrics as sklearn_metrics

from genomark.errors import UnknownNameError, UsageError
from genomark.scoring import (
    LABEL_HEADLINES,
    LabelAnswers,
    label_headline_replicates,
    rank,
    score_labels,
)
from genomark.scoring.label_kernels import (
    class_metrics,
    fold_spearman,
    label_metrics,
    plan_label,
    weighted_means,
    weighted_sums,
)
from genomark.scoring.warm import warm

KINDS = tuple(LABEL_HEADLINES)
each_kind = pytest.mark.parametrize("kind", KINDS)


def answers_of(kind, n=90, seed=0, *, n_labels=3, pairs=False, noise=1.0):
    """A probe that knows something, on three folds and 40 genes or fewer."""
    random = np.random.default_rng(seed)
    n_labels = 1 if kind in ("binary", "regression") else n_labels
    folds = np.arange(n) % 3
    genes = np.arange(n) % 40
    clusters = np.column_stack([genes, genes[::-1]]) if pairs else genes
    if kind == "regression":
        truth = random.normal(size=(n, 1))
    elif kind == "multi-class":
        truth = np.eye(n_labels)[np.arange(n) // 3 % n_labels]
    else:
        truth = (random.random((n, n_labels)) < 0.4).astype(float)
    scores = truth - 0.5 + noise * random.normal(size=(n, n_labels))
    labels = tuple(f"label {number}" for number in range(n_labels))
    return LabelAnswers(kind, labels, scores, truth, folds, clusters)


def changed(answers, **arrays):
    fields = {name: getattr(answers, name) for name in answers.__dataclass_fields__}
    return LabelAnswers(**{**fields, **arrays})


def without(answers, rows):
    keep = np.ones(len(answers.folds), dtype=bool)
    keep[rows] = False
    arrays = {name: getattr(answers, name)[keep] for name in ("scores", "truth", "folds")}
    return changed(answers, **arrays, clusters=np.arange(keep.sum()))


def row_of(rows, name, group=None):
    (row,) = (row for row in rows if (row.name, row.group) == (name, group))
    return row


def fold_means(answers, metric, label=0):
    """Mean over folds of a scikit-learn metric of one label."""
    values = []
    for fold in range(answers.folds.max() + 1):
        rows = answers.folds == fold
        values.append(metric(answers.truth[rows, label], answers.scores[rows, label]))
    return np.mean(values)


@each_kind
def test_headline_rows_come_first_and_then_a_row_for_each_label(kind):
    rows = score_labels(answers_of(kind), seed=0, replicates=20)
    headlines = LABEL_HEADLINES[kind]
    assert tuple(row.name for row in rows[: len(headlines)]) == headlines
    assert all(row.group is None for row in rows[: len(headlines)])
    groups = [(row.name, row.group) for row in rows[len(headlines) :]]
    single = {"multi-class": ("auroc", "average_precision")}
    single["multi-label"] = (*single["multi-class"], "balanced_accuracy")
    assert groups == [
        (name, f"label {number}") for name in single.get(kind, ()) for number in range(3)
    ]


@each_kind
@pytest.mark.parametrize("pairs", [False, True], ids=["genes", "pairs"])
def test_every_row_has_an_interval_and_says_what_it_rests_on(kind, pairs):
    rows = score_labels(answers_of(kind, pairs=pairs), seed=0, replicates=50, cluster="proteins")
    drawn = "proteins (both of a pair)" if pairs else "proteins"
    for row in rows:
        low, high = row.interval
        assert low <= row.value <= high
        assert (row.n, row.n_clusters, row.reason_if_null, row.unit) == (90, 40, None, None)
        labels = " and labels" if row.name.startswith("mean_") else ""
        logit = kind != "regression" and row.name not in ("mcc",)
        how = "bootstrap on the logit scale" if logit else "expanded percentile bootstrap"
        assert row.method == f"95 % {how}, 50 replicates over {drawn}{labels}"


def test_values_of_a_binary_task_are_means_over_folds():
    answers = answers_of("binary")
    rows = score_labels(answers, seed=0, replicates=2)
    assert row_of(rows, "auroc").value == pytest.approx(
        fold_means(answers, sklearn_metrics.roc_auc_score), abs=1e-12
    )
    for name, metric in (
        ("balanced_accuracy", sklearn_metrics.balanced_accuracy_score),
        ("f1", sklearn_metrics.f1_score),
        ("mcc", sklearn_metrics.matthews_corrcoef),
    ):
        expected = fold_means(
            answers, lambda truth, scores, metric=metric: metric(truth, scores > 0)
        )
        assert row_of(rows, name).value == pytest.approx(expected, abs=1e-12)


def test_values_of_a_multi_label_task_are_means_over_labels_of_means_over_folds():
    answers = answers_of("multi-label")
    rows = score_labels(answers, seed=0, replicates=2)
    single = [
        fold_means(answers, sklearn_metrics.average_precision_score, label) for label in range(3)
    ]
    for label in range(3):
        row = row_of(rows, "average_precision", f"label {label}")
        assert row.value == pytest.approx(single[label], abs=1e-12)
    assert row_of(rows, "mean_average_precision").value == pytest.approx(np.mean(single), abs=1e-12)
    hard = [
        sklearn_metrics.roc_auc_score(
            answers.truth[answers.folds == fold],
            answers.scores[answers.folds == fold] > 0,
            average="weighted",
        )
        for fold in range(3)
    ]
    row = row_of(rows, "weighted_balanced_accuracy")
    assert row.value == pytest.approx(np.mean(hard), abs=1e-12)


def test_values_of_a_multi_class_task_are_of_the_class_with_the_highest_score():
    answers = answers_of("multi-class")
    rows = score_labels(answers, seed=0, replicates=2)
    truth, hard = answers.truth.argmax(axis=1), answers.scores.argmax(axis=1)
    accuracy, f1 = (
        np.mean(
            [metric(truth[rows], hard[rows]) for rows in (answers.folds == f for f in range(3))]
        )
        for metric in (
            sklearn_metrics.accuracy_score,
            lambda truth, hard: sklearn_metrics.f1_score(truth, hard, average="macro"),
        )
    )
    assert row_of(rows, "accuracy").value == pytest.approx(accuracy, abs=1e-12)
    assert row_of(rows, "f1_macro").value == pytest.approx(f1, abs=1e-12)
    weighted = np.mean(
        [
            sklearn_metrics.roc_auc_score(
                answers.truth[answers.folds == fold],
                answers.scores[answers.folds == fold],
                average="weighted",
            )
            for fold in range(3)
        ]
    )
    assert row_of(rows, "weighted_auroc").value == pytest.approx(weighted, abs=1e-12)


def test_values_of_a_regression_are_means_over_folds():
    answers = answers_of("regression")
    rows = score_labels(answers, seed=0, replicates=2)
    for name, metric in (
        ("r2", sklearn_metrics.r2_score),
        ("rmse", sklearn_metrics.root_mean_squared_error),
    ):
        expected = fold_means(answers, metric)
        assert row_of(rows, name).value == pytest.approx(expected, abs=1e-12)


@each_kind
def test_the_headline_replicates_are_those_behind_the_headline_row(kind):
    answers = answers_of(kind)
    value, replicates, _ = label_headline_replicates(answers, seed=4, replicates=60)
    row = score_labels(answers, seed=4, replicates=60)[0]
    assert value == row.value
    if kind == "regression":
        expected = plain_percentiles(replicates, 40)
    elif kind == "binary":
        expected = plain_interval("auroc", value, replicates, answers.truth[:, 0], answers.clusters)
    else:
        expected = plain_rate_interval(value, replicates, 40, 90)
    assert row.interval == pytest.approx(expected, abs=1e-12)
    assert replicates.shape == (60,)


@each_kind
def test_two_models_on_the_same_rows_have_paired_replicates(kind):
    """A model and the same with a bit of noise differ by less than either varies."""
    answers = answers_of(kind)
    noise = 0.05 * np.random.default_rng(1).normal(size=answers.scores.shape)
    (_, one, _), (_, other, _), (_, unpaired, _) = (
        label_headline_replicates(each, seed=seed, replicates=200)
        for each, seed in (
            (answers, 1),
            (changed(answers, scores=answers.scores + noise), 1),
            (answers, 2),
        )
    )
    assert np.std(one - other) < np.std(one - unpaired) / 4


@each_kind
def test_headlines_can_be_ranked(kind):
    name = LABEL_HEADLINES[kind][0]
    ranks = rank({"poor": 0.5, "good": 0.9}, [], name)
    assert [each.model for each in ranks] == ["good", "poor"]


@each_kind
def test_numbers_do_not_depend_on_threads(kind):
    answers = answers_of(kind)
    one, two = (score_labels(answers, seed=3, replicates=200, threads=n) for n in (1, 3))
    assert one == two


def test_labels_widen_the_interval_of_their_mean():
    """Labels that differ: another draw of labels would give another mean."""
    answers = answers_of("multi-label", n=400, n_labels=8)
    answers = changed(answers, clusters=np.arange(400))
    strength = np.linspace(0, 4, 8)
    answers = changed(answers, scores=answers.scores + strength * (answers.truth - 0.5))
    rows = score_labels(answers, seed=0, replicates=400)
    low, high = row_of(rows, "mean_auroc").interval
    low_balanced, high_balanced = row_of(rows, "weighted_balanced_accuracy").interval
    assert high - low > 2 * (high_balanced - low_balanced)


def one_class(truth):
    truth = truth.copy()
    truth[:, 1] = 0.0
    return truth


def test_a_label_of_one_class_has_no_value_and_the_mean_does_without_it():
    answers = answers_of("multi-label")
    answers = changed(answers, truth=one_class(answers.truth))
    rows = score_labels(answers, seed=0, replicates=30)
    for name in ("auroc", "average_precision", "balanced_accuracy"):
        row = row_of(rows, name, "label 1")
        assert (row.value, row.interval) == (None, None)
        assert row.reason_if_null == "only one class (0 positives of 90)"
        mean = row_of(rows, f"mean_{name}")
        others = [row_of(rows, name, f"label {number}").value for number in (0, 2)]
        assert mean.value == pytest.approx(np.mean(others), abs=1e-12)
        assert mean.method.endswith("over genes and labels; 1 of 3 labels of one class left out")


def test_a_label_with_one_class_in_every_fold_is_one_of_one_class():
    answers = answers_of("multi-label")
    truth = answers.truth.copy()
    truth[:, 2] = answers.folds == 1
    row = row_of(
        score_labels(changed(answers, truth=truth), seed=0, replicates=9), "auroc", "label 2"
    )
    assert (row.value, row.reason_if_null) == (None, "only one class in every fold")


def test_a_fold_of_one_class_is_left_out():
    answers = answers_of("binary")
    truth = np.where(answers.folds == 1, 1.0, answers.truth[:, 0])[:, np.newaxis]
    expected = [
        sklearn_metrics.roc_auc_score(
            truth[answers.folds == fold], answers.scores[answers.folds == fold]
        )
        for fold in (0, 2)
    ]
    found = score_labels(changed(answers, truth=truth), seed=0, replicates=9)
    assert row_of(found, "auroc").value == pytest.approx(np.mean(expected), abs=1e-12)


def test_constant_scores_rank_nothing_and_leave_the_mean_without_a_value():
    answers = answers_of("multi-label")
    scores = answers.scores.copy()
    scores[:, 1] = -0.25
    answers = changed(answers, scores=scores)
    rows = score_labels(answers, seed=0, replicates=30)
    for name in ("auroc", "average_precision"):
        assert row_of(rows, name, "label 1").reason_if_null == "constant prediction"
        mean = row_of(rows, f"mean_{name}")
        reason = "undefined in 1 of 3 labels ('label 1': constant prediction)"
        assert (mean.value, mean.interval, mean.reason_if_null) == (None, None, reason)
    # The same hard label for all is right as often as not, over both classes.
    assert row_of(rows, "balanced_accuracy", "label 1").value == 0.5
    value, replicates, _ = label_headline_replicates(answers, seed=0, replicates=7)
    assert value is None
    assert np.isnan(replicates).all()


def test_constant_scores_in_a_fold_order_half_of_its_pairs():
    answers = answers_of("binary")
    perfect = np.where(answers.folds == 2, 0.3, answers.truth[:, 0] - 0.5)[:, np.newaxis]
    rows = score_labels(changed(answers, scores=perfect), seed=0, replicates=9)
    assert row_of(rows, "auroc").value == pytest.approx((1 + 1 + 0.5) / 3, abs=1e-15)


@pytest.mark.parametrize("n", [0, 1, 2])
@each_kind
def test_fewer_than_three_rows_give_no_value(kind, n):
    answers = without(answers_of(kind), slice(n, None))
    for row in score_labels(answers, seed=0, replicates=9):
        assert (row.n, row.n_clusters) == (n, n)
        if row.name == "rmse" and n:
            assert row.value > 0
            continue
        assert (row.value, row.interval) == (None, None)
        wanted = "no items" if row.name == "rmse" else f"fewer than 3 items ({n})"
        assert wanted in row.reason_if_null


@each_kind
def test_one_gene_alone_gives_a_value_without_an_interval(kind):
    answers = changed(answers_of(kind), clusters=np.zeros(90, dtype=int))
    rows = score_labels(answers, seed=0, replicates=9)
    assert all(row.value is not None and row.interval is None for row in rows)
    value, replicates, _ = label_headline_replicates(answers, seed=0, replicates=9)
    assert value == rows[0].value
    assert np.isnan(replicates).all()


def test_a_single_label_is_its_own_mean():
    answers = answers_of("multi-label", n_labels=1)
    rows = score_labels(answers, seed=0, replicates=40)
    mean, single = row_of(rows, "mean_auroc"), row_of(rows, "auroc", "label 0")
    assert (mean.value, mean.interval) == (single.value, single.interval)
    assert mean.method.endswith("over genes")


def test_a_class_that_never_occurs_is_left_out():
    answers = answers_of("multi-class")
    wider = changed(
        answers,
        labels=(*answers.labels, "nowhere"),
        scores=np.column_stack([answers.scores, answers.scores[:, 0] - 9]),
        truth=np.column_stack([answers.truth, np.zeros(90)]),
    )
    rows, narrow = (score_labels(each, seed=0, replicates=9) for each in (wider, answers))
    for name in LABEL_HEADLINES["multi-class"]:
        assert row_of(rows, name).value == pytest.approx(row_of(narrow, name).value, abs=1e-12)
    assert "left out" in row_of(rows, "weighted_auroc").method
    assert "left out" not in row_of(rows, "accuracy").method


def test_classes_that_are_all_the_same_leave_nothing_to_judge():
    answers = answers_of("multi-class")
    truth = np.zeros((90, 3))
    truth[:, 0] = 1
    rows = score_labels(changed(answers, truth=truth), seed=0, replicates=9)
    assert all(row.value is None for row in rows)
    reason = "undefined in 3 of 3 labels ('label 0': only one class (90 positives of 90))"
    assert row_of(rows, "accuracy").reason_if_null == reason


@pytest.mark.parametrize(
    ("spoil", "names", "reason"),
    [
        (lambda p, t, f: (0 * p, t), ("spearman", "pearson"), "constant prediction"),
        (lambda p, t, f: (p, 0 * t), ("spearman", "pearson", "r2"), "constant truth"),
        (
            lambda p, t, f: (np.where(f == 1, 0.1, p), t),
            ("spearman", "pearson"),
            "constant prediction in 1 of 3 folds",
        ),
        (
            lambda p, t, f: (p, f.astype(float)),
            ("spearman", "pearson", "r2"),
            "fewer than 3 items or constant truth in every fold",
        ),
        (
            lambda p, t, f: (p * 1e200, t),
            ("spearman", "pearson", "r2", "rmse"),
            "values too large to compute with",
        ),
        (lambda p, t, f: (p, t * 1e-170), ("r2",), "values too large to compute with"),
    ],
    ids=["prediction", "truth", "prediction in a fold", "truth in all folds", "large", "small"],
)
def test_a_regression_that_cannot_be_judged_says_why(spoil, names, reason):
    answers = answers_of("regression")
    prediction, truth = spoil(answers.scores[:, 0], answers.truth[:, 0], answers.folds)
    answers = changed(answers, scores=prediction[:, np.newaxis], truth=truth[:, np.newaxis])
    for row in score_labels(answers, seed=0, replicates=9):
        expected = reason if row.name in names else None
        assert row.reason_if_null == expected
        assert (row.value is None) == (row.name in names)


def test_a_fold_of_constant_truth_asks_nothing():
    answers = answers_of("regression")
    truth = np.where(answers.folds == 1, 2.0, answers.truth[:, 0])[:, np.newaxis]
    found = score_labels(changed(answers, truth=truth), seed=0, replicates=9)
    expected = [
        sklearn_metrics.r2_score(truth[answers.folds == f], answers.scores[answers.folds == f])
        for f in (0, 2)
    ]
    assert row_of(found, "r2").value == pytest.approx(np.mean(expected), abs=1e-12)


def test_rows_of_repeated_cross_validation_come_again_under_their_gene():
    once = answers_of("binary", n=40)
    twice = LabelAnswers(
        "binary",
        once.labels,
        np.concatenate([once.scores, once.scores]),
        np.concatenate([once.truth, once.truth]),
        np.concatenate([once.folds, once.folds + 3]),
        np.concatenate([once.clusters, once.clusters]),
    )
    (value, replicates, _), (same, again, _) = (
        label_headline_replicates(each, seed=1, replicates=80) for each in (once, twice)
    )
    assert same == pytest.approx(value, abs=1e-15)
    np.testing.assert_allclose(again, replicates, rtol=1e-14)


@each_kind
def test_json_holds_null_and_never_nan(kind):
    rows = score_labels(without(answers_of(kind), slice(2, None)), seed=0, replicates=9)
    json.dumps([msgspec.to_builtins(row) for row in rows], allow_nan=False)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": ()}, "0 labels for multi-label answers; expected one or more"),
        ({"kind": "binary"}, "3 labels for binary answers; expected one."),
        ({"scores": np.zeros((90, 2))}, r"scores have shape \(90, 2\); expected \(90, 3\)"),
        ({"truth": np.zeros(90)}, r"truth have shape \(90,\); expected \(90, 3\)"),
        (
            {"clusters": np.zeros((90, 3), dtype=int)},
            r"clusters have shape \(90, 3\); expected \(90,\) or \(90, 2\)",
        ),
        ({"folds": np.zeros(90)}, "folds must be whole numbers"),
        ({"folds": np.arange(90) - 1}, "folds must be whole numbers"),
        ({"clusters": np.arange(90) * 2}, "clusters must be numbered from 0 without gaps"),
        ({"clusters": np.arange(90) + 1}, "clusters must be numbered from 0 without gaps"),
        ({"clusters": np.arange(90) * 10**12}, "clusters must be numbered from 0 without gaps"),
        ({"truth": np.full((90, 3), 0.5)}, "truth of multi-label answers must be 0 or 1"),
        ({"kind": "multi-class", "truth": np.ones((90, 3))}, "row 0 is not one class but none or"),
    ],
    ids=lambda value: None if isinstance(value, str) else ", ".join(value),
)
def test_arrays_that_do_not_fit_are_refused(arrays, message):
    with pytest.raises(UsageError, match=message):
        changed(answers_of("multi-label"), **arrays)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["scores", "truth"])
def test_what_is_not_a_number_is_refused_and_the_row_named(name, value):
    answers = answers_of("regression")
    array = getattr(answers, name).copy()
    array[17] = value
    with pytest.raises(UsageError, match=f"The {name} must be finite numbers; those of row 17"):
        changed(answers, **{name: array})


def test_an_unknown_kind_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"'multilabel'\. Did you mean 'multi-label'\?"):
        changed(answers_of("multi-label"), kind="multilabel")


@each_kind
def test_the_arrays_given_are_left_as_they_are(kind):
    answers = answers_of(kind, pairs=True)
    for name in ("scores", "truth", "folds", "clusters"):
        getattr(answers, name).flags.writeable = False
    score_labels(answers, seed=0, replicates=5)


def test_set_up_compiles_every_kernel():
    warm()
    ranked = plan_label, label_metrics, class_metrics, weighted_means
    for each in (*ranked, fold_spearman, weighted_sums):
        assert each.signatures
