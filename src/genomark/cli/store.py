"""``genomark store``: what a store holds, whether it is whole, and what leaves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from genomark.results.store import ColumnCount, Entry, Store

Row = TypeVar("Row")
#: Characters of a digest that tell it from others.
_SHORT = 8

app = typer.Typer(help="Results of many people and machines in one place.", no_args_is_help=True)

Place = Annotated[
    str,
    typer.Argument(metavar="PLACE", help="A folder, or postgresql://USER@HOST/DATABASE."),
]
Benchmark = Annotated[str | None, typer.Option("--benchmark", "-b", help="Of this one alone.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Of this one alone.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def list_(
    place: Place,
    benchmark: Benchmark = None,
    model: Model = None,
    results: Annotated[
        bool, typer.Option("--results", help="Every result with its id, and not columns alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the columns of a store, newest version first, or its results.

    \b
    Examples:
      genomark store list ./store
      genomark store list ./store --results -b kircher2019
    """
    with _existing(place) as store:
        if results or model is not None:
            entries = store.entries(benchmark=benchmark, model=model, every=True)
            _show(entries, _print_entries, as_json)
        else:
            _show(store.columns(benchmark), _print_columns, as_json)


@app.command()
def check(place: Place) -> None:
    """Read all of a store and tell what is missing or damaged; exit status 1 if anything is.

    \b
    Example:
      genomark store check ./store
    """
    from genomark.cli.store_option import following
    from genomark.cli.terminal import console, status
    from genomark.results.store.checking import check_store

    lost = 0
    with _existing(place) as store, following(0, "results and files") as show:
        for each in check_store(store, show):
            lost += not each.harmless
            console().print(
                f"{each.problem} {each.where}: {each.detail}", markup=False, soft_wrap=True
            )
        name = store.name
    if lost:
        raise typer.Exit(1)
    status(f"{name} is whole")


@app.command()
def withdraw(
    place: Place,
    id: Annotated[str, typer.Argument(metavar="ID", help="As list --results shows it.")],
    reason: Annotated[str, typer.Option(help="Why it no longer counts; kept with it.")],
) -> None:
    """Let a result no longer count. It stays, with the reason, and still is an attempt.

    \b
    Example:
      genomark store withdraw ./store 9984a64094c0158e58544de74247b622 --reason "wrong weights"
    """
    from genomark.cli.terminal import status

    with _existing(place) as store:
        store.withdraw(id, reason)
        entry = store.entry(id)
    status(f"{entry.benchmark_id} × {entry.model_id} is withdrawn")


@app.command("export")
def export_(
    place: Place,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help=".csv and .parquet: a table. .json: in full.")
    ],
    benchmark: Benchmark = None,
    model: Model = None,
    every: Annotated[
        bool, typer.Option("--every", help="Older attempts and withdrawn results too.")
    ] = False,
) -> None:
    """Write results to a file: of each owner and model the newest in each column.

    \b
    Examples:
      genomark store export ./store --out results.parquet
      genomark store export ./store --out kircher.json -b kircher2019
    """
    from genomark.cli.tables import check_ending
    from genomark.cli.terminal import status
    from genomark.results.store.export import ENDINGS, export

    check_ending(out, ENDINGS)
    with _existing(place) as store:
        entries = store.entries(benchmark=benchmark, model=model, every=every)
        export(store, entries, out)
    status(f"{len(entries):,} results are in {out}")


def _existing(place: str) -> Store:
    from genomark.results.store import Store

    return Store.open(place, create=False)


def _show(rows: list[Row], shown: Callable[[list[Row]], None], as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        shown(rows)


def _print_columns(columns: list[ColumnCount]) -> None:
    _print_table(
        ("benchmark", "version", "digest", "limit", "models", "results", "withdrawn"),
        [
            (
                *(each.column.benchmark, each.column.version, each.column.digest[:_SHORT]),
                "" if each.column.limit is None else f"{each.column.limit:,}",
                *(f"{count:,}" for count in (each.models, each.results, each.withdrawn)),
            )
            for each in columns
        ],
    )


def _print_entries(entries: list[Entry]) -> None:
    _print_table(
        ("id", "benchmark", "model", "owner", "value", "standing"),
        [
            (
                *(each.id, each.benchmark_id, each.model_id, each.owner),
                "" if each.value is None else f"{each.value:.4g}",
                each.standing if each.withdrawn is None else f"withdrawn: {each.withdrawn}",
            )
            for each in entries
        ],
    )


def _print_table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console
    from genomark.errors import one_line

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for name in names:
        # An id is there to be copied whole.
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for row in rows:
        table.add_row(*(escape(one_line(cell)) for cell in row))
    console().print(table)
