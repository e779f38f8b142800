"""``genomark import``: results that other tools have written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Read results that other tools have written.", no_args_is_help=True)


@app.callback()
def _import() -> None:
    """Read results that other tools have written."""


@app.command("game")
def import_game(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where an Evaluator wrote.")],
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one JSON document.")
    ] = None,
) -> None:
    """Read the summaries of GAME Evaluators; their numbers have no interval, and say so.

    \b
    Example:
      genomark import game ./predictions --json published.json
    """
    from genomark.atomic import write_whole
    from genomark.cli.terminal import print_results
    from genomark.results import read_game_files

    results = read_game_files(folder)
    print_results(results)
    if json is not None:
        write_whole(json, results.to_json())
