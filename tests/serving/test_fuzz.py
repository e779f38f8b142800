"""Bodies and headers that nobody meant to send: the app answers each, in the protocol's words."""

import asyncio
import copy
import gc as garbage
import json
import os
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from asking import TASK

from genomark.models import load_model
from genomark.models.declaration import Declaration
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.protocol import PredictResponse, bodies
from genomark.scoring import ModelIdentity
from genomark.serving import Limits, predictor_app

JSON, MSGPACK = "application/json", "application/msgpack"
KEYS = {"bad_prediction_request", "prediction_request_failed", "server_error"}
MEGABYTE = 1_000_000

BINNED = TrackPredictor(
    ModelIdentity(id="binned", version="1", digest="d"),
    Declaration(
        name="binned",
        readouts=("point", "track"),
        scales=("linear", "log"),
        tracks=(
            Track("DNASE", ("accessibility",), "K562"),
            Track("CHIP_ctcf", ("binding_ctcf",), "HepG2"),
        ),
        bin_size=4,
        input_length=16,
        output_length=8,
    ),
    lambda windows, tracks: np.ones((len(windows), len(tracks), 2)),
)
APPS = [
    predictor_app(model, limits=Limits(body_bytes=20_000, sequences=50, bases=5_000, depth=8))
    for model in (load_model("cpg"), BINNED)
]

SEEDS = [
    {"readout": "point", "prediction_tasks": [TASK], "sequences": {"s": "ACGTN", "t": "gg"}},
    {
        "readout": "track",
        "prediction_tasks": [
            {**TASK, "scale": "log"},
            {**TASK, "type": "binding_ctcf", "cell_type": "hepg2", "scale": "linear"},
        ],
        "sequences": {"chr1:1-9|x": "ACGTACGTCG", "é\n": "CGCGNNAATT"},
        "prediction_ranges": {"chr1:1-9|x": [2, 11], "é\n": []},
        "upstream_seq": "AC",
        "downstream_seq": "GT",
    },
    {"readout": "interaction_matrix", "prediction_tasks": [], "sequences": {}},
    {
        "readout": "point",
        "prediction_tasks": [TASK],
        "references": {"r": "ACGTACGTCG", "q": "GG"},
        "edits": {"e": {"of": "r", "changes": [[0, 2, "A"], [5, 5, "TT"]]}},
        "sequences": {"s": "ACGT"},
        "prediction_ranges": {"e": [0, 3], "s": []},
    },
]
VALUES = [
    *(None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63), 2**64 - 1),
    *(0.5, -0.0, 1e308, 5e-324, "", "A", "ACGT", "acgtn", "é", "\x00", "😀", "\u202e", "error"),
    *("point", "track", "interaction_matrix", "log", "linear", "N" * 400, "binding_", "K562"),
    *([], {}, [[]], [0, 1], [1, 0], [0, 10**9], [-1, 2], [None], ["A"], [0.0, 1.0], [True, False]),
    *({"s": "ACGT"}, {"": ""}, {"s": []}, [{}], [[[[[[[[[[[[]]]]]]]]]]]], {"a": {"b": {"c": 1}}}),
]
RAW = [
    b'"\\ud800"', b"NaN", b"Infinity", b"-0", b"1e400", b"1" * 400, b"01", b"'a'", b"\xff",
    b"\xed\xa0\x80", b"/**/", b",", b"}", b"]]", b"\x00", b'{"s":"A","s":"C"}', b"\xef\xbb\xbf",
]  # fmt: skip
PACKED = [
    b"\xc1", b"\xc7\x00\x05", b"\xd4\x01\x00", b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    b"\xca\x7f\x80\x00\x00", b"\x81\x90\x01", b"\x81\xc4\x01s\xa1A", b"\xa2\xff\xfe",
    b"\x81\xc0\xc0", b"\xd6\xff\x00\x00\x00\x00", b"\x82\x01\x02\xa1a\x03",
]  # fmt: skip
NAMES = ["", "s", "error", "é", "readout", "x" * 300]
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "X"]
PATHS = ["/predict", "/help", "/formats", "/metrics", "/", "/\x00", "/é", "/..//"]
TYPES = [
    JSON, MSGPACK, "APPLICATION/JSON", f"{JSON}; charset=utf-8", f"{JSON};", ";", "", "text/plain",
    "application/msgpack-numpy", f" {MSGPACK} ", "multipart/form-data; boundary=x", "é", "a" * 2000,
]  # fmt: skip
ACCEPTS = [JSON, MSGPACK, f"{MSGPACK}-numpy", "*/*", "", "text/html;q=0.9, */*", "\xff", "q=;;,,"]
OTHERS = [
    ("content-encoding", ["gzip", "identity", "", "br", "GZIP, zstd", "\x80"]),
    ("content-length", ["0", "-1", "5", "99999", "20001", "x", "1e3", "²", "9" * 30]),
    ("authorization", ["Bearer x", "Basic", "\xff"]),
    ("expect", ["100-continue", "200-ok"]),
    ("transfer-encoding", ["chunked", "gzip"]),
    ("connection", ["close", "upgrade"]),
]


def places(value):
    """Every container of a value, with one of its keys."""
    found = []
    level = [value]
    while level:
        container = level.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                level.append(container[key])
    return found


def mutated_value(rng):
    body = copy.deepcopy(rng.choice(SEEDS))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        if not (spots := places(body)):
            break
        container, key = rng.choice(spots)
        way = rng.randrange(4)
        if way == 0:
            del container[key]
        elif way == 1 and isinstance(container, dict):
            container[rng.choice(NAMES)] = container.pop(key)
        elif way == 2 and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[key] = copy.deepcopy(rng.choice(VALUES))
    return body


def mutated_bytes(rng, body, splices):
    body = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(body) + 1)
        way = rng.randrange(6)
        if way == 0 and body:
            body[at % len(body)] ^= 1 << rng.randrange(8)
        elif way == 1:
            del body[at:]
        elif way == 2:
            del body[at : at + rng.randrange(1, 9)]
        elif way == 3:
            body[at:at] = rng.choice(splices)
        elif way == 4:
            body[at:at] = body[at : at + rng.randrange(1, 40)]
        else:
            body[at : at + 1] = rng.randbytes(rng.randrange(1, 5))
    return bytes(body)


def case(rng):
    """One request: app, method, path, headers, body."""
    packs = rng.random() < 0.5
    if rng.random() < 0.1:
        body = rng.choice((b"", b"\x80", b"\x83")) + rng.randbytes(rng.randrange(200))
    else:
        value = mutated_value(rng)
        body = msgspec.msgpack.encode(value) if packs else json.dumps(value).encode()
        if rng.random() < 0.3:
            body = mutated_bytes(rng, body, PACKED if packs else RAW)
    headers = [("content-type", MSGPACK if packs else JSON), ("accept", rng.choice(ACCEPTS))]
    if rng.random() < 0.15:
        headers[0] = ("content-type", rng.choice(TYPES))
    if rng.random() < 0.1:
        name, values = rng.choice(OTHERS)
        headers.append((name, rng.choice(values)))
    if rng.random() < 0.05:
        del headers[rng.randrange(len(headers))]
    method, path = "POST", "/predict"
    if rng.random() < 0.03:
        method = rng.choice(METHODS)
        path = rng.choice(PATHS)
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
    return rng.choice(APPS), method, path, encoded, body


async def answer(app, method, path, headers, body):
    """Call an app as a server does; gives status, headers and body. What it raises is raised."""
    half = len(body) // 2
    parts = [(body[:half], True), (body[half:], False)]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    sent = []

    async def receive():
        if parts:
            part, more = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": more}
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return start["status"], dict(start["headers"]), b"".join(each["body"] for each in rest)


def check(status, headers, body, asked):
    """Every answer is well formed, whatever was asked."""
    kind = headers.get(b"content-type", b"").decode()
    if status == 200 and asked[2] == "/predict":
        if kind == JSON:
            found = msgspec.json.decode(body, type=PredictResponse)
        else:
            assert kind in (MSGPACK, f"{MSGPACK}-numpy")
            # The keys of a NumPy array are bytes.
            found = msgspec.convert(msgspec.msgpack.decode(body), PredictResponse)
        assert found.predictor_name in ("genomark-cpg_dev", "binned_dev")
    elif status >= 400:
        assert status < 500 or status == 503, body
        assert kind == JSON
        error = msgspec.json.decode(body)
        assert set(error) == {"predictor_name", "error"}
        assert error["error"]
        for entry in error["error"]:
            ((key, text),) = entry.items()
            assert key in KEYS
            assert isinstance(text, str)
            assert text


def fuzz(seed, n):
    """Ask so often, in one loop; gives how often each status came."""
    rng = random.Random(seed)
    found = {}

    async def scenario():
        for number in range(n):
            asked = case(rng)
            try:
                got = await answer(*asked)
                check(*got, asked)
            except BaseException as error:
                error.add_note(f"seed {seed}, request {number}: {asked[1:]!r}")
                raise
            found[got[0]] = found.get(got[0], 0) + 1

    asyncio.run(scenario())
    return found


@pytest.mark.parametrize("seed", range(3))
def test_no_request_brings_the_server_down(seed, caplog):
    found = fuzz(seed, 1000)
    # Enough of everything was tried: answers, faults of form, of content, and limits.
    assert set(found) >= {200, 400, 404, 405, 413, 415, 422}
    assert found[200] > 50
    assert not caplog.records


def test_nor_does_one_that_is_read_as_a_long_one_is(monkeypatch, caplog):
    monkeypatch.setattr(bodies, "_SHORT", 0)
    # Tasks are short in a long request, too.
    monkeypatch.setattr(bodies, "_values", untouched_tasks(bodies._values))
    found = fuzz(7, 1000)
    assert set(found) >= {200, 400, 413, 422}
    assert found[200] > 50
    assert not caplog.records


def untouched_tasks(values):
    def read(parts, is_json, most):
        tasks, parts.prediction_tasks = parts.prediction_tasks, msgspec.Raw(b"")
        if memoryview(tasks):
            coder = msgspec.json if is_json else msgspec.msgpack
            yield "prediction_tasks", coder.decode(tasks)
        yield from values(parts, is_json, most)

    return read


def resident():
    garbage.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="no /proc to read memory from")
def test_a_hundred_thousand_of_them_leave_nothing_behind():
    fuzz(100, 5_000)
    before = resident()
    found = fuzz(101, 100_000)
    assert sum(found.values()) == 100_000
    assert resident() - before < 50 * MEGABYTE
