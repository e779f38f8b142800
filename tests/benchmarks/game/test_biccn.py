"""Cell types of enhancers: ranks and curves against scikit-learn and counting by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from array_models import ArrayModel
from sklearn.metrics import roc_auc_score
from sparse_genome import write_sparse_2bit

import genomark
from genomark.benchmarks.game.biccn import (
    CELL_TYPES,
    BiccnEnhancers,
    ranks_of_right,
    read_enhancers,
)
from genomark.datasets.assemblies import chromosomes
from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.protocol import PredictRequest, PredictResponse
from genomark.results import Results

N = 171


class Knowing(ArrayModel):
    """Adds the number of the asked type to a hash of the letters: answers differ by type."""

    def predict(self, request: PredictRequest) -> PredictResponse:
        asked = CELL_TYPES.index(request.prediction_tasks[0].cell_type)
        self.function = lambda sequence: answer(sequence, asked)
        return super().predict(request)


def answer(sequence: str, asked: int) -> float:
    counts = np.array([sequence.count(letter) for letter in "ACGT"], dtype=float)
    return float(np.sin(counts @ [1.0, 2.0, 3.0, 5.0] + asked))


def table(n: int = N) -> pl.DataFrame:
    random = np.random.default_rng(29)
    return pl.DataFrame(
        {
            "enhancer": [f"AiE{number}m" for number in range(n)],
            "cell_type": [CELL_TYPES[number % 19] for number in range(n)],
            "sequence": ["".join(random.choice(list("ACGT"), 500)) for _ in range(n)],
        }
    )


def write(folder: Path, frame: pl.DataFrame) -> Path:
    path = folder / "biccn" / "enhancers.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, separator="\t")
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("biccn")
    write(folder, table())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOMARK_MIRROR", str(folder))
        found = genomark.run(
            ["gc", Knowing(lambda sequence: None, "knowing"), "control:oracle"],
            [BiccnEnhancers()],
            out=folder / "out",
            progress=False,
        )
    assert not found.failed
    return found


def of(results: Results, model: str) -> Any:
    return next(each for each in results.results if each.model.id == model)


def test_every_enhancer_is_asked_for_in_every_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, table())
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    benchmark = BiccnEnhancers()
    requests = [benchmark.request(part) for part in benchmark.parts()]

    assert [each.prediction_tasks[0].cell_type for each in requests] == list(CELL_TYPES)
    assert {each.prediction_tasks[0].species for each in requests} == {"mus_musculus"}
    assert {each.prediction_tasks[0].type for each in requests} == {"accessibility"}
    assert all(list(each.sequences.values()) == table()["sequence"].to_list() for each in requests)
    assert benchmark.items["truth"].sum() == N
    assert not any("AiE" in name for each in requests for name in each.sequences)


def test_curves_of_types_are_those_of_scikit_learn(results: Results) -> None:
    found = of(results, "knowing")
    sequences, right = table()["sequence"].to_list(), table()["cell_type"].to_list()
    expected = []
    for number, cell_type in enumerate(CELL_TYPES):
        said = [answer(each, number) for each in sequences]
        expected.append(roc_auc_score([each == cell_type for each in right], said))
        assert found.metric("auroc", cell_type).value == pytest.approx(expected[-1])

    assert found.metric("mean_auroc").value == pytest.approx(np.mean(expected))
    assert found.metric("mean_auroc").n_clusters == 19


def test_ranks_are_counted_by_hand(results: Results) -> None:
    found = of(results, "knowing")
    ranks = []
    for sequence, right in table().select("sequence", "cell_type").iter_rows():
        said = [answer(sequence, number) for number in range(19)]
        ranks.append(sorted(said, reverse=True).index(said[CELL_TYPES.index(right)]) + 1)

    assert found.metric("mean_rank").value == pytest.approx(np.mean(ranks))
    assert found.metric("mean_top_1").value == pytest.approx(np.mean(np.array(ranks) <= 1))
    row = found.metric("mean_top_3")
    assert row.value == pytest.approx(np.mean(np.array(ranks) <= 3))
    assert (row.n, row.n_clusters) == (N, N)
    assert row.interval[0] < row.value < row.interval[1]


def test_a_model_that_knows_no_types_is_at_chance(results: Results) -> None:
    found = of(results, "gc")

    assert found.metric("mean_rank").value == 10.0
    assert found.metric("mean_top_1").value == pytest.approx(1 / 19)
    assert found.metric("mean_top_3").value == pytest.approx(3 / 19)


def test_the_truth_itself_is_always_first(results: Results) -> None:
    found = of(results, "control:oracle")

    assert found.metric("mean_rank").value == 1.0
    assert found.metric("mean_top_1").value == 1.0
    assert found.metric("mean_auroc").value == 1.0


def test_an_enhancer_without_an_answer_in_one_type_has_no_rank() -> None:
    frame = pl.DataFrame(
        {
            "subcluster": ["a"] * 3 + ["b"] * 3,
            "truth": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            "value": [0.5, 0.7, 0.5, 0.1, None, 0.3],
            "reason": [None] * 4 + ["too long", None],
        }
    )
    found = ranks_of_right(frame)

    assert found["rank"].to_list() == [2.5, None]
    assert found["top_1"].to_list() == [0.0, None]
    assert found["top_3"].to_list() == [1.0, None]
    assert found["reason"].to_list() == [None, "too long"]


def test_a_limit_chooses_whole_enhancers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, table())
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    chosen = BiccnEnhancers().selected(5 * 19)

    assert chosen.height == 5 * 19
    assert chosen["row"].n_unique() == 5
    assert BiccnEnhancers().material(5 * 19).items["item_id"].equals(chosen["item_id"])


def test_regions_are_read_from_mm10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    letters = table(1)["sequence"][0]
    lengths = {name: each.length for name, each in chromosomes("mm10").items()}
    write_sparse_2bit(tmp_path / "mm10" / "mm10.2bit", lengths, {"chr3": [(5_000_000, letters)]})
    place = {"chrom": "chr3", "start": 5_000_100, "end": 5_000_400}
    frame = (
        table(1)
        .drop("sequence")
        .with_columns(**{name: pl.lit(value) for name, value in place.items()})
    )
    path = write(tmp_path, frame)

    assert read_enhancers(path)["sequence"].to_list() == [letters[100:400]]
    material = BiccnEnhancers().material()
    assert material.assembly == "mm10"
    assert material.items.row(0, named=True)["start"] == 5_000_100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop("cell_type"), "no column 'cell_type'; expected"),
        (lambda frame: frame.drop("sequence"), "no column 'sequence'"),
        (lambda frame: frame.head(0), "no enhancers"),
        (
            lambda frame: frame.with_columns(cell_type=pl.lit("Purkinje")),
            "'Purkinje' is none of the cell types Astro, Endo",
        ),
        (lambda frame: pl.concat([frame, frame]), "enhancer 'AiE0m' is there twice"),
        (
            lambda frame: frame.with_columns(
                sequence=pl.when(pl.col("enhancer") != "AiE1m").then("sequence")
            ),
            "row 2 has no sequence",
        ),
        (
            lambda frame: frame.with_columns(
                chrom=pl.lit("chr1"), start=pl.lit("here"), end=pl.lit("there")
            ),
            "start and end are to be whole numbers",
        ),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, change: Any, said: str) -> None:
    path = write(tmp_path, change(table(3)))

    with pytest.raises(DatasetError, match=said):
        read_enhancers(path)


def test_the_place_of_the_table_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path))

    with pytest.raises(DatasetUnavailableError, match=r"biccn/enhancers.tsv is not at hand: it is"):
        list(BiccnEnhancers().parts())
