"""What all models of a column say of every item, as one matrix."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import GenomarkError, one_line
from genomark.leaderboard.column_scores import ColumnScores
from genomark.leaderboard.sized_cache import SizedCache
from genomark.results.store import Entry, Store

logger = logging.getLogger("genomark.leaderboard")

#: Bytes of the matrices that are kept.
MOST = 256 << 20
_KEY = ["item_id", "group"]


class Answers(NamedTuple):
    """Answers of a column: a row an item and label, a column a model.

    Attributes
    ----------
    items, groups : polars.Series of String
        Of each row.
    truth : ndarray of float64, shape (rows,)
        NaN where unknown.
    values : ndarray of float32, shape (rows, models)
        NaN where there is none.
    said : list of polars.Series or None
        Answers in words, of models that gave any.
    places : list of int
        Of the models among the entries of the column.
    """

    items: pl.Series
    groups: pl.Series
    truth: NDArray[np.float64]
    values: NDArray[np.float32]
    said: list[pl.Series | None]
    places: list[int]

    @property
    def ids(self) -> pl.Series:
        """Each item once, in order."""
        return self.items.unique(maintain_order=True)

    def rows_of(self, item: str) -> list[int]:
        """Rows of an item; none if there is no such item."""
        rows: list[int] = (self.items == item).arg_true().to_list()
        return rows


class AnswersOfColumns:
    """Matrices by column; those asked for lately are kept.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: SizedCache[Answers] = SizedCache(MOST, _bytes_of)

    def of(self, scores: ColumnScores, places: Iterable[int] | None = None) -> Answers | None:
        """Give the matrix of a column; None where no items are kept.

        Parameters
        ----------
        scores : ColumnScores
        places : iterable of int, optional
            Of the entries that are needed: the files of a few are read faster than all.
        """
        if not has_items(scores):
            return None
        key = scores.column, scores.fingerprint
        found = self._kept.get(key)
        if found is None and places is not None:
            few = tuple(sorted(places))
            found = self._kept.of((*key, few), lambda: self._read(scores, few))
        elif found is None:
            found = self._kept.put(key, self._read(scores, range(len(scores.entries))))
        return found if found.places else None

    def _read(self, scores: ColumnScores, asked: Sequence[int]) -> Answers:
        keys, truth, values, said, places = None, np.empty(0), [], [], []
        for place in asked:
            given = self._items(scores.entries[place])
            if given is None:
                continue
            if keys is None:
                keys = given.select(_KEY)
                truth = _floats(given["truth"])
            elif not given.select(_KEY).equals(keys):
                given = keys.join(given, _KEY, "left", maintain_order="left")
            values.append(_floats(given["value"]).astype(np.float32))
            words = given["said"]
            said.append(None if words.null_count() == len(words) else words.cast(pl.Categorical))
            places.append(place)
        if keys is None:
            empty = pl.Series([], dtype=pl.String)
            return Answers(empty, empty, truth, np.empty((0, 0), np.float32), [], [])
        matrix = np.column_stack(values)
        return Answers(keys["item_id"], keys["group"], truth, matrix, said, places)

    def _items(self, entry: Entry) -> pl.DataFrame | None:
        """Read the items of one result; what cannot be read is left out, so that others show."""
        if entry.items is None:
            return None
        try:
            given = self._store.items(entry.id)
        except GenomarkError as error:
            logger.warning("items of %s: %s", entry.id, one_line(error))
            return None
        return None if given is None else given.unique(_KEY, keep="first", maintain_order=True)


def has_items(scores: ColumnScores) -> bool:
    """Whether single items of a column can be looked at."""
    return any(each.items is not None for each in scores.entries)


def shortest(value: np.float32) -> float | None:
    """Give a number with no more digits than float32 has; None for what is undefined."""
    return float(str(value)) if np.isfinite(value) else None


def _floats(column: pl.Series) -> NDArray[np.float64]:
    found: NDArray[np.float64] = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return found


def _bytes_of(answers: Answers) -> int:
    words = sum(each.estimated_size() for each in answers.said if each is not None)
    ids = answers.items.estimated_size() + answers.groups.estimated_size()
    return int(answers.values.nbytes + answers.truth.nbytes + words + ids)
