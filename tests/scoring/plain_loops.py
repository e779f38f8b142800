"""What scoring is held to: the same numbers, the slow way, by scipy, scikit-learn and NumPy."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from scipy import stats
from sklearn import metrics as sklearn_metrics

from genomark.scoring import METRICS
from genomark.scoring.kernels import draw_counts

CORRELATIONS = ("pearson", "spearman")
CLASSIFICATIONS = ("auroc", "average_precision")
RANK_METRICS = ("spearman", *CLASSIFICATIONS)


def plain(name, prediction, truth):
    """One metric of some items; NaN where it is undefined."""
    if name == "mse":
        return float(sklearn_metrics.mean_squared_error(truth, prediction))
    if name in CLASSIFICATIONS:
        if truth.min() == truth.max():
            return math.nan
        if name == "auroc":
            return float(sklearn_metrics.roc_auc_score(truth, prediction))
        return float(sklearn_metrics.average_precision_score(truth, prediction))
    if len(truth) < 3 or truth.min() == truth.max() or prediction.min() == prediction.max():
        return math.nan
    correlate = stats.pearsonr if name == "pearson" else stats.spearmanr
    return float(correlate(prediction, truth).statistic)


def counts_of(seed, replicate, n_clusters):
    """How often each cluster is drawn in one replicate."""
    counts = np.empty(n_clusters, dtype=np.int32)
    draw_counts(np.uint64(seed), replicate, counts)
    return counts


def drawn_items(counts, clusters):
    """Indices of the items of a replicate: those of each cluster as often as it was drawn."""
    return np.concatenate(
        [
            np.tile(np.flatnonzero(clusters == cluster), count)
            for cluster, count in enumerate(counts)
        ]
    ).astype(int)


def plain_replicates(name, prediction, truth, clusters, n, seed):
    """The bootstrap as a textbook writes it."""
    replicates = []
    for replicate in range(n):
        items = drawn_items(counts_of(seed, replicate, clusters.max() + 1), clusters)
        replicates.append(plain(name, prediction[items], truth[items]))
    return np.array(replicates)


def plain_interval(replicates):
    """The 95 % percentile interval."""
    return tuple(np.quantile(replicates[~np.isnan(replicates)], [0.025, 0.975]))


def simulated(name, n, seed, *, ties=False):
    """Prediction and truth that fit the metric: correlated, binary truth for a classification."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=n)
    prediction = truth + random.normal(size=n)
    if ties:
        truth, prediction = truth.round(), prediction.round()
    if name in CLASSIFICATIONS:
        truth = (truth > 0.4).astype(float)
    return prediction, truth


def unequal_clusters(n, seed):
    """Cluster numbers without gaps, of sizes from one item to many."""
    random = np.random.default_rng(seed)
    numbers = np.minimum(random.geometric(0.15, size=n), 12)
    return np.unique(numbers, return_inverse=True)[1]


def frame(prediction, truth, cluster, *, task=None, subcluster=None):
    """Scored items as `score` takes them; NaN predictions are null."""
    n = len(truth)
    return pl.DataFrame(
        {
            "task": ["task"] * n if task is None else list(task),
            "cluster": [f"cluster{number:04d}" for number in cluster],
            "subcluster": [
                f"{number}" for number in (range(n) if subcluster is None else subcluster)
            ],
            "truth": np.asarray(truth, dtype=float),
            "value": np.asarray(prediction, dtype=float),
        }
    ).with_columns(pl.col("value").fill_nan(None))


ALL = tuple(METRICS)
