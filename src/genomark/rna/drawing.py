"""A secondary structure as an SVG image that reads on light pages and on dark ones.

Where bases lie is told by ViennaRNA's RNApuzzler, whose drawings have no crossing lines
(Wiegreffe et al. 2019, Bioinformatics 35:1342).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.rna.parameters import vienna_rna
from genomark.rna.structure import Partners, dot_bracket, nested_partners, pair_set, partners

Floats = NDArray[np.float64]

#: Light grounds, on which letters are black whatever the page is.
_BASES = {"A": "#ffd166", "C": "#8ecae6", "G": "#f4a3a3", "U": "#a8d5a2"}
_OTHER_BASE = "#d9d9d9"
#: From unlikely over undecided to likely; told apart with colour blindness, too (after Okabe and
#: Ito 2008).
_SCALE = ("#e69f00", "#f5f0dc", "#56b4e9")
#: Contrast of 4.5 with white and of 4.6 with black.
_QUIET = "#767676"
_PAIR = "#4a90d9"
_CROSSING = "#d1495b"

#: Pixels. Neighbours lie 25 apart.
_RADIUS = 9.5
_LETTER_SIZE, _NUMBER_SIZE = 12.0, 11.0
#: From a base to its number, and between the drawing and the edge.
_NUMBER_DISTANCE, _MARGIN = 24.0, 44.0
#: Title, ends and hundreds grow with a drawing that is larger than so much.
_TITLE_SIZE, _GROWS_OVER = 16.0, 1100.0
#: How large an image shows itself at first: it can be scaled without loss.
_LARGEST_SHOWN = 1600.0
_LEGEND_STEPS = 20
_LEGEND = "probability of the pair, or of being unpaired: 0 to 1"
#: Of the legend, in letters of the title, its colours among them.
_LEGEND_WIDTH = 56
#: How far an arc leaves the straight line, as a share of its length.
_BEND = 0.3


def draw(
    sequence: str,
    structure: str,
    *,
    name: str = "",
    energy: float | None = None,
    agreement: Sequence[float] | Floats | None = None,
) -> str:
    """Draw a structure.

    Parameters
    ----------
    sequence : str
        Written into the bases.
    structure : str
        Dot-bracket; pairs of other brackets than ``()`` are drawn as arcs over the others.
    name : str
        For the title.
    energy : float, optional
        Free energy, kcal/mol, for the title.
    agreement : sequence of float, shape (length,), optional
        Probability of what the structure says of each base, 0 to 1, as of
        `genomark.rna.vienna.Ensemble`: colours the bases, which have the colour of their letter
        otherwise.

    Returns
    -------
    str
        An SVG document; the same input gives the same text.

    Raises
    ------
    UsageError
        If lengths differ, there is no base, the structure cannot be read, or ViennaRNA is not
        installed.
    """
    _check(sequence, structure, agreement)
    nested = nested_partners(structure)
    places = _layout(dot_bracket(nested))
    title = _title(name, len(sequence), energy)
    extent = float(np.ptp(places, axis=0).max())
    scale = max(1.0, extent / _GROWS_OVER)
    margin = _MARGIN * (1 + scale) / 2
    low, high = places.min(axis=0) - margin, places.max(axis=0) + margin
    crossing = sorted(pair_set(partners(structure)) - pair_set(nested))
    arcs = [_arc(places, first, second) for first, second in crossing]
    if arcs:
        tops = np.array([top for _, top in arcs])
        low, high = np.minimum(low, tops.min(axis=0) - 8), np.maximum(high, tops.max(axis=0) + 8)
    width, height = high - low
    size = _TITLE_SIZE * scale
    # A letter is about half as wide as it is high.
    told = len(title) if agreement is None else max(len(title), _LEGEND_WIDTH)
    width = max(width, 0.55 * size * told + margin)
    head = size * (2.0 if agreement is None else 3.6)
    parts = [
        _text(low[0] + margin / 2, low[1] - head + 1.3 * size, title, size, bold=True),
        *([] if agreement is None else _legend(low[0] + margin / 2, low[1] - 0.8 * size, size)),
        _backbone(places),
        *_pairs(places, nested),
        *(path for path, _ in arcs),
        *_bases(sequence, places, agreement),
        *_numbers(places, scale),
        *_ends(places, scale),
    ]
    box = (low[0], low[1] - head, width, height + head)
    return _document(title, f"{title}: {structure}", box, parts)


def loop_kinds(structure: str) -> list[str]:
    """Tell for each symbol what it is part of, list of str.

    ``stem`` for nested pairs, ``crossing`` for others; for unpaired bases the loop they are in:
    ``hairpin``, ``interior`` (bulges, too), ``multiloop`` or ``exterior``.
    """
    nested, pairs = nested_partners(structure).tolist(), partners(structure).tolist()
    enclosing: list[int | None] = [None] * len(nested)
    branches: dict[int | None, int] = {}
    closing: list[int] = []
    for position, partner in enumerate(nested):
        if partner > position:
            if closing:
                branches[closing[-1]] += 1
            branches[position] = 0
            closing.append(position)
        elif partner >= 0:
            closing.pop()
        else:
            enclosing[position] = closing[-1] if closing else None
    return [
        _kind(nested[position] >= 0, pairs[position] >= 0, branches.get(around))
        for position, around in enumerate(enclosing)
    ]


def _kind(stem: bool, paired: bool, branches: int | None) -> str:
    if stem:
        return "stem"
    if paired:
        return "crossing"
    if branches is None:
        return "exterior"
    return ("hairpin", "interior", "multiloop")[min(branches, 2)]


def _check(sequence: str, structure: str, agreement: Sequence[float] | Floats | None) -> None:
    if not sequence:
        raise UsageError("no bases to draw; expected at least one")
    told = {"symbols of structure": len(structure)}
    if agreement is not None:
        told["probabilities"] = len(agreement)
    for what, number in told.items():
        if number != len(sequence):
            raise UsageError(f"{number:,} {what} for {len(sequence):,} bases; expected as many")


def _title(name: str, length: int, energy: float | None) -> str:
    said = [name, f"{length:,} nt", None if energy is None else f"{energy:.2f} kcal/mol"]
    return " · ".join(filter(None, said))


def _layout(structure: str) -> Floats:
    """Place bases, float64[length, 2]; y grows downwards."""
    rna = vienna_rna()
    before = rna.cvar.rna_plot_type
    rna.cvar.rna_plot_type = rna.PLOT_TYPE_PUZZLER
    try:
        found = rna.get_xy_coordinates(structure)
    finally:
        rna.cvar.rna_plot_type = before
    told = [found.get(position) for position in range(len(structure))]
    return np.array([(place.X, place.Y) for place in told], dtype=np.float64)


def _backbone(places: Floats) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{points}" fill="none" stroke="{_QUIET}" stroke-width="1.5"/>'


def _pairs(places: Floats, nested: Partners) -> list[str]:
    return [
        f'<line x1="{places[i, 0]:.1f}" y1="{places[i, 1]:.1f}" x2="{places[j, 0]:.1f}" '
        f'y2="{places[j, 1]:.1f}" stroke="{_PAIR}" stroke-width="3"/>'
        for i, j in sorted(pair_set(nested))
    ]


def _arc(places: Floats, first: int, second: int) -> tuple[str, Floats]:
    """Draw a pair over the others, bent away from the middle of the drawing; also give its top."""
    begin, end = places[first], places[second]
    middle = (begin + end) / 2
    across = np.array([begin[1] - end[1], end[0] - begin[0]])
    outwards = middle - places.mean(axis=0)
    side = -1.0 if float(across @ outwards) < 0 else 1.0
    bend = middle + side * across * _BEND
    path = (
        f'<path d="M{begin[0]:.1f},{begin[1]:.1f}Q{bend[0]:.1f},{bend[1]:.1f} {end[0]:.1f},'
        f'{end[1]:.1f}" fill="none" stroke="{_CROSSING}" stroke-width="2.5"/>'
    )
    return path, (middle + bend) / 2


def _bases(sequence: str, places: Floats, agreement: Sequence[float] | Floats | None) -> list[str]:
    parts = []
    for number, (letter, (x, y)) in enumerate(zip(sequence, places, strict=True)):
        if agreement is None:
            colour, told = _BASES.get(letter.upper().replace("T", "U"), _OTHER_BASE), ""
        else:
            colour, told = _colour(float(agreement[number])), f", {agreement[number]:.2f}"
        parts.append(
            f"<g><title>{_plain(letter)} {number + 1}{told}</title>"
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{colour}" stroke="{_QUIET}"/>'
            f'<text x="{x:.1f}" y="{y + 0.36 * _LETTER_SIZE:.1f}" font-size="{_LETTER_SIZE:g}" '
            f'text-anchor="middle" fill="#000000">{_plain(letter)}</text></g>'
        )
    return parts


def _numbers(places: Floats, scale: float) -> list[str]:
    """Write every tenth number outside of its loop or helix; hundreds read from afar."""
    parts = []
    for position in range(9, len(places), 10):
        number = position + 1
        hundred = number % 100 == 0
        size = _NUMBER_SIZE * (scale if hundred else 1.0)
        away = _NUMBER_DISTANCE + size - _NUMBER_SIZE
        x, y = places[position] + away * _outwards(places, position)
        said = _text(x, y + 0.36 * size, str(number), size, bold=hundred, anchor="middle")
        parts.append(said)
    return parts


def _outwards(places: Floats, position: int) -> Floats:
    """Point away from most bases that are near, float64[2], of length 1."""
    here = places[position]
    before, after = places[max(position - 1, 0)], places[min(position + 1, len(places) - 1)]
    along = after - before
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
    crowding = []
    for side in (across, -across):
        distance = np.hypot(*(places - (here + _NUMBER_DISTANCE * side)).T)
        crowding.append(float(np.exp(-distance / _NUMBER_DISTANCE).sum()))
    return across if crowding[0] <= crowding[1] else -across


def _ends(places: Floats, scale: float) -> list[str]:
    """Mark where the sequence begins and ends."""
    parts = []
    for end, neighbour, said in ((0, 1, "5′"), (-1, -2, "3′")):
        away = places[end] - places[neighbour] if len(places) > 1 else np.array([2 * end + 1, 0.0])
        away = away / max(float(np.hypot(*away)), 1e-9)
        size = 1.3 * _NUMBER_SIZE * scale
        x, y = places[end] + (_NUMBER_DISTANCE + 0.5 * (size - _NUMBER_SIZE)) * away
        parts.append(_text(x, y + 0.36 * size, said, size, bold=True, anchor="middle"))
    return parts


def _legend(x: float, y: float, size: float) -> list[str]:
    """Tell what colours mean."""
    step = 0.35 * size
    boxes = [
        f'<rect x="{x + number * step:.1f}" y="{y - size:.1f}" width="{1.1 * step:.1f}" '
        f'height="{0.7 * size:.1f}" fill="{_colour(number / (_LEGEND_STEPS - 1))}"/>'
        for number in range(_LEGEND_STEPS)
    ]
    at = x + (_LEGEND_STEPS + 1) * step
    return [*boxes, _text(at, y - 0.4 * size, _LEGEND, 0.75 * size)]


def _colour(share: float) -> str:
    place = min(max(share, 0.0), 1.0) * (len(_SCALE) - 1)
    low = min(int(place), len(_SCALE) - 2)
    mixed = [
        round(int(_SCALE[low][at : at + 2], 16) * (1 + low - place))
        + round(int(_SCALE[low + 1][at : at + 2], 16) * (place - low))
        for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{min(channel, 255):02x}" for channel in mixed)


def _text(
    x: float, y: float, said: str, size: float, *, bold: bool = False, anchor: str = "start"
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.3g}" text-anchor="{anchor}" '
        f'fill="{_QUIET}"{weight}>{_plain(said)}</text>'
    )


def _plain(text: str) -> str:
    """Blank out what cannot be printed, and escape the rest: names come from strangers."""
    return escape(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def _document(
    title: str, description: str, box: tuple[Any, Any, Any, Any], parts: Sequence[str]
) -> str:
    x, y, width, height = (float(each) for each in box)
    shown = min(1.0, _LARGEST_SHOWN / max(width, height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x:.1f} {y:.1f} {width:.1f} '
        f'{height:.1f}" width="{shown * width:.0f}" height="{shown * height:.0f}" role="img" '
        f'font-family="sans-serif"><title>{_plain(title)}</title>'
        f"<desc>{_plain(description)}</desc>{''.join(parts)}</svg>\n"
    )
