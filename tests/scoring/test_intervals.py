"""Intervals from replicates: in closed form where there is one, else held to 93 to 97 %."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_loops import plain_percentiles, plain_rate_interval
from scipy import stats

from genomark.scoring import METRICS
from genomark.scoring.directions import better
from genomark.scoring.intervals import (
    REPLICATES,
    interval,
    is_rate,
    method,
    percentile_levels,
    percentiles,
    resting_on,
)

FINITE = st.floats(-1e6, 1e6)


def close(pair):
    return pytest.approx(pair, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("clusters", [2, 3, 10, 21, 5.5, 1000])
def test_percentiles_are_expanded_as_hesterberg_has_them(clusters):
    replicates = np.random.default_rng(0).normal(size=999)
    assert percentiles(replicates, clusters) == close(plain_percentiles(replicates, clusters))


@pytest.mark.parametrize("m", [5, 10, 21, 50])
def test_the_interval_of_a_mean_is_that_of_students_t(m):
    """Replicates of a mean are about normal, with the variance of the sample over m clusters."""
    values = np.random.default_rng(m).normal(size=m)
    spread = values.std() / math.sqrt(m)
    normal = values.mean() + spread * stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    expected = stats.t.interval(0.95, m - 1, values.mean(), stats.sem(values))
    assert percentiles(normal, m) == pytest.approx(expected, abs=2e-3 * spread)


def test_many_clusters_leave_the_usual_percentiles():
    assert percentile_levels(math.inf) == close((0.025, 0.975))
    assert percentile_levels(10**6) == pytest.approx((0.025, 0.975), abs=1e-6)


@given(st.lists(FINITE, min_size=1, max_size=60), st.integers(2, 10**6))
def test_percentiles_lie_within_the_replicates(replicates, clusters):
    low, high = percentiles(np.array(replicates), clusters)
    assert min(replicates) <= low <= high <= max(replicates)


@given(
    defined=st.lists(FINITE, max_size=30),
    undefined=st.integers(0, 40),
    where=st.randoms(use_true_random=False),
)
def test_undefined_replicates_are_left_out_as_long_as_half_are_defined(defined, undefined, where):
    replicates = defined + [np.nan] * undefined
    where.shuffle(replicates)
    found = percentiles(np.array(replicates), 12)
    if defined and len(defined) >= undefined:
        assert found == close(plain_percentiles(np.array(defined), 12))
    else:
        assert found is None


@pytest.mark.parametrize("name", ["pearson", "auroc"])
def test_one_cluster_or_none_has_no_interval(name):
    drawn = np.linspace(0.4, 0.6, 100)
    assert interval(name, 0.5, drawn, 1, items=50) is None
    assert interval(name, 0.5, drawn, 0, items=50) is None
    assert interval(name, 0.5, np.full(100, np.nan), 9, items=50) is None
    assert interval(name, 0.5, drawn, 2, items=50) is not None


@pytest.mark.parametrize("name", ["auroc", "mean_average_precision", "weighted_balanced_accuracy"])
def test_a_rate_has_students_t_on_the_scale_of_log_odds(name):
    drawn = np.random.default_rng(1).beta(90, 10, size=1000)
    drawn[::50] = np.nan
    found = interval(name, 0.9, drawn, 17, items=100)
    assert found == close(plain_rate_interval(0.9, drawn, 17, 100))
    # Farther towards the middle than towards the bound.
    assert 0.9 - found[0] > found[1] - 0.9


@pytest.mark.parametrize("name", ["pearson", "mean_spearman", "mse", "r2", "mcc", "base_pair_mcc"])
def test_all_other_metrics_have_percentiles_wherever_the_value_is(name):
    drawn = np.random.default_rng(1).normal(0.5, 0.1, size=1000)
    assert not is_rate(name)
    for value in (0.5, 0.9):
        assert interval(name, value, drawn, 17, items=100) == percentiles(drawn, 17)


@given(
    st.floats(0, 1),
    st.lists(st.floats(0, 1), min_size=2, max_size=50),
    st.integers(2, 1000),
    st.integers(1, 10**6),
)
def test_the_interval_of_a_rate_holds_it_and_stays_between_0_and_1(value, drawn, clusters, items):
    low, high = interval("auroc", value, np.array(drawn), clusters, items=items)
    assert 0 <= low <= value + 1e-9
    assert value - 1e-9 <= high <= 1


def test_a_rate_of_1_in_some_replicates_has_a_finite_interval():
    # 19 of 20 right: more than a third of the replicates hold no wrong one.
    drawn = np.random.default_rng(0).binomial(20, 0.95, size=1000) / 20
    assert (drawn == 1).mean() > 0.3
    low, high = interval("accuracy", 0.95, drawn, 20, items=20)
    exact = stats.binomtest(19, 20).proportion_ci()
    assert low == pytest.approx(exact.low, abs=0.1)
    assert high == pytest.approx(exact.high, abs=0.01)


def test_replicates_that_are_all_the_same_leave_nothing_to_say():
    assert interval("auroc", 1.0, np.ones(100), 9, items=50) == (1.0, 1.0)
    assert interval("pearson", 1.0, np.ones(100), 9, items=50) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("positive", "clusters", "expected"),
    [
        # Welch with equal variances: (1/5 + 1/45)^2 / (1/5^3 + 1/45^3).
        (np.arange(50) < 5, np.arange(50), (2 / 9) ** 2 / (0.008 + 45.0**-3)),
        (np.arange(50) < 25, np.arange(50), 50),
        # Both classes in every cluster: no more than there are clusters.
        (np.arange(60) % 2 == 0, np.arange(60) // 6, 10),
        (np.arange(60) < 12, np.arange(60) // 6, (1 / 2 + 1 / 8) ** 2 / (1 / 8 + 1 / 512)),
        (np.arange(50) < 1, np.arange(50), 2),
        (np.zeros(50, bool), np.arange(50), 50),
        # Pairs, of both genes: 4 of 10 are in a true one, and all in one that is not.
        (
            np.arange(10) < 2,
            np.stack([np.arange(10), np.arange(10)[::-1]], axis=1),
            (1 / 4 + 1 / 10) ** 2 / (1 / 64 + 1 / 1000),
        ),
    ],
)
def test_two_classes_rest_on_the_clusters_of_the_rarer_one(positive, clusters, expected):
    assert resting_on(positive, clusters) == pytest.approx(expected, rel=1e-12)


def test_what_it_rests_on_are_welchs_degrees_of_freedom():
    """Of two means with one variance, for classes that are not tiny."""
    random = np.random.default_rng(0)
    positive = np.arange(4000) < 300
    values = random.normal(size=4000)
    freedom = stats.ttest_ind(values[positive], values[~positive], equal_var=False).df
    assert resting_on(positive, np.arange(4000)) == pytest.approx(freedom, rel=0.15)


def test_the_method_is_named_in_words():
    expected = "95 % expanded percentile bootstrap, 1000 replicates over genes"
    assert method("mean_pearson", 1000, "genes") == expected
    assert method("auroc", 400, "genes and labels") == (
        "95 % bootstrap on the logit scale, 400 replicates over genes and labels"
    )


@pytest.mark.parametrize("name", ["auroc", "f1_macro", "exact_match", "solved", "recall"])
def test_rates_are_metrics_of_which_more_is_better(name):
    assert is_rate(name)
    assert better(name) == "higher"


DATA_SETS = 1500
#: Three standard errors of a share of so many data sets.
SLACK = 3 * math.sqrt(0.95 * 0.05 / DATA_SETS)


def grouped(random, m):
    """Clusters of 8 to 20 items, whose truth and errors are alike by 0.3 of their variance."""
    clusters = np.repeat(np.arange(m), random.integers(8, 21, m))
    truth, error = (
        math.sqrt(0.3) * random.normal(size=m)[clusters]
        + math.sqrt(0.7) * random.normal(size=clusters.size)
        for _ in range(2)
    )
    return truth, error, clusters


def correlated(random, m, correlation):
    truth, error, clusters = grouped(random, m)
    return correlation * truth + math.sqrt(1 - correlation**2) * error, truth, clusters


def two_classes(random, m, area):
    trait, error, clusters = grouped(random, m)
    truth = (trait > 0).astype(float)
    return error + math.sqrt(2) * stats.norm.ppf(area) * truth, truth, clusters


def share_covered(name, true, draw):
    measure, held = METRICS[name], 0
    for seed in range(DATA_SETS):
        prediction, truth, clusters = draw(np.random.default_rng((seed, 7)))
        value, _ = measure.value(prediction, truth)
        drawn = measure.replicates(prediction, truth, clusters, REPLICATES, seed)
        rests_on = resting_on(truth > 0.5, clusters) if name == "auroc" else clusters.max() + 1
        low, high = interval(name, value, drawn, rests_on, items=truth.size)
        held += low <= true <= high
    return held / DATA_SETS


@pytest.mark.slow
@pytest.mark.parametrize("m", [10, 21, 50])
@pytest.mark.parametrize(
    ("name", "true", "draw"),
    [
        ("pearson", 0.6, lambda random, m: correlated(random, m, 0.6)),
        ("spearman", 6 / math.pi * math.asin(0.45), lambda random, m: correlated(random, m, 0.9)),
        ("auroc", 0.9, lambda random, m: two_classes(random, m, 0.9)),
    ],
)
def test_93_to_97_of_100_intervals_over_clusters_hold_the_truth(name, true, draw, m):
    covered = share_covered(name, true, lambda random: draw(random, m))
    assert 0.93 - SLACK <= covered <= 0.97 + SLACK


@pytest.mark.slow
def test_93_to_97_of_100_intervals_over_50_items_hold_the_truth():
    def draw(random):
        x, noise = random.normal(size=(2, 50))
        return 0.6 * x + 0.8 * noise, x, np.arange(50)

    covered = share_covered("pearson", 0.6, draw)
    assert 0.93 - SLACK <= covered <= 0.97 + SLACK
