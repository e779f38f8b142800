"""Labels of positions: structures, mutations, measured values, pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from genomark.errors import UsageError
from genomark.sequences.columns import Columns
from genomark.sequences.files import read_labelled
from genomark.sequences.labelled import UNTOLD, LabelledSequences

MUTATED = Columns(sequence="mut", label="seq", derive="changed")
ORIGINAL = Columns(sequence="mut", label="seq", derive="original-where-changed")
VACCINE = Columns(label=("reactivity", "deg_Mg_pH10", "deg_Mg_50C"), scored="seq_scored")
BPRNA = Columns(unknown="XIP", untold=("A", "a"))


def read(folder: Path, rows: list[dict[str, Any]], **settings: Any) -> LabelledSequences:
    path = folder / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return read_labelled(path, **settings)


def shown(found: LabelledSequences) -> list[Any]:
    return [target.tolist() for target in found.targets]


def test_a_structure_is_a_class_for_each_base(tmp_path: Path) -> None:
    rows = [{"seq": "GGAACC", "label": "((..))"}, {"seq": "AUG", "label": "..."}]
    found = read(tmp_path, rows)
    assert (found.kind, found.labels) == ("token-classes", ("(", ")", "."))
    assert shown(found) == [[0, 0, 2, 2, 1, 1], [2, 2, 2]]
    assert {target.dtype for target in found.targets} == {np.dtype(np.int16)}
    found = read(tmp_path, rows, labels=[".", "(", ")"])
    assert shown(found) == [[1, 1, 0, 0, 2, 2], [0, 0, 0]]


def test_a_structure_that_begins_with_a_square_bracket_is_no_list(tmp_path: Path) -> None:
    found = read(tmp_path, [{"seq": "GGAACC", "label": "[[..]]"}])
    assert found.labels == (".", "[", "]")


def test_lists_of_classes_may_leave_positions_untold(tmp_path: Path) -> None:
    rows = [{"seq": "ACGT", "label": [0, 1, -100, None]}, {"seq": "AC", "label": [1, 1]}]
    found = read(tmp_path, rows)
    assert (found.kind, found.labels) == ("token-classes", ("0", "1"))
    assert shown(found) == [[0, 1, UNTOLD, UNTOLD], [1, 1]]
    found = read(tmp_path, rows, kind="token-classes", labels=["neither", "donor"])
    assert (found.labels, shown(found)[1]) == (("neither", "donor"), [1, 1])


def test_more_classes_may_be_left_untold(tmp_path: Path) -> None:
    rows = [{"seq": "ACGTA", "label": "(A.a)"}, {"seq": "AC", "label": ".."}]
    found = read(tmp_path, rows, labels=["(", ")", "."], columns=Columns(untold=("A", "a")))
    assert shown(found) == [[0, UNTOLD, 2, UNTOLD, 1], [2, 2]]
    rows = [{"seq": "AC", "label": ["x", "?"]}]
    found = read(tmp_path, rows, labels=["x", "y"], columns=Columns(untold=("?",)))
    assert shown(found) == [[0, UNTOLD]]


def test_changed_positions_are_those_that_differ(tmp_path: Path) -> None:
    found = read(
        tmp_path, [{"seq": "ACGT", "mut": "ACCA"}, {"seq": "aa", "mut": "AA"}], columns=MUTATED
    )
    assert found.sequences == ("ACCA", "AA")
    assert (found.kind, found.labels) == ("token-classes", ("unchanged", "changed"))
    assert shown(found) == [[0, 0, 1, 1], [0, 0]]


def test_the_original_base_is_asked_only_where_it_changed(tmp_path: Path) -> None:
    rows = [{"seq": "ACGT", "mut": "ACCA"}, {"seq": "AAA", "mut": "TAA"}]
    found = read(tmp_path, rows, columns=ORIGINAL)
    assert found.labels == ("A", "G", "T")
    assert shown(found) == [[UNTOLD, UNTOLD, 1, 2], [0, UNTOLD, UNTOLD]]
    found = read(tmp_path, rows, columns=ORIGINAL, labels=["A", "T", "G", "C"])
    assert shown(found) == [[UNTOLD, UNTOLD, 2, 1], [0, UNTOLD, UNTOLD]]


def test_values_of_positions_are_kept_and_the_others_are_not_measured(tmp_path: Path) -> None:
    row = {"seq": "ACGT", "n": 3, "a": [0.5, 1, None], "b": [1, 2, 3]}
    found = read(tmp_path, [row], columns=Columns(label=("a", "b"), scored="n"))
    assert (found.kind, found.labels) == ("token-regression", ("a", "b"))
    assert found.targets[0].dtype == np.float32
    np.testing.assert_array_equal(
        found.targets[0], [[0.5, 1], [1, 2], [np.nan, 3], [np.nan, np.nan]]
    )


def test_one_column_may_hold_several_values_a_position(tmp_path: Path) -> None:
    row = {"seq": "AC", "label": [[0.5, 1.5], [2.5, 3.5]]}
    found = read(tmp_path, [row], kind="token-regression")
    assert found.labels == ("label_1", "label_2")
    np.testing.assert_array_equal(found.targets[0], [[0.5, 1.5], [2.5, 3.5]])


def test_lists_in_parquet_are_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    frame = pl.DataFrame({"seq": ["ACG", "TT"], "label": [[0.25, 0.5, 1.5], [2.5, 3.5]]})
    frame.write_parquet(path)
    found = read_labelled(path)
    assert found.kind == "token-regression"
    np.testing.assert_array_equal(found.targets[1], [[2.5], [3.5]])


def test_pairs_are_matrices(tmp_path: Path) -> None:
    matrix = [[0, 1, -100], [1, 0, 0], [None, 0, 0]]
    row = {"seq": "ACG", "label": matrix}
    found = read(tmp_path, [row], kind="pair-classes", labels=["apart", "contact"])
    assert found.labels == ("apart", "contact")
    assert shown(found) == [[[0, 1, UNTOLD], [1, 0, 0], [UNTOLD, 0, 0]]]
    row = {"seq": "AC", "label": json.dumps([[0.5, 1.0], [1.0, None]])}
    found = read(tmp_path, [row], kind="pair-regression", labels=["distance"])
    np.testing.assert_array_equal(found.targets[0], [[[0.5], [1.0]], [[1.0], [np.nan]]])


@pytest.mark.parametrize(
    ("row", "settings", "said"),
    [
        ({"label": "(.)"}, {"kind": "token-classes"}, "row 2: .*3 labels for 4 positions"),
        ({"label": "(.x)"}, {"labels": ["(", ")", "."]}, "row 2: .*label 'x' is none of '\\('"),
        ({"label": None}, {"kind": "token-classes"}, "row 2: .*expected one label a position"),
        ({"seq": "ACGT", "mut": "ACG"}, {"columns": MUTATED}, "row 2: .*'seq': 4 labels for 3 pos"),
        ({"seq": "AC-T", "mut": "ACGT"}, {"columns": MUTATED}, "row 2: column 'seq': '-' at pos"),
    ],
)
def test_labels_of_positions_that_do_not_fit_are_told_of(
    row: dict[str, Any], settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    first = {"seq": "ACGT", "mut": "ACGA", "label": "(..)"}
    with pytest.raises(UsageError, match=said) as caught:
        read(tmp_path, [first, {"seq": "ACGT", "mut": "ACGA"} | row], **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "settings", "said"),
    [
        ({"label": [0.5, 1.5]}, {}, "row 1: .*2 labels for 3 positions"),
        ({"label": ["a", 1, 2]}, {}, "row 1: .*expected finite numbers"),
        ({"label": [0.5, 1.5, 2], "n": 4}, {"columns": Columns(scored="n")}, "how many of 3"),
        ({"label": [0.5, 1.5, 2], "n": "?"}, {"columns": Columns(scored="n")}, r"found '\?'"),
        ({"label": [0.5, 1.5, 2], "n": 2}, {"columns": Columns(scored="n")}, "3 labels for 2"),
        ({"label": [[[1.0]], [[1.0]], [[1.0]]]}, {}, "expected values of 3 positions"),
        ({"label": [0.5, 1.5, 2]}, {"labels": ["a", "b"]}, "2 labels were given, and it tells of"),
        ({"label": [[1], [0], [1]]}, {"kind": "pair-classes"}, "row 1: .*1 labels for 3 positions"),
        ({"label": [1, 0, 1]}, {"kind": "pair-classes"}, "row 1: .*expected one label a position"),
        ({"label": [[0, 0, 7]] * 3}, {"kind": "pair-classes", "labels": ["0"]}, "'7' is none of"),
        ({"label": [None] * 3}, {"kind": "token-classes"}, "0 classes of positions; expected"),
    ],
)
def test_values_that_do_not_fit_are_told_of(
    row: dict[str, Any], settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        read(tmp_path, [{"seq": "ACG"} | row], **({"kind": "token-regression"} | settings))


def test_values_a_position_are_as_many_in_every_row(tmp_path: Path) -> None:
    rows = [{"seq": "A", "label": [[1.0, 2.0]]}, {"seq": "A", "label": [[1.0]]}]
    with pytest.raises(UsageError, match=r"row 2: .*1 values a position, not 2"):
        read(tmp_path, rows, kind="token-regression")


def test_what_is_derived_is_no_other_kind(tmp_path: Path) -> None:
    row = {"seq": "ACGT", "mut": "ACGA"}
    with pytest.raises(UsageError, match="are token-classes, not binary"):
        read(tmp_path, [row], kind="binary", columns=MUTATED)
    with pytest.raises(UsageError, match="changed or not has two labels, not 1"):
        read(tmp_path, [row], labels=["changed"], columns=MUTATED)


def test_mutated_rna_has_the_known_share_of_changed_bases(
    real_data: Callable[[str, str], Path],
) -> None:
    file = real_data("rgb", "RNA-SNMD/test.json")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    changed = sum(a != b for row in rows for a, b in zip(row["seq"], row["mut"], strict=True))
    found = read_labelled(file, columns=MUTATED)
    assert found.sequences[0] == rows[0]["mut"]
    assert sum(int(target.sum()) for target in found.targets) == changed
    assert changed / 200_000 == pytest.approx(0.018, abs=0.0005)
    original = read_labelled(file, columns=ORIGINAL, labels=["A", "T", "G", "C"])
    told = np.concatenate(original.targets)
    assert int((told != UNTOLD).sum()) == changed
    before, after = rows[0]["seq"], rows[0]["mut"]
    first = next(place for place in range(200) if before[place] != after[place])
    assert original.labels[original.targets[0][first]] == rows[0]["seq"][first]


def test_vaccine_rna_is_measured_at_68_of_107_bases(
    real_data: Callable[[str, str], Path],
) -> None:
    file = real_data("rgb", "RNA-mRNA/test.json")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    found = read_labelled(file, columns=VACCINE)
    assert (found.kind, found.labels) == ("token-regression", VACCINE.label)
    assert found.ids == tuple(row["id"] for row in rows)
    assert {target.shape for target in found.targets} == {(107, 3)}
    for row, target in zip(rows, found.targets, strict=True):
        expected = np.array([row[name] for name in found.labels], dtype=np.float32).T
        np.testing.assert_array_equal(target[:68], expected)
        assert np.isnan(target[68:]).all()


@pytest.mark.parametrize("name", ["Archive2", "rnastralign", "bpRNA"])
def test_structures_of_real_rna_are_read(name: str, real_data: Callable[[str, str], Path]) -> None:
    file = real_data("rgb", f"RNA-SSP-{name}/train.json")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    found = read_labelled(file, labels=["(", ")", "."], columns=BPRNA)
    assert len(found) == len(rows) == {"Archive2": 608, "rnastralign": 3104, "bpRNA": 9232}[name]
    for row, target in zip(rows[::97], found.targets[::97], strict=True):
        assert "".join("().?"[code] for code in target) == row["label"].replace("A", "?")
    told = np.concatenate(found.targets)
    letters = "".join(row["label"] for row in rows)
    assert [int((told == code).sum()) for code in range(3)] == [letters.count(x) for x in "()."]
    assert int((told == UNTOLD).sum()) == sum(letter in "Aa" for letter in letters)
