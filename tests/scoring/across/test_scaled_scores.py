"""Scores between two controls, and their mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.scoring.across import ScoreTable, mean_scaled, scaled_scores
from genomark.scoring.kernels import draw_counts

TASKS = 8


def table_of(seed, *, missing=0.0, families=None):
    random = np.random.default_rng(seed)
    values = random.random((4, TASKS))
    values[random.random(values.shape) < missing] = np.nan
    return ScoreTable(values, ["higher"] * TASKS, families)


def test_controls_are_zero_and_one_whichever_way_is_better():
    values = [[0.5, 0.3], [0.75, 0.2], [1.0, 0.1], [0.4, 0.35]]
    found = scaled_scores(ScoreTable(values, ["higher", "lower"]), [0.5, 0.3], [1.0, 0.1])
    np.testing.assert_allclose(found.values, [[0, 0], [0.5, 0.5], [1, 1], [-0.2, -0.25]])
    assert found.reasons == (None, None)


def test_a_task_that_cannot_be_scaled_says_why():
    table = ScoreTable(np.full((2, 6), 0.7), ["higher"] * 5 + ["lower"])
    found = scaled_scores(
        table,
        [np.nan, 0.5, np.inf, 0.5, 0.9, 0.1],
        [1.0, np.nan, np.nan, 0.5 + 1e-15, 0.6, 0.4],
    )
    assert found.reasons == (
        "no value of the negative control",
        "no value of the positive control",
        "no value of the negative and the positive control",
        "both controls score 0.5",
        "the positive control (0.6) is worse than the negative (0.9)",
        "the positive control (0.4) is worse than the negative (0.1)",
    )
    assert np.isnan(found.values).all()
    mean = mean_scaled(table, found, seed=0)
    assert np.isnan(mean.mean).all()
    assert mean.tasks == 0


def test_controls_that_are_both_zero_coincide():
    found = scaled_scores(ScoreTable([[0.3]], ["higher"]), [0.0], [0.0])
    assert found.reasons == ("both controls score 0",)


@given(seed=st.integers(0, 10**6), slope=st.floats(0.1, 100), shift=st.floats(-50, 50))
def test_a_change_of_the_unit_changes_nothing(seed, slope, shift):
    table = table_of(seed, missing=0.2)
    random = np.random.default_rng(seed + 1)
    low = random.random(TASKS)
    high = low + 0.5
    found = scaled_scores(table, low, high).values
    other = ScoreTable(slope * table.values + shift, ["higher"] * TASKS)
    again = scaled_scores(other, slope * low + shift, slope * high + shift).values
    np.testing.assert_allclose(found, again, atol=1e-8)
    turned = ScoreTable(-table.values, ["lower"] * TASKS)
    np.testing.assert_allclose(found, scaled_scores(turned, -low, -high).values, atol=1e-12)
    np.testing.assert_array_equal(np.isnan(found), ~table.known)


def test_the_mean_and_its_interval_are_those_of_a_plain_loop():
    table = table_of(2, families=list("aabbccdd"))
    scaled = scaled_scores(table, np.zeros(TASKS), np.full(TASKS, 2.0))
    found = mean_scaled(table, scaled, seed=4, replicates=150)
    np.testing.assert_allclose(found.mean, table.values.mean(axis=1) / 2)
    drawn = []
    for replicate in range(150):
        counts = np.empty(4, dtype=np.int32)
        draw_counts(np.uint64(4), replicate, counts)
        tasks = [task for task in range(TASKS) for _ in range(counts[task // 2])]
        drawn.append(table.values[:, tasks].mean(axis=1) / 2)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(found.low, low, atol=1e-12)
    np.testing.assert_allclose(found.high, high, atol=1e-12)
    assert (found.tasks, found.families) == (TASKS, 4)


def test_the_mean_is_over_tasks_that_scale_and_that_all_have():
    table = table_of(1)
    values = table.values.copy()
    values[0, 0] = np.nan
    gaps = ScoreTable(values, ["higher"] * TASKS)
    high = np.ones(TASKS)
    high[1] = 0.0
    found = mean_scaled(gaps, scaled_scores(gaps, np.zeros(TASKS), high), seed=0)
    assert found.tasks == TASKS - 2
    np.testing.assert_allclose(found.mean, values[:, 2:].mean(axis=1))
    one = mean_scaled(gaps, scaled_scores(gaps, np.zeros(TASKS), [math.nan] * 7 + [1.0]), seed=0)
    assert (one.tasks, one.families) == (1, 1)
    assert np.isnan(one.low).all()
    np.testing.assert_allclose(one.mean, values[:, 7])


def test_a_control_a_task_is_expected():
    with pytest.raises(UsageError, match="for 8 tasks: expected one of each a task"):
        scaled_scores(table_of(0), np.zeros(7), np.ones(8))
