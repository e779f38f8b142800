"""What models saw of GUANinE's windows, by place and by sequence, and their scores without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from guanine_files import Lookalike, write_suite
from scipy.stats import spearmanr
from test_structure_benchmark import HAIRPINS, Folding, write_records

import genomark
from genomark.benchmarks import Asking, load_benchmark

TASK = "guanine/cons30"


@pytest.fixture(scope="module")
def genome(real_data) -> Path:
    return real_data("hg38_1m", "hg38_1m.fa.gz")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, genome: Path) -> Lookalike:
    return write_suite(tmp_path_factory.mktemp("guanine"), genome)


def run(made: Lookalike, genome: Path, out: Path, model: str, **options):
    name = f"{TASK}:data={made.folder},genome={genome},train=1per"
    found = genomark.run([model], name, out=out, progress=False, workers=1, **options)
    assert not found.failed
    return found.results[0]


def beside_truth(made: Lookalike, out: Path) -> pl.DataFrame:
    """Place, truth and prediction of each window, from the files themselves."""
    told = pl.read_csv(
        made.folder / "cons30" / "bed" / "dev" / "dev.bed", separator="\t"
    ).with_columns(item_id=pl.format("{}:{}-{}", "#chr", "start", "end"))
    (path,) = (out / "predictions").glob("*.parquet")
    said = pl.read_parquet(path).filter(pl.col("fit") == 0).select("item_id", "value")
    return told.join(said.with_columns(pl.col("value").list.first()), on="item_id")


def test_windows_that_training_regions_cover_are_seen(made, genome, tmp_path):
    (tmp_path / "mine.bed").write_text("chr1\t0\t400000\n")
    result = run(
        made, genome, tmp_path / "o", "gc",
        trained_on=str(tmp_path / "mine.bed"), assembly="hg38",
    )  # fmt: skip
    panel = result.leakage
    frame = beside_truth(made, tmp_path / "o")
    clean = frame.filter(pl.col("start") >= 400_000)
    assert panel.n == 250
    assert panel.seen == frame.height - clean.height
    assert panel.metric == "spearman_x100"
    rho = spearmanr(clean["value"], clean["y"])[0]
    assert panel.clean.value == pytest.approx(100 * rho, abs=1e-9)
    assert panel.clean.n == clean.height
    assert panel.all.value == result.metric("spearman_x100").value
    low, high = panel.difference_interval
    assert low < panel.difference < high


def test_what_a_fit_learned_from_is_looked_for_by_sequence(made, genome, tmp_path):
    """Windows of 512 around places of which some lie nearer to one another than that."""
    result = run(made, genome, tmp_path / "o", "kmer-knn:k=3")
    few = pl.read_csv(made.folder / "cons30" / "bed" / "1per" / "1per.bed", separator="\t")
    centers = few["center"].to_numpy()
    frame = beside_truth(made, tmp_path / "o")
    far = np.abs(frame["center"].to_numpy()[:, np.newaxis] - centers).min(axis=1)
    panel = result.leakage
    assert panel.training_data == ["the training part of guanine/cons30:train=1per (60 sequences)"]
    # Half of a window has to be there; repeats of the genome make more of them alike.
    assert 0 < (far < 240).sum() <= panel.seen < 250
    assert panel.clean.n == 250 - panel.seen
    assert panel.complete


def test_labels_that_are_hidden_give_a_share_and_no_score(made, genome, tmp_path):
    name = f"{TASK}:data={made.folder},genome={genome},split=test"
    (tmp_path / "mine.bed").write_text("chr1\t0\t400000\n")
    (result,) = genomark.run(
        ["gc"], name, out=tmp_path / "o", progress=False, workers=1,
        trained_on=str(tmp_path / "mine.bed"), assembly="hg38",
    )  # fmt: skip
    panel = result.leakage
    assert 0 < panel.share < 1
    assert panel.all.value is None
    assert panel.clean.value is None
    assert panel.difference is None


@pytest.mark.slow
def test_a_part_of_structures_scores_what_it_scores_alone(tmp_path):
    random = np.random.default_rng(0)
    known = {}
    for number in range(24):
        spelled, structure = list(HAIRPINS.items())[number % 4]
        known[spelled + "".join(random.choice(list("ACGU"), 6))] = f"{structure}......"
    name = write_records(tmp_path / "task", known)
    folding = Folding(dict(list(known.items())[::2]))
    found = genomark.run([folding], name, out=tmp_path / "o", progress=False)
    assert not found.failed
    (path,) = (tmp_path / "o" / "predictions").glob("*.parquet")
    scored = load_benchmark(f"{name}#task").scored(path, None)
    chosen = pl.Series(np.arange(24) < 9)
    part, clusters = scored.part(Asking(1), chosen)
    assert part.value == pytest.approx(scored.headline(Asking(1), chosen).value)
    assert clusters <= 9 < part.clusters
    every = pl.Series(np.ones(24, dtype=bool))
    whole, _ = scored.part(Asking(1), every)
    np.testing.assert_array_equal(whole.drawn, scored.headline(Asking(1), every).drawn)
