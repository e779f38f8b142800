"""The Python API: what the command line does, for scripts and notebooks."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from genomark.benchmarks import (
    Benchmark,
    DesignBenchmark,
    GeneBenchmark,
    GeneOptions,
    MatchingBenchmark,
    SequenceBenchmark,
    StructureBenchmark,
    Unloadable,
    expand,
    load_benchmark,
    with_settings,
)
from genomark.errors import GenomarkError, UsageError
from genomark.models import (
    BASELINES,
    DESIGN_BASELINES,
    GENE_BASELINES,
    MATCHING_BASELINES,
    SEQUENCE_BASELINES,
    STRUCTURE_BASELINES,
    Model,
    as_model,
    load_model,
)
from genomark.models.matcher_setting import MatcherSetting
from genomark.models.prediction_cache import PredictionCache, chosen_cache
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import MatcherError
from genomark.models.training_material import training_of_file
from genomark.results import Results, write_game_files
from genomark.results.gene_benchmark_report import write_gene_benchmark_report
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
    Settings,
    Silent,
    ThreadExecutor,
    Workshop,
    default_progress,
    make_plan,
)
from genomark.scoring import ModelIdentity
from genomark.spans import recording, span

ModelLike = str | Model | Callable[[list[str]], Any]

logger = logging.getLogger("genomark.api")

DEFAULT_OUT = "genomark-results"
#: Suite of which there is more to set than of others.
GUANINE = "guanine"


def run(
    models: Sequence[ModelLike] | ModelLike = (),
    benchmarks: Sequence[str | Benchmark] | str | Benchmark = (),
    *,
    out: str | Path = DEFAULT_OUT,
    seed: int = 0,
    limit: int | None = None,
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
    _check(seed, limit, workers)
    threads = workers or os.cpu_count() or 1
    profiler = Profiler(threads)
    profiler.ledger.enter("load")
    allow_missing = allow_missing or (guanine or {}).get("impute") == "mean"
    setting = MatcherSetting.of(matcher)
    cache = chosen_cache(prediction_cache, prediction_cache_gb)
    made_benchmarks, own_benchmarks = _benchmarks(
        benchmarks, gene_options or GeneOptions(), fits, guanine
    )
    if gene_benchmark_report is not None and not any(
        isinstance(each, GeneBenchmark) for _, each in made_benchmarks
    ):
        raise UsageError(
            "a report as of gene-benchmark is about tasks on genes, and there are none"
        )
    baselines = _baselines([benchmark for _, benchmark in made_benchmarks])
    if protocol is not None:
        models = _under_protocol(models, protocol)
    made_models, own_models = _models(models, baselines, allow_missing=allow_missing)
    if trained_on is not None and len(made_models) != 1:
        raise UsageError(
            f"what was trained on is told of one model, and there are {len(made_models)}: run them "
            "one after the other"
        )
    made_models, setting = _with_matcher(made_models, setting)
    settings = Settings(
        seed=seed,
        limit=limit,
        allow_missing=allow_missing,
        keep_responses=game_files is not None,
        matcher=setting,
        trained_on=None if trained_on is None else training_of_file(trained_on, assembly),
    )
    profiler.ledger.leave()
    folder = Path(out)
    with recording(profiler.ledger), Journal(folder) as journal, _keeping(store) as finished:
        shown = default_progress() if progress else Silent()
        if common_genes:
            made_benchmarks = _restricted(made_benchmarks, made_models)
        with span("data"):
            plan = make_plan(made_models, made_benchmarks, settings)
        if cache is not None and fresh:
            for evaluation in plan.evaluations:
                cache.forget(evaluation.identity.digest)
        workshop = Workshop(folder, dict(made_models), dict(made_benchmarks), threads, cache)
        workers = 1 if own_models or own_benchmarks else threads
        executor = _executor(journal, workshop, workers, cache, fresh=fresh)
        work = Run(
            *(plan, journal, executor, shown),
            fresh=fresh,
            threads=threads,
            finished=finished,
            leakage=leakage,
            profiler=profiler,
        )
        results = work.execute()
        with span("store"):
            if game_files is not None:
                _write_game_files(Path(game_files), work)
            if gene_benchmark_report is not None:
                write_gene_benchmark_report(Path(gene_benchmark_report), work.evaluations())
    if profile is not None:
        profile(profiler.profile())
    return results


@contextmanager
def _keeping(place: str | Path | None) -> Iterator[Callable[..., object] | None]:
    """Open the store, if there is one, before any work is done for it."""
    if place is None:
        yield None
        return
    from genomark.results.store import Store
    from genomark.results.store.receiving import add_scored

    with Store.open(place) as opened:
        yield partial(add_scored, opened)


def _write_game_files(folder: Path, work: Run) -> None:
    from genomark.serving.name import versioned_name

    for result, responses in work.responses():
        write_game_files(folder, versioned_name(result.benchmark.id), result, responses)


def serve(
    model: ModelLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    name: str | None = None,
    matcher: str | None = None,
) -> None:
    """Serve a model, or a plain function, as a GAME Predictor until interrupted.

    Parameters
    ----------
    model : str, function or model
        As for `run`.
    host : str
        Address to listen on; the default takes connections from this machine alone.
    port : int
        Port to listen on; 0 for any that is free.
    name : str, optional
        `predictor_name` in answers.
    matcher : str, optional
        As for `run`.

    Examples
    --------
    >>> import genomark
    >>> genomark.serve(lambda sequences: [len(s) for s in sequences])  # doctest: +SKIP
    """
    from genomark.serving import serve_model

    made = _one_model(model, allow_missing=False)
    serve_model(made, host=host, port=port, name=name, matcher=matcher)


def _check(seed: int, limit: int | None, workers: int | None) -> None:
    if not 0 <= seed < 1 << 63:
        raise UsageError(f"seed must be 0 or more, and below 2**63, not {seed}")
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be 1 or more items, not {limit}")
    if workers is not None and workers < 1:
        raise UsageError(f"workers must be 1 or more, not {workers}")


def _one_model(model: ModelLike, *, allow_missing: bool) -> Model:
    if isinstance(model, str):
        return load_model(model, allow_missing=allow_missing)
    return as_model(model)


class _Unmatched:
    """A model whose Matcher cannot be asked: the run tells of it, and goes on with the others."""

    def __init__(self, error: MatcherError) -> None:
        self._error = error

    @property
    def info(self) -> ModelIdentity:
        raise self._error


def _with_matcher(
    models: list[tuple[str, Model]], setting: MatcherSetting
) -> tuple[list[tuple[str, Model]], MatcherSetting]:
    """Give models with many tracks their Matcher; also the setting by which workers do the same."""
    if not any(isinstance(model, TrackPredictor) for _, model in models):
        return models, setting
    # Few runs have such a model, and what a Matcher knows takes a while to read.
    from genomark.matching.track_matcher import with_matcher

    def matched(model: TrackPredictor) -> Model:
        return _Unmatched(failure) if failure else with_matcher(model, setting)

    failure = None
    try:
        setting = setting.settled()
    except MatcherError as error:
        failure = error
    made = [
        (spec, matched(model) if isinstance(model, TrackPredictor) else model)
        for spec, model in models
    ]
    return made, setting


def _baselines(benchmarks: Sequence[Benchmark]) -> Sequence[str]:
    """Choose what runs when no model is named."""
    for kind, baselines in (
        (GeneBenchmark, GENE_BASELINES),
        (StructureBenchmark, STRUCTURE_BASELINES),
        (SequenceBenchmark, SEQUENCE_BASELINES),
        (DesignBenchmark, DESIGN_BASELINES),
        (MatchingBenchmark, MATCHING_BASELINES),
    ):
        if all(isinstance(each, kind) for each in benchmarks):
            return baselines
    return BASELINES


def _under_protocol(models: Sequence[ModelLike] | ModelLike, protocol: str) -> list[ModelLike]:
    """Have checkpoints fine-tuned, or not, whatever else is among the models."""
    from genomark.training.protocols import protocol_spec

    listed: list[ModelLike] = (
        list(models) if isinstance(models, list | tuple) else [models]  # type: ignore[list-item]
    )
    return [protocol_spec(each, protocol) if isinstance(each, str) else each for each in listed]


def _models(
    models: Sequence[ModelLike] | ModelLike, baselines: Sequence[str], *, allow_missing: bool
) -> tuple[list[tuple[str, Model]], bool]:
    """Make the models; also whether any of them exists in this process alone."""
    listed: list[ModelLike] = (
        list(models) if isinstance(models, list | tuple) else [models]  # type: ignore[list-item]
    )
    made: dict[str, tuple[str, Model]] = {}
    own = False
    for each in listed or list(baselines):
        model = _one_model(each, allow_missing=allow_missing)
        spec = each if isinstance(each, str) else model.info.id
        own = own or not isinstance(each, str)
        known = made.get(spec)
        if known is not None and not isinstance(each, str):
            raise UsageError(f"Two models are called '{spec}'. Give functions different names")
        made[spec] = (spec, model)
    return list(made.values()), own


def _benchmarks(
    benchmarks: Sequence[str | Benchmark] | str | Benchmark,
    options: GeneOptions,
    fits: int | None,
    guanine: Mapping[str, object] | None,
) -> tuple[list[tuple[str, Benchmark]], bool]:
    listed = list(benchmarks) if isinstance(benchmarks, list | tuple) else [benchmarks]
    objects = [each for each in listed if isinstance(each, Benchmark)]
    names = [each for each in listed if isinstance(each, str)]
    wanted = [] if objects and not names else expand(names)
    if fits is not None:
        wanted = [with_settings(name, {"fits": fits}) for name in wanted]
    if guanine:
        changed = [with_settings(name, guanine, GUANINE) for name in wanted]
        if changed == wanted:
            raise UsageError(
                f"{', '.join(guanine)}: for benchmarks of the suite {GUANINE}, and there are none"
            )
        wanted = changed
    made = [(name, _one_of(name, options, many=name not in listed)) for name in wanted]
    made += [(each.id, each) for each in objects]
    called: dict[str, str] = {}
    for name, each in made:
        # Tables tell benchmarks apart by their ids.
        if called.setdefault(each.id, name) != name:
            raise UsageError(
                f"'{called[each.id]}' and '{name}' are both called '{each.id}': run them one after "
                "the other, or rename one"
            )
    return made, bool(objects)


def _one_of(name: str, options: GeneOptions, *, many: bool) -> Benchmark:
    """Make a benchmark; one of many in a folder or suite that cannot be made stops no other."""
    try:
        return load_benchmark(name, options)
    except GenomarkError as error:
        if not many:
            raise
        return Unloadable(name, error)


def _restricted(
    benchmarks: list[tuple[str, Benchmark]], models: list[tuple[str, Model]]
) -> list[tuple[str, Benchmark]]:
    """Restrict tasks on genes to what all models cover; the plan says of what has no data."""
    made = []
    for name, benchmark in benchmarks:
        try:
            if isinstance(benchmark, GeneBenchmark):
                benchmark = benchmark.restricted([model for _, model in models])
        except GenomarkError as error:
            logger.debug("%s: not restricted: %s", name, error)
        made.append((name, benchmark))
    return made


def _executor(
    journal: Journal,
    workshop: Workshop,
    workers: int,
    cache: PredictionCache | None,
    *,
    fresh: bool,
) -> Executor:
    def claiming(inner: Executor, ahead: int) -> Executor:
        return ClaimingExecutor(inner, journal, ahead, fresh=fresh)

    if workers == 1:
        return claiming(InProcessExecutor(workshop), 1)
    # The pool of workers starts with the first shard that needs it.
    return RoutingExecutor(
        claiming(ThreadExecutor(workshop, workers), workers),
        claiming(LocalExecutor(journal.folder, workers, cache), 2 * workers),
    )
