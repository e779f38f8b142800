"""A run to which everything happens that can: the harness of the chaos test and of its benchmark.

Everything that is killed was started here. Instants are drawn by how far the run has come, so that
a slow machine sees the same as a fast one.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from genomark.benchmarks import load_benchmark
from genomark.models import load_model
from genomark.runs import Settings, make_plan
from processes import alive

HERE = Path(__file__).parent
LOCAL, SERVED = "py:chaos_toy:local", "py:chaos_toy:served"
MOST_RESTARTS = 10
_KILLS = {
    "chaos-20": {"worker": 1, "server": 1, "run": 1},
    "chaos-200": {"worker": 3, "server": 3, "run": 5},
}

#: Loaded by Python itself in every process of the run: the n-th sync of them all fails.
_FAILING_DISK = """
import errno, os
from pathlib import Path

here = Path(__file__).parent
fsync = os.fsync

def failing(descriptor):
    with open(here / "syncs", "ab") as counter:
        counter.write(b".")
        counter.flush()
        number = counter.tell()
    if str(number) in (here / "bad-syncs").read_text().split():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    fsync(descriptor)

os.fsync = failing
"""


class Proxy:
    """Stands before a server and, of some answers, gives one half."""

    def __init__(self, port: int, cut: set[int]) -> None:
        self.target = 0
        self.cuts = 0
        self._cut = cut
        self._answers = 0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
                except OSError:
                    client.close()
                    continue
                for source, sink in ((client, server), (server, client)):
                    pair = (source, sink, source is server)
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, answering: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._answers += answering
                if answering and self._answers in self._cut:
                    self.cuts += 1
                    sink.sendall(data[: len(data) // 2])
                    break
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@dataclass
class Story:
    """What happened, and what came of it."""

    folder: Path
    port: int
    document: bytes = b""
    table: bytes = b""
    restarts: int = 0
    happened: list[str] = field(default_factory=list)
    #: Requests that were computed again though they had been completed.
    repeated: list[str] = field(default_factory=list)


class Chaos:
    """Runs one command until it succeeds.

    Parameters
    ----------
    folder : Path
        Empty.
    benchmark : str
        ``"chaos-20"`` or ``"chaos-200"``.
    seed : int or None
        Of what happens; None for nothing.
    port : int
        Of the server, as the run sees it; results are told apart by it. 0 for any that is free.
    """

    def __init__(self, folder: Path, benchmark: str, seed: int | None, port: int = 0) -> None:
        self.folder = folder
        self.benchmark = benchmark
        self.random = random.Random(seed)
        self.quiet = seed is None
        #: How often each may still be killed.
        self._left = dict(_KILLS[benchmark])
        self.requests = int(benchmark.rpartition("-")[2])
        draw, n = self.random.sample, self.requests
        cut, bad_syncs = draw(range(2, n // 2), n // 10), draw(range(5, 2 * n), 1 + n // 100)
        self.proxy = Proxy(port, set() if self.quiet else set(cut))
        self._write_plugin(set() if self.quiet else set(bad_syncs))
        self.story = Story(folder, self.proxy.port)

    def _write_plugin(self, bad_syncs: set[int]) -> None:
        """Make a folder in which Python finds benchmarks by name, and a disk that fails."""
        self.plugin = self.folder / "plugin"
        known = self.plugin / "chaos-1.dist-info"
        known.mkdir(parents=True)
        (known / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos\nVersion: 1\n")
        (known / "entry_points.txt").write_text(
            "[genomark.benchmarks]\nchaos-20 = chaos_toy:Chaos20\nchaos-200 = chaos_toy:Chaos200\n"
        )
        (self.plugin / "sitecustomize.py").write_text(_FAILING_DISK)
        (self.plugin / "bad-syncs").write_text(" ".join(map(str, sorted(bad_syncs))))
        path = f"{self.plugin}{os.pathsep}{HERE}"
        self.environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        # What a model is asked is counted.
        self.environment["GENOMARK_PREDICTION_CACHE"] = "off"

    def play(self) -> Story:
        """Run to the end, and tell."""
        with self._serving(), contextlib.closing(self.proxy):
            while self._run_once() != 0:
                self.story.restarts += 1
                assert self.story.restarts <= MOST_RESTARTS, self._told()
        self.story.document = (self.folder / "results.json").read_bytes()
        self.story.table = (self.folder / "table.txt").read_bytes()
        self.story.happened += [f"{self.proxy.cuts} answers cut"]
        return self.story

    @contextlib.contextmanager
    def _serving(self) -> Iterator[None]:
        self._start_server()
        try:
            yield
        finally:
            self._server.kill()
            self._server.wait()

    def _start_server(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.proxy.target = free.getsockname()[1]
        code = f"import genomark; genomark.serve({SERVED!r}, port={self.proxy.target})"
        self._server = subprocess.Popen(
            [sys.executable, "-c", code],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._server.stderr is not None
        assert b"Serving" in self._server.stderr.readline()

    def _run_once(self) -> int:
        before = self._recorded()
        asked = {name: len(self._asked(name)) for name in ("local", "served")}
        # Workers in every other run: a process costs more than a request.
        workers = 1 if self.quiet or self.story.restarts % 2 else 2
        command = [sys.executable, "-m", "genomark", "run", "-m", LOCAL, "-m", self.proxy.url]
        command += ["-b", self.benchmark, "--out", "out", "--json", "results.json"]
        with (self.folder / "table.txt").open("wb") as out, (self.folder / "log").open("ab") as log:
            run = subprocess.Popen(
                [*command, "--workers", str(workers)],
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=log,
            )
            try:
                if not self.quiet:
                    self._disturb(run, workers, len(before))
                code = run.wait(timeout=300)
            finally:
                self._end(run)
        self._check(before, asked)
        return code

    def _disturb(self, run: subprocess.Popen[bytes], workers: int, done: int) -> None:
        """Let things happen, each when some more requests are done, until the run has ended."""
        kinds = [
            kind
            for kind in ("worker", "server", "run")
            if self._left[kind] and (kind != "worker" or workers > 1)
        ]
        left = self.requests - done
        step = max(1, left // 3)
        for kind in kinds:
            done += self.random.randint(1, step)
            if done >= self.requests:
                break
            if not self._wait(run, done):
                return
            time.sleep(self.random.uniform(0, 0.05))
            self._kill(kind, run)

    def _wait(self, run: subprocess.Popen[bytes], done: int) -> bool:
        """Wait until so many requests are done; whether the run still runs."""
        shards = self.folder / "out" / "shards"
        while run.poll() is None:
            if len(list(shards.glob("*.parquet"))) >= done:
                return True
            time.sleep(0.01)
        return False

    def _kill(self, kind: str, run: subprocess.Popen[bytes]) -> None:
        self.story.happened.append(f"{kind} killed")
        self._left[kind] -= 1
        if kind == "run":
            run.send_signal(signal.SIGKILL)
        elif kind == "server":
            self._server.kill()
            self._server.wait()
            self._start_server()
        elif workers := _children(run.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(workers), signal.SIGKILL)

    def _end(self, run: subprocess.Popen[bytes]) -> None:
        """Wait until workers have noticed that their run is gone."""
        workers = _children(run.pid)
        run.kill()
        run.wait()
        end = time.monotonic() + 30
        while any(map(alive, workers)) and time.monotonic() < end:
            time.sleep(0.02)

    def _check(self, before: dict[str, bytes], asked: dict[str, int]) -> None:
        """Whether what had been completed was left alone: its rows, and its items."""
        after = self._recorded()
        self.story.repeated += [digest for digest in before if after.get(digest) != before[digest]]
        for name, items in self._items_by_digest().items():
            again = set(self._asked(name)[asked[name] :])
            self.story.repeated += [each for each in before if again & items.get(each, set())]

    def _items_by_digest(self) -> dict[str, dict[str, set[str]]]:
        """Sequences of each request, by who is asked and by digest."""
        if not hasattr(self, "_items"):
            benchmark = load_benchmark(self.benchmark)
            models = [(spec, load_model(spec)) for spec in (LOCAL, self.proxy.url)]
            plan = make_plan(models, [(self.benchmark, benchmark)], Settings())
            parts = list(benchmark.parts())
            self._items = {
                name: {
                    shard.digest: set(part["sequence"])
                    for shard, part in zip(evaluation.shards, parts, strict=True)
                }
                for name, evaluation in zip(("local", "served"), plan.evaluations, strict=True)
            }
        return self._items

    def _recorded(self) -> dict[str, bytes]:
        """Rows of the journal that say that a request was completed."""
        path = self.folder / "out" / "journal.sqlite"
        if not path.exists():
            return {}
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as database:
            tables = database.execute("select name from sqlite_master").fetchall()
            if ("shards",) not in tables:
                return {}
            rows = database.execute("select digest, outcome from shards").fetchall()
        return {digest: row for digest, row in rows if msgspec.msgpack.decode(row)["file_digest"]}

    def _asked(self, name: str) -> list[str]:
        log = self.plugin / f"{name}.log"
        return log.read_text().splitlines() if log.exists() else []

    def _told(self) -> str:
        return f"{self.story.happened}\n{(self.folder / 'log').read_text()[-3000:]}"


def _children(pid: int) -> list[int]:
    """Worker processes of a run: its children that compute for a pool."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid and b"popen_loky" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found


def without_times(document: bytes) -> dict:
    """Give a document of results without what each run has of its own."""
    found = json.loads(document)
    for result in found["results"]:
        for key in ("started", "finished", "cost"):
            del result[key]
    return found


def differences(story: Story, quiet: Story) -> list[str]:
    """Name what is not as in a run that nothing happened to."""
    found = [f"{each} computed again" for each in story.repeated]
    if story.table != quiet.table:
        found.append("the table")
    if without_times(story.document) != without_times(quiet.document):
        found.append("the results")
    for kind in ("shards", "predictions"):
        files = [
            {file.name: file.read_bytes() for file in (each.folder / "out" / kind).iterdir()}
            for each in (story, quiet)
        ]
        if files[0] != files[1]:
            found.append(f"the files in {kind}")
    return found
