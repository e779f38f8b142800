"""What scripts and packages may rely on stays as it is, unless somebody says so."""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from pathlib import Path

import pytest

import genomark
from public_surface import SURFACE, promised, surface

ROOT = Path(__file__).parents[1]


def test_the_surface_is_as_promised() -> None:
    kept, found = SURFACE.read_text().splitlines(), surface().splitlines()
    changes = [
        line
        for line in difflib.unified_diff(kept, found, "promised", "found", lineterm="", n=0)
        if not line.startswith("@@")
    ]
    assert not changes, (
        "the public API has changed:\n" + "\n".join(changes) + "\n"
        "What is taken away or renamed breaks packages of others: CHANGELOG.md must say so.\n"
        "To accept the change: python tests/public_surface.py"
    )


def test_what_is_taken_away_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = surface()
    monkeypatch.setattr(genomark, "__all__", [each for each in genomark.__all__ if each != "Fold"])
    assert set(before.splitlines()) - set(surface().splitlines()) == {
        line for line in before.splitlines() if re.match(r"genomark\.Fold\b", line)
    }


@pytest.mark.parametrize(
    "line",
    [
        "genomark.Result: class(Struct)",
        "genomark.ModelIdentity.digest: str",
        "genomark.PredictorBenchmark: class(Benchmark, ABC)",
        "genomark.PredictorBenchmark.items: abstract",
        "genomark.PredictorBenchmark.items: property, pl.DataFrame",
        "genomark.PredictorBenchmark.request: abstract",
        "genomark.PredictorBenchmark.request(1 items: pl.DataFrame)",
        "genomark.PredictorBenchmark.request() -> PredictRequest",
        "genomark.PredictorBenchmark.version: str",
        "genomark.Predictor: protocol class(Model)",
        "genomark.run(* seed: int = 0)",
        "genomark.errors.DatasetUnavailableError: class(DatasetError, GenomarkError, Exception)",
        "genomark.load_results(0 path: str | Path)",
    ],
)
def test_the_surface_tells_names_bases_fields_and_parameters(line: str) -> None:
    assert line in surface().splitlines()


def test_names_are_said_alike_to_people_to_type_checkers_and_to_python() -> None:
    tree = ast.parse(Path(genomark.__file__).read_text())
    imported = {
        (node.module, name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("genomark.")
        for name in node.names
    }
    assert imported == {(room, name) for name, room in genomark._HOMES.items()}
    assert {*genomark._HOMES, "__version__"} == set(genomark.__all__) <= set(dir(genomark))
    assert len(genomark.__all__) == len(set(genomark.__all__))


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = genomark.nothing


def test_everything_promised_says_what_it_is() -> None:
    silent = []
    for path, thing in promised().items():
        if path == "genomark.__version__":
            continue
        if not inspect.getdoc(thing) or inspect.getdoc(thing) == inspect.getdoc(Exception):
            silent.append(path)
        if not inspect.isclass(thing):
            continue
        fields = inspect.get_annotations(thing)
        for name, member in vars(thing).items():
            documented = name not in fields and (
                callable(member) or isinstance(member, property | classmethod)
            )
            if not name.startswith("_") and documented and not inspect.getdoc(member):
                silent.append(f"{path}.{name}")
    assert silent == []


def test_the_reference_has_what_is_promised_and_nothing_else() -> None:
    text = "".join(page.read_text() for page in sorted((ROOT / "docs" / "api").glob("*.md")))
    shown = re.findall(r"^::: (\S+)", text, flags=re.MULTILINE)
    assert len(shown) == len(set(shown))
    expected = set(promised()) - {"genomark.__version__", "genomark.GenomarkError"}
    assert set(shown) == expected
