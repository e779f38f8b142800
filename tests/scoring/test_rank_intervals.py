"""Ranks over replicates, held to scipy's ranks of each replicate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genomark.errors import UsageError
from genomark.scoring.rank_intervals import rank_intervals


def drawn_of(models, replicates, seed, decimals=1):
    random = np.random.default_rng(seed)
    return (np.linspace(0, 1, models)[:, None] + random.normal(size=(models, replicates))).round(
        decimals
    )


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("replicates", [1, 2, 39, 200, 1000])
def test_intervals_hold_ranks_of_scipy_that_occurred(better, replicates):
    drawn = drawn_of(7, replicates, replicates)
    ranks = stats.rankdata(-drawn if better == "higher" else drawn, axis=0)
    found = rank_intervals(drawn, better=better)
    np.testing.assert_array_equal(found.low, np.quantile(ranks, 0.025, axis=1, method="lower"))
    np.testing.assert_array_equal(found.high, np.quantile(ranks, 0.975, axis=1, method="higher"))
    first = ranks == ranks.min(axis=0)
    np.testing.assert_allclose(found.best, (first / first.sum(axis=0)).mean(axis=1))
    assert found.replicates == replicates


def test_levels_are_taken_as_asked():
    drawn = drawn_of(5, 300, 3)
    ranks = stats.rankdata(-drawn, axis=0)
    found = rank_intervals(drawn, better="higher", levels=(0.25, 0.75))
    np.testing.assert_array_equal(found.low, np.quantile(ranks, 0.25, axis=1, method="lower"))
    np.testing.assert_array_equal(found.high, np.quantile(ranks, 0.75, axis=1, method="higher"))


def test_models_that_never_meet_have_their_place():
    drawn = np.array([[3.0], [1.0], [2.0]]) + np.random.default_rng(0).random((3, 50)) / 2
    found = rank_intervals(drawn, better="higher")
    assert found.low.tolist() == found.high.tolist() == [1, 3, 2]
    assert found.best.tolist() == [1, 0, 0]


def test_equal_models_share_being_best():
    found = rank_intervals(np.zeros((4, 10)), better="lower")
    assert found.best.tolist() == [0.25] * 4
    assert found.low.tolist() == found.high.tolist() == [2.5] * 4


def test_a_replicate_counts_where_every_ranked_model_has_a_value():
    drawn = drawn_of(4, 100, 1)
    gaps = drawn.copy()
    gaps[0, :20] = np.nan
    gaps[1, 10:30] = np.inf
    found, kept = (
        rank_intervals(gaps, better="higher"),
        rank_intervals(drawn[:, 30:], better="higher"),
    )
    assert found.replicates == kept.replicates == 70
    np.testing.assert_array_equal(found.low, kept.low)
    np.testing.assert_array_equal(found.best, kept.best)


def test_a_model_without_values_is_not_ranked_and_takes_no_place():
    drawn = drawn_of(4, 60, 2)
    gaps = np.insert(drawn, 1, np.nan, axis=0)
    found, others = rank_intervals(gaps, better="higher"), rank_intervals(drawn, better="higher")
    assert np.isnan([found.low[1], found.high[1], found.best[1]]).all()
    np.testing.assert_array_equal(np.delete(found.high, 1), others.high)


def test_too_few_common_replicates_give_no_interval():
    drawn = drawn_of(3, 100, 4)
    drawn[0, :40] = np.nan
    drawn[1, 40:80] = np.nan
    found = rank_intervals(drawn, better="higher")
    assert found.replicates == 20
    assert np.isnan(found.low).all()
    assert np.isnan(found.best).all()
    for shape in ((0, 5), (2, 0)):
        assert rank_intervals(np.zeros(shape), better="higher").replicates == 0


@given(seed=st.integers(0, 10**6), models=st.integers(1, 8))
def test_the_order_of_the_models_changes_nothing_and_somebody_is_best(seed, models):
    drawn = drawn_of(models, 40, seed)
    order = np.random.default_rng(seed).permutation(models)
    found, other = (rank_intervals(each, better="lower") for each in (drawn, drawn[order]))
    np.testing.assert_array_equal(found.low[order], other.low)
    np.testing.assert_array_equal(found.high[order], other.high)
    assert found.best.sum() == pytest.approx(1)
    assert (found.low >= 1).all()
    assert (found.high <= models).all()


def test_replicates_are_a_matrix():
    with pytest.raises(UsageError, match=r"shape \(5,\): expected \(models, replicates\)"):
        rank_intervals(np.zeros(5), better="higher")
