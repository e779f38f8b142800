"""Functions and objects of the user's own as models."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genomark.benchmarks.controls import RandomControl
from genomark.errors import CapabilityError, ModelError, UnknownNameError, UsageError
from genomark.models import Predictor, as_model, load_model
from genomark.models.composition import gc
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ModelIdentity

Predictions = Callable[..., list[Any]]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """``write(name, source)``: a file beside which the command is run."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, source: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        return file

    return write


def lengths(sequences: list[str]) -> list[float]:
    return [float(len(sequence)) for sequence in sequences]


class Counter:
    """A callable object."""

    def __init__(self, letter: str) -> None:
        self.letter = letter

    def __call__(self, sequences: list[str]) -> np.ndarray:
        return np.array([sequence.count(self.letter) for sequence in sequences])


def test_a_function_becomes_a_predictor(predictions: Predictions) -> None:
    model = as_model(lengths)
    assert isinstance(model, Predictor)
    assert model.info.id == "py:lengths"
    assert predictions(model, ["ACGT", "A"], scale="log") == [4.0, 1.0]


def test_so_do_a_callable_object_a_partial_and_a_method(predictions: Predictions) -> None:
    count = Counter("A")
    for thing in (count, functools.partial(Counter.__call__, count), count.__call__):
        assert predictions(as_model(thing), ["AACA", "G"]) == [3.0, 0.0]
    assert as_model(count).info.id == "py:Counter"


def test_a_function_sees_upper_case_sequences_with_flanks_in_a_list() -> None:
    seen: list[Any] = []

    def watch(sequences: list[str]) -> list[float]:
        seen.append(sequences)
        return [0.0] * len(sequences)

    as_model(watch).predict(
        PredictRequest(
            "point", [PredictionTask("t", "expression", "K562", "homo_sapiens")],
            {"a": "acgt", "b": "N"}, upstream_seq="tt", downstream_seq="g",
        )
    )  # fmt: skip
    assert seen == [["TTACGTG", "TTNG"]]


def test_a_model_is_itself() -> None:
    model = gc()
    assert as_model(model) is model
    assert as_model(RandomControl()).info.id == "control:random"


@pytest.mark.parametrize("thing", [Counter, RandomControl, int], ids=lambda thing: thing.__name__)
def test_a_class_is_not_yet_a_model(thing: type) -> None:
    with pytest.raises(CapabilityError, match="neither a model nor a function"):
        as_model(thing)


@pytest.mark.parametrize("thing", [3, "text", None, ["list"], object()])
def test_neither_is_a_thing_that_cannot_be_called(thing: object) -> None:
    with pytest.raises(CapabilityError, match=r"expected f\(list of str\)"):
        as_model(thing)


def test_an_info_that_says_nothing_of_a_model_does_not_make_one() -> None:
    with pytest.raises(CapabilityError, match="'py:logging:root'"):
        load_model("py:logging:root")


def test_numbers_are_log2_unless_the_function_says_otherwise(
    predictions: Predictions, ask: Callable[..., Any]
) -> None:
    def log(sequences: list[str]) -> list[float]:
        return [3.0 for _ in sequences]

    def linear(sequences: list[str]) -> list[float]:
        return [3.0 for _ in sequences]

    linear.scale = "linear"  # type: ignore[attr-defined]
    assert predictions(as_model(log), ["A"], scale="log") == [3.0]
    assert predictions(as_model(log), ["A"], scale="linear") == [8.0]
    assert predictions(as_model(linear), ["A"], scale="linear") == [3.0]
    # Zeros and negative numbers have no logarithm: the answer says which scale it has.
    task = ask(as_model(linear), ["A"], scale="log")
    assert task.predictions == {"0": 3.0}
    assert (task.scale_prediction_requested, task.scale_prediction_actual) == ("log", "linear")


def test_an_unknown_scale_is_refused() -> None:
    def odd(sequences: list[str]) -> list[float]:
        return lengths(sequences)

    odd.scale = "ln"  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"scale must be one of .*'log'.*'linear'.*, not 'ln'"):
        as_model(odd)


def test_a_version_is_told_and_changes_the_digest() -> None:
    def versioned(sequences: list[str]) -> list[float]:
        return lengths(sequences)

    first = as_model(versioned).info
    versioned.version = 2  # type: ignore[attr-defined]
    second = as_model(versioned).info
    assert (first.version, second.version) == ("1", "2")
    assert first.digest != second.digest


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [1.0],
        [1.0, 2.0, 3.0],
        [[1.0, 2.0], [3.0, 4.0]],
        [[1.0], [2.0, 3.0]],
        ["high", "low"],
        {"a": 1.0},
        [None, object()],
        "ACGT",
        3.0,
    ],
    ids=lambda answer: str(answer)[:12],
)
def test_an_answer_that_is_not_one_number_each_is_refused_in_one_line(
    ask: Callable[..., Any], answer: Any
) -> None:
    model = as_model(lambda sequences: answer, "py:odd")
    with pytest.raises(ModelError) as caught:
        ask(model, ["ACGT", "A"])
    message = str(caught.value)
    assert message.startswith("Model 'py:odd' gave ")
    assert "\n" not in message


@pytest.mark.parametrize(
    "answer",
    [[1, 2], (1.0, 2.0), np.array([1.0, 2.0], dtype=np.float32), np.array([[1.0], [2.0]])],
    ids=["integers", "tuple", "float32", "column"],
)
def test_numbers_in_any_container_are_numbers(predictions: Predictions, answer: Any) -> None:
    assert predictions(as_model(lambda sequences: answer), ["A", "C"]) == [1.0, 2.0]


def test_names_in_the_protocol_hold_letters_and_digits_only(ask: Callable[..., Any]) -> None:
    model = as_model(lambda sequences: [1.0])
    assert model.predictor_name == "genomark-lambda"


# --- files and modules ---------------------------------------------------------------------------

PREDICT = "def predict(sequences):\n    return [s.count('A') for s in sequences]\n"


def test_a_file_and_its_object(write: Callable[..., Path], predictions: Predictions) -> None:
    file = write("my_model.py", PREDICT)
    for spec in ("py:my_model.py:predict", "py:./my_model.py:predict", f"py:{file}:predict"):
        model = load_model(spec)
        assert model.info.id == spec
        assert predictions(model, ["AAT"]) == [2.0]


def test_a_module_and_its_object(
    write: Callable[..., Path], predictions: Predictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a_package/__init__.py", "")
    write("a_package/inner.py", PREDICT)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    assert predictions(load_model("py:a_package.inner:predict"), ["AAT"]) == [2.0]


def test_a_model_object_in_a_file_is_used_as_it_is(write: Callable[..., Path]) -> None:
    write("with_model.py", "from genomark.models.composition import gc\nmodel = gc()\n")
    assert load_model("py:with_model.py:model").info == gc().info


def test_a_class_in_a_file_is_refused(write: Callable[..., Path]) -> None:
    write("with_class.py", "class Model:\n    def __call__(self, s):\n        return [1]\n")
    with pytest.raises(CapabilityError, match=r"with_class\.py:Model"):
        load_model("py:with_class.py:Model")


@pytest.mark.parametrize("spec", ["py:", "py:file.py", "py:module", "py::predict", "py:file.py:"])
def test_a_spec_of_another_form_is_told(spec: str) -> None:
    with pytest.raises(UsageError, match=r"expected py:package\.module:object or py:\./file"):
        load_model(spec)


def test_a_missing_file_is_told() -> None:
    with pytest.raises(UsageError, match=r"No file 'nowhere\.py'"):
        load_model("py:nowhere.py:predict")


def test_a_missing_module_is_told() -> None:
    with pytest.raises(UsageError, match=r"No module named 'nowhere\.at_all'"):
        load_model("py:nowhere.at_all:predict")


def test_a_module_missing_inside_a_module_is_another_matter(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("needs.py", "import something_not_installed\n")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    for spec in ("py:needs:predict", "py:needs.py:predict"):
        with pytest.raises(ModelError, match="something_not_installed"):
            load_model(spec)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def predict(:\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("from .beside import x\n", "ImportError"),
    ],
)
def test_a_file_that_fails_to_run_is_told_in_one_line(
    write: Callable[..., Path], source: str, said: str
) -> None:
    write("bad.py", source)
    with pytest.raises(ModelError) as caught:
        load_model("py:bad.py:predict")
    message = str(caught.value)
    assert message.startswith(f"Running 'bad.py' failed: {said}")
    assert "\n" not in message
    # It can be put right and tried again.
    write("bad.py", f"# mended\n{PREDICT}")
    assert load_model("py:bad.py:predict").info.id == "py:bad.py:predict"


def test_a_module_that_fails_to_run_is_told(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("bad_module.py", "raise ValueError('not today')\n")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    with pytest.raises(ModelError, match="Importing 'bad_module' failed: ValueError: not today"):
        load_model("py:bad_module:predict")


def test_a_missing_object_suggests_the_nearest(write: Callable[..., Path]) -> None:
    write("near.py", PREDICT)
    with pytest.raises(UnknownNameError, match=r"named 'perdict'\. Did you mean 'predict'\?"):
        load_model("py:near.py:perdict")


def test_an_empty_file_has_nothing_to_suggest(write: Callable[..., Path]) -> None:
    write("empty.py", "")
    with pytest.raises(UnknownNameError, match=r"\(nothing\)"):
        load_model("py:empty.py:predict")


def test_a_file_can_import_its_neighbours(
    write: Callable[..., Path], predictions: Predictions
) -> None:
    write("models/weights_beside.py", "WEIGHT = 7\n")
    write(
        "models/one.py",
        "from weights_beside import WEIGHT\n" + PREDICT.replace("s.c", "WEIGHT*s.c"),
    )
    assert predictions(load_model("py:models/one.py:predict"), ["AAT"]) == [14.0]


def test_files_of_two_folders_each_get_their_own_neighbour(
    write: Callable[..., Path], predictions: Predictions
) -> None:
    source = "from shared_name import WEIGHT\n" + PREDICT.replace("s.c", "WEIGHT*s.c")
    late = "def late(sequences):\n    from only_here import W\n    return [W for _ in sequences]\n"
    for folder, weight in (("old", 1), ("new", 2)):
        write(f"{folder}/shared_name.py", f"WEIGHT = {weight}\n")
        write(f"{folder}/model.py", source + late)
    write("old/only_here.py", "W = 5\n")
    loaded = [load_model(f"py:{folder}/model.py:predict") for folder in ("old", "new", "old")]
    assert [predictions(model, ["A"])[0] for model in loaded] == [1.0, 2.0, 1.0]
    packaged = "from in_a_package.inner import WEIGHT\n" + PREDICT.replace("s.c", "WEIGHT*s.c")
    for folder, weight in (("old", 3), ("new", 4)):
        write(f"{folder}/in_a_package/__init__.py", "")
        write(f"{folder}/in_a_package/inner.py", f"WEIGHT = {weight}\n")
        write(f"{folder}/packaged.py", packaged)
    loaded = [load_model(f"py:{folder}/packaged.py:predict") for folder in ("old", "new")]
    assert [predictions(model, ["A"])[0] for model in loaded] == [3.0, 4.0]
    # What is imported only when it is asked is still found after another folder was opened.
    assert predictions(load_model("py:old/model.py:late"), ["A"]) == [5.0]


def test_a_folder_on_the_path_already_stays_where_it_is(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("here.py", PREDICT)
    monkeypatch.syspath_prepend(str(file.parent))
    before = list(sys.path)
    load_model("py:here.py:predict")
    assert sys.path == before


def test_an_installed_package_is_not_hidden_by_a_neighbour(write: Callable[..., Path]) -> None:
    write("colorsys.py", "raise RuntimeError('the wrong one')\n")
    write("usual.py", "import colorsys\n" + PREDICT)
    load_model("py:usual.py:predict")
    assert sys.modules["colorsys"].__file__ != str(Path("colorsys.py").resolve())


def test_own_models_need_an_identity() -> None:
    class Own:
        info = ModelIdentity(id="own", version="3", digest="d")

        def predict(self, request: Any) -> Any:
            return request

    assert as_model(Own()).info.version == "3"
