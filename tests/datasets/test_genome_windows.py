"""Many windows at once, against windows one by one and slices of the text of a genome."""

from __future__ import annotations

import gzip
import os
import random
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets import genome as genome_module
from genomark.datasets import indexed_fasta
from genomark.datasets.genome import Genome, open_genome, strings_of
from genomark.errors import UsageError

pysam = pytest.importorskip("pysam")

_DRAW = random.Random(11)
LONG = "".join(_DRAW.choices("ACGTacgt", k=1500))
CHROMS = {
    "chr1": "nnN" + LONG[:500] + "N" * 70 + LONG[500:1000] + "nNNA" + LONG[1000:] + "NN",
    "chr2": "NNNN",
    "chr3": "A",
    "chr4": "ACGTN" * 24,
    "chrM": LONG[7:120],
}


def twobit_bytes(order: str) -> bytes:
    """Write 2bit as https://genome.ucsc.edu/FAQ/FAQformat.html#format7 describes it."""
    codes = np.zeros(256, np.uint8)
    codes[list(b"TCAGtcag")] = [0, 1, 2, 3] * 2
    place = 16 + sum(5 + len(name) for name in CHROMS)
    index, records = b"", b""
    for name, text in CHROMS.items():
        numbers = [len(text)]
        for pattern in ("[Nn]+", "[a-z]+"):
            blocks = [match.span() for match in re.finditer(pattern, text)]
            numbers += [len(blocks), *(a for a, _ in blocks), *(b - a for a, b in blocks)]
        record = struct.pack(f"{order}{len(numbers) + 1}I", *numbers, 0)
        packed = np.pad(codes[list(text.encode())], (0, -len(text) % 4)).reshape(-1, 4)
        record += bytes(packed @ np.array([64, 16, 4, 1], np.uint8))
        index += struct.pack(f"{order}B{len(name)}s", len(name), name.encode())
        index += struct.pack(f"{order}I", place + len(records))
        records += record
    return struct.pack(f"{order}4I", 0x1A412743, 0, len(CHROMS), 0) + index + records


def fasta_text(line: int, end: str) -> str:
    return "".join(
        f">{name} of the test{end}"
        + "".join(f"{text[at : at + line]}{end}" for at in range(0, len(text), line))
        for name, text in CHROMS.items()
    )


def bgzipped(path: Path) -> None:
    with pysam.BGZFile(str(path), "w") as handle:
        handle.write(fasta_text(60, "\n").encode())


WRITERS: dict[str, Callable[[Path], object]] = {
    "little.2bit": lambda path: path.write_bytes(twobit_bytes("<")),
    "big.2bit": lambda path: path.write_bytes(twobit_bytes(">")),
    "plain.fa": lambda path: path.write_text(fasta_text(60, "\n")),
    "dos.fa": lambda path: path.write_bytes(fasta_text(61, "\r\n").encode()),
    "packed.fa.gz": bgzipped,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("genomes")
    for name, write in WRITERS.items():
        write(made / name)
        if ".fa" in name:
            pysam.faidx(str(made / name))
    return made


@pytest.fixture(params=WRITERS, scope="module")
def genome(request: pytest.FixtureRequest, folder: Path) -> Genome:
    return open_genome(folder / request.param, assembly="toy1")


def one_by_one(genome: Genome, chroms: list[str], starts: list[int], length: int) -> list[str]:
    pairs = zip(chroms, starts, strict=True)
    return [genome.window(chrom, start, start + length) for chrom, start in pairs]


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[str], list[int], int]:
    """Windows that lie on their chromosome at least in part, longer than it among them."""
    length = draw(st.integers(1, 200) | st.integers(1, 4000))
    chroms = draw(st.lists(st.sampled_from(list(CHROMS)), max_size=30))
    starts = [draw(st.integers(1 - length, len(CHROMS[chrom]) - 1)) for chrom in chroms]
    return chroms, starts, length


@given(asked=windows())
def test_each_row_is_what_a_window_alone_is(
    genome: Genome, asked: tuple[list[str], list[int], int]
) -> None:
    chroms, starts, length = asked
    expected = one_by_one(genome, chroms, starts, length)
    found = genome.windows(chroms, starts, length)
    assert found.dtype == np.uint8
    assert found.shape == (len(chroms), length)
    assert [bytes(row).decode() for row in found] == expected
    assert strings_of(found) == expected
    assert genome.sequences(chroms, starts, length) == expected


def test_every_place_of_a_chromosome_has_its_letters(genome: Genome) -> None:
    # Against the text itself: all four places within a byte, both ends, N that begin anywhere.
    padded = "N" * 9 + CHROMS["chr1"].upper() + "N" * 9
    starts = np.arange(-9, len(CHROMS["chr1"]))
    for length in (1, 3, 4, 10):
        kept = starts[starts > -length]
        found = genome.sequences(["chr1"] * kept.size, kept, length)
        assert found == [padded[start + 9 :][:length].ljust(length, "N") for start in kept]


def test_a_soft_mask_is_not_seen(folder: Path) -> None:
    for name in WRITERS:
        genome = open_genome(folder / name, soft_mask=True)
        assert genome.window("chrM", 0, 100) == CHROMS["chrM"][:100]
        assert genome.sequences(["chrM"], [0], 100) == [CHROMS["chrM"][:100].upper()]


def test_no_windows_are_none(genome: Genome) -> None:
    assert genome.windows([], [], 7).shape == (0, 7)
    assert genome.sequences([], np.empty(0, dtype=np.int64), 7) == []


def test_many_strings_keep_the_order_of_their_rows(folder: Path) -> None:
    # More letters than are made to strings at a time, chromosomes in turn.
    genome = open_genome(folder / "little.2bit")
    starts = np.random.Generator(np.random.PCG64(3)).integers(-50, 100, 20_000)
    chroms = ["chrM", "chr4", "chr1", "chr4"] * 5_000
    assert genome.sequences(chroms, starts, 150) == one_by_one(genome, chroms, starts.tolist(), 150)


def test_threads_change_nothing(folder: Path) -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    chroms = [list(CHROMS)[number] for number in rng.integers(0, len(CHROMS), 4000)]
    starts = np.array([rng.integers(0, len(CHROMS[chrom])) for chrom in chroms])
    for name in WRITERS:
        expected = open_genome(folder / name).windows(chroms, starts, 90)
        shared = open_genome(folder / name)
        with ThreadPoolExecutor(4) as pool:
            parts = pool.map(
                lambda at, genome=shared: genome.windows(
                    chroms[at : at + 100], starts[at : at + 100], 90
                ),
                range(0, 4000, 100),
            )
            assert np.array_equal(np.concatenate(list(parts)), expected)


class Fetches:
    """Counts the bases that are read from a packed file."""

    def __init__(self, genome: Genome, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        read = genome._file.read

        def noted(chrom: str, start: int, end: int) -> str:
            self.sizes.append(end - start)
            return read(chrom, start, end)

        monkeypatch.setattr(genome._file, "read", noted)


def test_a_packed_chromosome_is_unpacked_once_many_windows_are_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A window costs a block of 10 bases and itself: 40 of them reach the 1,579 bases of chr1.
    monkeypatch.setattr(indexed_fasta, "_BLOCK", 10)
    genome = open_genome(folder / "packed.fa.gz")
    fetches = Fetches(genome, monkeypatch)
    size = len(CHROMS["chr1"])
    for asked in range(size // 40):
        assert genome.sequences(["chr1"], [asked], 30) == [genome.window("chr1", asked, asked + 30)]
    assert set(fetches.sizes) == {30}
    fetches.sizes.clear()
    genome.windows(["chr1"], [7], 30)
    assert fetches.sizes == [size]
    genome.windows(["chr1"] * 500, range(500), 30)
    assert fetches.sizes == [size]


def test_unpacked_chromosomes_are_kept_up_to_a_bound(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexed_fasta, "_KEPT", 150)
    genome = open_genome(folder / "packed.fa.gz")
    fetches = Fetches(genome, monkeypatch)
    for chrom in ("chr4", "chr2", "chr2", "chr4", "chrM", "chr2", "chr4"):
        genome.windows([chrom], [0], 30)
    # chrM has 113 bases, with which the 120 of chr4 have no place; the 4 of chr2 have, until chr4
    # comes again and chrM must go.
    assert fetches.sizes == [120, 4, 113, 4, 120]


@pytest.mark.parametrize("read", [Genome.windows, Genome.sequences])
@pytest.mark.parametrize("watched", [True, False])
def test_a_bar_follows_what_takes_long(
    watched: bool,
    read: Callable[..., object],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[int] = []

    class Recorded:
        def show(self, done: int, text: str) -> None:
            shown.append(done)

        def close(self) -> None:
            shown.append(-1)

    monkeypatch.setattr(genome_module, "_PATIENCE", 0.0)
    monkeypatch.setattr(genome_module, "_LETTERS_AT_A_TIME", 10)
    monkeypatch.setattr(genome_module, "interactive", lambda: watched)
    monkeypatch.setattr(genome_module, "bar", lambda total, unit: Recorded())
    read(open_genome(folder / "packed.fa.gz"), ["chr1", "chrM", "chr1"], [0, 1, 2], 5)
    assert shown == ([2, 3, -1] if watched else [])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((["chr1", "chr9"], [0, 0], 5), r"row 2: toy1 has no chromosome 'chr9'; did you mean"),
        ((["chr1", "chr4"], [0, 120], 5), r"row 2: chr4:120-125 lies beyond chr4 of toy1, which"),
        ((["chr1", "chr1"], [-5, 0], 5), r"row 1: chr1:-5-0 lies beyond chr1.*another assembly"),
        ((["chr1"], [0, 1], 5), r"Expected 1 whole numbers as starts.*shape \(2,\)"),
        ((["chr1"], [0.5], 5), r"Expected 1 whole numbers as starts.*found float64"),
        ((["chr1"], [0], 0), r"A window has at least one letter, not 0"),
    ],
)
def test_windows_that_cannot_be_name_their_row(
    asked: tuple[list[str], list[int], int], said: str, genome: Genome
) -> None:
    for read in (genome.windows, genome.sequences):
        with pytest.raises(UsageError, match=said):
            read(*asked)


@pytest.mark.parametrize(
    "index", ["chr1\t9579\t17\t60\t61\n", "chr1\t100\t9017\t60\t61\n", "chr1\t100\t17\t0\t1\n"]
)
def test_an_index_of_another_file_is_found_out(index: str, tmp_path: Path) -> None:
    path = tmp_path / "genome.fa"
    path.write_text(fasta_text(60, "\n"))
    (tmp_path / "genome.fa.fai").write_text(index)
    later = path.stat().st_mtime + 9
    os.utime(tmp_path / "genome.fa.fai", (later, later))
    genome = open_genome(path)
    with pytest.raises(UsageError, match=r"genome\.fa\.fai is not of this file; remove it"):
        genome.windows(["chr1"], [0], 5)


@pytest.mark.parametrize("name", ["packed.fa.gz", "plain.fa"])
def test_a_file_cut_short_after_it_was_indexed_is_found_out(
    name: str, folder: Path, tmp_path: Path
) -> None:
    cut = tmp_path / name
    cut.write_bytes((folder / name).read_bytes()[: 700 if name == "plain.fa" else 300])
    for each in folder.glob(f"{name}.*"):
        shutil.copy(each, tmp_path)
    genome = open_genome(cut)
    for read in (genome.windows, genome.sequences):
        with pytest.raises(UsageError, match=r"cut short or damaged|not of this file"):
            read(["chr4"], [0], 100)
    with pytest.raises(UsageError, match=r"'chr4' cannot be read by the index .*get it again"):
        genome.window("chr4", 0, 100)


def test_set_up_compiles_what_reading_uses(folder: Path) -> None:
    code = (
        "import sys; from genomark.datasets.genome import open_genome; "
        "from genomark.datasets import warm, windows; warm.warm(); "
        "[open_genome(each).windows(['chr1'] * 9, range(9), 5) for each in sys.argv[1:]]; "
        "kernels = windows.unpack_windows, windows.copy_windows; "
        "assert [len(each.signatures) for each in kernels] == [1, 1]"
    )
    files = [str(folder / name) for name in WRITERS]
    subprocess.run([sys.executable, "-c", code, *files], check=True)


def test_a_single_window_waits_for_no_compiler(folder: Path) -> None:
    code = (
        "import sys; from genomark.datasets.genome import open_genome; "
        "open_genome(sys.argv[1]).window('chr1', 0, 9); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder / "little.2bit")], check=True)


def test_real_genome_as_another_reader_slices_it(mirror: Path) -> None:
    path = mirror / "hg38_1m" / "hg38_1m.fa.gz"
    text = "".join(gzip.decompress(path.read_bytes()).decode().split("\n")[1:])
    assert len(text) == 1_000_000
    starts = np.random.Generator(np.random.PCG64(2)).integers(0, 1_000_000 - 512, 5000)
    found = open_genome(path).sequences(["chr1"] * 5000, starts, 512)
    assert found == [text[start : start + 512] for start in starts.tolist()]
