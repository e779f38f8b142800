"""From items to rows: values, intervals, what they rest on, and what is left out."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from plain_loops import (
    ALL,
    CLASSIFICATIONS,
    counts_of,
    drawn_items,
    frame,
    plain,
    plain_interval,
    plain_percentiles,
    plain_rate_interval,
    plain_replicates,
    simulated,
    unequal_clusters,
)

from genomark.benchmarks import load_benchmark
from genomark.scoring import CONFIDENCE, METRICS, REPLICATES, ScoringRule, score
from genomark.scoring.score import cluster_numbers

EXPANDED = "expanded percentile bootstrap"
# Three elements; the first was measured in three experiments, the second in two.
ELEMENTS = {"a1": "A", "b1": "B", "a2": "A", "c1": "C", "b2": "B", "a3": "A"}


def close(pair):
    return pytest.approx(pair, rel=1e-12, abs=1e-12)


def grouped_items(name, *, seed=0, n=30):
    """Items of six experiments, three to a position, that fit the metric."""
    parts = []
    for number, (task, element) in enumerate(ELEMENTS.items()):
        prediction, truth = simulated(name, n, 100 * seed + number)
        part = frame(prediction, truth, [0] * n, task=[task] * n, subcluster=np.arange(n) // 3)
        parts.append(part.with_columns(cluster=pl.lit(element)))
    return pl.concat(parts)


def rows_of(items, rule, **settings):
    return {(row.name, row.group): row for row in score(items, rule, **settings)}


def test_a_rule_names_the_rows_that_rank():
    flat = ScoringRule(metrics=("pearson", "mse"), cluster="sequences")
    grouped = ScoringRule(metrics=("pearson", "mse"), cluster="elements", grouped=True)
    assert flat.headlines == ("pearson", "mse")
    assert grouped.headlines == ("mean_pearson", "mean_mse")
    assert (flat.headline, grouped.headline) == ("pearson", "mean_pearson")


@pytest.mark.parametrize("name", ALL)
def test_value_and_interval_are_those_of_a_plain_loop(name):
    prediction, truth = simulated(name, 120, 5)
    clusters = unequal_clusters(120, 5)
    rule = ScoringRule(metrics=(name,), cluster="genes")
    (row,) = score(frame(prediction, truth, clusters), rule, seed=8, replicates=200)
    expected = plain_replicates(name, prediction, truth, clusters, 200, 8)
    assert row.value == close(plain(name, prediction, truth))
    assert row.interval == close(plain_interval(name, row.value, expected, truth, clusters))
    assert row.interval[0] < row.value < row.interval[1]
    assert (row.name, row.group, row.reason_if_null) == (name, None, None)
    assert (row.n, row.n_clusters) == (120, clusters.max() + 1)
    how = "bootstrap on the logit scale" if name in CLASSIFICATIONS else EXPANDED
    assert row.method == f"95 % {how}, 200 replicates over genes"


def test_a_thousand_replicates_and_95_percent_are_the_default():
    prediction, truth = simulated("mse", 20, 5)
    rule = ScoringRule(metrics=("mse",), cluster="items")
    (row,) = score(frame(prediction, truth, range(20)), rule, seed=0)
    assert (REPLICATES, CONFIDENCE) == (1000, 0.95)
    expected = METRICS["mse"].replicates(prediction, truth, np.arange(20), 1000, 0)
    assert row.interval == close(plain_percentiles(expected, 20))


def test_rows_come_in_the_order_of_the_rule():
    prediction, truth = simulated("mse", 20, 5)
    rule = ScoringRule(metrics=("spearman", "mse", "pearson"), cluster="items")
    rows = score(frame(prediction, truth, range(20)), rule, seed=0, replicates=10)
    assert [row.name for row in rows] == ["spearman", "mse", "pearson"]


def test_the_same_seed_gives_the_same_rows_and_another_seed_other_intervals():
    prediction, truth = simulated("pearson", 50, 5)
    items = frame(prediction, truth, unequal_clusters(50, 5))
    rule = ScoringRule(metrics=("pearson",), cluster="items")
    first, again, other = (score(items, rule, seed=seed, replicates=50) for seed in (3, 3, 4))
    assert first == again
    assert first[0].value == other[0].value
    assert first[0].interval != other[0].interval


def test_the_order_of_rows_does_not_matter():
    prediction, truth = simulated("spearman", 60, 5)
    items = frame(prediction, truth, unequal_clusters(60, 5))
    rule = ScoringRule(metrics=("spearman",), cluster="items")
    (straight,) = score(items, rule, seed=3, replicates=50)
    (shuffled,) = score(items.sample(fraction=1, shuffle=True, seed=1), rule, seed=3, replicates=50)
    assert straight == shuffled


def test_clusters_are_numbered_by_name_without_gaps():
    assert cluster_numbers(pl.Series(["b", "a", "c", "b"])).tolist() == [1, 0, 2, 1]
    assert cluster_numbers(pl.Series([], dtype=pl.String)).tolist() == []


def test_items_without_an_answer_are_left_out():
    prediction, truth = simulated("pearson", 80, 2)
    clusters = np.arange(80) // 4
    prediction[[3, 8, 9, 10, 11, 50]] = np.nan  # all of cluster 2 among them
    items = frame(prediction, truth, clusters)
    rule = ScoringRule(metrics=("pearson", "spearman", "mse"), cluster="items")
    rows = score(items, rule, seed=1, replicates=60)
    assert rows == score(items.filter(pl.col("value").is_not_null()), rule, seed=1, replicates=60)
    answered = ~np.isnan(prediction)
    assert rows[0].value == close(plain("pearson", prediction[answered], truth[answered]))
    assert {(row.n, row.n_clusters) for row in rows} == {(74, 19)}


@pytest.mark.parametrize("grouped", [False, True])
def test_no_answers_at_all_give_reasons(grouped):
    items = grouped_items("mse").with_columns(value=pl.lit(None, dtype=pl.Float64))
    rule = ScoringRule(("pearson", "mse"), "elements", grouped, "positions" if grouped else None)
    rows = score(items, rule, seed=0, replicates=10)
    assert all(row.value is None and row.interval is None and row.n == 0 for row in rows)
    reasons = {row.name: row.reason_if_null for row in rows}
    if grouped:
        assert reasons["mean_pearson"] == (
            "undefined in 6 of 6 groups ('a1': fewer than 3 items (0))"
        )
    assert reasons["pearson"] == "fewer than 3 items (0)"
    assert reasons["mse"] == "no items"


@pytest.mark.parametrize("grouped", [False, True])
def test_no_items_at_all_give_no_number(grouped):
    items = grouped_items("mse").clear()
    rule = ScoringRule(("pearson",), "elements", grouped, "positions" if grouped else None)
    rows = score(items, rule, seed=0, replicates=10)
    assert [(row.value, row.reason_if_null) for row in rows] == [
        (None, "no items" if grouped else "fewer than 3 items (0)")
    ]


def test_one_cluster_has_a_value_and_no_interval():
    prediction, truth = simulated("pearson", 50, 2)
    rule = ScoringRule(metrics=("pearson",), cluster="elements")
    (row,) = score(frame(prediction, truth, [0] * 50), rule, seed=0)
    assert row.value == close(plain("pearson", prediction, truth))
    assert (row.interval, row.n_clusters, row.reason_if_null) == (None, 1, None)


@pytest.mark.parametrize("name", ALL)
def test_a_mean_over_groups_weighs_groups_and_resamples_their_clusters(name):
    items = grouped_items(name)
    rule = ScoringRule((name,), "elements", grouped=True, subcluster="positions")
    rows = rows_of(items, rule, seed=5, replicates=120)
    mean = rows[f"mean_{name}", None]
    values = np.array(
        [
            plain(name, part["value"].to_numpy(), part["truth"].to_numpy())
            for _, part in items.group_by("task", maintain_order=True)
        ]
    )
    clusters = np.array([ord(element) - ord("A") for element in ELEMENTS.values()])
    replicates = np.array(
        [values[drawn_items(counts_of(5, b, 3), clusters)].mean() for b in range(120)]
    )
    assert mean.value == close(values.mean())
    if name in CLASSIFICATIONS:
        assert mean.interval == close(plain_rate_interval(mean.value, replicates, 3, 180))
        assert mean.method.startswith("95 % bootstrap on the logit scale, 120 replicates")
    else:
        assert mean.interval == close(plain_percentiles(replicates, 3))
        assert mean.method == f"95 % {EXPANDED}, 120 replicates over elements"
    assert (mean.n, mean.n_clusters, mean.group) == (180, 3, None)


@pytest.mark.parametrize("name", ALL)
def test_a_group_is_resampled_by_the_sub_clusters_inside_it(name):
    items = grouped_items(name)
    rule = ScoringRule((name,), "elements", grouped=True, subcluster="positions")
    rows = rows_of(items, rule, seed=5, replicates=60)
    for (task,), part in items.group_by("task", maintain_order=True):
        row = rows[name, task]
        prediction, truth = part["value"].to_numpy(), part["truth"].to_numpy()
        clusters = cluster_numbers(part["subcluster"])
        expected = plain_replicates(name, prediction, truth, clusters, 60, 5)
        assert row.value == close(plain(name, prediction, truth))
        assert row.interval == close(plain_interval(name, row.value, expected, truth, clusters))
        assert (row.n, row.n_clusters) == (30, 10)
        assert row.method.endswith(", 60 replicates over positions")


def test_means_come_first_then_groups_in_the_order_of_the_items():
    rule = ScoringRule(("mse", "pearson"), "elements", grouped=True, subcluster="positions")
    rows = score(grouped_items("mse"), rule, seed=0, replicates=5)
    assert [(row.name, row.group) for row in rows] == [
        ("mean_mse", None),
        ("mean_pearson", None),
        *(("mse", task) for task in ELEMENTS),
        *(("pearson", task) for task in ELEMENTS),
    ]


def test_a_group_without_a_value_leaves_the_mean_without_one():
    items = grouped_items("pearson").with_columns(
        value=pl.when(pl.col("task") == "c1").then(0.5).otherwise("value"),
    )
    rule = ScoringRule(("pearson", "mse"), "elements", grouped=True, subcluster="positions")
    rows = rows_of(items, rule, seed=0, replicates=10)
    mean = rows["mean_pearson", None]
    assert (mean.value, mean.interval) == (None, None)
    assert mean.reason_if_null == "undefined in 1 of 6 groups ('c1': constant prediction)"
    assert rows["pearson", "c1"].reason_if_null == "constant prediction"
    assert rows["pearson", "a1"].value is not None
    assert rows["mean_mse", None].value is not None


def test_a_group_nobody_answered_still_counts():
    """Leaving out the hard experiment must not raise the mean."""
    items = grouped_items("pearson").with_columns(
        value=pl.when(pl.col("task") != "c1").then("value"),
    )
    rule = ScoringRule(("pearson",), "elements", grouped=True, subcluster="positions")
    rows = rows_of(items, rule, seed=0, replicates=10)
    assert rows["mean_pearson", None].reason_if_null == (
        "undefined in 1 of 6 groups ('c1': fewer than 3 items (0))"
    )
    assert rows["pearson", "c1"].n == 0
    assert len(rows) == 7


def test_groups_of_one_cluster_have_a_mean_and_no_interval():
    items = grouped_items("pearson").with_columns(cluster=pl.lit("A"))
    rule = ScoringRule(("pearson",), "elements", grouped=True, subcluster="positions")
    mean = rows_of(items, rule, seed=0, replicates=10)["mean_pearson", None]
    assert mean.value is not None
    assert (mean.interval, mean.n_clusters) == (None, 1)


def test_real_experiments_score_as_by_scipy(real_data):
    real_data("kircher2019", "elements.tsv.gz")
    benchmark = load_benchmark("kircher2019")
    truth = benchmark.items["truth"].to_numpy()
    noise = np.random.default_rng(0).normal(size=truth.size)
    items = benchmark.items.with_columns(value=0.2 * truth + 0.1 * noise)
    rows = rows_of(items, benchmark.rule, seed=0, replicates=100)
    assert rows["mean_pearson", None].n_clusters == 21
    assert len(rows) == 2 * (29 + 1)
    for name in benchmark.rule.metrics:
        for (task,), part in items.group_by("task"):
            expected = plain(name, part["value"].to_numpy(), part["truth"].to_numpy())
            assert rows[name, task].value == close(expected)
        groups = [rows[name, task].value for task in items["task"].unique()]
        assert rows[f"mean_{name}", None].value == close(np.mean(groups))
