"""Regions of a genome: BED, tables of coordinates, and folders of classes."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from genomark.datasets.genome import Genome, open_genome
from genomark.errors import UnknownNameError, UsageError
from genomark.sequences.columns import Columns
from genomark.sequences.files import read_labelled, read_sequences

pytest.importorskip("pysam")

CHR1 = "AACCGGTTACGTACGTAAAA"
CHR2 = "TTTTCCCCGGGGAAAA"


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{CHR1}\n>chr2\n{CHR2}\n")
    return path


@pytest.fixture
def genome(fasta: Path) -> Genome:
    return open_genome(fasta, assembly="toy1")


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode()
    )
    return path


def test_bed_without_a_header(tmp_path: Path, fasta: Path) -> None:
    text = (
        "track name=x\nbrowser position chr1\n# a comment\n"
        "chr1\t2\t6\tfirst\t7\t+\nchr2\t4\t9\tsecond\t9\t-\n\nchr1\t18\t22\tthird\t0\t.\n"
    )
    path = write(tmp_path, "x.bed", text)
    ids, sequences = read_sequences(path, fasta)
    assert ids == ("first", "second", "third")
    # CHR2[4:9] is CCCCG, whose reverse complement is CGGGG; chr1 ends at 20.
    assert sequences == ("CCGG", "CGGGG", "AANN")
    found = read_labelled(path, kind="regression", columns=Columns(label="score"), genome=fasta)
    np.testing.assert_array_equal(found.targets, [[7.0], [9.0], [0.0]])


def test_a_line_of_names_is_a_header_though_it_begins_with_a_hash(
    tmp_path: Path, genome: Genome
) -> None:
    text = "#chrom\tchromStart\tchromEnd\tlabel\tgroup\nchr1\t0\t4\tyes\tg\nchr2\t0\t4\tno\th\n"
    found = read_labelled(write(tmp_path, "x.bed.gz", text), genome=genome)
    assert found.sequences == ("AACC", "TTTT")
    assert (found.labels, found.groups) == (("yes",), ("g", "h"))
    assert found.ids == ("chr1:0-4", "chr2:0-4")


def test_name_may_be_the_label(tmp_path: Path, genome: Genome) -> None:
    path = write(tmp_path, "x.bed", "chr1\t0\t4\tyes\nchr2\t0\t4\tno\n")
    found = read_labelled(path, columns=Columns(label="name", group="chrom"), genome=genome)
    assert found.labels == ("yes",)
    assert found.ids == ("chr1:0-4", "chr2:0-4")
    assert found.groups == ("chr1", "chr2")


def test_columns_after_the_known_ones_have_numbers(tmp_path: Path, genome: Genome) -> None:
    path = write(tmp_path, "x.bed", "chr1\t0\t4\ta\t0\t+\t0.5\nchr2\t0\t4\tb\t0\t+\t2\n")
    found = read_labelled(path, columns=Columns(label="column_7"), genome=genome)
    np.testing.assert_array_equal(found.targets, [[0.5], [2.0]])


def test_a_table_of_coordinates_is_read_as_well(tmp_path: Path, genome: Genome) -> None:
    path = write(tmp_path, "x.csv", "chrom,start,end,label\nchr1,0,4,1.5\nchr2,0,4,0.5\n")
    assert read_labelled(path, genome=genome).sequences == ("AACC", "TTTT")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chr1\t0\t4\nchr3\t0\t4\n", "row 2: toy1 has no chromosome 'chr3'; did you mean 'chr"),
        ("chr1\t0\t4\nchr1\t4\t4\n", "row 2: chr1:4-4: the start"),
        ("chr1\t0\t4\nchr1\tx\t4\n", "row 2: expected start and end as whole numbers, found 'x'"),
        ("chr1\t0\t4\t.\t0\t?\n", "row 1: chr1:0-4: a strand is"),
        ("chr1\t30\t40\n", "row 1: chr1:30-40 lies beyond chr1 of toy1"),
        ("chr1 0 4\n", "line 1: expected chrom, start and end, separated by tabs"),
    ],
)
def test_regions_that_cannot_be_are_told_of(
    text: str, said: str, tmp_path: Path, genome: Genome
) -> None:
    with pytest.raises(UsageError, match=said):
        read_sequences(write(tmp_path, "x.bed", text), genome)


def test_regions_need_a_genome(tmp_path: Path) -> None:
    path = write(tmp_path, "x.bed", "chr1\t0\t4\n")
    with pytest.raises(UsageError, match="names regions, not sequences; give the genome they"):
        read_sequences(path)


def coordinates(rows: list[tuple[int, str, int, int, str]]) -> str:
    lines = [",".join(map(str, row)) for row in rows]
    return "\n".join(["id,region,start,end,strand", *lines]) + "\n"


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    positive = [(0, "chr1", 2, 6, "+"), (1, "chr2", 4, 9, "-")]
    write(tmp_path, "toy/train/positive.csv.gz", coordinates(positive))
    write(tmp_path, "toy/train/negative.csv.gz", coordinates([(0, "chr1", 8, 12, "+")]))
    write(tmp_path, "toy/train/.hidden", "")
    return tmp_path / "toy" / "train"


def test_a_folder_of_classes_is_read_through_the_genome(classes: Path, genome: Genome) -> None:
    found = read_labelled(classes, kind="binary", labels=["positive"], genome=genome)
    assert found.ids == ("negative/0", "positive/0", "positive/1")
    assert found.sequences == ("ACGT", "CCGG", "CGGGG")
    assert found.labels == ("positive",)
    np.testing.assert_array_equal(found.targets, [[0.0], [1.0], [1.0]])


def test_text_files_give_what_the_regions_give(
    classes: Path, genome: Genome, tmp_path: Path
) -> None:
    by_region = read_labelled(classes, genome=genome)
    for name, sequence in zip(by_region.ids, by_region.sequences, strict=True):
        write(tmp_path, f"texts/{name}.txt", f"{sequence}\n")
    assert read_labelled(tmp_path / "texts").digest == by_region.digest


def test_text_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 2):
        write(tmp_path, f"texts/a/{number}.txt", "A" * number)
    write(tmp_path, "texts/b/0.txt", "C")
    ids, sequences = read_sequences(tmp_path / "texts")
    assert ids == ("a/2", "a/9", "a/10", "b/0")
    assert [len(sequence) for sequence in sequences] == [2, 9, 10, 1]


def test_each_class_may_have_its_genome(classes: Path, genome: Genome, tmp_path: Path) -> None:
    other = write(tmp_path, "other.fa", ">chr1\nGGGGGGGGGGGGGGGGGGGGGG\n")
    found = read_labelled(classes, genome={"positive": genome, "negative": other})
    assert found.sequences == ("GGGG", "CCGG", "CGGGG")
    with pytest.raises(UnknownNameError, match="class with a genome named 'negative'"):
        read_labelled(classes, genome={"positive": genome})
    with pytest.raises(UsageError, match="a genome for each class is for folders of classes"):
        read_labelled(classes / "positive.csv.gz", genome={"positive": genome})


def test_what_is_wrong_in_a_folder_names_the_file(classes: Path, genome: Genome) -> None:
    write(classes, "positive.csv.gz", coordinates([(0, "chr9", 2, 6, "+")]))
    with pytest.raises(UsageError, match=r"train/positive\.csv\.gz, row 1: toy1 has no chr"):
        read_labelled(classes, genome=genome)
    with pytest.raises(UsageError, match=r"train/negative\.csv\.gz: names regions"):
        read_labelled(classes)
    write(classes, "negative/0.txt", "ACGT")
    with pytest.raises(UsageError, match="the class 'negative' is there twice, as negative"):
        read_labelled(classes, genome=genome)


def test_folders_without_classes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "class").mkdir(parents=True)
    with pytest.raises(UsageError, match="empty/class: no text files in this folder"):
        read_labelled(tmp_path / "empty")
    with pytest.raises(UsageError, match=r"no classes in this folder; expected <class>\.csv\.gz"):
        read_labelled(tmp_path / "empty" / "class")
    (tmp_path / "empty" / "class" / "0.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"class/0\.txt: cannot be read"):
        read_labelled(tmp_path / "empty")


def test_many_text_files_show_how_far_it_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[int, str]] = []

    class Bar:
        def show(self, done: int, text: str) -> None:
            shown.append((done, text))

        def close(self) -> None:
            shown.append((-1, "closed"))

    module = "genomark.sequences.class_folder"
    monkeypatch.setattr(f"{module}._MANY_FILES", 1)
    monkeypatch.setattr(f"{module}.interactive", lambda: True)
    monkeypatch.setattr(f"{module}.bar", lambda total, unit: Bar())
    for number in range(2):
        write(tmp_path, f"texts/a/{number}.txt", "ACGT")
    read_sequences(tmp_path / "texts")
    assert shown == [(0, "a"), (-1, "closed")]
