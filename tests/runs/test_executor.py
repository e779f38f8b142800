from __future__ import annotations

import signal
import subprocess
import sys

import polars as pl
import pytest

from genomark.benchmarks.simulated import SimulatedEnhancers
from genomark.models import load_model
from genomark.runs import InProcessExecutor, LocalExecutor, Settings, Workshop, make_plan
from genomark.runs.outcome import shard_path
from genomark.runs.plan import Evaluation
from processes import alive, wait_for

DEADLY = """
import os, signal

def predict(sequences):
    if any(sequence.startswith({start!r}) for sequence in sequences):
        os.kill(os.getpid(), signal.SIGKILL)
    return [float(len(sequence)) for sequence in sequences]
"""


def evaluation(spec: str, limit: int | None = None, size: int = 4096) -> Evaluation:
    benchmark = SimulatedEnhancers()
    SimulatedEnhancers.max_request_items = size
    planned = make_plan(
        [(spec, load_model(spec))], [(benchmark.id, benchmark)], Settings(limit=limit)
    )
    return planned.evaluations[0]


def run_all(executor, made: Evaluation):
    try:
        for shard in made.shards:
            assert executor.submit(shard) == shard.digest
        return {outcome.digest: outcome for outcome in executor.as_completed()}
    finally:
        executor.cancel()


def test_a_pool_and_this_process_write_the_same_bytes(tmp_path):
    made = evaluation("gc")
    pooled = run_all(LocalExecutor(tmp_path / "pool", 2), made)
    here = run_all(InProcessExecutor(Workshop(tmp_path / "here")), made)
    assert pooled.keys() == here.keys()
    for digest in here:
        assert pooled[digest].error is None
        assert pooled[digest].file_digest == here[digest].file_digest
        frame = pl.read_parquet(shard_path(tmp_path / "pool", digest))
        assert frame["value"].null_count() == 0


@pytest.mark.slow
def test_a_worker_that_dies_takes_only_its_own_shard_with_it(tmp_path, monkeypatch):
    # Workers load the benchmark themselves, so the requests are cut by experiment.
    from genomark.benchmarks.kircher2019 import Kircher2019

    benchmark = Kircher2019()
    start = benchmark.references["HBB"][1][:60]
    script = tmp_path / "deadly.py"
    script.write_text(DEADLY.format(start=start))
    spec = f"py:{script}:predict"
    (made,) = make_plan(
        [(spec, load_model(spec))], [(benchmark.id, benchmark)], Settings()
    ).evaluations
    outcomes = run_all(LocalExecutor(tmp_path / "out", 2), made)
    failed = [outcome for outcome in outcomes.values() if outcome.error]
    assert len(outcomes) == 29
    assert len(failed) == 1
    # Its reference, which is asked beside each of its items, begins like that.
    assert failed[0].error.endswith("times on this request (out of memory: SIGKILL)")


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "sleepy.py"
    script.write_text(
        "import os, pathlib, time\n"
        "def predict(sequences):\n"
        f"    pathlib.Path({str(tmp_path)!r}, f'worker-{{os.getpid()}}').touch()\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-m", "genomark", "run", "-m", f"py:{script}:predict"]
    parent = subprocess.Popen(
        [*command, "-b", "simulated-enhancers", "--out", str(tmp_path / "out"), "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        (worker,) = wait_for(lambda: list(tmp_path.glob("worker-*")), seconds=30)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    pid = int(worker.name.partition("-")[2])
    assert wait_for(lambda: not alive(pid), seconds=10)
