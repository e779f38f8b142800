"""A model in processes of its own: what happens when they end, and that they never outlive."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest
from asking import CLI, process, request

from genomark.errors import ModelError, UsageError
from genomark.protocol import PredictionTask, PredictRequest, ServerError
from genomark.serving import BackendSettings, Limits, replicas
from genomark.serving.predictor import served_app
from genomark.serving.replicas import Replicas
from listening import listening
from processes import alive, wait_for

TASK = PredictionTask("t", "accessibility", "K562", "homo_sapiens")

#: Does what its sequences say; what it is asked for a G, is answered by the id of its process.
WILD = """
import os
import signal
import time
from pathlib import Path

here = Path(__file__).parent

def wait():
    (here / "asked.part").write_text(str(os.getpid()))
    (here / "asked.part").rename(here / "asked")
    while not (here / "free").exists():
        time.sleep(0.01)

DEEDS = {
    "GATTACA": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "CCCC": wait,
}

def wild(sequences):
    for sequence in sequences:
        DEEDS.get(sequence, lambda: None)()
    return [float(os.getpid() if each == "G" else len(each)) for each in sequences]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wild")
    (folder / "wild.py").write_text(WILD)
    return folder


@pytest.fixture(scope="module")
def spec(folder):
    return f"py:{folder}/wild.py:wild"


@pytest.fixture(scope="module")
def service(spec):
    """A server with two processes, which joins requests."""
    computing = Replicas(spec, None, 2, 60.0)
    wait_for(lambda: computing.alive == 2, 60)
    app = served_app(
        computing.served,
        computing,
        name=None,
        limits=Limits(),
        token=None,
        settings=BackendSettings(joins=True),
    )
    with listening(app) as address:
        yield SimpleNamespace(computing=computing, address=address)
    computing.close()
    assert computing.alive == 0
    assert not any(alive(each.process.pid) for each in computing._running.values())


@pytest.fixture
def gates(folder):
    """Where the model says that it waits, and what it waits for."""
    gates = SimpleNamespace(asked=folder / "asked", free=folder / "free")
    yield gates
    gates.asked.unlink(missing_ok=True)
    gates.free.unlink(missing_ok=True)


def post(address, sequences):
    body = request(sequences)
    return httpx.post(f"{address}/predict", json=body, timeout=60, trust_env=False)


def predictions(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction_tasks"][0]["predictions"]


def metric(address, name):
    told = httpx.get(f"{address}/metrics", timeout=20, trust_env=False).text
    return next(float(line.split()[1]) for line in told.splitlines() if line.startswith(name + " "))


def whole(service):
    """Wait until both processes are there."""
    wait_for(lambda: metric(service.address, "genomark_replicas_alive") == 2, 60)


def asked_pid(gates):
    return int(wait_for(lambda: gates.asked.exists() and gates.asked.read_text(), 30))


def test_the_model_is_in_another_process(service):
    (pid,) = predictions(post(service.address, {"s": "G"})).values()
    assert pid != os.getpid()
    assert alive(int(pid))
    told = httpx.get(f"{service.address}/help", trust_env=False).json()
    assert told["predictor_name"].startswith("genomark-wild")


def test_an_error_of_the_model_is_told_as_if_it_were_here(service):
    answer = post(service.address, {"s": "ACGT", "t": "AXGT"})
    assert answer.status_code == 422
    assert answer.json()["error"] == [
        {"prediction_request_failed": "sequence 't' has invalid character(s): {'X'}"}
    ]


def test_a_request_that_cannot_be_written_ends_no_process(service):
    whole(service)
    restarts = metric(service.address, "genomark_replica_restarts_total")
    asked = request({"s": "ACGT"}, prediction_ranges={"s": [0, 10**30]})
    answer = httpx.post(f"{service.address}/predict", json=asked, timeout=30, trust_env=False)
    assert answer.status_code == 422
    assert "index is out of bounds" in answer.text
    assert metric(service.address, "genomark_replica_restarts_total") == restarts


def test_a_process_killed_in_the_middle_of_a_request_costs_no_answer(service, gates):
    whole(service)
    restarts = metric(service.address, "genomark_replica_restarts_total")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, service.address, {"s": "CCCC", "t": "G"})
        killed = asked_pid(gates)
        gates.asked.unlink()
        os.kill(killed, signal.SIGKILL)
        # It is tried once more, and this time the model is let go.
        tried = asked_pid(gates)
        assert tried != killed
        gates.free.touch()
        assert predictions(asked.result(60)) == {"s": 4.0, "t": float(tried)}
    whole(service)
    assert metric(service.address, "genomark_replica_restarts_total") == restarts + 1
    assert not alive(killed)


def test_a_poisoned_request_is_told_so_and_takes_nobody_with_it(service, gates):
    whole(service)
    names = [f"A{'C' * n}" for n in range(1, 7)]
    with ThreadPoolExecutor(len(names) + 3) as pool:
        # Both processes are busy, so that all others wait, and are joined.
        busy = [pool.submit(post, service.address, {"s": "CCCC", "t": "T" * n}) for n in (1, 2)]
        wait_for(lambda: metric(service.address, "genomark_computing") == 2, 30)
        bad = pool.submit(post, service.address, {"s": "GATTACA"})
        good = [pool.submit(post, service.address, {"s": each}) for each in names]
        wait_for(lambda: metric(service.address, "genomark_waiting") == 1 + len(names), 30)
        gates.free.touch()
        answer = bad.result(60)
        assert answer.status_code == 500
        (error,) = answer.json()["error"]
        assert "in the middle of it, twice: was ended by SIGKILL." in error["server_error"]
        for name, each in zip(names, good, strict=True):
            assert predictions(each.result(60)) == {"s": float(len(name))}
        for n, each in enumerate(busy, start=1):
            assert predictions(each.result(60)) == {"s": 4.0, "t": float(n)}
    assert predictions(post(service.address, {"s": "AAA"})) == {"s": 3.0}


def test_a_process_that_died_while_it_was_idle_is_not_noticed_by_anyone(service):
    whole(service)
    idle = [each.process.pid for each in service.computing._running.values()]
    for pid in idle:
        os.kill(pid, signal.SIGKILL)
    # Until it is really gone it may still take what it never answers.
    wait_for(lambda: not any(map(alive, idle)), 20)
    assert predictions(post(service.address, {"s": "ACGTA"})) == {"s": 5.0}


def test_a_process_that_computes_for_too_long_is_ended(spec):
    computing = Replicas(spec, None, 1, 1.0)
    try:
        (first,) = computing._running.values()
        with pytest.raises(ServerError, match="No answer within 1 s") as error:
            computing.predict(PredictRequest("point", [TASK], {"s": "CCCC"}))
        assert error.value.http_status == 503
        wait_for(lambda: not alive(first.process.pid), 20)
        wait_for(lambda: computing.restarts == 1, 20)
    finally:
        computing.close()


def test_a_model_that_cannot_be_made_is_told_as_if_it_were_made_here():
    with pytest.raises(UsageError, match="No model named 'no-such-model'"):
        Replicas("no-such-model", None, 1, 60.0)


def test_a_process_that_ends_before_it_has_a_model_is_told(monkeypatch):
    monkeypatch.setattr(replicas, "_PROGRAM", ("-S", "-c", "raise SystemExit(9)"))
    with pytest.raises(ModelError, match=r"make the model 'gc' ended with exit code 9"):
        Replicas("gc", None, 1, 60.0)


@pytest.mark.parametrize(("count", "threads"), [(1, None), (2, 4), (16, 1)])
def test_processes_share_the_cores(monkeypatch, count, threads):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "5")
    environment = replicas._environment(count)
    assert environment.get("OMP_NUM_THREADS") == (str(threads) if threads else None)
    assert environment["MKL_NUM_THREADS"] == "5"


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_their_server_however_it_ends(spec, gates, stop):
    """It computes, and does not end by itself: it is not asked whether it would."""
    command = (*CLI, "serve", "model", spec, "--port", "0", "--replicas", "1")
    with process(*command) as (server, address), ThreadPoolExecutor(1) as pool:
        pool.submit(post, address, {"s": "CCCC"})
        busy = asked_pid(gates)
        if stop == signal.SIGTERM:
            # What it was asked is answered first.
            threading.Timer(0.5, gates.free.touch).start()
        server.send_signal(stop)
        server.wait(20)
        begun = time.monotonic()
        wait_for(lambda: not alive(busy), 20)
        assert time.monotonic() - begun < 20
