import os
from pathlib import Path

import pytest

from genomark import datasets
from genomark.datasets import availability, verify
from genomark.errors import UnknownNameError


@pytest.fixture
def two(toy):
    toy.add("a.bin", 1000)
    toy.add("b.bin", 2000)
    return toy


def conditions(name="toy"):
    return [(status.file, status.condition) for status in verify(name)]


def test_nothing_at_hand_is_remote(two):
    assert availability("toy") == "remote"
    assert conditions() == [("a.bin", "missing"), ("b.bin", "missing")]


def test_some_at_hand_is_partial(two):
    two.put(two.cache / "datasets", "b.bin")
    assert availability("toy") == "partial"
    assert conditions() == [("a.bin", "missing"), ("b.bin", "ok")]


def test_all_in_the_cache(two):
    datasets.fetch("toy")
    assert availability("toy") == "cache"
    assert conditions() == [("a.bin", "ok"), ("b.bin", "ok")]


def test_all_in_the_mirror(two, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    two.put(tmp_path / "mirror", "a.bin")
    assert availability("toy") == "partial"
    two.put(tmp_path / "mirror", "b.bin")
    assert availability("toy") == "mirror"
    assert [status.place for status in verify("toy")] == [
        str(tmp_path / "mirror" / "toy" / name) for name in ("a.bin", "b.bin")
    ]


def test_cache_that_completes_the_mirror(two, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    two.put(tmp_path / "mirror", "a.bin")
    two.put(two.cache / "datasets", "b.bin")
    assert availability("toy") == "cache"


def test_http_mirror_is_remote_and_not_asked(two, monkeypatch):
    monkeypatch.setenv("GENOMARK_MIRROR", two.origin.url("/mirror"))
    assert availability("toy") == "remote"
    assert conditions() == [("a.bin", "missing"), ("b.bin", "missing")]
    assert two.origin.requests == []


def test_availability_goes_by_size_and_reads_nothing(two):
    two.put(two.cache / "datasets", "a.bin", b"x" * 1000)
    two.put(two.cache / "datasets", "b.bin", b"x" * 1999)
    assert availability("toy") == "partial"


def test_verify_hashes_what_availability_believes(two):
    two.put(two.cache / "datasets", "a.bin", b"x" * 1000)
    two.put(two.cache / "datasets", "b.bin", b"x" * 1999)
    first, second = verify("toy")
    assert (first.condition, second.condition) == ("wrong checksum", "truncated")
    assert two.dataset.file("a.bin").sha256 in first.detail
    assert "1,999 bytes where there should be 2,000" in second.detail


def test_verify_is_not_content_with_what_was_verified_before(two):
    place = datasets.path("toy", "a.bin")
    times = place.stat()
    place.write_bytes(b"x" * 1000)
    os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert conditions()[0] == ("a.bin", "wrong checksum")


def test_verify_looks_at_every_copy_and_touches_none(two, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    two.put(tmp_path / "mirror", "a.bin")
    bad = two.put(two.cache / "datasets", "a.bin", b"x" * 1001)
    assert conditions() == [("a.bin", "ok"), ("a.bin", "wrong checksum"), ("b.bin", "missing")]
    assert bad.exists()
    assert two.origin.requests == []


def test_missing_file_says_where_it_is_to_be_had(two):
    assert verify("toy")[0].detail == f"to be had from {two.origin.url('/origin/a.bin')}"
    assert verify("toy")[0].place is None


def test_folder_in_the_place_of_a_file_is_unreadable(two):
    two.cached("a.bin").mkdir(parents=True)
    assert conditions()[0] == ("a.bin", "unreadable")
    assert availability("toy") == "remote"


def test_place_that_may_not_be_looked_into_is_unreadable(two, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    status = verify("toy")[0]
    assert status.condition == "unreadable"
    assert "Permission denied" in status.detail


def test_unknown_dataset_is_refused(two):
    for ask in (availability, verify):
        with pytest.raises(UnknownNameError):
            ask("toys")
