"""Two to five models side by side: over columns, and item by item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError, one_line
from genomark.leaderboard.across import SEED, Across
from genomark.leaderboard.answers import Answers, shortest
from genomark.leaderboard.benchmark_view import pairs_of
from genomark.leaderboard.board import Board
from genomark.leaderboard.lines import score_of
from genomark.leaderboard.query import Query
from genomark.leaderboard.snapshot import BoardColumn, Model, Snapshot
from genomark.leaderboard.suite_view import task_pairs
from genomark.leaderboard.views import Compare, Compared, ModelName, Point, TaskPair

#: Items of a scatter plot, and of the table of those on which models differ most.
SAMPLE, DIFFERING = 2000, 25


def compare(board: Board, snapshot: Snapshot, query: Query) -> Compare:
    """Compare models; with fewer than two, say only who they are.

    Raises
    ------
    UsageError
        If a model or the benchmark is not known.
    """
    models = [_model(snapshot, slug) for slug in query.models]
    shared = [each for each in snapshot.newest if sum(model in each.models for model in models) > 1]
    chosen = _chosen(snapshot, query.benchmark, shared, models)
    sample, differing = [], []
    answers, columns = _answers(board, chosen, models)
    if answers is not None and sum(each is not None for each in columns) > 1:
        values = _values(answers, columns)
        sample = _points(answers, values, _drawn(values))
        differing = _points(answers, values, most_differing(values))
    return Compare(
        models=[snapshot.models[each] for each in models],
        columns=[_compared(snapshot, each, models) for each in shared],
        chosen=None if chosen is None else chosen.view,
        sample=sample,
        differing=differing,
        across=_across(snapshot, shared, models),
        available=available(snapshot),
    )


def compare_anything(snapshot: Snapshot) -> Compare:
    """Make the page on which nothing is chosen yet, and a script finds the pairs of any column."""
    columns = [Compared(each.view, [], []) for each in snapshot.newest]
    return Compare([], columns, None, [], [], [], available(snapshot))


def available(snapshot: Snapshot) -> list[ModelName]:
    """Name all models, in order of their ids."""
    return sorted(snapshot.models.values(), key=lambda each: (each.id.casefold(), each.slug))


def most_differing(values: NDArray[np.float64], most: int = DIFFERING) -> NDArray[np.int64]:
    """Find the rows on which models differ most, those that differ more first.

    Models may answer on scales of their own. So each model's answers are taken from their mean in
    units of their own standard deviation; an item counts by the range of these over models.

    Parameters
    ----------
    values : ndarray of float64, shape (rows, models)
        NaN where there is no answer; rows with fewer than two are left out.
    most : int
    """
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / counts
    centred = np.where(known, values - mean, np.nan)
    spread = np.sqrt(np.where(known, centred**2, 0.0).sum(axis=0) / counts)
    standard = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    usable = np.flatnonzero(known.sum(axis=1) > 1)
    top = np.where(known, standard, -np.inf)[usable].max(axis=1)
    bottom = np.where(known, standard, np.inf)[usable].min(axis=1)
    order = np.argsort(bottom - top, kind="stable")[:most]
    found: NDArray[np.int64] = usable[order]
    return found


def _model(snapshot: Snapshot, slug: str) -> Model:
    found = snapshot.model_of(slug)
    if found is None:
        raise UsageError(f"models names '{one_line(slug)}', and there is no such model here")
    return found


def _chosen(
    snapshot: Snapshot, slug: str, shared: Sequence[BoardColumn], models: Sequence[Model]
) -> BoardColumn | None:
    """Choose the column whose items are shown: the one asked for, or the first that can be."""
    if slug:
        if slug not in snapshot.columns:
            raise UsageError(f"benchmark is '{one_line(slug)}', and there is no such one here")
        return snapshot.columns[slug]
    for column in shared:
        places = [column.models[model] for model in models if model in column.models]
        if sum(column.scores.entries[place].items is not None for place in places) > 1:
            return column
    return None


def _answers(
    board: Board, column: BoardColumn | None, models: Sequence[Model]
) -> tuple[Answers | None, list[int | None]]:
    """Read what models say of items, and say which column of it each is; None for the others."""
    if column is None:
        return None, []
    places = [column.models.get(model, -1) for model in models]
    answers = board.answers.of(column.scores, [each for each in places if each >= 0])
    if answers is None:
        return None, []
    by_place = {place: number for number, place in enumerate(answers.places)}
    return answers, [by_place.get(place) for place in places]


def _values(answers: Answers, columns: Sequence[int | None]) -> NDArray[np.float64]:
    nothing = np.full(len(answers.truth), np.nan)
    return np.column_stack(
        [nothing if each is None else answers.values[:, each] for each in columns]
    ).astype(np.float64)


def _drawn(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw rows to show, in their order."""
    usable = np.flatnonzero(np.isfinite(values).sum(axis=1) > 1)
    if len(usable) > SAMPLE:
        usable = np.sort(np.random.default_rng(SEED).choice(usable, SAMPLE, replace=False))
    return usable


def _points(answers: Answers, values: NDArray[np.float64], rows: NDArray[np.int64]) -> list[Point]:
    items, groups = answers.items.gather(rows).to_list(), answers.groups.gather(rows).to_list()
    truth = [float(each) if np.isfinite(each) else None for each in answers.truth[rows]]
    given = [[shortest(each) for each in row] for row in values[rows].astype(np.float32)]
    return [Point(*each) for each in zip(items, groups, truth, given, strict=True)]


def _compared(snapshot: Snapshot, column: BoardColumn, models: Sequence[Model]) -> Compared:
    scores = [score_of(snapshot, column, model) for model in models]
    places = [column.models[model] for model in models if model in column.models]
    comparable = [each for each in places if column.scores.comparable[each]]
    return Compared(column.view, scores, pairs_of(snapshot, column, comparable))


def _across(
    snapshot: Snapshot, columns: Sequence[BoardColumn], models: Sequence[Model]
) -> list[TaskPair]:
    """Test these models over columns, adjusted for these pairs alone."""
    if len(models) < 2:
        return []
    across = Across(columns, models=models)
    return task_pairs(across, [snapshot.models[each].slug for each in across.models])
