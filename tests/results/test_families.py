from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from genomark.errors import UnknownNameError, UsageError
from genomark.results import Results, Skipped
from genomark.results.drawing import bounds, colour_at, ink_on, on_white, shortened, ticks
from genomark.results.families import ALL, family_table, interval_over_tasks
from genomark.results.family_report import family_report
from genomark.results.heat_map import Cell, heat_map
from genomark.results.result_folder import read_results
from genomark.results.scatter import Estimate, Point, scatter
from genomark.results.task_scores import caveats, task_scores
from genomark.scoring import (
    SCHEMA_VERSION,
    BenchmarkIdentity,
    Cost,
    Coverage,
    MetricRow,
    ModelIdentity,
    Result,
    result_json,
)

SVG = "{http://www.w3.org/2000/svg}"


def result(task, model, value, half=0.0392, family="localization", metric="auroc", **more):
    """A result whose interval is as wide as that of a standard deviation of ``half / 1.96``."""
    finished, source = more.pop("finished", "2026-01-01"), more.pop("source", None)
    digest, limit = more.pop("digest", "d"), more.pop("limit", None)
    assert not more
    interval = None if value is None or half is None else (value - half, value + half)
    reason = "constant prediction" if value is None else None
    settings = {"headline": [metric], "family": family, "limit": limit, "confidence": 0.95}
    return Result(
        schema_version=SCHEMA_VERSION,
        benchmark=BenchmarkIdentity(id=task, version="1", digest=digest, title=f"about {task}"),
        model=ModelIdentity(id=model, version="1", digest="d"),
        metrics=[MetricRow(metric, None, value, reason, interval, "bootstrap", 1234, 1234)],
        coverage=Coverage(1234, 1234, []),
        seed=0,
        settings=settings | ({"source": source} if source else {}),
        environment={},
        cost=Cost(0, 0, 0, 0, 0),
        predictions_digest="d",
        started=finished,
        finished=finished,
    )


@pytest.fixture
def results():
    return Results(
        [
            result("tasks:a", "good", 0.9),
            result("tasks:b", "good", 0.8, metric="mean_auroc"),
            result("tasks:c", "good", 0.7, family="genomic properties"),
            result("tasks:a", "poor", 0.6),
            result("tasks:c", "poor", 0.5, family="genomic properties"),
            result("tasks:d", "good", 0.25, metric="spearman"),
            result("tasks:a", "published:x", 0.75, half=None, source="gene-benchmark"),
        ]
    )


def means(table):
    return {(row["measure"], row["family"], row["model"]): row["value"] for row in table.to_dicts()}


def row_of(table, family, model, measure="AUROC"):
    (row,) = table.filter(family=family, model=model, measure=measure).to_dicts()
    return row


def test_a_mean_is_over_the_tasks_of_a_family_and_on_one_scale(results):
    assert means(family_table(results)) == {
        ("AUROC", "genomic properties", "good"): pytest.approx(0.7),
        ("AUROC", "genomic properties", "poor"): pytest.approx(0.5),
        ("AUROC", "localization", "good"): pytest.approx(0.85),
        ("AUROC", "localization", "poor"): None,
        ("AUROC", "localization", "published:x"): pytest.approx(0.75),
        ("AUROC", ALL, "good"): pytest.approx(0.8),
        ("AUROC", ALL, "poor"): None,
        ("AUROC", ALL, "published:x"): pytest.approx(0.75),
        ("spearman", "localization", "good"): pytest.approx(0.25),
        ("spearman", "localization", "poor"): None,
        ("spearman", ALL, "good"): pytest.approx(0.25),
        ("spearman", ALL, "poor"): None,
    }


def test_who_lacks_a_task_has_no_mean_and_is_told_which(results):
    row = row_of(family_table(results), "localization", "poor")
    assert row["reason"] == "no value for 1 of 2 tasks: tasks:b"
    assert row["n_tasks"] == 1
    assert row["low"] is None
    whole = row_of(family_table(results), "localization", "good")
    assert whole["metric"] == "auroc, mean_auroc"
    assert whole["method"] == "95 % interval, 1000 replicates over tasks and genes"


def test_common_tasks_are_those_that_all_have(results):
    table = family_table(results, common_tasks=True)
    assert row_of(table, "localization", "good")["value"] == pytest.approx(0.9)
    assert row_of(table, "localization", "poor")["value"] == pytest.approx(0.6)
    assert row_of(table, ALL, "published:x")["value"] == pytest.approx(0.75)
    assert row_of(table, ALL, "good")["n_tasks"] == 1
    apart = [result("tasks:a", "one", 0.9), result("tasks:b", "other", 0.9)]
    row = row_of(family_table(apart, common_tasks=True), "localization", "one")
    assert row["reason"] == "no task for which all have a value"


def test_models_come_best_first_and_references_last(results):
    table = family_table([*results, result("tasks:a", "best", 0.95)], common_tasks=True)
    models = table.filter(family="localization", measure="AUROC")["model"].to_list()
    assert models == ["best", "good", "poor", "published:x"]


def test_an_undefined_value_is_a_task_that_is_lacking():
    table = family_table([result("tasks:a", "m", 0.9), result("tasks:a", "n", None)])
    assert row_of(table, "localization", "n")["reason"] == "no value for 1 of 1 tasks: tasks:a"
    # Nobody has a value for b: it is a question that nobody answered, and lowers no one.
    both = [result("tasks:a", "m", 0.9), result("tasks:b", "m", None)]
    assert row_of(family_table(both), "localization", "m")["value"] == pytest.approx(0.9)


def test_the_interval_has_the_variance_of_tasks_and_of_their_genes():
    rng = np.random.default_rng(0)
    values, deviations = rng.uniform(0.5, 0.9, 40), np.full(40, 0.1)
    low, high = interval_over_tasks(values, deviations, seed=0, replicates=4000)
    # A mean of 40 draws, each of a task (population variance) and of its genes.
    expected = 2 * 1.959964 * np.sqrt((values.var() + 0.1**2) / 40)
    assert high - low == pytest.approx(expected, rel=0.06)
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.005)


def test_a_single_task_has_the_interval_of_its_genes():
    row = row_of(family_table([result("tasks:a", "m", 0.8, half=0.0392)]), "localization", "m")
    assert row["method"] == "95 % interval, 1000 replicates over genes"
    assert row["low"] == pytest.approx(0.8 - 0.0392, abs=0.004)
    assert row["high"] == pytest.approx(0.8 + 0.0392, abs=0.004)


def test_values_without_intervals_leave_one_over_tasks_or_none():
    many = [result(f"tasks:{k}", "m", 0.5 + k / 10, half=None) for k in range(4)]
    row = row_of(family_table(many), "localization", "m")
    # Four tasks: t of 3 degrees of freedom reaches 3.67 standard deviations, 1 of 8,000 draws, and
    # the mean of four draws of 0.5, 0.6, 0.7, 0.8 is 0.5 in 1 of 256.
    assert row["low"] == pytest.approx(0.5, abs=1e-9)
    assert "over tasks; 4 of 4 values have none over genes" in row["method"]
    single = row_of(family_table(many[:1]), "localization", "m")
    assert (single["low"], single["high"]) == (None, None)
    assert single["value"] == pytest.approx(0.5)
    assert single["method"] == "one task, whose value has no interval over genes"


def test_the_same_seed_draws_the_same_and_another_does_not(results):
    first, again, other = (family_table(results, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    low = [row_of(each, "localization", "good")["low"] for each in (first, other)]
    assert low[0] != low[1]
    assert low[0] == pytest.approx(low[1], abs=0.02)


def test_the_last_to_finish_counts_and_the_page_says_what_it_left_out():
    old = result("tasks:a", "m", 0.5, finished="2026-01-01")
    new = result("tasks:a", "m", 0.75, finished="2026-01-02", digest="other")
    beside = result("genes/tf-vs-non-tf", "m", 0.9)
    alike = result("tasks:TF vs non-TF", "n", 0.8, limit=50)
    scores = task_scores([new, old, beside, alike])
    assert dict(zip(scores["task"], scores["value"], strict=True))["tasks:a"] == 0.75
    assert set(scores["task"]) == {"tasks:a", "genes/tf-vs-non-tf"}
    other = Results([new, old, beside, alike, _without_family(beside)])
    assert caveats(other) == [
        "1 result left out: not about genes",
        "1 result left out: the model was asked the task again later",
        "genes/tf-vs-non-tf: models were asked 2 versions of it (other options, seeds, or a "
        "--limit), so their values cannot be compared",
    ]


def _without_family(result):
    from msgspec.structs import replace

    settings = {key: value for key, value in result.settings.items() if key != "family"}
    return replace(result, settings=settings)


def test_a_folder_of_runs_is_read_whole(tmp_path):
    kept = tmp_path / "results" / "genes" / "a"
    kept.mkdir(parents=True)
    (kept / "one.json").write_bytes(result_json(result("tasks:a", "m", 0.5)))
    assert [each.model.id for each in read_results(tmp_path)] == ["m"]
    (kept / "two.json").write_text("{}")
    with pytest.raises(UsageError, match=r"two\.json: not a result"):
        read_results(tmp_path)
    with pytest.raises(UsageError, match="no results in it; expected the folder of genomark run"):
        read_results(kept)


class _Page(HTMLParser):
    """Collects elements, their attributes, and the text of cells."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.values, self.cells = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [(name, value) for name, value in attrs]
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data


def test_the_page_holds_means_drawings_and_every_task(results):
    made = family_report(results)
    page = _Page(made.html)
    assert list(made.drawings) == [
        "families-auroc",
        "tasks-auroc",
        "families-spearman",
        "tasks-spearman",
        "scatter",
    ]
    assert page.tags.count("svg") == 5
    assert any(cell.startswith("0.850 [") and cell.endswith("2 tasks") for cell in page.cells)
    assert "0.600 [0.561, 0.639] 1,234 rows" in page.cells
    assert "2 models on 4 tasks, beside 1 reference as reported by others" in made.html


def test_tasks_are_sorted_by_family_and_then_by_the_best_value(results):
    html = family_report(results).html
    places = [html.index(f"<td>{task}</td>") for task in ("tasks:c", "tasks:a", "tasks:b")]
    assert places == sorted(places)


def test_the_page_runs_nothing_loads_nothing_and_escapes_what_strangers_named():
    evil = "<script>alert(1)</script>\"' onload=x\x1b[31m"
    bad = [result(f"tasks:{evil}", evil, 0.9, family=evil), result("tasks:b", evil, None)]
    skipped = [Skipped(benchmark="tasks:c", model=evil, reason=evil)]
    made = family_report(Results([*bad, result("tasks:b", "m", 0.5)], skipped=skipped))
    page = _Page(made.html)
    assert "script" not in page.tags
    assert {name for name, _ in page.values}.isdisjoint({"src", "href", "onload", "srcset"})
    assert "\x1b" not in made.html
    assert "url(" not in made.html
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.values
    for drawing in made.drawings.values():
        ElementTree.fromstring(on_white(drawing))


def test_the_same_results_give_the_same_page(results):
    assert family_report(results).html == family_report(results).html


def test_what_was_skipped_is_told_where_it_is_missing(results):
    reason = "bag: no vector for any gene"
    results.skipped = [Skipped(benchmark="tasks:./mine#b", model="poor", reason=reason)]
    made = family_report(results)
    assert f"poor, tasks:b: {reason}" in made.drawings["tasks-auroc"]
    assert f"skipped tasks:b × poor: {reason}" in made.html


def test_two_models_are_compared_where_both_have_values(results):
    made = family_report(results, pair=("poor", "good"))
    root = ElementTree.fromstring(made.drawings["scatter"])
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert titles == [
        "tasks:c (genomic properties); poor: 0.500 [0.461, 0.539]; good: 0.700 [0.661, 0.739]",
        "tasks:a (localization); poor: 0.600 [0.561, 0.639]; good: 0.900 [0.861, 0.939]",
    ]
    with pytest.raises(UnknownNameError, match=r"No model named 'god'\. Did you mean 'good'"):
        family_report(results, pair=("god", "poor"))
    apart = Results([result("tasks:a", "one", 0.9), result("tasks:b", "other", 0.9)])
    assert "scatter" not in family_report(apart).drawings
    with pytest.raises(UsageError, match="'one' and 'other' have no task in common"):
        family_report(apart, pair=("one", "other"))


def test_controls_are_not_compared_unless_they_are_named(results):
    oracle = [result(f"tasks:{task}", "control:oracle", 1.0) for task in "ab"]
    made = family_report(Results([*results, *oracle]))
    assert "good against poor on 2 tasks" in made.drawings["scatter"]


def test_nothing_about_genes_is_an_error():
    with pytest.raises(UsageError, match=r"no results on tasks on genes.*-b suite:genes"):
        family_report(Results([_without_family(result("tasks:a", "m", 0.5))]))


def test_a_heat_map_has_a_cell_for_each_pair_and_says_more_to_who_points():
    cells = {("r1", "m<"): Cell(0.5, "low & sure"), ("r2", "m<"): Cell(1.0, "high")}
    root = ElementTree.fromstring(
        heat_map({"G": ["r1", "r2"]}, ["m<", "n"], cells, measure="AUROC", label="all")
    )
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert titles == [
        *("m<", "n"),
        *("r1", "low & sure", "n, r1: not asked"),
        *("r2", "high", "n, r2: not asked"),
    ]
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert [text for text in texts if text in ("G", "0.500", "1.000", "–")] == [
        "G",
        "0.500",
        "–",
        "1.000",
        "–",
    ]
    fills = [each.get("fill") for each in root.iter(f"{SVG}rect") if each.get("width") == "54.0"]
    assert fills == ["#00224e", "#fee838"]
    assert {"0.5", "1"} <= set(texts)


def test_points_lie_where_their_values_are():
    points = [
        Point("t", "g", Estimate(0.5, (0.4, 0.6)), Estimate(0.9, None)),
        Point("u", "h", Estimate(0.7, None), Estimate(0.7, (0.65, 0.8))),
    ]
    root = ElementTree.fromstring(scatter(points, "a", "b", measure="AUROC"))
    frame = next(each for each in root.iter(f"{SVG}rect"))
    left, top, side = (float(frame.get(name)) for name in ("x", "y", "width"))
    # From 0.4 to 0.9, upwards.
    circle = next(each for each in root.iter(f"{SVG}circle"))
    assert float(circle.get("cx")) == pytest.approx(left + side * 0.2, abs=0.1)
    assert float(circle.get("cy")) == pytest.approx(top, abs=0.1)
    group = next(each for each in root.iter(f"{SVG}g"))
    (bar,) = group.iter(f"{SVG}line")
    ends = [float(bar.get(name)) for name in ("x1", "x2")]
    assert ends == pytest.approx([left, left + side * 0.4], abs=0.1)
    assert bar.get("y1") == bar.get("y2")
    square = next(each for each in root.iter(f"{SVG}polygon"))
    corners = [tuple(map(float, each.split(","))) for each in square.get("points").split()]
    assert np.mean(corners, axis=0) == pytest.approx([left + side * 0.6, top + side * 0.4], abs=0.1)


def _luminance(colour):
    channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_scale_grows_lighter_throughout_and_its_text_can_be_read():
    shares = np.linspace(-0.1, 1.1, 61)
    lights = [_luminance(colour_at(share)) for share in shares]
    assert lights == sorted(lights)
    assert lights[0] < 0.02
    assert lights[-1] > 0.75
    for share in shares:
        ground, ink = colour_at(share), ink_on(colour_at(share))
        low, high = sorted((_luminance(ground), _luminance(ink)))
        # Contrast of 4.5 is what WCAG 2.2 asks of text (1.4.3).
        assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.51, 0.88], (0.5, 0.9)), ([0.5, 0.9], (0.5, 0.9)), ([0.7, 0.7], (0.7, 0.75))],
)
def test_bounds_are_whole_steps_around_the_values(values, expected):
    assert bounds(values) == pytest.approx(expected)


def test_ticks_are_round_and_few():
    assert ticks(0.5, 0.9) == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    assert ticks(-0.13, 0.31, most=5) == pytest.approx([0.0, 0.2])
    assert ticks(0.0, 7.0, most=4) == pytest.approx([0.0, 2.5, 5.0])


def test_long_names_lose_their_middle():
    name = "embedding:/a/very/long/path/to/vectors.csv"
    short = shortened(name, 21)
    assert len(short) == 21
    assert re.fullmatch(r"embedding:…\S+\.csv", short)
    assert shortened("short", 21) == "short"
