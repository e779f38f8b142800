"""Files from outside: what can be wrong with them is told in one line."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib

import pytest

from genomark.errors import UsageError
from genomark.genes.sources.reading import read_columns, read_data, read_text

TABLE = 'symbol\tnote\tvalue\nTP53\t\t 1 \nNA\t"a\tb"\t2\n'


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def zipped(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            # With a date of its own: the names of these tests hold these bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


@pytest.fixture
def put(tmp_path):
    def write(content: bytes, name: str = "file.tsv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "pack",
    [
        lambda content: content,
        packed,
        lambda content: zipped(("a.tsv", content)),
        lambda content: zipped(("d/", b""), ("d/a.tsv", content), ("__MACOSX/d/._a.tsv", b"x")),
    ],
    ids=["plain", "gzip", "zip", "zip from macOS"],
)
def test_packed_files_are_known_by_what_they_hold_not_by_their_name(put, pack):
    assert read_data(put(pack(b"abc"), "no.suffix")) == b"abc"


def test_a_byte_order_mark_is_not_part_of_the_first_column(put):
    path = put(b"\xef\xbb\xbfsymbol,x\nTP53,1\n")
    assert read_text(path).startswith("symbol")
    assert read_columns(path, ["symbol"], separator=",").to_dict(as_series=False) == {
        "symbol": ["TP53"]
    }


def test_columns_are_text_and_na_is_a_gene(put):
    path = put(TABLE.encode())
    frame = read_columns(path, ["symbol"], separator="\t", optional=["value", "none such"])
    assert frame.rows() == [("TP53", "1"), ("NA", "2")]
    assert frame.columns == ["symbol", "value"]
    assert read_columns(path, ["note"], separator="\t").rows() == [("",), ("a\tb",)]


def test_blank_lines_are_no_rows_and_windows_ends_of_line_are_none_of_ours(put):
    frame = read_columns(put(b"a,b\r\n1,2\r\n\r\n"), ["b", "a"], separator=",")
    assert frame.rows() == [("2", "1")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"<!DOCTYPE html>\n<html><body>502</body></html>", "a web page"),
        (b"\n  <HTML>gone</HTML>", "a web page"),
        (packed(b"<html>gone</html>"), "a web page"),
        (packed(b"a" * 10_000)[:20], "cut short"),
        (packed(b"abcabcabc")[:-4] + b"\0\0\0\0", "cut short or damaged"),
        (b"\x1f\x8b\x08\x00" + b"\x00" * 6 + b"\xff" * 40, "cut short or damaged"),
        (zipped(("a", b"abc"))[:-30], "cut short or damaged"),
        (zipped(("a", b"abc"), ("b", b"abc")), "holds 2 files where there should be one"),
        (zipped(), "holds 0 files"),
    ],
)
def test_what_is_no_data_is_told_in_one_line(put, content, says):
    path = put(content)
    with pytest.raises(UsageError, match=says) as caught:
        read_data(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_byte_inside_a_zip_is_found(put):
    archive = bytearray(zipped(("a.tsv", bytes(range(256)) * 40)))
    archive[60] ^= 0xFF
    with pytest.raises(UsageError, match="cut short or damaged"):
        read_data(put(bytes(archive)))


def test_a_zip_with_a_password_says_so(put):
    archive = bytearray(zipped(("a.tsv", b"abc")))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(signature) + flags] |= 1
    with pytest.raises(UsageError, match="protected by a password"):
        read_data(put(bytes(archive)))


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    with pytest.raises(UsageError, match=r"Cannot read .*No such file"):
        read_data(tmp_path / "none.tsv")
    with pytest.raises(UsageError, match=r"Cannot read .*directory"):
        read_data(tmp_path)


@pytest.mark.parametrize("pack", [lambda content: content, packed])
def test_nothing_beyond_the_limit_is_unpacked(put, pack):
    path = put(pack(b"a" * 1001))
    assert len(read_data(path, limit=1001)) == 1001
    with pytest.raises(UsageError, match="more than 1,000 bytes"):
        read_data(path, limit=1000)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(put, monkeypatch):
    path = put(zipped(("bomb.tsv", b"\0" * 5_000_000)))
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(UsageError, match="5,000,000 bytes unpacked, more than 1,000,000"):
        read_data(path, limit=1_000_000)


def test_a_zip_that_declares_less_than_it_holds_gives_no_more_than_it_declares(put):
    content = b"\0" * 100_000
    honest = zipped(("a.tsv", content))
    size = struct.pack("<I", len(content))
    crc = struct.pack("<I", zlib.crc32(content))
    lying = honest.replace(size, struct.pack("<I", 10)).replace(
        crc, struct.pack("<I", zlib.crc32(content[:10]))
    )
    assert lying != honest
    assert read_data(put(lying), limit=1000) == content[:10]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"gene\tvalue\nTP53\t1\n", r"no column 'symbol'\. Its columns are 'gene', 'value': is"),
        (b"symbol\tvalue\n", "a header and no row below it"),
        (b"symbol\tvalue\nTP53\t1\t2\n", "not a table with a header"),
        (
            b"symbol\tnote\tvalue\nTP53\tx\t1\nBRCA1\ty",
            r"cut short: the last row has 2 of 3 fields",
        ),
        (b"symbol\n\xff\xfe\n", "not UTF-8 text"),
    ],
)
def test_what_is_no_such_table_is_told_in_one_line(put, content, says):
    path = put(content)
    with pytest.raises(UsageError, match=says) as caught:
        read_columns(path, ["symbol"], separator="\t")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_the_first_columns_of_a_wide_table_are_shown(put):
    header = ",".join(f"c{place}" for place in range(20))
    with pytest.raises(UsageError, match="'c7' and others: is it the right file"):
        read_columns(put(f"{header}\n{header}\n".encode()), ["symbol"], separator=",")
