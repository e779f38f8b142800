"""Designs for puzzles of Eterna100: `rna-design` against ViennaRNA's own inverse folding.

Every fourth puzzle of up to 120 nt, some seconds of CPU time each; what is found is folded again.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

import RNA

from genomark.benchmarks.rna.eterna100 import VIENNA2, read_puzzles
from genomark.datasets import fetch
from genomark.models.designer import RnaDesigner

SECONDS = 5.0
LONGEST = 120


def by_inverse_fold(target: str, seconds: float) -> str | None:
    """RNAinverse from random sequences, until one folds as it should."""
    started, draws = time.process_time(), random.Random(0)
    while time.process_time() - started < seconds:
        first = "".join(draws.choice("ACGU") for _ in target)
        sequence, _ = RNA.inverse_fold(first, target)
        if RNA.fold(sequence)[0] == target:
            return str(sequence)
    return None


def by_rna_design(target: str, seconds: float) -> str | None:
    sequences = RnaDesigner(objective="distance").design(target, seconds, 0)
    return next((each for each in sequences if RNA.fold(each)[0] == target), None)


def solved(design: Callable[[str, float], str | None], targets: list[str]) -> tuple[int, float]:
    """How many, and the median of the CPU seconds that each target took."""
    taken, found = [], 0
    for target in targets:
        started = time.process_time()
        found += design(target, SECONDS) is not None
        taken.append(time.process_time() - started)
    return found, statistics.median(taken)


def main() -> None:
    files = fetch("eterna100", [VIENNA2.file])
    puzzles = [each.structure for each in read_puzzles(files[VIENNA2.file])]
    targets = [each for each in puzzles if len(each) <= LONGEST][::4]
    by_rna_design(targets[0], 1.0)
    ours, our_seconds = solved(by_rna_design, targets)
    theirs, their_seconds = solved(by_inverse_fold, targets)
    print(f"{len(targets)} puzzles of up to {LONGEST} nt, {SECONDS:g} s of one core each")
    print(f"  rna-design     {ours:3d} solved, median {our_seconds:.2f} s")
    print(f"  RNAinverse     {theirs:3d} solved, median {their_seconds:.2f} s")
    print(f"  ratio of medians {their_seconds / our_seconds:.1f}, of solved {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
