"""Runs that share a prediction cache: fewer questions, and results as without one."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest
from toy import Toy

import genomark
from genomark.models import as_model, cached_predictor, load_model
from genomark.models.prediction_cache import PredictionCache
from genomark.runs import LocalExecutor, Settings, Workshop, make_plan
from genomark.scoring import Result

CALLS: list[list[str]] = []


def count_a(sequences: list[str]) -> list[float]:
    CALLS.append(list(sequences))
    return [float(sequence.count("A")) for sequence in sequences]


def share_of_a(sequences: list[str]) -> list[float]:
    """Depends on what is asked beside."""
    CALLS.append(list(sequences))
    counts = [sequence.count("A") + 1.0 for sequence in sequences]
    return [count / sum(counts) for count in counts]


count_a.batch_invariant = True  # type: ignore[attr-defined]
# Of functions that state none, no answer is kept.
count_a.version = share_of_a.version = "1"  # type: ignore[attr-defined]


SIGN = 1.0


def signed(sequences: list[str]) -> list[float]:
    return [SIGN * sequence.count("A") for sequence in sequences]


class Second(Toy):
    """Another benchmark on some of the same sequences, in other requests."""

    id = "second"
    max_request_items = 3


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    monkeypatch.setattr(cached_predictor, "WORTH", 0.0)


def run(folder: Path, cache: Path | str, *benchmarks: Toy, model=count_a, **more) -> list[Result]:
    asked = benchmarks or (Toy(), Second())
    results = genomark.run(
        model, list(asked), out=folder, prediction_cache=cache, progress=False, **more
    )
    assert not results.failed
    return results.results


def asked() -> list[str]:
    return [sequence for call in CALLS for sequence in call]


def told(results: list[Result]) -> list[bytes]:
    """All that a result says but when it was and what it took."""
    return [
        msgspec.json.encode(
            msgspec.structs.replace(each, cost=None, started="", finished="", environment=None)
        )
        for each in results
    ]


def predictions(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "predictions").glob("*.parquet")}


@pytest.mark.parametrize("model", [count_a, share_of_a])
def test_results_are_those_without_a_cache_byte_for_byte(model, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    without = run(tmp_path / "without", "off", model=model)
    first = run(tmp_path / "first", cache, model=model)
    before = len(asked())
    second = run(tmp_path / "second", cache, model=model)
    assert len(asked()) == before
    assert told(without) == told(first) == told(second)
    files = predictions(tmp_path / "without")
    assert len(files) == 2
    assert files == predictions(tmp_path / "first") == predictions(tmp_path / "second")


def test_sequences_that_benchmarks_share_are_asked_once(tmp_path: Path, caplog) -> None:
    distinct = set(Toy().items["sequence"])
    with caplog.at_level(logging.INFO, "genomark.runs"):
        run(tmp_path / "out", tmp_path / "cache")
    assert sorted(asked()) == sorted(distinct)
    assert "answers to 12 of 24 sequences were there" in caplog.text
    CALLS.clear()
    run(tmp_path / "more", tmp_path / "cache", Toy(n=8))
    assert sorted(asked()) == sorted({*Toy(n=8).items["sequence"]} - distinct)


def test_nothing_is_said_of_a_cache_that_had_nothing(tmp_path: Path, caplog) -> None:
    with caplog.at_level(logging.INFO):
        run(tmp_path / "out", tmp_path / "cache", Toy())
    assert "prediction cache" not in caplog.text


def test_a_function_that_was_set_otherwise_does_not_get_its_old_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = run(tmp_path / "first", cache, Toy(), model=signed)
    monkeypatch.setitem(globals(), "SIGN", -1.0)
    second = run(tmp_path / "second", cache, Toy(), model=signed)
    assert first[0].metrics[0].value == -second[0].metrics[0].value != 0
    # It has to say so of what cannot be seen.
    monkeypatch.setitem(globals(), "SIGN", 1.0)
    monkeypatch.setattr(signed, "version", "1", raising=False)
    third = run(tmp_path / "third", cache, Toy(), model=signed)
    monkeypatch.setitem(globals(), "SIGN", -1.0)
    fourth = run(tmp_path / "fourth", cache, Toy(), model=signed)
    assert third[0].metrics[0].value == first[0].metrics[0].value
    assert fourth[0].metrics[0].value == second[0].metrics[0].value
    assert len(list(cache.iterdir())) == 2


def test_off_is_off(tmp_path: Path) -> None:
    run(tmp_path / "out", "off")
    assert len(asked()) == 24


def test_fresh_asks_again_and_shares_what_it_gets(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(tmp_path / "out", cache)
    other = as_model(len)  # Of another model.
    PredictionCache(cache, 10**9).model_folder(other.info.digest).mkdir()
    CALLS.clear()
    run(tmp_path / "out", cache, fresh=True)
    assert len(asked()) == 12
    assert PredictionCache(cache, 10**9).model_folder(other.info.digest).is_dir()


def test_a_damaged_cache_changes_no_result(tmp_path: Path, caplog) -> None:
    cache = tmp_path / "cache"
    first = run(tmp_path / "first", cache)
    for number, path in enumerate(sorted(cache.rglob("*.predictions"))):
        content = bytearray(path.read_bytes())
        content[-1 - 100 * number % len(content)] ^= 16
        path.write_bytes(content)
    CALLS.clear()
    with caplog.at_level(logging.WARNING):
        second = run(tmp_path / "second", cache)
    assert told(first) == told(second)
    assert len(asked()) == 12
    assert "damaged" in caplog.text


def test_cost_is_that_of_computing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = run(tmp_path / "first", cache, Toy())[0]
    held = [each.told.cost for each in PredictionCache(cache, 10**9).checked() if each.told]
    spent = sum(each.wall_seconds for each in held)
    assert 0 < spent < first.cost.wall_seconds
    again = run(tmp_path / "again", cache, Toy())[0]
    assert again.cost.wall_seconds > spent
    assert again.cost.peak_rss_bytes >= max(each.peak_rss_bytes for each in held)


@pytest.mark.slow
def test_a_worker_tells_what_it_found(tmp_path: Path) -> None:
    from genomark.benchmarks.simulated import SimulatedEnhancers

    cache = PredictionCache(tmp_path / "cache", 10**9)
    benchmark = SimulatedEnhancers()
    spec = f"py:{_script(tmp_path)}:slow"
    (evaluation,) = make_plan(
        [(spec, load_model(spec))], [(benchmark.id, benchmark)], Settings(limit=20)
    ).evaluations
    here = [Workshop(tmp_path / "here", cache=cache).work(each) for each in evaluation.shards]
    assert sum(each.hits for each in here) == 0
    assert sum(each.misses for each in here) == 20
    executor = LocalExecutor(tmp_path / "there", 1, cache)
    try:
        for shard in evaluation.shards:
            executor.submit(shard)
        there = {each.digest: each for each in executor.as_completed()}
    finally:
        executor.cancel()
    for outcome in here:
        again = there[outcome.digest]
        assert again.error is None
        assert again.file_digest == outcome.file_digest
        assert (again.hits, again.misses) == (outcome.misses, 0)
        # Most of it was the model, which was not asked again.
        assert again.wall_seconds > 0.5 * outcome.wall_seconds


def _script(folder: Path) -> Path:
    path = folder / "slow.py"
    path.write_text(
        "import time\n"
        "def slow(sequences):\n"
        "    time.sleep(0.02 * len(sequences))\n"
        "    return [float(len(each)) for each in sequences]\n"
        "slow.version = 1\n"
    )
    return path
