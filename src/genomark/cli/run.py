"""``genomark run``: the main job."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Engine(StrEnum):
    """Where shards are computed."""

    LOCAL = "local"


def run(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="SPEC",
            help="A name (kmer:k=5), http://HOST:PORT, file:PATH, py:FILE.py:OBJECT. Repeat for "
            "more. None: the built-in baselines.",
        ),
    ] = None,
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmark",
            "-b",
            metavar="NAME|suite:NAME",
            help="Repeat for more. None: the suite quickstart.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder that keeps results, and from which a run goes on.")
    ] = Path("genomark-results"),
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one JSON document.")
    ] = None,
    game_files: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write what a GAME Evaluator writes."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask only so many items, evenly spaced.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap and of random controls.")] = 0,
    engine: Annotated[Engine, typer.Option(help="Where requests are computed.")] = Engine.LOCAL,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Left out: one per processor.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything again.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if anything was skipped.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Let file: models leave items out.")
    ] = False,
) -> None:
    """Put models before benchmarks and print a ranked table.

    Goes on where an earlier run in the same folder stopped, and computes nothing twice.

    \b
    Examples:
      genomark run
      genomark run -m gc -m cpg -b kircher2019 --json r.json
      genomark run -m py:./my_model.py:predict -b suite:quickstart
      genomark run -m http://127.0.0.1:8000 -b simulated-enhancers
      genomark run -m file:predictions.csv -b lentimpra-k562 --allow-missing
    """
    import genomark
    from genomark.atomic import write_whole
    from genomark.cli.terminal import print_results, status

    try:
        results = genomark.run(
            models or (),
            benchmarks or (),
            out=out,
            seed=seed,
            limit=limit,
            workers=workers,
            fresh=fresh,
            allow_missing=allow_missing,
            game_files=game_files,
        )
    except KeyboardInterrupt:
        status("interrupted. What was finished is kept: the same command goes on from there")
        raise typer.Exit(130) from None
    print_results(results)
    if json is not None:
        write_whole(json, results.to_json())
    status(f"Results are in {out}{f', and in {json}' if json else ''}")
    if results.failed or (strict and results.skipped):
        raise typer.Exit(1)
