"""Each metric is what scipy and scikit-learn say it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from plain_loops import ALL, CLASSIFICATIONS, CORRELATIONS, RANK_METRICS, plain, simulated
from scipy import stats

from genomark.errors import UnknownNameError
from genomark.scoring import METRICS, metric

# Eighths: many ties, and arithmetic that does not round.
eighths = st.integers(-400, 400).map(lambda number: number / 8)
few_values = st.integers(-2, 2).map(float)
numbers = st.one_of(eighths, few_values)


@st.composite
def items(draw, name):
    """Prediction and truth of which the metric is defined."""
    answers = few_values.map(lambda value: float(value > 0)) if name in CLASSIFICATIONS else numbers
    pairs = draw(st.lists(st.tuples(numbers, answers), min_size=3, max_size=40))
    prediction, truth = (np.array(column) for column in zip(*pairs, strict=True))
    assume(METRICS[name].undefined(prediction, truth) is None)
    return prediction, truth


def value(name, prediction, truth):
    found, reason = METRICS[name].value(np.asarray(prediction, float), np.asarray(truth, float))
    assert reason is None
    return found


def same(number):
    return pytest.approx(number, rel=1e-12, abs=1e-12)


each = pytest.mark.parametrize("name", ALL)


@each
@pytest.mark.parametrize("n", [3, 10, 1000])
@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_it_equals_scipy_or_scikit_learn(name, n, ties):
    compared = 0
    for seed in range(20):
        prediction, truth = simulated(name, n, seed, ties=ties)
        if METRICS[name].undefined(prediction, truth) is None:
            assert value(name, prediction, truth) == same(plain(name, prediction, truth))
            compared += 1
    assert compared >= 5


@each
@given(data=st.data())
def test_it_equals_scipy_or_scikit_learn_on_any_items(name, data):
    prediction, truth = data.draw(items(name))
    assert value(name, prediction, truth) == same(plain(name, prediction, truth))


@each
@given(data=st.data())
def test_the_order_of_items_does_not_matter(name, data):
    prediction, truth = data.draw(items(name))
    order = np.array(data.draw(st.permutations(range(truth.size))))
    assert value(name, prediction[order], truth[order]) == same(value(name, prediction, truth))


@pytest.mark.parametrize("name", RANK_METRICS)
@given(data=st.data())
def test_only_the_order_of_predictions_matters_to_a_rank_metric(name, data):
    prediction, truth = data.draw(items(name))
    before = value(name, prediction, truth)
    assert value(name, prediction**3 + 5 * prediction, truth) == before
    assert value(name, stats.rankdata(prediction), truth) == before


@given(data=st.data(), slope=st.floats(1e-6, 1e6), shift=st.floats(-1e3, 1e3))
def test_pearson_does_not_see_unit_and_origin(data, slope, shift):
    prediction, truth = data.draw(items("pearson"))
    moved = slope * (prediction + shift)
    assert value("pearson", moved, truth) == pytest.approx(
        value("pearson", prediction, truth), abs=1e-9
    )


@pytest.mark.parametrize("name", CORRELATIONS)
@given(data=st.data())
def test_a_correlation_is_symmetric_and_turns_with_the_sign(name, data):
    prediction, truth = data.draw(items(name))
    found = value(name, prediction, truth)
    assert -1.0 <= found <= 1.0
    assert value(name, truth, prediction) == same(found)
    assert value(name, -prediction, truth) == same(-found)
    assert value(name, -prediction, -truth) == same(found)


@given(data=st.data())
def test_turning_the_sign_of_predictions_mirrors_the_auroc(data):
    prediction, truth = data.draw(items("auroc"))
    found = value("auroc", prediction, truth)
    assert value("auroc", -prediction, truth) == same(1 - found)
    assert value("auroc", prediction, 1 - truth) == same(1 - found)


@given(data=st.data())
def test_the_auroc_is_the_share_of_pairs_in_the_right_order(data):
    prediction, truth = data.draw(items("auroc"))
    pairs = np.subtract.outer(prediction[truth == 1], prediction[truth == 0])
    assert value("auroc", prediction, truth) == same(np.mean((np.sign(pairs) + 1) / 2))


@given(data=st.data())
def test_average_precision_lies_between_chance_at_worst_and_one(data):
    prediction, truth = data.draw(items("average_precision"))
    found = value("average_precision", prediction, truth)
    positives = truth.sum()
    worst = np.mean(
        np.arange(1, positives + 1) / (truth.size - positives + np.arange(positives) + 1)
    )
    assert worst - 1e-12 <= found <= 1 + 1e-12


@each
@given(data=st.data())
def test_an_item_that_is_there_twice_counts_twice(name, data):
    """Counts are weights: a cluster drawn k times is k copies of it."""
    prediction, truth = data.draw(items(name))
    n = truth.size
    counts = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)), np.int32)
    repeated = np.repeat(np.arange(n), counts)
    assume(repeated.size >= 3)
    arrays = METRICS[name].prepare(prediction, truth, np.arange(n), n)
    expected = plain(name, prediction[repeated], truth[repeated])
    assert METRICS[name].statistic(counts, *arrays) == pytest.approx(
        expected, rel=1e-12, abs=1e-12, nan_ok=True
    )


@each
@given(data=st.data())
def test_doubling_all_items_changes_nothing(name, data):
    prediction, truth = data.draw(items(name))
    twice = value(name, np.tile(prediction, 2), np.tile(truth, 2))
    assert twice == same(value(name, prediction, truth))


@given(data=st.data())
def test_a_perfect_prediction_has_the_best_value(data):
    _, truth = data.draw(items("pearson"))
    assert value("pearson", truth, truth) == same(1.0)
    assert value("spearman", truth, truth) == 1.0
    assert value("mse", truth, truth) == 0.0
    _, truth = data.draw(items("auroc"))
    assert value("auroc", truth, truth) == value("average_precision", truth, truth) == 1.0


def test_numbers_from_the_literature():
    # Anscombe 1973, first data set.
    x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    assert value("pearson", x, y) == pytest.approx(0.81642, abs=5e-6)
    # The worked example of most textbooks: IQ and hours of television, rho = -29/165.
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert value("spearman", iq, hours) == same(-29 / 165)
    # Closed form with ties: ranks 1.5 1.5 3 4 against 1 2 3.5 3.5.
    assert value("spearman", [1, 1, 2, 3], [1, 2, 3, 3]) == same(4 / 4.5)
    # The examples of the scikit-learn manual.
    truth, scores = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    assert value("auroc", scores, truth) == 0.75
    assert value("average_precision", scores, truth) == same(0.5 * (1 + 2 / 3))
    assert value("mse", [2.5, 0.0, 2, 8], [3, -0.5, 2, 7]) == 0.375


def test_zero_and_minus_zero_are_tied():
    truth = np.array([0.0, 1.0, 1.0, 0.0])
    with_signs, without = np.array([0.0, -0.0, 1.0, -1.0]), np.array([0.0, 0.0, 1.0, -1.0])
    for name in RANK_METRICS:
        assert value(name, with_signs, truth) == value(name, without, truth)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_correlation_does_not_under_or_overflow(scale):
    prediction, truth = simulated("pearson", 50, 1)
    for name in CORRELATIONS:
        assert value(name, scale * prediction, truth) == same(value(name, prediction, truth))


@pytest.mark.parametrize("offset", [1e3, 1e6, -1e9])
def test_pearson_keeps_its_digits_far_from_zero(offset):
    prediction, truth = simulated("pearson", 200, 2)
    far = prediction + offset
    expected = stats.pearsonr(far - offset, truth).statistic  # what `far` still knows
    assert value("pearson", far, truth) == same(expected)


def test_a_correlation_never_leaves_its_range_by_rounding():
    for seed in range(300):
        x = np.random.default_rng(seed).normal(size=7)
        assert abs(value("pearson", x, 0.1 * x + 0.3)) <= 1.0
        assert abs(value("pearson", x, -0.7 * x)) <= 1.0


def test_it_is_found_by_its_name():
    assert metric("auroc") is METRICS["auroc"]


def test_a_misspelt_name_is_told_the_nearest():
    with pytest.raises(UnknownNameError, match=r"No metric named 'spearmann'.*'spearman'"):
        metric("spearmann")
