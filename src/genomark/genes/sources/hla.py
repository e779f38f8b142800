"""HLA genes of class I against class II, from the names HGNC gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.genes.sources.files import only
from genomark.genes.sources.reading import read_columns
from genomark.genes.sources.source import KnownTask, RemoteFile, Settings, Source
from genomark.genes.task import GeneTask, make_task

NAME = "hla"
TASK = "HLA class I vs class II"
URL = "https://www.genenames.org/cgi-bin/genegroup/download?id=588&type=node"

_CLASSES = ("class I", "class II")


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read the table of HGNC gene group 588.

    The class is the second part of a name like ``major histocompatibility complex, class I, A``.

    Parameters
    ----------
    files : sequence of Path
        The one table, with columns ``Approved symbol`` and ``Approved name``.
    settings : Settings
        None is heeded.

    Yields
    ------
    GeneTask
        One binary task; class I is the positive class. Genes whose name has no class are left out.

    Raises
    ------
    UsageError
        When the file is not that table.
    """
    path = only(files, "the table of HGNC gene group 588")
    table = read_columns(path, ["Approved symbol", "Approved name"], separator="\t")
    parts = pl.col("Approved name").str.split(",").list.get(1, null_on_oob=True)
    table = table.with_columns(Outcomes=parts.str.strip_chars())
    kept = table.filter(pl.col("Outcomes").is_in(_CLASSES))
    if kept["Outcomes"].n_unique() != len(_CLASSES):
        raise UsageError(
            f"{path}: no names of both classes, such as 'major histocompatibility complex, "
            "class I, A'"
        )
    task = make_task(
        TASK,
        kept.select(symbol="Approved symbol"),
        kept.select("Outcomes"),
        kind="binary",
        positive=_CLASSES[0],
    )
    if left := table.height - kept.height:
        note = f"{left} genes of the group left out: their names are of neither class"
        task = replace(task, notes=(*task.notes, note))
    yield task


SOURCE = Source(
    name=NAME,
    title="HGNC gene group 588: HLA genes of class I and class II",
    home="https://www.genenames.org/data/genegroup/#!/group/588",
    licence="CC0",
    citation="Seal et al. 2023, Nucleic Acids Res 51:D1003",
    remotes=(RemoteFile("hgnc_group_588.tsv", URL, 5_000_000),),
    tasks=(KnownTask(TASK, "biological processes", NAME, "binary"),),
    files="the group's table as TSV",
    parse=parse,
)
