"""A folder of answers: what is found, what goes first, and what harm does."""

from __future__ import annotations

import errno
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genomark.errors import UsageError, WriteError
from genomark.models import prediction_cache_files
from genomark.models.prediction_cache import (
    FOLDER_VARIABLE,
    SIZE_VARIABLE,
    PredictionCache,
    chosen_cache,
)
from genomark.models.prediction_cache_segment import KEY, Row, Told
from genomark.protocol import PredictResponse, TaskPrediction
from genomark.scoring import Cost
from processes import wait_for

MODEL, REQUEST = "a" * 32, "b" * 32


def told(model: str = MODEL, request: str = REQUEST, name: str = "p", wall: float = 1.0) -> Told:
    task = TaskPrediction("", "e", ["CAGE"], "K562", "K562", "x", "x", None, "log", {})
    cost = Cost(wall, wall / 2, 100, 1000, 2000)
    return Told(model, "model", request, PredictResponse(name, [task]), cost)


def keys(*numbers: int) -> list[bytes]:
    return [n.to_bytes(8, "little") + bytes(KEY - 8) for n in numbers]


def rows(*numbers: float) -> list[Row]:
    return [(float(n), None) for n in numbers]


def fill(held: PredictionCache, first: int, count: int = 100, **more: str) -> None:
    numbers = range(first, first + count)
    held.add(told(**more), keys(*numbers), rows(*numbers))


def values(held: PredictionCache, *numbers: int) -> list[float | None]:
    found = held.find(MODEL, REQUEST, keys(*numbers))
    got = {} if found is None else found.rows
    return [got[key][0] if key in got else None for key in keys(*numbers)]


def segments(held: PredictionCache) -> list[Path]:
    return sorted(held.folder.rglob("*.predictions"))


@pytest.fixture
def held(tmp_path: Path) -> PredictionCache:
    return PredictionCache(tmp_path / "predictions", 10**9)


def test_what_one_adds_another_finds(held: PredictionCache) -> None:
    reader = PredictionCache(held.folder, 10**9)
    assert values(reader, 1, 2) == [None, None]
    assert not reader.knows(MODEL, REQUEST)
    held.add(told(), keys(1, 2), rows(0.5, -0.0))
    assert reader.knows(MODEL, REQUEST)
    assert values(reader, 2, 3, 1) == [-0.0, None, 0.5]
    held.add(told(), keys(3), rows(3))
    assert values(reader, 2, 3, 1) == [-0.0, 3.0, 0.5]


def test_another_model_and_another_request_have_their_own(held: PredictionCache) -> None:
    fill(held, 0)
    assert held.find("c" * 32, REQUEST, keys(1)) is None
    assert held.find(MODEL, "c" * 32, keys(1)) is None
    fill(held, 0, model="../../out of here")
    assert held.find("../../out of here", REQUEST, keys(1)) is not None
    assert all(path.is_relative_to(held.folder) for path in segments(held))
    assert len(segments(held)) == 2


def test_cost_is_that_of_the_rows_that_were_found(held: PredictionCache) -> None:
    held.add(told(wall=4.0), keys(0, 1, 2, 3), rows(0, 1, 2, 3))
    held.add(told(wall=1.0), keys(4, 5), rows(4, 5))
    found = held.find(MODEL, REQUEST, keys(1, 4, 5, 9))
    assert found is not None
    assert found.cost == Cost(2.0, 1.0, 100, 1250, 2500)


def test_answers_that_do_not_agree_are_not_put_together(held: PredictionCache) -> None:
    held.add(told(), keys(1), rows(1))
    held.add(told(name="another"), keys(2), rows(2))
    assert held.find(MODEL, REQUEST, keys(1, 2)) is None
    assert values(held, 2) == [2.0]


def test_a_whole_request_is_found_whole_or_not_at_all(held: PredictionCache) -> None:
    assert not held.knows(MODEL)
    held.add_whole(told(), keys(0, 1), rows(5, 6))
    assert held.knows(MODEL)
    found = held.find_whole(MODEL, REQUEST, keys(0, 1))
    assert found is not None
    assert list(found.rows.values()) == rows(5, 6)
    assert found.cost == told().cost
    assert held.find_whole(MODEL, REQUEST, keys(0)) is None
    assert held.find_whole(MODEL, "c" * 32, keys(0, 1)) is None
    assert held.find(MODEL, REQUEST, keys(0)) is None


def test_a_file_in_the_wrong_place_answers_nothing(held: PredictionCache, caplog) -> None:
    fill(held, 0)
    (path,) = segments(held)
    other = held.model_folder("c" * 32) / REQUEST / path.name
    other.parent.mkdir(parents=True)
    path.rename(other)
    with caplog.at_level(logging.WARNING):
        assert held.find("c" * 32, REQUEST, keys(1)) is None
    assert "another model" in caplog.text


def test_damage_is_a_miss_a_warning_and_a_file_less(held: PredictionCache, caplog) -> None:
    fill(held, 0)
    fill(held, 100)
    # Its keys are known by now: what is damaged later are the values.
    assert values(held, 5, 105) == [5.0, 105.0]
    one, other = segments(held)
    bad = one
    content = bytearray(bad.read_bytes())
    content[-1] ^= 4
    bad.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        found = [values(held, 5, 105), values(held, 5, 105)]
    assert found[0] == found[1]
    assert sorted(found[0], key=str) in ([5.0, None], [105.0, None])
    assert len(caplog.records) == 1
    assert str(bad) in caplog.text
    assert segments(held) == [each for each in (one, other) if each != bad]
    fill(held, 0)
    fill(held, 100)
    assert values(held, 5, 105) == [5.0, 105.0]


def test_damage_where_nothing_may_be_removed_is_told_once(
    held: PredictionCache, caplog, monkeypatch
) -> None:
    fill(held, 0)
    (path,) = segments(held)
    path.write_bytes(path.read_bytes()[:-1])

    def refuse(*args: object, **more: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(Path, "unlink", refuse)
    with caplog.at_level(logging.WARNING):
        assert values(held, 1) == values(held, 1) == [None]
    assert len(caplog.records) == 1


def test_what_cannot_be_read_is_a_miss_and_a_warning(
    held: PredictionCache, caplog, monkeypatch
) -> None:
    fill(held, 0)

    def refuse(*args: object, **more: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "open", refuse)
    with caplog.at_level(logging.WARNING):
        assert values(held, 1) == [None]
    assert "Input/output error" in caplog.text
    monkeypatch.undo()
    assert len(segments(held)) == 1


def test_what_another_process_has_removed_is_a_miss_in_silence(
    held: PredictionCache, caplog
) -> None:
    fill(held, 0)
    held.add_whole(told(), keys(0), rows(0))
    assert values(held, 1) == [1.0]
    for path in segments(held):
        path.unlink()
    with caplog.at_level(logging.DEBUG):
        assert values(held, 1) == [None]
        assert held.find_whole(MODEL, REQUEST, keys(0)) is None
    assert not caplog.records
    fill(held, 0)
    assert values(held, 1) == [1.0]


def test_what_was_of_use_longest_ago_goes_first(tmp_path: Path) -> None:
    sizing = PredictionCache(tmp_path / "one", 10**9)
    fill(sizing, 0)
    size = segments(sizing)[0].stat().st_size
    # Room for four, and a fifth makes it look again.
    held = PredictionCache(tmp_path / "predictions", int(4.5 * size))
    now = time.time()
    for number in range(4):
        before = set(segments(held))
        fill(held, 100 * number)
        (new,) = set(segments(held)) - before
        os.utime(new, (now - 1000 + number, now - 1000 + number))
    assert values(held, 0, 100, 200, 300) == [0.0, 100.0, 200.0, 300.0]
    for number, path in enumerate(segments(held)):
        os.utime(path, (now - 1000 + number, now - 1000 + number))
    oldest, second = segments(held)[:2]
    (kept,) = (n for n in range(4) if values_in(oldest, n * 100))
    # To be asked for is to be of use.
    assert values(held, 100 * kept) == [100.0 * kept]
    fill(held, 400)
    left = segments(held)
    assert sum(path.stat().st_size for path in left) <= held.max_bytes
    assert oldest in left
    assert second not in left
    assert values(held, 400) == [400.0]


def values_in(path: Path, first: int) -> bool:
    """Whether a segment of a hundred keys begins with one."""
    return keys(first)[0] + keys(first + 1)[0] in path.read_bytes()


def test_what_is_larger_than_the_whole_is_not_kept(tmp_path: Path) -> None:
    held = PredictionCache(tmp_path, 2000)
    fill(held, 0, 100)
    assert not segments(held)
    fill(held, 0, 10)
    assert values(held, 1) == [1.0]


def test_what_a_killed_writer_left_is_no_answer_and_goes_in_time(tmp_path: Path) -> None:
    held = PredictionCache(tmp_path, 10**6)
    fill(held, 0)
    folder = segments(held)[0].parent
    for name, age in (("old.tmp", 7200), ("new.tmp", 60)):
        (folder / name).write_bytes(segments(held)[0].read_bytes()[:50])
        os.utime(folder / name, (time.time() - age,) * 2)
    assert values(PredictionCache(tmp_path, 10**6), 1) == [1.0]
    fill(PredictionCache(tmp_path, 10**6), 100)
    assert [path.name for path in folder.glob("*.tmp")] == ["new.tmp"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_folder_that_refuses_is_told_once_and_still_read(
    held: PredictionCache, number: int, caplog, monkeypatch
) -> None:
    fill(held, 0)
    calls = []

    def refuse(path: Path, content: bytes) -> None:
        calls.append(path)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("genomark.models.prediction_cache.put", refuse)
    with caplog.at_level(logging.WARNING):
        fill(held, 100)
        fill(held, 200)
    assert len(calls) == len(caplog.records) == 1
    assert os.strerror(number) in caplog.text
    assert values(held, 5, 105) == [5.0, None]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        prediction_cache_files.put(tmp_path / "new" / "x.predictions", b"content")
    assert not list((tmp_path / "new").iterdir())


def test_a_folder_that_is_removed_meanwhile_is_made_again(
    held: PredictionCache, monkeypatch
) -> None:
    put = prediction_cache_files.put
    failures = [FileNotFoundError(errno.ENOENT, "gone")]

    def once(path: Path, content: bytes) -> None:
        if failures:
            raise failures.pop()
        put(path, content)

    monkeypatch.setattr("genomark.models.prediction_cache.put", once)
    fill(held, 0)
    assert values(held, 1) == [1.0]


def test_answers_of_several_kinds_are_not_kept(held: PredictionCache) -> None:
    import numpy as np

    held.add(told(), keys(0, 1), [*rows(0), (np.zeros(2), None)])
    held.add(told(), [], [])
    assert not held.folder.exists()


def test_a_model_is_forgotten_alone(held: PredictionCache) -> None:
    fill(held, 0)
    fill(held, 0, model="c" * 32)
    held.add_whole(told(), keys(0), rows(0))
    size = sum(path.stat().st_size for path in segments(held) if MODEL in path.parts)
    assert values(held, 1) == [1.0]
    assert held.forget(MODEL) == size
    assert values(held, 1) == [None]
    assert not held.knows(MODEL)
    assert held.find("c" * 32, REQUEST, keys(1)) is not None


def test_all_is_cleared_and_what_is_not_of_the_cache_stays(held: PredictionCache) -> None:
    fill(held, 0)
    notes = held.folder / "notes.txt"
    notes.write_text("not of the cache")
    assert values(held, 1) == [1.0]
    assert held.clear() > 0
    assert values(held, 1) == [None]
    assert [path for path in held.folder.rglob("*") if path.is_file()] == [notes]


@pytest.mark.parametrize("how", [PredictionCache.clear, lambda held: held.forget(MODEL)])
def test_what_cannot_be_removed_is_told_and_not_counted_as_free(
    held: PredictionCache, monkeypatch, how
) -> None:
    fill(held, 0)
    held.add_whole(told(), keys(0), rows(0))
    kept, gone = segments(held)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == kept:
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(WriteError) as caught:
        how(held)
    assert str(kept) in str(caught.value)
    assert "cannot be removed (Permission denied). " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (kept.exists(), gone.exists()) == (True, False)
    monkeypatch.undo()
    size = kept.stat().st_size
    assert how(held) == size
    assert how(held) == 0
    assert not held.model_folder(MODEL).exists()


def test_all_files_are_looked_at(held: PredictionCache) -> None:
    fill(held, 0)
    fill(held, 0, model="c" * 32)
    sound, bad = segments(held)
    bad.write_bytes(bad.read_bytes()[:-1] + b"\xff")
    by_path = {each.path: each for each in held.checked()}
    assert by_path[sound].told == told()
    assert by_path[sound].rows == 100
    assert by_path[sound].size == sound.stat().st_size
    assert by_path[bad].told is None
    # Heads alone do not tell, and nothing was removed.
    assert [each.told is None for each in held.checked(values=False)] == [False, False]


def test_many_requests_do_not_stay_in_memory(held: PredictionCache) -> None:
    for number in range(100):
        held.find(MODEL, f"{number:032}", keys(1))
    assert len(held._shelves) <= 64


def test_another_process_gets_the_same_cache(held: PredictionCache) -> None:
    fill(held, 0)
    assert values(held, 1) == [1.0]
    # As runs hand it to their workers.
    sent = pickle.loads(pickle.dumps(held))  # noqa: S301
    assert (sent.folder, sent.max_bytes) == (held.folder, held.max_bytes)
    assert values(sent, 1) == [1.0]


def test_the_place_is_chosen_here_there_or_by_default(own_cache: Path, tmp_path, monkeypatch):
    assert chosen_cache() is None
    monkeypatch.delenv(FOLDER_VARIABLE)
    default = chosen_cache()
    assert default is not None
    assert default.folder == own_cache / "predictions"
    assert default.max_bytes == 10**10
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "there"))
    monkeypatch.setenv(SIZE_VARIABLE, "0.5")
    there = chosen_cache()
    assert there is not None
    assert (there.folder, there.max_bytes) == (tmp_path / "there", 5 * 10**8)
    here = chosen_cache(tmp_path / "here", 2)
    assert here is not None
    assert (here.folder, here.max_bytes) == (tmp_path / "here", 2 * 10**9)
    assert chosen_cache("off") is None
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    assert chosen_cache() is None
    assert chosen_cache(tmp_path) is not None


@pytest.mark.parametrize(
    ("place", "gigabytes", "told_size", "expected"),
    [
        ("s3://bucket/folder", None, "", "expected a folder"),
        (None, 0.0, "", "above 0 GB"),
        (None, -1.0, "", "above 0 GB"),
        (None, float("nan"), "", "above 0 GB"),
        (None, float("inf"), "", "above 0 GB"),
        (None, None, "much", "GENOMARK_PREDICTION_CACHE_GB=much"),
    ],
)
def test_what_is_no_cache_is_refused(place, gigabytes, told_size, expected, monkeypatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setenv(SIZE_VARIABLE, told_size)
    with pytest.raises(UsageError, match=expected):
        chosen_cache(place, gigabytes)


#: Adds lots of keys again and again in a cache that is too small for them, and reads them back.
WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_prediction_cache as t
held = t.PredictionCache(Path({folder!r}), {max_bytes})
print("ready", flush=True)
for turn in range({turns}):
    first = 100 * ((turn * 7 + {seed}) % 40)
    t.fill(held, first)
    for start in range(0, 4000, 500):
        got = t.values(held, *range(start, start + 100))
        assert all(v is None or v == start + n for n, v in enumerate(got)), got
print("done", flush=True)
"""


def writer(folder: Path, max_bytes: int, turns: int, seed: int) -> subprocess.Popen[str]:
    tests = str(Path(__file__).parent)
    script = WRITER.format(
        tests=tests, folder=str(folder), max_bytes=max_bytes, turns=turns, seed=seed
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_two_processes_write_read_and_evict_at_once_and_one_is_killed(tmp_path: Path) -> None:
    folder, max_bytes = tmp_path / "predictions", 40_000
    steady = writer(folder, max_bytes, 80, 0)
    doomed = writer(folder, max_bytes, 10**9, 3)
    try:
        assert doomed.stdout is not None
        assert doomed.stdout.readline() == "ready\n"
        wait_for(lambda: list(folder.rglob("*.predictions")), 30)
        out, errors = steady.communicate(timeout=60)
        doomed.send_signal(signal.SIGKILL)
        _, doomed_errors = doomed.communicate(timeout=10)
    finally:
        steady.kill()
        doomed.kill()
    assert out == "ready\ndone\n", errors
    assert errors == doomed_errors == ""
    held = PredictionCache(folder, max_bytes)
    assert all(each.told is not None for each in held.checked())
    fill(held, 5000)
    assert sum(path.stat().st_size for path in segments(held)) <= max_bytes
    assert values(held, 5001) == [5001.0]
