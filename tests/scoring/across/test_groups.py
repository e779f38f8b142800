"""Adjusted p-values against statsmodels, and bars against trying every run."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from demsar import AUC, MEAN_RANKS
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genomark.errors import UsageError
from genomark.scoring.across import ScoreTable, groups, holm


def matrix_of(values):
    """A symmetric matrix with `values` above the diagonal, row by row."""
    m = int((1 + np.sqrt(1 + 8 * len(values))) / 2)
    p = np.full((m, m), np.nan)
    p[np.triu_indices(m, 1)] = values
    return np.where(np.isnan(p), p.T, p)


def plain_holm(p):
    """Holm's procedure as he words it: step down, and stop to reject at the first that fails."""
    found = [0.0] * len(p)
    largest = 0.0
    for step, place in enumerate(sorted(range(len(p)), key=lambda each: p[each])):
        largest = max(largest, min(1.0, (len(p) - step) * p[place]))
        found[place] = largest
    return found


def table_of(seed, models=9, tasks=25, spread=0.5):
    random = np.random.default_rng(seed)
    values = np.sort(random.normal(size=(models, 1)) * spread, axis=0)
    return ScoreTable(values + random.normal(size=(models, tasks)), ["higher"] * tasks)


def test_adjusted_p_values_are_those_of_statsmodels():
    # statsmodels 0.15.0: multipletests(p, method="holm")[1]
    found = holm(matrix_of([0.01, 0.04, 0.03, 0.005, 0.2, 0.03]))
    np.testing.assert_allclose(
        found[np.triu_indices(4, 1)], [0.05, 0.12, 0.12, 0.03, 0.2, 0.12], atol=1e-12
    )
    many = np.random.default_rng(5).random(45) ** 3
    np.testing.assert_allclose(
        holm(matrix_of(many))[np.triu_indices(10, 1)][3:9],
        [0.747038428711, 0.006431201044, 1.0, 1.0, 0.003990703046, 0.004868321037],
        atol=1e-11,
    )


@given(st.lists(st.floats(0, 1), min_size=10, max_size=10))
def test_adjusted_p_values_are_those_of_the_procedure(p):
    found = holm(matrix_of(p))
    np.testing.assert_allclose(found[np.triu_indices(5, 1)], plain_holm(p), atol=1e-12)
    np.testing.assert_array_equal(found, found.T)
    assert np.isnan(found.diagonal()).all()


def test_pairs_that_were_not_tested_do_not_count():
    found = holm(matrix_of([0.02, np.nan, 0.03]))
    np.testing.assert_allclose(found[np.triu_indices(3, 1)], [0.04, np.nan, 0.04])


def test_a_published_table():
    """Demšar 2006 finds no pair apart by Nemenyi's test; by Wilcoxon's two are, before Holm."""
    found = groups(ScoreTable(AUC.T, ["higher"] * 14))
    assert found.order.tolist() == [3, 1, 2, 0]
    assert found.mean_rank.round(3).tolist() == sorted(MEAN_RANKS)
    pairs = list(itertools.combinations(range(4), 2))
    p = [stats.wilcoxon(AUC[:, a] - AUC[:, b]).pvalue for a, b in pairs]
    for (a, b), adjusted in zip(pairs, plain_holm(p), strict=True):
        assert found.adjusted[a, b] == pytest.approx(adjusted, abs=1e-9)
    assert found.tasks == 14


def every_run(alike):
    """Longest runs of two or more in which all are alike, by trying all."""
    m = len(alike)
    runs = [
        (a, b)
        for a, b in itertools.combinations(range(m), 2)
        if all(alike[x, y] for x, y in itertools.combinations(range(a, b + 1), 2))
    ]
    return [
        (a, b) for a, b in runs if not any((x, y) != (a, b) and x <= a and b <= y for x, y in runs)
    ]


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_bars_are_the_longest_runs_without_a_pair_apart(spread):
    for seed in range(12):
        found = groups(table_of(seed, spread=spread))
        alike = (found.adjusted >= 0.05)[np.ix_(found.order, found.order)]
        assert found.bars == every_run(alike)
        joined = {
            pair
            for first, last in found.bars
            for pair in itertools.combinations(range(first, last + 1), 2)
        }
        pairs = itertools.combinations(range(9), 2)
        assert found.unjoined == sum(alike[pair] and pair not in joined for pair in pairs)


def test_models_alike_are_one_bar_and_models_apart_none():
    random = np.random.default_rng(0)
    same = groups(ScoreTable(random.normal(size=(4, 20)), ["higher"] * 20))
    assert same.bars == [(0, 3)]
    apart = groups(ScoreTable(np.arange(3)[:, None] * 10 + random.random((3, 20)), ["lower"] * 20))
    assert apart.bars == []
    assert apart.order.tolist() == [0, 1, 2]
    assert apart.unjoined == 0


def test_a_pair_alike_around_one_that_differs_is_counted_and_not_joined():
    # On every task B is a little behind A; C is far ahead on six of 20, and behind on the others.
    tasks = 20
    first = np.linspace(0, 1, tasks)
    swing = np.where(np.arange(tasks) < 6, 5.0, -1.0) + np.arange(tasks) / 100
    values = np.stack([first, first - 0.01 - np.arange(tasks) / 1000, first + swing])
    found = groups(ScoreTable(values, ["higher"] * tasks))
    assert found.order.tolist() == [0, 1, 2]
    assert found.adjusted[0, 1] < 0.05
    assert found.adjusted[0, 2] >= 0.05
    assert found.bars == [(1, 2)]
    assert found.unjoined == 1


def test_alpha_is_taken_as_asked():
    table = table_of(3)
    strict, loose = groups(table, alpha=1e-6), groups(table, alpha=0.9)
    assert strict.bars == every_run((strict.adjusted >= 1e-6)[np.ix_(strict.order, strict.order)])
    assert loose.bars != strict.bars
    for alpha in (0, 1, 5):
        with pytest.raises(UsageError, match="between 0 and 1"):
            groups(table, alpha=alpha)


def test_only_tasks_that_all_have_are_used():
    table = table_of(1, models=4, tasks=12)
    values = np.column_stack([table.values, [5, np.nan, 5, 5]])
    found = groups(ScoreTable(values, ["higher"] * 13, [str(n) for n in range(13)]))
    same = groups(table)
    assert found.tasks == same.tasks == 12
    np.testing.assert_array_equal(found.adjusted, same.adjusted)
    none = groups(ScoreTable(np.full((3, 2), np.nan), ["higher"] * 2))
    assert none.tasks == none.order.size == 0
    assert none.bars == []
    assert np.isnan(none.adjusted).all()


@given(seed=st.integers(0, 10**6))
def test_the_order_of_models_and_tasks_changes_nothing(seed):
    table = table_of(seed, models=6, tasks=12)
    random = np.random.default_rng(seed)
    models, tasks = random.permutation(6), random.permutation(12)
    found = groups(table)
    other = groups(ScoreTable(table.values[np.ix_(models, tasks)], ["higher"] * 12))
    np.testing.assert_allclose(found.adjusted[np.ix_(models, models)], other.adjusted, atol=1e-12)
    np.testing.assert_allclose(found.mean_rank, other.mean_rank)
