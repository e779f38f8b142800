"""Bodies compressed with zstd: whole or refused, and never more in memory than is allowed."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from genomark.protocol import BadRequestError, compress, decompress

MEGABYTE = 1 << 20


@given(st.binary(max_size=2_000), st.integers(1, 300))
def test_what_was_packed_comes_back(body: bytes, times: int) -> None:
    assert decompress(compress(body * times), len(body) * times) == body * times


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=4))
def test_frames_may_stand_one_after_the_other(bodies: list[bytes]) -> None:
    packed = b"".join(map(compress, bodies))
    assert decompress(packed, 1_000) == b"".join(bodies)


@pytest.mark.parametrize("level", [-5, 1, 19])
def test_frames_of_other_writers_are_read(level: int) -> None:
    body = bytes(range(256)) * 5_000
    stream = zstandard.ZstdCompressor(level=level, write_checksum=True).compressobj()
    # Without its length in the header.
    packed = stream.compress(body) + stream.flush()
    assert decompress(packed, len(body)) == body


def test_one_byte_too_many_is_refused() -> None:
    packed = compress(bytes(5 * MEGABYTE))
    assert len(decompress(packed, 5 * MEGABYTE)) == 5 * MEGABYTE
    with pytest.raises(BadRequestError, match="unfolds to over 5,242,879 bytes") as refusal:
        decompress(packed, 5 * MEGABYTE - 1)
    assert refusal.value.http_status == 413


@given(st.integers(0, 10_000))
def test_a_torn_body_is_refused(length: int) -> None:
    packed = compress(bytes(range(256)) * 40)
    with pytest.raises(BadRequestError) as refusal:
        decompress(packed[: 1 + length % (len(packed) - 1)], MEGABYTE)
    assert refusal.value.http_status == 400


@given(st.data())
def test_a_flipped_bit_is_refused_or_harmless(data: st.DataObject) -> None:
    packed = bytearray(compress(bytes(range(256)) * 4))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(BadRequestError):
        assert len(decompress(bytes(packed), 5_000)) <= 5_000


def test_a_bomb_takes_no_more_than_is_allowed_and_a_step() -> None:
    packed = compress(bytes(1_000 * MEGABYTE))
    tracemalloc.start()
    with pytest.raises(BadRequestError, match="unfolds"):
        decompress(packed, 20 * MEGABYTE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 70 * MEGABYTE


def test_thousands_of_empty_frames_are_refused() -> None:
    packed = compress(b"") * 2_000
    with pytest.raises(BadRequestError, match="over 1,024 frames"):
        decompress(packed, MEGABYTE)


def test_a_frame_that_asks_for_much_memory_is_refused() -> None:
    # Magic number, no content size, a window of 2 GiB (RFC 8878, section 3.1.1.1.2).
    header = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3])
    with pytest.raises(BadRequestError, match="zstd"):
        decompress(header + bytes(100), MEGABYTE)
