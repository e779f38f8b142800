"""Sharing out the chunks of a request: whoever is free takes one, and a loss is made good."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import (
    Mapping,
    Sequence,
)
from typing import Any

from starlette.concurrency import run_in_threadpool

from genomark.protocol import (
    JSON,
    PredictionFailedError,
    ServerError,
    encode,
)
from genomark.serving.chunks import Chunk, part_of, without_edits
from genomark.serving.merging import Part, read_part
from genomark.serving.pool import Pool, Worker
from genomark.serving.pool_errors import PassedOnError, WorkerBusyError, WorkerFailedError

#: A chunk does not wait for a worker that is busy much longer than it waits for a dead one.
_BUSY_FACTOR = 10
#: A busy worker says so sooner: what takes longer is being worked on.
_AT_WORK_SECONDS = 5.0
#: So many times longer than any other chunk is suspicious.
_REPEAT_FACTOR = 3


class Job:
    """Some chunks of one request, until all are answered or one cannot be.

    Every worker has `in_flight` pullers here, each of which takes one chunk after the other: a fast
    worker takes more of them.
    """

    def __init__(
        self, pool: Pool, raw: Mapping[str, Any], chunks: Sequence[Chunk], kind: str
    ) -> None:
        self._pool = pool
        self._raw = raw
        self._kind = kind
        self._chunks = chunks
        self._waiting = deque(chunks)
        self._parts: dict[int, Part] = {}
        self._refusals: dict[int, PassedOnError] = {}
        self._outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._patience: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._progress = self._loop.time()
        self._slowest = 0.0

    async def run(self) -> list[Part]:
        """Give the answers, in the order of the chunks.

        Raises
        ------
        GameError
            If a worker refuses, a chunk fails everywhere, or no worker is left.
        """
        if not self._chunks:
            return []
        pullers = [
            self._pull(worker)
            for worker in self._pool.workers
            for _ in range(self._pool.limits.in_flight)
        ]
        tasks = [asyncio.create_task(each) for each in [*pullers, self._watch(), self._repeat()]]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            await self._outcome
        finally:
            if self._patience:
                self._patience.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [self._parts[index] for index in range(len(self._chunks))]

    async def _pull(self, worker: Worker) -> None:
        while True:
            async with worker.slots:
                chunk = self._take(worker) if worker.usable else None
                if chunk is not None:
                    await self._ask(worker, chunk)
            if chunk is None:
                await self._pool.change()

    def _take(self, worker: Worker) -> Chunk | None:
        others = {each for each in self._pool.healthy if each is not worker}
        for place, chunk in enumerate(self._waiting):
            # One that failed here is left to others, if there are any it did not fail at.
            if worker not in chunk.failed_at or others <= chunk.failed_at:
                del self._waiting[place]
                return chunk
        return None if self._waiting or worker.in_flight else self._late(worker)

    def _late(self, worker: Worker) -> Chunk | None:
        """Give a chunk that takes far longer elsewhere than all others: the first answer counts.

        So a worker that hangs does not hold up the whole.
        """
        longest = max(self._pool.limits.repeat_seconds, _REPEAT_FACTOR * self._slowest)
        since = self._loop.time() - longest
        for chunk in self._chunks:
            if chunk.at and not chunk.repeated and min(chunk.at.values()) < since:
                chunk.repeated = True
                return chunk
        return None

    async def _ask(self, worker: Worker, chunk: Chunk) -> None:
        begun = chunk.at[worker] = self._loop.time()
        try:
            part = await self._answer(worker, chunk)
        except WorkerBusyError as busy:
            self._pool.pause(worker, busy.seconds)
            self._put_off(worker, chunk, busy)
        except WorkerFailedError as failure:
            self._pool.failed(worker, failure)
            self._put_back(worker, chunk, failure)
        except PassedOnError as refusal:
            self._pool.succeeded(worker, self._loop.time() - begun)
            self._settle(chunk, refusal)
        else:
            seconds = self._loop.time() - begun
            self._pool.succeeded(worker, seconds)
            self._slowest = max(self._slowest, seconds)
            self._settle(chunk, part)
        finally:
            chunk.at.pop(worker, None)

    def _is_settled(self, chunk: Chunk) -> bool:
        """Whether a second copy has been quicker."""
        return chunk.index in self._parts or chunk.index in self._refusals

    async def _answer(self, worker: Worker, chunk: Chunk) -> Part:
        message = part_of(self._raw, chunk.ids)
        edits = worker.takes_edits
        body, sent = await run_in_threadpool(_encoded, message, worker.request_format, edits)
        answer = await self._pool.post(worker, body, sent, worker.response_format(self._kind))
        n_tasks = len(self._raw["prediction_tasks"])
        return await run_in_threadpool(read_part, answer, self._kind, worker.url, n_tasks)

    def _settle(self, chunk: Chunk, answer: Part | PassedOnError) -> None:
        if self._is_settled(chunk):
            return
        if isinstance(answer, PassedOnError):
            self._refuse(chunk, answer)
        else:
            self._parts[chunk.index] = answer
        self._progress = self._loop.time()
        if len(self._parts) + len(self._refusals) == len(self._chunks):
            if self._refusals:
                self._end_refused()
            else:
                self._end(None)

    def _put_back(self, worker: Worker, chunk: Chunk, failure: WorkerFailedError) -> None:
        if failure.reached:
            chunk.attempts += 1
            chunk.failed_at.add(worker)
        everywhere = failure.answered and chunk.failed_at.issuperset(self._pool.workers)
        if self._is_settled(chunk):
            return
        if everywhere or chunk.attempts >= self._pool.limits.attempts:
            self._end(failure.told)
        else:
            self._wait_again(worker, chunk)

    def _put_off(self, worker: Worker, chunk: Chunk, busy: WorkerBusyError) -> None:
        self._wait_again(worker, chunk)
        now = self._loop.time()
        if any(
            now - since > _AT_WORK_SECONDS for each in self._chunks for since in each.at.values()
        ):
            self._progress = now
        waited = now - self._progress
        if waited > _BUSY_FACTOR * self._pool.limits.patience_seconds:
            text = f"The workers have been busy for {waited:.0f} s; ask again later"
            self._end(ServerError(text, status=503, retry_after=busy.seconds))

    def _wait_again(self, worker: Worker, chunk: Chunk) -> None:
        chunk.at.pop(worker, None)
        # Another copy of it may have been quicker, or still be worked on.
        if not self._is_settled(chunk) and not chunk.at:
            self._waiting.appendleft(chunk)
        self._pool.ring()

    def _refuse(self, chunk: Chunk, refusal: PassedOnError) -> None:
        self._refusals[chunk.index] = refusal
        if refusal.http_status != PredictionFailedError.status:
            self._end(refusal)
        elif self._patience is None:
            # One worker would tell all faults at once, so the other chunks are asked for theirs;
            # a refusal comes before anything is computed, so it is not waited for long.
            seconds = self._pool.limits.refusal_seconds
            self._patience = self._loop.call_later(seconds, self._end_refused)

    def _end_refused(self) -> None:
        refusals = [refusal for _, refusal in sorted(self._refusals.items())]
        entries = [entry for refusal in refusals for entry in refusal.entries]
        # What concerns the whole request is told by every chunk.
        different = {encode(entry, JSON): entry for entry in entries}
        self._end(PassedOnError(PredictionFailedError.status, list(different.values())))

    def _end(self, error: BaseException | None) -> None:
        if self._outcome.done():
            return
        if error is None:
            self._outcome.set_result(None)
        else:
            self._outcome.set_exception(error)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._end(error)

    async def _repeat(self) -> None:
        """Have idle workers look for what is late elsewhere."""
        while True:
            await asyncio.sleep(self._pool.limits.repeat_seconds / 4)
            self._pool.ring()

    async def _watch(self) -> None:
        """End the job when there has been no healthy worker for too long."""
        while True:
            if self._pool.healthy:
                await self._pool.change()
                continue
            try:
                async with asyncio.timeout(self._pool.limits.patience_seconds):
                    while not self._pool.healthy:
                        await self._pool.change()
            except TimeoutError:
                self._end(self._pool.no_worker())
                return


def _encoded(message: Mapping[str, Any], kind: str, edits: bool) -> tuple[bytes, str]:
    if not edits:
        message = without_edits(message)
    try:
        return encode(message, kind), kind
    # JSON has numbers that MsgPack has not, in keys that nobody knows.
    except OverflowError:
        return encode(message, JSON), JSON
