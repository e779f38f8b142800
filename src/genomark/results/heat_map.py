"""A heat map: models across, families or tasks down, each cell with its value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genomark.results.drawing import (
    FONT_SIZE,
    QUIET,
    bounds,
    box,
    colour_at,
    colour_bar,
    drawing,
    ink_on,
    line,
    shortened,
    text,
    ticks,
    titled,
    width_of,
)

_CELL_WIDTH, _CELL_HEIGHT = 54, 22
_MARGIN = 8
#: Letters of a row's and of a column's name; the whole name is in the title.
_ROW_LETTERS, _COLUMN_LETTERS = 44, 28
_LEGEND_WIDTH, _LEGEND_STEPS = 240, 48
#: Names of columns are written upwards at this angle, degrees.
_ANGLE = 45
_HEADING = {"text_anchor": "end", "font_weight": "bold"}


@dataclass(frozen=True)
class Cell:
    """A value, or None, and what a reader sees who points at it."""

    value: float | None
    title: str


def heat_map(
    rows: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    cells: Mapping[tuple[str, str], Cell],
    *,
    measure: str,
    label: str,
) -> str:
    """Draw values as colours.

    Parameters
    ----------
    rows : mapping of str to sequence of str
        By group; a group's name stands above its rows, unless it is empty.
    columns : sequence of str
    cells : mapping of (row, column) to Cell
        What is not in it is drawn as a cell without a value.
    measure : str
        Of all values; stands at the legend.
    label : str
        What the image shows, for who cannot see it.

    Returns
    -------
    str
        An ``<svg>`` element. The scale goes from the lowest value to the highest, in whole steps
        of 0.05, so equal colours in two drawings need not be equal values.
    """
    known = [cell.value for cell in cells.values() if cell.value is not None]
    low, high = bounds(known) if known else (0.0, 1.0)
    names = [shortened(name, _COLUMN_LETTERS) for name in columns]
    slope = math.sin(math.radians(_ANGLE))
    head = width_of(names) * slope + FONT_SIZE
    every = [shortened(row, _ROW_LETTERS) for group in rows.values() for row in group]
    left = max(width_of(every), width_of(list(rows))) + 2 * _MARGIN
    parts = [
        titled(full, _column_name(left + (place + 0.5) * _CELL_WIDTH, head, name))
        for place, (full, name) in enumerate(zip(columns, names, strict=True))
    ]
    top = head + _MARGIN
    for group, members in rows.items():
        if group:
            top += _CELL_HEIGHT
            parts.append(text(left - _MARGIN, top - 6, group, **_HEADING))
        for row in members:
            parts.append(_row_name(left - _MARGIN, top + 15, row))
            for across, column in enumerate(columns):
                cell = cells.get((row, column), Cell(None, f"{column}, {row}: not asked"))
                parts.append(_cell(left + across * _CELL_WIDTH, top, cell, low, high))
            top += _CELL_HEIGHT
    foot = top + 2 * _MARGIN
    parts.append(_legend(left, foot, low, high, measure))
    over = width_of(names[-1:]) * slope
    width = left + max(len(columns) * _CELL_WIDTH + over, _LEGEND_WIDTH + width_of([measure]) + 24)
    return drawing(width + _MARGIN, foot + FONT_SIZE + 24, label, parts)


def _column_name(x: float, y: float, name: str) -> str:
    return text(x, y, name, transform=f"rotate(-{_ANGLE} {x:.1f} {y:.1f})")


def _row_name(x: float, y: float, name: str) -> str:
    return titled(name, text(x, y, shortened(name, _ROW_LETTERS), text_anchor="end"))


def _cell(x: float, y: float, cell: Cell, low: float, high: float) -> str:
    middle = x + _CELL_WIDTH / 2
    if cell.value is None:
        frame = box(x + 1, y + 1, _CELL_WIDTH - 2, _CELL_HEIGHT - 2, fill="none", stroke=QUIET)
        return titled(cell.title, frame, text(middle, y + 15, "–", text_anchor="middle"))
    colour = colour_at((cell.value - low) / (high - low))
    return titled(
        cell.title,
        box(x, y, _CELL_WIDTH, _CELL_HEIGHT, fill=colour),
        text(middle, y + 15, f"{cell.value:.3f}", text_anchor="middle", fill=ink_on(colour)),
    )


def _legend(x: float, y: float, low: float, high: float, measure: str) -> str:
    parts = colour_bar(x, y, _LEGEND_WIDTH, _LEGEND_STEPS)
    below = y + FONT_SIZE
    for tick in ticks(low, high, most=6):
        at = x + (tick - low) / (high - low) * _LEGEND_WIDTH
        parts.append(line(at, below, at, below + 4))
        parts.append(text(at, below + 16, f"{tick:.4g}", text_anchor="middle"))
    parts.append(text(x + _LEGEND_WIDTH + 2 * _MARGIN, y + 11, measure))
    return "".join(parts)
