"""Means over regions and what is between them, against numpy, scipy and the records of peers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr

from genomark.benchmarks import Asking
from genomark.benchmarks.game.track_scores import (
    TrackScores,
    constant,
    correlation,
    mean_row,
    published_correlation,
)

RANDOM = np.random.default_rng(61)


def frame(n: int = 30) -> pl.DataFrame:
    """Regions in ten clusters; every fifth has no number, and the first no answer."""
    values = RANDOM.uniform(0.2, 0.8, n)
    numbered = pl.DataFrame(
        {
            "item_id": [f"r{row}" for row in range(n)],
            "cluster": [f"c{row % 10}" for row in range(n)],
            "pearson": values,
            "value": RANDOM.normal(size=n),
            "truth": RANDOM.normal(size=n),
            "row": range(n),
        }
    )
    without = pl.col("row") % 5 == 0
    return numbered.with_columns(
        pearson=pl.when(~without).then("pearson"),
        value=pl.when(pl.col("row") > 0).then("value"),
        reason=pl.when(pl.col("row") == 0).then(pl.lit("too long")),
        undefined=pl.when(without & (pl.col("row") > 0)).then(pl.lit("constant prediction")),
    )


def test_correlation_is_that_of_scipy() -> None:
    here, there = RANDOM.normal(size=(2, 50)) * 1e6 + 1e6

    assert correlation(here, there) == pytest.approx(pearsonr(here, there).statistic, rel=1e-12)
    assert published_correlation(here, there) == correlation(here, there)
    assert correlation(here, here) == pytest.approx(1.0)


def test_what_does_not_vary_has_no_correlation_and_a_published_zero() -> None:
    same, other = np.full(20, 0.1) * 3, RANDOM.normal(size=20)

    assert correlation(same, other) is None
    assert correlation(other, same) is None
    assert published_correlation(same, other) == 0.0
    assert published_correlation(other, same) == 0.0
    assert correlation(other[:2], other[:2]) is None


def test_a_difference_in_the_last_bits_is_none() -> None:
    nearly = np.array([1.0, 1.0 + 2e-16, 1.0 - 1e-16, 1.0])

    assert constant(nearly)
    assert not constant(np.array([1.0, 1.0 + 1e-9]))
    assert constant(np.zeros(4))


def test_the_mean_leaves_out_what_has_no_number() -> None:
    regions = frame()
    row = mean_row("mean_pearson", regions, "pearson", "clusters", 7, unit="r")
    known = regions["pearson"].drop_nulls().to_numpy()

    assert row.value == pytest.approx(known.mean())
    assert (row.n, row.n_clusters, row.unit, row.group) == (24, 8, "r", None)
    assert row.interval[0] < row.value < row.interval[1]
    assert "over clusters" in row.method


def test_the_interval_is_as_wide_as_clusters_are_few() -> None:
    values = np.repeat(RANDOM.normal(size=20), 10)
    regions = pl.DataFrame({"x": values, "reason": None, "undefined": None}).with_columns(
        cluster=pl.Series(np.repeat([f"c{number}" for number in range(20)], 10))
    )
    alone = regions.with_columns(cluster=pl.Series([f"c{number}" for number in range(200)]))
    wide, narrow = (mean_row("x", each, "x", "c", 3).interval for each in (regions, alone))

    # Ten copies of each value are worth one.
    ratio = (wide[1] - wide[0]) / (narrow[1] - narrow[0])
    assert 2.5 < ratio < 4.5


def test_without_any_number_the_commonest_reason_is_told() -> None:
    regions = frame().with_columns(pearson=pl.lit(None, pl.Float64))
    row = mean_row("mean_pearson", regions, "pearson", "clusters", 7)

    assert row.value is None
    assert row.reason_if_null == "none of 30 has one: constant prediction (5)"
    empty = mean_row("mean_pearson", regions.clear(), "pearson", "clusters", 7)
    assert empty.reason_if_null == "no regions"
    silent = regions.with_columns(reason=None, undefined=None)
    told = mean_row("x", silent, "pearson", "clusters", 7).reason_if_null
    assert told.endswith("do not vary there")


def test_rows_between_regions_are_of_their_means() -> None:
    regions = frame()
    rows = TrackScores(regions, ["pearson"], "clusters", ("pearson", "spearman")).rows(Asking())
    named = {row.name: row for row in rows}
    known = regions.drop_nulls("value")

    assert list(named) == ["mean_pearson", "between_pearson", "between_spearman"]
    expected = pearsonr(known["value"], known["truth"]).statistic
    assert named["between_pearson"].value == pytest.approx(expected)
    assert named["between_pearson"].n == 29


def test_no_answer_and_no_number_are_both_counted() -> None:
    coverage = TrackScores(frame(), ["pearson"], "clusters").coverage()

    assert (coverage.asked, coverage.answered) == (30, 24)
    assert [(each.reason, each.items) for each in coverage.failed] == [
        ("constant prediction", 5),
        ("too long", 1),
    ]


def test_two_models_are_compared_on_regions_both_have() -> None:
    regions = frame()
    shared = regions["pearson"].is_not_null() & (regions["row"] > 10)
    headline = TrackScores(regions, ["pearson"], "clusters").headline(Asking(seed=5), shared)

    assert headline.value == pytest.approx(regions.filter(shared)["pearson"].mean())
    assert headline.clusters == 8
    nothing = pl.Series([False] * 30)
    assert TrackScores(regions, ["pearson"], "c").headline(Asking(), nothing).value is None
