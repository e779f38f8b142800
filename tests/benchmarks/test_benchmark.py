"""Items, requests and answers: what every benchmark does."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.benchmarks import PredictorBenchmark
from genomark.benchmarks.asking import Asking
from genomark.benchmarks.predictor_benchmark import answer_frame, effect_of, only_task, point_of
from genomark.errors import ModelError
from genomark.protocol import (
    Edit,
    EditedSequences,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
)
from genomark.scoring import MetricRow, ModelIdentity, ScoringRule


def task_prediction(predictions: dict[str, Any], scale: str = "log") -> TaskPrediction:
    return TaskPrediction(
        name="t",
        type_requested="expression",
        type_actual=["expression"],
        cell_type_requested="K562",
        cell_type_actual="K562",
        species_requested="homo_sapiens",
        species_actual="homo_sapiens",
        scale_prediction_requested="log",
        scale_prediction_actual=scale,
        predictions=predictions,
    )


class Toy(PredictorBenchmark):
    """Two tasks; items can be handed in."""

    id = "toy"
    version = "1"
    title = "a toy"
    citation = "nobody"
    rule = ScoringRule(metrics=("pearson",), cluster="elements")
    max_request_items: ClassVar[int] = 4

    def __init__(self, rows: int = 11, **changed: list[Any]) -> None:
        self.rows = rows
        self.changed = changed

    @cached_property
    def items(self) -> pl.DataFrame:
        number = range(self.rows)
        columns = {
            "item_id": [f"item{each}" for each in number],
            "task": ["one" if each < 6 else "two" for each in number],
            "cluster": [str(each // 2) for each in number],
            "truth": [each / 7 for each in number],
            "sequence": ["ACGT"[each % 4] * 3 for each in number],
            "place": list(number),
        }
        return pl.DataFrame(columns | self.changed)

    def request(self, items: pl.DataFrame) -> PredictRequest:
        return PredictRequest(
            "point",
            [PredictionTask(items["task"][0], "expression", "K562", "homo_sapiens", "log")],
            dict(items.select("item_id", "sequence").iter_rows()),
        )


# --- points --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.5, 1.5), (-2, -2.0), ([3.25], 3.25), ([0], 0.0), (10**300, 1e300), (5e-324, 5e-324)],
    ids=["float", "integer", "list", "zero", "large", "small"],
)
def test_a_point_is_a_number_or_a_list_of_one(value: Any, expected: float) -> None:
    found = point_of(task_prediction({"a": value}), "a")
    assert found == (expected, None)
    assert isinstance(found[0], float)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "expected a number, got nothing"),
        ([None], "expected a number, got nothing"),
        ("1.5", "expected a number, got str"),
        (True, "expected a number, got bool"),
        ([False], "expected a number, got bool"),
        ([], "expected a number, got list"),
        ([1.0, 2.0], "expected a number, got list"),
        ([[1.0]], "expected a number, got list"),
        ({"value": 1.0}, "expected a number, got dict"),
        (math.nan, "the answer is nan"),
        (math.inf, "the answer is inf"),
        ([-math.inf], "the answer is -inf"),
        (10**400, "the answer is inf"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_anything_else_has_a_reason(value: Any, reason: str) -> None:
    assert point_of(task_prediction({"a": value}), "a") == (None, reason)


def test_what_is_missing_and_what_was_refused_are_two_things() -> None:
    assert point_of(task_prediction({"a": 1.0}), "b") == (None, "missing from the answer")
    refused = task_prediction({"error": "no such cell type"})
    assert point_of(refused, "a") == (None, "the model refused: no such cell type")


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(_json_values)
def test_every_answer_has_either_a_finite_value_or_a_reason(value: Any) -> None:
    number, reason = point_of(task_prediction({"a": value}), "a")
    assert (number is None) is (reason is not None)
    if number is not None:
        assert math.isfinite(number)
        assert number == (value[0] if isinstance(value, list) else value)


# --- effects -------------------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@given(finite, finite)
def test_a_log_effect_is_the_difference(reference: float, alternate: float) -> None:
    effect, reason = effect_of(task_prediction({}), (reference, None), (alternate, None))
    if math.isfinite(alternate - reference):
        assert (effect, reason) == (alternate - reference, None)
    else:
        assert effect is None
        assert reason == f"the effect is {alternate - reference}"


@given(positive, positive)
def test_a_linear_effect_is_the_log2_fold_change_and_always_finite(
    reference: float, alternate: float
) -> None:
    task = task_prediction({}, scale="linear")
    effect, reason = effect_of(task, (reference, None), (alternate, None))
    assert reason is None
    assert effect is not None
    assert math.isfinite(effect)
    ratio = alternate / reference
    if math.isfinite(ratio) and ratio > 1e-300:
        assert effect == pytest.approx(math.log2(ratio), rel=1e-12, abs=1e-12)


@given(
    st.floats(max_value=0, allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_fold_change_needs_two_positive_numbers(low: float, other: float) -> None:
    task = task_prediction({}, scale="linear")
    for pair in ((low, other), (other, low)):
        effect, reason = effect_of(task, (pair[0], None), (pair[1], None))
        assert effect is None
        assert reason == ("a linear prediction is not above 0, so its fold change is undefined")


def test_known_effects() -> None:
    assert effect_of(task_prediction({}), (1.5, None), (1.0, None)) == (-0.5, None)
    linear = task_prediction({}, scale="linear")
    assert effect_of(linear, (0.5, None), (4.0, None)) == (3.0, None)
    assert effect_of(linear, (3.0, None), (3.0, None)) == (0.0, None)


def test_an_unknown_scale_gives_no_effect() -> None:
    task = task_prediction({}, scale="ln")
    assert effect_of(task, (1.0, None), (2.0, None)) == (None, "unknown scale 'ln'")


def test_the_reference_is_blamed_first() -> None:
    task = task_prediction({})
    assert effect_of(task, (None, "x"), (None, "y")) == (None, "reference: x")
    assert effect_of(task, (1.0, None), (None, "y")) == (None, "y")


# --- reading -------------------------------------------------------------------------------------


def response(*tasks: TaskPrediction) -> PredictResponse:
    return PredictResponse("a-predictor", list(tasks))


def test_answers_are_read_in_the_order_of_the_items() -> None:
    toy = Toy()
    answers = toy.read(
        toy.items[:3], response(task_prediction({"item2": 2.0, "item0": [0.5], "item1": "x"}))
    )
    assert answers.rows() == [(0.5, None), (None, "expected a number, got str"), (2.0, None)]
    assert answers.schema == {"value": pl.Float64, "reason": pl.String}


@pytest.mark.parametrize("n", [0, 2])
def test_one_task_is_asked_and_one_answer_expected(n: int) -> None:
    with pytest.raises(ModelError, match=f"asked one task, 'a-predictor' answered {n}"):
        only_task(response(*[task_prediction({})] * n))


def test_no_answers_make_an_empty_table() -> None:
    assert answer_frame([]).schema == {"value": pl.Float64, "reason": pl.String}


# --- parts and limits ----------------------------------------------------------------------------


def test_parts_hold_one_task_and_no_more_items_than_a_request_may() -> None:
    parts = list(Toy().parts())
    assert [part.height for part in parts] == [4, 2, 4, 1]
    assert all(part["task"].n_unique() == 1 for part in parts)
    assert pl.concat(parts).equals(Toy().items)


@given(st.integers(1, 200), st.integers(1, 250))
def test_a_limit_takes_items_evenly_from_first_to_last(rows: int, limit: int) -> None:
    toy = Toy(rows)
    places = toy.selected(limit)["place"].to_list()
    assert len(places) == min(rows, limit)
    assert places == sorted(set(places))
    if limit >= rows:
        assert places == list(range(rows))
    elif limit > 1:
        step = (rows - 1) / (limit - 1)
        assert places[0] == 0
        assert places[-1] == rows - 1
        assert all(abs(place - index * step) <= 0.5 for index, place in enumerate(places))


def test_a_limit_is_over_all_tasks() -> None:
    assert [part["place"].to_list() for part in Toy().parts(limit=3)] == [[0, 5], [10]]


def test_without_a_limit_all_items_are_selected() -> None:
    assert Toy().selected() is not None
    assert Toy().selected().equals(Toy().items)


# --- asking and scoring --------------------------------------------------------------------------


class Watched:
    """A model that knows nothing of edits: lengths, and how many sequences it saw at once."""

    info = ModelIdentity(id="watched", version="1", digest="d")

    def __init__(self) -> None:
        self.seen: list[int] = []

    def predict(self, request: PredictRequest) -> PredictResponse:
        assert type(request.sequences) is dict
        self.seen.append(len(request.sequences))
        lengths = {name: float(len(each)) for name, each in request.sequences.items()}
        return response(task_prediction(lengths))


def test_a_model_is_handed_a_few_long_edits_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Edited(Toy):
        def request(self, items: pl.DataFrame) -> PredictRequest:
            edits = {
                name: Edit("long", ((0, place, ""),))
                for name, place in items.select("item_id", "place").iter_rows()
            }
            plain = super().request(items)
            whole = EditedSequences({"long": "A" * 30_000_000}, edits)
            return PredictRequest(plain.readout, plain.prediction_tasks, whole)

    model, kept = Watched(), []
    asking = Asking(keep=kept.append)
    (part, *_) = Edited().parts()
    answers = Edited().answer(model, part, asking)
    assert model.seen == [2, 2]
    assert answers["value"].to_list() == [30_000_000.0 - place for place in part["place"]]
    assert list(kept[0].prediction_tasks[0].predictions) == part["item_id"].to_list()


def test_published_rows_come_after_those_of_the_rule(tmp_path: Path) -> None:
    seen: list[pl.DataFrame] = []

    class Published(Toy):
        def published(self, frame: pl.DataFrame) -> list[MetricRow]:
            seen.append(frame)
            return [MetricRow("game_pearson_r", "Toy", 0.0, None, None, "as published", 3, 0)]

    benchmark = Published()
    answered = benchmark.selected(5).select(
        "item_id",
        "task",
        value=pl.Series([0.5, None, 1.0, 2.0, 4.0]),
        reason=pl.Series([None, "lost", None, None, None]),
    )
    # Predictions come in any order, a shard at a time.
    answered.reverse().write_parquet(tmp_path / "predictions.parquet")
    rows = benchmark.scored(tmp_path / "predictions.parquet", 5).rows(Asking())
    assert [(row.name, row.group) for row in rows] == [("pearson", None), ("game_pearson_r", "Toy")]
    assert rows[0].n == 4
    (frame,) = seen
    assert frame.select(benchmark.items.columns).equals(benchmark.selected(5))
    assert frame.select("item_id", "task", "value", "reason").equals(answered)
    assert benchmark.headlines == ("pearson",)


def test_by_default_nothing_is_published(tmp_path: Path) -> None:
    answered = Toy().items.select("item_id", "task", value="truth", reason=pl.lit(None, pl.String))
    answered.write_parquet(tmp_path / "predictions.parquet")
    scored = Toy().scored(tmp_path / "predictions.parquet", None)
    assert [row.name for row in scored.rows(Asking())] == ["pearson"]


# --- identity ------------------------------------------------------------------------------------


def test_the_same_items_have_the_same_digest() -> None:
    assert Toy().digest == Toy().digest
    assert Toy().identity.digest == Toy().digest
    assert (Toy().identity.id, Toy().identity.title) == ("toy", "a toy")


def _without(values: list[Any], place: int, other: Any) -> list[Any]:
    return [*values[:place], other, *values[place + 1 :]]


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("item_id", "another"),
        ("task", "another"),
        ("cluster", "another"),
        ("sequence", "AAC"),
        ("truth", 0.5 + 1e-15),
        ("place", 99),
    ],
)
@pytest.mark.parametrize("place", [0, 5, 10])
def test_any_changed_item_changes_the_digest(column: str, other: Any, place: int) -> None:
    values = Toy().items[column].to_list()
    assert Toy(**{column: _without(values, place, other)}).digest != Toy().digest


def test_order_and_number_of_items_count() -> None:
    backwards = {name: Toy().items[name].to_list()[::-1] for name in Toy().items.columns}
    digests = {Toy().digest, Toy(**backwards).digest, Toy(10).digest, Toy(12).digest}
    assert len(digests) == 4


def test_version_rule_and_wording_count() -> None:
    class Newer(Toy):
        version = "2"

    class Ruled(Toy):
        rule = ScoringRule(metrics=("spearman",), cluster="elements")

    class Worded(Toy):
        def _wording(self) -> Any:
            return PredictionTask("t", "expression", "HepG2", "homo_sapiens")

    digests = {each().digest for each in (Toy, Newer, Ruled, Worded)}
    assert len(digests) == 4


def test_by_default_there_is_no_split_and_no_known_ceiling() -> None:
    toy = Toy()
    assert toy.training_split() is None
    assert toy.ceiling == {}
    assert toy.sequence_ids(toy.items).equals(toy.items.select("item_id", "task"))


def test_numbers_keep_their_last_bit_in_the_digest() -> None:
    values = Toy().items["truth"].to_list()
    nudged = _without(values, 3, float(np.nextafter(values[3], 1)))
    assert Toy(truth=nudged).digest != Toy().digest
