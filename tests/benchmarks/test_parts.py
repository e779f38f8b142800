"""Parts of a benchmark, and predictions set beside its items, whatever their order."""

from __future__ import annotations

from functools import cached_property

import polars as pl
import pytest

from genomark.benchmarks import Asking, PredictorBenchmark
from genomark.protocol import PredictRequest
from genomark.scoring import ScoringRule


class Few(PredictorBenchmark):
    """Seven items of two tasks."""

    id = "few"
    version = "1"
    title = citation = "few"
    rule = ScoringRule(("pearson",), "items")
    max_request_items = 3
    cut = 0

    @cached_property
    def items(self) -> pl.DataFrame:
        self.cut += 1
        return pl.DataFrame(
            {
                "item_id": [f"item{number}" for number in range(7)],
                "task": list("aaaabbb"),
                "cluster": list("abcdefg"),
                "truth": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            }
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        raise NotImplementedError


@pytest.mark.parametrize("limit", [None, 4])
def test_a_part_is_the_one_of_its_number(limit):
    benchmark = Few()
    parts = list(benchmark.parts(limit))
    assert [part.height for part in parts] == ([3, 1, 3] if limit is None else [2, 2])
    for number, part in enumerate(parts):
        assert benchmark.part_at(number, limit).equals(part)


def test_parts_are_cut_once_for_each_limit(monkeypatch):
    benchmark, cut = Few(), []
    parts = benchmark.parts
    monkeypatch.setattr(benchmark, "parts", lambda limit: cut.append(limit) or parts(limit))
    for limit in (None, 4, None, 4):
        benchmark.part_at(1, limit)
    assert cut == [None, 4]


@pytest.mark.parametrize("order", [list(range(7)), [6, 0, 5, 1, 4, 2, 3]])
def test_values_stand_beside_their_items_in_any_order(order, tmp_path):
    benchmark = Few()
    predictions = benchmark.items.select(
        "item_id", "task", value=pl.col("truth") * 10, reason=pl.lit(None, pl.String)
    )
    predictions[order].write_parquet(tmp_path / "p.parquet")
    frame = benchmark.scored(tmp_path / "p.parquet", None).frame
    assert frame["item_id"].equals(benchmark.items["item_id"])
    assert frame["value"].to_list() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]


def test_an_item_without_a_prediction_is_not_answered(tmp_path):
    benchmark = Few()
    predictions = benchmark.items[:6].select(
        "item_id", "task", value=pl.col("truth"), reason=pl.lit(None, pl.String)
    )
    predictions.write_parquet(tmp_path / "p.parquet")
    scored = benchmark.scored(tmp_path / "p.parquet", None)
    assert scored.coverage().answered == 6
    (row,) = scored.rows(Asking())
    assert (row.n, row.value) == (6, pytest.approx(1.0))


def test_a_prediction_that_is_there_twice_is_an_error(tmp_path):
    predictions = pl.DataFrame(
        {"item_id": ["item0"] * 2, "task": ["a"] * 2, "value": [1.0, 2.0], "reason": [None] * 2},
        schema_overrides={"reason": pl.String},
    )
    predictions.write_parquet(tmp_path / "p.parquet")
    with pytest.raises(pl.exceptions.ComputeError):
        Few().scored(tmp_path / "p.parquet", None)
