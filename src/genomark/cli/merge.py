"""``genomark merge``: the results of what jobs have computed."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer


def merge(
    folder: Annotated[Path, typer.Argument(help="That genomark plan wrote to.")],
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one JSON document.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if anything was skipped.")
    ] = False,
    status: Annotated[
        bool,
        typer.Option("--status", help="Only say how far the jobs have come, and which are left."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--status-json", help="The same for machines.")] = False,
) -> None:
    """Put the results of a plan together, print the table, and compute nothing.

    What jobs have not computed yet is named; what is complete has its result.

    \b
    Examples:
      genomark merge results
      genomark merge results --status
      genomark merge results --json results.json
    """
    if status or as_json:
        _status(folder, as_json)
        return
    import genomark
    from genomark.cli.run import going_on_later, show

    with going_on_later():
        results = genomark.merge(folder)
    show(results, folder, json, strict=strict)


def _status(folder: Path, as_json: bool) -> None:
    """Say how far the jobs are; exit with 1 while any is left."""
    from genomark.api import status
    from genomark.cli.terminal import console
    from genomark.runs.plan_folder import ranges

    found = status(folder)
    left = found.jobs_undone
    if as_json:
        document = {
            "jobs": found.jobs,
            "jobs_undone": left,
            "requests": found.shards,
            "requests_undone": found.shards_undone,
        }
        typer.echo(json_module.dumps(document))
    else:
        done = f"{found.jobs - len(left):,} of {found.jobs:,} jobs"
        requests = f"{found.shards - found.shards_undone:,} of {found.shards:,} requests"
        console().print(f"{done} done, {requests}", markup=False)
        if left:
            console().print(f"left: {ranges(left)}", markup=False, soft_wrap=True)
    if left:
        raise typer.Exit(1)
