"""Workers that die at any moment, played by a pool that computes at once."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import polars as pl
import pytest

from genomark.runs import LocalExecutor, workers
from genomark.runs.answers import Answers
from genomark.runs.outcome import Meter
from genomark.runs.plan import Shard

ENDED = "The exit codes of the workers are {SIGSEGV(-11)}"


class Pools:
    """Makes pools for an executor.

    `dies` says which work ends its worker, `dies_after` after which it ends once it has answered.
    """

    def __init__(self, dies, dies_after=None) -> None:
        self.dies = dies
        self.dies_after = dies_after
        self.deaths = self.made = 0
        self.broken = False
        self.handed_over: list[str] = []

    def new(self, _):
        self.made += 1
        self.broken = False
        return self

    def submit(self, work, shard, *asked):
        if self.broken:
            raise BrokenProcessPool(ENDED)
        self.handed_over.append(shard.digest)
        future = Future()
        if self.dies(work, shard, *asked):
            self.deaths += 1
            self.broken = True
            future.set_exception(BrokenProcessPool(ENDED))
        elif work is workers._work_on:
            pieces = Answers(asked[0], pl.DataFrame())
            future.set_result((pieces, Meter().outcome(shard.digest)))
            self.broken = self.dies_after is work
        else:
            future.set_result(Meter().outcome(shard.digest, "file"))
        return future

    def shutdown(self, **_):
        pass


@pytest.fixture
def executor_of(tmp_path, monkeypatch):
    def make(pools: Pools) -> LocalExecutor:
        monkeypatch.setattr(LocalExecutor, "_new_pool", lambda self, count: pools.new(count))
        return LocalExecutor(tmp_path, 2)

    return make


def shard(digest: str, items: int = 1, *, divisible: bool = False) -> Shard:
    return Shard(digest, "benchmark", "model", 0, None, items, 0, False, divisible=divisible)


def errors(executor: LocalExecutor) -> dict[str, str | None]:
    return {each.digest: each.error for each in executor.as_completed()}


def test_a_worker_that_dies_while_shards_are_handed_over_takes_none_with_it(executor_of):
    deaths = iter([True])
    pools = Pools(lambda work, each, *_: each.digest == "a" and next(deaths, False))
    executor = executor_of(pools)
    for name in "abcdef":
        executor.submit(shard(name))
    # The first had ended the worker when the others came.
    assert pools.handed_over == ["a"]
    assert errors(executor) == dict.fromkeys("abcdef")
    assert pools.handed_over == ["a", "a", *"bcdef"]


def test_a_worker_that_dies_while_nothing_is_in_flight_is_replaced(executor_of):
    pools = Pools(lambda work, each, *_: False)
    executor = executor_of(pools)
    executor.submit(shard("a"))
    assert errors(executor) == {"a": None}
    pools.broken = True
    executor.submit(shard("b"))
    assert errors(executor) == {"b": None}
    assert pools.made == 2


def test_workers_that_die_between_two_pieces_cost_no_item(executor_of):
    pools = Pools(crashes_with_more_than(4), dies_after=workers._work_on)
    executor = executor_of(pools)
    executor.submit(shard("a", 8, divisible=True))
    (outcome,) = executor.as_completed()
    assert (outcome.error, outcome.file_digest) == (None, "file")
    # Of eight items three are tried alone, and the rest between them; then all are put together.
    assert pools.made == 2 + 5 + 1
    assert pools.deaths == 2


def test_shards_may_be_submitted_while_deaths_are_sorted(executor_of):
    pools = Pools(lambda work, each, *_: each.digest == "deadly")
    executor = executor_of(pools)
    for name in ("a", "deadly"):
        executor.submit(shard(name))
    found = {}
    for outcome in executor.as_completed():
        if not found:
            executor.submit(shard("late"))
            # Not beside a suspect.
            assert pools.handed_over[-1] == "deadly"
        found[outcome.digest] = outcome.error
    assert found.keys() == {"a", "deadly", "late"}
    assert [found["a"], found["late"]] == [None, None]
    assert "died 3 times" in found["deadly"]


def crashes_with_more_than(most: int):
    def dies(work, each, *asked):
        if work is workers._work:
            return min(each.items, asked[0] or each.items) > most
        return work is workers._work_on and len(asked[0]) > most

    return dies


@pytest.mark.parametrize("most", [1, 5, 64, 2048])
def test_a_crash_on_many_items_at_once_is_met_with_fewer_for_all_shards_to_come(executor_of, most):
    pools = Pools(crashes_with_more_than(most))
    executor = executor_of(pools)
    executor.submit(shard("a", 4096, divisible=True))
    assert errors(executor) == {"a": None}
    # 2 as a whole, 12 halvings, and then some until it is plain that no item is the reason.
    assert pools.deaths <= 2 + 12 + 12
    before = pools.deaths
    if most < 64:
        executor.submit(shard("b", 4096, divisible=True))
        assert errors(executor) == {"b": None}
        assert pools.deaths == before


def test_deaths_without_an_end_are_given_up(executor_of, monkeypatch):
    monkeypatch.setattr(workers, "_MAX_DEATHS_IN_PIECES", 10)
    pools = Pools(crashes_with_more_than(1))
    executor = executor_of(pools)
    for name in "ab":
        executor.submit(shard(name, 4096, divisible=True))
    found = errors(executor)
    said = "the worker process died {} times on this request (a crash in native code: SIGSEGV)"
    # What took so many with one shard is not tried at length with the next.
    assert sorted(found.values()) == [said.format(1), said.format(10)]
    assert pools.deaths <= 10 + 2


def test_a_shard_whose_pieces_cannot_be_put_together_is_given_up_soon(executor_of):
    pools = Pools(lambda work, each, *asked: work is not workers._work_on)
    executor = executor_of(pools)
    executor.submit(shard("a", 16, divisible=True))
    # Without a word of items: none was lost.
    said = "the worker process died 5 times on this request (a crash in native code: SIGSEGV)"
    assert errors(executor) == {"a": said}
    assert pools.deaths == 2 + 3
