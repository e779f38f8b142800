"""How long a designer takes: of one core, on a machine that others may use as well."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
#: How long this thread waited for a core, in nanoseconds, second of three numbers (Linux).
_SCHEDSTAT = _PROC / "thread-self" / "schedstat"
#: Numbers in ``/proc/PID/stat`` after the name: parent, and the four of processor time.
_PARENT, _TIMES = 1, slice(11, 15)


@dataclass
class Spent:
    """What was spent, in seconds.

    Attributes
    ----------
    cpu : float
        Of processor time: all threads of this process, its children and theirs.
    wall : float
        From begin to end.
    waited : float
        Of `wall`, how long this thread could have run and had no core; 0 where the system does
        not tell (it is Linux that does).
    """

    cpu: float = 0.0
    wall: float = 0.0
    waited: float = 0.0

    @property
    def counted(self) -> float:
        """The larger of processor time and of wall time less what a busy machine added to it.

        The first counts what runs side by side, the second what runs elsewhere: on an accelerator,
        on another machine.
        """
        return max(self.cpu, self.wall - self.waited)


@contextmanager
def stopwatch() -> Iterator[Spent]:
    """Measure what is done inside of ``with stopwatch() as spent:``; known afterwards."""
    spent = Spent()
    cpu, waited, wall = cpu_seconds(), _waited(), time.perf_counter()
    try:
        yield spent
    finally:
        spent.wall = time.perf_counter() - wall
        spent.cpu = max(0.0, cpu_seconds() - cpu)
        spent.waited = max(0.0, _waited() - waited)


def cpu_seconds() -> float:
    """Processor time of this process, and of its children and theirs, dead or alive, so far.

    Children that are alive are counted on Linux alone, elsewhere once they have ended.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + _of_descendants()


def _of_descendants() -> float:
    """Processor time of descendants that are alive, and of those of theirs that have ended."""
    if not _PROC.is_dir():
        return 0.0
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            numbers = _stat(folder)
            if numbers:
                pid = int(folder.name)
                children.setdefault(int(numbers[_PARENT]), []).append(pid)
                ticks[pid] = sum(map(int, numbers[_TIMES]))
    waiting, total = list(children.get(os.getpid(), [])), 0
    while waiting:
        pid = waiting.pop()
        total += ticks[pid]
        waiting += children.get(pid, [])
    return total / os.sysconf("SC_CLK_TCK")


def _stat(folder: Path) -> list[str]:
    """Read the state of a process; empty if it has just ended."""
    try:
        # A name may hold anything, brackets too.
        return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _waited() -> float:
    if not _SCHEDSTAT.is_file():
        return 0.0
    return int(_SCHEDSTAT.read_text().split()[1]) / 1e9
