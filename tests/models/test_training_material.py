"""Reading what training data consist of: sequences, regions of folds, published sets."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from genomark.errors import DatasetUnavailableError, UnknownNameError, UsageError
from genomark.models.training_data import (
    UNKNOWN,
    NamedTraining,
    NoTraining,
    OwnTraining,
    TrainingRegions,
    TrainingSequences,
    in_words,
)
from genomark.models.training_material import read_regions, training_material, training_of_file

BED = "chr1\t10\t20\tfold0\nchr1\t30\t50\tfold3\nchr2\t0\t5\tfold1\n"


@pytest.fixture
def bed(tmp_path: Path) -> Path:
    (tmp_path / "regions.bed").write_text(BED)
    return tmp_path / "regions.bed"


def test_regions_of_some_labels_alone_are_training(bed):
    assert read_regions(bed).rows() == [("chr1", 10, 20), ("chr1", 30, 50), ("chr2", 0, 5)]
    assert read_regions(bed, ("fold0", "fold1")).rows() == [("chr1", 10, 20), ("chr2", 0, 5)]


def test_a_label_that_no_region_has_is_told_with_those_there_are(bed):
    with pytest.raises(UsageError, match=r"regions\.bed: .*'fold9'.*fold0, fold1, fold3"):
        read_regions(bed, ("fold9",))


def test_a_packed_file_of_regions_is_read(tmp_path):
    (tmp_path / "r.bed.gz").write_bytes(gzip.compress(BED.encode(), mtime=0))
    told = training_of_file(str(tmp_path / "r.bed.gz"), "GRCh38")
    assert told == TrainingRegions(str(tmp_path / "r.bed.gz"), "hg38")


@pytest.mark.parametrize("line", ["chr1\t20\t10", "chr1\tx\t10", "chr1 5"])
def test_what_is_no_region_is_told_with_file_and_line(tmp_path, line):
    (tmp_path / "bad.bed").write_text(f"chr1\t1\t2\n{line}\n")
    with pytest.raises(UsageError, match=r"bad\.bed.*2") as raised:
        read_regions(tmp_path / "bad.bed")
    assert "\n" not in str(raised.value)


def test_published_sets_are_those_of_their_files(real_data):
    """Counted with `cut -f4 | sort | uniq -c`."""
    real_data("training_regions", "sequences_human_borzoi.bed")
    for name, rows in (("enformer", 34_021), ("borzoi-folds", 55_497 - 6_888 - 6_910)):
        found = training_material([NamedTraining(name)])
        assert found.regions["hg38"].height == rows
        assert found.complete
        assert not found.sequences


def test_parts_are_laid_together(tmp_path, bed):
    (tmp_path / "a.fasta").write_text(">one\nACGT\n>two\nGGTT\n")
    (tmp_path / "b.csv").write_text("id,sequence\nthree,CCCC\n")
    found = training_material(
        [
            TrainingSequences(str(tmp_path / "a.fasta")),
            TrainingSequences(str(tmp_path / "b.csv")),
            TrainingRegions(str(bed), "GRCh37"),
            OwnTraining("own", 2),
        ],
        own=lambda: ["AAAA", "TTTT"],
    )
    assert found.names == ("one", "two", "three", "1", "2")
    assert found.sequences == ("ACGT", "GGTT", "CCCC", "AAAA", "TTTT")
    assert list(found.regions) == ["hg19"]
    assert found.complete
    assert found.told[0] == "sequences in a.fasta"


@pytest.mark.parametrize("part", [UNKNOWN, OwnTraining("elsewhere", 3)])
def test_with_a_part_that_is_not_at_hand_nothing_is_complete(part):
    assert not training_material([part, NoTraining()]).complete


def test_a_set_that_a_model_makes_up_is_told_and_cannot_be_read():
    assert in_words(NamedTraining("mine")) == "mine"
    with pytest.raises(UnknownNameError, match="No training set named 'mine'"):
        training_material([NamedTraining("mine")])


def test_nothing_is_fetched_by_itself():
    with pytest.raises(DatasetUnavailableError, match=r"https://example\.org/a\.fa.*download"):
        training_material([TrainingSequences("https://example.org/a.fa")])


def test_a_user_names_sets_files_and_labels(tmp_path, bed):
    fasta = tmp_path / "train.fasta"
    fasta.write_text(">a\nACGT\n")
    assert training_of_file("borzoi-folds", None) == NamedTraining("borzoi-folds")
    assert training_of_file("none", None) == NoTraining()
    assert training_of_file(str(fasta), None) == TrainingSequences(str(fasta))
    assert training_of_file(f"{bed}:fold0+fold1", "hg38") == TrainingRegions(
        str(bed), "hg38", ("fold0", "fold1")
    )


def test_regions_without_an_assembly_are_refused(bed):
    with pytest.raises(UsageError, match=r"regions\.bed.*--assembly"):
        training_of_file(str(bed), None)
    with pytest.raises(UnknownNameError, match="hg99"):
        training_of_file(str(bed), "hg99")


def test_a_file_that_is_not_there_is_told_with_what_could_stand_there():
    with pytest.raises(UsageError, match=r"nowhere\.fa: no such file.*borzoi-folds, enformer"):
        training_of_file("nowhere.fa", None)
    with pytest.raises(UsageError, match="no such file"):
        training_of_file("nowhere.bed:train", "hg38")
