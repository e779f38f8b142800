"""Replicates over genes and labels are those of a plain loop over scikit-learn, fold by fold."""

from __future__ import annotations

import math
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_loops import counts_of, plain
from sklearn import metrics as sklearn_metrics

from genomark.scoring import METRICS
from genomark.scoring.label_kernels import CLASS_METRICS, RANKED_METRICS
from genomark.scoring.label_replicates import (
    LABEL_STREAM,
    VALUE_METRICS,
    Draws,
    class_replicates,
    label_means,
    ranked_replicates,
    value_replicates,
)

pairs_or_genes = pytest.mark.parametrize("pairs", [False, True], ids=["genes", "pairs"])
with_and_without_ties = pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
REPLICATES = 70  # more than one block
#: Compared with the plain loop: the data as they are, replicates of the first block and the second.
COLUMNS = (0, 1, 2, 17, 63, 64, 65, 70)


def made_up(n, n_labels, seed, *, ties=False, pairs=False, n_genes=None):
    """Scores, truth (0 or 1), folds and genes; genes have several rows each."""
    random = np.random.default_rng(seed)
    truth = (random.random((n, n_labels)) < random.uniform(0.2, 0.6, n_labels)).astype(float)
    scores = truth + random.normal(-0.5, 1, (n, n_labels))
    folds = random.integers(0, 4, n)
    n_genes = n_genes or n // 2
    genes = random.integers(0, n_genes, (n, 2) if pairs else n)
    genes = np.unique(genes, return_inverse=True)[1].reshape(genes.shape)
    return scores.round() if ties else scores, truth, folds, genes


def weights_of(genes, seed, column):
    """How often each row is drawn: the data as they are, then replicate 0, 1, ..."""
    n_genes = genes.max() + 1
    counts = counts_of(seed, column - 1, n_genes) if column else np.ones(n_genes, dtype=int)
    if genes.ndim == 1:
        return counts[genes]
    one, other = counts[genes].T
    return np.where(genes[:, 0] == genes[:, 1], one, one * other)


def mean_over_folds(metric, weights, folds, *arrays):
    """Average of the folds that have a value; drawn rows are repeated, not weighted."""
    values = []
    for fold in range(folds.max() + 1):
        rows = np.repeat(np.arange(folds.size), np.where(folds == fold, weights, 0))
        values.append(metric(*(array[rows] for array in arrays)))
    values = [value for value in values if not math.isnan(value)]
    return np.mean(values) if values else math.nan


def of_two_classes(metric):
    def defined(truth, scores):
        if truth.size == 0 or truth.min() == truth.max():
            return math.nan
        return quietly(metric, truth, scores)

    return defined


def quietly(metric, *arrays):
    """Without scikit-learn's warnings of ratios that it sets to 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(metric(*arrays))


def weighted_auroc(truth, scores):
    return quietly(partial(sklearn_metrics.roc_auc_score, average="weighted"), truth, scores)


PLAIN_RANKED = {
    "auroc": of_two_classes(sklearn_metrics.roc_auc_score),
    "average_precision": of_two_classes(sklearn_metrics.average_precision_score),
    "balanced_accuracy": of_two_classes(
        lambda truth, scores: sklearn_metrics.balanced_accuracy_score(truth, scores > 0)
    ),
    "f1": of_two_classes(lambda truth, scores: sklearn_metrics.f1_score(truth, scores > 0)),
    "mcc": of_two_classes(
        lambda truth, scores: sklearn_metrics.matthews_corrcoef(truth, scores > 0)
    ),
}
PLAIN_CLASSES = {
    "accuracy": of_two_classes(sklearn_metrics.accuracy_score),
    "f1_macro": of_two_classes(
        lambda truth, hard: sklearn_metrics.f1_score(truth, hard, average="macro")
    ),
    "mcc": of_two_classes(sklearn_metrics.matthews_corrcoef),
}


def plain_r2(prediction, truth):
    defined = truth.size > 2 and truth.min() < truth.max()
    return sklearn_metrics.r2_score(truth, prediction) if defined else math.nan


PLAIN_VALUES = {
    "spearman": lambda prediction, truth: plain("spearman", prediction, truth),
    "pearson": lambda prediction, truth: plain("pearson", prediction, truth),
    "r2": plain_r2,
    "rmse": lambda prediction, truth: (
        sklearn_metrics.root_mean_squared_error(truth, prediction) if truth.size else math.nan
    ),
}


def plain_ranked(scores, truth, folds, genes, seed, columns):
    expected = np.empty((len(RANKED_METRICS), scores.shape[1], len(columns)))
    for place, column in enumerate(columns):
        weights = weights_of(genes, seed, column)
        for label in range(scores.shape[1]):
            expected[:, label, place] = [
                mean_over_folds(
                    PLAIN_RANKED[name], weights, folds, truth[:, label], scores[:, label]
                )
                for name in RANKED_METRICS
            ]
    return expected


def assert_same(found, expected, tolerance=1e-12):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@with_and_without_ties
@pytest.mark.parametrize("name", ["auroc", "average_precision"])
def test_one_fold_of_one_label_is_as_the_kernels_of_one_task_have_it(name, ties):
    scores, truth, _, genes = made_up(300, 1, 5, ties=ties)
    draws = Draws.of(genes, 11, 200)
    by_label, _ = ranked_replicates(draws, scores, truth, np.zeros(300, dtype=int), 1)
    expected = METRICS[name].replicates(scores[:, 0], truth[:, 0], genes, 200, 11)
    found = by_label[RANKED_METRICS.index(name), 0, 1:]
    if name == "auroc":
        np.testing.assert_array_equal(found, expected)
    assert_same(found, expected, 1e-15)


@pairs_or_genes
@with_and_without_ties
def test_folds_labels_and_pairs_are_resampled_as_by_a_plain_loop(ties, pairs):
    scores, truth, folds, genes = made_up(120, 2, 2, ties=ties, pairs=pairs, n_genes=40)
    found, _ = ranked_replicates(Draws.of(genes, 9, REPLICATES), scores, truth, folds, 1)
    assert_same(found[..., COLUMNS], plain_ranked(scores, truth, folds, genes, 9, COLUMNS))
    assert np.unique(found).size > found.size / 2


@settings(max_examples=60)
@given(data=st.data())
def test_it_equals_a_plain_loop_on_any_rows(data):
    """Few rows of few values: every kind of tie, empty fold and undefined replicate turns up."""
    n = data.draw(st.integers(1, 12))

    def column(values):
        return np.array(data.draw(st.lists(values, min_size=n, max_size=n)))

    scores = column(st.sampled_from([-1.0, -0.0, 0.0, 0.1, 2.0]))[:, np.newaxis]
    truth = column(st.sampled_from([0.0, 1.0]))[:, np.newaxis]
    folds = column(st.integers(0, 2))
    genes = column(st.integers(0, 4))
    if data.draw(st.booleans()):
        genes = np.column_stack([genes, column(st.integers(0, 4))])
    genes = np.unique(genes, return_inverse=True)[1].reshape(genes.shape)
    seed = data.draw(st.integers(0, 2**64 - 1))
    found, _ = ranked_replicates(Draws.of(genes, seed, 2), scores, truth, folds, 1)
    assert_same(found, plain_ranked(scores, truth, folds, genes, seed, range(3)))


def test_a_pair_is_drawn_as_often_as_both_genes_and_a_gene_with_itself_as_often_as_it():
    # Four genes; row 3 pairs gene 2 with itself. By hand from the counts of the replicate.
    genes = np.array([[0, 1], [1, 2], [0, 3], [2, 2]])
    truth = np.array([[1.0], [0.0], [0.0], [1.0]])
    scores = np.array([[3.0], [2.0], [1.0], [0.0]])
    draws = Draws.of(genes, 3, 400)
    (auroc, *_), _ = ranked_replicates(draws, scores, truth, np.zeros(4, dtype=int), 1)
    seen = 0
    for replicate in range(400):
        a, b, c, d = counts_of(3, replicate, 4)
        top, second, third, last = a * b, b * c, a * d, c
        pairs = (top + last) * (second + third)
        expected = top * (second + third) / pairs if pairs else math.nan
        assert auroc[0, replicate + 1] == pytest.approx(expected, abs=1e-15, nan_ok=True)
        seen += c > 1 and not math.isnan(expected)
    assert seen > 10


@pairs_or_genes
def test_averages_over_labels_weigh_them_by_the_positives_of_the_fold(pairs):
    scores, truth, folds, genes = made_up(150, 4, 3, pairs=pairs, n_genes=50)
    _, (auroc, balanced) = ranked_replicates(
        Draws.of(genes, 1, REPLICATES), scores, truth, folds, 1
    )
    hard = (scores > 0).astype(float)
    for column in COLUMNS:
        weights = weights_of(genes, 1, column)
        for found, said in ((auroc, scores), (balanced, hard)):
            expected = mean_over_folds(weighted_auroc, weights, folds, truth, said)
            assert found[column] == pytest.approx(expected, abs=1e-12)


@pairs_or_genes
def test_hard_classes_are_resampled_as_by_a_plain_loop(pairs):
    _, _, folds, genes = made_up(90, 1, 4, pairs=pairs, n_genes=30)
    random = np.random.default_rng(4)
    # Class 4 occurs in no truth, class 3 is rare, and some replicates draw one class in a fold.
    truth = random.choice(4, 90, p=[0.6, 0.3, 0.08, 0.02])
    hard = np.where(random.random(90) < 0.5, truth, random.integers(0, 5, 90))
    folds = np.where(truth == 0, folds, folds % 2)
    found = class_replicates(Draws.of(genes, 6, REPLICATES), truth, hard, folds, 5, 1)
    expected = np.array(
        [
            [
                mean_over_folds(
                    PLAIN_CLASSES[name], weights_of(genes, 6, column), folds, truth, hard
                )
                for column in COLUMNS
            ]
            for name in CLASS_METRICS
        ]
    )
    assert_same(found[:, COLUMNS], expected)


@pairs_or_genes
@with_and_without_ties
def test_values_are_resampled_as_by_a_plain_loop(ties, pairs):
    random = np.random.default_rng(8)
    _, _, folds, genes = made_up(80, 1, 8, pairs=pairs, n_genes=30)
    truth = 5 + random.normal(size=80)
    prediction = truth + random.normal(size=80)
    if ties:
        truth, prediction = truth.round(), prediction.round()
    folds[:4] = 7  # a fold of four rows is often undefined; folds 4 to 6 have no rows
    found = value_replicates(Draws.of(genes, 2, REPLICATES), prediction, truth, folds, 1)
    expected = np.array(
        [
            [
                mean_over_folds(
                    PLAIN_VALUES[name], weights_of(genes, 2, column), folds, prediction, truth
                )
                for column in COLUMNS
            ]
            for name in VALUE_METRICS
        ]
    )
    assert_same(found[:, COLUMNS], expected, 1e-11)


def test_labels_are_drawn_from_a_stream_of_their_own():
    values = np.random.default_rng(0).random((5, 41))
    values[2, 7] = np.nan
    found = label_means(values, 12)
    assert found[0] == pytest.approx(values[:, 0].mean(), abs=1e-15)
    for column in range(1, 41):
        counts = counts_of(12 ^ LABEL_STREAM, column - 1, 5)
        drawn = np.repeat(values[:, column], counts)
        assert found[column] == pytest.approx(np.nanmean(drawn), abs=1e-15)
    genes = np.array([counts_of(12, replicate, 5) for replicate in range(40)])
    labels = np.array([counts_of(12 ^ LABEL_STREAM, replicate, 5) for replicate in range(40)])
    assert (genes != labels).any(axis=1).sum() > 35


def test_a_mean_without_any_defined_label_is_undefined():
    found = label_means(np.array([[0.5, np.nan], [0.7, np.nan]]), 0)
    np.testing.assert_array_equal(found, [0.6, np.nan])


@pairs_or_genes
def test_bits_do_not_depend_on_threads_replicates_or_type_of_scores(pairs):
    scores, truth, folds, genes = made_up(200, 5, 7, pairs=pairs)
    scores = scores.astype(np.float32)
    few = ranked_replicates(Draws.of(genes, 5, 10), scores, truth, folds, 1)
    many = ranked_replicates(Draws.of(genes, 5, 300), scores.astype(float), truth, folds, 4)
    for one, other in zip(few, many, strict=True):
        np.testing.assert_array_equal(one, other[..., :11])
    values = [
        value_replicates(Draws.of(genes, 5, n), scores[:, 0], truth[:, 0], folds, threads)
        for n, threads in ((10, 1), (300, 4))
    ]
    np.testing.assert_array_equal(values[0], values[1][:, :11])
    classes = [
        class_replicates(
            Draws.of(genes, 5, n), scores.argmax(axis=1), truth.argmax(axis=1), folds, 5, threads
        )
        for n, threads in ((10, 1), (300, 4))
    ]
    np.testing.assert_array_equal(classes[0], classes[1][:, :11])


def test_the_order_of_rows_changes_no_bit():
    """Equal scores are summed in whatever order the sort leaves them."""
    scores, truth, folds, genes = made_up(400, 2, 1, ties=True)
    shuffled = np.random.default_rng(3).permutation(400)
    one, other = (
        ranked_replicates(Draws.of(genes[rows], 5, 80), scores[rows], truth[rows], folds[rows], 1)[
            0
        ]
        for rows in (np.arange(400), shuffled)
    )
    np.testing.assert_array_equal(one, other)


def test_a_row_in_a_byte_holds_all_draws_of_a_few_genes():
    """Nothing wraps where one gene of two is drawn twice, in a block and by itself alike."""
    draws = Draws.of(np.array([0, 1, 1]), 4, 50)
    block = draws.block(0, 51)
    np.testing.assert_array_equal(block, np.array([draws.counts(c) for c in range(51)]).T)
    assert block[:2, 1:].max() == 2
    np.testing.assert_array_equal(block[:2, 1:].sum(axis=0), 2)
