"""Worker processes that stay, and that may die.

ViennaRNA holds Python's lock while it computes, so threads fold no faster than one of them; a
process takes half a second to start, so processes are kept.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Any, Generic, TypeVar

from genomark.errors import ModelError, UsageError, one_line

Job = TypeVar("Job")
Result = TypeVar("Result")

logger = logging.getLogger("genomark.rna")

#: A job that takes its worker down this often, alone, is given up.
_MAX_DEATHS = 3
_PARENT_CHECK_SECONDS = 1.0
_WAIT_SECONDS = 0.5
#: linux/prctl.h
_PR_SET_PDEATHSIG = 1


def cores() -> int:
    """Processor cores this process may use; in a worker of another pool one, its share."""
    if in_worker():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_worker() -> bool:
    """Whether another process of Python started this one to work for it."""
    return multiprocessing.current_process().name != "MainProcess"


class WorkerPool:
    """Processes that compute jobs; they start with the first and stay until `close`.

    When a worker dies, the jobs that were in flight are suspects: each is tried again alone, so
    that the one that kills its worker can be told from its neighbours. Workers leave Ctrl-C to
    this process, and do not outlive it.

    Parameters
    ----------
    workers : int
        Number of processes; 0 for one a core that this process may use, as `cores` counts.
    tell : callable
        Takes a line when a worker has died. By default it is logged.

    Raises
    ------
    UsageError
        If `workers` is below 0.
    """

    def __init__(self, workers: int = 0, tell: Callable[[str], None] = logger.warning) -> None:
        if workers < 0:
            raise UsageError(f"workers={workers}: expected 1 or more, or 0 for one a core")
        self.workers = workers or cores()
        self.tell = tell
        self._executor: Any = None
        self._turn = threading.Lock()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def warm(self) -> bool:
        """Whether the processes are there."""
        return self._executor is not None

    def results(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        describe: Callable[[Job], str] = repr,
    ) -> Iterator[tuple[int, Result]]:
        """Compute jobs, and give each result with the place of its job as it comes.

        Jobs are taken as workers get free. One caller at a time is served, others wait; what is
        in flight when the caller leaves (an error, Ctrl-C, a `break`) is given up, with its
        workers.

        Parameters
        ----------
        function : callable
            Takes a job. It and the jobs travel to the workers, the results back.
        jobs : iterable
        describe : callable
            Tells people of a job.

        Raises
        ------
        ModelError
            If a job took its worker down three times while no other was in flight.
        Exception
            What `function` raised, as it is.
        """
        with self._turn:
            call = _Call(self, function, jobs, describe)
            try:
                yield from call.results()
            finally:
                if call.running:
                    self.close()

    def submit(self, function: Callable[[Job], Result], job: Job) -> Future[Result]:
        """Hand over one job, whatever becomes of it."""
        # It lets signals through again when it starts, so it must not start while they are held.
        resource_tracker.ensure_running()
        with _no_interrupts():
            if self._executor is None:
                self._executor = self._new_executor()
            future: Future[Result] = self._executor.submit(function, job)
            return future

    def close(self) -> None:
        """End the processes, at once; the next job starts new ones."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=True)

    def _new_executor(self) -> Any:
        # Unlike the standard library's, loky's workers do not run the caller's main script again.
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        stays = threading.current_thread() is threading.main_thread()
        return ProcessPoolExecutor(
            max_workers=self.workers,
            context=get_context("loky"),
            initializer=_start_worker,
            initargs=(os.getpid(), stays),
        )


class _Call(Generic[Job, Result]):
    """The jobs of one caller, and what became of them."""

    def __init__(
        self,
        pool: WorkerPool,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        describe: Callable[[Job], str],
    ) -> None:
        self._pool = pool
        self._function = function
        self._waiting = enumerate(jobs)
        self._describe = describe
        self._suspects: deque[tuple[int, Job]] = deque()
        self._deaths: Counter[int] = Counter()
        self.running: dict[Future[Result], tuple[int, Job]] = {}

    def results(self) -> Iterator[tuple[int, Result]]:
        while self._fill():
            # Polars has system calls restarted after a signal, so a wait without an end would not
            # notice Ctrl-C.
            done, _ = wait(self.running, _WAIT_SECONDS, return_when=FIRST_COMPLETED)
            if any(_broke(future) for future in done):
                yield from self._after_death()
                continue
            for future in done:
                place, _ = self.running.pop(future)
                yield place, future.result()

    def _fill(self) -> bool:
        """Keep one job more than workers in flight, so that none waits; of suspects one, alone."""
        if self._suspects:
            if not self.running:
                self._start(*self._suspects.popleft())
            return True
        while len(self.running) <= self._pool.workers:
            following = next(self._waiting, None)
            if following is None:
                break
            self._start(*following)
        return bool(self.running)

    def _start(self, place: int, job: Job) -> None:
        self.running[self._pool.submit(self._function, job)] = (place, job)

    def _after_death(self) -> Iterator[tuple[int, Result]]:
        """Start new processes, and sort what the old ones had in flight."""
        wait(self.running)
        ended, self.running = self.running, {}
        self._pool.close()
        lost = [job for future, job in ended.items() if _broke(future)]
        if len(lost) == 1:
            self._count_death(*lost[0])
        else:
            self._pool.tell(
                f"A worker process died; the {len(lost)} jobs in flight are tried again, one at "
                "a time"
            )
            self._suspects.extend(lost)
        for future, (place, _) in ended.items():
            if not _broke(future):
                yield place, future.result()

    def _count_death(self, place: int, job: Job) -> None:
        self._deaths[place] += 1
        told = one_line(self._describe(job))
        if self._deaths[place] >= _MAX_DEATHS:
            raise ModelError(
                f"{told}: its worker process died {_MAX_DEATHS} times (killed, or out of memory); "
                "try it alone, or on a machine with more memory"
            )
        self._pool.tell(f"A worker process died; {told} is tried again")
        self._suspects.appendleft((place, job))


def _broke(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenExecutor)


_kept: dict[tuple[int, int], WorkerPool] = {}
_kept_lock = threading.Lock()


def shared_pool(workers: int = 0) -> WorkerPool:
    """Give the pool of so many workers that all of this process share; it stays."""
    wanted = workers or cores()
    with _kept_lock:
        # A fork has its parent's pools, and must not use them.
        return _kept.setdefault((os.getpid(), wanted), WorkerPool(wanted))


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back: a worker that starts here is born deaf to it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(parent: int, parent_stays: bool) -> None:
    """Set a worker process up.

    `parent_stays` tells that the thread which started it ends with its process alone.
    """
    # Ctrl-C goes to the whole group; it is the parent that decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent_stays and sys.platform == "linux":
        # The thread below does not run while ViennaRNA computes, which may take an hour.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """End this worker when its parent was killed: nobody waits for its answers any more."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)
