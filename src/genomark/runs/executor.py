"""Where shards are computed: in this process, or in a pool of worker processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from pathlib import Path
from typing import Any, Protocol

from genomark.probes import one_thread
from genomark.runs.plan import Shard
from genomark.runs.shards import ShardOutcome, Workshop, crashed

#: A shard that takes its worker down this often, alone, is given up.
_MAX_DEATHS = 3
_PARENT_CHECK_SECONDS = 1.0
_WAIT_SECONDS = 0.5


class Executor(Protocol):
    """Computes shards, in any order, anywhere."""

    def submit(self, shard: Shard) -> str:
        """Take a shard; the handle is its digest."""
        ...

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give outcomes as they come, until every submitted shard has one."""
        ...

    def cancel(self) -> None:
        """Drop what has not started and let go of all processes."""
        ...


class InProcessExecutor:
    """Computes shards one after the other in this process.

    For models that are objects of this process, and where one worker is asked for.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._queue: deque[Shard] = deque()

    def submit(self, shard: Shard) -> str:
        """Take a shard."""
        self._queue.append(shard)
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Compute and give."""
        while self._queue:
            yield self._workshop.work(self._queue.popleft())

    def cancel(self) -> None:
        """Drop what has not started."""
        self._queue.clear()


class ThreadExecutor:
    """Computes shards in threads of this process.

    For benchmarks whose work is compiled code on data that are best held once.

    Parameters
    ----------
    workshop : Workshop
    threads : int
        Shards computed side by side.
    """

    def __init__(self, workshop: Workshop, threads: int) -> None:
        self._workshop = workshop
        self._threads = threads
        self._queue: deque[Shard] = deque()

    def submit(self, shard: Shard) -> str:
        """Take a shard."""
        self._queue.append(shard)
        return shard.digest

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Compute side by side, and give as they are done."""
        # OpenBLAS takes a limit back in the thread that set it alone: this one, after all others.
        with one_thread(), ThreadPoolExecutor(self._threads) as pool:
            running: set[Future[ShardOutcome]] = set()
            while self._queue or running:
                while self._queue and len(running) < self._threads:
                    running.add(pool.submit(self._workshop.work, self._queue.popleft()))
                done, running = wait(running, _WAIT_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()

    def cancel(self) -> None:
        """Drop what has not started."""
        self._queue.clear()


class LocalExecutor:
    """Computes shards in a pool of processes of this machine.

    The processes live as long as the executor, so a model is loaded once in each. When a worker
    dies, the shards that were in flight are suspects: each is tried again alone, so that the one
    that kills its worker can be told from its neighbours. After three deaths alone it has failed.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    workers : int
        Number of processes.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        self._workers = workers
        self._pool: Any = None
        self._waiting: deque[Shard] = deque()
        self._suspects: deque[Shard] = deque()
        self._running: dict[Future[ShardOutcome], Shard] = {}
        self._deaths: Counter[str] = Counter()

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
            broken = [future for future in done if _broke(future)]
            if broken:
                yield from self._after_death()
                continue
            for future in done:
                del self._running[future]
                yield future.result()

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
        while self._waiting and len(self._running) < 2 * self._workers:
            self._start(self._waiting.popleft())

    def _start(self, shard: Shard) -> None:
        if self._pool is None:
            self._pool = self._new_pool()
        self._running[self._pool.submit(_work, shard)] = shard

    def _after_death(self) -> Iterator[ShardOutcome]:
        """Start a new pool, and sort what the old one had in flight."""
        wait(self._running)
        lost = []
        for future, shard in self._running.items():
            if _broke(future):
                lost.append(shard)
            else:
                yield future.result()
        self._running.clear()
        self._close_pool()
        if len(lost) > 1:
            self._suspects.extend(lost)
            return
        for shard in lost:
            self._deaths[shard.digest] += 1
            if self._deaths[shard.digest] < _MAX_DEATHS:
                self._suspects.appendleft(shard)
            else:
                yield crashed(shard, _MAX_DEATHS)

    def _close_pool(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None

    def _new_pool(self) -> Any:
        # Unlike the standard library's, loky's workers do not run the caller's main script again.
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        return ProcessPoolExecutor(
            max_workers=self._workers,
            context=get_context("loky"),
            initializer=_start_worker,
            initargs=(self._folder, os.getpid()),
        )


class RoutingExecutor:
    """Hands shards that are computed where the run is to one executor, and the others to another.

    Parameters
    ----------
    here, away : Executor
        What `here` was given is computed after all of `away`'s has come back.
    """

    def __init__(self, here: Executor, away: Executor) -> None:
        self._here = here
        self._away = away

    def submit(self, shard: Shard) -> str:
        """Take a shard."""
        return (self._here if shard.in_process else self._away).submit(shard)

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give outcomes as they come."""
        yield from self._away.as_completed()
        yield from self._here.as_completed()

    def cancel(self) -> None:
        """Drop what has not started."""
        self._away.cancel()
        self._here.cancel()


def _broke(future: Future[ShardOutcome]) -> bool:
    return isinstance(future.exception(), BrokenExecutor)


_workshop: Workshop | None = None


def _start_worker(folder: Path, parent: int) -> None:
    """Set a worker process up."""
    global _workshop
    _workshop = Workshop(folder)
    # Ctrl-C goes to the whole group; it is the parent that decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """End this worker when its parent was killed: nobody waits for its answers any more."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)


def _work(shard: Shard) -> ShardOutcome:
    assert _workshop is not None
    return _workshop.work(shard)
