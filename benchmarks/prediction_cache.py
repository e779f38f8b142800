"""The prediction cache: seconds and bytes an answer, beside a row an answer in SQLite.

- Points: 102,400 sequences of 200 bases in requests of 4,096, of a model that says nothing depends
  on the batch: kept, asked for again as they were, and asked for by another process in another
  order, so that each request finds its answers in all files.
- Tracks: 1,024 of 896 float64, in requests of 64.

The peer is the cache one would write by hand: a table of SQLite (WAL), a row an answer, its key the
SHA-256 of model, task and sequence in hexadecimal, its value JSON for points and bytes for tracks,
one transaction a request. It checks nothing that it reads. Times are CPU seconds of this process,
the model's own taken out. The exit status is 1 if an answer is not the model's, if finding points
is not one and a half times as quick as the peer, keeping them takes more than twice as long, or
answers take more bytes than the peer's.

usage: python benchmarks/prediction_cache.py
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomark.models import cached_predictor
from genomark.models.cached_predictor import CachedPredictor
from genomark.models.prediction_cache import PredictionCache
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ModelIdentity

POINTS, BASES, REQUEST = 102_400, 200, 4_096
TRACKS, BINS, TRACKS_REQUEST = 1_024, 896, 64
TASK = PredictionTask("t", "expression", "K562", "homo_sapiens", "log")
FIND_AT_LEAST, KEEP_AT_LEAST = 1.5, 0.5

Floats = NDArray[np.floating]


class Model:
    """Answers that are looked up, so that asking costs next to nothing; and its CPU seconds."""

    def __init__(self, answers: dict[str, Floats | float]) -> None:
        self.seconds = 0.0
        self._answers = answers

    def __call__(self, sequences: list[str]) -> list[Floats | float]:
        return [self._answers[sequence] for sequence in sequences]

    def predictor(self) -> SequencePredictor:
        readout = Readout(self, "log")
        identity = ModelIdentity(id="looked-up", version="1", digest="0" * 32)
        return SequencePredictor(
            identity,
            "looked-up",
            {"point": readout, "track": readout},
            batch_invariant=True,
        )


class Rows:
    """The peer."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("pragma journal_mode=wal")
        self._database.execute("pragma synchronous=normal")
        self._database.execute("create table if not exists kept (key text primary key, value blob)")

    def keep(self, sequences: list[str], answers: list[Floats | float]) -> None:
        rows = [(self._key(s), self._written(a)) for s, a in zip(sequences, answers, strict=True)]
        self._database.execute("begin")
        self._database.executemany("insert or replace into kept values (?, ?)", rows)
        self._database.execute("commit")

    def find(self, sequences: list[str]) -> list[Floats | float]:
        query = "select value from kept where key = ?"
        found = (self._database.execute(query, (self._key(each),)).fetchone() for each in sequences)
        return [self._read(row[0]) for row in found]

    def _key(self, sequence: str) -> str:
        return hashlib.sha256(f"looked-up {TASK} {sequence}".encode()).hexdigest()

    def _written(self, answer: Floats | float) -> str | bytes:
        return json.dumps(answer) if isinstance(answer, float) else answer.tobytes()

    def _read(self, value: str | bytes) -> Floats | float:
        return json.loads(value) if isinstance(value, str) else np.frombuffer(value)


def sequences(count: int, bases: int) -> list[str]:
    letters = np.frombuffer(b"ACGT", np.uint8)
    chosen = letters[np.random.default_rng(0).integers(0, 4, (count, bases))]
    return [row.tobytes().decode() for row in chosen]


def lots(asked: list[str], size: int) -> Iterator[list[str]]:
    yield from (asked[at : at + size] for at in range(0, len(asked), size))


def ours(
    readout: str, asked: list[str], size: int, answers: dict[str, Floats | float], folder: Path
) -> tuple[float, bool]:
    """CPU seconds without the model's, and whether all answers are right."""
    spent, right = 0.0, True
    model = Model(answers).predictor()
    behind = CachedPredictor(model, PredictionCache(folder, 10**10))
    for lot in lots(asked, size):
        request = PredictRequest(readout, [TASK], {f"s{n}": each for n, each in enumerate(lot)})
        misses = behind.misses
        start = time.process_time()
        got = behind.predict(request).prediction_tasks[0].predictions
        spent += time.process_time() - start
        if behind.misses > misses:
            start = time.process_time()
            model.predict(request)
            spent -= time.process_time() - start
        right = right and all(
            np.array_equal(value, answers[each])
            for value, each in zip(got.values(), lot, strict=True)
        )
    return spent, right


def theirs(
    asked: list[str], size: int, answers: dict[str, Floats | float], path: Path, *, find: bool
) -> float:
    rows = Rows(path)
    start = time.process_time()
    for lot in lots(asked, size):
        if find:
            rows.find(lot)
        else:
            rows.keep(lot, [answers[each] for each in lot])
    return time.process_time() - start


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(
    readout: str, asked: list[str], size: int, answers: dict[str, Floats | float], place: Path
) -> bool:
    mine, peer = place / "ours", place / "peer"
    peer.mkdir(parents=True)
    shuffled = [asked[n] for n in np.random.default_rng(1).permutation(len(asked))]
    database = peer / "rows.sqlite"
    results, right = {}, True
    for name, order in (("kept", asked), ("found", asked), ("found mixed", shuffled)):
        here, same = ours(readout, order, size, answers, mine)
        there = theirs(order, size, answers, database, find=name != "kept")
        right = right and same
        results[name] = here * 1e6 / len(asked), there * 1e6 / len(asked)
    for name, (here, there) in results.items():
        print(
            f"{readout:<6}{name:<12}{here:8.2f} us an answer   peer {there:8.2f} us   "
            f"x{there / here:5.2f}"
        )
    bytes_here, bytes_there = size_of(mine) / len(asked), size_of(peer) / len(asked)
    print(
        f"{readout:<6}{'bytes':<12}{bytes_here:8.1f} an answer      peer {bytes_there:8.1f}      "
        f"x{bytes_there / bytes_here:5.2f}"
    )
    right = right and bytes_here < bytes_there
    if readout == "track":
        return right
    ratios = {name: there / here for name, (here, there) in results.items()}
    found = min(ratios["found"], ratios["found mixed"])
    return right and found >= FIND_AT_LEAST and ratios["kept"] >= KEEP_AT_LEAST


def main() -> int:
    # What costs nothing would not be kept.
    cached_predictor.WORTH = 0.0
    random = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as name:
        asked = sequences(POINTS, BASES)
        points: dict[str, Floats | float] = dict(
            zip(asked, random.normal(size=POINTS).tolist(), strict=True)
        )
        good = measure("point", asked, REQUEST, points, Path(name, "points"))
        tracks: dict[str, Floats | float] = {
            each: random.normal(size=BINS) for each in sequences(TRACKS, BINS)
        }
        good &= measure("track", list(tracks), TRACKS_REQUEST, tracks, Path(name, "tracks"))
    if not good:
        print("FAILED: a bound does not hold, or an answer is not the model's")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
