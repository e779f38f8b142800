"""kircher2019 against the published table, read without genomark."""

from __future__ import annotations

import csv
import gzip
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr

from genomark.benchmarks import Benchmark, load_benchmark
from genomark.benchmarks.kircher2019 import EXPERIMENTS, Kircher2019
from genomark.errors import DatasetError
from genomark.models import load_model
from genomark.protocol import PredictResponse, TaskPrediction
from genomark.scoring import score

#: Cell types to ask for, written out: a slip in the benchmark would ask for other cells.
CELL_TYPES = {
    "BCL11A": "HEL 92.1.7 (erythroleukemia)",
    "F9": "HepG2 (hepatocytes)",
    "FOXE1": "HeLa (cervical carcinoma)",
    "GP1BA": "HEL 92.1.7 (erythroleukemia)",
    "HBB": "HEL 92.1.7 (erythroleukemia)",
    "HBG1": "HEL 92.1.7 (erythroleukemia)",
    "HNF4A": "HEK293T (embryonic kidney)",
    "IRF4": "SK-MEL-28 (melanoma)",
    "IRF6": "HaCaT (keratinocytes)",
    "LDLR": "HepG2 (hepatocytes)",
    "LDLR.2": "HepG2 (hepatocytes)",
    "MSMB": "HEK293T (embryonic kidney)",
    "MYCrs6983267": "HEK293T (embryonic kidney), LiCl",
    "MYCrs11986220": "LNCaP (prostate carcinoma), DHT",
    "PKLR-24h": "K562 (erythroid precursors)",
    "PKLR-48h": "K562 (erythroid precursors)",
    "RET": "Neuro-2a (neuroblastoma)",
    "SORT1": "HepG2 (hepatocytes)",
    "SORT1.2": "HepG2 (hepatocytes)",
    "SORT1-flip": "HepG2 (hepatocytes)",
    "TCF7L2": "MIN6 (pancreatic beta cells)",
    "TERT-HEK": "HEK293T (embryonic kidney)",
    "TERT-GBM": "SF7996 (glioblastoma)",
    "TERT-GAa": "SF7996 (glioblastoma), siRNA against GABPA",
    "TERT-GSc": "SF7996 (glioblastoma), scrambled siRNA",
    "UC88": "Neuro-2a (neuroblastoma)",
    "ZFAND3": "MIN6 (pancreatic beta cells)",
    "ZRSh-13": "NIH/3T3 (fibroblasts) with HOXD13",
    "ZRSh-13h2": "NIH/3T3 (fibroblasts) with HOXD13 + HAND2",
}


@dataclass
class Published:
    """The table as a list of rows, and what follows from it."""

    rows: list[dict[str, str]]

    def __post_init__(self) -> None:
        self.current = [row for row in self.rows if row["Release"] == "GRCh38"]
        self.placed = [row for row in self.current if row["Pos"] != "NA"]
        self.kept = [row for row in self.placed if int(row["Barcodes"]) >= 10]
        bases: dict[str, dict[int, str]] = defaultdict(dict)
        for row in self.placed:
            bases[row["Element"]][int(row["Pos"])] = row["Ref"]
        self.references = {
            name: (min(each), "".join(each.get(at, "N") for at in range(min(each), max(each) + 1)))
            for name, each in bases.items()
        }

    def variant(self, row: dict[str, str]) -> str:
        start, reference = self.references[row["Element"]]
        bases = list(reference)
        bases[int(row["Pos"]) - start] = "" if row["Alt"] == "-" else row["Alt"]
        return "".join(bases)


@pytest.fixture(scope="session")
def published(kircher2019_file: Path) -> Published:
    with gzip.open(kircher2019_file, "rt") as table:
        return Published(list(csv.DictReader(table, delimiter="\t")))


@pytest.fixture(scope="session")
def benchmark_(kircher2019_file: Path) -> Kircher2019:
    benchmark = load_benchmark("kircher2019")
    assert isinstance(benchmark, Kircher2019)
    return benchmark


@pytest.fixture(scope="session")
def requests(benchmark_: Kircher2019) -> dict[str, Any]:
    return {part["task"][0]: benchmark_.request(part) for part in benchmark_.parts()}


def item_id(row: dict[str, str]) -> str:
    return f"{row['Element']}:{row['Chrom']}:{row['Pos']}:{row['Ref']}>{row['Alt']}"


def test_the_published_table_holds_what_the_paper_says(published: Published) -> None:
    assert len(published.current) == 44_658
    unplaced = Counter(row["Element"] for row in published.current if row["Pos"] == "NA")
    assert unplaced == {"MSMB": 7, "MYCrs11986220": 4}
    assert len(published.kept) == 41_724
    assert len({row["Element"] for row in published.kept}) == 29


def test_items_are_the_variants_with_a_position_and_ten_barcodes(
    benchmark_: Kircher2019, published: Published
) -> None:
    items = benchmark_.items
    assert items.height == 41_724
    assert items["item_id"].n_unique() == 41_724
    assert items["item_id"].to_list() == [item_id(row) for row in published.kept]
    assert items["task"].to_list() == [row["Element"] for row in published.kept]
    assert items["truth"].to_list() == [float(row["Coefficient"]) for row in published.kept]
    assert items["subcluster"].to_list() == [row["Pos"] for row in published.kept]


def test_experiments_on_one_element_are_one_cluster(benchmark_: Kircher2019) -> None:
    clusters = dict(benchmark_.items.select("task", "cluster").unique().iter_rows())
    assert len(clusters) == 29
    assert len(set(clusters.values())) == 21
    shared: dict[str, set[str]] = defaultdict(set)
    for experiment, element in clusters.items():
        shared[element].add(experiment)
    assert {element: each for element, each in shared.items() if len(each) > 1} == {
        "LDLR": {"LDLR", "LDLR.2"},
        "PKLR": {"PKLR-24h", "PKLR-48h"},
        "SORT1": {"SORT1", "SORT1.2", "SORT1-flip"},
        "TERT": {"TERT-HEK", "TERT-GBM", "TERT-GAa", "TERT-GSc"},
        "ZRSh-13": {"ZRSh-13", "ZRSh-13h2"},
    }


def test_no_two_clusters_share_a_base_of_the_genome(
    benchmark_: Kircher2019, published: Published
) -> None:
    clusters = dict(benchmark_.items.select("task", "cluster").unique().iter_rows())
    owner: dict[tuple[str, str], str] = {}
    for row in published.kept:
        cluster = clusters[row["Element"]]
        assert owner.setdefault((row["Chrom"], row["Pos"]), cluster) == cluster


def test_references_spell_the_elements(benchmark_: Kircher2019, published: Published) -> None:
    assert benchmark_.references == published.references
    with_n = {name: text.count("N") for name, (_, text) in benchmark_.references.items()}
    assert {name: count for name, count in with_n.items() if count} == {"TCF7L2": 1}
    lengths = [len(text) for _, text in benchmark_.references.values()]
    assert (min(lengths), max(lengths)) == (187, 601)


def test_references_and_cells_are_those_the_authors_describe(
    benchmark_: Kircher2019, published: Published, real_data: Callable[[str, str], Path]
) -> None:
    described = []
    for line in real_data("kircher2019", "about.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        place = re.fullmatch(r"chr(\w+):([\d,]+)-([\d,]+)", cells[2]) if len(cells) > 8 else None
        if place:
            start, end = (int(each.replace(",", "")) for each in place.group(2, 3))
            described.append((place[1], start, end, " ".join(cells[3:])))
    assert len(described) == 21
    chromosome = {row["Element"]: row["Chrom"] for row in published.kept}
    for experiment, (start, reference) in benchmark_.references.items():
        (line_of_cells,) = [
            text
            for name, first, last, text in described
            # Elements with primers read to one base more or less than described.
            if name == chromosome[experiment]
            and abs(first - start) <= 1
            and abs(last - (start + len(reference) - 1)) <= 1
        ]
        assert CELL_TYPES[experiment].split(" (")[0] in line_of_cells


def test_the_reference_base_of_every_variant_is_in_its_place(
    benchmark_: Kircher2019, published: Published
) -> None:
    for row in published.kept:
        start, reference = benchmark_.references[row["Element"]]
        assert reference[int(row["Pos"]) - start] == row["Ref"]


def test_there_is_one_request_for_each_experiment(
    requests: dict[str, Any], benchmark_: Kircher2019
) -> None:
    assert len(requests) == 29 == len(list(benchmark_.parts()))
    assert set(requests) == set(CELL_TYPES) == set(EXPERIMENTS)
    asked = sum(len(request.sequences) for request in requests.values())
    assert asked == 41_724 + 29


def test_requests_ask_for_expression_in_the_cells_of_the_experiment(
    requests: dict[str, Any],
) -> None:
    for experiment, request in requests.items():
        (task,) = request.prediction_tasks
        assert request.readout == "point"
        assert (task.name, task.type) == (experiment, "expression")
        assert task.cell_type == CELL_TYPES[experiment]
        # The sequence is human even where the cells are not.
        assert task.species == "homo_sapiens"
        assert task.scale == "log"


def test_requests_hold_the_reference_and_each_variant(
    requests: dict[str, Any], published: Published
) -> None:
    expected: dict[str, dict[str, str]] = {
        name: {f"{name}:reference": text} for name, (_, text) in published.references.items()
    }
    for row in published.kept:
        expected[row["Element"]][item_id(row)] = published.variant(row)
    assert {name: request.sequences for name, request in requests.items()} == expected


def test_deletions_are_one_base_shorter_and_substitutions_as_long(
    requests: dict[str, Any], published: Published
) -> None:
    deletions = 0
    for row in published.kept:
        sequences = requests[row["Element"]].sequences
        reference = sequences[f"{row['Element']}:reference"]
        shorter = len(reference) - len(sequences[item_id(row)])
        assert shorter == (row["Alt"] == "-")
        deletions += shorter
    assert deletions == 3168


def test_229_items_repeat_a_sequence_of_their_experiment(requests: dict[str, Any]) -> None:
    repeated = {}
    for experiment, request in requests.items():
        counts = Counter(request.sequences.values())
        repeated[experiment] = sum(count - 1 for count in counts.values())
        # A deletion in a run of one base gives the same sequence wherever it is.
        _, reference = next(iter(request.sequences.items()))
        assert all(len(text) == len(reference) - 1 for text, count in counts.items() if count > 1)
    assert sum(repeated.values()) == 229


def test_sequence_ids_are_those_of_the_requests(
    benchmark_: Kircher2019, requests: dict[str, Any]
) -> None:
    for experiment in ("TERT-GAa", "HBB"):
        part = benchmark_.items.filter(pl.col("task") == experiment)
        ids = benchmark_.sequence_ids(part)
        assert ids["item_id"].to_list() == list(requests[experiment].sequences)
        assert ids["task"].unique().to_list() == [experiment]
    assert benchmark_.sequence_ids(benchmark_.items).height == 41_724 + 29


def naive_gc(sequence: str) -> float:
    return math.log2((sequence.count("G") + sequence.count("C") + 1e-9) / len(sequence))


def naive_cpg(sequence: str) -> float:
    return math.log2((sequence.count("CG") + 1e-9) / len(sequence))


@pytest.mark.parametrize(
    ("spec", "naive", "pearson", "spearman"),
    [
        ("gc", naive_gc, 0.0211373, 0.0266983),
        ("cpg", naive_cpg, 0.0066354, 0.0204745),
    ],
)
def test_letter_counts_score_as_an_independent_loop_does(
    benchmark_: Kircher2019,
    published: Published,
    answered: Callable[..., pl.DataFrame],
    spec: str,
    naive: Callable[[str], float],
    pearson: float,
    spearman: float,
) -> None:
    items = answered(benchmark_, load_model(spec))
    assert items["value"].null_count() == 0
    rows = {
        (row.name, row.group): row.value
        for row in score(items, benchmark_.rule, seed=0, replicates=50)
    }
    assert rows["mean_pearson", None] == pytest.approx(pearson, abs=1e-6)
    assert rows["mean_spearman", None] == pytest.approx(spearman, abs=1e-6)
    # The same from the published table, in plain Python and scipy.
    effects: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in published.kept:
        reference = naive(published.references[row["Element"]][1])
        effect = naive(published.variant(row)) - reference
        effects[row["Element"]].append((effect, float(row["Coefficient"])))
    for name, function in (("pearson", pearsonr), ("spearman", spearmanr)):
        values = {each: function(*zip(*pairs, strict=True)).statistic
                  for each, pairs in effects.items()}  # fmt: skip
        for experiment, value in values.items():
            assert rows[name, experiment] == pytest.approx(value, abs=1e-9)
        mean = np.mean(list(values.values()))
        assert rows[f"mean_{name}", None] == pytest.approx(mean, abs=1e-9)


def _response(predictions: dict[str, Any], scale: str) -> PredictResponse:
    task = TaskPrediction(
        "HBB", "expression", ["expression"], "HEL", "HEL", "homo_sapiens", "homo_sapiens", "log",
        scale, predictions,
    )  # fmt: skip
    return PredictResponse("p", [task])


def test_effects_are_read_against_the_reference(benchmark_: Kircher2019) -> None:
    items = benchmark_.items.filter(pl.col("task") == "HBB")[:3]
    one, two, three = items["item_id"]
    predictions = {"HBB:reference": [2.0], one: 3.5, two: [0.5], three: "no"}
    answers = benchmark_.read(items, _response(predictions, "log"))
    assert answers["value"].to_list() == [1.5, -1.5, None]
    assert answers["reason"][2] == "expected a number, got str"
    linear = benchmark_.read(items, _response(predictions | {three: -1.0}, "linear"))
    assert linear["value"].to_list() == pytest.approx([math.log2(1.75), -2.0, None])
    assert "not above 0" in linear["reason"][2]


def test_without_its_reference_no_variant_has_an_effect(benchmark_: Kircher2019) -> None:
    items = benchmark_.items.filter(pl.col("task") == "HBB")[:3]
    answers = benchmark_.read(items, _response(dict.fromkeys(items["item_id"], 1.0), "log"))
    assert answers["value"].null_count() == 3
    assert answers["reason"].unique().to_list() == ["reference: missing from the answer"]


def test_other_wording_is_another_question(
    benchmark_: Kircher2019, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Kircher2019().digest == benchmark_.digest
    monkeypatch.setitem(EXPERIMENTS, "HBB", ("HBB", "K562"))
    assert Kircher2019().digest != benchmark_.digest


def test_its_rule_resamples_elements_and_positions() -> None:
    rule = Kircher2019.rule
    assert (rule.grouped, rule.cluster, rule.subcluster) == (True, "elements", "positions")
    assert rule.headlines == ("mean_pearson", "mean_spearman")


def test_a_limit_reaches_every_experiment(benchmark_: Benchmark) -> None:
    selected = benchmark_.selected(1000)
    assert selected.height == 1000
    assert selected["task"].n_unique() == 29


def test_without_data_it_says_what_is_missing(no_data: None) -> None:
    with pytest.raises(DatasetError, match="kircher2019"):
        _ = Kircher2019().items
