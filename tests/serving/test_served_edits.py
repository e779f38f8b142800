"""Edits of references between a client, servers that take them, and servers that do not."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from asking import TASK, ask
from workers import Toy, answer_to, distributing, get, plain, post, refusal

from genomark.models import as_model, load_model
from genomark.models import asking as client_asking
from genomark.models.remote import RemotePredictor
from genomark.models.remote_settings import DEFAULTS
from genomark.protocol import (
    JSON,
    MSGPACK,
    Edit,
    EditedSequences,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    Unanswered,
    encode_request,
)
from genomark.serving import Limits, predictor_app
from genomark.serving.pool import PoolLimits
from listening import listening

ASKED = PredictionTask(**TASK)
SWIFT = dataclasses.replace(DEFAULTS, first_pause=0.01)
EXTENSIONS = "genomark_extensions"


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def edits_of(length: int, count: int, references: int = 2) -> EditedSequences:
    """Edits of which each has one more G than its reference."""
    letters = {f"r{i}": "ACTA"[i % 4] * length for i in range(references)}
    edits = {f"e{i}": Edit(f"r{i % references}", ((i, i + 1, "G"),)) for i in range(count)}
    return EditedSequences(letters, edits, {"w": "GATTACA"})


def request(sequences: Any, **more: Any) -> PredictRequest:
    return PredictRequest("point", [ASKED], sequences, **more)


def values_of(response: PredictResponse) -> dict[str, Any]:
    (task,) = response.prediction_tasks
    return task.predictions


def body(sequences: Any, **more: Any) -> dict[str, Any]:
    return json.loads(encode_request(request(sequences, **more), JSON, edits=True))


class Knowing(Toy):
    """A worker that takes edits, and remembers what was built of them."""

    def __init__(self, **how: Any) -> None:
        super().__init__(self.built, **how)
        self.formats[EXTENSIONS] = ["other", "edits"]

    def built(self, raw: dict[str, Any], accept: str | None) -> Any:
        edits = {
            name: Edit(each["of"], tuple(map(tuple, each["changes"])))
            for name, each in raw.get("edits", {}).items()
        }
        whole = EditedSequences(raw.get("references", {}), edits, raw["sequences"])
        return plain({**raw, "sequences": dict(whole)}, accept)


# --- a client and a server -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [JSON, MSGPACK])
def test_edits_over_http_are_answered_as_in_process(kind: str) -> None:
    sequences = edits_of(20_000, 40)
    asked = request(
        sequences,
        prediction_ranges={name: [i, i + 5] for i, name in enumerate(sequences)} | {"w": []},
        upstream_seq="g",
    )
    here = load_model("gc")
    with listening(predictor_app(here)) as address:
        there = RemotePredictor(address)
        there.formats = (kind, kind)
        assert there.takes_edits
        found = values_of(there.predict(asked))
    assert found == values_of(here.predict(asked))
    assert len(set(found.values())) > 2
    assert there.bytes_sent == len(encode_request(asked, kind, edits=True))
    assert there.bytes_sent < 50_000 < 40 * 20_000


def test_a_server_that_takes_no_edits_is_sent_copies_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_asking, "_COPIED_BYTES", 5_000)
    asked = request(edits_of(1_000, 10))
    worker = Toy()
    with listening(worker.app) as address:
        model = RemotePredictor(address)
        assert not model.takes_edits
        found = values_of(model.predict(asked))
    assert found == {name: len(each) / 4 for name, each in asked.sequences.items()}
    assert list(found) == list(asked.sequences)
    assert {name for raw in worker.asked for name in raw} == {
        "readout",
        "prediction_tasks",
        "sequences",
    }
    sent = {name: each for raw in worker.asked for name, each in raw["sequences"].items()}
    assert sent == dict(asked.sequences)
    assert max(len(json.dumps(raw)) for raw in worker.asked) < 5_000


@pytest.mark.parametrize("said", [None, [], ["other"], "none", {"edits": 1}, ["EDITS"]])
def test_only_who_says_so_is_sent_edits(said: Any) -> None:
    worker = Toy()
    worker.formats[EXTENSIONS] = said
    with listening(worker.app) as address:
        assert not RemotePredictor(address).takes_edits


def test_one_request_holds_the_edits_of_a_reference_that_copies_would_not_fit_in() -> None:
    worker = Knowing()
    asked = request(edits_of(1_000, 50, references=1))
    with listening(worker.app) as address:
        settings = dataclasses.replace(SWIFT, max_bytes=12_000)
        found = values_of(RemotePredictor(address, settings).predict(asked))
    assert found == {name: len(each) / 4 for name, each in asked.sequences.items()}
    assert len(worker.asked) == 1
    assert worker.asked[0]["references"] == asked.sequences.references  # type: ignore[attr-defined]


def test_a_busy_server_is_sent_the_same_edits_again() -> None:
    worker = Knowing()
    good, answers = worker.does, iter([refusal(503, "busy", key="server_error")])
    worker.does = lambda raw, accept: next(answers, None) or good(raw, accept)
    with listening(worker.app) as address:
        found = values_of(RemotePredictor(address, SWIFT).predict(request(edits_of(100, 5))))
    assert len(worker.asked) == 2
    assert worker.asked[0] == worker.asked[1]
    assert found == {"w": 7 / 4} | {f"e{i}": 25.0 for i in range(5)}


def test_edits_the_server_refuses_are_told_from_those_it_does_not() -> None:
    sequences = edits_of(50, 30)
    strange = {**sequences.edits, "e7": Edit("r0", ((0, 1, "X"),))}
    asked = request(EditedSequences(sequences.references, strange))
    with listening(predictor_app(load_model("gc"))) as address:
        found = values_of(RemotePredictor(address, SWIFT).predict(asked))
    refused = found.pop("e7")
    assert isinstance(refused, Unanswered)
    assert "sequence 'e7' has invalid character(s): {'X'}" in refused.reason
    assert len(found) == 29
    assert all(isinstance(value, float) for value in found.values())


def test_what_is_too_many_bases_for_the_server_is_halved() -> None:
    limits = Limits(bases=3_500)
    asked = request(edits_of(1_000, 12))
    with listening(predictor_app(load_model("gc"), limits=limits)) as address:
        found = values_of(RemotePredictor(address, SWIFT).predict(asked))
    assert found == values_of(load_model("gc").predict(asked))


# --- a server ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edits": 3}, "'edits' must be an object of sequence ids and edits"),
        ({"references": {}}, "edit 'e0' is of 'r0', which is not among the references"),
        (
            {"edits": {"e0": {"of": "r0", "changes": [[3, 9, ""]]}}},
            "edit 'e0': change [3, 9, 0 letters] is not within 'r0', which has 5 letters",
        ),
    ],
)
def test_a_fault_in_edits_is_told_in_the_shape_of_game(change: Any, message: str) -> None:
    app = predictor_app(load_model("gc"), name="GC")
    answer = ask(app, "POST", "/predict", json=body(edits_of(5, 1)) | change)
    assert answer.status_code == 400
    assert answer.json() == {
        "predictor_name": "GC",
        "error": [{"bad_prediction_request": message}],
    }


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(bases=400), "507 bases in one request, flanks included; this server takes 400"),
        (Limits(sequences=5), "6 sequences in one request; this server takes 5"),
        (Limits(body_bytes=300), "The request body is over 300 bytes; send fewer"),
    ],
)
def test_what_is_sent_and_what_would_be_built_have_their_limits(
    limits: Limits, message: str
) -> None:
    app = predictor_app(load_model("gc"), limits=limits)
    answer = ask(app, "POST", "/predict", json=body(edits_of(100, 5)))
    assert answer.status_code == 413
    assert answer.json()["error"][0]["bad_prediction_request"].startswith(message)


def test_bases_are_counted_as_built() -> None:
    app = predictor_app(load_model("gc"))
    assert ask(app, "POST", "/predict", json=body(edits_of(100, 5))).is_success
    lines = ask(app, "GET", "/metrics").text.splitlines()
    assert "genomark_bases_total 507.0" in lines
    assert "genomark_sequences_total 6.0" in lines


def test_a_foreign_model_is_served_with_strings() -> None:
    handed: list[Any] = []

    class Foreign:
        info = load_model("gc").info

        def predict(self, request: PredictRequest) -> PredictResponse:
            handed.append(request.sequences)
            return as_model(lambda each: [float(len(s)) for s in each]).predict(request)

    answer = ask(predictor_app(Foreign()), "POST", "/predict", json=body(edits_of(10, 2)))
    assert answer.json()["prediction_tasks"][0]["predictions"] == {"w": 7, "e0": 10, "e1": 10}
    assert [type(each) for each in handed] == [dict]


# --- a distributor -------------------------------------------------------------------------------

SMALL = PoolLimits(probe_seconds=(0.02, 0.2), patience_seconds=1.0, chunk_items=4)


def test_chunks_carry_the_references_that_they_need() -> None:
    workers = Knowing(), Knowing()
    sequences = edits_of(200, 24, references=12)
    raw = body(sequences, prediction_ranges={name: [] for name in sequences})
    with distributing(*workers, limits=SMALL) as address:
        answer = post(address, raw).json()
    asked = [each for worker in workers for each in worker.asked]
    assert len(asked) > 5
    for each in asked:
        needed = {edit["of"] for edit in each.get("edits", {}).values()}
        if needed:
            assert set(each["references"]) == needed
        assert set(each["prediction_ranges"]) == {*each["sequences"], *each.get("edits", {})}
    built = answer_to(raw | {"sequences": dict(sequences)})["prediction_tasks"]
    assert answer["prediction_tasks"] == built


def test_a_worker_that_takes_no_edits_gets_copies_and_the_whole_is_not_said_to_take_them() -> None:
    old, new = Toy(), Knowing()
    sequences = edits_of(200, 24)
    with distributing(old, new, limits=SMALL) as address:
        assert EXTENSIONS not in get(address, "/formats").json()
        answer = post(address, body(sequences)).json()
    assert answer["prediction_tasks"][0]["predictions"] == {
        name: len(each) / 4 for name, each in sequences.items()
    }
    assert old.asked
    assert not any("edits" in each or "references" in each for each in old.asked)
    given = {name: each for raw in old.asked for name, each in raw["sequences"].items()}
    assert given == {name: sequences[name] for name in given}


def test_edits_through_a_distributor_are_answered_byte_for_byte_as_by_one_worker() -> None:
    app = predictor_app(load_model("gc"), name="GC")
    content = encode_request(request(edits_of(3000, 30)), JSON, edits=True)
    headers = {"Content-Type": JSON, "Accept": JSON}
    alone = ask(app, "POST", "/predict", content=content, headers=headers)
    assert alone.is_success
    with listening(app) as worker, distributing(worker, limits=SMALL) as address:
        # What else the worker knows is between it and those who ask it directly.
        assert get(address, "/formats").json()[EXTENSIONS] == ["edits"]
        assert set(get(worker, "/formats").json()[EXTENSIONS]) > {"edits"}
        assert RemotePredictor(address, SWIFT).takes_edits
        assert post(address, content).content == alone.content


def test_a_distributor_tells_faulty_edits_as_a_worker_would() -> None:
    sequences = edits_of(50, 6)
    strange = {**sequences.edits, "e3": Edit("r0", ((0, 1, "?"),))}
    raw = body(EditedSequences(sequences.references, strange))
    app = predictor_app(load_model("gc"), name="GC")
    alone = ask(app, "POST", "/predict", json=raw)
    with listening(app) as worker, distributing(worker, limits=SMALL) as address:
        through = post(address, raw)
    assert (through.status_code, through.json()) == (alone.status_code, alone.json())
    assert through.status_code == 422
