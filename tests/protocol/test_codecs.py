import contextlib
import json
import math
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_msgpack import pack, unpack

from genomark.protocol import (
    JSON,
    MSGPACK,
    REQUEST_FORMATS,
    BadRequestError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
    decode,
    encode,
    validate_request,
)

both = pytest.mark.parametrize("kind", REQUEST_FORMATS)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
messages = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=60,
)
point_answers = st.dictionaries(st.text(min_size=1), st.floats(allow_nan=False), max_size=30)


def same(one, other):
    """Equal in values, types and order: 1 is not 1.0, 0.0 is not -0.0."""
    return repr(one) == repr(other)


@given(messages)
@settings(deadline=None)
def test_json_we_write_is_what_the_standard_library_reads(message):
    assert same(json.loads(encode(message, JSON)), message)


@given(messages, st.booleans(), st.sampled_from([None, 2]))
@settings(deadline=None)
def test_json_the_standard_library_writes_is_what_we_read(message, ascii_only, indent):
    text = json.dumps(message, ensure_ascii=ascii_only, indent=indent)
    assert same(decode(text.encode(), JSON), message)


@given(messages)
@settings(deadline=None)
def test_msgpack_is_byte_for_byte_that_of_the_specification(message):
    assert encode(message, MSGPACK) == pack(message)


@given(messages)
@settings(deadline=None)
def test_msgpack_written_by_others_is_read(message):
    assert same(decode(pack(message), MSGPACK), message)


@pytest.mark.parametrize("length", [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536])
def test_msgpack_lengths_at_the_edges_of_each_form(length):
    for message in ("A" * length, [1] * length, {str(key): None for key in range(length)}):
        assert encode(message, MSGPACK) == pack(message)
        assert same(unpack(encode(message, MSGPACK)), message)


@both
@given(point_answers)
@settings(deadline=None)
def test_floats_come_back_bit_for_bit(kind, values):
    finite = {key: value for key, value in values.items() if math.isfinite(value)}
    back = decode(encode(finite, kind), kind)
    assert list(back) == list(finite)
    for key, value in finite.items():
        assert struct.pack(">d", back[key]) == struct.pack(">d", value)


@both
def test_numpy_values_are_sent_as_plain_numbers_and_nested_lists(kind):
    message = {
        "point": np.float64(0.1),
        "single": np.float32(0.1),
        "count": np.int64(-7),
        "flag": np.bool_(True),
        "track": np.array([0.5, -0.0, 2.0]),
        "matrix": np.arange(6, dtype=np.float64).reshape(2, 3),
        "nothing": np.array([]),
        "one": np.array(2.5),
    }
    expected = {
        "point": 0.1,
        # The nearest float32 to 0.1, written out in full.
        "single": 0.100000001490116119384765625,
        "count": -7,
        "flag": True,
        "track": [0.5, -0.0, 2.0],
        "matrix": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
        "nothing": [],
        "one": 2.5,
    }
    body = encode(message, kind)
    assert same(json.loads(body) if kind == JSON else unpack(body), expected)


def test_undefined_numbers_are_null_in_json_which_has_no_other_word_for_them():
    message = {"a": math.nan, "b": math.inf, "c": [-math.inf, 1.0], "d": np.array([np.nan])}
    assert json.loads(encode(message, JSON)) == {
        "a": None,
        "b": None,
        "c": [None, 1.0],
        "d": [None],
    }


def test_undefined_numbers_survive_msgpack():
    back = unpack(encode({"a": math.nan, "b": math.inf, "c": np.array([-np.inf])}, MSGPACK))
    assert math.isnan(back["a"])
    assert back["b"] == math.inf
    assert back["c"] == [-math.inf]


@both
@pytest.mark.parametrize("value", [set, 1j, np.complex128(1j), range(3)], ids=repr)
def test_what_cannot_be_sent_is_refused(kind, value):
    with pytest.raises(TypeError, match="cannot be sent"):
        encode({"a": value}, kind)


REQUEST = PredictRequest(
    "track",
    [PredictionTask("t", "accessibility", "K562", "homo_sapiens")],
    {"s:1|a>b +é": "ACGT"},
)


@both
def test_what_was_left_out_is_not_sent(kind):
    assert decode(encode(REQUEST, kind), kind) == {
        "readout": "track",
        "prediction_tasks": [
            {
                "name": "t",
                "type": "accessibility",
                "cell_type": "K562",
                "species": "homo_sapiens",
            }
        ],
        "sequences": {"s:1|a>b +é": "ACGT"},
    }


@both
def test_an_answer_is_written_with_the_keys_of_the_protocol(kind):
    answer = PredictResponse(
        "Toy",
        [
            TaskPrediction(
                name="t",
                type_requested="accessibility",
                type_actual=["ATAC", "DNASE"],
                cell_type_requested="K562",
                cell_type_actual="k562",
                species_requested="homo_sapiens",
                species_actual="homo_sapiens",
                scale_prediction_requested=None,
                scale_prediction_actual="linear",
                predictions={"s": np.array([0.25, 0.5])},
                trim_upstream={"s": 2},
            )
        ],
        bin_size=4,
    )
    body = encode(answer, kind)
    assert (json.loads(body) if kind == JSON else unpack(body)) == {
        "predictor_name": "Toy",
        "prediction_tasks": [
            {
                "name": "t",
                "type_requested": "accessibility",
                "type_actual": ["ATAC", "DNASE"],
                "cell_type_requested": "K562",
                "cell_type_actual": "k562",
                "species_requested": "homo_sapiens",
                "species_actual": "homo_sapiens",
                "scale_prediction_requested": None,
                "scale_prediction_actual": "linear",
                "predictions": {"s": [0.25, 0.5]},
                "trim_upstream": {"s": 2},
            }
        ],
        "bin_size": 4,
    }


tasks = st.builds(
    PredictionTask,
    name=st.text(),
    type=st.sampled_from(["accessibility", "expression", "binding_ctcf"]),
    cell_type=st.text(),
    species=st.text(),
    scale=st.sampled_from([msgspec.UNSET, "log", "linear"]),
)
requests = st.builds(
    PredictRequest,
    readout=st.sampled_from(["point", "track", "interaction_matrix"]),
    prediction_tasks=st.lists(tasks, max_size=4),
    sequences=st.dictionaries(st.text(), st.text("ACGTNacgtn"), max_size=8),
    prediction_ranges=st.just(msgspec.UNSET),
    upstream_seq=st.just(msgspec.UNSET) | st.text("ACGTN"),
    downstream_seq=st.just(msgspec.UNSET) | st.text("ACGTN"),
)


@both
@given(requests)
@settings(deadline=None)
def test_any_request_we_send_is_the_request_that_is_received(kind, request):
    received = validate_request(decode(encode(request, kind), kind))
    assert received == request
    assert list(received.sequences) == list(request.sequences)


DEEP = 100_000


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(JSON, b"[" * DEEP + b"]" * DEEP, id="json lists"),
        pytest.param(JSON, b'{"a":' * DEEP + b"1" + b"}" * DEEP, id="json objects"),
        pytest.param(JSON, b"[" * DEEP, id="json lists that do not end"),
        pytest.param(MSGPACK, b"\x91" * DEEP + b"\x01", id="msgpack arrays"),
        pytest.param(MSGPACK, b"\x81\xa1a" * DEEP + b"\x01", id="msgpack maps"),
    ],
)
def test_nesting_that_would_exhaust_the_stack_is_a_bad_request(kind, body):
    with pytest.raises(BadRequestError, match="Could not parse"):
        decode(body, kind)


@both
def test_every_torn_body_is_a_bad_request(kind):
    body = encode(REQUEST, kind)
    name = "JSON" if kind == JSON else "MsgPack"
    for length in range(len(body)):
        with pytest.raises(BadRequestError, match=f"Could not parse {name} payload: ") as caught:
            decode(body[:length], kind)
        assert caught.value.http_status == 400


@both
@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_read_or_are_a_bad_request(kind, body):
    # Any other exception fails the test.
    with contextlib.suppress(BadRequestError):
        decode(body, kind)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": 1} {"b": 2}',
        b'"\xff"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b"1" * 5000,
        b"1e999",
    ],
)
def test_what_is_not_json_is_a_bad_request(body):
    with pytest.raises(BadRequestError, match="Could not parse JSON payload"):
        decode(body, JSON)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xc1", id="a byte that is never used"),
        pytest.param(b"\xa1\xff", id="a string that is not UTF-8"),
        pytest.param(b"\x01\x02", id="two values"),
        pytest.param(b"\x81\x80\x01", id="a map as key"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="four billion values promised, none there"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="four billion pairs promised, none there"),
        pytest.param(b"\xdb\xff\xff\xff\xff", id="four gigabytes promised, none there"),
        pytest.param(b"\xc7\x03\xff\x00\x00\x00", id="a timestamp of three bytes"),
    ],
)
def test_what_is_not_msgpack_is_a_bad_request(body):
    with pytest.raises(BadRequestError, match="Could not parse MsgPack payload"):
        decode(body, MSGPACK)
