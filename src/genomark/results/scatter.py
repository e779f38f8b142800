"""Two models, task by task: a point a task, with the intervals of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from genomark.results.drawing import (
    GROUP_COLOURS,
    QUIET,
    bounds,
    box,
    drawing,
    line,
    plain,
    shortened,
    text,
    ticks,
    titled,
    width_of,
)

_SIDE = 400
_LEFT, _TOP, _BELOW = 64, 16, 52
_LETTERS = 48
_RADIUS = 4.5


@dataclass(frozen=True)
class Estimate:
    """A value and its interval, where it has one."""

    value: float
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        """Write as a table does."""
        between = f" [{self.interval[0]:.3f}, {self.interval[1]:.3f}]" if self.interval else ""
        return f"{self.value:.3f}{between}"

    @property
    def ends(self) -> tuple[float, ...]:
        """All that has to find room."""
        return (self.value, *(self.interval or ()))


@dataclass(frozen=True)
class Point:
    """A task, the group it is shown as, and what both models have on it."""

    name: str
    group: str
    x: Estimate
    y: Estimate


def scatter(points: Sequence[Point], x_name: str, y_name: str, *, measure: str) -> str:
    """Draw one model against another.

    Parameters
    ----------
    points : sequence of Point
        One or more. Groups have colours and shapes in the order in which they come.
    x_name, y_name : str
        The models.
    measure : str
        What the values are.

    Returns
    -------
    str
        An ``<svg>`` element. On the dashed diagonal both are equal.
    """
    ends = [end for point in points for end in (*point.x.ends, *point.y.ends)]
    low, high = bounds(ends)
    groups = list(dict.fromkeys(point.group for point in points))

    def across(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * _SIDE

    def up(value: float) -> float:
        return _TOP + (high - value) / (high - low) * _SIDE

    parts = [*_axes(low, high, across, up)]
    parts.append(line(across(low), up(low), across(high), up(high), stroke_dasharray="5 4"))
    bottom = _TOP + _SIDE
    x_label, y_label = (f"{shortened(name, _LETTERS)}, {measure}" for name in (x_name, y_name))
    parts.append(text(_LEFT + _SIDE / 2, bottom + 40, x_label, text_anchor="middle"))
    turned = f"rotate(-90 16 {_TOP + _SIDE / 2:.1f})"
    parts.append(text(16, _TOP + _SIDE / 2, y_label, text_anchor="middle", transform=turned))
    for point in points:
        title = f"{point.name} ({point.group}); {x_name}: {point.x}; {y_name}: {point.y}"
        place = (across(point.x.value), up(point.y.value))
        bars = _bars(point, across, up)
        parts.append(titled(title, *bars, _mark(*place, groups.index(point.group))))
    right = _LEFT + _SIDE + 28
    for number, group in enumerate(groups):
        y = _TOP + 12 + number * 20
        parts += [_mark(right, y, number), text(right + 14, y + 4, group)]
    width = right + 14 + width_of(groups) + 8
    label = f"{x_name} against {y_name} on {len(points)} tasks"
    return drawing(width, bottom + _BELOW, label, parts)


def _axes(
    low: float, high: float, across: Callable[[float], float], up: Callable[[float], float]
) -> list[str]:
    parts = [box(_LEFT, _TOP, _SIDE, _SIDE, fill="none", stroke=QUIET)]
    for tick in ticks(low, high):
        x, y, said = across(tick), up(tick), f"{tick:.4g}"
        bottom = _TOP + _SIDE
        parts += [line(x, bottom, x, bottom + 4), line(_LEFT - 4, y, _LEFT, y)]
        parts.append(text(x, bottom + 18, said, text_anchor="middle"))
        parts.append(text(_LEFT - 8, y + 4, said, text_anchor="end"))
    return parts


def _bars(
    point: Point, across: Callable[[float], float], up: Callable[[float], float]
) -> list[str]:
    bars = []
    x, y = across(point.x.value), up(point.y.value)
    if point.x.interval:
        bars.append(line(across(point.x.interval[0]), y, across(point.x.interval[1]), y))
    if point.y.interval:
        bars.append(line(x, up(point.y.interval[0]), x, up(point.y.interval[1])))
    return bars


def _mark(x: float, y: float, group: int) -> str:
    """Draw the shape of a group; after as many as there are shapes and colours they begin anew."""
    colour = plain(GROUP_COLOURS[group % len(GROUP_COLOURS)])
    corners = _CORNERS[group % len(_CORNERS)]
    if not corners:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{colour}"/>'
    placed = " ".join(
        f"{x + far * _RADIUS * math.sin(turn * math.pi):.1f},"
        f"{y - far * _RADIUS * math.cos(turn * math.pi):.1f}"
        for turn, far in corners
    )
    return f'<polygon points="{placed}" fill="{colour}"/>'


def _regular(
    corners: int, turned: float = 0.0, far: float = 1.2
) -> tuple[tuple[float, float], ...]:
    return tuple((turned + 2 * place / corners, far) for place in range(corners))


#: Circle, square, triangle, diamond, triangle downwards, five-pointed star: corners, each by its
#: angle in half turns and its distance from the middle in radii.
_CORNERS: tuple[tuple[tuple[float, float], ...], ...] = (
    (),
    _regular(4, 0.25),
    _regular(3),
    _regular(4, far=1.35),
    _regular(3, 1.0),
    tuple((place / 5, 1.5 if place % 2 == 0 else 0.6) for place in range(10)),
)
