"""The controls: what a perfect model and what chance would get."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, pearsonr, spearmanr

from genomark.benchmarks import SUITES, Benchmark, load_benchmark
from genomark.benchmarks.controls import OracleControl, RandomControl, control
from genomark.models import ItemPredictor, Predictor, load_model
from genomark.scoring import score
from genomark.scoring.intervals import percentiles
from genomark.scoring.score import headline_replicates

BENCHMARKS = SUITES["quickstart"]

names = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=20, unique=True)


@pytest.fixture(params=BENCHMARKS)
def benchmark_(request: pytest.FixtureRequest, real_data: Callable[[str, str], Path]) -> Benchmark:
    needs = {
        "kircher2019": ("kircher2019", "elements.tsv.gz"),
        "lentimpra-k562": ("lentimpra_k562_sample", "sample_test.txt"),
    }
    if request.param in needs:
        real_data(*needs[request.param])
    return load_benchmark(request.param)


def items_of(ids: list[str], task: str = "t") -> pl.DataFrame:
    return pl.DataFrame({"item_id": ids, "task": [task] * len(ids)})


def draw(ids: list[str], *, task: str = "t", benchmark: str = "b", seed: int = 0) -> list[float]:
    answers = RandomControl().predict_items(benchmark, items_of(ids, task), seed)
    assert answers.schema == {"value": pl.Float64, "reason": pl.String}
    assert answers["reason"].null_count() == len(ids)
    return answers["value"].to_list()


IDS = [f"item{number}" for number in range(5000)]


def test_the_oracle_is_perfect_on_every_benchmark(benchmark_: Benchmark) -> None:
    items = benchmark_.items
    answers = OracleControl().predict_items(
        benchmark_.id, items.select("item_id", "task", "truth"), 0
    )
    rows = score(items.hstack(answers), benchmark_.rule, seed=0, replicates=50)
    assert {row.name for row in rows} >= set(benchmark_.rule.headlines)
    for row in rows:
        assert row.value == pytest.approx(1.0, abs=1e-12)
        assert row.interval == pytest.approx((1.0, 1.0), abs=1e-12)


def test_only_the_oracle_is_handed_the_answers() -> None:
    assert OracleControl.reads_answers is True
    assert OracleControl.info.notes == ["reads the answers: not a model"]
    assert RandomControl.reads_answers is False


def test_both_are_asked_by_item() -> None:
    for spec, kind in (("control:random", RandomControl), ("control:oracle", OracleControl)):
        model = load_model(spec)
        assert isinstance(model, kind)
        assert isinstance(model, ItemPredictor)
        assert not isinstance(model, Predictor)
        assert model.info.id == spec
        model.check("any", items_of(["a"]))
    assert isinstance(control("random"), RandomControl)
    assert RandomControl.info.digest != OracleControl.info.digest


def test_random_answers_are_standard_normal() -> None:
    values = np.array(draw(IDS))
    # A thousandth of honest draws would fail this; the seed is fixed.
    assert kstest(values, "norm").pvalue > 0.001
    assert abs(values.mean()) < 4 / np.sqrt(values.size)
    assert abs(values.std() - 1) < 4 / np.sqrt(2 * values.size)
    assert np.isfinite(values).all()


@given(names, st.data())
def test_random_answers_do_not_depend_on_how_items_are_cut(
    ids: list[str], data: st.DataObject
) -> None:
    whole = dict(zip(ids, draw(ids), strict=True))
    shuffled = data.draw(st.permutations(ids))
    cut = data.draw(st.integers(0, len(ids)))
    in_parts = [*draw(shuffled[:cut]), *draw(shuffled[cut:])]
    assert dict(zip(shuffled, in_parts, strict=True)) == whole


def test_random_answers_differ_by_seed_benchmark_task_and_item() -> None:
    drawn = [
        draw(IDS),
        draw(IDS, seed=1),
        draw(IDS, benchmark="another"),
        draw(IDS, task="u"),
        draw([f"{name}x" for name in IDS]),
    ]
    for one, other in itertools.combinations(drawn, 2):
        assert not set(one) & set(other)
        assert abs(pearsonr(one, other).statistic) < 4 / np.sqrt(len(IDS))
        assert abs(spearmanr(one, other).statistic) < 4 / np.sqrt(len(IDS))
    assert draw(IDS, seed=1) == drawn[1]


def test_no_two_items_share_a_random_answer() -> None:
    assert len(set(draw(IDS))) == len(IDS)


def test_random_answers_are_the_same_on_every_machine() -> None:
    # From hashlib and statistics.NormalDist, without numpy or scipy.
    word = hashlib.blake2b(b"7\nsome-benchmark\nsome-task\nsome-item", digest_size=8).digest()
    uniform = ((int.from_bytes(word, "little") >> 11) + 0.5) / 2**53
    found = draw(["some-item"], task="some-task", benchmark="some-benchmark", seed=7)
    assert found == pytest.approx([NormalDist().inv_cdf(uniform)], rel=1e-9)


@pytest.mark.slow
def test_chance_is_told_for_chance(benchmark_: Benchmark) -> None:
    """A 95 % interval of random answers holds 0 for at least 90 of 100 seeds."""
    items = benchmark_.items
    for name in benchmark_.rule.metrics:
        rule = replace(benchmark_.rule, metrics=(name,))
        hits = 0
        for seed in range(100):
            answers = RandomControl().predict_items(benchmark_.id, items, seed)
            _, replicates, clusters = headline_replicates(items.hstack(answers), rule, seed=seed)
            interval = percentiles(replicates, clusters)
            assert interval is not None
            hits += interval[0] <= 0 <= interval[1]
        assert hits >= 90, f"{name}: 0 is inside {hits} of 100 intervals"
