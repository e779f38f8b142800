"""Score against similarity to training data: a point a step, with its interval, a line a model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from genomark.errors import one_line
from genomark.results.drawing import (
    GROUP_COLOURS,
    bounds,
    box,
    drawing,
    line,
    shortened,
    text,
    ticks,
    titled,
    width_of,
)
from genomark.results.leakage_words import between
from genomark.scoring import LeakageBin

_WIDTH, _HEIGHT = 460, 220
_LEFT, _TOP, _BELOW = 62, 14, 66
_RADIUS = 4.0
#: Pixels that the points of one model are shifted beside those of the next.
_SHIFT = 6.0
_LETTERS = 40
#: Patterns of lines, one a model, for who sees no colours.
_DASHES = ("none", "7 3", "2 3", "9 3 2 3", "5 5", "1 2")

_Place = Callable[[float], float]


def leakage_curve(curves: Mapping[str, Sequence[LeakageBin]], metric: str) -> str | None:
    """Draw the scores of models by how similar items are to what they were trained on.

    Parameters
    ----------
    curves : mapping of str to sequence of LeakageBin
        By the model's name; the first six that have a score are drawn.
    metric : str
        That the scores are of.

    Returns
    -------
    str or None
        An ``<svg>`` element. Below the axis stand the items of each step, of the first model. None
        where there is no score at any similarity.
    """
    told = {
        model: [each for each in bins if each.value is not None] for model, bins in curves.items()
    }
    drawn = dict([(model, bins) for model, bins in told.items() if bins][: len(_DASHES)])
    if not drawn:
        return None
    low, high = bounds([end for bins in drawn.values() for each in bins for end in _ends(each)])
    metric = one_line(metric)

    def across(similarity: float) -> float:
        return _LEFT + similarity * _WIDTH

    def up(value: float) -> float:
        return _TOP + (high - value) / (high - low) * _HEIGHT

    parts = _axes(metric, ticks(low, high), across, up)
    parts += _counts(curves[next(iter(drawn))], across)
    for place, (model, bins) in enumerate(drawn.items()):
        shift = (place - (len(drawn) - 1) / 2) * _SHIFT
        parts += _curve(model, place, bins, across, up, shift)
    names = [shortened(one_line(model), _LETTERS) for model in drawn]
    right = _LEFT + _WIDTH + 18
    for place, name in enumerate(names):
        y = _TOP + 12 + place * 20
        parts += [_stroke(right, y, right + 24, y, place), text(right + 30, y + 4, name)]
    label = f"{metric} by similarity to training data: {', '.join(names)}"
    return drawing(right + 38 + width_of(names), _TOP + _HEIGHT + _BELOW, label, parts)


def _axes(metric: str, values: Sequence[float], across: _Place, up: _Place) -> list[str]:
    bottom = _TOP + _HEIGHT
    parts = [box(_LEFT, _TOP, _WIDTH, _HEIGHT, fill="none", stroke="#888888")]
    for value in values:
        y = up(value)
        parts.append(line(_LEFT, y, _LEFT + _WIDTH, y, stroke_opacity="0.35"))
        parts.append(text(_LEFT - 8, y + 4, f"{value:.4g}", text_anchor="end"))
    for step in range(0, 11, 2):
        x = across(step / 10)
        parts.append(line(x, bottom, x, bottom + 4))
        parts.append(text(x, bottom + 34, f"{step / 10:.1f}", text_anchor="middle"))
    middle = _TOP + _HEIGHT / 2
    turned = f"rotate(-90 16 {middle:.1f})"
    parts.append(text(16, middle, metric, text_anchor="middle", transform=turned))
    said = "similarity to training data (small figures: items)"
    parts.append(text(_LEFT + _WIDTH / 2, bottom + 54, said, text_anchor="middle"))
    return parts


def _counts(bins: Sequence[LeakageBin], across: _Place) -> list[str]:
    y = _TOP + _HEIGHT + 16
    return [
        text(
            across((each.low + each.high) / 2),
            y,
            f"{each.n:,}",
            text_anchor="middle",
            font_size="9",
        )
        for each in bins
    ]


def _curve(
    model: str,
    place: int,
    bins: Sequence[LeakageBin],
    across: _Place,
    up: _Place,
    shift: float,
) -> list[str]:
    """Draw one model: a line through its points, each with its interval."""
    points = [
        (across((each.low + each.high) / 2) + shift, up(each.value), each)
        for each in bins
        if each.value is not None
    ]
    parts = [
        _stroke(x, y, next_x, next_y, place)
        for (x, y, _), (next_x, next_y, _) in itertools.pairwise(points)
    ]
    for x, y, each in points:
        value = between(each.value or 0.0, each.interval)
        title = f"{model}, similarity {each.low:.1f} to {each.high:.1f}: {value}, {each.n:,} items"
        dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{GROUP_COLOURS[place]}"/>'
        parts.append(titled(title, *_interval(x, each, up, GROUP_COLOURS[place]), dot))
    return parts


def _interval(x: float, each: LeakageBin, up: _Place, colour: str) -> list[str]:
    if each.interval is None:
        return []
    low, high = each.interval
    return [line(x, up(low), x, up(high), stroke=colour)]


def _stroke(x1: float, y1: float, x2: float, y2: float, place: int) -> str:
    return line(
        x1,
        y1,
        x2,
        y2,
        stroke=GROUP_COLOURS[place],
        stroke_width="1.5",
        stroke_dasharray=_DASHES[place],
    )


def _ends(each: LeakageBin) -> Sequence[float]:
    return (*(() if each.value is None else (each.value,)), *(each.interval or ()))
