"""Tasks on genes from file to table, against gene-benchmark's `run_task` on the same loads.

Synthetic embeddings of 18,000 genes x 768 float32, raw and with rows of unit length, and tasks of
the sizes on which `run_task` was timed on two cores (wall seconds, all of it): its times are
printed as they were measured, ours are measured now, whole processes, intervals included.

usage: genes.py [abcd] [raw|unit] [csv|npy]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

GENES, DIMENSIONS = 18_000, 768
#: Wall seconds of `run_task`, by load and embedding.
RUN_TASK = {
    ("a", "unit"): 7.1,
    ("a", "raw"): 7.3,
    ("b", "unit"): 34.6,
    ("b", "raw"): 297.6,
    ("c", "unit"): 78.0,
    ("c", "raw"): 168.4,
    ("d", "unit"): 18.9,
    ("d", "raw"): 265.1,
}
GENOMARK = str(Path(sys.executable).with_name("genomark"))


def embeddings(folder: Path, kinds: str, files: str) -> np.ndarray:
    """Write the vectors; give the coordinates that the tasks' answers hang on."""
    rng = np.random.default_rng(0)
    spectrum = np.arange(1, DIMENSIONS + 1) ** -0.6
    latent = rng.standard_normal((GENES, DIMENSIONS)) * spectrum
    turn, _ = np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))
    raw = latent @ turn
    raw = raw / raw.std(axis=0) * rng.uniform(0.5, 1.5, DIMENSIONS)
    raw = (raw + rng.standard_normal(DIMENSIONS)).astype(np.float32)
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    names = [f"GENE{number}" for number in range(GENES)]
    for kind, vectors in (("raw", raw), ("unit", unit)):
        if kind not in kinds:
            continue
        if "npy" in files:
            np.save(folder / f"{kind}.npy", vectors)
            (folder / f"{kind}.txt").write_text("\n".join(names))
        if "csv" in files:
            frame = pl.DataFrame(vectors, schema=[str(d) for d in range(DIMENSIONS)])
            frame.insert_column(0, pl.Series("symbol", names)).write_csv(folder / f"{kind}.csv")
    return latent


def tasks(folder: Path, latent: np.ndarray) -> None:
    """Write tasks with answers that the vectors know in part."""
    rng = np.random.default_rng(1)

    def hidden(rows: np.ndarray) -> np.ndarray:
        told = latent[rows][:, :60] @ rng.standard_normal(60)
        return told / told.std() * 1.5 + rng.logistic(size=rows.size)

    def write(load: str, name: str, rows: np.ndarray, outcomes: pl.DataFrame) -> None:
        task = folder / load / name
        task.mkdir(parents=True)
        pl.DataFrame({"symbol": [f"GENE{row}" for row in rows]}).write_csv(task / "entities.csv")
        outcomes.write_csv(task / "outcomes.csv")

    def binary(load: str, name: str, n: int) -> None:
        rows = rng.choice(GENES, n, replace=False)
        values = hidden(rows)
        answer = (values > np.quantile(values, rng.uniform(0.5, 0.8))).astype(int)
        write(load, name, rows, pl.DataFrame({"Outcomes": answer}))

    binary("a", "one", 1500)
    rows = rng.choice(GENES, 15_000, replace=False)
    labels = {}
    for label in range(30):
        values = hidden(rows)
        labels[f"label {label}"] = (values > np.quantile(values, 1 - rng.uniform(0.05, 0.35))) * 1
    write("b", "labels", rows, pl.DataFrame(labels))
    for number in range(50):
        binary("c", f"task {number}", int(rng.integers(2500, 3501)))
    scores = np.stack([hidden(rows) for _ in range(20)])
    write(
        "d", "classes", rows, pl.DataFrame({"Outcomes": [f"c{k}" for k in scores.argmax(axis=0)]})
    )


def run(folder: Path, load: str, embedding: str, probe: str) -> tuple[float, float, int]:
    """Wall and CPU seconds and peak resident kilobytes of one run, from start to end."""
    command = [
        *(GENOMARK, "run", "-m", f"embedding:{embedding}", "-b", f"tasks:{load}"),
        *("--probe", probe, "--out", f"out-{load}-{time.monotonic_ns()}"),
    ]
    environment = {**os.environ, "GENOMARK_CACHE": str(folder / f"cache-{time.monotonic_ns()}")}
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status != 0:
        raise SystemExit(said.decode())
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main() -> None:
    """Time every load that was asked for."""
    chosen = " ".join(sys.argv[1:]) or "ab raw unit csv npy"
    loads = [load for load in "abcd" if load in chosen.split()[0]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks(folder, embeddings(folder, chosen, chosen))
        print("load  vectors    from  probe                wall s  CPU s  peak MB  x run_task")
        for load in loads:
            for kind in ("unit", "raw"):
                for file in ("csv", "npy"):
                    if kind not in chosen or file not in chosen:
                        continue
                    # `scale=none` is the objective of `run_task`.
                    for probe in ("linear:scale=none", "linear"):
                        wall, cpu, peak = run(folder, load, f"{kind}.{file}", probe)
                        ratio = RUN_TASK[load, kind] / wall
                        print(
                            f"{load:4}  {kind:9}  {file:4}  {probe:18}  {wall:7.2f} {cpu:6.2f}  "
                            f"{peak / 1000:7.0f}  {ratio:6.1f}x",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
