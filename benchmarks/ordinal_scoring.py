"""Score a million predictions against ordered classes, with an interval: beside a loop over scipy.

The whole of what a task of GUANinE is told: Spearman correlation, its share of the ceiling, and
what is left of it when GC content is held fixed, each with 1,000 bootstrap replicates.

usage: python benchmarks/ordinal_scoring.py [ITEMS]
"""

import resource
import sys
import time

import numpy as np
from scipy import stats

from genomark.scoring.ordinal import ordinal_replicates

REPLICATES = 1000
#: Replicates of the loop that are timed; one takes long enough.
TIMED = 3
THREADS = 2


def main(items: int) -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 25, items).astype(np.float64)
    prediction = truth + draw.normal(0, 9, items)
    gc = np.round(draw.integers(150, 350, items) / 512, 4)
    clusters = np.arange(items)
    small = slice(0, 1000)
    ordinal_replicates(  # compiles
        prediction[small], truth[small], clusters[small], seed=0, replicates=1, gc=gc[small]
    )
    begun, used = time.perf_counter(), time.process_time()
    found = ordinal_replicates(
        prediction, truth, clusters, seed=0, replicates=REPLICATES, gc=gc, threads=THREADS
    )
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    low, high = np.quantile(found.spearman[1:], [0.025, 0.975])
    print(f"{items:,} predictions, {REPLICATES:,} replicates, {THREADS} threads")
    print(f"  genomark      {wall:8.1f} s wall, {cpu:6.1f} s of CPU")
    print(f"  spearman      {found.spearman[0]:.6f} [{low:.6f}, {high:.6f}]")
    begun = time.process_time()
    rows = np.random.default_rng(1)
    for _ in range(TIMED):
        chosen = rows.integers(0, items, items)
        stats.spearmanr(prediction[chosen], truth[chosen])
    loop = (time.process_time() - begun) / TIMED * REPLICATES
    print(f"  scipy's loop  {loop:8.1f} s of CPU for the Spearman correlation alone")
    print(f"  ratio         {loop / cpu:8.1f}x, all three statistics against that one")
    difference = abs(found.spearman[0] - stats.spearmanr(prediction, truth)[0])
    print(f"  difference    {difference:.1e}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory   {peak:8.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 1_000_000)
