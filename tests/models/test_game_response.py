import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from genomark.errors import PredictionFileError, RemoteModelError
from genomark.models.game_response import parse_response
from genomark.protocol import JSON, PredictResponse, TaskPrediction, decode, encode

TASK = {
    "name": "k562_acc",
    "type_requested": "accessibility",
    "type_actual": ["ATAC", "DNASE"],
    "cell_type_requested": "K562",
    "cell_type_actual": "k562",
    "species_requested": "homo_sapiens",
    "species_actual": "homo_sapiens",
    "scale_prediction_requested": "linear",
    "scale_prediction_actual": "linear",
    "aggregation": {"tracks": "mean", "replicates": "mean"},
    "predictions": {"enh1": [0.1, 0.4, 0.2], "ctrl": [0.0, 0.3, 0.3, 0.1]},
    "trim_upstream": {"enh1": 2, "ctrl": 0},
}
RESPONSE = {
    "predictor_name": "Toy_20260101-000000_UTC",
    "matcher_version": "N/A",
    "bin_size": 4,
    "prediction_tasks": [TASK],
}


def parsed(raw):
    return parse_response(raw, "http://here", RemoteModelError)


def parsed_task(**changes):
    left_out = {key for key, value in changes.items() if value is UNSET}
    task = {key: value for key, value in {**TASK, **changes}.items() if key not in left_out}
    return parsed({**RESPONSE, "prediction_tasks": [task]}).prediction_tasks[0]


def test_nothing_of_a_full_answer_is_lost():
    assert parsed(RESPONSE) == PredictResponse(
        predictor_name="Toy_20260101-000000_UTC",
        prediction_tasks=[TaskPrediction(**TASK)],
        bin_size=4,
        matcher_version="N/A",
    )


def test_what_is_passed_on_is_what_came_in():
    assert decode(encode(parsed(RESPONSE), JSON), JSON) == RESPONSE


def test_only_tasks_and_predictions_are_needed():
    response = parsed({"prediction_tasks": [{"predictions": {"s": 1.5}}]})
    assert (response.predictor_name, response.bin_size, response.matcher_version) == (
        "",
        UNSET,
        UNSET,
    )
    assert response.prediction_tasks == [
        TaskPrediction(
            name="N/A",
            type_requested="N/A",
            type_actual=["N/A"],
            cell_type_requested="N/A",
            cell_type_actual="N/A",
            species_requested="N/A",
            species_actual="N/A",
            scale_prediction_requested=None,
            scale_prediction_actual="N/A",
            predictions={"s": 1.5},
        )
    ]


def test_an_answer_without_tasks_is_an_answer():
    assert parsed({"prediction_tasks": []}).prediction_tasks == []


@pytest.mark.parametrize(
    ("written", "read"),
    [("CAGE", ["CAGE"]), (["CAGE"], ["CAGE"]), ([], []), (UNSET, ["N/A"]), ([5], ["5"])],
)
def test_a_bare_string_stands_for_a_list_of_one_assay(written, read):
    assert parsed_task(type_actual=written).type_actual == read


def test_a_task_that_failed_is_read_with_its_reason():
    task = parsed_task(
        type_actual="N/A",
        cell_type_actual="N/A",
        scale_prediction_actual="N/A",
        aggregation=UNSET,
        trim_upstream=UNSET,
        predictions={"error": "Request Error: no tracks found."},
    )
    assert task.predictions == {"error": "Request Error: no tracks found."}
    assert task.type_actual == ["N/A"]
    assert task.trim_upstream is UNSET


@pytest.mark.parametrize("value", [1.5, [1.5], [], None, "N/A", [[1.0, 2.0], [2.0, 1.0]]], ids=str)
def test_values_are_passed_on_as_they_are_for_the_benchmark_to_judge(value):
    assert parsed_task(predictions={"s": value}).predictions == {"s": value}


@pytest.mark.parametrize(("written", "read"), [(None, None), (UNSET, None), ("log", "log")])
def test_a_scale_that_was_not_requested_is_none(written, read):
    assert parsed_task(scale_prediction_requested=written).scale_prediction_requested == read


@pytest.mark.parametrize("bin_size", ["128", 1.5, None, True, [128]], ids=repr)
def test_a_bin_size_that_is_no_whole_number_is_left_out(bin_size):
    assert parsed({**RESPONSE, "bin_size": bin_size}).bin_size is UNSET


@pytest.mark.parametrize("trim", [None, 2, [2], {"s": "2"}, {"s": 1, "t": True}], ids=repr)
def test_a_trim_that_is_not_one_of_whole_numbers_is_left_out(trim):
    assert parsed_task(trim_upstream=trim).trim_upstream is UNSET


@pytest.mark.parametrize("aggregation", [None, "mean", {"bins": None}], ids=repr)
def test_an_aggregation_that_is_not_one_of_words_is_left_out(aggregation):
    assert parsed_task(aggregation=aggregation).aggregation is UNSET


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "text",
        5,
        {},
        {"prediction_tasks": None},
        {"prediction_tasks": {"predictions": {}}},
    ],
    ids=repr,
)
def test_what_is_no_answer_is_told_with_what_was_expected(raw):
    with pytest.raises(RemoteModelError) as caught:
        parsed(raw)
    assert str(caught.value) == (
        "http://here: expected a GAME response with an array 'prediction_tasks'"
    )


@pytest.mark.parametrize(
    "task", [None, "t", [], {}, {"predictions": None}, {"predictions": [1.0]}], ids=repr
)
def test_a_task_without_predictions_is_told_by_its_place(task):
    with pytest.raises(PredictionFileError) as caught:
        parse_response({"prediction_tasks": [TASK, task]}, "answers.json", PredictionFileError)
    assert str(caught.value) == (
        "answers.json: prediction_tasks[1] has no object 'predictions' of ids and values"
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from([key for key in TASK if key != "predictions"]), anything)
@settings(deadline=None)
def test_whatever_stands_beside_the_predictions_does_not_cost_them(key, value):
    assert parsed_task(**{key: value}).predictions == TASK["predictions"]
