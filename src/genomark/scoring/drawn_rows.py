"""Rows of metrics that are means and medians over items, drawn by what is the same."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.scoring.intervals import REPLICATES, interval, method
from genomark.scoring.label_replicates import Draws
from genomark.scoring.records import MetricRow
from genomark.scoring.score import Headline

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class DrawnRows:
    """Makes rows: the same items are drawn for all metrics and all models.

    Parameters
    ----------
    names : sequence of hashable
        What each item is; items of one name are drawn together.
    items : str
        What they are, in the plural, for people.
    seed : int
        Of the bootstrap.

    Attributes
    ----------
    weights : ndarray of float64, shape (replicates + 1, n)
        How often each item is drawn; once in the first row.
    """

    def __init__(self, names: Sequence[Hashable], items: str, seed: int) -> None:
        numbers: dict[Hashable, int] = {}
        self._clusters = np.array(
            [numbers.setdefault(each, len(numbers)) for each in names], dtype=np.int64
        )
        self._items = items
        draws = Draws.of(self._clusters, seed, REPLICATES)
        counts = np.stack([draws.counts(column)[:-1] for column in range(draws.columns)])
        self.weights = counts[:, self._clusters].astype(np.float64)

    def mean(
        self,
        name: str,
        values: Flags | Floats,
        chosen: Flags,
        *,
        group: str | None = None,
        reason: str | None = None,
    ) -> MetricRow:
        """Average over the chosen items; undefined, for `reason`, where there are none."""
        columns = self._means(values, chosen) if chosen.any() else None
        return self.row(name, columns, chosen, group=group, reason=reason)

    def median(
        self, name: str, values: Floats, chosen: Flags, *, unit: str, reason: str | None = None
    ) -> MetricRow:
        """Take the median over the chosen items; undefined, for `reason`, where there are none."""
        if not chosen.any():
            return self.row(name, None, chosen, reason=reason, unit=unit)
        weights, kept = self.weights[:, chosen].astype(np.int64), values[chosen]
        columns = np.array(
            [np.median(np.repeat(kept, each)) if each.any() else np.nan for each in weights]
        )
        return self.row(name, columns, chosen, unit=unit)

    def headline(self, values: Flags) -> Headline:
        """Give a mean over all items and its replicates."""
        columns = self._means(values, np.ones(values.size, dtype=np.bool_))
        return Headline.of(columns[0], columns[1:], np.unique(self._clusters).size)

    def row(
        self,
        name: str,
        columns: Floats | None,
        chosen: Flags,
        *,
        group: str | None = None,
        reason: str | None = None,
        unit: str | None = None,
    ) -> MetricRow:
        """Make a row of a value and its replicates, or of the reason why there is none."""
        clusters = np.unique(self._clusters[chosen]).size
        items = int(chosen.sum())
        found = None
        if columns is not None:
            found = interval(name, float(columns[0]), columns[1:], clusters, items=items)
        return MetricRow(
            name=name,
            group=group,
            value=None if columns is None else float(columns[0]),
            reason_if_null=reason if columns is None else None,
            interval=found,
            method=method(name, REPLICATES, self._items),
            n=items,
            n_clusters=int(clusters),
            unit=unit,
        )

    def _means(self, values: Flags | Floats, chosen: Flags) -> Floats:
        weights = self.weights[:, chosen]
        drawn = weights.sum(axis=1)
        # A replicate may hold none of them: 0 / 0, which is left out.
        with np.errstate(invalid="ignore"):
            means: Floats = weights @ values[chosen].astype(np.float64) / drawn
        return means
