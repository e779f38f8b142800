"""The style sheet: contrast in both themes, and no class or colour that is not there."""

from __future__ import annotations

import hashlib
import re
from importlib import resources

import pytest
from html_tree import read_html
from test_pages import STATES, drawn

from genomark.leaderboard.heat import STEPS

STATIC = resources.files("genomark.leaderboard") / "static"
CSS = re.sub(r"/\*.*?\*/", "", (STATIC / "board.css").read_text(), flags=re.S)
SVG = "http://www.w3.org/2000/svg"
COLOURS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", CSS
    )
}
SHADES = [f"h{step}" for step in range(STEPS)]
#: Text on its ground (WCAG 2.2, 1.4.3: 4.5 to 1).
TEXT = [
    *((ink, ground) for ink in ("ink", "quiet", "link") for ground in ("ground", "panel")),
    *(("ink", shade) for shade in SHADES),
    *((ink, "ground") for ink in ("good", "fair", "bad")),
    ("strong-ink", "strong"),
    # The legend of the map stands in quiet text, its swatches among it.
    *(("quiet", shade) for shade in SHADES[:1]),
    ("ground", "ink"),
]
#: Marks and edges of controls on theirs (WCAG 2.2, 1.4.11: 3 to 1).
MARKS = [
    *(("edge", ground) for ground in ("ground", "panel")),
    *(
        (mark, ground)
        for mark in ("strong", "fair", "bad", "ink")
        for ground in ("ground", "panel")
    ),
    *(("strong", shade) for shade in SHADES[:3]),
]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_known_pairs():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    # As the tables of WebAIM have it.
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT, ids=lambda each: each)
def test_text_can_be_read(ink, ground, theme):
    assert contrast(COLOURS[ink][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MARKS, ids=lambda each: each)
def test_marks_can_be_seen(mark, ground, theme):
    assert contrast(COLOURS[mark][theme], COLOURS[ground][theme]) >= 3


def test_every_colour_is_one_of_those_that_are_checked():
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", CSS))
    checked = {name for pair in (*TEXT, *MARKS) for name in pair}
    # Lines between rows carry nothing.
    assert used == set(COLOURS)
    assert used - checked == {"line"}
    # None is written anywhere else.
    assert len(re.findall(r"#[0-9a-f]{3,8}\b", CSS)) == 2 * len(COLOURS)


def test_text_of_each_colour_stands_on_a_ground_that_is_checked():
    inks = set(re.findall(r"(?<![-a-z])color: var\(--([a-z0-9-]+)\)", CSS))
    assert inks <= {ink for ink, _ in TEXT}


def test_shades_go_one_way():
    for theme, sign in ((0, -1), (1, 1)):
        steps = [sign * luminance(COLOURS[shade][theme]) for shade in SHADES]
        assert steps == sorted(steps)


def test_every_class_of_a_page_that_colours_has_a_rule():
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", CSS))
    used: dict[str, str] = {}
    for state in STATES:
        for each in read_html(drawn(state)).all():
            used.update(dict.fromkeys(each.get("class").split(), state))
    # These are for scripts, or say what something is.
    free = {"sortable", "model", "wins", "differences", "picker", "notes"}
    assert set(used) - known <= free | {"verified", "self-reported"}
    assert set(SHADES) <= set(used)


def test_both_themes_and_print_are_there():
    assert ':root[data-theme="dark"] { color-scheme: dark; }' in CSS
    assert ':root[data-theme="light"] { color-scheme: light; }' in CSS
    assert "@media print" in CSS
    assert ":focus-visible" in CSS


def test_the_style_loads_nothing():
    assert "@import" not in CSS
    assert "url(" not in CSS


@pytest.mark.parametrize("name", ["board.js", "charts.js", "compare.js", "theme.js"])
def test_scripts_evaluate_nothing_and_make_no_markup_of_text(name):
    script = (STATIC / name).read_text()
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in script
    # The name of SVG's elements is an address that nobody follows.
    assert "//" not in re.sub(r"^\s*// .*$", "", script, flags=re.M).replace(SVG, "")


def test_scripts_of_others_are_those_that_were_checked():
    vendor = STATIC / "vendor"
    lines = (vendor / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    there = {each.name for each in vendor.iterdir()} - {"SHA256SUMS"}
    assert set(sums) == there
    for name, digest in sums.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
    licences = (vendor / "LICENSES.txt").read_text()
    for package in ("vega@", "vega-lite@", "vega-embed@", "vega-interpreter@", "d3-scale@"):
        assert f"==== {package}" in licences
