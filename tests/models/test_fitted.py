"""What every ridge model does, seen on one that counts letters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genomark.models import Predictor, Trainable, TrainingSplit
from genomark.models.fitted import RidgeTrainable
from genomark.models.ridge import LinearFit
from genomark.protocol import PredictionFailedError


class Letters(RidgeTrainable):
    """Counts each letter; `fits` is how often it was really fitted."""

    name = "letters"

    def __init__(self, letters: str = "ACGT") -> None:
        self.letters = letters
        self.fits = 0

    @property
    def id(self) -> str:
        return f"letters:{self.letters}"

    @property
    def settings(self) -> dict[str, object]:
        return {"letters": self.letters}

    def features(self, sequences: list[str]) -> np.ndarray:
        self.fits += 1
        return self._counts(sequences)

    def predict_points(self, fit: LinearFit, sequences: list[str]) -> np.ndarray:
        return self._counts(sequences) @ fit.weights + fit.intercept

    def _counts(self, sequences: list[str]) -> np.ndarray:
        return np.array([[s.count(each) for each in self.letters] for s in sequences], float)


@pytest.fixture
def split() -> TrainingSplit:
    random = np.random.default_rng(4)
    sequences = ["".join(random.choice(list("ACGT"), 30)) for _ in range(200)]
    values = np.array([2.0 * s.count("G") - s.count("A") + 5 for s in sequences])
    return TrainingSplit("a toy", sequences, values, [str(i // 2) for i in range(200)])


def test_it_is_a_trainable_and_makes_a_predictor(split: TrainingSplit, own_cache: Path) -> None:
    model = Letters()
    assert isinstance(model, Trainable)
    assert not isinstance(model, Predictor)
    fitted = model.fit(split)
    assert isinstance(fitted, Predictor)
    assert not isinstance(fitted, Trainable)


def test_it_finds_the_rule_the_data_follow(
    split: TrainingSplit, own_cache: Path, predictions: Callable[..., list[Any]]
) -> None:
    fitted = Letters().fit(split)
    assert predictions(fitted, ["GGGAT" * 6, "CCTTA" * 6], scale="log") == pytest.approx(
        [2 * 18 - 6 + 5, -6 + 5], abs=0.3
    )


def test_linear_is_two_to_the_log(
    split: TrainingSplit, own_cache: Path, predictions: Callable[..., list[Any]]
) -> None:
    fitted = Letters().fit(split)
    log = predictions(fitted, ["ACGT" * 7, "G"], scale="log")
    linear = predictions(fitted, ["ACGT" * 7, "G"], scale="linear")
    assert linear == pytest.approx([2**value for value in log], rel=1e-12)


def test_it_says_what_it_really_predicts(
    split: TrainingSplit, own_cache: Path, ask: Callable[..., Any]
) -> None:
    fitted = Letters().fit(split)
    task = ask(fitted, ["ACGT"])
    assert task.type_actual == ["expression"]
    assert (task.cell_type_actual, task.species_actual) == ("K562", "homo_sapiens")
    assert task.scale_prediction_actual == "log"
    with pytest.raises(PredictionFailedError, match="genomark-letters"):
        ask(fitted, ["ACGT"], readout="interaction_matrix")


def test_a_track_has_the_point_of_the_window_around_each_bin(
    split: TrainingSplit, own_cache: Path, ask: Callable[..., Any], predictions: Callable[..., Any]
) -> None:
    fitted = Letters().fit(split)
    sequence = "ACGTGGCATT" * 40 + "ACG"
    (track,) = ask(fitted, [sequence], readout="track", scale="log").predictions.values()
    windows = [sequence[max(0, at + 5 - 115) : at + 5 + 115] for at in range(0, 403, 10)]
    assert track.tolist() == predictions(fitted, windows, scale="log")


def test_the_same_split_is_fitted_once(split: TrainingSplit, own_cache: Path) -> None:
    model = Letters()
    first, second = model.fit(split), Letters().fit(split)
    assert model.fits == 1
    assert first.info == second.info == model.identity(split)
    assert [file.name for file in (own_cache / "fits").glob("*.npz")] == [
        f"{model.identity(split).digest}.npz"
    ]


def test_a_fit_is_named_by_all_it_depends_on(split: TrainingSplit) -> None:
    class Newer(Letters):
        version = "next"

    class Renamed(Letters):
        name = "others"

    changed = TrainingSplit("a toy", split.sequences, split.values + 1, split.groups)
    identities = [
        Letters().info,
        Letters().identity(split),
        Letters().identity(changed),
        Letters("ACG").identity(split),
        Newer().identity(split),
        Renamed().identity(split),
    ]
    assert len({identity.digest for identity in identities}) == len(identities)
    assert Letters().identity(split) == Letters().identity(split)


def test_the_name_of_a_split_is_told_but_changes_no_fit(split: TrainingSplit) -> None:
    other = TrainingSplit("another", split.sequences, split.values, split.groups)
    assert Letters().identity(other).digest == Letters().identity(split).digest
    assert Letters().identity(split).notes == ["fitted on a toy (200 sequences)"]
    assert Letters().identity(other).notes == ["fitted on another (200 sequences)"]


def test_notes_count_what_was_dropped(split: TrainingSplit) -> None:
    dropped = TrainingSplit("a toy", split.sequences, split.values, split.groups, dropped=86)
    (note,) = Letters().identity(dropped).notes
    assert note.endswith("(200 sequences; 86 dropped, their element is in the test set)")
