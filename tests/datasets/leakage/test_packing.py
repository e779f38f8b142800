"""Groups and what has to be dropped, against scipy and against trying everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from genomark.datasets.leakage.links import Links
from genomark.datasets.leakage.packing import DROPPED, grouped, packed, without_straddling

N = 9
PAIRS = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).filter(lambda pair: pair[0] != pair[1]),
    max_size=14,
)
SPLITS = st.lists(st.integers(0, 2), min_size=N, max_size=N)
ONES = np.ones(N, dtype=np.int64)


def of_pairs(pairs: list[tuple[int, int]]) -> Links:
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Links(one, other, np.ones(len(pairs)), 1.0)


@given(PAIRS)
def test_groups_without_a_limit_are_connected_components(pairs: list[tuple[int, int]]) -> None:
    links = of_pairs(pairs)
    graph = coo_array((np.ones(len(pairs)), (links.one, links.other)), shape=(N, N))
    _, expected = connected_components(graph, directed=False)
    np.testing.assert_array_equal(grouped(N, links, N), expected)


@given(PAIRS, st.integers(1, 4))
def test_no_group_is_larger_than_asked(pairs: list[tuple[int, int]], largest: int) -> None:
    assert np.bincount(grouped(N, of_pairs(pairs), largest)).max() <= largest


@settings(deadline=None)
@given(PAIRS, SPLITS)
def test_dropping_leaves_no_link_and_none_is_dropped_in_vain(
    pairs: list[tuple[int, int]], splits: list[int]
) -> None:
    before = np.array(splits)
    after = without_straddling(before, of_pairs(pairs), ONES)
    dropped = after == DROPPED
    np.testing.assert_array_equal(after[~dropped], before[~dropped])
    straddling = {pair for pair in pairs if before[pair[0]] != before[pair[1]]}
    assert all(dropped[one] or dropped[other] for one, other in straddling)
    for row in np.flatnonzero(dropped):
        others = {pair[0] + pair[1] - row for pair in straddling if row in pair}
        assert any(not dropped[other] for other in others)
    # The fewest, by trying all; the greedy way is never far from it in so few rows.
    fewest = next(
        size
        for size in range(N + 1)
        if any(
            all(one in rows or other in rows for one, other in straddling)
            for rows in itertools.combinations(range(N), size)
        )
    )
    assert fewest <= dropped.sum() <= fewest + 1


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_packed_close_to_the_shares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(300), rng.integers(1, 12, 300))
    n = groups.size
    strata = rng.integers(0, 3, n)
    shares = np.array([0.7, 0.2, 0.1])
    splits = packed(groups, of_pairs([]), strata, np.ones(n, dtype=np.int64), shares, seed)
    np.testing.assert_allclose(np.bincount(splits) / n, shares, atol=0.01)
    for stratum in range(3):
        counts = np.bincount(splits[strata == stratum], minlength=3)
        np.testing.assert_allclose(counts / counts.sum(), shares, atol=0.03)
    assert all(np.unique(splits[groups == group]).size == 1 for group in range(300))


def test_rows_count_as_often_as_they_occur() -> None:
    weights = np.array([50, 10, 10, 10, 10, 10])
    shares = np.array([0.5, 0.5])
    splits = packed(np.arange(6), of_pairs([]), np.zeros(6, dtype=np.int64), weights, shares, 0)
    assert len(set(splits[1:].tolist())) == 1
    assert splits[0] != splits[1]


def test_of_two_rows_the_one_that_stands_for_fewer_is_dropped() -> None:
    weights = np.array([5, 1])
    kept = without_straddling(np.array([0, 1]), of_pairs([(0, 1)]), weights)
    assert kept.tolist() == [0, DROPPED]
