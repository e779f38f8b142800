"""Tiles of one megabase against cooler, pandas and scipy, on maps laid out as the real ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cooler
import numpy as np
import pandas as pd
import polars as pl
import pytest
from array_models import ArrayModel
from scipy.stats import pearsonr
from sparse_genome import write_sparse_2bit

import genomark
from genomark.benchmarks.game.orca import (
    Orca,
    OrcaChr8,
    OrcaChr9,
    OrcaChr10,
    insulation,
    judge,
    of_insulation,
    stratified,
)
from genomark.datasets.assemblies import chromosomes
from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.results import Results

CHR10 = 133_797_422
MEGABASE = 1_000_000
#: Tiles with letters and contacts; 4 has letters and no bin that was balanced.
MEASURED = (2, 3, 9, 50)
NAME = "4DNFI9GMP2J8.rebinned.mcool"
LETTERS = 4_000
Kept = dict[str, Any]


def write_map(path: Path) -> None:
    """Contacts that fall with distance, and domains of 200 kb; nothing outside of four tiles."""
    random = np.random.default_rng(11)
    bins = cooler.binnify(pd.Series({"chr10": CHR10}), 1_000)
    weights = np.full(len(bins), np.nan)
    ones, others, counts = [], [], []
    for tile in MEASURED:
        first = tile * 1_000
        weights[first : first + 1_000] = random.uniform(0.02, 0.05, 1_000)
        weights[first + 300 : first + 330] = np.nan
        one, other = np.triu_indices(1_000)
        near = other - one < 400
        one, other = one[near], other[near]
        same = one // 200 == other // 200
        expected = 60.0 / (other - one + 1) * np.where(same, 2.5, 0.8)
        found = random.poisson(expected)
        seen = found > 0
        ones.append(one[seen] + first)
        others.append(other[seen] + first)
        counts.append(found[seen])
    bins["weight"] = weights
    pixels = pd.DataFrame(
        {
            "bin1_id": np.concatenate(ones),
            "bin2_id": np.concatenate(others),
            "count": np.concatenate(counts),
        }
    )
    cooler.create_cooler(f"{path}::/resolutions/1000", bins, pixels, ordered=True)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("orca-mirror")
    (folder / "orca").mkdir()
    write_map(folder / "orca" / NAME)
    distance = np.arange(2_000)
    np.save(folder / "orca" / f"{NAME}.expected.res1000.npy", np.log(0.08 / (distance + 1.0)))
    random = np.random.default_rng(12)
    letters = {tile: "".join(random.choice(list("ACGT"), LETTERS)) for tile in (2, 3, 4, 50)}
    write_sparse_2bit(
        folder / "hg38" / "hg38.2bit",
        {name: each.length for name, each in chromosomes("hg38").items()},
        {"chr10": [(tile * MEGABASE + 100, each) for tile, each in letters.items()]},
    )
    return folder


@pytest.fixture(scope="module")
def benchmark(mirror: Path) -> Orca:
    made = OrcaChr10()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOMARK_MIRROR", str(mirror))
        assert made.items.height
    return made


@pytest.fixture(scope="module")
def run(benchmark: Orca, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Four models through the whole way, and what they answered."""
    items = benchmark.items
    sequences = benchmark.sequences(items)
    truth = dict(zip(sequences, benchmark.truths(items), strict=True))
    noise = np.random.default_rng(13)
    apart = np.abs(np.arange(250)[:, None] - np.arange(250)[None, :])
    last = list(truth)[-1]
    noisy = {
        sequence: np.nan_to_num(target) + noise.normal(size=(250, 250))
        for sequence, target in truth.items()
    }
    models = [
        ArrayModel(noisy.__getitem__, "noisy", scale="log"),
        ArrayModel(lambda sequence: -np.log(apart + 1.0), "distance", scale="log"),
        ArrayModel(
            lambda sequence: np.ones((250, 250)) if sequence == last else noisy[sequence],
            "flat once",
            scale="log",
        ),
        ArrayModel(
            lambda sequence: np.ones((128, 128)) if sequence == last else noisy[sequence],
            "wrong shape once",
            scale="log",
        ),
        ArrayModel(noisy.__getitem__, "linear", scale="linear"),
    ]
    results = genomark.run(
        [*models, "control:oracle"],
        [benchmark],
        out=tmp_path_factory.mktemp("orca"),
        progress=False,
    )
    assert not results.failed
    return {"results": results, "truth": list(truth.values()), "noisy": noisy, "models": models}


def of(results: Results, model: str) -> Any:
    return next(each for each in results.results if each.model.id == model)


def test_tiles_without_letters_or_contacts_are_left_out_and_told(benchmark: Orca) -> None:
    items = benchmark.items

    assert items["start"].to_list() == [2 * MEGABASE, 3 * MEGABASE, 50 * MEGABASE]
    assert (items["end"] - items["start"]).to_list() == [MEGABASE] * 3
    assert benchmark.settings() == {
        "tiles": 133,
        "excluded": {"fewer than 2 cells measured": 129, "no letter but N": 1},
    }


def test_the_chromosomes_have_as_many_tiles_as_published() -> None:
    tiles = {
        each: chromosomes("hg38")[name].length // MEGABASE
        for name, each in (("chr8", OrcaChr8), ("chr9", OrcaChr9), ("chr10", OrcaChr10))
    }

    assert list(tiles.values()) == [145, 138, 133]
    assert [each().id for each in tiles] == ["orca-chr8", "orca-chr9", "orca-chr10"]


def test_the_target_is_observed_over_expected(benchmark: Orca, mirror: Path) -> None:
    (target,) = benchmark.truths(benchmark.items.head(1))
    balanced = cooler.Cooler(f"{mirror}/orca/{NAME}::/resolutions/1000").matrix(balance=True)
    observed = balanced.fetch(("chr10", 2 * MEGABASE, 3 * MEGABASE))
    distance = np.abs(np.arange(1_000)[:, None] - np.arange(1_000)[None, :])
    expected = (0.08 / (distance + 1.0)).reshape(250, 4, 250, 4).mean(axis=(1, 3))
    smallest = expected.min()

    assert target.shape == (250, 250)
    # Bins 300 to 329 were left out of balancing: cells of 75 to 81 are not known, 82 in half.
    unknown = np.isnan(target).all(axis=0)
    assert np.flatnonzero(unknown).tolist() == list(range(75, 82))
    whole = observed[:300, :300].reshape(75, 4, 75, 4).mean(axis=(1, 3))
    by_hand = np.log((whole + smallest) / (expected[:75, :75] + smallest))
    np.testing.assert_allclose(target[:75, :75], by_hand, rtol=1e-10)
    half = observed[330:332, :4].mean()
    one = np.log((half + smallest) / (expected[82, 0] + smallest))
    assert target[82, 0] == pytest.approx(one)


def test_requests_hold_whole_tiles_under_neutral_ids(run: Kept) -> None:
    (request,) = run["models"][0].requests
    (task,) = request.prediction_tasks

    assert request.readout == "interaction_matrix"
    assert (task.type, task.cell_type, task.scale) == ("conformation_chromatin", "H1", "log")
    assert {len(each) for each in request.sequences.values()} == {MEGABASE}
    assert all(name[0] == "t" and name[1:].isdigit() for name in request.sequences)


def test_means_over_tiles_are_those_of_scipy(run: Kept) -> None:
    found = of(run["results"], "noisy")
    expected = []
    for known, said in zip(run["truth"], run["noisy"].values(), strict=True):
        cells = np.isfinite(known)
        # Answers are kept in single precision.
        expected.append(pearsonr(said.astype(np.float32)[cells], known[cells]).statistic)

    assert found.metric("mean_pearson").value == pytest.approx(np.mean(expected), rel=1e-9)
    published = found.metric("game_pearson_r", "orca_chr10_validation")
    assert published.value == pytest.approx(np.mean(expected), rel=1e-9)
    assert published.interval is None
    low, high = found.metric("mean_pearson").interval
    assert low <= np.mean(expected) <= high
    # Tiles 2 and 3 are neighbours.
    assert found.metric("mean_pearson").n_clusters == 2


def test_distance_alone_is_worth_nothing_within_distances(run: Kept) -> None:
    found = of(run["results"], "distance")

    assert abs(found.metric("mean_pearson").value) > 0.05
    row = found.metric("mean_stratified_pearson")
    assert row.value is None
    assert row.n == 0
    assert row.reason_if_null == "none of 3 has one: predictions or truth do not vary there"


def test_a_flat_tile_is_counted_with_its_reason_and_published_as_zero(run: Kept) -> None:
    flat, noisy = (of(run["results"], name) for name in ("flat once", "noisy"))

    assert flat.metric("mean_pearson").n == 2
    assert [(each.reason, each.items) for each in flat.coverage.failed] == [
        ("constant prediction", 1)
    ]
    published = flat.metric("game_pearson_r", "orca_chr10_validation").value
    # Two tiles and a 0, over three.
    assert published == pytest.approx(flat.metric("mean_pearson").value * 2 / 3)
    assert noisy.coverage.answered == 3


def test_one_wrong_shape_sinks_the_published_number_alone(run: Kept) -> None:
    found = of(run["results"], "wrong shape once")

    assert found.metric("mean_pearson").n == 2
    published = found.metric("game_pearson_r", "orca_chr10_validation")
    assert published.value is None
    assert "(128, 128) where (250, 250)" in published.reason_if_null
    assert [each.items for each in found.coverage.failed] == [1]


def test_another_scale_is_refused_with_its_reason(run: Kept) -> None:
    found = of(run["results"], "linear")
    row = found.metric("mean_pearson")

    assert row.value is None
    assert "asked for scale 'log', answered on 'linear' (3)" in row.reason_if_null
    assert found.coverage.answered == 0


def test_the_truth_itself_has_every_number_at_its_best(run: Kept) -> None:
    found = of(run["results"], "control:oracle")

    for name in ("pearson", "stratified_pearson", "insulation_pearson"):
        assert found.metric(f"mean_{name}").value == pytest.approx(1.0)
    published = found.metric("game_pearson_r", "orca_chr10_validation")
    assert published.value == pytest.approx(1.0)


def test_stratified_correlation_is_that_of_residuals_in_pandas(run: Kept) -> None:
    known = run["truth"][0]
    said = next(iter(run["noisy"].values()))
    rows, columns = np.nonzero(np.isfinite(known))
    table = pd.DataFrame(
        {
            "apart": np.abs(rows - columns),
            "said": said[rows, columns],
            "known": known[rows, columns],
        }
    )
    groups = table.groupby("apart")
    left = [table[side] - groups[side].transform("mean") for side in ("said", "known")]

    assert stratified(said, known) == pytest.approx(left[0].corr(left[1]), rel=1e-9)


def test_insulation_is_the_mean_across_a_border() -> None:
    matrix = np.random.default_rng(17).random((60, 60))
    matrix[40] = matrix[:, 40] = np.nan
    scores = insulation(matrix)

    assert scores.size == 60 - 49
    assert scores[0] == pytest.approx(np.nanmean(matrix[:25, 25:50]))
    assert scores[-1] == pytest.approx(np.nanmean(matrix[10:35, 35:60]))
    assert np.isnan(insulation(np.full((60, 60), np.nan))).all()


def test_insulation_is_compared_where_it_was_measured() -> None:
    random = np.random.default_rng(19)
    known, said = random.random((2, 80, 80))
    known[:3] = known[:, :3] = np.nan
    masked = np.where(np.isfinite(known), said, np.nan)

    expected = pearsonr(insulation(masked), insulation(known)).statistic
    assert of_insulation(said, known) == pytest.approx(expected)
    # What is said of cells that nobody measured does not matter.
    said[:3] = 1e6
    assert of_insulation(said, known) == pytest.approx(expected)


def test_the_question_is_another_with_other_contacts(
    mirror: Path, benchmark: Orca, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("hg38", "orca"):
        (other / name).mkdir()
    (other / "hg38" / "hg38.2bit").symlink_to(mirror / "hg38" / "hg38.2bit")
    (other / "orca" / NAME).symlink_to(mirror / "orca" / NAME)
    np.save(other / "orca" / f"{NAME}.expected.res1000.npy", np.log(0.1 / np.arange(1, 2_001)))
    known = benchmark.digest

    monkeypatch.setenv("GENOMARK_MIRROR", str(other))
    assert OrcaChr10().digest != known


def test_items_may_have_been_trained_on(benchmark: Orca) -> None:
    material = benchmark.material(2)

    assert material.assembly == "hg38"
    assert material.items["chrom"].to_list() == ["chr10"] * 2
    assert material.items["item_id"].to_list() == benchmark.selected(2)["item_id"].to_list()


def test_what_is_missing_is_named(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DatasetUnavailableError, match=r"expected.res1000.npy is not at hand"):
        list(OrcaChr9().parts())

    (tmp_path / "orca").mkdir()
    for name in (f"{NAME}.expected.res1000.npy", NAME):
        (tmp_path / "orca" / name).symlink_to(mirror / "orca" / name)
    with pytest.raises(DatasetUnavailableError, match=r"genomark data fetch hg38"):
        list(OrcaChr10().parts())
    with pytest.raises(DatasetError, match="no chromosome 'chr9'; it has chr10"):
        list(OrcaChr9().parts())


def test_a_model_of_points_is_skipped(benchmark: Orca, tmp_path: Path) -> None:
    results = genomark.run(["gc"], [benchmark], out=tmp_path, progress=False)

    (skipped,) = results.skipped
    assert "wants 'interaction_matrix', and it has point, track" in skipped.reason


def test_predictions_keep_the_matrix_row_by_row(run: Kept, benchmark: Orca) -> None:
    part = benchmark.items.head(1)
    model = dataclasses.replace(run["models"][0], requests=[])
    frame = benchmark.read(part, model.predict(benchmark.request(part)))

    assert frame.schema["value"] == pl.List(pl.Float32)
    (said,) = [run["noisy"][each] for each in benchmark.sequences(part)]
    np.testing.assert_array_equal(frame["value"][0].to_numpy(), said.astype(np.float32).ravel())


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.full((250, 250), np.inf), "62,500 of 62,500 values are not finite"),
        (np.ones(62_500), r"an array of shape (62500,) where (250, 250) was expected"),
        ([[1.0, 2.0], [3.0]], "expected an array of numbers, got list"),
    ],
)
def test_what_is_no_matrix_is_a_reason(benchmark: Orca, matrix: Any, said: str) -> None:
    part = benchmark.items.head(1)
    model = ArrayModel(lambda sequence: matrix, scale="log")
    frame = benchmark.read(part, model.predict(benchmark.request(part)))

    assert frame["reason"].to_list() == [said]
    assert frame["value"].to_list() == [None]


def test_a_tile_whose_truth_is_flat_is_undefined_and_published_as_zero() -> None:
    said = np.random.default_rng(67).random((250, 250))
    found = judge(said, np.zeros((250, 250)))

    assert found["undefined"] == "constant truth"
    assert [found[name] for name in ("pearson", "stratified_pearson")] == [None, None]
    assert found["published"] == 0.0
