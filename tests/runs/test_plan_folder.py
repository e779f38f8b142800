from __future__ import annotations

import json
from itertools import chain

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_waiting import shard

from genomark.benchmarks import GeneOptions
from genomark.digests import digest_of_bytes
from genomark.errors import GenomarkError, UsageError
from genomark.models.matcher_setting import MatcherSetting
from genomark.probes import parse_probe
from genomark.runs.jobs import undone
from genomark.runs.order import BenchmarkMaker, Order
from genomark.runs.outcome import Meter, shard_path
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


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("plan.json", '"seed": 0', '"seed": 1', id="plan"),
        pytest.param("*/00001.json", "[1,1,", "[1,0,", id="part"),
        pytest.param("*/00001.json", "[1,1,", "[7,1,", id="evaluation"),
        pytest.param("*/00001.json", "00000001", "../../x1", id="digest"),
    ],
)
def test_what_is_damaged_and_still_well_formed_is_noticed(tmp_path, file, old, new):
    plan = written(tmp_path, shards_of("ab"), 2)
    (path,) = (tmp_path / "plan").glob(file)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    folder = PlanFolder(tmp_path)
    with pytest.raises(GenomarkError, match=r"is damaged \(its digest is another\)\. Plan anew"):
        folder.read() if file == "plan.json" else folder.job(plan, 1)


def test_there_is_no_job_beyond_the_last_and_a_damaged_one_is_said_to_be(tmp_path):
    plan = written(tmp_path, shards_of("ab"), 2)
    folder = PlanFolder(tmp_path)
    with pytest.raises(UsageError, match=r"there is no job 2: .* has 2, from 0 to 1"):
        folder.job(plan, 2)
    (tmp_path / "plan" / plan.digest / "00001.json").write_text("{")
    with pytest.raises(GenomarkError, match=r"00001\.json cannot be read"):
        folder.job(plan, 1)


def test_the_outcome_of_a_shard_is_the_one_whose_file_is_there(tmp_path):
    folder = PlanFolder(tmp_path)
    (made,) = shards_of("a")
    plan = written(tmp_path, [made], 1)
    path = shard_path(tmp_path, made.digest)
    path.parent.mkdir()
    path.write_bytes(b"now")
    for finished, content in (("2026-01-03", b"now"), ("2026-01-04", b"another")):
        # The clock of whoever wrote what is there was behind.
        outcome = Meter().outcome(made.digest, digest_of_bytes([content]))
        outcome = msgspec.structs.replace(outcome, finished=finished)
        folder.record_of(plan, 0).add(outcome)
    told = folder.told()[made.digest]
    assert len(told) == 2
    assert folder.kept(made, told).finished == "2026-01-03"
    path.write_bytes(b"damaged")
    assert folder.kept(made, told) is None
    path.unlink()
    assert folder.kept(made, told) is None


def test_errors_are_those_of_this_plan(tmp_path):
    folder = PlanFolder(tmp_path)
    (made,) = shards_of("a")
    first = written(tmp_path, [made], 1)
    folder.record_of(first, 0).add(Meter().outcome(made.digest, error="no memory"))
    told = folder.told()[made.digest]
    assert folder.failed(first, told).error == "no memory"
    second = written(tmp_path, [made, *shards_of("ab")[1:]], 1)
    assert folder.failed(second, told) is None
    assert undone(folder, second) == ([0], 2)


def test_numbers_are_written_as_schedulers_take_them():
    assert ranges([9, 0, 3, 4, 5]) == "0,3-5,9"
    assert ranges([]) == ""
