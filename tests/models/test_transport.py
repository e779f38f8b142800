import asyncio
import gzip
import socket
import threading
import time
import warnings
import zlib
from datetime import UTC, datetime

import pytest
from faulty_server import JSON, Faulty, after, breaks_at, dribbles, http, says, stalls_at
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import RemoteModelError
from genomark.models.transport import (
    AddressError,
    BrokenConnectionError,
    DeadlineError,
    Deadlines,
    HttpAnswer,
    NoConnectionError,
    TooLongError,
    error_texts,
    exchange,
    game_messages,
    new_session,
    one_line,
    run_to_end,
)


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def faulty():
    with Faulty() as server:
        yield server


def post(url, **keywords):
    async def work():
        async with new_session() as session:
            keywords.setdefault("deadlines", Deadlines(connect=1.0, read=2.0, total=5.0))
            keywords.setdefault("max_bytes", 10_000)
            headers = {"Content-Type": JSON, **keywords.pop("headers", {})}
            keywords.setdefault("body", b'{"sequences": {}, "prediction_tasks": []}')
            return await exchange(session, "POST", f"{url}/predict", headers=headers, **keywords)

    return run_to_end(work())


def test_an_answer_is_what_was_sent(faulty):
    faulty.does(says(418, b"some bytes", "text/plain", headers=("X-Some: Thing",)))
    answer = post(faulty.url)
    assert (answer.status, answer.body, answer.wire_bytes) == (418, b"some bytes", 10)
    assert answer.content_type == "text/plain"
    assert answer.headers["x-some"] == "Thing"
    assert answer.is_delimited


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_a_body_is_sent_whole_and_without_a_warning(faulty, size):
    letters = "A" * size
    body = b'{"sequences": {"a": "%b"}, "prediction_tasks": []}' % letters.encode()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        post(faulty.url, body=body)
    assert faulty.asked[0]["sequences"]["a"] == letters


# --- compression ---


RAW = zlib.compressobj(wbits=-15)
PACKED = {
    "gzip": gzip.compress(b"x" * 5000, mtime=0),
    "x-gzip": gzip.compress(b"x" * 2000, mtime=0) + gzip.compress(b"x" * 3000),
    "GZIP ": gzip.compress(b"x" * 5000, mtime=0),
    "deflate": zlib.compress(b"x" * 5000),
    " deflate": RAW.compress(b"x" * 5000) + RAW.flush(),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_a_compressed_body_is_unfolded(faulty, encoding):
    faulty.does(says(200, PACKED[encoding], headers=(f"Content-Encoding: {encoding}",)))
    answer = post(faulty.url)
    assert answer.body == b"x" * 5000
    assert answer.wire_bytes == len(PACKED[encoding])


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_that_unfolds_beyond_all_measure_is_not(faulty, encoding):
    faulty.does(says(200, PACKED[encoding], headers=(f"Content-Encoding: {encoding}",)))
    with pytest.raises(TooLongError, match="the answer is over 4,999 bytes"):
        post(faulty.url, max_bytes=4_999)


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", PACKED["gzip"][:-5], "it ends too soon"),
        ("gzip", b"plain text", "incorrect header check"),
        ("deflate", b"\xff\xff", "invalid"),
        ("br", b"xyz", "'br' was not asked for"),
        ("gzip, gzip", b"xyz", "'gzip, gzip' was not asked for"),
    ],
    ids=["torn", "plain", "no deflate", "unasked", "twice"],
)
def test_what_cannot_be_unfolded_is_told(faulty, encoding, body, reason):
    faulty.does(says(200, body, headers=(f"Content-Encoding: {encoding}",)))
    with pytest.raises(RemoteModelError, match="the answer cannot be decompressed") as caught:
        post(faulty.url)
    assert reason in str(caught.value)


# --- what goes wrong ---


@pytest.mark.parametrize("delimited", [True, False])
def test_an_answer_is_read_up_to_a_limit(faulty, delimited):
    faulty.does(says(200, b"x" * 100, delimited=delimited))
    assert len(post(faulty.url, max_bytes=100).body) == 100
    with pytest.raises(TooLongError, match="over 99 bytes"):
        post(faulty.url, max_bytes=99)


@pytest.mark.parametrize(
    ("mode", "error", "text"),
    [
        (stalls_at(0), DeadlineError, "no answer within 0.2 s"),
        (stalls_at(100), DeadlineError, "the answer stalled for 0.2 s after"),
        (dribbles(0.05), DeadlineError, "no whole answer within 0.5 s"),
        (breaks_at(0), BrokenConnectionError, "no answer ("),
        (breaks_at(100), BrokenConnectionError, "no answer ("),
    ],
)
def test_each_end_has_its_error(faulty, mode, error, text):
    faulty.does(mode)
    begun = time.monotonic()
    with pytest.raises(error) as caught:
        post(faulty.url, deadlines=Deadlines(connect=1.0, read=0.2, total=0.5))
    assert time.monotonic() - begun < 2
    assert str(caught.value).startswith(f"{faulty.url}/predict: {text}")


def test_an_answer_that_takes_long_to_begin_may_if_it_is_told(faulty):
    faulty.does(after(0.5))
    deadlines = Deadlines(connect=1.0, read=0.2, total=3.0, begin=2.0)
    assert post(faulty.url, deadlines=deadlines).status == 200


def test_what_is_left_of_a_deadline_shortens_the_whole_alone():
    deadlines = Deadlines(1.0, 2.0, 30.0, 4.0)
    assert deadlines.within(5.0) == Deadlines(1.0, 2.0, 5.0, 4.0)
    assert deadlines.within(50.0) == deadlines


def test_what_is_no_http_is_told(faulty):
    async def mode(connection):
        await connection.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    faulty.does(mode)
    with pytest.raises(RemoteModelError) as caught:
        post(faulty.url)
    assert str(caught.value).isprintable()


def test_nobody_at_an_address_is_told_apart_from_a_connection_that_breaks():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(NoConnectionError, match=r"no answer \(Connection refused\)"):
            post(f"http://127.0.0.1:{bound.getsockname()[1]}")


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:port", "http://..:5"])
def test_what_is_no_address_is_told(url):
    with pytest.raises(AddressError, match="is not an address"):
        post(url)


# --- what a server says ---


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        ("5", "", 5.0),
        ("0", "", 0.0),
        ("1.5", "", 1.5),
        ("Fri, 02 Jan 2026 03:04:15 GMT", "", 10.0),
        ("Fri, 02 Jan 2026 03:04:15 -0000", "", 10.0),
        ("Fri, 02 Jan 2026 04:04:15 +0100", "", 10.0),
        ("Fri, 02 Jan 2026 03:04:00 GMT", "", 0.0),
        ("Thu, 02 Jan 2020 00:00:09 GMT", "Thu, 02 Jan 2020 00:00:00 GMT", 9.0),
        ("-1", "", None),
        ("nan", "", None),
        ("inf", "", None),
        ("later", "", None),
        ("", "", None),
        ("Thu, 99 Foo 2020 00:00:00 GMT", "", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, date, seconds):
    answer = HttpAnswer(503, {"retry-after": text, "date": date}, b"")
    assert answer.retry_after(NOW) == seconds


@given(st.text(), st.text())
def test_whatever_stands_there_no_wait_is_below_nothing(text, date):
    seconds = HttpAnswer(503, {"retry-after": text, "date": date}, b"").retry_after()
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize(
    ("headers", "is_delimited"),
    [
        ({"content-length": "0"}, True),
        ({"transfer-encoding": "Chunked"}, True),
        ({"transfer-encoding": "gzip"}, False),
        ({}, False),
    ],
)
def test_whether_a_cut_would_show(headers, is_delimited):
    assert HttpAnswer(200, headers, b"").is_delimited is is_delimited


@given(st.text())
def test_a_line_is_one_and_printable_and_bounded(text):
    line = one_line(text * 100)
    assert line.isprintable()
    assert len(line) <= 503


@pytest.mark.parametrize(
    ("raw", "texts", "line"),
    [
        ({"error": [{"server_error": "a"}, {"x": "b", "y": 5}, "c"]}, ["a", "b", "5", "c"], None),
        ({"error": "boom\nboom"}, [], "boom boom"),
        ({"error": []}, [], ""),
        ({"detail": "later"}, [], "{'detail': 'later'}"),
        ([1, 2], [], "[1, 2]"),
        (None, [], "None"),
    ],
)
def test_messages_of_an_error_are_told_as_they_are_and_on_one_line(raw, texts, line):
    assert error_texts(raw) == texts
    assert game_messages(raw) == ("; ".join(texts) if line is None else line)


# --- running to the end ---


def test_work_is_done_beside_a_loop_that_is_running():
    async def inner():
        await asyncio.sleep(0)
        return 5

    async def outer():
        return run_to_end(inner())

    assert asyncio.run(outer()) == 5


def test_an_error_comes_out_as_it_is_and_no_thread_is_left():
    before = threading.active_count()

    async def fails():
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        run_to_end(fails())
    assert threading.active_count() == before


def test_http_of_the_test_server_is_what_it_says():
    assert http(200, b"{}") == (
        b"HTTP/1.1 200 Some reason\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
