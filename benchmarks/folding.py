"""Folding on all cores against one, and against a plain loop, in one run.

1,000 random RNAs of 100 nt are folded by `vienna` in its pool of processes (started before), by
`vienna` in one process, and by a loop over `RNA.fold`, as OmniGenBench does. Rounds of the three
take turns and the best wall seconds of each count, as other work on the machine only adds. Where
others never leave two cores to it, what can be told is how the work was shared: processor seconds
of one process, over those of the busiest of the pool (Linux). With two cores or more one of the
two ratios must reach 1.7, and all answers must be the same; otherwise the exit status is 1.

usage: python benchmarks/folding.py [ROUNDS]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import RNA

from genomark.models.vienna import Vienna
from genomark.rna.pool import cores

SEQUENCES, LENGTH, ROUNDS = 1000, 100, 5
SMALLEST_RATIO = 1.7

Folds = list[tuple[str, float]]


def plain(sequences: list[str]) -> Folds:
    """Fold as a script would."""
    folds = []
    for sequence in sequences:
        structure, energy = RNA.fold(sequence)
        folds.append((structure, round(energy, 2)))
    return folds


def with_workers(workers: int) -> Callable[[list[str]], Folds]:
    model = Vienna(workers=workers)

    def fold(sequences: list[str]) -> Folds:
        return [(each.structure, each.energy) for each in model.fold(sequences)]

    return fold


def seconds_of_workers() -> dict[int, float]:
    """Processor seconds that the processes of pools have taken so far."""
    taken = {}
    for task in Path("/proc/self/task").glob("*/children"):
        for pid in map(int, task.read_text().split()):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            taken[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return taken


def main() -> None:
    """Time the three ways in turns."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGU"), LENGTH)) for _ in range(SEQUENCES)]
    ways = {
        f"vienna, {cores()} processes": with_workers(cores()),
        "vienna, 1 process": with_workers(1),
        "loop over RNA.fold": plain,
    }
    answers = [way(sequences) for way in ways.values()]
    same = all(each == answers[0] for each in answers)
    best, busiest = (dict.fromkeys(ways, float("inf")) for _ in range(2))
    for _ in range(rounds):
        for name, way in ways.items():
            before, begun = seconds_of_workers(), time.perf_counter()
            way(sequences)
            best[name] = min(best[name], time.perf_counter() - begun)
            taken = max(seconds - before[pid] for pid, seconds in seconds_of_workers().items())
            busiest[name] = min(busiest[name], taken)
    pooled, alone, loop = best.values()
    print(f"{SEQUENCES:,} sequences of {LENGTH} nt, best of {rounds} rounds")
    for name, seconds in best.items():
        print(f"{name:20}  {seconds:6.2f} s  {SEQUENCES / seconds:6.0f} folds/s")
    shared_out, in_one, _ = busiest.values()
    print(f"processes against one: {alone / pooled:.2f}x; against the loop: {loop / pooled:.2f}x")
    print(f"processor seconds of one against the busiest: {in_one / shared_out:.2f}x")
    if not same:
        raise SystemExit("The three do not give the same answers.")
    if cores() > 1 and max(alone / pooled, in_one / shared_out) < SMALLEST_RATIO:
        raise SystemExit(f"Expected at least {SMALLEST_RATIO}x.")


if __name__ == "__main__":
    main()
