"""The index of one request, beside a plain dictionary."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genomark.models.prediction_cache_segment import KEY, Kind, Segment, Told, packed
from genomark.models.prediction_cache_shelf import Shelf
from genomark.protocol import PredictResponse
from genomark.scoring import Cost


def segment_of(keys: list[bytes]) -> Segment:
    told = Told("m", "m", "r", PredictResponse("p", []), Cost(0, 0, 0, 0, 0))
    rows = [(float(n), None) for n in range(len(keys))]
    content = packed(told, keys, rows, [Kind("point", 0, False)])
    return Segment.read(io.BytesIO(content), len(content))


def found(shelf: Shelf, keys: list[bytes]) -> dict[bytes, tuple[int, int]]:
    return {
        keys[which]: (number, row)
        for number, places, rows in shelf.find(keys)
        for which, row in zip(places.tolist(), rows.tolist(), strict=True)
    }


def key(number: int, first: int = 0) -> bytes:
    return first.to_bytes(8, "little") + number.to_bytes(KEY - 8, "little")


@given(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True), max_size=12))
def test_every_key_is_found_where_a_dictionary_has_it(lots: list[list[int]]) -> None:
    shelf = Shelf()
    expected: dict[bytes, set[tuple[int, int]]] = {}
    for number, lot in enumerate(lots):
        # Few first bytes, so that keys that differ begin alike.
        keys = [key(each, each) for each in lot]
        shelf.add(f"s{number}", segment_of(keys))
        for row, each in enumerate(keys):
            expected.setdefault(each, set()).add((number, row))
    wanted = [key(each, each) for each in range(70)]
    got = found(shelf, wanted)
    assert got.keys() == expected.keys()
    assert all(place in expected[each] for each, place in got.items())


def test_another_key_with_the_same_first_bytes_is_not_taken_for_it() -> None:
    shelf = Shelf()
    shelf.add("s", segment_of([key(1, first=5)]))
    assert found(shelf, [key(2, first=5)]) == {}
    assert found(shelf, [key(1, first=5)]) == {key(1, first=5): (0, 0)}


def test_what_was_dropped_is_not_found_and_what_comes_after_is() -> None:
    shelf = Shelf()
    keys = [key(n, n) for n in range(5)]
    shelf.add("old", segment_of(keys))
    shelf.drop(0)
    assert found(shelf, keys) == {}
    shelf.add("new", segment_of(keys))
    assert found(shelf, keys) == {each: (1, row) for row, each in enumerate(keys)}
    assert shelf.names == {"new"}


def test_many_segments_are_searched_in_few_runs() -> None:
    shelf = Shelf()
    numbers = np.random.default_rng(0).permutation(20_000)
    for lot in np.split(numbers, 200):
        shelf.add(str(lot[0]), segment_of([key(int(n), int(n)) for n in lot]))
    assert len(shelf._runs) <= 8
    assert len(found(shelf, [key(n, n) for n in range(0, 20_000, 7)])) == len(range(0, 20_000, 7))
