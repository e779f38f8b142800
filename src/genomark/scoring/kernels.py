"""Compiled statistics of a resampled set, as functions of how often each item was drawn.

A bootstrap replicate never builds the resampled arrays. It draws, for each cluster, how often it
is in the replicate (a count), and every statistic here is computed from counts over items that
were sorted once. `docs/design/statistics.md` derives the forms.
"""

from __future__ import annotations

import math

import numpy as np

from genomark.compiled import kernel

Arrays = tuple[np.ndarray, ...]


@kernel
def draw_counts(seed: np.uint64, replicate: int, counts: np.ndarray) -> None:
    """Draw ``len(counts)`` clusters with replacement and count them, in place.

    The stream is splitmix64 (Steele, Lea and Flood 2014) started from (`seed`, `replicate`): a
    replicate does not depend on those before it. A draw takes the upper 32 bits to an index by
    multiplication, whose bias is below ``len(counts) / 2**32``.
    """
    n = np.uint64(counts.size)
    counts[:] = 0
    start = np.uint64(seed) ^ (np.uint64(replicate) * np.uint64(0xD1342543DE82EF95))
    # In batches: words that are only hashed, not counted, are hashed several at a time.
    drawn = np.empty(128, dtype=np.uint32)
    for first in range(0, counts.size, drawn.size):
        batch = min(drawn.size, counts.size - first)
        for draw in range(batch):
            word = start + np.uint64(first + draw + 1) * np.uint64(0x9E3779B97F4A7C15)
            word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            word = word ^ (word >> np.uint64(31))
            drawn[draw] = ((word >> np.uint64(32)) * n) >> np.uint64(32)
        for draw in range(batch):
            counts[drawn[draw]] += 1


@kernel
def cumulate(counts: np.ndarray, cluster: np.ndarray, drawn: np.ndarray) -> float:
    """Set ``drawn[k]`` to how often the first ``k`` items were drawn; return that of all."""
    total = 0
    for item in range(cluster.size):
        drawn[item] = total
        total += counts[cluster[item]]
    drawn[cluster.size] = total
    return float(total)


@kernel
def pearson(counts: np.ndarray, sums: np.ndarray) -> float:
    """Pearson correlation from per-cluster sums ``[n, x, y, xx, yy, xy]`` of centred values.

    A variance below 1e-12 of the sum of squares is nothing but rounding: the values are all the
    same, and there is no correlation.
    """
    n = sx = sy = sxx = syy = sxy = 0.0
    for cluster in range(counts.size):
        weight = float(counts[cluster])
        n += weight * sums[cluster, 0]
        sx += weight * sums[cluster, 1]
        sy += weight * sums[cluster, 2]
        sxx += weight * sums[cluster, 3]
        syy += weight * sums[cluster, 4]
        sxy += weight * sums[cluster, 5]
    if n < 3:
        return np.nan
    var_x = sxx - sx * sx / n
    var_y = syy - sy * sy / n
    if not (var_x > 1e-12 * sxx and var_y > 1e-12 * syy):
        return np.nan
    return max(-1.0, min(1.0, (sxy - sx * sy / n) / math.sqrt(var_x * var_y)))


@kernel
def spearman(
    counts: np.ndarray,
    x_cluster: np.ndarray,
    y_cluster: np.ndarray,
    x_span: np.ndarray,
    y_span: np.ndarray,
    drawn: np.ndarray,
) -> float:
    """Spearman correlation, ties averaged; items stand in ascending order of y.

    `x_cluster` and `y_cluster` give the cluster of each item in ascending order of x and of y,
    `x_span` and `y_span` how many items are smaller than each, and how many are not larger.
    `drawn` is scratch space.
    """
    (x_below, x_upto), (y_below, y_upto), (x_drawn, y_drawn) = x_span, y_span, drawn
    n = cumulate(counts, x_cluster, x_drawn)
    if n < 3:
        return np.nan
    cumulate(counts, y_cluster, y_drawn)
    sxx = syy = sxy = 0.0
    for item in range(y_cluster.size):
        weight = float(counts[y_cluster[item]])
        # Twice the distance from the middle rank: whole numbers, so that the sums are exact.
        x = float(x_drawn[x_below[item]] + x_drawn[x_upto[item]]) - n
        y = float(y_drawn[y_below[item]] + y_drawn[y_upto[item]]) - n
        sxx += weight * x * x
        syy += weight * y * y
        sxy += weight * x * y
    if sxx == 0.0 or syy == 0.0:
        return np.nan
    return max(-1.0, min(1.0, sxy / math.sqrt(sxx * syy)))


@kernel
def mse(counts: np.ndarray, sums: np.ndarray) -> float:
    """Mean squared error from per-cluster sums ``[n, squared error]``."""
    n = total = 0.0
    for cluster in range(counts.size):
        n += counts[cluster] * sums[cluster, 0]
        total += counts[cluster] * sums[cluster, 1]
    return total / n if n > 0 else np.nan


@kernel
def auroc(
    counts: np.ndarray,
    negative_cluster: np.ndarray,
    positive_cluster: np.ndarray,
    span: np.ndarray,
    drawn: np.ndarray,
) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order.

    Ties count half. Negatives and positives each stand in ascending order of prediction; `span`
    gives how many negatives are below each positive, and how many are not above it. `drawn` is
    scratch space.
    """
    negatives = cumulate(counts, negative_cluster, drawn)
    positives = ordered = 0.0
    for item in range(positive_cluster.size):
        weight = float(counts[positive_cluster[item]])
        positives += weight
        ordered += weight * float(drawn[span[0, item]] + drawn[span[1, item]])
    if positives == 0.0 or negatives == 0.0:
        return np.nan
    return ordered / 2.0 / positives / negatives


@kernel
def average_precision(
    counts: np.ndarray,
    negative_cluster: np.ndarray,
    positive_cluster: np.ndarray,
    negatives_upto: np.ndarray,
    positives_upto: np.ndarray,
    negatives_drawn: np.ndarray,
    positives_drawn: np.ndarray,
) -> float:
    """Average precision: the mean, over positives, of the precision at their own threshold.

    Negatives and positives each stand in descending order of prediction; `*_upto` give how many
    of them are not below each positive. `*_drawn` is scratch space.
    """
    negatives = cumulate(counts, negative_cluster, negatives_drawn)
    positives = cumulate(counts, positive_cluster, positives_drawn)
    if positives == 0.0 or negatives == 0.0:
        return np.nan
    area = 0.0
    for item in range(positive_cluster.size):
        right = float(positives_drawn[positives_upto[item]])
        called = right + float(negatives_drawn[negatives_upto[item]])
        # Nothing is called only where this positive was not drawn itself.
        area += float(counts[positive_cluster[item]]) * right / max(called, 1.0)
    return area / positives


@kernel
def weighted_mean(counts: np.ndarray, cluster: np.ndarray, values: np.ndarray) -> float:
    """Mean of group values, each as often as its cluster was drawn."""
    n = total = 0.0
    for group in range(values.size):
        weight = counts[cluster[group]]
        n += weight
        total += weight * values[group]
    return total / n if n > 0 else np.nan


# One loop a statistic, written out: numba compiles these ahead and keeps them on disk, which it
# cannot do for a loop that takes the statistic as an argument. `first` is the number of the
# replicate that `out` begins with: threads share them out.


@kernel
def replicate_pearson(
    out: np.ndarray, first: int, seed: np.uint64, counts: np.ndarray, arrays: Arrays
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, first + replicate, counts)
        out[replicate] = pearson(counts, *arrays)


@kernel
def replicate_spearman(
    out: np.ndarray, first: int, seed: np.uint64, counts: np.ndarray, arrays: Arrays
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, first + replicate, counts)
        out[replicate] = spearman(counts, *arrays)


@kernel
def replicate_mse(
    out: np.ndarray, first: int, seed: np.uint64, counts: np.ndarray, arrays: Arrays
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, first + replicate, counts)
        out[replicate] = mse(counts, *arrays)


@kernel
def replicate_auroc(
    out: np.ndarray, first: int, seed: np.uint64, counts: np.ndarray, arrays: Arrays
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, first + replicate, counts)
        out[replicate] = auroc(counts, *arrays)


@kernel
def replicate_average_precision(
    out: np.ndarray, first: int, seed: np.uint64, counts: np.ndarray, arrays: Arrays
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, first + replicate, counts)
        out[replicate] = average_precision(counts, *arrays)


@kernel
def replicate_weighted_mean(
    out: np.ndarray, seed: np.uint64, counts: np.ndarray, arrays: tuple[np.ndarray, ...]
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, replicate, counts)
        out[replicate] = weighted_mean(counts, *arrays)
