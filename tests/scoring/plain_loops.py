"""What scoring is held to: the same numbers, the slow way, by scipy, scikit-learn and NumPy."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from scipy import stats
from sklearn import metrics as sklearn_metrics

from genomark.scoring import METRICS, compare, headline_replicates
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


def plain_percentiles(replicates, clusters):
    """Expanded percentiles (Hesterberg 2015), as the paper has them."""
    reach = np.sqrt(clusters / (clusters - 1)) * stats.t.ppf(0.975, clusters - 1)
    levels = stats.norm.cdf([-reach, reach])
    return tuple(np.quantile(replicates[~np.isnan(replicates)], levels))


def plain_rate_interval(value, replicates, rests_on, n):
    """Of a metric between 0 and 1: Student's t on the scale of log odds."""
    ends = np.quantile(replicates[~np.isnan(replicates)], stats.norm.cdf([-1, 1]))
    centre, low, high = (
        math.log((n * each + 0.5) / (n - n * each + 0.5)) for each in (value, *ends)
    )
    reach = np.sqrt(rests_on / (rests_on - 1)) * stats.t.ppf(0.975, rests_on - 1) * (high - low) / 2
    odds = np.exp([centre - reach, centre + reach])
    return tuple(np.clip((odds / (1 + odds) * (n + 1) - 0.5) / n, 0, 1))


def plain_interval(name, value, replicates, truth, clusters):
    """The interval of a metric; of two classes, known from as many clusters as hold either."""
    m = len(set(clusters))
    if name not in CLASSIFICATIONS:
        return plain_percentiles(replicates, m)
    p, q = (len(set(clusters[chosen])) for chosen in (truth > 0.5, truth < 0.5))
    rests_on = min(m, (1 / p + 1 / q) ** 2 / (1 / p**3 + 1 / q**3))
    return plain_rate_interval(value, replicates, rests_on, len(truth))


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


def compare_frames(benchmark, frames, rule, *, seed, replicates=1000):
    """Compare models of which each has a frame of items, as benchmarks of Predictors do."""
    answered = {model: each["value"].is_not_null() for model, each in frames.items()}

    def headline(model, shared):
        items = frames[model].filter(shared)
        return headline_replicates(items, rule, seed=seed, replicates=replicates)

    return compare(benchmark, rule.headline, answered, headline)
