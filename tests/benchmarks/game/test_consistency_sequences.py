"""The table as published, and sequences made from peaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sparse_genome import write_sparse_2bit

from genomark.benchmarks.game.consistency_sequences import (
    BACKGROUNDS,
    consistency_sequences,
    dinucleotide_shuffled,
    made_from,
    read_table,
    shuffled,
)
from genomark.datasets.assemblies import chromosomes
from genomark.errors import DatasetError, DatasetUnavailableError

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}


def other_strand(sequence: str) -> str:
    return "".join(COMPLEMENT[letter] for letter in reversed(sequence))


def published(n: int = 4, length: int = 300) -> list[tuple[str, str]]:
    """Names and sequences as the published table has them: natural ones, then shuffles."""
    random = np.random.default_rng(37)
    rows = []
    for ending in ("", "_mono_shuffled", "_dinuc_shuffled"):
        for number in range(n):
            sequence = "".join(random.choice(list("ACGT"), length, p=[0.3, 0.2, 0.2, 0.3]))
            name = f"chr{number + 1}_1000_101000{ending}"
            rows += [(name, sequence), (f"{name}_RC", other_strand(sequence))]
    return rows


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    lines = ["index\tseq_name\tsequence"]
    lines += [f"{number}\t{name}\t{sequence}" for number, (name, sequence) in enumerate(rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_table_is_read_as_pairs_of_three_backgrounds(tmp_path: Path) -> None:
    rows = published()
    found = read_table(write(tmp_path / "all.csv", rows))

    assert list(found.select("name", "sequence").iter_rows()) == rows
    forward = found.filter(~pl.col("reverse"))
    assert forward["background"].to_list() == [each for each in BACKGROUNDS for _ in range(4)]
    assert forward["peak"].to_list() == [0, 1, 2, 3] * 3
    assert found["pair"].to_list() == [pair for pair in range(12) for _ in range(2)]
    assert found["reverse"].to_list() == [False, True] * 12


def test_order_and_case_of_names_do_not_matter(tmp_path: Path) -> None:
    rows = [(name.replace("_RC", "_rc"), sequence) for name, sequence in reversed(published())]
    found = read_table(write(tmp_path / "all.csv", rows))

    assert found["background"].value_counts()["count"].to_list() == [8, 8, 8]
    pairs = found.group_by("pair").agg("name").sort("pair")["name"].to_list()
    assert all(other == f"{name}_rc" for name, other in pairs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1:], "'chr1_1000_101000_RC' has no twin"),
        (lambda rows: rows[:-1], "'chr4_1000_101000_dinuc_shuffled' has no twin"),
        (lambda rows: [*rows, rows[0]], "a seq_name is there twice"),
        (
            lambda rows: [rows[0], (rows[1][0], rows[0][1]), *rows[2:]],
            "'chr1_1000_101000_RC' is not the reverse complement of 'chr1_1000_101000'",
        ),
        (lambda rows: rows[2:], "found 3 natural, 4 mononucleotide, 4 dinucleotide"),
        (lambda rows: [(name, "") for name, _ in rows], "a sequence in every row"),
    ],
)
def test_other_tables_are_refused(
    tmp_path: Path,
    change: Callable[[list[tuple[str, str]]], list[tuple[str, str]]],
    said: str,
) -> None:
    with pytest.raises(DatasetError, match=said):
        read_table(write(tmp_path / "all.csv", change(published())))


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("name,sequence\na,ACGT\n")

    with pytest.raises(DatasetError, match="expected a tab-separated table with a seq_name"):
        read_table(path)


def test_without_table_and_peaks_both_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path))

    with pytest.raises(DatasetUnavailableError) as raised:
        consistency_sequences()
    assert "consistency/all_consistency_data.csv is not at hand" in str(raised.value)
    assert "consistency/peaks.bed" in str(raised.value)


@pytest.fixture(scope="module")
def from_peaks(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, str]:
    folder = tmp_path_factory.mktemp("peaks")
    random = np.random.default_rng(41)
    letters = "".join(random.choice(list("ACGT"), 100_000, p=[0.35, 0.15, 0.15, 0.35]))
    lengths = {name: each.length for name, each in chromosomes("hg38").items()}
    write_sparse_2bit(folder / "hg38" / "hg38.2bit", lengths, {"chr5": [(950_000, letters)]})
    bed = folder / "consistency" / "peaks.bed"
    bed.parent.mkdir()
    bed.write_text("chr5\t999900\t1000100\tpeak1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOMARK_MIRROR", str(folder))
        found = consistency_sequences()
        assert found.equals(made_from(bed))
    return found, letters


def test_sequences_are_made_from_peaks(from_peaks: tuple[pl.DataFrame, str]) -> None:
    found, letters = from_peaks

    assert found["sequence"].str.len_bytes().to_list() == [100_000] * 6
    assert found["sequence"][0] == letters
    assert found["background"].to_list() == [each for each in BACKGROUNDS for _ in range(2)]
    for number in range(3):
        forward, reverse = found["sequence"][2 * number], found["sequence"][2 * number + 1]
        assert reverse == other_strand(forward)


def test_shuffles_keep_what_they_are_named_for(from_peaks: tuple[pl.DataFrame, str]) -> None:
    natural, mono, di = (from_peaks[0]["sequence"][row] for row in (0, 2, 4))

    assert len({natural, mono, di}) == 3
    assert Counter(mono) == Counter(natural) == Counter(di)
    twos = [Counter(pairwise(each)) for each in (natural, mono, di)]
    assert twos[2] == twos[0] != twos[1]


def test_shuffles_are_drawn_evenly() -> None:
    """All walks that keep dinucleotides, as often as each other: counted by hand they are 6."""
    sequence = "ACAGATA"
    walks = Counter(
        dinucleotide_shuffled(sequence, np.random.RandomState(seed)) for seed in range(1_200)
    )

    # A goes to C, G and T once each and comes back: their 6 orders.
    assert len(walks) == 6
    assert min(walks.values()) > 150
    assert all(each[0] == each[-1] == "A" for each in walks)


@pytest.mark.parametrize("sequence", ["", "A", "AC", "NNNNN", "ACGTNNNNACGGT", "CCCA"])
def test_any_sequence_can_be_shuffled(sequence: str) -> None:
    for seed in range(20):
        random = np.random.RandomState(seed)
        assert Counter(shuffled(sequence, random)) == Counter(sequence)
        found = dinucleotide_shuffled(sequence, random)
        kept = [Counter(pairwise(each)) for each in (sequence, found)]
        assert kept[0] == kept[1]


def test_a_peak_beyond_its_chromosome_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    lengths = {name: each.length for name, each in chromosomes("hg38").items()}
    write_sparse_2bit(tmp_path / "hg38" / "hg38.2bit", lengths, {})
    bed = tmp_path / "peaks.bed"
    bed.write_text("chr21\t99999000\t99999500\n")

    with pytest.raises(DatasetError, match=r"peaks.bed: chr21:99949250-100049250 lies beyond"):
        made_from(bed)

    bed.write_text("chr21\tmany\t99999500\n")
    with pytest.raises(DatasetError, match=r"peaks.bed, line 1: 'many' is no position"):
        made_from(bed)
