"""What a designer is charged: processor time wherever it is spent, and waiting for others."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from genomark.benchmarks.rna.design_clock import Spent, cpu_seconds, stopwatch

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
#: Works for as many seconds of processor time as its argument says, then waits for a line.
BUSY = """
import sys, time
while time.process_time() < float(sys.argv[1]):
    pass
print("done", flush=True)
sys.stdin.readline()
"""


def work(seconds: float) -> None:
    start = time.process_time()
    while time.process_time() - start < seconds:
        pass


def busy_child(seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", BUSY, str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_what_counts_is_the_larger_of_work_and_of_time_not_spent_in_a_queue() -> None:
    assert Spent(cpu=3.0, wall=5.0, waited=4.0).counted == 3.0
    assert Spent(cpu=0.5, wall=5.0, waited=1.0).counted == 4.0
    assert Spent(cpu=9.0, wall=5.0, waited=0.0).counted == 9.0


def test_work_in_this_process_counts() -> None:
    with stopwatch() as spent:
        work(0.3)
    assert spent.cpu == pytest.approx(0.3, abs=0.1)
    assert spent.wall >= 0.29


def test_waiting_for_an_answer_from_elsewhere_counts_as_long_as_it_takes() -> None:
    with stopwatch() as spent:
        time.sleep(0.3)
    assert spent.cpu < 0.1
    assert spent.counted >= 0.25


def test_work_of_a_child_that_has_ended_counts() -> None:
    with stopwatch() as spent, busy_child(0.4) as child:
        child.communicate(b"\n")
    assert 0.4 <= spent.cpu < 1.0


@LINUX
def test_work_of_a_child_that_stays_counts_and_only_once() -> None:
    before = cpu_seconds()
    with busy_child(0.4) as child:
        assert child.stdout is not None
        child.stdout.readline()
        alive = cpu_seconds() - before
        child.communicate(b"\n")
    ended = cpu_seconds() - before
    assert 0.38 <= alive < 1.0
    assert alive - 0.02 <= ended < alive + 0.3


@LINUX
@pytest.mark.skipif(not Path("/proc/thread-self/schedstat").is_file(), reason="no schedstat")
def test_a_busy_machine_adds_nothing_to_what_is_charged() -> None:
    rivals = [busy_child(60.0) for _ in range(8)]
    try:
        # Others may take this machine's cores from outside, which it is not told of: once is enough
        # to show that what is told is taken off.
        for _ in range(10):
            with stopwatch() as spent:
                work(0.5)
            if abs(spent.wall - spent.waited - 0.5) < 0.15 and spent.waited > 0.1:
                break
    finally:
        for each in rivals:
            each.kill()
            each.communicate()
    if spent.wall < 0.7:
        pytest.skip("there are cores enough for all")
    assert spent.waited > 0.1
    assert spent.wall - spent.waited == pytest.approx(0.5, abs=0.15)
