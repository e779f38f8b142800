"""How much a server takes on, and how a request waits for its turn."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from genomark.protocol import (
    ZSTD,
    BadRequestError,
    PredictRequest,
    ServerError,
    decompress,
    total_letters,
)

T = TypeVar("T")

#: A refused body is read on and thrown away so far, so that the client hears why.
_DRAINED_BYTES = 4 << 30
_DRAIN_SECONDS = 60.0


class Limits(msgspec.Struct, frozen=True):
    """What a server takes on; every limit has its own clear error.

    Attributes
    ----------
    body_bytes : int
        Of one request (413).
    sequences, bases : int
        In one request, flanks included in the bases, edits as long as what is built from them
        (413).
    depth : int
        Nesting of a body (400).
    seconds : float
        For one request, waiting included (503).
    idle_seconds : float
        Between two parts of a body (408).
    concurrent : int
        Requests computed at a time.
    queued : int
        Requests that wait for their turn; one more is sent away (503).
    """

    body_bytes: int = 200_000_000
    sequences: int = 1_000_000
    bases: int = 4_000_000_000
    depth: int = 32
    seconds: float = 3600.0
    idle_seconds: float = 60.0
    concurrent: int = 2
    queued: int = 16


async def read_body(request: Request, limits: Limits, *, packed: bool = False) -> bytes:
    """Read a body, and keep no more of it than is allowed.

    Parameters
    ----------
    request : starlette.requests.Request
    limits : Limits
    packed : bool
        Whether one that is compressed with zstd is taken, too; it is given as it came (`unpacked`).

    Raises
    ------
    BadRequestError
        413 for a body that is too long, 415 for one that is compressed, 408 for one that stalls or
        takes longer than a request may.
    """
    encoding = _encoding(request)
    declared = request.headers.get("content-length", "")
    too_long = declared.isdecimal() and int(declared) > limits.body_bytes
    # Grows in place and is given out without a copy: a body is in memory once.
    body = io.BytesIO()
    taken = ("", "identity", ZSTD) if packed else ("", "identity")
    if encoding in taken and not too_long:
        async for part in _parts(request, limits):
            if body.tell() + len(part) > limits.body_bytes:
                too_long = True
                break
            body.write(part)
        else:
            return body.getvalue()
    body.close()
    await _drain(request)
    if too_long:
        raise BadRequestError(
            f"The request body is over {limits.body_bytes:,} bytes; send fewer sequences at once, "
            "or have the server started with a larger --max-body",
            status=413,
        )
    raise BadRequestError(
        f"Unsupported Content-Encoding: {encoding}. Send the body "
        + ("as it is, or with zstd" if packed else "uncompressed"),
        status=415,
    )


def is_packed(request: Request) -> bool:
    """Whether the body is compressed."""
    return _encoding(request) == ZSTD


def unpacked(body: bytes, limits: Limits) -> bytes:
    """Unpack a body that is compressed.

    Raises
    ------
    BadRequestError
        413 for one that is too long then, 400 for one that is torn.
    """
    return decompress(body, limits.body_bytes)


def takes_zstd(request: Request) -> bool:
    """Whether the client unpacks that, by its ``Accept-Encoding`` (RFC 9110, section 12.5.3)."""
    for each in request.headers.get("accept-encoding", "").lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        if name == ZSTD:
            return not any(re.fullmatch(r"q=0(\.0*)?", part) for part in parameters)
    return False


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "identity").strip().lower()


async def _parts(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    stream = request.stream()
    deadline = asyncio.get_running_loop().time() + limits.seconds
    while True:
        waits_until = asyncio.get_running_loop().time() + limits.idle_seconds
        try:
            async with asyncio.timeout_at(min(deadline, waits_until)):
                part = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            stalled = waits_until < deadline
            raise BadRequestError(
                f"Nothing more of the request body came for {limits.idle_seconds:g} s"
                if stalled
                else f"The request body took longer than {limits.seconds:g} s",
                status=408,
            ) from error
        yield part


async def _drain(request: Request) -> None:
    """Let a client finish sending what is refused: many read the answer only then."""
    if "expect" in request.headers:
        # This one asks before it sends.
        return
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > _DRAINED_BYTES:
                    return
    except (TimeoutError, RuntimeError):
        # Too slow, or the stream was left in the middle: the answer goes out all the same.
        return


def check_depth(raw: Any, deepest: int) -> None:
    """Refuse a decoded body that is nested too deep.

    Raises
    ------
    BadRequestError
    """
    level: list[Any] = [raw] if isinstance(raw, dict | list) else []
    for _ in range(deepest):
        if not level:
            return
        level = [
            each
            for container in level
            for each in (container.values() if isinstance(container, dict) else container)
            if isinstance(each, dict | list)
        ]
    if level:
        raise BadRequestError(f"The request body is nested deeper than {deepest} levels")


def check_size(request: PredictRequest, limits: Limits) -> None:
    """Refuse a request with too many sequences or bases.

    Raises
    ------
    BadRequestError
    """
    n = len(request.sequences)
    if n > limits.sequences:
        raise BadRequestError(
            f"{n:,} sequences in one request; this server takes {limits.sequences:,}", status=413
        )
    flanks = len(request.upstream_seq or "") + len(request.downstream_seq or "")
    bases = total_letters(request.sequences) + n * flanks
    if bases > limits.bases:
        raise BadRequestError(
            f"{bases:,} bases in one request, flanks included; this server takes {limits.bases:,}",
            status=413,
        )


class Turns:
    """Lets some requests compute, some wait, and sends the rest away.

    A request that is given up keeps its place until its computation has really ended: threads
    cannot be stopped, and the processor is still theirs.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(limits.concurrent)
        # Its own threads: those of the loop are few on a small machine, and used for other things.
        self._threads = ThreadPoolExecutor(limits.concurrent, "genomark-predict")
        self.waiting = 0
        self.computing = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Compute in a thread, when it is this request's turn.

        Raises
        ------
        ServerError
            503 when too many wait already, or when time is up.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.seconds
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn()
                self.computing += 1
                future = loop.run_in_executor(self._threads, work)
                future.add_done_callback(self._done)
                return await asyncio.shield(future)
        except TimeoutError as error:
            raise ServerError(
                f"No answer within {self._limits.seconds:g} s; send fewer sequences at once",
                status=503,
                retry_after=self._limits.seconds,
            ) from error

    async def _turn(self) -> None:
        if self._free.locked() and self.waiting >= self._limits.queued:
            raise ServerError(
                f"{self.waiting} requests are waiting already; ask again later",
                status=503,
                retry_after=1.0,
            )
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1

    def _done(self, future: asyncio.Future[Any]) -> None:
        self.computing -= 1
        self._free.release()
        if not future.cancelled():
            # Read, so that the failure of a request that was given up is no warning.
            future.exception()
