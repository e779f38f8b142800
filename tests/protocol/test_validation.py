import contextlib
import copy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.protocol import (
    BadRequestError,
    PredictionTask,
    PredictRequest,
    validate_request,
)

TASK = {
    "name": "t",
    "type": "accessibility",
    "cell_type": "K562",
    "species": "homo_sapiens",
}
REQUEST = {"readout": "point", "prediction_tasks": [TASK], "sequences": {"s1": "ACGTACGTCG"}}

READOUT = (
    "readout requested is not recognized. "
    "Please choose from ['point', 'track', 'interaction_matrix']"
)
SCALE = "scale requested is not recognized. Please choose from ['log', 'linear']"
IDS = "sequence ids in prediction_ranges do not match those in sequences"


def faults_of(raw):
    with pytest.raises(BadRequestError) as caught:
        validate_request(raw)
    assert caught.value.http_status == 400
    return caught.value.messages


def with_task(**changes):
    return {**REQUEST, "prediction_tasks": [{**TASK, **changes}]}


def with_range(limits):
    return {**REQUEST, "prediction_ranges": {"s1": limits}}


def test_a_plain_request_is_read():
    assert validate_request(REQUEST) == PredictRequest(
        "point", [PredictionTask(**TASK)], {"s1": "ACGTACGTCG"}
    )


def test_every_optional_key_is_read():
    raw = with_task(scale="log") | {
        "readout": "track",
        "upstream_seq": "",
        "downstream_seq": "GT",
        "prediction_ranges": {"s1": [2, 5]},
    }
    request = validate_request(raw)
    assert request.prediction_tasks[0].scale == "log"
    assert (request.upstream_seq, request.downstream_seq) == ("", "GT")
    assert request.prediction_ranges == {"s1": [2, 5]}


def test_what_was_left_out_is_told_from_what_is_empty():
    request = validate_request(REQUEST)
    assert request.upstream_seq is msgspec.UNSET
    assert request.prediction_ranges is msgspec.UNSET
    assert request.prediction_tasks[0].scale is msgspec.UNSET


def test_the_request_that_was_checked_is_left_as_it_was():
    raw = with_range([0, 3])
    before = copy.deepcopy(raw)
    validate_request(raw)
    assert raw == before


def test_unknown_keys_are_ignored_at_the_top_and_in_tasks():
    raw = with_task(assay="ATAC") | {"request": "predict", "sequence_coordinates": {"s1": ["1", 0]}}
    assert validate_request(raw) == validate_request(REQUEST)


@pytest.mark.parametrize("raw", [[], [REQUEST], None, "text", 5, 1.5, True, b"bytes"], ids=repr)
def test_a_body_that_is_no_object_is_refused(raw):
    assert faults_of(raw) == ["The request body must be an object with keys"]


@pytest.mark.parametrize(
    ("left", "missing"),
    [
        ([], "prediction_tasks, readout, sequences"),
        (["readout"], "prediction_tasks, sequences"),
        (["sequences"], "prediction_tasks, readout"),
        (["readout", "prediction_tasks"], "sequences"),
    ],
)
def test_missing_top_level_keys_are_told_sorted_in_one_message(left, missing):
    assert faults_of({key: REQUEST[key] for key in left}) == [
        f"The following mandatory top-level keys are missing from the JSON: {missing}"
    ]


def test_missing_top_level_keys_end_the_check():
    raw = {"readout": "foo", "prediction_tasks": [{}], "upstream_seq": None}
    assert faults_of(raw) == [
        "The following mandatory top-level keys are missing from the JSON: sequences"
    ]


def test_missing_task_keys_are_told_a_task_by_its_name_or_its_place():
    tasks = [
        {"type": "accessibility", "cell_type": "K562"},
        {"name": "t", "cell_type": "K562", "species": "homo_sapiens"},
        TASK,
        {},
    ]
    assert faults_of({**REQUEST, "prediction_tasks": tasks}) == [
        "Mandatory keys missing from prediction_task 'at index 0': name, species",
        "Mandatory keys missing from prediction_task 't': type",
        "Mandatory keys missing from prediction_task 'at index 3': cell_type, name, species, type",
    ]


def test_missing_task_keys_end_the_check():
    raw = {**REQUEST, "readout": "foo", "prediction_tasks": [{"name": "t", "type": "foo"}]}
    assert faults_of(raw) == ["Mandatory keys missing from prediction_task 't': cell_type, species"]


@pytest.mark.parametrize(
    ("readout", "messages"),
    [
        ("foo", [READOUT]),
        ("POINT", [READOUT]),
        ("", [READOUT]),
        (3, [READOUT, "'readout' value should be a string"]),
        (None, [READOUT, "'readout' value should be a string"]),
        ({}, [READOUT, "'readout' value should be a string"]),
        (
            ["point"],
            [READOUT, "'readout' value should be a string", "'readout' should only have 1 value"],
        ),
    ],
)
def test_readout_faults(readout, messages):
    assert faults_of({**REQUEST, "readout": readout}) == messages


@pytest.mark.parametrize("readout", ["point", "track", "interaction_matrix"])
def test_readouts_of_the_protocol(readout):
    assert validate_request({**REQUEST, "readout": readout}).readout == readout


@pytest.mark.parametrize(
    "kind",
    [
        "accessibility",
        "expression",
        "expression_mRNA",
        "expression_splicing_acceptor",
        "binding_ctcf",
        "binding_",
        "conformation_chromatin",
    ],
)
def test_types_of_the_protocol(kind):
    assert validate_request(with_task(type=kind)).prediction_tasks[0].type == kind


@pytest.mark.parametrize(
    "kind",
    [
        "foo",
        "",
        "ACCESSIBILITY",
        "chromatin_confirmation",
        "binding",
        "expressions",
        "accessibility_x",
        " expression",
    ],
)
def test_types_that_are_none(kind):
    assert faults_of(with_task(type=kind)) == [f"prediction type {kind} is not recognized"]


@pytest.mark.parametrize("key", ["type", "cell_type", "species"])
@pytest.mark.parametrize("value", [5, None, {}, True, 1.5], ids=repr)
def test_task_values_that_are_no_strings(key, value):
    assert faults_of(with_task(**{key: value})) == [f"'{key}' value should be a string"]


@pytest.mark.parametrize("key", ["type", "cell_type", "species"])
@pytest.mark.parametrize("value", [[], ["accessibility"]], ids=repr)
def test_task_values_that_are_lists(key, value):
    assert faults_of(with_task(**{key: value})) == [f"'{key}' should only have 1 value"]


def test_name_faults():
    assert faults_of(with_task(name=1)) == ["'name' value should be a string"]
    assert faults_of(with_task(name=["a"])) == [
        "'name' should only have 1 value",
        "'name' value should be a string",
    ]


@pytest.mark.parametrize(
    ("scale", "messages"),
    [
        ("sqrt", [SCALE]),
        ("LOG", [SCALE]),
        ("", [SCALE]),
        (None, [SCALE, "'scale' value should be a string"]),
        (2, [SCALE, "'scale' value should be a string"]),
        ({}, [SCALE, "'scale' value should be a string"]),
        (["log"], ["'scale' should only have 1 value"]),
    ],
)
def test_scale_faults(scale, messages):
    assert faults_of(with_task(scale=scale)) == messages


@pytest.mark.parametrize("key", ["upstream_seq", "downstream_seq"])
def test_flank_faults(key):
    assert faults_of({**REQUEST, key: None}) == [f"'{key}' value should be a string"]
    assert faults_of({**REQUEST, key: 5}) == [f"'{key}' value should be a string"]
    assert faults_of({**REQUEST, key: ["ACGT"]}) == [f"'{key}' should only have 1 value"]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (None, "Values for 's1' in 'prediction_ranges' must be in a list"),
        ("0-3", "Values for 's1' in 'prediction_ranges' must be in a list"),
        ({"0": 3}, "Values for 's1' in 'prediction_ranges' must be in a list"),
        ([1], "Range array for 's1' in 'prediction_ranges' must have 2 elements"),
        ([0, 1, 2], "Range array for 's1' in 'prediction_ranges' must have 2 elements"),
        ([0.0, 3.0], "Values in 's1' in 'prediction_ranges' must be integers"),
        (["0", "3"], "Values in 's1' in 'prediction_ranges' must be integers"),
        ([None, 3], "Values in 's1' in 'prediction_ranges' must be integers"),
        ([False, True], "Values in 's1' in 'prediction_ranges' must be integers"),
        (
            [-1, 3],
            "Invalid range for 's1' in 'prediction_ranges': indices must be positive. "
            "Received [-1, 3]",
        ),
        (
            [3, -1],
            "Invalid range for 's1' in 'prediction_ranges': indices must be positive. "
            "Received [3, -1]",
        ),
        (
            [5, 3],
            "Invalid range for 's1' in 'prediction_ranges': start index (5) cannot be greater "
            "than end index (3). Received [5, 3]",
        ),
    ],
)
def test_range_faults(limits, message):
    assert faults_of(with_range(limits)) == [message]


@pytest.mark.parametrize("limits", [[], [0, 0], [0, 9], [9, 9], [0, 10**30]], ids=repr)
def test_ranges_that_are_well_formed(limits):
    # Whether the end is in bounds shows only when the flanks have been added.
    assert validate_request(with_range(limits)).prediction_ranges == {"s1": limits}


@pytest.mark.parametrize("ranges", [None, [], "s1", 5], ids=repr)
def test_ranges_that_are_no_object(ranges):
    assert faults_of({**REQUEST, "prediction_ranges": ranges}) == [
        "'prediction_ranges' must be an object of sequence ids and ranges"
    ]


def test_ranges_have_to_name_exactly_the_sequences():
    assert faults_of({**REQUEST, "prediction_ranges": {}}) == [IDS]
    assert faults_of({**REQUEST, "prediction_ranges": {"x": [0, 1]}}) == [
        IDS,
        "Invalid range for 'x': cannot specify a range for a non-existent or empty sequence.",
    ]
    assert faults_of({**REQUEST, "prediction_ranges": {"s1": [], "x": [3, 1]}}) == [
        IDS,
        "Invalid range for 'x' in 'prediction_ranges': start index (3) cannot be greater than end "
        "index (1). Received [3, 1]",
        "Invalid range for 'x': cannot specify a range for a non-existent or empty sequence.",
    ]


def test_no_sequences_and_no_ranges_match():
    raw = {**REQUEST, "sequences": {}, "prediction_ranges": {}}
    assert validate_request(raw).prediction_ranges == {}


def test_no_tasks_are_no_fault():
    assert validate_request({**REQUEST, "prediction_tasks": []}).prediction_tasks == []


def test_task_names_may_be_the_same():
    raw = {**REQUEST, "prediction_tasks": [TASK, TASK]}
    assert [task.name for task in validate_request(raw).prediction_tasks] == ["t", "t"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction_tasks": {"name": "x"}}, "'prediction_tasks' must be an array of objects"),
        ({"prediction_tasks": None}, "'prediction_tasks' must be an array of objects"),
        ({"prediction_tasks": [TASK, 3]}, "Every entry of 'prediction_tasks' must be an object"),
        ({"sequences": ["ACGT"]}, "'sequences' must be an object of sequence ids and sequences"),
        ({"sequences": None}, "'sequences' must be an object of sequence ids and sequences"),
        ({"sequences": {"s1": 5}}, "sequence 's1' value should be a string"),
        ({"sequences": {"s1": None}}, "sequence 's1' value should be a string"),
        ({"sequences": {5: "ACGT"}}, "sequence id 5 must be a string"),
        ({"sequences": {b"s": "ACGT"}}, "sequence id b's' must be a string"),
    ],
)
def test_what_would_crash_a_careless_reader_is_a_bad_request(change, message):
    assert faults_of({**REQUEST, **change}) == [message]


@pytest.mark.parametrize("key", [5, b"readout", None, (1, 2)], ids=repr)
def test_keys_that_are_no_strings_are_a_bad_request(key):
    assert "key" in faults_of({**REQUEST, key: 1})[0]
    assert "key" in faults_of(with_task() | {"prediction_tasks": [{**TASK, key: 1}]})[0]


def test_every_fault_is_told_in_the_order_of_the_protocol():
    raw = {
        "readout": ["point"],
        "prediction_tasks": [
            {"name": ["a"], "type": "foo", "cell_type": 1, "species": ["a"], "scale": None},
            {"name": "b", "type": ["x"], "cell_type": "K562", "species": "h", "scale": "sqrt"},
        ],
        "sequences": {"s1": "ACGT"},
        "prediction_ranges": {"s1": [5, 3]},
        "upstream_seq": ["A"],
        "downstream_seq": None,
    }
    assert faults_of(raw) == [
        READOUT,
        "'readout' value should be a string",
        "'readout' should only have 1 value",
        "'name' should only have 1 value",
        "'name' value should be a string",
        "prediction type foo is not recognized",
        "'cell_type' value should be a string",
        "'species' should only have 1 value",
        SCALE,
        "'scale' value should be a string",
        "'type' should only have 1 value",
        SCALE,
        "Invalid range for 's1' in 'prediction_ranges': start index (5) cannot be greater than end "
        "index (3). Received [5, 3]",
        "'upstream_seq' should only have 1 value",
        "'downstream_seq' value should be a string",
    ]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
places = st.sampled_from(
    [*REQUEST, "prediction_ranges", "upstream_seq", "downstream_seq", *TASK, "scale", "range"]
)


@given(places, anything)
@settings(deadline=None, max_examples=300)
def test_whatever_stands_in_any_place_a_request_is_read_or_refused(place, value):
    if place in TASK or place == "scale":
        raw = with_task(**{place: value})
    elif place == "range":
        raw = with_range(value)
    else:
        raw = {**REQUEST, place: value}
    # Any other exception fails the test.
    with contextlib.suppress(BadRequestError):
        assert isinstance(validate_request(raw), PredictRequest)
