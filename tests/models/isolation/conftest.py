"""A model that does what a test tells it, in a sandbox."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genomark.errors import UsageError
from genomark.models import Embedder, load_model

#: Runs what it is sent, and answers with what that leaves in `result`, letter by letter.
PUPPET = """
import numpy as np
from genomark.scoring import ModelIdentity

class Puppet:
    info = ModelIdentity(id="gc", version="9", digest="0" * 32)

    def embed(self, sequences, progress=None):
        scope = {"progress": progress}
        try:
            exec(sequences[0], scope)
            result = scope.get("result")
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        return np.array([list(repr(result).encode())], dtype=np.float32)

    def embed_positions(self, sequences, progress=None):
        return []

puppet = Puppet()
"""

Puppet = Callable[[str], Any]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where no sandbox can be made."""
    folder = tmp_path_factory.mktemp("trial") / "own"
    folder.mkdir()
    (folder / "model.py").write_text("def f(sequences):\n    return [0.0] * len(sequences)\n")
    try:
        model = load_model(f"isolated:py:{folder}/model.py:f")
    except UsageError as error:
        pytest.skip(str(error))
    model.close()  # type: ignore[attr-defined]


@pytest.fixture
def puppet_source() -> str:
    """Source of a puppet."""
    return PUPPET


@pytest.fixture
def stranger(tmp_path: Path) -> Callable[..., str]:
    """``stranger(source, name="model.py")``: a file in a folder of its own; gives its path."""

    def write(source: str, name: str = "model.py") -> str:
        file = tmp_path / "stranger" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(source)
        return str(file)

    return write


@pytest.fixture(scope="module")
def puppet_model(sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedder]:
    """Give a puppet with small limits."""
    folder = tmp_path_factory.mktemp("puppet") / "own"
    folder.mkdir()
    (folder / "puppet.py").write_text(PUPPET)
    (folder / "weights.txt").write_text("0.5")
    (folder / "out").symlink_to("/etc/shadow")
    limits = "memory_gb=1.5,seconds=30,processes=12,disk_gb=0.02"
    model = load_model(f"isolated:{limits}:py:{folder}/puppet.py:puppet")
    assert isinstance(model, Embedder)
    yield model
    model.close()  # type: ignore[attr-defined]


@pytest.fixture
def puppet(puppet_model: Embedder) -> Puppet:
    """``puppet(code)``: run code in the sandbox, and give its `result`."""

    def run(code: str) -> Any:
        letters = puppet_model.embed([code])[0].astype(int).tolist()
        return ast.literal_eval(bytes(letters).decode())

    return run
