"""The two records everything ends in: `Result` (JSON) and `Predictions` (parquet).

A Result says how good one model is on one benchmark and how that was found out. Predictions hold
one row per item, so that every number in a Result can be computed again.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from genomark.digests import digest_of_bytes

SCHEMA_VERSION = "1.0"


class MetricRow(msgspec.Struct, frozen=True):
    """One number: what it is, its interval, and what it rests on.

    `value` is null where the metric is undefined, and `reason_if_null` then says why. `group` names
    the experiment, cell type or fold; a mean over groups has ``group = null`` and a name that
    begins with ``mean_``.
    """

    name: str
    group: str | None
    value: float | None
    reason_if_null: str | None
    interval: tuple[float, float] | None
    method: str
    n: int
    n_clusters: int
    unit: str | None = None


class FailureCount(msgspec.Struct, frozen=True):
    """How many items failed for one reason."""

    reason: str
    items: int


class Coverage(msgspec.Struct, frozen=True):
    """How many items were asked and how many were answered."""

    asked: int
    answered: int
    failed: list[FailureCount]


class Cost(msgspec.Struct, frozen=True):
    """What the predictions cost, summed over shards (peak memory: the largest).

    Seconds, bytes; tokens are null where a model counts none.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    bytes_sent: int
    bytes_received: int
    tokens: int | None = None


class BenchmarkIdentity(msgspec.Struct, frozen=True):
    """Which question was asked; `digest` covers its items, answers and scoring."""

    id: str
    version: str
    digest: str
    title: str


class ModelIdentity(msgspec.Struct, frozen=True):
    """Which model answered; `digest` covers whatever its answers depend on."""

    id: str
    version: str
    digest: str
    notes: list[str] = msgspec.field(default_factory=list)


class Result(msgspec.Struct, frozen=True):
    """How good one model is on one benchmark.

    Attributes
    ----------
    settings : dict
        What else the numbers depend on (`replicates`, `confidence`, `limit`), which rows are the
        main ones (`headline`, the first ranks models), and the best value that any model could
        reach where that is known (`ceiling`).
    environment : dict
        Python, packages, processor, accelerator.
    predictions_digest : str
        Digest of the item ids and values.
    started, finished : str
        UTC, ISO 8601.
    """

    schema_version: str
    benchmark: BenchmarkIdentity
    model: ModelIdentity
    metrics: list[MetricRow]
    coverage: Coverage
    seed: int
    settings: dict[str, Any]
    environment: dict[str, Any]
    cost: Cost
    predictions_digest: str
    started: str
    finished: str

    def metric(self, name: str, group: str | None = None) -> MetricRow:
        """Find a row by name and group.

        Raises
        ------
        KeyError
            If there is no such row.
        """
        for row in self.metrics:
            if row.name == name and row.group == group:
                return row
        raise KeyError((name, group))


#: Columns of Predictions; `reason` says why a value is null. Where one item has several values,
#: such as one a label, `value` is a list of float32.
PREDICTION_COLUMNS = {
    "item_id": pl.String,
    "task": pl.String,
    "value": pl.Float64,
    "reason": pl.String,
}


def predictions_digest(predictions: pl.DataFrame) -> str:
    """Digest of ids, tasks and values, whatever file they are kept in."""
    parts = ["\n".join(predictions[name]).encode() for name in ("item_id", "task")]
    values = predictions["value"]
    if isinstance(values.dtype, pl.List):
        values = values.explode()
    parts.append(values.fill_null(float("nan")).to_numpy().tobytes())
    return digest_of_bytes(parts)


def result_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Result; `docs/schema/result.schema.json` is a copy."""
    schema = msgspec.json.schema(Result)
    for definition in schema["$defs"].values():
        # Before Python 3.13 a docstring keeps the indentation it has in the source.
        definition["description"] = inspect.cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def read_result(path: Path) -> Result:
    """Read a Result written by `result_json`."""
    return msgspec.json.decode(path.read_bytes(), type=Result)


def result_json(result: Result) -> bytes:
    """Write a Result as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
