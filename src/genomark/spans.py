"""Where time goes: work names itself, and seconds are added up by that name.

A `Ledger` has each second in one part alone: a span inside another takes its time out of the outer
one. Without a ledger a span does nothing, so it can stand where the work is, in any room.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_now = time.perf_counter

#: What nobody named.
OTHER = "other"
#: Asking for CPU time takes longer than many a span: so short a time is taken to be all CPU.
_SHORT = 5e-5


class Ledger:
    """Seconds by subject and part, from when it is made.

    Parameters
    ----------
    cpu_clock : callable
        CPU seconds so far: of this process, or of this thread where others do work of their own.
    """

    def __init__(self, cpu_clock: Callable[[], float] = time.process_time) -> None:
        #: What the work is about, such as an evaluation; part of the key.
        self.subject = ""
        self._seconds: dict[tuple[str, str], list[float]] = {}
        self._cpu_clock = cpu_clock
        self._wall, self._cpu = time.perf_counter(), cpu_clock()
        #: What is counted for now, and around it.
        self._kept = self._of(OTHER)
        self._outer: list[list[float]] = []

    def enter(self, part: str) -> None:
        """Count for a part from now on."""
        self._settle()
        self._outer.append(self._kept)
        key = self.subject, part
        self._kept = self._seconds[key] if key in self._seconds else self._of(part)

    def leave(self) -> None:
        """Count for the part around it again."""
        self._settle()
        self._kept = self._outer.pop()

    def add(self, part: str, wall: float, cpu: float) -> None:
        """Count what was measured elsewhere."""
        kept = self._of(part)
        kept[0] += wall
        kept[1] += cpu

    def seconds(self) -> dict[tuple[str, str], tuple[float, float]]:
        """Give wall and CPU seconds so far, by subject and part."""
        self._settle()
        used = self._cpu_clock()
        self._kept[1] += used - self._cpu
        self._cpu = used
        return {key: (wall, cpu) for key, (wall, cpu) in self._seconds.items()}

    def _of(self, part: str) -> list[float]:
        return self._seconds.setdefault((self.subject, part), [0.0, 0.0])

    def _settle(self) -> None:
        kept, now = self._kept, _now()
        wall, self._wall = now - self._wall, now
        kept[0] += wall
        if wall < _SHORT:
            kept[1] += wall
            # The next look at the clock finds these seconds counted.
            self._cpu += wall
        else:
            used = self._cpu_clock()
            kept[1] += used - self._cpu
            self._cpu = used


_current: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


class span:  # noqa: N801 - it is used as a function is
    """Counts what happens inside for one part of the ledger that is kept, if one is."""

    __slots__ = ("_ledger", "_part")

    def __init__(self, part: str) -> None:
        self._part = part
        self._ledger = _current.get()

    def __enter__(self) -> None:
        """Begin."""
        if self._ledger:
            self._ledger.enter(self._part)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """End."""
        if self._ledger:
            self._ledger.leave()


@contextmanager
def about(subject: str) -> Iterator[None]:
    """Count what happens inside for a subject."""
    ledger = _current.get()
    if ledger is None:
        yield
        return
    before, ledger.subject = ledger.subject, subject
    ledger.enter(OTHER)
    try:
        yield
    finally:
        ledger.leave()
        ledger.subject = before


@contextmanager
def recording(ledger: Ledger) -> Iterator[Ledger]:
    """Keep a ledger of what happens inside, in this thread."""
    token = _current.set(ledger)
    try:
        yield ledger
    finally:
        _current.reset(token)
