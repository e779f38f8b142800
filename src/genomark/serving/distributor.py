"""Many Predictors as one: a request is cut into chunks, and whichever worker is free takes one.

The answers of the chunks are put together from the workers' own bytes, so that the whole is what
one worker would have answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import math
from collections import deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET, Raw
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.models.transport import HttpAnswer, one_line
from genomark.protocol import (
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    BadRequestError,
    GameError,
    PredictionFailedError,
    PredictRequest,
    ServerError,
    UpstreamDependencyError,
    answer_format,
    decode,
    decode_answer,
    encode,
    prepared_sequences,
    request_format,
    response_format,
    validate_request,
)
from genomark.protocol.arrays import numpy_map
from genomark.serving.limits import Limits, check_depth, check_size, read_body
from genomark.serving.pool import (
    RESPONSES,
    PassedOnError,
    Pool,
    PoolLimits,
    Worker,
    WorkerBusyError,
    WorkerFailedError,
)
from genomark.serving.server import address_of, listen, run_app

logger = logging.getLogger("genomark.serving")

#: Objects of a request that are keyed by sequence id, and so follow their sequences.
_KEYED = ("sequences", "prediction_ranges", "sequence_coordinates")
_MERGED = ("predictions", "trim_upstream")
_ACTUAL = (
    "type_actual",
    "cell_type_actual",
    "species_actual",
    "scale_prediction_actual",
    "bin_size",
)
#: What a sequence costs beside its bases, in bases: many short ones are work too.
_BASES_PER_ITEM = 100
#: A chunk does not wait for a worker that is busy much longer than it waits for a dead one.
_BUSY_FACTOR = 10
#: A busy worker says so sooner: what takes longer is being worked on.
_AT_WORK_SECONDS = 5.0
_SHOWN_URLS = 4
#: So many times longer than any other chunk is suspicious.
_REPEAT_FACTOR = 3
#: Larger requests than a Predictor takes: here they are cut.
LIMITS = Limits(body_bytes=2_000_000_000, concurrent=16)
POOL_LIMITS = PoolLimits()

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError)

Handler = Callable[[Request], Awaitable[Response]]


# --- cutting ------------------------------------------------------------------------------------


def cut(lengths: Sequence[int], workers: int, limits: PoolLimits) -> list[slice]:
    """Cut sequences, in their order, into chunks of about the same work.

    Neighbours stay together: they are often variants of one another, from which some models gain.

    Parameters
    ----------
    lengths : sequence of int
        Of each sequence, flanks included; bp.
    workers : int
    limits : PoolLimits

    Returns
    -------
    list of slice
        One after the other, none empty, all of the sequences; one empty slice if there are none.
    """
    if not lengths:
        return [slice(0, 0)]
    pieces = workers * limits.chunks_per_worker
    work = sum(lengths) + _BASES_PER_ITEM * len(lengths)
    chunks: list[slice] = []
    first = bases = done = share = 0
    for here, length in enumerate(lengths):
        too_large = bases + length > limits.chunk_bases or here - first >= limits.chunk_items
        # The whole is in so many equal pieces; a chunk ends in another piece than it began in.
        over = done * pieces // work > share
        alone = (length + _BASES_PER_ITEM) * pieces > work
        if here > first and (too_large or over or alone):
            chunks.append(slice(first, here))
            first, bases, share = here, 0, done * pieces // work
        bases += length
        done += length + _BASES_PER_ITEM
    return [*chunks, slice(first, len(lengths))]


def part_of(raw: Mapping[str, Any], ids: Iterable[str]) -> dict[str, Any]:
    """Give the request for some of the sequences; everything else stays as it is."""
    chosen = dict.fromkeys(ids)
    return {
        key: {name: value[name] for name in chosen if name in value}
        if key in _KEYED and isinstance(value, dict)
        else value
        for key, value in raw.items()
    }


@dataclass(eq=False)
class Chunk:
    """Some sequences of a request, and where asking for them has failed."""

    index: int
    ids: list[str]
    attempts: int = 0
    failed_at: set[Worker] = field(default_factory=set)
    #: Where it is being worked on, and since when.
    at: dict[Worker, float] = field(default_factory=dict)
    repeated: bool = False


# --- putting together ---------------------------------------------------------------------------


@dataclass
class Part:
    """What a worker answered to a chunk, every value as bytes of the format wanted."""

    url: str
    top: dict[str, Any]
    tasks: list[dict[str, Any]]


def read_part(answer: HttpAnswer, kind: str, url: str, n_tasks: int) -> Part:
    """Take an answer apart without reading the numbers in it.

    Parameters
    ----------
    answer : HttpAnswer
    kind : str
        The format that the client wants. An answer in another one is read and written anew.
    url : str
    n_tasks : int

    Raises
    ------
    WorkerFailedError
        If it is not an answer to so many tasks.
    """
    try:
        if answer_format(answer.content_type) == kind:
            with contextlib.suppress(
                msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError
            ):
                return _whole(Part(url, *_raw_parts(answer.body, kind)), n_tasks)
        raw = decode_answer(answer.body, answer_format(answer.content_type))
        if not isinstance(raw, dict) or not isinstance(raw.get("prediction_tasks"), list):
            raise ValueError("it has no array 'prediction_tasks'")
        tasks, raw["prediction_tasks"] = raw["prediction_tasks"], None
        part = Part(url, _written(raw, kind), [_written_task(task, kind) for task in tasks])
        return _whole(part, n_tasks)
    except (BadRequestError, AttributeError, KeyError, TypeError, ValueError) as error:
        told = UpstreamDependencyError(
            f"{url} answered something that is no prediction: {one_line(error)}"
        )
        raise WorkerFailedError(told) from error


def _whole(part: Part, n_tasks: int) -> Part:
    if len(part.tasks) != n_tasks:
        raise ValueError(f"{len(part.tasks)} tasks where {n_tasks} were asked for")
    if not all("predictions" in task for task in part.tasks):
        raise ValueError("a task without predictions")
    return part


def _raw_parts(body: bytes, kind: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    reads = _READS[kind]
    top = reads.of_raw(body)
    tasks: list[dict[str, Any]] = reads.list_of_raw(top["prediction_tasks"])
    for task in tasks:
        task.update({key: reads.of_raw(task[key]) for key in _MERGED if key in task})
    return top, tasks


class _Reads(NamedTuple):
    of_raw: Callable[[Any], dict[str, Any]]
    list_of_raw: Callable[[Any], list[dict[str, Any]]]
    value: Callable[[Any], Any]


def _reads(package: Any) -> _Reads:
    return _Reads(
        package.Decoder(dict[str, Raw]).decode,
        package.Decoder(list[dict[str, Raw]]).decode,
        package.Decoder().decode,
    )


_READS = {
    JSON: _reads(msgspec.json),
    MSGPACK: _reads(msgspec.msgpack),
    MSGPACK_NUMPY: _reads(msgspec.msgpack),
}


def _written(values: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        key: Raw(
            encode(
                numpy_map(value)
                if kind == MSGPACK_NUMPY and isinstance(value, np.ndarray)
                else value,
                kind,
            )
        )
        for key, value in values.items()
    }


def _written_task(task: Mapping[str, Any], kind: str) -> dict[str, Any]:
    plain = _written({key: value for key, value in task.items() if key not in _MERGED}, kind)
    merged = {key: _written(task[key], kind) for key in _MERGED if key in task}
    return {key: merged[key] if key in merged else plain[key] for key in task}


def merge(parts: Sequence[Part], ids: Iterable[str], name: str, kind: str) -> bytes:
    """Put the answers to the chunks of a request together.

    Parameters
    ----------
    parts : sequence of Part
        One or more; keys that are not merged are the first one's.
    ids : iterable of str
        Sequence ids, in the order of the request.
    name : str
        `predictor_name` of the whole.
    kind : str
        The format that the parts are in.

    Returns
    -------
    bytes

    Raises
    ------
    PredictionFailedError
        If the workers do not agree on what they predicted.
    """
    order = list(ids)
    if faults := disagreements(parts, order, kind):
        raise PredictionFailedError(faults)
    tasks = []
    for index, first in enumerate(parts[0].tasks):
        task = dict(first)
        # Where all say that the task cannot be answered, the first says it for all.
        if not _is_error(first, order):
            for key in _MERGED:
                if any(key in part.tasks[index] for part in parts):
                    task[key] = _joined([part.tasks[index].get(key, {}) for part in parts], order)
        tasks.append(task)
    return encode({**parts[0].top, "predictor_name": name, "prediction_tasks": tasks}, kind)


def _joined(maps: Sequence[Mapping[str, Any]], order: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in maps:
        for key, value in each.items():
            found.setdefault(key, value)
    return {key: found.pop(key) for key in order if key in found} | found


def disagreements(parts: Sequence[Part], ids: Sequence[str], kind: str) -> list[str]:
    """Say where parts of an answer contradict each other about what was predicted, by task."""
    read = _READS[kind].value
    faults = []
    for index, first in enumerate(parts[0].tasks):
        # The first to say something stands for all that say the same.
        different: dict[object, Part] = {}
        for part in parts:
            different.setdefault(_said(part, index, ids), part)
        claims = [_claims(part, index, ids, read) for part in different.values()]
        if how := next((how for other in claims[1:] if (how := _difference(claims[0], other))), ""):
            name = read(first["name"]) if "name" in first else index
            faults.append(f"Matcher inconsistency for task '{name}': {how}")
    return faults


def _said(part: Part, index: int, ids: Sequence[str]) -> object:
    """What a part says of a task, in its bytes: compared before anything is read."""
    task = part.tasks[index]
    values = (task.get(key, part.top.get(key)) for key in _ACTUAL)
    return _is_error(task, ids), *(None if raw is None else bytes(raw) for raw in values)


def _claims(
    part: Part, index: int, ids: Sequence[str], read: Callable[[Any], Any]
) -> dict[str, Any]:
    task = part.tasks[index]
    values = {key: task.get(key, part.top.get(key)) for key in _ACTUAL}
    error = task["predictions"]["error"] if _is_error(task, ids) else None
    return {
        "url": part.url,
        "error": None if error is None else _shown(read(error)),
        **{key: None if raw is None else read(raw) for key, raw in values.items()},
    }


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    if (one["error"] is None) != (other["error"] is None):
        return " and ".join(
            f"{'predictions' if each['error'] is None else 'an error'} at {each['url']}"
            + ("" if each["error"] is None else f" ({each['error']})")
            for each in (one, other)
        )
    return "; ".join(
        f"{key} is {_shown(one[key])} at {one['url']} and {_shown(other[key])} at {other['url']}"
        for key in _ACTUAL
        if one[key] != other[key]
    )


def _shown(value: Any) -> str:
    return "missing" if value is None else one_line(encode(value, JSON).decode())


def _is_error(task: Mapping[str, Any], ids: Sequence[str]) -> bool:
    return "error" in task["predictions"] and "error" not in ids


# --- sharing out --------------------------------------------------------------------------------


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
        body, sent = await run_in_threadpool(_encoded, message, worker.request_format)
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


def _encoded(message: Mapping[str, Any], kind: str) -> tuple[bytes, str]:
    try:
        return encode(message, kind), kind
    # JSON has numbers that MsgPack has not, in keys that nobody knows.
    except OverflowError:
        return encode(message, JSON), JSON


# --- the app ------------------------------------------------------------------------------------


def distributor_app(
    urls: Sequence[str],
    *,
    limits: Limits = LIMITS,
    pool_limits: PoolLimits = POOL_LIMITS,
    token: str | None = None,
) -> Starlette:
    """Make the app that answers as one Predictor for many.

    Parameters
    ----------
    urls : sequence of str
        Predictors, ``http://HOST:PORT``.
    limits : Limits
        Of one request. So many as `concurrent` are worked on; the bodies of others stay unread.
    pool_limits : PoolLimits
        How requests are shared out.
    token : str, optional
        Bearer token that the workers ask for; it is asked for here too, but for health checks.

    Returns
    -------
    starlette.applications.Starlette

    Raises
    ------
    UsageError
        Without a URL, or for one that is none.
    """
    handlers = _Handlers(Pool(urls, pool_limits, token), limits, token)
    return Starlette(
        routes=[
            Route("/predict", handlers.predict, methods=["POST"]),
            Route("/formats", handlers.formats, methods=["GET"]),
            Route("/help", handlers.help, methods=["GET"]),
            Route("/workers", handlers.workers, methods=["GET"]),
            Route("/health/live", handlers.live, methods=["GET"]),
            Route("/health/ready", handlers.ready, methods=["GET"]),
        ],
        lifespan=handlers.lifespan,
        exception_handlers={
            GameError: handlers.game_error,
            HTTPException: handlers.http_error,
            ClientDisconnect: handlers.gone,
            Exception: handlers.other_error,
        },
    )


class _Handlers:
    def __init__(self, pool: Pool, limits: Limits, token: str | None) -> None:
        self.pool = pool
        self.limits = limits
        self.token = token
        self._room = asyncio.Semaphore(limits.concurrent)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self.pool.open():
            yield

    async def formats(self, request: Request) -> Response:
        self._authorise(request)
        await self.pool.require()
        return self._answer(request, self.pool.formats())

    async def help(self, request: Request) -> Response:
        self._authorise(request)
        accept = request.headers.get("accept", JSON)
        await self.pool.require()
        reasons = []
        for worker in self.pool.healthy:
            try:
                answer = await self.pool.get(worker, "/help", accept)
            except (WorkerFailedError, WorkerBusyError) as error:
                reasons.append(str(error))
            else:
                return Response(answer.body, media_type=answer.content_type or JSON)
        raise ServerError(
            f"No worker says what it is: {one_line('; '.join(reasons))}",
            status=503,
            retry_after=1.0,
        )

    async def workers(self, request: Request) -> Response:
        self._authorise(request)
        states = [worker.state() for worker in self.pool.workers]
        return self._answer(request, {"workers": states})

    async def live(self, request: Request) -> Response:
        return self._answer(request, {"status": "live"})

    async def ready(self, request: Request) -> Response:
        if not self.pool.healthy:
            raise self.pool.no_worker()
        return self._answer(request, {"status": "ready"})

    async def predict(self, request: Request) -> Response:
        self._authorise(request)
        content_type = request_format(request.headers.get("content-type"))
        kind = response_format(request.headers.get("accept"))
        kind = kind if kind in RESPONSES else JSON
        async with self._room:
            body = await read_body(request, self.limits)
            raw, asked = await run_in_threadpool(self._read, body, content_type)
            del body
            await self.pool.require()
            answer = await _unless_gone(request, self._predicted(raw, asked, kind))
        return Response(answer, media_type=kind)

    def _read(self, body: bytes, content_type: str) -> tuple[dict[str, Any], PredictRequest]:
        raw = decode(body, content_type)
        check_depth(raw, self.limits.depth)
        asked = validate_request(raw)
        check_size(asked, self.limits)
        return raw, asked

    async def _predicted(self, raw: dict[str, Any], asked: PredictRequest, kind: str) -> bytes:
        n_workers = len(self.pool.workers)
        chunks, doubtful = await run_in_threadpool(_planned, asked, n_workers, self.pool.limits)
        # What looks faulty is asked first: if it is refused, nothing has been computed in vain.
        parts = await Job(self.pool, raw, doubtful, kind).run()
        parts += await Job(self.pool, raw, chunks, kind).run()
        ids = list(asked.sequences)
        return await run_in_threadpool(merge, parts, ids, self.pool.predictor_name, kind)

    async def game_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, GameError)
        return self._error(error)

    async def http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        paths = "/formats, /help, /predict, /workers, /health/live, /health/ready"
        known = {
            404: f"There is no {request.url.path} here. Known: {paths}",
            405: f"{request.method} is not allowed on {request.url.path}",
        }
        text = known.get(error.status_code, error.detail)
        response = self._error(BadRequestError(text, status=error.status_code))
        response.headers.update(error.headers or {})
        return response

    async def other_error(self, request: Request, error: Exception) -> Response:
        logger.error("request failed", exc_info=error)
        return self._error(ServerError(f"An unexpected internal error occurred: {error}."))

    async def gone(self, request: Request, error: Exception) -> Response:
        # Nobody is left to read an answer; a client that hangs up is no fault of the server.
        return Response(status_code=400)

    def _authorise(self, request: Request) -> None:
        if self.token is None:
            return
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(given.encode(), self.token.encode()):
            raise BadRequestError("This server asks for a bearer token", status=401)

    def _answer(self, request: Request, body: dict[str, Any]) -> Response:
        kind = response_format(request.headers.get("accept"))
        named = {"predictor_name": self.pool.predictor_name, **body}
        return Response(encode(named, kind), media_type=kind)

    def _error(self, error: GameError) -> Response:
        # Errors are JSON whatever was asked for (GAME 1.0, section 1.3).
        body = encode(error.body(self.pool.predictor_name), JSON)
        response = Response(body, status_code=error.http_status, media_type=JSON)
        if isinstance(error, ServerError) and error.retry_after is not None:
            response.headers["Retry-After"] = str(math.ceil(error.retry_after))
        if error.http_status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


def _planned(
    asked: PredictRequest, workers: int, limits: PoolLimits
) -> tuple[list[Chunk], list[Chunk]]:
    """Cut a request into chunks; those of sequences that look faulty are apart."""
    ids = list(asked.sequences)
    if not ids or not asked.prediction_tasks:
        return [Chunk(0, ids)], []
    flanks = len(asked.upstream_seq or "") + len(asked.downstream_seq or "")
    lengths = [len(sequence) + flanks for sequence in asked.sequences.values()]
    faulty: set[str] = set()
    for place in cut(lengths, workers, limits):
        if _looks_faulty(asked, ids[place]):
            faulty.update(name for name in ids[place] if _looks_faulty(asked, [name]))
    planned = []
    for wanted in (False, True):
        chosen = [index for index, name in enumerate(ids) if (name in faulty) is wanted]
        places = cut([lengths[index] for index in chosen], workers, limits) if chosen else []
        planned.append(
            [
                Chunk(number, [ids[index] for index in chosen[place]])
                for number, place in enumerate(places)
            ]
        )
    return planned[0], planned[1]


def _looks_faulty(asked: PredictRequest, ids: Sequence[str]) -> bool:
    ranges = asked.prediction_ranges
    some = msgspec.structs.replace(
        asked,
        sequences={name: asked.sequences[name] for name in ids},
        prediction_ranges=ranges if ranges is UNSET else {name: ranges[name] for name in ids},
    )
    try:
        prepared_sequences(some)
    except PredictionFailedError:
        return True
    return False


async def _unless_gone(request: Request, work: Coroutine[Any, Any, bytes]) -> bytes:
    """Give up work when the client hangs up."""

    async def hang_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, gone = asyncio.create_task(work), asyncio.create_task(hang_up())
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


def serve_distributor(
    urls: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits = LIMITS,
    pool_limits: PoolLimits = POOL_LIMITS,
    token: str | None = None,
) -> None:
    """Serve a distributor until interrupted; requests in flight are finished first.

    Parameters
    ----------
    urls : sequence of str
        Predictors, ``http://HOST:PORT``.
    host : str
    port : int
        0 for any that is free; standard error says which.
    limits, pool_limits, token
        As for `distributor_app`.

    Raises
    ------
    UsageError
        If an address is none, or cannot be listened on.
    """
    app = distributor_app(urls, limits=limits, pool_limits=pool_limits, token=token)
    with listen(host, port) as listener:
        address = address_of(listener)
        run_app(
            app,
            listener,
            f"Distributing to {_shown_urls(urls)} at {address} (Ctrl-C stops). "
            "In another terminal:\n"
            f"  genomark run -m {address} -b simulated-enhancers\n",
        )


def _shown_urls(urls: Sequence[str]) -> str:
    return ", ".join(urls) if len(urls) <= _SHOWN_URLS else f"{len(urls)} workers"
