"""One HTTP exchange, with an end: deadlines, a cap on what is read, errors in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from genomark.errors import RemoteModelError

T = TypeVar("T")

#: Longer texts of a server are cut.
_MAX_MESSAGE = 500


class BrokenConnectionError(RemoteModelError):
    """The connection could not be made, or broke before the answer was whole: worth a retry."""


class DeadlineError(RemoteModelError):
    """There was no whole answer in time."""


@dataclass(frozen=True)
class Deadlines:
    """How long to wait, seconds: for a connection, for the next bytes, for the whole answer."""

    connect: float = 10.0
    read: float = 600.0
    total: float = 3600.0


@dataclass(frozen=True)
class HttpAnswer:
    """What came back; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The answer's own, or nothing."""
        return self.headers.get("content-type", "")


def new_session() -> aiohttp.ClientSession:
    """Make a session: connections are kept and used again, proxies taken from the environment."""
    return aiohttp.ClientSession(
        trust_env=True, auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)
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
    method, url : str
    body : bytes
    headers : dict of str
    deadlines : Deadlines
    max_bytes : int
        No more of the answer is read.

    Raises
    ------
    BrokenConnectionError
        If there is no connection, or it breaks.
    DeadlineError
        If a deadline passes.
    RemoteModelError
        If the URL is none, or the answer is longer than `max_bytes`.
    """
    timeout = aiohttp.ClientTimeout(
        total=deadlines.total, sock_connect=deadlines.connect, sock_read=deadlines.read
    )
    try:
        # A redirect is not followed: it could lead a request, and its sequences, to another host.
        async with session.request(
            method, url, data=body or None, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            received = bytearray()
            async for block in answer.content.iter_chunked(1 << 20):
                received += block
                if len(received) > max_bytes:
                    raise RemoteModelError(f"{url}: the answer is over {max_bytes:,} bytes")
            found = {name.lower(): value for name, value in answer.headers.items()}
            return HttpAnswer(answer.status, found, bytes(received))
    except (aiohttp.InvalidURL, UnicodeError) as error:
        raise RemoteModelError(f"'{url}' is not an address; expected http://HOST:PORT") from error
    except TimeoutError as error:
        raise DeadlineError(f"{url}: {one_line(error) or 'no whole answer in time'}") from error
    except (aiohttp.ClientError, ConnectionError, OSError) as error:
        raise BrokenConnectionError(f"{url}: no answer ({reason_of(error)})") from error


def reason_of(error: BaseException) -> str:
    """Say why a connection failed, in the system's own words where it has some."""
    cause = getattr(error, "os_error", error)
    return one_line(getattr(cause, "strerror", None) or cause or type(error).__name__)


def one_line(text: object) -> str:
    """One printable line of bounded length: what a server says may hold anything."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text)).split()
    line = " ".join(words)
    return line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]}..."


def game_messages(raw: Any) -> str:
    """Give the messages of a GAME error, or whatever else a server said, as one line."""
    errors = raw.get("error") if isinstance(raw, dict) else None
    if not isinstance(errors, list):
        return one_line(errors or raw)
    texts = (
        text
        for error in errors
        for text in (error.values() if isinstance(error, dict) else [error])
    )
    return one_line("; ".join(map(str, texts)))


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
            # Leaving waits for the thread, which may be an hour away from an answer.
            started.result()()
            raise
