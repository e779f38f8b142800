import hashlib

import pytest

from genomark import datasets
from genomark.errors import (
    ChecksumError,
    DatasetUnavailableError,
    TruncatedFileError,
    UnknownNameError,
)


def asked(origin):
    return [path for path, _ in origin.requests]


def test_file_comes_from_its_origin_into_the_cache(toy):
    toy.add("a.bin")
    place = datasets.path("toy", "a.bin")
    assert place == toy.cached("a.bin")
    assert place.read_bytes() == toy.contents["a.bin"]
    assert toy.left() == ["datasets/toy/a.bin"]


def test_second_call_asks_nobody(toy):
    toy.add("a.bin")
    datasets.path("toy", "a.bin")
    datasets.path("toy", "a.bin")
    assert len(toy.origin.requests) == 1


def test_downloaded_file_is_hashed_once(toy, monkeypatch):
    toy.add("a.bin")
    count = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *how: count.append(1) or digest(*how))
    datasets.path("toy", "a.bin")
    datasets.path("toy", "a.bin")
    assert len(count) == 1


def test_only_the_files_asked_for_are_fetched(toy):
    toy.add("a.bin")
    toy.add("deep/b.bin")
    toy.add("c.bin")
    places = datasets.fetch("toy", ["deep/b.bin", "a.bin", "deep/b.bin"])
    assert list(places) == ["deep/b.bin", "a.bin"]
    assert asked(toy.origin) == ["/origin/deep/b.bin", "/origin/a.bin"]


def test_all_files_are_fetched_in_the_order_of_the_catalogue(toy):
    for name in ("b.bin", "a.bin", "c.bin"):
        toy.add(name, 1000)
    toy.put(toy.cache / "datasets", "a.bin")
    places = datasets.fetch("toy")
    assert list(places) == ["b.bin", "a.bin", "c.bin"]
    assert all(place.read_bytes() == toy.contents[name] for name, place in places.items())
    assert asked(toy.origin) == ["/origin/b.bin", "/origin/c.bin"]


def test_same_bytes_under_two_names_are_two_files(toy):
    toy.add("a.bin", 1000)
    twin = toy.add("b.bin", 1000)
    file = toy.dataset.file("a.bin")
    toy.contents["b.bin"] = twin.body = toy.contents["a.bin"]
    other = type(file)("b.bin", 1000, file.sha256, toy.origin.url("/origin/b.bin"))
    toy.dataset = type(toy.dataset)("toy", "T", "D", "L", "C", (file, other))
    places = datasets.fetch("toy")
    assert places["a.bin"] != places["b.bin"]
    assert places["a.bin"].read_bytes() == places["b.bin"].read_bytes()


def test_folder_mirror_is_used_in_place_and_first(toy, tmp_path, monkeypatch):
    toy.add("a.bin")
    place = toy.put(tmp_path / "mirror", "a.bin")
    toy.put(toy.cache / "datasets", "a.bin")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    assert datasets.path("toy", "a.bin") == place
    assert toy.origin.requests == []


def test_mirror_needs_no_cache_at_all(toy, tmp_path, monkeypatch):
    toy.add("a.bin")
    toy.put(tmp_path / "mirror", "a.bin")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    datasets.path("toy", "a.bin")
    assert not toy.cache.exists()


def test_mirror_that_lacks_the_file_is_passed_over(toy, tmp_path, monkeypatch):
    toy.add("a.bin")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "nowhere"))
    assert datasets.path("toy", "a.bin") == toy.cached("a.bin")


@pytest.mark.parametrize("bad", [b"short", b"x" * 300_000, b"x" * 400_000])
def test_bad_copy_in_the_mirror_is_passed_over_and_left_alone(toy, tmp_path, monkeypatch, bad):
    toy.add("a.bin")
    place = toy.put(tmp_path / "mirror", "a.bin", bad)
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    assert datasets.path("toy", "a.bin") == toy.cached("a.bin")
    assert place.read_bytes() == bad


@pytest.mark.parametrize("bad", [b"short", b"x" * 300_000, b"x" * 400_000])
def test_bad_copy_in_the_cache_is_replaced(toy, bad):
    toy.add("a.bin")
    toy.put(toy.cache / "datasets", "a.bin", bad)
    assert datasets.path("toy", "a.bin").read_bytes() == toy.contents["a.bin"]
    assert toy.left() == ["datasets/toy/a.bin"]


def test_http_mirror_is_asked_before_the_origin(toy, monkeypatch):
    answer = toy.add("a b.bin")
    toy.origin.answers["/mirror/toy/a%20b.bin"] = answer
    monkeypatch.setenv("GENOMARK_MIRROR", toy.origin.url("/mirror/"))
    assert datasets.path("toy", "a b.bin") == toy.cached("a b.bin")
    assert asked(toy.origin) == ["/mirror/toy/a%20b.bin"]


def test_cache_is_looked_into_before_the_http_mirror(toy, monkeypatch):
    toy.add("a.bin")
    place = toy.put(toy.cache / "datasets", "a.bin")
    monkeypatch.setenv("GENOMARK_MIRROR", toy.origin.url("/mirror"))
    assert datasets.path("toy", "a.bin") == place
    assert toy.origin.requests == []


def test_origin_helps_out_where_the_http_mirror_has_nothing(toy, monkeypatch):
    toy.add("a.bin")
    monkeypatch.setenv("GENOMARK_MIRROR", toy.origin.url("/mirror"))
    datasets.path("toy", "a.bin")
    assert asked(toy.origin) == ["/mirror/toy/a.bin", "/origin/a.bin"]


def test_origin_helps_out_where_the_http_mirror_is_wrong(toy, monkeypatch):
    good = toy.add("a.bin")
    toy.origin.answers["/mirror/toy/a.bin"] = type(good)(body=b"x" * 300_000)
    monkeypatch.setenv("GENOMARK_MIRROR", toy.origin.url("/mirror"))
    assert datasets.path("toy", "a.bin").read_bytes() == toy.contents["a.bin"]
    assert toy.left() == ["datasets/toy/a.bin"]


def test_origin_goes_on_with_what_the_http_mirror_began(toy, monkeypatch):
    good = toy.add("a.bin")
    broken = type(good)(body=good.body, drops=[1000, 1, 1, 1])
    toy.origin.answers["/mirror/toy/a.bin"] = broken
    monkeypatch.setenv("GENOMARK_MIRROR", toy.origin.url("/mirror"))
    datasets.path("toy", "a.bin")
    assert toy.origin.requests[-1] == ("/origin/a.bin", "bytes=1003-")


def test_wrong_copies_everywhere_are_an_error_of_checksum(toy, tmp_path, monkeypatch):
    answer = toy.add("a.bin")
    answer.body = b"x" * 300_000
    toy.put(tmp_path / "mirror", "a.bin", b"y" * 300_000)
    toy.put(toy.cache / "datasets", "a.bin", b"short")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(ChecksumError) as caught:
        datasets.path("toy", "a.bin")
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path / "mirror" / "toy" / "a.bin") in message
    assert f"{toy.cached('a.bin')}: 5 bytes" in message
    assert toy.origin.url("/origin/a.bin") in message
    assert toy.left() == []


def test_wrong_copy_weighs_more_than_a_missing_one(toy):
    toy.add("a.bin", status=404)
    toy.put(toy.cache / "datasets", "a.bin", b"short")
    with pytest.raises(TruncatedFileError, match=r"No right copy of toy/a\.bin"):
        datasets.path("toy", "a.bin")
    assert toy.left() == []


def test_what_was_begun_goes_too_when_the_verdict_is_a_wrong_copy(toy, tmp_path, monkeypatch):
    toy.add("a.bin", drops=[1000, 1, 1, 1])
    toy.put(tmp_path / "mirror", "a.bin", b"short")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(TruncatedFileError):
        datasets.path("toy", "a.bin")
    assert toy.left() == []


def test_offline_says_what_was_wanted_and_how_to_provide_it(toy, closed_port):
    url = f"{closed_port}/lab/repo/a.bin"
    toy.add("a.bin", url=url)
    with pytest.raises(DatasetUnavailableError) as caught:
        datasets.path("toy", "a.bin")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"Cannot get toy/a.bin ({url}: Connection refused)")
    assert "Set GENOMARK_MIRROR to a folder or URL that holds it" in message
    assert message.endswith(f"or put it at {toy.cached('a.bin')}")
    assert toy.left() == []


def test_both_ways_of_the_offline_message_work(toy, closed_port, tmp_path, monkeypatch):
    toy.add("a.bin", url=f"{closed_port}/a.bin")
    place = toy.put(tmp_path / "mirror", "a.bin")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    assert datasets.path("toy", "a.bin") == place
    monkeypatch.delenv("GENOMARK_MIRROR")
    toy.put(toy.cache / "datasets", "a.bin")
    assert datasets.path("toy", "a.bin") == toy.cached("a.bin")


def test_files_before_the_one_that_failed_are_kept(toy):
    toy.add("a.bin")
    toy.add("b.bin", status=404)
    with pytest.raises(DatasetUnavailableError, match=r"toy/b\.bin"):
        datasets.fetch("toy")
    assert toy.left() == ["datasets/toy/a.bin"]


def test_unknown_names_are_refused_before_anything_is_fetched(toy):
    toy.add("a.bin")
    with pytest.raises(UnknownNameError, match="No dataset named 'toys'"):
        datasets.fetch("toys")
    with pytest.raises(UnknownNameError, match=r"No file of toy named '\.\./a\.bin'"):
        datasets.fetch("toy", ["a.bin", "../a.bin"])
    assert toy.origin.requests == []
    assert not toy.cache.exists()


def test_mirror_holds_real_data(mirror, monkeypatch):
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror))
    place = datasets.path("kircher2019", "elements.tsv.gz")
    assert place == mirror / "kircher2019" / "elements.tsv.gz"
    assert len(datasets.fetch("gene2gene")) == 6
