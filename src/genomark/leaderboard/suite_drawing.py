"""Drawings of a suite: the critical-difference diagram, and who beats whom how often."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from genomark.leaderboard.views import ModelLine, ModelName, Score, Suite, TaskPair
from genomark.leaderboard.wording import called, percent
from genomark.results.critical_difference import critical_difference
from genomark.scoring.across import ScoreTable, groups

#: Of telling apart any two models that are equal, over all pairs.
ALPHA = 0.05
#: Models of the diagram and of the matrix: more cannot be read.
MOST_DRAWN = 40
#: Steps of colour of a share, from 0 to 1.
_STEPS = 7


def ranked_lines(view: Suite) -> list[ModelLine]:
    """Give the lines that have a mean rank, best first."""
    found = [line for line in view.lines if line.mean_rank is not None]
    return sorted(found, key=lambda line: line.mean_rank.value if line.mean_rank else 0.0)


def diagram(view: Suite) -> Markup | None:
    """Draw who is apart from whom over the suite, among the models that have all of it.

    None with fewer than two of those, as ranks over other tasks cannot stand on one axis; and with
    more than can be read, as tests of a part of them would be others.
    """
    lines = [line for line in ranked_lines(view) if _whole(line)]
    if not 2 <= len(lines) <= MOST_DRAWN:
        return None
    table = ScoreTable(
        np.array([[_value(score) for score in line.scores] for line in lines]),
        ["higher" if column.higher_is_better else "lower" for column in view.columns],
    )
    names = [called(line.model) for line in lines]
    # The drawing escapes what it writes.
    return Markup(critical_difference(names, groups(table, alpha=ALPHA), alpha=ALPHA))


def _whole(line: ModelLine) -> bool:
    return all(math.isfinite(_value(score)) for score in line.scores)


def _value(score: Score | None) -> float:
    if score is None or score.value is None or score.rank_first is None:
        return math.nan
    return score.value


class Won(NamedTuple):
    """A cell of the matrix: share of tasks that the row's model wins, ties half."""

    shade: str
    value: str
    title: str


class WonLine(NamedTuple):
    """A model against all others; None against itself and where they share no task."""

    model: ModelName
    cells: list[Won | None]


def win_matrix(view: Suite) -> list[WonLine]:
    """Tell who beats whom how often, models in the order of their mean ranks."""
    models = [line.model for line in ranked_lines(view)[:MOST_DRAWN]]
    found = {(pair.model_a, pair.model_b): _won(pair, pair.wins) for pair in view.pairs}
    found |= {
        (pair.model_b, pair.model_a): _won(pair, pair.tasks - pair.wins) for pair in view.pairs
    }
    return [WonLine(row, [found.get((row.slug, other.slug)) for other in models]) for row in models]


def _won(pair: TaskPair, wins: float) -> Won | None:
    if not pair.tasks:
        return None
    share = wins / pair.tasks
    apart = "told apart" if pair.apart else "not told apart"
    title = f"wins {wins:g} of {pair.tasks} tasks; {apart}"
    return Won(f"h{min(int(share * _STEPS), _STEPS - 1)}", percent(share), title)
