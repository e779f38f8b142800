"""Agreement of two answers against closed forms, numpy and scipy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr

from genomark.benchmarks import Asking
from genomark.benchmarks.game.consistency_scores import (
    MEASURES,
    Agreement,
    PairScores,
)

RANDOM = np.random.default_rng(31)


def agreement_of(here: np.ndarray, there: np.ndarray) -> Agreement:
    return Agreement(here, there, np.zeros(here.size, dtype=np.int64))


def pairs(n: int = 40, shift: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    here = RANDOM.normal(5.0, 2.0, n)
    return here, here + RANDOM.normal(shift, 0.7, n)


def by_hand(measure: str, here: np.ndarray, there: np.ndarray) -> float:
    variance = (here.var() + there.var()) / 2
    apart = np.abs(here - there)
    return {
        "concordance": 1 - (apart**2).mean() / (2 * variance),
        "pearson": pearsonr(here, there).statistic,
        "mean_absolute_difference": apart.mean() / np.sqrt(variance),
        "p95_absolute_difference": np.quantile(apart, 0.95) / np.sqrt(variance),
    }[measure]


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_are_those_of_numpy(measure: str) -> None:
    here, there = pairs()
    value, reason = agreement_of(here, there).value(measure)

    assert reason is None
    assert value == pytest.approx(by_hand(measure, here, there), rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_replicate_is_the_measure_of_what_was_drawn(measure: str) -> None:
    here, there = pairs(30)
    clusters = np.repeat(np.arange(10), 3)
    drawn = RANDOM.multinomial(10, [0.1] * 10, size=20).astype(np.int32)
    found = Agreement(here, there, clusters).replicates(measure, drawn)

    for value, counts in zip(found, drawn, strict=True):
        rows = np.repeat(np.arange(30), counts[clusters])
        assert value == pytest.approx(by_hand(measure, here[rows], there[rows]), rel=1e-9)


def test_equal_answers_agree_wholly_however_far_from_zero() -> None:
    here = 1e6 + RANDOM.normal(size=50)
    agreement = agreement_of(here, here.copy())

    assert agreement.value("concordance") == (1.0, None)
    assert agreement.value("pearson") == (1.0, None)
    assert agreement.value("p95_absolute_difference") == (0.0, None)


def test_a_shift_is_forgiven_by_a_correlation_alone() -> None:
    here, _ = pairs()
    agreement = agreement_of(here, here + 4.0)

    assert agreement.value("pearson")[0] == pytest.approx(1.0)
    assert agreement.value("concordance")[0] == pytest.approx(1 - 16 / (2 * here.var()))


def test_answers_that_do_not_vary_say_nothing() -> None:
    same = np.full(20, 0.1) * 3

    for measure in MEASURES:
        assert agreement_of(same, same).value(measure) == (None, "constant prediction")
    assert agreement_of(same[:2], same[:2]).value("pearson") == (None, "fewer than 3 pairs (2)")


def scores(values: list[float | None]) -> PairScores:
    """Two groups of six pairs: those of `values`, and pairs that agree wholly."""
    items = pl.DataFrame(
        {
            "item_id": [f"s{row}" for row in range(24)],
            "value": [*values, *np.repeat([1.0, 4.0, 2.0, 8.0, 5.0, 7.0], 2).tolist()],
        }
    ).with_columns(reason=pl.when(pl.col("value").is_null()).then(pl.lit("too long")))
    frame = pl.DataFrame(
        {
            "group": ["one"] * 6 + ["other"] * 6,
            "cluster": [f"peak{number}" for number in range(6)] * 2,
            "here": list(range(0, 24, 2)),
            "there": list(range(1, 24, 2)),
        }
    )
    return PairScores(items, frame, "peaks", ("one", "other"))


def test_the_mean_is_over_groups_and_not_over_pairs() -> None:
    values = RANDOM.normal(size=12).tolist()
    rows = scores(values).rows(Asking(seed=3))
    one, other = values[::2], values[1::2]
    expected = by_hand("concordance", np.array(one), np.array(other))

    assert rows[0].name == "mean_concordance"
    assert rows[0].value == pytest.approx((expected + 1.0) / 2)
    by_group = {row.group: row.value for row in rows if row.name == "concordance"}
    assert by_group == pytest.approx({"one": expected, "other": 1.0})
    assert rows[0].interval[0] <= rows[0].value <= rows[0].interval[1]
    assert rows[0].n_clusters == 6


def test_a_pair_without_one_answer_is_left_out_and_counted() -> None:
    values: list[float | None] = RANDOM.normal(size=12).tolist()
    values[3] = None
    judged = scores(values)
    found = {(row.name, row.group): row for row in judged.rows(Asking())}

    assert found["concordance", "one"].n == 5
    assert found["concordance", "other"].n == 6
    coverage = judged.coverage()
    assert (coverage.asked, coverage.answered) == (24, 23)
    assert coverage.failed[0].reason == "too long"


def test_one_group_that_does_not_vary_leaves_the_mean_undefined() -> None:
    row = scores([0.5] * 12).rows(Asking())[0]

    assert row.value is None
    assert row.reason_if_null == "undefined in 1 of 2 groups ('one': constant prediction)"
    assert row.interval is None


def test_two_models_are_compared_on_pairs_that_both_answered() -> None:
    values = RANDOM.normal(size=12).tolist()
    shared = pl.Series([True] * 24)
    shared[2] = False
    judged = scores(values)
    headline = judged.headline(Asking(seed=5), shared)
    kept = [row for row in range(6) if row != 1]
    here, there = (np.array(values[side::2])[kept] for side in (0, 1))

    expected = (by_hand("concordance", here, there) + 1.0) / 2
    assert headline.value == pytest.approx(expected)
    assert headline.drawn.size == 1_000
    assert np.nanstd(headline.drawn) > 0
