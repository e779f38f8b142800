"""Replicates that several threads share out are those of one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.scoring import ScoringRule, headline_replicates, metrics, part_replicates, score
from genomark.scoring.metrics import METRICS


@pytest.fixture(autouse=True)
def always(monkeypatch):
    monkeypatch.setattr(metrics, "_WORTH_THREADS", 0)


def arrays(n: int = 400):
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, n).astype(np.float64)
    # Ties, and clusters of several items.
    return np.round(truth + random.normal(size=n), 1), truth, random.integers(0, n // 2, n)


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("name", METRICS)
def test_no_replicate_depends_on_threads(name, threads):
    one = METRICS[name].replicates(*arrays(), 50, 9)
    several = METRICS[name].replicates(*arrays(), 50, 9, threads=threads)
    np.testing.assert_array_equal(one, several)


def test_more_threads_than_replicates_are_no_fault():
    measure = METRICS["spearman"]
    one, several = (measure.replicates(*arrays(), 3, 9, threads=n) for n in (1, 8))
    np.testing.assert_array_equal(one, several)


def test_a_few_items_are_not_worth_a_thread(monkeypatch):
    monkeypatch.setattr(metrics, "_WORTH_THREADS", 400 * 50 + 1)
    monkeypatch.setattr(metrics, "ThreadPoolExecutor", None)
    assert METRICS["mse"].replicates(*arrays(), 50, 9, threads=2).size == 50


@pytest.mark.parametrize("grouped", [False, True])
def test_no_row_depends_on_threads(grouped):
    value, truth, clusters = arrays()
    items = pl.DataFrame(
        {
            "task": np.where(clusters % 2, "a", "b"),
            "cluster": clusters % 2 if grouped else clusters,
            "subcluster": clusters,
            "truth": truth,
            "value": value,
        }
    )
    rule = ScoringRule(("auroc", "pearson"), "elements", grouped, "items" if grouped else None)
    one, two = (score(items, rule, seed=1, replicates=60, threads=n) for n in (1, 2))
    assert one == two
    chosen = items["truth"] >= items["value"].round()
    for made in (
        lambda n: headline_replicates(items, rule, seed=1, replicates=60, threads=n),
        lambda n: part_replicates(items, chosen, rule, seed=1, replicates=60, threads=n)[0],
    ):
        one, two = made(1), made(2)
        assert one.value == two.value
        np.testing.assert_array_equal(one.drawn, two.drawn)


def test_counts_of_a_byte_hold_what_is_drawn():
    # The most that 1,000 draws of many clusters ever have is far below 255.
    most = 0
    counts = np.empty(100_000, metrics.COUNTS)
    for replicate in range(20):
        metrics.kernels.draw_counts(np.uint64(0), replicate, counts)
        assert int(counts.sum(dtype=np.int64)) == counts.size
        most = max(most, int(counts.max()))
    assert most < 20
