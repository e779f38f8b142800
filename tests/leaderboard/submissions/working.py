"""Processes that score, seen from outside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
WORKER = "genomark.leaderboard.submissions.worker"


def wait_for(condition: Callable[[], T], seconds: float = 100.0) -> T:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


def workers_of(parent: int) -> list[int]:
    """Processes that score, started by a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            after = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(after[1]) == parent and WORKER in (folder / "cmdline").read_text():
                found.append(int(folder.name))
    return found


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
