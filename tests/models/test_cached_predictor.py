"""A model behind the cache answers what the model alone would answer, to the last byte."""

from __future__ import annotations

import copy
import logging
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from genomark.errors import RemoteModelError
from genomark.models import Embedder, Predictor, as_model, cached_predictor
from genomark.models.cached_predictor import CachedPredictor, with_prediction_cache
from genomark.models.composition import gc
from genomark.models.declaration import Declaration
from genomark.models.prediction_cache import NO_COST, PredictionCache
from genomark.models.remote import RemotePredictor
from genomark.models.replay import RecordedResponse
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.protocol import (
    JSON,
    Edit,
    EditedSequences,
    GameError,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
    Unanswered,
    encode,
)
from genomark.scoring import ModelIdentity

TASK = PredictionTask("t", "accessibility", "K562", "homo_sapiens")


@pytest.fixture(autouse=True)
def everything_is_worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_predictor, "WORTH", 0.0)


@pytest.fixture
def held(tmp_path: Path) -> PredictionCache:
    return PredictionCache(tmp_path / "predictions", 10**9)


class Asked:
    """A model that notes the sequences it is asked, by the names they had."""

    def __init__(self, model: Predictor, **more: Any) -> None:
        self.info = model.info
        self.model = model
        self.asked: list[list[str]] = []
        self.bytes_sent = self.bytes_received = 0
        for name, value in {
            "batch_invariant": getattr(model, "batch_invariant", False),
            **more,
        }.items():
            setattr(self, name, value)

    def predict(self, request: PredictRequest) -> PredictResponse:
        self.asked.append(list(request.sequences))
        self.bytes_sent += 100 * len(request.sequences)
        return self.model.predict(request)


def tracks(sequences: list[str]) -> list[np.ndarray]:
    return [np.cumsum([letter == "C" for letter in each]) / 7.0 for each in sequences]


def binned(sequences: list[str]) -> list[np.ndarray]:
    return [track[::4] * 1.1 for track in tracks(sequences)]


def by_sequence(digest: str = "1" * 32, bin_size: int = 1, **more: Any) -> SequencePredictor:
    """Points and tracks of which neither depends on the batch."""
    return SequencePredictor(
        info=ModelIdentity(id="m", version="1", digest=digest),
        predictor_name="m",
        readouts={
            "point": Readout(lambda s: [0.1 * len(each) for each in s], "log", np.exp2),
            "track": Readout(tracks if bin_size == 1 else binned, "linear", np.log1p),
        },
        bin_size=bin_size,
        **{"batch_invariant": True, **more},
    )


def by_request() -> SequencePredictor:
    """Points that depend on the whole batch."""
    return SequencePredictor(
        info=ModelIdentity(id="m", version="1", digest="2" * 32),
        predictor_name="m",
        readouts={"point": Readout(lambda s: [len(e) / sum(map(len, s)) for e in s], "log")},
    )


def windows(seen: list[str], indices: tuple[int, ...]) -> np.ndarray:
    counts = np.array([[w.count("A") + 0.25 * i for i in indices] for w in seen])
    return counts[:, :, None] * np.linspace(0.5, 1.5, 4)


def with_tracks() -> TrackPredictor:
    offered = tuple(
        Track(assay="DNASE", types=("accessibility",), cell_type=each, species="homo_sapiens")
        for each in ("K562", "HepG2")
    )
    declared = Declaration(
        name="T",
        readouts=("point", "track"),
        scales=("linear", "log"),
        tracks=offered,
        bin_size=8,
        input_length=64,
        output_length=32,
    )
    identity = ModelIdentity(id="T", version="1", digest="3" * 32)
    return TrackPredictor(identity, declared, windows, batch_invariant=True)


MODELS = {
    "sequences": by_sequence,
    "bins": lambda: by_sequence(bin_size=4),
    "cropped": lambda: by_sequence(range_mode="crop"),
    "batch": by_request,
    "tracks": with_tracks,
    "gc": gc,
}

SEQUENCES = st.text("ACGT", min_size=1, max_size=40)
TASKS = st.builds(
    PredictionTask,
    name=st.sampled_from(["t", "u", "error"]),
    type=st.just("accessibility"),
    cell_type=st.sampled_from(["K562", "HepG2", "WTC11"]),
    species=st.just("homo_sapiens"),
    scale=st.sampled_from([UNSET, "log", "linear"]),
)


@st.composite
def requests(draw: st.DrawFn) -> PredictRequest:
    """Of few letters and few tasks, so that much is asked twice; some of it in error."""
    pool = draw(st.lists(SEQUENCES, min_size=1, max_size=4))
    count = draw(st.integers(1, 6))
    names = draw(st.permutations([f"s{n}" for n in range(6)]))[:count]
    chosen = [draw(st.sampled_from(pool)) for _ in names]
    up, down = (draw(st.sampled_from([UNSET, "", "GC"])) for _ in range(2))
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        flanks = len(up or "") + len(down or "")
        more["prediction_ranges"] = {
            # One past the end now and then.
            name: draw(
                st.sampled_from(
                    [[], [0, len(each) + flanks - 1], [len(each) // 2, len(each) + flanks - 1]]
                    + [[0, len(each) + flanks]] * (draw(st.integers(0, 20)) == 0)
                )
            )
            for name, each in zip(names, chosen, strict=True)
            if draw(st.booleans())
        }
    sequences: Any = dict(zip(names, chosen, strict=True))
    if draw(st.booleans()):
        edits = {
            name: Edit("r", ((place % len(each), place % len(each), "A"),))
            for place, (name, each) in enumerate(list(sequences.items())[1:])
        }
        whole = dict(list(sequences.items())[:1])
        sequences = EditedSequences({"r": pool[0] + "C" * 40}, edits, whole)
        more.pop("prediction_ranges", None)
    readout = draw(st.sampled_from(["point", "track"]))
    tasks = draw(st.lists(TASKS, min_size=0, max_size=2, unique_by=lambda task: task.name))
    return PredictRequest(readout, tasks, sequences, upstream_seq=up, downstream_seq=down, **more)


def outcome(model: Predictor, request: PredictRequest) -> bytes | str:
    try:
        return encode(model.predict(request), JSON)
    except GameError as error:
        return repr(error.args)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(requests(), min_size=1, max_size=6), kind=st.sampled_from(sorted(MODELS)))
def test_answers_are_those_of_the_model_alone(
    asked: list[PredictRequest], kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("predictions")
    alone = MODELS[kind]()
    behind = CachedPredictor(MODELS[kind](), PredictionCache(folder, 10**9))
    for request in [*asked, *asked]:
        assert outcome(behind, request) == outcome(alone, request)
    # Another process, which reads all of it from disk.
    later = CachedPredictor(MODELS[kind](), PredictionCache(folder, 10**9))
    for request in asked:
        assert outcome(later, request) == outcome(alone, request)


def point(sequences: Any, *tasks: PredictionTask, **more: Any) -> PredictRequest:
    return PredictRequest("point", list(tasks or [TASK]), sequences, **more)


def values(answer: PredictResponse) -> list[Any]:
    return [list(task.predictions.values()) for task in answer.prediction_tasks]


def test_a_sequence_is_asked_once_whatever_it_is_called(held: PredictionCache) -> None:
    model = Asked(by_sequence())
    behind = CachedPredictor(model, held)
    first = behind.predict(point({"a": "AC", "b": "ACG", "c": "AC"}))
    assert values(first) == [[0.2, 0.1 * 3, 0.2]]
    assert model.asked == [["a", "b"]]
    again = behind.predict(point({"x": "ACGT", "y": "AC", "z": "AC"}))
    assert list(again.prediction_tasks[0].predictions.items()) == [
        ("x", 0.4),
        ("y", 0.2),
        ("z", 0.2),
    ]
    assert model.asked == [["a", "b"], ["x"]]
    renamed = msgspec.structs.replace(TASK, name="u")
    assert behind.predict(point({"b": "ACG"}, renamed)).prediction_tasks[0].name == "u"
    assert len(model.asked) == 2
    assert (behind.hits, behind.misses) == (4, 3)


@pytest.mark.parametrize(
    "other",
    [
        point({"a": "AC"}, msgspec.structs.replace(TASK, cell_type="HepG2")),
        point({"a": "AC"}, msgspec.structs.replace(TASK, scale="linear")),
        point({"a": "AC"}, upstream_seq="A"),
        point({"a": "AC"}, prediction_ranges={"a": [0, 0]}),
        PredictRequest("track", [TASK], {"a": "AC"}),
        point({"a": "AC"}, TASK, msgspec.structs.replace(TASK, name="u")),
        point({"a": "ac"}),
    ],
)
def test_another_question_is_asked(other: PredictRequest, held: PredictionCache) -> None:
    model = Asked(by_sequence())
    behind = CachedPredictor(model, held)
    behind.predict(point({"a": "AC"}))
    behind.predict(other)
    assert len(model.asked) == 2


def test_a_changed_model_never_meets_an_old_answer(held: PredictionCache) -> None:
    CachedPredictor(by_sequence("1" * 32), held).predict(point({"a": "AC"}))
    changed = Asked(by_sequence("4" * 32))
    CachedPredictor(changed, held).predict(point({"a": "AC"}))
    assert changed.asked == [["a"]]


def test_what_may_depend_on_the_batch_is_kept_by_the_whole_request(held: PredictionCache) -> None:
    model = Asked(by_request())
    behind = CachedPredictor(model, held)
    whole = {"a": "AC", "b": "AC", "c": "A"}
    wanted = [[0.4, 0.4, 0.2]]
    assert values(behind.predict(point(whole))) == values(behind.predict(point(whole))) == wanted
    # Equal sequences are no reason to ask for fewer.
    assert model.asked == [["a", "b", "c"]]
    others = [
        {"a": "AC", "c": "A", "b": "AC"},
        {"a": "AC", "b": "AC", "d": "A"},
        {"a": "AC", "b": "AC"},
    ]
    for other in others:
        behind.predict(point(other))
    assert len(model.asked) == 4
    assert (behind.hits, behind.misses) == (3, 11)


def test_arrays_keep_their_type_to_the_bit(held: PredictionCache) -> None:
    class Single(Asked):
        def predict(self, request: PredictRequest) -> PredictResponse:
            answer = super().predict(request)
            for task in answer.prediction_tasks:
                for name, value in task.predictions.items():
                    task.predictions[name] = value.astype(np.float32)
            return answer

    request = PredictRequest("track", [TASK], {"a": "ACC", "b": "CCA"})
    model = Single(by_sequence())
    want = model.predict(request).prediction_tasks[0].predictions
    CachedPredictor(model, held).predict(request)
    got = CachedPredictor(model, held).predict(request).prediction_tasks[0].predictions
    assert len(model.asked) == 2
    for name, value in want.items():
        assert got[name].dtype == np.float32
        assert got[name].tobytes() == value.tobytes()
        got[name][:] = 0


class Answering:
    """A model made of one function of requests."""

    def __init__(self, answer: Any, **more: Any) -> None:
        self.info = ModelIdentity(id="m", version="1", digest="5" * 32)
        self.answer = answer
        self.asked: list[list[str]] = []
        self.batch_invariant = True
        for name, value in more.items():
            setattr(self, name, value)

    def predict(self, request: PredictRequest) -> PredictResponse:
        self.asked.append(list(request.sequences))
        return self.answer(request)


def told(request: PredictRequest, predictions: dict[str, Any], **more: Any) -> PredictResponse:
    made = {
        "type_actual": ["CAGE"],
        "cell_type_actual": "K562",
        "species_actual": "homo_sapiens",
        "scale_prediction_actual": "log",
    }
    tasks = [
        TaskPrediction(
            name=task.name,
            type_requested=task.type,
            cell_type_requested=task.cell_type,
            species_requested=task.species,
            scale_prediction_requested=None,
            predictions=predictions,
            **{**made, **more},
        )
        for task in request.prediction_tasks
    ]
    return PredictResponse("m", tasks)


def test_what_was_not_answered_is_asked_again(held: PredictionCache) -> None:
    reason = Unanswered("busy")
    model = Answering(
        lambda asked: told(
            asked, {n: reason if s == "AC" else 1.5 for n, s in asked.sequences.items()}
        )
    )
    behind = CachedPredictor(model, held)
    request = point({"a": "AC", "b": "ACG", "c": "AC"})
    for _ in range(2):
        assert values(behind.predict(request)) == [[reason, 1.5, reason]]
    assert model.asked == [["a", "b"], ["a"]]
    model.batch_invariant = False
    for _ in range(2):
        assert values(behind.predict(request)) == [[reason, 1.5, reason]]
    assert model.asked[2:] == [["a", "b", "c"]] * 2


@pytest.mark.parametrize("invariant", [True, False])
@pytest.mark.parametrize(
    "predictions",
    [
        {"error": "no such track"},
        {"a": 1.0},
        {"b": 1.0, "a": 1.0},
        {"a": "one", "b": "two"},
        {"a": [1.0], "b": [2.0]},
        {"a": 1.0, "b": np.zeros(2)},
        {"a": 1, "b": 2},
    ],
)
def test_what_is_no_plain_answer_is_passed_on_and_not_kept(
    predictions: dict[str, Any], invariant: bool, held: PredictionCache
) -> None:
    model = Answering(lambda asked: told(asked, predictions), batch_invariant=invariant)
    behind = CachedPredictor(model, held)
    for _ in range(2):
        answer = behind.predict(point({"a": "AC", "b": "ACG"}))
        assert answer.prediction_tasks[0].predictions is predictions
    assert model.asked == [["a", "b"]] * 2


def test_what_no_file_can_hold_is_not_kept(held: PredictionCache) -> None:
    model = Answering(lambda asked: told(asked, {"a": 1.0}, type_actual=("a", "tuple")))
    for _ in range(2):
        answer = CachedPredictor(model, held).predict(point({"a": "AC"}))
        assert answer.prediction_tasks[0].type_actual == ("a", "tuple")
    assert len(model.asked) == 2


def test_a_model_that_tells_of_others_than_before_is_asked_for_all(held: PredictionCache) -> None:
    species = iter(["homo_sapiens", "mus_musculus", "mus_musculus"])

    def answer(asked: PredictRequest) -> PredictResponse:
        return told(asked, dict.fromkeys(asked.sequences, 1.0), species_actual=next(species))

    model = Answering(answer)
    behind = CachedPredictor(model, held)
    behind.predict(point({"a": "AC"}))
    mixed = behind.predict(point({"a": "AC", "b": "ACG"}))
    assert mixed.prediction_tasks[0].species_actual == "mus_musculus"
    assert model.asked == [["a"], ["b"], ["a", "b"]]


def test_an_error_tells_of_all_sequences_as_without_the_cache(held: PredictionCache) -> None:
    behind = CachedPredictor(by_sequence(), held)
    behind.predict(point({"good": "AC"}))
    asked = point({"a": "AXC", "good": "AC", "b": "AXC", "c": ""})
    with pytest.raises(PredictionFailedError) as alone:
        by_sequence().predict(asked)
    with pytest.raises(PredictionFailedError) as here:
        behind.predict(asked)
    assert here.value.args == alone.value.args


def test_a_model_that_fails_is_not_asked_twice(held: PredictionCache) -> None:
    def fail(asked: PredictRequest) -> PredictResponse:
        raise RuntimeError("out of paper")

    model = Answering(fail)
    with pytest.raises(RuntimeError, match="paper"):
        CachedPredictor(model, held).predict(point({"a": "AC", "b": "AC"}))
    assert len(model.asked) == 1
    assert not held.folder.exists()


def test_letters_that_are_none_are_left_to_the_model(held: PredictionCache) -> None:
    model = Answering(lambda asked: told(asked, dict.fromkeys(asked.sequences, 1.0)))
    for _ in range(2):
        answer = CachedPredictor(model, held).predict(point({"a": "A\ud800"}))
        assert values(answer) == [[1.0]]
    assert len(model.asked) == 2


def test_edits_are_asked_as_edits_and_only_those_that_are_new(held: PredictionCache) -> None:
    seen = []

    class Edited(Asked):
        builds_lazily = True

        def predict(self, request: PredictRequest) -> PredictResponse:
            seen.append(request.sequences)
            return super().predict(request)

    behind = CachedPredictor(Edited(by_sequence()), held)
    edits = {f"e{n}": Edit("r", ((n, n, "A" * n),)) for n in range(3)}
    first = EditedSequences({"r": "ACGT"}, {"e1": edits["e1"]})
    behind.predict(point(first))
    request = point(EditedSequences({"r": "ACGT"}, edits, {"w": "AC"}))
    assert values(behind.predict(request)) == values(by_sequence().predict(request))
    assert all(isinstance(each, EditedSequences) for each in seen)
    assert [list(each) for each in seen] == [["e1"], ["w", "e0", "e2"]]


def test_nothing_is_asked_of_nothing(held: PredictionCache) -> None:
    behind = CachedPredictor(by_sequence(), held)
    for request in (point({}), PredictRequest("point", [], {"a": "AC"})):
        assert encode(behind.predict(request), JSON) == encode(by_sequence().predict(request), JSON)
    assert not held.folder.exists()


def test_cost_is_recalled_with_the_answers(held: PredictionCache) -> None:
    first = CachedPredictor(Asked(by_sequence()), held)
    first.predict(point({"a": "AC", "b": "ACG"}))
    assert first.recalled == NO_COST
    (kept,) = (each.told for each in held.checked())
    assert kept is not None
    assert kept.cost.bytes_sent == 200
    assert kept.cost.wall_seconds > 0
    again = CachedPredictor(Asked(by_sequence()), held)
    again.predict(point({"x": "AC"}))
    assert again.recalled.wall_seconds == pytest.approx(kept.cost.wall_seconds / 2)
    assert again.recalled.bytes_sent == 100
    assert again.recalled.peak_rss_bytes == kept.cost.peak_rss_bytes
    # Each name counts, as it would if all were asked.
    again.predict(point({"x": "AC", "y": "AC", "z": "ACG"}))
    assert again.recalled.bytes_sent == 400
    # What is there twice in a request costs what it has cost once.
    new = CachedPredictor(Asked(by_sequence()), held)
    new.predict(point({"x": "ACGT", "y": "ACGT", "z": "AC"}))
    assert new.recalled.bytes_sent == 200
    assert new.bytes_sent == 100
    assert new.seconds > 0


def test_cheap_answers_are_not_kept_and_after_the_first_not_looked_for(
    held: PredictionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_predictor, "WORTH", 1e9)
    for model in (by_sequence(), by_request()):
        behind = CachedPredictor(model, held)
        behind.predict(point({"a": "AC"}))
        assert not held.folder.exists()
        with monkeypatch.context() as patch:
            patch.setattr(cached_predictor, "sequence_keys", None)
            behind.predict(point({"a": "AC"}))


def test_large_answers_are_kept_if_they_cost_more_than_writing_them(
    held: PredictionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_predictor, "WORTH", 1.0)
    monkeypatch.setattr(cached_predictor, "_SECONDS_A_FILE", 0.0)
    monkeypatch.setattr(cached_predictor, "_SECONDS_A_SEQUENCE", 0.0)
    monkeypatch.setattr(cached_predictor, "_SECONDS_A_LETTER", 0.0)
    monkeypatch.setattr(cached_predictor, "_SECONDS_A_BYTE", 10.0)
    behind = CachedPredictor(by_sequence(), held)
    behind.predict(point({"a": "AC"}))
    assert not held.folder.exists()
    monkeypatch.setattr(cached_predictor, "_SECONDS_A_BYTE", 0.0)
    behind.predict(point({"a": "AC"}))
    assert not held.folder.exists()
    # It has learned from that one.
    behind.predict(point({"a": "AC"}))
    assert held.folder.exists()


def test_a_cache_that_cannot_be_written_costs_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    behind = CachedPredictor(by_sequence(), PredictionCache(tmp_path / "file" / "below", 10**9))
    with caplog.at_level(logging.WARNING):
        for number in range(1, 4):
            assert values(behind.predict(point({"a": "A" * number}))) == [[0.1 * number]]
    assert len(caplog.records) == 1


def test_whatever_else_a_model_tells_is_told(held: PredictionCache) -> None:
    behind = CachedPredictor(with_tracks(), held)
    assert behind.info == with_tracks().info
    assert behind.declaration == with_tracks().declaration
    assert behind.matches(TASK) == ()
    assert not hasattr(behind, "nothing_of_the_kind")
    assert isinstance(behind, Predictor)
    assert not isinstance(behind, Embedder)
    # What copies it asks for attributes before there are any.
    with pytest.raises(AttributeError):
        copy.copy(CachedPredictor.__new__(CachedPredictor))._model  # noqa: B018


class Everything(Asked):
    def embed(self, sequences: Any, progress: Any = None) -> Any: ...

    def embed_positions(self, sequences: Any, progress: Any = None) -> Any: ...


def test_only_predictors_whose_answers_may_be_kept_are_put_behind_it(
    held: PredictionCache, tmp_path: Path
) -> None:
    from genomark.benchmarks.controls import control

    # Of what holds one, no digest can be made.
    lock = threading.Lock()
    recorded = RecordedResponse("file:r.json", _recorded(tmp_path), allow_missing=False)
    left = [
        control("random"),
        recorded,
        Everything(by_sequence()),
        Asked(by_sequence(), keepable=False),
        as_model(lambda sequences: [float(lock.locked())] * len(sequences)),
    ]
    for model in left:
        assert with_prediction_cache(model, held) is model
    model = by_sequence()
    assert with_prediction_cache(model, None) is model
    assert isinstance(with_prediction_cache(model, held), CachedPredictor)
    assert isinstance(with_prediction_cache(as_model(len_of), held), CachedPredictor)


def test_of_a_function_without_a_version_nothing_is_kept(held: PredictionCache) -> None:
    def function(sequences: list[str]) -> list[float]:
        return len_of(sequences)

    for stated, kept in ((None, False), (0, True), ("2024-05", True)):
        function.version = stated  # type: ignore[attr-defined]
        model = as_model(function)
        assert isinstance(with_prediction_cache(model, held), CachedPredictor) is kept
        assert model.info.version == ("1" if stated is None else str(stated))


def len_of(sequences: list[str]) -> list[float]:
    return [float(len(each)) for each in sequences]


len_of.version = "1"  # type: ignore[attr-defined]


def _recorded(folder: Path) -> Path:
    path = folder / "r.json"
    path.write_bytes(encode(by_sequence().predict(point({"a": "AC"})), JSON))
    return path


def test_a_function_may_say_that_no_answer_depends_on_others() -> None:
    def function(sequences: list[str]) -> list[float]:
        return len_of(sequences)

    assert as_model(function).batch_invariant is False
    function.batch_invariant = True  # type: ignore[attr-defined]
    assert as_model(function).batch_invariant is True


def test_a_function_may_say_that_its_answers_are_not_to_be_kept(held: PredictionCache) -> None:
    def function(sequences: list[str]) -> list[float]:
        return len_of(sequences)

    function.version = "1"  # type: ignore[attr-defined]
    assert isinstance(with_prediction_cache(as_model(function), held), CachedPredictor)
    function.keepable = False  # type: ignore[attr-defined]
    model = as_model(function)
    assert with_prediction_cache(model, held) is model


@pytest.mark.parametrize(
    ("help_", "keepable", "invariant"),
    [
        ({}, False, False),
        ({"version": "1"}, False, False),
        ({"model_digest": "abc"}, True, False),
        ({"model_digest": "abc", "keepable": False}, False, False),
        ({"model_digest": "abc", "batch_invariant": "yes"}, True, False),
        ({"model_digest": "abc", "batch_invariant": True}, True, True),
    ],
)
def test_a_server_is_trusted_as_far_as_it_says_what_it_is(
    help_: dict[str, Any], keepable: bool, invariant: bool, held: PredictionCache
) -> None:
    model = RemotePredictor("http://127.0.0.1:9")
    # What /help would have said.
    model.said = help_
    assert (model.keepable, model.batch_invariant) == (keepable, invariant)
    assert isinstance(with_prediction_cache(model, held), CachedPredictor) is keepable


class Served(Asked):
    """A model on a server, which may change what it says of itself."""

    def __init__(self, model: Predictor, url: str = "http://a", name: str = "p") -> None:
        super().__init__(model)
        self.served_as = (url, name)
        self.confirmed: bool | None = True

    def confirm_identity(self) -> bool:
        if self.confirmed is None:
            raise RemoteModelError("it is not the model it was")
        return self.confirmed


@pytest.mark.parametrize("make", [by_sequence, by_request])
def test_answers_of_one_server_are_no_other_servers(make: Any, held: PredictionCache) -> None:
    CachedPredictor(Served(make()), held).predict(point({"a": "AC"}))
    for url, name, asked in (
        ("http://a", "p", []),
        ("http://rival", "p", [["a"]]),
        ("http://a", "q", [["a"]]),
    ):
        model = Served(make(), url, name)
        CachedPredictor(model, held).predict(point({"a": "AC"}))
        assert model.asked == asked
    # Here it is no server at all.
    model = Asked(make())
    CachedPredictor(model, held).predict(point({"a": "AC"}))
    assert model.asked == [["a"]]


@pytest.mark.parametrize("make", [by_sequence, by_request])
def test_of_a_server_that_became_another_model_nothing_is_kept(
    make: Any, held: PredictionCache
) -> None:
    model = Served(make())
    behind = CachedPredictor(model, held)
    model.confirmed = None
    with pytest.raises(RemoteModelError, match="not the model it was"):
        behind.predict(point({"a": "AC"}))
    assert not held.folder.exists()
    model.confirmed = False
    assert values(behind.predict(point({"a": "AC"}))) == values(make().predict(point({"a": "AC"})))
    assert not held.folder.exists()
    model.confirmed = True
    behind.predict(point({"a": "AC"}))
    assert len(list(held.checked())) == 1
    # What is there needs no server.
    model.confirmed = None
    behind.predict(point({"a": "AC"}))
    assert len(model.asked) == 3
