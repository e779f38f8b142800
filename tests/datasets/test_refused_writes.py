"""A full disk and a cache that cannot be written: a clear error, and nothing left behind."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from genomark import datasets
from genomark.errors import CacheNotWritableError, DiskFullError


@pytest.fixture
def tiny_disk(tmp_path, monkeypatch):
    """A real file system of 128 kB for the cache, where mounting one is allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, timeout=10).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("may not mount a file system here")
    monkeypatch.setenv("GENOMARK_CACHE", str(disk))
    yield disk
    subprocess.run(["umount", str(disk)], check=True, timeout=10)


@pytest.fixture
def refuse(monkeypatch):
    """Make an operation of the file system fail below the cache."""

    def fail(owner, name, code, when=lambda *_: True):
        true = getattr(owner, name)

        def failing(*how, **named):
            if when(*how):
                raise OSError(code, os.strerror(code))
            return true(*how, **named)

        monkeypatch.setattr(owner, name, failing)

    return fail


class FullFile:
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, room):
        self._file = file
        self._room = room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data):
        if len(data) > self._room:
            self._file.write(data[: self._room])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._room -= len(data)
        return self._file.write(data)

    def flush(self):
        self._file.flush()


def test_real_full_disk(toy, tiny_disk):
    toy.cache = tiny_disk
    toy.add("a.bin", 300_000)
    with pytest.raises(DiskFullError) as caught:
        datasets.path("toy", "a.bin")
    assert "No room to write" in str(caught.value)
    assert "No space left on device" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert toy.left() == []


def test_real_disk_with_room_enough(toy, tiny_disk):
    toy.cache = tiny_disk
    toy.add("a.bin", 30_000)
    assert datasets.path("toy", "a.bin").read_bytes() == toy.contents["a.bin"]


def test_disk_that_fills_up_midway(toy, monkeypatch):
    toy.add("a.bin", 300_000)
    true = Path.open

    def small(self, mode="r", *how, **named):
        opened = true(self, mode, *how, **named)
        return FullFile(opened, 100_000) if mode in ("wb", "ab") else opened

    monkeypatch.setattr(Path, "open", small)
    with pytest.raises(DiskFullError, match="GENOMARK_CACHE to a folder on another disk"):
        datasets.path("toy", "a.bin")
    assert toy.left() == []


def test_full_disk_spoils_no_leftover_silently(toy, monkeypatch):
    toy.add("a.bin", 300_000)
    toy.part("a.bin").parent.mkdir(parents=True)
    toy.part("a.bin").write_bytes(toy.contents["a.bin"][:1000])
    true = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, mode="r", *how: (
            FullFile(true(self, mode, *how), 10) if mode == "ab" else true(self, mode, *how)
        ),
    )
    with pytest.raises(DiskFullError):
        datasets.path("toy", "a.bin")
    assert toy.left() == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EROFS, CacheNotWritableError),
        (errno.EIO, CacheNotWritableError),
    ],
)
@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")])
def test_failure_at_the_last_step_leaves_nothing(toy, refuse, owner, name, code, error):
    toy.add("a.bin")
    refuse(owner, name, code)
    with pytest.raises(error) as caught:
        datasets.path("toy", "a.bin")
    assert os.strerror(code) in str(caught.value)
    assert toy.left() == []


def test_full_disk_is_not_blamed_on_the_source(toy, refuse, monkeypatch):
    good = toy.add("a.bin")
    toy.origin.answers["/mirror/toy/a.bin"] = good
    monkeypatch.setenv("GENOMARK_MIRROR", toy.origin.url("/mirror"))
    refuse(os, "fsync", errno.ENOSPC)
    with pytest.raises(DiskFullError):
        datasets.path("toy", "a.bin")
    assert [path for path, _ in toy.origin.requests] == ["/mirror/toy/a.bin"]


def test_cache_below_a_file(toy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "file" / "cache"))
    toy.add("a.bin")
    with pytest.raises(CacheNotWritableError) as caught:
        datasets.path("toy", "a.bin")
    assert "Not a directory" in str(caught.value)
    assert "set GENOMARK_CACHE to a folder that can be written" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == ""
    assert toy.origin.requests == []


@pytest.mark.parametrize("folder", ["locks", "partial"])
def test_folder_of_the_cache_that_is_a_file(toy, folder):
    toy.add("a.bin")
    toy.cache.mkdir()
    (toy.cache / folder).write_text("")
    with pytest.raises(CacheNotWritableError, match=folder):
        datasets.path("toy", "a.bin")
    assert toy.origin.requests == []


def test_dataset_folder_that_is_a_file(toy):
    toy.add("deep/a.bin")
    (toy.cache / "datasets" / "toy").mkdir(parents=True)
    (toy.cache / "datasets" / "toy" / "deep").write_text("")
    with pytest.raises(CacheNotWritableError):
        datasets.path("toy", "deep/a.bin")
    assert toy.left() == ["datasets/toy/deep"]


def test_folder_in_the_place_of_the_file(toy):
    toy.add("a.bin")
    toy.cached("a.bin").mkdir(parents=True)
    with pytest.raises(CacheNotWritableError, match="Is a directory"):
        datasets.path("toy", "a.bin")
    assert toy.left() == []


def test_read_only_cache(toy):
    toy.add("a.bin")
    toy.cache.mkdir()
    toy.cache.chmod(0o500)
    if os.access(toy.cache, os.W_OK):
        pytest.skip("root may write anywhere")
    try:
        with pytest.raises(CacheNotWritableError, match="Permission denied"):
            datasets.path("toy", "a.bin")
        assert toy.left() == []
    finally:
        toy.cache.chmod(0o700)


def test_lock_that_is_refused(toy, refuse):
    toy.add("a.bin")
    refuse(os, "open", errno.EROFS, when=lambda path, *_: str(path).endswith(".lock"))
    with pytest.raises(CacheNotWritableError, match=r"\.lock \(Read-only file system\)"):
        datasets.path("toy", "a.bin")
    assert toy.left() == []


def test_good_copy_in_a_cache_that_cannot_be_written_serves(toy, refuse):
    toy.add("a.bin")
    place = toy.put(toy.cache / "datasets", "a.bin")
    refuse(Path, "mkdir", errno.EROFS)
    refuse(os, "open", errno.EROFS)
    assert datasets.path("toy", "a.bin") == place


def test_bad_copy_that_cannot_be_removed(toy, refuse):
    toy.add("a.bin")
    toy.put(toy.cache / "datasets", "a.bin", b"short")
    refuse(Path, "unlink", errno.EPERM)
    with pytest.raises(CacheNotWritableError, match="Operation not permitted"):
        datasets.path("toy", "a.bin")


def test_unreadable_copy_in_the_cache_is_replaced(toy, monkeypatch):
    toy.add("a.bin")
    place = toy.put(toy.cache / "datasets", "a.bin")
    true, refused = Path.open, []

    def once(self, mode="r", *how, **named):
        if self == place and len(refused) < 2:
            refused.append(self)
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return true(self, mode, *how, **named)

    monkeypatch.setattr(Path, "open", once)
    assert datasets.path("toy", "a.bin") == place
    assert len(toy.origin.requests) == 1
    assert place.read_bytes() == toy.contents["a.bin"]
