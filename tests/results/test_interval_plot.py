from __future__ import annotations

from xml.etree import ElementTree

import pytest
from kept_runs import EVIL

from genomark.results.drawing import QUIET
from genomark.results.interval_plot import Drawn, Mark, interval_plot
from genomark.results.scatter import Estimate

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [
    Drawn("a", Estimate(0.2, (0.1, 0.4))),
    Drawn("b", Estimate(0.6, (0.5, 0.9))),
    Drawn("c", Estimate(0.3, None), quiet=True),
]


def drawn(rows, **more):
    given = {"measure": "pearson", "label": "three models", **more}
    return ElementTree.fromstring(interval_plot(rows, **given))


def test_places_are_linear_in_values():
    root = drawn(ROWS)
    x = [float(each.get("cx")) for each in root.iter(f"{SVG}circle")]
    y = [float(each.get("cy")) for each in root.iter(f"{SVG}circle")]
    assert (x[1] - x[0]) / (x[2] - x[0]) == pytest.approx(4.0, abs=0.02)
    assert y[1] - y[0] == y[2] - y[1] > 0
    bars = [each for each in root.iter(f"{SVG}line") if each.get("stroke-width") == "2"]
    assert len(bars) == 2
    for bar, left, right in zip(bars, (0.1, 0.5), (0.4, 0.9), strict=True):
        ends = [(float(bar.get(name)) - x[0]) / (x[1] - x[0]) * 0.4 + 0.2 for name in ("x1", "x2")]
        assert ends == pytest.approx([left, right], abs=0.002)


def test_every_figure_is_written_beside_its_bar():
    said = [each.text for each in drawn(ROWS).iter(f"{SVG}text")]
    assert "0.200 [0.100, 0.400]" in said
    assert "0.300" in said
    small = [each.text for each in drawn([Drawn("a", Estimate(1e-5, (0.9e-5, 2e-5)))]).iter()]
    assert any(text and text.startswith("0.000010") for text in small)


def test_what_does_not_differ_is_quiet():
    colours = [each.get("fill") for each in drawn(ROWS).iter(f"{SVG}circle")]
    assert colours[2] == QUIET
    assert colours[0] == colours[1] != QUIET


def test_a_mark_is_dashed_and_named():
    root = drawn(ROWS, marks=[Mark(0.8, "best possible")])
    dashed = [each for each in root.iter(f"{SVG}line") if each.get("stroke-dasharray")]
    assert len(dashed) == 1
    assert "best possible: 0.8" in [each.text for each in root.iter(f"{SVG}title")]


def test_names_are_escaped_and_cut():
    svg = interval_plot([Drawn(EVIL * 4, Estimate(0.0, None))], measure=EVIL, label=EVIL)
    root = ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "\x1b" not in svg
    assert max(len(each.text) for each in root.iter(f"{SVG}text")) < 60
