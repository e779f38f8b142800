"""Regions of a genome: where two sets meet, and which of one set overlap."""

from __future__ import annotations

import polars as pl


def intersections(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Cut out every stretch that a region of one set and a region of another have in common.

    Parameters
    ----------
    left, right : polars.DataFrame
        `chrom`, `start`, `end`, 0-based and half-open.

    Returns
    -------
    polars.DataFrame
        `chrom`, `start`, `end`, one row a pair that meets, each stretch once, by chromosome and
        place.
    """
    pairs = left.join(right, on="chrom", suffix="_right").filter(
        (pl.col("start") < pl.col("end_right")) & (pl.col("start_right") < pl.col("end"))
    )
    return (
        pairs.select(
            "chrom",
            start=pl.max_horizontal("start", "start_right"),
            end=pl.min_horizontal("end", "end_right"),
        )
        .unique()
        .sort("chrom", "start", "end")
    )


def with_clusters(regions: pl.DataFrame) -> pl.DataFrame:
    """Add `cluster`: regions that overlap, along any chain, share one.

    Parameters
    ----------
    regions : polars.DataFrame
        `chrom`, `start`, `end`, sorted by these.
    """
    reached = pl.col("end").cum_max().shift(1).over("chrom")
    begins = (pl.col("start") >= reached).fill_null(value=True)
    return regions.with_columns(cluster=pl.format("cluster{}", begins.cast(pl.Int64).cum_sum()))
