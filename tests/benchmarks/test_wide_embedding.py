"""An embedding too wide and long to copy: 60,000 genes x 5,000 dimensions in 4 GB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

GENES, DIMENSIONS = 60_000, 5_000
TOLD = 60


@pytest.mark.slow
def test_a_task_on_all_genes_of_a_wide_embedding_fits_into_four_gigabytes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = tmp_path / "wide.npy"
    vectors = np.lib.format.open_memmap(path, "w+", np.float32, (GENES, DIMENSIONS))
    answer = np.empty(GENES)
    weight = random.standard_normal(TOLD)
    for first in range(0, GENES, 5_000):
        block = random.standard_normal((5_000, DIMENSIONS), dtype=np.float32)
        vectors[first : first + 5_000] = block
        answer[first : first + 5_000] = block[:, :TOLD] @ weight
    vectors.flush()
    del vectors
    names = [f"GENE{number}" for number in range(GENES)]
    (tmp_path / "wide.txt").write_text("\n".join(names))
    task = tmp_path / "tasks" / "all"
    task.mkdir(parents=True)
    pl.DataFrame({"symbol": names}).write_csv(task / "entities.csv")
    pl.DataFrame({"Outcomes": (answer > 0).astype(int)}).write_csv(task / "outcomes.csv")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "genomark", "run", "-m", "embedding:wide.npy"),
            *("-b", "tasks:tasks#all", "--out", "out", "--json", "out.json"),
        ],
        cwd=tmp_path,
        env={**os.environ, "GENOMARK_CACHE": str(tmp_path / "cache")},
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    # Mapped pages of the file count as resident.
    assert usage.ru_maxrss < 4_000_000
    (result,) = json.loads((tmp_path / "out.json").read_text())["results"]
    auroc = next(row["value"] for row in result["metrics"] if row["name"] == "auroc")
    # 60 of 5,000 dimensions tell the answer without noise: a linear head finds nearly all of it.
    assert auroc > 0.97
