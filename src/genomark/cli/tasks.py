"""``genomark tasks``: gene-property tasks from their public sources or from files."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from genomark.genes.sources import Build

#: Names shown of tasks that are not there.
_SHOWN = 6

app = typer.Typer(help="Build and list gene-property tasks.", no_args_is_help=True)


class Kind(StrEnum):
    """Kinds of gene tasks."""

    BINARY = "binary"
    MULTI_CLASS = "multi-class"
    MULTI_LABEL = "multi-label"
    REGRESSION = "regression"


AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command()
def build(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="As in: tasks list.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of the tasks. Left out: where the suite genes finds them."
        ),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--file",
            metavar="PATH",
            help="Read this file, or the files of this folder, and download nothing. Repeat for "
            "more.",
        ),
    ] = None,
    hgnc: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="HGNC complete set, where genes are Ensembl ids."),
    ] = None,
    min_genes: Annotated[
        int | None, typer.Option(min=1, help="Of gene sets: leave smaller ones out.")
    ] = None,
    max_genes: Annotated[
        int | None, typer.Option(min=1, help="Of gene sets: leave larger ones out.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the task of a GMT or table; else the file's.")
    ] = None,
    symbol_columns: Annotated[
        list[str] | None,
        typer.Option("--symbol-column", metavar="COLUMN", help="Of a table; twice for pairs."),
    ] = None,
    outcome_columns: Annotated[
        list[str] | None,
        typer.Option(
            "--outcome-column", metavar="COLUMN", help="Of a table. Left out: all others."
        ),
    ] = None,
    group_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Of a table: what folds must not part."),
    ] = None,
    kind: Annotated[
        Kind | None, typer.Option(help="Of the task of a table. Left out: as its values look.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Positive class of the task of a table.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Download again what is cached.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the tasks of a source as folders, in the layout of gene-benchmark.

    \b
    Examples:
      genomark tasks build human-tfs --out tasks
      genomark tasks build reactome
      genomark tasks build genecorpus --file ./pickles --hgnc hgnc_complete_set.txt
      genomark tasks build gmt --file my_sets.gmt --min-genes 20
      genomark tasks build table --file my_genes.tsv --symbol-column gene --outcome-column essential
    """
    from genomark.benchmarks.genes.suite import tasks_folder
    from genomark.genes.sources import Settings
    from genomark.genes.sources import build as build_tasks

    settings = Settings(
        hgnc=hgnc,
        name=name,
        min_genes=min_genes,
        max_genes=max_genes,
        symbols=tuple(symbol_columns or ()),
        outcomes=tuple(outcome_columns or ()),
        groups=group_column,
        kind=kind.value if kind is not None else None,
        positive=positive,
    )
    out = out or tasks_folder()
    built = build_tasks(source, out, files, settings, fresh=fresh)
    if as_json:
        typer.echo(_json(_build_document(built)))
        return
    _print_build(built)


@app.command("list")
def list_(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of tasks. None: the sources.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks of a folder, or the sources that tasks can be built from.

    \b
    Examples:
      genomark tasks list
      genomark tasks list ./tasks --json
    """
    rows = _source_rows() if folder is None else _task_rows(folder)
    if as_json:
        typer.echo(_json(rows))
    elif folder is None:
        _print_sources(rows)
    else:
        _print_tasks(rows)


def _build_document(built: Build) -> dict[str, Any]:
    from msgspec import to_builtins

    return {
        "source": built.source,
        "out": str(built.out),
        "tasks": to_builtins(built.tasks),
        "absent": list(built.absent),
        "files": to_builtins(built.files),
    }


def _source_rows() -> list[dict[str, Any]]:
    from genomark.genes.sources import sources

    return [
        {
            "name": source.name,
            "title": source.title,
            "tasks": [task.name for task in source.tasks],
            "files": source.files,
            "downloads": bool(source.remotes),
            "needs_hgnc": source.needs_hgnc,
            "home": source.home,
            "licence": source.licence,
            "citation": source.citation,
        }
        for source in sources().values()
    ]


def _task_rows(folder: Path) -> list[dict[str, Any]]:
    from msgspec import to_builtins

    from genomark.genes.sources import listed_tasks

    return [to_builtins(task) for task in listed_tasks(folder)]


def _print_build(built: Build) -> None:
    from rich.markup import escape

    from genomark.cli.terminal import console, status

    rows = [
        {"name": task.name, "kind": task.kind, "rows": task.rows, "labels": task.labels}
        for task in built.tasks
    ]
    out = console()
    _print_tasks(rows)
    for task in built.tasks:
        for note in task.notes:
            out.print(f"[dim]{escape(f'{task.name}: {note}')}[/]", soft_wrap=True)
    if built.absent:
        shown = ", ".join(built.absent[:_SHOWN])
        more = len(built.absent) - _SHOWN
        rest = f" and {more} others (--json names them all)" if more > 0 else ""
        out.print(f"[yellow]not in these files[/] {escape(shown + rest)}", soft_wrap=True)
    status(f"{_count(built.tasks)} in {built.out}; their origin is in source.json there")


def _print_tasks(rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("task", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("labels", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(escape(row["name"]), row["kind"], f"{row['rows']:,}", f"{row['labels']:,}")
    console().print(table)


def _print_sources(rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape

    from genomark.cli.terminal import console

    out = console()
    for row in rows:
        out.print(f"[bold]{escape(row['name'])}[/]  {escape(row['title'])}", soft_wrap=True)
        count = _count(row["tasks"]) if row["tasks"] else "tasks as the files have them"
        needs = "; with the HGNC complete set" if row["needs_hgnc"] else ""
        out.print(f"  [dim]{count}; licence: {escape(row['licence'])}[/]", soft_wrap=True)
        out.print(f"  [dim]reads {escape(row['files'])}{needs}[/]", soft_wrap=True)


def _count(tasks: Sequence[Any]) -> str:
    return f"{len(tasks)} task{'' if len(tasks) == 1 else 's'}"


def _json(document: Any) -> str:
    return json_module.dumps(document, indent=2, ensure_ascii=False)
