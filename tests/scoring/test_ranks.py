"""Ranks say no more than the comparisons do: models that are tied share one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UnknownNameError
from genomark.scoring import Comparison, Rank, rank

LETTERS = "ABCDEFGHIJ"


def pairs_of(models, apart):
    """Every pair of models, those named in `apart` (as "AB CD") not tied."""
    named = {frozenset(pair) for pair in apart.split()}
    return [
        Comparison(
            benchmark="x",
            metric="pearson",
            model_a=a,
            model_b=b,
            difference=0.1,
            interval=(0.05, 0.15),
            n=10,
            tied=frozenset((a, b)) not in named,
        )
        for a, b in itertools.combinations(models, 2)
    ]


def ranks(models, apart, metric="pearson"):
    """Ranks as printed, of models whose values fall in the order given."""
    values = {model: 1.0 - index / 100 for index, model in enumerate(models)}
    found = rank(values, pairs_of(models, apart), metric)
    return {each.model: str(each) for each in found}


@st.composite
def tie_graphs(draw, largest=8):
    """Any graph of ties, as a symmetric matrix."""
    n = draw(st.integers(1, largest))
    tied = np.eye(n, dtype=bool)
    for a, b in itertools.combinations(range(n), 2):
        tied[a, b] = tied[b, a] = draw(st.booleans())
    return tied


def ranks_of_graph(tied):
    models = LETTERS[: len(tied)]
    apart = " ".join(
        models[a] + models[b]
        for a, b in itertools.combinations(range(len(tied)), 2)
        if not tied[a, b]
    )
    values = {model: -float(index) for index, model in enumerate(models)}
    return rank(values, pairs_of(models, apart), "pearson")


@given(tie_graphs())
def test_tied_models_share_a_rank(tied):
    found = ranks_of_graph(tied)
    for a, b in itertools.combinations(range(len(tied)), 2):
        if tied[a, b]:
            assert max(found[a].first, found[b].first) <= min(found[a].last, found[b].last)


@given(tie_graphs())
def test_the_best_model_is_first_and_every_rank_is_a_place(tied):
    found = ranks_of_graph(tied)
    assert [each.model for each in found] == list(LETTERS[: len(tied)])
    assert (found[0].first, found[0].last) == (1, 1)
    for place, each in enumerate(found, start=1):
        assert 1 <= each.first <= each.last <= place


@given(tie_graphs())
def test_the_first_rank_is_the_place_of_the_best_model_one_ties_with(tied):
    for index, each in enumerate(ranks_of_graph(tied)):
        assert each.first == np.flatnonzero(tied[index])[0] + 1


@st.composite
def interval_ties(draw):
    """Ties as they mostly are: models on a line, tied when their distance is small."""
    places = sorted(draw(st.lists(st.integers(0, 30), min_size=1, max_size=9)))
    reach = draw(st.integers(0, 12))
    return np.abs(np.subtract.outer(places, places)) <= reach


@given(interval_ties())
def test_on_a_line_a_rank_is_shared_by_tied_models_alone(tied):
    found = ranks_of_graph(tied)
    for a, b in itertools.combinations(range(len(tied)), 2):
        shared = max(found[a].first, found[b].first) <= min(found[a].last, found[b].last)
        assert shared == tied[a, b]


@given(interval_ties())
def test_on_a_line_a_worse_model_never_has_a_better_rank(tied):
    found = ranks_of_graph(tied)
    assert [each.first for each in found] == sorted(each.first for each in found)
    assert [each.last for each in found] == sorted(each.last for each in found)


def test_clear_differences_count_one_two_three():
    assert ranks("ABC", "AB AC BC") == {"A": "1", "B": "2", "C": "3"}


def test_models_that_all_tie_are_all_first():
    assert ranks("ABC", "") == {"A": "1", "B": "1", "C": "1"}


def test_places_are_counted_as_in_sport():
    """Two tie for the first place: the next is third."""
    assert ranks("ABC", "AC BC") == {"A": "1", "B": "1", "C": "3"}


def test_being_tied_is_not_passed_on():
    """A chain: A ties with B and B with C, yet A and C are apart."""
    assert ranks("ABC", "AC") == {"A": "1", "B": "1-2", "C": "2"}
    assert ranks("ABCD", "AC AD BD") == {"A": "1", "B": "1-2", "C": "2-3", "D": "3"}


def test_a_noisy_model_in_the_middle_does_not_join_those_beside_it():
    assert ranks("ABCDE", "AC AD AE CE BD BE") == {
        "A": "1",
        "B": "1-2",
        "C": "2-3",
        "D": "3-4",
        "E": "4",
    }


def test_models_apart_may_share_a_rank_where_both_tie_with_a_better_one():
    """The converse does not hold: docs/design/statistics.md, "Tie sets as ranks"."""
    assert ranks("ABC", "BC") == {"A": "1", "B": "1", "C": "1"}


def test_lower_is_better_for_an_error():
    values = {"worst": 3.0, "best": 1.0, "middle": 2.0}
    pairs = pairs_of(list(values), "")
    for metric in ("mse", "mean_mse"):
        assert [each.model for each in rank(values, pairs, metric)] == ["best", "middle", "worst"]
    for metric in ("pearson", "mean_auroc"):
        assert [each.model for each in rank(values, pairs, metric)] == ["worst", "middle", "best"]


def test_equal_values_are_listed_by_name():
    assert [each.model for each in rank({"b": 1.0, "c": 1.0, "a": 1.0}, [], "mse")] == list("abc")


def test_a_pair_nobody_compared_is_tied():
    """Models that share no item: nothing shows that one is better."""
    pairs = [pair for pair in pairs_of("ABC", "AC") if (pair.model_a, pair.model_b) == ("A", "C")]
    assert [str(each) for each in rank({"A": 3.0, "B": 2.0, "C": 1.0}, pairs, "auroc")] == [
        "1",
        "1-2",
        "2",
    ]


def test_comparisons_of_models_without_a_value_are_passed_over():
    found = rank({"A": 2.0, "C": 1.0}, pairs_of("ABC", "AB AC BC"), "pearson")
    assert found == [Rank("A", 1, 1), Rank("C", 2, 2)]


def test_no_models_have_no_ranks():
    assert rank({}, [], "pearson") == []


def test_an_unknown_metric_is_refused():
    with pytest.raises(UnknownNameError, match="No metric named 'mean_skill'"):
        rank({"A": 1.0}, [], "mean_skill")


def test_less_error_ranks_first():
    for name in ("mse", "rmse", "mcrmse", "mean_rmse"):
        assert [each.model for each in rank({"A": 2.0, "B": 1.0}, [], name)] == ["B", "A"]
    # None of these has "error" in its name, nor "score", and more of each is better.
    for name in ("mcc", "r2", "spearman", "mean_pearson", "weighted_auroc"):
        assert [each.model for each in rank({"A": 1.0, "B": 2.0}, [], name)] == ["B", "A"]


def test_a_rank_is_printed_as_in_a_table():
    assert (str(Rank("A", 2, 2)), str(Rank("A", 2, 4))) == ("2", "2-4")
