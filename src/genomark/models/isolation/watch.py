"""The processes of a sandbox as the system has them: how many, how much memory, how much time."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
#: Of process 1, which only waits for the others.
_FIRST_BYTES, _FIRST_FILES = 64 << 20, 64
_MEMORY = re.compile(rb"^(?:RssAnon|RssShmem|VmPTE|VmSwap):\s+(\d+) kB", re.MULTILINE)
_SHARED = re.compile(rb"^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Seen:
    """What was seen at one time.

    Attributes
    ----------
    processes : tuple of int
        Without the one that the sandbox itself needs.
    memory : int
        Bytes, of process 1 too; what processes share counts in each.
    seconds : float
        Processor time, of those too that have ended and were waited for.
    first : int
        Process 1 of the sandbox; 0 before there is one.
    times : dict of (int, int) to float
        Processor time of each by itself, by number and time of its start.
    """

    processes: tuple[int, ...] = ()
    memory: int = 0
    seconds: float = 0.0
    first: int = 0
    times: dict[tuple[int, int], float] = field(default_factory=dict)


class Times:
    """Adds up processor time of all that was ever seen.

    The system adds that of an ended process to its parent's, unless the parent ignores the signal
    of its end.
    """

    def __init__(self) -> None:
        self._alive: dict[tuple[int, int], float] = {}
        self._dead = 0.0

    def after(self, seen: Seen) -> float:
        """Give the sum in seconds, with what is seen now."""
        for process in self._alive.keys() - seen.times.keys():
            self._dead += self._alive.pop(process)
        self._alive |= seen.times
        return max(seen.seconds, self._dead + sum(self._alive.values()))


def look(starter: int) -> Seen:
    """Look at all that descends from the process that started a sandbox."""
    first = next(iter(_children(starter)), 0)
    if not first:
        return Seen()
    found, waiting = [first], [first]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    told = {pid: _times(pid) for pid in found}
    return Seen(
        tuple(found[1:]),
        sum(map(_memory, found)),
        sum(sum(times) for _, *times in told.values()),
        first,
        {(pid, start): own for pid, (start, own, _) in told.items()},
    )


def memory_shared_out(seen: Seen) -> int:
    """Add up memory, what several share among them counted once where that can be seen."""
    total = 0
    for pid in (seen.first, *seen.processes):
        told = _of_any_thread(pid, "smaps_rollup", _SHARED)
        # A process may see to it that others cannot look at this.
        total += _sum(told, _SHARED) if told else _memory(pid)
    return total


def confine(process: int, tasks: int) -> None:
    """Bind a process by limits that it needs none of, and cannot raise again.

    Parameters
    ----------
    process : int
    tasks : int
        Processes and threads that its user may have.

    Raises
    ------
    OSError
        If the system does not let one, or the process has ended.
    """
    if process <= 0:
        # The system takes 0 for who asks.
        raise ProcessLookupError("it has ended")
    for limit, most in (
        (resource.RLIMIT_DATA, _FIRST_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FIRST_FILES),
        (resource.RLIMIT_NPROC, tasks),
    ):
        resource.prlimit(process, limit, (most, most))


def files_in(first: int, folders: Sequence[str]) -> int:
    """Count the files of file systems that the sandbox has; 0 where that cannot be seen."""
    found = 0
    for folder in folders:
        try:
            about = os.statvfs(f"/proc/{first}/root{folder}")
        except OSError:
            continue
        found += about.f_files - about.f_ffree
    return found


def _children(process: int) -> list[int]:
    found: list[int] = []
    for thread in _threads(process):
        found += map(int, _read(process, f"task/{thread}/children").split())
    return found


def _threads(process: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{process}/task")  # noqa: PTH208 - many times a second
    except OSError:
        return []


def _memory(process: int) -> int:
    return _sum(_of_any_thread(process, "status", _MEMORY), _MEMORY)


def _of_any_thread(process: int, name: str, pattern: re.Pattern[bytes]) -> bytes:
    """Read what the system tells of the memory of a process; nothing once it has ended."""
    text = _read(process, name)
    if pattern.search(text):
        return text
    # Of a process whose first thread has ended the others tell.
    for thread in _threads(process):
        text = _read(process, f"task/{thread}/{name}")
        if pattern.search(text):
            return text
    return b""


def _times(process: int) -> tuple[int, float, float]:
    """Give when a process started, its processor time, and that of children waited for."""
    # The name of a program, in brackets, may hold anything.
    fields = _read(process, "stat").rpartition(b")")[2].split()
    if len(fields) <= 19:
        return 0, 0.0, 0.0
    own, children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return int(fields[19]), own / _TICKS, children / _TICKS


def _sum(text: bytes, pattern: re.Pattern[bytes]) -> int:
    return sum(map(int, pattern.findall(text))) << 10


def _read(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        # It has ended.
        return b""
