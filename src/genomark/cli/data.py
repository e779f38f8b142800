"""``genomark data``: fetch, verify and find datasets."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Fetch, verify and find datasets.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(metavar="DATASET...", help="As in: list datasets.")]


@app.command()
def fetch(names: Names) -> None:
    """Have the files of datasets at hand: mirror, cache, then public origin.

    \b
    Example:
      genomark data fetch kircher2019 motifs
    """
    from genomark import datasets

    for name in names:
        for file, path in datasets.fetch(name).items():
            typer.echo(f"{name}/{file}\t{path}")


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[DATASET...]", help="None: all of them.")
    ] = None,
) -> None:
    """Hash the files at hand again; exit 1 if one is not what the catalogue says.

    \b
    Example:
      genomark data verify kircher2019
    """
    from rich.markup import escape

    from genomark import datasets
    from genomark.cli.terminal import console

    bad = missing = good = 0
    out = console()
    for name in names or sorted(datasets.catalogue()):
        for status in datasets.verify(name):
            if status.condition == "ok":
                good += 1
            elif status.condition == "missing":
                missing += 1
            else:
                bad += 1
                out.print(
                    f"[red]{status.condition}[/] {escape(f'{name}/{status.file}')}: "
                    f"{escape(status.detail or '')}"
                )
    out.print(f"{good} ok, {missing} not at hand, {bad} wrong")
    if bad:
        raise typer.Exit(1)


@app.command()
def path(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="As in: list datasets.")],
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="None: all files.")] = None,
) -> None:
    """Print where files of a dataset are, fetching them if need be.

    \b
    Example:
      genomark data path kircher2019 elements.tsv.gz
    """
    from genomark import datasets

    for found in datasets.fetch(dataset, [file] if file else None).values():
        typer.echo(str(found))
