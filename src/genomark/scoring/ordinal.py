"""Rank correlation of predictions with ordered classes, as the large regression suites score it.

Beside the Spearman correlation stand what it can be at most for such classes, what is left of it
when GC content is held fixed, and how well each class is told from those below it.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.scoring import ordinal_kernels as kernels
from genomark.scoring.intervals import REPLICATES
from genomark.scoring.score import Headline

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Standard deviation of what jitter adds, in units of the predictions.
JITTER = 0.01
#: Jitter is drawn from ``seed xor JITTER_STREAM``, so that it does not follow the clusters.
JITTER_STREAM = int.from_bytes(b"jitter", "big")
#: Columns of a piece of work; smaller ones share two cores more evenly.
_PIECE = 25
#: GC content is held fixed in steps of this share.
_GC_STEP = 0.001


@dataclass(frozen=True)
class OrdinalReplicates:
    """Statistics of the data as they are (column 0) and of bootstrap replicates.

    Attributes
    ----------
    values : ndarray of float64, shape (k,)
        The classes, ascending.
    spearman : ndarray of float64, shape (columns,)
        Ties averaged; NaN where undefined.
    weight : ndarray of float64, shape (columns, k)
        Items of each class in the replicate.
    ranks : ndarray of float64, shape (columns, k)
        Sum over a class of twice the distance of its predictions from the middle rank.
    gc_partial : ndarray of float64, shape (columns,), or None
        Partial Spearman correlation given GC content.
    """

    values: Floats
    spearman: Floats
    weight: Floats
    ranks: Floats
    gc_partial: Floats | None = None

    @cached_property
    def of_ceiling(self) -> Floats:
        """Spearman correlation as a share of the most that untied predictions can reach."""
        shares = self.weight / self.weight.sum(axis=1, keepdims=True)
        ceilings = np.sqrt(np.maximum(1.0 - (shares**3).sum(axis=1), 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            share: Floats = np.where(ceilings > 0, self.spearman / ceilings, np.nan)
        return share

    @cached_property
    def percentiles(self) -> Floats:
        """Mean percentile (0 to 1) of the predictions of each class, shape (columns, k)."""
        n = self.weight.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            percentiles: Floats = (self.ranks / self.weight / n + 1.0) / 2.0
        return percentiles

    @cached_property
    def auroc_from(self) -> Floats:
        """AUROC of "this class or above", for each but the first, shape (columns, k - 1)."""
        above = np.cumsum(self.weight[:, :0:-1], axis=1)[:, ::-1]
        ranks = np.cumsum(self.ranks[:, :0:-1], axis=1)[:, ::-1]
        below = self.weight.sum(axis=1, keepdims=True) - above
        with np.errstate(divide="ignore", invalid="ignore"):
            # Mann-Whitney's U of mid-ranks over the number of pairs.
            areas: Floats = ranks / (2.0 * above * below) + 0.5
        return areas


def ordinal_replicates(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    clusters: Integers,
    *,
    seed: int,
    replicates: int = REPLICATES,
    gc: Floats | None = None,
    n_clusters: int | None = None,
    threads: int = 1,
) -> OrdinalReplicates:
    """Compute rank statistics of the data and of bootstrap replicates.

    Parameters
    ----------
    prediction, truth : ndarray of float, shape (n,)
        Finite. What `truth` has few distinct values of is quickest.
    clusters : ndarray of int64, shape (n,)
        Cluster of each item, numbered from 0 without gaps; clusters are what is drawn.
    seed : int
        Replicate ``b`` depends on `seed`, ``b`` and the number of clusters alone
        (`kernels.draw_counts`), so that two models on the same items are drawn in pairs.
    replicates : int
    gc : ndarray of float64, shape (n,), optional
        GC content of each item, 0 to 1; held fixed to a thousandth.
    n_clusters : int, optional
        How many are drawn from, where some have no item here: of several labels, the same clusters
        are then drawn for each.
    threads : int
        No number depends on it.

    Raises
    ------
    UsageError
        If the arrays are not of one length, or hold what is not finite.
    """
    problem = _Problem.of(prediction, truth, clusters, n_clusters)
    columns = replicates + 1
    table = np.empty((columns, 1 + 2 * problem.values.size))
    _in_pieces(lambda first, last: problem.walk(first, table[first:last], seed), columns, threads)
    k = problem.values.size
    spearman = np.ascontiguousarray(table[:, 0])
    given = None
    if gc is not None:
        levels = problem.levels(gc)
        found = np.empty(columns)
        _in_pieces(
            lambda first, last: problem.walk_given(
                levels, first, spearman[first:last], found[first:last], seed
            ),
            columns,
            threads,
        )
        given = found
    return OrdinalReplicates(
        problem.values, spearman, table[:, 1 : 1 + k], table[:, 1 + k :], given
    )


def ordinal_spearman(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    clusters: Integers,
    *,
    seed: int,
    replicates: int = REPLICATES,
    threads: int = 1,
) -> Headline:
    """Compute the Spearman correlation, ties averaged, and its replicates.

    Parameters
    ----------
    prediction, truth, clusters, seed, replicates, threads
        As of `ordinal_replicates`.

    Returns
    -------
    Headline
        Undefined with fewer than three items, or all predictions or classes the same.
    """
    n_clusters = int(np.count_nonzero(np.bincount(clusters)))
    if len(prediction) < 3:
        return Headline.undefined(replicates, n_clusters)
    found = ordinal_replicates(
        prediction, truth, clusters, seed=seed, replicates=replicates, threads=threads
    ).spearman
    return Headline.of(found[0], found[1:], n_clusters)


def jittered_spearman(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    clusters: Integers,
    *,
    runs: int,
    seed: int,
    replicates: int = REPLICATES,
    n_clusters: int | None = None,
    threads: int = 1,
) -> Floats:
    """Average the Spearman correlation over runs, each with normal noise on the predictions.

    So GUANinE treats tied predictions; the noise has a standard deviation of `JITTER`.

    Parameters
    ----------
    runs : int
        1 or more; 30 to 50 to report.
    prediction, truth, clusters, seed, replicates, n_clusters, threads
        As of `ordinal_replicates`.

    Returns
    -------
    ndarray of float64, shape (replicates + 1,)
        The mean over runs; then replicates, of run ``b modulo runs`` each, so that an interval
        covers both what other clusters and what other noise would give.
    """
    noise = np.random.default_rng(seed ^ JITTER_STREAM)
    out = np.empty(replicates + 1)
    values = np.empty(runs)
    for run in range(runs):
        shaken = prediction + JITTER * noise.standard_normal(len(prediction))
        problem = _Problem.of(shaken, truth, clusters, n_clusters)
        columns = np.array([0, *range(1 + run, replicates + 1, runs)])
        found = np.empty((columns.size, 1 + 2 * problem.values.size))

        def walk(
            first: int,
            last: int,
            problem: _Problem = problem,
            columns: Integers = columns,
            found: Floats = found,
        ) -> None:
            for place in range(first, last):
                problem.walk(int(columns[place]), found[place : place + 1], seed)

        _in_pieces(walk, columns.size, threads)
        values[run] = found[0, 0]
        out[columns[1:]] = found[1:, 0]
    out[0] = values.mean()
    return out


def spearman_ceiling(truth: NDArray[Any]) -> float:
    """Give the most that the Spearman correlation with such truth can be without ties.

    ``sqrt(1 - sum p^3)`` for classes of shares ``p``: of untied predictions in the order of the
    classes. ``sqrt(1 - 1 / k^2)`` for ``k`` classes that are equally frequent. Tied predictions
    can reach 1.
    """
    _, counts = np.unique(truth, return_counts=True)
    shares = counts / max(1, counts.sum())
    return float(np.sqrt(max(1.0 - float((shares**3).sum()), 0.0)))


def tie_fraction(prediction: NDArray[Any]) -> float:
    """Share of the predictions that another one equals."""
    _, counts = np.unique(prediction, return_counts=True)
    return float(counts[counts > 1].sum() / max(1, counts.sum()))


@dataclass(frozen=True)
class _Problem:
    """Predictions in ascending order, with the class and the cluster of each."""

    values: Floats
    order: NDArray[np.uint32]
    clusters: NDArray[np.uint32]
    classes: NDArray[np.uint32]
    ends: NDArray[np.uint32]
    sizes: Integers

    @classmethod
    def of(
        cls,
        prediction: NDArray[Any],
        truth: NDArray[Any],
        clusters: Integers,
        n_clusters: int | None,
    ) -> _Problem:
        x, y = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
        if not x.shape == y.shape == clusters.shape:
            raise UsageError(
                f"{x.size:,} predictions, {y.size:,} labels, {clusters.size:,} clusters"
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise UsageError("predictions and labels must be finite numbers")
        order = np.argsort(x, kind="stable").astype(np.uint32)
        ordered = x[order]
        ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, x.size)
        values, classes = np.unique(y, return_inverse=True)
        return cls(
            values=values,
            order=order,
            clusters=clusters.astype(np.uint32)[order],
            classes=_smallest(classes, values.size)[order],
            ends=ends.astype(np.uint32) if x.size else np.empty(0, np.uint32),
            sizes=np.bincount(clusters, minlength=n_clusters or 0),
        )

    def walk(self, first: int, out: Floats, seed: int) -> None:
        """Fill columns from `first` on."""
        k = self.values.size
        kernels.spearman_of_replicates(
            first,
            np.uint64(seed),
            np.empty(self.sizes.size, np.uint8),
            self.sizes,
            (self.clusters, self.classes, self.ends),
            (np.empty(k), np.empty(k), np.empty(k)),
            out,
        )

    def levels(self, gc: Floats) -> tuple[NDArray[Any], int]:
        """Number the steps of GC content, in the order of the predictions."""
        steps, levels = np.unique(np.rint(gc / _GC_STEP), return_inverse=True)
        return _smallest(levels, steps.size)[self.order], steps.size

    def walk_given(
        self, levels: tuple[NDArray[Any], int], first: int, spearman: Floats, out: Floats, seed: int
    ) -> None:
        """Fill columns of the partial correlation from `first` on."""
        level, size = levels
        k = self.values.size
        kernels.partial_of_replicates(
            first,
            np.uint64(seed),
            np.empty(self.sizes.size, np.uint8),
            self.sizes,
            (self.clusters, self.classes, level, self.ends),
            (np.empty(size), np.empty(size), np.empty(size), np.empty((k, size))),
            np.empty(k),
            spearman,
            out,
        )


def _smallest(numbers: NDArray[Any], size: int) -> NDArray[Any]:
    """Keep numbers in few bytes: less to read in every replicate."""
    return numbers.astype(np.uint16 if size <= 2**16 else np.uint32)


def _in_pieces(work: Any, columns: int, threads: int) -> None:
    starts = [*range(0, columns, _PIECE), columns]
    if threads == 1:
        for first, last in itertools.pairwise(starts):
            work(first, last)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, *pair) for pair in itertools.pairwise(starts)]:
            done.result()
