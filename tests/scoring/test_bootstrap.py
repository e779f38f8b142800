"""Replicates are those of a plain loop over the same resampled items, undefined ones included."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_loops import (
    ALL,
    CLASSIFICATIONS,
    CORRELATIONS,
    counts_of,
    drawn_items,
    plain,
    plain_replicates,
    simulated,
    unequal_clusters,
)

from genomark.scoring import METRICS
from genomark.scoring.warm import warm

each = pytest.mark.parametrize("name", ALL)
with_and_without_ties = pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])


def assert_same(found, expected):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@each
@with_and_without_ties
@pytest.mark.parametrize(("n", "replicates"), [(40, 150), (700, 40)])
def test_items_are_resampled_as_by_a_plain_loop(name, ties, n, replicates):
    prediction, truth = simulated(name, n, 3, ties=ties)
    clusters = np.arange(n)
    found = METRICS[name].replicates(prediction, truth, clusters, replicates, 17)
    assert_same(found, plain_replicates(name, prediction, truth, clusters, replicates, 17))
    assert np.unique(found).size > replicates / 4


@each
@with_and_without_ties
@pytest.mark.parametrize("seed", [0, 2**40 + 1])
def test_clusters_of_unequal_size_are_resampled_whole(name, ties, seed):
    prediction, truth = simulated(name, 150, seed, ties=ties)
    clusters = unequal_clusters(150, seed)
    sizes = np.bincount(clusters)
    assert sizes.min() < 6
    assert sizes.max() > 15
    found = METRICS[name].replicates(prediction, truth, clusters, 150, seed)
    assert_same(found, plain_replicates(name, prediction, truth, clusters, 150, seed))


@each
@given(data=st.data())
def test_it_equals_a_plain_loop_on_any_items(name, data):
    """Few items of few values: every kind of tie and of undefined replicate turns up."""
    values = st.integers(-3, 3).map(lambda number: number / 10)
    answers = st.sampled_from([0.0, 1.0]) if name in CLASSIFICATIONS else values
    rows = data.draw(
        st.lists(st.tuples(values, answers, st.integers(0, 4)), min_size=1, max_size=12)
    )
    prediction, truth, clusters = (np.array(column) for column in zip(*rows, strict=True))
    clusters = np.unique(clusters, return_inverse=True)[1]
    seed = data.draw(st.integers(0, 2**64 - 1))
    found = METRICS[name].replicates(prediction, truth, clusters, 8, seed)
    assert_same(found, plain_replicates(name, prediction, truth, clusters, 8, seed))


@pytest.mark.parametrize("name", CORRELATIONS)
@pytest.mark.parametrize("constant", ["prediction", "truth"])
def test_a_replicate_that_draws_equal_values_alone_is_undefined(name, constant):
    # 0.1 has no exact binary form: the sums of equal values round.
    few = np.array([0.1] * 6 + [0.7, 0.3])
    other = np.arange(8.0) ** 2
    prediction, truth = (few, other) if constant == "prediction" else (other, few)
    clusters = np.arange(8)
    found = METRICS[name].replicates(prediction, truth, clusters, 400, 5)
    assert_same(found, plain_replicates(name, prediction, truth, clusters, 400, 5))
    assert 0.05 < np.isnan(found).mean() < 0.2  # (6/8)^8 = 0.10


@pytest.mark.parametrize("name", CORRELATIONS)
def test_a_cluster_of_equal_values_drawn_alone_is_undefined(name):
    random = np.random.default_rng(8)
    prediction = np.repeat([0.1, 1e3, -7.3], [300, 200, 5])
    truth, clusters = random.normal(size=505), np.repeat([0, 1, 2], [300, 200, 5])
    found = METRICS[name].replicates(prediction, truth, clusters, 100, 1)
    alone = np.array([counts_of(1, replicate, 3).max() == 3 for replicate in range(100)])
    np.testing.assert_array_equal(np.isnan(found), alone)
    assert alone.any()


@pytest.mark.parametrize("name", CLASSIFICATIONS)
def test_a_replicate_of_one_class_is_undefined(name):
    prediction, truth = np.array([0.1, 0.4, 0.3, 0.8]), np.array([0.0, 0.0, 1.0, 0.0])
    clusters = np.arange(4)
    found = METRICS[name].replicates(prediction, truth, clusters, 400, 2)
    assert_same(found, plain_replicates(name, prediction, truth, clusters, 400, 2))
    assert 0.2 < np.isnan(found).mean() < 0.45  # (3/4)^4 = 0.32


def test_the_error_is_defined_in_every_replicate():
    prediction, truth = simulated("mse", 3, 0)
    assert np.isfinite(METRICS["mse"].replicates(prediction, truth, np.arange(3), 500, 0)).all()


@pytest.mark.parametrize("outlier", [1e6, 1e9, 1e12])
def test_an_outlier_does_not_spoil_the_replicates_without_it(outlier):
    prediction, truth = simulated("pearson", 60, 4)
    prediction[7] = outlier
    found = METRICS["pearson"].replicates(prediction, truth, np.arange(60), 200, 6)
    assert np.isfinite(found).all()
    for replicate in range(200):
        counts = counts_of(6, replicate, 60)
        if counts[7] == 0:
            drawn = drawn_items(counts, np.arange(60))
            expected = plain("pearson", prediction[drawn], truth[drawn])
            # What is left of the digits of the others after 1e12 was in the same array.
            assert found[replicate] == pytest.approx(expected, abs=1e-11)


@each
def test_the_value_is_the_replicate_that_draws_each_cluster_once(name):
    prediction, truth = simulated(name, 90, 9, ties=True)
    clusters = unequal_clusters(90, 9)
    n_clusters = clusters.max() + 1
    arrays = METRICS[name].prepare(prediction, truth, clusters, n_clusters)
    once = METRICS[name].statistic(np.ones(n_clusters, dtype=np.int32), *arrays)
    assert once == pytest.approx(METRICS[name].value(prediction, truth)[0], abs=1e-12)


@each
def test_asking_for_more_replicates_does_not_change_the_first(name):
    prediction, truth = simulated(name, 70, 1)
    clusters = unequal_clusters(70, 1)
    few = METRICS[name].replicates(prediction, truth, clusters, 20, 4)
    many = METRICS[name].replicates(prediction, truth, clusters, 300, 4)
    np.testing.assert_array_equal(few, many[:20])


@each
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name):
    prediction, truth = simulated(name, 70, 1)
    first, second, other = (
        METRICS[name].replicates(prediction, truth, np.arange(70), 50, seed) for seed in (4, 4, 5)
    )
    assert first.tobytes() == second.tobytes()
    assert (first != other).any()


@each
def test_threads_do_not_disturb_each_other(name):
    sets = [simulated(name, 300, seed) for seed in range(8)]

    def replicates(pair):
        return METRICS[name].replicates(*pair, np.arange(300), 100, 0).tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(replicates, sets)) == [replicates(pair) for pair in sets]


@each
def test_the_items_given_are_left_as_they_are(name):
    prediction, truth = simulated(name, 30, 2)
    clusters = np.arange(30)
    for array in (prediction, truth, clusters):
        array.flags.writeable = False
    METRICS[name].value(prediction, truth)
    METRICS[name].replicates(prediction, truth, clusters, 5, 0)


def test_paired_replicates_draw_the_same_clusters():
    """The same seed: replicates of a prediction and of its negative mirror each other."""
    prediction, truth = simulated("pearson", 80, 6)
    clusters = unequal_clusters(80, 6)
    for name in CORRELATIONS:
        up, down = (
            METRICS[name].replicates(sign * prediction, truth, clusters, 100, 3) for sign in (1, -1)
        )
        np.testing.assert_allclose(up, -down, rtol=1e-12)


def test_set_up_compiles_every_kernel():
    warm()
    for each_metric in METRICS.values():
        assert each_metric.replicate.signatures
        assert each_metric.statistic.signatures
