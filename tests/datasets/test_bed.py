"""BED files as they are met: 3 to 12 columns, headings, tracks; bad rows named by line."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import polars as pl
import pytest

from genomark.datasets import bed as module
from genomark.datasets.assemblies import chromosomes
from genomark.datasets.bed import BED_COLUMNS, assembled_regions, normalised, read_bed
from genomark.errors import UnknownNameError, UsageError


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
        (gzip.compress(b"chr1\t0\t10\n" * 99, mtime=0)[:10] + b"\xff" * 30, "damaged, or not BED"),
    ],
)
def test_files_that_are_no_bed_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_bed(written(tmp_path, content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*none.bed: No such file"):
        read_bed(tmp_path / "none.bed")


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_chromosome(tmp_path: Path) -> None:
    found = read_bed(written(tmp_path, b"\xef\xbb\xbfchr1\t0\t10\n"))
    assert found["chrom"].to_list() == ["chr1"]


def test_more_rows_than_are_taken_at_a_time_are_all_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 3)
    rows = [("chr1", at, at + 1, f"r{at}" if at % 4 else None, None, None) for at in range(10)]
    text = "".join(f"{chrom}\t{at}\t{end}\t{name or '.'}\n" for chrom, at, end, name, *_ in rows)
    found = read_bed(written(tmp_path, text))
    assert found.rows() == rows
    assert found.schema == BED_COLUMNS


def test_files_without_end_are_refused_by_regions_and_by_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "chr1\t0\t10\n" * 5 + "# the end\n")
    monkeypatch.setattr(module, "MOST_REGIONS", 5)
    assert read_bed(path).height == 5
    monkeypatch.setattr(module, "MOST_REGIONS", 4)
    with pytest.raises(UsageError, match=r"regions\.bed: more than 4 regions"):
        read_bed(path)
    monkeypatch.undo()
    monkeypatch.setattr(module, "MOST_LETTERS", 59)
    with pytest.raises(UsageError, match=r"regions\.bed: more than 59 letters"):
        read_bed(written(tmp_path, gzip.compress(path.read_bytes(), mtime=0)))


@pytest.mark.slow
def test_a_small_packed_file_of_many_rows_takes_little_room(tmp_path: Path) -> None:
    """Of Python objects, that is: a tuple with its text and numbers has 200 bytes and more."""
    path = written(tmp_path, gzip.compress(b"chr1\t0\t10\n" * 100_000, mtime=0))
    tracemalloc.start()
    try:
        found = read_bed(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.height == 100_000
    assert most < 5_000_000


def frame(*rows: tuple[str | None, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["chrom", "start", "end"], orient="row")


def test_chromosomes_have_the_names_of_their_assembly_whatever_a_file_calls_them() -> None:
    names = ["1", "chr1", "X", "MT", "chrM", "chrUn_KI270302v1", None, "1"]
    found = normalised(frame(*((name, 0, 9) for name in names)), "GRCh38")
    assert found["chrom"].to_list() == ["chr1", "chr1", "chrX", "chrM", "chrM", None, None, "chr1"]
    assert found.columns == ["chrom", "start", "end"]


def test_places_of_items_without_any_chromosome_stay_as_they_are() -> None:
    places = pl.DataFrame(
        {"chrom": [None, None], "start": [1, 2]}, schema_overrides={"chrom": pl.String}
    )
    assert normalised(places, "hg38").equals(places)


def test_names_of_an_assembly_that_is_not_known_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="hg99"):
        normalised(frame(("chr1", 0, 9)), "hg99")


def test_regions_of_contigs_are_left_out() -> None:
    given = frame(("2", 5, 9), ("chrUn_GL000220v1", 0, 99), ("chr7", 1, 2))
    assert assembled_regions(given, "hg38", "r.bed").rows() == [("chr2", 5, 9), ("chr7", 1, 2)]


def test_a_file_of_contigs_alone_is_of_another_assembly() -> None:
    with pytest.raises(UsageError, match=r"r\.bed: none of .*\(scaffold_1, .*one of hg38.*chr1"):
        assembled_regions(frame(("scaffold_1", 0, 9)), "hg38", "r.bed")


@pytest.mark.parametrize("chrom", ["1", "chr1"])
def test_a_region_that_ends_beyond_its_chromosome_is_named(chrom: str) -> None:
    # Chromosome 1 is 249,250,621 long in GRCh37 and 248,956,422 in GRCh38.
    given = frame(("chr2", 0, 9), (chrom, 249_000_000, 249_250_621))
    assert assembled_regions(given, "hg19", "r.bed").height == 2
    with pytest.raises(UsageError, match=r"r\.bed: region 2, chr1:249000000-249250621.*hg38") as at:
        assembled_regions(given, "GRCh38", "r.bed")
    assert "248,956,422" in str(at.value)


def test_a_region_may_end_where_its_chromosome_ends() -> None:
    whole = [(each.plain or name, 0, each.length) for name, each in chromosomes("mm10").items()]
    found = assembled_regions(frame(*whole), "mm10", "r.bed")
    assert found["chrom"].to_list() == list(chromosomes("mm10"))
