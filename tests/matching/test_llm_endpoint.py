from __future__ import annotations

import json

import pytest

from genomark.errors import UsageError
from genomark.matching.llm_endpoint import EnvelopeError, LlmEndpoint, refusal_of
from genomark.models.transport import HttpAnswer

OLLAMA = LlmEndpoint.of("ollama:http://localhost:11434,model=gemma3:12b")
OPENAI = LlmEndpoint.of("openai:https://host.example/v1/,model=org/name")


def answer(body: bytes, *, delimited: bool = True) -> HttpAnswer:
    return HttpAnswer(200, {"content-length": str(len(body))} if delimited else {}, body)


def test_a_spec_names_protocol_address_and_model() -> None:
    assert (OLLAMA.protocol, OLLAMA.url, OLLAMA.model) == (
        "ollama",
        "http://localhost:11434",
        "gemma3:12b",
    )
    assert OLLAMA.call_url == "http://localhost:11434/api/generate"
    assert OPENAI.call_url == "https://host.example/v1/chat/completions"
    assert str(OPENAI) == "openai:https://host.example/v1,model=org/name"
    assert (OLLAMA.seconds, OLLAMA.retries) == (60.0, 2)


def test_a_spec_sets_patience_and_where_the_token_is() -> None:
    endpoint = LlmEndpoint.of("openai:http://h:1/v1,retries=0,seconds=2.5,token_env=MY_KEY,model=m")
    assert (endpoint.retries, endpoint.seconds, endpoint.token_env) == (0, 2.5, "MY_KEY")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "that names no language model; expected ollama:http"),
        ("http://h:1,model=m", "that names no language model"),
        ("ollama:,model=m", "that names no language model"),
        ("ollama:http://h:1", "a language model without a name"),
        ("ollama:http://h:1,model= ", "a language model without a name"),
        ("ollama:http://h:1,model=a\nb", "a language model without a name"),
        ("ollama:h:1,model=m", "the address of a language model is none"),
        ("ollama:http://,model=m", "the address of a language model is none"),
        ("ollama:http://h:99999,model=m", "the address of a language model is none"),
        ("ollama:http://[h,model=m", "the address of a language model is none"),
        ("ollama:http://h:1/a b,model=m", "the address of a language model is none"),
        ("ollama:http://h:1,m", "not a setting of a language model"),
        ("ollama:http://h:1,model=m,size=12", "not a setting of a language model"),
        ("ollama:http://h:1,model=m,model=n", "model of a language model was given twice"),
        ("ollama:http://h:1,model=m,seconds=soon", "seconds of a language model has to be"),
        ("ollama:http://h:1,model=m,seconds=nan", "seconds of a language model has to be"),
        ("ollama:http://h:1,model=m,seconds=0", "seconds have to be above 0"),
        ("ollama:http://h:1,model=m,retries=11", "a number from 0 to 10"),
        ("ollama:http://h:1,model=m,retries=1.5", "retries a whole number"),
        ("ollama:http://h:1,model=m,token_env=a b", "token_env is no name"),
    ],
)
def test_a_spec_that_is_none_is_told_what_was_expected(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        LlmEndpoint.of(spec)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "spec",
    [
        "openai:http://me:s3cret@h/v1,model=m",
        "openai:http://h/v1?key=s3cret,model=m",
        "openai:http://h/v1#s3cret,model=m",
        "openai:http://h/v1,model=m,token=s3cret",
        "openai:http://h/v1,model=m,token_env=s3cret-key",
        "s3cret:http://h/v1,model=m",
    ],
)
def test_a_token_that_stands_in_the_spec_is_refused_and_not_repeated(spec: str) -> None:
    with pytest.raises(UsageError) as raised:
        LlmEndpoint.of(spec)
    assert "s3cret" not in str(raised.value)


def test_the_token_is_read_from_the_environment_and_kept_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GENOMARK_LLM_TOKEN", raising=False)
    assert OPENAI.token() == ""
    monkeypatch.setenv("GENOMARK_LLM_TOKEN", " s3cret\n")
    assert OPENAI.token() == "s3cret"
    assert "s3cret" not in f"{OPENAI!r} {OPENAI}"


def test_a_token_that_is_not_there_or_cannot_be_sent_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = LlmEndpoint.of("openai:http://h/v1,model=m,token_env=MY_KEY")
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(UsageError, match="no token in MY_KEY: set it, or leave token_env out"):
        endpoint.token()
    for bad in ("s3cret\r\nHost: other", "s3 cret", "s3crét"):
        monkeypatch.setenv("MY_KEY", bad)
        with pytest.raises(UsageError, match="MY_KEY holds letters that no token has") as raised:
            endpoint.token()
        assert "s3" not in str(raised.value)


def test_the_same_question_is_the_same_bytes_and_asks_for_json_without_chance() -> None:
    body = json.loads(OLLAMA.body("rules", "question"))
    assert body["options"]["temperature"] == 0
    assert (body["format"], body["stream"], body["model"]) == ("json", False, "gemma3:12b")
    assert (body["system"], body["prompt"]) == ("rules", "question")
    chat = json.loads(OPENAI.body("rules", "question"))
    assert chat["temperature"] == 0
    assert chat["response_format"] == {"type": "json_object"}
    assert [each["content"] for each in chat["messages"]] == ["rules", "question"]
    assert OPENAI.body("rules", "question") == OPENAI.body("rules", "question")


def test_ollama_is_read_in_one_piece_and_line_by_line() -> None:
    whole = b'{"model":"m",\n "response":"{}","done":true,"context":[1,2]}'
    assert OLLAMA.text_of(answer(whole)) == "{}"
    lines = b'{"response":"{","done":false}\r\n\n{"response":"}","done":false}\n{"done":true}\n'
    assert OLLAMA.text_of(answer(lines)) == "{}"


@pytest.mark.parametrize(
    ("body", "message", "is_cut"),
    [
        (b"", "the answer was cut short", True),
        (b'{"response":"{","done":false}', "the answer was cut short", True),
        (b'{"response":"{"}\n{"error":"out of memory"}', "the server says: out of memory", False),
        (b'{"response":7,"done":true}', "the answer is none of ollama", False),
        (b'["response"]', "the answer is none of ollama", False),
        (b"<html>hello</html>", "the answer is none of ollama: <html>hello</html>", False),
        (b"\xff\xfe\x00", "the answer is none of ollama", False),
        (b'{"x":' + b"[" * 100_000, "the answer is none of ollama", False),
    ],
)
def test_what_is_none_of_ollama_is_told(body: bytes, message: str, is_cut: bool) -> None:
    with pytest.raises(EnvelopeError, match=message) as raised:
        OLLAMA.text_of(answer(body))
    assert raised.value.is_cut is is_cut


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the answer is none of openai: nothing"),
        (b"{}", "the answer is none of openai"),
        (b'{"choices":[]}', "the answer holds no text"),
        (b'{"choices":[{"text":"{}"}]}', "the answer is none of openai"),
        (b'{"choices":' + b"[" * 100_000, "the answer is none of openai"),
    ],
)
def test_what_is_none_of_openai_is_told(body: bytes, message: str) -> None:
    with pytest.raises(EnvelopeError, match=message):
        OPENAI.text_of(answer(body))


def test_a_model_that_writes_nothing_gave_an_empty_text() -> None:
    assert OPENAI.text_of(answer(b'{"choices":[{"message":{"content":null}}]}')) == ""


def test_an_answer_that_ends_with_the_connection_may_have_been_cut() -> None:
    with pytest.raises(EnvelopeError) as raised:
        OPENAI.text_of(answer(b'{"choices":[{"mess', delimited=False))
    assert raised.value.is_cut


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "model not found"}', "model not found"),
        (b'{"error": {"message": "no such model", "type": "x"}}', "no such model"),
        (b'{"error": {"type": "x"}}', '{"error": {"type": "x"}}'),
        (b"<h1>Bad Gateway</h1>", "<h1>Bad Gateway</h1>"),
        (b"[1]", "[1]"),
        (b"\xff", "\ufffd"),
    ],
)
def test_a_refusal_is_given_in_the_words_of_the_server(body: bytes, words: str) -> None:
    assert refusal_of(answer(body)) == words
