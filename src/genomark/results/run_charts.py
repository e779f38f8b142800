"""Charts of one question of a run: answers beside the truth, values of groups, scores and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.benchmarks.scored import Scored
from genomark.errors import one_line
from genomark.results.collection import headlines
from genomark.results.drawing import shortened
from genomark.results.vega import chart
from genomark.scoring import Result

Floats = NDArray[np.float64]

#: Panels of a chart, and how many stand side by side.
MOST_PANELS, _COLUMNS = 6, 3
_SIDE = 175
#: A truth of so few values is that of classes.
_CLASSES = 6
_BINS = 24
_LETTERS = 28
#: Of the drawing of a sample.
_SEED = 0


def answers_chart(scored: Mapping[str, Scored], most_points: int) -> str | None:
    """Draw what models answered against the truth, a panel a model.

    Where the truth has few values, shares of answers are drawn for each of them.

    Parameters
    ----------
    scored : mapping of str to Scored
        By the model's id, in the order they are drawn; the first `MOST_PANELS` are.
    most_points : int
        Items of a panel; of more, so many are drawn by lot.

    Returns
    -------
    str or None
        An ``<svg>`` element; None where no truth is at hand, or answers are no numbers.

    Raises
    ------
    UsageError
        If vl-convert is not installed.
    """
    panels, classes = [], False
    for model, each in list(scored.items())[:MOST_PANELS]:
        items = each.items()
        known = None if items is None else items.drop_nulls(["truth", "value"])
        if known is None or known.is_empty():
            continue
        truth, value = known["truth"].to_numpy(), known["value"].to_numpy()
        classes = len(np.unique(truth)) <= _CLASSES
        title = shortened(one_line(model), _LETTERS)
        panel = _shares(truth, value) if classes else _points(truth, value, most_points)
        panels.append({"title": title, "width": _SIDE, "height": _SIDE, **panel})
    if not panels:
        return None
    what = "shares of answers for each truth" if classes else "answers against the truth"
    return chart({"concat": panels, "columns": _COLUMNS}, f"{len(panels)} models: {what}")


def _points(truth: Floats, value: Floats, most: int) -> dict[str, Any]:
    chosen = np.arange(len(truth))
    if len(chosen) > most:
        lot = np.random.default_rng(_SEED).choice(len(chosen), most, replace=False)
        chosen = np.sort(lot)
    rows = [{"truth": float(truth[k]), "answer": float(value[k])} for k in chosen]
    return {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 9, "opacity": 0.6},
        "encoding": {"x": _measured("truth", "truth"), "y": _measured("answer", "answer")},
    }


def _shares(truth: Floats, value: Floats) -> dict[str, Any]:
    edges = np.histogram_bin_edges(value, _BINS)
    rows = []
    for each in np.unique(truth):
        counts, _ = np.histogram(value[truth == each], edges)
        rows += [
            {"from": float(low), "to": float(high), "share": float(share), "truth": f"{each:g}"}
            for low, high, share in zip(
                edges[:-1], edges[1:], counts / max(counts.sum(), 1), strict=True
            )
        ]
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "opacity": 0.55},
        "encoding": {
            "x": _measured("from", "answer"),
            "x2": {"field": "to"},
            "y": {"field": "share", "type": "quantitative", "stack": None, "title": "share"},
            "y2": {"datum": 0},
            "color": {"field": "truth", "type": "nominal", "title": "truth"},
        },
    }


def groups_chart(results: Sequence[Result]) -> str | None:
    """Draw the value of each group (experiment, label, fit) for each model; None with under three.

    Raises
    ------
    UsageError
        If vl-convert is not installed.
    """
    name = headlines(results[0])[0]
    single = name.removeprefix("mean_").removeprefix("weighted_")
    rows = [
        {"model": shortened(one_line(result.model.id), _LETTERS), "value": row.value}
        for result in results
        for row in result.metrics
        if row.group is not None and row.name == single and row.value is not None
    ]
    if len(rows) < 3 * len(results):
        return None
    spec = {
        "data": {"values": rows},
        "width": 3 * _SIDE,
        "height": {"step": 24},
        "layer": [
            {
                "mark": {"type": "tick", "thickness": 1.5, "opacity": 0.8},
                "encoding": {"x": _measured("value", f"{single} of each group")},
            },
            {
                "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 60},
                "encoding": {
                    "x": {"field": "value", "type": "quantitative", "aggregate": "median"},
                    "color": {"value": "#d55e00"},
                },
            },
        ],
        "encoding": {"y": _models()},
    }
    return chart(spec, f"{single} of each group for {len(results)} models; a diamond is the median")


def cost_chart(results: Sequence[Result]) -> str | None:
    """Draw the first metric against CPU time; None with fewer than two models that have both.

    Raises
    ------
    UsageError
        If vl-convert is not installed.
    """
    rows = []
    for result in results:
        row = result.metric(headlines(result)[0])
        if row.value is not None and result.cost.cpu_seconds > 0:
            low, high = row.interval or (row.value, row.value)
            name = shortened(one_line(result.model.id), _LETTERS)
            seconds = result.cost.cpu_seconds
            rows.append(
                {"model": name, "value": row.value, "low": low, "high": high, "seconds": seconds}
            )
    if len(rows) < 2:
        return None
    metric = headlines(results[0])[0]
    across = {
        "field": "seconds",
        "type": "quantitative",
        "scale": {"type": "log", "padding": 30},
        "title": "CPU time of the answers, seconds",
    }
    spec = {
        "data": {"values": rows},
        "width": 3 * _SIDE,
        "height": 220,
        "encoding": {"x": across, "y": _measured("value", metric)},
        "layer": [
            {
                "mark": {"type": "rule", "color": "#888888"},
                "encoding": {"y": _measured("low", metric), "y2": {"field": "high"}},
            },
            {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1}},
            {
                "mark": {"type": "text", "align": "left", "dx": 7, "dy": -7},
                "encoding": {"text": {"field": "model"}},
            },
        ],
    }
    return chart(spec, f"{metric} against CPU time for {len(rows)} models")


def _measured(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "scale": {"zero": False}, "title": title}


def _models() -> dict[str, Any]:
    axis = {"minExtent": 190, "maxExtent": 190, "labelLimit": 180}
    return {"field": "model", "type": "nominal", "sort": None, "title": None, "axis": axis}
