"""What must not change a result: the order of sequences, the strand they are given on, the case."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_copies import family, other_strand, random_sequence, substituted

from genomark.datasets.leakage import Nearest, nearest, orthogonal_split

LENGTHS = (60, 90, 150)


def sets(seed: int) -> tuple[list[str], list[str]]:
    """30 test sequences, half of them changed parts of 20 training sequences."""
    draw = random.Random(seed)
    train = [random_sequence(draw, draw.choice(LENGTHS)) for _ in range(20)]
    test = [substituted(draw, draw.choice(train), 0.1)[draw.randint(0, 20) :] for _ in range(15)]
    return test + [random_sequence(draw, draw.choice(LENGTHS)) for _ in range(15)], train


def numbers(found: Nearest) -> np.ndarray:
    return np.column_stack([found.identity, found.columns, found.coverage, found.similarity])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_either_set_changes_rows_alone(seed: int) -> None:
    test, train = sets(seed)
    found = nearest(test, train)
    order = random.Random(seed).sample(range(20), 20)
    moved = nearest(test[::-1], [train[row] for row in order])
    rows = np.array([order[row] if row >= 0 else -1 for row in moved.train])
    np.testing.assert_array_equal(rows[::-1], found.train)
    np.testing.assert_array_equal(numbers(moved)[::-1], numbers(found))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_a_turned_training_set_turns_strands_and_places(seed: int) -> None:
    test, train = sets(seed)
    found, turned = nearest(test, train), nearest(test, list(map(other_strand, train)))
    np.testing.assert_array_equal(turned.train, found.train)
    np.testing.assert_array_equal(turned.strand, -found.strand)
    np.testing.assert_array_equal(numbers(turned), numbers(found))
    np.testing.assert_array_equal(turned.test_start, found.test_start)
    hit = found.train >= 0
    lengths = np.array([len(train[row]) for row in found.train])
    np.testing.assert_array_equal((lengths - turned.train_end)[hit], found.train_start[hit])


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000))
def test_places_are_where_the_alignment_is(seed: int) -> None:
    test, train = sets(seed)
    found = nearest(test, train)
    assert (found.train[:15] >= 0).mean() > 0.9
    for item in np.flatnonzero(found.train >= 0):
        ours = test[item][found.test_start[item] : found.test_end[item]]
        theirs = train[found.train[item]][found.train_start[item] : found.train_end[item]]
        theirs = theirs if found.strand[item] > 0 else other_strand(theirs)
        # Where there is no gap the columns can be counted here.
        if len(ours) == len(theirs) == found.columns[item]:
            same = sum(one == other for one, other in zip(ours, theirs, strict=True))
            assert found.identity[item] == same / len(ours)
        assert found.coverage[item] == len(ours) / len(test[item])
        assert ours[0] == theirs[0]
        assert ours[-1] == theirs[-1]


def test_case_and_alphabet_do_not_matter() -> None:
    test, train = sets(3)
    found = nearest(test, train)
    other = nearest([each.lower() for each in test], [each.replace("T", "U") for each in train])
    np.testing.assert_array_equal(other.train, found.train)
    np.testing.assert_array_equal(numbers(other), numbers(found))


def test_a_set_of_tuples_is_taken() -> None:
    test, train = sets(4)
    found = nearest(tuple(test), tuple(train))
    np.testing.assert_array_equal(found.train, nearest(test, train).train)


@pytest.mark.parametrize("seed", range(3))
def test_groups_do_not_depend_on_order_or_strand(seed: int) -> None:
    draw = random.Random(seed)
    sequences = [each for _ in range(20) for each in family(draw, draw.randint(1, 4))]
    made = orthogonal_split(sequences, (1, 1))
    turned = orthogonal_split(list(map(other_strand, sequences))[::-1], (1, 1))
    together = made.groups[:, None] == made.groups
    np.testing.assert_array_equal(turned.groups[::-1][:, None] == turned.groups[::-1], together)
    # Groups are numbered as they first occur.
    firsts = [made.groups.tolist().index(number) for number in range(made.groups.max() + 1)]
    assert firsts == sorted(firsts)
