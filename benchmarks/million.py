"""A million items, end to end, in bounded time and memory: `genomark run` as a process.

One measured value a sequence, 200 nt each, 100,000, 300,000 and 1,000,000 of them from a seed, in
one table of text; the model `gc`, two workers. Counted is all of the command, from its start to its
end: the table read and checked, requests, answers on disk, and the intervals of two correlations.
Memory is the sum over the processes of the run, looked at ten times a second, pages they share
counted in each.

The peer is what one would write by hand: pandas, a loop over the sequences, scipy, and a bootstrap
with numpy, timed on few replicates and scaled. The exit status is 1 if a value is not the peer's,
or time, memory or its growth with the number of items is over its limit.

usage: python benchmarks/million.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from genomark.scoring import REPLICATES
from genomark.scoring.warm import warm

SIZES, BASES = (100_000, 300_000, 1_000_000), 200
MOST_SECONDS, MOST_BYTES = 120.0, 2e9
#: Of memory, for each further item: less than its sequence would take in one process alone.
MOST_BYTES_AN_ITEM = 500.0
PLAIN_REPLICATES = 3


class Measured(NamedTuple):
    seconds: float
    peak: int


def write_table(path: Path, items: int) -> None:
    random = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", np.uint8)[random.integers(0, 4, (items, BASES), np.uint8)]
    sequences = [row.tobytes().decode() for row in letters]
    content = np.char.count(np.array(sequences), "G") + random.normal(0.0, 20.0, items)
    ids = [f"item{number}" for number in range(items)]
    frame = pl.DataFrame({"item_id": ids, "sequence": sequences, "truth": content})
    frame.write_csv(path, separator="\t")


def processes(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found += processes(int(child))
    except OSError:
        pass
    return found


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def run(table: Path, out: Path) -> Measured:
    words = ["-m", "genomark", "run", "-m", "gc", "-b", f"points:{table}", "--out", str(out)]
    words += ["--workers", "2", "--json", str(out / "all.json"), *sys.argv[1:]]
    peak, start = 0, time.perf_counter()
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(resident, processes(process.pid))))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}")
    return Measured(time.perf_counter() - start, peak)


def by_hand(table: Path, replicates: int) -> tuple[float, float]:
    frame = pd.read_csv(table, sep="\t")
    content = [(s.count("G") + s.count("C") + 1e-9) / len(s) for s in frame["sequence"]]
    prediction, truth = np.log2(content), frame["truth"].to_numpy()
    random = np.random.default_rng(0)
    for _ in range(replicates):
        drawn = random.integers(0, truth.size, truth.size)
        correlations(prediction[drawn], truth[drawn])
    return correlations(prediction, truth)


def correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    return float(pearsonr(x, y).statistic), float(spearmanr(x, y).statistic)


def plain(table: Path) -> tuple[float, tuple[float, float]]:
    start = time.perf_counter()
    values = by_hand(table, 0)
    once = time.perf_counter() - start
    start = time.perf_counter()
    by_hand(table, PLAIN_REPLICATES)
    further = (time.perf_counter() - start - once) / PLAIN_REPLICATES
    return once + further * REPLICATES, values


def told(out: Path) -> tuple[float, float]:
    document = msgspec.json.decode((out / "all.json").read_bytes())
    rows = {row["name"]: row["value"] for row in document["results"][0]["metrics"]}
    return rows["pearson"], rows["spearman"]


def main() -> int:
    warm()
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GENOMARK_CACHE"] = str(folder / "cache")
        for items in SIZES:
            table, out = folder / f"{items}.tsv", folder / f"out-{items}"
            write_table(table, items)
            seconds, peak = run(table, out)
            peaks.append(peak)
            print(
                f"{items:>9,} items  {seconds:6.1f} s  {items / seconds:>8,.0f} items/s  "
                f"at most {peak / 1e6:5,.0f} MB"
            )
        by_scipy, values = plain(table)
        right = bool(np.allclose(told(out), values, rtol=0, atol=1e-9))
    growth = (peaks[-1] - peaks[0]) / (SIZES[-1] - SIZES[0])
    print(
        f"{growth:.0f} bytes for each further item, at most {MOST_BYTES_AN_ITEM:.0f}; by hand "
        f"{by_scipy:,.0f} s (from {PLAIN_REPLICATES} replicates): {by_scipy / seconds:.1f} times "
        "as long"
    )
    if not right:
        print(f"FAILED: not the values of scipy, {values}")
    within = seconds <= MOST_SECONDS and peaks[-1] <= MOST_BYTES and growth <= MOST_BYTES_AN_ITEM
    if not within:
        print("FAILED: a limit does not hold")
    return 0 if right and within else 1


if __name__ == "__main__":
    sys.exit(main())
