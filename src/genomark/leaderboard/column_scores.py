"""The statistics of one column: who is ahead, by how much, who is tied, and what rank that gives.

Replicates of two models are paired where both rest on the same items and were drawn alike.
Elsewhere the interval of a difference is that of two independent scores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UnknownNameError
from genomark.leaderboard.sized_cache import SizedCache
from genomark.results.store import Column, Entry, Replicates
from genomark.scoring import better
from genomark.scoring.directions import Better
from genomark.scoring.intervals import percentile_levels
from genomark.scoring.pair_matrix import LEVELS, pair_matrix, tie_matrix
from genomark.scoring.rank_ties import tie_ranks

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

#: Begins the ids of the models that mark both ends of the scale, as the board's keeper runs them.
CONTROL = "control:"
NEGATIVE, POSITIVE = "control:random", "control:oracle"


class Drawn(NamedTuple):
    """Models whose replicates are paired.

    Attributes
    ----------
    places : ndarray of int64, shape (k,)
        Of the models among the entries of the column.
    replicates : ndarray of float64, shape (k, replicates)
    clusters : int
        How many were drawn.
    items : int
        That the values rest on.
    """

    places: Integers
    replicates: Floats
    clusters: int
    items: int

    @property
    def levels(self) -> tuple[float, float]:
        """Quantiles that are the ends of an interval: further out where clusters are few."""
        return percentile_levels(self.clusters) if self.clusters > 1 else LEVELS


class Pairs(NamedTuple):
    """Models (rows) less models (columns), each of shape (k, k).

    Attributes
    ----------
    difference, low, high, superiority, standard_error : ndarray of float64
        As of `genomark.scoring.pair_matrix.PairMatrix`; no superiority and no standard error
        where the replicates are not paired.
    tied, paired : ndarray of bool
    items : ndarray of int64
        Shared by both; 0 where none are known to be.
    """

    difference: Floats
    low: Floats
    high: Floats
    superiority: Floats
    standard_error: Floats
    tied: Flags
    paired: Flags
    items: Integers


class ColumnScores:
    """Entries of one column, and what follows from them; threads share it.

    Parameters
    ----------
    column : genomark.results.store.Column
    entries : sequence of Entry
        The newest one of each owner and model.
    drawn : callable
        Gives the replicates of some of the entries, by id.
    kept : SizedCache
        Of replicates.
    reference : Entry, optional
        As below, where it is known.

    Attributes
    ----------
    entries : tuple of Entry
        Best first, as far as they can be compared; then the others.
    reference : Entry
        That says for all what ranks: the oldest that was verified, or the oldest.
    better : "higher", "lower" or None
        None where this genomark does not know the metric; then nothing is ranked.
    values, low, high : ndarray of float64, shape (m,)
        NaN where there is none.
    comparable : ndarray of bool, shape (m,)
        Has a value of the metric that ranks, and was asked here: not only published.
    ranked : ndarray of bool, shape (m,)
        Comparable, and no control.
    """

    def __init__(
        self,
        column: Column,
        entries: Iterable[Entry],
        drawn: Callable[[list[str]], dict[str, Replicates]],
        kept: SizedCache[list[Drawn]],
        reference: Entry | None = None,
    ) -> None:
        given = sorted(entries, key=lambda each: each.number)
        verified = [each for each in given if each.standing == "verified"]
        self.column = column
        self.reference = reference or (verified or given)[0]
        self.better = _better(self.reference.headline)
        self.entries = tuple(sorted(given, key=self._order))
        self.values = self._numbers([each.value for each in self.entries])
        self.low = self._numbers([each.low for each in self.entries])
        self.high = self._numbers([each.high for each in self.entries])
        self._standings = np.array([each.standing for each in self.entries])
        self.comparable: Flags = np.isfinite(self.values) & (self._standings != "published")
        self.ranked: Flags = self.comparable & [not is_control(each) for each in self.entries]
        self.fingerprint = fingerprint(given)
        self._drawn, self._kept = drawn, kept
        self._ranks: dict[str | None, tuple[Integers, Integers]] = {}

    @property
    def metric(self) -> str:
        """Name of the row that ranks."""
        return self.reference.headline

    def exchanged(self, others: Mapping[str, Entry]) -> ColumnScores:
        """Give the column with other results of some of its models, by the id of what stands now.

        What ranks, and what it is named after, stay.
        """
        entries = [others.get(each.id, each) for each in self.entries]
        return ColumnScores(self.column, entries, self._drawn, self._kept, self.reference)

    def control(self, id: str) -> float:
        """What a control scores; NaN where it was not run."""
        for place in np.flatnonzero(self.comparable):
            if self.entries[place].model_id == id and is_control(self.entries[place]):
                return float(self.values[place])
        return float("nan")

    def chosen(self, standing: str | None) -> Flags:
        """Those that rank, or those of them that have a standing."""
        if standing is None:
            return self.ranked
        chosen: Flags = self.ranked & (self._standings == standing)
        return chosen

    def ranks(self, standing: str | None = None) -> tuple[Integers, Integers]:
        """Rank by tie sets: all, or those of one standing among themselves.

        Returns
        -------
        first, last : ndarray of int64, shape (m,)
            0 of what is not ranked.
        """
        if standing not in self._ranks:
            places = np.flatnonzero(self.chosen(standing))
            first, last = np.zeros((2, len(self.entries)), dtype=np.int64)
            first[places], last[places] = tie_ranks(self.tied[np.ix_(places, places)])
            self._ranks[standing] = first, last
        return self._ranks[standing]

    @cached_property
    def tied(self) -> Flags:
        """Who is not shown to be apart from whom, shape (m, m)."""
        _, low, high = self._independent(np.arange(len(self.entries)))
        tied: Flags = ~((low > 0) | (high < 0))
        for group in self._groups():
            where = np.ix_(group.places, group.places)
            tied[where] = tie_matrix(
                self.values[group.places],
                group.replicates,
                clusters=group.clusters,
                levels=group.levels,
            )
        return tied

    @cached_property
    def pairs(self) -> Pairs:
        """Compare all entries; see `pairs_among`."""
        return self.pairs_among(np.arange(len(self.entries)))

    def pairs_among(self, places: Integers) -> Pairs:
        """Compare some entries, shape (k,); NaN, and tied, where two cannot be compared."""
        k = len(places)
        difference, low, high = self._independent(places)
        superiority, error = np.full((2, k, k), np.nan)
        paired, items = np.zeros((k, k), dtype=np.bool_), np.zeros((k, k), dtype=np.int64)
        for group in self._groups():
            _, rows, here = np.intersect1d(group.places, places, return_indices=True)
            found = pair_matrix(
                self.values[places[here]],
                group.replicates[rows],
                better=self.better or "higher",
                clusters=group.clusters,
                levels=group.levels,
            )
            block = np.ix_(here, here)
            difference[block], low[block], high[block] = found[:3]
            superiority[block], error[block] = found.superiority, found.standard_error
            paired[block], items[block] = True, group.items
        tied = self.tied[np.ix_(places, places)]
        return Pairs(difference, low, high, superiority, error, tied, paired, items)

    def places(self, standing: str | None = None) -> Floats:
        """Place of each among the ranked: 0 for the worst value, 1 for the best; NaN of others.

        Equal values share the mean of their places.
        """
        chosen = self.chosen(standing)
        found = np.full(len(self.entries), np.nan)
        n = int(chosen.sum())
        if n > 1:
            values = self.values[chosen] * (-1 if self.better == "lower" else 1)
            behind = (values[:, np.newaxis] > values).sum(axis=1)
            ahead = (values[:, np.newaxis] < values).sum(axis=1)
            found[chosen] = (n - 1 + behind - ahead) / (2 * (n - 1))
        return found

    def _numbers(self, given: Sequence[float | None]) -> Floats:
        """Numbers of those that are about the metric that ranks."""
        own = [each.headline == self.metric and self.better is not None for each in self.entries]
        return np.array(
            [
                np.nan if number is None or not of_it else number
                for number, of_it in zip(given, own, strict=True)
            ],
            dtype=np.float64,
        )

    def _order(self, entry: Entry) -> tuple[bool, float, str, str]:
        value = entry.value
        if (
            entry.standing == "published"
            or value is None
            or self.better is None
            or entry.headline != self.metric
        ):
            return True, 0.0, entry.model_id, entry.owner
        return False, -value if self.better == "higher" else value, entry.model_id, entry.owner

    def _independent(self, places: Integers) -> tuple[Floats, Floats, Floats]:
        """Differences of some scores as if each came from items of its own.

        The interval is made of the two intervals ("MOVER"; Zou and Donner 2008, doi
        10.1002/sim.3095), as it need not be symmetric.
        """
        known = np.where(self.comparable, self.values, np.nan)[places]
        down, up = known - self.low[places], self.high[places] - known
        difference = known[:, np.newaxis] - known
        low = difference - np.hypot(down[:, np.newaxis], up)
        high = difference + np.hypot(up[:, np.newaxis], down)
        return difference, low, high

    def _groups(self) -> list[Drawn]:
        return self._kept.of((self.column, self.fingerprint), self._read_groups)

    def _read_groups(self) -> list[Drawn]:
        """Put together the models whose replicates are paired."""
        asked = {self.entries[place].id: int(place) for place in np.flatnonzero(self.comparable)}
        alike: dict[tuple[object, ...], list[tuple[int, Replicates]]] = defaultdict(list)
        for id, each in self._drawn(list(asked)).items():
            entry = self.entries[asked[id]]
            drawn = (each.method, entry.seed, each.clusters, each.drawn.shape)
            if each.drawn.ndim == 1:
                alike[(*drawn, each.compared.tobytes())].append((asked[id], each))
        return [
            Drawn(
                np.array([place for place, _ in members], dtype=np.int64),
                np.stack([each.drawn for _, each in members]),
                members[0][1].clusters,
                int(members[0][1].compared.sum()),
            )
            for members in alike.values()
            if len(members) > 1
        ]


def is_control(entry: Entry) -> bool:
    """Whether an entry is a control of the board's keeper; a stranger's name is only a name."""
    return not entry.owner and entry.model_id.startswith(CONTROL)


def fingerprint(entries: Iterable[Entry]) -> frozenset[tuple[str, str, int]]:
    """Tell whether a column is as it was."""
    return frozenset((each.id, each.standing, each.attempts) for each in entries)


def bytes_of(groups: list[Drawn]) -> int:
    """Bytes of replicates."""
    return sum(each.replicates.nbytes for each in groups)


def _better(metric: str) -> Better | None:
    try:
        return better(metric)
    except UnknownNameError:
        return None
