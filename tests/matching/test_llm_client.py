"""Real sockets, a server with faults, and an end to all of it."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from llm_server import (
    LlmServer,
    Mode,
    after,
    breaks,
    busy,
    cut_at,
    drips,
    endless,
    good,
    hangs,
    says,
    streams,
    writes,
)

from genomark.errors import UsageError
from genomark.matching.breaker import CircuitBreaker
from genomark.matching.llm_client import LlmClient, Patience
from genomark.matching.llm_endpoint import LlmEndpoint
from genomark.matching.llm_errors import LlmError, LlmOutageError

QUESTION = json.dumps({"asked": "K562", "choices": [{"number": 1, "name": "K562"}]})
HASTE = Patience(first_pause=0.01, max_pause=0.02, max_retry_after=0.3)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer(writes("the answer")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENOMARK_LLM_TOKEN", raising=False)


def client(spec: str, *, seconds: float = 5.0, retries: int = 2) -> LlmClient:
    endpoint = replace(LlmEndpoint.of(spec), seconds=seconds, retries=retries)
    return LlmClient(endpoint, patience=HASTE)


def failure(client: LlmClient, kind: type[LlmError] = LlmOutageError) -> str:
    """Ask, and give the message of the error: one line."""
    with pytest.raises(LlmError) as raised:
        client.ask("rules", QUESTION)
    assert type(raised.value) is kind
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 900
    return message


@pytest.mark.parametrize("protocol", ["ollama", "openai"])
def test_both_protocols_are_spoken(server: LlmServer, protocol: str) -> None:
    reply = client(getattr(server, protocol)).ask("rules", QUESTION)
    assert (reply.text, reply.calls) == ("the answer", 1)
    assert 0 < reply.seconds < 5
    (asked,) = server.asked
    assert (asked.rules, asked.question) == ("rules", QUESTION)
    assert "authorization" not in asked.headers


def test_an_answer_that_is_streamed_is_joined(server: LlmServer) -> None:
    server.does(streams(3))
    assert client(server.ollama).ask("rules", QUESTION).text == "the answer"


@pytest.mark.parametrize(
    "fault",
    [
        breaks,
        busy(429),
        busy(500),
        busy(503),
        says(502, b"<h1>Bad Gateway</h1>", kind="text/html"),
        cut_at(0.5),
        cut_at(0.5, delimited=False),
        cut_at(0.0, delimited=False),
        streams(3, until=2),
    ],
)
def test_what_may_pass_is_tried_again(server: LlmServer, fault: Mode) -> None:
    server.does(fault, fault, good)
    reply = client(server.ollama).ask("rules", QUESTION)
    assert (reply.text, reply.calls) == ("the answer", 3)
    assert len(server.asked) == 3


def test_after_the_last_retry_the_outage_is_told(server: LlmServer) -> None:
    server.does(busy(500))
    message = failure(client(server.ollama, retries=2))
    assert message == (
        f"language model gemma3:12b: http://127.0.0.1:{server.port}/api/generate answered 500: "
        "too much to do (3 attempts)"
    )
    assert len(server.asked) == 3


def test_without_retries_there_is_one_attempt(server: LlmServer) -> None:
    server.does(breaks, good)
    assert "(" not in failure(client(server.ollama, retries=0)).replace("no answer (", "")
    assert len(server.asked) == 1


def test_the_pause_a_server_asks_for_is_kept(server: LlmServer) -> None:
    server.does(busy(429, retry_after="0.2"), good)
    client(server.openai).ask("rules", QUESTION)
    assert 0.2 <= server.times[1] - server.times[0] < 2


def test_a_pause_of_an_hour_is_cut_to_the_longest(server: LlmServer) -> None:
    server.does(busy(503, retry_after="3600"), good)
    client(server.openai).ask("rules", QUESTION)
    assert 0.3 <= server.times[1] - server.times[0] < 2


def test_nobody_waits_for_a_pause_that_outlasts_the_deadline(server: LlmServer) -> None:
    server.does(busy(429, retry_after="10"), good)
    patient = replace(HASTE, max_retry_after=20)
    asking = LlmClient(replace(LlmEndpoint.of(server.openai), seconds=1.0), patience=patient)
    began = time.monotonic()
    assert "answered 429" in failure(asking)
    assert time.monotonic() - began < 0.9
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", [hangs, drips(0.02), after(30)])
def test_who_does_not_answer_in_time_is_not_waited_for(server: LlmServer, fault: Mode) -> None:
    server.does(fault)
    began = time.monotonic()
    assert failure(client(server.ollama, seconds=0.4)).endswith("no answer within 0.4 s")
    assert 0.3 < time.monotonic() - began < 3
    assert len(server.asked) == 1


def test_the_time_is_that_of_all_attempts_together(server: LlmServer) -> None:
    server.does(breaks, breaks, hangs)
    began = time.monotonic()
    message = failure(client(server.ollama, seconds=0.4))
    assert message.endswith("no answer within 0.4 s (3 attempts)")
    assert 0.3 < time.monotonic() - began < 3


def test_an_answer_without_end_is_not_read(server: LlmServer) -> None:
    server.does(endless)
    began = time.monotonic()
    assert "the answer is over 262,144 bytes" in failure(client(server.ollama), LlmError)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (says(200, b"<html>log in</html>", kind="text/html"), "the answer is none of openai"),
        (says(200, b'{"choices": "many"}'), "the answer is none of openai"),
        (says(200, b'{"choices": []}'), "the answer holds no text"),
        (says(200, b"\x00\xff\xfe garbage \x1b[2J"), "the answer is none of openai"),
        (says(302, headers=("Location: http://127.0.0.1:9/",)), "answered 302"),
        (says(404, b'{"error": {"message": "no such model"}}'), "answered 404: no such model"),
        (lambda connection: connection.send(b"SSH-2.0-OpenSSH\r\n"), "127.0.0.1"),
    ],
)
def test_what_is_no_language_model_is_told_at_once(
    server: LlmServer, fault: Mode, words: str
) -> None:
    server.does(fault)
    message = failure(client(server.openai))
    assert words in message
    assert message.isprintable()
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_of_the_question_is_no_outage(server: LlmServer, status: int) -> None:
    server.does(says(status, b'{"error": "the prompt is too long"}'))
    asking = client(server.ollama)
    for _ in range(5):
        message = failure(asking, LlmError)
        assert message.endswith(f"answered {status}: the prompt is too long")
    assert len(server.asked) == 5


def test_where_nobody_listens_the_outage_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        spec = f"ollama:http://127.0.0.1:{bound.getsockname()[1]},model=m"
        began = time.monotonic()
        assert "no answer (Connection refused) (3 attempts)" in failure(client(spec))
        assert time.monotonic() - began < 3


# --- the token ---


def test_the_token_is_sent(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_LLM_TOKEN", "s3cret")
    client(server.openai).ask("rules", QUESTION)
    assert server.asked[0].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    "fault",
    [
        says(401, b'{"error": {"message": "wrong key s3c"}}'),
        says(403, b"s3cret is not allowed"),
        says(400, b'{"error": "Bearer s3cret does not fit"}'),
        says(500, b"<pre>Authorization: Bearer s3cret</pre>"),
        says(200, b"<pre>Authorization: Bearer s3cret</pre>"),
        says(200, b'{"error": "bad s3cret"}'),
        says(200, b'{"error": "bad s3\\u0063ret"}'),
        says(500, b'{"error": "bad s3\\u0063ret"}'),
        says(404, b"x" * 497 + b"s3cret"),
        breaks,
    ],
)
def test_the_token_is_in_no_message_whatever_the_server_repeats(
    server: LlmServer, monkeypatch: pytest.MonkeyPatch, fault: Mode
) -> None:
    monkeypatch.setenv("GENOMARK_LLM_TOKEN", "s3cret")
    server.does(fault)
    with pytest.raises(LlmError) as raised:
        client(server.ollama).ask("rules", QUESTION)
    assert "s3c" not in str(raised.value)
    # What --debug shows, without the lines of this file.
    shown = "".join(traceback.format_exception(raised.value))
    assert "Bearer s3c" not in shown
    assert "s3c" not in re.sub(r'File "[^"]*tests[^"]*".*\n.*', "", shown)


def test_a_refused_token_is_told_by_the_name_of_its_variable(
    server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.does(says(401))
    assert failure(client(server.openai)).endswith(
        "answered 401; the token is taken from GENOMARK_LLM_TOKEN: it is not set"
    )
    monkeypatch.setenv("GENOMARK_LLM_TOKEN", "s3cret")
    assert failure(client(server.openai)).endswith("GENOMARK_LLM_TOKEN: is it right?")


def test_a_token_that_was_named_and_is_not_there_is_told_before_anything_is_sent(
    server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(UsageError, match="no token in NO_SUCH_KEY"):
        client(f"{server.openai},token_env=NO_SUCH_KEY").ask("rules", QUESTION)
    assert not server.asked


# --- the breaker ---


def test_who_fails_three_times_in_a_row_is_left_alone_and_tried_later(server: LlmServer) -> None:
    now = [0.0]
    breaker = CircuitBreaker(LlmOutageError, failures=3, pause=30, clock=lambda: now[0])
    endpoint = replace(LlmEndpoint.of(server.ollama), retries=0)
    asking = LlmClient(endpoint, breaker=breaker, patience=HASTE)
    server.does(busy(500))
    for _ in range(3):
        failure(asking)
    with pytest.raises(LlmOutageError, match="left alone for another 30 s after 3 f") as raised:
        asking.ask("rules", QUESTION)
    assert raised.value.calls == 0
    assert len(server.asked) == 3
    server.does(good)
    now[0] = 30.0
    assert asking.ask("rules", QUESTION).calls == 1
    assert asking.ask("rules", QUESTION).calls == 1


def test_the_calls_that_were_sent_in_vain_are_counted(server: LlmServer) -> None:
    server.does(busy(500))
    with pytest.raises(LlmOutageError) as raised:
        client(server.ollama, retries=1).ask("rules", QUESTION)
    assert raised.value.calls == 2 == len(server.asked)


def test_threads_share_a_client(server: LlmServer) -> None:
    at_once = threading.Barrier(8)
    server.does(lambda connection: (at_once.wait(5), good(connection))[1])
    asking = client(server.openai)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: asking.ask("rules", QUESTION).text, range(8)))
    assert texts == ["the answer"] * 8
