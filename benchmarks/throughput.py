"""Items scored per second, against the same numbers by plain loops over scipy.

- `score()` on a benchmark of the size of kircher2019: 41,724 items in 29 experiments on 21
  elements, Pearson and Spearman with an interval each for every experiment and for the mean;
  numbers from a seed.
- `genomark.run` of the model `gc` on `simulated-enhancers`, from the plan to files on disk, one
  process, a new folder each time, the benchmark at hand.

The peer is what one would write by hand: scipy in a loop over resampled indices (clusters whole),
timed on few replicates and scaled. Our times are medians of several runs. The exit status is 1 if
a value is not scipy's or an interval not that of the plain loop.

usage: python benchmarks/throughput.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

import genomark
from genomark.benchmarks import load_benchmark
from genomark.scoring import REPLICATES, MetricRow, ScoringRule, score
from genomark.scoring.kernels import draw_counts
from genomark.scoring.score import cluster_numbers
from genomark.scoring.warm import warm

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ITEMS, EXPERIMENTS, ELEMENTS = 41_724, 29, 21
RUNS = 5
RULE = ScoringRule(("pearson", "spearman"), "elements", grouped=True, subcluster="positions")
CORRELATE = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}


def seconds(function: Callable[[], object], runs: int = RUNS) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def saturation_mutagenesis() -> pl.DataFrame:
    """Three items to a position, experiments of equal size, the first elements measured twice."""
    random = np.random.default_rng(0)
    experiment = np.sort(np.arange(ITEMS) % EXPERIMENTS)
    position = np.arange(ITEMS) // 3
    truth = random.normal(size=ITEMS)
    return pl.DataFrame(
        {
            "task": [f"experiment{number:02d}" for number in experiment],
            "cluster": [f"element{number % ELEMENTS:02d}" for number in experiment],
            "subcluster": [str(number) for number in position],
            "truth": truth,
            "value": 0.3 * truth + random.normal(size=ITEMS),
        }
    )


def plain_replicates(
    name: str, prediction: Floats, truth: Floats, clusters: Integers, n: int
) -> list[float]:
    members = np.split(np.argsort(clusters, kind="stable"), np.cumsum(np.bincount(clusters))[:-1])
    counts = np.empty(len(members), dtype=np.int32)
    found = []
    for replicate in range(n):
        draw_counts(np.uint64(0), replicate, counts)
        drawn = np.concatenate(
            [members[each] for each in np.repeat(np.arange(counts.size), counts)]
        )
        found.append(float(CORRELATE[name](prediction[drawn], truth[drawn]).statistic))
    return found


def of_experiment(items: pl.DataFrame, task: str) -> tuple[Floats, Floats, Integers]:
    part = items.filter(pl.col("task") == task)
    return (
        part["value"].to_numpy(),
        part["truth"].to_numpy(),
        cluster_numbers(part["subcluster"]),
    )


def plain_score(items: pl.DataFrame, replicates: int) -> None:
    for task in items["task"].unique(maintain_order=True):
        arrays = of_experiment(items, task)
        for name in RULE.metrics:
            CORRELATE[name](*arrays[:2])
            plain_replicates(name, *arrays, replicates)


def scoring_is_right(items: pl.DataFrame, rows: list[MetricRow]) -> bool:
    """Values of all experiments, and the intervals of one, by the plain loop."""
    by_name = {(row.name, row.group): row for row in rows}
    right = True
    for name in RULE.metrics:
        values = []
        for task in items["task"].unique(maintain_order=True):
            prediction, truth, _ = of_experiment(items, task)
            values.append(CORRELATE[name](prediction, truth).statistic)
            right &= bool(np.isclose(by_name[name, task].value, values[-1], rtol=0, atol=1e-12))
        right &= bool(np.isclose(by_name[f"mean_{name}", None].value, np.mean(values), atol=1e-12))
        task = items["task"][0]
        replicates = plain_replicates(name, *of_experiment(items, task), REPLICATES)
        interval = np.quantile(replicates, [0.025, 0.975])
        right &= bool(np.allclose(by_name[name, task].interval, interval, rtol=0, atol=1e-12))
    return right


def benchmark_score() -> bool:
    items = saturation_mutagenesis()
    ours = seconds(lambda: score(items, RULE, seed=0))
    few = 10
    plain = seconds(lambda: plain_score(items, few), runs=1) * REPLICATES / few
    report(f"score(), {EXPERIMENTS} experiments", ITEMS, ours, plain, few)
    return scoring_is_right(items, score(items, RULE, seed=0))


def benchmark_run() -> bool:
    benchmark = load_benchmark("simulated-enhancers")
    items = benchmark.items
    truth = items["truth"].to_numpy()

    def by_hand(replicates: int) -> Floats:
        content = [(s.count("G") + s.count("C")) / len(s) for s in items["sequence"]]
        prediction = np.log2(content)
        for name in benchmark.rule.metrics:
            plain_replicates(name, prediction, truth, np.arange(items.height), replicates)
        return prediction

    def run() -> genomark.Results:
        with tempfile.TemporaryDirectory() as folder:
            return genomark.run("gc", [benchmark], out=folder, workers=1, progress=False)

    (result,) = run()
    ours = seconds(run)
    few = 100
    start = seconds(lambda: by_hand(0))
    plain = start + (seconds(lambda: by_hand(few), runs=3) - start) * REPLICATES / few
    report("genomark.run, model gc", items.height, ours, plain, few)
    # 1e-9 bases are added to each count so that the logarithm of none is finite.
    return all(
        bool(np.isclose(result.metric(name).value, CORRELATE[name](by_hand(0), truth).statistic))
        for name in benchmark.rule.metrics
    )


def report(what: str, items: int, ours: float, plain: float, replicates: int) -> None:
    print(
        f"{what:<28}{items:>8,} items  {ours:7.3f} s  {items / ours:>10,.0f} items/s  "
        f"{plain / ours:5.0f}x the plain loop ({plain:.1f} s, from {replicates} replicates)"
    )


def main() -> int:
    warm()
    print(f"{REPLICATES:,} replicates, Pearson and Spearman")
    right = [benchmark_score(), benchmark_run()]
    if not all(right):
        print("FAILED: a number is not that of scipy")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
