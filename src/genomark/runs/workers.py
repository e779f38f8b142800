"""Where shards are computed: a pool of worker processes of this machine, any of which may die."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genomark.models.prediction_cache import PredictionCache
from genomark.runs.answers import Answers
from genomark.runs.bisection import UNKNOWN, Bisection, Cause
from genomark.runs.order import BenchmarkMaker
from genomark.runs.outcome import Meter, ShardOutcome, together
from genomark.runs.plan import Shard
from genomark.runs.shards import Workshop

#: A shard that takes its worker down this often, alone, is given up or asked in pieces.
_MAX_DEATHS = 3
#: So many items may be lost of a shard that is asked in pieces, and so many workers for it.
_MAX_LOST, _MAX_DEATHS_IN_PIECES = 8, 150
#: Of one bad item: two as a whole shard, two of samples, twice by itself.
_DEATHS_BESIDE_HALVINGS = 6
_PARENT_CHECK_SECONDS = 1.0
_WAIT_SECONDS = 0.5
#: How loky writes how a worker ended, such as "{SIGSEGV(-11)}".
_EXIT_CODE = re.compile(r"\{(\w+)\((-?\d+)\)")


@dataclass
class _Suspect:
    """A shard that was in flight when a worker died, and what is known of it since."""

    shard: Shard
    #: Nothing else may be in flight beside it.
    alone: bool = False
    deaths: int = 0
    search: Bisection | None = None
    #: Rows that are being tried.
    rows: range | None = None
    found: list[Answers] = field(default_factory=list)
    #: Deaths while what was found was put together.
    deaths_at_end: int = 0
    spent: list[ShardOutcome] = field(default_factory=list)
    cause: Cause = UNKNOWN


@dataclass(frozen=True)
class Equipment:
    """What a worker process is given beside a folder and a cache.

    Attributes
    ----------
    maker : BenchmarkMaker
        Of benchmarks.
    threads : int
        For benchmarks that compute with threads.
    where : Path or None
        Folder that the files of specs are relative to; the one of its parent if None.
    """

    maker: BenchmarkMaker = field(default_factory=BenchmarkMaker)
    threads: int = 1
    where: Path | None = None


class LocalExecutor:
    """Computes shards in a pool of processes of this machine.

    The processes live as long as the executor, so a model is loaded once in each. When a worker
    dies, the shards that were in flight are suspects: each is tried again alone, so that the one
    that kills its worker can be told from its neighbours. A shard that goes on killing is asked in
    pieces if its benchmark allows that, until the items that kill are found; what they are is its
    answer for them. Otherwise it has failed.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    workers : int
        Number of processes.
    cache : PredictionCache, optional
        Asked before models are.
    equipment : Equipment, optional
        What else a process is given.
    """

    def __init__(
        self,
        folder: Path,
        workers: int,
        cache: PredictionCache | None = None,
        equipment: Equipment | None = None,
    ) -> None:
        self._folder = folder
        self._cache = cache
        self._equipment = equipment or Equipment()
        self._workers = workers
        self._pool: Any = None
        self._pool_workers = 0
        self._waiting: deque[Shard] = deque()
        self._suspects: deque[_Suspect] = deque()
        self._running: dict[Future[Any], _Suspect] = {}
        #: Items at once that memory is enough for, by model and benchmark.
        self._batches: dict[tuple[str, str], int] = {}
        #: Models that died on whatever a benchmark asked them.
        self._hopeless: set[tuple[str, str]] = set()

    def submit(self, shard: Shard) -> str:
        """Take a shard."""
        self._waiting.append(shard)
        self._fill()
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give outcomes as workers finish."""
        while self._running or self._waiting or self._suspects:
            self._fill()
            # Polars has system calls restarted after a signal, so a wait without an end would not
            # notice Ctrl-C.
            done, _ = wait(self._running, _WAIT_SECONDS, return_when=FIRST_COMPLETED)
            if any(_broke(future) for future in done):
                yield from self._after_death()
                continue
            for future in done:
                outcome = self._take(self._running.pop(future), future)
                if outcome is not None:
                    yield outcome

    def cancel(self) -> None:
        """Drop what has not started and end the workers."""
        self._waiting.clear()
        self._suspects.clear()
        self._running.clear()
        self._close_pool()

    def _fill(self) -> None:
        """Keep two shards a worker in flight; while there are suspects, one alone."""
        if self._suspects:
            if not self._running:
                self._start(self._suspects.popleft())
            return
        if any(suspect.alone for suspect in self._running.values()):
            return
        if self._waiting and not self._running and self._pool_workers < self._workers:
            # All suspects are cleared.
            self._close_pool()
        while self._waiting and len(self._running) < 2 * self._workers:
            try:
                self._start(_Suspect(self._waiting[0]))
            except BrokenExecutor:
                # A worker has died. `as_completed` learns that from what it had in flight.
                return
            self._waiting.popleft()

    def _start(self, suspect: _Suspect) -> None:
        shard, search = suspect.shard, suspect.search
        if search is None:
            future = self._hand_over(suspect, _work, self._batches.get(_key(shard)))
        elif (rows := search.next()) is not None:
            suspect.rows = rows
            future = self._hand_over(suspect, _work_on, rows)
        else:
            suspect.rows = None
            future = self._hand_over(suspect, _put_together, suspect.found, search.lost)
        self._running[future] = suspect

    def _hand_over(self, suspect: _Suspect, work: Callable[..., Any], *asked: Any) -> Future[Any]:
        """Give work to the pool; to a new one where a worker died while nothing was in flight."""
        if self._pool is not None:
            try:
                return self._submitted(suspect, work, *asked)
            except BrokenExecutor:
                if self._running:
                    raise
                self._close_pool()
        # A process that is about to die need not be one of many.
        self._pool_workers = 1 if suspect.alone else self._workers
        self._pool = self._new_pool(self._pool_workers)
        return self._submitted(suspect, work, *asked)

    def _submitted(self, suspect: _Suspect, work: Callable[..., Any], *asked: Any) -> Future[Any]:
        future: Future[Any] = self._pool.submit(work, suspect.shard, *asked)
        return future

    def _take(self, suspect: _Suspect, future: Future[Any]) -> ShardOutcome | None:
        """Give a shard's outcome, or note what came of a piece of it."""
        if suspect.search is None or suspect.rows is None:
            if suspect.search is not None and suspect.search.batch is not None:
                self._batches[_key(suspect.shard)] = suspect.search.batch
            return self._whole(suspect, future.result())
        answers, outcome = future.result()
        if outcome.error is not None:
            return self._whole(suspect, outcome)
        suspect.spent.append(outcome)
        if isinstance(answers, Answers):
            suspect.found.append(answers)
            suspect.search.answered()
        else:
            suspect.search.ended(suspect.rows, answers)
        return self._go_on(suspect)

    def _go_on(self, suspect: _Suspect) -> ShardOutcome | None:
        """Line a suspect up again, unless there is no use in it."""
        worn_out = suspect.deaths >= _MAX_DEATHS_IN_PIECES
        if worn_out or (suspect.search is not None and suspect.search.given_up):
            if worn_out or not suspect.found:
                self._hopeless.add(_key(suspect.shard))
            return self._given_up(suspect)
        self._suspects.appendleft(suspect)
        return None

    def _after_death(self) -> Iterator[ShardOutcome]:
        """Let go of the pool, and sort what it had in flight."""
        wait(self._running)
        # Whoever is given an outcome may submit another shard: all is in its place before.
        ended, self._running = self._running, {}
        self._close_pool()
        lost = [(suspect, _cause_of(future)) for future, suspect in ended.items() if _broke(future)]
        for suspect, _ in lost:
            suspect.alone = True
        outcomes = []
        if len(lost) > 1:
            self._suspects.extend(suspect for suspect, _ in lost)
        else:
            outcomes += [self._died(suspect, cause) for suspect, cause in lost]
        outcomes += [
            self._take(suspect, future) for future, suspect in ended.items() if not _broke(future)
        ]
        yield from (outcome for outcome in outcomes if outcome is not None)

    def _died(self, suspect: _Suspect, cause: Cause) -> ShardOutcome | None:
        """Take note that a shard, by itself, has taken its worker down."""
        suspect.deaths += 1
        suspect.cause = cause
        if suspect.search is not None and suspect.rows is not None:
            suspect.search.ended(suspect.rows, _as_met(suspect, suspect.rows, cause))
            return self._go_on(suspect)
        if self._may_try_again(suspect):
            self._suspects.appendleft(suspect)
            return None
        return self._given_up(suspect)

    def _may_try_again(self, suspect: _Suspect) -> bool:
        """Whether a shard that died as a whole is tried again, perhaps in pieces from now on."""
        shard = suspect.shard
        if suspect.search is not None:
            suspect.deaths_at_end += 1
            return suspect.deaths_at_end < _MAX_DEATHS
        if _key(shard) in self._hopeless:
            return False
        # Once may be chance, and somebody else's memory.
        if shard.divisible and suspect.deaths == _MAX_DEATHS - 1:
            suspect.search = Bisection(
                shard.items,
                strikes=2,
                most_lost=_MAX_LOST,
                batch=self._batches.get(_key(shard)),
            )
            suspect.search.ended(range(shard.items), suspect.cause)
            return not suspect.search.given_up
        return suspect.deaths < _MAX_DEATHS

    def _whole(self, suspect: _Suspect, outcome: ShardOutcome) -> ShardOutcome:
        return together([*suspect.spent, outcome]) if suspect.spent else outcome

    def _given_up(self, suspect: _Suspect) -> ShardOutcome:
        words = "out of memory" if suspect.cause.memory else "a crash in native code"
        how = f"{words}: {suspect.cause.words}" if suspect.cause.words else words
        error = f"the worker process died {suspect.deaths} times on this request ({how})"
        if suspect.search is not None and len(suspect.search.lost) > _MAX_LOST:
            error += f", and on more than {_MAX_LOST} of its items"
        return self._whole(suspect, Meter().outcome(suspect.shard.digest, error=error))

    def _close_pool(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None

    def _new_pool(self, workers: int) -> Any:
        # Unlike the standard library's, loky's workers do not run the caller's main script again.
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        return ProcessPoolExecutor(
            max_workers=workers,
            context=get_context("loky"),
            initializer=_start_worker,
            initargs=(self._folder, self._cache, self._equipment, os.getpid(), time.time()),
        )


def _key(shard: Shard) -> tuple[str, str]:
    return shard.model, shard.benchmark


def _broke(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenExecutor)


def _cause_of(future: Future[Any]) -> Cause:
    """Tell from how its worker ended why: the system kills outright what has no memory left."""
    found = _EXIT_CODE.search(str(future.exception()))
    if found is None:
        return UNKNOWN
    name, code = found.groups()
    return Cause(f"exit status {code}" if name == "EXIT" else name, memory=name == "SIGKILL")


def _as_met(suspect: _Suspect, rows: range, cause: Cause) -> Cause:
    """Give a crash as one that fewer items at once avoid, where no item of them was the reason.

    A bad item costs the halvings down to it, and the deaths before and after them. With more than
    that and nothing found it was the number.
    """
    assert suspect.search is not None
    for_one = suspect.shard.items.bit_length() + _DEATHS_BESIDE_HALVINGS
    explained = (len(suspect.search.lost) + 1) * for_one
    too_many = len(rows) > 1 and suspect.deaths > explained
    return replace(cause, memory=True) if too_many else cause


_workshop: Workshop | None = None


def _start_worker(
    folder: Path,
    cache: PredictionCache | None,
    equipment: Equipment,
    parent: int,
    called: float,
) -> None:
    """Set a worker process up; it was called for at a second of `time.time`."""
    global _workshop
    if equipment.where is not None:
        os.chdir(equipment.where)
    _workshop = Workshop(folder, threads=equipment.threads, cache=cache, maker=equipment.maker)
    _workshop.starting = max(0.0, time.time() - called), time.process_time()
    # Ctrl-C goes to the whole group; it is the parent that decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """End this worker when its parent was killed: nobody waits for its answers any more."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)


def _work(shard: Shard, batch: int | None) -> ShardOutcome:
    assert _workshop is not None
    return _workshop.work(shard, batch)


def _work_on(shard: Shard, rows: range) -> tuple[Answers | Cause | None, ShardOutcome]:
    assert _workshop is not None
    return _workshop.work_on(shard, rows)


def _put_together(shard: Shard, found: list[Answers], lost: dict[int, Cause]) -> ShardOutcome:
    assert _workshop is not None
    return _workshop.put_together(shard, found, lost)
