"""Rows as the published evaluators print them: right where they are, and wrong where they are."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from genomark.benchmarks.game.published import published_mean, published_pearson

numbers = st.floats(-100, 100).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30))
def test_it_is_pearson_of_scipy_and_0_where_nothing_varies(
    pairs: list[tuple[float, float]],
) -> None:
    prediction, truth = np.array(pairs).T
    row = published_pearson(prediction, truth, "A row")
    if not np.ptp(prediction) or not np.ptp(truth):
        assert row.value == 0.0
    else:
        expected = scipy.stats.pearsonr(prediction, truth).statistic
        assert row.value == pytest.approx(expected, abs=1e-9)
    assert (row.name, row.group, row.n) == ("game_pearson_r", "A row", len(pairs))
    assert row.interval is None
    assert row.reason_if_null is None


def test_equal_numbers_of_which_the_deviation_rounds_to_more_than_0_are_0_too() -> None:
    flat = np.full(3, 0.1)
    assert flat.std() > 0
    assert published_pearson(flat, np.arange(3.0), "A row").value == 0.0


def test_what_cannot_be_told_is_0_too() -> None:
    infinite = np.array([np.inf, 1.0, 2.0])
    assert published_pearson(infinite, np.array([1.0, 2.0, 3.0]), "A row").value == 0.0


def test_without_an_answer_to_each_item_there_is_no_number() -> None:
    row = published_pearson(np.array([1.0, np.nan, 2.0]), np.array([1.0, 2.0, 3.0]), "A row")
    assert (row.value, row.reason_if_null) == (None, "1 of 3 items have no answer")
    row = published_pearson(np.array([1.0]), np.array([1.0]), "A row", n_clusters=1)
    assert (row.value, row.reason_if_null) == (None, "fewer than 2 items (1)")
    assert row.n_clusters == 1


def test_a_mean_leaves_out_what_has_no_number() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    rows = [
        published_pearson(values, truth, "A row")
        for values in (truth, np.zeros(3), np.array([np.nan, 1.0, 2.0]))
    ]
    mean = published_mean(rows, "All", name="game_mean", n_clusters=2)
    assert (mean.value, mean.n, mean.name, mean.group) == (0.5, 6, "game_mean", "All")
    none = published_mean(rows[2:], "All")
    assert (none.value, none.reason_if_null) == (None, "none of the rows has a value")
