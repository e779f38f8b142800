"""Which items are tried, and which are lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.runs.bisection import Bisection, Cause

CRASH, MEMORY = Cause("SIGSEGV", memory=False), Cause("SIGKILL", memory=True)


def search(
    items: int, deadly: set[int] = frozenset(), most: int | None = None, **options: int
) -> tuple[Bisection, list[int], list[range]]:
    """Play the worker that ends on some items, and on more than `most`: what was answered."""
    made = Bisection(items, **{"strikes": 1, **options})
    answered, ended = [], []
    while (rows := made.next()) is not None:
        if deadly & set(rows):
            ended.append(rows)
            made.ended(rows, CRASH)
        elif most is not None and len(rows) > most:
            ended.append(rows)
            made.ended(rows, MEMORY)
        else:
            answered.extend(rows)
            made.answered()
    return made, answered, ended


@given(st.data())
def test_every_item_is_answered_once_or_lost(data):
    items = data.draw(st.integers(2, 300))
    deadly = data.draw(st.sets(st.integers(0, items - 1), max_size=5))
    strikes = data.draw(st.integers(1, 2))
    made, answered, _ = search(items, deadly, strikes=strikes)
    if len(deadly) == items:
        assert made.given_up
    elif not made.given_up:
        assert sorted(answered) == sorted(set(range(items)) - deadly)
        assert made.lost.keys() == deadly
    else:
        # Each of three that were tried alone was one of them.
        assert {0, items // 2, items - 1} <= deadly


@pytest.mark.parametrize("deadly", [0, 1, 1000, 2047, 2048, 4094, 4095])
def test_one_bad_item_of_thousands_costs_a_dozen_attempts(deadly):
    made, answered, ended = search(4096, {deadly}, strikes=2)
    assert made.lost == {deadly: CRASH}
    assert len(answered) == 4095
    assert len(ended) <= math.log2(4096) + 2


def test_what_ends_on_everything_is_given_up_after_four_attempts():
    made, answered, ended = search(4096, set(range(4096)), strikes=2)
    assert made.given_up
    assert answered == []
    assert len(ended) == 4


def test_with_too_many_bad_items_it_is_given_up():
    deadly = set(range(10, 4000, 100))
    made, _, ended = search(4096, deadly, strikes=2, most_lost=8)
    assert made.given_up
    assert len(made.lost) == 9
    assert len(ended) <= 9 * (math.log2(4096) + 2)


@pytest.mark.parametrize(("most", "batch"), [(1, 1), (3, 2), (100, 64), (1024, 1024), (2000, 1024)])
def test_too_many_at_once_are_told_from_bad_ones(most, batch):
    made, answered, ended = search(4096, most=most)
    assert made.lost == {}
    assert sorted(answered) == list(range(4096))
    assert made.batch == batch
    # Once it is known how many are too many, nobody ends any more.
    assert len(ended) == math.log2(4096 / batch)


def test_a_batch_known_from_before_spares_even_that():
    _, answered, ended = search(1000, most=100, batch=64)
    assert ended == []
    assert answered == list(range(1000))


def test_an_item_too_large_by_itself_does_not_make_all_others_go_alone():
    made = Bisection(256, strikes=1)
    attempts = 0
    while (rows := made.next()) is not None:
        attempts += 1
        if 77 in rows:
            made.ended(rows, MEMORY)
        else:
            made.answered()
    assert made.lost == {77: MEMORY}
    assert made.batch is None
    assert attempts <= 4 * math.log2(256)


def test_one_death_alone_is_no_verdict():
    made = Bisection(8, strikes=2)
    rows = made.next()
    made.ended(rows, CRASH)
    deaths = 0
    while (rows := made.next()) is not None:
        if rows == range(1) and deaths == 0:
            deaths += 1
            made.ended(rows, CRASH)
        else:
            made.answered()
    assert deaths == 1
    assert made.lost == {}


def test_a_single_item_is_tried_again_and_then_given_up():
    made = Bisection(1, strikes=2)
    for _ in range(2):
        made.ended(made.next(), CRASH)
    assert made.given_up
    assert made.next() is None
