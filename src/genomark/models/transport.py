"""One HTTP exchange, with an end: deadlines, a cap on what is read, errors in one line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import aiohttp
from aiohttp.helpers import basicauth_from_netrc, get_env_proxy_for_url, netrc_from_env
from yarl import URL

from genomark.errors import RemoteModelError, one_line
from genomark.models.http_answer import HttpAnswer, IncomingBody, TooLongError
from genomark.protocol import ZSTD, FrameReader

__all__ = [
    "AddressError",
    "BrokenConnectionError",
    "DeadlineError",
    "Deadlines",
    "HttpAnswer",
    "NoConnectionError",
    "TooLongError",
    "accepted_encodings",
    "error_texts",
    "exchange",
    "game_messages",
    "is_loopback",
    "login_for",
    "new_session",
    "origin_of",
    "proxy_for",
    "reason_of",
    "run_to_end",
]

T = TypeVar("T")

_PROXY_SETTINGS = [
    case(f"{scheme}_proxy")
    for scheme in ("http", "https", "no", "all")
    for case in (str.lower, str.upper)
]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: Of a body, what is handed over at once.
_PIECE_BYTES = 1 << 20


class AddressError(RemoteModelError):
    """The URL is none."""


class BrokenConnectionError(RemoteModelError):
    """The connection could not be made, or broke before the answer was whole: worth a retry."""


class NoConnectionError(BrokenConnectionError):
    """The connection could not be made: nothing was sent."""


class DeadlineError(RemoteModelError):
    """There was no whole answer in time."""


@dataclass(frozen=True)
class Deadlines:
    """How long to wait, in seconds.

    Attributes
    ----------
    connect : float
        For a connection.
    read : float
        For the next bytes of an answer.
    total : float
        For the whole exchange.
    begin : float, optional
        For the first bytes of an answer, from the end of the request; as `read` if left out. A
        server without streaming is silent for as long as it computes.
    """

    connect: float = 10.0
    read: float = 600.0
    total: float = 3600.0
    begin: float | None = None

    def within(self, seconds: float) -> Deadlines:
        """Give the same, but with no more than `seconds` in total."""
        return Deadlines(self.connect, self.read, min(self.total, seconds), self.begin)


def new_session() -> aiohttp.ClientSession:
    """Make a session: connections are kept and used again."""
    return aiohttp.ClientSession(
        # How much a compressed body may unfold to is counted here, not there.
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0),
    )


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    deadlines: Deadlines = Deadlines(),
    max_bytes: int,
    frames: FrameReader | None = None,
) -> HttpAnswer:
    """Send a request and read the whole answer.

    Parameters
    ----------
    session : aiohttp.ClientSession
        From `new_session`.
    max_bytes : int
        No more of the answer is read, nor unfolded where it is compressed.
    frames : FrameReader, optional
        Takes the body as it comes, if it is frames.

    Raises
    ------
    BrokenConnectionError
        If there is no connection, or it breaks.
    DeadlineError
        If a deadline passes.
    TooLongError
        If the answer is longer than `max_bytes`.
    AddressError
        If the URL is none.
    RemoteModelError
        If what comes back is not HTTP.
    """
    try:
        return await _exchange(session, method, url, body, headers, deadlines, max_bytes, frames)
    except (aiohttp.InvalidURL, UnicodeError) as error:
        raise AddressError(f"'{url}' is not an address; expected http://HOST:PORT") from error
    except aiohttp.ConnectionTimeoutError as error:
        raise NoConnectionError(
            f"{url}: no answer (no connection within {deadlines.connect:g} s)"
        ) from error
    except aiohttp.ServerTimeoutError as error:
        begin = deadlines.begin or deadlines.read
        raise DeadlineError(f"{url}: no answer within {begin:g} s") from error
    except TimeoutError as error:
        raise DeadlineError(f"{url}: no whole answer within {deadlines.total:g} s") from error
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientResponseError) as error:
        raise RemoteModelError(f"{url}: {one_line(error)}") from error
    except (aiohttp.ClientError, OSError) as error:
        is_made = not isinstance(error, aiohttp.ClientConnectorError)
        kind = BrokenConnectionError if is_made else NoConnectionError
        raise kind(f"{url}: no answer ({reason_of(error)})") from error


async def _exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes,
    headers: dict[str, str] | None,
    deadlines: Deadlines,
    max_bytes: int,
    frames: FrameReader | None,
) -> HttpAnswer:
    timeout = aiohttp.ClientTimeout(
        total=deadlines.total,
        sock_connect=deadlines.connect,
        sock_read=max(deadlines.begin or 0.0, deadlines.read),
    )
    origin = origin_of(url)
    proxy, proxy_auth = proxy_for(origin)
    told = {"Accept-Encoding": accepted_encodings(origin), **(headers or {})}
    login = None if URL(url).user else login_for(origin)
    if login is not None:
        told.setdefault("Authorization", login.encode())
    data: bytes | AsyncIterator[memoryview] | None = body or None
    if len(body) > _PIECE_BYTES:
        # The loop is free for other connections in between. Many servers know no chunks.
        data, told["Content-Length"] = _pieces(body), str(len(body))
    # A redirect is not followed: it could lead a request, and its sequences, to another host.
    async with session.request(
        method,
        url,
        data=data,
        headers=told,
        timeout=timeout,
        allow_redirects=False,
        proxy=proxy,
        proxy_auth=proxy_auth,
    ) as answer:
        found = {name.lower(): value for name, value in answer.headers.items()}
        incoming = IncomingBody(url, found, max_bytes, frames)
        while block := await _next_block(answer, url, deadlines.read, incoming.wire_bytes):
            incoming.add(block)
    return incoming.answer(answer.status)


@lru_cache(maxsize=64)
def origin_of(url: str) -> URL:
    """Give scheme, host and port of an address.

    Raises
    ------
    AddressError
        If it is none.
    """
    try:
        return URL(url).origin()
    except ValueError as error:
        raise AddressError(f"'{url}' is not an address; expected http://HOST:PORT") from error


@lru_cache(maxsize=64)
def login_for(origin: URL) -> aiohttp.BasicAuth | None:
    """Give the name and password that ``~/.netrc`` has for a host; it is read once."""
    with contextlib.suppress(LookupError):
        return basicauth_from_netrc(netrc_from_env(), origin.host or "")
    return None


def is_loopback(origin: URL) -> bool:
    """Whether an address is of this machine: what is sent there need not be short."""
    return origin.host in _LOOPBACK


def accepted_encodings(origin: URL) -> str:
    """Say which compressions of an answer are asked for."""
    return "gzip, deflate" if is_loopback(origin) else f"{ZSTD}, gzip, deflate"


def proxy_for(origin: URL) -> tuple[URL, aiohttp.BasicAuth | None] | tuple[None, None]:
    """Give the proxy that the environment names for an address.

    A session can look for it, too, but looks for passwords in files at every request.
    """
    return _proxy_for(origin, *map(os.environ.get, _PROXY_SETTINGS))


@lru_cache(maxsize=64)
def _proxy_for(
    origin: URL, *settings: str | None
) -> tuple[URL, aiohttp.BasicAuth | None] | tuple[None, None]:
    try:
        return get_env_proxy_for_url(origin)
    except LookupError:
        return None, None


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for at in range(0, len(body), _PIECE_BYTES):
        yield view[at : at + _PIECE_BYTES]


async def _next_block(
    answer: aiohttp.ClientResponse, url: str, seconds: float, so_far: int
) -> bytes:
    waiting = asyncio.timeout(seconds)
    try:
        async with waiting:
            return await answer.content.readany()
    except TimeoutError as error:
        if waiting.expired() and not isinstance(error, aiohttp.ClientError):
            raise DeadlineError(
                f"{url}: the answer stalled for {seconds:g} s after {so_far:,} bytes"
            ) from error
        raise


def reason_of(error: BaseException) -> str:
    """Say why a connection failed, in the system's own words where it has some."""
    cause = getattr(error, "os_error", error)
    # Numbers of a name server's errors are of another list.
    number = None if isinstance(cause, socket.gaierror) else getattr(cause, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        # Not "connect call failed", which the event loop makes of it.
        return os.strerror(number)
    return one_line(getattr(cause, "strerror", None) or cause or type(error).__name__)


def error_texts(raw: Any) -> list[str]:
    """Give the messages of a GAME error, each as the server wrote it; none if it is no such."""
    errors = raw.get("error") if isinstance(raw, Mapping) else None
    if not isinstance(errors, list):
        return []
    return [
        str(text)
        for error in errors
        for text in (error.values() if isinstance(error, dict) else [error])
    ]


def game_messages(raw: Any) -> str:
    """Give the messages of a GAME error, or whatever else a server said, as one line."""
    errors = raw.get("error") if isinstance(raw, Mapping) else None
    if not isinstance(errors, list):
        return one_line(errors or raw)
    return one_line("; ".join(error_texts(raw)))


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run in a loop and a thread of its own: a notebook already has a loop running in this one."""
    started: Future[Callable[[], object]] = Future()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        started.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
        return await work

    with ThreadPoolExecutor(1) as pool:
        # What is known of the caller, such as where its time goes, is known there too.
        answer = pool.submit(copy_context().run, asyncio.run, cancellable())
        try:
            return answer.result()
        except KeyboardInterrupt:
            # Leaving waits for the thread, which may be an hour away from an answer; or it may have
            # ended just now, and its loop with it.
            with contextlib.suppress(RuntimeError):
                started.result()()
            raise
