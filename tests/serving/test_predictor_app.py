import json
import logging
import math
import threading

import msgspec
import numpy as np
import pytest
from asking import TASK, ask, request
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models import TrainingSplit, as_model, load_model
from genomark.models.declaration import Declaration
from genomark.models.training_data import TrainingSequences
from genomark.protocol import BadRequestError, PredictionFailedError, ServerError
from genomark.scoring import ModelIdentity
from genomark.serving import Limits, predictor_app

GC = predictor_app(load_model("gc"))
CPG = predictor_app(load_model("cpg"))

JSON = "application/json"
MSGPACK = "application/msgpack"
TENSOR = "application/vnd.genomark.tensor+msgpack"


def post(app, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(app, "POST", "/predict", content=content, headers={"Content-Type": JSON, **headers})


def predictions(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction_tasks"][0]["predictions"]


def error_of(answer, status, key):
    assert answer.status_code == status
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert set(body) == {"predictor_name", "error"}
    assert all(list(entry) == [key] for entry in body["error"])
    return [entry[key] for entry in body["error"]]


class Answering:
    """A Predictor that does what a function does."""

    info = ModelIdentity(id="toy", version="7", digest="d1", notes=["first note", "second"])

    def __init__(self, function):
        self.predict = function


def raising(error):
    def predict(asked):
        raise error

    return predictor_app(Answering(predict))


class Learner:
    """A Trainable that remembers what it was fitted on."""

    info = ModelIdentity(id="learner", version="1", digest="unfitted")

    def __init__(self):
        self.splits = []

    def default_split(self):
        return TrainingSplit("toy", ["A", "C"], np.array([3.0, 5.0]), ["a", "b"])

    def identity(self, split):
        return ModelIdentity(id="learner", version="1", digest=split.digest)

    def fit(self, split):
        self.splits.append(split)
        mean = float(split.values.mean())
        return as_model(lambda sequences: [mean] * len(sequences), "learner")


def test_formats_are_those_of_the_protocol():
    answer = ask(GC, "GET", "/formats")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == JSON
    assert answer.json() == {
        "predictor_name": "genomark-gc_dev",
        "predictor_supported_request_formats": [JSON, MSGPACK, TENSOR],
        "predictor_supported_response_formats": [
            *(JSON, MSGPACK, f"{MSGPACK}-numpy", TENSOR),
            "application/vnd.genomark.tensor-stream",
        ],
        "genomark_extensions": ["edits", "zstd", "anonymous"],
    }


def test_help_says_who_answers_and_how():
    model = load_model("cpg")
    assert ask(CPG, "GET", "/help").json() == {
        "predictor_name": "genomark-cpg_dev",
        "model": "cpg",
        "game_schema_version": "1.0",
        "version": model.info.version,
        "model_digest": model.info.digest,
        "batch_invariant": True,
        # Parallel lists, one entry an output: this model is the same for all.
        "features": ["NA"],
        "cell_types": ["NA"],
        "species": ["NA"],
        "bin_size": 1,
        "expression_strand_specific": False,
        "supported_readouts": ["point", "track"],
        "supported_scales": ["linear", "log"],
        "range_mode": "crop",
        # It learned from nothing.
        "training_data": {"kind": "none"},
        "description": "genomark model cpg",
        "documentation": (
            "Scale 'log' is log2. Prediction ranges are 0-based and inclusive, in flanked "
            "coordinates. /openapi.json describes every message."
        ),
    }


def test_help_of_a_model_of_few_words():
    answer = ask(predictor_app(Answering(lambda asked: None)), "GET", "/help").json()
    assert answer["predictor_name"] == "toy_dev"
    assert answer["supported_readouts"] == ["point"]
    assert answer["supported_scales"] == ["log"]
    assert answer["description"] == "first note; second"
    assert (answer["version"], answer["model_digest"]) == ("7", "d1")


def test_help_tells_a_declared_address_without_what_may_be_a_key():
    model = Answering(lambda asked: None)
    model.declaration = Declaration(
        name="own",
        training_data=TrainingSequences(source="https://me:secret@host/a/train.fa?token=abc"),
    )
    told = ask(predictor_app(model), "GET", "/help").json()["training_data"]
    assert told == {"kind": "sequences", "source": "https://host/a/train.fa"}


def test_help_lists_only_scales_that_can_be_given():
    def ratio(sequences):
        return [0.0 for _ in sequences]

    def scales():
        return ask(predictor_app(as_model(ratio)), "GET", "/help").json()["supported_scales"]

    assert scales() == ["linear", "log"]
    ratio.scale = "linear"
    # Zeros have no logarithm, so linear is not turned into log.
    assert scales() == ["linear"]


@pytest.mark.parametrize("path", ["/formats", "/help"])
def test_formats_and_help_obey_accept(path):
    answer = ask(GC, "GET", path, headers={"Accept": MSGPACK})
    assert answer.headers["content-type"] == MSGPACK
    assert msgspec.msgpack.decode(answer.content) == ask(GC, "GET", path).json()


def test_a_point_is_a_bare_number():
    answer = post(GC, request({"s": "GGCA", "t": "nnnn"}))
    # (3 + 1e-9) / 4 and (0 + 1e-9) / 4
    assert predictions(answer) == {"s": pytest.approx(0.75, abs=1e-9), "t": 2.5e-10}


@given(st.dictionaries(st.text(), st.text("ACGTNacgtn", min_size=1, max_size=50), max_size=20))
@settings(deadline=None, max_examples=25)
def test_points_are_the_closed_form_whatever_the_ids(sequences):
    expected = {
        name: (sum(letter in "GCgc" for letter in each) + 1e-9) / len(each)
        for name, each in sequences.items()
    }
    assert list(predictions(post(GC, request(sequences))).items()) == list(expected.items())


def test_an_answer_echoes_each_task_in_order():
    tasks = [
        {**TASK, "name": "b", "cell_type": "H1-ESC", "scale": "log"},
        {**TASK, "name": "a", "type": "binding_ctcf", "species": "mus_musculus"},
        {**TASK, "name": "b", "scale": "linear"},
    ]
    answer = post(GC, request({"s": "GGCA"}, prediction_tasks=tasks)).json()
    assert answer["predictor_name"] == "genomark-gc_dev"
    assert "bin_size" not in answer
    point = (3 + 1e-9) / 4
    for task, asked, scale, value in zip(
        answer["prediction_tasks"],
        tasks,
        ["log", "linear", "linear"],
        [math.log2(point), point, point],
        strict=True,
    ):
        assert task == {
            "name": asked["name"],
            "type_requested": asked["type"],
            "type_actual": ["NA"],
            "cell_type_requested": asked["cell_type"],
            "cell_type_actual": "NA",
            "species_requested": asked["species"],
            "species_actual": "NA",
            "scale_prediction_requested": asked.get("scale"),
            "scale_prediction_actual": scale,
            "predictions": {"s": pytest.approx(value, rel=1e-12)},
        }


def test_a_track_has_a_value_for_every_base_and_a_bin_size():
    answer = post(CPG, request({"s": "CG" * 40, "one": "A"}, readout="track")).json()
    track = answer["prediction_tasks"][0]["predictions"]["s"]
    assert answer["bin_size"] == 1
    assert len(track) == 80
    # 0..24 holds 12 whole CG in 25 bases; 0..49 holds 25 in 50.
    assert track[0] == pytest.approx(100 * 12 / 25)
    assert track[25] == pytest.approx(50.0)
    assert answer["prediction_tasks"][0]["predictions"]["one"] == [0.0]


def test_msgpack_both_ways_gives_the_numbers_of_json():
    body = request({"s": "ACGCG", "t": "TTTT"}, readout="track")
    answer = ask(
        CPG,
        "POST",
        "/predict",
        content=msgspec.msgpack.encode(body),
        headers={"Content-Type": MSGPACK, "Accept": MSGPACK},
    )
    assert answer.headers["content-type"] == MSGPACK
    assert msgspec.msgpack.decode(answer.content) == post(CPG, body).json()


def test_an_error_is_json_whatever_accept_says():
    answer = post(GC, b"{", Accept=MSGPACK)
    (text,) = error_of(answer, 400, "bad_prediction_request")
    assert text.startswith("Could not parse JSON payload")


def test_all_faults_of_a_request_are_told_at_once():
    answer = post(GC, request({"s": "ACGT"}, readout="foo", upstream_seq=None))
    assert error_of(answer, 400, "bad_prediction_request") == [
        "readout requested is not recognized. "
        "Please choose from ['point', 'track', 'interaction_matrix']",
        "'upstream_seq' value should be a string",
    ]


def test_sequences_that_cannot_be_read_are_refused_one_message_each():
    answer = post(GC, request({"a": "AXA", "b": "", "c": "ACGT"}))
    assert error_of(answer, 422, "prediction_request_failed") == [
        "sequence 'a' has invalid character(s): {'X'}",
        "sequence 'b' is empty",
    ]


def test_a_readout_the_model_does_not_have_is_refused_by_name():
    answer = post(GC, request({"s": "ACGT"}, readout="interaction_matrix"))
    assert error_of(answer, 422, "prediction_request_failed") == [
        "genomark-gc cannot process 'interaction_matrix' readout type."
    ]


def test_keys_of_msgpack_that_are_no_strings_are_a_bad_request():
    body = msgspec.msgpack.encode(request({"s": "ACGT"}) | {5: 6})
    answer = post(GC, body, **{"Content-Type": MSGPACK})
    assert error_of(answer, 400, "bad_prediction_request")


def test_nesting_that_would_exhaust_the_stack_is_a_bad_request():
    for kind, body in ((JSON, b"[" * 100_000), (MSGPACK, b"\x91" * 100_000)):
        answer = post(GC, body, **{"Content-Type": kind})
        assert error_of(answer, 400, "bad_prediction_request")


@pytest.mark.parametrize("path", ["/", "/nope", "/predict/more", "/help.json", "/%0Ax"])
def test_an_unknown_path_is_a_game_error(path):
    (text,) = error_of(ask(GC, "GET", path), 404, "bad_prediction_request")
    assert text.endswith("Known: /formats, /help, /predict")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/predict", {"POST"}), ("POST", "/help", {"GET", "HEAD"})],
)
def test_a_wrong_method_is_a_game_error_that_says_which_are_right(method, path, allowed):
    answer = ask(GC, method, path)
    (text,) = error_of(answer, 405, "bad_prediction_request")
    assert text == f"{method} is not allowed on {path}"
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_an_unsupported_content_type_is_refused():
    answer = post(GC, request({"s": "ACGT"}), **{"Content-Type": "text/plain"})
    assert error_of(answer, 400, "bad_prediction_request") == [
        "Unsupported Content-Type: text/plain. "
        "Must be one of ['application/json', 'application/msgpack']"
    ]


def test_the_name_can_be_overridden_everywhere():
    app = predictor_app(load_model("gc"), name="CpG-Predictor_1.0")
    assert ask(app, "GET", "/help").json()["predictor_name"] == "CpG-Predictor_1.0"
    assert ask(app, "GET", "/formats").json()["predictor_name"] == "CpG-Predictor_1.0"
    assert post(app, request({"s": "A"})).json()["predictor_name"] == "CpG-Predictor_1.0"
    assert post(app, b"{}").json()["predictor_name"] == "CpG-Predictor_1.0"
    assert ask(app, "GET", "/x").json()["predictor_name"] == "CpG-Predictor_1.0"


@pytest.mark.parametrize(
    "name", ["a\nb", "\x1b[31m", "a\x7f", "a\x00", "\udcff", "CpG Predictor", "a/b", "é", "a\n"]
)
def test_a_name_that_is_not_safe_in_a_file_name_is_refused(name):
    with pytest.raises(UsageError, match=r"letters, digits, '\.', '_' and '-' only"):
        predictor_app(load_model("gc"), name=name)


@pytest.mark.parametrize(
    ("error", "status", "key", "texts"),
    [
        (
            PredictionFailedError(["a", "b"]),
            422,
            "prediction_request_failed",
            ["a", "b"],
        ),
        (BadRequestError("a"), 400, "bad_prediction_request", ["a"]),
        (ServerError("busy", status=503), 503, "server_error", ["busy"]),
        (ModelError("no numbers"), 422, "prediction_request_failed", ["no numbers"]),
        (
            ZeroDivisionError("by zero"),
            500,
            "server_error",
            ["An unexpected internal error occurred: by zero."],
        ),
        (
            RecursionError("deep"),
            500,
            "server_error",
            ["An unexpected internal error occurred: deep."],
        ),
    ],
)
def test_what_a_model_raises_becomes_a_game_error(error, status, key, texts):
    app = raising(error)
    for _ in range(2):
        assert error_of(post(app, request({"s": "ACGT"})), status, key) == texts
    assert ask(app, "GET", "/formats").status_code == 200


def test_a_model_that_breaks_is_logged_once_with_its_traceback(caplog):
    post(raising(ZeroDivisionError("by zero")), request({"s": "ACGT"}))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("genomark.serving", logging.ERROR)
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("answer", [None, 5, {"predictor_name": "x"}], ids=repr)
def test_a_model_that_answers_nonsense_is_a_server_error(answer):
    app = predictor_app(Answering(lambda asked: answer))
    assert error_of(post(app, request({"s": "ACGT"})), 500, "server_error")


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ([1.0], "expected (2,), one number per sequence"),
        (None, "shape ()"),
        (["x", "y"], "something other than numbers"),
        ([[1.0, 2.0], [3.0, 4.0]], "shape (2, 2)"),
    ],
)
def test_a_function_that_does_not_give_a_number_a_sequence_is_told(answer, part):
    def function(sequences):
        return answer

    app = predictor_app(as_model(function))
    (text,) = error_of(post(app, request({"a": "A", "b": "C"})), 422, "prediction_request_failed")
    assert part in text


def test_undefined_points_are_null_in_json_and_nan_in_msgpack():
    def function(sequences):
        return [math.nan, math.inf]

    app = predictor_app(as_model(function))
    body = request({"a": "A", "b": "C"})
    assert predictions(post(app, body)) == {"a": None, "b": None}
    packed = msgspec.msgpack.decode(post(app, body, Accept=MSGPACK).content)
    values = packed["prediction_tasks"][0]["predictions"]
    assert math.isnan(values["a"])
    assert values["b"] == math.inf


def test_no_tasks_and_no_sequences_are_answered_with_none():
    assert post(GC, request({"s": "ACGT"}, prediction_tasks=[])).json() == {
        "predictor_name": "genomark-gc_dev",
        "prediction_tasks": [],
    }
    assert predictions(post(GC, request({}))) == {}


def test_a_trainable_is_fitted_once_on_its_default_split_before_it_is_served():
    learner = Learner()
    app = predictor_app(learner)
    assert [split.name for split in learner.splits] == ["toy"]
    for _ in range(2):
        assert predictions(post(app, request({"a": "ACGT", "b": "C"}))) == {"a": 4.0, "b": 4.0}
    assert len(learner.splits) == 1
    assert ask(app, "GET", "/help").json()["model_digest"] != "unfitted"


@pytest.mark.parametrize("spec", ["control:random", "control:oracle"])
def test_a_control_cannot_be_served(spec):
    with pytest.raises(CapabilityError, match=f"'{spec}' answers by item, not by sequence"):
        predictor_app(load_model(spec))


CAPPED = predictor_app(load_model("gc"), limits=Limits(body_bytes=1000))


def too_long(answer):
    (text,) = error_of(answer, 413, "bad_prediction_request")
    assert text == (
        "The request body is over 1,000 bytes; send fewer sequences at once, or have the server "
        "started with a larger --max-body"
    )


@pytest.mark.parametrize("declared", [b"5", b"\xb2", b"-5", b"many"])
def test_a_body_longer_than_it_was_declared_meets_the_cap_too(declared):
    async def body():
        for _ in range(100):
            yield b" " * 100

    headers = [(b"Content-Length", declared)]
    too_long(ask(CAPPED, "POST", "/predict", content=body(), headers=headers))


def test_a_body_as_long_as_the_cap_is_read():
    body = json.dumps(request({"s": "ACGT"})).encode()
    assert predictions(post(CAPPED, body.ljust(1000)))
    too_long(post(CAPPED, body.ljust(1001)))


def test_a_client_that_hangs_up_is_no_error_of_the_server(caplog):
    async def body():
        yield b"{"
        raise ClientDisconnect

    ask(GC, "POST", "/predict", content=body())
    assert caplog.records == []


def test_models_compute_off_the_event_loop():
    threads = []

    def function(sequences):
        threads.append(threading.current_thread())
        return [1.0] * len(sequences)

    post(predictor_app(as_model(function)), request({"s": "ACGT"}))
    assert threads
    assert threads[0] is not threading.main_thread()
