from __future__ import annotations

from collections import deque

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from genomark.runs.plan import Shard
from genomark.runs.waiting import Waiting


def shard(number: int, model: str) -> Shard:
    return Shard(
        digest=f"{number:032x}",
        benchmark="b",
        model=model,
        part=number,
        limit=None,
        items=1,
        seed=0,
        allow_missing=False,
    )


def test_shards_are_taken_in_the_order_in_which_they_came():
    waiting = Waiting()
    for number, model in enumerate("abab"):
        waiting.add(shard(number, model))
    assert len(waiting) == 4
    assert [waiting.first().part for _ in range(4)] == [0, 1, 2, 3]
    assert waiting.first() is None
    assert not waiting


def test_those_of_a_model_are_taken_in_its_own_order_and_no_second_time():
    waiting = Waiting()
    for number, model in enumerate("aabba"):
        waiting.add(shard(number, model))
    assert waiting.models == {"a": 3, "b": 2}
    assert waiting.of("b").part == 2
    assert waiting.first().part == 0
    assert [waiting.of("a").part, waiting.of("a").part] == [1, 4]
    assert waiting.of("a") is None
    assert waiting.of("c") is None
    assert waiting.models == {"b": 1}
    assert waiting.first().part == 3


def test_one_that_comes_back_goes_to_the_end():
    waiting = Waiting()
    for number in range(3):
        waiting.add(shard(number, "a"))
    waiting.add(waiting.first())
    assert [waiting.of("a").part for _ in range(3)] == [1, 2, 0]


def test_what_is_cleared_is_gone():
    waiting = Waiting()
    waiting.add(shard(0, "a"))
    waiting.clear()
    assert (len(waiting), waiting.first(), waiting.of("a"), dict(waiting.models)) == (
        *(0, None, None),
        {},
    )


@given(st.lists(st.tuples(st.sampled_from(["add", "first", "of"]), st.sampled_from("abc"))))
def test_it_is_a_list_from_which_things_are_taken(steps):
    waiting, plain = Waiting(), deque()
    for number, (step, model) in enumerate(steps):
        if step == "add":
            waiting.add(shard(number, model))
            plain.append(shard(number, model))
            continue
        fitting = [each for each in plain if step == "first" or each.model == model]
        taken = waiting.first() if step == "first" else waiting.of(model)
        if not fitting:
            assert taken is None
            continue
        assert msgspec.structs.asdict(taken) == msgspec.structs.asdict(fitting[0])
        plain.remove(fitting[0])
    assert len(waiting) == len(plain)
    counts = {model: sum(each.model == model for each in plain) for model in "abc"}
    assert waiting.models == {model: count for model, count in counts.items() if count}
