"""Where the time of a run went: its own spans and those of its workers, put together.

The run has one line of time. While it waits, its workers have one each; what they did is set into
the time that was waited for, in proportion. So all parts add up to the time from start to end.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable

import msgspec

from genomark.spans import OTHER, Ledger

#: Parts in the order of the way of the data, in words.
PARTS = {
    "start": "starting (imports, workers)",
    "load": "loading models",
    "fit": "fitting",
    "data": "reading data, making requests",
    "model": "the model",
    "cache": "prediction cache",
    "encode": "wire: encoding",
    "server": "wire: sending, waiting for the server",
    "decode": "wire: decoding",
    "idle": "idle workers",
    "score": "scoring",
    "store": "storing",
    OTHER: "other",
}
#: A run's wait for an outcome; what happened meanwhile takes its place.
WAIT = "wait"


class Spent(msgspec.Struct, frozen=True):
    """Where the time of one shard went.

    Attributes
    ----------
    process, thread : int
        Who computed it.
    seconds : dict of str to (float, float)
        Wall and CPU seconds by part.
    """

    process: int
    thread: int
    seconds: dict[str, tuple[float, float]]

    @classmethod
    def of(cls, ledger: Ledger) -> Spent:
        """Close the ledger of this thread's work on a shard."""
        seconds = {part: both for (_, part), both in ledger.seconds().items()}
        return cls(os.getpid(), threading.get_ident(), seconds)


class Part(msgspec.Struct, frozen=True):
    """Seconds of the run, and seconds of processors."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: Part) -> Part:
        """Add both."""
        return Part(self.wall_seconds + other.wall_seconds, self.cpu_seconds + other.cpu_seconds)


class Profile(msgspec.Struct, frozen=True):
    """Where the time of a run went.

    Attributes
    ----------
    wall_seconds, cpu_seconds : float
        Of the whole run; CPU of its workers too.
    workers : int
        Processes or threads that computed requests; 0 where the run did so itself.
    processors : int
        Of this machine.
    parts : dict of str to Part
        By `PARTS`; those of wall seconds add up to the whole.
    evaluations : dict of str to dict of str to Part
        The same by ``"MODEL × BENCHMARK"``, without what belongs to none.
    """

    wall_seconds: float
    cpu_seconds: float
    workers: int
    processors: int
    parts: dict[str, Part]
    evaluations: dict[str, dict[str, Part]]

    def after(self, wall_seconds: float, cpu_seconds: float) -> Profile:
        """Give the same with what came before it: it was needed to start."""
        before = Part(wall_seconds, cpu_seconds)
        return msgspec.structs.replace(
            self,
            wall_seconds=self.wall_seconds + wall_seconds,
            cpu_seconds=self.cpu_seconds + cpu_seconds,
            parts={**self.parts, "start": self.parts.get("start", Part()) + before},
        )

    def share(self, *parts: str) -> float:
        """Part of the wall seconds, 0 to 1."""
        wall = sum(self.parts.get(part, Part()).wall_seconds for part in parts)
        return wall / self.wall_seconds if self.wall_seconds else 0.0


class Profiler:
    """Keeps the ledger of a run, and takes those of its workers.

    Parameters
    ----------
    workers : int
        How many may compute at a time.
    """

    def __init__(self, workers: int = 1) -> None:
        self.ledger = Ledger()
        self._workers = workers
        self._here: dict[tuple[str, str], Part] = {}
        self._away: dict[tuple[str, str], Part] = {}
        self._lanes: set[tuple[int, int]] = set()
        #: CPU seconds that the clock of this process shows too.
        self._shared_cpu = 0.0
        self._began = self._ended = 0.0

    def begin(self) -> None:
        """Say that workers may start."""
        self._began = time.perf_counter()

    def take(self, spent: Spent | None, subject: str) -> None:
        """Add what a shard took; None where its worker died."""
        if spent is None:
            return
        lane = spent.process, spent.thread
        here = lane == (os.getpid(), threading.get_ident())
        if not here:
            self._lanes.add(lane)
            self._ended = time.perf_counter()
        if spent.process == os.getpid():
            self._shared_cpu += sum(cpu for _, cpu in spent.seconds.values())
        kept = self._here if here else self._away
        for part, (wall, cpu) in spent.seconds.items():
            key = "" if part == "start" else subject, part
            kept[key] = kept.get(key, Part()) + Part(wall, cpu)

    def profile(self) -> Profile:
        """Put everything together, up to now."""
        own = {key: Part(*both) for key, both in self.ledger.seconds().items()}
        waits = [own.pop(key) for key in list(own) if key[1] == WAIT]
        waited = _sum(waits) + Part(-_sum(self._here.values()).wall_seconds, -self._shared_cpu)
        own = _merged(own, self._here)
        workers = max(len(self._lanes), self._workers) if self._lanes else 0
        away = self._set_into(waited.wall_seconds, workers)
        rest = 0.0 if away else waited.wall_seconds
        own = _merged(own, {("", OTHER): Part(max(0.0, rest), max(0.0, waited.cpu_seconds))})
        every = _merged(own, away)
        evaluations: dict[str, dict[str, Part]] = {}
        for (subject, part), each in every.items():
            if subject:
                evaluations.setdefault(subject, {})[part] = each
        parts = {
            name: _sum(each for (_, part), each in every.items() if part == name) for name in PARTS
        }
        whole = _sum(parts.values())
        return Profile(
            wall_seconds=whole.wall_seconds,
            cpu_seconds=whole.cpu_seconds,
            workers=workers,
            processors=os.cpu_count() or 1,
            parts=parts,
            evaluations=evaluations,
        )

    def _set_into(self, waited: float, workers: int) -> dict[tuple[str, str], Part]:
        """Set the time of workers, and their idle time, into what was waited for."""
        if not self._lanes:
            return {}
        busy = _sum(self._away.values()).wall_seconds
        idle = max(0.0, workers * (self._ended - self._began) - busy)
        scale = max(0.0, waited) / (busy + idle)
        away = _merged(self._away, {("", "idle"): Part(idle, 0.0)})
        return {
            key: Part(each.wall_seconds * scale, each.cpu_seconds) for key, each in away.items()
        }


def _sum(parts: Iterable[Part]) -> Part:
    return sum(parts, Part())


def _merged(
    one: dict[tuple[str, str], Part], other: dict[tuple[str, str], Part]
) -> dict[tuple[str, str], Part]:
    return {key: one.get(key, Part()) + other.get(key, Part()) for key in {**one, **other}}
