"""Results a second into a store from four processes at once, and 5,000 of them out of it.

The peer of writing is the least one can do: sqlite3 of Python, one insert and one commit a result,
the same bytes, the same pragmas (WAL, synchronous full), the same four processes. The store checks
a result, looks whether it is there, raises the generation and writes a row, a document and
replicates in one transaction. Rounds take turns, and the best of each counts, as other work on the
machine only adds. The peer of reading is sqlite3 handing out the same 5,000 rows as tuples; both in
seconds of the processor.

The exit status is 1 if the store keeps fewer than a quarter as many results a second as bare
inserts, or takes more than 2.5 times as long to read. FOLDER says on which disk; a folder in the
system's place for temporary files, if left out.

usage: python benchmarks/store.py [FOLDER]
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from genomark.results.reported import (
    reported_benchmark,
    reported_model,
    reported_result,
    reported_row,
)
from genomark.results.store import Evidence, Replicates, Store
from genomark.results.store.entry import ENTRY_FIELDS, packed
from genomark.results.store.tables import results as table
from genomark.scoring import Result

PROCESSES, EACH, ROUNDS, ROWS = 4, 250, 3, 5_000
LEAST_SHARE, MOST_READING = 1 / 4, 2.5
REPLICATES, ITEMS = 1000, 5_000


def result_of(number: int) -> Result:
    """A result with forty rows, as one on several cell types has."""
    made = reported_result(
        reported_benchmark(f"task {number % 20}", "A task", ["task"]),
        reported_model(f"model {number}", ["model", str(number)], []),
        [reported_row("auroc", number / 1e6, "a method", group=None)]
        + [reported_row("auroc", k / 40, "a method", group=f"cell type {k}") for k in range(39)],
        headline=["auroc"],
        source="bench",
        content=str(number),
        settings={},
    )
    return msgspec.structs.replace(made, started=uuid.uuid4().hex)


def evidence_of(number: int) -> Evidence:
    rng = np.random.default_rng(number)
    return Evidence(Replicates("m", 7, rng.random(ITEMS) < 0.9, rng.normal(size=REPLICATES)))


def write_store(folder: Path, given: list[tuple[Result, Evidence]]) -> None:
    with Store.open(folder) as store:
        for result, evidence in given:
            store.add(result, evidence=evidence)


def write_bare(folder: Path, given: list[tuple[Result, Evidence]]) -> None:
    database = sqlite3.connect(folder / "bare.sqlite", timeout=60, isolation_level=None)
    database.execute("pragma synchronous=full")
    for result, evidence in given:
        drawn = evidence.replicates.drawn.tobytes()  # type: ignore[union-attr]
        database.execute("begin immediate")
        database.execute(
            "insert into results values (?, ?, ?)", (uuid.uuid4().hex, packed(result), drawn)
        )
        database.execute("commit")
    database.close()


def writer(write: Callable[..., None], folder: Path, first: int, ready: Any, pipe: Any) -> None:
    given = [(result_of(first + k), evidence_of(first + k)) for k in range(EACH)]
    ready.wait()
    began = time.monotonic()
    write(folder, given)
    pipe.send((began, time.monotonic()))


def rate(write: Callable[..., None], folder: Path) -> float:
    """Results a second of all processes, from the first start to the last end."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES)
    pipes, started = [], []
    for number in range(PROCESSES):
        here, there = context.Pipe()
        process = context.Process(target=writer, args=(write, folder, number * EACH, ready, there))
        process.start()
        pipes.append(here)
        started.append(process)
    times = [pipe.recv() for pipe in pipes]
    for process in started:
        process.join()
    return PROCESSES * EACH / (max(end for _, end in times) - min(start for start, _ in times))


def rates(base: Path) -> tuple[float, float]:
    """Best rates of the store and of bare inserts."""
    best = {write_store: 0.0, write_bare: 0.0}
    for number in range(ROUNDS):
        for write in best:
            folder = base / f"{write.__name__}-{number}"
            folder.mkdir()
            Store.open(folder).close()
            database = sqlite3.connect(folder / "bare.sqlite")
            database.execute("pragma journal_mode=wal")
            database.execute(
                "create table results (id text primary key, document blob, drawn blob)"
            )
            database.close()
            found = rate(write, folder)
            print(f"  {write.__name__:12} {found:8,.0f} a second")
            best[write] = max(best[write], found)
    return best[write_store], best[write_bare]


def reading(base: Path) -> tuple[float, float]:
    """Best CPU seconds of the store and of sqlite3 for the same rows."""
    with Store.open(base / "many") as store:
        like = store.entry(store.add(result_of(0)))
        row = {name: getattr(like, name) for name in ENTRY_FIELDS}
        rows = [{**row, "id": f"{n:032x}", "number": n} for n in range(2, ROWS + 1)]
        with store.database.writing() as connection:
            connection.execute(sa.insert(table), rows)
        plain = sqlite3.connect(base / "many" / "store.sqlite")
        asked = f"select {', '.join(ENTRY_FIELDS)} from results"
        found = cpu(lambda: store.entries(every=True)), cpu(lambda: plain.execute(asked).fetchall())
        plain.close()
    return found


def cpu(work: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(15):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def main() -> int:
    place = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        kept, bare = rates(Path(folder))
        read, plain = reading(Path(folder))
    share, times = kept / bare, read / plain
    print(f"writing: store {kept:,.0f}, bare {bare:,.0f} results a second")
    print(f"  {share:.2f} of it (limit {LEAST_SHARE:.2f})")
    print(f"reading {ROWS:,} rows: store {1000 * read:.1f} ms, sqlite3 {1000 * plain:.1f} ms (CPU)")
    print(f"  {times:.2f} times as long (limit {MOST_READING})")
    return int(share < LEAST_SHARE or times > MOST_READING)


if __name__ == "__main__":
    sys.exit(main())
