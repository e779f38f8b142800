"""Views as tables: what the CSV and parquet twins of pages hold."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import polars as pl

from genomark.leaderboard.views import (
    Benchmark,
    Column,
    Front,
    Model,
    ModelName,
    Pair,
    Score,
    Suite,
)
from genomark.results.spreadsheet import guarded_csv

_SCORE = {
    "owner": pl.String,
    "model": pl.String,
    "benchmark": pl.String,
    "version": pl.String,
    "digest": pl.String,
    "limit": pl.Int64,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "rank_first": pl.Int64,
    "rank_last": pl.Int64,
    "n": pl.Int64,
    "n_clusters": pl.Int64,
    "standing": pl.String,
    "attempts": pl.Int64,
    "leakage": pl.Float64,
    "reason": pl.String,
    "result": pl.String,
}


def scores_table(view: Front | Suite) -> pl.DataFrame:
    """Give a row to each score, line by line."""
    rows = [
        _score(line.model, column, score)
        for line in view.lines
        for column, score in zip(view.columns, line.scores, strict=True)
        if score is not None
    ]
    return pl.DataFrame(rows, schema=_SCORE, orient="row")


def benchmark_table(view: Benchmark) -> pl.DataFrame:
    """Give a row to each line; further metrics follow, each with its interval."""
    names = list(dict.fromkeys(name for line in view.lines for name in line.others))
    schema = {
        **_SCORE,
        **dict.fromkeys(("asked", "answered", "peak_rss_bytes"), pl.Int64),
        **dict.fromkeys(("wall_seconds", "cpu_seconds"), pl.Float64),
        "added": pl.String,
        "model_version": pl.String,
    }
    rows = []
    for line in view.lines:
        cost = line.cost
        rows.append(
            (
                *_score(line.model, view.column, line.score),
                *(line.asked, line.answered, cost and cost.peak_rss_bytes),
                *(cost and cost.wall_seconds, cost and cost.cpu_seconds),
                *(line.added, line.version),
            )
        )
    table = pl.DataFrame(rows, schema=schema, orient="row")
    # What a metric is called may be the name of a column that is there.
    others = [
        pl.Series(f"other {name}{ending}", given, pl.Float64)
        for name in names
        for ending, given in _parts([line.others.get(name) for line in view.lines])
    ]
    return table.with_columns(others)


def pairs_table(pairs: Sequence[Pair]) -> pl.DataFrame:
    """Give a row to each pair."""
    schema = {
        **dict.fromkeys(("model_a", "model_b"), pl.String),
        **dict.fromkeys(("difference", "low", "high", "superiority"), pl.Float64),
        "n": pl.Int64,
        "tied": pl.Boolean,
        "paired": pl.Boolean,
    }
    rows = [tuple(getattr(each, name) for name in schema) for each in pairs]
    return pl.DataFrame(rows, schema=schema, orient="row")


def model_table(view: Model) -> pl.DataFrame:
    """Give a row to each column that the model has a score in."""
    rows = [
        (*_score(view.model, each.column, each.score), each.place, each.scaled)
        for each in view.scores
    ]
    schema = {**_SCORE, "place": pl.Float64, "scaled": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def written(table: pl.DataFrame, form: Literal["csv", "parquet"]) -> bytes:
    """Write a table as a file.

    In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    if form == "csv":
        return guarded_csv(table)
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _score(model: ModelName, column: Column, score: Score) -> tuple[Any, ...]:
    return (
        *(model.owner, model.id),
        *(column.id, column.version, column.digest, column.limit, column.metric),
        *(score.value, score.low, score.high, score.rank_first, score.rank_last),
        *(score.n, score.n_clusters, score.standing, score.attempts),
        None if score.leakage == "unknown" else score.leakage,
        *(score.reason, score.result),
    )


def _parts(values: Iterable[Any]) -> list[tuple[str, list[float | None]]]:
    given = list(values)
    return [
        (ending, [None if each is None else getattr(each, part) for each in given])
        for ending, part in (("", "value"), (" low", "low"), (" high", "high"))
    ]
