"""The first page: suites at a glance, and all models by all benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from genomark.errors import UsageError, one_line
from genomark.leaderboard.across import Across
from genomark.leaderboard.board import Board
from genomark.leaderboard.lines import asked_lines, leaders, model_lines
from genomark.leaderboard.query import Query
from genomark.leaderboard.snapshot import BoardColumn, Snapshot
from genomark.leaderboard.suites import suite_title
from genomark.leaderboard.views import Front, SuiteLine


def front(board: Board, snapshot: Snapshot, query: Query) -> Front:
    """Make the first page; of each benchmark its newest version.

    Raises
    ------
    UsageError
        If it cannot be sorted or filtered as asked.
    """
    within = snapshot.within(query.standing)
    columns = columns_asked(within, query.suite)
    across = across_of(within, query.suite, columns, query.standing)
    lines = model_lines(within, columns, across, query.standing)
    return Front(
        results=snapshot.results,
        updated=snapshot.updated,
        suites=suite_lines(snapshot),
        columns=[each.view for each in columns],
        lines=asked_lines(lines, columns, "front", query),
    )


def columns_asked(snapshot: Snapshot, suite: str) -> Sequence[BoardColumn]:
    """Give the newest columns of a suite, or of all.

    Raises
    ------
    UsageError
        If there is no such suite.
    """
    if not suite:
        return snapshot.newest
    suites = snapshot.suites()
    if suite not in suites:
        raise UsageError(f"suite is '{one_line(suite)}'; expected one of: {', '.join(suites)}")
    return suites[suite]


def across_of(
    snapshot: Snapshot, suite: str, columns: Sequence[BoardColumn], standing: str | None = None
) -> Across:
    """Give the statistics of a suite (empty: of all newest columns)."""
    return snapshot.once(("across", suite, standing), lambda: Across(columns, standing))


def suite_lines(snapshot: Snapshot) -> list[SuiteLine]:
    """Give each suite at a glance."""
    return snapshot.once("suites", lambda: _suite_lines(snapshot))


def _suite_lines(snapshot: Snapshot) -> list[SuiteLine]:
    found = []
    for name, columns in snapshot.suites().items():
        across = across_of(snapshot, name, columns)
        led = leaders(columns, across)
        models = {model for column in columns for model in column.models}
        found.append(
            SuiteLine(
                slug=name,
                name=name,
                title=suite_title(name),
                columns=len(columns),
                models=len(models),
                leaders=[snapshot.models[model] for model in led],
                ranked=len(across.models),
            )
        )
    return found
