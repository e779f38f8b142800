"""How rows of a task are named, numbered, chosen and cut, counted by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks import GeneOptions
from genomark.benchmarks.genes.question import (
    Question,
    cluster_numbers,
    entity_numbers,
    item_ids,
    kind_of,
    numbered,
    prepared,
)
from genomark.errors import UsageError
from genomark.genes import GeneTask, make_task
from genomark.probes import Probe


def task(names: dict | list[str], outcomes: dict | list | None = None) -> GeneTask:
    entities = pl.DataFrame(names if isinstance(names, dict) else {"symbol": names})
    if outcomes is None:
        outcomes = [row % 2 for row in range(entities.height)]
    if isinstance(outcomes, list):
        outcomes = {"Outcomes": outcomes}
    return make_task("toy", entities, pl.DataFrame(outcomes))


def test_items_are_named_by_their_genes_and_repetitions_by_a_number():
    assert item_ids(task(["A", "B", "A", "C", "A", "B"])).to_list() == [
        *("A", "B", "A #2", "C", "A #3", "B #2")
    ]
    pairs = {"symbol": ["A", "B", "A"], "symbol.1": ["B", "A", "B"]}
    assert item_ids(task(pairs)).to_list() == ["A + B", "B + A", "A + B #2"]
    assert item_ids(task(["B", "A"])).to_list() == ["B", "A"]


def test_strings_are_numbered_in_sorted_order():
    numbers, names = numbered(pl.Series(["b", "", "a", "b", "é", "B"]))
    assert names == sorted(["b", "", "a", "é", "B"])
    assert [names[number] for number in numbers] == ["b", "", "a", "b", "é", "B"]
    assert numbers.dtype == np.int64


def test_entities_are_numbered_only_where_some_are_there_twice():
    assert entity_numbers(task(["A", "B", "C"])) is None
    numbers = entity_numbers(task(["A", "B", "A"]))
    assert numbers[0] == numbers[2] != numbers[1]
    assert entity_numbers(task({"symbol": ["A", "A"], "symbol.1": ["B", "C"]})) is None


def test_a_pair_is_the_same_in_either_order_unless_its_sides_are_of_two_kinds():
    numbers = entity_numbers(
        task({"symbol": ["A", "B", "A", "B"], "symbol.1": ["B", "A", "C", "C"]})
    )
    assert numbers[0] == numbers[1]
    assert len(set(numbers.tolist())) == 3
    kinds = {"symbol": ["A", "B", "A", "B"], "diseaseId": ["B", "A", "C", "C"]}
    assert entity_numbers(task(kinds)) is None


def test_clusters_are_genes_and_both_genes_of_a_pair():
    assert cluster_numbers(task(["B", "A", "B"])).tolist() == [1, 0, 1]
    pairs = {"symb1": ["A", "C"], "symb2": ["B", "A"]}
    assert cluster_numbers(task(pairs)).tolist() == [[0, 1], [2, 0]]
    # A gene and a disease of one name are two.
    kinds = cluster_numbers(task({"symbol": ["A", "B"], "diseaseId": ["A", "A"]}))
    assert len(np.unique(kinds)) == 3
    assert kinds[0, 0] != kinds[0, 1] == kinds[1, 1]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("symbol", "symbol"),
        ("symbol.1", "symbol"),
        ("symb2", "symbol"),
        ("Symbol", "symbol"),
        ("diseaseId", "diseaseId"),
    ],
)
def test_the_name_of_a_column_says_what_it_names(column, kind):
    assert kind_of(column) == kind


def genes(n: int) -> list[str]:
    return [f"G{number}" for number in range(n)]


def test_a_gene_that_is_there_often_counts_once_towards_the_least():
    often = task([*genes(20), *["G0"] * 10], [1] + [0] * 19 + [1] * 10)
    with pytest.raises(UsageError, match=r"too few genes to judge 1 \(1 positive entity"):
        prepared(often, GeneOptions(min_positives=2))
    assert len(prepared(often, GeneOptions(min_positives=1))) == 30


def test_rare_classes_go_with_their_rows_and_rare_labels_without():
    classes = task(genes(30), ["a"] * 14 + ["b"] * 14 + ["c"] * 2)
    kept = prepared(classes, GeneOptions())
    assert (kept.labels, len(kept), kept.targets.sum(axis=0).tolist()) == (("a", "b"), 28, [14, 14])
    assert kept.notes[-1].startswith("1 of 3 classes left out: c (2 positive rows")
    rare = {f"l{number}": [1] * 3 + [0] * 27 for number in range(7)}
    labels = task(genes(30), {"a": [0, 1] * 15, **rare})
    kept = prepared(labels, GeneOptions())
    assert (kept.labels, len(kept)) == (("a",), 30)
    assert kept.notes[-1].startswith("7 of 8 labels left out: l0 (3 positive rows")
    assert kept.notes[-1].endswith("; and 2 more")
    with pytest.raises(UsageError, match="too few genes to judge"):
        prepared(task(genes(30), rare), GeneOptions())


def test_labels_that_almost_all_have_are_left_out_too():
    labels = task(genes(30), {"a": [0, 1] * 15, "all": [1] * 28 + [0] * 2})
    assert prepared(labels, GeneOptions()).labels == ("a",)


def test_shuffled_answers_keep_their_number_and_rows_of_labels_stay_together():
    outcomes = {"a": [0, 1] * 15, "b": [0, 1, 1] * 10}
    plain = prepared(task(genes(30), outcomes), GeneOptions())
    first, second = (
        prepared(task(genes(30), outcomes), GeneOptions(probe=Probe(permuted=True)))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.targets, second.targets)
    assert not np.array_equal(first.targets, plain.targets)
    assert sorted(map(tuple, first.targets)) == sorted(map(tuple, plain.targets))
    assert first.entities.equals(plain.entities)


def test_a_question_does_not_part_a_gene_whatever_the_repeat():
    made = task([*genes(40), *genes(40)])
    question = Question.of(made, GeneOptions(probe=Probe(folds=4, repeats=3)), seed=5)
    assert question.folds.shape == (3, 80)
    assert (question.folds[:, :40] == question.folds[:, 40:]).all()
    assert question.ids[40] == "G0 #2"
    assert not np.array_equal(question.folds[0], question.folds[1])


def test_folds_of_a_gene_do_not_depend_on_whether_entities_had_to_be_numbered():
    once = Question.of(task(genes(50)), GeneOptions(), seed=0)
    numbers = np.arange(50)[::-1].copy()
    from genomark.probes import make_folds

    given = make_folds(
        "binary", once.task.targets, seed=0, clusters=numbers, names=once.ids.to_list()
    )
    np.testing.assert_array_equal(once.folds, given.fold)
