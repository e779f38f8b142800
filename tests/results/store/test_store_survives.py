"""Kills, several processes at once, full disks and damage: what was acknowledged is there."""

from __future__ import annotations

import errno
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
import stored_results
from stored_results import evidence_of, result_of

from genomark.errors import GenomarkError, WriteError
from genomark.results.store import Store
from genomark.results.store.checking import check_store
from genomark.results.store.entry import result_id

WRITERS = 4


def start(place, folder, first, count, number):
    """A writer whose acknowledgements go to a file; it is ready, and waits for a line."""
    out = (folder / f"acknowledged-{number}").open("w+b", buffering=0)
    process = subprocess.Popen(
        [sys.executable, stored_results.__file__, place.place, place.files, str(first), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if number == 0 else out,
        stderr=subprocess.PIPE,
    )
    return process, out


def write_at_once(place, folder, count, kill_after=None):
    """Let four processes write; kill the first when it has acknowledged so many results."""
    folder.mkdir(exist_ok=True)
    started = [start(place, folder, n * count, count, n) for n in range(WRITERS)]
    victim = started[0][0]
    assert victim.stdout.readline() == b"ready\n", victim.stderr.read()
    for process, _ in started:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    acknowledged = [[] for _ in started]
    for line in victim.stdout:
        acknowledged[0].append(line.decode().strip())
        if len(acknowledged[0]) == kill_after:
            victim.kill()
            break
    # What it had said before the kill reached it.
    acknowledged[0] += victim.stdout.read().decode().split()
    for number, (process, out) in enumerate(started):
        _, err = process.communicate(timeout=500)
        killed = number == 0 and kill_after is not None
        assert process.returncode == (-signal.SIGKILL if killed else 0), err
        if number:
            out.seek(0)
            acknowledged[number] = out.read().decode().split()[1:]
        out.close()
    return acknowledged


def check(place, acknowledged, count):
    """Every acknowledged result is there and whole, and nothing but files without a row is over."""
    assert [len(each) for each in acknowledged[1:]] == [count] * (WRITERS - 1)
    with place.open() as store:
        entries = store.entries(every=True)
        ids = {each.id for each in entries}
        assert ids >= {id for each in acknowledged for id in each}
        # The one that was killed may have been kept before it could say so.
        assert len(ids) - sum(map(len, acknowledged)) in (0, 1)
        assert [each.number for each in entries] == list(range(1, len(entries) + 1))
        assert store.generation == len(entries)
        findings = list(check_store(store))
        # Files come before their row, at most two of the result that was in flight.
        assert {each.problem for each in findings} <= {"orphan"}
        assert len(findings) <= 2
        names = {f"model {n * count + k}" for n in range(1, WRITERS) for k in range(count)}
        assert names <= {each.model_id for each in entries}
        assert len(store.replicates(list(ids))) == len(ids)
    if place.kind == "sqlite":
        with sqlite3.connect(Path(place.place) / "store.sqlite") as database:
            assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        database.close()


def test_a_kill_among_four_writers_loses_nothing_acknowledged(place, tmp_path):
    acknowledged = write_at_once(place, tmp_path / "acknowledged", 250, kill_after=83)
    assert 83 <= len(acknowledged[0]) < 250
    check(place, acknowledged, 250)


@pytest.mark.slow
def test_a_kill_among_four_writers_of_2500_loses_nothing_acknowledged(place, tmp_path):
    acknowledged = write_at_once(place, tmp_path / "acknowledged", 2500, kill_after=1000)
    assert 1000 <= len(acknowledged[0]) < 2500
    check(place, acknowledged, 2500)


@pytest.mark.slow
def test_the_same_results_from_four_processes_are_there_once(place, tmp_path):
    started = [start(place, tmp_path, 0, 40, number) for number in range(WRITERS)]
    started[0][0].stdout.readline()
    said = []
    for number, (process, out) in enumerate(started):
        stdout, err = process.communicate(b"go\n", timeout=300)
        assert process.returncode == 0, err
        out.seek(0)
        said.append((stdout or out.read()).decode().split()[number > 0 :])
        out.close()
    assert said[1:] == said[:1] * (WRITERS - 1)
    assert len(set(said[0])) == 40
    with place.open() as store:
        assert store.generation == len(store.entries(every=True)) == 40
        assert list(check_store(store)) == []


def test_threads_share_a_store(store):
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda number: store.add(result_of(number % 50)), range(200)))
    assert len(set(ids)) == len(store.entries(every=True)) == store.generation == 50


def test_a_row_that_cannot_be_written_leaves_nothing(store, monkeypatch):
    def fail(replicates):
        raise sa.exc.OperationalError("insert", {"secret": 1}, OSError("the disk\nis full"))

    with monkeypatch.context() as patch:
        patch.setattr("genomark.results.store.store.to_row", fail)
        with pytest.raises(WriteError, match=r"the disk is full\. Nothing of it was added") as told:
            store.add(result_of(1), standing="verified", evidence=evidence_of(1))
    assert "secret" not in str(told.value)
    assert store.generation == 0
    assert store.entries(every=True) == []
    assert store.add(result_of(1), standing="verified", evidence=evidence_of(1))


def restricted(folder, pragma):
    """A store whose database is under a restriction from the next connection on."""
    store = Store.open(folder)
    store.close()

    @sa.event.listens_for(store.database._engine, "connect")
    def restrict(connection, record):
        if "{pages}" in pragma:
            pages = connection.execute("pragma page_count").fetchone()[0]
            connection.execute(pragma.format(pages=pages))
        else:
            connection.execute(pragma)

    return store


def add_many(store):
    """A short row may fit in the last page; many do not."""
    for number in range(300):
        store.add(result_of(number))


def test_a_full_disk_is_told_and_what_was_kept_stays(tmp_path):
    with Store.open(tmp_path) as store:
        id = store.add(result_of(1000))
    store = restricted(tmp_path, "pragma max_page_count={pages}")
    with pytest.raises(WriteError, match=r"database or disk is full\. Nothing of it was added"):
        add_many(store)
    store.close()
    with Store.open(tmp_path) as store:
        kept = store.entries(every=True)
        assert store.generation == len(kept) < 300
        assert store.result(id) == result_of(1000)
        assert list(check_store(store)) == []
        store.add(result_of(299))


def test_a_database_that_may_not_be_written_can_be_read(tmp_path):
    with Store.open(tmp_path) as store:
        id = store.add(result_of(1))
    store = restricted(tmp_path, "pragma query_only=1")
    with pytest.raises(WriteError, match="attempt to write a readonly database"):
        store.add(result_of(2))
    with pytest.raises(WriteError, match="attempt to write a readonly database"):
        store.withdraw(id, "a reason")
    assert store.add(result_of(1)) == id
    assert store.result(id) == result_of(1)
    store.close()


def test_no_room_for_a_file_leaves_no_row(store, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("genomark.atomic.os.fsync", full)
        with pytest.raises(WriteError, match="the disk is full"):
            store.add(result_of(1), predictions=b"p")
    assert store.entries(every=True) == []
    assert list(check_store(store)) == []


def test_a_folder_that_takes_no_files_leaves_no_row(place):
    with place.open() as store:
        place.files.mkdir(exist_ok=True)
        (place.files / "predictions").write_bytes(b"in the way")
        with pytest.raises(WriteError, match="Cannot write"):
            store.add(result_of(1), predictions=b"p")
        assert store.entries(every=True) == []


def test_a_store_cannot_be_made_where_no_folder_can_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match=r"Cannot make a store in .*file/store"):
        Store.open(tmp_path / "file" / "store")


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_told(tmp_path, content):
    (tmp_path / "store.sqlite").write_bytes(content)
    with pytest.raises(GenomarkError, match=r"Cannot read the store .*store\.sqlite: ") as told:
        Store.open(tmp_path)
    assert "\n" not in str(told.value)
    assert (tmp_path / "store.sqlite").read_bytes() == content


def test_a_file_of_the_database_that_is_gone_is_told(tmp_path):
    store = Store.open(tmp_path)
    store.add(result_of(1))
    store.close()
    for path in tmp_path.glob("store.sqlite*"):
        path.unlink()
    with pytest.raises(GenomarkError, match="no such table"):
        store.entries()
    store.close()


def test_ids_depend_on_nothing_but_owner_and_document():
    assert result_id("me", result_of(1)) == "09ac782bce095e6ee4c55cada94a5fa1"
