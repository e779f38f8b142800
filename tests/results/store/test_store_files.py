"""Files are named by what they hold, whole before a row names them, and checked when read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import fsspec
import pytest

from genomark.errors import GenomarkError, UsageError, WriteError
from genomark.results.store.files import (
    FileDamagedError,
    FileMissingError,
    LocalFiles,
    open_files,
)

CONTENT = b"some predictions"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["folder", "file", "memory"])
def files(request, tmp_path):
    place = {
        "folder": tmp_path / "files",
        "file": f"file://{tmp_path}/files",
        "memory": f"memory://genomark-{os.urandom(4).hex()}",
    }[request.param]
    return open_files(place)


def path_of(files, tmp_path):
    return tmp_path / "files" / "predictions" / DIGEST[:2] / f"{DIGEST}.parquet"


def test_a_file_comes_back_under_its_digest(files):
    assert files.put("predictions", CONTENT) == DIGEST
    assert files.put("predictions", CONTENT) == DIGEST
    assert files.get("predictions", DIGEST) == CONTENT
    assert list(files.digests("predictions")) == [DIGEST]
    assert list(files.digests("items")) == []


def test_both_kinds_are_apart(files):
    files.put("items", CONTENT)
    with pytest.raises(FileMissingError, match="no such file, though a result names it"):
        files.get("predictions", DIGEST)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, f"{'a' * 64}\n", "*"])
def test_only_a_digest_names_a_file(files, name):
    with pytest.raises(FileDamagedError, match="is no SHA-256"):
        files.get("predictions", name)


def test_a_damaged_file_is_told_and_put_right_by_the_next_who_has_it(tmp_path):
    files = LocalFiles(tmp_path / "files")
    files.put("predictions", CONTENT)
    path = path_of(files, tmp_path)
    for content in (b"other bytes", CONTENT[:-1], b""):
        path.write_bytes(content)
        with pytest.raises(FileDamagedError, match="not the bytes that its name says"):
            files.get("predictions", DIGEST)
        files.put("predictions", CONTENT)
        assert files.get("predictions", DIGEST) == CONTENT


def test_a_damaged_file_elsewhere_is_put_right_too():
    url = f"memory://genomark-{os.urandom(4).hex()}"
    files = open_files(url)
    files.put("predictions", CONTENT)
    system = fsspec.filesystem("memory")
    (path,) = system.find(url.removeprefix("memory:/"))
    system.pipe_file(path, b"damaged")
    with pytest.raises(FileDamagedError):
        files.get("predictions", DIGEST)
    files.put("predictions", CONTENT)
    assert files.get("predictions", DIGEST) == CONTENT


def test_what_is_half_written_is_no_file(tmp_path):
    files = LocalFiles(tmp_path / "files")
    files.put("predictions", CONTENT)
    folder = path_of(files, tmp_path).parent
    (folder / "tmpabc.tmp").write_bytes(CONTENT[:3])
    (folder / "notes.parquet").write_bytes(b"")
    assert list(files.digests("predictions")) == [DIGEST]


def test_file_and_folders_are_synced_before_it_is_said_to_be_kept(tmp_path, monkeypatch):
    synced, real = [], os.fsync

    def fsync(handle):
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    files = LocalFiles(tmp_path / "files")
    files.put("predictions", CONTENT)
    path = path_of(files, tmp_path)
    folders = [str(path.parent), str(path.parents[1]), str(path.parents[2])]
    (file,) = (number for number, name in enumerate(synced) if name.endswith(".tmp"))
    assert synced[-3:] == folders
    assert file < len(synced) - 3
    # Another process may have renamed it just now, and not have come to its folders yet.
    synced.clear()
    assert LocalFiles(tmp_path / "files").put("predictions", CONTENT) == DIGEST
    assert synced == folders


def test_what_the_other_side_says_is_told(monkeypatch):
    files = open_files(f"memory://genomark-{os.urandom(4).hex()}")

    def refuse(*values, **options):
        raise PermissionError("not\nyours")

    monkeypatch.setattr(files._system, "pipe_file", refuse)
    with pytest.raises(WriteError, match=r"Cannot write memory://.*: not yours"):
        files.put("predictions", CONTENT)
    monkeypatch.setattr(files._system, "cat_file", refuse)
    with pytest.raises(GenomarkError, match=r"Cannot read memory://.*: not yours"):
        files.get("predictions", DIGEST)


def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    files = LocalFiles(tmp_path)
    (tmp_path / "predictions" / DIGEST[:2] / f"{DIGEST}.parquet").mkdir(parents=True)
    with pytest.raises(GenomarkError, match=r"Cannot read .*Is a directory"):
        files.get("predictions", DIGEST)


def test_what_fsspec_does_not_know_is_told():
    with pytest.raises(GenomarkError, match="Files at nothing://x: "):
        open_files("nothing://x")


def test_without_fsspec_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("genomark.extras.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs fsspec: pip install 'genomark\[remote-files\]'"):
        open_files("memory://x")
