"""``genomark tasks``: build and list."""

from __future__ import annotations

import json

import pytest

TABLE = "gene,essential\nTP53,yes\nNA,no\nBRCA1,yes\n"
SETS = "FIRST\turl\tA\tB\nSECOND\turl\tB\tC\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(TABLE)
    return path


def test_a_table_is_built_and_summed_up(genomark_cli, table, tmp_path):
    words = ["--file", table, "--symbol-column", "gene", "--out", "tasks"]
    outcome = genomark_cli("tasks", "build", "table", *words)
    assert outcome.code == 0
    header, row = outcome.out.splitlines()
    assert header.split() == ["task", "kind", "rows", "labels"]
    assert row.split() == ["mine", "binary", "3", "1"]
    assert "1 task in tasks; their origin is in source.json there" in outcome.err
    assert (tmp_path / "tasks" / "mine" / "entities.csv").read_text() == "symbol\nTP53\nNA\nBRCA1\n"


def test_options_reach_the_task(genomark_cli, table, tmp_path):
    words = ["--symbol-column", "gene", "--outcome-column", "essential", "--kind", "binary"]
    words += ["--positive", "no", "--name", "deep/mine", "--out", tmp_path / "out", "--json"]
    outcome = genomark_cli("tasks", "build", "table", "--file", table, *words)
    assert outcome.code == 0
    document = json.loads(outcome.out)
    assert document["source"] == "table"
    assert document["tasks"] == [
        {"name": "deep/mine", "kind": "binary", "rows": 3, "labels": 1, "positive": "no"}
    ]
    assert document["absent"] == []
    assert document["files"][0]["name"] == "mine.csv"
    listed = json.loads(genomark_cli("tasks", "list", tmp_path / "out", "--json").out)
    assert listed == [
        {
            "name": "deep/mine",
            "kind": "binary",
            "rows": 3,
            "labels": 1,
            "positive": "no",
            "source": "table",
            "family": None,
        }
    ]


def test_bounds_of_gene_sets_reach_the_task(genomark_cli, tmp_path):
    (tmp_path / "my.gmt").write_text(SETS)
    words = ["tasks", "build", "gmt", "--file", "my.gmt", "--min-genes", "2", "--max-genes", "9"]
    outcome = genomark_cli(*words)
    assert outcome.out.splitlines()[1].split() == ["my", "multi-label", "3", "2"]


def test_what_was_left_out_and_what_is_not_there_is_told(genomark_cli, tmp_path):
    text = "Gene\tChromosome\nTP53\t17\nMYC\t8\nMYC\t9\n"
    (tmp_path / "proteinatlas.tsv").write_text(text)
    outcome = genomark_cli("tasks", "build", "hpa", "--file", "proteinatlas.tsv")
    assert outcome.code == 0
    assert "Chromosome: 1 rows of symbols that stood before were merged" in outcome.out
    assert "not in these files CCD Protein, CCD Transcript, RNA tissue specificity" in outcome.out
    assert "and 54 others (--json names them all)" in outcome.out


def test_the_human_transcription_factors(genomark_cli, real_data):
    real_data("human_tfs", "DatabaseExtract_v_1.01.csv")
    outcome = genomark_cli("tasks", "build", "human-tfs", "--out", "tasks")
    assert outcome.out.splitlines()[1].split() == ["TF", "vs", "non-TF", "binary", "2,765", "1"]
    (row,) = json.loads(genomark_cli("tasks", "list", "tasks", "--json").out)
    assert (row["positive"], row["source"]) == ("Transcription factor", "human-tfs")
    assert row["family"] == "regulatory functions"


def test_tasks_that_were_not_built_here_are_listed_too(genomark_cli, tmp_path):
    folder = tmp_path / "old" / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "entities.csv").write_text("symbol\nTP53\nMYC\nNA\n")
    (folder / "outcomes.csv").write_text("Outcomes\n0.5\n1.5\n2\n")
    outcome = genomark_cli("tasks", "list", "old")
    assert outcome.out.splitlines()[1].split() == ["a/b", "regression", "3", "1"]
    (row,) = json.loads(genomark_cli("tasks", "list", "old", "--json").out)
    assert row["source"] is None


def test_sources_are_listed_with_what_they_read(genomark_cli):
    outcome = genomark_cli("tasks", "list")
    assert outcome.code == 0
    assert "reactome  Reactome: human pathways" in outcome.out
    assert "30 tasks; licence: CC0" in outcome.out
    assert "tasks as the files have them" in outcome.out
    assert "or their folder; with the HGNC complete set" in outcome.out
    rows = json.loads(genomark_cli("tasks", "list", "--json").out)
    assert sum(len(row["tasks"]) for row in rows) == 111
    assert {row["name"] for row in rows if not row["downloads"]} == {"gmt", "table"}


def test_a_wrong_source_is_one_line(genomark_cli):
    outcome = genomark_cli("tasks", "build", "hla2")
    assert outcome.code == 2
    assert outcome.err == ("error: No source of gene tasks named 'hla2'. Did you mean 'hla'?\n")


def test_an_option_that_makes_no_difference_is_refused(genomark_cli):
    outcome = genomark_cli("tasks", "build", "hla", "--min-genes", "3")
    assert outcome.code == 2
    assert "does not heed the setting 'min_genes'" in outcome.err


@pytest.mark.usefixtures("no_data")
def test_without_a_network_it_says_how_to_give_files(genomark_cli):
    outcome = genomark_cli("tasks", "build", "reactome")
    assert outcome.code == 1
    assert "https://reactome.org/download/current/ReactomePathways.gmt.zip" in outcome.err
    assert "genomark tasks build reactome --file PATH" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_folder_without_tasks_and_one_that_is_not_there(genomark_cli, tmp_path):
    assert genomark_cli("tasks", "list", tmp_path, "--json").out == "[]\n"
    outcome = genomark_cli("tasks", "list", "none")
    assert outcome.code == 2
    assert "no such folder of tasks" in outcome.err


@pytest.mark.parametrize("verb", ["build", "list"])
def test_help_gives_examples(genomark_cli, verb):
    outcome = genomark_cli("tasks", verb, "--help")
    assert outcome.code == 0
    assert "Examples:" in outcome.out
    assert f"genomark tasks {verb}" in outcome.out
