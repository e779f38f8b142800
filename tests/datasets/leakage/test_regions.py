"""Shares of regions that others cover, against counting every letter."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets.leakage import overlaps
from genomark.errors import UsageError

REGION = st.tuples(
    st.sampled_from(["chr1", "chr2", "chrX"]), st.integers(0, 40), st.integers(1, 25)
)


def frame(regions: list[tuple[str, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        regions,
        schema={"chrom": pl.String, "start": pl.Int64, "end": pl.Int64},
        orient="row",
    )


@given(st.lists(REGION, max_size=8), st.lists(REGION, max_size=12))
def test_shares_are_those_of_letters_counted_one_by_one(
    test: list[tuple[str, int, int]], train: list[tuple[str, int, int]]
) -> None:
    test = [(chrom, start, start + size) for chrom, start, size in test]
    train = [(chrom, start, start + size) for chrom, start, size in train]
    covered = {(chrom, place) for chrom, start, end in train for place in range(start, end)}
    expected = [
        sum((chrom, place) in covered for place in range(start, end)) / (end - start)
        for chrom, start, end in test
    ]
    np.testing.assert_allclose(overlaps(frame(test), frame(train)), expected, atol=1e-15)


def test_a_missing_region_is_not_one_that_nothing_covers() -> None:
    test = pl.DataFrame({"chrom": ["chr1", None], "start": [0, None], "end": [10, None]})
    share = overlaps(test, frame([("chr1", 5, 50)]))
    assert share[0] == 0.5
    assert np.isnan(share[1])


def test_other_columns_and_integers_are_taken() -> None:
    test = frame([("chr1", 0, 10)]).with_columns(
        pl.lit(1).alias("score"), pl.col("start").cast(pl.UInt32)
    )
    assert overlaps(test, frame([("chr1", 0, 4), ("chr1", 2, 5)])).tolist() == [0.5]


@pytest.mark.parametrize(
    ("test", "train", "message"),
    [
        (frame([]).drop("end"), frame([]), "The test regions have no column 'end'"),
        (
            frame([("chr1", 5, 5)]),
            frame([]),
            "Test region 1 is chr1:5-5; expected 0 <= start < end",
        ),
        (frame([]), frame([("chr1", -1, 5)]), "Training region 1 is chr1:-1-5"),
        (
            frame([]),
            pl.DataFrame({"chrom": ["chr1"], "start": [None], "end": [5]}),
            "A training region misses",
        ),
    ],
)
def test_faulty_regions_are_told(test: pl.DataFrame, train: pl.DataFrame, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        overlaps(test, train)
