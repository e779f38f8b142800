"""95 % intervals from bootstrap replicates, wide enough where there is little to draw from.

`docs/design/statistics.md` gives the forms, what was tried beside them, and how often the truth is
covered.
"""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from genomark.scoring.structure_scores import CROSSING_METRICS, STRUCTURE_METRICS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Interval = tuple[float, float]

#: Raise it when intervals change: results that were kept are then scored anew.
METHOD_VERSION = "2"
REPLICATES = 1000
CONFIDENCE = 0.95

#: Metrics between 0 and 1. All others are a correlation, an error or of no known bound.
_RATES = frozenset(
    name
    for name in (
        *("auroc", "average_precision", "accuracy", "balanced_accuracy", "f1", "f1_macro"),
        *STRUCTURE_METRICS,
        *CROSSING_METRICS,
        *("top_length_precision", "mean_percentile", "solved", "solved_within_60s"),
        *("precision", "recall", "precision_at_coverage", "null_precision", "null_recall"),
    )
    if "mcc" not in name
)


def is_rate(name: str) -> bool:
    """Say whether a metric lies between 0 and 1; ``mean_`` and ``weighted_`` change nothing."""
    return name in _RATES or name.removeprefix("mean_").removeprefix("weighted_") in _RATES


def interval(
    name: str, value: float, drawn: Floats, clusters: float, *, items: int
) -> Interval | None:
    """Give the interval of a metric.

    Parameters
    ----------
    name : str
        As in a Result.
    value : float
    drawn : ndarray of float64, shape (replicates,)
        NaN where a replicate leaves the metric undefined.
    clusters : float
        How many were drawn from; where fewer carry the metric, how many these are (`resting_on`).
    items : int
        What the metric is computed from.

    Returns
    -------
    tuple of float or None
        None where fewer than half of the replicates are defined, or there are not two clusters.

    Notes
    -----
    `percentiles`, but for metrics between 0 and 1: near a bound replicates spread the less the
    better they are, and percentiles reach too little towards the middle. Theirs is
    ``value +- t s`` where the logarithm of the odds is the scale, odds of
    ``(items value + 1/2) / (items + 1)`` so that 1 is finite. ``s`` is half the distance of the
    16th and the 84th percentile of the replicates, one standard deviation whatever the tails;
    ``t`` as in `percentiles`.
    """
    if not is_rate(name):
        return percentiles(drawn, clusters)
    defined = _defined(drawn, clusters)
    if defined is None:
        return None
    low, high = _log_odds(
        np.quantile(defined, [scipy.special.ndtr(-1.0), scipy.special.ndtr(1.0)]), items
    )
    if low == high:
        return value, value
    reach = _multiplier(clusters) * (high - low) / 2.0
    ends = scipy.special.expit(_log_odds(np.array(value), items) + np.array([-reach, reach]))
    low, high = np.clip(((items + 1) * ends - 0.5) / items, 0.0, 1.0)
    return float(low), float(high)


def percentiles(drawn: Floats, clusters: float) -> Interval | None:
    """Give the interval of a difference, or of a metric that is not between 0 and 1.

    Parameters
    ----------
    drawn : ndarray of float64, shape (replicates,)
        NaN where undefined.
    clusters : float
        How many were drawn from; infinite where that is not what limits them.

    Returns
    -------
    tuple of float or None
        None where fewer than half of the replicates are defined, or there are not two clusters.
    """
    defined = _defined(drawn, clusters)
    if defined is None:
        return None
    low, high = np.quantile(defined, percentile_levels(clusters))
    return float(low), float(high)


def percentile_levels(clusters: float) -> tuple[float, float]:
    """Give the quantiles of replicates that are the ends of `percentiles`.

    Expanded percentiles (Hesterberg 2015): those that reach as far, were the replicates normal, as
    Student's t does with ``m - 1`` degrees of freedom and the unbiased variance, which is
    ``t sqrt(m / (m - 1))`` standard deviations of replicates over ``m`` clusters.

    Parameters
    ----------
    clusters : float
        More than 1.
    """
    tail = float(scipy.special.ndtr(-_multiplier(clusters)))
    return tail, 1.0 - tail


def resting_on(positive: NDArray[np.bool_], clusters: Integers) -> float:
    """Count the clusters that a metric of two classes rests on.

    With 5 positives among 50 items what is known is known from 5. Degrees of freedom of the
    difference of two means (Welch 1947) with equal variances and class sizes ``p`` and ``q`` are
    about ``(1/p + 1/q)^2 / (1/p^3 + 1/q^3)``: `p` and `q` clusters have a positive and a negative.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    clusters : ndarray of int64, shape (n,) or (n, 2)
        Numbered from 0; two for a pair.

    Returns
    -------
    float
        From 2 to the number of clusters; that number where one of the classes has no item.
    """
    counted = [np.bincount(clusters[chosen].ravel()) for chosen in (positive, ~positive)]
    p, q = (int(np.count_nonzero(each)) for each in counted)
    most = float(clusters.max(initial=-1)) + 1.0
    if not p or not q:
        return most
    return min(most, max(2.0, (1 / p + 1 / q) ** 2 / (1 / p**3 + 1 / q**3)))


def method(name: str, replicates: int, over: str) -> str:
    """Name in words how the interval of a metric is made."""
    how = "bootstrap on the logit scale" if is_rate(name) else "expanded percentile bootstrap"
    return f"{round(CONFIDENCE * 100)} % {how}, {replicates} replicates over {over}"


def _defined(drawn: Floats, clusters: float) -> Floats | None:
    defined = drawn[np.isfinite(drawn)]
    enough = clusters > 1 and defined.size and defined.size * 2 >= drawn.size
    return defined if enough else None


def _multiplier(clusters: float) -> float:
    """Standard deviations of replicates over clusters that 95 % reach to either side."""
    quantile = float(scipy.special.stdtrit(clusters - 1.0, (1.0 + CONFIDENCE) / 2.0))
    return quantile / math.sqrt(1.0 - 1.0 / clusters)


def _log_odds(rates: Floats, items: int) -> Floats:
    odds: Floats = scipy.special.logit((items * rates + 0.5) / (items + 1.0))
    return odds
