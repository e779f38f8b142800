"""What is said where a library is not installed, or is there and broken."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from genomark.errors import UsageError
from genomark.extras import import_extra, require_extras
from genomark.models.hub.files import LIBRARIES

SOURCE = Path(__file__).parents[1]


def test_what_is_installed_is_imported() -> None:
    assert import_extra("this", "json", "none") is json
    assert import_extra("this", "xml.dom.minidom", "none").__name__ == "xml.dom.minidom"
    require_extras("this", {"json": "none", "xml": "none"})


@pytest.mark.parametrize("module", ["is_not_there", "is_not_there.at_all"])
def test_what_is_not_installed_is_named_with_its_extra(module: str) -> None:
    with pytest.raises(UsageError) as caught:
        import_extra("f.h5ad", module, "some")
    assert str(caught.value) == "f.h5ad needs is_not_there: pip install 'genomark[some]'"


def test_pip_knows_viennarna_by_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "RNA", None)
    line = r"^this needs ViennaRNA: pip install 'genomark\[rna\]'$"
    with pytest.raises(UsageError, match=line):
        import_extra("this", "RNA", "rna")
    with pytest.raises(UsageError, match=line):
        require_extras("this", {"RNA": "rna"})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("import what_it_needs\n", "No module named 'what_it_needs'"),
        ("from json import no_such_name\n", "cannot import name 'no_such_name' from 'json'"),
        ("raise ImportError('libx.so:\\n  cannot open\\x1b')\n", "libx.so: cannot open"),
    ],
)
def test_a_library_that_is_there_and_fails_says_why(
    content: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("half_a_library.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError) as caught:
        import_extra("this", "half_a_library", "some")
    said = str(caught.value)
    assert said.startswith(f"this needs half_a_library ({reason}")
    assert said.endswith("): pip install 'genomark[some]'")
    assert said.isprintable()


def test_errors_of_other_kinds_are_not_taken_for_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("wrong_library.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        import_extra("this", "wrong_library", "some")


def test_all_that_is_lacking_is_told_at_once_and_nothing_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("costly_library.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(tmp_path)
    needed = {"not_there": "b", "costly_library": "c", "nor_there": "a", "neither": "b"}
    with pytest.raises(UsageError) as caught:
        require_extras("hf:x", needed)
    assert str(caught.value) == (
        "hf:x needs not_there, nor_there, neither: pip install 'genomark[a,b]'"
    )


def named_extras() -> set[tuple[str, str]]:
    """Libraries and the extras that genomark's own source names for them."""
    found = set()
    for path in SOURCE.joinpath("src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_extra":
                _, module, extra = map(ast.literal_eval, [ast.Constant(""), *node.args[1:]])
                found.add((module.partition(".")[0], extra))
    return found


def test_each_extra_that_is_named_brings_its_library() -> None:
    extras = tomllib.loads(SOURCE.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = {
        (re.match(r"[\w-]+", line)[0].lower().replace("-", "_"), extra)
        for extra, lines in extras["optional-dependencies"].items()
        for line in lines
    }
    named = named_extras() | {*LIBRARIES.items()}
    assert len(named) >= 10
    names = {"RNA": "viennarna", "vl_convert": "vl_convert_python"}
    assert {(names.get(module, module).lower(), extra) for module, extra in named} <= brought
