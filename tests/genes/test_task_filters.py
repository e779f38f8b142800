"""Filters of tasks, against gene-benchmark's rules worked out by hand or with pandas."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UnknownNameError, UsageError
from genomark.genes import GeneTask, filter_task, make_task, pick_label, read_symbol_list, read_task


def task_of(columns: dict[str, Any], genes: str | None = None, **options: Any) -> GeneTask:
    n = len(next(iter(columns.values())))
    names = list(genes) if genes else [f"GENE{row}" for row in range(n)]
    return make_task("t", pl.DataFrame({"symbol": names}), pl.DataFrame(columns), **options)


def pairs(first: str, second: str) -> GeneTask:
    entities = pl.DataFrame({"symbol": list(first), "symbol.1": list(second)})
    return make_task("t", entities, pl.DataFrame({"o": range(len(first))}), kind="regression")


def rows(task: GeneTask) -> list[tuple[str, ...]]:
    return list(task.entities.iter_rows())


def test_a_pair_goes_where_any_gene_is_excluded() -> None:
    task = filter_task(pairs("ABCD", "BCDE"), exclude=["B", "Z"])
    assert rows(task) == [("C", "D"), ("D", "E")]
    assert task.targets[:, 0].tolist() == [2, 3]
    assert task.notes == ("exclude list of 2: 2 of 4 rows left out",)


def test_a_pair_stays_where_all_genes_are_included() -> None:
    task = filter_task(pairs("ABCD", "BCDE"), include={"A", "B", "C", "E"})
    assert rows(task) == [("A", "B"), ("B", "C")]
    assert task.notes == ("include list of 4: 2 of 4 rows left out",)


def test_an_empty_name_is_not_among_those_included() -> None:
    entities = pl.DataFrame({"symbol": ["A", "", "NA"]})
    task = make_task("t", entities, pl.DataFrame({"o": ["x", "y", "x"]}))
    assert rows(filter_task(task, include=["A", "NA"])) == [("A",), ("NA",)]
    assert len(filter_task(task, exclude=[])) == 3


def test_the_filters_come_in_the_order_of_gene_benchmark() -> None:
    # A label's mean is over the rows the lists have left: 2 of 5 at first, then 2 of 3.
    columns = {"x": [1, 1, 0, 0, 0], "y": [1, 1, 1, 1, 1], "z": [0, 0, 0, 1, 1]}
    task = task_of(columns, "ABCDE")
    assert filter_task(task, multi_label_th=0.5).labels == ("y",)
    filtered = filter_task(task, exclude=["D"], include=list("ABCD"), multi_label_th=0.5)
    assert filtered.labels == ("x", "y")
    assert filtered.notes == (
        "exclude list of 1: 1 of 5 rows left out",
        "include list of 4: 1 of 4 rows left out",
        "labels with a mean over 0.5: 1 of 3 labels left out",
    )
    # A label that has been picked is no multi-label task any more.
    with pytest.raises(UsageError, match="multi_label_th is for multi-label tasks; 't;x' is bin"):
        filter_task(task, label="x", multi_label_th=0.5)


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.5, 0.75])
def test_labels_need_a_mean_over_the_threshold(threshold: float) -> None:
    columns = {f"l{k}": [1] * k + [0] * (8 - k) for k in range(9)}
    frame = pd.DataFrame(columns)
    expected = frame.columns[frame.mean() > threshold].tolist()
    task = filter_task(task_of(columns), multi_label_th=threshold)
    assert list(task.labels) == expected
    np.testing.assert_array_equal(task.targets, frame[expected])


@pytest.mark.parametrize("threshold", [0.01, 0.1, 0.2, 0.3])
def test_classes_need_a_share_over_the_threshold(threshold: float) -> None:
    cells = ["a"] * 5 + ["b"] * 3 + ["c"] * 2
    shares = pd.Series(cells).value_counts(normalize=True)
    frequent = set(shares.index[shares > threshold])
    if len(frequent) < 2:
        with pytest.raises(UsageError, match="fewer than two of its classes"):
            filter_task(task_of({"o": cells}), cat_label_th=threshold)
        return
    task = filter_task(task_of({"o": cells}), cat_label_th=threshold)
    assert task.labels == tuple(sorted(frequent))
    assert len(task) == sum(cell in frequent for cell in cells)
    assert task.targets.sum(axis=0).tolist() == [cells.count(name) for name in task.labels]


def test_a_class_may_have_just_the_threshold_and_goes(real_data: Callable[..., Path]) -> None:
    """The real task has 42, 21, 21, 21, 4 and 1 rows of 110."""
    file = real_data("gene_benchmark_tasks", "imbalanced_cat/outcomes.csv")
    real_data("gene_benchmark_tasks", "imbalanced_cat/entities.csv")
    task = read_task(file.parents[1], "imbalanced_cat")
    kept = filter_task(task, cat_label_th=4 / 110)
    assert kept.labels == ("class_0", "class_1", "class_2", "class_3")
    assert len(kept) == 105
    assert kept.notes[-1] == "classes with a share over 0.0363636: 5 of 110 rows left out"
    assert len(filter_task(task, cat_label_th=4 / 110 - 1e-9)) == 109


def test_both_classes_of_a_binary_task_count() -> None:
    task = task_of({"o": [1, 0, 0, 0]})
    assert filter_task(task, cat_label_th=0.2).targets[:, 0].tolist() == [1, 0, 0, 0]
    with pytest.raises(UsageError, match=r"fewer than two of its classes have a share over 0\.25"):
        filter_task(task, cat_label_th=0.25)


def test_thresholds_of_zero_are_none() -> None:
    task = task_of({"x": [0, 0], "y": [1, 0]})
    assert filter_task(task, multi_label_th=0, cat_label_th=0).labels == ("x", "y")


def test_a_label_is_picked() -> None:
    task = task_of({"x": [0, 1, 0], "y": [1, 1, 0], "none": [0, 0, 0]})
    picked = filter_task(task, label="y")
    assert (picked.name, picked.kind) == ("t;y", "binary")
    assert (picked.labels, picked.negative) == (("1",), "0")
    assert picked.targets.tolist() == [[1], [1], [0]]
    assert pick_label(task, "none").targets.sum() == 0
    with pytest.raises(UnknownNameError, match=r"No label of task 't' named 'nine'\. Did you me"):
        pick_label(task, "nine")
    with pytest.raises(UsageError, match="'t' is regression: only of a multi-label task"):
        pick_label(task_of({"o": [1, 2, 3]}), "o")


def test_a_sample_is_that_of_its_seed() -> None:
    task = task_of({"o": range(1000)}, groups=[str(row % 7) for row in range(1000)])
    one, again, other = (filter_task(task, frac=0.2, seed=seed) for seed in (1, 1, 2))
    assert rows(one) == rows(again) != rows(other)
    assert len(one) == 200
    assert one.notes == ("sample of 0.2 with seed 1: 800 of 1,000 rows left out",)
    # Rows stay in order, and whole.
    values = one.targets[:, 0].astype(int).tolist()
    assert values == sorted(values)
    assert rows(one) == [(f"GENE{value}",) for value in values]
    assert one.groups == tuple(str(value % 7) for value in values)
    # A smaller sample is a part of a larger one.
    assert set(rows(filter_task(task, frac=0.05, seed=1))) < set(rows(one))


def test_a_sample_stays_the_same_for_ever() -> None:
    """The rows of the three smallest of the numbers NumPy's manual shows for default_rng(0)."""
    shown = [0.63696169, 0.26978671, 0.04097352, 0.01652764, 0.81327024, 0.91275558]
    task = filter_task(task_of({"o": range(6)}), frac=0.5)
    expected = sorted(sorted(range(6), key=shown.__getitem__)[:3])
    assert task.targets[:, 0].tolist() == expected == [1, 2, 3]


@given(n=st.integers(2, 60), frac=st.floats(0.01, 1), seed=st.integers(0, 2**63))
def test_a_sample_has_the_size_pandas_would_draw(n: int, frac: float, seed: int) -> None:
    task = task_of({"o": range(n)}, kind="regression")
    expected = len(pd.Series(range(n)).sample(frac=frac))
    if expected:
        assert len(filter_task(task, frac=frac, seed=seed)) == expected
    else:
        with pytest.raises(UsageError, match="none of"):
            filter_task(task, frac=frac, seed=seed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frac": 0.0}, "frac is the share of rows to keep, over 0 and up to 1, not 0.0"),
        ({"frac": 1.5}, "frac is the share"),
        ({"frac": float("nan")}, "frac is the share"),
        ({"seed": -1}, "seed is 0 or more, not -1"),
        ({"multi_label_th": -0.1}, "multi_label_th is a share, from 0 to under 1, not -0.1"),
        ({"cat_label_th": 1.0}, "cat_label_th is a share"),
        ({"cat_label_th": 0.1}, "cat_label_th is for tasks of classes; 't' is multi-label"),
        ({"multi_label_th": 0.9}, r"none of 2 labels has a mean over 0\.9"),
        ({"exclude": ["A", "B"]}, "exclude list of 2: none of 2 rows is left"),
        ({"include": []}, "include list of 0: none of 2 rows is left"),
    ],
)
def test_filters_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        filter_task(task_of({"x": [1, 0], "y": [0, 1]}, "AB"), **options)


def test_a_regression_has_no_classes() -> None:
    with pytest.raises(UsageError, match="cat_label_th is for tasks of classes; 't' is regression"):
        filter_task(task_of({"o": [1, 2, 3]}), cat_label_th=0.1)


# Lists of symbols


def test_yaml_does_not_turn_genes_into_other_things(tmp_path: Path) -> None:
    names = [
        "NO",
        "ON",
        "off",
        "Y",
        "1-DEC",
        "2021-09-02",
        "null",
        "~",
        "NAN",
        "1e5",
        "0x1F",
        "007",
    ]
    file = tmp_path / "genes.yaml"
    file.write_text("".join(f"- {name}\n" for name in names))
    assert read_symbol_list(file) == names
    # What everybody else makes of it.
    usual = yaml.safe_load(file.read_text())
    assert usual[:4] == [False, True, False, "Y"]
    assert datetime.date(2021, 9, 2) in usual


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.yaml", "- TP53\n- 'HLA-A'\n- \"A, B\"\n", ["TP53", "HLA-A", "A, B"]),
        ("a.YML", "# genes\n---\n[TP53, NA]\n", ["TP53", "NA"]),
        ("a.yaml", "[]", []),
        ("a.txt", "\ufeffTP53\r\n\r\n  NA \r\n# a remark\r\nNO", ["TP53", "NA", "NO"]),
        ("list", "TP53\n", ["TP53"]),
        ("a.txt", "", []),
    ],
)
def test_lists_are_read(tmp_path: Path, name: str, content: str, expected: list[str]) -> None:
    (tmp_path / name).write_text(content)
    assert read_symbol_list(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("genes: [TP53]", r"a\.yaml: expected a YAML list of symbols"),
        ("", r"a\.yaml: expected a YAML list"),
        ("TP53", r"a\.yaml: expected a YAML list"),
        ("- TP53\n- [NA]\n", r"a\.yaml, line 2: expected one list of symbols"),
        ("- TP53\n- gene: NA\n", r"a\.yaml, line 2: expected one list"),
        ("- TP53\n-\n", r"a\.yaml, line 2: expected one list"),
        ("- &x TP53\n- *x\n", r"a\.yaml, line 2: expected one list"),
        ("- TP53\n---\n- NA\n", r"a\.yaml, line 2: expected one list"),
        ("- TP53\n- 'NA\n", r"a\.yaml, line 3: not YAML"),
        ("- \x07\n", r"a\.yaml: not YAML"),
        ("[" * 100_000, r"a\.yaml, line 1: expected one list"),
        (b"- \xff\n", r"a\.yaml, line 1: not UTF-8"),
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, content: str | bytes, message: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=message):
        read_symbol_list(file)


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: no such file"):
        read_symbol_list(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\)"):
        read_symbol_list(tmp_path)
