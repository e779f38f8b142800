"""All pairs at once say what a loop over pairs with NumPy says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.scoring import Headline, compare_headlines
from genomark.scoring.intervals import percentile_levels
from genomark.scoring.pair_matrix import LEVELS, pair_matrix, tie_matrix

ROUNDING = 1e-12


def plain_pair(first, second, drawn, better, levels):
    """One pair, the slow way: interval, superiority, standard error and whether they are tied."""
    differences = drawn[0] - drawn[1]
    defined = differences[np.isfinite(differences)]
    if not (np.isfinite(first) and np.isfinite(second)) or not defined.size:
        return math.nan, math.nan, math.nan, math.nan, True
    if 2 * defined.size < differences.size:
        return math.nan, math.nan, math.nan, math.nan, True
    low, high = np.quantile(defined, levels)
    ahead = defined > 0 if better == "higher" else defined < 0
    superiority = (ahead.sum() + (defined == 0).sum() / 2) / defined.size
    error = defined.std(ddof=1) if defined.size > 1 else math.nan
    rounding = ROUNDING * max(abs(first), abs(second))
    return low, high, superiority, error, bool(low <= rounding and high >= -rounding)


def assert_as_plain(values, drawn, better="higher", levels=LEVELS):
    found = pair_matrix(values, drawn, better=better, clusters=9, levels=levels)
    for a in range(len(values)):
        for b in range(len(values)):
            if a != b:
                low, high, superiority, error, tied = plain_pair(
                    values[a], values[b], (drawn[a], drawn[b]), better, levels
                )
                got = [each[a, b] for each in found[1:5]]
                np.testing.assert_allclose(got, [low, high, superiority, error], 1e-9, 1e-12)
                # Row against column in the order of the table: NumPy's bits.
                if a < b and math.isfinite(low):
                    assert (got[0], got[1]) == (low, high)
                assert found.tied[a, b] == tied
                np.testing.assert_equal(found.difference[a, b], values[a] - values[b])
    np.testing.assert_array_equal(found.tied, tie_matrix(values, drawn, clusters=9, levels=levels))


def simulated(models, replicates, seed, *, decimals=None, missing=0.0):
    random = np.random.default_rng(seed)
    skill = 0.4 * random.normal(size=(models, 1))
    drawn = skill + random.normal(size=replicates) + 0.2 * random.normal(size=(models, replicates))
    if decimals is not None:
        drawn = drawn.round(decimals)
    drawn[random.random(drawn.shape) < missing] = np.nan
    return skill[:, 0], drawn


@pytest.mark.parametrize("replicates", [2, 3, 20, 39, 40, 41, 81, 1000])
@pytest.mark.parametrize("missing", [0.0, 0.1, 0.5])
def test_numbers_are_those_of_a_loop_over_pairs(replicates, missing):
    for seed in range(3):
        values, drawn = simulated(6, replicates, seed, missing=missing)
        assert_as_plain(values, drawn)
        assert_as_plain(values, drawn, better="lower")


@pytest.mark.parametrize("seed", range(6))
def test_replicates_that_are_equal_count_half_and_tie(seed):
    assert_as_plain(*simulated(5, 60, seed, decimals=0))


@pytest.mark.parametrize("seed", range(4))
def test_tails_that_are_not_normal_are_found_all_the_same(seed):
    random = np.random.default_rng(seed)
    drawn = random.standard_cauchy(size=(5, 400)) ** 3
    assert_as_plain(np.zeros(5), drawn)
    drawn[:, :30] = -1e6
    drawn[2] = np.exp(drawn[2] % 5)
    assert_as_plain(np.zeros(5), drawn)


@pytest.mark.parametrize("level", [0.0, 0.001, 0.016, 0.1, 0.25, 0.5])
def test_any_levels(level):
    assert_as_plain(*simulated(5, 200, 1, missing=0.02), levels=(level, 1 - level))


@given(
    n=st.integers(2, 90),
    below=st.integers(0, 8),
    level=st.floats(0.001, 0.2),
    gap=st.floats(1e-6, 1.0),
)
def test_where_a_quantile_falls_between_the_two_sides_of_zero_it_is_computed(n, below, level, gap):
    """The count alone does not decide: the values about 0 do."""
    below = min(below, n)
    differences = np.concatenate([np.full(below, -gap), np.full(n - below, 1.0)])
    drawn = np.stack([differences, np.zeros(n)])
    for values, rows in (([0.5, 0.1], drawn), ([0.1, 0.5], drawn[::-1])):
        assert_as_plain(np.array(values), np.array(rows), levels=(level, 1 - level))


@pytest.mark.parametrize("clusters", [2, 10, 300])
@pytest.mark.parametrize("metric", ["pearson", "mse"])
def test_at_its_levels_a_pair_is_compared_as_two_headlines_are(clusters, metric):
    values, drawn = simulated(8, 500, clusters)
    levels = percentile_levels(clusters)
    better = "higher" if metric == "pearson" else "lower"
    found = pair_matrix(values, drawn, better=better, clusters=clusters, levels=levels)
    headlines = [Headline(value, row, clusters) for value, row in zip(values, drawn, strict=True)]
    for a in range(8):
        for b in range(a + 1, 8):
            pair = headlines[a], headlines[b]
            (single,) = compare_headlines("x", metric, ("a", "b"), pair, 9)
            assert (found.low[a, b], found.high[a, b]) == single.interval
            assert found.tied[a, b] == single.tied
            assert found.superiority[a, b] == pytest.approx(single.superiority, abs=1e-12)
            assert found.difference[a, b] == single.difference


def test_models_that_differ_by_rounding_are_tied():
    drawn = np.stack([np.full(50, 0.7), np.full(50, 0.7 + 1e-15)])
    assert tie_matrix([0.7, 0.7 + 1e-15], drawn, clusters=5).all()
    assert not tie_matrix([0.7, 0.7 + 1e-9], drawn + np.array([[0], [1e-9]]), clusters=5)[0, 1]


def test_what_is_undefined_is_tied_with_all_and_has_no_interval():
    values, drawn = simulated(4, 100, 0)
    drawn[:2] += [[5.0], [-5.0]]
    values += np.array([5.0, -5.0, 0.0, 0.0])
    apart = pair_matrix(values, drawn, better="higher", clusters=5)
    assert not apart.tied[0, 1]
    assert apart.superiority[0, 1] == 1.0
    values[0] = np.nan
    found = pair_matrix(values, drawn, better="higher", clusters=5)
    assert found.tied[0].all()
    for each in (found.difference, found.low, found.high, found.superiority, found.standard_error):
        assert np.isnan(each[0]).all()
        assert np.isfinite(each[1, 2])
    alone = pair_matrix(values, drawn, better="higher", clusters=1)
    assert alone.tied.all()
    assert np.isnan(alone.low).all()
    assert np.isfinite(alone.difference[1, 2])


def test_infinite_replicates_are_undefined():
    values, drawn = simulated(3, 80, 2)
    gaps = drawn.copy()
    drawn[1, :7], gaps[1, :7] = np.inf, np.nan
    for each, other in zip(
        pair_matrix(values, drawn, better="higher", clusters=4),
        pair_matrix(values, gaps, better="higher", clusters=4),
        strict=True,
    ):
        np.testing.assert_array_equal(each, other)


@given(seed=st.integers(0, 10**6), models=st.integers(1, 7), replicates=st.integers(1, 60))
def test_a_pair_the_other_way_round_is_the_mirror_image(seed, models, replicates):
    values, drawn = simulated(models, replicates, seed, decimals=1)
    found = pair_matrix(values, drawn, better="higher", clusters=3)
    np.testing.assert_array_equal(found.difference, -found.difference.T)
    np.testing.assert_array_equal(found.low, -found.high.T)
    np.testing.assert_array_equal(found.tied, found.tied.T)
    np.testing.assert_array_equal(found.standard_error, found.standard_error.T)
    off = ~np.eye(models, dtype=bool)
    np.testing.assert_allclose((found.superiority + found.superiority.T)[off], 1.0)
    assert found.tied.diagonal().all()
    assert np.isnan(found.low.diagonal()).all()


@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_models_changes_nothing(seed):
    values, drawn = simulated(6, 50, seed, missing=0.05)
    order = np.random.default_rng(seed).permutation(6)
    found = pair_matrix(values, drawn, better="lower", clusters=3)
    other = pair_matrix(values[order], drawn[order], better="lower", clusters=3)
    for each, shuffled in zip(found, other, strict=True):
        np.testing.assert_allclose(each[np.ix_(order, order)], shuffled, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("values", "drawn", "levels", "said"),
    [
        ([0.1, 0.2], np.zeros((3, 5)), LEVELS, r"\(2,\) and replicates of shape \(3, 5\)"),
        ([0.1, 0.2], np.zeros(2), LEVELS, "expected"),
        ([0.1, 0.2], np.zeros((2, 5)), (0.025, 0.95), "evenly about 0.5"),
        ([0.1, 0.2], np.zeros((2, 5)), (0.975, 0.025), "evenly about 0.5"),
    ],
)
def test_what_does_not_fit_is_refused(values, drawn, levels, said):
    with pytest.raises(UsageError, match=said):
        pair_matrix(values, drawn, better="higher", clusters=2, levels=levels)
    with pytest.raises(UsageError, match=said):
        tie_matrix(values, drawn, clusters=2, levels=levels)
