"""Files whose checksum the catalogue does not have: published, recorded, or got by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from genomark import datasets
from genomark.cli.data import app
from genomark.datasets import DatasetFile, verify
from genomark.datasets.bigwig import BigWig
from genomark.errors import (
    ChecksumError,
    DatasetError,
    DatasetUnavailableError,
    TruncatedFileError,
)

BODY = bytes(range(256)) * 2000
NAME = "big.2bit"


def add(toy, body=BODY, **known):
    """Serve a file of which the catalogue knows neither size nor SHA-256."""
    answer = toy.add(NAME, 10)
    answer.body = body
    file = DatasetFile(NAME, None, None, toy.dataset.files[0].url, **known)
    toy.dataset = msgspec.structs.replace(toy.dataset, files=(file,))
    return answer


def add_listed(toy, text=None, body=BODY, **how):
    """... and of which the origin publishes the MD5."""
    answer = add(toy, body, md5_listing=toy.origin.url("/origin/md5sum.txt"))
    md5 = hashlib.md5(BODY).hexdigest()
    listed = f"{'0' * 32}  other.2bit\n{md5}  {NAME}\n" if text is None else text
    listing = toy.origin.answers["/origin/md5sum.txt"] = type(answer)(listed.encode(), **how)
    return answer, listing


def record(place: Path) -> Path:
    return place.with_name(f"{place.name}.sha256")


def asked(toy):
    return [path.rpartition("/")[2] for path, _ in toy.origin.requests]


def test_what_comes_first_is_recorded_and_told(toy, capsys):
    add(toy)
    place = datasets.path("toy", NAME)
    assert place.read_bytes() == BODY
    sha256 = hashlib.sha256(BODY).hexdigest()
    assert record(place).read_text() == f"{sha256}  {NAME}\n"
    told = capsys.readouterr().err
    assert f"toy/{NAME}: no checksum is published; recorded SHA-256 {sha256}" in told
    assert [status.detail for status in verify("toy")] == [""]


def test_it_is_not_fetched_again(toy):
    add(toy)
    datasets.path("toy", NAME)
    datasets.path("toy", NAME)
    assert asked(toy) == [NAME]


def test_a_copy_that_is_not_what_was_recorded_is_replaced(toy):
    add(toy)
    place = datasets.path("toy", NAME)
    place.write_bytes(BODY[:-1] + b"x")
    (status,) = verify("toy")
    assert status.condition == "wrong checksum"
    assert f"as {NAME}.sha256 beside it says" in status.detail
    assert datasets.path("toy", NAME).read_bytes() == BODY
    assert asked(toy) == [NAME, NAME]


def test_a_record_that_is_none_is_told(toy):
    add(toy)
    place = datasets.path("toy", NAME)
    record(place).write_text("not a checksum")
    (status,) = verify("toy")
    assert status.condition == "wrong checksum"
    assert "not a SHA-256; remove it" in status.detail


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_its_size_need_not_be_known(toy, framing):
    add(toy).framing = framing
    assert datasets.path("toy", NAME).read_bytes() == BODY


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_dropped_connection_is_taken_up_within_a_call(toy, framing):
    answer = add(toy)
    answer.framing = framing
    answer.drops = [100_000, 50_000]
    assert datasets.path("toy", NAME).read_bytes() == BODY
    assert [each for _, each in toy.origin.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_what_an_earlier_call_left_is_not_trusted_without_a_checksum(toy):
    answer = add(toy)
    answer.always_drop = 100_000
    with pytest.raises(DatasetUnavailableError, match=r"dropped 4 times, 400,000 bytes here"):
        datasets.path("toy", NAME)
    answer.always_drop = None
    toy.origin.requests.clear()
    assert datasets.path("toy", NAME).read_bytes() == BODY
    assert [each for _, each in toy.origin.requests] == [None]


def test_nothing_is_no_file(toy):
    add(toy, b"")
    with pytest.raises(TruncatedFileError, match="empty"):
        datasets.path("toy", NAME)
    assert toy.left() == []


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_no_more_is_taken_than_the_catalogue_allows(toy, framing):
    add(toy, BODY * 40, most=1_000_000).framing = framing
    with pytest.raises(ChecksumError, match="more than the 1,000,000 bytes that") as caught:
        datasets.path("toy", NAME)
    assert "\n" not in str(caught.value)
    assert toy.origin.sent < len(BODY) * 40
    assert toy.left() == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_as_much_as_is_allowed_is_taken(toy, framing):
    add(toy, most=len(BODY)).framing = framing
    assert datasets.path("toy", NAME).read_bytes() == BODY


def test_an_answer_that_calls_itself_a_page_is_no_file(toy):
    add(toy).kind = "text/html; charset=utf-8"
    with pytest.raises(DatasetUnavailableError, match=f"a web page, not with {NAME}"):
        datasets.path("toy", NAME)
    assert toy.left() == []


@pytest.mark.parametrize(
    "start", [b"<!DOCTYPE html>", b"\n <HTML lang='en'>", b"\xef\xbb\xbf<html>"]
)
def test_a_page_that_calls_itself_something_else_is_no_file(toy, start):
    add(toy, start + BODY).kind = "application/octet-stream"
    with pytest.raises(ChecksumError, match=f"a web page, and not {NAME}"):
        datasets.path("toy", NAME)
    assert toy.left() == []


def test_with_a_checksum_of_the_catalogue_the_bytes_alone_decide(toy):
    toy.add("page.html").kind = "text/html"
    assert datasets.path("toy", "page.html").read_bytes() == toy.contents["page.html"]


def test_what_a_reader_makes_nothing_of_is_told_with_how_to_get_it_again(toy):
    add(toy)
    place = datasets.path("toy", NAME)
    with pytest.raises(DatasetError, match=f"to get it again, remove it and {NAME}.sha256"):
        BigWig(place)
    record(place).unlink()
    with pytest.raises(DatasetError, match=r"not a bigWig$"):
        BigWig(place)


def test_a_published_md5_is_checked(toy, capsys):
    add_listed(toy)
    place = datasets.path("toy", NAME)
    assert asked(toy) == ["md5sum.txt", NAME]
    assert record(place).read_text().startswith(hashlib.sha256(BODY).hexdigest())
    assert "no checksum" not in capsys.readouterr().err
    datasets.path("toy", NAME)
    assert asked(toy) == ["md5sum.txt", NAME]


def test_other_bytes_than_the_md5_says_are_refused(toy):
    add_listed(toy, body=BODY[:-1] + b"x")
    with pytest.raises(ChecksumError, match=r"MD5 is [0-9a-f]{32}, .*md5sum.txt says") as caught:
        datasets.path("toy", NAME)
    assert "\n" not in str(caught.value)
    assert toy.left() == []


def test_with_an_md5_an_earlier_call_is_gone_on_with(toy):
    answer, _ = add_listed(toy)
    answer.always_drop = 100_000
    with pytest.raises(DatasetUnavailableError):
        datasets.path("toy", NAME)
    answer.always_drop = None
    toy.origin.requests.clear()
    assert datasets.path("toy", NAME).read_bytes() == BODY
    assert toy.origin.requests[1] == (f"/origin/{NAME}", "bytes=400000-")


def test_what_an_earlier_call_left_of_another_file_is_thrown_away(toy):
    add_listed(toy)
    folder = toy.cache / "partial"
    folder.mkdir(parents=True)
    name = hashlib.sha256(f"toy/{NAME}".encode()).hexdigest()
    (folder / f"{name}.part").write_bytes(b"x" * 1000)
    assert datasets.path("toy", NAME).read_bytes() == BODY
    assert [each for _, each in toy.origin.requests] == [None, "bytes=1000-", None]


def test_a_whole_leftover_needs_no_download(toy):
    add_listed(toy)
    folder = toy.cache / "partial"
    folder.mkdir(parents=True)
    name = hashlib.sha256(f"toy/{NAME}".encode()).hexdigest()
    (folder / f"{name}.part").write_bytes(BODY)
    assert datasets.path("toy", NAME).read_bytes() == BODY
    assert asked(toy) == ["md5sum.txt"]


@pytest.mark.parametrize(
    ("listing", "why"),
    [
        ({"text": "", "status": 404}, "HTTP 404 Not Found"),
        ({"text": f"{'0' * 32}  other.2bit\n"}, f"has no MD5 of {NAME}"),
        ({"text": f"<html>{NAME}</html>"}, f"has no MD5 of {NAME}"),
        ({"text": f"{'0' * 31}  {NAME}\n"}, f"has no MD5 of {NAME}"),
    ],
)
def test_without_the_md5_nothing_is_fetched(toy, listing, why):
    add_listed(toy, **listing)
    with pytest.raises(DatasetUnavailableError, match=why):
        datasets.path("toy", NAME)
    assert asked(toy) == ["md5sum.txt"]


@pytest.mark.parametrize("mark", ["  ", " *", "  ./"])
def test_lists_are_read_as_md5sum_and_its_like_write_them(toy, mark):
    add_listed(toy, f"{hashlib.md5(BODY).hexdigest()}{mark}{NAME}\n")
    assert datasets.path("toy", NAME).read_bytes() == BODY


BY_HAND = "it is in the supplement of the paper"


def by_hand(toy):
    file = DatasetFile(NAME, None, None, None, by_hand=BY_HAND)
    toy.dataset = msgspec.structs.replace(toy.dataset, files=(file,))


def test_what_a_person_has_to_get_is_told_with_its_place(toy, capsys):
    by_hand(toy)
    with pytest.raises(DatasetUnavailableError) as caught:
        datasets.path("toy", NAME)
    message = str(caught.value)
    assert f"Cannot get toy/{NAME} ({BY_HAND})" in message
    assert message.endswith(f"or put it at {toy.cached(NAME)}")
    assert "\n" not in message
    assert capsys.readouterr().err == ""
    (status,) = verify("toy")
    assert (status.condition, status.detail) == ("missing", f"to be had from {BY_HAND}")


def test_put_there_by_hand_it_is_taken(toy, tmp_path, monkeypatch):
    by_hand(toy)
    toy.cached(NAME).parent.mkdir(parents=True)
    toy.cached(NAME).write_bytes(BODY)
    assert datasets.path("toy", NAME) == toy.cached(NAME)
    assert [(each.condition, each.detail) for each in verify("toy")] == [
        ("ok", "no checksum is known")
    ]
    mirror = tmp_path / "mirror"
    toy.put(mirror, NAME, BODY)
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror))
    assert datasets.path("toy", NAME) == mirror / "toy" / NAME
    assert datasets.availability("toy") == "mirror"


def test_an_http_mirror_may_have_it(toy, monkeypatch):
    answer = add(toy)
    by_hand(toy)
    toy.origin.answers[f"/mirror/toy/{NAME}"] = answer
    monkeypatch.setenv("GENOMARK_MIRROR", toy.origin.url("/mirror"))
    assert datasets.path("toy", NAME).read_bytes() == BODY


def test_an_empty_file_put_there_is_none(toy):
    by_hand(toy)
    toy.cached(NAME).parent.mkdir(parents=True)
    toy.cached(NAME).write_bytes(b"")
    assert datasets.availability("toy") == "remote"
    with pytest.raises(DatasetUnavailableError, match=BY_HAND):
        datasets.path("toy", NAME)
    assert [each.condition for each in verify("toy")] == ["truncated"]


def test_the_command_fetches_and_prints_the_place(toy):
    add_listed(toy)
    done = CliRunner().invoke(app, ["fetch", "toy"])
    assert done.exit_code == 0
    assert f"toy/{NAME}\t{toy.cached(NAME)}" in done.output


@pytest.mark.parametrize("assembly", ["hg19", "hg38", "mm10"])
def test_genomes_are_those_of_ucsc_with_its_checksums(assembly):
    (file,) = datasets.dataset(assembly).files
    folder = f"https://hgdownload.soe.ucsc.edu/goldenPath/{assembly}/bigZips"
    assert file.url == f"{folder}/{assembly}.2bit"
    assert file.md5_listing == f"{folder}/md5sum.txt"
    assert 700_000_000 < datasets.dataset(assembly).bytes < 900_000_000


def test_addresses_with_codes_stay_as_they_are():
    file = datasets.dataset("gosai2024_synthetic").file("41586_2024_8070_MOESM14_ESM.txt")
    assert file.url == (
        "https://static-content.springer.com/esm/art%3A10.1038%2Fs41586-024-08070-z/"
        "MediaObjects/41586_2024_8070_MOESM14_ESM.txt"
    )
