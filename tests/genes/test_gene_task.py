"""Tables of outcomes become numbers: kinds, classes, and what is wrong with a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import LabelBinarizer, LabelEncoder

from genomark.errors import UnknownNameError, UsageError
from genomark.genes import GeneTask, make_task

GENES = ("TP53", "NA", "NAN", "C1orf54", "HLA-A")


def task_of(cells: Sequence[Any], **options: Any) -> GeneTask:
    genes = [f"GENE{row}" for row in range(len(cells))]
    outcomes = pl.DataFrame({"Outcomes": pl.Series(cells, strict=False)})
    return make_task("t", pl.DataFrame({"symbol": genes}), outcomes, **options)


def two_labels(cells: Sequence[str], **options: Any) -> GeneTask:
    outcomes = pl.DataFrame({"first": ["1"] * len(cells), "second": cells})
    genes = [f"GENE{row}" for row in range(len(cells))]
    return make_task("t", pl.DataFrame({"symbol": genes}), outcomes, **options)


@pytest.mark.parametrize(
    ("cells", "positive", "negative"),
    [
        ([1, 0, 1], "1", "0"),
        ([0.0, 1.0, 0.0], "1.0", "0.0"),
        ([True, False, True], "True", "False"),
        (["No", "Yes", "No"], "Yes", "No"),
        (
            ["Transcription factor", "Not a transcription factor"],
            "Transcription factor",
            "Not a transcription factor",
        ),
        ([" class I", " class II"], " class II", " class I"),
        # Numbers sort as numbers: as text, 10 would come before 9.
        (["9", "10", "9"], "10", "9"),
        (["-1", "1"], "1", "-1"),
    ],
)
def test_the_last_class_is_the_positive_one(
    cells: Sequence[Any], positive: str, negative: str
) -> None:
    task = task_of(cells)
    assert task.kind == "binary"
    assert task.labels == (positive,)
    assert task.negative == negative
    assert task.targets[:, 0].tolist() == [float(str(cell) == positive) for cell in cells]


@given(st.lists(st.sampled_from("abc"), min_size=2).filter(lambda cells: len(set(cells)) > 1))
def test_classes_are_encoded_as_by_scikit_learn(cells: list[str]) -> None:
    task = task_of(cells)
    expected = LabelBinarizer().fit_transform(cells)
    np.testing.assert_array_equal(task.targets, expected)
    classes = LabelEncoder().fit(cells).classes_.tolist()
    assert list(task.labels) == (classes if len(classes) > 2 else classes[1:])


def test_the_positive_class_can_be_chosen() -> None:
    task = task_of(["b", "a", "b"], positive="a")
    assert (task.labels, task.negative) == (("a",), "b")
    assert task.targets[:, 0].tolist() == [0, 1, 0]
    with pytest.raises(UnknownNameError, match=r"No class in Task 't' named 'c'\. Known: a, b"):
        task_of(["b", "a"], positive="c")
    with pytest.raises(UsageError, match=r"only a binary task .* this one is multi-class"):
        task_of(["b", "a", "c"], positive="c")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["x", "y"], "binary"),
        ([3, 5, 3], "binary"),
        (["1", "1.0", "0"], "binary"),
        ([1, 2, 3], "regression"),
        (["0.5", "1e-3", "-2"], "regression"),
        (["1", "2", "X"], "multi-class"),
        (["x", "y", "z"], "multi-class"),
    ],
)
def test_the_kind_is_told_from_the_outcomes(cells: Sequence[Any], kind: str) -> None:
    assert task_of(cells).kind == kind


def test_an_explicit_kind_wins() -> None:
    assert task_of([1, 2, 3], kind="multi-class").labels == ("1", "2", "3")
    # By value, not by text.
    assert task_of([10, 9, 2, 10], kind="multi-class").labels == ("2", "9", "10")
    assert task_of([1, 0, 1], kind="regression").targets[:, 0].tolist() == [1, 0, 1]
    assert task_of([1, 0, 1], kind="multi-label").labels == ("Outcomes",)
    two = task_of(["b", "a"], kind="multi-class")
    assert (two.labels, two.negative) == (("a", "b"), None)


def test_a_regression_keeps_every_digit() -> None:
    values = [0.1, 1 / 3, -2.5e-300, 12345678.910111213]
    task = task_of(values)
    assert task.targets[:, 0].tolist() == values
    assert task.labels == ("Outcomes",)
    assert task_of([repr(value) for value in values]).targets[:, 0].tolist() == values


@pytest.mark.parametrize(
    ("kind", "cells", "message"),
    [
        ("regression", ["1", "abc", "2"], r"row 2: expected a finite number, found 'abc'$"),
        (None, ["1", "2", "3", "nan"], r"row 4: expected a finite number, found 'nan'"),
        (None, ["1", "inf"], r"row 2: expected a finite number, found 'inf'"),
        ("regression", ["1e999", "x"], r"row 1: .* found '1e999' \(and 1 more\)"),
        ("regression", ["1_000", "1"], r"row 1: .* found '1_000'"),
        ("binary", ["a", "b", "c"], r"expected two classes, found 3: 'a', 'b', 'c'"),
        ("binary", ["a", "a"], r"expected two classes, found 1: 'a'"),
        (None, ["a", "a"], r"expected at least two classes, found 1: 'a'"),
        ("multi-class", list("abcdefg"[:1]), r"at least two classes"),
        ("ordinal", ["1"], r"kind is one of binary, multi-class, .* not 'ordinal'"),
    ],
)
def test_wrong_outcomes_are_told(kind: Any, cells: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task_of(cells, kind=kind)


def test_a_column_of_names_is_not_taken_for_classes() -> None:
    names = [f"gene {row}" for row in range(12_000)]
    with pytest.raises(UsageError, match=r"12,000 classes in 12,000 rows.* the right column\?"):
        task_of(names)


def test_messages_name_the_source() -> None:
    genes = pl.DataFrame({"symbol": ["A", "B"]})
    outcomes = pl.DataFrame({"score": ["1", "x"]})
    with pytest.raises(UsageError, match=r"^here\.csv: column 'score', row 2: "):
        make_task("t", genes, outcomes, kind="regression", source="here.csv")


def test_rows_without_an_outcome_are_left_out_and_counted() -> None:
    outcomes = pl.DataFrame({"o": ["1", "", None, " ", "0"]})
    task = make_task("t", pl.DataFrame({"symbol": GENES}), outcomes)
    assert task.entities["symbol"].to_list() == ["TP53", "HLA-A"]
    assert task.targets[:, 0].tolist() == [1, 0]
    assert task.notes == ("3 of 5 rows left out: no outcome",)
    assert len(task) == 2
    with pytest.raises(UsageError, match="no row has an outcome"):
        task_of(["", " "])


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("1", "0"),
        ("True", "False"),
        ("TRUE", "false"),
        ("yes", "NO"),
        (" Yes", "no "),
        ("1.0", "0"),
    ],
)
def test_labels_are_truths_in_any_case(yes: str, no: str) -> None:
    task = two_labels([yes, no, no])
    assert task.kind == "multi-label"
    assert task.labels == ("first", "second")
    np.testing.assert_array_equal(task.targets, [[1, 1], [1, 0], [1, 0]])
    assert task.targets.flags["C_CONTIGUOUS"]


def test_truths_of_every_type_are_labels() -> None:
    outcomes = pl.DataFrame({"b": [True, False, None], "i": [0, 1, 1], "f": [0.0, 1.0, 1.0]})
    task = make_task("t", pl.DataFrame({"symbol": ["A", "B", "C"]}), outcomes)
    np.testing.assert_array_equal(task.targets, [[1, 0, 0], [0, 1, 1]])
    assert task.notes == ("1 of 3 rows left out: no outcome",)


def test_a_constant_label_stays() -> None:
    assert two_labels(["0", "0"]).targets.sum(axis=0).tolist() == [2, 0]


@pytest.mark.parametrize("cell", ["2", "maybe", "0.5", "nan", "01", "ja"])
def test_another_cell_in_a_label_is_told(cell: str) -> None:
    with pytest.raises(UsageError, match=rf"column 'second', row 3: expected .* found '{cell}'$"):
        two_labels(["1", "TRUE", cell])


def test_tables_that_do_not_fit_are_refused() -> None:
    genes = pl.DataFrame({"symbol": ["A", "B"]})
    answers = pl.DataFrame({"o": ["1", "0"]})
    with pytest.raises(UsageError, match="2 entities but 1 outcomes"):
        make_task("t", genes, answers.head(1))
    with pytest.raises(UsageError, match="2 entities but 3 groups"):
        make_task("t", genes, answers, groups=["x", "y", "z"])
    with pytest.raises(UsageError, match="at least one column of outcomes"):
        make_task("t", genes.clear(), pl.DataFrame())
    with pytest.raises(UsageError, match="one or two columns of entities, found 3: a, b, c"):
        make_task("t", pl.DataFrame({"a": ["A"], "b": ["B"], "c": ["C"]}), answers.head(1))
    with pytest.raises(UsageError, match="a regression task has one column of outcomes, found 2"):
        two_labels(["1", "0"], kind="regression")
    with pytest.raises(UsageError, match="no row has an outcome for every label"):
        two_labels(["", ""])


def test_names_that_look_missing_are_genes() -> None:
    names = ["NA", "NAN", "None", "TRUE", "null", ""]
    outcomes = pl.DataFrame({"o": ["1", "0"] * 3})
    assert make_task("t", pl.DataFrame({"symbol": names}), outcomes).entities.to_dict(
        as_series=False
    ) == {"symbol": names}
    numbers = make_task("t", pl.DataFrame({"entrez": [7157, None]}), outcomes.head(2))
    assert numbers.entities["entrez"].to_list() == ["7157", ""]


def test_contradictions_are_noted_and_kept() -> None:
    genes = pl.DataFrame({"symbol": ["A", "B", "A", "B", "C", "C", "A"]})
    task = make_task("t", genes, pl.DataFrame({"o": list("1001110")}))
    assert len(task) == 7
    assert task.notes == ("rows of the same entities with different answers: 2, such as A",)
    pairs = pl.DataFrame({"symbol": ["A", "B", "A"], "symbol.1": ["B", "A", "B"]})
    assert make_task("t", pairs, pl.DataFrame({"o": list("101")})).notes == ()
    assert make_task("t", pairs, pl.DataFrame({"o": list("110")})).notes == (
        "rows of the same entities with different answers: 1, such as A and B",
    )


def test_a_row_without_a_group_is_its_own() -> None:
    genes = pl.DataFrame({"symbol": ["A", "B", "C", "D"]})
    outcomes = pl.DataFrame({"o": ["1", "", "0", "1"]})
    task = make_task("t", genes, outcomes, groups=["kinases", "", "", "kinases"])
    assert task.groups == ("kinases", "C", "kinases")
    assert task.notes[1] == "1 of 3 rows have no group: each is its own"


def test_rows_can_be_kept() -> None:
    genes = pl.DataFrame({"symbol": ["A", "B", "C", "D"]})
    task = make_task("t", genes, pl.DataFrame({"o": list("xyzx")}), groups=["1", "2", "1", "2"])
    kept = task.keep_rows(np.array([True, False, False, True]), "two are gone")
    assert kept.entities["symbol"].to_list() == ["A", "D"]
    assert kept.groups == ("1", "2")
    assert kept.notes == ("two are gone",)
    # Without a row, y and z are no classes any more.
    assert kept.labels == ("x",)
    np.testing.assert_array_equal(kept.targets, [[1], [1]])
    assert len(task) == 4


def test_a_constant_binary_task_keeps_its_class() -> None:
    kept = task_of(["a", "b", "b"]).keep_rows(np.array([True, False, False]))
    assert (kept.labels, kept.negative, kept.targets.tolist()) == (("b",), "a", [[0.0]])


def test_parts_of_different_shapes_are_no_task() -> None:
    genes = pl.DataFrame({"symbol": ["A", "B"]})
    with pytest.raises(UsageError, match=r"expected targets of shape \(2, 1\).* found \(3, 1\)"):
        GeneTask("t", "binary", genes, ("1",), np.zeros((3, 1)))
    with pytest.raises(UsageError, match="one group for each of 2 rows, found 1"):
        GeneTask("t", "binary", genes, ("1",), np.zeros((2, 1)), groups=("x",))
