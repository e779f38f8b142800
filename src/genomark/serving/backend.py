"""Between the requests of a server and what computes them: who waits, and who is asked together.

`docs/design/serving.md` says why it is so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect

from genomark.protocol import PredictRequest, PredictResponse, ServerError
from genomark.serving.answer_cache import AnswerCache
from genomark.serving.batching import Batcher, Group, Outcome
from genomark.serving.computing import Computing
from genomark.serving.limits import Limits
from genomark.serving.served_model import ServedModel

T = TypeVar("T")

#: Of a body or an answer: what is shorter is read or written at once, where another thread would
#: cost more than the work.
_SHORT_BYTES = 1 << 20
#: Those who wait take no more memory than so many bodies of the greatest length.
_WAITING_BODIES = 16
#: What takes no longer is computed in the loop, which others do not notice.
_TRIFLING_SECONDS = 1e-3
#: More take time that the model's own is not.
FEW_VALUES = 1 << 14
#: Of the time that the last batch took: clients are waited for no longer than that.
_DELAY_SHARE = 0.5


class BackendSettings(msgspec.Struct, frozen=True):
    """How requests are joined, and how many answers are kept.

    Attributes
    ----------
    joins : bool or None
        Whether requests that ask alike are computed as one, and answers are kept; None: if the
        model promises that this changes no bit.
    max_letters : int
        Of the sequences of requests that are joined.
    max_delay : float
        Seconds that clients are waited for at most, where there were several.
    cache_bytes : int
        Of answers that are kept.
    """

    joins: bool | None = None
    max_letters: int = 1_000_000
    max_delay: float = 0.002
    cache_bytes: int = 64_000_000


@dataclass(eq=False)
class _Waiting:
    """A request that waits for its turn.

    Attributes
    ----------
    n_bytes : int
        That it takes in memory, about.
    group : Group or None
        What it may be computed together with; None for nothing else.
    letters : int
        Of its sequences; 0 where there is no group.
    """

    request: PredictRequest
    n_bytes: int
    group: Group | None
    letters: int
    answer: asyncio.Future[PredictResponse] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Backend:
    """Lets some requests compute, some wait, and sends the rest away.

    Requests that wait and ask alike are computed as one. Nobody waits for company while there is
    a free place, unless the batch before was of several requests: then their clients are about to
    ask again, and are waited for a moment.

    A request that is given up while it is computed keeps its place until that has really ended.

    Parameters
    ----------
    computing : Computing
    served : ServedModel
    limits : Limits
    settings : BackendSettings

    Attributes
    ----------
    computed_by : Computing
    batcher : Batcher
    batch : callable
        Takes the number of requests of each batch; for whoever counts them.
    """

    def __init__(
        self, computing: Computing, served: ServedModel, limits: Limits, settings: BackendSettings
    ) -> None:
        self.computed_by = computing
        self.batcher = Batcher(
            computing,
            AnswerCache(settings.cache_bytes),
            joins=served.batch_invariant if settings.joins is None else settings.joins,
            max_letters=settings.max_letters,
        )
        self._never_waits = served.never_waits
        self._limits = limits
        self._max_delay = settings.max_delay
        self._free = computing.places
        # Their own threads: those of the loop are few on a small machine, and used for other
        # things; and who reads a body must not wait until a model has ended.
        self._threads = ThreadPoolExecutor(computing.places, "genomark-predict")
        self._aside = ThreadPoolExecutor(2, "genomark-message")
        self._queue: deque[_Waiting] = deque()
        self._expected = 1
        self._expected_until = 0.0
        self._computed = 0
        self.batch: Callable[[int], None] = lambda requests: None

    @property
    def computing(self) -> int:
        """Requests that have their turn."""
        return self._computed

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._queue)

    @property
    def ready(self) -> bool:
        """Whether a request would be taken now."""
        return self.waiting < self._limits.queued and self.computed_by.alive > 0

    async def aside(self, n_bytes: int, work: Callable[[], T]) -> T:
        """Read or write a message without keeping the loop from others, if it is a long one."""
        if n_bytes <= _SHORT_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._aside, work)

    async def predict(
        self,
        request: PredictRequest,
        n_bytes: int = 0,
        gone: Callable[[], Awaitable[Any]] | None = None,
    ) -> PredictResponse:
        """Answer a request when it is its turn.

        Parameters
        ----------
        request : PredictRequest
        n_bytes : int
            That it takes in memory, about.
        gone : callable, optional
            Ends when the client has hung up: a request that still waits is then taken back.

        Raises
        ------
        ServerError
            503 when too many wait already, or when time is up; 500 where the process that had the
            request ended, twice.
        ClientDisconnect
            If the client hung up before it was its turn.
        """
        if not self._free and not self._has_room(n_bytes):
            raise ServerError(
                f"{self.waiting} requests are waiting already; ask again later",
                status=503,
                retry_after=1.0,
            )
        if self.is_idle and self._is_trifling(request):
            return self._at_once(request)
        item = _Waiting(request, n_bytes, *self.batcher.group_of(request))
        self._queue.append(item)
        self._dispatch()
        watch = None
        if gone is not None and item in self._queue:
            watch = asyncio.ensure_future(gone())
            watch.add_done_callback(lambda _: item.answer.cancel())
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await item.answer
        except TimeoutError as error:
            raise ServerError(
                f"No answer within {self._limits.seconds:g} s; send fewer sequences at once",
                status=503,
                retry_after=self._limits.seconds,
            ) from error
        except asyncio.CancelledError:
            if watch is not None and watch.done() and not watch.cancelled():
                raise ClientDisconnect from None
            raise
        finally:
            if watch is not None:
                watch.cancel()
            if item in self._queue:
                self._queue.remove(item)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits, for a model that may be asked in the loop."""
        is_alone = self._free > 0 and not self._queue
        return is_alone and self._never_waits and self.computed_by.is_here

    def answer_at_once(self, request: PredictRequest) -> PredictResponse | None:
        """Answer a request without letting go of the loop, if nobody would notice.

        None where it would take too long, somebody waits, or it cannot be answered.
        """
        if not (self.is_idle and self._is_trifling(request)):
            return None
        (outcome,) = self.batcher.answers([request], None)
        return None if isinstance(outcome, Exception) else outcome

    def _is_trifling(self, request: PredictRequest) -> bool:
        """Whether a request takes less time than another thread would take to have it."""
        # Sequences take time without tasks, too.
        n_values = max(1, len(request.prediction_tasks)) * len(request.sequences)
        return n_values <= FEW_VALUES and self.batcher.seconds_of(request) < _TRIFLING_SECONDS

    def _at_once(self, request: PredictRequest) -> PredictResponse:
        self.batch(1)
        (outcome,) = self.batcher.answers([request], None)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """End what computes; requests in flight have ended before."""
        self.computed_by.close()
        self._threads.shutdown(wait=False)
        self._aside.shutdown(wait=False)

    def _has_room(self, n_bytes: int) -> bool:
        """Whether one more may wait: not too many do, nor do they take too much memory."""
        held = sum(each.n_bytes for each in self._queue)
        most = _WAITING_BODIES * self._limits.body_bytes
        return self.waiting < self._limits.queued and held + n_bytes <= most

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while self._free and self._queue:
            patience = self._expected_until - loop.time()
            if self._queue[0].group and len(self._queue) < self._expected and patience > 0:
                loop.call_later(patience, self._dispatch)
                return
            self._expected = 1
            batch = self._take()
            self._free -= 1
            self._computed += len(batch)
            self.batch(len(batch))
            work = partial(self.batcher.answers, [each.request for each in batch], batch[0].group)
            begun = perf_counter()
            computed = loop.run_in_executor(self._threads, work)
            computed.add_done_callback(partial(self._done, batch, begun))

    def _take(self) -> list[_Waiting]:
        """Take the first who waits, and those that may be computed with it."""
        first = self._queue.popleft()
        if first.group is None:
            return [first]
        batch, letters = [first], first.letters
        # What is free later has its part of those who wait now.
        most = -(-(1 + len(self._queue)) // self._free)
        for each in list(self._queue):
            if len(batch) >= most:
                break
            if each.group == first.group and letters + each.letters <= self.batcher.max_letters:
                batch.append(each)
                letters += each.letters
                self._queue.remove(each)
        return batch

    def _done(
        self, batch: list[_Waiting], begun: float, computed: asyncio.Future[list[Outcome]]
    ) -> None:
        self._free += 1
        self._computed -= len(batch)
        for item, outcome in zip(batch, computed.result(), strict=True):
            # A request that was given up has no use for its answer, nor for its error.
            if item.answer.done():
                continue
            if isinstance(outcome, Exception):
                item.answer.set_exception(outcome)
            else:
                item.answer.set_result(outcome)
        if len(batch) > 1:
            took = perf_counter() - begun
            loop = asyncio.get_running_loop()
            self._expected = len(batch)
            self._expected_until = loop.time() + min(self._max_delay, _DELAY_SHARE * took)
        self._dispatch()
