"""agarwal2025: real measurements with random sequences of 300 inserts, against scipy."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr
from xlsx_files import write_xlsx

import genomark
from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.agarwal2025 import Agarwal2025
from genomark.benchmarks.game.mpra_panel import read_backbone
from genomark.datasets.genome import reverse_complement
from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.models import as_model
from genomark.scoring import Result

MEASURED = "56k_measured_file.xlsx"
BACKBONE = "upstream_downstream_backbone.txt"
SEQUENCES = "56k_measured_final_sequence_file.xlsx"
CELLS = {
    "WTC11": "induced pluripotent stem cells (iPS cells; WTC11)",
    "K562": "lymphoblasts (K562)",
    "HepG2": "human hepatocytes (HepG2)",
}
HEAD: list[object] = [
    *("name", "HepG2 [log2(rna/dna)]", "K562 [log2(rna/dna)]", "WTC11 [log2(rna/dna)]"),
]
CONTRASTS = [("HepG2", "WTC11"), ("HepG2", "K562"), ("WTC11", "K562")]


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, float]]:
    """Activities of 300 inserts by name; names and figures are of the published kind."""
    draw = np.random.default_rng(10)
    names = [f"{cell}_seq{at}_F" for at in range(9998, 9898, -1) for cell in CELLS][:299]
    names.append("C:SLEA_hg18:chr2:210861483-210861650|10:V_COUPTF_Q6:CCCC_Reversed:")
    shared = draw.normal(size=300)
    figures = np.round(shared[:, np.newaxis] + 0.5 * draw.normal(size=(300, 3)) - 0.3, 3)
    return {
        name: dict(zip(("HepG2", "K562", "WTC11"), row.tolist(), strict=True))
        for name, row in zip(names, figures, strict=True)
    }


@pytest.fixture(scope="module")
def sequences(measured: dict[str, Any]) -> dict[str, str]:
    """Random inserts; each tenth is the one before it read on the other strand."""
    draw = np.random.default_rng(11)
    found: dict[str, str] = {}
    last = ""
    for at, name in enumerate(measured):
        letters = bytes(draw.choice(list(b"ACGT"), 200, p=[0.3, 0.2, 0.2, 0.3]).astype(np.uint8))
        last = reverse_complement(last) if at % 10 == 9 else letters.decode()
        found[name] = last
    return found


@pytest.fixture(scope="module")
def benchmark_(
    measured: dict[str, dict[str, float]],
    sequences: dict[str, str],
    real_data: Callable[[str, str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Agarwal2025:
    """Workbooks as published, but for their length, and the published plasmid."""
    folder = tmp_path_factory.mktemp("files")
    rows: list[list[object]] = [HEAD, *([name, *row.values()] for name, row in measured.items())]
    write_xlsx(folder / "agarwal2025" / MEASURED, rows)
    (folder / "agarwal2025" / BACKBONE).symlink_to(real_data("agarwal2025", BACKBONE))
    rows = [["name", "category", "230nt sequence"]]
    rows += [[name, "element", letters] for name, letters in sequences.items()]
    write_xlsx(folder / "agarwal2025_sequences" / SEQUENCES, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "genomark.benchmarks.game.agarwal2025.path", lambda data, file: folder / data / file
        )
        benchmark = Agarwal2025()
        assert benchmark.items.height == 900
        assert benchmark.backbone.upstream
    return benchmark


def words(constructs: list[str]) -> np.ndarray:
    """Sees the insert, and each cell type the same."""
    return np.array([s.count("GATA") + 0.3 * s.count("CA") for s in constructs])


def run_one(benchmark: Agarwal2025, model: Any, folder: Path) -> Result:
    (result,) = genomark.run([model], [benchmark], out=folder, workers=1)
    return result


@pytest.fixture(scope="module")
def result(benchmark_: Agarwal2025, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run_one(benchmark_, as_model(words, "words"), tmp_path_factory.mktemp("run"))


# -- What is asked ---------------------------------------------------------------------------------


def test_one_request_asks_all_cell_types_about_each_sequence(
    benchmark_: Agarwal2025, sequences: dict[str, str]
) -> None:
    (part,) = benchmark_.parts()
    request = benchmark_.request(part)
    assert [(task.name, task.cell_type) for task in request.prediction_tasks] == [*CELLS.items()]
    assert {(t.type, t.species, t.scale) for t in request.prediction_tasks} == {
        ("expression", "homo_sapiens", "log")
    }
    assert sorted(request.sequences.values()) == sorted(set(sequences.values()))


def test_requests_are_no_longer_than_they_may_be(
    benchmark_: Agarwal2025, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Agarwal2025, "max_request_items", 70)
    parts = list(benchmark_.parts())
    assert [part.height for part in parts] == [210] * 4 + [60]
    assert pl.concat(parts).sort("item_id").equals(benchmark_.items.sort("item_id"))
    few = benchmark_.selected(30)
    assert few.height == 30
    assert few["row"].n_unique() == 10


def test_the_range_is_the_reporter_from_its_first_to_its_last_base(
    benchmark_: Agarwal2025,
) -> None:
    """Both ends belong to a range; the published one, [3147, 3867], has a base too many."""
    (part,) = benchmark_.parts()
    request = benchmark_.request(part)
    name, insert = next(iter(request.sequences.items()))
    construct = request.upstream_seq + insert + request.downstream_seq
    start, end = request.prediction_ranges[name]
    assert (start, end) == (3147, 3866)
    assert construct[start : start + 6] == "ATGGTG"
    assert end + 1 - start == 720
    assert {tuple(each) for each in request.prediction_ranges.values()} == {(start, end)}


def test_ranges_follow_the_length_of_an_insert(benchmark_: Agarwal2025) -> None:
    items = benchmark_.items.head(1).with_columns(sequence=pl.lit("A" * 207))
    request = benchmark_.request(items)
    assert list(request.prediction_ranges.values()) == [[3154, 3873]]


def test_ids_say_nothing_of_a_sequence(benchmark_: Agarwal2025, sequences: dict[str, str]) -> None:
    """There is a Predictor that turns a sequence round where its id says 'Reversed'."""
    assert any("Reversed" in name for name in sequences)
    (part,) = benchmark_.parts()
    ids = benchmark_.request(part).sequences
    assert all(re.fullmatch("s[0-9a-f]{20}", each) for each in ids)
    assert len(ids) == len(set(sequences.values()))
    told = benchmark_.sequence_ids(part)
    assert told.is_unique().all()
    assert set(told["item_id"]) == set(ids)


def test_both_strands_of_an_insert_are_one_family(
    benchmark_: Agarwal2025, sequences: dict[str, str]
) -> None:
    cluster = dict(benchmark_.items.select("item_id", "cluster").iter_rows())
    names = list(sequences)
    for at in range(9, 300, 10):
        assert cluster[f"{names[at]} K562"] == cluster[f"{names[at - 1]} HepG2"]
    assert len(set(cluster.values())) == 270


# -- Scores ----------------------------------------------------------------------------------------


def predicted(sequences: dict[str, str], benchmark: Agarwal2025) -> np.ndarray:
    backbone = benchmark.backbone
    return words([backbone.upstream + s + backbone.downstream for s in sequences.values()])


def test_correlations_are_those_of_scipy(
    result: Result,
    benchmark_: Agarwal2025,
    measured: dict[str, dict[str, float]],
    sequences: dict[str, str],
) -> None:
    x = predicted(sequences, benchmark_)
    for name, function in (("pearson", pearsonr), ("spearman", spearmanr)):
        values = []
        for cell in CELLS:
            row = result.metric(name, cell)
            values.append(function(x, [each[cell] for each in measured.values()]).statistic)
            assert row.value == pytest.approx(values[-1], abs=1e-9)
            assert (row.n, row.n_clusters) == (300, 270)
        assert result.metric(f"mean_{name}").value == pytest.approx(np.mean(values), abs=1e-9)


def test_published_rows_are_those_of_the_published_evaluator(
    result: Result,
    benchmark_: Agarwal2025,
    measured: dict[str, dict[str, float]],
    sequences: dict[str, str],
) -> None:
    x = predicted(sequences, benchmark_)
    for cell in CELLS:
        row = result.metric("game_pearson_r", f"Agarwal Joint MPRA ({cell})")
        r = pearsonr(x, [each[cell] for each in measured.values()]).statistic
        assert (row.value, row.interval) == (pytest.approx(r, abs=1e-9), None)
    for first, second in CONTRASTS:
        group = f"Cell type specific expression ({first} - {second})"
        # All cell types are predicted alike, and 0.0 is what the evaluator says to that.
        assert result.metric("game_specificity_pearson_r", group).value == 0.0


class Cells:
    """Predicts each cell type in its own way."""

    def __init__(self) -> None:
        self._inner = as_model(words, "cells")
        self.info = self._inner.info

    def predict(self, request: Any) -> Any:
        response = self._inner.predict(request)
        for factor, task in enumerate(response.prediction_tasks, start=1):
            for name, letters in request.sequences.items():
                task.predictions[name] += factor * letters.count("TTA")
        return response


def test_contrasts_are_differences_of_cell_types(
    benchmark_: Agarwal2025,
    measured: dict[str, dict[str, float]],
    sequences: dict[str, str],
    tmp_path: Path,
) -> None:
    found = run_one(benchmark_, Cells(), tmp_path)
    more = np.array([letters.count("TTA") for letters in sequences.values()])
    factor = {cell: at for at, cell in enumerate(CELLS, start=1)}
    for first, second in CONTRASTS:
        x = (factor[first] - factor[second]) * more
        y = [each[first] - each[second] for each in measured.values()]
        for name, function in (("pearson", pearsonr), ("spearman", spearmanr)):
            row = found.metric(f"specificity_{name}", f"{first} - {second}")
            assert row.value == pytest.approx(function(x, y).statistic, abs=1e-9)
            assert row.interval is not None
            assert row.interval[0] < row.value < row.interval[1]
        group = f"Cell type specific expression ({first} - {second})"
        published = found.metric("game_specificity_pearson_r", group)
        assert published.value == pytest.approx(pearsonr(x, y).statistic, abs=1e-9)


def test_a_published_contrast_leaves_out_what_has_no_answer(
    benchmark_: Agarwal2025, measured: dict[str, dict[str, float]], sequences: dict[str, str]
) -> None:
    """GAME 1.0, section 7.3: rows with any NaN are dropped there, and not in a cell type."""
    values = np.random.default_rng(5).normal(size=900)
    frame = benchmark_.items.with_columns(value=pl.Series(values))
    gone = [f"{name} K562" for name in list(measured)[:7]]
    missing = pl.col("item_id").is_in(gone)
    frame = frame.with_columns(value=pl.when(~missing).then("value"))
    said = dict(frame.select("item_id", "value").iter_rows())
    rows = {row.group: row for row in benchmark_.published(frame)}
    names = list(measured)[7:]
    x = [said[f"{name} HepG2"] - said[f"{name} K562"] for name in names]
    y = [measured[name]["HepG2"] - measured[name]["K562"] for name in names]
    row = rows["Cell type specific expression (HepG2 - K562)"]
    assert (row.value, row.n) == (pytest.approx(pearsonr(x, y).statistic, abs=1e-9), 293)
    assert rows["Cell type specific expression (HepG2 - WTC11)"].n == 300
    assert rows["Agarwal Joint MPRA (K562)"].reason_if_null == "7 of 300 items have no answer"


def test_a_model_that_sees_the_range_alone_has_no_score_and_is_told_why(
    benchmark_: Agarwal2025, tmp_path: Path
) -> None:
    """`gc` crops to the range: the published evaluator gives 0.0 to what is undefined."""
    found = run_one(benchmark_, "gc", tmp_path)
    assert found.coverage.answered == 900
    rows = [row for row in found.metrics if not row.name.startswith("game_")]
    assert len(rows) == 2 + 6 + 6
    for row in rows:
        assert row.value is None
        assert row.interval is None
        assert "constant prediction" in row.reason_if_null
        assert "does the model see the prediction range alone?" in row.reason_if_null
    assert [r.value for r in found.metrics if r.name.startswith("game_")] == [0.0] * 6


def linear(constructs: list[str]) -> np.ndarray:
    return words(constructs)


linear.scale = "linear"  # type: ignore[attr-defined]


def test_answers_on_another_scale_are_none_and_say_so(
    benchmark_: Agarwal2025, tmp_path: Path
) -> None:
    found = run_one(benchmark_, as_model(linear, "linear"), tmp_path)
    assert found.coverage.answered == 0
    (failed,) = found.coverage.failed
    assert failed.reason == "asked on a log scale, answered on 'linear'"
    rows = [row for row in found.metrics if row.name.startswith("game_")]
    assert [row.value for row in rows] == [None] * 6
    assert rows[0].reason_if_null == "300 of 300 items have no answer"


def test_a_cell_type_that_is_missing_from_the_answer_is_told(benchmark_: Agarwal2025) -> None:
    class Two(Cells):
        def predict(self, request: Any) -> Any:
            response = super().predict(request)
            del response.prediction_tasks[1]
            return response

    (part,) = benchmark_.parts()
    found = benchmark_.answer(Two(), part, Asking())
    missing = found.filter(pl.col("task") == "K562")
    assert set(missing["reason"]) == {"the answer lacks this cell type"}
    assert found.filter(pl.col("task") != "K562")["value"].null_count() == 0


def test_material_is_the_insert(benchmark_: Agarwal2025) -> None:
    material = benchmark_.material(30)
    items = benchmark_.selected(30)
    assert material.assembly is None
    assert material.items["item_id"].equals(items["item_id"])
    assert material.items["sequence"].equals(items["sequence"])


# -- Files that are missing, or not as published ---------------------------------------------------


def test_without_the_sequences_it_is_told_where_they_are(
    real_data: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agarwal2025").symlink_to(real_data("agarwal2025", MEASURED).parent)
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DatasetUnavailableError) as caught:
        _ = Agarwal2025().items
    message = str(caught.value)
    assert f"Cannot get agarwal2025_sequences/{SEQUENCES}" in message
    assert "zenodo" in message
    place = tmp_path / "cache" / "datasets" / "agarwal2025_sequences" / SEQUENCES
    assert message.endswith(f"put it at {place}")


def with_files(
    monkeypatch: pytest.MonkeyPatch, folder: Path, measured: list[list[Any]], found: list[list[Any]]
) -> None:
    write_xlsx(folder / "agarwal2025" / MEASURED, measured)
    write_xlsx(folder / "agarwal2025_sequences" / SEQUENCES, found)
    monkeypatch.setattr(
        "genomark.benchmarks.game.agarwal2025.path", lambda dataset, file: folder / dataset / file
    )


GOOD = ["one", 0.5, 0.25, -1.0]
PAIR = ["one", "ACGT" * 50]


def test_an_insert_without_a_measurement_in_a_cell_type_is_no_item_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [HEAD, ["one", None, "NA", -1.0], ["two", 1.0, 2.0, 3.0], ["three", 1.0, 2.0, 3.0]]
    sequences = [["name", "sequence"], PAIR, ["two", "acgta" * 40]]
    with_files(monkeypatch, tmp_path, rows, sequences)
    with caplog.at_level(logging.WARNING):
        items = Agarwal2025().items
    assert items["item_id"].to_list() == ["one WTC11", "two WTC11", "two K562", "two HepG2"]
    assert items["truth"].to_list() == [-1.0, 3.0, 2.0, 1.0]
    assert items["sequence"][1] == "ACGTA" * 40
    assert "no sequence for 1 of the 3 inserts" in caplog.text


@pytest.mark.parametrize(
    ("measured", "sequences", "message"),
    [
        ([HEAD[:3], GOOD], [["n", "s"], PAIR], "no column 'WTC11 [log2(rna/dna)]'"),
        ([HEAD, ["one", "high", 1.0, 1.0]], [["n", "s"], PAIR], "row 'one': could not convert"),
        ([HEAD, GOOD], [["n", "s"], ["other", "ACGT"]], "no sequence in it that was measured"),
        ([HEAD, GOOD, GOOD], [["n", "s"], PAIR], "'one' is there more than once"),
        ([HEAD, GOOD], [["n", "s"], PAIR, ["one", "AC"]], "'one' is there more than once"),
        ([HEAD, GOOD], [["n", "s"], ["one", "ACGU"]], "the sequence of 'one' is no DNA: 'ACGU'"),
        ([HEAD, GOOD], [["n", "x", "s"], ["one", "x"]], "the sequence of 'one' is no DNA: ''"),
        ([HEAD, GOOD], [["name"], ["one"]], "expected a name first and a sequence last"),
        ([HEAD, GOOD], [], "expected a name first and a sequence last"),
    ],
)
def test_workbooks_that_are_not_as_published_are_refused(
    measured: list[list[Any]],
    sequences: list[list[Any]],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_files(monkeypatch, tmp_path, measured, sequences)
    with pytest.raises(DatasetError) as caught:
        _ = Agarwal2025().items
    assert message in str(caught.value)
    assert ".xlsx" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\tsequence\nup\tACGT\ndown\tAC\n", "no row 'place'"),
        ("up\tACGU\ndown\tAC\nplace\t[1, 2]\n", "row 'up' has other letters"),
        ("up\tACGT\ndown\tAC\nplace\t[1; 2]\n", "row 'place' is no stretch of the 206 letters"),
        ("up\tACGT\ndown\tAC\nplace\t[5, 5]\n", "row 'place' is no stretch"),
        ("up\tACGT\ndown\tAC\nplace\t[5, 207]\n", "row 'place' is no stretch"),
        ("up\t" + "A" * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_plasmids_that_are_none_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "backbone.txt").write_text(text)
    with pytest.raises(DatasetError, match=re.escape(message)):
        read_backbone(tmp_path / "backbone.txt", "up", "down", "place")
