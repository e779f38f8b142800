"""Rank statistics of ordered classes against scipy, scikit-learn and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from genomark.errors import UsageError
from genomark.scoring.kernels import draw_counts
from genomark.scoring.ordinal import (
    JITTER,
    JITTER_STREAM,
    jittered_spearman,
    ordinal_replicates,
    ordinal_spearman,
    spearman_ceiling,
    tie_fraction,
)


def example(n=600, k=5, seed=1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n).astype(float)
    prediction = np.round(truth + rng.normal(0, 2, n), 1)
    gc = np.round(rng.random(n) * 0.3 + truth * 0.05, 3)
    return prediction, truth, gc


def partial(x, y, z):
    """Correlate what is left of the ranks after least squares on the ranks of z."""
    ranks = [stats.rankdata(each) for each in (x, y, z)]
    design = np.column_stack([np.ones(len(x)), ranks[2]])
    left = [each - design @ np.linalg.lstsq(design, each, rcond=None)[0] for each in ranks[:2]]
    return np.corrcoef(*left)[0, 1]


def test_the_data_as_they_are_have_the_values_of_scipy_and_scikit_learn():
    prediction, truth, gc = example()
    found = ordinal_replicates(
        prediction, truth, np.arange(truth.size), seed=0, replicates=2, gc=gc
    )
    assert found.spearman[0] == pytest.approx(stats.spearmanr(prediction, truth)[0], abs=1e-12)
    assert found.gc_partial[0] == pytest.approx(partial(prediction, truth, gc), abs=1e-12)
    expected = [roc_auc_score(truth >= each, prediction) for each in range(1, 5)]
    assert found.auroc_from[0] == pytest.approx(expected, abs=1e-12)
    ranks = (stats.rankdata(prediction) - 0.5) / truth.size
    expected = [ranks[truth == each].mean() for each in range(5)]
    assert found.percentiles[0] == pytest.approx(expected, abs=1e-12)
    ceiling = spearman_ceiling(truth)
    assert found.of_ceiling[0] == pytest.approx(found.spearman[0] / ceiling, abs=1e-12)


def test_replicates_are_the_values_of_the_resampled_arrays():
    prediction, truth, gc = example(200)
    clusters = np.arange(truth.size) // 3
    n_clusters = int(clusters.max()) + 1
    found = ordinal_replicates(prediction, truth, clusters, seed=7, replicates=20, gc=gc)
    for replicate in range(20):
        counts = np.zeros(n_clusters, np.int32)
        draw_counts(np.uint64(7), replicate, counts)
        rows = np.repeat(np.arange(truth.size), counts[clusters])
        x, y, z = prediction[rows], truth[rows], gc[rows]
        assert found.spearman[replicate + 1] == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
        assert found.gc_partial[replicate + 1] == pytest.approx(partial(x, y, z), abs=1e-10)
        expected = roc_auc_score(y >= 2, x)
        assert found.auroc_from[replicate + 1, 1] == pytest.approx(expected, abs=1e-12)


def test_threads_change_nothing():
    prediction, truth, gc = example()
    clusters = np.arange(truth.size)
    one, four = (
        ordinal_replicates(
            prediction, truth, clusters, seed=0, replicates=80, gc=gc, threads=threads
        )
        for threads in (1, 4)
    )
    assert np.array_equal(one.spearman, four.spearman)
    assert np.array_equal(one.gc_partial, four.gc_partial)
    assert np.array_equal(one.ranks, four.ranks)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.integers(0, 3), st.integers(0, 4)),
        min_size=4,
        max_size=40,
    )
)
def test_any_ties_are_averaged_as_scipy_does(rows):
    x, y, z = (np.array(each, float) for each in zip(*rows, strict=True))
    found = ordinal_replicates(
        x, y, np.arange(len(rows)), seed=0, replicates=1, gc=z / 4, threads=1
    )
    if np.ptp(x) and np.ptp(y):
        assert found.spearman[0] == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
    else:
        assert np.isnan(found.spearman[0])


def test_the_ceiling_is_what_predictions_in_the_order_of_the_classes_reach():
    rng = np.random.default_rng(0)
    for counts in ([500] * 5, [900, 50, 30, 15, 5], [3000, 3000]):
        truth = np.repeat(np.arange(len(counts)), counts)
        best = truth + rng.random(truth.size) * 0.5
        assert spearman_ceiling(truth) == pytest.approx(stats.spearmanr(best, truth)[0], abs=2e-6)
    # Equally filled classes: the figures of the published note on ceilings.
    for k, published in ((2, 0.8660), (5, 0.9798), (18, 0.9985), (25, 0.9992)):
        truth = np.repeat(np.arange(k), 100)
        assert spearman_ceiling(truth) == pytest.approx(published, abs=5e-5)
        assert spearman_ceiling(truth) == pytest.approx(np.sqrt(1 - 1 / k**2), abs=1e-12)


def test_gc_content_that_explains_everything_leaves_nothing_and_none_takes_nothing():
    prediction, truth, _ = example()
    clusters = np.arange(truth.size)
    same = ordinal_replicates(
        prediction, truth, clusters, seed=0, replicates=1, gc=np.full(truth.size, 0.4)
    )
    assert same.gc_partial[0] == same.spearman[0]
    told = ordinal_replicates(truth / 10, truth, clusters, seed=0, replicates=1, gc=truth / 10)
    assert np.isnan(told.gc_partial[0])
    # Predictions that are GC content with a little noise tell nothing beyond it.
    rng = np.random.default_rng(2)
    gc = np.round(rng.random(4000), 3)
    truth = np.floor(5 * gc) + 0.0
    noisy = gc + rng.normal(0, 0.2, gc.size)
    found = ordinal_replicates(noisy, truth, np.arange(4000), seed=0, replicates=1, gc=gc)
    assert abs(found.gc_partial[0]) < 0.05 < 0.7 < found.spearman[0]


def test_undefined_values_are_none_and_one_cluster_has_no_interval():
    value, drawn, _ = ordinal_spearman(
        np.ones(5), np.arange(5.0), np.arange(5), seed=0, replicates=3
    )
    assert value is None
    assert np.isnan(drawn).all()
    value, drawn, _ = ordinal_spearman(
        np.arange(5.0), np.arange(5.0), np.zeros(5, int), seed=0, replicates=3
    )
    assert value == 1.0
    assert np.isnan(drawn).all()
    assert ordinal_spearman(np.arange(2.0), np.arange(2.0), np.arange(2), seed=0)[0] is None


def test_what_is_not_finite_or_not_of_one_length_is_refused():
    with pytest.raises(UsageError, match="must be finite"):
        ordinal_replicates(np.array([0, np.nan, 1]), np.arange(3.0), np.arange(3), seed=0)
    with pytest.raises(UsageError, match="2 predictions, 3 labels"):
        ordinal_replicates(np.zeros(2), np.arange(3.0), np.arange(3), seed=0)


def test_the_share_of_ties_counts_every_prediction_that_another_equals():
    assert tie_fraction(np.array([1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 4.0, 5.0])) == 5 / 8
    assert tie_fraction(np.arange(4.0)) == 0.0


def test_jitter_is_the_mean_over_seeded_runs_of_shaken_predictions():
    _, truth, _ = example()
    prediction = np.floor(truth / 2)  # heavily tied
    noise = np.random.default_rng(11 ^ JITTER_STREAM)
    expected = [
        stats.spearmanr(prediction + JITTER * noise.standard_normal(truth.size), truth)[0]
        for _ in range(4)
    ]
    found = jittered_spearman(
        prediction, truth, np.arange(truth.size), runs=4, seed=11, replicates=40
    )
    assert found[0] == pytest.approx(np.mean(expected), abs=1e-12)
    assert found.shape == (41,)
    assert np.isfinite(found).all()
    again = jittered_spearman(
        prediction, truth, np.arange(truth.size), runs=4, seed=11, replicates=40, threads=3
    )
    assert np.array_equal(found, again)


def test_an_interval_covers_what_a_plain_bootstrap_covers():
    prediction, truth, _ = example(300)
    _, drawn, _ = ordinal_spearman(prediction, truth, np.arange(300), seed=0, replicates=1000)
    rng = np.random.default_rng(5)
    plain = []
    for _ in range(1000):
        rows = rng.integers(0, 300, 300)
        plain.append(stats.spearmanr(prediction[rows], truth[rows])[0])
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx(
        np.quantile(plain, [0.025, 0.975]), abs=0.02
    )
