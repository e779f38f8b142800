"""Requests per second of `genomark serve model` with and without what it does to have more.

Servers and clients are processes of their own; the models are those below, of which the first
takes 5 ms a call and 10 us a sequence, whatever else the machine does.

- 32 clients with small requests, computed one by one and computed together;
- one client alone, who must not wait for company;
- the same request again and again, from the cache and computed anew;
- a model that keeps Python's lock, and one that needs a core for itself, in one process and in two.

Peers are the same server with that option off, in the same run, turn by turn. The exit status is 1
if a ratio is out of its bound, or an answer is not that of the model.

usage: python benchmarks/serving.py
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import numpy as np

CLIENTS, SECONDS, ROUNDS, LONE = 32, 1.0, 5, 200
SEQUENCES, LENGTH = 8, 230
CALL_SECONDS, SEQUENCE_SECONDS, BUSY_SECONDS = 5e-3, 10e-6, 10e-3

TASK = {"name": "t", "type": "accessibility", "cell_type": "K562", "species": "homo_sapiens"}
MSGPACK = {"Content-Type": "application/msgpack", "Accept": "application/msgpack"}


def values(sequences: list[str]) -> list[float]:
    return [each.count("G") + each.count("C") / 7 for each in sequences]


def waiting(sequences: list[str]) -> list[float]:
    """A model on an accelerator: a call has its price, a sequence a little one."""
    time.sleep(CALL_SECONDS + SEQUENCE_SECONDS * len(sequences))
    return values(sequences)


def locking(sequences: list[str]) -> list[float]:
    """A model that lets no other thread of its process run, and needs no core."""
    ctypes.PyDLL(None).usleep(int(BUSY_SECONDS * 1e6))
    return values(sequences)


def busy(sequences: list[str]) -> list[float]:
    """A model that keeps a core to itself."""
    end = time.process_time() + BUSY_SECONDS
    while time.process_time() < end:
        pass
    return values(sequences)


def bodies(count: int, seed: int) -> list[tuple[bytes, list[float]]]:
    random = np.random.default_rng(seed)
    letters = random.choice(np.frombuffer(b"ACGT", dtype=np.uint8), (count, SEQUENCES, LENGTH))
    made = []
    for each in letters:
        sequences = [row.tobytes().decode() for row in each]
        # All clients call their sequences alike.
        named = {f"s{number}": sequence for number, sequence in enumerate(sequences)}
        body = {"readout": "point", "prediction_tasks": [TASK], "sequences": named}
        made.append((msgspec.msgpack.encode(body), values(sequences)))
    return made


@contextlib.contextmanager
def server(model: str, *options: str) -> Iterator[str]:
    spec = f"py:{Path(__file__).resolve()}:{model}"
    command = [sys.executable, "-m", "genomark", "serve", "model", spec, "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = process.stderr.readline()
            address = re.search(r" at (http://127\.0\.0\.1:\d+) ", told)
            assert address, told
            yield address[1]
        finally:
            process.terminate()


class Clients:
    """Counts requests, and the answers that are not the model's."""

    def __init__(self) -> None:
        self.wrong = 0

    async def ask(self, session: aiohttp.ClientSession, url: str, body: bytes, right: Any) -> None:
        async with session.post(f"{url}/predict", data=body, headers=MSGPACK) as answer:
            read = msgspec.msgpack.decode(await answer.read())
        found = read.get("prediction_tasks", [{}])[0].get("predictions", {})
        self.wrong += list(found.values()) != right

    async def rate(self, url: str, clients: int, seed: int) -> float:
        """Requests per second of so many clients, each of which waits for its answer."""
        done = 0

        async def client(number: int) -> None:
            nonlocal done
            for body, right in itertools.cycle(made[number]):
                if time.perf_counter() > end:
                    return
                await self.ask(session, url, body, right)
                done += 1

        made = [bodies(50, 1_000 * seed + number) for number in range(clients)]
        async with aiohttp.ClientSession() as session:
            begun = time.perf_counter()
            end = begun + SECONDS
            await asyncio.gather(*map(client, range(clients)))
            return done / (time.perf_counter() - begun)

    async def latencies(self, urls: list[str], asked: list[tuple[bytes, Any]]) -> list[float]:
        """Median seconds of one client alone, who asks one server after the other."""
        times: list[list[float]] = [[] for _ in urls]
        async with aiohttp.ClientSession() as session:
            for body, right in asked:
                for url, taken in zip(urls, times, strict=True):
                    begun = time.perf_counter()
                    await self.ask(session, url, body, right)
                    taken.append(time.perf_counter() - begun)
        return [statistics.median(each) for each in times]


class Report:
    """Prints ratios, and whether one is out of its bound."""

    failed = False

    def rates(self, name: str, bound: float, one: float, other: float) -> None:
        self._told(name, other / one, bound, f"{one:.0f} -> {other:.0f} requests/s")

    def latencies(self, name: str, bound: float, one: float, other: float) -> None:
        self._told(name, one / other, bound, f"{one * 1e3:.2f} -> {other * 1e3:.2f} ms")

    def _told(self, name: str, ratio: float, bound: float, figures: str) -> None:
        self.failed = self.failed or ratio < bound
        print(f"{name:44s} {ratio:6.2f}x (at least {bound:g}x)  {figures}", flush=True)


def compared(clients: Clients, count: int, *urls: str) -> list[float]:
    """Requests per second of each server, turn by turn; medians."""
    rates = [
        [asyncio.run(clients.rate(url, count, seed)) for url in urls] for seed in range(ROUNDS)
    ]
    return [statistics.median(each) for each in zip(*rates, strict=True)]


def main() -> int:
    clients, report = Clients(), Report()
    plain = ("--concurrent", "1", "--cache-mb", "0", "--queue", str(CLIENTS))
    with (
        server("waiting", *plain, "--batching", "off") as apart,
        server("waiting", *plain, "--batching", "on") as together,
        server("waiting", "--concurrent", "1", "--batching", "on") as keeping,
    ):
        report.rates(
            f"{CLIENTS} clients, together", 2.0, *compared(clients, CLIENTS, apart, together)
        )
        lone = asyncio.run(clients.latencies([apart, together], bodies(LONE, 0)))
        report.latencies("one client, who may not wait", 0.8, *lone)
        kept = asyncio.run(clients.latencies([together, keeping], bodies(1, 0) * LONE))
        report.latencies("one request again and again, from the cache", 2.0, *kept)
    for model, what, bound in (
        ("locking", "a model that keeps Python's lock, in two", 1.4),
        # No more than no worse: whether there is a second core to be had is not known here.
        ("busy", "a model of a whole core, in two processes", 0.8),
    ):
        off = (model, "--batching", "off", "--replicas")
        with server(*off, "1") as single, server(*off, "2") as double:
            time.sleep(2.0)  # The second process of two may come up later than the first.
            report.rates(what, bound, *compared(clients, 4, single, double))
    print(f"answers that are not the model's: {clients.wrong}")
    return int(report.failed or clients.wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
