"""Gene-disease associations of Open Targets, as a regression on pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.genes.sources.ensembl import read_symbols
from genomark.genes.sources.source import KnownTask, RemoteFolder, Settings, Source
from genomark.genes.task import GeneTask

NAME = "open-targets"
TASK = "Gene Disease Association"
URL = (
    "https://ftp.ebi.ac.uk/pub/databases/opentargets/platform/23.09/output/etl/parquet/"
    "associationByOverallDirect/"
)

_COLUMNS = {"targetId": pl.String, "diseaseId": pl.String, "score": pl.Float64}


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read the direct overall associations.

    Parameters
    ----------
    files : sequence of Path
        Parquet, with columns ``targetId`` (Ensembl id), ``diseaseId`` and ``score`` (0 to 1);
        other files are passed over.
    settings : Settings
        `hgnc` is needed.

    Yields
    ------
    GeneTask
        One regression on (``symbol``, ``diseaseId``), sorted by both: the mean score of the pair.
        Genes that HGNC does not know are left out.

    Raises
    ------
    UsageError
        When no file is parquet, or one is not as it should be.
    """
    parts = [file for file in files if file.suffix == ".parquet"]
    if not parts:
        raise UsageError(f"{files[0]}: no parquet file (*.parquet) of associationByOverallDirect")
    names = read_symbols(settings)
    table = pl.concat([_read(part) for part in sorted(parts)])
    symbols = pl.DataFrame(
        {"targetId": list(names), "symbol": list(names.values())},
        schema={"targetId": pl.String, "symbol": pl.String},
    )
    known = table.join(symbols, on="targetId", how="inner")
    if known.is_empty():
        raise UsageError(f"{parts[0]}: no targetId is an Ensembl id that HGNC knows")
    # Sorted through and through, since the sum of three numbers depends on their order.
    pairs = (
        known.sort("symbol", "diseaseId", "targetId", "score")
        .group_by("symbol", "diseaseId", maintain_order=True)
        .agg(pl.col("score").mean())
    )
    notes = []
    if left := table.height - known.height:
        notes.append(
            f"{left:,} of {table.height:,} associations left out: HGNC does not know the gene"
        )
    yield GeneTask(
        name=TASK,
        kind="regression",
        entities=pairs.select("symbol", "diseaseId"),
        labels=("score",),
        targets=pairs.select("score").to_numpy(),
        notes=tuple(notes),
    )


def _read(part: Path) -> pl.DataFrame:
    try:
        table = pl.read_parquet(part)
        read = table.select(pl.col(name).cast(kind) for name, kind in _COLUMNS.items())
    except pl.exceptions.ColumnNotFoundError as error:
        raise UsageError(
            f"{part}: expected the columns {', '.join(_COLUMNS)}; it has {', '.join(table.columns)}"
        ) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"{part}: not a parquet file, or cut short ({reason})") from error
    if read.null_count().sum_horizontal().item():
        raise UsageError(f"{part}: an association without gene, disease or score")
    return read


SOURCE = Source(
    name=NAME,
    title="Open Targets 23.09: scores of gene-disease associations",
    home="https://platform.opentargets.org/downloads",
    licence="CC0",
    citation="Ochoa et al. 2023, Nucleic Acids Res 51:D1353",
    remotes=(RemoteFolder(URL, r"part-\d{5}-[0-9a-z-]+\.snappy\.parquet", 100_000_000),),
    tasks=(KnownTask(TASK, "biological processes", NAME, "regression"),),
    files="the parquet files of associationByOverallDirect, or their folder",
    parse=parse,
    heeds=frozenset({"hgnc"}),
)
