"""A benchmark small enough to count by hand."""

from __future__ import annotations

from functools import cached_property

import polars as pl

from genomark.benchmarks import PredictorBenchmark
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ScoringRule


class Toy(PredictorBenchmark):
    """Twelve sequences in two tasks; the truth is the number of A."""

    id = "toy"
    version = "1"
    title = "how many A"
    citation = "none"
    rule = ScoringRule(metrics=("pearson", "spearman"), cluster="sequences")
    max_request_items = 4

    def __init__(self, n: int = 6) -> None:
        self.n = n

    @cached_property
    def items(self) -> pl.DataFrame:
        rows = [
            {
                "item_id": f"{task}{number}",
                "task": task,
                "cluster": f"{task}{number}",
                "truth": float(number + (task == "b") * 10),
                "sequence": "A" * (number + (task == "b") * 10) + "CGT",
            }
            for task in "ab"
            for number in range(self.n)
        ]
        return pl.DataFrame(rows)

    def request(self, items: pl.DataFrame) -> PredictRequest:
        return PredictRequest(
            readout="point",
            prediction_tasks=[PredictionTask(items["task"][0], "expression", "K562", "x", "log")],
            sequences=dict(items.select("item_id", "sequence").iter_rows()),
        )


def count_a(sequences: list[str]) -> list[float]:
    """Be right about everything."""
    return [float(sequence.count("A")) for sequence in sequences]


def length_mod_5(sequences: list[str]) -> list[float]:
    """Be right about little."""
    return [float(len(sequence) % 5) for sequence in sequences]
