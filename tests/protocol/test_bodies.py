from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.protocol import (
    JSON,
    MSGPACK,
    BadRequestError,
    bodies,
    decode,
    decode_request,
    validate_request,
)

TASK = {"name": "t", "type": "accessibility", "cell_type": "K562", "species": "homo_sapiens"}
MEGABYTE = 1 << 20
CODERS = {JSON: msgspec.json.encode, MSGPACK: msgspec.msgpack.encode}
kinds = pytest.mark.parametrize("kind", [JSON, MSGPACK])


@pytest.fixture
def all_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every body is read as a long one is."""
    monkeypatch.setattr(bodies, "_SHORT", 0)


def request(sequences: Any, **more: Any) -> dict[str, Any]:
    return {"readout": "point", "prediction_tasks": [TASK], "sequences": sequences, **more}


def refused(body: bytes, kind: str, most: int = 1000) -> tuple[int, str]:
    with pytest.raises(BadRequestError) as caught:
        validate_request(decode_request(body, kind, most))
    return caught.value.http_status, str(caught.value)


@kinds
def test_a_long_request_is_read_as_a_short_one_would_be(kind: str) -> None:
    names = [f'chr1:{i}-{i + 9}|"quoted"\n é' for i in range(40_000)]
    asked = request(
        dict.fromkeys(names, "ACGT" * 20),
        prediction_ranges={name: [i % 4, 9] if i % 3 else [] for i, name in enumerate(names)},
        upstream_seq="AC" * 1000,
        downstream_seq="",
        more={"unknown": [[[1, None]]]},
    )
    body = CODERS[kind](asked)
    assert len(body) > 2 * MEGABYTE
    read = decode_request(body, kind, 100_000)
    assert "more" not in read
    assert validate_request(read) == validate_request(decode(body, kind))
    assert list(read["sequences"]) == names


texts = st.text(max_size=8)


@kinds
@given(
    sequences=st.dictionaries(texts, texts, max_size=6),
    flank=st.none() | texts,
    values=st.lists(st.lists(st.integers(-5, 5), max_size=3), max_size=6),
)
@settings(deadline=None)
def test_both_ways_of_reading_agree(kind: str, sequences: Any, flank: Any, values: Any) -> None:
    asked = request(sequences)
    if flank is not None:
        asked["upstream_seq"] = flank
    if values:
        asked["prediction_ranges"] = dict(zip(sequences, values, strict=False))
    body = CODERS[kind](asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "_SHORT", 0)
        patch.setattr(bodies, "_LONGEST_RANGE", 1000)
        # The length of the tasks is not what is looked at here.
        tasks = asked.pop("prediction_tasks")
        read = decode_request(CODERS[kind](asked), kind, 1000)
    assert read | {"prediction_tasks": tasks} == decode(body, kind)


@kinds
def test_a_long_body_without_its_keys_is_told_which(kind: str) -> None:
    body = CODERS[kind]({"padding": "x" * 3 * MEGABYTE, "readout": "point"})
    assert refused(body, kind) == (
        400,
        "The following mandatory top-level keys are missing from the JSON: "
        "prediction_tasks, sequences",
    )


@pytest.mark.usefixtures("all_long")
@kinds
@pytest.mark.parametrize(
    ("body", "part"),
    [
        ([], "Expected `object`, got `array`"),
        (None, "Expected `object`, got"),
        ({"sequences": []}, "Expected `object`, got `array`"),
        ({"sequences": {"a": []}}, "Expected `str`, got `array`"),
        ({"sequences": {"a": None}}, "Expected `str`, got"),
        ({"readout": ["point"]}, "Expected `str`, got `array`"),
        ({"upstream_seq": None}, "Expected `str`, got"),
        ({"prediction_ranges": []}, "Expected `object`, got `array`"),
        ({"prediction_ranges": {"a": [0] * 100}}, "must have 2 elements"),
        ({"prediction_tasks": [TASK]}, "'prediction_tasks' is too long"),
    ],
)
def test_what_is_no_request_is_refused_with_what_was_expected(
    kind: str, body: Any, part: str
) -> None:
    assert part in refused(CODERS[kind](body), kind)[1]


@pytest.mark.usefixtures("all_long")
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"{"),
        (JSON, b""),
        (JSON, b'{"x": ' + b"[" * 100_000),
        (JSON, b'{"sequences": {"a": "\\ud800"}}'),
        (JSON, b'{"sequences": {"a": "\xff"}}'),
        (MSGPACK, b""),
        (MSGPACK, b"\xc1"),
        (MSGPACK, b"\x81\xa1x" + b"\x91" * 100_000),
        (MSGPACK, b"\x81\xa9sequences\xdf\x00\x00\x00\x05"),
        (MSGPACK, b"\x81\xa9sequences\x81\xa1a\xa1\xff"),
        (MSGPACK, b"\x81\x01\x02"),
    ],
)
def test_what_cannot_be_read_is_a_bad_request(kind: str, body: bytes) -> None:
    assert refused(body, kind)[0] == 400


@kinds
def test_too_many_sequences_are_refused_before_they_are_read(kind: str) -> None:
    body = CODERS[kind](request({f"s{i}": "ACGT" * 20 for i in range(30_000)}))
    status, text = refused(body, kind, most=14_000)
    assert (status, text) == (
        413,
        "About 30,000 sequences in one request; this server takes 14,000",
    )
    assert len(decode_request(body, kind, 15_000)["sequences"]) == 30_000


def packed_map(entry: bytes, n: int) -> bytes:
    return b"\xdf" + n.to_bytes(4, "big") + entry * n


def packed_array(entry: bytes, n: int) -> bytes:
    return b"\xdd" + n.to_bytes(4, "big") + entry * n


MILLIONS = 5_000_000
HOSTILE = {
    "empty arrays": (MSGPACK, packed_array(b"\x90", MILLIONS)),
    "empty arrays, JSON": (JSON, b"[" + b"[]," * MILLIONS + b"[]]"),
    "in a key": (MSGPACK, b"\x81\xa1x" + packed_array(b"\x90", MILLIONS)),
    "in sequences": (MSGPACK, b"\x81\xa9sequences\x81\xa1a" + packed_array(b"\x90", MILLIONS)),
    "many sequences": (MSGPACK, b"\x81\xa9sequences" + packed_map(b"\xa1a\xa0", MILLIONS)),
    "many sequences, JSON": (JSON, b'{"sequences":{' + b'"a":"",' * MILLIONS + b'"b":""}}'),
    "in ranges": (
        MSGPACK,
        b"\x81\xb1prediction_ranges\x81\xa1a" + packed_array(b"\x00", MILLIONS),
    ),
    "many ranges": (MSGPACK, b"\x81\xb1prediction_ranges" + packed_map(b"\xa1a\x90", MILLIONS)),
    "in tasks": (MSGPACK, b"\x81\xb0prediction_tasks" + packed_array(b"\x80", MILLIONS)),
    "many keys": (MSGPACK, packed_map(b"\xa1a\x90", MILLIONS)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_would_unfold_is_refused_at_little_memory(name: str) -> None:
    kind, body = HOSTILE[name]
    tracemalloc.start()
    status, _ = refused(body, kind)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status in (400, 413)
    assert peak < 8 * MEGABYTE
