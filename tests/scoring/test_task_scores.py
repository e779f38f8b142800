"""Scores of tasks on labelled sequences against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from genomark.errors import UsageError
from genomark.scoring import TASK_METRICS, TaskAnswers, better, judge_task


def rows_of(
    answers: TaskAnswers, headline: str, **settings: object
) -> dict[tuple[str, str | None], object]:
    rows, _ = judge_task(answers, (headline,), seed=0, **{"replicates": 200, **settings})  # type: ignore[arg-type]
    return {(row.name, row.group): row for row in rows}


def answers_of(
    kind: str, given: list[object], truth: object, labels: tuple[str, ...], clusters: object = None
) -> TaskAnswers:
    n = len(truth)  # type: ignore[arg-type]
    numbers = np.arange(n) if clusters is None else np.asarray(clusters)
    return TaskAnswers(kind, labels, tuple(given), truth, numbers.astype(np.int64))


def binary(n: int = 300, fits: int = 3) -> tuple[list[np.ndarray], np.ndarray]:
    random = np.random.default_rng(1)
    truth = (random.random((n, 1)) < 0.3).astype(float)
    return [truth * 2 - 1 + random.normal(size=(n, 1)) * 1.5 for _ in range(fits)], truth


def test_scores_of_yes_and_no_are_those_of_scikit_learn_averaged_over_fits() -> None:
    given, truth = binary()
    rows = rows_of(answers_of("binary", given, truth, ("yes",)), "f1_macro")
    hard = [(scores[:, 0] > 0).astype(int) for scores in given]
    true = truth[:, 0].astype(int)
    expected = {
        "f1_macro": [metrics.f1_score(true, said, average="macro") for said in hard],
        "mcc": [metrics.matthews_corrcoef(true, said) for said in hard],
        "accuracy": [metrics.accuracy_score(true, said) for said in hard],
        "balanced_accuracy": [metrics.balanced_accuracy_score(true, said) for said in hard],
        "auroc": [metrics.roc_auc_score(true, scores[:, 0]) for scores in given],
        "average_precision": [metrics.average_precision_score(true, s[:, 0]) for s in given],
    }
    for name, values in expected.items():
        assert rows[name, None].value == pytest.approx(np.mean(values), abs=1e-12), name
    for number, value in enumerate(expected["f1_macro"]):
        assert rows["f1_macro", f"seed {number}"].value == pytest.approx(value, abs=1e-12)


def test_an_auroc_is_of_scores_and_not_of_hard_labels() -> None:
    given, truth = binary(fits=1)
    rows = rows_of(answers_of("binary", given, truth, ("yes",)), "auroc")
    hard = metrics.roc_auc_score(truth[:, 0], given[0][:, 0] > 0)
    assert rows["balanced_accuracy", None].value == pytest.approx(hard)
    assert abs(rows["auroc", None].value - hard) > 0.03


def test_the_interval_holds_what_sequences_and_fits_each_add() -> None:
    """Fits of very different skill widen the interval, fits that agree do not."""
    given, truth = binary(n=2000)
    poor = [given[0], given[1], np.random.default_rng(5).normal(size=truth.shape)]
    wide = rows_of(answers_of("binary", poor, truth, ("yes",)), "auroc")["auroc", None].interval
    narrow = rows_of(answers_of("binary", given, truth, ("yes",)), "auroc")["auroc", None].interval
    assert wide[1] - wide[0] > 4 * (narrow[1] - narrow[0])


def test_the_interval_of_one_fit_is_a_bootstrap_over_sequences() -> None:
    random = np.random.default_rng(2)
    truth = random.normal(size=(400, 1))
    given = [truth + random.normal(size=truth.shape)]
    row = rows_of(answers_of("regression", given, truth, ("value",)), "pearson", replicates=2000)[
        "pearson", None
    ]
    # Fisher's interval of a correlation of normal values.
    r = stats.pearsonr(given[0][:, 0], truth[:, 0]).statistic
    half = 1.96 / np.sqrt(400 - 3)
    assert row.value == pytest.approx(r, abs=1e-12)
    assert row.interval[0] == pytest.approx(np.tanh(np.arctanh(r) - half), abs=0.015)
    assert row.interval[1] == pytest.approx(np.tanh(np.arctanh(r) + half), abs=0.015)


def test_scores_of_classes_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    classes = random.integers(0, 4, 500)
    scores = random.dirichlet(np.ones(4), 500) + np.eye(4)[classes] * 0.4
    truth = np.eye(4)[classes]
    rows = rows_of(answers_of("multi-class", [scores], truth, tuple("abcd")), "mcc")
    hard = scores.argmax(axis=1)
    assert rows["f1_macro", None].value == pytest.approx(
        metrics.f1_score(classes, hard, average="macro")
    )
    assert rows["mcc", None].value == pytest.approx(metrics.matthews_corrcoef(classes, hard))
    one_against_all = [metrics.roc_auc_score(truth[:, c], scores[:, c]) for c in range(4)]
    assert rows["mean_auroc", None].value == pytest.approx(np.mean(one_against_all))
    assert rows["auroc", "c"].value == pytest.approx(one_against_all[2])


def test_macro_f1_of_several_labels_is_scikit_learns() -> None:
    random = np.random.default_rng(4)
    truth = (random.random((300, 3)) < [0.1, 0.4, 0.6]).astype(float)
    scores = truth - 0.5 + random.normal(size=truth.shape)
    rows = rows_of(answers_of("multi-label", [scores], truth, ("a", "b", "c")), "f1_macro")
    expected = metrics.f1_score(truth, scores > 0, average="macro")
    assert rows["f1_macro", None].value == pytest.approx(expected)
    aurocs = [metrics.roc_auc_score(truth[:, c], scores[:, c]) for c in range(3)]
    assert rows["mean_auroc", None].value == pytest.approx(np.mean(aurocs))


def test_a_label_nobody_has_is_left_out_of_means_but_not_of_its_own_row() -> None:
    random = np.random.default_rng(4)
    truth = np.column_stack([random.integers(0, 2, 50), np.zeros(50)]).astype(float)
    scores = random.normal(size=truth.shape)
    rows = rows_of(answers_of("multi-label", [scores], truth, ("a", "none")), "mean_auroc")
    expected = metrics.roc_auc_score(truth[:, 0], scores[:, 0])
    assert rows["mean_auroc", None].value == pytest.approx(expected)
    assert rows["auroc", "none"].value is None


def test_scores_of_values_are_those_of_scipy_and_what_was_not_measured_is_left_out() -> None:
    random = np.random.default_rng(6)
    truth = random.normal(size=(200, 2))
    truth[::7, 1] = np.nan
    given = np.nan_to_num(truth) + random.normal(size=truth.shape)
    rows = rows_of(answers_of("regression", [given], truth, ("x", "y")), "mcrmse")
    told = ~np.isnan(truth[:, 1])
    errors = [
        np.sqrt(np.mean((given[:, 0] - truth[:, 0]) ** 2)),
        np.sqrt(np.mean((given[told, 1] - truth[told, 1]) ** 2)),
    ]
    # Columns first: not the root of the error of all values.
    assert rows["mcrmse", None].value == pytest.approx(np.mean(errors))
    assert rows["rmse", "y"].value == pytest.approx(errors[1])
    ranks = [
        stats.spearmanr(given[:, 0], truth[:, 0]).statistic,
        stats.spearmanr(given[told, 1], truth[told, 1]).statistic,
    ]
    assert rows["mean_spearman", None].value == pytest.approx(np.mean(ranks))


def test_mcrmse_and_the_pooled_error_differ_as_in_a_closed_form() -> None:
    truth = (np.zeros((5, 2), np.float32), np.zeros((5, 2), np.float32))
    given = [np.tile(np.float32([1.0, 3.0]), (5, 1))] * 2
    rows = rows_of(answers_of("token-regression", [given], truth, ("a", "b")), "mcrmse")
    assert rows["mcrmse", None].value == pytest.approx(2.0)  # (1 + 3) / 2
    assert rows["rmse", None].value == pytest.approx(5**0.5)  # sqrt((1 + 9) / 2)


def tokens() -> tuple[list[np.ndarray], tuple[np.ndarray, ...]]:
    random = np.random.default_rng(7)
    truth = tuple(random.integers(0, 2, size).astype(np.int16) for size in (30, 50, 20, 40, 25))
    given = [np.eye(2)[each] + random.normal(size=(each.size, 2)) for each in truth]
    truth[0][:10] = -1
    return given, truth


def test_scores_of_positions_are_pooled_and_leave_out_what_is_untold() -> None:
    given, truth = tokens()
    rows = rows_of(answers_of("token-classes", [given], truth, ("0", "1")), "auroc")
    true = np.concatenate(truth)
    told = true >= 0
    scores = np.concatenate(given)[told]
    true = true[told]
    assert rows["auroc", None].value == pytest.approx(
        metrics.roc_auc_score(true, scores[:, 1] - scores[:, 0])
    )
    hard = scores.argmax(axis=1)
    assert rows["f1_macro", None].value == pytest.approx(
        metrics.f1_score(true, hard, average="macro")
    )
    assert rows["mcc", None].value == pytest.approx(metrics.matthews_corrcoef(true, hard))
    assert rows["auroc", None].n == rows["auroc", None].n_clusters == 5


def test_contacts_are_judged_by_the_best_pairs_at_least_six_apart() -> None:
    length = 12
    truth = np.zeros((length, length), np.int16)
    for a, b in ((0, 11), (1, 10), (2, 9), (0, 6)):
        truth[a, b] = truth[b, a] = 1
    scores = np.zeros((length, length, 2))
    scores[0, 11, 1] = scores[1, 10, 1] = 0.9
    scores[3, 4, 1] = 1.0  # Neighbours do not count.
    rows = rows_of(
        answers_of("pair-classes", [[scores]], (truth,), ("apart", "contact")),
        "top_length_precision",
    )
    pairs = [(a, b) for a in range(length) for b in range(a + 6, length)]
    order = sorted(pairs, key=lambda pair: (-scores[pair][1], pairs.index(pair)))[:length]
    expected = np.mean([truth[pair] for pair in order])
    assert rows["top_length_precision", None].value == pytest.approx(expected)


def test_clusters_are_drawn_as_one() -> None:
    given, truth = binary(n=300, fits=1)
    twice = answers_of(
        "binary",
        [np.tile(given[0], (4, 1))],
        np.tile(truth, (4, 1)),
        ("yes",),
        np.tile(np.arange(300), 4),
    )
    once = rows_of(answers_of("binary", given, truth, ("yes",)), "auroc")["auroc", None]
    copied = rows_of(twice, "auroc")["auroc", None]
    # But for the half item that keeps log odds finite.
    assert copied.interval == pytest.approx(once.interval, abs=1e-3)
    assert copied.n_clusters == 300


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    given, truth = binary()
    one, two = (
        judge_task(answers_of("binary", given, truth, ("yes",)), ("auroc",), seed=3, threads=n)
        for n in (1, threads)
    )
    assert one[0] == two[0]
    np.testing.assert_array_equal(one[1][1], two[1][1])


def test_constant_answers_and_one_class_have_a_reason_instead_of_a_value() -> None:
    _, truth = binary(fits=1)
    constant = rows_of(answers_of("binary", [np.ones_like(truth)], truth, ("yes",)), "auroc")
    assert constant["auroc", None].value is None
    assert constant["auroc", None].reason_if_null == "constant prediction"
    assert constant["accuracy", None].value == pytest.approx(truth.mean())
    alone = rows_of(answers_of("binary", [np.ones((9, 1))], np.ones((9, 1)), ("yes",)), "f1_macro")
    assert alone["f1_macro", None].reason_if_null == "only one class"


def test_every_metric_of_every_kind_has_a_declared_direction() -> None:
    for names in TASK_METRICS.values():
        for name in names:
            assert better(name) == ("lower" if name.endswith("mse") else "higher"), name
    assert better("mcc") == better("spearman") == better("r2") == "higher"


def test_a_metric_a_kind_does_not_have_is_refused() -> None:
    given, truth = binary(fits=1)
    with pytest.raises(UsageError, match="has no 'spearman'"):
        judge_task(answers_of("binary", given, truth, ("yes",)), ("spearman",), seed=0)
    with pytest.raises(UsageError, match="2 answers for 300 sequences"):
        answers_of("binary", [truth[:2]], truth, ("yes",))


def test_no_sequences_leave_every_metric_without_a_value() -> None:
    rows = rows_of(answers_of("binary", [np.zeros((0, 1))], np.zeros((0, 1)), ("yes",)), "auroc")
    assert {row.value for row in rows.values()} == {None}
    assert rows["auroc", None].reason_if_null == "no sequences"
