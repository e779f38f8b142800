from __future__ import annotations

import json
from itertools import chain

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_waiting import shard

from genomark.benchmarks import GeneOptions
from genomark.errors import GenomarkError, UsageError
from genomark.models.matcher_setting import MatcherSetting
from genomark.probes import parse_probe
from genomark.runs.order import BenchmarkMaker, Order
from genomark.runs.outcome import Meter
from genomark.runs.plan import Shard
from genomark.runs.plan_folder import PlanFolder, _shared_out, ranges


def written(folder, shards, jobs, order=None, maker=None):
    return PlanFolder(folder).write(
        shards,
        jobs,
        order=order or Order(models=("a",), benchmarks=("b",)),
        outputs={},
        maker=maker or BenchmarkMaker(),
        leakage=True,
    )


def shards_of(models: str, items: int = 10) -> list[Shard]:
    return [
        msgspec.structs.replace(shard(number, model), items=items, model_digest=model)
        for number, model in enumerate(models)
    ]


def test_what_is_read_is_what_was_planned(tmp_path):
    given = [
        msgspec.structs.replace(
            each,
            divisible=True,
            keep_response=True,
            limit=7,
            matcher=MatcherSetting("http://127.0.0.1:1", "v"),
            benchmark_digest="x",
        )
        for each in shards_of("abab")
    ]
    order = Order(
        models=("a", "b"),
        benchmarks=("c",),
        seed=4,
        guanine={"train": "1per"},
        gene_options=GeneOptions(probe=parse_probe("linear:C=nested"), include=("TP53",)),
    )
    maker = BenchmarkMaker(gene_options=order.gene_options, covering=("a",))
    plan = written(tmp_path, given, 2, order, maker)
    folder = PlanFolder(tmp_path)
    assert folder.read() == plan
    assert (plan.order, plan.maker, plan.jobs, plan.shards, plan.items) == (order, maker, 2, 4, 40)
    jobs = [folder.job(plan, number) for number in range(2)]
    # Each job has one model.
    assert [[each.model for each in job] for job in jobs] == [["a", "a"], ["b", "b"]]
    assert sorted(chain(*jobs), key=lambda each: each.part) == given


def test_the_same_plan_is_the_same_bytes_and_another_takes_its_place(tmp_path):
    written(tmp_path, shards_of("ab"), 2)
    first = {path.name: path.read_bytes() for path in (tmp_path / "plan").rglob("*.json")}
    written(tmp_path, shards_of("ab"), 2)
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "plan").rglob("*.json")}
    written(tmp_path, shards_of("abc"), 1)
    assert len(list((tmp_path / "plan").glob("*/"))) == 1


@given(st.lists(st.integers(0, 1000), max_size=60), st.integers(1, 40))
def test_jobs_are_neighbours_of_about_as_many_items(sizes, jobs):
    rows = [(0, number, size, str(number)) for number, size in enumerate(sizes)]
    shared = list(_shared_out(rows, jobs))
    assert list(chain(*shared)) == rows
    assert all(shared)
    assert len(shared) <= jobs
    share = sum(sizes) / jobs
    assert all(sum(row[2] for row in job) <= share + max(sizes) + 1 for job in shared)


def test_there_are_as_many_jobs_as_asked_for_where_shards_are_equal(tmp_path):
    assert written(tmp_path, shards_of("a" * 100), 7).jobs == 7
    assert written(tmp_path, shards_of("a" * 3), 7).jobs == 3
    assert written(tmp_path, [], 7).jobs == 0


def test_a_folder_without_a_plan_says_how_to_make_one(tmp_path):
    with pytest.raises(UsageError, match=r"holds no plan .*Make one: genomark plan"):
        PlanFolder(tmp_path).read()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"digest": 3}'])
def test_a_damaged_plan_is_told_from_none(tmp_path, content):
    written(tmp_path, shards_of("ab"), 2)
    (tmp_path / "plan" / "plan.json").write_text(content)
    with pytest.raises(GenomarkError, match=r"plan.json is damaged .*Plan anew"):
        PlanFolder(tmp_path).read()


def test_a_plan_of_another_version_is_refused(tmp_path):
    written(tmp_path, shards_of("ab"), 2)
    path = tmp_path / "plan" / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "genomark": "0.0.1"}))
    with pytest.raises(GenomarkError, match=r"written by genomark 0\.0\.1, and this is"):
        PlanFolder(tmp_path).read()


def test_there_is_no_job_beyond_the_last_and_a_damaged_one_is_said_to_be(tmp_path):
    plan = written(tmp_path, shards_of("ab"), 2)
    folder = PlanFolder(tmp_path)
    with pytest.raises(UsageError, match=r"there is no job 2: .* has 2, from 0 to 1"):
        folder.job(plan, 2)
    (tmp_path / "plan" / plan.digest / "00001.json").write_text("{")
    with pytest.raises(GenomarkError, match=r"00001\.json cannot be read"):
        folder.job(plan, 1)


def test_of_two_outcomes_the_newest_with_a_file_counts(tmp_path):
    folder = PlanFolder(tmp_path)
    made = Meter().outcome("d" * 32, "f" * 32)
    times = [
        msgspec.structs.replace(made, finished="2026-01-02T00:00:00", file_digest="1" * 32),
        msgspec.structs.replace(made, finished="2026-01-03T00:00:00", file_digest="2" * 32),
        msgspec.structs.replace(
            made, finished="2026-01-04T00:00:00", file_digest=None, error="no memory"
        ),
    ]
    for number, outcome in enumerate(times):
        folder.record_of(number).add(outcome)
    assert folder.outcomes()["d" * 32] == times[1]
    assert folder.outcomes(2) == {"d" * 32: times[2]}
    assert folder.outcomes(3) == {}


def test_numbers_are_written_as_schedulers_take_them():
    assert ranges([9, 0, 3, 4, 5]) == "0,3-5,9"
    assert ranges([]) == ""
