"""Requests a second through the tensor format, against a Flask development server that speaks JSON.

- Tracks: 64 sequences of 196,608 nt in, 64 x 896 float32 out.
- Points: 1,000 sequences of 230 nt in, 1,000 numbers out.
- Uneven: the same of 200 to 260 nt, which has no bound.

Each request is for other sequences than the one before, as those of a run are.

Both servers are processes of their own on this machine, with a model that costs nothing: it gives
numbers that are there already. Ours is `serve_model`, asked by `RemotePredictor`. The peer is a
Flask development server, asked with `requests`; it answers the same, so it checks a request as GAME
1.0 has it (keys, tasks, letters, ranges) and names in its answer what was asked and what was
predicted. The letters are checked as is quickest in Python, by deleting those that are known.
Beside it stands the same peer that checks nothing, which is less than a Predictor may do, and our
server with a model that says it takes any sequence of strings (`takes_any`), as the built-in ones
do: a model that looks at no string then has none made. The bounds are those of a plain function.

Each number is the best of several rounds of requests that take turns, so that what else the machine
does meets all alike; "CPU" is the same ratio by processor seconds of client and server together.
The exit status is 1 if a number is not the peer's, or a ratio is under its bound.

usage: python benchmarks/wire.py [--peer | --ours | --any]
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_LONG, LONG, BINS, BIN_SIZE = 64, 196_608, 896, 128
N_SHORT, SHORT = 1_000, 230
#: The bins that are asked for lie in the middle.
RANGE = [(LONG - BINS * BIN_SIZE) // 2, (LONG + BINS * BIN_SIZE) // 2 - 1]
BOUNDS = {"track": 5.0, "point": 6.0}
ROUNDS, REQUESTS = 9, {"track": 4, "point": 60, "uneven": 60}
#: So many requests before the sequences of the first come again.
BATCHES = {"track": 2, "point": 8, "uneven": 8}
TASK = {"name": "t", "type": "accessibility", "cell_type": "K562", "species": "homo_sapiens"}

Arrays = Mapping[str, Any]
Batch = dict[str, str]


def values() -> dict[str, NDArray[np.float32]]:
    """What the model of either server answers."""
    random = np.random.default_rng(0)
    return {
        "track": random.random((N_LONG, LONG // BIN_SIZE), dtype=np.float32),
        "point": random.random(N_SHORT, dtype=np.float32),
    }


# --- the peer ---


def serve_peer() -> None:
    from flask import Flask, jsonify, request
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app, known = Flask("peer"), values()

    def answer(asked: dict[str, Any]) -> Any:
        if asked["readout"] == "track":
            first = RANGE[0] // BIN_SIZE
            rows = known["track"][:, first : first + BINS]
            found = {name: row.tolist() for name, row in zip(asked["sequences"], rows, strict=True)}
        else:
            found = dict(zip(asked["sequences"], known["point"].tolist(), strict=True))
        (task,) = asked["prediction_tasks"]
        told = {
            "name": task["name"],
            "type_requested": task["type"],
            "type_actual": ["NA"],
            "cell_type_requested": task["cell_type"],
            "cell_type_actual": "NA",
            "species_requested": task["species"],
            "species_actual": "NA",
            "scale_prediction_requested": None,
            "scale_prediction_actual": "linear",
            "predictions": found,
        }
        return jsonify({"predictor_name": "peer", "prediction_tasks": [told]})

    @app.post("/predict")
    def predict() -> Any:
        asked = request.get_json()
        if faults := faults_of(asked):
            return jsonify({"error": faults}), 400
        return answer(asked)

    @app.post("/unchecked")
    def unchecked() -> Any:
        return answer(request.get_json())

    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()


def faults_of(asked: dict[str, Any]) -> list[str]:
    """Check a request as GAME 1.0 has it, sections 2.1 to 2.4."""
    faults = [
        f"{key} is missing"
        for key in ("readout", "prediction_tasks", "sequences")
        if key not in asked
    ]
    faults += [
        f"{key} is missing"
        for task in asked["prediction_tasks"]
        for key in ("name", "type", "cell_type", "species")
        if not isinstance(task.get(key), str)
    ]
    ranges = asked.get("prediction_ranges", {})
    for name, sequence in asked["sequences"].items():
        if not isinstance(sequence, str) or not sequence:
            faults.append(f"sequence {name} is empty")
        elif sequence.encode().translate(None, b"ACGTNacgtn"):
            faults.append(f"sequence {name} has strange letters")
        elif name in ranges and not 0 <= ranges[name][0] <= ranges[name][1] < len(sequence):
            faults.append(f"range of {name} is out of bounds")
    return faults


# --- ours ---


def serve_ours(*, takes_any: bool) -> None:
    from genomark.models.sequence_function import Readout, SequencePredictor
    from genomark.scoring import ModelIdentity
    from genomark.serving import serve_model

    known = values()
    model = SequencePredictor(
        ModelIdentity("free", "1", "0" * 32),
        "free",
        {
            "point": Readout(
                lambda sequences: known["point"][: len(sequences)], "linear", takes_any=takes_any
            ),
            "track": Readout(lambda sequences: known["track"][: len(sequences)], "linear"),
        },
        bin_size=BIN_SIZE,
        never_waits=True,
    )
    serve_model(model, port=0)


# --- both ---


@contextlib.contextmanager
def served(which: str) -> Iterator[tuple[str, int]]:
    command = (sys.executable, __file__, which)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            told = re.search(r"http://\S+", line)
            if told is None:
                raise SystemExit(f"the server did not start: {line}{server.stderr.read()}")
            yield told[0], server.pid
        finally:
            server.terminate()


def questions() -> dict[str, list[Batch]]:
    random, letters = np.random.default_rng(1), np.frombuffer(b"ACGT", dtype=np.uint8)

    def some(n: int, shortest: int, longest: int) -> Batch:
        sizes = random.integers(shortest, longest, n, endpoint=True)
        return {
            f"chr1:{i}": bytes(random.choice(letters, size)).decode()
            for i, size in enumerate(sizes)
        }

    shapes = {
        "track": (N_LONG, LONG, LONG),
        "point": (N_SHORT, SHORT, SHORT),
        "uneven": (N_SHORT, SHORT - 30, SHORT + 30),
    }
    return {name: [some(*shape) for _ in range(BATCHES[name])] for name, shape in shapes.items()}


def asking_peer(url: str, readout: str) -> Callable[[Batch], Arrays]:
    import requests

    session = requests.Session()

    def ask(sequences: Batch) -> Arrays:
        body: dict[str, Any] = {
            "readout": readout,
            "prediction_tasks": [TASK],
            "sequences": sequences,
        }
        if readout == "track":
            body["prediction_ranges"] = dict.fromkeys(sequences, RANGE)
        answer = session.post(url, json=body).json()
        found: Arrays = answer["prediction_tasks"][0]["predictions"]
        if readout == "track":
            return {name: np.array(row, dtype=np.float32) for name, row in found.items()}
        return found

    return ask


def asking_ours(url: str, readout: str) -> Callable[[Batch], Arrays]:
    from genomark.models.remote import RemotePredictor
    from genomark.protocol import PredictionTask, PredictRequest

    model = RemotePredictor(url)

    def ask(sequences: Batch) -> Arrays:
        request = PredictRequest(readout, [PredictionTask(**TASK)], sequences)
        if readout == "track":
            request.prediction_ranges = dict.fromkeys(sequences, RANGE)
        return model.predict(request).prediction_tasks[0].predictions

    return ask


def cpu_seconds(pid: int) -> float:
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, numbers[11:13])) / os.sysconf("SC_CLK_TCK")


def measure(
    ways: dict[str, tuple[Callable[[Batch], Arrays], int]], batches: list[Batch], n: int
) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of a request, by way; the ways take turns."""
    walls: dict[str, list[float]] = {name: [] for name in ways}
    cpu = dict.fromkeys(ways, 0.0)
    for ask, _ in ways.values():
        for batch in batches:
            ask(batch)
    for _ in range(ROUNDS):
        for name, (ask, pid) in ways.items():
            cpu[name] -= cpu_seconds(pid) + time.process_time()
            begun = time.perf_counter()
            for batch in itertools.islice(itertools.cycle(batches), n):
                ask(batch)
            walls[name].append((time.perf_counter() - begun) / n)
            cpu[name] += cpu_seconds(pid) + time.process_time()
    return {name: (min(walls[name]), cpu[name] / n / ROUNDS) for name in ways}


def same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name]) for name in one
    )


def told(name: str, batch: Batch, found: dict[str, tuple[float, float]]) -> bool:
    """Print what was measured; False if a bound is not reached."""
    first, first_cpu = found["genomark"]
    print(f"{name}: {len(batch):,} sequences, {sum(map(len, batch.values())):,} nt")
    for way, (wall, cpu) in found.items():
        print(
            f"  {way:<14}{1 / wall:8.1f} requests/s  {1e3 * cpu:7.2f} ms CPU each"
            f"  {wall / first:6.1f}x  ({cpu / first_cpu:.1f}x by CPU)"
        )
    bound = BOUNDS.get(name, 0.0)
    if found["Flask, JSON"][0] / first < bound:
        print(f"FAILED: under {bound:g}x the peer")
        return False
    return True


def main() -> int:
    good = True
    with (
        served("--peer") as (peer, peer_pid),
        served("--ours") as (ours, ours_pid),
        served("--any") as (takes_any, any_pid),
    ):
        for name, batches in questions().items():
            readout = "track" if name == "track" else "point"
            ways = {
                "genomark": (asking_ours(ours, readout), ours_pid),
                "takes any": (asking_ours(takes_any, readout), any_pid),
                "Flask, JSON": (asking_peer(f"{peer}/predict", readout), peer_pid),
                "no checks": (asking_peer(f"{peer}/unchecked", readout), peer_pid),
            }
            for batch in batches:
                if not same(ways["genomark"][0](batch), ways["Flask, JSON"][0](batch)):
                    print("FAILED: a number is not the peer's")
                    good = False
            found = measure(ways, batches, REQUESTS[name])
            good &= told(name, batches[0], found)
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--peer"]:
        serve_peer()
    elif sys.argv[1:] in (["--ours"], ["--any"]):
        serve_ours(takes_any=sys.argv[1] == "--any")
    else:
        sys.exit(main())
