"""The executor's own decisions, with workers that are played."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from test_waiting import shard

from genomark.errors import GenomarkError, WriteError
from genomark.runs import dask_executor as module
from genomark.runs.dask_executor import DaskExecutor
from genomark.runs.outcome import Meter, shard_path
from genomark.runs.post import Delivery
from genomark.runs.waiting import Waiting
from genomark.runs.workers import Equipment


class KilledWorker(Exception):
    """Called as that of Dask is."""


class Played:
    """A cluster that does what a test says."""

    address = "tcp://played:1"

    def __init__(self, workers=("w1",)):
        self.there = list(workers)
        self.handed: list[tuple[str, str | None]] = []
        self.sent: dict[str, object] = {}
        self.closed = False

    def workers(self):
        return list(self.there)

    def hand_out(self, key, shard, worker):
        self.handed.append((key, worker))

    def ended(self, seconds):
        sent, self.sent = self.sent, {}
        return sent

    def close(self):
        self.closed = True


def delivery(made, **files):
    return Delivery(Meter().outcome(made.digest, "f" * 32), "w1", files)


@pytest.fixture
def played(monkeypatch):
    cluster = Played()
    monkeypatch.setattr(module, "Cluster", lambda client, errand: cluster)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)
    return cluster


@pytest.fixture
def executor(tmp_path, played):
    return DaskExecutor(lambda: nullcontext(None), tmp_path, Equipment())


def handed_on(executor, shards):
    waiting = Waiting()
    for each in shards:
        waiting.add(each)
    number = 0
    while (picked := executor.pick(waiting, number)) is not None:
        executor.submit(picked)
        number += 1
    return waiting


def test_workers_get_two_each_and_the_scheduler_some_by_which_it_may_ask_for_more(executor, played):
    played.there = ["w1", "w2"]
    handed_on(executor, [shard(number, "a") for number in range(50)])
    placed = [worker for _, worker in played.handed]
    assert placed[:4].count("w1") == placed[:4].count("w2") == 2
    assert placed[4:] == [None] * 4


def test_before_there_are_workers_some_shards_lie_at_the_scheduler(executor, played):
    played.there = []
    handed_on(executor, [shard(number, "a") for number in range(50)])
    assert [worker for _, worker in played.handed] == [None] * 4


def test_workers_that_come_later_are_noticed_while_others_compute(executor, played):
    waiting = handed_on(executor, [shard(number, "a") for number in range(50)])
    before = len(played.handed)
    played.there.append("w2")
    assert list(executor.as_completed()) == []
    assert executor.pick(waiting, before) is not None


def test_what_a_worker_without_the_folder_sends_is_kept(executor, played, tmp_path):
    made = shard(1, "a")
    executor.submit(made)
    played.sent[made.digest] = delivery(made, shard=b"rows", response=b"{}")
    (outcome,) = executor.as_completed()
    assert outcome.error is None
    assert shard_path(tmp_path, made.digest).read_bytes() == b"rows"
    assert (tmp_path / "responses" / f"{made.digest}.json").read_bytes() == b"{}"


def test_a_shard_of_workers_that_died_is_handed_out_anew_and_then_given_up(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    outcomes = executor.as_completed()
    played.ended = lambda seconds: {made.digest: KilledWorker()}
    (outcome,) = outcomes
    assert len(played.handed) == 3
    assert "died, one after another" in outcome.error


def test_a_shard_that_comes_back_at_last_is_as_good_as_any(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    answers = [KilledWorker(), OSError("lost"), delivery(made)]
    played.ended = lambda seconds: {made.digest: answers.pop(0)}
    (outcome,) = executor.as_completed()
    assert outcome.error is None


def test_workers_that_cannot_compute_at_all_end_the_run(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    played.ended = lambda seconds: {made.digest: ImportError("no numba")}
    with pytest.raises(GenomarkError, match=r"the workers of tcp://played:1 cannot compute: no nu"):
        list(executor.as_completed())


def test_a_disk_that_refuses_a_worker_ends_the_run_with_its_words(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    played.ended = lambda seconds: {made.digest: WriteError("Cannot write x: disk full")}
    with pytest.raises(WriteError, match="Cannot write x: disk full"):
        list(executor.as_completed())


def test_it_connects_with_the_first_shard_and_lets_go_at_the_end(tmp_path, played):
    seen = []

    @contextmanager
    def connect():
        seen.append("in")
        yield None
        seen.append("out")

    executor = DaskExecutor(connect, tmp_path, Equipment())
    assert executor.pick(Waiting(), 0) is None
    executor.cancel()
    assert seen == []
    executor.submit(shard(1, "a"))
    executor.cancel()
    assert seen == ["in", "out"]
    assert played.closed


def test_that_nobody_is_there_is_said_and_said_again_later(tmp_path, played, monkeypatch):
    said: list[str] = []
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    played.there = []
    executor = DaskExecutor(lambda: nullcontext(None), tmp_path, Equipment(), tell=said.append)
    waiting = Waiting()
    waiting.add(shard(1, "a"))
    for seconds in (0, 1, 4, 6, 30, 64, 70):
        now[0] = float(seconds)
        executor._look()
    assert said == ["no workers at tcp://played:1 yet: waiting for them"] * 2


def test_the_errand_names_this_folder_and_this_directory(tmp_path, monkeypatch):
    errands = []
    monkeypatch.setattr(
        module, "Cluster", lambda client, errand: errands.append(errand) or Played()
    )
    executor = DaskExecutor(lambda: nullcontext(None), tmp_path, Equipment(threads=3), ("off", 1.0))
    executor.submit(shard(1, "a"))
    (errand,) = errands
    assert (errand.folder, errand.where, errand.cache) == (
        str(tmp_path),
        str(Path.cwd()),
        ("off", 1.0),
    )
    assert errand.equipment.threads == 3
