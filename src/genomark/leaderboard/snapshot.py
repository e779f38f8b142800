"""A store of results at one moment, as arrays: what all pages of the board are drawn from."""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple, TypeVar

import msgspec

from genomark.leaderboard.column_scores import ColumnScores, Drawn, fingerprint
from genomark.leaderboard.sized_cache import SizedCache
from genomark.leaderboard.slugs import ALL_DIGITS, slugs_of, version_slug
from genomark.leaderboard.suites import suite_names, suites_of
from genomark.leaderboard.views import Column, ModelName
from genomark.results.store import Column as StoreColumn
from genomark.results.store import Entry, Store
from genomark.results.store.entry import newest_of_each

T = TypeVar("T")
#: Who answered: owner and id.
Model = tuple[str, str]


class BoardColumn(NamedTuple):
    """A column with its name on the board.

    Attributes
    ----------
    view : Column
    scores : ColumnScores
    suites : tuple of str
    models : dict of (str, str) to int
        Place of each model among the entries.
    """

    view: Column
    scores: ColumnScores
    suites: tuple[str, ...]
    models: dict[Model, int]


class Snapshot:
    """A store at one moment; nothing of it changes, and threads share it.

    Attributes
    ----------
    generation : int
        Of the store, when it was read.
    results : int
        All attempts that are not withdrawn.
    updated : str or None
        When the last one was added.
    columns : dict of str to BoardColumn
        By slug, in the order of suites, then of ids; of a benchmark the newest version first.
    newest : list of BoardColumn
        Of each benchmark the newest version.
    models : dict of (str, str) to ModelName
        By owner and id.
    """

    def __init__(
        self,
        generation: int,
        attempts: list[Entry],
        columns: dict[StoreColumn, ColumnScores],
        newest_first: list[StoreColumn],
    ) -> None:
        self.generation = generation
        counted = [each for each in attempts if each.withdrawn is None]
        self.results = len(counted)
        self.updated = max((each.added for each in counted), default=None)
        slugs = slugs_of((each.owner, each.model_id) for each in attempts)
        self.models = {
            (owner, id): ModelName(slugs[owner, id], id, owner)
            for owner, id in dict.fromkeys((each.owner, each.model_id) for each in counted)
        }
        self._benchmark_slugs = slugs_of(("", each.benchmark_id) for each in attempts)
        named = [
            each for group in _by_benchmark(columns, newest_first) for each in self._named(group)
        ]
        order = {name: place for place, name in enumerate(suite_names())}
        named.sort(key=lambda each: (order[each.view.suite], each.view.id))
        self.columns = {each.view.slug: each for each in named}
        self.newest = [each for each in named if each.view.newest]
        self._by_slug = {each.slug: model for model, each in self.models.items()}
        shown = {each.id for each in _entries(self.columns.values())}
        self._behind = [each for each in counted if each.id not in shown]
        self._made: dict[Hashable, object] = {}
        self._lock = threading.Lock()

    def model_of(self, slug: str) -> Model | None:
        """Find a model by its slug."""
        return self._by_slug.get(slug)

    def within(self, standing: str | None) -> Snapshot:
        """Give the board in which the newest result of a standing stands for each model with one.

        A later result of another standing does not hide it. Models without any stay as they are.
        """
        if standing is None:
            return self
        others = self.once(("others", standing), lambda: self._others(standing))
        # Never kept by itself: what refers to itself is freed late, or not at all.
        return self.once(("within", standing), lambda: self._within(others)) if others else self

    def _others(self, standing: str) -> dict[str, Entry]:
        """What stands instead, by the id of what stands now."""
        asked = {_who(each): each for each in self._behind if each.standing == standing}
        return {
            each.id: msgspec.structs.replace(asked[_who(each)], attempts=each.attempts)
            for each in _entries(self.columns.values())
            if each.standing != standing and _who(each) in asked
        }

    def _within(self, others: dict[str, Entry]) -> Snapshot:
        found = copy.copy(self)
        found.columns = {slug: _exchanged(each, others) for slug, each in self.columns.items()}
        found.newest = [each for each in found.columns.values() if each.view.newest]
        found._made, found._lock = {}, threading.Lock()
        return found

    def suites(self) -> dict[str, list[BoardColumn]]:
        """List the newest columns of each suite that has any."""
        found: dict[str, list[BoardColumn]] = defaultdict(list)
        for column in self.newest:
            for suite in column.suites:
                found[suite].append(column)
        return {name: found[name] for name in suite_names() if name in found}

    def versions(self, benchmark: str) -> list[BoardColumn]:
        """List all columns of a benchmark, the newest first."""
        return [each for each in self.columns.values() if each.view.id == benchmark]

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Make something that depends on nothing but this snapshot; the second time it is there."""
        with self._lock:
            found = self._made.get(key)
        if found is None:
            found = make()
            with self._lock:
                found = self._made.setdefault(key, found)
        return found  # type: ignore[return-value]

    def _named(self, group: list[ColumnScores]) -> list[BoardColumn]:
        """Name the columns of one benchmark; the newest first."""
        slug = self._benchmark_slugs["", group[0].column.benchmark]
        taken: set[str] = set()
        found = []
        for place, scores in enumerate(group):
            own = scores.column
            name = slug
            if place:
                told = slug, own.version, own.digest, own.limit
                name = version_slug(*told)
                name = version_slug(*told, digits=ALL_DIGITS) if name in taken else name
            taken.add(name)
            found.append(_board_column(name, scores, newest=not place))
        return found


def read_snapshot(store: Store, before: Snapshot | None, kept: SizedCache[list[Drawn]]) -> Snapshot:
    """Read a store; columns without a change are those of the snapshot before.

    Parameters
    ----------
    store : Store
    before : Snapshot, optional
    kept : SizedCache
        Of replicates.

    Raises
    ------
    GenomarkError
        If the store cannot be read.
    """
    # Read first: what is added meanwhile belongs to a later generation, and is read again then.
    generation = store.generation
    attempts = store.entries(every=True)
    newest_first = [each.column for each in store.columns()]
    known = {} if before is None else {
        each.scores.column: each.scores for each in before.columns.values()
    }  # fmt: skip
    listed = frozenset(newest_first)
    grouped: dict[StoreColumn, list[Entry]] = defaultdict(list)
    for each in newest_of_each(attempts):
        # What came between the two readings is read again with the next generation.
        if each.column in listed:
            grouped[each.column].append(each)
    columns = {}
    for column, entries in grouped.items():
        scores = known.get(column)
        if scores is None or scores.fingerprint != fingerprint(entries):
            scores = ColumnScores(column, entries, store.replicates, kept)
        columns[column] = scores
    return Snapshot(generation, attempts, columns, newest_first)


def _by_benchmark(
    columns: dict[StoreColumn, ColumnScores], newest_first: list[StoreColumn]
) -> Iterable[list[ColumnScores]]:
    """Put the columns of each benchmark together, the newest first.

    Anybody may report a version that nobody else knows: such a column is behind those in which
    something was verified, or is the board's own.
    """
    found: dict[str, list[ColumnScores]] = defaultdict(list)
    for column in newest_first:
        # All of a column may be withdrawn.
        if column in columns:
            found[column.benchmark].append(columns[column])
    for group in found.values():
        group.sort(key=lambda scores: not any(map(_is_trusted, scores.entries)))
    return found.values()


def _entries(columns: Iterable[BoardColumn]) -> Iterable[Entry]:
    return (entry for column in columns for entry in column.scores.entries)


def _who(entry: Entry) -> tuple[StoreColumn, str, str]:
    return entry.column, entry.owner, entry.model_id


def _exchanged(column: BoardColumn, others: dict[str, Entry]) -> BoardColumn:
    if not any(each.id in others for each in column.scores.entries):
        return column
    scores = column.scores.exchanged(others)
    return column._replace(scores=scores, models=_places(scores))


def _places(scores: ColumnScores) -> dict[Model, int]:
    return {(each.owner, each.model_id): place for place, each in enumerate(scores.entries)}


def _is_trusted(entry: Entry) -> bool:
    return entry.standing == "verified" or not entry.owner


def _board_column(slug: str, scores: ColumnScores, *, newest: bool) -> BoardColumn:
    own, reference = scores.column, scores.reference
    suites = suites_of(own.benchmark)
    view = Column(
        slug=slug,
        id=own.benchmark,
        version=own.version,
        digest=own.digest,
        title=reference.title,
        suite=suites[0],
        limit=own.limit,
        metric=scores.metric,
        higher_is_better=scores.better != "lower",
        items=reference.asked,
        models=len(scores.entries),
        newest=newest,
    )
    return BoardColumn(view, scores, suites, _places(scores))
