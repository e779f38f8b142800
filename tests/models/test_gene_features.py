"""Names cut into n-grams, and lengths of genes, against counts by hand."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from genomark.errors import CapabilityError, UsageError
from genomark.models.capabilities import GeneEmbedder
from genomark.models.genes.features import GeneLength, SymbolNgrams

# With so many dimensions no two of a few n-grams share one.
ROOMY = 1 << 16


def products(*names: str, longest: int = 4, dimensions: int = ROOMY) -> np.ndarray:
    """Inner products: n-grams that two names share, counted with their repeats."""
    vectors = SymbolNgrams(dimensions, longest).gene_table(names).vectors
    return np.asarray(vectors @ vectors.T)


def test_names_share_the_ngrams_they_share() -> None:
    # ^ZN ZNF NF F1 ... of ^ZNF1$ and ^ZNF2$: ^Z ZN NF / ^ZN ZNF / ^ZNF are in both.
    found = products("ZNF1", "ZNF2", "TP53")
    # A name of 4 letters with its marks has 5 + 4 + 3 n-grams of 2, 3 and 4 letters.
    assert found.tolist() == [[12, 6, 0], [6, 12, 0], [0, 0, 12]]


def test_repeats_count_and_longer_ngrams_can_be_left_out() -> None:
    # ^AAA$ in pairs: ^A, AA twice, A$.
    assert products("AAA", longest=2).tolist() == [[1 + 4 + 1]]


def test_ngrams_that_share_a_dimension_cancel_as_often_as_they_add_up() -> None:
    draw = np.random.default_rng(0)
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
    names = ["".join(draw.choice(letters, 6)) for _ in range(400)]
    exact, hashed = products(*names), products(*names, dimensions=64)
    off = np.triu_indices(len(names), 1)
    error = (hashed - exact)[off]
    # 18 n-grams each: a product of random signs over 64 dimensions has variance 18 * 18 / 64.
    assert abs(error.mean()) < 0.1
    assert error.std() == pytest.approx(math.sqrt(18 * 18 / 64), rel=0.15)


def test_ngrams_of_a_name_do_not_depend_on_the_others() -> None:
    model = SymbolNgrams()
    assert isinstance(model, GeneEmbedder)
    whole = model.gene_table(["TP53", "MYC", "TP53"])
    assert list(whole.names) == ["TP53", "MYC"]
    assert whole.vectors.dtype == np.float32
    assert whole.vectors.shape == (2, 512)
    np.testing.assert_array_equal(model.gene_table(["MYC"]).vectors[0], whole.vectors[1])
    assert model.info.id == "symbol-ngrams"
    assert SymbolNgrams(64, 3).info.id == "symbol-ngrams:dimensions=64,longest=3"
    assert SymbolNgrams(64).info.digest != model.info.digest


@pytest.mark.parametrize("settings", [(0, 4), (512, 1)])
def test_ngrams_that_cannot_be(settings: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="dimensions must be at least 1 and longest at least 2"):
        SymbolNgrams(*settings)


def lengths(path: Path) -> dict[str, float]:
    table = GeneLength(str(path)).gene_table([])
    assert table.vectors.dtype == np.float32
    assert table.vectors.shape == (len(table.names), 1)
    rounded = np.exp(table.vectors[:, 0].astype(np.float64)).round(2)
    return dict(zip(table.names, rounded.tolist(), strict=True))


GTF = """#!genome-build GRCh38
chr1\tHAVANA\tgene\t101\t200\t.\t+\t.\tgene_id "E1"; gene_name "AAA"; level 2;
chr1\tHAVANA\ttranscript\t101\t900\t.\t+\t.\tgene_id "E1"; gene_name "AAA";
chr2\tHAVANA\tgene\t1\t50\t.\t-\t.\tgene_id "E2"; gene_name "NA";
chrX\tHAVANA\tgene\t1\t1000\t.\t-\t.\tgene_id "E3"; gene_name "AAA";
chrX\tENSEMBL\tgene\t1\t70\t.\t-\t.\tgene_id "E4";
chrX\tgene\texon\t1\t7000\t.\t-\t.\tgene_id "E2"; gene_name "NA";
"""
BED = "track name=genes\n#chrom\nchr1\t100\t200\tAAA\t0\t+\nchr2\t0\t50\tNA\nchrX\t0\t1000\tAAA\n"
SPANS = "gene_id\tsymbol\tend\tstart\nE1\tAAA\t200\t101\nE2\tNA\t50\t1\nE3\tAAA\t1000\t1\n"
LENGTHS = "symbol\tlength\nAAA\t1000\nNA\t50\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [("g.gtf", GTF), ("g.bed", BED), ("g.tsv", SPANS), ("g.txt", LENGTHS)],
    ids=["gtf", "bed", "start and end", "length"],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_the_longest_record_of_a_gene_counts(
    tmp_path: Path, name: str, text: str, zipped: bool
) -> None:
    path = tmp_path / (name + ".gz" * zipped)
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if zipped else text.encode())
    assert lengths(path) == {"AAA": 1000, "NA": 50}


def test_identity_of_lengths(tmp_path: Path) -> None:
    path = tmp_path / "g.tsv"
    path.write_text(LENGTHS)
    model = GeneLength(str(path))
    assert isinstance(model, GeneEmbedder)
    assert model.info.id == "gene-length:g.tsv"
    assert model.info.notes == ["log of the length of 2 genes"]
    assert model.gene_table(["AAA"]) is model.gene_table([])
    assert model.gene_table([]).vectors[0, 0] == np.float32(math.log(1000))
    path.write_text(LENGTHS + "MYC\t7\n")
    assert GeneLength(str(path)).info.digest != model.info.digest
    with pytest.raises(CapabilityError, match="holds gene symbols, not 'diseaseId'"):
        model.gene_table([], "diseaseId")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("g.gtf", "chr1\tX\tgene\t1\n", "line 1: expected 9 cells with tabs between, found 4"),
        (
            "g.gtf",
            '\nchr1\tX\tgene\t9\t1\t.\t+\t.\tgene_name "A";\n',
            "line 2: expected a length of 1 bp or more, found '9' to '1'",
        ),
        ("g.bed", "chr1\t1\t2\n", "line 1: expected a chromosome, start, end and symbol"),
        ("g.bed", "chr1\t2\t2\tA\n", "line 1: expected a length of 1 bp or more"),
        ("g.tsv", "symbol\tlength\nA\tlong\n", "line 2: expected a length of 1 bp or more"),
        ("g.tsv", "symbol\tlength\nA\n", "line 2: expected a symbol, and 2 cells in all"),
        ("g.tsv", "symbol\tlength\n\t5\n", "line 2: expected a symbol, and 2 cells in all"),
        ("g.tsv", "gene\tlength\n", "line 1: expected columns symbol and length, or symbol, start"),
        ("g.tsv", "symbol\tlength\n", "there are no genes in it"),
        ("g.tsv", "symb\udcffl\n", "cannot be read as text"),
    ],
)
def test_files_without_lengths(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as caught:
        GeneLength(str(path)).gene_table([])
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)


def test_no_file_and_no_known_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.gtf: no such file"):
        GeneLength("none.gtf")
    path = tmp_path / "g.csv"
    path.write_text("")
    with pytest.raises(UsageError, match=r"expected a file ending in \.gtf, \.bed, \.tsv, \.txt"):
        GeneLength(str(path))
