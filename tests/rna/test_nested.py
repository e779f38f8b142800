"""Sets of pairs that do not cross, against all of them one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.rna.nested import best_nested, nested_marginals

Pair = tuple[int, int]


def all_nested(pairs: list[Pair]) -> Iterator[list[Pair]]:
    """Every set of pairs in which none crosses another or shares a position with it."""
    if not pairs:
        yield []
        return
    (i, k), rest = pairs[0], pairs[1:]
    yield from all_nested(rest)
    compatible = [(a, b) for a, b in rest if not {a, b} & {i, k} and (i < a < k) == (i < b < k)]
    for others in all_nested(compatible):
        yield [(i, k), *others]


@st.composite
def some_pairs(draw: st.DrawFn) -> tuple[int, list[Pair], list[float]]:
    length = draw(st.integers(2, 9))
    possible = [(i, k) for i in range(length) for k in range(i + 1, length)]
    pairs = sorted(draw(st.sets(st.sampled_from(possible), max_size=9)))
    values = draw(
        st.lists(
            # Eighths add up without rounding, so that ties are ties.
            st.integers(-16, 40).map(lambda eighths: eighths / 8),
            min_size=len(pairs),
            max_size=len(pairs),
        )
    )
    return length, pairs, values


def columns(pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray]:
    found = np.array(pairs, np.int32).reshape(-1, 2)
    return found[:, 0].copy(), found[:, 1].copy()


@given(some_pairs())
def test_the_best_set_gains_as_much_as_the_best_of_all_sets(made):
    length, pairs, values = made
    partner, gain = best_nested(length, *columns(pairs), np.array(values))
    gains = dict(zip(pairs, values, strict=True))
    assert gain == max(sum(gains[pair] for pair in each) for each in all_nested(pairs))
    chosen = [(i, int(k)) for i, k in enumerate(partner) if k > i]
    assert all(partner[k] == i for i, k in chosen)
    assert sum(gains[pair] for pair in chosen) == gain
    assert sorted(chosen) in [sorted(each) for each in all_nested(pairs)]


@given(some_pairs())
def test_marginals_are_the_shares_of_all_sets(made):
    length, pairs, values = made
    log_sum, probabilities = nested_marginals(length, *columns(pairs), np.array(values))
    scores = dict(zip(pairs, values, strict=True))
    sets = list(all_nested(pairs))
    weights = np.exp([sum(scores[pair] for pair in each) for each in sets])
    assert log_sum == pytest.approx(np.log(weights.sum()), abs=1e-9)
    for pair, found in zip(pairs, probabilities, strict=True):
        held = [pair in each for each in sets]
        assert found == pytest.approx(weights[held].sum() / weights.sum(), abs=1e-7)


@given(some_pairs())
def test_no_pair_is_more_probable_than_its_own_odds(made):
    length, pairs, values = made
    _, probabilities = nested_marginals(length, *columns(pairs), np.array(values))
    assert (probabilities <= 1 / (1 + np.exp(-np.array(values))) + 1e-9).all()


def test_probabilities_are_the_derivatives_of_the_sum():
    draws = np.random.default_rng(0)
    pairs = [(i, k) for i in range(30) for k in range(i + 4, 30) if draws.random() < 0.3]
    scores = draws.normal(0, 2, len(pairs))
    _, probabilities = nested_marginals(30, *columns(pairs), scores)
    for place in range(0, len(pairs), 7):
        step = np.zeros(len(pairs))
        step[place] = 1e-4
        above, below = (
            nested_marginals(30, *columns(pairs), scores + sign * step)[0] for sign in (1, -1)
        )
        assert probabilities[place] == pytest.approx((above - below) / 2e-4, abs=1e-6)


def test_scores_that_overflow_their_exponentials_are_summed():
    # One helix of 200 pairs of score 30: its weight is exp(6000).
    pairs = [(i, 500 - i) for i in range(200)]
    log_sum, probabilities = nested_marginals(501, *columns(pairs), np.full(200, 30.0))
    assert log_sum == pytest.approx(6000.0)
    np.testing.assert_allclose(probabilities, 1, atol=1e-9)


def test_between_equals_a_position_stays_unpaired_or_takes_the_nearest():
    opening, closing = columns([(0, 5), (0, 9), (1, 9)])
    partner, gain = best_nested(10, opening, closing, np.array([1.0, 1.0, 1.0]))
    assert gain == 1
    # Position 0 unpaired is as good as either of its pairs.
    assert partner.tolist() == [-1, 9, *[-1] * 7, 1]
    partner, _ = best_nested(10, opening[:2], closing[:2], np.array([1.0, 1.0]))
    assert partner.tolist() == [5, -1, -1, -1, -1, 0, *[-1] * 4]


def test_without_pairs_nothing_is_chosen():
    nothing = np.zeros(0, np.int32)
    partner, gain = best_nested(3, nothing, nothing, np.zeros(0))
    assert (partner.tolist(), gain) == ([-1, -1, -1], 0)
    log_sum, probabilities = nested_marginals(0, nothing, nothing, np.zeros(0))
    assert (log_sum, probabilities.size) == (0, 0)
