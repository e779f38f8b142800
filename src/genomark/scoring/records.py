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

    Attributes
    ----------
    name : str
        Such as ``pearson``; a mean over groups has a name that begins with ``mean_``.
    group : str or None
        Experiment, cell type or fold; None for a mean over groups, and where there are none.
    value : float or None
        None where the metric is undefined.
    reason_if_null : str or None
        Why it is.
    interval : tuple of float or None
        Lower and upper end, at the confidence that `settings` of the Result tells.
    method : str
        How the interval was made.
    n : int
        Items with an answer.
    n_clusters : int
        What was resampled.
    unit : str or None
        Of the value, where it has one.
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
    """How many items failed for one reason.

    Attributes
    ----------
    reason : str
        In one line.
    items : int
        How many.
    """

    reason: str
    items: int


class Coverage(msgspec.Struct, frozen=True):
    """How many items were asked and how many were answered.

    Attributes
    ----------
    asked : int
        Items.
    answered : int
        Items with an answer.
    failed : list of FailureCount
        Why the others have none, the most frequent reason first.
    """

    asked: int
    answered: int
    failed: list[FailureCount]


class Cost(msgspec.Struct, frozen=True):
    """What the predictions cost, summed over shards (peak memory: the largest).

    Attributes
    ----------
    wall_seconds, cpu_seconds : float
        Of the answers, without scoring.
    peak_rss_bytes : int
        Of the largest process.
    bytes_sent, bytes_received : int
        To and from models behind HTTP.
    tokens : int or None
        None where a model counts none.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    bytes_sent: int
    bytes_received: int
    tokens: int | None = None


class BenchmarkIdentity(msgspec.Struct, frozen=True):
    """Which question was asked.

    Attributes
    ----------
    id : str
        The name it is asked for by.
    version : str
        Raised when items, truth or scoring change.
    digest : str
        Of the same.
    title : str
        What it asks, for people.
    """

    id: str
    version: str
    digest: str
    title: str


class ModelIdentity(msgspec.Struct, frozen=True):
    """Which model answered.

    Attributes
    ----------
    id : str
        What tables call it; where it can be, the spec it is made of.
    version : str
        Raised when its answers change.
    digest : str
        Of all that its answers depend on, weights among it. Answers are kept under it: two models
        with one digest are taken for the same.
    notes : list of str
        What tables should say of it, a line each.
    """

    id: str
    version: str
    digest: str
    notes: list[str] = msgspec.field(default_factory=list)


class LeakageBin(msgspec.Struct, frozen=True):
    """The score on items that are so similar to what a model was trained on.

    Attributes
    ----------
    low, high : float
        Similarity, 0 to 1; the last bin includes `high`.
    n : int
        Items.
    value : float or None
        None where the metric is undefined on so few items.
    interval : tuple of float or None
        Of the value.
    reason_if_null : str or None
        Why there is no value.
    """

    low: float
    high: float
    n: int
    value: float | None
    interval: tuple[float, float] | None
    reason_if_null: str | None


class Leakage(msgspec.Struct, frozen=True):
    """How much of a benchmark a model has seen in training, and what its score owes to that.

    Attributes
    ----------
    training_data : list of str
        What it was trained on, as declared.
    digest : str
        Of that, and of the files it names.
    complete : bool
        False where a part of that is unknown: the share is then the least there is.
    share : float or None
        Of the items, those that were seen.
    interval : tuple of float or None
        Of the share.
    reason_if_null : str or None
        Why there is no share.
    n, n_distinct : int
        Items that were compared, and how many groups of them share neither a stretch of sequence
        nor a base of the genome with another group.
    seen, exact : int
        Items that were seen, and those of which the training data have a copy.
    identity, coverage, overlap : float
        Seen is what an alignment of at least this identity covers at least this share of, and that
        of which training regions cover more than `overlap`, a share too.
    metric : str
        That the scores below are of.
    all, clean : MetricRow or None
        The score on all items that were compared, and on those that were not seen.
    difference : float or None
        `all` less `clean`; null where no group has both items that were seen and others.
    difference_interval : tuple of float or None
        From the same draws of both.
    groups : tuple of int or None
        Where a score is a mean over groups: those that `clean` has, over which `all` is too, and
        how many there are.
    bins : list of LeakageBin
        By similarity, rising; without those that hold no item.
    """

    training_data: list[str]
    digest: str
    complete: bool
    share: float | None
    interval: tuple[float, float] | None
    reason_if_null: str | None
    n: int
    n_distinct: int
    seen: int
    exact: int
    identity: float
    coverage: float
    overlap: float
    metric: str
    all: MetricRow | None = None
    clean: MetricRow | None = None
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None
    groups: tuple[int, int] | None = None
    bins: list[LeakageBin] = msgspec.field(default_factory=list)


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """How good one model is on one benchmark.

    Attributes
    ----------
    schema_version : str
        Of the JSON that Results are kept as.
    benchmark : BenchmarkIdentity
    model : ModelIdentity
    metrics : list of MetricRow
        The first ranks models.
    coverage : Coverage
        Items that were asked, and what became of them.
    seed : int
        Of the run.
    settings : dict
        What else the numbers depend on (`replicates`, `confidence`, `limit`), which rows are the
        main ones (`headline`, the first ranks models), and the best value that any model could
        reach where that is known (`ceiling`), and what the model was trained on as somebody
        declares it (`training_data`).
    environment : dict
        Python, packages, processor, accelerator; in `plug_ins` the packages that the model and the
        benchmark are from, where they are not genomark's own.
    cost : Cost
    predictions_digest : str
        Digest of the item ids and values.
    started, finished : str
        UTC, ISO 8601.
    leakage : Leakage or None
        What of the benchmark the model saw in training; left out where nothing is known of that.
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
    leakage: Leakage | None = None

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
    columns = (predictions[name] for name in ("item_id", "task"))
    parts = [column.str.join("\n").item().encode() for column in columns]
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
