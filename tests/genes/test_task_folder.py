"""Task folders: the layout of gene-benchmark, read, refused and written."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark import datasets
from genomark.errors import DatasetError, UnknownNameError, UsageError, WriteError
from genomark.genes import GeneTask, filter_task, list_tasks, make_task, read_task, write_task

REAL = "gene_benchmark_tasks"
#: What files can hold: no half of a surrogate pair.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@pytest.fixture(scope="module")
def real(cache: Path) -> Path:
    """The folder of real tasks."""
    try:
        found = datasets.fetch(REAL, progress=False)
    except DatasetError as error:
        pytest.skip(str(error))
    name, path = next(iter(found.items()))
    return path.parents[name.count("/")]


def write(folder: Path, entities: str | bytes | None, outcomes: str | bytes | None) -> Path:
    """Write a task folder as it stands, and return the one above it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("entities.csv", entities), ("outcomes.csv", outcomes)):
        if content is not None:
            raw = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(raw)
    return folder.parent


def same(one: GeneTask, other: GeneTask) -> None:
    assert (one.name, one.kind, one.labels, one.negative, one.groups) == (
        (other.name, other.kind, other.labels, other.negative, other.groups)
    )
    assert one.entities.to_dict(as_series=False) == other.entities.to_dict(as_series=False)
    np.testing.assert_array_equal(one.targets, other.targets)


def cells(path: Path) -> list[list[str]]:
    """The rows of a file below its header, by Python's own reader."""
    with path.open(newline="") as handle:
        return list(csv.reader(handle))[1:]


# Real tasks: the numbers are counts of lines and cells of the files.


def test_every_task_is_listed_and_nothing_else(real: Path) -> None:
    assert list_tasks(real) == [
        "Gene Type Test",
        "a/b/c/d/e",
        "imbalanced_cat",
        "interaction",
        "multi_label",
        "simple_cat",
        "symbol_bin",
        "test_multiclass",
        "test_multiclass/level1/level2/level3_with_data_local",
        "test_multiclass/level1/level2/subtest_with_data_above",
        "two_int",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "n", "counts"),
    [
        ("symbol_bin", "binary", 100, {"class_1": 50}),
        ("simple_cat", "multi-class", 100, {f"class_{k}": 20 for k in range(5)}),
        (
            "imbalanced_cat",
            "multi-class",
            110,
            dict(zip([f"class_{k}" for k in range(6)], [21, 21, 42, 21, 1, 4], strict=True)),
        ),
        ("test_multiclass", "multi-class", 69, {"ABC": 43, "CHRN": 9, "HOX": 17}),
        (
            "test_multiclass/level1/level2/level3_with_data_local",
            "binary",
            174,
            {"short_range": 128},
        ),
    ],
)
def test_a_real_task_is_read(
    real: Path, name: str, kind: str, n: int, counts: dict[str, int]
) -> None:
    task = read_task(real, name)
    assert (task.name, task.kind, len(task)) == (name, kind, n)
    assert dict(zip(task.labels, task.targets.sum(axis=0), strict=True)) == counts
    genes = [row[0] for row in cells(real / name / "entities.csv")]
    assert task.entities.to_dict(as_series=False) == {"symbol": genes}


def test_real_gene_types_contradict_each_other(real: Path) -> None:
    name = "Gene Type Test"
    task = read_task(real, name)
    genes = [row[0] for row in cells(real / name / "entities.csv")]
    types = [row[0] for row in cells(real / name / "outcomes.csv")]
    expected = Counter(types)
    assert dict(zip(task.labels, task.targets.sum(axis=0), strict=True)) == expected
    assert task.labels[0] == "antisense"
    answers: dict[str, set[str]] = {}
    for gene, answer in zip(genes, types, strict=True):
        answers.setdefault(gene, set()).add(answer)
    n = sum(len(found) > 1 for found in answers.values())
    assert task.notes[0].startswith(f"rows of the same entities with different answers: {n}, ")


def test_a_nested_task_takes_the_nearest_entities(real: Path) -> None:
    above = read_task(real, "test_multiclass/level1/level2/subtest_with_data_above")
    local = read_task(real, "test_multiclass/level1/level2/level3_with_data_local")
    assert above.entities["symbol"][0] == "ABCA1"
    assert local.entities["symbol"][0] == "FOSL1"


def test_a_real_task_without_entities_is_told(real: Path) -> None:
    with pytest.raises(UsageError, match=r"'a/b/c/d/e': no entities\.csv in .* up to "):
        read_task(real, "a/b/c/d/e")


@pytest.mark.parametrize(
    ("name", "columns"),
    [("interaction", ["symbol", "symbol.1"]), ("two_int", ["symb1", "symb2"])],
)
def test_pairs_have_two_columns(real: Path, name: str, columns: list[str]) -> None:
    task = read_task(real, name)
    assert task.entities.columns == columns
    assert [list(row) for row in task.entities.iter_rows()] == cells(real / name / "entities.csv")


def test_a_label_is_a_binary_task(real: Path) -> None:
    whole = read_task(real, "multi_label")
    assert (whole.kind, whole.labels) == ("multi-label", tuple(f"Outcomes_{k}" for k in range(5)))
    rows = [[float(cell) for cell in row] for row in cells(real / "multi_label" / "outcomes.csv")]
    np.testing.assert_array_equal(whole.targets, rows)
    one = read_task(real, "multi_label;Outcomes_1")
    assert (one.name, one.kind) == ("multi_label;Outcomes_1", "binary")
    assert (one.labels, one.negative) == (("1",), "0")
    assert one.targets[:, 0].tolist() == [row[1] for row in rows]
    same(one, filter_task(whole, label="Outcomes_1"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("multi_label;Outcomes_9", r"^No label of task 'multi_label' named 'Outcomes_9'\. Did you"),
        ("multi_lable", r"^No task named 'multi_lable'\. Did you mean 'multi_label'\?$"),
        ("multi_lable;Outcomes_1", r"Did you mean 'multi_label'\?$"),
    ],
)
def test_the_nearest_name_is_offered(real: Path, name: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        read_task(real, name)


def test_a_folder_between_is_no_task(real: Path) -> None:
    with pytest.raises(UsageError, match=r"'test_multiclass/level1' has no outcomes\.csv of its"):
        read_task(real, "test_multiclass/level1")


def test_only_a_multi_label_task_has_labels(real: Path) -> None:
    with pytest.raises(UsageError, match="'symbol_bin' is binary: only of a multi-label task"):
        read_task(real, "symbol_bin;x")
    with pytest.raises(UsageError, match="leave out kind and positive"):
        read_task(real, "multi_label;Outcomes_1", kind="regression")
    with pytest.raises(UsageError, match="leave out kind and positive"):
        read_task(real, "multi_label;Outcomes_1", positive="0")


def test_real_tasks_are_written_as_they_were(real: Path, tmp_path: Path) -> None:
    for name in list_tasks(real):
        if name != "a/b/c/d/e":
            task = read_task(real, name)
            folder = write_task(tmp_path, task)
            same(read_task(tmp_path, name), task)
            assert (folder / "outcomes.csv").read_bytes() == (
                (real / name / "outcomes.csv").read_bytes()
            )


# Names


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../t", "t/../t", "/t", "t/", "t//t", "a\\b", "./t", "t\0", "../t;x"]
)
def test_no_name_leads_out_of_the_root(tmp_path: Path, name: str) -> None:
    root = write(tmp_path / "tasks" / "t", "symbol\nA\nB\n", "Outcomes\n1\n0\n")
    write(tmp_path / "t", "symbol\nA\nB\n", "Outcomes\n1\n0\n")
    with pytest.raises(UsageError, match="is not a path below the folder of tasks"):
        read_task(root, name)
    if ";" not in name:
        task = make_task(
            "t",
            pl.DataFrame({"symbol": ["A"]}),
            pl.DataFrame({"o": [1, 2, 3]})[:1],
            kind="regression",
        )
        with pytest.raises(UsageError, match="is not a path below"):
            write_task(root, task, name=name)


def test_a_link_does_not_lead_out_of_the_root(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", "symbol\nA\nB\n", "Outcomes\n1\n0\n")
    root = tmp_path / "tasks"
    root.mkdir()
    (root / "t").symlink_to(tmp_path / "elsewhere")
    assert list_tasks(root) == []
    with pytest.raises(UsageError, match="leads out of"):
        read_task(root, "t")
    # The root itself may be a link.
    (tmp_path / "link").symlink_to(tmp_path)
    assert len(read_task(tmp_path / "link", "elsewhere")) == 2


def test_entities_above_the_root_are_not_taken(tmp_path: Path) -> None:
    root = write(tmp_path / "tasks" / "t", None, "Outcomes\n1\n0\n")
    (tmp_path / "entities.csv").write_text("symbol\nA\nB\n")
    with pytest.raises(UsageError, match=r"no entities\.csv"):
        read_task(root, "t")
    (root / "entities.csv").write_text("symbol\nC\nD\n")
    assert read_task(root, "t").entities["symbol"].to_list() == ["C", "D"]


def test_a_folder_may_have_a_semicolon_in_its_name(tmp_path: Path) -> None:
    write(tmp_path / "a;b", "symbol\nA\nB\n", "Outcomes\n1\n0\n")
    assert read_task(tmp_path, "a;b").name == "a;b"


def test_a_label_may_look_like_a_path(tmp_path: Path) -> None:
    write(tmp_path / "t", "symbol\nA\nB\n", "../x,;y//\n1,0\n0,1\n")
    assert read_task(tmp_path, "t;../x").targets[:, 0].tolist() == [1, 0]
    assert read_task(tmp_path, "t;;y//").targets[:, 0].tolist() == [0, 1]


def test_a_folder_without_tasks_says_so(tmp_path: Path) -> None:
    assert list_tasks(tmp_path) == []
    with pytest.raises(UsageError, match=r"no folder below it holds an outcomes\.csv"):
        read_task(tmp_path, "t")
    with pytest.raises(UsageError, match="no such folder of tasks"):
        list_tasks(tmp_path / "none")
    write(tmp_path, "symbol\nA\n", "Outcomes\n1\n")
    assert list_tasks(tmp_path) == []


# Files


@pytest.mark.parametrize(
    ("entities", "genes"),
    [
        ("symbol\nNA\nNAN\n", ["NA", "NAN"]),
        ('symbol\n""\nNA\n', ["", "NA"]),
        ("symbol\n\nNA\n", ["", "NA"]),
        ("symbol\r\nTRUE\r\nnull\r\n", ["TRUE", "null"]),
        ("\ufeffsymbol\nA\nB", ["A", "B"]),
        ('"symbol"\n"A, the first"\n"the ""B"""\n', ["A, the first", 'the "B"']),
        ("symbol\nA\nB\n\n\n", ["A", "B"]),
        ("symbol\n A\nB \n", [" A", "B "]),
        ('symbol\nx"y\nB\n', ['x"y', "B"]),
        ("symbol\n#1\n1e5\n", ["#1", "1e5"]),
        ('symbol\nx"y\n""\n', ['x"y', ""]),
        ('symbol\nx"y\n\nB\n', ['x"y', "", "B"]),
    ],
)
def test_names_are_what_the_file_says(tmp_path: Path, entities: str, genes: list[str]) -> None:
    outcomes = "Outcomes\n1\n0\n1\n"[: 9 + 2 * len(genes)]
    write(tmp_path / "t", entities, outcomes)
    assert read_task(tmp_path, "t").entities.to_dict(as_series=False) == {"symbol": genes}


def test_a_blank_line_is_an_empty_outcome(tmp_path: Path) -> None:
    write(tmp_path / "t", "symbol\nA\nB\nC\n", "Outcomes\n1\n\n0\n")
    task = read_task(tmp_path, "t")
    assert task.entities["symbol"].to_list() == ["A", "C"]
    assert task.notes == ("1 of 3 rows left out: no outcome",)
    # In a table of several columns it is nothing.
    write(tmp_path / "t", "symbol\nA\nB\nC\n", "x,y\n1,0\n\n0,1\n1,1\n\n")
    assert read_task(tmp_path, "t").targets.tolist() == [[1, 0], [0, 1], [1, 1]]


def test_empty_cells_at_the_end_of_rows_are_read(tmp_path: Path) -> None:
    write(tmp_path / "t", "symbol,diseaseId\nA,\nB,x\n", "Outcomes\n1\n0\n")
    task = read_task(tmp_path, "t")
    assert task.entities.columns == ["symbol", "diseaseId"]
    assert task.entities["diseaseId"].to_list() == ["", "x"]


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ("", r"entities\.csv: empty; expected a header and rows"),
        ("\n\n", r"entities\.csv: empty"),
        (b"symbol\nA\n\xff\n", r"entities\.csv, line 3: not UTF-8"),
        ("symbol\nA\n", r"1 entities but 2 outcomes; expected as many rows"),
        (
            "symbol,b\nA,1\nB\n",
            r"entities\.csv, line 3: expected 2 cells as in the header, found 1",
        ),
        ("symbol\nA\nB,C\n", r"entities\.csv, line 3: expected 1 cells .* found 2"),
        ('symbol,b\n"A,1\nB,2\n', r"entities\.csv, line 3: unexpected end of data"),
        (",symbol\n0,A\n1,B\n", r"column 1 has no name; an index that pandas wrote\?"),
        ("symbol,\nA,1\nB,2\n", r"column 2 has no name$"),
        ("a,b,c\n1,2,3\n1,2,3\n", r"one or two columns of entities, found 3: a, b, c"),
        ("a,a.1,a\n1,2,3\n1,2,3\n", r"cannot be told apart: a, a\.1, a"),
    ],
)
def test_wrong_entities_are_told(tmp_path: Path, entities: str | bytes, message: str) -> None:
    write(tmp_path / "t", entities, "Outcomes\n1\n0\n")
    with pytest.raises(UsageError, match=message):
        read_task(tmp_path, "t")


def test_wrong_outcomes_are_told_with_their_file(tmp_path: Path) -> None:
    write(tmp_path / "t", "symbol\nA\nB\n", "x,y\n1,0\nTRUE,perhaps\n")
    file = tmp_path / "t" / "outcomes.csv"
    with pytest.raises(UsageError) as caught:
        read_task(tmp_path, "t")
    assert str(caught.value) == (
        f"{file}: column 'y', row 2: expected 0 or 1, True or False, Yes or No, found 'perhaps'"
    )
    file.write_text("x,x\n1,0\n0,1\n")
    with pytest.raises(UsageError, match="more than one column 'x'"):
        read_task(tmp_path, "t")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path / "t", "symbol\nA\nB\n", "Outcomes\n1\n0\n")
    groups = tmp_path / "t" / "groups.csv"
    groups.write_text("group,other\n1,2\n3,4\n")
    with pytest.raises(UsageError, match=r"groups\.csv: expected one column, found 2"):
        read_task(tmp_path, "t")
    groups.write_text("group\n1\n")
    with pytest.raises(UsageError, match="2 entities but 1 groups"):
        read_task(tmp_path, "t")


# Writing


def written(root: Path, task: GeneTask, **options: Any) -> GeneTask:
    write_task(root, task)
    return read_task(root, task.name, **options)


def task_of(columns: dict[str, Sequence[Any]], **options: Any) -> GeneTask:
    n = len(next(iter(columns.values())))
    genes = pl.DataFrame({"symbol": [f"GENE{row}" for row in range(n)]})
    return make_task("family/the task", genes, pl.DataFrame(columns), **options)


@pytest.mark.parametrize(
    ("columns", "made", "read"),
    [
        ({"o": ["no", "yes, sir", "no"]}, {}, {}),
        ({"o": ["a", "b", "a"]}, {"positive": "a"}, {"positive": "a"}),
        ({"o": ["x", "y", "NA"]}, {}, {}),
        ({"o": [1, 2, 10]}, {"kind": "multi-class"}, {"kind": "multi-class"}),
        ({"score, raw": [0.1, 1 / 3, -1e-17]}, {}, {}),
        ({"a": [1, 0, 1], "b;c": [0, 0, 0], 'd"e': [1, 1, 1]}, {}, {}),
        ({"o": ["1", "0", "1"]}, {"groups": ["g", "h, i", "g"]}, {}),
    ],
)
def test_a_task_comes_back(
    tmp_path: Path,
    columns: dict[str, Sequence[Any]],
    made: dict[str, Any],
    read: dict[str, Any],
) -> None:
    task = task_of(columns, **made)
    same(written(tmp_path, task, **read), task)
    assert list_tasks(tmp_path) == ["family/the task"]


@given(
    names=st.lists(st.tuples(texts, texts), min_size=2, max_size=8),
    classes=st.lists(texts.filter(str.strip), min_size=2, max_size=2, unique=True),
)
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[tuple[str, str]],
    classes: list[str],
) -> None:
    root = tmp_path_factory.mktemp("tasks")
    entities = pl.DataFrame(names, schema=["symbol", "symbol.1"], orient="row")
    answers = [classes[row % 2] for row in range(len(names))]
    options: dict[str, Any] = {"kind": "binary", "positive": classes[0]}
    try:
        task = make_task("t", entities, pl.DataFrame({"o": answers}), **options)
    except UsageError:  # The two are one number.
        return
    same(written(root, task, **options), task)


def test_gene_benchmark_reads_what_is_written(tmp_path: Path) -> None:
    """With the call gene-benchmark makes: pandas, nothing taken for missing."""
    pairs = pl.DataFrame({"symbol": ["NA", "B", ""], "symbol.1": ["A", "nan", "C"]})
    folder = write_task(tmp_path, make_task("t", pairs, pl.DataFrame({"o": ["no", "yes", "no"]})))
    assert (folder / "entities.csv").read_text().splitlines()[0] == "symbol,symbol"
    entities = pd.read_csv(folder / "entities.csv", keep_default_na=False)
    outcomes = pd.read_csv(folder / "outcomes.csv", keep_default_na=False)
    assert entities.to_dict("list") == pairs.to_dict(as_series=False)
    assert outcomes.to_dict("list") == {"Outcomes": ["no", "yes", "no"]}
    single = pl.DataFrame({"symbol": ["", "NA", ""]})
    labels = pl.DataFrame({"x": [True, False, True], "y": ["no", "no", "yes"]})
    folder = write_task(tmp_path, make_task("t", single, labels))
    entities = pd.read_csv(folder / "entities.csv", keep_default_na=False)
    outcomes = pd.read_csv(folder / "outcomes.csv", keep_default_na=False)
    assert entities["symbol"].tolist() == ["", "NA", ""]
    assert outcomes.to_dict("list") == {"x": [1, 0, 1], "y": [0, 0, 1]}


def test_writing_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    folder = write_task(tmp_path, task_of({"o": ["1", "0"]}, groups=["g", "h"]))
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(first) == {"entities.csv", "outcomes.csv", "groups.csv"}
    write_task(tmp_path, task_of({"o": ["1", "0"]}, groups=["g", "h"]))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == first
    write_task(tmp_path, task_of({"o": ["1", "0"]}))
    assert read_task(tmp_path, "family/the task").groups is None


def test_a_label_needs_a_name_of_its_own_to_be_written(tmp_path: Path) -> None:
    task = filter_task(task_of({"x": [1, 0], "y": [0, 1]}), label="y")
    with pytest.raises(UsageError, match="what follows a semicolon is read as a label"):
        write_task(tmp_path, task)
    write_task(tmp_path, task, name="x or y/y")
    assert read_task(tmp_path, "x or y/y").targets.tolist() == task.targets.tolist()


def test_a_refused_write_is_told(tmp_path: Path) -> None:
    (tmp_path / "family").write_text("in the way")
    with pytest.raises(WriteError, match="family"):
        write_task(tmp_path, task_of({"o": [1, 0]}))
