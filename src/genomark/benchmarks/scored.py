"""One model's answers to a benchmark beside the truth: what numbers are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from genomark.benchmarks.asking import Asking
from genomark.scoring import Coverage, FailureCount, Headline, MetricRow

#: Columns of `Scored.items`.
ITEM_COLUMNS = {
    "item_id": pl.String,
    "group": pl.String,
    "truth": pl.Float64,
    "value": pl.Float64,
    "said": pl.String,
}


class GroupsOfPart(NamedTuple):
    """Groups that a part of the items has, where a score is a mean over groups.

    Attributes
    ----------
    items : polars.Series of Boolean
        Whether an item, of the part or not, lies in one of them; one an item.
    there : int
        How many they are: those whose items in the part are enough for a score.
    total : int
        Those with any item in the part.
    """

    items: pl.Series
    there: int
    total: int


class Scored(ABC):
    """Answers of one model to the items that were asked, in the order of the items."""

    @property
    @abstractmethod
    def reasons(self) -> pl.Series:
        """Why an item has no answer, String, one an item."""

    @property
    @abstractmethod
    def answered(self) -> pl.Series:
        """Whether an item has an answer, Boolean, one an item."""

    @property
    def compared(self) -> pl.Series:
        """Whether two models can be compared on an item, as far as this one goes."""
        return self.answered

    @abstractmethod
    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute every metric."""

    @abstractmethod
    def headline(self, asking: Asking, shared: pl.Series) -> Headline:
        """Compute the first metric and its replicates on some of the items that are `compared`."""

    def part(self, asking: Asking, chosen: pl.Series) -> tuple[Headline, int]:
        """Compute the headline on a part of the items that are `compared`.

        Returns
        -------
        headline : Headline
            Its replicates pair with those of `headline` on all that is compared where both have
            the same number of clusters.
        clusters : int
            Those of which the part has an item.
        """
        found = self.headline(asking, chosen)
        return found, found.clusters

    def groups_of(self, chosen: pl.Series) -> GroupsOfPart | None:
        """Tell over which groups the mean of a part is; None where the headline is none of groups.

        The headline of `part` is then that over these groups alone.
        """
        return None

    def items(self) -> pl.DataFrame | None:
        """Give truth and answer of each item to look at.

        Returns
        -------
        polars.DataFrame or None
            `ITEM_COLUMNS`: one row an item and label (`group`, empty where there is one), `value`
            a mean over fits, `said` in words where the answer is no number. None where the truth
            is hidden, or is no number a label.
        """
        return None

    def coverage(self) -> Coverage:
        """Count items and the reasons why some have no answer."""
        answered = self.answered
        told = self.reasons.filter(~answered).fill_null("no reason given").alias("reason")
        counts = told.value_counts().sort(["count", "reason"], descending=[True, False])
        return Coverage(
            asked=len(answered),
            answered=int(answered.sum()),
            failed=[
                FailureCount(reason=row["reason"], items=row["count"])
                for row in counts.iter_rows(named=True)
            ],
        )


def item_table(
    ids: Sequence[str],
    labels: Sequence[str],
    truth: ArrayLike,
    value: ArrayLike,
    said: Sequence[str | None] | None = None,
) -> pl.DataFrame:
    """Write tables of numbers as `Scored.items` does; NaN is null.

    Parameters
    ----------
    ids : sequence of str, length n
    labels : sequence of str, length k
        Not told where there is one alone.
    truth, value : array_like of float, shape (n, k) or (n * k,)
    said : sequence of str or None, length n, optional
    """
    width = len(labels)
    names = labels if width > 1 else [""] * width
    return pl.DataFrame(
        {
            "item_id": np.repeat(np.asarray(ids, dtype=object), width),
            "group": list(names) * len(ids),
            "truth": np.asarray(truth, dtype=np.float64).ravel(),
            "value": np.asarray(value, dtype=np.float64).ravel(),
            "said": None if said is None else np.repeat(np.asarray(said, dtype=object), width),
        },
        schema=ITEM_COLUMNS,
        nan_to_null=True,
    )
