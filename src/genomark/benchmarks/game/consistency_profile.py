"""`consistency-profile`: what changes a model's answer that ought not to.

Windows of real sequence are asked for again and again: as the other strand, further along in the
input, in another order, among strangers, alone, with N around them, with what really lies around
them. Of each the question is how far both answers are one.
"""

from __future__ import annotations

import gzip
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import UNSET

from genomark.benchmarks.game.consistency_scores import PairScores
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.datasets import path
from genomark.datasets.genome import reverse_complement
from genomark.errors import CapabilityError, DatasetError
from genomark.models import ItemPredictor, Model, TrainingSplit
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ModelIdentity, ScoringRule

_WINDOWS = 64
_LENGTH = 512
_FLANK = 1_024
#: Bases that a window is moved by: no bin of a model has a size that divides it.
_SHIFT = 7
#: Windows that are also asked alone; each is a request.
_ALONE = 16
#: Distance between the starts of windows looked at, bp.
_STEP = 12_000
_MARGIN = _FLANK + _SHIFT
_SEED = 20260625
_TASK = PredictionTask(
    name="profile", type="accessibility", cell_type="K562", species="homo_sapiens"
)

#: What is changed: which two ways of asking are compared.
KINDS = {
    "reverse_complement": ("plain", "other strand"),
    "shift": ("within", "further along"),
    "order": ("plain", "backwards"),
    "batch": ("plain", "among strangers"),
    "chunk": ("plain", "alone"),
    "n_flank": ("plain", "within N"),
    "real_flank": ("plain", "within"),
}
#: What lies around a window is news to a model; all else must leave its answer as it is.
_TOLD_BESIDE = "real_flank"
_STRANGERS = "among strangers"


class ConsistencyProfile(PredictorBenchmark):
    """Answers to 64 windows of chr1, each asked for in eight ways."""

    id = "consistency-profile"
    #: What else is asked is what it is about.
    divisible = False
    version = "1"
    title = "agreement of answers to one window asked for in many ways"
    asks = "questions"
    datasets = ("hg38_1m",)
    citation = "genomark, docs/game/consistency.md"
    rule = ScoringRule(metrics=("concordance",), cluster="windows", grouped=True)

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row a window and way of asking: `way`, `sequence`, and where its range begins."""
        rows = []
        for window, (start, chromosome) in enumerate(self._starts()):
            for way, (sequence, first) in asked(chromosome, start).items():
                if way != "alone" or window < _ALONE:
                    rows.append((way, window, sequence, first))
        order = list(dict.fromkeys(way for pair in KINDS.values() for way in pair))
        rows.sort(key=lambda row: (order.index(row[0]), row[1]))
        frame = pl.DataFrame(rows, schema=["way", "window", "sequence", "first"], orient="row")
        numbers = np.random.RandomState(_SEED).permutation(frame.height)
        # Each lone window is a request of its own.
        alone = pl.format("alone {}", "window")
        return frame.with_columns(
            item_id=pl.Series([f"q{number:04}" for number in numbers]),
            task=pl.when(pl.col("way") == "alone").then(alone).otherwise("way"),
            cluster=pl.format("window{}", "window"),
            truth=pl.lit(None, pl.Float64),
        )

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for some windows in one way."""
        way = items["way"][0]
        rows = list(items.select("item_id", "sequence", "first").iter_rows())
        if way == "backwards":
            rows.reverse()
        sequences = {name: sequence for name, sequence, _ in rows}
        if way == _STRANGERS:
            sequences = _among_strangers(sequences)
        ranges = {name: [first, first + _LENGTH - 1] for name, _, first in rows if first >= 0}
        return PredictRequest(
            readout="point",
            prediction_tasks=[_TASK],
            sequences=sequences,
            prediction_ranges=ranges or UNSET,
        )

    def selected(self, limit: int | None = None) -> pl.DataFrame:
        """Give all items, or about `limit` of them: the first windows, in every way."""
        items = self.items
        if limit is None or limit >= items.height:
            return items
        ways = items["way"].n_unique()
        return items.filter(pl.col("window") < max(1, limit // ways))

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Say who would answer; there is no truth to read."""
        if isinstance(model, ItemPredictor) and model.reads_answers:
            raise CapabilityError(f"'{model.info.id}' cannot be asked: '{self.id}' has no answers")
        return super().identify(model)

    def scored(self, predictions: Path, limit: int | None) -> PairScores:  # type: ignore[override]
        """Set the answers to each window beside each other, kind by kind."""
        frame = self.selected(limit).join(
            pl.read_parquet(predictions).select("item_id", "value", "reason"),
            on="item_id",
            how="left",
            maintain_order="left",
            validate="1:1",
        )
        ranked = [kind for kind in KINDS if kind != _TOLD_BESIDE]
        return PairScores(
            frame.select("item_id", "value", "reason"), _pairs(frame), "windows", ranked
        )

    def _starts(self) -> list[tuple[int, str]]:
        """Choose windows whose surroundings have no N, evenly spaced."""
        chromosome = _letters(path("hg38_1m", "hg38_1m.fa.gz"))
        known = [
            start
            for start in range(_MARGIN, len(chromosome) - _LENGTH - _MARGIN, _STEP)
            if "N" not in chromosome[start - _MARGIN : start + _LENGTH + _MARGIN]
        ]
        chosen = np.linspace(0, len(known) - 1, _WINDOWS).round().astype(np.int64)
        return [(known[number], chromosome) for number in chosen.tolist()]

    def _wording(self) -> Any:
        return [_TASK, KINDS, _SHIFT, _LENGTH]


def asked(chromosome: str, start: int) -> dict[str, tuple[str, int]]:
    """Write the ways in which a window is asked for.

    Parameters
    ----------
    chromosome : str
    start : int
        Of the window, 0-based.

    Returns
    -------
    dict of str to (str, int)
        The sequence that is sent, and where in it the window begins; -1 if it is all of it.
    """
    end = start + _LENGTH
    window = chromosome[start:end]
    unknown = "N" * _FLANK
    moved = start - _SHIFT
    return {
        "plain": (window, -1),
        "other strand": (reverse_complement(window), -1),
        "within": (chromosome[start - _FLANK : end + _FLANK], _FLANK),
        # The same bases, further along in an input of the same length.
        "further along": (chromosome[moved - _FLANK : moved + _LENGTH + _FLANK], _FLANK + _SHIFT),
        "backwards": (window, -1),
        _STRANGERS: (window, -1),
        "alone": (window, -1),
        "within N": (unknown + window + unknown, _FLANK),
    }


def _pairs(frame: pl.DataFrame) -> pl.DataFrame:
    numbered = frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    parts = []
    for kind, (here, there) in KINDS.items():
        one = numbered.filter(pl.col("way") == here).select("window", "cluster", here="row")
        other = numbered.filter(pl.col("way") == there).select("window", there="row")
        joined = one.join(other, on="window", maintain_order="left")
        parts.append(joined.select(pl.lit(kind).alias("group"), "cluster", "here", "there"))
    return pl.concat(parts)


def _among_strangers(sequences: dict[str, str]) -> dict[str, str]:
    """Put a random sequence of another length before each."""
    random = np.random.RandomState(_SEED)
    mixed: dict[str, str] = {}
    for number, (name, sequence) in enumerate(sequences.items()):
        letters = random.randint(0, 4, size=random.randint(_LENGTH // 4, 4 * _LENGTH))
        mixed[f"x{number:04}"] = "".join(np.array(list("ACGT"))[letters])
        mixed[name] = sequence
    return mixed


def _letters(file: Path) -> str:
    try:
        with gzip.open(file, "rt", encoding="ascii") as lines:
            header, _, sequence = lines.read().partition("\n")
    except (OSError, EOFError, ValueError) as error:
        raise DatasetError(f"{file}: expected packed FASTA ({error})") from error
    if not header.startswith(">"):
        raise DatasetError(f"{file}: expected packed FASTA of one chromosome")
    return sequence.replace("\n", "").upper()
