"""Answers that are arrays: what is kept of them, and what is refused with a reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from array_models import ArrayModel

import genomark
from genomark.benchmarks import Asking
from genomark.benchmarks.game.track_benchmark import ARRAY_COLUMNS, TrackBenchmark
from genomark.benchmarks.game.track_scores import TrackScores, correlation
from genomark.errors import CapabilityError, ModelError
from genomark.models import TrainingSplit, load_model
from genomark.protocol import PredictionTask, PredictResponse, Unanswered
from genomark.scoring import ModelIdentity

SEQUENCES = {"r0": "ACGTACGTACGT", "r1": "GGGGGGGGGGTT", "r2": "ACGT" * 5}


class Tracks(TrackBenchmark):
    """Three short regions, of which the truth is where G stands."""

    id = "tracks"
    version = "1"
    title = "three tracks"
    citation = "nobody"
    wording = PredictionTask(
        name="track", type="accessibility", cell_type="K562", species="homo_sapiens", scale="linear"
    )
    headlines = ("mean_pearson",)

    @property
    def items(self) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "item_id": list(SEQUENCES),
                "length": [len(each) for each in SEQUENCES.values()],
                "cluster": ["a", "b", "c"],
            }
        )

    def sequences(self, items: pl.DataFrame) -> list[str]:
        return [SEQUENCES[name] for name in items["item_id"]]

    def truths(self, items: pl.DataFrame) -> list[np.ndarray]:
        return [guanines(each) for each in self.sequences(items)]

    def scored(self, predictions: Path, limit: int | None) -> TrackScores:
        frame = self.selected(limit).join(pl.read_parquet(predictions), on="item_id", how="left")
        found = []
        for row in frame.iter_rows(named=True):
            known = guanines(SEQUENCES[row["item_id"]])
            found.append(row["value"] and correlation(np.array(row["value"]), known))
        columns = {"pearson": found, "undefined": [None] * len(found)}
        schema = {"pearson": pl.Float64, "undefined": pl.String}
        return TrackScores(frame.hstack(pl.DataFrame(columns, schema=schema)), ["pearson"], "rows")


def guanines(sequence: str) -> np.ndarray:
    return (np.frombuffer(sequence.encode(), np.uint8) == ord("G")).astype(float)


def read(model: ArrayModel) -> pl.DataFrame:
    benchmark = Tracks()
    return benchmark.read(benchmark.items, model.predict(benchmark.request(benchmark.items)))


def test_what_came_is_kept_with_where_its_bins_lie() -> None:
    found = read(ArrayModel(lambda each: guanines(each)[::4], bin_size=4))

    assert found.schema == ARRAY_COLUMNS
    for row in found.iter_rows(named=True):
        assert row["value"] == guanines(SEQUENCES[row["item_id"]])[::4].tolist()
        assert (row["bin_size"], row["trim_upstream"], row["reason"]) == (4, 0, None)


def test_the_trim_is_kept_and_counts_towards_the_bins() -> None:
    found = read(ArrayModel(lambda each: np.ones(-(-(len(each) + 3) // 8)), bin_size=8, trim=3))

    assert found["trim_upstream"].to_list() == [3, 3, 3]
    assert found["reason"].to_list() == [None] * 3


def test_a_track_without_a_bin_size_is_base_by_base() -> None:
    assert set(read(ArrayModel(guanines))["reason"]) == {None}
    assert read(ArrayModel(guanines))["bin_size"].to_list() == [1, 1, 1]


def test_a_scalar_is_a_track_of_one_bin() -> None:
    found = read(ArrayModel(lambda each: 0.5, bin_size=32))

    assert found["value"].to_list() == [[0.5]] * 3


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (ArrayModel(lambda each: guanines(each)[1:]), {"11 bins where 12 expected"}),
        (ArrayModel(lambda each: guanines(each)[None]), {"(1, 12) bins where 12 expected"}),
        (ArrayModel(lambda each: guanines(each) * np.nan), {"12 of 12 values are not finite"}),
        # More than single precision holds.
        (ArrayModel(lambda each: guanines(each) * 1e300), {"3 of 12 values are not finite"}),
        (ArrayModel(lambda each: "many"), {"expected an array of numbers, got str"}),
        (ArrayModel(lambda each: [[1.0], [1.0, 2.0]]), {"expected an array of numbers, got list"}),
        (ArrayModel(lambda each: None), {"missing from the answer"}),
        (ArrayModel(lambda each: Unanswered("too long")), {"too long"}),
        (ArrayModel(guanines, scale="log"), {"asked for scale 'linear', answered on 'log'"}),
        (ArrayModel(guanines, scale="N/A"), {"asked for scale 'linear', answered on 'N/A'"}),
        (
            ArrayModel(lambda each: guanines(each)[::4], bin_size=4, trim=4),
            {"trim_upstream 4 does not go with bins of 4 bp"},
        ),
        (
            ArrayModel(lambda each: guanines(each)[::4], bin_size=-4),
            {"trim_upstream 0 does not go with bins of -4 bp"},
        ),
    ],
)
def test_what_cannot_be_a_track_is_a_reason(model: ArrayModel, said: set[str]) -> None:
    first = read(model)["reason"][0]

    assert {first} == said
    assert read(model)["value"][0] is None


def test_a_task_that_failed_gives_its_reason_to_every_region() -> None:
    benchmark = Tracks()
    response = ArrayModel(guanines).predict(benchmark.request(benchmark.items))
    (task,) = response.prediction_tasks
    refused = msgspec.structs.replace(task, predictions={"error": "no such cells"})
    response = msgspec.structs.replace(response, prediction_tasks=[refused])

    found = benchmark.read(benchmark.items, response)
    assert set(found["reason"]) == {"the model refused: no such cells"}


def test_one_region_that_failed_sinks_no_other(tmp_path: Path) -> None:
    model = ArrayModel(lambda each: None if each == SEQUENCES["r1"] else guanines(each))
    (found,) = genomark.run([model], [Tracks()], out=tmp_path, progress=False).results

    row = found.metric("mean_pearson")
    assert (row.value, row.n, row.n_clusters) == (pytest.approx(1.0), 2, 2)
    assert [(each.reason, each.items) for each in found.coverage.failed] == [
        ("missing from the answer", 1)
    ]


def test_numbers_can_be_computed_again_from_what_was_kept(tmp_path: Path) -> None:
    model = ArrayModel(lambda each: guanines(each) + 0.1 * np.sin(np.arange(len(each))))
    (first,) = genomark.run([model], [Tracks()], out=tmp_path, progress=False).results
    (kept,) = (tmp_path / "predictions").glob("*.parquet")
    again = Tracks().scored(kept, None)

    values = [correlation(model.function(each), guanines(each)) for each in SEQUENCES.values()]
    assert first.metric("mean_pearson").value == pytest.approx(np.mean(values), rel=1e-6)
    assert again.rows(Asking())[0] == first.metrics[0]
    # A second run finds all of it done.
    asked = len(model.requests)
    (second,) = genomark.run([model], [Tracks()], out=tmp_path, progress=False).results
    assert second == first
    assert len(model.requests) == asked


def test_requests_are_cut_by_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tracks, "max_request_bases", 24)
    sizes = [part["item_id"].to_list() for part in Tracks().parts()]
    assert sizes == [["r0", "r1"], ["r2"]]

    monkeypatch.setattr(Tracks, "max_request_bases", 5)
    assert [part.height for part in Tracks().parts()] == [1, 1, 1]


def test_a_limit_chooses_evenly_spaced_regions() -> None:
    assert Tracks().selected(2)["item_id"].to_list() == ["r0", "r2"]
    assert Tracks().selected(9).height == 3


def test_models_that_cannot_answer_tracks_are_refused() -> None:
    with pytest.raises(CapabilityError, match="needs a Predictor that answers 'track'"):
        Tracks().identify(load_model("control:random"))
    with pytest.raises(CapabilityError, match="wants 'track', and it has point"):
        Tracks().identify(_OfPoints())


@dataclasses.dataclass
class _OfPoints(ArrayModel):
    """Says that it has points alone."""

    function: Any = guanines
    declaration: Any = dataclasses.field(default_factory=lambda: load_model("gc").declaration)

    def __post_init__(self) -> None:
        self.declaration = msgspec.structs.replace(self.declaration, readouts=("point",))


class _Fitted:
    """Is fitted, and then marks what it was fitted on."""

    info = ArrayModel(guanines, "fitted").info

    def default_split(self) -> TrainingSplit:
        return TrainingSplit("by hand", ["ACGG"], np.array([2.0]), ["one"])

    def identity(self, split: TrainingSplit) -> ModelIdentity:
        return ModelIdentity(id="fitted", version="1", digest=split.digest)

    def fit(self, split: TrainingSplit) -> ArrayModel:
        letter = ord(split.sequences[0][-1])
        return ArrayModel(lambda each: (np.frombuffer(each.encode(), np.uint8) == letter) * 2.0)


def test_a_model_that_is_fitted_brings_its_own_split(tmp_path: Path) -> None:
    (found,) = genomark.run([_Fitted()], [Tracks()], out=tmp_path, progress=False).results

    assert found.model.digest == _Fitted().default_split().digest
    assert found.metric("mean_pearson").value == pytest.approx(1.0)


def test_the_answers_are_kept_in_single_precision(tmp_path: Path) -> None:
    model = ArrayModel(lambda each: guanines(each) / 3.0)
    genomark.run([model], [Tracks()], out=tmp_path, progress=False)
    (kept,) = (tmp_path / "predictions").glob("*.parquet")
    frame = pl.read_parquet(kept)

    assert frame.schema["value"] == pl.List(pl.Float32)
    assert frame["value"][0].max() == np.float32(1 / 3)


def test_an_answer_to_several_tasks_is_refused() -> None:
    benchmark = Tracks()
    response: PredictResponse = ArrayModel(guanines).predict(benchmark.request(benchmark.items))
    doubled = msgspec.structs.replace(response, prediction_tasks=response.prediction_tasks * 2)

    with pytest.raises(ModelError, match="asked one task"):
        benchmark.read(benchmark.items, doubled)
