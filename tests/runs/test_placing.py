from __future__ import annotations

import random
from collections import Counter

from test_waiting import shard

from genomark.runs.placing import DEPTH, Placing
from genomark.runs.waiting import Waiting


def waiting_for(**models: int) -> Waiting:
    waiting = Waiting()
    for model, number in models.items():
        for _ in range(number):
            waiting.add(shard(len(waiting), model))
    return waiting


def handed_out(placing: Placing, waiting: Waiting) -> list[tuple[str, str]]:
    given = []
    while (place := placing.next(waiting)) is not None:
        worker, model = place
        assert waiting.of(model).model == model
        placing.give(worker, model)
        given.append(place)
    return given


def test_nobody_gets_more_than_its_share_and_all_get_one_first():
    placing = Placing()
    assert placing.next(waiting_for(a=1)) is None
    assert placing.see(["w1", "w2", "w3"])
    assert not placing.see(["w3", "w2", "w1"])
    given = [worker for worker, _ in handed_out(placing, waiting_for(a=100))]
    assert sorted(given[:3]) == ["w1", "w2", "w3"]
    assert Counter(given) == {"w1": DEPTH, "w2": DEPTH, "w3": DEPTH}


def test_a_worker_goes_on_with_the_model_that_it_has():
    placing = Placing()
    placing.see(["w1", "w2"])
    waiting = waiting_for(a=50, b=50)
    had: dict[str, set[str]] = {"w1": set(), "w2": set()}
    for _ in range(40):
        for worker, model in handed_out(placing, waiting):
            had[worker].add(model)
        placing.done("w1")
        placing.done("w2")
    assert sorted(map(sorted, had.values())) == [["a"], ["b"]]


def test_models_are_spread_over_workers_by_the_work_there_is():
    placing = Placing()
    placing.see([f"w{number}" for number in range(8)])
    first = handed_out(placing, waiting_for(large=300, small=100))[:8]
    assert Counter(model for _, model in first) == {"large": 6, "small": 2}


def test_when_its_model_is_done_a_worker_takes_up_another():
    placing = Placing()
    placing.see(["w1"])
    waiting = waiting_for(a=1, b=2)
    order = []
    while waiting:
        order += [model for _, model in handed_out(placing, waiting)]
        placing.done("w1")
    assert order in (["b", "b", "a"], ["a", "b", "b"])


def test_the_work_of_one_that_is_gone_counts_no_more():
    placing = Placing()
    placing.see(["w1", "w2"])
    handed_out(placing, waiting_for(a=4))
    placing.see(["w2"])
    assert list(placing.workers) == ["w2"]
    assert placing.next(waiting_for(a=1)) is None
    # What it had been given comes back from somebody else.
    placing.done("w1")
    assert placing.next(waiting_for(a=1)) is None
    placing.done("w2")
    assert placing.next(waiting_for(a=1)) == ("w2", "a")
    assert placing.see(["w1", "w2"])
    assert placing.next(waiting_for(a=1)) == ("w1", "a")


def test_few_models_are_loaded_twice():
    """Of 40 models with 50 shards each, on 10 workers of unequal speed."""
    placing = Placing()
    workers = [f"w{number}" for number in range(10)]
    placing.see(workers)
    waiting = waiting_for(**{f"m{number}": 50 for number in range(40)})
    loads: dict[str, set[str]] = {worker: set() for worker in workers}
    draw = random.Random(3)
    running: list[str] = []
    while waiting or running:
        for worker, model in handed_out(placing, waiting):
            loads[worker].add(model)
            running.append(worker)
        placing.done(running.pop(draw.randrange(len(running))))
    # Without regard to what is where it would be near 400.
    assert 40 <= sum(map(len, loads.values())) <= 80
