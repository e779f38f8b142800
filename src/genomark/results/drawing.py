"""What drawings are made of: SVG elements with escaped text, ticks, colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

#: Colours from low to high: cividis, whose steps look the same with and without colour blindness
#: (Nuñez, Anderton and Renslow 2018, PLOS ONE 13:e0199239).
_SCALE = (
    "#00224e",
    "#123570",
    "#3b496c",
    "#575d6d",
    "#707173",
    "#8a8678",
    "#a59c74",
    "#c3b369",
    "#e1cc55",
    "#fee838",
)
#: Colours of groups that are told apart by shape, too (Okabe and Ito 2008).
GROUP_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
#: Reads on a light page and on a dark one.
QUIET = "#888888"

#: Pixels: of text, and of a letter, of which none is much wider on average.
FONT_SIZE = 12
_LETTER = 6.8


def plain(text: str) -> str:
    """Blank out what cannot be printed, and escape the rest: names come from strangers."""
    return escape(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def shortened(text: str, letters: int) -> str:
    """Cut the middle out of a long name."""
    if len(text) <= letters:
        return text
    head = letters // 2
    return f"{text[:head]}…{text[head + 1 - letters :]}"


def width_of(texts: Sequence[str]) -> float:
    """Pixels that the longest of some texts takes."""
    return max((len(text) for text in texts), default=0) * _LETTER


def drawing(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    """Put elements together as an SVG image; lines and text have the colour of the page's text."""
    size = f"{math.ceil(width)} {math.ceil(height)}"
    wide, high = size.split()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{wide}" '
        f'height="{high}" role="img" aria-label="{plain(label)}" '
        f'font-family="sans-serif" font-size="{FONT_SIZE}" fill="currentColor">'
        f"{''.join(parts)}</svg>"
    )


def on_white(svg: str) -> str:
    """Give an image that stands alone a ground of its own, as there is no page behind it."""
    head, _, rest = svg.partition(">")
    return f'{head} color="#222222"><rect width="100%" height="100%" fill="#ffffff"/>{rest}\n'


def text(x: float, y: float, said: str, **attributes: str) -> str:
    """Draw text, its baseline at `y`."""
    return f'<text x="{x:.1f}" y="{y:.1f}"{_written(attributes)}>{plain(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str) -> str:
    """Draw a line, quiet unless told otherwise."""
    attributes = {"stroke": QUIET, **attributes}
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"{_written(attributes)}/>'


def box(x: float, y: float, width: float, height: float, **attributes: str) -> str:
    """Draw a rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        f"{_written(attributes)}/>"
    )


def titled(title: str, *parts: str) -> str:
    """Group elements under a title, which a reader sees who points at them."""
    return f"<g><title>{plain(title)}</title>{''.join(parts)}</g>"


def _written(attributes: dict[str, str]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
    )


def colour_at(share: float) -> str:
    """Colour of a place on the scale, 0 for its lower end and 1 for its upper."""
    place = min(max(share, 0.0), 1.0) * (len(_SCALE) - 1)
    low = min(int(place), len(_SCALE) - 2)
    mixed = (
        round(a + (b - a) * (place - low))
        for a, b in zip(_channels(_SCALE[low]), _channels(_SCALE[low + 1]), strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def colour_bar(
    x: float, y: float, width: float, steps: int, colour: Callable[[float], str] = colour_at
) -> list[str]:
    """Draw the colours of a scale, its lower end on the left, as high as text."""
    step = width / steps
    return [
        # A little wider than a step, so that no ground shows between two.
        box(x + place * step, y, step + 0.5, FONT_SIZE, fill=colour((place + 0.5) / steps))
        for place in range(steps)
    ]


def ink_on(colour: str) -> str:
    """Black or white, whichever stands out more (WCAG 2.2, relative luminance)."""
    linear = [
        value / 12.92 if (value := each / 255) <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for each in _channels(colour)
    ]
    luminance = sum(
        share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
    # Contrast is the ratio of luminances, to each of which 0.05 is added.
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def bounds(values: Sequence[float], step: float = 0.05) -> tuple[float, float]:
    """Whole steps around some values; never of no extent."""
    low = math.floor(min(values) / step + 1e-9) * step
    high = math.ceil(max(values) / step - 1e-9) * step
    return (low, high) if high > low else (low, low + step)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`, at most so many."""
    raw = (high - low) / (most - 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
