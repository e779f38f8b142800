"""A study of tokenizers as an image: what was learned, and what it was good for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from genomark.results.drawing import (
    GROUP_COLOURS,
    QUIET,
    bounds,
    box,
    drawing,
    line,
    on_white,
    plain,
    text,
    ticks,
    titled,
    width_of,
)
from genomark.studies.table import benchmarks_of
from genomark.studies.tokenizers import Study

_SIDE, _LEFT, _TOP, _BELOW, _BETWEEN = 300, 64, 28, 52, 96
_RADIUS = 4.5
_Ends = tuple[float, float] | None


@dataclass(frozen=True)
class _Dot:
    """A network in a panel; hollow where it is as it was drawn."""

    title: str
    number: int
    x: float
    y: float
    x_ends: _Ends
    y_ends: _Ends
    filled: bool


@dataclass(frozen=True)
class _Panel:
    heading: str
    x_name: str
    y_name: str
    dots: list[_Dot]


def study_svg(study: Study) -> str:
    """Draw a study.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
        An SVG image on white. For each benchmark, bits per base against the score; then tokens per
        base against bits per base. Filled dots are pretrained networks, hollow ones the same
        networks before. Crosses are 95 % intervals.
    """
    panels = [_against_score(study, name, metric) for name, metric in benchmarks_of(study).items()]
    panels.append(_against_length(study))
    parts: list[str] = []
    for number, panel in enumerate(panels):
        parts += _drawn(panel, _LEFT + number * (_SIDE + _BETWEEN))
    right = _LEFT + len(panels) * (_SIDE + _BETWEEN) - _BETWEEN + 28
    names = [each.name for each in study.lines]
    for number, name in enumerate(names):
        y = _TOP + 8 + 20 * number
        parts += [_mark(right, y, number, filled=True), text(right + 14, y + 4, name)]
    last = _TOP + 8 + 20 * len(names) + 10
    hollow = "hollow: as it was drawn"
    parts.append(text(right - 4, last + 4, hollow, font_style="italic"))
    width = right + 14 + width_of([*names, hollow]) + 8
    height = max(_TOP + _SIDE, last) + _BELOW
    return on_white(drawing(width, height, "Tokenizers of a genome compared", parts))


def _against_score(study: Study, benchmark: str, metric: str) -> _Panel:
    dots = []
    for number, each in enumerate(study.lines):
        for made, scores, filled in (
            (each.untrained, each.controls, False),
            (each.pretrained, each.scores, True),
        ):
            score = scores[benchmark]
            if score.value is not None:
                bits = made.bits
                place = (bits.per_base, score.value, bits.interval, score.interval)
                title = f"{each.name}: {bits.per_base:.3f} bits, {score.value:.3f}"
                dots.append(_Dot(title, number, *place, filled))
    return _Panel(benchmark.rpartition("/")[2], "held-out bits per base", metric, dots)


def _against_length(study: Study) -> _Panel:
    dots = []
    for number, each in enumerate(study.lines):
        length, bits = each.pretrained.tokenized.tokens_per_base, each.pretrained.bits
        title = f"{each.name}: {length:.3f} tokens per base, {bits.per_base:.3f} bits"
        dots.append(_Dot(title, number, length, bits.per_base, None, bits.interval, True))
    return _Panel("length of texts", "tokens per base", "held-out bits per base", dots)


def _drawn(panel: _Panel, left: float) -> list[str]:
    if not panel.dots:
        return [text(left, _TOP + 20, f"{panel.heading}: nothing to draw")]
    across = _scale([(each.x, each.x_ends) for each in panel.dots], left, left + _SIDE)
    up = _scale([(each.y, each.y_ends) for each in panel.dots], _TOP + _SIDE, _TOP)
    bottom = _TOP + _SIDE
    parts = [
        box(left, _TOP, _SIDE, _SIDE, fill="none", stroke=QUIET),
        text(left + _SIDE / 2, _TOP - 10, panel.heading, text_anchor="middle", font_weight="bold"),
        text(left + _SIDE / 2, bottom + 40, panel.x_name, text_anchor="middle"),
    ]
    middle = _TOP + _SIDE / 2
    turned = f"rotate(-90 {left - 46:.1f} {middle:.1f})"
    parts.append(text(left - 46, middle, panel.y_name, text_anchor="middle", transform=turned))
    for tick in across.ticks:
        x = across.at(tick)
        parts.append(line(x, bottom, x, bottom + 4))
        parts.append(text(x, bottom + 18, f"{tick:.4g}", text_anchor="middle"))
    for tick in up.ticks:
        y = up.at(tick)
        parts.append(line(left - 4, y, left, y))
        parts.append(text(left - 8, y + 4, f"{tick:.4g}", text_anchor="end"))
    for dot in panel.dots:
        x, y = across.at(dot.x), up.at(dot.y)
        bars = []
        if dot.x_ends:
            bars.append(line(across.at(dot.x_ends[0]), y, across.at(dot.x_ends[1]), y))
        if dot.y_ends:
            bars.append(line(x, up.at(dot.y_ends[0]), x, up.at(dot.y_ends[1])))
        parts.append(titled(dot.title, *bars, _mark(x, y, dot.number, filled=dot.filled)))
    return parts


@dataclass(frozen=True)
class _Scale:
    at: Callable[[float], float]
    ticks: list[float]


def _scale(values: Sequence[tuple[float, _Ends]], first: float, last: float) -> _Scale:
    """Put values and their intervals between two places."""
    known = [end for value, ends in values for end in (value, *(ends or ()))]
    spread = max(known) - min(known)
    low, high = bounds(known, 0.05 if spread > 0.1 else 0.01)

    def at(value: float) -> float:
        return first + (value - low) / (high - low) * (last - first)

    return _Scale(at, ticks(low, high))


def _mark(x: float, y: float, number: int, *, filled: bool) -> str:
    """Draw the dot of a tokenizer: six colours as circles, then six as squares, and so on."""
    colour = plain(GROUP_COLOURS[number % len(GROUP_COLOURS)])
    fill = colour if filled else "#ffffff"
    style = f'fill="{fill}" stroke="{colour}" stroke-width="1.5"'
    if number // len(GROUP_COLOURS) % 2 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" {style}/>'
    side = 2 * _RADIUS - 1
    corner = f'x="{x - side / 2:.1f}" y="{y - side / 2:.1f}"'
    return f'<rect {corner} width="{side}" height="{side}" {style}/>'
