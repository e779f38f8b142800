"""lentimpra-k562 against the sample read without genomark."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace
from scipy.stats import pearsonr, spearmanr

from genomark.benchmarks import lentimpra, load_benchmark
from genomark.benchmarks.lentimpra import LentiMPRA
from genomark.errors import DatasetError
from genomark.models import load_model
from genomark.scoring import score


@pytest.fixture(scope="session")
def published(lentimpra_file: Path) -> list[dict[str, str]]:
    with lentimpra_file.open() as table:
        return list(csv.DictReader(table, delimiter="\t"))


@pytest.fixture(scope="session")
def benchmark_(lentimpra_file: Path) -> LentiMPRA:
    benchmark = load_benchmark("lentimpra-k562")
    assert isinstance(benchmark, LentiMPRA)
    return benchmark


def test_items_are_the_test_sample(benchmark_: LentiMPRA, published: list[dict[str, str]]) -> None:
    items = benchmark_.items
    assert items.height == 1000 == items["item_id"].n_unique()
    assert items["item_id"].to_list() == [row["seq_id"] for row in published]
    assert items["sequence"].to_list() == [row["seq"] for row in published]
    assert items["truth"].to_list() == [float(row["mean_value"]) for row in published]


def test_both_orientations_of_an_element_are_one_cluster(
    benchmark_: LentiMPRA, published: list[dict[str, str]]
) -> None:
    elements = [row["seq_id"].split("_")[0] for row in published]
    assert benchmark_.items["cluster"].to_list() == elements
    counts = Counter(elements)
    assert 900 < len(counts) < 1000
    twice = {element for element, count in counts.items() if count > 1}
    directions = {
        element: {row["seq_id"].split("_")[1] for row in published
                  if row["seq_id"].startswith(f"{element}_")}
        for element in twice
    }  # fmt: skip
    assert {"F", "Reversed:"} in directions.values()


def test_one_request_asks_for_expression_in_k562_adapters_included(
    benchmark_: LentiMPRA, published: list[dict[str, str]]
) -> None:
    (part,) = benchmark_.parts()
    request = benchmark_.request(part)
    (task,) = request.prediction_tasks
    assert request.readout == "point"
    assert (task.name, task.type, task.cell_type, task.species, task.scale) == (
        "k562_expression",
        "expression",
        "K562",
        "homo_sapiens",
        "log",
    )
    assert request.sequences == {row["seq_id"]: row["seq"] for row in published}


@pytest.mark.parametrize("spec", ["gc", "cpg"])
def test_letter_counts_score_as_scipy_does(
    benchmark_: LentiMPRA,
    published: list[dict[str, str]],
    answered: Callable[..., pl.DataFrame],
    spec: str,
) -> None:
    rows = score(answered(benchmark_, load_model(spec)), benchmark_.rule, seed=0, replicates=50)
    # On ranks, and up to a constant factor, a count per base is a count: all have 230 nt.
    letters = {"gc": ("G", "C"), "cpg": ("CG",)}[spec]
    counts = [sum(row["seq"].count(letter) for letter in letters) for row in published]
    measured = [float(row["mean_value"]) for row in published]
    values = {row.name: row.value for row in rows}
    assert values["spearman"] == pytest.approx(spearmanr(counts, measured).statistic, abs=1e-9)
    if spec == "gc":
        expected = pearsonr(np.log2(np.array(counts) + 1e-9), measured).statistic
        assert values["pearson"] == pytest.approx(expected, abs=1e-9)
    assert {row.n for row in rows} == {1000}
    assert {row.n_clusters for row in rows} == {len({r["seq_id"].split("_")[0] for r in published})}


def test_it_has_no_split_of_its_own(benchmark_: LentiMPRA) -> None:
    assert benchmark_.training_split() is None


def test_its_rule_resamples_elements() -> None:
    assert LentiMPRA.rule.cluster == "elements"
    assert LentiMPRA.rule.headlines == ("pearson", "spearman")


def test_without_data_it_says_what_is_missing(no_data: None) -> None:
    with pytest.raises(DatasetError, match="lentimpra_k562_sample"):
        _ = LentiMPRA().items


def test_other_wording_is_another_question(
    benchmark_: LentiMPRA, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LentiMPRA().digest == benchmark_.digest
    monkeypatch.setattr(lentimpra, "_TASK", replace(lentimpra._TASK, cell_type="HepG2"))
    assert LentiMPRA().digest != benchmark_.digest
