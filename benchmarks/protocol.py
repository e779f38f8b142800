"""Seconds from building a request to arrays in the client, the model `cpg` behind HTTP.

- Tracks: 180 windows of 10 kb, 4 kb apart, from base 200,000 of a megabase of the human genome; a
  value a base, three tasks of different cell types, so that nothing is computed once for all.
- Points: 4,622 sequences of 230 bases.

The server is a process of its own on this machine. Ours is `RemotePredictor`, MsgPack both ways.
The peer is what one would write by hand, asking the same server: the json module of Python and
http.client, answers to lists and to arrays. Times are medians of several runs after a first.
The exit status is 1 if a number is not the peer's, or a median is over its limit.

usage: python benchmarks/protocol.py
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark import datasets
from genomark.errors import GenomarkError
from genomark.models.remote import RemotePredictor
from genomark.protocol import PredictionTask, PredictRequest, PredictResponse

RUNS = 7
WINDOWS, LENGTH, STRIDE, FROM = 180, 10_000, 4_000, 200_000
SEQUENCES, BASES = 4_622, 230
CELL_TYPES = ("K562", "HepG2", "WTC11")
TRACK_LIMIT, POINT_LIMIT = 0.6, 0.1

Answers = list[list[NDArray[np.float64]]]


def windows() -> dict[str, str]:
    """Windows of the human genome; random letters where it cannot be had."""
    sequence = from_file("hg38_1m", "hg38_1m.fa.gz") or random_letters(1_000_000)
    starts = range(FROM, FROM + WINDOWS * STRIDE, STRIDE)
    return {f"chr22:{at}-{at + LENGTH}": sequence[at : at + LENGTH] for at in starts}


def enhancers() -> dict[str, str]:
    """The first of each pair of the lentiMPRA example; random letters where it cannot be had."""
    try:
        text = datasets.path("lentimpra_sequences", "example.fasta", progress=False).read_text()
    except GenomarkError as error:
        print(f"random sequences: {error}")
        return {f"s{i}": random_letters(BASES, seed=i) for i in range(SEQUENCES)}
    records = [record.split("\n", 1) for record in text.split(">")[1:]]
    # A name stands before two sequences; of a dict the last stays.
    return {name: "".join(lines.split()) for name, lines in reversed(records)}


def from_file(dataset: str, file: str) -> str | None:
    try:
        path = datasets.path(dataset, file, progress=False)
    except GenomarkError as error:
        print(f"random sequence: {error}")
        return None
    lines = gzip.decompress(Path(path).read_bytes()).decode().splitlines()
    return "".join(line for line in lines if not line.startswith(">"))


def random_letters(length: int, seed: int = 0) -> str:
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    return bytes(np.random.default_rng(seed).choice(letters, length)).decode()


def tasks(cell_types: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"name": cell, "type": "accessibility", "cell_type": cell, "species": "homo_sapiens"}
        for cell in cell_types
    ]


@contextlib.contextmanager
def served() -> Iterator[str]:
    command = (sys.executable, "-c", "from genomark.cli import main; main()")
    words = ("serve", "model", "cpg", "--port", "0")
    with subprocess.Popen((*command, *words), stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            told = re.search(r"http://\S+", line)
            if told is None:
                raise SystemExit(f"the server did not start: {line}{server.stderr.read()}")
            yield told[0]
        finally:
            server.terminate()


def ours(model: RemotePredictor, readout: str, sequences: dict[str, str], cells: Any) -> Answers:
    asked = [PredictionTask(**task) for task in tasks(cells)]
    response: PredictResponse = model.predict(PredictRequest(readout, asked, sequences))
    return [list(task.predictions.values()) for task in response.prediction_tasks]


def by_hand(
    connection: http.client.HTTPConnection, readout: str, sequences: dict[str, str], cells: Any
) -> Answers:
    body = {"readout": readout, "prediction_tasks": tasks(cells), "sequences": sequences}
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    connection.request("POST", "/predict", json.dumps(body).encode(), headers)
    answer = json.loads(connection.getresponse().read())
    return [
        [np.array(value) for value in task["predictions"].values()]
        for task in answer["prediction_tasks"]
    ]


def seconds(function: Callable[[], object], runs: int) -> float:
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def same(one: Answers, other: Answers) -> bool:
    pairs = zip(one, other, strict=True)
    return all(
        np.array_equal(a, b) for first, second in pairs for a, b in zip(first, second, strict=True)
    )


def measure(
    address: str, readout: str, sequences: dict[str, str], cells: tuple[str, ...], limit: float
) -> bool:
    model = RemotePredictor(address)
    connection = http.client.HTTPConnection(urlparse(address).netloc)
    right = same(
        ours(model, readout, sequences, cells), by_hand(connection, readout, sequences, cells)
    )
    took = seconds(lambda: ours(model, readout, sequences, cells), RUNS)
    plain = seconds(lambda: by_hand(connection, readout, sequences, cells), 3)
    connection.close()
    bases = sum(map(len, sequences.values()))
    what = f"{len(sequences):,} sequences, {bases:,} bases, {len(cells)} x {readout}"
    print(
        f"{what:<50}{took:7.3f} s (limit {limit:g})  {plain / took:5.1f}x the json module "
        f"({plain:.3f} s)"
    )
    if not right:
        print("FAILED: a number is not the peer's")
    if took > limit:
        print(f"FAILED: over {limit:g} s")
    return right and took <= limit


def main() -> int:
    print(f"msgspec {msgspec.__version__}, NumPy {np.__version__}, medians of {RUNS} runs")
    long, short = windows(), enhancers()
    with served() as address:
        good = [
            measure(address, "track", long, CELL_TYPES, TRACK_LIMIT),
            measure(address, "point", short, CELL_TYPES[:1], POINT_LIMIT),
        ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
