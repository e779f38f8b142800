"""What a digest sees of a function that states a version, beside its own source."""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from genomark.models import as_model, function_digest, function_surroundings
from genomark.models.function_surroundings import (
    Surroundings,
    is_installed,
    is_standard,
    release,
    source_of,
)

SOURCE = """
import functools
import numpy as np
import neighbour

SIGN = 1.0
NAMES = ("a", ("b", 2))
KNOWN = frozenset({"alpha", "beta", "gamma", "delta"})
WEIGHTS = np.arange(3.0)
CACHE = {}
COUNT = 0
UNUSED = 1

def shared(sequence):
    return len(sequence) * WEIGHTS[0] + len(NAMES) + len(KNOWN)

def predict(sequences):
    global COUNT
    COUNT += 1
    CACHE.update(dict.fromkeys(sequences))
    neighbour.CALLS += 1
    return [SIGN * shared(each) * neighbour.SCALE * np.exp(0) for each in sequences]

class Model:
    def __call__(self, sequences):
        return [self.one(each) for each in sequences]

    @staticmethod
    def one(sequence):
        return SIGN * shared(sequence) * neighbour.SCALE

def closing(inner):
    def outer(sequences):
        return inner(sequences)
    return outer

model = Model()
method = model.__call__
partial = functools.partial(predict)
closed = closing(predict)
"""
THINGS = ("predict", "model", "method", "partial", "closed")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the user's own."""
    (tmp_path / "surrounded.py").write_text(SOURCE)
    (tmp_path / "neighbour.py").write_text("SCALE = 2.0\nCALLS = 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return importlib.import_module("surrounded")


def digest(thing: Any, stated: str | None = "1") -> str:
    return function_digest.function_digest(thing, stated)


def changed(thing: Any, change: Callable[[], None]) -> bool:
    before = digest(thing)
    assert digest(thing) == before
    change()
    return digest(thing) != before


@pytest.mark.parametrize("name", THINGS)
@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("SIGN", -1.0),
        ("SIGN", 1),
        ("NAMES", ("a", ("b", 3))),
        ("KNOWN", frozenset({"alpha"})),
        ("WEIGHTS", np.arange(3.0) + 1e-9),
        ("WEIGHTS", np.arange(3.0)[:, None]),
        ("WEIGHTS", np.arange(3)),
    ],
)
def test_a_global_that_code_reads_is_part_of_it(
    module: ModuleType, name: str, place: str, value: Any
) -> None:
    assert changed(getattr(module, name), lambda: setattr(module, place, value))


@pytest.mark.parametrize("name", THINGS)
def test_so_is_what_it_reads_of_another_module(module: ModuleType, name: str) -> None:
    def change() -> None:
        module.neighbour.SCALE = 3.0

    assert changed(getattr(module, name), change)


@pytest.mark.parametrize("name", ["predict", "partial", "closed"])
def test_what_it_counts_and_remembers_is_not(module: ModuleType, name: str) -> None:
    thing = getattr(module, name)

    def ask() -> None:
        assert thing(["AC", "ACG"]) == [12.0, 12.0]
        module.UNUSED = 2

    assert not changed(thing, ask)
    assert (module.COUNT, module.neighbour.CALLS, len(module.CACHE)) == (1, 1, 2)


def test_without_a_version_nothing_of_it_is_seen(module: ModuleType) -> None:
    before = digest(module.predict, None)
    module.SIGN = -1.0
    assert digest(module.predict, None) == before
    # One that is stated sees more, whatever it is.
    assert digest(module.predict, "1") != before
    assert as_model(module.predict).info.digest == before


def test_every_process_sees_the_same(module: ModuleType, tmp_path: Path) -> None:
    script = (
        "import sys, surrounded\n"
        "from genomark.models.function_digest import function_digest\n"
        f"for name in {THINGS}:\n"
        "    sys.stdout.write(function_digest(getattr(surrounded, name), '1') + ' ')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == [digest(getattr(module, name)) for name in THINGS]


def test_packages_are_part_of_it_by_version(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Surroundings(module.predict).packages == {"numpy"}
    before, unstated = digest(module.predict), digest(module.predict, None)

    def newer(package: str) -> str:
        return f"{package} 99" if package == "numpy" else release(package)

    monkeypatch.setattr(function_digest, "release", newer)
    assert digest(module.predict) != before
    assert digest(module.predict, None) == unstated


def test_what_is_imported_when_it_is_asked_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "def predict(sequences):\n    import scipy.stats, os\n    return [1.0 for _ in sequences]"
    )
    (tmp_path / "late_import.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    thing = importlib.import_module("late_import").predict
    before = digest(thing)
    asked: list[str] = []

    def newer(package: str) -> str:
        asked.append(package)
        return f"{package} 99"

    monkeypatch.setattr(function_digest, "release", newer)
    assert digest(thing) != before
    assert asked == ["scipy"]


INSTALLED = (
    "from .inner import SIGN\ndef predict(sequences):\n    return [SIGN for _ in sequences]\n"
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Installs a package that has no version; gives its function, imported anew."""
    root = tmp_path / "lib" / "site-packages"
    (root / "unversioned").mkdir(parents=True)
    (root / "unversioned" / "__init__.py").write_text(INSTALLED)
    (root / "unversioned" / "inner.py").write_text("SIGN = 1.0\n")
    (root / "stranger_beside.py").write_text("X = 1\n")
    (root / "single.py").write_text(
        "import stranger_beside\ndef predict(sequences):\n    return [1.0 for _ in sequences]\n"
    )
    monkeypatch.syspath_prepend(str(root))

    def anew(name: str = "unversioned") -> Any:
        for known in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[known]
        importlib.invalidate_caches()
        return importlib.import_module(name).predict

    return anew


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("__init__.py", "[SIGN for", "[2 * SIGN for"), ("inner.py", "SIGN = 1.0", "SIGN = -10.0")],
)
def test_an_installed_package_that_changed_is_another(
    installed: Callable[..., Any], tmp_path: Path, file: str, old: str, new: str
) -> None:
    before = digest(installed())
    assert digest(installed()) == before
    path = tmp_path / "lib" / "site-packages" / "unversioned" / file
    path.write_text(path.read_text().replace(old, new))
    assert digest(installed()) != before


def test_a_package_without_a_version_that_is_used_goes_by_its_source(
    installed: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "uses_it.py").write_text(
        "import unversioned\ndef predict(sequences):\n    return unversioned.predict(sequences)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "own"))
    thing = importlib.import_module("uses_it").predict
    path = tmp_path / "lib" / "site-packages" / "unversioned" / "__init__.py"
    assert changed(thing, lambda: path.write_text(INSTALLED.replace("[SIGN", "[3 * SIGN")) and None)


def test_packages_beside_a_module_are_not_read_with_it(
    installed: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: set[Path] = set()
    function_digest._add_source(tmp_path / "lib" / "site-packages" / "single.py", added)
    assert [path.name for path in added] == ["single.py"]
    assert digest(installed("single"))


def test_releases_are_those_of_the_distributions() -> None:
    assert release("numpy") == f"numpy {version('numpy')}"
    # The module has another name than what installs it.
    assert release("sklearn") == f"scikit-learn {version('scikit-learn')}"
    assert release("no_such_package") == "no_such_package"


def test_sources_are_found_without_importing() -> None:
    sys.modules.pop("antigravity", None)
    found = source_of("antigravity")
    assert found is not None
    assert found.name == "antigravity.py"
    assert "antigravity" not in sys.modules
    assert source_of("no_such_package") is None
    # No Python source.
    assert source_of("sys") is None


def test_files_of_python_and_of_packages_are_told_from_ones_own() -> None:
    assert is_standard(Path(functools.__file__))
    assert is_installed(Path(functools.__file__))
    assert is_installed(Path(np.__file__))
    assert not is_standard(Path(np.__file__))
    assert not is_installed(Path(__file__))
    assert not is_installed(Path(function_surroundings.__file__).parents[3] / "x.py")
