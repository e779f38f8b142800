"""Items that end whoever is asked them, and requests too large for memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import polars as pl
import pytest
from loky.process_executor import TerminatedWorkerError
from toy import Toy, count_a

import genomark
from genomark.benchmarks.game.orca import Orca
from genomark.models import as_model
from genomark.runs import InProcessExecutor, LocalExecutor, Settings, Workshop, make_plan, workers
from genomark.runs.outcome import response_path, shard_path
from genomark.runs.plan import Evaluation
from genomark.scoring import ModelIdentity


class Dying(BaseException):
    """Stands for the end of the process."""

    def __init__(self, how: str) -> None:
        self.how = how


class Pool:
    """A pool of one worker, a thread of this process, that a model can end."""

    started = 0

    def __init__(self, workshop: Workshop) -> None:
        type(self).started += 1
        workers._workshop = workshop
        self._broken = None
        self._thread = ThreadPoolExecutor(1)

    def submit(self, function, *args):
        return self._thread.submit(self._run, function, args)

    def _run(self, function, args):
        # What was in flight beside the one that ended it is lost with it.
        if self._broken is None:
            try:
                return function(*args)
            except Dying as death:
                words = f"A worker ended.\nThe exit codes of the workers are {{{death.how}}}"
                self._broken = TerminatedWorkerError(words)
        raise self._broken

    def shutdown(self, **_):
        self._thread.shutdown()
        workers._workshop = None


class Fragile:
    """Right about everything, unless it is asked what it cannot bear."""

    def __init__(self, bear) -> None:
        self.info = ModelIdentity(id="fragile", version="1", digest="fragile")
        self.asked: list[int] = []
        self._bear = bear
        self._model = as_model(count_a)

    def predict(self, request):
        sequences = list(request.sequences.values())
        self.asked.append(len(sequences))
        self._bear(sequences)
        return self._model.predict(request)


def toy(items: int = 64) -> Toy:
    made = Toy(items)
    made.__dict__["max_request_items"] = items
    return made


def evaluation(model, benchmark, **settings) -> Evaluation:
    models = [("fragile", model)]
    (made,) = make_plan(models, [(benchmark.id, benchmark)], Settings(**settings)).evaluations
    return made


@pytest.fixture
def outcomes(tmp_path, monkeypatch):
    """Give what became of the shards of a model, by number, in workers that it may end."""
    Pool.started = 0

    def run(model, benchmark=None, **settings):
        benchmark = benchmark or toy()
        made = evaluation(model, benchmark, **settings)
        workshop = Workshop(tmp_path, {"fragile": model}, {benchmark.id: benchmark})
        monkeypatch.setattr(LocalExecutor, "_new_pool", lambda self, _: Pool(workshop))
        executor = LocalExecutor(tmp_path, 2)
        for shard in made.shards:
            executor.submit(shard)
        found = {each.digest: each for each in executor.as_completed()}
        executor.cancel()
        return [found[shard.digest] for shard in made.shards]

    return run


def dies(how: str, when):
    def bear(sequences):
        if when(sequences):
            raise Dying(how)

    return bear


def holds(*counts: int):
    return lambda sequences: any(each.count("A") in counts for each in sequences)


def predictions(folder, outcome) -> pl.DataFrame:
    return pl.read_parquet(shard_path(folder, outcome.digest))


def whole_files(folder, benchmark=None) -> list[bytes]:
    """Files of the same shards by a model that bears everything."""
    benchmark, model = benchmark or toy(), Fragile(lambda sequences: None)
    made = evaluation(model, benchmark)
    executor = InProcessExecutor(Workshop(folder, {"fragile": model}, {benchmark.id: benchmark}))
    for shard in made.shards:
        executor.submit(shard)
    assert not [each.error for each in executor.as_completed() if each.error]
    return [shard_path(folder, shard.digest).read_bytes() for shard in made.shards]


def test_an_item_that_kills_is_isolated_and_the_rest_answered(tmp_path, outcomes):
    model = Fragile(dies("SIGSEGV(-11)", holds(5)))
    first, second = outcomes(model)
    assert first.error is None
    frame = predictions(tmp_path, first)
    lost = frame.filter(pl.col("value").is_null())
    assert lost["item_id"].to_list() == ["a5"]
    assert lost["reason"].to_list() == ["the worker process died on this item (SIGSEGV)"]
    assert frame["item_id"].to_list() == [f"a{number}" for number in range(64)]
    kept = frame.filter(pl.col("value").is_not_null())
    assert kept["value"].to_list() == [float(n) for n in range(64) if n != 5]
    assert predictions(tmp_path, second)["value"].null_count() == 0
    # Once beside its neighbour, twice alone, six halvings, once more to be sure.
    assert Pool.started <= 2 + 2 + 6 + 2


def test_nothing_is_in_flight_beside_a_suspect(tmp_path, outcomes, monkeypatch):
    benchmark = toy()
    benchmark.__dict__["max_request_items"] = 8
    # The first and the last of those that are in flight when the first dies.
    model = Fragile(dies("SIGSEGV(-11)", holds(30, 55)))
    started, crowds = LocalExecutor._start, []

    def start(executor, suspect):
        started(executor, suspect)
        if any(each.alone for each in executor._running.values()):
            crowds.append(len(executor._running))

    monkeypatch.setattr(LocalExecutor, "_start", start)
    # As if every request took longer than it is waited for.
    monkeypatch.setattr(workers, "_WAIT_SECONDS", 0.002)
    found = outcomes(model, benchmark)
    assert set(crowds) == {1}
    assert [each.error for each in found] == [None] * 16
    lost = [predictions(tmp_path, each).filter(pl.col("value").is_null()) for each in found]
    assert pl.concat(lost)["item_id"].to_list() == ["a30", "a55", "b20", "b45"]
    # Of each: once beside its neighbours, twice alone, two halvings, once to be sure.
    assert Pool.started <= 4 * 6 + 4
    kept = pl.concat(predictions(tmp_path, each) for each in found)
    assert kept.height == 128


def test_the_exit_status_of_a_worker_that_left_is_named(tmp_path, outcomes):
    first, _ = outcomes(Fragile(dies("EXIT(3)", holds(7))))
    reasons = predictions(tmp_path, first)["reason"].drop_nulls().to_list()
    assert reasons == ["the worker process died on this item (exit status 3)"]


def test_what_was_killed_for_one_item_is_told_with_its_size(tmp_path, outcomes):
    first, second = outcomes(Fragile(dies("SIGKILL(-9)", holds(40))))
    reasons = predictions(tmp_path, first)["reason"].drop_nulls().to_list()
    said = "out of memory with 1 item of up to 43 letters: the worker process was killed (SIGKILL)"
    assert reasons == [said]
    # The other task has a sequence of 40 A, too: that of item b30.
    lost = predictions(tmp_path, second).filter(pl.col("value").is_null())
    assert lost["item_id"].to_list() == ["b30"]


def test_one_item_too_large_leaves_the_batches_of_others_as_they_were(outcomes):
    model = Fragile(dies("SIGKILL(-9)", holds(5)))
    assert [each.error for each in outcomes(model)] == [None, None]
    assert model.asked[-1] == 64


def test_too_much_for_memory_is_asked_in_smaller_batches_with_the_same_bytes(tmp_path, outcomes):
    model = Fragile(dies("SIGKILL(-9)", lambda sequences: len(sequences) > 20))
    found = outcomes(model)
    assert [each.error for each in found] == [None, None]
    files = [shard_path(tmp_path, each.digest).read_bytes() for each in found]
    assert files == whole_files(tmp_path / "whole")
    # The second shard is spared what the first has shown.
    assert max(model.asked[-4:]) == 16
    assert Pool.started <= 6


def test_memory_that_python_runs_out_of_is_met_without_another_process(tmp_path, outcomes):
    def bear(sequences):
        if len(sequences) > 20:
            raise MemoryError

    model = Fragile(bear)
    found = outcomes(model)
    assert [each.error for each in found] == [None, None]
    assert Pool.started == 1
    files = [shard_path(tmp_path, each.digest).read_bytes() for each in found]
    assert files == whole_files(tmp_path / "whole")
    assert model.asked.count(64) == 1


class OutOfMemoryError(RuntimeError):
    """As PyTorch calls its own."""


@pytest.mark.parametrize("kind", [MemoryError, OutOfMemoryError])
def test_an_item_too_large_by_itself_is_reported_with_its_length(tmp_path, kind):
    def bear(sequences):
        if max(map(len, sequences)) > 60:
            raise kind("no room")

    model, benchmark = Fragile(bear), toy()
    made = evaluation(model, benchmark)
    workshop = Workshop(tmp_path, {"fragile": model}, {benchmark.id: benchmark})
    first = workshop.work(made.shards[0])
    frame = predictions(tmp_path, first)
    lost = frame.filter(pl.col("value").is_null())
    assert lost["item_id"].to_list() == [f"a{number}" for number in range(58, 64)]
    assert set(lost["reason"]) == {"out of memory with 1 item of up to 66 letters"}
    assert frame["value"].drop_nulls().to_list() == [float(n) for n in range(58)]


def test_no_memory_for_anything_fails_the_request_in_four_attempts(tmp_path):
    def bear(sequences):
        raise MemoryError

    model, benchmark = Fragile(bear), toy()
    made = evaluation(model, benchmark)
    workshop = Workshop(tmp_path, {"fragile": model}, {benchmark.id: benchmark})
    outcome = workshop.work(made.shards[0])
    assert outcome.error == "out of memory with 1 item of up to 66 letters"
    assert model.asked == [64, 1, 1, 1]


def test_a_model_that_dies_on_everything_is_given_up_soon(tmp_path, outcomes):
    found = outcomes(Fragile(dies("SIGABRT(-6)", lambda sequences: True)))
    for each in found:
        assert each.error.startswith("the worker process died ")
        assert each.error.endswith("times on this request (a crash in native code: SIGABRT)")
    # The second request shows at once what the first took some attempts to show.
    assert Pool.started <= 1 + 5 + 1


def test_too_many_bad_items_fail_the_request(outcomes):
    first, _ = outcomes(Fragile(dies("SIGSEGV(-11)", holds(*range(1, 30, 2)))))
    assert first.error.endswith(
        "(a crash in native code: SIGSEGV), and on more than 8 of its items"
    )


def test_an_error_of_the_model_in_a_piece_is_the_error_of_the_request(outcomes):
    def bear(sequences):
        if len(sequences) > 32:
            raise Dying("SIGSEGV(-11)")
        if holds(50)(sequences):
            raise ValueError("no fifty")

    first, _ = outcomes(Fragile(bear))
    assert first.error == "ValueError: no fifty"
    assert first.file_digest is None


class Whole(Toy):
    """Answers that depend on each other."""

    id = "whole"
    divisible = False


def test_what_cannot_be_divided_is_tried_three_times_as_a_whole(outcomes):
    model = Fragile(dies("SIGKILL(-9)", holds(2)))
    found = outcomes(model, Whole())
    assert [each.error is None for each in found] == [False, True, True, True]
    assert "died 3 times on this request (out of memory: SIGKILL)" in found[0].error
    assert set(model.asked) == {4, 2}


def test_a_death_by_chance_leaves_no_trace(tmp_path, outcomes):
    deaths = iter([True, True, True, False])

    def bear(sequences):
        if next(deaths, False):
            raise Dying("SIGKILL(-9)")

    found = outcomes(Fragile(bear))
    files = [shard_path(tmp_path, each.digest).read_bytes() for each in found]
    assert files == whole_files(tmp_path / "whole")


def test_answers_that_are_kept_as_they_came_are_put_together(tmp_path, outcomes):
    def bear(sequences):
        if len(sequences) > 10:
            raise MemoryError

    (first, _) = outcomes(Fragile(bear), keep_responses=True)
    kept = msgspec.json.decode(response_path(tmp_path, first.digest).read_bytes())
    (task,) = kept["prediction_tasks"]
    assert task["predictions"].keys() == {f"a{number}" for number in range(64)}


def test_cost_is_that_of_all_attempts_that_came_back(outcomes):
    first, _ = outcomes(Fragile(dies("SIGSEGV(-11)", holds(5))))
    assert first.wall_seconds > 0
    assert first.started <= first.finished
    assert first.spent is not None


def test_rows_of_tracks_that_nobody_could_be_asked_have_the_form_of_others():
    part = pl.DataFrame({"item_id": ["r1", "r2"], "length": [8, 8]})
    row = Orca.unanswered(Orca.__new__(Orca), part, "too long")
    assert row["reason"].to_list() == ["too long", "too long"]
    assert row["value"].to_list() == [None, None]
    assert row["bin_size"].null_count() == 0


SEGFAULTS = """
import os, signal

def predict(sequences):
    if "AACGT" in sequences:
        os.kill(os.getpid(), signal.SIGSEGV)
    return [float(sequence.count("A")) for sequence in sequences]
"""
#: A worker with little room: first NumPy says so, then the system does.
LITTLE_ROOM = """
import os, resource, signal
import numpy as np

def predict(sequences):
    if len(sequences) > 2:
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
        try:
            np.ones((len(sequences), 64 << 20))
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    elif len(sequences) > 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return [float(sequence.count("A")) for sequence in sequences]
"""


@pytest.fixture
def in_workers(tmp_path, monkeypatch):
    """Run a model on the toy in real workers, which take seconds to start."""
    known = tmp_path / "poison-1.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: poison\nVersion: 1\n")
    (known / "entry_points.txt").write_text("[genomark.benchmarks]\ntoy = toy:Toy\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path(__file__).parent}")

    def run(source: str):
        (tmp_path / "model.py").write_text(source)
        spec = f"py:{tmp_path}/model.py:predict"
        results = genomark.run(spec, "toy", out=tmp_path, workers=2, progress=False)
        assert results.failed == []
        return results.results[0]

    return run


@pytest.mark.slow
def test_a_real_crash(in_workers):
    result = in_workers(SEGFAULTS)
    assert result.coverage.answered == 11
    (failed,) = result.coverage.failed
    assert (failed.items, failed.reason) == (1, "the worker process died on this item (SIGSEGV)")
    assert result.metric("pearson").value == pytest.approx(1)


@pytest.mark.slow
def test_real_memory_that_runs_out(in_workers):
    result = in_workers(LITTLE_ROOM)
    assert result.coverage.answered == 12
    assert result.metric("pearson").value == pytest.approx(1)
