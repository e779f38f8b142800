"""Runs in pieces, as those who plan them and those whose jobs wait in a queue see them."""

import socket
from dataclasses import replace

import pytest
from same_results import timeless

import genomark
from genomark.api.pieces import status
from genomark.errors import UsageError
from genomark.models import load_model, remote
from genomark.serving import predictor_app
from listening import listening

BENCHMARK = "simulated-enhancers"


def test_results_are_put_together_when_the_server_is_gone(tmp_path):
    with listening(predictor_app(load_model("gc"))) as url:
        asked = ([url, "cpg"], BENCHMARK)
        expected = genomark.run(
            *asked, limit=40, out=tmp_path / "run", workers=1, prediction_cache="off"
        )
        folder = tmp_path / "jobs"
        planned = genomark.plan(*asked, limit=40, out=folder)
        for job in range(planned.jobs):
            genomark.run_shard(folder, job, prediction_cache="off", progress=False)
    results = genomark.merge(folder, progress=False)
    assert results.failed == []
    assert timeless(results) == timeless(expected)


def test_a_server_that_does_not_answer_when_it_is_planned_stops_no_other_model(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(remote, "DEFAULTS", replace(remote.DEFAULTS, first_pause=0.01))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    planned = genomark.plan([url, "cpg"], BENCHMARK, limit=40, out=tmp_path)
    assert [each.model for each in planned.failed] == [url]
    for job in range(planned.jobs):
        genomark.run_shard(tmp_path, job, prediction_cache="off", progress=False)
    results = genomark.merge(tmp_path, progress=False)
    assert [each.model.id for each in results.results] == ["cpg"]
    assert [each.model for each in results.failed] == [url]


def test_a_job_of_an_earlier_plan_is_left_alone(tmp_path):
    first = genomark.plan("gc", BENCHMARK, limit=40, out=tmp_path)
    second = genomark.plan("cpg", BENCHMARK, limit=40, out=tmp_path)
    assert first.id != second.id
    with pytest.raises(
        UsageError, match=f"is one of plan {first.id}, and .* holds plan {second.id}"
    ):
        genomark.run_shard(tmp_path, 0, plan=first.id, progress=False)
    assert status(tmp_path).shards_undone == second.shards
    made = genomark.run_shard(tmp_path, 0, plan=second.id, prediction_cache="off", progress=False)
    assert made.computed > 0
