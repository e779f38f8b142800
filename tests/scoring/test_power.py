"""The smallest difference that can be shown, against the power of scipy's normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from genomark.errors import UsageError
from genomark.scoring.intervals import percentile_levels
from genomark.scoring.pair_matrix import pair_matrix
from genomark.scoring.power import power_of, smallest_differences


@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.01, 0.9), (0.1, 0.5)])
def test_a_difference_of_that_size_is_found_as_often_as_asked(alpha, power):
    error = 0.013
    found = float(smallest_differences(error, alpha=alpha, power=power))
    critical = stats.norm.isf(alpha / 2) * error
    assert stats.norm.sf(critical, loc=found, scale=error) == pytest.approx(power, abs=1e-9)


def test_it_is_two_point_eight_standard_errors():
    # z(0.975) + z(0.8), of any table of the normal distribution.
    assert float(smallest_differences(1.0)) == pytest.approx(1.959964 + 0.841621, abs=2e-6)


def test_a_simulated_difference_of_that_size_is_shown_four_times_of_five():
    random = np.random.default_rng(1)
    items, error = 400, 1 / np.sqrt(400)
    effect = float(smallest_differences(error))
    differences = random.normal(effect, 1, size=(4000, items))
    z = differences.mean(axis=1) / (differences.std(axis=1, ddof=1) / np.sqrt(items))
    assert (np.abs(z) > stats.norm.isf(0.025)).mean() == pytest.approx(0.8, abs=0.02)


def test_a_benchmark_tells_the_median_over_its_pairs():
    errors = np.full((4, 4), np.nan)
    for value, (a, b) in zip([0.1, 0.2, 0.4, 0.3], [(0, 1), (0, 2), (1, 2), (1, 3)], strict=True):
        errors[a, b] = errors[b, a] = value
    found = power_of(errors)
    assert found.pairs == 4
    assert found.smallest_difference == pytest.approx(0.25 * 2.8015852)
    assert (found.alpha, found.power) == (0.05, 0.8)


def test_it_is_in_the_unit_of_the_metric():
    random = np.random.default_rng(0)
    drawn = random.normal(size=(5, 300))
    plain = pair_matrix(np.zeros(5), drawn, better="higher", clusters=9).standard_error
    times = pair_matrix(np.zeros(5), 100 * drawn, better="higher", clusters=9).standard_error
    small, large = power_of(plain), power_of(times)
    assert large.smallest_difference == pytest.approx(100 * small.smallest_difference)
    # Two independent models of unit spread differ with a spread of the root of two.
    assert small.smallest_difference == pytest.approx(2.8016 * np.sqrt(2), rel=0.1)


def test_no_pair_has_no_power():
    for errors in (np.full((1, 1), np.nan), np.full((3, 3), np.nan), np.empty((0, 0))):
        found = power_of(errors)
        assert np.isnan(found.smallest_difference)
        assert found.pairs == 0


@pytest.mark.parametrize(("alpha", "power"), [(0, 0.8), (0.05, 1), (0.5, 0.4), (0.8, 0.8)])
def test_levels_that_make_no_test_are_refused(alpha, power):
    with pytest.raises(UsageError, match="expected 0 < alpha < power < 1"):
        power_of(np.ones((2, 2)), alpha=alpha, power=power)


@pytest.mark.parametrize("clusters", [2, 7, 50])
def test_few_clusters_need_a_larger_difference(clusters):
    # Student's t with the unbiased variance, as of the intervals of differences.
    reach = -stats.norm.ppf(percentile_levels(clusters)[0])
    found = float(smallest_differences(0.02, clusters=clusters))
    assert found == pytest.approx(0.02 * (reach + stats.norm.ppf(0.8)))
    assert found > float(smallest_differences(0.02))
    assert power_of(np.full((2, 2), 0.02), clusters=clusters).smallest_difference == found


@pytest.mark.parametrize("clusters", [1, 0, -3, float("nan")])
def test_one_cluster_is_refused(clusters):
    with pytest.raises(UsageError, match="clusters: expected more than one"):
        smallest_differences(0.02, clusters=clusters)
