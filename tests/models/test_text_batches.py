"""Batches of texts of one length, and what is shown while one waits."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.models.genes import waiting
from genomark.models.genes.encoders import same_length_batches
from genomark.models.genes.waiting import Waiting


def test_texts_of_one_length_are_together_the_longest_first() -> None:
    texts = ["b", "ccc", "a", "dd", "c"]
    batches = same_length_batches([1, 3, 1, 2, 1], texts, 2)
    assert [[texts[place] for place in batch] for batch in batches] == [
        ["ccc"],
        ["dd"],
        ["a", "b"],
        ["c"],
    ]
    assert same_length_batches([], [], 10) == []


@given(st.lists(st.text("ab", max_size=6), max_size=40), st.integers(1, 20), st.randoms())
def test_batches_depend_on_the_texts_not_on_their_order(texts, tokens, random) -> None:
    def batches(given: list[str]) -> list[list[str]]:
        found = same_length_batches([len(text) for text in given], given, tokens)
        assert sorted(place for batch in found for place in batch) == list(range(len(given)))
        return [[given[place] for place in batch] for batch in found]

    found = batches(texts)
    for batch in found:
        assert len({len(text) for text in batch}) == 1
        assert len(batch) == 1 or len(batch) * len(batch[0]) <= tokens
    shuffled = list(texts)
    random.shuffle(shuffled)
    assert batches(shuffled) == found


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Drawn:
    def __init__(self, total: int) -> None:
        self.total = total
        self.shown: list[tuple[int, str]] = []
        self.closed = False

    def show(self, done: int, text: str) -> None:
        self.shown.append((done, text))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Drawn]:
    bars: list[Drawn] = []

    def bar(total: int, unit: str) -> Drawn:
        assert unit == "items"
        bars.append(Drawn(total))
        return bars[-1]

    monkeypatch.setattr(waiting, "bar", bar)
    monkeypatch.setattr(waiting, "interactive", lambda: True)
    return bars


def test_what_takes_long_gets_a_bar(clock: Clock, bars: list[Drawn]) -> None:
    with Waiting(100, "texts") as bar:
        clock.now += 0.5
        bar.advance(10)
        assert not bars
        clock.now += 1
        bar.advance(10)
        bar.advance(80)
        assert bars[0].shown == [(20, "texts"), (100, "texts")]
        assert not bars[0].closed
    assert bars[0].closed
    assert bars[0].total == 100


def test_what_is_nearly_done_gets_none(clock: Clock, bars: list[Drawn]) -> None:
    with Waiting(100, "texts") as bar:
        clock.now += 1.5
        bar.advance(80)
        bar.advance(20)
    assert bars == []


def test_a_bar_goes_when_the_work_fails(clock: Clock, bars: list[Drawn]) -> None:
    def fail() -> None:
        with Waiting(100, "texts") as bar:
            clock.now += 5
            bar.advance(1)
            raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        fail()
    assert bars[0].closed


def test_nobody_watching_means_a_line_every_ten_seconds(clock, monkeypatch, caplog) -> None:
    monkeypatch.setattr(waiting, "interactive", lambda: False)
    with caplog.at_level(logging.INFO), Waiting(10_000, "texts") as bar:
        for _ in range(5):
            clock.now += 4
            bar.advance(1000)
    assert [record.message for record in caplog.records] == ["texts: 3,000 of 10,000"]
