"""Tables of points of any format give the same rows, and what is wrong with one is named."""

from __future__ import annotations

import datetime
import errno
import gzip
import os

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks.points import point_table
from genomark.benchmarks.points.point_table import PointColumns, PointTable
from genomark.errors import DiskFullError, UsageError

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


@pytest.fixture
def copies(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "points"


@pytest.mark.parametrize("when", ["before it is opened", "after it was opened"])
@pytest.mark.parametrize("harm", ["flipped", "cut", "gone"])
def test_a_copy_that_is_not_as_it_was_written_is_written_again(
    when, harm, tmp_path, copies, small_blocks
):
    frame = made()
    table = written(frame, tmp_path / "points.csv")
    assert table.height == 500
    if when == "before it is opened":
        table = PointTable(tmp_path / "points.csv", USUAL)
    (copy,) = copies.iterdir()
    whole = copy.read_bytes()
    if harm == "gone":
        copy.unlink()
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :]
        copy.write_bytes(flipped if harm == "flipped" else whole[:middle])
    assert table.rows(0, 500).equals(frame)
    assert table.items().select("item_id", "truth").equals(frame.drop("sequence"))
    assert copy.read_bytes() == whole


def test_a_copy_is_on_the_disk_before_it_has_its_name(tmp_path, copies, monkeypatch):
    seen = []
    sync = os.fsync

    def synced(descriptor: int) -> None:
        seen.append([file.name for file in copies.glob("*.blocks")])
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    assert written(made(3), tmp_path / "points.csv").height == 3
    (copy,) = copies.iterdir()
    assert seen == [[], [copy.name]]


def test_a_table_that_changes_before_it_is_read_is_not_kept_as_what_it_was(tmp_path, copies):
    table = written(made(5), tmp_path / "points.csv")
    _ = table.digest
    written(made(6), tmp_path / "points.csv")
    with pytest.raises(UsageError, match=r"points\.csv: is not what it was at first"):
        _ = table.height
    assert list(copies.iterdir()) == []


@pytest.mark.parametrize("harm", ["cut", "flipped"])
def test_a_damaged_gzip_is_the_fault_of_the_file(harm, tmp_path, copies):
    path = tmp_path / "points.tsv.gz"
    written(made(20_000), path)
    content = path.read_bytes()
    flipped = content[:5_000] + bytes([content[5_000] ^ 255]) + content[5_001:]
    path.write_bytes(content[: len(content) // 2] if harm == "cut" else flipped)
    with pytest.raises(UsageError, match=r"points\.tsv\.gz: cannot be read as a table \("):
        _ = PointTable(path, USUAL).height
    assert list(copies.iterdir()) == []


def test_a_file_that_cannot_be_read_is_told_in_its_own_name(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    written(made(3), tmp_path / "points.csv")
    monkeypatch.setattr(point_table, "digest_of_file", refuse)
    with pytest.raises(UsageError, match=r"points\.csv: cannot be read \(Permission denied\)"):
        _ = PointTable(tmp_path / "points.csv", USUAL).height


def test_a_full_disk_is_not_the_fault_of_the_table(tmp_path, monkeypatch):
    def full(*_, **__):
        raise pl.exceptions.ComputeError("parquet: underlying IO error: no space (os error 28)")

    table = written(made(3), tmp_path / "points.csv")
    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)
    with pytest.raises(DiskFullError, match="free some space"):
        _ = table.height


def test_stray_quotes_in_a_table_with_tabs_swallow_no_rows(tmp_path):
    path = tmp_path / "points.tsv"
    path.write_text('id\tsequence\ttruth\n"a\tACGT\t1\nb\tACGA\t2\nc"\tACGC\t3\nd\tACGG\t4\n')
    table = PointTable(path, USUAL)
    assert table.rows(0, 4)["item_id"].to_list() == ['"a', "b", 'c"', "d"]
    assert table.height == 4


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('"a,ACGT,1,x\nb,ACGA,2,x\nc",ACGC,3,x\n', "row 1: a line break in its id"),
        ('a,ACGT,1,x\nb,ACGA,2,"x\nc,ACGC,3,x"\n', "row 2: a line break in its cluster"),
    ],
)
def test_a_quote_that_is_not_closed_is_noticed(text, fault, tmp_path):
    (tmp_path / "points.csv").write_text(f"id,sequence,truth,cluster\n{text}")
    with pytest.raises(UsageError, match=fault):
        _ = PointTable(tmp_path / "points.csv", USUAL).height


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (pl.Series([datetime.date(2020, 1, 1)]), "Date"),
        (pl.Series([datetime.timedelta(1)]), "Duration"),
        (pl.Series(["3"], dtype=pl.Categorical), "Categorical"),
        (pl.Series([[1.0]]), "List"),
    ],
)
def test_what_is_no_number_is_not_taken_for_one(truth, words, tmp_path):
    pl.DataFrame({"sequence": ["ACGT"], "truth": truth}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=f"column 'truth' is of type {words}"):
        _ = PointTable(tmp_path / "a.parquet", USUAL).height


@pytest.mark.parametrize("truth", [[1, 0], [True, False], ["1", "0"], [1.0, 0.0]])
def test_numbers_booleans_and_text_are_values(truth, tmp_path):
    frame = pl.DataFrame({"sequence": ["ACGT", "AC"], "truth": truth})
    frame.write_parquet(tmp_path / "a.parquet")
    assert PointTable(tmp_path / "a.parquet", USUAL).rows(0, 2)["truth"].to_list() == [1.0, 0.0]
