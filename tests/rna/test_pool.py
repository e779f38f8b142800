"""Worker processes that are killed, and whose parent is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from genomark.errors import ModelError, UsageError
from genomark.rna import pool as module
from genomark.rna.pool import WorkerPool, cores, shared_pool
from genomark.rna.vienna import FoldSettings, fold_all
from processes import alive, wait_for

#: One fold of these takes about half a minute, without a chance for Python to look around.
LONG = "GCAU" * 900


def square(number: int) -> int:
    return number * number


def wait_a_little(number: int) -> int:
    time.sleep(0.3)
    return number


def me(_: int) -> int:
    return os.getpid()


def refuse(number: int) -> int:
    if number == 3:
        raise UsageError("three is not for us")
    return number


def die_once(marker: str) -> str:
    """Die as if out of memory, but the first time only."""
    if marker.startswith("/") and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker


def die_always(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def squares_of_a_pool_within(number: int) -> tuple[int, list[tuple[int, int]]]:
    with WorkerPool(2) as inner:
        return cores(), sorted(inner.results(square, range(number)))


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def pool(told: list[str]) -> Iterator[WorkerPool]:
    with WorkerPool(2, told.append) as made:
        yield made


def children() -> set[int]:
    """Processes of Python that this one started, for work."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            started = (task / "children").read_text().split()
        except OSError:
            # The thread ended just now.
            continue
        for pid in started:
            if b"popen_loky" in command_of(int(pid)):
                found.add(int(pid))
    return found


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_results_come_with_the_place_of_their_job_and_the_processes_stay(
    pool: WorkerPool, told: list[str]
) -> None:
    assert not pool.warm
    assert dict(pool.results(square, range(50))) == {n: n * n for n in range(50)}
    assert pool.warm
    first = {pid for _, pid in pool.results(me, range(20))}
    assert {pid for _, pid in pool.results(me, range(20))} <= first | children()
    assert os.getpid() not in first
    assert told == []


def test_jobs_are_taken_as_workers_get_free(pool: WorkerPool) -> None:
    taken = 0

    def jobs() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = pool.results(square, jobs())
    for number in range(10):
        next(results)
        assert taken <= number + 4
    results.close()
    assert dict(pool.results(square, [7])) == {0: 49}


def test_an_error_of_the_function_comes_back_as_it_is(pool: WorkerPool) -> None:
    with pytest.raises(UsageError, match=r"^three is not for us$"):
        list(pool.results(refuse, range(10)))
    assert sorted(pool.results(refuse, range(3))) == [(0, 0), (1, 1), (2, 2)]


def test_jobs_that_died_with_a_worker_are_done_again(
    pool: WorkerPool, told: list[str], tmp_path: Path
) -> None:
    jobs = [str(tmp_path / "dead"), *(f"job {n}" for n in range(20))]
    assert dict(pool.results(die_once, jobs)) == dict(enumerate(jobs))
    assert len(told) == 1
    assert told[0].startswith("A worker process died; ")


def test_a_job_that_kills_every_worker_is_named_after_three_deaths(
    pool: WorkerPool, told: list[str]
) -> None:
    found: dict[int, int] = {}
    results = pool.results(die_always, range(6), lambda job: f"job number {job}")
    with pytest.raises(ModelError, match=r"^job number 2: its worker process died 3 times"):
        found.update(results)
    assert 2 not in found
    assert told[-1] == "A worker process died; job number 2 is tried again"
    assert sorted(pool.results(square, [1])) == [(0, 1)]


@pytest.mark.slow
def test_a_worker_killed_while_it_folds_costs_nothing(pool: WorkerPool, told: list[str]) -> None:
    settings = FoldSettings()
    jobs = [(settings, [LONG[: 400 + 20 * number]]) for number in range(12)]
    expected = [fold_all(job) for job in jobs]
    victim = dict(pool.results(me, range(4)))[0]
    timer = threading.Timer(0.4, os.kill, (victim, signal.SIGKILL))
    timer.start()
    found = dict(pool.results(fold_all, jobs))
    timer.join()
    assert [found[place] for place in range(12)] == expected
    assert not alive(victim)
    assert len(told) == 1


def test_leaving_early_ends_what_was_in_flight(pool: WorkerPool) -> None:
    others = children()
    list(pool.results(square, range(4)))
    assert len(children() - others) == 2
    for _ in pool.results(wait_a_little, range(100)):
        break
    # What is left of a generator that nobody holds is collected at once.
    assert wait_for(lambda: children() == others, 5)


def test_callers_of_several_threads_take_turns(pool: WorkerPool) -> None:
    found: dict[int, dict[int, int]] = {}

    def work(number: int) -> None:
        found[number] = dict(pool.results(square, range(number, number + 30)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: {i: (n + i) ** 2 for i in range(30)} for n in range(4)}


def test_a_pool_within_a_worker_works_and_takes_one_core_by_default(pool: WorkerPool) -> None:
    (_, (counted, found)), *_ = pool.results(squares_of_a_pool_within, [5])
    assert found == [(n, n * n) for n in range(5)]
    assert counted == 1


def test_the_number_of_workers_is_that_of_the_cores_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert WorkerPool().workers == len(os.sched_getaffinity(0)) == cores()
    with pytest.raises(UsageError, match="workers=-1: expected 1 or more"):
        WorkerPool(-1)
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == os.cpu_count()
    monkeypatch.setattr(multiprocessing.current_process(), "_name", "LokyProcess-1")
    assert cores() == 1


def test_all_callers_share_one_pool_for_each_number_of_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_kept", {})
    assert shared_pool(3) is shared_pool(3)
    assert shared_pool(3) is not shared_pool(2)
    assert shared_pool() is shared_pool(cores())


SCRIPT = """
import sys
sys.path[:0] = {folders!r}
from genomark.rna.pool import WorkerPool
from genomark.rna.vienna import FoldSettings, fold_all
from test_pool import LONG, square

if __name__ == "__main__":
    with WorkerPool(2) as pool:
        list(pool.results(square, range(4)))
        print("ready", flush=True)
        list(pool.results(fold_all, [(FoldSettings(), [LONG])] * 4))
"""


@pytest.mark.parametrize(("sent", "seconds"), [(signal.SIGKILL, 5.0), (signal.SIGINT, 5.0)])
def test_no_worker_outlives_its_parent_even_in_the_middle_of_a_fold(
    sent: signal.Signals, seconds: float, tmp_path: Path
) -> None:
    script = tmp_path / "parent.py"
    folders = [str(folder) for folder in Path(__file__).parents[:2]]
    script.write_text(SCRIPT.format(folders=folders))
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        time.sleep(1.5)
        workers = [
            int(path.name)
            for path in Path("/proc").iterdir()
            if path.name.isdigit()
            and b"popen_loky" in command_of(int(path.name))
            and os.getsid(int(path.name)) == parent.pid
        ]
        assert len(workers) == 2
        begun = time.monotonic()
        if sent == signal.SIGINT:
            # As the terminal does it: to all processes at once.
            os.killpg(parent.pid, sent)
        else:
            parent.send_signal(sent)
        _, errors = parent.communicate(timeout=30)
        wait_for(lambda: not any(map(alive, workers)), seconds)
        assert time.monotonic() - begun < seconds
    finally:
        parent.kill()
    if sent == signal.SIGINT:
        # The parent tells of the interruption, its workers do not.
        assert errors.count(b"KeyboardInterrupt") == 1
