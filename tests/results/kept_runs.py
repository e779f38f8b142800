"""Results made by hand, and files of them as runs keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genomark.results import Results
from genomark.results.run_record import Asked, Kept, Question
from genomark.scoring import (
    BenchmarkIdentity,
    Comparison,
    Cost,
    Coverage,
    FailureCount,
    MetricRow,
    ModelIdentity,
    Result,
)

EVIL = "<script>alert(1)</script>\"'&|`]\x1b[31m"


def made(
    benchmark: str = "simulated-enhancers",
    model: str = "gc",
    value: float | None = 0.5,
    *,
    metric: str = "pearson",
    interval: tuple[float, float] | None = None,
    version: str = "1",
    digest: str = "b" * 32,
    seed: int = 0,
    limit: int | None = None,
    answers: str | None = None,
    finished: str = "2026-01-01T00:01:00+00:00",
    failed: list[FailureCount] | None = None,
    **settings: Any,
) -> Result:
    row = MetricRow(metric, None, value, None if value is not None else "constant", interval,
                    "95 % bootstrap", 100, 100)  # fmt: skip
    return Result(
        schema_version="1.0",
        benchmark=BenchmarkIdentity(benchmark, version, digest, "a title"),
        model=ModelIdentity(model, "1", "m" * 32),
        metrics=[row],
        coverage=Coverage(100, 100, failed or []),
        seed=seed,
        settings={
            "replicates": 1000,
            "confidence": 0.95,
            "limit": limit,
            "headline": [metric],
            **settings,
        },
        environment={"python": "3.11.7", "packages": {"genomark": "0.1.0", "torch": "2.6.0+cpu"}},
        cost=Cost(2.0, 1.0, 10**8, 0, 0),
        predictions_digest=answers or f"{benchmark} {model} {value}",
        started="2026-01-01T00:00:00+00:00",
        finished=finished,
    )


def question(*results: Result, comparisons: list[Comparison] | None = None) -> Question:
    first = results[0]
    asked = Asked(first.benchmark, first.settings["limit"], first.seed)
    kept = {each.model.id: Kept(each, None) for each in results}
    return Question(asked, kept, comparisons or [])


def pair(model_a: str, model_b: str, difference: float, **more: Any) -> Comparison:
    between = more.pop("interval", (difference - 0.1, difference + 0.1))
    return Comparison(
        benchmark=more.pop("benchmark", "simulated-enhancers"),
        metric=more.pop("metric", "pearson"),
        model_a=model_a,
        model_b=model_b,
        difference=difference,
        interval=between,
        n=100,
        tied=between[0] <= 0 <= between[1],
        superiority=0.9,
        **more,
    )


def document(path: Path, *results: Result, **more: Any) -> Path:
    Results(list(results), **more).save(path)
    return path
