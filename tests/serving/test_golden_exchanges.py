"""The CpG model over HTTP, held against the exchanges recorded from the public CpG Predictor."""

import base64
import copy
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from asking import ask

from genomark.models import load_model
from genomark.serving import predictor_app

FILE = Path(__file__).parents[3] / "shared" / "golden" / "game_cpg.jsonl"
EXCHANGES = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.is_file() else []
BY_CASE = {each["case"]: each for each in EXCHANGES}

pytestmark = pytest.mark.skipif(not EXCHANGES, reason="no recorded exchanges beside the checkout")


def answer_to(exchange):
    app = predictor_app(load_model("cpg"), name="CpG_Predictor")
    body = base64.b64decode(exchange["body_base64"] or "")
    return ask(app, exchange["method"], exchange["path"], content=body, headers=exchange["headers"])


def read(answer):
    decode = msgspec.msgpack.decode if "msgpack" in answer.headers["content-type"] else json.loads
    return decode(answer.content)


def response_of(exchange):
    """Give what was recorded, under a name that is safe in a file name: a space is not."""
    response = copy.deepcopy(exchange["response"])
    return response and response | {"predictor_name": "CpG_Predictor"}


def assert_same_predictions(task, recorded):
    assert list(task["predictions"]) == list(recorded["predictions"])
    for name, value in recorded["predictions"].items():
        # The public module writes a point as a list of one.
        ours = np.atleast_1d(task["predictions"][name])
        assert ours.shape == np.shape(value)
        np.testing.assert_allclose(ours, value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each["case"])
def test_status_is_the_one_expected(exchange):
    assert answer_to(exchange).status_code == exchange["expected_status"]


@pytest.mark.parametrize(
    "exchange",
    [each for each in EXCHANGES if each["expected_status"] == each["observed_status"] == 200],
    ids=lambda each: each["case"],
)
def test_answers_are_those_recorded(exchange):
    answer, recorded = answer_to(exchange), response_of(exchange)
    assert answer.headers["content-type"] == exchange["content_type"]
    ours = read(answer)
    if exchange["path"] == "/help":
        # Every other key speaks of the model in free text.
        assert ours["predictor_name"] == recorded["predictor_name"]
        return
    tasks, ours_tasks = recorded.pop("prediction_tasks", []), ours.pop("prediction_tasks", [])
    if "predictor_supported_response_formats" in ours:
        # Some more than the public module has, after its own.
        for key, theirs in recorded.items():
            if isinstance(theirs, list):
                ours[key] = ours[key][: len(theirs)]
        assert ours.pop("genomark_extensions") == ["edits", "zstd", "anonymous"]
    assert ours == recorded
    assert len(ours_tasks) == len(tasks)
    for task, expected in zip(ours_tasks, tasks, strict=True):
        assert_same_predictions(task, expected)
        del task["predictions"], expected["predictions"]
        assert task == expected


@pytest.mark.parametrize(
    "exchange",
    [each for each in EXCHANGES if 400 <= each["expected_status"] == each["observed_status"]],
    ids=lambda each: each["case"],
)
def test_errors_have_the_shape_recorded(exchange):
    answer = answer_to(exchange)
    assert answer.headers["content-type"] == "application/json"
    ours = answer.json()
    recorded = response_of(exchange) or {"error": [{"bad_prediction_request": "HTML"}]}
    assert ours["predictor_name"] == "CpG_Predictor"
    assert [list(entry) for entry in ours["error"]] == [list(each) for each in recorded["error"]]


#: The parser's own words, and a set of letters in any order.
IN_OTHER_WORDS = ("bad_json", "empty_body", "seq_bad_chars", "not_found")


@pytest.mark.parametrize(
    "exchange",
    [
        each
        for each in EXCHANGES
        if 400 <= each["expected_status"] == each["observed_status"]
        and each["case"] not in IN_OTHER_WORDS
    ],
    ids=lambda each: each["case"],
)
def test_errors_have_the_words_recorded(exchange):
    assert answer_to(exchange).json() == response_of(exchange)


@pytest.mark.parametrize("case", ["ct_charset", "ct_missing"])
def test_a_lenient_content_type_gives_the_answer_of_a_strict_one(case):
    recorded = BY_CASE["ok_point"]["response"]["prediction_tasks"][0]
    assert_same_predictions(read(answer_to(BY_CASE[case]))["prediction_tasks"][0], recorded)


def test_a_range_in_flanked_coordinates_is_the_track_of_what_it_crops():
    exchange = BY_CASE["flank_range_flanked_coords"]
    asked = json.loads(base64.b64decode(exchange["body_base64"]))
    start, end = asked["prediction_ranges"]["s1"]
    s = (asked["upstream_seq"] + asked["sequences"]["s1"] + asked["downstream_seq"])[
        start : end + 1
    ]
    windows = [s[max(0, i - 25) : min(len(s), i + 25)] for i in range(len(s))]
    expected = [100 * window.count("CG") / len(window) for window in windows]
    answer = read(answer_to(exchange))
    assert answer["bin_size"] == 1
    assert answer["prediction_tasks"][0]["predictions"]["s1"] == pytest.approx(expected, abs=1e-9)


def test_every_recorded_exchange_was_held_against():
    assert len(EXCHANGES) == len(BY_CASE) == 58
