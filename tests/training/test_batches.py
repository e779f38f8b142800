"""Batches: each sequence once, little padding, an order that follows from the seed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genomark.training.batches import by_length, epoch_batches, pieces

lengths_of = st.lists(st.integers(1, 300), min_size=1, max_size=200)


@given(lengths_of, st.integers(1, 40), st.integers(0, 3), st.integers(0, 3))
def test_every_sequence_comes_once_an_epoch(lengths, batch_size, seed, epoch):
    batches = epoch_batches(lengths, batch_size, seed, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    again = epoch_batches(lengths, batch_size, seed, epoch)
    assert all(np.array_equal(one, other) for one, other in zip(batches, again, strict=True))


def test_another_epoch_and_another_seed_deal_otherwise():
    lengths = [50] * 100
    first = np.concatenate(epoch_batches(lengths, 10, 0, 0)).tolist()
    assert first != np.concatenate(epoch_batches(lengths, 10, 0, 1)).tolist()
    assert first != np.concatenate(epoch_batches(lengths, 10, 1, 0)).tolist()


def test_little_is_padding():
    lengths = np.random.default_rng(0).integers(50, 500, 2000)
    batches = epoch_batches(lengths.tolist(), 16, 0, 0)
    padded = sum(lengths[rows].max() * rows.size for rows in batches)
    everything_as_long_as_the_longest = 500 * 2000
    assert padded < 1.05 * lengths.sum()
    assert everything_as_long_as_the_longest > 1.7 * lengths.sum()


@given(lengths_of, st.integers(1, 5000), st.booleans())
def test_pieces_are_small_enough_and_leave_nothing_out(lengths, cells, squared):
    rows = by_length(lengths)
    parts = list(pieces(rows, lengths, cells, squared=squared))
    assert np.concatenate(parts).tolist() == rows.tolist()
    for part in parts:
        longest = max(lengths[row] for row in part)
        assert part.size == 1 or part.size * longest ** (2 if squared else 1) <= cells


def test_equals_stay_in_their_order():
    assert by_length([3, 1, 3, 1]).tolist() == [1, 3, 0, 2]
