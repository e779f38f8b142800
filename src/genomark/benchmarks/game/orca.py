"""`orca-chr8`, `orca-chr9`, `orca-chr10`: contacts of chromatin in tiles of one megabase.

The target is Orca's (Zhou 2022): balanced Micro-C contacts of H1 cells at 1 kb, means of 4 by 4
cells, as a logarithm of observed over expected. Contacts near the diagonal are what any model gets
right; beside the published correlation stand one within each distance, and one of insulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.game.published import published_row
from genomark.benchmarks.game.track_benchmark import TrackBenchmark
from genomark.benchmarks.game.track_scores import (
    TrackScores,
    constant,
    correlation,
    published_correlation,
)
from genomark.benchmarks.material import Material
from genomark.datasets.assemblies import chromosomes, open_assembly
from genomark.datasets.contact_map import ContactMap, pooled, read_expected
from genomark.datasets.genome import Genome
from genomark.datasets.placed import placed
from genomark.digests import digest_of_bytes
from genomark.protocol import PredictionTask
from genomark.scoring import MetricRow

Floats = NDArray[np.float64]

_TILE = 1_000_000
_MEASURED_BINS = 1_000
_POOLED = 4
#: Bins of 4 kb to the side of a matrix.
SIDE = 250
#: Bins to either side of a border across which insulation is measured: 100 kb.
_REACH = 25
#: Neighbouring tiles share compartments: these many are drawn together.
_TILES_TOGETHER = 5
_MIN_CELLS = 2
_MAP = "4DNFI9GMP2J8.rebinned.mcool"
_EXPECTED = f"{_MAP}.expected.res1000.npy"
_SOURCE = "in Orca's resources (https://github.com/jzhoulab/orca, 'Installation')"
_MEANS = ("pearson", "stratified_pearson", "insulation_pearson")
_OVER = f"stretches of {_TILES_TOGETHER} Mb"


class Orca(TrackBenchmark):
    """Contacts within tiles of one chromosome, in H1 cells.

    Attributes
    ----------
    chrom : str
        Of hg38.
    evaluator : str
        What the published evaluator of it is called.
    """

    chrom: ClassVar[str]
    evaluator: ClassVar[str]

    version = "1"
    asks = "tiles"
    datasets = ("hg38", "orca")
    citation = "Zhou 2022, Nat Genet 54:725; Krietenstein et al. 2020, Mol Cell 78:554"
    readout = "interaction_matrix"
    wording = PredictionTask(
        name="contacts",
        type="conformation_chromatin",
        cell_type="H1",
        species="homo_sapiens",
        scale="log",
    )

    @property
    def headlines(self) -> tuple[str, ...]:
        """Means over tiles."""
        return tuple(f"mean_{name}" for name in _MEANS)

    @cached_property
    def items(self) -> pl.DataFrame:
        """Tiles that have letters, and at least two cells that were measured."""
        return self._tiles.filter(pl.col("left_out").is_null()).drop("left_out")

    @cached_property
    def _tiles(self) -> pl.DataFrame:
        """All whole tiles, and why some are not asked."""
        self._expected  # noqa: B018 - without it nothing that a model answers could be judged
        starts = range(0, chromosomes("hg38")[self.chrom].length - _TILE + 1, _TILE)
        return pl.DataFrame(
            {
                "item_id": [f"t{number:03}" for number in range(len(starts))],
                "length": [_TILE] * len(starts),
                "cluster": [f"stretch{n // _TILES_TOGETHER}" for n in range(len(starts))],
                "chrom": [self.chrom] * len(starts),
                "start": list(starts),
                "end": [start + _TILE for start in starts],
                "left_out": [self._left_out(start) for start in starts],
            },
            schema_overrides={"left_out": pl.String},
        )

    def _left_out(self, start: int) -> str | None:
        weights = self._map.weights(self.chrom, start, start + _TILE)
        known = int(np.isfinite(weights).reshape(SIDE, _POOLED).any(axis=1).sum())
        if known**2 < _MIN_CELLS:
            return f"fewer than {_MIN_CELLS} cells measured"
        letters = self._genome.window(self.chrom, start, start + _TILE)
        return "no letter but N" if letters.count("N") == _TILE else None

    def sequences(self, items: pl.DataFrame) -> list[str]:
        """Read tiles of hg38."""
        return [self._genome.window(self.chrom, start, start + _TILE) for start in items["start"]]

    def truths(self, items: pl.DataFrame) -> list[Floats]:
        """Give the logarithm of observed over expected contacts, NaN where nothing is known."""
        return [self._target(start) for start in items["start"]]

    def _target(self, start: int) -> Floats:
        observed = pooled(self._map.window(self.chrom, start, start + _TILE), _POOLED)
        smallest = self._expected.min()
        target: Floats = np.log((observed + smallest) / (self._expected + smallest))
        return target

    def scored(self, predictions: Path, limit: int | None) -> TrackScores:
        """Judge each tile."""
        answered = self.selected(limit).join(
            pl.read_parquet(predictions).drop("task"),
            on="item_id",
            how="left",
            maintain_order="left",
            validate="1:1",
        )
        judged = [
            dict.fromkeys(_JUDGED)
            if values is None
            else judge(np.array(values, dtype=np.float64).reshape(SIDE, SIDE), self._target(start))
            for values, start in answered.select("value", "start").iter_rows()
        ]
        frame = answered.drop("value").hstack(pl.DataFrame(judged, schema=_JUDGED))
        return TrackScores(frame, _MEANS, _OVER, published=lambda: self._published_rows(frame))

    def _published_rows(self, frame: pl.DataFrame) -> list[MetricRow]:
        """Give what the published evaluator gives: one tile without an answer and it is NaN."""
        lost = frame.filter(pl.col("published").is_null())
        reason = None
        if lost.height:
            reason = f"the published evaluator gives NaN: {lost['reason'][0] or 'no answer'}"
        elif frame.is_empty():
            reason = "no tiles"
        value = None if reason else float(frame["published"].to_numpy().mean())
        n_clusters = frame["cluster"].n_unique()
        row = published_row(
            "game_pearson_r", self.evaluator, value, reason, frame.height, n_clusters
        )
        return [row]

    def material(self, limit: int | None = None) -> Material:
        """Where the tiles lie."""
        return Material.of(self.selected(limit), "hg38")

    def settings(self) -> Mapping[str, Any]:
        """How many tiles there are, and why some are not asked."""
        left_out = self._tiles["left_out"].drop_nulls()
        counts = left_out.value_counts(sort=True).iter_rows()
        return {
            "tiles": self._tiles.height,
            **({"excluded": dict(counts)} if len(left_out) else {}),
        }

    def _misfit(
        self, values: NDArray[np.floating], length: int, bin_size: int, trim: int
    ) -> str | None:
        if values.shape == (SIDE, SIDE):
            return None
        return f"an array of shape {values.shape} where ({SIDE}, {SIDE}) was expected"

    @cached_property
    def _map(self) -> ContactMap:
        return ContactMap(
            placed("orca", _MAP, f"Micro-C of H1 cells, {_SOURCE}"), 1_000, assembly="hg38"
        )

    @cached_property
    def _expected(self) -> Floats:
        """Expected contacts of pooled cells, float64[250, 250]."""
        where = placed("orca", _EXPECTED, f"expected contacts by distance, {_SOURCE}")
        by_distance = read_expected(where, _MEASURED_BINS)
        bins = np.arange(_MEASURED_BINS)
        return pooled(by_distance[np.abs(bins[:, None] - bins[None, :])], _POOLED)

    @cached_property
    def _genome(self) -> Genome:
        return open_assembly("hg38")

    def _fingerprint(self) -> Any:
        expected = digest_of_bytes([self._expected.tobytes()])
        return {"map": _MAP, **self._map.summary, "expected": expected}


_JUDGED: dict[str, Any] = {
    **dict.fromkeys(_MEANS, pl.Float64),
    "undefined": pl.String,
    "published": pl.Float64,
}


def judge(said: Floats, known: Floats) -> dict[str, Any]:
    """Judge the matrix of one tile.

    Parameters
    ----------
    said, known : ndarray of float64, shape (250, 250)
        `known` is NaN where nothing was measured.

    Returns
    -------
    dict
        `pearson` over cells, `stratified_pearson` and `insulation_pearson` (None where
        undefined), `undefined` (why), and `published`: 0.0 where there is no variance.
    """
    cells = np.isfinite(known)
    x, y = said[cells], known[cells]
    undefined = None
    if constant(x) or constant(y):
        undefined = f"constant {'prediction' if constant(x) else 'truth'}"
    return {
        "pearson": correlation(x, y),
        "stratified_pearson": stratified(said, known),
        "insulation_pearson": of_insulation(said, known),
        "undefined": undefined,
        "published": published_correlation(x, y),
    }


def stratified(said: Floats, known: Floats) -> float | None:
    """Correlate cells within distances: of what is left when each distance's mean is taken away.

    The pooled form of a correlation stratified by distance (Yang et al. 2017, Genome Res 27:1939):
    covariances and variances are summed over distances. None where undefined.
    """
    cells = np.isfinite(known)
    bins = np.arange(known.shape[0])
    apart = np.abs(bins[:, None] - bins[None, :])[cells]
    n = np.maximum(np.bincount(apart), 1)

    def residual(values: Floats) -> Floats:
        rest: Floats = values - (np.bincount(apart, values) / n)[apart]
        # What is a rounding error of the mean is nothing.
        rest[np.abs(rest) <= 1e-12 * np.abs(values).max(initial=0.0)] = 0.0
        return rest

    return correlation(residual(said[cells]), residual(known[cells]))


def insulation(matrix: Floats) -> Floats:
    """Mean of the cells across each border between bins, 100 kb to either side.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, n)
        NaN where nothing is known.

    Returns
    -------
    ndarray of float64, shape (n - 49,)
        From the border after bin 24; NaN where no cell is known (Crane et al. 2015).
    """
    borders = range(_REACH, matrix.shape[0] - _REACH + 1)
    scores = np.full(len(borders), np.nan)
    for row, border in enumerate(borders):
        across = matrix[border - _REACH : border, border : border + _REACH]
        known = across[np.isfinite(across)]
        if known.size:
            scores[row] = known.mean()
    return scores


def of_insulation(said: Floats, known: Floats) -> float | None:
    """Correlate the insulation of borders, over cells that were measured; None if undefined."""
    ours, theirs = insulation(np.where(np.isfinite(known), said, np.nan)), insulation(known)
    borders = np.isfinite(theirs)
    return correlation(ours[borders], theirs[borders])


class OrcaChr8(Orca):
    """Validation chromosome of Orca; the published evaluator calls it a test."""

    id = "orca-chr8"
    title = "contacts of chromatin in tiles of chr8"
    chrom, evaluator = "chr8", "orca_chr8_test"


class OrcaChr9(Orca):
    """Test chromosome of Orca."""

    id = "orca-chr9"
    title = "contacts of chromatin in tiles of chr9"
    chrom, evaluator = "chr9", "orca_chr9_test"


class OrcaChr10(Orca):
    """Test chromosome of Orca; the published evaluator calls it validation."""

    id = "orca-chr10"
    title = "contacts of chromatin in tiles of chr10"
    chrom, evaluator = "chr10", "orca_chr10_validation"
