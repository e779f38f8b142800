"""Predictions of a bundle scored where the labels are known: what a run would have scored."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from genomark.atomic import write_whole
from genomark.benchmarks import (
    SUITES,
    Asking,
    Benchmark,
    PredictorBenchmark,
    SequenceBenchmark,
    benchmark_entry_points,
    load_benchmark,
    with_settings,
)
from genomark.benchmarks.guanine.guanine_benchmark import GuanineBenchmark
from genomark.benchmarks.guanine.guanine_task import LAYOUT
from genomark.benchmarks.sequences.declared import declared_ids, read_shipped
from genomark.datasets import availability
from genomark.datasets.location import cached, mirrored
from genomark.errors import GenomarkError, WriteError, one_line
from genomark.results.collection import headlines
from genomark.results.store import Evidence, evidence
from genomark.results.store.recompute import is_known
from genomark.results.submission.answers import ONE_LABEL
from genomark.results.submission.bundle import Bundle
from genomark.results.submission.decoding import decode_predictions
from genomark.results.submission.receipt import RefusedError, RefusedPredictionsError
from genomark.scoring import (
    CONFIDENCE,
    REPLICATES,
    SCHEMA_VERSION,
    Cost,
    ModelIdentity,
    Result,
    predictions_digest,
)
from genomark.sequences import KINDS_OF_SEQUENCES

_AT_HAND = ("mirror", "cache")
_NOT_SO = "takes no bundles: they hold one number for each item and label"


@dataclass(frozen=True)
class Judged:
    """What came of a bundle.

    Attributes
    ----------
    predictions : bytes
        Parquet, as a run of the benchmark keeps them.
    evidence : Evidence
        For the store.
    """

    result: Result
    predictions: bytes
    evidence: Evidence

    @property
    def verdict(self) -> str:
        """The headline with its interval, in one line."""
        row = self.result.metric(headlines(self.result)[0])
        if row.value is None:
            return f"{row.name} is undefined: {row.reason_if_null}"
        between = f" [{row.interval[0]:.4g}, {row.interval[1]:.4g}]" if row.interval else ""
        return f"{row.name} {row.value:.4g}{between} on {row.n:,} items"


class _Submitted:
    """Answers by item and label, as a model that is asked."""

    reads_answers = False

    def __init__(self, info: ModelIdentity, answers: pl.DataFrame, *, labelled: bool) -> None:
        self.info = info
        self._answers = answers if labelled else answers.drop("task")
        self._on = ["item_id", *(["task"] if labelled else [])]

    def predict_items(self, benchmark: str, items: pl.DataFrame, seed: int) -> pl.DataFrame:
        """Look answers up."""
        found = items.join(self._answers, on=self._on, how="left", maintain_order="left")
        return found.select("value", reason=pl.lit(None, pl.String))


def takes(id: str) -> bool:
    """Whether a benchmark takes submissions here, going by its name and by what is at hand.

    No data are read and none are fetched.
    """
    plain = id.partition(":")[0]
    return is_known(id) and "split=test" not in id and _takes(plain)


def benchmarks_taken() -> list[str]:
    """List the benchmarks that take submissions here."""
    known = {*benchmark_entry_points(), *(each for suite in SUITES.values() for each in suite)}
    return [each for each in sorted(known) if takes(each)]


@cache
def _takes(plain: str) -> bool:
    try:
        if plain in declared_ids() and read_shipped(plain).layout == LAYOUT:
            return _has_folder(plain)
        benchmark = load_benchmark(plain)
        _check_kind(benchmark)
        _check_data(benchmark)
        return True
    except GenomarkError:
        return False


def judge(bundle: Bundle, received: str, *, seed: int = 0, threads: int = 1) -> Judged:
    """Score a bundle against labels that are here.

    The same bundle gives the same result, to the byte.

    Parameters
    ----------
    bundle : Bundle
    received : str
        UTC, ISO 8601.
    seed : int
        Of the bootstrap.
    threads : int
        No number depends on it.

    Raises
    ------
    RefusedError
        If its benchmark cannot be scored so, or the predictions are not what is asked.
    WriteError
        If there is no room for temporary files.
    """
    benchmark = _benchmark(bundle)
    try:
        ids, labels = _asked(benchmark)
        answers = _decoded(bundle, ids, labels)
        return _scored(benchmark, bundle, answers, received, Asking(seed, threads))
    except (RefusedError, WriteError, MemoryError):
        raise
    # Numbers of a stranger may fail to be scored in any way.
    except Exception as error:
        kind = "" if isinstance(error, GenomarkError) else f"{type(error).__name__}: "
        raise RefusedError(
            f"'{benchmark.id}' cannot be scored here: {kind}{one_line(error)}"
        ) from error


def _benchmark(bundle: Bundle) -> Benchmark:
    """Find what a bundle answers, by a name that leads to no file, where the data are at hand."""
    named = bundle.manifest.benchmark
    id = named.asked or named.id
    if id.partition(":")[0] != named.id or not is_known(id):
        raise RefusedError(f"'{one_line(id)}' is no benchmark that is known here")
    try:
        benchmark = load_benchmark(with_settings(id, {"fits": 1}))
        _check_kind(benchmark)
        if isinstance(benchmark, GuanineBenchmark):
            _check_guanine(benchmark)
        else:
            _check_data(benchmark)
    except RefusedError:
        raise
    except GenomarkError as error:
        raise RefusedError(f"'{one_line(id)}': {one_line(error)}") from error
    if benchmark.version != named.version:
        raise RefusedError(
            f"'{named.id}' is version {benchmark.version} here, and the bundle is of version "
            f"{one_line(named.version)}; run it again with that version"
        )
    return benchmark


def _check_data(benchmark: Benchmark) -> None:
    """Refuse where something would have to be fetched."""
    there = all(availability(dataset) in _AT_HAND for dataset in benchmark.datasets)
    if there and isinstance(benchmark, SequenceBenchmark):
        # A dataset of the catalogue need not have all files of a task.
        named = benchmark.task.declared.dataset or "", benchmark.task.declared.files.test
        places = (mirrored(*named), cached(*named))
        there = any(isinstance(each, Path) and each.exists() for each in places)
    if not there:
        raise RefusedError(f"the data of '{benchmark.id}' are not at hand here")


def _check_kind(benchmark: Benchmark) -> None:
    if isinstance(benchmark, PredictorBenchmark):
        return
    kinds = KINDS_OF_SEQUENCES
    if isinstance(benchmark, SequenceBenchmark) and benchmark.task.declared.kind in kinds:
        return
    raise RefusedError(f"'{benchmark.id}' {_NOT_SO}")


def _check_guanine(benchmark: GuanineBenchmark) -> None:
    if len(benchmark.asking.stages) > 1:
        raise RefusedError(f"'{benchmark.id}' {_NOT_SO}, and not one for each train part")
    if benchmark.task.asked.hidden:
        raise RefusedError(f"the labels of '{benchmark.id}' are hidden, and not hosted here")


def _has_folder(plain: str) -> bool:
    place = mirrored(plain, "")
    return cached(plain, "").is_dir() or (isinstance(place, Path) and place.is_dir())


def _asked(benchmark: Benchmark) -> tuple[list[str], tuple[str, ...]]:
    """Give items and labels that a bundle must have a value for, each."""
    if isinstance(benchmark, PredictorBenchmark):
        return benchmark.items["item_id"].to_list(), (ONE_LABEL,)
    assert isinstance(benchmark, SequenceBenchmark)
    test = benchmark.task.test()
    return list(test.ids), tuple(test.labels)


def _decoded(bundle: Bundle, ids: list[str], labels: tuple[str, ...]) -> pl.DataFrame:
    """Decode in a process of its own: columns `item_id`, `task` (the label), `value`."""
    ids, labels = sorted(ids), tuple(sorted(labels))
    with tempfile.TemporaryDirectory(prefix="genomark-") as folder:
        asked = Path(folder) / "items.parquet"
        pl.DataFrame({"item_id": pl.Series(ids, dtype=pl.String)}).write_parquet(asked)
        try:
            values = decode_predictions(bundle.predictions, asked, len(ids), labels)
        except RefusedPredictionsError:
            raise
        except RefusedError as error:
            # Others are decoded all the while: that is no fault of this one.
            raise WriteError(one_line(error)) from error
    return pl.DataFrame(
        {
            "item_id": pl.Series(ids, dtype=pl.String).repeat_by(len(labels)).explode(),
            "task": list(labels) * len(ids),
            "value": values.ravel(),
        }
    )


def _scored(
    benchmark: Benchmark, bundle: Bundle, answers: pl.DataFrame, received: str, asking: Asking
) -> Judged:
    named = bundle.manifest.model
    identity = ModelIdentity(named.name, named.version, named.digest, [])
    model = _Submitted(identity, answers, labelled=not isinstance(benchmark, PredictorBenchmark))
    predictions = pl.concat([benchmark.answer(model, part, asking) for part in benchmark.parts()])
    buffer = io.BytesIO()
    predictions.write_parquet(buffer, compression="zstd")
    with tempfile.TemporaryDirectory(prefix="genomark-") as folder:
        path = Path(folder) / "predictions.parquet"
        write_whole(path, buffer.getvalue())
        scored = benchmark.scored(path, None)
        result = Result(
            schema_version=SCHEMA_VERSION,
            benchmark=benchmark.identity,
            model=identity,
            metrics=scored.rows(asking),
            coverage=scored.coverage(),
            seed=asking.seed,
            settings=_settings(benchmark, bundle),
            # What answered, and at what cost, is not known here.
            environment={},
            cost=Cost(0.0, 0.0, 0, 0, 0),
            predictions_digest=predictions_digest(predictions),
            started=received,
            finished=received,
        )
        method = result.metric(headlines(result)[0]).method
        return Judged(result, buffer.getvalue(), evidence(scored, asking, method))


def _settings(benchmark: Benchmark, bundle: Bundle) -> dict[str, Any]:
    settings = {
        "replicates": REPLICATES,
        "confidence": CONFIDENCE,
        "limit": None,
        "headline": list(benchmark.headlines),
        **benchmark.settings(),
        "submitted": {
            "bundle": bundle.digest,
            "public_key": bundle.manifest.public_key,
            "created": bundle.manifest.created,
            "card": bundle.card,
        },
    }
    if benchmark.ceiling:
        settings["ceiling"] = dict(benchmark.ceiling)
    return settings
