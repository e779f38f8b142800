"""Jobs side by side in processes of their own, with a bar for all of them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from genomark.bars import Bar, bar, interactive
from genomark.studies.work import Job, Made
from genomark.training.pretraining.corpus import Corpus

logger = logging.getLogger("genomark.studies")

_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_BETWEEN_LINES = 10.0

#: In a worker: how much of each job is done, for the process that shows it, and that process.
_shared: Any = None
_parent = 0


def run_jobs(jobs: Sequence[Job], corpus: Corpus, workers: int) -> list[Made]:
    """Run jobs; one process where there is one worker, and the same outcome with any number.

    Parameters
    ----------
    jobs : sequence of Job
        The longest first, for good use of all workers.
    corpus : Corpus
        Of all of them.
    workers : int

    Raises
    ------
    GenomarkError
        Of the first job that fails; jobs under way keep what they have.
    """
    watch = _Watch([job.work(corpus) for job in jobs], [job.variant.name for job in jobs])
    try:
        if workers == 1 or len(jobs) == 1:
            return [job.run(corpus, watch.teller(number)) for number, job in enumerate(jobs)]
        context = multiprocessing.get_context("spawn")
        done: Any = context.Array("q", len(jobs))
        with ProcessPoolExecutor(
            min(workers, len(jobs)),
            mp_context=context,
            initializer=_begin,
            initargs=(done, os.getpid()),
        ) as pool:
            futures = [pool.submit(_run, job, number) for number, job in enumerate(jobs)]
            try:
                _await(futures, lambda: watch.show(list(done)))
                return [each.result() for each in futures]
            finally:
                for each in futures:
                    each.cancel()
    finally:
        watch.close()


def _await(futures: list[Future[Made]], look: Callable[[], None]) -> None:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
        look()
        for each in done:
            each.result()


def _begin(done: Any, parent: int) -> None:
    global _shared, _parent
    _shared, _parent = done, parent


def _run(job: Job, number: int) -> Made:
    def tell(amount: int) -> None:
        _shared[number] = amount
        if os.getppid() != _parent:
            # Whoever started this study is gone, and the next one would write to the same files.
            os._exit(1)

    return job.run(job.corpus, tell)


class _Watch:
    """Shows how far jobs have come, after a second, and when they will be done."""

    def __init__(self, totals: Sequence[int], names: Sequence[str]) -> None:
        self._totals, self._names = list(totals), list(names)
        self._done = [0] * len(totals)
        self._began = self._last = time.monotonic()
        self._bar: Bar | None = None

    def teller(self, number: int) -> Callable[[int], None]:
        def tell(amount: int) -> None:
            self._done[number] = amount
            self.show(self._done)

        return tell

    def show(self, done: Sequence[int]) -> None:
        now = time.monotonic()
        pairs = list(zip(done, self._totals, self._names, strict=True))
        running = ", ".join(name for amount, total, name in pairs if 0 < amount < total)
        amount, total = sum(done), sum(self._totals)
        if interactive() and now - self._began > 1:
            if self._bar is None:
                self._bar = bar(total, "items")
            self._bar.show(amount, running or "bases")
        elif now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            left = (now - self._began) * (total - amount) / amount if amount else float("nan")
            logger.info(
                "%s: %s of %s bases, about %.0f s left", running, f"{amount:,}", f"{total:,}", left
            )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
