import pytest

from genomark.errors import GenomarkError
from genomark.protocol import BadRequestError, GameError, PredictionFailedError, ServerError


@pytest.mark.parametrize(
    ("kind", "status", "key"),
    [
        (BadRequestError, 400, "bad_prediction_request"),
        (PredictionFailedError, 422, "prediction_request_failed"),
        (ServerError, 500, "server_error"),
    ],
)
def test_each_error_has_the_status_and_the_key_of_the_protocol(kind, status, key):
    error = kind("what was wrong")
    assert isinstance(error, GameError)
    assert isinstance(error, GenomarkError)
    assert error.http_status == status
    assert error.body("Toy") == {"predictor_name": "Toy", "error": [{key: "what was wrong"}]}


def test_each_message_is_an_object_of_its_own_and_all_are_in_the_text():
    error = PredictionFailedError(["first", "second"])
    assert error.body("Toy")["error"] == [
        {"prediction_request_failed": "first"},
        {"prediction_request_failed": "second"},
    ]
    assert str(error) == "first; second"


def test_a_status_of_its_own_leaves_that_of_its_class_alone():
    assert BadRequestError("too long", status=413).http_status == 413
    assert BadRequestError("plain").http_status == 400
