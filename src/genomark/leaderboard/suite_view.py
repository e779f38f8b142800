"""The page of a suite: its models over its benchmarks, and who is apart from whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomark.leaderboard.across import ALPHA, Across
from genomark.leaderboard.board import Board
from genomark.leaderboard.front_view import across_of
from genomark.leaderboard.lines import asked_lines, model_lines
from genomark.leaderboard.query import Query
from genomark.leaderboard.snapshot import BoardColumn, Snapshot
from genomark.leaderboard.suites import suite_title
from genomark.leaderboard.views import Suite, TaskPair


def suite(board: Board, snapshot: Snapshot, slug: str, query: Query) -> Suite | None:
    """Make the page of a suite; None if there is none.

    Raises
    ------
    UsageError
        If it cannot be sorted or filtered as asked.
    """
    snapshot = snapshot.within(query.standing)
    columns = snapshot.suites().get(slug)
    if columns is None:
        return None
    across = across_of(snapshot, slug, columns, query.standing)
    lines = model_lines(snapshot, columns, across, query.standing)
    slugs = [snapshot.models[model].slug for model in across.models]
    return Suite(
        slug=slug,
        name=slug,
        title=suite_title(slug),
        columns=[each.view for each in columns],
        lines=asked_lines(lines, columns, "suite", query),
        pairs=snapshot.once(
            ("task pairs", slug, query.standing), lambda: task_pairs(across, slugs)
        ),
        cliques=[[slugs[row] for row in clique] for clique in across.cliques],
        complete=across.complete,
        notes=_notes(columns, across),
    )


def task_pairs(across: Across, slugs: Sequence[str]) -> list[TaskPair]:
    """Give every pair of models that share a column; `slugs` are in the order of the rows.

    The model of the better expected rank comes first.
    """
    tests, adjusted = across.tests
    order = np.argsort(across.ranks.mean, kind="stable")
    places, others = np.triu_indices(len(order), 1)
    a, b = order[places], order[others]
    shared = across.wins.tasks[a, b] > 0
    a, b = a[shared], b[shared]
    wins, tasks = across.wins.wins, across.wins.tasks[a, b]
    # Those that are equal count half.
    won = (tasks + wins[a, b] - wins[b, a]) / 2
    p, least = (_numbers(each[a, b]) for each in (tests.p, adjusted))
    named = [[slugs[row] for row in rows.tolist()] for rows in (a, b)]
    apart = (adjusted[a, b] < ALPHA).tolist()
    told = zip(*named, tasks.tolist(), won.tolist(), p, least, apart, strict=True)
    return [TaskPair(*each) for each in told]


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [None if each != each else each for each in values.tolist()]


def _notes(columns: Sequence[BoardColumn], across: Across) -> list[str]:
    """Say what the reader should know of these statistics."""
    notes = []
    n, complete = len(across.columns), across.complete
    if across.models and complete < n:
        notes.append(
            f"{complete} of {n} benchmarks have a score of every model. Ranks are those expected "
            "from the benchmarks that pairs of models share."
        )
    metrics = {each.view.metric for each in across.columns}
    if len(metrics) > 1:
        notes.append(
            f"The test of pairs compares differences as they are, of {len(metrics)} metrics: "
            f"{', '.join(sorted(metrics))}."
        )
    unknown = [each.view.id for each in columns if each.scores.better is None]
    if unknown:
        notes.append(
            f"Nothing is ranked on {', '.join(unknown)}: this genomark does not know the metric."
        )
    reasons = [each for each in across.scaled.reasons if each is not None]
    if reasons:
        notes.append(
            f"{len(reasons)} of {n} benchmarks are not in the scaled scores, as they need the "
            f"scores of both controls: {', '.join(sorted(set(reasons)))}."
        )
    return notes
