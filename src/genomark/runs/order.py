"""What was asked for: which models before which benchmarks, and how.

An order made of names alone can be written down, so that another process, on another machine,
prepares the same.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

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
from genomark.errors import GenomarkError, RemoteModelError, UsageError
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
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import MatcherError
from genomark.models.training_material import training_of_file
from genomark.runs.plan import Plan, Settings, make_plan
from genomark.scoring import ModelIdentity

if TYPE_CHECKING:
    from genomark.models.remote import RemotePredictor

ModelLike = str | Model | Callable[[list[str]], Any]

logger = logging.getLogger("genomark.runs")

#: Takes a while to load.
_CLIENT = "genomark.models.remote"
#: Suite of which there is more to set than of others.
_GUANINE = "guanine"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, before anything is loaded.

    Attributes
    ----------
    models : tuple of str, function or Model
        None at all: the baselines.
    benchmarks : tuple of str or Benchmark
        None at all: the suite `quickstart`.
    keep_responses : bool
        Keep the answers of Predictors as they come.
    said : dict of str to dict
        By URL, what servers said of themselves when it was written down: who puts the results
        together need not ask again.

    The others are as `genomark.run` takes them.
    """

    models: tuple[Any, ...] = ()
    benchmarks: tuple[Any, ...] = ()
    seed: int = 0
    limit: int | None = None
    allow_missing: bool = False
    protocol: str | None = None
    fits: int | None = None
    matcher: str | None = None
    guanine: dict[str, Any] = {}
    gene_options: GeneOptions = GeneOptions()
    common_genes: bool = False
    keep_responses: bool = False
    trained_on: str | None = None
    assembly: str | None = None
    isolate: bool = False
    isolate_memory_gb: float | None = None
    said: dict[str, dict[str, Any]] = {}

    @property
    def is_of_names(self) -> bool:
        """Whether another process can prepare the same."""
        return all(isinstance(each, str) for each in (*self.models, *self.benchmarks))

    def prepared(self) -> Prepared:
        """Make its models and benchmarks.

        Raises
        ------
        UsageError
            For a spec, name or setting that is not well formed.
        """
        if not 0 <= self.seed < 1 << 63:
            raise UsageError(f"seed must be 0 or more, and below 2**63, not {self.seed}")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit must be 1 or more items, not {self.limit}")
        allow_missing = self.allow_missing or self.guanine.get("impute") == "mean"
        setting = MatcherSetting.of(self.matcher)
        benchmarks, own_benchmarks = self._benchmarks()
        models = self.models or tuple(_baselines([benchmark for _, benchmark in benchmarks]))
        if self.protocol is not None:
            models = _under_protocol(models, self.protocol)
        if self.isolate:
            models = _isolated(models, self.isolate_memory_gb)
        elif self.isolate_memory_gb is not None:
            raise UsageError("a limit of memory is one of isolated models: isolate them")
        made, own_models = _models(models, allow_missing=allow_missing)
        for spec, model in made:
            if spec in self.said and _is_server(model):
                model.said = self.said[spec]
        if self.trained_on is not None and len(made) != 1:
            raise UsageError(
                f"what was trained on is told of one model, and there are {len(made)}: run them "
                "one after the other"
            )
        made, setting = _with_matcher(made, setting)
        settings = Settings(
            seed=self.seed,
            limit=self.limit,
            allow_missing=allow_missing,
            keep_responses=self.keep_responses,
            matcher=setting,
            trained_on=None
            if self.trained_on is None
            else training_of_file(self.trained_on, self.assembly),
        )
        maker = BenchmarkMaker(
            gene_options=self.gene_options,
            covering=tuple(spec for spec, _ in made) if self.common_genes else (),
            allow_missing=allow_missing,
        )
        return Prepared(made, benchmarks, settings, own_models or own_benchmarks, maker)

    def _benchmarks(self) -> tuple[list[tuple[str, Benchmark]], bool]:
        """Make the benchmarks; also whether any of them exists in this process alone."""
        objects = [each for each in self.benchmarks if isinstance(each, Benchmark)]
        names = [each for each in self.benchmarks if isinstance(each, str)]
        wanted = [] if objects and not names else expand(names)
        if self.fits is not None:
            wanted = [with_settings(name, {"fits": self.fits}) for name in wanted]
        if self.guanine:
            changed = [with_settings(name, self.guanine, _GUANINE) for name in wanted]
            if changed == wanted:
                raise UsageError(
                    f"{', '.join(self.guanine)}: for benchmarks of the suite {_GUANINE}, and there "
                    "are none"
                )
            wanted = changed
        options = self.gene_options
        made = [(name, _one_of(name, options, many=name not in names)) for name in wanted]
        made += [(each.id, each) for each in objects]
        called: dict[str, str] = {}
        for name, each in made:
            # Tables tell benchmarks apart by their ids.
            if called.setdefault(each.id, name) != name:
                raise UsageError(
                    f"'{called[each.id]}' and '{name}' are both called '{each.id}': run them one "
                    "after the other, or rename one"
                )
        return made, bool(objects)


def said_by(models: Sequence[tuple[str, Model]]) -> dict[str, dict[str, Any]]:
    """Give what the servers among models say of themselves, of those that answer."""
    found = {}
    for spec, model in models:
        if _is_server(model):
            with suppress(RemoteModelError):
                found[spec] = model.said
    return found


def _is_server(model: Model) -> TypeGuard[RemotePredictor]:
    # Without a client for it there is no server among the models.
    client = sys.modules.get(_CLIENT)
    return client is not None and isinstance(model, client.RemotePredictor)


@dataclass
class Prepared:
    """Models and benchmarks of an order, made.

    Attributes
    ----------
    models : list of (spec, Model)
    benchmarks : list of (name, Benchmark)
    settings : Settings
    own : bool
        Whether a model or benchmark exists in this process alone.
    maker : BenchmarkMaker
        Makes the same benchmarks elsewhere.
    """

    models: list[tuple[str, Model]]
    benchmarks: list[tuple[str, Benchmark]]
    settings: Settings
    own: bool
    maker: BenchmarkMaker

    def keep_apart(self, folder: Path) -> None:
        """See that no model in a sandbox sees the folder of results, or files of a benchmark.

        Raises
        ------
        UsageError
            If one does.
        """
        isolated = [
            (spec, model.folders_seen)
            for spec, model in self.models
            if hasattr(model, "folders_seen")
        ]
        if not isolated:
            return
        # It looks at all that is installed.
        from genomark.models.isolation.sight import local_places, where_seen

        # Tasks of one folder say the same place.
        places = {place: name for name, _ in self.benchmarks for place in local_places(name)}
        for spec, folders in isolated:
            seen = where_seen(folder, folders)
            if seen is not None:
                raise UsageError(
                    f"'{spec}' would see the results in {folder}, which is in a folder that it "
                    f"can read, {seen}: choose another folder with --out"
                )
            for place, name in places.items():
                seen = where_seen(place, folders)
                if seen is not None:
                    raise UsageError(
                        f"'{spec}' would see the labels of '{name}': {place} is in a folder that "
                        f"it can read, {seen}; keep them elsewhere"
                    )

    def plan(self) -> Plan:
        """Plan every model on every benchmark."""
        if self.maker.covering:
            self.benchmarks = [
                (name, _restricted(name, benchmark, [model for _, model in self.models]))
                for name, benchmark in self.benchmarks
            ]
        return make_plan(self.models, self.benchmarks, self.settings)


class BenchmarkMaker(msgspec.Struct, frozen=True, kw_only=True):
    """Makes benchmarks of an order by name, in whichever process they are asked.

    Attributes
    ----------
    gene_options : GeneOptions
    covering : tuple of str
        Tasks on genes are asked what all these models have vectors for; empty where that is not
        looked at.
    allow_missing : bool
        For ``file:`` models among them.
    """

    gene_options: GeneOptions = GeneOptions()
    covering: tuple[str, ...] = ()
    allow_missing: bool = False

    def make(self, name: str) -> Benchmark:
        """Make one.

        Raises
        ------
        GenomarkError
            If there is none of that name, or it cannot be loaded.
        """
        benchmark = load_benchmark(name, self.gene_options)
        if not self.covering or not isinstance(benchmark, GeneBenchmark):
            return benchmark
        models = [load_model(each, allow_missing=self.allow_missing) for each in self.covering]
        return _restricted(name, benchmark, models)


def one_model(model: ModelLike, *, allow_missing: bool = False) -> Model:
    """Make a model of a spec, a function or an object."""
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


def _under_protocol(models: Sequence[ModelLike], protocol: str) -> tuple[ModelLike, ...]:
    """Have checkpoints fine-tuned, or not, whatever else is among the models."""
    from genomark.training.protocols import protocol_spec

    return tuple(
        protocol_spec(each, protocol) if isinstance(each, str) else each for each in models
    )


def _isolated(models: Sequence[ModelLike], memory_gb: float | None) -> tuple[ModelLike, ...]:
    """Have the code of strangers run in sandboxes."""
    from genomark.models import isolated_spec
    from genomark.models.isolation import Limits

    limits = Limits() if memory_gb is None else Limits(memory_gb=memory_gb)
    for each in models:
        if not isinstance(each, str):
            raise UsageError(
                "a function or object is in this process already, and cannot be isolated: give it "
                "as py:FILE.py:NAME"
            )
    return tuple(isolated_spec(str(each), limits) for each in models)


def _models(
    models: Sequence[ModelLike], *, allow_missing: bool
) -> tuple[list[tuple[str, Model]], bool]:
    """Make the models; also whether any of them exists in this process alone."""
    made: dict[str, tuple[str, Model]] = {}
    own = False
    for each in models:
        model = one_model(each, allow_missing=allow_missing)
        spec = each if isinstance(each, str) else model.info.id
        own = own or not isinstance(each, str)
        known = made.get(spec)
        if known is not None and not isinstance(each, str):
            raise UsageError(f"Two models are called '{spec}'. Give functions different names")
        made[spec] = (spec, model)
    return list(made.values()), own


def _one_of(name: str, options: GeneOptions, *, many: bool) -> Benchmark:
    """Make a benchmark; one of many in a folder or suite that cannot be made stops no other."""
    try:
        return load_benchmark(name, options)
    except GenomarkError as error:
        if not many:
            raise
        return Unloadable(name, error)


def _restricted(name: str, benchmark: Benchmark, models: Sequence[Model]) -> Benchmark:
    """Restrict a task on genes to what all models cover; the plan says of what has no data."""
    try:
        if isinstance(benchmark, GeneBenchmark):
            return benchmark.restricted(models)
    except GenomarkError as error:
        logger.debug("%s: not restricted: %s", name, error)
    return benchmark
