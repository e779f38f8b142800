"""Processes that score and fail in every way: each submission comes to an end."""

from __future__ import annotations

import os
import secrets
import signal

import msgspec
import pytest
from submitting import parquet, simulated
from working import wait_for, workers_of

from genomark.leaderboard.submissions.foreman import Foreman, ScoringLimits

SWIFT = ScoringLimits(pause_seconds=0.05)


def foreman_of(office, tmp_path, **limits):
    changed = msgspec.structs.replace(SWIFT, **limits)
    return Foreman(office.store, str(tmp_path / "store"), None, office.incoming, None, changed)


def test_a_poison_ends_and_what_waits_behind_it_is_scored(office, submitter, tmp_path):
    """Whatever kills the process that scores: it is tried twice here, and no more."""
    poison = office.came(submitter.bundle(b"x"))
    good = office.came(submitter.bundle(b"y", version="99"))
    killed = set()

    def hunt():
        row = office.waiting.get(poison)
        if row.state == "scoring":
            for pid in set(workers_of(os.getpid())) - killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
        return row.done and row

    with foreman_of(office, tmp_path, tries=2):
        row = wait_for(hunt)
        after = wait_for(lambda: (found := office.waiting.get(good)).done and found)
    assert (row.state, row.tries, len(killed)) == ("failed", 2, 2)
    assert "2 times the process that scored it was ended by signal 9" in row.reason
    assert after.state == "refused"
    assert list(office.incoming.folder.glob("*.zip")) == []


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"cpu_seconds": 1}, "it took more than 1 s of a processor"),
        ({"seconds": 0.2}, "it took longer than 0.2 s"),
    ],
)
def test_what_takes_too_much_fails(office, submitter, tmp_path, limits, reason):
    id = office.came(submitter.bundle(parquet(simulated())))
    with foreman_of(office, tmp_path, **limits):
        row = wait_for(lambda: (found := office.waiting.get(id)).done and found)
    assert row.state == "failed"
    assert row.tries == 1
    assert row.reason.startswith(reason)


def test_a_server_that_is_stopped_lets_it_wait_again(office, submitter, tmp_path):
    id = office.came(submitter.bundle(parquet(simulated())))
    with foreman_of(office, tmp_path):
        wait_for(lambda: workers_of(os.getpid()))
    row = office.waiting.get(id)
    assert (row.state, row.tries) == ("waiting", 0)
    assert workers_of(os.getpid()) == []
    assert office.incoming.path(id).exists()


def test_of_two_servers_of_one_folder_one_scores(office, submitter, tmp_path):
    first, second = foreman_of(office, tmp_path), foreman_of(office, tmp_path)
    with first:
        lock = office.incoming.folder / "scoring.lock"
        wait_for(lock.exists)
        with second:
            id = office.came(submitter.bundle(b"y", version="99"))
            first.arrived()
            wait_for(lambda: office.waiting.get(id).done)
            assert office.waiting.get(id).tries == 1


def test_what_nobody_was_told_of_is_swept_when_it_is_old(office, submitter):
    id = office.came(submitter.bundle())
    old, new = (office.incoming.folder / f"{secrets.token_hex(16)}.part" for _ in range(2))
    for path in (old, new, office.incoming.path("f" * 32)):
        path.write_bytes(b"half")
    for path in (old, office.incoming.path("f" * 32), office.incoming.path(id)):
        os.utime(path, (0, 0))
    office.incoming.sweep([id])
    assert {each.name for each in office.incoming.folder.iterdir()} == {f"{id}.zip", new.name}
