"""The second copy of the journal."""

from __future__ import annotations

import errno
import fcntl
import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.digests import digest_of_bytes
from genomark.runs.backup import Backup
from genomark.runs.outcome import Meter


def outcome(digest: str, file_digest: str = "f"):
    return Meter().outcome(digest, file_digest)


def test_what_was_added_is_read_the_newest_of_each(tmp_path):
    backup = Backup(tmp_path / "backup")
    assert backup.outcomes() == {}
    first, second, again = outcome("a"), outcome("b"), outcome("a", "g")
    for each in (first, second, again):
        Backup(tmp_path / "backup").add(each)
    assert backup.outcomes() == {"a": again, "b": second}


@given(place=st.integers(0, 10_000), cut=st.booleans())
def test_damage_costs_no_line_but_its_own(tmp_path_factory, place, cut):
    path = tmp_path_factory.mktemp("backup") / "backup"
    backup, kept = Backup(path), [outcome(name) for name in "abc"]
    for each in kept:
        backup.add(each)
    content = path.read_bytes()
    place %= len(content)
    damaged = content[:place] if cut else content[:place] + b"\x00" + content[place + 1 :]
    path.write_bytes(damaged)
    found = backup.outcomes()
    assert all(each in kept for each in found.values())
    if not cut:
        # A line break is between two lines.
        assert len(found) >= 1
    backup.add(outcome("d"))
    assert backup.outcomes().keys() == found.keys() | {"d"}


def test_a_line_that_a_full_disk_cut_short_is_told_and_skipped(tmp_path, monkeypatch):
    path = tmp_path / "backup"
    backup = Backup(path)
    backup.add(outcome("a"))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:40]))
        with pytest.raises(OSError, match="No space left") as caught:
            backup.add(outcome("b"))
    assert caught.value.errno == errno.ENOSPC
    backup.add(outcome("c"))
    assert backup.outcomes().keys() == {"a", "c"}


def test_a_line_of_before_that_lacks_newer_fields_is_read(tmp_path):
    path = tmp_path / "backup"
    old = msgspec.structs.asdict(outcome("a"))
    del old["spent"]
    text = msgspec.json.encode(old)
    path.write_bytes(b"\n" + digest_of_bytes([text]).encode() + b" " + text)
    assert Backup(path).outcomes()["a"].file_digest == "f"


def test_a_whole_line_of_another_form_is_skipped(tmp_path):
    path = tmp_path / "backup"
    for text in (b'{"digest": 1}', b"no object"):
        with path.open("ab") as handle:
            handle.write(b"\n" + digest_of_bytes([text]).encode() + b" " + text)
    backup = Backup(path)
    backup.add(outcome("a"))
    assert backup.outcomes().keys() == {"a"}


def test_a_file_of_more_than_twice_the_lines_it_needs_is_written_anew(tmp_path):
    path = tmp_path / "backup"
    backup = Backup(path)
    rounds = [[outcome(name, f"{number}") for name in "ab"] for number in range(3)]
    for made in rounds[:2]:
        for each in made:
            backup.add(each)
    twice = path.read_bytes()
    assert backup.outcomes() == {each.digest: each for each in rounds[1]}
    assert path.read_bytes() == twice
    for each in rounds[2]:
        backup.add(each)
    newest = {each.digest: each for each in rounds[2]}
    assert backup.outcomes() == newest
    assert path.read_bytes().count(b"\n") == 2
    assert [each.name for each in tmp_path.iterdir()] == ["backup"]
    backup.add(outcome("c"))
    assert backup.outcomes().keys() == {"a", "b", "c"}


def test_a_file_that_another_process_appends_to_is_left_as_it_is(tmp_path):
    path = tmp_path / "backup"
    backup = Backup(path)
    for number in range(5):
        backup.add(outcome("a", f"{number}"))
    before = path.read_bytes()
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert backup.outcomes()["a"].file_digest == "4"
        assert path.read_bytes() == before
    assert backup.outcomes()["a"].file_digest == "4"
    assert path.read_bytes().count(b"\n") == 1


def test_a_line_goes_to_the_file_that_was_put_in_place_meanwhile(tmp_path, monkeypatch):
    path = tmp_path / "backup"
    backup = Backup(path)
    backup.add(outcome("a"))
    lock = fcntl.flock

    def replaced_first(descriptor, kind):
        monkeypatch.setattr(fcntl, "flock", lock)
        new = tmp_path / "new"
        new.write_bytes(path.read_bytes())
        new.replace(path)
        lock(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", replaced_first)
    backup.add(outcome("b"))
    assert backup.outcomes().keys() == {"a", "b"}


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS])
def test_where_there_are_no_locks_lines_are_added_and_nothing_is_replaced(
    tmp_path, monkeypatch, code
):
    def refused(descriptor, kind):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refused)
    path = tmp_path / "backup"
    backup = Backup(path)
    for number in range(5):
        backup.add(outcome("a", f"{number}"))
    before = path.read_bytes()
    assert backup.outcomes()["a"].file_digest == "4"
    assert path.read_bytes() == before
