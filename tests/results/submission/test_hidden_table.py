"""Tables of hidden labels: how they are read, split and sealed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.errors import UsageError
from genomark.results.submission.hidden import read_test_table, sealed_truth, unsealed_truth
from genomark.results.submission.sealed import BoardKey

KEY, OTHER = BoardKey(bytes(range(32))), BoardKey(bytes(32))


@pytest.fixture
def frame():
    """Sixty items in thirty clusters with two labels, of which some are not told."""
    n = 60
    return pl.DataFrame(
        {
            "item_id": [f"i{i // 2:03}" for i in range(2 * n)],
            "label": ["ctcf", "dnase"] * n,
            "truth": [None if i % 7 == 3 else float(i % 5) for i in range(2 * n)],
            "cluster": [f"c{i // 4}" for i in range(2 * n)],
        }
    )


def written(frame, path):
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet"])
def test_a_table_is_read_in_the_order_of_names(frame, tmp_path, name):
    read = read_test_table(written(frame.sample(fraction=1, shuffle=True, seed=1), tmp_path / name))
    assert read.items == [f"i{i:03}" for i in range(60)]
    assert read.labels == ("ctcf", "dnase")
    told = [np.nan if i % 7 == 3 else i % 5 for i in range(120)]
    np.testing.assert_array_equal(read.truth, np.reshape(told, (60, 2)))
    assert len(set(read.clusters)) == 30
    assert (read.clusters[::2] == read.clusters[1::2]).all()


def test_a_row_that_is_lacking_is_asked_and_not_scored(frame, tmp_path):
    full = read_test_table(written(frame, tmp_path / "t.csv"))
    left = read_test_table(written(frame.drop_nulls("truth"), tmp_path / "u.csv"))
    np.testing.assert_array_equal(full.truth, left.truth)


def test_without_clusters_each_item_is_one(frame, tmp_path):
    read = read_test_table(written(frame.drop("cluster"), tmp_path / "t.csv"))
    assert sorted(read.clusters) == list(range(60))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.drop("truth"), "no column truth"),
        (lambda f: f.drop("item_id", "label"), "no column item_id, label"),
        (lambda f: pl.concat([f, f.head(1)]), "item and label of row 1 are there twice"),
        (lambda f: f.with_columns(cluster=pl.lit("c").repeat_by(1).list.join("")), "1 clusters"),
        (
            lambda f: f.with_columns(cluster=pl.col("label") + pl.col("cluster")),
            "item 'i000' is in two clusters",
        ),
        (lambda f: f.with_columns(truth=pl.lit("high")), "120 truths are not finite numbers"),
        (lambda f: f.with_columns(truth=pl.lit("NaN")), "120 truths are not finite numbers"),
        (
            lambda f: f.with_columns(truth=pl.lit(3.0)),
            "label 'ctcf' has 60 truths, or all the same",
        ),
        (lambda f: f.head(0), "or it is empty"),
        (lambda f: f.with_columns(item_id=pl.lit(None, pl.String)), "row 1 has no item_id"),
    ],
)
def test_a_table_that_cannot_be_used(frame, tmp_path, change, reason):
    with pytest.raises(UsageError, match=reason):
        read_test_table(written(change(frame), tmp_path / "t.csv")).split(KEY, "s", 0.5)


@pytest.mark.parametrize("name", ["none.csv", "broken.parquet"])
def test_a_file_that_is_no_table(tmp_path, name):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="not a readable CSV, TSV or parquet table"):
        read_test_table(tmp_path / name)


@pytest.mark.parametrize(("share", "clusters"), [(0.5, 15), (0.3, 9), (0.01, 2), (0.99, 28)])
def test_the_private_share_is_of_clusters(frame, tmp_path, share, clusters):
    read = read_test_table(written(frame, tmp_path / "t.csv"))
    hidden = read.split(KEY, "split", share)
    assert len(set(read.clusters[hidden.private])) == clusters
    assert not set(read.clusters[hidden.private]) & set(read.clusters[~hidden.private])
    assert hidden.public_clusters() == 30 - clusters


def test_who_has_no_key_cannot_tell_the_share(frame, tmp_path):
    read = read_test_table(written(frame, tmp_path / "t.csv"))
    chosen = read.split(KEY, "split of a", 0.5).private
    np.testing.assert_array_equal(chosen, read.split(KEY, "split of a", 0.5).private)
    assert (chosen != read.split(OTHER, "split of a", 0.5).private).any()
    assert (chosen != read.split(KEY, "split of b", 0.5).private).any()


def test_what_is_sealed_is_given_back(frame, tmp_path):
    hidden = read_test_table(written(frame, tmp_path / "t.csv")).split(KEY, "split", 0.5)
    back = unsealed_truth(sealed_truth(hidden, KEY, "truth"), KEY, "truth")
    np.testing.assert_array_equal(back.truth, hidden.truth)
    np.testing.assert_array_equal(back.clusters, hidden.clusters)
    np.testing.assert_array_equal(back.private, hidden.private)
    assert not back.is_binary
