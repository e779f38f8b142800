"""What labels look like, and the numbers they become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genomark.errors import UsageError
from genomark.sequences.columns import Columns
from genomark.sequences.files import read_labelled
from genomark.sequences.labelled import LabelledSequences


def read(folder: Path, told: list[Any], **settings: Any) -> LabelledSequences:
    """Read rows of four letters each with these labels."""
    path = folder / "x.jsonl"
    path.write_text("\n".join(json.dumps({"seq": "ACGT", "label": label}) for label in told))
    return read_labelled(path, **settings)


@pytest.mark.parametrize(
    ("labels", "kind", "names", "targets"),
    [
        ([0, 1, 1], "binary", ("1",), [[0], [1], [1]]),
        (["0", "1", "1.0"], "binary", ("1",), [[0], [1], [1]]),
        ([0.0, 1.0, 1], "binary", ("1",), [[0], [1], [1]]),
        ([-1, 1, 1], "binary", ("1",), [[0], [1], [1]]),
        (["no", "yes", "no"], "binary", ("yes",), [[0], [1], [0]]),
        ([0, 2, 1], "multi-class", ("0", "1", "2"), [[1, 0, 0], [0, 0, 1], [0, 1, 0]]),
        (["b", "c", "a"], "multi-class", ("a", "b", "c"), [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        ([1, 2, 3], "regression", ("label",), [[1], [2], [3]]),
        ([0.5, 1, -2], "regression", ("label",), [[0.5], [1], [-2]]),
        (["-1.83", "0.4"], "regression", ("label",), [[-1.83], [0.4]]),
        ([[0, 0, 1], [1, 0, 1]], "multi-label", None, [[0, 0, 1], [1, 0, 1]]),
        (["[0, 0, 1]", "[1, 0, 1]"], "multi-label", None, [[0, 0, 1], [1, 0, 1]]),
        ([[0.5, 2], [1, None]], "regression", None, [[0.5, 2], [1, np.nan]]),
    ],
)
def test_the_kind_is_what_the_labels_look_like(
    labels: list[Any], kind: str, names: tuple[str, ...] | None, targets: Any, tmp_path: Path
) -> None:
    found = read(tmp_path, labels)
    width = len(targets[0])
    assert found.kind == kind
    assert found.labels == (names or tuple(f"label_{place}" for place in range(1, width + 1)))
    np.testing.assert_array_equal(found.targets, np.array(targets, dtype=float))


def test_eleven_classes_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    found = read(tmp_path, [str(number) for number in range(11)])
    assert found.labels == tuple(str(number) for number in range(11))
    np.testing.assert_array_equal(found.targets, np.eye(11))


@pytest.mark.parametrize("labels", [["0", "1"], ["1"]])
def test_a_test_file_may_have_one_class_if_labels_are_given(
    labels: list[str], tmp_path: Path
) -> None:
    found = read(tmp_path, [1, 1], kind="binary", labels=labels)
    np.testing.assert_array_equal(found.targets, [[1.0], [1.0]])
    found = read(tmp_path, [0, 0], kind="binary", labels=labels)
    np.testing.assert_array_equal(found.targets, [[0.0], [0.0]])


def test_given_labels_set_the_order(tmp_path: Path) -> None:
    found = read(tmp_path, ["ocr", "promoter"], kind="multi-class", labels=["promoter", "x", "ocr"])
    assert found.labels == ("promoter", "x", "ocr")
    np.testing.assert_array_equal(found.targets, [[0, 0, 1], [1, 0, 0]])
    found = read(tmp_path, ["worm", "human"], kind="binary", labels=["human"])
    assert found.labels == ("human",)
    np.testing.assert_array_equal(found.targets, [[0.0], [1.0]])
    found = read(tmp_path, [0.5], kind="regression", labels=["strength"])
    assert found.labels == ("strength",)


def test_several_columns_of_yes_and_no_are_labels(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("seq,a,b\nAC,1,0\nGT,0,1\n")
    found = read_labelled(path, columns=Columns(label=("a", "b")))
    assert (found.kind, found.labels) == ("multi-label", ("a", "b"))


@pytest.mark.parametrize(
    ("labels", "settings", "said"),
    [
        ([0, 1, 2], {"labels": ["0", "1"], "kind": "binary"}, "row 3: .*label '2' is none of '0'"),
        ([0, 1, 2], {"labels": ["1"], "kind": "binary"}, "row 3: .*label '2' is none of '0', '1'"),
        (["a", "d"], {"labels": list("abc")}, "row 2: column 'label': label 'd' is none of 'a'"),
        ([0, 1, 2], {"kind": "binary"}, "expected two classes, found '0', '1', '2'"),
        ([1, 1], {"kind": "binary"}, "expected two classes, found '1'"),
        ([1, 1], {"kind": "multi-class"}, "expected at least two classes, found '1'"),
        ([0, None, 1], {"kind": "binary"}, "row 2: column 'label': no label"),
        ([0.5, None], {}, "row 2: column 'label': no label"),
        ([0.5, "inf"], {"kind": "regression"}, "row 2: .*expected a finite number, found 'inf'"),
        ([0.5, "nan"], {"kind": "regression"}, "row 2: .*expected a finite number, found 'nan'"),
        ([0.5, "high"], {"kind": "regression"}, "row 2: .*expected a finite number, found 'high'"),
        ([[0, 1], [1, 2]], {"kind": "multi-label"}, "row 2: .*expected 0 or 1 for each of 2 lab"),
        ([[0, 1], [1]], {}, "row 2: column 'label': expected a list of 2, found 1"),
        ([[0, 1, 0], [1, 0]], {"kind": "multi-label"}, "row 2: .*expected a list of 3, found 2"),
        ([[0, 1], 1], {}, "row 2: column 'label': expected a list"),
        (["[0, 1]", "[1 0]"], {}, r"row 2: .*a list that cannot be read: '\[1 0\]'"),
        ([0.5, 1], {"kind": "regression", "labels": ["a", "b"]}, "2 labels were given, .* of 1"),
        ([0, 1], {"kind": "yes-no"}, "kind is one of binary, .*not 'yes-no'"),
        ([[[0, 1]] * 4], {}, "lists of lists may be many things; give the kind"),
    ],
)
def test_labels_that_cannot_be_are_told_of(
    labels: list[Any], settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read(tmp_path, labels, **settings)
    assert "\n" not in str(caught.value)
    assert "x.jsonl" in str(caught.value) or "kind is one of" in said


def test_classes_have_one_column(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("seq,a,b\nAC,1,0\nGT,0,1\n")
    with pytest.raises(UsageError, match="binary have one column of labels, not 2"):
        read_labelled(path, kind="binary", columns=Columns(label=("a", "b")))
