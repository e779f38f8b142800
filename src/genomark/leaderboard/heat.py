"""The map of models by benchmarks: a table whose cells have a colour beside their figures."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from genomark.leaderboard.views import Column, ModelLine, Score, Standing
from genomark.leaderboard.wording import NOTHING, figure, ranks, told

#: Steps of colour, from the worst of a column to the best; the style sheet has one for each.
STEPS = 7
#: What stands behind a figure that is not verified; the legend explains it.
MARKS: dict[Standing, str] = {"verified": "", "self-reported": "°", "published": "†"}


class Cell(NamedTuple):
    """A score in the map.

    Attributes
    ----------
    shade : str
        Class of its colour; empty for none.
    value, rank, title : str
        Figure and mark, tie sets, and all of it in one line.
    """

    shade: str
    value: str
    rank: str
    title: str


#: Of a model that was not asked.
BLANK = Cell("", NOTHING, "", "no result")


def heat_cells(columns: Sequence[Column], lines: Sequence[ModelLine]) -> list[list[Cell]]:
    """Draw the scores of each line.

    A colour tells the place among the ranked models of the column that are shown, the middle of
    its places for equal values.
    """
    by_column = [
        _column_cells(column, [line.scores[place] for line in lines])
        for place, column in enumerate(columns)
    ]
    return [[cells[row] for cells in by_column] for row in range(len(lines))]


def _column_cells(column: Column, scores: Sequence[Score | None]) -> list[Cell]:
    sign = 1.0 if column.higher_is_better else -1.0
    ranked = sorted(
        sign * score.value
        for score in scores
        if score is not None and score.value is not None and score.rank_first is not None
    )
    return [BLANK if score is None else _cell(score, column, ranked, sign) for score in scores]


def _cell(score: Score, column: Column, ranked: Sequence[float], sign: float) -> Cell:
    title = told(score)
    if score.value is None:
        return Cell("", "undef.", "", title)
    value = figure(score.value) + MARKS[score.standing]
    if score.rank_first is None:
        return Cell("", value, "", title)
    step = shade(sign * score.value, ranked)
    return Cell(f"h{step}", value, ranks(score.rank_first, score.rank_last), title)


def shade(value: float, ranked: Sequence[float]) -> int:
    """Give the step of colour of a value, the larger the better.

    Parameters
    ----------
    value : float
    ranked : sequence of float
        All values of the column, ascending, this one among them.
    """
    if len(ranked) < 2:
        return STEPS // 2
    middle = (bisect_left(ranked, value) + bisect_right(ranked, value) - 1) / 2
    return min(int(middle / (len(ranked) - 1) * STEPS), STEPS - 1)
