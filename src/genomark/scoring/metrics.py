"""Metrics: a value, when it is undefined and why, and its bootstrap replicates.

A metric sorts or sums its items once (`prepare`) and is then a function of how often each cluster
was drawn. The value of the data as they are is the replicate in which each cluster is drawn once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UnknownNameError
from genomark.scoring import kernels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Indices = NDArray[np.uint32]
#: (value, reason): exactly one of them is None.
Value = tuple[float | None, str | None]

#: Of how often a cluster is drawn, once on average: above 255 has a probability below 1e-500. So
#: the counts of a million clusters stay in a processor's own cache.
COUNTS = np.uint8
#: Items times replicates below which threads take longer to start than they save.
_WORTH_THREADS = 2_000_000


@dataclass(frozen=True)
class Metric:
    """A statistic of predictions and truth.

    Attributes
    ----------
    name : str
        As in a Result.
    prepare : callable
        ``(prediction, truth, cluster, n_clusters) -> arrays`` for the kernels.
    statistic, replicate : callable
        The kernels: one value from counts, and a loop over replicates.
    undefined : callable
        ``(prediction, truth) -> reason or None``.
    scratch : int
        How many of the arrays, the last ones, the kernels write to.
    """

    name: str
    prepare: Callable[[Floats, Floats, Integers, int], tuple[Any, ...]]
    statistic: Callable[..., float]
    replicate: Callable[..., None]
    undefined: Callable[[Floats, Floats], str | None]
    scratch: int = 0

    def value(self, prediction: Floats, truth: Floats) -> Value:
        """Compute the metric of all items.

        Parameters
        ----------
        prediction, truth : ndarray of float64, shape (n,)
            Finite values; for a classification metric `truth` is 0 or 1.

        Returns
        -------
        value : float or None
        reason : str or None
            Why there is no value.
        """
        if reason := self.undefined(prediction, truth):
            return None, reason
        n = prediction.size
        with np.errstate(over="ignore", invalid="ignore"):
            arrays = self.prepare(prediction, truth, np.arange(n), n)
        value = float(self.statistic(np.ones(n, dtype=COUNTS), *arrays))
        return (value, None) if math.isfinite(value) else (None, "values too large to compute with")

    def replicates(
        self,
        prediction: Floats,
        truth: Floats,
        clusters: Integers,
        n: int,
        seed: int,
        n_clusters: int | None = None,
        threads: int = 1,
    ) -> Floats:
        """Compute the metric of `n` bootstrap replicates.

        Parameters
        ----------
        prediction, truth : ndarray of float64, shape (n_items,)
        clusters : ndarray of int64, shape (n_items,)
            Cluster of each item, numbered from 0; clusters are what is drawn.
        n : int
            Number of replicates.
        seed : int
            Replicate ``b`` depends on `seed`, ``b`` and the number of clusters alone.
        n_clusters : int, optional
            How many there are, where the last of them may have no item; left out, none is empty.
        threads : int
            At most; no number depends on it.

        Returns
        -------
        ndarray of float64, shape (n,)
            NaN where a replicate leaves the metric undefined.
        """
        n_clusters = n_clusters or int(clusters.max()) + 1
        arrays = self.prepare(prediction, truth, clusters, n_clusters)
        out = np.empty(n)

        def draw(part: Floats, first: int) -> None:
            counts = np.empty(n_clusters, dtype=COUNTS)
            read = arrays[: len(arrays) - self.scratch]
            written = [np.empty_like(each) for each in arrays[len(read) :]]
            self.replicate(part, first, np.uint64(seed), counts, (*read, *written))

        if threads == 1 or n * prediction.size < _WORTH_THREADS:
            draw(out, 0)
            return out
        with ThreadPoolExecutor(threads) as pool:
            parts = np.array_split(out, threads)
            firsts = np.cumsum([0, *map(len, parts[:-1])]).tolist()
            list(pool.map(draw, parts, firsts))
        return out


def metric(name: str) -> Metric:
    """Look a metric up by its name in a Result."""
    if name not in METRICS:
        raise UnknownNameError("metric", name, METRICS)
    return METRICS[name]


# Index arrays are of an unsigned type: the kernels then need not ask whether an index is negative.


def _order(values: Floats) -> Indices:
    return np.argsort(values, kind="stable").astype(np.uint32)


def _span(values: Floats, among: Floats) -> Indices:
    """Count how many of `among` (sorted) are below each value, and how many are not above it."""
    sides = [np.searchsorted(among, values, "left"), np.searchsorted(among, values, "right")]
    return np.array(sides, dtype=np.uint32)


def _cluster_sums(
    products: Sequence[tuple[Floats, Floats]], cluster: Integers, n_clusters: int
) -> Floats:
    # One after the other: of a million items all of them at once take as much as the sums.
    sums = np.empty((n_clusters, len(products)))
    for number, (one, other) in enumerate(products):
        sums[:, number] = np.bincount(cluster, one * other, n_clusters)
    return sums


def _prepare_pearson(x: Floats, y: Floats, cluster: Integers, n_clusters: int) -> tuple[Any, ...]:
    x, y = _centred(x), _centred(y)
    one = np.ones_like(x)
    products = ((one, one), (x, one), (y, one), (x, x), (y, y), (x, y))
    return (_cluster_sums(products, cluster, n_clusters),)


def _centred(values: Floats) -> Floats:
    """Centre, so that sums of squares do not cancel, and scale, so that squares do not overflow.

    On the median: an outlier far out does not move it, and replicates without the outlier are as
    exact as if it were not there.
    """
    centred: Floats = values - np.median(values)
    largest = np.abs(centred).max()
    if largest > 0:
        centred /= largest
    return centred


def _prepare_spearman(x: Floats, y: Floats, cluster: Integers, n_clusters: int) -> tuple[Any, ...]:
    drawn_as = cluster.astype(np.uint32)
    x_order, y_order = _order(x), _order(y)
    x_span, y_span = _span(x[y_order], x[x_order]), _span(y[y_order], y[y_order])
    return drawn_as[x_order], drawn_as[y_order], x_span, y_span, np.empty((2, x.size + 1), np.int32)


def _prepare_mse(x: Floats, y: Floats, cluster: Integers, n_clusters: int) -> tuple[Any, ...]:
    one, error = np.ones_like(x), x - y
    return (_cluster_sums(((one, one), (error, error)), cluster, n_clusters),)


def _prepare_auroc(x: Floats, y: Floats, cluster: Integers, n_clusters: int) -> tuple[Any, ...]:
    (negatives, negative_cluster), (positives, positive_cluster) = _classes(x, y, cluster)
    span = _span(positives, negatives)
    return negative_cluster, positive_cluster, span, np.empty(negatives.size + 1, np.int32)


def _prepare_average_precision(
    x: Floats, y: Floats, cluster: Integers, n_clusters: int
) -> tuple[Any, ...]:
    (negatives, negative_cluster), (positives, positive_cluster) = _classes(-x, y, cluster)
    return (
        negative_cluster,
        positive_cluster,
        _span(positives, negatives)[1],
        _span(positives, positives)[1],
        np.empty(negatives.size + 1, np.int32),
        np.empty(positives.size + 1, np.int32),
    )


def _classes(x: Floats, y: Floats, cluster: Integers) -> list[tuple[Floats, Indices]]:
    """Give x and clusters of the negatives and of the positives, each in ascending order of x."""
    order = _order(x)
    x, positive, drawn_as = x[order], y[order] > 0.5, cluster[order].astype(np.uint32)
    return [(x[chosen], drawn_as[chosen]) for chosen in (~positive, positive)]


def _undefined_correlation(prediction: Floats, truth: Floats) -> str | None:
    if prediction.size < 3:
        return f"fewer than 3 items ({prediction.size})"
    if _constant(prediction):
        return "constant prediction"
    if _constant(truth):
        return "constant truth"
    return None


def _undefined_error(prediction: Floats, truth: Floats) -> str | None:
    return None if prediction.size else "no items"


def _undefined_classification(prediction: Floats, truth: Floats) -> str | None:
    if prediction.size < 3:
        return f"fewer than 3 items ({prediction.size})"
    positives = int((truth > 0.5).sum())
    if positives in (0, truth.size):
        return f"only one class ({positives} positives of {truth.size})"
    if _constant(prediction):
        return "constant prediction"
    return None


def _constant(values: Floats) -> bool:
    return bool(values.min() == values.max())


METRICS: dict[str, Metric] = {
    each.name: each
    for each in (
        Metric(
            "pearson",
            _prepare_pearson,
            kernels.pearson,
            kernels.replicate_pearson,
            _undefined_correlation,
        ),
        Metric(
            "spearman",
            _prepare_spearman,
            kernels.spearman,
            kernels.replicate_spearman,
            _undefined_correlation,
            scratch=1,
        ),
        Metric("mse", _prepare_mse, kernels.mse, kernels.replicate_mse, _undefined_error),
        Metric(
            "auroc",
            _prepare_auroc,
            kernels.auroc,
            kernels.replicate_auroc,
            _undefined_classification,
            scratch=1,
        ),
        Metric(
            "average_precision",
            _prepare_average_precision,
            kernels.average_precision,
            kernels.replicate_average_precision,
            _undefined_classification,
            scratch=2,
        ),
    )
}
