"""Charts: what their data hold, and that fields they name are there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import example_views
import msgspec
import pytest
from example_views import HOSTILE, MODELS

from genomark.leaderboard.charts import answers_chart, cost_chart, script_data, values_chart

SCHEMA_FIELDS = {"data", "width", "height", "encoding", "layer", "mark", "concat", "columns"}


def spec(chart) -> dict[str, Any]:
    assert chart is not None
    return json.loads(chart.spec)


def fields(part: Any) -> Iterator[str]:
    """Names of fields anywhere in a specification."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "field":
                yield value
            elif name != "values":
                yield from fields(value)
    elif isinstance(part, list):
        for each in part:
            yield from fields(each)


@pytest.mark.parametrize(
    "chart",
    [
        cost_chart(example_views.benchmark()),
        values_chart(example_views.benchmark()),
        answers_chart(example_views.compare(5)),
    ],
    ids=["cost", "values", "answers"],
)
def test_every_field_is_in_the_data(chart):
    told = spec(chart)
    rows = told["data"]["values"]
    named = set(fields(told))
    assert named
    assert all(named <= set(row) for row in rows)
    assert set(told) <= SCHEMA_FIELDS | {"description"}
    assert told["description"] == chart.description


def test_cost_is_drawn_for_models_with_a_score_and_a_time():
    view = example_views.benchmark()
    rows = spec(cost_chart(view))["data"]["values"]
    kept = [line for line in view.lines if line.cost and line.score.value is not None]
    assert [row["seconds"] for row in rows] == [
        line.cost.wall_seconds for line in kept if line.cost
    ]
    assert [row["value"] for row in rows] == [line.score.value for line in kept]


def test_a_time_of_nothing_has_no_place_on_a_logarithmic_axis():
    view = example_views.benchmark()
    free = msgspec.structs.replace(view.lines[0].cost, wall_seconds=0.0)
    lines = [msgspec.structs.replace(view.lines[0], cost=free), *view.lines[1:3]]
    rows = spec(cost_chart(msgspec.structs.replace(view, lines=lines)))["data"]["values"]
    assert len(rows) == 2
    assert cost_chart(msgspec.structs.replace(view, lines=lines[:2])) is None


def test_distribution_is_of_ranked_scores():
    view = example_views.benchmark()
    ranked = [line.score.value for line in view.lines if line.score.rank_first is not None]
    rows = spec(values_chart(view))["data"]["values"]
    assert [row["value"] for row in rows] == [value for value in ranked if value is not None]
    assert values_chart(msgspec.structs.replace(view, lines=view.lines[:2])) is None


@pytest.mark.parametrize("count", [2, 3, 5])
def test_answers_have_a_panel_for_each_model_but_the_first(count):
    view = example_views.compare(count)
    told = spec(answers_chart(view))
    across = {panel["encoding"]["x"]["field"] for panel in told["concat"]}
    up = [panel["encoding"]["y"]["field"] for panel in told["concat"]]
    assert across == {"m0"}
    assert up == [f"m{place}" for place in range(1, count)]
    assert [row["m1"] for row in told["data"]["values"]] == [p.values[1] for p in view.sample]


def test_answers_are_coloured_by_the_truth_where_it_is_known():
    view = example_views.compare(2)
    assert "color" in spec(answers_chart(view))["concat"][0]["encoding"]
    blind = [msgspec.structs.replace(point, truth=None) for point in view.sample]
    told = spec(answers_chart(msgspec.structs.replace(view, sample=blind)))
    assert "color" not in told["concat"][0]["encoding"]
    assert answers_chart(example_views.compare(0)) is None


def test_data_of_scripts_hold_no_markup_and_mean_the_same():
    content = {"a": HOSTILE, "b": "</script><!--", "c": "\u2028\u2029&amp;", MODELS[5].id: 1.5}
    written = script_data(content)
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == content
