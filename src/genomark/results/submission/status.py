"""What an operator sees of a board: keys, attempts, released figures; no label, no exact score."""

from __future__ import annotations

import msgspec

from genomark.results.submission.attempt_log import Attempt, Reading
from genomark.results.submission.hosting import Hosted
from genomark.results.submission.receipt import Figure
from genomark.results.submission.rules import Limits, attempts_left


class ModelStatus(msgspec.Struct, frozen=True):
    """A model on one benchmark; `invited` is whether its key is vouched for."""

    model: str
    key: str
    invited: bool
    attempts: int
    attempts_left: int
    last_received: str
    released: Figure | None


class NearIdentical(msgspec.Struct, frozen=True):
    """Two attempts under different names or keys whose predictions are nearly the same.

    `line` and `other_line` are their numbers in the log; a correlation near -1 is a copy with
    another sign.
    """

    benchmark: str
    line: int
    model: str
    key: str
    other_line: int
    other_model: str
    other_key: str
    correlation: float


class BenchmarkStatus(msgspec.Struct, frozen=True):
    """A hosted benchmark."""

    benchmark: Hosted
    frozen: str | None
    scored: int
    refused: int
    models: list[ModelStatus]


class BoardStatus(msgspec.Struct, frozen=True):
    """A board.

    Attributes
    ----------
    open_to_all : bool
        Whether keys are received that were not invited.
    invited : list of str
        Keys.
    refused : int
        Bundles, with those that name no benchmark of the board.
    """

    open_to_all: bool
    invited: list[str]
    benchmarks: list[BenchmarkStatus]
    refused: int
    near_identical: list[NearIdentical]


def board_status(log: Reading, limits: Limits, now: str) -> BoardStatus:
    """Sum a board up from its log."""
    attempts = log.attempts()
    hosted = [
        (msgspec.json.decode(record, type=Hosted), frozen) for record, frozen in log.benchmarks()
    ]
    return BoardStatus(
        open_to_all=limits.open_to_all,
        invited=log.invited(),
        benchmarks=[
            _benchmark(log, each, frozen, attempts, limits, now) for each, frozen in hosted
        ],
        refused=sum(each.outcome == "refused" for each in attempts),
        near_identical=near_identical(log),
    )


def near_identical(log: Reading, benchmark: str | None = None) -> list[NearIdentical]:
    """Give flagged pairs, of one benchmark or all."""
    by_number = {each.number: each for each in log.attempts(benchmark, scored=True)}
    return [
        NearIdentical(
            benchmark=str(one.benchmark),
            line=first,
            model=str(one.model),
            key=str(one.key),
            other_line=second,
            other_model=str(two.model),
            other_key=str(two.key),
            correlation=round(correlation, 6),
        )
        for first, second, correlation in log.flags()
        if (one := by_number.get(first)) and (two := by_number.get(second))
    ]


def _benchmark(
    log: Reading,
    hosted: Hosted,
    frozen: str | None,
    attempts: list[Attempt],
    limits: Limits,
    now: str,
) -> BenchmarkStatus:
    here = [each for each in attempts if each.benchmark == hosted.id]
    models: dict[str, list[Attempt]] = {}
    for each in here:
        if each.outcome == "scored":
            models.setdefault(str(each.model), []).append(each)
    return BenchmarkStatus(
        benchmark=hosted,
        frozen=frozen,
        scored=sum(map(len, models.values())),
        refused=sum(each.outcome == "refused" for each in here),
        models=[_model(log, hosted.id, name, models[name], limits, now) for name in sorted(models)],
    )


def _model(
    log: Reading, benchmark: str, name: str, attempts: list[Attempt], limits: Limits, now: str
) -> ModelStatus:
    key = str(attempts[0].key)
    standing = log.standing(benchmark, name)
    return ModelStatus(
        model=name,
        key=key,
        invited=log.is_invited(key),
        attempts=len(attempts),
        attempts_left=attempts_left(log, benchmark, name, key, limits, now)[0],
        last_received=attempts[-1].received,
        released=msgspec.json.decode(standing[1], type=Figure) if standing else None,
    )
