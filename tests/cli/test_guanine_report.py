"""``genomark import guanine`` and ``genomark report --suite guanine``."""

from __future__ import annotations

import polars as pl
import pytest

from genomark.results import load_results

THEIRS = (
    "model,dnase,ccre,ccre-dnase,ccre-ctcf,ccre-hdk27ac,ccre-h3k4me3,cons30\n"
    "swapped,30,45,30,30,30,30,50\n"
    "plain,60,40,40,40,40,40,–\n"
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "theirs.csv").write_text(THEIRS)
    return tmp_path


def test_a_published_table_becomes_results_and_a_table(genomark_cli, files):
    outcome = genomark_cli("import", "guanine", "theirs.csv", "--json", "p.json", "--csv", "p.csv")
    assert outcome.code == 0
    assert "5 results on 3 tasks, as published; they are in p.json and p.csv" in outcome.err
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["model", "mean", "dnase", "ccre", "cons30"] in lines
    assert ["swapped", "41.7", "45.0*", "30.0*", "50.0"] in lines
    assert ["plain", "-", "60.0", "40.0", "-"] in lines
    assert ["as", "published:"] in lines
    assert "swapped, dnase: corrected: 30 was printed" in " ".join(outcome.out.split())
    results = load_results(files / "p.json")
    assert [each.settings["source"] for each in results] == ["guanine"] * 5
    table = pl.read_csv(files / "p.csv")
    assert table.filter(task="guanine/dnase_propensity")["value"].to_list() == [45.0, 60.0]


def test_nothing_is_written_unless_it_is_asked_for(genomark_cli, files):
    outcome = genomark_cli("import", "guanine", "theirs.csv")
    assert outcome.err.strip().endswith("as published")
    assert [each.name for each in files.iterdir()] == ["theirs.csv"]


def test_a_report_is_a_page_or_a_table(genomark_cli, files):
    genomark_cli("import", "guanine", "theirs.csv", "--json", "p.json")
    words = ("report", "p.json", "--suite", "guanine", "--published", "theirs.csv", "--out")
    assert genomark_cli(*words, "deep/page.html").code == 0
    page = (files / "deep" / "page.html").read_text()
    assert "<th scope='row'>swapped</th>" in page
    assert "Borzoi" not in page
    assert genomark_cli(*words, "table.csv").err.strip() == "The table is table.csv"
    # The same scores from both files are one line each.
    assert pl.read_csv(files / "table.csv")["model"].n_unique() == 2


def test_without_a_file_the_declared_scores_stand_beside(genomark_cli, files):
    genomark_cli("import", "guanine", "theirs.csv", "--json", "p.json")
    outcome = genomark_cli("report", "p.json", "p.json", "--suite", "guanine", "--common-tasks")
    assert outcome.code == 0
    assert "Borzoi" in (files / "report.html").read_text()
    assert "AlphaGenome-K562" in outcome.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import", "guanine", "none.csv"), "none.csv: no such file"),
        (("import", "guanine", "theirs.csv", "--csv", "p.txt"), "ends in .csv"),
        (("report", "p.json", "--suite", "guanine", "--out", "p.pdf"), "ends in .html, .csv"),
        (("report", "p.json", "--suite", "guanine", "--svg", "d"), "--svg and --scatter are of"),
        (("report", "none", "--suite", "guanine"), "none: not a document of results"),
        (("report", "p.json", "--published", "p.json"), "no results on tasks on genes"),
    ],
)
def test_what_cannot_be_done_is_one_line(genomark_cli, files, words, said):
    genomark_cli("import", "guanine", "theirs.csv", "--json", "p.json")
    before = sorted(each.name for each in files.iterdir())
    outcome = genomark_cli(*words)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert sorted(each.name for each in files.iterdir()) == before
