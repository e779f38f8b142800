"""Forms taken apart, in whatever pieces they come."""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.leaderboard.submissions.multipart import (
    Multipart,
    MultipartError,
    Part,
    boundary_of,
)


def taken(body: bytes, boundary: bytes, cuts: list[int]) -> list[tuple[Part, bytes]]:
    """Feed a body in pieces; give its fields."""
    form = Multipart(boundary)
    ends = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    fields: list[tuple[Part, bytearray]] = []
    for start, end in pairwise(ends):
        for event in form.feed(body[start:end]):
            if isinstance(event, Part):
                fields.append((event, bytearray()))
            else:
                fields[-1][1].extend(event)
    form.close()
    return [(part, bytes(content)) for part, content in fields]


def written(words: dict[str, str], file: bytes, name: str = "f.zip") -> tuple[bytes, bytes]:
    """Write a form as another library does; give it and its boundary."""
    request = httpx.Request("POST", "http://x/", data=words, files={"file": (name, file)})
    return request.read(), boundary_of(request.headers["content-type"])


@settings(max_examples=60, deadline=None)
@given(
    word=st.text(max_size=40),
    file=st.binary(max_size=400) | st.sampled_from([b"\r\n", b"\r\n--", b"--", b"\r\n\r\n"]),
    cuts=st.lists(st.integers(0, 900), max_size=12),
)
def test_fields_are_those_another_library_wrote(word, file, cuts):
    word = word.encode("utf-8", "replace").decode()
    body, boundary = written({"csrf": word, "token": ""}, file)
    assert taken(body, boundary, cuts) == [
        (Part("csrf", False), word.encode()),
        (Part("token", False), b""),
        (Part("file", True), file),
    ]


def test_content_that_looks_like_a_mark_is_content():
    content = b"\r\n--boundar\r\n-boundary\r\n--\r\n--Boundary--" * 3
    head = b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    body = head + content + b"\r\n--boundary--\r\n"
    for cuts in ([], list(range(len(body))), list(range(0, len(body), 7))):
        assert taken(body, b"boundary", cuts) == [(Part("file", True), content)]


def test_of_a_file_no_more_than_a_piece_is_kept():
    body, boundary = written({}, b"x" * 1_000_000)
    form = Multipart(boundary)
    most = 0
    for start in range(0, len(body), 1000):
        for event in form.feed(body[start : start + 1000]):
            assert isinstance(event, Part) or len(event) <= 1000 + len(boundary) + 4
        most = max(most, len(form._buffer))
    assert most < 1000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n",
        b"--b--\r\n"[:3] + b"xx",
        b"junk\r\n--b\r\n\r\n\r\n--b--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
        b"--b\r\nContent-Disposition: form-data; name=" + b"x" * 9000,
        b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Disposition: x; name="b"'
        b"\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 20 + b"--b--",
    ],
)
def test_what_is_no_form_is_refused(body):
    for cuts in ([], list(range(len(body)))):
        with pytest.raises(MultipartError):
            taken(body, b"b", cuts)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", 'multipart/form-data; boundary=""', f"x; boundary={'b' * 90}"]
)
def test_a_form_says_what_stands_between_its_fields(kind):
    if "bbb" in kind:
        assert len(boundary_of(kind)) == 70
        return
    with pytest.raises(MultipartError, match="boundary"):
        boundary_of(kind)
