"""`consistency-point`, `consistency-track`, `consistency-mouse`: does a model read both strands?

Accessibility of a sequence and of its reverse complement ought to be the same. The published number
is one correlation over natural and shuffled sequences together, which differ so much in make-up
that counting letters reaches 1; here each background stands by itself.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.game.consistency_scores import PairScores, pairs_of
from genomark.benchmarks.game.consistency_sequences import BACKGROUNDS, consistency_sequences
from genomark.benchmarks.game.published import published_pearson, published_row
from genomark.benchmarks.game.track_benchmark import TrackBenchmark
from genomark.benchmarks.game.track_pair_scores import TrackPairScores
from genomark.benchmarks.game.track_scores import (
    constant,
    correlation,
    published_correlation,
)
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.errors import CapabilityError
from genomark.models import ItemPredictor, Model, TrainingSplit
from genomark.protocol import PredictionTask, PredictRequest, bases_of_bins
from genomark.scoring import MetricRow, ModelIdentity, ScoringRule

Floats = NDArray[np.float64]

_CITATION = "GAME consistency Evaluators, bioRxiv 10.1101/2025.07.04.663250"
_OVER = "peaks"
_MEASURES = ("concordance", "pearson", "absolute_difference")


def _task(cell_type: str, species: str) -> PredictionTask:
    """No scale is asked for: whatever a model has, it must agree with itself."""
    return PredictionTask(
        name="strands", type="accessibility", cell_type=cell_type, species=species
    )


def _items(task: str) -> pl.DataFrame:
    """Give sequences ids and an order that tell neither strand nor background."""
    sequences = consistency_sequences()
    numbers = np.random.RandomState(0).permutation(sequences.height)
    return sequences.with_columns(
        item_id=pl.Series([f"s{number:05}" for number in numbers]),
        task=pl.lit(task),
        cluster=pl.format("peak{}", "peak"),
        truth=pl.lit(None, pl.Float64),
        length=pl.col("sequence").str.len_bytes().cast(pl.Int64),
    ).sort("item_id")


def _selected(items: pl.DataFrame, limit: int | None) -> pl.DataFrame:
    """Take so many items that whole peaks are chosen, evenly spaced: pairs are not parted."""
    peaks = items["peak"].n_unique()
    wanted = peaks if limit is None else max(1, limit * peaks // items.height)
    if wanted >= peaks:
        return items
    chosen = np.linspace(0, peaks - 1, wanted).round().astype(np.int64)
    return items.filter(pl.col("peak").is_in(chosen))


class ConsistencyPoint(PredictorBenchmark):
    """One number for each sequence, and for its reverse complement, in K562.

    Attributes
    ----------
    evaluator : str
        What the published evaluator is called.
    wording : PredictionTask
        What is asked.
    """

    id = "consistency-point"
    version = "1"
    title = "agreement of both strands, a number a sequence (K562)"
    asks = "sequences"
    citation = _CITATION
    rule = ScoringRule(metrics=("concordance",), cluster=_OVER, grouped=True)
    #: 6.4 million bases.
    max_request_items = 64

    evaluator: ClassVar[str] = "Consistency_Point_K562"
    wording: ClassVar[PredictionTask] = _task("K562", "homo_sapiens")

    @cached_property
    def items(self) -> pl.DataFrame:
        """Every sequence, and its reverse complement."""
        return _items(self.wording.name)

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the accessibility of each sequence."""
        return PredictRequest(
            readout="point",
            prediction_tasks=[self.wording],
            sequences=dict(items.select("item_id", "sequence").iter_rows()),
        )

    def selected(self, limit: int | None = None) -> pl.DataFrame:
        """Give all items, or about `limit` of them: whole peaks."""
        return _selected(self.items, limit)

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Say who would answer; there is no truth to read."""
        if isinstance(model, ItemPredictor) and model.reads_answers:
            raise CapabilityError(f"'{model.info.id}' cannot be asked: '{self.id}' has no answers")
        return super().identify(model)

    def scored(self, predictions: Path, limit: int | None) -> PairScores:  # type: ignore[override]
        """Set each sequence beside its reverse complement."""
        frame = self.selected(limit).join(
            pl.read_parquet(predictions).select("item_id", "value", "reason"),
            on="item_id",
            how="left",
            maintain_order="left",
            validate="1:1",
        )
        pairs = pairs_of(frame, [pl.col("background").alias("group"), "cluster"])
        values = frame["value"].to_numpy()
        return PairScores(
            frame.select("item_id", "value", "reason"),
            pairs,
            _OVER,
            BACKGROUNDS,
            lambda: [self._pooled(values, pairs)],
        )

    def _pooled(self, values: Floats, pairs: pl.DataFrame) -> MetricRow:
        """Give the published number: r over all pairs, whatever their background."""
        here, there = (values[pairs[side].to_numpy()] for side in ("here", "there"))
        # One side without an answer is as bad as the other.
        here = np.where(np.isnan(there), np.nan, here)
        n_clusters = pairs["cluster"].n_unique()
        return published_pearson(here, there, self.evaluator, n_clusters=n_clusters)

    def _wording(self) -> Any:
        return self.wording


class ConsistencyMouse(ConsistencyPoint):
    """The same of astrocytes of the mouse, on the same human sequences, as published."""

    id = "consistency-mouse"
    title = "agreement of both strands, a number a sequence (astrocytes of the mouse)"
    evaluator = "Consistency_Point_Astrocyte"
    wording = _task("Astrocyte", "mus_musculus")


class ConsistencyTrack(TrackBenchmark):
    """A track along each sequence, and along its reverse complement."""

    id = "consistency-track"
    version = "1"
    title = "agreement of both strands, track by track (K562)"
    asks = "sequences"
    citation = _CITATION
    wording = _task("K562", "homo_sapiens")

    @property
    def headlines(self) -> tuple[str, ...]:
        """Means over pairs."""
        return ("mean_concordance", "mean_pearson")

    @cached_property
    def items(self) -> pl.DataFrame:
        """Every sequence, and its reverse complement."""
        return _items(self.wording.name).drop("truth", "task")

    def sequences(self, items: pl.DataFrame) -> list[str]:
        """Give them."""
        return items["sequence"].to_list()

    def selected(self, limit: int | None = None) -> pl.DataFrame:
        """Give all items, or about `limit` of them: whole peaks."""
        return _selected(self.items, limit)

    def scored(self, predictions: Path, limit: int | None) -> TrackPairScores:
        """Set the track of each sequence beside that of its reverse complement."""
        frame = (
            self.selected(limit)
            .drop("sequence")
            .join(
                pl.read_parquet(predictions).drop("task"),
                on="item_id",
                how="left",
                maintain_order="left",
                validate="1:1",
            )
        )
        pairs = pairs_of(frame, [pl.col("background").alias("group"), "cluster"])
        rows = [
            _judged(frame[here], frame[there]) for here, there in zip(*_sides(pairs), strict=True)
        ]
        judged = pairs.hstack(pl.DataFrame(rows, schema=_JUDGED))
        return TrackPairScores(
            frame.select("item_id", "reason", answered=pl.col("value").is_not_null()),
            judged,
            _MEASURES,
            _OVER,
            lambda: [_published_track(judged)],
        )


_JUDGED: dict[str, Any] = {
    **dict.fromkeys(_MEASURES, pl.Float64),
    "reason": pl.String,
    "undefined": pl.String,
    "published": pl.Float64,
}


def _sides(pairs: pl.DataFrame) -> tuple[list[int], list[int]]:
    return pairs["here"].to_list(), pairs["there"].to_list()


def _judged(forward: pl.DataFrame, reverse: pl.DataFrame) -> dict[str, Any]:
    for side in (forward, reverse):
        if side["value"][0] is None:
            return {**dict.fromkeys(_JUDGED), "reason": side["reason"][0] or "no answer"}
    here, there = _by_base(forward), _by_base(reverse)[::-1]
    raw, other = (side["value"][0].to_numpy().astype(np.float64) for side in (forward, reverse))
    same = raw.size == other.size
    return {
        **judge(here, there),
        "reason": None,
        # Bins as they came, wherever they lie; a pair of different lengths ends the evaluation.
        "published": published_correlation(raw, other[::-1]) if same else None,
    }


def judge(here: Floats, there: Floats) -> dict[str, Any]:
    """Judge how far the tracks of both strands agree.

    Parameters
    ----------
    here, there : ndarray of float64, shape (length,)
        Base by base, both in the direction of the forward strand.

    Returns
    -------
    dict
        `concordance`, `pearson`, `absolute_difference` (its mean, in standard deviations along
        the region; each None where undefined) and `undefined` (why).
    """
    if constant(here) or constant(there):
        return {**dict.fromkeys(_MEASURES), "undefined": "constant prediction"}
    apart, variance = np.abs(here - there), (here.var() + there.var()) / 2.0
    return {
        "concordance": float(1.0 - apart @ apart / apart.size / (2.0 * variance)),
        "pearson": correlation(here, there),
        "absolute_difference": float(apart.mean() / np.sqrt(variance)),
        "undefined": None,
    }


def _by_base(item: pl.DataFrame) -> Floats:
    values = item["value"][0].to_numpy().astype(np.float64)
    length, bin_size, trim = (item[name][0] for name in ("length", "bin_size", "trim_upstream"))
    return bases_of_bins(values, bin_size, length, trim)


def _published_track(pairs: pl.DataFrame) -> MetricRow:
    lost = pairs["published"].null_count()
    value = reason = None
    if lost or pairs.is_empty():
        reason = f"{lost:,} of {pairs.height:,} pairs have no two tracks of one length"
    else:
        value = float(pairs["published"].to_numpy().mean())
    n_clusters = pairs["cluster"].n_unique()
    return published_row(
        "game_pearson_r", "Consistency_Track_K562", value, reason, pairs.height, n_clusters
    )
