"""Gapped k-mers against scikit-learn's ridge on words that are read off one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from test_gapped_words import read_off
from training_tasks import labelled, random_sequences

from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import Fitting
from genomark.sequences import TaskSplit
from genomark.training.fit_parts import FitParts
from genomark.training.gapped_kmers import ALPHAS, Gkm

UNSEEN = random_sequences(40, 77, (30, 90))


def shares(sequences, span, informative):
    told = [read_off(each, span, informative, merged=True) for each in sequences]
    words = sorted(set().union(*told))
    return np.array([[each[w] / max(1, each.total()) for w in words] for each in told])


def a_task(kind="regression", n=240):
    """Values that follow from a word with a gap; the last third is the validation part."""
    sequences = random_sequences(n, 0, (30, 90))
    words = [read_off(each, 4, 2, merged=True) for each in sequences]
    value = np.array([10 * each["G..A"] / each.total() - each["CG"] / 30 for each in words])
    value = value + 0.1 * np.random.default_rng(0).normal(size=n)
    targets = (value if kind == "regression" else (value > np.median(value)) * 1.0)[:, None]
    told = labelled(kind, ("y",), sequences, targets)
    cut = 2 * n // 3
    return TaskSplit("t", told.take(range(cut)), told.take(range(cut, n)), "spearman")


def ridge(alpha, table, values):
    squares = ((table - table.mean(axis=0)) ** 2).sum() / len(table)
    return Ridge(alpha=alpha * squares, solver="cholesky").fit(table, values)


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_answers_are_those_of_scikit_learns_ridge_with_the_penalty_that_ranked_best(kind):
    split = a_task(kind)
    n_train = len(split.train)
    sequences = [*split.train.sequences, *split.valid.sequences]
    values = np.concatenate([split.train.targets, split.valid.targets])[:, 0]
    asked = values if kind == "regression" else 2 * values - 1
    table = shares([*sequences, *UNSEEN], 4, 2)
    found = []
    for alpha in ALPHAS:
        given = ridge(alpha, table[:n_train], asked[:n_train]).predict(table[n_train : len(values)])
        truth = values[n_train:]
        found.append(
            spearmanr(given, truth).statistic
            if kind == "regression"
            else roc_auc_score(truth, given)
        )
    best = ALPHAS[int(np.argmax(found))]
    expected = ridge(best, table[: len(values)], asked).predict(table[len(values) :])

    fitted = Gkm(4, 2).fit_task(split, Fitting())
    assert fitted.report["strength"] == [best]
    assert [value for _, value in fitted.report["tried"]["y"]] == pytest.approx(found, abs=1e-3)
    np.testing.assert_allclose(fitted.answers(UNSEEN)[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_a_label_is_learned_from_the_rows_of_which_it_is_told():
    split = a_task()
    parts = []
    for part in (split.train, split.valid):
        targets = np.repeat(part.targets, 3, axis=1)
        targets[:, 1] *= -2
        targets[np.arange(len(part)) % 2 == 0, 2] = np.nan
        parts.append(labelled("regression", ("a", "b", "c"), list(part.sequences), targets))
    fitted = Gkm(4, 2).fit_task(TaskSplit("t", *parts, "spearman"), Fitting())
    alone = Gkm(4, 2).fit_task(split, Fitting())
    answers = fitted.answers(UNSEEN)
    np.testing.assert_allclose(answers[:, 0], alone.answers(UNSEEN)[:, 0], rtol=1e-9)
    np.testing.assert_allclose(answers[:, 1], -2 * answers[:, 0], rtol=1e-9)
    half = [part.take(range(1, len(part), 2)) for part in (split.train, split.valid)]
    of_half = Gkm(4, 2).fit_task(TaskSplit("t", *half, "spearman"), Fitting())
    np.testing.assert_allclose(answers[:, 2], of_half.answers(UNSEEN)[:, 0], rtol=1e-6)
    assert fitted.report["strength"][2] == of_half.report["strength"][0]


def test_a_gap_is_worth_more_than_words_without_one_where_the_truth_has_one():
    split = a_task()
    truth = split.valid.targets[:, 0]
    trained = split.train
    first = TaskSplit("t", trained.take(range(110)), trained.take(range(110, 160)), "spearman")
    with_gaps, without = (
        spearmanr(
            model.fit_task(first, Fitting()).answers(split.valid.sequences)[:, 0], truth
        ).statistic
        for model in (Gkm(4, 2), Gkm(2, 2))
    )
    assert with_gaps > without + 0.1


def test_sequences_that_all_have_the_same_words_are_answered_by_the_mean():
    part = labelled("regression", ("y",), ["ACGTACGTAC"] * 6, np.arange(6.0)[:, None])
    fitted = Gkm(4, 3).fit_task(TaskSplit("t", part, part, "spearman"), Fitting())
    np.testing.assert_allclose(fitted.answers(["ACGTACGTAC", "GGGGGGGG"])[:, 0], 2.5)
    assert {value for _, value in fitted.report["tried"]["y"]} == {None}


def test_no_answer_depends_on_threads_or_on_the_batch():
    split = a_task()
    one, two = (Gkm(6, 3).fit_task(split, Fitting(threads=n)).answers(UNSEEN) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    fitted = Gkm(6, 3).fit_task(split, Fitting())
    np.testing.assert_array_equal(one, np.concatenate([fitted.answers([s]) for s in UNSEEN]))


def test_a_fit_of_its_parts_answers_as_before():
    split, model = a_task(), Gkm(5, 3, alpha=2.0)
    fitted = model.fit_task(split, Fitting())
    parts = model.parts(fitted, split)
    np.testing.assert_array_equal(model.restored(parts).answers(UNSEEN), fitted.answers(UNSEEN))
    with pytest.raises(ModelError, match="intercepts; here is none"):
        model.restored(
            FitParts(parts.kind, parts.labels, {"weights": parts.arrays["weights"]}, {}, {})
        )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"l": 13}, "gkm: l must be from 1 to 12, not 13"),
        ({"l": 4, "k": 5}, "gkm: k must be from 1 to l=4, not 5"),
        ({"k": 0}, "not 0"),
        ({"l": 9, "k": 5}, "gkm: l=9,k=5 makes 35,840 words; expected 12,000 or fewer"),
        ({"alpha": -1.0}, "gkm: alpha must be above 0, or 'valid', not -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, says):
    with pytest.raises(UsageError, match=says):
        Gkm(**settings)


def test_the_id_names_what_is_not_as_usual():
    assert Gkm().info.id == "gkm:l=8,k=4"
    assert Gkm(6, 4, "single", 0.5).info.id == "gkm:l=6,k=4,strands=single,alpha=0.5"
    with pytest.raises(CapabilityError, match="gkm cannot answer multi-class tasks"):
        Gkm().check_task("multi-class")
