"""Shards that stay where the run is, and shards that go to workers."""

from __future__ import annotations

import threading
from collections import deque
from types import SimpleNamespace

import pytest

from genomark.runs import RoutingExecutor, ThreadExecutor
from genomark.runs.plan import Shard


def shard(digest: str, *, in_process: bool) -> Shard:
    return Shard(
        digest=digest,
        benchmark="b",
        model="m",
        part=0,
        limit=None,
        items=1,
        seed=0,
        allow_missing=False,
        in_process=in_process,
    )


class Recorder:
    """Gives the digests of its shards, and notes what was asked of it."""

    def __init__(self, name: str, log: list[tuple[str, str]]) -> None:
        self.name = name
        self.log = log
        self.queue: deque[str] = deque()

    def submit(self, shard: Shard) -> str:
        self.log.append((self.name, f"submit {shard.digest}"))
        self.queue.append(shard.digest)
        return shard.digest

    def as_completed(self):
        while self.queue:
            self.log.append((self.name, f"work {self.queue[0]}"))
            yield self.queue.popleft()

    def cancel(self) -> None:
        self.log.append((self.name, "cancel"))
        self.queue.clear()


@pytest.fixture
def made():
    log: list[tuple[str, str]] = []
    here, away = Recorder("here", log), Recorder("away", log)
    return RoutingExecutor(here, away), log


SHARDS = [shard(name, in_process=name.isupper()) for name in "aBcD"]


def test_each_shard_goes_where_it_is_computed(made):
    executor, log = made
    assert [executor.submit(each) for each in SHARDS] == ["a", "B", "c", "D"]
    assert log == [
        ("away", "submit a"),
        ("here", "submit B"),
        ("away", "submit c"),
        ("here", "submit D"),
    ]


def test_every_outcome_comes_once_those_from_away_first(made):
    executor, log = made
    for each in SHARDS:
        executor.submit(each)
    assert list(executor.as_completed()) == ["a", "c", "B", "D"]
    # Nothing is computed here while workers wait for somebody to take what they have done.
    assert [what for what in log if what[1].startswith("work")] == [
        ("away", "work a"),
        ("away", "work c"),
        ("here", "work B"),
        ("here", "work D"),
    ]


def test_both_let_go_of_what_has_not_started(made):
    executor, log = made
    for each in SHARDS:
        executor.submit(each)
    first = next(executor.as_completed())
    executor.cancel()
    assert first == "a"
    assert log[-2:] == [("away", "cancel"), ("here", "cancel")]
    assert list(executor.as_completed()) == []


def test_no_workers_are_started_for_what_is_computed_here(tmp_path):
    from genomark.runs import LocalExecutor

    away = LocalExecutor(tmp_path, workers=2)
    log: list[tuple[str, str]] = []
    executor = RoutingExecutor(Recorder("here", log), away)
    executor.submit(shard("A", in_process=True))
    assert list(executor.as_completed()) == ["A"]
    assert away._pool is None
    executor.cancel()


def test_threads_compute_every_shard_and_side_by_side():
    meeting = threading.Barrier(2, timeout=10)

    class Meeting:
        def work(self, shard):
            meeting.wait()
            return shard.digest

    executor = ThreadExecutor(Meeting(), 2)
    shards = [SimpleNamespace(digest=str(number)) for number in range(4)]
    assert [executor.submit(shard) for shard in shards] == ["0", "1", "2", "3"]
    assert sorted(executor.as_completed()) == ["0", "1", "2", "3"]
    executor.submit(shards[0])
    executor.cancel()
    assert list(executor.as_completed()) == []
