"""The processes of a sandbox as the system has them: how many, how much memory, how much time."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
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
        Bytes; what processes share counts in each.
    seconds : float
        Processor time, of those that have ended too.
    first : int
        Process 1 of the sandbox; 0 before there is one.
    """

    processes: tuple[int, ...] = ()
    memory: int = 0
    seconds: float = 0.0
    first: int = 0


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
    memory = sum(_sum(_read(pid, "status"), _MEMORY) for pid in found[1:])
    return Seen(tuple(found[1:]), memory, sum(map(_seconds, found)), first)


def memory_shared_out(processes: tuple[int, ...]) -> int | None:
    """Add up memory, what several share among them counted once; None where that cannot be seen."""
    told = [_read(pid, "smaps_rollup") for pid in processes]
    return sum(_sum(each, _SHARED) for each in told) if any(told) else None


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
    try:
        threads = os.listdir(f"/proc/{process}/task")  # noqa: PTH208 - many times a second
    except OSError:
        return []
    for thread in threads:
        found += map(int, _read(process, f"task/{thread}/children").split())
    return found


def _seconds(process: int) -> float:
    # The name of a program, in brackets, may hold anything.
    fields = _read(process, "stat").rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS if len(fields) > 15 else 0.0


def _sum(text: bytes, pattern: re.Pattern[bytes]) -> int:
    return sum(map(int, pattern.findall(text))) << 10


def _read(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        # It has ended.
        return b""
