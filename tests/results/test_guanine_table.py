"""The table of GUANinE: means over the same tasks, published scores apart, every remark told."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from genomark.errors import UsageError
from genomark.results import Failed, Results, Skipped
from genomark.results.guanine_page import guanine_page
from genomark.results.guanine_scores import read_guanine_scores
from genomark.results.guanine_table import MEAN, guanine_table
from genomark.scoring import MetricRow

THEIRS = (
    "model,dnase,ccre,ccre-dnase,ccre-ctcf,ccre-h3k27ac,ccre-h3k4me3,cons30,gpra-c,clinvar-snv\n"
    "low,10,20,20,20,20,20,30,,\n"
    "high,60,70,70,70,70,70,80,90,95\n"
    "wrong,40,50,50,50,50,58,60,70,\n"
    "snv only,,,,,,,,,50\n"
)


@pytest.fixture
def theirs(tmp_path):
    (tmp_path / "theirs.csv").write_text(THEIRS)
    return read_guanine_scores(tmp_path / "theirs.csv")


@pytest.fixture
def ours(theirs):
    """``ours(model, task, value)``: a result as a run gives it; the interval is 2 wide."""

    def make(model, task, value, *, reason=None, asked_as="", finished="2026-01-01", **settings):
        like = next(each for each in theirs if each.benchmark.id == f"guanine/{task}")
        name = like.settings["headline"][0]
        interval = None if value is None else (value - 1, value + 1)
        row = MetricRow(name, None, value, reason, interval, "bootstrap", 100, 100)
        told = {k: each for k, each in like.settings.items() if k not in ("source", "remarks")}
        return replace(
            like,
            benchmark=replace(like.benchmark, id=f"guanine/{task}{asked_as}"),
            model=replace(like.model, id=model, notes=[]),
            metrics=[row],
            settings={**told, **settings},
            finished=finished,
        )

    return make


def means(table):
    return {line.name: line.mean.value for line in table.lines}


def test_means_are_over_the_tasks_that_both_sides_have(theirs, ours):
    results = Results([ours("a", "dnase_propensity", 20.0), ours("a", "cons30", 40.0)])
    table = guanine_table(results, theirs)
    assert table.averaged == ("guanine/dnase_propensity", "guanine/cons30")
    assert means(table) == {
        "a": 30.0,
        "published:high": 70.0,
        "published:wrong": 50.0,
        "published:low": 20.0,
        "published:snv only": None,
    }


def test_models_asked_here_stand_first_however_good_published_ones_are(theirs, ours):
    results = Results(
        [
            ours("weak", "dnase_propensity", 1.0),
            ours("strong", "dnase_propensity", 2.0),
            ours("silent", "cons30", 3.0),
        ]
    )
    table = guanine_table(results, theirs)
    # Of those without a mean, who was asked more comes first.
    assert [(line.model, line.published) for line in table.lines] == [
        ("silent", False),
        ("strong", False),
        ("weak", False),
        ("published:high", True),
        ("published:wrong", True),
        ("published:low", True),
        ("published:snv only", True),
    ]
    assert table.lines[0].mean.reason == "no value for dnase"
    ranked = guanine_table(Results(results.results[:2]), theirs)
    assert [line.model for line in ranked.lines[:2]] == ["strong", "weak"]


def test_a_model_that_lacks_a_task_has_a_mean_over_common_tasks_only(theirs):
    whole = guanine_table(Results([]), theirs)
    assert whole.averaged == tuple(
        f"guanine/{name}" for name in ("dnase_propensity", "ccre_propensity", "cons30", "gpra_c")
    )
    low = {line.name: line.mean for line in whole.lines}["published:low"]
    assert (low.value, low.reason) == (None, "no value for gpra_c")
    common = guanine_table(Results([]), theirs, common_tasks=True)
    assert common.averaged == whole.averaged[:3]
    assert means(common)["published:low"] == 20.0


def test_two_classes_are_shown_and_never_averaged(theirs, ours):
    table = guanine_table(Results([ours("a", "clinvar_snv", 50.0)]), theirs)
    assert table.tasks[-1] == "guanine/clinvar_snv"
    assert table.averaged == ()
    assert table.lines[0].mean.reason == "no task to average over"


def test_the_interval_of_a_mean_is_the_mean_of_the_ends(theirs, ours):
    results = Results([ours("a", "dnase_propensity", 20.0), ours("a", "cons30", 40.0)])
    own, *others = guanine_table(results, theirs).lines
    assert own.mean.interval == (29.0, 31.0)
    assert all(line.mean.interval is None for line in others)


def test_the_last_of_several_results_counts_and_other_questions_are_other_lines(theirs, ours):
    results = Results(
        [
            ours("a", "cons30", 41.0, finished="2026-02-01"),
            ours("a", "cons30", 40.0),
            ours("a", "cons30", 30.0, asked_as=":train=1per"),
        ]
    )
    first, second, *_ = guanine_table(results, theirs).lines
    assert (first.name, first.mean.value) == ("a", 41.0)
    assert (second.name, second.mean.value) == ("a (train=1per)", 30.0)


def test_the_frame_has_a_row_a_model_and_task_and_says_why_there_is_no_value(theirs, ours):
    results = Results([ours("a", "cons30", 40.0, limit=7)])
    frame = guanine_table(results, theirs).frame()
    own = frame.filter(~frame["published"], task="guanine/cons30").row(0, named=True)
    assert (own["value"], own["low"], own["high"], own["n"]) == (40.0, 39.0, 41.0, 100)
    assert own["remarks"] == "of 7 rows only (--limit)"
    wrong = frame.filter(model="published:wrong", task="guanine/ccre_propensity").row(0, named=True)
    assert (wrong["value"], wrong["low"], wrong["n"]) == (52.0, None, None)
    assert wrong["remarks"].startswith("corrected: 50 was printed")
    none = frame.filter(model="published:snv only", task=MEAN).row(0, named=True)
    assert (none["value"], none["remarks"]) == (None, "no value for cons30")


def test_published_scores_among_the_results_are_published_ones(theirs):
    table = guanine_table(theirs)
    assert all(line.published for line in table.lines)


def test_what_is_not_in_it_is_told(theirs, ours):
    hidden = ours("a", "cons30", None, reason="labels are hidden", asked_as=":split=test")
    other = replace(hidden, benchmark=replace(hidden.benchmark, id="genes/tf-vs-non-tf"))
    results = Results(
        [hidden, other],
        [Skipped(benchmark="guanine/gpra_c", reason="no data")],
        [Failed("guanine/gpra_d", "a", "broken")],
    )
    assert guanine_table(results, theirs).left_out == (
        "a, cons30: labels are hidden",
        "1 result: not of GUANinE",
        "skipped guanine/gpra_c: no data",
        "failed guanine/gpra_d × a: broken",
    )


def test_results_of_something_else_are_refused(theirs, ours):
    with pytest.raises(UsageError, match="no results on tasks of GUANinE"):
        guanine_table(Results([]))
    strange = ours("a", "cons30", 1.0)
    strange = replace(
        strange,
        metrics=[replace(strange.metrics[0], name="pearson")],
        settings={**strange.settings, "headline": ["pearson"]},
    )
    with pytest.raises(UsageError, match=r"expected spearman_x100 .* found pearson"):
        guanine_table(Results([strange]), theirs)


# ----------------------------------------------------------------------------------------- the page


def test_the_page_sets_published_scores_apart(theirs, ours):
    page = guanine_page(guanine_table(Results([ours("a", "cons30", 40.0)]), theirs))
    own, published = re.findall(r"<tbody class='(own|theirs)'>(.*?)</tbody>", page, re.DOTALL)
    assert (own[0], published[0]) == ("own", "theirs")
    assert "computed here" in own[1]
    assert "40.00<small>[39.00, 41.00]</small>" in own[1]
    assert own[1].count("scope='row'") == 1
    assert "as published" in published[1]
    assert published[1].count("scope='row'") == 4
    assert "<small>[" not in published[1]
    assert "not computed here" in page.partition("published scores</h2>")[2]


def test_every_mark_leads_to_its_footnote(theirs, ours):
    own = ours("a", "cons30", 40.0, limit=7)
    page = guanine_page(guanine_table(Results([own]), theirs))
    marks = re.findall(r"href='#(note-\d)'", page)
    notes = dict(re.findall(r"<li id='(note-\d)'>(.*?)</li>", page))
    assert marks == ["note-1", "note-2", "note-3"]
    assert list(notes) == marks
    assert "7 rows only" in notes["note-1"]
    assert notes["note-2"].startswith("doubtful: 95 is above 86.60")
    assert notes["note-3"].startswith("corrected: 50 was printed")
    assert "<td class='corrected'>52.00<sup>" in page


def test_names_of_strangers_are_escaped(theirs, ours):
    evil = "<script>alert(1)</script>"
    result = ours(evil, "cons30", None, reason=evil)
    shown = ours(evil, "dnase_propensity", 1.0, asked_as=f":{evil}")
    page = guanine_page(guanine_table(Results([result, shown]), theirs))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page == guanine_page(guanine_table(Results([result, shown]), theirs))
