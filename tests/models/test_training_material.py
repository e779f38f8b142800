"""Reading what training data consist of: sequences, regions of folds, published sets."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from genomark.errors import DatasetUnavailableError, UnknownNameError, UsageError
from genomark.models.training_data import (
    TRAINING_SETS,
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
    assert read_regions(bed, "hg38").rows() == [("chr1", 10, 20), ("chr1", 30, 50), ("chr2", 0, 5)]
    chosen = read_regions(bed, "hg38", ("fold0", "fold1"))
    assert chosen.rows() == [("chr1", 10, 20), ("chr2", 0, 5)]


def test_a_label_that_no_region_has_is_told_with_those_there_are(bed):
    with pytest.raises(UsageError, match=r"regions\.bed: .*'fold9'.*fold0, fold1, fold3"):
        read_regions(bed, "hg38", ("fold9",))


def test_a_packed_file_of_regions_is_read(tmp_path):
    (tmp_path / "r.bed.gz").write_bytes(gzip.compress(BED.encode(), mtime=0))
    told = training_of_file(str(tmp_path / "r.bed.gz"), "GRCh38")
    assert told == TrainingRegions(str(tmp_path / "r.bed.gz"), "hg38")


@pytest.mark.parametrize("line", ["chr1\t20\t10", "chr1\tx\t10", "chr1 5"])
def test_what_is_no_region_is_told_with_file_and_line(tmp_path, line):
    (tmp_path / "bad.bed").write_text(f"chr1\t1\t2\n{line}\n")
    with pytest.raises(UsageError, match=r"bad\.bed.*2") as raised:
        read_regions(tmp_path / "bad.bed", "hg38")
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


def test_an_assembly_that_is_not_known_is_refused_whatever_is_named(tmp_path):
    (tmp_path / "a.fasta").write_text(">a\nACGT\n")
    for text in (str(tmp_path / "a.fasta"), "enformer", "none"):
        with pytest.raises(UnknownNameError, match="nonsense"):
            training_of_file(text, "nonsense")


def test_names_without_chr_are_those_of_the_assembly(tmp_path):
    (tmp_path / "plain.bed").write_text("1\t10\t20\n1\t30\t50\nKI270302.1\t0\t5\nX\t7\t8\n")
    found = training_material([TrainingRegions(str(tmp_path / "plain.bed"), "GRCh38")])
    assert found.regions["hg38"].rows() == [("chr1", 10, 20), ("chr1", 30, 50), ("chrX", 7, 8)]


def test_regions_of_another_assembly_are_refused_also_where_their_label_is_not_asked_for(tmp_path):
    (tmp_path / "old.bed").write_text("chr1\t0\t9\ttrain\nchr1\t0\t249250621\ttest\n")
    assert read_regions(tmp_path / "old.bed", "hg19", ("train",)).height == 1
    with pytest.raises(UsageError, match=r"old\.bed: region 2, chr1:.*248,956,422"):
        read_regions(tmp_path / "old.bed", "hg38", ("train",))


@pytest.mark.parametrize("name", ["p.narrowPeak", "p.broadPeak", "p.BED", "p.narrowpeak.gz"])
def test_peaks_are_regions(tmp_path, name):
    row = b"chr1\t10\t20\tpeak\t100\t.\t5.5\t3.1\t-1\t4\n"
    (tmp_path / name).write_bytes(gzip.compress(row, mtime=0) if name.endswith("gz") else row)
    told = training_of_file(f"{tmp_path / name}:peak", "hg38")
    assert told == TrainingRegions(str(tmp_path / name), "hg38", ("peak",))
    assert training_material([told]).regions["hg38"].rows() == [("chr1", 10, 20)]


def test_regions_of_another_ending_are_told_which_there_are(tmp_path):
    (tmp_path / "a.txt").write_text("chr1\t10\t20\nchr1\t30\t40\n")
    told = training_of_file(str(tmp_path / "a.txt"), None)
    with pytest.raises(UsageError, match=r"a\.txt: no column of sequences .*\.bed, \.narrowPeak"):
        training_material([told])


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_is_no_name_of_a_file(text):
    with pytest.raises(UsageError, match="training data without a name; expected FASTA"):
        training_of_file(text, None)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.bed").mkdir()
    for text in (tmp_path, tmp_path / "folder.bed"):
        with pytest.raises(UsageError, match="is a folder; expected FASTA"):
            training_of_file(str(text), "hg38")
    with pytest.raises(UsageError, match="is a folder; expected a file of sequences"):
        training_material([TrainingSequences(str(tmp_path))])


def test_labels_begin_behind_the_name_of_the_file(bed):
    told = training_of_file(f"{bed}:a:b", "hg38")
    assert told == TrainingRegions(str(bed), "hg38", ("a:b",))
    with pytest.raises(UsageError, match=r"regions\.bed: no region has 'a:b'.*fold0, fold1"):
        training_material([told])


@pytest.mark.parametrize("labels", ["", "fold0+", "+"])
def test_an_empty_label_is_refused(bed, labels):
    with pytest.raises(UsageError, match=r"a label is empty; expected .*regions\.bed:LABEL"):
        training_of_file(f"{bed}:{labels}", "hg38")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (">a\nACGT\n>b\nMKLVE\n", "row 2: 'L' at position 3 is no letter of DNA or RNA"),
        (">a\nAC-GT\n", "row 1: '-' at position 3 is no letter of DNA or RNA.*without gaps"),
        (">a\n>b\n", "row 1: has no sequence"),
        ("ACGT\n", "not FASTA"),
    ],
)
def test_what_is_no_fasta_of_nucleotides_is_told_in_its_own_words(tmp_path, content, says):
    (tmp_path / "bad.fasta").write_text(content)
    with pytest.raises(UsageError, match=rf"bad\.fasta.*{says}") as raised:
        training_material([TrainingSequences(str(tmp_path / "bad.fasta"))])
    assert "column" not in str(raised.value).lower()
    assert "\n" not in str(raised.value)


def test_a_url_is_told_without_its_password():
    with pytest.raises(DatasetUnavailableError) as raised:
        training_material([TrainingSequences("https://me:secret@example.org/a.fa?key=secret")])
    assert "https://example.org/a.fa are not fetched" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_not_there_is_told_with_what_could_stand_there():
    with pytest.raises(UsageError, match=r"nowhere\.fa: no such file.*borzoi-folds, enformer"):
        training_of_file("nowhere.fa", None)
    with pytest.raises(UsageError, match="no such file"):
        training_of_file("nowhere.bed:train", "hg38")


@pytest.mark.parametrize(
    ("name", "listed", "sees"), [("enformer", 131_072, 196_608), ("borzoi-folds", 196_608, 524_288)]
)
def test_a_named_set_is_what_the_model_takes_in(real_data, name, listed, sees):
    """Enformer: Avsec et al. 2021; Borzoi: LENGTH and CROP of its published data, Linder et al."""
    of = TRAINING_SETS[name]
    file = real_data(of.dataset, of.file)
    rows = read_regions(file, of.assembly, of.training)
    assert set(rows["end"] - rows["start"]) == {listed}
    found = training_material([NamedTraining(name)]).regions["hg38"]
    assert found["chrom"].equals(rows["chrom"])
    inside = rows["start"] >= (sees - listed) // 2
    assert set((found["end"] - found["start"]).filter(inside)) == {sees}
    assert (found["start"].filter(~inside) == 0).all()
    assert (found["end"] - rows["end"] == (sees - listed) // 2).all()
    assert found.columns == ["chrom", "start", "end"]
