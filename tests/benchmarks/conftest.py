"""What the tests of benchmarks share: answers through the whole way, and no compiler deadlines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from genomark.benchmarks import PredictorBenchmark
from genomark.models import Predictor

Answered = Callable[[PredictorBenchmark, Predictor], pl.DataFrame]


def _answered(benchmark: PredictorBenchmark, model: Predictor) -> pl.DataFrame:
    parts = []
    for part in benchmark.parts():
        answers = benchmark.read(part, model.predict(benchmark.request(part)))
        assert answers.schema == {"value": pl.Float64, "reason": pl.String}
        parts.append(part.hstack(answers))
    return pl.concat(parts)


@pytest.fixture(scope="session")
def answered() -> Answered:
    """``answered(benchmark, model)``: items with `value` and `reason`, request by request."""
    return _answered


@pytest.fixture(scope="session")
def kircher2019_file(real_data: Callable[[str, str], Path]) -> Path:
    """The saturation mutagenesis data as published."""
    return real_data("kircher2019", "elements.tsv.gz")


@pytest.fixture(scope="session")
def lentimpra_file(real_data: Callable[[str, str], Path]) -> Path:
    """The test sample of the K562 lentiMPRA."""
    return real_data("lentimpra_k562_sample", "sample_test.txt")
