"""Two processes at once, a kill in the middle, a full disk: an attempt is counted whole or not."""

from __future__ import annotations

import errno
import json
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from genomark.errors import WriteError
from genomark.results.submission import Limits, attempt_log, board
from genomark.results.submission.archive import unpack
from genomark.results.submission.bundle import _LARGEST

PROGRAM = """
import json, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from genomark.results.submission import Board, board, attempt_log, standing
folder, key, moment, *bundles = sys.argv[1:]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def die_after(module, name):
    real = getattr(module, name)
    def both(*values, **options):
        real(*values, **options)
        die()
    setattr(module, name, both)
if moment == "decoded":
    board.sketch = die
elif moment == "recorded":
    attempt_log.Writing.own = die
elif moment == "standing":
    standing._flag_copies = die
elif moment == "bundle":
    board.write_whole = die
elif moment == "written":
    die_after(board, "write_whole")
elif moment == "committed":
    board.Board._accept = (lambda accept: lambda *v: (accept(*v), die()))(board.Board._accept)
found = Board.open(Path(folder), Path(key), clock=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
print(json.dumps([found.receive(Path(each)).accepted for each in bundles]))
"""


def receiving(world, moment, *bundles):
    words = [world.board_folder, world.board_key, moment, *bundles]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def written(world, number, *values, **options):
    path = world.folder / f"{number}.zip"
    path.write_bytes(world.bundle(world.noisy(0.7, number), *values, **options))
    return path


def check(world, scored):
    """The log, the standings and the bundles agree."""
    with sqlite3.connect(world.board_folder / "board.sqlite") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    with world.open()._log.reading() as log:
        attempts = log.attempts(scored=True)
        for each in attempts:
            path = world.board_folder / "received" / f"{each.bundle}.zip"
            assert unpack(path.read_bytes(), _LARGEST)
        standing = log.standing("guanine/cons30", "model")
        assert (standing is None) == (not attempts)
    assert len(attempts) == scored


@pytest.mark.parametrize(
    ("moment", "scored"),
    [
        ("decoded", 0),
        ("recorded", 0),
        ("standing", 0),
        ("bundle", 0),
        ("written", 0),
        ("committed", 1),
    ],
)
def test_a_kill_leaves_an_attempt_whole_or_none(world, moment, scored):
    path = written(world, 1)
    process = receiving(world, moment, path)
    process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL
    check(world, scored)
    assert not list(world.board_folder.rglob("*.tmp"))
    # What was not counted can be sent again, and what was cannot.
    again = world.open().receive(path)
    assert again.accepted == (not scored)
    check(world, 1)


def test_two_processes_keep_the_limits(new_world):
    world = new_world(limits=Limits(model=2, key=20))
    world.make()
    bundles = [written(world, number) for number in range(5)]
    halves = [receiving(world, "", *bundles[start::2]) for start in (0, 1)]
    answers = []
    for process in halves:
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
        answers += json.loads(out)
    assert sum(answers) == 2
    check(world, 2)
    with world.open()._log.reading() as log:
        assert len(log.attempts()) == 5


@pytest.mark.usefixtures("quick_decoding")
def test_the_same_bundle_at_once_counts_once(world):
    content = world.bundle(world.noisy(0.7))
    opened = world.open()
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda _: opened.receive(content), range(4)))
    assert sum(receipt.accepted for receipt in receipts) == 1
    reasons = {receipt.reason for receipt in receipts if not receipt.accepted}
    assert reasons == {"this bundle was scored before; pack again to submit once more"}
    check(world, 1)


@pytest.mark.usefixtures("quick_decoding")
def test_two_keys_that_want_one_name_at_once(world):
    contents = [world.bundle(world.noisy(0.7), key=key) for key in ("mine", "other", "third")]
    opened = world.open()
    with ThreadPoolExecutor(3) as pool:
        receipts = list(pool.map(opened.receive, contents))
    assert sum(receipt.accepted for receipt in receipts) == 1
    check(world, 1)


def test_a_full_disk_before_the_bundle_is_kept(world, monkeypatch):
    def full(path, content):
        raise WriteError(f"Cannot write {path}: the disk is full. Nothing was left half-written")

    path = written(world, 1)
    with monkeypatch.context() as patch:
        patch.setattr(board, "write_whole", full)
        with pytest.raises(WriteError, match="the disk is full"):
            world.open().receive(path)
    check(world, 0)
    assert world.open().receive(path).attempt == 1


def receive_often(world, content):
    """A short line may fit in the last page; many do not."""
    for _ in range(200):
        world.open().receive(content)


@pytest.mark.usefixtures("quick_decoding")
@pytest.mark.parametrize("sound", [True, False])
def test_a_full_disk_before_the_log_is_written(world, monkeypatch, sound):
    """A database that may not grow says what it says on a full disk."""
    real = sqlite3.connect

    def connect(*values, **options):
        database = real(*values, **options)
        pages = database.execute("pragma page_count").fetchone()[0]
        database.execute(f"pragma max_page_count={pages}")
        return database

    content = world.bundle(world.noisy(0.7)) if sound else b"x" * 100
    with monkeypatch.context() as patch:
        patch.setattr(attempt_log.sqlite3, "connect", connect)
        with pytest.raises(WriteError, match=r"database or disk is full. The attempt is not coun"):
            receive_often(world, content)
    check(world, 0)
    assert world.open().receive(world.bundle(world.noisy(0.7))).attempt == 1


def test_no_room_for_what_is_decoded(world, monkeypatch):
    def full(*values, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = written(world, 1)
    with monkeypatch.context() as patch:
        patch.setattr("genomark.results.submission.decoding.tempfile.TemporaryFile", full)
        with pytest.raises(WriteError, match="No space left on device"):
            world.open().receive(path)
    check(world, 0)


def test_a_log_that_is_no_database(world):
    (world.board_folder / "board.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(WriteError, match="Cannot write the log of the board"):
        world.open()
