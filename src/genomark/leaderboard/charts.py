"""Charts that a browser draws from data: specifications in Vega-Lite 6.

They name no colours but where a scale of values needs them; the page's script gives them those of
the theme. Each stands beside a table or drawing that tells the same without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup

from genomark.leaderboard.query import STANDINGS
from genomark.leaderboard.views import Benchmark, BenchmarkLine, Compare, Point
from genomark.leaderboard.wording import called, legible, titled

#: Bars of a histogram at most.
_BINS = 20
_HEIGHT = 280
#: What a script element must not hold, as JSON writes it otherwise.
_ESCAPES = {each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


class Chart(NamedTuple):
    """A chart, what stands above it, and what it shows for who cannot see it."""

    id: str
    title: str
    description: str
    spec: Markup


def cost_chart(view: Benchmark) -> Chart | None:
    """Draw scores against the time that they cost, which is on a logarithmic axis."""
    rows = [
        {
            "model": called(line.model),
            "value": line.score.value,
            "low": line.score.low,
            "high": line.score.high,
            "seconds": line.cost.wall_seconds,
            "standing": line.score.standing,
        }
        for line in view.lines
        if line.score.value is not None and line.cost is not None and line.cost.wall_seconds > 0
    ]
    if len(rows) < 2:
        return None
    across = {
        "field": "seconds",
        "type": "quantitative",
        "scale": {"type": "log"},
        "title": "time, seconds",
        "axis": {"tickCount": 6},
    }
    # All there are, so that each has the same colour on every page.
    standings = {"domain": list(STANDINGS)}
    kind = {"field": "standing", "type": "nominal", "title": None, "scale": standings}
    spec = {
        "data": {"values": rows},
        "width": "container",
        "height": _HEIGHT,
        "encoding": {"x": across},
        "layer": [
            {
                "mark": {"type": "rule", "opacity": 0.6},
                "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
                "encoding": {
                    "y": _measured("low", _metric(view)),
                    "y2": {"field": "high"},
                    "color": kind,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    "y": _measured("value", _metric(view)),
                    "color": kind,
                    "shape": kind,
                    "tooltip": _tooltip(("model", "standing"), ("value", "low", "high", "seconds")),
                },
            },
        ],
    }
    return _chart(
        "cost",
        "Score against cost",
        f"{len(rows)} models: {_metric(view)} against the time of answering and scoring. The "
        "table above has both.",
        spec,
    )


def values_chart(view: Benchmark) -> Chart | None:
    """Draw how many models have which score."""
    values = [line.score.value for line in view.lines if _counts(line)]
    if len(values) < 3:
        return None
    spec = {
        "data": {"values": [{"value": value} for value in values]},
        "width": "container",
        "height": _HEIGHT // 2,
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "x": {
                "field": "value",
                "type": "quantitative",
                "bin": {"maxbins": _BINS},
                "title": _metric(view),
            },
            "y": {
                "aggregate": "count",
                "type": "quantitative",
                "title": "models",
                "axis": {"tickMinStep": 1},
            },
        },
    }
    return _chart(
        "values",
        "Distribution of scores",
        f"How many of {len(values)} ranked models have which {_metric(view)}.",
        spec,
    )


def answers_chart(view: Compare) -> Chart | None:
    """Draw the answers of each other model against those of the first, item by item."""
    if len(view.models) < 2 or not view.sample or view.chosen is None:
        return None
    names = [called(model) for model in view.models]
    panels = [
        {
            "width": 300,
            "height": 300,
            "mark": {"type": "point", "filled": True, "size": 18, "opacity": 0.7},
            "encoding": {
                "x": _measured("m0", names[0]),
                "y": _measured(f"m{place}", names[place]),
                "tooltip": _tooltip(("item", "group"), ("truth", "m0", f"m{place}")),
                **_coloured_by_truth(view.sample),
            },
        }
        for place in range(1, len(names))
    ]
    spec = {
        "data": {"values": [_point(point) for point in view.sample]},
        "columns": 2,
        "concat": panels,
    }
    return _chart(
        "answers",
        "Answers, item by item",
        f"{len(view.sample):,} items of {titled(view.chosen)}: the answer of each model "
        f"against that of {names[0]}, coloured by the truth where it is a number.",
        spec,
    )


def _coloured_by_truth(sample: Sequence[Point]) -> dict[str, Any]:
    if all(point.truth is None for point in sample):
        return {}
    scale = {"scheme": "cividis"}
    return {"color": {"field": "truth", "type": "quantitative", "scale": scale, "title": "truth"}}


def _point(point: Point) -> dict[str, Any]:
    row = {"item": legible(point.item), "group": legible(point.group), "truth": point.truth}
    return row | {f"m{place}": value for place, value in enumerate(point.values)}


def _counts(line: BenchmarkLine) -> bool:
    return line.score.value is not None and line.score.rank_first is not None


def _metric(view: Benchmark) -> str:
    return legible(view.column.metric)


def _measured(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "scale": {"zero": False}, "title": title}


def _tooltip(words: Sequence[str], numbers: Sequence[str]) -> list[dict[str, str]]:
    told = [{"field": field} for field in words]
    return told + [{"field": each, "type": "quantitative", "format": ".4~g"} for each in numbers]


def _chart(id: str, title: str, description: str, spec: dict[str, Any]) -> Chart:
    return Chart(id, title, description, script_data({**spec, "description": description}))


def script_data(content: object) -> Markup:
    """Write JSON for a script element, which text of strangers can neither end nor begin."""
    written = msgspec.json.encode(content).decode()
    for each, escape in _ESCAPES.items():
        written = written.replace(each, escape)
    return Markup(written)
