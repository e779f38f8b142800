"""Tasks on sequences through the command line: every protocol, real processes, a real kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

sys.path.append(str(Path(__file__).parents[1] / "models" / "hub"))
import tiny_checkpoints

pytest.importorskip("torch")

RUN = (sys.executable, "-m", "genomark", "run")


def write_task(folder: Path, n: int = 90, n_test: int = 40) -> Path:
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for name, size in (("train", n), ("test", n_test)):
        rows = []
        for row in range(size):
            share = 0.55 if row % 2 else 0.15
            letters = random.choice(list("GACT"), 40, p=[share, *[(1 - share) / 3] * 3])
            rows.append(json.dumps({"sequence": "".join(letters), "label": row % 2}))
        (folder / f"{name}.json").write_text("\n".join(rows))
    return folder


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "HF_HUB_OFFLINE": "1", "GENOMARK_CACHE": str(tmp_path / "cache")}


def ran(tmp_path: Path, *words: str) -> dict:
    command = [*RUN, *words, "--json", "out.json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {"out": done.stdout, **json.loads((tmp_path / "out.json").read_text())}


def value(result: dict, name: str) -> float:
    rows = [row for row in result["metrics"] if row["name"] == name and row["group"] is None]
    return rows[0]["value"]


@pytest.mark.slow
def test_a_checkpoint_is_probed_and_fine_tuned_beside_baselines(tmp_path: Path) -> None:
    write_task(tmp_path / "task")
    tiny_checkpoints.esm(tmp_path / "esm")
    found = ran(
        tmp_path,
        *("-m", "hf:./esm", "-m", "kmer:k=2", "-m", "control:random", "-b", "sequences:task"),
    )
    by_model = {each["model"]["id"]: each for each in found["results"]}
    probe = by_model["hf:./esm (probe)"]
    # Nine of forty bases more are G: a linear head on vectors averaged over bases can see that.
    assert value(probe, "f1_macro") > 0.85
    assert value(by_model["kmer:k=2"], "f1_macro") > 0.85
    assert probe["settings"]["fit"]["seed 0"]["tried"]
    for protocol, fits in (("lora", 2), ("full", 1)):
        spec = "hf:./esm,epochs=2,batch_size=16"
        found = ran(
            tmp_path,
            "-m",
            spec,
            "-b",
            "sequences:task",
            "--protocol",
            protocol,
            "--fits",
            str(fits),
        )
        (result,) = found["results"]
        assert result["model"]["id"] == f"{spec} ({protocol})"
        assert len(result["settings"]["fit"]) == fits
        assert not any((tmp_path / "genomark-results" / "work").glob("*"))


@pytest.mark.slow
def test_the_same_command_gives_the_same_bytes_with_one_worker_or_two(tmp_path: Path) -> None:
    write_task(tmp_path / "task")
    models = ("-m", "cnn:epochs=2,channels=8,layers=2", "-m", "onehot")
    tables = []
    for workers in ("1", "2"):
        ran(tmp_path, *models, "-b", "sequences:task", "--workers", workers, "--out", f"o{workers}")
        files = sorted((tmp_path / f"o{workers}" / "predictions").iterdir())
        tables.append([(file.name, file.read_bytes()) for file in files])
    assert tables[0] == tables[1]
    assert len(tables[0]) == 2


@pytest.mark.slow
def test_a_run_killed_in_the_middle_of_a_fit_ends_with_the_same_weights(tmp_path: Path) -> None:
    write_task(tmp_path / "task", n=1200)
    words = (
        *("-m", "cnn:epochs=12,patience=12,channels=32,layers=3", "-b", "sequences:task"),
        *("--fits", "1", "--workers", "1"),
    )
    process = subprocess.Popen(
        [*RUN, *words, "--out", "killed"],
        cwd=tmp_path,
        env=environment(tmp_path),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    work = tmp_path / "killed" / "work"
    deadline = time.monotonic() + 120
    while not list(work.glob("*/*.safetensors")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list((tmp_path / "killed" / "shards").glob("*.parquet"))
    ran(tmp_path, *words, "--out", "killed")
    ran(tmp_path, *words, "--out", "whole")
    one, other = (
        pl.read_parquet(next((tmp_path / name / "predictions").iterdir()))
        for name in ("killed", "whole")
    )
    assert one.equals(other)
    assert not list(work.glob("*"))


def test_a_file_that_cannot_be_read_fails_its_own_task_alone(tmp_path: Path) -> None:
    write_task(tmp_path / "many" / "good")
    bad = write_task(tmp_path / "many" / "bad")
    lines = (bad / "train.json").read_text().split("\n")
    lines[6] = json.dumps({"sequence": "ACGT*ACGT", "label": 0})
    (bad / "train.json").write_text("\n".join(lines))
    done = subprocess.run(
        [*RUN, "-m", "onehot", "-b", "sequences:many"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "failed sequences:many#bad × onehot" in done.stdout
    assert "row 7" in done.stdout
    assert "'*'" in done.stdout
    assert "sequences:good" in done.stdout


@pytest.mark.slow
def test_variants_are_scored_without_training(tmp_path: Path) -> None:
    tiny_checkpoints.esm(tmp_path / "esm")
    tiny_checkpoints.bert_of_pieces(tmp_path / "headless", head=False)
    found = ran(
        tmp_path,
        *("-m", "hf:./esm", "-m", "hf:./headless", "-b", "kircher2019", "--limit", "30"),
        *("--protocol", "zero-shot"),
    )
    ids = [each["model"]["id"] for each in found["results"]]
    assert ids == ["hf:./esm (zero-shot, likelihood)", "hf:./headless (zero-shot, distance)"]
    assert all(each["coverage"]["answered"] == 30 for each in found["results"])
    assert "difference of pseudo-log-likelihoods" in found["out"]
    assert "has no sign" in found["out"]
