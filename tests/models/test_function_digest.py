"""A function's digest changes with its answers, and with nothing else."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genomark.models import load_model
from genomark.models.function_digest import function_digest

_SCRIPT = """
import sys
from genomark.models import as_model, load_model

LETTERS = {"alpha", "beta", "gamma", "delta"}

def function(sequences):
    return [float(s in LETTERS or s in {"one", "two", "three", "four"}) for s in sequences]

class Base:
    def scale_by(self):
        return 2

class Model(Base):
    words = frozenset(["a", "bc", "def", "ghij"])

    def __init__(self, k):
        super().__init__()
        self.k = k

    def __call__(self, sequences):
        return [float(self.k * len(Model.words)) for _ in sequences]

def closure(names):
    def inner(sequences):
        return [len(names) for _ in sequences]
    return inner

things = [function, Model(3), closure({"x", "yy", "zzz"}), lambda s: [1.0 for _ in s], Model(4)]
models = [*(as_model(thing) for thing in things), *(load_model(spec) for spec in sys.argv[1:])]
sys.stdout.write(" ".join(model.info.digest for model in models))
"""


def run(folder: Path, *arguments: str, seed: int) -> list[str]:
    """Digests as another process gives them, whose sets and dicts hash in another way."""
    child = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONHASHSEED": str(seed)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return child.stdout.split()


def multiply(sequences: list[str], by: float = 1.0) -> list[float]:
    return [by * len(sequence) for sequence in sequences]


def maker(by: Any) -> Callable[[list[str]], list[float]]:
    def inner(sequences: list[str]) -> list[float]:
        return [by for _ in sequences]

    return inner


class Holder:
    def __init__(self, held: Any) -> None:
        self.held = held

    def __call__(self, sequences: list[str]) -> list[float]:
        return [0.0 for _ in sequences]


def digest(thing: Any, version: str = "1") -> str:
    return function_digest(thing, version)


def test_the_same_function_has_the_same_digest() -> None:
    for thing in (multiply, maker(3), Holder([1, 2]), functools.partial(multiply, by=2)):
        assert digest(thing) == digest(thing)
    assert digest(maker(3)) == digest(maker(3))
    assert digest(Holder({"a", "b"})) == digest(Holder({"b", "a"}))
    assert len(digest(multiply)) == 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (maker(3), maker(4)),
        (maker("3"), maker(3)),
        (maker([1, 2]), maker([2, 1])),
        (maker({1, 2}), maker({1, 3})),
        (maker({1, 2}), maker(frozenset({1, 2, 3}))),
        (maker(np.arange(3.0)), maker(np.arange(3.0) + 1e-9)),
        (Holder(1), Holder(2)),
        (functools.partial(multiply, by=2), functools.partial(multiply, by=3)),
        (lambda s: [1 for _ in s], lambda s: [2 for _ in s]),
        (multiply, maker(1.0)),
    ],
)
def test_what_a_function_holds_is_part_of_it(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


def test_the_version_is_part_of_it() -> None:
    assert digest(multiply, "1") != digest(multiply, "2")


def test_what_cannot_be_seen_is_never_taken_for_another() -> None:
    # A lock cannot be pickled.
    thing = Holder(threading.Lock())
    assert digest(thing) != digest(thing)


def test_a_class_made_in_a_function_may_hold_itself() -> None:
    class Own:
        def __init__(self, k: int) -> None:
            super().__init__()
            self.k = k

        def __call__(self, sequences: list[str]) -> list[float]:
            return [self.k, isinstance(self, Own)]

    assert digest(Own(1)) == digest(Own(1))
    assert digest(Own(1)) != digest(Own(2))


FILE = """
import functools
from beside import WEIGHT

def predict(sequences):
    return [s.count("A") * WEIGHT if s not in {"one", "two", "three"} else 0 for s in sequences]

class Model:
    def __call__(self, sequences):
        return [len(s) for s in sequences]

def make(names):
    def inner(sequences):
        return [s in names or s in {"alpha", "beta", "gamma"} for s in sequences]
    return inner

def scaled(sequences, by):
    return [by for _ in sequences]

model = Model()
closure = make({"x", "yy", "zzz"})
partial = functools.partial(scaled, by=2)
method = model.__call__
"""
OBJECTS = ("predict", "model", "closure", "partial", "method")
SPECS = [f"py:user_file.py:{name}" for name in OBJECTS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "user_file.py").write_text(FILE)
    (tmp_path / "beside.py").write_text("from deeper import inner\nWEIGHT = 3\n")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "__init__.py").write_text("from . import inner\n")
    (tmp_path / "deeper" / "inner.py").write_text("x = 1\n")
    (tmp_path / "stranger.py").write_text("y = 1\n")
    return tmp_path


def test_every_process_gives_the_same_digests(folder: Path) -> None:
    (folder / "script.py").write_text(_SCRIPT)
    # The first process compiles the files, the second finds them compiled.
    first = run(folder, "script.py", *SPECS, seed=1)
    second = run(folder, "script.py", *SPECS[::-1], seed=2)
    own = len(first) - len(SPECS)
    assert second == first[:own] + first[own:][::-1]
    assert len(set(first)) == own + len(SPECS) == 10


def test_a_file_it_does_not_import_is_none_of_its_business(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = here(*SPECS)
    (folder / "stranger.py").write_text("y = 1234\n")
    # Nor is the order of loading.
    assert here(*SPECS[::-1]) == before[::-1]


def here(*specs: str) -> list[str]:
    return [load_model(spec).info.digest for spec in specs]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("user_file.py", "len(s) for", "len(s) + 10 for"),
        ("beside.py", "WEIGHT = 3", "WEIGHT = 3000"),
        ("deeper/inner.py", "x = 1", "x = 1000"),
    ],
    ids=["the file", "a neighbour", "a neighbour's neighbour"],
)
def test_a_changed_source_changes_every_digest(
    folder: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str
) -> None:
    monkeypatch.chdir(folder)
    before = here(*SPECS)
    assert here(*SPECS) == before
    source = (folder / file).read_text()
    assert old in source
    (folder / file).write_text(source.replace(old, new))
    assert not set(before) & set(here(*SPECS))


def test_a_neighbour_that_is_no_python_is_only_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lenient.py").write_text(
        "try:\n    import broken_beside\nexcept SyntaxError:\n    pass\n"
        "def predict(sequences):\n    return [1 for _ in sequences]\n"
    )
    (tmp_path / "broken_beside.py").write_text("def (:\n")
    first = here("py:lenient.py:predict")
    (tmp_path / "broken_beside.py").write_text("def (((:\n")
    assert here("py:lenient.py:predict") != first
