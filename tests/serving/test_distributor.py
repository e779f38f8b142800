import contextlib
import http.server
import itertools
import json
import random
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import msgspec
import numpy as np
import pytest
import typer
from asking import CLI, TASK, ended, process, request
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from typer.testing import CliRunner
from workers import (
    SWIFT,
    Toy,
    answer_to,
    cpg,
    distributing,
    get,
    plain,
    post,
    refusal,
    slow,
    states,
)

from genomark.cli.serve_distributor import serve_distributor
from genomark.errors import UsageError
from genomark.models import load_model
from genomark.protocol import JSON, MSGPACK, MSGPACK_NUMPY, encode, response_format
from genomark.serving import distributor, predictor_app
from genomark.serving.chunks import cut, part_of
from genomark.serving.distributor import distributor_app
from genomark.serving.limits import Limits
from genomark.serving.pool import PoolLimits
from genomark.serving.pool_config import read_config
from listening import listening
from processes import wait_for

OTHER_TASK = {**TASK, "name": "u", "scale": "log"}


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def dna(n, longest=300, seed=0):
    drawn = random.Random(seed)
    return {
        f"s{index} | chr1:{index}": "".join(drawn.choices("ACGTN", k=drawn.randint(1, longest)))
        for index in range(n)
    }


def error_of(answer, status, key):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert list(body) == ["predictor_name", "error"]
    assert all(list(entry) == [key] for entry in body["error"])
    return [entry[key] for entry in body["error"]]


def predictions(answer):
    assert answer.status_code == 200, answer.text
    return [task["predictions"] for task in answer.json()["prediction_tasks"]]


def lengths(sequences):
    return {name: len(each) / 4 for name, each in sequences.items()}


# --- the same bytes as one ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def three_cpg():
    """Three real Predictors, and a distributor for them."""
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        with ThreadPoolExecutor(3) as pool:
            started = list(pool.map(lambda _: stack.enter_context(cpg()), range(3)))
        urls = [url for _, url in started]
        yield urls[0], stack.enter_context(distributing(*urls))


FLANKED = {
    "upstream_seq": "ACGCG",
    "downstream_seq": "CGT",
    "sequences": {"b": "ACGTCG" * 9, "a": "cgcg", "c": "N" * 30, "10": "GCGC", "9": "CG"},
    "prediction_ranges": {"9": [0, 9], "b": [3, 40], "a": [], "c": [0, 0], "10": [2, 5]},
}


@pytest.mark.parametrize("accept", [JSON, MSGPACK, MSGPACK_NUMPY, "*/*"])
@pytest.mark.parametrize("readout", ["point", "track"])
def test_three_workers_answer_byte_for_byte_as_one(three_cpg, readout, accept):
    one, many = three_cpg
    for n in (0, 1, 2, 3, 700):
        asked = request(dna(n), readout=readout, prediction_tasks=[TASK, OTHER_TASK, TASK])
        expected, answer = post(one, asked, accept), post(many, asked, accept)
        assert expected.status_code == 200
        assert answer.content == expected.content
        assert answer.headers["content-type"] == expected.headers["content-type"]


def test_flanks_and_ranges_give_what_one_worker_gives(three_cpg):
    one, many = three_cpg
    for readout, accept in itertools.product(("point", "track"), (JSON, MSGPACK)):
        asked = request(readout=readout, **FLANKED)
        expected, answer = post(one, asked, accept), post(many, asked, accept)
        assert expected.status_code == 200
        assert answer.content == expected.content


def test_a_request_in_msgpack_is_one_in_json(three_cpg):
    _, many = three_cpg
    asked = request(dna(40))
    packed = httpx.post(
        f"{many}/predict",
        content=msgspec.msgpack.encode(asked),
        headers={"Content-Type": MSGPACK},
        trust_env=False,
    )
    assert packed.content == post(many, asked).content


FAULTS = [
    {"readout": "interaction_matrix"},
    {"sequences": {"a": "AC!", "b": "", "c": "ACGT", "d": "ÄX"}},
    {"sequences": {"a": "AC", "b": "ACG"}, "prediction_ranges": {"b": [0, 9], "a": [1, 2]}},
    {"sequences": {**dna(300), "bad": "U", **dna(2, seed=1), "worse": "-"}},
    {"readout": "interaction_matrix", "sequences": {"a": "!"}},
    {"prediction_tasks": [], "sequences": {"a": "!"}},
    {"readout": "nonsense", "upstream_seq": None},
    {"prediction_tasks": [{"name": "t"}]},
    {"sequences": []},
]


def test_faults_are_told_as_one_worker_tells_them(three_cpg):
    one, many = three_cpg
    for change in FAULTS:
        asked = {**request({"a": "ACGT"}), **change}
        expected, answer = post(one, asked), post(many, asked)
        assert answer.status_code == expected.status_code
        assert answer.content == expected.content


def test_formats_and_help_are_those_of_a_worker(three_cpg):
    one, many = three_cpg
    told = (JSON, MSGPACK, f"{MSGPACK}-numpy", "edits")
    for path, accept in itertools.product(("/formats", "/help"), (JSON, MSGPACK)):
        expected, answer = get(one, path, accept=accept), get(many, path, accept=accept)
        if path == "/help":
            assert answer.content == expected.content
        elif accept == JSON:
            # Tensors are between a worker and who asks it directly.
            assert {
                key: value if isinstance(value, str) else [each for each in value if each in told]
                for key, value in expected.json().items()
            } == answer.json()
        assert answer.headers["content-type"] == expected.headers["content-type"]


def test_many_requests_at_once_do_not_mix(three_cpg):
    one, many = three_cpg
    asked = [request(dna(90, seed=seed), readout="track") for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: post(many, body, MSGPACK).content, asked))
    assert answers == [post(one, body, MSGPACK).content for body in asked]
    for state in states(many):
        assert state["healthy"]
        assert state["chunks_done"] > 0
        assert state["failures"] == state["in_flight"] == 0
        assert state["last_error"] is None
        assert 0 < state["median_seconds"] < 5


# --- dying and coming back ----------------------------------------------------------------------


def test_a_worker_killed_in_the_middle_loses_nothing_and_rejoins():
    sequences = dna(60)
    asked = request(sequences)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        started = list(pool.map(lambda _: stack.enter_context(slow(0.03)), range(3)))
        (victim, lost), *_ = started
        many = stack.enter_context(distributing(*(url for _, url in started)))
        asking = pool.submit(post, many, asked)
        wait_for(lambda: sum(each["chunks_done"] for each in states(many)) >= 3, 10)
        wait_for(lambda: states(many)[0]["in_flight"] == 2, 10)
        victim.send_signal(signal.SIGKILL)
        wait_for(lambda: not states(many)[0]["healthy"], 10)
        assert not asking.done()
        answer = asking.result()
        assert predictions(answer) == [
            {name: each.count("C") / len(each) for name, each in sequences.items()}
        ]
        assert list(predictions(answer)[0]) == list(sequences)

        state = states(many)[0]
        # Its two chunks, and one more if it was just about to be given another.
        assert state["failures"] in (2, 3)
        assert "\n" not in state["last_error"]
        done = state["chunks_done"]
        assert get(many, "/health/ready").status_code == 200

        # The distributor alone, asked again, and a worker that was never killed say the same.
        assert post(started[1][1], asked).content == answer.content
        port = int(lost.rpartition(":")[2])
        stack.enter_context(slow(0.03, port))
        wait_for(lambda: states(many)[0]["healthy"], 10)
        assert post(many, asked).content == answer.content
        assert states(many)[0]["chunks_done"] > done


class Torn(http.server.ThreadingHTTPServer):
    """A worker that says its formats, and then breaks every answer in its own way."""

    daemon_threads = True

    def __init__(self, tear):
        super().__init__(("127.0.0.1", 0), _Tearing)
        self.tear = tear
        self.asked = 0
        self.says = {}
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Tearing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        usual = json.dumps({"predictor_name": "Toy"}).encode(), 200
        body, status = self.server.says.get(self.path, usual)
        self.say(body, status)

    def do_POST(self):
        self.server.asked += 1
        raw = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.tear(self, raw)

    def say(self, body, status=200, length=None, kind=JSON, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def torn(tear):
    server = Torn(tear)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def hang_up(handler, raw):
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def half(handler, raw):
    body = json.dumps(answer_to(raw)).encode()
    handler.say(body[: len(body) // 2], length=len(body))
    hang_up(handler, raw)


def without(key):
    def tear(handler, raw):
        answer = answer_to(raw)
        del (answer if key == "prediction_tasks" else answer["prediction_tasks"][0])[key]
        handler.say(json.dumps(answer).encode())

    return tear


TEARS = {
    "hangs up": hang_up,
    "half an answer": half,
    "500 in HTML": lambda handler, raw: handler.say(b"<h1>Oops</h1>", 500, kind="text/html"),
    "404 in HTML": lambda handler, raw: handler.say(b"<h1>No</h1>", 404, kind="text/html"),
    "400 in HTML": lambda handler, raw: handler.say(b"<h1>No</h1>", 400, kind="text/html"),
    "no JSON": lambda handler, raw: handler.say(b'{"prediction_tasks": [{"predictions": {'),
    "no object": lambda handler, raw: handler.say(b"[]"),
    "no tasks": without("prediction_tasks"),
    "no predictions": without("predictions"),
    "too few tasks": lambda handler, raw: handler.say(b'{"prediction_tasks": []}'),
    "moved": lambda handler, raw: handler.say(b"", 301, Location="http://127.0.0.1:9/"),
}


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_what_a_broken_worker_was_asked_goes_to_another(tear):
    sequences, good = dna(40), Toy(seconds=0.01)
    with torn(tear) as broken, distributing(broken.url, good) as many:
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]
        assert broken.asked >= 1
        assert states(many)[0]["failures"] >= broken.asked
        assert states(many)[0]["last_error"]
        assert states(many)[0]["chunks_done"] == 0


def test_a_worker_that_takes_too_long_has_failed():
    stuck = threading.Event()

    def wait(raw, accept):
        stuck.wait(10)
        return plain(raw, accept)

    sequences = dna(20)
    limits = replace(SWIFT, chunk_seconds=0.3)
    with distributing(Toy(wait), Toy(), limits=limits) as many:
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]
        assert "0.3 s" in states(many)[0]["last_error"]
        stuck.set()


def test_a_worker_that_hangs_does_not_hold_up_the_whole():
    stuck = threading.Event()

    def wait(raw, accept):
        stuck.wait(20)
        return plain(raw, accept)

    hanging, good = Toy(wait), Toy()
    sequences = dna(20)
    with distributing(hanging, good, limits=replace(SWIFT, repeat_seconds=0.2)) as many:
        begun = time.monotonic()
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]
        assert time.monotonic() - begun < 5
        # Both copies of a chunk are the same, and none is made of what nobody waits for.
        twice = [raw for raw in good.asked if raw in hanging.asked]
        assert len(twice) == len(hanging.asked) == 2
        assert sorted(good.ids) == sorted(sequences)
        stuck.set()


def test_a_second_copy_is_not_made_where_no_worker_is_idle():
    toys = Toy(seconds=0.5), Toy(seconds=0.5)
    with distributing(*toys, limits=replace(SWIFT, repeat_seconds=0.1)) as many:
        post(many, request(dict.fromkeys("abcd", "A")))
    assert sorted(toys[0].ids + toys[1].ids) == ["a", "b", "c", "d"]


def test_a_machine_that_is_gone_is_noticed_while_it_works():
    """Its connections neither answer nor break; but no new one can be made."""
    listener = socket.create_server(("127.0.0.1", 0))
    held, formats = [], json.dumps({"predictor_name": "Toy"})

    def work():
        while True:
            connection, _ = listener.accept()
            held.append(connection)
            if connection.recv(1 << 16).startswith(b"POST"):
                listener.close()
                return
            length = len(formats)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            connection.sendall((head + formats).encode())
            connection.shutdown(socket.SHUT_WR)

    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=work)
    thread.start()
    sequences = dna(20)
    with distributing(url, Toy()) as many:
        assert predictions(post(many, request(sequences), timeout=5)) == [lengths(sequences)]
        assert not states(many)[0]["healthy"]
    thread.join()
    for connection in held:
        connection.close()


def test_a_server_error_of_all_workers_is_passed_on():
    def fail(raw, accept):
        return refusal(500, "out of memory", key="server_error")

    with distributing(Toy(fail), Toy(fail), Toy(fail)) as many:
        assert error_of(post(many, request(dna(9))), 500, "server_error") == ["out of memory"]
        # They answer, so they are given another chance.
        wait_for(lambda: all(each["healthy"] for each in states(many)), 10)


def test_what_breaks_every_worker_is_given_up():
    with torn(hang_up) as one, torn(hang_up) as two, distributing(one.url, two.url) as many:
        (told,) = error_of(post(many, request({"a": "ACGT"})), 502, "upstream_dependency_failed")
        assert told.startswith("http://127.0.0.1:")
        assert one.asked + two.asked == SWIFT.attempts


def test_one_fault_of_a_worker_is_made_good_by_itself():
    failed = []

    def once(raw, accept):
        if not failed:
            failed.append(raw)
            return refusal(500, "a hiccup", key="server_error")
        return plain(raw, accept)

    sequences = dna(30)
    with distributing(Toy(once), Toy(seconds=0.02)) as many:
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]
        assert states(many)[0]["chunks_done"] > 0


_closed: list[str] = []


def closed_port():
    """Give an address that nobody answers on, and never the same twice."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if address not in _closed:
            _closed.append(address)
            return address


@pytest.mark.parametrize("path", ["/predict", "/formats", "/help", "/health/ready"])
def test_without_workers_there_is_nothing_but_503(path):
    with distributing(closed_port(), closed_port()) as many:
        answer = post(many, request(dna(3))) if path == "/predict" else get(many, path)
        (told,) = error_of(answer, 503, "server_error")
        assert told.startswith("None of 2 workers answers: http://127.0.0.1:")
        assert int(answer.headers["retry-after"]) >= 1
        assert get(many, "/health/live").status_code == 200
        assert [each["healthy"] for each in states(many)] == [False, False]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b"[]", 200, "/formats gave something other than an object"),
        (b"{", 200, "Could not parse JSON payload"),
        (b"<h1>Oops</h1>", 500, "answered 500: <h1>Oops</h1>"),
    ],
)
def test_a_server_that_is_no_predictor_is_not_asked(body, status, expected):
    with torn(hang_up) as stranger:
        stranger.says["/formats"] = body, status
        with distributing(stranger.url, Toy()) as many:
            assert post(many, request(dna(20))).status_code == 200
            assert expected in states(many)[0]["last_error"]
        assert stranger.asked == 0


def test_a_worker_too_busy_to_say_its_formats_is_not_dead():
    with torn(half) as worker, distributing(worker.url) as many:
        wait_for(lambda: states(many)[0]["healthy"], 10)
        worker.says["/formats"] = b"{}", 429
        wait_for(lambda: states(many)[0]["busy"], 10)
        assert states(many)[0]["healthy"]
        assert states(many)[0]["failures"] == 0


def test_a_fault_of_the_distributor_itself_is_told_in_the_shape_of_the_protocol(monkeypatch):
    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(distributor, "merge", fail)
    with distributing(Toy()) as many:
        (told,) = error_of(post(many, request(dna(3))), 500, "server_error")
        assert "a bug" in told
        assert states(many)[0]["in_flight"] == 0


def test_help_is_asked_of_others_where_one_has_none():
    def do_nothing(handler, raw):
        raise AssertionError

    with torn(do_nothing) as mute:
        mute.says["/help"] = b"{}", 500
        with distributing(mute.url, Toy(name="Second")) as many:
            assert get(many, "/help").json() == {"predictor_name": "Second", "model": "toy"}
        with distributing(mute.url) as many:
            (told,) = error_of(get(many, "/help"), 503, "server_error")
            assert told.startswith(f"No worker says what it is: {mute.url} answered 500")


def test_a_request_ends_with_503_when_the_last_worker_dies():
    with slow(0.2) as (victim, url), distributing(url) as many:
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(post, many, request(dna(100)))
            wait_for(lambda: states(many)[0]["in_flight"], 10)
            victim.send_signal(signal.SIGKILL)
            error_of(asking.result(10), 503, "server_error")
        assert get(many, "/health/ready").status_code == 503


def test_a_worker_that_is_there_only_later_is_found():
    url = closed_port()
    with distributing(url) as many:
        assert get(many, "/health/ready").status_code == 503
        with slow(0.0, int(url.rpartition(":")[2])):
            wait_for(lambda: get(many, "/health/ready").status_code == 200, 10)
            assert post(many, request({"a": "ACGT"})).status_code == 200


def test_an_idle_worker_that_dies_is_noticed():
    with slow(0.0) as (victim, url), distributing(url) as many:
        assert get(many, "/health/ready").status_code == 200
        victim.send_signal(signal.SIGKILL)
        wait_for(lambda: get(many, "/health/ready").status_code == 503, 10)


# --- sharing out --------------------------------------------------------------------------------


def test_a_slow_worker_gets_less():
    quick, lame = Toy(seconds=0.01), Toy(seconds=0.2)
    sequences = dna(200)
    with distributing(quick, lame) as many:
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]
        done = [each["chunks_done"] for each in states(many)]
        assert sum(done) == len(quick.asked) + len(lame.asked) == 16
        assert done[0] >= 10
        assert 1 <= done[1] <= 4
        quick_seconds, lame_seconds = (each["median_seconds"] for each in states(many))
        assert quick_seconds < 0.2 <= lame_seconds


def test_no_worker_has_more_than_a_few_chunks_at_once():
    toys = Toy(seconds=0.02), Toy(seconds=0.02)
    with (
        distributing(*toys, limits=replace(SWIFT, in_flight=3)) as many,
        ThreadPoolExecutor(4) as pool,
    ):
        list(pool.map(lambda seed: post(many, request(dna(50, seed=seed))), range(4)))
    assert [toy.most_at_once for toy in toys] == [3, 3]


@pytest.mark.parametrize(
    ("status", "headers"), [(429, {"Retry-After": "0.1"}), (429, {}), (503, {"Retry-After": "0"})]
)
def test_a_busy_worker_is_waited_for_and_not_dead(status, headers):
    turned_away = []

    def busy(raw, accept):
        if len(turned_away) < 3:
            turned_away.append(raw)
            return Response("{}", status_code=status, headers=headers)
        return plain(raw, accept)

    sequences = dna(12)
    with distributing(Toy(busy)) as many:
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]
        (state,) = states(many)
        assert state["healthy"]
        assert state["failures"] == 0


def test_workers_that_stay_busy_end_in_503():
    def busy(raw, accept):
        return Response("{}", status_code=429, headers={"Retry-After": "0.05"})

    with distributing(Toy(busy), limits=replace(SWIFT, patience_seconds=0.03)) as many:
        (told,) = error_of(post(many, request(dna(3))), 503, "server_error")
        assert "busy" in told


def test_ranges_coordinates_and_strangers_go_along():
    toy = Toy()
    sequences = dna(30, longest=9)
    ranges = {name: [0, len(each) - 1] for name, each in sequences.items()}
    more = {
        "prediction_ranges": dict(reversed(ranges.items())),
        "sequence_coordinates": {name: ["chr1", 7] for name in sequences},
        "upstream_seq": "AC",
        "downstream_seq": "",
        "stranger": {"deep": [1, None]},
    }
    task = {**TASK, "stranger": 1.5}
    with distributing(toy) as many:
        post(many, request(sequences, **more, prediction_tasks=[task]))
    assert len(toy.asked) == 8
    for raw in toy.asked:
        ids = list(raw["sequences"])
        assert raw["prediction_tasks"] == [task]
        assert raw["prediction_ranges"] == {name: ranges[name] for name in ids}
        assert list(raw["sequence_coordinates"]) == ids
        assert (raw["upstream_seq"], raw["downstream_seq"]) == ("AC", "")
        assert raw["stranger"] == {"deep": [1, None]}
    assert sorted(toy.ids) == sorted(sequences)


def test_a_number_that_msgpack_has_not_goes_out_as_json():
    toy = Toy()
    with distributing(toy) as many:
        assert post(many, request({"a": "A"}, stranger=2**70)).status_code == 200
    assert toy.asked[0]["stranger"] == 2**70
    assert toy.headers[0]["content-type"] == JSON


def test_one_giant_sequence_is_one_chunk():
    toys = Toy(), Toy()
    sequences = {"small": "ACGT", "giant": "ACGT" * 3_000_000, "last": "A"}
    with distributing(*toys) as many:
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]
    chunks = [list(raw["sequences"]) for toy in toys for raw in toy.asked]
    assert ["giant"] in chunks


@pytest.mark.parametrize("nothing", [{"sequences": {}}, {"prediction_tasks": []}])
def test_a_request_for_nothing_goes_to_one_worker_whole(nothing):
    toys = Toy(), Toy()
    asked = {**request(dna(9)), **nothing}
    with distributing(*toys) as many:
        assert post(many, asked).status_code == 200
    assert [raw for toy in toys for raw in toy.asked] == [asked]


def test_a_client_that_hangs_up_ends_the_work():
    toy = Toy(seconds=0.1)
    with distributing(toy) as many:
        with pytest.raises(httpx.ReadTimeout):
            post(many, request(dna(100)), timeout=0.3)
        wait_for(lambda: states(many)[0]["in_flight"] == 0, 10)
        asked = len(toy.asked)
        time.sleep(0.3)
        assert len(toy.asked) == asked < 8
        assert states(many)[0]["healthy"]
        assert states(many)[0]["failures"] == 0


# --- what workers answer ------------------------------------------------------------------------


def saying(kind=None, **of_task):
    def answer(raw, accept):
        written = kind or response_format(accept)
        body = answer_to(raw, **of_task)
        body.update(
            {key: body["prediction_tasks"][0].pop(key) for key in ("bin_size",) if key in of_task}
        )
        return Response(encode(body, written), media_type=written)

    return answer


@pytest.mark.parametrize("accept", [JSON, MSGPACK])
@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("type_actual", ["CAGE"], ["RNA"]),
        ("cell_type_actual", "K562", "HepG2"),
        ("species_actual", "homo_sapiens", "mus_musculus"),
        ("scale_prediction_actual", "log", "linear"),
        ("bin_size", 32, 128),
    ],
)
def test_workers_that_predicted_different_things_are_an_error(key, one, other, accept):
    toys = Toy(saying(**{key: one}), seconds=0.02), Toy(saying(**{key: other}), seconds=0.02)
    with distributing(*toys) as many:
        answer = post(many, request(dna(20)), accept)
        (told,) = error_of(answer, 422, "prediction_request_failed")
    assert told.startswith(f"Matcher inconsistency for task 't': {key} is ")
    assert json.dumps(one).replace(", ", ",") in told
    assert json.dumps(other).replace(", ", ",") in told


def test_tasks_are_compared_by_place_and_each_is_told():
    def answer(cell_types):
        def say(raw, accept):
            body = answer_to(raw)
            for task, cell_type in zip(body["prediction_tasks"], cell_types, strict=True):
                task["cell_type_actual"] = cell_type
            return Response(encode(body, JSON), media_type=JSON)

        return say

    tasks = [TASK, {**TASK, "cell_type": "HepG2"}, OTHER_TASK]
    toys = Toy(answer("ABC"), seconds=0.02), Toy(answer("AXY"), seconds=0.02)
    with distributing(*toys) as many:
        told = error_of(
            post(many, request(dna(20), prediction_tasks=tasks)), 422, "prediction_request_failed"
        )
    assert [re.match(r".* for task '(.)': cell_type_actual is ", each)[1] for each in told] == [
        "t",
        "u",
    ]


def test_the_same_said_in_other_bytes_is_no_inconsistency():
    one = Toy(saying(JSON), seconds=0.02)
    spaced = Toy(
        lambda raw, accept: Response(
            json.dumps(answer_to(raw), indent=2), media_type=f"{JSON}; charset=utf-8"
        ),
        seconds=0.02,
    )
    packed = Toy(saying(MSGPACK), seconds=0.02)
    sequences = dna(40)
    with distributing(one, spaced, packed) as many:
        answer = post(many, request(sequences))
        assert predictions(answer) == [lengths(sequences)]
        assert all(each["chunks_done"] for each in states(many))


FAILED = {"type_actual": "N/A", "cell_type_actual": "N/A", "scale_prediction_actual": "N/A"}


def test_a_task_that_fails_everywhere_has_failed():
    def fail(raw, accept):
        # In its own words for each chunk.
        error = {"error": f"no track for {len(raw['sequences'])} sequences"}
        return saying(**FAILED, predictions=error)(raw, accept)

    with distributing(Toy(fail), Toy(fail)) as many:
        (found,) = predictions(post(many, request(dna(20))))
    assert list(found) == ["error"]
    assert found["error"].startswith("no track for")


def test_a_task_that_fails_for_some_chunks_only_is_an_inconsistency():
    fail = saying(**FAILED, predictions={"error": "no such cell type"})
    with distributing(Toy(seconds=0.02), Toy(fail, seconds=0.02)) as many:
        (told,) = error_of(post(many, request(dna(20))), 422, "prediction_request_failed")
    assert told.startswith("Matcher inconsistency for task 't': ")
    assert "an error at" in told
    assert "predictions at" in told
    assert "no such cell type" in told


def test_a_sequence_may_be_named_error():
    sequences = {**dna(9), "error": "ACGT"}
    with distributing(Toy(), Toy()) as many:
        assert predictions(post(many, request(sequences))) == [lengths(sequences)]


def test_tracks_and_their_trims_are_merged_in_the_order_of_the_request():
    def track(raw, accept):
        values = {name: [0.5] * len(each) for name, each in raw["sequences"].items()}
        trims = {name: len(each) for name, each in raw["sequences"].items()}
        # As a Predictor that sorts its keys.
        return saying(
            predictions=dict(sorted(values.items())), trim_upstream=dict(sorted(trims.items()))
        )(raw, accept)

    sequences = dict(reversed(dna(30).items()))
    with distributing(Toy(track), Toy(track)) as many:
        answer = post(many, request(sequences, readout="track")).json()["prediction_tasks"][0]
    assert list(answer["predictions"]) == list(answer["trim_upstream"]) == list(sequences)
    assert answer["trim_upstream"] == {name: len(each) for name, each in sequences.items()}


@pytest.mark.parametrize("accept", [JSON, MSGPACK, MSGPACK_NUMPY])
def test_matrices_keep_their_numbers_to_the_bit(accept):
    matrix = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)

    def say(raw, asked):
        kind = response_format(asked)
        body = answer_to(raw)
        if kind == MSGPACK_NUMPY:
            value = {
                b"nd": True,
                b"type": "<f4",
                b"kind": b"",
                b"shape": [7, 7],
                b"data": matrix.tobytes(),
            }
        else:
            value = matrix.tolist()
        body["prediction_tasks"][0]["predictions"] = dict.fromkeys(raw["sequences"], value)
        body["matcher_version"] = "N/A"
        return Response(encode(body, kind), media_type=kind)

    toy = Toy(say, responses=(JSON, MSGPACK, MSGPACK_NUMPY))
    asked = request(dna(12), readout="interaction_matrix")
    with listening(toy.app) as url, distributing(url, toy) as many:
        assert post(many, asked, accept).content == post(url, asked, accept).content


@pytest.mark.parametrize("accept", [JSON, MSGPACK, MSGPACK_NUMPY])
def test_workers_that_know_json_alone_are_asked_in_json_and_the_client_has_its_way(accept):
    toy = Toy(saying(JSON), requests=(JSON,), responses=())
    sequences = dna(10)
    with distributing(toy) as many:
        answer = post(many, request(sequences), accept)
    assert answer.headers["content-type"] == accept
    decode = json.loads if accept == JSON else msgspec.msgpack.decode
    assert decode(answer.content)["prediction_tasks"][0]["predictions"] == lengths(sequences)
    assert {each["content-type"] for each in toy.headers} == {JSON}
    assert {each["accept"] for each in toy.headers} == {JSON}


def test_work_goes_out_in_msgpack_and_answers_come_in_the_format_of_the_client():
    toy = Toy()
    with distributing(toy) as many:
        post(many, request(dna(3)))
        assert {each["content-type"] for each in toy.headers} == {MSGPACK}
        assert {each["accept"] for each in toy.headers} == {JSON}


def test_numbers_that_are_none_become_null_as_everywhere():
    def say(raw, accept):
        text = json.dumps(answer_to(raw, predictions=dict.fromkeys(raw["sequences"], float("nan"))))
        assert "NaN" in text
        return Response(text, media_type=JSON)

    with distributing(Toy(say)) as many:
        assert predictions(post(many, request({"a": "A", "b": "C"}))) == [{"a": None, "b": None}]


def test_formats_are_what_all_workers_know():
    toys = (
        Toy(responses=(JSON, MSGPACK, MSGPACK_NUMPY, "application/strange")),
        Toy(requests=(MSGPACK,), responses=(MSGPACK_NUMPY,)),
        Toy(responses=(MSGPACK_NUMPY, JSON)),
    )
    with distributing(*toys) as many:
        assert get(many, "/formats").json() == {
            "predictor_name": "Toy",
            "predictor_supported_request_formats": [JSON, MSGPACK],
            "predictor_supported_response_formats": [JSON, MSGPACK_NUMPY],
        }


def test_the_whole_has_the_name_of_the_first_healthy_worker():
    toys = Toy(name="First", seconds=0.05), Toy(name="Second")
    with distributing(closed_port(), *toys) as many:
        for path in ("/formats", "/help", "/health/live"):
            assert get(many, path).json()["predictor_name"] == "First"
        for n in (1, 20):
            assert post(many, request(dna(n))).json()["predictor_name"] == "First"
        assert get(many, "/nowhere").json()["predictor_name"] == "First"


# --- refusals -----------------------------------------------------------------------------------


def too_long(raw, accept):
    bad = [name for name, each in raw["sequences"].items() if len(each) > 5]
    if bad:
        return refusal(422, "this model is choosy", *(f"'{name}' is too long" for name in bad))
    return plain(raw, accept)


def test_refusals_of_several_chunks_are_told_in_the_order_of_the_request():
    sequences = {f"s{index}": "A" * (9 if index % 7 == 3 else 2) for index in range(50)}
    with distributing(Toy(too_long), Toy(too_long, seconds=0.01)) as many:
        told = error_of(post(many, request(sequences)), 422, "prediction_request_failed")
        assert all(each["healthy"] and not each["failures"] for each in states(many))
    bad = [f"'{name}' is too long" for name, each in sequences.items() if len(each) > 5]
    assert told == ["this model is choosy", *bad]


def test_a_refusal_does_not_wait_for_what_takes_long():
    def choose(raw, accept):
        if "bad" not in raw["sequences"]:
            time.sleep(1.5)
            return plain(raw, accept)
        return refusal(422, "no")

    sequences = {"bad": "A", **dna(30)}
    limits = replace(SWIFT, refusal_seconds=0.1)
    with distributing(Toy(choose), limits=limits) as many:
        begun = time.monotonic()
        assert error_of(post(many, request(sequences)), 422, "prediction_request_failed") == ["no"]
        assert time.monotonic() - begun < 1.4


@pytest.mark.parametrize(
    ("status", "key"),
    [
        (400, "bad_prediction_request"),
        (413, "bad_prediction_request"),
        (502, "upstream_dependency_failed"),
    ],
)
def test_a_refusal_is_final_and_in_the_words_of_the_worker(status, key):
    toys = [Toy(lambda raw, accept: refusal(status, "one", "two", key=key)) for _ in range(2)]
    with distributing(*toys) as many:
        assert error_of(post(many, request({"a": "ACGT"})), status, key) == ["one", "two"]
        assert sum(len(toy.asked) for toy in toys) == 1
        assert all(each["healthy"] for each in states(many))


def test_what_looks_faulty_is_asked_first_and_alone():
    toy = Toy(lambda raw, accept: refusal(422, *(f"{name}?" for name in raw["sequences"])))
    sequences = {**dna(40), "x": "AXE", **dna(40, seed=2), "empty": ""}
    with distributing(toy) as many:
        told = error_of(post(many, request(sequences)), 422, "prediction_request_failed")
    assert told == ["x?", "empty?"]
    assert sorted(toy.ids) == ["empty", "x"]


def test_a_worker_that_takes_more_letters_is_not_second_guessed():
    sequences = {"rna": "ACGU", **dna(20), "gap": "A-C"}
    with distributing(Toy(), Toy()) as many:
        answer = post(many, request(sequences))
    assert predictions(answer) == [lengths(sequences)]
    assert list(predictions(answer)[0]) == list(sequences)


def test_a_bad_request_reaches_no_worker():
    bodies = [
        b"{",
        b"[]",
        b"null",
        b"\xff",
        json.dumps({"readout": "point"}).encode(),
        json.dumps(request({"a": "A"}, prediction_ranges={})).encode(),
        json.dumps({**request({"a": "A"}), "readout": ["point"]}).encode(),
        b'{"a":' * 60 + b"1" + b"}" * 60,
        b'{"a":' * 100_000,
    ]
    toy = Toy()
    with distributing(toy) as many:
        for body in bodies:
            assert error_of(post(many, body), 400, "bad_prediction_request")
    assert toy.asked == []


def test_other_ways_to_ask_wrongly_have_the_shape_of_the_protocol():
    toy = Toy()
    with distributing(toy, request_limits=Limits(body_bytes=1000)) as many:
        error_of(post(many, request({"a": "A" * 2000})), 413, "bad_prediction_request")
        error_of(get(many, "/nowhere"), 404, "bad_prediction_request")
        error_of(get(many, "/predict"), 405, "bad_prediction_request")
        answer = httpx.post(f"{many}/predict", content=b"x", headers={"Content-Type": "text/plain"})
        error_of(answer, 400, "bad_prediction_request")
    assert toy.asked == []


def test_a_token_is_asked_for_and_shown_to_the_workers(tmp_path):
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    served = predictor_app(load_model("gc"), token="s3cret")
    with listening(served) as url, listening(distributor_app([url], token="s3cret")) as many:
        for given in ({}, {"Authorization": "Bearer no"}, {"Authorization": "s3cret"}):
            for path in ("/formats", "/help", "/workers"):
                answer = get(many, path, **given)
                error_of(answer, 401, "bad_prediction_request")
                assert answer.headers["www-authenticate"].startswith("Bearer")
            answer = httpx.post(f"{many}/predict", content=b"{", headers=given)
            error_of(answer, 401, "bad_prediction_request")
        assert get(many, "/health/ready").status_code == 200
        known = {"Authorization": "Bearer s3cret"}
        assert get(many, "/workers", **known).json()["workers"][0]["healthy"]
        asked = request({"a": "GC"})
        answer = httpx.post(f"{many}/predict", json=asked, headers=known, trust_env=False)
        assert list(predictions(answer)[0]) == ["a"]
    with listening(served) as url, distributing(url) as many:
        assert "asks for its token" in states(many)[0]["last_error"]
        assert get(many, "/health/ready").status_code == 503


# --- cutting ------------------------------------------------------------------------------------

LIMITS = st.builds(
    PoolLimits,
    chunk_bases=st.integers(1, 10_000),
    chunk_items=st.integers(1, 50),
    chunks_per_worker=st.integers(1, 10),
)


@given(
    lengths=st.lists(st.integers(0, 5000), max_size=200), workers=st.integers(1, 9), limits=LIMITS
)
def test_chunks_are_all_of_it_in_order_and_within_the_limits(lengths, workers, limits):
    places = cut(lengths, workers, limits)
    assert [index for place in places for index in range(len(lengths))[place]] == list(
        range(len(lengths))
    )
    assert all(lengths[place] for place in places) or not lengths
    for place in places:
        chunk = lengths[place]
        assert len(chunk) <= limits.chunk_items
        assert sum(chunk) <= limits.chunk_bases or len(chunk) == 1


@given(n=st.integers(1, 2000), workers=st.integers(1, 20), length=st.integers(0, 1000))
def test_equal_sequences_make_equal_chunks_and_more_of_them_than_workers(n, workers, length):
    places = cut([length] * n, workers, PoolLimits(chunk_items=10**6, chunk_bases=10**9))
    assert len(places) == min(n, 8 * workers)
    sizes = [place.stop - place.start for place in places]
    assert max(sizes) - min(sizes) <= 1


def test_a_giant_among_dwarfs_is_alone_and_they_are_together():
    places = cut([100] * 500 + [10**6] + [100] * 500, 3, PoolLimits())
    assert slice(500, 501) in places
    assert 4 <= len(places) <= 24
    assert min(place.stop - place.start for place in places if place != slice(500, 501)) > 50


@given(st.data())
@settings(max_examples=50)
def test_what_belongs_to_a_sequence_goes_where_it_goes(data):
    sequences = data.draw(st.dictionaries(st.text(), st.text("ACGT", min_size=1), max_size=20))
    ranges = {name: data.draw(st.sampled_from([[], [0, 0]])) for name in sequences}
    raw = {
        "readout": "point",
        "prediction_tasks": [TASK],
        "upstream_seq": "A",
        "prediction_ranges": dict(data.draw(st.permutations(list(ranges.items())))),
        "sequences": sequences,
        "other": {"a": 1},
    }
    ids = list(sequences)
    parts = [
        part_of(raw, ids[place])
        for place in cut([len(sequences[each]) for each in ids], 3, PoolLimits())
    ]
    for key in ("sequences", "prediction_ranges"):
        together = {}
        for part in parts:
            assert list(part) == list(raw)
            assert list(part[key]) == list(part["sequences"])
            together.update(part[key])
        assert together == raw[key]
    assert all(
        {**part, "sequences": 0, "prediction_ranges": 0}
        == {**raw, "sequences": 0, "prediction_ranges": 0}
        for part in parts
    )


# --- the command --------------------------------------------------------------------------------

CONFIG = """
base_url_template: "http://{pred_ip}:{pred_port}"
predictor_pool:
  - {id: "worker_1", pred_ip: "10.0.0.1", pred_port: "8000"}
  - {id: "worker_2", pred_ip: "node-2.cluster", pred_port: 8001}
"""


def test_a_pool_is_read_as_the_public_distributor_reads_it(tmp_path):
    file = tmp_path / "distributor_config.yaml"
    file.write_text(CONFIG)
    assert read_config(file) == ["http://10.0.0.1:8000", "http://node-2.cluster:8001"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected the key base_url_template"),
        ("[1, 2]", "expected the key base_url_template"),
        ("base_url_template: 7", "expected the key base_url_template"),
        ("base_url_template: 'http://{pred_ip}'", "expected the key predictor_pool"),
        ("base_url_template: 'http://a'\npredictor_pool: []", "expected the key predictor_pool"),
        (
            "base_url_template: 'http://a'\npredictor_pool: [x]",
            "predictor_pool[0]: expected pred_ip",
        ),
        (CONFIG.replace('"10.0.0.1"', "[1]"), "predictor_pool[0]: expected pred_ip"),
        (CONFIG.replace(", pred_port: 8001", ""), "predictor_pool[1]: expected pred_port"),
        (
            CONFIG.replace("8001", "eighty"),
            "predictor_pool[1]: 'http://node-2.cluster:eighty' is not",
        ),
        (CONFIG.replace("http://", "ftp://"), "predictor_pool[0]: 'ftp://10.0.0.1:8000' is not"),
        (CONFIG.replace("{pred_ip}", "{0.__class__}"), "predictor_pool[0]: 'http://{0.__class__}"),
        ("a: [", "not YAML"),
        ("a: !!python/object/apply:os.system ['true']", "not YAML"),
        ("\x00", "not YAML"),
        ("[" * 5000, "not YAML"),
    ],
)
def test_a_bad_config_is_told_in_one_line(tmp_path, text, expected):
    file = tmp_path / "pool.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_config(file)
    assert str(caught.value).startswith(f"{file}: {expected}" if "[" not in expected else f"{file}")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read \(No such file"):
        read_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "http://", "http://a:b", "http://a:99999", "ftp://a", "http://a\n"],
)
def test_an_address_that_is_none_is_a_usage_error(url):
    with pytest.raises(UsageError, match="expected http://HOST:PORT"):
        distributor_app([url])


def test_a_distributor_needs_a_worker():
    with pytest.raises(UsageError, match="one worker or more"):
        distributor_app([])


def test_the_same_worker_named_twice_is_one():
    toy = Toy()
    with listening(toy.app) as url, distributing(url, f"{url}/") as many:
        assert [each["url"] for each in states(many)] == [url]


def test_the_command_tells_what_is_wrong_before_it_listens(tmp_path):
    app = typer.Typer()
    app.command()(serve_distributor)
    for arguments in (["--config", str(tmp_path / "none.yaml")], ["nowhere"], []):
        result = CliRunner().invoke(app, arguments)
        assert isinstance(result.exception, UsageError)


def test_the_command_serves_and_finishes_what_it_was_asked(tmp_path):
    toy = Toy(seconds=0.3)
    with listening(toy.app) as url, ThreadPoolExecutor(1) as pool:
        config = tmp_path / "pool.yaml"
        host, port = url.removeprefix("http://").split(":")
        config.write_text(
            'base_url_template: "http://{pred_ip}:{pred_port}"\n'
            f'predictor_pool: [{{id: a, pred_ip: "{host}", pred_port: "{port}"}}]\n'
        )
        arguments = ("--config", str(config), "--port", "0", "--in-flight", "1")
        with process(*CLI, "serve", "distributor", *arguments) as (server, many):
            sequences = {"a": "ACGT", "b": "AC"}
            asked = pool.submit(post, many, request(sequences))
            wait_for(lambda: toy.asked, 10)
            server.send_signal(signal.SIGINT)
            assert predictions(asked.result(10)) == [lengths(sequences)]
            assert ended(server) == (0, "")
    assert toy.most_at_once == 1
