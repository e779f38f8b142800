"""Statistics of a board of 100 models on 50 tasks, against plain loops over NumPy and SciPy.

Pairs of one benchmark (1,000 replicates): which are tied, and all intervals, against
`numpy.quantile` pair by pair. Tests of pairs over 50 tasks, against `scipy.stats.wilcoxon` pair by
pair. The plain loops run over a part of the 4,950 pairs and are scaled up. Ranks of tie sets have
no plain loop: listing the sets does not end. CPU times, medians of several runs, ours and theirs
in turn. If a number differs by more than 1e-9 the exit status is 1.

usage: python benchmarks/board_statistics.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from genomark.scoring.across import (
    ScoreTable,
    borda,
    groups,
    mean_ranks,
    mean_scaled,
    pairwise_ranks,
    scaled_scores,
    signed_ranks,
    win_rates,
)
from genomark.scoring.pair_matrix import LEVELS, pair_matrix, tie_matrix
from genomark.scoring.rank_intervals import rank_intervals
from genomark.scoring.rank_ties import tie_ranks

Floats = NDArray[np.float64]

MODELS, TASKS, REPLICATES = 100, 50, 1000
PAIRS = MODELS * (MODELS - 1) // 2
PLAIN_PAIRS = 300
RUNS = 7
TOLERANCE = 1e-9


def replicates() -> tuple[Floats, Floats]:
    """Headline values, best first, and replicates of models in families that share errors."""
    random = np.random.default_rng(0)
    family = random.integers(0, 8, MODELS)
    values = np.sort(0.5 + 0.03 * random.normal(size=MODELS))[::-1].copy()
    shared = 0.03 * random.normal(size=(8, REPLICATES))[family]
    return values, values[:, None] + shared + 0.01 * random.normal(size=(MODELS, REPLICATES))


def scores() -> Floats:
    random = np.random.default_rng(1)
    skill = 0.2 * random.normal(size=(MODELS, 1))
    return skill + random.normal(size=TASKS) + 0.3 * random.normal(size=(MODELS, TASKS))


def some_pairs() -> list[tuple[int, int]]:
    return list(islice(combinations(range(MODELS), 2), 0, PAIRS, PAIRS // PLAIN_PAIRS))


def plain_intervals(drawn: Floats) -> list[Floats]:
    return [np.quantile(drawn[a] - drawn[b], LEVELS) for a, b in some_pairs()]


def plain_tests(values: Floats) -> list[float]:
    return [stats.wilcoxon(values[a], values[b]).pvalue for a, b in some_pairs()]


def cpu(function: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    before = time.process_time()
    function()
    return 1e3 * (time.process_time() - before)


def against(name: str, ours: Callable[[], object], plain: Callable[[], object]) -> None:
    ours()
    runs = [(cpu(ours), cpu(plain)) for _ in range(RUNS)]
    mine = statistics.median(run[0] for run in runs)
    theirs = statistics.median(run[1] for run in runs) * PAIRS / len(some_pairs())
    print(f"{name:28} {mine:8.1f} ms {theirs:9.0f} ms {theirs / mine:7.0f}x", flush=True)


def alone(name: str, ours: Callable[[], object]) -> None:
    ours()
    print(f"{name:28} {statistics.median(cpu(ours) for _ in range(RUNS)):8.1f} ms", flush=True)


def largest_difference(values: Floats, drawn: Floats, table: ScoreTable) -> float:
    matrix = pair_matrix(values, drawn, better="higher", clusters=MODELS)
    tests = signed_ranks(table).p
    ours = [[matrix.low[pair], matrix.high[pair], tests[pair]] for pair in some_pairs()]
    plain = [
        [*interval, p]
        for interval, p in zip(plain_intervals(drawn), plain_tests(table.values), strict=True)
    ]
    return float(np.abs(np.array(ours) - np.array(plain)).max())


def main() -> int:
    values, drawn = replicates()
    table = ScoreTable(scores(), ["higher"] * TASKS)
    tied = tie_matrix(values, drawn, clusters=MODELS)
    print(f"{MODELS} models, {PAIRS:,} pairs, {tied.mean():.0%} tied; ours, plain loop, ratio")
    ties = lambda: tie_matrix(values, drawn, clusters=MODELS)  # noqa: E731
    matrix = lambda: pair_matrix(values, drawn, better="higher", clusters=MODELS)  # noqa: E731
    against("one benchmark: ties", ties, lambda: plain_intervals(drawn))
    against("one benchmark: intervals", matrix, lambda: plain_intervals(drawn))
    tests = lambda: signed_ranks(table)  # noqa: E731
    against("50 tasks: signed ranks", tests, lambda: plain_tests(table.values))
    alone("one benchmark: tie sets", lambda: tie_ranks(tied))
    alone("one benchmark: rank intervals", lambda: rank_intervals(drawn, better="higher"))
    alone("50 tasks: groups (Holm, bars)", lambda: groups(table))
    alone("50 tasks: mean ranks", lambda: mean_ranks(table, seed=0))
    alone("50 tasks: pairwise ranks", lambda: pairwise_ranks(table, seed=0))
    alone("50 tasks: win rates", lambda: win_rates(table))
    alone("50 tasks: Borda", lambda: borda(table))
    low, high = table.values.min(axis=0) - 1, table.values.max(axis=0) + 1
    scaled = scaled_scores(table, low, high)
    alone("50 tasks: mean scaled score", lambda: mean_scaled(table, scaled, seed=0))
    worst = largest_difference(values, drawn, table)
    print(f"largest difference from the plain loops: {worst:.1e}")
    if not worst <= TOLERANCE:
        print(f"FAILED: more than {TOLERANCE:.0e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
