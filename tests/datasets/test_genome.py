"""Windows of FASTA, bgzip and 2bit, against slices of the text they were written from."""

from __future__ import annotations

import gzip
import os
import random
import re
import struct
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from genomark.datasets import cache_root
from genomark.datasets.genome import open_genome, reverse_complement
from genomark.errors import CacheNotWritableError, UsageError

pysam = pytest.importorskip("pysam")

_DRAW = random.Random(7)
CHROMS = {
    "chr1": "".join(_DRAW.choices("ACGTacgt", k=1003)),
    "chr2": "NNNN" + "".join(_DRAW.choices("ACGT", k=90)) + "nnACG",
    "chrM": "acgtNNacgtRY"[:10],
}


def fasta_text(chroms: Mapping[str, str]) -> str:
    return "".join(
        f">{name} a chromosome\n"
        + "".join(f"{text[at : at + 60]}\n" for at in range(0, len(text), 60))
        for name, text in chroms.items()
    )


def twobit_bytes(chroms: Mapping[str, str]) -> bytes:
    """Write 2bit as https://genome.ucsc.edu/FAQ/FAQformat.html#format7 describes it."""
    codes = np.zeros(256, np.uint8)
    codes[list(b"TCAGtcag")] = [0, 1, 2, 3] * 2
    place = 16 + sum(5 + len(name) for name in chroms)
    index, records = b"", b""
    for name, text in chroms.items():
        record = struct.pack("<I", len(text))
        for pattern in ("[Nn]+", "[a-z]+"):
            blocks = [match.span() for match in re.finditer(pattern, text)]
            record += struct.pack("<I", len(blocks))
            record += b"".join(struct.pack("<I", first) for first, _ in blocks)
            record += b"".join(struct.pack("<I", last - first) for first, last in blocks)
        packed = np.pad(codes[list(text.encode())], (0, -len(text) % 4)).reshape(-1, 4)
        record += struct.pack("<I", 0) + bytes(packed @ np.array([64, 16, 4, 1], np.uint8))
        index += bytes([len(name)]) + name.encode() + struct.pack("<I", place + len(records))
        records += record
    return struct.pack("<IIII", 0x1A412743, 0, len(chroms), 0) + index + records


def plain(folder: Path) -> Path:
    path = folder / "genome.fa"
    path.write_text(fasta_text(CHROMS))
    return path


def bgzip(folder: Path) -> Path:
    path = folder / "genome.fa.gz"
    with pysam.BGZFile(str(path), "w") as handle:
        handle.write(fasta_text(CHROMS).encode())
    return path


def twobit(folder: Path) -> Path:
    path = folder / "genome.2bit"
    path.write_bytes(twobit_bytes(CHROMS))
    return path


FORMATS = pytest.mark.parametrize("write", [plain, bgzip, twobit])


@FORMATS
def test_windows_are_slices_of_the_chromosome(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    genome = open_genome(write(tmp_path))
    assert dict(genome.lengths) == {name: len(text) for name, text in CHROMS.items()}
    assert list(genome.lengths) == list(CHROMS)
    for start, end in [(0, 1), (0, 1003), (59, 61), (1002, 1003), (600, 601), (123, 977)]:
        assert genome.window("chr1", start, end) == CHROMS["chr1"][start:end].upper()
    assert genome.window("chr2", 0, 8) == "NNNN" + CHROMS["chr2"][4:8]


@FORMATS
def test_beyond_the_ends_there_is_n(write: Callable[[Path], Path], tmp_path: Path) -> None:
    genome = open_genome(write(tmp_path))
    text = CHROMS["chr1"].upper()
    assert genome.window("chr1", -3, 4) == "NNN" + text[:4]
    assert genome.window("chr1", 1000, 1005) == text[1000:] + "NN"
    assert genome.window("chr1", -1, 1004) == f"N{text}N"


@FORMATS
def test_the_minus_strand_is_the_reverse_complement(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    genome = open_genome(write(tmp_path))
    partner = {"A": "T", "C": "G", "G": "C", "T": "A"}
    expected = "".join(partner[letter] for letter in reversed(CHROMS["chr1"][5:25].upper()))
    assert genome.window("chr1", 5, 25, "-") == expected
    assert genome.window("chr1", -2, 2, "-")[-2:] == "NN"


@FORMATS
def test_repeats_keep_small_letters_when_asked(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    genome = open_genome(write(tmp_path), soft_mask=True)
    assert genome.window("chr1", 3, 400) == CHROMS["chr1"][3:400]


@FORMATS
def test_threads_share_a_genome(write: Callable[[Path], Path], tmp_path: Path) -> None:
    genome = open_genome(write(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda start: genome.window("chr1", start, start + 50), range(900)))
    assert found == [CHROMS["chr1"][start : start + 50].upper() for start in range(900)]


def test_the_other_strand_of_ambiguity_codes() -> None:
    # IUPAC: R is A or G, Y its complement C or T; B is not A, V not T; and so on.
    assert reverse_complement("ACGTRYSWKMBDHVN") == "NBDHVKMWSRYACGT"
    assert reverse_complement("acgU") == "Acgt"


def test_real_chromosome_has_the_bases_of_known_variants(mirror: Path) -> None:
    genome = open_genome(mirror / "hg38_1m" / "hg38_1m.fa.gz", assembly="hg38")
    assert genome.name == "hg38"
    assert dict(genome.lengths) == {"chr1": 1_000_000}
    lines = (mirror / "hg38_1m" / "eqtl.vcf").read_text().splitlines()
    variants = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(variants) > 3
    for chrom, position, _, reference, *_ in variants:
        at = int(position) - 1
        assert genome.window(chrom, at, at + len(reference)) == reference


def test_an_index_is_built_into_the_cache_and_used_again(tmp_path: Path) -> None:
    path = bgzip(tmp_path)
    open_genome(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cache", path.name]
    kept = sorted((cache_root() / "genomes").iterdir())
    assert {file.suffix for file in kept} == {".fai", ".gzi"}
    before = [file.stat().st_mtime_ns for file in kept]
    assert open_genome(path).window("chrM", 0, 4) == "ACGT"
    assert [file.stat().st_mtime_ns for file in kept] == before


def test_a_changed_file_gets_another_index(tmp_path: Path) -> None:
    path = plain(tmp_path)
    open_genome(path)
    path.write_text(">new\nACGTACGT\n")
    assert dict(open_genome(path).lengths) == {"new": 8}


def test_an_index_beside_the_file_is_used_unless_it_is_older(tmp_path: Path) -> None:
    path = plain(tmp_path)
    index = tmp_path / "genome.fa.fai"
    index.write_text("chrM\t4\t14\t4\t5\n")
    assert dict(open_genome(path).lengths) == {"chrM": 4}
    os.utime(index, (1, 1))
    assert len(open_genome(path).lengths) == 3


def test_a_cache_that_refuses_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CacheNotWritableError, match="GENOMARK_CACHE"):
        open_genome(plain(tmp_path))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("1", 0, 5), r"has no chromosome '1'; did you mean 'chr1'"),
        (("chrm", 0, 5), r"did you mean 'chrM'"),
        (("chrchr2", 0, 5), r"did you mean 'chr2'"),
        (("scaffold_77", 0, 5), r"it has, among others, 'chr1', 'chr2', 'chrM'"),
        (("chr1", 5, 5), r"chr1:5-5: the start of a window must be below its end"),
        (("chr1", 9, 5), r"chr1:9-5: the start"),
        (("chr1", 1003, 1010), r"lies beyond chr1 of toy1, which has 1,003 positions.*assembly"),
        (("chr1", -9, 0), r"lies beyond chr1"),
        (("chr1", 0, 5, "*"), r"a strand is '\+' or '-', not '\*'"),
    ],
)
def test_windows_that_cannot_be_are_refused(
    asked: tuple[str, int, int], said: str, tmp_path: Path
) -> None:
    genome = open_genome(twobit(tmp_path), assembly="toy1")
    with pytest.raises(UsageError, match=said):
        genome.window(*asked)


def write_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello", "neither FASTA .plain or bgzip. nor 2bit"),
        (b"", "neither FASTA"),
        (gzip.compress(b">a\nACGT\n", mtime=0), "packed with gzip, which cannot be read by window"),
        (b">a\nACGT\nAC\nACGT\n", "cannot be indexed; expected FASTA whose lines"),
    ],
)
def test_files_that_are_no_genome_are_refused(
    content: bytes, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=said):
        open_genome(write_file(tmp_path, "genome", content))
    assert "\n" not in capfd.readouterr().err.strip()


def test_a_missing_file_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*nothing\.fa: No such file"):
        open_genome(tmp_path / "nothing.fa")


def test_an_index_that_is_none_is_told_of(tmp_path: Path) -> None:
    path = plain(tmp_path)
    (tmp_path / "genome.fa.fai").write_text("nonsense\n")
    with pytest.raises(UsageError, match=r"cannot be read with the index .*genome\.fa\.fai"):
        open_genome(path)


def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pysam", None)
    with pytest.raises(UsageError, match=r"needs pysam: pip install 'genomark\[genome\]'$"):
        open_genome(plain(tmp_path))


@pytest.mark.parametrize("cut", [5, 17, 40, 60, 100, -1])
def test_a_2bit_file_cut_anywhere_is_found_out(cut: int, tmp_path: Path) -> None:
    path = write_file(tmp_path, "genome.2bit", twobit_bytes(CHROMS)[:cut])
    with pytest.raises(UsageError, match="the 2bit file is cut short or damaged; get it again"):
        open_genome(path)


def test_2bit_of_another_machine_and_version_is_read(tmp_path: Path) -> None:
    # Version 1 has offsets of 64 bits; the byte order is that of the machine that wrote the file.
    packed = bytes([0b00011011, 0b10000000])
    body = struct.pack(">IIIII", 5, 1, 3, 1, 0) + struct.pack(">I", 0) + packed
    head = struct.pack(">IIII", 0x1A412743, 1, 1, 0) + b"\x01c" + struct.pack(">Q", 26)
    genome = open_genome(write_file(tmp_path, "big.2bit", head + body))
    assert genome.window("c", 0, 5) == "TCANA"
    unknown = head[:7] + b"\x02" + head[8:]
    with pytest.raises(UsageError, match="not a 2bit file of version 0 or 1"):
        open_genome(write_file(tmp_path, "new.2bit", unknown + body))


def test_2bit_windows_are_those_of_another_reader(tmp_path: Path) -> None:
    py2bit = pytest.importorskip("py2bit")
    text = pysam.FastaFile(str(plain(tmp_path))).fetch("chr1").upper()
    genome = open_genome(twobit(tmp_path))
    other = py2bit.open(str(tmp_path / "genome.2bit"))
    for start in range(0, 1000, 7):
        assert genome.window("chr1", start, start + 3) == other.sequence("chr1", start, start + 3)
    assert genome.window("chr1", 0, 1003) == text
