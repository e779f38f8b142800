"""An interval holds the truth about as often as it says, and no oftener than it can.

Data are simulated, so the truth is known, and 0.95 is what is expected (docs/design/statistics.md
has shares of more data sets and designs). Of 2,000 data sets the standard error is 0.005; the
tolerance is four of these.
"""

from __future__ import annotations

import numpy as np
import pytest
from plain_loops import compare_frames, frame
from scipy import stats

from genomark.scoring import METRICS, ScoringRule
from genomark.scoring.intervals import interval, resting_on
from genomark.scoring.score import _mean_replicates

DATA_SETS = 2000
SLACK = 0.02
REPLICATES = 400


def share_covered(name, true_value, draw):
    covered = 0
    for seed in range(DATA_SETS):
        prediction, truth, clusters = draw(np.random.default_rng(seed))
        value, _ = METRICS[name].value(prediction, truth)
        drawn = METRICS[name].replicates(prediction, truth, clusters, REPLICATES, seed)
        rests_on = resting_on(truth > 0.5, clusters) if name == "auroc" else clusters.max() + 1
        low, high = interval(name, value, drawn, rests_on, items=truth.size)
        covered += low <= true_value <= high
    return covered / DATA_SETS


def bivariate(random, n, correlation):
    x, noise = random.normal(size=(2, n))
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


@pytest.mark.parametrize(
    ("name", "true_value", "expected"),
    [
        ("pearson", 0.6, 0.95),
        ("spearman", 6 / np.pi * np.arcsin(0.3), 0.95),
        # Squared errors are skewed, so that percentiles reach too little upwards.
        ("mse", 0.8, 0.936),
    ],
)
def test_items_drawn_one_by_one(name, true_value, expected):
    # Spearman of a bivariate normal: 6/pi arcsin(rho/2) (Pearson 1907); mse: 2 - 2 rho.
    found = share_covered(name, true_value, lambda r: (*bivariate(r, 150, 0.6), np.arange(150)))
    assert found == pytest.approx(expected, abs=SLACK)


def test_classification():
    # Two normals one standard deviation apart: AUROC = Phi(1 / sqrt 2).
    def draw(random):
        truth = np.repeat([0.0, 1.0], 80)
        return random.normal(size=160) + truth, truth, np.arange(160)

    found = share_covered("auroc", stats.norm.cdf(np.sqrt(0.5)), draw)
    assert found == pytest.approx(0.95, abs=SLACK)


def clustered(random):
    """40 clusters of 8 items that share most of their prediction and most of their noise."""
    clusters = np.repeat(np.arange(40), 8)
    shared, alone = random.normal(size=(2, 40)), random.normal(size=(2, 320))
    x, noise = np.sqrt(0.8) * shared[:, clusters] + np.sqrt(0.2) * alone
    return x, 0.6 * x + 0.8 * noise, clusters


def test_clusters_are_resampled_because_items_are_not_independent():
    by_cluster = share_covered("pearson", 0.6, clustered)
    by_item = share_covered("pearson", 0.6, lambda random: (*clustered(random)[:2], np.arange(320)))
    assert by_cluster == pytest.approx(0.95, abs=SLACK)
    assert by_item < 0.6


@pytest.mark.parametrize(("m", "expected"), [(5, 0.905), (10, 0.95), (21, 0.95)])
def test_a_mean_over_few_clusters_has_the_interval_of_students_t(m, expected):
    values = np.random.default_rng(0).normal(0.3, 0.1, size=(DATA_SETS, m))
    covered = 0
    for seed, groups in enumerate(values):
        drawn = _mean_replicates(groups, np.arange(m), REPLICATES, seed)
        low, high = interval("mean_pearson", groups.mean(), drawn, m, items=m)
        covered += low <= 0.3 <= high
    # Plain percentiles act as a z-interval with the variance of the sample: 0.930 for 21.
    plain = 1 - 2 * stats.t.sf(1.96 * np.sqrt((m - 1) / m), df=m - 1)
    # No mean of draws lies beyond the farthest of five clusters, as Student's t would have it.
    assert covered / DATA_SETS == pytest.approx(expected, abs=SLACK)
    assert covered / DATA_SETS > plain


def test_equal_models_are_told_apart_no_oftener_than_one_time_in_twenty():
    rule = ScoringRule(("pearson",), "items")
    apart = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        truth, a, b = random.normal(size=(3, 150))
        items = {
            name: frame(truth + noise, truth, range(150)) for name, noise in (("a", a), ("b", b))
        }
        (pair,) = compare_frames("simulated", items, rule, seed=seed, replicates=REPLICATES)
        apart += not pair.tied
    assert apart / 300 == pytest.approx(0.05, abs=0.05)
