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
from genomark.runs.post import Delivery, Errand, UnfitWorkerError
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
    #: Whether only that worker may compute it.
    strict: bool = False


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
        self._number = 0
        #: Workers that have another genomark, or none.
        self._unfit: set[str] = set()
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
            # Where nobody is told who shall compute, one that cannot would be there first.
            spare = 0 if self._unfit and there else max(_FEWEST_SPARE, there)
            return waiting.first() if handed_on < DEPTH * there + spare else None
        worker, model = place
        shard = waiting.of(model)
        if shard is not None:
            self._places[shard.digest] = worker
        return shard

    def submit(self, shard: Shard) -> str:
        """Take a shard, and hand it out."""
        worker = self._places.pop(shard.digest, None)
        self._hand_out(_Handed(shard, worker, strict=bool(worker and self._unfit)))
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give outcomes as they come; ends early where new workers have room for more."""
        while self._handed:
            ended = self._reached().ended(_LOOK_SECONDS)
            for key, came in ended.items():
                handed = self._handed.pop(key)
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
        self._number += 1
        # Of a key that it knows Dask gives what came of it before.
        key = f"{handed.shard.digest}-{self._number}"
        if handed.worker is not None:
            self._placing.give(handed.worker, handed.shard.model)
        self._handed[key] = handed
        self._reached().hand_out(key, handed.shard, handed.worker, others=not handed.strict)

    def _outcome(self, handed: _Handed, came: Delivery | BaseException) -> ShardOutcome | None:
        """Keep what a worker sent; None where the shard was handed out anew."""
        shard = handed.shard
        if isinstance(came, Delivery):
            if came.outcome.digest != shard.digest:
                raise GenomarkError(f"the Dask worker {came.worker} sent what it was not asked for")
            with span("store"):
                for name, path in (("response", response_path), ("shard", shard_path)):
                    if name in came.files:
                        keep(path(self._folder, shard.digest), came.files[name])
            return came.outcome
        if isinstance(came, WriteError):
            raise came
        if isinstance(came, UnfitWorkerError | ImportError):
            self._go_round(handed, came)
            return None
        if handed.tries < _MOST_TRIES:
            logger.debug("%s × %s: again, after %r", shard.benchmark, shard.model, came)
            self._hand_out(_Handed(shard, None, handed.tries + 1))
            return None
        # Not named by its class: Dask, which has it, is an extra.
        if type(came).__name__ == "KilledWorker":
            return given_up(shard, "the Dask workers that had this request died, one after another")
        raise self._cannot_compute(came)

    def _go_round(self, handed: _Handed, came: BaseException) -> None:
        """Hand a shard to workers that have the same genomark, if there are any.

        Raises
        ------
        GenomarkError
            If there are none.
        """
        worker = _blamed(handed, came)
        if worker is not None:
            if worker not in self._unfit:
                self._tell(f"{one_line(came)}; others compute")
            self._unfit.add(worker)
        fit = [each for each in self._reached().workers() if each not in self._unfit]
        self._placing.see(fit)
        if not fit:
            raise self._cannot_compute(came)
        # Which it was that a spare shard went to is not known: each is tried by itself.
        worker = fit[handed.tries % len(fit)]
        self._hand_out(_Handed(handed.shard, worker, handed.tries + 1, strict=True))

    def _cannot_compute(self, came: BaseException) -> GenomarkError:
        return GenomarkError(
            f"the workers of {self._reached().address} cannot compute: {one_line(came)}"
        )

    def _look(self) -> bool:
        """Look who is there, if it is time to; whether anybody is new."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return False
        there = self._reached().workers()
        new = self._placing.see([each for each in there if each not in self._unfit])
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


def _blamed(handed: _Handed, came: BaseException) -> str | None:
    """Say which worker cannot compute; None where one may have taken what another was given."""
    if isinstance(came, UnfitWorkerError):
        return came.worker
    return handed.worker if handed.strict else None
