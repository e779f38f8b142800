"""Compiled statistics of a resampled set, as functions of how often each item was drawn.

A bootstrap replicate never builds the resampled arrays. It draws, for each cluster, how often it
is in the replicate (a count), and every statistic here is computed from counts over items that
were sorted once. `docs/design/statistics.md` derives the forms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile with numba; the machine code is kept on disk between processes."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


@kernel
def draw_counts(seed: np.uint64, replicate: int, counts: np.ndarray) -> None:
    """Draw ``len(counts)`` clusters with replacement and count them, in place.

    The stream is splitmix64 (Steele, Lea and Flood 2014) started from (`seed`, `replicate`): a
    replicate does not depend on those before it. A draw takes the upper 32 bits to an index by
    multiplication, whose bias is below ``len(counts) / 2**32``.
    """
    n = np.uint64(counts.size)
    counts[:] = 0
    state = np.uint64(seed) ^ (np.uint64(replicate) * np.uint64(0xD1342543DE82EF95))
    for _ in range(counts.size):
        state += np.uint64(0x9E3779B97F4A7C15)
        word = state
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word = word ^ (word >> np.uint64(31))
        counts[((word >> np.uint64(32)) * n) >> np.uint64(32)] += 1


@kernel
def pearson(counts: np.ndarray, sums: np.ndarray, floor: np.ndarray) -> float:
    """Pearson correlation from per-cluster sums ``[n, x, y, xx, yy, xy]`` of centred values.

    `floor` holds, for x and y, the variance per item under which rounding is all there is.
    """
    n = sx = sy = sxx = syy = sxy = 0.0
    for cluster in range(counts.size):
        weight = counts[cluster]
        if weight:
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
    if var_x <= floor[0] * n or var_y <= floor[1] * n:
        return np.nan
    return (sxy - sx * sy / n) / math.sqrt(var_x) / math.sqrt(var_y)


@kernel
def spearman(
    counts: np.ndarray,
    cluster: np.ndarray,
    x_tie_end: np.ndarray,
    y_order: np.ndarray,
    y_tie_end: np.ndarray,
    ranks: np.ndarray,
) -> float:
    """Spearman correlation, ties averaged; items stand in ascending order of x.

    `cluster` gives each item's cluster, `y_order` the items in ascending order of y, `*_tie_end`
    one past the last position of each run of equal values. `ranks` is scratch space.
    """
    start = 0
    below = 0.0
    for end in x_tie_end:
        tied = 0.0
        for position in range(start, end):
            tied += counts[cluster[position]]
        for position in range(start, end):
            ranks[position] = below + (tied + 1.0) / 2.0
        below += tied
        start = end
    n = below
    if n < 3:
        return np.nan
    middle = (n + 1.0) / 2.0
    start = 0
    below = 0.0
    sxx = syy = sxy = 0.0
    for end in y_tie_end:
        tied = 0.0
        tied_x = 0.0
        for position in range(start, end):
            item = y_order[position]
            weight = counts[cluster[item]]
            centred = ranks[item] - middle
            tied += weight
            tied_x += weight * centred
            sxx += weight * centred * centred
        centred = below + (tied + 1.0) / 2.0 - middle
        syy += tied * centred * centred
        sxy += tied_x * centred
        below += tied
        start = end
    if sxx == 0.0 or syy == 0.0:
        return np.nan
    return sxy / math.sqrt(sxx) / math.sqrt(syy)


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
    counts: np.ndarray, cluster: np.ndarray, positive: np.ndarray, tie_end: np.ndarray
) -> float:
    """Area under the ROC curve; items stand in ascending order of prediction.

    The share of (positive, negative) pairs that are in the right order, ties counted half.
    """
    start = 0
    negatives = positives = ordered = 0.0
    for end in tie_end:
        tied_negatives = tied_positives = 0.0
        for position in range(start, end):
            weight = counts[cluster[position]]
            if positive[position]:
                tied_positives += weight
            else:
                tied_negatives += weight
        ordered += tied_positives * (negatives + tied_negatives / 2.0)
        negatives += tied_negatives
        positives += tied_positives
        start = end
    if positives == 0.0 or negatives == 0.0:
        return np.nan
    return ordered / positives / negatives


@kernel
def average_precision(
    counts: np.ndarray, cluster: np.ndarray, positive: np.ndarray, tie_end: np.ndarray
) -> float:
    """Average precision; items stand in descending order of prediction.

    The sum over thresholds of precision times the gain in recall; equal predictions are one
    threshold.
    """
    start = 0
    drawn = positives = area = 0.0
    for end in tie_end:
        gained = 0.0
        for position in range(start, end):
            weight = counts[cluster[position]]
            drawn += weight
            if positive[position]:
                gained += weight
        positives += gained
        if gained > 0.0:
            area += gained * positives / drawn
        start = end
    if positives == 0.0 or positives == drawn:
        return np.nan
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
# cannot do for a loop that takes the statistic as an argument.


@kernel
def replicate_pearson(
    out: np.ndarray, seed: np.uint64, counts: np.ndarray, sums: np.ndarray, floor: np.ndarray
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, replicate, counts)
        out[replicate] = pearson(counts, sums, floor)


@kernel
def replicate_spearman(
    out: np.ndarray,
    seed: np.uint64,
    counts: np.ndarray,
    cluster: np.ndarray,
    x_tie_end: np.ndarray,
    y_order: np.ndarray,
    y_tie_end: np.ndarray,
    ranks: np.ndarray,
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, replicate, counts)
        out[replicate] = spearman(counts, cluster, x_tie_end, y_order, y_tie_end, ranks)


@kernel
def replicate_mse(out: np.ndarray, seed: np.uint64, counts: np.ndarray, sums: np.ndarray) -> None:
    for replicate in range(out.size):
        draw_counts(seed, replicate, counts)
        out[replicate] = mse(counts, sums)


@kernel
def replicate_auroc(
    out: np.ndarray,
    seed: np.uint64,
    counts: np.ndarray,
    cluster: np.ndarray,
    positive: np.ndarray,
    tie_end: np.ndarray,
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, replicate, counts)
        out[replicate] = auroc(counts, cluster, positive, tie_end)


@kernel
def replicate_average_precision(
    out: np.ndarray,
    seed: np.uint64,
    counts: np.ndarray,
    cluster: np.ndarray,
    positive: np.ndarray,
    tie_end: np.ndarray,
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, replicate, counts)
        out[replicate] = average_precision(counts, cluster, positive, tie_end)


@kernel
def replicate_weighted_mean(
    out: np.ndarray, seed: np.uint64, counts: np.ndarray, cluster: np.ndarray, values: np.ndarray
) -> None:
    for replicate in range(out.size):
        draw_counts(seed, replicate, counts)
        out[replicate] = weighted_mean(counts, cluster, values)
