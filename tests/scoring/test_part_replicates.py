"""The headline on a part of the items, drawn as all of them are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr

from genomark.scoring import (
    ScoringRule,
    groups_with_value,
    headline_replicates,
    metric,
    part_replicates,
)

PLAIN = ScoringRule(metrics=("spearman",), cluster="elements")
GROUPED = ScoringRule(
    metrics=("pearson",), cluster="elements", grouped=True, subcluster="positions"
)


def table(n: int = 240, tasks: int = 8, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    task = np.arange(n) * tasks // n
    truth = random.normal(size=n)
    return pl.DataFrame(
        {
            "task": [f"t{each}" for each in task],
            "cluster": [f"e{each // 2}" for each in task],
            "subcluster": [str(each) for each in range(n)],
            "truth": truth,
            "value": truth + random.normal(size=n),
        }
    )


@pytest.mark.parametrize("rule", [PLAIN, GROUPED])
def test_the_part_that_is_all_has_the_replicates_of_all(rule):
    frame = table()
    every = pl.repeat(True, frame.height, eager=True)
    found, clusters = part_replicates(frame, every, rule, seed=4)
    whole = headline_replicates(frame, rule, seed=4)
    assert clusters == found.clusters == whole.clusters == 4
    assert found.value == whole.value
    np.testing.assert_array_equal(found.drawn, whole.drawn)


def test_the_value_of_a_part_is_that_of_its_items():
    frame = table()
    chosen = frame["truth"] > -0.5
    found, _ = part_replicates(frame, chosen, PLAIN, seed=4)
    part = frame.filter(chosen)
    assert found.value == pytest.approx(spearmanr(part["value"], part["truth"])[0], abs=1e-12)


def test_groups_without_an_item_are_left_out_of_the_mean():
    frame = table()
    chosen = frame["task"].is_in(["t0", "t1", "t6"])
    found, clusters = part_replicates(frame, chosen, GROUPED, seed=4)
    by_task = [
        pearsonr(part["value"], part["truth"])[0]
        for _, part in frame.filter(chosen).group_by("task", maintain_order=True)
    ]
    assert found.value == pytest.approx(np.mean(by_task), abs=1e-12)
    assert (clusters, found.clusters) == (2, 4)


def test_a_replicate_has_of_a_part_what_it_has_of_all():
    """Clusters of 4: of a part that is one of them, a replicate has all of it or nothing."""
    frame = table(n=240)
    chosen = frame["cluster"] == "e3"
    found, clusters = part_replicates(frame, chosen, PLAIN, seed=4)
    assert clusters == 1
    defined = found.drawn[np.isfinite(found.drawn)]
    # The only cluster, once or several times over, has one rank correlation (but for ties).
    np.testing.assert_allclose(defined, found.value, atol=1e-9)
    missed = 1.0 - defined.size / found.drawn.size
    assert missed == pytest.approx((3 / 4) ** 4, abs=0.05)


def test_a_part_is_the_same_whatever_stands_in_the_other_part():
    frame = table()
    chosen = frame["cluster"].is_in(["e0", "e2"])
    other = frame.with_columns(
        value=pl.when(chosen).then("value").otherwise(pl.col("value") * -3.0)
    )
    one, _ = part_replicates(frame, chosen, PLAIN, seed=4)
    two, _ = part_replicates(other, chosen, PLAIN, seed=4)
    np.testing.assert_array_equal(one.drawn, two.drawn)


def test_rows_without_an_answer_are_in_no_part():
    frame = table().with_columns(
        value=pl.when(pl.int_range(240) % 3 == 0).then(None).otherwise("value")
    )
    chosen = pl.Series(np.arange(240) < 90)
    found, _ = part_replicates(frame, chosen, PLAIN, seed=4)
    part = frame.filter(chosen).drop_nulls("value")
    assert found.value == pytest.approx(spearmanr(part["value"], part["truth"])[0], abs=1e-12)


def test_an_empty_part_and_one_without_a_value_are_undefined():
    frame = table()
    nothing, clusters = part_replicates(frame, frame["truth"] > 99, PLAIN, seed=4)
    assert (nothing.value, clusters) == (None, 0)
    constant = frame.with_columns(value=pl.lit(1.0))
    for rule in (PLAIN, GROUPED):
        found, _ = part_replicates(constant, frame["truth"] > 0, rule, seed=4)
        assert found.value is None
        assert np.isnan(found.drawn).all()


def test_groups_that_are_too_small_for_a_score_are_left_out_of_the_mean():
    """Of one task two items are left, of another three that were measured the same."""
    frame = table().with_columns(truth=pl.when(pl.col("task") == "t3").then(2.0).otherwise("truth"))
    rank = pl.int_range(pl.len()).over("task")
    few = (pl.col("task") == "t0") & (rank < 2) | (pl.col("task") == "t3") & (rank < 3)
    chosen = frame.select(few | pl.col("task").is_in(["t1", "t6"])).to_series()
    found, clusters = part_replicates(frame, chosen, GROUPED, seed=4)
    assert groups_with_value(frame.filter(chosen), metric("pearson")) == ["t1", "t6"]
    by_task = [
        pearsonr(part["value"], part["truth"])[0]
        for part in frame.filter(pl.col("task").is_in(["t1", "t6"])).partition_by("task")
    ]
    assert found.value == pytest.approx(np.mean(by_task), abs=1e-12)
    assert (clusters, found.clusters) == (3, 4)
    # What a model answers decides nothing: a constant in a group that the part has is told.
    constant = frame.with_columns(
        value=pl.when(pl.col("task") == "t1").then(1.0).otherwise("value")
    )
    assert part_replicates(constant, chosen, GROUPED, seed=4)[0].value is None


def test_a_part_whose_groups_are_all_too_small_is_undefined():
    frame = table()
    chosen = pl.Series(np.arange(240) % 30 < 2)
    found, clusters = part_replicates(frame, chosen, GROUPED, seed=4)
    assert (found.value, clusters, found.clusters) == (None, 4, 4)
