"""Many clients of one server at once: each has its own answer, and what was done is told."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from asking import request

from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.scoring import ModelIdentity
from genomark.serving import BackendSettings, Limits, predictor_app
from listening import listening

CLIENTS, ROUNDS = 12, 4


def slow(sequences):
    time.sleep(0.03)
    return [each.count("A") + each.count("C") / 1024 for each in sequences]


def served(**settings):
    model = SequencePredictor(
        info=ModelIdentity(id="slow", version="1", digest="d"),
        predictor_name="slow",
        readouts={"point": Readout(slow, "log")},
        batch_invariant=True,
    )
    limits = Limits(concurrent=1, queued=CLIENTS)
    return listening(predictor_app(model, limits=limits, settings=BackendSettings(**settings)))


def metrics(address):
    told = httpx.get(f"{address}/metrics", timeout=20, trust_env=False).text
    lines = (line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    return {name.removeprefix("genomark_"): float(value) for name, value in lines}


def client(address, number):
    """Ask about sequences of its own under ids that all clients use; gives what was wrong."""
    letters = random.Random(number)
    wrong = []
    with httpx.Client(trust_env=False, timeout=60) as session:
        for _ in range(ROUNDS):
            asked = {name: "".join(letters.choices("ACGT", k=40)) for name in ("s", "t", "u")}
            answer = session.post(f"{address}/predict", json=request(asked))
            (task,) = answer.json()["prediction_tasks"]
            expected = {
                name: sequence.count("A") + sequence.count("C") / 1024
                for name, sequence in asked.items()
            }
            if task["predictions"] != expected:
                wrong.append((asked, task))
    return wrong


@pytest.mark.parametrize("joins", [True, False])
def test_many_clients_with_the_same_ids_and_other_sequences(joins):
    with served(joins=joins) as address, ThreadPoolExecutor(CLIENTS) as pool:
        wrong = list(pool.map(lambda number: client(address, number), range(CLIENTS)))
        told = metrics(address)
    assert wrong == [[]] * CLIENTS
    assert told['requests_total{status="200"}'] == CLIENTS * ROUNDS
    assert told["batch_requests_sum"] == CLIENTS * ROUNDS
    if joins:
        assert told["batch_requests_count"] <= CLIENTS * ROUNDS / 2
    else:
        assert told["batch_requests_count"] == CLIENTS * ROUNDS
    assert (told["waiting"], told["computing"]) == (0, 0)
    assert (told["replicas_alive"], told["replica_restarts_total"]) == (1, 0)


def test_what_is_kept_is_counted():
    with served() as address, httpx.Client(trust_env=False, timeout=60) as session:
        for names in ("ab", "bc", "bc"):
            body = request({name: "ACGT" * (1 + ord(name)) for name in names} | {"z": "ACGT" * 99})
            session.post(f"{address}/predict", json=body).raise_for_status()
        told = metrics(address)
    # ord("b") is 98: `z` is the same sequence as `b`.
    assert told["cache_hits_total"] == 1 + 2
    assert told["cache_misses_total"] == 2 + 1
    assert told["repeated_sequences_total"] == 3
    assert 0 < told["cache_bytes"] < 10_000


def test_a_cache_that_is_turned_off_keeps_nothing():
    with served(cache_bytes=0) as address, httpx.Client(trust_env=False, timeout=60) as session:
        for _ in range(2):
            session.post(f"{address}/predict", json=request({"s": "ACGT"})).raise_for_status()
        told = metrics(address)
    assert (told["cache_hits_total"], told["cache_bytes"]) == (0, 0)
