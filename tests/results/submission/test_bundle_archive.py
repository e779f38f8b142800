"""The archive of a bundle: any tool reads it, one function writes it."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import zipfile

import pytest

from genomark.results.submission.archive import pack, unpack
from genomark.results.submission.receipt import RefusedError

MEMBERS = {"one.json": b'{"a": 1}', "two.bin": bytes(range(256)) * 40, "three": b""}
LARGEST = {"one.json": 100, "two.bin": 20_000, "three": 10}


def zipped(entries, method=zipfile.ZIP_STORED, comment=b""):
    """What any zip tool would write."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
        archive.comment = comment
    return buffer.getvalue()


def refused(content):
    with pytest.raises(RefusedError) as found:
        unpack(content, LARGEST)
    return str(found.value)


def test_other_tools_read_what_is_packed(tmp_path):
    content = pack(MEMBERS)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == MEMBERS
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    tested = subprocess.run(
        [sys.executable, "-m", "zipfile", "-t", str(path)], capture_output=True, text=True
    )
    assert "Done testing" in tested.stdout


def test_what_was_packed_is_read():
    assert unpack(pack(MEMBERS), LARGEST) == MEMBERS
    assert pack(MEMBERS) == pack(dict(MEMBERS))


def test_what_another_tool_stores_is_not_taken():
    assert "not the one that genomark submit packs" in refused(zipped(MEMBERS.items()))


def test_compressed_members_are_not_unpacked():
    bomb = [("one.json", b"0" * 50_000_000), *list(MEMBERS.items())[1:]]
    content = zipped(bomb, zipfile.ZIP_DEFLATED)
    assert len(content) < 100_000
    tracemalloc.start()
    assert (
        refused(content) == "one.json is not stored as it is; expected what genomark submit packs"
    )
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["../one.json", "/one.json", "/etc/passwd", "a/one.json", "one.json\0", "C:\\one.json"]
)
def test_no_member_has_another_name(name):
    reason = refused(pack({name: b"{}", **dict(list(MEMBERS.items())[1:])}))
    assert "where one.json was expected" in reason
    assert "\0" not in reason


def test_no_member_is_there_twice():
    content = zipped(MEMBERS.items())
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped([*MEMBERS.items(), ("one.json", b"other")])
    assert "a member twice" in refused(content)
    # In the directory only, so that two tools would read two contents.
    honest = pack(MEMBERS)
    entry = honest.index(b"PK\1\2")
    twice = honest[:entry] + honest[entry : entry + 54] + honest[entry:]
    assert "a member twice" in refused(twice)


def test_no_more_members_than_expected():
    more = [*MEMBERS.items(), *((f"{i}", b"") for i in range(70_000))]
    assert "other members" in refused(zipped(more))
    assert "other members" in refused(pack({**MEMBERS, "inner.zip": pack(MEMBERS)}))


def test_no_member_is_lacking():
    assert "has no member three" in refused(pack(dict(list(MEMBERS.items())[:2])))
    assert "has no member one.json" not in refused(pack({}))
    assert "is no zip archive" in refused(pack({}))


def test_no_member_is_a_link():
    content = pack(MEMBERS)
    assert struct.pack("<I", 0o100644 << 16) in content
    link = content.replace(struct.pack("<I", 0o100644 << 16), struct.pack("<I", 0o120777 << 16))
    assert "a link" in refused(link)


def test_no_member_is_encrypted():
    content = bytearray(pack(MEMBERS))
    content[6] |= 1
    assert refused(bytes(content)) == "one.json is encrypted; expected a plain member"


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (10_000_000_000 & 0xFFFFFFFF, "at most 100 are read"),
        (0xFFFFFFFF, "at most 100 are read"),
        (90, "no member two.bin"),
        (3, "no member two.bin"),
        (0, "no member two.bin"),
    ],
)
def test_a_size_that_the_header_lies_about(declared, reason):
    content = bytearray(pack(MEMBERS))
    content[18:26] = struct.pack("<II", declared, declared)
    assert reason in refused(bytes(content))


def test_a_size_that_goes_beyond_the_end():
    content = pack({"one.json": b"1"})
    with pytest.raises(RefusedError, match="ends before the 90 bytes"):
        unpack(content[:18] + struct.pack("<II", 90, 90) + content[26:], {"one.json": 100})


def test_a_size_that_the_directory_lies_about():
    content = bytearray(pack(MEMBERS))
    entry = content.index(b"PK\1\2")
    content[entry + 20 : entry + 28] = struct.pack("<II", 1, 1)
    assert "wrongly described" in refused(bytes(content))


def test_nothing_stands_around_the_archive():
    content = pack(MEMBERS)
    assert "is no zip archive" in refused(b"#!/bin/sh\n" + content)
    assert "a comment" in refused(content + b"x")
    assert "a comment" in refused(zipped(MEMBERS.items(), comment=b"hello"))


def test_every_cut_and_every_flipped_byte_is_refused():
    content = pack({"one.json": b"{}", "two.bin": b"ab", "three": b""})
    for end in range(len(content)):
        refused(content[:end])
    for place in range(len(content)):
        refused(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
