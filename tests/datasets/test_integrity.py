import hashlib
import os

import pytest

from genomark.datasets import DatasetFile
from genomark.datasets.integrity import check, check_once, looks_right, remember
from genomark.errors import ChecksumError, DatasetUnavailableError, TruncatedFileError

# SHA-256 of "abc", from FIPS 180-2, appendix B.1.
ABC = DatasetFile(
    path="abc.txt",
    bytes=3,
    sha256="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    url="https://example.org/abc.txt",
)


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "abc.txt"
    place.write_bytes(b"abc")
    return place


@pytest.fixture
def hashed(monkeypatch):
    """The files that were hashed, one entry each time."""
    seen = []
    digest = hashlib.file_digest

    def counting(stream, name):
        seen.append(stream.name)
        return digest(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    return seen


def test_right_file_passes(place):
    check(place, ABC)


def test_fewer_bytes_are_a_truncated_file(place):
    place.write_bytes(b"ab")
    with pytest.raises(TruncatedFileError, match=r"abc\.txt: 2 bytes where there should be 3"):
        check(place, ABC)


def test_more_bytes_are_not_the_file(place):
    place.write_bytes(b"abcd")
    with pytest.raises(ChecksumError, match="more bytes than the 3"):
        check(place, ABC)


def test_other_bytes_are_named_by_both_checksums(place):
    place.write_bytes(b"abd")
    with pytest.raises(ChecksumError) as caught:
        check(place, ABC, origin="https://example.org/abc.txt")
    assert str(caught.value) == (
        "https://example.org/abc.txt: SHA-256 is "
        f"{hashlib.sha256(b'abd').hexdigest()}, should be {ABC.sha256}"
    )


def test_missing_file_and_folder_are_unavailable(tmp_path):
    with pytest.raises(DatasetUnavailableError, match="No such file"):
        check(tmp_path / "none.txt", ABC)
    with pytest.raises(DatasetUnavailableError, match="Is a directory"):
        check_once(tmp_path, ABC)


def test_file_is_hashed_once(place, hashed):
    for _ in range(3):
        check_once(place, ABC)
    assert len(hashed) == 1


def test_check_always_hashes(place, hashed):
    check(place, ABC)
    check(place, ABC)
    assert len(hashed) == 2


def test_touched_file_is_hashed_again(place, hashed):
    check_once(place, ABC)
    place.write_bytes(b"abd")
    os.utime(place, ns=(1, 1))
    with pytest.raises(ChecksumError):
        check_once(place, ABC)
    assert len(hashed) == 2


def test_bad_file_is_hashed_every_time(place, hashed):
    place.write_bytes(b"abd")
    for _ in range(2):
        with pytest.raises(ChecksumError):
            check_once(place, ABC)
    assert len(hashed) == 2


def test_file_known_under_another_name_is_not_hashed_again(place, hashed):
    check(place, ABC)
    moved = place.rename(place.with_name("moved.txt"))
    remember(moved, ABC)
    check_once(moved, ABC)
    assert len(hashed) == 1


def test_a_glance_goes_by_size(place, tmp_path):
    assert looks_right(place, ABC)
    place.write_bytes(b"xyz")
    assert looks_right(place, ABC)
    place.write_bytes(b"wxyz")
    assert not looks_right(place, ABC)
    assert not looks_right(tmp_path / "none.txt", ABC)
    assert not looks_right(place / "below", ABC)


def test_a_glance_at_what_may_not_be_looked_at_finds_nothing(place, monkeypatch):
    def refuse(self, **_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(place), "stat", refuse)
    assert not looks_right(place, ABC)
