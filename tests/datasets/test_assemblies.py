"""Assemblies by name: found, checked, named with chr; refused where they are another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from sparse_genome import write_sparse_2bit

from genomark.datasets.assemblies import (
    assembly_name,
    chromosome_name,
    chromosome_of,
    chromosomes,
    open_assembly,
)
from genomark.errors import DatasetError, DatasetUnavailableError, UnknownNameError, UsageError

LENGTHS = {
    name: {chrom.name: chrom.length for chrom in chromosomes(name).values()}
    for name in ("hg19", "hg38", "mm10")
}


def place(cache: Path, assembly: str, suffix: str = "2bit") -> Path:
    return cache / "datasets" / assembly / f"{assembly}.{suffix}"


@pytest.mark.parametrize(
    ("assembly", "bases"),
    # Assembled chromosomes without that of mitochondria, https://www.ncbi.nlm.nih.gov/grc.
    [("hg19", 3_095_677_412), ("hg38", 3_088_269_832), ("mm10", 2_725_521_370)],
)
def test_assemblies_have_as_many_bases_as_the_consortium_says(assembly: str, bases: int) -> None:
    nuclear = {
        name: length for name, length in LENGTHS[assembly].items() if not name.startswith("chrM")
    }
    assert sum(nuclear.values()) == bases


def test_chromosomes_are_as_long_as_the_consortium_says() -> None:
    # https://www.ncbi.nlm.nih.gov/grc: chr1 of GRCh37, GRCh38 and GRCm38.
    assert LENGTHS["hg19"]["chr1"] == 249_250_621
    assert LENGTHS["hg38"]["chr1"] == 248_956_422
    assert LENGTHS["mm10"]["chr1"] == 195_471_971


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("hg38", "hg38"),
        ("GRCh38", "hg38"),
        ("GRCh37", "hg19"),
        ("grcm38", "mm10"),
        ("HG19", "hg19"),
    ],
)
def test_assemblies_have_other_names(said: str, meant: str) -> None:
    assert assembly_name(said) == meant


@pytest.mark.parametrize("said", ["hg18", "hg", "", "GRCh39", "mm39", "38"])
def test_other_names_are_refused(said: str) -> None:
    with pytest.raises(UnknownNameError, match=f"No assembly named '{said}'"):
        open_assembly(said)


def test_a_genome_is_read_as_its_stretches_say(cache: Path) -> None:
    stretches = {"chr10": [(81_107_160, "ACGTTGCA"), (81_107_168, "GGT")], "chr2": [(5, "CANTT")]}
    write_sparse_2bit(place(cache, "hg19"), LENGTHS["hg19"], stretches)
    genome = open_assembly("GRCh37")
    assert genome.name == "hg19"
    assert genome.lengths == LENGTHS["hg19"]
    assert genome.window("chr10", 81_107_158, 81_107_173) == "NNACGTTGCAGGTNN"
    assert genome.window("chr2", 4, 11, "-") == "NAANTGN"
    assert genome.sequences(["chr10", "chr2"], [81_107_161, 3], 4) == ["CGTT", "NNCA"]
    assert place(cache, "hg19").stat().st_blocks * 512 < 10_000_000


def test_the_mirror_goes_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sparse_2bit(place(cache, "hg38"), {"chrM": 16_569}, {"chrM": [(0, "AAAA")]})
    mirror = tmp_path / "mirror"
    write_sparse_2bit(mirror / "hg38" / "hg38.2bit", {"chrM": 16_569}, {"chrM": [(0, "CCCC")]})
    assert open_assembly("hg38").window("chrM", 0, 4) == "AAAA"
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror))
    assert open_assembly("hg38").window("chrM", 0, 4) == "CCCC"
    monkeypatch.setenv("GENOMARK_MIRROR", "http://127.0.0.1:9/mirror")
    assert open_assembly("hg38").window("chrM", 0, 4) == "AAAA"


def test_fasta_will_do(cache: Path) -> None:
    pytest.importorskip("pysam")
    fasta = place(cache, "hg38", "fa")
    fasta.parent.mkdir(parents=True)
    fasta.write_text(">chrM\n" + "acgt" * 4142 + "T\n")
    assert open_assembly("hg38").window("chrM", 16_564, 16_569) == "ACGTT"


def test_chromosomes_without_chr_get_it(cache: Path) -> None:
    lengths = {"1": 248_956_422, "MT": 16_569, "KI270728.1": 1_872_759}
    stretches = {"1": [(99, "ACCA")], "KI270728.1": [(0, "TTT")]}
    write_sparse_2bit(place(cache, "hg38"), lengths, stretches)
    genome = open_assembly("hg38")
    assert list(genome.lengths) == ["chr1", "chrM", "KI270728.1"]
    assert genome.window("chr1", 99, 103) == "ACCA"
    assert genome.sequences(["KI270728.1", "chr1"], [0, 100], 3) == ["TTT", "CCA"]
    with pytest.raises(UsageError, match="no chromosome '1'; did you mean 'chr1'"):
        genome.window("1", 99, 103)


def test_without_a_file_the_command_that_gets_it_is_told(cache: Path) -> None:
    with pytest.raises(DatasetUnavailableError) as caught:
        open_assembly("hg19")
    message = str(caught.value)
    assert "genomark data fetch hg19" in message
    assert str(place(cache, "hg19")) in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"chr1": 249_250_621}, "chr1 has 249,250,621 positions where hg38 has 248,956,422"),
        ({"chrM": 16_569, "chr1": 1_000_000}, "chr1 has 1,000,000 positions .* a part of one"),
        ({"1": 249_250_621}, "1 has 249,250,621 positions"),
        ({"scaffold_1": 5}, r"none of its chromosomes \(scaffold_1, ...\) is one of hg38"),
        ({"chrM": 16_569, "MT": 16_569}, "1 chromosomes are there twice"),
    ],
)
def test_another_assembly_under_this_name_is_refused(
    lengths: dict[str, int], message: str, cache: Path
) -> None:
    write_sparse_2bit(place(cache, "hg38"), lengths, {})
    with pytest.raises(DatasetError, match=message):
        open_assembly("hg38")


def test_a_damaged_file_is_a_fault_of_the_data(cache: Path) -> None:
    path = place(cache, "hg38")
    write_sparse_2bit(path, {"chrM": 16_569}, {})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DatasetError, match="cut short"):
        open_assembly("hg38")


@pytest.mark.parametrize(
    ("assembly", "said", "meant"),
    [
        ("hg38", "7", "chr7"),
        ("hg38", "chr7", "chr7"),
        ("hg38", "MT", "chrM"),
        ("mm10", "X", "chrX"),
    ],
)
def test_chromosomes_are_known_with_and_without_chr(assembly: str, said: str, meant: str) -> None:
    assert chromosome_name(assembly, said) == meant


@pytest.mark.parametrize("said", ["23", "chr23", "", "Chr7", "M "])
def test_other_chromosomes_are_refused(said: str) -> None:
    with pytest.raises(UsageError, match=f"hg38 has no chromosome '{said}'"):
        chromosome_name("hg38", said)


def test_accessions_tell_assembly_and_chromosome() -> None:
    assert chromosome_of("NC_000010.11")[:2] == ("hg38", "chr10")
    assert chromosome_of("NC_000010.10")[:2] == ("hg19", "chr10")
    assert chromosome_of("NC_000076.6")[:2] == ("mm10", "chr10")
    assert chromosome_of("NC_012920.1", "hg19")[:2] == ("hg19", "chrMT")


@pytest.mark.parametrize(
    ("accession", "assembly", "message"),
    [
        ("NC_000010.12", None, r"known are NC_000010.10 \(hg19\), NC_000010.11 \(hg38\)"),
        ("NC_000010", None, "known are"),
        ("NM_000243.2", None, "no chromosome of hg19, hg38, mm10$"),
        ("NC_000010.11", "hg19", "is of hg38, not of hg19"),
        ("NC_012920.1", None, "is of hg19 and hg38: say which"),
    ],
)
def test_other_accessions_are_refused(accession: str, assembly: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chromosome_of(accession, assembly)
