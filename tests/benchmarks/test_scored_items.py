"""What there is to look at of single items: truth, answer, and what was said in words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks import Asking, load_benchmark
from genomark.benchmarks.scored import ITEM_COLUMNS, item_table
from genomark.models import load_model


def scored(name, spec, folder, limit=12):
    """Ask a model, and read its answers back from a file as a run does."""
    benchmark, model = load_benchmark(name), load_model(spec)
    parts = [benchmark.answer(model, part, Asking(3)) for part in benchmark.parts(limit)]
    file = folder / "predictions.parquet"
    pl.concat(parts).write_parquet(file)
    return benchmark, benchmark.scored(file, limit)


def test_tables_have_a_row_an_item_and_label_and_no_nan():
    truth = [[1.0, np.nan], [0.0, 1.0]]
    value = [[0.5, 0.25], [np.nan, 0.75]]
    table = item_table(["one", "two"], ["liver", "heart"], truth, value, ["yes", None])
    assert table.schema == pl.Schema(ITEM_COLUMNS)
    assert table.rows() == [
        ("one", "liver", 1.0, 0.5, "yes"),
        ("one", "heart", None, 0.25, "yes"),
        ("two", "liver", 0.0, None, None),
        ("two", "heart", 1.0, 0.75, None),
    ]


def test_a_single_label_is_not_told_and_no_items_make_no_rows():
    assert item_table(["a"], ["expression"], [2.0], [3.0])["group"].to_list() == [""]
    assert item_table([], ["expression"], [], []).rows() == []


@pytest.mark.parametrize("name", ["lentimpra-k562", "simulated-enhancers"])
def test_an_oracle_says_what_is_true(name, tmp_path):
    benchmark, found = scored(name, "control:oracle", tmp_path)
    items = found.items()
    assert items.schema == pl.Schema(ITEM_COLUMNS)
    assert items["value"].to_list() == pytest.approx(items["truth"].to_list())
    assert items.height == found.coverage().asked == 12
    whole = found.headline(Asking(3), found.compared)
    assert whole.value == pytest.approx(1.0)
    assert benchmark.headlines[0] == found.rows(Asking(3))[0].name


def test_a_matcher_is_right_or_wrong_and_what_it_chose_is_told(tmp_path):
    _, found = scored("matcher/terms", "matcher", tmp_path)
    items = found.items()
    right = {row["item_id"]: row["value"] for row in items.iter_rows(named=True)}
    assert np.mean(list(right.values())) == found.headline(Asking(3), found.compared).value
    assert items["said"].drop_nulls().len() > 0


def test_a_puzzle_is_solved_or_not_and_by_what_is_told(tmp_path):
    _, found = scored("rna/eterna100", "rna-design", tmp_path, limit=1)
    items = found.items()
    assert (items["truth"] == 1.0).all()
    assert items["value"].is_in([0.0, 1.0]).all()
    assert all(set(each) <= set("ACGU") for each in items["said"].drop_nulls())


def test_structures_are_no_number_an_item(tmp_path):
    _, found = scored("rna/bprna-short", "vienna", tmp_path)
    assert found.items() is None
