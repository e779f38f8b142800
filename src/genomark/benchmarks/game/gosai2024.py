"""Activity of 50,748 designed sequences in three cell lines (Gosai et al. 2024)."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import polars as pl

from genomark.benchmarks.game.mpra_panel import (
    Backbone,
    MpraPanel,
    all_contrasts,
    check_library,
    read_backbone,
)
from genomark.datasets import path
from genomark.datasets.integrity import way_to_get_again
from genomark.errors import DatasetError

_DATA = "gosai2024_synthetic"
_FILE = "41586_2024_8070_MOESM14_ESM.txt"
#: Generators whose designs are scored; the other rows are natural sequences and controls.
ORIGINS = ("Simulated_Annealing", "FastSeqProp", "AdaLead")
_MEASURED = {"K562": "K562_l2fc", "HepG2": "HepG2_l2fc", "SK-N-SH": "SKNSH_l2fc"}
#: Lines above the headings, at most.
_PREAMBLE = 50
_LONGEST_LINE = 100_000


class Gosai2024(MpraPanel):
    """Expression behind each designed sequence, and what tells cell lines apart."""

    id = "gosai2024"
    version = "1"
    title = "activity of designed enhancers in three cell lines"
    datasets = (_DATA,)
    citation = "Gosai et al. 2024, Nature 634:1211"
    cell_types = {  # noqa: RUF012
        "K562": "K562 (erythroid precursors)",
        "HepG2": "HepG2 (hepatocytes)",
        "SK-N-SH": "SK-N-SH (neuroblastoma)",
    }
    published_as = "Gosai Synthetic MPRA"
    contrasts = all_contrasts(cell_types)

    def library(self) -> pl.DataFrame:
        """Read the designs of the three generators."""
        where = path(_DATA, _FILE)
        columns = {"name": "ID", "sequence": "sequence", "origin": "origin", **_MEASURED}
        table = _table(where, list(columns.values()))
        return check_library(
            str(where),
            table.filter(pl.col("origin").is_in(ORIGINS)).select(
                **{name: pl.col(column) for name, column in columns.items()}
            ),
        )

    @cached_property
    def backbone(self) -> Backbone:
        """The plasmid of the assay; the reporter is GFP."""
        where = path(_DATA, "upstream_downstream_backbone.txt")
        return read_backbone(where, "upstream", "downstream_padded", "gene_coordinates")


def _table(where: Path, columns: list[str]) -> pl.DataFrame:
    numbers = set(_MEASURED.values())
    types = {name: pl.Float64 if name in numbers else pl.String for name in columns}
    try:
        return pl.read_csv(
            where,
            separator="\t",
            skip_lines=_headings(where, columns),
            columns=columns,
            schema_overrides=types,
            null_values=["NA", ""],
            quote_char=None,
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0]
        raise DatasetError(
            f"{where}: not the table it should be: {first}{way_to_get_again(where)}"
        ) from error


def _headings(where: Path, columns: list[str]) -> int:
    """Count the lines above the headings."""
    try:
        with where.open(encoding="utf-8") as lines:
            for number in range(_PREAMBLE):
                if set(columns) <= set(lines.readline(_LONGEST_LINE).rstrip("\r\n").split("\t")):
                    return number
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"Cannot read {where}: {error}") from error
    raise DatasetError(
        f"{where}: no headings {', '.join(columns)}, with tabs, in its first {_PREAMBLE} lines"
        f"{way_to_get_again(where)}"
    )
