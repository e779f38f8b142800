from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import Toy, count_a

from genomark.benchmarks.controls import control
from genomark.benchmarks.simulated import SimulatedEnhancers
from genomark.errors import DatasetUnavailableError
from genomark.models import as_model, load_model
from genomark.runs import Plan, Settings, make_plan
from genomark.scoring import ModelIdentity


def plan(models=None, benchmark=None, **settings) -> Plan:
    models = models or [as_model(count_a)]
    benchmark = benchmark or Toy()
    named = [(model.info.id, model) for model in models]
    return make_plan(named, [(benchmark.id, benchmark)], Settings(**settings))


@given(n=st.integers(1, 40), size=st.integers(1, 50), limit=st.integers(1, 100))
def test_shards_cover_every_item_once_whatever_their_size(n, size, limit):
    benchmark = Toy(n)
    benchmark.max_request_items = size
    parts = list(benchmark.parts(limit))
    asked = [item for part in parts for item in part["item_id"]]
    assert sorted(asked) == sorted(benchmark.selected(limit)["item_id"])
    assert len(asked) == min(limit, 2 * n)
    assert all(part["task"].n_unique() == 1 and part.height <= size for part in parts)
    (evaluation,) = plan(benchmark=benchmark, limit=limit).evaluations
    assert [shard.items for shard in evaluation.shards] == [part.height for part in parts]
    assert len({shard.digest for shard in evaluation.shards}) == len(parts)


def test_the_same_question_has_the_same_digests():
    first, second = plan().evaluations[0], plan().evaluations[0]
    assert first.digest == second.digest
    assert [s.digest for s in first.shards] == [s.digest for s in second.shards]


def test_a_seed_changes_the_shards_of_a_control_and_not_those_of_a_model():
    def digests(model, seed):
        return [shard.digest for shard in plan([model], seed=seed).evaluations[0].shards]

    assert digests(control("random"), 0) != digests(control("random"), 1)
    assert digests(as_model(count_a), 0) == digests(as_model(count_a), 1)
    assert plan(seed=0).evaluations[0].digest != plan(seed=1).evaluations[0].digest


def test_another_model_has_other_shards():
    first = plan([load_model("gc")]).evaluations[0].shards
    second = plan([load_model("cpg")]).evaluations[0].shards
    assert not {s.digest for s in first} & {s.digest for s in second}


def test_two_ways_to_write_one_model_are_one_evaluation():
    models = [("kmer", load_model("kmer")), ("kmer:k=5", load_model("kmer:k=5"))]
    benchmark = SimulatedEnhancers()
    made = make_plan(models, [(benchmark.id, benchmark)], Settings())
    assert [evaluation.spec for evaluation in made.evaluations] == ["kmer"]


def test_a_benchmark_without_data_is_skipped_with_its_reason():
    class Absent(Toy):
        @property
        def items(self):
            raise DatasetUnavailableError("no data, and here is why")

    made = plan(benchmark=Absent())
    assert made.evaluations == []
    assert [(s.benchmark, s.model, s.reason) for s in made.skipped] == [
        ("toy", None, "no data, and here is why")
    ]


def test_a_model_that_cannot_predict_is_skipped_with_its_reason():
    class Mute:
        info = ModelIdentity(id="mute", version="1", digest="0")

    made = plan([Mute()])
    assert made.skipped[0].model == "mute"
    assert "needs a Predictor" in made.skipped[0].reason


def test_a_model_that_cannot_say_who_it_is_is_asked_once_and_has_failed():
    asked = []

    class Down:
        @property
        def info(self):
            asked.append(1)
            raise DatasetUnavailableError("down")

    benchmarks = [("one", Toy()), ("two", Toy(3))]
    made = make_plan([("down", Down())], benchmarks, Settings())
    assert [(f.benchmark, f.model, f.reason) for f in made.failed] == [
        ("one", "down", "down"),
        ("two", "down", "down"),
    ]
    assert len(asked) == 1


@pytest.mark.usefixtures("no_data")
def test_a_fit_without_data_is_skipped_with_its_reason():
    made = plan([load_model("kmer")])
    assert made.skipped[0].model == "kmer:k=5"
    assert "lentimpra_k562_sample" in made.skipped[0].reason
