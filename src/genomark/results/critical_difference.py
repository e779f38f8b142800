"""A critical-difference diagram: models on the axis of mean ranks, bars over who is not apart."""

from __future__ import annotations

from collections.abc import Sequence

from genomark.errors import UsageError
from genomark.results.drawing import (
    FONT_SIZE,
    bounds,
    drawing,
    line,
    shortened,
    text,
    ticks,
    titled,
    width_of,
)
from genomark.scoring.across import Groups

_AXIS_WIDTH = 480
_MARGIN = 12
#: Letters of a model's name; the whole name is in the title.
_LETTERS = 44
#: Pixels from one bar to the next, and from one name to the next.
_BAR_STEP, _NAME_STEP = 8, 19
#: Pixels that a bar reaches over the first and the last of its models.
_OVERHANG = 4


def critical_difference(names: Sequence[str], found: Groups, *, alpha: float) -> str:
    """Draw models by mean rank, as Demšar 2006 does.

    Parameters
    ----------
    names : sequence of str
        Of all models that were grouped, in the order of the table.
    found : Groups
    alpha : float
        As it was grouped with.

    Returns
    -------
    str
        An ``<svg>`` element. The best model is on the left, its name on top; the better half has
        its names on the left.

    Raises
    ------
    UsageError
        If there is not a name for each model.
    """
    if len(names) != len(found.adjusted):
        raise UsageError(
            f"{len(names)} names for {len(found.adjusted)} models: expected one a model"
        )
    if not found.tasks:
        none = "No task has a value of every model."
        parts = [text(_MARGIN, FONT_SIZE + 4, none)]
        return drawing(width_of([none]) + 2 * _MARGIN, 2 * FONT_SIZE, none, parts)
    ordered = [names[model] for model in found.order]
    half = -(-len(ordered) // 2)
    said = [
        f"{shortened(name, _LETTERS)}  {rank:.2f}"
        for name, rank in zip(ordered, found.mean_rank, strict=True)
    ]
    left = width_of(said[:half]) + 2 * _MARGIN
    right = width_of(said[half:]) + 2 * _MARGIN
    low, high = bounds([float(rank) for rank in found.mean_rank], step=1.0)
    places = [left + (rank - low) / (high - low) * _AXIS_WIDTH for rank in found.mean_rank]
    top = 2 * _NAME_STEP + _MARGIN
    first_name = top + _BAR_STEP * (len(found.bars) + 1) + _NAME_STEP / 2
    width = left + _AXIS_WIDTH + right
    parts = _axis(left, top, low, high)
    for place, (name, x) in enumerate(zip(ordered, places, strict=True)):
        on_left = place < half
        row = place if on_left else len(ordered) - 1 - place
        title = f"{name}: mean rank {found.mean_rank[place]:.3f}"
        y = first_name + row * _NAME_STEP
        end = left - _MARGIN / 2 if on_left else left + _AXIS_WIDTH + _MARGIN / 2
        parts.append(titled(title, *_leader(x, top, y, end, said[place], on_left=on_left)))
    parts += [
        _bar(ordered, places, bar, top + _BAR_STEP * (number + 1))
        for number, bar in enumerate(found.bars)
    ]
    foot = first_name + half * _NAME_STEP + _MARGIN
    notes = _notes(found, alpha)
    for number, note in enumerate(notes):
        parts.append(text(_MARGIN, foot + number * _NAME_STEP, note))
    width = max(width, width_of(notes) + 2 * _MARGIN)
    label = f"Mean ranks of {len(ordered)} models over {found.tasks} tasks"
    return drawing(width, foot + len(notes) * _NAME_STEP, label, parts)


def _axis(left: float, top: float, low: float, high: float) -> list[str]:
    parts = [line(left, top, left + _AXIS_WIDTH, top, stroke="currentColor")]
    for tick in ticks(low, high, most=9):
        x = left + (tick - low) / (high - low) * _AXIS_WIDTH
        parts.append(line(x, top - 5, x, top, stroke="currentColor"))
        parts.append(text(x, top - 9, f"{tick:.4g}", text_anchor="middle"))
    middle = left + _AXIS_WIDTH / 2
    parts.append(text(middle, top - 9 - _NAME_STEP, "mean rank", text_anchor="middle"))
    return parts


def _leader(
    x: float, top: float, y: float, end: float, said: str, *, on_left: bool
) -> tuple[str, ...]:
    """Draw the line from the axis down to a model's name, and the name."""
    beyond = end - 5 if on_left else end + 5
    return (
        line(x, top, x, y),
        line(x, y, end, y),
        text(beyond, y + 4, said, text_anchor="end" if on_left else "start"),
    )


def _bar(names: Sequence[str], places: Sequence[float], bar: tuple[int, int], y: float) -> str:
    first, last = bar
    count = last - first + 1
    title = f"{count} models not told apart: {names[first]} to {names[last]}"
    ends = (places[first] - _OVERHANG, y, places[last] + _OVERHANG, y)
    return titled(title, line(*ends, stroke="currentColor", stroke_width="4"))


def _notes(found: Groups, alpha: float) -> list[str]:
    notes = [
        f"{found.tasks} tasks on which every model has a value; rank 1 is best.",
        "A bar joins models of which no two are told apart "
        f"(Wilcoxon signed ranks, Holm, {alpha:g}).",
    ]
    if found.unjoined:
        pairs = "pair is" if found.unjoined == 1 else "pairs are"
        notes.append(
            f"{found.unjoined} more {pairs} not told apart: a model that differs lies between."
        )
    return notes
