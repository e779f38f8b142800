"""Hidden labels from the files of GUANinE: items as a run names them, clusters of 100 kb."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks import load_benchmark
from genomark.errors import DatasetUnavailableError, UsageError
from genomark.results.submission import read_test_split, read_test_table

MARKS = ("dnase", "ctcf", "H3K27ac", "H3K4me3")
BASES = 3_000_000
N = 60


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def genome(tmp_path, rng):
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{''.join(rng.choice(list('ACGT'), BASES))}\n")
    return path


def written(frame, folder, task, name):
    path = folder / task / name
    path.parent.mkdir(parents=True)
    frame.write_csv(path, separator="\t" if name.endswith(".bed") else ",")
    return folder


def regions(rng):
    starts = rng.permutation(np.arange(1_000, BASES - 1_000, 45_000))[:N]
    return pl.DataFrame(
        {
            "#chr": "chr1",
            "start": starts,
            "end": starts + 512,
            "center": starts + 256,
            "y": np.arange(starts.size) % 25,
        }
    )


def test_places_have_names_and_stretches_of_100_kb_are_drawn_together(tmp_path, genome, rng):
    frame = regions(rng)
    data = written(frame, tmp_path / "data", "cons30", "bed/test/test.bed")
    table = read_test_split("guanine/cons30", data, genome)
    expected = {
        f"chr1:{row['start']}-{row['end']}": (row["y"], (row["start"] + 256) // 100_000)
        for row in frame.iter_rows(named=True)
    }
    assert table.items == sorted(expected)
    assert table.labels == ("y",)
    assert table.truth[:, 0].tolist() == [expected[item][0] for item in table.items]
    blocks = [expected[item][1] for item in table.items]
    assert len(set(table.clusters.tolist())) == len(set(blocks)) < N
    assert len(set(zip(blocks, table.clusters.tolist(), strict=True))) == len(set(blocks))
    # The folder of the task itself will do.
    assert read_test_split("guanine/cons30", data / "cons30", genome).items == table.items


def test_items_are_named_as_a_run_names_them(tmp_path, genome, rng):
    data = written(regions(rng), tmp_path / "data", "cons30", "bed/test/test.bed")
    asked = load_benchmark(f"guanine/cons30:split=test,data={data},genome={genome}").task.asked
    table = read_test_split("guanine/cons30", data, genome)
    assert sorted(asked.labelled.ids) == table.items


def test_rows_of_sequences_are_numbered_and_each_is_a_cluster(tmp_path, rng):
    rows = ["".join(rng.choice(list("ACGT"), 80)) for _ in range(N)]
    frame = pl.DataFrame({"seq": rows, "y": np.arange(N) % 18})
    data = written(frame, tmp_path / "data", "gpra_c", "test/test.csv")
    table = read_test_split("guanine/gpra_c", data)
    assert table.items == sorted(str(row + 1) for row in range(N))
    told = dict(zip(table.items, table.truth[:, 0], strict=True))
    assert told == {str(row + 1): row % 18 for row in range(N)}
    assert sorted(table.clusters) == list(range(N))


def test_marks_that_are_not_told_are_asked_and_not_scored(tmp_path, genome, rng):
    frame = regions(rng).with_columns(y=pl.col("y") % 5)
    each = [frame.filter(pl.col("y") != number) for number in range(4)]
    whole = pl.concat(
        [part.with_columns(task=pl.lit(mark)) for part, mark in zip(each, MARKS, strict=True)]
    )
    data = written(whole, tmp_path / "data", "ccre_propensity", "bed/test/test.bed")
    table = read_test_split("guanine/ccre_propensity", data, genome)
    assert table.labels == tuple(sorted(MARKS))
    assert len(table.items) == N
    for number, mark in enumerate(table.labels):
        left_out = MARKS.index(mark)
        untold = {
            f"chr1:{row['start']}-{row['end']}"
            for row in frame.filter(pl.col("y") == left_out).iter_rows(named=True)
        }
        column = table.truth[:, number]
        assert {table.items[row] for row in np.flatnonzero(np.isnan(column))} == untold


def test_a_split_and_a_table_of_the_same_are_the_same(tmp_path, genome, rng):
    data = written(regions(rng), tmp_path / "data", "cons30", "bed/test/test.bed")
    split = read_test_split("guanine/cons30", data, genome)
    pl.DataFrame(
        {
            "item_id": split.items,
            "label": "y",
            "truth": split.truth[:, 0],
            "cluster": [f"{each:05}" for each in split.clusters],
        }
    ).write_csv(tmp_path / "table.csv")
    table = read_test_table(tmp_path / "table.csv")
    assert (table.items, table.labels) == (split.items, split.labels)
    np.testing.assert_array_equal(table.truth, split.truth)
    np.testing.assert_array_equal(table.clusters, split.clusters)


def test_a_split_that_cannot_be_hosted(tmp_path, genome, rng):
    frame = regions(rng)
    data = tmp_path / "data"
    with pytest.raises(UsageError, match="'kircher2019' is no task whose files are known: guanine"):
        read_test_split("kircher2019", data)
    with pytest.raises(UsageError, match="there is no such folder"):
        read_test_split("guanine/cons30", data)
    written(frame.drop("y"), data, "cons30", "bed/test/test.bed")
    with pytest.raises(UsageError, match="the test split of 'guanine/cons30' is there without"):
        read_test_split("guanine/cons30", data, genome)
    with pytest.raises(UsageError, match="give the genome they are of"):
        read_test_split("guanine/cons30", data)
    with pytest.raises(DatasetUnavailableError, match=r"no test/test\.csv"):
        read_test_split("guanine/cons100", data)
    written(frame.with_columns(y=pl.lit(3)), data, "cons100", "bed/test/test.bed")
    with pytest.raises(UsageError, match="label 'y' has 60 truths, or all the same"):
        read_test_split("guanine/cons100", data, genome)
