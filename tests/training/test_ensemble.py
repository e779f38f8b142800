"""Several fits as one: means and spreads, whatever the order; and only of one task."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("safetensors")

from training_tasks import random_sequences, task_of_kind

from genomark.errors import UsageError
from genomark.models import Fitting
from genomark.scoring import ModelIdentity
from genomark.training.ensemble import Ensemble, load_ensemble
from genomark.training.feature_models import Onehot
from genomark.training.saved import FitRecord, LearnedFrom, SavedFit, save_fit


class Fixed:
    """Answers what it is told to."""

    def __init__(self, answers: Any) -> None:
        self.given = answers
        self.report: dict[str, Any] = {}

    def answers(self, sequences: Any) -> Any:
        return self.given


def fit(kind: str, labels: tuple[str, ...], answers: Any = None, folder: str = "a") -> SavedFit:
    record = FitRecord(
        format=1, genomark="0", spec="x", base="", model=ModelIdentity("x", "1", "d"), task="t",
        kind=kind, labels=labels, learned_from=LearnedFrom(1, 1, "", "", ""), seed=0,
        weights_sha256="", facts={}, report={},
    )  # fmt: skip
    return SavedFit(Path(folder), record, Fixed(answers))


def test_answers_are_averaged_and_told_with_their_standard_deviation():
    given = [[[0.5, 2.0]], [[1.5, 2.0]], [[4.0, 5.0]]]
    fits = [fit("multi-label", ("a", "b"), np.array(each, np.float32)) for each in given]
    mean, spread = Ensemble(fits).answers(["ACGT"])
    assert mean == pytest.approx(np.array([[2.0, 3.0]]))
    expected = [statistics.stdev([0.5, 1.5, 4.0]), statistics.stdev([2.0, 2.0, 5.0])]
    assert spread == pytest.approx(np.array([expected]))


def test_positions_are_averaged_each():
    given = [
        [np.array([[0.2, 0.8]]), np.array([[1.0, 0.0], [0.5, 0.5]])],
        [np.array([[0.6, 0.4]]), np.array([[0.0, 1.0], [0.5, 0.5]])],
    ]
    fits = [fit("token-classes", ("a", "b"), each) for each in given]
    mean, spread = Ensemble(fits).answers(["A", "AC"])
    assert [each.shape for each in mean] == [(1, 2), (2, 2)]
    assert mean[0] == pytest.approx(np.array([[0.4, 0.6]]))
    assert mean[1] == pytest.approx(np.full((2, 2), 0.5))
    assert spread[1] == pytest.approx(np.array([[0.5**0.5] * 2, [0.0, 0.0]]))


def test_the_order_of_the_fits_changes_no_bit():
    random = np.random.default_rng(0)
    fits = [fit("regression", ("x",), random.normal(size=(500, 1))) for _ in range(5)]
    forwards, backwards = Ensemble(fits).answers([]), Ensemble(fits[::-1]).answers([])
    for one, other in zip(forwards, backwards, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_a_single_fit_answers_as_it_is_and_has_no_spread():
    given = np.array([[0.1]], np.float32)
    mean, spread = Ensemble([fit("binary", ("x",), given)]).answers(["A"])
    assert mean is given
    assert spread is None


@pytest.mark.parametrize("other", [("multi-label", ("a", "b")), ("binary", ("b",))])
def test_fits_of_other_tasks_are_not_averaged(other):
    fits = [fit("binary", ("a",), folder="one"), fit(*other, folder="two")]
    with pytest.raises(UsageError, match=r"one answers a binary task \('a'\), and two a .* task"):
        Ensemble(fits)


def save(folder: Path, seed: int = 0) -> None:
    split = task_of_kind("binary")
    model = Onehot()
    save_fit(folder, model.fit_task(split, Fitting()), model=model, split=split, seed=seed)


def test_a_folder_of_seeds_is_all_of_its_fits_by_number(tmp_path):
    for seed in (10, 2, 0):
        save(tmp_path / f"seed-{seed}", seed)
    found = load_ensemble([tmp_path])
    assert [each.record.seed for each in found.fits] == [0, 2, 10]
    assert (found.kind, found.labels) == ("binary", ("gc",))
    sequences = random_sequences(10, 3, (12, 20))
    mean, spread = found.answers(sequences)
    one = found.fits[0].answers(sequences)
    assert mean == pytest.approx(one, rel=1e-12)
    assert np.asarray(spread) == pytest.approx(np.zeros((10, 1)))


def test_what_is_named_twice_or_is_no_fit_is_refused(tmp_path):
    save(tmp_path / "seed-0")
    with pytest.raises(UsageError, match="seed-0 is named twice"):
        load_ensemble([tmp_path, tmp_path / "seed-0"])
    with pytest.raises(UsageError, match="no saved fit"):
        load_ensemble([tmp_path / "seed-1"])
