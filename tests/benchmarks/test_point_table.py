"""Tables of points of any format give the same rows, and what is wrong with one is named."""

from __future__ import annotations

import gzip

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks.points import point_table
from genomark.benchmarks.points.point_table import PointColumns, PointTable
from genomark.errors import UsageError

USUAL = PointColumns()


def made(n: int = 500) -> pl.DataFrame:
    random = np.random.default_rng(1)
    sequences = ["".join(row) for row in np.array(list("ACGT"))[random.integers(0, 4, (n, 12))]]
    return pl.DataFrame(
        {
            "item_id": [f"item {number}" for number in range(n)],
            "sequence": sequences,
            "truth": random.normal(size=n),
        }
    )


def written(frame: pl.DataFrame, path) -> PointTable:
    match "".join(path.suffixes):
        case ".parquet":
            frame.write_parquet(path)
        case ".csv":
            frame.write_csv(path)
        case ".tsv":
            frame.write_csv(path, separator="\t")
        case ".tsv.gz":
            path.write_bytes(gzip.compress(frame.write_csv(separator="\t").encode()))
    return PointTable(path, USUAL)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks and looks that are so small that a small table has several."""
    monkeypatch.setattr(point_table, "_BLOCK_ROWS", 32)


@pytest.mark.parametrize("ending", ["parquet", "csv", "tsv", "tsv.gz"])
def test_rows_are_those_of_the_file_whatever_its_format(ending, tmp_path, small_blocks):
    frame = made()
    table = written(frame, tmp_path / f"points.{ending}")
    assert table.height == 500
    assert table.rows(0, 500).equals(frame)
    assert table.rows(130, 7).equals(frame[130:137])
    assert table.items().select("item_id", "truth").equals(frame.drop("sequence"))


def test_without_ids_rows_are_numbered_from_1(tmp_path):
    table = written(made(3).drop("item_id"), tmp_path / "points.csv")
    assert table.rows(1, 2)["item_id"].to_list() == ["2", "3"]


def test_equal_sequences_are_one_cluster_numbered_by_their_first_row(tmp_path, small_blocks):
    sequences = ["ACGT", "TTTT", "acgt", "GG", "TTTT"] * 100
    frame = pl.DataFrame({"sequence": sequences, "y": np.arange(500.0)})
    table = written(frame, tmp_path / "points.parquet")
    assert table.items()["cluster"].to_list() == [0, 1, 0, 2, 1] * 100


def test_clusters_of_the_file_are_numbered_in_the_order_of_their_names(tmp_path):
    frame = made(4).with_columns(cluster=pl.Series(["b", "a", "c", "a"]))
    assert written(frame, tmp_path / "points.tsv").items()["cluster"].to_list() == [1, 0, 2, 0]


def test_columns_may_have_names_of_their_own(tmp_path):
    frame = made(4).rename({"item_id": "oligo", "sequence": "insert", "truth": "log2 ratio"})
    frame.with_columns(family=pl.Series([2, 1, 1, 2])).write_csv(tmp_path / "points.csv")
    columns = PointColumns(sequence="insert", truth="log2 ratio", id="oligo", cluster="family")
    table = PointTable(tmp_path / "points.csv", columns)
    assert table.rows(0, 4).equals(made(4))
    assert table.items()["cluster"].to_list() == [1, 0, 0, 1]


def test_a_table_is_written_once_and_again_when_its_bytes_change(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "points.csv"
    for _ in range(2):
        assert written(made(5), path).height == 5
    kept = tmp_path / "cache" / "points"
    assert len(list(kept.iterdir())) == 1
    assert written(made(6), path).height == 6
    assert len(list(kept.iterdir())) == 2


def test_the_digest_is_of_bytes_and_columns(tmp_path):
    one, other = (written(made(5), tmp_path / f"{name}.csv") for name in "ab")
    assert one.digest == other.digest
    assert PointTable(tmp_path / "a.csv", PointColumns(id="item_id")).digest != one.digest
    assert written(made(6), tmp_path / "c.csv").digest != one.digest


@pytest.mark.parametrize(
    ("column", "cell", "fault"),
    [
        ("sequence", "", "row 300: no sequence"),
        ("sequence", "ACGU", "row 300: a letter of its sequence is none of A, C, G, T and N"),
        ("truth", "inf", "row 300: what was measured is no finite number"),
        ("truth", "high", "row 300: what was measured is no finite number"),
        ("truth", "", "row 300: what was measured is no finite number"),
        ("item_id", "", "row 300: no id"),
        ("item_id", "item 3", "row 300: 'item 3' is the id of another row"),
        ("cluster", "", "row 300: no cluster"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(column, cell, fault, tmp_path, small_blocks):
    frame = made().with_columns(cluster=pl.lit("a")).cast(pl.String)
    cells = frame[column].to_list()
    cells[299] = cell
    path = tmp_path / "points.csv"
    frame.with_columns(pl.Series(column, cells)).write_csv(path)
    with pytest.raises(UsageError, match=fault) as error:
        _ = PointTable(path, USUAL).height
    assert str(path) in str(error.value)


def test_a_faulty_table_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    table = written(made(3).with_columns(sequence=pl.lit("X")), tmp_path / "points.csv")
    with pytest.raises(UsageError):
        _ = table.height
    assert list((tmp_path / "cache" / "points").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("points.csv", None, "there is no such file"),
        ("points.xlsx", b"PK", "expected a name that ends in .parquet"),
        ("points.csv", b"sequence,truth\n", "no rows in it"),
        ("points.csv", b"sequence,x\nACGT,1\n", "no column for what was measured; there are"),
        ("points.csv", b"s,truth\nACGT,1\n", "no column for a sequence; there are s, truth"),
        ("points.csv", b"sequence,truth\nACGT,1,2\n", "cannot be read as a table"),
        ("points.parquet", b"PAR1 or not", "cannot be read as a table"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(name, content, fault, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=fault):
        _ = PointTable(tmp_path / name, USUAL).height


def test_a_column_that_is_named_and_not_there_is_told(tmp_path):
    made(2).write_csv(tmp_path / "points.csv")
    table = PointTable(tmp_path / "points.csv", PointColumns(truth="activity"))
    with pytest.raises(UsageError, match="no column 'activity'; there are item_id, sequence"):
        _ = table.height


def test_rows_are_cut_so_that_each_is_looked_at_once(tmp_path, small_blocks):
    table = written(made(300), tmp_path / "points.csv")
    assert list(table.chunks()) == [(0, 128), (128, 128), (256, 44)]


def test_blocks_of_long_sequences_have_fewer_rows(tmp_path):
    frame = made(20).with_columns(sequence=pl.lit("ACGT" * 262_144))
    assert written(frame, tmp_path / "long.parquet").block == 4
    assert written(made(20), tmp_path / "short.parquet").block == 16_384
