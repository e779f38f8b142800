"""How clusters are drawn: fairly, and as a function of seed and replicate alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_loops import counts_of
from scipy import stats

from genomark.scoring.kernels import draw_counts

_WORD = 2**64 - 1
seeds = st.integers(0, _WORD)
replicates = st.integers(0, 10**6)
# The draws are made in batches: sizes about a multiple of them are where an error would be.
sizes = st.one_of(st.integers(1, 40), st.sampled_from([127, 128, 129, 255, 256, 257, 1000]))


def splitmix64(state):
    """The generator as its authors print it, on Python's whole numbers."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _WORD
        word = state
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
        yield word ^ (word >> 31)


def slow_counts(seed, replicate, n):
    stream = splitmix64(seed ^ ((replicate * 0xD1342543DE82EF95) & _WORD))
    drawn = [((next(stream) >> 32) * n) >> 32 for _ in range(n)]
    return np.bincount(drawn, minlength=n)


def many(seed, n_replicates, n):
    return np.array([counts_of(seed, replicate, n) for replicate in range(n_replicates)])


def test_the_generator_is_splitmix64():
    # First words from seed 1234567, as published with the reference implementation.
    stream = splitmix64(1234567)
    assert [next(stream) for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(seed=seeds, replicate=replicates, n=sizes)
def test_counts_are_those_of_the_published_generator(seed, replicate, n):
    np.testing.assert_array_equal(
        counts_of(seed, replicate, n), slow_counts(seed, replicate, n), strict=False
    )


@given(seed=seeds, replicate=replicates, n=sizes)
def test_as_many_are_drawn_as_there_are(seed, replicate, n):
    counts = counts_of(seed, replicate, n)
    assert counts.sum() == n
    assert counts.min() >= 0


@given(seed=seeds, replicate=replicates, n=sizes)
def test_a_replicate_does_not_depend_on_what_came_before(seed, replicate, n):
    counts = np.full(n, 99, dtype=np.int32)
    for earlier in (replicate + 7, 0, replicate):
        draw_counts(np.uint64(seed), earlier, counts)
    np.testing.assert_array_equal(counts, counts_of(seed, replicate, n))


@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_seeds_and_replicates_that_differ_draw_differently(seed, other):
    n = 200
    if seed != other:
        assert (counts_of(seed, 0, n) != counts_of(other, 0, n)).any()
        assert (counts_of(0, seed, n) != counts_of(0, other, n)).any()


@pytest.mark.parametrize("seed", [0, 1, 2**63])
@pytest.mark.parametrize("n", [2, 21, 150])
def test_every_cluster_is_equally_likely(n, seed):
    totals = many(seed, 4000, n).sum(axis=0)
    assert 1e-3 < stats.chisquare(totals).pvalue < 1 - 1e-3


@pytest.mark.parametrize("n", [5, 21, 150])
def test_a_count_is_binomial(n):
    # One cluster of each replicate: the counts within one replicate are not independent.
    counts = many(3, 20_000, n)[:, n // 2]
    seen = np.bincount(np.minimum(counts, 4), minlength=5)
    law = stats.binom(n, 1 / n)
    expected = counts.size * np.append(law.pmf(range(4)), law.sf(3))
    assert 1e-3 < stats.chisquare(seen, expected).pvalue < 1 - 1e-3


@pytest.mark.parametrize("n", [4, 30])
def test_moments_are_those_of_a_multinomial(n):
    size = 20_000
    ours = many(11, size, n).astype(float)
    numpys = np.random.default_rng(11).multinomial(n, np.full(n, 1 / n), size=size)
    closed_form = np.eye(n) - 1 / n
    # Five standard errors of a mean of 1, and of a covariance, over `size` replicates.
    np.testing.assert_allclose(ours.mean(axis=0), 1.0, atol=5 / np.sqrt(size))
    for found in (np.cov(ours.T), np.cov(numpys.T)):
        np.testing.assert_allclose(found, closed_form, atol=10 / np.sqrt(size))


def test_replicates_and_neighbouring_seeds_are_not_correlated():
    n, size = 50, 2000
    counts = many(0, size + 1, n)
    neighbours = np.array([counts_of(seed, 0, n) for seed in range(size + 1)])
    for drawn in (counts, neighbours):
        pairs = stats.pearsonr(drawn[:-1].ravel(), drawn[1:].ravel())
        assert pairs.pvalue > 1e-3
    across = stats.pearsonr(counts_of(0, 0, 10_000), counts_of(1, 0, 10_000))
    assert across.pvalue > 1e-3


def test_the_largest_seed_and_replicate_are_taken():
    assert counts_of(_WORD, 2**62, 10).sum() == 10
