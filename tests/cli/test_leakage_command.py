"""``genomark leakage``: what it prints, writes and refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from genomark.benchmarks.seen_items import SEEN_COLUMNS
from genomark.scoring import Leakage


@pytest.fixture
def task(tmp_path: Path) -> str:
    """Two hundred sequences with a measured value, of which nothing can be fitted on."""
    random = np.random.default_rng(3)
    folder = tmp_path / "task"
    folder.mkdir()
    rows = [
        {"id": f"s{row}", "seq": "".join(random.choice(list("ACGT"), 100)), "label": value}
        for row, value in enumerate(random.normal(size=200).round(6).tolist())
    ]
    (folder / "test.json").write_text(json.dumps(rows))
    (folder / "task.toml").write_text(
        'title = "two hundred"\nkind = "regression"\nmetrics = ["pearson"]\n\n[files]\n'
        'test = "test.json"\nno_train = "none was made"\n'
    )
    return f"sequences:{folder}"


@pytest.fixture
def train(task: str, tmp_path: Path) -> Path:
    """Copies of the first 60 items, every other with a tenth of its letters changed."""
    rows = json.loads((tmp_path / "task" / "test.json").read_text())
    random = np.random.default_rng(0)
    lines = []
    for row, each in enumerate(rows[:60]):
        letters = list(each["seq"])
        for place in random.choice(100, 10 * (row % 2), replace=False):
            letters[place] = "ACGT"[("ACGT".index(letters[place]) + 1) % 4]
        lines.append(f">t{row}\n{''.join(letters)}\n")
    (tmp_path / "train.fasta").write_text("".join(lines))
    return tmp_path / "train.fasta"


@pytest.fixture
def predictions(task: str, tmp_path: Path) -> str:
    """The truth, with noise."""
    rows = json.loads((tmp_path / "task" / "test.json").read_text())
    said = np.array([each["label"] for each in rows]) + np.random.default_rng(1).normal(size=200)
    frame = pl.DataFrame({"item_id": [each["id"] for each in rows], "value": said})
    frame.write_csv(tmp_path / "preds.csv")
    return "file:preds.csv"


@pytest.fixture
def asked(genomark_cli, task):
    return lambda *words: genomark_cli("leakage", task, "--workers", "1", *map(str, words))


@pytest.fixture
def ran(genomark_cli, task, predictions):
    def run(*words):
        found = genomark_cli("run", "-m", predictions, "-b", task, "--workers", "1", *words)
        assert found.code == 0
        return found

    return run


def test_it_counts_draws_and_writes(asked, train, tmp_path):
    found = asked("--train", train, "--out", "items.parquet", "--json", "l.json")
    assert found.code == 0
    assert "trained on sequences in train.fasta" in found.out
    assert "seen: 60 of 200 items, 30.0 % [24.1, 36.7]" in found.out
    assert "whole and unchanged: 30 items" in found.out
    assert "on the strand as given 60, on the other 0" in found.out
    histogram = [line for line in found.out.splitlines() if " to " in line]
    assert sum(int(line.split()[3]) for line in histogram) == 200
    items = pl.read_parquet(tmp_path / "items.parquet")
    assert items.schema == pl.Schema(SEEN_COLUMNS)
    assert items["seen"].sum() == 60
    assert items["train_id"][:2].to_list() == ["t0", "t1"]
    document = json.loads((tmp_path / "l.json").read_text())
    assert document["benchmark"]["title"] == "two hundred"
    assert document["leakage"]["share"] == 0.3
    assert document["models"] == {}


def test_every_kind_of_table_can_be_written(asked, train, tmp_path):
    assert asked("--train", train, "--out", "items.tsv").code == 0
    assert pl.read_csv(tmp_path / "items.tsv", separator="\t").height == 200
    refused = asked("--train", train, "--out", "items.xlsx")
    assert refused.code == 2
    assert "items.xlsx: expected a name that ends in" in refused.err


def test_models_of_a_run_have_their_scores_by_similarity(asked, ran, train, predictions, tmp_path):
    ran("-m", "control:random")
    words = (
        "--train",
        train,
        "--results",
        "genomark-results",
        "--svg",
        "c.svg",
        "--json",
        "l.json",
    )
    found = asked(*words)
    assert found.code == 0
    assert "file:preds.csv  pearson" in found.out
    assert "all less not seen" in found.out
    document = json.loads((tmp_path / "l.json").read_text())
    assert set(document["models"]) == {"file:preds.csv", "control:random"}
    panel = msgspec.convert(document["models"]["file:preds.csv"], Leakage)
    assert (panel.all.n, panel.clean.n, panel.seen) == (200, 140, 60)
    said = pl.read_csv(tmp_path / "preds.csv")["value"].to_numpy()
    truth = [row["label"] for row in json.loads((tmp_path / "task" / "test.json").read_text())]
    expected = np.corrcoef(said[60:], truth[60:])[0, 1]
    # Answers of such tasks are kept as float32.
    assert panel.clean.value == pytest.approx(expected, abs=1e-6)
    assert sum(each.n for each in panel.bins) == 200
    svg = (tmp_path / "c.svg").read_text()
    assert svg.startswith("<svg")
    assert "file:preds.csv" in svg


def test_regions_of_a_set_are_compared_by_place(genomark_cli, real_data):
    real_data("kircher2019", "elements.tsv.gz")
    real_data("training_regions", "sequences_human_borzoi.bed")
    found = genomark_cli("leakage", "kircher2019", "--train", "borzoi-folds", "--workers", "1")
    assert found.code == 0
    assert "trained on borzoi-folds (fold0, fold1, fold2, fold5, fold6, fold7)" in found.out
    assert "34,453 of 41,724 items" in found.out


def test_a_bed_file_of_the_users_own_needs_an_assembly(genomark_cli, real_data, tmp_path):
    real_data("kircher2019", "elements.tsv.gz")
    # All of chromosome 1 but for its end, as train; and the rest as test.
    (tmp_path / "mine.bed").write_text("chr1\t0\t248000000\ttrain\nchr2\t0\t242000000\ttest\n")
    refused = genomark_cli("leakage", "kircher2019", "--train", "mine.bed")
    assert refused.code == 2
    assert "--assembly" in refused.err
    found = genomark_cli(
        "leakage", "kircher2019", "--train", "mine.bed:train", "--assembly", "GRCh38",
        "--out", "items.csv",
    )  # fmt: skip
    assert found.code == 0
    items = pl.read_csv(tmp_path / "items.csv")
    on_chr1 = items["item_id"].str.split(":").list.get(1) == "1"
    assert on_chr1.any()
    assert items["seen"].to_list() == on_chr1.to_list()


@pytest.mark.parametrize("prefix", ["", "chr"])
def test_regions_are_found_whatever_their_chromosomes_are_called(
    genomark_cli, real_data, tmp_path, prefix
):
    real_data("kircher2019", "elements.tsv.gz")
    (tmp_path / "one.bed").write_text(f"{prefix}1\t0\t248000000\n")
    words = ("leakage", "kircher2019", "--train", "one.bed", "--assembly", "hg38")
    assert genomark_cli(*words, "--out", "items.csv").code == 0
    items = pl.read_csv(tmp_path / "items.csv")
    on_chr1 = items["item_id"].str.split(":").list.get(1) == "1"
    assert items["seen"].sum() == on_chr1.sum() > 0


def test_a_file_of_another_assembly_is_refused(genomark_cli, real_data, tmp_path):
    real_data("kircher2019", "elements.tsv.gz")
    for row, says in (("scaffold_1\t0\t9", "none of its"), ("1\t0\t249250621", "ends beyond")):
        (tmp_path / "other.bed").write_text(f"{row}\n")
        found = genomark_cli("leakage", "kircher2019", "--train", "other.bed", "--assembly", "hg38")
        assert found.code == 2
        assert says in found.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--train", "nowhere.fa"], "nowhere.fa: no such file"),
        (["--train", "train.fasta", "--svg", "c.svg"], "--results"),
        (["--train", "train.fasta", "--results", "empty"], "empty"),
        (["--train", "train.fasta", "--json", "l.txt"], "l.txt: expected"),
        (["--train", "enformer"], "no place in a genome"),
        (["--train", "bad.fasta"], "bad.fasta"),
        (["--train", ""], "training data without a name"),
        (["--train", "none"], "nothing was trained on"),
        (["--train", "train.fasta", "--assembly", "nonsense"], "No assembly named 'nonsense'"),
        (
            ["--train", "train.fasta", "--results", "nonexistent"],
            "--results nonexistent: no such folder",
        ),
        (["--train", "train.fasta", "--results", "bad.fasta"], "bad.fasta: is a file"),
    ],
)
def test_what_cannot_be_done_is_one_line(asked, train, tmp_path, real_data, words, says):
    real_data("training_regions", "enformer_human_hg38_sequences.bed")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.fasta").write_text("ACGT\n")
    found = asked(*words)
    assert found.code == 2
    assert says in found.err
    assert found.err.startswith("error: ")
    assert found.err.count("\n") == 1


@pytest.fixture
def no_search(monkeypatch):
    def searched(*_, **__):
        raise AssertionError("the search began")

    monkeypatch.setattr("genomark.benchmarks.seen_items.seen_items", searched)


@pytest.mark.parametrize("folder", ["nonexistent", "empty", "other"])
def test_a_run_that_does_not_fit_is_told_before_the_search(
    asked, ran, train, tmp_path, no_search, folder
):
    (tmp_path / "empty").mkdir()
    ran("--limit", "50", "--out", "other")
    found = asked("--train", train, "--results", folder)
    assert found.code == 2
    assert folder in found.err
    assert "the search began" not in found.err


def test_what_was_found_is_written_also_where_there_is_nothing_to_draw(
    asked, ran, train, tmp_path, monkeypatch
):
    ran()
    monkeypatch.setattr("genomark.results.leakage_curve.leakage_curve", lambda *_: None)
    found = asked(
        "--train", train, "--results", "genomark-results",
        "--out", "items.csv", "--json", "l.json", "--svg", "c.svg",
    )  # fmt: skip
    assert found.code == 2
    assert "c.svg was not written: no model has a score" in found.err
    assert pl.read_csv(tmp_path / "items.csv").height == 200
    assert json.loads((tmp_path / "l.json").read_text())["leakage"]["seen"] == 60
    assert not (tmp_path / "c.svg").exists()


def test_a_folder_of_another_limit_has_no_predictions_to_use(asked, ran, train):
    ran("--limit", "50")
    words = ("--train", train, "--results", "genomark-results")
    found = asked(*words, "--limit", "60")
    assert found.code == 2
    assert "as it is now with --limit 60; run it first" in found.err
    assert "--limit 60 --out genomark-results" in found.err
    assert asked(*words, "--limit", "50").code == 0


def test_structures_to_design_for_have_no_sequences_to_look_for(genomark_cli, train):
    found = genomark_cli("leakage", "rna/eterna100", "--train", str(train))
    assert found.code == 2
    assert "'rna/eterna100' cannot be compared yet" in found.err


def test_of_a_suite_one_benchmark_is_looked_into(genomark_cli, train):
    found = genomark_cli("leakage", "suite:quickstart", "--train", str(train))
    assert found.code == 2
    assert "one is looked into at a time" in found.err
    assert "kircher2019" in found.err


def test_an_engine_is_one_that_is_known(asked, train):
    found = asked("--train", train, "--engine", "diamond")
    assert found.code == 2
    assert "--engine 'diamond': expected genomark or blastn" in found.err


@pytest.mark.skipif(shutil.which("blastn") is None, reason="BLAST+ is not installed")
def test_blast_finds_the_same_items(asked, train, tmp_path):
    ours, theirs = tmp_path / "ours.tsv", tmp_path / "theirs.tsv"
    assert asked("--train", train, "--out", ours).code == 0
    assert asked("--train", train, "--engine", "blastn", "--out", theirs).code == 0
    seen = [pl.read_csv(each, separator="\t")["seen"] for each in (ours, theirs)]
    assert seen[0].sum() > 0
    assert seen[0].to_list() == seen[1].to_list()


def test_run_takes_what_was_trained_on_and_says_what_was_seen(ran, train, tmp_path):
    found = ran("--json", "r.json", "--trained-on", str(train))
    told = " ".join(found.out.split())
    assert "trained on sequences in train.fasta; seen in training: 60 of 200 items" in told
    (result,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert result["leakage"]["seen"] == 60
    ran("--json", "r.json", "--trained-on", str(train), "--no-leakage", "--fresh")
    (result,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert "leakage" not in result
