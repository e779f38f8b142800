"""Models before benchmarks, from Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genomark.api.outputs import Outputs
from genomark.benchmarks import Benchmark, GeneOptions
from genomark.errors import UsageError
from genomark.extras import import_extra
from genomark.models.prediction_cache import PredictionCache, chosen_cache
from genomark.results import Results
from genomark.runs import (
    ClaimingExecutor,
    Executor,
    InProcessExecutor,
    Journal,
    LocalExecutor,
    Profile,
    Profiler,
    RoutingExecutor,
    Run,
    Silent,
    ThreadExecutor,
    Workshop,
    default_progress,
)
from genomark.runs.claiming import in_order
from genomark.runs.jobs import take_over
from genomark.runs.order import ModelLike, Order, Prepared
from genomark.runs.plan_folder import PlanFolder
from genomark.runs.workers import Equipment
from genomark.spans import recording, span

if TYPE_CHECKING:
    from distributed import Client

    from genomark.runs.cluster import Connect

DEFAULT_OUT = "genomark-results"


def run(
    models: Sequence[ModelLike] | ModelLike = (),
    benchmarks: Sequence[str | Benchmark] | str | Benchmark = (),
    *,
    out: str | Path = DEFAULT_OUT,
    seed: int = 0,
    limit: int | None = None,
    engine: str | Client | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    fresh: bool = False,
    allow_missing: bool = False,
    protocol: str | None = None,
    fits: int | None = None,
    matcher: str | None = None,
    guanine: Mapping[str, object] | None = None,
    gene_options: GeneOptions | None = None,
    common_genes: bool = False,
    game_files: str | Path | None = None,
    gene_benchmark_report: str | Path | None = None,
    store: str | Path | None = None,
    trained_on: str | None = None,
    assembly: str | None = None,
    leakage: bool = True,
    isolate: bool = False,
    isolate_memory_gb: float | None = None,
    prediction_cache: str | Path | None = None,
    prediction_cache_gb: float | None = None,
    profile: Callable[[Profile], object] | None = None,
    progress: bool = True,
) -> Results:
    """Put models before benchmarks.

    What was computed before, in the same folder, is not computed again.

    Parameters
    ----------
    models : sequence of str, function or model
        Spec strings (``"kmer:k=5"``, ``"http://127.0.0.1:8000"``), functions
        ``f(list of str) -> one number per sequence``, or model objects. None: the baselines.
    benchmarks : sequence of str or Benchmark
        Names, or ``"suite:NAME"``. None: the suite `quickstart`.
    out : str or Path
        Folder for results.
    seed : int
        Of the bootstrap and of random controls.
    limit : int, optional
        Ask only so many items of each benchmark, evenly spaced; for a first look.
    engine : {"local", "dask"} or distributed.Client, optional
        Where requests are computed: processes of this machine, or workers of Dask. Results do not
        depend on it. ``"dask"`` if a scheduler is named, and ``"local"`` otherwise, if left out.
    scheduler : str, optional
        Address of a Dask scheduler (``"tcp://HOST:8786"``), or of its file. A cluster of this
        machine is started for ``"dask"`` if left out.
    workers : int, optional
        Processes or threads; as many as there are processors if left out. Results do not depend
        on it.
        Functions and objects run in this process.
    fresh : bool
        Compute everything again.
    allow_missing : bool
        Let a file of predictions leave items out; they count as failed.
    protocol : {"probe", "zero-shot", "lora", "full"}, optional
        What becomes of ``hf:`` models on tasks on sequences; a probe if left out.
    fits : int, optional
        How often a model whose fit depends on a seed is fitted to a task on sequences; 3 if left
        out.
    matcher : str, optional
        For terms that are no track's of a model with many: URL of a GAME Matcher, ``"builtin"``, or
        ``"none"`` to refuse them. The built-in one if left out.
    guanine : mapping of str to object, optional
        Settings of the benchmarks of the suite `guanine`, as
        `genomark.benchmarks.guanine.options.GuanineOptions` has them: ``{"train": "1per"}``.
    gene_options : GeneOptions, optional
        Of tasks on genes: the probe, missing genes, filters.
    common_genes : bool
        Ask tasks on genes only what all models have vectors for.
    game_files : str or Path, optional
        Folder in which to write what a GAME Evaluator writes: raw answers and a summary.
    gene_benchmark_report : str or Path, optional
        File in which to write what gene-benchmark writes of tasks on genes: CSV, a row a model and
        task.
    store : str or Path, optional
        Folder or URL of a `genomark.results.store.Store` that each result is added to as soon as it
        is finished.
    trained_on : str, optional
        What the one model was trained on: a set of
        `genomark.models.training_data.TRAINING_SETS`, a file of sequences or a BED file. What the
        model itself declares if left out.
    assembly : str, optional
        Of a BED file that `trained_on` names.
    leakage : bool
        Tell what models saw of the items in training, where that is known and at hand.
    isolate : bool
        Run the code of ``py:`` models, and of models of packages other than genomark, in a sandbox:
        without network, without files but its own, within limits.
    isolate_memory_gb : float, optional
        Memory that such a model may use, in 10**9 bytes; 8 if left out.
    prediction_cache : str or Path, optional
        Folder for answers that other runs and benchmarks may ask for again, or ``"off"``. What
        ``GENOMARK_PREDICTION_CACHE`` says, or ``predictions`` in the cache folder, if left out.
    prediction_cache_gb : float, optional
        Its size; 10 if left out.
    profile : callable, optional
        Is handed where the time went, at the end.
    progress : bool
        Show how far the run has come.

    Returns
    -------
    Results
        What could not be had is in `skipped`, what went wrong in `failed`; neither raises.

    Raises
    ------
    UsageError
        For a spec or name that is not well formed.

    Examples
    --------
    >>> import genomark
    >>> def gc_content(sequences):
    ...     return [(s.count("G") + s.count("C")) / len(s) for s in sequences]
    >>> results = genomark.run([gc_content, "cpg"], ["simulated-enhancers"])  # doctest: +SKIP
    >>> results.table()  # doctest: +SKIP
    """
    threads = threads_of(workers)
    connect = connect_of(engine, scheduler, threads)
    order, outputs = order_of(
        *(models, benchmarks),
        seed=seed,
        limit=limit,
        allow_missing=allow_missing,
        protocol=protocol,
        fits=fits,
        matcher=matcher,
        guanine=guanine,
        gene_options=gene_options,
        common_genes=common_genes,
        trained_on=trained_on,
        assembly=assembly,
        isolate=isolate,
        isolate_memory_gb=isolate_memory_gb,
        game_files=game_files,
        gene_benchmark_report=gene_benchmark_report,
        store=store,
    )
    cache = chosen_cache(prediction_cache, prediction_cache_gb)

    def start(journal: Journal, prepared: Prepared) -> Executor:
        if connect is not None:
            return _of_cluster(
                *(connect, journal, prepared), (prediction_cache, prediction_cache_gb), fresh=fresh
            )
        workshop = Workshop(
            *(journal.folder, dict(prepared.models), dict(prepared.benchmarks)),
            threads=threads,
            cache=cache,
        )
        workers = 1 if prepared.own else threads
        return _executor(journal, workshop, workers, cache, fresh=fresh)

    profiler = Profiler(threads)
    results = carry_out(
        *(order, outputs, Path(out), start),
        cache=cache,
        fresh=fresh,
        threads=threads,
        leakage=leakage,
        profiler=profiler,
        progress=progress,
    )
    if profile is not None:
        profile(profiler.profile())
    return results


def carry_out(
    order: Order,
    outputs: Outputs,
    folder: Path,
    start: Callable[[Journal, Prepared], Executor],
    *,
    cache: PredictionCache | None,
    fresh: bool,
    threads: int,
    leakage: bool,
    profiler: Profiler,
    progress: bool,
) -> Results:
    """Prepare an order, compute what is missing, and put the results together.

    `start` gives the executor.
    """
    with recording(profiler.ledger):
        with span("load"):
            prepared = order.prepared()
        outputs.check(prepared)
        prepared.keep_apart(folder)
        with Journal(folder) as journal, outputs.opened_store() as finished:
            with span("data"):
                plan = prepared.plan()
            if not fresh:
                # Jobs may have computed what was not put together yet.
                shards = (shard for each in plan.evaluations for shard in each.shards)
                take_over(journal, PlanFolder(journal.folder), shards)
            if cache is not None and fresh:
                for evaluation in plan.evaluations:
                    cache.forget(evaluation.identity.digest)
            shown = default_progress() if progress else Silent()
            work = Run(
                *(plan, journal, start(journal, prepared), shown),
                fresh=fresh,
                threads=threads,
                finished=finished,
                leakage=leakage,
                profiler=profiler,
            )
            results = work.execute()
            outputs.write(work)
    return results


def order_of(
    models: Any,
    benchmarks: Any,
    *,
    guanine: Mapping[str, object] | None = None,
    gene_options: GeneOptions | None = None,
    game_files: str | Path | None = None,
    gene_benchmark_report: str | Path | None = None,
    store: str | Path | None = None,
    **asked: Any,
) -> tuple[Order, Outputs]:
    """Make an order of what `run` was asked, and say where else results go.

    Raises
    ------
    UsageError
        If there is no such option.
    """
    unknown = asked.keys() - (set(Order.__struct_fields__) - {"keep_responses", "said"})
    if unknown:
        raise UsageError(f"no such option: {', '.join(sorted(unknown))}")
    order = Order(
        models=_listed(models),
        benchmarks=_listed(benchmarks),
        guanine={
            name: str(value) if isinstance(value, Path) else value
            for name, value in (guanine or {}).items()
        },
        gene_options=gene_options or GeneOptions(),
        keep_responses=game_files is not None,
        **asked,
    )
    return order, Outputs.to(game_files, gene_benchmark_report, store)


def _listed(given: Any) -> tuple[Any, ...]:
    """Take one of a thing, or several."""
    return tuple(given) if isinstance(given, list | tuple) else (given,)


def threads_of(workers: int | None) -> int:
    """Say how much is computed side by side.

    Raises
    ------
    UsageError
        If that is less than one thing.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers must be 1 or more, not {workers}")
    return workers or os.cpu_count() or 1


def connect_of(engine: str | Client | None, scheduler: str | None, workers: int) -> Connect | None:
    """Say how workers of Dask are reached; None where this machine computes.

    Raises
    ------
    UsageError
        If there is no such engine.
    """
    if engine is None:
        engine = "local" if scheduler is None else "dask"
    if engine == "local":
        if scheduler is not None:
            raise UsageError(f"scheduler {scheduler}: the engine local has none. Take engine dask")
        return None
    if isinstance(engine, str) and engine != "dask":
        raise UsageError(f"engine {engine}: expected local or dask")
    import_extra("engine dask", "distributed", "cluster")
    from genomark.runs.cluster import connection

    return connection(engine, scheduler, workers)


def _of_cluster(
    connect: Connect,
    journal: Journal,
    prepared: Prepared,
    cache: tuple[str | Path | None, float | None],
    *,
    fresh: bool,
) -> Executor:
    from genomark.runs.dask_executor import DaskExecutor

    if prepared.own:
        raise UsageError(
            "a function or object is in this process alone, and workers of Dask cannot load it: "
            "give models as py:FILE.py:NAME and benchmarks by name, or take the engine local"
        )
    place, gigabytes = cache
    inner = DaskExecutor(
        connect,
        journal.folder,
        Equipment(prepared.maker),
        (None if place is None else str(place), gigabytes),
    )
    return ClaimingExecutor(inner, journal, inner.pick, fresh=fresh)


def _executor(
    journal: Journal,
    workshop: Workshop,
    workers: int,
    cache: PredictionCache | None,
    *,
    fresh: bool,
) -> Executor:
    def claiming(inner: Executor, ahead: int) -> Executor:
        return ClaimingExecutor(inner, journal, in_order(ahead), fresh=fresh)

    if workers == 1:
        return claiming(InProcessExecutor(workshop), 1)
    # The pool of workers starts with the first shard that needs it.
    return RoutingExecutor(
        claiming(ThreadExecutor(workshop, workers), workers),
        claiming(LocalExecutor(journal.folder, workers, cache), 2 * workers),
    )
