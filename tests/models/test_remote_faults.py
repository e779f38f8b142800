"""A remote Predictor that goes wrong in every way there is: what arrived is kept, nothing hangs."""

import asyncio
import contextlib
import itertools
import json
import math
import random
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import faulty_server
import msgspec
import numpy as np
import pytest
from faulty_server import (
    JSON,
    MSGPACK,
    Faulty,
    breaks_at,
    changed,
    dribbles,
    good,
    half_closes,
    http,
    refuses,
    says,
    stalls_at,
    value_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from genomark.benchmarks.predictor_benchmark import point_of
from genomark.errors import RemoteModelError
from genomark.models.remote import RemotePredictor
from genomark.models.remote_settings import RemoteSettings
from genomark.models.splitting import split
from genomark.models.transport import Deadlines
from genomark.protocol import PredictionTask, PredictRequest, Unanswered, encode

TASK = PredictionTask("t", "accessibility", "K562", "homo_sapiens")
OTHER = PredictionTask("u", "expression", "HepG2", "homo_sapiens", scale="log")
QUICK = RemoteSettings(
    first_pause=0.01, max_pause=0.04, deadlines=Deadlines(connect=2.0, read=5.0, total=20.0)
)
#: Over what a deadline allows: a busy machine is slow.
SLACK = 10.0


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def faulty():
    with Faulty() as server:
        yield server
    assert server.at_once == 0


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before, threading.enumerate()


def names_of(count):
    return [f"chr1:{number}|A>C/é" for number in range(count)]


def point_request(count=4, tasks=(TASK,)):
    return PredictRequest("point", list(tasks), dict.fromkeys(names_of(count), "ACGT"))


def ask(faulty, request=None, **changes):
    model = RemotePredictor(faulty.url, replace(QUICK, **changes))
    return model.predict(request or point_request())


def failure(faulty, request=None, **changes):
    """Give the message, one printable line that names the server."""
    with pytest.raises(RemoteModelError) as caught:
        ask(faulty, request, **changes)
    text = str(caught.value)
    assert text.isprintable()
    assert text.startswith(faulty.url)
    return text.removeprefix(faulty.url).removeprefix("/predict").lstrip(": ")


def values(response, task=0):
    return response.prediction_tasks[task].predictions


def assert_all_there(response, count=4, task=0):
    expected = {name: value_of(name) for name in names_of(count)}
    assert list(values(response, task).items()) == list(expected.items())


def reasons(response, task=0):
    """Reasons of the items without a value; all others have to have the right one."""
    found = {}
    for name, value in values(response, task).items():
        if isinstance(value, Unanswered):
            found[name] = value.reason
            assert value.reason
            assert value.reason.isprintable()
        else:
            assert value == value_of(name)
    return found


# --- answers as servers give them (every variant of the published evaluators' table) ---


def in_task(**changes):
    return changed(lambda answer, _: answer["prediction_tasks"][0].update(changes))


def without(*keys):
    def change(answer, _):
        for task in answer["prediction_tasks"]:
            for key in keys:
                task.pop(key, None)

    return changed(change)


def each_value(form):
    def change(answer, _):
        for task in answer["prediction_tasks"]:
            task["predictions"] = {name: form(value) for name, value in task["predictions"].items()}

    return changed(change)


def only_predictions(answer, _):
    return {
        "prediction_tasks": [
            {"predictions": task["predictions"]} for task in answer["prediction_tasks"]
        ]
    }


def reordered(answer, _):
    for task in answer["prediction_tasks"]:
        task["predictions"] = dict(reversed(task["predictions"].items()))


def with_unasked(answer, _):
    for task in answer["prediction_tasks"]:
        task["predictions"] = {"not asked": 1.0, **task["predictions"], "track_indices": [1]}
    answer["prediction_tasks"].append({"name": "not asked", "predictions": {"x": 1.0}})


async def charset(connection):
    body = json.dumps(faulty_server.answer_to(connection.request)).encode()
    await connection.send(http(200, body, f"{JSON}; charset=utf-8"))


async def no_type(connection):
    body = json.dumps(faulty_server.answer_to(connection.request)).encode()
    await connection.send(http(200, body, None))


async def text_html(connection):
    body = json.dumps(faulty_server.answer_to(connection.request)).encode()
    await connection.send(http(200, body, "text/html", delimited=False))


async def unasked_msgpack(connection):
    body = msgspec.msgpack.encode(faulty_server.answer_to(connection.request))
    await connection.send(http(200, body, MSGPACK))


async def chunked(connection):
    body = json.dumps(faulty_server.answer_to(connection.request)).encode()
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(chunk), chunk)
        for chunk in (body[start : start + 7] for start in range(0, len(body), 7))
    )
    head = http(200, b"", JSON, headers=("Transfer-Encoding: chunked",), delimited=False)
    await connection.send(head + chunks + b"0\r\n\r\n")


@pytest.mark.parametrize(
    "mode",
    [
        good,
        each_value(lambda value: [value]),
        charset,
        no_type,
        text_html,
        unasked_msgpack,
        chunked,
        changed(lambda answer, _: answer.pop("predictor_name") and None),
        changed(lambda answer, _: answer.update(predictor_name="a/b")),
        changed(lambda answer, _: answer.update(bin_size="NA", matcher_version=None)),
        in_task(type_actual="ATAC"),
        in_task(type_actual=None, cell_type_actual=None, species_actual="NULL"),
        in_task(scale_prediction_actual="N/A", cell_type_actual="NA"),
        in_task(trim_upstream=None, aggregation=[], type_requested=5),
        without("name"),
        without("type_actual", "cell_type_actual", "scale_prediction_actual"),
        changed(only_predictions),
        changed(reordered),
        changed(with_unasked),
    ],
)
def test_whatever_stands_around_the_values_they_are_read(faulty, mode):
    faulty.does(mode)
    for tasks in ([TASK], [TASK, OTHER], [TASK, TASK, OTHER]):
        response = ask(faulty, point_request(tasks=tasks))
        assert [task.name for task in response.prediction_tasks] == [task.name for task in tasks]
        for index, task in enumerate(response.prediction_tasks):
            assert_all_there(response, task=index)
            assert task.cell_type_requested == tasks[index].cell_type
            assert task.scale_prediction_requested == (tasks[index].scale or None)
            assert isinstance(task.type_actual, list)
            assert "None" not in [task.cell_type_actual, *task.type_actual]
    assert len(faulty.asked) == 3


@pytest.mark.parametrize("formats", [{}, [], None, {"predictor_supported_request_formats": [JSON]}])
@pytest.mark.parametrize(
    "page", [None, http(404, b"<html>", "text/html"), http(200, b"<html>", "text/html")]
)
def test_without_formats_it_is_json_to_the_letter(formats, page):
    with Faulty(formats) as server:
        if page:
            server.pages["/formats"] = page
        seen = []

        async def mode(connection):
            seen.append(connection.headers)
            await good(connection)

        server.does(mode)
        assert_all_there(ask(server))
        assert [(headers["content-type"], headers["accept"]) for headers in seen] == [(JSON, JSON)]


def advertised(*responses):
    return {
        "predictor_supported_request_formats": [JSON, MSGPACK],
        "predictor_supported_response_formats": [JSON, *responses],
    }


@pytest.mark.parametrize(
    ("responses", "readout", "accept"),
    [
        ([], "interaction_matrix", JSON),
        ([MSGPACK], "interaction_matrix", MSGPACK),
        ([MSGPACK, f"{MSGPACK}-numpy"], "interaction_matrix", f"{MSGPACK}-numpy"),
        ([f"{MSGPACK}-numpy"], "interaction_matrix", f"{MSGPACK}-numpy"),
        ([MSGPACK, f"{MSGPACK}-numpy"], "track", MSGPACK),
        ([f"{MSGPACK}-numpy"], "point", JSON),
    ],
)
def test_arrays_are_asked_for_only_where_there_are_matrices(responses, readout, accept):
    seen = []

    async def mode(connection):
        seen.append(connection.headers["accept"])
        await good(connection)

    with Faulty(advertised(*responses)) as server:
        server.does(mode)
        request = PredictRequest(readout, [TASK], {"a": "A"})
        ask(server, request)
    assert seen == [accept]


def test_a_sequence_that_is_missing_costs_itself_alone(faulty):
    lost = names_of(4)[2]
    faulty.does(
        changed(lambda answer, _: answer["prediction_tasks"][0]["predictions"].pop(lost) and None)
    )
    assert reasons(ask(faulty)) == {lost: "missing from the answer"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "expected a number, got nothing"),
        ("N/A", "expected a number, got 'N/A'"),
        ("NA", "expected a number, got 'NA'"),
        ("NULL", "expected a number, got 'NULL'"),
        ("1.5", "expected a number, got '1.5'"),
        ("x" * 1000, f"expected a number, got '{'x' * 60}...'"),
        ("a\x1b[31m\nb", "expected a number, got 'a [31m b'"),
        (True, "expected a number, got True"),
        ([], "expected a number, got a list of 0"),
        ([1.0, 2.0], "expected a number, got a list of 2"),
        ({"mean": 1.0}, "expected a number, got a dict of 1"),
        ([None], "expected a number, got a list of 1"),
    ],
)
def test_a_value_that_is_none_costs_itself_alone(faulty, value, reason):
    wrong = names_of(4)[1]
    faulty.does(
        changed(
            lambda answer, _: answer["prediction_tasks"][0]["predictions"].update({wrong: value})
        )
    )
    assert reasons(ask(faulty)) == {wrong: reason}


def test_numbers_that_are_none_are_kept_as_such_for_the_benchmark_to_judge(faulty):
    tokens = (
        b'{"prediction_tasks": [{"predictions": {"a": NaN, "b": Infinity, "c": 1e999, "d": 1}}]}'
    )
    faulty.does(says(200, tokens))
    response = ask(faulty, PredictRequest("point", [TASK], dict.fromkeys("abcd", "A")))
    task = response.prediction_tasks[0]
    assert math.isnan(task.predictions["a"])
    assert [task.predictions[name] for name in "bcd"] == [math.inf, math.inf, 1.0]
    assert point_of(task, "a") == (None, "the answer is nan")


def test_a_number_too_large_for_a_float_is_infinite(faulty):
    body = b'{"prediction_tasks": [{"predictions": {"a": -1%b}}]}' % (b"0" * 400)
    faulty.does(says(200, body))
    response = ask(faulty, PredictRequest("point", [TASK], {"a": "A"}))
    assert values(response)["a"] == -math.inf


def test_a_task_that_failed_is_told_for_each_of_its_items_and_the_other_is_kept(faulty):
    def fails(answer, _):
        answer["prediction_tasks"][0].update(
            type_actual="N/A", predictions={"error": "Request Error:\n no tracks"}
        )

    faulty.does(changed(fails))
    response = ask(faulty, point_request(tasks=[TASK, OTHER]))
    text = "the model refused: Request Error: no tracks"
    assert reasons(response, 0) == dict.fromkeys(names_of(4), text)
    assert_all_there(response, task=1)


def test_a_sequence_may_be_called_error(faulty):
    response = ask(faulty, PredictRequest("point", [TASK], {"error": "A", "b": "C"}))
    assert reasons(response) == {}


@pytest.mark.parametrize(
    "broken", [None, 5, {}, {"name": "t"}, {"name": "t", "predictions": [1.0]}]
)
def test_a_task_without_predictions_does_not_cost_those_of_the_other(faulty, broken):
    faulty.does(changed(lambda answer, _: answer["prediction_tasks"].__setitem__(0, broken)))
    response = ask(faulty, point_request(tasks=[TASK, OTHER]))
    assert set(reasons(response, 0)) == set(names_of(4))
    assert_all_there(response, task=1)


def test_tasks_out_of_order_are_told_apart_by_name_and_a_missing_one_is_told(faulty):
    def shuffled(answer, _):
        _, second, third = answer["prediction_tasks"]
        second["predictions"] = dict.fromkeys(second["predictions"], -1.0)
        answer["prediction_tasks"] = [third, second]

    third = PredictionTask("v", "accessibility", "H1", "homo_sapiens")
    faulty.does(changed(shuffled))
    response = ask(faulty, point_request(tasks=[TASK, OTHER, third]))
    assert reasons(response, 0) == dict.fromkeys(names_of(4), "the answer does not hold this task")
    assert set(values(response, 1).values()) == {-1.0}
    assert_all_there(response, task=2)


def test_tasks_of_one_name_are_told_apart_by_their_place(faulty):
    def numbered(answer, _):
        for place, task in enumerate(answer["prediction_tasks"]):
            task["predictions"] = dict.fromkeys(task["predictions"], float(place))

    faulty.does(changed(numbered))
    response = ask(faulty, point_request(tasks=[TASK, OTHER, TASK, OTHER]))
    assert [set(values(response, place).values()) for place in range(4)] == [
        {0.0},
        {1.0},
        {2.0},
        {3.0},
    ]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (says(200, b'{"prediction_tasks": []}'), "no prediction came back (the answer does not"),
        (says(200, b"{}"), "expected a GAME response"),
        (says(200, b"[]"), "expected a GAME response"),
        (says(200, b"<html>It works!</html>", "text/html"), "answered 200 with text/html that can"),
        (says(404, b"<html>Not Found</html>", "text/html"), "answered 404 with text/html that can"),
        (says(500, b"<html>Oh no</html>", "text/html"), "answered 500 with text/html that cannot"),
        (says(405, b"{}"), "answered 405: {}"),
        (says(401, b'{"error": "who are you"}'), "answered 401: who are you"),
        (in_task(predictions={}), "no prediction came back (missing from the answer)"),
        (
            changed(
                lambda answer, _: {**answer, "prediction_tasks": [{"predictions": {"x": 1.0}}]}
            ),
            "no prediction came back (missing from the answer)",
        ),
    ],
)
def test_if_nothing_at_all_came_back_that_is_told(faulty, mode, reason):
    faulty.does(mode)
    assert failure(faulty).startswith(reason)
    assert len(faulty.asked) < 10


@pytest.mark.parametrize(
    "request_", [PredictRequest("point", [TASK], {}), PredictRequest("point", [], {"a": "A"})]
)
def test_who_asks_nothing_is_given_nothing(faulty, request_):
    response = ask(faulty, request_)
    assert len(response.prediction_tasks) == len(request_.prediction_tasks)
    assert len(faulty.asked) == 1


# --- tracks and matrices ---


def track_answer(value, bin_size, trim=None):
    task = {"name": "t", "predictions": {"a": value}}
    if trim is not None:
        task["trim_upstream"] = {"a": trim}
    answer = {"prediction_tasks": [task]}
    if bin_size is not None:
        answer["bin_size"] = bin_size
    return says(200, json.dumps(answer).encode())


def track_request(limits=(), length=10):
    return PredictRequest(
        "track",
        [TASK],
        {"a": "A" * length},
        prediction_ranges={"a": list(limits)},
        upstream_seq="AC",
        downstream_seq="GT",
    )


@pytest.mark.parametrize(
    ("limits", "bin_size", "trim", "sizes"),
    [
        ((), 1, None, {14}),
        ((), 4, None, {4}),
        ((), 4, 2, {4}),
        ((), 4, 3, {5}),
        ((), 128, 100, {1}),
        # Bins 0..2 cover bases 2..11, of which the first two of bin 0 are trimmed.
        ((2, 11), 4, 2, {3}),
        # Inclusive or exclusive end.
        ((2, 11), 1, None, {10, 9}),
        ((0, 4), 4, 0, {2, 1}),
        ((3, 3), 1, None, {1}),
    ],
)
def test_a_track_has_the_bins_that_cover_its_bases(faulty, limits, bin_size, trim, sizes):
    for size in range(17):
        faulty.does(track_answer([0.5] * size, bin_size, trim))
        value = values(ask(faulty, track_request(limits)))["a"]
        if size in sizes:
            assert value.dtype == np.float64
            assert value.tolist() == [0.5] * size
        else:
            assert value.reason == f"{size} bins where {max(sizes)} expected"


@pytest.mark.parametrize("bin_size", [None, "128", 0, -5])
def test_where_the_size_of_bins_is_not_known_a_track_is_taken_as_it_is(faulty, bin_size):
    faulty.does(track_answer([1, 2, 3], bin_size))
    assert values(ask(faulty, track_request()))["a"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("value", [0.5, [0.5]])
def test_a_scalar_is_a_track_of_one_bin(faulty, value):
    faulty.does(track_answer(value, 128))
    found = values(ask(faulty, track_request()))["a"]
    assert (found.tolist(), found.dtype) == ([0.5], np.float64)


def test_null_in_a_track_is_nan(faulty):
    faulty.does(track_answer([0.5, None], 128, 127))
    np.testing.assert_array_equal(values(ask(faulty, track_request()))["a"], [0.5, np.nan])


@pytest.mark.parametrize(
    "value",
    [None, "N/A", True, {}, ["0.5"], [True], [[0.5]], [[0.5], [0.5, 1.0]], [0.5, "x"], [None, {}]],
)
def test_a_track_that_is_none_is_told(faulty, value):
    faulty.does(track_answer(value, 128))
    reason = values(ask(faulty, track_request()))["a"].reason
    assert reason.startswith("expected a track of numbers, got ")


def test_trims_of_all_parts_are_kept_and_those_of_others_dropped(faulty):
    def tracks(answer, request):
        answer["bin_size"] = 4
        task = answer["prediction_tasks"][0]
        task["predictions"] = {name: [1.0] for name in [*request["sequences"], "x"]}
        task["trim_upstream"] = {name: len(name) % 4 for name in [*request["sequences"], "x"]}

    faulty.does(changed(tracks))
    request = PredictRequest("track", [TASK], {"a": "A", "bb": "A", "ccc": "A"})
    response = ask(faulty, request, max_items=1)
    assert response.bin_size == 4
    assert response.prediction_tasks[0].trim_upstream == {"a": 1, "bb": 2, "ccc": 3}


def numpy_map(array):
    return {
        b"nd": True,
        b"type": array.dtype.str,
        b"kind": b"",
        b"shape": list(array.shape),
        b"data": array.tobytes(),
    }


@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f4", "<i2"])
def test_matrices_come_as_arrays(kind):
    matrix = np.arange(9).reshape(3, 3).astype(kind)

    async def mode(connection):
        answer = {"prediction_tasks": [{"predictions": {"a": numpy_map(matrix), "b": 1.0}}]}
        body = msgspec.msgpack.encode(answer)
        await connection.send(http(200, body, f"{MSGPACK}-numpy"))

    with Faulty(advertised(MSGPACK, f"{MSGPACK}-numpy")) as server:
        server.does(mode)
        request = PredictRequest("interaction_matrix", [TASK], {"a": "A", "b": "C"})
        found = values(ask(server, request))
    assert found["a"].dtype == np.float64
    np.testing.assert_array_equal(found["a"], matrix)
    assert found["b"].reason == "expected a square matrix of numbers, got 1.0"


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ([[1.0, 2.0]], "an array of shape (1, 2)"),
        ([1.0, 2.0], "an array of shape (2,)"),
        ([[1.0, 2.0], [3.0]], "a list of 2"),
        ([], "an array of shape (0,)"),
        (None, "nothing"),
        ("NA", "'NA'"),
        ([["a", "b"], ["c", "d"]], "a list of 2"),
    ],
)
def test_a_matrix_that_is_none_is_told(faulty, value, got):
    faulty.does(
        says(200, json.dumps({"prediction_tasks": [{"predictions": {"a": value}}]}).encode())
    )
    request = PredictRequest("interaction_matrix", [TASK], {"a": "A"})
    assert values(ask(faulty, request))["a"].reason == (
        f"expected a square matrix of numbers, got {got}"
    )


# --- parts ---


def test_a_request_is_sent_in_parts_and_put_together_in_order(faulty):
    async def at_random(connection):
        await asyncio.sleep(random.random() * 0.02)
        await good(connection)

    faulty.does(at_random)
    response = ask(faulty, point_request(100, [TASK, OTHER]), max_items=7)
    assert_all_there(response, 100, task=0)
    assert_all_there(response, 100, task=1)
    # Parts go over several connections: in what order they arrive is nobody's promise.
    assert sorted(len(part) for part in faulty.asked_for()) == [2] + [7] * 14
    assert 1 < faulty.most_at_once <= 8


def test_ranges_go_with_their_sequences(faulty):
    names = names_of(10)
    request = PredictRequest(
        "point",
        [TASK],
        dict.fromkeys(names, "ACGT"),
        prediction_ranges={name: [0, index % 4] for index, name in enumerate(names)},
        upstream_seq="AA",
    )
    assert_all_there(ask(faulty, request, max_items=3), 10)
    for part in faulty.asked:
        assert part["upstream_seq"] == "AA"
        assert part["prediction_ranges"] == {
            name: [0, names.index(name) % 4] for name in part["sequences"]
        }


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"cell_type_actual": "HepG2"}, "cell_type_actual of task 't': K562 and HepG2"),
        ({"species_actual": "mus"}, "species_actual of task 't': homo_sapiens and mus"),
        ({"scale_prediction_actual": "log"}, "scale_prediction_actual of task 't': linear and log"),
        ({"type_actual": ["DNASE"]}, "type_actual of task 't': ['ATAC'] and ['DNASE']"),
    ],
)
def test_parts_answered_by_different_models_are_not_put_together(faulty, change, differs):
    faulty.does(good, in_task(**change))
    text = failure(faulty, max_items=2, max_in_flight=1)
    assert text == f"the parts of one request were answered differently: {differs}"


def test_parts_with_bins_of_different_sizes_are_not_put_together(faulty):
    def sized(size):
        return changed(lambda answer, _: answer.update(bin_size=size))

    faulty.does(sized(128), sized(32))
    assert "bin_size: 128 and 32" in failure(faulty, max_items=2, max_in_flight=1)


@pytest.mark.parametrize(
    "change",
    [
        {"type_actual": "ATAC"},
        {"type_actual": "N/A", "predictions": {"error": "boom"}},
        {"cell_type_actual": None, "scale_prediction_actual": "N/A"},
    ],
)
def test_a_part_that_does_not_say_what_it_is_agrees_with_all(faulty, change):
    faulty.does(in_task(**change), good)
    response = ask(faulty, max_items=2, max_in_flight=1)
    task = response.prediction_tasks[0]
    assert (task.type_actual, task.cell_type_actual) == (["ATAC"], "K562")
    assert set(reasons(response)) <= set(names_of(2))


# --- connections that break ---


@pytest.mark.parametrize("by_reset", [True, False], ids=["RST", "FIN"])
@pytest.mark.parametrize("delimited", [True, False], ids=["length", "no length"])
@pytest.mark.parametrize("formats", [{}, advertised(MSGPACK)], ids=["json", "msgpack"])
def test_an_answer_that_breaks_off_at_any_byte_is_asked_for_again(by_reset, delimited, formats):
    lengths = []

    async def measured(connection):
        lengths.append(len(connection.whole(delimited=delimited)))
        await good(connection)

    with Faulty(formats) as server:
        server.does(measured)
        ask(server, point_request(1))
        offsets = range(0, lengths[0])
        # Each part is cut at another byte the first time, and whole the second.
        cut = {}

        async def mode(connection):
            (name,) = connection.request["sequences"]
            if name in cut:
                return await good(connection)
            cut[name] = len(cut)
            breaking = breaks_at(cut[name], by_reset=by_reset, delimited=delimited)
            return await breaking(connection)

        server.does(mode)
        server.asked.clear()
        count = len(offsets)
        assert_all_there(ask(server, point_request(count), max_items=1), count)
        assert sorted(cut.values()) == list(offsets)
        # Longer names make longer answers, so each was cut short indeed.
        assert len(server.asked) == 2 * count


@pytest.mark.parametrize(
    "where", ["nothing", "status", "header", "blank line", "body", "last byte"]
)
def test_an_answer_that_always_breaks_off_is_given_up_after_a_bounded_number_of_times(
    faulty, where
):
    whole = http(200, b"{}" * 50)
    head = len(whole) - 100
    offset = dict(
        zip(
            ["nothing", "status", "header", "blank line", "body", "last byte"],
            [0, 9, head - 10, head, head + 20, len(whole) - 1],
            strict=True,
        )
    )[where]
    faulty.does(breaks_at(offset))
    text = failure(faulty)
    assert text.startswith("no answer (")
    assert text.endswith("Is the server running?")
    assert len(faulty.asked) == QUICK.attempts


def test_half_closed_without_an_answer(faulty):
    faulty.does(half_closes, half_closes, good)
    assert_all_there(ask(faulty))
    assert len(faulty.asked) == 3


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"prediction_tasks": [{"predictions": {"a": 1.0', JSON),
        (msgspec.msgpack.encode({"prediction_tasks": [{"predictions": {"a": 1.0}}]})[:-4], MSGPACK),
    ],
)
def test_a_body_that_is_torn_but_as_long_as_promised_is_not_asked_for_again(faulty, body, kind):
    faulty.does(says(200, body, kind), good)
    response = ask(faulty, max_items=2, max_in_flight=1)
    found = reasons(response)
    assert set(found) == set(names_of(2))
    assert set(found.values()) == {next(iter(found.values()))}
    assert next(iter(found.values())).startswith(f"answered 200 with {kind} that cannot be read")
    assert len(faulty.asked) == 2


@pytest.mark.parametrize("length", [5 << 30, 1 << 62, 10**30])
def test_a_length_beyond_reason_is_not_waited_for(faulty, length):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n"

    async def mode(connection):
        await connection.send(head.encode() + b"{")
        await connection.reader.read()

    faulty.does(mode)
    begun = time.monotonic()
    failure(faulty, point_request(1))
    assert time.monotonic() - begun < SLACK


def test_an_answer_that_is_too_long_for_all_is_asked_for_in_halves(faulty):
    body = len(
        json.dumps(
            faulty_server.answer_to(
                {"sequences": dict.fromkeys(names_of(4)), "prediction_tasks": [{"name": "t"}]}
            )
        )
    )
    response = ask(faulty, point_request(8), max_answer_bytes=body + 50)
    assert_all_there(response, 8)
    assert sorted(len(part) for part in faulty.asked_for()) == [4, 4, 8]


# --- deadlines ---


# Long enough for a busy machine to serve the others in time.
IMPATIENT = Deadlines(connect=5.0, read=1.5, total=3.0)


@pytest.mark.parametrize(
    ("mode", "seconds", "reason"),
    [
        (dribbles(0.05), 3.0, "no whole answer within 3 s"),
        (dribbles(0.05, from_byte=150), 3.0, "no whole answer within 3 s"),
        (stalls_at(0), 1.5, "no answer within 1.5 s"),
        (stalls_at(20), 1.5, "no answer within 1.5 s"),
        (stalls_at(150), 1.5, "the answer stalled for 1.5 s after"),
    ],
    ids=["dribble header", "dribble body", "silence", "half a header", "half a body"],
)
def test_who_is_too_slow_is_not_waited_for_and_the_others_are_kept(faulty, mode, seconds, reason):
    async def slow_for_first(connection):
        first = names_of(1)[0] in connection.request["sequences"]
        await (mode if first else good)(connection)

    faulty.does(slow_for_first)
    begun = time.monotonic()
    response = ask(faulty, point_request(6), max_items=2, deadlines=IMPATIENT)
    assert seconds <= time.monotonic() - begun < seconds + SLACK
    found = reasons(response)
    assert set(found) == set(names_of(2))
    assert all(text.startswith(reason) for text in found.values())
    assert len(faulty.asked) == 3


def test_a_server_may_be_silent_while_it_computes_if_it_may_take_long_to_begin(faulty):
    faulty.does(faulty_server.after(0.6))
    deadlines = Deadlines(connect=1.0, read=0.2, total=5.0, begin=3.0)
    assert_all_there(ask(faulty, deadlines=deadlines))
    faulty.does(stalls_at(150))
    begun = time.monotonic()
    assert "stalled for 0.2 s" in failure(faulty, deadlines=deadlines)
    assert time.monotonic() - begun < 0.2 + SLACK


def test_all_attempts_together_have_one_deadline(faulty):
    async def slow_and_busy(connection):
        await asyncio.sleep(0.3)
        await connection.send(http(503, b"{}"))

    faulty.does(slow_and_busy)
    begun = time.monotonic()
    failure(faulty, attempts=1000, deadlines=Deadlines(read=0.5, total=1.0))
    assert time.monotonic() - begun < 1.0 + SLACK
    assert len(faulty.asked) <= 4


# --- servers with too much to do ---


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(
    "body", [(b"<html>busy</html>", "text/html"), (b'{"error": "busy"}', JSON)]
)
def test_a_passing_error_is_waited_out(faulty, status, body):
    faulty.does(*[says(status, *body)] * 4, good)
    assert_all_there(ask(faulty))
    assert len(faulty.asked) == 5


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_storm_is_given_up_with_the_words_of_the_server(faulty, status):
    faulty.does(says(status, b'{"error": [{"server_error": "try later"}]}'))
    begun = time.monotonic()
    assert failure(faulty, point_request(40), max_items=2) == f"answered {status}: try later"
    assert time.monotonic() - begun < SLACK
    assert len(faulty.asked) <= 20 * QUICK.attempts


def test_after_a_storm_what_was_answered_before_is_kept(faulty):
    faulty.does(good, good, good, says(503, b'{"error": "down"}'))
    response = ask(faulty, point_request(20), max_items=2)
    found = reasons(response)
    assert len(found) == 14
    assert set(found.values()) == {"answered 503: down"}
    # It is the server that is gone: not every part has to find that out for itself.
    assert len(faulty.asked) <= 3 + 7 * QUICK.attempts


@pytest.mark.parametrize("form", ["1", "1.0", "date", "date without ours"])
def test_who_asks_to_be_left_alone_for_a_second_is(faulty, form):
    now = datetime.now(UTC)
    if form == "date without ours":
        now += timedelta(days=400)
    until = format_datetime(now + timedelta(seconds=1), usegmt=True)
    date = f"Date: {format_datetime(now, usegmt=True)}"
    text = until if "date" in form else form
    faulty.does(says(429, b"{}", headers=(f"Retry-After: {text}", date)), good)
    assert_all_there(ask(faulty, point_request(12), max_items=2), 12)
    before, *after = faulty.times
    # The one that was under way beside it excepted.
    assert all(each - before >= 1.0 for each in after[1:])
    assert after[-1] - before < 1.0 + SLACK


@pytest.mark.parametrize("text", ["-5", "soon", "1e400", "nan", "", "Thu, 99 Foo 2020", "999999"])
def test_whatever_else_it_asks_is_bounded(faulty, text):
    faulty.does(says(503, b"{}", headers=(f"Retry-After: {text}",)), good)
    begun = time.monotonic()
    assert_all_there(ask(faulty, max_retry_after=0.2))
    assert time.monotonic() - begun < SLACK


def test_a_server_that_bears_two_at_a_time_is_found_out_and_nothing_lost(faulty):
    async def two(connection):
        if faulty.at_once > 2:
            await connection.send(http(429, b'{"error": "two at a time"}'))
        else:
            await asyncio.sleep(0.01)
            await good(connection)

    faulty.does(two)
    assert_all_there(ask(faulty, point_request(200), max_items=2), 200)
    # Additive increase runs into the limit now and then: once in a few answers.
    assert len(faulty.asked) < 160


def test_the_window_opens_for_a_server_that_bears_it_and_no_further_than_told(faulty):
    faulty.does(faulty_server.after(0.02))
    assert_all_there(ask(faulty, point_request(100), max_items=1, max_in_flight=5), 100)
    assert faulty.most_at_once == 5
    assert len(faulty.asked) == 100


def test_a_server_that_gets_slower_with_each_request_is_not_given_more(faulty):
    lock = []

    async def one_after_the_other(connection):
        if not lock:
            lock.append(asyncio.Lock())
        async with lock[0]:
            await asyncio.sleep(0.1)
        await good(connection)

    faulty.does(one_after_the_other)
    deadlines = Deadlines(read=0.5, total=0.5)
    assert_all_there(ask(faulty, point_request(16), max_items=1, deadlines=deadlines), 16)
    assert faulty.most_at_once <= 3


def test_a_server_that_dies_and_comes_back_is_waited_for(faulty):
    async def dies(connection):
        await connection.server.die(0.4)
        await connection.reset()

    faulty.does(good, good, good, dies, good)
    response = ask(faulty, point_request(40), max_items=2, first_pause=0.1, max_pause=1.0)
    assert_all_there(response, 40)
    assert len(faulty.asked) <= 20 + 8


def test_a_server_that_dies_for_good_costs_what_it_had_not_answered(faulty):
    async def dies(connection):
        await connection.server.die(1000)
        await connection.reset()

    faulty.does(good, good, good, dies)
    begun = time.monotonic()
    response = ask(faulty, point_request(200), max_items=2)
    assert time.monotonic() - begun < SLACK
    found = reasons(response)
    assert 200 - 6 <= len(found) < 200
    told = Counter(found.values())
    # What the system had taken in for the server just before it died is waited for.
    assert told.pop("no answer within 5 s", 0) <= 6
    assert all(text.endswith("Is the server running?") for text in told)
    assert told


# --- sequences that are refused ---


BAD = "CCCC"


def mixed_request(count, bad):
    names = names_of(count)
    sequences = {name: BAD if index in bad else "ACGT" for index, name in enumerate(names)}
    return PredictRequest("point", [TASK], sequences)


def is_bad(name, sequence):
    return sequence == BAD


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "text", ["sequence '{name}' is empty", "Invalid range for '{name}': out of bounds"]
)
def test_sequences_that_are_named_are_left_out_and_the_others_asked_once_more(faulty, status, text):
    faulty.does(refuses(is_bad, status, text))
    bad = set(range(0, 500, 7))
    response = ask(faulty, mixed_request(500, bad))
    names = names_of(500)
    assert reasons(response) == {
        names[index]: f"answered {status}: {text.format(name=names[index])}" for index in bad
    }
    assert len(faulty.asked) == 2


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("bad", [{0}, {37}, {99}, {0, 99}, {10, 11, 12}, {5, 50, 51, 77}])
def test_sequences_that_are_not_named_are_found_by_halving(faulty, status, bad):
    faulty.does(refuses(is_bad, status, "index out of range"))
    response = ask(faulty, mixed_request(100, bad))
    names = names_of(100)
    assert reasons(response) == {
        names[index]: f"answered {status}: index out of range" for index in bad
    }
    assert len(faulty.asked) <= 1 + 3 + 2 * len(bad) * math.ceil(math.log2(100))


def test_no_more_than_a_bounded_number_of_requests_is_spent_on_halving(faulty):
    faulty.does(refuses(is_bad, 422, "no"))
    bad = set(range(0, 1000, 2))
    bad -= set(range(100))
    response = ask(faulty, mixed_request(1000, bad), max_items=50, max_extra_requests=20)
    found = reasons(response)
    assert not set(found) & set(names_of(100))
    assert {names_of(1000)[index] for index in bad} <= set(found)
    assert set(found.values()) == {"answered 422: no"}
    assert len(faulty.asked) <= 20 + 20


def test_a_request_that_is_refused_as_a_whole_is_not_halved_to_the_end(faulty):
    faulty.does(says(422, b'{"error": [{"prediction_request_failed": "only mice"}]}'))
    assert failure(faulty, point_request(4096)) == "answered 422: only mice"
    assert sorted(len(part) for part in faulty.asked_for()) == [1, 1, 1, 4093, 4096]


def test_a_request_that_is_refused_as_a_whole_is_not_sampled_part_by_part(faulty):
    faulty.does(says(422, b'{"error": [{"prediction_request_failed": "only mice"}]}'))
    assert failure(faulty, point_request(200), max_items=20) == "answered 422: only mice"
    assert len(faulty.asked) <= 10 + 2 * 4


@pytest.mark.parametrize("bad", [set(range(0, 512, 64)), {0, 256, 511}, {0, 1, 2}])
def test_a_few_that_are_refused_are_not_taken_for_all(faulty, bad):
    faulty.does(refuses(is_bad, 500, "boom"))
    response = ask(faulty, mixed_request(512, bad))
    assert set(reasons(response)) == {names_of(512)[index] for index in bad}


def test_names_in_an_error_that_were_not_asked_are_of_no_consequence(faulty):
    faulty.does(refuses(is_bad, 422, "sequence 'someone else' is empty"))
    response = ask(faulty, mixed_request(8, {3}))
    assert set(reasons(response)) == {names_of(8)[3]}


def test_a_request_that_is_too_long_is_halved_until_it_is_not(faulty):
    async def short_only(connection):
        if len(connection.request["sequences"]) > 10:
            await connection.send(http(413, b'{"error": "too long"}'))
        else:
            await good(connection)

    faulty.does(short_only)
    assert_all_there(ask(faulty, point_request(300), max_items=100), 300)
    # Each size is tried once, and not again by the next part.
    refused = [part for part in faulty.asked_for() if len(part) > 10]
    assert len(refused) <= 20
    assert len(faulty.asked) <= 20 + 64


def test_one_sequence_that_is_too_long_costs_itself_alone(faulty):
    async def short_only(connection):
        if any(len(sequence) > 1000 for sequence in connection.request["sequences"].values()):
            await connection.send(http(413, b'{"error": "too long"}'))
        else:
            await good(connection)

    faulty.does(short_only)
    request = point_request(16)
    request.sequences[names_of(16)[5]] = "A" * 2000
    assert reasons(ask(faulty, request)) == {names_of(16)[5]: "answered 413: too long"}


def test_a_server_for_which_everything_is_too_long_is_given_up(faulty):
    faulty.does(says(413, b'{"error": "too long"}'))
    assert failure(faulty, point_request(4096), max_extra_requests=50) == "answered 413: too long"
    assert len(faulty.asked) <= 120


# --- all of it at once ---


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_each_sequence_has_its_value_or_a_reason(faulty, seed):
    chance = random.Random(seed)
    modes = [
        *[good] * 6,
        breaks_at(0),
        breaks_at(60),
        breaks_at(200, by_reset=False),
        half_closes,
        says(429, b"{}", headers=("Retry-After: 0",)),
        says(503, b"<html>", "text/html"),
        says(500, b'{"error": [{"server_error": "boom"}]}'),
        says(413, b"{}"),
        says(404, b"{}"),
        says(200, b"{"),
        without("name"),
        in_task(predictions={"error": "boom"}),
        refuses(is_bad, 422, "sequence '{name}' is empty"),
        refuses(is_bad, 422, "boom"),
        stalls_at(150),
    ]

    async def anything(connection):
        await chance.choice(modes)(connection)

    faulty.does(anything)
    begun = time.monotonic()
    response = ask(
        faulty,
        mixed_request(120, set(range(0, 120, 17))),
        max_items=6,
        deadlines=Deadlines(connect=2.0, read=0.3, total=2.0),
    )
    assert time.monotonic() - begun < 2.0 * 20 / 2 + SLACK
    lost = reasons(response)
    assert list(values(response)) == names_of(120)
    assert 0 < len(lost) < 120
    assert len(faulty.asked) <= 20 * QUICK.attempts + 256


# --- metering ---


def test_bytes_of_all_attempts_are_counted(faulty):
    busy = b'{"error": "busy"}'
    faulty.does(says(503, busy), breaks_at(40), good)
    model = RemotePredictor(faulty.url, QUICK)
    request = point_request()
    response = model.predict(request)
    assert_all_there(response)
    body = len(encode(request, JSON))
    assert model.bytes_sent == 3 * body
    answer = len(msgspec.json.encode(faulty_server.answer_to(faulty.asked[0])))
    assert model.bytes_received == len(busy) + answer


def test_what_was_never_sent_is_not_counted(faulty):
    model = RemotePredictor(faulty.url, replace(QUICK, attempts=2))
    _ = model.formats

    async def dies(connection):
        await connection.server.die(1000)
        await connection.reset()

    faulty.does(dies)
    with pytest.raises(RemoteModelError):
        model.predict(point_request())
    assert model.bytes_sent == len(encode(point_request(), JSON))


def test_many_threads_may_ask_one_model(faulty):
    model = RemotePredictor(faulty.url, QUICK)
    faulty.does(faulty_server.after(0.005))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(model.predict(point_request(10))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 6
    for response in found:
        assert_all_there(response, 10)
    assert model.bytes_sent == 6 * len(encode(point_request(10), JSON))


def test_no_socket_is_left_open(faulty):
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no list of open files here")

    def sockets():
        found = 0
        for file in folder.iterdir():
            with contextlib.suppress(OSError):
                found += str(file.readlink()).startswith("socket:")
        return found

    faulty.does(good)
    ask(faulty)
    before = sockets()
    for modes in ([good], [breaks_at(30), good], [says(503, b"{}"), good], [says(404, b"")]):
        faulty.does(*modes)
        with contextlib.suppress(RemoteModelError):
            ask(faulty, point_request(20), max_items=2)
    time.sleep(0.05)
    assert sockets() <= before + 1


# --- cutting a request ---

sequences = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.text("ACGTN", max_size=300),
    max_size=30,
)


@given(sequences, st.integers(1, 10), st.integers(1, 3000), st.booleans(), st.data())
@settings(deadline=None)
def test_parts_hold_each_sequence_once_with_its_range_and_are_no_longer_than_told(
    found, max_items, max_bytes, with_ranges, data
):
    ranges = UNSET
    if with_ranges:
        limits = st.one_of(
            st.just([]), st.lists(st.integers(0, 1 << 40), min_size=2, max_size=2).map(sorted)
        )
        ranges = {name: data.draw(limits) for name in found}
    request = PredictRequest(
        "point", [TASK, OTHER], found, prediction_ranges=ranges, upstream_seq="ACGT" * 10
    )
    parts = list(split(request, max_items, max_bytes))
    assert [pair for part in parts for pair in part.sequences.items()] == list(found.items())
    for part in parts:
        assert len(part.sequences) <= max_items
        if with_ranges:
            assert part.prediction_ranges == {name: ranges[name] for name in part.sequences}
        else:
            assert part.prediction_ranges is UNSET
        assert (part.prediction_tasks, part.upstream_seq) == ([TASK, OTHER], "ACGT" * 10)
        for kind in (JSON, MSGPACK):
            assert len(part.sequences) <= 1 or len(encode(part, kind)) <= max_bytes


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.integers(300, 3000))
@settings(deadline=None)
def test_parts_are_not_smaller_than_they_have_to_be(lengths, max_bytes):
    request = PredictRequest("point", [TASK], {str(i): "A" * n for i, n in enumerate(lengths)})
    parts = list(split(request, 1000, max_bytes))
    for part, following in itertools.pairwise(parts):
        first = next(iter(following.sequences.values()))
        assert len(encode(part, JSON)) + len(first) + 50 * (len(part.sequences) + 2) > max_bytes


def test_a_request_that_need_not_be_cut_is_the_request_itself():
    request = point_request()
    (part,) = split(request, 4, 1 << 20)
    assert part is request
