"""A store of made-up results, quickly: many models on many benchmarks, with paired replicates.

usage: python tests/leaderboard/synthetic_board.py FOLDER
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from genomark.benchmarks import SUITES
from genomark.results.store import Replicates, Store
from genomark.results.store.database import raised
from genomark.results.store.entry import packed, told
from genomark.results.store.evidence import to_row
from genomark.results.store.files import sha256
from genomark.results.store.tables import documents, replicates, results
from genomark.scoring import (
    BenchmarkIdentity,
    Cost,
    Coverage,
    MetricRow,
    ModelIdentity,
    Result,
)

REPLICATES = 1000
METHOD = "percentile bootstrap"
METRICS = ("accuracy", "mcc", "auroc", "mse", "spearman")
CONTROLS = ("control:random", "control:oracle")
ADDED = "2026-01-02T03:04:05.678+00:00"


def benchmark_ids(count: int) -> list[str]:
    """Ids of suites, and two that nobody knows."""
    known = [*SUITES["quickstart"], *SUITES["gue"], *SUITES["beacon"], *SUITES["pgb"]]
    return [*known[: count - 2], "strange/one", "Strange <b>two</b>"][:count]


def model_names(count: int) -> list[tuple[str, str]]:
    """Owners and ids: every tenth is somebody else's, with a name that needs care."""
    made = []
    for number in range(count - len(CONTROLS)):
        stranger = number % 10 == 9
        made.append(("alice" if stranger else "", f"Model {number}" if stranger else f"m{number}"))
    return [*made, *(("", name) for name in CONTROLS)]


def made_result(benchmark: str, metric: str, model: str, value: float | None, **more) -> Result:
    """A document with one row that ranks, and one beside it."""
    interval = more.pop("interval", None)
    n = more.pop("n", 300)
    rows = [
        MetricRow(metric, None, value, None if value is not None else "constant", interval,
                  METHOD, n, n),
        MetricRow("pearson", None, 0.5, None, (0.4, 0.6), METHOD, n, n),
    ]  # fmt: skip
    fields = {
        "schema_version": "1.0",
        "benchmark": BenchmarkIdentity(
            benchmark,
            more.pop("version", "1"),
            more.pop("digest", "d" * 32),
            more.pop("title", f"Benchmark {benchmark}"),
        ),
        "model": ModelIdentity(model, more.pop("model_version", "1"), "e" * 32, ["made up"]),
        "metrics": rows,
        "coverage": Coverage(n, n, []),
        "seed": 0,
        "settings": {"headline": [metric, "pearson"], **more.pop("settings", {})},
        "environment": {"python": "3.12"},
        "cost": Cost(12.5, 11.5, 10**9, 0, 0),
        "predictions_digest": "f" * 32,
        "started": ADDED,
        "finished": ADDED,
    }
    return Result(**(fields | more))


def synthetic_board(
    folder: Path,
    models: int = 100,
    benchmarks: int = 50,
    items: int = 300,
    with_items: int = 3,
    seed: int = 0,
    named: Sequence[str] = (),
) -> Path:
    """Make the store; of the first `with_items` benchmarks single items can be looked at.

    Benchmarks may be named, instead of counted.
    """
    random = np.random.default_rng(seed)
    names = model_names(models)
    skill = random.uniform(0.55, 0.8, len(names))
    with Store.open(folder) as store, store.database.writing() as connection:
        for place, benchmark in enumerate(named or benchmark_ids(benchmarks)):
            metric = METRICS[place % len(METRICS)]
            rows = [
                each
                for each in _column(random, names, skill, benchmark, metric, items)
                if random.uniform() > 0.03
            ]
            for owner, result, drawn, correct in rows:
                row = told(result, owner)
                verified = drawn is not None
                published = "source" in result.settings
                row |= {
                    "number": raised(connection),
                    "added": ADDED,
                    "standing": "published"
                    if published
                    else "verified"
                    if verified
                    else "self-reported",
                    "reason": None if verified else "its data are not at hand",
                    "predictions": None,
                    "items": _kept(folder, correct) if verified and place < with_items else None,
                }
                connection.execute(results.insert(), row)
                connection.execute(
                    documents.insert(), {"result_id": row["id"], "document": packed(result)}
                )
                if drawn is not None:
                    connection.execute(
                        replicates.insert(), {"result_id": row["id"], **to_row(drawn)}
                    )
    return folder


def _column(random, names, skill, benchmark, metric, items) -> Iterator[tuple]:
    """Each model's share of right answers (or, of mse, of wrong ones), drawn in pairs."""
    hard = random.uniform(-0.05, 0.15)
    difficulty = random.normal(0, 0.15, items)
    chance = np.clip(skill[:, np.newaxis] - hard - difficulty, 0.02, 0.98)
    correct = (random.uniform(size=chance.shape) < chance).astype(float)
    correct[-2], correct[-1] = random.uniform(size=items) < 0.5, 1.0
    if metric == "mse":
        correct = 1 - correct
    counts = random.multinomial(items, np.full(items, 1 / items), REPLICATES)
    drawn = correct @ counts.T / items
    values = correct.mean(axis=1)
    everything = np.ones(items, dtype=bool)
    for place, (owner, name) in enumerate(names):
        low, high = np.quantile(drawn[place], [0.025, 0.975])
        kind = random.uniform() if name not in CONTROLS else 1.0
        more = {"settings": {"source": "a paper"}} if kind < 0.02 else {}
        result = made_result(
            benchmark, metric, name, float(values[place]), interval=(float(low), float(high)),
            n=items, **more,
        )  # fmt: skip
        told_of = Replicates(METHOD, items, everything, drawn[place])
        yield owner, result, None if kind < 0.1 else told_of, correct[place]


def _kept(folder: Path, correct: np.ndarray) -> str:
    """Keep items as the store does, without syncing each of thousands of files."""
    n = len(correct)
    table = pl.DataFrame(
        {
            "item_id": [f"item {number}" for number in range(n)],
            "group": [""] * n,
            "truth": np.ones(n),
            "value": correct + np.arange(n) / 1000,
            "said": pl.Series([None] * n, dtype=pl.String),
            "answered": [True] * n,
        }
    )
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    digest = sha256(buffer.getvalue())
    path = folder / "items" / digest[:2] / f"{digest}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return digest


if __name__ == "__main__":
    print(synthetic_board(Path(sys.argv[1])))  # noqa: T201
