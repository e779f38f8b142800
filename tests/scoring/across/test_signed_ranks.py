"""Signed ranks of every pair, held to scipy's test of that pair."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from demsar import AUC
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genomark.scoring.across import ScoreTable, signed_ranks


def values_of(models, tasks, seed, *, decimals=None, missing=0.0):
    random = np.random.default_rng(seed)
    values = random.normal(size=(models, tasks)) + np.linspace(0, 0.8, models)[:, None]
    if decimals is not None:
        values = values.round(decimals)
    values[random.random(values.shape) < missing] = np.nan
    return values


# 13 and 50 are where scipy changes its method.
@pytest.mark.parametrize("tasks", [1, 2, 3, 7, 13, 14, 30, 50, 51, 80])
@pytest.mark.parametrize("decimals", [None, 0, 1])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_every_pair_has_the_p_value_of_scipy(tasks, decimals, missing):
    # With ties among 13 tasks scipy goes through 8,192 changes of signs: a pair is enough.
    models = 2 if tasks == 13 else 6
    values = values_of(models, tasks, tasks, decimals=decimals, missing=missing)
    found = signed_ranks(ScoreTable(values, ["higher"] * tasks))
    for a, b in itertools.combinations(range(models), 2):
        differences = values[a] - values[b]
        differences = differences[np.isfinite(differences)]
        assert found.tasks[a, b] == found.tasks[b, a] == differences.size
        if not differences.size:
            assert np.isnan(found.p[a, b])
        elif not differences.any():
            assert found.p[a, b] == 1.0
        else:
            expected = stats.wilcoxon(differences)
            assert found.p[a, b] == pytest.approx(expected.pvalue, abs=1e-9)
            assert found.p[b, a] == found.p[a, b]
            smaller = min(found.statistic[a, b], found.statistic[b, a])
            assert smaller == pytest.approx(expected.statistic)


@given(differences=st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_a_small_p_value_is_the_share_of_all_changes_of_signs(differences):
    values = np.array([differences, np.zeros(len(differences))])
    found = signed_ranks(ScoreTable(values, ["higher"] * len(differences))).p[0, 1]
    rest = np.array([each for each in differences if each])
    if not rest.size:
        assert found == 1.0
        return
    ranks = stats.rankdata(np.abs(rest))
    seen = ranks[rest > 0].sum()
    sums = np.array(
        [ranks[list(signs)].sum() for signs in itertools.product((False, True), repeat=rest.size)]
    )
    expected = min(1.0, 2 * min((sums <= seen).mean(), (sums >= seen).mean()))
    assert found == pytest.approx(expected, abs=1e-12)


def test_all_tasks_in_favour_have_the_smallest_p_value_there_is():
    for tasks in (5, 13, 20, 50):
        values = np.array([np.arange(1.0, tasks + 1), np.zeros(tasks)])
        found = signed_ranks(ScoreTable(values, ["higher"] * tasks))
        assert found.p[0, 1] == pytest.approx(2 / 2**tasks, rel=1e-9)
        assert found.statistic[0, 1] == tasks * (tasks + 1) / 2
        assert found.statistic[1, 0] == 0


def test_a_published_table_has_the_p_values_of_scipy():
    found = signed_ranks(ScoreTable(AUC.T, ["higher"] * 14))
    for a, b in itertools.combinations(range(4), 2):
        differences = AUC[:, a] - AUC[:, b]
        assert found.p[a, b] == pytest.approx(stats.wilcoxon(differences).pvalue, abs=1e-9)


def test_far_tails_keep_their_digits():
    tasks = 300
    values = np.array([np.arange(1.0, tasks + 1), np.zeros(tasks)])
    z = (tasks * (tasks + 1) / 4) / math.sqrt(tasks * (tasks + 1) * (2 * tasks + 1) / 24)
    found = signed_ranks(ScoreTable(values, ["higher"] * tasks)).p[0, 1]
    assert found == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)


@given(seed=st.integers(0, 10**6), tasks=st.integers(1, 20))
def test_neither_order_nor_direction_changes_a_p_value(seed, tasks):
    values = values_of(4, tasks, seed, decimals=1, missing=0.1)
    found = signed_ranks(ScoreTable(values, ["higher"] * tasks))
    random = np.random.default_rng(seed)
    models, order = random.permutation(4), random.permutation(tasks)
    other = signed_ranks(ScoreTable(-values[np.ix_(models, order)], ["lower"] * tasks))
    pairs = np.ix_(models, models)
    np.testing.assert_allclose(found.p[pairs], other.p, atol=1e-12)
    np.testing.assert_array_equal(found.statistic[pairs], other.statistic)


def test_the_diagonal_and_a_table_of_nothing_are_not_tested():
    found = signed_ranks(ScoreTable(values_of(3, 5, 0), ["higher"] * 5))
    assert np.isnan(found.p.diagonal()).all()
    assert found.tasks.diagonal().tolist() == [0, 0, 0]
    assert np.isnan(signed_ranks(ScoreTable(np.empty((2, 0)), [])).p).all()
