"""Profiles of runs with models that burn and sleep for a known time, and of made-up workers."""

from __future__ import annotations

import os
import threading
import time

import pytest
from toy import Toy, count_a

import genomark
from genomark.runs import PARTS, Part, Profile, Profiler
from genomark.runs.profile import WAIT, Spent
from genomark.spans import recording, span

SECONDS = 0.1


def burn(sequences: list[str]) -> list[float]:
    end = time.thread_time() + SECONDS
    while time.thread_time() < end:
        pass
    return count_a(sequences)


def sleep(sequences: list[str]) -> list[float]:
    time.sleep(SECONDS)
    return count_a(sequences)


def profiled(folder, model, **options) -> Profile:
    found: list[Profile] = []
    options.setdefault("prediction_cache", "off")
    genomark.run(model, Toy(), out=folder, progress=False, profile=found.append, **options)
    return found[0]


def wall(profile: Profile) -> float:
    return sum(part.wall_seconds for part in profile.parts.values())


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """Imports and kernels, which the first run of a process has to wait for."""
    profiled(tmp_path_factory.mktemp("warm"), count_a)


def test_a_model_that_burns_is_wall_and_processor(tmp_path):
    profile = profiled(tmp_path, burn)
    model = profile.parts["model"]
    # Toy makes four requests. Others may use the same processors, which wall seconds show.
    assert model.wall_seconds >= 4 * SECONDS
    assert model.cpu_seconds == pytest.approx(4 * SECONDS, rel=0.2)
    assert profile.share("model") > 0.5
    assert profile.workers == 0


def test_a_model_that_sleeps_is_wall_alone(tmp_path):
    profile = profiled(tmp_path, sleep)
    model = profile.parts["model"]
    assert model.wall_seconds >= 4 * SECONDS
    assert model.cpu_seconds < 0.3 * model.wall_seconds
    assert profile.share("model") > 0.5


def test_two_models_are_told_apart_in_the_ratio_of_their_cost(tmp_path):
    def twice(sequences: list[str]) -> list[float]:
        burn(sequences)
        return burn(sequences)

    profile = profiled(tmp_path, [burn, twice])
    once, two = (profile.evaluations[f"py:{name} × toy"]["model"] for name in _names(twice))
    assert two.cpu_seconds / once.cpu_seconds == pytest.approx(2.0, rel=0.2)


def _names(twice) -> tuple[str, str]:
    return burn.__qualname__, twice.__qualname__


def test_parts_add_up_to_the_whole_and_little_is_other(tmp_path):
    start = time.perf_counter()
    profile = profiled(tmp_path, [burn, sleep])
    seconds = time.perf_counter() - start
    assert wall(profile) == pytest.approx(profile.wall_seconds)
    assert profile.wall_seconds <= seconds
    assert profile.wall_seconds > 0.95 * seconds
    assert profile.share("other") < 0.05
    assert set(profile.parts) == set(PARTS)


def test_what_is_there_already_is_not_the_models_time(tmp_path):
    profiled(tmp_path, sleep)
    profile = profiled(tmp_path, sleep)
    assert profile.parts["model"] == Part()


def test_a_profile_changes_no_byte_of_the_results(tmp_path):
    def kept(folder) -> dict[str, bytes]:
        return {
            file.name: file.read_bytes()
            for kind in ("predictions", "shards")
            for file in (folder / kind).iterdir()
        }

    profiled(tmp_path / "a", count_a)
    genomark.run(count_a, Toy(), out=tmp_path / "b", progress=False, prediction_cache="off")
    assert kept(tmp_path / "a") == kept(tmp_path / "b")


def test_the_shares_of_worker_processes_are_those_of_their_models(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time\n"
        "def sleep(sequences):\n"
        "    time.sleep(1.0)\n"
        "    return [float(len(each)) for each in sequences]\n"
    )
    found: list[Profile] = []
    genomark.run(
        f"py:{tmp_path / 'slow.py'}:sleep",
        "simulated-enhancers",
        out=tmp_path / "out",
        workers=2,
        progress=False,
        prediction_cache="off",
        profile=found.append,
    )
    (profile,) = found
    assert profile.workers == 2
    assert wall(profile) == pytest.approx(profile.wall_seconds)
    assert profile.share("other") < 0.05
    # One request and two workers: while one slept, the other was idle.
    model, idle = (profile.parts[name].wall_seconds for name in ("model", "idle"))
    assert model > 0.45
    assert idle > 0.9 * model
    assert profile.parts["start"].cpu_seconds > 0.1


def spent(thread: int, seconds: dict[str, tuple[float, float]]) -> Spent:
    return Spent(process=-1, thread=thread, seconds=seconds)


@pytest.fixture
def waited(monkeypatch) -> Profiler:
    """A run that has waited ten seconds for two workers."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr("genomark.spans._now", lambda: now[0])
    profiler = Profiler(2)
    with recording(profiler.ledger):
        profiler.begin()
        with span(WAIT):
            now[0] = 10.0
    return profiler


def test_what_workers_did_takes_the_place_of_the_wait(waited):
    waited.take(spent(1, {"model": (8.0, 8.0), "store": (2.0, 0.0)}), "a")
    waited.take(spent(2, {"start": (1.0, 1.0), "model": (4.0, 2.0)}), "b")
    profile = waited.profile()
    walls = {name: part.wall_seconds for name, part in profile.parts.items() if part.wall_seconds}
    # Two workers, ten seconds each: of these 20 the run waited 10.
    assert walls == pytest.approx({"start": 0.5, "model": 6.0, "store": 1.0, "idle": 2.5})
    assert profile.parts["model"].cpu_seconds == 10.0
    assert profile.evaluations == {
        "a": {"model": Part(4.0, 8.0), "store": Part(1.0, 0.0)},
        "b": {"model": Part(2.0, 2.0)},
    }


def test_a_worker_that_never_had_a_request_is_idle_too(waited):
    waited.take(spent(1, {"model": (10.0, 10.0)}), "a")
    profile = waited.profile()
    assert profile.share("idle") == pytest.approx(0.5)
    assert profile.workers == 2


def test_a_worker_that_died_tells_nothing(waited):
    waited.take(None, "a")
    profile = waited.profile()
    assert profile.share("other") == 1.0
    assert profile.workers == 0


def test_what_the_run_computes_itself_is_counted_once(waited):
    here = Spent(os.getpid(), threading.get_ident(), {"model": (9.0, 0.0), "store": (1.0, 0.0)})
    waited.take(here, "a")
    profile = waited.profile()
    assert profile.wall_seconds == pytest.approx(10.0)
    assert profile.parts["model"].wall_seconds == pytest.approx(9.0)
    assert profile.share("idle") == 0.0


def test_what_came_before_belongs_to_starting(waited):
    waited.take(spent(1, {"model": (10.0, 10.0)}), "a")
    profile = waited.profile().after(5.0, 4.0)
    assert profile.wall_seconds == pytest.approx(15.0)
    assert profile.parts["start"] == Part(5.0, 4.0)


def test_cpu_of_threads_of_the_run_is_counted_once(waited, monkeypatch):
    # The clock of the process shows what its threads computed while the run waited.
    (key,) = [key for key in waited.ledger.seconds() if key[1] == WAIT]
    waited.ledger.add(WAIT, 0.0, 12.0 - waited.ledger.seconds()[key][1])
    other = Spent(os.getpid(), threading.get_ident() + 1, {"model": (10.0, 11.0)})
    waited.take(other, "a")
    profile = waited.profile()
    assert profile.workers == 2
    assert profile.parts["model"].cpu_seconds == 11.0
    assert profile.parts["other"].cpu_seconds == pytest.approx(1.0, abs=0.1)
