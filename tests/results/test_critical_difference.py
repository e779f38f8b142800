"""The diagram: every model at its mean rank, every bar over its models."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from genomark.errors import UsageError
from genomark.results.critical_difference import critical_difference
from genomark.results.drawing import width_of
from genomark.scoring.across import Groups, ScoreTable, groups

SVG = "{http://www.w3.org/2000/svg}"


def found_of(models, tasks=30, seed=0, spread=0.5):
    random = np.random.default_rng(seed)
    values = random.normal(size=(models, 1)) * spread + random.normal(size=(models, tasks))
    return groups(ScoreTable(values, ["higher"] * tasks))


def names_of(models):
    return [f"model-{number}" for number in range(models)]


def drawn(names, found, alpha=0.05):
    return ElementTree.fromstring(critical_difference(names, found, alpha=alpha))


def numbers(element, *names):
    return [float(element.get(name, "nan")) for name in names]


def by_title(root):
    return {group.findtext(f"{SVG}title"): group for group in root.findall(f"{SVG}g")}


def ticks_of(root):
    """Places of the numbers on the axis."""
    return {
        float(each.text): float(each.get("x"))
        for each in root.findall(f"{SVG}text")
        if re.fullmatch(r"[\d.]+", each.text or "")
    }


@pytest.mark.parametrize("models", [2, 5, 12, 40])
def test_each_model_stands_at_its_mean_rank(models):
    found = found_of(models, seed=models)
    root = drawn(names_of(models), found)
    places = ticks_of(root)
    (low, x_low), (high, x_high) = min(places.items()), max(places.items())
    for model, rank in zip(found.order, found.mean_rank, strict=True):
        group = by_title(root)[f"model-{model}: mean rank {rank:.3f}"]
        down = group.findall(f"{SVG}line")[0]
        x, end = numbers(down, "x1", "x2")
        assert x == end
        assert x == pytest.approx(x_low + (rank - low) / (high - low) * (x_high - x_low), abs=0.2)
        assert group.findtext(f"{SVG}text").endswith(f"{rank:.2f}")


@pytest.mark.parametrize("models", [5, 40])
def test_each_bar_reaches_over_its_models_and_no_further(models):
    found = found_of(models, seed=3)
    root = drawn(names_of(models), found)
    lines = {
        model: by_title(root)[f"model-{model}: mean rank {rank:.3f}"].find(f"{SVG}line")
        for model, rank in zip(found.order, found.mean_rank, strict=True)
    }
    places = [numbers(lines[model], "x1")[0] for model in found.order]
    bars = [each for title, each in by_title(root).items() if "not told apart" in title]
    assert len(bars) == len(found.bars) > 0
    heights = []
    for bar, (first, last) in zip(bars, found.bars, strict=True):
        x1, x2, y = numbers(bar.find(f"{SVG}line"), "x1", "x2", "y1")
        assert x1 == pytest.approx(places[first] - 4, abs=0.11)
        assert x2 == pytest.approx(places[last] + 4, abs=0.11)
        heights.append(y)
        title = bar.findtext(f"{SVG}title")
        assert title.startswith(f"{last - first + 1} models")
        assert title.endswith(f"model-{found.order[first]} to model-{found.order[last]}")
    assert np.diff(heights).min(initial=99) >= 6


def test_names_do_not_meet_and_stay_on_the_page():
    names = [f"hf:an-organisation/{'a-very-long-name-' * 6}{number}" for number in range(40)]
    found = found_of(40, seed=1)
    root = drawn(names, found)
    width, height = (float(each) for each in root.get("viewBox", "").split()[2:])
    ends: dict[str, list[float]] = {"start": [], "end": []}
    for group in by_title(root).values():
        for each in group.findall(f"{SVG}text"):
            x, y = numbers(each, "x", "y")
            side = each.get("text-anchor", "")
            ends[side].append(y)
            length = width_of([each.text or ""])
            left, right = (x - length, x) if side == "end" else (x, x + length)
            assert left >= 0
            assert right <= width
            assert y <= height
            assert "…" in (each.text or "")
    for heights in ends.values():
        assert len(heights) == 20
        assert np.diff(sorted(heights)).min() >= 16
    assert all(name in "".join(by_title(root)) for name in names)


def test_leaders_do_not_cross():
    found = found_of(14, seed=5)
    root = drawn(names_of(14), found)
    down, across = [], []
    for title, group in by_title(root).items():
        if "mean rank" in title:
            first, second = group.findall(f"{SVG}line")
            down.append(numbers(first, "x1", "y2"))
            across.append(sorted(numbers(second, "x1", "x2")) + numbers(second, "y1"))
    for x, end in down:
        for left, right, y in across:
            assert not (left < x < right and y < end)


def test_notes_say_what_was_done():
    found = found_of(6, tasks=17, seed=2)
    said = critical_difference(names_of(6), found._replace(unjoined=1), alpha=0.01)
    assert "17 tasks on which every model has a value; rank 1 is best." in said
    assert "(Wilcoxon signed ranks, Holm, 0.01)" in said
    assert "1 more pair is not told apart" in said
    more = critical_difference(names_of(6), found._replace(unjoined=4), alpha=0.01)
    assert "4 more pairs are not told apart" in more
    assert "more pair" not in critical_difference(
        names_of(6), found._replace(unjoined=0), alpha=0.05
    )


def test_colours_are_those_of_the_page():
    said = critical_difference(names_of(6), found_of(6), alpha=0.05)
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', said)) == {"currentColor", "#888888"}


def test_names_are_escaped():
    names = ["<script>alert(1)</script>\x1b", *names_of(2)]
    said = critical_difference(names, found_of(3), alpha=0.05)
    assert "<script" not in said
    assert "\x1b" not in said


def test_without_a_shared_task_the_drawing_says_so():
    nothing = groups(ScoreTable(np.full((3, 2), np.nan), ["higher"] * 2))
    assert "No task has a value of every model." in critical_difference(
        names_of(3), nothing, alpha=0.05
    )


def test_models_with_one_mean_rank_are_drawn():
    equal = Groups(np.arange(3), np.full(3, 2.0), np.ones((3, 3)), [(0, 2)], unjoined=0, tasks=4)
    root = drawn(names_of(3), equal)
    assert all(np.isfinite(numbers(each, "x1", "x2")).all() for each in root.iter(f"{SVG}line"))


def test_a_name_a_model_is_expected():
    with pytest.raises(UsageError, match="2 names for 3 models"):
        critical_difference(["a", "b"], found_of(3), alpha=0.05)
