"""``genomark list``: what there is."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer


class Kind(StrEnum):
    """What can be listed."""

    MODELS = "models"
    BENCHMARKS = "benchmarks"
    SUITES = "suites"
    DATASETS = "datasets"


def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List models, benchmarks, suites or datasets, and what each needs.

    \b
    Examples:
      genomark list models
      genomark list datasets --json
    """
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console

    rows = _LISTS[kind]()
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_text(value)) for value in row.values()))
    console().print(table)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _models() -> list[dict[str, Any]]:
    import inspect

    from genomark.models import FORMS, model_entry_points

    rows = []
    for name, point in sorted(model_entry_points().items()):
        try:
            summary = (inspect.getdoc(point.load()) or "").partition("\n")[0]
        # A plug-in that cannot be loaded is shown as such and does not hide the others.
        except Exception as error:  # noqa: BLE001
            summary = f"cannot be loaded: {error}"
        rows.append({"name": name, "what": summary, "from": _origin(point)})
    forms = {
        "http://HOST:PORT": "a GAME Predictor behind a URL",
        "file:PATH": "predictions from parquet, CSV, TSV or a GAME response (JSON)",
        "py:FILE.py:OBJECT": "a function or model in a Python file",
        "py:MODULE:OBJECT": "a function or model in an installed module",
    }
    rows.extend({"name": form, "what": forms[form], "from": "genomark"} for form in FORMS)
    return rows


def _benchmarks() -> list[dict[str, Any]]:
    from genomark.benchmarks import benchmark_entry_points, load_benchmark
    from genomark.datasets import availability

    rows = []
    for name, point in sorted(benchmark_entry_points().items()):
        benchmark = load_benchmark(name)
        rows.append(
            {
                "name": name,
                "version": benchmark.version,
                "what": benchmark.title,
                "needs": benchmark.capability,
                "data": [f"{each} ({availability(each)})" for each in benchmark.datasets]
                or ["none"],
                "cite": benchmark.citation,
                "from": _origin(point),
            }
        )
    return rows


def _suites() -> list[dict[str, Any]]:
    from genomark.benchmarks import SUITES

    return [
        {"name": f"suite:{name}", "benchmarks": list(members)} for name, members in SUITES.items()
    ]


def _datasets() -> list[dict[str, Any]]:
    from genomark.datasets import availability, catalogue

    return [
        {
            "name": name,
            "files": len(dataset.files),
            "bytes": dataset.bytes,
            "at hand": availability(name),
            "licence": dataset.licence,
            "citation": dataset.citation,
        }
        for name, dataset in sorted(catalogue().items())
    ]


def _origin(point: Any) -> str:
    return point.dist.name if point.dist is not None else "unknown"


_LISTS = {
    Kind.MODELS: _models,
    Kind.BENCHMARKS: _benchmarks,
    Kind.SUITES: _suites,
    Kind.DATASETS: _datasets,
}
