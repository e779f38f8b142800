"""One HTTP exchange, with an end: deadlines, a cap on what is read, errors in one line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import math
import os
import socket
import zlib
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp

from genomark.errors import RemoteModelError, one_line

T = TypeVar("T")

#: Longer texts of a server are cut.
#: Bits of zlib's window by how a body was compressed: 47 knows the gzip and the zlib header, -15 is
#: for servers that send deflate without one.
_WINDOW_BITS = {"gzip": (47,), "x-gzip": (47,), "deflate": (47, -15)}


class AddressError(RemoteModelError):
    """The URL is none."""


class BrokenConnectionError(RemoteModelError):
    """The connection could not be made, or broke before the answer was whole: worth a retry."""


class NoConnectionError(BrokenConnectionError):
    """The connection could not be made: nothing was sent."""


class DeadlineError(RemoteModelError):
    """There was no whole answer in time."""


class TooLongError(RemoteModelError):
    """The answer is longer than is read."""


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


@dataclass(frozen=True)
class HttpAnswer:
    """What came back; header names are lower case, the body is no longer compressed.

    `wire_bytes` is the length of the body as it was sent.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    wire_bytes: int = 0

    @property
    def content_type(self) -> str:
        """The answer's own, or nothing."""
        return self.headers.get("content-type", "")

    @property
    def is_delimited(self) -> bool:
        """Whether a body that was cut short would have been noticed."""
        coding = self.headers.get("transfer-encoding", "").lower()
        return "content-length" in self.headers or "chunked" in coding

    def retry_after(self, now: datetime | None = None) -> float | None:
        """Seconds the server asks to be left alone (RFC 9110, section 10.2.3), if it does.

        A date is measured from the server's own `Date`, whose clock need not be ours.
        """
        text = self.headers.get("retry-after", "").strip()
        with contextlib.suppress(ValueError):
            seconds = float(text)
            return seconds if math.isfinite(seconds) and seconds >= 0 else None
        until = _date(text)
        since = _date(self.headers.get("date", "")) or now or datetime.now(UTC)
        return None if until is None else max(0.0, (until - since).total_seconds())


def new_session() -> aiohttp.ClientSession:
    """Make a session: connections are kept and used again, proxies taken from the environment."""
    return aiohttp.ClientSession(
        trust_env=True,
        # How much a compressed body may unfold to is counted here, not there.
        auto_decompress=False,
        headers={"Accept-Encoding": "gzip, deflate"},
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
) -> HttpAnswer:
    """Send a request and read the whole answer.

    Parameters
    ----------
    session : aiohttp.ClientSession
        From `new_session`.
    max_bytes : int
        No more of the answer is read, nor unfolded where it is compressed.

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
        return await _exchange(session, method, url, body, headers, deadlines, max_bytes)
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
) -> HttpAnswer:
    timeout = aiohttp.ClientTimeout(
        total=deadlines.total,
        sock_connect=deadlines.connect,
        sock_read=max(deadlines.begin or 0.0, deadlines.read),
    )
    # As a file it is sent piece by piece, and the loop is free for other connections in between.
    data = io.BytesIO(body) if body else None
    # A redirect is not followed: it could lead a request, and its sequences, to another host.
    async with session.request(
        method, url, data=data, headers=headers, timeout=timeout, allow_redirects=False
    ) as answer:
        if (answer.content_length or 0) > max_bytes:
            raise _too_long(url, max_bytes)
        received = bytearray()
        while block := await _next_block(answer, url, deadlines.read, len(received)):
            received += block
            if len(received) > max_bytes:
                raise _too_long(url, max_bytes)
        found = {name.lower(): value for name, value in answer.headers.items()}
    encoding = found.get("content-encoding", "identity").strip().lower()
    return HttpAnswer(
        answer.status, found, _unfolded(bytes(received), encoding, url, max_bytes), len(received)
    )


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


def _too_long(url: str, max_bytes: int) -> TooLongError:
    return TooLongError(f"{url}: the answer is over {max_bytes:,} bytes")


def _unfolded(body: bytes, encoding: str, url: str, max_bytes: int) -> bytes:
    if encoding in ("", "identity") or not body:
        return body
    fault = f"'{encoding}' was not asked for"
    for bits in _WINDOW_BITS.get(encoding, ()):
        try:
            return _inflated(body, bits, url, max_bytes)
        except zlib.error as error:
            fault = str(error)
    raise RemoteModelError(f"{url}: the answer cannot be decompressed ({one_line(fault)})")


def _inflated(body: bytes, bits: int, url: str, max_bytes: int) -> bytes:
    unfolded = bytearray()
    # A gzip file may be several in a row.
    while body:
        stream = zlib.decompressobj(bits)
        unfolded += stream.decompress(body, max_bytes + 1 - len(unfolded))
        if len(unfolded) > max_bytes:
            raise _too_long(url, max_bytes)
        if not stream.eof:
            raise zlib.error("it ends too soon")
        body = stream.unused_data
    return bytes(unfolded)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


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
        answer = pool.submit(asyncio.run, cancellable())
        try:
            return answer.result()
        except KeyboardInterrupt:
            # Leaving waits for the thread, which may be an hour away from an answer; or it may have
            # ended just now, and its loop with it.
            with contextlib.suppress(RuntimeError):
                started.result()()
            raise
