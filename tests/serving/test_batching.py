"""Requests answered as one: bit for bit what each would have been answered alone."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from genomark.errors import GenomarkError, ModelError
from genomark.models import load_model
from genomark.models.declaration import Declaration
from genomark.models.sequence_function import Actual, Readout, SequencePredictor
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.protocol import (
    MSGPACK_NUMPY,
    Edit,
    EditedSequences,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    ServerError,
    TaskPrediction,
    encode,
)
from genomark.scoring import ModelIdentity
from genomark.serving.answer_cache import AnswerCache
from genomark.serving.batching import Batcher
from genomark.serving.computing import ReplicaDiedError
from genomark.serving.model_cost import ModelCost

TASK = PredictionTask("t", "accessibility", "K562", "homo_sapiens")


@pytest.fixture(scope="module", autouse=True)
def _costly():
    """These models take no time, and all that is tested here would be left undone for them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ModelCost, "share", lambda *asked: math.inf)
        yield


class Counting:
    """Computes with a model, and remembers what it was asked."""

    def __init__(self, model):
        self.model = model
        self.asked = []

    def predict(self, request):
        self.asked.append(request)
        return self.model.predict(request)


class Matcher:
    """Matches HeLa to the first cell type, and nothing else."""

    version = "test-matcher"

    def match(self, category, term, choices):
        return choices[0] if term == "HeLa" else None

    def explain(self, category, term, choices):
        from genomark.models.matcher_client import RemoteMatch

        return RemoteMatch(self.match(category, term, choices))


def windows_to_bins(windows, tracks):
    counts = np.array([[window.count(letter) for letter in "ACGT"] for window in windows])
    bins = np.arange(1.0, 4.0)
    return (counts @ [1.0, 2.0, 4.0, 8.0])[:, None, None] * bins * np.add(tracks, 1.0)[:, None]


def tracked(matcher=None):
    return TrackPredictor(
        ModelIdentity(id="toy", version="1", digest="d"),
        Declaration(
            name="toy",
            readouts=("point", "track"),
            scales=("linear", "log"),
            tracks=(
                Track("DNASE", ("accessibility",), "K562"),
                Track("DNASE", ("accessibility",), "GM12878"),
            ),
            bin_size=4,
            input_length=20,
            output_length=12,
        ),
        windows_to_bins,
        matcher,
        batch_invariant=True,
    )


def binned():
    return SequencePredictor(
        info=ModelIdentity(id="binned", version="1", digest="d"),
        predictor_name="binned",
        readouts={
            "point": Readout(lambda asked: [each.count("A") / 3 for each in asked], "log", np.exp2),
            "track": Readout(
                lambda asked: [np.arange(-(-len(each) // 10)) / 7 for each in asked], "log", np.exp2
            ),
        },
        actual=Actual("expression", "K562", "homo_sapiens"),
        bin_size=10,
        batch_invariant=True,
    )


MODELS = {"gc": load_model("gc"), "binned": binned(), "tracked": tracked(Matcher())}

sequences = st.text("ACGTNacgtn", min_size=1, max_size=30)
names = st.sampled_from(["a", "b", "error", "0", "1", "é"])
flanks = st.sampled_from([UNSET, "", "ACGTACGT"])


@st.composite
def requests(draw):
    asked = draw(st.dictionaries(names, sequences, min_size=1, max_size=4))
    limits = {}
    for name, sequence in asked.items():
        if draw(st.booleans()):
            first = draw(st.integers(0, len(sequence) - 1))
            limits[name] = [first, draw(st.integers(first, len(sequence) - 1))]
        elif draw(st.booleans()):
            limits[name] = []
    return asked, draw(st.sampled_from([limits, UNSET]))


tasks = st.lists(
    st.builds(
        PredictionTask,
        st.sampled_from(["t", "u", "v"]),
        st.just("accessibility"),
        st.sampled_from(["K562", "GM12878", "HeLa", "nothing that is known"]),
        st.just("homo_sapiens"),
        st.sampled_from([UNSET, "log", "linear"]),
    ),
    min_size=1,
    max_size=4,
)


def alike(asked, readout, tasks, upstream, downstream):
    """Requests that may be joined; each calls its tasks by names of its own."""
    return [
        PredictRequest(
            readout,
            [msgspec.structs.replace(task, name=f"{task.name}{number}") for task in tasks],
            sequences,
            limits,
            upstream,
            downstream,
        )
        for number, (sequences, limits) in enumerate(asked)
    ]


def outcome(model, request):
    try:
        return model.predict(request)
    except GenomarkError as error:
        return error


def told(outcome):
    """Everything that goes over the wire of an answer, types of its values included."""
    if isinstance(outcome, Exception):
        return type(outcome), str(outcome)
    kinds = [
        [(type(value), getattr(value, "dtype", None)) for value in task.predictions.values()]
        for task in outcome.prediction_tasks
    ]
    return encode(outcome, MSGPACK_NUMPY), kinds


@pytest.mark.parametrize("kept", [0, 10_000, 1_000_000])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@given(
    st.lists(requests(), min_size=1, max_size=4),
    st.sampled_from(["point", "track"]),
    tasks,
    flanks,
    flanks,
)
def test_together_and_kept_answers_are_those_of_each_request_alone(
    model, kept, asked, readout, tasks, upstream, downstream
):
    asked = alike(asked, readout, tasks, upstream, downstream)
    expected = [told(outcome(model, request)) for request in asked]
    batcher = Batcher(Counting(model), AnswerCache(kept), joins=True, max_letters=1_000)
    (group,) = {batcher.group_of(request)[0] for request in asked}
    # First all at once, then one by one from what is kept, then all at once again.
    assert [told(each) for each in batcher.answers(asked, group)] == expected
    for request, one in zip(asked, expected, strict=True):
        assert [told(each) for each in batcher.answers([request], group)] == [one]
    assert [told(each) for each in batcher.answers(asked, group)] == expected


def batcher_of(model, kept=0, joins=True):
    computing = model if hasattr(model, "asked") else Counting(model)
    return Batcher(computing, AnswerCache(kept), joins=joins, max_letters=1_000), computing


def together(batcher, *asked):
    (group,) = {batcher.group_of(request)[0] for request in asked}
    assert group is not None
    return batcher.answers(asked, group)


def points(answer):
    (task,) = answer.prediction_tasks
    return task.predictions


def test_equal_ids_of_different_sequences_come_back_under_their_own():
    batcher, computing = batcher_of(MODELS["gc"])
    first, second = together(
        batcher,
        PredictRequest("point", [TASK], {"s": "AAAA", "t": "GGGG"}),
        PredictRequest("point", [TASK], {"t": "AAGG", "s": "GGGG"}),
    )
    assert points(first) == pytest.approx({"s": 0.0, "t": 1.0}, abs=1e-9)
    assert points(second) == pytest.approx({"t": 0.5, "s": 1.0}, abs=1e-9)
    assert list(points(second)) == ["t", "s"]
    (asked,) = computing.asked
    assert sorted(asked.sequences.values()) == ["AAAA", "AAGG", "GGGG"]
    assert batcher.saved == 1


def test_equal_sequences_tasks_and_ranges_are_computed_once():
    batcher, computing = batcher_of(MODELS["gc"])
    many = [msgspec.structs.replace(TASK, name=name) for name in ("t", "u", "t")]
    sequences = {"a": "ACGT", "b": "ACGT", "c": "ACGT", "d": "ACGT"}
    ranges = {"a": [0, 1], "b": [0, 1], "c": [0, 2], "d": []}
    (answer,) = together(batcher, PredictRequest("point", many, sequences, ranges))
    assert [task.name for task in answer.prediction_tasks] == ["t", "u", "t"]
    (asked,) = computing.asked
    assert len(asked.prediction_tasks) == 1
    assert list(asked.sequences.values()) == ["ACGT"] * 3
    assert sorted(asked.prediction_ranges.values()) == [[0, 1], [0, 2]]


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("readout", "track"),
        ("prediction_tasks", [msgspec.structs.replace(TASK, cell_type="HepG2")]),
        ("prediction_tasks", [msgspec.structs.replace(TASK, scale="log")]),
        ("prediction_tasks", [TASK, msgspec.structs.replace(TASK, scale="log")]),
        ("upstream_seq", "A"),
        ("downstream_seq", "A"),
    ],
)
def test_what_is_asked_otherwise_is_another_group_and_another_answer(key, other):
    model = MODELS["binned"]
    batcher, computing = batcher_of(model, kept=100_000)
    asked = PredictRequest("point", [TASK], {"s": "ACGTAACC"})
    differing = msgspec.structs.replace(asked, **{key: other})
    assert batcher.group_of(asked) != batcher.group_of(differing)
    for request in (asked, differing):
        (answer,) = together(batcher, request)
        assert told(answer) == told(model.predict(request))
    assert len(computing.asked) == 2


def test_a_kept_answer_is_given_without_asking():
    batcher, computing = batcher_of(MODELS["tracked"], kept=100_000)
    task = msgspec.structs.replace(TASK, cell_type="HeLa")
    request = PredictRequest("track", [task], {"s": "ACGT" * 5, "t": "CC"}, {"s": [3, 9]})
    (first,) = together(batcher, request)
    assert first.matcher_version == "test-matcher"
    (second,) = together(batcher, request)
    assert told(second) == told(first)
    assert len(computing.asked) == 1
    assert (batcher.cache.hits, batcher.cache.misses) == (2, 2)
    # One of them is known, and only the other is asked about.
    more = PredictRequest("track", [task], {"x": "G" * 9, "y": "CC"})
    (third,) = together(batcher, more)
    assert told(third) == told(MODELS["tracked"].predict(more))
    assert list(computing.asked[1].sequences.values()) == ["G" * 9]


class Scripted(Counting):
    """Answers by a function of the request."""

    def __init__(self, answer):
        super().__init__(self)
        self.answer = answer

    def predict(self, request):
        self.asked.append(request)
        return self.answer(request)


def lengths(request, **more):
    values = {name: float(len(each)) for name, each in request.sequences.items()}
    tasks = [
        TaskPrediction(
            each.name, each.type, ["x"], each.cell_type, "y", each.species, "z", None, "log", values
        )
        for each in request.prediction_tasks
    ]
    return PredictResponse("scripted", tasks, **more)


def test_a_null_and_a_refusal_are_given_and_not_kept():
    said = []

    def answer(request):
        told = lengths(request)
        task = told.prediction_tasks[0]
        if len(said) < 2:
            task = msgspec.structs.replace(task, predictions={"error": "not now"})
        elif len(said) < 4:
            task = msgspec.structs.replace(task, predictions=dict.fromkeys(task.predictions))
        said.append(0)
        return msgspec.structs.replace(told, prediction_tasks=[task])

    batcher, _ = batcher_of(Scripted(answer), kept=100_000)
    request = PredictRequest("point", [TASK], {"s": "ACGT"})
    expected = [{"error": "not now"}] * 2 + [{"s": None}] * 2 + [{"s": 4.0}] * 2
    assert [points(together(batcher, request)[0]) for _ in range(6)] == expected
    assert len(said) == 5


def test_when_another_matcher_answers_nothing_kept_is_told_any_more():
    version = ["first"]
    batcher, computing = batcher_of(
        Scripted(lambda asked: lengths(asked, matcher_version=version[0])), kept=100_000
    )
    one = PredictRequest("point", [TASK], {"s": "ACGT"})
    both = PredictRequest("point", [TASK], {"s": "ACGT", "t": "AC"})
    together(batcher, one)
    version[0] = "second"
    assert together(batcher, one)[0].matcher_version == "first"
    (answer,) = together(batcher, both)
    assert answer.matcher_version == "second"
    assert points(answer) == {"s": 4.0, "t": 2.0}
    assert list(computing.asked[-1].sequences.values()) == ["ACGT", "AC"]
    assert together(batcher, one)[0].matcher_version == "second"


def test_terms_of_great_length_are_answered_and_not_kept():
    batcher, computing = batcher_of(MODELS["gc"], kept=10_000_000)
    task = msgspec.structs.replace(TASK, cell_type="K" * 10_000)
    for _ in range(2):
        together(batcher, PredictRequest("point", [task], {"s": "ACGT"}))
    assert len(computing.asked) == 2
    assert batcher.cache.bytes == 0


def test_a_bad_sequence_is_the_error_of_its_own_request_under_its_own_name():
    batcher, _ = batcher_of(MODELS["gc"], kept=100_000)
    good, bad, other = together(
        batcher,
        PredictRequest("point", [TASK], {"s": "AAGG"}),
        PredictRequest("point", [TASK], {"s": "AAXX", "t": ""}),
        PredictRequest("point", [TASK], {"s": "GGGG"}),
    )
    assert points(good) == pytest.approx({"s": 0.5}, abs=1e-9)
    assert points(other) == pytest.approx({"s": 1.0}, abs=1e-9)
    assert isinstance(bad, PredictionFailedError)
    assert bad.messages == ["sequence 's' has invalid character(s): {'X'}", "sequence 't' is empty"]


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(), KeyboardInterrupt()], ids=repr)
def test_what_would_end_a_process_ends_a_request(error):
    def answer(request):
        raise error

    batcher, _ = batcher_of(Scripted(answer))
    (outcome,) = together(batcher, PredictRequest("point", [TASK], {"s": "A"}))
    assert isinstance(outcome, RuntimeError)
    assert repr(error) in str(outcome)


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: None,
        lambda asked: PredictResponse("x", []),
        lambda asked: lengths(msgspec.structs.replace(asked, sequences={"0": "A"})),
        lambda asked: lengths(
            msgspec.structs.replace(asked, sequences={**asked.sequences, "x": ""})
        ),
    ],
    ids=["nothing", "no tasks", "too few", "too many"],
)
def test_an_answer_that_cannot_be_divided_is_asked_for_one_by_one(answer):
    batcher, computing = batcher_of(Scripted(answer))
    asked = [PredictRequest("point", [TASK], {"s": letters, "t": "CC"}) for letters in "AC"]
    outcomes = together(batcher, *asked)
    # As the model is asked by each, so does it answer each.
    assert computing.asked[1:] == asked
    assert [told(each) if each else each for each in outcomes] == [
        told(answer(each)) if answer(each) else None for each in asked
    ]


def test_a_request_that_ends_its_process_twice_is_told_so_and_the_others_are_answered():
    def answer(request):
        if "GATTACA" in request.sequences.values():
            raise ReplicaDiedError("was ended by SIGSEGV")
        return lengths(request)

    batcher, computing = batcher_of(Scripted(answer))
    good, poison = together(
        batcher,
        PredictRequest("point", [TASK], {"s": "ACGT"}),
        PredictRequest("point", [TASK], {"s": "GATTACA"}),
    )
    assert points(good) == {"s": 4.0}
    assert isinstance(poison, ServerError)
    assert poison.http_status == 500
    assert "twice: was ended by SIGSEGV" in str(poison)
    # Once together and once alone: it is not let near a third process.
    assert sum("GATTACA" in asked.sequences.values() for asked in computing.asked) == 2
    alone = Batcher(computing, AnswerCache(0), joins=False, max_letters=1)
    computing.asked.clear()
    (outcome,) = alone.answers([PredictRequest("point", [TASK], {"s": "GATTACA"})], None)
    assert isinstance(outcome, ServerError)
    assert len(computing.asked) == 2


def test_a_process_that_died_for_another_reason_costs_no_answer():
    died = []

    def answer(request):
        if not died:
            died.append(1)
            raise ReplicaDiedError("was ended by SIGKILL")
        return lengths(request)

    batcher, _ = batcher_of(Scripted(answer))
    (outcome,) = together(batcher, PredictRequest("point", [TASK], {"s": "ACGT"}))
    assert points(outcome) == {"s": 4.0}


def test_when_time_is_up_for_all_nobody_is_asked_again():
    def answer(request):
        raise ServerError("No answer within 1 s", status=503)

    batcher, computing = batcher_of(Scripted(answer))
    asked = [PredictRequest("point", [TASK], {"s": letters}) for letters in "ACG"]
    assert {each.http_status for each in together(batcher, *asked)} == {503}
    assert len(computing.asked) == 1


EDITS = EditedSequences({"r": "ACGT" * 100}, {"e": Edit("r", ((0, 1, "G"),))})


@pytest.mark.parametrize(
    ("joins", "request_"),
    [
        (False, PredictRequest("point", [TASK], {"s": "ACGT"})),
        (True, PredictRequest("point", [TASK], EDITS)),
        (True, PredictRequest("point", [TASK], {})),
        (True, PredictRequest("point", [], {"s": "ACGT"})),
    ],
    ids=["not asked for", "edits", "no sequences", "no tasks"],
)
def test_what_is_not_joined_is_handed_on_as_it_is(joins, request_):
    batcher, computing = batcher_of(MODELS["gc"], joins=joins, kept=100_000)
    group, _ = batcher.group_of(request_)
    assert group is None
    batcher.answers([request_], group)
    (asked,) = computing.asked
    assert asked is request_


@pytest.mark.parametrize(("share", "joined", "kept"), [(1.9, 0, 0), (2.0, 1, 0), (8.0, 1, 1)])
def test_what_costs_little_is_joined_and_what_costs_less_is_not(monkeypatch, share, joined, kept):
    monkeypatch.setattr(ModelCost, "share", lambda *asked: share)
    batcher, computing = batcher_of(MODELS["gc"], kept=100_000)
    asked = [PredictRequest("point", [TASK], {"s": "ACGT"}) for _ in range(2)]
    (group,) = {batcher.group_of(each)[0] for each in asked}
    assert (group is not None) == bool(joined)
    if joined:
        batcher.answers(asked, group)
    batcher.answers(asked[:1], group)
    assert len(batcher.cache) == kept
    assert len(computing.asked) == 1 + joined - kept


def test_a_model_that_fails_alone_as_well_tells_what_it_says_alone():
    def answer(request):
        raise ModelError(f"cannot bear {sorted(request.sequences)}")

    batcher, _ = batcher_of(Scripted(answer))
    (outcome,) = together(batcher, PredictRequest("point", [TASK], {"mine": "ACGT"}))
    assert str(outcome) == "cannot bear ['mine']"
