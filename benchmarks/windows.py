"""Windows a second of a genome, read all at once, against two libraries that read one by one.

100,000 windows of 200 and of 512 bp at random places are read as strings from a random genome of
60 Mb with stretches of N, as 2bit and as plain FASTA, and from the first million bases of hg38 (of
the datasets), as 2bit and bgzip. From the same 2bit files py2bit reads the same windows, and
twobitreader, which takes long, the first 10,000. Rounds take turns and the best wall seconds of
each count, as other work on the machine only adds. All letters must be the same, and 512 bp
windows of the random genome must come at 300,000 a second or more; otherwise the exit status is 1.

usage: python benchmarks/windows.py [ROUNDS]
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import py2bit
import pysam
from twobitreader import TwoBitFile

from genomark.datasets import path
from genomark.datasets.genome import Genome, open_genome

CHROMOSOMES, LENGTH, LINE = 3, 20_000_000, 60
WINDOWS, OF_THE_SLOW, ROUNDS = 100_000, 10_000, 5
SMALLEST_RATE = 300_000

Letters = Mapping[str, np.ndarray]
Places = tuple[list[str], np.ndarray]
Reader = Callable[[list[str], np.ndarray, int], list[str]]


def random_genome() -> Letters:
    """Upper-case letters, one in a hundred of them N in stretches of up to 10 kb."""
    rng = np.random.default_rng(0)
    chroms = {}
    for number in range(CHROMOSOMES):
        letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, LENGTH, dtype=np.uint8)]
        for start in rng.integers(0, LENGTH, LENGTH // 500_000):
            letters[start : start + rng.integers(1, 10_000)] = ord("N")
        chroms[f"chr{number + 1}"] = letters
    return chroms


def write_twobit(chroms: Letters, file: Path) -> None:
    """https://genome.ucsc.edu/FAQ/FAQformat.html#format7, without masked stretches."""
    codes = np.zeros(256, np.uint8)
    codes[list(b"TCAG")] = range(4)
    records = []
    for letters in chroms.values():
        blocks = [each.span() for each in re.finditer(b"N+", letters.tobytes())]
        firsts, lasts = np.array(blocks, "<u4").reshape(-1, 2).T
        numbers = [np.array([letters.size, firsts.size]), firsts, lasts - firsts, np.zeros(2)]
        four = np.pad(codes[letters], (0, -letters.size % 4)).reshape(-1, 4)
        packed = four @ np.array([64, 16, 4, 1], np.uint8)
        records.append(np.concatenate(numbers).astype("<u4").tobytes() + packed.tobytes())
    place = 16 + sum(5 + len(name) for name in chroms)
    with file.open("wb") as handle:
        handle.write(np.array([0x1A412743, 0, len(chroms), 0], "<u4").tobytes())
        for name, record in zip(chroms, records, strict=True):
            handle.write(bytes([len(name)]) + name.encode() + np.uint32(place).tobytes())
            place += len(record)
        handle.writelines(records)


def write_fasta(chroms: Letters, file: Path) -> None:
    with file.open("wb") as handle:
        for name, letters in chroms.items():
            handle.write(f">{name}\n".encode())
            text = letters.tobytes()
            handle.writelines(text[at : at + LINE] + b"\n" for at in range(0, len(text), LINE))


def all_at_once(genome: Genome) -> Reader:
    return genome.sequences


def by_twobitreader(file: Path) -> Reader:
    genome = TwoBitFile(str(file))

    def read(chroms: list[str], starts: np.ndarray, length: int) -> list[str]:
        pairs = zip(chroms, starts.tolist(), strict=True)
        return [genome[chrom][start : start + length].upper() for chrom, start in pairs]

    return read


def by_py2bit(file: Path) -> Reader:
    genome = py2bit.open(str(file))

    def read(chroms: list[str], starts: np.ndarray, length: int) -> list[str]:
        pairs = zip(chroms, starts.tolist(), strict=True)
        return [genome.sequence(chrom, start, start + length) for chrom, start in pairs]

    return read


def compare(what: str, chroms: Letters, readers: dict[str, Reader], rounds: int) -> float:
    """Print the rates, and give that of the first reader for 512 bp; letters are compared."""
    rng = np.random.default_rng(1)
    names = list(chroms)
    rate = 0.0
    for length in (200, 512):
        drawn = rng.integers(0, len(names), WINDOWS)
        starts = rng.integers(0, min(map(len, chroms.values())) - length, WINDOWS)
        places = [names[number] for number in drawn]
        expected = [
            chroms[chrom][start : start + length].tobytes().decode()
            for chrom, start in zip(places, starts.tolist(), strict=True)
        ]
        best = dict.fromkeys(readers, 0.0)
        for _ in range(rounds):
            for name, read in readers.items():
                n = OF_THE_SLOW if name == "twobitreader" else WINDOWS
                asked, firsts = places[:n], starts[:n]
                started = time.perf_counter()
                found = read(asked, firsts, length)
                best[name] = max(best[name], n / (time.perf_counter() - started))
                if found != expected[:n]:
                    sys.exit(f"{what}: windows of {name} have other letters")
        own = next(iter(best.values()))
        for name, each in best.items():
            print(f"  {what:12} {length} bp  {name:16} {each:9,.0f} / s  {own / each:5.2f}")
        rate = own
    return rate


def first_million_of_hg38() -> tuple[Path, Letters]:
    file = path("hg38_1m", "hg38_1m.fa.gz")
    text = pysam.FastaFile(str(file)).fetch("chr1").upper()
    return file, {"chr1": np.frombuffer(text.encode(), np.uint8)}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print("windows a second, and how many times as many the first of each group reads")
    with tempfile.TemporaryDirectory() as folder:
        twobit, fasta, small = (Path(folder, name) for name in ("a.2bit", "a.fa", "b.2bit"))
        chroms = random_genome()
        write_twobit(chroms, twobit)
        write_fasta(chroms, fasta)
        readers = {
            "genomark, 2bit": all_at_once(open_genome(twobit)),
            "genomark, FASTA": all_at_once(open_genome(fasta)),
            "twobitreader": by_twobitreader(twobit),
            "py2bit": by_py2bit(twobit),
        }
        rate = compare("random 60 Mb", chroms, readers, rounds)
        packed, chroms = first_million_of_hg38()
        write_twobit(chroms, small)
        readers = {
            "genomark, 2bit": all_at_once(open_genome(small)),
            "genomark, bgzip": all_at_once(open_genome(packed)),
            "twobitreader": by_twobitreader(small),
            "py2bit": by_py2bit(small),
        }
        compare("hg38, 1 Mb", chroms, readers, rounds)
    if rate < SMALLEST_RATE:
        sys.exit(f"expected {SMALLEST_RATE:,} windows a second, got {rate:,.0f}")


if __name__ == "__main__":
    main()
