"""Sources of one task each: HumanTFs, HLA, Gene2Gene, Open Targets, and files of one's own."""

from __future__ import annotations

import csv
import gzip
from collections import Counter

import polars as pl
import pytest

from genomark.errors import UnknownNameError, UsageError
from genomark.genes.sources import Settings, sources
from genomark.genes.sources.files import expanded, task_name

SOURCES = sources()


@pytest.fixture
def parse(tmp_path):
    """``parse("hla", {"name": "text"})``: the tasks of texts by the names of their files."""

    def run(source, texts, **settings):
        paths = []
        for name, text in texts.items():
            paths.append(tmp_path / name)
            paths[-1].write_text(text, "utf-8")
        return list(SOURCES[source].parse(paths, Settings(**settings)))

    return run


def said(task):
    values = task.targets.ravel().tolist()
    return list(zip(task.entities.rows(), values, strict=True))


# HumanTFs

TFS = """\
,Ensembl ID,HGNC symbol,DBD,Is TF?,Final Notes
0,ENSG1,TFAP2A,AP-2,Yes,"a, b"
1,ENSG2,NA,, No ,
2,ENSG3,AEBP1,Unknown,No,None
"""


def test_transcription_factors_are_the_positive_class(parse):
    (task,) = parse("human-tfs", {"tfs.csv": TFS})
    assert task.name == "TF vs non-TF"
    assert said(task) == [(("TFAP2A",), 1), (("NA",), 0), (("AEBP1",), 0)]
    assert (task.labels, task.negative) == (("Transcription factor",), "Not a transcription factor")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TFS.replace("Is TF?", "TF"), r"no column 'Is TF\?'"),
        (TFS.replace("Yes", "Perhaps"), "holds 'Perhaps', expected Yes or No"),
        (TFS.splitlines()[0], "a header and no row"),
        ("<html>", "a web page"),
    ],
)
def test_another_table_of_factors_is_refused(parse, text, says):
    with pytest.raises(UsageError, match=says):
        parse("human-tfs", {"tfs.csv": text})


def test_the_human_transcription_factors(real_data):
    path = real_data("human_tfs", "DatabaseExtract_v_1.01.csv")
    (task,) = SOURCES["human-tfs"].parse([path], Settings())
    with path.open(encoding="utf-8-sig", newline="") as stream:
        read = csv.DictReader(stream)
        rows = [(row["HGNC symbol"].strip(), row["Is TF?"].strip()) for row in read]
    assert len(task) == len(rows) == 2765
    assert task.targets.sum() == sum(judged == "Yes" for _, judged in rows) == 1639
    assert said(task) == [((symbol,), float(judged == "Yes")) for symbol, judged in rows]
    assert task.entities["symbol"].n_unique() == 2765


# HLA

HLA = """\
HGNC ID\tApproved symbol\tApproved name\tStatus
HGNC:4931\tHLA-A\tmajor histocompatibility complex, class I, A\tApproved
HGNC:4970\tHLA-L\tmajor histocompatibility complex, class I, L (pseudogene)\tApproved
HGNC:4947\tHLA-DRA\tmajor histocompatibility complex, class II, DR alpha\tApproved
HGNC:1\tHCP5\tHLA complex P5\tApproved
HGNC:2\tMICA\tsomething, class III, else\tApproved
"""


def test_classes_of_hla_are_read_off_the_names_without_blanks(parse):
    (task,) = parse("hla", {"group.tsv": HLA})
    assert task.name == "HLA class I vs class II"
    assert said(task) == [(("HLA-A",), 1), (("HLA-L",), 1), (("HLA-DRA",), 0)]
    assert (task.labels, task.negative) == (("class I",), "class II")
    assert task.notes == ("2 genes of the group left out: their names are of neither class",)


def test_a_group_without_both_classes_is_refused(parse):
    one = "\n".join(HLA.splitlines()[:3])
    with pytest.raises(UsageError, match="no names of both classes"):
        parse("hla", {"group.tsv": one})


# Gene2Gene

PAIRS = {
    "train_text.txt": "TP53 MDM2\nBRCA1 NA\n",
    "train_label.txt": "1\n0\n",
    "valid_text.txt": "TP53 MDM2\n",
    "valid_label.txt": "1\n",
    "test_text.txt": "IL6 IL6R\n",
    "test_label.txt": "0\n",
}


def test_pairs_of_all_splits_come_one_after_the_other(parse):
    (task,) = parse("gene2gene", PAIRS)
    assert task.name == "Gene2Gene"
    assert task.entities.columns == ["symbol", "symbol.1"]
    assert said(task) == [
        (("TP53", "MDM2"), 1),
        (("BRCA1", "NA"), 0),
        (("TP53", "MDM2"), 1),
        (("IL6", "IL6R"), 0),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"valid_label.txt": "1\n0\n"}, "1 pairs, but 2 labels in valid_label.txt"),
        ({"test_text.txt": "IL6\n"}, "the line 'IL6' is no pair"),
        ({"test_label.txt": "yes\n"}, "the label 'yes' is neither 0 nor 1"),
        ({"test_label.txt": ""}, r"test_label\.txt: the file is empty"),
    ],
)
def test_wrong_pairs_are_refused(parse, change, says):
    with pytest.raises(UsageError, match=says):
        parse("gene2gene", PAIRS | change)


def test_a_missing_split_is_named(parse):
    rest = {name: text for name, text in PAIRS.items() if name != "valid_text.txt"}
    with pytest.raises(UsageError, match=r"No file valid_text\.txt .* \(a folder that holds them"):
        parse("gene2gene", rest)


def test_the_gene_pairs_of_gene2vec(real_data):
    files = [
        real_data("gene2gene", f"{split}_{what}.txt")
        for split in ("train", "valid", "test")
        for what in ("text", "label")
    ]
    (task,) = SOURCES["gene2gene"].parse(files, Settings())
    assert len(task) == 290_032
    symbols = set(task.entities["symbol"]) | set(task.entities["symbol.1"])
    assert len(symbols) == 12_472
    assert round(100 * task.targets.mean(), 1) == 49.7
    pairs = Counter(task.entities.iter_rows())
    assert sum(count - 1 for count in pairs.values()) == 209


# Open Targets

ASSOCIATIONS = {
    "diseaseId": ["EFO_2", "EFO_1", "EFO_1", "EFO_1"],
    "targetId": ["ENSG00000000001", "ENSG00000000002", "ENSG00000000003", "ENSG00000000009"],
    "score": [0.5, 0.25, 0.75, 1.0],
    "evidenceCount": [1, 2, 3, 4],
}
COMPLETE = """\
symbol\tstatus\tensembl_gene_id
ZZZ\tApproved\tENSG00000000001
AAA\tApproved\tENSG00000000002
AAA\tApproved\tENSG00000000003
"""


@pytest.fixture
def associations(tmp_path):
    """Two part files, and the settings that go with them."""
    table = pl.DataFrame(ASSOCIATIONS)
    folder = tmp_path / "associationByOverallDirect"
    folder.mkdir()
    table[:3].write_parquet(folder / "part-00000-a.snappy.parquet", compression="snappy")
    table[3:].write_parquet(folder / "part-00001-a.snappy.parquet", compression="snappy")
    (folder / "_SUCCESS").write_text("")
    (tmp_path / "hgnc.txt").write_text(COMPLETE)
    return folder, Settings(hgnc=tmp_path / "hgnc.txt")


def test_scores_of_a_pair_are_averaged_and_pairs_are_sorted(associations):
    folder, settings = associations
    (task,) = SOURCES["open-targets"].parse(expanded([folder]), settings)
    assert (task.name, task.kind) == ("Gene Disease Association", "regression")
    assert task.entities.columns == ["symbol", "diseaseId"]
    assert said(task) == [(("AAA", "EFO_1"), 0.5), (("ZZZ", "EFO_2"), 0.5)]
    assert task.notes == ("1 of 4 associations left out: HGNC does not know the gene",)


def test_nothing_is_noted_where_every_gene_is_known(associations):
    folder, settings = associations
    (folder / "part-00001-a.snappy.parquet").unlink()
    (task,) = SOURCES["open-targets"].parse(expanded([folder]), settings)
    assert said(task) == [(("AAA", "EFO_1"), 0.5), (("ZZZ", "EFO_2"), 0.5)]
    assert task.notes == ()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda part: part.write_bytes(part.read_bytes()[:-20]),
            "not a parquet file, or cut short",
        ),
        (lambda part: part.write_bytes(b"<html>"), "not a parquet file, or cut short"),
        (
            lambda part: pl.DataFrame({"targetId": ["x"], "score": [1.0]}).write_parquet(part),
            "expected the columns targetId, diseaseId, score; it has targetId, score",
        ),
        (
            lambda part: pl.DataFrame(
                {"targetId": ["x"], "diseaseId": ["y"], "score": [None]}
            ).write_parquet(part),
            "an association without gene, disease or score",
        ),
        (
            lambda part: pl.DataFrame(
                {"targetId": ["x"], "diseaseId": ["y"], "score": ["much"]}
            ).write_parquet(part),
            "not a parquet file",
        ),
    ],
)
def test_wrong_associations_are_refused_in_one_line(associations, spoil, says):
    folder, settings = associations
    spoil(folder / "part-00001-a.snappy.parquet")
    with pytest.raises(UsageError, match=says) as caught:
        list(SOURCES["open-targets"].parse(expanded([folder]), settings))
    assert "\n" not in str(caught.value)


def test_associations_of_no_gene_that_is_known(associations):
    folder, settings = associations
    (folder / "part-00000-a.snappy.parquet").unlink()
    with pytest.raises(UsageError, match="no targetId is an Ensembl id that HGNC knows"):
        list(SOURCES["open-targets"].parse(expanded([folder]), settings))


def test_associations_have_to_be_parquet(parse):
    with pytest.raises(UsageError, match="no parquet file"):
        parse("open-targets", {"a.json": "{}"})


# Files of one's own

SETS = "SMALL\turl\tA\tB\nMIDDLE\turl\tA\tB\tC\nLARGE\turl\tA\tB\tC\tD\tE\n"


def test_a_gmt_is_a_task_named_after_it(parse):
    (task,) = parse("gmt", {"my.sets.gmt": SETS}, min_genes=3, max_genes=4)
    assert task.name == "my.sets"
    assert task.labels == ("MIDDLE",)
    (task,) = parse("gmt", {"my.sets.gmt": SETS}, min_genes=2, name="mine")
    assert (task.name, task.labels) == ("mine", ("SMALL", "MIDDLE", "LARGE"))


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        (SETS, {"min_genes": 5, "max_genes": 4}, "Sets of 5 to 4 genes"),
        (SETS, {}, "none of 3 gene sets has 15 to 500 genes"),
        ("<html>", {}, "a web page"),
        ("SET\n", {}, "line 1"),
    ],
)
def test_a_wrong_gmt_is_refused(parse, text, settings, says):
    with pytest.raises(UsageError, match=says):
        parse("gmt", {"my.gmt": text}, **settings)


def test_a_packed_gmt_says_what_to_do(tmp_path):
    path = tmp_path / "my.gmt.gz"
    path.write_bytes(gzip.compress(SETS.encode(), mtime=0))
    with pytest.raises(UsageError, match=r"packed \(gzip\); unpack it first"):
        list(SOURCES["gmt"].parse([path], Settings()))


def test_one_name_for_two_files_is_refused(parse):
    with pytest.raises(UsageError, match="Expected one file, to be given the name"):
        parse("gmt", {"a.gmt": SETS, "b.gmt": SETS}, name="mine", min_genes=2)


def test_a_table_is_a_task_of_the_columns_that_are_named(parse):
    text = "gene\tessential\tchromosome\nTP53\tyes\t17\nNA\tno\t9\n"
    (task,) = parse(
        "table",
        {"my:genes.tsv": text},
        symbols=("gene",),
        outcomes=("essential",),
        groups="chromosome",
        positive="no",
    )
    assert task.name == "mygenes"
    assert said(task) == [(("TP53",), 0), (("NA",), 1)]
    assert (task.labels, task.groups) == (("no",), ("17", "9"))


def test_a_column_that_is_not_there_is_named(parse):
    with pytest.raises(UnknownNameError, match="essentail"):
        parse(
            "table",
            {"a.csv": "symbol,essential\nTP53,1\nBRCA1,0\n"},
            outcomes=("essentail",),
        )


# Files and names


def test_folders_stand_for_the_files_in_them(tmp_path):
    for name in ("b/2.txt", "b/1.txt", "a.txt", ".hidden/3.txt", "b/.DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    names = [path.relative_to(tmp_path).as_posix() for path in expanded([tmp_path])]
    assert names == ["a.txt", "b/1.txt", "b/2.txt"]
    assert expanded([tmp_path / "b" / "2.txt"]) == [tmp_path / "b" / "2.txt"]


def test_only_a_few_of_many_files_are_named(tmp_path):
    paths = [tmp_path / f"{place}.csv" for place in range(6)]
    with pytest.raises(UsageError, match=r"got 6: .*3\.csv and others$"):
        list(SOURCES["table"].parse(paths, Settings()))


def test_paths_that_lead_nowhere_are_told_of(tmp_path):
    with pytest.raises(UsageError, match="none: no such file or folder"):
        expanded([tmp_path / "none"])
    with pytest.raises(UsageError, match="the folders that were given are empty"):
        expanded([tmp_path])


def test_names_of_tasks_can_be_names_of_folders():
    assert task_name('a/b\\c:d;e*f?g"h<i>j|k\n. ') == "abcdefghijk"
    assert task_name("Gene expression (Transcription)") == "Gene expression (Transcription)"
