"""What hostile bodies cost a server that runs as a process of its own."""

import http.client
import json
import socket
import time
import zlib
from pathlib import Path

import httpx
import pytest
from asking import CLI, process, request

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="no /proc to read the memory of a process from"
)

JSON = "application/json"
MSGPACK = "application/msgpack"
MEGABYTE = 1_000_000
#: Refused within so many seconds, at so much memory more than an idle server takes.
SECONDS = 15
GROWTH = 300 * MEGABYTE


def memory(pid, field):
    """Read VmRSS or VmHWM (the highest it ever was), in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


@pytest.fixture(scope="module")
def server():
    with process(*CLI, "serve", "model", "gc", "--port", "0") as (running, address):
        assert httpx.post(
            f"{address}/predict", json=request({"s": "ACGT"}), trust_env=False
        ).is_success
        idle = memory(running.pid, "VmHWM")
        yield running.pid, address, idle


def huge(total):
    """A request of one sequence with so many bases, made while it is sent."""
    body = json.dumps(request({"s": "@"})).encode()
    head, tail = body.split(b"@")
    yield head
    part = b"ACGT" * (MEGABYTE // 4)
    for _ in range(total // MEGABYTE):
        yield part
    yield tail


def send(address, body, *, length=None, **headers):
    """Post without a client's own buffers; gives the status and the GAME error."""
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    headers = {"Content-Type": JSON} | {name.replace("_", "-"): v for name, v in headers.items()}
    if length is not None:
        headers["Content-Length"] = str(length)
    try:
        connection.request("POST", "/predict", body, headers, encode_chunked=length is None)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["error"]
    finally:
        connection.close()


def zstd_bomb(gigabytes):
    """A frame of blocks that each repeat a byte 131,072 times (RFC 8878, section 3.1.1.2)."""
    run_length, size = 1, 1 << 17
    block = (run_length << 1 | size << 3).to_bytes(3, "little") + b"0"
    return b"\x28\xb5\x2f\xfd\x00\x38" + block * (gigabytes << 30 >> 17)


def gzip_bomb(gigabytes):
    packer = zlib.compressobj(9, wbits=31)
    member = packer.compress(bytes(1 << 26)) + packer.flush()
    return member * (gigabytes << 30 >> 26)


def pieces(body):
    return [body[start : start + MEGABYTE] for start in range(0, len(body), MEGABYTE)]


LONG = sum(map(len, huge(300 * MEGABYTE)))
BODIES = {
    "300 MB in chunks": (lambda: huge(300 * MEGABYTE), None, {}, 413),
    "300 MB declared": (lambda: huge(300 * MEGABYTE), LONG, {}, 413),
    "deep JSON": (lambda: [b"[" * 100_000 + b"]" * 100_000], None, {}, 400),
    "deep MsgPack": (lambda: [b"\x91" * 100_000 + b"\xc0"], None, {"Content_Type": MSGPACK}, 400),
    "deep JSON in a request": (
        lambda: [json.dumps(request({"s": "A"})).encode()[:-1] + b',"x":' + b"[" * 100_000],
        None,
        {},
        400,
    ),
    "empty arrays in MsgPack": (
        lambda: [b"\xdd" + (150 * MEGABYTE).to_bytes(4, "big"), *[b"\x90" * MEGABYTE] * 150],
        None,
        {"Content_Type": MSGPACK},
        400,
    ),
    "empty arrays in JSON": (
        lambda: [b"[", *[b"[]," * (MEGABYTE // 3)] * 150, b"[]]"],
        None,
        {},
        400,
    ),
    "tiny sequences": (
        lambda: [b'{"sequences":{', *[b'"":"",' * (MEGABYTE // 6)] * 150, b'"":""}}'],
        None,
        {},
        413,
    ),
    "changes of one edit in MsgPack": (
        lambda: [
            b"\x81\xa5edits\x81\xa0\x82\xa2of\xa0\xa7changes",
            b"\xdd" + (37 * MEGABYTE).to_bytes(4, "big"),
            *[b"\x93\x00\x00\xa0" * MEGABYTE] * 37,
        ],
        None,
        {"Content_Type": MSGPACK},
        413,
    ),
    "tiny edits": (
        lambda: [
            b'{"edits":{',
            *[b'"":{"of":"","changes":[]},' * (MEGABYTE // 26)] * 150,
            b'"":{"of":"","changes":[]}}}',
        ],
        None,
        {},
        413,
    ),
    "gzip bomb": (lambda: pieces(gzip_bomb(4)), None, {"Content_Encoding": "gzip"}, 415),
    "zstd bomb": (lambda: pieces(zstd_bomb(4)), None, {"Content_Encoding": "zstd"}, 413),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused_soon_and_at_little_memory(server, name):
    pid, address, idle = server
    body, length, headers, status = BODIES[name]
    parts = body()
    begun = time.monotonic()
    answered, (error,) = send(address, parts, length=length, **headers)
    assert time.monotonic() - begun < SECONDS
    assert (answered, list(error)) == (status, ["bad_prediction_request"])
    grown = memory(pid, "VmHWM") - idle
    assert grown < GROWTH, f"{grown / MEGABYTE:.0f} MB"
    # And it serves on.
    answer = httpx.post(f"{address}/predict", json=request({"s": "GG"}), trust_env=False)
    assert answer.is_success


def test_what_was_refused_is_given_back(server):
    """After everything above, and some more at once, an idle server is as small as before."""
    pid, address, idle = server
    for _ in range(3):
        assert send(address, huge(210 * MEGABYTE))[0] == 413
    assert memory(pid, "VmRSS") - idle < 100 * MEGABYTE


def test_connections_that_say_nothing_cost_little(server):
    pid, address, _ = server
    before = memory(pid, "VmRSS")
    host, port = address.removeprefix("http://").split(":")
    silent = [socket.create_connection((host, int(port)), timeout=5) for _ in range(200)]
    try:
        for connection in silent:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        answer = httpx.post(f"{address}/predict", json=request({"s": "GG"}), trust_env=False)
        assert answer.is_success
        assert memory(pid, "VmRSS") - before < 50 * MEGABYTE
    finally:
        for connection in silent:
            connection.close()
