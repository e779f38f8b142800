"""The second copy of the journal."""

from __future__ import annotations

import errno
import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    from genomark.digests import digest_of_bytes

    text = msgspec.json.encode(old)
    path.write_bytes(b"\n" + digest_of_bytes([text]).encode() + b" " + text)
    assert Backup(path).outcomes()["a"].file_digest == "f"
