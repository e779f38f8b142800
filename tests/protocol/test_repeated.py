"""What repeats a message before it is read as it would be on its own."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.protocol import (
    TENSOR,
    Exchange,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    ReadRequest,
    SoundPoints,
    SoundSequences,
    TaskPrediction,
    compress,
    decode_request,
    decode_tensor_answer,
    encode_request,
    encode_tensor_answer,
    sound_sequences,
    validate_request,
)
from genomark.protocol.twobit import TwoBit

TASK = PredictionTask("t", "expression", "K562", "homo_sapiens")
MOST = 100


def asked(texts: list[str], **more: Any) -> PredictRequest:
    sound = sound_sequences(dict(enumerate_texts(texts)))
    assert sound is not None
    return PredictRequest("point", more.pop("tasks", [TASK]), sound.numbered(), **more)


def enumerate_texts(texts: list[str]) -> list[tuple[str, str]]:
    return [(f"s{place}", text) for place, text in enumerate(texts)]


def written(request: PredictRequest, *, anonymous: bool = True) -> memoryview:
    return memoryview(encode_request(request, TENSOR, edits=True, anonymous=anonymous))


def read(body: memoryview) -> PredictRequest:
    return validate_request(decode_request(body, TENSOR, MOST))


def read_request(body: memoryview) -> ReadRequest:
    found = ReadRequest.of(body, read(body))
    assert found is not None
    return found


def packed(request: PredictRequest) -> TwoBit:
    assert isinstance(request.sequences, SoundSequences)
    assert request.sequences.packed is not None
    return request.sequences.packed


even = st.integers(1, 9).flatmap(
    lambda length: st.lists(
        st.text("ACGT", min_size=length, max_size=length), min_size=1, max_size=9
    )
)
letters = st.text("ACGTN", min_size=1, max_size=9)


@given(even, st.data())
def test_a_repeated_request_is_read_as_it_would_be_alone(first: list[str], data: Any) -> None:
    second = [data.draw(st.text("ACGT", min_size=len(text), max_size=len(text))) for text in first]
    before = read_request(written(asked(first)))
    body = written(asked(second))
    again = before.again(body)
    assert again == read(body)
    assert again is not None
    assert list(again.sequences.values()) == second
    # What was read before is as it was.
    assert before.again(written(asked(first))) == read(written(asked(first)))


@given(st.lists(letters, min_size=1, max_size=6), st.lists(letters, min_size=1, max_size=6))
def test_no_request_is_taken_for_another(first: list[str], second: list[str]) -> None:
    before, body = read_request(written(asked(first))), written(asked(second))
    again = before.again(body)
    # Where N are counts for as much as how long sequences are.
    alike = [[len(text), *(at for at, each in enumerate(text) if each == "N")] for text in first]
    told = [[len(text), *(at for at, each in enumerate(text) if each == "N")] for text in second]
    assert (again is not None) == (alike == told)
    assert again is None or again == read(body)


@pytest.mark.parametrize(
    "other",
    [
        {"tasks": [PredictionTask("u", "expression", "K562", "homo_sapiens")]},
        {"tasks": [TASK, TASK]},
        {"upstream_seq": "A"},
        {"prediction_ranges": {"0": [0, 1], "1": [0, 1]}},
    ],
)
def test_whatever_else_is_asked_makes_it_another(other: dict[str, Any]) -> None:
    before = read_request(written(asked(["ACGT", "GGCC"])))
    assert before.again(written(asked(["ACGT", "GGCC"], **other))) is None
    assert before.again(written(asked(["ACGT", "GGCC"]), anonymous=False)) is None
    assert before.again(written(asked(["ACGT", "GGCC"]))[:-1]) is None
    assert before.again(memoryview(b"")) is None


def test_flanks_are_repeated_with_the_rest() -> None:
    body = written(asked(["ACGT"], upstream_seq="GG", downstream_seq="T"))
    again = read_request(body).again(body)
    assert again is not None
    assert (again.upstream_seq, again.downstream_seq) == ("GG", "T")


def test_ranges_and_long_heads_and_other_letters_are_not_kept() -> None:
    ranged = written(asked(["ACGT"], prediction_ranges={"0": [0, 1]}))
    assert ReadRequest.of(ranged, read(ranged)) is None
    named = PredictRequest("point", [TASK], {f"{'x' * 90}{place}": "A" for place in range(60)})
    assert ReadRequest.of(written(named), read(written(named))) is None
    lower = written(PredictRequest("point", [TASK], {"a": "acgt"}))
    assert ReadRequest.of(lower, read(lower)) is None


def test_letters_that_are_not_the_end_of_the_body_are_never_taken_for_it() -> None:
    message = msgspec.msgpack.decode(written(asked(["ACGT", "GGCC"])))
    block = message.pop("sequence_block")
    # The same bytes stand at the end, and mean nothing there.
    body = memoryview(
        msgspec.msgpack.encode({"sequence_block": block, **message, "x": block["data"]})
    )
    assert bytes(body).endswith(block["data"])
    assert ReadRequest.of(body, read(body)) is None


def test_no_letters_are_kept() -> None:
    body = written(asked(["ACGT" * 1_000]))
    before = read_request(body)
    sequences = before._asked.sequences
    assert isinstance(sequences, SoundSequences)
    assert sequences.packed is not None
    assert len(sequences.packed.data) == 0


def test_what_a_model_does_to_a_request_is_no_matter_of_the_next() -> None:
    body = written(asked(["ACGT", "GGCC"]))
    whole = read(body)
    before = ReadRequest.of(body, whole)
    assert before is not None
    for first in (whole, before.again(body)):
        assert first is not None
        assert isinstance(first.sequences, SoundSequences)
        first.prediction_tasks.clear()
        first.sequences.ids.reverse()
        again = before.again(body)
        assert again is not None
        assert again.prediction_tasks == [TASK]
        assert list(again.sequences.items()) == [("0", "ACGT"), ("1", "GGCC")]


def test_of_many_sequences_in_few_bytes_nothing_is_kept() -> None:
    for number, is_kept in ((4_096, True), (4_097, False)):
        body = written(asked(["A"] * number))
        assert len(body) < 5_000
        found = ReadRequest.of(body, validate_request(decode_request(body, TENSOR, number)))
        assert (found is not None) == is_kept


# --- both sides of an exchange ---


def answered(values: list[float], dtype: str = "<f4", **more: Any) -> bytes:
    points = SoundPoints(
        [str(place) for place in range(len(values))], np.array(values, dtype=dtype)
    )
    said = ("t", "expression", ["NA"], "K562", "NA", "homo_sapiens", "NA")
    name = more.pop("name", "p")
    of_task = {key: more.pop(key) for key in ("aggregation", "trim_upstream") if key in more}
    task = TaskPrediction(*said, None, "linear", points, **of_task)
    response = PredictResponse(name, [task], **more)
    return encode_tensor_answer(response, list(points))


def response_of(body: bytes, names: list[str]) -> PredictResponse:
    raw = decode_tensor_answer(body, names)
    tasks = [TaskPrediction(**task) for task in raw["prediction_tasks"]]
    return PredictResponse(**{**raw, "prediction_tasks": tasks})


def exchanged(request: PredictRequest, body: bytes) -> Exchange | None:
    sent = bytes(written(request))
    names = list(request.sequences)
    return Exchange.of(
        request.prediction_tasks, packed(request), sent, body, response_of(body, names)
    )


numbers = st.floats(allow_nan=False)
singles = st.floats(width=32, allow_nan=False)


@given(even, st.data(), st.sampled_from([("<f4", singles), ("<f8", numbers)]))
def test_an_exchange_is_repeated_byte_for_byte(first: list[str], data: Any, kind: Any) -> None:
    dtype, drawn = kind
    values = st.lists(drawn, min_size=len(first), max_size=len(first))
    one, other = data.draw(values), data.draw(values)
    if dtype == "<f8":
        # Which no float32 is.
        one[0] = other[0] = 0.1
    exchange = exchanged(asked(first), answered(one, dtype))
    assert exchange is not None
    second = asked(
        [data.draw(st.text("ACGT", min_size=len(text), max_size=len(text))) for text in first]
    )
    assert exchange.body([TASK], packed(second)) == bytes(written(second))
    names = [f"chr1:{place}" for place in range(len(first))]
    body = answered(other, dtype)
    told = exchange.response(body, names)
    assert told == response_of(body, names)
    assert told is not None
    points = told.prediction_tasks[0].predictions
    assert list(points.items()) == list(zip(names, other, strict=True))


def test_another_question_is_not_written_as_this_one() -> None:
    exchange = exchanged(asked(["ACGT", "GGCC"]), answered([1.0, 2.0]))
    assert exchange is not None
    other = PredictionTask("t", "expression", "HepG2", "homo_sapiens")
    assert exchange.body([other], packed(asked(["ACGT", "GGCC"]))) is None
    assert exchange.body([TASK, TASK], packed(asked(["ACGT", "GGCC"]))) is None
    for texts in (["ACGT"], ["ACGTA", "GGCCA"], ["ACGT", "GGC"], ["ACGT", "GNCC"]):
        assert exchange.body([TASK], packed(asked(texts))) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        answered([1.0, 2.0, 3.0]),
        answered([1.0, 0.1], "<f8"),
        answered([1.0, 2.0], name="q"),
        answered([1.0, 2.0], matcher_version="2"),
        b'{"error": [{"prediction_request_failed": "no"}]}',
    ],
)
def test_another_answer_is_not_read_as_this_one(body: bytes) -> None:
    exchange = exchanged(asked(["ACGT", "GGCC"]), answered([1.0, 2.0]))
    assert exchange is not None
    assert exchange.response(body, ["a", "b"]) is None


def test_what_does_not_repeat_is_not_kept() -> None:
    for texts in (["ACGT", "GGC"], ["ACGT", "GNCC"]):
        assert exchanged(asked(texts), answered([1.0, 2.0])) is None
    two = asked(["ACGT"], tasks=[TASK, TASK])
    task = msgspec.msgpack.decode(answered([1.0]))["prediction_tasks"][0]
    both = msgspec.msgpack.encode({"predictor_name": "p", "prediction_tasks": [task, task]})
    assert exchanged(two, both) is None
    # What is told of single sequences.
    trims = answered([1.0, 2.0], trim_upstream={"0": 1, "1": 2})
    assert exchanged(asked(["ACGT", "GGCC"]), trims) is None
    # Another body than that of the sequences.
    request = asked(["ACGT", "GGCC"])
    response = response_of(answered([1.0, 2.0]), ["0", "1"])
    for sent in (b"", b"xx", compress(bytes(written(request))), bytes(written(request)) + b"x"):
        body = answered([1.0, 2.0])
        assert Exchange.of([TASK], packed(request), sent, body, response) is None
    # Numbers that are somewhere else than at the end.
    message = msgspec.msgpack.decode(answered([1.0, 2.0]))
    tasks = message.pop("prediction_tasks")
    turned = msgspec.msgpack.encode({"prediction_tasks": tasks, **message})
    assert exchanged(asked(["ACGT", "GGCC"]), turned) is None


def test_an_answer_that_was_read_can_be_changed_without_a_trace_in_the_next() -> None:
    request, means = asked(["ACGT"]), {"tracks": "mean"}
    body = answered([1.0], aggregation=means)
    whole = response_of(body, ["0"])
    exchange = Exchange.of([TASK], packed(request), bytes(written(request)), body, whole)
    assert exchange is not None
    for first in (whole, exchange.response(body, ["a"])):
        assert first is not None
        first.prediction_tasks[0].type_actual.append("changed")
        assert isinstance(first.prediction_tasks[0].aggregation, dict)
        first.prediction_tasks[0].aggregation["tracks"] = "changed"
        first.prediction_tasks.clear()
        again = exchange.response(body, ["a"])
        assert again is not None
        assert again.prediction_tasks[0].type_actual == ["NA"]
        assert again.prediction_tasks[0].aggregation == means


def test_sequences_of_any_number_repeat_those_of_as_many() -> None:
    many = 5_000
    exchange = exchanged(asked(["ACGT"] * many), answered([1.0] * many))
    assert exchange is not None
    again = asked(["GGCC"] * many)
    assert exchange.body([TASK], packed(again)) == bytes(written(again))
