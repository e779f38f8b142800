"""What is seen of processes from outside, and how they are bound from there."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from genomark.models.isolation.watch import Seen, Times, confine, look, memory_shared_out

#: Starts a process that does what it is told, and tells when it is done.
_STARTER = """
import subprocess, sys
code = sys.argv[1] + "; print('done', flush=True); input()"
subprocess.run([sys.executable, "-c", code])
"""
_MB = 1 << 20


@contextmanager
def started(code: str) -> Iterator[int]:
    """Start a process whose one child does something; give its id."""
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    try:
        assert starter.stdout.readline() == b"done\n"
        yield starter.pid
    finally:
        starter.communicate(b"\n\n")


def test_process_1_counts_for_its_memory_and_not_for_the_number() -> None:
    with started("kept = b'x' * (200 << 20)") as starter:
        seen = look(starter)
        assert seen.first
        assert seen.processes == ()
        assert 200 * _MB < seen.memory < 300 * _MB
        assert 200 * _MB < memory_shared_out(seen) < 300 * _MB


def test_a_process_whose_first_thread_has_ended_counts() -> None:
    # The thread keeps memory, and the first one ends by the system call, without the process.
    code = (
        "import ctypes, os, threading, time\n"
        "def keep():\n"
        "    kept = b'x' * (200 << 20)\n"
        "    while open('/proc/self/stat').read().rpartition(')')[2].split()[0] != 'Z':\n"
        "        time.sleep(0.01)\n"
        "    os.write(1, b'done\\n')\n"
        "    os.read(0, 1)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=keep).start()\n"
        "ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)\n"
        "0"
    )
    with started(code) as starter:
        seen = look(starter)
        assert "VmRSS" not in Path(f"/proc/{seen.first}/status").read_text()
        assert seen.memory > 200 * _MB
        assert memory_shared_out(seen) > 200 * _MB


def test_times_of_what_has_ended_are_kept() -> None:
    times = Times()
    assert times.after(Seen(seconds=1.0, times={(1, 5): 1.0})) == 1.0
    # A child that is waited for counts once: the system adds it to its parent's.
    assert times.after(Seen(seconds=4.0, times={(1, 5): 1.0, (2, 7): 3.0})) == 4.0
    assert times.after(Seen(seconds=4.0, times={(1, 5): 1.0})) == 4.0
    # Of one that is not, the system keeps nothing.
    assert times.after(Seen(seconds=3.0, times={(1, 5): 1.0, (2, 9): 2.0})) == 6.0
    assert times.after(Seen(seconds=1.0, times={(1, 5): 1.0})) == 6.0


def test_a_process_is_bound_from_outside_for_good() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        confine(process.pid, 30)
        assert resource.prlimit(process.pid, resource.RLIMIT_DATA) == (64 * _MB, 64 * _MB)
        assert resource.prlimit(process.pid, resource.RLIMIT_NPROC) == (30, 30)
    finally:
        process.communicate(b"\n")
    with pytest.raises(ProcessLookupError):
        confine(process.pid, 30)


def test_nothing_is_bound_where_there_is_no_process() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(ProcessLookupError):
        confine(0, 30)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
