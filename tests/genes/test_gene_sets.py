"""Gene sets and tables as tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genomark.errors import UnknownNameError, UsageError
from genomark.genes import GeneSet, gene_set_task, read_gmt, read_table_task

RealData = Callable[[str, str], Path]

SETS = [
    GeneSet("one", "", ("B", "A")),
    GeneSet("two", "", ("C", "A", "D")),
    GeneSet("three", "", ("D", "E", "A", "NA")),
]


@pytest.fixture
def reactome(real_data: RealData) -> Path:
    return real_data("gene_sets", "c2.cp.reactome.v2023.1.Hs.symbols.gmt")


def lines_of(path: Path) -> dict[str, set[str]]:
    """Names and genes, by hand."""
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return {line[0]: set(line[2:]) for line in lines}


def test_real_pathways_are_read(reactome: Path) -> None:
    sets = read_gmt(reactome)
    assert len(sets) == 1654
    assert {item.name: set(item.genes) for item in sets} == lines_of(reactome)
    first = sets[0]
    assert first.name == "REACTOME_INTERLEUKIN_6_SIGNALING"
    assert first.description.endswith("/human/geneset/REACTOME_INTERLEUKIN_6_SIGNALING")
    assert first.genes[:3] == ("JAK2", "TYK2", "CBL")
    assert len(first.genes) == 11


def test_real_cell_types_are_read(real_data: RealData) -> None:
    assert len(read_gmt(real_data("gene_sets", "c8.all.v2023.2.Hs.symbols.gmt"))) == 830


def test_real_pathways_become_a_task(reactome: Path) -> None:
    members = lines_of(reactome)
    genes = sorted(set.union(*members.values()))
    task = gene_set_task("Reactome", read_gmt(reactome), min_genes=1, max_genes=10**6)
    assert (task.name, task.kind, task.notes) == ("Reactome", "multi-label", ())
    assert task.targets.shape == (11_065, 1_654) == (len(genes), len(members))
    assert task.entities.to_dict(as_series=False) == {"symbol": genes}
    assert task.targets.sum(axis=0).tolist() == [len(members[name]) for name in task.labels]
    row = dict(zip(task.labels, task.targets[genes.index("TP53")], strict=True))
    assert {name for name, value in row.items() if value} == {
        name for name, found in members.items() if "TP53" in found
    }


def test_real_pathways_of_50_to_500_genes(reactome: Path) -> None:
    task = gene_set_task("Reactome", read_gmt(reactome), min_genes=50, max_genes=500)
    assert len(task.labels) == 447
    assert len(task) == 11_065
    assert int(task.targets.any(axis=1).sum()) == 10_328
    assert task.notes == ("1,207 of 1,654 gene sets left out: not 50 to 500 genes",)


def test_both_bounds_are_included() -> None:
    task = gene_set_task("t", SETS, min_genes=2, max_genes=3)
    assert task.labels == ("one", "two")
    # The genes of a set that is no label are asked about all the same.
    assert task.entities["symbol"].to_list() == ["A", "B", "C", "D", "E", "NA"]
    np.testing.assert_array_equal(task.targets, [[1, 1], [1, 0], [0, 1], [0, 1], [0, 0], [0, 0]])
    assert task.notes == ("1 of 3 gene sets left out: not 2 to 3 genes",)


def test_a_background_says_which_genes_and_counts() -> None:
    task = gene_set_task("t", SETS, min_genes=2, max_genes=2, background=["X", "D", "A", "X", "E"])
    assert task.entities["symbol"].to_list() == ["X", "D", "A", "E"]
    # Of the background, 'two' has A and D; 'three' has three genes.
    assert task.labels == ("two",)
    assert task.targets[:, 0].tolist() == [0, 1, 1, 0]
    assert task.notes == (
        "2 of 3 gene sets left out: not 2 to 2 genes",
        "3 of 6 genes of the sets left out: not in the background",
    )


def test_a_task_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(
        UsageError, match="none of 3 gene sets has 5 to 9 genes; the smallest has 2"
    ):
        gene_set_task("t", SETS, min_genes=5, max_genes=9)
    with pytest.raises(UsageError, match="two gene sets are named 'one'"):
        gene_set_task("t", [*SETS, SETS[0]], min_genes=1, max_genes=9)
    with pytest.raises(UsageError, match="no genes to ask about"):
        gene_set_task("t", SETS, min_genes=1, max_genes=9, background=[])


def test_a_gmt_file_is_read_leniently_where_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "a.gmt"
    file.write_bytes("\ufeffone\t\tA\tNA\tA\t\r\n\r\ntwo\thttp://x\tB \t\t C\r\n".encode())
    assert read_gmt(file) == [
        GeneSet("one", "", ("A", "NA")),
        GeneSet("two", "http://x", ("B", "C")),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("one\tx\tA\ntwo\tx\n", r"a\.gmt, line 2: expected the name of a set, .* found 'two\tx'"),
        ("one\tx\t\t\n", r"a\.gmt, line 1: expected"),
        ("\tx\tA\n", r"a\.gmt, line 1: expected"),
        ("one A B\n", r"a\.gmt, line 1: expected .* found 'one A B'"),
        ("one\tx\tA\n\ntwo\tx\tA\none\tx\tB\n", r"line 4: there is a set 'one' on line 1 already"),
        ("\n \n", r"a\.gmt: empty"),
        ("one\tx\tA\n\udcff\tx\tB", r"a\.gmt, line 2: not UTF-8"),
    ],
)
def test_what_is_no_gene_set_is_told(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "a.gmt"
    file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=message):
        read_gmt(file)


# Tables


def test_a_real_table_becomes_a_task(real_data: RealData) -> None:
    """Lambert et al. 2018 judge 1,639 of 2,765 genes to be transcription factors."""
    file = real_data("human_tfs", "DatabaseExtract_v_1.01.csv")
    task = read_table_task(file, symbol="HGNC symbol", outcomes="Is TF?", name="TF")
    assert (task.name, task.kind, len(task)) == ("TF", "binary", 2765)
    assert (task.labels, task.negative) == (("Yes",), "No")
    assert int(task.targets.sum()) == 1639
    assert task.entities.columns == ["symbol"]
    assert task.entities["symbol"][0] == "TFAP2A"


@pytest.mark.parametrize(("suffix", "sign"), [(".csv", ","), (".tsv", "\t"), (".TXT", "\t")])
def test_the_ending_says_how_cells_are_parted(tmp_path: Path, suffix: str, sign: str) -> None:
    file = tmp_path / f"two labels{suffix}"
    rows = (("symbol", "x", "y"), ("NA", "1", "no"), ("B", "0", "yes"), ("C", "1", ""))
    file.write_text("".join(sign.join(row) + "\n" for row in rows))
    task = read_table_task(file)
    assert (task.name, task.kind, task.labels) == ("two labels", "multi-label", ("x", "y"))
    assert task.entities["symbol"].to_list() == ["NA", "B"]
    np.testing.assert_array_equal(task.targets, [[1, 0], [0, 1]])
    assert task.notes == ("1 of 3 rows left out: no outcome",)


def test_pairs_and_groups_are_columns(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("gene,chromosome,partner,score\nA,1,B,0.5\nC,2,D,1.5\nE,1,F,2.5\n")
    task = read_table_task(file, symbol=["gene", "partner"], groups="chromosome")
    assert task.entities.to_dict(as_series=False) == {
        "symbol": ["A", "C", "E"],
        "symbol.1": ["B", "D", "F"],
    }
    assert (task.kind, task.labels, task.groups) == ("regression", ("score",), ("1", "2", "1"))
    classes = read_table_task(
        file, symbol="gene", outcomes=["chromosome"], kind="binary", positive="1"
    )
    assert classes.targets[:, 0].tolist() == [1, 0, 1]


def test_a_table_that_does_not_fit_is_told(tmp_path: Path) -> None:
    file = tmp_path / "genes.tsv"
    file.write_text("gene\tscore\nA\t1\nB\tx\n")
    with pytest.raises(UnknownNameError, match=r"No column in .*genes\.tsv named 'symbol'"):
        read_table_task(file)
    with pytest.raises(UnknownNameError, match="Did you mean 'score'"):
        read_table_task(file, symbol="gene", outcomes="scores")
    with pytest.raises(UsageError, match=r"genes\.tsv: column 'score', row 2: expected a finite"):
        read_table_task(file, symbol="gene", kind="regression")
    with pytest.raises(UsageError, match="no column of outcomes beside gene, score"):
        read_table_task(file, symbol=["gene", "score"])
    with pytest.raises(UsageError, match=r"genes\.xlsx: expected a file ending in \.csv, \.tsv"):
        read_table_task(tmp_path / "genes.xlsx")
