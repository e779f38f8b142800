"""Computing one shard: make the request, ask the model, keep the answer."""

from __future__ import annotations

import io
import resource
import shutil
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from genomark.atomic import write_whole
from genomark.benchmarks import Asking, Benchmark, load_benchmark
from genomark.digests import digest_of_bytes
from genomark.errors import GenomarkError
from genomark.models import Model, Predictor, Trainable, load_model
from genomark.models.track_predictor import TrackPredictor
from genomark.protocol import JSON, PredictResponse, encode
from genomark.runs.plan import Shard
from genomark.runs.standing import Standing, workspace

#: Where a shard's file keeps what was told with its predictions.
_REPORT = "genomark.report"


class ShardOutcome(msgspec.Struct, frozen=True):
    """What became of a shard: a file, or an error; and what it cost.

    `error` is one line for people, `trace` the traceback for ``--debug``.
    """

    digest: str
    file_digest: str | None
    error: str | None
    trace: str | None
    started: str
    finished: str
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    bytes_sent: int
    bytes_received: int


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
    """

    def __init__(
        self,
        folder: Path,
        models: dict[str, Model] | None = None,
        benchmarks: dict[str, Benchmark] | None = None,
        threads: int = 1,
    ) -> None:
        self.folder = folder
        self._threads = threads
        self._models = dict(models or {})
        self._benchmarks = dict(benchmarks or {})
        self._fitted: dict[tuple[str, str], Predictor] = {}
        self._parts: dict[tuple[str, int | None], list[pl.DataFrame]] = {}

    def work(self, shard: Shard) -> ShardOutcome:
        """Compute a shard and write it; never raises for what a model does."""
        meter = _Meter()
        model: Model | None = None
        file_digest = error = trace = None
        try:
            model = self._model(shard)
            meter.watch(model)
            content = _parquet(*self._answers(shard, model))
            write_whole(shard_path(self.folder, shard.digest), content)
            shutil.rmtree(workspace(self.folder, shard.digest), ignore_errors=True)
            file_digest = digest_of_bytes([content])
        except GenomarkError as failure:
            error, trace = str(failure), traceback.format_exc()
        # A model is foreign code: whatever it raises ends its own shard and nothing else.
        except Exception as failure:  # noqa: BLE001
            error = f"{type(failure).__name__}: {failure}" if str(failure) else repr(failure)
            trace = traceback.format_exc()
        return meter.outcome(shard.digest, file_digest, error, trace)

    def _answers(self, shard: Shard, model: Model) -> tuple[pl.DataFrame, dict[str, Any]]:
        """Ask; give the predictions, and what there is to tell of how they were made."""
        report: dict[str, Any] = {}

        def keep(response: PredictResponse) -> None:
            write_whole(response_path(self.folder, shard.digest), encode(response, JSON))

        kept = keep if shard.keep_response else None
        standing = Standing(self.folder, shard.digest, f"{shard.benchmark} × {shard.model}")
        asking = Asking(
            shard.seed,
            self._threads,
            kept,
            report.update,
            standing.workspace,
            standing.tell,
        )
        benchmark = self._benchmark(shard.benchmark)
        return benchmark.answer(model, self._items(shard), asking), report

    def _items(self, shard: Shard) -> pl.DataFrame:
        key = (shard.benchmark, shard.limit)
        if key not in self._parts:
            self._parts[key] = list(self._benchmark(shard.benchmark).parts(shard.limit))
        return self._parts[key][shard.part]

    def _benchmark(self, name: str) -> Benchmark:
        if name not in self._benchmarks:
            self._benchmarks[name] = load_benchmark(name)
        return self._benchmarks[name]

    def _model(self, shard: Shard) -> Model:
        if shard.model not in self._models:
            self._models[shard.model] = _loaded(shard)
        model = self._models[shard.model]
        key = (shard.model, shard.benchmark)
        if key in self._fitted or not isinstance(model, Trainable):
            return self._fitted.get(key, model)
        _, split = self._benchmark(shard.benchmark).identify(model)
        if split is None:
            # The benchmark fits it to each task itself.
            return model
        self._fitted[key] = model.fit(split)
        return self._fitted[key]


def _loaded(shard: Shard) -> Model:
    model = load_model(shard.model, allow_missing=shard.allow_missing)
    if isinstance(model, TrackPredictor):
        # Few runs have such a model, and what a Matcher knows takes a while to read.
        from genomark.matching.track_matcher import with_matcher

        return with_matcher(model, shard.matcher)
    return model


def shard_path(folder: Path, digest: str) -> Path:
    """Where the predictions of a shard are kept."""
    return folder / "shards" / f"{digest}.parquet"


def response_path(folder: Path, digest: str) -> Path:
    """Where the answer to a shard is kept as it came, for runs that ask for it."""
    return folder / "responses" / f"{digest}.json"


def read_report(path: Path) -> dict[str, Any]:
    """Read what was told with a shard's predictions."""
    text = pl.read_parquet_metadata(path).get(_REPORT)
    return msgspec.json.decode(text) if text else {}


def _parquet(frame: pl.DataFrame, report: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    told = {_REPORT: msgspec.json.encode(report).decode()} if report else None
    frame.write_parquet(buffer, compression="zstd", metadata=told)
    return buffer.getvalue()


class _Meter:
    """Measures one shard: wall and CPU seconds, peak memory, bytes over the wire."""

    def __init__(self) -> None:
        self._started = _now()
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        self._model: Model | None = None
        self._before = (0, 0)

    def watch(self, model: Model) -> None:
        self._model = model
        self._before = self._traffic()

    def outcome(
        self, digest: str, file_digest: str | None, error: str | None, trace: str | None
    ) -> ShardOutcome:
        sent, received = self._traffic()
        return ShardOutcome(
            digest=digest,
            file_digest=file_digest,
            error=error,
            trace=trace,
            started=self._started,
            finished=_now(),
            wall_seconds=time.perf_counter() - self._wall,
            cpu_seconds=time.process_time() - self._cpu,
            peak_rss_bytes=_peak_rss_bytes(),
            bytes_sent=sent - self._before[0],
            bytes_received=received - self._before[1],
        )

    def _traffic(self) -> tuple[int, int]:
        return (
            getattr(self._model, "bytes_sent", 0),
            getattr(self._model, "bytes_received", 0),
        )


def _peak_rss_bytes() -> int:
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def crashed(shard: Shard, times: int) -> ShardOutcome:
    """Give the outcome of a shard that took its worker process down each time it was tried."""
    now = _now()
    return ShardOutcome(
        digest=shard.digest,
        file_digest=None,
        error=f"the worker process died {times} times on this request (out of memory, or a crash "
        "in native code)",
        trace=None,
        started=now,
        finished=now,
        wall_seconds=0.0,
        cpu_seconds=0.0,
        peak_rss_bytes=0,
        bytes_sent=0,
        bytes_received=0,
    )
