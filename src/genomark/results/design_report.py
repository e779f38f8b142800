"""Designs of RNA as one page: drawings, measures, and what is won for what is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from genomark.models.genes.waiting import Waiting
from genomark.models.vienna import Vienna
from genomark.results.drawing import (
    GROUP_COLOURS,
    QUIET,
    box,
    drawing,
    line,
    plain,
    text,
    ticks,
    titled,
)
from genomark.rna.design.run import Design
from genomark.rna.design.target import Target
from genomark.rna.drawing import draw
from genomark.rna.vienna import FoldSettings

#: What is measured of a design, and how it is written.
MEASURES = {
    "mfe": ".2f",
    "probability": "#.4g",
    "ensemble_defect": ".4f",
    "gc": ".2f",
    "energy_gap": ".2f",
}
#: The measure that an objective is about.
_MEASURE_OF = {
    "probability": "probability",
    "defect": "ensemble_defect",
    "energy-gap": "energy_gap",
    "gc": "gc",
}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.4rem; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; overflow: visible; } figure { margin: 1rem 0; }
.fronts { display: flex; flex-wrap: wrap; gap: 1rem; }
.wide { overflow-x: auto; } .quiet { opacity: .75; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; vertical-align: top; }
th { font-weight: normal; opacity: .75; border-bottom: 1px solid; white-space: nowrap; }
th:last-child, td:last-child, .names td:first-child, .names th:first-child { text-align: left; }
code { font: 13px/1.35 ui-monospace, monospace; white-space: pre; }
"""
_SIDE, _LEFT, _TOP, _BELOW, _RIGHT = 220, 74, 12, 48, 16


@dataclass(frozen=True)
class Designed:
    """A target and what was found for it.

    Attributes
    ----------
    target : Target
    designs : tuple of Design
        The best first; where it is not solved, the one that comes nearest, if there is one.
    solved : bool
    seconds : float
        CPU time.
    verified : tuple of bool or None
        Whether each design was folded again and folds as before; None where that was not asked.
    """

    target: Target
    designs: tuple[Design, ...]
    solved: bool
    seconds: float
    verified: tuple[bool, ...] | None = None


def measured(design: Design) -> list[str]:
    """Write what was measured, in the order of `MEASURES`."""
    return [f"{getattr(design.measures, name):{form}}" for name, form in MEASURES.items()]


def drawn(found: Sequence[Designed], settings: FoldSettings) -> list[str | None]:
    """Draw what the best design of each target folds into; None where there is no design.

    Parameters
    ----------
    found : sequence of Designed
    settings : FoldSettings
        Of which bases have the colour of their probability.

    Returns
    -------
    list of (str or None)
        SVG documents.
    """
    best = {number: one.designs[0] for number, one in enumerate(found) if one.designs}
    model = Vienna(
        settings.method,
        settings.temperature,
        settings.dangles,
        settings.parameters,
        settings.gamma,
    )
    with Waiting(len(best), "drawing") as waiting:
        ensembles = model.ensembles(
            [each.sequence for each in best.values()],
            [each.structure for each in best.values()],
            waiting.advance,
        )
    drawings: list[str | None] = [None] * len(found)
    for (number, each), ensemble in zip(best.items(), ensembles, strict=True):
        drawings[number] = draw(
            each.sequence,
            each.structure,
            name=found[number].target.name,
            energy=each.measures.mfe,
            agreement=ensemble.agreement,
        )
    return drawings


def design_report(
    found: Sequence[Designed], drawings: Sequence[str | None], settings: Mapping[str, Any]
) -> str:
    """Make the page; it loads nothing, and all text in it is escaped.

    Parameters
    ----------
    found : sequence of Designed
    drawings : sequence of (str or None)
        As of `drawn`.
    settings : mapping
        What was asked for; its ``objectives`` are what the designs of a target are compared by.
    """
    solved = sum(one.solved for one in found)
    title = f"Designs: {solved:,} of {len(found):,} solved"
    told = "; ".join(
        f"{name} {', '.join(value) if isinstance(value, list) else value}"
        for name, value in settings.items()
        if value not in (None, False)
    )
    objectives = [name.partition("=")[0] for name in settings.get("objectives", ())]
    axes = [_MEASURE_OF[name] for name in objectives if name in _MEASURE_OF]
    rows = zip(found, drawings, strict=True)
    body = "".join(_section(number, one, svg, axes) for number, (one, svg) in enumerate(rows, 1))
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{plain(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{plain(title)}</h1><p class='quiet'>{plain(told)}. Energies are in kcal/mol; "
        "probability and defect are those of the target.</p>"
        f"{_contents(found) if len(found) > 1 else ''}\n{body}</body></html>\n"
    )


def _contents(found: Sequence[Designed]) -> str:
    rows = "".join(
        f"<tr><td><a href='#target-{number}'>{plain(one.target.name)}</a></td>"
        f"<td>{len(one.target):,}</td><td>{_came(one)}</td><td>{one.seconds:.2f}</td><td></td></tr>"
        for number, one in enumerate(found, 1)
    )
    return (
        "<div class='wide'><table class='names'><tr><th>target</th><th>nt</th><th></th>"
        f"<th>seconds</th><th></th></tr>{rows}</table></div>"
    )


def _came(one: Designed) -> str:
    if one.solved:
        return "solved"
    return f"distance {one.designs[0].distance}" if one.designs else "no design"


def _section(number: int, one: Designed, svg: str | None, axes: Sequence[str]) -> str:
    lines = [one.target.structure, one.target.constraint or ""]
    told = "".join(f"<code>{plain(each)}</code><br>" for each in lines if each)
    fronts = ""
    if len(one.designs) > 1:
        drawings = "".join(_front(one.designs, x, y) for x, y in combinations(axes, 2))
        fronts = f"<div class='fronts'>{drawings}</div>" if drawings else ""
    return (
        f"<h2 id='target-{number}'>{plain(one.target.name)}</h2>"
        f"<p class='quiet'>{len(one.target):,} nt, {_came(one)}, {one.seconds:.2f} s</p>"
        f"<div class='wide'>{told}</div><figure>{svg or ''}</figure>{_table(one)}{fronts}\n"
    )


def _table(one: Designed) -> str:
    verified = one.verified is not None
    names = ("", "distance", *MEASURES, *(["folded again"] if verified else []), "sequence")
    head = "".join(f"<th scope='col'>{plain(name.replace('_', ' '))}</th>" for name in names)
    body = ""
    for number, each in enumerate(one.designs, 1):
        cells = [str(number), str(each.distance), *measured(each)]
        if one.verified is not None:
            cells.append("the same" if one.verified[number - 1] else "not the same")
        codes = f"<code>{plain(each.sequence)}</code>"
        if each.distance:
            codes += f"<br><code>{_marked(each.structure, one.target.structure)}</code>"
        body += f"<tr>{''.join(f'<td>{plain(cell)}</td>' for cell in cells)}<td>{codes}</td></tr>"
    return f"<div class='wide'><table><tr>{head}</tr>{body}</table></div>" if body else ""


def _marked(structure: str, target: str) -> str:
    """Mark the symbols that are not those of the target."""
    return "".join(
        plain(symbol) if symbol == wanted else f"<mark>{plain(symbol)}</mark>"
        for symbol, wanted in zip(structure, target, strict=True)
    )


def _front(designs: Sequence[Design], x_name: str, y_name: str) -> str:
    """Draw designs by two measures; those that are listed first are the best of their front."""
    points = [
        (float(getattr(each.measures, x_name)), float(getattr(each.measures, y_name)))
        for each in designs
    ]
    (left, right), (low, high) = (_around(values) for values in zip(*points, strict=True))

    def across(value: float) -> float:
        return _LEFT + (value - left) / (right - left) * _SIDE

    def up(value: float) -> float:
        return _TOP + (high - value) / (high - low) * _SIDE

    bottom = _TOP + _SIDE
    parts = [box(_LEFT, _TOP, _SIDE, _SIDE, fill="none", stroke=QUIET)]
    for tick in ticks(left, right, 4):
        parts.append(line(across(tick), bottom, across(tick), bottom + 4))
        parts.append(text(across(tick), bottom + 18, f"{tick:.4g}", text_anchor="middle"))
    for tick in ticks(low, high, 5):
        parts.append(line(_LEFT - 4, up(tick), _LEFT, up(tick)))
        parts.append(text(_LEFT - 8, up(tick) + 4, f"{tick:.4g}", text_anchor="end"))
    middle = (_LEFT + _SIDE / 2, _TOP + _SIDE / 2)
    x_said, y_said = (name.replace("_", " ") for name in (x_name, y_name))
    parts.append(text(middle[0], bottom + 40, x_said, text_anchor="middle"))
    turned = f"rotate(-90 14 {middle[1]:.1f})"
    parts.append(text(14, middle[1], y_said, text_anchor="middle", transform=turned))
    for number, (x, y) in enumerate(points, 1):
        mark = f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="4.5" fill="{GROUP_COLOURS[0]}"/>'
        said = f"design {number}: {x_said} {x:.4g}, {y_said} {y:.4g}"
        parts.append(titled(said, mark))
    label = f"{x_said} against {y_said} of {len(designs)} designs"
    return drawing(_LEFT + _SIDE + _RIGHT, bottom + _BELOW, label, parts)


def _around(values: Sequence[float]) -> tuple[float, float]:
    """Give room around some values; never none."""
    room = 0.08 * (max(values) - min(values)) or max(0.01, 0.05 * abs(values[0]))
    return min(values) - room, max(values) + room
