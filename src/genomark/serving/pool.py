"""The workers of a distributor: what each can do, whether it is well, and how it is asked."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from genomark.errors import GenomarkError, RemoteModelError, UsageError, one_line
from genomark.models.transport import (
    Deadlines,
    HttpAnswer,
    NoConnectionError,
    exchange,
    game_messages,
    new_session,
)
from genomark.protocol import (
    EDITS,
    EXTENSIONS,
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    BadRequestError,
    GameError,
    ServerError,
    UpstreamDependencyError,
    answer_format,
    decode_answer,
)
from genomark.serving.pool_errors import PassedOnError, WorkerBusyError, WorkerFailedError

#: What a distributor reads, and what it can put together from parts.
REQUESTS = (JSON, MSGPACK)
RESPONSES = (JSON, MSGPACK, MSGPACK_NUMPY)

_PROBE = Deadlines(connect=3.0, read=10.0, total=10.0)
#: Looks in a row at which a worker takes no connection, until it counts as lost.
_LOST_AFTER = 2
_PROBE_BYTES = 16 << 20
#: A worker that is busy and does not say for how long.
_PAUSE_SECONDS = 1.0
_SHORTEST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class PoolLimits:
    """How work is cut, sent and waited for.

    Attributes
    ----------
    answer_bytes : int
        Larger answers of a worker are not read.
    chunk_bases, chunk_items : int
        A chunk has no more flanked bases (unless one sequence has) and no more sequences.
    chunks_per_worker : int
        So many chunks are made for each worker, if there are sequences enough.
    in_flight : int
        Chunks a worker has at once.
    attempts : int
        A chunk that failed so often is given up.
    chunk_seconds : float
        No chunk takes longer.
    repeat_seconds : float
        A chunk that takes longer, and much longer than all others, is given to an idle worker too.
    patience_seconds : float
        Without a healthy worker for so long, or with busy ones only for ten times as long, a
        request is given up.
    refusal_seconds : float
        Once a worker has refused a chunk, how long other chunks are asked for their faults.
    probe_seconds : tuple of float
        The first and the longest pause between two looks at a worker.
    """

    answer_bytes: int = 4 << 30
    chunk_bases: int = 4_000_000
    chunk_items: int = 512
    chunks_per_worker: int = 8
    in_flight: int = 2
    attempts: int = 4
    chunk_seconds: float = 1800.0
    repeat_seconds: float = 60.0
    patience_seconds: float = 20.0
    refusal_seconds: float = 5.0
    probe_seconds: tuple[float, float] = (0.25, 15.0)


class Worker:
    """One Predictor: what it said of itself, and how it has done."""

    def __init__(self, url: str, in_flight: int) -> None:
        self.url = url
        self.slots = asyncio.Semaphore(in_flight)
        self.predictor_name: str | None = None
        self.formats: dict[str, list[str]] = {}
        self.healthy = False
        self.paused: asyncio.TimerHandle | None = None
        #: Chunks that failed since the last that did not.
        self.strikes = 0
        self.broken = asyncio.Event()
        self.asking: set[asyncio.Timeout] = set()
        self.chunks_done = 0
        self.failures = 0
        self.last_error: str | None = None
        self.seconds: deque[float] = deque(maxlen=101)

    @property
    def usable(self) -> bool:
        """Whether it can be asked right now."""
        return self.healthy and self.paused is None

    @property
    def in_flight(self) -> int:
        """Chunks it works on."""
        return len(self.asking)

    @property
    def request_format(self) -> str:
        """MsgPack where the worker knows it."""
        return MSGPACK if MSGPACK in self.formats.get("request", ()) else JSON

    @property
    def takes_edits(self) -> bool:
        """Whether it builds sequences from references and edits itself."""
        return EDITS in self.formats.get("extensions", ())

    def response_format(self, wanted: str) -> str:
        """The format wanted, or the nearest that the worker knows."""
        known = self.formats.get("response", [])
        return next((kind for kind in (wanted, MSGPACK) if kind in known), JSON)

    @contextlib.asynccontextmanager
    async def asked(self, scope: asyncio.Timeout) -> AsyncIterator[None]:
        """Count a chunk as in flight, in a scope that is left at once if the worker is lost."""
        self.asking.add(scope)
        try:
            yield
        finally:
            self.asking.remove(scope)

    def lose(self) -> None:
        """Wait no longer for what it works on."""
        for scope in self.asking:
            scope.reschedule(0)

    def state(self) -> dict[str, Any]:
        """What `/workers` shows."""
        return {
            "url": self.url,
            "predictor_name": self.predictor_name,
            "healthy": self.healthy,
            "busy": self.paused is not None,
            "in_flight": self.in_flight,
            "chunks_done": self.chunks_done,
            "failures": self.failures,
            "last_error": self.last_error,
            "median_seconds": statistics.median(self.seconds) if self.seconds else None,
        }


class Pool:
    """Some workers, looked after while the pool is open.

    Parameters
    ----------
    urls : sequence of str
        ``http://HOST:PORT``.
    limits : PoolLimits
    token : str, optional
        Bearer token that the workers ask for.

    Raises
    ------
    UsageError
        For no URL at all, or one that is none.
    """

    def __init__(self, urls: Sequence[str], limits: PoolLimits, token: str | None = None) -> None:
        addresses = dict.fromkeys(worker_address(url) for url in urls)
        if not addresses:
            raise UsageError("a distributor needs one worker or more; expected http://HOST:PORT")
        self.limits = limits
        self.workers = [Worker(url, limits.in_flight) for url in addresses]
        self._credentials = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None
        self._bell = asyncio.Event()

    @property
    def healthy(self) -> list[Worker]:
        """Those that are well, in the order they were given."""
        return [worker for worker in self.workers if worker.healthy]

    @property
    def predictor_name(self) -> str:
        """That of the first healthy worker, or of the first ever heard of."""
        known = [*self.healthy, *self.workers]
        return next((each.predictor_name for each in known if each.predictor_name), "genomark")

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Look after the workers; those that answer at once are known when this begins."""
        async with new_session() as self._session:
            watches = [asyncio.create_task(self._watch(worker)) for worker in self.workers]
            try:
                await self.look()
                yield
            finally:
                for worker in self.workers:
                    if worker.paused:
                        worker.paused.cancel()
                await _end(watches)

    def ring(self) -> None:
        """Wake all that wait for something to change."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def change(self) -> None:
        """Wait until a worker comes or goes, or work comes back."""
        await self._bell.wait()

    async def look(self) -> None:
        """Ask all workers whether they are well, and wait for what most take to say so."""
        looks = [asyncio.create_task(self._probe(worker)) for worker in self.workers]
        try:
            await asyncio.wait(looks, timeout=_PROBE.connect)
        finally:
            await _end(looks)

    async def require(self) -> Worker:
        """Give the first healthy worker.

        Raises
        ------
        ServerError
            With status 503, if there is none.
        """
        if not self.healthy:
            await self.look()
        if not self.healthy:
            raise self.no_worker()
        return self.healthy[0]

    def formats(self) -> dict[str, list[str]]:
        """Give what any worker may be asked in, as `/formats` lists it."""
        known = [worker.formats for worker in self.workers if worker.formats]
        listed = {
            f"predictor_supported_{side}_formats": [
                kind for kind in here if all(kind in formats[side] for formats in known)
            ]
            for side, here in (("request", REQUESTS), ("response", RESPONSES))
        }
        if all(EDITS in formats["extensions"] for formats in known):
            listed[EXTENSIONS] = [EDITS]
        return listed

    def no_worker(self) -> ServerError:
        """Say that no worker is well, and why."""
        reasons = "; ".join(each.last_error or each.url for each in self.workers)
        return ServerError(
            f"None of {len(self.workers)} workers answers: {one_line(reasons)}",
            status=503,
            retry_after=self.limits.probe_seconds[1],
        )

    async def get(self, worker: Worker, path: str, accept: str) -> HttpAnswer:
        """Ask a worker what it says of itself.

        Raises
        ------
        WorkerFailedError
            If it does not answer, or not with 200.
        """
        headers = {"Accept": accept}
        return await self._exchange(
            worker, "GET", path, b"", headers, deadlines=_PROBE, max_bytes=_PROBE_BYTES
        )

    async def post(self, worker: Worker, body: bytes, sent: str, accept: str) -> HttpAnswer:
        """Ask a worker for predictions.

        Raises
        ------
        PassedOnError
            If it refuses for good: no other worker would do better.
        WorkerBusyError
            If it asks to be asked later.
        WorkerFailedError
            If it gives no answer that can be used.
        """
        headers = {"Content-Type": sent, "Accept": accept}
        scope = asyncio.timeout(None)
        seconds = self.limits.chunk_seconds
        deadlines = Deadlines(connect=_PROBE.connect, read=seconds, total=seconds)
        most = self.limits.answer_bytes
        try:
            async with scope, worker.asked(scope):
                return await self._exchange(
                    worker, "POST", "/predict", body, headers, deadlines=deadlines, max_bytes=most
                )
        except TimeoutError as error:
            told = UpstreamDependencyError(f"{worker.url}: the machine is gone")
            raise WorkerFailedError(told, answered=False) from error

    def succeeded(self, worker: Worker, seconds: float) -> None:
        """Note that a worker has answered."""
        worker.strikes = 0
        worker.chunks_done += 1
        worker.seconds.append(seconds)

    def failed(self, worker: Worker, error: Exception) -> None:
        """Note that a worker has failed: it is asked for nothing until it is seen to be well."""
        worker.failures += 1
        worker.last_error = one_line(error)
        if worker.healthy:
            worker.strikes += 1
            worker.healthy = False
            worker.broken.set()
        self.ring()

    def pause(self, worker: Worker, seconds: float) -> None:
        """Leave a worker alone for a while."""

        def over() -> None:
            worker.paused = None
            self.ring()

        if worker.paused:
            worker.paused.cancel()
        worker.paused = asyncio.get_running_loop().call_later(seconds, over)
        self.ring()

    async def _exchange(
        self,
        worker: Worker,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
        **how: Any,
    ) -> HttpAnswer:
        assert self._session is not None
        try:
            answer = await exchange(
                self._session,
                method,
                worker.url + path,
                body=body,
                headers={**headers, **self._credentials},
                **how,
            )
        except RemoteModelError as error:
            # A chunk that never got there is not what the worker failed for.
            reached = not isinstance(error, NoConnectionError)
            told = UpstreamDependencyError(str(error))
            raise WorkerFailedError(told, reached=reached, answered=False) from error
        if answer.status != 200:
            raise _refusal(worker, answer)
        return answer

    async def _watch(self, worker: Worker) -> None:
        first, longest = self.limits.probe_seconds
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(worker.broken.wait(), longest)
            worker.broken.clear()
            if worker.healthy:
                await self._check(worker)
            # One that answers here and fails at its work is left alone longer each time.
            pause = first * 2 ** min(max(worker.strikes - 1, 0), 16)
            while not worker.healthy:
                await asyncio.sleep(min(pause, longest))
                await self._probe(worker)
                pause *= 2

    async def _check(self, worker: Worker) -> None:
        """Look whether a healthy worker is still there."""
        if not worker.in_flight:
            await self._probe(worker)
            return
        # One that is at work may have no time to say so; but a machine that is gone takes no
        # connection, and says nothing about those it had.
        for _ in range(_LOST_AFTER):
            try:
                await self.get(worker, "/formats", JSON)
            except WorkerFailedError as error:
                if error.reached:
                    return
                lost = error
            except (WorkerBusyError, GameError):
                return
            else:
                return
        if worker.healthy:
            self.failed(worker, lost)
        worker.lose()

    async def _probe(self, worker: Worker) -> None:
        try:
            answer = await self.get(worker, "/formats", JSON)
            worker.predictor_name, worker.formats = _said(answer)
        except WorkerBusyError as busy:
            self.pause(worker, busy.seconds)
        except (WorkerFailedError, GameError) as error:
            if worker.healthy or worker.last_error is None:
                self.failed(worker, error)
            worker.last_error = one_line(error)
            if isinstance(error, WorkerFailedError) and not error.reached:
                worker.lose()
        else:
            worker.healthy = True
            self.ring()


def worker_address(url: str) -> str:
    address = url.rstrip("/")
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 80) > 0
    except ValueError:
        good = False
    plain = address.isprintable() and not set(address) & set(" {}?#")
    if not (good and plain):
        raise UsageError(
            f"{one_line(url)!r} is not the address of a worker; expected http://HOST:PORT"
        )
    return address


def _said(answer: HttpAnswer) -> tuple[str | None, dict[str, list[str]]]:
    raw = decode_answer(answer.body, answer_format(answer.content_type))
    if not isinstance(raw, dict):
        raise BadRequestError("/formats gave something other than an object")
    name = raw.get("predictor_name")
    formats = {}
    for side in ("request", "response"):
        listed = raw.get(f"predictor_supported_{side}_formats")
        # JSON is known to all, said or not (GAME 1.0, section 1.4).
        said = [str(each) for each in listed] if isinstance(listed, list) else []
        formats[side] = said if JSON in said else [JSON, *said]
    extensions = raw.get(EXTENSIONS)
    formats["extensions"] = (
        [str(each) for each in extensions] if isinstance(extensions, list) else []
    )
    return (name if isinstance(name, str) and name.isprintable() else None), formats


def _refusal(worker: Worker, answer: HttpAnswer) -> GenomarkError:
    entries = _entries(answer)
    deliberate = answer.status in (400, 413, 422) or (
        answer.status == 502 and all(UpstreamDependencyError.key in each for each in entries)
    )
    if entries and deliberate:
        return PassedOnError(answer.status, entries)
    retry = answer.retry_after()
    if answer.status == 429 or (answer.status == 503 and retry is not None):
        pause = _PAUSE_SECONDS if retry is None else max(retry, _SHORTEST_PAUSE_SECONDS)
        return WorkerBusyError(min(pause, _LONGEST_PAUSE_SECONDS))
    if entries and answer.status >= 500:
        return WorkerFailedError(PassedOnError(answer.status, entries))
    said = one_line(answer.body[:2000].decode(errors="replace"))
    return WorkerFailedError(
        UpstreamDependencyError(f"{worker.url} answered {answer.status}: {said}")
    )


def _entries(answer: HttpAnswer) -> list[dict[str, Any]]:
    """Give the messages of a GAME error, or none if it is not one."""
    try:
        raw = decode_answer(answer.body, answer_format(answer.content_type))
    except BadRequestError:
        return []
    errors = raw.get("error") if isinstance(raw, dict) else None
    if not isinstance(errors, list) or not game_messages(raw):
        return []
    return [each for each in errors if isinstance(each, dict) and each]


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
