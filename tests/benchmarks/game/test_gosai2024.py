"""gosai2024 on a table laid out as the published one, against pandas and scipy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr

import genomark
from genomark.benchmarks.game.gosai2024 import ORIGINS, Gosai2024
from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.models import as_model
from genomark.scoring import Result

FILE = "41586_2024_8070_MOESM14_ESM.txt"
BACKBONE = "upstream_downstream_backbone.txt"
CELLS = {
    "K562": ("K562 (erythroid precursors)", "K562_l2fc"),
    "HepG2": ("HepG2 (hepatocytes)", "HepG2_l2fc"),
    "SK-N-SH": ("SK-N-SH (neuroblastoma)", "SKNSH_l2fc"),
}
OTHERS = ("Malinois_natural", "DHS_natural", "control")
#: As published: lengths, and where the reporter is.
UPSTREAM, DOWNSTREAM, REPORTER = 2079, 1397, (2419, 3171)


def letters(draw: np.random.Generator, n: int) -> str:
    return bytes(draw.choice(list(b"ACGT"), n).astype(np.uint8)).decode()


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """360 rows; the designs of AdaLead come in families of three that differ in five letters."""
    draw = np.random.default_rng(21)
    rows = []
    for at in range(360):
        origin = (*ORIGINS, *OTHERS)[at % 6]
        sequence = letters(draw, 200)
        if origin == "AdaLead" and at % 18 != 2:
            parent = next(row for row in reversed(rows) if row["origin"] == "AdaLead")["sequence"]
            where = int(draw.integers(0, 195))
            sequence = parent[:where] + letters(draw, 5) + parent[where + 5 :]
        activity = sequence.count("GATA") + draw.normal(size=3)
        rows.append(
            {
                "ID": f"{origin}__{at}",
                "sequence": sequence,
                "origin": origin,
                "target_cell": "k562",
                "round": 0,
                "track_ID": "NA",
                **dict(zip([column for _, column in CELLS.values()], activity, strict=True)),
                "MinGap": 0.5,
            }
        )
    found = pd.DataFrame(rows)
    found.loc[6, "K562_l2fc"] = np.nan
    found.loc[7, ["K562_l2fc", "HepG2_l2fc", "SKNSH_l2fc"]] = np.nan
    return found


@pytest.fixture(scope="module")
def backbone() -> dict[str, str]:
    draw = np.random.default_rng(22)
    return {
        "upstream": letters(draw, UPSTREAM),
        "downstream_padded": letters(draw, 1000) + "N" * 20 + letters(draw, DOWNSTREAM - 1020),
        "gene_coordinates": str(list(REPORTER)),
    }


def written(folder: Path, table: pd.DataFrame, backbone: dict[str, str], above: str = "") -> Path:
    place = folder / "gosai2024_synthetic"
    place.mkdir(parents=True)
    text = table.to_csv(sep="\t", na_rep="NA")
    (place / FILE).write_text(above + text)
    rows = "".join(f"{name}\t{value}\n" for name, value in backbone.items())
    (place / BACKBONE).write_text(f"\tsequence\n{rows}")
    return folder


def use(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(
        "genomark.benchmarks.game.gosai2024.path", lambda data, file: folder / data / file
    )


@pytest.fixture(scope="module")
def benchmark_(
    table: pd.DataFrame, backbone: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Gosai2024:
    folder = written(tmp_path_factory.mktemp("files"), table, backbone)
    with pytest.MonkeyPatch.context() as patch:
        use(patch, folder)
        benchmark = Gosai2024()
        assert benchmark.items.height
        assert benchmark.backbone.upstream
    return benchmark


@pytest.fixture(scope="module")
def designed(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["origin"].isin(ORIGINS)]


def words(constructs: list[str]) -> np.ndarray:
    return np.array([s.count("GATA") + 0.3 * s.count("CA") for s in constructs])


def run_one(benchmark: Gosai2024, model: Any, folder: Path) -> Result:
    (result,) = genomark.run([model], [benchmark], out=folder, workers=1)
    return result


@pytest.fixture(scope="module")
def result(benchmark_: Gosai2024, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run_one(benchmark_, as_model(words, "words"), tmp_path_factory.mktemp("run"))


def predicted(rows: pd.DataFrame, backbone: dict[str, str]) -> np.ndarray:
    return words(
        [backbone["upstream"] + s + backbone["downstream_padded"] for s in rows["sequence"]]
    )


def test_items_are_the_designs_that_were_measured(
    benchmark_: Gosai2024, designed: pd.DataFrame
) -> None:
    items = benchmark_.items
    for cell, (_, column) in CELLS.items():
        rows = designed[designed[column].notna()]
        mine = items.filter(pl.col("task") == cell)
        assert mine["item_id"].to_list() == [f"{name} {cell}" for name in rows["ID"]]
        np.testing.assert_allclose(mine["truth"], rows[column], rtol=1e-12)
        assert mine["sequence"].to_list() == rows["sequence"].to_list()
    assert items.height == 3 * len(designed) - 4


def test_a_request_asks_all_cell_lines_within_the_plasmid(
    benchmark_: Gosai2024, backbone: dict[str, str], designed: pd.DataFrame
) -> None:
    (part,) = benchmark_.parts()
    request = benchmark_.request(part)
    assert [(task.name, task.cell_type) for task in request.prediction_tasks] == [
        (name, cell) for name, (cell, _) in CELLS.items()
    ]
    assert {task.scale for task in request.prediction_tasks} == {"log"}
    assert request.upstream_seq == backbone["upstream"]
    assert request.downstream_seq == backbone["downstream_padded"]
    # 752 bases, the last of which is in the range; the published range has one more.
    assert {tuple(each) for each in request.prediction_ranges.values()} == {(2419, 3170)}
    measured = designed[designed[[c for _, c in CELLS.values()]].notna().any(axis=1)]
    assert set(request.sequences.values()) == set(measured["sequence"])


def test_designs_that_grew_out_of_one_another_are_one_family(
    benchmark_: Gosai2024, table: pd.DataFrame
) -> None:
    cluster = dict(benchmark_.items.select("item_id", "cluster").iter_rows())
    names = table[table["origin"] == "AdaLead"]["ID"].to_list()
    for at in range(0, len(names), 3):
        assert len({cluster[f"{name} HepG2"] for name in names[at : at + 3]}) == 1
    assert len(set(cluster.values())) < len({name.split(" ")[0] for name in cluster})


@pytest.mark.parametrize(("name", "function"), [("pearson", pearsonr), ("spearman", spearmanr)])
def test_correlations_are_those_of_scipy(
    name: str,
    function: Any,
    result: Result,
    designed: pd.DataFrame,
    backbone: dict[str, str],
) -> None:
    frame = designed.assign(x=predicted(designed, backbone))
    values = []
    for cell, (_, column) in CELLS.items():
        rows = frame.dropna(subset=[column])
        values.append(function(rows["x"], rows[column]).statistic)
        assert result.metric(name, cell).value == pytest.approx(values[-1], abs=1e-9)
        for origin in ORIGINS:
            few = rows[rows["origin"] == origin]
            row = result.metric(name, f"{cell}, {origin}")
            assert row.value == pytest.approx(function(few["x"], few[column]).statistic, abs=1e-9)
            assert row.n == len(few)
            assert row.interval is not None
    assert result.metric(f"mean_{name}").value == pytest.approx(np.mean(values), abs=1e-9)


def test_published_rows_are_those_of_the_published_evaluator(
    result: Result, designed: pd.DataFrame, backbone: dict[str, str]
) -> None:
    frame = designed.assign(x=predicted(designed, backbone))
    for cell, (_, column) in CELLS.items():
        rows = frame.dropna(subset=[column])
        row = result.metric("game_pearson_r", f"Gosai Synthetic MPRA ({cell})")
        r = pearsonr(rows["x"], rows[column]).statistic
        assert (row.value, row.n) == (pytest.approx(r, abs=1e-9), len(rows))


def test_contrasts_are_there_for_each_pair(result: Result) -> None:
    """All cell lines are predicted alike: undefined, and no 0.0."""
    for group in ("K562 - HepG2", "K562 - SK-N-SH", "HepG2 - SK-N-SH"):
        for name in ("pearson", "spearman"):
            row = result.metric(f"specificity_{name}", group)
            assert row.value is None
            assert row.reason_if_null.startswith("constant prediction")


def test_shipped_models_run_from_name_to_numbers(benchmark_: Gosai2024, tmp_path: Path) -> None:
    found = run_one(benchmark_, "gc", tmp_path)
    assert found.coverage.answered == benchmark_.items.height
    assert found.metric("mean_pearson").value is None
    assert found.metric("game_pearson_r", "Gosai Synthetic MPRA (K562)").value == 0.0


def test_lines_above_the_headings_are_passed_over(
    table: pd.DataFrame,
    backbone: dict[str, str],
    benchmark_: Gosai2024,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, written(tmp_path, table, backbone, "Supplementary Table\n\n# of designs\n"))
    assert Gosai2024().items.equals(benchmark_.items)


def test_without_the_table_it_is_told_where_it_is(
    no_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetUnavailableError) as caught:
        _ = Gosai2024().items
    message = str(caught.value)
    assert f"Cannot get gosai2024_synthetic/{FILE} (https://static-content.springer.com/" in message
    assert message.endswith(f"gosai2024_synthetic/{FILE}")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.rename(columns={"SKNSH_l2fc": "SK"}), "no headings ID, sequence, origin"),
        (lambda t: t.assign(origin="control"), "no sequence in it that was measured"),
        (lambda t: t.assign(ID="one"), "'one' is there more than once"),
        (lambda t: t.assign(sequence="ACGX"), "is no DNA: 'ACGX'"),
        (lambda t: t.assign(sequence=None), "is no DNA: 'None'"),
        (lambda t: t.assign(K562_l2fc="high"), "not the table it should be"),
    ],
)
def test_tables_that_are_not_as_published_are_refused(
    change: Any,
    message: str,
    table: pd.DataFrame,
    backbone: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, written(tmp_path, change(table.head(12)), backbone))
    with pytest.raises(DatasetError) as caught:
        _ = Gosai2024().items
    assert message in str(caught.value)
    assert FILE in str(caught.value)
    assert "\n" not in str(caught.value)
