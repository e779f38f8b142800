"""Forest plots, one row of a table at a time: where points, ends and bars are, in pixels.

A row's drawing is stretched to the height of its row, so that lines run on from row to row; only
places across are told here. What is drawn stands as text in the cells beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from genomark.results.drawing import bounds, ticks

#: Pixels across, and kept free at either end.
WIDTH, _EDGE = 260, 10
#: Pixels from the bar of a tie set to the next, and how many sets are drawn.
BAR_STEP, MOST_BARS = 7, 16
#: Height of the box that each row is drawn in, before it is stretched.
HEIGHT = 24
_TICKS = 5


class Tick(NamedTuple):
    """A number on the axis."""

    x: float
    label: str


class Row(NamedTuple):
    """What one row shows: the point, and the ends of its interval where it has one."""

    x: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`."""

    low: float
    high: float
    width: int = WIDTH

    def at(self, value: float | None) -> float | None:
        """Pixels from the left; None for what is not there, the edge for what lies beyond."""
        if value is None or not math.isfinite(value):
            return None
        share = (value - self.low) / (self.high - self.low)
        inner = self.width - 2 * _EDGE
        return round(_EDGE + min(max(share, 0.0), 1.0) * inner, 1)

    def row(self, value: float | None, low: float | None, high: float | None) -> Row:
        """Place a value with its interval."""
        return Row(self.at(value), self.at(low), self.at(high))

    @property
    def ticks(self) -> list[Tick]:
        """Round numbers along it."""
        found = ((self.at(value), f"{value:.4g}") for value in ticks(self.low, self.high, _TICKS))
        return [Tick(x, label.replace("-", "−")) for x, label in found if x is not None]


def scale_of(values: Iterable[float | None], *, width: int = WIDTH) -> Scale:
    """Make room for all values that there are."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return Scale(0.0, 1.0, width)
    extent, largest = max(known) - min(known), max(map(abs, known))
    # Values that differ by rounding alone are one; and what is next to nothing is 0.
    extent = largest if extent < 1e-9 * largest else extent
    extent = extent if extent > 1e-12 else 1.0
    # A twentieth of the power of ten below: 0.05 for scores between 0 and 1.
    step = 10.0 ** math.floor(math.log10(extent)) / 2
    return Scale(*bounds(known, step), width)


class Bar(NamedTuple):
    """A tie set in one row: a member, or a line that passes by."""

    x: float
    member: bool


def tie_bars(rows: Sequence[str], sets: Sequence[Sequence[str]]) -> list[list[Bar]]:
    """Draw tie sets beside rows, each a bar from its first member to its last.

    Parameters
    ----------
    rows : sequence of str
        Slugs, in the order they are shown.
    sets : sequence of sequence of str
        Slugs; sets beyond the first `MOST_BARS` are left out, and those of one model.

    Returns
    -------
    list of list of Bar
        For each row.
    """
    places = {slug: place for place, slug in enumerate(rows)}
    bars: list[list[Bar]] = [[] for _ in rows]
    drawn = [{places[each] for each in members if each in places} for members in sets]
    for number, members in enumerate([each for each in drawn if len(each) > 1][:MOST_BARS]):
        x = BAR_STEP * (number + 0.5)
        for place in range(min(members), max(members) + 1):
            bars[place].append(Bar(x, place in members))
    return bars
