from __future__ import annotations

import threading

import pytest

from genomark.matching.breaker import CircuitBreaker, OpenBreakerError


class OutError(Exception):
    """What counts."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(OutError, failures=3, pause=10, clock=clock)


def fails(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OutError), breaker.guard():
            raise OutError("connection refused")


def works(breaker: CircuitBreaker) -> None:
    with breaker.guard():
        pass


def is_open(breaker: CircuitBreaker) -> bool:
    try:
        works(breaker)
    except OpenBreakerError:
        return True
    return False


def test_it_opens_after_failures_in_a_row_and_says_since_when_and_why(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fails(breaker, 3)
    clock.now += 4
    with pytest.raises(OpenBreakerError) as raised, breaker.guard():
        raise AssertionError("nothing may be called")
    assert str(raised.value) == (
        "left alone for another 6 s after 3 failures in a row, the last: connection refused"
    )


def test_a_success_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    fails(breaker, 2)
    works(breaker)
    fails(breaker, 2)
    assert not is_open(breaker)


def test_after_the_pause_one_success_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fails(breaker, 3)
    clock.now += 10
    works(breaker)
    fails(breaker, 2)
    assert not is_open(breaker)


def test_after_the_pause_one_failure_opens_it_for_another(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fails(breaker, 3)
    clock.now += 10
    fails(breaker)
    clock.now += 9.9
    assert is_open(breaker)
    clock.now += 0.1
    assert not is_open(breaker)


def test_while_one_call_tries_it_all_others_are_refused(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fails(breaker, 3)
    clock.now += 10
    with breaker.guard(), pytest.raises(OpenBreakerError, match="left alone while one call tries"):
        works(breaker)
    works(breaker)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_other_exceptions_tell_nothing_and_let_the_next_call_try(
    breaker: CircuitBreaker, clock: Clock, error: type[BaseException]
) -> None:
    fails(breaker, 2)
    with pytest.raises(error), breaker.guard():
        raise error
    fails(breaker)
    assert is_open(breaker)
    clock.now += 10
    with pytest.raises(error), breaker.guard():
        raise error
    works(breaker)


def test_of_many_threads_one_is_let_through_after_the_pause(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fails(breaker, 3)
    clock.now += 10
    threads = 8
    at_once, decided = threading.Barrier(threads), threading.Barrier(threads)
    outcomes: list[str] = []

    def call() -> None:
        at_once.wait(10)
        try:
            with breaker.guard():
                decided.wait(10)
                outcomes.append("called")
        except OpenBreakerError:
            decided.wait(10)
            outcomes.append("refused")

    running = [threading.Thread(target=call) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(20)
    assert sorted(outcomes) == ["called"] + ["refused"] * (threads - 1)
