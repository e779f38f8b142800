"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.atomic import write_whole
from genomark.errors import WriteError


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# Each example waits for the disk.
@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=300))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("write")
    write_whole(folder / "file", content)
    assert (folder / "file").read_bytes() == content
    assert names(folder) == ["file"]


def test_folders_are_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "file", b"content")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"


def test_a_file_is_replaced_and_who_reads_the_old_one_goes_on_reading(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, b"old")
    with file.open("rb") as old:
        write_whole(file, b"new and longer")
        assert old.read() == b"old"
    assert file.read_bytes() == b"new and longer"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_rights_are_those_any_new_file_gets(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "file", b"content")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_a_folder_that_refuses_is_told(tmp_path: Path) -> None:
    # Below a regular file: refused even to root.
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(WriteError) as caught:
        write_whole(tmp_path / "file" / "below" / "it", b"content")
    message = str(caught.value)
    assert message.startswith(f"Cannot write {tmp_path / 'file' / 'below' / 'it'}: ")
    assert "Not a directory" in message
    assert message.endswith("Nothing was left half-written")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(WriteError, match="Is a directory"):
        write_whole(tmp_path / "taken", b"content")
    assert names(tmp_path) == ["taken"]


def test_a_name_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="File name too long"):
        write_whole(tmp_path / ("x" * 300), b"content")
    assert names(tmp_path) == []


@pytest.mark.parametrize("where", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    file = tmp_path / "file"
    write_whole(file, b"old")

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync") if where == "fsync" else (Path, where)), full)
    with pytest.raises(WriteError, match="the disk is full"):
        write_whole(file, b"new")
    monkeypatch.undo()
    assert file.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


_LIMITED = """
import resource, sys
from pathlib import Path
from genomark.atomic import write_whole
from genomark.errors import WriteError

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
write_whole(Path(sys.argv[1]), bytes(10_000))
try:
    write_whole(Path(sys.argv[1]), b"x" * 50_000)
except WriteError as error:
    sys.stdout.write(str(error))
"""


def test_a_write_that_the_system_cuts_short_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    child = subprocess.run(
        [sys.executable, "-B", "-c", _LIMITED, str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert child.stdout.startswith(f"Cannot write {file}: File too large")
    assert file.read_bytes() == bytes(10_000)
    assert names(tmp_path) == ["file"]


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", b"content")
    assert names(tmp_path) == []


_WRITER = """
import sys
from pathlib import Path
from genomark.atomic import write_whole

while True:
    write_whole(Path(sys.argv[1]), sys.argv[2].encode() * 100_000)
"""


def test_writers_in_several_processes_never_mix_even_when_killed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(file), letter]) for letter in "ab"
    ]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        seen = set()
        until = time.monotonic() + 60
        while len(seen) < 2 and time.monotonic() < until:
            content = file.read_bytes()
            assert content in (b"a" * 100_000, b"b" * 100_000)
            seen.add(content[:1])
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
    assert seen == {b"a", b"b"}
    assert file.read_bytes() in (b"a" * 100_000, b"b" * 100_000)


def test_writers_in_several_threads_never_mix(tmp_path: Path) -> None:
    file = tmp_path / "file"
    wrong: list[bytes] = []

    def write(letter: bytes) -> None:
        for _ in range(20):
            write_whole(file, letter * 50_000)
            content = file.read_bytes()
            if len(content) != 50_000 or len(set(content)) != 1:
                wrong.append(content[:10])

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert names(tmp_path) == ["file"]


# --- What a power cut leaves. ---


def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is synced, renamed and made, in order."""
    seen: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        seen.append(f"{kind} {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        seen.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "replace", rename)
    return seen


def test_content_is_synced_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = synced(monkeypatch)
    write_whole(tmp_path / "x.parquet", b"content")
    first, *rest = seen
    assert first.startswith("file tmp")
    assert rest == ["rename x.parquet", f"folder {tmp_path.name}"]


def test_names_of_new_folders_are_synced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = synced(monkeypatch)
    write_whole(tmp_path / "a" / "b" / "file", b"content")
    assert sorted(seen[:2]) == ["folder a", f"folder {tmp_path.name}"]
    assert seen[3:] == ["rename file", "folder b"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_syncs_no_folders_is_borne(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    write_whole(tmp_path / "a" / "file", b"content")
    assert (tmp_path / "a" / "file").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EIO, "Input/output error"),
        (errno.EROFS, "Read-only file system"),
    ],
)
def test_a_disk_that_fails_even_to_clean_up_is_told_for_what_it_did_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.raises(WriteError, match=words):
        write_whole(tmp_path / "file", b"content")
    assert not (tmp_path / "file").exists()


def test_threads_do_not_take_the_mask_from_each_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:

        def write(name: str) -> None:
            for number in range(20):
                write_whole(tmp_path / f"{name}{number}", b"")

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {0o640}
