"""``genomark run-shard``: one job of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genomark.cli.prediction_cache_options import PredictionCache, PredictionCacheGb

#: At most so many reasons are printed.
_MOST_LINES = 10


def run_shard(
    folder: Annotated[Path, typer.Argument(help="That genomark plan wrote to.")],
    job: Annotated[int, typer.Argument(min=0, help="Its number, from 0.")],
    plan: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Do nothing if the plan is no longer this one (plan --json)."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; each loads the model for itself.")
    ] = 1,
    prediction_cache: PredictionCache = None,
    prediction_cache_gb: PredictionCacheGb = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where a model failed.")] = False,
) -> None:
    """Do one job of a plan.

    What is there already is not computed again, so a job that was killed is just done again. A
    model that fails is no failure of the job: it is written down, and genomark merge tells of it.

    \b
    Examples:
      genomark run-shard results 7
      genomark run-shard results "$SLURM_ARRAY_TASK_ID"
    """
    import genomark
    from genomark.cli.run import going_on_later
    from genomark.cli.terminal import status

    with going_on_later():
        done = genomark.run_shard(
            *(folder, job),
            plan=plan,
            workers=workers,
            prediction_cache=prediction_cache,
            prediction_cache_gb=prediction_cache_gb,
        )
    kept = f", {done.kept:,} were there" if done.kept else ""
    status(f"job {job}: {done.computed:,} requests computed{kept}")
    for line in done.failed[:_MOST_LINES]:
        status(f"failed {line}")
    if len(done.failed) > _MOST_LINES:
        status(f"and {len(done.failed) - _MOST_LINES:,} more")
    if strict and done.failed:
        raise typer.Exit(1)
