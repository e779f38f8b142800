"""The examples for clusters, run as they stand: real workflows, and schedulers that are played."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stub_queue import install

from genomark.results import load_results
from processes import wait_for

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ASKED = ["-m", "gc", "-m", "cpg", "-b", "kircher2019", "--limit", "290"]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What commands find: genomark, and schedulers that are played."""
    programs, queue = tmp_path / "bin", tmp_path / "queue"
    programs.mkdir()
    queue.mkdir()
    install(programs)
    yield {
        **os.environ,
        "PATH": f"{programs}:{BIN}:{os.environ['PATH']}",
        "STUB_QUEUE": str(queue),
    }
    for path in queue.glob("*.pid"):
        try:
            os.killpg(int(path.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.fixture(scope="module")
def expected(tmp_path_factory, real_data) -> dict[str, float]:
    real_data("kircher2019", "elements.tsv.gz")
    folder = tmp_path_factory.mktemp("expected")
    command = [BIN / "genomark", "run", *ASKED, "--out", folder / "r", "--json", folder / "r.json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
    return values(folder / "r.json")


def values(path: Path) -> dict[str, str]:
    return {each.model.id: each.predictions_digest for each in load_results(path).results}


def shell(command: list[str | Path], cwd: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_slurm_runs_an_array_and_puts_it_together(tmp_path, environment, expected):
    environment["SBATCH_OPTIONS"] = "--mem=2G --time=00:10:00"
    command = [EXAMPLES / "slurm" / "submit.sh", "results", "4", *ASKED]
    shell(command, tmp_path, environment)
    written = tmp_path / "results" / "results.json"
    wait_for(written.exists, 240)
    assert values(written) == expected
    queue = Path(environment["STUB_QUEUE"])
    assert "--array=0-3" in (queue / "1.options").read_text()
    assert "--mem=2G --time=00:10:00" in (queue / "1.options").read_text()
    assert "--dependency=afterany:1" in (queue / "2.options").read_text()
    assert sorted(path.name for path in (tmp_path / "results").glob("job-*.out")) == [
        f"job-{number}.out" for number in range(4)
    ]
    # Given again there is nothing left but to merge.
    written.unlink()
    shell(command, tmp_path, environment)
    wait_for(written.exists, 120)
    assert values(written) == expected
    assert not (queue / "4.options").exists()


@pytest.mark.parametrize("options", [None, "", "--mem=2G --time=00:10:00"])
def test_slurm_is_given_the_options_and_nothing_in_their_place(tmp_path, options):
    planned = """echo '{"plan": "1f", "jobs": 2}'"""
    programs = {"genomark": planned, "sbatch": 'printf "%s\\n" "$@" >> said; echo 7'}
    for name, does in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{BIN}:{os.environ['PATH']}"}
    environment.pop("SBATCH_OPTIONS", None)
    if options is not None:
        environment["SBATCH_OPTIONS"] = options
    script = EXAMPLES / "slurm" / "submit.sh"
    shell([script, "results", "2", *ASKED], tmp_path, environment)
    said = (tmp_path / "said").read_text().splitlines()
    job, merge = said.index("--job-name=genomark"), said.index("--job-name=genomark-merge")
    assert said[job:merge] == [
        *("--job-name=genomark", "--output=results/job-%a.out", "--array=0-1"),
        *("--cpus-per-task=1", *(options or "").split()),
        "--wrap=genomark run-shard 'results' $SLURM_ARRAY_TASK_ID --plan 1f",
        "--parsable",
    ]
    # Before version 4.4, bash ends a script that asks so for the items of an array that has none.
    assert '"${options[@]}"' not in script.read_text().replace('${options[@]+"${options[@]}"}', "")


@pytest.mark.skipif(not shutil.which("snakemake"), reason="snakemake is not installed")
def test_snakemake_runs_a_rule_a_job(tmp_path, environment, expected):
    command = ["snakemake", "--snakefile", EXAMPLES / "snakemake" / "Snakefile", "--cores", "2"]
    config = ["results=out", "models=gc cpg", "benchmarks=kircher2019", "jobs=3"]
    config += ["options=--limit 290"]
    shell([*command, "--config", *config], tmp_path, environment)
    assert values(tmp_path / "out" / "results.json") == expected
    assert len(list((tmp_path / "out" / "done").iterdir())) == 3
    again = subprocess.run(
        list(map(str, [*command, "--config", *config])),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Nothing to be done" in again.stdout + again.stderr


def test_nextflow_has_the_commands_that_make_the_results(tmp_path, environment, expected):
    """Nextflow itself is not here: its tasks are run as it would, with their values put in."""
    text = (EXAMPLES / "nextflow" / "main.nf").read_text()
    scripts = dict(re.findall(r"process (\w+) \{.*?script:\s+\"\"\"\n(.*?)\"\"\"", text, re.DOTALL))
    assert list(scripts) == ["PLAN", "JOB", "MERGE"]

    def task(name: str, **given: object) -> str:
        script = scripts[name]
        for key, value in {"launchDir": tmp_path, "results": "results", **given}.items():
            script = script.replace(f"${key}", str(value))
        assert "$" not in script
        (tmp_path / name).mkdir(exist_ok=True)
        return shell(["bash", "-euo", "pipefail", "-c", script], tmp_path / name, environment)

    asked = "-m 'gc' -m 'cpg' -b 'kircher2019' --limit 290"
    number = json.loads(task("PLAN", asked=asked, jobs=3))["jobs"]
    assert number == 3
    for each in (2, 0, 1):
        task("JOB", number=each)
    task("MERGE")
    # Named from where the workflow was begun, and not from the folder of a task.
    assert values(tmp_path / "results" / "results.json") == expected


@pytest.mark.parametrize("system", ["slurm", "pbs", "lsf"])
def test_workers_are_jobs_of_a_queue(system, tmp_path, environment, expected):
    command = [
        sys.executable,
        EXAMPLES / "dask" / "on_a_cluster.py",
        system,
        *ASKED[:-2],
        "--out",
        "r",
    ]
    options = ["--most", "2", "--memory", "2GB", "--walltime", "00:10", "--directive=--stub"]
    options += ["--host", "127.0.0.1"]
    if system == "slurm":
        options[5] = "00:10:00"
    shell([*command, *options], tmp_path, environment)
    whole = [BIN / "genomark", "run", *ASKED[:-2], "--out", "whole", "--json", "whole.json"]
    shell(whole, tmp_path, environment)
    assert values(tmp_path / "r" / "results.json") == values(tmp_path / "whole.json")
    submitted = list(Path(environment["STUB_QUEUE"]).glob("*.options"))
    assert len(submitted) >= 1
    assert "--stub" in submitted[0].read_text()
