"""Replicates of many labels at once: genes are drawn, labels are walked, blocks run side by side.

Column 0 of every array of replicates draws each gene once and so holds the values of the data as
they are; column ``b + 1`` is replicate ``b``. A value and its replicates come from one piece of
code.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from genomark.scoring import kernels, label_kernels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Indices = NDArray[np.uint32]
Item = TypeVar("Item")
Found = TypeVar("Found")

#: Replicates of a block: their counts, of one byte each, fill one line of the processor's cache.
BLOCK = 64
#: Labels are drawn from ``seed xor LABEL_STREAM``, so that they do not follow the genes.
LABEL_STREAM = int.from_bytes(b"labels", "big")
#: What `value_replicates` gives, in this order.
VALUE_METRICS = ("spearman", "pearson", "r2", "rmse")


@dataclass(frozen=True)
class Draws:
    """How often the genes, and the rows they are in, are drawn.

    Attributes
    ----------
    members : ndarray of uint32, shape (n, 1) or (n, 2)
        The genes of each row: it is drawn as often as its gene, a pair as often as the product of
        its two (Owen 2007). A gene paired with itself is one gene: number `n_genes`, which every
        replicate holds once, stands in for the other.
    n_genes : int
    seed, replicates : int
        Replicate ``b`` depends on `seed`, ``b`` and `n_genes` alone (`kernels.draw_counts`).
    """

    members: Indices
    n_genes: int
    seed: int
    replicates: int

    @classmethod
    def of(cls, clusters: Integers, seed: int, replicates: int) -> Draws:
        """Prepare draws of genes that are numbered from 0 in `clusters`, (n,) or (n, 2)."""
        members = clusters.astype(np.uint32, order="C")
        if members.ndim == 1:
            members = members[:, np.newaxis]
        n_genes = int(members.max()) + 1 if members.size else 0
        if members.shape[1] == 2:
            members[members[:, 0] == members[:, 1], 1] = n_genes
        return cls(members, n_genes, seed, replicates)

    @property
    def columns(self) -> int:
        """One more than there are replicates."""
        return self.replicates + 1

    def counts(self, column: int) -> NDArray[np.int32]:
        """How often each gene is drawn in a column, shape (n_genes + 1,)."""
        counts = np.ones(self.n_genes + 1, dtype=np.int32)
        if column:
            kernels.draw_counts(np.uint64(self.seed), column - 1, counts[:-1])
        return counts

    def block(self, first: int, last: int) -> NDArray[np.uint8]:
        """Counts of some columns, shape (n_genes + 1, last - first).

        A byte is enough: no gene is drawn oftener than there are genes, and 256 times with a
        probability below 1 / 256!.
        """
        block = np.empty((self.n_genes + 1, last - first), dtype=np.uint8)
        for column in range(first, last):
            block[:, column - first] = self.counts(column)
        return block

    def each_block(self, work: Callable[[int, int], None], threads: int) -> None:
        """Call ``work(first, last)`` for blocks that make up all columns."""
        each(
            lambda first: work(first, min(first + BLOCK, self.columns)),
            range(0, self.columns, BLOCK),
            threads,
        )


def ranked_replicates(
    draws: Draws, scores: NDArray[Any], truth: Floats, folds: Integers, threads: int
) -> tuple[Floats, Floats]:
    """Compute the metrics of each label, and their averages weighted by positives.

    Parameters
    ----------
    draws : Draws
        Of the same rows.
    scores : ndarray of float, shape (n, n_labels)
    truth : ndarray of float64, shape (n, n_labels)
        0 or 1.
    folds : ndarray of int64, shape (n,)
    threads : int
        Blocks of replicates that run side by side; the bits do not depend on it.

    Returns
    -------
    by_label : ndarray of float64, shape (5, n_labels, columns)
        `label_kernels.RANKED_METRICS`, each a mean over the folds in which both classes were
        drawn; NaN where there are none.
    weighted : ndarray of float64, shape (2, columns)
        AUROC and balanced accuracy: the mean over folds of the mean over labels of the fold, in
        which a label weighs as much as it has positives.
    """
    order, starts = fold_by_fold(folds)
    members, n_labels = draws.members[order], scores.shape[1]
    plans = each(
        lambda label: _plan(scores[order, label], truth[order, label] > 0.5, starts, members),
        range(n_labels),
        threads,
    )
    by_label = np.empty((len(label_kernels.RANKED_METRICS), n_labels, draws.columns))
    weighted = np.empty((2, draws.columns))

    def walk(first: int, last: int) -> None:
        counts = draws.block(first, last)
        found = np.empty((n_labels, len(by_label), last - first))
        sums = np.zeros((starts.size - 1, 3, last - first))
        for plan, out in zip(plans, found, strict=True):
            label_kernels.label_metrics(counts, *plan, out, sums)
        by_label[:, :, first:last] = found.swapaxes(0, 1)
        # 0 / 0 where nothing was drawn: NaN, a fold that is left out.
        with np.errstate(invalid="ignore"):
            weighted[:, first:last] = _mean_of_defined((sums[:, 1:] / sums[:, :1]).swapaxes(0, 1))

    draws.each_block(walk, threads)
    return by_label, weighted


def class_replicates(
    draws: Draws, truth: Integers, hard: Integers, folds: Integers, n_classes: int, threads: int
) -> Floats:
    """Compute the metrics of hard classes.

    Parameters
    ----------
    draws : Draws
        Of the same rows.
    truth, hard : ndarray of int64, shape (n,)
        Number of the class that each row has, and of the one it was given.
    folds : ndarray of int64, shape (n,)
    n_classes, threads : int

    Returns
    -------
    ndarray of float64, shape (3, columns)
        `label_kernels.CLASS_METRICS`, each a mean over the folds in which two classes were drawn;
        NaN where there are none.
    """
    order, starts = fold_by_fold(folds)
    members, truth, hard = draws.members[order], truth[order], hard[order]
    out = np.empty((len(label_kernels.CLASS_METRICS), draws.columns))

    def walk(first: int, last: int) -> None:
        found = np.empty((len(out), last - first))
        counts = draws.block(first, last)
        label_kernels.class_metrics(counts, members, truth, hard, starts, n_classes, found)
        out[:, first:last] = found

    draws.each_block(walk, threads)
    return out


def value_replicates(
    draws: Draws, prediction: Floats, truth: Floats, folds: Integers, threads: int
) -> Floats:
    """Compute the metrics of predicted values.

    Parameters
    ----------
    draws : Draws
        Of the same rows.
    prediction, truth : ndarray of float64, shape (n,)
    folds : ndarray of int64, shape (n,)
    threads : int

    Returns
    -------
    ndarray of float64, shape (4, columns)
        `VALUE_METRICS`, each a mean over the folds in which it is defined; NaN where there are
        none.
    """
    order, starts = fold_by_fold(folds)
    rows = [order[first:last] for first, last in itertools.pairwise(starts) if first < last]
    prepared = [
        (draws.members[part], *_prepare_values(prediction[part], truth[part])) for part in rows
    ]
    found = np.empty((len(VALUE_METRICS), len(rows), draws.columns))

    def walk(first: int, last: int) -> None:
        counts = draws.block(first, last)
        spearman = np.empty(last - first)
        ranks = np.empty((2, max(map(len, rows)), last - first), dtype=np.int32)
        for fold, (members, ranked, terms, unit) in enumerate(prepared):
            label_kernels.fold_spearman(counts, members, *ranked, ranks, spearman)
            sums = np.empty((terms.shape[1], last - first))
            label_kernels.weighted_sums(counts, members, terms, sums)
            found[:, fold, first:last] = spearman, *_from_sums(sums, unit)

    draws.each_block(walk, threads)
    return _mean_of_defined(found)


def label_means(values: Floats, seed: int) -> Floats:
    """Average over labels, which are drawn with replacement too in every column but the first.

    Parameters
    ----------
    values : ndarray of float64, shape (n_labels, columns)
        A label that is undefined in a replicate (NaN) is left out of it.
    seed : int

    Returns
    -------
    ndarray of float64, shape (columns,)
    """
    weights = np.ones(values.shape, dtype=np.int32)
    drawn = np.empty(len(values), dtype=np.int32)
    for column in range(1, values.shape[1]):
        kernels.draw_counts(np.uint64(seed ^ LABEL_STREAM), column - 1, drawn)
        weights[:, column] = drawn
    out = np.empty(values.shape[1])
    label_kernels.weighted_means(values, weights, out)
    return out


def fold_by_fold(folds: Integers) -> tuple[Integers, Integers]:
    """Give the rows in the order of their folds, and where each fold begins and the last ends."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(folds))])
    return np.argsort(folds, kind="stable"), starts


def each(work: Callable[[Item], Found], items: Iterable[Item], threads: int) -> list[Found]:
    """Do the same work for every item, in threads where there are several."""
    if threads == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def _plan(
    scores: NDArray[Any], positive: NDArray[np.bool_], starts: Integers, members: Indices
) -> tuple[Indices, Indices, Integers, Integers]:
    """Sort the rows of a label as `label_kernels.label_metrics` takes them."""
    scores = scores.astype(np.float64)
    order = np.empty(scores.size, dtype=np.int64)
    for first, last in itertools.pairwise(starts):
        # Any order of equal scores will do: sums over them are exact.
        order[first:last] = first + np.argsort(-scores[first:last])
    rows = np.empty(scores.size, dtype=np.uint32)
    steps = np.empty((int(positive.sum()) + 2 * (starts.size - 1), 3), dtype=np.uint32)
    fold_steps = np.empty(starts.size, dtype=np.int64)
    called = np.empty(starts.size - 1, dtype=np.int64)
    n = label_kernels.plan_label(order, scores, positive, starts, rows, steps, fold_steps, called)
    return members[rows], steps[:n].copy(), fold_steps, called


def _prepare_values(
    prediction: Floats, truth: Floats
) -> tuple[tuple[Floats, Floats, Integers, Integers], Floats, float]:
    """Sort one fold for ranks, and give the terms of its sums and the unit of truth in them.

    Values are centred on their median and scaled, as for `kernels.pearson`: sums of squares then
    neither cancel nor overflow.
    """
    ranked = prediction, truth, np.argsort(prediction), np.argsort(truth)
    (x, _), (y, unit) = _centred(prediction), _centred(truth)
    error = prediction - truth
    terms = [np.ones_like(x), x, y, x * x, y * y, x * y, error * error]
    return ranked, np.column_stack(terms), unit


def _centred(values: Floats) -> tuple[Floats, float]:
    far = values - np.median(values)
    unit = float(np.abs(far).max()) or 1.0
    return far / unit, unit


def _from_sums(sums: Floats, unit: float) -> tuple[Floats, Floats, Floats]:
    """Pearson correlation, coefficient of determination and root mean squared error.

    NaN with fewer than 3 rows (but not the error), or where a variance is below 1e-12 of the sum
    of squares: that is rounding, and the values are all the same.
    """
    n, x, y, xx, yy, xy, error = sums
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        var_x, var_y = xx - x * x / n, yy - y * y / n
        x_varies, y_varies = (
            (n >= 3) & (var > 1e-12 * of) for var, of in ((var_x, xx), (var_y, yy))
        )
        pearson = np.clip((xy - x * y / n) / np.sqrt(var_x * var_y), -1.0, 1.0)
        r2 = 1.0 - error / unit / unit / var_y
        return (
            np.where(x_varies & y_varies, pearson, np.nan),
            np.where(y_varies, r2, np.nan),
            np.sqrt(error / n),
        )


def _mean_of_defined(values: Floats) -> Floats:
    """Average over folds, shape (n_metrics, n_folds, columns), without those that are NaN."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(defined, values, 0.0).sum(axis=1) / defined.sum(axis=1)
    return mean
