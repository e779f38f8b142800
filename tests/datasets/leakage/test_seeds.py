"""Packed letters and spaced seeds, against plain Python."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_copies import other_strand as by_hand
from planted_copies import random_sequence

from genomark.datasets.leakage.seeds import (
    MASKED,
    READ,
    SPAN,
    around,
    count_same,
    letters,
    other_strand,
    row_of,
    seed_index,
    seeds,
)
from genomark.datasets.words import encoded

PATTERN = "1101100011010111"


@given(st.lists(st.text("ACGTN", max_size=40), min_size=1, max_size=4))
def test_a_seed_is_the_letters_in_its_places(sequences: list[str]) -> None:
    one = letters(*encoded(sequences))
    found = seeds(one, masked=False)
    for sequence, first in zip(sequences, one.offsets, strict=False):
        for place in range(len(sequence)):
            window = sequence[place : place + SPAN]
            expected = -1
            if len(window) == SPAN and "N" not in window:
                expected = 0
                for letter, used in zip(window, PATTERN, strict=True):
                    if used == "1":
                        expected = 4 * expected + "ACGT".index(letter)
            assert found[first + place] == expected


@given(st.text("ACGT", min_size=32, max_size=32), st.text("ACGT", min_size=32, max_size=32))
def test_letters_that_agree_are_counted(one: str, other: str) -> None:
    words = []
    for each in (one, other):
        packed = letters(*encoded(["ACG", each, "TTT"]))
        words.append(np.uint64(around(packed.packed, READ + 3 + (READ - SPAN) // 2)))
    assert count_same(*words) == sum(a == b for a, b in zip(one, other, strict=True))


def test_the_index_has_every_seed_once_and_knows_its_row() -> None:
    draw = random.Random(0)
    sequences = [random_sequence(draw, draw.randint(0, 90)) for _ in range(40)]
    one = letters(*encoded(sequences))
    found = seeds(one, masked=False)
    index = seed_index(one, found)
    assert sorted(index.places.tolist()) == np.flatnonzero(found >= 0).tolist()
    for seed in np.unique(found[found >= 0]).tolist():
        places = index.places[index.starts[seed] : index.starts[seed + 1]]
        assert (found[places] == seed).all()
        assert (np.diff(places.astype(np.int64)) > 0).all()
    for row, first in enumerate(one.offsets[:-1]):
        for place in range(first, one.offsets[row + 1]):
            assert row_of(place, one.offsets, index.rows) == row


def test_the_other_strand_keeps_each_sequence_in_its_place() -> None:
    sequences = ["ACCGT", "", "GGATN"]
    turned = other_strand(letters(*encoded(sequences)))
    expected = letters(*encoded([by_hand(each) for each in sequences]))
    np.testing.assert_array_equal(turned.codes, expected.codes)
    np.testing.assert_array_equal(turned.packed, expected.packed)


@pytest.mark.parametrize("repeat", ["A", "CA", "CAG", "AAAT", "GATC"])
def test_repeats_have_no_seeds_and_random_letters_have(repeat: str) -> None:
    draw = random.Random(1)
    left, right = random_sequence(draw, 60), random_sequence(draw, 60)
    inside = repeat * (48 // len(repeat))
    one = letters(*encoded([left + inside + right]))
    found = seeds(one, masked=True)[READ:-READ]
    assert (found[60 : 60 + 48 - SPAN + 1] == -1).all()
    assert (found[: 60 - SPAN] >= 0).all()
    assert (one.codes[READ + 60 : READ + 108] >= MASKED).all()
    assert (one.codes[READ : READ + 44] < 4).all()
