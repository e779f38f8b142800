"""Effects of all substitutions of a sequence as colours, and its bases as tall as they matter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genomark.models.explain.mutagenesis import Mutagenesis
from genomark.results.drawing import (
    FONT_SIZE,
    QUIET,
    box,
    colour_bar,
    drawing,
    line,
    text,
    ticks,
    titled,
    width_of,
)

#: Positions that are drawn: more would be a file that no page shows quickly.
MOST_POSITIONS = 2000

_COLUMN, _ROW, _LOGO = 11, 14, 64
#: Positions side by side; more go on below.
_ACROSS = 100
_LEFT, _MARGIN, _GAP = 64, 8, 6
_LEGEND_WIDTH, _LEGEND_STEPS = 200, 40
#: Falls, stays, rises: far apart with and without colour blindness (Okabe and Ito 2008).
_FALLS, _STAYS, _RISES = (0, 114, 178), (247, 247, 247), (213, 94, 0)
_LETTER_COLOURS = {
    "A": "#009e73",
    "C": "#0072b2",
    "G": "#e69f00",
    "T": "#d55e00",
    "U": "#d55e00",
}
#: Outlines of letters in a square of side 1: letters of a font would not fill their height.
_OUTLINES = {
    "A": "M0 1L.38 0H.62L1 1H.8L.72 .77H.28L.2 1ZM.34 .6H.66L.5 .14Z",
    "C": "M.97 .35C.93 .12 .76 0 .52 0C.2 0 .02 .2 .02 .5C.02 .8 .2 1 .52 1C.76 1 .93 .88 .97 .65"
    "L.77 .61C.74 .76 .66 .84 .52 .84C.33 .84 .23 .72 .23 .5C.23 .28 .33 .16 .52 .16"
    "C.66 .16 .74 .24 .77 .39Z",
    "G": "M.97 .35C.93 .12 .76 0 .52 0C.2 0 .02 .2 .02 .5C.02 .8 .2 1 .52 1C.72 1 .88 .92 .98 .8"
    "V.46H.54V.61H.78V.74C.71 .81 .63 .84 .52 .84C.33 .84 .23 .72 .23 .5C.23 .28 .33 .16 .52 .16"
    "C.66 .16 .74 .24 .77 .39Z",
    "T": "M0 0H1V.17H.6V1H.4V.17H0Z",
    "U": "M.04 0H.24V.6C.24 .76 .34 .84 .5 .84C.66 .84 .76 .76 .76 .6V0H.96V.61"
    "C.96 .87 .77 1 .5 1C.23 1 .04 .87 .04 .61Z",
}

Floats = NDArray[np.float64]


def mutagenesis_map(found: Mutagenesis, *, measure: str, label: str, output: int = 0) -> str:
    """Draw effects by position and new base, and below them the importance of each base.

    Parameters
    ----------
    found : Mutagenesis
        Of its positions the first `MOST_POSITIONS` are drawn.
    measure : str
        What changes; stands at the legend.
    label : str
        What the image shows, for who cannot see it.
    output : int
        Which output, where there are several.

    Returns
    -------
    str
        An ``<svg>`` element. White is no effect, and the largest effect, up or down, has the
        deepest colour; a dot marks the base that is there. A letter stands above the line where
        the answer falls without it.
    """
    effects = found.effects if found.effects.ndim == 2 else found.effects[..., output]
    importance = found.importance if found.effects.ndim == 2 else found.importance[:, output]
    positions = found.positions[:MOST_POSITIONS]
    largest = _largest(effects[positions])
    known = importance[positions][np.isfinite(importance[positions])]
    high, low = float(known.max(initial=0.0)), float(known.min(initial=0.0))
    parts: list[str] = []
    top = float(_MARGIN)
    for start in range(0, positions.size, _ACROSS):
        shown = positions[start : start + _ACROSS]
        parts += _names(found.sequence, top)
        for column, position in enumerate(shown.tolist()):
            x = _LEFT + column * _COLUMN
            parts += _cells(x, top, found.sequence, position, effects[position], largest)
        top += 4 * _ROW + _GAP
        parts += _logo(top, found.sequence, shown, importance, high, low)
        top += _LOGO + FONT_SIZE + 3 * _MARGIN
    parts += _legend(_LEFT, top, largest, f"change in {measure}")
    across = min(positions.size, _ACROSS) * _COLUMN
    key = _LEGEND_WIDTH + width_of([f"change in {measure}"]) + 3 * _MARGIN
    return drawing(_LEFT + max(across, key) + _MARGIN, top + 40, label, parts)


def _largest(values: Floats) -> float:
    """Largest absolute value; 1 where nothing is known or nothing changes."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0


def _letters(sequence: str) -> str:
    return "ACGU" if "U" in sequence and "T" not in sequence else "ACGT"


def _names(sequence: str, top: float) -> Iterator[str]:
    for row, letter in enumerate(_letters(sequence)):
        y = top + (row + 0.8) * _ROW
        yield text(_LEFT - _GAP, y, letter, text_anchor="end")


def _cells(
    x: float, top: float, sequence: str, position: int, effects: Floats, largest: float
) -> Iterator[str]:
    own = sequence[position]
    for row, letter in enumerate(_letters(sequence)):
        y, effect = top + row * _ROW, float(effects[row])
        if not np.isfinite(effect):
            continue
        if letter == own or {letter, own} == {"T", "U"}:
            yield f'<circle cx="{x + _COLUMN / 2:.1f}" cy="{y + _ROW / 2:.1f}" r="1.5"/>'
            continue
        yield titled(
            f"{position + 1:,} {own}>{letter}: {effect:+.4g}",
            box(x, y, _COLUMN, _ROW, fill=_colour(effect / largest)),
        )


def _colour(share: float) -> str:
    """Colour of an effect, from -1 (falls most) to 1 (rises most)."""
    end, far = (_RISES, share) if share > 0 else (_FALLS, -share)
    mixed = (round(a + (b - a) * far) for a, b in zip(_STAYS, end, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _logo(
    top: float,
    sequence: str,
    shown: NDArray[np.int64],
    importance: Floats,
    high: float,
    low: float,
) -> Iterator[str]:
    """Letters on a line at zero, all blocks of a drawing to one scale, and numbered positions."""
    values = importance[shown]
    extent = (high - low) or 1.0
    zero = top + high / extent * _LOGO
    yield line(_LEFT, zero, _LEFT + shown.size * _COLUMN, zero)
    for value in dict.fromkeys((high, 0.0, low)):
        y = zero - value / extent * _LOGO
        yield text(_LEFT - _GAP, y + 4, f"{value:.3g}", text_anchor="end", fill=QUIET)
    for column, (position, value) in enumerate(zip(shown.tolist(), values.tolist(), strict=True)):
        x = _LEFT + column * _COLUMN
        if np.isfinite(value) and sequence[position] in _OUTLINES:
            yield titled(
                f"{position + 1:,} {sequence[position]}: importance {value:+.4g}",
                _letter(sequence[position], x, zero, value / extent * _LOGO),
            )
        if (position + 1) % 10 == 0 or column == 0:
            at = x + _COLUMN / 2
            yield text(at, top + _LOGO + FONT_SIZE + 4, f"{position + 1}", text_anchor="middle")


def _letter(letter: str, x: float, zero: float, height: float) -> str:
    """Draw a letter that stands on the line, or, below it, hangs from it."""
    top = zero - max(height, 0.0)
    return (
        f'<path d="{_OUTLINES[letter]}" fill="{_LETTER_COLOURS[letter]}" fill-rule="evenodd" '
        f'transform="translate({x + 0.5:.1f} {top:.2f}) '
        f'scale({_COLUMN - 1} {abs(height):.2f})"/>'
    )


def _legend(x: float, y: float, largest: float, measure: str) -> Iterator[str]:
    yield from colour_bar(x, y, _LEGEND_WIDTH, _LEGEND_STEPS, lambda share: _colour(2 * share - 1))
    for tick in ticks(-largest, largest, most=5):
        at = x + (tick / largest + 1) / 2 * _LEGEND_WIDTH
        yield line(at, y + FONT_SIZE, at, y + FONT_SIZE + 4)
        yield text(at, y + FONT_SIZE + 17, f"{tick:.3g}", text_anchor="middle")
    yield text(x + _LEGEND_WIDTH + 2 * _MARGIN, y + 11, measure)
