"""Regions of a genome that others cover."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import UsageError

_COLUMNS = {"chrom": pl.String, "start": pl.Int64, "end": pl.Int64}


def overlaps(test_regions: pl.DataFrame, train_regions: pl.DataFrame) -> NDArray[np.float64]:
    """Give the share of each test region that training regions cover together.

    Chromosomes are told apart by their names as they are; that both are of one assembly is the
    caller's business.

    Parameters
    ----------
    test_regions, train_regions : pl.DataFrame
        Columns `chrom`, `start` and `end`, 0-based and half-open. A test row that misses one of
        them has no region.

    Returns
    -------
    ndarray of float64, shape (n_test,)
        From 0 to 1; NaN where there is no region.

    Raises
    ------
    UsageError
        If a column is missing, a region is empty or begins before 0, or a training row misses one
        of them.
    """
    test = _regions(test_regions, "test")
    train = _regions(train_regions, "training")
    known = np.array(
        test.select(pl.all_horizontal(pl.all().is_not_null())).to_series(), dtype=np.bool_
    )
    if train.null_count().sum_horizontal().sum():
        raise UsageError("A training region misses its chrom, start or end")
    share = np.full(test.height, np.nan)
    present = test.filter(known)
    chroms = pl.concat([present["chrom"], train["chrom"]]).unique().sort()
    lengths = pl.concat([present["end"], train["end"]]).max()
    # One axis for all chromosomes: each begins behind where the longest would end.
    stride = 1 + int(lengths) if isinstance(lengths, int) else 1
    starts, ends = _on_one_axis(present, chroms, stride)
    union_starts, union_ends = _union(*_on_one_axis(train, chroms, stride))
    covered = _covered_before(ends, union_starts, union_ends)
    covered -= _covered_before(starts, union_starts, union_ends)
    share[known] = covered / (ends - starts)
    return share


def _regions(frame: pl.DataFrame, what: str) -> pl.DataFrame:
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise UsageError(f"The {what} regions have no column '{missing[0]}'")
    regions = frame.select(pl.col(name).cast(kind) for name, kind in _COLUMNS.items())
    wrong = regions.with_row_index("row").filter(
        (pl.col("start") < 0) | (pl.col("end") <= pl.col("start"))
    )
    if wrong.height:
        row, chrom, start, end = wrong.row(0)
        raise UsageError(
            f"{what.capitalize()} region {row + 1:,} is {chrom}:{start}-{end}; expected "
            "0 <= start < end (0-based, half-open)"
        )
    return regions


def _on_one_axis(
    regions: pl.DataFrame, chroms: pl.Series, stride: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    offsets = chroms.search_sorted(regions["chrom"]).cast(pl.Int64).to_numpy() * stride
    return regions["start"].to_numpy() + offsets, regions["end"].to_numpy() + offsets


def _union(
    starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Join regions that overlap or touch."""
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(ends[order])
    apart = np.flatnonzero(starts[1:] > reached[:-1]) + 1
    firsts = np.concatenate([np.zeros(min(1, starts.size), np.int64), apart])
    lasts = np.concatenate([apart - 1, np.full(min(1, starts.size), starts.size - 1)])
    return starts[firsts], reached[lasts]


def _covered_before(
    places: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count the covered letters before each place."""
    if starts.size == 0:
        return np.zeros(places.size, dtype=np.int64)
    whole = np.concatenate([[0], np.cumsum(ends - starts)])
    begun = np.searchsorted(starts, places, side="right")
    beyond = np.where(begun > 0, np.maximum(ends[begun - 1] - places, 0), 0)
    covered: NDArray[np.int64] = whole[begun] - beyond
    return covered
