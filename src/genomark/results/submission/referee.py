"""Scores of predictions against hidden labels, on one share of the test set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.results.submission.hidden import HiddenTruth
from genomark.results.submission.ladder import rounded
from genomark.results.submission.receipt import Figure
from genomark.scoring import REPLICATES, MetricRow, metric
from genomark.scoring.intervals import interval, method, resting_on
from genomark.scoring.ordinal import ordinal_spearman

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One metric with its replicates.

    Attributes
    ----------
    group : str or None
        Label; None is the mean over labels, or the only one.
    drawn : ndarray of float64, shape (replicates,)
        Paired with those of every other submission.
    rests_on : float
        Clusters that it is known from: fewer than there are where one of two classes is rare.
    """

    name: str
    group: str | None
    value: float | None
    drawn: Floats
    n: int
    n_clusters: int
    rests_on: float

    def figure(self, step: float) -> Figure | None:
        """Round to what may be told before the end; None where undefined."""
        return None if self.value is None else Figure(self.name, rounded(self.value, step))

    def row(self) -> MetricRow:
        """Write as a Result has it, not rounded."""
        found = None
        if self.value is not None:
            found = interval(self.name, self.value, self.drawn, self.rests_on, items=self.n)
        return MetricRow(
            name=self.name,
            group=self.group,
            value=self.value,
            reason_if_null=None if self.value is not None else "constant prediction",
            interval=found,
            method=method(self.name, REPLICATES, "clusters"),
            n=self.n,
            n_clusters=self.n_clusters,
        )


@dataclass(frozen=True)
class _Share:
    """Items of one share, clusters numbered so that each label's replicates draw the same ones."""

    rows: NDArray[np.int64]
    clusters: NDArray[np.int64]


class Referee:
    """Scores predictions.

    Parameters
    ----------
    hidden : HiddenTruth
    labels : tuple of str
    seed : int
        Of the bootstrap.
    threads : int
        No number depends on it.
    """

    def __init__(
        self, hidden: HiddenTruth, labels: tuple[str, ...], seed: int, threads: int = 1
    ) -> None:
        self._hidden = hidden
        self._labels = labels
        self._seed = seed
        self._threads = threads
        self._shares = {
            private: _share(hidden, np.flatnonzero(hidden.private == private))
            for private in (False, True)
        }

    def scores(self, prediction: Floats, *, private: bool) -> list[Score]:
        """Score one share; the first of the list is the headline.

        Parameters
        ----------
        prediction : ndarray of float64, shape (n, n_labels)
            Of all items.
        private : bool
            Which share; nothing depends on the labels of the other.

        Returns
        -------
        list of Score
            `spearman` (of several labels their mean, `mean_spearman`, then each), and of binary
            labels `auroc` likewise.
        """
        names = ["spearman", *(["auroc"] if self._hidden.is_binary else [])]
        return [each for name in names for each in self._scores(name, prediction, private)]

    def headline(self, prediction: Floats, *, private: bool) -> Score:
        """Give the first of `scores` alone, which is all that is told before the end."""
        return self._scores("spearman", prediction, private)[0]

    def _scores(self, name: str, prediction: Floats, private: bool) -> list[Score]:
        each = [self._score(name, prediction, label, private) for label in self._numbers]
        return [_mean(name, each), *each] if len(each) > 1 else each

    @property
    def _numbers(self) -> range:
        return range(len(self._labels))

    def _score(self, name: str, prediction: Floats, label: int, private: bool) -> Score:
        share = self._shares[private]
        truth = self._hidden.truth[share.rows, label]
        told = np.isfinite(truth)
        clusters = share.clusters[told]
        x, y = prediction[share.rows[told], label], truth[told]
        if name == "spearman":
            value, drawn, _ = ordinal_spearman(
                x, y, clusters, seed=self._seed, replicates=REPLICATES, threads=self._threads
            )
        else:
            measure = metric(name)
            value, _ = measure.value(x, y)
            drawn = np.full(REPLICATES, np.nan)
            if value is not None:
                drawn = measure.replicates(x, y, clusters, REPLICATES, self._seed)
        group = self._labels[label] if len(self._labels) > 1 else None
        n_clusters = int(np.unique(clusters).size)
        rests_on = n_clusters if name == "spearman" else resting_on(y > 0.5, clusters)
        return Score(name, group, value, drawn, int(told.sum()), n_clusters, rests_on)


def _share(hidden: HiddenTruth, rows: NDArray[np.int64]) -> _Share:
    """Number the clusters of a share; the last is one in which every label is told of something.

    How many clusters are drawn follows from the largest number: so it is the same for all labels,
    and the replicates of their mean are paired.
    """
    names, clusters = np.unique(hidden.clusters[rows], return_inverse=True)
    told = np.isfinite(hidden.truth[rows])
    everywhere = np.ones(names.size, bool)
    for label in range(told.shape[1]):
        everywhere &= np.bincount(clusters[told[:, label]], minlength=names.size) > 0
    if not everywhere.any():
        raise UsageError("No cluster has truths of every label, so that they cannot be averaged")
    last = int(np.flatnonzero(everywhere)[-1])
    swapped = np.arange(names.size)
    swapped[[last, -1]] = swapped[[-1, last]]
    return _Share(rows, swapped[clusters].astype(np.int64))


def _mean(name: str, each: list[Score]) -> Score:
    values = [score.value for score in each if score.value is not None]
    value = float(np.mean(values)) if len(values) == len(each) else None
    drawn: Floats = np.mean([score.drawn for score in each], axis=0)
    most = max(score.n_clusters for score in each)
    n = sum(score.n for score in each)
    return Score(f"mean_{name}", None, value, drawn, n, most, most)
