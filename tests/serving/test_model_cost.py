"""What a server knows of the time that its model takes."""

import math

import pytest

from genomark.serving.model_cost import ModelCost

MANY = ("point", 1_000, 230_000)


def test_nothing_is_known_of_a_model_that_nobody_has_timed():
    assert ModelCost().share(*MANY) == math.inf


def test_a_share_is_the_time_of_the_model_over_that_of_handling_it():
    cost = ModelCost()
    cost.observe("point", 230_000, 1.0)
    # 3 us a sequence and 1.5 ns a letter.
    assert cost.share(*MANY) == pytest.approx(1.0 / (1_000 * 3e-6 + 230_000 * 1.5e-9))
    assert cost.share("point", 1, 230) == pytest.approx(cost.share(*MANY))


def test_a_first_call_that_compiles_is_forgotten_with_the_next():
    cost = ModelCost()
    cost.observe("point", 230_000, 30.0)
    cost.observe("point", 230_000, 0.001)
    assert cost.share(*MANY) < 1


def test_a_model_that_has_become_slow_is_noticed():
    cost = ModelCost()
    cost.observe("point", 230_000, 0.001)
    for _ in range(20):
        cost.observe("point", 230_000, 1.0)
    assert cost.share(*MANY) > 100


def test_readouts_cost_differently():
    cost = ModelCost()
    cost.observe("point", 230_000, 0.001)
    cost.observe("track", 230_000, 1.0)
    assert cost.share("track", *MANY[1:]) == pytest.approx(1_000 * cost.share(*MANY))


def test_nothing_computed_says_nothing():
    cost = ModelCost()
    cost.observe("point", 0, 1.0)
    assert cost.share("point", 0, 0) == math.inf


def test_seconds_are_known_after_some_computations_and_grow_with_the_letters():
    cost = ModelCost()
    for number in range(16):
        assert cost.seconds("point", 1_000) == math.inf
        # Every fourth is disturbed.
        cost.observe("point", 1_000, 1.0 if number % 4 == 0 else 0.001)
    assert cost.seconds("point", 1_000) == pytest.approx(0.001)
    assert cost.seconds("point", 5_000) == pytest.approx(0.005)
    # What a call takes by itself is not known: fewer letters may take as long.
    assert cost.seconds("point", 10) == pytest.approx(0.001)
    assert cost.seconds("track", 10) == math.inf
