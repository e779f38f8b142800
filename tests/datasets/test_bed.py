"""BED files as they are met: 3 to 12 columns, headings, tracks; bad rows named by line."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from genomark.datasets.bed import BED_COLUMNS, read_bed
from genomark.errors import UsageError


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "regions.bed"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_three_columns_are_enough(tmp_path: Path) -> None:
    found = read_bed(written(tmp_path, "chr1\t0\t10\nchr2\t5\t6\n"))
    assert found.schema == BED_COLUMNS
    assert found.rows() == [
        ("chr1", 0, 10, None, None, None),
        ("chr2", 5, 6, None, None, None),
    ]


def test_twelve_columns_are_taken_and_six_of_them_read(tmp_path: Path) -> None:
    row = "chr22\t1000\t5000\tcloneA\t960\t+\t1000\t5000\t0,0,0\t2\t567,488,\t0,3512\n"
    assert read_bed(written(tmp_path, row)).rows() == [("chr22", 1000, 5000, "cloneA", 960.0, "+")]


def test_comments_tracks_headings_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    text = (
        "# made by hand\nbrowser position chr1\ntrack name=x\n\nchrom\tstart\tend\tname\n"
        "chr1\t0\t10\tone\r\n\t\n#chr3\t1\t2\ttwo\nchr2\t5\t6\t.\n"
    )
    assert read_bed(written(tmp_path, text)).rows() == [
        ("chr1", 0, 10, "one", None, None),
        ("chr2", 5, 6, None, None, None),
    ]


def test_blanks_separate_where_there_is_no_tab(tmp_path: Path) -> None:
    assert read_bed(written(tmp_path, "chr1 0  10 a 0.5 -\n")).rows() == [
        ("chr1", 0, 10, "a", 0.5, "-")
    ]


def test_gzip_is_read_too(tmp_path: Path) -> None:
    assert read_bed(written(tmp_path, gzip.compress(b"chr1\t0\t10\n", mtime=0))).height == 1


def test_real_regions_are_what_polars_reads(mirror: Path) -> None:
    path = mirror / "training_regions" / "sequences_human_borzoi.bed"
    found = read_bed(path)
    table = pl.read_csv(path, separator="\t", has_header=False)
    assert found.select("chrom", "start", "end", "name").rows() == table.rows()
    assert found.height == len(path.read_text().splitlines())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("chr1\t5", "2 columns; expected 3 to 12"),
        ("\t".join(["chr1", "0", "9", *"abcdefghij"]), "13 columns"),
        ("chr1\t0\t10\tx", "4 columns where the first region has 3"),
        ("chr1\tzero\t10", "'zero' is no position"),
        ("chr1\t0\t1e3", "'1e3' is no position"),
        ("chr1\t-5\t10", "'-5' is no position"),
        ("chr1\t10\t10", "start 10 is not below end 10"),
        ("chr1\t11\t10", "start 11 is not below end 10"),
        (" \t0\t10", "no chromosome"),
        ("chrom\tstart\tend", "'start' is no position"),
    ],
)
def test_bad_rows_are_named_by_line(row: str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"# a comment\nchr1\t0\t10\n{row}\n")
    with pytest.raises(UsageError) as caught:
        read_bed(path)
    assert message in str(caught.value)
    assert f"{path}, line 3: " in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("chr1\t0\t10\ta\tmuch\t+", "score is 'much'"),
        ("chr1\t0\t10\ta\t1\tplus", "strand is 'plus'"),
    ],
)
def test_scores_and_strands_are_checked(row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_bed(written(tmp_path, f"{row}\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no region in it"),
        (b"# nothing\n", "no region in it"),
        (gzip.compress(b"chr1\t0\t10\n" * 99, mtime=0)[:-9], "damaged, or not BED"),
        (b"chr1\t0\t10\n\xff\xfe\t1\t2\n", "damaged, or not BED"),
        (b"\x1f\x8bnot gzip", "Cannot read"),
    ],
)
def test_files_that_are_no_bed_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_bed(written(tmp_path, content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*none.bed: No such file"):
        read_bed(tmp_path / "none.bed")
