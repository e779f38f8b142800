"""What the protocol asks for around a function of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from msgspec import UNSET

from genomark.errors import ModelError
from genomark.models import load_model, sequence_function
from genomark.models.sequence_function import Actual, Readout, SequencePredictor
from genomark.protocol import (
    TENSOR,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    decode_request,
    encode_request,
    validate_request,
)
from genomark.protocol.blocks import PackedTexts
from genomark.scoring import ModelIdentity


class Watched:
    """Lengths as answers, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, sequences: list[str]) -> list[float]:
        self.asked.append(sequences)
        return [float(len(sequence)) for sequence in sequences]


INFO = ModelIdentity(id="a-model", version="1", digest="d")


def predictor(readouts: dict[str, Readout], actual: Actual | None = None) -> SequencePredictor:
    return SequencePredictor(INFO, "genomark-test", readouts, actual or Actual())


def task(name: str = "t", **changed: Any) -> PredictionTask:
    asked = {"type": "expression", "cell_type": "HepG2", "species": "homo_sapiens", **changed}
    return PredictionTask(name, **asked)


def request(
    sequences: dict[str, str], *tasks: PredictionTask, readout: str = "point", **more: Any
) -> PredictRequest:
    return PredictRequest(readout, list(tasks or (task(),)), sequences, **more)


@pytest.fixture
def lengths() -> Watched:
    return Watched()


def test_sequences_are_computed_once_however_many_tasks_ask(lengths: Watched) -> None:
    model = predictor({"point": Readout(lengths, "log", np.exp2)})
    response = model.predict(request({"a": "acg", "b": "T"}, task("one"), task("two")))
    assert lengths.asked == [["ACG", "T"]]
    assert [each.name for each in response.prediction_tasks] == ["one", "two"]
    assert [each.predictions for each in response.prediction_tasks] == [{"a": 3.0, "b": 1.0}] * 2


def test_each_task_gets_the_scale_it_asks_for(lengths: Watched) -> None:
    model = predictor({"point": Readout(lengths, "log", np.exp2)})
    asked = [task("log", scale="log"), task("linear", scale="linear"), task("any")]
    answers = model.predict(request({"a": "ACG"}, *asked)).prediction_tasks
    assert [each.predictions["a"] for each in answers] == [3.0, 8.0, 3.0]
    assert [each.scale_prediction_actual for each in answers] == ["log", "linear", "log"]
    assert [each.scale_prediction_requested for each in answers] == ["log", "linear", None]


def test_a_scale_that_cannot_be_given_is_not_claimed(lengths: Watched) -> None:
    model = predictor({"point": Readout(lengths, "linear")})
    (answer,) = model.predict(request({"a": "ACG"}, task(scale="log"))).prediction_tasks
    assert answer.predictions == {"a": 3.0}
    assert (answer.scale_prediction_requested, answer.scale_prediction_actual) == ("log", "linear")


def test_requests_are_echoed_and_the_truth_is_told(lengths: Watched) -> None:
    actual = Actual("expression", "K562", "homo_sapiens")
    model = predictor({"point": Readout(lengths, "log")}, actual)
    asked = task(type="accessibility", species="mus_musculus")
    (answer,) = model.predict(request({"a": "A"}, asked)).prediction_tasks
    assert (answer.type_requested, answer.type_actual) == ("accessibility", ["expression"])
    assert (answer.cell_type_requested, answer.cell_type_actual) == ("HepG2", "K562")
    assert (answer.species_requested, answer.species_actual) == ("mus_musculus", "homo_sapiens")


@pytest.mark.parametrize(
    ("mode", "seen"), [("crop", ["GAA", "GGCCCCT"]), ("context", ["GGAAAAT", "GGCCCCT"])]
)
def test_the_range_mode_says_what_is_seen(lengths: Watched, mode: Any, seen: list[str]) -> None:
    model = SequencePredictor(INFO, "n", {"point": Readout(lengths, "log")}, range_mode=mode)
    asked = request(
        {"a": "AAAA", "b": "CCCC"},
        upstream_seq="GG",
        downstream_seq="T",
        prediction_ranges={"a": [1, 3], "b": []},
    )
    model.predict(asked)
    assert lengths.asked == [seen]


def test_a_readout_it_does_not_have_is_refused(lengths: Watched) -> None:
    model = predictor({"point": Readout(lengths, "log")})
    with pytest.raises(PredictionFailedError, match="genomark-test cannot process 'track'"):
        model.predict(request({"a": "A"}, readout="track"))
    assert lengths.asked == []


def test_nothing_asked_is_nothing_computed(lengths: Watched) -> None:
    model = predictor({"point": Readout(lengths, "log")})
    assert model.predict(PredictRequest("point", [], {"a": "A"})).prediction_tasks == []
    (answer,) = model.predict(request({})).prediction_tasks
    assert answer.predictions == {}
    assert lengths.asked == []


def test_only_tracks_have_a_bin_size(lengths: Watched) -> None:
    tracks = Readout(lambda sequences: [np.zeros(len(s)) for s in sequences], "linear")
    model = predictor({"point": Readout(lengths, "log"), "track": tracks})
    assert model.predict(request({"a": "ACG"})).bin_size is UNSET
    assert model.predict(request({"a": "ACG"}, readout="track")).bin_size == 1


def test_tracks_are_converted_each_by_itself() -> None:
    tracks = Readout(lambda sequences: [np.arange(len(s)) for s in sequences], "log", np.exp2)
    model = predictor({"track": tracks})
    asked = request({"a": "ACG", "b": "A"}, task(scale="linear"), readout="track")
    (answer,) = model.predict(asked).prediction_tasks
    assert {name: track.tolist() for name, track in answer.predictions.items()} == {
        "a": [1.0, 2.0, 4.0],
        "b": [1.0],
    }


def test_a_track_of_another_length_is_the_models_fault() -> None:
    model = predictor({"track": Readout(lambda sequences: [np.zeros(2)] * 2, "linear")})
    with pytest.raises(ModelError, match="'a-model' did not give one value per 1 bp"):
        model.predict(request({"a": "AC", "b": "ACG"}, readout="track"))


def test_points_of_another_number_are_the_models_fault() -> None:
    model = predictor({"point": Readout(lambda sequences: [1.0], "linear")})
    with pytest.raises(ModelError, match=r"shape \(1,\) for 2 sequences; expected \(2,\)"):
        model.predict(request({"a": "AC", "b": "ACG"}))


def test_sequences_it_cannot_read_are_refused_before_the_function(lengths: Watched) -> None:
    model = predictor({"point": Readout(lengths, "log")})
    with pytest.raises(PredictionFailedError):
        model.predict(request({"a": "AUG", "b": ""}))
    assert lengths.asked == []


def positions(sequences: list[str]) -> list[Any]:
    """Each base's place, in bins of 4: what a cut of it holds can be read off."""
    return [np.arange(-(-len(sequence) // 4), dtype=float) for sequence in sequences]


def test_a_range_cuts_the_track_of_the_whole_sequence_at_its_bins() -> None:
    model = SequencePredictor(INFO, "n", {"track": Readout(positions, "log")}, bin_size=4)
    asked = request({"a": "A" * 22, "b": "A" * 8}, prediction_ranges={"a": [6, 12], "b": []})
    asked.readout = "track"
    response = model.predict(asked)
    (answer,) = response.prediction_tasks
    assert response.bin_size == 4
    # Bases 6 to 12 lie in bins 1 (4 to 7), 2 and 3 (12 to 15); two bases of bin 1 come before.
    assert answer.predictions["a"].tolist() == [1.0, 2.0, 3.0]
    assert answer.predictions["b"].tolist() == [0.0, 1.0]
    assert answer.trim_upstream == {"a": 2, "b": 0}


def test_tasks_of_other_cell_types_are_computed_on_their_own(lengths: Watched) -> None:
    model = predictor({"point": Readout(lengths, "log")})
    model.predict(request({"a": "A"}, task("one"), task("two"), task("other", cell_type="K562")))
    assert len(lengths.asked) == 2


def test_what_it_offers_follows_from_its_readouts() -> None:
    known = Actual(type="expression", cell_type="K562", species="homo_sapiens")
    model = predictor({"point": Readout(len, "log", np.exp2), "track": Readout(len, "log")}, known)
    declared = model.declaration
    assert declared.readouts == ("point", "track")
    assert declared.scales == ("linear", "log")
    assert [(t.assay, t.cell_type) for t in declared.tracks] == [("expression", "K562")]
    assert predictor({"point": Readout(len, "log")}).declaration.tracks == ()


def test_sequences_are_checked_though_nothing_is_asked_of_them():
    request = PredictRequest("point", [], {"a": "A*"})
    with pytest.raises(PredictionFailedError, match="'a'"):
        load_model("cpg").predict(request)
    assert load_model("cpg").predict(PredictRequest("point", [], {"a": "A"})).prediction_tasks == []


def over_the_wire(asked: PredictRequest) -> PredictRequest:
    return validate_request(decode_request(encode_request(asked, TENSOR, edits=True), TENSOR, 10))


def test_a_function_of_any_sequence_is_given_no_strings_before_it_looks() -> None:
    seen: list[Any] = []

    def count(sequences: Sequence[str]) -> list[int]:
        seen.append(sequences)
        return list(range(len(sequences)))

    model = predictor({"point": Readout(count, "log", takes_any=True)})
    asked = request({"a": "ACG", "b": "T"})
    answer = model.predict(over_the_wire(asked))
    assert answer.prediction_tasks[0].predictions == {"a": 0.0, "b": 1.0}
    assert isinstance(seen[0], PackedTexts)
    assert "strings" not in vars(seen[0])
    assert list(seen[0]) == ["ACG", "T"]
    # In process the strings are there, and where there is something to be done to them, too.
    model.predict(asked)
    assert vars(seen[-1])["strings"] == ["ACG", "T"]
    model.predict(over_the_wire(request({"a": "ACG", "b": "T"}, upstream_seq="G")))
    assert seen[-1] == ["GACG", "GT"]


def test_scales_and_buffers_of_a_model_are_no_others() -> None:
    buffer = np.zeros(1)

    def reused(sequences: list[str]) -> Any:
        buffer[:] = len(sequences[0])
        return buffer

    def in_place(values: Any) -> Any:
        return np.log2(values, out=values)

    model = predictor({"point": Readout(reused, "linear", convert=in_place)})
    tasks = [task("one", scale="log"), task("two", scale="linear"), task("three", scale="log")]
    first = model.predict(request({"a": "ACGT"}, *tasks))
    model.predict(request({"a": "ACGTACGT"}, *tasks))
    assert [each.predictions for each in first.prediction_tasks] == [
        {"a": 2.0},
        {"a": 4.0},
        {"a": 2.0},
    ]


def test_a_function_of_lists_is_given_a_list_of_its_own() -> None:
    def spoil(sequences: list[str]) -> list[int]:
        found = list(map(len, sequences))
        sequences[0] = ""
        return found

    model = predictor({"point": Readout(spoil, "log")})
    asked = over_the_wire(request({"a": "ACG"}, task("one"), task("two", cell_type="K562")))
    for each in model.predict(asked).prediction_tasks:
        assert each.predictions == {"a": 3.0}
    assert asked.sequences == {"a": "ACG"}


@pytest.mark.parametrize("most", [3, 100])
def test_what_is_cut_into_batches_is_so_for_both_kinds(most: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(sequence_function, "_LETTERS", most)
    for takes_any in (False, True):
        model = predictor(
            {"point": Readout(lambda some: list(map(len, some)), "log", takes_any=takes_any)}
        )
        for asked in (request({"a": "ACG", "b": "T", "c": "GG"}), request({})):
            found = model.predict(over_the_wire(asked)).prediction_tasks[0].predictions
            assert found == {name: len(text) for name, text in asked.sequences.items()}


@pytest.mark.parametrize("name", ["gc", "cpg"])
def test_built_in_models_give_the_same_bits_for_packed_letters(name: str) -> None:
    random = np.random.default_rng(0)
    letters = np.array(list("ACGTN"))
    sequences = {str(n): "".join(random.choice(letters, n)) for n in range(1, 300, 7)}
    asked = request(sequences)
    model = load_model(name)
    packed = validate_request(
        decode_request(encode_request(asked, TENSOR, edits=True), TENSOR, 1_000)
    )
    assert model.predict(packed) == model.predict(asked)
