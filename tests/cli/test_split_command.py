"""``genomark split``, as a shell would see it."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import polars as pl
import pytest


def changed(draw: random.Random, text: str) -> str:
    letters = list(text)
    for place in draw.sample(range(len(letters)), len(letters) // 20):
        letters[place] = draw.choice("ACGT")
    return "".join(letters)


@pytest.fixture
def table() -> pl.DataFrame:
    """40 families of 3, in no order, with the number of the family and a label."""
    draw = random.Random(0)
    rows = []
    for number in range(40):
        ancestor = "".join(draw.choices("ACGT", k=120))
        rows += [
            {"sequence": changed(draw, ancestor), "family": number, "label": number % 4 == 0}
            for _ in range(3)
        ]
    return pl.DataFrame(draw.sample(rows, len(rows)))


def test_families_stay_whole_and_ratios_are_kept(genomark_cli, table: pl.DataFrame) -> None:
    table.write_csv("all.csv")
    outcome = genomark_cli(
        "split", "all.csv", "--out", "split.csv", "--stratify", "label", "--threads", "1"
    )
    assert outcome.code == 0, outcome.err
    made = pl.read_csv("split.csv")
    assert made.columns == ["sequence", "family", "label", "split", "group"]
    assert made["sequence"].to_list() == table["sequence"].to_list()
    of_family = made.group_by("family").agg(pl.col("split", "group").n_unique())
    assert of_family["split"].to_list() == [1] * 40
    assert of_family["group"].to_list() == [1] * 40
    sizes = dict(made["split"].value_counts().iter_rows())
    assert sizes == {"train": 96, "valid": 12, "test": 12}
    assert made.filter(split="train")["label"].mean() == pytest.approx(0.25, abs=0.03)
    assert "120 sequences in 40 groups, the largest of 3" in outcome.err
    assert "train 96 (80.0% of 80.0%)" in outcome.err
    assert "largest similarity between parts: 0.000" in outcome.err


def test_the_same_seed_writes_the_same_bytes(genomark_cli, table: pl.DataFrame) -> None:
    table.write_parquet("all.parquet")
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        threads = "2" if name == "b" else "1"
        genomark_cli(
            *("split", "all.parquet", "-o", f"{name}.parquet", "--ratio", "6:2:2"),
            *("--seed", str(seed), "--threads", threads),
        )
    first, second, third = (Path(f"{name}.parquet").read_bytes() for name in "abc")
    assert first == second
    assert first != third


def test_fasta_gets_folds_and_a_giant_group_loses_rows(genomark_cli) -> None:
    draw = random.Random(1)
    genome = "".join(draw.choices("ACGT", k=4_000))
    windows = [genome[start : start + 150] for start in range(0, 3_800, 60)]
    Path("all.fa").write_text("".join(f">w{n}\n{each}\n" for n, each in enumerate(windows)))
    outcome = genomark_cli("split", "all.fa", "-o", "folds.tsv", "--ratio", "1:1:1:1")
    assert outcome.code == 0, outcome.err
    made = pl.read_csv("folds.tsv", separator="\t")
    assert made["id"].to_list()[:2] == ["w0", "w1"]
    names = set(made["split"].to_list())
    assert names == {"fold-1", "fold-2", "fold-3", "fold-4", "dropped"}
    # Neighbours overlap by 90 of 150 letters, and are in one fold unless one was dropped.
    splits = made["split"].to_list()
    for one, other in itertools.pairwise(splits):
        assert "dropped" in (one, other) or one == other
    assert f"dropped {splits.count('dropped'):,}" in outcome.err
    assert 3 <= splits.count("dropped") <= 8


def test_many_numbers_are_stratified_by_tenths(genomark_cli) -> None:
    draw = random.Random(2)
    rows = [
        {"sequence": "".join(draw.choices("ACGT", k=60)), "label": draw.random()}
        for _ in range(400)
    ]
    Path("all.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("split", "all.json", "-o", "s.csv", "--ratio", "1:1", "--stratify", "label")
    assert genomark_cli(*words).code == 0
    made = pl.read_csv("s.csv")
    for part in ("train", "test"):
        labels = made.filter(split=part)["label"]
        assert labels.median() == pytest.approx(made["label"].median(), abs=0.02)
        assert (labels < made["label"].quantile(0.1)).mean() == pytest.approx(0.1, abs=0.02)


def test_a_single_strand_has_no_other(genomark_cli) -> None:
    sequence = "".join(random.Random(3).choices("ACGT", k=80))
    other = sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    pl.DataFrame({"sequence": [sequence, other]}).write_csv("two.csv")
    assert "in 1 groups" in genomark_cli("split", "two.csv", "-o", "o.csv", "--ratio", "1:1").err
    words = ("split", "two.csv", "-o", "o.csv", "--ratio", "1:1", "--single-strand")
    assert "in 2 groups" in genomark_cli(*words).err
    assert sorted(pl.read_csv("o.csv")["split"].to_list()) == ["test", "train"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.csv", "-o", "x.csv", "--ratio", "80"], "--ratio 80: expected two or more numbers"),
        (["a.csv", "-o", "x.csv", "--ratio", "80:x"], "--ratio 80:x: expected two or more"),
        (["a.csv", "-o", "x.csv", "--ratio", "80:nan"], "--ratio 80:nan: expected"),
        (["a.csv", "-o", "x.txt"], "x.txt: expected a name that ends in .csv"),
        (["a.csv", "-o", "x.csv", "--identity", "80"], "must be above 0 and up to 1, not 80.0"),
        (["a.csv", "-o", "x.csv", "--stratify", "no"], "a.csv: no column 'no'; there are"),
        (["a.csv", "-o", "x.csv", "--stratify", "gap"], "row 2: column 'gap': no value"),
        (["b.csv", "-o", "x.csv"], "b.csv: has a column 'split' already; rename it"),
        (["lists.parquet", "-o", "x.csv"], "x.csv: column 'labels' holds lists; write .parquet"),
        (
            ["lists.parquet", "-o", "x.parquet", "--stratify", "labels"],
            "column 'labels' holds lists; give one of values",
        ),
        (["gone.csv", "-o", "x.csv"], "gone.csv"),
    ],
)
def test_what_cannot_be_split_is_told_in_one_line(
    genomark_cli, words: list[str], message: str
) -> None:
    Path("a.csv").write_text("sequence,gap\nACGTACGTAA,1\nTTGGCCATCA,\n")
    Path("b.csv").write_text("sequence,split\nACGT,train\n")
    pl.DataFrame({"sequence": ["ACGT"], "labels": [[1, 2]]}).write_parquet("lists.parquet")
    outcome = genomark_cli("split", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.strip().count("\n") == 0
    assert not Path("x.csv").exists()
