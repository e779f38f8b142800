"""Answers to a shard, asked at once or in several pieces, and the items that cannot be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from genomark.benchmarks import Benchmark
from genomark.errors import GenomarkError
from genomark.protocol import PredictResponse, TaskPrediction
from genomark.runs.bisection import Cause


@dataclass
class Answers:
    """What a model said of some rows of a part.

    Attributes
    ----------
    rows : range
        Of the part.
    predictions : polars.DataFrame
        One row each, or more.
    report : dict
        What there is to tell of how they were made.
    responses : list of PredictResponse
        As they came, where they are kept.
    """

    rows: range
    predictions: pl.DataFrame
    report: dict[str, Any] = field(default_factory=dict)
    responses: list[PredictResponse] = field(default_factory=list)


def joined(
    benchmark: Benchmark, part: pl.DataFrame, found: Sequence[Answers], lost: Mapping[int, Cause]
) -> Answers:
    """Put pieces together, in the order of the part, as if all had been asked at once.

    Parameters
    ----------
    benchmark : Benchmark
        A divisible one.
    part : polars.DataFrame
    found : sequence of Answers
        At least one.
    lost : mapping of int to Cause
        Rows that nobody could be asked; together with `found` all of the part.
    """
    whole = range(part.height)
    found = sorted(found, key=lambda each: each.rows.start)
    if len(found) == 1 and not lost:
        return Answers(whole, found[0].predictions, found[0].report, found[0].responses)
    form = found[0].predictions.head(0)
    pieces = {each.rows.start: each.predictions for each in found}
    for cause in set(lost.values()):
        rows = [row for row, why in lost.items() if why == cause]
        reason = reason_of(cause, letters_of(benchmark, part[rows]))
        pieces |= {row: benchmark.unanswered(part[row : row + 1], reason) for row in rows}
    predictions = pl.concat([form, *(pieces[row] for row in sorted(pieces))], how="diagonal")
    report: dict[str, Any] = {}
    for each in found:
        report |= each.report
    responses = [one for each in found for one in each.responses]
    return Answers(whole, predictions, report, _one_response(responses))


def reason_of(cause: Cause, letters: int | None) -> str:
    """Say why an item has no answer."""
    size = "1 item" if letters is None else f"1 item of up to {letters:,} letters"
    if not cause.memory:
        return f"the worker process died on this item ({cause.words})"
    killed = f": the worker process was killed ({cause.words})" if cause.words else ""
    return f"out of memory with {size}{killed}"


def letters_of(benchmark: Benchmark, part: pl.DataFrame) -> int | None:
    """Length of the longest sequence that is asked for; None of a benchmark without requests."""
    try:
        request = benchmark.request(part)  # type: ignore[attr-defined]
        return max(map(len, request.sequences.values()), default=0)
    except (AttributeError, GenomarkError):
        return None


def _one_response(responses: list[PredictResponse]) -> list[PredictResponse]:
    """Put the answers to the pieces of one request into one."""
    if len(responses) < 2:
        return responses
    tasks = [
        _one_task(each)
        for each in zip(*(response.prediction_tasks for response in responses), strict=False)
    ]
    return [msgspec.structs.replace(responses[0], prediction_tasks=tasks)]


def _one_task(pieces: Sequence[TaskPrediction]) -> TaskPrediction:
    """Join what is told by sequence; what a piece does not tell is told of the others."""
    joined = {
        field: {name: value for told in found for name, value in told.items()}
        for field in ("predictions", "trim_upstream")
        if (found := [told for task in pieces if isinstance(told := getattr(task, field), Mapping)])
    }
    return msgspec.structs.replace(pieces[0], **joined)
