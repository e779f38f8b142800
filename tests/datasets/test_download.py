import pytest

from genomark.datasets.download import download
from genomark.errors import ChecksumError, DatasetUnavailableError, TruncatedFileError

DOWNLOAD = "genomark.datasets.download"


@pytest.fixture
def bring(toy, tmp_path):
    """Download the toy's file ``a.bin``; what was reported on the way is kept in ``seen``."""
    part, target = tmp_path / "a.part", tmp_path / "deep" / "a.bin"

    def run(url=None):
        file = toy.dataset.file("a.bin")
        download(url or file.url, file, part, target, run.seen.append)
        assert target.read_bytes() == toy.contents["a.bin"]
        assert not part.exists()

    run.part, run.target, run.seen = part, target, []
    return run


def nothing_left(bring):
    return not bring.part.exists() and not bring.target.exists()


def ranges(origin):
    return [asked for _, asked in origin.requests]


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_file_arrives_whole_however_the_answer_ends(toy, bring, framing):
    toy.add("a.bin", framing=framing)
    bring()
    assert ranges(toy.origin) == [None]


def test_plain_bytes_are_asked_for(toy, bring):
    toy.add("a.bin")
    bring()
    assert toy.origin.headers[0]["Accept-Encoding"] == "identity"
    assert toy.origin.headers[0]["User-Agent"] == "genomark"


def test_proxy_of_the_environment_is_honoured(toy, bring, monkeypatch):
    elsewhere = "http://data.example/origin/a.bin"
    toy.origin.answers[elsewhere] = toy.add("a.bin")
    monkeypatch.setenv("http_proxy", toy.origin.url())
    bring(elsewhere)
    assert toy.origin.requests == [(elsewhere, None)]


def test_progress_counts_up_to_the_size(toy, bring):
    toy.add("a.bin", chunk=50_000)
    bring()
    assert bring.seen[0] == 0
    assert bring.seen == sorted(bring.seen)
    assert bring.seen[-1] == 300_000


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_dropped_connection_is_taken_up_where_it_broke(toy, bring, framing):
    toy.add("a.bin", drops=[100_000, 50_000], framing=framing)
    bring()
    assert ranges(toy.origin) == [None, "bytes=100000-", "bytes=150000-"]
    assert toy.origin.sent == 300_000


def test_server_without_ranges_starts_over(toy, bring):
    toy.add("a.bin", drops=[100_000], ranges=False)
    bring()
    assert ranges(toy.origin) == [None, "bytes=100000-"]
    assert toy.origin.sent == 400_000


def test_answer_for_another_range_is_not_appended(toy, bring):
    toy.add("a.bin", content_range="bytes 0-299999/300000")
    bring.part.write_bytes(toy.contents["a.bin"][:100])
    bring()
    assert ranges(toy.origin) == ["bytes=100-", None]


def test_what_an_earlier_call_left_is_gone_on_with(toy, bring):
    toy.add("a.bin")
    bring.part.write_bytes(toy.contents["a.bin"][:299_000])
    bring()
    assert ranges(toy.origin) == ["bytes=299000-"]
    assert toy.origin.sent == 1000


def test_complete_leftover_needs_no_request(toy, bring):
    toy.add("a.bin")
    bring.part.write_bytes(toy.contents["a.bin"])
    bring()
    assert toy.origin.requests == []


def test_bad_leftover_is_thrown_away_and_the_file_fetched_anew(toy, bring):
    toy.add("a.bin")
    bring.part.write_bytes(b"x" * 1000)
    bring()
    assert ranges(toy.origin) == ["bytes=1000-", None]


@pytest.mark.parametrize("size", [300_000, 400_000])
def test_leftover_as_long_as_the_file_or_longer_is_checked_too(toy, bring, size):
    toy.add("a.bin")
    bring.part.write_bytes(b"x" * size)
    bring()
    assert ranges(toy.origin) == [None]


def test_range_not_satisfiable_starts_over(toy, bring):
    answer = toy.add("a.bin")
    answer.body = answer.body[:1000]  # the server's copy ends before ours
    bring.part.write_bytes(toy.contents["a.bin"][:2000])
    with pytest.raises(TruncatedFileError, match="1,000 bytes where there should be 300,000"):
        bring()
    assert ranges(toy.origin)[:2] == ["bytes=2000-", None]
    assert nothing_left(bring)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_short_file_is_truncated(toy, bring, framing):
    answer = toy.add("a.bin", framing=framing)
    answer.body = answer.body[:-1]
    with pytest.raises(TruncatedFileError, match="299,999 bytes where there should be 300,000"):
        bring()
    assert nothing_left(bring)
    assert len(toy.origin.requests) == 1


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_long_file_is_wrong_and_not_read_to_its_end(toy, bring, framing):
    answer = toy.add("a.bin", framing=framing)
    answer.body = answer.body + b"x" * 20_000_000
    with pytest.raises(ChecksumError, match="more bytes than the 300,000"):
        bring()
    assert max(bring.seen, default=0) <= 300_000
    assert toy.origin.sent < 20_000_000
    assert nothing_left(bring)


def test_other_bytes_are_wrong(toy, bring):
    answer = toy.add("a.bin")
    answer.body = b"x" + answer.body[1:]
    with pytest.raises(ChecksumError, match="SHA-256 is"):
        bring()
    assert nothing_left(bring)
    assert len(toy.origin.requests) == 1


def test_body_shorter_than_its_declared_length_every_time_is_truncated(toy, bring):
    toy.add("a.bin", always_drop=1000, ranges=False)
    with pytest.raises(TruncatedFileError, match="1,000 bytes"):
        bring()
    assert len(toy.origin.requests) == 4
    assert nothing_left(bring)


def test_connection_that_keeps_dropping_leaves_what_came_for_the_next_call(toy, bring):
    toy.add("a.bin", drops=[1000] * 4)
    with pytest.raises(
        DatasetUnavailableError, match="dropped 4 times, 4,000 of 300,000 bytes here"
    ):
        bring()
    assert bring.part.read_bytes() == toy.contents["a.bin"][:4000]
    bring()
    assert ranges(toy.origin)[-1] == "bytes=4000-"


def test_silent_server_counts_as_dropped(toy, bring, monkeypatch):
    monkeypatch.setattr(f"{DOWNLOAD}.TIMEOUT", 0.3)
    monkeypatch.setattr(f"{DOWNLOAD}.ATTEMPTS", 2)
    toy.add("a.bin", chunk=1000, pause=1.0)
    with pytest.raises(DatasetUnavailableError, match=r"dropped 2 times, 2,000 .*timed out"):
        bring()
    assert bring.part.stat().st_size == 2000


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "HTTP 404 Not Found"), (503, "HTTP 503 Service Unavailable"), (799, "HTTP 799")],
)
def test_refusal_is_named_and_not_repeated(toy, bring, status, says):
    toy.add("a.bin", status=status)
    with pytest.raises(DatasetUnavailableError) as caught:
        bring()
    assert str(caught.value) == f"{toy.origin.url('/origin/a.bin')}: {says}"
    assert len(toy.origin.requests) == 1
    assert nothing_left(bring)


def test_success_that_is_no_file_is_a_refusal(toy, bring):
    toy.add("a.bin", status=204)
    with pytest.raises(DatasetUnavailableError, match="HTTP 204 No Content"):
        bring()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/with space", "http://ex..ample/", "http://:x/"]
)
def test_url_that_is_none_is_unavailable(toy, bring, url):
    toy.add("a.bin")
    with pytest.raises(DatasetUnavailableError) as caught:
        bring(url)
    assert "\n" not in str(caught.value)


def test_nobody_listening_is_told_at_once(toy, bring, closed_port):
    toy.add("a.bin")
    with pytest.raises(DatasetUnavailableError, match="Connection refused"):
        bring(f"{closed_port}/a.bin")
    assert nothing_left(bring)
