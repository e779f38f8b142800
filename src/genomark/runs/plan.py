"""What a run will do: evaluations, and the shards they are cut into.

A shard is one request: some items of one task of one benchmark, put to one model. It is named by
what it is, so whoever computes it, wherever, however often, computes the same thing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import polars as pl

from genomark.benchmarks import Benchmark, PredictorBenchmark
from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import CapabilityError, DatasetError, GenomarkError, UsageError, one_line
from genomark.models import ItemPredictor, Model, TrainingSplit
from genomark.models.matcher_setting import MatcherSetting
from genomark.models.training_data import TrainingData
from genomark.results import Failed, Skipped
from genomark.runs.leakage import UNKNOWN, Learned, learned
from genomark.scoring import (
    CONFIDENCE,
    METHOD_VERSION,
    REPLICATES,
    SCHEMA_VERSION,
    ModelIdentity,
)
from genomark.spans import span

logger = logging.getLogger("genomark.runs.plan")


class Shard(msgspec.Struct, frozen=True):
    """One request.

    Attributes
    ----------
    digest : str
        Of the benchmark, the model, the items, and the seed where answers depend on it.
    benchmark, model : str
        Name and spec from which a worker makes them.
    part : int
        Which of ``benchmark.parts(limit)``.
    limit : int or None
        Items asked for in all.
    items : int
        Items in this shard.
    seed : int
        Of the run.
    allow_missing : bool
        For ``file:`` models.
    keep_response : bool
        Whether the Predictor's answer is kept as it came, beside what was read from it.
    in_process : bool
        Whether it is computed where the run is, with threads, and not by a worker.
    divisible : bool
        Whether its items can be asked a few at a time.
    matcher : MatcherSetting
        Of models with many tracks.
    benchmark_digest, model_digest : str
        What the run began with: whoever loads them later, by name, must find the same. Empty where
        that is not looked at.
    """

    digest: str
    benchmark: str
    model: str
    part: int
    limit: int | None
    items: int
    seed: int
    allow_missing: bool
    keep_response: bool = False
    in_process: bool = False
    divisible: bool = False
    matcher: MatcherSetting = MatcherSetting()
    benchmark_digest: str = ""
    model_digest: str = ""


@dataclass(frozen=True)
class Evaluation:
    """One model on one benchmark."""

    digest: str
    benchmark: Benchmark
    model: Model
    spec: str
    identity: ModelIdentity
    split: TrainingSplit | None
    shards: list[Shard]
    seed: int
    limit: int | None
    learned: Learned = UNKNOWN

    @property
    def items(self) -> int:
        """Items asked for."""
        return sum(shard.items for shard in self.shards)


@dataclass
class Plan:
    """All that a run will do, and what it already knows it cannot."""

    evaluations: list[Evaluation] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


@dataclass(frozen=True)
class Settings:
    """What else the numbers depend on; and `trained_on`, what all models are said to have seen."""

    seed: int = 0
    limit: int | None = None
    allow_missing: bool = False
    keep_responses: bool = False
    matcher: MatcherSetting = field(default_factory=MatcherSetting)
    trained_on: TrainingData | None = None


@dataclass(frozen=True)
class _Part:
    """What a shard asks: how many items, and a digest of their ids and of the fit."""

    items: int
    digest: str

    @classmethod
    def of(cls, part: pl.DataFrame) -> _Part:
        if part["item_id"].n_unique() < part.height:
            raise UsageError("two items that are asked at once have the same item_id")
        asked = ["\n".join(part["item_id"]).encode()]
        if "fit" in part.columns:
            asked.append(part["fit"].to_numpy().tobytes())
        return cls(part.height, digest_of_bytes(asked))


def make_plan(
    models: Sequence[tuple[str, Model]],
    benchmarks: Sequence[tuple[str, Benchmark]],
    settings: Settings,
) -> Plan:
    """Plan every model on every benchmark.

    Parameters
    ----------
    models : sequence of (spec, Model)
    benchmarks : sequence of (name, Benchmark)
    settings : Settings

    Returns
    -------
    Plan
        A benchmark or a fit whose data cannot be had is skipped with its reason; a model that
        cannot be asked who it is has failed.
    """
    plan = Plan()
    with span("load"):
        silent = _unreachable(models)
    for name, benchmark in benchmarks:
        try:
            parts = [_Part.of(part) for part in benchmark.parts(settings.limit)]
        except DatasetError as error:
            plan.skipped.append(Skipped(benchmark=name, reason=str(error)))
            continue
        # A benchmark may be a stranger's: one that cannot be asked ends no other.
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001
            plan.failed += [
                Failed(benchmark=name, model=spec, reason=_said(error)) for spec, _ in models
            ]
            continue
        for spec, model in models:
            if spec in silent:
                plan.failed.append(Failed(benchmark=name, model=spec, reason=silent[spec]))
                continue
            try:
                _plan_one(plan, name, benchmark, parts, spec, model, settings)
            # As are models.
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001
                plan.failed.append(Failed(benchmark=name, model=spec, reason=_said(error)))
    return plan


def _said(error: BaseException) -> str:
    if isinstance(error, GenomarkError):
        return str(error)
    logger.debug("the plan goes on without it", exc_info=error)
    return f"{type(error).__name__}: {one_line(error)}"


def _unreachable(models: Sequence[tuple[str, Model]]) -> dict[str, str]:
    """Ask every model who it is, once: a server that is down is not waited for again and again."""
    silent = {}
    for spec, model in models:
        try:
            _ = model.info
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a stranger's may raise anything
            silent[spec] = _said(error)
    return silent


def _plan_one(
    plan: Plan,
    name: str,
    benchmark: Benchmark,
    parts: list[_Part],
    spec: str,
    model: Model,
    settings: Settings,
) -> None:
    try:
        identity, split = benchmark.identify(model)
    except (DatasetError, CapabilityError) as error:
        plan.skipped.append(Skipped(benchmark=name, model=spec, reason=str(error)))
        return
    digest = _evaluation_digest(benchmark, identity, parts, settings)
    if any(evaluation.digest == digest for evaluation in plan.evaluations):
        # Two ways to write one model.
        return
    own = isinstance(model, ItemPredictor)
    by_predictors = isinstance(benchmark, PredictorBenchmark)
    seed = settings.seed if own or benchmark.seeded else None
    asked = [benchmark.digest, identity.digest, seed]
    # Data of the catalogue have checksums; and where nothing is fitted, a worker reads no train
    # split, which the digest of a task on sequences is of as well.
    compared = not benchmark.datasets and (by_predictors or not own)
    shards = [
        Shard(
            digest=digest_of([*asked, part.digest]),
            benchmark=name,
            model=spec,
            part=index,
            limit=settings.limit,
            items=part.items,
            seed=settings.seed,
            allow_missing=settings.allow_missing,
            keep_response=settings.keep_responses and not own and by_predictors,
            in_process=benchmark.in_process,
            divisible=benchmark.divisible and not own,
            matcher=settings.matcher,
            benchmark_digest=benchmark.digest if compared else "",
            model_digest=identity.digest,
        )
        for index, part in enumerate(parts)
    ]
    plan.evaluations.append(
        Evaluation(
            digest=digest,
            benchmark=benchmark,
            model=model,
            spec=spec,
            identity=identity,
            split=split,
            shards=shards,
            seed=settings.seed,
            limit=settings.limit,
            learned=learned(benchmark, model, split, settings.limit, settings.trained_on),
        )
    )


def _evaluation_digest(
    benchmark: Benchmark, identity: ModelIdentity, parts: list[_Part], settings: Settings
) -> str:
    return digest_of(
        [
            SCHEMA_VERSION,
            benchmark.identity,
            identity.id,
            identity.digest,
            settings.seed,
            settings.limit,
            # Of some benchmarks it can be chosen how often all is asked.
            [part.digest for part in parts],
            REPLICATES,
            CONFIDENCE,
            METHOD_VERSION,
        ]
    )
