"""Headers of answers: tags, compression, security."""

import asyncio
import gzip

import pytest
from starlette.requests import Request

from genomark.leaderboard.responses import (
    SECURITY,
    Content,
    Guarded,
    is_known,
    response_of,
    tag_of,
    unchanged,
)

LONG = Content(b"<p>text</p>" * 500, "text/html; charset=utf-8")


def request(**headers):
    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": encoded})


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("", False),
        ('"other"', False),
        ("*", True),
        ("{tag}", True),
        ('"a", {tag} , "b"', True),
        ("{strong}", True),
        ("{part}", False),
    ],
)
def test_a_tag_is_known_if_it_is_among_those_sent(given, known):
    tag = tag_of("a", 1)
    strong = tag.removeprefix("W/")
    sent = given.format(tag=tag, strong=strong, part=strong[:-4])
    assert is_known(request(if_none_match=sent), tag) == known


def test_tags_tell_where_one_part_ends():
    assert tag_of("a", "bc") != tag_of("ab", "c")
    assert tag_of(1, "x") == tag_of(1, "x")
    assert tag_of("\ud800").startswith('W/"')


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("x-gzip", False),
        ("identity", False),
        ("", False),
    ],
)
def test_a_body_is_compressed_for_those_who_take_it(accepted, packed):
    response = response_of(request(accept_encoding=accepted), LONG, tag_of("x"))
    assert (response.headers.get("content-encoding") == "gzip") == packed
    body = gzip.decompress(response.body) if packed else response.body
    assert body == LONG.body
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_what_is_short_or_packed_already_is_not_compressed():
    for content in (Content(b"x" * 999, "text/csv"), Content(b"x" * 9999, "image/png")):
        response = response_of(request(accept_encoding="gzip"), content, tag_of("x"))
        assert "content-encoding" not in response.headers
    assert Content(b"x" * 1000, "application/json").compressed is not None


def test_the_size_counts_the_compressed_form_too():
    assert len(LONG.body) + len(LONG.compressed) <= LONG.size


def test_what_is_unchanged_has_a_tag_and_no_body():
    response = unchanged(tag_of("x"))
    assert (response.status_code, response.body) == (304, b"")
    assert response.headers["etag"] == tag_of("x")
    assert "content-type" not in response.headers


def test_headers_of_security_are_set_whatever_an_app_says():
    async def careless(scope, receive, send):
        if scope["type"] != "http":
            await send({"type": "lifespan.startup.complete"})
            return
        headers = [(b"content-security-policy", b"default-src *"), (b"x-own", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"text"})

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Guarded(careless)({"type": "http"}, None, send))
    headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    for name, value in SECURITY.items():
        assert [each for key, each in headers if key.lower() == name.lower()] == [value]
    assert ("x-own", "1") in headers
    assert sent[1]["body"] == b"text"
    # What is not HTTP is passed on as it is.
    asyncio.run(Guarded(careless)({"type": "lifespan"}, None, send))
    assert sent[2] == {"type": "lifespan.startup.complete"}
