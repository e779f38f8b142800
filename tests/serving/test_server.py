import json
import signal
import socket
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from asking import CLI, ended, process, request

from genomark.errors import CapabilityError, UsageError
from genomark.models import as_model, load_model
from genomark.serving import Limits, predictor, predictor_app, serve_model
from listening import listening

SCRIPT = """
import sys, time
import genomark

def length(sequences):
    print("asked", flush=True)
    time.sleep(0.8)
    return [len(sequence) for sequence in sequences]

genomark.serve(length, port=0, name="Ruler")
"""


def post(address, body):
    return httpx.post(f"{address}/predict", json=body, timeout=20, trust_env=False)


def points(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction_tasks"][0]["predictions"]


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_the_command_serves_until_it_is_stopped_and_stops_in_silence(stop, code):
    with process(*CLI, "serve", "model", "gc", "--port", "0") as (server, address):
        # (2 + 1e-9) / 4
        assert points(post(address, request({"s": "ACGT"}))) == {"s": (2 + 1e-9) / 4}
        server.send_signal(stop)
        assert ended(server) == (code, "")


def test_a_script_serves_a_plain_function_and_finishes_what_it_was_asked(tmp_path):
    script = tmp_path / "serve_length.py"
    script.write_text(SCRIPT)
    with process(sys.executable, str(script)) as (server, address), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, address, request({"a": "ACGT", "b": "AC"}))
        assert server.stdout.readline() == "asked\n"
        server.send_signal(signal.SIGINT)
        answer = asked.result(10)
        assert points(answer) == {"a": 4.0, "b": 2.0}
        task = answer.json()["prediction_tasks"][0]
        assert task["scale_prediction_actual"] == "log"
        assert answer.json()["predictor_name"] == "Ruler"
        assert ended(server) == (0, "")


def test_a_port_in_use_is_told_in_one_line_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            serve_model(load_model("gc"), port=port)
    text = str(caught.value)
    assert text.startswith(f"Cannot listen on 127.0.0.1:{port}: ")
    assert text.endswith("Choose another with --port, or 0 for any")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 65_536), ("127.0.0.1", -1)]
)
def test_an_address_that_is_none_is_a_usage_error(host, port):
    with pytest.raises(UsageError, match=f"Cannot listen on {host}:{port}"):
        serve_model(load_model("gc"), host=host, port=port)


def test_what_cannot_be_served_is_told_and_lets_go_of_the_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with pytest.raises(CapabilityError):
            serve_model(load_model("control:random"), port=port)


def test_a_taken_port_is_told_before_anything_is_fitted():
    class Slow:
        info = load_model("gc").info

        def default_split(self):
            pytest.fail("fitted first")

        identity = fit = None

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError):
        serve_model(Slow(), port=taken.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_address_told_is_one_that_answers(host, monkeypatch, capsys):
    """It is told when the socket is open, so that a client may come at once."""
    if host == "::1":
        try:
            socket.create_server((host, 0), family=socket.AF_INET6).close()
        except OSError as error:
            pytest.skip(f"no IPv6 here: {error}")
    told = []

    def run(server, sockets):
        first, second = capsys.readouterr().err.splitlines()
        address = first.split(" at ")[1].split(" ")[0]
        assert second == f"  genomark run -m {address} -b simulated-enhancers"
        told.append(address)
        host_told = urllib.request.urlparse(address).hostname
        port = urllib.request.urlparse(address).port
        assert port == sockets[0].getsockname()[1]
        socket.create_connection((host_told, port), timeout=5).close()
        sockets[0].close()
        raise KeyboardInterrupt

    monkeypatch.setattr(uvicorn.Server, "run", run)
    try:
        serve_model(load_model("gc"), host=host, port=0)
    except KeyboardInterrupt:
        pytest.fail("Ctrl-C is no error")
    assert len(told) == 1


def test_requests_are_answered_side_by_side():
    together = threading.Barrier(4)

    def function(sequences):
        # Broken after five seconds if the others were waiting for this one to end.
        together.wait(5)
        return [len(sequence) for sequence in sequences]

    with (
        listening(predictor_app(as_model(function), limits=Limits(concurrent=4))) as address,
        ThreadPoolExecutor(4) as pool,
    ):
        bodies = [request({"s": "A" * length}) for length in range(1, 5)]
        answers = list(pool.map(lambda body: post(address, body), bodies))
    assert [points(answer) for answer in answers] == [{"s": float(each)} for each in range(1, 5)]


def test_a_long_computation_leaves_the_server_free_to_say_its_formats():
    begun, free = threading.Event(), threading.Event()

    def function(sequences):
        begun.set()
        assert free.wait(5)
        return [0.0] * len(sequences)

    with listening(predictor_app(as_model(function))) as address, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, address, request({"s": "ACGT"}))
        assert begun.wait(5)
        answer = httpx.get(f"{address}/formats", timeout=5, trust_env=False)
        assert answer.status_code == 200
        assert not asked.done()
        free.set()
        assert points(asked.result(10)) == {"s": 0.0}


def test_a_connection_that_is_dropped_or_talks_nonsense_leaves_the_server_well(caplog):
    body = json.dumps(request({"s": "ACGT"})).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(body)
    with listening(predictor_app(load_model("gc"))) as address:
        port = int(address.rpartition(":")[2])
        for said in (head + body[:9], b"SSH-2.0-OpenSSH\r\n\r\n", b""):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(said)
        assert points(post(address, request({"s": "ACGT"}))) == {"s": (2 + 1e-9) / 4}
    assert not [record for record in caplog.records if record.exc_info]


def test_a_failure_outside_the_model_is_a_game_error_too(monkeypatch):
    def fail(name):
        raise AssertionError

    monkeypatch.setattr(predictor, "openapi", fail)
    with listening(predictor_app(load_model("gc"), name="Toy")) as address:
        answer = httpx.get(f"{address}/openapi.json", trust_env=False)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["predictor_name"] == "Toy"
        assert [list(entry) for entry in answer.json()["error"]] == [["server_error"]]
        assert httpx.get(f"{address}/formats", trust_env=False).status_code == 200


def test_many_requests_over_one_connection():
    with (
        listening(predictor_app(load_model("cpg"))) as address,
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        for repeats in range(1, 30):
            sequence = "CG" * repeats + "A"
            answer = client.post("/predict", json=request({"s": sequence}))
            assert points(answer) == {"s": (repeats + 1e-9) / len(sequence)}
