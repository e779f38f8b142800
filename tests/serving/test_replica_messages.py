"""What goes between a server and its processes comes out as it went in."""

import socket
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from genomark.errors import CapabilityError, DatasetError, ModelError, UnknownNameError, UsageError
from genomark.models import load_model
from genomark.protocol import (
    BadRequestError,
    Edit,
    EditedSequences,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    ServerError,
    TaskPrediction,
    Unanswered,
    UpstreamDependencyError,
)
from genomark.serving.replica import answer_all, made_model
from genomark.serving.replica_messages import (
    Answered,
    Channel,
    ClosedError,
    Failed,
    ModelLoaded,
    ModelRecipe,
    asked_of,
    request_of,
)
from genomark.serving.served_model import served_model

TASK = PredictionTask("t", "accessibility", "K562", "homo_sapiens")


@pytest.fixture
def ends():
    pair = socket.socketpair()
    for end in pair:
        end.settimeout(20)
    with pair[0], pair[1]:
        yield tuple(map(Channel, pair))


def sent(ends, message, body=(), keep=False):
    here, there = ends
    sender = threading.Thread(target=here.send, args=[message, body])
    sender.start()
    received = there.receive(keep=keep)
    sender.join()
    return received


texts = st.text(max_size=20)
plain = st.dictionaries(texts, texts, max_size=5)


@given(
    plain,
    st.none() | st.dictionaries(texts, st.lists(st.integers(0, 2**60), max_size=2), max_size=3),
    st.just(UNSET) | texts,
    st.lists(st.builds(PredictionTask, texts, texts, texts, texts, st.just(UNSET) | texts)),
)
def test_a_request_comes_out_as_it_went_in(sequences, ranges, flank, tasks):
    request = PredictRequest("point", tasks, sequences, UNSET if ranges is None else ranges, flank)
    here, there = socket.socketpair()
    with here, there:
        message, body = sent((Channel(here), Channel(there)), *asked_of(request))
        read = request_of(message, body)
    assert read == request
    assert list(read.sequences) == list(sequences)


def test_long_sequences_more_than_the_system_takes_at_once(ends):
    letters = "ACGT" * 1_250
    sequences = {str(number): letters[: 4_100 + number % 900] for number in range(1_500)}
    message, body = sent(ends, *asked_of(PredictRequest("point", [TASK], sequences)))
    assert request_of(message, body).sequences == sequences


def test_edits_are_sent_as_edits_and_not_as_what_is_built_from_them(ends):
    edits = {str(n): Edit("r", ((n, n + 1, "ACG"), (n + 5, n + 5, ""))) for n in range(500)}
    sequences = EditedSequences({"r": "ACGT" * 5_000}, edits, {"w": "GATTACA", "é": "aé"})
    asked, body = asked_of(PredictRequest("point", [TASK], sequences))
    assert sum(map(len, body)) < 20
    read = request_of(*sent(ends, asked, body)).sequences
    assert isinstance(read, EditedSequences)
    assert dict(read) == dict(sequences)
    assert list(read) == list(sequences)


def answer(values, **more):
    task = TaskPrediction("t", "a", ["b"], "c", "d", "e", "f", None, "log", values, **more)
    return PredictResponse("p", [task], 16, "m")


ARRAYS = [
    np.arange(7, dtype=np.float32),
    np.array([1.5, np.nan, np.inf, -0.0]),
    np.zeros(0),
    np.arange(12.0).reshape(3, 4),
    np.arange(24.0).reshape(4, 6)[::2, ::3],
    np.array(3.5),
    np.arange(5, dtype=">f8"),
    np.array([True, False]),
    np.arange(3, dtype=np.int16),
]


def test_arrays_keep_their_type_their_shape_and_their_bits(ends):
    values = {str(number): array for number, array in enumerate(ARRAYS)}
    (message, _) = sent(ends, Answered(answer(values, trim_upstream={"0": 3})))
    (task,) = message.response.prediction_tasks
    assert task.trim_upstream == {"0": 3}
    assert list(task.predictions) == list(values)
    for name, array in values.items():
        read = task.predictions[name]
        assert (read.dtype, read.shape) == (array.dtype, array.shape)
        assert read.tobytes() == array.tobytes()
        assert read.flags.aligned


def test_what_is_no_array_comes_out_as_well(ends):
    values = {
        "float": 0.1,
        "nan": float("nan"),
        "none": None,
        "list": [1.0, [2.0]],
        "scalar": np.float32(0.5),
        "objects": np.array([1.0, None], dtype=object),
        "unanswered": Unanswered("wée"),
    }
    (message, _) = sent(ends, Answered(answer(values)))
    read = message.response.prediction_tasks[0].predictions
    assert read.pop("unanswered").reason == "wée"
    assert np.isnan(read.pop("nan"))
    assert read == {
        "float": 0.1, "none": None, "list": [1.0, [2.0]], "scalar": 0.5, "objects": [1.0, None]
    }  # fmt: skip


def test_nothing_is_sent_of_what_cannot_be(ends):
    with pytest.raises(TypeError, match="a complex cannot be sent"):
        ends[0].send(Answered(answer({"s": 1j})))
    message, _ = sent(ends, Answered(answer({"s": 1.0})))
    assert message.response.prediction_tasks[0].predictions == {"s": 1.0}


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError(["a", "b"], status=413),
        PredictionFailedError("no"),
        ServerError("later", status=503, retry_after=2.5),
        UpstreamDependencyError("matcher"),
        UsageError("how"),
        DatasetError("gone"),
        CapabilityError("cannot"),
        ModelError("broke"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_raised_on_the_other_side_as_it_was(ends, error):
    message, _ = sent(ends, Failed.of(error))
    read = message.error()
    assert type(read) is type(error)
    assert vars(read) == vars(error)
    assert read.args == error.args


def test_other_errors_are_told_with_their_traceback():
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        read = Failed.of(error).error()
    assert (type(read), str(read)) == (RuntimeError, "division by zero")
    assert "ZeroDivisionError: division by zero" in read.__notes__[0]
    assert str(Failed.of(SystemExit(3)).error()) == "the model raised SystemExit(3)"
    assert type(Failed.of(UnknownNameError("model", "x", ["y"])).error()) is UsageError


def test_one_who_is_gone_is_noticed_and_whether_anything_came_to_them(ends):
    here, there = ends
    there.shut()
    there.close()
    with pytest.raises(ClosedError) as before:
        here.send(Answered(answer({})))
    assert not before.value.reached
    with pytest.raises(ClosedError):
        here.receive()


def test_a_frame_that_ends_in_the_middle_is_no_frame(ends):
    here, there = ends
    threading.Thread(target=lambda: (there._end.sendall(b"\x05" * 9), there.shut())).start()
    with pytest.raises(ClosedError):
        here.receive()


def test_one_who_says_nothing_is_not_waited_for_for_ever():
    here, there = socket.socketpair()
    here.settimeout(0.05)
    with here, there, pytest.raises(TimeoutError):
        Channel(here).receive()


# What answers on the other side, in a thread of this process


@pytest.fixture
def replica(ends):
    """Run a replica with a model; gives the server's end."""
    started = []

    def run(model):
        def until_gone():
            with pytest.raises(ClosedError):
                answer_all(ends[1], model)

        started.append(threading.Thread(target=until_gone))
        started[0].start()
        return ends[0]

    yield run
    ends[0].shut()
    for thread in started:
        thread.join(10)


def ask(channel, request):
    channel.send(*asked_of(request))
    return channel.receive()[0]


def test_a_replica_answers_one_request_after_the_other(replica):
    model = load_model("gc")
    channel = replica(model)
    for readout in ("point", "track", "point"):
        request = PredictRequest(readout, [TASK], {"a": "ACGT" * 30, "b": "GG"}, {"a": [3, 90]})
        read, expected = ask(channel, request).response, model.predict(request)
        for name, value in expected.prediction_tasks[0].predictions.items():
            np.testing.assert_array_equal(read.prediction_tasks[0].predictions[name], value)


class Odd:
    """Answers, raises and gives nonsense, as its sequence says."""

    def predict(self, request):
        said = request.sequences["s"]
        if said == "raise":
            raise KeyError(said)
        if said == "exit":
            raise SystemExit(3)
        return {"none": None, "complex": answer({"s": 1j})}.get(said, answer({"s": 1.0}))


def test_a_replica_survives_whatever_its_model_does(replica):
    channel = replica(Odd())
    told = {
        "raise": "'raise'",
        "exit": "SystemExit(3)",
        "none": "a NoneType",
        "complex": "a complex",
    }
    for said, part in told.items():
        message = ask(channel, PredictRequest("point", [TASK], {"s": said}))
        assert isinstance(message, Failed)
        assert part in message.messages[0]
    message = ask(channel, PredictRequest("point", [TASK], {"s": "answer"}))
    assert message.response.prediction_tasks[0].predictions == {"s": 1.0}


def made(ends, spec):
    ends[0].send(ModelRecipe(spec, None, tuple(sys.path)))
    model = made_model(ends[1])
    return model, ends[0].receive()[0]


def test_a_replica_tells_what_it_serves(ends):
    model, message = made(ends, "gc")
    assert isinstance(message, ModelLoaded)
    assert message.served == served_model(model) == served_model(load_model("gc"))


@pytest.mark.parametrize(
    ("spec", "kind"), [("no-such-model", UsageError), ("control:random", CapabilityError)]
)
def test_a_replica_tells_why_it_has_no_model(ends, spec, kind):
    model, message = made(ends, spec)
    assert model is None
    assert type(message.error()) is kind
