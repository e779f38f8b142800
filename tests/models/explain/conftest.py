"""Checkpoints made once, as the tests of `hf:` models have them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "hub"))
import tiny_checkpoints


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """``checkpoint("esm")``: the folder of a tiny checkpoint, a name of `BUILDERS`."""
    made: dict[str, str] = {}

    def find(name: str) -> str:
        if name not in made:
            folder = tmp_path_factory.mktemp("checkpoint") / name
            made[name] = str(tiny_checkpoints.BUILDERS[name](folder))
        return made[name]

    return find


@pytest.fixture(autouse=True)
def alone(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of one's own, no hub, and code of checkpoints where it is removed again."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    monkeypatch.syspath_prepend(str(tmp_path / "m"))
