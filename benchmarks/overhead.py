"""What a run costs beside its model: seconds of all, over those in which the model was at work.

One measured value a sequence, 200 nt each, from a table that is made from a seed; the model takes
1 ms an item. Counted is everything from the start of `genomark.run` to its end: the table read and
checked, requests, answers, files on disk, intervals of two correlations.

- in process: a function that burns 1 ms of processor an item.
- waiting: a function that sleeps 1 ms an item, as a model on another device does; a fifth of the
  items. What is counted beside it are CPU seconds: a sleep takes as long on a busy machine, and the
  rest does not.
- over HTTP: the first, served on 127.0.0.1 by a process of its own.

The peer is the model itself: it writes down when it began and ended, and the time in which it was
at work is what is covered by these. The exit status is 1 if a ratio is over its limit, or a value
is not the model's.

usage: python benchmarks/overhead.py [ITEMS]
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
from scipy.stats import pearsonr

import genomark
from genomark.benchmarks import load_benchmark
from genomark.scoring.warm import warm

ITEMS, BASES = 100_000, 200
LIMITS = {"in process": 0.05, "waiting": 0.05, "over HTTP": 0.15}
MODEL = """
import time
from pathlib import Path

TOLD = Path(__file__).with_suffix(".txt")


def burn(sequences):
    began = time.time()
    end = time.thread_time() + 0.001 * len(sequences)
    while time.thread_time() < end:
        pass
    return answer(sequences, began)


def sleep(sequences):
    began = time.time()
    time.sleep(0.001 * len(sequences))
    return answer(sequences, began)


def answer(sequences, began):
    values = [float(sequence.count("A")) for sequence in sequences]
    with TOLD.open("a") as file:
        file.write(f"{began!r} {time.time()!r}\\n")
    return values
"""


def table(path: Path, items: int) -> pl.DataFrame:
    random = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", np.uint8)[random.integers(0, 4, (items, BASES))]
    sequences = [row.tobytes().decode() for row in letters]
    frame = pl.DataFrame({"sequence": sequences, "truth": random.normal(size=items)})
    frame.write_parquet(path)
    return frame


def at_work(told: Path) -> float:
    """Seconds that are covered by calls of the model, which may overlap."""
    covered = reached = 0.0
    for began, ended in sorted(tuple(map(float, line.split())) for line in told.open()):
        covered += max(0.0, ended - max(began, reached))
        reached = max(reached, ended)
    told.unlink()
    return covered


@contextlib.contextmanager
def served(spec: str) -> Iterator[str]:
    command = (sys.executable, "-m", "genomark", "serve", "model", spec, "--port", "0")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            found = re.search(r"http://[\d.]+:\d+", line)
            if not found:
                raise SystemExit(f"the server did not start: {line}{server.stderr.read()}")
            yield found[0]
        finally:
            server.terminate()


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(name: str, model: object, folder: Path, frame: pl.DataFrame) -> bool:
    waiting = name == "waiting"
    limit = frame.height // 5 if waiting else frame.height
    start, cpu = time.perf_counter(), time.process_time()
    (result,) = genomark.run(
        model,  # type: ignore[arg-type]
        load_benchmark(f"points:{folder / 'points.parquet'}"),
        out=folder / name,
        limit=limit,
        progress=False,
    )
    seconds = time.perf_counter() - start
    work = at_work(folder / "model.txt")
    overhead = (time.process_time() - cpu) / work if waiting else seconds / work - 1.0
    print(
        f"{name:<12}{result.coverage.answered:>9,} items  {seconds:7.2f} s  the model "
        f"{work:7.2f} s  overhead {overhead:6.1%}, at most {LIMITS[name]:.0%}"
    )
    asked = frame[np.linspace(0, frame.height - 1, limit).round().astype(np.int64)]
    counts = asked["sequence"].str.count_matches("A").to_numpy()
    truth = pearsonr(counts, asked["truth"].to_numpy()).statistic
    right = np.isclose(result.metric("pearson").value, truth, rtol=0, atol=1e-12)
    return bool(right) and overhead <= LIMITS[name]


def main() -> int:
    items = int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS
    warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GENOMARK_CACHE"] = str(folder / "cache")
        frame = table(folder / "points.parquet", items)
        place = folder / "model.py"
        place.write_text(MODEL)
        module = imported(place)
        right = [
            measured("in process", module.burn, folder, frame),
            measured("waiting", module.sleep, folder, frame),
        ]
        with served(f"py:{place}:burn") as address:
            right.append(measured("over HTTP", address, folder, frame))
    if not all(right):
        print("FAILED: a limit does not hold, or a value is not the model's")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
