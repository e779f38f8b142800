"""Models are compared on what both answered, replicate by replicate."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from plain_loops import (
    ALL,
    CLASSIFICATIONS,
    compare_frames,
    counts_of,
    drawn_items,
    frame,
    plain,
    plain_percentiles,
    plain_replicates,
    simulated,
    unequal_clusters,
)

from genomark.scoring import ScoringRule, headline_replicates, score

N = 90


def close(number):
    return pytest.approx(number, rel=1e-12, abs=1e-12)


def two_models(name, *, gaps=False, seed=1):
    """Truth, clusters, and the predictions of a better and a worse model."""
    good, truth = simulated(name, N, seed)
    random = np.random.default_rng(seed + 1)
    bad = good + random.normal(size=N)
    if gaps:
        good[random.random(N) < 0.2] = np.nan
        bad[random.random(N) < 0.2] = np.nan
    clusters = unequal_clusters(N, seed)
    frames = {model: frame(value, truth, clusters) for model, value in (("a", good), ("b", bad))}
    return frames, truth, clusters


def only(pairs):
    (pair,) = pairs
    return pair


@pytest.mark.parametrize("gaps", [False, True], ids=["all answered", "gaps"])
@pytest.mark.parametrize("name", ALL)
def test_the_paired_difference_is_that_of_a_plain_loop(name, gaps):
    frames, truth, clusters = two_models(name, gaps=gaps)
    rule = ScoringRule((name,), "items")
    pair = only(compare_frames("simulated", frames, rule, seed=6, replicates=120))
    a, b = (frames[model]["value"].fill_null(np.nan).to_numpy() for model in "ab")
    shared = ~(np.isnan(a) | np.isnan(b))
    assert shared.all() != gaps
    a, b, truth = a[shared], b[shared], truth[shared]
    clusters = np.unique(clusters[shared], return_inverse=True)[1]
    difference = plain(name, a, truth) - plain(name, b, truth)
    replicates = plain_replicates(name, a, truth, clusters, 120, 6) - plain_replicates(
        name, b, truth, clusters, 120, 6
    )
    interval = plain_percentiles(replicates, clusters.max() + 1)
    assert pair.difference == close(difference)
    assert pair.interval == close(interval)
    assert pair.tied == (interval[0] <= 1e-12 and interval[1] >= -1e-12)
    assert pair.n == shared.sum()
    assert (pair.benchmark, pair.metric) == ("simulated", name)
    assert (pair.model_a, pair.model_b) == ("a", "b")


def test_a_grouped_difference_is_of_means_over_the_same_clusters():
    random = np.random.default_rng(0)
    tasks = np.repeat([f"task{number}" for number in range(9)], 10)
    clusters = np.repeat([0, 0, 1, 2, 3, 3, 3, 4, 5], 10)
    truth = random.normal(size=N)
    predictions = {model: truth + random.normal(size=N) for model in "ab"}
    frames = {
        model: frame(values, truth, clusters, task=tasks) for model, values in predictions.items()
    }
    rule = ScoringRule(("spearman",), "elements", grouped=True, subcluster="positions")
    pair = only(compare_frames("simulated", frames, rule, seed=2, replicates=150))
    gaps = np.array(
        [
            plain("spearman", predictions["a"][part], truth[part])
            - plain("spearman", predictions["b"][part], truth[part])
            for part in np.arange(N).reshape(9, 10)
        ]
    )
    replicates = np.array(
        [gaps[drawn_items(counts_of(2, b, 6), clusters[::10])].mean() for b in range(150)]
    )
    assert pair.difference == close(gaps.mean())
    assert pair.interval == close(plain_percentiles(replicates, 6))
    assert pair.metric == "mean_spearman"


def test_only_the_first_metric_is_compared():
    frames, _, _ = two_models("mse")
    pairs = compare_frames(
        "x", frames, ScoringRule(("mse", "pearson"), "items"), seed=0, replicates=20
    )
    assert only(pairs).metric == "mse"


def test_every_pair_is_compared_once_in_the_order_given():
    frames, _, _ = two_models("mse")
    frames = {"z": frames["a"], "y": frames["b"], "x": frames["a"], "w": frames["b"]}
    pairs = compare_frames("x", frames, ScoringRule(("mse",), "items"), seed=0, replicates=20)
    found = [(pair.model_a, pair.model_b) for pair in pairs]
    assert found == list(itertools.combinations("zyxw", 2))


@pytest.mark.parametrize("name", ALL)
def test_swapping_two_models_turns_the_sign(name):
    frames, _, _ = two_models(name, gaps=True)
    rule = ScoringRule((name,), "items")
    there = only(compare_frames("x", frames, rule, seed=0, replicates=80))
    back = only(compare_frames("x", dict(reversed(frames.items())), rule, seed=0, replicates=80))
    assert back.difference == -there.difference
    assert back.interval == close((-there.interval[1], -there.interval[0]))
    assert back.tied == there.tied


def test_a_third_model_with_gaps_does_not_change_the_comparison_of_the_others():
    frames, truth, clusters = two_models("pearson")
    rule = ScoringRule(("pearson",), "items")
    alone = only(compare_frames("x", frames, rule, seed=0, replicates=50))
    lazy = np.where(np.arange(N) < 40, truth, np.nan)
    three = compare_frames(
        "x", {**frames, "c": frame(lazy, truth, clusters)}, rule, seed=0, replicates=50
    )
    assert three[0] == alone
    assert [pair.n for pair in three] == [N, 40, 40]


@pytest.mark.parametrize("name", ALL)
def test_a_model_ties_with_itself(name):
    frames, _, _ = two_models(name)
    pair = only(
        compare_frames(
            "x", {"a": frames["a"], "copy": frames["a"]}, ScoringRule((name,), "items"), seed=0
        )
    )
    assert (pair.difference, pair.interval, pair.tied) == (0.0, (0.0, 0.0), True)


def test_models_that_differ_by_rounding_alone_tie():
    """Linear in each other: every replicate may differ by the same last digit."""
    rule = ScoringRule(("pearson",), "items")
    ends = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        truth, x = random.normal(size=(2, 24))
        clusters = np.arange(24) // 12
        frames = {
            "a": frame(x, truth, clusters),
            "b": frame(random.uniform(0.1, 9) * x + 0.3, truth, clusters),
        }
        pair = only(compare_frames("x", frames, rule, seed=seed, replicates=200))
        assert pair.tied
        ends.append(pair.interval)
    assert any(low > 0 or high < 0 for low, high in ends), "the case does not occur"


def test_a_small_but_steady_difference_is_found_where_intervals_overlap():
    """What pairing is for: the noise that two models share cancels."""
    random = np.random.default_rng(4)
    truth = random.normal(size=400)
    shared = truth + random.normal(size=400)
    frames = {
        model: frame(shared + noise * random.normal(size=400), truth, range(400))
        for model, noise in (("a", 0.1), ("b", 0.4))
    }
    rule = ScoringRule(("pearson",), "items")
    (low_a, _), (_, high_b) = (
        score(frames[model], rule, seed=0, replicates=500)[0].interval for model in "ab"
    )
    assert low_a < high_b
    pair = only(compare_frames("x", frames, rule, seed=0, replicates=500))
    assert not pair.tied
    assert pair.interval[0] > 0


@pytest.mark.parametrize("grouped", [False, True])
def test_one_cluster_shows_no_difference(grouped):
    truth = np.arange(20.0)
    frames = {
        "a": frame(truth, truth, [0] * 20),
        "b": frame(np.sin(truth), truth, [0] * 20),
    }
    rule = ScoringRule(("pearson",), "elements", grouped, "positions" if grouped else None)
    pair = only(compare_frames("x", frames, rule, seed=0, replicates=50))
    assert pair.difference > 0.5
    assert (pair.interval, pair.tied) == (None, True)


@pytest.mark.parametrize("name", ["pearson", *CLASSIFICATIONS])
def test_pairs_without_a_defined_difference_are_left_out(name):
    frames, truth, clusters = two_models(name)
    frames["constant"] = frame(np.full(N, 0.5), truth, clusters)
    frames["silent"] = frame(np.full(N, np.nan), truth, clusters)
    pairs = compare_frames("x", frames, ScoringRule((name,), "items"), seed=0, replicates=20)
    assert [(pair.model_a, pair.model_b) for pair in pairs] == [("a", "b")]


def test_models_that_share_no_item_are_not_compared():
    truth = np.arange(10.0)
    frames = {
        "a": frame(np.where(truth < 5, truth, np.nan), truth, range(10)),
        "b": frame(np.where(truth < 5, np.nan, truth), truth, range(10)),
    }
    for rule in (
        ScoringRule(("mse",), "items"),
        ScoringRule(("mse",), "items", grouped=True, subcluster="positions"),
    ):
        assert compare_frames("x", frames, rule, seed=0, replicates=10) == []


def test_a_group_undefined_on_shared_items_leaves_the_pair_out():
    truth = np.tile(np.arange(5.0), 4)
    tasks = np.repeat(list("pqrs"), 5)
    clusters = np.repeat(range(4), 5)
    flat = np.where(tasks == "q", 1.0, truth)
    frames = {
        "a": frame(truth, truth, clusters, task=tasks),
        "b": frame(flat, truth, clusters, task=tasks),
    }
    rule = ScoringRule(("pearson",), "elements", grouped=True, subcluster="positions")
    assert compare_frames("x", frames, rule, seed=0, replicates=10) == []


@pytest.mark.parametrize("grouped", [False, True])
def test_the_value_compared_is_the_value_shown(grouped):
    frames, _, _ = two_models("spearman")
    rule = ScoringRule(("spearman",), "items", grouped, "positions" if grouped else None)
    value, replicates, clusters = headline_replicates(frames["a"], rule, seed=3, replicates=70)
    shown = score(frames["a"], rule, seed=3, replicates=70)[0]
    assert (value, replicates.size) == (shown.value, 70)
    if not grouped:
        assert plain_percentiles(replicates, clusters) == close(shown.interval)


def test_few_models_or_none_give_no_pairs():
    frames, _, _ = two_models("mse")
    rule = ScoringRule(("mse",), "items")
    assert compare_frames("x", {}, rule, seed=0) == []
    assert compare_frames("x", {"a": frames["a"]}, rule, seed=0) == []
    assert isinstance(frames["a"], pl.DataFrame)


@pytest.mark.parametrize("name", ["pearson", "mse"])
def test_superiority_is_the_share_of_replicates_in_which_the_first_is_better(name):
    frames, _, _ = two_models(name)
    rule = ScoringRule((name,), "items")
    pair = only(compare_frames("x", frames, rule, seed=5, replicates=40))
    a, b = (headline_replicates(frames[each], rule, seed=5, replicates=40).drawn for each in "ab")
    wins = [x < y if name == "mse" else x > y for x, y in zip(a, b, strict=True)]
    assert pair.superiority == sum(wins) / 40
    same = only(compare_frames("x", {"a": frames["a"], "c": frames["a"]}, rule, seed=5))
    assert same.superiority == 0.5
