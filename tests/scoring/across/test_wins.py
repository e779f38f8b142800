"""Wins and points, counted by hand and by pandas as the peer counts them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from demsar import AUC
from hypothesis import given
from hypothesis import strategies as st

from genomark.scoring.across import ScoreTable, borda, mean_ranks, win_rates


def values_of(seed, models=5, tasks=9, missing=0.3):
    random = np.random.default_rng(seed)
    values = random.integers(0, 4, size=(models, tasks)).astype(float)
    values[random.random(values.shape) < missing] = np.nan
    return values


@given(seed=st.integers(0, 10**6), lower=st.booleans())
def test_wins_are_counted_pair_by_pair(seed, lower):
    values = values_of(seed)
    found = win_rates(ScoreTable(values, ["lower" if lower else "higher"] * 9))
    for a, first in enumerate(values):
        for b, second in enumerate(values):
            if a == b:
                assert np.isnan(found.rate[a, b])
                assert found.tasks[a, b] == found.wins[a, b] == 0
                continue
            both = [(x, y) for x, y in zip(first, second, strict=True) if x == x and y == y]
            wins = sum((x < y) if lower else (x > y) for x, y in both)
            equal = sum(x == y for x, y in both)
            assert (found.wins[a, b], found.tasks[a, b]) == (wins, len(both))
            assert found.losses[a, b] == len(both) - wins - equal
            expected = (wins + equal / 2) / len(both) if both else np.nan
            np.testing.assert_allclose(found.rate[a, b], expected)


@given(seed=st.integers(0, 10**6))
def test_a_rate_and_its_mirror_make_one(seed):
    found = win_rates(ScoreTable(values_of(seed), ["higher"] * 9))
    off = found.tasks > 0
    np.testing.assert_allclose((found.rate + found.rate.T)[off], 1)
    np.testing.assert_array_equal(found.wins, found.losses.T)
    assert np.isnan(found.rate[~off]).all()


@given(seed=st.integers(0, 10**6))
def test_points_and_places_are_those_of_the_peer(seed):
    values = values_of(seed)
    found = borda(ScoreTable(values, ["higher"] * 9))
    # As MTEB's leaderboard does, with pandas: missing ranks are passed over by the sum.
    frame = pd.DataFrame(values)
    points = (len(frame) - frame.rank(method="average", ascending=False)).sum(axis=1)
    np.testing.assert_allclose(found.points, points)
    assert found.place.tolist() == points.rank(method="min", ascending=False).tolist()
    assert found.tasks.tolist() == frame.notna().sum(axis=1).tolist()


@given(seed=st.integers(0, 10**6))
def test_the_order_of_models_and_tasks_changes_nothing(seed):
    values = values_of(seed)
    random = np.random.default_rng(seed)
    models, tasks = random.permutation(5), random.permutation(9)
    found = ScoreTable(values, ["higher"] * 9)
    other = ScoreTable(values[np.ix_(models, tasks)], ["higher"] * 9)
    np.testing.assert_allclose(borda(found).points[models], borda(other).points)
    np.testing.assert_array_equal(
        win_rates(found).rate[np.ix_(models, models)], win_rates(other).rate
    )


def test_points_are_mean_ranks_turned_round_where_nothing_is_missing():
    table = ScoreTable(AUC.T, ["higher"] * 14)
    np.testing.assert_allclose(
        borda(table).points, 14 * (4 - mean_ranks(table, seed=0).mean), atol=1e-9
    )
    # 14 x (4 - 3.143), and so on.
    assert borda(table).points.tolist() == [12.0, 28.0, 15.5, 28.5]
    assert borda(table).place.tolist() == [4, 2, 3, 1]


def test_who_skips_a_task_gets_nothing_for_it():
    values = [[0.9, np.nan], [0.8, 0.1], [0.7, 0.2]]
    found = borda(ScoreTable(values, ["higher"] * 2))
    assert found.points.tolist() == [2.0, 2.0, 2.0]
    assert found.place.tolist() == [1, 1, 1]
    assert found.tasks.tolist() == [1, 2, 2]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 4)])
def test_a_table_of_nearly_nothing(shape):
    table = ScoreTable(np.zeros(shape), ["lower"] * shape[1])
    assert win_rates(table).rate.shape == (shape[0], shape[0])
    assert borda(table).points.tolist() == [0.0] * shape[0]
