"""The Human Protein Atlas: each column the kind of task it is declared to be."""

from __future__ import annotations

import zipfile
from collections import Counter

import pytest

from genomark.errors import UsageError
from genomark.genes.sources import Settings
from genomark.genes.sources.protein_atlas import COLUMNS, SOURCE

LOCATION = "Subcellular location"
CLUSTER = "Cell line expression cluster"
BLOOD = "Blood concentration - Conc. blood IM [pg/L]"
LIVER = "Pathology prognostics - Liver cancer"
HEADER = ["Gene", "Ensembl", "CCD Protein", "Chromosome", LOCATION, CLUSTER, BLOOD, LIVER]
ROWS = [
    ["TP53", "ENSG01", "Yes", "17", "Nucleoplasm,Cytosol", "A; x", "12.5", "unprognostic (3.1e-2)"],
    ["BRCA1", "ENSG02", "No", "17", "Nucleoplasm", "B, y", "", "prognostic favorable (1.00e-5)"],
    ["NA", "ENSG03", "NA", "9", "", "B, y", "3", "unprognostic (4.7e-1)"],
    ["MYC", "ENSG04", "", "X", " Cytosol , Vesicles,", "A; x", "1e3", ""],
    ["ENSG00000099999", "ENSG05", "Yes", "1", "Cytosol", "C", "7", "unprognostic (1.0e-1)"],
    ["MYC", "ENSG06", "No", "Y", "Plasma membrane", "B, y", "5", "prognostic unfavorable (2e-4)"],
]


@pytest.fixture
def parse(tmp_path):
    def run(header=HEADER, rows=ROWS):
        path = tmp_path / "proteinatlas.tsv"
        lines = ["\t".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows]
        path.write_text("\n".join(["\t".join(header), *lines, ""]), "utf-8")
        return {task.name: task for task in SOURCE.parse([path], Settings())}

    return run


def said(task):
    """Rows as (gene, what is said of it)."""
    named = []
    for row in task.targets:
        labels = [label for label, value in zip(task.labels, row, strict=True) if value]
        named.append(labels[0] if task.kind == "multi-class" else labels)
    return list(zip(task.entities["symbol"], named, strict=True))


def test_every_declared_column_is_a_task_under_a_name_a_folder_can_have():
    assert Counter(column.kind for column in COLUMNS) == {
        "binary": 2,
        # 17 prognostics, 18 of expression, 5 clusters, 2 secretome, chromosome, evidence
        "multi-class": 44,
        "multi-label": 6,
        "regression": 9,
    }
    names = [task.name for task in SOURCE.tasks]
    assert len(names) == len(set(names)) == 61
    assert "Blood concentration - Conc. blood IM [pgL]" in names
    assert not any(set(name) & set('/\\:;*?"<>|') for name in names)


def test_the_tasks_are_those_of_the_columns_that_are_there(parse):
    assert list(parse()) == [
        "CCD Protein",
        "Chromosome",
        "Cell line expression cluster",
        "Pathology prognostics - Liver cancer",
        "Blood concentration - Conc. blood IM [pgL]",
        "Subcellular location",
    ]


def test_binary_with_blanks_and_na_left_out(parse):
    task = parse()["CCD Protein"]
    assert (task.kind, task.labels, task.negative) == ("binary", ("Yes",), "No")
    assert list(task.entities["symbol"]) == ["TP53", "BRCA1", "MYC"]
    assert task.targets.ravel().tolist() == [1, 0, 0]


def test_genes_without_a_symbol_are_left_out_and_na_is_a_symbol(parse):
    task = parse()["Chromosome"]
    assert said(task) == [("TP53", "17"), ("BRCA1", "17"), ("NA", "9"), ("MYC", "X")]
    assert task.labels == ("17", "9", "X")


def test_a_symbol_that_stands_twice_keeps_its_first_value_or_all_its_labels(parse):
    tasks = parse()
    assert dict(said(tasks["Chromosome"]))["MYC"] == "X"
    assert dict(said(tasks[LOCATION]))["MYC"] == ["Cytosol", "Plasma membrane", "Vesicles"]
    note = "1 rows of symbols that stood before were merged into the first"
    assert tasks["Chromosome"].notes == tasks[LOCATION].notes == (note,)
    assert tasks["CCD Protein"].notes == ()


def test_labels_are_split_at_commas_and_sorted(parse):
    task = parse()[LOCATION]
    assert task.labels == ("Cytosol", "Nucleoplasm", "Plasma membrane", "Vesicles")
    assert said(task)[:2] == [("TP53", ["Cytosol", "Nucleoplasm"]), ("BRCA1", ["Nucleoplasm"])]


def test_a_comma_does_not_make_a_class_many_labels(parse):
    task = parse()[CLUSTER]
    assert task.kind == "multi-class"
    assert task.labels == ("A x", "B, y")  # and the semicolon is gone


def test_p_values_are_cut_off_the_verdicts(parse):
    task = parse()[LIVER]
    assert said(task) == [
        ("TP53", "unprognostic"),
        ("BRCA1", "prognostic favorable"),
        ("NA", "unprognostic"),
        ("MYC", "prognostic unfavorable"),
    ]


def test_numbers_are_a_regression(parse):
    task = parse()["Blood concentration - Conc. blood IM [pgL]"]
    assert task.kind == "regression"
    assert list(task.entities["symbol"]) == ["TP53", "NA", "MYC"]
    assert task.targets.ravel().tolist() == [12.5, 3.0, 1000.0]


def test_a_column_that_says_one_thing_only_is_no_task(parse):
    same = [[*row[:3], "17", *row[4:]] for row in ROWS]
    assert "Chromosome" not in parse(rows=same)
    unprognostic = [[*row[:-1], f"unprognostic ({place}.0e-1)"] for place, row in enumerate(ROWS)]
    assert LIVER not in parse(rows=unprognostic)


def test_zipped_and_plain_give_the_same(parse, tmp_path):
    plain = parse()
    with zipfile.ZipFile(tmp_path / "proteinatlas.tsv.zip", "w") as archive:
        archive.write(tmp_path / "proteinatlas.tsv", "proteinatlas.tsv")
    packed = list(SOURCE.parse([tmp_path / "proteinatlas.tsv.zip"], Settings()))
    assert [task.name for task in packed] == list(plain)
    assert [said(task) for task in packed] == [said(task) for task in plain.values()]


def test_a_cell_that_is_no_number_is_named(parse):
    odd = [[*row[:6], "much", row[7]] if row[0] == "NA" else row for row in ROWS]
    with pytest.raises(UsageError, match=r"proteinatlas\.tsv: column 'Blood.*'much'"):
        parse(rows=odd)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (["Symbol", *HEADER[1:]], "no column 'Gene'"),
        (["Gene", "Ensembl", *"abcdef"], "no column of the Human Protein Atlas"),
    ],
)
def test_another_table_is_refused(parse, header, says):
    with pytest.raises(UsageError, match=says):
        parse(header=header)


def test_one_file_is_expected(tmp_path):
    with pytest.raises(UsageError, match=r"Expected one file, .*; got 2: a.tsv, b.tsv"):
        list(SOURCE.parse([tmp_path.__class__("a.tsv"), tmp_path.__class__("b.tsv")], Settings()))
