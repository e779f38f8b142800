"""Mean ranks against scipy, a published table, and a bootstrap as a textbook writes it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from demsar import AUC, MEAN_RANKS
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genomark.errors import UsageError
from genomark.scoring.across import ScoreTable, mean_ranks, pairwise_ranks
from genomark.scoring.kernels import draw_counts


def counts_of(seed, replicate, n):
    counts = np.empty(n, dtype=np.int32)
    draw_counts(np.uint64(seed), replicate, counts)
    return counts


def table_of(models, tasks, seed, *, missing=0.0, decimals=1, better="higher", families=None):
    random = np.random.default_rng(seed)
    values = random.normal(size=(models, tasks)).round(decimals)
    values[random.random(values.shape) < missing] = np.nan
    return ScoreTable(values, [better] * tasks, families)


def plain_expected_ranks(values, tasks):
    """Expected ranks from the tasks drawn, pair by pair."""
    models = len(values)
    ranks = []
    for a in range(models):
        shares = []
        for b in range(models):
            pairs = [(values[a, t], values[b, t]) for t in tasks]
            both = [(x, y) for x, y in pairs if np.isfinite(x) and np.isfinite(y)]
            if a != b and both:
                shares.append(np.mean([(y > x) + (y == x) / 2 for x, y in both]))
        ranks.append(1 + (models - 1) * np.mean(shares) if shares else np.nan)
    return ranks


def test_the_mean_ranks_that_were_published():
    found = mean_ranks(ScoreTable(AUC.T, ["higher"] * 14), seed=0)
    assert found.mean.round(3).tolist() == list(MEAN_RANKS)
    assert (found.tasks, found.families) == (14, 14)
    errors = mean_ranks(ScoreTable(1 - AUC.T, ["lower"] * 14), seed=0)
    np.testing.assert_allclose(errors.mean, found.mean)


def test_each_task_has_its_direction():
    values = [[1.0, 1.0], [2.0, 2.0], [3.0, 0.0]]
    assert mean_ranks(ScoreTable(values, ["higher", "lower"]), seed=0).mean.tolist() == [
        2.5,
        2.5,
        1,
    ]


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_are_those_of_drawing_families_of_tasks(grouped):
    families = [f"family{number % 5}" for number in range(17)] if grouped else None
    table = table_of(6, 17, 3, families=families)
    found = mean_ranks(table, seed=7, replicates=200)
    ranks = stats.rankdata(-table.values, axis=0)
    numbers = np.arange(17) % 5 if grouped else np.arange(17)
    n = int(numbers.max()) + 1
    drawn = []
    for replicate in range(200):
        counts = counts_of(7, replicate, n)
        tasks = [task for task in range(17) for _ in range(counts[numbers[task]])]
        drawn.append(ranks[:, tasks].mean(axis=1))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(found.low, low, atol=1e-12)
    np.testing.assert_allclose(found.high, high, atol=1e-12)
    assert found.families == n


def test_only_tasks_on_which_all_have_a_value_count():
    table = table_of(5, 30, 1, missing=0.05, families=[f"f{n // 3}" for n in range(30)])
    complete = np.isfinite(table.values).all(axis=0)
    assert 5 < complete.sum() < 30
    kept = ScoreTable(
        table.values[:, complete],
        ["higher"] * int(complete.sum()),
        [f"f{n // 3}" for n in np.flatnonzero(complete)],
    )
    found, same = mean_ranks(table, seed=1), mean_ranks(kept, seed=1)
    for each, other in zip(found, same, strict=True):
        np.testing.assert_array_equal(each, other)
    assert found.tasks == complete.sum()


def test_without_a_shared_task_there_is_no_rank_and_with_one_family_no_interval():
    nothing = mean_ranks(ScoreTable([[1, np.nan], [np.nan, 1]], ["higher"] * 2), seed=0)
    assert np.isnan(nothing.mean).all()
    assert nothing.tasks == nothing.families == 0
    one = mean_ranks(ScoreTable([[1, 2], [3, 4]], ["higher"] * 2, ["f", "f"]), seed=0)
    assert one.mean.tolist() == [2, 1]
    assert np.isnan(one.low).all()
    assert (one.tasks, one.families) == (2, 1)


@given(seed=st.integers(0, 10**6), tasks=st.integers(1, 12))
def test_mean_ranks_add_up_and_the_order_of_models_changes_nothing(seed, tasks):
    table = table_of(5, tasks, seed, decimals=0)
    found = mean_ranks(table, seed=2, replicates=50)
    assert found.mean.sum() == pytest.approx(15)
    order = np.random.default_rng(seed).permutation(5)
    other = mean_ranks(ScoreTable(table.values[order], ["higher"] * tasks), seed=2, replicates=50)
    np.testing.assert_allclose(found.mean[order], other.mean)
    np.testing.assert_array_equal(found.low[order], other.low)


@given(seed=st.integers(0, 10**6))
def test_the_order_of_tasks_changes_nothing_where_families_have_names(seed):
    families = [f"f{number % 4}" for number in range(11)]
    table = table_of(4, 11, seed, missing=0.1, families=families)
    order = np.random.default_rng(seed).permutation(11)
    shuffled = ScoreTable(
        table.values[:, order], ["higher"] * 11, [families[each] for each in order]
    )
    for rank in (mean_ranks, pairwise_ranks):
        found, other = rank(table, seed=5, replicates=60), rank(shuffled, seed=5, replicates=60)
        for each, same in zip(found, other, strict=True):
            np.testing.assert_allclose(each, same, atol=1e-12)


@given(seed=st.integers(0, 10**6), tasks=st.integers(1, 12))
def test_where_nothing_is_missing_the_expected_rank_is_the_mean_rank(seed, tasks):
    table = table_of(6, tasks, seed, decimals=0)
    mean, pairs = (rank(table, seed=3, replicates=80) for rank in (mean_ranks, pairwise_ranks))
    for name in ("mean", "low", "high"):
        np.testing.assert_allclose(getattr(mean, name), getattr(pairs, name), atol=1e-9)
    assert pairs.opponents.tolist() == [5] * 6
    assert pairs.fewest.tolist() == [tasks] * 6


@pytest.mark.parametrize("missing", [0.2, 0.6])
def test_expected_ranks_are_those_of_a_loop_over_pairs(missing):
    table = table_of(6, 12, 4, missing=missing, better="lower", families=[*"aabbccddeeff"])
    found = pairwise_ranks(table, seed=9, replicates=120)
    np.testing.assert_allclose(found.mean, plain_expected_ranks(-table.values, range(12)))
    drawn = []
    for replicate in range(120):
        counts = counts_of(9, replicate, 6)
        tasks = [task for task in range(12) for _ in range(counts[task // 2])]
        drawn.append(plain_expected_ranks(-table.values, tasks))
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(found.low, low)
    np.testing.assert_allclose(found.high, high)
    known = np.isfinite(table.values)
    for a, row in enumerate(known):
        shared = [int((row & other).sum()) for b, other in enumerate(known) if a != b]
        assert found.opponents[a] == sum(each > 0 for each in shared)
        assert found.fewest[a] == min((each for each in shared if each), default=0)


def test_a_model_that_shares_no_task_has_no_expected_rank():
    values = [[1, 2, np.nan], [2, 1, np.nan], [np.nan, np.nan, 5]]
    found = pairwise_ranks(ScoreTable(values, ["higher"] * 3), seed=0)
    np.testing.assert_array_equal(found.mean, [2, 2, np.nan])
    assert found.opponents.tolist() == [1, 1, 0]
    assert found.fewest.tolist() == [2, 2, 0]
    assert np.isnan(found.low[2])
    assert np.isfinite(found.low[0])
    empty = pairwise_ranks(ScoreTable(np.full((2, 3), np.nan), ["higher"] * 3), seed=0)
    assert np.isnan(empty.mean).all()
    assert empty.families == 0


def test_a_table_of_nothing():
    for shape in itertools.product((0, 2), (0, 3)):
        table = ScoreTable(np.full(shape, np.nan), ["higher"] * shape[1])
        assert mean_ranks(table, seed=0).mean.shape == (shape[0],)
        assert pairwise_ranks(table, seed=0).mean.shape == (shape[0],)


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match=r"shape \(2, 3\) with 2 directions"):
        ScoreTable(np.zeros((2, 3)), ["higher"] * 2)
    with pytest.raises(UsageError, match="1 families for 3 tasks"):
        ScoreTable(np.zeros((2, 3)), ["higher"] * 3, ["one"])
    with pytest.raises(UsageError, match="direction 'up' of a task"):
        ScoreTable(np.zeros((2, 1)), ["up"])
