"""The measurements of Variant-EFFECTS, each with its sequences as the gene is read.

Both files of a cell type have one row a measurement, in the same order. Sequences are forward, 1 kb
on each side of the edit, so that those of IL2RA, which is on the minus strand, are turned here: the
one without the edit together with the one that has it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import polars as pl

from genomark.datasets import path
from genomark.datasets.genome import reverse_complement
from genomark.datasets.variants import parse_spdi
from genomark.errors import DatasetError, UsageError

NAME = "martyn2025"
#: Letters of a sequence on each side of its edit.
FLANK = 1_000
_TEXTS = ("variant", "gene_symbol", "VariantID_h19")
_NUMBERS = ("log2_fold_change", "fdr_nlog10")

#: Experiment: cell type to ask for, as published.
CELL_TYPES = {"THP1": "THP-1 monocytes", "Jurkat": "Jurkat T cells"}


class Promoter(NamedTuple):
    """What a model is asked about in the long form: hg19, 0-based, half-open, forward strand."""

    strand: str
    chrom: str
    start: int
    end: int


#: Lengths are those of the published ranges. The coordinates are those of the paper.
PROMOTERS = {
    "PPIF": Promoter("+", "chr10", 81_107_026, 81_107_226),
    "IL2RA": Promoter("-", "chr10", 6_104_468, 6_104_652),
}


def stretches(items: pl.DataFrame) -> list[str]:
    """Name for each variant the stretch of the genome that it and those it touches lie in.

    Parameters
    ----------
    items : polars.DataFrame
        Columns `chrom`, `start` and `end`. An insertion touches the letters on both its sides.
    """
    touched = items.select(
        "chrom",
        low=pl.when(pl.col("start") == pl.col("end")).then(pl.col("start") - 1).otherwise("start"),
        high=pl.when(pl.col("start") == pl.col("end")).then(pl.col("end") + 1).otherwise("end"),
    ).with_row_index()
    names = [""] * items.height
    chrom, reach, name = "", -1, ""
    for row, where, low, high in touched.sort("chrom", "low", "high").iter_rows():
        if where != chrom or low >= reach:
            chrom, reach, name = where, high, f"{where}:{low}"
        reach = max(reach, high)
        names[row] = name
    return names


def read_edits(name: str) -> pl.DataFrame:
    """Read the measurements of a cell type.

    Parameters
    ----------
    name : str
        One of `CELL_TYPES`.

    Returns
    -------
    polars.DataFrame
        One row a measurement: `task` (the name), `variant` (SPDI of hg38), `gene`, `chrom`, `start`
        and `end` (of what is replaced, hg38, 0-based, half-open), `hg19` (the id of VCF's kind),
        `measured` (log2 fold change), `fdr`, `reference` and `alternate` (on the gene's strand).

    Raises
    ------
    DatasetError
        If the files cannot be had or read, or a row of one does not fit that of the other.
    """
    table, where = _table(name)
    pairs, place = _pairs(name)
    if table.height != pairs.height:
        raise DatasetError(f"{place}: {pairs.height} rows, {where} has {table.height}")
    rows = []
    both = zip(table.iter_rows(named=True), pairs.iter_rows(), strict=True)
    for line, (measured, (spdi, reference, alternate)) in enumerate(both, start=1):
        try:
            rows.append(_row(measured, spdi, reference, alternate))
        except UsageError as error:
            raise DatasetError(f"{place}, line {line}: {error}") from error
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(task=pl.lit(name))


def _row(
    measured: dict[str, object], spdi: str, reference: str, alternate: str
) -> dict[str, object]:
    """Check one measurement against its sequences, and turn these as the gene is read."""
    gene = str(measured["gene_symbol"])
    if measured["variant"] != spdi:
        raise UsageError(f"the sequences are of {spdi}, the measurement of {measured['variant']}")
    if gene not in PROMOTERS:
        raise UsageError(f"gene '{gene}'; expected one of {', '.join(PROMOTERS)}")
    variant = parse_spdi(spdi, "hg38")
    if variant.applied(reference, variant.start - FLANK) != alternate:
        raise UsageError(f"the alternate sequence is not the reference with {spdi}")
    if PROMOTERS[gene].strand == "-":
        reference, alternate = reverse_complement(reference), reverse_complement(alternate)
    return {
        "variant": spdi,
        "gene": gene,
        "chrom": variant.chrom,
        "start": variant.start,
        "end": variant.end,
        "hg19": str(measured["VariantID_h19"]),
        "measured": measured["log2_fold_change"],
        "fdr": 10.0 ** -float(str(measured["fdr_nlog10"])),
        "reference": reference,
        "alternate": alternate,
    }


def _table(name: str) -> tuple[pl.DataFrame, Path]:
    where = path(NAME, f"{name}/all_{name}.tsv")
    try:
        columns = [*_TEXTS, *_NUMBERS]
        table = pl.read_csv(where, separator="\t", columns=columns).with_columns(
            pl.col(_TEXTS).cast(pl.String), pl.col(_NUMBERS).cast(pl.Float64)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        wanted = ", ".join([*_TEXTS, *_NUMBERS])
        first = str(error).splitlines()[0]
        raise DatasetError(f"{where}: expected a table with tabs and {wanted}: {first}") from error
    numbers = pl.col(_NUMBERS)
    for line, *values in table.with_row_index(offset=2).select("index", numbers).iter_rows():
        if any(value is None or not math.isfinite(value) for value in values):
            raise DatasetError(f"{where}, line {line}: no log2_fold_change or no fdr_nlog10")
    return table, where


def _pairs(name: str) -> tuple[pl.DataFrame, Path]:
    where = path(NAME, f"{name}/all_{name}_sequences.tsv")
    columns = ["spdi", "reference", "alternate"]
    try:
        found = pl.read_csv(
            where,
            separator=" ",
            has_header=False,
            new_columns=columns,
            schema_overrides=[pl.String] * 3,
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0]
        raise DatasetError(f"{where}: expected a table with blanks: {first}") from error
    if found.width != len(columns) or any(found.null_count().row(0)):
        raise DatasetError(f"{where}: expected SPDI, reference and alternate in each row")
    return found, where
