"""The drawing of scores by similarity to training data."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from genomark.results.leakage_curve import leakage_curve
from genomark.scoring import LeakageBin

SVG = "{http://www.w3.org/2000/svg}"


def step(low: float, value: float | None, n: int = 50, half: float | None = 0.1) -> LeakageBin:
    between = None if value is None or half is None else (value - half, value + half)
    return LeakageBin(low, low + 0.1, n, value, between, None if value is not None else "few")


RISING = [step(0.0, 0.2), step(0.3, 0.4, 1234), step(0.5, None, 4), step(0.9, 0.9)]


def drawn(curves, metric="pearson"):
    svg = leakage_curve(curves, metric)
    assert svg is not None
    return ElementTree.fromstring(svg)


def points(tree) -> list[tuple[float, float]]:
    return [(float(c.get("cx")), float(c.get("cy"))) for c in tree.iter(f"{SVG}circle")]


def test_points_stand_in_the_middle_of_their_step_and_rise_with_the_score():
    found = points(drawn({"a": RISING}))
    assert len(found) == 3
    across = [x for x, _ in found]
    # Steps are of one width: from the first, 3 and 9 steps on.
    assert (across[2] - across[0]) == pytest.approx(3 * (across[1] - across[0]), abs=0.2)
    heights = [y for _, y in found]
    assert heights[0] > heights[1] > heights[2]
    # 0.2 to 0.4 is to 0.4 to 0.9 as 2 to 5.
    assert (heights[0] - heights[1]) / (heights[1] - heights[2]) == pytest.approx(0.4, abs=0.01)


def test_titles_tell_the_figures_and_counts_stand_below():
    tree = drawn({"a": RISING})
    titles = [each.text for each in tree.iter(f"{SVG}title")]
    assert "a, similarity 0.3 to 0.4: 0.400 [0.300, 0.500], 1,234 items" in titles
    texts = [each.text for each in tree.iter(f"{SVG}text")]
    assert {"50", "1,234", "4"} <= set(texts)
    assert "pearson" in texts


def test_models_have_colours_patterns_and_places_of_their_own():
    tree = drawn({"a": RISING, "b": RISING})
    found = points(tree)
    assert len({x for x, _ in found}) == 6
    assert len({circle.get("fill") for circle in tree.iter(f"{SVG}circle")}) == 2
    dashes = {line.get("stroke-dasharray") for line in tree.iter(f"{SVG}line")} - {None}
    assert len(dashes) == 2


def test_no_more_than_six_models_are_drawn():
    tree = drawn({str(number): [step(0.2, 0.5)] for number in range(9)})
    assert len(points(tree)) == 6


def test_intervals_are_lines_between_their_ends_and_may_be_missing():
    tree = drawn({"a": [step(0.4, 0.5, half=0.2)]})
    (x, y), *_ = points(tree)
    upright = [
        line for line in tree.iter(f"{SVG}line")
        if line.get("x1") == line.get("x2") == f"{x:.1f}" and line.get("stroke") == "#0072b2"
    ]  # fmt: skip
    assert len(upright) == 1
    assert float(upright[0].get("y1")) - y == pytest.approx(
        y - float(upright[0].get("y2")), abs=0.2
    )
    bare = drawn({"a": [step(0.4, 0.5, half=None)]})
    assert len(points(bare)) == 1


def test_without_a_score_nothing_is_drawn():
    assert leakage_curve({}, "pearson") is None
    assert leakage_curve({"a": [step(0.1, None)]}, "pearson") is None


def test_names_of_strangers_are_text():
    svg = leakage_curve({'<script>"&\x1b[31m': RISING}, "<b>")
    assert svg is not None
    assert "<script" not in svg
    assert "<b>" not in svg
    assert not re.search("[\x00-\x08\x0b-\x1f]", svg)
    ElementTree.fromstring(svg)
