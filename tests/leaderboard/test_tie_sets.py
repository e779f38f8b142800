"""Tie sets, listed: against trying every group of models."""

import itertools

import numpy as np
import pytest

from genomark.leaderboard.tie_sets import tie_sets
from genomark.scoring.rank_ties import tie_ranks


def graph(m, share, seed):
    tied = np.random.default_rng(seed).uniform(size=(m, m)) < share
    tied = np.triu(tied, 1)
    return tied | tied.T | np.eye(m, dtype=bool)


def by_trying(tied):
    m = len(tied)
    groups = [
        set(group)
        for size in range(1, m + 1)
        for group in itertools.combinations(range(m), size)
        if all(tied[a, b] for a, b in itertools.combinations(group, 2))
    ]
    return sorted(sorted(each) for each in groups if not any(each < other for other in groups))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_they_are_the_largest_groups_in_which_all_are_tied(seed, share):
    tied = graph(9, share, seed)
    assert tie_sets(tied) == by_trying(tied)


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_that_ranks_number(seed):
    tied = graph(12, 0.6, seed)
    sets = tie_sets(tied)
    first, last = tie_ranks(tied)
    for model in range(12):
        numbers = [min(each) + 1 for each in sets if model in each]
        assert (first[model], last[model]) == (min(numbers), max(numbers))


def test_all_tied_is_one_set_and_none_tied_are_single_ones():
    assert tie_sets(np.ones((70, 70), dtype=bool)) == [list(range(70))]
    assert tie_sets(np.eye(70, dtype=bool)) == [[place] for place in range(70)]
    assert tie_sets(np.empty((0, 0), dtype=bool)) == []


def test_a_graph_made_to_have_too_many_is_given_up():
    # Moon and Moser 1965: triples that are not tied within have 3^(n / 3) sets.
    triples = np.arange(24) // 3
    tied = (triples[:, np.newaxis] != triples) | np.eye(24, dtype=bool)
    assert tie_sets(tied) is None
    assert len(tie_sets(tied[:12, :12])) == 81
    assert tie_sets(tied[:12, :12], most=80) is None
