import errno
import os
from pathlib import Path

import pytest

from genomark.datasets import cache_folder, cache_root
from genomark.datasets.location import cached, mirrored, writing
from genomark.errors import CacheNotWritableError, DiskFullError


def test_cache_is_where_the_environment_says(cache):
    assert cache_root() == cache
    assert cached("toy", "a/b.txt") == cache / "datasets" / "toy" / "a" / "b.txt"
    assert not cache.exists()


def test_cache_defaults_to_the_place_of_the_operating_system(monkeypatch, tmp_path):
    monkeypatch.setenv("GENOMARK_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root().name == "genomark"
    assert cache_root().is_absolute()


def test_a_tilde_and_a_relative_cache_become_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENOMARK_CACHE", "here")
    assert cache_root() == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GENOMARK_CACHE", "~/there")
    assert cache_root() == tmp_path / "there"


def test_folder_of_the_cache_is_created(cache):
    assert cache_folder("fits") == cache / "fits"
    assert cache_folder("a/b").is_dir()
    assert cache_folder("fits") == cache / "fits"


def test_folder_that_cannot_be_created_gives_one_clear_line(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CacheNotWritableError) as caught:
        cache_folder("fits")
    assert str(caught.value) == (
        f"Cannot write {tmp_path}/file/cache/fits (Not a directory): "
        "set GENOMARK_CACHE to a folder that can be written."
    )


def test_no_mirror_unless_named(monkeypatch):
    assert mirrored("toy", "a.txt") is None
    monkeypatch.setenv("GENOMARK_MIRROR", "")
    assert mirrored("toy", "a.txt") is None


def test_mirror_is_a_folder_or_a_url(monkeypatch, tmp_path):
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    assert mirrored("toy", "a/b.txt") == tmp_path / "toy" / "a" / "b.txt"
    monkeypatch.setenv("GENOMARK_MIRROR", "HTTPS://mirror.example/data/")
    assert mirrored("toy", "a b/c.txt") == "HTTPS://mirror.example/data/toy/a%20b/c.txt"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENOMARK_MIRROR", "mirror")
    assert mirrored("toy", "c.txt") == tmp_path / "mirror" / "toy" / "c.txt"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_and_full_quota_are_told_from_refusal(code):
    with (
        pytest.raises(DiskFullError, match="No room to write /data/x") as caught,
        writing(Path("/data/x")),
    ):
        raise OSError(code, os.strerror(code))
    assert os.strerror(code) in str(caught.value)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EIO])
def test_refusal_names_its_reason(code):
    with pytest.raises(CacheNotWritableError) as caught, writing(Path("/data/x")):
        raise OSError(code, os.strerror(code))
    assert os.strerror(code) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), writing(Path("/data/x")):
        1 / 0  # noqa: B018
