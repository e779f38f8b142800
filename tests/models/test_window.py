import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.models.window import Window


def filled(window):
    """Tell of one answer while the window was full."""
    window.answered(window.limit)


def test_it_begins_small_and_doubles_in_a_round_until_the_first_overload():
    window = Window(2, 64)
    sizes = []
    for _ in range(4):
        sizes.append(window.limit)
        for _ in range(window.limit):
            window.answered(window.limit)
    assert sizes == [2, 4, 8, 16]


def test_after_an_overload_it_grows_by_one_in_a_round():
    window = Window(32, 64)
    window.overloaded(window.generation)
    assert window.limit == 16
    for _ in range(17):
        filled(window)
    assert window.limit == 17
    for _ in range(18):
        filled(window)
    assert window.limit == 18


def answers_until(window, limit):
    for count in range(10_000):
        if window.limit >= limit:
            return count
        filled(window)
    raise AssertionError


def test_a_size_that_was_too_large_is_tried_again_less_and_less_often():
    window = Window(2, 8)
    found = []
    for _ in range(7):
        window.overloaded(window.generation)
        assert window.limit == 1
        found.append(answers_until(window, 2))
    assert found == pytest.approx([4, 8, 16, 32, 64, 64, 64], abs=1)


def test_a_server_that_bears_more_than_it_did_is_tried_as_at_first():
    window = Window(2, 64)
    for _ in range(5):
        window.overloaded(window.generation)
        answers_until(window, 2)
    # Beyond what was too large before, it is one a round again.
    assert answers_until(window, 3) <= 64 * 2 + 1
    assert answers_until(window, 4) <= 4
    assert answers_until(window, 5) <= 5


def test_requests_of_one_crowd_halve_it_once():
    window = Window(8, 8)
    generation = window.generation
    for _ in range(8):
        window.overloaded(generation)
    assert window.limit == 4
    window.overloaded(window.generation)
    assert window.limit == 2


def test_a_window_that_is_not_filled_does_not_grow():
    window = Window(8, 64)
    for _ in range(100):
        window.answered(6)
    assert window.size == 8.0
    window.answered(7)
    assert window.size == 9.0


def test_nothing_is_sent_before_the_time_the_server_named():
    window = Window(2, 8)
    assert window.admits(0, 5.0)
    window.overloaded(window.generation, until=10.0)
    window.overloaded(window.generation, until=7.0)
    assert not window.admits(0, 9.9)
    assert window.admits(0, 10.0)


def test_it_admits_as_many_as_its_limit():
    window = Window(3, 8)
    assert [window.admits(each, 0.0) for each in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize(("start", "maximum"), [(0, 5), (-1, 5), (6, 5)])
def test_limits_without_sense_are_refused(start, maximum):
    with pytest.raises(ValueError, match="expected 1 <= start <= maximum"):
        Window(start, maximum)


events = st.lists(
    st.tuples(st.sampled_from(["answer", "overload", "late overload"]), st.integers(0, 40))
)


@given(st.integers(1, 32), st.integers(0, 32), events)
def test_it_stays_between_one_and_its_maximum_and_grows_only_when_used(start, more, happened):
    window = Window(start, start + more)
    for kind, number in happened:
        before = window.size
        if kind == "answer":
            in_flight = min(number, window.limit)
            window.answered(in_flight)
            assert window.size >= before
            assert window.size <= before + 1.0
            if in_flight < 0.8 * int(before):
                assert window.size == before
        elif kind == "overload":
            window.overloaded(window.generation)
            assert window.size == max(1.0, before / 2)
        else:
            window.overloaded(window.generation - 1, until=float(number))
            assert window.size == before
        assert 1 <= window.limit <= window.size <= start + more
        assert window.opens_at >= 0.0
        assert window.admits(0, window.opens_at)


@given(st.integers(1, 12), st.integers(10, 400))
def test_it_finds_what_a_server_bears_with_few_refusals(capacity, rounds):
    """In each round a full window is sent; what is over the capacity is refused."""
    window = Window(2, 32)
    refused = answered = 0
    for _ in range(rounds):
        generation, sent = window.generation, window.limit
        for index in range(sent):
            if index < capacity:
                window.answered(sent)
                answered += 1
            else:
                window.overloaded(generation)
                refused += 1
    assert answered >= 0.45 * min(capacity, 2) * rounds
    # A fifth at most, beside the overshoot of the first doubling.
    assert refused <= 32 + 0.2 * max(answered, rounds)
