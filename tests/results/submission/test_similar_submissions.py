"""Sketches: nearly the same predictions are told, at the same cost for any number of items."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import spearmanr

from genomark.results.submission.similarity import (
    NEAR_IDENTICAL,
    SKETCH_SIZE,
    correlations,
    is_near,
    sketch,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def correlation(a, b, seed=1):
    return float(correlations(sketch(a, seed).ranks, sketch(b, seed).ranks[None])[0])


def test_of_few_items_it_is_spearmans(rng):
    a = rng.integers(0, 9, (500, 1)).astype(float)
    b = a + rng.normal(size=(500, 1))
    assert correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-6)


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.3, 1.0])
def test_of_many_items_it_is_near_spearmans(rng, noise):
    a = rng.normal(size=(50_000, 1))
    b = a + noise * rng.normal(size=a.shape)
    expected = spearmanr(a, b).statistic
    # The standard error of a correlation: (1 - r^2) / sqrt(n).
    error = 4 * (1 - expected**2) / np.sqrt(SKETCH_SIZE) + 1e-4
    assert correlation(a, b) == pytest.approx(expected, abs=error)


def test_other_scales_and_little_noise_are_still_a_copy(rng):
    a = rng.normal(size=(5_000, 1))
    assert correlation(a, np.exp(3 * a) + 7) == pytest.approx(1.0, abs=1e-6)
    assert correlation(a, a + 0.05 * rng.normal(size=a.shape)) > NEAR_IDENTICAL
    assert correlation(a, a + 0.3 * rng.normal(size=a.shape)) < NEAR_IDENTICAL
    assert correlation(a, -a) == pytest.approx(-1.0, abs=1e-6)
    assert is_near(correlation(a, -a))
    assert is_near(correlation(a, a))
    assert not is_near(correlation(a, a + 0.3 * rng.normal(size=a.shape)))


def test_labels_of_other_scales_are_ranked_by_themselves(rng):
    a, b = np.array([0.0, 1_000.0]) + rng.normal(size=(2, 4_000, 2))
    assert abs(correlation(a, b)) < 0.1


def test_the_places_follow_from_the_seed(rng):
    a = rng.normal(size=(50_000, 1))
    assert sketch(a, 1).ranks.tobytes() == sketch(a, 1).ranks.tobytes()
    assert sketch(a, 1).ranks.tobytes() != sketch(a, 2).ranks.tobytes()


def test_digests_tell_what_is_equal(rng):
    a = rng.normal(size=(100, 1))
    a[0] = 0.0
    negative = a.copy()
    negative[0] = -0.0
    assert sketch(a, 1).digest == sketch(negative, 1).digest
    assert sketch(a, 1).digest != sketch(a + 1e-12, 1).digest


def test_a_constant_is_no_copy_of_anything(rng):
    constant = np.concatenate([np.zeros((50_000, 1)), np.ones((1, 1))])
    assert correlation(constant, rng.normal(size=constant.shape)) < NEAR_IDENTICAL


def test_it_scales():
    kept = np.random.default_rng(0).normal(size=(10_000, SKETCH_SIZE)).astype(np.float32)
    begun = time.process_time()
    correlations(kept[0], kept)
    assert time.process_time() - begun < 1.0
