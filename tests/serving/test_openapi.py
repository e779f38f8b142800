"""The published contract, and whether the app keeps it."""

import json

import msgspec
import pytest
import schemathesis
from asking import ask, request
from hypothesis import settings
from schemathesis.checks import CHECKS

from genomark.models import load_model
from genomark.protocol import MSGPACK, PREDICT_FORMATS, PREDICTION_FORMATS, READOUTS, SCALES, TENSOR
from genomark.serving import Limits, predictor_app

APP = predictor_app(load_model("cpg"), limits=Limits(idle_seconds=5))
DOCUMENT = ask(APP, "GET", "/openapi.json").json()


@schemathesis.serializer(MSGPACK, TENSOR)
def packed(_, value):
    return msgspec.msgpack.encode(within_64_bits(value))


def within_64_bits(value):
    """MsgPack has no larger integers."""
    if isinstance(value, dict):
        return {key: within_64_bits(each) for key, each in value.items()}
    if isinstance(value, list):
        return [within_64_bits(each) for each in value]
    if isinstance(value, int):
        return value if isinstance(value, bool) else max(-(2**63), min(value, 2**64 - 1))
    return value


contract = schemathesis.openapi.from_asgi("/openapi.json", APP)
# That the ids of ranges are those of sequences, and lie inside, is more than a schema can say.
SAYS_MORE = [check for check in CHECKS.get_all() if check.__name__ == "positive_data_acceptance"]


@contract.parametrize()
@settings(max_examples=60, deadline=None, derandomize=True)
def test_answers_keep_to_the_contract(case):
    case.call_and_validate(excluded_checks=SAYS_MORE)


def test_there_is_one_check_left_out():
    assert len(SAYS_MORE) == 1


def test_every_endpoint_is_described():
    assert set(DOCUMENT["paths"]) == {
        "/predict",
        "/formats",
        "/help",
        "/openapi.json",
        "/metrics",
        "/health/live",
        "/health/ready",
    }
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["title"] == "genomark-cpg_dev"


def test_formats_and_closed_lists_are_those_of_the_protocol():
    post = DOCUMENT["paths"]["/predict"]["post"]
    assert set(post["requestBody"]["content"]) == set(PREDICT_FORMATS)
    assert set(post["responses"]["200"]["content"]) == set(PREDICTION_FORMATS)
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["PredictRequest"]["properties"]["readout"]["enum"] == list(READOUTS)
    assert schemas["PredictionTask"]["properties"]["scale"]["enum"] == list(SCALES)
    assert set(schemas["PredictRequest"]["required"]) == {
        "readout",
        "prediction_tasks",
        "sequences",
    }


@pytest.mark.parametrize("status", ["400", "401", "408", "413", "415", "422", "502", "503"])
def test_every_error_is_the_object_of_the_protocol(status):
    content = DOCUMENT["paths"]["/predict"]["post"]["responses"][status]["content"]
    assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


def test_every_reference_is_there():
    text = json.dumps(DOCUMENT)
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names <= set(DOCUMENT["components"]["schemas"])
    assert names


def test_an_answer_validates_against_the_schema_of_answers():
    answer = ask(APP, "POST", "/predict", json=request({"s": "ACGT"}, readout="track"))
    contract["/predict"]["POST"].validate_response(answer)
