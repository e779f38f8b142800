"""The nearest training sequence of planted copies, against BLAST, and what random sequences give.

Of 100,000 test sequences of 200 letters half have a changed copy of 100 to 200 letters of one of
100,000 training sequences in them, on either strand and anywhere, with 0 to 20 % of the letters
substituted; the rest is random, and so is the other half. Printed are the shares whose training
sequence was found, the share of random ones for which something was, and time and memory. Then
2 % of insertions and deletions on top, sequences with the letters of plants and their mixture,
a family of 50,000 copies, blastn (where it is installed) on a part, and real sequences.

Recall below 99, 99, 98, 95, 90 %, more than 0.1 % false hits, more than 180 s (CPU seconds / 2, as
others may use the machine) or more than 4 GB: the exit status is 1.

usage: python benchmarks/leakage.py [SEQUENCES]
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genomark.datasets import path
from genomark.datasets.leakage import Nearest, nearest

LENGTH, THREADS = 200, 2
LETTERS = np.frombuffer(b"ACGT", np.uint8)
LEVELS = {100: 0.99, 95: 0.99, 90: 0.98, 85: 0.95, 80: 0.90}
BLAST_TEST, BLAST_TRAIN = 10_000, 100_000


@dataclass
class Timed:
    found: Nearest
    cpu: float
    wall: float


def timed(test: Sequence[str], train: Sequence[str], threads: int = THREADS) -> Timed:
    cpu, wall = time.process_time(), time.perf_counter()
    found = nearest(test, train, threads=threads)
    return Timed(found, time.process_time() - cpu, time.perf_counter() - wall)


def text(codes: np.ndarray) -> str:
    return LETTERS[codes].tobytes().decode()


def random_codes(rng: np.random.Generator, n: int, at: float = 0.5) -> np.ndarray:
    shares = [at / 2, (1 - at) / 2, (1 - at) / 2, at / 2]
    return rng.choice(4, size=(n, LENGTH), p=shares).astype(np.uint8)


def changed(
    rng: np.random.Generator, piece: np.ndarray, identity: int, indels: float
) -> np.ndarray:
    piece = piece.copy()
    places = rng.choice(piece.size, round(piece.size * (100 - identity) / 100), replace=False)
    piece[places] = (piece[places] + rng.integers(1, 4, places.size)) % 4
    for place in sorted(rng.choice(piece.size, round(indels * piece.size), replace=False))[::-1]:
        if rng.random() < 0.5:
            piece = np.delete(piece, place)
        else:
            piece = np.insert(piece, place, rng.integers(4))
    return 3 - piece[::-1] if rng.random() < 0.5 else piece


def planted(n: int, n_train: int, indels: float = 0.0) -> tuple[list[str], list[str], np.ndarray]:
    """Test and training sequences, and of each test sequence identity and row (0 and -1: none)."""
    rng = np.random.default_rng(0)
    train, test = random_codes(rng, n_train), random_codes(rng, n)
    truth = np.tile([0, -1], (n, 1))
    for item in range(n // 2):
        row, identity = int(rng.integers(n_train)), list(LEVELS)[item % len(LEVELS)]
        size = int(rng.integers(100, LENGTH + 1))
        start = int(rng.integers(LENGTH - size + 1))
        piece = changed(rng, train[row, start : start + size], identity, indels)[:LENGTH]
        place = int(rng.integers(LENGTH - piece.size + 1))
        test[item, place : place + piece.size] = piece
        truth[item] = identity, row
    return list(map(text, test)), list(map(text, train)), truth


def recalls(rows: np.ndarray, truth: np.ndarray) -> dict[int, float]:
    return {level: float((rows == truth[:, 1])[truth[:, 0] == level].mean()) for level in LEVELS}


def shown(recall: dict[int, float]) -> str:
    return "  ".join(f"{level}%: {share:.2%}" for level, share in recall.items())


def blast(test: Sequence[str], train: Sequence[str]) -> tuple[np.ndarray, float]:
    """Rows of the best hits of blastn with e-value 1e-3, and its CPU seconds (with makeblastdb)."""
    rows = np.full(len(test), -1)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("test.fa", "train.fa")]
        for file, sequences in zip(files, (test, train), strict=True):
            file.write_text("".join(f">{n}\n{each}\n" for n, each in enumerate(sequences)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            ["makeblastdb", "-in", files[1], "-dbtype", "nucl", "-out", f"{folder}/db"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        command = ["blastn", "-task", "blastn", "-query", files[0], "-db", f"{folder}/db"]
        command += ["-evalue", "1e-3", "-max_target_seqs", "5", "-max_hsps", "1"]
        command += ["-outfmt", "6 qseqid sseqid bitscore", "-num_threads", "1"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    best: dict[int, float] = {}
    for line in out.splitlines():
        item, row, score = line.split()
        if float(score) > best.get(int(item), 0.0):
            best[int(item)], rows[int(item)] = float(score), int(row)
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return rows, seconds


def against_blast(name: str, test: Sequence[str], train: Sequence[str]) -> tuple[np.ndarray, ...]:
    ours = timed(test, train, threads=1)
    theirs, seconds = blast(test, train)
    print(
        f"{name}: {len(test):,} x {len(train):,}, CPU {ours.cpu:.2f} s, blastn {seconds:.2f} s "
        f"({seconds / ours.cpu:.1f} times); found {(ours.found.train >= 0).sum():,}, blastn "
        f"{(theirs >= 0).sum():,}, of these also found "
        f"{((theirs >= 0) & (ours.found.train >= 0)).sum():,}"
    )
    return ours.found.train, theirs


def family(rng: np.random.Generator) -> None:
    ancestor = rng.integers(0, 4, 300, dtype=np.uint8)

    def copy() -> np.ndarray:
        start = int(rng.integers(101))
        return changed(rng, ancestor[start : start + LENGTH], 88, 0.0)

    train = [copy() for _ in range(50_000)]
    sources = rng.integers(len(train), size=1_000)
    test = [changed(rng, train[row], 98, 0.0) for row in sources]
    done = timed(list(map(text, test)), list(map(text, train)))
    right = (done.found.train == sources).mean()
    print(f"family: 1,000 x 50,000 copies at 88 %: CPU {done.cpu:.0f} s, right row {right:.2%}")


def sequences_of(dataset: str, file: str) -> list[str]:
    content = path(dataset, file).read_text()
    if file.endswith(".fasta"):
        return [each.split("\n", 1)[1].replace("\n", "") for each in content.split(">")[1:]]
    return [json.loads(line)["sequence"] for line in content.splitlines()]


def real(rng: np.random.Generator, has_blast: bool) -> None:
    sets = {
        "promoters, protoplast test in leaf train": (
            sequences_of("pgb", "promoter_strength/protoplast/test.json"),
            sequences_of("pgb", "promoter_strength/leaf/train.json"),
        ),
        "poly(A), Arabidopsis test in train": (
            sequences_of("pgb", "poly_a/arabidopsis_thaliana/test.json"),
            sequences_of("pgb", "poly_a/arabidopsis_thaliana/train.json"),
        ),
    }
    mpra = sequences_of("lentimpra_sequences", "example.fasta")
    sets["lentiMPRA, odd in even"] = (mpra[1::2], mpra[::2])
    for name, (test, train) in sets.items():
        done = timed(test, train)
        mixed = ["".join(rng.permutation(list(each))) for each in test]
        false = (nearest(mixed, train, threads=THREADS).train >= 0).mean()
        print(
            f"{name}: {len(test):,} x {len(train):,}, CPU {done.cpu:.1f} s, found "
            f"{(done.found.train >= 0).sum():,}, leaked {done.found.leaked.sum():,}, copies "
            f"{(done.found.similarity == 1).sum():,}; shuffled test sequences found {false:.3%}"
        )
        if has_blast:
            against_blast(f"  {name}", test, train)


def main() -> int:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = np.random.default_rng(1)
    nearest(["ACGTACGTACGTACGTACGT"], ["ACGTACGTACGTACGTACGT"])  # compiled now, not timed
    test, train, truth = planted(n, n)
    done = timed(test, train)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    recall = recalls(done.found.train, truth)
    false = float((done.found.train >= 0)[truth[:, 0] == 0].mean())
    print(
        f"{n:,} x {n:,}: CPU {done.cpu:.1f} s, half of it {done.cpu / 2:.1f} s, wall "
        f"{done.wall:.1f} s with {THREADS} threads, {memory:.2f} GB"
    )
    print(f"recall, substitutions: {shown(recall)}")
    print(f"random sequences with a hit: {false:.4%}")
    few = min(n, 20_000)
    test, train, truth = planted(few, few, indels=0.02)
    print(f"recall, 2 % indels too: {shown(recalls(timed(test, train).found.train, truth))}")
    for at in (0.6, 0.7, 0.8):
        mine, others = (list(map(text, random_codes(rng, few, at))) for _ in range(2))
        share = (nearest(mine, others, threads=THREADS).train >= 0).mean()
        print(f"random sequences of {at:.0%} A and T with a hit: {share:.4%}")
    has_blast = shutil.which("blastn") is not None
    if has_blast:
        test, train, truth = planted(BLAST_TEST, BLAST_TRAIN)
        ours, theirs = against_blast("planted", test, train)
        print(f"recall:        {shown(recalls(ours, truth))}")
        print(f"recall, blastn: {shown(recalls(theirs, truth))}")
    real(rng, has_blast)
    family(rng)
    is_good = all(recall[level] >= least for level, least in LEVELS.items())
    return 0 if is_good and false < 0.001 and done.cpu / 2 < 180 and memory < 4 else 1


if __name__ == "__main__":
    sys.exit(main())
