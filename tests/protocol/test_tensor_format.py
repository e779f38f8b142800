"""The tensor format: requests and answers as blocks of memory, on both sides of the wire."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets.letters import letters_of
from genomark.protocol import (
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    TENSOR,
    BadRequestError,
    Edit,
    EditedSequences,
    FrameReader,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    SoundPoints,
    SoundSequences,
    TaskPrediction,
    Unanswered,
    blocks,
    decode,
    decode_request,
    decode_tensor_answer,
    encode,
    encode_request,
    encode_tensor_answer,
    is_streamable,
    sound_sequences,
    tensor_frames,
    total_letters,
    twobit,
    validate_request,
)
from genomark.protocol.blocks import places
from genomark.protocol.tensor_schema import tensor_schemas
from genomark.protocol.tensors import Tensor

PAGE = Path(__file__).parents[2] / "docs" / "tensor-format.md"
SCHEMA = PAGE.parent / "schema" / "tensor-format.schema.json"
TASK = PredictionTask("t", "expression", "K562", "homo_sapiens", "linear")
MOST = 1_000


def request(sequences: Any, **more: Any) -> PredictRequest:
    return PredictRequest("point", [TASK], sequences, **more)


def there_and_back(asked: PredictRequest, *, edits: bool = True) -> PredictRequest:
    return validate_request(
        decode_request(encode_request(asked, TENSOR, edits=edits), TENSOR, MOST)
    )


def task(predictions: dict[str, Any], **more: Any) -> TaskPrediction:
    said = ("t", "expression", ["expression"], "K562", "K562", "homo_sapiens", "homo_sapiens")
    return TaskPrediction(*said, None, "linear", predictions, **more)


def response(*tasks: TaskPrediction, **more: Any) -> PredictResponse:
    return PredictResponse("p", list(tasks), **more)


names = st.text(max_size=6)
texts = st.one_of(
    st.text("ACGTN", max_size=40), st.text("ACGTNacgtn", max_size=9), st.text(max_size=9)
)
by_name = st.dictionaries(names, texts, max_size=12)


@given(by_name)
def test_sequences_come_back_as_they_were_sent(sequences: dict[str, str]) -> None:
    back = there_and_back(request(sequences)).sequences
    assert back == sequences
    assert list(back) == list(sequences)


@given(by_name)
def test_what_is_called_sound_needs_no_check(sequences: dict[str, str]) -> None:
    back = there_and_back(request(sequences)).sequences
    is_sound = all(text and not set(text) - set("ACGTN") for text in sequences.values())
    assert isinstance(back, SoundSequences) == is_sound
    assert (sound_sequences(sequences) is not None) == is_sound


@given(st.integers(1, 9), st.lists(st.text("ACGTN", min_size=9, max_size=9), max_size=30))
def test_sequences_of_one_length_come_back_too(length: int, some: list[str]) -> None:
    sequences = {str(number): text[:length] for number, text in enumerate(some)}
    assert there_and_back(request(sequences)).sequences == sequences


def unpacked_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(packed: object) -> None:
        pytest.fail("somebody looked at the letters")

    monkeypatch.setattr(blocks, "unpack", unpack)


def test_letters_stay_packed_until_one_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = {"b": "ACGTN", "a": "GG"}
    unlooked = there_and_back(request(sequences)).sequences
    assert isinstance(unlooked, SoundSequences)
    again = unlooked
    with monkeypatch.context() as patched:
        unpacked_nowhere(patched)
        assert list(unlooked) == ["b", "a"]
        assert len(unlooked) == 2
        assert total_letters(unlooked) == 7
        # Another server gets them as they came.
        again = there_and_back(request(unlooked)).sequences
        with pytest.raises(pytest.fail.Exception):
            unlooked["a"]
    for back in (unlooked, again):
        assert back["a"] == "GG"
        assert list(back.items()) == list(sequences.items())
        assert list(back.values()) == list(sequences.values())
        assert "a" in back
        assert "c" not in back


@given(st.lists(st.text("ACGTN", min_size=1, max_size=9), min_size=1, max_size=30))
def test_letters_are_told_without_strings_as_they_are_with(some: list[str]) -> None:
    sequences = {str(number): text for number, text in enumerate(some)}
    back = there_and_back(request(sequences)).sequences
    assert isinstance(back, SoundSequences)
    letters, offsets = letters_of(back.texts)
    expected, at = letters_of(some)
    assert np.array_equal(letters, expected)
    assert np.array_equal(offsets, at)
    assert "strings" not in vars(back.texts)
    assert list(back.texts) == back.texts[:] == some


def test_a_long_block_is_told_without_strings_too() -> None:
    # Worked on in several parts, with a run of N over the border of two.
    some = ["ACG" * 300_000, "NN" + "T" * 5, "N" * 600_000 + "G", "CA"]
    packed = twobit.pack(some)
    assert packed is not None
    assert bytes(twobit.unpack_letters(packed)) == "".join(some).encode()


def test_who_reads_no_tensors_gets_them_as_text() -> None:
    sequences = {"b": "ACGTN", "a": "GG"}
    packed = there_and_back(request(sequences))
    for kind in (JSON, MSGPACK):
        assert decode(encode_request(packed, kind, edits=True), kind)["sequences"] == sequences


def test_a_reference_may_stay_packed_as_well() -> None:
    edited = EditedSequences({"r": "ACGT" * 9}, {"e": Edit("r", ((1, 2, "G"),))}, {"w": "ACG"})
    once = there_and_back(request(edited))
    assert there_and_back(once).sequences == dict(edited)


def test_four_letters_take_a_byte() -> None:
    sequence = "ACGT" * 10_000
    body = encode_request(request({"s": sequence}), TENSOR, edits=True)
    assert len(body) < len(sequence) / 4 + 400


def test_runs_of_n_may_be_long_and_reach_from_one_sequence_to_the_next() -> None:
    sequences = {"a": "N" * 8, "b": "NNNNACGT", "c": "ACGN", "d": "N", "e": "T" * 2_000_000 + "N"}
    assert there_and_back(request(sequences)).sequences == sequences


@given(st.data(), by_name.filter(bool))
def test_ranges_and_flanks_come_back(data: st.DataObject, sequences: dict[str, str]) -> None:
    sequences = {name: text or "A" for name, text in sequences.items()}
    limits = st.one_of(st.just([]), st.tuples(st.integers(0, 3), st.integers(3, 9)).map(list))
    ranges = {name: data.draw(limits) for name in sequences}
    asked = request(sequences, prediction_ranges=ranges, upstream_seq="AC", downstream_seq="")
    back = there_and_back(asked)
    assert back.prediction_ranges == ranges
    assert (back.upstream_seq, back.downstream_seq) == ("AC", "")
    assert back.prediction_tasks == [TASK]


def test_edits_travel_as_edits_with_packed_references() -> None:
    reference = "ACGT" * 1_000
    sequences = EditedSequences(
        {"r": reference}, {"e": Edit("r", ((1, 2, "G"), (5, 5, "TT")))}, {"w": "ACG"}
    )
    ranges = {"w": [], "e": [3, 9]}
    asked = request(sequences, prediction_ranges=ranges)
    assert len(encode_request(asked, TENSOR, edits=True)) < len(reference)
    back = there_and_back(asked)
    assert isinstance(back.sequences, EditedSequences)
    assert dict(back.sequences) == dict(sequences)
    assert back.prediction_ranges == ranges
    assert there_and_back(asked, edits=False).sequences == dict(sequences)


def test_ranges_that_fit_no_sequence_are_refused_as_in_other_formats() -> None:
    asked = request({"a": "ACGT"}, prediction_ranges={"b": [0, 1]})
    told = []
    for kind in (MSGPACK, TENSOR):
        with pytest.raises(BadRequestError) as refusal:
            validate_request(decode_request(encode_request(asked, kind, edits=True), kind, MOST))
        told.append(refusal.value.messages)
    assert told[0] == told[1]


@pytest.mark.parametrize("limits", [[0, 10**30], [-(2**33), 2], [0, 1 << 31], [0]])
def test_ranges_that_do_not_fit_are_told_as_in_other_formats(limits: list[int]) -> None:
    asked = request({"a": "ACGT"}, prediction_ranges={"a": limits})
    if limits[-1] < 10**20:
        told = decode_request(encode_request(asked, TENSOR, edits=True), TENSOR, MOST)
        assert told["prediction_ranges"] == {"a": limits}


@pytest.mark.parametrize("key", ["sequences", "prediction_ranges", "references"])
def test_what_is_there_twice_is_refused(key: str) -> None:
    sequences = EditedSequences({"r": "ACGT"}, {"e": Edit("r", ())}, {"a": "ACGT"})
    asked = request(sequences, prediction_ranges={"a": [0, 1], "e": [0, 1]})
    message = decode(encode_request(asked, TENSOR, edits=True), MSGPACK)
    message[key] = {"a": "ACGT"} if key != "prediction_ranges" else {"a": [0, 1]}
    with pytest.raises(BadRequestError, match=f"'{key}' and '.*_block' say the same"):
        decode_request(encode(message, MSGPACK), TENSOR, MOST)


def test_a_map_of_sequences_is_read_too() -> None:
    body = encode(request({"a": "ACGT"}, prediction_ranges={"a": [0, 1]}), MSGPACK)
    assert validate_request(decode_request(body, TENSOR, MOST)) == request(
        {"a": "ACGT"}, prediction_ranges={"a": [0, 1]}
    )


def test_too_many_sequences_are_refused_before_they_are_read() -> None:
    body = encode_request(request({str(i): "A" for i in range(40)}), TENSOR, edits=True)
    with pytest.raises(BadRequestError, match="sequences in one request") as refusal:
        decode_request(body, TENSOR, 10)
    assert refusal.value.http_status == 413


def changed(**parts: Any) -> bytes:
    message = decode(
        encode_request(request({"a": "ACGTN", "b": "ACG"}), TENSOR, edits=True), MSGPACK
    )
    message["sequence_block"] |= parts
    return encode(message, MSGPACK)


def numbers(*values: int, dtype: str = "<i8", shape: list[int] | None = None) -> dict[str, Any]:
    array = np.array(values, dtype=dtype)
    return {"dtype": dtype, "shape": shape or list(array.shape), "data": array.tobytes()}


def scalar(value: int) -> dict[str, Any]:
    return {"dtype": "<i8", "shape": [], "data": value.to_bytes(8, "little", signed=True)}


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"lengths": numbers(5)}, "1 lengths for 2 ids"),
        ({"lengths": numbers(5, 30)}, "the lengths do not fit"),
        ({"lengths": numbers(-5, 3)}, "the lengths do not fit"),
        ({"lengths": numbers(4, 3)}, "the sequences take 2 bytes, and 3 are there"),
        ({"lengths": numbers(2**62, 2**62)}, "the lengths do not fit"),
        ({"lengths": numbers(5, 3, shape=[2, 1])}, "expected whole numbers"),
        ({"lengths": numbers(5, 3, shape=[3])}, "is not its 16 bytes"),
        ({"lengths": numbers(5, 3, shape=[-2])}, "is not its 16 bytes"),
        ({"lengths": {"dtype": "<f8", "shape": [2], "data": bytes(16)}}, "expected whole numbers"),
        ({"lengths": {"dtype": "|O8", "shape": [2], "data": bytes(16)}}, "unknown type of tensor"),
        ({"lengths": scalar(0)}, "3 bytes are no sequences of 0 letters each"),
        ({"lengths": scalar(-4)}, "3 bytes are no sequences of -4 letters each"),
        ({"lengths": scalar(5)}, "3 bytes are no sequences of 5 letters each"),
        ({"lengths": scalar(2**62)}, "3 bytes are no sequences of"),
        ({"lengths": scalar(4)}, "3 lengths for 2 ids"),
        ({"lengths": scalar(4), "code": "text"}, "expected whole numbers"),
        ({"n_runs": numbers(4, 100, shape=[1, 2])}, "a run of N is empty, or not within"),
        ({"n_runs": numbers(-1, 1, shape=[1, 2])}, "a run of N is empty, or not within"),
        ({"n_runs": numbers(2, 2, 3, 1, shape=[2, 2])}, "overlap"),
        ({"n_runs": numbers(2, 0, shape=[1, 2])}, "a run of N is empty"),
        ({"n_runs": numbers(2, 1, dtype="|u1", shape=[1, 2])}, "numbers of 4 or 8 bytes"),
        ({"lengths": numbers(5, 3, shape=[1] * 9)}, "length <= 8"),
        ({"n_runs": numbers(4, 1)}, "expected whole numbers"),
        ({"code": "gzip"}, "unknown code of sequences: 'gzip'"),
        ({"code": "text", "data": b"ACGTNAC"}, "do not add up to the 7 letters"),
        ({"code": "text", "data": b"\xff" * 8}, "utf-8"),
        ({"ids": ["a", "a"]}, "an id of a sequence is there twice"),
        ({"ids": [1, 2]}, "Expected `str`"),
        ({"data": "ACGT"}, "Expected `bytes`"),
    ],
)
def test_blocks_that_do_not_fit_together_are_refused(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequestError) as refusal:
        decode_request(changed(**parts), TENSOR, MOST)
    assert told in str(refusal.value)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_body_with_a_strange_byte_is_read_or_refused(place: int, byte: int) -> None:
    body = bytearray(encode_request(request({"a": "ACGTN", "b": "ACG"}), TENSOR, edits=True))
    body[place % len(body)] = byte
    try:
        raw = decode_request(bytes(body), TENSOR, MOST)
    except BadRequestError:
        return
    assert isinstance(raw, dict)


@given(st.integers(0, 400))
def test_a_torn_body_is_refused(length: int) -> None:
    body = encode_request(request({"a": "ACGTN", "b": "ACG"}), TENSOR, edits=True)
    with pytest.raises(BadRequestError):
        decode_request(body[: min(length, len(body) - 1)], TENSOR, MOST)


def test_no_bit_of_a_number_is_lost() -> None:
    # The last is a NaN with a payload that float32 has no room for.
    bits = np.array(
        [0, 1 << 63, 0x7FF8 << 48, 0x3FF0 << 48, 0x7FF8_0000_0000_0001], dtype=np.uint64
    )
    for few, kind in ((bits[:-1], np.float32), (bits, np.float64)):
        values = few.view(np.float64)
        sent = blocks.narrow(values)
        assert sent.dtype == kind
        assert np.array_equal(sent.astype(np.float64).view(np.uint64), few)


floats = st.floats(allow_nan=True)
tracks = st.lists(st.floats(width=32, allow_nan=False), max_size=5).map(
    lambda values: np.array(values, dtype=np.float32)
)
missing = st.builds(Unanswered, st.text(max_size=5))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Unanswered) or isinstance(other, Unanswered):
        return isinstance(other, Unanswered) and one.reason == other.reason
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other or (math.isnan(one) and math.isnan(other))


def read(predictions: dict[str, Any], asked: list[str], **more: Any) -> dict[str, Any]:
    body = encode_tensor_answer(response(task(predictions, **more)), asked)
    (found,) = decode_tensor_answer(body, asked)["prediction_tasks"]
    return found


@pytest.mark.parametrize(
    "values", [floats, tracks, st.one_of(floats, missing), st.one_of(tracks, missing)]
)
@given(data=st.data())
def test_values_come_back_with_their_type_and_what_is_missing_with_its_reason(
    values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    predictions = data.draw(st.dictionaries(names, values, max_size=8))
    found = read(predictions, list(predictions))["predictions"]
    assert list(found) == list(predictions)
    assert all(same(predictions[name], found[name]) for name in predictions)


def test_points_of_all_that_was_asked_are_known_to_be_sound() -> None:
    assert isinstance(read({"a": 1.0, "b": 2.0}, ["a", "b"])["predictions"], SoundPoints)
    for asked in (["b", "a"], ["a"], ["a", "b", "c"]):
        found = read({"a": 1.0, "b": 2.0}, asked)["predictions"]
        assert not isinstance(found, SoundPoints)
        assert found == {"a": 1.0, "b": 2.0}
    assert not isinstance(read({"a": Unanswered("no")}, ["a"])["predictions"], SoundPoints)


def test_points_do_not_keep_all_that_came_with_them() -> None:
    said = encode_tensor_answer(response(task({"a": 1.0, "b": 2.0})), ["a", "b"])
    for more, is_kept in ((100, True), (1_000_000, False)):
        body = encode({**decode(said, MSGPACK), "x": bytes(more)}, MSGPACK)
        (found,) = decode_tensor_answer(body, ["a", "b"])["prediction_tasks"]
        told = found["predictions"].told
        assert told.tolist() == [1.0, 2.0]
        assert told.flags.owndata != is_kept


@given(st.lists(st.floats(), max_size=8))
def test_points_are_those_of_a_dict_whoever_reads_them(values: list[float]) -> None:
    ids = [f"s{place}" for place in range(len(values))]
    points = SoundPoints(ids, np.array(values, dtype=np.float64))
    plain = dict(zip(ids, values, strict=True))
    assert list(points) == list(plain)
    assert len(points) == len(plain)
    assert repr(list(points.values())) == repr(list(plain.values()))
    assert repr(list(points.items())) == repr(list(plain.items()))
    assert repr(points) == f"SoundPoints({plain!r})"
    assert all(repr(points[name]) == repr(plain[name]) for name in ids)
    assert "other" not in points
    for kind in (JSON, MSGPACK, MSGPACK_NUMPY):
        told = [encode(PredictResponse("p", [task(each)]), kind) for each in (points, plain)]
        assert told[0] == told[1]
    written = [
        encode_tensor_answer(PredictResponse("p", [task(each)]), ids) for each in (points, plain)
    ]
    assert written[0] == written[1]


@pytest.mark.parametrize("texts", [["ACGTN", "CC", "T"], ["acgt", "x", ""], []])
def test_sequences_without_ids_are_called_by_their_places(texts: list[str]) -> None:
    asked = request({str(place): text for place, text in enumerate(texts)})
    body = encode_request(asked, TENSOR, edits=True, anonymous=True)
    assert "ids" not in msgspec.msgpack.decode(body)["sequence_block"]
    assert validate_request(decode_request(body, TENSOR, MOST)) == asked


@pytest.mark.parametrize("names", [["a"], ["1"], ["0", "2"], ["1", "0"], ["0", "01"]])
def test_ids_that_are_no_places_are_always_sent(names: list[str]) -> None:
    asked = request(dict.fromkeys(names, "ACGT"))
    body = encode_request(asked, TENSOR, edits=True, anonymous=True)
    assert msgspec.msgpack.decode(body)["sequence_block"]["ids"] == names
    assert validate_request(decode_request(body, TENSOR, MOST)) == asked


def test_sequences_without_ids_are_counted_before_they_are_named() -> None:
    many = 2 * MOST + 1
    block = {
        "lengths": msgspec.to_builtins(
            Tensor.of(np.ones(many, dtype="<u4")), builtin_types=(memoryview,)
        ),
        "code": "2bit",
        "data": bytes(many),
    }
    body = {"readout": "point", "prediction_tasks": [], "sequence_block": block}
    with pytest.raises(BadRequestError, match=f"About {many:,} sequences in one request"):
        decode_request(msgspec.msgpack.encode(body), TENSOR, MOST)


@pytest.mark.parametrize("ids", [None, ["a"]])
def test_sequences_of_one_length_are_counted_first(
    ids: list[str] | None,
) -> None:
    block = {"lengths": scalar(1), "code": "2bit", "ids": ids, "data": bytes(2 * MOST + 1)}
    body = {"readout": "point", "prediction_tasks": [], "sequence_block": block}
    with pytest.raises(BadRequestError, match=f"About {2 * MOST + 1:,} sequences in one request"):
        decode_request(msgspec.msgpack.encode(body), TENSOR, MOST)


@pytest.mark.parametrize("ids", [None, ["0", "1"]])
def test_the_length_of_all_may_be_told_once(ids: list[str] | None) -> None:
    block = {"lengths": scalar(3), "code": "2bit", "ids": ids, "data": b"\x18\x3f"}
    body = {"readout": "point", "prediction_tasks": [TASK], "sequence_block": block}
    back = validate_request(decode_request(msgspec.msgpack.encode(body), TENSOR, MOST))
    assert back == request({"0": "AGC", "1": "TTT"})


def test_ids_that_are_null_are_left_out() -> None:
    asked = request(dict(zip(places(3), ["A", "CC", "G"], strict=True)))
    message = msgspec.msgpack.decode(encode_request(asked, TENSOR, edits=True, anonymous=True))
    message["sequence_block"]["ids"] = None
    assert validate_request(decode_request(encode(message, MSGPACK), TENSOR, MOST)) == asked


def test_more_places_than_are_kept_are_counted_on() -> None:
    assert places(3) == ["0", "1", "2"]
    assert places(20_000) == [str(place) for place in range(20_000)]


def test_a_matrix_and_what_is_no_number_come_back() -> None:
    matrix = np.arange(9.0).reshape(3, 3)
    found = read({"a": matrix, "b": matrix + 1}, ["a", "b"])["predictions"]
    assert np.array_equal(found["b"], matrix + 1)
    assert read({"error": "no such tissue"}, ["a"])["predictions"] == {"error": "no such tissue"}


def test_what_else_is_told_stays() -> None:
    more = {"aggregation": {"a": "mean"}, "trim_upstream": {"a": 12}}
    found = read({"a": np.zeros(3)}, ["a"], **more)
    assert {key: found[key] for key in more} == more
    body = encode_tensor_answer(
        response(task({"a": 1.0}), bin_size=128, matcher_version="3"), ["a"]
    )
    answer = decode_tensor_answer(body, ["a"])
    assert (answer["predictor_name"], answer["bin_size"]) == ("p", 128)
    assert answer["matcher_version"] == "3"
    assert answer["prediction_tasks"][0]["type_actual"] == ["expression"]


@pytest.mark.parametrize(
    "body", [b"", b"\x90", b"{}", b"\x81\xa1a", encode({"prediction_tasks": 3}, MSGPACK)]
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        decode_tensor_answer(body, ["a"])


def test_fewer_values_than_sequences_are_refused() -> None:
    body = encode_tensor_answer(response(task({"a": 1.0, "b": 2.0})), ["a", "b"])
    with pytest.raises(BadRequestError, match=r"values of shape \(2,\) for 3 sequences"):
        decode_tensor_answer(body, ["a", "b", "c"])


# --- frames ---


def tracks_of(n: int, bins: int) -> dict[str, np.ndarray]:
    values = np.random.default_rng(0).random((n, bins), dtype=np.float32)
    return {f"s{i}": values[i] for i in range(n)}


def fed(pieces: Any, asked: list[str]) -> FrameReader:
    reader = FrameReader(asked)
    for piece in pieces:
        reader.feed(piece)
    return reader


@pytest.mark.parametrize("size", [1, 7, 100_000_000])
def test_frames_are_read_whatever_the_pieces_they_come_in(size: int) -> None:
    some, other = tracks_of(5, 3), {"b": np.arange(3), "a": np.arange(4.0)}
    whole = b"".join(tensor_frames(response(task(some), task(other), bin_size=1), list(some)))
    reader = fed((whole[at : at + size] for at in range(0, len(whole), size)), list(some))
    assert reader.is_whole
    found = reader.answer()
    assert found["bin_size"] == 1
    for task_found, sent in zip(found["prediction_tasks"], (some, other), strict=True):
        assert list(task_found["predictions"]) == list(sent)
        for name, value in sent.items():
            assert np.array_equal(task_found["predictions"][name], value)


def test_no_frame_holds_much() -> None:
    values = tracks_of(100, 20_000)
    frames = list(tensor_frames(response(task(values)), list(values)))
    assert max(map(len, frames)) < 1_200_000
    assert len(frames) == 2 + math.ceil(100 / math.ceil((1 << 20) / 80_000))


def test_only_arrays_are_streamed() -> None:
    assert is_streamable(response(task(dict(tracks_of(2, 3)))))
    for predictions in ({}, {"a": 1.0}, {"a": np.zeros(2), "b": Unanswered("no")}):
        assert not is_streamable(response(task(predictions)))


def frames_of(n: int) -> list[bytes]:
    values = {f"s{i}": np.zeros(1 << 17) for i in range(n)}
    return list(tensor_frames(response(task(values)), list(values)))


@pytest.mark.parametrize(
    "order", [[0, 1, 2], [0, 1, 3], [0, 2, 1, 3], [1, 0, 2, 3], [0, 1, 2, 3, 3], [0, 1, 1, 2, 3]]
)
def test_frames_that_are_missing_or_out_of_order_are_noticed(order: list[int]) -> None:
    frames = frames_of(2)
    assert len(frames) == 4
    with pytest.raises(BadRequestError):
        fed((frames[each] for each in order), ["s0", "s1"]).answer()


def framed(message: Any) -> bytes:
    content = msgspec.msgpack.encode(message)
    return len(content).to_bytes(8, "little") + content


TASK_FRAME = {"prediction_tasks": [{"streamed": None}]}


@pytest.mark.parametrize(
    "messages",
    [
        [{"prediction_tasks": ["streamed"]}],
        [{"prediction_tasks": [3]}],
        [{"prediction_tasks": 3}],
        [{"predictor_name": "p"}],
        [[]],
        [{"prediction_tasks": [{"streamed": 7}]}],
        [{"prediction_tasks": [{"streamed": [[1]]}]}],
        [TASK_FRAME, [0, 0, {"dtype": "<f8", "shape": [], "data": bytes(8)}]],
        [TASK_FRAME, [0, 0, {"dtype": "<f8", "shape": [1 << 40, 0], "data": b""}]],
        [TASK_FRAME, [0, 0, {"dtype": "<f8", "shape": [2], "data": bytes(16)}]],
        [TASK_FRAME, [1, 0, {"dtype": "<f8", "shape": [1], "data": bytes(8)}]],
        [TASK_FRAME, [-1, 0, {"dtype": "<f8", "shape": [1], "data": bytes(8)}]],
        [TASK_FRAME, "x"],
    ],
)
def test_frames_of_another_form_are_refused(messages: list[Any]) -> None:
    reader = FrameReader(["a"])
    with pytest.raises(BadRequestError, match="Could not parse tensors"):
        reader.feed(b"".join(map(framed, messages)))


def test_many_values_of_no_bytes_are_refused_before_they_are_made() -> None:
    message = decode(encode_tensor_answer(response(task({"a": np.zeros(2)})), ["a"]), MSGPACK)
    message["prediction_tasks"][0]["value_block"]["values"] = {
        "dtype": "<f8",
        "shape": [1 << 40, 0],
        "data": b"",
    }
    with pytest.raises(BadRequestError, match="for 1 sequences"):
        decode_tensor_answer(encode(message, MSGPACK), ["a"])


def test_a_frame_longer_than_ever_comes_is_waited_for_and_not_allocated() -> None:
    reader = FrameReader(["a"])
    reader.feed((1 << 60).to_bytes(8, "little") + b"abc")
    assert not reader.is_whole


# --- what is published of it ---


def test_the_page_of_documentation_shows_true_bytes() -> None:
    """The example in docs/tensor-format.md, byte for byte."""
    body = encode_request(request({"a": "ACGTN"}), TENSOR, edits=True)
    block = msgspec.msgpack.decode(body)["sequence_block"]
    assert block == {
        "ids": ["a"],
        "lengths": {"dtype": "<u4", "shape": [], "data": b"\x05\x00\x00\x00"},
        "code": "2bit",
        "n_runs": {"dtype": "<u4", "shape": [1, 2], "data": b"\x04\0\0\0\x01\0\0\0"},
        "data": b"\xe4\x00",
    }
    assert list(block)[-1] == "data"
    assert list(msgspec.msgpack.decode(body))[-1] == "sequence_block"


def test_the_published_schema_is_that_of_the_messages() -> None:
    published = json.loads(SCHEMA.read_text())
    assert published["$defs"] == json.loads(json.dumps(tensor_schemas("#/$defs/{name}")))
    assert set(published["$defs"]) >= {"TensorRequest", "TensorAnswer", "Item", "End"}


def test_the_client_of_the_page_of_documentation_writes_what_is_read() -> None:
    code = PAGE.read_text().partition("```python")[2].partition("```")[0]
    written: dict[str, Any] = {}
    exec(code, written)
    sequences = {"a": "ACGTA", "b": "TTGCACG", "c": "C"}
    block = {
        "ids": list(sequences),
        "lengths": written["tensor"](np.array([5, 7, 1], dtype="<u4")),
        "code": "2bit",
        "data": b"".join(map(written["two_bits"], sequences.values())),
    }
    body = {"readout": "point", "prediction_tasks": [TASK], "sequence_block": block}
    back = validate_request(decode_request(encode(body, MSGPACK), TENSOR, MOST))
    assert back == request(sequences)
