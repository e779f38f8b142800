"""Many Predictors as one: the app, and how it is served.

The whole is what one worker would have answered, byte for byte.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import (
    AsyncIterator,
    Coroutine,
    Sequence,
)
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.errors import one_line
from genomark.models.splitting import part_of
from genomark.protocol import (
    JSON,
    PredictionFailedError,
    PredictRequest,
    ServerError,
    asked_sequences,
    decode,
    request_format,
    response_format,
    sequence_length,
    validate_request,
)
from genomark.serving.chunks import Chunk, cut
from genomark.serving.game_app import GameApp
from genomark.serving.limits import Limits, check_depth, check_size, read_body
from genomark.serving.merging import merge
from genomark.serving.pool import RESPONSES, Pool, PoolLimits
from genomark.serving.pool_errors import WorkerBusyError, WorkerFailedError
from genomark.serving.server import address_of, listen, run_app
from genomark.serving.sharing import Job

_SHOWN_URLS = 4
#: Larger requests than a Predictor takes: here they are cut.
LIMITS = Limits(body_bytes=2_000_000_000, concurrent=16)
POOL_LIMITS = PoolLimits()


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
        exception_handlers=handlers.exception_handlers,
    )


class _Handlers(GameApp):
    paths = ("/formats", "/help", "/predict", "/workers", "/health/live", "/health/ready")

    def __init__(self, pool: Pool, limits: Limits, token: str | None) -> None:
        super().__init__(token)
        self.pool = pool
        self.limits = limits
        self._room = asyncio.Semaphore(limits.concurrent)

    @property
    def name(self) -> str:
        return self.pool.predictor_name

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self.pool.open():
            yield

    async def formats(self, request: Request) -> Response:
        self.authorise(request)
        await self.pool.require()
        return self.answer(request, self.pool.formats())

    async def help(self, request: Request) -> Response:
        self.authorise(request)
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
        self.authorise(request)
        states = [worker.state() for worker in self.pool.workers]
        return self.answer(request, {"workers": states})

    async def live(self, request: Request) -> Response:
        return self.answer(request, {"status": "live"})

    async def ready(self, request: Request) -> Response:
        if not self.pool.healthy:
            raise self.pool.no_worker()
        return self.answer(request, {"status": "ready"})

    async def predict(self, request: Request) -> Response:
        self.authorise(request)
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


def _planned(
    asked: PredictRequest, workers: int, limits: PoolLimits
) -> tuple[list[Chunk], list[Chunk]]:
    """Cut a request into chunks; those of sequences that look faulty are apart."""
    ids = list(asked.sequences)
    if not ids or not asked.prediction_tasks:
        return [Chunk(0, ids)], []
    flanks = len(asked.upstream_seq or "") + len(asked.downstream_seq or "")
    lengths = [sequence_length(asked.sequences, name) + flanks for name in ids]
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


def _looks_faulty(asked: PredictRequest, ids: list[str]) -> bool:
    try:
        asked_sequences(part_of(asked, ids))
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
