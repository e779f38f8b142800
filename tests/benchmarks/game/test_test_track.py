"""Regions both models were tested on, against pandas, scipy and the files as written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyBigWig
import pytest
from array_models import ArrayModel
from scipy.spatial.distance import jensenshannon
from scipy.stats import pearsonr, spearmanr
from sparse_genome import write_sparse_2bit

import genomark
from genomark.benchmarks.game.test_track import SharedTestRegions, judge
from genomark.datasets.assemblies import chromosomes
from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.results import Results

Kept = dict[str, Any]
PUBLISHED = "Enformer_Borzoi_TestSetOverlap"
SIGNAL_BIN = 50
#: Rows asked for; evenly spaced ones are what `limit` gives.
LIMIT = 6


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", names=["chrom", "start", "end", "split"])


@pytest.fixture(scope="module")
def regions(real_data: Callable[[str, str], Path]) -> pd.DataFrame:
    """What the two sets have in common, by hand."""
    enformer = read(real_data("training_regions", "enformer_human_hg38_sequences.bed"))
    borzoi = read(real_data("training_regions", "sequences_human_borzoi.bed"))
    enformer = enformer[enformer.split == "test"]
    borzoi = borzoi[borzoi.split == "fold3"]
    rows = []
    for chrom, here in enformer.groupby("chrom"):
        there = borzoi[borzoi.chrom == chrom]
        for start, end in zip(here.start - 32_768, here.end + 32_768, strict=True):
            met = there[(there.start < end) & (there.end > start)]
            rows += [
                (chrom, max(start, a), min(end, b)) for a, b in zip(met.start, met.end, strict=True)
            ]
    table = pd.DataFrame(sorted(set(rows)), columns=["chrom", "start", "end"])
    table["length"] = table.end - table.start
    return table


def asked(regions: pd.DataFrame) -> pd.DataFrame:
    return regions.iloc[np.linspace(0, len(regions) - 1, LIMIT).round().astype(int)]


@pytest.fixture(scope="module")
def mirror(
    regions: pd.DataFrame,
    real_data: Callable[[str, str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """hg38 with letters in the regions asked for, and a signal that follows their GC content."""
    folder = tmp_path_factory.mktemp("track-mirror")
    (folder / "training_regions").mkdir()
    for name in ("enformer_human_hg38_sequences.bed", "sequences_human_borzoi.bed"):
        shutil.copy(real_data("training_regions", name), folder / "training_regions" / name)
    random = np.random.default_rng(23)
    lengths = {name: each.length for name, each in chromosomes("hg38").items()}
    stretches: dict[str, list[tuple[int, str]]] = {}
    (folder / "encode").mkdir()
    with pyBigWig.open(str(folder / "encode" / "ENCFF972GVB.bigWig"), "w") as out:
        out.addHeader(list(lengths.items()))
        for row in sorted(asked(regions).itertuples(), key=lambda r: list(lengths).index(r.chrom)):
            # Stretches of 2 kb, rich in G and C or poor.
            share = np.repeat(random.uniform(0.25, 0.75, row.length // 2_000 + 1), 2_000)
            rich = random.random(row.length) < share[: row.length]
            either = random.random(row.length) < 0.5
            letters = np.where(rich, np.where(either, "G", "C"), np.where(either, "A", "T"))
            stretches.setdefault(row.chrom, []).append((row.start, "".join(letters)))
            starts = np.arange(0, row.length - SIGNAL_BIN, SIGNAL_BIN)
            content = rich[: starts.size * SIGNAL_BIN].reshape(-1, SIGNAL_BIN).mean(axis=1)
            values = np.maximum(content + random.normal(0.0, 0.3, starts.size), 0.0)
            # Every tenth has no reads, and no entry.
            kept = np.arange(starts.size) % 10 != 0
            out.addEntries(
                [row.chrom] * int(kept.sum()),
                (starts[kept] + row.start).tolist(),
                ends=(starts[kept] + row.start + SIGNAL_BIN).tolist(),
                values=values[kept].tolist(),
            )
    write_sparse_2bit(folder / "hg38" / "hg38.2bit", lengths, stretches)
    return folder


@pytest.fixture(scope="module")
def benchmark(mirror: Path) -> SharedTestRegions:
    made = SharedTestRegions()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOMARK_MIRROR", str(mirror))
        assert made.items.height
    return made


def gc_of(sequence: str, bin_size: int = 1, trim: int = 0) -> np.ndarray:
    """GC content by bins, of which the first begins before the sequence."""
    found = np.frombuffer(sequence.encode(), np.uint8)
    rich = ((found == ord("G")) | (found == ord("C"))).astype(float)
    bins = -(-(rich.size + trim) // bin_size)
    whole = np.zeros(bins * bin_size)
    whole[trim : trim + rich.size] = rich
    return whole.reshape(bins, bin_size).mean(axis=1)


@pytest.fixture(scope="module")
def run(benchmark: SharedTestRegions, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    sequences = benchmark.sequences(benchmark.selected(LIMIT))
    first = sequences[0]
    models = [
        ArrayModel(lambda each: gc_of(each, 128, 60), "binned", bin_size=128, trim=60),
        ArrayModel(
            lambda each: gc_of(each, 32)[: -1 if each == first else None],
            "too short once",
            bin_size=32,
        ),
        ArrayModel(
            lambda each: None if each == first else gc_of(each, 32), "lost one", bin_size=32
        ),
        ArrayModel(
            lambda each: gc_of(each, 32) * 0 + (each == first) * gc_of(each, 32) + 0.1,
            "flat but once",
            bin_size=32,
        ),
        ArrayModel(lambda each: np.log2(gc_of(each, 32) + 1), "log", bin_size=32, scale="log"),
    ]
    results = genomark.run(
        ["gc", *models, "control:oracle"],
        [benchmark],
        limit=LIMIT,
        out=tmp_path_factory.mktemp("track"),
        progress=False,
    )
    assert not results.failed
    items = benchmark.selected(LIMIT)
    return {
        "results": results,
        "items": items,
        "sequences": sequences,
        "truth": benchmark.truths(items),
        "models": models,
    }


def of(results: Results, model: str) -> Any:
    return next(each for each in results.results if each.model.id == model)


def expanded(sequence: str, bin_size: int, trim: int) -> np.ndarray:
    track = gc_of(sequence, bin_size, trim).astype(np.float32).astype(float)
    return np.repeat(track, bin_size)[trim : trim + len(sequence)]


def in_bins(track: np.ndarray) -> np.ndarray:
    return np.array([track[at : at + 128].mean() for at in range(0, track.size, 128)])


def test_regions_are_what_both_sets_have_in_common(
    benchmark: SharedTestRegions, regions: pd.DataFrame
) -> None:
    items = benchmark.items

    assert items.height == len(regions) == 2_531
    for name in ("chrom", "start", "end", "length"):
        assert items[name].to_list() == regions[name].to_list()
    assert items["item_id"].n_unique() == items.height
    assert not items["item_id"].str.contains("chr|:").any()


def test_regions_that_overlap_are_drawn_together(benchmark: SharedTestRegions) -> None:
    found: list[list[tuple[str, int, int]]] = []
    for place in benchmark.items.select("chrom", "start", "end").iter_rows():
        last = found[-1] if found else []
        if last and last[0][0] == place[0] and place[1] < max(each[2] for each in last):
            last.append(place)
        else:
            found.append([place])

    clusters = benchmark.items["cluster"]
    assert clusters.n_unique() == len(found)
    sizes = clusters.value_counts(sort=False).sort("cluster")["count"]
    assert sorted(sizes) == sorted(len(each) for each in found)


def test_requests_are_cut_by_bases(benchmark: SharedTestRegions) -> None:
    parts = list(benchmark.parts())

    assert pl.concat(parts)["item_id"].to_list() == benchmark.items["item_id"].to_list()
    assert max(part["length"].sum() for part in parts) <= benchmark.max_request_bases
    assert len(parts) < 50


def test_a_request_asks_for_the_track_of_k562_on_a_linear_scale(run: Kept) -> None:
    (request,) = run["models"][0].requests
    (task,) = request.prediction_tasks

    assert request.readout == "track"
    assert (task.type, task.cell_type, task.species, task.scale) == (
        *("accessibility", "K562"),
        *("homo_sapiens", "linear"),
    )
    assert list(request.sequences.values()) == run["sequences"]


def test_models_of_any_bin_size_are_judged_at_one_resolution(run: Kept) -> None:
    binned = of(run["results"], "binned")
    pairs = [
        (in_bins(expanded(each, 128, 60)), in_bins(known))
        for each, known in zip(run["sequences"], run["truth"], strict=True)
    ]

    expected = {
        "pearson": [pearsonr(*each).statistic for each in pairs],
        "spearman": [spearmanr(*each).statistic for each in pairs],
        "jensen_shannon": [jensenshannon(*each) for each in pairs],
    }
    for name, values in expected.items():
        row = binned.metric(f"mean_{name}")
        assert row.value == pytest.approx(np.mean(values), rel=1e-6)
        assert row.interval[0] <= row.value <= row.interval[1]
        assert (row.n, row.n_clusters) == (LIMIT, run["items"]["cluster"].n_unique())


def test_means_of_regions_are_compared_between_regions(run: Kept) -> None:
    said = [expanded(each, 128, 60).mean() for each in run["sequences"]]
    known = [each.mean() for each in run["truth"]]
    found = of(run["results"], "binned")

    expected = pearsonr(said, known).statistic
    assert found.metric("between_pearson").value == pytest.approx(expected, rel=1e-6)
    expected = spearmanr(said, known).statistic
    assert found.metric("between_spearman").value == pytest.approx(expected)


def test_published_numbers_are_those_base_by_base(run: Kept) -> None:
    found = of(run["results"], "binned")
    pairs = [
        (expanded(each, 128, 60), known)
        for each, known in zip(run["sequences"], run["truth"], strict=True)
    ]

    for name, measure in (
        ("game_pearson_r", lambda *each: pearsonr(*each).statistic),
        ("game_jensen_shannon", jensenshannon),
    ):
        row = found.metric(name, PUBLISHED)
        assert row.value == pytest.approx(np.mean([measure(*each) for each in pairs]), rel=1e-6)
        assert row.interval is None


def test_the_signal_is_0_where_the_file_has_none(run: Kept) -> None:
    known = run["truth"][0]

    assert (known[:SIGNAL_BIN] == 0).all()
    assert known.max() > 0


def test_the_trim_matters(run: Kept) -> None:
    """Bins that begin 60 bp early, read as if they did not, give another number."""
    sequence, known = run["sequences"][1], run["truth"][1]
    early = np.repeat(gc_of(sequence, 128, 60), 128)[: len(sequence)]

    right = judge(expanded(sequence, 128, 60), known)["pearson"]
    assert judge(early, known)["pearson"] != pytest.approx(right, abs=1e-3)


def test_a_region_of_another_length_is_a_reason_here_and_left_out_there(run: Kept) -> None:
    found = of(run["results"], "too short once")

    (failed,) = found.coverage.failed
    bins = -(-len(run["sequences"][0]) // 32)
    assert failed.reason == f"{bins - 1:,} bins where {bins:,} expected"
    assert found.coverage.answered == LIMIT - 1
    published = found.metric("game_pearson_r", PUBLISHED)
    assert published.n == LIMIT - 1
    assert published.value is not None


def test_one_lost_region_sinks_the_published_number_alone(run: Kept) -> None:
    found = of(run["results"], "lost one")

    assert found.metric("mean_pearson").n == LIMIT - 1
    published = found.metric("game_pearson_r", PUBLISHED)
    assert published.value is None
    assert published.reason_if_null.endswith("missing from the answer")


def test_flat_tracks_are_counted_and_published_as_zero(run: Kept) -> None:
    found = of(run["results"], "flat but once")

    assert found.metric("mean_pearson").n == 1
    assert [(each.reason, each.items) for each in found.coverage.failed] == [
        ("constant prediction", LIMIT - 1)
    ]
    once = pearsonr(expanded(run["sequences"][0], 32, 0) + 0.1, run["truth"][0]).statistic
    published = found.metric("game_pearson_r", PUBLISHED)
    assert published.value == pytest.approx(once / LIMIT, rel=1e-6)


def test_logarithms_are_refused(run: Kept) -> None:
    found = of(run["results"], "log")

    assert found.metric("mean_pearson").value is None
    assert [(each.reason, each.items) for each in found.coverage.failed] == [
        ("asked for scale 'linear', answered on 'log'", LIMIT)
    ]
    assert found.metric("game_pearson_r", PUBLISHED).value is None


def test_counting_letters_finds_a_signal_that_follows_them(run: Kept) -> None:
    gc, oracle = (of(run["results"], name) for name in ("gc", "control:oracle"))

    assert 0.3 < gc.metric("mean_pearson").value < 0.99
    assert oracle.metric("mean_pearson").value == pytest.approx(1.0)
    assert oracle.metric("mean_jensen_shannon").value == pytest.approx(0.0, abs=1e-3)
    (pair,) = [
        each
        for each in run["results"].comparisons
        if {each.model_a, each.model_b} == {"gc", "control:oracle"}
    ]
    assert not pair.tied


def test_a_short_region_has_a_reason() -> None:
    found = judge(np.arange(256.0), np.arange(256.0))

    assert found["pearson"] is None
    assert found["undefined"] == "shorter than 3 bins of 128 bp"


def test_a_region_without_a_signal_has_a_reason() -> None:
    assert judge(np.arange(512.0), np.zeros(512))["undefined"] == "constant truth"


def test_a_negative_track_is_no_distribution() -> None:
    found = judge(np.linspace(-1.0, 1.0, 512), np.linspace(0.0, 1.0, 512))

    assert found["jensen_shannon"] is None
    assert found["pearson"] == pytest.approx(1.0)


def test_items_may_have_been_trained_on(benchmark: SharedTestRegions) -> None:
    material = benchmark.material(4)

    assert material.assembly == "hg38"
    expected = benchmark.selected(4).select("item_id", "chrom", "start", "end")
    assert material.items.select(expected.columns).equals(expected)


def test_what_is_missing_or_wrong_is_named(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        DatasetUnavailableError, match=r"ENCFF972GVB.bigWig is not at hand: .*fetch encode"
    ):
        list(SharedTestRegions().parts())

    (tmp_path / "encode").mkdir()
    signal = tmp_path / "encode" / "ENCFF972GVB.bigWig"
    signal.symlink_to(mirror / "encode" / "ENCFF972GVB.bigWig")
    with pytest.raises(DatasetUnavailableError, match="genomark data fetch hg38"):
        list(SharedTestRegions().parts())

    signal.unlink()
    signal.write_bytes(b"<html>")
    with pytest.raises(DatasetError, match="not a bigWig"):
        list(SharedTestRegions().parts())


def test_another_signal_is_another_question(
    benchmark: SharedTestRegions, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("hg38", "training_regions"):
        (tmp_path / name).symlink_to(mirror / name)
    (tmp_path / "encode").mkdir()
    with pyBigWig.open(str(tmp_path / "encode" / "ENCFF972GVB.bigWig"), "w") as out:
        out.addHeader([("chr1", chromosomes("hg38")["chr1"].length)])
        out.addEntries(["chr1"], [5], ends=[10], values=[1.0])
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))

    assert SharedTestRegions().digest != benchmark.digest
