"""Connections that are kept from one call to the next, for callers that are not asynchronous."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import aiohttp

from genomark.models.transport import new_session, run_to_end

T = TypeVar("T")

Work = Callable[[aiohttp.ClientSession], Coroutine[Any, Any, T]]

#: Rounds of the loop in which it learns that connections were closed while it did not run.
_ROUNDS = 3


class Connections:
    """Runs work in an event loop of its own, with a session whose connections stay open.

    Calls may come from several threads at a time: each has a loop while it needs one. Nothing runs
    between calls; the connections are closed with the object, or with the process.
    """

    def __init__(self) -> None:
        self._idle: list[_Line] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def run(self, work: Work[T]) -> T:
        """Run ``work(session)`` to its end.

        A notebook already has a loop running in this thread: then the work has one of another.
        """
        if _loop_is_running():
            return run_to_end(_in_own_session(work))
        with self._lock:
            line = self._idle.pop() if self._idle else _Line()
        try:
            return line.run(work)
        finally:
            with self._lock:
                self._idle.append(line)


class _Line:
    """One loop and its session."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._session: aiohttp.ClientSession | None = None

    def run(self, work: Work[T]) -> T:
        # Not the context of the first call, which a runner would keep.
        return self._runner.run(self._work(work), context=contextvars.copy_context())

    async def _work(self, work: Work[T]) -> T:
        if self._session is None:
            self._session = new_session()
        else:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
        return await work(self._session)

    def close(self) -> None:
        if self._session is not None:
            self._runner.run(self._session.close())
        self._runner.close()


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _in_own_session(work: Work[T]) -> T:
    async with new_session() as session:
        return await work(session)


def _close_all(lines: list[_Line]) -> None:
    def close() -> None:
        while lines:
            lines.pop().close()

    if _loop_is_running():
        # Whoever let go of the last reference is in a loop itself.
        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
    else:
        close()
