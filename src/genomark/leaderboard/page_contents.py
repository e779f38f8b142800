"""What pages show beside their views: maps, plots and charts, made from the views alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from markupsafe import Markup

from genomark.leaderboard.charts import answers_chart, cost_chart, script_data, values_chart
from genomark.leaderboard.controls import Place
from genomark.leaderboard.details import UNKNOWN
from genomark.leaderboard.forest import (
    BAR_STEP,
    HEIGHT,
    MOST_BARS,
    WIDTH,
    Scale,
    scale_of,
    tie_bars,
)
from genomark.leaderboard.heat import MARKS, STEPS, heat_cells
from genomark.leaderboard.item_view import PAGE
from genomark.leaderboard.suite_drawing import MOST_DRAWN, diagram, ranked_lines, win_matrix
from genomark.leaderboard.views import (
    Answer,
    Benchmark,
    BenchmarkLine,
    Column,
    Compare,
    Front,
    Interval,
    Item,
    Items,
    Model,
    ModelLine,
    ModelScore,
    Pair,
    Seen,
    Suite,
)
from genomark.leaderboard.wording import called, legible, titled
from genomark.results.leakage_curve import leakage_curve
from genomark.scoring import LeakageBin

#: Pairs of models in the table of a suite; its twins have all.
MOST_PAIRS = 200
#: Groups of models not told apart that are listed, and names of each of them.
MOST_GROUPS = 12
#: Models in the table of what was seen in training; the twins of the page have all.
MOST_TOLD = 50
_CONTROL = "control:"
#: Of the drawn example: names, values with their intervals, ranks, and who ties with whom.
_EXAMPLE = (
    ("A", 0.84, 0.82, 0.86, "1"),
    ("B", 0.81, 0.78, 0.84, "1–2"),
    ("C", 0.77, 0.74, 0.80, "2"),
)
_EXAMPLE_SETS = (("A", "B"), ("B", "C"))


class SuiteHead(NamedTuple):
    """Neighbouring columns of one suite, under one heading."""

    suite: str
    span: int


class Charted(NamedTuple):
    """Lines of a page, and the axis that they are drawn on."""

    scale: Scale
    lines: Sequence[Any]


def front_contents(view: Front) -> dict[str, Any]:
    """Map models by benchmarks."""
    return _map(view.columns, view.lines)


def suite_contents(view: Suite, place: Place) -> dict[str, Any]:
    """Map models by benchmarks of the suite, and tell the models apart."""
    ends = [
        end
        for line in view.lines
        if (rank := line.mean_rank)
        for end in (rank.value, rank.low, rank.high)
    ]
    pairs = sorted(view.pairs, key=lambda pair: 1.0 if pair.adjusted is None else pair.adjusted)
    return {
        **_map(view.columns, view.lines),
        **_drawn(scale_of(ends)),
        "ranked": ranked_lines(view),
        # Of some of the models it would tell apart what the pairs of all do not.
        "diagram": None if place.first("search") else diagram(view),
        "matrix": win_matrix(view),
        "pairs": pairs[:MOST_PAIRS],
        "names": {line.model.slug: line.model for line in view.lines},
        "most_drawn": MOST_DRAWN,
        "most_groups": MOST_GROUPS,
    }


def _map(columns: Sequence[Column], lines: Sequence[ModelLine]) -> dict[str, Any]:
    heads = [
        SuiteHead(suite, len(list(members)))
        for suite, members in groupby(column.suite for column in columns)
    ]
    return {
        "cells": heat_cells(columns, lines),
        "heads": heads,
        "marks": MARKS,
        "steps": range(STEPS),
    }


def _drawn(scale: Scale) -> dict[str, Any]:
    return {"scale": scale, "height": HEIGHT, "width": WIDTH}


def benchmark_contents(view: Benchmark, place: Place) -> dict[str, Any]:
    """Draw scores with their intervals, tie sets beside them, and charts."""
    ranked = [line for line in view.lines if line.score.standing != "published"]
    bars = tie_bars([line.model.slug for line in ranked], view.tie_sets)
    used = max((bar.x for each in bars for bar in each), default=-BAR_STEP / 2) + BAR_STEP / 2
    controls = [line.score.value for line in view.lines if _is_control(line)]
    guides = [("guide", value) for value in controls] + [("ceiling", view.ceiling)]
    other = place.first("metric")
    shown = other if other != view.column.metric else ""
    return {
        **_drawn(scale_of(_ends(view, shown))),
        "shown": shown or view.column.metric,
        "ranked": ranked,
        "bars": bars,
        "bars_width": int(used),
        "most_bars": MOST_BARS,
        "published": [line for line in view.lines if line.score.standing == "published"],
        "metrics": list(dict.fromkeys(name for line in view.lines for name in line.others)),
        "controls": controls,
        "guides": [] if shown else guides,
        "charts": [each for each in (cost_chart(view), values_chart(view)) if each],
        **_trained(view.lines, {line.model.slug: called(line.model) for line in view.lines}),
        "untold": sum(line.training_data == UNKNOWN for line in ranked),
    }


def _ends(view: Benchmark, other: str) -> list[float | None]:
    """Give all that has to find room on the axis: of the metric that ranks, or of another."""
    if other:
        found = (line.others.get(other) for line in view.lines)
        return [end for each in found if each for end in (each.value, each.low, each.high)]
    scores = [line.score for line in view.lines]
    return [view.ceiling, *(end for it in scores for end in (it.value, it.low, it.high))]


def _is_control(line: BenchmarkLine) -> bool:
    # A stranger's control is a model like any other.
    kept = line.model.id.startswith(_CONTROL) and not line.model.owner
    return kept and line.score.value is not None


def model_contents(view: Model) -> dict[str, Any]:
    """Draw the places of a model, benchmark by benchmark."""
    return {
        **_drawn(Scale(0.0, 1.0)),
        "suites": _by_suite(view.scores),
        "results": view.scores,
        "trained": [each for each in view.scores if each.seen],
        "curve": _curve(
            {titled(each.column): each.seen for each in view.scores if each.seen and each.seen.seen}
        ),
    }


def _trained(lines: Sequence[BenchmarkLine], names: Mapping[str, str]) -> dict[str, Any]:
    """Give the models of which somebody declares what they were trained on, and their curves."""
    told = [line for line in lines if line.training_data != UNKNOWN]
    seen = {names[line.model.slug]: line.seen for line in told if line.seen and line.seen.seen}
    return {"trained": told[:MOST_TOLD], "curve": _curve(seen)}


def _curve(panels: Mapping[str, Seen]) -> Markup | None:
    """Draw scores by similarity to training data; of several metrics those of the first."""
    if not panels:
        return None
    metric = next(iter(panels.values())).metric
    curves = {name: _steps(each) for name, each in panels.items() if each.metric == metric}
    svg = leakage_curve(curves, legible(metric))
    # The drawing escapes what it writes.
    return None if svg is None else Markup(svg)


def _steps(seen: Seen) -> list[LeakageBin]:
    return [
        LeakageBin(
            low=step.low,
            high=step.high,
            n=step.items,
            value=step.score.value if step.score else None,
            interval=_interval(step.score),
            reason_if_null=step.reason,
        )
        for step in seen.steps
    ]


def _interval(score: Interval | None) -> tuple[float, float] | None:
    if score is None or score.low is None or score.high is None:
        return None
    return score.low, score.high


def _by_suite(scores: Sequence[ModelScore]) -> dict[str, list[ModelScore]]:
    found: dict[str, list[ModelScore]] = {}
    for each in scores:
        found.setdefault(each.column.suite, []).append(each)
    return found


def compare_contents(view: Compare, place: Place) -> dict[str, Any]:
    """Draw the differences of each benchmark, on an axis of its own that has 0 on it."""
    return {
        "height": HEIGHT,
        "width": WIDTH,
        "names": {model.slug: model for model in (*view.available, *view.models)},
        "differences": [
            Charted(scale_of([0.0, *_pair_ends(each.pairs)]), each.pairs) for each in view.columns
        ],
        "charts": [each for each in (answers_chart(view),) if each],
        "sources": None if place.links.served else script_data(_sources(view, place)),
    }


def _sources(view: Compare, place: Place) -> list[dict[str, Any]]:
    """Say where the pairs of each column are, for who has no server to ask."""
    return [
        {
            "slug": each.column.slug,
            "title": titled(each.column),
            "metric": legible(each.column.metric),
            "higher": each.column.higher_is_better,
            "page": place.links.url("benchmark", each.column.slug),
            "pairs": place.links.url("pairs", each.column.slug, twin="js"),
        }
        for each in view.columns
    ]


def _pair_ends(pairs: Sequence[Pair]) -> list[float | None]:
    return [end for pair in pairs for end in (pair.difference, pair.low, pair.high)]


def items_contents(view: Items) -> dict[str, Any]:
    """Tell where the items before and after those listed begin; empty for the first ones."""
    return {
        "before": str(max(view.start - PAGE, 0) or ""),
        "after": view.start + len(view.items),
    }


def item_contents(view: Item) -> dict[str, Any]:
    """Draw the answers of all models to each label of an item."""
    groups: dict[str, list[Answer]] = {}
    for answer in view.answers:
        groups.setdefault(answer.group, []).append(answer)
    return {
        "height": HEIGHT,
        "width": WIDTH,
        "groups": {
            name: Charted(scale_of(_values(answers)), answers) for name, answers in groups.items()
        },
    }


def _values(answers: Sequence[Answer]) -> list[float | None]:
    return [value for answer in answers for value in (answer.value, answer.truth)]


def statistics_contents() -> dict[str, Any]:
    """Draw three models, of which neighbours are tied."""
    names = [name for name, *_ in _EXAMPLE]
    bars = tie_bars(names, _EXAMPLE_SETS)
    return {
        **_drawn(Scale(0.70, 0.90)),
        "example": _EXAMPLE,
        "bars": bars,
        "bars_width": BAR_STEP * len(_EXAMPLE_SETS),
    }
