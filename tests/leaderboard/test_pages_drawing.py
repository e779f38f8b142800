"""Forest plots, the map, and the drawings of a suite: places and colours."""

from __future__ import annotations

import math
import random

import example_views
import msgspec
import pytest
from example_views import HOSTILE, MODELS
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import rankdata

from genomark.leaderboard.forest import BAR_STEP, MOST_BARS, WIDTH, Bar, Scale, scale_of, tie_bars
from genomark.leaderboard.heat import BLANK, STEPS, heat_cells, shade
from genomark.leaderboard.suite_drawing import (
    MOST_DRAWN,
    diagram,
    ranked_lines,
    win_matrix,
)
from genomark.leaderboard.views import Interval, TaskPair

finite = st.floats(-1e6, 1e6)


def test_places_are_linear_between_the_edges():
    scale = Scale(0.0, 1.0)
    assert [scale.at(value) for value in (0.0, 0.5, 1.0)] == [10.0, 130.0, 250.0]
    assert scale.at(None) is None
    assert scale.at(math.nan) is None


def test_what_lies_beyond_is_drawn_at_the_edge():
    assert Scale(0.0, 1.0).row(0.5, -3.0, 7.0) == (130.0, 10.0, 250.0)


@example([5e-324])
@example([1e6, 1e6 + 1e-9])
@given(st.lists(st.one_of(st.none(), finite), max_size=8))
def test_an_axis_has_room_for_all(values):
    scale = scale_of(values)
    known = [value for value in values if value is not None]
    assert scale.low < scale.high
    # Ends are rounded to whole steps, to a billionth of one.
    slack = 1e-8 * (scale.high - scale.low)
    assert all(scale.low - slack <= value <= scale.high + slack for value in known)
    assert 1 <= len(scale.ticks) <= 6
    assert all(0 <= tick.x <= WIDTH for tick in scale.ticks)


def test_an_axis_of_scores_has_round_ends():
    scale = scale_of([0.512, 0.83, None, math.inf])
    assert (scale.low, scale.high) == (pytest.approx(0.5), pytest.approx(0.85))
    assert [tick.label for tick in scale_of([-1.0, 1.0]).ticks] == ["−1", "−0.5", "0", "0.5", "1"]


def test_tie_sets_are_bars_from_their_first_member_to_their_last():
    first, second = BAR_STEP * 0.5, BAR_STEP * 1.5
    assert tie_bars("abcd", [["a", "c"], ["c", "d"]]) == [
        [Bar(first, True)],
        [Bar(first, False)],
        [Bar(first, True), Bar(second, True)],
        [Bar(second, True)],
    ]


def test_sets_of_one_and_members_that_are_not_shown_have_no_bar():
    assert tie_bars("ab", [["a"], ["b", "z"], ["x", "y"]]) == [[], []]


def test_no_more_bars_than_can_be_read():
    sets = [["a", "b"]] * (MOST_BARS + 5)
    assert [len(bars) for bars in tie_bars("ab", sets)] == [MOST_BARS, MOST_BARS]


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30))
def test_shades_go_by_the_middle_of_places(values):
    ranked = sorted(map(float, values))
    ranks = rankdata(values, method="average")
    for value, rank in zip(values, ranks, strict=True):
        expected = min(int((rank - 1) / (len(values) - 1) * STEPS), STEPS - 1)
        assert shade(float(value), ranked) == expected


def test_one_model_alone_is_neither_best_nor_worst():
    assert shade(0.3, [0.3]) == STEPS // 2


def test_the_best_of_a_column_is_darkest_whichever_way_is_better():
    for place in (0, 9):
        column = example_views.COLUMNS[place]
        lines = example_views.lines(example_views.COLUMNS)
        cells = heat_cells(example_views.COLUMNS, lines)
        known = [
            (line.scores[place].value, cells[row][place].shade)
            for row, line in enumerate(lines)
            if line.scores[place] and line.scores[place].rank_first is not None
        ]
        best = (max if column.higher_is_better else min)(known)
        worst = (min if column.higher_is_better else max)(known)
        assert best[1] == f"h{STEPS - 1}"
        assert worst[1] == "h0"


def test_cells_without_a_rank_have_no_colour():
    columns = example_views.COLUMNS
    lines = example_views.lines(columns)
    cells = heat_cells(columns, lines)
    for line, row in zip(lines, cells, strict=True):
        for score, cell in zip(line.scores, row, strict=True):
            if score is None:
                assert cell == BLANK
            elif score.value is None:
                assert (cell.shade, cell.value) == ("", "undef.")
                assert score.reason in cell.title
            else:
                assert bool(cell.shade) == (score.rank_first is not None)


def test_ranked_lines_are_in_the_order_of_their_mean_ranks():
    view = example_views.suite()
    shuffled = list(view.lines)
    random.Random(1).shuffle(shuffled)
    found = ranked_lines(msgspec.structs.replace(view, lines=shuffled))
    assert [line.model for line in found] == list(MODELS[:-1])


def full(view):
    """The same suite with a score of every model everywhere, the better the earlier."""
    score = view.lines[0].scores[0]
    lines = [
        msgspec.structs.replace(
            line,
            scores=[
                msgspec.structs.replace(score, value=1 - 0.1 * place - 0.01 * number)
                for number in range(len(view.columns))
            ],
            mean_rank=Interval(place + 1.0),
        )
        for place, line in enumerate(view.lines[:4])
    ]
    return msgspec.structs.replace(view, lines=lines)


def test_the_diagram_ranks_models_that_have_every_benchmark():
    view = full(example_views.suite())
    drawn = diagram(view)
    assert drawn is not None
    assert "4 models over 3 tasks" in drawn
    for place, line in enumerate(view.lines):
        assert f"{line.model.id[:20]}" in drawn
        assert f"mean rank {place + 1}.000" in drawn
    gap = msgspec.structs.replace(view.lines[0], scores=[None, *view.lines[0].scores[1:]])
    fewer = diagram(msgspec.structs.replace(view, lines=[gap, *view.lines[1:]]))
    assert fewer is not None
    assert "3 models over 3 tasks" in fewer


def test_the_diagram_turns_metrics_of_which_less_is_better():
    view = full(example_views.suite())
    columns = [msgspec.structs.replace(each, higher_is_better=False) for each in view.columns]
    drawn = diagram(msgspec.structs.replace(view, columns=columns))
    assert f"{view.lines[3].model.id[:12]}" in drawn.partition("mean rank 1.000")[0][-400:]


def test_there_is_no_diagram_of_one_model():
    view = full(example_views.suite())
    assert diagram(msgspec.structs.replace(view, lines=view.lines[:1])) is None


def test_names_in_the_diagram_are_escaped():
    view = full(example_views.suite())
    model = msgspec.structs.replace(view.lines[0].model, id=HOSTILE)
    lines = [msgspec.structs.replace(view.lines[0], model=model), *view.lines[1:]]
    drawn = diagram(msgspec.structs.replace(view, lines=lines))
    assert "<img" not in drawn
    assert "<script" not in drawn
    assert "&lt;img" in drawn


def test_wins_of_both_sides_add_up_to_one():
    view = example_views.suite()
    slugs = [model.slug for model in MODELS]
    pairs = [
        TaskPair(slugs[0], slugs[1], 4, 3.0, 0.2, 0.5, False),
        TaskPair(slugs[2], slugs[1], 0, 0.0, None, None, False),
        TaskPair(slugs[0], slugs[2], 8, 8.0, 0.001, 0.01, True),
    ]
    matrix = win_matrix(msgspec.structs.replace(view, pairs=pairs, lines=view.lines[:3]))
    shown = [[cell.value if cell else None for cell in line.cells] for line in matrix]
    assert shown == [[None, "75 %", "100 %"], ["25 %", None, None], ["0 %", None, None]]
    assert matrix[0].cells[1].title == "wins 3 of 4 tasks; not told apart"
    assert matrix[2].cells[0].title == "wins 0 of 8 tasks; told apart"
    assert (matrix[0].cells[2].shade, matrix[2].cells[0].shade) == ("h6", "h0")


def test_there_is_no_diagram_of_more_models_than_can_be_read():
    view = full(example_views.suite())
    for n in (MOST_DRAWN, MOST_DRAWN + 1):
        lines = (view.lines * n)[:n]
        drawn = diagram(msgspec.structs.replace(view, lines=lines))
        assert (drawn is None) == (n > MOST_DRAWN)
