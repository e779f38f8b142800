"""`biccn-enhancers`: in which cells of the mouse's cortex is an enhancer at work?

Enhancers that were tested in the living brain, each with the cell type it was seen in; a model is
asked for the accessibility of each in 19 types. The community's own Evaluator has no public source:
the table that is read here is laid out as `docs/game/biccn-enhancers.md` says.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.track_scores import mean_row
from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.benchmarks.predictor_scores import PredictorScores
from genomark.datasets.assemblies import open_assembly
from genomark.datasets.placed import placed
from genomark.errors import DatasetError, UsageError
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import MetricRow, ScoringRule

_FILE = "enhancers.tsv"
_SOURCE = (
    "a table of tested enhancers (enhancer, cell_type, and sequence or chrom, start and end in "
    "mm10; docs/game/biccn-enhancers.md)"
)
_PLACE = ("chrom", "start", "end")
_OVER = "enhancers"

#: Types of the mouse's motor cortex (BICCN), as tables and requests name them.
CELL_TYPES = (
    *("Astro", "Endo", "L2/3 IT", "L5 ET", "L5 IT", "L5/6 NP", "L6 CT", "L6 IT", "L6b", "Lamp5"),
    *("Micro-PVM", "OPC", "Oligo", "Pvalb", "Sncg", "Sst", "Sst Chodl", "VLMC", "Vip"),
)


class BiccnEnhancers(PredictorBenchmark):
    """Accessibility of each enhancer in each of 19 types; the right one should be the highest."""

    id = "biccn-enhancers"
    version = "1"
    title = "cell types of tested enhancers of the mouse's cortex"
    asks = "pairs of enhancer and cell type"
    citation = "BICCN enhancer toolbox, as of DeepBICCN2 (Zenodo 20527751)"
    rule = ScoringRule(
        metrics=("auroc", "average_precision"),
        cluster="cell types",
        grouped=True,
        subcluster=_OVER,
    )

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row an enhancer and cell type; truth is 1 where it was seen at work, else 0."""
        enhancers = self._enhancers
        parts = [
            enhancers.select(
                item_id=pl.format("e{}:{}", pl.col("row"), pl.lit(number)),
                task=pl.lit(cell_type),
                cluster=pl.lit(cell_type),
                subcluster="enhancer",
                truth=(pl.col("cell_type") == cell_type).cast(pl.Float64),
                row="row",
                sequence="sequence",
            )
            for number, cell_type in enumerate(CELL_TYPES)
        ]
        return pl.concat(parts)

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the accessibility of enhancers in one cell type."""
        return PredictRequest(
            readout="point",
            prediction_tasks=[
                PredictionTask(
                    name=items["task"][0],
                    type="accessibility",
                    cell_type=items["task"][0],
                    species="mus_musculus",
                )
            ],
            sequences=dict(items.select("item_id", "sequence").iter_rows()),
        )

    def selected(self, limit: int | None = None) -> pl.DataFrame:
        """Give all items, or about `limit` of them: enhancers in all types, evenly spaced."""
        items, n = self.items, self._enhancers.height
        wanted = n if limit is None else max(1, limit // len(CELL_TYPES))
        if wanted >= n:
            return items
        chosen = np.linspace(0, n - 1, wanted).round().astype(np.int64)
        return items.filter(pl.col("row").is_in(chosen))

    def scored(self, predictions: Path, limit: int | None) -> EnhancerScores:
        """Set predictions beside the truth."""
        return EnhancerScores(super().scored(predictions, limit).frame, self.rule)

    def material(self, limit: int | None = None) -> Material:
        """Sequences of the enhancers, and where they lie if the table says so."""
        known = [name for name in _PLACE if name in self._enhancers.columns]
        places = self._enhancers.select("row", *known)
        items = self.selected(limit).join(places, on="row", how="left", maintain_order="left")
        return Material.of(items, "mm10" if known else None)

    @cached_property
    def _enhancers(self) -> pl.DataFrame:
        return read_enhancers(placed("biccn", _FILE, _SOURCE))

    def _wording(self) -> Any:
        return CELL_TYPES


class EnhancerScores(PredictorScores):
    """One model's answers, and where it sees the right type of each enhancer."""

    def rows(self, asking: Asking) -> list[MetricRow]:
        """Compute the rows of the rule, then where the right type stands among all."""
        ranks = ranks_of_right(self.frame)
        return [
            *super().rows(asking),
            *(
                mean_row(f"mean_{name}", ranks, name, _OVER, asking.seed, unit=unit)
                for name, unit in (("top_1", None), ("top_3", None), ("rank", "of 19"))
            ),
        ]


def ranks_of_right(frame: pl.DataFrame) -> pl.DataFrame:
    """Find where the right type of each enhancer stands among all its types.

    Parameters
    ----------
    frame : polars.DataFrame
        `subcluster` (the enhancer), `truth`, `value` and `reason`, one row a type.

    Returns
    -------
    polars.DataFrame
        One row an enhancer: `cluster`, `rank` (ties count half), `top_1` and `top_3` (the chance
        of being among the first where ties are broken at random), null with its `reason` where a
        type has no answer.
    """
    right = pl.col("value").filter(pl.col("truth") == 1.0).first()
    above = (pl.col("value") > right).sum()
    # Itself among them.
    level = (pl.col("value") == right).sum()
    whole = pl.col("value").null_count() == 0
    found = {
        "rank": above + (level + 1) / 2.0,
        "top_1": ((1.0 - above) / level).clip(0.0, 1.0),
        "top_3": ((3.0 - above) / level).clip(0.0, 1.0),
    }
    return frame.group_by("subcluster", maintain_order=True).agg(
        *(pl.when(whole).then(value).alias(name) for name, value in found.items()),
        reason=pl.col("reason").drop_nulls().first(),
        undefined=pl.lit(None, pl.String),
        cluster=pl.col("subcluster").first().alias("cluster"),
    )


def read_enhancers(file: Path) -> pl.DataFrame:
    """Read the table of enhancers.

    Returns
    -------
    polars.DataFrame
        `row` (from 0), `enhancer`, `cell_type`, `sequence`, and `chrom`, `start`, `end` if given.

    Raises
    ------
    DatasetError
        If it is not laid out as documented, or regions are given and mm10 is not at hand.
    """
    try:
        table = pl.read_csv(file, separator="\t", infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DatasetError(f"{file}: {str(error).partition(chr(10))[0]}") from error
    with_places = all(name in table.columns for name in _PLACE)
    wanted = ["enhancer", "cell_type", *(_PLACE if with_places else ["sequence"])]
    lacking = [name for name in wanted if name not in table.columns]
    if lacking:
        raise DatasetError(f"{file}: no column '{lacking[0]}'; expected {_SOURCE}")
    _check(file, table, wanted)
    if not with_places:
        sequences = table["sequence"].to_list()
    else:
        try:
            table = table.with_columns(pl.col("start", "end").cast(pl.Int64))
        except pl.exceptions.PolarsError as error:
            raise DatasetError(f"{file}: start and end are to be whole numbers") from error
        genome = open_assembly("mm10")
        try:
            sequences = [genome.window(*place) for place in table.select(_PLACE).iter_rows()]
        except UsageError as error:
            raise DatasetError(f"{file}: {error}") from error
    read = table.with_columns(sequence=pl.Series(sequences, dtype=pl.String).str.to_uppercase())
    return read.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


def _check(file: Path, table: pl.DataFrame, wanted: list[str]) -> None:
    if table.is_empty():
        raise DatasetError(f"{file}: no enhancers")
    for name in wanted:
        if table[name].null_count():
            row = table[name].is_null().arg_max()
            raise DatasetError(f"{file}: row {(row or 0) + 1} has no {name}")
    unknown = table.filter(~pl.col("cell_type").is_in(CELL_TYPES))
    if unknown.height:
        raise DatasetError(
            f"{file}: '{unknown['cell_type'][0]}' is none of the cell types {', '.join(CELL_TYPES)}"
        )
    if table["enhancer"].is_duplicated().any():
        twice = table.filter(pl.col("enhancer").is_duplicated())["enhancer"][0]
        raise DatasetError(f"{file}: enhancer '{twice}' is there twice")
