from __future__ import annotations

import math
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest
import reference_msgpack
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genomark.protocol import MSGPACK, MSGPACK_NUMPY, decode_answer, encode
from genomark.protocol.arrays import numpy_map, numpy_value, packed, unpacked
from genomark.protocol.messages import PredictResponse, TaskPrediction, Unanswered

pack = msgspec.msgpack.encode
floats = arrays.arrays(
    st.sampled_from(["<f8", ">f8", "<f4", "<f2"]),
    arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=20),
    elements=st.floats(width=16),
)
numbers = arrays.arrays(
    st.sampled_from(["<f8", ">f8", "<f4", ">f2", "<i8", "|i1", ">u2", "<u4", "|b1"]),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
)


@given(floats)
def test_packed_is_what_packing_the_list_gives(values: Any) -> None:
    assert packed(values) == pack(values.tolist())
    assert packed(values[::-1]) == pack(values[::-1].tolist())
    assert packed(values.T) == pack(values.T.tolist())


@pytest.mark.parametrize("length", [0, 1, 15, 16, 65_535, 65_536, 70_000])
def test_every_kind_of_header(length: int) -> None:
    values = np.arange(length) / 3
    assert packed(values) == pack(values.tolist())
    if length:
        back = unpacked(packed(values))
        assert isinstance(back, np.ndarray)
        assert back.tolist() == values.tolist()


@given(arrays.arrays(np.float64, st.integers(1, 300)))
def test_unpacked_is_the_inverse_to_the_last_bit(values: Any) -> None:
    for raw in (packed(values), memoryview(packed(values))):
        back = unpacked(raw)
        assert back.dtype == np.float64
        # NaN too, with its sign and payload.
        assert back.tobytes() == values.tobytes()
        assert back.flags.owndata
        assert back.flags.writeable


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=5),
)


@given(values)
def test_what_is_no_array_of_float64_is_read_the_ordinary_way(value: Any) -> None:
    found = unpacked(pack(value))
    plain = found.tolist() if isinstance(found, np.ndarray) else found
    assert pack(plain) == pack(value)
    only_floats = isinstance(value, list) and value and all(type(each) is float for each in value)
    assert isinstance(found, np.ndarray) == bool(only_floats)


def test_whole_numbers_null_and_single_precision_among_floats_are_read_too() -> None:
    mixed = [1.5, 2, None, -3.25]
    assert unpacked(pack(mixed)) == mixed
    # The nine bytes a number are there, but one of them is not a float64.
    assert unpacked(b"\x92\xcb" + bytes(8) + b"\xcf" + bytes(8)) == [0.0, 0]
    assert unpacked(b"\x91\xca\x3f\x80\x00\x00") == [1.0]
    assert unpacked(b"\x90") == []


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_as_unreadable(raw: bytes) -> None:
    try:
        unpacked(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return


@given(floats.filter(lambda each: each.ndim == 1 and each.size), st.data())
def test_a_torn_array_is_refused(values: Any, data: st.DataObject) -> None:
    raw = packed(values)
    kept = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(msgspec.DecodeError):
        unpacked(raw[:kept])


# msgpack-numpy


@given(numbers)
def test_a_numpy_map_gives_its_numbers_back(values: Any) -> None:
    back = unpacked(pack(numpy_map(values)))
    assert back.dtype == np.float64
    assert back.shape == values.shape
    assert back.tobytes() == values.astype(np.float64).tobytes()


def test_a_map_as_msgpack_numpy_writes_it() -> None:
    """Bytes as recorded from the public package: a float32 matrix, then a float32 scalar."""
    matrix = {
        b"nd": True,
        b"type": "<f4",
        b"kind": b"",
        b"shape": [2, 2],
        b"data": np.array([[1, 2], [3, 4.5]], "<f4").tobytes(),
    }
    assert numpy_map(np.array([[1, 2], [3, 4.5]], "<f4")) == matrix
    assert unpacked(pack(matrix)).tolist() == [[1.0, 2.0], [3.0, 4.5]]
    scalar = {b"nd": False, b"type": "<f4", b"data": np.float32(2.5).tobytes()}
    found = unpacked(pack(scalar))
    assert type(found) is float
    assert found == 2.5


def a_map(**changed: Any) -> dict[bytes, Any]:
    good = {"nd": True, "type": "<f8", "kind": b"", "shape": [2], "data": bytes(16)}
    return {key.encode(): value for key, value in (good | changed).items()}


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": [3]},
        {"shape": [2, 2]},
        {"shape": [-2]},
        {"shape": [-1, -2]},
        {"shape": [2.0]},
        {"shape": [True, 2]},
        {"shape": ["2"]},
        {"shape": None},
        {"shape": 2},
        {"shape": [2**62]},
        {"shape": [2**40, 2**40, 2**40]},
        {"shape": [0, 2**62], "data": b""},
        {"shape": [0, 2**64 - 1], "data": b""},
        {"shape": [2] + [1] * 100},
        {"data": bytes(15)},
        {"data": "text"},
        {"data": None},
        {"data": [0.0, 0.0]},
        {"nd": False},
        {"nd": False, "data": b""},
        {"type": "O"},
        {"type": "|O"},
        {"type": b"|O8"},
        {"type": "object"},
        {"type": "<c16", "shape": [1]},
        {"type": "<M8[s]"},
        {"type": "|V8"},
        {"type": "|S8"},
        {"type": "<U2"},
        {"type": "a8"},
        {"type": "f8,f8", "shape": [1]},
        {"type": "(2,)f8", "shape": [1]},
        {"type": "(99999999999,)f8"},
        {"type": "("},
        {"type": "f8, "},
        {"type": "<f3"},
        {"type": "<f16", "shape": [1]},
        {"type": "<f8\n"},
        {"type": ""},
        {"type": None},
        {"type": ["<f8"]},
        {"type": {"names": ["a"], "formats": ["O"]}},
        {"type": "x" * 100_000},
    ],
    ids=str,
)
def test_a_hostile_map_is_refused_before_anything_is_allocated(changed: dict[str, Any]) -> None:
    raw = pack(a_map(**changed))
    tracemalloc.start()
    with pytest.raises(msgspec.DecodeError) as caught:
        unpacked(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    assert len(str(caught.value)) < 1000


def test_a_map_that_is_none_of_numpys_is_left_as_it_is() -> None:
    for value in ({}, {"nd": True}, {b"type": "<f8"}, [1], "nd", None):
        assert numpy_value(value) == value


# Whole answers


def answer(predictions: dict[str, Any]) -> PredictResponse:
    task = TaskPrediction(
        "t", "expression", ["NA"], "K562", "NA", "homo_sapiens", "NA", None, "linear", predictions
    )
    return PredictResponse("toy", [task], bin_size=1)


tracks = st.dictionaries(
    st.text(max_size=5), floats.filter(lambda each: each.ndim < 3) | st.floats(), max_size=5
)


def plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


@given(tracks)
@settings(deadline=None)
def test_an_answer_of_arrays_has_the_bytes_of_an_answer_of_lists(predictions: Any) -> None:
    lists = {name: plain(value) for name, value in predictions.items()}
    raw = encode(answer(predictions), MSGPACK)
    assert raw == pack(answer(lists))
    read = decode_answer(raw, MSGPACK)["prediction_tasks"][0]["predictions"]
    assert pack({name: plain(value) for name, value in read.items()}) == pack(lists)


def test_an_answer_is_read_by_an_independent_reader() -> None:
    predictions = {"a": np.array([1.5, -2.0]), "b": np.zeros((2, 3)), "c": Unanswered("no")}
    read = reference_msgpack.unpack(encode(answer(predictions), MSGPACK))
    assert read["prediction_tasks"][0]["predictions"] == {
        "a": [1.5, -2.0],
        "b": [[0.0] * 3] * 2,
        "c": None,
    }


@given(tracks)
@settings(deadline=None)
def test_an_answer_of_numpy_maps_has_the_same_numbers(predictions: Any) -> None:
    raw = encode(answer(predictions), MSGPACK_NUMPY)
    read = decode_answer(raw, MSGPACK_NUMPY)["prediction_tasks"][0]["predictions"]
    assert list(read) == list(predictions)
    for name, value in predictions.items():
        if isinstance(value, np.ndarray):
            assert read[name].shape == value.shape
            assert read[name].tobytes() == value.astype(np.float64).tobytes()
        else:
            assert read[name] == value or math.isnan(value)
