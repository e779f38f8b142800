"""A forest plot: estimates one below the other, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from genomark.results.drawing import (
    GROUP_COLOURS,
    QUIET,
    bounds,
    drawing,
    line,
    shortened,
    text,
    ticks,
    titled,
    width_of,
)
from genomark.results.scatter import Estimate

_WIDTH, _ROW, _TOP, _MARGIN = 360, 22, 10, 10
_RADIUS = 4.5
#: Letters of a name; the whole name is in the title.
_LETTERS = 44


@dataclass(frozen=True)
class Drawn:
    """A row: what it is of, and whether it is drawn quietly, as what is not shown to differ."""

    name: str
    estimate: Estimate
    quiet: bool = False


@dataclass(frozen=True)
class Mark:
    """A dashed line at a value that others are read against, and what it says."""

    value: float
    name: str


def interval_plot(
    rows: Sequence[Drawn], *, measure: str, label: str, marks: Sequence[Mark] = ()
) -> str:
    """Draw estimates.

    Parameters
    ----------
    rows : sequence of Drawn
        One or more, from top to bottom.
    measure : str
        What the values are.
    label : str
        What the image shows, for who cannot see it.
    marks : sequence of Mark

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    ends = [end for row in rows for end in row.estimate.ends] + [mark.value for mark in marks]
    low, high = _extent(ends)
    names = [shortened(row.name, _LETTERS) for row in rows]
    said = [_figures(row.estimate, high - low) for row in rows]
    left = width_of(names) + 2 * _MARGIN
    right = left + _WIDTH
    bottom = _TOP + len(rows) * _ROW

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * _WIDTH

    parts = [line(left, bottom, right, bottom)]
    for tick in ticks(low, high):
        x = across(tick)
        parts.append(line(x, _TOP, x, bottom + 4, stroke_opacity="0.35"))
        parts.append(text(x, bottom + 18, f"{tick:.4g}", text_anchor="middle"))
    for mark in marks:
        x = across(mark.value)
        dashed = line(x, _TOP, x, bottom, stroke="currentColor", stroke_dasharray="5 4")
        parts.append(titled(f"{mark.name}: {mark.value:.4g}", dashed))
    for place, row in enumerate(rows):
        y = _TOP + (place + 0.5) * _ROW
        parts.append(
            titled(
                f"{row.name}: {said[place]}",
                text(left - _MARGIN, y + 4, names[place], text_anchor="end"),
                *_bar(row, across(row.estimate.value), y, [across(e) for e in row.estimate.ends]),
                text(right + _MARGIN, y + 4, said[place]),
            )
        )
    told = ", ".join([measure, *(f"dashed: {mark.name}" for mark in marks if mark.name)])
    parts.append(text(left + _WIDTH / 2, bottom + 38, told, text_anchor="middle"))
    over = max(width_of(said), width_of([told]) / 2 - _WIDTH / 2)
    return drawing(right + 2 * _MARGIN + over, bottom + 46, label, parts)


def _extent(ends: Sequence[float]) -> tuple[float, float]:
    """Make room for all, in steps that suit what they span."""
    span = max(ends) - min(ends) or abs(ends[0]) or 1.0
    return bounds(ends, 10.0 ** math.floor(math.log10(span)) / 2)


def _figures(estimate: Estimate, extent: float) -> str:
    """Write a value and its interval, with as many decimals as the drawing can show."""
    places = max(3 if extent < 10 else 0, 2 - math.floor(math.log10(extent)))
    between = (
        f" [{estimate.interval[0]:.{places}f}, {estimate.interval[1]:.{places}f}]"
        if estimate.interval
        else ""
    )
    return f"{estimate.value:.{places}f}{between}"


def _bar(row: Drawn, x: float, y: float, ends: Sequence[float]) -> list[str]:
    colour = QUIET if row.quiet else GROUP_COLOURS[0]
    parts = [line(min(ends), y, max(ends), y, stroke=colour, stroke_width="2")] if ends[1:] else []
    return [*parts, f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{colour}"/>']
