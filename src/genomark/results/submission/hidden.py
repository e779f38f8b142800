"""Hidden labels of a test set: read once, split in secret, and sealed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.results.submission.sealed import BoardKey

#: Fewer clusters would give either share an interval that means nothing.
FEWEST_CLUSTERS = 20


@dataclass(frozen=True)
class HiddenTruth:
    """Labels of a test set, in the order of its items.

    Attributes
    ----------
    truth : ndarray of float64, shape (n, n_labels)
        NaN where an item is asked and not scored.
    clusters : ndarray of int64, shape (n,)
        Numbered from 0 without gaps.
    private : ndarray of bool, shape (n,)
        Which items are scored only when the board is frozen.
    """

    truth: NDArray[np.float64]
    clusters: NDArray[np.int64]
    private: NDArray[np.bool_]

    @cached_property
    def is_binary(self) -> bool:
        """Whether every label is 0 or 1."""
        return bool(np.isin(self.truth[np.isfinite(self.truth)], (0.0, 1.0)).all())

    def public_clusters(self) -> int:
        """Count clusters of the public share."""
        return int(np.unique(self.clusters[~self.private]).size)


@dataclass(frozen=True)
class TestTable:
    """A test set as the operator gives it.

    Attributes
    ----------
    items : list of str
        In the order of their names.
    labels : tuple of str
        Likewise.
    truth : ndarray of float64, shape (n, n_labels)
        NaN where an item is asked and not scored.
    clusters : ndarray of int64, shape (n,)
        Numbered from 0 without gaps.
    """

    items: list[str]
    labels: tuple[str, ...]
    truth: NDArray[np.float64]
    clusters: NDArray[np.int64]

    def check(self, where: str) -> None:
        """Refuse labels that nothing can be scored against.

        Parameters
        ----------
        where : str
            Names the file.

        Raises
        ------
        UsageError
            If a label is told of too few items, or is always the same.
        """
        for number, label in enumerate(self.labels):
            told = self.truth[np.isfinite(self.truth[:, number]), number]
            if told.size < FEWEST_CLUSTERS or told.min() == told.max():
                raise UsageError(
                    f"{where}: label '{label}' has {told.size:,} truths, or all the same; nothing "
                    "can be scored against them"
                )

    def split(self, key: BoardKey, purpose: str, share: float) -> HiddenTruth:
        """Choose by cluster, from the key, what is private.

        Parameters
        ----------
        key : BoardKey
            Who does not have it cannot tell which clusters were chosen.
        purpose : str
            Of the draw; another one chooses others.
        share : float
            Of the clusters, above 0 and below 1.

        Raises
        ------
        UsageError
            If there are too few clusters.
        """
        n = int(self.clusters.max()) + 1
        if n < FEWEST_CLUSTERS:
            raise UsageError(
                f"{n} clusters; expected {FEWEST_CLUSTERS} or more, to part them into a public "
                "and a private share. Leave the column cluster out where items are independent"
            )
        drawn = np.random.default_rng(key.seed(purpose)).permutation(n)
        chosen = drawn[: min(n - 2, max(2, round(share * n)))]
        return HiddenTruth(self.truth, self.clusters, np.isin(self.clusters, chosen))


def read_test_table(path: Path) -> TestTable:
    """Read the labels of a test set.

    Parameters
    ----------
    path : Path
        CSV, TSV or parquet with the columns `item_id`, `label`, `truth` and perhaps `cluster`. A
        truth left empty is asked for and not scored, as is each label that an item has no row of.

    Returns
    -------
    TestTable
        Items and labels in the order of their names.

    Raises
    ------
    UsageError
        If it is no such table; names no label's value.
    """
    frame = _read(path)
    names = ["item_id", "label"]
    for name in (*names, "cluster"):
        if frame[name].null_count():
            row = frame[name].is_null().arg_true()[0] + 1
            raise UsageError(f"{path}: row {row:,} has no {name}")
    if frame.select(names).is_duplicated().any():
        row = frame.select(names).is_duplicated().arg_true()[0] + 1
        raise UsageError(f"{path}: the item and label of row {row:,} are there twice")
    by_item = frame.group_by("item_id").agg(pl.col("cluster").n_unique(), first=pl.first("cluster"))
    by_item = by_item.sort("item_id")
    if (by_item["cluster"] > 1).any():
        item = by_item.filter(pl.col("cluster") > 1)["item_id"][0]
        raise UsageError(f"{path}: item '{item}' is in two clusters; expected one")
    labels = tuple(sorted(frame["label"].unique()))
    truth = _grid(frame, by_item["item_id"], labels)
    clusters = by_item["first"].rank("dense").to_numpy().astype(np.int64) - 1
    table = TestTable(by_item["item_id"].to_list(), labels, truth, clusters)
    table.check(str(path))
    return table


def _read(path: Path) -> pl.DataFrame:
    separator = "\t" if path.suffix in (".tsv", ".tab") else ","
    text = {"item_id": pl.String, "label": pl.String, "cluster": pl.String}
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, separator=separator, infer_schema=False)
        lacking = {"item_id", "label", "truth"} - set(frame.columns)
        if lacking:
            raise UsageError(f"{path}: no column {', '.join(sorted(lacking))}")
        if "cluster" not in frame.columns:
            frame = frame.with_columns(cluster="item_id")
        frame = frame.select(
            *(pl.col(name).cast(dtype) for name, dtype in text.items()),
            pl.col("truth").cast(pl.Float64, strict=False),
            given=pl.col("truth").is_not_null(),
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{path}: not a readable CSV, TSV or parquet table") from error
    wrong = frame.filter(pl.col("given") & ~pl.col("truth").is_finite().fill_null(value=False))
    if wrong.height or not frame.height:
        raise UsageError(f"{path}: {wrong.height:,} truths are not finite numbers, or it is empty")
    return frame


def _grid(frame: pl.DataFrame, items: pl.Series, labels: tuple[str, ...]) -> NDArray[np.float64]:
    truth = np.full((len(items), len(labels)), np.nan)
    rows = frame["item_id"].rank("dense").to_numpy().astype(np.int64) - 1
    columns = frame["label"].rank("dense").to_numpy().astype(np.int64) - 1
    truth[rows, columns] = frame["truth"].fill_null(np.nan).to_numpy()
    return truth


def sealed_truth(hidden: HiddenTruth, key: BoardKey, purpose: str) -> bytes:
    """Encrypt the labels of a test set, its clusters and its shares."""
    buffer = io.BytesIO()
    np.savez(buffer, truth=hidden.truth, clusters=hidden.clusters, private=hidden.private)
    return key.seal(buffer.getvalue(), purpose)


def unsealed_truth(sealed: bytes, key: BoardKey, purpose: str) -> HiddenTruth:
    """Give back what `sealed_truth` sealed.

    Raises
    ------
    GenomarkError
        If it was changed, or the key is another.
    """
    with np.load(io.BytesIO(key.unseal(sealed, purpose)), allow_pickle=False) as kept:
        return HiddenTruth(kept["truth"], kept["clusters"], kept["private"])
