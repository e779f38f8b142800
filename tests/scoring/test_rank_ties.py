"""The numbers of the tie sets of a model, held to a list of all sets there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.scoring.rank_ties import tie_ranks


def graph(pairs):
    """A symmetric matrix with ones on the diagonal, from its upper triangle."""
    upper = np.triu(pairs, 1)
    return upper | upper.T | np.eye(len(upper), dtype=bool)


def random_graph(n, share, seed):
    return graph(np.random.default_rng(seed).random((n, n)) < share)


def cliques(tied):
    """Every maximal clique (Bron and Kerbosch 1973, without a pivot)."""
    neighbours = [set(np.flatnonzero(row)) - {each} for each, row in enumerate(tied)]
    found = []

    def grow(members, may, done):
        if not may and not done:
            found.append(members)
        for each in sorted(may):
            grow(members | {each}, may & neighbours[each], done & neighbours[each])
            may, done = may - {each}, done | {each}

    grow(frozenset(), set(range(len(tied))), set())
    return found


def by_listing(tied):
    """Smallest and largest place of the best member of the sets that a model is in."""
    sets = cliques(tied)
    places = [[min(each) + 1 for each in sets if model in each] for model in range(len(tied))]
    return [min(each) for each in places], [max(each) for each in places]


@st.composite
def tie_graphs(draw, largest=11):
    n = draw(st.integers(1, largest))
    flags = draw(st.lists(st.booleans(), min_size=n * n, max_size=n * n))
    return graph(np.array(flags).reshape(n, n))


def test_the_list_of_sets_is_every_set_that_nobody_can_join():
    tied = random_graph(7, 0.6, 1)
    groups = [
        frozenset(members)
        for size in range(1, 8)
        for members in itertools.combinations(range(7), size)
        if tied[np.ix_(members, members)].all()
    ]
    largest = {group for group in groups if not any(group < other for other in groups)}
    assert set(cliques(tied)) == largest
    assert len(cliques(tied)) == len(largest)


@given(tie_graphs())
def test_ranks_are_those_of_the_listed_sets(tied):
    first, last = tie_ranks(tied)
    assert (first.tolist(), last.tolist()) == by_listing(tied)


@pytest.mark.parametrize("share", [0.2, 0.5])
@pytest.mark.parametrize("n", [63, 64, 65, 70])
def test_more_models_than_a_word_has_bits(n, share):
    tied = random_graph(n, share, n)
    first, last = tie_ranks(tied)
    assert (first.tolist(), last.tolist()) == by_listing(tied)


def test_a_model_alone_and_none_at_all():
    assert [each.tolist() for each in tie_ranks(np.ones((1, 1), dtype=bool))] == [[1], [1]]
    assert [each.tolist() for each in tie_ranks(np.ones((0, 0), dtype=bool))] == [[], []]


def test_the_matrix_that_came_stays_as_it_is_and_its_diagonal_does_not_count():
    tied = random_graph(9, 0.5, 3)
    hollow = tied & ~np.eye(9, dtype=bool)
    kept = hollow.copy()
    np.testing.assert_array_equal(tie_ranks(hollow), tie_ranks(tied))
    np.testing.assert_array_equal(hollow, kept)


def test_the_graph_with_most_sets_takes_no_longer():
    # Moon and Moser 1965: 33 triples, apart inside and tied across, have 3^33 sets. In each the
    # best member is one of the first triple, and every one of the three has its own.
    tied = ~np.kron(np.eye(33, dtype=bool), np.ones((3, 3), dtype=bool)) | np.eye(99, dtype=bool)
    first, last = tie_ranks(tied)
    assert first.tolist() == [1, 2, 3] + [1] * 96
    assert last.tolist() == [1, 2, 3] + [3] * 96


def satisfiability(variables, clauses, seed):
    """A board made to be hard: a last place is far behind where a formula can be satisfied.

    Models are clauses, then the one asked about, then literals; a clause is apart from its three
    literals, a literal from its opposite.
    """
    random = np.random.default_rng(seed)
    n = clauses + 1 + 2 * variables
    tied = np.ones((n, n), dtype=bool)
    literals = clauses + 1 + np.arange(2 * variables).reshape(-1, 2)
    for yes, no in literals:
        tied[yes, no] = tied[no, yes] = False
    formula = []
    for clause in range(clauses):
        chosen = random.choice(variables, 3, replace=False)
        signs = random.integers(0, 2, 3)
        formula.append(list(zip(chosen, signs, strict=True)))
        for each in literals[chosen, signs]:
            tied[clause, each] = tied[each, clause] = False
    return tied, formula


@pytest.mark.parametrize("seed", range(8))
def test_the_search_decides_formulas_as_trying_all_does(seed):
    variables, clauses = 8, 36
    tied, formula = satisfiability(variables, clauses, seed)
    possible = any(
        all(any(values[where] == sign for where, sign in clause) for clause in formula)
        for values in itertools.product((0, 1), repeat=variables)
    )
    _, last = tie_ranks(tied)
    assert (last[clauses] == clauses + 1) == possible


def test_formulas_of_both_kinds_were_among_them():
    outcomes = {bool(tie_ranks(satisfiability(8, 36, seed)[0])[1][36] == 37) for seed in range(8)}
    assert outcomes == {True, False}


@given(tie_graphs())
def test_out_of_steps_a_last_rank_is_never_too_small_and_tied_models_share_one(tied):
    first, exact = tie_ranks(tied)
    same_first, last = tie_ranks(tied, steps=0)
    np.testing.assert_array_equal(first, same_first)
    assert (last >= exact).all()
    assert (last <= np.arange(1, len(tied) + 1)).all()
    for a, b in np.argwhere(tied):
        assert max(first[a], first[b]) <= min(last[a], last[b])


def test_the_bound_counts():
    tied, _ = satisfiability(8, 36, 0)
    assert (tie_ranks(tied, steps=0)[1] > tie_ranks(tied)[1]).any()
