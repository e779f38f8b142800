"""Bootstrap of each metric against the plain loop over scipy and scikit-learn.

1,000 replicates of 10,000 items, one process. The plain loop draws indices with NumPy, takes the
items and calls the library; it is timed on 100 replicates and scaled by ten. Every time is the
median of several runs, ours and theirs in turn, wall and CPU. The largest difference is taken over
100 replicates of the same indices, and must stay below 1e-12: otherwise the exit status is 1.

usage: python benchmarks/bootstrap.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sklearn_metrics

from genomark.scoring import METRICS
from genomark.scoring.kernels import draw_counts
from genomark.scoring.warm import warm

Floats = NDArray[np.float64]

ITEMS = 10_000
REPLICATES = 1000
PLAIN_REPLICATES = 100
OUR_RUNS = 15
PLAIN_RUNS = 3
TARGET = 50
TOLERANCE = 1e-12

PLAIN: dict[str, Callable[[Floats, Floats], float]] = {
    "pearson": lambda prediction, truth: stats.pearsonr(prediction, truth).statistic,
    "spearman": lambda prediction, truth: stats.spearmanr(prediction, truth).statistic,
    "mse": lambda prediction, truth: sklearn_metrics.mean_squared_error(truth, prediction),
    "auroc": lambda prediction, truth: sklearn_metrics.roc_auc_score(truth, prediction),
    "average_precision": lambda prediction, truth: sklearn_metrics.average_precision_score(
        truth, prediction
    ),
}


@numba.njit  # not kept on disk: it would not notice that `draw_counts` has changed
def draw_all(counts: np.ndarray, n: int) -> None:
    for replicate in range(n):
        draw_counts(np.uint64(0), replicate, counts)


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    wall, cpu = zip(*times, strict=True)
    return statistics.median(wall), statistics.median(cpu)


def items_of(name: str) -> tuple[Floats, Floats]:
    random = np.random.default_rng(0)
    truth = random.normal(size=ITEMS)
    prediction = truth + random.normal(size=ITEMS)
    if name in ("auroc", "average_precision"):
        truth = (truth > 0.5).astype(float)
    return prediction, truth


def plain_loop(name: str, prediction: Floats, truth: Floats) -> None:
    random = np.random.default_rng(0)
    for _ in range(PLAIN_REPLICATES):
        drawn = random.integers(0, ITEMS, ITEMS)
        PLAIN[name](prediction[drawn], truth[drawn])


def largest_difference(name: str, prediction: Floats, truth: Floats) -> float:
    ours = METRICS[name].replicates(prediction, truth, np.arange(ITEMS), PLAIN_REPLICATES, 0)
    counts = np.empty(ITEMS, dtype=np.int32)
    largest = 0.0
    for replicate in range(PLAIN_REPLICATES):
        draw_counts(np.uint64(0), replicate, counts)
        drawn = np.repeat(np.arange(ITEMS), counts)
        theirs = PLAIN[name](prediction[drawn], truth[drawn])
        largest = max(largest, abs(float(theirs) - float(ours[replicate])))
    return largest


def compared(name: str) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Ours and the plain loop's (wall, CPU) for all replicates, and the largest difference."""
    prediction, truth = items_of(name)
    clusters = np.arange(ITEMS)
    ours, plain = [], []
    for _ in range(PLAIN_RUNS):
        plain.append(timed(lambda: plain_loop(name, prediction, truth)))
        for _ in range(OUR_RUNS // PLAIN_RUNS):
            ours.append(
                timed(lambda: METRICS[name].replicates(prediction, truth, clusters, REPLICATES, 0))
            )
    wall, cpu = medians(plain)
    scale = REPLICATES / PLAIN_REPLICATES
    return medians(ours), (wall * scale, cpu * scale), largest_difference(name, prediction, truth)


def line(name: str, ours: tuple[float, float], plain: tuple[float, float], worst: float) -> str:
    ratio = plain[0] / ours[0]
    met = "" if ratio >= TARGET else f"  (below {TARGET}x)"
    return (
        f"{name:<18}{ours[0] * 1e3:9.1f}{ours[1] * 1e3:9.1f}{plain[0] * 1e3:12.0f}"
        f"{plain[1] * 1e3:10.0f}{ratio:9.0f}x{plain[1] / ours[1]:8.0f}x{worst:11.1e}{met}"
    )


def main() -> int:
    warm()
    print(f"{REPLICATES:,} replicates of {ITEMS:,} items; ms; plain loop: {PLAIN_REPLICATES} x 10")
    print(
        f"{'':<18}{'ours':>9}{'cpu':>9}{'plain loop':>12}{'cpu':>10}{'ratio':>10}{'cpu':>9}"
        f"{'largest |d|':>13}"
    )
    found = {name: compared(name) for name in PLAIN}
    for name, row in found.items():
        print(line(name, *row))
    all_ours, all_plain = (
        (sum(row[side][0] for row in found.values()), sum(row[side][1] for row in found.values()))
        for side in (0, 1)
    )
    worst = max(row[2] for row in found.values())
    print(line("all together", all_ours, all_plain, worst))

    counts = np.empty(ITEMS, dtype=np.int32)
    draw_all(counts, 1)
    drawing, _ = medians([timed(lambda: draw_all(counts, REPLICATES)) for _ in range(OUR_RUNS)])
    random = np.random.default_rng(0)
    numpys, _ = medians([timed(lambda: random.integers(0, ITEMS, ITEMS)) for _ in range(OUR_RUNS)])
    print(
        f"drawing alone: {drawing * 1e3:.1f} ms of each of ours, "
        f"{numpys * REPLICATES * 1e3:.1f} ms of the plain loop"
    )
    if not worst <= TOLERANCE:
        print(f"FAILED: a replicate differs by {worst:.1e}, more than {TOLERANCE:.0e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
