"""Where shards are computed: in this process, in its threads, or elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from genomark.probes import one_thread
from genomark.runs.outcome import ShardOutcome
from genomark.runs.plan import Shard
from genomark.runs.shards import Workshop

_WAIT_SECONDS = 0.5


class Executor(Protocol):
    """Computes shards, in any order, anywhere."""

    def submit(self, shard: Shard) -> str:
        """Take a shard; the handle is its digest."""
        ...

    def as_completed(self) -> Iterator[ShardOutcome]:
        """Give outcomes as they come, until every submitted shard has one.

        It may end before that where there is room for more to be submitted: then ask again.
        """
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
