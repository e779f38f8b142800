"""Activity of 56,975 enhancers and promoters in three cell types (Agarwal et al. 2025)."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path

import polars as pl

from genomark.benchmarks.game.mpra_panel import (
    Backbone,
    MpraPanel,
    check_library,
    published_row_of,
    read_backbone,
)
from genomark.datasets import path
from genomark.datasets.xlsx import read_xlsx
from genomark.errors import DatasetError, one_line
from genomark.scoring import MetricRow

logger = logging.getLogger(__name__)

_SEQUENCES = "agarwal2025_sequences"
_MEASURED = "{} [log2(rna/dna)]"


class Agarwal2025(MpraPanel):
    """Expression behind each insert of the lentiMPRA joint library, and what tells cells apart."""

    id = "agarwal2025"
    version = "1"
    title = "activity of human enhancers and promoters in three cell types"
    datasets = ("agarwal2025", _SEQUENCES)
    citation = "Agarwal et al. 2025, Nature 639:411"
    cell_types = {  # noqa: RUF012
        "WTC11": "induced pluripotent stem cells (iPS cells; WTC11)",
        "K562": "lymphoblasts (K562)",
        "HepG2": "human hepatocytes (HepG2)",
    }
    published_as = "Agarwal Joint MPRA"
    contrasts = (("HepG2", "WTC11"), ("HepG2", "K562"), ("WTC11", "K562"))

    def library(self) -> pl.DataFrame:
        """Put the two workbooks together by name."""
        where = path("agarwal2025", "56k_measured_file.xlsx")
        place = path(_SEQUENCES, "56k_measured_final_sequence_file.xlsx")
        measured = _measured(where, list(self.cell_types))
        found = measured.join(_sequences(place), on="name", how="inner", maintain_order="left")
        if found.height < measured.height:
            logger.warning(
                "%s: no sequence for %d of the %d inserts of %s; they are left out",
                place,
                measured.height - found.height,
                measured.height,
                where.name,
            )
        return check_library(str(place), found)

    @cached_property
    def backbone(self) -> Backbone:
        """The plasmid of the assay; the reporter is EGFP."""
        where = path("agarwal2025", "upstream_downstream_backbone.txt")
        return read_backbone(where, "upstream_padded", "downstream", "promoter_coordinates")

    def published(self, frame: pl.DataFrame) -> list[MetricRow]:
        """Compute r in each cell type and between cell types, as published."""
        return [
            *super().published(frame),
            *(
                published_row_of(
                    f"Cell type specific expression ({first} - {second})",
                    # Rows with any NaN are dropped there (GAME 1.0, section 7.3).
                    self.contrast(frame, first, second).drop_nulls("value"),
                    "game_specificity_pearson_r",
                )
                for first, second in self.contrasts
            ),
        ]


def _measured(where: Path, labels: list[str]) -> pl.DataFrame:
    rows = read_xlsx(where)
    headings = next(rows, [])
    wanted = ["name", *(_MEASURED.format(label) for label in labels)]
    missing = [name for name in wanted if name not in headings]
    if missing:
        raise DatasetError(f"{where}: no column '{missing[0]}' in the first sheet")
    places = [headings.index(name) for name in wanted]
    found = [_activities(where, row, places) for row in rows]
    schema = {"name": pl.String, **dict.fromkeys(labels, pl.Float64)}
    return pl.DataFrame(found, schema=schema, orient="row")


def _activities(where: Path, row: list[str], places: list[int]) -> tuple[str | float | None, ...]:
    """Give name and activities of a row; NA and empty cells are not measured."""
    name, *cells = (row[place] if place < len(row) else "" for place in places)
    try:
        values = [None if cell in ("", "NA") else float(cell) for cell in cells]
    except ValueError as error:
        raise DatasetError(f"{where}: row '{one_line(name)}': {error}") from error
    return name, *values


def _sequences(where: Path) -> pl.DataFrame:
    """Name and sequence of each insert: the first and the last column."""
    rows = read_xlsx(where)
    width = len(next(rows, []))
    if width < 2:
        raise DatasetError(f"{where}: expected a name first and a sequence last in each row")
    found = [(row[0], row[-1] if len(row) == width else "") for row in rows]
    schema = {"name": pl.String, "sequence": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row").unique(maintain_order=True)
