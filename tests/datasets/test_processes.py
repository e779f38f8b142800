"""Several processes, and one that is killed."""

import signal
import threading
import time

import pytest

from genomark import datasets
from processes import wait_for


@pytest.fixture
def started():
    """Processes that are gone when the test is over."""
    processes = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_two_processes_download_once(toy, started):
    # Slow enough that both are there before either is done.
    toy.add("a.bin", 400_000, chunk=20_000, pause=0.05)
    started += [toy.start("a.bin"), toy.start("a.bin")]
    answers = [process.communicate(timeout=20) for process in started]
    assert [process.returncode for process in started] == [0, 0], answers
    assert {out.strip() for out, _ in answers} == {str(toy.cached("a.bin"))}
    assert toy.origin.requests == [("/origin/a.bin", None)]
    assert toy.origin.sent == 400_000
    assert toy.left() == ["datasets/toy/a.bin"]


def test_threads_of_one_process_download_once(toy):
    toy.add("a.bin", 200_000, chunk=20_000, pause=0.02)
    places = []
    threads = [
        threading.Thread(
            target=lambda: places.append(datasets.path("toy", "a.bin", progress=False))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert places == [toy.cached("a.bin")] * 4
    assert toy.origin.requests == [("/origin/a.bin", None)]


def test_killed_download_is_resumed(toy, started):
    answer = toy.add("a.bin", 1_000_000, chunk=10_000, pause=0.05)
    started.append(toy.start("a.bin"))
    part = toy.part("a.bin")
    wait_for(lambda: part.exists() and part.stat().st_size >= 50_000, 10)
    started[0].send_signal(signal.SIGKILL)
    assert started[0].wait(10) == -signal.SIGKILL
    held = part.stat().st_size
    assert 50_000 <= held < 1_000_000
    assert not toy.cached("a.bin").exists()

    answer.pause = 0.0
    place = datasets.path("toy", "a.bin")
    assert place.read_bytes() == toy.contents["a.bin"]
    assert toy.origin.requests == [("/origin/a.bin", None), ("/origin/a.bin", f"bytes={held}-")]
    assert toy.left() == ["datasets/toy/a.bin"]


def test_process_that_waits_takes_over_from_one_that_is_killed(toy, started):
    answer = toy.add("a.bin", 1_000_000, chunk=10_000, pause=0.05)
    started.append(toy.start("a.bin"))
    part = toy.part("a.bin")
    wait_for(lambda: part.exists() and part.stat().st_size >= 50_000, 10)
    started.append(toy.start("a.bin"))
    time.sleep(0.5)
    assert len(toy.origin.requests) == 1
    started[0].kill()
    answer.pause = 0.0
    out, err = started[1].communicate(timeout=20)
    assert started[1].returncode == 0, err
    assert out.strip() == str(toy.cached("a.bin"))
    assert toy.cached("a.bin").read_bytes() == toy.contents["a.bin"]
    assert [asked is not None for _, asked in toy.origin.requests] == [False, True]


def test_reader_never_sees_a_file_that_is_not_whole(toy):
    toy.add("a.bin", 200_000, chunk=10_000, pause=0.01)
    thread = threading.Thread(target=lambda: datasets.path("toy", "a.bin", progress=False))
    thread.start()
    sizes = set()
    while thread.is_alive():
        if toy.cached("a.bin").exists():
            sizes.add(toy.cached("a.bin").stat().st_size)
    thread.join()
    assert sizes <= {200_000}
