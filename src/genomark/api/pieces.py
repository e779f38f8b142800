"""A run in pieces, for schedulers: plan it, have its jobs done anywhere, take them together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from genomark.api.evaluating import DEFAULT_OUT, carry_out, order_of, threads_of
from genomark.api.outputs import Outputs
from genomark.errors import UsageError
from genomark.models.prediction_cache import chosen_cache
from genomark.results import Failed, Results, Skipped
from genomark.runs import Executor, Journal, LocalExecutor, Profiler, Silent, default_progress
from genomark.runs.jobs import JobDone, RecordedExecutor, do_job, take_over, undone
from genomark.runs.order import Prepared, said_by
from genomark.runs.plan_folder import DEFAULT_JOBS, MOST_JOBS, PlanFolder, WrittenPlan
from genomark.runs.workers import Equipment


@dataclass(frozen=True)
class Planned:
    """What `plan` has written down.

    Attributes
    ----------
    id : str
        Of the plan: a later one in the same folder has another.
    jobs : int
        How many `run_shard` is to be called for, from 0.
    shards, items, evaluations : int
        That are to be computed.
    skipped : list of Skipped
    failed : list of Failed
        What is known already not to get a result.
    """

    id: str
    jobs: int
    shards: int
    items: int
    evaluations: int
    skipped: list[Skipped]
    failed: list[Failed]


@dataclass(frozen=True)
class Status:
    """How far the jobs of a plan have come.

    Attributes
    ----------
    jobs, shards : int
        Of the plan.
    jobs_undone : list of int
        Jobs of which a shard has no outcome.
    shards_undone : int
        Shards that have none.
    """

    jobs: int
    shards: int
    jobs_undone: list[int]
    shards_undone: int


def plan(
    models: Sequence[str] | str = (),
    benchmarks: Sequence[str] | str = (),
    *,
    out: str | Path = DEFAULT_OUT,
    jobs: int | None = None,
    leakage: bool = True,
    **asked: Any,
) -> Planned:
    """Plan models before benchmarks, in jobs that other processes and machines do.

    Parameters
    ----------
    models, benchmarks : sequence of str
        As `run` takes them; no functions and no objects, which other processes cannot load. What
        was computed before, in the same folder, is left out.
    out : str or Path
        Folder for results, which all machines must see.
    jobs : int, optional
        At most so many; one a shard, and 1,000 at most, if left out.
    leakage : bool
        Tell what models saw in training, where that is known and at hand.
    **asked
        What else `run` takes and numbers depend on, and where results go: `seed`, `limit`,
        `gene_options`, `store` and so on.

    Returns
    -------
    Planned

    Raises
    ------
    UsageError
        For a spec, name or option that is not well formed.

    Examples
    --------
    >>> import genomark
    >>> planned = genomark.plan(["gc", "kmer"], ["simulated-enhancers"], out="r")  # doctest: +SKIP
    >>> for job in range(planned.jobs):  # doctest: +SKIP
    ...     genomark.run_shard("r", job)
    >>> genomark.merge("r").table()  # doctest: +SKIP
    """
    if jobs is not None and not 1 <= jobs <= MOST_JOBS:
        raise UsageError(f"jobs must be 1 to {MOST_JOBS:,}, not {jobs:,}")
    order, outputs = order_of(models, benchmarks, **asked)
    if not order.is_of_names:
        raise UsageError(
            "a function or object is in this process alone, and cannot be planned for others: give "
            "models as py:FILE.py:NAME and benchmarks by name"
        )
    prepared = order.prepared()
    outputs.check(prepared)
    prepared.keep_apart(Path(out))
    made = prepared.plan()
    plan_folder = PlanFolder(Path(out).absolute())
    shards = {shard.digest: shard for evaluation in made.evaluations for shard in evaluation.shards}
    with Journal(plan_folder.folder) as journal:
        # Jobs of an earlier plan may have computed what this one asks for.
        take_over(journal, plan_folder, shards.values())
        known = journal.digests() & shards.keys()
        done = {digest for digest in known if journal.has(shards[digest])}
    left = [shard for digest, shard in shards.items() if digest not in done]
    written = plan_folder.write(
        left,
        jobs or min(max(len(left), 1), DEFAULT_JOBS),
        order=msgspec.structs.replace(order, said=said_by(prepared.models)),
        outputs=msgspec.to_builtins(outputs),
        maker=prepared.maker,
        leakage=leakage,
    )
    return Planned(
        id=written.mark,
        jobs=written.jobs,
        shards=written.shards,
        items=written.items,
        evaluations=len(made.evaluations),
        skipped=made.skipped,
        failed=made.failed,
    )


def run_shard(
    out: str | Path,
    job: int,
    *,
    plan: str | None = None,
    workers: int = 1,
    prediction_cache: str | Path | None = None,
    prediction_cache_gb: float | None = None,
    progress: bool = True,
) -> JobDone:
    """Do one job of a plan: compute the shards of it that are not there yet.

    Parameters
    ----------
    out : str or Path
        The folder of the plan.
    job : int
        From 0.
    plan : str, optional
        `Planned.id` of the plan whose job it is; whichever is there if left out.
    workers : int
        Processes.
    prediction_cache, prediction_cache_gb
        As for `run`.
    progress : bool
        Show how far the job has come.

    Returns
    -------
    JobDone

    Raises
    ------
    UsageError
        If there is no such job, or the plan is another.
    """
    threads_of(workers)
    plan_folder = PlanFolder(Path(out).absolute())
    written = plan_folder.read()
    if plan is not None and plan != written.mark:
        raise UsageError(
            f"job {job} is one of plan {plan}, and {out} holds plan {written.mark} by now: what is "
            "still to be computed are jobs of that one"
        )
    where = Path(written.where)
    equipment = Equipment(
        written.maker,
        max(1, _processors() // workers),
        where if where.is_dir() else None,
    )
    cache = chosen_cache(prediction_cache, prediction_cache_gb)
    executor = LocalExecutor(plan_folder.folder, workers, cache, equipment)
    shown = default_progress() if progress else Silent()
    return do_job(plan_folder, written, job, executor, 2 * workers, shown)


def merge(out: str | Path, *, progress: bool = True) -> Results:
    """Take together what the jobs of a plan have computed; compute nothing.

    Parameters
    ----------
    out : str or Path
        The folder of the plan.
    progress : bool
        Show how far it has come.

    Returns
    -------
    Results
        What jobs have not computed yet is in `failed`.

    Raises
    ------
    UsageError
        If the folder holds no plan.
    """
    plan_folder = PlanFolder(Path(out).absolute())
    written = plan_folder.read()

    def start(journal: Journal, _: Prepared) -> Executor:
        return RecordedExecutor(plan_folder, written)

    threads = threads_of(None)
    with _in_folder(written):
        return carry_out(
            *(written.order, msgspec.convert(written.outputs, Outputs)),
            *(plan_folder.folder, start),
            cache=None,
            fresh=False,
            threads=threads,
            leakage=written.leakage,
            profiler=Profiler(threads),
            progress=progress,
        )


def status(out: str | Path) -> Status:
    """Say how far the jobs of a plan have come, by what they wrote down.

    Parameters
    ----------
    out : str or Path
        The folder of the plan.
    """
    plan_folder = PlanFolder(Path(out).absolute())
    written = plan_folder.read()
    return Status(written.jobs, written.shards, *undone(plan_folder, written))


def _processors() -> int:
    """Say how many a scheduler gave this job, where it tells the system so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _in_folder(written: WrittenPlan) -> Iterator[None]:
    """Work where the plan was made: files of specs are relative to that."""
    where = Path(written.where)
    with chdir(where if where.is_dir() else Path.cwd()):
        yield
