"""`test-track`: accessibility of K562 along regions that Enformer and Borzoi were both tested on.

The published evaluator compares base by base, where neighbours are all but copies of each other,
and leaves out regions of another length without a word. Here both sides are put into bins of one
size, whatever the bins of the model, and a region that cannot be judged is counted with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from genomark.benchmarks.game.published import published_row
from genomark.benchmarks.game.regions import intersections, with_clusters
from genomark.benchmarks.game.track_benchmark import TrackBenchmark
from genomark.benchmarks.game.track_scores import (
    TrackScores,
    constant,
    correlation,
    published_correlation,
)
from genomark.benchmarks.material import Material
from genomark.datasets import path
from genomark.datasets.assemblies import open_assembly
from genomark.datasets.bed import read_bed
from genomark.datasets.bigwig import BigWig, bin_means
from genomark.datasets.genome import Genome
from genomark.datasets.placed import placed
from genomark.protocol import PredictionTask, bases_of_bins
from genomark.scoring import MetricRow

Floats = NDArray[np.float64]

#: Enformer's regions are listed as the bases it was scored on; what it sees reaches further.
_ENFORMER_SEES = 196_608
_ENFORMER = "enformer_human_hg38_sequences.bed"
_BORZOI = "sequences_human_borzoi.bed"
_HELD_OUT = "fold3"
#: Resolution at which all models are judged, bp: that of Enformer, the coarsest of the field.
BIN_SIZE = 128
_MIN_BINS = 3
_TRUTH = "ENCFF972GVB.bigWig"
_SOURCE = "DNase-seq of K562 (ENCODE), and 'genomark data fetch encode' gets it"
_PUBLISHED = "Enformer_Borzoi_TestSetOverlap"
_MEANS = ("pearson", "spearman", "jensen_shannon")
_OVER = "clusters of overlapping regions"


class SharedTestRegions(TrackBenchmark):
    """Accessibility along test regions of both Enformer and Borzoi, in K562."""

    id = "test-track"
    version = "1"
    title = "DNase signal of K562 along regions Enformer and Borzoi were tested on"
    datasets = ("training_regions", "hg38", "encode")
    citation = "ENCODE ENCFF972GVB; Avsec et al. 2021; Linder et al. 2025"
    wording = PredictionTask(
        name="track",
        type="accessibility",
        cell_type="K562",
        species="homo_sapiens",
        scale="linear",
    )

    @property
    def headlines(self) -> tuple[str, ...]:
        """Means over regions, at 128 bp."""
        return ("mean_pearson", "mean_spearman")

    @cached_property
    def items(self) -> pl.DataFrame:
        """Stretches that a test region of Enformer and a region of Borzoi's fold 3 share."""
        # Asked for first: without them nothing that a model answers could be judged.
        _ = self._truth, self._genome
        enformer = read_bed(path("training_regions", _ENFORMER))
        borzoi = read_bed(path("training_regions", _BORZOI))
        middle = (pl.col("start") + pl.col("end")) // 2
        widened = enformer.filter(pl.col("name") == "test").select(
            "chrom", start=middle - _ENFORMER_SEES // 2, end=middle + _ENFORMER_SEES // 2
        )
        held_out = borzoi.filter(pl.col("name") == _HELD_OUT).select("chrom", "start", "end")
        shared = with_clusters(intersections(widened, held_out))
        return shared.with_row_index("row").select(
            item_id=pl.format("r{}", pl.col("row").cast(pl.String).str.zfill(5)),
            length=pl.col("end") - pl.col("start"),
            cluster="cluster",
            chrom="chrom",
            start="start",
            end="end",
        )

    def sequences(self, items: pl.DataFrame) -> list[str]:
        """Read regions of hg38."""
        places = items.select("chrom", "start", "end").iter_rows()
        return [self._genome.window(chrom, start, end) for chrom, start, end in places]

    def truths(self, items: pl.DataFrame) -> list[Floats]:
        """Give the signal base by base; where the file has none there were no reads, which is 0."""
        places = items.select("chrom", "start", "end").iter_rows()
        return [
            np.nan_to_num(self._truth.window(chrom, start, end).astype(np.float64))
            for chrom, start, end in places
        ]

    def scored(self, predictions: Path, limit: int | None) -> TrackScores:
        """Judge each region at 128 bp, and the means of regions against each other."""
        answered = self.selected(limit).join(
            pl.read_parquet(predictions).drop("task"),
            on="item_id",
            how="left",
            maintain_order="left",
            validate="1:1",
        )
        judged = [self._judged(answered[row]) for row in range(answered.height)]
        frame = answered.drop("value").hstack(pl.DataFrame(judged, schema=_JUDGED))
        return TrackScores(
            frame,
            _MEANS,
            _OVER,
            between=("pearson", "spearman"),
            published=lambda: _published(frame),
        )

    def _judged(self, item: pl.DataFrame) -> dict[str, Any]:
        """Judge one region: what it is at 128 bp, and what the published evaluator makes of it."""
        values = item["value"][0]
        if values is None:
            return dict.fromkeys(_JUDGED)
        said = bases_of_bins(
            values.to_numpy().astype(np.float64),
            item["bin_size"][0],
            item["length"][0],
            item["trim_upstream"][0],
        )
        (known,) = self.truths(item)
        return {
            **judge(said, known),
            "value": float(said.mean()),
            "truth": float(known.mean()),
            "published_pearson": published_correlation(said, known),
            "published_jensen_shannon": distance(said, known),
        }

    def material(self, limit: int | None = None) -> Material:
        """Where the regions lie."""
        return Material.of(self.selected(limit), "hg38")

    def settings(self) -> Mapping[str, Any]:
        """At what resolution regions are judged."""
        return {"bin_size": BIN_SIZE}

    @cached_property
    def _truth(self) -> BigWig:
        return BigWig(placed("encode", _TRUTH, _SOURCE), assembly="hg38")

    @cached_property
    def _genome(self) -> Genome:
        return open_assembly("hg38")

    def _fingerprint(self) -> Any:
        return {"truth": _TRUTH, **self._truth.summary, "bin_size": BIN_SIZE}


_JUDGED: dict[str, Any] = {
    **dict.fromkeys(_MEANS, pl.Float64),
    "undefined": pl.String,
    "value": pl.Float64,
    "truth": pl.Float64,
    "published_pearson": pl.Float64,
    "published_jensen_shannon": pl.Float64,
}


def judge(said: Floats, known: Floats) -> dict[str, Any]:
    """Judge the track of one region in bins of 128 bp.

    Parameters
    ----------
    said, known : ndarray of float64, shape (length,)
        Base by base.

    Returns
    -------
    dict
        `pearson`, `spearman` and `jensen_shannon` (None where undefined) and `undefined` (why).
        The distance is the square root of the divergence to base e (Endres and Schindelin 2003),
        of both tracks as distributions over bins.
    """
    said, known = _binned(said), _binned(known)
    nothing: dict[str, Any] = dict.fromkeys(_MEANS)
    if said.size < _MIN_BINS:
        return {**nothing, "undefined": f"shorter than {_MIN_BINS} bins of {BIN_SIZE} bp"}
    if constant(said) or constant(known):
        side = "prediction" if constant(said) else "truth"
        return {**nothing, "undefined": f"constant {side}"}
    apart = distance(said, known) if said.min() >= 0 else np.nan
    return {
        "pearson": correlation(said, known),
        "spearman": correlation(scipy.stats.rankdata(said), scipy.stats.rankdata(known)),
        "jensen_shannon": float(apart) if np.isfinite(apart) else None,
        "undefined": None,
    }


def _binned(track: Floats) -> Floats:
    return bin_means(track, BIN_SIZE).astype(np.float64, copy=False)


def distance(said: Floats, known: Floats) -> float:
    """Jensen-Shannon distance of two tracks, each divided by its sum; NaN where there is none."""
    with np.errstate(all="ignore"):
        return float(scipy.spatial.distance.jensenshannon(said, known))


def _published(frame: pl.DataFrame) -> list[MetricRow]:
    """Give what the published evaluator gives: GAME 1.0, section 7.3, track evaluator."""
    # It warns of a length that is not the region's, and goes on without it.
    misfit = pl.col("reason").str.contains(r"bins where .* expected").fill_null(value=False)
    kept = frame.filter(~misfit)
    lost = kept.filter(pl.col("published_pearson").is_null())
    lacking = None
    if lost.height:
        lacking = f"the published evaluator gives no row: {lost['reason'][0] or 'no answer'}"
    elif kept.is_empty():
        lacking = "no regions of the right length"
    rows = []
    for name, column in (
        ("game_pearson_r", "published_pearson"),
        ("game_jensen_shannon", "published_jensen_shannon"),
    ):
        value = None if lacking else float(kept[column].to_numpy().mean())
        reason = lacking
        if value is not None and not np.isfinite(value):
            value, reason = None, "the published evaluator gives NaN: a region has no distance"
        clusters = kept["cluster"].n_unique()
        rows.append(published_row(name, _PUBLISHED, value, reason, kept.height, clusters))
    return rows
