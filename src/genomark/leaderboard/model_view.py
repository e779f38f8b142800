"""The page of a model: where it stands on each benchmark, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from genomark.leaderboard.across import number
from genomark.leaderboard.benchmark_view import cost_of
from genomark.leaderboard.board import Board
from genomark.leaderboard.column_scores import NEGATIVE, POSITIVE
from genomark.leaderboard.details import UNKNOWN, Detail
from genomark.leaderboard.front_view import across_of, columns_asked
from genomark.leaderboard.lines import line_of, score_of
from genomark.leaderboard.query import Query, sort_of
from genomark.leaderboard.snapshot import BoardColumn, Snapshot
from genomark.leaderboard.views import Cost, Model, ModelScore
from genomark.results.store import Entry


class _Row(NamedTuple):
    column: BoardColumn
    entry: Entry
    shown: ModelScore
    place: int


def model(board: Board, snapshot: Snapshot, slug: str, query: Query) -> Model | None:
    """Make the page of a model; None if there is none.

    Columns of older versions come after all others.

    Raises
    ------
    UsageError
        If it cannot be sorted or filtered as asked.
    """
    snapshot = snapshot.within(query.standing)
    who = snapshot.model_of(slug)
    if who is None:
        return None
    asked = {each.view.id for each in columns_asked(snapshot, query.suite)}
    rows = []
    for number_, column in enumerate(snapshot.columns.values()):
        score = score_of(snapshot, column, who, query.standing)
        if score is not None and column.view.id in asked:
            place = column.models[who]
            shown = ModelScore(
                column=column.view,
                score=score,
                place=number(column.scores.places(query.standing)[place]),
                scaled=_scaled(column, place),
            )
            rows.append(_Row(column, column.scores.entries[place], shown, number_))
    rows = _asked(rows, query)
    entries = sorted((each.entry for each in rows), key=lambda each: each.number)
    details = board.details.of([each.id for each in entries])
    across = across_of(snapshot, query.suite, columns_asked(snapshot, query.suite), query.standing)
    known = dict(zip([each.id for each in entries], details, strict=True))
    rows = [
        each._replace(
            shown=msgspec.structs.replace(
                each.shown,
                seen=known[each.entry.id].leakage,
            )
        )
        for each in rows
    ]
    name = snapshot.models[who]
    return Model(
        model=name,
        versions=list(
            dict.fromkeys(f"{each.model_version} ({each.model_digest})" for each in entries[::-1])
        ),
        training_data=_training_data(details),
        scores=[each.shown for each in rows],
        line=line_of(name, [each.shown.score for each in rows], across, who),
        cost=_sum([cost for each in entries if (cost := cost_of(each)) is not None]),
        environment=details[-1].environment if details else {},
        notes=list(dict.fromkeys(note for each in details[::-1] for note in each.notes)),
    )


def _scaled(column: BoardColumn, place: int) -> float | None:
    """Put a score between the controls; None where they are missing, or the wrong way round."""
    scores = column.scores
    low, high = scores.control(NEGATIVE), scores.control(POSITIVE)
    sign = -1 if scores.better == "lower" else 1
    if not scores.comparable[place] or not sign * (high - low) > 0:
        return None
    return number((scores.values[place] - low) / (high - low))


def _training_data(details: Sequence[Detail]) -> str:
    """What the newest result that declares anything says."""
    declared = [each.training_data for each in details if each.training_data != UNKNOWN]
    return declared[-1] if declared else UNKNOWN


def _sum(costs: Sequence[Cost]) -> Cost | None:
    if not costs:
        return None
    return Cost(
        sum(each.wall_seconds for each in costs),
        sum(each.cpu_seconds for each in costs),
        max(each.peak_rss_bytes for each in costs),
    )


def _asked(rows: list[_Row], query: Query) -> list[_Row]:
    """Order rows as asked; what has no such number comes last, older versions behind all."""
    sort = sort_of("model", query)

    def key(row: _Row) -> str | float | None:
        if sort == "benchmark":
            return row.column.view.id
        if sort == "rank":
            return row.shown.score.rank_first
        if sort == "place":
            return row.shown.place
        if sort == "value":
            return row.shown.score.value
        if sort == "cost":
            cost = cost_of(row.entry)
            return None if cost is None else cost.wall_seconds
        return row.place

    down = sort in ("place", "value") if query.descending is None else query.descending
    known = [each for each in rows if key(each) is not None]
    known.sort(key=lambda each: key(each), reverse=down)  # type: ignore[arg-type,return-value]
    found = [*known, *(each for each in rows if key(each) is None)]
    return sorted(found, key=lambda each: not each.column.view.newest)
