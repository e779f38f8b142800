"""Spans against work of known length, told apart by a clock that the test moves."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from genomark import spans
from genomark.models.transport import run_to_end
from genomark.spans import OTHER, Ledger, about, recording, span


class Clock:
    """Says what it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = self.cpu = 100.0
        monkeypatch.setattr(spans, "_now", lambda: self.wall)

    def work(self, wall: float, cpu: float) -> None:
        self.wall += wall
        self.cpu += cpu


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(monkeypatch)
    monkeypatch.setattr(time, "perf_counter", lambda: made.wall)
    return made


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(lambda: clock.cpu)


def test_each_second_is_in_one_part_alone(clock, ledger):
    with recording(ledger):
        clock.work(1.0, 0.5)
        with span("model"):
            clock.work(4.0, 3.0)
            with span("store"):
                clock.work(2.0, 0.25)
            clock.work(8.0, 1.0)
        with span("store"):
            clock.work(16.0, 16.0)
    assert ledger.seconds() == {
        ("", OTHER): (1.0, 0.5),
        ("", "model"): (12.0, 4.0),
        ("", "store"): (18.0, 16.25),
    }


def test_a_short_time_is_all_processor_and_the_rest_is_not_counted_twice(clock, ledger):
    with recording(ledger):
        for _ in range(1000):
            with span("short"):
                clock.work(1e-5, 1e-5)
        with span("long"):
            clock.work(1.0, 0.5)
    seconds = ledger.seconds()
    assert seconds["", "short"] == pytest.approx((0.01, 0.01))
    assert seconds["", "long"] == pytest.approx((1.0, 0.5))
    assert sum(cpu for _, cpu in seconds.values()) == pytest.approx(clock.cpu - 100.0)


def test_parts_are_told_apart_by_subject(clock, ledger):
    with recording(ledger), span("model"):
        clock.work(1.0, 1.0)
        with about("a"):
            clock.work(2.0, 2.0)
            with span("model"):
                clock.work(4.0, 4.0)
        clock.work(8.0, 8.0)
    assert ledger.seconds() == {
        ("", OTHER): (0.0, 0.0),
        ("", "model"): (9.0, 9.0),
        ("a", OTHER): (2.0, 2.0),
        ("a", "model"): (4.0, 4.0),
    }


def test_an_error_ends_a_span(clock, ledger):
    def fail() -> None:
        with about("a"), span("model"):
            clock.work(1.0, 1.0)
            raise ValueError("no")

    with recording(ledger):
        with pytest.raises(ValueError, match="no"):
            fail()
        clock.work(2.0, 2.0)
    assert ledger.seconds()["a", "model"] == (1.0, 1.0)
    assert ledger.seconds()["", OTHER] == (2.0, 2.0)


def test_what_was_measured_elsewhere_is_added(clock, ledger):
    ledger.add("start", 3.0, 2.0)
    ledger.add("start", 1.0, 1.0)
    assert ledger.seconds()["", "start"] == (4.0, 3.0)


def test_without_a_ledger_a_span_does_nothing(clock, ledger):
    with span("model"), about("a"), span("store"):
        clock.work(1.0, 1.0)
    assert ledger.seconds() == {("", OTHER): (1.0, 1.0)}


def test_another_thread_has_no_ledger_unless_it_keeps_one(clock, ledger):
    def work() -> None:
        with span("model"):
            pass

    with recording(ledger):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert ("", "model") not in ledger.seconds()


def test_the_loop_of_a_request_counts_for_who_asked(clock, ledger):
    async def ask() -> None:
        with span("encode"):
            clock.work(1.0, 1.0)
        await asyncio.sleep(0)
        with span("decode"):
            clock.work(2.0, 2.0)

    with recording(ledger), span("server"):
        run_to_end(ask())
        clock.work(4.0, 0.0)
    assert ledger.seconds() == {
        ("", OTHER): (0.0, 0.0),
        ("", "server"): (4.0, 0.0),
        ("", "encode"): (1.0, 1.0),
        ("", "decode"): (2.0, 2.0),
    }
