"""Kills of the server: what was acknowledged comes to its end, and once."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from submitting import parquet, simulated
from working import runs, wait_for, workers_of

from genomark.leaderboard.submissions.tokens import add_token
from genomark.results.store import Store

END = ("scored", "refused", "failed")


@contextlib.contextmanager
def served(place: Path):
    """``genomark serve leaderboard --submissions`` in a process; gives it and its URL."""
    command = [sys.executable, "-m", "genomark", "serve", "leaderboard", str(place)]
    process = subprocess.Popen(
        [*command, "--submissions", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = ""
        # What the last server left behind is told before.
        while not line.startswith("Showing"):
            line = process.stderr.readline()
            assert line, process.poll()
        yield process, line.split(" at ")[1].split()[0]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.slow
def test_a_server_that_is_killed_loses_nothing_it_acknowledged(submitter, tmp_path):
    place = tmp_path / "store"
    with Store.open(place) as store:
        token = add_token(store, "Lab A")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/zip"}
    bundles = [
        submitter.bundle(parquet(simulated()), name="mine"),
        submitter.bundle(b"x", version="99"),
    ]
    with served(place) as (process, url):
        ids = [
            httpx.post(f"{url}/submissions", content=each, headers=headers).json()["id"]
            for each in bundles
        ]
        (worker,) = wait_for(lambda: workers_of(process.pid))
        process.kill()
        # What it had started does not go on behind the back of the next server.
        wait_for(lambda: not runs(worker))
    with Store.open(place) as store:
        assert store.entries() == []
    with served(place) as (_, url):

        def ended():
            found = [httpx.get(f"{url}/submissions/{id}.json").json() for id in ids]
            return all(each["state"] in END for each in found) and found

        first, second = wait_for(ended)
        assert (first["state"], second["state"]) == ("scored", "refused"), (first, second)
        again = httpx.post(f"{url}/submissions", content=bundles[0], headers=headers)
        assert again.json()["first"] == ids[0]
    with Store.open(place) as store:
        (entry,) = store.entries(every=True)
        assert entry.id == first["result"]
    assert not list((place / "incoming").glob("*.zip"))
