"""Results are the same whatever computes them, and whoever is killed meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from same_results import files_of, timeless

import genomark
from genomark.errors import GenomarkError, UsageError
from genomark.runs import post
from processes import alive, wait_for

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed")

#: Two that learn nothing, one that is fitted, and one whose answers depend on the seed.
MODELS = ["gc", "cpg", "kmer:k=3", "control:random"]
BENCHMARKS = ["kircher2019", "simulated-enhancers"]
ASKED = {"limit": 290, "seed": 3, "prediction_cache": "off", "progress": False}

#: Says who has loaded it, waits for leave, and is killed by one item if a file says so.
SLOW = """
import os, signal, time
from pathlib import Path

HERE = Path(__file__).parent
with (HERE / "loaded").open("a") as told:
    told.write(f"{os.getppid()}\\n")


def predict(sequences):
    with (HERE / "asked").open("a") as told:
        told.write(f"{os.getpid()}\\n")
    while (HERE / "wait").exists():
        time.sleep(0.02)
    if (HERE / "deadly").exists() and any(s == (HERE / "deadly").read_text() for s in sequences):
        os.kill(os.getpid(), signal.SIGSEGV)
    return [float(s.count("A") - s.count("C")) for s in sequences]
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    """Two workers, each a process with a nanny."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            host="127.0.0.1",
        ) as started,
        Client(started, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "slow.py").write_text(SLOW)
    return tmp_path / "slow"


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, real_data):
    real_data("kircher2019", "elements.tsv.gz")
    folder = tmp_path_factory.mktemp("local")
    return genomark.run(MODELS, BENCHMARKS, out=folder, workers=1, **ASKED), folder


def test_workers_of_dask_give_the_same_bytes(undisturbed, cluster, tmp_path):
    expected, folder = undisturbed
    results = genomark.run(MODELS, BENCHMARKS, out=tmp_path, engine=cluster, **ASKED)
    assert timeless(results) == timeless(expected)
    assert files_of(tmp_path) == files_of(folder)
    assert list((tmp_path / "claims").iterdir()) == []
    # The client is its owner's, who may go on with it.
    assert cluster.submit(sum, [1, 2]).result() == 3


@pytest.mark.slow
def test_jobs_in_any_order_give_the_same_bytes(undisturbed, tmp_path):
    expected, folder = undisturbed
    asked = {name: ASKED[name] for name in ("limit", "seed")}
    planned = genomark.plan(MODELS, BENCHMARKS, out=tmp_path, jobs=5, **asked)
    assert planned.jobs == 5
    jobs = list(range(planned.jobs))
    random.Random(8).shuffle(jobs)
    for job in jobs:
        done = genomark.run_shard(tmp_path, job, prediction_cache="off", progress=False)
        assert done.kept == 0
        assert done.failed == []
    again = genomark.run_shard(tmp_path, jobs[0], prediction_cache="off", progress=False)
    assert again.computed == 0
    results = genomark.merge(tmp_path, progress=False)
    assert timeless(results) == timeless(expected)
    assert files_of(tmp_path) == files_of(folder)
    assert timeless(genomark.merge(tmp_path, progress=False)) == timeless(expected)
    # All is in the journal now: nothing is left to plan, and a run computes nothing.
    assert genomark.plan(MODELS, BENCHMARKS, out=tmp_path, **asked).shards == 0


@pytest.mark.slow
def test_a_model_is_loaded_once_by_each_worker(cluster, slow, tmp_path):
    specs = [f"py:{slow}/slow.py:predict", "gc"]
    genomark.run(specs, ["kircher2019"], out=tmp_path / "r", engine=cluster, **ASKED)
    asked, loaded = lines(slow / "asked"), lines(slow / "loaded")
    # The run loads it to say who it is, and each process of a worker once.
    assert len(asked) == 29
    assert len(loaded) == 1 + len(set(asked)) <= 3


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(cluster, slow, tmp_path):
    spec = f"py:{slow}/slow.py:predict"
    expected = genomark.run([spec], ["kircher2019"], out=tmp_path / "local", workers=1, **ASKED)
    (slow / "asked").unlink()
    (slow / "wait").touch()
    pids = cluster.run(os.getpid)

    def kill() -> None:
        wait_for(lambda: len(set(lines(slow / "asked"))) == 2, 60)
        os.kill(random.Random(1).choice(sorted(pids.values())), signal.SIGKILL)
        (slow / "wait").unlink()

    killer = threading.Thread(target=kill)
    killer.start()
    results = genomark.run([spec], ["kircher2019"], out=tmp_path / "r", engine=cluster, **ASKED)
    killer.join()
    assert timeless(results) == timeless(expected)
    assert files_of(tmp_path / "r") == files_of(tmp_path / "local")
    assert set(cluster.run(os.getpid).values()) != set(pids.values())
    # The one request that was being computed was asked for again, and no other.
    assert 29 <= len(lines(slow / "asked")) <= 30


#: A Dask worker that has another genomark.
STRANGER = """
import sys
import genomark.runs.environment as environment
environment.VERSION = "0.0.1"
from distributed.cli.dask_worker import main
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_worker_of_another_genomark_that_comes_late_is_passed_by(slow, tmp_path):
    spec = f"py:{slow}/slow.py:predict"
    (slow / "wait").touch()
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        ) as started,
        Client(started, set_as_default=False) as client,
    ):

        def join() -> None:
            wait_for(lambda: lines(slow / "asked"), 60)
            options = ["--no-nanny", "--no-dashboard", f"--local-directory={tmp_path}"]
            command = [sys.executable, "-c", STRANGER, started.scheduler_address, *options]
            strangers.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            wait_for(lambda: len(client.scheduler_info()["workers"]) == 2, 60)
            (slow / "wait").unlink()

        strangers: list[subprocess.Popen[bytes]] = []
        joining = threading.Thread(target=join)
        joining.start()
        results = genomark.run(spec, "kircher2019", out=tmp_path / "r", engine=client, **ASKED)
        joining.join()
        for each in strangers:
            each.kill()
            each.wait()
    assert results.failed == []
    assert len(set(lines(slow / "asked"))) == 1


@pytest.mark.slow
def test_a_script_without_a_main_guard_is_told_of_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import genomark\n"
        "genomark.run('gc', 'simulated-enhancers', limit=20, engine='dask', workers=2)\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("genomark.errors.UsageError: Dask cannot start workers")
    assert "if __name__ == '__main__':" in last


@pytest.mark.slow
def test_an_item_that_kills_is_found_as_it_is_on_one_machine(cluster, slow, tmp_path):
    from genomark.benchmarks import load_benchmark

    spec = f"py:{slow}/slow.py:predict"
    benchmark = load_benchmark("simulated-enhancers")
    (slow / "deadly").write_text(benchmark.part_at(0, 64)["sequence"][17])
    asked = {**ASKED, "limit": 64}
    before = cluster.run(os.getpid)
    found = [
        genomark.run([spec], ["simulated-enhancers"], out=tmp_path / name, **how, **asked)
        for name, how in (("dask", {"engine": cluster}), ("local", {"workers": 2}))
    ]
    assert timeless(found[0]) == timeless(found[1])
    coverage = found[0].results[0].coverage
    assert (coverage.asked, coverage.answered) == (64, 63)
    assert "SIGSEGV" in coverage.failed[0].reason
    assert cluster.run(os.getpid) == before


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_a_worker_that_does_not_see_the_folder_sends_what_it_computed(undisturbed, tmp_path):
    expected, folder = undisturbed
    out = tmp_path / "r"
    out.mkdir()
    scheduler_file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen(
        [*command, *options, "--scheduler-file", str(scheduler_file)],
        stderr=subprocess.DEVNULL,
    )
    worker = None
    try:
        wait_for(scheduler_file.exists, 60)
        hidden = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", str(out), "--die-with-parent"]
        start = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1"]
        where = ["--scheduler-file", str(scheduler_file), "--no-dashboard"]
        worker = subprocess.Popen(
            [*hidden, *start, *where, "--local-directory", str(tmp_path / "scratch")],
            stderr=subprocess.DEVNULL,
        )
        results = genomark.run(MODELS, BENCHMARKS, out=out, scheduler=str(scheduler_file), **ASKED)
        assert timeless(results) == timeless(expected)
        assert files_of(out) == files_of(folder)
        assert not list((tmp_path / "scratch").rglob("*.parquet"))
    finally:
        for process in (worker, scheduler):
            if process is not None:
                process.terminate()
                process.wait(timeout=30)


@pytest.mark.slow
def test_a_scheduler_that_goes_ends_the_run_and_what_was_computed_is_kept(slow, tmp_path):
    (slow / "wait").touch()
    script = tmp_path / "cluster.py"
    script.write_text(
        "import time\n"
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    cluster = LocalCluster(n_workers=1, dashboard_address='127.0.0.1:0')\n"
        "    print(cluster.scheduler_address, flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()

        def kill() -> None:
            wait_for(lambda: lines(slow / "asked"), 60)
            process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(GenomarkError, match=r"scheduler at tcp://.* is gone.*same command"):
            genomark.run(
                [f"py:{slow}/slow.py:predict"],
                ["simulated-enhancers"],
                out=tmp_path / "r",
                scheduler=address,
                **ASKED,
            )
        killer.join()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_process_behind_and_goes_on(slow, tmp_path):
    (slow / "wait").touch()
    command = [
        *(sys.executable, "-m", "genomark", "run", "--engine", "dask", "--workers", "2"),
        *("-m", f"py:{slow}/slow.py:predict", "-m", "gc", "-b", "kircher2019", "--limit", "290"),
        *("--out", str(tmp_path / "r"), "--prediction-cache", "off"),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: len(set(lines(slow / "asked"))) == 2, 120)
    started = {int(pid) for pid in lines(slow / "asked")}
    workers = {int(pid) for pid in lines(slow / "loaded")}
    process.kill()
    process.wait()
    wait_for(lambda: not any(map(alive, started | workers - {os.getpid()})), 60)
    (slow / "wait").unlink()
    done = set((tmp_path / "r" / "shards").glob("*.parquet"))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
    assert done <= set((tmp_path / "r" / "shards").glob("*.parquet"))
    expected = genomark.run(
        [f"py:{slow}/slow.py:predict", "gc"],
        ["kircher2019"],
        out=tmp_path / "local",
        workers=1,
        **{**ASKED, "seed": 0},
    )
    assert files_of(tmp_path / "r") == files_of(tmp_path / "local")
    assert len(expected.results) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "benchmarks", "asked"),
    [
        pytest.param([], [], {}, id="quickstart"),
        pytest.param(["kmer", "onehot"], ["pgb/poly_a.arabidopsis_thaliana"], {}, id="pgb"),
    ],
)
def test_whole_suites_are_the_same_everywhere(models, benchmarks, asked, tmp_path, real_data):
    """What is promised: locally, with Dask of one and two workers, in jobs of random order."""
    options = {**asked, "prediction_cache": "off", "progress": False}
    expected = timeless(genomark.run(models, benchmarks, out=tmp_path / "local", **options))
    assert not expected["failed"]
    for workers in (1, 2):
        out = tmp_path / f"dask-{workers}"
        results = genomark.run(
            models, benchmarks, out=out, engine="dask", workers=workers, **options
        )
        assert timeless(results) == expected
        assert files_of(out) == files_of(tmp_path / "local")
    planned = genomark.plan(models, benchmarks, out=tmp_path / "jobs", jobs=7, **asked)
    jobs = list(range(planned.jobs))
    random.Random(5).shuffle(jobs)
    for job in jobs:
        genomark.run_shard(tmp_path / "jobs", job, prediction_cache="off", progress=False)
    assert timeless(genomark.merge(tmp_path / "jobs", progress=False)) == expected
    assert files_of(tmp_path / "jobs") == files_of(tmp_path / "local")


def test_functions_cannot_be_computed_elsewhere(tmp_path):
    with pytest.raises(UsageError, match=r"workers of Dask cannot load it: give models as py:"):
        genomark.run([len], ["simulated-enhancers"], out=tmp_path, engine="dask", progress=False)
    with pytest.raises(UsageError, match=r"cannot be planned for others: give models as py:"):
        genomark.plan([len], ["simulated-enhancers"], out=tmp_path)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"engine": "ray"}, "engine ray: expected local or dask"),
        ({"engine": "local", "scheduler": "tcp://a:1"}, "the engine local has none"),
    ],
)
def test_engines_are_local_or_dask(asked, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        genomark.run(["gc"], ["simulated-enhancers"], out=tmp_path, **asked)


def test_a_scheduler_that_does_not_answer_is_said_to_be_none(tmp_path, monkeypatch):
    from genomark.runs import cluster as module

    monkeypatch.setattr(module, "_CONNECT_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:9", "no address"):
        with pytest.raises(UsageError, match=r"no Dask scheduler answers at .*Expected an address"):
            genomark.run(["gc"], ["simulated-enhancers"], out=tmp_path, scheduler=address)


def test_a_worker_with_another_genomark_is_refused(cluster, tmp_path, monkeypatch):
    from genomark.runs import dask_executor

    older = partial(post.Errand, version="0.0.1")
    monkeypatch.setattr(dask_executor, "Errand", older)
    with pytest.raises(GenomarkError, match=r"has genomark .* and the run has 0\.0\.1 on"):
        genomark.run(["gc"], ["simulated-enhancers"], out=tmp_path, engine=cluster, **ASKED)
