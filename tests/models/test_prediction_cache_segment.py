"""Files of answers: what comes back is what was written, or nothing."""

from __future__ import annotations

import io
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.models.prediction_cache_segment import (
    KEY,
    DamagedSegmentError,
    Kind,
    Row,
    Segment,
    Told,
    is_plain,
    kinds_of,
    packed,
)
from genomark.protocol import PredictResponse, TaskPrediction
from genomark.scoring import Cost

COST = Cost(1.5, 1.25, 1 << 20, 10, 20)


def task(name: str = "") -> TaskPrediction:
    return TaskPrediction(name, "e", ["CAGE"], "K562", "K562", "x", "x", None, "log", {})


def told(tasks: int = 1, **more: object) -> Told:
    return Told("m" * 32, "model", "r" * 32, PredictResponse("p", [task()] * tasks, **more), COST)


def keys_of(count: int) -> list[bytes]:
    return [bytes([place % 256, place // 256] * (KEY // 2)) for place in range(count)]


def written(rows: list[Row]) -> bytes:
    kinds = kinds_of(rows)
    assert kinds is not None
    return packed(told(len(kinds)), keys_of(len(rows)), rows, kinds)


def read(content: bytes, places: list[int] | None = None) -> list[Row]:
    handle = io.BytesIO(content)
    segment = Segment.read(handle, len(content))
    return segment.rows_at(handle, list(range(segment.rows)) if places is None else places)


def same(one: Row, other: Row) -> bool:
    """Equal to the last bit, and of the same type."""
    if len(one) != len(other) or one[1::2] != other[1::2]:
        return False
    for value, again in zip(one[::2], other[::2], strict=True):
        if type(value) is not type(again):
            return False
        if isinstance(value, float):
            if struct.pack("<d", value) != struct.pack("<d", again):
                return False
        elif (value.dtype, value.shape, value.tobytes()) != (
            again.dtype,
            again.shape,
            again.tobytes(),
        ):
            return False
    return True


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows of one to three tasks; arrays of any length, none too, and numbers of any kind."""
    kinds = draw(
        st.lists(
            st.sampled_from([("float", 0), ("<f4", 1), ("<f8", 1), ("<f4", 2)]),
            min_size=1,
            max_size=3,
        )
    )
    trimmed = draw(st.booleans())
    bits = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        row = []
        for dtype, dimensions in kinds:
            shape = tuple(bits.integers(0, 5, dimensions))
            size = 8 if dtype == "float" else np.dtype(dtype).itemsize * int(np.prod(shape))
            raw = bits.bytes(size)
            value = (
                struct.unpack("<d", raw)[0]
                if dtype == "float"
                else np.frombuffer(raw, dtype).reshape(shape)
            )
            row += [value, int(bits.integers(0, 99)) if trimmed else None]
        rows.append(tuple(row))
    return rows


@given(tables(), st.data())
def test_rows_come_back_bit_for_bit(rows: list[Row], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=8))
    found = read(written(rows), places)
    assert all(same(rows[place], row) for place, row in zip(places, found, strict=True))


def test_the_head_tells_what_was_written_and_can_be_found_by_key() -> None:
    response = PredictResponse("p", [task("t")], bin_size=128, matcher_version="2")
    given_ = Told("a" * 32, "kmer:k=5", "b" * 32, response, COST)
    content = packed(given_, keys_of(300), [(0.5, None)] * 300, [Kind("point", 0, False)])
    segment = Segment.read(io.BytesIO(content), len(content))
    assert segment.told == given_
    assert segment.rows == 300
    assert [key.tobytes() for key in segment.keys] == keys_of(300)


def test_a_point_takes_its_key_and_eight_bytes() -> None:
    few, many = (len(written([(float(n), None) for n in range(k)])) for k in (1000, 5000))
    # And a block of two thousand of them its digest.
    assert 0 <= (many - few) - 4000 * (KEY + 8) < 150


def test_a_single_row_of_many_is_read_without_the_others() -> None:
    rows: list[Row] = [(np.full(4096, n, dtype=np.float32), None) for n in range(64)]
    content = written(rows)

    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    handle = Counting(content)
    segment = Segment.read(handle, len(content))
    before = handle.taken
    (row,) = segment.rows_at(handle, [40])
    assert same(row, rows[40])
    assert handle.taken - before <= 1 << 17 < len(content) / 7


def test_arrays_that_come_back_can_be_written_to() -> None:
    ((value, _),) = read(written([(np.zeros(3), None)]))
    value[:] = 1


@pytest.mark.parametrize(
    "rows",
    [
        [(0.5, None, -1.5, None), (2.0, None, float("nan"), None)],
        [(np.arange(3, dtype=np.float32), 7, 1.0, 0), (np.ones(2, np.float32), 1, 2.0, 3)],
    ],
    ids=["points", "tracks"],
)
def test_no_flipped_bit_anywhere_gives_a_wrong_answer(rows: list[Row]) -> None:
    content = written(rows)
    for place in range(len(content)):
        for bit in (0, 5):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            with pytest.raises(DamagedSegmentError):
                read(bytes(damaged))


def test_no_shorter_file_gives_an_answer() -> None:
    content = written([(0.5, None), (1.5, None)])
    for length in range(len(content)):
        with pytest.raises(DamagedSegmentError):
            read(content[:length])
    with pytest.raises(DamagedSegmentError, match="bytes"):
        read(content + b"\0")


def test_a_file_of_another_form_is_said_to_be_one() -> None:
    content = written([(0.5, None)])
    for other in (b"", b"PAR1", content.replace(b"predictions 1", b"predictions 2", 1)):
        with pytest.raises(DamagedSegmentError, match="another version"):
            read(other)


def test_a_damaged_block_harms_no_other() -> None:
    rows: list[Row] = [(np.full(10_000, n, dtype=np.float64), None) for n in range(4)]
    content = bytearray(written(rows))
    content[-1] ^= 1
    found = read(bytes(content), [0, 1, 2])
    assert all(same(one, other) for one, other in zip(rows, found, strict=False))
    with pytest.raises(DamagedSegmentError, match="values"):
        read(bytes(content), [3])
    handle = io.BytesIO(bytes(content))
    segment = Segment.read(handle, len(content))
    with pytest.raises(DamagedSegmentError):
        segment.check(handle)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (0.5, True),
        (np.zeros(2, np.float32), True),
        (np.zeros((2, 2)), True),
        (np.float64(0.5), False),
        (1, False),
        (True, False),
        ([0.5], False),
        ("0.5", False),
        (None, False),
        (np.zeros(2, np.float16), False),
        (np.zeros(2, ">f8"), False),
    ],
)
def test_only_what_comes_back_as_it_was_is_plain(value: object, plain: bool) -> None:
    assert is_plain(value) is plain


def test_rows_of_different_kinds_are_not_kept_together() -> None:
    assert kinds_of([(0.5, None), (1.5, None)]) == [Kind("point", 0, False)]
    assert kinds_of([(0.5, None), (np.zeros(1), None)]) is None
    assert kinds_of([(np.zeros(1), 1), (np.zeros(1), None)]) is None
    assert kinds_of([(np.zeros(1), None), (np.zeros((1, 1)), None)]) is None


def test_a_head_that_is_sound_and_makes_no_sense_is_damaged() -> None:
    content = written([(0.5, None)])
    described = msgspec.json.encode({"rows": "many"})
    magic = content[: content.index(b"\n") + 1]
    from genomark.digests import digest_of_bytes

    size = len(magic) + 16 + len(described) + 32
    head = magic + size.to_bytes(8, "little") + len(described).to_bytes(8, "little") + described
    with pytest.raises(DamagedSegmentError, match="cannot be read"):
        read(head + digest_of_bytes([head]).encode())
