"""Genes as the sets they are in, against sets counted by hand and read line by line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genomark.errors import CapabilityError, DatasetError, UsageError
from genomark.models.capabilities import GeneEmbedder
from genomark.models.genes.gene_sets import bag_of_c8, gene_sets


@pytest.fixture
def gmt(tmp_path: Path) -> Path:
    path = tmp_path / "sets.gmt"
    path.write_text("ONE\thttp\tTP53\tMYC\tTP53\nTWO\t\tMYC\tNA\tBRCA1\nTHREE\tx\tKRAS\n")
    return path


def test_a_vector_has_a_one_for_each_set_of_the_gene(gmt: Path) -> None:
    model = gene_sets(str(gmt))
    assert isinstance(model, GeneEmbedder)
    table = model.gene_table(["MYC"])
    assert table is model.gene_table([])
    assert list(table.names) == ["BRCA1", "KRAS", "MYC", "NA", "TP53"]
    assert table.vectors.dtype == np.float32
    assert table.vectors.flags.c_contiguous
    assert table.vectors.tolist() == [[0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert model.info.id == "gene-sets:sets.gmt"
    assert model.info.notes == ["5 genes x 3 gene sets"]


def test_small_sets_are_left_out_and_so_are_genes_in_no_other(gmt: Path) -> None:
    every, large = gene_sets(str(gmt)), gene_sets(str(gmt), 2)
    table = large.gene_table([])
    assert list(table.names) == ["BRCA1", "MYC", "NA", "TP53"]
    assert table.vectors.tolist() == [[0, 1], [1, 1], [0, 1], [1, 0]]
    assert large.info.id == "gene-sets:sets.gmt,min_genes=2"
    assert large.info.digest != every.info.digest


def test_what_cannot_be_had(gmt: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.gmt: no such file; expected gene sets in GMT"):
        gene_sets("no.gmt")
    with pytest.raises(UsageError, match="min_genes must be at least 1, not 0"):
        gene_sets(str(gmt), 0)
    with pytest.raises(UsageError, match=r"no gene set has 4 genes or more"):
        gene_sets(str(gmt), 4).gene_table([])
    with pytest.raises(CapabilityError, match="hold gene symbols, not 'diseaseId'"):
        gene_sets(str(gmt)).gene_table([], "diseaseId")


def test_c8_as_read_line_by_line(real_data: Callable[[str, str], Path]) -> None:
    path = real_data("gene_sets", "c8.all.v2023.2.Hs.symbols.gmt")
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    sets = {line[0]: set(line[2:]) for line in lines}
    model = bag_of_c8()
    table = model.gene_table([])
    # 830 sets are what MSigDB 2023.2 tells of C8.
    assert table.vectors.shape == (20_418, 830)
    assert model.info.id == "bag-of-c8"
    assert model.info.notes == ["20,418 genes x 830 gene sets"]
    assert set(table.names) == set().union(*sets.values())
    assert table.vectors.sum() == sum(len(genes) for genes in sets.values())
    assert set(np.unique(table.vectors)) == {0, 1}
    for gene in ("CD3E", "ALB", "TP53"):
        row = table.rows([gene])[0]
        of_gene = [gene in genes for genes in sets.values()]
        assert table.vectors[row].tolist() == [float(each) for each in of_gene]
    np.testing.assert_array_equal(
        table.vectors.sum(axis=0), [len(genes) for genes in sets.values()]
    )


@pytest.mark.usefixtures("no_data")
def test_without_data_it_is_said_what_is_missing() -> None:
    model = bag_of_c8()
    with pytest.raises(DatasetError, match=r"gene_sets/c8\.all"):
        model.gene_table([])
