"""``genomark plan``: a run in pieces, for a scheduler to have done."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from genomark.cli.run import asked_of, run

#: What of `genomark run` is about how it is computed, or shown.
_OF_RUNS_ALONE = (
    *("json", "engine", "scheduler", "workers", "prediction_cache", "prediction_cache_gb"),
    *("fresh", "strict", "profile"),
)


def plan(
    out: Path,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Jobs to share the work out to. Left out: one a request, and 1,000 at most.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan's id and size, for machines.")
    ] = False,
    **given: Any,
) -> None:
    """Plan a run in jobs that any machine can do which sees the folder.

    Takes what genomark run takes. Each job is then done by genomark run-shard, in any order,
    anywhere, as often as need be; genomark merge puts the results together: the same, to the byte,
    as one run would have given. docs/cluster.md has examples for SLURM, Snakemake and Nextflow.

    \b
    Examples:
      genomark plan -m gc -m kmer -b kircher2019 --jobs 20 --out results
      genomark run-shard results 0        # and so on, to 19
      genomark merge results
    """
    import genomark
    from genomark.cli.terminal import console, status

    planned = genomark.plan(
        given["models"] or (),
        given["benchmarks"] or (),
        out=out,
        jobs=jobs,
        leakage=given["leakage"],
        **asked_of(given),
    )
    for entry in planned.skipped:
        status(f"skipped {entry.benchmark}: {entry.reason}")
    for each in planned.failed:
        status(f"failed {each.benchmark} × {each.model}: {each.reason}")
    if as_json:
        sizes = {"jobs": planned.jobs, "requests": planned.shards, "items": planned.items}
        typer.echo(json.dumps({"plan": planned.id, **sizes}))
        return
    what = (
        f"{planned.shards:,} requests with {planned.items:,} items, of {planned.evaluations:,} "
        f"evaluations, in {planned.jobs:,} jobs"
    )
    console().print(what, markup=False, soft_wrap=True)
    if planned.jobs:
        last = f" ... {planned.jobs - 1}" if planned.jobs > 1 else ""
        status(f"Next: genomark run-shard {out} 0{last}, then genomark merge {out}")
    elif planned.evaluations:
        status(f"All was computed before. Next: genomark merge {out}")
    if planned.failed:
        raise typer.Exit(1)


def _with_options_of_run() -> None:
    """Have `plan` take what `run` takes, so that neither can have what the other lacks."""
    hints = get_type_hints(run, include_extras=True)
    own = get_type_hints(plan, include_extras=True)
    parameters = inspect.signature(plan).parameters
    taken = [
        each.replace(annotation=hints[name])
        for name, each in inspect.signature(run).parameters.items()
        if name not in _OF_RUNS_ALONE
    ]
    added = [parameters[name].replace(annotation=own[name]) for name in ("jobs", "as_json")]
    plan.__signature__ = inspect.Signature([*taken, *added])  # type: ignore[attr-defined]
    plan.__annotations__ = {each.name: each.annotation for each in (*taken, *added)}


_with_options_of_run()
