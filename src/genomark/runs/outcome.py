"""What became of a shard, what it cost, and where its files are."""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from genomark.models import Model
from genomark.models.cached_predictor import CachedPredictor
from genomark.models.prediction_cache import NO_COST, added
from genomark.runs.profile import Spent
from genomark.scoring import Cost


class ShardOutcome(msgspec.Struct, frozen=True):
    """What became of a shard: a file, or an error; and what it cost.

    `error` is one line for people, `trace` the traceback for ``--debug``. `hits` and `misses` are
    sequences that the prediction cache had, and had not; what answers from it once cost is in the
    cost, as if they had been computed now.
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
    spent: Spent | None = None
    hits: int = 0
    misses: int = 0


def shard_path(folder: Path, digest: str) -> Path:
    """Where the predictions of a shard are kept."""
    return folder / "shards" / f"{digest}.parquet"


def response_path(folder: Path, digest: str) -> Path:
    """Where the answer to a shard is kept as it came, for runs that ask for it."""
    return folder / "responses" / f"{digest}.json"


class Meter:
    """Measures one shard: wall and CPU seconds, peak memory, bytes over the wire."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC)
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        self._model: Model | None = None
        self._before = (0, 0)
        self._recalled_before = (0, 0, NO_COST)

    def watch(self, model: Model) -> None:
        """Count what goes over the wire to a model from now on."""
        self._model = model
        self._before = self._traffic()
        self._recalled_before = self._recalled()

    def outcome(
        self,
        digest: str,
        file_digest: str | None = None,
        error: str | None = None,
        trace: str | None = None,
    ) -> ShardOutcome:
        """Say what became of the shard, and what it has cost until now."""
        sent, received = self._traffic()
        seconds = time.perf_counter() - self._wall
        hits, misses, recalled = self._recalled()
        hits_before, misses_before, before = self._recalled_before
        saved = added(recalled, before, -1.0)
        return ShardOutcome(
            digest=digest,
            file_digest=file_digest,
            error=error,
            trace=trace,
            started=_written(self._started),
            # Not what the clock says now: somebody may have set it meanwhile.
            finished=_written(self._started + timedelta(seconds=seconds)),
            wall_seconds=seconds + saved.wall_seconds,
            cpu_seconds=time.process_time() - self._cpu + saved.cpu_seconds,
            peak_rss_bytes=max(_peak_rss_bytes(), saved.peak_rss_bytes * (hits > hits_before)),
            bytes_sent=sent - self._before[0] + saved.bytes_sent,
            bytes_received=received - self._before[1] + saved.bytes_received,
            hits=hits - hits_before,
            misses=misses - misses_before,
        )

    def _recalled(self) -> tuple[int, int, Cost]:
        model = self._model
        if isinstance(model, CachedPredictor):
            return model.hits, model.misses, model.recalled
        return 0, 0, NO_COST

    def _traffic(self) -> tuple[int, int]:
        return (
            getattr(self._model, "bytes_sent", 0),
            getattr(self._model, "bytes_received", 0),
        )


def together(outcomes: list[ShardOutcome]) -> ShardOutcome:
    """Give the last of several outcomes of one shard with the cost of them all."""
    return msgspec.structs.replace(
        outcomes[-1],
        spent=_spent_together([each.spent for each in outcomes if each.spent is not None]),
        started=min(each.started for each in outcomes),
        finished=max(each.finished for each in outcomes),
        wall_seconds=sum(each.wall_seconds for each in outcomes),
        cpu_seconds=sum(each.cpu_seconds for each in outcomes),
        peak_rss_bytes=max(each.peak_rss_bytes for each in outcomes),
        bytes_sent=sum(each.bytes_sent for each in outcomes),
        bytes_received=sum(each.bytes_received for each in outcomes),
        hits=sum(each.hits for each in outcomes),
        misses=sum(each.misses for each in outcomes),
    )


def _spent_together(spent: list[Spent]) -> Spent | None:
    if not spent:
        return None
    seconds: dict[str, tuple[float, float]] = {}
    for each in spent:
        for part, (wall, cpu) in each.seconds.items():
            before = seconds.get(part, (0.0, 0.0))
            seconds[part] = before[0] + wall, before[1] + cpu
    return msgspec.structs.replace(spent[-1], seconds=seconds)


def _peak_rss_bytes() -> int:
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
