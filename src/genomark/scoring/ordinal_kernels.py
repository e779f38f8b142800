"""Compiled rank statistics of predictions against ordered classes, from counts of clusters.

Truth of few classes makes ranks of truth a function of the class: one walk along the sorted
predictions gives every statistic of a replicate. `docs/design/ordinal-scoring.md` derives the
forms.
"""

from __future__ import annotations

import math

import numpy as np

from genomark.compiled import kernel
from genomark.scoring.kernels import draw_counts


@kernel
def walk_predictions(
    counts: np.ndarray,
    clusters: np.ndarray,
    classes: np.ndarray,
    ends: np.ndarray,
    drawn: int,
    weight: np.ndarray,
    ranks: np.ndarray,
) -> float:
    """Add up how often each class was drawn, and the ranks of its predictions.

    `clusters` and `classes` stand in ascending order of prediction; `ends` says where each run of
    equal predictions ends. `drawn` items are in the replicate. Ranks are twice the distance from
    the middle rank, whole numbers. Returns the sum of their squares.
    """
    weight[:] = 0.0
    ranks[:] = 0.0
    squares = 0.0
    before = 0
    first = 0
    for run in range(ends.size):
        last = ends[run]
        here = 0
        for item in range(first, last):
            here += counts[clusters[item]]
        if here > 0:
            rank = float(2 * before + here - drawn)
            squares += here * rank * rank
            for item in range(first, last):
                times = float(counts[clusters[item]])
                weight[classes[item]] += times
                ranks[classes[item]] += times * rank
        before += here
        first = last
    return squares


@kernel
def walk_levels(
    counts: np.ndarray,
    clusters: np.ndarray,
    classes: np.ndarray,
    levels: np.ndarray,
    joint: np.ndarray,
) -> None:
    """Count how often each class was drawn at each level of a covariate, in place."""
    joint[:] = 0.0
    for item in range(clusters.size):
        joint[classes[item], levels[item]] += float(counts[clusters[item]])


@kernel
def class_ranks(weight: np.ndarray, drawn: int, out: np.ndarray) -> float:
    """Give the rank of each class, as `walk_predictions` has them; the sum of squares."""
    before = 0.0
    squares = 0.0
    for number in range(weight.size):
        out[number] = 2.0 * before + weight[number] - drawn
        squares += weight[number] * out[number] * out[number]
        before += weight[number]
    return squares


@kernel
def correlation(product: float, x_squares: float, y_squares: float) -> float:
    if x_squares <= 0.0 or y_squares <= 0.0:
        return np.nan
    return max(-1.0, min(1.0, product / math.sqrt(x_squares * y_squares)))


@kernel
def partial(xy: float, xz: float, yz: float) -> float:
    """Correlate x and y where z is held fixed; NaN where z tells either of them wholly."""
    free = (1.0 - xz * xz) * (1.0 - yz * yz)
    if not free > 1e-12:
        return np.nan
    return (xy - xz * yz) / math.sqrt(free)


@kernel
def spearman_of_replicates(
    first: int,
    seed: np.uint64,
    counts: np.ndarray,
    sizes: np.ndarray,
    items: tuple[np.ndarray, np.ndarray, np.ndarray],
    by_class: tuple[np.ndarray, np.ndarray, np.ndarray],
    out: np.ndarray,
) -> None:
    """Compute replicates ``first - 1``, ``first``, ...; number -1 holds each cluster once.

    Parameters
    ----------
    counts : scratch, uint8[n_clusters]
    sizes : int64[n_clusters], items of each cluster
    items : clusters, classes, ends as of `walk_predictions`
    by_class : scratch, three float64[n_classes]
    out : float64[columns, 1 + 2 * n_classes]
        Spearman correlation; how often each class was drawn; its sum of ranks.
    """
    clusters, classes, ends = items
    weight, ranks, of_class = by_class
    k = weight.size
    for column in range(out.shape[0]):
        drawn = draw_column(first + column, seed, counts, sizes)
        x_squares = walk_predictions(counts, clusters, classes, ends, drawn, weight, ranks)
        y_squares = class_ranks(weight, drawn, of_class)
        product = 0.0
        for number in range(k):
            product += ranks[number] * of_class[number]
        out[column, 0] = correlation(product, x_squares, y_squares) if drawn > 2 else np.nan
        out[column, 1 : 1 + k] = weight
        out[column, 1 + k :] = ranks


@kernel
def partial_of_replicates(
    first: int,
    seed: np.uint64,
    counts: np.ndarray,
    sizes: np.ndarray,
    items: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    by_level: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    of_class: np.ndarray,
    spearman: np.ndarray,
    out: np.ndarray,
) -> None:
    """Compute the partial correlation of the same replicates, given a covariate.

    Parameters
    ----------
    items : clusters, classes, levels, ends in ascending order of prediction
    by_level : scratch, three float64[n_levels] and float64[n_classes, n_levels]
    of_class : scratch, float64[n_classes]
    spearman : float64[columns], of prediction and truth
    out : float64[columns]
    """
    clusters, classes, levels, ends = items
    weight, ranks, of_level, joint = by_level
    for column in range(out.size):
        drawn = draw_column(first + column, seed, counts, sizes)
        x_squares = walk_predictions(counts, clusters, levels, ends, drawn, weight, ranks)
        z_squares = class_ranks(weight, drawn, of_level)
        walk_levels(counts, clusters, classes, levels, joint)
        y_squares = class_ranks(joint.sum(axis=1), drawn, of_class)
        xz = yz = 0.0
        for level in range(weight.size):
            xz += ranks[level] * of_level[level]
            for number in range(of_class.size):
                yz += joint[number, level] * of_class[number] * of_level[level]
        xz = correlation(xz, x_squares, z_squares)
        yz = correlation(yz, y_squares, z_squares)
        if z_squares <= 0.0:  # The covariate is the same everywhere, and takes nothing away.
            out[column] = spearman[column]
        else:
            out[column] = partial(spearman[column], xz, yz)


@kernel
def draw_column(column: int, seed: np.uint64, counts: np.ndarray, sizes: np.ndarray) -> int:
    """Draw the clusters of a column, each once in column 0; give how many items that makes."""
    if column == 0:
        counts[:] = 1
    else:
        draw_counts(seed, column - 1, counts)
    drawn = 0
    for cluster in range(counts.size):
        drawn += counts[cluster] * sizes[cluster]
    return drawn
