"""How the tests of models ask one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from genomark.models import Predictor, python_function
from genomark.protocol import PredictionTask, PredictRequest, TaskPrediction

Ask = Callable[..., TaskPrediction]


def _ask(
    model: Predictor, sequences: list[str], *, readout: str = "point", scale: Any = UNSET
) -> TaskPrediction:
    response = model.predict(
        PredictRequest(
            readout=readout,
            prediction_tasks=[
                PredictionTask("a task", "expression", "K562", "homo_sapiens", scale=scale)
            ],
            sequences={str(number): sequence for number, sequence in enumerate(sequences)},
        )
    )
    (task,) = response.prediction_tasks
    assert list(task.predictions) == [str(number) for number in range(len(sequences))]
    return task


@pytest.fixture(scope="session")
def ask() -> Ask:
    """``ask(model, sequences, readout=, scale=)``: the answer to one task, checked for ids."""
    return _ask


@pytest.fixture(scope="session")
def predictions() -> Callable[..., list[Any]]:
    """As `ask`, but only the values, in order."""
    return lambda *args, **kwargs: list(_ask(*args, **kwargs).predictions.values())


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that belongs to one test."""
    folder = tmp_path / "own-cache"
    monkeypatch.setenv("GENOMARK_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def lentimpra(real_data: Callable[[str, str], Path]) -> dict[str, Path]:
    """Paths of the three K562 lentiMPRA samples."""
    return {
        part: real_data("lentimpra_k562_sample", f"sample_{part}.txt")
        for part in ("train", "valid", "test")
    }


@pytest.fixture(autouse=True)
def tidy(tmp_path: Path) -> Iterator[None]:
    """Importing a user's file leaves its folder on the path and its modules loaded; not here."""
    before = list(sys.path)
    yield
    sys.path[:] = before
    python_function._folders.clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
