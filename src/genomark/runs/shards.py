"""Computing one shard: make the request, ask the model, keep the answer."""

from __future__ import annotations

import io
import shutil
import threading
import time
import traceback
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from genomark.benchmarks import Asking, Benchmark
from genomark.digests import digest_of_bytes
from genomark.errors import GenomarkError, WriteError
from genomark.models import Model, Trainable, load_model
from genomark.models.cached_predictor import with_prediction_cache
from genomark.models.prediction_cache import PredictionCache
from genomark.models.track_predictor import TrackPredictor
from genomark.protocol import JSON, PredictResponse, encode
from genomark.runs.answers import Answers, joined, letters_of, reason_of
from genomark.runs.bisection import Bisection, Cause
from genomark.runs.journal import keep
from genomark.runs.order import BenchmarkMaker
from genomark.runs.outcome import Meter, ShardOutcome, response_path, shard_path
from genomark.runs.plan import Shard
from genomark.runs.profile import Spent
from genomark.runs.standing import Standing, workspace
from genomark.spans import Ledger, recording, span

#: Where a shard's file keeps what was told with its predictions.
_REPORT = "genomark.report"
#: What code of strangers may raise; Ctrl-C is not theirs.
_FOREIGN = (Exception, SystemExit, GeneratorExit, CancelledError)
#: An array did not fit; a worker that was killed for its memory says nothing.
_NO_MEMORY = Cause("", memory=True)


class Workshop:
    """Makes shards. One per process: benchmarks and models are loaded once and kept.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    models, benchmarks : dict
        Those already made, by spec and by name.
    threads : int
        For benchmarks that compute in this process.
    cache : PredictionCache, optional
        Asked before models are.
    maker : BenchmarkMaker, optional
        Makes the other benchmarks.
    """

    def __init__(
        self,
        folder: Path,
        models: dict[str, Model] | None = None,
        benchmarks: dict[str, Benchmark] | None = None,
        threads: int = 1,
        cache: PredictionCache | None = None,
        maker: BenchmarkMaker | None = None,
    ) -> None:
        self.folder = folder
        self._maker = maker or BenchmarkMaker()
        self._threads = threads
        self._models = dict(models or {})
        self._benchmarks = dict(benchmarks or {})
        #: Models that the run itself holds: they are what it began with.
        self._given = frozenset(self._models)
        #: Models as they are asked, fitted where they learn.
        self._ready: dict[tuple[str, str], Model] = {}
        #: Why what is there now is not asked: it is not what the run began with.
        self._changed: dict[tuple[str, str], str] = {}
        self._cache = cache
        #: Models behind the cache, by the identity of the object: one learns from shard to shard.
        self._cached: dict[int, Model] = {}
        #: Items at once that memory is enough for, where more were too many.
        self._batches: dict[tuple[str, str], int] = {}
        #: Wall and CPU seconds that this process took to start, until the first shard tells them.
        self.starting: tuple[float, float] | None = None

    def work(self, shard: Shard, batch: int | None = None) -> ShardOutcome:
        """Compute a shard and write it.

        Parameters
        ----------
        shard : Shard
        batch : int, optional
            Ask no more items at once.

        Returns
        -------
        ShardOutcome
            An error for whatever a model raises.

        Raises
        ------
        WriteError
            If the folder refuses, or the disk is full: no other shard could be kept.
        """
        with self._recording() as ledger:
            meter = Meter()
            outcome = self._made(
                shard, meter, lambda: self._answers(shard, meter, range(shard.items), batch)
            )
            return msgspec.structs.replace(outcome, spent=Spent.of(ledger))

    def work_on(self, shard: Shard, rows: range) -> tuple[Answers | Cause | None, ShardOutcome]:
        """Ask for some rows of a divisible shard, and keep nothing.

        Returns
        -------
        answers : Answers, Cause or None
            Why not where memory ran out, None where the model raised.
        outcome : ShardOutcome
            What it cost, and the error.
        """
        with self._recording() as ledger:
            meter = Meter()
            answers: Answers | Cause | None = None
            try:
                answers = self._answers(shard, meter, rows)
                outcome = meter.outcome(shard.digest)
            except MemoryError:
                answers, outcome = _NO_MEMORY, meter.outcome(shard.digest)
            except _FOREIGN as failure:
                outcome = _failed(shard, meter, failure)
            return answers, msgspec.structs.replace(outcome, spent=Spent.of(ledger))

    def put_together(
        self, shard: Shard, found: list[Answers], lost: dict[int, Cause]
    ) -> ShardOutcome:
        """Write a divisible shard of which the rows were asked in pieces, as `work` does."""
        with self._recording() as ledger:
            meter = Meter()

            def answers() -> Answers:
                benchmark = self._benchmark(shard)
                return joined(benchmark, benchmark.part_at(shard.part, shard.limit), found, lost)

            outcome = self._made(shard, meter, answers)
            return msgspec.structs.replace(outcome, spent=Spent.of(ledger))

    def _made(self, shard: Shard, meter: Meter, answers: Callable[[], Answers]) -> ShardOutcome:
        """Get the answers and write them down."""
        # A model is foreign code: whatever it raises ends its own shard and nothing else.
        try:
            got = answers()
        except _FOREIGN as failure:
            return _failed(shard, meter, failure)
        try:
            return self._keep(shard, meter, got)
        except WriteError:
            raise
        # What it gave may be nothing that can be written.
        except Exception as failure:  # noqa: BLE001
            return _failed(shard, meter, failure)

    @contextmanager
    def _recording(self) -> Iterator[Ledger]:
        with recording(_ledger()) as ledger:
            if self.starting is not None:
                ledger.add("start", *self.starting)
                self.starting = None
            yield ledger

    def _answers(
        self, shard: Shard, meter: Meter, rows: range, batch: int | None = None
    ) -> Answers:
        """Ask; where memory runs out, for ever fewer items at once."""
        model = self._behind_cache(self._model(shard))
        meter.watch(model)
        with span("data"):
            benchmark = self._benchmark(shard)
            part = benchmark.part_at(shard.part, shard.limit)
            if len(rows) < part.height:
                part = part[rows.start : rows.stop]
        if not shard.divisible:
            return Answers(rows, *self._asked(shard, model, benchmark, part))
        key = (shard.model, shard.benchmark)
        search = Bisection(part.height, strikes=1, batch=batch or self._batches.get(key))
        found = []
        while (piece := search.next()) is not None:
            items = part if len(piece) == part.height else part[piece.start : piece.stop]
            try:
                found.append(Answers(piece, *self._asked(shard, model, benchmark, items)))
                search.answered()
                continue
            except Exception as failure:
                if not _is_memory(failure):
                    raise
            # Out of the `except`, whatever did not fit has been let go of.
            search.ended(piece, _NO_MEMORY)
        if search.given_up:
            raise MemoryError(reason_of(_NO_MEMORY, letters_of(benchmark, part)))
        if search.batch is not None:
            self._batches[key] = search.batch
        return replace(joined(benchmark, part, found, search.lost), rows=rows)

    def _asked(
        self, shard: Shard, model: Model, benchmark: Benchmark, items: pl.DataFrame
    ) -> tuple[pl.DataFrame, dict[str, Any], list[PredictResponse]]:
        """Ask for items at once; give the answers, and what there is to tell of them."""
        report: dict[str, Any] = {}
        responses: list[PredictResponse] = []
        standing = Standing(self.folder, shard.digest, f"{shard.benchmark} × {shard.model}")
        asking = Asking(
            shard.seed,
            self._threads,
            responses.append if shard.keep_response else None,
            report.update,
            standing.workspace,
            standing.tell,
        )
        with span("model"):
            missed = getattr(model, "misses", -1)
            answers = benchmark.answer(model, items, asking)
            confirm = getattr(model, "confirm_identity", None)
            # A server may have other weights by now, unless the cache had every answer.
            if confirm is not None and getattr(model, "misses", 0) > missed:
                confirm()
        return answers, report, responses

    def _keep(self, shard: Shard, meter: Meter, answers: Answers) -> ShardOutcome:
        with span("store"):
            content = _parquet(answers.predictions.rechunk(), answers.report)
            for response in answers.responses[-1:]:
                keep(response_path(self.folder, shard.digest), encode(response, JSON))
            keep(shard_path(self.folder, shard.digest), content)
            shutil.rmtree(workspace(self.folder, shard.digest), ignore_errors=True)
            return meter.outcome(shard.digest, digest_of_bytes([content]))

    def _benchmark(self, shard: Shard) -> Benchmark:
        name = shard.benchmark
        if name not in self._benchmarks:
            self._refuse_changed("benchmark", name)
            benchmark = self._maker.make(name)
            if shard.benchmark_digest not in ("", benchmark.digest):
                self._changed["benchmark", name] = (
                    f"{name} is not what the run began with (its file has changed); run again"
                )
            self._refuse_changed("benchmark", name)
            self._benchmarks[name] = benchmark
        return self._benchmarks[name]

    def _refuse_changed(self, kind: str, name: str) -> None:
        if (kind, name) in self._changed:
            raise GenomarkError(self._changed[kind, name])

    def _behind_cache(self, model: Model) -> Model:
        if id(model) not in self._cached:
            self._cached[id(model)] = with_prediction_cache(model, self._cache)
        return self._cached[id(model)]

    def _model(self, shard: Shard) -> Model:
        if shard.model not in self._models:
            with span("load"):
                self._models[shard.model] = _loaded(shard)
        key = (shard.model, shard.benchmark)
        if key not in self._ready:
            model = self._models[shard.model]
            if shard.model not in self._given:
                self._compare(shard, model)
            split = None
            if isinstance(model, Trainable):
                _, split = self._benchmark(shard).identify(model)
            # Without a split the benchmark fits it to each task itself.
            if isinstance(model, Trainable) and split is not None:
                with span("fit"):
                    model = model.fit(split)
            self._ready[key] = model
        return self._ready[key]

    def _compare(self, shard: Shard, model: Model) -> None:
        """Refuse a model that was another one when the run began."""
        self._refuse_changed("model", shard.model)
        # Most are asked as they are, and need no look at the benchmark.
        if shard.model_digest in ("", model.info.digest):
            return
        benchmark = self._benchmark(shard)
        now = benchmark.identify(model)[0].digest
        if now == shard.model_digest:
            return
        # What cannot be digested has another digest each time it is loaded.
        if benchmark.identify(_loaded(shard))[0].digest != now:
            return
        self._changed["model", shard.model] = (
            f"{shard.model} is not what the run began with (its digest has changed); run again"
        )
        self._refuse_changed("model", shard.model)


def _ledger() -> Ledger:
    """Make a ledger of this thread: of a process that computes nothing else, with all its CPU."""
    alone = threading.current_thread() is threading.main_thread()
    return Ledger(time.process_time if alone else time.thread_time)


def _loaded(shard: Shard) -> Model:
    model = load_model(shard.model, allow_missing=shard.allow_missing)
    if isinstance(model, TrackPredictor):
        # Few runs have such a model, and what a Matcher knows takes a while to read.
        from genomark.matching.track_matcher import with_matcher

        return with_matcher(model, shard.matcher)
    return model


def read_report(path: Path) -> dict[str, Any]:
    """Read what was told with a shard's predictions."""
    text = pl.read_parquet_metadata(path).get(_REPORT)
    return msgspec.json.decode(text) if text else {}


def _parquet(frame: pl.DataFrame, report: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    told = {_REPORT: msgspec.json.encode(report).decode()} if report else None
    frame.write_parquet(buffer, compression="zstd", metadata=told)
    return buffer.getvalue()


def _is_memory(failure: Exception) -> bool:
    # PyTorch has an error of its own for the memory of a GPU, and may not be installed.
    return isinstance(failure, MemoryError) or type(failure).__name__ == "OutOfMemoryError"


def _failed(shard: Shard, meter: Meter, failure: BaseException) -> ShardOutcome:
    if isinstance(failure, GenomarkError):
        error = str(failure)
    elif isinstance(failure, MemoryError):
        error = str(failure) or f"out of memory with {shard.items:,} items"
    else:
        error = f"{type(failure).__name__}: {failure}" if str(failure) else repr(failure)
    return meter.outcome(shard.digest, error=error, trace=traceback.format_exc())


def given_up(shard: Shard, error: str) -> ShardOutcome:
    """Give the outcome of a shard that no worker lived to tell of."""
    return Meter().outcome(shard.digest, error=error)
