"""Where shards are computed: workers of Dask, which may come and go."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomark.errors import GenomarkError, WriteError, one_line
from genomark.runs.cluster import Cluster, Connect
from genomark.runs.journal import keep
from genomark.runs.outcome import ShardOutcome, response_path, shard_path
from genomark.runs.placing import DEPTH, Placing
from genomark.runs.plan import Shard
from genomark.runs.post import Delivery, Errand
from genomark.runs.shards import given_up
from genomark.runs.waiting import Waiting
from genomark.runs.workers import Equipment
from genomark.spans import span

logger = logging.getLogger("genomark.runs")

#: So often it is looked who is there.
_LOOK_SECONDS = 1.0
#: A shard is handed out anew so often after whoever had it was lost for good.
_MOST_TRIES = 3
#: Shards that wait at the scheduler for workers that may come.
_FEWEST_SPARE = 4
#: Without any worker for so long it is said, and then again after so long.
_SAY_SECONDS = 5.0, 60.0


@dataclass
class _Handed:
    """A shard that was handed out."""

    shard: Shard
    worker: str | None
    tries: int = 1


class DaskExecutor:
    """Computes shards on workers of Dask.

    Which shard goes where is decided here: a worker goes on with the model that it has loaded. The
    scheduler has it done by another where a worker is lost, or too slow.

    Parameters
    ----------
    connect : callable
        Gives the client, once a first shard is there, for as long as it is needed.
    folder : Path
        Of the run.
    equipment : Equipment
        Of the processes that compute.
    cache : tuple of (str or None, float or None)
        Place and size of the prediction cache, as asked for.
    tell : callable
        Takes a line for whoever waits.
    """

    def __init__(
        self,
        connect: Connect,
        folder: Path,
        equipment: Equipment,
        cache: tuple[str | None, float | None] = (None, None),
        tell: Callable[[str], object] = logger.info,
    ) -> None:
        self._connect = connect
        self._folder = folder.absolute()
        self._equipment = equipment
        self._cache = cache
        self._tell = tell
        self._placing = Placing()
        self._held = ExitStack()
        self._cluster: Cluster | None = None
        self._handed: dict[str, _Handed] = {}
        #: Where what was picked shall go, until it is submitted.
        self._places: dict[str, str] = {}
        self._looked = float("-inf")
        #: When it is said next that there are no workers.
        self._say_at: float | None = None

    def pick(self, waiting: Waiting, handed_on: int) -> Shard | None:
        """Choose what is handed out next; None where that is enough for now.

        Beyond what its workers have, some shards lie at the scheduler: by these it sees that more
        workers would have work.
        """
        if not waiting:
            return None
        self._look()
        place = self._placing.next(waiting)
        if place is None:
            there = len(self._placing.workers)
            spare = max(_FEWEST_SPARE, there)
            return waiting.first() if handed_on < DEPTH * there + spare else None
        worker, model = place
        shard = waiting.of(model)
        if shard is not None:
            self._places[shard.digest] = worker
        return shard

    def submit(self, shard: Shard) -> str:
        """Take a shard, and hand it out."""
        self._hand_out(_Handed(shard, self._places.pop(shard.digest, None)))
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give outcomes as they come; ends early where new workers have room for more."""
        while self._handed:
            ended = self._reached().ended(_LOOK_SECONDS)
            for digest, came in ended.items():
                handed = self._handed.pop(digest)
                if handed.worker is not None:
                    self._placing.done(handed.worker)
                outcome = self._outcome(handed, came)
                if outcome is not None:
                    yield outcome
            if not ended and self._look():
                return

    def cancel(self) -> None:
        """Drop what has not started, end what has, and let go of the cluster."""
        self._handed.clear()
        self._places.clear()
        self._cluster = None
        self._held.close()

    def _hand_out(self, handed: _Handed) -> None:
        digest = handed.shard.digest
        if handed.worker is not None:
            self._placing.give(handed.worker, handed.shard.model)
        self._handed[digest] = handed
        self._reached().hand_out(digest, handed.shard, handed.worker)

    def _outcome(self, handed: _Handed, came: Delivery | BaseException) -> ShardOutcome | None:
        """Keep what a worker sent; None where the shard was handed out anew."""
        shard = handed.shard
        if isinstance(came, Delivery):
            with span("store"):
                for name, path in (("response", response_path), ("shard", shard_path)):
                    if name in came.files:
                        keep(path(self._folder, shard.digest), came.files[name])
            return came.outcome
        if handed.tries < _MOST_TRIES:
            logger.debug("%s × %s: again, after %r", shard.benchmark, shard.model, came)
            self._hand_out(_Handed(shard, None, handed.tries + 1))
            return None
        # Not named by its class: Dask, which has it, is an extra.
        if type(came).__name__ == "KilledWorker":
            return given_up(shard, "the Dask workers that had this request died, one after another")
        if isinstance(came, WriteError):
            raise came
        raise GenomarkError(
            f"the workers of {self._reached().address} cannot compute: {one_line(came)}"
        ) from came

    def _look(self) -> bool:
        """Look who is there, if it is time to; whether anybody is new."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return False
        new = self._placing.see(self._reached().workers())
        self._looked = time.monotonic()
        self._watch_for_nobody(now)
        return new

    def _watch_for_nobody(self, now: float) -> None:
        first, again = _SAY_SECONDS
        if self._placing.workers:
            self._say_at = None
        elif self._say_at is None:
            self._say_at = now + first
        elif now >= self._say_at:
            self._tell(f"no workers at {self._reached().address} yet: waiting for them")
            self._say_at = now + again

    def _reached(self) -> Cluster:
        """Give the cluster; connect to it first."""
        if self._cluster is None:
            with span("start"):
                client: Any = self._held.enter_context(self._connect())
                token = uuid.uuid4().hex[:16]
                errand = Errand(
                    token=token,
                    folder=str(self._folder),
                    sign=f"claims/{token}.lock",
                    where=str(Path.cwd()),
                    equipment=self._equipment,
                    cache=self._cache,
                )
                self._cluster = Cluster(client, errand)
                self._held.callback(self._cluster.close)
        return self._cluster
