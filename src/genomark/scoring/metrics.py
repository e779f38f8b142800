"""Metrics: a value, when it is undefined and why, and its bootstrap replicates.

A metric sorts or sums its items once (`prepare`) and is then a function of how often each cluster
was drawn. The value of the data as they are is the replicate in which each cluster is drawn once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UnknownNameError
from genomark.scoring import kernels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: (value, reason): exactly one of them is None.
Value = tuple[float | None, str | None]


@dataclass(frozen=True)
class Metric:
    """A statistic of predictions and truth.

    Attributes
    ----------
    name : str
        As in a Result.
    better : {"higher", "lower"}
        Which way models are ranked.
    prepare : callable
        ``(prediction, truth, cluster, n_clusters) -> arrays`` for the kernels.
    statistic, replicate : callable
        The kernels: one value from counts, and a loop over replicates.
    undefined : callable
        ``(prediction, truth) -> reason or None``.
    """

    name: str
    better: Literal["higher", "lower"]
    prepare: Callable[[Floats, Floats, Integers, int], tuple[Any, ...]]
    statistic: Callable[..., float]
    replicate: Callable[..., None]
    undefined: Callable[[Floats, Floats], str | None]

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
        arrays = self.prepare(prediction, truth, np.arange(n), n)
        return float(self.statistic(np.ones(n, dtype=np.int32), *arrays)), None

    def replicates(
        self, prediction: Floats, truth: Floats, clusters: Integers, n: int, seed: int
    ) -> Floats:
        """Compute the metric of `n` bootstrap replicates.

        Parameters
        ----------
        prediction, truth : ndarray of float64, shape (n_items,)
        clusters : ndarray of int64, shape (n_items,)
            Cluster of each item, numbered from 0 without gaps; clusters are what is drawn.
        n : int
            Number of replicates.
        seed : int
            Replicate ``b`` depends on `seed`, ``b`` and the number of clusters alone.

        Returns
        -------
        ndarray of float64, shape (n,)
            NaN where a replicate leaves the metric undefined.
        """
        n_clusters = int(clusters.max()) + 1
        arrays = self.prepare(prediction, truth, clusters, n_clusters)
        out = np.empty(n)
        self.replicate(out, np.uint64(seed), np.empty(n_clusters, dtype=np.int32), *arrays)
        return out


def metric(name: str) -> Metric:
    """Look a metric up by its name in a Result."""
    if name not in METRICS:
        raise UnknownNameError("metric", name, METRICS)
    return METRICS[name]


def _tie_ends(values: Floats) -> Integers:
    """Give one past the last position of each run of equal values in a sorted array."""
    return np.append(np.flatnonzero(values[1:] != values[:-1]) + 1, values.size)


def _cluster_sums(columns: list[Floats], cluster: Integers, n_clusters: int) -> Floats:
    return np.column_stack([np.bincount(cluster, column, n_clusters) for column in columns])


def _prepare_pearson(
    x: Floats, y: Floats, cluster: Integers, n_clusters: int
) -> tuple[Floats, Floats]:
    # Centring first keeps the sums of squares from cancelling.
    x, y = x - x.mean(), y - y.mean()
    sums = _cluster_sums([np.ones_like(x), x, y, x * x, y * y, x * y], cluster, n_clusters)
    return sums, np.array([x @ x, y @ y]) / x.size * 1e-13


def _prepare_spearman(x: Floats, y: Floats, cluster: Integers, n_clusters: int) -> tuple[Any, ...]:
    order = np.argsort(x, kind="stable")
    x, y, cluster = x[order], y[order], cluster[order]
    y_order = np.argsort(y, kind="stable")
    return cluster, _tie_ends(x), y_order, _tie_ends(y[y_order]), np.empty(x.size)


def _prepare_mse(x: Floats, y: Floats, cluster: Integers, n_clusters: int) -> tuple[Floats]:
    return (_cluster_sums([np.ones_like(x), (x - y) ** 2], cluster, n_clusters),)


def _prepare_auroc(x: Floats, y: Floats, cluster: Integers, n_clusters: int) -> tuple[Any, ...]:
    order = np.argsort(x, kind="stable")
    return cluster[order], y[order] > 0.5, _tie_ends(x[order])


def _prepare_average_precision(
    x: Floats, y: Floats, cluster: Integers, n_clusters: int
) -> tuple[Any, ...]:
    return _prepare_auroc(-x, y, cluster, n_clusters)


def _undefined_correlation(prediction: Floats, truth: Floats) -> str | None:
    if prediction.size < 3:
        return f"fewer than 3 items ({prediction.size})"
    if np.ptp(prediction) == 0:
        return "constant prediction"
    if np.ptp(truth) == 0:
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
    if np.ptp(prediction) == 0:
        return "constant prediction"
    return None


METRICS: dict[str, Metric] = {
    each.name: each
    for each in (
        Metric(
            "pearson",
            "higher",
            _prepare_pearson,
            kernels.pearson,
            kernels.replicate_pearson,
            _undefined_correlation,
        ),
        Metric(
            "spearman",
            "higher",
            _prepare_spearman,
            kernels.spearman,
            kernels.replicate_spearman,
            _undefined_correlation,
        ),
        Metric("mse", "lower", _prepare_mse, kernels.mse, kernels.replicate_mse, _undefined_error),
        Metric(
            "auroc",
            "higher",
            _prepare_auroc,
            kernels.auroc,
            kernels.replicate_auroc,
            _undefined_classification,
        ),
        Metric(
            "average_precision",
            "higher",
            _prepare_average_precision,
            kernels.average_precision,
            kernels.replicate_average_precision,
            _undefined_classification,
        ),
    )
}
