"""Groups that share their clusters, against replicates that are spelled out."""

from __future__ import annotations

from statistics import mean

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.joint_scores import Drawing, Facet, JointScores, facet_row
from genomark.scoring import ScoringRule, kernels, metric
from genomark.scoring.intervals import percentiles

SEED = 5
RULE = ScoringRule(metrics=("pearson", "spearman"), cluster="families", grouped=True)


def answers(*, missing: int = 0) -> pl.DataFrame:
    """Two cell types measured with the same 60 sequences of 20 families, a third with 30 of 10."""
    draw = np.random.default_rng(1)
    families = np.concatenate([draw.integers(0, 10, 30), draw.integers(0, 20, 30)])
    frames = []
    for group, n in (("A", 60), ("B", 60), ("C", 30)):
        truth = draw.normal(size=n)
        value = truth + draw.normal(size=n)
        frames.append(
            pl.DataFrame(
                {
                    "item_id": [f"{group}{at}" for at in range(n)],
                    "task": group,
                    "group": group,
                    "cluster": [f"f{family:02}" for family in families[:n]],
                    "truth": truth,
                    "value": value,
                    "reason": pl.Series([None] * n, dtype=pl.String),
                }
            )
        )
    frame = pl.concat(frames)
    gone = pl.int_range(pl.len()) < missing
    return frame.with_columns(
        value=pl.when(gone).then(None).otherwise("value"),
        reason=pl.when(gone).then(pl.lit("refused")).otherwise("reason"),
    )


def drawn_items(frame: pl.DataFrame, replicate: int) -> pl.DataFrame:
    """Rows of a replicate, each as often as its cluster was drawn."""
    names = frame["cluster"].unique().sort()
    counts = np.empty(len(names), dtype=np.int32)
    kernels.draw_counts(np.uint64(SEED), replicate, counts)
    times = frame["cluster"].replace_strict(dict(zip(names, counts.tolist(), strict=True)))
    return frame[np.repeat(np.arange(frame.height), times.to_numpy())]


@pytest.mark.parametrize(("name", "function"), [("pearson", pearsonr), ("spearman", spearmanr)])
def test_groups_and_their_mean_are_those_of_scipy(name: str, function: object) -> None:
    frame = answers()
    rows = {(r.name, r.group): r for r in JointScores(frame, RULE).rows(Asking(seed=SEED))}
    expected = [
        function(part["value"], part["truth"]).statistic  # type: ignore[operator]
        for part in frame.partition_by("group", maintain_order=True)
    ]
    for group, value in zip("ABC", expected, strict=True):
        assert rows[name, group].value == pytest.approx(value, abs=1e-12)
    assert rows[f"mean_{name}", None].value == pytest.approx(mean(expected), abs=1e-12)
    assert (rows[name, "C"].n, rows[f"mean_{name}", None].n) == (30, 150)


def test_replicates_draw_the_same_clusters_for_all_groups() -> None:
    frame = answers()
    everything = pl.Series([True] * frame.height)
    headline = JointScores(frame, RULE).headline(Asking(seed=SEED), everything)
    for replicate in range(12):
        parts = drawn_items(frame, replicate).partition_by("group", maintain_order=True)
        expected = mean(pearsonr(part["value"], part["truth"]).statistic for part in parts)
        assert headline.drawn[replicate] == pytest.approx(expected, abs=1e-10)
    assert headline.clusters == frame["cluster"].n_unique()


def test_the_mean_has_the_interval_of_its_replicates() -> None:
    frame = answers()
    scores = JointScores(frame, RULE)
    headline = scores.headline(Asking(seed=SEED), pl.Series([True] * frame.height))
    row = scores.rows(Asking(seed=SEED))[0]
    assert (row.name, row.value) == ("mean_pearson", headline.value)
    assert row.interval == percentiles(headline.drawn, headline.clusters)


def test_a_part_is_drawn_as_the_whole_is() -> None:
    frame = answers()
    chosen = pl.Series(np.random.default_rng(2).random(frame.height) < 0.5)
    headline, clusters = JointScores(frame, RULE).part(Asking(seed=SEED), chosen)
    part = frame.filter(chosen)
    assert clusters == part["cluster"].n_unique()
    marked = frame.with_columns(chosen=chosen)
    for replicate in range(5):
        items = drawn_items(marked, replicate).filter("chosen")
        expected = mean(
            pearsonr(each["value"], each["truth"]).statistic
            for each in items.partition_by("group", maintain_order=True)
        )
        assert headline.drawn[replicate] == pytest.approx(expected, abs=1e-10)


def test_a_part_is_a_mean_over_the_groups_that_it_has() -> None:
    """None of B, and of C too few for a score."""
    frame = answers(missing=5)
    chosen = pl.Series((np.arange(150) < 60) | (np.arange(150) >= 148))
    scores = JointScores(frame, RULE)
    headline, clusters = scores.part(Asking(seed=SEED), chosen)
    only = frame[5:60]
    assert headline.value == pytest.approx(pearsonr(only["value"], only["truth"]).statistic)
    assert clusters == frame.filter(chosen & frame["value"].is_not_null())["cluster"].n_unique()
    groups = scores.groups_of(chosen)
    assert groups.items.to_list() == (frame["group"] == "A").to_list()
    assert (groups.there, groups.total) == (1, 2)
    assert scores.groups_of(pl.Series([True] * 150)).there == 3


def test_what_was_not_answered_is_left_out() -> None:
    frame = answers(missing=10)
    scores = JointScores(frame, RULE)
    row = next(r for r in scores.rows(Asking(seed=SEED)) if (r.name, r.group) == ("pearson", "A"))
    kept = frame.filter(pl.col("group") == "A")[10:]
    assert row.n == 50
    assert row.value == pytest.approx(pearsonr(kept["value"], kept["truth"]).statistic, abs=1e-12)
    assert scores.coverage().answered == 140


def test_a_group_without_a_value_leaves_the_mean_without_one() -> None:
    frame = answers().with_columns(
        value=pl.when(pl.col("group") == "B").then(1.5).otherwise("value")
    )
    scores = JointScores(frame, RULE)
    rows = {(r.name, r.group): r for r in scores.rows(Asking(seed=SEED))}
    assert rows["pearson", "B"].value is None
    assert rows["pearson", "B"].reason_if_null == "constant prediction"
    for name in ("mean_pearson", "mean_spearman"):
        assert rows[name, None].value is None
        assert rows[name, None].interval is None
        assert (
            rows[name, None].reason_if_null
            == "undefined in 1 of 3 groups ('B': constant prediction)"
        )
    assert scores.headline(Asking(seed=SEED), pl.Series([True] * frame.height)).value is None


def test_nothing_answered_is_no_number() -> None:
    frame = answers(missing=150)
    scores = JointScores(frame, RULE)
    rows = scores.rows(Asking(seed=SEED))
    assert [row.value for row in rows] == [None] * 8
    assert (
        rows[0].reason_if_null == "undefined in 3 of 3 groups ('A': none of 60 items has an answer)"
    )
    assert scores.headline(Asking(seed=SEED), pl.Series([True] * frame.height)).value is None


def test_a_facet_has_rows_of_its_own() -> None:
    frame = answers()
    some = frame.filter(pl.col("group") == "A").head(40)
    row = facet_row("pearson", Facet("few", some, "special_"), Drawing.of(frame, SEED), "families")
    assert (row.name, row.group, row.n) == ("special_pearson", "few", 40)
    assert row.value == pytest.approx(pearsonr(some["value"], some["truth"]).statistic, abs=1e-12)
    assert row.interval is not None
    assert row.interval[0] < row.value < row.interval[1]


def test_means_are_drawn_like_metrics() -> None:
    frame = answers()
    drawn = Drawing.of(frame, SEED).mean(frame["truth"].to_numpy(), frame)
    for replicate in range(5):
        expected = drawn_items(frame, replicate)["truth"].mean()
        assert drawn[replicate] == pytest.approx(expected, abs=1e-12)
    one = frame.filter(pl.col("group") == "A")
    found = Drawing.of(frame, SEED).metric(metric("pearson"), one)
    items = drawn_items(frame, 3).filter(pl.col("group") == "A")
    assert found[3] == pytest.approx(pearsonr(items["value"], items["truth"]).statistic, abs=1e-10)
