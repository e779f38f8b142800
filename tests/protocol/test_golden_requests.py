"""What is read and what is refused, held against the exchanges recorded from a public server."""

import base64
import json
from pathlib import Path

import pytest

from genomark.protocol import (
    GameError,
    decode,
    prepared_sequences,
    request_format,
    validate_request,
)

FILE = Path(__file__).parents[3] / "shared" / "golden" / "game_cpg.jsonl"
LINES = FILE.read_text().splitlines() if FILE.is_file() else []
EXCHANGES = [each for each in map(json.loads, LINES) if each["path"] == "/predict"]

pytestmark = pytest.mark.skipif(not EXCHANGES, reason="no recorded exchanges beside the checkout")


def read(exchange):
    content_type = exchange["headers"].get("Content-Type")
    body = base64.b64decode(exchange["body_base64"])
    request = validate_request(decode(body, request_format(content_type)))
    if request.prediction_tasks:
        prepared_sequences(request)
    return request


def texts(entries):
    return [text for entry in entries for text in entry.values()]


def exchanges(*, accepted):
    chosen = [
        each
        for each in EXCHANGES
        # Which readouts there are is for a model to say.
        if each["case"] != "readout_matrix" and (each["expected_status"] == 200) == accepted
    ]
    return pytest.mark.parametrize("exchange", chosen, ids=lambda each: each["case"])


@exchanges(accepted=True)
def test_accepted_requests_are_read(exchange):
    asked = read(exchange)
    answered = exchange["response"].get("prediction_tasks")
    if answered is not None:
        assert [task.name for task in asked.prediction_tasks] == [task["name"] for task in answered]
        for task in answered:
            assert list(asked.sequences) == list(task["predictions"])


@exchanges(accepted=False)
def test_refused_requests_are_refused_with_the_same_status(exchange):
    with pytest.raises(GameError) as caught:
        read(exchange)
    assert caught.value.http_status == exchange["expected_status"]
    # A text after "Could not parse" is the parser's own, and a set has no order.
    free = exchange["case"] in ("bad_json", "empty_body", "seq_bad_chars")
    if exchange["observed_status"] != 500 and not free:
        assert caught.value.messages == texts(exchange["response"]["error"])


def test_the_recording_has_requests_of_both_kinds():
    expected = [each["expected_status"] for each in EXCHANGES]
    assert expected.count(200) >= 15
    assert expected.count(400) >= 25
    assert expected.count(422) >= 3
