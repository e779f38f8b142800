"""The executor's own decisions, with workers that are played."""

from __future__ import annotations

import pickle
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from test_waiting import shard

from genomark.errors import GenomarkError, WriteError
from genomark.runs import dask_executor as module
from genomark.runs.dask_executor import DaskExecutor
from genomark.runs.outcome import Meter, shard_path
from genomark.runs.post import Delivery, UnfitWorkerError
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
        self.keys: list[str] = []
        self.sent: dict[str, object] = {}
        self.closed = False

    def workers(self):
        return list(self.there)

    def hand_out(self, key, shard, worker, *, others=True):
        assert key not in self.keys
        self.keys.append(key)
        self.handed.append((shard.digest, worker if others else f"only {worker}"))

    def ended(self, seconds):
        sent, self.sent = self.sent, {}
        return {self.key(digest): came for digest, came in sent.items()}

    def key(self, digest):
        """Give the newest key of a shard."""
        return next(key for key in reversed(self.keys) if key.startswith(digest))

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
    played.ended = lambda seconds: {played.key(made.digest): KilledWorker()}
    (outcome,) = outcomes
    assert len(played.handed) == 3
    assert "died, one after another" in outcome.error


def test_a_shard_that_comes_back_at_last_is_as_good_as_any(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    answers = [KilledWorker(), OSError("lost"), delivery(made)]
    played.ended = lambda seconds: {played.key(made.digest): answers.pop(0)}
    (outcome,) = executor.as_completed()
    assert outcome.error is None


def test_workers_that_cannot_compute_at_all_end_the_run(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    played.ended = lambda seconds: {played.key(made.digest): ValueError("no numba")}
    with pytest.raises(GenomarkError, match=r"the workers of tcp://played:1 cannot compute: no nu"):
        list(executor.as_completed())


def test_a_disk_that_refuses_a_worker_ends_the_run_with_its_words(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    played.ended = lambda seconds: {
        played.key(made.digest): WriteError("Cannot write x: disk full")
    }
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


def test_a_worker_with_another_genomark_is_passed_by_and_said_to_be(tmp_path, played):
    said: list[str] = []
    played.there = ["bad", "good"]
    executor = DaskExecutor(lambda: nullcontext(None), tmp_path, Equipment(), tell=said.append)
    handed_on(executor, [shard(number, "a") for number in range(4)])
    made = shard(0, "a")
    first = dict(played.handed)[made.digest]
    played.sent[made.digest] = UnfitWorkerError(
        f"the Dask worker {first} has genomark 0.0.1", first
    )
    outcomes = executor.as_completed()
    other = {"bad": "good", "good": "bad"}[first]
    answers = iter([{}, {}])

    def ended(seconds):
        if played.handed[-1] == (made.digest, f"only {other}"):
            return {played.key(made.digest): delivery(made)}
        return Played.ended(played, seconds) or next(answers)

    played.ended = ended
    assert next(outcomes).digest == made.digest
    assert said == [f"the Dask worker {first} has genomark 0.0.1; others compute"]


def test_a_worker_is_not_blamed_for_what_another_took_from_it(tmp_path, played):
    said: list[str] = []
    played.there = ["good", "late"]
    executor = DaskExecutor(lambda: nullcontext(None), tmp_path, Equipment(), tell=said.append)
    handed_on(executor, [shard(number, "a") for number in range(4)])
    made = next(shard(number, "a") for number in range(4) if played.handed[number][1] == "good")
    found = UnfitWorkerError("the Dask worker late has genomark 0.0.1", "late")
    played.sent[made.digest] = pickle.loads(pickle.dumps(found))  # noqa: S301 (ours)
    outcomes = executor.as_completed()
    answers = iter([{}, {}])

    def ended(seconds):
        if played.handed[-1] == (made.digest, "only good"):
            return {played.key(made.digest): delivery(made)}
        return Played.ended(played, seconds) or next(answers)

    played.ended = ended
    assert next(outcomes).digest == made.digest
    assert said == ["the Dask worker late has genomark 0.0.1; others compute"]


def test_where_no_worker_has_the_same_genomark_the_run_ends(executor, played):
    executor.submit(shard(1, "a"))
    waiting = handed_on(executor, [shard(2, "a")])
    assert not waiting
    played.there = []
    digest = shard(2, "a").digest
    played.sent[digest] = UnfitWorkerError("the Dask worker w1 has genomark 0.0.1", "w1")
    with pytest.raises(GenomarkError, match=r"cannot compute: the Dask worker w1 has genomark 0"):
        list(executor.as_completed())


def test_what_was_not_asked_for_is_not_kept(executor, played):
    made = shard(1, "a")
    executor.submit(made)
    played.sent[made.digest] = delivery(shard(2, "a"))
    with pytest.raises(GenomarkError, match="sent what it was not asked for"):
        list(executor.as_completed())
