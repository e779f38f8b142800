"""The Matcher over HTTP: GAME 1.0, section 6, as its published clients know it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import schemathesis
from asking import CLI, ask, ended, process
from few_facts import CELL, CELLS, MOLECULE, SPECIES, few_facts
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.errors import ModelError
from genomark.matching import Candidate, Match, Matcher
from genomark.matching.llm import LlmChooser
from genomark.models.matcher_client import MatcherClient
from genomark.models.tracks import MatcherError
from genomark.serving import matcher_app as module
from genomark.serving.limits import Limits
from genomark.serving.matcher_app import LIMITS, matcher_app
from listening import listening

JSON = "application/json"
NOTHING = {"cell_type_actual": None, "species_actual": None, "binding_molecule_actual": None}


MATCHER = Matcher(few_facts())
APP = matcher_app(MATCHER)


def post(app, body, path="/match", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(app, "POST", path, content=content, headers={"Content-Type": JSON, **headers})


def faults(answer):
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == JSON
    assert list(answer.json()) == ["detail"]
    return answer.json()["detail"]


class Standing:
    """A Matcher that does what it is told."""

    version = "standing-1"

    def __init__(self, does):
        self.does = does

    def explain(self, category, term, choices):
        return self.does(category, term, choices)


def found(choice="K562", **more):
    told = {"confidence": 0.5, "stage": "llm", "reason": "because", **more}
    return Match("t", "cell_type", choice, **told)


# Answers


@pytest.mark.parametrize(
    ("asked", "actual"),
    [
        (CELL, {"cell_type_actual": "K562"}),
        (SPECIES, {"species_actual": "homo_sapiens"}),
        (MOLECULE, {"binding_molecule_actual": "EP300"}),
        ({**CELL, "cell_type_requested": "asdfqwer"}, {"cell_type_actual": "NULL"}),
        (
            {**CELL, **SPECIES, **MOLECULE},
            {
                "cell_type_actual": "K562",
                "species_actual": "homo_sapiens",
                "binding_molecule_actual": "EP300",
            },
        ),
        # An empty string beside another category asks nothing.
        ({**CELL, **SPECIES, "species_requested": ""}, {"cell_type_actual": "K562"}),
        ({**CELL, "species_requested": "", "species_list": []}, {"cell_type_actual": "K562"}),
        ({**CELL, "species_requested": None, "species_list": None}, {"cell_type_actual": "K562"}),
    ],
)
def test_all_four_keys_are_answered_always(asked, actual):
    answer = post(APP, asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == JSON
    assert answer.json() == {"matcher_version": MATCHER.version, **NOTHING, **actual}


def test_an_explanation_is_given_where_it_is_asked_for():
    for flag in ("1", "true", "yes"):
        told = post(APP, {**CELL, **MOLECULE}, f"/match?explain={flag}").json()
        assert told["cell_type_actual"] == "K562"
        assert set(told["explanation"]) == {"cell_type", "binding_molecule"}
        cell = told["explanation"]["cell_type"]
        assert set(cell) == {
            *("choice", "confidence", "stage", "reason", "candidates", "calls", "notes")
        }
        assert cell["choice"] == "K562"
        assert 0.5 < cell["confidence"] <= 1
        assert cell["candidates"][0]["choice"] == "K562"
    for flag in ("0", "false", "off"):
        assert "explanation" not in post(APP, CELL, f"/match?explain={flag}").json()
    (fault,) = faults(post(APP, CELL, "/match?explain=perhaps"))
    assert (fault["type"], fault["loc"]) == ("bool_parsing", ["query", "explain"])


def test_what_went_wrong_on_the_way_is_told_and_logged(caplog):
    note = "language model out of reach"
    candidate = Candidate("K562", 0.4, "lexical", "a letter")
    app = matcher_app(
        Standing(lambda *asked: found(None, notes=(note,), candidates=(candidate,), calls=2))
    )
    with caplog.at_level(logging.WARNING, "genomark.serving"):
        told = post(app, CELL, "/match?explain=1").json()
    assert told["cell_type_actual"] == "NULL"
    explained = told["explanation"]["cell_type"]
    assert explained["notes"] == [note]
    assert explained["calls"] == 2
    assert explained["candidates"] == [
        {"choice": "K562", "score": 0.4, "stage": "lexical", "evidence": "a letter"}
    ]
    assert note in caplog.text


@settings(max_examples=40, deadline=None)
@given(st.permutations(CELLS * 2), st.lists(st.sampled_from(["Jurkat", "", "Ünïcode"]), max_size=4))
def test_order_and_duplicates_of_the_list_do_not_matter(choices, irrelevant):
    told = post(APP, {**CELL, "cell_type_list": choices + irrelevant}).json()
    assert told["cell_type_actual"] == "K562"


# What does not fit: shapes and texts of FastAPI, which published Matchers are made with.


@pytest.mark.parametrize(
    ("asked", "kind", "loc", "text"),
    [
        (
            {},
            "value_error",
            ["body"],
            "Value error, Request must contain at least one category to match (e.g. "
            "'cell_type_requested').",
        ),
        (
            {"cell_type_requested": "", "cell_type_list": CELLS},
            "value_error",
            ["body"],
            "Value error, Request must contain at least one category to match (e.g. "
            "'cell_type_requested').",
        ),
        (
            {"cell_type_requested": "K562"},
            "value_error",
            ["body"],
            "Value error, If 'cell_type_requested' is provided, 'cell_type_list' must also be "
            "provided and non-empty.",
        ),
        (
            {**CELL, "species_requested": "human", "species_list": []},
            "value_error",
            ["body"],
            "Value error, If 'species_requested' is provided, 'species_list' must also be "
            "provided and non-empty.",
        ),
        (
            {**CELL, "top_k": 3},
            "extra_forbidden",
            ["body", "top_k"],
            "Extra inputs are not permitted",
        ),
        (
            {**CELL, "cell_type_list": "K562"},
            "list_type",
            ["body", "cell_type_list"],
            "Input should be a valid list",
        ),
        (
            {**CELL, "cell_type_requested": 5},
            "string_type",
            ["body", "cell_type_requested"],
            "Input should be a valid string",
        ),
        (
            {**CELL, "cell_type_list": ["a", None]},
            "string_type",
            ["body", "cell_type_list", 1],
            "Input should be a valid string",
        ),
        (
            ["K562"],
            "model_attributes_type",
            ["body"],
            "Input should be a valid dictionary or object to extract fields from",
        ),
        (None, "missing", ["body"], "Field required"),
        (b"", "missing", ["body"], "Field required"),
        (b'{"cell_type_requested": }', "json_invalid", ["body", 24], "JSON decode error"),
        (
            b'{"cell_type_requested": "\\ud800", "cell_type_list": ["a"]}',
            "string_unicode",
            ["body", "cell_type_requested"],
            "Input should be a valid string, unable to parse raw data as a unicode string",
        ),
    ],
)
def test_a_request_that_does_not_fit_is_told_what_is_wrong_and_where(asked, kind, loc, text):
    (fault,) = faults(post(APP, asked))
    assert (fault["type"], fault["loc"], fault["msg"]) == (kind, loc, text)


def test_short_values_come_back_with_their_fault_and_long_ones_do_not():
    (fault,) = faults(post(APP, {**CELL, "cell_type_list": "K562"}))
    assert fault["input"] == "K562"
    (fault,) = faults(post(APP, {**CELL, "cell_type_list": "K" * 1_000_000}))
    assert "input" not in fault
    many = faults(post(APP, {**CELL, "cell_type_list": [1] * 100_000}))
    assert len(many) == 20
    many = post(APP, {**CELL, "x" * 1_000_000: "y" * 1_000_000})
    assert faults(many)[0]["type"] == "extra_forbidden"
    assert len(many.content) < 2_000


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_said_to_be_json_is_refused(kind):
    headers = {} if kind is None else {"Content-Type": kind}
    answer = ask(APP, "POST", "/match", content=json.dumps(CELL).encode(), headers=headers)
    (fault,) = faults(answer)
    assert fault["type"] == "model_attributes_type"
    assert "application/json" in fault["ctx"]["error"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/vnd.game+JSON"])
def test_json_by_any_name_is_taken(kind):
    headers = {"Content-Type": kind}
    answer = ask(APP, "POST", "/match", content=json.dumps(CELL).encode(), headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b'{"cell_type_requested": "\xff"}', "byte 25 is not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}", "nested deeper than 32 levels"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "digits"),
    ],
)
def test_what_cannot_be_read_is_refused_in_bounded_time(body, part):
    began = time.perf_counter()
    answer = post(APP, body)
    assert answer.status_code == 400
    assert part in answer.json()["detail"]
    assert time.perf_counter() - began < 2


def test_a_term_that_is_no_name_is_refused():
    (fault,) = faults(post(APP, {**CELL, "cell_type_requested": "x" * 100_000}))
    assert fault["loc"] == ["body", "cell_type_requested"]
    assert fault["msg"].startswith("Value error, ")
    assert "100,000 letters" in fault["msg"]


def test_a_hundred_thousand_names_of_a_hundred_letters_pass():
    names = [
        f"{'a rather long description of a sample ' * 3}{number:06}" for number in range(100_000)
    ]
    names = [name[-100:] for name in names]

    def last(category, term, choices):
        assert len(choices) == 100_000
        return found(choices[-1])

    began = time.perf_counter()
    answer = post(matcher_app(Standing(last)), {**CELL, "cell_type_list": names})
    assert answer.json()["cell_type_actual"] == names[-1]
    assert time.perf_counter() - began < 10


def test_a_body_that_is_too_long_is_refused():
    app = matcher_app(MATCHER, limits=Limits(body_bytes=1000))
    answer = post(app, {**CELL, "cell_type_list": ["x" * 1000]})
    assert answer.status_code == 413
    assert answer.json() == {
        "detail": "The request body is over 1,000 bytes; send fewer choices, or have the server "
        "started with a larger --max-body"
    }


# What goes wrong


def test_an_engine_that_fails_is_a_500_in_the_shape_of_published_matchers():
    def fails(*asked):
        raise RuntimeError("out of ideas")

    answer = post(matcher_app(Standing(fails)), CELL)
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "Matcher Server Internal Error",
        "detail": "An unexpected error occurred in the matching engine: out of ideas",
    }


def test_a_service_behind_that_fails_is_no_null():
    def fails(*asked):
        raise ModelError("language model out of reach")

    answer = post(matcher_app(Standing(fails)), CELL)
    assert answer.status_code == 502
    assert answer.json()["detail"] == "language model out of reach"


def test_without_its_language_model_the_rest_answers_and_says_so(caplog):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}"
    llm = LlmChooser.of(f"ollama:{nobody},model=toy,seconds=2,retries=0")
    app = matcher_app(Matcher(few_facts(), llm=llm))
    asked = {**CELL, "cell_type_requested": "K-562 knock-out"}
    with caplog.at_level(logging.WARNING, "genomark.serving"):
        told = post(app, asked, "/match?explain=1").json()
    assert told["cell_type_actual"] == "K562"
    assert told["explanation"]["cell_type"]["stage"] == "knowledge"
    (note,) = told["explanation"]["cell_type"]["notes"]
    assert note in caplog.text
    assert "toy" in told["matcher_version"]
    assert "genomark_match_notes_total 1.0" in ask(app, "GET", "/metrics").text


def test_paths_and_methods_that_are_not_there_are_told():
    answer = ask(APP, "GET", "/nowhere")
    assert answer.status_code == 404
    assert "/match" in answer.json()["detail"]
    answer = ask(APP, "GET", "/match")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_a_token_is_asked_for_but_not_by_health_checks():
    app = matcher_app(MATCHER, token="secret")
    for path in ("/openapi.json", "/metrics"):
        assert ask(app, "GET", path).status_code == 401
    answer = post(app, CELL)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer, Basic ")
    assert answer.json()["detail"].startswith("This server asks for its token")
    assert post(app, CELL, Authorization="Bearer secret").status_code == 200
    assert ask(app, "GET", "/health/live").json()["status"] == "live"
    assert ask(app, "GET", "/health/ready").json()["status"] == "ready"


# Many at a time


def test_a_long_match_leaves_the_server_free_and_too_many_are_sent_away():
    let_go = threading.Event()
    begun = threading.Semaphore(0)

    def slow(category, term, choices):
        begun.release()
        assert let_go.wait(20)
        return found()

    app = matcher_app(Standing(slow), limits=Limits(concurrent=2, queued=1, seconds=30))

    async def scenario():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            waiting = [asyncio.create_task(client.post("/match", json=CELL)) for _ in range(3)]
            for _ in range(2):
                assert await asyncio.to_thread(begun.acquire, True, 10)
            assert (await client.get("/health/live")).status_code == 200
            ready = await client.get("/health/ready")
            refused = await client.post("/match", json=CELL)
            let_go.set()
            return ready, refused, await asyncio.gather(*waiting)

    ready, refused, answers = asyncio.run(scenario())
    assert ready.status_code == refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"] == "Matcher Server Busy"
    assert "2 requests are being matched and 1 wait" in refused.json()["detail"]
    assert [answer.status_code for answer in answers] == [200] * 3


def test_an_answer_that_takes_too_long_is_given_up():
    app = matcher_app(Standing(lambda *asked: time.sleep(0.6)), limits=Limits(seconds=0.1))
    began = time.perf_counter()
    answer = post(app, CELL)
    assert answer.status_code == 503
    assert "0.1 s" in answer.json()["detail"]
    assert time.perf_counter() - began < 0.5


def test_what_was_done_is_counted():
    app = matcher_app(Matcher(few_facts()))
    post(app, CELL)
    post(app, {**CELL, **MOLECULE, "cell_type_requested": "asdfqwer"})
    post(app, {})
    text = ask(app, "GET", "/metrics").text
    assert 'genomark_match_requests_total{status="200"} 2.0' in text
    assert 'genomark_match_requests_total{status="422"} 1.0' in text
    assert 'category="cell_type",outcome="none",stage="none"} 1.0' in text
    assert 'category="binding_molecule",outcome="matched"' in text
    assert "genomark_match_seconds_count 3.0" in text


# The contract


def test_every_endpoint_is_described_under_the_name_of_published_matchers():
    document = ask(APP, "GET", "/openapi.json").json()
    assert document["info"]["title"] == "GAME Matcher API"
    assert document["info"]["version"] == "1.0"
    assert set(document["paths"]) == {
        *("/match", "/openapi.json", "/metrics", "/health/live", "/health/ready")
    }


contract = schemathesis.openapi.from_asgi("/openapi.json", APP)


@contract.parametrize()
@settings(max_examples=60, deadline=None, derandomize=True)
def test_answers_keep_to_the_contract(case):
    case.call_and_validate()


# Over a socket


def test_the_client_of_track_models_and_the_service_understand_each_other():
    with listening(APP) as address:
        client = MatcherClient(address)
        assert client.match("cell_type", "k-562", CELLS) == "K562"
        assert client.match("cell_type", "asdfqwer", CELLS) is None
        assert client.match("binding_molecule", "p300", ["CTCF", "EP300", "EP300"]) == "EP300"
        assert client.match("species", "Human", ["mus_musculus", "homo_sapiens"]) == "homo_sapiens"
        assert client.version == MATCHER.version
        with pytest.raises(MatcherError, match="letters"):
            client.match("cell_type", "x" * 10_000, CELLS)


def test_many_clients_at_a_time_have_the_answers_of_one():
    terms = [*("k-562", "Hep G2", "SKNSH", "asdfqwer", "K562 cells"), *map(str, range(15))]
    alone = [MATCHER.match("cell_type", term, CELLS) for term in terms]
    with listening(matcher_app(Matcher(few_facts()))) as address, ThreadPoolExecutor(8) as pool:
        client = httpx.Client(base_url=address, trust_env=False, timeout=30)

        def asked(term):
            body = {"cell_type_requested": term, "cell_type_list": CELLS}
            return client.post("/match", json=body).json()["cell_type_actual"]

        together = list(pool.map(asked, terms))
        client.close()
    assert together == [choice or "NULL" for choice in alone]


def test_the_command_takes_the_start_up_form_of_game_modules():
    with process(*CLI, "serve", "matcher", "127.0.0.1", "0") as (server, address):
        told = httpx.post(f"{address}/match", json=CELL, trust_env=False, timeout=30).json()
        assert told["cell_type_actual"] == "K562"
        assert told["matcher_version"].startswith("genomark-matcher-")
        server.send_signal(2)
        code, _ = ended(server)
        assert code in (0, -2, 130)


def test_an_address_that_is_taken_is_one_line(monkeypatch):
    with listening(APP) as address:
        port = int(address.rpartition(":")[2])
        with pytest.raises(module.UsageError, match="Cannot listen on"):
            module.serve_matcher(MATCHER, port=port, limits=LIMITS)
