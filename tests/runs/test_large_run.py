"""A run holds numbers of all items, and the sequences of few."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks.points.point_table import PointColumns, PointTable

BASES = 2_000
FEW, MANY = 6_000, 30_000
#: Runs in a process of its own, so that nothing but the run is measured; prints its peak in bytes.
RUN = """
import sys
from pathlib import Path
import genomark

def gc(sequences):
    return [sequence.count("G") / len(sequence) for sequence in sequences]

(result,) = genomark.run(gc, f"points:{sys.argv[1]}", out=sys.argv[2], progress=False)
assert result.coverage.answered == int(sys.argv[3])
# Not what getrusage says: that is at least what the process had that started this one.
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024)
"""


def write_table(path: Path, items: int) -> None:
    random = np.random.default_rng(4)
    letters = np.frombuffer(b"ACGT", np.uint8)[random.integers(0, 4, (items, BASES), np.uint8)]
    sequences = [row.tobytes().decode() for row in letters]
    pl.DataFrame({"sequence": sequences, "truth": random.normal(size=items)}).write_csv(path)


def peak(folder: Path, items: int) -> int:
    write_table(folder / f"{items}.csv", items)
    # Written in blocks beforehand: meanwhile Polars has more rows under way than a run ever has.
    _ = PointTable(folder / f"{items}.csv", PointColumns()).height
    words = [str(folder / f"{items}.csv"), str(folder / f"out-{items}"), str(items)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        env=os.environ | {"GENOMARK_PREDICTION_CACHE": "off", "POLARS_MAX_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells no peak of memory")
def test_memory_does_not_grow_with_the_sequences(tmp_path):
    growth = peak(tmp_path, MANY) - peak(tmp_path, FEW)
    letters = (MANY - FEW) * BASES
    # 48 MB more of sequences, of which a copy as strings would be as much again.
    assert growth < 0.6 * letters, f"{growth:,} bytes"
