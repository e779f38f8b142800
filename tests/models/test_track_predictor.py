"""End to end, with a model whose output anybody can count: letters in bins."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from genomark.errors import ModelError
from genomark.models import track_predictor
from genomark.models.declaration import Declaration
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import MatcherError, Track
from genomark.protocol import (
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    UpstreamDependencyError,
    bases_of_bins,
)
from genomark.scoring import ModelIdentity

INPUT, OUTPUT, BIN = 48, 32, 4
TRACKS = (
    Track("DNASE", ("accessibility",), "K562"),
    Track("ATAC", ("accessibility",), "K562"),
    Track("ATAC", ("accessibility",), "K562"),
    Track("CAGE", ("expression",), "HepG2"),
    Track("CHIP_ctcf", ("binding_ctcf",), "K562"),
)
#: What each track counts.
LETTERS = "ACGTC"


class Counts:
    """How often the letter of each track is in each bin; remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], tuple[int, ...]]] = []

    def __call__(self, windows: list[str], tracks: tuple[int, ...]) -> Any:
        self.batches.append((list(windows), tracks))
        margin = (INPUT - OUTPUT) // 2
        return [
            [
                [
                    window[at : at + BIN].count(LETTERS[track])
                    for at in range(margin, margin + OUTPUT, BIN)
                ]
                for track in tracks
            ]
            for window in windows
        ]


class Stub:
    version = "Matcher_7"

    def __init__(self, answer: str | None = None, *, down: bool = False) -> None:
        self.answer, self.down = answer, down
        self.asked = 0

    def match(self, category: str, term: str, choices: Sequence[str]) -> str | None:
        self.asked += 1
        if self.down:
            raise MatcherError("Failed to connect to remote Matcher: nobody there")
        return self.answer


def model(function: Any = None, matcher: Any = None, **changed: Any) -> TrackPredictor:
    declared: dict[str, Any] = {
        "name": "toy",
        "readouts": ("point", "track"),
        "scales": ("linear", "log"),
        "tracks": TRACKS,
        "bin_size": BIN,
        "input_length": INPUT,
        "output_length": OUTPUT,
    }
    return TrackPredictor(
        ModelIdentity(id="toy", version="1", digest="d"),
        Declaration(**(declared | changed)),
        function or Counts(),
        matcher,
    )


def task(kind: str = "accessibility", cell: str = "K562", scale: Any = UNSET, name: str = "t"):
    return PredictionTask(name, kind, cell, "homo_sapiens", scale=scale)


def request(
    sequences: dict[str, str], *tasks: PredictionTask, readout: str = "track", **more: Any
) -> PredictRequest:
    return PredictRequest(readout, list(tasks or (task(),)), sequences, **more)


def only(response: PredictResponse) -> Any:
    (answer,) = response.prediction_tasks
    return answer


def expected_bins(
    sequence: str, start: int, length: int, trim: int, letters: str = "ACG"
) -> list[float]:
    """The mean count over tracks, by walking over the bases one at a time."""
    first = start - trim
    n_bins = math.ceil((trim + length) / BIN)
    counts = []
    for number in range(n_bins):
        places = range(first + number * BIN, first + (number + 1) * BIN)
        inside = [sequence[at] for at in places if 0 <= at < len(sequence)]
        counts.append(sum(inside.count(letter) for letter in letters) / len(letters))
    return counts


@given(st.integers(1, 200), st.integers(0, 2**32), st.data())
def test_a_track_is_what_can_be_counted_in_its_bins(
    length: int, seed: int, data: st.DataObject
) -> None:
    sequence = "".join(random.Random(seed).choices("ACGTN", k=length))
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start, length - 1))
    asked = request({"s": sequence}, prediction_ranges={"s": [start, end]})
    response = model().predict(asked)
    answer = only(response)
    trim = answer.trim_upstream["s"]
    assert response.bin_size == BIN
    found = answer.predictions["s"]
    assert isinstance(found, np.ndarray)
    assert found.ndim == 1
    expected = expected_bins(sequence, start, end - start + 1, trim)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # What an evaluator makes of it: a value for each base asked about.
    assert bases_of_bins(found, BIN, end - start + 1, trim).shape == (end - start + 1,)


def test_a_whole_sequence_with_flanks_is_answered_in_flanked_coordinates() -> None:
    asked = request(
        {"one": "acgtacgtcg", "all": "CGCGNNAATT"},
        upstream_seq="AC",
        downstream_seq="GT",
        prediction_ranges={"one": [2, 11], "all": []},
    )
    answer = only(model().predict(asked))
    assert list(answer.predictions) == ["one", "all"]
    assert list(answer.trim_upstream) == ["one", "all"]
    for name, start, length in (("one", 2, 10), ("all", 0, 14)):
        whole = f"AC{asked.sequences[name].upper()}GT"
        expected = expected_bins(whole, start, length, answer.trim_upstream[name])
        np.testing.assert_allclose(answer.predictions[name], expected)


def test_a_range_sees_what_lies_around_it() -> None:
    counts = Counts()
    sequence = "".join(random.Random(1).choices("ACGT", k=200))
    model(counts).predict(request({"s": sequence}, prediction_ranges={"s": [100, 103]}))
    ((windows, _),) = counts.batches
    # Four bases in the middle of 48.
    assert windows == [sequence[78:126]]


def test_a_point_is_the_mean_of_the_bins() -> None:
    sequence = "ACCA" * 8
    answer = only(model().predict(request({"s": sequence}, task("expression"), readout="point")))
    # CAGE of HepG2 only: the cell type misses.
    assert "error" in answer.predictions
    asked = request({"s": sequence}, task("expression", "HepG2"), readout="point")
    response = model().predict(asked)
    assert only(response).predictions == {"s": 0.0}
    asked = request({"s": sequence}, task("binding_ctcf"), readout="point")
    answer = only(model().predict(asked))
    # Two C in each bin of four.
    assert answer.predictions == {"s": 2.0}
    assert type(answer.predictions["s"]) is float
    assert answer.aggregation == {"bins": "mean"}
    assert answer.trim_upstream is UNSET


def test_scales_are_honoured_and_told() -> None:
    tasks = [task("binding_ctcf", scale=scale) for scale in (UNSET, "linear", "log")]
    for readout in ("point", "track"):
        answers = model().predict(request({"s": "ACCA" * 8}, *tasks, readout=readout))
        values = [np.mean(each.predictions["s"]) for each in answers.prediction_tasks]
        assert values == pytest.approx([2.0, 2.0, math.log2(2.0 + 1e-9)], rel=1e-12)
        told = [
            (each.scale_prediction_requested, each.scale_prediction_actual)
            for each in answers.prediction_tasks
        ]
        assert told == [(None, "linear"), ("linear", "linear"), ("log", "log")]


def test_the_logarithm_of_nothing_is_finite() -> None:
    answer = only(model().predict(request({"s": "N" * 50}, task(scale="log"))))
    np.testing.assert_allclose(answer.predictions["s"], math.log2(1e-9))
    negative = model(lambda windows, tracks: np.full((len(windows), len(tracks), 8), -3.0))
    assert np.isfinite(
        only(negative.predict(request({"s": "A"}, task(scale="log")))).predictions["s"]
    )


@pytest.mark.parametrize(
    ("kind", "cell", "assays", "track", "point"),
    [
        (
            "accessibility",
            "k562",
            ["DNASE", "ATAC"],
            {"tracks": "mean", "replicates": "mean"},
            {"bins": "mean", "tracks": "mean", "replicates": "mean"},
        ),
        ("expression", "HEPG2", ["CAGE"], UNSET, {"bins": "mean"}),
    ],
)
def test_what_was_averaged_is_told(
    kind: str, cell: str, assays: list[str], track: Any, point: Any
) -> None:
    for readout, aggregation in (("track", track), ("point", point)):
        asked = request({"s": "ACGT"}, task(kind, cell), readout=readout)
        answer = only(model().predict(asked))
        assert answer.aggregation == aggregation
        assert answer.type_actual == assays
        assert answer.cell_type_requested == cell
        assert answer.cell_type_actual.lower() == cell.lower()
        assert (answer.species_requested, answer.species_actual) == ("homo_sapiens",) * 2


def test_windows_of_many_sequences_are_batched_together() -> None:
    counts = Counts()
    sequences = {str(number): "ACGT" * 8 for number in range(100)}
    sequences["long"] = "ACGT" * 100
    model(counts).predict(request(sequences))
    # 100 windows, and 13 of the long one.
    assert [len(windows) for windows, _ in counts.batches] == [64, 49]
    assert {tracks for _, tracks in counts.batches} == {(0, 1, 2)}
    assert {len(window) for windows, _ in counts.batches for window in windows} == {INPUT}


def test_all_tasks_are_of_one_pass_over_the_windows() -> None:
    counts = Counts()
    tasks = [task(name="a"), task(cell="k562", name="b", scale="log"), task("binding_ctcf")]
    first, second, _ = model(counts).predict(request({"s": "ACCA"}, *tasks)).prediction_tasks
    assert [tracks for _, tracks in counts.batches] == [(0, 1, 2, 4)]
    np.testing.assert_allclose(second.predictions["s"], np.log2(first.predictions["s"] + 1e-9))


@pytest.mark.parametrize("readout", ["track", "point"])
def test_a_task_is_answered_as_it_is_alone(readout: str) -> None:
    tasks = [task(), task("expression", "HepG2"), task("binding_ctcf"), task(cell="qqqq"), task()]
    sequences = {"s": "ACCAGT" * 9, "t": "GGCA" * 30}
    together = model().predict(request(sequences, *tasks, readout=readout)).prediction_tasks
    for each, answer in zip(tasks, together, strict=True):
        alone = only(model().predict(request(sequences, each, readout=readout)))
        for name, value in alone.predictions.items():
            assert np.array_equal(answer.predictions[name], value)
        assert answer.predictions.keys() == alone.predictions.keys()
        assert replace(answer, predictions={}) == replace(alone, predictions={})


def test_of_many_tracks_fewer_windows_are_given_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track_predictor, "_BATCH_VALUES", 4 * (OUTPUT // BIN) * 3 + 1)
    counts = Counts()
    asked = request({str(place): "ACGT" * 8 for place in range(7)}, task(), task("binding_ctcf"))
    few = model(counts).predict(asked)
    assert [len(windows) for windows, _ in counts.batches] == [3, 3, 1]
    monkeypatch.undo()
    many = model().predict(asked)
    for one, other in zip(few.prediction_tasks, many.prediction_tasks, strict=True):
        assert all(np.array_equal(one.predictions[name], other.predictions[name]) for name in "06")


def test_one_task_that_cannot_be_answered_leaves_the_others_be() -> None:
    tasks = [task(name="a"), task(cell="qqqq", name="b", scale="log"), task("expression", "HepG2")]
    response = model().predict(request({"s": "ACGT"}, *tasks))
    good, bad, other = response.prediction_tasks
    assert isinstance(good.predictions["s"], np.ndarray)
    assert isinstance(other.predictions["s"], np.ndarray)
    assert bad.name == "b"
    assert bad.predictions == {
        "error": "Request Error: No requested tracks in the requested type: accessibility and "
        "cell type: qqqq found."
    }
    assert (bad.type_requested, bad.type_actual) == ("accessibility", ["N/A"])
    assert (bad.cell_type_requested, bad.cell_type_actual) == ("qqqq", "N/A")
    assert (bad.species_requested, bad.species_actual) == ("homo_sapiens", "homo_sapiens")
    assert (bad.scale_prediction_requested, bad.scale_prediction_actual) == ("log", "N/A")
    assert bad.trim_upstream is UNSET
    assert bad.aggregation is UNSET
    assert response.matcher_version == "N/A"


def test_the_matcher_is_asked_only_for_what_is_open_and_then_named() -> None:
    matcher = Stub("K562")
    assert model(matcher=matcher).predict(request({"s": "A"})).matcher_version == "N/A"
    assert matcher.asked == 0
    response = model(matcher=matcher).predict(request({"s": "A"}, task(cell="lymphoblast")))
    assert response.matcher_version == "Matcher_7"
    assert only(response).cell_type_actual == "K562"
    assert only(response).cell_type_requested == "lymphoblast"
    # It was asked, so it is named, though it knew of nothing.
    response = model(matcher=Stub(None)).predict(request({"s": "A"}, task(cell="Actin")))
    assert response.matcher_version == "Matcher_7"
    assert "error" in only(response).predictions


def test_a_matcher_that_is_down_fails_its_tasks_only() -> None:
    matcher = Stub(down=True)
    response = model(matcher=matcher).predict(
        request({"s": "A"}, task(name="good"), task(cell="lymphoblast", name="bad"))
    )
    good, bad = response.prediction_tasks
    assert isinstance(good.predictions["s"], np.ndarray)
    assert bad.predictions == {"error": "Failed to connect to remote Matcher: nobody there"}
    assert response.matcher_version == "N/A"


def test_a_request_that_only_the_matcher_could_serve_fails_when_it_is_down() -> None:
    asked = request({"s": "A"}, task(cell="lymphoblast"), task(cell="other", name="u"))
    with pytest.raises(UpstreamDependencyError, match="Failed to connect") as caught:
        model(matcher=Stub(down=True)).predict(asked)
    assert caught.value.http_status == 502


def test_what_the_model_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(PredictionFailedError, match="toy cannot process 'interaction_matrix'"):
        model().predict(request({"s": "A"}, readout="interaction_matrix"))
    with pytest.raises(PredictionFailedError, match="does not support type: conformation_x"):
        model().predict(request({"s": "A"}, task(), task("conformation_x")))
    with pytest.raises(PredictionFailedError, match="only supports species"):
        model().predict(request({"s": "A"}, PredictionTask("t", "expression", "K562", "danio")))
    with pytest.raises(PredictionFailedError, match="sequence 's' is empty"):
        model().predict(request({"s": ""}))


def test_no_tasks_and_no_sequences_are_answered_with_none() -> None:
    assert model().predict(PredictRequest("track", [], {"s": "A"})).prediction_tasks == []
    assert only(model().predict(request({}))).predictions == {}


@pytest.mark.parametrize("shape", [(8,), (1, 8), (1, 3, 7), (2, 3, 8), (1, 2, 8), ()])
def test_values_of_another_shape_are_the_models_fault(shape: tuple[int, ...]) -> None:
    broken = model(lambda windows, tracks: np.zeros(shape))
    with pytest.raises(ModelError, match=r"expected \(1, 3, 8\): windows, tracks, bins"):
        broken.predict(request({"s": "A"}))


@pytest.mark.parametrize(
    "missing", [{"input_length": None}, {"output_length": None}, {"tracks": ()}]
)
def test_a_declaration_says_what_is_needed(missing: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="declares tracks, input_length and output_length"):
        model(**missing)


def test_its_name_is_the_declared_one() -> None:
    assert model().predictor_name == "toy"
    assert model().predict(request({"s": "A"})).predictor_name == "toy"
