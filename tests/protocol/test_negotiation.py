import pytest

from genomark.protocol import (
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    BadRequestError,
    request_format,
    response_format,
)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("Application/Json;charset=UTF-8", JSON),
        ("  application/json ;boundary=x;y", JSON),
        ("application/msgpack", MSGPACK),
        ("application/MsgPack; v=1", MSGPACK),
        (None, JSON),
        ("", JSON),
    ],
)
def test_request_format_is_the_type_without_its_parameters(content_type, expected):
    assert request_format(content_type) == expected


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/msgpack-numpy",
        "application/x-msgpack",
        "application/jsonl",
        "json",
        "multipart/form-data; boundary=application/json",
        ";",
    ],
)
def test_unknown_request_format_is_refused_in_the_words_of_the_protocol(content_type):
    with pytest.raises(BadRequestError) as caught:
        request_format(content_type)
    assert caught.value.messages == [
        f"Unsupported Content-Type: {content_type}. "
        "Must be one of ['application/json', 'application/msgpack']"
    ]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        ("application/json", JSON),
        ("application/*", JSON),
        ("application/msgpack", MSGPACK),
        ("Application/MSGPACK", MSGPACK),
        ("application/json, application/msgpack", MSGPACK),
        ("application/json;q=1.0, application/msgpack;q=0.1", MSGPACK),
        # A substring test is what published servers make of it, the longer name first.
        ("application/msgpack-numpy", MSGPACK_NUMPY),
        ("application/msgpack-numpy, application/msgpack", MSGPACK_NUMPY),
    ],
)
def test_response_is_msgpack_where_accept_names_it_anywhere_and_json_otherwise(accept, expected):
    assert response_format(accept) == expected
