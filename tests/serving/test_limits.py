"""What a server refuses, and how: status, words, memory and the requests beside it."""

import asyncio
import base64
import contextlib
import gzip
import json
import signal
import socket
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest
from asking import CLI, TASK, ask, ended, process, request
from msgspec import UNSET

from genomark.models import as_model, load_model
from genomark.protocol import BadRequestError, PredictRequest, ServerError, compress
from genomark.serving import Limits, predictor_app
from genomark.serving.limits import Turns, check_depth, check_size
from listening import listening
from processes import wait_for

JSON = "application/json"
MSGPACK = "application/msgpack"
MEGABYTE = 1 << 20


def served(**limits):
    return predictor_app(load_model("gc"), limits=Limits(**limits))


def error_of(answer, status, key="bad_prediction_request"):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert set(body) == {"predictor_name", "error"}
    assert all(list(entry) == [key] for entry in body["error"])
    return body["error"][0][key]


def predictions(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction_tasks"][0]["predictions"]


def get(address, path, **how):
    return httpx.get(f"{address}{path}", timeout=20, trust_env=False, **how)


def post(address, body, **how):
    return httpx.post(f"{address}/predict", json=body, timeout=20, trust_env=False, **how)


# Length


@pytest.mark.parametrize("length", [None, "1000001", "99999999999999999999"])
def test_a_body_too_long_is_refused_and_none_of_it_kept(length):
    """By its Content-Length, or once so much has come of one without."""

    async def body():
        for _ in range(50):
            yield bytes(MEGABYTE)

    headers = {"Content-Length": length} if length else {"Transfer-Encoding": "chunked"}
    app = served(body_bytes=1_000_000)
    ask(app, "GET", "/formats")
    tracemalloc.start()
    answer = ask(app, "POST", "/predict", content=body(), headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error_of(answer, 413).startswith("The request body is over 1,000,000 bytes")
    # One part, and its copy on the way.
    assert peak < 4 * MEGABYTE


def test_a_client_that_asks_before_it_sends_is_answered_unsent():
    """With Expect: 100-continue nothing of a body that is refused needs to cross the wire."""
    head = (
        b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: 5000\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    with listening(served(body_bytes=1000)) as address:
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(head)
            assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_body_as_long_as_allowed_is_read_however_it_comes():
    body = json.dumps(request({"s": "ACGT"})).encode()

    async def bytewise():
        for byte in body:
            yield bytes([byte])

    app = served(body_bytes=len(body))
    assert predictions(ask(app, "POST", "/predict", content=body))
    assert predictions(ask(app, "POST", "/predict", content=bytewise()))
    error_of(ask(served(body_bytes=len(body) - 1), "POST", "/predict", content=bytewise()), 413)


def test_the_same_connection_serves_on_after_a_refusal():
    with (
        listening(served(body_bytes=1000)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=10) as client,
    ):
        for _ in range(3):
            error_of(client.post("/predict", content=bytes(5 * MEGABYTE)), 413)
            assert predictions(client.post("/predict", json=request({"s": "GG"})))


# Compression


BOMB = gzip.compress(b"[" + bytes(30 * MEGABYTE), mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", BOMB),
        ("x-gzip", BOMB),
        ("GZIP", BOMB),
        ("deflate", zlib.compress(bytes(MEGABYTE))),
        ("br", b"\xcf\xff\xff\x7f\xf8" + bytes(100)),
        ("gzip, gzip", BOMB),
        ("nonsense", b"{}"),
    ],
)
def test_a_compressed_body_is_refused_and_never_unfolded(encoding, body):
    app = served()
    ask(app, "GET", "/formats")
    tracemalloc.start()
    answer = ask(app, "POST", "/predict", content=body, headers={"Content-Encoding": encoding})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    text = error_of(answer, 415)
    assert text == (
        f"Unsupported Content-Encoding: {encoding.lower()}. Send the body as it is, or with zstd"
    )
    assert peak < 2 * MEGABYTE


def test_zstd_is_unpacked_and_counted_as_what_it_unfolds_to():
    app = served(body_bytes=100_000)
    body = json.dumps(request({"s": "ACGT"})).encode()
    headers = {"Content-Encoding": "zstd"}
    assert predictions(ask(app, "POST", "/predict", content=compress(body), headers=headers))
    ask(app, "GET", "/formats")
    bomb = compress(bytes(200 * MEGABYTE))
    tracemalloc.start()
    answer = ask(app, "POST", "/predict", content=bomb, headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "unfolds to over 100,000 bytes" in error_of(answer, 413)
    assert peak < 8 * MEGABYTE
    torn = compress(body)[:-2]
    answer = ask(app, "POST", "/predict", content=torn, headers=headers)
    assert error_of(answer, 400) == "Could not unpack the zstd body: it ends too soon"


def test_a_long_answer_is_packed_for_those_who_unpack_it():
    app = served()
    asked = request({f"s{i}": "ACGT" for i in range(2_000)})
    packed = ask(app, "POST", "/predict", json=asked, headers={"Accept-Encoding": "gzip, zstd"})
    assert packed.headers["content-encoding"] == "zstd"
    plain = ask(app, "POST", "/predict", json=asked, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    # This client unpacks it by itself.
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    short = ask(
        app, "POST", "/predict", json=request({"s": "A"}), headers={"Accept-Encoding": "zstd"}
    )
    assert "content-encoding" not in short.headers


@pytest.mark.parametrize("encoding", ["identity", " Identity ", ""])
def test_no_compression_may_be_said_aloud(encoding):
    body = json.dumps(request({"s": "ACGT"})).encode()
    headers = {"Content-Encoding": encoding}
    assert predictions(ask(served(), "POST", "/predict", content=body, headers=headers))


# Time to send


def stalled(port, said, wait=5):
    head = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: 500\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
        connection.sendall(head + said)
        received = b""
        while part := connection.recv(4096):
            received += part
        return received


def test_a_body_that_stalls_is_given_up_and_its_connection_closed():
    with listening(served(idle_seconds=0.5)) as address:
        port = int(address.rpartition(":")[2])
        for said in (b"", b'{"readout": '):
            head, _, body = stalled(port, said).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408")
            assert b"connection: close" in head.lower()
            (entry,) = json.loads(body)["error"]
            assert entry == {
                "bad_prediction_request": "Nothing more of the request body came for 0.5 s"
            }
        assert predictions(post(address, request({"s": "GG"})))


def test_a_body_that_drips_has_an_end_too():
    async def body():
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    begun = time.monotonic()
    answer = ask(served(seconds=0.3, idle_seconds=5), "POST", "/predict", content=body())
    assert error_of(answer, 408) == "The request body took longer than 0.3 s"
    assert time.monotonic() - begun < 3


# Nesting


def nested(levels, kind):
    """Give a well-formed request with an extra key that makes it so many levels deep."""
    value = []
    for _ in range(levels - 2):
        value = [value]
    body = request({"s": "ACGT"}) | {"more": value}
    return json.dumps(body).encode() if kind == JSON else msgspec.msgpack.encode(body)


@pytest.mark.parametrize("kind", [JSON, MSGPACK])
def test_nesting_is_allowed_to_the_limit_and_no_further(kind):
    app = served(depth=10)
    headers = {"Content-Type": kind}
    assert predictions(ask(app, "POST", "/predict", content=nested(10, kind), headers=headers))
    answer = ask(app, "POST", "/predict", content=nested(11, kind), headers=headers)
    assert error_of(answer, 400) == "The request body is nested deeper than 10 levels"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"[" * 100_000),
        (JSON, b"[" * 100_000 + b"]" * 100_000),
        (JSON, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        (MSGPACK, b"\x91" * 100_000),
        (MSGPACK, b"\x91" * 100_000 + b"\xc0"),
        (MSGPACK, b"\x81\xa1a" * 100_000 + b"\xc0"),
    ],
)
def test_nesting_beyond_the_stack_is_refused_too(kind, body):
    error_of(ask(served(), "POST", "/predict", content=body, headers={"Content-Type": kind}), 400)


@pytest.mark.parametrize("raw", [None, 5, 2.5, True, "text", b"bytes"])
def test_what_is_no_container_is_not_nested(raw):
    check_depth(raw, 1)


@pytest.mark.parametrize("body", [b"5", b"null", b'"ACGT"', b"[]", b"true", b"1e400"])
def test_a_body_that_is_no_object_is_a_bad_request(body):
    error_of(ask(served(), "POST", "/predict", content=body), 400)


# Sequences and bases


def test_so_many_sequences_and_no_more():
    app = served(sequences=3)
    few, many = ({str(i): "ACGT" for i in range(n)} for n in (3, 4))
    assert len(predictions(ask(app, "POST", "/predict", json=request(few)))) == 3
    text = error_of(ask(app, "POST", "/predict", json=request(many)), 413)
    assert text == "4 sequences in one request; this server takes 3"


def test_so_many_bases_and_no_more_with_the_flanks_of_each_sequence():
    app = served(bases=30)
    sequences = {"a": "ACGT", "b": "ACGTAC"}
    flanks = {"upstream_seq": "A" * 8, "downstream_seq": "CC"}
    assert predictions(ask(app, "POST", "/predict", json=request(sequences, **flanks)))
    flanks["upstream_seq"] += "A"
    text = error_of(ask(app, "POST", "/predict", json=request(sequences, **flanks)), 413)
    assert text == "32 bases in one request, flanks included; this server takes 30"


def test_long_flanks_cannot_multiply_a_small_body():
    """A million sequences of one base with flanks of a megabase would be a terabase."""
    asked = PredictRequest("point", [], dict.fromkeys(map(str, range(10_000)), "A"))
    asked.upstream_seq = "A" * 1_000_000
    assert asked.downstream_seq is UNSET
    with pytest.raises(BadRequestError, match=r"10,000,010,000 bases"):
        check_size(asked, Limits())


# Turns


class Held:
    """A model that computes until it is let go; an empty answer of its own says so."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.free = threading.Event()
        self.asked = 0

    def __call__(self, sequences):
        self.asked += 1
        self.begun.release()
        assert self.free.wait(20)
        return [float(len(each)) for each in sequences]


@contextlib.contextmanager
def holding(**limits):
    model = Held()
    app = predictor_app(as_model(model), limits=Limits(**limits))
    with listening(app) as address, ThreadPoolExecutor(16) as pool:
        try:
            yield model, address, lambda: pool.submit(post, address, request({"s": "ACGT"}))
        finally:
            model.free.set()


def gauge(address, name):
    (line,) = (
        line for line in get(address, "/metrics").text.splitlines() if line.startswith(f"{name} ")
    )
    return float(line.split()[1])


def test_one_request_more_than_may_wait_is_sent_away():
    with holding(concurrent=1, queued=2) as (model, address, submit):
        first = submit()
        assert model.begun.acquire(timeout=5)
        waiting = [submit(), submit()]
        wait_for(lambda: gauge(address, "genomark_waiting") == 2, 5)
        assert gauge(address, "genomark_computing") == 1
        assert error_of(get(address, "/health/ready"), 503, "server_error")
        assert get(address, "/health/live").status_code == 200
        answer = post(address, request({"s": "ACGT"}))
        assert error_of(answer, 503, "server_error") == (
            "2 requests are waiting already; ask again later"
        )
        assert int(answer.headers["retry-after"]) >= 1
        model.free.set()
        for asked in (first, *waiting):
            assert predictions(asked.result(10)) == {"s": 4.0}
        assert model.asked == 3
        assert predictions(post(address, request({"s": "ACGT"}))) == {"s": 4.0}
        assert get(address, "/health/ready").status_code == 200
        assert gauge(address, "genomark_waiting") == gauge(address, "genomark_computing") == 0


def test_where_nothing_may_wait_a_free_place_is_still_taken():
    with holding(concurrent=2, queued=0) as (model, address, submit):
        asked = [submit(), submit()]
        for _ in asked:
            assert model.begun.acquire(timeout=5)
        answer = post(address, request({"s": "ACGT"}))
        assert error_of(answer, 503, "server_error").startswith("0 requests are waiting")
        model.free.set()
        assert [predictions(each.result(10)) for each in asked] == [{"s": 4.0}] * 2


def test_a_place_is_held_until_its_computation_has_really_ended():
    """Time is up for the first; its thread computes on, so the second may not begin."""
    with holding(concurrent=1, queued=4, seconds=1.0) as (model, address, submit):
        answer = submit().result(10)
        text = error_of(answer, 503, "server_error")
        assert text == "No answer within 1 s; send fewer sequences at once"
        assert int(answer.headers["retry-after"]) >= 1
        assert gauge(address, "genomark_computing") == 1
        error_of(submit().result(10), 503, "server_error")
        # The second gave up in the queue: it never reached the model.
        assert model.asked == 1
        model.free.set()
        wait_for(lambda: gauge(address, "genomark_computing") == 0, 5)
        assert predictions(submit().result(10)) == {"s": 4.0}


def test_a_failure_after_time_was_up_is_nobodys_and_frees_the_place(caplog):
    free = threading.Event()

    def fail(sequences):
        assert free.wait(20)
        raise ZeroDivisionError

    async def scenario():
        turns = Turns(Limits(concurrent=1, seconds=0.1))
        with pytest.raises(ServerError):
            await turns.run(lambda: fail([]))
        assert turns.computing == 1
        free.set()
        async with asyncio.timeout(5):
            return await turns.run(lambda: 7)

    assert asyncio.run(scenario()) == 7
    assert not caplog.records


def test_turns_go_in_the_order_of_asking():
    order = []

    async def scenario():
        turns = Turns(Limits(concurrent=1, queued=50))
        await asyncio.gather(*(turns.run(lambda i=i: order.append(i)) for i in range(50)))
        assert (turns.waiting, turns.computing) == (0, 0)

    asyncio.run(scenario())
    assert order == list(range(50))


def test_requests_are_counted_by_status():
    app = served(sequences=1)
    ask(app, "POST", "/predict", json=request({"s": "ACGT"}))
    ask(app, "POST", "/predict", json=request({"s": "ACGT", "t": "A"}))
    ask(app, "POST", "/predict", content=b"{")
    ask(app, "POST", "/predict", json=request({"s": "X"}))
    answer = ask(app, "GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for status in (200, 400, 413, 422):
        assert f'genomark_requests_total{{status="{status}"}} 1.0' in lines
    assert "genomark_request_seconds_count 4.0" in lines
    # What was refused for its size was not asked of the model.
    assert "genomark_sequences_total 2.0" in lines
    assert "genomark_bases_total 5.0" in lines


# The end


SLOW = """
import time

def slow(sequences):
    print("asked", flush=True)
    time.sleep(1.0)
    return [float(len(each)) for each in sequences]
"""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_stopped_finishes_what_it_was_asked(tmp_path, stop):
    script = tmp_path / "slow_model.py"
    script.write_text(SLOW)
    command = (*CLI, "serve", "model", f"py:{script}:slow", "--port", "0", "--concurrent", "1")
    with process(*command) as (server, address), ThreadPoolExecutor(2) as pool:
        # One is computed and one waits for it.
        asked = [pool.submit(post, address, request({"s": "ACGT"})) for _ in range(2)]
        assert server.stdout.readline() == "asked\n"
        wait_for(lambda: gauge(address, "genomark_waiting") == 1, 5)
        server.send_signal(stop)
        assert [predictions(each.result(10)) for each in asked] == [{"s": 4.0}] * 2
        code, said = ended(server)
    assert code == (0 if stop == signal.SIGINT else -signal.SIGTERM)
    assert said == ""


# The token


TOKEN = "tök3n-of-the-house"
GUARDED = predictor_app(load_model("gc"), token=TOKEN)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer wrong",
        b"Bearer " + TOKEN[:-1].encode(),
        b"Bearer " + TOKEN.encode() + b"x",
        b"Basic " + TOKEN.encode(),
        b"Basic",
        b"Basic " + base64.b64encode(TOKEN.encode()),
        b"Basic " + base64.b64encode(TOKEN.encode() + b":"),
        b"Basic " + base64.b64encode(b"me:wrong"),
        b"Digest " + base64.b64encode(b"me:" + TOKEN.encode()),
        TOKEN.encode(),
        b"Bearer \xff\xfe",
    ],
)
def test_without_the_right_token_nothing_is_told(sent, caplog, capsys):
    headers = [] if sent is None else [(b"Authorization", sent)]
    for method, path in (
        ("POST", "/predict"),
        ("GET", "/formats"),
        ("GET", "/help"),
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
    ):
        answer = ask(GUARDED, method, path, headers=headers)
        assert error_of(answer, 401).startswith("This server asks for its token")
        assert answer.headers["www-authenticate"].startswith("Bearer, Basic ")
        assert TOKEN not in answer.text
    for path in ("/health/live", "/health/ready"):
        assert ask(GUARDED, "GET", path, headers=headers).status_code == 200
    assert TOKEN not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "sent",
    [
        b"Bearer " + TOKEN.encode(),
        b"bearer " + TOKEN.encode(),
        b"BEARER  " + TOKEN.encode(),
        # As a password, by any name or none.
        b"Basic " + base64.b64encode(b"genomark:" + TOKEN.encode()),
        b"basic " + base64.b64encode(b":" + TOKEN.encode()),
    ],
)
def test_the_right_token_opens(sent):
    headers = [(b"Authorization", sent)]
    assert predictions(ask(GUARDED, "POST", "/predict", json=request({"s": "GG"}), headers=headers))
    for path in ("/formats", "/help", "/openapi.json", "/metrics"):
        answer = ask(GUARDED, "GET", path, headers=headers)
        assert answer.status_code == 200
        assert TOKEN not in answer.text


def test_a_body_is_not_read_for_who_may_not_ask():
    async def body():
        pytest.fail("the body was read")
        yield b""

    answer = ask(GUARDED, "POST", "/predict", content=body(), headers={"Content-Length": "9"})
    error_of(answer, 401)


def test_the_token_of_a_served_model_is_in_a_file_and_nowhere_else(tmp_path):
    file = tmp_path / "token.txt"
    file.write_text("s3cret-of-the-file\n")
    command = (*CLI, "serve", "model", "gc", "--port", "0", "--token-file", str(file))
    with process(*command) as (server, address):
        error_of(post(address, request({"s": "GG"})), 401)
        headers = {"Authorization": "Bearer s3cret-of-the-file"}
        assert predictions(post(address, request({"s": "GG"}), headers=headers))
        error_of(post(address, {}, headers=headers), 400)
        server.send_signal(signal.SIGINT)
        out, said = server.communicate(timeout=10)
    assert "s3cret" not in out + said


# Every refusal


def test_every_refusal_is_a_game_error_of_json_whatever_is_accepted():
    app = served(body_bytes=2000, sequences=1, depth=5)
    body = request({"s": "ACGT"})
    refusals = [
        ({"content": bytes(3000)}, 413),
        ({"content": b"{}", "headers": {"Content-Encoding": "gzip"}}, 415),
        ({"content": nested(9, JSON)}, 400),
        ({"json": request({"s": "ACGT", "t": "A"})}, 413),
        ({"json": body | {"prediction_tasks": [{**TASK, "type": "nonsense"}]}}, 400),
    ]
    for how, status in refusals:
        headers = {"Accept": MSGPACK} | how.pop("headers", {})
        error_of(ask(app, "POST", "/predict", headers=headers, **how), status)
