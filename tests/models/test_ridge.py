"""Ridge regression against scikit-learn, and fits that are made once."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.model_selection
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from genomark.errors import CacheNotWritableError, DatasetError
from genomark.models import ridge
from genomark.models.ridge import PENALTIES, LinearFit, fit_once, fit_ridge, ridge_path

SIZES = {"primal": (60, 8), "dual": (8, 60), "square": (20, 20)}


def draw(rows: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, columns)) * random.uniform(0.1, 5, size=columns) + 3
    values = features @ random.normal(size=columns) * 0.3 + random.normal(size=rows) + 7
    return features, values


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("seed", range(3))
def test_a_path_is_scikit_learns_ridge_at_each_penalty(size: tuple[int, int], seed: int) -> None:
    features, values = draw(*size, seed)
    weights, intercepts = ridge_path(features, values, PENALTIES)
    assert weights.shape == (size[1], len(PENALTIES))
    for column, penalty in enumerate(PENALTIES):
        expected = Ridge(alpha=penalty, solver="svd").fit(features, values)
        np.testing.assert_allclose(weights[:, column], expected.coef_, rtol=1e-8, atol=1e-10)
        assert intercepts[column] == pytest.approx(expected.intercept_, rel=1e-8, abs=1e-10)


@given(st.integers(2, 25), st.integers(1, 25), st.integers(0, 10**6), st.floats(0.01, 1e4))
def test_a_path_is_where_the_gradient_is_zero(
    rows: int, columns: int, seed: int, penalty: float
) -> None:
    features, values = draw(rows, columns, seed)
    weights, intercepts = ridge_path(features, values, (penalty,))
    residuals = values - intercepts[0] - features @ weights[:, 0]
    gradient = features.T @ residuals - penalty * weights[:, 0]
    size = abs(features.T @ values).max() + 1
    assert abs(gradient).max() / size < 1e-8
    assert abs(residuals.sum()) / (abs(values).sum() + 1) < 1e-8


def naive_fit(
    features: np.ndarray, values: np.ndarray, groups: list[str]
) -> tuple[float, np.ndarray, float]:
    """Penalty, weights and intercept, by a plain loop over penalties and folds."""
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread == 0] = 1
    scaled = (features - centre) / spread
    fold = [sorted(set(groups)).index(group) % 5 for group in groups]
    folds = list(sklearn.model_selection.PredefinedSplit(fold).split())
    best, least = 0.0, np.inf
    for penalty in PENALTIES:
        error = 0.0
        for train, test in folds:
            model = Ridge(alpha=penalty).fit(scaled[train], values[train])
            error += ((model.predict(scaled[test]) - values[test]) ** 2).sum()
        if error < least:
            best, least = penalty, error
    model = Ridge(alpha=best).fit(scaled, values)
    weights = model.coef_ / spread
    return best, weights, float(model.intercept_ - centre @ weights)


@pytest.mark.parametrize("noise", [0.01, 3.0, 300.0])
@pytest.mark.parametrize("size", [(90, 12), (40, 80)], ids=["primal", "dual"])
def test_the_penalty_is_that_of_a_plain_cross_validation(
    noise: float, size: tuple[int, int]
) -> None:
    features, values = draw(*size, seed=5)
    values += np.random.default_rng(6).normal(size=size[0]) * noise
    groups = [f"element{row // 3}" for row in range(size[0])]
    penalty, weights, intercept = naive_fit(features, values, groups)
    fit = fit_ridge(features, values, groups)
    assert fit.penalty == penalty
    np.testing.assert_allclose(fit.weights, weights, rtol=1e-8, atol=1e-10)
    assert fit.intercept == pytest.approx(intercept, rel=1e-8)


def test_the_penalties_tried_above_differ() -> None:
    chosen = set()
    for noise in (0.01, 3.0, 300.0):
        features, values = draw(90, 12, seed=5)
        values += np.random.default_rng(6).normal(size=90) * noise
        chosen.add(fit_ridge(features, values, [str(row) for row in range(90)]).penalty)
    assert len(chosen) == 3


def test_folds_never_part_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    class Watched(sklearn.model_selection.PredefinedSplit):
        def split(self, *args: Any, **kwargs: Any) -> Any:
            for train, test in super().split(*args, **kwargs):
                seen.append((train, test))
                yield train, test

    monkeypatch.setattr(sklearn.model_selection, "PredefinedSplit", Watched)
    features, values = draw(60, 5, seed=1)
    groups = np.array([f"element{number}" for number in np.arange(60) * 7 % 23])
    fit_ridge(features, values, groups.tolist())
    assert len(seen) == 5
    assert sorted(np.concatenate([test for _, test in seen])) == list(range(60))
    for train, test in seen:
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("seed", [1, 4, 6])
def test_twins_in_one_group_cannot_vouch_for_each_other(seed: int) -> None:
    random = np.random.default_rng(seed)
    # Noise, each row there twice: learning by heart pays only where a twin is in another fold.
    features = np.repeat(random.normal(size=(60, 200)), 2, axis=0)
    values = np.repeat(random.normal(size=60), 2)
    elements = [f"element{row // 2}" for row in range(120)]
    strangers = [f"row{row * 41 % 120:03d}" for row in range(120)]
    assert fit_ridge(features, values, elements).penalty == PENALTIES[-1]
    assert fit_ridge(features, values, strangers).penalty == PENALTIES[0]


def test_a_feature_that_never_changes_has_no_weight() -> None:
    features, values = draw(40, 3, seed=2)
    features[:, 1] = 4.0
    fit = fit_ridge(features, values, [str(row) for row in range(40)])
    assert fit.weights[1] == pytest.approx(0, abs=1e-12)
    assert np.isfinite(fit.weights).all()


def test_the_same_data_give_the_same_bits() -> None:
    features, values = draw(70, 90, seed=3)
    groups = [str(row % 30) for row in range(70)]
    first, second = (fit_ridge(features, values, groups) for _ in range(2))
    assert first.weights.tobytes() == second.weights.tobytes()
    assert first.intercept == second.intercept


class Maker:
    """Counts how often it is asked to fit."""

    def __init__(self) -> None:
        self.calls = 0
        self.fit = LinearFit(np.array([0.1, -2.5, 1 / 3]), 0.7, 10.0)

    def __call__(self) -> LinearFit:
        self.calls += 1
        return self.fit


def assert_same(found: LinearFit, expected: LinearFit) -> None:
    assert found.weights.tobytes() == expected.weights.tobytes()
    assert (found.intercept, found.penalty) == (expected.intercept, expected.penalty)


def test_a_fit_is_made_once_and_then_loaded_bit_for_bit(own_cache: Path) -> None:
    make = Maker()
    for _ in range(3):
        assert_same(fit_once("digest", make), make.fit)
    assert make.calls == 1
    assert (own_cache / "fits" / "digest.npz").is_file()


def test_another_digest_is_another_fit(own_cache: Path) -> None:
    make = Maker()
    fit_once("one", make)
    fit_once("two", make)
    assert make.calls == 2


def _pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weights=np.array([{"not": "numbers"}]), intercept=0.0, penalty=1.0)
    return buffer.getvalue()


def _array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3.0))
    return buffer.getvalue()


def _other_keys() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, slopes=np.arange(3.0))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"not a fit",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: bytes(len(content)),
        lambda content: _pickled(),
        lambda content: _array(),
        lambda content: _other_keys(),
    ],
    ids=["empty", "text", "half", "short", "zeros", "pickle", "array", "keys"],
)
def test_a_damaged_fit_is_made_anew_in_its_place(
    own_cache: Path, damage: Callable[[bytes], bytes]
) -> None:
    make = Maker()
    fit_once("digest", make)
    file = own_cache / "fits" / "digest.npz"
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert_same(fit_once("digest", make), make.fit)
    assert make.calls == 2
    assert_same(fit_once("digest", make), make.fit)
    assert make.calls == 2


def test_no_flipped_byte_is_ever_taken_for_a_number(own_cache: Path) -> None:
    make = Maker()
    fit_once("digest", make)
    file = own_cache / "fits" / "digest.npz"
    whole = file.read_bytes()
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        assert_same(fit_once("digest", make), make.fit)


def test_a_fit_that_fails_leaves_nothing_and_blocks_nobody(own_cache: Path) -> None:
    def fail() -> LinearFit:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        fit_once("digest", fail)
    make = Maker()
    assert_same(fit_once("digest", make), make.fit)
    assert make.calls == 1


_CHILD = """
import os, sys, time
from pathlib import Path
import numpy as np
from genomark.models.ridge import LinearFit, fit_once

folder = Path(sys.argv[1])
(folder / f"ready{os.getpid()}").touch()
while not (folder / "go").exists():
    time.sleep(0.005)

def make():
    with (folder / "log").open("a") as log:
        log.write(f"{os.getpid()}\\n")
    time.sleep(0.5)
    return LinearFit(np.arange(5) / 7, 0.5, 10.0)

sys.stdout.write(fit_once("digest", make).weights.tobytes().hex())
"""


def test_processes_that_want_the_same_fit_at_once_fit_once(tmp_path: Path, own_cache: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("ready*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    answers = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert answers == [(np.arange(5) / 7).tobytes().hex()] * 2
    assert len((tmp_path / "log").read_text().splitlines()) == 1


class _Refusing:
    """A lock in a folder that cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def acquire(self) -> None:
        raise PermissionError(13, "Permission denied", str(self.path))


def test_a_fit_in_a_cache_that_cannot_be_written_still_serves(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Maker()
    fit_once("digest", make)
    monkeypatch.setattr(ridge, "FileLock", _Refusing)
    assert_same(fit_once("digest", make), make.fit)
    assert make.calls == 1
    with pytest.raises(CacheNotWritableError, match="GENOMARK_CACHE"):
        fit_once("another", make)
    assert make.calls == 1


def test_a_cache_that_cannot_be_made_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(DatasetError, match="GENOMARK_CACHE"):
        fit_once("digest", Maker())
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
