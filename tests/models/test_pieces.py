"""Edits of long references, cut and computed without all of them being built at once."""

from __future__ import annotations

import string
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import ModelError
from genomark.models import as_model, sequence_function
from genomark.models.declaration import Declaration
from genomark.models.pieces import predict_in_pieces
from genomark.models.splitting import split
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.protocol import (
    JSON,
    MSGPACK,
    TENSOR,
    Edit,
    EditedSequences,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    SoundSequences,
    TaskPrediction,
    Unanswered,
    decode_request,
    encode_request,
    total_letters,
    validate_request,
)
from genomark.scoring import ModelIdentity

TASK = PredictionTask("t", "expression", "K562", "homo_sapiens")
Values = Callable[[str, str], Any]


def request(sequences: Any, **more: Any) -> PredictRequest:
    return PredictRequest("point", [TASK], sequences, **more)


def edits_of(length: int, count: int, references: int = 1) -> EditedSequences:
    """Each edit has another letter changed."""
    letters = {f"r{i}": "ACGT"[i % 4] * length for i in range(references)}
    edits = {
        f"e{i}": Edit(f"r{i % references}", ((i % length, i % length + 1, "N"),))
        for i in range(count)
    }
    return EditedSequences(letters, edits)


def answer(asked: PredictRequest, values: Values, **task: Any) -> PredictResponse:
    told: dict[str, Any] = {
        "name": "t",
        "type_requested": "expression",
        "type_actual": ["CAGE"],
        "cell_type_requested": "K562",
        "cell_type_actual": "K562",
        "species_requested": "homo_sapiens",
        "species_actual": "homo_sapiens",
        "scale_prediction_requested": None,
        "scale_prediction_actual": "linear",
        "predictions": {name: values(name, each) for name, each in asked.sequences.items()},
    }
    return PredictResponse("foreign", [TaskPrediction(**(told | task))])


class Foreign:
    """A model from elsewhere, which knows nothing of edits."""

    info = ModelIdentity(id="foreign", version="1", digest="d")

    def __init__(self, values: Values = lambda name, each: float(len(each)), **task: Any) -> None:
        self.values, self.task = values, task
        self.asked: list[PredictRequest] = []

    def predict(self, request: PredictRequest) -> PredictResponse:
        assert type(request.sequences) is dict
        self.asked.append(request)
        return answer(request, self.values, **self.task)


# --- splitting -----------------------------------------------------------------------------------


@given(
    st.integers(1, 4), st.integers(0, 30), st.integers(1, 7), st.integers(100, 3000), st.booleans()
)
def test_parts_joined_are_the_whole_and_none_is_too_long(
    references: int, count: int, max_items: int, max_bytes: int, edits: bool
) -> None:
    sequences = edits_of(300, count, references)
    asked = request(sequences, prediction_ranges={name: [0, 9] for name in sequences})
    parts = list(split(asked, max_items, max_bytes, edits=edits))
    joined: dict[str, str] = {}
    for part in parts:
        joined |= part.sequences
        assert part.prediction_ranges == {name: [0, 9] for name in part.sequences}
        assert len(part.sequences) <= max_items
        for kind in (JSON, MSGPACK):
            length = len(encode_request(part, kind, edits=edits))
            assert length <= max_bytes or len(part.sequences) <= 1
    assert joined == dict(sequences)
    assert list(joined) == list(sequences)


def test_edits_of_one_reference_go_together_where_copies_would_not() -> None:
    asked = request(edits_of(10_000, 50))
    assert len(list(split(asked, 4096, 30_000))) == 25
    (part,) = split(asked, 4096, 30_000, edits=True)
    assert part is asked


def test_a_part_holds_the_references_of_its_own_edits() -> None:
    asked = request(edits_of(1000, 8, references=8))
    parts = list(split(asked, 3, 1 << 20, edits=True))
    held = [list(part.sequences.references) for part in parts]  # type: ignore[attr-defined]
    assert held == [["r0", "r1", "r2"], ["r3", "r4", "r5"], ["r6", "r7"]]


def test_splitting_builds_nothing() -> None:
    asked = request(edits_of(1_000_000, 500))
    tracemalloc.start()
    try:
        parts = list(split(asked, 4096, 10_000_000))
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(parts) > 50
    assert highest < 1_000_000


# --- models that know nothing of edits -----------------------------------------------------------


def test_a_foreign_model_is_handed_strings_a_piece_at_a_time() -> None:
    asked = request(edits_of(1000, 10), upstream_seq="A")
    model = Foreign()
    response = predict_in_pieces(model, asked, letters=3_500)
    assert [len(each.sequences) for each in model.asked] == [3, 3, 3, 1]
    assert all(each.upstream_seq == "A" for each in model.asked)
    assert {n: s for each in model.asked for n, s in each.sequences.items()} == dict(
        asked.sequences
    )
    assert response == answer(asked, lambda name, each: 1000.0)


def test_what_needs_no_pieces_is_answered_as_it_is() -> None:
    model = Foreign(lambda name, each: "strange")
    asked = request(edits_of(10, 4))
    assert predict_in_pieces(model, asked) == answer(asked, model.values)
    plain = request({"a": "ACGT" * 1000, "b": "A" * 1000})
    predict_in_pieces(model, plain, letters=10)
    assert model.asked[-1] is plain


def test_ranges_go_with_their_pieces() -> None:
    sequences = edits_of(1000, 4)
    ranges = {name: [i, i + 5] for i, name in enumerate(sequences)}
    model = Foreign()
    predict_in_pieces(model, request(sequences, prediction_ranges=ranges), letters=2500)
    assert [each.prediction_ranges for each in model.asked] == [
        {"e0": [0, 5], "e1": [1, 6]},
        {"e2": [2, 7], "e3": [3, 8]},
    ]


def test_what_one_piece_lacks_has_its_reason() -> None:
    class Forgetful(Foreign):
        def predict(self, request: PredictRequest) -> PredictResponse:
            response = super().predict(request)
            response.prediction_tasks[0].predictions.pop("e1", None)
            return response

    response = predict_in_pieces(Forgetful(), request(edits_of(1000, 4)), letters=2500)
    values = response.prediction_tasks[0].predictions
    assert isinstance(values["e1"], Unanswered)
    assert values["e1"].reason == "missing from the answer"
    assert [values[name] for name in ("e0", "e2", "e3")] == [1000.0] * 3


def test_a_task_that_every_piece_refuses_is_refused() -> None:
    refusal = {"error": "no such cell type"}
    asked = request(edits_of(1000, 4))
    response = predict_in_pieces(Foreign(predictions=refusal), asked, letters=2500)
    assert response.prediction_tasks[0].predictions == refusal


def test_pieces_that_were_answered_by_different_things_are_told() -> None:
    class Fickle(Foreign):
        def predict(self, request: PredictRequest) -> PredictResponse:
            self.task = {"scale_prediction_actual": ["linear", "log"][len(self.asked) % 2]}
            return super().predict(request)

    with pytest.raises(ModelError, match=r"'foreign' answered the parts .*: linear and log"):
        predict_in_pieces(Fickle(), request(edits_of(1000, 4)), letters=2500)


# --- models that build what they look at ---------------------------------------------------------


def test_a_function_of_sequences_sees_few_at_a_time_and_answers_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []

    def places_of_n(sequences: list[str]) -> list[float]:
        seen.append(sum(map(len, sequences)))
        return [float(each.index("N")) for each in sequences]

    model = as_model(places_of_n)
    asked = request(edits_of(1000, 10), upstream_seq="GG")
    at_once = predict_in_pieces(model, asked)
    assert seen == [10_020]
    monkeypatch.setattr(sequence_function, "_LETTERS", 2500)
    assert predict_in_pieces(model, asked) == at_once
    assert max(seen[1:]) <= 2500
    assert at_once.prediction_tasks[0].predictions == {f"e{i}": i + 2.0 for i in range(10)}


@pytest.mark.parametrize("mode", ["context", "crop"])
def test_tracks_of_edits_are_those_of_whole_copies(
    mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_n(sequences: list[str]) -> list[Any]:
        return [np.array([letter == "N" for letter in each], dtype=float) for each in sequences]

    readouts = {"track": sequence_function.Readout(is_n, "linear")}
    info = ModelIdentity(id="n", version="1", digest="d")
    model = sequence_function.SequencePredictor(info, "n", readouts, range_mode=mode)
    sequences = edits_of(100, 12)
    ranges = {name: [2, 8] for name in sequences}
    asked = PredictRequest("track", [TASK], sequences, prediction_ranges=ranges)
    copies = model.predict(msgspec.structs.replace(asked, sequences=dict(sequences)))
    monkeypatch.setattr(sequence_function, "_LETTERS", 30)
    tracks = predict_in_pieces(model, asked).prediction_tasks[0].predictions
    for i, (name, track) in enumerate(tracks.items()):
        assert track.tolist() == [float(place == i) for place in range(2, 9)]
        assert track.tolist() == copies.prediction_tasks[0].predictions[name].tolist()


def count_windows(windows: list[str], tracks: tuple[int, ...]) -> Any:
    counts = [[each[at : at + 4].count("N") for at in range(4, 12, 4)] for each in windows]
    return np.array(counts, dtype=float)[:, np.newaxis].repeat(len(tracks), axis=1)


def windowed() -> TrackPredictor:
    declared = Declaration(
        name="windowed",
        readouts=("point", "track"),
        tracks=(Track("CAGE", ("expression",), "K562"),),
        bin_size=4,
        input_length=16,
        output_length=8,
    )
    return TrackPredictor(ModelIdentity(id="w", version="1", digest="d"), declared, count_windows)


@pytest.mark.parametrize("readout", ["point", "track"])
def test_a_model_with_a_window_answers_edits_as_whole_copies(readout: str) -> None:
    sequences = edits_of(50, 20)
    ranges = {name: [i % 7, 30] for i, name in enumerate(sequences)}
    asked = PredictRequest(readout, [TASK], sequences, prediction_ranges=ranges)
    copies = msgspec.structs.replace(asked, sequences=dict(sequences))
    answers = [predict_in_pieces(windowed(), each) for each in (asked, copies)]
    told = [one.prediction_tasks[0].predictions for one in answers]
    values = [{name: np.asarray(each).tolist() for name, each in one.items()} for one in told]
    assert values[0] == values[1]
    assert len({str(each) for each in values[0].values()}) > 1


@pytest.mark.parametrize("model", [windowed(), as_model(lambda s: [float(len(e)) for e in s])])
def test_memory_is_that_of_a_few_sequences(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_function, "_LETTERS", 2_000_000)
    sequences = edits_of(500_000, 60)
    ranges = {name: [10, 40] for name in sequences}
    tracemalloc.start()
    try:
        predict_in_pieces(model, request(sequences, prediction_ranges=ranges))
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total_letters(sequences) == 30_000_000
    assert highest < 5_000_000


def test_letters_that_no_edit_keeps_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_function, "_LETTERS", 1_000_000)
    strange = "A" * 250_000 + "?" + "A" * 250_000
    edits = {f"e{i}": Edit("r", ((250_000 - i, 250_001, ""),)) for i in range(40)}
    model = as_model(lambda each: [float(len(s)) for s in each])
    tracemalloc.start()
    try:
        answered = predict_in_pieces(model, request(EditedSequences({"r": strange}, edits)))
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answered.prediction_tasks[0].predictions["e39"] == 499_961.0
    assert highest < 5_000_000


def test_the_letters_of_edits_are_of_any_case() -> None:
    sequences = EditedSequences({"r": "acgt"}, {"s": Edit("r", ((0, 0, "tt"),))})
    seen: list[str] = []
    model = as_model(lambda each: seen.extend(each) or [0.0])
    predict_in_pieces(model, request(sequences, downstream_seq="n"))
    assert seen == ["TTACGTN"]
    assert set(seen[0]) <= set(string.ascii_uppercase)


def test_a_model_that_takes_no_mapping_is_handed_a_dict() -> None:
    sequences = {"a": "ACGT", "b": "GG"}
    body = encode_request(request(sequences), TENSOR, edits=True)
    packed = validate_request(decode_request(body, TENSOR, 10))
    seen = []

    class Plain:
        info = ModelIdentity("m", "1", "0" * 32)

        def predict(self, asked: PredictRequest) -> PredictResponse:
            seen.append(asked.sequences)
            return answer(asked, lambda name, letters: 1.0)

    predict_in_pieces(Plain(), packed)
    assert type(packed.sequences) is SoundSequences
    assert seen == [sequences]
    assert type(seen[0]) is dict
