from __future__ import annotations

import json

import pandas as pd
import polars as pl
import pytest

import genomark
from genomark.errors import UsageError
from genomark.results import Failed, Results, Skipped, load_results


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    return genomark.run(
        ["gc", "cpg", "control:oracle"],
        ["simulated-enhancers"],
        out=tmp_path_factory.mktemp("out"),
        limit=200,
        workers=1,
        progress=False,
    )


def test_the_table_holds_every_metric_row_and_ranks_the_headline(results):
    table = results.table()
    assert table.height == sum(len(result.metrics) for result in results) == 6
    ranked = table.filter(pl.col("rank").is_not_null())
    assert ranked["metric"].unique().to_list() == ["pearson"]
    assert ranked.filter(pl.col("model") == "control:oracle")["rank"].to_list() == [1]
    row = table.row(0, named=True)
    assert row["value"] == results[0].metric("pearson").value
    assert row["low"] < row["value"] < row["high"]


def test_pandas_gets_the_same_table(results):
    frame = results.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["value"].tolist() == results.table()["value"].to_list()


def test_json_can_be_read_back_whole(results, tmp_path):
    results.skipped.append(Skipped(benchmark="other", reason="no data"))
    results.failed.append(Failed(benchmark="other", model="gc", reason="broken"))
    try:
        path = results.save(tmp_path / "results.json")
    finally:
        skipped, failed = results.skipped.pop(), results.failed.pop()
    again = load_results(path)
    assert again.results == results.results
    assert again.comparisons == results.comparisons
    assert (again.skipped, again.failed) == ([skipped], [failed])
    assert again.ranks("simulated-enhancers") == results.ranks("simulated-enhancers")


def test_the_json_document_has_the_published_keys(results):
    document = json.loads(results.to_json())
    assert list(document) == ["results", "skipped", "failed", "comparisons"]
    row = document["results"][0]["metrics"][0]
    assert set(row) == {
        *("name", "group", "value", "reason_if_null", "interval", "method"),
        *("n", "n_clusters", "unit"),
    }


@pytest.mark.parametrize(("name", "read"), [("t.csv", pl.read_csv), ("t.parquet", pl.read_parquet)])
def test_the_table_can_be_saved(results, tmp_path, name, read):
    assert read(results.save(tmp_path / name))["model"].to_list() == (
        results.table()["model"].to_list()
    )


def test_an_unknown_ending_is_refused(results, tmp_path):
    with pytest.raises(UsageError, match=r"expected a name ending in \.json, \.csv or \.parquet"):
        results.save(tmp_path / "results.xlsx")


@pytest.mark.parametrize("content", [b"{", b'{"results": 3, "skipped": []}', b"[]"])
def test_a_file_that_is_no_document_of_results_is_refused(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="not a document of results"):
        load_results(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        load_results(tmp_path / "nothing.json")


def test_an_empty_collection_is_no_trouble():
    empty = Results([])
    assert len(empty) == 0
    assert list(empty) == empty.benchmarks() == empty.ranks("any") == []
    assert empty.table().height == 0
    assert "0 results" in repr(empty)
    assert empty._repr_html_()
