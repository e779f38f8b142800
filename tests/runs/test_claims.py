"""Runs that share a folder."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest
from toy import Toy, count_a, length_mod_5

import genomark
from genomark.errors import WriteError
from genomark.models import as_model
from genomark.runs import (
    ClaimingExecutor,
    InProcessExecutor,
    Journal,
    Settings,
    Workshop,
    make_plan,
)
from genomark.runs import claiming as module
from genomark.runs.claiming import in_order
from genomark.runs.claims import Claims, Presence
from genomark.scoring import ModelIdentity


def test_a_claim_is_one_runs_until_it_is_released(tmp_path):
    mine, other = Claims(tmp_path), Claims(tmp_path)
    assert mine.take("a")
    assert not other.take("a")
    assert other.take("b")
    assert other.holder("a").startswith(f"process {os.getpid()} on ")
    mine.release("a")
    assert other.take("a")
    other.release_all()
    assert mine.take("b")
    mine.release_all()
    assert list((tmp_path / "claims").iterdir()) == []


def test_what_is_not_claimed_can_be_released(tmp_path):
    Claims(tmp_path).release("a")
    assert Claims(tmp_path).holder("a") == "another run"


_HOLDER = """
import sys
from pathlib import Path
from genomark.runs.claims import Claims

claims = Claims(Path(sys.argv[1]))
assert claims.take("a")
print("taken", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_had_claimed_is_free_at_once(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    claims = Claims(tmp_path)
    try:
        assert holder.stdout.readline() == "taken\n"
        assert not claims.take("a")
        assert claims.holder("a").startswith(f"process {holder.pid} on ")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert claims.take("a")
    claims.release_all()


# Python 3.11 refuses to trace a thread that starts just when another one does.
@pytest.mark.no_cover
def test_of_many_that_want_a_claim_one_has_it(tmp_path):
    inside, most, got = [], [], []

    def work():
        claims = Claims(tmp_path)
        for _ in range(200):
            if claims.take("a"):
                inside.append(1)
                most.append(len(inside))
                got.append(1)
                inside.pop()
                claims.release("a")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(most) == {1}
    assert len(got) > 1


def test_on_a_disk_without_locks_everybody_computes(tmp_path, monkeypatch):
    def refuse(descriptor, kind):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert Claims(tmp_path).take("a")
    assert Claims(tmp_path).take("a")
    Presence(tmp_path).leave()


def test_a_disk_that_refuses_a_claim_is_one_clear_line(tmp_path):
    (tmp_path / "claims").write_text("")
    with pytest.raises(WriteError, match=r"Cannot write .*claims/a\.lock: "):
        Claims(tmp_path).take("a")


def test_what_a_kill_left_half_written_goes_once_nobody_else_is_there(tmp_path):
    left = tmp_path / "shards" / "x.tmp"
    left.parent.mkdir()
    left.write_bytes(b"half")
    kept = tmp_path / "shards" / "x.parquet"
    kept.write_bytes(b"whole")
    first = Presence(tmp_path)
    assert not left.exists()
    left.write_bytes(b"of the first")
    second = Presence(tmp_path)
    assert left.exists()
    first.leave()
    Presence(tmp_path).leave()
    assert left.exists(), "the second is still there"
    second.leave()
    Presence(tmp_path).leave()
    assert not left.exists()
    assert kept.read_bytes() == b"whole"


# --- Whole runs. ---


class Meeting:
    """A model that waits in its first request until the other run has begun, too."""

    def __init__(self, barrier: threading.Barrier | None = None) -> None:
        self.info = ModelIdentity(id="meeting", version="1", digest="meeting")
        self.asked: list[str] = []
        self._barrier = barrier
        self._model = as_model(count_a)

    def predict(self, request):
        self.asked += request.sequences
        if self._barrier is not None:
            self._barrier.wait(timeout=60)
            self._barrier = None
        return self._model.predict(request)


def side_by_side(*jobs):
    found = {}

    def work(number, job):
        try:
            found[number] = job()
        except BaseException as error:  # noqa: BLE001 - told by the thread that asked
            found[number] = error

    threads = [threading.Thread(target=work, args=each) for each in enumerate(jobs)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=120)
        assert not each.is_alive()
    for each in found.values():
        if isinstance(each, BaseException):
            raise each
    return [found[number] for number in range(len(jobs))]


def test_the_same_command_twice_computes_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    barrier = threading.Barrier(2)
    models = [Meeting(barrier), Meeting(barrier)]

    def run(model):
        return genomark.run([model], Toy(30), out=tmp_path, progress=False)

    first, second = side_by_side(*(lambda model=model: run(model) for model in models))
    asked = [*models[0].asked, *models[1].asked]
    assert len(asked) == len(set(asked)) == 60
    assert models[0].asked
    assert models[1].asked
    assert first.results[0].metrics == second.results[0].metrics
    alone = genomark.run([Meeting()], Toy(30), out=tmp_path / "alone", progress=False)
    assert alone.results[0].metrics == first.results[0].metrics
    assert alone.results[0].predictions_digest == first.results[0].predictions_digest
    again = Meeting()
    assert run(again).results == second.results
    assert again.asked == []
    assert list((tmp_path / "claims").iterdir()) == []


def test_other_models_in_the_same_folder_do_not_wait_for_each_other(tmp_path):
    models = [count_a, length_mod_5, "control:random", "control:oracle"]
    results = side_by_side(
        *(
            lambda model=model: genomark.run(model, Toy(30), out=tmp_path, progress=False)
            for model in models
        )
    )
    together = genomark.run(models, Toy(30), out=tmp_path, progress=False)
    alone = genomark.run(models, Toy(30), out=tmp_path / "alone", progress=False)
    assert [each.results[0].metrics for each in results] == [each.metrics for each in alone]
    assert [each.metrics for each in together] == [each.metrics for each in alone]
    assert not together.failed


@pytest.fixture
def claiming(tmp_path):
    """A journal, the shards of a model, and a function that makes executors of it."""
    model, benchmark = Meeting(), Toy()
    (made,) = make_plan([("m", model)], [("toy", benchmark)], Settings()).evaluations
    workshop = Workshop(tmp_path, {"m": model}, {"toy": benchmark})
    with Journal(tmp_path) as journal:

        def make(**options):
            return ClaimingExecutor(InProcessExecutor(workshop), journal, in_order(1), **options)

        yield journal, made.shards, make, model


def test_who_is_waited_for_is_told_once(tmp_path, claiming, caplog, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)
    _, shards, make, _ = claiming
    other = Claims(tmp_path)
    assert other.take(shards[0].digest)
    looks = []

    def look(seconds):
        looks.append(seconds)
        if len(looks) == 3:
            other.release_all()

    monkeypatch.setattr(module.time, "sleep", look)
    executor = make()
    for each in shards:
        executor.submit(each)
    with caplog.at_level("INFO", "genomark.runs"):
        found = [outcome.digest for outcome in executor.as_completed()]
    # What another run has comes last.
    assert found == [*(each.digest for each in shards[1:]), shards[0].digest]
    (record,) = caplog.records
    assert record.getMessage().startswith("1 requests are being computed by process ")
    executor.cancel()


def test_what_another_run_did_meanwhile_is_taken(tmp_path, claiming):
    journal, shards, make, model = claiming
    executor = make()
    for each in shards:
        executor.submit(each)
    outcomes = executor.as_completed()
    first = next(outcomes)
    journal.record(first)
    other = Workshop(tmp_path, {"m": Meeting()}, {"toy": Toy()})
    journal.record(other.work(shards[2]))
    asked = len(model.asked)
    rest = list(outcomes)
    assert [each.digest for each in rest] == [each.digest for each in shards[1:]]
    assert len(model.asked) - asked == sum(each.items for each in (shards[1], shards[3]))
    executor.cancel()


def test_fresh_computes_even_that(tmp_path, claiming):
    journal, shards, make, model = claiming
    journal.record(Workshop(tmp_path, {"m": Meeting()}, {"toy": Toy()}).work(shards[0]))
    executor = make(fresh=True)
    executor.submit(shards[0])
    assert len(list(executor.as_completed())) == 1
    assert len(model.asked) == shards[0].items
    executor.cancel()


def test_a_claim_is_held_until_the_outcome_has_been_recorded(tmp_path, claiming):
    _, shards, make, _ = claiming
    executor, other = make(), Claims(tmp_path)
    for each in shards:
        executor.submit(each)
    outcomes = executor.as_completed()
    first = next(outcomes)
    assert not other.take(first.digest)
    next(outcomes)
    assert other.take(first.digest)
    executor.cancel()
    assert all(other.take(each.digest) for each in shards[1:])
    assert list(executor.as_completed()) == []
    other.release_all()
