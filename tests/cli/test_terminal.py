"""What the terminal shows of names that Rich would take for something else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.table import Table

import genomark.cli
from genomark.cli.terminal import console, print_results, status
from genomark.results import Failed, Results, Skipped

#: Holds the name of an emoji: `:x:` is a red cross.
SPEC = "py:x:Model"


def test_specs_are_shown_as_they_were_typed(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = Skipped(benchmark="toy", model=SPEC, reason="no :x: here")
    failed = Failed(benchmark="toy", model=SPEC, reason=f"{SPEC} [bold] is none")
    print_results(Results([], skipped=[skipped], failed=[failed]))
    assert capsys.readouterr().out.splitlines() == [
        f"skipped toy × {SPEC}: no :x: here",
        f"failed toy × {SPEC}: {SPEC} [bold] is none",
    ]
    status(f"Asking {SPEC} first")
    assert capsys.readouterr().err == f"Asking {SPEC} first\n"


def test_cells_of_tables_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(box=None)
    table.add_column("model")
    table.add_row(SPEC)
    console().print(table)
    console().print(SPEC, markup=False)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["model", SPEC, SPEC]


def test_no_console_of_a_command_puts_pictures_for_words() -> None:
    made = [
        (path.name, {each.arg: ast.unparse(each.value) for each in call.keywords})
        for path in Path(genomark.cli.__file__).parent.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "Console"
    ]
    assert {"terminal.py", "finetune.py"} <= {name for name, _ in made}
    assert [name for name, settings in made if settings.get("emoji") != "False"] == []
